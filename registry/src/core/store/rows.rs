//! Which rows go into the store?

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemas::Digest;
use schemas::capture::Vanished;
use schemas::coverage::Coverage;
use schemas::leaf::{Act, Leaf};
use schemas::record::Record;

/// Bits of a row id that hold the unit number: a segment of 64 MiB can't hold as many units.
const UNIT_BITS: u32 = 24;

/// Row id of a unit: (leaf index << 24) | unit. Both are bounded so that the id stays positive.
#[must_use]
pub fn row_id(leaf: u64, unit: u64) -> i64 {
    let leaf = leaf & ((1 << (63 - UNIT_BITS)) - 1);
    let unit = unit & ((1 << UNIT_BITS) - 1);
    // 63 bits at most.
    ((leaf << UNIT_BITS) | unit) as i64
}

/// Leaf index and unit number of a row id.
#[must_use]
pub fn row_parts(id: i64) -> (u64, u64) {
    let id = id.unsigned_abs();
    (id >> UNIT_BITS, id & ((1 << UNIT_BITS) - 1))
}

/// What a leaf is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeafKind {
    /// A segment.
    Manifest,
    /// Any statement but an erasure.
    Statement,
    /// Refused units or a refused segment.
    Refusal,
    /// Erased units.
    Erasure,
}

impl LeafKind {
    /// As the table has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Statement => "statement",
            Self::Refusal => "refusal",
            Self::Erasure => "erasure",
        }
    }
}

impl fmt::Display for LeafKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for LeafKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Manifest, Self::Statement, Self::Refusal, Self::Erasure]
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| format!("`{text}` is no kind of leaf"))
    }
}

/// A leaf and what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafRow {
    /// Index in the log.
    pub index: u64,
    /// RFC 8785 bytes.
    pub bytes: Vec<u8>,
    /// What it is about.
    pub kind: LeafKind,
    /// Digest of the manifest it names, or of the statement.
    pub digest: Digest,
    /// Agent's key id and sequence number, for manifests.
    pub link: Option<(String, u64)>,
}

impl LeafRow {
    /// The row of a leaf.
    ///
    /// # Errors
    ///
    /// What canonical JSON refuses, or a leaf over [`schemas::leaf::MAX_LEAF_BYTES`].
    pub fn new(index: u64, leaf: &Leaf) -> Result<Self, String> {
        let bytes = schemas::canonical::canonical_of(leaf).map_err(|why| why.to_string())?;
        if bytes.len() > schemas::leaf::MAX_LEAF_BYTES {
            return Err(format!(
                "a leaf of {} bytes is longer than the {} allowed",
                bytes.len(),
                schemas::leaf::MAX_LEAF_BYTES
            ));
        }
        let (kind, digest, link) = match leaf {
            Leaf::Manifest(manifest) => {
                (LeafKind::Manifest, Digest::of(&bytes), Some((manifest.agent.clone(), manifest.seq)))
            }
            Leaf::Act(Act::Statement { digest, .. }) => (LeafKind::Statement, *digest, None),
            Leaf::Act(Act::Refusal { manifest, .. }) => (LeafKind::Refusal, *manifest, None),
            Leaf::Act(Act::Erasure { manifest, .. }) => (LeafKind::Erasure, *manifest, None),
        };
        Ok(Self { index, bytes, kind, digest, link })
    }

    /// The row of an entry of the log.
    ///
    /// # Errors
    ///
    /// Bytes that are no leaf of this release.
    pub fn read(index: u64, bytes: &[u8]) -> Result<Self, String> {
        let leaf: Leaf = schemas::canonical::from_canonical(bytes).map_err(|why| format!("leaf {index}: {why}"))?;
        Self::new(index, &leaf)
    }

    /// The leaf.
    ///
    /// # Errors
    ///
    /// Bytes that are no leaf of this release.
    pub fn leaf(&self) -> Result<Leaf, String> {
        schemas::canonical::from_canonical(&self.bytes).map_err(|why| format!("leaf {}: {why}", self.index))
    }
}

/// A receipt's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Manifest it answers.
    pub manifest: Digest,
    /// RFC 8785 bytes as text.
    pub body: String,
}

/// What a leaf changes in the tables.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A segment with everything it holds.
    Segment(Box<SegmentRow>),
    /// Refused units, or a segment refused whole.
    Refusal {
        /// Manifest.
        manifest: Digest,
        /// Closed ranges.
        units: Vec<[u64; 2]>,
        /// Code.
        code: String,
        /// When.
        time: String,
    },
    /// Erased units; the rows of their segment are made again from what is left.
    Erasure {
        /// Manifest.
        manifest: Digest,
        /// Leaf of the segment and what it holds now; absent where the log does not hold it.
        left: Option<(u64, Box<SegmentRow>)>,
        /// Closed ranges.
        units: Vec<[u64; 2]>,
        /// Reason code.
        reason: String,
        /// Digest of the statement.
        statement: Digest,
        /// When.
        time: String,
    },
    /// A statement.
    Statement {
        /// Kind.
        kind: String,
        /// Digest.
        digest: Digest,
        /// When.
        time: String,
    },
}

/// A segment, taken apart into rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SegmentRow {
    /// Digest of the manifest, hexadecimal.
    pub manifest: String,
    /// Agent's key id.
    pub agent: String,
    /// Number in its chain.
    pub seq: u64,
    /// Digest of the manifest before.
    pub prev: Option<String>,
    /// Units.
    pub units: u64,
    /// When it was closed.
    pub closed_at: String,
    /// Size of the agent's newest checkpoint.
    pub checkpoint: u64,
    /// Run id.
    pub run: Option<String>,
    /// Entry id.
    pub entry: Option<String>,
    /// Target id.
    pub target: Option<String>,
    /// Collector.
    pub collector: Option<String>,
    /// Digest of the policy issue.
    pub policy: Option<String>,
    /// Reader: name, version and program digest.
    pub reader: Option<String>,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// Units that are not there.
    pub tombstones: Vec<Tombstoned>,
    /// Captures.
    pub captures: Vec<CaptureRow>,
    /// Readings.
    pub readings: Vec<Reading>,
    /// What vanished by them.
    pub vanished: Vec<VanishedRow>,
    /// Coverage, from the commit record.
    pub coverage: Option<CoverageRow>,
}

/// A unit that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstoned {
    /// Unit.
    pub unit: u64,
    /// Leaf that names it.
    pub leaf: u64,
}

/// A capture: columns as in the table.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the columns are described in schema_1.sql")]
pub struct CaptureRow {
    pub unit: u64,
    pub kind: &'static str,
    pub entry: String,
    pub collector: String,
    pub method: String,
    pub url: String,
    pub at: String,
    pub day: String,
    pub status: Option<u16>,
    pub media_type: Option<String>,
    pub bytes: Option<u64>,
    pub response: Option<String>,
    pub request_unit: Option<u64>,
    pub response_unit: Option<u64>,
    pub revisit_of: Option<String>,
    pub conversion: Option<(u64, u64)>,
    pub code: String,
    pub because: String,
    pub peer: Option<String>,
    pub certificate: Option<String>,
    pub error: Option<String>,
    pub late: bool,
}

/// What a reader said of one capture.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Unit of the capture.
    pub capture: u64,
    /// When that was captured.
    pub at: Timestamp,
    /// Which host it was seen through.
    pub vantage: String,
    /// Reader: name, version and program digest.
    pub reader: String,
    /// Lines, in their order.
    pub lines: Vec<Line>,
}

/// A line of a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Unit of the line.
    pub unit: u64,
    /// Where in the answer.
    pub place: String,
    /// What it says.
    pub kind: LineKind,
}

/// A record, and the bytes that say so.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// The record.
    pub record: Record,
    /// As it stands in the segment, RFC 8785.
    pub text: String,
}

/// What a line of a reading says.
#[derive(Debug, Clone, PartialEq)]
pub enum LineKind {
    /// An item.
    Record {
        /// The item.
        stated: Box<Stated>,
        /// Content hash, recomputed.
        content: Digest,
        /// False for a claim about somebody else's item.
        home: bool,
    },
    /// Something was withdrawn.
    Gone {
        /// What.
        what: Withdrawn,
        /// Why, in the source's terms.
        why: String,
    },
    /// Set aside.
    Odd {
        /// `unreadable` or `content`.
        kind: &'static str,
        /// Why.
        why: String,
    },
}

/// What was withdrawn: exactly one of identity, handle, author.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Withdrawn {
    /// Platform.
    pub platform: Option<String>,
    /// Canonical id.
    pub native: Option<String>,
    /// The source's own name for it.
    pub handle: Option<String>,
    /// Author id.
    pub author: Option<String>,
}

/// Something that vanished: columns as in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are described in index.sql")]
pub struct VanishedRow {
    pub unit: u64,
    /// Unit of the capture.
    pub capture: u64,
    pub vantage: String,
    pub at: String,
    pub said: Vanished,
    pub odd: Option<u64>,
}

/// Coverage of one run, from the commit record of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageRow {
    /// Unit of the commit record.
    pub unit: u64,
    /// Run.
    pub run: String,
    /// Entry.
    pub entry: String,
    /// True in the last segment of the run.
    pub complete: bool,
    /// What it says.
    pub coverage: Coverage,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Row.
    pub id: i64,
    /// When it was raised.
    pub at: Timestamp,
    /// Code, such as `rolled_back`.
    pub code: String,
    /// What was found.
    pub detail: String,
}

/// A token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub name: String,
    /// Role.
    pub role: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// In which role.
    pub role: String,
    /// What was done.
    pub act: String,
    /// The purpose chosen at sign-in.
    pub purpose: Option<String>,
    /// With what.
    pub detail: String,
}
