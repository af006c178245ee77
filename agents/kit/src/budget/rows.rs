//! What was spent, and who has to be left alone until when? Rows that survive restarts and clocks set back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension, params};

use crate::state::{Cached as _, STATEMENTS};

/// Longest rest that is believed, whatever a source or a row says.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);

/// Requests of a day that are counted at once, at most: what a power cut or `kill -9` may cost the entry of its day.
const MOST_DRAWN: u32 = 64;

/// Of the day's requests at most one in so many is counted before it is made.
const DRAWN_SHARE: u32 = 256;

/// The agent's rows about budgets, rests and robots.txt, behind one connection. One process has them open at a time.
#[derive(Clone)]
pub struct Rows(Arc<Inner>);

struct Inner {
    connection: Mutex<Connection>,
    /// By entry.
    drawn: Mutex<HashMap<String, Drawn>>,
}

/// Requests of an entry's day that are counted on disk already, so that each of them may be made without waiting for the disk.
struct Drawn {
    day: String,
    /// How many were counted before the next one.
    next: u32,
    /// How many are counted on disk.
    end: u32,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (entry, drawn) in self.drawn.get_mut().unwrap_or_else(PoisonError::into_inner).drain() {
            // What stays counted was not spent: the day is a little shorter.
            let _ = Rows::give_back(connection, &entry, &drawn);
        }
    }
}

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
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self::migrate(&connection)?;
        crate::robots::migrate(&connection)?;
        crate::reservations::migrate(&connection)?;
        Ok(Self(Arc::new(Inner { connection: Mutex::new(connection), drawn: Mutex::default() })))
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

    /// Runs a short statement off the reactor: one that writes, and so waits for the disk.
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

    /// Runs a short statement here and now: one that reads.
    pub(crate) fn now<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        work(&self.0.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests already counted on the day of `now`, or on the newest day known where the clock was set back behind it.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn spent(&self, entry: &str, now: Timestamp) -> rusqlite::Result<u32> {
        let today = day_of(now).to_string();
        let drawn =
            self.0.drawn.lock().unwrap_or_else(PoisonError::into_inner).get(entry).map(|it| (it.day >= today, it.next));
        match drawn {
            Some((true, spent)) => Ok(spent),
            _ => self.now(|rows| Self::counted(rows, entry, &today)),
        }
    }

    /// Counts one more request before it is sent, and returns how many were counted before it. At `daily` nothing is counted any more.
    ///
    /// The count on disk is ahead of the requests by up to [`MOST_DRAWN`], never behind: a crash spends a little of the day, and never gives any
    /// of it back. What is ahead when the agent ends in order is taken back.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub(crate) async fn take(&self, entry: &str, daily: u32, now: Timestamp) -> rusqlite::Result<u32> {
        if let Some(spent) = self.next(entry, daily, &day_of(now).to_string()) {
            return Ok(spent);
        }
        let (rows, entry) = (self.clone(), entry.to_owned());
        let done = tokio::task::spawn_blocking(move || rows.take_now(&entry, daily, now)).await;
        done.unwrap_or_else(|_| Err(rusqlite::Error::InvalidQuery))
    }

    fn take_now(&self, entry: &str, daily: u32, now: Timestamp) -> rusqlite::Result<u32> {
        let today = day_of(now).to_string();
        self.now(|rows| {
            // Somebody else may have drawn while this one waited.
            if let Some(spent) = self.next(entry, daily, &today) {
                return Ok(spent);
            }
            let spent = Self::counted(rows, entry, &today)?;
            let Some((day, end)) = Self::draw(rows, entry, daily, &today)? else {
                return Ok(daily);
            };
            let drawn = Drawn { day, next: spent + 1, end };
            self.0.drawn.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.to_owned(), drawn);
            Ok(spent)
        })
    }

    /// The next request out of what is drawn.
    fn next(&self, entry: &str, daily: u32, today: &str) -> Option<u32> {
        let mut all = self.0.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = all.get_mut(entry).filter(|drawn| *drawn.day >= *today && drawn.next < drawn.end.min(daily))?;
        drawn.next += 1;
        Some(drawn.next - 1)
    }

    /// Requests counted on disk.
    fn counted(connection: &Connection, entry: &str, today: &str) -> rusqlite::Result<u32> {
        connection
            .one("SELECT day, requests FROM spent_days WHERE entry = ?1", [entry], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
            })
            .optional()
            .map(|row| row.filter(|(day, _)| **day >= *today).map_or(0, |(_, requests)| requests))
    }

    /// Counts the next few requests on disk; gives the day they count for and how many are counted now. Nothing where the day is spent.
    fn draw(connection: &Connection, entry: &str, daily: u32, today: &str) -> rusqlite::Result<Option<(String, u32)>> {
        let some = (daily / DRAWN_SHARE).clamp(1, MOST_DRAWN);
        connection
            .one(
                "INSERT INTO spent_days (entry, day, requests) SELECT ?1, ?2, min(?4, ?3) WHERE ?3 > 0
                 ON CONFLICT (entry) DO UPDATE SET
                   requests = min(?4 + CASE WHEN day >= excluded.day THEN requests ELSE 0 END, ?3),
                   day = max(day, excluded.day)
                 WHERE CASE WHEN day >= excluded.day THEN requests ELSE 0 END < ?3
                 RETURNING day, requests",
                params![entry, today, daily, some],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
    }

    fn give_back(connection: &Connection, entry: &str, drawn: &Drawn) -> rusqlite::Result<usize> {
        connection.run(
            "UPDATE spent_days SET requests = requests - ?3 WHERE entry = ?1 AND day = ?2 AND requests = ?4 AND ?3 > 0",
            params![entry, drawn.day, drawn.end.saturating_sub(drawn.next), drawn.end],
        )
    }

    /// When the entry's count begins again: after the newest day known.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn day_ends(connection: &Connection, entry: &str, now: Timestamp) -> rusqlite::Result<Timestamp> {
        let day: Option<String> =
            connection.one("SELECT day FROM spent_days WHERE entry = ?1", [entry], |row| row.get(0)).optional()?;
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
        connection.run(
            "INSERT INTO rests (scope, until) VALUES (?1, ?2) ON CONFLICT (scope) DO UPDATE SET until = max(until, excluded.until)",
            params![scope, until.as_second() + i64::from(until.subsec_nanosecond() > 0)],
        )?;
        connection.run("DELETE FROM rests WHERE until < ?1", [now.as_second() - 86_400])?;
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
            let until: Option<i64> =
                connection.one("SELECT until FROM rests WHERE scope = ?1", [scope], |row| row.get(0)).optional()?;
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

    fn take(rows: &Rows, entry: &str, daily: u32, now: Timestamp) -> u32 {
        let today = day_of(now).to_string();
        rows.next(entry, daily, &today).unwrap_or_else(|| rows.take_now(entry, daily, now).unwrap())
    }

    #[test]
    fn the_day_counts_up_to_its_cap_and_begins_again() {
        let rows = Rows::new(open()).unwrap();
        let noon = at("2026-11-22T12:00:00Z");
        let counts: Vec<u32> = (0..5).map(|_| take(&rows, "a", 3, noon)).collect();
        assert_eq!(counts, [0, 1, 2, 3, 3]);
        assert_eq!(rows.spent("a", noon).unwrap(), 3);
        assert_eq!(rows.now(|rows| Rows::day_ends(rows, "a", noon)).unwrap(), at("2026-11-23T00:00:00Z"));
        assert_eq!(take(&rows, "b", 3, noon), 0, "another entry counts for itself");
        assert_eq!(take(&rows, "a", 3, at("2026-11-23T00:00:00Z")), 0);
        assert_eq!(take(&rows, "none", 0, noon), 0);
        assert_eq!(rows.spent("none", noon).unwrap(), 0);
    }

    #[test]
    fn a_long_day_is_counted_one_by_one_and_to_its_end() {
        let rows = Rows::new(open()).unwrap();
        let noon = at("2026-11-22T12:00:00Z");
        let counts: Vec<u32> = (0..1_003).map(|_| take(&rows, "a", 1_000, noon)).collect();
        let expected: Vec<u32> = (0..1_003).map(|count| count.min(1_000)).collect();
        assert_eq!(counts, expected);
        assert_eq!(take(&rows, "a", 500, noon), 500, "another policy allows less");
        assert_eq!(take(&rows, "a", 1_000, at("2026-11-23T00:00:00Z")), 0);
        assert_eq!(rows.spent("a", at("2026-11-23T00:00:00Z")).unwrap(), 1);
    }

    #[test]
    fn a_clock_set_back_gives_no_second_budget() {
        let rows = Rows::new(open()).unwrap();
        for _ in 0..3 {
            take(&rows, "a", 3, at("2026-11-22T12:00:00Z"));
        }
        for earlier in ["2026-11-21T12:00:00Z", "2025-01-01T00:00:00Z"] {
            assert_eq!(rows.spent("a", at(earlier)).unwrap(), 3, "{earlier}");
            assert_eq!(take(&rows, "a", 3, at(earlier)), 3, "{earlier}");
            let ends = rows.now(|rows| Rows::day_ends(rows, "a", at(earlier))).unwrap();
            assert_eq!(ends, at("2026-11-23T00:00:00Z"));
        }
    }

    #[test]
    fn counts_are_on_disk_before_the_answer_and_never_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Rows::new(Connection::open(folder.path().join("state.sqlite")).unwrap()).unwrap();
        let now = at("2026-11-22T12:00:00Z");
        let first = open();
        assert_eq!(take(&first, "a", 3, now), 0);
        assert_eq!((0..6).map(|_| take(&first, "b", 1_024, now)).max(), Some(5));
        // A process that is killed closes nothing; another one opens the same file.
        std::mem::forget(first);
        let second = open();
        assert_eq!(take(&second, "a", 3, now), 1);
        assert_eq!(second.spent("b", now).unwrap(), 8, "two times four were drawn, and six of them made");
        assert_eq!(take(&second, "b", 1_024, now), 8);
        drop(second);
        assert_eq!(open().spent("b", now).unwrap(), 9, "what was drawn and not made is taken back");
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
