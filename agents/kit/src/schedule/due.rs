//! Is a run due, and can the clock be trusted? Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemas::schedule::{Jitter, Missed, Schedule, catch_up};

/// How late a run may start and still count as on time.
pub const GRACE: SignedDuration = SignedDuration::from_secs(120);

/// How far the wall clock may stray from the time that passed before somebody is told.
pub(super) const STRAY: SignedDuration = SignedDuration::from_secs(60);

/// What is due of a target whose newest considered run was at `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing until then; never where the calendar ends.
    Later(Option<Timestamp>),
    /// This run, by the time at which it should start.
    Now(Timestamp),
    /// Only runs whose time passed long ago, and which the policy lets go; the newest of them.
    Missed(Timestamp),
}

/// Decides for one target.
#[must_use]
pub fn due(schedule: &Schedule, jitter: Jitter, missed: Missed, since: Timestamp, now: Timestamp) -> Due {
    let Some(newest) = catch_up(schedule, Some(since), now, Missed::Once, jitter).into_iter().next_back() else {
        return Due::Later(schedule.next_due(since, jitter).map(|due| due.at));
    };
    match missed {
        Missed::Skip if now.duration_since(newest.at) > GRACE => Due::Missed(newest.at),
        _ => Due::Now(newest.at),
    }
}

/// What the machine's clocks say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock, UTC.
    pub wall: Timestamp,
    /// Time that passed since some fixed moment, sleep of the machine included.
    pub elapsed: Duration,
    /// The same without its sleep.
    pub awake: Duration,
}

/// What happened to time between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Odd {
    /// By how much the wall clock was set, where that is more than a minute.
    pub strayed: Option<SignedDuration>,
    /// The machine slept, for more than two seconds.
    pub slept: bool,
}

/// Compares the wall clock with the time that really passed.
#[derive(Clone, Copy, Debug)]
pub struct ClockWatch(Moment);

impl ClockWatch {
    /// Begins to watch.
    #[must_use]
    pub const fn new(now: Moment) -> Self {
        Self(now)
    }

    /// What happened since the last call.
    pub fn look(&mut self, now: Moment) -> Odd {
        let before = std::mem::replace(&mut self.0, now);
        let signed = |passed| SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let passed = now.elapsed.saturating_sub(before.elapsed);
        let asleep = passed.saturating_sub(now.awake.saturating_sub(before.awake));
        let strayed = now.wall.duration_since(before.wall).saturating_sub(signed(passed));
        Odd { strayed: (strayed.abs() > STRAY).then_some(strayed), slept: asleep > Duration::from_secs(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn quarter() -> Schedule {
        Schedule::parse("every 15m", "UTC").unwrap()
    }

    fn decide(missed: Missed, since: &str, now: &str) -> Due {
        due(&quarter(), Jitter::NONE, missed, at(since), at(now))
    }

    #[test]
    fn run_is_due_at_its_time_and_not_before() {
        assert_eq!(
            decide(Missed::Skip, "2026-11-22T10:00:00Z", "2026-11-22T10:14:59Z"),
            Due::Later(Some(at("2026-11-22T10:15:00Z")))
        );
        assert_eq!(
            decide(Missed::Skip, "2026-11-22T10:00:00Z", "2026-11-22T10:15:00Z"),
            Due::Now(at("2026-11-22T10:15:00Z"))
        );
    }

    #[test]
    fn a_little_late_is_on_time() {
        assert_eq!(
            decide(Missed::Skip, "2026-11-22T10:00:00Z", "2026-11-22T10:16:30Z"),
            Due::Now(at("2026-11-22T10:15:00Z"))
        );
    }

    #[test]
    fn missed_runs_are_skipped_or_made_up_for_once() {
        let (since, now) = ("2026-11-22T03:00:00Z", "2026-11-22T10:20:00Z");
        assert_eq!(decide(Missed::Skip, since, now), Due::Missed(at("2026-11-22T10:15:00Z")));
        assert_eq!(decide(Missed::Once, since, now), Due::Now(at("2026-11-22T10:15:00Z")));
    }

    #[test]
    fn run_made_is_not_due_again() {
        assert!(matches!(decide(Missed::Once, "2026-11-22T10:15:00Z", "2026-11-22T10:20:00Z"), Due::Later(_)));
    }

    #[test]
    fn clock_that_was_set_is_noticed_and_one_that_runs_or_a_sleep_is_not() {
        let moment = |wall: &str, elapsed, awake| Moment {
            wall: at(wall),
            elapsed: Duration::from_secs(elapsed),
            awake: Duration::from_secs(awake),
        };
        let set = |secs| Odd { strayed: Some(SignedDuration::from_secs(secs)), slept: false };
        let mut watch = ClockWatch::new(moment("2026-11-22T10:00:00Z", 0, 0));
        assert_eq!(watch.look(moment("2026-11-22T10:05:00Z", 300, 300)), Odd::default());
        assert_eq!(watch.look(moment("2026-11-22T09:00:00Z", 301, 301)), set(-3_901));
        assert_eq!(watch.look(moment("2026-11-23T09:00:00Z", 301, 301)), set(86_400));
        // Asleep for eight hours: the wall clock is right.
        assert_eq!(
            watch.look(moment("2026-11-23T17:00:00Z", 301 + 8 * 3_600, 302)),
            Odd { strayed: None, slept: true }
        );
    }
}
