//! Who was looking, hour by hour? A strip where a gap looks different from silence at the source.
//!
//! Each slot takes the worst of what happened in it. A run that should have been and was not heard of is a gap; before the entry was in
//! force nothing was due, and the slot says that instead.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::frame::Frame;
use crate::desk::CoverageLine;

/// States from best to worst, with the sign that says the same without colour.
const STATES: [(&str, &str); 10] = [
    ("unpermitted", ""),
    ("none", ""),
    ("complete", "●"),
    ("empty", "○"),
    ("partial", "◐"),
    ("rate-limited", "◔"),
    ("not-attempted", "–"),
    ("not-heard-yet", "?"),
    ("failed", "✕"),
    ("blocked", "■"),
];

/// A run of slots.
pub struct Strip {
    /// What it shows.
    pub caption: String,
    /// Label of each row, its slots.
    pub rows: Vec<(String, Vec<Slot>)>,
    /// Times above the slots: place from 0 to 1, words.
    pub ticks: Vec<String>,
}

/// A piece of time.
#[derive(Clone)]
pub struct Slot {
    /// Class and key of its state.
    pub state: &'static str,
    /// The sign.
    pub sign: &'static str,
    /// When, and in words what happened.
    pub title: String,
}

/// One line of the legend, with its count of slots.
pub struct Legend {
    pub state: &'static str,
    pub sign: &'static str,
    pub words: String,
}

/// Which slots.
pub struct Span {
    /// Where the first begins.
    pub from: Timestamp,
    /// How long each is.
    pub length: SignedDuration,
    /// How many.
    pub count: usize,
    /// When the entry was first in force; before it nothing was due.
    pub due_since: Option<Timestamp>,
    /// The time of asking.
    pub now: Timestamp,
}

/// All states, for the legend.
pub fn legend(f: &Frame) -> Vec<Legend> {
    let line =
        |(state, sign): &(&'static str, &'static str)| Legend { state, sign, words: f.t(&format!("coverage-{state}")) };
    // What happened first, then where nothing was to happen.
    STATES.iter().skip(2).chain(STATES.iter().take(2).rev()).map(line).collect()
}

/// The key of a state as the tables write it: `rate_limited` is `rate-limited`.
pub fn state_key(state: &str) -> &'static str {
    let state = state.replace('_', "-");
    STATES.iter().map(|(known, _)| *known).find(|known| *known == state).unwrap_or("failed")
}

/// The sign of a state.
pub fn sign(state: &str) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("", |(_, sign)| sign)
}

pub fn rank(state: &str) -> usize {
    STATES.iter().position(|(known, _)| *known == state).unwrap_or(STATES.len())
}

/// The slots of a span, each in its worst state.
/// What begins after `now` is still to come.
pub fn slots(f: &Frame, lines: &[CoverageLine], span: &Span) -> Vec<Slot> {
    let Span { from, length, count, due_since, now } = *span;
    let seconds = length.as_secs().max(1);
    let mut found: BTreeMap<usize, (usize, BTreeMap<&'static str, u64>)> = BTreeMap::new();
    for line in lines {
        let Ok(at) = line.from.parse::<Timestamp>() else {
            continue;
        };
        let Ok(place) = usize::try_from((at.as_second() - from.as_second()).div_euclid(seconds)) else {
            continue;
        };
        let state = state_key(&line.state);
        let slot = found.entry(place).or_default();
        slot.0 = slot.0.max(rank(state));
        *slot.1.entry(state).or_default() += 1;
    }
    (0..count)
        .map(|place| {
            let begins = from
                .checked_add(SignedDuration::from_secs(seconds.saturating_mul(i64::try_from(place).unwrap_or(0))))
                .unwrap_or(from);
            let ends = begins.checked_add(length).unwrap_or(begins);
            let time = begins.to_zoned(TimeZone::UTC).datetime();
            let when = format!("{}, {}", f.lang.day(time.date()), f.lang.clock(time));
            let (state, words) = match found.get(&place) {
                Some((worst, counts)) => {
                    let said = counts.iter().map(|(state, count)| {
                        format!("{}\u{a0}× {}", f.number(count), f.t(&format!("coverage-{state}")))
                    });
                    (STATES.get(*worst).map_or("failed", |(state, _)| state), said.collect::<Vec<_>>().join(", "))
                }
                None => {
                    let state = match due_since {
                        _ if begins > now => "future",
                        Some(since) if since < ends => "none",
                        _ => "unpermitted",
                    };
                    (state, f.t(&format!("coverage-{state}")))
                }
            };
            Slot { state, sign: sign(state), title: format!("{when} – {words}") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_run_has_its_own_sign_and_words() {
        use schemas::coverage::CoverageState::{
            Blocked, Complete, Empty, Failed, NotAttempted, NotHeardYet, Partial, RateLimited,
        };
        let keys = [Complete, Partial, Empty, RateLimited, Blocked, Failed, NotAttempted, NotHeardYet].map(|state| {
            let word = serde_json::to_value(state).unwrap();
            state_key(word.as_str().unwrap())
        });
        assert_eq!(
            keys,
            ["complete", "partial", "empty", "rate-limited", "blocked", "failed", "not-attempted", "not-heard-yet"]
        );
        let signs: std::collections::BTreeSet<_> = keys.iter().map(|key| sign(key)).collect();
        assert_eq!(signs.len(), keys.len(), "each state has a sign of its own");
        assert!(rank("not-heard-yet") > rank("empty") && rank("not-attempted") > rank("empty"));
    }
}
