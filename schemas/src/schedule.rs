//! When is a target due? One pure function, used by agents to run and by the registry to know what should have run.
//!
//! Three kinds of line:
//!
//! - **By elapsed time**: `every 15m`, `every 2h`, `every 1d` (units `s`, `m`, `h`, `d`). Due at whole multiples since
//!   1970-01-01T00:00:00Z, whatever the zone says.
//! - **Hourly or finer**: a cron line whose hours are all 24 (`*/15 * * * *`, `0 * * * MON`, `@hourly`). Due at every
//!   instant at which the local clock reads a matching time. Where a clock is set by whole hours the waits stay what
//!   they were: a repeated hour has its runs, a skipped hour leaves no hole. Where it is set by half an hour
//!   (Australia/Lord_Howe) `0 * * * *` once waits 90 minutes.
//! - **At fixed times**: every other cron line (`30 2 * * *`, `0 */6 * * *`, `@daily`, `@weekly`). A nominal local time
//!   is due **at the first instant at which the local clock has reached it**. So a time that a clock skips is due when
//!   the gap ends, several times in one gap are due once, and a time that happens twice is due at its first
//!   occurrence only. A skipped day (Pacific/Apia, 30 December 2011) is a gap like any other.
//!
//! The precedent is vixie-cron ("jobs that would have run in the skipped interval will be run immediately", "avoid
//! running those jobs twice", and "jobs that run more frequently are scheduled normally"). It differs in two points:
//! vixie-cron looks for a `*` at the head of the hour or minute field, we ask whether the line names every hour, so
//! that `0-23` and `*` mean the same and `* 2 * * *` stays a fixed line; and it lets go at three hours, we do not.
//!
//! A cron line has five fields (minute, hour, day of month, month, day of week) or six (second first). Day of month
//! **and** day of week must both match, as in tokio-cron-scheduler, unlike vixie-cron. Its parser, croner, is not
//! used: it works on chrono's clock and zones, and accepts forms (`L`, `W`, `#`, `?`) that we do not promise.
//!
//! Zone rules come from the database compiled into the program, never from the machine, so that agent and registry
//! agree; two programs built with different databases may differ about the future.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

mod clock;
mod field;
mod line;
mod refused;

use line::Rule;
pub use refused::ScheduleError;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A line and the zone whose clock it reads, both checked.
///
/// Written as `{"line": …, "zone": …}`, as given. Equal if both texts are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Schedule {
    plain: Plain,
    rule: Rule,
    zone: TimeZone,
}

/// How a [`Schedule`] is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Schedule")]
struct Plain {
    /// Five or six cron fields, `@hourly`, `@daily`, `@weekly`, or `every` with a number and `s`, `m`, `h` or `d`.
    #[schemars(length(max = 200))]
    line: String,
    /// Name in the IANA time zone database, spelt as there: `America/St_Johns`, `UTC`.
    #[schemars(length(max = 64))]
    zone: String,
}

/// One moment at which a run should start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// What the line says, before jitter. Always a whole second.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub nominal: Timestamp,
    /// When to start: `nominal` plus the target's jitter.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Seconds by which all runs of one target are late, so that targets with the same line do not start together.
///
/// The same for every run of a target: jitter moves its runs and never reorders or merges them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Jitter(u32);

impl Jitter {
    /// Runs start at their nominal time.
    pub const NONE: Jitter = Jitter(0);

    /// The jitter of a target, from 0 to `max_secs` inclusive.
    ///
    /// The first eight bytes of SHA-256 over the id, big-endian, modulo `max_secs + 1`: the same on every machine.
    #[must_use]
    pub fn of(target_id: &str, max_secs: u32) -> Jitter {
        let digest = Sha256::digest(target_id.as_bytes());
        let number = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        // Smaller than a u32 plus one by the modulus, so the conversion holds.
        Jitter(u32::try_from(number % (u64::from(max_secs) + 1)).unwrap_or(max_secs))
    }

    /// The delay, in seconds.
    #[must_use]
    pub fn secs(self) -> u32 {
        self.0
    }

    fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.0))
    }
}

/// What becomes of runs whose time passed while nobody was there to start them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// They are lost; coverage says *not attempted*.
    #[default]
    Skip,
    /// One run stands for all of them: the newest.
    Once,
}

impl Schedule {
    /// Checks a line and a zone.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`] names the field, what stands there and what may: a line that is never due (30 February), one
    /// that is due more often than every 10 seconds, and a zone the compiled-in database does not have are refused.
    pub fn parse(line: &str, zone: &str) -> Result<Schedule, ScheduleError> {
        let rule = Rule::parse(line)?;
        let unknown = || ScheduleError::UnknownZone { zone: zone.chars().take(64).collect() };
        let found = ZONES.get(zone).map_err(|_| unknown())?;
        match found.iana_name() {
            // The database ignores case; an approved entry should not be spelt in two ways.
            Some(proper) if proper != zone => {
                Err(ScheduleError::ZoneSpelling { zone: zone.to_owned(), proper: proper.to_owned() })
            }
            Some(_) if !found.is_unknown() => {
                Ok(Schedule { plain: Plain { line: line.to_owned(), zone: zone.to_owned() }, rule, zone: found })
            }
            _ => Err(unknown()),
        }
    }

    /// The line, as given.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.plain.line
    }

    /// The zone's name in the IANA database.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.plain.zone
    }

    /// The first run that starts (jitter included) strictly later than `after`. `None` only when the calendar ends,
    /// in the year 9999.
    ///
    /// Counted by [`Due::at`], so a program that restarts between a nominal time and its jittered start still gets
    /// that run.
    #[must_use]
    pub fn next_due(&self, after: Timestamp, jitter: Jitter) -> Option<Due> {
        let nominal_after = after.checked_sub(jitter.duration()).unwrap_or(Timestamp::MIN);
        let nominal = clock::next(&self.rule, &self.zone, nominal_after)?;
        let at = nominal.checked_add(jitter.duration()).ok()?;
        Some(Due { nominal, at })
    }

    /// All runs with `from <= at < to`, in order.
    pub fn between(&self, from: Timestamp, to: Timestamp, jitter: Jitter) -> impl Iterator<Item = Due> + '_ {
        let before = from.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN);
        std::iter::successors(self.next_due(before, jitter), move |due| self.next_due(due.at, jitter))
            .take_while(move |due| due.at < to)
    }
}

impl TryFrom<Plain> for Schedule {
    type Error = ScheduleError;

    fn try_from(plain: Plain) -> Result<Schedule, ScheduleError> {
        Schedule::parse(&plain.line, &plain.zone)
    }
}

impl From<Schedule> for Plain {
    fn from(schedule: Schedule) -> Plain {
        schedule.plain
    }
}

/// The runs to start at once, at `now`, when the last one started at `last_run`. At most one.
///
/// Without a last run nothing was missed: a new target begins with its next due time. A run due exactly at `now` is
/// on time, not missed, and is returned under both policies; [`Schedule::next_due`] after `now` goes on from there.
/// Takes some 60 steps however long the pause was.
#[must_use]
pub fn catch_up(
    schedule: &Schedule,
    last_run: Option<Timestamp>,
    now: Timestamp,
    policy: Missed,
    jitter: Jitter,
) -> Vec<Due> {
    let since = match (policy, last_run) {
        (_, None) => return Vec::new(),
        (Missed::Once, Some(last_run)) => last_run,
        (Missed::Skip, Some(last_run)) => {
            let just_before = now.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN);
            last_run.max(just_before)
        }
    };
    newest(schedule, since, now, jitter).into_iter().collect()
}

/// The last run with `after < at <= until`.
///
/// Whether a run lies in `(x, until]` can only turn from yes to no as x grows, so halving finds it.
fn newest(schedule: &Schedule, after: Timestamp, until: Timestamp, jitter: Jitter) -> Option<Due> {
    let next = |x: Timestamp| schedule.next_due(x, jitter).filter(|due| due.at <= until);
    let mut found = next(after)?;
    let mut beyond = until;
    while found.at < beyond {
        let half = beyond.duration_since(found.at) / 2;
        let middle = found.at.checked_add(half).ok()?;
        match next(middle) {
            Some(later) => found = later,
            None if middle == found.at => break,
            None => beyond = middle,
        }
    }
    Some(found)
}
