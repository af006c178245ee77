//! How is a copy made that can be trusted, and brought back without signing the past away?
//!
//! A backup is a folder: truth as it lies in the data folder up to one checkpoint, the databases as consistent files, and `backup.json`, which
//! names every file's SHA-256 and is written last. The log's private key is in neither.
//!
//! Restoring takes the log, statements and so the erasures that are newer than the backup from the second place, and never goes below its
//! `highest`. Segments that came after the backup are named as missing: their agents send them again within the time they keep them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemas::Digest;
use schemas::leaf::Leaf;
use serde::{Deserialize, Serialize};
use tlog::tile::FULL_WIDTH;
use tlog::{TileSource as _, TileTree, entries_path, tile_path};

use super::evidence::Evidence;
use super::log::open_checkpoint;
use super::opening::{LOCK, lock, lock_second};
use super::storage::{Disk, DiskTiles, RealDisk, keep};
use super::store::{INDEX, KEPT, Store as _};
use super::{Config, FORMAT, LogError, Registry, RegistryError};

/// Name of the list of a backup's files.
pub const MANIFEST: &str = "backup.json";
/// Largest file of a backup: the database may grow to 1 TiB, all else is far smaller.
const MAX_FILE: u64 = 1 << 40;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupManifest {
    /// Format version, 1.
    pub v: u32,
    /// When it was begun, UTC.
    pub made_at: Timestamp,
    /// Name of the log.
    pub origin: String,
    /// Leaves of its checkpoint.
    pub size: u64,
    /// Root of its checkpoint.
    pub root: String,
    /// Path below the backup's folder to SHA-256.
    pub files: BTreeMap<String, Digest>,
}

/// What came of restoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Leaves in the backup.
    pub backup_size: u64,
    /// Leaves after taking the newer ones from the second place.
    pub size: u64,
    /// Segments in the log whose files are in neither.
    pub missing: Vec<Digest>,
}

impl Registry {
    /// Writes a backup into a folder that does not exist yet. Segments go on being taken meanwhile; statements wait.
    ///
    /// # Errors
    ///
    /// The folder exists, or a disk refused; without `backup.json` the folder is no backup.
    pub fn backup(&self, target: &Path) -> Result<BackupManifest, RegistryError> {
        let inner = &self.inner;
        let _statements_wait = inner.standing_still();
        if target.exists() {
            return Err(RegistryError::refused(format!("`{}` exists already; give a new folder", target.display())));
        }
        let made_at = inner.clock();
        let out = RealDisk;
        out.create_dirs(target).map_err(failed(target))?;
        // The databases first: every leaf in them is then covered by the checkpoint read after it, and its segment is on the disk.
        inner.store.copy_to(target)?;
        inner.log.settle()?;
        let published = inner.log.published();

        let mut files = BTreeMap::new();
        for name in [INDEX, KEPT] {
            let path = target.join(name);
            out.sync(&path).map_err(failed(&path))?;
            files.insert(name.to_owned(), digest_of_file(&path)?);
        }
        let mut write = |name: String, bytes: &[u8]| -> Result<(), RegistryError> {
            let path = target.join(&name);
            keep(&out, &path, bytes).map_err(failed(&path))?;
            files.insert(name, Digest::of(bytes));
            Ok(())
        };
        write("format".to_owned(), FORMAT.as_bytes())?;
        write("log/checkpoint".to_owned(), published.note.as_bytes())?;
        // Those of the checkpoint, not those that lie there: a partial tile goes as soon as the full one has come.
        let tiles = inner.log.tiles();
        for name in tiles_of(published.size) {
            let bytes = tiles.read(&name).map_err(failed(&tiles.root.join(&name)))?;
            write(format!("log/{name}"), &bytes)?;
        }
        for folder in ["statements", "segments", "programs"] {
            let mut names = Vec::new();
            walk(&*inner.config.disk, &inner.config.data.join(folder), folder, &mut names)?;
            for name in names {
                let from = inner.config.data.join(&name);
                let bytes = inner.config.disk.read(&from, MAX_FILE).map_err(failed(&from))?;
                write(name, &bytes)?;
            }
        }
        let manifest = BackupManifest {
            v: 1,
            made_at,
            origin: inner.log.vkey().name().to_owned(),
            size: published.size,
            root: published.root.to_string(),
            files,
        };
        let bytes = serde_json::to_vec_pretty(&manifest).map_err(|why| RegistryError::refused(why.to_string()))?;
        let path = target.join(MANIFEST);
        keep(&out, &path, &bytes).map_err(failed(&path))?;
        Ok(manifest)
    }
}

/// Reads a backup's list and compares every file with it.
///
/// # Errors
///
/// Names the first file that is missing or differs.
pub fn check_backup(backup: &Path) -> Result<BackupManifest, RegistryError> {
    let path = backup.join(MANIFEST);
    let bytes = RealDisk.read(&path, MAX_FILE).map_err(failed(&path))?;
    let manifest: BackupManifest = serde_json::from_slice(&bytes)
        .map_err(|why| RegistryError::refused(format!("`{}` is no list of a backup: {why}", path.display())))?;
    if manifest.v != 1 {
        return Err(RegistryError::refused(format!("the backup has format {}, this release reads 1", manifest.v)));
    }
    for (name, digest) in &manifest.files {
        let plain = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !plain {
            return Err(RegistryError::refused(format!(
                "the backup lists `{}`, which leads out of its folder",
                name.escape_debug()
            )));
        }
        let path = backup.join(name);
        if digest_of_file(&path)? != *digest {
            return Err(RegistryError::refused(format!(
                "`{}` is not what the backup's list says; use another backup",
                path.display()
            )));
        }
    }
    Ok(manifest)
}

/// Makes the data folder of `config` again from a backup and the second place; then open it as usual. Erasures the backup does not
/// know are carried out at that opening.
///
/// # Errors
///
/// The data folder is not empty or somebody works on it, the backup is damaged, or the second place is of another log.
pub fn restore(backup: &Path, config: &Config) -> Result<Restored, RegistryError> {
    let manifest = check_backup(backup)?;
    let disk = &*config.disk;
    std::fs::create_dir_all(&config.data).map_err(failed(&config.data))?;
    // A service that is started meanwhile must not take half of it for a registry.
    let _alone = (lock(&config.data)?, lock_second(&config.second)?);
    for disk in [&RealDisk, disk] {
        if disk.list(&config.data).map_err(failed(&config.data))?.iter().any(|name| name != LOCK) {
            let why =
                format!("`{}` is not empty; move what is there aside, do not delete it yet", config.data.display());
            return Err(RegistryError::refused(why));
        }
    }
    for name in manifest.files.keys() {
        let (from, to) = (backup.join(name), config.data.join(name));
        if [INDEX, KEPT].contains(&name.as_str()) {
            std::fs::copy(&from, &to).map_err(failed(&to))?;
            RealDisk.sync(&to).map_err(failed(&to))?;
        } else {
            let bytes = RealDisk.read(&from, MAX_FILE).map_err(failed(&from))?;
            keep(disk, &to, &bytes).map_err(failed(&to))?;
        }
    }

    // What is newer lies in the second place.
    let key = config.key.vkey();
    let highest_path = config.second.join("highest");
    let mut size = manifest.size;
    if let Ok(note) = disk.read(&highest_path, MAX_FILE) {
        let highest = open_checkpoint(&highest_path, &note, &key)?;
        let tiles = DiskTiles { disk: config.disk.clone(), root: config.second.join("log") };
        let tree = TileTree::new(&tiles, highest.size);
        let found = tree.root().map_err(LogError::from)?;
        let shared = TileTree::new(&tiles, manifest.size.min(highest.size)).root().map_err(LogError::from)?;
        let ours = DiskTiles { disk: config.disk.clone(), root: config.data.join("log") };
        let local = TileTree::new(&ours, manifest.size.min(highest.size)).root().map_err(LogError::from)?;
        if found != highest.root || shared != local {
            return Err(LogError::Inconsistent { size: highest.size, local, highest: highest.root }.into());
        }
        if highest.size > manifest.size {
            size = highest.size;
            for folder in ["log/tile", "statements"] {
                let mut names = Vec::new();
                walk(disk, &config.second.join(folder), folder, &mut names)?;
                for name in names {
                    let from = config.second.join(&name);
                    let bytes = disk.read(&from, MAX_FILE).map_err(failed(&from))?;
                    let to = config.data.join(&name);
                    keep(disk, &to, &bytes).map_err(failed(&to))?;
                }
            }
            let path = config.data.join("log/checkpoint");
            keep(disk, &path, &note).map_err(failed(&path))?;
        }
    }
    let evidence = Evidence::new(config.disk.clone(), &config.data, &config.second);
    let tiles = DiskTiles { disk: config.disk.clone(), root: config.data.join("log") };
    let tree = TileTree::new(&tiles, size);
    let mut missing = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        for bytes in tree.entries(bundle).map_err(LogError::from)? {
            if let Ok(Leaf::Manifest(_)) = schemas::canonical::from_canonical(&bytes) {
                let digest = Digest::of(&bytes);
                if evidence.segment_bytes(&digest).is_err() {
                    missing.push(digest);
                }
            }
        }
    }
    Ok(Restored { backup_size: manifest.size, size, missing })
}

/// Gives a registry an empty second place, after the old one was lost: copies statements and log there, and its checkpoint as `highest`.
///
/// From then on that checkpoint is the highest this registry knows of; what was signed above it is known to agents alone.
///
/// # Errors
///
/// The second place is not empty; the local checkpoint does not hold.
pub fn adopt_second_place(config: &Config) -> Result<(), RegistryError> {
    let disk = &*config.disk;
    let highest = config.second.join("highest");
    if disk.read(&highest, MAX_FILE).is_ok() {
        return Err(RegistryError::refused(format!("`{}` is there: this second place is in use", highest.display())));
    }
    let path = config.data.join("log/checkpoint");
    let note = disk.read(&path, MAX_FILE).map_err(failed(&path))?;
    let checkpoint = open_checkpoint(&path, &note, &config.key.vkey())?;
    let tiles = DiskTiles { disk: config.disk.clone(), root: config.data.join("log") };
    let found = TileTree::new(&tiles, checkpoint.size).root().map_err(LogError::from)?;
    if found != checkpoint.root {
        return Err(LogError::ReadBack { size: checkpoint.size, found, expected: checkpoint.root }.into());
    }
    for folder in ["log/tile", "statements"] {
        let mut names = Vec::new();
        walk(disk, &config.data.join(folder), folder, &mut names)?;
        for name in names {
            let from = config.data.join(&name);
            let bytes = disk.read(&from, MAX_FILE).map_err(failed(&from))?;
            let to = config.second.join(&name);
            keep(disk, &to, &bytes).map_err(failed(&to))?;
        }
    }
    keep(disk, &highest, &note).map_err(failed(&highest))
}

/// All tiles and bundles that a log of this size is made of.
fn tiles_of(size: u64) -> Vec<String> {
    let all = |count: u64, path: &dyn Fn(u64, u16) -> String| {
        let (full, rest) = (count / u64::from(FULL_WIDTH), count % u64::from(FULL_WIDTH));
        let rest = u16::try_from(rest).ok().filter(|rest| *rest > 0);
        let full_ones = (0..full).map(|index| path(index, FULL_WIDTH));
        full_ones.chain(rest.map(|width| path(full, width))).collect::<Vec<_>>()
    };
    let mut names = all(size, &entries_path);
    for level in 0..8 {
        names.extend(all(size >> (8 * level), &|index, width| tile_path(level, index, width)));
    }
    names
}

fn walk(disk: &dyn Disk, folder: &Path, name: &str, found: &mut Vec<String>) -> Result<(), RegistryError> {
    for entry in disk.list(folder).map_err(failed(folder))? {
        match entry.strip_suffix('/') {
            Some(below) => walk(disk, &folder.join(below), &format!("{name}/{below}"), found)?,
            None if entry.ends_with(super::storage::TEMPORARY) => {}
            None => found.push(format!("{name}/{entry}")),
        }
    }
    Ok(())
}

fn digest_of_file(path: &Path) -> Result<Digest, RegistryError> {
    use sha2::Digest as _;
    let mut file = std::fs::File::open(path).map_err(failed(path))?;
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = io::Read::read(&mut file, &mut buffer).map_err(failed(path))?;
        match buffer.get(..read) {
            Some(some) if !some.is_empty() => hash.update(some),
            _ => return Ok(Digest(hash.finalize().into())),
        }
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> RegistryError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| RegistryError::Disk { path, source }
}
