//! Was each capture permitted, and did it keep within the day?

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemas::capture::Run;
use schemas::gate::RobotsCopy;
use schemas::judge::{CaptureVerdict, Captured, judge_refusal, judge_with, policy_of_run};
use schemas::leaf::RefusalCode;
use schemas::policy::{History, Policy};
use schemas::segment::{Capture, CaptureKind, Segment, View, breaches, contradictions, frame_contradictions};

use super::budget::{Reservation, day_of};
use super::problem::{Stop, refusal};
use crate::core::Inner;
use crate::core::log::chain;

/// What is kept of a segment.
pub(super) struct Verdict {
    pub refused: BTreeSet<u64>,
    pub late: BTreeSet<u64>,
    pub code: RefusalCode,
    pub budget: Reservation,
}

/// A capture as the judge takes it.
fn captured<'a>(view: &'a View<'_>, run: &'a Run, capture: &'a Capture<'_>) -> Captured<'a> {
    let robots: Option<&RobotsCopy> = capture.robots().and_then(|id| view.robots.get(id)).map(|(_, copy)| copy);
    Captured {
        run,
        ask: capture.ask(),
        robots,
        recorded: capture.decision(),
        answered: matches!(capture.kind, CaptureKind::Exchange(_)),
    }
}

/// All units of captures that stand only because the agent could not know better.
pub(in crate::core) fn late(history: &History, view: &View<'_>) -> BTreeSet<u64> {
    let Some((_, run)) = &view.run else {
        return BTreeSet::new();
    };
    let named = policy_of_run(history, run).ok();
    view.captures
        .iter()
        .filter(|capture| !matches!(capture.kind, CaptureKind::Refused(_)))
        .filter(|capture| {
            let verdict = judge_with(history, named.as_ref(), captured(view, run, capture));
            matches!(verdict, CaptureVerdict::AcceptedLate { .. })
        })
        .flat_map(Capture::units)
        .collect()
}

/// A verdict for each capture of a segment that nobody has erased from.
pub(super) fn captures(
    history: &History,
    segment: &Segment,
    view: &View<'_>,
    collector: &str,
    inner: &Inner,
) -> Result<Verdict, Stop> {
    let Some((_, run)) = &view.run else {
        return Err(refusal(RefusalCode::Broken, "it has no run record").into());
    };
    if run.reader.name != collector {
        let why = format!("it was made by collector `{}`, the agent is enrolled for `{collector}`", run.reader.name);
        return Err(refusal(RefusalCode::NotPermitted, why).into());
    }
    let named = policy_of_run(history, run).map_err(|why| refusal(RefusalCode::UnknownPolicy, chain(&why)))?;
    let mut verdict = Verdict {
        refused: BTreeSet::new(),
        late: BTreeSet::new(),
        code: RefusalCode::NotPermitted,
        budget: Reservation::new(inner),
    };
    disagreements(history, &named, segment, view, &mut verdict)?;
    let mut sent: Vec<&Capture<'_>> = Vec::new();
    for capture in &view.captures {
        if verdict.refused.contains(&capture.unit) {
            continue;
        }
        if matches!(capture.kind, CaptureKind::Refused(_)) {
            if let Err(why) = judge_refusal(history, Some(&named), captured(view, run, capture)) {
                tracing::warn!(unit = capture.unit, entry = capture.ask().entry, "{why}");
                verdict.refused.insert(capture.unit);
            }
            continue;
        }
        match judge_with(history, Some(&named), captured(view, run, capture)) {
            CaptureVerdict::Accepted => sent.push(capture),
            CaptureVerdict::AcceptedLate { .. } => {
                verdict.late.extend(capture.units());
                sent.push(capture);
            }
            CaptureVerdict::Refused { why } => {
                tracing::warn!(unit = capture.unit, entry = capture.ask().entry, "a capture is refused: {why}");
                verdict.refused.extend(capture.units());
            }
        }
    }
    sent.sort_by_key(|capture| capture.ask().at);
    spend(inner, history, &named, &sent, &mut verdict)?;
    Ok(verdict)
}

/// Captures that contradict their own records are not kept; a frame that does is no segment.
fn disagreements(
    history: &History,
    named: &Policy,
    segment: &Segment,
    view: &View<'_>,
    verdict: &mut Verdict,
) -> Result<(), Stop> {
    if let Some(first) = frame_contradictions(history, Some(named), segment, view).into_iter().next() {
        return Err(refusal(RefusalCode::Broken, format!("unit {}: {}", first.unit, first.what)).into());
    }
    let mut found = contradictions(segment, view);
    if let Some(entry) = view.run.as_ref().and_then(|(_, run)| named.entry(&run.target.entry)) {
        found.extend(breaches(entry, named.root(), view, true));
    }
    if found.is_empty() {
        return Ok(());
    }
    let of_unit: HashMap<u64, &Capture<'_>> =
        view.captures.iter().flat_map(|capture| capture.units().into_iter().map(move |unit| (unit, capture))).collect();
    for found in found {
        verdict.code = RefusalCode::Broken;
        if found.code == schemas::segment::VANISHED_CODE {
            tracing::warn!(unit = found.unit, "something that is said to have vanished is refused: {}", found.what);
            verdict.refused.insert(found.unit);
            continue;
        }
        tracing::warn!(unit = found.unit, code = found.code, "a capture is refused: {}", found.what);
        let Some(capture) = of_unit.get(&found.unit) else {
            return Err(refusal(RefusalCode::Broken, format!("unit {}: {}", found.unit, found.what)).into());
        };
        verdict.refused.extend(capture.units());
    }
    Ok(())
}

/// Counts requests against each entry's day; those beyond it are refused, the latest first.
fn spend(
    inner: &Inner,
    history: &History,
    named: &Policy,
    sent: &[&Capture<'_>],
    verdict: &mut Verdict,
) -> Result<(), Stop> {
    let mut by_day: BTreeMap<(String, String), Vec<&Capture<'_>>> = BTreeMap::new();
    for capture in sent {
        let ask = capture.ask();
        by_day.entry((ask.entry.clone(), day_of(ask.at))).or_default().push(capture);
    }
    for ((entry, day), captures) in by_day {
        let daily = captures
            .iter()
            .flat_map(|capture| history.policies_around(capture.ask().at))
            .filter_map(|policy| policy.entry(&entry).map(|entry| entry.daily))
            .chain(named.entry(&entry).map(|entry| entry.daily))
            .max()
            .unwrap_or(0);
        let granted = verdict.budget.take(inner, &entry, &day, captures.len() as u64, u64::from(daily))?;
        let granted = usize::try_from(granted).unwrap_or(usize::MAX);
        for capture in captures.iter().skip(granted) {
            tracing::warn!(unit = capture.unit, entry, day, daily, "a capture is refused: the day's budget is spent");
            for unit in capture.units() {
                verdict.late.remove(&unit);
                verdict.refused.insert(unit);
            }
        }
    }
    Ok(())
}
