//! Which runs were started, and which targets wait for a person?

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use schemas::{capture::Lane, coverage::Coverage};

use super::{Cached as _, State, StateError, at, parsed, us, walks::lane_word};

/// A target that stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Target id.
    pub target: String,
    /// What was met.
    pub what: String,
    /// When.
    pub at: Timestamp,
}

impl State {
    /// Takes the row of a run. `None` where `(target, due)` was taken before: that run must not start. One that a process left unended is taken
    /// up once by a later process. A run without a due time always starts.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn begin_run(
        &self,
        target: &str,
        lane: Lane,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<i64>, StateError> {
        let taken = self
            .unsynced()?
            .prepare_cached(
                "INSERT INTO runs (target, lane, due, started_at, open) VALUES (?1, ?2, ?3, ?4, 1)
                 ON CONFLICT (target, due) DO UPDATE SET started_at = excluded.started_at, open = 1
                 WHERE ended_at IS NULL AND open = 0 AND cut < 2
                 RETURNING id",
            )?
            .query_row(params![target, lane_word(lane), due.map(us), us(now)], |row| row.get(0))
            .optional()?;
        Ok(taken)
    }

    /// Coverage of the newest finished run of a target.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn last_coverage(&self, target: &str) -> Result<Option<Coverage>, StateError> {
        let found: Option<String> = self
            .look()
            .one(
                "SELECT show(coverage) FROM runs WHERE target = ?1 AND coverage IS NOT NULL ORDER BY id DESC LIMIT 1",
                [target],
                |row| row.get(0),
            )
            .optional()?;
        found.map(|text| parsed("coverage", &text)).transpose()
    }

    /// What a target was stopped for.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn blocked(&self, target: &str) -> Result<Option<Blocked>, StateError> {
        let found = self
            .look()
            .one(
                "SELECT show(blocked), blocked_at FROM targets WHERE target = ?1 AND blocked IS NOT NULL",
                [target],
                |row| Ok(Blocked { target: target.to_owned(), what: row.get(0)?, at: at(row.get(1)?) }),
            )
            .optional()?;
        Ok(found)
    }

    /// All targets that stopped.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn blocked_targets(&self) -> Result<HashSet<String>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached("SELECT target FROM targets WHERE blocked IS NOT NULL")?;
        Ok(rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Lets a stopped target run again: a person said so.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn unblock(&self, target: &str) -> Result<(), StateError> {
        self.db()?.run("UPDATE targets SET blocked = NULL, blocked_at = NULL WHERE target = ?1", [target])?;
        Ok(())
    }

    /// How many answers in a row said that the target is gone.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn gone(&self, target: &str) -> Result<u32, StateError> {
        let found =
            self.look().one("SELECT gone FROM targets WHERE target = ?1", [target], |row| row.get(0)).optional()?;
        Ok(found.unwrap_or(0))
    }
}
