//! How is a WARC file read, record by record, so that nothing in it is believed?

use std::collections::VecDeque;
use std::io::{BufRead, Read as _, Seek, SeekFrom};

use bytes::Bytes;

use crate::head::{self, Mode};
use crate::source::Source;
use crate::{Error, Limits, Record, RecordError, gzip};

/// A record and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where the gzip member or plain record starts, in stored bytes from the start of the file.
    pub offset: u64,
    /// Stored bytes it takes. Records that share one member (lenient reading only) share offset and length.
    pub length: u64,
    /// The record's uncompressed bytes, closing line ends included: what a commitment is computed over.
    pub raw: Bytes,
    /// The same bytes, taken apart; its block is a piece of them.
    pub record: Record,
}

/// Reads a file of gzip members or of plain records in order; its own iterator.
///
/// After an error nothing more comes: a damaged member says nothing certain about where the next one starts.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    mode: Mode,
    limits: Limits,
    any_encoder: bool,
    compressed: Option<bool>,
    seen: u64,
    waiting: VecDeque<Entry>,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// A reader for files of this crate's making; see the crate's page for what it promises.
    ///
    /// One record a member, WARC/1.1, our gzip header, every stored byte accounted for, nothing after the last record.
    /// An uncompressed file of records as [`Record::to_bytes`] makes them is as good; a mixture is not.
    pub fn strict(inner: R) -> Self {
        Self::starting_at(inner, 0, Mode::Strict)
    }

    /// A reader for anyone's files: older versions, several records in a member, folded lines, bare LF, odd record ends.
    ///
    /// Still refused: damage, truncation inside a record, broken checksums, anything over the limits.
    pub fn lenient(inner: R) -> Self {
        Self::starting_at(inner, 0, Mode::Lenient)
    }

    /// Sets the bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Leaves out one check of strict reading: that compressing the content again gives the stored bytes.
    ///
    /// For files written with another version of the compressor. Uncompressed bytes are as safe as before; a changed
    /// stored bit that changes no uncompressed byte is then not seen. Saves most of the time, too.
    #[must_use]
    pub fn any_encoder(mut self) -> Self {
        self.any_encoder = true;
        self
    }

    /// Stored bytes read so far; after the last entry, the file's length.
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    fn starting_at(inner: R, offset: u64, mode: Mode) -> Self {
        Self {
            source: Source::new(inner, offset),
            mode,
            limits: Limits::default(),
            any_encoder: false,
            compressed: None,
            seen: 0,
            waiting: VecDeque::new(),
            ended: false,
        }
    }

    fn read_next(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                if self.seen >= self.limits.records {
                    return Err(Error::TooManyRecords { offset: entry.offset, limit: self.limits.records });
                }
                self.seen += 1;
                return Ok(Some(entry));
            }
            if self.mode == Mode::Lenient {
                self.source.skip_line_ends()?;
            }
            let offset = self.source.offset();
            let Some(first) = self.source.peek()? else {
                return Ok(None);
            };
            if self.seen >= self.limits.records {
                return Err(Error::TooManyRecords { offset, limit: self.limits.records });
            }
            let compressed = match first {
                0x1f => true,
                b'W' => false,
                _ if self.compressed.is_some() => return Err(Error::TrailingGarbage { offset }),
                _ => return Err(Error::NotWarc { offset }),
            };
            if self.mode == Mode::Strict && self.compressed.is_some_and(|before| before != compressed) {
                return Err(Error::MixedForms { offset });
            }
            if compressed {
                self.read_member(offset)?
            } else {
                self.read_plain(offset)?
            }
            self.compressed = Some(compressed);
        }
    }

    fn read_member(&mut self, offset: u64) -> Result<(), Error> {
        let keep = self.mode == Mode::Strict && !self.any_encoder;
        let (raw, stored) = self.source.member(self.mode, keep, &self.limits)?;
        let raw = lent(raw);
        let length = self.source.offset() - offset;
        if self.mode == Mode::Strict {
            let record = self.only_record(offset, &raw)?;
            if keep && !gzip::is_canonical(&stored, &raw) {
                return Err(Error::Recompressed { offset });
            }
            self.waiting.push_back(Entry { offset, length, raw, record });
            return Ok(());
        }
        let mut rest = raw;
        while !rest.is_empty() {
            if self.seen + self.waiting.len() as u64 >= self.limits.records {
                return Err(Error::TooManyRecords { offset, limit: self.limits.records });
            }
            let (record, taken) =
                Record::parse_prefix(&rest, self.mode, &self.limits).map_err(|source| Error::at(offset, source))?;
            let raw = rest.split_to(taken);
            self.waiting.push_back(Entry { offset, length, raw, record });
        }
        Ok(())
    }

    fn only_record(&self, offset: u64, raw: &Bytes) -> Result<Record, Error> {
        if raw.is_empty() {
            return Err(Error::NoRecord { offset });
        }
        let (record, taken) =
            Record::parse_prefix(raw, self.mode, &self.limits).map_err(|source| Error::at(offset, source))?;
        let rest = raw.get(taken..).unwrap_or_default();
        if rest.starts_with(b"WARC/") {
            return Err(Error::SeveralRecords { offset });
        }
        if !rest.is_empty() {
            return Err(Error::at(offset, RecordError::Trailing { extra: rest.len() }));
        }
        Ok(record)
    }

    fn read_plain(&mut self, offset: u64) -> Result<(), Error> {
        let mut raw = self.source.head(&self.limits)?;
        let head = head::parse(&raw, self.mode, &self.limits).map_err(|source| match source {
            RecordError::Truncated { .. } => Error::Truncated { offset },
            source => Error::at(offset, source),
        })?;
        let limit_bytes = self.limits.member_bytes;
        if (raw.len() as u64).saturating_add(head.block_bytes) > limit_bytes {
            return Err(Error::MemberTooLarge { offset, limit_bytes });
        }
        self.source.take_into(&mut raw, head.block_bytes, offset)?;
        match self.mode {
            Mode::Strict => self.source.take_into(&mut raw, 4, offset)?,
            Mode::Lenient => self.source.take_line_ends(&mut raw)?,
        }
        let raw = lent(raw);
        let (record, _) =
            Record::parse_prefix(&raw, self.mode, &self.limits).map_err(|source| Error::at(offset, source))?;
        let length = self.source.offset() - offset;
        self.waiting.push_back(Entry { offset, length, raw, record });
        Ok(())
    }
}

/// Bytes that records lend from. Room that was taken for more than came is given back: a small record would hold all of it for as long as it lives.
fn lent(raw: Vec<u8>) -> Bytes {
    raw.into_boxed_slice().into()
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_next().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Reads, strictly, the one record that starts at `offset`, without looking at the rest of the file.
///
/// `length` is what an index says the record takes; a differing one is an error, and no byte behind it is read.
///
/// # Errors
///
/// [`Error::Truncated`] if nothing starts there, [`Error::StoredLength`], and those of strict reading.
pub fn read_member_at<R: BufRead + Seek>(
    file: &mut R,
    offset: u64,
    length: Option<u64>,
    limits: &Limits,
) -> Result<Entry, Error> {
    read_at(file, offset, length, limits, false)
}

/// [`read_member_at`] for files written with another version of the compressor; see [`Reader::any_encoder`].
///
/// Enough wherever the uncompressed bytes are then checked against a commitment.
///
/// # Errors
///
/// Those of [`read_member_at`] but [`Error::Recompressed`].
pub fn read_member_at_any_encoder<R: BufRead + Seek>(
    file: &mut R,
    offset: u64,
    length: Option<u64>,
    limits: &Limits,
) -> Result<Entry, Error> {
    read_at(file, offset, length, limits, true)
}

fn read_at<R: BufRead + Seek>(
    file: &mut R,
    offset: u64,
    length: Option<u64>,
    limits: &Limits,
    any_encoder: bool,
) -> Result<Entry, Error> {
    file.seek(SeekFrom::Start(offset)).map_err(|source| Error::Io { offset, source })?;
    let window = file.by_ref().take(length.unwrap_or(u64::MAX));
    let mut reader = Reader::starting_at(window, offset, Mode::Strict).with_limits(*limits);
    reader.any_encoder = any_encoder;
    let entry = reader.next().ok_or(Error::Truncated { offset })??;
    match length {
        Some(expected) if expected != entry.length => {
            Err(Error::StoredLength { offset, expected, found: entry.length })
        }
        _ => Ok(entry),
    }
}
