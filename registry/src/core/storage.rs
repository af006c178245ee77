//! How do bytes reach the disk so that they stay there?
//!
//! [`Disk`] has the few calls that matter for durability and nothing else, so that a test can count them and cut the power at any one.
//! A file is durable after [`Disk::sync`], its name after [`Disk::sync_dir`] of the folder it lies in. [`keep`] does both in the order
//! that never shows half a file: temporary name, write, sync, rename, sync of the folder. The temporary name is the writer's own, so of two who keep
//! one file at the same time, processes even, neither shows the other's half. [`keep_all`] does so with several files that are of no use one without the
//! other, [`Disk::both`] with two things at once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::crash;

mod tiles;

pub use tiles::DiskTiles;

#[cfg(test)]
pub(crate) mod power;
#[cfg(test)]
pub(crate) mod watched;

/// Ending of names that nothing refers to yet; removed at every start.
pub const TEMPORARY: &str = ".tmp";

/// The calls by which truth is written.
pub trait Disk: Send + Sync {
    /// Makes a folder and those above it, durable on return.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn create_dirs(&self, dir: &Path) -> io::Result<()>;

    /// Writes a file anew; neither bytes nor name are durable yet.
    ///
    /// # Errors
    ///
    /// What the operating system says; the file may then hold a part.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes a file's bytes durable.
    ///
    /// # Errors
    ///
    /// What the operating system says. The bytes must be written again then: a second sync may say yes to lost pages.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name in the same folder, replacing what has it; durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// The bytes of a file, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`]; [`io::ErrorKind::InvalidData`] if it is longer.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Removes a file; one that is not there is no error. Durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Names in a folder, ascending, folders marked by a final `/`; none if there is no such folder.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Bytes that may still be written where this folder lies.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;

    /// Does two things of which neither waits for the other, in any order or side by side; both were tried on return. What is synced at the same time shares
    /// a write of the file system's journal, and two places may be two disks.
    fn both(&self, one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)) {
        one();
        other();
    }

    /// A named step was reached: see [`crash`]. A test's disk may fail here too.
    ///
    /// # Errors
    ///
    /// Never on a real disk.
    fn point(&self, name: &'static str) -> io::Result<()> {
        crash::point(name);
        Ok(())
    }
}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dirs(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
        if let Some(above) = above {
            self.create_dirs(above)?;
        }
        match fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        above.map_or(Ok(()), |above| self.sync_dir(above))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        within(path, bytes, limit)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            // Names that are not text are none of ours.
            if let Ok(mut name) = entry.file_name().into_string() {
                if entry.file_type()?.is_dir() {
                    name.push('/');
                }
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(dir)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn both(&self, one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)) {
        let other = Mutex::new(other);
        let run = || other.lock().unwrap_or_else(PoisonError::into_inner)();
        thread::scope(|scope| {
            let beside = thread::Builder::new().name("beside".to_owned()).spawn_scoped(scope, run);
            one();
            if beside.is_err() {
                run();
            }
        });
    }
}

pub(crate) fn within(path: &Path, bytes: Vec<u8>, limit: u64) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 > limit {
        let why = format!("`{}` is larger than the {limit} bytes it may have", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

/// Writes a file so that after a power cut it is there whole or, as before, not.
///
/// # Errors
///
/// What the disk says; where even the temporary file can't be removed, the next start does it.
pub fn keep(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    keep_all(disk, &[(path.to_owned(), bytes)])
}

/// [`keep`] of several files. After a power cut each of them is there whole or, as before, not.
///
/// Each step is done for all before the next: once the first folder is synced, the journal holds the other names as well.
///
/// # Errors
///
/// As [`keep`]; some of the files may be kept then.
pub fn keep_all(disk: &dyn Disk, files: &[(PathBuf, &[u8])]) -> io::Result<()> {
    let mut dirs = BTreeSet::new();
    let mut renames = Vec::with_capacity(files.len());
    for (path, _) in files {
        let dir = parent(path)?;
        disk.create_dirs(dir)?;
        dirs.insert(dir);
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{:016x}{TEMPORARY}", rand::random::<u64>()));
        renames.push((dir.join(name), path));
    }
    let named = (|| {
        let bytes = files.iter().map(|(_, bytes)| *bytes);
        renames.iter().zip(bytes).try_for_each(|((temporary, _), bytes)| disk.write(temporary, bytes))?;
        disk.point("after_write")?;
        renames.iter().try_for_each(|(temporary, _)| disk.sync(temporary))?;
        disk.point("after_fsync")?;
        renames.iter().try_for_each(|(temporary, path)| disk.rename(temporary, path))
    })();
    if named.is_err() {
        // Nobody comes back for these names, and where the disk is full, every try would leave more.
        for (temporary, _) in &renames {
            let _ = disk.remove(temporary);
        }
    }
    named?;
    disk.point("after_rename")?;
    dirs.into_iter().try_for_each(|dir| disk.sync_dir(dir))
}

/// Removes a file for good.
///
/// # Errors
///
/// What the disk says.
pub fn forget(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    disk.remove(path)?;
    disk.sync_dir(parent(path)?)
}

/// Removes what a cut left under temporary names, below `dir`.
///
/// # Errors
///
/// What the disk says.
pub fn sweep(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    for name in disk.list(dir)? {
        match name.strip_suffix('/') {
            Some(folder) => sweep(disk, &dir.join(folder))?,
            None if name.ends_with(TEMPORARY) => forget(disk, &dir.join(name))?,
            None => {}
        }
    }
    Ok(())
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| {
        let why = format!("`{}` lies in no folder", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, why)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::watched::Watched;
    use super::*;

    #[test]
    fn kept_files_are_whole_and_leave_no_temporary_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        keep(&RealDisk, &path, b"one").unwrap();
        keep(&RealDisk, &path, b"two").unwrap();
        assert_eq!(RealDisk.read(&path, 3).unwrap(), b"two");
        assert_eq!(RealDisk.list(&folder.path().join("a/b")).unwrap(), ["file"]);
        assert!(RealDisk.read(&path, 2).is_err(), "longer than allowed");
        assert!(RealDisk.free_bytes(folder.path()).unwrap() > 0);
    }

    #[test]
    fn two_who_keep_one_file_at_the_same_time_are_not_in_each_others_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (first, other) = (AtomicBool::new(true), path.clone());
        let disk = Watched::new(Arc::new(RealDisk), move |call, _| {
            // As another process would, between the one's sync and its rename.
            let meets = call == "rename" && first.swap(false, Ordering::SeqCst);
            if meets { keep(&RealDisk, &other, b"two") } else { Ok(()) }
        });
        keep(&disk, &path, b"one").unwrap();
        assert_eq!(RealDisk.read(&path, 3).unwrap(), b"one", "whoever comes last");
        assert_eq!(RealDisk.list(folder.path()).unwrap(), ["file"]);
    }

    #[test]
    fn what_can_not_be_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for refused in ["write", "sync", "rename"] {
            let left = AtomicUsize::new(1);
            let disk = Watched::new(Arc::new(RealDisk), move |call, _| {
                // The first is done, the second is not.
                let fails = call == refused && left.fetch_sub(1, Ordering::SeqCst) == 0;
                if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            });
            let files = ["one", "two"].map(|name| (folder.path().join(name), name.as_bytes()));
            assert!(keep_all(&disk, &files).is_err());
            let left = RealDisk.list(folder.path()).unwrap();
            assert!(left.iter().all(|name| name == "one"), "{refused}: {left:?}");
        }
    }

    #[test]
    fn sweeping_removes_temporary_names_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x/file");
        keep(&RealDisk, &path, b"one").unwrap();
        RealDisk.write(&folder.path().join("x/half.tmp"), b"h").unwrap();
        sweep(&RealDisk, folder.path()).unwrap();
        assert_eq!(RealDisk.list(&folder.path().join("x")).unwrap(), ["file"]);
    }
}
