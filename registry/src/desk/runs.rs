//! Which runs should have been, and what became of each?
//!
//! Expected runs come from the signed schedule, by the function the agents use and by the entry's words at that time. Each is one of:
//! heard of (then the agent's words count), *not attempted* (a later run of the agent says so, or nothing else is possible), or *not heard
//! yet*. What comes late takes the place of what was not heard yet; nothing is ever taken for silence at the source.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rusqlite::Connection;
use schemas::coverage::CoverageState;
use serde::{Deserialize, Serialize};

use super::{
    heard::{CoverageLine, Row, rows, skipped, skips, whole, word},
    plan::{MAX_LINES, Plan},
    unheard::{Agents, Around},
};

/// How late a run may be heard of before it counts as missing.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What became of the runs of one target on one UTC day, by when they were due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetDay {
    /// Target.
    pub target: String,
    /// The day, UTC.
    pub day: Date,
    /// Runs that were due, up to ten minutes before the time of asking.
    pub expected: u64,
    /// Of these, runs that an agent made, whatever came of them: not *not attempted*, not *not heard yet*.
    pub made: u64,
    /// Runs besides, started by hand or to describe items; they are in no other count.
    pub by_hand: u64,
    /// Due runs by state, in the words of [`CoverageState`]; the counts add up to `expected`.
    pub states: BTreeMap<String, u64>,
}

/// Coverage of an entry between two instants, oldest first, by when runs were due or, without a due time, began: runs as agents reported
/// them, and due runs without a report, by what was in force when. At most [`MAX_LINES`] of the latter.
///
/// # Errors
///
/// The database's.
pub fn coverage_by(
    db: &Connection,
    plan: &Plan,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<CoverageLine>> {
    let mut found: Vec<(Timestamp, CoverageLine)> = Vec::new();
    let mut unheard = 0;
    each(db, plan, from, to, now, |target, at, said| match said {
        Said::Heard(row) => found.push((at, row.line.clone())),
        Said::Unheard { .. } if unheard >= MAX_LINES => {}
        Said::Unheard { state, why } => {
            unheard += 1;
            found.push((at, unheard_line(&plan.entry, target, at, state, why)));
        }
    })?;
    found.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.target.cmp(&other.target)));
    Ok(found.into_iter().map(|(_, line)| line).collect())
}

/// Counts of each target and UTC day between two instants, by target and day. Days without a due run are left out.
///
/// # Errors
///
/// The database's.
pub fn calendar(
    db: &Connection,
    plan: &Plan,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<TargetDay>> {
    let mut days: BTreeMap<(String, Date), TargetDay> = BTreeMap::new();
    each(db, plan, from, to, now, |target, at, said| {
        let day = at.to_zoned(TimeZone::UTC).date();
        let found = days.entry((target.to_owned(), day)).or_insert_with(|| TargetDay {
            target: target.to_owned(),
            day,
            expected: 0,
            made: 0,
            by_hand: 0,
            states: BTreeMap::new(),
        });
        let state = match said {
            Said::Heard(row) if row.due.is_none() => {
                found.by_hand += 1;
                return;
            }
            Said::Heard(row) => row.line.state.clone(),
            Said::Unheard { state, .. } => word(state),
        };
        found.expected += 1;
        found.made += u64::from(![CoverageState::NotAttempted, CoverageState::NotHeardYet].map(word).contains(&state));
        *found.states.entry(state).or_default() += 1;
    })?;
    Ok(days.into_values().collect())
}

enum Said<'a> {
    Heard(&'a Row),
    Unheard { state: CoverageState, why: Option<String> },
}

/// Tells of each run of a plan, target by target.
fn each(
    db: &Connection,
    plan: &Plan,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
    mut tell: impl FnMut(&str, Timestamp, Said<'_>),
) -> rusqlite::Result<()> {
    let second = SignedDuration::from_secs(1);
    // Fractions of a second do not sort as text, so a little more is fetched than is wanted.
    let low = from.checked_sub(second).unwrap_or(from);
    let high = to.checked_add(second).unwrap_or(to);
    let (low, high) = (whole(low), whole(high));
    let all = rows(
        db,
        "c.entry = ?1 AND ((c.due >= ?2 AND c.due <= ?3) OR (c.from_at >= ?2 AND c.from_at <= ?3)) ORDER BY c.idx",
        &[&plan.entry, &low, &high],
    )?;
    // A run of several segments counts once, as its newest segment tells of it.
    let mut runs: BTreeMap<(String, String), Row> = BTreeMap::new();
    for row in all {
        runs.insert((row.run.clone(), row.agent.clone()), row);
    }
    let mut targets: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for target in plan.targets() {
        targets.entry(target.clone()).or_default();
    }
    for row in runs.into_values() {
        targets.entry(row.line.target.clone()).or_default().push(row);
    }
    let skips = skips(db, &plan.entry, &low)?;
    let mut agents = Agents::default();
    let until = to.min(now.checked_sub(PATIENCE).unwrap_or(now));
    for (target, mut heard) in targets {
        let dues: BTreeMap<Timestamp, Timestamp> =
            plan.dues(&target).map(|(due, known)| (due.at, known)).filter(|(at, _)| *at < to).collect();
        heard.sort_by_key(|row| row.from);
        let around = Around::of(db, &plan.entry, &target, &low, &high, now, &heard)?;
        let mut told: BTreeSet<Timestamp> = BTreeSet::new();
        for row in &mut heard {
            let at = row.due.unwrap_or(row.from);
            if !row.complete {
                around.unfinished(row);
            }
            if at < from || at >= to {
                continue;
            }
            // Two agents may report one run: it counts once, as the first tells of it.
            if row.due.is_none() || told.insert(at) {
                tell(&target, at, Said::Heard(row));
            }
        }
        for (at, known) in dues {
            if at >= until || at < known || told.contains(&at) {
                continue;
            }
            let (state, why) = match skips.get(&target).and_then(|skips| skipped(skips, at)) {
                Some(found) => (CoverageState::NotAttempted, Some(found.why.in_words().to_owned())),
                None => around.unheard(db, &mut agents, at)?,
            };
            tell(&target, at, Said::Unheard { state, why });
        }
    }
    Ok(())
}

fn unheard_line(entry: &str, target: &str, due: Timestamp, state: CoverageState, why: Option<String>) -> CoverageLine {
    let due = due.to_string();
    CoverageLine {
        entry: entry.to_owned(),
        target: target.to_owned(),
        from: due.clone(),
        to: due.clone(),
        due: Some(due),
        state: word(state),
        why,
        requests: 0,
        refused: 0,
        failed: 0,
        records: 0,
        new: 0,
        unreadable: 0,
        agent: None,
    }
}

#[cfg(test)]
mod tests;
