//! How are records put into a file, each as a gzip member of its own?

use std::io::{self, Write};
use std::ops::Range;

use crate::{Record, gzip::Packer};

/// Writes records one after the other and says where each lies.
///
/// Neither buffers nor flushes: what [`write`](Self::write) returned has been handed to the inner writer, and no more.
#[derive(Debug)]
pub struct Writer<W: Write> {
    inner: W,
    offset: u64,
    packer: Packer,
    room: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// A writer at the start of an empty file, level 6.
    pub fn new(inner: W) -> Self {
        Self::resume(inner, 0)
    }

    /// A writer that goes on at `offset`: `inner` must be positioned there, after a whole member.
    pub fn resume(inner: W, offset: u64) -> Self {
        Self { inner, offset, packer: Packer::new(6), room: Vec::new() }
    }

    /// Sets the compression level of what follows; [`gzip_member`](crate::gzip_member) says how levels are rounded.
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.packer = Packer::new(level);
        self
    }

    /// Appends a record and returns the bytes its member takes in the file.
    ///
    /// # Errors
    ///
    /// `InvalidInput` with a [`RecordError`](crate::RecordError) inside if the record can't be written: the file is then
    /// unchanged. Otherwise what the inner writer said: the file may then end in part of a member, so cut it back to
    /// [`offset`](Self::offset).
    pub fn write(&mut self, record: &Record) -> io::Result<Range<u64>> {
        let raw = record.to_bytes().map_err(invalid)?;
        self.append(&raw)
    }

    /// Appends a record given as its uncompressed bytes, for copying records that must keep theirs.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write); `raw` must be one record, as [`Record::parse`] takes it.
    pub fn write_member(&mut self, raw: &[u8]) -> io::Result<Range<u64>> {
        Record::parse(raw).map_err(invalid)?;
        self.append(raw)
    }

    /// Where the next member will start; equally, how many bytes were written (and resumed after).
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The inner writer, for looking.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The inner writer, for flushing or syncing. Whatever is written through it makes the offsets wrong.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// Gives the inner writer back.
    pub fn into_inner(self) -> W {
        self.inner
    }

    /// Appends bytes that [`Record::to_bytes`] gave: as [`write_member`](Self::write_member), but they are not read again.
    ///
    /// # Errors
    ///
    /// What the inner writer said, as with [`write`](Self::write).
    pub fn append(&mut self, raw: &[u8]) -> io::Result<Range<u64>> {
        let length = self.packer.pack(raw, &mut self.room);
        self.inner.write_all(self.room.get(..length).unwrap_or_default())?;
        let start = self.offset;
        self.offset += length as u64;
        Ok(start..self.offset)
    }
}

fn invalid(error: crate::RecordError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
