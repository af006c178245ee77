//! What does a stored answer say, line by line?
//!
//! One function for the agent at capture time and for whoever reads the WARC years later: equal facts and bytes give equal lines. It
//! guards the reader: a panic becomes a halt, saying nothing is unreadable, an id has one outcome, texts and steps keep their bounds.

mod said;

use std::{any::Any, io};

use schemas::{
    Digest,
    canonical::{CanonicalError, canonical_of},
    capture::{End, Header, Line, Reader},
    record::Record,
};
use serde_json::Value;
use sha2::Digest as _;

use crate::{
    body::Body,
    contract::{Erased, Facts, Halt, Part, Request, check_request},
};
pub(crate) use said::{NOTHING_SAID, READER};
use said::{Order, Said, read};

/// Longest reason that is kept, in characters.
const MAX_WHY_CHARS: usize = 500;

/// Drops what the entry's field list does not name and hides authors where it says so; returns the names of what was dropped, ascending.
pub type Minimise<'a> = &'a dyn Fn(Record) -> (Record, Vec<String>);

/// Keeps every field. For tests and for entries without a field list.
#[must_use]
pub const fn keep_all(record: Record) -> (Record, Vec<String>) {
    (record, Vec::new())
}

/// Where the lines of a conversion go as they are said.
pub trait LineSink {
    /// One line: what it says, and its RFC 8785 bytes without salt and line feed.
    ///
    /// # Errors
    ///
    /// The line could not be written; the derivation stops.
    fn line(&mut self, line: &Line, canonical: Vec<u8>) -> io::Result<()>;

    /// Forget every line so far: the reader halted, or the answer is read a second time.
    ///
    /// # Errors
    ///
    /// They could not be forgotten; the derivation stops.
    fn restart(&mut self) -> io::Result<()>;
}

/// Lines in memory, each as canonical bytes: for small answers and tests.
impl LineSink for Vec<Vec<u8>> {
    fn line(&mut self, _: &Line, canonical: Vec<u8>) -> io::Result<()> {
        self.push(canonical);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// Lines in memory as values.
impl LineSink for Vec<Line> {
    fn line(&mut self, line: &Line, _: Vec<u8>) -> io::Result<()> {
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
    let step = canonical_of(&facts.step).map_err(|source| DeriveError::Step { response: response(), source })?;
    let header = Line::Header(Header {
        v: 1,
        response: response(),
        captured_at: facts.captured_at.to_string(),
        reader: reader.clone(),
        step: Digest::of(&step),
    });
    let order = if facts.part == Part::WHOLE { Order::First } else { Order::Said };
    let mut said = read(collector, facts, body, minimise, sink, &header, order)?;
    if said.repeats > 0 && said.end.snapshot.is_some() && said.stopped.is_none() && !body.was_streamed() {
        let last = std::mem::take(&mut said.seen);
        sink.restart().map_err(|source| DeriveError::Sink { response: response(), source })?;
        said = read(collector, facts, body, minimise, sink, &header, Order::Last(last))?;
    }
    said.settle(facts);
    let Said { mut end, stopped, next, also, repeats, panicked, hash, .. } = said;
    end.items = Some(Digest(hash.finalize().into()));
    let mut derived = Derived { end, halt: None, next, also, repeats, panicked };
    let failed = match stopped {
        Some(halt) => Some(halt),
        None => {
            canonical_of(&Line::End(Box::new(derived.end.clone()))).err().map(|error| Halt::unreadable("end", error))
        }
    };
    let failed = if facts.status == 403 { Some(refusal(failed)) } else { failed };
    if let Some(halt) = failed {
        sink.restart().map_err(|source| DeriveError::Sink { response: response(), source })?;
        put(sink, &header, facts)?;
        derived = halted(halt, panicked);
    }
    put(sink, &Line::End(Box::new(derived.end.clone())), facts)?;
    Ok(derived)
}

/// [`derive()`] into memory: every line as canonical bytes, header and end included.
///
/// # Errors
///
/// As [`derive()`].
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
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").chars().take(200).collect()
}

/// What a 403 means: a pause, where its reader says so, and else what it always means.
fn refusal(said: Option<Halt<Value>>) -> Halt<Value> {
    match said {
        Some(halt @ (Halt::SlowDown { .. } | Halt::Denied(_) | Halt::Blocked(_))) => halt,
        _ => Halt::Blocked("status 403".to_owned()),
    }
}

/// A reading of which only the halt is left.
fn halted(halt: Halt<Value>, panicked: bool) -> Derived {
    let checked = match &halt {
        Halt::Instead(request) => check_request(request),
        Halt::NotYet { or_else: Some(request), .. } => check_request(request),
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
    Derived { end: End { halt: Some(value), ..End::default() }, halt: Some(halt), panicked, ..Derived::default() }
}

fn put(sink: &mut dyn LineSink, line: &Line, facts: &Facts) -> Result<(), DeriveError> {
    let canonical =
        canonical_of(line).map_err(|source| DeriveError::Line { response: facts.response.clone(), source })?;
    sink.line(line, canonical).map_err(|source| DeriveError::Sink { response: facts.response.clone(), source })
}

fn bounded(text: &str) -> String {
    let mut text = text.to_owned();
    bound(&mut text);
    text
}

fn bound(text: &mut String) {
    if text.len() > MAX_WHY_CHARS
        && let Some((at, _)) = text.char_indices().nth(MAX_WHY_CHARS)
    {
        text.truncate(at);
    }
}
