//! What would a reviewer ask of one record, and what is the answer?
//!
//! Five questions: who allowed this, why and until when; what did robots.txt say; which bytes came from where; has anything changed
//! since; what can this not prove. [`Trace`] answers them from a [`Bundle`] and its [`Verdict`] alone, as data (JSON) and as text (`Display`).

mod limits;
mod make;
mod text;

use std::net::SocketAddr;

use jiff::Timestamp;
use schemas::{Digest, manifest::Minute, record::ClaimedTime, robots::RobotsOutcome};
use serde::{Deserialize, Serialize};

use crate::{bundle::Bundle, verdict::Verdict};

/// The account of what a bundle shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Always `vigie-trace`.
    pub format: String,
    /// Format version, 1.
    pub v: u32,
    /// What checking came to.
    pub verdict: Verdict,
    /// Digest of the trust root that was in force for the run, where the bundle shows it.
    pub root: Option<Digest>,
    /// One for each unit asked for.
    pub items: Vec<Item>,
    /// What all of this cannot prove, in whole sentences.
    pub limits: Vec<String>,
}

/// One unit asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its number in the segment.
    pub unit: u64,
    /// What it is.
    pub what: What,
    /// Question 1; absent where the decision is not at hand.
    pub allowed: Option<Allowed>,
    /// Question 2; absent where the decision is not at hand.
    pub robots: Option<Robots>,
    /// Question 3; absent where nothing was fetched.
    pub bytes: Option<Bytes>,
    /// Question 4.
    pub proof: Proof,
}

/// What a unit is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a trace has a handful of them, nearly all records")]
pub enum What {
    /// A record, as minimised.
    Record {
        /// `article`, `post`…
        kind: String,
        /// The system whose id this is.
        platform: String,
        /// The id.
        id: String,
        /// Where a person would read it.
        url: Option<String>,
        /// Title, or the beginning of the text, at most 200 characters.
        title: Option<String>,
        /// Author as shown.
        author: Option<String>,
        /// When the source says it was published.
        published_at: Option<ClaimedTime>,
        /// Content hash, computed again from the record.
        content: Option<Digest>,
        /// Where in the answer it stood.
        place: String,
        /// Program that read it: name, version.
        reader: Option<String>,
        /// Digest of that program.
        program: Option<Digest>,
    },
    /// Something else that was kept: a response, a decision, a robots copy.
    Other {
        /// What, in words.
        words: String,
    },
    /// It is gone.
    Gone {
        /// Why, in words.
        why: String,
    },
}

/// Who allowed it, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// The gate's answer as the agent recorded it.
    pub because: String,
    /// Whether it permitted.
    pub permitted: bool,
    /// Whether the decision, computed again from the statements in the bundle, comes out the same way.
    pub recomputed: bool,
    /// Entry of the allowlist.
    pub entry: String,
    /// Its digest: what was signed.
    pub digest: Option<Digest>,
    /// Who asked for it.
    pub requested_by: Option<String>,
    /// Who approved it: approvers whose signatures counted then.
    pub approvers: Vec<String>,
    /// Approvals that name the entry: statement, when signed, last day.
    pub approvals: Vec<Approved>,
    /// Purpose, program, question, legal ground, assessment: label and words.
    pub why: Vec<(String, String)>,
    /// Last day of the entry.
    pub expires_on: Option<String>,
    /// Days it may be kept.
    pub retain_days: Option<u32>,
    /// TLP marking.
    pub tlp: Option<String>,
    /// When the policy in the agent's hands was issued.
    pub policy_issued_at: Option<Timestamp>,
}

/// One approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Digest of the statement.
    pub statement: Digest,
    /// When it was signed, as the signers wrote.
    pub made_at: Timestamp,
    /// Last day it counts.
    pub until: String,
    /// Leaf that took it into the log, and that leaf's time.
    pub leaf: Option<(u64, Minute)>,
}

/// What robots.txt said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "robots", rename_all = "snake_case")]
pub enum Robots {
    /// It was asked, and the copy is at hand.
    Asked {
        /// Whose rules: `scheme://host:port`.
        authority: String,
        /// When it was fetched.
        fetched_at: Timestamp,
        /// HTTP status of the fetch.
        status: Option<u16>,
        /// What the fetch came to.
        outcome: RobotsOutcome,
        /// SHA-256 of the copy.
        digest: Digest,
        /// Bytes of the copy.
        size: u64,
        /// Unit that holds it.
        unit: u64,
        /// Whether it allows the address.
        allowed: bool,
        /// Group that applied.
        group: Option<String>,
        /// The line that decided, quoted.
        rule: Option<String>,
        /// Its number in the file, from 1.
        line: Option<u32>,
    },
    /// It did not apply.
    NotAsked {
        /// Why.
        why: String,
    },
    /// The copy is not at hand, so the answer is the agent's word.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// Which bytes came from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// `GET` or `POST`.
    pub method: String,
    /// Address in normal form.
    pub url: String,
    /// When, by the agent's clock.
    pub captured_at: String,
    /// HTTP status.
    pub status: Option<u16>,
    /// Peer.
    pub peer: Option<SocketAddr>,
    /// SHA-256 of the peer's certificate, for https.
    pub certificate: Option<Digest>,
    /// Milliseconds from request to last byte.
    pub took_ms: u64,
    /// `Content-Type` of the answer.
    pub content_type: Option<String>,
    /// Bytes of the body.
    pub body_bytes: Option<u64>,
    /// SHA-256 of the body.
    pub body: Option<Digest>,
    /// Names of those who may open it, where request and answer are sealed; each of them alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_to: Option<Vec<String>>,
    /// Bytes of the whole answer, head included.
    pub answer_bytes: Option<u64>,
    /// What is odd: cut short, secrets struck out, kept elsewhere, erased.
    pub remarks: Vec<String>,
    /// The segment's file in a data folder.
    pub file: String,
    /// Unit of the request.
    pub request_unit: u64,
    /// Unit of the response.
    pub response_unit: u64,
    /// Record id of the response.
    pub response: String,
}

/// From the unit to the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// SHA-256 of the unit as stored.
    pub commitment: Digest,
    /// Units in the segment.
    pub units: u64,
    /// Root over their commitments.
    pub units_root: Option<Digest>,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// Agent that signed it.
    pub agent: Option<String>,
    /// The segment's number in the agent's chain.
    pub seq: Option<u64>,
    /// Size of the log that the agent had verified before.
    pub after_size: Option<u64>,
    /// Index of the manifest's leaf.
    pub leaf: Option<u64>,
    /// Root that the leaves' proofs lead to, with the log's size.
    pub checkpoint: Option<(u64, tlog::Hash)>,
    /// Size of a newer log that this one is proven to have grown into.
    pub later_size: Option<u64>,
}

impl Trace {
    /// The account of `bundle`, whose check came to `verdict`.
    #[must_use]
    pub fn of(bundle: &Bundle, verdict: &Verdict) -> Self {
        make::trace(bundle, verdict)
    }
}
