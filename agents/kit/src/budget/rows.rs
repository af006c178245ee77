//! What was spent, and who has to be left alone until when? Rows that survive restarts and clocks set back.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension, params};

/// Longest rest that is believed, whatever a source or a row says.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);

/// The agent's rows about budgets, rests and robots.txt, behind one connection.
#[derive(Clone)]
pub struct Rows(Arc<Mutex<Connection>>);

/// A stretch in which something is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Until when.
    pub until: Timestamp,
    /// What rests, for people: `host`, `credential`, a unit.
    pub scope: String,
}

impl Rows {
    /// Makes the tables where they are missing. The connection should be in WAL mode; it is used for short statements only.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn new(connection: Connection) -> rusqlite::Result<Self> {
        Self::migrate(&connection)?;
        crate::robots::migrate(&connection)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Makes the tables of this module where they are missing.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn migrate(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(
            "-- Requests of an entry on the newest UTC day it was used on; `day` (YYYY-MM-DD) never goes back.
             CREATE TABLE IF NOT EXISTS spent_days (entry TEXT PRIMARY KEY, day TEXT NOT NULL, requests INTEGER NOT NULL) STRICT;
             -- What is left alone: `scope` is `host <authority>`, `credential <name>` or `unit <name>`; `until` in seconds since 1970.
             CREATE TABLE IF NOT EXISTS rests (scope TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
             -- A platform's own units: `period` names the bucket, which only ever moves on; `refills` in seconds since 1970.
             CREATE TABLE IF NOT EXISTS quotas (unit TEXT PRIMARY KEY, period TEXT NOT NULL, used INTEGER NOT NULL, refills INTEGER NOT NULL) STRICT;",
        )
    }

    /// Runs a short statement off the reactor.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let rows = self.clone();
        let done = tokio::task::spawn_blocking(move || rows.now(work)).await;
        done.unwrap_or_else(|_| Err(rusqlite::Error::InvalidQuery))
    }

    /// Runs a short statement here and now.
    pub(crate) fn now<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        work(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests already counted on the day of `now`, or on the newest day known where the clock was set back behind it.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn spent(connection: &Connection, entry: &str, now: Timestamp) -> rusqlite::Result<u32> {
        let today = day_of(now).to_string();
        connection
            .query_row("SELECT day, requests FROM spent_days WHERE entry = ?1", [entry], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
            })
            .optional()
            .map(|row| row.filter(|(day, _)| *day >= today).map_or(0, |(_, requests)| requests))
    }

    /// Counts one more request, before it is sent, and returns how many were counted before it. At `daily` nothing is counted any more.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn take(connection: &Connection, entry: &str, daily: u32, now: Timestamp) -> rusqlite::Result<u32> {
        let today = day_of(now).to_string();
        let counted: Option<u32> = connection
            .query_row(
                "INSERT INTO spent_days (entry, day, requests) SELECT ?1, ?2, 1 WHERE ?3 > 0
                 ON CONFLICT (entry) DO UPDATE SET
                   requests = CASE WHEN day >= excluded.day THEN requests + 1 ELSE 1 END,
                   day = max(day, excluded.day)
                 WHERE CASE WHEN day >= excluded.day THEN requests ELSE 0 END < ?3
                 RETURNING requests",
                params![entry, today, daily],
                |row| row.get(0),
            )
            .optional()?;
        Ok(counted.map_or(daily, |counted| counted - 1))
    }

    /// When the entry's count begins again: after the newest day known.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn day_ends(connection: &Connection, entry: &str, now: Timestamp) -> rusqlite::Result<Timestamp> {
        let day: Option<String> = connection
            .query_row("SELECT day FROM spent_days WHERE entry = ?1", [entry], |row| row.get(0))
            .optional()?;
        let known = day.and_then(|day| day.parse::<Date>().ok()).map_or(now, |day| end_of_day(day).max(now));
        Ok(known.max(end_of_day(day_of(now))))
    }

    /// Lets a scope rest, a day at most. A rest that ends later stands.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn rest(connection: &Connection, scope: &str, until: Timestamp, now: Timestamp) -> rusqlite::Result<()> {
        let until = until.min(plus(now, LONGEST_REST));
        connection.execute(
            "INSERT INTO rests (scope, until) VALUES (?1, ?2) ON CONFLICT (scope) DO UPDATE SET until = max(until, excluded.until)",
            params![scope, until.as_second() + i64::from(until.subsec_nanosecond() > 0)],
        )?;
        connection.execute("DELETE FROM rests WHERE until < ?1", [now.as_second() - 86_400])?;
        Ok(())
    }

    /// The longest rest among these scopes that is not over. A row that lies more than a day ahead (the clock was set back) counts for a day.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn resting(connection: &Connection, scopes: &[String], now: Timestamp) -> rusqlite::Result<Option<Rest>> {
        let mut longest: Option<Rest> = None;
        for scope in scopes {
            let until: Option<i64> = connection
                .query_row("SELECT until FROM rests WHERE scope = ?1", [scope], |row| row.get(0))
                .optional()?;
            let Some(until) = until.and_then(|until| Timestamp::from_second(until).ok()).filter(|until| *until > now)
            else {
                continue;
            };
            let until = until.min(plus(now, LONGEST_REST));
            if longest.as_ref().is_none_or(|known| until > known.until) {
                let scope = scope.split(' ').next().unwrap_or_default().to_owned();
                longest = Some(Rest { until, scope });
            }
        }
        Ok(longest)
    }
}

/// The UTC day of an instant.
#[must_use]
pub fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// The first instant after a UTC day.
#[must_use]
pub fn end_of_day(day: Date) -> Timestamp {
    let next = day.tomorrow().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    next.map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

pub(super) fn plus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        Rows::migrate(&connection).unwrap();
        connection
    }

    #[test]
    fn the_day_counts_up_to_its_cap_and_begins_again() {
        let rows = open();
        let noon = at("2026-11-22T12:00:00Z");
        let counts: Vec<u32> = (0..5).map(|_| Rows::take(&rows, "a", 3, noon).unwrap()).collect();
        assert_eq!(counts, [0, 1, 2, 3, 3]);
        assert_eq!(Rows::spent(&rows, "a", noon).unwrap(), 3);
        assert_eq!(Rows::day_ends(&rows, "a", noon).unwrap(), at("2026-11-23T00:00:00Z"));
        assert_eq!(Rows::take(&rows, "b", 3, noon).unwrap(), 0, "another entry counts for itself");
        assert_eq!(Rows::take(&rows, "a", 3, at("2026-11-23T00:00:00Z")).unwrap(), 0);
        assert_eq!(Rows::take(&rows, "none", 0, noon).unwrap(), 0);
        assert_eq!(Rows::spent(&rows, "none", noon).unwrap(), 0);
    }

    #[test]
    fn a_clock_set_back_gives_no_second_budget() {
        let rows = open();
        for _ in 0..3 {
            Rows::take(&rows, "a", 3, at("2026-11-22T12:00:00Z")).unwrap();
        }
        for earlier in ["2026-11-21T12:00:00Z", "2025-01-01T00:00:00Z"] {
            assert_eq!(Rows::spent(&rows, "a", at(earlier)).unwrap(), 3, "{earlier}");
            assert_eq!(Rows::take(&rows, "a", 3, at(earlier)).unwrap(), 3, "{earlier}");
            assert_eq!(Rows::day_ends(&rows, "a", at(earlier)).unwrap(), at("2026-11-23T00:00:00Z"));
        }
    }

    #[test]
    fn counts_are_on_disk_before_the_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let now = at("2026-11-22T12:00:00Z");
        let first = Connection::open(&path).unwrap();
        Rows::migrate(&first).unwrap();
        assert_eq!(Rows::take(&first, "a", 3, now).unwrap(), 0);
        // A process that is killed closes nothing; another one opens the same file.
        std::mem::forget(first);
        let second = Connection::open(&path).unwrap();
        assert_eq!(Rows::take(&second, "a", 3, now).unwrap(), 1);
    }

    #[test]
    fn rests_hold_over_and_are_bounded() {
        let rows = open();
        let now = at("2026-11-22T12:00:00Z");
        let host = vec!["host https://example.org:443".to_owned()];
        assert_eq!(Rows::resting(&rows, &host, now).unwrap(), None);
        Rows::rest(&rows, &host[0], at("2026-11-22T12:10:00Z"), now).unwrap();
        Rows::rest(&rows, &host[0], at("2026-11-22T12:05:00Z"), now).unwrap();
        let rest = Rest { until: at("2026-11-22T12:10:00Z"), scope: "host".to_owned() };
        assert_eq!(Rows::resting(&rows, &host, now).unwrap(), Some(rest), "a shorter rest ends no longer one");
        assert_eq!(Rows::resting(&rows, &host, at("2026-11-22T12:10:00Z")).unwrap(), None);
        Rows::rest(&rows, "credential key", at("2036-01-01T00:00:00Z"), now).unwrap();
        let both = ["credential key".to_owned(), host[0].clone()];
        assert_eq!(Rows::resting(&rows, &both, now).unwrap().unwrap().until, at("2026-11-23T12:00:00Z"));
        let back = at("2026-01-01T00:00:00Z");
        assert_eq!(Rows::resting(&rows, &both, back).unwrap().unwrap().until, at("2026-01-02T00:00:00Z"));
    }
}
