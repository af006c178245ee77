//! Whose turn is it? The schedule's memory, without tasks, policy or sleep: a test gives it any clock.
//!
//! Each look compares the time with what was considered before. What is due is started once: the row `runs(target, due)` decides. What is not
//! started is let go with a reason, which the target's next run tells the registry.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Weak},
};

use jiff::{SignedDuration, Timestamp};
use schemas::{
    coverage::{SkipReason, Skipped},
    schedule::{Jitter, Missed, Schedule},
};

use super::due::{ClockWatch, Due, Moment, Odd, STRAY, due};
use crate::state::{State, StateError, Taken};

/// Most stretches of sleep or set clocks that are remembered.
const MOST_DARK: usize = 64;

/// A target and its schedule.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Target id.
    pub target: &'a str,
    /// When it is due.
    pub schedule: &'a Schedule,
    /// Its own delay.
    pub jitter: Jitter,
    /// What becomes of missed runs.
    pub missed: Missed,
}

impl Line<'_> {
    fn key(&self) -> String {
        format!("{}|{}|{}", self.schedule.line(), self.schedule.zone(), self.jitter.secs())
    }

    /// Whether that is its key: asked of every target at every look.
    fn has_key(&self, key: &str) -> bool {
        let rest = key.strip_prefix(self.schedule.line()).and_then(|rest| rest.strip_prefix('|'));
        let rest =
            rest.and_then(|rest| rest.strip_prefix(self.schedule.zone())).and_then(|rest| rest.strip_prefix('|'));
        rest.is_some_and(|secs| secs.parse() == Ok(self.jitter.secs()))
    }
}

/// The schedule that a key names; none where this build reads the line or the zone no more.
fn named(key: &str) -> Option<(Schedule, Jitter)> {
    let mut parts = key.rsplitn(3, '|');
    let (secs, zone, line) = (parts.next()?, parts.next()?, parts.next()?);
    Some((Schedule::parse(line, zone).ok()?, serde_json::from_str(secs).ok()?))
}

/// A run to start now. The target counts as running until `hold` is dropped.
#[derive(Debug)]
pub struct Start {
    /// Which of the lines.
    pub line: usize,
    /// When it was due.
    pub due: Timestamp,
    /// Held by whoever makes the run.
    pub hold: Arc<()>,
}

/// What one look came to.
#[derive(Debug, Default)]
pub struct Look {
    /// Runs to start.
    pub starts: Vec<Start>,
    /// When the next target is due; none where nothing is.
    pub next: Option<Timestamp>,
    /// What happened to the clocks.
    pub odd: Odd,
    /// Runs that were let go, by target.
    pub skipped: Vec<(String, Vec<Skipped>)>,
    /// Why some targets could not be considered; they are at the next look.
    pub failed: Option<StateError>,
}

/// What is known of a target.
#[derive(Debug)]
struct Lane {
    key: String,
    /// The newest due time that was considered.
    since: Timestamp,
    /// Nothing is due before.
    next: Timestamp,
    running: Weak<()>,
    /// When the newest run was under way, as far as looks saw it.
    busy: Option<(Timestamp, Timestamp)>,
    /// When it was blocked, as far as looks saw it.
    blocked: Option<(Timestamp, Timestamp)>,
    /// The newest look in which it was permitted.
    seen: (u64, Timestamp),
}

/// The schedule's memory.
#[derive(Debug)]
pub struct Rota {
    began_at: Timestamp,
    watch: ClockWatch,
    looked_at: Timestamp,
    looks: u64,
    /// When the clock was set last, by what it read before, and by how much; none where that undid the time before.
    set: Option<(Timestamp, SignedDuration)>,
    /// Stretches of wall time in which nobody could look.
    dark: VecDeque<(Timestamp, Timestamp, SkipReason)>,
    lanes: HashMap<String, Lane>,
}

impl Rota {
    /// Begins now: what is due from here on is started, what was due before is caught up with or let go.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self {
            began_at: now.wall,
            watch: ClockWatch::new(now),
            looked_at: now.wall,
            looks: 0,
            set: None,
            dark: VecDeque::new(),
            lanes: HashMap::new(),
        }
    }

    /// Looks at the lines that may be run now.
    ///
    /// # Errors
    ///
    /// [`StateError`]: nothing was considered; it is at the next look.
    pub fn look<'a>(
        &mut self,
        now: Moment,
        lines: impl IntoIterator<Item = Line<'a>>,
        state: &State,
    ) -> Result<Look, StateError> {
        let wall = now.wall;
        let lines: Vec<Line<'a>> = lines.into_iter().collect();
        let blocked = state.blocked_targets()?;
        let mut watch = self.watch;
        let mut look = Look { odd: watch.look(now), ..Look::default() };
        self.take_in(look.odd, wall, state)?;
        self.watch = watch;
        let begun = self.begin(&lines, wall, state)?;
        self.looks += 1;
        let (looks, began_at, looked_at) = (self.looks, self.began_at, self.looked_at);
        for (number, line) in lines.into_iter().enumerate() {
            let lane = match self.lanes.get_mut(line.target) {
                Some(lane) => lane,
                None => self.lanes.entry(line.target.to_owned()).or_insert_with(|| Lane {
                    key: String::new(),
                    since: wall,
                    next: Timestamp::MIN,
                    running: Weak::new(),
                    busy: None,
                    blocked: None,
                    // Where it appears later than with the first look, it was not permitted before.
                    seen: (0, began_at),
                }),
            };
            let seen = std::mem::replace(&mut lane.seen, (looks, wall));
            if lane.running.strong_count() > 0 {
                lane.busy = lane.busy.map(|(from, _)| (from, wall));
                continue;
            }
            if blocked.contains(line.target) {
                lane.blocked = Some((lane.blocked.map_or(lane.since, |(from, _)| from), wall));
                continue;
            }
            // The look that finds it over is the first since it ended.
            if let Some(busy) = lane.busy.as_mut().filter(|(_, until)| *until == looked_at) {
                busy.1 = wall;
            }
            if let Some((key, since)) = begun.get(line.target) {
                lane.since = *since;
                lane.key.clone_from(key);
                lane.next = Timestamp::MIN;
            }
            if lane.next <= wall {
                let dark = Dark { began_at, spans: &self.dark, absent: (seen.0 + 1 < looks).then_some(seen.1) };
                match consider(lane, &line, number, wall, &dark, state, &mut look.skipped) {
                    Ok(start) => look.starts.extend(start),
                    Err(error) => look.failed = Some(error),
                }
            }
            if lane.running.strong_count() == 0 {
                look.next = Some(look.next.map_or(lane.next, |next| next.min(lane.next)));
            }
        }
        self.looked_at = wall;
        Ok(look)
    }

    /// Targets that are new here, or have another schedule than before: with where they begin, in one transaction.
    fn begin<'a>(
        &self,
        lines: &[Line<'a>],
        wall: Timestamp,
        state: &State,
    ) -> Result<HashMap<&'a str, (String, Timestamp)>, StateError> {
        let fresh: Vec<(&str, String)> = lines
            .iter()
            .filter(|line| self.lanes.get(line.target).is_none_or(|lane| !line.has_key(&lane.key)))
            .map(|line| (line.target, line.key()))
            .collect();
        if fresh.is_empty() {
            return Ok(HashMap::new());
        }
        let since = state.considered(&fresh, wall)?;
        Ok(fresh.into_iter().zip(since).map(|((target, key), since)| (target, (key, since))).collect())
    }

    /// How many targets are being run, or wait for their turn.
    #[must_use]
    pub fn running(&self) -> usize {
        self.lanes.values().filter(|lane| lane.running.strong_count() > 0).count()
    }

    /// What slept or was set.
    fn take_in(&mut self, odd: Odd, wall: Timestamp, state: &State) -> Result<(), StateError> {
        let set_back = odd.strayed.is_some_and(|strayed| strayed.is_negative());
        // It may have been set back while no process looked.
        if set_back || self.looks == 0 {
            take_back(wall, state)?;
        }
        while self.dark.len() > MOST_DARK {
            self.dark.pop_front();
        }
        if odd.slept {
            // Who wakes finds the clock set, not the other way round.
            let ahead = odd.strayed.filter(|strayed| strayed.is_positive()).unwrap_or_default();
            self.dark.push_back((self.looked_at, wall.checked_sub(ahead).unwrap_or(wall), SkipReason::Asleep));
        }
        let Some(strayed) = odd.strayed else {
            return Ok(());
        };
        let undone = self.set.filter(|(_, by)| by.saturating_add(strayed).abs() <= STRAY).map(|(since, _)| since);
        self.set = undone.is_none().then_some((self.looked_at, strayed));
        if !set_back {
            self.dark.push_back((self.looked_at, wall, SkipReason::Clock));
            return Ok(());
        }
        // What was considered in a future that no longer is would keep targets waiting for it. What was noted of the time before it stands.
        let cut = |(from, until): (Timestamp, Timestamp)| (from.min(wall), until.min(wall));
        for lane in self.lanes.values_mut() {
            lane.since = lane.since.min(wall);
            lane.next = Timestamp::MIN;
            lane.seen.1 = lane.seen.1.min(wall);
            lane.busy = lane.busy.map(cut);
            lane.blocked = lane.blocked.map(cut);
        }
        self.began_at = self.began_at.min(wall);
        for (_, until, _) in &mut self.dark {
            *until = wall.min(*until);
        }
        // What was noted since it was set ahead went by a wrong clock.
        if let Some(since) = undone {
            self.dark.push_front((since, wall, SkipReason::Clock));
        }
        Ok(())
    }
}

/// Takes back what was let go in a future that no longer is. What was let go before stays, with its reason.
fn take_back(wall: Timestamp, state: &State) -> Result<(), StateError> {
    let nano = SignedDuration::from_nanos(1);
    let mut kept = Vec::new();
    for across in state.let_go_across(wall)? {
        let taken = state.taken(&across.target, across.first.checked_sub(nano).unwrap_or(across.first), wall)?;
        let (mut last, mut runs) = (across.first, 1);
        if let Some((schedule, jitter)) = named(&across.schedule) {
            let after = across.first.checked_add(nano).unwrap_or(across.first);
            let until = wall.checked_add(nano).unwrap_or(wall);
            let more = schedule.between(after, until, jitter).map(|due| due.at);
            for at in more.filter(|at| taken.get(at).is_none_or(|taken| !taken.ended)) {
                (last, runs) = (at, runs + 1);
            }
        }
        kept.push((across.row, last, runs));
    }
    state.clock_set_back(wall, &kept)
}

/// Why a due time may have passed unseen.
struct Dark<'a> {
    began_at: Timestamp,
    spans: &'a VecDeque<(Timestamp, Timestamp, SkipReason)>,
    /// Since when the target was not permitted.
    absent: Option<Timestamp>,
}

impl Dark<'_> {
    fn why(&self, lane: &Lane, at: Timestamp) -> SkipReason {
        let within = |span: Option<(Timestamp, Timestamp)>| span.is_some_and(|(from, until)| from <= at && at <= until);
        if at <= self.began_at {
            return SkipReason::Away;
        }
        if let Some((.., why)) = self.spans.iter().find(|(from, until, _)| *from < at && at <= *until) {
            return *why;
        }
        if within(lane.blocked) {
            SkipReason::Blocked
        } else if within(lane.busy) {
            SkipReason::Overlap
        } else if self.absent.is_some_and(|since| at > since) {
            SkipReason::NoPolicy
        } else {
            SkipReason::Late
        }
    }
}

/// Decides for one target that is not running: starts the newest due run or lets it go, and lets go of those before it.
fn consider(
    lane: &mut Lane,
    line: &Line<'_>,
    number: usize,
    wall: Timestamp,
    dark: &Dark<'_>,
    state: &State,
    let_go: &mut Vec<(String, Vec<Skipped>)>,
) -> Result<Option<Start>, StateError> {
    lane.since = remembered(lane.since, line.target, wall, state)?;
    let (newest, wanted) = match due(line.schedule, line.jitter, line.missed, lane.since, wall) {
        Due::Later(at) => {
            lane.next = at.unwrap_or(Timestamp::MAX);
            return Ok(None);
        }
        Due::Now(at) => (at, true),
        Due::Missed(at) => (at, false),
    };
    // A run that began and could not be carried through moved the state no further.
    let since = state.looked_upto(line.target)?.map_or(lane.since, |upto| upto.min(lane.since));
    let since = remembered(since, line.target, wall, state)?;
    let taken = state.taken(line.target, since, newest)?;
    let starts = wanted && taken.get(&newest).is_none_or(|taken| taken.may_go_on);
    let skipped = skipped(line, since, newest, starts, &taken, |at| dark.why(lane, at));
    if !starts || !skipped.is_empty() {
        let upto = if starts { skipped.last().map_or(since, |skip| skip.last) } else { newest };
        state.pass_over(line.target, &skipped, upto)?;
        if !skipped.is_empty() {
            let_go.push((line.target.to_owned(), skipped));
        }
    }
    lane.since = newest;
    lane.next = line.schedule.next_due(newest, line.jitter).map_or(Timestamp::MAX, |due| due.at);
    lane.blocked = None;
    if !starts {
        return Ok(None);
    }
    let hold = Arc::new(());
    lane.running = Arc::downgrade(&hold);
    lane.busy = Some((wall, wall));
    Ok(Some(Start { line: number, due: newest, hold }))
}

/// From where on due times are looked at: of what is forgotten nobody can say whether it was made, and it was told. Not where a clock was ahead when
/// that happened: a target must not wait for a time that may be years away.
fn remembered(since: Timestamp, target: &str, wall: Timestamp, state: &State) -> Result<Timestamp, StateError> {
    let forgotten = state.forgotten(target)?.filter(|upto| *upto <= wall);
    Ok(forgotten.map_or(since, |upto| upto.max(since)))
}

/// Due times after `since`, up to `newest` (and not `newest` itself where that one starts), that no run was made for; in stretches of one reason.
fn skipped(
    line: &Line<'_>,
    since: Timestamp,
    newest: Timestamp,
    starts: bool,
    taken: &BTreeMap<Timestamp, Taken>,
    why: impl Fn(Timestamp) -> SkipReason,
) -> Vec<Skipped> {
    let nano = SignedDuration::from_nanos(1);
    let after = since.checked_add(nano).unwrap_or(since);
    let until = if starts { newest } else { newest.checked_add(nano).unwrap_or(newest) };
    let mut found: Vec<Skipped> = Vec::new();
    for due in line.schedule.between(after, until, line.jitter) {
        let why = match taken.get(&due.at) {
            Some(taken) if taken.ended => continue,
            Some(_) => SkipReason::Cut,
            None => why(due.at),
        };
        match found.last_mut().filter(|last| last.why == why) {
            Some(last) => {
                last.last = due.at;
                last.runs += 1;
            }
            None => found.push(Skipped { first: due.at, last: due.at, runs: 1, why }),
        }
    }
    found
}

/// Lets every run of a target go that was due up to now: a person begins it anew.
///
/// # Errors
///
/// [`StateError`].
pub fn let_go(line: &Line<'_>, now: Timestamp, why: SkipReason, state: &State) -> Result<(), StateError> {
    let since = state.considered(&[(line.target, line.key())], now)?.pop().unwrap_or(now);
    let since = remembered(since, line.target, now, state)?;
    let taken = state.taken(line.target, since, now)?;
    let skipped = skipped(line, since, now, false, &taken, |_| why);
    if let Some(last) = skipped.last().map(|skip| skip.last) {
        state.pass_over(line.target, &skipped, last)?;
    }
    Ok(())
}
