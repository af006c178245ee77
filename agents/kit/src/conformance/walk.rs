//! Does a collector keep its promises when the agent is killed? A toy engine: all state in one value, committed once an exchange.
//!
//! The real engine keeps the same four things in its database (frontier, shelf, seen index, cursor); this one has no gate, budget or clock.
//! It is coarser in one way: proposals of a walk are merged when the whole walk is settled.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemas::capture::{Line, What};
use serde_json::Value;

use super::case::{Asked, Case, Exchange};
use crate::contract::{Absent, Ask, Erased, Halt, Known, Request, Work, checked_plan};

/// A crash at a commit, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Which commit.
    pub commit: u64,
    /// What it hits.
    pub how: CrashKind,
}

/// How an agent dies, and what it does afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// Before the commit; the frontier is taken up again, the exchange made again.
    Resumed,
    /// Before the commit; the open walk is dropped and planned anew.
    Anew,
    /// After the commit; the open walk is dropped and planned anew.
    AnewAfter,
}

impl CrashKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Resumed, Self::Anew, Self::AnewAfter];
}

/// What a walk left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Every item and what became of it: its content hash, or `gone`.
    pub items: BTreeMap<String, String>,
    /// Cursor after.
    pub cursor: Value,
    /// Exchanges made.
    pub exchanges: u64,
    /// Commits made.
    pub commits: u64,
    /// Exchanges of the case that were never asked for, by number.
    pub unasked: Vec<usize>,
    /// Addresses that were asked for and are not in the case.
    pub unanswered: Vec<String>,
    /// It did not end within the bound.
    pub endless: bool,
    /// A request of the walk failed, so its proposals were not taken.
    pub held_back: bool,
}

/// A request waiting.
#[derive(Clone, Debug)]
struct Waiting {
    request: Request<Value>,
    attempt: u32,
    replaced: u32,
}

impl Waiting {
    const fn first(request: Request<Value>) -> Self {
        Self { request, attempt: 1, replaced: 0 }
    }
}

/// Everything an agent keeps.
#[derive(Clone, Default)]
struct State {
    cursor: Value,
    items: BTreeMap<String, String>,
    /// Ids settled by a completed walk.
    settled: BTreeSet<String>,
    /// Keys of `unless_known` that were asked.
    asked: BTreeSet<String>,
    shelf: VecDeque<Waiting>,
    wanted: Vec<Known>,
    walk: Option<OpenWalk>,
    ended: bool,
}

#[derive(Clone, Default)]
struct OpenWalk {
    frontier: VecDeque<Waiting>,
    made: BTreeSet<Asked>,
    found: BTreeSet<String>,
    proposals: Vec<Value>,
    held_back: bool,
}

/// The toy engine over one case.
pub struct Walk<'a> {
    collector: &'a dyn Erased,
    case: &'a Case,
    exchanges: Vec<Exchange>,
    reached: BTreeSet<usize>,
    asked: BTreeMap<Asked, usize>,
    outcome: Outcome,
    crash: Option<Crash>,
    state: State,
}

impl<'a> Walk<'a> {
    pub(super) fn new(collector: &'a dyn Erased, case: &'a Case) -> Self {
        Self::over(collector, case, case.exchanges.clone())
    }

    /// A walk over other answers than the case's own.
    pub(super) fn over(collector: &'a dyn Erased, case: &'a Case, exchanges: Vec<Exchange>) -> Self {
        let state = State { cursor: case.cursor.clone(), ..State::default() };
        Self {
            collector,
            case,
            exchanges,
            reached: BTreeSet::new(),
            asked: BTreeMap::new(),
            outcome: Outcome::default(),
            crash: None,
            state,
        }
    }

    /// Runs to the end, dying once if told so; then again from what was kept, `runs` times in all.
    pub fn run(mut self, crash: Option<Crash>, runs: u32) -> Result<Outcome, String> {
        self.crash = crash;
        for _ in 0..runs.max(1) {
            self.state.ended = false;
            self.once()?;
        }
        self.outcome.unasked = (0..self.exchanges.len())
            .filter(|index| {
                !self.reached.contains(index) && !self.exchanges.get(*index).is_some_and(|exchange| exchange.spare)
            })
            .collect();
        self.outcome.items = self.state.items;
        self.outcome.cursor = self.state.cursor;
        Ok(self.outcome)
    }

    fn once(&mut self) -> Result<(), String> {
        let bound = 20 * self.exchanges.len() as u64 + 200 + self.outcome.exchanges;
        while !self.state.ended {
            if self.outcome.exchanges >= bound {
                self.outcome.endless = true;
                return Ok(());
            }
            let mut next = self.state.clone();
            let answers = self.step(&mut next)?;
            // A stream's chunks are committed one by one, every other exchange at once.
            for committed in answers {
                if self.commit(committed) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// True where the agent died of it.
    fn commit(&mut self, next: State) -> bool {
        self.outcome.commits += 1;
        let dies = self.crash.filter(|crash| crash.commit == self.outcome.commits).map(|crash| crash.how);
        match dies {
            None => self.state = next,
            Some(CrashKind::Resumed) => {}
            Some(CrashKind::Anew) => self.state.walk = None,
            Some(CrashKind::AnewAfter) => {
                self.state = next;
                self.state.walk = None;
                self.state.ended = false;
            }
        }
        dies.is_some()
    }

    /// One exchange, or one plan, or the end. Returns the states to commit.
    fn step(&mut self, state: &mut State) -> Result<Vec<State>, String> {
        let plan = |state: &State, work: Work| {
            let ask = Ask { target: &self.case.target, work, cursor: &state.cursor, now: self.case.now };
            checked_plan(self.collector, &ask).map_err(|error| error.to_string())
        };
        let Some(walk) = &mut state.walk else {
            let roots = plan(state, self.case.work.clone())?;
            let frontier = roots.into_iter().map(Waiting::first).collect();
            state.walk = Some(OpenWalk { frontier, ..OpenWalk::default() });
            return Ok(vec![state.clone()]);
        };
        if let Some(waiting) = walk.frontier.pop_front() {
            return self.exchange(state, waiting, false);
        }
        if let Some(waiting) = state.shelf.pop_front() {
            return self.exchange(state, waiting, true);
        }
        if !state.wanted.is_empty() {
            let due = std::mem::take(&mut state.wanted);
            due.iter().for_each(|known| {
                state.asked.insert(known.id.clone());
            });
            let requests = plan(state, Work::Items { due, again: false })?;
            state.shelf.extend(requests.into_iter().map(Waiting::first));
            return Ok(vec![state.clone()]);
        }
        let walk = state.walk.take().unwrap_or_default();
        self.outcome.held_back = walk.held_back;
        if !walk.held_back {
            for proposal in &walk.proposals {
                state.cursor = self.collector.merge(&state.cursor, proposal).map_err(|error| error.to_string())?;
            }
            state.settled.extend(walk.found);
        }
        state.ended = true;
        Ok(vec![state.clone()])
    }

    fn exchange(&mut self, state: &mut State, waiting: Waiting, shelved: bool) -> Result<Vec<State>, String> {
        let asked = Asked::of(&waiting.request);
        self.outcome.exchanges += 1;
        if let Some(key) = &waiting.request.unless_known {
            state.asked.insert(key.clone());
        }
        let answers = self.answers(&asked);
        if answers.is_empty() {
            self.outcome.unanswered.push(asked.url);
            hold_back(state, shelved);
            return Ok(vec![state.clone()]);
        }
        let mut states = Vec::new();
        for mut answer in answers {
            answer.facts.step = waiting.request.step.clone();
            self.read(state, &waiting, &answer, shelved)?;
            let mut committed = state.clone();
            if !answer.facts.part.last
                && let Some(walk) = &mut committed.walk
            {
                // A connection is settled with its last chunk.
                walk.frontier.push_front(waiting.clone());
            }
            states.push(committed);
        }
        Ok(states)
    }

    /// What the source answers: the chunks of a stream, else the answer of this turn, the last one again and again.
    fn answers(&mut self, asked: &Asked) -> Vec<Exchange> {
        let fitting: Vec<(usize, &Exchange)> =
            self.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.asked == *asked).collect();
        if fitting.iter().any(|(_, exchange)| exchange.facts.part.number > 0) {
            self.reached.extend(fitting.iter().map(|(index, _)| *index));
            return fitting.into_iter().map(|(_, exchange)| exchange.clone()).collect();
        }
        let turn = self.asked.entry(asked.clone()).or_default();
        let found =
            fitting.get(*turn).or_else(|| fitting.last()).map(|(index, exchange)| (*index, (*exchange).clone()));
        *turn += 1;
        self.reached.extend(found.as_ref().map(|(index, _)| *index));
        found.into_iter().map(|(_, exchange)| exchange).collect()
    }

    fn read(&self, state: &mut State, waiting: &Waiting, answer: &Exchange, shelved: bool) -> Result<(), String> {
        let (lines, derived) = answer.lines(self.collector).map_err(|error| error.to_string())?;
        let requeue = |state: &mut State, waiting: Waiting| match &mut state.walk {
            Some(walk) if !shelved => walk.frontier.push_front(waiting),
            _ => state.shelf.push_front(waiting),
        };
        match derived.halt {
            None => {}
            Some(Halt::NotYet { tries, .. }) if waiting.attempt < tries => {
                requeue(state, Waiting { attempt: waiting.attempt + 1, ..waiting.clone() });
                return Ok(());
            }
            Some(Halt::NotYet { or_else: Some(request), .. }) | Some(Halt::Instead(request))
                if waiting.replaced < 8 =>
            {
                requeue(state, Waiting { replaced: waiting.replaced + 1, ..Waiting::first(*request) });
                return Ok(());
            }
            Some(Halt::SlowDown { .. }) if waiting.attempt < 3 => {
                requeue(state, Waiting { attempt: waiting.attempt + 1, ..waiting.clone() });
                return Ok(());
            }
            Some(Halt::Gone(absent)) => {
                if let Absent::Item { what, .. } = absent {
                    state.items.insert(what_text(&what), "gone".to_owned());
                }
                return Ok(());
            }
            Some(_) => {
                hold_back(state, shelved);
                return Ok(());
            }
        }
        let mut listed: BTreeSet<String> = derived.end.saw.iter().cloned().collect();
        for line in &lines {
            match line {
                Line::Record(record) => {
                    listed.insert(record.item.id.clone());
                    state
                        .items
                        .insert(format!("{}:{}", record.item.platform, record.item.id), record.content.to_string());
                }
                Line::Gone(gone) => {
                    state.items.insert(what_text(&gone.what), "gone".to_owned());
                }
                _ => {}
            }
        }
        for [id, handle] in derived.end.want {
            listed.insert(id.clone());
            if !state.asked.contains(&id) && !state.wanted.iter().any(|known| known.id == id) {
                state.wanted.push(Known { id, handle });
            }
        }
        listed.extend(derived.also.iter().filter_map(|request| request.unless_known.clone()));
        let new = listed.iter().any(|id| !state.settled.contains(id));
        for request in derived.also {
            let known = request.unless_known.as_ref().is_some_and(|key| state.asked.contains(key));
            let waits = state.shelf.iter().any(|waiting| Asked::of(&waiting.request) == Asked::of(&request));
            if !known && !waits && (new || !request.while_new) {
                state.shelf.push_back(Waiting::first(request));
            }
        }
        if let Some(milestone) = derived.end.milestone {
            state.cursor = self.collector.merge(&state.cursor, &milestone).map_err(|error| error.to_string())?;
        }
        let mut onward = Vec::new();
        if let Some(walk) = &mut state.walk {
            walk.held_back |= derived.end.cut.is_some() && !shelved;
            walk.found.extend(listed);
            walk.proposals.extend(derived.end.cursor);
            for request in derived.next {
                if request.while_new && !new {
                    continue;
                }
                if walk.made.insert(Asked::of(&request)) {
                    onward.push(Waiting::first(request));
                } else {
                    // The same address twice in one walk: the source repeats itself.
                    walk.held_back = true;
                }
            }
            if !shelved {
                walk.frontier.extend(onward.drain(..));
            }
        }
        state.shelf.extend(onward);
        Ok(())
    }
}

fn hold_back(state: &mut State, shelved: bool) {
    if let Some(walk) = state.walk.as_mut().filter(|_| !shelved) {
        walk.held_back = true;
    }
}

fn what_text(what: &What) -> String {
    match what {
        What::Record { platform, id } => format!("{platform}:{id}"),
        What::Handle { handle } => format!("handle:{handle}"),
        What::Author { platform, id } => format!("author:{platform}:{id}"),
    }
}
