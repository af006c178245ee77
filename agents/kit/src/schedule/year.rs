//! A year of schedule in simulated time: the real [`Rota`] on the real state, with crashes, sleeps, clocks that are set and a registry that is
//! away. What should run is found by looking at every minute through the zone's own conversions, never by `next_due`.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use schemas::{
    capture::Lane,
    coverage::{Coverage, CoverageState, SkipReason, Skipped},
    schedule::{Jitter, Missed, Schedule},
};

use super::*;
use crate::state::State;

/// Of 2011: a skipped day (Apia), changes at one minute past midnight (St. John's), at midnight (Santiago, Havana, Beirut, Gaza), by half an hour
/// (Lord Howe), by two hours (Troll), around Ramadan (Casablanca), given up for good (Moscow), and a zone of quarters (Kathmandu).
const ZONES: [&str; 12] = [
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

struct Target {
    id: String,
    zone: usize,
    means: Means,
    schedule: Schedule,
    jitter: Jitter,
    missed: Missed,
}

/// 25 targets a zone. The line of five minutes only in so many of them; the others have one of an hour more.
fn targets(often: usize) -> Vec<Target> {
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
fn oracle(targets: &[Target], from: i64, to: i64) -> Vec<HashSet<i64>> {
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

/// Small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.next() % u64::try_from(high - low).unwrap()).unwrap()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// The process ends without a word, and is started again so many seconds later.
    Crash(i64),
    /// The same, right after the next look and before any row is taken.
    CrashOnLook(i64),
    /// The same, right after the next row was taken.
    CrashOnRow(i64),
    Sleep(i64),
    /// The clock is set by so many seconds, and back again some hours later.
    Set(i64),
    NoPolicy(i64),
}

/// Mishaps by time, in seconds since the start: about two a day.
fn mishaps(dice: &mut Dice, secs: i64) -> VecDeque<(i64, Mishap)> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < secs - 3 * 86_400 {
        at += dice.between(1_800, 86_400);
        let rare = dice.between(0, 12) == 0;
        let short = dice.between(20, 5_400);
        let long = dice.between(3_600, 60 * 3_600);
        let lasts = if rare { long } else { short };
        all.push((
            at,
            match dice.between(0, 8) {
                0 => Mishap::Crash(lasts),
                1 => Mishap::CrashOnLook(dice.between(1, 300)),
                2 | 3 => Mishap::CrashOnRow(dice.between(1, 300)),
                4 | 5 => Mishap::Sleep(lasts),
                6 => Mishap::Set(if dice.next().is_multiple_of(2) { lasts + 60 } else { -lasts - 60 }),
                _ => Mishap::NoPolicy(lasts),
            },
        ));
    }
    all.sort_by_key(|(at, _)| *at);
    all.into()
}

/// A run that waits for room, or is being made.
struct Going {
    target: usize,
    due: Timestamp,
    row: Option<i64>,
    /// Seconds of work still to do.
    left: i64,
    _hold: std::sync::Arc<()>,
}

/// Who is at work in one process.
struct Process {
    state: State,
    rota: Rota,
    waiting: VecDeque<Going>,
    going: Vec<Going>,
}

/// Most runs side by side.
const ROOM: usize = 48;

struct Sim {
    dir: tempfile::TempDir,
    targets: Vec<Target>,
    base: i64,
    /// Seconds since the start, those asleep, and how far the wall clock is off.
    passed: i64,
    asleep: i64,
    off: i64,
    off_since: i64,
    unpermitted_since: i64,
    dice: Dice,
    process: Option<Process>,
    /// How often a run came to its end, by target and due second.
    ended: HashMap<(usize, i64), u32>,
    begun: HashSet<(usize, i64)>,
    told: Vec<(usize, Skipped)>,
    /// Wall times in which nobody could look, by the reason that must be given; those of one target for overlap.
    spans: Vec<(SkipReason, Option<usize>, i64, i64)>,
    crash_on_look: Option<i64>,
    crash_on_row: Option<i64>,
    count: BTreeMap<&'static str, u64>,
}

impl Sim {
    fn wall(&self) -> i64 {
        self.base + self.passed + self.off
    }

    fn moment(&self) -> Moment {
        let secs = |secs: i64| Duration::from_secs(u64::try_from(secs).unwrap());
        Moment {
            wall: Timestamp::from_second(self.wall()).unwrap(),
            elapsed: secs(self.passed),
            awake: secs(self.passed - self.asleep),
        }
    }

    fn start(&mut self) {
        let state = State::open(self.dir.path()).unwrap();
        state.without_syncs();
        let process = Process { state, rota: Rota::new(self.moment()), waiting: VecDeque::new(), going: Vec::new() };
        self.process = Some(process);
    }

    /// The process is gone, and everything it knew; what it was making stays without an end.
    fn crash(&mut self, away: i64) {
        let process = self.process.take().unwrap();
        let now = self.wall();
        for going in process.going.iter().chain(&process.waiting) {
            let due = going.due.as_second();
            self.spans.push((SkipReason::Cut, Some(going.target), due, due));
            // A new process cannot know what was in the way of the runs after it.
            self.spans.push((SkipReason::Away, Some(going.target), due, now));
        }
        drop(process);
        // Nor that the clock was set while nobody looked.
        let mut from = if self.off == 0 { self.wall() } else { self.wall().min(self.off_since) };
        // Nor that there was no policy.
        if self.unpermitted_since != 0 {
            from = from.min(self.unpermitted_since);
        }
        self.passed += away;
        self.spans.push((SkipReason::Away, None, from - 301, self.wall()));
        self.start();
    }

    /// One look, and the rows of what there is room for. False where the process ended over it.
    fn look(&mut self, permitted: bool) -> Option<Timestamp> {
        let moment = self.moment();
        let process = self.process.as_mut().unwrap();
        let lines = self.targets.iter().filter(|_| permitted).map(|target| Line {
            target: &target.id,
            schedule: &target.schedule,
            jitter: target.jitter,
            missed: target.missed,
        });
        let look = process.rota.look(moment, lines, &process.state).unwrap();
        for (id, _) in &look.skipped {
            let at = self.targets.iter().position(|target| target.id == *id).unwrap();
            let made_up_for = look.starts.iter().any(|start| start.line == at)
                || self.spans.iter().any(|span| span.0 == SkipReason::Clock);
            let cut = self.spans.iter().rev().take(200).any(|span| span.0 == SkipReason::Cut && span.1 == Some(at));
            assert!(
                self.targets[at].missed == Missed::Skip || made_up_for || cut,
                "`{id}`: nothing stands for what was missed"
            );
        }
        let starts = !look.starts.is_empty();
        for start in look.starts {
            let slow = self.dice.between(0, 400) == 0;
            let left = 15 * if slow { self.dice.between(40, 360) } else { self.dice.between(1, 4) };
            process.waiting.push_back(Going { target: start.line, due: start.due, row: None, left, _hold: start.hold });
        }
        if starts && let Some(away) = self.crash_on_look.take() {
            *self.count.entry("crashes before the row").or_default() += 1;
            self.crash(away);
            return self.look(permitted);
        }
        self.take_rows();
        if let Some(away) = self.crash_on_row.take_if(|_| self.process.as_ref().is_some_and(|p| !p.going.is_empty())) {
            *self.count.entry("crashes after the row").or_default() += 1;
            self.crash(away);
            return self.look(permitted);
        }
        look.next
    }

    fn take_rows(&mut self) {
        let now = self.moment().wall;
        let process = self.process.as_mut().unwrap();
        while process.going.len() < ROOM
            && let Some(mut going) = process.waiting.pop_front()
        {
            let target = &self.targets[going.target];
            assert!(
                process.going.iter().all(|other| other.target != going.target),
                "two runs of `{}` at once",
                target.id
            );
            going.row = process.state.begin_run(&target.id, Lane::Poll, Some(going.due), now).unwrap();
            if going.row.is_some() {
                self.begun.insert((going.target, going.due.as_second()));
                process.going.push(going);
            }
        }
    }

    /// Lets time pass in which the machine is awake.
    fn pass(&mut self, secs: i64) {
        self.passed += secs;
        let process = self.process.as_mut().unwrap();
        process.going.iter_mut().for_each(|going| going.left -= secs);
    }

    /// Ends the runs that are done.
    fn end(&mut self) {
        let now = self.moment().wall;
        let process = self.process.as_mut().unwrap();
        let (done, going) = std::mem::take(&mut process.going).into_iter().partition(|going| going.left <= 0);
        process.going = going;
        let done: Vec<Going> = done;
        for run in done {
            let target = &self.targets[run.target];
            let (told, skipped): (Vec<i64>, Vec<Skipped>) =
                process.state.untold(&target.id).unwrap().into_iter().unzip();
            let coverage = Coverage {
                target: target.id.clone(),
                due: Some(run.due),
                from: run.due,
                to: now,
                state: CoverageState::Complete,
                why: None,
                requests: 1,
                refused: 0,
                failed: 0,
                records: 0,
                new: 0,
                unreadable: 0,
                bytes: 0,
                skipped,
            };
            process.state.end_run(run.row.unwrap(), &coverage, &told, now).unwrap();
            self.told.extend(coverage.skipped.into_iter().map(|skip| (run.target, skip)));
            *self.ended.entry((run.target, run.due.as_second())).or_default() += 1;
            self.spans.push((SkipReason::Overlap, Some(run.target), run.due.as_second(), now.as_second()));
        }
    }

    fn run(&mut self, secs: i64) {
        let mut mishaps = mishaps(&mut self.dice, secs);
        let mut back: Option<(i64, i64)> = None;
        let mut permitted_from = 0;
        self.start();
        while self.passed < secs || self.off != 0 {
            let permitted = self.passed >= permitted_from;
            if permitted && self.unpermitted_since != 0 {
                self.spans.push((SkipReason::NoPolicy, None, self.unpermitted_since, self.wall()));
                self.unpermitted_since = 0;
            }
            let next = self.look(permitted);
            let process = self.process.as_ref().unwrap();
            // As `Agent::run` sleeps, and a run's end rings the alarm.
            let mut wait = next.map_or(300, |next| next.as_second() - self.wall()).clamp(1, 300);
            if let Some(ends) = process.going.iter().map(|going| going.left).min() {
                wait = wait.min(ends.max(1));
            }
            for at in
                [mishaps.front().map(|(at, _)| *at), back.map(|(at, _)| at), (!permitted).then_some(permitted_from)]
            {
                wait = at.map_or(wait, |at| wait.min((at - self.passed).max(1)));
            }
            self.pass(wait);
            self.end();
            if let Some((_, by)) = back.take_if(|(at, _)| *at <= self.passed) {
                self.set(by);
            }
            if let Some((_, mishap)) = mishaps.pop_front_if(|(at, _)| *at <= self.passed) {
                match mishap {
                    Mishap::Crash(away) => self.crash(away),
                    Mishap::CrashOnLook(away) => self.crash_on_look = Some(away),
                    Mishap::CrashOnRow(away) => self.crash_on_row = Some(away),
                    Mishap::Sleep(lasts) => {
                        let from = self.wall();
                        self.passed += lasts;
                        self.asleep += lasts;
                        self.spans.push((SkipReason::Asleep, None, from - 301, self.wall()));
                    }
                    Mishap::Set(by) if self.off == 0 => {
                        self.set(by);
                        back = Some((self.passed + self.dice.between(600, 40_000), -by));
                    }
                    Mishap::Set(_) => continue,
                    Mishap::NoPolicy(lasts) => {
                        permitted_from = self.passed + lasts;
                        self.unpermitted_since = self.wall();
                    }
                }
                let name = match mishap {
                    Mishap::Crash(_) => "crashes",
                    Mishap::Sleep(_) => "sleeps",
                    Mishap::Set(_) => "clocks set and set back",
                    Mishap::NoPolicy(_) => "times without policy",
                    Mishap::CrashOnLook(_) | Mishap::CrashOnRow(_) => continue,
                };
                *self.count.entry(name).or_default() += 1;
            }
        }
    }

    fn set(&mut self, by: i64) {
        let from = self.wall();
        self.off += by;
        // All the time that the clock was off is in doubt.
        let began = if by == self.off { from } else { self.off_since };
        self.off_since = began;
        let (low, high) = (from.min(self.wall()).min(began), from.max(self.wall()));
        self.spans.push((SkipReason::Clock, None, low - 301, high));
    }
}

/// What became of the expected runs of one zone.
#[derive(Default)]
struct Sum {
    expected: u64,
    made: u64,
    skipped: BTreeMap<SkipReason, u64>,
    lost: Vec<String>,
    unasked: Vec<String>,
    doubled: u64,
    unfounded: Vec<String>,
}

fn simulate(from: &str, days: i64, often: usize, seed: u64) {
    let from: i64 = from.parse::<Timestamp>().unwrap().as_second();
    let targets = targets(often);
    let due = oracle(&targets, from, from + days * 86_400);
    let mut sim = Sim {
        dir: tempfile::tempdir().unwrap(),
        targets,
        base: from - 1,
        passed: 0,
        asleep: 0,
        off: 0,
        off_since: 0,
        unpermitted_since: 0,
        dice: Dice(seed),
        process: None,
        ended: HashMap::new(),
        begun: HashSet::new(),
        told: Vec::new(),
        spans: Vec::new(),
        crash_on_look: None,
        crash_on_row: None,
        count: BTreeMap::new(),
    };
    sim.run(days * 86_400 + 7_200);
    let process = sim.process.take().unwrap();
    for (at, target) in sim.targets.iter().enumerate() {
        let untold = process.state.untold(&target.id).unwrap();
        sim.told.extend(untold.into_iter().map(|(_, skip)| (at, skip)));
    }
    judge(&sim, &due, days);
}

fn judge(sim: &Sim, due: &[HashSet<i64>], days: i64) {
    let mut told: Vec<Vec<&Skipped>> = sim.targets.iter().map(|_| Vec::new()).collect();
    for (target, skip) in &sim.told {
        told[*target].push(skip);
    }
    let mut mine: HashMap<usize, Vec<_>> = HashMap::new();
    let mut all = Vec::new();
    for span in &sim.spans {
        match span.1 {
            Some(target) => mine.entry(target).or_default().push(span),
            None => all.push(span),
        }
    }
    let mut sums: Vec<Sum> = ZONES.iter().map(|_| Sum::default()).collect();
    for (at, target) in sim.targets.iter().enumerate() {
        let sum = &mut sums[target.zone];
        let own = mine.remove(&at).unwrap_or_default();
        for second in &due[at] {
            sum.expected += 1;
            let when = Timestamp::from_second(*second).unwrap();
            let name = || format!("{} `{}` {when}", target.id, target.schedule.line());
            match sim.ended.get(&(at, *second)) {
                Some(1) => sum.made += 1,
                Some(_) => {
                    sum.made += 1;
                    sum.doubled += 1;
                }
                None => match told[at].iter().find(|skip| skip.first <= when && when <= skip.last) {
                    None => sum.lost.push(name()),
                    Some(skip) => {
                        *sum.skipped.entry(skip.why).or_default() += 1;
                        let because = |span: &&&(SkipReason, Option<usize>, i64, i64)| {
                            span.0 == skip.why && span.2 <= *second && *second <= span.3
                        };
                        if !own.iter().any(|span| because(&span)) && !all.iter().any(|span| because(&span)) {
                            let near = all
                                .iter()
                                .chain(&own)
                                .filter(|span| span.2 - 9_000 < *second && *second < span.3 + 9_000);
                            let near: Vec<String> = near
                                .map(|span| format!("{:?} {} {}", span.0, span.2 - second, span.3 - second))
                                .collect();
                            sum.unfounded.push(format!("{} {skip:?}, near it {near:?}", name()));
                        }
                    }
                },
            }
        }
        let late = i64::from(target.jitter.secs());
        let end = sim.base + 1 + days * 86_400;
        let asked = |second: &i64| *second <= sim.base + late || *second >= end || due[at].contains(second);
        let begun = sim.begun.iter().filter(|(target, _)| *target == at).map(|(_, second)| second);
        sum.unasked.extend(begun.filter(|second| !asked(second)).map(|second| {
            format!("{} `{}` {}", target.id, target.schedule.line(), Timestamp::from_second(*second).unwrap())
        }));
    }
    println!(
        "{days} days of {}, {} targets; {:?}",
        Timestamp::from_second(sim.base + 1).unwrap(),
        sim.targets.len(),
        sim.count
    );
    print!("{:<20}{:>10}{:>10}", "zone", "expected", "made");
    SkipReason::ALL.iter().for_each(|why| print!("{:>10}", format!("{why:?}").to_lowercase()));
    println!("{:>6}{:>9}", "lost", "doubled");
    for (zone, sum) in ZONES.iter().zip(&sums) {
        print!("{zone:<20}{:>10}{:>10}", sum.expected, sum.made);
        SkipReason::ALL.iter().for_each(|why| print!("{:>10}", sum.skipped.get(why).copied().unwrap_or_default()));
        println!("{:>6}{:>9}", sum.lost.len(), sum.doubled);
    }
    let total = |of: fn(&Sum) -> u64| sums.iter().map(of).sum::<u64>();
    let (expected, made) = (total(|sum| sum.expected), total(|sum| sum.made));
    println!("all: {expected} expected, {made} made, {} skipped with a reason", expected - made);
    let some = |of: fn(&Sum) -> &Vec<String>| sums.iter().flat_map(of).take(10).cloned().collect::<Vec<_>>().join("\n");
    assert_eq!(some(|sum| &sum.lost), "", "neither made nor skipped");
    assert_eq!(some(|sum| &sum.unasked), "", "made and not due by the oracle");
    assert_eq!(some(|sum| &sum.unfounded), "", "skipped for a reason that was none");
    assert_eq!(total(|sum| sum.doubled), 0, "doubled");
    assert!(made * 100 > expected * 60, "most runs are made");
}

#[test]
fn schedule_is_right_on_the_worst_days() {
    if std::env::var("VIGIE_LONG").is_ok_and(|long| long == "1") {
        simulate("2011-01-01T00:00:00Z", 365, ZONES.len(), 3);
        simulate("2026-01-01T00:00:00Z", 365, 1, 5);
    } else {
        // The clocks of ten of the twelve zones change within it.
        simulate("2011-03-12T00:00:00Z", 30, 1, 3);
    }
}
