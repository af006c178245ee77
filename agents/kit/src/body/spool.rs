//! Where does a body lie while it is read?

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;

/// Bodies up to this many bytes stay in memory; larger ones go to an unnamed temporary file.
pub const MEMORY_BYTES: usize = 1 << 20;

/// Bytes that can be read from any place, as often as needed. Cloning shares them.
#[derive(Clone)]
pub struct Spool {
    place: Place,
    len: u64,
    memory_only: bool,
}

#[derive(Clone)]
enum Place {
    Memory(Bytes),
    File(Arc<File>),
}

impl Spool {
    /// Bytes that are in memory already, not copied.
    #[must_use]
    pub fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { len: bytes.len() as u64, place: Place::Memory(bytes), memory_only: false }
    }

    /// Bytes that are in memory already and may not touch the disk, nor what is decoded from them: sealed evidence.
    #[must_use]
    pub fn in_memory(bytes: impl Into<Bytes>) -> Self {
        Self { memory_only: true, ..Self::of(bytes) }
    }

    /// Whether what is decoded or unpacked from this may not touch the disk either.
    #[must_use]
    pub const fn is_memory_only(&self) -> bool {
        self.memory_only
    }

    /// Number of bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes, where they are in memory.
    #[must_use]
    pub fn memory(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Memory(bytes) => Some(bytes),
            Place::File(_) => None,
        }
    }

    /// Reads from the first byte on; every reader has a position of its own.
    #[must_use]
    pub fn reader(&self) -> SpoolReader {
        SpoolReader { spool: self.clone(), at: 0 }
    }
}

/// Takes a body as it comes in.
pub struct SpoolWriter {
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
    limit: u64,
    memory_only: bool,
}

impl SpoolWriter {
    /// Takes at most `limit_bytes`.
    #[must_use]
    pub const fn new(limit_bytes: u64) -> Self {
        Self { memory: Vec::new(), file: None, len: 0, limit: limit_bytes, memory_only: false }
    }

    pub(super) fn like(spool: &Spool, limit_bytes: u64) -> Self {
        Self { memory_only: spool.memory_only, ..Self::new(limit_bytes) }
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was taken yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What was taken, ready to be read.
    ///
    /// # Errors
    ///
    /// The temporary file could not be flushed.
    pub fn finish(mut self) -> io::Result<Spool> {
        self.flush()?;
        let place = match self.file {
            Some(file) => Place::File(Arc::new(file)),
            None => Place::Memory(self.memory.into()),
        };
        Ok(Spool { place, len: self.len, memory_only: self.memory_only })
    }
}

/// The bound of a spool was reached.
#[derive(Debug, thiserror::Error)]
#[error("more than the {limit_bytes} bytes allowed here")]
pub struct SpoolFull {
    /// The bound.
    pub limit_bytes: u64,
}

impl Write for SpoolWriter {
    /// Takes all of `bytes` or, where they would pass the bound, none: the error then holds a [`SpoolFull`].
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.len.saturating_add(bytes.len() as u64);
        if len > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, SpoolFull { limit_bytes: self.limit }));
        }
        if self.file.is_none() && !self.memory_only && self.memory.len() + bytes.len() > MEMORY_BYTES {
            let mut file = tempfile::tempfile()?;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.len = len;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

/// Reads a [`Spool`] from any place.
#[derive(Clone)]
pub struct SpoolReader {
    spool: Spool,
    at: u64,
}

impl Read for SpoolReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &self.spool.place {
            Place::Memory(bytes) => {
                let from = usize::try_from(self.at).unwrap_or(usize::MAX);
                let mut rest = bytes.get(from..).unwrap_or_default();
                rest.read(into)?
            }
            Place::File(file) => file.read_at(into, self.at)?,
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for SpoolReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::End(by) => self.spool.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the first byte"))?;
        Ok(self.at)
    }
}
