//! Where do segments, statements and programs lie, and do they still hold together?

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::Digest;
use schemas::segment::{MAX_FILE_BYTES, Segment, SegmentError};

use super::storage::{Disk, forget, keep};

/// Largest statement note.
const MAX_STATEMENT: u64 = tlog::note::MAX_NOTE_BYTES as u64;
/// Largest program kept for deriving: 256 MiB.
const MAX_PROGRAM: u64 = 256 << 20;

/// Why a piece of evidence can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The disk.
    #[error("`{path}` could not be read or written")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not there.
    #[error("`{path}` is missing")]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// It is damaged.
    #[error("`{path}` is damaged")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<SegmentError>,
    },
    /// It is whole, but not what its name says.
    #[error("`{path}` holds something else, {found}")]
    Other {
        /// Which file.
        path: PathBuf,
        /// Digest of what it holds.
        found: Digest,
    },
}

/// The files of a data folder but for the log's.
#[derive(Clone)]
pub struct Evidence {
    disk: Arc<dyn Disk>,
    data: PathBuf,
    second: PathBuf,
}

impl Evidence {
    /// Looks at nothing yet.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, data: &Path, second: &Path) -> Self {
        Self { disk, data: data.to_owned(), second: second.to_owned() }
    }

    /// Where a segment lies.
    #[must_use]
    pub fn segment_path(&self, manifest: &Digest) -> PathBuf {
        let name = manifest.to_string();
        let folder = name.get(..2).unwrap_or_default().to_owned();
        self.data.join("segments").join(folder).join(format!("{name}.warc.gz"))
    }

    /// Keeps a segment, durable on return.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Disk`].
    pub fn keep_segment(&self, manifest: &Digest, bytes: &[u8]) -> Result<(), EvidenceError> {
        self.write(&self.segment_path(manifest), bytes)
    }

    /// The stored bytes of a segment.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Missing`], [`EvidenceError::Disk`].
    pub fn segment_bytes(&self, manifest: &Digest) -> Result<Vec<u8>, EvidenceError> {
        self.read(&self.segment_path(manifest), MAX_FILE_BYTES)
    }

    /// A segment, re-read whole: every commitment recomputed and compared with the manifest, and the manifest with the name.
    ///
    /// # Errors
    ///
    /// [`EvidenceError`] says which of it does not hold.
    pub fn segment(&self, manifest: &Digest) -> Result<Segment, EvidenceError> {
        let path = self.segment_path(manifest);
        let bytes = self.segment_bytes(manifest)?;
        let segment = Segment::read(&bytes)
            .map_err(|source| EvidenceError::Damaged { path: path.clone(), source: Box::new(source) })?;
        if segment.digest != *manifest {
            return Err(EvidenceError::Other { path, found: segment.digest });
        }
        Ok(segment)
    }

    /// Removes a segment nobody was told about.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Disk`].
    pub fn drop_segment(&self, manifest: &Digest) -> Result<(), EvidenceError> {
        self.remove(&self.segment_path(manifest))
    }

    /// Names of all segments on disk.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Disk`].
    pub fn segments(&self) -> Result<Vec<Digest>, EvidenceError> {
        let root = self.data.join("segments");
        let mut found = Vec::new();
        for folder in self.list(&root)? {
            if let Some(folder) = folder.strip_suffix('/') {
                let names = self.list(&root.join(folder))?;
                found.extend(names.iter().filter_map(|name| name.strip_suffix(".warc.gz")?.parse::<Digest>().ok()));
            }
        }
        Ok(found)
    }

    fn statement_paths(&self, digest: &Digest) -> [PathBuf; 2] {
        [&self.data, &self.second].map(|place| place.join("statements").join(format!("{digest}.note")))
    }

    /// Keeps a statement in both places, durable on return.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Disk`].
    pub fn keep_statement(&self, digest: &Digest, note: &str) -> Result<(), EvidenceError> {
        self.statement_paths(digest).iter().try_for_each(|path| self.write(path, note.as_bytes()))
    }

    /// A statement's note; whether it is the one of that digest shows in opening it, which callers do.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Missing`], [`EvidenceError::Disk`].
    pub fn statement(&self, digest: &Digest) -> Result<String, EvidenceError> {
        let [path, _] = self.statement_paths(digest);
        let bytes = self.read(&path, MAX_STATEMENT)?;
        String::from_utf8(bytes)
            .map_err(|why| EvidenceError::Disk { path, source: io::Error::new(io::ErrorKind::InvalidData, why) })
    }

    /// Removes a statement that no leaf announces, in both places.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Disk`].
    pub fn drop_statement(&self, digest: &Digest) -> Result<(), EvidenceError> {
        self.statement_paths(digest).iter().try_for_each(|path| self.remove(path))
    }

    /// Digests of all statements on disk.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Disk`].
    pub fn statements(&self) -> Result<Vec<Digest>, EvidenceError> {
        let names = self.list(&self.data.join("statements"))?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(".note")?.parse().ok()).collect())
    }

    /// Copies statements that the second place does not have.
    ///
    /// # Errors
    ///
    /// [`EvidenceError`].
    pub fn copy_statements(&self) -> Result<(), EvidenceError> {
        for digest in self.statements()? {
            let [_, second] = self.statement_paths(&digest);
            let note = self.statement(&digest)?;
            if self.disk.read(&second, MAX_STATEMENT).ok().as_deref() != Some(note.as_bytes()) {
                self.write(&second, note.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Keeps an agent's program under its digest, for deriving records again. Returns the digest.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Disk`].
    pub fn keep_program(&self, bytes: &[u8]) -> Result<Digest, EvidenceError> {
        let digest = Digest::of(bytes);
        self.write(&self.program_path(&digest), bytes)?;
        Ok(digest)
    }

    /// Where a program lies, kept or not.
    #[must_use]
    pub fn program_path(&self, digest: &Digest) -> PathBuf {
        self.data.join("programs").join(digest.to_string())
    }

    /// A program, compared with its name.
    ///
    /// # Errors
    ///
    /// [`EvidenceError`].
    pub fn program(&self, digest: &Digest) -> Result<Vec<u8>, EvidenceError> {
        let path = self.program_path(digest);
        let bytes = self.read(&path, MAX_PROGRAM)?;
        let found = Digest::of(&bytes);
        if found == *digest { Ok(bytes) } else { Err(EvidenceError::Other { path, found }) }
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, EvidenceError> {
        self.disk.read(path, limit).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => EvidenceError::Missing { path: path.to_owned() },
            _ => EvidenceError::Disk { path: path.to_owned(), source },
        })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), EvidenceError> {
        keep(&*self.disk, path, bytes).map_err(|source| EvidenceError::Disk { path: path.to_owned(), source })
    }

    fn remove(&self, path: &Path) -> Result<(), EvidenceError> {
        forget(&*self.disk, path).map_err(|source| EvidenceError::Disk { path: path.to_owned(), source })
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, EvidenceError> {
        self.disk.list(path).map_err(|source| EvidenceError::Disk { path: path.to_owned(), source })
    }
}
