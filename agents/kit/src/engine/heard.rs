//! What follows from what a reading said?

use std::sync::Arc;

use jiff::Timestamp;
use schemas::capture::{Condition, Vanished};
use serde_json::Value;

use super::{
    Answered, EngineError, Hop, Turn,
    draft::Told,
    listen::{Lines, NoLines, listen},
    run::{Fate, Job, Running, want_key},
    unread::MayRead,
    walk::{Kept, Node},
};
use crate::{
    contract::{Facts, Known, Request, Work},
    derive::Derived,
    state::{Look, Mark, ShelfItem},
};

/// What an exchange means: known at once, or said by the collector.
pub(super) enum Read {
    Fate(Fate),
    Heard(Box<Heard>),
}

/// One reading, and the answer it was made of.
pub(super) struct Heard {
    lines: Lines,
    derived: Derived,
    response: String,
    pub(super) captured_at: Timestamp,
    url: String,
    validators: Option<Kept>,
}

impl Heard {
    /// The scope that it says it is all of.
    pub(super) fn scope(&self) -> Option<&str> {
        self.derived.end.snapshot.as_deref()
    }
}

impl Running {
    /// Lets the collector read an answer, and puts its lines beside it.
    pub(super) async fn listen(
        &mut self,
        node: &Node,
        answered: Answered,
        told: &mut Told,
        turn: &mut Turn,
    ) -> Result<Read, EngineError> {
        let Answered { hop, body, status, headers, url, turn: _ } = answered;
        let Some(Hop::Fetched(fetched)) = told.trail.get(hop) else {
            return Ok(Read::Fate(Fate::Failed("the answer was not told".to_owned())));
        };
        let captured_at = Timestamp::from_microsecond(fetched.at.as_microsecond()).unwrap_or(fetched.at);
        let header =
            |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
        let kept = Kept {
            etag: header("etag"),
            last_modified: header("last-modified"),
            of: (fetched.id.clone(), fetched.url.clone(), captured_at.to_string()),
        };
        let validators =
            (node.request.if_changed && (kept.etag.is_some() || kept.last_modified.is_some())).then_some(kept);
        let facts = Facts {
            response: fetched.id.clone(),
            step: node.request.step.clone(),
            target: self.order.facts.target.clone(),
            captured_at,
            url,
            status,
            headers,
            part: fetched.part,
            truncated: fetched.truncated.clone(),
            reservation: fetched.reservation.clone(),
        };
        let (response, address) = (fetched.id.clone(), facts.url.to_string());
        let row = match self.mark(&node.request, told, hop)? {
            MayRead::Yes(row) => row,
            MayRead::No(why) => {
                self.keep_unread(told, hop, &why);
                return Ok(Read::Fate(Fate::Failed(why)));
            }
        };
        let read = listen(
            Arc::clone(&self.engine.collector),
            facts,
            body,
            self.engine.identity.reader.clone(),
            Arc::clone(&self.order.facts.policy),
            self.order.facts.entry.clone(),
            self.engine.sealing.pseudonyms.clone(),
            self.engine.bounds,
            turn,
        )
        .await;
        if let Err(NoLines::TooLong(why)) = &read {
            self.engine.state.give_up_reading(row, why)?;
        } else {
            self.engine.state.end_reading(row)?;
        }
        Ok(match read {
            Ok((mut lines, derived)) => {
                told.answer = Some((hop, Some(std::mem::take(&mut lines.lines))));
                told.said = lines.said.take();
                Read::Heard(Box::new(Heard { lines, derived, response, captured_at, url: address, validators }))
            }
            Err(NoLines::TooLong(why)) => {
                self.keep_unread(told, hop, &why);
                Read::Fate(Fate::Failed(why))
            }
            Err(NoLines::Broken(why)) => {
                told.answer = Some((hop, None));
                Read::Fate(Fate::Failed(why))
            }
        })
    }

    /// Applies a reading: first what it lists, then what it asks for, then what it proposes.
    ///
    /// Gives what vanished: it is marked as told, and has to stand right after the reading. At most `room` bytes of it.
    pub(super) fn heard(
        &mut self,
        job: Job,
        node: &Node,
        heard: Heard,
        room: u64,
    ) -> Result<Vec<Vanished>, EngineError> {
        let Heard { lines, derived, response, captured_at, url, validators } = heard;
        for (unit, amount) in &derived.end.spent {
            self.engine.network.spent(&self.order.facts, unit, *amount);
        }
        if let Some(halt) = derived.halt {
            let fate = self.halted(job, node, halt, &response, &url);
            self.settle(job, fate);
            return Ok(Vec::new());
        }
        self.count.answers += 1;
        if job == Job::Walk(1) && self.work() == &Work::Poll {
            self.changes.target_gone = Some(0);
        }
        let end = &derived.end;
        let marked = self.changes.marks.len();
        let news = self.list(&lines, &derived, captured_at)?;
        if let Some(said) = &end.empty {
            self.tally.empty.get_or_insert_with(|| said.clone());
        }
        let mut cut = end.cut.clone();
        for request in derived.next {
            self.next(job, request, &response, news, &mut cut)?;
        }
        for request in derived.also {
            self.also(request, &response, news, captured_at)?;
        }
        for [id, handle] in &end.want {
            self.want(id, handle)?;
        }
        if let Some(milestone) = &end.milestone {
            self.merge(milestone);
        }
        let mut vanished = Vec::new();
        if cut.is_none()
            && let Some(scope) = &end.snapshot
        {
            let look = Look { response, at: captured_at };
            match self.snapshot(scope, &lines, look, &node.request.url, room)? {
                Ok(told) => vanished = told,
                Err(doubt) => {
                    let marks = self.changes.marks.iter_mut().skip(marked);
                    marks.filter(|mark| mark.scope.is_some()).for_each(|mark| mark.doubted = true);
                    cut = Some(doubt);
                }
            }
        }
        if let Job::Walk(n) = job {
            self.walk.change(n, |node| {
                // The chunks of a stream are read one after the other; each may propose.
                node.cursor = end.cursor.clone().or(node.cursor.take());
                node.validators = validators;
            });
        } else if let (Some(cursor), None, true) = (&end.cursor, &cut, end.next.is_empty()) {
            // A follow-up has no subtree, so its cursor holds where it asks for nothing more.
            self.merge(cursor);
        }
        self.settle(job, cut.map_or(Fate::Settled, Fate::Cut));
        Ok(vanished)
    }

    /// Marks what was listed. Says whether any of it is new to this lane: not settled by a completed walk.
    fn list(&mut self, lines: &Lines, derived: &Derived, at: Timestamp) -> Result<bool, EngineError> {
        let state = Arc::clone(&self.engine.state);
        let target = self.order.facts.target.id.clone();
        let scope = derived.end.snapshot.as_ref().map(|scope| self.scope(scope));
        let items = lines.items.iter().map(|item| Mark {
            id: item.id.clone(),
            platform: Some(item.platform.clone()),
            handle: item.handle.clone(),
            content: Some(item.content),
            scope: scope.clone(),
            doubted: false,
            at,
        });
        let bare = |id: &str| Mark {
            id: id.to_owned(),
            platform: None,
            handle: None,
            content: None,
            scope: None,
            doubted: false,
            at,
        };
        let keys = derived.also.iter().filter_map(|request| request.unless_known.as_deref());
        let listed: Vec<Mark> = items
            .chain(derived.end.want.iter().map(|[id, _]| bare(id)))
            .chain(derived.end.saw.iter().map(|id| bare(id)))
            .chain(keys.map(|key| bare(&format!("key:{key}"))))
            .collect();
        let seen = state.seen(&target, self.lane, listed.iter().map(|mark| &*mark.id))?;
        let mut news = false;
        for (mark, seen) in listed.iter().zip(seen) {
            match seen {
                Some(seen) if seen.walk != self.walk_id => self.tally.joined = true,
                Some(_) => {}
                None if mark.content.is_some() && self.seen.insert(mark.id.clone()) => self.count.new += 1,
                None => {}
            }
            news = news || !seen.is_some_and(|seen| seen.known);
            if matches!(self.work(), Work::Items { .. }) {
                self.tally.answered.insert(mark.id.clone());
                self.tally.handles.extend(mark.handle.clone());
            }
        }
        lines.gone.iter().for_each(|what| self.gone(what));
        self.count.records += lines.items.len() as u64;
        self.count.unreadable += lines.odd;
        self.tally.odd += lines.odd;
        self.tally.listed += u64::from(!listed.is_empty());
        self.changes.marks.extend(listed);
        Ok(news)
    }

    /// Judges the conditions of a request. `None`: it is dropped, and counted under the condition that dropped it.
    fn conditions(&mut self, request: &Request<Value>, news: bool) -> Result<Option<Vec<Condition>>, EngineError> {
        let mut met = Vec::new();
        let condition = |name: &str, verdict: &str| Condition { name: name.to_owned(), verdict: verdict.to_owned() };
        if request.while_new {
            if !news {
                *self.dropped.entry("while_new".to_owned()).or_default() += 1;
                return Ok(None);
            }
            met.push(condition("while_new", "something new was listed"));
        }
        if let Some(key) = &request.unless_known {
            if self.keys.contains(key) || self.engine.state.is_settled(&self.order.facts.target.id, key)? {
                *self.dropped.entry("unless_known".to_owned()).or_default() += 1;
                return Ok(None);
            }
            self.keys.insert(key.clone());
            met.push(condition("unless_known", "not known"));
        }
        Ok(Some(met))
    }

    fn next(
        &mut self,
        job: Job,
        request: Request<Value>,
        response: &str,
        news: bool,
        cut: &mut Option<String>,
    ) -> Result<(), EngineError> {
        let Some(conditions) = self.conditions(&request, news)? else {
            return Ok(());
        };
        let node = Node { conditions, ..Node::new(request, Some(response.to_owned())) };
        match job {
            Job::Walk(n) => {
                if let Err(repeats) = self.walk.add(Some(n), node) {
                    *self.dropped.entry("repeat".to_owned()).or_default() += 1;
                    cut.get_or_insert_with(|| repeats.to_string());
                }
            }
            Job::Shelf => self.shelve(node, self.engine.clock.now()),
        }
        Ok(())
    }

    fn also(&mut self, request: Request<Value>, response: &str, news: bool, at: Timestamp) -> Result<(), EngineError> {
        if let Some(conditions) = self.conditions(&request, news)? {
            self.shelve(Node { conditions, ..Node::new(request, Some(response.to_owned())) }, at);
        }
        Ok(())
    }

    fn shelve(&mut self, node: Node, made_at: Timestamp) {
        // A follow-up asked for twice while it waits is one follow-up.
        let same =
            |item: &ShelfItem| item.request().url == node.request.url && item.request().body == node.request.body;
        if self.shelf.iter().any(same) {
            *self.dropped.entry("repeat".to_owned()).or_default() += 1;
        } else {
            self.shelf.push_back(ShelfItem { id: None, node, tries: 0, made_at });
        }
    }

    fn want(&mut self, id: &str, handle: &str) -> Result<(), EngineError> {
        if self.engine.state.is_settled(&self.order.facts.target.id, &want_key(id))? {
            *self.dropped.entry("want".to_owned()).or_default() += 1;
        } else {
            self.changes.wants.push(Known { id: id.to_owned(), handle: handle.to_owned() });
        }
        Ok(())
    }

    /// Merges a cursor that holds.
    pub(super) fn merge(&mut self, proposed: &Value) {
        match self.engine.collector.merge(&self.cursor, proposed) {
            Ok(merged) if merged == self.cursor => {}
            Ok(merged) => {
                self.cursor = merged.clone();
                self.changes.cursor = Some(merged);
            }
            Err(broken) => self.tally.gap(broken.to_string()),
        }
    }

    /// Merges every cursor, and keeps all validators, whose subtrees are settled.
    pub(super) fn believe(&mut self) {
        for ripe in self.walk.take_ripe() {
            if let Some(cursor) = ripe.cursor {
                self.merge(&cursor);
            }
            if let Some((url, kept)) = ripe.validators {
                self.changes.validators.insert(url, kept.into());
            }
        }
        if self.walk.pending() == 0 {
            let open = self.unanswered();
            if open > 0 && self.ended.is_none() {
                self.tally.gap(format!("{open} items were asked for and not answered"));
            }
        }
    }
}
