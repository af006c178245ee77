//! What should run: found by looking at every minute through the zone's own conversions, never by `next_due`.

use std::collections::HashSet;

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use schemas::schedule::{Jitter, Missed, Schedule};

/// Of 2011: a skipped day (Apia), changes at one minute past midnight (St. John's), at midnight (Santiago, Havana, Beirut, Gaza), by half an hour
/// (Lord Howe), by two hours (Troll), around Ramadan (Casablanca), given up for good (Moscow), and a zone of quarters (Kathmandu).
pub(super) const ZONES: [&str; 12] = [
    "America/St_Johns",
    "America/Toronto",
    "America/Santiago",
    "America/Havana",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Europe/Moscow",
    "Australia/Lord_Howe",
    "Pacific/Apia",
];

/// What a line means, said a second time and otherwise.
#[derive(Clone, Copy)]
enum Means {
    /// At whole multiples of so many seconds.
    Every(i64),
    /// Whenever the local clock reads so.
    Reads(fn(DateTime) -> bool),
    /// When the local clock first reaches such a time.
    Reaches(fn(DateTime) -> bool),
}

fn hm(t: DateTime, hour: i8, minute: i8) -> bool {
    t.hour() == hour && t.minute() == minute
}

fn weekday(t: DateTime) -> bool {
    !matches!(t.weekday(), Weekday::Saturday | Weekday::Sunday)
}

const OFTEN: (&str, Means) = ("*/5 * * * *", Means::Reads(|t| t.minute() % 5 == 0));

const LINES: [(&str, Means); 24] = [
    ("@hourly", Means::Reads(|t| t.minute() == 0)),
    ("17 */2 * * *", Means::Reaches(|t| t.hour() % 2 == 0 && t.minute() == 17)),
    ("30 * * * *", Means::Reads(|t| t.minute() == 30)),
    ("every 1h", Means::Every(3_600)),
    ("0 * * * MON-FRI", Means::Reads(|t| t.minute() == 0 && weekday(t))),
    ("30 2 * * *", Means::Reaches(|t| hm(t, 2, 30))),
    ("0 0 * * *", Means::Reaches(|t| hm(t, 0, 0))),
    ("@daily", Means::Reaches(|t| hm(t, 0, 0))),
    ("15 0 * * *", Means::Reaches(|t| hm(t, 0, 15))),
    ("45 23 * * *", Means::Reaches(|t| hm(t, 23, 45))),
    ("30 1 * * *", Means::Reaches(|t| hm(t, 1, 30))),
    ("0 9 * * *", Means::Reaches(|t| hm(t, 9, 0))),
    ("0 */6 * * *", Means::Reaches(|t| t.hour() % 6 == 0 && t.minute() == 0)),
    ("0,30 1-3 * * *", Means::Reaches(|t| (1..=3).contains(&t.hour()) && t.minute() % 30 == 0)),
    ("every 1d", Means::Every(86_400)),
    ("0 9 * * MON-FRI", Means::Reaches(|t| hm(t, 9, 0) && weekday(t))),
    ("30 0 * * 1-5", Means::Reaches(|t| hm(t, 0, 30) && weekday(t))),
    ("5 3 * * 2,4", Means::Reaches(|t| hm(t, 3, 5) && matches!(t.weekday(), Weekday::Tuesday | Weekday::Thursday))),
    ("@weekly", Means::Reaches(|t| hm(t, 0, 0) && t.weekday() == Weekday::Sunday)),
    ("30 2 * * SUN", Means::Reaches(|t| hm(t, 2, 30) && t.weekday() == Weekday::Sunday)),
    ("0 0 * * FRI", Means::Reaches(|t| hm(t, 0, 0) && t.weekday() == Weekday::Friday)),
    ("0 0 1 * *", Means::Reaches(|t| hm(t, 0, 0) && t.day() == 1)),
    ("30 2 30 * *", Means::Reaches(|t| hm(t, 2, 30) && t.day() == 30)),
    ("0 12 15 * *", Means::Reaches(|t| hm(t, 12, 0) && t.day() == 15)),
];

#[derive(Clone)]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) zone: usize,
    means: Means,
    pub(super) schedule: Schedule,
    pub(super) jitter: Jitter,
    pub(super) missed: Missed,
}

/// 25 targets a zone. The line of five minutes only in so many of them; the others have one of an hour more.
pub(super) fn targets(often: usize) -> Vec<Target> {
    let mut all = Vec::new();
    for (zone, name) in ZONES.iter().enumerate() {
        let first = if zone < often { OFTEN } else { LINES[0] };
        for (number, (line, means)) in std::iter::once(first).chain(LINES).enumerate() {
            let id = format!("{name}-{number}");
            all.push(Target {
                zone,
                means,
                schedule: Schedule::parse(line, name).unwrap(),
                jitter: Jitter::of(&id, if number == 0 { 0 } else { 240 }),
                missed: if number % 2 == 0 { Missed::Once } else { Missed::Skip },
                id,
            });
        }
    }
    all
}

/// Due times of every target by brute force: minute after minute, what does the clock of the zone read?
pub(super) fn oracle(targets: &[Target], from: i64, to: i64) -> Vec<HashSet<i64>> {
    let mut due: Vec<HashSet<i64>> = targets.iter().map(|_| HashSet::new()).collect();
    for (zone, name) in ZONES.iter().enumerate() {
        let tz: TimeZone = TimeZoneDatabase::bundled().get(name).unwrap();
        let mine: Vec<usize> = (0..targets.len()).filter(|at| targets[*at].zone == zone).collect();
        // Two days ahead, so that what the clock has reached is known at the start.
        let mut reached: Option<DateTime> = None;
        for minute in (from - 2 * 86_400) / 60..to / 60 {
            let second = minute * 60;
            let reads = tz.to_datetime(Timestamp::from_second(second).unwrap());
            // Everything the clock has now reached and had not before: one minute, or all of a gap.
            let mut fresh = Vec::new();
            let mut at = reached.map_or(reads, |reached| reached.checked_add(SignedDuration::from_mins(1)).unwrap());
            while at <= reads {
                fresh.push(at);
                at = at.checked_add(SignedDuration::from_mins(1)).unwrap();
            }
            reached = reached.max(Some(reads));
            for target in &mine {
                let is_due = match targets[*target].means {
                    Means::Every(secs) => second % secs == 0,
                    Means::Reads(matches) => matches(reads),
                    Means::Reaches(matches) => fresh.iter().any(|at| matches(*at)),
                };
                let at = second + i64::from(targets[*target].jitter.secs());
                if is_due && (from..to).contains(&at) {
                    due[*target].insert(at);
                }
            }
        }
    }
    due
}
