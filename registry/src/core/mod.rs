//! What is received, proven, kept, and made findable? The registry's heart: synchronous, threads and files, no network.
//!
//! [`Registry`] is safe to call from many threads; an async interface calls it through `spawn_blocking`.
//!
//! | module | question |
//! | --- | --- |
//! | `opening` | what must hold before a registry runs on a folder? |
//! | [`storage`], [`crash`] | how do bytes reach the disk, and where may a test cut the power? |
//! | [`evidence`] | where do segments, statements and programs lie? |
//! | [`log`] | how does the log grow, and what does it never sign? |
//! | [`store`] | what do the tables remember? |
//! | [`ingest`] | what is answered to a segment? |
//! | [`follow`], `follower` | what do the tables make of a leaf, and who keeps them up with the log? |
//! | [`erase`] | how is a unit destroyed? |
//! | [`rebuild`], [`backup`] | how is everything made again? |
//! | [`chains`] | which agents' chains have gaps or forks? |
//! | [`check`], [`compare`] | does all of truth still hold together, and do the tables say the same? |
//!
//! Threads: one sequencer ([`log`]), one follower (tables after leaves). Locks, in the order in which they are taken: `still`
//! (statements against backups), `acts` (statements against segments), the agent's own, `following` (tables and segments that are rewritten), `budgets`.

pub mod backup;
pub mod chains;
pub mod check;
pub mod compare;
pub mod crash;
pub mod erase;
mod error;
pub mod evidence;
pub mod follow;
mod follower;
mod history;
pub mod ingest;
pub mod log;
mod opening;
pub mod rebuild;
pub mod statements;
pub mod storage;
pub mod store;
pub mod vantage;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use schemas::policy::History;
use tlog::{Hash, SigningKey, VerifierKey};

pub use error::RegistryError;
use evidence::Evidence;
use log::{Log, LogError, Published};
pub use opening::is_in_use;
use storage::{Disk, DiskTiles, RealDisk};
use store::{Indexer, Sqlite, Store as _, StoreError};

/// First line of `format`.
const FORMAT: &str = "vigie-data 1\n";
/// Space that is left free unless told otherwise: 1 GiB.
pub const MIN_FREE_BYTES: u64 = 1 << 30;
/// How long a segment waits for the index unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

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
    /// How long a segment waits for the index to know what was spent of its day. That may take hours where the index is made again, and who waits holds up
    /// others.
    pub patience: Duration,
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
            patience: PATIENCE,
            disk: Arc::new(RealDisk),
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
    /// Held by a backup, and by whoever takes `acts` for writing, before it: nobody who waits to write may hold up those who read.
    still: Mutex<()>,
    now: RwLock<Now>,
    agents: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    /// Whole segments refused on the newest day, by agent.
    refusals: Mutex<HashMap<String, (String, u32)>>,
    budgets: Arc<ingest::budget::Budgets>,
    fresh: follower::Fresh,
    /// Leaves at the opening: what was spent under them is in the tables once these are complete to here.
    opened: u64,
    /// Held by whoever changes what the tables have followed, or a segment that lies there.
    following: Mutex<()>,
    progress: Mutex<Progress>,
    moved: Condvar,
    /// Of data folder and second place. Let go last, or with the process.
    _locks: (opening::Lock, Option<opening::Lock>),
}

#[derive(Default)]
struct Progress {
    followed: u64,
    closed: bool,
    /// How many wait for the tables.
    awaited: usize,
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
        self.inner.wait_for(size, timeout)
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
    fn now(&self) -> RwLockReadGuard<'_, Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_history(&self, history: History, after: u64) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Now { history: Arc::new(history), after };
    }

    fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.acts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever is signed, destroyed or rewritten waits; segments go on being taken.
    fn standing_still(&self) -> MutexGuard<'_, ()> {
        self.still.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acting(&self) -> (RwLockWriteGuard<'_, ()>, MutexGuard<'_, ()>) {
        let still = self.standing_still();
        (self.acts.write().unwrap_or_else(PoisonError::into_inner), still)
    }

    fn following(&self) -> MutexGuard<'_, ()> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
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
}
