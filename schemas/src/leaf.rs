//! What does the log hold? One JSON object a leaf: never content, names or addresses; times rounded to the minute.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    manifest::{Manifest, Minute},
    statement::ErasureReason,
};

/// Largest leaf this log accepts, in bytes; C2SP tlog-tiles allows 65,535.
pub const MAX_LEAF_BYTES: usize = 16 * 1024;

/// One leaf of the log. Its bytes are the RFC 8785 form of this object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Leaf {
    /// A segment: its manifest, unchanged.
    Manifest(Manifest),
    /// Everything else.
    Act(Act),
}

/// A leaf that is not a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A statement was accepted; the file is kept under its digest.
    Statement {
        /// Format version, 1.
        v: u32,
        /// Which kind of statement.
        kind: StatementKind,
        /// SHA-256 of the statement's canonical bytes (salt included).
        digest: Digest,
        /// When it was accepted, by the registry's clock.
        time: Minute,
    },
    /// Units of a segment were refused and are not kept, or a whole segment was.
    Refusal {
        /// Format version, 1.
        v: u32,
        /// Digest of the segment's manifest.
        manifest: Digest,
        /// The units, ascending, as closed ranges `[first, last]`; empty when the whole segment was refused and its manifest is no leaf.
        units: Vec<[u64; 2]>,
        /// Why, by code.
        code: RefusalCode,
        /// When.
        time: Minute,
    },
    /// Units were lawfully erased.
    Erasure {
        /// Format version, 1.
        v: u32,
        /// Digest of the segment's manifest.
        manifest: Digest,
        /// The units, ascending, as closed ranges `[first, last]`.
        units: Vec<[u64; 2]>,
        /// Reason code of the statement.
        reason: ErasureReason,
        /// SHA-256 of the erasure statement's canonical bytes, which name the authority.
        statement: Digest,
        /// When.
        time: Minute,
    },
}

/// Which kind of statement a leaf announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// Trust root.
    Root,
    /// Allowlist.
    Permission,
    /// Approval of entries.
    Approval,
    /// Agent enrolled.
    Enrolment,
    /// Agent revoked.
    Revocation,
}

/// Why a segment or some of its units were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// A capture was not permitted at its time.
    NotPermitted,
    /// Bytes, signature, unit tree or format do not hold together.
    Broken,
    /// The agent's key is revoked.
    Revoked,
    /// Another segment with this sequence number is already in the log: two machines use one key, or an agent was set back.
    Fork,
    /// Captures lie outside what clocks and checkpoints allow.
    Clock,
    /// It names a trust root or policy that the log does not hold.
    UnknownPolicy,
    /// Larger than a segment may be.
    TooLarge,
}
