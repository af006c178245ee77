//! What does one leaf change in the tables? Runs inside the transaction it is given.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, Transaction, params};
use schemas::record::Record;
use sha2::{Digest as _, Sha256};

use super::fold::{Revision, Sighting, fold};
use super::rows::{Change, Line, LineKind, SegmentRow, row_id, row_parts};
use super::sqlite::time;
use super::{Fetch, Indexed, Indexer, StoreError};

/// A claimed time counts if it is not longer ago than this before the first sighting; roughly ten years.
const OLDEST_CLAIM: SignedDuration = SignedDuration::from_hours(24 * 3653);
/// Nor later than this after it.
const NEWEST_CLAIM: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn apply(
    tx: &Transaction<'_>,
    indexer: &dyn Indexer,
    index: u64,
    change: &Change,
    fetch: &Fetch<'_>,
) -> Result<(), StoreError> {
    match change {
        Change::Segment(segment) => insert_segment(tx, indexer, index, segment, fetch),
        Change::Refusal { manifest, units, code, time } => {
            let sql = "INSERT INTO refusals VALUES (?, ?, ?, ?, ?)";
            tx.execute(sql, params![index as i64, manifest.to_string(), ranges(units), code, time])?;
            Ok(())
        }
        Change::Erasure { manifest, left, units, reason, statement, time } => {
            tx.execute(
                "INSERT INTO erasures VALUES (?, ?, ?, ?, ?, ?)",
                params![index as i64, manifest.to_string(), ranges(units), reason, statement.to_string(), time],
            )?;
            match left {
                Some((segment, row)) => replace_segment(tx, indexer, *segment, row, fetch),
                None => Ok(()),
            }
        }
        Change::Statement { kind, digest, time } => {
            tx.execute(
                "INSERT INTO statements VALUES (?, ?, ?, ?)",
                params![index as i64, kind, digest.to_string(), time],
            )?;
            Ok(())
        }
    }
}

fn ranges(units: &[[u64; 2]]) -> String {
    let parts: Vec<String> = units.iter().map(|[first, last]| format!("[{first},{last}]")).collect();
    format!("[{}]", parts.join(","))
}

fn insert_segment(
    tx: &Transaction<'_>,
    indexer: &dyn Indexer,
    index: u64,
    segment: &SegmentRow,
    fetch: &Fetch<'_>,
) -> Result<(), StoreError> {
    insert_frame(tx, index, segment)?;
    for line in &segment.lines {
        let id = row_id(index, line.unit);
        let Touched { items, is_new } = insert_line(tx, index, line)?;
        let LineKind::Record { record, content, home } = &line.kind else {
            for item in items {
                refold(tx, indexer, item, &Lines { at_hand: None, fetch })?;
            }
            continue;
        };
        for item in items {
            if is_new {
                let entry = segment.entry.as_deref().unwrap_or_default();
                seen_first(
                    tx,
                    indexer,
                    &First { item, id, line, record, content: content.to_string(), home: *home, entry },
                )?;
                continue;
            }
            if !seen_again(tx, item, id, line.at, &content.to_string())? {
                refold(tx, indexer, item, &Lines { at_hand: Some((id, record)), fetch })?;
            }
        }
    }
    Ok(())
}

/// Rows of the segment, its tombstones, captures and coverage: everything but lines.
fn insert_frame(tx: &Transaction<'_>, index: u64, segment: &SegmentRow) -> Result<(), StoreError> {
    let idx = index as i64;
    tx.prepare_cached("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            idx,
            segment.manifest,
            segment.agent,
            segment.seq as i64,
            segment.prev,
            segment.units as i64,
            segment.closed_at,
            segment.checkpoint as i64,
            segment.run,
            segment.entry,
            segment.target,
            segment.collector,
            segment.policy,
            segment.reader,
            segment.problem,
        ],
    )?;
    for tombstone in &segment.tombstones {
        insert_tombstone(tx, index, tombstone.unit, tombstone.leaf)?;
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO captures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for row in &segment.captures {
        insert.execute(params![
            row_id(index, row.unit),
            idx,
            row.kind,
            row.entry,
            row.collector,
            row.method,
            row.url,
            row.at,
            row.day,
            row.status,
            row.media_type,
            row.bytes.map(|bytes| bytes as i64),
            row.response,
            row.request_unit.map(|unit| unit as i64),
            row.response_unit.map(|unit| unit as i64),
            row.revisit_of,
            row.conversion.map(|(from, _)| from as i64),
            row.conversion.map(|(_, to)| to as i64),
            row.code,
            row.because,
            row.peer,
            row.certificate,
            row.error,
            row.late,
        ])?;
    }
    drop(insert);
    if let Some(row) = &segment.coverage {
        insert_coverage(tx, index, &segment.agent, row)?;
    }
    Ok(())
}

fn insert_tombstone(tx: &Transaction<'_>, index: u64, unit: u64, leaf: u64) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?)")?.execute([
        index as i64,
        unit as i64,
        leaf as i64,
    ])?;
    Ok(())
}

fn insert_coverage(tx: &Transaction<'_>, index: u64, agent: &str, row: &super::CoverageRow) -> Result<(), StoreError> {
    let said = &row.coverage;
    let state =
        serde_json::to_value(said.state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
    let skipped = match said.skipped.as_slice() {
        [] => None,
        some => serde_json::to_string(some).ok(),
    };
    tx.prepare_cached("INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            row_id(index, row.unit),
            index as i64,
            agent,
            row.run,
            row.entry,
            said.target,
            row.complete,
            said.due.map(|due| due.to_string()),
            said.from.to_string(),
            said.to.to_string(),
            state,
            said.why,
            said.requests as i64,
            said.refused as i64,
            said.failed as i64,
            said.records as i64,
            said.new as i64,
            said.unreadable as i64,
            said.bytes as i64,
            skipped,
        ])?;
    Ok(())
}

/// Items whose history a line touches.
struct Touched {
    items: BTreeSet<i64>,
    /// Nothing was known of the one item before.
    is_new: bool,
}

/// Inserts a line and names the items whose history it touches.
fn insert_line(tx: &Transaction<'_>, index: u64, line: &Line) -> Result<Touched, StoreError> {
    let id = row_id(index, line.unit);
    let capture = row_id(index, line.capture);
    match &line.kind {
        LineKind::Odd { kind, why } => {
            let sql = "INSERT INTO oddities VALUES (?, ?, ?, ?, ?)";
            tx.prepare_cached(sql)?.execute(params![id, capture, kind, line.place, why])?;
            Ok(Touched { items: BTreeSet::new(), is_new: false })
        }
        LineKind::Gone { what, why } => {
            tx.prepare_cached("INSERT INTO withdrawals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
                id,
                capture,
                line.vantage,
                line.at.to_string(),
                line.reader,
                what.platform,
                what.native,
                what.handle,
                what.author,
                why,
            ])?;
            Ok(Touched { items: withdrawn_items(tx, id)?, is_new: false })
        }
        LineKind::Record { record, content, home } => {
            let (item, is_new) = item_id(tx, record, line, *home)?;
            let metrics = serde_json::to_string(&record.metrics).unwrap_or_default();
            tx.prepare_cached("INSERT INTO sightings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
                id,
                capture,
                item,
                if is_new { id } else { 0 },
                line.at.to_string(),
                content.to_string(),
                line.reader,
                line.place,
                record.handle,
                record.author.as_ref().and_then(|author| author.id.as_ref()),
                metrics,
            ])?;
            Ok(Touched { items: BTreeSet::from([item]), is_new })
        }
    }
}

/// The item's row, made if it is new, and whether it is. Ids are the first 62 bits of a hash of the identity, or the next free number if another identity has them.
fn item_id(tx: &Transaction<'_>, record: &Record, line: &Line, home: bool) -> Result<(i64, bool), StoreError> {
    let sql = "SELECT id FROM items WHERE platform = ? AND native = ? AND vantage = ?";
    let found = tx
        .prepare_cached(sql)?
        .query_row(params![record.platform, record.id, line.vantage], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok((id, false));
    }
    let mut hash = Sha256::new();
    for part in [&record.platform, &record.id, &line.vantage] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let start = hash.finalize().iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)) >> 2;
    let mut id = start as i64;
    while tx.prepare_cached("SELECT 1 FROM items WHERE id = ?")?.exists([id])? {
        id += 1;
    }
    let kind = word(&record.kind);
    tx.prepare_cached("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)")?.execute(params![
        id,
        record.platform,
        record.id,
        line.vantage,
        home,
        kind,
        line.entry,
        line.at.to_string(),
        line.at.to_string(),
    ])?;
    Ok((id, true))
}

fn word<T: serde::Serialize>(thing: &T) -> String {
    serde_json::to_value(thing).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A line about an item of which nothing was known.
struct First<'a> {
    item: i64,
    id: i64,
    line: &'a Line,
    record: &'a Record,
    content: String,
    home: bool,
    entry: &'a str,
}

/// What [`refold`] makes of one sighting, without asking for a history that cannot be: withdrawals before the first description speak of nothing known.
fn seen_first(tx: &Transaction<'_>, indexer: &dyn Indexer, first: &First<'_>) -> Result<(), StoreError> {
    let First { item, id, line, record, entry, .. } = *first;
    let revision = Revision {
        id,
        content: Some(first.content.clone()),
        cause: "source",
        first_seen_at: line.at,
        last_seen_at: line.at,
        sightings: 1,
    };
    let (at, claimed) = shown_time(Some(record), line.at);
    insert_revision(
        tx,
        &RevisionRow {
            id,
            item,
            number: 1,
            revision: &revision,
            shown: (at, claimed),
            is_current: true,
            entry,
            platform: &record.platform,
            record: Some(record),
            why: None,
        },
    )?;
    let indexed =
        Indexed { id, item, record, entry, vantage: &line.vantage, home: first.home, first_seen_at: line.at, time: at };
    indexer.index(tx, &indexed)?;
    let sql = "UPDATE items SET sightings = 1, revisions = 1, current = ?, entry = ? WHERE id = ?";
    tx.prepare_cached(sql)?.execute(params![id, entry, item])?;
    Ok(())
}

/// A row of `revisions`.
struct RevisionRow<'a> {
    id: i64,
    item: i64,
    number: i64,
    revision: &'a Revision,
    /// The time it is shown with, and whether that is the source's claim.
    shown: (Timestamp, bool),
    is_current: bool,
    entry: &'a str,
    platform: &'a str,
    record: Option<&'a Record>,
    why: Option<&'a String>,
}

fn insert_revision(tx: &Transaction<'_>, row: &RevisionRow<'_>) -> Result<(), StoreError> {
    let (record, (at, claimed)) = (row.record, row.shown);
    let text = record.and_then(|record| schemas::canonical::canonical_of(record).ok());
    tx.prepare_cached("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            row.id,
            row.item,
            row.number,
            row.revision.content,
            row.revision.cause,
            row.revision.first_seen_at.to_string(),
            row.revision.last_seen_at.to_string(),
            row.revision.sightings as i64,
            at.to_string(),
            claimed,
            row.is_current,
            row.entry,
            record.map(|record| word(&record.kind)).unwrap_or_default(),
            row.platform,
            record.and_then(|record| record.language.as_ref()),
            text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            row.why,
        ],
    )?;
    Ok(())
}

/// The usual case without looking at the whole history: the current content again, captured after everything known.
fn seen_again(tx: &Transaction<'_>, item: i64, id: i64, at: Timestamp, content: &str) -> Result<bool, StoreError> {
    let sql = "SELECT items.last_seen_at, revisions.id, revisions.content FROM items JOIN revisions ON revisions.id = items.current WHERE items.id = ?";
    let found: Option<(String, i64, Option<String>)> =
        tx.prepare_cached(sql)?.query_row([item], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    match found {
        Some((last, revision, said)) if said.as_deref() == Some(content) && time(&last)? <= at => {
            let at = at.to_string();
            tx.prepare_cached("UPDATE sightings SET revision = ? WHERE id = ?")?.execute([revision, id])?;
            let sql = "UPDATE revisions SET sightings = sightings + 1, last_seen_at = ? WHERE id = ?";
            tx.prepare_cached(sql)?.execute(params![at, revision])?;
            let sql = "UPDATE items SET sightings = sightings + 1, last_seen_at = ? WHERE id = ?";
            tx.prepare_cached(sql)?.execute(params![at, item])?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Items a withdrawal speaks of: those its vantage had described before it.
fn withdrawn_items(tx: &Transaction<'_>, withdrawal: i64) -> Result<BTreeSet<i64>, StoreError> {
    let sql = "SELECT DISTINCT items.id FROM withdrawals w
        JOIN items ON items.vantage = w.vantage
        JOIN sightings ON sightings.item = items.id AND sightings.id < w.id
        WHERE w.id = ?1 AND (
            (w.native IS NOT NULL AND items.platform = w.platform AND items.native = w.native)
            OR (w.handle IS NOT NULL AND sightings.handle = w.handle)
            OR (w.author IS NOT NULL AND items.platform = w.platform AND sightings.author = w.author))";
    let mut statement = tx.prepare_cached(sql)?;
    let items = statement.query_map([withdrawal], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(items)
}

type Withdrawal = (i64, String, String, String);

/// Withdrawals that speak of an item, as id, time, reader, reason.
fn withdrawals_of(tx: &Transaction<'_>, item: i64) -> Result<Vec<Withdrawal>, StoreError> {
    let sql = "SELECT DISTINCT w.id, w.at, w.reader, w.why FROM items
        JOIN withdrawals w ON w.vantage = items.vantage
        WHERE items.id = ?1 AND (
            (w.native = items.native AND w.platform = items.platform)
            OR w.handle IN (SELECT handle FROM sightings WHERE item = ?1 AND sightings.id < w.id)
            OR (w.platform = items.platform
                AND w.author IN (SELECT author FROM sightings WHERE item = ?1 AND sightings.id < w.id)))";
    let mut statement = tx.prepare_cached(sql)?;
    let found = statement
        .query_map([item], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Where the record of a line comes from: the line just inserted, or the evidence.
struct Lines<'a> {
    at_hand: Option<(i64, &'a Record)>,
    fetch: &'a Fetch<'a>,
}

impl Lines<'_> {
    fn find(&self, tx: &Transaction<'_>, id: i64) -> Result<Option<Record>, StoreError> {
        if let Some((at_hand, record)) = self.at_hand
            && at_hand == id
        {
            return Ok(Some(record.clone()));
        }
        let (index, unit) = row_parts(id);
        let sql = "SELECT manifest FROM segments WHERE idx = ?";
        let manifest: Option<String> =
            tx.prepare_cached(sql)?.query_row([index as i64], |row| row.get(0)).optional()?;
        Ok(manifest.and_then(|text| (self.fetch)(&text.parse().ok()?, unit)))
    }
}

/// Works an item's revisions out again from its sightings and tells the text index what changed.
fn refold(tx: &Transaction<'_>, indexer: &dyn Indexer, item: i64, lines: &Lines<'_>) -> Result<(), StoreError> {
    let mut sightings = Vec::new();
    let mut statement =
        tx.prepare_cached("SELECT id, at, content, reader FROM sightings WHERE item = ? ORDER BY id")?;
    let mut rows = statement.query([item])?;
    while let Some(row) = rows.next()? {
        let at = time(&row.get::<_, String>(1)?)?;
        sightings.push(Sighting { id: row.get(0)?, at, content: Some(row.get(2)?), reader: row.get(3)? });
    }
    drop(rows);
    drop(statement);
    let described: u64 = sightings.len() as u64;
    let mut reasons = BTreeMap::new();
    for (id, at, reader, why) in withdrawals_of(tx, item)? {
        sightings.push(Sighting { id, at: time(&at)?, content: None, reader });
        reasons.insert(id, why);
    }
    sightings.sort_by_key(|sighting| sighting.id);
    let mut old: BTreeMap<i64, Option<String>> = tx
        .prepare_cached("SELECT id, record FROM revisions WHERE item = ?")?
        .query_map([item], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    tx.prepare_cached("DELETE FROM revisions WHERE item = ?")?.execute([item])?;
    if described == 0 {
        for id in old.keys() {
            indexer.remove(tx, *id)?;
        }
        tx.prepare_cached("DELETE FROM items WHERE id = ?")?.execute([item])?;
        return Ok(());
    }
    let history = fold(&sightings);
    for (sighting, revision) in sightings.iter().zip(&history.of) {
        if sighting.content.is_some() {
            tx.prepare_cached("UPDATE sightings SET revision = ? WHERE id = ?")?.execute([*revision, sighting.id])?;
        }
    }
    let (platform, vantage, home): (String, String, bool) = tx
        .prepare_cached("SELECT platform, vantage, home FROM items WHERE id = ?")?
        .query_row([item], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let counted =
        || sightings.iter().zip(&history.of).filter(|(_, revision)| **revision != 0).map(|(sighting, _)| sighting);
    let first_seen_at = counted().map(|sighting| sighting.at).min().unwrap_or(Timestamp::MIN);
    let last_seen_at = counted().map(|sighting| sighting.at).max().unwrap_or(Timestamp::MIN);
    let mut first: Option<(String, String)> = None;
    let mut current = 0;
    for (position, revision) in history.revisions.iter().enumerate() {
        let number = position as i64 + 1;
        let id = if revision.content.is_some() { revision.id } else { withdrawal_id(tx, item, revision.id)? };
        if position == history.current {
            current = id;
        }
        let known = old.remove(&id);
        let is_new = known.is_none();
        let record: Option<Record> = if revision.content.is_some() {
            match known.flatten().and_then(|text| serde_json::from_str(&text).ok()) {
                Some(record) => Some(record),
                None => lines.find(tx, revision.id)?,
            }
        } else {
            None
        };
        let entry = entry_of(tx, revision.id)?;
        let (at, claimed) = shown_time(record.as_ref(), first_seen_at);
        let kind = record.as_ref().map(|record| word(&record.kind)).unwrap_or_default();
        if first.is_none() {
            first = Some((kind.clone(), entry.clone()));
        }
        insert_revision(
            tx,
            &RevisionRow {
                id,
                item,
                number,
                revision,
                shown: (at, claimed),
                is_current: position == history.current,
                entry: &entry,
                platform: &platform,
                record: record.as_ref(),
                why: reasons.get(&revision.id),
            },
        )?;
        if let Some(record) = &record {
            let indexed = Indexed {
                id: revision.id,
                item,
                record,
                entry: &entry,
                vantage: &vantage,
                home,
                first_seen_at: revision.first_seen_at,
                time: at,
            };
            // A revision's times may move with a late sighting, so one that is known is given again.
            if !is_new {
                indexer.remove(tx, revision.id)?;
            }
            indexer.index(tx, &indexed)?;
        }
    }
    for id in old.keys() {
        indexer.remove(tx, *id)?;
    }
    let gone = history.revisions.get(history.current).is_some_and(|revision| revision.content.is_none());
    let (kind, entry) = first.unwrap_or_default();
    tx.prepare_cached(
        "UPDATE items SET first_seen_at = ?, last_seen_at = ?, sightings = ?, revisions = ?, current = ?, gone = ?, kind = ?, entry = ? WHERE id = ?",
    )?
    .execute(params![
        first_seen_at.to_string(),
        last_seen_at.to_string(),
        counted().count() as i64,
        history.revisions.len() as i64,
        current,
        gone,
        kind,
        entry,
        item,
    ])?;
    Ok(())
}

/// Row id of a withdrawal as a revision of one item: one line may withdraw everything of an author. Negative, so that it is no line's.
fn withdrawal_id(tx: &Transaction<'_>, item: i64, line: i64) -> Result<i64, StoreError> {
    let hash = Sha256::new().chain_update(item.to_be_bytes()).chain_update(line.to_be_bytes()).finalize();
    let mut id = -((hash.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)) >> 2) as i64) - 1;
    while tx.prepare_cached("SELECT 1 FROM revisions WHERE id = ?")?.exists([id])? {
        id -= 1;
    }
    Ok(id)
}

/// Entry under which the line's capture was made; empty where the capture's own unit is gone.
fn entry_of(tx: &Transaction<'_>, line: i64) -> Result<String, StoreError> {
    let (index, _) = row_parts(line);
    let sql = "SELECT coalesce(entry, '') FROM segments WHERE idx = ?";
    Ok(tx.prepare_cached(sql)?.query_row([index as i64], |row| row.get(0)).optional()?.unwrap_or_default())
}

fn shown_time(record: Option<&Record>, first_seen_at: Timestamp) -> (Timestamp, bool) {
    let claimed = record.and_then(|record| record.published_at.as_ref()).and_then(|claimed| claimed.at);
    let oldest = first_seen_at.checked_sub(OLDEST_CLAIM).unwrap_or(Timestamp::MIN);
    let newest = first_seen_at.checked_add(NEWEST_CLAIM).unwrap_or(Timestamp::MAX);
    match claimed {
        Some(claimed) if (oldest..=newest).contains(&claimed) => (claimed, true),
        _ => (first_seen_at, false),
    }
}

/// Makes the rows of a segment again from what is left of it, and then every item that had or has a line there.
pub(super) fn replace_segment(
    tx: &Transaction<'_>,
    indexer: &dyn Indexer,
    index: u64,
    segment: &SegmentRow,
    fetch: &Fetch<'_>,
) -> Result<(), StoreError> {
    // Ids of this segment's units lie from `first` to before `next`.
    let (first, next) = (row_id(index, 0), row_id(index + 1, 0));
    let mut items: BTreeSet<i64> = tx
        .prepare_cached("SELECT DISTINCT item FROM sightings WHERE id >= ? AND id < ?")?
        .query_map([first, next], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let withdrawals: Vec<i64> = tx
        .prepare_cached("SELECT id FROM withdrawals WHERE id >= ? AND id < ?")?
        .query_map([first, next], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in withdrawals {
        items.extend(withdrawn_items(tx, id)?);
    }
    // A line may belong to another item afterwards: where the exchange record is gone, so is the vantage.
    let begun: Vec<i64> = tx
        .prepare_cached("SELECT id FROM revisions WHERE id >= ? AND id < ?")?
        .query_map([first, next], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in begun {
        indexer.remove(tx, id)?;
    }
    tx.execute("DELETE FROM revisions WHERE id >= ? AND id < ?", [first, next])?;
    // What a handle or an author's id was known from may go too, so what other withdrawals said of these items counts anew by itself.
    for table in ["sightings", "withdrawals", "oddities"] {
        tx.execute(&format!("DELETE FROM {table} WHERE id >= ? AND id < ?"), [first, next])?;
    }
    for table in ["segments", "tombstones", "captures", "coverage"] {
        tx.execute(&format!("DELETE FROM {table} WHERE idx = ?"), [index as i64])?;
    }
    insert_frame(tx, index, segment)?;
    for line in &segment.lines {
        items.extend(insert_line(tx, index, line)?.items);
    }
    for item in items {
        refold(tx, indexer, item, &Lines { at_hand: None, fetch })?;
    }
    Ok(())
}
