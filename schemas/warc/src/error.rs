//! What can be wrong with a record or a file, and where.

/// Why bytes or values are not a WARC record. Knows no file; [`Error`] adds the offset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The first line is not `WARC/1.1` (strict) or `WARC/` and a version (lenient).
    #[error("the first line is `{found}`, not `WARC/1.1`")]
    Version {
        /// The first line, cut to 40 characters.
        found: String,
    },
    /// The bytes end before the record does.
    #[error("the record ends early: {missing} bytes are missing at least")]
    Truncated {
        /// How many bytes are known to be missing.
        missing: u64,
    },
    /// A head line ends in a bare LF, or holds a CR or NUL.
    #[error("line {line} of the head does not end in CR LF, or holds a stray CR or NUL")]
    LineEnding {
        /// Line number within the record, counting from 1.
        line: usize,
    },
    /// A head line is not `name: value`.
    #[error("line {line} of the head is not a named field")]
    NotAField {
        /// Line number within the record, counting from 1.
        line: usize,
    },
    /// A field name is empty or holds characters outside RFC 9110 `token`.
    #[error("`{name}` can't name a field: use letters, digits and hyphens")]
    Name {
        /// The name as given, control characters escaped.
        name: String,
    },
    /// A field value holds CR, LF or NUL, or starts or ends in white space, or is not UTF-8.
    #[error("the value of `{name}` can't be stored: no line breaks, NUL or white space at its ends, UTF-8 only")]
    Value {
        /// The field.
        name: String,
    },
    /// A field other than `WARC-Concurrent-To` occurs twice (WARC 1.1, section 4).
    #[error("the field `{name}` is there twice; only `WARC-Concurrent-To` may be repeated")]
    Repeated {
        /// The field.
        name: String,
    },
    /// A mandatory field is missing, empty or misshapen (an id stands in angle brackets).
    #[error("the mandatory field `{name}` is missing, empty or misshapen")]
    Missing {
        /// The field.
        name: &'static str,
    },
    /// `WARC-Type` is not first, or `Content-Length` not last: the order this crate writes.
    #[error("the field `{name}` is not where this program writes it (`WARC-Type` first, `Content-Length` last)")]
    Order {
        /// The field.
        name: &'static str,
    },
    /// `Content-Length` is the writer's to add.
    #[error("`Content-Length` follows from the block: leave it out")]
    LengthGiven,
    /// `Content-Length` is not a plain decimal number.
    #[error("`Content-Length` is `{found}`, not a plain decimal number")]
    Length {
        /// The value, cut to 40 characters.
        found: String,
    },
    /// The head is longer than allowed.
    #[error("the head is longer than {limit_bytes} bytes")]
    HeaderTooLarge {
        /// The bound.
        limit_bytes: usize,
    },
    /// The record has more fields than allowed.
    #[error("the record has more than {limit} fields")]
    TooManyFields {
        /// The bound.
        limit: usize,
    },
    /// The block is not followed by CR LF CR LF.
    #[error("the block of {block_bytes} bytes is not closed by CR LF CR LF")]
    NotClosed {
        /// `Content-Length` as stated.
        block_bytes: u64,
    },
    /// Bytes follow the record's end.
    #[error("{extra} bytes follow the end of the record")]
    Trailing {
        /// How many.
        extra: usize,
    },
}

/// Why a file can't be read further. `offset` is where the member or plain record starts, in stored bytes from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed.
    #[error("reading the file failed near byte {offset}")]
    Io {
        /// Where.
        offset: u64,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file starts with neither a gzip member nor a WARC record.
    #[error("byte {offset}: neither a gzip member nor a WARC record starts here")]
    NotWarc {
        /// Where.
        offset: u64,
    },
    /// Something that is no record follows the last one.
    #[error("byte {offset}: something that is no record follows the record before")]
    TrailingGarbage {
        /// Where.
        offset: u64,
    },
    /// A strict file holds both gzip members and plain records.
    #[error("byte {offset}: the file changes between compressed and plain records")]
    MixedForms {
        /// Where.
        offset: u64,
    },
    /// The gzip header is not one this crate writes (strict) or not readable at all (lenient).
    #[error("byte {offset}: the gzip header of this member was changed or made by another program")]
    GzipHeader {
        /// Where.
        offset: u64,
    },
    /// The compressed data are broken.
    #[error("byte {offset}: the compressed data of this member are damaged")]
    Deflate {
        /// Where.
        offset: u64,
    },
    /// CRC-32 of the uncompressed bytes differs from the stored one.
    #[error("byte {offset}: the checksum of this member is {stored:08x}, its content gives {computed:08x}")]
    Checksum {
        /// Where.
        offset: u64,
        /// In the file.
        stored: u32,
        /// Of the content.
        computed: u32,
    },
    /// The stored size (ISIZE, modulo 2^32) differs from the content's.
    #[error("byte {offset}: the stored size of this member is {stored}, its content has {computed} bytes")]
    Size {
        /// Where.
        offset: u64,
        /// In the file.
        stored: u32,
        /// Of the content, modulo 2^32.
        computed: u32,
    },
    /// The member is well formed, but not the bytes this crate's compressor makes of its content.
    #[error("byte {offset}: this member opens, but its stored bytes were changed or made by another compressor")]
    Recompressed {
        /// Where.
        offset: u64,
    },
    /// The file ends inside a member or record.
    #[error("byte {offset}: the file ends inside this record")]
    Truncated {
        /// Where the record starts.
        offset: u64,
    },
    /// A strict member holds more than one record.
    #[error("byte {offset}: this member holds more than one record")]
    SeveralRecords {
        /// Where.
        offset: u64,
    },
    /// A strict member holds nothing.
    #[error("byte {offset}: this member holds no record")]
    NoRecord {
        /// Where.
        offset: u64,
    },
    /// The record does not have the length that an index gave for it.
    #[error("byte {offset}: this record takes {found} bytes, the index says {expected}")]
    StoredLength {
        /// Where.
        offset: u64,
        /// By the caller.
        expected: u64,
        /// In the file.
        found: u64,
    },
    /// [`Limits::member_bytes`](crate::Limits::member_bytes).
    #[error("byte {offset}: this record is larger than the {limit_bytes} bytes allowed")]
    MemberTooLarge {
        /// Where.
        offset: u64,
        /// The bound.
        limit_bytes: u64,
    },
    /// [`Limits::header_bytes`](crate::Limits::header_bytes).
    #[error("byte {offset}: the head of this record is longer than the {limit_bytes} bytes allowed")]
    HeaderTooLarge {
        /// Where.
        offset: u64,
        /// The bound.
        limit_bytes: usize,
    },
    /// [`Limits::fields`](crate::Limits::fields).
    #[error("byte {offset}: this record has more than the {limit} fields allowed")]
    TooManyFields {
        /// Where.
        offset: u64,
        /// The bound.
        limit: usize,
    },
    /// [`Limits::records`](crate::Limits::records).
    #[error("byte {offset}: the file has more than the {limit} records allowed")]
    TooManyRecords {
        /// Where the first one too many starts.
        offset: u64,
        /// The bound.
        limit: u64,
    },
    /// The bytes are not a WARC record.
    #[error("byte {offset}: not a valid WARC record")]
    Record {
        /// Where.
        offset: u64,
        /// Why.
        #[source]
        source: RecordError,
    },
}

impl Error {
    /// Gives a record's error its place; bounds and truncation become the file's own errors.
    pub(crate) fn at(offset: u64, source: RecordError) -> Self {
        match source {
            RecordError::HeaderTooLarge { limit_bytes } => Self::HeaderTooLarge { offset, limit_bytes },
            RecordError::TooManyFields { limit } => Self::TooManyFields { offset, limit },
            source => Self::Record { offset, source },
        }
    }
}
