//! What becomes of an item whose history is no longer what its rows say?

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::ids::{known, sixty_two_bits};
use super::item::{RevisionRow, insert_revision, shown_time};
use super::{vanished, word};
use crate::core::store::fold::{Sighting, fold};
use crate::core::store::rows::{Stated, Withdrawn, row_parts};
use crate::core::store::sqlite::time;
use crate::core::store::{Fetch, Indexed, Indexer, StoreError};

/// Items a withdrawal speaks of: those its vantage had described before it.
pub(super) fn withdrawn_items(
    tx: &Transaction<'_>,
    withdrawal: i64,
    vantage: &str,
    what: &Withdrawn,
) -> Result<BTreeSet<i64>, StoreError> {
    let mut items = BTreeSet::new();
    if let (Some(platform), Some(native)) = (&what.platform, &what.native)
        && let Some(item) = known(tx, platform, native, vantage)?
    {
        let before = "SELECT 1 FROM lines_of_items WHERE of_item = ? AND id < ?";
        if tx.prepare_cached(before)?.exists([item, withdrawal])? {
            items.insert(item);
        }
    }
    let of = "SELECT DISTINCT i.id FROM sightings g JOIN items i ON i.id = g.item WHERE i.vantage = ? AND g.id < ?";
    let mut add = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> Result<(), StoreError> {
        let mut statement = tx.prepare_cached(sql)?;
        for item in statement.query_map(params, |row| row.get(0))? {
            items.insert(item?);
        }
        Ok(())
    };
    if let Some(handle) = &what.handle {
        add(&format!("{of} AND g.handle = ?"), params![vantage, withdrawal, handle])?;
    }
    if let (Some(platform), Some(author)) = (&what.platform, &what.author) {
        add(&format!("{of} AND g.author = ? AND i.platform = ?"), params![vantage, withdrawal, author, platform])?;
    }
    Ok(items)
}

/// Items that the withdrawals among these lines speak of.
pub(super) fn withdrawn_between(tx: &Transaction<'_>, first: i64, next: i64) -> Result<BTreeSet<i64>, StoreError> {
    let sql = "SELECT id, vantage, platform, native, handle, author FROM withdrawals WHERE id >= ? AND id < ?";
    let found = tx
        .prepare_cached(sql)?
        .query_map([first, next], |row| {
            let what =
                Withdrawn { platform: row.get(2)?, native: row.get(3)?, handle: row.get(4)?, author: row.get(5)? };
            Ok((row.get(0)?, row.get(1)?, what))
        })?
        .collect::<Result<Vec<(i64, String, Withdrawn)>, _>>()?;
    let mut items = BTreeSet::new();
    for (id, vantage, what) in found {
        items.extend(withdrawn_items(tx, id, &vantage, &what)?);
    }
    Ok(items)
}

/// An item as its row has it.
struct Item {
    platform: String,
    native: String,
    vantage: String,
    home: bool,
}

/// A line about an item, and what withdrawals may know it by.
struct Described {
    sighting: Sighting,
    handle: Option<String>,
    author: Option<String>,
}

fn described(tx: &Transaction<'_>, item: i64) -> Result<Vec<Described>, StoreError> {
    let sql = "SELECT g.id, g.at, g.content, g.reader, g.handle, g.author FROM lines_of_items l JOIN sightings g ON g.id = l.id
               WHERE l.of_item = ? ORDER BY g.id";
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([item])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let at = time(&row.get::<_, String>(1)?)?;
        let sighting = Sighting { id: row.get(0)?, at, content: Some(row.get(2)?), reader: row.get(3)? };
        found.push(Described { sighting, handle: row.get(4)?, author: row.get(5)? });
    }
    Ok(found)
}

/// Withdrawals that speak of an item, as sightings of nothing, and their reasons. By handle or author they speak of what was known before them.
fn withdrawals(
    tx: &Transaction<'_>,
    item: &Item,
    lines: &[Described],
) -> Result<BTreeMap<i64, (Sighting, String)>, StoreError> {
    let mut found = BTreeMap::new();
    let mut add = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> Result<(), StoreError> {
        let mut statement = tx.prepare_cached(sql)?;
        let said = |row: &Row<'_>| -> rusqlite::Result<(i64, String, String, String)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        for row in statement.query_map(params, said)? {
            let (id, at, reader, why) = row?;
            found.insert(id, (Sighting { id, at: time(&at)?, content: None, reader }, why));
        }
        Ok(())
    };
    let of = "SELECT id, at, reader, why FROM withdrawals WHERE vantage = ?";
    add(&format!("{of} AND native = ? AND platform = ?"), params![item.vantage, item.native, item.platform])?;
    let mut handles: BTreeMap<&str, i64> = BTreeMap::new();
    let mut authors: BTreeMap<&str, i64> = BTreeMap::new();
    for line in lines {
        if let Some(handle) = &line.handle {
            handles.entry(handle).or_insert(line.sighting.id);
        }
        if let Some(author) = &line.author {
            authors.entry(author).or_insert(line.sighting.id);
        }
    }
    for (handle, since) in handles {
        add(&format!("{of} AND handle = ? AND id > ?"), params![item.vantage, handle, since])?;
    }
    for (author, since) in authors {
        add(
            &format!("{of} AND author = ? AND id > ? AND platform = ?"),
            params![item.vantage, author, since, item.platform],
        )?;
    }
    Ok(found)
}

/// Works an item's revisions out again from its sightings and tells the text index what changed. `at_hand` is a line just inserted and what it says.
pub(super) fn refold(
    tx: &Transaction<'_>,
    indexer: &dyn Indexer,
    item: i64,
    fetch: &Fetch<'_>,
    at_hand: Option<(i64, &Stated)>,
) -> Result<(), StoreError> {
    let row = tx
        .prepare_cached("SELECT platform, native, vantage, home FROM items WHERE id = ?")?
        .query_row([item], |row| {
            Ok(Item { platform: row.get(0)?, native: row.get(1)?, vantage: row.get(2)?, home: row.get(3)? })
        })
        .optional()?;
    let mut old: BTreeMap<i64, Option<String>> = tx
        .prepare_cached("SELECT id, record FROM revisions_of_items WHERE of_item = ?")?
        .query_map([item], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let lines = described(tx, item)?;
    for id in old.keys() {
        tx.prepare_cached("DELETE FROM revisions WHERE id = ?")?.execute([id])?;
    }
    let Some(row) = row.filter(|_| !lines.is_empty()) else {
        for id in old.keys() {
            indexer.remove(tx, *id)?;
        }
        tx.prepare_cached("DELETE FROM items WHERE id = ?")?.execute([item])?;
        vanished::forget(tx, item)?;
        return Ok(());
    };
    let withdrawals = withdrawals(tx, &row, &lines)?;
    let mut sightings: Vec<Sighting> = lines.into_iter().map(|line| line.sighting).collect();
    let mut reasons = BTreeMap::new();
    for (id, (sighting, why)) in withdrawals {
        sightings.push(sighting);
        reasons.insert(id, why);
    }
    sightings.sort_by_key(|sighting| sighting.id);
    let history = fold(&sightings);
    for (sighting, revision) in sightings.iter().zip(&history.of) {
        if sighting.content.is_some() {
            tx.prepare_cached("UPDATE sightings SET revision = ? WHERE id = ?")?.execute([*revision, sighting.id])?;
        }
    }
    let counted =
        || sightings.iter().zip(&history.of).filter(|(_, revision)| **revision != 0).map(|(sighting, _)| sighting);
    let first_seen_at = counted().map(|sighting| sighting.at).min().unwrap_or(Timestamp::MIN);
    let last_seen_at = counted().map(|sighting| sighting.at).max().unwrap_or(Timestamp::MIN);
    let mut kind = None;
    let (mut first, mut current) = (0, 0);
    // The revision with words that was seen last.
    let mut last_words = (Timestamp::MIN, 0);
    for (position, revision) in history.revisions.iter().enumerate() {
        let number = position as i64 + 1;
        let id = if revision.content.is_some() { revision.id } else { withdrawal_id(tx, item, revision.id)? };
        if position == history.current {
            current = id;
        }
        let known = old.remove(&id);
        let is_new = known.is_none();
        let stated = match revision.content {
            Some(_) => stated(tx, revision.id, known.flatten(), at_hand, fetch)?,
            None => None,
        };
        let record = stated.as_ref().map(|stated| &stated.record);
        let entry = entry_of(tx, revision.id)?;
        let (at, claimed) = shown_time(record, first_seen_at);
        if kind.is_none() {
            first = id;
            kind = Some(record.map(|record| word(&record.kind)).unwrap_or_default());
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
                text: stated.as_ref().map(|stated| stated.text.as_str()),
                why: reasons.get(&revision.id),
            },
        )?;
        if let Some(record) = record {
            last_words = last_words.max((revision.last_seen_at, id));
            let indexed = Indexed {
                id: revision.id,
                item,
                record,
                entry: &entry,
                vantage: &row.vantage,
                home: row.home,
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
    tx.prepare_cached(
        "UPDATE items SET first_seen_at = ?, last_seen_at = ?, sightings = ?, revisions = ?, described = ?, first = ?, current = ?, shown = ?,
         gone = ?, kind = ? WHERE id = ?",
    )?
    .execute(params![
        first_seen_at.to_string(),
        last_seen_at.to_string(),
        counted().count() as i64,
        history.revisions.len() as i64,
        history.revisions.iter().filter(|revision| revision.content.is_some()).count() as i64,
        first,
        current,
        if gone { last_words.1 } else { current },
        gone,
        kind.unwrap_or_default(),
        item,
    ])?;
    vanished::settle(tx, item)
}

/// What a line says: as it was known, as it is at hand, or out of the evidence.
fn stated(
    tx: &Transaction<'_>,
    id: i64,
    known: Option<String>,
    at_hand: Option<(i64, &Stated)>,
    fetch: &Fetch<'_>,
) -> Result<Option<Stated>, StoreError> {
    if let Some(text) = known
        && let Ok(record) = serde_json::from_str(&text)
    {
        return Ok(Some(Stated { record, text }));
    }
    if let Some((line, stated)) = at_hand
        && line == id
    {
        return Ok(Some(stated.clone()));
    }
    let (index, unit) = row_parts(id);
    let sql = "SELECT manifest FROM segments WHERE idx = ?";
    let manifest: Option<String> = tx.prepare_cached(sql)?.query_row([index as i64], |row| row.get(0)).optional()?;
    Ok(manifest.and_then(|text| fetch(&text.parse().ok()?, unit)))
}

/// Row id of a withdrawal as a revision of one item: one line may withdraw everything of an author. Negative, so that it is no line's.
fn withdrawal_id(tx: &Transaction<'_>, item: i64, line: i64) -> Result<i64, StoreError> {
    let hash = Sha256::new().chain_update(item.to_be_bytes()).chain_update(line.to_be_bytes());
    let mut id = -sixty_two_bits(hash) - 1;
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
