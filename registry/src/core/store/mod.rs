//! What does the registry remember besides its truth?
//!
//! Tables, in two files. [`KEPT`] has what must not be lost: leaves that wait for their checkpoint, and operator data (receipts' times, tokens, audit
//! rows, alarms). [`INDEX`] has what is made again from segments, statements and log by [`Store::clear_derived`] and following the log from leaf 0,
//! with the same ids; how far it has followed stands in it, so that it may fall behind in a power cut, and nobody who waits for a receipt waits for it.
//! The engine behind [`Store`] knows nothing of segments or signatures; what a leaf means is worked out in [`super::follow`] and comes here
//! as a [`Change`].
//!
//! Search authors and pages read the tables themselves, by [`Sqlite::read`]: `index.sql` and `schema_1.sql` say what every column means.

mod fold;
mod rows;
mod sqlite;
mod tables;

#[cfg(test)]
mod story;

use std::path::Path;

use jiff::Timestamp;
use schemas::Digest;
use schemas::record::Record;

pub use rows::{
    Alarm, AuditRow, CaptureRow, Change, CoverageRow, LeafKind, LeafRow, Line, LineKind, Reading, ReceiptRow,
    SegmentRow, Stated, Token, Tombstoned, VanishedRow, Withdrawn, row_id, row_parts,
};
pub use sqlite::{INDEX, KEPT, Sqlite, look};

/// Why the tables could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The engine.
    #[error("the database refused")]
    Sqlite(#[from] rusqlite::Error),
    /// A row that no release wrote.
    #[error("the database holds a row that can't be: {what}; rebuild the index with `vigie rebuild`")]
    Row {
        /// What is wrong with it.
        what: String,
    },
    /// A file that is in the way, or could not be made durable.
    #[error("`{path}` could not be written or removed")]
    Left {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Made by a later release.
    #[error("the database has format {found}, this release knows {known}; use the newer release")]
    Newer {
        /// Format found.
        found: i64,
        /// Format known.
        known: i64,
    },
    /// Leaves must follow each other without holes.
    #[error("leaf {index} can't be added: the next one is {expected}")]
    Order {
        /// Index given.
        index: u64,
        /// Index that is next.
        expected: u64,
    },
}

impl StoreError {
    /// True if the disk was full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.engine() == Some(rusqlite::ErrorCode::DiskFull)
    }

    /// True if the file is no database, or not the one that was written.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self.engine(), Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt))
    }

    fn engine(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }
}

/// A revision as text search gets it.
#[derive(Debug)]
pub struct Indexed<'a> {
    /// Row of the revision: `revisions.id`.
    pub id: i64,
    /// Row of the item: `items.id`.
    pub item: i64,
    /// What it says.
    pub record: &'a Record,
    /// Entry it was first seen under.
    pub entry: &'a str,
    /// Which host it was seen through.
    pub vantage: &'a str,
    /// False for a claim about somebody else's item.
    pub home: bool,
    /// When this revision was first seen.
    pub first_seen_at: Timestamp,
    /// What `after:` and `before:` look at.
    pub time: Timestamp,
}

/// Text search follows the revisions in the transactions that change them.
///
/// Its tables are derived: [`Indexer::clear`] and indexing all revisions again must give the same answers.
pub trait Indexer: Send + Sync {
    /// Makes or migrates the search's own tables; called at every opening, outside a transaction.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn prepare(&self, connection: &rusqlite::Connection) -> rusqlite::Result<()>;

    /// Takes a revision in that is not there: one that was is removed before. Which revision is shown is in `items.shown`.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn index(&self, tx: &rusqlite::Transaction<'_>, item: &Indexed<'_>) -> rusqlite::Result<()>;

    /// Lets go of a revision: no row keeps its words. One that is not there is no error.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn remove(&self, tx: &rusqlite::Transaction<'_>, id: i64) -> rusqlite::Result<()>;

    /// Lets go of everything.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn clear(&self, tx: &rusqlite::Transaction<'_>) -> rusqlite::Result<()>;

    /// After an erasure: rewrites what still holds removed words (FTS5 `optimize` or `rebuild`), before the database is vacuumed.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn scrub(&self, connection: &rusqlite::Connection) -> rusqlite::Result<()>;
}

/// Keeps no text index.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIndex;

impl Indexer for NoIndex {
    fn prepare(&self, _: &rusqlite::Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    fn index(&self, _: &rusqlite::Transaction<'_>, _: &Indexed<'_>) -> rusqlite::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &rusqlite::Transaction<'_>, _: i64) -> rusqlite::Result<()> {
        Ok(())
    }

    fn clear(&self, _: &rusqlite::Transaction<'_>) -> rusqlite::Result<()> {
        Ok(())
    }

    fn scrub(&self, _: &rusqlite::Connection) -> rusqlite::Result<()> {
        Ok(())
    }
}

/// Finds the record of a line in the evidence again, by manifest and unit; `None` where it is gone. Called inside a transaction, so it
/// must not ask the store anything.
pub type Fetch<'a> = dyn Fn(&Digest, u64) -> Option<Stated> + 'a;

/// The tables, whatever engine keeps them.
pub trait Store: Send + Sync {
    /// Adds leaves and the receipts that speak of them, durable on return.
    ///
    /// # Errors
    ///
    /// [`StoreError::Order`] if they do not follow the last leaf; nothing is added then.
    fn append(&self, leaves: &[LeafRow], receipts: &[ReceiptRow]) -> Result<(), StoreError>;

    /// Number of leaves, pending ones included.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn leaf_count(&self) -> Result<u64, StoreError>;

    /// Leaves from an index on, at most `limit`.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn leaves(&self, from: u64, limit: u64) -> Result<Vec<LeafRow>, StoreError>;

    /// The first leaf of a kind with that digest.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn find(&self, kind: LeafKind, digest: &Digest) -> Result<Option<LeafRow>, StoreError>;

    /// All leaves of a kind.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn of_kind(&self, kind: LeafKind) -> Result<Vec<LeafRow>, StoreError>;

    /// Manifest leaves of one agent with sequence numbers in the range, by number, then index.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn chain(&self, agent: &str, seqs: std::ops::RangeInclusive<u64>) -> Result<Vec<LeafRow>, StoreError>;

    /// Agents with at least one manifest leaf.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn agents(&self) -> Result<Vec<String>, StoreError>;

    /// The receipt given for a manifest.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn receipt(&self, manifest: &Digest) -> Result<Option<ReceiptRow>, StoreError>;

    /// Keeps a receipt unless there is one.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn keep_receipt(&self, receipt: &ReceiptRow) -> Result<(), StoreError>;

    /// How many leaves the derived tables have followed.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn followed(&self) -> Result<u64, StoreError>;

    /// Whether what they have followed are leaves of this log: the newest of them is the leaf at that place. False for an index out of another folder.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn is_followed(&self) -> Result<bool, StoreError>;

    /// Applies what leaves mean, of which leaf `from` must be the next one, in one transaction. A power cut may take it back, but never a part of it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Order`]; the engine's. Nothing is changed then.
    fn apply(&self, from: u64, changes: &[Change], fetch: &Fetch<'_>) -> Result<(), StoreError>;

    /// Makes the rows of a segment again whose file came back; nothing if the tables have not got to it yet.
    ///
    /// # Errors
    ///
    /// The engine's. Nothing is changed then.
    fn refresh(&self, segment: u64, row: &SegmentRow, fetch: &Fetch<'_>) -> Result<(), StoreError>;

    /// Requests made under an entry on a UTC day (`YYYY-MM-DD`), as far as they are indexed.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn spent(&self, entry: &str, day: &str) -> Result<u64, StoreError>;

    /// Revisits that name one of these responses by record id: segment leaf and response unit.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn revisits_of(&self, responses: &[String]) -> Result<Vec<(u64, u64)>, StoreError>;

    /// Empties all derived tables, text search and the rows of leaves included.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn clear_derived(&self) -> Result<(), StoreError>;

    /// Rewrites the derived tables so that no page and no journal keeps what was removed; durable on return.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn scrub(&self) -> Result<(), StoreError>;

    /// Writes a consistent copy of everything to new files of the same names in a folder; the derived tables are never ahead of the leaves.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn copy_to(&self, folder: &Path) -> Result<(), StoreError>;

    /// All derived rows as text, in a fixed order: equal texts are equal tables.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn dump_derived(&self) -> Result<String, StoreError>;

    /// True if the units of an erasure or refusal leaf are known to be destroyed.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn is_erased(&self, leaf: u64) -> Result<bool, StoreError>;

    /// Remembers that the units of a leaf were destroyed.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn set_erased(&self, leaf: u64) -> Result<(), StoreError>;

    /// Remembers when a checkpoint was signed.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn keep_checkpoint(&self, size: u64, root: &str, at: Timestamp) -> Result<(), StoreError>;

    /// When the newest checkpoint of at most this size was signed: an agent may name a size that no checkpoint had.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn checkpoint_at(&self, size: u64) -> Result<Option<Timestamp>, StoreError>;

    /// Raises an alarm; one with the same code and detail that nobody has seen yet is not raised twice.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn raise(&self, at: Timestamp, code: &str, detail: &str) -> Result<(), StoreError>;

    /// Alarms nobody has marked as seen.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn alarms(&self) -> Result<Vec<Alarm>, StoreError>;

    /// Marks an alarm as seen.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn see_alarm(&self, id: i64, at: Timestamp) -> Result<(), StoreError>;

    /// Adds a token by its digest, or replaces what is known of it.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn keep_token(&self, hash: &Digest, token: &Token) -> Result<(), StoreError>;

    /// A token by its digest, expired and revoked ones included.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn token(&self, hash: &Digest) -> Result<Option<Token>, StoreError>;

    /// All tokens with their digests, oldest first.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn tokens(&self) -> Result<Vec<(Digest, Token)>, StoreError>;

    /// Writes an audit row.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn audit(&self, row: &AuditRow) -> Result<(), StoreError>;
}
