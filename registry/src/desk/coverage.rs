//! What was looked at, what was missed, and what was refused?

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use schemas::{
    permission::Entry,
    policy::{NotInForceCode, Policy},
};
use serde::Serialize;

use super::{
    heard::{CoverageLine, newest_line},
    item::{RecordId, unsigned},
};

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
    /// The rule it fails, by name.
    pub not_in_force_code: Option<&'static str>,
    /// Items collected under it.
    pub items: u64,
    /// Requests made, all days.
    pub requests: u64,
    /// Newest coverage; absent where nothing was heard yet.
    pub last: Option<CoverageLine>,
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
    /// Of one code only.
    pub code: Option<String>,
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

/// Runs heard of, by entry and day, from a day on. Says nothing of runs that should have been: see [`calendar`](super::calendar).
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
        .prepare("SELECT entry, count(*) FROM revisions WHERE number = 1 GROUP BY entry")?
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
            let last = newest_line(db, &entry.id)?;
            Ok(Source {
                digest: entry.digest().to_string(),
                not_in_force_code: state.as_ref().err().map(|refused| code(refused.code)),
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

/// The name of a rule that an entry fails.
const fn code(code: NotInForceCode) -> &'static str {
    match code {
        NotInForceCode::NoEntry => "no_entry",
        NotInForceCode::Unsigned => "unsigned",
        NotInForceCode::Unenforced => "unenforced",
        NotInForceCode::Expired => "expired",
        NotInForceCode::NotApproved => "not_approved",
        NotInForceCode::ApprovalEnded => "approval_ended",
        NotInForceCode::TooLong => "too_long",
    }
}

/// What agents' gates refused, newest first.
pub(super) const REFUSED: &str = "SELECT id, at, entry, url, code, because FROM captures
             WHERE kind = 'refused' AND (?1 IS NULL OR entry = ?1) AND (?2 IS NULL OR code = ?2)
             ORDER BY at DESC, id DESC LIMIT ?3";

/// What was refused, newest first.
///
/// # Errors
///
/// The database's.
pub fn denials(db: &Connection, filter: &DenialFilter) -> rusqlite::Result<Vec<Denial>> {
    let (entry, code) = (&filter.entry, &filter.code);
    let mut found = db
        .prepare(REFUSED)?
        .query_map((entry, code, filter.limit), |row| {
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
             WHERE (?1 IS NULL OR s.entry = ?1) AND (?2 IS NULL OR r.code = ?2) ORDER BY r.idx DESC LIMIT ?3",
        )?
        .query_map((entry, code, filter.limit), |row| {
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
