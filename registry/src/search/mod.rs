//! Which items say what an analyst asks for?
//!
//! [`analyser`] cuts text into words, for the index and for queries alike. [`query`] is the one query language. [`index`] keeps the words and
//! the facts of every revision in tables beside the store's own; [`Search::run`] answers a query from them, and says up to which size of the log
//! the answer is complete. [`snippet`] shows where the words stand.
//!
//! A hit is an item in the version that is shown: the current one, or the last words of an item that is gone. With
//! [`Options::every_version`] each version is a hit of its own.

pub mod analyser;
mod compile;
mod cursor;
mod follow;
pub mod index;
mod options;
pub mod query;
mod run;
pub mod snippet;
mod watchdog;

pub use index::SqliteIndex;
pub use options::{MAX_LIMIT, Options, Order};
pub use query::{Query, QueryError};
pub use run::{Answer, Count, Facets, Hit, MAX_DAYS, MAX_FACET_VALUES, Search};

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The query can't be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// It took too long.
    #[error("the search took longer than {limit_ms} ms; ask for a shorter time or rarer words")]
    TooSlow {
        /// Time it had.
        limit_ms: u64,
    },
    /// The index has not followed the log far enough yet: wait and ask again.
    #[error("search is complete to log size {complete_to}, {min_size} was asked for; ask again in a moment")]
    NotYet {
        /// Size asked for.
        min_size: u64,
        /// Size followed.
        complete_to: u64,
    },
    /// More hits a page than allowed, or none.
    #[error("a page has 1 to {most} hits, not {limit}")]
    Limit {
        /// Asked for.
        limit: u32,
        /// Allowed.
        most: u32,
    },
    /// A cursor that this query did not give.
    #[error("this cursor belongs to no page of this query; start again without it")]
    Cursor,
    /// The engine.
    #[error("the search index could not be read")]
    Sqlite(#[from] rusqlite::Error),
}
