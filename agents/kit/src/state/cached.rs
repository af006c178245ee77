//! Statements that are compiled once a connection: most take longer to compile than to run.

use std::ops::Deref;

use rusqlite::{Connection, Params, Row};

/// How many are kept; more than the agent has.
pub(crate) const STATEMENTS: usize = 128;

/// Runs statements out of the connection's cache.
pub(crate) trait Cached {
    /// Changes rows; returns how many.
    fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize>;

    /// Reads the first row.
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T>;
}

impl Cached for Connection {
    fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare_cached(sql)?.execute(params)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.prepare_cached(sql)?.query_row(params, read)
    }
}

/// A transaction that writes; what is not committed is rolled back.
pub(super) struct Change<'a> {
    db: &'a Connection,
    open: bool,
}

impl<'a> Change<'a> {
    pub(super) fn begin(db: &'a Connection) -> rusqlite::Result<Self> {
        db.run("BEGIN IMMEDIATE", [])?;
        Ok(Self { db, open: true })
    }

    pub(super) fn commit(mut self) -> rusqlite::Result<()> {
        self.db.run("COMMIT", [])?;
        self.open = false;
        Ok(())
    }
}

impl Deref for Change<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.db
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.open && !self.db.is_autocommit() {
            // Should it fail, so will whatever is begun next.
            let _ = self.db.run("ROLLBACK", []);
        }
    }
}
