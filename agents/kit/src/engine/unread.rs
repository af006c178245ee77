//! What becomes of an answer whose reading does not come back?
//!
//! It is marked on disk before it is read. Where the process dies of the reading (abort, stack overflow, out of memory), the next
//! run of the lane finds the mark. Once is forgiven, as `kill -9` looks the same: the answer is asked for again, and is marked with its bytes. The second time the run keeps
//! the answer as evidence with the reason, does not read it again, says so in its coverage and goes on.
//! The same holds for a reading that takes too long. Another reader reads the answer again; so does this one once a person names the target.

use schemas::{Digest, canonical::canonical_of, capture::Condition};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    EngineError, Hop,
    draft::Told,
    run::{Fate, Job, Running},
};
use crate::{
    contract::Request,
    state::{Before, Begun, Left},
};

/// What a run finds of a reading that ended its process.
const DIED: &str =
    "the agent ended twice while it read this answer; the answer is kept and not read again by this reader";

/// The exchange of a marked reading, but for the bytes of its blocks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marked {
    request: Request<Value>,
    conditions: Vec<Condition>,
    trail: Vec<Hop>,
    answer: usize,
}

/// Whether an answer may be read.
pub(super) enum MayRead {
    /// Yes; the row to take away after it.
    Yes(i64),
    /// No, and why.
    No(String),
}

impl Running {
    /// Marks an answer as being read, unless it is known that its reading does not come back.
    pub(super) fn mark(&self, request: &Request<Value>, told: &Told, answer: usize) -> Result<MayRead, EngineError> {
        let (state, target) = (&self.engine.state, &self.order.facts.target.id);
        let payload = match told.trail.get(answer) {
            Some(Hop::Fetched(fetched)) => fetched.payload_digest(),
            _ => Digest::of(&[]),
        };
        let step = canonical_of(&request.step).unwrap_or_default();
        let mut same = payload.to_string().into_bytes();
        same.extend_from_slice(&step);
        let same = Digest::of(&same);
        let (text, kept) = match state.before_reading(target, &same, &self.reader)? {
            Before::GivenUp(why) => return Ok(MayRead::No(why)),
            // Should it end the process, it is asked for again: nothing of it is needed until the second time.
            Before::Nothing => (String::new(), &[][..]),
            Before::Died => {
                let (request, conditions) = (request.clone(), told.conditions.clone());
                let marked = Marked { request, conditions, trail: told.trail.clone(), answer };
                match serde_json::to_string(&marked) {
                    Ok(text) => (text, &*told.trail),
                    Err(error) => return Ok(MayRead::No(format!("it could not be marked: {error}"))),
                }
            }
        };
        let blocks = kept.iter().map(|hop| match hop {
            Hop::Fetched(fetched) => (&*fetched.request, &*fetched.response),
            Hop::Refused(_) | Hop::Failed { .. } => (&[][..], &[][..]),
        });
        let begun = Begun {
            target,
            lane: self.lane,
            answer: same,
            reader: &self.reader,
            told: &text,
            now: self.engine.clock.now(),
        };
        Ok(MayRead::Yes(state.begin_reading(&begun, blocks)?))
    }

    /// Keeps an answer that is not read, with the reason beside it.
    pub(super) fn keep_unread(&mut self, told: &mut Told, answer: usize, why: &str) {
        self.count.unreadable += 1;
        told.answer = None;
        told.unread = Some(answer);
        told.conditions.push(Condition { name: "read".to_owned(), verdict: why.to_owned() });
    }

    /// Takes up answers whose reading ended the process before this one.
    pub(super) async fn take_up_left(&mut self) -> Result<(), EngineError> {
        let left = self.engine.state.left_readings(&self.order.facts.target.id, self.lane)?;
        for left in left {
            let (id, now) = (left.id, self.engine.clock.now());
            if self.engine.state.forgive_reading(id, now)? {
                let target = &self.order.facts.target.id;
                tracing::warn!(target_id = %target, "`{target}`: the agent ended while it read an answer; it is asked for once more");
                continue;
            }
            match marked(left) {
                Some(marked) => self.keep_left(marked).await?,
                // A later release marked it, and this one is older: nothing to keep.
                None => self.tally.gap(DIED),
            }
            self.changes.unread.push((id, DIED.to_owned()));
        }
        Ok(())
    }

    async fn keep_left(&mut self, marked: Marked) -> Result<(), EngineError> {
        let Marked { request, conditions, trail, answer } = marked;
        let target = &self.order.facts.target.id;
        tracing::error!(target_id = %target, url = %request.url, "`{target}`: {DIED} ({})", request.url);
        self.tell_trail(&trail);
        let mut told = Told::of(trail, request.step.clone(), conditions);
        self.keep_unread(&mut told, answer, DIED);
        self.put(told).await?;
        let pending = self.walk.pending_of(&request);
        match pending {
            Some(n) => self.settle(Job::Walk(n), Fate::Failed(DIED.to_owned())),
            None => self.tally.gap(format!("{}: {DIED}", request.url)),
        }
        Ok(())
    }
}

/// A mark, its blocks put back in.
fn marked(left: Left) -> Option<Marked> {
    let mut marked: Marked = serde_json::from_str(&left.told).ok()?;
    for (hop, (request, response)) in marked.trail.iter_mut().zip(left.blocks) {
        if let Hop::Fetched(fetched) = hop {
            fetched.request = request;
            fetched.response = response.into();
        }
    }
    Some(marked)
}
