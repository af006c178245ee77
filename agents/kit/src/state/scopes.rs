//! What stands in lists that are published whole, and which of their readings are doubted?
//!
//! `misses` of a mark: 0 where the item stands in its scope, 1 where the newest reading that was believed lacks it, 2 once that was told; 3 where it stood
//! and every reading of an open doubt lacks it, 4 where only readings of that doubt hold it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Params, params};
use schemas::capture::Lane;

use super::{Cached as _, Changes, State, StateError, Whose, at, us, walks::lane_word};

/// A snapshot that was read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// The reading.
    pub look: Look,
    /// Ids that stood before and that it lacks, but for those that a doubt lacks already.
    pub missed: Vec<String>,
    /// Ids that its segment tells to have vanished.
    pub told: Vec<String>,
    /// The doubt that it begins or continues; none where it is believed.
    pub doubt: Option<Doubt>,
}

/// Complete readings of a snapshot in a row that agree with each other and are not believed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The first of them.
    pub first: Look,
    /// How many.
    pub readings: u32,
    /// By which reader.
    pub reader: String,
    /// Address of the newest.
    pub url: String,
}

/// The newest complete reading of a snapshot that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The reading.
    pub look: Look,
    /// Its reader; none where a release before this one read it.
    pub reader: Option<String>,
}

/// How an id stands in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stood {
    /// Held by the newest reading that was believed, or back since.
    Firm,
    /// The same, and lacked by every reading of a doubt.
    Doubted,
    /// Held by readings of a doubt alone.
    New,
}

/// A complete reading of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Record id of its response.
    pub response: String,
    /// When that was captured.
    pub at: Timestamp,
}

/// An item that a snapshot no longer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its platform.
    pub platform: String,
    /// Its id.
    pub id: String,
    /// When the newest answer that it stood in was captured.
    pub stood_at: Timestamp,
}

impl State {
    /// Ids that a snapshot held the last time it was believed, and what a doubt says of them.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn standing(&self, target: &str, lane: Lane, scope: &str) -> Result<Vec<(String, Stood)>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT show(id), misses FROM marks WHERE target = ?1 AND lane = ?2 AND scope = hide(?3) AND misses IN (0, 3, 4)",
        )?;
        let stood = |misses: i64| match misses {
            0 => Stood::Firm,
            3 => Stood::Doubted,
            _ => Stood::New,
        };
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, stood(row.get(1)?)));
        let found = rows.query_map(params![target, lane_word(lane), scope], read)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// The newest complete reading of a snapshot that was believed.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn snapshot(&self, target: &str, lane: Lane, scope: &str) -> Result<Option<Snapshot>, StateError> {
        let db = self.look();
        let sql = "SELECT response, at, reader FROM snapshots WHERE target = ?1 AND lane = ?2 AND scope = hide(?3)";
        let read = |row: &rusqlite::Row<'_>| {
            let look = Look { response: row.get(0)?, at: at(row.get(1)?) };
            Ok(Snapshot { look, reader: row.get(2)? })
        };
        Ok(db.prepare_cached(sql)?.query_row(params![target, lane_word(lane), scope], read).optional()?)
    }

    /// The open doubt about a snapshot.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn doubt(&self, target: &str, lane: Lane, scope: &str) -> Result<Option<Doubt>, StateError> {
        let db = self.look();
        let sql = "SELECT response, at, readings, reader, show(url) FROM doubts
                   WHERE target = ?1 AND lane = ?2 AND scope = hide(?3)";
        let read = |row: &rusqlite::Row<'_>| {
            let first = Look { response: row.get(0)?, at: at(row.get(1)?) };
            Ok(Doubt { first, readings: row.get(2)?, reader: row.get(3)?, url: row.get(4)? })
        };
        Ok(db.prepare_cached(sql)?.query_row(params![target, lane_word(lane), scope], read).optional()?)
    }

    /// Items that were missing from the newest complete reading of a snapshot, and with `doubted` those that every reading of the open doubt lacked,
    /// ascending by id; not those that were told to have vanished, or that the source withdrew.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn missing(&self, target: &str, lane: Lane, scope: &str, doubted: bool) -> Result<Vec<Missing>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT show(platform), show(id) AS shown, last_at FROM marks
             WHERE target = ?1 AND lane = ?2 AND scope = hide(?3) AND (misses = 1 OR (misses = 3 AND ?4))
             AND content IS NOT NULL AND platform IS NOT NULL ORDER BY shown",
        )?;
        let read =
            |row: &rusqlite::Row<'_>| Ok(Missing { platform: row.get(0)?, id: row.get(1)?, stood_at: at(row.get(2)?) });
        let found =
            rows.query_map(params![target, lane_word(lane), scope, doubted], read)?.collect::<Result<_, _>>()?;
        Ok(found)
    }
}

/// Ends the doubts that an answer or a believed reading ends, or that begin anew, before the items of this segment are marked.
pub(super) fn before_marks(tx: &Connection, whose: &Whose<'_>, changes: &Changes) -> Result<(), StateError> {
    let (target, lane) = (whose.target, lane_word(whose.lane));
    for url in &changes.unchanged {
        let scopes = "scope IN (SELECT scope FROM doubts WHERE target = ?1 AND lane = ?2 AND url = hide(?3))";
        forget_new(tx, scopes, params![target, lane, url])?;
        tx.run(
            &format!("UPDATE marks SET misses = 0 WHERE target = ?1 AND lane = ?2 AND misses = 3 AND {scopes}"),
            params![target, lane, url],
        )?;
        tx.run("DELETE FROM doubts WHERE target = ?1 AND lane = ?2 AND url = hide(?3)", params![target, lane, url])?;
    }
    for scope in &changes.scopes {
        if scope.doubt.as_ref().is_none_or(|doubt| doubt.readings == 1) {
            forget_new(tx, "scope = hide(?3)", params![target, lane, scope.name])?;
        }
    }
    Ok(())
}

/// What only doubted readings held stood in no list.
fn forget_new(tx: &Connection, scopes: &str, whose: impl Params) -> Result<(), StateError> {
    tx.run(
        &format!(
            "UPDATE marks SET misses = 0, scope = NULL WHERE target = ?1 AND lane = ?2 AND misses = 4 AND {scopes}"
        ),
        whose,
    )?;
    Ok(())
}

/// Marks what a complete reading lacks, and what is told of it.
pub(super) fn missing(tx: &Connection, whose: &Whose<'_>, scope: &Scope) -> Result<(), StateError> {
    let (target, lane) = (whose.target, lane_word(whose.lane));
    let missed = if scope.doubt.is_some() { 3 } else { 1 };
    let missed = scope.missed.iter().map(|id| (id, missed));
    for (id, misses) in missed.chain(scope.told.iter().map(|id| (id, 2))) {
        tx.run(
            // Not where it stands in another scope by now, as another reading of the same segment may say.
            "UPDATE marks SET misses = ?4 WHERE target = ?1 AND lane = ?2 AND id = hide(?3) AND scope = hide(?5)",
            params![target, lane, id, misses, scope.name],
        )?;
    }
    let Look { response, at } = &scope.look;
    if let Some(Doubt { first, readings, reader, url }) = &scope.doubt {
        tx.run(
            "INSERT OR REPLACE INTO doubts (target, lane, scope, response, at, readings, reader, url)
             VALUES (?1, ?2, hide(?3), ?4, ?5, ?6, ?7, hide(?8))",
            params![target, lane, scope.name, first.response, us(first.at), readings, reader, url],
        )?;
        return Ok(());
    }
    // What the doubt lacked and was not told is missing from this reading.
    tx.run(
        "UPDATE marks SET misses = 1 WHERE target = ?1 AND lane = ?2 AND scope = hide(?3) AND misses = 3",
        params![target, lane, scope.name],
    )?;
    tx.run(
        "DELETE FROM doubts WHERE target = ?1 AND lane = ?2 AND scope = hide(?3)",
        params![target, lane, scope.name],
    )?;
    tx.run(
        "INSERT OR REPLACE INTO snapshots (target, lane, scope, response, at, reader) VALUES (?1, ?2, hide(?3), ?4, ?5, ?6)",
        params![target, lane, scope.name, response, us(*at), whose.reader],
    )?;
    Ok(())
}
