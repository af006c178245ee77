//! What does a segment say, put together: its run, its captures with their decisions, its readings?

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use warc::RecordType;

use super::{Conversion, Part, RecordAt, Segment, SegmentError, tombstoned_units};
use crate::{
    canonical,
    capture::{Commit, Exchange, Failed, Refused, Run, Vanished, media_type},
    gate::{Decision, GateAsk, RobotsCopy},
};

/// A segment's parts by meaning. What was erased is absent; nothing here fails for it.
#[derive(Debug)]
pub struct View<'a> {
    /// Fields of the `warcinfo` block, in order; empty where it was erased.
    pub info: Vec<(String, String)>,
    /// The run record, with its unit number.
    pub run: Option<(u64, Run)>,
    /// Robots copies by record id, with their unit numbers.
    pub robots: BTreeMap<String, (u64, RobotsCopy)>,
    /// Captures, refusals and failures in file order.
    pub captures: Vec<Capture<'a>>,
    /// Conversions whose exchange record is gone.
    pub loose: Vec<&'a Conversion>,
    /// What vanished, with unit numbers, in file order.
    pub vanished: Vec<(u64, Vanished)>,
    /// Unit of what run and commit record leave out, encrypted; only under sealed evidence.
    pub sealed_frame: Option<u64>,
    /// The commit record, with its unit number.
    pub commit: Option<(u64, Commit)>,
}

/// One thing the gate decided about, and what came of it.
#[derive(Debug)]
pub struct Capture<'a> {
    /// Unit number of the metadata record that holds the decision.
    pub unit: u64,
    /// WARC-Date of that record: for an exchange, when it was captured.
    pub date: String,
    /// Which of the three.
    pub kind: CaptureKind,
    /// The request, unless erased.
    pub request: Option<&'a RecordAt>,
    /// The response or revisit, unless erased.
    pub response: Option<&'a RecordAt>,
    /// What a reading said of it.
    pub conversion: Option<&'a Conversion>,
    /// Units that say what vanished according to that reading.
    pub vanished: Vec<u64>,
}

/// A fetch, a refusal, or a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureKind {
    /// Something was fetched.
    Exchange(Box<Exchange>),
    /// The gate refused; nothing was sent.
    Refused(Box<Refused>),
    /// Nothing came back.
    Failed(Box<Failed>),
}

impl Capture<'_> {
    /// What the gate was asked.
    #[must_use]
    pub fn ask(&self) -> &GateAsk {
        match &self.kind {
            CaptureKind::Exchange(exchange) => &exchange.ask,
            CaptureKind::Refused(refused) => &refused.ask,
            CaptureKind::Failed(failed) => &failed.ask,
        }
    }

    /// What the agent's gate answered.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        match &self.kind {
            CaptureKind::Exchange(exchange) => &exchange.decision,
            CaptureKind::Refused(refused) => &refused.decision,
            CaptureKind::Failed(failed) => &failed.decision,
        }
    }

    /// Record id of the robots copy the decision rests on.
    #[must_use]
    pub fn robots(&self) -> Option<&str> {
        match &self.kind {
            CaptureKind::Exchange(exchange) => exchange.robots.as_deref(),
            CaptureKind::Refused(refused) => refused.robots.as_deref(),
            CaptureKind::Failed(failed) => failed.robots.as_deref(),
        }
    }

    fn last_line(&self) -> Option<u64> {
        Some(self.conversion?.lines.last()?.unit)
    }

    /// All units that go when this capture is refused: request, response, decision, every line of the reading, what vanished by it.
    #[must_use]
    pub fn units(&self) -> Vec<u64> {
        let mut units = vec![self.unit];
        units.extend(self.request.map(|record| record.unit));
        units.extend(self.response.map(|record| record.unit));
        units.extend(self.conversion.iter().flat_map(|conversion| conversion.lines.iter().map(|line| line.unit)));
        units.extend(&self.vanished);
        units.sort_unstable();
        units
    }
}

impl Segment {
    /// Puts the parts together.
    ///
    /// # Errors
    ///
    /// [`SegmentError`] where a JSON block is not what its media type says, a unit belongs to nothing (a response without an exchange
    /// record that is no tombstone's neighbour), an id is given twice, or records stand in another order than the one written: run record second, request,
    /// response, exchange record, conversion and what vanished one after the other, commit record last. Whoever holds a part of a segment relies on that order.
    pub fn view(&self) -> Result<View<'_>, SegmentError> {
        let mut view = View {
            info: Vec::new(),
            run: None,
            robots: BTreeMap::new(),
            captures: Vec::new(),
            loose: Vec::new(),
            vanished: Vec::new(),
            sealed_frame: None,
            commit: None,
        };
        let mut requests: BTreeMap<&str, &RecordAt> = BTreeMap::new();
        let mut responses: BTreeMap<&str, &RecordAt> = BTreeMap::new();
        let mut of_response: BTreeMap<String, usize> = BTreeMap::new();
        let has_tombstones = !tombstoned_units(self).is_empty();
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        for part in &self.parts {
            if let Part::Record(record) = part
                && !ids.insert(record.record.id())
            {
                return Err(layout(record.offset, "a second record with the same id"));
            }
            match part {
                Part::Tombstone(_) => {}
                Part::Conversion(conversion) => {
                    let at = conversion.response.as_ref().and_then(|id| of_response.get(id)).copied();
                    match at.and_then(|at| view.captures.get_mut(at)) {
                        Some(capture) if capture.conversion.is_none() => {
                            if conversion.lines.first().is_none_or(|line| line.unit != capture.unit + 1) {
                                return Err(layout(
                                    conversion.offset,
                                    "a conversion that does not follow its exchange record",
                                ));
                            }
                            capture.conversion = Some(conversion);
                        }
                        Some(_) => {
                            return Err(layout(conversion.offset, "a second conversion of one response"));
                        }
                        None => view.loose.push(conversion),
                    }
                }
                Part::Record(record) => {
                    match (record.record.kind(), record.record.get("Content-Type").unwrap_or_default()) {
                        (RecordType::Warcinfo, _) => view.info = fields(&record.record.block),
                        (RecordType::Request, _) => {
                            let of = record.record.get("WARC-Concurrent-To").unwrap_or_default();
                            if requests.insert(bare(of), record).is_some() {
                                return Err(layout(record.offset, "a second request of one response"));
                            }
                        }
                        (RecordType::Response | RecordType::Revisit, _) => {
                            responses.insert(record.record.id(), record);
                        }
                        (RecordType::Metadata, media_type::RUN) => {
                            if record.unit != 1 {
                                return Err(layout(
                                    record.offset,
                                    "a run record that does not follow the start record",
                                ));
                            }
                            view.run = Some((record.unit, json(record)?));
                        }
                        (RecordType::Metadata, media_type::COMMIT) => {
                            if record.unit + 1 != self.manifest.units {
                                return Err(layout(record.offset, "a commit record that is not the last unit"));
                            }
                            view.commit = Some((record.unit, json(record)?));
                        }
                        (RecordType::Metadata, media_type::SEALED) => {
                            if record.unit + 2 != self.manifest.units {
                                return Err(layout(
                                    record.offset,
                                    "a sealed record that does not stand right before the commit record",
                                ));
                            }
                            view.sealed_frame = Some(record.unit);
                        }
                        (RecordType::Metadata, media_type::ROBOTS) => {
                            view.robots.insert(record.record.id().to_owned(), (record.unit, json(record)?));
                        }
                        (RecordType::Metadata, media_type::EXCHANGE) => {
                            let exchange: Exchange = json(record)?;
                            let request = requests.remove(exchange.response.as_str());
                            let response = responses.remove(exchange.response.as_str());
                            if of_response.insert(exchange.response.clone(), view.captures.len()).is_some() {
                                return Err(layout(record.offset, "a second exchange record of one response"));
                            }
                            let beside = |found: Option<&RecordAt>, back: u64| {
                                found.is_none_or(|found| found.unit + back == record.unit)
                            };
                            if !beside(request, 2) || !beside(response, 1) {
                                return Err(layout(
                                    record.offset,
                                    "an exchange record that does not follow its request and response",
                                ));
                            }
                            if !has_tombstones && (request.is_none() || response.is_none()) {
                                return Err(layout(
                                    record.offset,
                                    "an exchange record without its request and response",
                                ));
                            }
                            view.captures.push(Capture {
                                unit: record.unit,
                                date: record.record.date().to_owned(),
                                kind: CaptureKind::Exchange(Box::new(exchange)),
                                request,
                                response,
                                conversion: None,
                                vanished: Vec::new(),
                            });
                        }
                        (RecordType::Metadata, media_type::VANISHED) => {
                            let said: Vanished = json(record)?;
                            let of = of_response.get(&said.response).and_then(|at| view.captures.get_mut(*at));
                            let follows = of.is_some_and(|capture| {
                                let last = capture.vanished.last().copied().or_else(|| capture.last_line());
                                capture.vanished.push(record.unit);
                                last.is_some_and(|last| last + 1 == record.unit)
                            });
                            if !has_tombstones && !follows {
                                return Err(layout(
                                    record.offset,
                                    "something that vanished, and not after the reading that shows it",
                                ));
                            }
                            view.vanished.push((record.unit, said));
                        }
                        (RecordType::Metadata, media_type::REFUSED) => {
                            view.captures.push(bare_capture(record, CaptureKind::Refused(Box::new(json(record)?))));
                        }
                        (RecordType::Metadata, media_type::FAILED) => {
                            view.captures.push(bare_capture(record, CaptureKind::Failed(Box::new(json(record)?))));
                        }
                        _ => return Err(layout(record.offset, "a record that segments do not hold")),
                    }
                }
            }
        }
        let left = requests.values().chain(responses.values()).next();
        match left {
            Some(record) if !has_tombstones => {
                Err(layout(record.offset, "a request or response without its exchange record"))
            }
            _ if !has_tombstones && (view.run.is_none() || view.commit.is_none() || !view.loose.is_empty()) => {
                Err(layout(0, "a segment holds one run record, one commit record, and no reading without its response"))
            }
            _ => Ok(view),
        }
    }
}

fn bare_capture(record: &RecordAt, kind: CaptureKind) -> Capture<'_> {
    Capture {
        unit: record.unit,
        date: record.record.date().to_owned(),
        kind,
        request: None,
        response: None,
        conversion: None,
        vanished: Vec::new(),
    }
}

fn json<T: DeserializeOwned>(record: &RecordAt) -> Result<T, SegmentError> {
    canonical::from_canonical(&record.record.block).map_err(|source| SegmentError::Json {
        offset: record.offset,
        line: 1,
        source,
    })
}

fn layout(offset: u64, what: &str) -> SegmentError {
    SegmentError::Layout { offset, what: what.to_owned() }
}

fn bare(id: &str) -> &str {
    id.trim_start_matches('<').trim_end_matches('>')
}

fn fields(block: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(block)
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
