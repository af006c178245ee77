//! The machine, its clocks and its processes in simulated time: the real [`Rota`] on the real state.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use schemas::{
    capture::Lane,
    coverage::{Coverage, CoverageState, SkipReason, Skipped},
    schedule::Missed,
};

use super::{
    mishaps::{Dice, Mishap, mishaps},
    oracle::Target,
};
use crate::{
    schedule::{Line, Moment, Rota},
    state::State,
};

/// Most runs side by side.
const ROOM: usize = 48;

/// Wall times that give a reason, both included.
pub(super) type Span = (SkipReason, i64, i64);

/// What came of it.
#[derive(Default)]
pub(super) struct Happened {
    /// How often a run came to its end, by target and due second.
    pub(super) ended: Vec<HashMap<i64, u32>>,
    pub(super) begun: Vec<HashSet<i64>>,
    pub(super) told: Vec<Vec<Skipped>>,
    /// Reasons for every target, and for one.
    pub(super) all: Vec<Span>,
    pub(super) own: Vec<Vec<Span>>,
    pub(super) count: BTreeMap<&'static str, u64>,
    /// Mishaps, by the wall clock when they came.
    pub(super) log: Vec<(i64, Mishap)>,
}

/// A run that waits for room, or is being made.
struct Going {
    target: usize,
    due: Timestamp,
    row: Option<i64>,
    /// Seconds of work still to do.
    left: i64,
    /// The earliest and the latest that a clock read while it was under way.
    low: i64,
    high: i64,
    _hold: Arc<()>,
}

/// Who is at work in one process.
struct Process {
    state: State,
    rota: Rota,
    waiting: VecDeque<Going>,
    going: Vec<Going>,
    /// Those that ended since the last look.
    gone: Vec<Going>,
}

pub(super) struct Sim<'a> {
    dir: tempfile::TempDir,
    targets: &'a [Target],
    base: i64,
    /// Seconds since the start, those asleep, and how far the wall clock is off.
    passed: i64,
    asleep: i64,
    off: i64,
    off_since: i64,
    unpermitted_since: Option<i64>,
    /// How many of the reasons were there at the last look.
    looked: usize,
    dice: Dice,
    /// Which runs fail of the agent's own disk.
    fails: Dice,
    process: Option<Process>,
    crash_on_look: Option<i64>,
    crash_on_row: Option<i64>,
    happened: Happened,
}

impl<'a> Sim<'a> {
    /// At rest, a second before `from`.
    pub(super) fn new(targets: &'a [Target], from: i64, seed: u64) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            targets,
            base: from - 1,
            passed: 0,
            asleep: 0,
            off: 0,
            off_since: 0,
            unpermitted_since: None,
            looked: 0,
            dice: Dice(seed),
            fails: Dice(!seed),
            process: None,
            crash_on_look: None,
            crash_on_row: None,
            happened: Happened {
                ended: vec![HashMap::new(); targets.len()],
                begun: vec![HashSet::new(); targets.len()],
                told: vec![Vec::new(); targets.len()],
                own: vec![Vec::new(); targets.len()],
                ..Happened::default()
            },
        }
    }

    /// Lives so many seconds, and until the clock is right again. What was not told by then is taken for told.
    pub(super) fn run(mut self, secs: i64) -> Happened {
        let mut mishaps = mishaps(&mut self.dice, secs);
        let mut back: Option<(i64, i64)> = None;
        let mut permitted_from = 0;
        self.start();
        while self.passed < secs || self.off != 0 {
            let permitted = self.passed >= permitted_from;
            if permitted && let Some(since) = self.unpermitted_since.take() {
                self.happened.all.push((SkipReason::NoPolicy, since - 301, self.wall()));
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
                self.happened.log.push((self.wall(), mishap));
                match mishap {
                    Mishap::Crash(away) => self.crash(away),
                    Mishap::CrashOnLook(away) => self.crash_on_look = Some(away),
                    Mishap::CrashOnRow(away) => self.crash_on_row = Some(away),
                    Mishap::Sleep(lasts) => {
                        let from = self.wall();
                        self.passed += lasts;
                        self.asleep += lasts;
                        self.happened.all.push((SkipReason::Asleep, from - 301, self.wall()));
                    }
                    Mishap::Set(by) if self.off == 0 => {
                        self.set(by);
                        back = Some((self.passed + self.dice.between(600, 40_000), -by));
                    }
                    Mishap::Set(_) => continue,
                    Mishap::NoPolicy(lasts) => {
                        permitted_from = self.passed + lasts;
                        self.unpermitted_since.get_or_insert(self.base + self.passed + self.off);
                    }
                }
                let name = match mishap {
                    Mishap::Crash(_) => "crashes",
                    Mishap::Sleep(_) => "sleeps",
                    Mishap::Set(_) => "clocks set and set back",
                    Mishap::NoPolicy(_) => "times without policy",
                    Mishap::CrashOnLook(_) | Mishap::CrashOnRow(_) => continue,
                };
                *self.happened.count.entry(name).or_default() += 1;
            }
        }
        // A run that failed is told by the target's next one, which may come after the end: a new process looks sooner.
        (self.process, self.crash_on_look, self.crash_on_row) = (None, None, None);
        if let Some(since) = self.unpermitted_since.take() {
            self.happened.all.push((SkipReason::NoPolicy, since - 301, self.wall()));
        }
        self.start();
        self.look(true);
        let process = self.process.take().unwrap();
        for (target, told) in self.targets.iter().zip(&mut self.happened.told) {
            told.extend(process.state.untold(&target.id).unwrap().into_iter().map(|(_, skip)| skip));
        }
        self.happened
    }

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
        let process = Process {
            state,
            rota: Rota::new(self.moment()),
            waiting: VecDeque::new(),
            going: Vec::new(),
            gone: Vec::new(),
        };
        self.process = Some(process);
    }

    /// The process is gone, and everything it knew; what it was making stays without an end.
    fn crash(&mut self, away: i64) {
        let process = self.process.take().unwrap();
        let now = self.wall();
        for going in process.going.iter().chain(&process.waiting) {
            let due = going.due.as_second();
            self.happened.own[going.target].push((SkipReason::Cut, due, due));
        }
        for going in process.going.iter().chain(&process.waiting).chain(&process.gone) {
            // A new process cannot know what was in the way of the runs after it.
            self.happened.own[going.target].push((SkipReason::Away, going.low, going.high.max(now)));
        }
        drop(process);
        // Nor that the clock was set while nobody looked.
        let mut from = if self.off == 0 { self.wall() } else { self.wall().min(self.off_since) };
        // Nor that there was no policy.
        if let Some(since) = self.unpermitted_since {
            from = from.min(since);
        }
        self.passed += away;
        self.happened.all.push((SkipReason::Away, from - 301, self.wall()));
        self.start();
    }

    /// One look, and the rows of what there is room for; again by the next process where this one ended over it.
    fn look(&mut self, permitted: bool) -> Option<Timestamp> {
        // What comes between two looks is one mishap to whoever looks.
        let fresh = &mut self.happened.all[self.looked..];
        let low = fresh.iter().map(|(_, from, _)| *from).min();
        let high = fresh.iter().map(|(.., until)| *until).max();
        fresh.iter_mut().for_each(|(_, from, until)| (*from, *until) = (low.unwrap(), high.unwrap()));
        self.looked = self.happened.all.len();
        let moment = self.moment();
        let process = self.process.as_mut().unwrap();
        let lines = self.targets.iter().filter(|_| permitted).map(|target| Line {
            target: &target.id,
            schedule: &target.schedule,
            jitter: target.jitter,
            missed: target.missed,
        });
        process.gone.clear();
        let look = process.rota.look(moment, lines, &process.state).unwrap();
        for (id, skipped) in &look.skipped {
            let at = self.targets.iter().position(|target| target.id == *id).unwrap();
            let last = skipped.last().unwrap().last.as_second();
            let happened = &self.happened;
            let made_up_for = look.starts.iter().any(|start| start.line == at)
                || happened.all.iter().rev().any(|(why, _, until)| *why == SkipReason::Clock && *until >= last)
                || happened.own[at].iter().rev().take(20).any(|(why, ..)| *why == SkipReason::Cut);
            assert!(
                self.targets[at].missed == Missed::Skip || made_up_for,
                "`{id}`: nothing stands for what was missed"
            );
        }
        let starts = !look.starts.is_empty();
        for start in look.starts {
            let slow = self.dice.between(0, 400) == 0;
            let left = 15 * if slow { self.dice.between(40, 360) } else { self.dice.between(1, 4) };
            let due = start.due.as_second();
            process.waiting.push_back(Going {
                target: start.line,
                due: start.due,
                row: None,
                left,
                low: due,
                high: due,
                _hold: start.hold,
            });
        }
        if starts && let Some(away) = self.crash_on_look.take() {
            *self.happened.count.entry("crashes before the row").or_default() += 1;
            self.crash(away);
            return self.look(permitted);
        }
        self.take_rows();
        if let Some(away) = self.crash_on_row.take_if(|_| self.process.as_ref().is_some_and(|p| !p.going.is_empty())) {
            *self.happened.count.entry("crashes after the row").or_default() += 1;
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
                self.happened.begun[going.target].insert(going.due.as_second());
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
        for run in process.going.extract_if(.., |going| going.left <= 0) {
            let target = &self.targets[run.target];
            self.happened.own[run.target].push((SkipReason::Overlap, run.low, run.high.max(now.as_second())));
            if self.fails.between(0, 1_000) == 0 {
                let due = run.due.as_second();
                self.happened.own[run.target].push((SkipReason::Cut, due, due));
                *self.happened.count.entry("runs that failed").or_default() += 1;
                process.gone.push(run);
                continue;
            }
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
            self.happened.told[run.target].extend(coverage.skipped);
            *self.happened.ended[run.target].entry(run.due.as_second()).or_default() += 1;
            process.gone.push(run);
        }
    }

    fn set(&mut self, by: i64) {
        let from = self.wall();
        self.off += by;
        let now = self.wall();
        // All the time that the clock was off is in doubt.
        let began = if by == self.off { from } else { self.off_since };
        self.off_since = began;
        self.happened.all.push((SkipReason::Clock, from.min(now).min(began) - 301, from.max(now)));
        self.unpermitted_since = self.unpermitted_since.map(|since| since.min(now));
        let process = self.process.as_mut().unwrap();
        for going in process.going.iter_mut().chain(&mut process.waiting) {
            (going.low, going.high) = (going.low.min(now), going.high.max(from));
        }
    }
}
