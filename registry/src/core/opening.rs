//! What must hold before a registry runs on a data folder, and what does it finish or drop of what was begun?

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, RwLock};

use jiff::Timestamp;
use schemas::Digest;

use super::evidence::Evidence;
use super::follower::Fresh;
use super::log::{Log, LogError};
use super::storage::{Disk, keep, sweep};
use super::store::{LeafKind, Sqlite, Store};
use super::{Config, FORMAT, Inner, Now, Progress, RegistryError, compare, history};

impl Inner {
    pub(super) fn open(config: Config) -> Result<Self, RegistryError> {
        let disk = Arc::clone(&config.disk);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| RegistryError::Disk { path, source }
        };
        std::fs::create_dir_all(&config.data).map_err(failed(&config.data))?;
        // Before anything is made, in the second place too, that its owner could not open any more.
        check_owner(&config.data)?;
        disk.create_dirs(&config.data).map_err(failed(&config.data))?;
        disk.create_dirs(&config.second).map_err(failed(&config.second))?;
        let locks = (lock(&config.data)?, lock_second(&config.second)?);
        check_format(&*disk, &config.data)?;
        for place in [&config.data, &config.second] {
            sweep(&*disk, place).map_err(failed(place))?;
        }
        let left = config.data.join(compare::FOLDER);
        compare::forget(&left).map_err(failed(&left))?;
        let store = Arc::new(Sqlite::open(&config.data, Arc::clone(&config.indexer))?);
        let evidence = Evidence::new(Arc::clone(&disk), &config.data, &config.second);
        // Leaves that wait for their checkpoint stand in the database alone, and opening the log signs them: whatever they say must hold before.
        history::before(&*store, &evidence, u64::MAX)?;
        check_refusals(&*store)?;
        let as_store: Arc<dyn Store> = store.clone();
        let log =
            Log::open(disk, as_store, Arc::clone(&config.clock), config.key.clone(), &config.data, &config.second)?;
        evidence.copy_statements()?;
        drop_orphans(&*store, &evidence, (config.clock)())?;
        let history = history::before(&*store, &evidence, u64::MAX)?;
        if let Some(root) = history.root() {
            let named = root.log_verifier()?;
            if named != log.vkey() {
                return Err(RegistryError::OtherKey { given: log.vkey().to_string(), named: named.to_string() });
            }
        }
        let after = newest_statement(&*store)?;
        let opened = log.published().size;
        let followed = store.followed()?;
        let inner = Self {
            config,
            store,
            evidence,
            log,
            acts: RwLock::new(()),
            still: Mutex::default(),
            now: RwLock::new(Now { history: Arc::new(history), after }),
            agents: Mutex::default(),
            refusals: Mutex::default(),
            budgets: Arc::default(),
            fresh: Fresh::default(),
            opened,
            following: Mutex::default(),
            progress: Mutex::new(Progress { followed, ..Progress::default() }),
            moved: Condvar::new(),
            _locks: locks,
        };
        if followed > opened || !inner.store.is_followed()? {
            tracing::warn!("the index has followed a longer log than this one, or another: it is made again");
            inner.store.clear_derived()?;
            inner.refill(opened)?;
            inner.progress().followed = 0;
        }
        Ok(inner)
    }
}

fn check_owner(data: &Path) -> Result<(), RegistryError> {
    use std::os::unix::fs::MetadataExt as _;
    let me = rustix::process::geteuid().as_raw();
    let owner = std::fs::metadata(data).map_err(|source| RegistryError::Disk { path: data.to_owned(), source })?.uid();
    if owner == me { Ok(()) } else { Err(RegistryError::OtherOwner { path: data.to_owned(), owner, me }) }
}

/// Name of the file that is locked, below the data folder.
pub(super) const LOCK: &str = "lock";

/// A data folder that nobody else works on meanwhile.
pub(super) struct Lock(File);

#[cfg(test)]
impl Lock {
    /// As a program has it that was just started.
    pub(super) fn copy(&self) -> io::Result<File> {
        self.0.try_clone()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do: a program that another thread is just starting holds a copy of the file until it has begun.
        let _ = self.0.unlock();
    }
}

/// Takes the lock of a data folder.
pub(super) fn lock(data: &Path) -> Result<Lock, RegistryError> {
    let path = data.join(LOCK);
    let failed = |source| RegistryError::Disk { path: path.clone(), source };
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(RegistryError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether a registry runs on a data folder now.
#[must_use]
pub fn is_in_use(data: &Path) -> bool {
    matches!(lock(data), Err(RegistryError::InUse { .. }))
}

/// Takes the lock of a second place: who reads its checkpoint and writes the next one must be alone. None where that file system knows no locks; the checkpoint
/// is compared before each that is signed, there as everywhere.
pub(super) fn lock_second(second: &Path) -> Result<Option<Lock>, RegistryError> {
    let path = second.join(LOCK);
    let failed = |source| RegistryError::Disk { path: path.clone(), source };
    std::fs::create_dir_all(second).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Err(RegistryError::SecondInUse { path }),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "`{}` can't be locked: see that no other registry uses this second place", path.display());
            Ok(None)
        }
    }
}

fn check_format(disk: &dyn Disk, data: &Path) -> Result<(), RegistryError> {
    let path = data.join("format");
    match disk.read(&path, 1024) {
        Ok(found) if found == FORMAT.as_bytes() => Ok(()),
        Ok(found) => {
            let found = String::from_utf8_lossy(&found).lines().next().unwrap_or_default().chars().take(80).collect();
            Err(RegistryError::Format { path, found })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            keep(disk, &path, FORMAT.as_bytes()).map_err(|source| RegistryError::Disk { path, source })
        }
        Err(source) => Err(RegistryError::Disk { path, source }),
    }
}

/// A refusal of units stands right after its segment's leaf. Anywhere else it would do away with evidence that was taken in, without anybody's signature.
fn check_refusals(store: &dyn Store) -> Result<(), RegistryError> {
    use schemas::leaf::{Act, Leaf};
    for leaf in store.of_kind(LeafKind::Refusal)? {
        let Ok(Leaf::Act(Act::Refusal { manifest, units, .. })) = leaf.leaf() else {
            return Err(LogError::Row { index: leaf.index }.into());
        };
        let before = match leaf.index.checked_sub(1) {
            Some(index) if !units.is_empty() => store.leaves(index, 1)?,
            _ => continue,
        };
        let of_segment = before
            .first()
            .is_some_and(|row| row.kind == LeafKind::Manifest && row.digest == manifest && row.index + 1 == leaf.index);
        if !of_segment {
            return Err(LogError::Row { index: leaf.index }.into());
        }
    }
    Ok(())
}

pub(super) fn newest_statement(store: &dyn Store) -> Result<u64, RegistryError> {
    let newest =
        |kind| -> Result<u64, RegistryError> { Ok(store.of_kind(kind)?.last().map_or(0, |leaf| leaf.index + 1)) };
    Ok(newest(LeafKind::Statement)?.max(newest(LeafKind::Erasure)?))
}

/// Removes segments and statements without a leaf: nobody was told that they are kept. Raises an alarm for leaves without a file.
fn drop_orphans(store: &dyn Store, evidence: &Evidence, now: Timestamp) -> Result<(), RegistryError> {
    let logged: HashSet<Digest> = store.of_kind(LeafKind::Manifest)?.into_iter().map(|leaf| leaf.digest).collect();
    let there: HashSet<Digest> = evidence.segments()?.into_iter().collect();
    for orphan in there.difference(&logged) {
        tracing::info!(segment = %orphan, "a segment without a leaf is dropped; its agent still has it");
        evidence.drop_segment(orphan)?;
    }
    for missing in logged.difference(&there) {
        store.raise(
            now,
            "missing_segment",
            &format!("segment {missing} is in the log, its file is not on the disk; restore it from a backup"),
        )?;
    }
    let mut announced: HashSet<Digest> =
        store.of_kind(LeafKind::Statement)?.into_iter().map(|leaf| leaf.digest).collect();
    for leaf in store.of_kind(LeafKind::Erasure)? {
        if let Ok(schemas::leaf::Leaf::Act(schemas::leaf::Act::Erasure { statement, .. })) = leaf.leaf() {
            announced.insert(statement);
        }
    }
    for orphan in evidence.statements()? {
        if !announced.contains(&orphan) {
            evidence.drop_statement(&orphan)?;
        }
    }
    Ok(())
}
