//! Do an exchange, its request and response, and what was read of it say the same?

use schemas::{
    Digest, canonical,
    capture::{Exchange, Line},
    segment::{Capture, CaptureKind, Conversion, RecordAt, View},
};
use warc::RecordType;

use crate::{
    captures::{Counts, Judge},
    verdict::Findings,
};

impl Judge<'_> {
    pub(crate) fn exchange(
        &self,
        view: &View<'_>,
        capture: &Capture<'_>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        let CaptureKind::Exchange(exchange) = &capture.kind else {
            return;
        };
        let place = self.place(capture.unit);
        if exchange.v != 1 {
            out.wrong(
                "exchange",
                &*place,
                format!(
                    "format version {} of an exchange is not known to this release",
                    exchange.v
                ),
            );
        }
        if let Some((_, run)) = &view.run
            && exchange.target != run.target.digest()
        {
            out.wrong(
                "exchange",
                &*place,
                "it ran under another target than its run's",
            );
        }
        if let (Some(peer), Some(connected)) = (exchange.peer, exchange.ask.connected)
            && peer.ip().to_canonical() != connected.to_canonical()
        {
            out.wrong(
                "exchange",
                &*place,
                "the peer is another address than the one that was judged",
            );
        }
        for record in [capture.request, capture.response].into_iter().flatten() {
            self.record(record, capture, exchange, out);
        }
        if let Some(conversion) = capture.conversion {
            self.lines(conversion, Some((capture, exchange)), view, counts, out);
        }
    }

    /// Block and payload digests, address, date and peer of a request or response.
    fn record(
        &self,
        at: &RecordAt,
        capture: &Capture<'_>,
        exchange: &Exchange,
        out: &mut Findings,
    ) {
        let place = self.place(at.unit);
        let record = &at.record;
        if record.get("WARC-Block-Digest") != Some(&*warc::digest_sha256(&record.block)) {
            out.wrong(
                "block-digest",
                &*place,
                "WARC-Block-Digest is not the digest of the block",
            );
        }
        if record.kind() == RecordType::Response {
            let body = warc::http::parse(&record.block)
                .ok()
                .and_then(|head| record.block.get(head.body_offset..));
            if record.get("WARC-Payload-Digest") != body.map(warc::digest_sha256).as_deref() {
                out.wrong(
                    "payload-digest",
                    &*place,
                    "WARC-Payload-Digest is not the digest of the body",
                );
            }
        }
        if record.get("WARC-Target-URI") != exchange.decision.url.as_deref() {
            out.wrong(
                "address",
                &*place,
                "WARC-Target-URI is not the address that was permitted",
            );
        }
        if record.date() != capture.date {
            out.wrong(
                "date",
                &*place,
                "request, response and decision bear different dates",
            );
        }
        let ip = record
            .get("WARC-IP-Address")
            .and_then(|text| text.parse::<std::net::IpAddr>().ok());
        if ip.map(|ip| ip.to_canonical()) != exchange.ask.connected.map(|ip| ip.to_canonical()) {
            out.wrong(
                "address",
                &*place,
                "WARC-IP-Address is not the address that was judged",
            );
        }
    }

    pub(crate) fn lines(
        &self,
        conversion: &Conversion,
        of: Option<(&Capture<'_>, &Exchange)>,
        view: &View<'_>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        let gone = conversion
            .lines
            .iter()
            .any(|line| matches!(line.line, Line::Tombstone(_)));
        let mut items = Vec::new();
        let mut found = [0_u64; 3];
        for (number, at) in conversion.lines.iter().enumerate() {
            let place = self.place(at.unit);
            match &at.line {
                Line::Header(header) => {
                    if number != 0 || header.v != 1 {
                        out.wrong(
                            "conversion",
                            &*place,
                            "a header that is not the first line, or of another version",
                        );
                    }
                    match view.run.as_ref().map(|(_, run)| &run.reader) {
                        Some(of_run) if of_run.name != header.reader.name => {
                            out.wrong(
                                "conversion",
                                &*place,
                                "it was read by another collector than its run's",
                            );
                        }
                        Some(of_run) if *of_run != header.reader => {
                            out.note(
                                "other-reader",
                                &*place,
                                "it was read by another version than its run names",
                            );
                        }
                        _ => {}
                    }
                    if let Some((capture, exchange)) = of {
                        let step = canonical::to_canonical(&exchange.step)
                            .ok()
                            .map(|bytes| Digest::of(&bytes));
                        if header.response != exchange.response
                            || header.captured_at != capture.date
                            || Some(header.step) != step
                        {
                            out.wrong(
                                "conversion",
                                &*place,
                                "its header names another response, date or step than the exchange",
                            );
                        }
                    }
                }
                Line::Record(line) => {
                    counts.records += 1;
                    found[0] += 1;
                    match line.item.content_hash() {
                        Ok(content) if content == line.content => {}
                        Ok(_) => out.wrong(
                            "content",
                            &*place,
                            "the content hash is not that of the record",
                        ),
                        Err(why) => out.wrong(
                            "content",
                            &*place,
                            format!("the record has no content hash: {why}"),
                        ),
                    }
                }
                Line::Gone(_) => found[1] += 1,
                Line::Unreadable(_) => found[2] += 1,
                Line::End(end) => {
                    if number + 1 != conversion.lines.len() {
                        out.wrong("conversion", &*place, "an end that is not the last line");
                    }
                    // Which lines there were can be told only where all of them are. The unit tree already holds each in its place: a wrong
                    // sum says that the agent reckons badly, not that anything was changed.
                    if !self.partial && !gone {
                        if end.counts != found {
                            out.note(
                                "reading",
                                &*place,
                                "its end counts other lines than there are",
                            );
                        }
                        if end.items.is_some_and(|said| said != Digest::of(&items)) {
                            out.note(
                                "reading",
                                &*place,
                                "its end names other lines than there are",
                            );
                        }
                    }
                }
                Line::Tombstone(_) => {}
            }
            if !matches!(at.line, Line::Header(_) | Line::End(_)) {
                items.extend_from_slice(&Digest::of(&at.said).0);
            }
        }
    }
}
