//! For which reasons was something refused, how often, and where?

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Serialize;

use super::item::unsigned;

/// Refusals of one code by one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Code of the step that refused.
    pub code: String,
    /// `agent` (nothing was sent) or `registry` (not kept).
    pub by: &'static str,
    /// How often.
    pub count: u64,
    /// The newest, RFC 3339, UTC.
    pub last_at: String,
    /// Entries with their counts, most often first; what names no entry is left out.
    pub entries: Vec<(String, u64)>,
}

/// Why agents' gates refused, by code and entry.
pub(super) const BY_AGENTS: &str = "SELECT code, entry, count(*), max(at) FROM captures WHERE kind = 'refused' AND (?1 IS NULL OR entry = ?1) GROUP BY code, entry";

/// All reasons there are, most often first; of one entry only, where one is named.
///
/// # Errors
///
/// The database's.
pub fn reasons(db: &Connection, entry: Option<&str>) -> rusqlite::Result<Vec<Reason>> {
    let mut found: BTreeMap<(String, &'static str), Reason> = BTreeMap::new();
    for (by, sql) in [
        (
            "agent",
            BY_AGENTS,
        ),
        (
            "registry",
            "SELECT r.code, s.entry, count(*), max(r.time) FROM refusals r LEFT JOIN segments s ON s.manifest = r.manifest
             WHERE (?1 IS NULL OR s.entry = ?1) GROUP BY r.code, s.entry",
        ),
    ] {
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([entry], |row| {
            let count: i64 = row.get(2)?;
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, unsigned(count), row.get::<_, String>(3)?))
        })?;
        for row in rows {
            let (code, entry, count, at) = row?;
            let reason = found.entry((code.clone(), by)).or_insert_with(|| Reason {
                code,
                by,
                count: 0,
                last_at: String::new(),
                entries: Vec::new(),
            });
            reason.count += count;
            reason.last_at = reason.last_at.clone().max(at);
            reason.entries.extend(entry.map(|entry| (entry, count)));
        }
    }
    let mut all: Vec<Reason> = found.into_values().collect();
    for reason in &mut all {
        reason.entries.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
    Ok(all)
}
