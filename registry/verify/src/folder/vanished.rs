//! Is what is said to have vanished missing from the readings that are named, and from all between them?
//!
//! A segment shows the second of them itself. The others lie in earlier segments of the agent, which are read once more where something vanished.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    rc::Rc,
};

use schemas::{
    Digest,
    capture::{Lane, Line, Vanished},
    segment::{Capture, CaptureKind, MAX_FILE_BYTES, Segment, Standing, View},
};

use super::log::Log;
use crate::{
    bundle::{read_file, segment_name},
    verdict::Findings,
};

/// Where a unit stands: number of the segment in its agent's chain, unit.
type Place = (u64, u64);

/// Whose readings are compared with each other.
#[derive(Clone, PartialEq, Eq)]
struct Whose {
    agent: String,
    /// Absent where the run record is gone.
    run: Option<(Digest, Lane)>,
}

impl Whose {
    /// Whether these are two for certain.
    fn is_another(&self, other: &Self) -> bool {
        self.agent != other.agent || self.run.as_ref().zip(other.run.as_ref()).is_some_and(|(one, other)| one != other)
    }
}

/// A reading that says it is all of a scope, or may have said so.
struct Look {
    /// Position of its segment in the log.
    segment: usize,
    at: Place,
    whose: Whose,
    response: String,
    captured_at: String,
    /// Absent where its last line is gone.
    scope: Option<String>,
}

/// Something that is said to have vanished.
struct Claim {
    segment: usize,
    at: Place,
    whose: Whose,
    said: Vanished,
}

/// Everything that the segments say of it.
#[derive(Default)]
pub(super) struct Seen {
    looks: Vec<Look>,
    claims: Vec<Claim>,
}

/// What a reading is asked for.
#[derive(Clone, Copy)]
enum Asked {
    /// The first without the item.
    Before,
    /// Between the two.
    Between,
    /// The newest with it.
    Stood,
}

/// Why a claim is not wholly checked.
const NO_BEFORE: &str = "the first reading without it is not here, or something of it is gone";
const NO_STOOD: &str = "the answer that it is said to have stood in is not here, or something of it is gone";

impl Seen {
    /// Remembers what a segment says. `position`: where it stands in the log.
    pub fn take(&mut self, position: usize, segment: &Segment, view: &View<'_>) {
        let (agent, seq) = (&segment.manifest.agent, segment.manifest.seq);
        let run = view.run.as_ref().map(|(_, run)| (run.target.digest(), run.lane));
        let whose = Whose { agent: agent.clone(), run };
        for capture in &view.captures {
            let (CaptureKind::Exchange(exchange), Some(conversion)) = (&capture.kind, capture.conversion) else {
                continue;
            };
            let end = conversion.lines.last().map(|line| &line.line);
            let scope = match end {
                Some(Line::End(end)) if end.snapshot.is_none() => continue,
                Some(Line::End(end)) => end.snapshot.clone(),
                _ => None,
            };
            self.looks.push(Look {
                segment: position,
                at: (seq, capture.unit),
                whose: whose.clone(),
                response: exchange.response.clone(),
                captured_at: capture.date.clone(),
                scope,
            });
        }
        for (unit, said) in &view.vanished {
            let claim = Claim { segment: position, at: (seq, *unit), whose: whose.clone(), said: said.clone() };
            self.claims.push(claim);
        }
    }

    /// Adds what another thread saw.
    pub fn join(&mut self, mut other: Self) {
        self.looks.append(&mut other.looks);
        self.claims.append(&mut other.claims);
    }

    /// Holds every claim against the readings that it rests on.
    pub fn check(&self, data_dir: &Path, log: &Log, out: &mut Findings) {
        let mut verdicts = Verdicts { log, claims: &self.claims, unchecked: BTreeMap::new(), out };
        // A mass removal is thousands of claims that rest on the same readings.
        let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (number, Claim { segment, said, .. }) in self.claims.iter().enumerate() {
            groups.entry((segment, &said.response, &said.before, &said.scope)).or_default().push(number);
        }
        let mut questions = Vec::new();
        let mut stood: HashMap<usize, bool> = HashMap::new();
        for numbers in groups.into_values() {
            let Some(claim) = numbers.first().and_then(|number| self.claims.get(*number)) else { continue };
            let of = |look: &&Look| {
                !look.whose.is_another(&claim.whose)
                    && look.scope.as_ref().is_none_or(|scope| *scope == claim.said.scope)
            };
            // Another agent may have given an answer of its own the same id.
            let mut named = self.looks.iter().filter(|look| look.response == claim.said.before);
            let own = named.clone().find(|look| look.at < claim.at && of(look));
            let Some(before) = own.or_else(|| named.next()) else {
                numbers.iter().for_each(|number| verdicts.unchecked(*number, NO_BEFORE));
                continue;
            };
            if before.at >= claim.at || !of(&before) {
                let why = "the first reading that it names is not an earlier one of the same agent, target and scope";
                numbers.iter().for_each(|number| verdicts.wrong(*number, why));
                continue;
            }
            let numbers: Rc<[usize]> = numbers.into();
            let mut by_time: HashMap<&str, Vec<usize>> = HashMap::new();
            for number in &*numbers {
                let said = self.claims.get(*number).map(|claim| &*claim.said.stood_at);
                by_time.entry(said.unwrap_or_default()).or_default().push(*number);
                stood.insert(*number, false);
            }
            let by_time: HashMap<&str, Rc<[usize]>> =
                by_time.into_iter().map(|(at, numbers)| (at, numbers.into())).collect();
            for look in self.looks.iter().filter(of) {
                if look.at > before.at && look.at < claim.at && look.response != claim.said.response {
                    questions.push((look, Rc::clone(&numbers), Asked::Between));
                } else if look.at < before.at
                    && let Some(numbers) = by_time.get(&*look.captured_at)
                {
                    questions.push((look, Rc::clone(numbers), Asked::Stood));
                }
            }
            questions.push((before, numbers, Asked::Before));
        }
        let mut asked: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for question in questions {
            asked.entry(question.0.segment).or_default().push(question);
        }
        for (position, asked) in asked {
            let file = log
                .segments
                .get(position)
                .and_then(|logged| read_file(&data_dir.join(segment_name(logged.digest)), MAX_FILE_BYTES).ok());
            let segment = file.and_then(|file| Segment::read(&file).ok());
            let view = segment.as_ref().and_then(|segment| segment.view().ok());
            let mut standing: HashMap<&str, Option<Standing<'_>>> = HashMap::new();
            for (look, numbers, why) in asked {
                let found = standing
                    .entry(&look.response)
                    .or_insert_with(|| view.as_ref().and_then(|view| standing_of(view, &look.response)));
                for &number in &*numbers {
                    let Some(claim) = self.claims.get(number) else { continue };
                    let holds = found.as_ref().map(|standing| standing.holds(&claim.said));
                    match (why, found.as_ref().map(|standing| standing.lacks(&claim.said))) {
                        (Asked::Stood, _) if holds == Some(true) => {
                            stood.insert(number, true);
                        }
                        (Asked::Stood, Some(Ok(true))) => {
                            verdicts.wrong(number, "the answer that it is said to have stood in lacks it");
                            stood.insert(number, true);
                        }
                        (Asked::Stood, _) => {}
                        (Asked::Before, Some(Err(why))) => {
                            verdicts
                                .wrong(number, &format!("the first reading that it names does not show that: {why}"));
                        }
                        (Asked::Before, Some(Ok(true))) => {}
                        (Asked::Before, _) => verdicts.unchecked(number, NO_BEFORE),
                        (Asked::Between, _) if holds == Some(true) => {
                            verdicts.wrong(number, "it stands in a reading between the two that it names");
                        }
                        (Asked::Between, _) => {}
                    }
                }
            }
        }
        for (number, _) in stood.into_iter().filter(|(_, found)| !found) {
            verdicts.unchecked(number, NO_STOOD);
        }
        verdicts.end();
    }
}

fn standing_of<'v>(view: &'v View<'_>, response: &str) -> Option<Standing<'v>> {
    let of = |capture: &&Capture<'_>| matches!(&capture.kind, CaptureKind::Exchange(exchange) if exchange.response == response);
    view.captures.iter().find(of)?.conversion.map(Standing::of)
}

struct Verdicts<'a> {
    log: &'a Log,
    claims: &'a [Claim],
    /// Claims by segment and reason.
    unchecked: BTreeMap<(usize, &'static str), u64>,
    out: &'a mut Findings,
}

impl Verdicts<'_> {
    fn name(&self, segment: usize) -> String {
        self.log.segments.get(segment).map(|logged| segment_name(logged.digest)).unwrap_or_default()
    }

    fn wrong(&mut self, number: usize, why: &str) {
        let Some(claim) = self.claims.get(number) else { return };
        let place = format!("{}, unit {}", self.name(claim.segment), claim.at.1);
        self.out.wrong("vanished", place, format!("what it says vanished is not shown to be missing: {why}"));
    }

    fn unchecked(&mut self, number: usize, why: &'static str) {
        if let Some(claim) = self.claims.get(number) {
            *self.unchecked.entry((claim.segment, why)).or_default() += 1;
        }
    }

    /// One note for each segment and reason: a register may lose thousands at once.
    fn end(self) {
        for ((segment, why), count) in &self.unchecked {
            let what = format!("{count} of what it says vanished could not be checked whole: {why}");
            self.out.note("vanished", self.name(*segment), what);
        }
    }
}
