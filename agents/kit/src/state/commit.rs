//! What does one segment settle? All of it in one transaction, after the segment's rename.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use schemas::{Digest, capture::Lane, coverage::Coverage};
use serde_json::Value;

use super::{
    Cached as _, Change, Mark, Scope, ShelfItem, State, StateError, considered::end_run, json, readings::give_up,
    scopes, us, walks::lane_word,
};
use crate::{
    contract::Known,
    engine::{
        Validators, crash,
        walk::{Node, Tally, WalkEnd},
    },
};

/// Microseconds until what came to nothing is asked for again, by how often it had been asked for before (`tries` of its row).
const PAUSE: &str = "1000000 * CASE tries WHEN 0 THEN 3600 WHEN 1 THEN 21600 ELSE 86400 END";

/// Tries after the first one, then it is given up.
const MOST_TRIES: i64 = 3;

/// A segment that lies under its name in the outbox, and is not yet named by a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its number.
    pub seq: u64,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// File name below `outbox/`.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// When it was closed.
    pub closed_at: Timestamp,
}

/// Everything that changes with one segment.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Cursor of the lane after it.
    pub cursor: Option<Value>,
    /// Requests of the walk that are new or changed.
    pub nodes: BTreeMap<u64, Node>,
    /// Counts of the walk so far.
    pub tally: Tally,
    /// What became of the walk; nothing while it is open.
    pub walk_end: Option<WalkEnd>,
    /// Follow-ups to store; each gets its row number.
    pub shelf: Vec<ShelfItem>,
    /// Rows of follow-ups that are settled or given up.
    pub unshelved: Vec<i64>,
    /// Keys that are settled, answered or not.
    pub keys: Vec<String>,
    /// Items seen.
    pub marks: Vec<Mark>,
    /// Pauses between re-checks of items, in seconds.
    pub recheck_after_secs: Vec<u32>,
    /// These are re-checks: what they see is not scheduled for further ones.
    pub again: bool,
    /// Items whose re-check is done.
    pub rechecked: Vec<String>,
    /// Items whose check came to nothing: made again after 1 h, 6 h and 24 h, then given up for the next one.
    pub rechecks_later: Vec<String>,
    /// Items that are gone, by id: not checked again, unless they are described again.
    pub gone: Vec<String>,
    /// Items that are gone, by how the source is asked for them.
    pub gone_handles: Vec<String>,
    /// Snapshots read completely.
    pub scopes: Vec<Scope>,
    /// Addresses that answered that nothing changed.
    pub unchanged: Vec<String>,
    /// Items to be described.
    pub wants: Vec<Known>,
    /// Items that were asked for, answered or not.
    pub described: Vec<String>,
    /// Items that could not be asked for: tried again after 1 h, 6 h and 24 h, then given up.
    pub wants_later: Vec<String>,
    /// Validators of complete readings, by address.
    pub validators: BTreeMap<String, Validators>,
    /// Readings that did not come back and whose answers stand in the segment: row, and why they are not made again.
    pub unread: Vec<(i64, String)>,
    /// Why the target stops.
    pub blocked: Option<String>,
    /// Answers in a row that said the target is gone.
    pub target_gone: Option<u32>,
    /// Rows of skipped runs that the coverage of a run's last segment tells of.
    pub told: Vec<i64>,
    /// Set with the last segment of a run.
    pub run_end: Option<(i64, Coverage)>,
}

/// Whose changes these are.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// Target id.
    pub target: &'a str,
    /// Lane.
    pub lane: Lane,
    /// Number of the walk.
    pub walk: i64,
    /// Name of the run.
    pub run: &'a str,
    /// Which reader read.
    pub reader: &'a str,
    /// When.
    pub now: Timestamp,
}

/// One segment and what changes with it.
#[derive(Debug)]
pub struct Settled<'a> {
    /// Whose.
    pub whose: Whose<'a>,
    /// What changes.
    pub changes: &'a mut Changes,
    /// The segment.
    pub segment: &'a Placed,
}

impl State {
    /// Writes what one segment settled. The rows of new follow-ups are filled in.
    ///
    /// # Errors
    ///
    /// [`StateError`]: nothing was written; the segment is not named and its number is free again.
    pub fn commit(&self, whose: &Whose<'_>, changes: &mut Changes, segment: &Placed) -> Result<(), StateError> {
        self.commit_all(&mut [Settled { whose: *whose, changes, segment }])
    }

    /// Writes what several segments settled, in the order of their numbers: all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`StateError`]: nothing was written; no segment is named and their numbers are free again. After [`StateError::Doubtful`] the segments may be
    /// named once the process ends: their files have to stay until something else is written.
    pub fn commit_all(&self, all: &mut [Settled<'_>]) -> Result<(), StateError> {
        if all.iter().any(|settled| !settled.changes.unread.is_empty()) {
            self.unread_follows();
        }
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        let mut shelved = Vec::new();
        for Settled { whose, changes, segment } in &*all {
            name_segment(&tx, whose, segment)?;
            walk(&tx, whose, changes)?;
            items(&tx, whose, changes)?;
            shelved.push(follow_ups(&tx, whose, changes)?);
            target(&tx, whose, changes)?;
        }
        crash::point("agent_before_commit");
        tx.commit().map_err(doubt)?;
        crash::point("agent_after_commit");
        for (settled, rows) in all.iter_mut().zip(shelved) {
            let fresh = settled.changes.shelf.iter_mut().filter(|item| item.id.is_none());
            fresh.zip(rows).for_each(|(item, row)| item.id = Some(row));
        }
        Ok(())
    }
}

/// What does not fit is not there. A sync that failed leaves a whole transaction in the log, which SQLite takes up when it opens the file again.
fn doubt(error: rusqlite::Error) -> StateError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::DatabaseBusy) => error.into(),
        _ => StateError::Doubtful(error),
    }
}

fn name_segment(tx: &Connection, whose: &Whose<'_>, segment: &Placed) -> Result<(), StateError> {
    let seq = i64::try_from(segment.seq).unwrap_or(i64::MAX);
    let manifest = segment.manifest.to_string();
    tx.run(
        "INSERT INTO outbox (seq, manifest, run, file, bytes, closed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            seq,
            manifest,
            whose.run,
            segment.file,
            i64::try_from(segment.bytes).unwrap_or(i64::MAX),
            us(segment.closed_at)
        ],
    )?;
    tx.run("UPDATE chain SET seq = ?1, prev = ?2", params![seq + 1, manifest])?;
    Ok(())
}

fn walk(tx: &Connection, whose: &Whose<'_>, changes: &Changes) -> Result<(), StateError> {
    if let Some(cursor) = &changes.cursor {
        tx.run(
            "INSERT INTO lanes (target, lane, cursor) VALUES (?1, ?2, hide(?3)) ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
            params![whose.target, lane_word(whose.lane), json("cursor", cursor)?],
        )?;
    }
    match changes.walk_end {
        None => {
            let mut put = tx.prepare_cached(
                "INSERT INTO nodes (walk, n, node) VALUES (?1, ?2, hide(?3)) ON CONFLICT DO UPDATE SET node = excluded.node",
            )?;
            for (n, node) in &changes.nodes {
                put.execute(params![whose.walk, i64::try_from(*n).unwrap_or(i64::MAX), json("request", node)?])?;
            }
            tx.run(
                "UPDATE walks SET tally = hide(?2) WHERE id = ?1",
                params![whose.walk, json("tally", &changes.tally)?],
            )?;
        }
        Some(end) => {
            tx.run("DELETE FROM nodes WHERE walk = ?1", [whose.walk])?;
            tx.run(
                "UPDATE walks SET state = ?2, tally = hide(?3) WHERE id = ?1",
                params![whose.walk, end.word(), json("tally", &changes.tally)?],
            )?;
        }
    }
    for (url, kept) in &changes.validators {
        tx.run(
            "INSERT OR REPLACE INTO validators (target, url, reader, etag, last_modified, response, response_url, response_date, kept_at)
             VALUES (?1, hide(?2), ?3, hide(?4), hide(?5), ?6, hide(?7), ?8, ?9)",
            params![
                whose.target,
                url,
                whose.reader,
                kept.etag,
                kept.last_modified,
                kept.of.id,
                kept.of.url,
                kept.of.date,
                us(whose.now)
            ],
        )?;
    }
    Ok(())
}

fn items(tx: &Connection, whose: &Whose<'_>, changes: &Changes) -> Result<(), StateError> {
    let (target, lane) = (whose.target, lane_word(whose.lane));
    let pauses = changes.recheck_after_secs.first().filter(|_| !changes.again);
    scopes::before_marks(tx, whose, changes)?;
    let first_check = |at: Timestamp| pauses.map(|secs| us(at) + i64::from(*secs) * 1_000_000);
    // The first walk that settled an id keeps it, unless that walk came to nothing.
    let mut put = tx.prepare_cached(
        "INSERT INTO marks (target, lane, id, walk, handle, content, scope, recheck_at, first_at, last_at, platform, misses)
         VALUES (?1, ?2, hide(?3), ?4, hide(?5), hide(?6), hide(?7), ?8, ?9, ?9, hide(?10), ?11)
         ON CONFLICT DO UPDATE SET
             walk = CASE WHEN (SELECT state FROM walks WHERE id = marks.walk) = 'complete' THEN marks.walk ELSE excluded.walk END,
             handle = coalesce(excluded.handle, marks.handle),
             content = coalesce(excluded.content, marks.content),
             scope = coalesce(excluded.scope, marks.scope),
             platform = coalesce(excluded.platform, marks.platform),
             recheck_at = CASE WHEN marks.content IS NULL THEN excluded.recheck_at ELSE marks.recheck_at END,
             misses = CASE WHEN excluded.misses = 4 AND (marks.misses = 4 OR marks.scope IS NOT excluded.scope) THEN 4 ELSE 0 END,
             last_at = excluded.last_at",
    )?;
    for mark in &changes.marks {
        let recheck_at = mark.content.and_then(|_| first_check(mark.at));
        put.execute(params![
            target,
            lane,
            mark.id,
            whose.walk,
            mark.handle,
            mark.content.map(|hash| hash.to_string()),
            mark.scope,
            recheck_at,
            us(mark.at),
            mark.platform,
            if mark.doubted { 4 } else { 0 }
        ])?;
    }
    let mut done: Vec<&String> = changes.rechecked.iter().collect();
    for id in &changes.rechecks_later {
        tx.run(
            &format!(
                "UPDATE marks SET tries = tries + 1, recheck_at = ?3 + {PAUSE}
                 WHERE target = ?1 AND id = hide(?2) AND recheck_at IS NOT NULL"
            ),
            params![target, id, us(whose.now)],
        )?;
        let tries = "SELECT coalesce(max(tries), 0) FROM marks WHERE target = ?1 AND id = hide(?2)";
        if tx.one(tries, params![target, id], |row| row.get::<_, i64>(0))? > MOST_TRIES {
            done.push(id);
        }
    }
    for id in done {
        let checks: i64 = tx
            .prepare_cached("SELECT coalesce(max(checks), 0) + 1 FROM marks WHERE target = ?1 AND id = hide(?2)")?
            .query_row(params![target, id], |row| row.get(0))?;
        let pause = usize::try_from(checks).ok().and_then(|at| changes.recheck_after_secs.get(at));
        let next = pause.map(|secs| us(whose.now) + i64::from(*secs) * 1_000_000);
        tx.run(
            "UPDATE marks SET checks = ?3, recheck_at = ?4, tries = 0 WHERE target = ?1 AND id = hide(?2) AND recheck_at IS NOT NULL",
            params![target, id, checks, next],
        )?;
    }
    // Another item's handle may be this one's id. Without content they count as never described, so that a description begins their checks anew.
    let gone = "UPDATE marks SET recheck_at = NULL, content = NULL, checks = 0, tries = 0 WHERE target = ?1 AND";
    for id in &changes.gone {
        tx.run(&format!("{gone} id = hide(?2)"), params![target, id])?;
    }
    for handle in &changes.gone_handles {
        tx.run(&format!("{gone} coalesce(handle, id) = hide(?2)"), params![target, handle])?;
    }
    for scope in &changes.scopes {
        scopes::missing(tx, whose, scope)?;
    }
    Ok(())
}

/// Gives the rows of new follow-ups.
fn follow_ups(tx: &Connection, whose: &Whose<'_>, changes: &Changes) -> Result<Vec<i64>, StateError> {
    let target = whose.target;
    let mut rows = Vec::new();
    for id in &changes.unshelved {
        tx.run("DELETE FROM shelf WHERE id = ?1", [id])?;
    }
    for item in &changes.shelf {
        let text = json("follow-up", item)?;
        let not_before = item.node.not_before.map_or(0, us);
        if let Some(id) = item.id {
            tx.run("UPDATE shelf SET item = hide(?2), not_before = ?3 WHERE id = ?1", params![id, text, not_before])?;
        } else {
            tx.run(
                "INSERT INTO shelf (target, lane, item, not_before) VALUES (?1, ?2, hide(?3), ?4)",
                params![target, lane_word(whose.lane), text, not_before],
            )?;
            rows.push(tx.last_insert_rowid());
        }
    }
    for key in &changes.keys {
        tx.run(
            "INSERT INTO keys (target, key, settled_at) VALUES (?1, hide(?2), ?3) ON CONFLICT DO NOTHING",
            params![target, key, us(whose.now)],
        )?;
    }
    for known in &changes.wants {
        tx.run(
            "INSERT INTO wants (target, id, handle) VALUES (?1, hide(?2), hide(?3)) ON CONFLICT DO UPDATE SET handle = excluded.handle",
            params![target, known.id, known.handle],
        )?;
    }
    for id in &changes.described {
        tx.run("DELETE FROM wants WHERE target = ?1 AND id = hide(?2)", params![target, id])?;
    }
    for id in &changes.wants_later {
        tx.run(
            &format!(
                "UPDATE wants SET tries = tries + 1, not_before = ?3 + {PAUSE} WHERE target = ?1 AND id = hide(?2)"
            ),
            params![target, id, us(whose.now)],
        )?;
        tx.run(
            "DELETE FROM wants WHERE target = ?1 AND id = hide(?2) AND tries > ?3",
            params![target, id, MOST_TRIES],
        )?;
    }
    Ok(rows)
}

fn target(tx: &Connection, whose: &Whose<'_>, changes: &Changes) -> Result<(), StateError> {
    let target = whose.target;
    for (reading, why) in &changes.unread {
        give_up(tx, *reading, why)?;
    }
    if let Some(what) = &changes.blocked {
        tx.run(
            "INSERT INTO targets (target, blocked, blocked_at) VALUES (?1, hide(?2), ?3)
             ON CONFLICT DO UPDATE SET blocked = excluded.blocked, blocked_at = excluded.blocked_at",
            params![target, what, us(whose.now)],
        )?;
    }
    if let Some(gone) = changes.target_gone {
        tx.run(
            "INSERT INTO targets (target, gone) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET gone = excluded.gone",
            params![target, gone],
        )?;
    }
    if let Some((run, coverage)) = &changes.run_end {
        end_run(tx, *run, coverage, &changes.told, whose.now)?;
    }
    Ok(())
}
