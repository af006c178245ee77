//! What stays told of the time before, where a clock is set back?

use schemas::schedule::{Jitter, Missed, Schedule};

use super::*;
use crate::state::State;

struct Desk {
    state: State,
    schedule: Schedule,
    rota: Rota,
    passed: u64,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn moment(wall: &str, passed: u64) -> Moment {
    Moment { wall: at(wall), elapsed: Duration::from_secs(passed), awake: Duration::from_secs(passed) }
}

impl Desk {
    fn open(dir: &std::path::Path, wall: &str) -> Self {
        let schedule = Schedule::parse("every 5m", "UTC").unwrap();
        Self { state: State::open(dir).unwrap(), schedule, rota: Rota::new(moment(wall, 0)), passed: 0 }
    }

    /// Looks `secs` seconds after the last look, whatever the wall clock says. None where the target is not permitted.
    fn look(&mut self, missed: Option<Missed>, wall: &str, secs: u64) -> Vec<Start> {
        self.passed += secs;
        let Self { state, schedule, .. } = self;
        let line = missed.map(|missed| Line { target: "harbour-news", schedule, jitter: Jitter::NONE, missed });
        self.rota.look(moment(wall, self.passed), line, state).unwrap().starts
    }

    fn told(&self) -> Vec<(String, String, u64, SkipReason)> {
        let short = |at: Timestamp| at.strftime("%dT%H:%M").to_string();
        let untold = self.state.untold("harbour-news").unwrap();
        untold.into_iter().map(|(_, skip)| (short(skip.first), short(skip.last), skip.runs, skip.why)).collect()
    }
}

fn complete(due: Option<Timestamp>) -> schemas::coverage::Coverage {
    let at = due.unwrap_or(Timestamp::UNIX_EPOCH);
    schemas::coverage::Coverage {
        target: "harbour-news".to_owned(),
        due,
        from: at,
        to: at,
        state: schemas::coverage::CoverageState::Complete,
        why: None,
        requests: 1,
        refused: 0,
        failed: 0,
        records: 0,
        new: 0,
        unreadable: 0,
        bytes: 0,
        skipped: Vec::new(),
    }
}

fn stretch(first: &str, last: &str, runs: u64, why: SkipReason) -> (String, String, u64, SkipReason) {
    (first.to_owned(), last.to_owned(), runs, why)
}

/// The day before is let go as the agent was away. Before a run can tell so, the clock is set back by a quarter of an hour.
#[test]
fn what_was_let_go_before_stays_to_be_told_to_the_time_that_still_is() {
    for missed in [Missed::Once, Missed::Skip] {
        let dir = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(dir.path(), "2026-04-02T02:42:00Z");
        assert!(desk.look(Some(missed), "2026-04-02T02:42:00Z", 0).is_empty());
        drop(desk);
        let mut desk = Desk::open(dir.path(), "2026-04-03T23:33:00Z");
        let starts = desk.look(Some(missed), "2026-04-03T23:33:00Z", 0);
        let (last, runs) = if missed == Missed::Once { ("03T23:25", 537) } else { ("03T23:30", 538) };
        assert_eq!(starts.len(), usize::from(missed == Missed::Once));
        assert_eq!(desk.told(), [stretch("02T02:45", last, runs, SkipReason::Away)]);
        // The run that began goes on all the time.
        desk.look(Some(missed), "2026-04-03T23:18:10Z", 10);
        assert_eq!(desk.told(), [stretch("02T02:45", "03T23:15", 535, SkipReason::Away)], "{missed:?}");
        drop(starts);
        let again = desk.look(Some(missed), "2026-04-03T23:20:00Z", 110);
        assert_eq!(again.iter().map(|start| start.due).collect::<Vec<_>>(), [at("2026-04-03T23:20:00Z")]);
    }
}

/// The same where the clock is set back while no process looks.
#[test]
fn what_was_let_go_before_stays_also_for_a_process_that_begins_earlier_than_the_last_one_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path(), "2026-04-02T02:42:00Z");
    desk.look(Some(Missed::Skip), "2026-04-02T02:42:00Z", 0);
    drop(desk);
    let mut desk = Desk::open(dir.path(), "2026-04-03T23:33:00Z");
    desk.look(Some(Missed::Skip), "2026-04-03T23:33:00Z", 0);
    drop(desk);
    let mut desk = Desk::open(dir.path(), "2026-04-03T23:18:00Z");
    assert!(desk.look(Some(Missed::Skip), "2026-04-03T23:18:00Z", 0).is_empty());
    assert_eq!(desk.told(), [stretch("02T02:45", "03T23:15", 535, SkipReason::Away)]);
    assert_eq!(desk.look(Some(Missed::Skip), "2026-04-03T23:20:00Z", 120).len(), 1);
}

/// A run that was due in a future that no longer is ends, and so does its process: the time up to it is still to be looked at.
#[test]
fn a_run_of_a_future_that_no_longer_is_leads_nobody_beyond_the_time_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path(), "2026-04-02T10:02:00Z");
    desk.look(Some(Missed::Once), "2026-04-02T10:02:00Z", 0);
    let starts = desk.look(Some(Missed::Once), "2026-04-03T10:02:01Z", 1);
    let due = starts[0].due;
    assert_eq!(due, at("2026-04-03T10:00:00Z"));
    let row = desk.state.begin_run("harbour-news", Lane::Poll, Some(due), at("2026-04-03T10:02:01Z")).unwrap();
    assert!(desk.look(Some(Missed::Once), "2026-04-02T10:02:10Z", 9).is_empty());
    desk.state.end_run(row.unwrap(), &complete(Some(due)), &[], at("2026-04-02T10:02:20Z")).unwrap();
    drop((desk, starts));
    let mut desk = Desk::open(dir.path(), "2026-04-02T11:02:00Z");
    let starts = desk.look(Some(Missed::Once), "2026-04-02T11:02:00Z", 0);
    assert_eq!(starts[0].due, at("2026-04-02T11:00:00Z"));
    assert_eq!(desk.told(), [stretch("02T10:05", "02T10:55", 11, SkipReason::Away)]);
}

/// A quarter of an hour back, after hours without policy: those stay what they were.
#[test]
fn a_clock_that_was_right_until_now_takes_no_reason_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path(), "2026-04-02T10:02:00Z");
    desk.look(Some(Missed::Once), "2026-04-02T10:02:00Z", 0);
    desk.look(None, "2026-04-02T12:02:00Z", 7_200);
    desk.look(None, "2026-04-02T11:47:10Z", 10);
    assert_eq!(desk.look(Some(Missed::Once), "2026-04-02T12:02:10Z", 900).len(), 1);
    assert_eq!(desk.told(), [stretch("02T10:05", "02T11:55", 23, SkipReason::NoPolicy)]);
}

/// An hour ahead, and back: what was due since the clock was wrong was not made because it was.
#[test]
fn a_clock_that_was_wrong_is_the_reason_for_what_passed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path(), "2026-04-02T10:02:00Z");
    desk.look(Some(Missed::Skip), "2026-04-02T10:02:00Z", 0);
    desk.look(None, "2026-04-02T11:02:00Z", 3_600);
    desk.look(None, "2026-04-02T12:02:10Z", 10);
    desk.look(None, "2026-04-02T12:32:10Z", 1_800);
    desk.look(None, "2026-04-02T11:32:20Z", 10);
    assert!(desk.look(Some(Missed::Skip), "2026-04-02T11:33:20Z", 60).is_empty());
    let told = [
        stretch("02T10:05", "02T11:00", 12, SkipReason::NoPolicy),
        stretch("02T11:05", "02T11:30", 6, SkipReason::Clock),
    ];
    assert_eq!(desk.told(), told);
}

/// The disk fails a run, and no process ends of it.
#[test]
fn a_run_that_could_not_be_carried_through_is_told_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path(), "2026-04-02T10:02:00Z");
    desk.look(Some(Missed::Once), "2026-04-02T10:02:00Z", 0);
    let starts = desk.look(Some(Missed::Once), "2026-04-02T10:05:00Z", 180);
    desk.state.begin_run("harbour-news", Lane::Poll, Some(starts[0].due), at("2026-04-02T10:05:00Z")).unwrap();
    drop(starts);
    let starts = desk.look(Some(Missed::Once), "2026-04-02T10:10:00Z", 300);
    assert_eq!(starts[0].due, at("2026-04-02T10:10:00Z"));
    assert_eq!(desk.told(), [stretch("02T10:05", "02T10:05", 1, SkipReason::Cut)]);
}

/// The state can't be written for a while, and the clock is set back meanwhile.
#[test]
fn a_look_that_the_disk_failed_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path(), "2026-04-02T02:42:00Z");
    desk.look(Some(Missed::Once), "2026-04-02T02:42:00Z", 0);
    drop(desk);
    let mut desk = Desk::open(dir.path(), "2026-04-03T23:33:00Z");
    let beside = rusqlite::Connection::open(dir.path().join("state.sqlite")).unwrap();
    let full = |on: &str| {
        beside
            .execute_batch(&format!("CREATE TRIGGER full BEFORE {on} BEGIN SELECT RAISE(ABORT, 'full'); END"))
            .unwrap();
    };
    full("INSERT ON skipped");
    let failed = |desk: &mut Desk, wall: &str, secs: u64| {
        desk.passed += secs;
        let Desk { state, schedule, .. } = desk;
        let line = Line { target: "harbour-news", schedule, jitter: Jitter::NONE, missed: Missed::Once };
        let look = desk.rota.look(moment(wall, desk.passed), [line], state);
        look.map_or(true, |look| look.failed.is_some() && look.starts.is_empty())
    };
    assert!(failed(&mut desk, "2026-04-03T23:33:00Z", 0));
    beside.execute_batch("DROP TRIGGER full").unwrap();
    let starts = desk.look(Some(Missed::Once), "2026-04-03T23:33:10Z", 10);
    assert_eq!(starts[0].due, at("2026-04-03T23:30:00Z"));
    assert_eq!(desk.told(), [stretch("02T02:45", "03T23:25", 537, SkipReason::Away)]);
    full("UPDATE ON considered");
    assert!(failed(&mut desk, "2026-04-03T23:18:20Z", 10));
    beside.execute_batch("DROP TRIGGER full").unwrap();
    desk.look(Some(Missed::Once), "2026-04-03T23:18:30Z", 10);
    assert_eq!(desk.told(), [stretch("02T02:45", "03T23:15", 535, SkipReason::Away)]);
}

/// An agent that made every run from the first of March to the last due time before the tenth of April.
fn after_forty_days(dir: &std::path::Path) -> Desk {
    let mut desk = Desk::open(dir, "2026-03-01T00:02:00Z");
    desk.state.without_syncs();
    desk.look(Some(Missed::Once), "2026-03-01T00:02:00Z", 0);
    let (mut wall, end) = (at("2026-03-01T00:05:00Z"), at("2026-04-09T23:55:00Z"));
    let mut passed = 180;
    while wall <= end {
        let starts = desk.look(Some(Missed::Once), &wall.to_string(), passed);
        let due = starts[0].due;
        let row = desk.state.begin_run("harbour-news", Lane::Poll, Some(due), wall).unwrap().unwrap();
        desk.state.end_run(row, &complete(Some(due)), &[], wall).unwrap();
        (wall, passed) = (wall + Duration::from_secs(300), 300);
    }
    desk
}

/// The oldest row that is kept of the target.
fn oldest(desk: &Desk) -> Timestamp {
    *desk.state.taken("harbour-news", Timestamp::MIN, Timestamp::MAX).unwrap().first_key_value().unwrap().0
}

#[test]
fn a_run_is_forgotten_two_weeks_after_it_was_due_and_never_what_is_still_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let desk = after_forty_days(dir.path());
    assert_eq!(oldest(&desk), at("2026-03-26T00:00:00Z"), "two weeks, in whole days");
    assert_eq!(desk.state.forgotten("harbour-news").unwrap(), Some(at("2026-03-25T23:55:00Z")));
    assert_eq!(desk.state.last_coverage("harbour-news").unwrap().unwrap().due, Some(at("2026-04-09T23:55:00Z")));
    drop(desk);

    // Set back by less: each due time of those two weeks has its run, and none is made again.
    let mut desk = Desk::open(dir.path(), "2026-03-26T00:01:00Z");
    let mut wall = at("2026-03-26T00:01:00Z");
    while wall < at("2026-04-09T23:59:00Z") {
        assert!(desk.look(Some(Missed::Once), &wall.to_string(), 3_600).is_empty(), "a run again at {wall}");
        wall += Duration::from_secs(3_600);
    }
    assert_eq!(desk.told(), [], "what was made is not told as let go");
    assert_eq!(desk.look(Some(Missed::Once), "2026-04-10T00:00:00Z", 60)[0].due, at("2026-04-10T00:00:00Z"));
}

/// A machine that wakes in 2010, until a time server is heard.
#[test]
fn what_is_forgotten_is_told_as_nothing_that_was_let_go() {
    let dir = tempfile::tempdir().unwrap();
    drop(after_forty_days(dir.path()));
    let mut desk = Desk::open(dir.path(), "2010-01-01T00:01:00Z");
    assert!(desk.look(Some(Missed::Once), "2010-01-01T00:01:00Z", 0).is_empty());
    let starts = desk.look(Some(Missed::Once), "2026-04-10T00:12:00Z", 60);
    assert_eq!(starts[0].due, at("2026-04-10T00:10:00Z"));
    assert_eq!(desk.told(), [stretch("10T00:00", "10T00:05", 2, SkipReason::Clock)]);
}

/// A clock that was a year ahead while runs were made, and is right again: nobody waits for that year to pass.
#[test]
fn what_was_forgotten_by_a_clock_far_ahead_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = after_forty_days(dir.path());
    for (wall, due) in
        [("2027-04-10T00:00:00Z", "2027-04-10T00:00:00Z"), ("2027-05-10T00:00:00Z", "2027-05-10T00:00:00Z")]
    {
        let starts = desk.look(Some(Missed::Once), wall, 300);
        assert_eq!(starts[0].due, at(due));
        let told: Vec<i64> = desk.state.untold("harbour-news").unwrap().into_iter().map(|(row, _)| row).collect();
        let row = desk.state.begin_run("harbour-news", Lane::Poll, Some(at(due)), at(wall)).unwrap().unwrap();
        desk.state.end_run(row, &complete(Some(at(due))), &told, at(wall)).unwrap();
    }
    assert_eq!(desk.state.forgotten("harbour-news").unwrap(), Some(at("2027-04-10T00:00:00Z")));
    assert!(desk.look(Some(Missed::Once), "2026-04-10T00:21:00Z", 60).is_empty());
    assert_eq!(desk.look(Some(Missed::Once), "2026-04-10T00:25:00Z", 240)[0].due, at("2026-04-10T00:25:00Z"));
}

#[test]
fn a_stretch_that_is_still_to_be_told_of_keeps_the_runs_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path(), "2026-03-01T00:02:00Z");
    desk.look(Some(Missed::Once), "2026-03-01T00:02:00Z", 0);
    let run = |desk: &mut Desk, wall: &str, secs| {
        let due = desk.look(Some(Missed::Once), wall, secs)[0].due;
        let row = desk.state.begin_run("harbour-news", Lane::Poll, Some(due), at(wall)).unwrap().unwrap();
        // It tells nothing, as one that ended for another reason.
        desk.state.end_run(row, &complete(Some(due)), &[], at(wall)).unwrap();
    };
    run(&mut desk, "2026-03-01T01:00:00Z", 3_480);
    run(&mut desk, "2026-03-01T02:00:00Z", 3_600);
    run(&mut desk, "2026-03-28T02:00:00Z", 27 * 86_400);
    assert_eq!(oldest(&desk), at("2026-03-01T01:00:00Z"), "the stretch began before");
    let told: Vec<i64> = desk.state.untold("harbour-news").unwrap().into_iter().map(|(row, _)| row).collect();
    let due = desk.look(Some(Missed::Once), "2026-03-28T02:05:00Z", 300)[0].due;
    let row = desk.state.begin_run("harbour-news", Lane::Poll, Some(due), due).unwrap().unwrap();
    desk.state.end_run(row, &complete(Some(due)), &told, due).unwrap();
    assert_eq!(oldest(&desk), at("2026-03-28T02:00:00Z"), "it is told, and nothing keeps them");
}

#[test]
fn of_runs_by_hand_the_newest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), "2026-03-01T00:02:00Z");
    for minute in 0..5 {
        let now = at("2026-03-01T00:02:00Z") + Duration::from_secs(60 * minute);
        let row = desk.state.begin_run("harbour-news", Lane::Poll, None, now).unwrap().unwrap();
        let coverage = schemas::coverage::Coverage { to: now, ..complete(None) };
        desk.state.end_run(row, &coverage, &[], now).unwrap();
    }
    assert_eq!(desk.state.last_coverage("harbour-news").unwrap().unwrap().to, at("2026-03-01T00:06:00Z"));
    let beside = rusqlite::Connection::open(dir.path().join("state.sqlite")).unwrap();
    assert_eq!(beside.query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}
