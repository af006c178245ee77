//! How does a run go on from one exchange to the next, and when does it end?

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use schemas::{
    Digest,
    capture::{Commit, Lane, Run},
    gate::{DecisionCode, Origin},
};
use serde_json::Value;

use super::{
    Engine, EngineError, Hop, HopResult, Order, Outcome, Report, Wanted,
    coverage::{Count, Ended, Facts as CoverageFacts, coverage},
    crash,
    draft::{Draft, Frame, Told},
    walk::{Node, NodeState, Tally, Walk, WalkEnd},
};
use crate::{
    contract::{Ask, Known, Work, checked_plan},
    state::{Changes, ShelfItem, WalkRow, Whose},
};

/// Pauses before a follow-up that failed is tried again, in seconds: 1 h, 6 h, 24 h. Then it is given up.
pub(super) const SHELF_PAUSES_SECS: [u32; 3] = [3_600, 21_600, 86_400];

/// Most follow-ups of a lane that one run takes from the shelf.
const SHELF_BATCH: u32 = 10_000;

/// Room that a segment keeps for its run, commit and manifest records.
const SPARE_BYTES: u64 = 1 << 20;

/// A run under way.
pub(super) struct Running {
    pub(super) engine: Arc<Engine>,
    pub(super) order: Order,
    pub(super) name: String,
    row: i64,
    pub(super) lane: Lane,
    began_at: Timestamp,
    pub(super) walk_id: i64,
    work: Work,
    planned_at: Timestamp,
    cursor_before: Value,
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
    draft: Draft,
    segments: Vec<Digest>,
    pub(super) reader: String,
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
    pub fn begin(engine: &Arc<Engine>, order: Order, row: i64) -> Result<Self, EngineError> {
        let (target, lane) = (&order.facts.target, order.work.lane());
        let now = engine.clock.now();
        let cursor = match engine.state.cursor(&target.id, lane)? {
            Some(cursor) => cursor,
            None => engine.collector.first_cursor().unwrap_or(Value::Null),
        };
        let due = order.due.unwrap_or(now);
        let name = format!("{} {} {due}", target.id, word(lane));
        let reader = &engine.identity.reader;
        let reader = format!("{} {} {}", reader.name, reader.version, reader.program);
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
            order,
        };
        match engine
            .state
            .open_walk(&running.order.facts.target.id, lane)?
        {
            Some(open) if running.may_go_on(&open) => running.go_on(open),
            _ => running.plan()?,
        }
        Ok(running)
    }

    /// Whether an open walk is still worth going on with: young enough, and of steps this reader knows.
    fn may_go_on(&self, open: &WalkRow) -> bool {
        let max_age = i64::from(self.engine.collector.about().walk_max_age_secs);
        let age = self.began_at.duration_since(open.planned_at).as_secs();
        (0..=max_age).contains(&age)
            && !open.nodes.is_empty()
            && open.nodes.iter().all(|(_, node)| {
                self.engine
                    .collector
                    .reread_step(&node.request.step)
                    .is_ok()
            })
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
        let ask = Ask {
            target: &self.order.facts.target,
            work: self.work.clone(),
            cursor: &self.cursor,
            now: self.began_at,
        };
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
        self.walk_id = engine
            .state
            .begin_walk(&self.order.facts.target.id, self.lane, &row)?;
        self.walk.take_dirty();
        Ok(())
    }

    /// Exchange by exchange until nothing is left to do now.
    pub async fn go(mut self) -> Result<Report, EngineError> {
        while self.ended.is_none() {
            if let Some(why) = self.must_stop() {
                self.ended = Some(Ended::Early(why));
                break;
            }
            let now = self.engine.clock.now();
            match self.next_job(now) {
                Some(job) => self.exchange(job).await?,
                None => match self.pause(now) {
                    Some(pause) => self.wait(pause).await,
                    None => break,
                },
            }
            let bounds = self.engine.bounds;
            if self.draft.bytes() >= bounds.segment_bytes
                || self.draft.exchanges() >= bounds.segment_exchanges
            {
                self.close(false).await?;
            }
        }
        let coverage = self.close(true).await?;
        let report = Report {
            run: self.name,
            lane: self.lane,
            coverage,
            segments: self.segments,
        };
        let (target, records, new, odd) = (
            &self.order.facts.target.id,
            report.coverage.records,
            report.coverage.new,
            report.coverage.unreadable,
        );
        let (state, why) = (
            format!("{:?}", report.coverage.state),
            report.coverage.why.as_deref().unwrap_or("all there"),
        );
        tracing::info!(
            target_id = %target, run = %report.run, state = %state, requests = report.coverage.requests, records, new,
            unreadable = odd, "`{target}` finished: {records} records, {new} new, {odd} unreadable ({state}: {why})"
        );
        Ok(report)
    }

    fn must_stop(&self) -> Option<String> {
        if self.order.stop.is_cancelled() {
            return Some("the agent was stopped".to_owned());
        }
        match self.engine.outbox.free_bytes() {
            Ok(free) if free < self.engine.bounds.min_free_bytes => Some(format!(
                "the disk has {} MiB left; nothing more is fetched",
                free >> 20
            )),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    fn next_job(&self, now: Timestamp) -> Option<Job> {
        if let Some(n) = self.walk.ready(now) {
            return Some(Job::Walk(n));
        }
        let first = self.shelf.front()?;
        first
            .node
            .not_before
            .is_none_or(|at| at <= now)
            .then_some(Job::Shelf)
    }

    /// How long to wait for the walk to go on; nothing where that is longer than a run waits.
    fn pause(&mut self, now: Timestamp) -> Option<Duration> {
        let at = self.walk.wakes_at()?;
        let pause = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if pause > Duration::from_secs(self.engine.bounds.patience_secs.into()) {
            self.ended = Some(Ended::Early(format!(
                "the source asks to wait until {at}; the walk goes on in a later run"
            )));
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
        if node.request.stream.is_some() {
            self.settle(
                job,
                Fate::Failed("this release does not read open connections".to_owned()),
            );
            return Ok(());
        }
        let origin = match &node.asked_by {
            None => Origin::Plan,
            Some(asked_by) => Origin::Follow {
                asked_by: asked_by.clone(),
            },
        };
        let now = self.engine.clock.now();
        let validators = if node.request.if_changed {
            self.engine.state.validators(
                &self.order.facts.target.id,
                &node.request.url,
                &self.reader,
                now,
            )?
        } else {
            None
        };
        let engine = Arc::clone(&self.engine);
        let wanted = Wanted {
            run: &self.order.facts,
            request: &node.request,
            validators: validators.as_ref(),
            origin,
            attempt: node.attempts.saturating_add(1),
        };
        let outcome = tokio::select! {
            outcome = engine.network.exchange(wanted) => outcome,
            // An exchange that was abandoned is made again by the next run.
            () = self.order.stop.cancelled() => return Ok(()),
        };
        self.tell(job, &node, &outcome);
        let Outcome { trail, result } = outcome;
        let mut told = Told {
            trail,
            step: node.request.step.clone(),
            conditions: node.conditions.clone(),
            answer: None,
        };
        let mut fate = self.fate(job, &node, result, &mut told).await?;
        // What is settled stands in the same segment as the exchange that settles it, so make room first.
        let full = schemas::segment::MAX_SEGMENT_BYTES - SPARE_BYTES;
        if self.draft.bytes() + told.bytes() > full && self.draft.exchanges() > 0 {
            self.close(false).await?;
        }
        if told.bytes() > full {
            fate = Read::Fate(Fate::Failed(told.shrink(full)));
        }
        self.draft.push(told);
        crash::point("agent_after_exchange");
        match fate {
            Read::Fate(fate) => self.settle(job, fate),
            Read::Heard(heard) => self.heard(job, &node, *heard)?,
        }
        Ok(())
    }

    /// Counts what went over the wire.
    fn tell(&mut self, job: Job, node: &Node, outcome: &Outcome) {
        let mut attempts = 0;
        for hop in &outcome.trail {
            let judged = match hop {
                Hop::Fetched(fetched) => {
                    self.count.requests += 1;
                    self.count.bytes += fetched.payload_len as u64;
                    &fetched.judged
                }
                Hop::Refused(judged) => {
                    self.count.refused += 1;
                    judged
                }
                Hop::Failed { judged, .. } => {
                    self.count.requests += 1;
                    self.count.failed += 1;
                    judged
                }
            };
            attempts = attempts.max(judged.attempt);
        }
        let attempts = attempts.max(node.attempts.saturating_add(1));
        match job {
            Job::Walk(n) => self.walk.change(n, |node| node.attempts = attempts),
            Job::Shelf => self
                .shelf
                .iter_mut()
                .take(1)
                .for_each(|item| item.node.attempts = attempts),
        }
    }

    async fn fate(
        &mut self,
        job: Job,
        node: &Node,
        result: HopResult,
        told: &mut Told,
    ) -> Result<Read, EngineError> {
        Ok(Read::Fate(match result {
            HopResult::Answer(answered) => return self.listen(job, node, *answered, told).await,
            HopResult::NotModified => {
                self.count.answers += 1;
                self.tally.unchanged = true;
                Fate::Settled
            }
            HopResult::Refused {
                code: DecisionCode::Budget,
                because,
            } => {
                self.ended = Some(Ended::Limited(because));
                Fate::Later {
                    at: self.engine.clock.now(),
                    asked_again: false,
                }
            }
            HopResult::Refused { because, .. } => Fate::Refused(because),
            HopResult::RateLimited { until, scope } => {
                let patience = i64::from(self.engine.bounds.patience_secs);
                if until.duration_since(self.engine.clock.now()).as_secs() > patience {
                    self.ended = Some(Ended::Limited(format!("{scope} rests until {until}")));
                }
                Fate::Later {
                    at: until,
                    asked_again: false,
                }
            }
            HopResult::Blocked { what } => {
                self.block(&what);
                Fate::Failed(what)
            }
            HopResult::Failed { error, .. } => Fate::Failed(error),
        }))
    }

    /// Stops the target until a person says otherwise.
    pub(super) fn block(&mut self, what: &str) {
        let target = &self.order.facts.target.id;
        tracing::error!(target_id = %target, "`{target}` is blocked: {what}; it is not asked again until a person runs `once --target {target}`");
        self.ended = Some(Ended::Blocked(what.to_owned()));
        self.changes.blocked = Some(what.to_owned());
    }

    /// Applies what came of a job.
    pub(super) fn settle(&mut self, job: Job, fate: Fate) {
        match job {
            Job::Walk(n) => self.settle_walk(n, fate),
            Job::Shelf => self.settle_shelf(fate),
        }
    }

    fn settle_walk(&mut self, n: u64, fate: Fate) {
        let key = self
            .walk
            .node(n)
            .and_then(|node| node.request.unless_known.clone());
        let url = self
            .walk
            .node(n)
            .map(|node| node.request.url.clone())
            .unwrap_or_default();
        let state = match fate {
            Fate::Replaced => return,
            Fate::Later { at, asked_again } => {
                self.walk.change(n, |node| {
                    node.not_before = Some(at);
                    node.not_yet += u32::from(asked_again);
                });
                return;
            }
            Fate::Settled => NodeState::Settled,
            Fate::Cut(why) => {
                self.tally.gap(why);
                NodeState::Cut
            }
            Fate::Failed(why) | Fate::Refused(why) => {
                self.tally.gap(format!("{url}: {why}"));
                NodeState::Failed
            }
        };
        if state != NodeState::Failed {
            self.changes.keys.extend(key);
        }
        self.walk.change(n, |node| node.state = state);
    }

    fn settle_shelf(&mut self, fate: Fate) {
        if fate == Fate::Replaced {
            return;
        }
        let Some(mut item) = self.shelf.pop_front() else {
            return;
        };
        let now = self.engine.clock.now();
        let later = match fate {
            Fate::Settled | Fate::Cut(_) | Fate::Replaced => None,
            Fate::Refused(why) => {
                self.tally
                    .gap(format!("follow-up {}: {why}", item.request().url));
                None
            }
            Fate::Later { at, asked_again } => {
                item.node.not_yet += u32::from(asked_again);
                Some(at)
            }
            Fate::Failed(why) => {
                let pause = usize::try_from(item.tries)
                    .ok()
                    .and_then(|tries| SHELF_PAUSES_SECS.get(tries));
                item.tries += 1;
                let what = if pause.is_some() {
                    "failed"
                } else {
                    "was given up"
                };
                self.tally
                    .gap(format!("follow-up {} {what}: {why}", item.request().url));
                pause.and_then(|secs| {
                    now.checked_add(jiff::SignedDuration::from_secs(i64::from(*secs)))
                        .ok()
                })
            }
        };
        match later {
            Some(at) => {
                item.node.not_before = Some(at);
                self.changes.shelf.push(item);
            }
            None => {
                self.changes
                    .keys
                    .extend(item.node.request.unless_known.clone());
                self.changes.unshelved.extend(item.id);
            }
        }
    }

    /// Closes the segment and settles what it settles.
    async fn close(&mut self, last: bool) -> Result<schemas::coverage::Coverage, EngineError> {
        let now = self.engine.clock.now();
        self.believe();
        let end = self.walk.end().filter(|_| last);
        let coverage = self.coverage(now, end)?;
        if let (Some(end), Work::Items { due, again }) = (end, self.work.clone()) {
            self.settle_items(&due, again, end);
        }
        self.changes.nodes = self.walk.take_dirty();
        self.changes.tally = self.tally.clone();
        self.changes.recheck_after_secs = self.engine.collector.about().recheck_after_secs;
        self.changes.again = matches!(self.work, Work::Items { again: true, .. });
        self.changes.walk_end = end;
        self.changes.run_end = last.then(|| (self.row, coverage.clone()));
        // Follow-ups that wait in memory become durable with the segment that asked for them.
        let waiting: Vec<ShelfItem> = self
            .shelf
            .iter()
            .filter(|item| item.id.is_none())
            .cloned()
            .collect();
        let fresh = waiting.len();
        self.changes.shelf.extend(waiting);
        let frame = Frame {
            run: self.run_record(),
            commit: Commit {
                v: 1,
                run: self.name.clone(),
                cursor: self.cursor.clone(),
                frontier: self.walk.pending(),
                shelf: (self.shelf.len() + self.changes.shelf.len() - fresh) as u64,
                dropped: self.dropped.clone(),
                complete: last,
                coverage: coverage.clone(),
            },
            policy: Arc::clone(&self.order.facts.policy),
        };
        let (draft, mut changes) = (
            std::mem::take(&mut self.draft),
            std::mem::take(&mut self.changes),
        );
        let engine = Arc::clone(&self.engine);
        let (target, lane, walk) = (self.order.facts.target.id.clone(), self.lane, self.walk_id);
        let (run, reader) = (self.name.clone(), self.reader.clone());
        let (digest, changes) = tokio::task::spawn_blocking(move || {
            let whose = Whose {
                target: &target,
                lane,
                walk,
                run: &run,
                reader: &reader,
                now,
            };
            let digest = engine.write_segment(&draft, &frame, |placed| {
                Ok(engine.state.commit(&whose, &mut changes, placed)?)
            })?;
            Ok::<_, EngineError>((digest, changes))
        })
        .await??;
        self.segments.push(digest);
        // The rows of follow-ups that are still to be made in this run.
        let mut ids = changes
            .shelf
            .iter()
            .skip(changes.shelf.len() - fresh)
            .map(|item| item.id);
        for item in self.shelf.iter_mut().filter(|item| item.id.is_none()) {
            item.id = ids.next().flatten();
        }
        Ok(coverage)
    }

    fn coverage(
        &self,
        now: Timestamp,
        walk: Option<WalkEnd>,
    ) -> Result<schemas::coverage::Coverage, EngineError> {
        let target = &self.order.facts.target.id;
        let must_join = self.lane == Lane::Poll
            && self.engine.collector.about().overlap
            && self
                .engine
                .state
                .had_items(target, self.lane, self.walk_id)?;
        Ok(coverage(&CoverageFacts {
            target,
            due: self.order.due,
            from: self.began_at,
            to: now,
            count: &self.count,
            tally: &self.tally,
            walk,
            ended: self.ended.as_ref(),
            must_join,
        }))
    }

    /// Items that were asked for by name: done, whether or not they were answered, unless asking itself failed.
    fn settle_items(&mut self, due: &[Known], again: bool, end: WalkEnd) {
        for known in due {
            let answered = self.tally.answered.contains(&known.id)
                || self.tally.answered.contains(&known.handle);
            match (again, end == WalkEnd::Complete || answered) {
                (true, true) => self.changes.rechecked.push(known.id.clone()),
                (false, true) => {
                    self.changes.keys.push(want_key(&known.id));
                    self.changes.described.push(known.id.clone());
                }
                (true, false) => {}
                (false, false) => self.changes.wants_later.push(known.id.clone()),
            }
        }
    }

    /// How many items asked for by name no answer spoke of.
    pub(super) fn unanswered(&self) -> u64 {
        let Work::Items { due, .. } = &self.work else {
            return 0;
        };
        let answered = |known: &&Known| {
            self.tally.answered.contains(&known.id) || self.tally.answered.contains(&known.handle)
        };
        let open = due.iter().filter(|known| !answered(known)).count() as u64;
        open.saturating_sub(self.tally.odd)
    }

    pub(super) const fn work(&self) -> &Work {
        &self.work
    }

    fn run_record(&self) -> Run {
        let Order {
            facts,
            issue,
            due,
            clock_synchronised,
            ..
        } = &self.order;
        Run {
            v: 1,
            id: self.name.clone(),
            policy: facts.policy.digest(),
            policy_issued_at: facts.policy.issued_at(),
            issue: issue.clone(),
            root: facts.policy.root_digest(),
            entry: facts.entry_digest,
            target: facts.target.clone(),
            lane: self.lane,
            work: serde_json::to_value(&self.work).unwrap_or_default(),
            cursor: self.cursor_before.clone(),
            now: self.planned_at,
            due: *due,
            reader: self.engine.identity.reader.clone(),
            queries: facts.queries.clone(),
            clock_synchronised: *clock_synchronised,
        }
    }
}

/// What an exchange means: known at once, or said by the collector.
pub(super) enum Read {
    Fate(Fate),
    Heard(Box<super::heard::Heard>),
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
