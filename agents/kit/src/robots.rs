//! Which robots.txt is in hand, and how long does it count?
//!
//! What it means is [`schemas::robots`]; how it is fetched, through the gate like everything else, is in [`crate::fetch`]. Copies lie in
//! the agent's database, so a restart asks no site twice a day. A copy is replaced by the newest fetch, whatever that said: a site that cannot be reached
//! any more forbids everything (RFC 9309, section 2.3.1.4), it does not keep its former rules.

use std::{sync::Arc, time::Duration};

use crate::state::Cached as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use schemas::{
    gate::RobotsCopy,
    robots::{self, RobotsOutcome},
};

/// How long a copy is used: ten minutes less than the gate allows, so that it does not go stale between two decisions on one request.
const USED_FOR: SignedDuration = SignedDuration::from_mins(24 * 60 - 10);

/// How far a copy may lie ahead of the clock.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Makes the table where it is missing.
///
/// # Errors
///
/// The database refused.
pub fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "-- Newest robots.txt of each authority (`scheme://host:port`), as a RobotsCopy in JSON; `fetched_at` in seconds since 1970.
         CREATE TABLE IF NOT EXISTS robots (authority TEXT PRIMARY KEY, fetched_at INTEGER NOT NULL, copy TEXT NOT NULL) STRICT;",
    )
}

/// The copy of an authority that may still be relied on; one that could not be reached counts for `again` only, then is asked for anew.
///
/// # Errors
///
/// The database refused. A copy that cannot be read counts as none.
pub fn in_hand(
    connection: &Connection,
    authority: &str,
    again: Duration,
    now: Timestamp,
) -> rusqlite::Result<Option<Arc<RobotsCopy>>> {
    let stored: Option<String> =
        connection.one("SELECT copy FROM robots WHERE authority = ?1", [authority], |row| row.get(0)).optional()?;
    let copy = stored.and_then(|text| serde_json::from_str::<RobotsCopy>(&text).ok());
    Ok(copy.filter(|copy| fresh(copy, again, now)).map(Arc::new))
}

fn fresh(copy: &RobotsCopy, again: Duration, now: Timestamp) -> bool {
    counts(copy.fetched_at, copy.outcome == RobotsOutcome::Unreachable, again, now)
}

/// Whether what was fetched of a site's rules still counts.
pub(crate) fn counts(fetched_at: Timestamp, unreachable: bool, again: Duration, now: Timestamp) -> bool {
    let age = now.duration_since(fetched_at);
    let most = if unreachable { SignedDuration::try_from(again).unwrap_or(USED_FOR).min(USED_FOR) } else { USED_FOR };
    age <= most && age >= -AHEAD
}

/// Keeps a copy in place of the one before, and forgets what nobody asked for in a week.
///
/// # Errors
///
/// The database refused.
pub fn keep(connection: &Connection, copy: &RobotsCopy) -> rusqlite::Result<()> {
    let text = serde_json::to_string(copy).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let fetched_at = copy.fetched_at.as_second();
    connection.run(
        "INSERT INTO robots (authority, fetched_at, copy) VALUES (?1, ?2, ?3)
         ON CONFLICT (authority) DO UPDATE SET fetched_at = excluded.fetched_at, copy = excluded.copy",
        params![copy.authority, fetched_at, text],
    )?;
    connection.run("DELETE FROM robots WHERE fetched_at < ?1", [fetched_at - 7 * 86_400])?;
    Ok(())
}

/// How the fetch of a robots.txt ended.
pub(crate) struct Ended<'a> {
    /// Address that answered last.
    pub final_url: String,
    /// Its status; absent without an answer.
    pub status: Option<u16>,
    /// Redirects followed.
    pub redirects: u8,
    /// Body, content coding removed.
    pub body: &'a [u8],
    /// The body did not come whole, for another reason than its length.
    pub broken: bool,
    /// When it ended.
    pub at: Timestamp,
}

/// The copy that a fetch leaves, at most `most_bytes` of body.
pub(crate) fn copy(authority: &str, ended: Ended<'_>, most_bytes: usize) -> RobotsCopy {
    let outcome = match robots::outcome(ended.status, ended.redirects) {
        RobotsOutcome::Available if ended.broken => RobotsOutcome::Unreachable,
        outcome => outcome,
    };
    let body = match outcome {
        RobotsOutcome::Available => ended.body.get(..most_bytes).unwrap_or(ended.body),
        _ => &[],
    };
    RobotsCopy {
        v: 1,
        authority: authority.to_owned(),
        final_url: ended.final_url,
        status: ended.status,
        redirects: ended.redirects,
        fetched_at: ended.at,
        outcome,
        body_base64: STANDARD.encode(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORITY: &str = "https://example.org:443";
    const HALF_HOUR: Duration = Duration::from_secs(1_800);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn fetched(status: Option<u16>, broken: bool) -> RobotsCopy {
        let body = b"User-agent: *\nDisallow: /private\n";
        let ended = Ended {
            final_url: "https://example.org/robots.txt".to_owned(),
            status,
            redirects: 0,
            body,
            broken,
            at: at("2026-11-22T12:00:00Z"),
        };
        copy(AUTHORITY, ended, 1_000)
    }

    fn kept(copy: &RobotsCopy, now: &str) -> Option<RobotsOutcome> {
        let rows = Connection::open_in_memory().unwrap();
        migrate(&rows).unwrap();
        keep(&rows, copy).unwrap();
        in_hand(&rows, AUTHORITY, HALF_HOUR, at(now)).unwrap().map(|copy| copy.outcome)
    }

    #[test]
    fn a_copy_counts_for_less_than_a_day() {
        let copy = fetched(Some(200), false);
        assert_eq!(kept(&copy, "2026-11-23T11:49:00Z"), Some(RobotsOutcome::Available));
        assert_eq!(kept(&copy, "2026-11-23T11:51:00Z"), None);
        assert_eq!(kept(&copy, "2026-11-22T11:51:00Z"), Some(RobotsOutcome::Available));
        assert_eq!(kept(&copy, "2026-11-22T11:00:00Z"), None, "the clock was set back");
    }

    #[test]
    fn what_cannot_be_reached_forbids_and_is_asked_for_again() {
        for (status, broken) in
            [(None, false), (Some(503), false), (Some(302), false), (Some(429), false), (Some(200), true)]
        {
            let copy = fetched(status, broken);
            assert_eq!(copy.outcome, RobotsOutcome::Unreachable, "{status:?}");
            assert_eq!(copy.body_base64, "");
            assert_eq!(kept(&copy, "2026-11-22T12:29:00Z"), Some(RobotsOutcome::Unreachable));
            assert_eq!(kept(&copy, "2026-11-22T12:31:00Z"), None);
        }
    }

    #[test]
    fn the_newest_fetch_counts_even_if_it_is_stricter() {
        let rows = Connection::open_in_memory().unwrap();
        migrate(&rows).unwrap();
        keep(&rows, &fetched(Some(404), false)).unwrap();
        keep(&rows, &fetched(Some(503), false)).unwrap();
        let copy = in_hand(&rows, AUTHORITY, HALF_HOUR, at("2026-11-22T12:01:00Z")).unwrap().unwrap();
        assert_eq!(copy.outcome, RobotsOutcome::Unreachable);
    }

    #[test]
    fn a_long_file_is_cut() {
        let ended = Ended {
            final_url: String::new(),
            status: Some(200),
            redirects: 0,
            body: &[b'#'; 100],
            broken: false,
            at: at("2026-11-22T12:00:00Z"),
        };
        assert_eq!(STANDARD.decode(copy(AUTHORITY, ended, 64).body_base64).unwrap().len(), 64);
    }
}
