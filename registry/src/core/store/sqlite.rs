//! The tables in two SQLite files: how they are opened, and who writes where.

mod calls;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{Indexer, StoreError};

pub(super) use calls::time;

/// The file of what must not be lost.
pub const KEPT: &str = "registry.sqlite";
/// The file of what is made again from the log.
pub const INDEX: &str = "index.sqlite";

/// Migrations of [`KEPT`] in order; only ever added to. `PRAGMA user_version` counts those that were applied.
const MIGRATIONS: &[&str] = &[include_str!("schema_1.sql"), include_str!("schema_2.sql")];
/// The last migration before which the derived tables lay in [`KEPT`].
const TOGETHER: i64 = 1;

/// Tables of [`INDEX`], and its `PRAGMA user_version`, which changes with them.
const INDEX_TABLES: &str = include_str!("index.sql");
const INDEX_FORMAT: i64 = 4;

/// Prepared statements that a connection keeps. One record alone takes about ten, and with fewer kept each is compiled anew for every record.
const STATEMENTS: usize = 128;

/// Most idle connections for reading that are kept.
const IDLE_READERS: usize = 8;

/// [`super::Store`] in two SQLite files: for each one connection that writes; several that read both.
///
/// Both in WAL. [`KEPT`] has `synchronous = FULL`: a commit that returned survives a power cut. [`INDEX`] has `NORMAL`: a cut may take back its last
/// commits, whole ones, and it follows the log again from there. `secure_delete` overwrites what is removed.
pub struct Sqlite {
    folder: PathBuf,
    kept: Mutex<Connection>,
    index: Mutex<Connection>,
    readers: Mutex<Readers>,
    indexer: Arc<dyn Indexer>,
}

/// Connections for reading that nobody uses now.
#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    /// How often the index's file was replaced: who reads meanwhile reads the old one, and comes back with a connection to it.
    renewed: u64,
}

/// A connection for queries over both files of a data folder; works beside a registry that runs on it.
///
/// # Errors
///
/// The engine's; among them that there are no such files.
pub fn look(folder: &Path) -> rusqlite::Result<Connection> {
    // To be read after a crash, a WAL must be writable.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    reader(folder, flags)
}

/// Plans go by the statement alone (<https://sqlite.org/queryplanner-ng.html#qpsg>). SQLite would else plan most statements with `WHERE` and `ORDER BY` anew each
/// time they come out of the cache, in case another value asks for another plan; to find one row takes less time than that.
fn plan_once(connection: Connection) -> rusqlite::Result<Connection> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn reader(folder: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = plan_once(Connection::open_with_flags(folder.join(INDEX), flags)?)?;
    connection.execute("ATTACH ? AS kept", [folder.join(KEPT).to_string_lossy()])?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 10000; PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}

impl Sqlite {
    /// Opens or makes the files of a data folder and brings them to this release's format. An index of another format, or one that is no database
    /// any more, is made anew, empty: it is followed again from the log.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] if a later release wrote [`KEPT`]; the engine's.
    pub fn open(folder: &Path, indexer: Arc<dyn Indexer>) -> Result<Self, StoreError> {
        let kept = open_kept(&folder.join(KEPT))?;
        let index = open_index(&folder.join(INDEX))?;
        indexer.prepare(&index)?;
        Ok(Self {
            folder: folder.to_owned(),
            kept: Mutex::new(kept),
            index: Mutex::new(index),
            readers: Mutex::default(),
            indexer,
        })
    }

    /// Runs queries on a connection that can't write and sees both files. Keep it short: a long read holds back the journal.
    ///
    /// # Errors
    ///
    /// What `query` says; the engine's.
    pub fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let (idle, renewed) = {
            let mut readers = locked(&self.readers);
            (readers.idle.pop(), readers.renewed)
        };
        let connection = match idle {
            Some(connection) => connection,
            None => reader(&self.folder, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?,
        };
        let answer = query(&connection)?;
        let mut readers = locked(&self.readers);
        if readers.idle.len() < IDLE_READERS && readers.renewed == renewed {
            readers.idle.push(connection);
        }
        Ok(answer)
    }

    /// Runs statements on [`KEPT`] in one transaction: for operator tables that others keep beside ours.
    ///
    /// # Errors
    ///
    /// What `work` says; the engine's. Nothing is changed then.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        transaction(&self.kept, |tx| Ok(work(tx)?))
    }

    /// An empty index in place of one whose pages can't be read.
    pub(super) fn renew_index(&self) -> Result<(), StoreError> {
        let path = self.folder.join(INDEX);
        let mut index = self.index();
        // Whoever closes a database last removes its journal, by name: the old one goes first.
        *index = Connection::open_in_memory()?;
        // Who begins to read from here on waits for the new file.
        let mut readers = locked(&self.readers);
        readers.idle.clear();
        readers.renewed += 1;
        remove(&path)?;
        *index = open_index(&path)?;
        Ok(self.indexer.prepare(&index)?)
    }

    fn kept(&self) -> MutexGuard<'_, Connection> {
        locked(&self.kept)
    }

    fn index(&self) -> MutexGuard<'_, Connection> {
        locked(&self.index)
    }
}

fn locked<T>(connection: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic inside a transaction rolled it back when it was dropped.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn transaction<T>(
    connection: &Mutex<Connection>,
    work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut connection = locked(connection);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = work(&tx)?;
    tx.commit()?;
    Ok(answer)
}

fn open_kept(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = plan_once(Connection::open(path)?)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 10000;
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (migration, number) in MIGRATIONS.iter().zip(1_i64..) {
        if number > found {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(migration)?;
            tx.pragma_update(None, "user_version", number)?;
            tx.commit()?;
        }
    }
    if found == TOGETHER {
        tracing::warn!(
            "`{}` is of an earlier release: search and pages move to `{INDEX}` and are made again from the log, which takes a while; segments are wanted later until then",
            path.display()
        );
        connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    Ok(connection)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    for end in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(end);
        match std::fs::remove_file(&file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Left { path: file.into(), source });
            }
            _ => {}
        }
    }
    Ok(())
}

fn open_index(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<(Connection, i64), StoreError> {
        let connection = plan_once(Connection::open(path)?)?;
        // Pages that change in many transactions are written to the file once in so many. Their size is that of a file that is made here.
        connection.execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 10000;
             PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8192;",
        )?;
        let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        Ok((connection, found))
    };
    let usable = match open() {
        Ok(opened @ (_, 0 | INDEX_FORMAT)) => Ok(opened),
        Ok(_) => Err("of another release"),
        Err(error) if error.is_damage() => Err("damaged"),
        Err(error) => return Err(error),
    };
    let (mut connection, found) = usable.or_else(|what| {
        tracing::warn!("`{}` is {what}: it is made again from the log, which takes a while", path.display());
        remove(path)?;
        open()
    })?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    if found == 0 {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(INDEX_TABLES)?;
        tx.pragma_update(None, "user_version", INDEX_FORMAT)?;
        tx.commit()?;
    }
    Ok(connection)
}
