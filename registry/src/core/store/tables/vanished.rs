//! Which items left a source that is published whole, and which are back?

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::ids::known;
use crate::core::store::StoreError;
use crate::core::store::rows::{VanishedRow, row_id};
use crate::core::store::sqlite::time;

/// Writes down what vanished. Gives the item it speaks of, where there is one.
pub(super) fn insert(tx: &Transaction<'_>, index: u64, row: &VanishedRow) -> Result<Option<i64>, StoreError> {
    let VanishedRow { unit, capture, vantage, at, said, odd } = row;
    tx.prepare_cached("INSERT INTO vanishings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)")?.execute(
        params![
            row_id(index, *unit),
            row_id(index, *capture),
            vantage,
            at,
            said.platform,
            said.id,
            said.scope,
            said.before,
            said.before_at,
            said.stood_at,
            odd.map(|odd| odd as i64),
        ],
    )?;
    known(tx, &said.platform, &said.id, vantage)
}

/// Items that units of a segment speak of.
pub(super) fn between(tx: &Transaction<'_>, first: i64, next: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT item FROM vanishings WHERE id >= ? AND id < ? AND item IS NOT NULL";
    Ok(tx.prepare_cached(sql)?.query_map([first, next], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// An item is no more: what speaks of it speaks of nothing known.
pub(super) fn forget(tx: &Transaction<'_>, item: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE vanishings SET item = NULL, back_at = NULL WHERE item = ?")?.execute([item])?;
    Ok(())
}

/// A line or unit about the item: its id, when, by which agent, for which target.
struct Said {
    id: i64,
    at: Timestamp,
    agent: String,
    target: String,
}

fn said(tx: &Transaction<'_>, sql: &str, item: i64) -> Result<Vec<Said>, StoreError> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([item])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let at = time(&row.get::<_, String>(1)?)?;
        found.push(Said { id: row.get(0)?, at, agent: row.get(2)?, target: row.get(3)? });
    }
    Ok(found)
}

/// Works out again what of an item's vanishings counts. Only an agent that had seen the item before, for the same target, can say that it left; whoever
/// sees it afterwards for that target, that it is back.
pub(super) fn settle(tx: &Transaction<'_>, item: i64) -> Result<(), StoreError> {
    let vanishings = said(
        tx,
        "SELECT v.id, v.at, s.agent, coalesce(s.target, '') FROM items i
         JOIN vanishings v ON v.native = i.native AND v.platform = i.platform AND v.vantage = i.vantage
         JOIN segments s ON s.idx = v.id >> 24 WHERE i.id = ?",
        item,
    )?;
    let mut is_missing = false;
    if !vanishings.is_empty() {
        let seen = said(
            tx,
            "SELECT g.id, g.at, s.agent, s.target FROM lines_of_items l JOIN sightings g ON g.id = l.id
             JOIN segments s ON s.idx = g.id >> 24 WHERE l.of_item = ? AND s.target IS NOT NULL",
            item,
        )?;
        for gone in vanishings {
            let counts = seen.iter().any(|g| g.id < gone.id && g.agent == gone.agent && g.target == gone.target);
            let after = seen.iter().filter(|g| counts && g.target == gone.target && (g.at, g.id) > (gone.at, gone.id));
            let back = after.map(|g| g.at).min();
            is_missing |= counts && back.is_none();
            tx.prepare_cached("UPDATE vanishings SET item = ?, back_at = ? WHERE id = ?")?.execute(params![
                counts.then_some(item),
                back.map(|at| at.to_string()),
                gone.id
            ])?;
        }
    }
    tx.prepare_cached("UPDATE items SET vanished = ?1 WHERE id = ?2 AND vanished <> ?1")?
        .execute(params![is_missing, item])?;
    Ok(())
}
