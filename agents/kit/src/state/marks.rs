//! What was seen before?

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use schemas::{Digest, capture::Lane, segment::Referred};

use super::{State, StateError, at, us, walks::lane_word};
use crate::{contract::Known, engine::Validators};

/// How long validators are believed: after that one request goes out without them, in case the source answers 304 for ever.
const VALIDATORS_MAX_AGE_SECS: i64 = 7 * 86_400;

/// An item as a walk saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Canonical id, or what was listed under.
    pub id: String,
    /// Its platform; none for what was listed only.
    pub platform: Option<String>,
    /// How the source is asked for it.
    pub handle: Option<String>,
    /// Content hash; none for what was listed only.
    pub content: Option<Digest>,
    /// Snapshot it stood in.
    pub scope: Option<String>,
    /// Whether that is doubted: then it does not stand there by this alone.
    pub doubted: bool,
    /// When.
    pub at: Timestamp,
}

/// What is known of an id in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The walk that first settled it, whatever became of that walk.
    pub walk: i64,
    /// Whether a completed walk has settled it: the only meaning of *known*.
    pub known: bool,
}

/// An item that a reading wants described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub known: Known,
    /// How often asking for it failed.
    pub tries: u32,
}

impl State {
    /// What is known of these ids in a lane, in their order.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn seen<'i>(
        &self,
        target: &str,
        lane: Lane,
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<Vec<Option<Seen>>, StateError> {
        let (db, lane) = (self.look(), lane_word(lane));
        let mut any = db.prepare_cached("SELECT 1 FROM marks WHERE target = ?1 AND lane = ?2 LIMIT 1")?;
        if !any.exists(params![target, lane])? {
            return Ok(ids.map(|_| None).collect());
        }
        let mut row = db.prepare_cached(
            "SELECT marks.walk, walks.state IS 'complete' FROM marks LEFT JOIN walks ON walks.id = marks.walk
             WHERE marks.target = ?1 AND marks.lane = ?2 AND marks.id = hide(?3)",
        )?;
        ids.map(|id| {
            let read = |row: &rusqlite::Row<'_>| Ok(Seen { walk: row.get(0)?, known: row.get(1)? });
            Ok(row.query_row(params![target, lane, id], read).optional()?)
        })
        .collect()
    }

    /// Whether walks before this one saw anything in this lane.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn had_items(&self, target: &str, lane: Lane, walk: i64) -> Result<bool, StateError> {
        let found = self
            .look()
            .prepare_cached("SELECT 1 FROM marks WHERE target = ?1 AND lane = ?2 AND walk <> ?3 LIMIT 1")?
            .exists(params![target, lane_word(lane), walk])?;
        Ok(found)
    }

    /// Whether a key was asked for and settled, answered or not.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn is_settled(&self, target: &str, key: &str) -> Result<bool, StateError> {
        Ok(self
            .look()
            .prepare_cached("SELECT 1 FROM keys WHERE target = ?1 AND key = hide(?2)")?
            .exists(params![target, key])?)
    }

    /// Items due for a re-check, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn recheck_due(&self, target: &str, now: Timestamp, limit: u32) -> Result<Vec<Known>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT show(id), show(coalesce(handle, id)) FROM marks WHERE target = ?1 AND recheck_at <= ?2 ORDER BY recheck_at, id LIMIT ?3",
        )?;
        let found = rows
            .query_map(params![target, us(now), limit], |row| Ok(Known { id: row.get(0)?, handle: row.get(1)? }))?
            .collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Items that readings want described and that may be asked for now, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn wants_due(&self, target: &str, now: Timestamp, limit: u32) -> Result<Vec<Wanted>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT show(id), show(handle), tries FROM wants WHERE target = ?1 AND not_before <= ?2 ORDER BY not_before, id LIMIT ?3",
        )?;
        let found = rows
            .query_map(params![target, us(now), limit], |row| {
                Ok(Wanted { known: Known { id: row.get(0)?, handle: row.get(1)? }, tries: row.get(2)? })
            })?
            .collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// What the source said of the version of this address that this reader last read completely; none once that is a week old.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn validators(
        &self,
        target: &str,
        url: &str,
        reader: &str,
        now: Timestamp,
    ) -> Result<Option<Validators>, StateError> {
        let found = self
            .look()
            .prepare_cached(
                "SELECT show(etag), show(last_modified), response, show(response_url), response_date, kept_at FROM validators
                 WHERE target = ?1 AND url = hide(?2) AND reader = ?3",
            )?
            .query_row(params![target, url, reader], |row| {
                let of = Referred { id: row.get(2)?, url: row.get(3)?, date: row.get(4)? };
                Ok((Validators { etag: row.get(0)?, last_modified: row.get(1)?, of }, at(row.get(5)?)))
            })
            .optional()?;
        Ok(found.and_then(|(validators, kept_at)| {
            let age = now.duration_since(kept_at).as_secs();
            // A clock set back makes them look younger than new: not believed either.
            (0..VALIDATORS_MAX_AGE_SECS).contains(&age).then_some(validators)
        }))
    }
}
