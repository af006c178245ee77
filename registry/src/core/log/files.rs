//! Which files does the log write, in which order, and what is checked when it opens?

use std::io;
use std::path::{Path, PathBuf};

use tlog::{Checkpoint, Note, TileId, TileSource, TileTree, entries_path, tile_path};

use super::{LogError, Published, Shared, open_checkpoint, row};
use crate::core::storage::{DiskTiles, forget, keep, keep_all};

/// Largest checkpoint note.
const MAX_NOTE: u64 = tlog::note::MAX_NOTE_BYTES as u64;
/// Largest file of a log.
const MAX_LOG_FILE: u64 = tlog::bundle::MAX_BUNDLE_BYTES as u64;
/// Leaves taken out of the tables at once.
const CHUNK: u64 = 4096;

impl Shared {
    pub fn tiles(&self) -> DiskTiles {
        DiskTiles { disk: self.disk.clone(), root: self.local.clone() }
    }

    fn second_tiles(&self) -> DiskTiles {
        DiskTiles { disk: self.disk.clone(), root: self.second.join("log") }
    }

    pub fn highest_path(&self) -> PathBuf {
        self.second.join("highest")
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.local.join("checkpoint")
    }

    fn read_note(&self, path: &Path) -> Result<Option<Vec<u8>>, LogError> {
        match self.disk.read(path, MAX_NOTE) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LogError::Disk { path: path.to_owned(), source }),
        }
    }

    fn checkpoint_in(&self, path: &Path) -> Result<Option<(Checkpoint, String)>, LogError> {
        let Some(bytes) = self.read_note(path)? else {
            return Ok(None);
        };
        let checkpoint = open_checkpoint(path, &bytes, &self.key.vkey())?;
        Ok(Some((checkpoint, String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// What [`super::Log::open`] promises.
    pub fn start(&self) -> Result<(), LogError> {
        let highest_path = self.highest_path();
        let local = self.checkpoint_in(&self.checkpoint_path())?;
        let highest = self.checkpoint_in(&highest_path)?;
        let local_size = local.as_ref().map_or(0, |(checkpoint, _)| checkpoint.size);
        let newest = match (local, highest) {
            (None, None) => None,
            (Some(_), None) => {
                return Err(LogError::NoHighest { path: self.second.clone(), local: local_size });
            }
            (Some(local), Some(highest)) if local.0.size > highest.0.size => {
                // An older copy of the second place: harmless if it is of this log, and brought up to date.
                self.same_tree(&highest.0, local_size)?;
                self.same_tree(&local.0, local_size)?;
                self.copy_to_second()?;
                Some(local)
            }
            // The highest is written first, so after a cut it may be one checkpoint ahead; the tiles are there then.
            (_, Some(highest)) => {
                self.same_tree(&highest.0, local_size)?;
                Some(highest)
            }
        };
        if let Some((checkpoint, note)) = newest {
            self.write(&highest_path, note.as_bytes(), highest_path.as_path())?;
            let path = self.checkpoint_path();
            self.write(&path, note.as_bytes(), path.as_path())?;
            let tiles = self.tiles();
            let tree = TileTree::new(&tiles, checkpoint.size).compact()?;
            self.set(Published { size: checkpoint.size, root: checkpoint.root, note, tree });
        }
        let size = self.published.read().unwrap_or_else(std::sync::PoisonError::into_inner).size;
        for place in [&self.local, &self.second.join("log")] {
            self.remove_beyond(place, size)?;
        }
        let rows = self.store.leaf_count()?;
        self.compare_rows(rows.min(size).saturating_sub(CHUNK), rows.min(size))?;
        self.fill_rows(rows, size)?;
        self.publish()
    }

    /// The tiles here give that checkpoint's root.
    fn same_tree(&self, highest: &Checkpoint, local: u64) -> Result<(), LogError> {
        let tiles = self.tiles();
        match TileTree::new(&tiles, highest.size).root() {
            Ok(root) if root == highest.root => Ok(()),
            Ok(root) => Err(LogError::Inconsistent { size: highest.size, local: root, highest: highest.root }),
            Err(_) if highest.size > local => Err(LogError::RolledBack { local, highest: highest.size }),
            Err(error) => Err(error.into()),
        }
    }

    /// Tables that are older than the log, or were lost: the bundles have the leaves.
    fn fill_rows(&self, rows: u64, size: u64) -> Result<(), LogError> {
        let tiles = self.tiles();
        let tree = TileTree::new(&tiles, size);
        let mut next = rows;
        while next < size {
            let entries = tree.entries(next / 256)?;
            let mut found = Vec::new();
            for (bytes, index) in entries.iter().zip(next / 256 * 256..) {
                if index >= next {
                    if tlog::leaf_hash(bytes) != tree.leaf_hash(index)? {
                        return Err(LogError::Row { index });
                    }
                    found.push(row(index, bytes)?);
                }
            }
            next += found.len() as u64;
            self.store.append(&found, &[])?;
        }
        Ok(())
    }

    /// Rows `from..to` are what the tiles say.
    pub fn compare_rows(&self, from: u64, to: u64) -> Result<(), LogError> {
        let tiles = self.tiles();
        let tree = TileTree::new(&tiles, to);
        let mut next = from;
        while next < to {
            let rows = self.store.leaves(next, CHUNK.min(to - next))?;
            if rows.is_empty() {
                return Err(LogError::Row { index: next });
            }
            for leaf in rows {
                let again = row(leaf.index, &leaf.bytes).map_err(|_| LogError::Row { index: leaf.index })?;
                if leaf.index != next || again != leaf || tlog::leaf_hash(&leaf.bytes) != tree.leaf_hash(next)? {
                    return Err(LogError::Row { index: next });
                }
                next += 1;
            }
        }
        Ok(())
    }

    fn set(&self, published: Published) {
        *self.published.write().unwrap_or_else(std::sync::PoisonError::into_inner) = published;
    }

    fn write(&self, path: &Path, bytes: &[u8], name: &Path) -> Result<(), LogError> {
        keep(&*self.disk, path, bytes).map_err(|source| LogError::Disk { path: name.to_owned(), source })
    }

    /// Covers all leaves that are in the tables by a checkpoint.
    pub fn publish(&self) -> Result<(), LogError> {
        let old = self.published.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let size = self.store.leaf_count()?;
        if size <= old.size {
            return Ok(());
        }
        let mut entries = Vec::new();
        while old.size + (entries.len() as u64) < size {
            let rows = self.store.leaves(old.size + entries.len() as u64, CHUNK)?;
            if rows.is_empty() {
                return Err(LogError::Row { index: old.size + entries.len() as u64 });
            }
            entries.extend(rows.into_iter().map(|row| row.bytes));
        }
        let hashes: Vec<_> = entries.iter().map(|entry| tlog::leaf_hash(entry)).collect();
        let tiles = self.tiles();
        let mut files = tlog::bundles_for_append(old.size, &entries, &tiles)?;
        files.extend(tlog::tiles_for_append(old.size, &hashes, &tiles)?);
        let keep_in = |place: &Path| {
            let files: Vec<_> = files.iter().map(|(path, bytes)| (place.join(path), &**bytes)).collect();
            keep_all(&*self.disk, &files).map_err(|source| LogError::Disk { path: place.to_owned(), source })?;
            self.step("after_tiles")
        };
        self.both(|| keep_in(&self.local), || keep_in(&self.second.join("log")))?;

        let mut tree = old.tree.clone();
        tree.extend(hashes);
        let expected = tree.root();
        for place in [tiles, self.second_tiles()] {
            let stored = TileTree::new(&place, size);
            stored.check_growth(old.size)?;
            let found = stored.root()?;
            if found != expected {
                return Err(LogError::ReadBack { size, found, expected });
            }
        }

        self.step("before_checkpoint")?;
        let path = self.highest_path();
        let highest = self.read_note(&path)?.unwrap_or_default();
        if highest != old.note.as_bytes() {
            // Ours from a round that failed after writing it, or somebody else's.
            let found = open_checkpoint(&path, &highest, &self.key.vkey())?;
            let ours = found.size > old.size
                && found.size <= size
                && TileTree::new(&self.tiles(), found.size).root().is_ok_and(|root| root == found.root);
            if !ours {
                return Err(LogError::Contended { path });
            }
        }
        let checkpoint = Checkpoint::new(self.key.name(), size, expected);
        let note = Note::sign(&checkpoint.to_string(), &[&self.key])
            .map_err(|why| LogError::Leaf { why: why.to_string() })?
            .to_string();
        self.write(&path, note.as_bytes(), &path)?;
        self.step("after_highest")?;
        let path = self.checkpoint_path();
        let at = (self.clock)();
        self.both(
            || self.write(&path, note.as_bytes(), &path),
            || Ok(self.store.keep_checkpoint(size, &expected.to_string(), at)?),
        )?;
        self.step("after_checkpoint")?;
        self.set(Published { size, root: expected, note, tree });
        self.remove_covered(files.iter().map(|(path, _)| path.as_str()));
        Ok(())
    }

    /// [`Disk::both`](crate::core::storage::Disk::both); the first's error where both fail.
    fn both(
        &self,
        one: impl Fn() -> Result<(), LogError> + Sync,
        other: impl Fn() -> Result<(), LogError> + Sync,
    ) -> Result<(), LogError> {
        let (mut first, mut second) = (Err(LogError::Closed), Err(LogError::Closed));
        self.disk.both(&mut || first = one(), &mut || second = other());
        first.and(second)
    }

    fn step(&self, name: &'static str) -> Result<(), LogError> {
        self.disk.point(name).map_err(|source| LogError::Disk { path: self.local.clone(), source })
    }

    /// Partial tiles whose full one is there are read from it. What can't be removed now does no harm.
    fn remove_covered<'a>(&self, written: impl Iterator<Item = &'a str>) {
        let full =
            written.filter_map(|path| path.parse::<TileId>().ok()).filter(|id| id.width == tlog::tile::FULL_WIDTH);
        for id in full {
            for place in [&self.local, &self.second.join("log")] {
                let folder = place.join(format!("{id}.p"));
                for name in self.disk.list(&folder).unwrap_or_default() {
                    let _ = self.disk.remove(&folder.join(name));
                }
            }
        }
    }

    /// Removes tiles and bundles that no checkpoint covers: a cut came before they were signed, and another tree may grow there.
    fn remove_beyond(&self, place: &Path, size: u64) -> Result<(), LogError> {
        for level in -1_i16..8 {
            let path = |index: u64, width: u16| match u8::try_from(level) {
                Ok(level) => tile_path(level, index, width),
                Err(_) => entries_path(index, width),
            };
            let count = size >> (8 * level.max(0).unsigned_abs());
            let (mut index, mut width) = (count / 256, count % 256);
            loop {
                let full = place.join(path(index, tlog::tile::FULL_WIDTH));
                let gone = |path: &Path| {
                    forget(&*self.disk, path).map_err(|source| LogError::Disk { path: path.to_owned(), source })
                };
                let mut found = false;
                let folder = place.join(format!("{}.p", path(index, tlog::tile::FULL_WIDTH)));
                let names =
                    self.disk.list(&folder).map_err(|source| LogError::Disk { path: folder.clone(), source })?;
                for name in names {
                    if name.parse::<u64>().is_ok_and(|found| found > width) {
                        found = true;
                        gone(&folder.join(name))?;
                    }
                }
                if self.disk.read(&full, MAX_LOG_FILE).is_ok() {
                    found = true;
                    // A full tile that a cut left is no reason to lose the partial one it began with.
                    let before = path(index, u16::try_from(width).unwrap_or_default());
                    let needed = width > 0 && self.disk.read(&place.join(&before), MAX_LOG_FILE).is_err();
                    if needed {
                        let tiles = DiskTiles { disk: self.disk.clone(), root: place.to_owned() };
                        let cut =
                            tiles.read(&before).map_err(|source| LogError::Disk { path: full.clone(), source })?;
                        self.write(&place.join(&before), &cut, &full)?;
                    }
                    gone(&full)?;
                }
                if !found {
                    break;
                }
                (index, width) = (index + 1, 0);
            }
        }
        Ok(())
    }

    /// Copies all files of the log to the second place that are not there.
    pub fn copy_to_second(&self) -> Result<(), LogError> {
        self.copy_folder(&self.local.join("tile"), &self.second.join("log").join("tile"))
    }

    fn copy_folder(&self, from: &Path, to: &Path) -> Result<(), LogError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| LogError::Disk { path, source }
        };
        for name in self.disk.list(from).map_err(failed(from))? {
            match name.strip_suffix('/') {
                Some(folder) => self.copy_folder(&from.join(folder), &to.join(folder))?,
                None => {
                    let bytes = self.disk.read(&from.join(&name), MAX_LOG_FILE).map_err(failed(from))?;
                    let target = to.join(&name);
                    if self.disk.read(&target, MAX_LOG_FILE).ok().as_deref() != Some(&bytes[..]) {
                        self.write(&target, &bytes, &target)?;
                    }
                }
            }
        }
        Ok(())
    }
}
