//! What is heard while one answer is read, and what of it stands?

use std::{
    collections::HashMap,
    fmt::Write as _,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use schemas::{
    canonical::{CanonicalError, canonical_of},
    capture::{End, GoneLine, Line, RecordLine, UnreadableLine, What},
    record::Record,
    segment::record_line_bytes,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{DeriveError, LineSink, Minimise, bound, bounded, panic_text, put};
use crate::{
    body::Body,
    contract::{Erased, Facts, Halt, Hear, Place, Request, Word, check_request},
};

/// Where a reading is set aside for what its reader said, and not for what the answer holds.
pub(crate) const READER: &str = "reader";

/// Why, of a reading in which nothing was said: an odd answer may come to that.
pub(crate) const NOTHING_SAID: &str = "nothing was said about this answer: no item, no request, no `empty`";

/// Longest canonical id, in bytes.
const MAX_ID_BYTES: usize = 2_048;

/// Longest claimed time that is kept, in characters.
const MAX_CLAIMED_CHARS: usize = 200;

/// Which outcome of an id stands where an answer has several.
pub(super) enum Order {
    /// A list: the first.
    First,
    /// A snapshot: the last, by its number among all outcomes.
    Last(HashMap<[u8; 16], u64>),
    /// A stream: all, in order.
    Said,
}

/// Listens to one reading.
pub(super) struct Said<'a> {
    minimise: Minimise<'a>,
    sink: &'a mut dyn LineSink,
    body: &'a Body,
    order: Order,
    pub(super) seen: HashMap<[u8; 16], u64>,
    outcomes: u64,
    pub(super) repeats: u64,
    pub(super) hash: Sha256,
    pub(super) end: End,
    pub(super) next: Vec<Request<Value>>,
    pub(super) also: Vec<Request<Value>>,
    pub(super) stopped: Option<Halt<Value>>,
    failed: Option<io::Error>,
    pub(super) panicked: bool,
}

/// One reading, with the collector guarded.
pub(super) fn read<'a>(
    collector: &dyn Erased,
    facts: &Facts,
    body: &'a Body,
    minimise: Minimise<'a>,
    sink: &'a mut dyn LineSink,
    header: &Line,
    order: Order,
) -> Result<Said<'a>, DeriveError> {
    put(sink, header, facts)?;
    let mut said = Said {
        minimise,
        sink,
        body,
        order,
        seen: HashMap::new(),
        outcomes: 0,
        repeats: 0,
        hash: Sha256::new(),
        end: End::default(),
        next: Vec::new(),
        also: Vec::new(),
        stopped: None,
        failed: None,
        panicked: false,
    };
    match catch_unwind(AssertUnwindSafe(|| collector.read(facts, body, &mut said))) {
        Ok(Ok(())) => {}
        Ok(Err(halt)) => said.stopped = Some(halt),
        Err(panic) => {
            said.panicked = true;
            said.stopped = Some(Halt::unreadable(READER, format_args!("panicked: {}", panic_text(&*panic))));
        }
    }
    match said.failed.take() {
        Some(source) => Err(DeriveError::Sink { response: facts.response.clone(), source }),
        None => Ok(said),
    }
}

impl Said<'_> {
    /// What an item or author is known by; none where every outcome stands.
    fn key(&self, key: &[&str]) -> Option<[u8; 16]> {
        if matches!(self.order, Order::Said) || self.body.was_streamed() {
            return None;
        }
        let mut hash = Sha256::new();
        for part in key {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut short = [0; 16];
        short.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Some(short)
    }

    /// Whether this outcome of an item or author stands.
    fn stands(&mut self, key: Option<[u8; 16]>) -> bool {
        let index = self.outcomes;
        self.outcomes += 1;
        let Some(key) = key else { return true };
        let repeated = self.seen.insert(key, index).is_some();
        self.repeats += u64::from(repeated);
        match &self.order {
            Order::Last(last) => last.get(&key) == Some(&index),
            Order::First | Order::Said => !repeated,
        }
    }

    fn item(&mut self, line: &Line, canonical: Result<Vec<u8>, CanonicalError>) {
        if self.failed.is_some() {
            return;
        }
        match canonical {
            Ok(canonical) => {
                self.hash.update(Sha256::digest(&canonical));
                self.failed = self.sink.line(line, canonical).err();
            }
            Err(error) => self.stop(format_args!("a line cannot be written: {error}")),
        }
    }

    fn said(&mut self, line: &Line) {
        self.item(line, canonical_of(line));
    }

    fn stop(&mut self, why: impl std::fmt::Display) {
        self.stopped.get_or_insert_with(|| Halt::unreadable(READER, why));
    }

    fn request(&mut self, request: &Request<Value>) -> Option<Value> {
        match check_request(request) {
            Ok(()) => serde_json::to_value(request).ok(),
            Err(why) => {
                self.stop(format_args!("asks for what cannot be asked: {why}"));
                None
            }
        }
    }

    /// What is decided once all is said.
    pub(super) fn settle(&mut self, facts: &Facts) {
        if self.stopped.is_some() {
            return;
        }
        let end = &mut self.end;
        let items = end.counts.iter().sum::<u64>();
        let listed = items + self.repeats + end.want.len() as u64 + end.saw.len() as u64;
        let nothing = listed == 0
            && end.next.is_empty()
            && end.also.is_empty()
            && end.cursor.is_none()
            && end.milestone.is_none()
            && end.empty.is_none()
            && end.cut.is_none();
        if nothing {
            return self.stop(NOTHING_SAID);
        }
        if end.empty.is_some() && items > 0 {
            let why = format!("says both that there is nothing and {items} items");
            return self.stop(why);
        }
        let listed = if listed == 0 { end.also.len() as u64 } else { listed };
        if end.cut.is_none() {
            if let Some(how) = &facts.truncated {
                end.cut = Some(format!("the body was cut by {how}"));
            } else if let Some(promised) = end.promised.filter(|promised| *promised != listed) {
                end.cut = Some(format!("the source says {promised} items, {listed} were read"));
            }
        }
    }
}

impl Hear for Said<'_> {
    fn record(&mut self, place: Place<'_>, mut record: Record) {
        let odd = if record.id.is_empty() || record.platform.is_empty() {
            Some("has no id".to_owned())
        } else if record.id.len() > MAX_ID_BYTES {
            Some(format!("its id has {} bytes; at most {MAX_ID_BYTES} are kept", record.id.len()))
        } else {
            None
        };
        if let Some(why) = odd {
            return self.unreadable(place, &why);
        }
        for claimed in [&mut record.published_at, &mut record.edited_at].into_iter().flatten() {
            if let Some((at, _)) = claimed.raw.char_indices().nth(MAX_CLAIMED_CHARS) {
                claimed.raw.truncate(at);
            }
        }
        let key = self.key(&["record", &record.platform, &record.id]);
        let (item, dropped) = (self.minimise)(record);
        let written = item.written();
        // What stands outside the content hash, such as a metric beyond 2^53, must not cost the item's neighbours their lines.
        let slowly = || canonical_of(&item).and_then(|_| item.content_hash());
        let content = match written.as_ref().map_or_else(slowly, |written| Ok(written.content)) {
            Ok(content) => content,
            Err(error) => return self.unreadable(place, &error.to_string()),
        };
        if self.stands(key) {
            self.end.counts[0] += 1;
            let line = RecordLine { place: text(place), content, item, dropped };
            let canonical = written.map(|written| record_line_bytes(&line, &written.bytes));
            let line = Line::Record(line);
            let canonical = canonical.unwrap_or_else(|| canonical_of(&line));
            self.item(&line, canonical);
        }
    }

    fn gone(&mut self, place: Place<'_>, what: What, why: &str) {
        let key = match &what {
            What::Record { platform, id } => self.key(&["record", platform, id]),
            What::Handle { handle } => self.key(&["handle", handle]),
            What::Author { platform, id } => self.key(&["author", platform, id]),
        };
        if self.stands(key) {
            self.end.counts[1] += 1;
            self.said(&Line::Gone(GoneLine { place: text(place), what, why: bounded(why) }));
        }
    }

    fn unreadable(&mut self, place: Place<'_>, why: &str) {
        self.end.counts[2] += 1;
        self.said(&Line::Unreadable(UnreadableLine { place: text(place), why: bounded(why) }));
    }

    fn word(&mut self, word: Word) {
        match word {
            Word::Next(request) => {
                if let Some(value) = self.request(&request) {
                    self.end.next.push(value);
                    self.next.push(request);
                }
            }
            Word::Also(request) => {
                if let Some(value) = self.request(&request) {
                    self.end.also.push(value);
                    self.also.push(request);
                }
            }
            Word::Want(id, handle) => self.end.want.push([id, handle]),
            Word::Saw(id) => self.end.saw.push(id),
            Word::Cursor(cursor) => self.end.cursor = Some(cursor),
            Word::Milestone(cursor) => self.end.milestone = Some(cursor),
            Word::Empty(why) => self.end.empty = Some(bounded(&why)),
            Word::Promised(items) => self.end.promised = Some(items),
            Word::Cut(why) => {
                self.end.cut.get_or_insert_with(|| bounded(&why));
            }
            Word::Snapshot(scope) => self.end.snapshot = Some(scope),
            Word::Spent(unit, amount) => {
                let spent = self.end.spent.entry(unit).or_default();
                *spent = spent.saturating_add(amount);
            }
            Word::Fault(why) => self.stop(why),
        }
    }
}

/// A place as its line names it.
fn text(place: Place<'_>) -> String {
    let mut text = String::with_capacity(32);
    // Writing to a text cannot fail.
    let _ = write!(text, "{place}");
    bound(&mut text);
    text
}
