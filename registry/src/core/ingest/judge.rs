//! Was each capture permitted, and was the day's budget kept?

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::capture::Run;
use schemas::gate::RobotsCopy;
use schemas::judge::{CaptureVerdict, Captured, judge_refusal, judge_with, policy_of_run};
use schemas::leaf::RefusalCode;
use schemas::policy::{History, Policy};
use schemas::record::Record;
use schemas::segment::{Capture, CaptureKind, Segment, View, breaches, contradictions, frame_contradictions};
use url::{Host, Url};

use super::problem::{PutProblem, Stop, Verdict, refusal};
use crate::core::Inner;
use crate::core::follow::day_of;
use crate::core::log::chain;
use crate::core::store::Store as _;

/// Days of budgets that are remembered in memory; older ones are read from the tables again.
const REMEMBERED: usize = 4096;

/// How long a segment waits for the tables to know what was spent. They may take hours where they are made again, and who waits holds up others.
const PATIENCE: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(20) };

/// A capture as the judge takes it.
pub(in crate::core) fn captured<'a>(view: &'a View<'_>, run: &'a Run, capture: &'a Capture<'_>) -> Captured<'a> {
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
pub(super) fn late(history: &History, view: &View<'_>) -> BTreeSet<u64> {
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
        tracing::warn!(unit = found.unit, code = found.code, "a capture is refused: {}", found.what);
        let Some(capture) = of_unit.get(&found.unit) else {
            return Err(refusal(RefusalCode::Broken, format!("unit {}: {}", found.unit, found.what)).into());
        };
        verdict.refused.extend(capture.units());
        verdict.code = RefusalCode::Broken;
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

/// Requests counted for an entry and UTC day, those of segments still on their way included.
#[derive(Default)]
pub(in crate::core) struct Budgets(Mutex<HashMap<(String, String), u64>>);

impl Budgets {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests counted for one segment; given back unless it gets into the log.
pub(in crate::core) struct Reservation {
    budgets: Arc<Budgets>,
    taken: Vec<((String, String), u64)>,
}

impl Reservation {
    fn new(inner: &Inner) -> Self {
        Self { budgets: Arc::clone(&inner.budgets), taken: Vec::new() }
    }

    /// Takes up to `wanted` of what is left of `daily`; the tables say what was spent before this process began.
    fn take(&mut self, inner: &Inner, entry: &str, day: &str, wanted: u64, daily: u64) -> Result<u64, Stop> {
        let key = (entry.to_owned(), day.to_owned());
        let mut counts = self.budgets.lock();
        if !counts.contains_key(&key) {
            // The tables may lag behind the log that was opened: after a crash, or while they are made again.
            drop(counts);
            if !inner.wait_for(inner.opened, PATIENCE) {
                return Err(Stop::Problem(PutProblem::Behind {
                    followed: inner.progress().followed,
                    opened: inner.opened,
                }));
            }
            counts = self.budgets.lock();
        }
        if counts.len() > REMEMBERED && !counts.contains_key(&key) {
            // Days long past; what is asked for again is read again. The follower may lag, so days of late are kept.
            let mut days: Vec<String> = counts.keys().map(|(_, day)| day.clone()).collect();
            days.sort_unstable();
            if let Some(middle) = days.get(days.len() / 2).cloned() {
                counts.retain(|(_, day), _| *day >= middle);
            }
        }
        let spent = match counts.get(&key) {
            Some(spent) => *spent,
            None => inner.store.spent(entry, day)?,
        };
        let granted = wanted.min(daily.saturating_sub(spent));
        counts.insert(key.clone(), spent + granted);
        self.taken.push((key, granted));
        Ok(granted)
    }

    /// The segment is in the log.
    pub fn settle(mut self) {
        self.taken.clear();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut counts = self.budgets.lock();
        for (key, granted) in &self.taken {
            if let Some(spent) = counts.get_mut(key) {
                *spent = spent.saturating_sub(*granted);
            }
        }
    }
}

/// The registrable domain that was asked (`example.org` for `https://news.example.org/a`), or the address or name where there is none.
#[must_use]
pub fn vantage(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(Host::Domain(name)) => registrable(&name),
        Some(address) => address.to_string(),
        None => String::new(),
    }
}

fn registrable(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    psl::domain_str(&name).unwrap_or(&name).to_owned()
}

/// Whether the vantage is where this identity belongs. An id that names no host belongs to whoever is asked for it.
///
/// Hosts are read from addresses (`https://a.example.org/1`), tag URIs (`tag:example.org,2026:1`) and scoped ids (`example.org|1`).
#[must_use]
pub fn is_home(record: &Record, vantage: &str) -> bool {
    let id = &record.id;
    let host = if let Ok(url) = Url::parse(id)
        && matches!(url.scheme(), "http" | "https")
    {
        return self::vantage(id) == vantage;
    } else if let Some(rest) = id.strip_prefix("tag:") {
        rest.split(',').next().map(|authority| authority.rsplit('@').next().unwrap_or(authority))
    } else {
        id.split_once('|').map(|(host, _)| host).filter(|host| host.contains('.'))
    };
    let Some(host) = host else { return true };
    // A port belongs to a server, not to the name; addresses stand for themselves.
    let bare = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit()))
        .map_or(host, |(host, _)| host);
    let found = match bare.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => registrable(bare),
    };
    found == vantage
}

#[cfg(test)]
mod tests {
    use schemas::record::Kind;

    use super::*;

    #[test]
    fn a_source_has_its_own_ids_only() {
        let home = |id: &str, vantage: &str| is_home(&Record::new(Kind::Post, "web", id), vantage);
        assert_eq!(vantage("https://news.example.org/a?b"), "example.org");
        assert_eq!(vantage("https://www.news.co.uk/"), "news.co.uk");
        assert_eq!(vantage("http://127.0.0.1:8080/"), "127.0.0.1");
        assert!(home("https://www.example.org/1", "example.org"));
        assert!(home("tag:example.org,2026:7", "example.org"));
        assert!(home("news.example.org|7", "example.org"));
        assert!(home("127.0.0.1:8080|7", "127.0.0.1"));
        assert!(home("dQw4w9WgXcQ", "example.org"));
        assert!(!home("https://other.example.net/1", "example.org"));
        assert!(!home("tag:example.net,2026:7", "example.org"));
        assert!(!home("example.net|7", "example.org"));
    }
}
