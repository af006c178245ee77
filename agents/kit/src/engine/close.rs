//! How does a draft become a segment, and what does it settle?

use std::sync::Arc;

use jiff::Timestamp;
use schemas::{
    capture::{Commit, Lane, Run},
    coverage::Coverage,
    segment::sealed_coverage,
};
use serde_json::Value;

use super::{
    EngineError, Order,
    closing::Closing,
    coverage::{Facts as CoverageFacts, coverage},
    draft::Frame,
    run::Running,
    walk::WalkEnd,
};
use crate::{contract::Work, state::ShelfItem};

impl Running {
    /// Closes the segment and settles what it settles.
    pub(super) async fn close(&mut self, last: bool) -> Result<Coverage, EngineError> {
        let now = self.engine.clock.now();
        self.believe();
        let end = self.walk.end().filter(|_| last);
        let mut full = self.coverage(now, end)?;
        if last {
            let untold = self.engine.state.untold(&self.order.facts.target.id)?;
            (self.changes.told, full.skipped) = untold.into_iter().unzip();
        }
        let sealed = self.order.facts.sealed();
        let coverage = if sealed { sealed_coverage(&full) } else { full.clone() };
        if let (Some(end), Work::Items { due, again }) = (end, self.work.clone()) {
            self.settle_items(&due, again, end);
        }
        self.changes.nodes = self.walk.take_dirty();
        self.changes.tally = self.tally.clone();
        let set = self.engine.recheck_after_secs.clone();
        self.changes.recheck_after_secs = set.unwrap_or_else(|| self.engine.collector.about().recheck_after_secs);
        self.changes.again = matches!(self.work, Work::Items { again: true, .. });
        self.changes.walk_end = end;
        self.changes.run_end = last.then(|| (self.row, coverage.clone()));
        // Follow-ups that wait in memory become durable with the segment that asked for them.
        let waiting: Vec<ShelfItem> = self.shelf.iter().filter(|item| item.id.is_none()).cloned().collect();
        let fresh = waiting.len();
        self.changes.shelf.extend(waiting);
        let run = self.run_record();
        let commit = Commit {
            v: 1,
            run: self.name.clone(),
            cursor: self.cursor.clone(),
            frontier: self.walk.pending(),
            shelf: (self.shelf.len() + self.changes.shelf.len() - fresh) as u64,
            dropped: self.dropped.clone(),
            complete: last,
            coverage: full,
        };
        let policy = Arc::clone(&self.order.facts.policy);
        let frame = if sealed {
            Frame {
                run: Run { work: Value::Null, cursor: Value::Null, ..run.clone() },
                commit: Commit { cursor: Value::Null, coverage: coverage.clone(), ..commit.clone() },
                policy,
                full: Some(Box::new((run, commit))),
            }
        } else {
            Frame { run, commit, policy, full: None }
        };
        let reservations = std::mem::take(&mut self.draft.reservations);
        let closing = Closing {
            draft: std::mem::take(&mut self.draft),
            frame,
            walk: self.walk_id,
            reader: self.reader.clone(),
            now,
            changes: std::mem::take(&mut self.changes),
        };
        let (digest, changes) = self.engine.close_segment(closing).await?;
        self.segments.push(digest);
        self.engine.network.stored(&reservations);
        // The rows of follow-ups that are still to be made in this run.
        let mut ids = changes.shelf.iter().skip(changes.shelf.len() - fresh).map(|item| item.id);
        for item in self.shelf.iter_mut().filter(|item| item.id.is_none()) {
            item.id = ids.next().flatten();
        }
        Ok(coverage)
    }

    fn coverage(&self, now: Timestamp, walk: Option<WalkEnd>) -> Result<Coverage, EngineError> {
        let target = &self.order.facts.target.id;
        let must_join = self.lane == Lane::Poll
            && self.engine.collector.about().overlap
            && self.engine.state.had_items(target, self.lane, self.walk_id)?;
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

    fn run_record(&self) -> Run {
        let Order { facts, issue, due, clock_synchronised, .. } = &self.order;
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
