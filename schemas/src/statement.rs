//! Which acts do people (and the log) sign? Statements: small signed files, one leaf each.
//!
//! A statement is a C2SP signed note whose text is the RFC 8785 bytes of one JSON object and a line feed. Its leaf names the
//! SHA-256 of the object's bytes, which hold a salt, so the leaf tells nothing of the content.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    digest::{Digest, Salt},
    permission::Allowlist,
    trust::TrustRoot,
};

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Statement {
    /// The trust root. The first one is signed by its own rooters; a later one by the threshold of the root before it.
    Root {
        /// Format version, 1.
        v: u32,
        /// The root.
        root: TrustRoot,
        /// Blinds the leaf.
        salt: Salt,
    },
    /// The whole allowlist from now on; signed by a requester or approver. What it leaves out is no longer permitted.
    Permission {
        /// Format version, 1.
        v: u32,
        /// The entries.
        allowlist: Allowlist,
        /// Recipes by file name, text as signed.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        recipes: BTreeMap<String, String>,
        /// When it was written down, UTC. Order among statements is the log's, not this.
        made_at: Timestamp,
        /// Blinds the leaf.
        salt: Salt,
    },
    /// Approval of entries by digest; counts once for each approver whose signature the note carries, never for the requester.
    Approval {
        /// Format version, 1.
        v: u32,
        /// Entry id to digest of the entry.
        entries: BTreeMap<String, Digest>,
        /// Last day the approval counts, UTC, `YYYY-MM-DD`.
        until: String,
        /// When it was signed, UTC.
        made_at: Timestamp,
        /// Blinds the leaf.
        salt: Salt,
    },
    /// An agent's key may sign segments; signed by enrollers.
    Enrolment {
        /// Format version, 1.
        v: u32,
        /// The agent's verifier key (C2SP vkey).
        agent: String,
        /// Which collector runs there.
        collector: String,
        /// When it was signed, UTC.
        made_at: Timestamp,
        /// Blinds the leaf.
        salt: Salt,
    },
    /// An agent's key no longer counts; signed by enrollers. Segments logged before stay valid.
    Revocation {
        /// Format version, 1.
        v: u32,
        /// Key id (`name+0a1b2c3d`).
        agent: String,
        /// Why, for reviewers.
        reason: String,
        /// When it was signed, UTC.
        made_at: Timestamp,
        /// Blinds the leaf.
        salt: Salt,
    },
    /// Units are to be destroyed; signed by erasers.
    Erasure {
        /// Format version, 1.
        v: u32,
        /// Digest of the segment's manifest.
        manifest: Digest,
        /// Unit numbers, ascending.
        units: Vec<u64>,
        /// On whose authority: a file number, never a person's name.
        authority: String,
        /// Why.
        reason: ErasureReason,
        /// When it was signed, UTC.
        made_at: Timestamp,
        /// Blinds the leaf.
        salt: Salt,
    },
}

/// Why something was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// Retention ended.
    Retention,
    /// A person's lawful request.
    Request,
    /// A court or authority ordered it.
    Order,
    /// It should never have been collected.
    Mistake,
}

/// What an agent needs to judge for itself, as the registry hands it out (`GET /v1/policy`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyBundle {
    /// Format version, 1.
    pub v: u32,
    /// Trust root statements, version 1 first, as signed notes.
    pub roots: Vec<String>,
    /// The newest permission statement, as a signed note.
    pub permission: String,
    /// All approval statements of entries in it, as signed notes.
    pub approvals: Vec<String>,
    /// The issue, as a note signed by the log key: see [`PolicyIssue`].
    pub issue: String,
}

/// Says, with the log key's signature, which statements were the newest ones at an instant.
///
/// Its digest is the *policy digest* that runs name. An agent whose issue is older than `max_policy_age_hours` stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyIssue {
    /// Always `policy_issue`.
    #[serde(rename = "type")]
    pub kind: PolicyIssueKind,
    /// Format version, 1.
    pub v: u32,
    /// When the registry made it, UTC.
    pub issued_at: Timestamp,
    /// Digest of the newest root.
    pub root: Digest,
    /// Digest of the permission statement's bytes.
    pub permission: Digest,
    /// Digests of the approval statements' bytes, ascending.
    pub approvals: Vec<Digest>,
    /// Log size at that instant: all statements named lie below it.
    pub log_size: u64,
}

/// The one value of a policy issue's `type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyIssueKind {
    /// `policy_issue`.
    #[default]
    PolicyIssue,
}
