//! Which reservation file is in hand, and how long does it count?
//!
//! What it means is [`schemas::reservation`]; how it is fetched, through the gate like everything else, is in [`crate::fetch`]. Kept as copies of robots.txt
//! are: in the agent's database, the newest alone, whatever it said; but only from when its answer stands in a segment.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use schemas::reservation::{ReservationFile, ReservationOutcome};

use crate::{robots::counts, state::Cached as _};

/// Makes the table where it is missing.
///
/// # Errors
///
/// The database refused.
pub fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "-- Newest reservation file of each authority (`scheme://host:port`), as a ReservationFile in JSON; `fetched_at` in seconds since 1970.
         CREATE TABLE IF NOT EXISTS reservations (authority TEXT PRIMARY KEY, fetched_at INTEGER NOT NULL, file TEXT NOT NULL) STRICT;",
    )
}

/// The file of an authority that may still be relied on; one that could not be reached counts for `again` only, then is asked for anew.
///
/// # Errors
///
/// The database refused. A row that cannot be read counts as none.
pub fn in_hand(
    connection: &Connection,
    authority: &str,
    again: Duration,
    now: Timestamp,
) -> rusqlite::Result<Option<ReservationFile>> {
    let stored: Option<String> = connection
        .one("SELECT file FROM reservations WHERE authority = ?1", [authority], |row| row.get(0))
        .optional()?;
    let file = stored.and_then(|text| serde_json::from_str::<ReservationFile>(&text).ok());
    Ok(file.filter(|file| is_fresh(file, again, now)))
}

fn is_fresh(file: &ReservationFile, again: Duration, now: Timestamp) -> bool {
    counts(file.fetched_at, file.outcome == ReservationOutcome::Unreachable, again, now)
}

/// Keeps a file in place of the one before, and forgets what nobody asked for in a week.
///
/// # Errors
///
/// The database refused.
pub fn keep(connection: &Connection, file: &ReservationFile) -> rusqlite::Result<()> {
    let text = serde_json::to_string(file).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let fetched_at = file.fetched_at.as_second();
    connection.run(
        "INSERT INTO reservations (authority, fetched_at, file) VALUES (?1, ?2, ?3)
         ON CONFLICT (authority) DO UPDATE SET fetched_at = excluded.fetched_at, file = excluded.file",
        params![file.authority, fetched_at, text],
    )?;
    connection.run("DELETE FROM reservations WHERE fetched_at < ?1", [fetched_at - 7 * 86_400])?;
    Ok(())
}

/// Files whose answers stand in no segment yet, by authority: good for this process only.
#[derive(Debug, Default)]
pub(crate) struct Unstored(Mutex<HashMap<String, ReservationFile>>);

/// Authorities whose newest file came to be fetched before a pause, so that nothing was asked for with it yet.
///
/// Such a file counts for a day, out of reach or not: asked for anew each time the pause is over, it would be all that is ever asked for.
#[derive(Debug, Default)]
pub(crate) struct Unused(Mutex<HashSet<String>>);

impl Unused {
    /// How soon a file that could not be reached is asked for again.
    pub(crate) fn again(&self, authority: &str, again: Duration) -> Duration {
        if self.lock().contains(authority) { Duration::MAX } else { again }
    }

    /// Notes whether the newest file of an authority waits for its first use.
    pub(crate) fn note(&self, authority: String, waits: bool) {
        if waits {
            self.lock().insert(authority);
        } else {
            self.lock().remove(&authority);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unstored {
    /// The file of an authority that may still be relied on, as [`in_hand`] has it.
    pub(crate) fn in_hand(&self, authority: &str, again: Duration, now: Timestamp) -> Option<ReservationFile> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, file| is_fresh(file, Duration::MAX, now));
        files.get(authority).filter(|file| is_fresh(file, again, now)).cloned()
    }

    pub(crate) fn put(&self, file: ReservationFile) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(file.authority.clone(), file);
    }

    /// Those that one of these answers says.
    pub(crate) fn take(&self, responses: &[String]) -> Vec<ReservationFile> {
        if responses.is_empty() {
            return Vec::new();
        }
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = |_: &String, file: &mut ReservationFile| {
            file.said_by.as_ref().is_some_and(|named| responses.contains(named))
        };
        files.extract_if(stored).map(|(_, file)| file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_for_less_than_a_day_and_one_out_of_reach_for_half_an_hour() {
        let rows = Connection::open_in_memory().unwrap();
        migrate(&rows).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let kept = |outcome, now| {
            let authority = "https://example.org:443".to_owned();
            let file = ReservationFile {
                authority,
                said_by: None,
                fetched_at: at("2026-11-22T12:00:00Z"),
                outcome,
                rules: Vec::new(),
            };
            keep(&rows, &file).unwrap();
            let found = in_hand(&rows, "https://example.org:443", Duration::from_secs(1_800), at(now)).unwrap();
            assert!(found.as_ref().is_none_or(|found| *found == file));
            found.is_some()
        };
        assert!(kept(ReservationOutcome::Absent, "2026-11-23T11:49:00Z"));
        assert!(!kept(ReservationOutcome::Absent, "2026-11-23T11:51:00Z"));
        assert!(kept(ReservationOutcome::Unreachable, "2026-11-22T12:29:00Z"));
        assert!(!kept(ReservationOutcome::Unreachable, "2026-11-22T12:31:00Z"));
        assert!(!kept(ReservationOutcome::Read, "2026-11-22T11:00:00Z"), "the clock was set back");
    }
}
