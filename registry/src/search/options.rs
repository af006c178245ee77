//! How is a query to be answered?

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

/// Most hits a page has.
pub const MAX_LIMIT: u32 = 200;

/// In which order hits come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Latest `time` first; pages stay where they are while new items arrive.
    #[default]
    Newest,
    /// Best match first; a query without wanted words comes newest first. New items move the pages.
    Relevance,
}

/// How a query is to be answered.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hits a page, 1 to [`MAX_LIMIT`].
    pub limit: u32,
    /// [`super::Answer::next`] of the page before.
    pub cursor: Option<String>,
    /// Which hits come first.
    pub order: Order,
    /// Count over platforms, entries, languages, kinds and days too.
    pub facets: bool,
    /// What `seen:7d` counts from.
    pub now: Timestamp,
    /// Smallest log size the answer must be complete to.
    pub min_size: Option<u64>,
    /// Each version of an item is a hit, not only the one that is shown.
    pub every_version: bool,
    /// This registry is a trial: what `is:trial` means.
    pub is_trial: bool,
    /// How long it may take.
    pub time_limit: Duration,
}

impl Options {
    /// Fifty hits, newest first, no facets, five seconds.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            limit: 50,
            cursor: None,
            order: Order::Newest,
            facets: false,
            now,
            min_size: None,
            every_version: false,
            is_trial: false,
            time_limit: Duration::from_secs(5),
        }
    }
}
