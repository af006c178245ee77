//! One item: its history, and the captures it rests on.

use std::{fmt, str::FromStr};

use rusqlite::{Connection, OptionalExtension as _, Row};
use schemas::record::Record;
use serde::Serialize;

use crate::core::store::{row_id, row_parts};

/// Names a line of evidence, and so a revision: `LEAF.UNIT`. The same after every rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// Index of the segment's leaf.
    pub leaf: u64,
    /// Unit within the segment.
    pub unit: u64,
}

impl RecordId {
    /// The id of a row.
    #[must_use]
    pub fn of_row(row: i64) -> Self {
        let (leaf, unit) = row_parts(row);
        Self { leaf, unit }
    }

    /// The leaf as the tables number it.
    #[must_use]
    pub fn leaf_row(self) -> i64 {
        i64::try_from(self.leaf).unwrap_or(i64::MAX)
    }

    /// The row it names.
    #[must_use]
    pub fn row(self) -> i64 {
        row_id(self.leaf, self.unit)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.leaf, self.unit)
    }
}

impl FromStr for RecordId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused =
            || format!("`{text}` is no record id: it is two numbers, such as `17.42`, as `vigie search` prints them");
        let (leaf, unit) = text.split_once('.').ok_or_else(refused)?;
        let number = |part: &str| match part.bytes().all(|byte| byte.is_ascii_digit()) {
            true => part.parse().map_err(|_| refused()),
            false => Err(refused()),
        };
        let id = Self { leaf: number(leaf)?, unit: number(unit)? };
        if row_parts(id.row()) == (id.leaf, id.unit) { Ok(id) } else { Err(refused()) }
    }
}

impl Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An item as one vantage shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// The revision asked for.
    pub asked: RecordId,
    /// Platform.
    pub platform: String,
    /// Canonical id within the platform.
    pub id: String,
    /// Registrable domain or address it was seen through.
    pub vantage: String,
    /// False for a claim about somebody else's item.
    pub home: bool,
    /// Kind of item.
    pub kind: String,
    /// First seen, UTC.
    pub first_seen_at: String,
    /// Last seen, UTC.
    pub last_seen_at: String,
    /// True where the source withdrew it.
    pub gone: bool,
    /// When it left a source that is published whole, oldest first. The source did not say so: complete readings of it lack the item.
    pub vanished: Vec<Vanishing>,
    /// Its revisions, oldest first.
    pub revisions: Vec<Revision>,
    /// The newest sightings of the revision asked for, newest first, at most 50.
    pub sightings: Vec<Sighting>,
    /// The capture that the revision asked for was first read from.
    pub capture: Option<Capture>,
}

/// An item missing from two complete readings and all between.
#[derive(Clone, Debug, Serialize)]
pub struct Vanishing {
    /// The unit of evidence that says so.
    pub id: RecordId,
    /// What the readings are all of; `sealed` where that is not kept in clear.
    pub scope: String,
    /// When the answer was captured whose reading is the second without it.
    pub at: String,
    /// When the one before was captured.
    pub before_at: String,
    /// WARC record id of that one.
    pub before: String,
    /// When the newest answer that held it was captured.
    pub stood_at: String,
    /// Rows of the second reading that could not be read: it may be among them. Absent where nobody can tell any more.
    pub unreadable: Option<u64>,
    /// When it stood there again.
    pub back_at: Option<String>,
}

/// What an item said for a while.
#[derive(Clone, Debug, Serialize)]
pub struct Revision {
    /// Its id.
    pub id: RecordId,
    /// From 1.
    pub number: u64,
    /// Why there is a new one: `source`, `reader` or `late`.
    pub cause: String,
    /// First seen saying this.
    pub first_seen_at: String,
    /// Last seen saying this.
    pub last_seen_at: String,
    /// How often it was seen.
    pub sightings: u64,
    /// What `after:` and `before:` look at.
    pub time: String,
    /// True where `time` is the source's own claim.
    pub claimed: bool,
    /// True for what it says now.
    pub current: bool,
    /// Entry it was collected under.
    pub entry: String,
    /// Content hash; absent for a withdrawal.
    pub content: Option<String>,
    /// What it says; absent for a withdrawal.
    pub record: Option<Record>,
    /// Of a withdrawal: why.
    pub why: Option<String>,
}

/// One look at an item.
#[derive(Clone, Debug, Serialize)]
pub struct Sighting {
    /// The line of evidence.
    pub id: RecordId,
    /// When, UTC.
    pub at: String,
    /// Counters then.
    pub metrics: serde_json::Value,
}

/// Where it was read from.
#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    /// Digest of the segment's manifest.
    pub manifest: String,
    /// Agent that collected it.
    pub agent: String,
    /// Program that read it.
    pub reader: String,
    /// Method.
    pub method: String,
    /// Address.
    pub url: String,
    /// When, UTC.
    pub at: String,
    /// HTTP status.
    pub status: Option<u16>,
    /// Body bytes as stored.
    pub bytes: Option<u64>,
    /// Peer.
    pub peer: Option<String>,
    /// The gate's words.
    pub because: String,
    /// True where it was collected before the agent could know of a narrowing.
    pub late: bool,
}

/// The item one of whose revisions (or sightings, or vanishings) has this id; `None` where there is none.
///
/// # Errors
///
/// The database's.
pub fn item(db: &Connection, asked: RecordId) -> rusqlite::Result<Option<Item>> {
    let row = asked.row();
    let found: Option<(i64, i64)> = db
        .query_row("SELECT item, revision FROM sightings WHERE id = ?1", [row], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut found = found;
    for other in [
        "SELECT item, id FROM revisions WHERE id = ?1",
        "SELECT i.id, i.current FROM vanishings v JOIN items i ON i.id = v.item WHERE v.id = ?1",
    ] {
        if found.is_none() {
            found = db.query_row(other, [row], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        }
    }
    let Some((item, revision)) = found else {
        return Ok(None);
    };
    let vanished = db
        .prepare_cached(
            "SELECT id, scope, at, before_at, before, stood_at, odd, back_at FROM vanishings WHERE item = ?1 ORDER BY id",
        )?
        .query_map([item], |row| {
            Ok(Vanishing {
                id: RecordId::of_row(row.get(0)?),
                scope: row.get(1)?,
                at: row.get(2)?,
                before_at: row.get(3)?,
                before: row.get(4)?,
                stood_at: row.get(5)?,
                unreadable: row.get::<_, Option<i64>>(6)?.map(unsigned),
                back_at: row.get(7)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let revisions = db
        .prepare_cached(
            "SELECT id, number, cause, first_seen_at, last_seen_at, sightings, time, claimed, current, entry, content, record, why
             FROM revisions_of_items WHERE of_item = ?1 ORDER BY number",
        )?
        .query_map([item], revision_row)?
        .collect::<Result<Vec<_>, _>>()?;
    let sightings = db
        .prepare_cached(
            "SELECT g.id, g.at, g.metrics FROM lines_of_items l JOIN sightings g ON g.id = l.id
             WHERE l.of_item = ?1 AND g.revision = ?2 ORDER BY g.at DESC, g.id DESC LIMIT 50",
        )?
        .query_map([item, revision], |row| {
            let metrics: String = row.get(2)?;
            let metrics = serde_json::from_str(&metrics).unwrap_or_default();
            Ok(Sighting { id: RecordId::of_row(row.get(0)?), at: row.get(1)?, metrics })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let capture = db
        .query_row(
            "SELECT s.manifest, s.agent, s.reader, c.method, c.url, c.at, c.status, c.bytes, c.peer, c.because, c.late
             FROM sightings g JOIN captures c ON c.id = g.capture JOIN segments s ON s.idx = c.idx WHERE g.id = ?1",
            [revision],
            |row| {
                Ok(Capture {
                    manifest: row.get(0)?,
                    agent: row.get(1)?,
                    reader: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                    method: row.get(3)?,
                    url: row.get(4)?,
                    at: row.get(5)?,
                    status: row.get(6)?,
                    bytes: row.get::<_, Option<i64>>(7)?.and_then(|bytes| u64::try_from(bytes).ok()),
                    peer: row.get(8)?,
                    because: row.get(9)?,
                    late: row.get(10)?,
                })
            },
        )
        .optional()?;
    db.query_row(
        "SELECT platform, native, vantage, home, kind, first_seen_at, last_seen_at, gone FROM items WHERE id = ?1",
        [item],
        |row| {
            Ok(Item {
                asked: RecordId::of_row(revision),
                platform: row.get(0)?,
                id: row.get(1)?,
                vantage: row.get(2)?,
                home: row.get(3)?,
                kind: row.get(4)?,
                first_seen_at: row.get(5)?,
                last_seen_at: row.get(6)?,
                gone: row.get(7)?,
                vanished,
                revisions,
                sightings,
                capture,
            })
        },
    )
    .optional()
}

fn revision_row(row: &Row<'_>) -> rusqlite::Result<Revision> {
    let record: Option<String> = row.get(11)?;
    Ok(Revision {
        id: RecordId::of_row(row.get(0)?),
        number: unsigned(row.get(1)?),
        cause: row.get(2)?,
        first_seen_at: row.get(3)?,
        last_seen_at: row.get(4)?,
        sightings: unsigned(row.get(5)?),
        time: row.get(6)?,
        claimed: row.get(7)?,
        current: row.get(8)?,
        entry: row.get(9)?,
        content: row.get(10)?,
        record: record.and_then(|record| serde_json::from_str(&record).ok()),
        why: row.get(12)?,
    })
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_have_one_spelling() {
        let id: RecordId = "17.42".parse().unwrap();
        assert_eq!(id, RecordId { leaf: 17, unit: 42 });
        assert_eq!(RecordId::of_row(id.row()).to_string(), "17.42");
        for wrong in ["", "17", "17.", ".4", "17.4.2", "+1.2", "1.16777216", "a.b", "99999999999999999999.1"] {
            assert!(wrong.parse::<RecordId>().is_err(), "{wrong}");
        }
    }
}
