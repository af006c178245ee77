//! Which item does a line describe, and what is written when it does?

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, Transaction, params};
use schemas::record::Record;

use super::{vanished, word};
use crate::core::store::fold::Revision;
use crate::core::store::rows::{Reading, Stated};
use crate::core::store::sqlite::time;
use crate::core::store::{Indexed, Indexer, StoreError};

/// A claimed time counts if it is not longer ago than this before the first sighting; roughly ten years.
const OLDEST_CLAIM: SignedDuration = SignedDuration::from_hours(24 * 3653);
/// Nor later than this after it.
const NEWEST_CLAIM: SignedDuration = SignedDuration::from_hours(24);
/// A line that describes an item.
pub(super) struct Sighted<'a> {
    pub id: i64,
    pub capture: i64,
    pub reading: &'a Reading,
    pub at: &'a str,
    pub place: &'a str,
    pub stated: &'a Stated,
    pub content: &'a str,
    pub home: bool,
}

/// Takes in the first line about an item: what [`super::refold`] makes of one sighting, without asking for a history that cannot be. Withdrawals before
/// the first description speak of nothing known.
pub(super) fn first(
    tx: &Transaction<'_>,
    indexer: &dyn Indexer,
    item: i64,
    line: &Sighted<'_>,
    entry: &str,
) -> Result<(), StoreError> {
    let (id, record) = (line.id, &line.stated.record);
    insert(tx, item, line, 1, id)?;
    sight(tx, item, id, line)?;
    let at = line.reading.at;
    let (shown, claimed) = shown_time(Some(record), at);
    let revision = Revision {
        id,
        content: Some(line.content.to_owned()),
        cause: "source",
        first_seen_at: at,
        last_seen_at: at,
        sightings: 1,
    };
    insert_revision(
        tx,
        &RevisionRow {
            id,
            item,
            number: 1,
            revision: &revision,
            shown: (shown, claimed),
            is_current: true,
            entry,
            text: Some(&line.stated.text),
            why: None,
        },
    )?;
    let vantage = &line.reading.vantage;
    let indexed = Indexed { id, item, record, entry, vantage, home: line.home, first_seen_at: at, time: shown };
    indexer.index(tx, &indexed)?;
    Ok(())
}

/// A row for an item whose history is worked out later.
pub(super) fn bare(tx: &Transaction<'_>, item: i64, line: &Sighted<'_>) -> Result<(), StoreError> {
    insert(tx, item, line, 0, 0)
}

fn insert(tx: &Transaction<'_>, item: i64, line: &Sighted<'_>, count: i64, revision: i64) -> Result<(), StoreError> {
    let record = &line.stated.record;
    tx.prepare_cached("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?7, ?7, ?8, ?8, ?8, ?9, ?9, ?9, 0, 0)")?.execute(
        params![
            item,
            record.platform,
            record.id,
            line.reading.vantage,
            line.home,
            word(&record.kind),
            line.at,
            count,
            revision,
        ],
    )?;
    Ok(())
}

/// Writes the line down as a sighting of `revision`; 0 where that is not known yet.
pub(super) fn sight(tx: &Transaction<'_>, item: i64, revision: i64, line: &Sighted<'_>) -> Result<(), StoreError> {
    let record = &line.stated.record;
    let metrics = match record.metrics.is_empty() {
        true => "{}".to_owned(),
        false => serde_json::to_string(&record.metrics).unwrap_or_default(),
    };
    tx.prepare_cached("INSERT INTO sightings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
        line.id,
        line.capture,
        item,
        revision,
        line.at,
        line.content,
        line.reading.reader,
        line.place,
        record.handle,
        record.author.as_ref().and_then(|author| author.id.as_ref()),
        metrics,
    ])?;
    Ok(())
}

/// The usual case without looking at the whole history: the current content again, captured after everything known. False if it is not that.
pub(super) fn again(tx: &Transaction<'_>, item: i64, line: &Sighted<'_>) -> Result<bool, StoreError> {
    let sql = "SELECT items.last_seen_at, revisions.id, revisions.content, items.vanished FROM items JOIN revisions ON revisions.id = items.current WHERE items.id = ?";
    let found: Option<(String, i64, Option<String>, bool)> = tx
        .prepare_cached(sql)?
        .query_row([item], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    match found {
        Some((last, revision, said, vanished))
            if said.as_deref() == Some(line.content) && time(&last)? <= line.reading.at =>
        {
            sight(tx, item, revision, line)?;
            let sql = "UPDATE revisions SET sightings = sightings + 1, last_seen_at = ? WHERE id = ?";
            tx.prepare_cached(sql)?.execute(params![line.at, revision])?;
            let sql = "UPDATE items SET sightings = sightings + 1, last_seen_at = ? WHERE id = ?";
            tx.prepare_cached(sql)?.execute(params![line.at, item])?;
            if vanished {
                vanished::settle(tx, item)?;
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// A row of `revisions`.
pub(super) struct RevisionRow<'a> {
    pub id: i64,
    pub item: i64,
    pub number: i64,
    pub revision: &'a Revision,
    /// The time it is shown with, and whether that is the source's claim.
    pub shown: (Timestamp, bool),
    pub is_current: bool,
    pub entry: &'a str,
    pub text: Option<&'a str>,
    pub why: Option<&'a String>,
}

pub(super) fn insert_revision(tx: &Transaction<'_>, row: &RevisionRow<'_>) -> Result<(), StoreError> {
    let (at, claimed) = row.shown;
    tx.prepare_cached("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
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
        row.text,
        row.why,
    ])?;
    Ok(())
}

/// The time a revision is shown with, and whether the source claims it.
pub(super) fn shown_time(record: Option<&Record>, first_seen_at: Timestamp) -> (Timestamp, bool) {
    let claimed = record.and_then(|record| record.published_at.as_ref()).and_then(|claimed| claimed.at);
    let oldest = first_seen_at.checked_sub(OLDEST_CLAIM).unwrap_or(Timestamp::MIN);
    let newest = first_seen_at.checked_add(NEWEST_CLAIM).unwrap_or(Timestamp::MAX);
    match claimed {
        Some(claimed) if (oldest..=newest).contains(&claimed) => (claimed, true),
        _ => (first_seen_at, false),
    }
}
