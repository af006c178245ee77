//! Does a segment keep what its entry says about evidence and authors? Asked alike by registry and verifier, without any key.

use serde_json::Value;

use super::{
    super::SALT_FIELD,
    is_sealed,
    keyed::{WHY, nothing},
    recipients,
};
use crate::{
    capture::{Line, What},
    permission::{Authors, Entry, Evidence},
    pseudonym::{check_record, is_keyed},
    segment::{Capture, CaptureKind, Contradiction, Conversion, View},
    trust::TrustRoot,
};

/// Headers of sealed records whose values are asked about wherever records are read.
const OUTER_FIELDS: [&str; 12] = [
    "WARC-Type",
    "WARC-Record-ID",
    "WARC-Date",
    "WARC-Target-URI",
    "WARC-Concurrent-To",
    "WARC-Warcinfo-ID",
    "WARC-IP-Address",
    "WARC-Refers-To",
    "WARC-Refers-To-Date",
    "WARC-Block-Digest",
    "Content-Type",
    "Content-Length",
];

/// Everything in clear that the entry wants sealed, sealed to too few, or sealed although it should be open. `whole`: nothing is erased or left out of the view.
#[must_use]
pub fn breaches(entry: &Entry, root: &TrustRoot, view: &View<'_>, whole: bool) -> Vec<Contradiction> {
    let mut found = Found { entry, root, said: Vec::new() };
    if entry.evidence == Evidence::Open {
        let fetched = view.captures.iter().flat_map(|capture| [capture.request, capture.response]).flatten();
        let units = fetched.filter(|at| is_sealed(&at.record)).map(|at| at.unit).chain(view.sealed_frame);
        units.for_each(|unit| found.add(unit, "it is sealed, and its entry keeps evidence open"));
        return found.said;
    }
    found.frame(view, whole);
    for capture in &view.captures {
        found.capture(capture);
    }
    for conversion in &view.loose {
        found.reading(conversion);
    }
    for (unit, said) in &view.vanished {
        if said.scope != WHY || entry.authors != Authors::Named && !is_keyed(&said.id) {
            found.add(*unit, "what vanished, or from where, stands in clear");
        }
    }
    found.said
}

struct Found<'a> {
    entry: &'a Entry,
    root: &'a TrustRoot,
    said: Vec<Contradiction>,
}

impl Found<'_> {
    fn add(&mut self, unit: u64, what: impl Into<String>) {
        self.said.push(Contradiction { unit, code: "sealed", what: what.into() });
    }

    fn frame(&mut self, view: &View<'_>, whole: bool) {
        if let Some((unit, run)) = &view.run
            && (run.work != Value::Null || run.cursor != Value::Null)
        {
            self.add(*unit, "work and cursor of its run stand in clear");
        }
        if let Some((unit, commit)) = &view.commit {
            if commit.cursor != Value::Null || commit.coverage.why.as_deref().is_some_and(|why| why != WHY) {
                self.add(*unit, "cursor or reasons of its commit record stand in clear");
            }
            if whole && view.sealed_frame.is_none() {
                self.add(*unit, "what run and commit record leave out is nowhere");
            }
        }
    }

    fn capture(&mut self, capture: &Capture<'_>) {
        let unit = capture.unit;
        let clear = match &capture.kind {
            CaptureKind::Exchange(exchange) => {
                exchange.step != Value::Null || !exchange.conditions.is_empty() || exchange.reservation.is_some()
            }
            CaptureKind::Refused(refused) => refused.step != Value::Null,
            CaptureKind::Failed(failed) => failed.step != Value::Null || failed.error != WHY,
        };
        if clear {
            self.add(unit, "step, conditions, reservation or reason of a request stand in clear");
        }
        if self.entry.authors != Authors::Named && !self.fits(&capture.ask().url) {
            self.add(unit, "an address that could name a person stands in clear");
        }
        for at in [capture.request, capture.response].into_iter().flatten() {
            let needed = self.root.evidence_recipients.len().max(2);
            if !is_sealed(&at.record) {
                self.add(at.unit, "a request or answer stands in clear");
            } else if !at.record.fields.iter().all(|(name, value)| self.is_outer(name, value)) {
                self.add(at.unit, "a header beside what is sealed says more than where it belongs");
            } else if recipients(&at.record.block).is_none_or(|found| found != needed) {
                self.add(at.unit, format!("it is not an age file to the {needed} recipients of the trust root"));
            }
        }
        if let Some(conversion) = capture.conversion {
            self.reading(conversion);
        }
    }

    /// Whether a header of a sealed record is one that the format writes; digests, dates and ids are asked about elsewhere.
    fn is_outer(&self, name: &str, value: &str) -> bool {
        match name {
            "WARC-Refers-To-Target-URI" => self.entry.authors == Authors::Named || self.fits(value),
            "WARC-Truncated" => ["length", "time", "disconnect", "unspecified"].contains(&value),
            "WARC-Profile" => value
                .strip_prefix("http://netpreserve.org/warc/1.1/revisit/")
                .is_some_and(|kind| ["server-not-modified", "identical-payload-digest"].contains(&kind)),
            _ => OUTER_FIELDS.contains(&name) || name == SALT_FIELD,
        }
    }

    fn fits(&self, url: &str) -> bool {
        crate::urlform::normal_form(url).is_ok_and(|url| crate::pseudonym::address_fits(self.entry, &url))
    }

    fn reading(&mut self, conversion: &Conversion) {
        for at in &conversion.lines {
            let clear = match &at.line {
                Line::Header(header) => (header.step != nothing()).then_some("the digest of a step"),
                Line::Record(line) => {
                    if let Err(why) = check_record(&line.item, self.entry.authors) {
                        self.add(at.unit, format!("a record in clear: {why}"));
                    }
                    (!is_place(&line.place)).then_some("the place of an item")
                }
                Line::Gone(line) => {
                    let (What::Record { id, .. } | What::Author { id, .. } | What::Handle { handle: id }) = &line.what;
                    let named = self.entry.authors != Authors::Named && !is_keyed(id);
                    let clear = line.why != WHY || !is_place(&line.place);
                    (clear || named).then_some("which item is gone, or why,")
                }
                Line::Unreadable(line) => {
                    (line.why != WHY || !is_place(&line.place)).then_some("why an item was set aside")
                }
                Line::End(end) => {
                    let asks = !end.next.is_empty() || !end.also.is_empty() || !end.want.is_empty();
                    let holds = !end.saw.is_empty() || end.cursor.is_some() || end.milestone.is_some();
                    let words = [&end.empty, &end.cut, &end.snapshot].into_iter().flatten().any(|said| said != WHY);
                    let halted = end.halt.as_ref().is_some_and(|halt| halt != WHY);
                    (!end.sealed || asks || holds || words || halted).then_some("what a reading asked for")
                }
                Line::Tombstone(_) => None,
            };
            if let Some(what) = clear {
                self.add(at.unit, format!("{what} stands in clear"));
            }
        }
    }
}

fn is_place(place: &str) -> bool {
    place.strip_prefix("line ").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}
