//! Where do segments lie until the registry has them?
//!
//! A folder. A segment is written under a temporary name, synced, renamed to `<number>-<digest>.warc.gz`, and the folder synced; then one
//! transaction of the [state](crate::state) names it. Only named segments are ever sent.
//!
//! **What a crash leaves.** A temporary file, or a segment that no row names: dropped at the next start, and the exchanges are made again. The number
//! of such a segment is given again, to the next one. That is safe because the row is what makes a segment exist: nothing
//! that has no row has left this host, so there are never two different segments with one number in the world. A row whose file
//! is missing is the one thing that is not mended: somebody deleted evidence, and [`Outbox::tidy`] says so.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use schemas::{Digest, segment::MAX_FILE_BYTES};

use crate::{
    engine::crash,
    state::{Placed, State, StateError},
};

/// Free space below which nothing more is fetched. What is at hand is still written: one segment takes at most 72 MiB.
pub const MIN_FREE_BYTES: u64 = 256 << 20;

/// How many runs may be about to write a segment when fetching stops: their room is part of [`MIN_FREE_BYTES`].
const _: () = assert!(MIN_FREE_BYTES > 3 * MAX_FILE_BYTES);

/// Why the outbox can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The folder or a file in it.
    #[error("`{}` can't be used", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state names a segment that is not there.
    #[error(
        "segment `{file}` is not in the outbox although it has no receipt; put it back from a copy: its number can't be used again"
    )]
    Missing {
        /// Its file name.
        file: String,
    },
}

/// The folder of segments.
#[derive(Clone, Debug)]
pub struct Outbox {
    dir: PathBuf,
    /// Where a test lets the disk fail.
    #[cfg(test)]
    pub(crate) faults: faults::Faults,
}

/// A segment's file while it is written.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    /// It has its name: nothing is left under the temporary one.
    named: bool,
    #[cfg(test)]
    faults: faults::Faults,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.named {
            // A temporary file is of no use, and the next start would drop it as well.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(test)]
        self.faults.call()?;
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }
}

impl Draft {
    fn open(&mut self) -> io::Result<&mut BufWriter<File>> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the segment was closed"))
    }

    /// Sees that everything is on the disk; gives the size.
    fn close(&mut self) -> io::Result<u64> {
        self.flush()?;
        #[cfg(test)]
        self.faults.call()?;
        let file = self.open()?.get_ref();
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        self.file = None;
        Ok(bytes)
    }
}

impl Outbox {
    /// The outbox below a state folder; made where it is missing.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Io`].
    pub fn open(state_dir: &Path) -> Result<Self, OutboxError> {
        let dir = state_dir.join("outbox");
        fs::create_dir_all(&dir).map_err(|source| OutboxError::Io { path: dir.clone(), source })?;
        Ok(Self {
            dir,
            #[cfg(test)]
            faults: faults::Faults::default(),
        })
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a file of the outbox lies.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn io<'a>(&'a self, path: &'a Path) -> impl FnOnce(io::Error) -> OutboxError + 'a {
        move |source| OutboxError::Io { path: path.to_owned(), source }
    }

    /// Drops what a crash left, and looks for named segments that are missing. To be called once, before anything is written.
    ///
    /// Returns the names of dropped files.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Missing`] where a segment without a receipt is gone.
    pub fn tidy(&self, state: &State) -> Result<Vec<String>, OutboxError> {
        let named: BTreeSet<String> = state.outbox_files()?.into_iter().collect();
        let waiting: BTreeSet<String> = state.waiting()?.into_iter().map(|waiting| waiting.file).collect();
        let mut dropped = Vec::new();
        let mut present = BTreeSet::new();
        for entry in fs::read_dir(&self.dir).map_err(self.io(&self.dir))? {
            let entry = entry.map_err(self.io(&self.dir))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = name.ends_with(".warc.gz") || name.starts_with(".part-");
            if named.contains(&name) {
                present.insert(name);
            } else if ours {
                fs::remove_file(entry.path()).map_err(self.io(&entry.path()))?;
                dropped.push(name);
            }
        }
        match waiting.difference(&present).next() {
            Some(file) => Err(OutboxError::Missing { file: file.clone() }),
            None => Ok(dropped),
        }
    }

    /// Begins a segment's file under a temporary name.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Io`].
    pub fn begin(&self, seq: u64) -> Result<Draft, OutboxError> {
        let path = self.dir.join(format!(".part-{seq:010}"));
        let file = File::create(&path).map_err(self.io(&path))?;
        Ok(Draft {
            path,
            file: Some(BufWriter::new(file)),
            named: false,
            #[cfg(test)]
            faults: self.faults.clone(),
        })
    }

    /// Syncs closed segments, gives them their names and syncs the folder: all of them or none. From here on they are on disk, and named by
    /// nothing. Each comes with its number, the digest of its manifest and when it was closed.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Io`].
    pub fn place(&self, drafts: Vec<(Draft, u64, Digest, Timestamp)>) -> Result<Vec<Placed>, OutboxError> {
        let mut closed = Vec::new();
        for (mut draft, seq, manifest, closed_at) in drafts {
            let bytes = draft.close().map_err(self.io(&draft.path))?;
            crash::point("agent_after_write");
            let file = format!("{seq:010}-{manifest}.warc.gz");
            closed.push((draft, Placed { seq, manifest, file, bytes, closed_at }));
        }
        let mut placed = Vec::new();
        let named = closed.into_iter().try_for_each(|(mut draft, segment)| {
            #[cfg(test)]
            self.faults.call().map_err(self.io(&draft.path))?;
            fs::rename(&draft.path, self.dir.join(&segment.file)).map_err(self.io(&draft.path))?;
            draft.named = true;
            placed.push(segment);
            Ok(())
        });
        if let Err(error) = named.and_then(|()| self.sync()) {
            placed.iter().for_each(|placed| self.take_back(placed));
            return Err(error);
        }
        placed.iter().for_each(|_| crash::point("agent_after_segment"));
        Ok(placed)
    }

    /// Takes back a segment that could not be named.
    pub fn take_back(&self, placed: &Placed) {
        // What stays behind is dropped by the next start.
        let _ = fs::remove_file(self.dir.join(&placed.file));
    }

    /// Deletes segments whose receipt is older than `keep`. Returns how many.
    ///
    /// # Errors
    ///
    /// [`OutboxError`].
    pub fn sweep(&self, state: &State, keep: SignedDuration, now: Timestamp) -> Result<usize, OutboxError> {
        let before = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        let due = state.deletable(before)?;
        for (manifest, file) in &due {
            let path = self.dir.join(file);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(OutboxError::Io { path, source });
                }
                _ => state.deleted(manifest, now)?,
            }
        }
        Ok(due.len())
    }

    /// Free bytes on the outbox's disk, for this user.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Io`].
    pub fn free_bytes(&self) -> Result<u64, OutboxError> {
        let found = rustix::fs::statvfs(&self.dir).map_err(|errno| self.io(&self.dir)(errno.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn sync(&self) -> Result<(), OutboxError> {
        #[cfg(test)]
        self.faults.call().map_err(self.io(&self.dir))?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(self.io(&self.dir))
    }
}

#[cfg(test)]
pub(crate) mod faults {
    //! A disk that fails at a call of the outbox: a write, a sync, a rename.

    use std::{
        io,
        sync::{Arc, Mutex},
    };

    /// Calls that still go well, and whether all fail after the one that does not.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Faults(Arc<Mutex<Option<(u32, bool)>>>);

    impl Faults {
        /// The call of this number fails, counted from 1, and all that follow where the disk stays full.
        pub(crate) fn fail_at(&self, call: u32, stays: bool) {
            *self.0.lock().unwrap() = Some((call, stays));
        }

        /// All goes well from now on. True where it did before.
        pub(crate) fn end(&self) -> bool {
            self.0.lock().unwrap().take().is_none_or(|(left, _)| left > 0)
        }

        pub(super) fn call(&self) -> io::Result<()> {
            match self.0.lock().unwrap().as_mut() {
                None => return Ok(()),
                Some((0, false)) => return Ok(()),
                Some((left, _)) => {
                    *left = left.saturating_sub(1);
                    if *left > 0 {
                        return Ok(());
                    }
                }
            }
            Err(io::ErrorKind::StorageFull.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (tempfile::TempDir, State, Outbox) {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        state.chain("feed+01020304").unwrap();
        let outbox = Outbox::open(dir.path()).unwrap();
        (dir, state, outbox)
    }

    #[test]
    fn file_that_no_row_names_is_dropped() {
        let (_dir, state, outbox) = world();
        let mut draft = outbox.begin(1).unwrap();
        draft.write_all(b"segment").unwrap();
        let placed = outbox.place(vec![(draft, 1, Digest([7; 32]), Timestamp::UNIX_EPOCH)]).unwrap().remove(0);
        std::fs::write(outbox.path(".part-0000000002"), b"half").unwrap();
        std::fs::write(outbox.path("notes.txt"), b"somebody's").unwrap();
        let mut dropped = outbox.tidy(&state).unwrap();
        dropped.sort();
        assert_eq!(dropped, [".part-0000000002".to_owned(), placed.file]);
        assert!(outbox.path("notes.txt").exists(), "other people's files are left alone");
        assert_eq!(state.chain("feed+01020304").unwrap().seq, 1, "its number is given again");
    }

    #[test]
    fn draft_that_is_given_up_leaves_nothing() {
        let (_dir, _state, outbox) = world();
        drop(outbox.begin(1).unwrap());
        assert_eq!(std::fs::read_dir(outbox.dir()).unwrap().count(), 0);
    }

    #[test]
    fn disk_says_how_much_is_free() {
        let (_dir, _state, outbox) = world();
        assert!(outbox.free_bytes().unwrap() > 0);
    }
}
