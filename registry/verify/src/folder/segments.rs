//! Does every segment that the log names open, and was what it holds permitted?

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use schemas::{
    judge::policy_of_run,
    policy::AgentState,
    segment::{CaptureKind, MAX_FILE_BYTES, Segment, View, tombstoned_units},
};
use tlog::VerifierKey;

use super::{
    FolderOptions, Totals,
    log::{Log, Logged},
    vanished::Seen,
};
use crate::{
    bundle::{read_file, segment_name},
    captures::Judge,
    replay::{Why, chain},
    verdict::Findings,
};

/// Threads unless the caller says otherwise: each may hold a segment file, its content and its parts.
const MOST_THREADS: usize = 4;

/// Checks all segments, several at a time.
pub(super) fn check(
    data_dir: &Path,
    log: &Log,
    log_key: &VerifierKey,
    options: &FolderOptions<'_>,
    totals: &mut Totals,
    out: &mut Findings,
) {
    let cores = || thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let threads = if options.threads == 0 { cores() } else { options.threads };
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let merged = Mutex::new((&mut *totals, &mut *out, Seen::default()));
    let spent = Mutex::new(Spent::new());
    let work = || {
        let (mut own, mut found) = (Totals::default(), Findings::default());
        let (mut days, mut seen) = (Spent::new(), Seen::default());
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(logged) = log.segments.get(position) else { break };
            segment(data_dir, log, position, logged, log_key, &mut own, &mut days, &mut seen, &mut found);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(progress) = options.progress {
                progress(done, log.segments.len() as u64);
            }
        }
        let mut all = spent.lock().unwrap_or_else(PoisonError::into_inner);
        for (day, (used, daily)) in days {
            let sum = all.entry(day).or_default();
            *sum = (sum.0 + used, sum.1.max(daily));
        }
        drop(all);
        let mut merged = merged.lock().unwrap_or_else(PoisonError::into_inner);
        let (totals, out, all) = &mut *merged;
        all.join(seen);
        totals.units += own.units;
        totals.erased += own.erased;
        totals.refused += own.refused;
        totals.captures += own.captures;
        totals.late += own.late;
        totals.records += own.records;
        totals.bytes += own.bytes;
        out.0.append(&mut found.0);
    };
    if threads <= 1 {
        work();
    } else {
        thread::scope(|scope| {
            for _ in 0..threads.min(log.segments.len()) {
                scope.spawn(work);
            }
        });
    }
    let (_, out, seen) = merged.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.check(data_dir, log, out);
    for ((entry, day), (used, daily)) in spent.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if used > daily {
            out.wrong(
                "budget",
                format!("entry {entry}, {day}"),
                format!("{used} requests are kept of a day that allowed {daily}"),
            );
        }
    }
}

/// Requests kept of an entry and UTC day, and how many the most generous policy of that day allowed.
type Spent = BTreeMap<(String, String), (u64, u64)>;

/// Adds what a segment spent. What was refused or erased is not counted: nobody can tell any more that it was a request.
fn spend(log: &Log, view: &View<'_>, days: &mut Spent) {
    let named = view.run.as_ref().and_then(|(_, run)| policy_of_run(&log.replay.history, run).ok());
    let sent = view.captures.iter().filter(|capture| !matches!(capture.kind, CaptureKind::Refused(_)));
    for capture in sent {
        let ask = capture.ask();
        let policies = log.replay.history.policies_around(ask.at);
        let daily = policies
            .iter()
            .map(|policy| &**policy)
            .chain(&named)
            .filter_map(|policy| policy.entry(&ask.entry))
            .map(|entry| u64::from(entry.daily))
            .max()
            .unwrap_or(0);
        let day = ask.at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        let sum = days.entry((ask.entry.clone(), day)).or_default();
        *sum = (sum.0 + 1, sum.1.max(daily));
    }
}

#[expect(clippy::too_many_arguments, reason = "what is looked at, and what each look adds to")]
fn segment(
    data_dir: &Path,
    log: &Log,
    position: usize,
    logged: &Logged,
    log_key: &VerifierKey,
    totals: &mut Totals,
    days: &mut Spent,
    seen: &mut Seen,
    out: &mut Findings,
) {
    let name = segment_name(logged.digest);
    let file = match read_file(&data_dir.join(&name), MAX_FILE_BYTES) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            let units = logged.manifest.units;
            let what = format!(
                "leaf {} of {} names this segment, and its {units} units are not here",
                logged.index, logged.manifest.agent
            );
            return out.missing("missing-segment", name, what);
        }
        Err(why) => return out.wrong("segment", name, format!("it cannot be read: {why}")),
    };
    totals.bytes += file.len() as u64;
    let segment = match Segment::read(&file) {
        Ok(segment) => segment,
        Err(why) => return out.wrong("segment", name, chain(&why)),
    };
    drop(file);
    if segment.digest != logged.digest {
        let what = format!("it holds another segment, {} number {}", segment.manifest.agent, segment.manifest.seq);
        return out.wrong("segment", name, what);
    }
    totals.units += segment.manifest.units;
    let mut collector = None;
    match log.replay.history.agent(&segment.manifest.agent, logged.index) {
        AgentState::Enrolled { vkey, collector: of } => {
            collector = Some(of);
            if let Err(why) = segment.verify(&vkey) {
                out.wrong("signature", &*name, chain(&why));
            }
        }
        AgentState::Revoked => {
            let what =
                format!("the key of {} was revoked before leaf {} was added", segment.manifest.agent, logged.index);
            out.wrong("agent", &*name, what);
        }
        AgentState::Unknown => {
            let what = format!("nobody had enrolled {} when leaf {} was added", segment.manifest.agent, logged.index);
            out.wrong("agent", &*name, what);
        }
    }
    let gone = tombstones(log, logged, &segment, &name, totals, out);
    let view = match segment.view() {
        Ok(view) => view,
        Err(why) => return out.wrong("segment", name, chain(&why)),
    };
    spend(log, &view, days);
    seen.take(position, &segment, &view);
    let judge = Judge {
        replay: &log.replay,
        log_key,
        leaf: logged.index,
        collector: collector.as_deref(),
        partial: !gone.is_empty(),
        name: &name,
    };
    let counts = judge.check(&segment, &view, out);
    totals.captures += counts.captures;
    totals.late += counts.late;
    totals.records += counts.records;
    for capture in &view.captures {
        let copy_gone = capture.robots().is_some_and(|id| !view.robots.contains_key(id));
        let sent = !matches!(capture.kind, CaptureKind::Refused(_));
        if !gone.is_empty() && (copy_gone || view.run.is_none()) && sent {
            out.note(
                "unjudged",
                judge.place(capture.unit),
                "its run record or robots.txt copy is gone, so its decision cannot be recomputed",
            );
        }
    }
}

/// Holds the tombstones in a file against the leaves that should name them, and the leaves against the file.
fn tombstones(
    log: &Log,
    logged: &Logged,
    segment: &Segment,
    name: &str,
    totals: &mut Totals,
    out: &mut Findings,
) -> BTreeSet<u64> {
    let mut gone = BTreeSet::new();
    for (unit, leaf) in tombstoned_units(segment) {
        gone.insert(unit);
        let named = log.replay.gone.get(&leaf).filter(|found| found.manifest == logged.digest && found.names(unit));
        match named.map(|found| &found.why) {
            Some(Why::Erased { .. }) => totals.erased += 1,
            Some(Why::Refused(_)) => totals.refused += 1,
            None => {
                let what = format!("it is gone, and leaf {leaf}, which should say why, does not name it");
                out.missing("missing-unit", format!("{name}, unit {unit}"), what);
            }
        }
    }
    for (index, leaf) in log.replay.gone.iter().filter(|(_, leaf)| leaf.manifest == logged.digest) {
        for [first, last] in &leaf.units {
            if *last >= segment.manifest.units {
                out.wrong(
                    "leaf",
                    format!("leaf {index}"),
                    format!("it names unit {last} of a segment of {} units", segment.manifest.units),
                );
            }
            for unit in (*first..=(*last).min(segment.manifest.units))
                .filter(|unit| *unit < segment.manifest.units && !gone.contains(unit))
            {
                out.wrong(
                    "not-destroyed",
                    format!("{name}, unit {unit}"),
                    format!("leaf {index} says it is gone, and its bytes are still here"),
                );
            }
        }
    }
    gone
}
