//! What left a list that is published whole, and which of its readings are doubted?
//!
//! A half-made file must not make thousands of items vanish, and a list that rightly lost as many must not be doubted for ever. So a reading that lost too
//! much is not believed by itself, and is where readings that agree with it go on for long enough.

use std::{collections::HashSet, sync::Arc};

use jiff::SignedDuration;
use schemas::{capture::Vanished, segment::keyed_vanished};

use super::{EngineError, draft::vanished_bytes, listen::Lines, run::Running};
use crate::state::{Doubt, Look, Scope, Stood};

/// More than this share of many ids is not believed to leave at once.
const MAX_LOSS_PERCENT: usize = 5;

/// From how many ids on they are many. Of fewer more than half must leave to be doubted: in a short list one or two are soon a tenth.
const MANY: usize = 20;

/// Fewer ids than these are no list that could be told from another.
const FEWEST: usize = 3;

/// How many readings in a row must agree on a loss. Two may be the same broken file, out of a cache or of two servers.
const READINGS_BELIEVED: u32 = 3;

/// How far apart the first and the last of them must be: such lists are made anew once a day, and a broken one is mended by the next.
const BELIEVED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Whether so many of a list's ids are more than are believed to change at once.
const fn too_many(ids: usize, changed: usize) -> bool {
    if ids >= MANY { changed * 100 > ids * MAX_LOSS_PERCENT } else { ids >= FEWEST && changed * 2 > ids }
}

/// How a reading compares with what stood.
#[derive(Default)]
struct Compared {
    /// Stood, not doubted so far, and lacked now.
    missed: Vec<String>,
    /// Stood, and not doubted so far.
    firm: usize,
    /// Lacked by the doubt, and now.
    still: usize,
    /// Lacked by the doubt, and held now.
    back: usize,
    /// Held by the doubt alone.
    new: usize,
    /// The same, and lacked now.
    new_lost: usize,
}

impl Compared {
    fn of(stood: Vec<(String, Stood)>, ids: &HashSet<&str>) -> Self {
        let mut found = Self::default();
        for (id, stood) in stood {
            let held = ids.contains(&*id);
            match stood {
                Stood::Firm => {
                    found.firm += 1;
                    if !held {
                        found.missed.push(id);
                    }
                }
                Stood::Doubted if held => found.back += 1,
                Stood::Doubted => found.still += 1,
                Stood::New => {
                    found.new += 1;
                    found.new_lost += usize::from(!held);
                }
            }
        }
        found
    }

    const fn stood(&self) -> usize {
        self.firm + self.still + self.back
    }

    const fn lost(&self) -> usize {
        self.missed.len() + self.still
    }

    /// Whether it lacks what the doubt lacks, and holds what the doubt holds.
    const fn agrees(&self) -> bool {
        !too_many(self.still + self.back, self.back)
            && !too_many(self.firm + self.new, self.missed.len() + self.new_lost)
    }
}

impl Running {
    /// The name under which a scope is remembered: the same of another seed or recipe is another one.
    pub(super) fn scope(&self, scope: &str) -> String {
        format!("{} {scope}", self.order.facts.target.digest().short())
    }

    /// Whether another reading of the scope waits for its segment, so that the state does not know of it.
    pub(super) fn waits(&self, scope: &str) -> bool {
        let name = self.scope(scope);
        self.changes.scopes.iter().any(|one| one.name == name)
            || self.changes.marks.iter().any(|mark| mark.scope.as_ref() == Some(&name))
    }

    /// Compares a snapshot, an answer of `url`, with those before. Gives what vanished, of which what does not fit into `room` waits for the next reading;
    /// or why the snapshot is doubted.
    pub(super) fn snapshot(
        &mut self,
        scope: &str,
        lines: &Lines,
        look: Look,
        url: &str,
        room: u64,
    ) -> Result<Result<Vec<Vanished>, String>, EngineError> {
        let (state, target, name) = (Arc::clone(&self.engine.state), &self.order.facts.target.id, self.scope(scope));
        let ids: HashSet<&str> = lines.items.iter().map(|item| &*item.id).collect();
        let compared = Compared::of(state.standing(target, self.lane, &name)?, &ids);
        let last = state.snapshot(target, self.lane, &name)?;
        let (stood, lost) = (compared.stood(), compared.lost());
        let is_same = last.as_ref().is_none_or(|last| last.reader.as_ref() == Some(&self.reader));
        // Of two readings that lack an item both are by one reader: another may name the same items otherwise.
        let mut before = last.filter(|_| is_same).map(|last| last.look);
        let is_doubted = too_many(stood, lost) || (!is_same && lost > 0);
        if is_doubted {
            let open = state
                .doubt(target, self.lane, &name)?
                .filter(|open| open.reader == self.reader && open.first.at <= look.at && compared.agrees());
            let doubt = match open {
                Some(open) => Doubt { readings: open.readings.saturating_add(1), url: url.to_owned(), ..open },
                None => Doubt { first: look.clone(), readings: 1, reader: self.reader.clone(), url: url.to_owned() },
            };
            if doubt.readings < READINGS_BELIEVED || look.at.duration_since(doubt.first.at) < BELIEVED_AFTER {
                let why = if is_same { "more lost at once than is believed" } else { "another version of the reader" };
                let why = format!("`{scope}` held {stood} items and lacks {lost} of them: {why}; {}", words(&doubt));
                let missed = if doubt.readings == 1 { compared.missed } else { Vec::new() };
                self.changes.scopes.push(Scope { name, look, missed, told: Vec::new(), doubt: Some(doubt) });
                return Ok(Err(why));
            }
            before = Some(doubt.first);
        }
        let (mut vanished, mut told, mut left) = (Vec::new(), Vec::new(), room);
        if let (Some(before), Some(entry)) = (before, self.order.facts.entry()) {
            let missing = state.missing(target, self.lane, &name, is_doubted)?;
            for item in missing.into_iter().filter(|item| !ids.contains(&*item.id)) {
                let said = Vanished {
                    v: 1,
                    response: look.response.clone(),
                    before: before.response.clone(),
                    before_at: before.at.to_string(),
                    stood_at: item.stood_at.to_string(),
                    scope: scope.to_owned(),
                    platform: item.platform,
                    id: item.id.clone(),
                };
                let said = keyed_vanished(said, entry, self.engine.sealing.pseudonyms.as_ref());
                let Some(rest) = left.checked_sub(vanished_bytes(&said)) else { break };
                left = rest;
                told.push(item.id);
                vanished.push(said);
            }
        }
        self.changes.scopes.push(Scope { name, look, missed: compared.missed, told, doubt: None });
        Ok(Ok(vanished))
    }
}

/// Since when, and when it would be believed, for people.
fn words(doubt: &Doubt) -> String {
    let Doubt { first, readings, .. } = doubt;
    let hours = BELIEVED_AFTER.as_hours();
    let from = first.at.checked_add(BELIEVED_AFTER).map(|at| format!(", from {at} on")).unwrap_or_default();
    format!(
        "doubted since {}, readings so far: {readings}; believed once {READINGS_BELIEVED} in a row over {hours} h agree{from}",
        first.at
    )
}
