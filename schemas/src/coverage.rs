//! What was looked at, and what was missed? A gap must never look like silence at the source.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One target and window, as one run left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Target id.
    pub target: String,
    /// When the run was due; absent for one started by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When it began.
    pub from: Timestamp,
    /// When it ended, or was cut.
    pub to: Timestamp,
    /// What came of it.
    pub state: CoverageState,
    /// Why, in words: which limit cut it, what was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Requests sent, robots.txt and redirects included.
    pub requests: u64,
    /// Requests refused by the gate.
    pub refused: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Items read.
    pub records: u64,
    /// Items never seen before in this lane.
    pub new: u64,
    /// Items set aside.
    pub unreadable: u64,
    /// Body bytes received.
    pub bytes: u64,
    /// Due runs of the target before this one that were not made and that no earlier run spoke of, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// Due runs in a row that were not made, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// When the first of them was due, jitter included.
    pub first: Timestamp,
    /// When the last of them was due; equal to `first` for one run. Runs between the two that the agent did make are not meant.
    pub last: Timestamp,
    /// How many.
    pub runs: u64,
    /// Why.
    pub why: SkipReason,
}

/// Why a due run was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The run before it was still under way.
    Overlap,
    /// The agent was not running, or was started anew before it could note another reason.
    Away,
    /// The machine slept.
    Asleep,
    /// The clock was set: ahead over it, or back from a time that went by another clock.
    Clock,
    /// No policy that is in force and young enough was at hand.
    NoPolicy,
    /// The target was blocked and waited for a person.
    Blocked,
    /// The agent had more to do than it could.
    Late,
    /// It was begun and not carried through: the agent ended before it did, or its disk failed it.
    Cut,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [SkipReason; 8] = [
        SkipReason::Overlap,
        SkipReason::Away,
        SkipReason::Asleep,
        SkipReason::Clock,
        SkipReason::NoPolicy,
        SkipReason::Blocked,
        SkipReason::Late,
        SkipReason::Cut,
    ];

    /// In words, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            SkipReason::Overlap => "the run before was still under way",
            SkipReason::Away => "the agent was not running, or was started anew",
            SkipReason::Asleep => "the machine slept",
            SkipReason::Clock => "the machine's clock was set",
            SkipReason::NoPolicy => "the agent had no policy in force",
            SkipReason::Blocked => "the target was blocked and waited for a person",
            SkipReason::Late => "the agent had more to do than it could",
            SkipReason::Cut => "the run was begun and not carried through",
        }
    }
}

/// What came of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CoverageState {
    /// Joins the last window: overlap was seen, or the source said end.
    Complete,
    /// Something is missing; `why` names the limit that cut it.
    Partial,
    /// The source says there is nothing.
    Empty,
    /// The source asked us to slow down before the walk was done.
    RateLimited,
    /// A challenge, login wall, 401 or 403.
    Blocked,
    /// It failed.
    Failed,
    /// It was due and the source was asked for nothing: it did not run, or the gate refused what it would have asked.
    NotAttempted,
    /// It was due and nothing has been heard from the agent since. Said by the registry only.
    NotHeardYet,
}
