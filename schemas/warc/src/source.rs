//! Where do stored bytes come from, and where in the file are we?

use std::io::{BufRead, ErrorKind, Read as _};
use std::mem;

use flate2::{Decompress, FlushDecompress, Status};

use crate::head::Mode;
use crate::{Error, Limits, gzip};

/// How much is decompressed at a time.
const CHUNK_BYTES: usize = 32 << 10;
/// Most room that is kept from one member to the next: 1 MiB. What took more is handed over with its room, and not copied out of it.
const MOST_ROOM: usize = 1 << 20;

/// A reader that counts what was taken from it.
#[derive(Debug)]
pub(crate) struct Source<R> {
    inner: R,
    offset: u64,
    inflate: Decompress,
    room: Vec<u8>,
}

impl<R: BufRead> Source<R> {
    pub fn new(inner: R, offset: u64) -> Self {
        Self { inner, offset, inflate: Decompress::new(false), room: Vec::new() }
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next byte, left in place.
    pub fn peek(&mut self) -> Result<Option<u8>, Error> {
        Ok(self.fill()?.first().copied())
    }

    pub fn skip_line_ends(&mut self) -> Result<(), Error> {
        while matches!(self.peek()?, Some(b'\r' | b'\n')) {
            self.advance(1);
        }
        Ok(())
    }

    /// Takes the line ends after a plain block; the first four are the record's, more are only skipped.
    pub fn take_line_ends(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        for _ in 0..4 {
            match self.peek()? {
                Some(byte @ (b'\r' | b'\n')) => out.push(byte),
                _ => return Ok(()),
            }
            self.advance(1);
        }
        Ok(())
    }

    /// Takes a plain record's head, up to and with its first empty line, or what there is of it.
    pub fn head(&mut self, limits: &Limits) -> Result<Vec<u8>, Error> {
        let start = self.offset;
        let mut head = Vec::new();
        loop {
            let line_start = head.len();
            let left = (limits.header_bytes - head.len()) as u64;
            if left == 0 {
                return Err(Error::HeaderTooLarge { offset: start, limit_bytes: limits.header_bytes });
            }
            let taken = self.inner.by_ref().take(left).read_until(b'\n', &mut head);
            self.offset += taken.map_err(|source| Error::Io { offset: start, source })? as u64;
            let line = head.get(line_start..).unwrap_or_default();
            if matches!(line, b"\r\n" | b"\n" | b"") {
                return Ok(head);
            }
        }
    }

    /// Takes exactly `count` bytes of the record that started at `start`.
    pub fn take_into(&mut self, out: &mut Vec<u8>, count: u64, start: u64) -> Result<(), Error> {
        let taken = self.inner.by_ref().take(count).read_to_end(out);
        let taken = taken.map_err(|source| Error::Io { offset: self.offset, source })? as u64;
        self.offset += taken;
        if taken == count { Ok(()) } else { Err(Error::Truncated { offset: start }) }
    }

    /// Takes one gzip member and returns its content, and its stored bytes if `keep`.
    pub fn member(&mut self, mode: Mode, keep: bool, limits: &Limits) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let offset = self.offset;
        let mut stored = Vec::new();
        self.member_header(&mut stored, mode, limits)?;
        if !keep {
            stored.clear();
        }
        let raw = self.inflate(offset, keep.then_some(&mut stored), limits)?;
        let mut trailer = Vec::with_capacity(gzip::TRAILER_BYTES);
        self.take_into(&mut trailer, gzip::TRAILER_BYTES as u64, offset)?;
        if keep {
            stored.extend_from_slice(&trailer);
        }
        let [a, b, c, d, e, f, g, h] = trailer[..] else {
            return Err(Error::Truncated { offset });
        };
        let (crc, size) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let computed = gzip::crc32(&raw);
        if crc != computed {
            return Err(Error::Checksum { offset, stored: crc, computed });
        }
        let computed = gzip::size32(raw.len());
        if size != computed {
            return Err(Error::Size { offset, stored: size, computed });
        }
        Ok((raw, stored))
    }

    /// Takes a member's header (RFC 1952, section 2.3). Strict: only the ten bytes we write.
    fn member_header(&mut self, out: &mut Vec<u8>, mode: Mode, limits: &Limits) -> Result<(), Error> {
        let offset = self.offset;
        self.take_into(out, gzip::HEADER_BYTES as u64, offset)?;
        if mode == Mode::Strict {
            return if gzip::is_our_header(out) { Ok(()) } else { Err(Error::GzipHeader { offset }) };
        }
        let [0x1f, 0x8b, 8, flags, ..] = out[..] else {
            return Err(Error::GzipHeader { offset });
        };
        if flags & 0b1110_0000 != 0 {
            return Err(Error::GzipHeader { offset });
        }
        if flags & 4 != 0 {
            let mut extra = Vec::new();
            self.take_into(&mut extra, 2, offset)?;
            let [low, high] = extra[..] else {
                return Err(Error::Truncated { offset });
            };
            self.take_into(&mut extra, u64::from(u16::from_le_bytes([low, high])), offset)?;
        }
        for flag in [8, 16] {
            if flags & flag != 0 {
                self.skip_text(offset, limits)?;
            }
        }
        if flags & 2 != 0 {
            self.take_into(&mut Vec::new(), 2, offset)?;
        }
        Ok(())
    }

    /// Skips a file name or comment up to and with its closing NUL.
    fn skip_text(&mut self, start: u64, limits: &Limits) -> Result<(), Error> {
        for _ in 0..limits.header_bytes {
            let byte = self.peek()?.ok_or(Error::Truncated { offset: start })?;
            self.advance(1);
            if byte == 0 {
                return Ok(());
            }
        }
        Err(Error::HeaderTooLarge { offset: start, limit_bytes: limits.header_bytes })
    }

    fn inflate(&mut self, start: u64, mut keep: Option<&mut Vec<u8>>, limits: &Limits) -> Result<Vec<u8>, Error> {
        let limit_bytes = limits.member_bytes;
        let most_stored = limit_bytes.saturating_add(limit_bytes / 7).saturating_add(1024);
        self.inflate.reset(false);
        let mut raw = mem::take(&mut self.room);
        raw.clear();
        loop {
            if raw.len() == raw.capacity() {
                let left = usize::try_from(limit_bytes).unwrap_or(usize::MAX).saturating_sub(raw.len());
                raw.reserve_exact(raw.len().clamp(CHUNK_BYTES, left.saturating_add(CHUNK_BYTES)));
            }
            let input = filled(&mut self.inner, self.offset)?;
            let (taken_before, made_before) = (self.inflate.total_in(), raw.len());
            let status = self
                .inflate
                .decompress_vec(input, &mut raw, FlushDecompress::None)
                .map_err(|_| Error::Deflate { offset: start })?;
            let taken = usize::try_from(self.inflate.total_in() - taken_before).unwrap_or(usize::MAX);
            let made = raw.len() - made_before;
            let at_end = input.is_empty();
            if let Some(stored) = keep.as_deref_mut() {
                stored.extend_from_slice(input.get(..taken).unwrap_or_default());
            }
            self.advance(taken);
            if raw.len() as u64 > limit_bytes || self.inflate.total_in() > most_stored {
                return Err(Error::MemberTooLarge { offset: start, limit_bytes });
            }
            match status {
                Status::StreamEnd if raw.capacity() > MOST_ROOM => return Ok(raw),
                Status::StreamEnd => {
                    let member = raw.as_slice().to_vec();
                    self.room = raw;
                    return Ok(member);
                }
                _ if taken > 0 || made > 0 => {}
                _ if at_end => return Err(Error::Truncated { offset: start }),
                _ => return Err(Error::Deflate { offset: start }),
            }
        }
    }

    fn fill(&mut self) -> Result<&[u8], Error> {
        filled(&mut self.inner, self.offset)
    }

    fn advance(&mut self, count: usize) {
        self.inner.consume(count);
        self.offset += count as u64;
    }
}

/// What comes next and is at hand; nothing at the end. An interrupted read is tried again.
fn filled<R: BufRead>(inner: &mut R, offset: u64) -> Result<&[u8], Error> {
    loop {
        match inner.fill_buf() {
            Ok([]) => return Ok(&[]),
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Io { offset, source }),
        }
    }
    // Something is there, so nothing is read for it.
    inner.fill_buf().map_err(|source| Error::Io { offset, source })
}
