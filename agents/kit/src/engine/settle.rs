//! What becomes of a request, a follow-up, an item asked for by name?

use jiff::SignedDuration;
use schemas::segment::SEALED_WHY;

use super::{
    coverage::Ended,
    run::{Fate, Job, Running, SHELF_PAUSES_SECS, want_key},
    walk::{NodeState, WalkEnd},
};
use crate::contract::{Known, Work};

impl Running {
    /// Stops the target until a person says otherwise.
    pub(super) fn block(&mut self, what: &str) {
        let target = &self.order.facts.target.id;
        // What a source said does not go into the log of an agent that seals it.
        let told = if self.order.facts.sealed() { SEALED_WHY } else { what };
        tracing::error!(target_id = %target, "`{target}` is blocked: {told}; it is not asked again until a person runs `once --target {target}`");
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
        let key = self.walk.node(n).and_then(|node| node.request.unless_known.clone());
        let url = self.walk.node(n).map(|node| node.request.url.clone()).unwrap_or_default();
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
                self.tally.gap(format!("follow-up {}: {why}", item.request().url));
                None
            }
            Fate::Later { at, asked_again } => {
                item.node.not_yet += u32::from(asked_again);
                Some(at)
            }
            Fate::Failed(why) => {
                let pause = usize::try_from(item.tries).ok().and_then(|tries| SHELF_PAUSES_SECS.get(tries));
                item.tries += 1;
                let what = if pause.is_some() { "failed" } else { "was given up" };
                self.tally.gap(format!("follow-up {} {what}: {why}", item.request().url));
                pause.and_then(|secs| now.checked_add(SignedDuration::from_secs(i64::from(*secs))).ok())
            }
        };
        match later {
            Some(at) => {
                item.node.not_before = Some(at);
                self.changes.shelf.push(item);
            }
            None => {
                self.changes.keys.extend(item.node.request.unless_known.clone());
                self.changes.unshelved.extend(item.id);
            }
        }
    }

    /// Items that were asked for by name: done, whether or not they were answered, unless asking itself failed.
    pub(super) fn settle_items(&mut self, due: &[Known], again: bool, end: WalkEnd) {
        for known in due {
            match (again, end == WalkEnd::Complete || self.tally.answers(known)) {
                (true, true) => self.changes.rechecked.push(known.id.clone()),
                (false, true) => {
                    self.changes.keys.push(want_key(&known.id));
                    self.changes.described.push(known.id.clone());
                }
                (true, false) => self.changes.rechecks_later.push(known.id.clone()),
                (false, false) => self.changes.wants_later.push(known.id.clone()),
            }
        }
    }

    /// How many items asked for by name no answer spoke of.
    pub(super) fn unanswered(&self) -> u64 {
        let Work::Items { due, .. } = &self.work else {
            return 0;
        };
        let open = due.iter().filter(|known| !self.tally.answers(known)).count() as u64;
        open.saturating_sub(self.tally.odd)
    }
}
