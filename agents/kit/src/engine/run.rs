//! How does a run go on from one exchange to the next, and when does it end?

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    fmt::Write as _,
    mem,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use schemas::{Digest, capture::Lane, gate::Origin};
use serde_json::Value;

use super::{
    Engine, EngineError, HopResult, Order, Report, Wanted,
    coverage::{Count, Ended},
    draft::{Draft, Told},
    walk::{Node, Tally, Walk},
};
use crate::{
    contract::{Ask, Work, checked_plan},
    state::{Changes, ShelfItem, WalkRow},
};

/// Pauses before a follow-up that failed is tried again, in seconds: 1 h, 6 h, 24 h. Then it is given up.
pub(super) const SHELF_PAUSES_SECS: [u32; 3] = [3_600, 21_600, 86_400];

/// Most follow-ups of a lane that one run takes from the shelf.
const SHELF_BATCH: u32 = 10_000;

/// A run under way.
pub(super) struct Running {
    pub(super) engine: Arc<Engine>,
    pub(super) order: Order,
    pub(super) name: String,
    pub(super) row: i64,
    pub(super) lane: Lane,
    pub(super) began_at: Timestamp,
    pub(super) walk_id: i64,
    pub(super) work: Work,
    pub(super) planned_at: Timestamp,
    pub(super) cursor_before: Value,
    pub(super) cursor: Value,
    pub(super) walk: Walk,
    pub(super) tally: Tally,
    pub(super) count: Count,
    pub(super) dropped: BTreeMap<String, u64>,
    pub(super) changes: Changes,
    pub(super) shelf: VecDeque<ShelfItem>,
    /// Keys asked for in this run or waiting on the shelf.
    pub(super) keys: HashSet<String>,
    pub(super) seen: HashSet<String>,
    pub(super) ended: Option<Ended>,
    pub(super) draft: Draft,
    pub(super) segments: Vec<Digest>,
    pub(super) reader: String,
    /// When open connections are let go of.
    pub(super) until: Timestamp,
}

/// What is being asked: a request of the walk, or a follow-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// By its number in the walk.
    Walk(u64),
    /// The first on the shelf.
    Shelf,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    Settled,
    Cut(String),
    Failed(String),
    Refused(String),
    Later { at: Timestamp, asked_again: bool },
    Replaced,
}

impl Running {
    /// Goes on with the lane's open walk, or plans a new one.
    pub fn begin(
        engine: &Arc<Engine>,
        order: Order,
        row: i64,
        lane: Lane,
        until: Timestamp,
    ) -> Result<Self, EngineError> {
        let target = &order.facts.target;
        if let Some(entry) = order.facts.entry() {
            let suffices = engine.sealing.suffices(entry, order.facts.policy.root());
            suffices.map_err(|why| EngineError::Sealing { entry: entry.id.clone(), why })?;
        }
        let now = engine.clock.now();
        let cursor = engine.cursor(&target.id, lane)?;
        let due = order.due.unwrap_or(now);
        let name = format!("{} {} {due}", target.id, word(lane));
        let reader = &engine.identity.reader;
        let mut reader = format!("{} {} {}", reader.name, reader.version, reader.program);
        if let Some(recipe) = &target.recipe {
            // Another recipe reads what is unchanged anew.
            let _ = write!(reader, " {}", Digest::of(recipe.as_bytes()));
        }
        let shelf = engine.state.shelf_due(&target.id, lane, now, SHELF_BATCH)?;
        let keys = engine.state.shelf_keys(&target.id)?.into_iter().collect();
        let mut running = Self {
            engine: Arc::clone(engine),
            name,
            row,
            lane,
            began_at: now,
            walk_id: 0,
            work: order.work.clone(),
            planned_at: now,
            cursor_before: cursor.clone(),
            cursor,
            walk: Walk::default(),
            tally: Tally::default(),
            count: Count::default(),
            dropped: BTreeMap::new(),
            changes: Changes::default(),
            shelf: shelf.into(),
            keys,
            seen: HashSet::new(),
            ended: None,
            draft: Draft::default(),
            segments: Vec::new(),
            reader,
            until,
            order,
        };
        match engine.state.open_walk(&running.order.facts.target.id, lane)? {
            Some(open) if running.may_go_on(&open) => running.go_on(open),
            _ => running.plan()?,
        }
        Ok(running)
    }

    /// Whether an open walk is still worth going on with: young enough, and of steps this reader knows.
    fn may_go_on(&self, open: &WalkRow) -> bool {
        if self.lane == Lane::Stream {
            // What it asked from is behind the cursor by now.
            return false;
        }
        if matches!(self.work, Work::Window { .. }) && open.work != self.work {
            // Another stretch was asked for since.
            return false;
        }
        let max_age = i64::from(self.engine.collector.about().walk_max_age_secs);
        let age = self.began_at.duration_since(open.planned_at).as_secs();
        (0..=max_age).contains(&age)
            && !open.nodes.is_empty()
            && open.nodes.iter().all(|(_, node)| self.engine.collector.reread_step(&node.request.step).is_ok())
    }

    fn go_on(&mut self, open: WalkRow) {
        self.walk_id = open.id;
        self.work = open.work;
        self.planned_at = open.planned_at;
        self.cursor_before = open.cursor;
        self.tally = open.tally;
        self.walk = Walk::stored(open.nodes);
    }

    fn plan(&mut self) -> Result<(), EngineError> {
        let engine = Arc::clone(&self.engine);
        let ask =
            Ask { target: &self.order.facts.target, work: self.work.clone(), cursor: &self.cursor, now: self.began_at };
        let (requests, broken) = match checked_plan(&*engine.collector, &ask) {
            Ok(requests) => (requests, None),
            Err(broken) => (Vec::new(), Some(broken.to_string())),
        };
        self.walk = Walk::planned(requests);
        if let Some(broken) = broken {
            self.tally.gap(broken);
        }
        let row = WalkRow {
            id: 0,
            work: self.work.clone(),
            cursor: self.cursor.clone(),
            planned_at: self.planned_at,
            reader: self.reader.clone(),
            tally: self.tally.clone(),
            nodes: self.walk.nodes(),
        };
        self.walk_id = engine.state.begin_walk(&self.order.facts.target.id, self.lane, &row)?;
        self.walk.take_dirty();
        Ok(())
    }

    /// Exchange by exchange until nothing is left to do now.
    pub async fn go(mut self) -> Result<Report, EngineError> {
        self.take_up_left().await?;
        while self.ended.is_none() {
            let now = self.engine.clock.now();
            if self.next_job(now).is_none() && self.walk.wakes_at().is_none() {
                break;
            }
            if let Some(why) = self.must_stop() {
                self.ended = Some(Ended::Early(why));
                break;
            }
            match self.next_job(now) {
                Some(job) => self.exchange(job).await?,
                None => match self.pause(now) {
                    Some(pause) => self.wait(pause).await,
                    None => break,
                },
            }
            let bounds = self.engine.bounds;
            if self.draft.bytes() >= bounds.segment_bytes || self.draft.exchanges() >= bounds.segment_exchanges {
                self.close(false).await?;
            }
        }
        let coverage = self.close(true).await?;
        let report = Report { run: self.name, lane: self.lane, coverage, segments: self.segments };
        Ok(report)
    }

    fn must_stop(&self) -> Option<String> {
        if self.order.stop.is_cancelled() {
            return Some("the agent was stopped".to_owned());
        }
        match self.engine.outbox.free_bytes() {
            Ok(free) if free < self.engine.bounds.min_free_bytes => {
                Some(format!("the disk has {} MiB left; nothing more is fetched", free >> 20))
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    fn next_job(&self, now: Timestamp) -> Option<Job> {
        if let Some(n) = self.walk.ready(now) {
            return Some(Job::Walk(n));
        }
        let first = self.shelf.front()?;
        first.node.not_before.is_none_or(|at| at <= now).then_some(Job::Shelf)
    }

    /// How long to wait for the walk to go on; nothing where that is longer than a run waits.
    fn pause(&mut self, now: Timestamp) -> Option<Duration> {
        let at = self.walk.wakes_at()?;
        let pause = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if pause > Duration::from_secs(self.engine.bounds.patience_secs.into()) {
            self.ended = Some(Ended::Early(format!("nothing is asked before {at}; the walk goes on in a later run")));
            return None;
        }
        Some(pause)
    }

    async fn wait(&self, pause: Duration) {
        tokio::select! {
            () = self.engine.clock.sleep(pause) => {}
            () = self.order.stop.cancelled() => {}
        }
    }

    pub(super) fn job(&self, job: Job) -> Option<&Node> {
        match job {
            Job::Walk(n) => self.walk.node(n),
            Job::Shelf => self.shelf.front().map(|item| &item.node),
        }
    }

    async fn exchange(&mut self, job: Job) -> Result<(), EngineError> {
        let Some(node) = self.job(job).cloned() else {
            return Ok(());
        };
        if node.request.stream.is_some() && job == Job::Shelf {
            let why = "an open connection is asked for by `plan` or `next`, not by `also`";
            self.settle(job, Fate::Failed(why.to_owned()));
            return Ok(());
        }
        if !self.order.facts.fits(&node.request.url) {
            // Not even the gate is asked: its answer would be written down, address and all.
            *self.dropped.entry("person".to_owned()).or_default() += 1;
            self.settle(job, Fate::Refused("an address that could name a person is not asked for".to_owned()));
            return Ok(());
        }
        let origin = match &node.asked_by {
            None => Origin::Plan,
            Some(asked_by) => Origin::Follow { asked_by: asked_by.clone() },
        };
        let now = self.engine.clock.now();
        let validators = if node.request.if_changed {
            self.engine.state.validators(&self.order.facts.target.id, &node.request.url, &self.reader, now)?
        } else {
            None
        };
        let engine = Arc::clone(&self.engine);
        let wanted = Wanted {
            run: &self.order.facts,
            request: &node.request,
            validators: validators.as_ref(),
            origin: origin.clone(),
            attempt: node.attempts.saturating_add(1),
        };
        let mut outcome = tokio::select! {
            outcome = engine.network.exchange(wanted) => outcome,
            // An exchange that was abandoned is made again by the next run.
            () = self.order.stop.cancelled() => return Ok(()),
        };
        self.tell(job, &node, &outcome);
        if let (HopResult::Opened(_), Job::Walk(n)) = (&outcome.result, job) {
            let led = mem::take(&mut outcome.trail);
            if !led.is_empty() {
                self.put(Told::of(led, node.request.step.clone(), node.conditions.clone())).await?;
            }
            if let HopResult::Opened(open) = outcome.result {
                return self.stream(n, &node, origin, open).await;
            }
            return Ok(());
        }
        self.take_in(job, &node, outcome).await
    }

    pub(super) const fn work(&self) -> &Work {
        &self.work
    }
}

/// The key under which a wanted item is remembered as asked, answered or not.
pub(super) fn want_key(id: &str) -> String {
    format!("want:{id}")
}

const fn word(lane: Lane) -> &'static str {
    match lane {
        Lane::Poll => "poll",
        Lane::Window => "window",
        Lane::Items => "items",
        Lane::Stream => "stream",
    }
}
