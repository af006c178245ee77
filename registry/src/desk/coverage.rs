//! What was looked at, what was missed, and what was refused?

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use schemas::{
    coverage::CoverageState,
    permission::Entry,
    policy::Policy,
    schedule::{Jitter, Schedule},
};
use serde::Serialize;

use super::item::{RecordId, unsigned};

/// A source: an entry, whether it is in force, and how it is doing.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// The entry.
    pub entry: Entry,
    /// Digest that approvals sign.
    pub digest: String,
    /// Key ids of those whose approval counts.
    pub approved_by: Vec<String>,
    /// Why it is not in force; absent where it is.
    pub not_in_force: Option<String>,
    /// Items collected under it.
    pub items: u64,
    /// Requests made, all days.
    pub requests: u64,
    /// Newest coverage; absent where nothing was heard yet.
    pub last: Option<CoverageLine>,
}

/// What one run, or one run that should have been, came to.
#[derive(Clone, Debug, Serialize)]
pub struct CoverageLine {
    /// Entry.
    pub entry: String,
    /// Target.
    pub target: String,
    /// When it was due.
    pub due: Option<String>,
    /// When it began.
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

/// Something that was not fetched, or not kept.
#[derive(Clone, Debug, Serialize)]
pub struct Denial {
    /// Unit that holds the decision; the whole segment's leaf where it was refused whole.
    pub id: RecordId,
    /// When.
    pub at: String,
    /// Who refused: `agent` (nothing was sent), `registry` (not kept).
    pub by: &'static str,
    /// Entry.
    pub entry: Option<String>,
    /// Address.
    pub url: Option<String>,
    /// Code of the step that refused.
    pub code: String,
    /// In words.
    pub because: String,
}

/// Which denials.
#[derive(Clone, Debug, Default)]
pub struct DenialFilter {
    /// Of one entry only.
    pub entry: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What was heard of one entry on one UTC day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CoverageDay {
    /// Entry.
    pub entry: String,
    /// `YYYY-MM-DD`, of when runs began.
    pub day: String,
    /// Runs that came to their end: complete, or the source said there is nothing.
    pub good: u64,
    /// Runs that did not.
    pub troubled: u64,
}

/// Runs heard of, by entry and day, from a day on. Says nothing of runs that should have been: see [`coverage_of`].
///
/// # Errors
///
/// The database's.
pub fn coverage_days(db: &Connection, entries: &[String], from_day: &str) -> rusqlite::Result<Vec<CoverageDay>> {
    let mut statement = db.prepare_cached(
        "SELECT substr(from_at, 1, 10) AS day, sum(state IN ('complete', 'empty')), sum(state NOT IN ('complete', 'empty'))
         FROM coverage WHERE entry = ?1 AND complete = 1 AND from_at >= ?2 GROUP BY day ORDER BY day",
    )?;
    let mut found = Vec::new();
    for entry in entries {
        for row in statement.query_map((entry, from_day), |row| {
            Ok(CoverageDay {
                entry: entry.clone(),
                day: row.get(0)?,
                good: unsigned(row.get(1)?),
                troubled: unsigned(row.get(2)?),
            })
        })? {
            found.push(row?);
        }
    }
    Ok(found)
}

/// All entries of the policy, with their state.
///
/// # Errors
///
/// The database's.
pub fn sources(db: &Connection, policy: &Policy, now: Timestamp) -> rusqlite::Result<Vec<Source>> {
    let mut items: BTreeMap<String, u64> = BTreeMap::new();
    for row in db
        .prepare("SELECT entry, count(*) FROM items GROUP BY entry")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
    {
        let (entry, count): (String, i64) = row?;
        items.insert(entry, unsigned(count));
    }
    policy
        .allowlist()
        .entries
        .iter()
        .map(|entry| {
            let state = policy.judge(&entry.id, now);
            let requests: i64 = db.query_row(
                "SELECT count(*) FROM captures WHERE entry = ?1 AND kind != 'refused'",
                [&entry.id],
                |row| row.get(0),
            )?;
            let last =
                lines(db, "WHERE c.entry = ?1 AND c.complete = 1 ORDER BY c.from_at DESC LIMIT 1", &[&entry.id])?.pop();
            Ok(Source {
                digest: entry.digest().to_string(),
                approved_by: state.as_ref().map(|found| found.approvers.to_vec()).unwrap_or_default(),
                not_in_force: state.err().map(|refused| refused.why),
                items: items.get(&entry.id).copied().unwrap_or_default(),
                requests: unsigned(requests),
                last,
                entry: entry.clone(),
            })
        })
        .collect()
}

/// Coverage of one entry between two instants, oldest first: runs as agents reported them, and due runs nobody was heard about.
///
/// Expected runs come from the signed schedule by the function the agents use; a run that is not due for ten minutes yet is not missed.
///
/// # Errors
///
/// The database's.
pub fn coverage_of(
    db: &Connection,
    entry: &Entry,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<CoverageLine>> {
    let (low, high) = (from.to_string(), to.to_string());
    let mut found = lines(
        db,
        "WHERE c.entry = ?1 AND c.complete = 1 AND c.from_at >= ?2 AND c.from_at < ?3 ORDER BY c.from_at",
        &[&entry.id, &low, &high],
    )?;
    let heard: std::collections::BTreeSet<(String, String)> =
        found.iter().filter_map(|line| line.due.clone().map(|due| (line.target.clone(), due))).collect();
    if let Ok(schedule) = Schedule::parse(&entry.schedule, &entry.zone) {
        let until = to.min(now.checked_sub(jiff::SignedDuration::from_mins(10)).unwrap_or(now));
        for index in 0..entry.seeds.len() {
            let target = match index {
                0 => entry.id.clone(),
                more => format!("{}#{}", entry.id, more + 1),
            };
            let jitter = Jitter::of(&target, entry.jitter_secs);
            for due in schedule.between(from, until, jitter).take(5_000) {
                if !heard.contains(&(target.clone(), due.at.to_string()))
                    && !heard.contains(&(target.clone(), due.nominal.to_string()))
                {
                    found.push(unheard(entry, &target, &due.at.to_string()));
                }
            }
        }
    }
    found.sort_by(|a, b| a.from.cmp(&b.from).then_with(|| a.target.cmp(&b.target)));
    Ok(found)
}

/// What was refused, newest first.
///
/// # Errors
///
/// The database's.
pub fn denials(db: &Connection, filter: &DenialFilter) -> rusqlite::Result<Vec<Denial>> {
    let entry = filter.entry.clone();
    let mut found = db
        .prepare(
            "SELECT id, at, entry, url, code, because FROM captures WHERE kind = 'refused' AND (?1 IS NULL OR entry = ?1)
             ORDER BY at DESC, id DESC LIMIT ?2",
        )?
        .query_map((&entry, filter.limit), |row| {
            Ok(Denial {
                id: RecordId::of_row(row.get(0)?),
                at: row.get(1)?,
                by: "agent",
                entry: row.get(2)?,
                url: row.get(3)?,
                code: row.get(4)?,
                because: row.get(5)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let by_registry = db
        .prepare(
            "SELECT r.idx, r.time, s.entry, r.code, r.manifest, r.units FROM refusals r LEFT JOIN segments s ON s.manifest = r.manifest
             WHERE (?1 IS NULL OR s.entry = ?1) ORDER BY r.idx DESC LIMIT ?2",
        )?
        .query_map((&entry, filter.limit), |row| {
            let (manifest, units): (String, String) = (row.get(4)?, row.get(5)?);
            let what = if units == "[]" { "the whole segment".to_owned() } else { format!("units {units}") };
            let short: String = manifest.chars().take(12).collect();
            Ok(Denial {
                id: RecordId { leaf: unsigned(row.get(0)?), unit: 0 },
                at: row.get(1)?,
                by: "registry",
                entry: row.get(2)?,
                url: None,
                code: row.get(3)?,
                because: format!("{what} of segment {short} not kept"),
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    found.extend(by_registry);
    found.sort_by(|a, b| b.at.cmp(&a.at));
    found.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    Ok(found)
}

fn lines(db: &Connection, rest: &str, given: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<Vec<CoverageLine>> {
    let sql = format!(
        "SELECT c.entry, c.target, c.due, c.from_at, c.to_at, c.state, c.why, c.requests, c.refused, c.failed, c.records, c.new, c.unreadable, c.agent
         FROM coverage c {rest}"
    );
    db.prepare_cached(&sql)?
        .query_map(given, |row| {
            Ok(CoverageLine {
                entry: row.get(0)?,
                target: row.get(1)?,
                due: row.get(2)?,
                from: row.get(3)?,
                to: row.get(4)?,
                state: row.get(5)?,
                why: row.get(6)?,
                requests: unsigned(row.get(7)?),
                refused: unsigned(row.get(8)?),
                failed: unsigned(row.get(9)?),
                records: unsigned(row.get(10)?),
                new: unsigned(row.get(11)?),
                unreadable: unsigned(row.get(12)?),
                agent: row.get(13)?,
            })
        })?
        .collect()
}

fn unheard(entry: &Entry, target: &str, due: &str) -> CoverageLine {
    let state = serde_json::to_value(CoverageState::NotHeardYet).ok().and_then(|word| word.as_str().map(str::to_owned));
    CoverageLine {
        entry: entry.id.clone(),
        target: target.to_owned(),
        due: Some(due.to_owned()),
        from: due.to_owned(),
        to: due.to_owned(),
        state: state.unwrap_or_default(),
        why: None,
        requests: 0,
        refused: 0,
        failed: 0,
        records: 0,
        new: 0,
        unreadable: 0,
        agent: None,
    }
}
