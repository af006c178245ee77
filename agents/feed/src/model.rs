//! What does a feed document say, whatever its format?

use schemas::record::{Author, ClaimedTime, Record};

/// A feed as one document shows it, but for its entries: they are told one by one.
#[derive(Debug, Default)]
pub struct Feed {
    /// Format and version, as in `rss 2.0`, `atom 1.0`, `rdf`, `json feed 1.1`.
    pub format: String,
    /// Encoding that the bytes were read in.
    pub encoding: &'static str,
    /// What the feed says of itself.
    pub head: Head,
    /// Entries the feed says are withdrawn (RFC 6721).
    pub deleted: Vec<Deleted>,
    /// Where older entries stand (RFC 5005 `next` and `prev-archive`, JSON Feed `next_url`).
    pub older: Option<String>,
    /// What is missing at the end, for people.
    pub cut: Option<String>,
}

/// What a feed says of itself.
#[derive(Debug, Default)]
pub struct Head {
    /// Title, plain text.
    pub title: Option<String>,
    /// The site it belongs to, absolute.
    pub link: Option<String>,
    /// Its own address as it gives it, absolute.
    pub own: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// Subtitle or description, plain text.
    pub description: Option<String>,
    /// Language as declared.
    pub language: Option<String>,
    /// Who publishes it.
    pub author: Option<Author>,
    /// When it says it last changed.
    pub updated: Option<ClaimedTime>,
    /// When it says it was published.
    pub published: Option<ClaimedTime>,
    /// Rights, plain text.
    pub rights: Option<String>,
    /// The program that made it, as written.
    pub generator: Option<String>,
}

/// One entry and where it stood.
#[derive(Debug)]
pub struct Entry {
    /// Its place.
    pub at: At,
    /// What it says, or why it cannot be read.
    pub record: Result<Record, String>,
}

/// Where in the document something stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// An XML element by its local name, counted from 0 among the entries.
    Element(&'static str, usize),
    /// A member of JSON Feed's `items`, counted from 0.
    Item(usize),
}

/// An entry that the feed says is withdrawn.
#[derive(Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Its place among the withdrawn ones.
    pub at: At,
    /// Its id, scoped like a record's.
    pub id: String,
    /// What the feed says about it.
    pub why: String,
}

/// Why a document is no feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoFeed {
    /// Where: an element or `json`.
    pub at: String,
    /// Why, for people.
    pub why: String,
}

impl NoFeed {
    pub(crate) fn new(at: &str, why: impl Into<String>) -> Self {
        Self { at: at.to_owned(), why: why.into() }
    }
}
