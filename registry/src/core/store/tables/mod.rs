//! What does one leaf change in the tables? Runs inside the transaction it is given.

mod history;
mod ids;
mod item;
mod vanished;

use std::collections::BTreeSet;

use rusqlite::{Transaction, params};

use super::rows::{Change, LineKind, Reading, SegmentRow, row_id};
use super::{Fetch, Indexer, StoreError};
use history::{refold, withdrawn_items};
use ids::Found;
use item::Sighted;

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
    let entry = segment.entry.as_deref().unwrap_or_default();
    for reading in &segment.readings {
        let (capture, at) = (row_id(index, reading.capture), reading.at.to_string());
        for line in &reading.lines {
            let id = row_id(index, line.unit);
            let LineKind::Record { stated, content, home } = &line.kind else {
                for item in insert_other(tx, id, capture, &at, reading, &line.place, &line.kind)? {
                    refold(tx, indexer, item, fetch, None)?;
                }
                continue;
            };
            let content = content.to_string();
            let sighted =
                Sighted { id, capture, reading, at: &at, place: &line.place, stated, content: &content, home: *home };
            match ids::find(tx, &stated.record, &reading.vantage)? {
                Found::New(item) => item::first(tx, indexer, item, &sighted, entry)?,
                Found::Known(item) => {
                    if !item::again(tx, item, &sighted)? {
                        item::sight(tx, item, 0, &sighted)?;
                        refold(tx, indexer, item, fetch, Some((id, stated)))?;
                    }
                }
            }
        }
    }
    for row in &segment.vanished {
        if let Some(item) = vanished::insert(tx, index, row)? {
            vanished::settle(tx, item)?;
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

/// Inserts a line that describes nothing and names the items whose history it touches.
fn insert_other(
    tx: &Transaction<'_>,
    id: i64,
    capture: i64,
    at: &str,
    reading: &Reading,
    place: &str,
    kind: &LineKind,
) -> Result<BTreeSet<i64>, StoreError> {
    match kind {
        LineKind::Record { .. } => Ok(BTreeSet::new()),
        LineKind::Odd { kind, why } => {
            let sql = "INSERT INTO oddities VALUES (?, ?, ?, ?, ?)";
            tx.prepare_cached(sql)?.execute(params![id, capture, kind, place, why])?;
            Ok(BTreeSet::new())
        }
        LineKind::Gone { what, why } => {
            tx.prepare_cached("INSERT INTO withdrawals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
                id,
                capture,
                reading.vantage,
                at,
                reading.reader,
                what.platform,
                what.native,
                what.handle,
                what.author,
                why,
            ])?;
            withdrawn_items(tx, id, &reading.vantage, what)
        }
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
    items.extend(history::withdrawn_between(tx, first, next)?);
    items.extend(vanished::between(tx, first, next)?);
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
    for table in ["sightings", "withdrawals", "vanishings", "oddities"] {
        tx.execute(&format!("DELETE FROM {table} WHERE id >= ? AND id < ?"), [first, next])?;
    }
    for table in ["segments", "tombstones", "captures", "coverage"] {
        tx.execute(&format!("DELETE FROM {table} WHERE idx = ?"), [index as i64])?;
    }
    insert_frame(tx, index, segment)?;
    for reading in &segment.readings {
        let (capture, at) = (row_id(index, reading.capture), reading.at.to_string());
        for line in &reading.lines {
            let id = row_id(index, line.unit);
            let LineKind::Record { stated, content, home } = &line.kind else {
                items.extend(insert_other(tx, id, capture, &at, reading, &line.place, &line.kind)?);
                continue;
            };
            let content = content.to_string();
            let sighted =
                Sighted { id, capture, reading, at: &at, place: &line.place, stated, content: &content, home: *home };
            let item = match ids::find(tx, &stated.record, &reading.vantage)? {
                Found::Known(item) => item,
                Found::New(item) => {
                    item::bare(tx, item, &sighted)?;
                    item
                }
            };
            item::sight(tx, item, 0, &sighted)?;
            items.insert(item);
        }
    }
    for row in &segment.vanished {
        items.extend(vanished::insert(tx, index, row)?);
    }
    for item in items {
        refold(tx, indexer, item, fetch, None)?;
    }
    Ok(())
}

fn word<T: serde::Serialize>(thing: &T) -> String {
    serde_json::to_value(thing).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
