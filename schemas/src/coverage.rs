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
    /// It was due and did not run.
    NotAttempted,
    /// It was due and nothing has been heard from the agent since. Said by the registry only.
    NotHeardYet,
}
