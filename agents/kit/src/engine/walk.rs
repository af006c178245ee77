//! Which requests of a walk are settled, and what may therefore be believed?
//!
//! A tree of requests in memory; [`crate::state`] keeps it. Pure: no clock, no disk. The rule it exists for: a proposed cursor holds once
//! the reading that made it, and every request that grew from it, is settled. Pending, failed and cut requests hold it back.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use schemas::{Digest, capture::Condition, segment::Referred};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ports::Validators;
use crate::contract::{Known, Method, Request};

/// Most replacements of one request in a chain ([`Halt::Instead`](crate::contract::Halt::Instead)).
pub const MAX_INSTEAD: u8 = 8;

/// A request of a walk, or a follow-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The request whose reading asked for it; none for those of `plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u64>,
    /// What to ask.
    pub request: Request<Value>,
    /// Record id of the response whose reading asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// Conditions that were judged when it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Tries made.
    #[serde(default)]
    pub attempts: u32,
    /// How often the source said *not yet*.
    #[serde(default)]
    pub not_yet: u32,
    /// How often it was replaced.
    #[serde(default)]
    pub instead: u8,
    /// Not to be made before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Where it stands.
    pub state: NodeState,
    /// Cursor its reading proposed, not yet merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Value>,
    /// Validators of its answer, not yet believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validators: Option<Kept>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Still to be made.
    Pending,
    /// Answered and read.
    Settled,
    /// Read, but more should have come.
    Cut,
    /// Came to nothing.
    Failed,
}

/// Validators on their way into the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
    /// Record id, address and date of the capture.
    pub of: (String, String, String),
}

impl From<Kept> for Validators {
    fn from(kept: Kept) -> Self {
        let (id, url, date) = kept.of;
        Self { etag: kept.etag, last_modified: kept.last_modified, of: Referred { id, url, date } }
    }
}

impl Node {
    /// A request still to be made.
    #[must_use]
    pub const fn new(request: Request<Value>, asked_by: Option<String>) -> Self {
        Self {
            parent: None,
            request,
            asked_by,
            conditions: Vec::new(),
            attempts: 0,
            not_yet: 0,
            instead: 0,
            not_before: None,
            state: NodeState::Pending,
            cursor: None,
            validators: None,
        }
    }

    fn is_ready(&self, now: Timestamp) -> bool {
        self.state == NodeState::Pending && self.not_before.is_none_or(|at| at <= now)
    }
}

/// What the walk found so far, for coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tally {
    /// Readings that listed anything.
    pub listed: u64,
    /// Something listed was seen by an earlier walk.
    pub joined: bool,
    /// An answer said that nothing changed.
    pub unchanged: bool,
    /// Where the source said there is nothing.
    pub empty: Option<String>,
    /// Why something is missing; the first few reasons.
    pub gaps: Vec<String>,
    /// Ids that were answered, where items are asked for by name.
    pub answered: BTreeSet<String>,
    /// Handles that were answered.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub handles: BTreeSet<String>,
    /// Items set aside.
    pub odd: u64,
}

impl Tally {
    /// Whether an answer spoke of it. Its handle may be another item's id: ids answer for ids, handles for handles.
    pub fn answers(&self, known: &Known) -> bool {
        self.answered.contains(&known.id) || self.handles.contains(&known.handle)
    }

    /// Notes why something is missing. Five reasons are kept.
    pub fn gap(&mut self, why: impl Into<String>) {
        let why = why.into();
        if self.gaps.len() < 5 && !self.gaps.contains(&why) {
            self.gaps.push(why);
        }
    }
}

/// What became of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkEnd {
    /// Everything is settled: what it saw is known from now on.
    Complete,
    /// Something failed or was cut: the next run plans anew.
    Broken,
}

impl WalkEnd {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Broken => "broken",
        }
    }
}

/// The same method, address and body was asked for before in this walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source repeats itself")]
pub struct Repeats;

/// What grew from one plan.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    nodes: BTreeMap<u64, Node>,
    asked: HashSet<Digest>,
    dirty: BTreeSet<u64>,
}

/// What is believed once a subtree is settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Ripe {
    /// Cursor proposed.
    pub cursor: Option<Value>,
    /// Address and validators.
    pub validators: Option<(String, Kept)>,
}

impl Walk {
    /// The first requests, as `plan` gave them. Repeats among them are dropped.
    #[must_use]
    pub fn planned(requests: Vec<Request<Value>>) -> Self {
        let mut walk = Self::default();
        for request in requests {
            // A plan that names a request twice means it once.
            let _ = walk.add(None, Node::new(request, None));
        }
        walk
    }

    /// A walk as it was stored.
    #[must_use]
    pub fn stored(nodes: Vec<(u64, Node)>) -> Self {
        let asked = nodes.iter().map(|(_, node)| fingerprint(&node.request)).collect();
        Self { nodes: nodes.into_iter().collect(), asked, dirty: BTreeSet::new() }
    }

    /// All requests by number.
    #[must_use]
    pub fn nodes(&self) -> Vec<(u64, Node)> {
        self.nodes.iter().map(|(n, node)| (*n, node.clone())).collect()
    }

    /// One request.
    #[must_use]
    pub fn node(&self, n: u64) -> Option<&Node> {
        self.nodes.get(&n)
    }

    /// The request that is still to be made and is this one.
    #[must_use]
    pub fn pending_of(&self, request: &Request<Value>) -> Option<u64> {
        self.nodes
            .iter()
            .find(|(_, node)| node.state == NodeState::Pending && node.request == *request)
            .map(|(n, _)| *n)
    }

    /// The first request that may be made now.
    #[must_use]
    pub fn ready(&self, now: Timestamp) -> Option<u64> {
        self.nodes.iter().find(|(_, node)| node.is_ready(now)).map(|(n, _)| *n)
    }

    /// When the next waiting request may be made.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.nodes.values().filter(|node| node.state == NodeState::Pending).filter_map(|node| node.not_before).min()
    }

    /// Requests still to be made.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.nodes.values().filter(|node| node.state == NodeState::Pending).count() as u64
    }

    /// What became of it; nothing while a request is pending.
    #[must_use]
    pub fn end(&self) -> Option<WalkEnd> {
        if self.pending() > 0 {
            return None;
        }
        let whole = self.nodes.values().all(|node| node.state == NodeState::Settled);
        Some(if whole { WalkEnd::Complete } else { WalkEnd::Broken })
    }

    /// Adds a request that `parent` asked for.
    ///
    /// # Errors
    ///
    /// [`Repeats`]: nothing was added.
    pub fn add(&mut self, parent: Option<u64>, node: Node) -> Result<u64, Repeats> {
        if !self.asked.insert(fingerprint(&node.request)) {
            return Err(Repeats);
        }
        let n = self.nodes.last_key_value().map_or(1, |(last, _)| last + 1);
        self.nodes.insert(n, Node { parent, ..node });
        self.dirty.insert(n);
        Ok(n)
    }

    /// Changes a request.
    pub fn change(&mut self, n: u64, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(&n) {
            change(node);
            self.dirty.insert(n);
        }
    }

    /// Puts another request in the place of one.
    ///
    /// # Errors
    ///
    /// Why not, for people: it was asked before in this walk, or eight replacements were made.
    pub fn replace(&mut self, n: u64, request: Request<Value>, asked_by: String) -> Result<(), String> {
        let instead = self.nodes.get(&n).map_or(0, |node| node.instead);
        if instead >= MAX_INSTEAD {
            return Err(format!("the reader replaced its request {MAX_INSTEAD} times"));
        }
        if !self.asked.insert(fingerprint(&request)) {
            return Err(Repeats.to_string());
        }
        self.change(n, |node| {
            node.request = request;
            node.asked_by = Some(asked_by);
            node.instead = instead + 1;
            node.attempts = 0;
            node.not_yet = 0;
            node.not_before = None;
        });
        Ok(())
    }

    /// Takes what may be believed now: proposals of every request whose subtree is settled, in the order in which they were asked.
    pub fn take_ripe(&mut self) -> Vec<Ripe> {
        // Children have higher numbers than their parents, so one pass from the last to the first sees every subtree whole.
        let mut open: BTreeSet<u64> = BTreeSet::new();
        for (n, node) in self.nodes.iter().rev() {
            if node.state != NodeState::Settled {
                open.insert(*n);
            }
            if open.contains(n)
                && let Some(parent) = node.parent
            {
                open.insert(parent);
            }
        }
        let mut ripe = Vec::new();
        for (n, node) in &mut self.nodes {
            if open.contains(n) || (node.cursor.is_none() && node.validators.is_none()) {
                continue;
            }
            let validators = node.validators.take().map(|kept| (node.request.url.clone(), kept));
            ripe.push(Ripe { cursor: node.cursor.take(), validators });
            self.dirty.insert(*n);
        }
        ripe
    }

    /// Requests that changed since the last call.
    pub fn take_dirty(&mut self) -> BTreeMap<u64, Node> {
        std::mem::take(&mut self.dirty).into_iter().filter_map(|n| Some((n, self.nodes.get(&n)?.clone()))).collect()
    }
}

/// Names a request by method, address and body.
fn fingerprint(request: &Request<Value>) -> Digest {
    let method = match request.method {
        Method::Get => "GET",
        Method::Query => "POST",
    };
    // No address holds a line feed, so the parts cannot run into one another.
    Digest::of(format!("{method}\n{}\n{}", request.url, request.body.as_deref().unwrap_or_default()).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(n: usize) -> Node {
        Node::new(Request::get(format!("https://news.example.org/{n}"), Value::Null), None)
    }

    #[test]
    fn same_request_twice_is_a_repeat() {
        let mut walk = Walk::default();
        walk.add(None, page(1)).unwrap();
        assert_eq!(walk.add(Some(1), page(1)), Err(Repeats));
    }

    #[test]
    fn ninth_replacement_is_refused() {
        let mut walk = Walk::default();
        let n = walk.add(None, page(0)).unwrap();
        for turn in 1..=8 {
            walk.replace(n, page(turn).request, "urn:uuid:1".into()).unwrap();
        }
        assert!(walk.replace(n, page(9).request, "urn:uuid:1".into()).unwrap_err().contains("8 times"));
    }

    /// Whether nothing at or below `n` is unsettled, by the plainest reading of the rule.
    fn closed(nodes: &BTreeMap<u64, Node>, n: u64) -> bool {
        nodes[&n].state == NodeState::Settled
            && nodes.iter().filter(|(_, node)| node.parent == Some(n)).all(|(child, _)| closed(nodes, *child))
    }

    proptest! {
        #[test]
        fn cursor_holds_exactly_when_nothing_below_is_pending_failed_or_cut(
            steps in prop::collection::vec((0_usize..40, 0_u8..4, any::<bool>()), 1..40),
        ) {
            let mut walk = Walk::default();
            for (at, (parent, state, proposes)) in steps.iter().enumerate() {
                let parent = (at > 0 && *parent > 0).then(|| (*parent % at) as u64 + 1);
                let n = walk.add(parent, page(at)).unwrap();
                walk.change(n, |node| {
                    node.state = [NodeState::Pending, NodeState::Settled, NodeState::Cut, NodeState::Failed][usize::from(*state)];
                    node.cursor = proposes.then(|| Value::from(n));
                });
            }
            let before: BTreeMap<u64, Node> = walk.nodes().into_iter().collect();
            let expected: Vec<Value> = before
                .iter()
                .filter(|(n, node)| node.cursor.is_some() && closed(&before, **n))
                .filter_map(|(_, node)| node.cursor.clone())
                .collect();
            let ripe: Vec<Value> = walk.take_ripe().into_iter().filter_map(|ripe| ripe.cursor).collect();
            prop_assert_eq!(ripe, expected);
            prop_assert!(walk.take_ripe().is_empty(), "a proposal is taken once");
        }

        #[test]
        fn settling_in_any_order_merges_every_proposal_once(order in Just((1_u64..=12).collect::<Vec<_>>()).prop_shuffle()) {
            let mut walk = Walk::default();
            for n in 1..=12_u64 {
                walk.add((n > 1).then_some(n / 2).filter(|parent| *parent > 0), page(usize::try_from(n).unwrap())).unwrap();
            }
            let mut merged = Vec::new();
            for n in order {
                walk.change(n, |node| { node.state = NodeState::Settled; node.cursor = Some(Value::from(n)); });
                let nodes: BTreeMap<u64, Node> = walk.nodes().into_iter().collect();
                for ripe in walk.take_ripe() {
                    let from = ripe.cursor.and_then(|value| value.as_u64()).unwrap();
                    prop_assert!(closed(&nodes, from));
                    merged.push(from);
                }
            }
            merged.sort_unstable();
            prop_assert_eq!(merged, (1..=12).collect::<Vec<_>>());
            prop_assert_eq!(walk.end(), Some(WalkEnd::Complete));
        }
    }
}
