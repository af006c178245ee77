//! Do the tables still say what truth says? They are made once more, beside, and compared row by row.
//!
//! A bit that turned in the database is found here, or it changes no answer: rows and index terms are compared with fresh ones, and the
//! engine compares its indexes with the rows. Operator data is in no truth and is not looked at.

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::log::row;
use super::store::{INDEX, KEPT, Sqlite, Store as _};
use super::{Inner, Registry, RegistryError, StoreError, follow};

/// Below the data folder; gone when the comparison ends, or at the next opening.
pub(super) const FOLDER: &str = "compare.tmp";

/// Tables that no truth can make again.
const OPERATOR: [&str; 6] = ["receipts", "checkpoints", "erasures_done", "tokens", "audit", "alarms"];

impl Registry {
    /// Every table or index that is not what segments, statements and log make of it, in words; empty if all are. Takes as long, and
    /// for a while as much space, as [`Registry::rebuild`] does; segments that arrive meanwhile wait.
    ///
    /// # Errors
    ///
    /// Truth that can't be read, a full disk, or tables too damaged to be asked.
    pub fn table_findings(&self) -> Result<Vec<String>, RegistryError> {
        let inner = &self.inner;
        let _alone = inner.acting();
        inner.log.settle()?;
        let size = inner.log.published().size;
        inner.wait(size)?;
        let folder = inner.config.data.join(FOLDER);
        let failed = |source| RegistryError::Disk { path: folder.clone(), source };
        forget(&folder).map_err(failed)?;
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let found = inner.make_again(&folder, size).and_then(|()| {
            let mut found = Vec::new();
            for name in [KEPT, INDEX] {
                let (live, fresh) = (inner.config.data.join(name), folder.join(name));
                differences(&live, &fresh, &mut found).map_err(StoreError::from)?;
            }
            Ok(found)
        });
        forget(&folder).map_err(failed)?;
        found
    }
}

/// Removes what an earlier comparison left: it may hold what was erased since.
pub(super) fn forget(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Inner {
    /// All derived tables in files of their own.
    fn make_again(&self, folder: &Path, size: u64) -> Result<(), RegistryError> {
        let store = Sqlite::open(folder, Arc::clone(&self.config.indexer))?;
        for index in 0..size {
            let leaf = row(index, &self.log.leaf(index)?)?;
            store.append(std::slice::from_ref(&leaf), &[])?;
            let said = leaf.leaf().map_err(RegistryError::leaf)?;
            let change = follow::change(&store, &self.evidence, &|index| self.past(index), index, &said)?;
            let finder = follow::Finder::new(&self.evidence);
            store.apply(index, &[change], &|manifest, unit| finder.find(manifest, unit))?;
        }
        Ok(())
    }
}

fn differences(live: &Path, fresh: &Path, found: &mut Vec<String>) -> rusqlite::Result<()> {
    let name = live.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let [live, fresh] = [live, fresh].map(|file| Connection::open_with_flags(file, flags));
    let (live, fresh) = (live?, fresh?);
    for problem in texts(&live, "PRAGMA integrity_check")? {
        if problem != "ok" {
            found.push(format!("`{name}`: {problem}"));
        }
    }
    let schema = "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY type, name";
    if texts(&live, schema)? != texts(&fresh, schema)? {
        found.push(format!("`{name}`: its tables are not laid out as this release lays them out"));
    }
    for table in texts(
        &fresh,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name",
    )? {
        // How a text index lies in its own tables depends on how it grew; its terms are compared below.
        if OPERATOR.contains(&table.as_str()) || table.starts_with("search_word_") {
            continue;
        }
        let keys = texts(&fresh, &format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"))?;
        let order = if keys.is_empty() { "rowid".to_owned() } else { keys.join(", ") };
        compare(&live, &fresh, &format!("table `{table}`"), &format!("SELECT * FROM {table} ORDER BY {order}"), found);
    }
    for index in texts(&fresh, "SELECT name FROM sqlite_schema WHERE sql LIKE '%USING fts5(%' ORDER BY name")? {
        for database in [&live, &fresh] {
            let terms =
                format!("CREATE VIRTUAL TABLE temp.terms_of_{index} USING fts5vocab(main, '{index}', 'instance')");
            if let Err(why) = database.execute_batch(&terms) {
                found.push(format!("text index `{index}`: {why}"));
            }
        }
        let all = format!("SELECT term, doc, col, offset FROM temp.terms_of_{index} ORDER BY term, doc, col, offset");
        compare(&live, &fresh, &format!("text index `{index}`"), &all, found);
    }
    Ok(())
}

/// The first row that differs, if one does; at most one finding a table.
fn compare(live: &Connection, fresh: &Connection, what: &str, sql: &str, found: &mut Vec<String>) {
    match first_difference(live, fresh, sql) {
        Ok(None) => {}
        Ok(Some(row)) => found.push(format!(
            "{what}: row {row} is not what the log and the segments say; `vigie rebuild` makes it again"
        )),
        Err(why) => found.push(format!("{what} can't be read: {why}")),
    }
}

fn first_difference(live: &Connection, fresh: &Connection, sql: &str) -> rusqlite::Result<Option<u64>> {
    let (mut live, mut fresh) = (live.prepare(sql)?, fresh.prepare(sql)?);
    let columns = fresh.column_count();
    if live.column_count() != columns {
        return Ok(Some(1));
    }
    let (mut live, mut fresh) = (live.query([])?, fresh.query([])?);
    let mut number = 0;
    loop {
        number += 1;
        let (ours, theirs) = match (live.next()?, fresh.next()?) {
            (None, None) => return Ok(None),
            (Some(ours), Some(theirs)) => (ours, theirs),
            _ => return Ok(Some(number)),
        };
        for column in 0..columns {
            if ours.get::<_, Value>(column)? != theirs.get::<_, Value>(column)? {
                return Ok(Some(number));
            }
        }
    }
}

fn texts(database: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    database.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}
