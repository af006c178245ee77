//! Does what a segment says hold together, and was every capture permitted?
//!
//! Works on whole segments and on the part of one that a bundle holds: what is absent is passed over here and named by the caller.

use std::collections::BTreeSet;

use schemas::{
    Digest, canonical,
    capture::{Exchange, Line, Run},
    gate::{self, RobotsCopy},
    judge::{CaptureVerdict, Captured, judge_with, policy_of_run},
    policy::{CLOCK_TOLERANCE, Policy, open_issue},
    segment::{Capture, CaptureKind, Conversion, RecordAt, Segment, View},
};
use tlog::VerifierKey;
use warc::RecordType;

use crate::{
    replay::{Replay, chain},
    verdict::Findings,
};

/// What a segment is judged against.
pub(crate) struct Judge<'a> {
    pub replay: &'a Replay,
    pub log_key: &'a VerifierKey,
    /// Index of the manifest's leaf.
    pub leaf: u64,
    /// The collector the agent was enrolled for.
    pub collector: Option<&'a str>,
    /// True where units are absent from the view, erased or not included.
    pub partial: bool,
    /// How places are named: `segments/ab/….warc.gz` or nothing.
    pub name: &'a str,
}

/// What was recomputed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub captures: u64,
    pub late: u64,
    pub records: u64,
}

impl Judge<'_> {
    pub fn place(&self, unit: u64) -> String {
        if self.name.is_empty() {
            format!("unit {unit}")
        } else {
            format!("{}, unit {unit}", self.name)
        }
    }

    /// Checks everything the view shows.
    pub fn check(&self, segment: &Segment, view: &View<'_>, out: &mut Findings) -> Counts {
        let mut counts = Counts::default();
        self.start(segment, view, out);
        let named = view
            .run
            .as_ref()
            .and_then(|(unit, run)| self.run(*unit, run, segment, out));
        if let (Some((_, run)), Some((unit, commit))) = (&view.run, &view.commit)
            && commit.run != run.id
        {
            out.wrong(
                "commit",
                self.place(*unit),
                "the commit record names another run than the run record",
            );
        }
        for capture in &view.captures {
            self.capture(segment, view, capture, named.as_ref(), &mut counts, out);
        }
        for conversion in &view.loose {
            self.lines(conversion, None, view, &mut counts, out);
        }
        counts
    }

    fn start(&self, segment: &Segment, view: &View<'_>, out: &mut Findings) {
        let place = self.place(0);
        if view.info.is_empty() {
            return;
        }
        let said = |name: &str| {
            view.info
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let manifest = &segment.manifest;
        if said("vigie-segment") != Some("1") {
            out.wrong(
                "start",
                &*place,
                "the start record does not say `vigie-segment: 1`",
            );
        }
        if said("vigie-agent") != Some(&manifest.agent)
            || said("vigie-seq") != Some(&manifest.seq.to_string())
        {
            out.wrong(
                "start",
                &*place,
                "the start record names another agent or number than the manifest",
            );
        }
        let root = said("vigie-root").and_then(|text| text.parse::<Digest>().ok());
        match root.and_then(|root| self.replay.history.root_named(root)) {
            None => out.wrong(
                "start",
                place,
                "the start record names a trust root that the log does not hold",
            ),
            Some(root) if root.trial != (said("vigie-trial") == Some("true")) => {
                out.wrong(
                    "start",
                    place,
                    "the start record and its trust root differ on whether this is a trial",
                );
            }
            Some(_) => {}
        }
    }

    /// Checks the policy a run names; gives it back where the log holds it.
    fn run(&self, unit: u64, run: &Run, segment: &Segment, out: &mut Findings) -> Option<Policy> {
        let place = self.place(unit);
        let history = &self.replay.history;
        if run.v != 1 {
            out.wrong(
                "run",
                &*place,
                format!(
                    "format version {} of a run is not known to this release",
                    run.v
                ),
            );
        }
        if history.root_named(run.root).is_none() {
            out.wrong(
                "run",
                &*place,
                "the run names a trust root that the log does not hold",
            );
        }
        if self
            .collector
            .is_some_and(|collector| collector != run.reader.name)
        {
            let what = format!(
                "agent {} is enrolled for another collector than `{}`",
                segment.manifest.agent, run.reader.name
            );
            out.wrong("collector", &*place, what);
        }
        let policy = match policy_of_run(history, run) {
            Ok(policy) => policy,
            Err(why) => {
                self.no_policy(&place, run, &chain(&why), out);
                return None;
            }
        };
        if open_issue(&run.issue).is_ok_and(|open| open.issue.log_size > self.leaf) {
            out.wrong(
                "issue",
                &*place,
                "the policy issue speaks of a log larger than it was when the segment was taken in",
            );
        }
        if policy.entry_digest(&run.target.entry) != Some(run.entry) {
            out.wrong(
                "issue",
                place,
                "the policy issue does not hold the entry that the run names",
            );
        }
        Some(policy)
    }

    /// Tells a policy that cannot be found from one whose statements are not here.
    fn no_policy(&self, place: &str, run: &Run, why: &str, out: &mut Findings) {
        let issue = open_issue(&run.issue)
            .ok()
            .filter(|open| open.verify(self.log_key).is_ok());
        let absent = issue.as_ref().and_then(|open| {
            let mut named = std::iter::once(&open.issue.permission).chain(&open.issue.approvals);
            named.find(|digest| !self.replay.history.holds(**digest))
        });
        match absent {
            Some(digest) => out.missing(
                "missing-statement",
                format!("statements/{digest}.note"),
                format!("the policy issue in {place} names this statement, and it is not here, or does not count"),
            ),
            None => out.wrong("issue", place, why),
        }
    }

    fn capture(
        &self,
        segment: &Segment,
        view: &View<'_>,
        capture: &Capture<'_>,
        named: Option<&Policy>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        counts.captures += 1;
        let place = self.place(capture.unit);
        let ask = capture.ask();
        let closed = segment.manifest.time.start() + jiff::SignedDuration::from_mins(1);
        if ask.at.duration_since(closed) > CLOCK_TOLERANCE {
            out.wrong(
                "clock",
                &*place,
                format!("it says {}, after its segment was closed", ask.at),
            );
        }
        let robots = match capture.robots() {
            None => None,
            Some(id) => match view.robots.get(id) {
                Some((_, copy)) => Some(copy),
                // The caller names what is gone or absent; without the copy nothing can be recomputed.
                None if self.partial => return self.exchange(view, capture, counts, out),
                None => {
                    out.wrong(
                        "robots",
                        &*place,
                        "the robots.txt copy that the decision names is not in the segment",
                    );
                    None
                }
            },
        };
        if let Some((_, run)) = &view.run {
            self.permitted(&place, run, capture, robots, named, counts, out);
        }
        self.exchange(view, capture, counts, out);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one decision rests on all of them"
    )]
    fn permitted(
        &self,
        place: &str,
        run: &Run,
        capture: &Capture<'_>,
        robots: Option<&RobotsCopy>,
        named: Option<&Policy>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        let (ask, recorded) = (capture.ask(), capture.decision());
        let at_capture = self.replay.history.policies_around(ask.at);
        if let CaptureKind::Refused(_) = capture.kind {
            let follows = at_capture
                .iter()
                .map(|policy| &**policy)
                .chain(named)
                .any(|policy| {
                    let again = gate::decide(policy, &run.queries, ask, robots);
                    !again.permitted
                        && again.code == recorded.code
                        && again.robots == recorded.robots
                        && again.url == recorded.url
                });
            if !follows || recorded.permitted {
                out.wrong(
                    "refusal",
                    place,
                    format!(
                        "the recorded refusal does not follow from its own evidence: {}",
                        recorded.because
                    ),
                );
            }
            return;
        }
        let answered = matches!(capture.kind, CaptureKind::Exchange(_));
        let captured = Captured {
            run,
            ask,
            robots,
            recorded,
            answered,
        };
        match judge_with(&self.replay.history, named, captured) {
            CaptureVerdict::Accepted => {}
            CaptureVerdict::AcceptedLate { why } => {
                counts.late += 1;
                out.note(
                    "late",
                    place,
                    format!(
                        "collected before the agent could know that permission had changed: {why}"
                    ),
                );
            }
            CaptureVerdict::Refused { why } => {
                out.wrong(
                    "permission",
                    place,
                    format!("it was not permitted, and is kept: {why}"),
                );
            }
        }
    }

    fn exchange(
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

    fn lines(
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
                    if view
                        .run
                        .as_ref()
                        .is_some_and(|(_, run)| run.reader != header.reader)
                    {
                        out.wrong(
                            "conversion",
                            &*place,
                            "it was read by another program than its run names",
                        );
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
                    // Which lines there were can be told only where all of them are.
                    if !self.partial && !gone {
                        if end.counts != found {
                            out.wrong(
                                "conversion",
                                &*place,
                                "its end counts other lines than there are",
                            );
                        }
                        if end.items.is_some_and(|said| said != Digest::of(&items)) {
                            out.wrong(
                                "conversion",
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

/// Units that hold what a reading needs besides its own lines, by number, as writers lay them: request, response, exchange.
pub(crate) fn beside(exchange_unit: u64) -> BTreeSet<u64> {
    [2, 1]
        .into_iter()
        .filter_map(|back| exchange_unit.checked_sub(back))
        .collect()
}
