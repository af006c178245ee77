//! When a target is due: lines, zones, clock changes, missed runs.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use schemas::schedule::{Due, Jitter, Missed, Schedule, catch_up};
use serde::Deserialize;

fn schedule(line: &str, zone: &str) -> Schedule {
    Schedule::parse(line, zone).unwrap_or_else(|error| panic!("{line} in {zone}: {error}"))
}

fn time(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// The dues with `from <= at < to`, in UTC.
#[track_caller]
fn check(line: &str, zone: &str, from: &str, to: &str, expected: &[&str]) {
    let found: Vec<_> =
        schedule(line, zone).between(time(from), time(to), Jitter::NONE).map(|due| due.at.to_string()).collect();
    assert_eq!(found, expected, "{line} in {zone}");
}

#[track_caller]
fn refused(line: &str, expected: &str) {
    let error = Schedule::parse(line, "UTC").expect_err(line);
    assert_eq!(error.to_string(), expected, "{line}");
}

#[test]
fn every_row_of_the_independent_oracle_holds() {
    #[derive(Deserialize)]
    struct Row {
        line: String,
        zone: String,
        after: Timestamp,
        until: Timestamp,
        due: Vec<Timestamp>,
    }
    let mut rows = 0;
    let mut wrong = Vec::new();
    for text in include_str!("../vectors/schedule.jsonl").lines() {
        let row: Row = serde_json::from_str(text).unwrap();
        let nano = SignedDuration::from_nanos(1);
        let found: Vec<_> = schedule(&row.line, &row.zone)
            .between(row.after + nano, row.until + nano, Jitter::NONE)
            .map(|due| due.nominal)
            .collect();
        rows += 1;
        if found != row.due {
            wrong.push(format!("{text}\n  found {found:?}"));
        }
    }
    assert!(rows > 2_500, "only {rows} rows");
    assert!(wrong.is_empty(), "{} of {rows} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn time_that_a_clock_skips_is_due_when_the_gap_ends() {
    // Toronto, 8 March 2026: 01:59:59 EST is followed by 03:00:00 EDT, at 07:00Z.
    let (from, to) = ("2026-03-08T05:00:00Z", "2026-03-09T05:00:00Z");
    check("30 2 * * *", "America/Toronto", from, to, &["2026-03-08T07:00:00Z"]);
    // Several in one gap, and one at its end, are due once.
    check(
        "0,20,40 2,3 8 3 *",
        "America/Toronto",
        from,
        to,
        &["2026-03-08T07:00:00Z", "2026-03-08T07:20:00Z", "2026-03-08T07:40:00Z"],
    );
}

#[test]
fn time_that_happens_twice_is_due_once_at_its_first_occurrence() {
    // Toronto, 1 November 2026: 01:59:59 EDT is followed by 01:00:00 EST, at 06:00Z.
    let (from, to) = ("2026-11-01T04:00:00Z", "2026-11-02T04:00:00Z");
    check("30 1 * * *", "America/Toronto", from, to, &["2026-11-01T05:30:00Z"]);
    // Asked from inside the second pass, nothing is left of it.
    check("30 1 * * *", "America/Toronto", "2026-11-01T06:05:00Z", to, &[]);
    check(
        "*/30 0-2 * * *",
        "America/Toronto",
        from,
        to,
        &[
            "2026-11-01T04:00:00Z",
            "2026-11-01T04:30:00Z",
            "2026-11-01T05:00:00Z",
            "2026-11-01T05:30:00Z",
            "2026-11-01T07:00:00Z",
            "2026-11-01T07:30:00Z",
        ],
    );
}

#[test]
fn hourly_line_runs_every_hour_through_both_changes() {
    for (from, to) in
        [("2026-03-08T04:10:00Z", "2026-03-08T10:10:00Z"), ("2026-11-01T03:10:00Z", "2026-11-01T09:10:00Z")]
    {
        let dues: Vec<_> =
            schedule("17 * * * *", "America/Toronto").between(time(from), time(to), Jitter::NONE).collect();
        assert_eq!(dues.len(), 6);
        for pair in dues.windows(2) {
            assert_eq!(pair[1].at.duration_since(pair[0].at), SignedDuration::from_hours(1));
        }
    }
}

#[test]
fn hourly_line_waits_longer_where_the_clock_moves_by_half_an_hour() {
    // Lord Howe, 5 April 2026: 01:59:59 at +11:00 is followed by 01:30:00 at +10:30, at 15:00Z of the 4th.
    check(
        "0 * * * *",
        "Australia/Lord_Howe",
        "2026-04-04T13:30:00Z",
        "2026-04-04T17:00:00Z",
        &["2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"],
    );
}

#[test]
fn skipped_day_is_a_gap_like_any_other() {
    // Apia had no 30 December 2011: the 29th ended at 10:00Z of the 30th, and the 31st began.
    let (from, to) = ("2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z");
    check("0 9 30 12 *", "Pacific/Apia", from, to, &["2011-12-30T10:00:00Z"]);
    check(
        "0 9 * * *",
        "Pacific/Apia",
        from,
        to,
        &["2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"],
    );
    check("0 * 30 12 *", "Pacific/Apia", from, to, &[]);
}

#[test]
fn day_of_month_and_day_of_week_must_both_match() {
    check(
        "0 0 13 * FRI",
        "UTC",
        "2026-01-01T00:00:00Z",
        "2026-12-31T00:00:00Z",
        &["2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z"],
    );
    // 29 February on a Sunday: after 2032 not again for 28 years.
    check(
        "0 0 29 2 SUN",
        "UTC",
        "2030-01-01T00:00:00Z",
        "2080-01-01T00:00:00Z",
        &["2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z"],
    );
}

#[test]
fn shortcuts_names_lists_and_intervals_mean_what_they_say() {
    let day = ("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z");
    let week = ("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z");
    for (line, zone, same) in [
        ("@hourly", "Asia/Kolkata", "0 * * * *"),
        ("@daily", "Asia/Kolkata", "0 0 * * *"),
        ("@weekly", "Asia/Kolkata", "0 0 * * 7"),
        ("0 9 * nov sun", "UTC", "0 0 9 * 11 0"),
        ("0 9 * * fri-sun", "UTC", "0 9 * * 0,5,6"),
        ("5-20/15 9 * * *", "UTC", "5,20 9 * * *"),
        ("  */20   9 * * * ", "UTC", "0,20,40 9 * * *"),
        ("every 90m", "Asia/Kolkata", "every 5400s"),
        ("every 1d", "Asia/Kolkata", "every 24h"),
    ] {
        let dues = |line| schedule(line, zone).between(time(week.0), time(week.1), Jitter::NONE).collect::<Vec<_>>();
        assert_eq!(dues(line), dues(same), "{line}");
        assert!(!dues(line).is_empty(), "{line}");
    }
    check(
        "every 8h",
        "Asia/Kolkata",
        day.0,
        day.1,
        &["2026-11-22T00:00:00Z", "2026-11-22T08:00:00Z", "2026-11-22T16:00:00Z"],
    );
    check(
        "every 1d",
        "UTC",
        "1969-12-30T23:00:00Z",
        "1970-01-01T00:00:01Z",
        &["1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"],
    );
}

#[test]
fn refusals_name_the_field_and_the_way_out() {
    refused("60 * * * *", "minute `60`: not a number from 0 to 59");
    refused("0 24 * * *", "hour `24`: not a number from 0 to 23");
    refused("0 0 0 * *", "day of month `0`: not a number from 1 to 31");
    refused("0 0 * MAI *", "month `MAI`: not a number from 1 to 12 or a name from JAN to DEC");
    refused("0 0 * * 8", "day of week `8`: not a number from 0 to 7 or a name from SUN to SAT");
    refused("0 0 L * *", "day of month `L`: not a number from 1 to 31");
    refused("0 +1 * * *", "hour `+1`: not a number from 0 to 23");
    refused("1,,2 * * * *", "minute ``: not a number from 0 to 59");
    refused("0 22-3 * * *", "hour `22-3`: a range runs upwards; write `22-23,0-3` to go around");
    refused("*/0 * * * *", "minute `*/0`: a step here is a number from 1 to 59");
    refused("*/70 * * * *", "minute `*/70`: a step here is a number from 1 to 59");
    refused("5/10 * * * *", "minute `5/10`: a step needs a range, as in `5-59/5` or `*/5`");
    refused("0 0 30 2 *", "day of month and month never meet: no month of `2` has a day of `30`");
    refused("0 0 31 2,4,6 *", "day of month and month never meet: no month of `2,4,6` has a day of `31`");
    refused("* * * * * *", "runs would be 1 s apart; the shortest interval allowed is 10 s");
    refused("0,55 * * * * *", "runs would be 5 s apart; the shortest interval allowed is 10 s");
    refused("every 9s", "runs would be 9 s apart; the shortest interval allowed is 10 s");
    refused(
        "every 0h",
        "`0h` is not an interval; write a number from 1 and one of `s`, `m`, `h`, `d`, as in `every 15m`",
    );
    refused("every 367d", "an interval of `367d` is longer than the 366 days allowed");
    refused("@yearly", "shortcut `@yearly` is not known; there are `@hourly`, `@daily` and `@weekly`");
    for line in ["", "0 0 * *", "0 0 0 * * * 2026", "every", "every 5 m"] {
        let said = Schedule::parse(line, "UTC").unwrap_err().to_string();
        assert!(said.starts_with("schedule line has "), "{line}: {said}");
    }
    assert!(Schedule::parse(&"1,".repeat(101), "UTC").is_err());
    for line in ["every é", "every 99999999999d", "every 1w", "every -5m", "every d"] {
        let said = Schedule::parse(line, "UTC").unwrap_err().to_string();
        assert!(said.contains("is not an interval"), "{line}: {said}");
    }
}

#[test]
fn seconds_of_neighbouring_minutes_count_as_close_only_if_both_are_named() {
    assert!(Schedule::parse("0,55 */2 * * * *", "UTC").is_ok());
    assert!(Schedule::parse("0,55 0,59 * * * *", "UTC").is_err());
    assert!(Schedule::parse("*/10 * * * * *", "UTC").is_ok());
}

#[test]
fn zone_must_be_known_and_spelt_as_in_the_database() {
    let said = |zone| Schedule::parse("@daily", zone).unwrap_err().to_string();
    assert_eq!(said("europe/paris"), "time zone `europe/paris` is spelt `Europe/Paris`");
    for zone in ["", "Mars/Olympus", "EST5EDT4", "+02:00", "../etc/localtime", "Etc/Unknown"] {
        assert!(said(zone).contains("is not in the IANA database"), "{zone}: {}", said(zone));
    }
}

#[test]
fn jitter_is_a_fixed_function_of_the_target() {
    // First eight bytes of SHA-256 of "harbour-news", modulo 301.
    assert_eq!(Jitter::of("harbour-news", 300).secs(), 34);
    assert_eq!(Jitter::of("harbour-news", 0), Jitter::NONE);
    let all: Vec<_> = (0..2_000).map(|n| Jitter::of(&format!("target-{n}"), 9).secs()).collect();
    assert!((0..=9).all(|secs| all.contains(&secs)) && all.iter().all(|secs| *secs <= 9));
    assert!(Jitter::of("harbour-news", u32::MAX).secs() > 0);
}

#[test]
fn restart_between_nominal_time_and_start_keeps_the_run() {
    let jitter = Jitter::of("harbour-news", 300);
    let late = SignedDuration::from_secs(i64::from(jitter.secs()));
    let nominal = time("2026-11-22T09:00:00Z");
    let due = schedule("0 9 * * *", "UTC").next_due(nominal, jitter).unwrap();
    assert_eq!(due, Due { nominal, at: nominal + late });
    let next = schedule("0 9 * * *", "UTC").next_due(due.at, jitter).unwrap();
    assert_eq!(next.nominal, time("2026-11-23T09:00:00Z"));
}

#[test]
fn missed_runs_are_skipped_or_made_up_for_once() {
    let hourly = schedule("0 * * * *", "America/Toronto");
    let last = Some(time("2026-11-01T00:00:00Z"));
    let go = |last, now, policy| {
        let runs = catch_up(&hourly, last, time(now), policy, Jitter::NONE);
        runs.iter().map(|due| due.at.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(go(last, "2026-11-03T09:20:00Z", Missed::Once), ["2026-11-03T09:00:00Z"]);
    assert_eq!(go(last, "2026-11-01T01:00:00.5Z", Missed::Once), ["2026-11-01T01:00:00Z"]);
    assert!(go(last, "2026-11-03T09:20:00Z", Missed::Skip).is_empty());
    assert!(go(last, "2026-11-01T00:59:59Z", Missed::Once).is_empty());
    assert!(go(None, "2026-11-03T09:20:00Z", Missed::Once).is_empty());
    // A clock that was set back: the last run lies ahead.
    assert!(go(last, "2026-10-01T00:00:00Z", Missed::Once).is_empty());
    // Due at this very moment is on time.
    assert_eq!(go(last, "2026-11-01T03:00:00Z", Missed::Skip), ["2026-11-01T03:00:00Z"]);
    assert_eq!(go(last, "2026-11-01T03:00:00Z", Missed::Once), ["2026-11-01T03:00:00Z"]);
}

#[test]
fn schedule_is_written_as_given_and_checked_when_read() {
    let text = r#"{"line":"*/15  * * * *","zone":"America/St_Johns"}"#;
    let read: Schedule = serde_json::from_str(text).unwrap();
    assert_eq!((read.line(), read.zone()), ("*/15  * * * *", "America/St_Johns"));
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    let error = serde_json::from_str::<Schedule>(r#"{"line":"61 * * * *","zone":"UTC"}"#).unwrap_err();
    assert!(error.to_string().contains("minute `61`"), "{error}");
    assert!(serde_json::from_str::<Schedule>(r#"{"line":"@daily","zone":"UTC","x":1}"#).is_err());
    let due = schedule("@daily", "UTC").next_due(time("2026-11-22T00:00:00Z"), Jitter::NONE).unwrap();
    assert_eq!(
        serde_json::to_string(&due).unwrap(),
        r#"{"nominal":"2026-11-23T00:00:00Z","at":"2026-11-23T00:00:00Z"}"#
    );
    assert_eq!(serde_json::to_string(&Missed::Once).unwrap(), r#""once""#);
    let schema = serde_json::to_value(schemars::schema_for!(Schedule)).unwrap();
    assert_eq!(schema["properties"]["line"]["maxLength"], 200);
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn ends_of_the_calendar_are_answered() {
    for line in ["30 2 * * *", "*/15 * * * *", "every 1d", "0 0 29 2 SUN"] {
        for zone in ["Europe/Paris", "Pacific/Apia", "UTC"] {
            let schedule = schedule(line, zone);
            assert_eq!(schedule.next_due(Timestamp::MAX, Jitter::NONE), None);
            assert_eq!(schedule.next_due(Timestamp::MAX, Jitter::of("a", u32::MAX)), None);
            let first = schedule.next_due(Timestamp::MIN, Jitter::of("a", u32::MAX)).unwrap();
            assert!(first.nominal <= first.at);
        }
    }
}

const ZONES: &[&str] = &[
    "America/St_Johns",
    "America/Toronto",
    "America/Sao_Paulo",
    "Europe/Paris",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Antarctica/Troll",
    "UTC",
];

fn any_line() -> impl Strategy<Value = String> {
    let cron = (
        prop_oneof!["[0-5]?[0-9]", Just("*/20".to_owned()), Just("0,30".to_owned()), Just("10-50/10".to_owned())],
        prop_oneof![Just("*".to_owned()), "[01]?[0-9]", Just("0-3".to_owned()), Just("*/2".to_owned())],
        prop_oneof![4 => Just("*"), 1 => Just("1-15"), 1 => Just("*/3")],
        prop_oneof![4 => Just("*"), 1 => Just("MAR-APR,SEP-NOV")],
        prop_oneof![4 => Just("*"), 1 => Just("SUN"), 1 => Just("1-5")],
        prop_oneof![4 => Just(""), 1 => Just("30 "), 1 => Just("*/30 ")],
    )
        .prop_map(|(minute, hour, day, month, weekday, second)| {
            format!("{second}{minute} {hour} {day} {month} {weekday}")
        });
    prop_oneof![8 => cron, 1 => (10u32..100_000).prop_map(|secs| format!("every {secs}s"))]
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    (any_line(), prop::sample::select(ZONES)).prop_map(|(line, zone)| schedule(&line, zone))
}

/// From 1995 to 2035, seldom on a whole second; half of them within two days of a clock change.
fn any_moment() -> impl Strategy<Value = (i64, i32, bool)> {
    (788_918_400i64..2_051_222_400, 0i32..1_000_000_000, any::<bool>())
}

fn moment(schedule: &Schedule, (second, nano, near): (i64, i32, bool)) -> Timestamp {
    let start = Timestamp::new(second, nano).expect("from 1995 to 2035");
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(schedule.zone()).expect("it was parsed");
    match zone.following(start).next() {
        Some(change) if near => change.timestamp() - SignedDuration::from_secs(second % 172_800),
        _ => start,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn dues_strictly_increase_and_lie_ahead(schedule in any_schedule(), from in any_moment(), jitter in 0u32..100_000) {
        let jitter = Jitter::of("target", jitter);
        let mut now = moment(&schedule, from);
        for _ in 0..60 {
            let due = schedule.next_due(now, jitter).unwrap();
            prop_assert!(due.at > now);
            prop_assert_eq!(due.at.duration_since(due.nominal).as_secs(), i64::from(jitter.secs()));
            prop_assert_eq!(due.nominal.subsec_nanosecond(), 0);
            now = due.at;
        }
    }

    #[test]
    fn between_is_repeated_next_due(schedule in any_schedule(), from in any_moment(), hours in 1i64..100) {
        let jitter = Jitter::of("target", 3_600);
        let from = moment(&schedule, from);
        let to = from + SignedDuration::from_hours(hours);
        let all: Vec<_> = schedule.between(from, to, jitter).take(300).collect();
        let mut now = from - SignedDuration::from_nanos(1);
        for due in &all {
            prop_assert_eq!(Some(*due), schedule.next_due(now, jitter));
            prop_assert!(from <= due.at && due.at < to);
            now = due.at;
        }
        if all.len() < 300 {
            prop_assert!(schedule.next_due(now, jitter).unwrap().at >= to);
        }
        // Two windows that meet hold what the one holds, wherever they meet.
        let middle = from + SignedDuration::from_mins(hours * 23);
        let parts: Vec<_> = schedule
            .between(from, middle, jitter)
            .chain(schedule.between(middle, to, jitter))
            .take(300)
            .collect();
        prop_assert_eq!(parts, all);
    }

    #[test]
    fn fixed_line_never_has_one_local_time_twice(
        minute in 0u8..60, hours in prop::collection::btree_set(0u8..24, 1..23),
        zone in prop::sample::select(ZONES), from in any_moment(),
    ) {
        let hours: Vec<_> = hours.iter().map(u8::to_string).collect();
        let schedule = schedule(&format!("{minute} {} * * *", hours.join(",")), zone);
        let tz = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
        let from = moment(&schedule, from);
        let local: Vec<_> = schedule
            .between(from, from + SignedDuration::from_hours(96), Jitter::NONE)
            .map(|due| tz.to_datetime(due.nominal))
            .collect();
        prop_assert!(local.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", local);
    }

    #[test]
    fn caught_up_run_is_the_newest_one_missed(schedule in any_schedule(), from in any_moment(), secs in 0i64..400_000) {
        let jitter = Jitter::of("target", 600);
        let last = moment(&schedule, from);
        let now = last + SignedDuration::from_secs(secs);
        let newest = std::iter::successors(schedule.next_due(last, jitter), |due| schedule.next_due(due.at, jitter))
            .take_while(|due| due.at <= now)
            .last();
        prop_assert_eq!(catch_up(&schedule, Some(last), now, Missed::Once, jitter), Vec::from_iter(newest));
    }

    #[test]
    fn any_text_is_answered_without_a_panic(line in any::<String>(), zone in any::<String>(), at in any::<i64>()) {
        let _ = Schedule::parse(&line, &zone);
        let _ = Schedule::parse("@daily", &zone);
        if let (Ok(schedule), Ok(at)) = (Schedule::parse(&line, "UTC"), Timestamp::from_second(at)) {
            let _ = schedule.next_due(at, Jitter::NONE);
        }
    }

    #[test]
    fn any_cronish_line_is_answered_without_a_panic(line in "((every |@)?[0-9*/,A-Za-z-]{1,6} ?){1,7}") {
        if let Ok(schedule) = Schedule::parse(&line, "America/Toronto") {
            prop_assert!(schedule.next_due(time("2026-11-01T05:00:00Z"), Jitter::NONE).is_some());
        }
    }
}
