//! How does the log grow, and what does it never do?
//!
//! One thread, the sequencer, gives out indices. Leaves become rows (durable), then entry bundles and tiles in both places at once, are read back and
//! rehashed, and the root found in the tiles is compared with one computed apart. Only then is a checkpoint signed, by compare-and-swap
//! against the highest ever signed, which the *second place* holds, locked against other registries where its file system can; only after that is
//! anybody answered. Whoever asks at the same time shares one checkpoint.
//!
//! Never signed: a smaller tree than the highest, or another of the same size. A log whose second place knows more than it does, or something else,
//! does not open.

mod files;
mod sequencer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use schemas::leaf::Leaf;
use tlog::{Checkpoint, CompactTree, Hash, SigningKey, TileError, TileTree, VerifierKey};

use super::Clock;
use super::storage::{Disk, DiskTiles};
use super::store::{LeafRow, ReceiptRow, Store, StoreError};

/// Why the log can't open, grow or answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The disk.
    #[error("`{path}` could not be read or written")]
    Disk {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Tiles or bundles.
    #[error("the log's files are not what they should be")]
    Tiles(#[from] TileError),
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A checkpoint that this log's key did not sign, or that can't be read.
    #[error("`{path}` is no checkpoint of `{origin}`: {why}")]
    Checkpoint {
        /// Which file.
        path: PathBuf,
        /// Name of the log.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// The second place has seen a larger tree.
    #[error(
        "the second place holds a checkpoint of {highest} leaves, the log on this disk has {local}: it was rolled back; nothing is signed. Run `vigie restore` with the newest backup and the second place"
    )]
    RolledBack {
        /// Leaves here.
        local: u64,
        /// Leaves there.
        highest: u64,
    },
    /// The second place has seen another tree of that size.
    #[error(
        "the tree of {size} leaves on this disk has root {local}, the second place holds a signed checkpoint of that size with root {highest}: these are two logs; nothing is signed"
    )]
    Inconsistent {
        /// Size.
        size: u64,
        /// Root here.
        local: Hash,
        /// Root there.
        highest: Hash,
    },
    /// The second place is empty although the log is not.
    #[error(
        "the second place `{path}` holds no `highest`, but this log has signed {local} leaves; mount the right folder, or run `vigie second-place adopt` if it is lost"
    )]
    NoHighest {
        /// The second place.
        path: PathBuf,
        /// Leaves here.
        local: u64,
    },
    /// Somebody else wrote `highest` while we ran.
    #[error(
        "somebody else changed `{path}`: two registries use one second place; nothing more is signed until this one is started again"
    )]
    Contended {
        /// The file.
        path: PathBuf,
    },
    /// The tree read back is not the tree meant.
    #[error(
        "the tiles give root {found} for {size} leaves, the leaves give {expected}: the disk changed them; nothing is signed"
    )]
    ReadBack {
        /// Leaves.
        size: u64,
        /// From the tiles.
        found: Hash,
        /// From the leaves.
        expected: Hash,
    },
    /// A row of the tables is not what the bundles hold.
    #[error("leaf {index} in the database is not the one in the log; run `vigie rebuild`")]
    Row {
        /// Index.
        index: u64,
    },
    /// A leaf that can't be written.
    #[error("a leaf can't be written: {why}")]
    Leaf {
        /// Why.
        why: String,
    },
    /// No such leaf, or sizes in the wrong order.
    #[error("the log has {size} leaves; {asked} is beyond")]
    Beyond {
        /// Leaves.
        size: u64,
        /// What was asked for.
        asked: u64,
    },
    /// What had to be kept before the leaf could not be kept.
    #[error("{why}")]
    Prepare {
        /// Why, in words.
        why: String,
        /// True if the disk was full.
        full: bool,
    },
    /// The sequencer ended.
    #[error("the log is closed")]
    Closed,
    /// An earlier error that others were waiting on as well.
    #[error("the log could not grow: {why}")]
    Shared {
        /// The error in words.
        why: String,
        /// True if the disk was full.
        full: bool,
    },
}

impl LogError {
    /// True if the disk was full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk { source, .. } => is_full(source),
            Self::Store(error) => error.is_full(),
            Self::Prepare { full, .. } | Self::Shared { full, .. } => *full,
            _ => false,
        }
    }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What must be durable before a leaf may be, given its index.
pub type Prepare = Box<dyn FnOnce(u64) -> Result<(), LogError> + Send>;
/// The receipts to keep together with the leaves, given the index of the first.
pub type Receipts = Box<dyn FnOnce(u64) -> Vec<ReceiptRow> + Send>;

/// Leaves that go in together, one after the other.
pub struct Addition {
    /// At least one.
    pub leaves: Vec<Leaf>,
    /// Runs on the sequencer's thread: keep it short, others wait.
    pub prepare: Option<Prepare>,
    /// Receipts.
    pub receipts: Option<Receipts>,
}

/// The newest checkpoint and what is needed to go on.
#[derive(Debug, Clone)]
pub struct Published {
    /// Leaves it covers.
    pub size: u64,
    /// Root.
    pub root: Hash,
    /// The signed note; empty before the first.
    pub note: String,
    tree: CompactTree,
}

struct Job {
    addition: Addition,
    done: Sender<Result<u64, LogError>>,
}

pub(crate) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub key: SigningKey,
    /// `log/` of the data folder.
    pub local: PathBuf,
    /// The second place.
    pub second: PathBuf,
    pub published: RwLock<Published>,
}

/// Leaves on their way into the log.
#[must_use]
pub struct Pending(Receiver<Result<u64, LogError>>);

impl Pending {
    /// Waits until a checkpoint covers them. Returns the index of the first.
    ///
    /// # Errors
    ///
    /// As [`Log::add`].
    pub fn wait(self) -> Result<u64, LogError> {
        self.0.recv().map_err(|_| LogError::Closed)?
    }
}

/// The log of one data folder.
pub struct Log {
    shared: Arc<Shared>,
    queue: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log, finishes leaves that were accepted but not yet covered by a checkpoint, and starts the sequencer.
    ///
    /// # Errors
    ///
    /// Any [`LogError`] about the second place: nothing was signed then.
    pub fn open(
        disk: Arc<dyn Disk>,
        store: Arc<dyn Store>,
        clock: Clock,
        key: SigningKey,
        data: &Path,
        second: &Path,
    ) -> Result<Self, LogError> {
        let local = data.join("log");
        let shared = Shared {
            disk,
            store,
            clock,
            key,
            local,
            second: second.to_owned(),
            published: RwLock::new(Published {
                size: 0,
                root: tlog::EMPTY_ROOT,
                note: String::new(),
                tree: CompactTree::new(),
            }),
        };
        shared.start()?;
        let shared = Arc::new(shared);
        let (queue, jobs) = channel();
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("sequencer".to_owned()).spawn(move || sequencer::run(&shared, &jobs))
        };
        let thread = thread.map_err(|source| LogError::Disk { path: data.to_owned(), source })?;
        Ok(Self { shared, queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Adds leaves and waits until a checkpoint covers them. Returns the index of the first.
    ///
    /// # Errors
    ///
    /// [`LogError`]. After an error the leaves may be in the log nevertheless, and will be covered by a later checkpoint: whoever asks
    /// again looks for them first.
    pub fn add(&self, addition: Addition) -> Result<u64, LogError> {
        self.begin(addition)?.wait()
    }

    /// [`Log::add`] for who has something to do while the disk is waited for.
    ///
    /// # Errors
    ///
    /// [`LogError::Closed`].
    pub fn begin(&self, addition: Addition) -> Result<Pending, LogError> {
        let (done, answer) = channel();
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let queue = queue.as_ref().ok_or(LogError::Closed)?;
            queue.send(Job { addition, done }).map_err(|_| LogError::Closed)?;
        }
        Ok(Pending(answer))
    }

    /// Waits until a checkpoint covers all leaves that are in the tables.
    ///
    /// # Errors
    ///
    /// [`LogError`].
    pub fn settle(&self) -> Result<(), LogError> {
        self.add(Addition { leaves: Vec::new(), prepare: None, receipts: None }).map(drop)
    }

    /// The newest checkpoint.
    #[must_use]
    pub fn published(&self) -> Published {
        self.shared.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Root of the first `size` leaves.
    ///
    /// # Errors
    ///
    /// [`LogError::Beyond`]; errors of reading.
    pub fn root_at(&self, size: u64) -> Result<Hash, LogError> {
        self.bounded(size)?;
        Ok(TileTree::new(&self.shared.tiles(), size).root()?)
    }

    /// Consistency proof between two sizes of this log; empty for `from == 0` and for equal sizes.
    ///
    /// # Errors
    ///
    /// [`LogError::Beyond`]; `from` beyond `to`; errors of reading.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, LogError> {
        self.bounded(to)?;
        Ok(TileTree::new(&self.shared.tiles(), to).consistency_proof(from)?)
    }

    /// Inclusion proof of a leaf in the tree of `size` leaves.
    ///
    /// # Errors
    ///
    /// [`LogError::Beyond`]; errors of reading.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        self.bounded(size)?;
        Ok(TileTree::new(&self.shared.tiles(), size).inclusion_proof(index)?)
    }

    /// Bytes of a leaf, out of its bundle, compared with its hash in the tiles.
    ///
    /// # Errors
    ///
    /// [`LogError::Beyond`]; errors of reading.
    pub fn leaf(&self, index: u64) -> Result<Vec<u8>, LogError> {
        let size = self.published().size;
        if index >= size {
            return Err(LogError::Beyond { size, asked: index });
        }
        Ok(TileTree::new(&self.shared.tiles(), size).entry(index)?)
    }

    /// The log's files as other people's tools read them.
    #[must_use]
    pub fn tiles(&self) -> DiskTiles {
        self.shared.tiles()
    }

    /// The log's public key.
    #[must_use]
    pub fn vkey(&self) -> VerifierKey {
        self.shared.key.vkey()
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.shared.key
    }

    /// Reads every bundle and tile again and compares all of them with the newest checkpoint, and every row with its bundle.
    ///
    /// # Errors
    ///
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), LogError> {
        let published = self.published();
        let tiles = self.shared.tiles();
        let tree = TileTree::new(&tiles, published.size);
        tree.check_growth(0)?;
        let found = tree.root()?;
        if found != published.root {
            return Err(LogError::ReadBack { size: published.size, found, expected: published.root });
        }
        self.shared.compare_rows(0, published.size)
    }

    fn bounded(&self, size: u64) -> Result<(), LogError> {
        let known = self.published().size;
        if size > known {
            return Err(LogError::Beyond { size: known, asked: size });
        }
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Closing the queue ends the sequencer after what it is at.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

/// Reads rows of leaves out of bundles.
pub(crate) fn row(index: u64, bytes: &[u8]) -> Result<LeafRow, LogError> {
    LeafRow::read(index, bytes).map_err(|why| LogError::Leaf { why })
}

/// Opens a checkpoint note.
pub(crate) fn open_checkpoint(path: &Path, bytes: &[u8], key: &VerifierKey) -> Result<Checkpoint, LogError> {
    match Checkpoint::open(bytes, key) {
        Ok((checkpoint, _)) => Ok(checkpoint),
        Err(error) => {
            Err(LogError::Checkpoint { path: path.to_owned(), origin: key.name().to_owned(), why: chain(&error) })
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
