//! What did the server send? Raw bytes in a spool, decoded and framed on demand.
//!
//! Everything here depends on the bytes and headers alone, so it comes out the same years later. Each bound has an error of its own, and
//! whatever is framed needs no more memory than one frame.

mod charset;
mod decode;
mod frames;
mod lines;
mod rows;
mod spool;
mod unzip;
mod xml;

pub(crate) mod challenge;
pub(crate) mod judge;

pub use charset::Charset;
pub use decode::MAX_DECODED_BYTES;
pub use frames::{FRAMES_TYPE, Frame, FrameData, Frames, write_frame};
pub use lines::{Event, Events, Lines, MAX_LINE_BYTES};
pub use rows::{Row, Rows, Table};
pub use spool::{MEMORY_BYTES, Spool, SpoolFull, SpoolReader, SpoolWriter};
pub use unzip::{MAX_MEMBER_BYTES, MAX_MEMBERS, Member};
pub use xml::{Element, Elements, MAX_ELEMENT_BYTES};

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    io::{BufReader, Read},
};

use serde::de::DeserializeOwned;

use crate::contract::{Halt, Unreadable};

/// Largest body that is held in memory at once (JSON, text, HTML, bytes).
pub const MAX_WHOLE_BYTES: u64 = 64 << 20;

/// A body as received, and the headers that say how to decode it.
pub struct Body {
    raw: Spool,
    headers: Vec<(String, String)>,
    cut: bool,
    decoded: OnceCell<Result<Spool, BodyError>>,
    /// By which mark it is a challenge page.
    mark: OnceCell<Option<&'static str>>,
    /// An accessor of frames was used: such an answer is a stream.
    streamed: Cell<bool>,
}

/// Why a body cannot be decoded or framed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// A content coding this version does not know.
    #[error("content coding `{coding}` is not one of gzip, deflate, br, zstd")]
    UnknownCoding {
        /// Its name.
        coding: String,
    },
    /// Codings heaped on one another.
    #[error("{found} content codings on one body; at most 3 are undone")]
    TooManyCodings {
        /// How many.
        found: usize,
    },
    /// Damaged or ending early.
    #[error("body is not whole {coding}: {why}")]
    Coding {
        /// Its name.
        coding: String,
        /// The decoder's reason.
        why: String,
    },
    /// A decompression bomb, or simply too much.
    #[error("{coding} decodes to more than the {limit_bytes} bytes allowed")]
    TooLargeDecoded {
        /// Name of the coding.
        coding: String,
        /// The bound.
        limit_bytes: u64,
    },
    /// Too large to be held at once.
    #[error("body of {bytes} bytes; at most {MAX_WHOLE_BYTES} are held at once, read it in frames")]
    TooLargeWhole {
        /// Its length.
        bytes: u64,
    },
    /// The spool refused: the agent's disk, not the source.
    #[error("spool: {why}")]
    Spool {
        /// The system's reason.
        why: String,
    },
}

impl From<BodyError> for Unreadable {
    fn from(error: BodyError) -> Self {
        Self::new("body", error)
    }
}

impl<S> From<BodyError> for Halt<S> {
    fn from(error: BodyError) -> Self {
        Unreadable::from(error).into()
    }
}

impl Body {
    /// Bytes as received, with the response's headers. `cut`: they are known to end early.
    #[must_use]
    pub fn new(raw: Spool, headers: &[(String, String)], cut: bool) -> Self {
        let headers =
            headers.iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("content-")).cloned().collect();
        Self { raw, headers, cut, decoded: OnceCell::new(), mark: OnceCell::new(), streamed: Cell::new(false) }
    }

    /// Whether a stream's accessor (events, frames) was used on it.
    #[must_use]
    pub const fn was_streamed(&self) -> bool {
        self.streamed.get()
    }

    /// The bytes as received.
    pub(crate) const fn raw(&self) -> &Spool {
        &self.raw
    }

    /// The mark by which it is a challenge page, if it is a page at all; searched for once.
    pub(crate) fn mark(&self) -> Result<Option<&'static str>, BodyError> {
        if let Some(mark) = self.mark.get() {
            return Ok(*mark);
        }
        let mark = challenge::mark(&self.head(challenge::WITHIN_BYTES)?.to_ascii_lowercase());
        Ok(*self.mark.get_or_init(|| mark))
    }

    /// The bytes after every content coding is undone.
    ///
    /// # Errors
    ///
    /// [`BodyError`]; the same each time.
    pub fn decoded(&self) -> Result<&Spool, BodyError> {
        self.decoded.get_or_init(|| decode::decoded(&self.raw, &self.headers, self.cut)).as_ref().map_err(Clone::clone)
    }

    /// The first `most` decoded bytes; not copied where they are in memory.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn head(&self, most: u64) -> Result<Cow<'_, [u8]>, BodyError> {
        let spool = self.decoded()?;
        if let Some(bytes) = spool.memory() {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            return Ok(Cow::Borrowed(bytes.get(..most).unwrap_or(bytes)));
        }
        let mut head = Vec::with_capacity(usize::try_from(spool.len().min(most)).unwrap_or_default());
        spool
            .reader()
            .take(most)
            .read_to_end(&mut head)
            .map_err(|error| BodyError::Spool { why: error.to_string() })?;
        Ok(Cow::Owned(head))
    }

    fn content_type(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, value)| value.as_str())
    }

    /// All decoded bytes, at most [`MAX_WHOLE_BYTES`].
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, BodyError> {
        let spool = self.decoded()?;
        if spool.len() > MAX_WHOLE_BYTES {
            return Err(BodyError::TooLargeWhole { bytes: spool.len() });
        }
        self.head(MAX_WHOLE_BYTES)
    }

    /// All of it as text; see [`Answer::text`](crate::contract::Answer::text).
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn text(&self) -> Result<Cow<'_, str>, BodyError> {
        let bytes = match self.bytes()? {
            Cow::Borrowed(bytes) => return Ok(charset::of(bytes, self.content_type()).decode(bytes).0),
            Cow::Owned(bytes) => bytes,
        };
        Ok(Cow::Owned(match charset::of(&bytes, self.content_type()).decode(&bytes) {
            // The very bytes: no second copy of them.
            (Cow::Borrowed(text), ..) if text.len() == bytes.len() => String::from_utf8(bytes).unwrap_or_default(),
            (text, ..) => text.into_owned(),
        }))
    }

    /// All of it as JSON of a type; the error names the place.
    ///
    /// # Errors
    ///
    /// [`BodyError`], or what is wrong with the JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        let bytes = self.bytes()?;
        json_of(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes))
    }

    /// Its lines.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn lines(&self) -> Result<Lines, BodyError> {
        Ok(Lines::new(BufReader::new(self.decoded()?.reader()), self.cut))
    }

    /// Its server-sent events.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn events(&self) -> Result<Events, BodyError> {
        self.streamed.set(true);
        Ok(Events::new(self.lines()?))
    }

    /// Its recorded WebSocket frames.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn frames(&self) -> Result<Frames, BodyError> {
        self.streamed.set(true);
        Ok(Frames::new(BufReader::new(self.decoded()?.reader()), self.cut))
    }

    /// Its rows, the first naming the columns.
    ///
    /// # Errors
    ///
    /// The body cannot be decoded, or there is no first row.
    pub fn rows(&self, table: Table, charset: Charset) -> Result<Rows<'_>, Unreadable> {
        Rows::new("", self.decoded()?, table, charset, self.content_type(), self.cut)
    }

    /// Its elements of a local name; of what a gzip file holds where it is one (`sitemap.xml.gz`).
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn elements(&self, name: &str) -> Result<Elements, BodyError> {
        let unpacked = decode::gunzipped(self.decoded()?, self.cut)?;
        let mut head = Vec::new();
        let read = unpacked.reader().take(4096).read_to_end(&mut head);
        read.map_err(|error| BodyError::Spool { why: error.to_string() })?;
        Ok(Elements::new(&unpacked, charset::of(&head, self.content_type()), name))
    }

    /// Its one zip member that fits a pattern.
    ///
    /// # Errors
    ///
    /// Not an archive, no such member, several of them, or one that is too large.
    pub fn member(&self, pattern: &str) -> Result<Member, Unreadable> {
        unzip::member(self.decoded()?, pattern)
    }
}

/// JSON of a type, with the place in the error as a JSON pointer.
///
/// # Errors
///
/// What is wrong with it, and where.
pub fn json_of<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let at = error.path().iter().fold(String::new(), |at, part| format!("{at}/{}", pointer_part(part)));
        Unreadable::new(if at.is_empty() { "json" } else { &at }, error.inner())
    })?;
    reader.end()?;
    Ok(value)
}

fn pointer_part(part: &serde_path_to_error::Segment) -> String {
    use serde_path_to_error::Segment;
    match part {
        Segment::Seq { index } => index.to_string(),
        Segment::Map { key } => key.chars().take(80).collect(),
        Segment::Enum { variant } => variant.clone(),
        Segment::Unknown => "?".to_owned(),
    }
}
