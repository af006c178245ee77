//! What does the registry answer to a segment? A signed receipt or a signed refusal, with proofs that it kept its log.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tlog::Hash;

use crate::{digest::Digest, leaf::RefusalCode};

/// The registry's signed word on one segment; text of a C2SP note by the log key (RFC 8785 bytes and a line feed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Receipt {
    /// The segment is kept: bytes durable, commitments in the tree, permission and signature checked.
    Receipt {
        /// Format version, 1.
        v: u32,
        /// Digest of the manifest.
        manifest: Digest,
        /// Index of the manifest's leaf.
        index: u64,
        /// Units not permitted and not kept, as closed ranges; empty when all stand.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<[u64; 2]>,
        /// Units collected before the agent could know of a narrowing, as closed ranges; kept and flagged.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        late: Vec<[u64; 2]>,
        /// When it was first accepted, UTC.
        at: Timestamp,
    },
    /// The segment is not kept and will not be: the agent may let go.
    RefusalReceipt {
        /// Format version, 1.
        v: u32,
        /// Digest of the manifest.
        manifest: Digest,
        /// Index of the refusal leaf.
        index: u64,
        /// Why, by code.
        code: RefusalCode,
        /// Why, in words.
        why: String,
        /// When, UTC.
        at: Timestamp,
    },
}

impl Receipt {
    /// Digest of the manifest it answers.
    #[must_use]
    pub const fn manifest(&self) -> Digest {
        match self {
            Self::Receipt { manifest, .. } | Self::RefusalReceipt { manifest, .. } => *manifest,
        }
    }

    /// Index of the leaf it names.
    #[must_use]
    pub const fn index(&self) -> u64 {
        match self {
            Self::Receipt { index, .. } | Self::RefusalReceipt { index, .. } => *index,
        }
    }
}

/// Body of the answer to `PUT /v1/segments/{manifest digest}?from={size}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptAnswer {
    /// The receipt, as a signed note.
    pub receipt: String,
    /// The leaf it names, RFC 8785 bytes as text.
    pub leaf: String,
    /// A checkpoint that covers the leaf, as a signed note.
    pub checkpoint: String,
    /// Inclusion proof of the leaf in that checkpoint.
    #[schemars(with = "Vec<String>")]
    pub inclusion: Vec<Hash>,
    /// Consistency proof from the size the agent named; empty for size 0 and for equal sizes.
    #[schemars(with = "Vec<String>")]
    pub consistency: Vec<Hash>,
}
