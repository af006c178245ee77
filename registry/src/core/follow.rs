//! What do the tables make of a leaf? Live indexing and rebuilding are this one thing: following the log, leaf by leaf.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use schemas::Digest;
use schemas::capture::{self, Line as Said, What};
use schemas::leaf::{Act, Leaf};
use schemas::manifest::Manifest;
use schemas::policy::History;
use schemas::segment::{Capture, CaptureKind, Conversion, LineAt, Part, Segment, SegmentError, View, tombstoned_units};

use super::RegistryError;
use super::evidence::Evidence;
use super::ingest::{budget::day_of, judge::late};
use super::log::chain;
use super::store::{
    CaptureRow, Change, CoverageRow, LeafKind, Line, LineKind, Reading, SegmentRow, Stated, Store, Tombstoned,
    VanishedRow, Withdrawn,
};
use super::vantage::{self, is_home};

/// Vantage of lines whose exchange record was erased: nobody can say any more which host was asked.
const VANTAGE_ERASED: &str = "erased";

/// The statements before a leaf.
pub(super) type Past<'a> = dyn Fn(u64) -> Result<Arc<History>, RegistryError> + 'a;

/// What the leaf at `index` changes in the tables.
pub(super) fn change(
    store: &dyn Store,
    evidence: &Evidence,
    past: &Past<'_>,
    index: u64,
    leaf: &Leaf,
) -> Result<Change, RegistryError> {
    Ok(match leaf {
        Leaf::Manifest(manifest) => Change::Segment(Box::new(segment_row(evidence, past, index, manifest)?)),
        Leaf::Act(Act::Statement { kind, digest, time, .. }) => {
            Change::Statement { kind: word(kind), digest: *digest, time: time.to_string() }
        }
        Leaf::Act(Act::Refusal { manifest, units, code, time, .. }) => {
            Change::Refusal { manifest: *manifest, units: units.clone(), code: word(code), time: time.to_string() }
        }
        Leaf::Act(Act::Erasure { manifest, units, reason, statement, time, .. }) => {
            let left = match store.find(LeafKind::Manifest, manifest)? {
                Some(row) => match row.leaf().map_err(RegistryError::leaf)? {
                    Leaf::Manifest(found) => {
                        Some((row.index, Box::new(segment_row(evidence, past, row.index, &found)?)))
                    }
                    Leaf::Act(_) => None,
                },
                None => None,
            };
            Change::Erasure {
                manifest: *manifest,
                left,
                units: units.clone(),
                reason: word(reason),
                statement: *statement,
                time: time.to_string(),
            }
        }
    })
}

fn word<T: serde::Serialize>(thing: &T) -> String {
    serde_json::to_value(thing).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Finds records in the evidence again, keeping the last segment it opened.
pub(super) struct Finder<'a> {
    evidence: &'a Evidence,
    last: RefCell<Option<(Digest, Segment)>>,
}

impl<'a> Finder<'a> {
    pub fn new(evidence: &'a Evidence) -> Self {
        Self { evidence, last: RefCell::new(None) }
    }

    pub fn find(&self, manifest: &Digest, unit: u64) -> Option<Stated> {
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(at, _)| at != manifest) {
            *last = Some((*manifest, self.evidence.segment(manifest).ok()?));
        }
        let (_, segment) = last.as_ref()?;
        let lines = segment.parts.iter().filter_map(|part| match part {
            schemas::segment::Part::Conversion(conversion) => Some(&conversion.lines),
            _ => None,
        });
        lines.flatten().find(|line| line.unit == unit).and_then(|line| match &line.line {
            Said::Record(said) => Some(Stated { record: said.item.clone(), text: text_of(&line.said)? }),
            _ => None,
        })
    }
}

/// The rows of a segment as it lies on the disk.
pub(super) fn segment_row(
    evidence: &Evidence,
    past: &Past<'_>,
    index: u64,
    manifest: &Manifest,
) -> Result<SegmentRow, RegistryError> {
    let bytes = schemas::canonical::canonical_of(manifest).map_err(|why| RegistryError::leaf(why.to_string()))?;
    let digest = Digest::of(&bytes);
    let problem = |problem: String| SegmentRow { problem: Some(problem), ..bare(&digest, manifest) };
    let segment = match evidence.segment(&digest) {
        Ok(segment) => segment,
        Err(error) => return Ok(problem(chain(&error))),
    };
    let tombstones = tombstones(&segment);
    let past = past(index)?;
    let late = segment.view().map(|view| late(&past, &view));
    let row = late.and_then(|late| rows(segment, &late, false));
    Ok(row.unwrap_or_else(|error| SegmentRow { tombstones, ..problem(chain(&error)) }))
}

/// What is known of a segment from its manifest alone.
fn bare(digest: &Digest, manifest: &Manifest) -> SegmentRow {
    SegmentRow {
        manifest: digest.to_string(),
        agent: manifest.agent.clone(),
        seq: manifest.seq,
        prev: manifest.prev.map(|prev| prev.to_string()),
        units: manifest.units,
        closed_at: manifest.time.to_string(),
        checkpoint: manifest.checkpoint.size,
        ..SegmentRow::default()
    }
}

fn tombstones(segment: &Segment) -> Vec<Tombstoned> {
    tombstoned_units(segment).into_iter().map(|(unit, leaf)| Tombstoned { unit, leaf }).collect()
}

/// The rows of a segment, which they take apart. `late`: units of captures that stand only because the agent could not know better. `is_checked`: every
/// content hash was compared with its record before.
pub(super) fn rows(segment: Segment, late: &BTreeSet<u64>, is_checked: bool) -> Result<SegmentRow, SegmentError> {
    let mut row = SegmentRow { tombstones: tombstones(&segment), ..bare(&segment.digest, &segment.manifest) };
    let view = segment.view()?;
    let run = view.run.as_ref().map(|(_, run)| run);
    if let Some(run) = run {
        row.run = Some(run.id.clone());
        row.entry = Some(run.target.entry.clone());
        row.target = Some(run.target.id.clone());
        row.collector = Some(run.reader.name.clone());
        row.policy = Some(run.policy.to_string());
        row.reader = Some(reader(&run.reader));
    }
    let recipe = run.and_then(|run| run.target.recipe.as_deref());
    // By where their conversions stand.
    let mut readings = Vec::new();
    for capture in &view.captures {
        row.captures.push(capture_row(capture, late.contains(&capture.unit)));
        if let Some(conversion) = capture.conversion {
            let at = capture.date.parse().unwrap_or(capture.ask().at);
            let url = capture.decision().url.as_deref().unwrap_or(&capture.ask().url);
            readings.push((conversion.offset, reading(conversion, recipe, capture.unit, at, vantage::of(url))));
        }
        row.vanished.extend(vanished(&view, capture));
    }
    for conversion in &view.loose {
        let first = conversion.lines.first();
        let at = first.and_then(|line| match &line.line {
            Said::Header(header) => header.captured_at.parse().ok(),
            _ => None,
        });
        let unit = first.map_or(0, |line| line.unit);
        let at = at.unwrap_or_else(|| segment.manifest.time.start());
        readings.push((conversion.offset, reading(conversion, recipe, unit, at, VANTAGE_ERASED.to_owned())));
    }
    if let Some((unit, commit)) = &view.commit {
        row.coverage = Some(CoverageRow {
            unit: *unit,
            run: commit.run.clone(),
            entry: row.entry.clone().unwrap_or_default(),
            complete: commit.complete,
            coverage: commit.coverage.clone(),
        });
    }
    for part in segment.parts {
        if let Part::Conversion(conversion) = part
            && let Some((_, reading)) = readings.iter_mut().find(|(offset, _)| *offset == conversion.offset)
        {
            reading.lines = lines(conversion.lines, &reading.vantage, is_checked);
        }
    }
    row.readings = readings.into_iter().map(|(_, reading)| reading).collect();
    Ok(row)
}

fn reader(reader: &capture::Reader) -> String {
    format!("{} {} {}", reader.name, reader.version, reader.program)
}

fn capture_row(capture: &Capture<'_>, late: bool) -> CaptureRow {
    let ask = capture.ask();
    let decision = capture.decision();
    let mut row = CaptureRow {
        unit: capture.unit,
        entry: ask.entry.clone(),
        collector: ask.collector.clone(),
        method: word(&ask.method),
        url: decision.url.clone().unwrap_or_else(|| ask.url.clone()),
        at: ask.at.to_string(),
        day: day_of(ask.at),
        request_unit: capture.request.map(|record| record.unit),
        response_unit: capture.response.map(|record| record.unit),
        code: word(&decision.code),
        because: decision.because.clone(),
        late,
        ..CaptureRow::default()
    };
    row.conversion =
        capture.conversion.and_then(|conversion| Some((conversion.lines.first()?.unit, conversion.lines.last()?.unit)));
    match &capture.kind {
        CaptureKind::Exchange(exchange) => {
            row.kind = "exchange";
            row.at = capture.date.clone();
            row.response = Some(exchange.response.clone());
            row.peer = exchange.peer.map(|peer| peer.to_string());
            row.certificate = exchange.certificate.map(|digest| digest.to_string());
        }
        CaptureKind::Refused(_) => row.kind = "refused",
        CaptureKind::Failed(failed) => {
            row.kind = "failed";
            row.error = Some(failed.error.clone());
        }
    }
    if let Some(response) = capture.response {
        row.revisit_of = response.record.get("WARC-Refers-To").map(|id| id.trim_matches(['<', '>']).to_owned());
        if let Ok(head) = warc::http::parse(&response.record.block) {
            row.status = head.status();
            row.media_type = head.get("content-type").map(str::to_owned);
            row.bytes = Some(response.record.block.len().saturating_sub(head.body_offset) as u64);
        }
    }
    row
}

/// A reading whose lines are still to come.
fn reading(conversion: &Conversion, recipe: Option<&str>, capture: u64, at: Timestamp, vantage: String) -> Reading {
    let mut by = conversion
        .lines
        .iter()
        .find_map(|line| match &line.line {
            Said::Header(header) => Some(reader(&header.reader)),
            _ => None,
        })
        .unwrap_or_default();
    if let Some(recipe) = recipe {
        // Another recipe is another reader of the same page.
        by = format!("{by} {}", Digest::of(recipe.as_bytes()));
    }
    Reading { capture, at, vantage, reader: by, lines: Vec::new() }
}

/// What vanished by the reading of a capture.
fn vanished(view: &View<'_>, capture: &Capture<'_>) -> Vec<VanishedRow> {
    let url = capture.decision().url.as_deref().unwrap_or(&capture.ask().url);
    let odd = capture.conversion.and_then(|conversion| match &conversion.lines.last()?.line {
        Said::End(end) => Some(end.counts[2]),
        _ => None,
    });
    let at = |unit: &u64| view.vanished.get(view.vanished.binary_search_by_key(unit, |(of, _)| *of).ok()?);
    let row = |(unit, said): &(u64, capture::Vanished)| VanishedRow {
        unit: *unit,
        capture: capture.unit,
        vantage: vantage::of(url),
        at: capture.date.clone(),
        said: said.clone(),
        odd,
    };
    capture.vanished.iter().filter_map(at).map(row).collect()
}

fn lines(said: Vec<LineAt>, vantage: &str, is_checked: bool) -> Vec<Line> {
    // Nothing said before a halt stands.
    if said.iter().any(|line| matches!(&line.line, Said::End(end) if end.halt.is_some())) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for LineAt { unit, said, line, .. } in said {
        let (place, kind) = match line {
            Said::Record(line) => record(line, &said, vantage, is_checked),
            Said::Gone(gone) => (gone.place, LineKind::Gone { what: withdrawn(gone.what), why: gone.why }),
            Said::Unreadable(odd) => (odd.place, LineKind::Odd { kind: "unreadable", why: odd.why }),
            Said::Header(_) | Said::End(_) | Said::Tombstone(_) => continue,
        };
        found.push(Line { unit, place, kind });
    }
    found
}

fn record(line: capture::RecordLine, said: &[u8], vantage: &str, is_checked: bool) -> (String, LineKind) {
    let content = if is_checked { Ok(line.content) } else { line.item.content_hash() };
    let kind = match (content, text_of(said)) {
        (Ok(content), Some(text)) if content == line.content => {
            let home = is_home(&line.item, vantage);
            LineKind::Record { stated: Box::new(Stated { record: line.item, text }), content, home }
        }
        (Ok(content), _) => LineKind::Odd {
            kind: "content",
            why: format!("the line states content {}, its record has {}", line.content.short(), content.short()),
        },
        (Err(why), _) => LineKind::Odd { kind: "content", why: why.to_string() },
    };
    (line.place, kind)
}

/// The record's own bytes in a line that states it.
fn text_of(said: &[u8]) -> Option<String> {
    // A line is an object with one member.
    let line = said.strip_prefix(b"{\"record\":")?.strip_suffix(b"}")?;
    let item = schemas::canonical::member(line, "item")?;
    schemas::canonical::utf8(item).map(str::to_owned)
}

fn withdrawn(what: What) -> Withdrawn {
    match what {
        What::Record { platform, id } => {
            Withdrawn { platform: Some(platform), native: Some(id), ..Withdrawn::default() }
        }
        What::Handle { handle } => Withdrawn { handle: Some(handle), ..Withdrawn::default() },
        What::Author { platform, id } => {
            Withdrawn { platform: Some(platform), author: Some(id), ..Withdrawn::default() }
        }
    }
}

/// Closed ranges of ascending unit numbers.
#[must_use]
pub fn ranges(units: impl IntoIterator<Item = u64>) -> Vec<[u64; 2]> {
    let sorted: BTreeMap<u64, ()> = units.into_iter().map(|unit| (unit, ())).collect();
    let mut found: Vec<[u64; 2]> = Vec::new();
    for unit in sorted.into_keys() {
        match found.last_mut() {
            Some([_, last]) if last.checked_add(1) == Some(unit) => *last = unit,
            _ => found.push([unit, unit]),
        }
    }
    found
}
