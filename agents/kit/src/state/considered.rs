//! Which due times were looked at, and which of them were let go?

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use schemas::coverage::{Coverage, SkipReason, Skipped};

use super::{Cached as _, Change, State, StateError, at, json, parsed, us};

/// Most stretches of skipped runs that one run tells of; the next one goes on.
const MOST_TOLD: u32 = 100;

/// How long a run is remembered, from when it was due. Where a clock is set back by more than this, a run may be made again.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Runs are forgotten a day at a time: most of them then only look, and write nothing more. In microseconds.
const DAY: i64 = 86_400_000_000;

/// What is known of a run whose row was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// It came to its end.
    pub ended: bool,
    /// It may be taken up again: a process ended in the middle of it, once.
    pub may_go_on: bool,
}

/// Due runs that were let go, some of them in a future that no longer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Across {
    /// Its row.
    pub row: i64,
    /// Target id.
    pub target: String,
    /// By which its due times were looked at.
    pub schedule: String,
    /// When the first of them was due.
    pub first: Timestamp,
}

impl State {
    /// Up to when the due times of targets were looked at by these schedules. A target never seen before, or with another schedule, begins at
    /// `now`.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn considered(&self, targets: &[(&str, String)], now: Timestamp) -> Result<Vec<Timestamp>, StateError> {
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        let mut all = Vec::new();
        for (target, schedule) in targets {
            let found: Option<i64> = tx
                .prepare_cached("SELECT upto FROM considered WHERE target = ?1 AND schedule = ?2")?
                .query_row([*target, schedule], |row| row.get(0))
                .optional()?;
            if found.is_none() {
                tx.execute(
                    "INSERT INTO considered (target, schedule, upto) VALUES (?1, ?2, ?3)
                     ON CONFLICT (target) DO UPDATE SET schedule = excluded.schedule, upto = excluded.upto",
                    params![target, schedule, us(now)],
                )?;
            }
            all.push(found.map_or(now, at));
        }
        tx.commit()?;
        Ok(all)
    }

    /// Up to when the due times of a target were looked at: the newest that was made, or let go.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn looked_upto(&self, target: &str) -> Result<Option<Timestamp>, StateError> {
        let upto =
            self.look().one("SELECT upto FROM considered WHERE target = ?1", [target], |row| row.get(0)).optional()?;
        Ok(upto.map(at))
    }

    /// Up to when runs of a target are forgotten: each due time was made or let go, and which, nobody can say any more.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn forgotten(&self, target: &str) -> Result<Option<Timestamp>, StateError> {
        let upto = self
            .look()
            .one("SELECT forgotten FROM considered WHERE target = ?1", [target], |row| row.get::<_, Option<i64>>(0))
            .optional()?;
        Ok(upto.flatten().map(at))
    }

    /// Lets due runs go, and moves on to `upto`.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn pass_over(&self, target: &str, skipped: &[Skipped], upto: Timestamp) -> Result<(), StateError> {
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        for skip in skipped {
            let (why, runs) = (json("reason", &skip.why)?, i64::try_from(skip.runs).unwrap_or(i64::MAX));
            // One stretch goes on: a source that is always slow fills no table.
            let goes_on = tx
                .prepare_cached(
                    "UPDATE skipped SET last = ?3, runs = runs + ?4
                     WHERE id = (SELECT max(id) FROM skipped WHERE target = ?1) AND reason = ?2",
                )?
                .execute(params![target, why, us(skip.last), runs])?;
            if goes_on == 0 {
                tx.prepare_cached(
                    "INSERT INTO skipped (target, first, last, runs, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![target, us(skip.first), us(skip.last), runs, why])?;
            }
        }
        tx.prepare_cached("UPDATE considered SET upto = ?2 WHERE target = ?1")?.execute(params![target, us(upto)])?;
        tx.commit()?;
        Ok(())
    }

    /// Stretches not told of yet that began before `now` and end in a future that no longer is.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn let_go_across(&self, now: Timestamp) -> Result<Vec<Across>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT skipped.id, target, schedule, first FROM skipped JOIN considered USING (target)
             WHERE first <= ?1 AND last > ?1",
        )?;
        let rows = rows.query_map([us(now)], |row| {
            Ok(Across { row: row.get(0)?, target: row.get(1)?, schedule: row.get(2)?, first: at(row.get(3)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes back what was let go in a future that no longer is. Of a stretch that began before `now`, `kept` says by its row which was the last
    /// that stays, and how many stay.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn clock_set_back(&self, now: Timestamp, kept: &[(i64, Timestamp, u64)]) -> Result<(), StateError> {
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        for (row, last, runs) in kept {
            tx.execute(
                "UPDATE skipped SET last = ?2, runs = ?3 WHERE id = ?1",
                params![row, us(*last), i64::try_from(*runs).unwrap_or(i64::MAX)],
            )?;
        }
        tx.execute("DELETE FROM skipped WHERE last > ?1", [us(now)])?;
        tx.execute("UPDATE considered SET upto = ?1 WHERE upto > ?1", [us(now)])?;
        Ok(tx.commit()?)
    }

    /// Rows taken of runs due later than `after`, up to `until`.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn taken(
        &self,
        target: &str,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Taken>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT due, ended_at IS NOT NULL, open = 0 AND cut < 2 FROM runs WHERE target = ?1 AND due > ?2 AND due <= ?3",
        )?;
        let rows = rows.query_map(params![target, us(after), us(until)], |row| {
            let ended = row.get(1)?;
            Ok((at(row.get(0)?), Taken { ended, may_go_on: !ended && row.get::<_, bool>(2)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ends a run that has no segment.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    #[cfg(test)]
    pub(crate) fn end_run(
        &self,
        row: i64,
        coverage: &Coverage,
        told: &[i64],
        now: Timestamp,
    ) -> Result<(), StateError> {
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        end_run(&tx, row, coverage, told, now)?;
        Ok(tx.commit()?)
    }

    /// Trades safety for speed where a test makes a million runs.
    #[cfg(test)]
    pub(crate) fn without_syncs(&self) {
        let mut db = self.look();
        db.pragma_update(None, "synchronous", "OFF").unwrap();
        db.synced = None;
    }

    /// Lets the file grow no further, or lets it grow again: SQLite says then that the disk is full.
    #[cfg(test)]
    pub(crate) fn may_grow(&self, may: bool) {
        let db = self.look();
        let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let most = if may { i64::from(u32::MAX - 1) } else { pages };
        db.query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(())).unwrap();
    }

    /// Due runs of a target that were let go and not told of yet, oldest first, with the numbers of their rows.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn untold(&self, target: &str) -> Result<Vec<(i64, Skipped)>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT id, first, last, runs, reason FROM skipped WHERE target = ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows = rows.query_map(params![target, MOST_TOLD], |row| {
            let runs: i64 = row.get(3)?;
            Ok((row.get(0)?, at(row.get(1)?), at(row.get(2)?), runs.unsigned_abs(), row.get::<_, String>(4)?))
        })?;
        rows.map(|row| {
            let (id, first, last, runs, why) = row?;
            let why: SkipReason = parsed("reason", &why)?;
            Ok((id, Skipped { first, last, runs, why }))
        })
        .collect()
    }
}

/// Ends a run: its row, how far the target was looked at, what it told of, and what is forgotten with it.
pub(super) fn end_run(
    db: &Connection,
    row: i64,
    coverage: &Coverage,
    told: &[i64],
    now: Timestamp,
) -> Result<(), StateError> {
    db.prepare_cached("UPDATE runs SET ended_at = ?2, coverage = hide(?3), open = 0 WHERE id = ?1")?
        .execute(params![row, us(now), json("coverage", coverage)?])?;
    // One that was due in a future that no longer is says nothing of the time up to it.
    if let Some(due) = coverage.due.filter(|due| *due <= now) {
        db.prepare_cached("UPDATE considered SET upto = max(upto, ?2) WHERE target = ?1")?
            .execute(params![coverage.target, us(due)])?;
    }
    for id in told {
        // Its number may have been given again since: to another target, as this one was busy.
        db.prepare_cached("DELETE FROM skipped WHERE id = ?1 AND target = ?2")?
            .execute(params![id, coverage.target])?;
    }
    forget(db, row, coverage, now)
}

/// Drops rows before `row` that nothing can ask for again. One is asked for where its due time is looked at (later than `upto`, or after a clock
/// was set back) and where a stretch that is still to be told of is cut at a new time.
fn forget(db: &Connection, row: i64, coverage: &Coverage, now: Timestamp) -> Result<(), StateError> {
    let target = &coverage.target;
    if coverage.due.is_none() {
        // Begun by hand: of interest is what the newest one found.
        db.prepare_cached("DELETE FROM runs WHERE target = ?1 AND due IS NULL AND id < ?2 AND open = 0")?
            .execute(params![target, row])?;
    }
    let before = us(now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN)).div_euclid(DAY) * DAY;
    let newest: Option<i64> = db
        .prepare_cached(
            // One bound, so that the index leads to it.
            "SELECT max(due) FROM runs WHERE target = ?1 AND id < ?3 AND due < min(
                 ?2,
                 (SELECT upto + 1 FROM considered WHERE target = ?1),
                 ifnull((SELECT min(first) FROM skipped WHERE target = ?1), ?2))",
        )?
        .query_row(params![target, before, row], |row| row.get(0))?;
    let Some(newest) = newest else {
        return Ok(());
    };
    db.prepare_cached("DELETE FROM runs WHERE target = ?1 AND due <= ?2 AND id < ?3")?
        .execute(params![target, newest, row])?;
    db.prepare_cached("UPDATE considered SET forgotten = max(ifnull(forgotten, ?2), ?2) WHERE target = ?1")?
        .execute(params![target, newest])?;
    Ok(())
}
