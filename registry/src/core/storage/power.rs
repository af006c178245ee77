//! A disk whose power can be cut at any call: what was not synced is lost or torn.
//!
//! In memory. A file's bytes survive a cut if [`Disk::sync`] was called after they were written, its name if the folder was synced after
//! it was given. Unsynced bytes are dropped, or half of them is kept, and unsynced names are dropped or kept, as [`Loss`] says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use super::{Disk, within};

/// What a cut does to what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Bytes and names are as at the last sync.
    Drop,
    /// Unsynced files keep their name and the first half of their new bytes.
    Tear,
    /// Everything had reached the disk after all.
    Nothing,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    now: Vec<u8>,
    synced: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    calls: u64,
    cut_at: Option<u64>,
    off: bool,
    full: bool,
    full_at: Option<u64>,
    failed: bool,
    beside: Beside,
}

/// How [`Disk::both`] goes: real disks do both at once, so every mixture may be what a cut leaves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside {
    /// The other goes first.
    pub backwards: bool,
    /// Calls that the second still makes where the power is cut in the first.
    pub late: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct PowerDisk(Mutex<State>);

impl PowerDisk {
    /// Cuts the power at the call of this number from now on, counted from 1.
    pub(crate) fn cut_after(&self, calls: u64) {
        let mut state = self.lock();
        state.cut_at = Some(state.calls + calls);
    }

    /// See [`Beside`].
    pub(crate) fn beside(&self, beside: Beside) {
        self.lock().beside = beside;
    }

    /// True once the power is off.
    pub(crate) fn is_off(&self) -> bool {
        self.lock().off
    }

    /// Every write fails from now on for want of space.
    pub(crate) fn fill(&self, full: bool) {
        let mut state = self.lock();
        (state.full, state.full_at) = (full, None);
    }

    /// The same from the call of this number on, counted from 1; that there is no room is not seen before.
    pub(crate) fn fill_after(&self, calls: u64) {
        let mut state = self.lock();
        (state.full_at, state.failed) = (Some(state.calls + calls), false);
    }

    /// True once a write failed for want of space.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().failed
    }

    /// Flips one bit of a stored file.
    pub(crate) fn flip(&self, path: &Path, at: usize) {
        let mut state = self.lock();
        let inode = state.names[path];
        state.inodes[inode].now[at] ^= 1;
        let now = state.inodes[inode].now.clone();
        state.inodes[inode].synced = Some(now);
    }

    /// All file names, for tests that look at everything.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.lock().names.keys().cloned().collect()
    }

    /// Everything that is stored as it is now; two machines that go apart from here.
    pub(crate) fn copy(&self) -> Self {
        let state = self.lock();
        Self(Mutex::new(State {
            inodes: state.inodes.clone(),
            names: state.names.clone(),
            synced_names: state.synced_names.clone(),
            ..State::default()
        }))
    }

    /// Switches the machine on again after a cut.
    pub(crate) fn power_on(&self, loss: Loss) {
        let mut state = self.lock();
        let state = &mut *state;
        let names = match loss {
            Loss::Drop => state.synced_names.clone(),
            Loss::Tear | Loss::Nothing => state.names.clone(),
        };
        for inode in &mut state.inodes {
            let survives = match loss {
                Loss::Nothing => inode.now.clone(),
                Loss::Drop => inode.synced.clone().unwrap_or_default(),
                Loss::Tear => match &inode.synced {
                    Some(synced) if *synced == inode.now => synced.clone(),
                    _ => inode.now[..inode.now.len() / 2].to_vec(),
                },
            };
            inode.now.clone_from(&survives);
            inode.synced = Some(survives);
        }
        state.names.clone_from(&names);
        state.synced_names = names;
        state.off = false;
        state.cut_at = None;
    }

    fn in_turn(&self, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        let was_on = !self.is_off();
        first();
        let is_cut = was_on && self.is_off();
        if is_cut {
            let mut state = self.lock();
            (state.off, state.cut_at) = (false, Some(state.calls + state.beside.late + 1));
        }
        second();
        if is_cut {
            self.lock().off = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.calls += 1;
        if state.cut_at.is_some_and(|at| state.calls >= at) {
            state.off = true;
        }
        if state.off {
            return Err(io::Error::other("the power is off"));
        }
        Ok(state)
    }

    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.off {
            return Err(io::Error::other("the power is off"));
        }
        Ok(state)
    }
}

impl Disk for PowerDisk {
    fn create_dirs(&self, _: &Path) -> io::Result<()> {
        self.look().map(drop)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.call()?;
        if state.full || state.full_at.is_some_and(|at| state.calls >= at) {
            state.failed = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        match state.names.get(path).copied() {
            Some(inode) => state.inodes[inode].now = bytes.to_vec(),
            None => {
                let inode = state.inodes.len();
                state.inodes.push(Inode { now: bytes.to_vec(), synced: None });
                state.names.insert(path.to_owned(), inode);
            }
        }
        Ok(())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let now = state.inodes[inode].now.clone();
        state.inodes[inode].synced = Some(now);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        let State { names, synced_names, .. } = &mut *state;
        synced_names.retain(|path, _| path.parent() != Some(dir));
        synced_names.extend(
            names.iter().filter(|(path, _)| path.parent() == Some(dir)).map(|(path, inode)| (path.clone(), *inode)),
        );
        Ok(())
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let state = self.look()?;
        let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        within(path, state.inodes[inode].now.clone(), limit)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call()?.names.remove(path);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.look()?;
        let mut found: Vec<String> = Vec::new();
        for path in state.names.keys() {
            let Ok(rest) = path.strip_prefix(dir) else {
                continue;
            };
            let mut parts = rest.components();
            let Some(first) = parts.next() else { continue };
            let mut name = first.as_os_str().to_str().unwrap().to_owned();
            if parts.next().is_some() {
                name.push('/');
            }
            if found.last() != Some(&name) {
                found.push(name);
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(if self.look()?.full { 0 } else { u64::MAX })
    }

    fn both(&self, one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)) {
        if self.lock().beside.backwards { self.in_turn(other, one) } else { self.in_turn(one, other) }
    }

    fn point(&self, _: &'static str) -> io::Result<()> {
        self.call().map(drop)
    }
}

#[test]
fn a_cut_drops_what_was_not_synced() {
    let disk = PowerDisk::default();
    let (dir, path) = (Path::new("/d"), Path::new("/d/f"));
    super::keep(&disk, path, b"old").unwrap();
    disk.write(path, b"newer").unwrap();
    disk.write(Path::new("/d/g"), b"g").unwrap();
    disk.cut_after(1);
    assert!(disk.sync_dir(dir).is_err());
    disk.power_on(Loss::Drop);
    assert_eq!(disk.read(path, 10).unwrap(), b"old");
    assert_eq!(disk.list(dir).unwrap(), ["f"]);
}

#[test]
fn keeping_a_file_is_all_or_nothing_at_every_call() {
    let path = Path::new("/d/f");
    for loss in [Loss::Drop, Loss::Tear, Loss::Nothing] {
        for cut in 1.. {
            let disk = PowerDisk::default();
            super::keep(&disk, path, b"old").unwrap();
            disk.cut_after(cut);
            let kept = super::keep(&disk, path, b"new");
            let off = disk.is_off();
            disk.power_on(loss);
            let found = disk.read(path, 10).unwrap();
            assert!(found == b"old" || found == b"new", "{loss:?} at call {cut}: {found:?}");
            if kept.is_ok() {
                assert_eq!(found, b"new");
            }
            if !off {
                break;
            }
        }
    }
}
