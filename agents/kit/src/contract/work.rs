//! Why is `plan` called, and what is it told?

use jiff::Timestamp;
use schemas::capture::{Lane, Target};
use serde::{Deserialize, Serialize};

/// What [`plan`](super::Collector::plan) is told.
#[derive(Clone, Debug)]
pub struct Ask<'a, C> {
    /// What is collected, recipe included.
    pub target: &'a Target,
    /// Why it is called.
    pub work: Work,
    /// The lane's cursor; the default one before the first walk was completed.
    pub cursor: &'a C,
    /// The clock. It exists here alone: `read` has only the time of capture.
    pub now: Timestamp,
}

/// Why `plan` is called. Each kind has its own lane, cursor and walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// What is new.
    Poll,
    /// A stretch of the past, beside the live walk. Only of collectors whose manifest says `windows`.
    Window {
        /// First instant wanted.
        from: Timestamp,
        /// First instant no longer wanted.
        to: Timestamp,
    },
    /// Named items.
    Items {
        /// The items, at most as many as one call of the manifest's `batch` takes.
        due: Vec<Known>,
        /// True for a re-check; false where a reading wanted them described.
        again: bool,
    },
}

impl Work {
    /// The lane this work runs in. An open connection is planned as [`Work::Poll`] and runs in [`Lane::Stream`]: the engine knows it by the request.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Poll => Lane::Poll,
            Self::Window { .. } => Lane::Window,
            Self::Items { .. } => Lane::Items,
        }
    }
}

/// An item that is known by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its canonical id.
    pub id: String,
    /// How this source is asked for it.
    pub handle: String,
}
