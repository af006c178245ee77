//! What did each day bring of one entry? The calendar of coverage, with the days on which the entry was in force.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rusqlite::Connection;
use schemas::policy::History;

use super::{
    coverage::{CoverageDay, coverage_days},
    plan::Plan,
    runs::calendar,
};

/// One UTC day of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// The entry was in force at some time of it.
    pub permitted: bool,
    /// Runs by state, in the words of [`CoverageState`](schemas::coverage::CoverageState).
    pub states: BTreeMap<String, u64>,
}

/// The days given, which follow one another, by what the log says was in force on them.
///
/// # Errors
///
/// The database's.
pub fn days_of(
    db: &Connection,
    history: &History,
    entry: &str,
    days: &[Date],
    now: Timestamp,
) -> rusqlite::Result<BTreeMap<Date, Day>> {
    let begin = |day: &Date| day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).ok();
    let end = |day: &Date| day.tomorrow().ok().as_ref().and_then(begin);
    let (Some(from), Some(to)) = (days.first().and_then(begin), days.last().and_then(end)) else {
        return Ok(BTreeMap::new());
    };
    let mut found: BTreeMap<Date, Day> = days.iter().map(|day| (*day, Day::default())).collect();
    // A run that is due in the future is no gap yet, and neither is the day it lies in.
    let until = to.min(now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now));
    for stretch in history.stretches(entry, from, until) {
        for (day, state) in &mut found {
            let in_it = begin(day).is_some_and(|begins| begins < stretch.to)
                && end(day).is_some_and(|ends| ends > stretch.from);
            state.permitted |= in_it;
        }
    }
    for target in calendar(db, &Plan::of(history, entry, from, to), from, to, now)? {
        let Some(day) = found.get_mut(&target.day) else {
            continue;
        };
        for (state, count) in target.states {
            *day.states.entry(state).or_default() += count;
        }
    }
    Ok(found)
}

/// Most days for which due runs are counted one by one.
const EXACT_DAYS: usize = 100;
/// Most days looked at: forty years.
const MOST_DAYS: usize = 14_610;

/// How one UTC day was looked at, over several entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// Entries under which something was due.
    pub due: u64,
    /// Of these, entries all of whose runs came to their end.
    pub whole: u64,
    /// Of these, entries with any run at all.
    pub made: u64,
}

/// How the days from `first` to `last` were looked at under these entries. Due runs are counted where there are not too many of them; else
/// a day counts as due where the entry was in force.
///
/// # Errors
///
/// The database's.
pub fn looks(
    db: &Connection,
    history: &History,
    entries: &[String],
    (first, last): (Date, Date),
    now: Timestamp,
) -> rusqlite::Result<BTreeMap<Date, Looks>> {
    let days: Vec<Date> = first.series(1.day()).take_while(|day| *day <= last).take(MOST_DAYS).collect();
    let begin = |day: &Date| day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |zoned| zoned.timestamp());
    let mut found: BTreeMap<Date, Looks> = BTreeMap::new();
    for entry in entries {
        let exact = days.len() <= EXACT_DAYS
            && !Plan::of(history, entry, begin(&first), last.tomorrow().as_ref().map_or(now, begin).min(now)).is_long();
        if exact {
            for (day, seen) in days_of(db, history, entry, &days, now)? {
                let looks = found.entry(day).or_default();
                let ran = |state: &&String| !matches!(state.as_str(), "not_attempted" | "not_heard_yet");
                looks.due += u64::from(!seen.states.is_empty());
                looks.made += u64::from(seen.states.keys().any(|state| ran(&state)));
                looks.whole += u64::from(
                    !seen.states.is_empty()
                        && seen.states.keys().all(|state| matches!(state.as_str(), "complete" | "empty")),
                );
            }
            continue;
        }
        let heard = coverage_days(db, std::slice::from_ref(entry), &first.to_string())?;
        let heard: BTreeMap<&str, &CoverageDay> = heard.iter().map(|day| (day.day.as_str(), day)).collect();
        let in_force = history.stretches(entry, begin(&first), now);
        for day in &days {
            let (from, to) = (begin(day), day.tomorrow().as_ref().map_or(now, begin));
            let seen = heard.get(day.to_string().as_str());
            if seen.is_none() && !in_force.iter().any(|stretch| from < stretch.to && to > stretch.from) {
                continue;
            }
            let looks = found.entry(*day).or_default();
            looks.due += 1;
            looks.made += u64::from(seen.is_some());
            looks.whole += u64::from(seen.is_some_and(|day| day.good > 0 && day.troubled == 0));
        }
    }
    Ok(found)
}
