//! What does an agent remember? Its SQLite file: cursors, requests still to be made, what was seen, the chain of its segments.
//!
//! Whatever a segment settles is written in one transaction after the segment's rename ([`State::commit`]); a crash before it makes the
//! exchanges again. WAL with `synchronous = FULL`: a commit that returned survives power loss. Only what a power cut may take is not synced by
//! itself. The file is a log, of which a cut takes the end and nothing else; so whatever is not synced is gone only together with all that came
//! after it, and is synced by the next commit that is. What may go that way:
//!
//! - that a run and its walk were begun: no segment of it was named, so nothing of that run exists, and it is made again as after any crash;
//! - that an answer is being read: that mark guards against a reading that ends the process, and a cut is none.
//!
//! One process holds a state folder at a time, by a lock on the file `lock`.

mod cached;
mod chain;
mod commit;
mod considered;
mod marks;
mod migrations;
mod readings;
mod runs;
mod scopes;
mod veil;
mod walks;

use std::{
    fs::{File, TryLockError},
    io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use jiff::Timestamp;
use rusqlite::{Connection, config::DbConfig};
use schemas::pseudonym::StateKey;

use cached::Change;
pub(crate) use cached::{Cached, STATEMENTS};
pub use chain::{Chain, Receipted, Waiting};
pub use commit::{Changes, Placed, Settled, Whose};
pub use considered::{Across, Taken};
pub use marks::{Mark, Seen, Wanted};
pub use readings::{Before, Begun, Blocks, Left};
pub use runs::Blocked;
pub use scopes::{Doubt, Look, Missing, Scope, Snapshot, Stood};
pub use walks::{ShelfItem, WalkRow};

/// Marks the file as an agent's state: "VIGA".
const APPLICATION_ID: i32 = 0x5649_4741;

/// Why the state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process works in this folder.
    #[error("another agent works in `{}`; give each agent a state folder of its own, or stop the other one", dir.display())]
    Busy {
        /// The folder.
        dir: PathBuf,
    },
    /// A later release wrote it.
    #[error("`{}` was written by a newer release (state version {found}, this one knows {known}); install that release again", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The newest this release knows.
        known: i64,
    },
    /// It is some other program's.
    #[error("`{}` is not the state of an agent", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The chain belongs to another key.
    #[error(
        "the state belongs to the key `{found}`, the agent has `{given}`; a new key begins with an empty state folder"
    )]
    OtherKey {
        /// Key the state was made with.
        found: String,
        /// Key given.
        given: String,
    },
    /// It is hidden by another state key, or by one that was not given.
    #[error(
        "`{}` is kept under another state key than the one given; give that key again, or begin with an empty state folder",
        file.display()
    )]
    OtherStateKey {
        /// The file.
        file: PathBuf,
    },
    /// The folder.
    #[error("the state folder `{}` can't be used", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite.
    #[error("the agent's state can't be read or written")]
    Sql(#[from] rusqlite::Error),
    /// SQLite, at the very end of a transaction. It counts as not written; but where the disk took it and did not say so, it is there after the
    /// process ends, unless something is written before.
    #[error("it is not known whether the agent's state was written")]
    Doubtful(#[source] rusqlite::Error),
    /// A stored value that this release can't read.
    #[error("the agent's state holds a broken {what}")]
    Broken {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Memory for pages of the file, in KiB; SQLite's own choice is 2,000.
const CACHE_KIB: i32 = 512;

/// The agent's memory. Cheap calls; every one of them is its own transaction.
#[derive(Debug)]
pub struct State {
    db: Mutex<Db>,
    /// Whether an answer may be kept whose reading did not come back; hardly ever is one, and each reading asks.
    unread: AtomicBool,
    dir: PathBuf,
    /// Held for as long as the process works here.
    _lock: Lock,
}

#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do: a program that another thread is just starting holds a copy of the file until it has begun.
        let _ = self.0.unlock();
    }
}

impl State {
    /// Opens the state in a folder, makes both where they are missing, and takes the lock.
    ///
    /// # Errors
    ///
    /// [`StateError`]: another process works there, a newer release wrote it, or the disk refuses.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        Self::open_hidden(dir, None)
    }

    /// As [`open`](Self::open), everything a source said hidden by a state key. A state that was kept in clear before is hidden first.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`StateError::OtherStateKey`].
    pub fn open_hidden(dir: &Path, key: Option<&StateKey>) -> Result<Self, StateError> {
        let folder = |source| StateError::Folder { dir: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(dir.join("lock")).map_err(folder)?;
        let lock = match file.try_lock() {
            Ok(()) => Lock(file),
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::Busy { dir: dir.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(folder(source)),
        };
        let file = dir.join("state.sqlite");
        let mut db = Connection::open(&file)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // Sorting must not spill what was shown.
        db.pragma_update(None, "temp_store", "MEMORY")?;
        // Plans must not depend on values, or statements would be compiled again for new ones.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        migrate(&db, &file)?;
        veil::install(&db, key)?;
        veil::settle(&mut db, key, &file)?;
        // Whoever made them is gone: this process has the lock.
        db.execute("UPDATE runs SET open = 0, cut = cut + 1 WHERE open = 1", [])?;
        let unread = AtomicBool::new(readings::any_unread(&db)?);
        Ok(Self { db: Mutex::new(Db { connection: db, synced: Some(true) }), unread, dir: dir.to_owned(), _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// For commits that are on the disk when they return.
    fn db(&self) -> Result<MutexGuard<'_, Db>, StateError> {
        let mut db = self.look();
        db.sync(true)?;
        Ok(db)
    }

    /// For commits that a power cut may take, though not the end of the process: they reach the disk with the next one that is synced.
    fn unsynced(&self) -> Result<MutexGuard<'_, Db>, StateError> {
        let mut db = self.look();
        db.sync(false)?;
        Ok(db)
    }

    /// For reading.
    fn look(&self) -> MutexGuard<'_, Db> {
        // A panic inside a transaction rolls it back, so the connection behind a poisoned lock is sound.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection, and whether its commits are synced; nothing where a test has said so.
#[derive(Debug)]
struct Db {
    connection: Connection,
    synced: Option<bool>,
}

impl Db {
    fn sync(&mut self, synced: bool) -> rusqlite::Result<()> {
        if self.synced == Some(!synced) {
            self.connection.pragma_update(None, "synchronous", if synced { "FULL" } else { "NORMAL" })?;
            self.synced = Some(synced);
        }
        Ok(())
    }
}

impl Deref for Db {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

fn migrate(db: &Connection, file: &Path) -> Result<(), StateError> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let known = i64::try_from(migrations::STEPS.len()).unwrap_or(i64::MAX);
    if application != APPLICATION_ID && tables > 0 {
        return Err(StateError::Foreign { file: file.to_owned() });
    }
    if found > known {
        return Err(StateError::Newer { file: file.to_owned(), found, known });
    }
    for (version, step) in (1_i64..).zip(migrations::STEPS).filter(|(version, _)| *version > found) {
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {step} PRAGMA user_version = {version}; PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
        ))?;
    }
    Ok(())
}

/// Instant to column.
fn us(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Column to instant.
fn at(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::MIN)
}

fn json<T: serde::Serialize>(what: &'static str, thing: &T) -> Result<String, StateError> {
    serde_json::to_string(thing).map_err(|source| StateError::Broken { what, source })
}

fn parsed<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StateError> {
    serde_json::from_str(text).map_err(|source| StateError::Broken { what, source })
}

#[cfg(test)]
mod tests;
