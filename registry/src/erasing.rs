//! Which units must go so that nothing of an item is left?

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use rusqlite::OptionalExtension as _;
use schemas::Digest;

use crate::{core::store::row_parts, desk::RecordId};

/// Every line that describes the item, every unit that says it vanished, the last line of each reading it stands in (it digests the others), every answer it was read
/// from, and every revisit that repeats such an answer (its digests and address would tell that it was there), by segment. Seen through any vantage: the identity is what is erased.
///
/// # Errors
///
/// Where there is no such record.
pub fn units_of(db: &rusqlite::Connection, id: RecordId) -> Result<BTreeMap<Digest, Vec<u64>>> {
    let identity: Option<(String, String)> = db
        .query_row(
            "SELECT i.platform, i.native FROM sightings g JOIN items i ON i.id = g.item WHERE g.id = ?1
             UNION SELECT platform, native FROM vanishings WHERE id = ?1",
            [id.row()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (platform, native) =
        identity.with_context(|| format!("there is no record {id}; it may have been erased already"))?;
    let items: Vec<i64> = db
        .prepare("SELECT id FROM items WHERE platform = ?1 AND native = ?2")?
        .query_map([&platform, &native], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut units: BTreeMap<Digest, BTreeSet<u64>> = BTreeMap::new();
    for item in items {
        let rows: Vec<(String, i64, Option<i64>, Option<i64>)> = {
            db.prepare(
                "SELECT s.manifest, g.id, c.response_unit, c.conversion_to
                 FROM lines_of_items l JOIN sightings g ON g.id = l.id JOIN captures c ON c.id = g.capture JOIN segments s ON s.idx = c.idx
                 WHERE l.of_item = ?1",
            )?
            .query_map([item], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<_, _>>()?
        };
        let revisits: Vec<(String, i64)> = {
            db.prepare(
                "WITH RECURSIVE said (response) AS (
                     SELECT c.response FROM lines_of_items l JOIN sightings g ON g.id = l.id JOIN captures c ON c.id = g.capture
                     WHERE l.of_item = ?1
                     UNION
                     SELECT r.response FROM captures r JOIN said ON r.revisit_of = said.response)
                 SELECT s.manifest, r.response_unit FROM captures r JOIN said ON r.revisit_of = said.response JOIN segments s ON s.idx = r.idx
                 WHERE r.response_unit IS NOT NULL",
            )?
            .query_map([item], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?
        };
        for (manifest, unit) in revisits {
            units.entry(manifest.parse()?).or_default().extend(u64::try_from(unit).ok());
        }
        for (manifest, line, response, end) in rows {
            let of = units.entry(manifest.parse()?).or_default();
            of.insert(row_parts(line).1);
            of.extend(response.and_then(|unit| u64::try_from(unit).ok()));
            of.extend(end.and_then(|unit| u64::try_from(unit).ok()));
        }
    }
    let vanished: Vec<(String, i64)> = db
        .prepare(
            "SELECT s.manifest, v.id FROM vanishings v JOIN segments s ON s.idx = v.id >> 24 WHERE v.native = ?1 AND v.platform = ?2",
        )?
        .query_map([&native, &platform], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (manifest, unit) in vanished {
        units.entry(manifest.parse()?).or_default().insert(row_parts(unit).1);
    }
    Ok(units.into_iter().map(|(manifest, units)| (manifest, units.into_iter().collect())).collect())
}
