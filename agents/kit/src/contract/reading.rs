//! What may a reading say?

use std::{fmt, marker::PhantomData};

use schemas::{capture::What, record::Record};
use serde::Serialize;
use serde_json::Value;

use super::{Collector, Place, Request};

/// Where `read` says what an answer holds: a sink, not a list, so that a file of a million rows needs no more memory than one row.
///
/// Who listens is not the collector's business; nothing comes back.
pub struct Reading<'a, C: Collector> {
    heard: &'a mut (dyn Hear + 'a),
    collector: PhantomData<C>,
}

/// Everything but an item that a reading can say, with steps and cursors as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The walk goes on with this.
    Next(Request<Value>),
    /// A follow-up of its own.
    Also(Request<Value>),
    /// Describe this item: id and handle.
    Want(String, String),
    /// Listed here, not described.
    Saw(String),
    /// Proposed cursor.
    Cursor(Value),
    /// Cursor that holds at once.
    Milestone(Value),
    /// Nothing here, and the source says so.
    Empty(String),
    /// The source's own count.
    Promised(u64),
    /// More should have come.
    Cut(String),
    /// These are all items of a scope.
    Snapshot(String),
    /// Real cost, in a unit.
    Spent(String, u64),
    /// The reader said what cannot be written as JSON.
    Fault(String),
}

/// Who listens to a reading.
pub trait Hear {
    /// An item.
    fn record(&mut self, place: Place<'_>, record: Record);
    /// An item or author withdrawn.
    fn gone(&mut self, place: Place<'_>, what: What, why: &str);
    /// One odd item.
    fn unreadable(&mut self, place: Place<'_>, why: &str);
    /// Anything else.
    fn word(&mut self, word: Word);
}

impl<'a, C: Collector> Reading<'a, C> {
    /// A reading that `heard` listens to.
    pub fn new(heard: &'a mut (dyn Hear + 'a)) -> Self {
        Self { heard, collector: PhantomData }
    }

    /// An item, and where it stood.
    pub fn record(&mut self, place: Place<'_>, record: Record) {
        self.heard.record(place, record);
    }

    /// [`record`](Self::record), or [`unreadable`](Self::unreadable): whatever came of reading one item.
    pub fn item(&mut self, place: Place<'_>, read: Result<Record, impl fmt::Display>) {
        match read {
            Ok(record) => self.record(place, record),
            Err(why) => self.unreadable(place, why),
        }
    }

    /// An item or an author the source says is withdrawn, in its own terms.
    pub fn gone(&mut self, place: Place<'_>, what: What, why: impl fmt::Display) {
        self.heard.gone(place, what, &why.to_string());
    }

    /// One odd item, set aside and counted; its neighbours stand.
    pub fn unreadable(&mut self, place: Place<'_>, why: impl fmt::Display) {
        self.heard.unreadable(place, &why.to_string());
    }

    /// The walk goes on here: the cursor waits until this is settled.
    pub fn next(&mut self, request: Request<C::Step>) {
        match request.try_map(serde_json::to_value) {
            Ok(request) => self.heard.word(Word::Next(request)),
            Err(error) => self.fault("step", &error),
        }
    }

    /// A follow-up of its own: durable, retried; the cursor does not wait for it.
    pub fn also(&mut self, request: Request<C::Step>) {
        match request.try_map(serde_json::to_value) {
            Ok(request) => self.heard.word(Word::Also(request)),
            Err(error) => self.fault("step", &error),
        }
    }

    /// Describe this item. The kit drops what it knows, batches the rest over pages and calls `plan` with [`Work::Items`](super::Work::Items).
    pub fn want(&mut self, id: impl Into<String>, handle: impl Into<String>) {
        self.heard.word(Word::Want(id.into(), handle.into()));
    }

    /// Listed here and described elsewhere: counts for `while_new` and for overlap.
    pub fn saw(&mut self, id: impl Into<String>) {
        self.heard.word(Word::Saw(id.into()));
    }

    /// True once this reading and everything it asks `next` is settled.
    pub fn cursor(&mut self, cursor: C::Cursor) {
        if let Some(value) = self.json("cursor", cursor) {
            self.heard.word(Word::Cursor(value));
        }
    }

    /// True as soon as this answer is on disk: forward walks, streams, ids that were looked up.
    pub fn milestone(&mut self, cursor: C::Cursor) {
        if let Some(value) = self.json("cursor", cursor) {
            self.heard.word(Word::Milestone(value));
        }
    }

    /// Nothing is here, and the source says so.
    pub fn empty(&mut self, why: impl fmt::Display) {
        self.heard.word(Word::Empty(why.to_string()));
    }

    /// How many items the source says this answer holds. A difference makes the reading `cut`.
    pub fn promised(&mut self, items: u64) {
        self.heard.word(Word::Promised(items));
    }

    /// What came stands, more should have come: coverage is partial, `cursor` proposals wait, a `milestone` goes on.
    pub fn cut(&mut self, why: impl fmt::Display) {
        self.heard.word(Word::Cut(why.to_string()));
    }

    /// These are all items of the scope, a name of this target's own. The kit compares with the reading before. An item that two in a
    /// row lack is told to have vanished, by the kit. Where more than a twentieth of 20 or more is missing at once, more than half of 3 to 19, or anything
    /// after a change of the reader, the reading counts as `cut`, until three or more in a row over a day agree. An id that comes twice stands as it was said
    /// last.
    pub fn snapshot(&mut self, scope: impl Into<String>) {
        self.heard.word(Word::Snapshot(scope.into()));
    }

    /// What the request really cost, in a unit of the manifest; settles its reservation.
    pub fn spent(&mut self, unit: impl Into<String>, amount: u64) {
        self.heard.word(Word::Spent(unit.into(), amount));
    }

    fn json(&mut self, what: &str, value: impl Serialize) -> Option<Value> {
        serde_json::to_value(value).inspect_err(|error| self.fault(what, error)).ok()
    }

    fn fault(&mut self, what: &str, error: &serde_json::Error) {
        self.heard.word(Word::Fault(format!("the {what} cannot be written as JSON: {error}")));
    }
}
