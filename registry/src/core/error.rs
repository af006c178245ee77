//! Why can a registry not open, or not do what was asked?

use std::io;
use std::path::PathBuf;

use schemas::Digest;

use super::evidence::EvidenceError;
use super::log::{self, LogError};
use super::store::StoreError;

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
    /// Another registry writes to the second place.
    #[error(
        "`{path}` is in use: another registry runs on this second place. Two with one key would sign two logs; stop the other one, and never start it again"
    )]
    SecondInUse {
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
