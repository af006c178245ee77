//! What is received, proven, kept, and made findable? The registry's heart: synchronous, threads and files, no network.
//!
//! [`Registry`] is safe to call from many threads; an async interface calls it through `spawn_blocking`.
//!
//! | module | question |
//! | --- | --- |
//! | [`storage`], [`crash`] | how do bytes reach the disk, and where may a test cut the power? |
//! | [`evidence`] | where do segments, statements and programs lie? |
//! | [`log`] | how does the log grow, and what does it never sign? |
//! | [`store`] | what do the tables remember? |
//! | [`ingest`] | what is answered to a segment? |
//! | [`follow`] | what do the tables make of a leaf? |
//! | [`erase`] | how is a unit destroyed? |
//! | [`rebuild`], [`backup`] | how is everything made again? |
//! | [`chains`] | which agents' chains have gaps or forks? |
//! | [`check`], [`compare`] | does all of truth still hold together, and do the tables say the same? |
//!
//! Threads: one sequencer ([`log`]), one follower (tables after leaves). Locks, in the order in which they are taken: `acts` (statements
//! against segments), the agent's own, `budgets`.

pub mod backup;
pub mod chains;
pub mod check;
pub mod compare;
pub mod crash;
pub mod erase;
pub mod evidence;
pub mod follow;
mod history;
pub mod ingest;
pub mod log;
pub mod rebuild;
pub mod statements;
pub mod storage;
pub mod store;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use schemas::Digest;
use schemas::policy::History;
use tlog::{Hash, SigningKey, VerifierKey};

use evidence::{Evidence, EvidenceError};
use log::{Log, LogError, Published};
use storage::{Disk, DiskTiles, RealDisk, keep, sweep};
use store::{Indexer, LeafKind, LeafRow, Sqlite, Store, StoreError};

/// First line of `format`.
const FORMAT: &str = "vigie-data 1\n";
/// How long the follower waits before it tries again what the disk refused.
const RETRY: Duration = Duration::from_secs(5);
/// Space that is left free unless told otherwise: 1 GiB.
pub const MIN_FREE_BYTES: u64 = 1 << 30;

/// The time now. Given from outside so that tests can set it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a registry needs to open.
#[derive(Clone)]
pub struct Config {
    /// The data folder; made if it is not there. Never holds the key.
    pub data: PathBuf,
    /// The second place: another folder, best on another disk.
    pub second: PathBuf,
    /// The log's private key.
    pub key: SigningKey,
    /// The clock.
    pub clock: Clock,
    /// Text search.
    pub indexer: Arc<dyn Indexer>,
    /// Segments are refused for the time being when less than this is free where the data folder or the second place lies.
    pub min_free_bytes: u64,
    /// Where truth is written.
    pub disk: Arc<dyn Disk>,
}

impl Config {
    /// On the operating system's files and clock.
    #[must_use]
    pub fn new(
        data: impl Into<PathBuf>,
        second: impl Into<PathBuf>,
        key: SigningKey,
        indexer: Arc<dyn Indexer>,
    ) -> Self {
        Self {
            data: data.into(),
            second: second.into(),
            key,
            clock: Arc::new(Timestamp::now),
            indexer,
            min_free_bytes: MIN_FREE_BYTES,
            disk: Arc::new(RealDisk),
        }
    }
}

/// Why the registry can't open or do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A file or folder.
    #[error("`{path}` could not be read or written")]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another format, or no data folder.
    #[error("`{path}` is not a data folder of this release: its first line is `{found}`, `vigie-data 1` is expected")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// Somebody has it open.
    #[error("`{path}` is in use by another process; one registry runs on a data folder")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The key of another log.
    #[error("the key given is `{given}`, the trust root in the log names `{named}`")]
    OtherKey {
        /// Key given.
        given: String,
        /// Key named.
        named: String,
    },
    /// The folder is another user's, so what is written now could not be read by whoever serves it.
    #[error("`{}` belongs to user {owner}, and you are user {me}; do this as its owner, on a machine with the package: `runuser -u vigie -- vigie …`", path.display())]
    OtherOwner {
        /// Data folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Number of the user this process runs as.
        me: u32,
    },
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Segments, statements, programs.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A statement in the log that does not hold.
    #[error("statement {digest} of leaf {index} does not hold: {why}")]
    Statement {
        /// Digest.
        digest: Digest,
        /// Leaf.
        index: u64,
        /// Why.
        why: String,
    },
    /// A leaf that this release can't read.
    #[error("the log holds a leaf that this release can't read: {why}")]
    Leaf {
        /// Why.
        why: String,
    },
    /// A statement that may not stand.
    #[error(transparent)]
    Policy(#[from] schemas::policy::PolicyError),
    /// Something asked for that is not there, or not now.
    #[error("{why}")]
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

impl RegistryError {
    pub(crate) fn leaf(why: String) -> Self {
        Self::Leaf { why }
    }

    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into() }
    }

    /// True if the disk was full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk { source, .. } | Self::Evidence(EvidenceError::Disk { source, .. }) => log::is_full(source),
            Self::Log(error) => error.is_full(),
            Self::Store(error) => error.is_full(),
            _ => false,
        }
    }
}

/// Statements as they stand now.
struct Now {
    history: Arc<History>,
    /// Index of the newest statement's leaf plus one.
    after: u64,
}

struct Inner {
    config: Config,
    store: Arc<Sqlite>,
    evidence: Evidence,
    log: Log,
    /// Held for reading while a segment is judged and logged, for writing while a statement is: so a segment's leaf lies after exactly the
    /// statements it was judged by.
    acts: RwLock<()>,
    now: RwLock<Now>,
    agents: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    /// Whole segments refused on the newest day, by agent.
    refusals: Mutex<HashMap<String, (String, u32)>>,
    budgets: Arc<ingest::Budgets>,
    progress: Mutex<Progress>,
    moved: Condvar,
    /// Released with the process.
    _lock: Option<File>,
}

#[derive(Default)]
struct Progress {
    followed: u64,
    closed: bool,
    trouble: Option<String>,
}

/// One registry on one data folder.
pub struct Registry {
    inner: Arc<Inner>,
    follower: Option<JoinHandle<()>>,
}

impl Registry {
    /// Opens a data folder, or makes one; finishes what was begun and drops what nobody was told about; starts its threads.
    ///
    /// # Errors
    ///
    /// [`RegistryError`]; among them every reason why a log must not be signed any more ([`LogError::RolledBack`] and its neighbours).
    pub fn open(config: Config) -> Result<Self, RegistryError> {
        let inner = Arc::new(Inner::open(config)?);
        inner.finish_erasures()?;
        let follower = {
            let inner = Arc::clone(&inner);
            std::thread::Builder::new().name("follower".to_owned()).spawn(move || inner.follow())
        };
        let follower = follower.map_err(|source| RegistryError::Disk { path: inner.config.data.clone(), source })?;
        Ok(Self { inner, follower: Some(follower) })
    }

    /// The newest checkpoint, as a signed note; empty before the first leaf.
    #[must_use]
    pub fn checkpoint(&self) -> Published {
        self.inner.log.published()
    }

    /// Consistency proof between two sizes; empty for `from == 0` and for equal sizes.
    ///
    /// # Errors
    ///
    /// Sizes beyond the log or in the wrong order.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, RegistryError> {
        Ok(self.inner.log.consistency(from, to)?)
    }

    /// Inclusion proof of a leaf in the tree of `size` leaves.
    ///
    /// # Errors
    ///
    /// An index or size beyond the log.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, RegistryError> {
        Ok(self.inner.log.inclusion(index, size)?)
    }

    /// Bytes of a leaf, as the bundles hold them.
    ///
    /// # Errors
    ///
    /// An index beyond the log; a damaged bundle.
    pub fn leaf(&self, index: u64) -> Result<Vec<u8>, RegistryError> {
        Ok(self.inner.log.leaf(index)?)
    }

    /// The log's files, for handing out tiles.
    #[must_use]
    pub fn tiles(&self) -> DiskTiles {
        self.inner.log.tiles()
    }

    /// The log's public key.
    #[must_use]
    pub fn log_key(&self) -> VerifierKey {
        self.inner.log.vkey()
    }

    /// The tables.
    #[must_use]
    pub fn store(&self) -> &Sqlite {
        &self.inner.store
    }

    /// Segments, statements, programs.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.inner.evidence
    }

    /// The statements of the log as they stand now.
    #[must_use]
    pub fn history(&self) -> Arc<History> {
        Arc::clone(&self.inner.now().history)
    }

    /// The clock the registry was given.
    #[must_use]
    pub fn clock(&self) -> Timestamp {
        (self.inner.config.clock)()
    }

    /// Log size up to which the tables are complete.
    #[must_use]
    pub fn followed(&self) -> u64 {
        self.inner.progress().followed
    }

    /// Why the tables do not follow, if they do not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.inner.progress().trouble.clone()
    }

    /// Goes the way of a segment through the thread that gives out indices and through a write transaction, adding nothing. Does not come back
    /// where one of them hangs.
    ///
    /// # Errors
    ///
    /// Why nothing can be added now.
    pub fn try_log(&self) -> Result<(), RegistryError> {
        Ok(self.inner.log.settle()?)
    }

    /// Waits until the tables are complete to `size`; false if they are not after `timeout`.
    #[must_use]
    pub fn wait_followed(&self, size: u64, timeout: Duration) -> bool {
        let progress = self.inner.progress();
        let behind = |progress: &mut Progress| progress.followed < size && !progress.closed;
        let (progress, _) =
            self.inner.moved.wait_timeout_while(progress, timeout, behind).unwrap_or_else(PoisonError::into_inner);
        progress.followed >= size
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.inner.progress().closed = true;
        self.inner.moved.notify_all();
        if let Some(follower) = self.follower.take() {
            let _ = follower.join();
        }
    }
}

impl Inner {
    fn open(config: Config) -> Result<Self, RegistryError> {
        let disk = Arc::clone(&config.disk);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| RegistryError::Disk { path, source }
        };
        std::fs::create_dir_all(&config.data).map_err(failed(&config.data))?;
        disk.create_dirs(&config.data).map_err(failed(&config.data))?;
        disk.create_dirs(&config.second).map_err(failed(&config.second))?;
        let lock = lock(&config.data)?;
        check_owner(&config.data)?;
        check_format(&*disk, &config.data)?;
        for place in [&config.data, &config.second] {
            sweep(&*disk, place).map_err(failed(place))?;
        }
        let left = config.data.join(compare::FOLDER);
        compare::forget(&left).map_err(failed(&left))?;
        let store = Arc::new(Sqlite::open(&config.data.join("registry.sqlite"), Arc::clone(&config.indexer))?);
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
        let followed = store.followed()?;
        Ok(Self {
            config,
            store,
            evidence,
            log,
            acts: RwLock::new(()),
            now: RwLock::new(Now { history: Arc::new(history), after }),
            agents: Mutex::default(),
            refusals: Mutex::default(),
            budgets: Arc::default(),
            progress: Mutex::new(Progress { followed, ..Progress::default() }),
            moved: Condvar::new(),
            _lock: lock,
        })
    }

    fn now(&self) -> RwLockReadGuard<'_, Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_history(&self, history: History, after: u64) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Now { history: Arc::new(history), after };
    }

    fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.acts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn acting(&self) -> RwLockWriteGuard<'_, ()> {
        self.acts.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> Timestamp {
        (self.config.clock)()
    }

    fn raise(&self, code: &str, detail: &str) {
        tracing::error!(code, "{detail}");
        if let Err(error) = self.store.raise(self.clock(), code, detail) {
            tracing::error!(%error, "an alarm could not be kept: {detail}");
        }
    }

    fn point(&self, name: &'static str) -> Result<(), RegistryError> {
        self.config.disk.point(name).map_err(|source| RegistryError::Disk { path: self.config.data.clone(), source })
    }

    /// The statements before a leaf.
    fn past(&self, index: u64) -> Result<Arc<History>, RegistryError> {
        {
            let now = self.now();
            if index >= now.after {
                return Ok(Arc::clone(&now.history));
            }
        }
        Ok(Arc::new(history::before(&*self.store, &self.evidence, index)?))
    }

    /// Follows the log until the registry closes.
    fn follow(&self) {
        loop {
            let progress = self.progress();
            if progress.closed {
                return;
            }
            // Asked with the lock held: a checkpoint that comes later wakes the wait below.
            if progress.followed >= self.log.published().size {
                drop(self.moved.wait_timeout(progress, RETRY).unwrap_or_else(PoisonError::into_inner));
                continue;
            }
            let next = progress.followed;
            drop(progress);
            match self.follow_one(next) {
                Ok(()) => {
                    let mut progress = self.progress();
                    progress.followed = next + 1;
                    progress.trouble = None;
                    drop(progress);
                    self.moved.notify_all();
                }
                Err(error) => {
                    let why = log::chain(&error);
                    tracing::error!(leaf = next, %why, "the index stands still at leaf {next}: {why}");
                    let mut progress = self.progress();
                    progress.trouble = Some(why);
                    if !progress.closed {
                        drop(self.moved.wait_timeout(progress, RETRY).unwrap_or_else(PoisonError::into_inner));
                    }
                }
            }
        }
    }

    fn follow_one(&self, index: u64) -> Result<(), RegistryError> {
        let rows = self.store.leaves(index, 1)?;
        let row: &LeafRow = rows.first().ok_or_else(|| RegistryError::leaf(format!("leaf {index} has no row")))?;
        if row.kind == LeafKind::Erasure {
            // Files first: what the tables are made of must not hold the units any more.
            self.destroy(row)?;
        }
        let leaf = row.leaf().map_err(RegistryError::leaf)?;
        let change = follow::change(&*self.store, &self.evidence, &|index| self.past(index), index, &leaf)?;
        let finder = follow::Finder::new(&self.evidence);
        self.store.apply(index, &change, &|manifest, unit| finder.find(manifest, unit))?;
        Ok(())
    }

    /// Lets the follower look again.
    fn wake(&self) {
        // Taking the lock orders this after a follower that is about to wait.
        drop(self.progress());
        self.moved.notify_all();
    }

    fn wait(&self, size: u64) -> Result<(), RegistryError> {
        self.wake();
        let mut progress = self.progress();
        while progress.followed < size {
            if let Some(why) = &progress.trouble {
                return Err(RegistryError::refused(format!("the index does not follow the log: {why}")));
            }
            if progress.closed {
                return Err(LogError::Closed.into());
            }
            progress = self.moved.wait_timeout(progress, RETRY).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

fn check_owner(data: &Path) -> Result<(), RegistryError> {
    use std::os::unix::fs::MetadataExt as _;
    let me = rustix::process::geteuid().as_raw();
    let owner = std::fs::metadata(data).map_err(|source| RegistryError::Disk { path: data.to_owned(), source })?.uid();
    if owner == me { Ok(()) } else { Err(RegistryError::OtherOwner { path: data.to_owned(), owner, me }) }
}

fn lock(data: &Path) -> Result<Option<File>, RegistryError> {
    let path = data.join("lock");
    let failed = |source| RegistryError::Disk { path: path.clone(), source };
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(RegistryError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
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

fn newest_statement(store: &dyn Store) -> Result<u64, RegistryError> {
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
