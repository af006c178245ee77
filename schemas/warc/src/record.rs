//! What is a record, and which bytes does it have?

use std::convert::Infallible;
use std::str::FromStr;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::head::{self, Head, Mode};
use crate::{Limits, RecordError};

/// What ends a record.
const END: &[u8] = b"\r\n\r\n";

/// Room that the head and the end of a record with a handful of fields take beside its block.
pub const SPARE_BYTES: usize = 1024;

/// What a record is (WARC 1.1, section 6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// Describes the records that follow: software, operator, format.
    Warcinfo,
    /// A complete answer of a server, protocol headers included.
    Response,
    /// Something obtained without a protocol exchange worth keeping.
    Resource,
    /// What was asked of a server, protocol headers included.
    Request,
    /// What is known about another record.
    Metadata,
    /// A visit whose content is already held: the record refers to it.
    Revisit,
    /// Another form of a record's content, made from it.
    Conversion,
    /// A further segment of a record too large for one file.
    Continuation,
    /// A type this version of the format does not name. Readers skip such records.
    Other(String),
}

impl RecordType {
    /// The word that stands in `WARC-Type`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Warcinfo => "warcinfo",
            Self::Response => "response",
            Self::Resource => "resource",
            Self::Request => "request",
            Self::Metadata => "metadata",
            Self::Revisit => "revisit",
            Self::Conversion => "conversion",
            Self::Continuation => "continuation",
            Self::Other(word) => word,
        }
    }
}

impl std::fmt::Display for RecordType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for RecordType {
    fn from(word: &str) -> Self {
        match word {
            "warcinfo" => Self::Warcinfo,
            "response" => Self::Response,
            "resource" => Self::Resource,
            "request" => Self::Request,
            "metadata" => Self::Metadata,
            "revisit" => Self::Revisit,
            "conversion" => Self::Conversion,
            "continuation" => Self::Continuation,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl FromStr for RecordType {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(Self::from(word))
    }
}

/// One WARC record: named fields in the order they are written, and a block.
///
/// `Content-Length` is never among the fields; it follows from the block. Nothing is checked until the record is
/// written, so a record read leniently can hold what [`to_bytes`](Self::to_bytes) refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Names and values, `WARC-Type` first. Names keep their case and compare without it.
    pub fields: Vec<(String, String)>,
    /// The content, `Content-Length` bytes; of a record that was read, a piece of what was read.
    pub block: Bytes,
}

impl Record {
    /// Starts a record with the three fields every record has: `WARC-Type`, `WARC-Record-ID`, `WARC-Date`.
    ///
    /// `id_uri` comes without angle brackets. `date` is UTC in RFC 3339 form ending in `Z`, with up to 9 fraction
    /// digits; all records of one capture carry the same (WARC 1.1, section 5.4). It is written as given.
    #[must_use]
    pub fn new(kind: RecordType, id_uri: &str, date: &str) -> Self {
        let fields = vec![
            ("WARC-Type".to_owned(), kind.as_str().to_owned()),
            ("WARC-Record-ID".to_owned(), format!("<{id_uri}>")),
            ("WARC-Date".to_owned(), date.to_owned()),
        ];
        Self { fields, block: Bytes::new() }
    }

    /// Adds a field after those already there. Whether it may stand there is checked on writing.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Sets the block.
    #[must_use]
    pub fn block(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.block = Bytes::from(bytes.into());
        self
    }

    /// Adds `WARC-Block-Digest` over the block as it is now: set the block first.
    #[must_use]
    pub fn with_block_digest(self) -> Self {
        let digest = digest_sha256(&self.block);
        self.field("WARC-Block-Digest", digest)
    }

    /// Adds `WARC-Payload-Digest` over `payload`: for HTTP, the body as stored, after the blank line.
    #[must_use]
    pub fn with_payload_digest(self, payload: &[u8]) -> Self {
        self.field("WARC-Payload-Digest", digest_sha256(payload))
    }

    /// What the record is, by `WARC-Type`; `Other("")` if that is missing.
    #[must_use]
    pub fn kind(&self) -> RecordType {
        RecordType::from(self.get("WARC-Type").unwrap_or_default())
    }

    /// The record's URI without angle brackets; empty if the field is missing (lenient reading only).
    #[must_use]
    pub fn id(&self) -> &str {
        let id = self.get("WARC-Record-ID").unwrap_or_default();
        id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
    }

    /// `WARC-Date` as it stands; empty if the field is missing (lenient reading only).
    #[must_use]
    pub fn date(&self) -> &str {
        self.get("WARC-Date").unwrap_or_default()
    }

    /// The value of the first field with this name, in any case. Never `Content-Length`: that is `block.len()`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        head::position(&self.fields, name).map(|(_, value)| value)
    }

    /// Every value of a field, for `WARC-Concurrent-To`, the one that may be repeated.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The record's one uncompressed form: what is hashed, and what a gzip member holds.
    ///
    /// `WARC/1.1`, the fields in their order, `Content-Length` last, the block, CR LF CR LF. Equal records give equal
    /// bytes, and [`parse`](Self::parse) gives the record back.
    ///
    /// # Errors
    ///
    /// The fields break a rule of [`RecordError`]: control characters, repetition, a mandatory field missing,
    /// or more than the default [`Limits`] allow.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        let mut out = Vec::new();
        self.write_uncompressed(&mut out)?;
        Ok(out)
    }

    /// Appends [`to_bytes`](Self::to_bytes) to `out`, or nothing if the record can't be written.
    ///
    /// # Errors
    ///
    /// Those of [`to_bytes`](Self::to_bytes).
    pub fn write_uncompressed(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let head = self.head()?;
        out.reserve(head.len() + self.block.len() + END.len());
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.block);
        out.extend_from_slice(END);
        Ok(())
    }

    /// [`to_bytes`](Self::to_bytes), in the block's own memory where nobody else holds it and [`SPARE_BYTES`] are left there: a large block is there once.
    ///
    /// # Errors
    ///
    /// Those of [`to_bytes`](Self::to_bytes).
    pub fn into_bytes(self) -> Result<Vec<u8>, RecordError> {
        let head = self.head()?;
        let mut out = Vec::from(self.block);
        out.reserve_exact(head.len() + END.len());
        drop(out.splice(..0, head.into_bytes()));
        out.extend_from_slice(END);
        Ok(out)
    }

    /// Everything that stands before the block.
    fn head(&self) -> Result<String, RecordError> {
        let limits = Limits::default();
        head::check_fields(&self.fields)?;
        if self.fields.len() >= limits.fields {
            return Err(RecordError::TooManyFields { limit: limits.fields });
        }
        let mut text = String::from("WARC/1.1\r\n");
        for (name, value) in &self.fields {
            push_field(&mut text, name, value);
        }
        push_field(&mut text, "Content-Length", &self.block.len().to_string());
        text.push_str("\r\n");
        if text.len() > limits.header_bytes {
            return Err(RecordError::HeaderTooLarge { limit_bytes: limits.header_bytes });
        }
        Ok(text)
    }

    /// Reads one uncompressed record, strictly: exactly the bytes [`to_bytes`](Self::to_bytes) makes, and all of them.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for anything else, other versions, bare LF and folded lines included.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let (record, taken) = Self::parse_prefix(&Bytes::copy_from_slice(bytes), Mode::Strict, &Limits::default())?;
        if taken == bytes.len() { Ok(record) } else { Err(RecordError::Trailing { extra: bytes.len() - taken }) }
    }

    /// Reads the record at the start of `bytes` and returns how many of them it takes.
    pub(crate) fn parse_prefix(bytes: &Bytes, mode: Mode, limits: &Limits) -> Result<(Self, usize), RecordError> {
        let Head { fields, block_start, block_bytes } = head::parse(bytes, mode, limits)?;
        let body = bytes.get(block_start..).unwrap_or_default();
        let truncated = || RecordError::Truncated { missing: block_bytes.saturating_sub(body.len() as u64) };
        let length = usize::try_from(block_bytes).map_err(|_| truncated())?;
        let (block, after) = body.split_at_checked(length).ok_or_else(truncated)?;
        let ends = match (after.starts_with(b"\r\n\r\n"), mode) {
            (true, Mode::Strict) => 4,
            (false, Mode::Strict) => return Err(RecordError::NotClosed { block_bytes }),
            // Real files close with one line end, none, or several.
            (_, Mode::Lenient) => after.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count(),
        };
        Ok((Self { fields, block: bytes.slice_ref(block) }, block_start + length + ends))
    }
}

/// `sha256:` and 64 lower hexadecimal digits, the form of digests in the fields this crate sets.
#[must_use]
pub fn digest_sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn push_field(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push_str("\r\n");
}
