//! What is a reader told about an answer?

use std::borrow::Cow;

use jiff::Timestamp;
use schemas::{capture::Target, reservation::Reservation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::{Halt, Unreadable};
use crate::body::{Body, Charset, Elements, Events, Frames, Lines, Member, Rows, Spool, Table, judge};

/// Everything but the body that a reading depends on, as stored in the segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Record id of the response (`urn:uuid:…`). Not shown to readers.
    pub response: String,
    /// Why it was asked, JSON.
    pub step: Value,
    /// The target it was asked for.
    pub target: Target,
    /// When the response was captured: its WARC-Date.
    pub captured_at: Timestamp,
    /// Address that answered, after redirects.
    pub url: Url,
    /// HTTP status.
    pub status: u16,
    /// Response headers in order, as received.
    pub headers: Vec<(String, String)>,
    /// Which piece of a longer answer this is.
    pub part: Part,
    /// `length`, `time`, `disconnect` where the body was cut on the way in.
    pub truncated: Option<String>,
    /// What the site's reservation file says of the address, where the manifest says that such files are heeded.
    pub reservation: Option<Reservation>,
}

impl Facts {
    /// The body that belongs to these facts, from its bytes as received.
    #[must_use]
    pub fn body(&self, raw: Spool) -> Body {
        Body::new(raw, &self.headers, self.truncated.is_some())
    }

    /// First header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Which piece of a longer answer: chunk number from 0, and whether it is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Chunk number, from 0.
    pub number: u32,
    /// False for a chunk that others follow.
    pub last: bool,
}

impl Part {
    /// An answer in one piece.
    pub const WHOLE: Self = Self { number: 0, last: true };
}

/// One answer, as a reader sees it.
///
/// The body comes through accessors, each of which first judges status, content type, truncation and block pages, so that `answer.json()?`
/// is right for nearly everybody. [`status`](Self::status), [`parse`](Self::parse) and [`raw_text`](Self::raw_text) judge nothing: for
/// sources that put meaning into a 400, a 404 or a 200.
pub struct Answer<'a, S> {
    /// Why this was asked.
    pub step: &'a S,
    /// The target it was asked for, recipe included.
    pub target: &'a Target,
    /// When it was captured: the only time a reader knows.
    pub captured_at: Timestamp,
    /// Address that answered, after redirects.
    pub url: &'a Url,
    /// Which piece of a longer answer.
    pub part: Part,
    facts: &'a Facts,
    body: &'a Body,
}

impl<'a, S> Answer<'a, S> {
    /// What is known of an answer, its body, and the step it was asked with.
    #[must_use]
    pub const fn new(step: &'a S, facts: &'a Facts, body: &'a Body) -> Self {
        let Facts { target, captured_at, url, part, .. } = facts;
        Self { step, target, captured_at: *captured_at, url, part: *part, facts, body }
    }

    /// HTTP status; judges nothing.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.facts.status
    }

    /// First header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.facts.header(name)
    }

    /// The end of the pause that `Retry-After` asks for, in seconds or as a date; `otherwise_secs` after the capture where it asks for none.
    #[must_use]
    pub fn retry_after(&self, otherwise_secs: u32) -> Timestamp {
        judge::pause(self.facts, otherwise_secs.into())
    }

    /// All headers in order, as received.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.facts.headers
    }

    /// What the site's reservation file says of the address. Absent where the manifest does not heed such files, or where nobody wrote down what it says.
    #[must_use]
    pub const fn reservation(&self) -> Option<&Reservation> {
        self.facts.reservation.as_ref()
    }

    /// Why the body is known to be incomplete: `length`, `time` or `disconnect`.
    #[must_use]
    pub fn truncated(&self) -> Option<&str> {
        self.facts.truncated.as_deref()
    }

    /// The body as JSON of a type. Unknown members are the type's business; a wrong or missing one is named by its place.
    ///
    /// # Errors
    ///
    /// The halt that fits the status, a block page, or [`Halt::Unreadable`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Json)?;
        self.parse()
    }

    /// The body as JSON whatever the status, content type or completeness.
    ///
    /// # Errors
    ///
    /// [`Halt::Unreadable`] with the place.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Halt<S>> {
        Ok(self.body.json()?)
    }

    /// The body as text, in the charset of its byte order mark, header, XML declaration or `<meta>`, else UTF-8, else the best guess.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn text(&self) -> Result<Cow<'a, str>, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Text)?;
        self.raw_text()
    }

    /// [`text`](Self::text) of an XML document: an HTML page in its place is not taken for one.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn xml(&self) -> Result<Cow<'a, str>, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Xml)?;
        self.raw_text()
    }

    /// [`text`](Self::text) whatever the status, content type or completeness.
    ///
    /// # Errors
    ///
    /// [`Halt::Unreadable`] where the body cannot be decoded, or is too large to be held at once.
    pub fn raw_text(&self) -> Result<Cow<'a, str>, Halt<S>> {
        Ok(self.body.text()?)
    }

    /// The body as an HTML document.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn html(&self) -> Result<scraper::Html, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Html)?;
        Ok(scraper::Html::parse_document(&self.body.text()?))
    }

    /// The text of an HTML page, for readers that look at its end or parse it themselves.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn page(&self) -> Result<Cow<'a, str>, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Html)?;
        self.raw_text()
    }

    /// The decoded bytes.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn bytes(&self) -> Result<Cow<'a, [u8]>, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Bytes)?;
        Ok(self.body.bytes()?)
    }

    /// Line by line, in constant memory. May end early: an incomplete last line of a cut body is left out.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json), but a cut body is let through, and made `cut` by the kit.
    pub fn lines(&self) -> Result<Lines, Halt<S>> {
        judge::framed(self.facts, self.body)?;
        Ok(self.body.lines()?)
    }

    /// Server-sent events (WHATWG HTML, section 9.2), in constant memory. May end early.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    pub fn events(&self) -> Result<Events, Halt<S>> {
        judge::framed(self.facts, self.body)?;
        Ok(self.body.events()?)
    }

    /// Frames of a WebSocket as recorded with their arrival times, in constant memory. May end early.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    pub fn frames(&self) -> Result<Frames, Halt<S>> {
        judge::framed(self.facts, self.body)?;
        Ok(self.body.frames()?)
    }

    /// Rows of a table whose first row names its columns, in constant memory. May end early.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    pub fn rows(&self, table: Table, charset: Charset) -> Result<Rows<'_>, Halt<S>> {
        judge::framed(self.facts, self.body)?;
        Ok(self.body.rows(table, charset)?)
    }

    /// Every element of this local name, one at a time, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn elements(&self, name: &str) -> Result<Elements, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Xml)?;
        Ok(self.body.elements(name)?)
    }

    /// The one member of a zip archive whose name fits a pattern: `*` stands for any characters.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json); also where no member or more than one fits.
    pub fn member(&self, pattern: &str) -> Result<Member, Halt<S>> {
        judge::whole(self.facts, self.body, judge::Expected::Bytes)?;
        Ok(self.body.member(pattern)?)
    }

    /// A halt that names a place in this answer.
    pub fn unreadable(&self, at: impl std::fmt::Display, why: impl std::fmt::Display) -> Halt<S> {
        Unreadable::new(at, why).into()
    }
}
