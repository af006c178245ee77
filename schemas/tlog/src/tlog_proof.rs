//! Can one file prove that a leaf is in the log? C2SP `tlog-proof.md`, extension `.tlog-proof`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError, decimal};
use crate::hash::{Hash, HashError, leaf_hash};
use crate::key::VerifierKey;
use crate::note::MAX_NOTE_BYTES;
use crate::proof::{ProofError, verify_inclusion};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// An inclusion proof in a tree of fewer than 2^64 leaves has at most this many hashes.
pub const MAX_PROOF_HASHES: usize = 64;

/// Why bytes are no proof file, or the proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// Larger than a note may be, 1 MiB.
    #[error("the proof file has {bytes} bytes, more than the {MAX_NOTE_BYTES} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Proof files are UTF-8.
    #[error("the proof file is not valid UTF-8")]
    NotUtf8,
    /// A line that is not what the format has there.
    #[error("line {line} of the proof file: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A proof line that is no hash.
    #[error("line {line} of the proof file is not a hash")]
    Hash {
        /// Counted from 1.
        line: usize,
        /// Why.
        #[source]
        source: HashError,
    },
    /// The checkpoint in the file is not acceptable.
    #[error("the checkpoint in the proof file is not acceptable")]
    Checkpoint(#[from] CheckpointError),
    /// The leaf is not where the file says.
    #[error("the proof file does not prove that the leaf is in the log")]
    Proof(#[from] ProofError),
}

/// A leaf's index, its inclusion proof and the checkpoint the proof leads to. The leaf itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// The leaf's index in the log, from 0.
    pub index: u64,
    /// Sibling of the leaf first.
    pub proof: Vec<Hash>,
    /// The checkpoint's note, byte for byte, with all signature lines.
    pub checkpoint: String,
    /// Bytes that travel along and are **not** authenticated.
    pub extra: Option<Vec<u8>>,
}

impl LogProof {
    /// Reads a proof file. The checkpoint is taken as it stands; [`LogProof::verify`] looks into it.
    ///
    /// # Errors
    ///
    /// Any [`LogProofError`] about size, lines and hashes. At most 1 MiB and [`MAX_PROOF_HASHES`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LogProofError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(LogProofError::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| LogProofError::NotUtf8)?;
        let bad = |line, why| LogProofError::Line { line, why };
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(bad(1, "there is no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        if lines.next().is_none_or(|(line, _)| line != HEADER) {
            return Err(bad(1, "it is not `c2sp.org/tlog-proof@v1`"));
        }
        let mut extra = None;
        if let Some((line, number)) = lines.peek()
            && let Some(encoded) = line.strip_prefix("extra ")
        {
            let decoded = STANDARD.decode(encoded);
            extra = Some(decoded.map_err(|_| bad(*number, "extra data is not standard base64"))?);
            lines.next();
        }
        let (line, number) = lines.next().ok_or(bad(2, "there is no `index` line"))?;
        let index = line
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or(bad(number, "it is not `index` and a decimal number"))?;
        let mut proof = Vec::new();
        for (line, number) in lines {
            if proof.len() == MAX_PROOF_HASHES {
                return Err(bad(number, "there are more hashes than any proof needs"));
            }
            let hash = line.parse().map_err(|source| LogProofError::Hash { line: number, source })?;
            proof.push(hash);
        }
        Ok(Self { index, proof, checkpoint: checkpoint.to_owned(), extra })
    }

    /// Checks that the leaf with these bytes is in the log whose key this is; gives back the checkpoint that says so.
    ///
    /// Cosignatures are not counted here: parse `checkpoint` as a note and ask [`crate::verify_cosignatures`].
    ///
    /// # Errors
    ///
    /// [`LogProofError::Checkpoint`], [`LogProofError::Proof`]: nothing is proven then.
    pub fn verify(&self, leaf: &[u8], key: &VerifierKey) -> Result<Checkpoint, LogProofError> {
        let (checkpoint, _) = Checkpoint::open(self.checkpoint.as_bytes(), key)?;
        let leaf = leaf_hash(leaf);
        verify_inclusion(self.index, checkpoint.size, &leaf, &self.proof, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl FromStr for LogProof {
    type Err = LogProofError;

    fn from_str(text: &str) -> Result<Self, LogProofError> {
        Self::parse(text.as_bytes())
    }
}

/// Writes the file.
impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.proof {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
