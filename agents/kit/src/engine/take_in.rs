//! What comes of an exchange?

use std::{mem, sync::Arc};

use schemas::{gate::DecisionCode, segment::WriteError};
use tokio::task::spawn_blocking;

use super::{
    EngineError, Hop, HopResult, Outcome, Turn,
    coverage::Ended,
    crash,
    draft::{Draft, Told, vanished_bytes},
    heard::Read,
    run::{Fate, Job, Running},
    turn,
    walk::Node,
};
use crate::sealing::Recipients;

/// Exchanges of fewer bytes are packed where they are: that takes less than a millisecond, and to hand them to another thread costs both.
const PACKED_HERE: u64 = 128 << 10;

/// Room that a segment keeps for its run, commit and manifest records.
const SPARE_BYTES: u64 = 1 << 20;

impl Running {
    /// Reads an answer, or sees what the lack of one means, and puts it into the draft.
    pub(super) async fn take_in(&mut self, job: Job, node: &Node, outcome: Outcome) -> Result<(), EngineError> {
        let Outcome { trail, mut result } = outcome;
        let mut told = Told::of(trail, node.request.step.clone(), node.conditions.clone());
        // A site's rules and redirects of them are asked for our own sake; whatever else was answered came from the source.
        let answered = |hop: &Hop| matches!(hop, Hop::Fetched(it) if !it.judged.ask.origin.is_for_rules());
        let turned_away =
            matches!(&result, HopResult::Refused { code, .. } if turns_away(*code)) && !told.trail.iter().any(answered);
        let mut turn = match &mut result {
            HopResult::Answer(answered) if answered.turn.is_some() => answered.turn.take(),
            HopResult::Answer(_) => turn().await,
            _ => None,
        };
        let mut fate = self.fate(node, result, &mut told, &mut turn).await?;
        match &fate {
            Read::Fate(Fate::Refused(_)) if turned_away => self.count.turned_away += 1,
            Read::Fate(Fate::Refused(_) | Fate::Failed(_)) => self.count.came_to_nothing += 1,
            Read::Fate(_) | Read::Heard(_) => {}
        }
        // What is settled stands in the same segment as the exchange that settles it, so make room first.
        let full = schemas::segment::MAX_SEGMENT_BYTES - SPARE_BYTES;
        // A list is compared with what the state knows of it.
        let waits = matches!(&fate, Read::Heard(heard) if heard.scope().is_some_and(|scope| self.waits(scope)));
        if (waits || self.draft.bytes() + told.bytes() > full) && self.draft.exchanges() > 0 {
            self.close(false).await?;
        }
        if told.bytes() > full {
            fate = Read::Fate(Fate::Failed(told.shrink(full)));
        }
        self.put(told).await?;
        crash::point("agent_after_exchange");
        match fate {
            Read::Fate(fate) => self.settle(job, fate),
            Read::Heard(heard) => {
                let at = heard.captured_at;
                let vanished = self.heard(job, node, *heard, full.saturating_sub(self.draft.bytes()))?;
                if !vanished.is_empty() {
                    let bytes = vanished.iter().map(vanished_bytes).sum();
                    self.pack(bytes, move |draft| draft.vanish(&vanished, at)).await?;
                }
            }
        }
        Ok(())
    }

    /// Packs an exchange into the draft at once, so that what waits for its segment takes little memory.
    pub(super) async fn put(&mut self, told: Told) -> Result<(), EngineError> {
        let (target, sealed) = (self.order.facts.target.digest(), self.order.facts.sealed());
        let policy = Arc::clone(&self.order.facts.policy);
        let bytes = told.bytes();
        self.pack(bytes, move |draft| {
            let seal = sealed.then(|| Recipients::of(policy.root())).transpose()?;
            draft.push(told, target, seal.as_ref())
        })
        .await
    }

    async fn pack(
        &mut self,
        bytes: u64,
        packing: impl FnOnce(&mut Draft) -> Result<(), WriteError> + Send + 'static,
    ) -> Result<(), EngineError> {
        let mut draft = mem::take(&mut self.draft);
        let packing = move || packing(&mut draft).map(|()| draft);
        let packed = if bytes < PACKED_HERE {
            packing()
        } else {
            spawn_blocking(packing).await.map_err(|_| EngineError::Packing)?
        };
        self.draft = packed.map_err(|source| EngineError::Write { run: self.name.clone(), source })?;
        Ok(())
    }

    /// Counts what went over the wire.
    pub(super) fn tell(&mut self, job: Job, node: &Node, outcome: &Outcome) {
        let attempts = self.tell_trail(&outcome.trail);
        let attempts = attempts.max(node.attempts.saturating_add(1));
        match job {
            Job::Walk(n) => self.walk.change(n, |node| node.attempts = attempts),
            Job::Shelf => self.shelf.iter_mut().take(1).for_each(|item| item.node.attempts = attempts),
        }
    }

    /// Counts the hops of one request; gives the highest attempt among them.
    pub(super) fn tell_trail(&mut self, trail: &[Hop]) -> u32 {
        let mut attempts = 0;
        for hop in trail {
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
        attempts
    }

    async fn fate(
        &mut self,
        node: &Node,
        result: HopResult,
        told: &mut Told,
        turn: &mut Turn,
    ) -> Result<Read, EngineError> {
        Ok(Read::Fate(match result {
            HopResult::Answer(answered) => {
                let refused = answered.status == 403;
                let read = self.listen(node, *answered, told, turn).await?;
                if let (true, Read::Fate(Fate::Failed(why))) = (refused, &read) {
                    self.block(why);
                }
                return Ok(read);
            }
            HopResult::Opened(_) => Fate::Failed("an open connection came where none was asked for".to_owned()),
            HopResult::NotModified => {
                self.count.answers += 1;
                self.tally.unchanged = true;
                self.changes.unchanged.push(node.request.url.clone());
                Fate::Settled
            }
            HopResult::Refused { code: DecisionCode::Budget, because } => {
                self.ended = Some(Ended::Limited(because));
                Fate::Later { at: self.engine.clock.now(), asked_again: false }
            }
            HopResult::Refused { because, .. } => Fate::Refused(because),
            HopResult::RateLimited { until, scope } => {
                let patience = i64::from(self.engine.bounds.patience_secs);
                if until.duration_since(self.engine.clock.now()).as_secs() > patience {
                    self.ended = Some(Ended::Limited(format!("{scope} rests until {until}")));
                }
                Fate::Later { at: until, asked_again: false }
            }
            HopResult::Blocked { what } => {
                self.block(&what);
                Fate::Failed(what)
            }
            HopResult::Failed { error, .. } => Fate::Failed(error),
        }))
    }
}

/// Whether a refusal is ours or the publisher's will, and not a failure met on the way: an unreachable robots.txt or name is one.
const fn turns_away(code: DecisionCode) -> bool {
    !matches!(code, DecisionCode::RobotsUnreachable | DecisionCode::Unresolved | DecisionCode::Redirects)
}
