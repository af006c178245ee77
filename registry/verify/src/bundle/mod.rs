//! What is a reviewer handed for one record? A `.vigie-bundle`: one file with everything that proves it, and nothing to fetch.
//!
//! # Format, version 1
//!
//! A plain tar file (POSIX ustar, not compressed), so that anybody can open it without us: `tar xf NAME.vigie-bundle`. It holds units
//! of one segment. Names ascend; modes are 644, owners 0, times 0; the one spelling that [`Bundle::write`] gives is the only one
//! [`Bundle::read`] takes, so a changed bit anywhere is refused or named. Which units were asked for is a question and not a claim: nobody signs it.
//!
//! | member | what |
//! |---|---|
//! | `README.txt` | how to check it by hand; the same text in every bundle of this version |
//! | `about.json` | [`About`], RFC 8785: format, version, manifest digest, unit numbers asked for |
//! | `checkpoint` | the log's checkpoint, a signed note, that all proofs lead to |
//! | `manifest.note` | the segment's manifest as the agent signed it |
//! | `units/<n>.warc` | a WARC record as stored, uncompressed, CRLF CRLF included |
//! | `units/<n>.json` | a line of a conversion as stored, salt included, without line feed |
//! | `units/<n>.tombstone` | what stands in the place of a unit that is gone: [`Tombstone`], RFC 8785 |
//! | `units/<n>.proof` | inclusion proof in the segment's own tree: hashes in base64, one a line, sibling of the leaf first |
//! | `leaves/<i>.json` | bytes of log leaf i |
//! | `leaves/<i>.tlog-proof` | its proof, C2SP tlog-proof, with the checkpoint above |
//! | `statements/<digest>.note` | signed statements, named by the digest of their text |
//! | `later/checkpoint`, `later/consistency` | optional: a newer checkpoint and the consistency proof to it, hashes as above |
//!
//! SHA-256 of a unit file is its commitment. `README.txt` says the rest in ten lines.
//!
//! # What is in it
//!
//! For each unit asked for: the unit; for a line also the header and end lines of its conversion; the exchange it belongs to with request and
//! response, and so on along redirects and follow-ups within the segment; the robots copy the decision rests on; start, run and commit
//! records. Of the log: the manifest's leaf, the newest leaf (it dates the checkpoint), leaves of refusals and erasures of these units, and leaves
//! and statements of all trust roots, of the agent's enrolment and revocation, of erasures named, and of every permission and
//! approval that was the newest when the run's policy was issued or when it was captured.
//!
//! Sizes are bounded: [`MAX_BUNDLE_BYTES`] as a whole, and each part by its own reader.
//!
//! [`Tombstone`]: schemas::capture::Tombstone

mod file;
mod make;
mod tar;

pub use file::{About, README};
pub use make::LogFacts;
pub(crate) use make::{MAX_NOTE_FILE, read_file, segment_name, statement_file};

use std::collections::BTreeMap;

use schemas::{Digest, capture::Tombstone};
use tlog::Hash;

/// Largest bundle: a whole segment, uncompressed, with its proofs.
pub const MAX_BUNDLE_BYTES: usize = 160 << 20;

/// Why there is no bundle, or bytes are none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Too large to be one.
    #[error("the bundle has {bytes} bytes; at most {MAX_BUNDLE_BYTES} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The outer file is not as written.
    #[error("the bundle is damaged at byte {offset}: {what}")]
    Tar {
        /// Start of the 512-byte block.
        offset: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A member is missing, unknown, or not what its name says.
    #[error("`{member}` in the bundle: {what}")]
    Member {
        /// Its name.
        member: String,
        /// What is wrong with it.
        what: String,
    },
    /// Making: the segment has no such unit.
    #[error("the segment has no unit {unit}: its units are 0 to {last}")]
    NoUnit {
        /// Asked for.
        unit: u64,
        /// The last there is.
        last: u64,
    },
    /// Making: the log or a file that should prove it does not.
    #[error("{what}")]
    Source {
        /// What failed, where, and what to do.
        what: String,
    },
}

/// What proves one or more units of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Units the bundle was made for, ascending.
    pub asked: Vec<u64>,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// The manifest as signed.
    pub manifest_note: String,
    /// Units, by number.
    pub units: BTreeMap<u64, Unit>,
    /// The checkpoint all proofs lead to, as signed.
    pub checkpoint: String,
    /// Leaves of the log, by index.
    pub leaves: BTreeMap<u64, LeafProof>,
    /// Statements as signed, by digest.
    pub statements: BTreeMap<Digest, String>,
    /// A newer checkpoint and the proof that it grew out of `checkpoint`.
    pub later: Option<Later>,
}

/// A unit and its place in the segment's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Bytes, or what stands in their place.
    pub stored: Stored,
    /// Inclusion proof, sibling of the leaf first.
    pub proof: Vec<Hash>,
}

/// A unit as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A WARC record, closing CRLF CRLF included.
    Record(Vec<u8>),
    /// A line of a conversion, without line feed.
    Line(Vec<u8>),
    /// It is gone.
    Gone(Tombstone),
}

impl Stored {
    /// SHA-256 of the bytes; of a unit that is gone, what its tombstone states.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        match self {
            Self::Record(bytes) | Self::Line(bytes) => Digest::of(bytes),
            Self::Gone(tombstone) => tombstone.commitment,
        }
    }
}

/// A leaf of the log and its inclusion proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafProof {
    /// The leaf's bytes.
    pub bytes: Vec<u8>,
    /// Sibling of the leaf first.
    pub proof: Vec<Hash>,
}

/// A newer checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// As signed.
    pub checkpoint: String,
    /// Consistency proof from the bundle's checkpoint.
    pub consistency: Vec<Hash>,
}
