//! How is an open connection worked through? Chunk by chunk, each an exchange with a segment of its own, until it ends or the run's time is over.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use schemas::{capture::Lane, coverage::CoverageState, gate::Origin};
use serde_json::Value;

use super::{
    Engine, EngineError, Open, Order, Outcome, Piece, Report, Wanted,
    draft::Told,
    run::{Fate, Job, Running},
    walk::{Node, NodeState},
};
use crate::contract::{Ask, Work, checked_plan};

/// First and longest pause between two connections, in seconds: doubled after each that brought nothing.
const RECONNECT_SECS: (i64, i64) = (1, 60);

impl Engine {
    /// The lane an order runs in: planned as a poll, an open connection has a lane and a cursor of its own.
    ///
    /// # Errors
    ///
    /// The state.
    pub fn lane(&self, order: &Order) -> Result<Lane, EngineError> {
        if order.work != Work::Poll {
            return Ok(order.work.lane());
        }
        let cursor = self.cursor(&order.facts.target.id, Lane::Stream)?;
        let ask = Ask { target: &order.facts.target, work: Work::Poll, cursor: &cursor, now: self.clock.now() };
        // A plan that is broken is told by the run.
        let plan = checked_plan(&*self.collector, &ask).unwrap_or_default();
        Ok(if plan.iter().any(|request| request.stream.is_some()) { Lane::Stream } else { Lane::Poll })
    }

    /// The cursor of a lane; before its first walk, the collector's first one.
    ///
    /// # Errors
    ///
    /// The state.
    pub fn cursor(&self, target: &str, lane: Lane) -> Result<Value, EngineError> {
        Ok(match self.state.cursor(target, lane)? {
            Some(cursor) => cursor,
            None => self.collector.first_cursor().unwrap_or(Value::Null),
        })
    }

    /// Connects again, a run each, for as long as the order's time lasts.
    pub(super) async fn reconnect(
        self: &Arc<Self>,
        order: &Order,
        until: Timestamp,
        reports: &mut Vec<Report>,
    ) -> Result<(), EngineError> {
        let (shortest, longest) = RECONNECT_SECS;
        let mut pause = shortest;
        while let Some(last) = reports.last() {
            let again = matches!(
                last.coverage.state,
                CoverageState::Complete | CoverageState::Partial | CoverageState::Empty | CoverageState::Failed
            );
            pause = if last.coverage.records > 0 { shortest } else { (pause * 2).min(longest) };
            let rest = SignedDuration::from_secs(pause);
            let late = self.clock.now().checked_add(rest).is_ok_and(|at| at >= until);
            if !again || late || order.stop.is_cancelled() {
                break;
            }
            tokio::select! {
                () = self.clock.sleep(rest.unsigned_abs()) => {}
                () = order.stop.cancelled() => break,
            }
            let order = Order { due: None, ..order.clone() };
            match self.run_until(order, until).await? {
                Some(report) => reports.push(report),
                None => break,
            }
        }
        Ok(())
    }
}

impl Running {
    /// Works through an open connection that the request of `n` gave.
    pub(super) async fn stream(
        &mut self,
        n: u64,
        node: &Node,
        origin: Origin,
        mut open: Open,
    ) -> Result<(), EngineError> {
        let job = Job::Walk(n);
        let engine = Arc::clone(&self.engine);
        let mut worst = NodeState::Settled;
        loop {
            let left = self.until.duration_since(engine.clock.now());
            let left = Duration::try_from(left).unwrap_or_default();
            let stop = self.order.stop.clone();
            let clock = Arc::clone(&engine.clock);
            let over = Box::pin(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = clock.sleep(left) => {}
                }
            });
            let wanted = Wanted {
                run: &self.order.facts,
                request: &node.request,
                validators: None,
                origin: origin.clone(),
                attempt: node.attempts.saturating_add(1),
            };
            let outcome = match engine.network.piece(wanted, &mut open, over).await {
                Piece::Chunk(outcome) => outcome,
                Piece::Ended { trail, why, chunks } => {
                    let fate = self.stream_ended(node, trail, why, chunks).await?;
                    self.settle(job, fate);
                    break;
                }
            };
            let last = last_of(&outcome);
            self.tell(job, node, &outcome);
            self.take_in(job, node, outcome).await?;
            let state = self.walk.node(n).map(|node| node.state);
            match state {
                Some(state @ (NodeState::Settled | NodeState::Cut | NodeState::Failed)) => {
                    worst = worse(worst, state);
                }
                // A pause, or another request in its place: this connection is not read on.
                _ => {
                    if self.ended.is_some() {
                        self.walk.change(n, |node| node.state = worst);
                    }
                    return Ok(());
                }
            }
            if self.ended.is_some() {
                break;
            }
            self.walk.change(n, |node| node.state = NodeState::Pending);
            // What a chunk says holds once its segment is on disk.
            if !last {
                self.close(false).await?;
            }
        }
        self.walk.change(n, |node| node.state = worse(worst, node.state));
        Ok(())
    }

    async fn stream_ended(
        &mut self,
        node: &Node,
        trail: Vec<super::Hop>,
        why: Option<String>,
        chunks: u32,
    ) -> Result<Fate, EngineError> {
        self.tell_trail(&trail);
        if !trail.is_empty() {
            self.put(Told::of(trail, node.request.step.clone(), node.conditions.clone())).await?;
        }
        Ok(match (why, chunks) {
            (Some(why), 0) => Fate::Failed(why),
            (Some(why), _) => Fate::Cut(why),
            (None, 0) => {
                self.count.answers += 1;
                self.tally.empty.get_or_insert_with(|| "nothing came while the connection was open".to_owned());
                Fate::Settled
            }
            (None, _) => Fate::Settled,
        })
    }
}

fn last_of(outcome: &Outcome) -> bool {
    outcome.trail.iter().any(|hop| match hop {
        super::Hop::Fetched(fetched) => fetched.part.last,
        super::Hop::Refused(_) | super::Hop::Failed { .. } => false,
    })
}

const fn worse(one: NodeState, other: NodeState) -> NodeState {
    match (one, other) {
        (NodeState::Failed, _) | (_, NodeState::Failed) => NodeState::Failed,
        (NodeState::Cut, _) | (_, NodeState::Cut) => NodeState::Cut,
        _ => NodeState::Settled,
    }
}
