//! Which requests are still to be made?

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use schemas::capture::Lane;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cached as _, Change, State, StateError, at, json, parsed, us};
use crate::{
    contract::{Request, Work},
    engine::walk::{Node, Tally},
};

/// An open walk, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkRow {
    /// Its number.
    pub id: i64,
    /// Why `plan` was called.
    pub work: Work,
    /// Cursor that `plan` saw.
    pub cursor: Value,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Which reader began it.
    pub reader: String,
    /// Counts so far.
    pub tally: Tally,
    /// Its requests, by number.
    pub nodes: Vec<(u64, Node)>,
}

/// A follow-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShelfItem {
    /// Row, once it is stored.
    #[serde(skip)]
    pub id: Option<i64>,
    /// The request itself, as a node of no walk.
    pub node: Node,
    /// How often it failed.
    pub tries: u32,
    /// When it was first asked for.
    pub made_at: Timestamp,
}

impl ShelfItem {
    /// The request.
    pub const fn request(&self) -> &Request<Value> {
        &self.node.request
    }
}

pub(super) const fn lane_word(lane: Lane) -> &'static str {
    match lane {
        Lane::Poll => "poll",
        Lane::Window => "window",
        Lane::Items => "items",
        Lane::Stream => "stream",
    }
}

impl State {
    /// The cursor of a lane, where a walk has set one.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn cursor(&self, target: &str, lane: Lane) -> Result<Option<Value>, StateError> {
        let found: Option<String> = self
            .look()
            .one(
                "SELECT show(cursor) FROM lanes WHERE target = ?1 AND lane = ?2",
                params![target, lane_word(lane)],
                |row| row.get(0),
            )
            .optional()?;
        found.map(|text| parsed("cursor", &text)).transpose()
    }

    /// The open walk of a lane.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn open_walk(&self, target: &str, lane: Lane) -> Result<Option<WalkRow>, StateError> {
        let db = self.look();
        let found = db
            .one(
                "SELECT id, show(work), show(cursor), planned_at, reader, show(tally) FROM walks WHERE target = ?1 AND lane = ?2 AND state = 'open'",
                params![target, lane_word(lane)],
                |row| {
                    Ok((
                        row.get::<_, i64>(0)?,
                        row.get::<_, String>(1)?,
                        row.get::<_, String>(2)?,
                        row.get::<_, i64>(3)?,
                        row.get::<_, String>(4)?,
                        row.get::<_, String>(5)?,
                    ))
                },
            )
            .optional()?;
        let Some((id, work, cursor, planned_at, reader, tally)) = found else {
            return Ok(None);
        };
        let mut rows = db.prepare_cached("SELECT n, show(node) FROM nodes WHERE walk = ?1 ORDER BY n")?;
        let nodes = rows
            .query_map([id], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, String>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let nodes =
            nodes.into_iter().map(|(n, text)| Ok((n, parsed("request", &text)?))).collect::<Result<_, StateError>>()?;
        Ok(Some(WalkRow {
            id,
            work: parsed("work", &work)?,
            cursor: parsed("cursor", &cursor)?,
            planned_at: at(planned_at),
            reader,
            tally: parsed("tally", &tally)?,
            nodes,
        }))
    }

    /// Begins a walk with its first requests; a walk of the lane that is still open is dropped. Returns its number.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn begin_walk(&self, target: &str, lane: Lane, row: &WalkRow) -> Result<i64, StateError> {
        let db = self.unsynced()?;
        let tx = Change::begin(&db)?;
        let lane = lane_word(lane);
        let dropped: Option<i64> = tx
            .one(
                "UPDATE walks SET state = 'dropped' WHERE target = ?1 AND lane = ?2 AND state = 'open' RETURNING id",
                params![target, lane],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(walk) = dropped {
            tx.run("DELETE FROM nodes WHERE walk = ?1", [walk])?;
        }
        tx.run(
            "INSERT INTO walks (target, lane, state, work, cursor, planned_at, reader, tally) VALUES (?1, ?2, 'open', hide(?3), hide(?4), ?5, ?6, hide(?7))",
            params![
                target,
                lane,
                json("work", &row.work)?,
                json("cursor", &row.cursor)?,
                us(row.planned_at),
                row.reader,
                json("tally", &row.tally)?
            ],
        )?;
        let id = tx.last_insert_rowid();
        for (n, node) in &row.nodes {
            tx.run(
                "INSERT INTO nodes (walk, n, node) VALUES (?1, ?2, hide(?3))",
                params![id, i64::try_from(*n).unwrap_or(i64::MAX), json("request", node)?],
            )?;
        }
        tx.commit()?;
        Ok(id)
    }

    /// Follow-ups of a lane that may be made now, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn shelf_due(
        &self,
        target: &str,
        lane: Lane,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ShelfItem>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT id, show(item) FROM shelf WHERE target = ?1 AND lane = ?2 AND not_before <= ?3 ORDER BY not_before, id LIMIT ?4",
        )?;
        let found = rows
            .query_map(params![target, lane_word(lane), us(now), limit], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?))
            })?
            .collect::<Result<Vec<(i64, String)>, _>>()?;
        found.into_iter().map(|(id, text)| Ok(ShelfItem { id: Some(id), ..parsed("follow-up", &text)? })).collect()
    }

    /// Keys of the follow-ups on a target's shelf: asked for already, not yet settled.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn shelf_keys(&self, target: &str) -> Result<Vec<String>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT json_extract(show(item), '$.node.request.unless_known') FROM shelf WHERE target = ?1 AND json_extract(show(item), '$.node.request.unless_known') IS NOT NULL",
        )?;
        let found = rows.query_map([target], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// How many follow-ups of a target lie on the shelf.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn shelf_len(&self, target: &str) -> Result<u64, StateError> {
        let found: i64 = self.look().one("SELECT count(*) FROM shelf WHERE target = ?1", [target], |row| row.get(0))?;
        Ok(found.unsigned_abs())
    }
}
