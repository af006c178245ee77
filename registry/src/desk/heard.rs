//! What did agents report of their runs?

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, Row as SqlRow, ToSql};
use schemas::coverage::{CoverageState, Skipped};
use serde::{Deserialize, Serialize};

use super::item::unsigned;

/// What one run, or one run that should have been, came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CoverageLine {
    /// Entry.
    pub entry: String,
    /// Target.
    pub target: String,
    /// When it was due; absent for one started by hand.
    pub due: Option<String>,
    /// When it began; for one that nobody was heard about, when it was due.
    pub from: String,
    /// When it ended.
    pub to: String,
    /// What came of it, in the words of [`CoverageState`].
    pub state: String,
    /// Why.
    pub why: Option<String>,
    /// Requests sent.
    pub requests: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests failed.
    pub failed: u64,
    /// Items read.
    pub records: u64,
    /// Items never seen before.
    pub new: u64,
    /// Items set aside.
    pub unreadable: u64,
    /// The agent that ran it; absent where none was heard.
    pub agent: Option<String>,
}

/// A run as the newest of its segments tells of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub line: CoverageLine,
    pub run: String,
    pub agent: String,
    pub seq: i64,
    pub complete: bool,
    pub due: Option<Timestamp>,
    pub from: Timestamp,
}

/// The newest run heard of an entry that came to its end.
pub(super) fn newest_line(db: &Connection, entry: &str) -> rusqlite::Result<Option<CoverageLine>> {
    let found = rows(db, "c.entry = ?1 AND c.complete = 1 ORDER BY c.from_at DESC, c.idx DESC LIMIT 1", &[&entry])?;
    Ok(found.into_iter().next().map(|row| row.line))
}

/// What agents said they skipped since `low`, by target and first due time.
pub(super) fn skips(
    db: &Connection,
    entry: &str,
    low: &str,
) -> rusqlite::Result<HashMap<String, BTreeMap<Timestamp, Vec<Skipped>>>> {
    let mut found: HashMap<String, BTreeMap<Timestamp, Vec<Skipped>>> = HashMap::new();
    let mut statement = db.prepare_cached(
        "SELECT target, skipped FROM coverage WHERE entry = ?1 AND skipped IS NOT NULL AND complete = 1 AND to_at >= ?2",
    )?;
    for row in statement.query_map((entry, low), |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))? {
        let (target, text) = row?;
        let said: Vec<Skipped> = serde_json::from_str(&text).unwrap_or_default();
        for skip in said {
            found.entry(target.clone()).or_default().entry(skip.first).or_default().push(skip);
        }
    }
    Ok(found)
}

/// What was said of the run that was due then.
pub(super) fn skipped(skips: &BTreeMap<Timestamp, Vec<Skipped>>, at: Timestamp) -> Option<&Skipped> {
    // Stretches follow one another, but for those that two agents tell of; so the nearest few are enough.
    skips.range(..=at).rev().take(16).flat_map(|(_, skips)| skips).find(|skip| skip.last >= at)
}

/// Runs as their segments tell of them, by a condition on `coverage c`.
pub(super) fn rows(db: &Connection, which: &str, given: &[&dyn ToSql]) -> rusqlite::Result<Vec<Row>> {
    let sql = format!(
        "SELECT c.entry, c.target, c.due, c.from_at, c.to_at, c.state, c.why, c.requests, c.refused, c.failed, c.records, c.new, c.unreadable,
                c.agent, c.run, s.seq, c.complete
         FROM coverage c JOIN segments s ON s.idx = c.idx WHERE {which}"
    );
    db.prepare_cached(&sql)?.query_map(given, row)?.collect()
}

fn row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let (due, from): (Option<String>, String) = (row.get(2)?, row.get(3)?);
    let agent: String = row.get(13)?;
    Ok(Row {
        run: row.get(14)?,
        seq: row.get(15)?,
        complete: row.get(16)?,
        due: due.as_ref().and_then(|due| due.parse().ok()),
        from: from.parse().unwrap_or(Timestamp::MIN),
        line: CoverageLine {
            entry: row.get(0)?,
            target: row.get(1)?,
            due,
            from,
            to: row.get(4)?,
            state: row.get(5)?,
            why: row.get(6)?,
            requests: unsigned(row.get(7)?),
            refused: unsigned(row.get(8)?),
            failed: unsigned(row.get(9)?),
            records: unsigned(row.get(10)?),
            new: unsigned(row.get(11)?),
            unreadable: unsigned(row.get(12)?),
            agent: Some(agent.clone()),
        },
        agent,
    })
}

/// An instant as the tables write it, without a fraction.
pub(super) fn whole(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A state as the tables write it.
pub(super) fn word(state: CoverageState) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
