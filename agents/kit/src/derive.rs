//! What does a stored answer say, line by line?
//!
//! One function for the agent at capture time and for whoever reads the WARC years later: equal facts and bytes give equal lines. It
//! guards the reader: a panic becomes a halt, saying nothing is unreadable, an id has one outcome, texts and steps keep their bounds.

use std::{
    any::Any,
    collections::HashMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use schemas::{
    Digest,
    canonical::{CanonicalError, canonical_of},
    capture::{End, GoneLine, Header, Line, Reader, RecordLine, UnreadableLine, What},
    record::Record,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    body::Body,
    contract::{Erased, Facts, Halt, Hear, Part, Place, Request, Word, check_request},
};

/// Longest reason that is kept, in characters.
const MAX_WHY_CHARS: usize = 500;

/// Longest canonical id, in bytes.
const MAX_ID_BYTES: usize = 2_048;

/// Longest claimed time that is kept, in characters.
const MAX_CLAIMED_CHARS: usize = 200;

/// Drops what the entry's field list does not name and hides authors where it says so; returns the names of what was dropped, ascending.
pub type Minimise<'a> = &'a dyn Fn(&Record) -> (Record, Vec<String>);

/// Keeps every field. For tests and for entries without a field list.
#[must_use]
pub fn keep_all(record: &Record) -> (Record, Vec<String>) {
    (record.clone(), Vec::new())
}

/// Where the lines of a conversion go as they are said.
pub trait LineSink {
    /// One line: what it says, and its RFC 8785 bytes without salt and line feed.
    ///
    /// # Errors
    ///
    /// The line could not be written; the derivation stops.
    fn line(&mut self, line: &Line, canonical: &[u8]) -> io::Result<()>;

    /// Forget every line so far: the reader halted, or the answer is read a second time.
    ///
    /// # Errors
    ///
    /// They could not be forgotten; the derivation stops.
    fn restart(&mut self) -> io::Result<()>;
}

/// Lines in memory, each as canonical bytes: for small answers and tests.
impl LineSink for Vec<Vec<u8>> {
    fn line(&mut self, _: &Line, canonical: &[u8]) -> io::Result<()> {
        self.push(canonical.to_vec());
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// Lines in memory as values.
impl LineSink for Vec<Line> {
    fn line(&mut self, line: &Line, _: &[u8]) -> io::Result<()> {
        self.push(line.clone());
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// What a reading asks of the engine. The lines went to the sink.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derived {
    /// The last line.
    pub end: End,
    /// How the reading ended, where it did not end well. Then nothing else was said.
    pub halt: Option<Halt<Value>>,
    /// Requests the walk goes on with.
    pub next: Vec<Request<Value>>,
    /// Follow-ups of their own.
    pub also: Vec<Request<Value>>,
    /// Outcomes left out because their id had one already in this answer.
    pub repeats: u64,
    /// The reader panicked. The halt says so; a person should be told.
    pub panicked: bool,
}

/// Why no lines could be made at all. Never the source's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// The step has no canonical form, so it was never one of this version's.
    #[error("step of response {response} cannot be read")]
    Step {
        /// Record id.
        response: String,
        /// What is wrong with it.
        #[source]
        source: CanonicalError,
    },
    /// The sink refused a line.
    #[error("a line of the reading of {response} could not be written")]
    Sink {
        /// Record id.
        response: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A line has no canonical form although its parts were checked.
    #[error("a line of the reading of {response} has no canonical form")]
    Line {
        /// Record id.
        response: String,
        /// What is wrong with it.
        #[source]
        source: CanonicalError,
    },
}

/// Reads one answer and writes its conversion: header, items, end, as they are said.
///
/// Memory grows by 24 bytes an item, to know ids that come twice. A snapshot in which one does is read twice: its last row stands.
///
/// # Errors
///
/// [`DeriveError`]; whatever the answer holds is a halt within the lines, not an error.
pub fn derive(
    collector: &dyn Erased,
    facts: &Facts,
    body: &Body,
    reader: &Reader,
    minimise: Minimise<'_>,
    sink: &mut dyn LineSink,
) -> Result<Derived, DeriveError> {
    let response = || facts.response.clone();
    let step = canonical_of(&facts.step).map_err(|source| DeriveError::Step {
        response: response(),
        source,
    })?;
    let header = Line::Header(Header {
        v: 1,
        response: response(),
        captured_at: facts.captured_at.to_string(),
        reader: reader.clone(),
        step: Digest::of(&step),
    });
    let order = if facts.part == Part::WHOLE {
        Order::First
    } else {
        Order::Said
    };
    let mut said = read(collector, facts, body, minimise, sink, &header, order)?;
    if said.repeats > 0
        && said.end.snapshot.is_some()
        && said.stopped.is_none()
        && !body.was_streamed()
    {
        let last = std::mem::take(&mut said.seen);
        sink.restart().map_err(|source| DeriveError::Sink {
            response: response(),
            source,
        })?;
        said = read(
            collector,
            facts,
            body,
            minimise,
            sink,
            &header,
            Order::Last(last),
        )?;
    }
    said.settle(facts);
    let Said {
        mut end,
        stopped,
        next,
        also,
        repeats,
        panicked,
        hash,
        ..
    } = said;
    end.items = Some(Digest(hash.finalize().into()));
    let mut derived = Derived {
        end,
        halt: None,
        next,
        also,
        repeats,
        panicked,
    };
    let failed = match stopped {
        Some(halt) => Some(halt),
        None => canonical_of(&Line::End(Box::new(derived.end.clone())))
            .err()
            .map(|error| Halt::unreadable("end", error)),
    };
    if let Some(halt) = failed {
        sink.restart().map_err(|source| DeriveError::Sink {
            response: response(),
            source,
        })?;
        put(sink, &header, facts)?;
        derived = halted(halt, panicked);
    }
    put(sink, &Line::End(Box::new(derived.end.clone())), facts)?;
    Ok(derived)
}

/// [`derive`] into memory: every line as canonical bytes, header and end included.
///
/// # Errors
///
/// As [`derive`].
pub fn derive_lines(
    collector: &dyn Erased,
    facts: &Facts,
    body: &Body,
    reader: &Reader,
    minimise: Minimise<'_>,
) -> Result<(Vec<Vec<u8>>, Derived), DeriveError> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let derived = derive(collector, facts, body, reader, minimise, &mut lines)?;
    Ok((lines, derived))
}

/// What a panic said, at most 200 characters.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message")
        .chars()
        .take(200)
        .collect()
}

/// A reading of which only the halt is left.
fn halted(halt: Halt<Value>, panicked: bool) -> Derived {
    let checked = match &halt {
        Halt::Instead(request) => check_request(request),
        Halt::NotYet {
            or_else: Some(request),
            ..
        } => check_request(request),
        _ => Ok(()),
    };
    let mut halt = match checked {
        Ok(()) => halt,
        Err(why) => Halt::unreadable("request", why),
    };
    if let Halt::Unreadable { at, why } = &mut halt {
        *at = bounded(at);
        *why = bounded(why);
    }
    // A halt is made of texts, small numbers and requests that were checked, so it always is JSON.
    let value = serde_json::to_value(&halt).unwrap_or_default();
    Derived {
        end: End {
            halt: Some(value),
            ..End::default()
        },
        halt: Some(halt),
        panicked,
        ..Derived::default()
    }
}

fn put(sink: &mut dyn LineSink, line: &Line, facts: &Facts) -> Result<(), DeriveError> {
    let canonical = canonical_of(line).map_err(|source| DeriveError::Line {
        response: facts.response.clone(),
        source,
    })?;
    sink.line(line, &canonical)
        .map_err(|source| DeriveError::Sink {
            response: facts.response.clone(),
            source,
        })
}

fn bounded(text: &str) -> String {
    text.chars().take(MAX_WHY_CHARS).collect()
}

/// Which outcome of an id stands where an answer has several.
enum Order {
    /// A list: the first.
    First,
    /// A snapshot: the last, by its number among all outcomes.
    Last(HashMap<[u8; 16], u64>),
    /// A stream: all, in order.
    Said,
}

/// Listens to one reading.
struct Said<'a> {
    minimise: Minimise<'a>,
    sink: &'a mut dyn LineSink,
    body: &'a Body,
    order: Order,
    seen: HashMap<[u8; 16], u64>,
    outcomes: u64,
    repeats: u64,
    hash: Sha256,
    end: End,
    next: Vec<Request<Value>>,
    also: Vec<Request<Value>>,
    stopped: Option<Halt<Value>>,
    failed: Option<io::Error>,
    panicked: bool,
}

fn read<'a>(
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
            said.stopped = Some(Halt::unreadable(
                "reader",
                format_args!("panicked: {}", panic_text(&*panic)),
            ));
        }
    }
    match said.failed.take() {
        Some(source) => Err(DeriveError::Sink {
            response: facts.response.clone(),
            source,
        }),
        None => Ok(said),
    }
}

impl Said<'_> {
    /// Whether this outcome of an item or author stands.
    fn stands(&mut self, key: &[&str]) -> bool {
        let index = self.outcomes;
        self.outcomes += 1;
        if matches!(self.order, Order::Said) || self.body.was_streamed() {
            return true;
        }
        let mut hash = Sha256::new();
        for part in key {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut short = [0; 16];
        short
            .iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        let repeated = self.seen.insert(short, index).is_some();
        self.repeats += u64::from(repeated);
        match &self.order {
            Order::Last(last) => last.get(&short) == Some(&index),
            Order::First | Order::Said => !repeated,
        }
    }

    fn item(&mut self, line: &Line) {
        if self.failed.is_some() {
            return;
        }
        match canonical_of(line) {
            Ok(canonical) => {
                self.hash.update(Sha256::digest(&canonical));
                self.failed = self.sink.line(line, &canonical).err();
            }
            Err(error) => self.stop(format_args!("a line cannot be written: {error}")),
        }
    }

    fn stop(&mut self, why: impl std::fmt::Display) {
        self.stopped
            .get_or_insert_with(|| Halt::unreadable("reader", why));
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
    fn settle(&mut self, facts: &Facts) {
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
            return self.stop("nothing was said about this answer");
        }
        if end.empty.is_some() && items > 0 {
            let why = format!("says both that there is nothing and {items} items");
            return self.stop(why);
        }
        let listed = if listed == 0 {
            end.also.len() as u64
        } else {
            listed
        };
        if end.cut.is_none() {
            if let Some(how) = &facts.truncated {
                end.cut = Some(format!("the body was cut by {how}"));
            } else if let Some(promised) = end.promised.filter(|promised| *promised != listed) {
                end.cut = Some(format!(
                    "the source says {promised} items, {listed} were read"
                ));
            }
        }
    }
}

impl Hear for Said<'_> {
    fn record(&mut self, place: Place<'_>, mut record: Record) {
        let odd = if record.id.is_empty() || record.platform.is_empty() {
            Some("has no id".to_owned())
        } else if record.id.len() > MAX_ID_BYTES {
            Some(format!(
                "its id has {} bytes; at most {MAX_ID_BYTES} are kept",
                record.id.len()
            ))
        } else {
            None
        };
        if let Some(why) = odd {
            return self.unreadable(place, &why);
        }
        for claimed in [&mut record.published_at, &mut record.edited_at]
            .into_iter()
            .flatten()
        {
            if let Some((at, _)) = claimed.raw.char_indices().nth(MAX_CLAIMED_CHARS) {
                claimed.raw.truncate(at);
            }
        }
        let (item, dropped) = (self.minimise)(&record);
        let content = match item.content_hash() {
            Ok(content) => content,
            Err(error) => return self.unreadable(place, &error.to_string()),
        };
        if self.stands(&["record", &record.platform, &record.id]) {
            self.end.counts[0] += 1;
            self.item(&Line::Record(RecordLine {
                place: bounded(&place.to_string()),
                content,
                item,
                dropped,
            }));
        }
    }

    fn gone(&mut self, place: Place<'_>, what: What, why: &str) {
        let stands = match &what {
            What::Record { platform, id } => self.stands(&["record", platform, id]),
            What::Handle { handle } => self.stands(&["handle", handle]),
            What::Author { platform, id } => self.stands(&["author", platform, id]),
        };
        if stands {
            self.end.counts[1] += 1;
            self.item(&Line::Gone(GoneLine {
                place: bounded(&place.to_string()),
                what,
                why: bounded(why),
            }));
        }
    }

    fn unreadable(&mut self, place: Place<'_>, why: &str) {
        self.end.counts[2] += 1;
        self.item(&Line::Unreadable(UnreadableLine {
            place: bounded(&place.to_string()),
            why: bounded(why),
        }));
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
