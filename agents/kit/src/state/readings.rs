//! Which answers are being read, and which one ended a process that read it?
//!
//! A row is written before a reading and taken away after it. A row found at the start of a run is of a reading that never came back. Power
//! cuts, `kill -9` and other answers end processes too, so the first time is forgiven: the row is kept, and the answer is asked for again. The
//! second time the answer is kept as evidence and not read again by the same reader; so from the second time on its bytes are in the row.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use schemas::{Digest, capture::Lane};

use super::{Cached as _, Change, State, StateError, at, us, walks::lane_word};

/// A forgiven reading whose answer did not come again is forgotten after a week.
const FORGOTTEN_AFTER_US: i64 = 7 * 86_400 * 1_000_000;

/// What is known of an answer before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// Its reading did not come back once.
    Died,
    /// It must not be read by this reader, and why.
    GivenUp(String),
}

/// An answer about to be read.
#[derive(Clone, Copy, Debug)]
pub struct Begun<'a> {
    /// Target id.
    pub target: &'a str,
    /// Lane.
    pub lane: Lane,
    /// What makes another answer the same one: step and payload.
    pub answer: Digest,
    /// Which reader reads.
    pub reader: &'a str,
    /// The exchange as JSON, without the bytes of its blocks; empty where its reading never failed to come back.
    pub told: &'a str,
    /// When.
    pub now: Timestamp,
}

/// Request and response block of one hop; both empty where nothing was fetched.
pub type Blocks = (Vec<u8>, Vec<u8>);

/// A reading that never came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Row.
    pub id: i64,
    /// The exchange as JSON, without the bytes of its blocks.
    pub told: String,
    /// Blocks of its hops, in order.
    pub blocks: Vec<Blocks>,
    /// When the reading began.
    pub began_at: Timestamp,
}

impl State {
    /// Marks an answer as being read. Returns the row, for [`State::end_reading`].
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`]: then it must not be read.
    pub fn begin_reading<'b>(
        &self,
        begun: &Begun<'_>,
        blocks: impl Iterator<Item = (&'b [u8], &'b [u8])>,
    ) -> Result<i64, StateError> {
        let db = self.unsynced()?;
        let mut blocks = blocks.peekable();
        let tx = blocks.peek().is_some().then(|| Change::begin(&db)).transpose()?;
        db.run(
            "INSERT INTO readings (target, lane, answer, reader, began_at, told) VALUES (?1, ?2, hide(?3), ?4, ?5, hide(?6))",
            params![
                begun.target,
                lane_word(begun.lane),
                begun.answer.to_string(),
                begun.reader,
                us(begun.now),
                begun.told
            ],
        )?;
        let id = db.last_insert_rowid();
        for (hop, (request, response)) in (0_i64..).zip(blocks) {
            db.run(
                "INSERT INTO reading_blocks (reading, hop, request, response) VALUES (?1, ?2, hide(?3), hide(?4))",
                params![id, hop, request, response],
            )?;
        }
        if let Some(tx) = tx {
            tx.commit()?;
        }
        Ok(id)
    }

    /// The reading came back; what was forgiven of the same answer is forgotten.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn end_reading(&self, id: i64) -> Result<(), StateError> {
        if !self.any_unread() {
            self.unsynced()?.run("DELETE FROM readings WHERE id = ?1", [id])?;
            return Ok(());
        }
        self.unsynced()?.run(
            "DELETE FROM readings WHERE id = ?1 OR (told IS NULL AND why IS NULL
                 AND (target, answer, reader) = (SELECT target, answer, reader FROM readings WHERE id = ?1))",
            [id],
        )?;
        Ok(())
    }

    fn any_unread(&self) -> bool {
        self.unread.load(Ordering::Acquire)
    }

    /// From now on there may be one. Before its row is written.
    pub(super) fn unread_follows(&self) {
        self.unread.store(true, Ordering::Release);
    }

    /// Forgives the first reading of an answer that never came back; false for the second one.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn forgive_reading(&self, id: i64, now: Timestamp) -> Result<bool, StateError> {
        self.unread_follows();
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        let before = tx.run(
            "DELETE FROM readings WHERE id <> ?1 AND told IS NULL AND why IS NULL
                 AND (target, answer, reader) = (SELECT target, answer, reader FROM readings WHERE id = ?1)",
            [id],
        )?;
        if before == 0 {
            tx.run("DELETE FROM reading_blocks WHERE reading = ?1", [id])?;
            tx.run("UPDATE readings SET told = NULL WHERE id = ?1", [id])?;
            // Answers that never came again.
            tx.run(
                "DELETE FROM readings WHERE told IS NULL AND why IS NULL AND began_at < ?1",
                [us(now) - FORGOTTEN_AFTER_US],
            )?;
        }
        tx.commit()?;
        Ok(before == 0)
    }

    /// The reading did not come back, and why. The same answer is not read again by this reader.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn give_up_reading(&self, id: i64, why: &str) -> Result<(), StateError> {
        self.unread_follows();
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        give_up(&tx, id, why)?;
        tx.commit()?;
        Ok(())
    }

    /// What is known of an answer that this reader is about to read.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn before_reading(&self, target: &str, answer: &Digest, reader: &str) -> Result<Before, StateError> {
        if !self.any_unread() {
            return Ok(Before::Nothing);
        }
        let found: Option<Option<String>> = self
            .look()
            .one(
                "SELECT show(why) FROM readings WHERE target = ?1 AND answer = hide(?2) AND reader = ?3 AND told IS NULL
                 ORDER BY why IS NULL LIMIT 1",
                params![target, answer.to_string(), reader],
                |row| row.get(0),
            )
            .optional()?;
        Ok(match found {
            None => Before::Nothing,
            Some(None) => Before::Died,
            Some(Some(why)) => Before::GivenUp(why),
        })
    }

    /// Readings of a lane that a process before this one did not survive. Call it while nothing of the lane is being read.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn left_readings(&self, target: &str, lane: Lane) -> Result<Vec<Left>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT id, show(told), began_at FROM readings WHERE target = ?1 AND lane = ?2 AND told IS NOT NULL ORDER BY id",
        )?;
        let mut found = rows
            .query_map(params![target, lane_word(lane)], |row| {
                Ok(Left { id: row.get(0)?, told: row.get(1)?, blocks: Vec::new(), began_at: at(row.get(2)?) })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut blocks = db.prepare_cached(
            "SELECT show(request), show(response) FROM reading_blocks WHERE reading = ?1 ORDER BY hop",
        )?;
        for left in &mut found {
            left.blocks =
                blocks.query_map([left.id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        }
        Ok(found)
    }

    /// The process ends because it was told to, not because of what it reads: readings still under way are made again.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn abandon_readings(&self) -> Result<(), StateError> {
        self.db()?.run("DELETE FROM readings WHERE why IS NULL AND told IS NOT NULL", [])?;
        Ok(())
    }

    /// A person has looked: what ended a reading of this target may be read once more.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn read_again(&self, target: &str) -> Result<(), StateError> {
        self.db()?.run("DELETE FROM readings WHERE target = ?1 AND why IS NOT NULL", [target])?;
        Ok(())
    }
}

/// Whether an answer is kept whose reading did not come back.
pub(super) fn any_unread(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM readings WHERE told IS NULL)", [], |row| row.get(0))
}

/// Lets go of the bytes, which stand in a segment or are fetched again; keeps the verdict.
pub(super) fn give_up(tx: &Connection, id: i64, why: &str) -> Result<(), StateError> {
    tx.run("DELETE FROM reading_blocks WHERE reading = ?1", [id])?;
    tx.run("UPDATE readings SET why = hide(?2), told = NULL WHERE id = ?1", params![id, why])?;
    Ok(())
}
