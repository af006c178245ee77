//! What may a run say it has covered? A gap must never look like silence at the source.

use jiff::Timestamp;
use schemas::coverage::{Coverage, CoverageState};

use super::walk::{Tally, WalkEnd};

/// What one run did.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    pub requests: u64,
    pub refused: u64,
    pub failed: u64,
    pub records: u64,
    pub new: u64,
    pub unreadable: u64,
    pub bytes: u64,
    /// Answers whose reading stands, or that said that nothing changed.
    pub answers: u64,
    /// Requests that the gate refused before anything was asked of the source for them.
    pub turned_away: u64,
    /// Requests that came to nothing otherwise.
    pub came_to_nothing: u64,
}

/// Why a run ended before its walk did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Blocked: a challenge, a login wall, 401 or 403.
    Blocked(String),
    /// The source or the budget asks for a pause.
    Limited(String),
    /// Stopped from outside, low disk, a pause longer than a run waits.
    Early(String),
}

/// Everything that coverage is made of.
pub(super) struct Facts<'a> {
    pub target: &'a str,
    pub due: Option<Timestamp>,
    pub from: Timestamp,
    pub to: Timestamp,
    pub count: &'a Count,
    pub tally: &'a Tally,
    pub walk: Option<WalkEnd>,
    pub ended: Option<&'a Ended>,
    /// The collector shows the newest items only, and earlier walks of the lane saw some.
    pub must_join: bool,
}

pub(super) fn coverage(facts: &Facts<'_>) -> Coverage {
    let Facts { count, tally, .. } = facts;
    let mut why = tally.gaps.clone();
    let nothing = count.answers == 0;
    let state = match (facts.ended, facts.walk) {
        (Some(Ended::Blocked(what)), _) => {
            // The request that met it failed for the same reason.
            why.retain(|gap| !gap.ends_with(what.as_str()));
            why.insert(0, what.clone());
            CoverageState::Blocked
        }
        (Some(Ended::Limited(what)), _) => {
            why.insert(0, what.clone());
            CoverageState::RateLimited
        }
        (Some(Ended::Early(what)), _) => {
            why.insert(0, what.clone());
            if nothing { CoverageState::NotAttempted } else { CoverageState::Partial }
        }
        (None, None) => CoverageState::Partial,
        // Our own gate sent nothing: that is no failure of the source.
        (None, Some(_)) if nothing && count.turned_away > 0 && count.came_to_nothing == 0 => {
            CoverageState::NotAttempted
        }
        (None, Some(_)) if nothing && !why.is_empty() => CoverageState::Failed,
        (None, Some(WalkEnd::Broken)) => CoverageState::Partial,
        (None, Some(WalkEnd::Complete)) if !why.is_empty() => CoverageState::Partial,
        (None, Some(WalkEnd::Complete)) if facts.must_join && tally.listed > 0 && !tally.joined && !tally.unchanged => {
            why.push("nothing listed was seen before: something may have come and gone since the last run".to_owned());
            CoverageState::Partial
        }
        (None, Some(WalkEnd::Complete)) => match &tally.empty {
            Some(said) if tally.listed == 0 => {
                why.push(said.clone());
                CoverageState::Empty
            }
            _ => CoverageState::Complete,
        },
    };
    Coverage {
        target: facts.target.to_owned(),
        due: facts.due,
        from: facts.from,
        to: facts.to,
        state,
        why: (!why.is_empty()).then(|| why.join("; ")),
        requests: count.requests,
        refused: count.refused,
        failed: count.failed,
        records: count.records,
        new: count.new,
        unreadable: count.unreadable,
        bytes: count.bytes,
        skipped: Vec::new(),
    }
}
