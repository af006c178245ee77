//! What does the engine do where a reading ends in a halt?

use jiff::SignedDuration;
use jiff::Timestamp;
use schemas::capture::What;
use serde_json::Value;

use super::{
    coverage::Ended,
    run::{Fate, Job, Running},
    walk::Node,
};
use crate::contract::{Absent, Halt, Request, Work};

impl Running {
    pub(super) fn halted(&mut self, job: Job, node: &Node, halt: Halt<Value>, response: &str, url: &str) -> Fate {
        let now = self.engine.clock.now();
        match halt {
            Halt::Unreadable { at, why } => {
                self.count.unreadable += 1;
                Fate::Failed(format!("unreadable at {at}: {why}"))
            }
            Halt::NotYet { wait_secs, tries, or_else } => {
                if node.not_yet.saturating_add(1) < tries {
                    let at = now.checked_add(SignedDuration::from_secs(i64::from(wait_secs))).unwrap_or(Timestamp::MAX);
                    Fate::Later { at, asked_again: true }
                } else if let Some(request) = or_else {
                    self.replace(job, *request, response)
                } else {
                    Fate::Failed(format!("the source was not ready after {tries} tries"))
                }
            }
            Halt::Instead(request) => self.replace(job, *request, response),
            Halt::SlowDown { until, scope } => {
                self.engine.network.rest(&self.order.facts, url, &scope, until);
                if until.duration_since(now).as_secs() > i64::from(self.engine.bounds.patience_secs) {
                    self.ended = Some(Ended::Limited(format!("the source asks for a pause until {until}")));
                }
                Fate::Later { at: until, asked_again: false }
            }
            Halt::Denied(slot) => {
                let what = format!("the credential of slot `{slot}` was refused");
                self.block(&what);
                Fate::Failed(what)
            }
            Halt::Blocked(what) => {
                self.block(&what);
                Fate::Failed(what)
            }
            Halt::Gone(Absent::Item { what, .. }) => {
                self.gone(&what);
                Fate::Settled
            }
            Halt::Gone(Absent::Asked { why }) => self.gone_asked(job, &why),
        }
    }

    fn replace(&mut self, job: Job, request: Request<Value>, response: &str) -> Fate {
        match job {
            Job::Walk(n) => match self.walk.replace(n, request, response.to_owned()) {
                Ok(()) => Fate::Replaced,
                Err(why) => Fate::Failed(why),
            },
            Job::Shelf => {
                let Some(item) = self.shelf.front_mut() else {
                    return Fate::Replaced;
                };
                if item.node.instead >= super::walk::MAX_INSTEAD || item.node.request == request {
                    return Fate::Failed("the reader replaced its request too often".to_owned());
                }
                let key = item.node.request.unless_known.clone();
                item.node.instead += 1;
                item.node.attempts = 0;
                item.node.asked_by = Some(response.to_owned());
                item.node.request = Request { unless_known: key, ..request };
                Fate::Replaced
            }
        }
    }

    /// A record is gone by its id alone, though other items may be asked for by that very name.
    pub(super) fn gone(&mut self, what: &What) {
        let (name, gone, answered) = match what {
            What::Record { id, .. } => (id, &mut self.changes.gone, &mut self.tally.answered),
            What::Handle { handle } => (handle, &mut self.changes.gone_handles, &mut self.tally.handles),
            What::Author { .. } => return,
        };
        gone.push(name.clone());
        if matches!(self.work, Work::Items { .. }) {
            answered.insert(name.clone());
        }
    }

    /// What was asked for is not there: believed of an item or a follow-up, of a target only after enough misses in a row.
    fn gone_asked(&mut self, job: Job, why: &str) -> Fate {
        match (job, self.work().clone()) {
            (_, Work::Items { due, .. }) => {
                if let [known] = due.as_slice() {
                    self.tally.answered.insert(known.id.clone());
                    self.changes.gone.push(known.id.clone());
                }
                Fate::Settled
            }
            (Job::Walk(1), Work::Poll) => {
                let before = self.engine.state.gone(&self.order.facts.target.id).unwrap_or(0);
                let (misses, needed) = (before.saturating_add(1), self.engine.collector.about().misses_before_gone);
                self.changes.target_gone = Some(misses);
                self.tally.gap(if misses >= needed {
                    format!("the target is gone: {why}")
                } else {
                    format!("the target was not there ({misses} of {needed} times before it counts as gone): {why}")
                });
                Fate::Failed(why.to_owned())
            }
            _ => Fate::Settled,
        }
    }
}
