//! What stands beside the bytes in a segment? The JSON blocks of its metadata records and the lines of its conversions.
//!
//! `reading = read(step, target, captured_at, url, status, headers, body, part, reservation)`: these nine and nothing else, so every conversion can
//! be derived again from the segment alone.

mod vanished;

use std::{collections::BTreeMap, net::SocketAddr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    coverage::Coverage,
    digest::Digest,
    gate::{Decision, GateAsk},
    record::Record,
    reservation::Reservation,
};

pub use vanished::Vanished;

/// Media types of the JSON blocks.
pub mod media_type {
    /// [`super::Run`].
    pub const RUN: &str = "application/vnd.vigie.run+json";
    /// [`super::Exchange`].
    pub const EXCHANGE: &str = "application/vnd.vigie.exchange+json";
    /// [`super::Refused`].
    pub const REFUSED: &str = "application/vnd.vigie.refused+json";
    /// [`super::Failed`].
    pub const FAILED: &str = "application/vnd.vigie.failed+json";
    /// [`super::Vanished`].
    pub const VANISHED: &str = "application/vnd.vigie.vanished+json";
    /// [`crate::gate::RobotsCopy`].
    pub const ROBOTS: &str = "application/vnd.vigie.robots+json";
    /// [`super::Commit`].
    pub const COMMIT: &str = "application/vnd.vigie.commit+json";
    /// Lines of a conversion: [`super::Line`].
    pub const LINES: &str = "application/x-ndjson";
    /// The manifest, a C2SP signed note.
    pub const MANIFEST: &str = "application/vnd.vigie.manifest";
    /// A block that is an age file: of a request or response, or (in a metadata record) what run and commit record leave out.
    pub const SEALED: &str = "application/vnd.vigie.sealed";
    /// [`super::Tombstone`] in place of a WARC record.
    pub const TOMBSTONE: &str = "application/vnd.vigie.tombstone+json";
}

/// The target of a run, fully resolved: what a collector is given, with its recipe's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the target: the entry's id, with `#2`, `#3`… for its further seeds.
    pub id: String,
    /// The entry's id.
    pub entry: String,
    /// The seed as the entry has it: an address, an account, a query.
    pub url: String,
    /// Recipe bytes, for collectors that read recipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// True where the entry goes by an official interface's own terms instead of robots.txt ([`RobotsRule::Api`]): what pages say to robots is then
    /// recorded, and not obeyed.
    ///
    /// [`RobotsRule::Api`]: crate::permission::RobotsRule::Api
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_terms: bool,
}

impl Target {
    /// SHA-256 of the RFC 8785 bytes.
    ///
    /// # Panics
    ///
    /// Never: a target holds text only.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the type holds text only")]
    pub fn digest(&self) -> Digest {
        Digest::of(&crate::canonical::canonical_of(self).expect("a target is canonical"))
    }
}

/// Which program read the answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// Collector name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the program file that ran.
    pub program: Digest,
}

/// Why `plan` was called; each kind has its own lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What is new.
    Poll,
    /// A stretch of the past.
    Window,
    /// Named items.
    Items,
    /// An open connection.
    Stream,
}

/// First record of a run in each of its segments. `plan` can be replayed from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Format version, 1.
    pub v: u32,
    /// Name of the run: target, lane and due time.
    pub id: String,
    /// Digest of the policy issue in the agent's hands ([`crate::statement::PolicyIssue`]).
    pub policy: Digest,
    /// When that issue was made.
    pub policy_issued_at: Timestamp,
    /// The issue itself, the note as the log signed it, so that the policy named can be found again from the log alone.
    pub issue: String,
    /// Digest of the trust root.
    pub root: Digest,
    /// Digest of the entry.
    pub entry: Digest,
    /// What is collected.
    pub target: Target,
    /// Lane.
    pub lane: Lane,
    /// Work as `plan` got it, JSON.
    pub work: Value,
    /// Cursor before the run, JSON.
    pub cursor: Value,
    /// The clock as `plan` saw it.
    pub now: Timestamp,
    /// When the run was due; absent for a run started by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Reader.
    pub reader: Reader,
    /// Address patterns of the collector's query endpoints (POST), from its manifest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<String>,
    /// False where the clock was known not to be synchronised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_synchronised: Option<bool>,
}

/// One request and what came of it; stands after its response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Format version, 1.
    pub v: u32,
    /// Record id of the response, revisit included (`urn:uuid:…`).
    pub response: String,
    /// Step, JSON; null for robots.txt, tokens and redirects.
    pub step: Value,
    /// Digest of the target it ran under.
    pub target: Digest,
    /// 1 for the first try; the same request and step again has a higher number.
    pub attempt: u32,
    /// What the gate was asked, the address connected to included.
    pub ask: GateAsk,
    /// What it answered.
    pub decision: Decision,
    /// Record id of the robots copy the decision rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robots: Option<String>,
    /// What the site's reservation file says of the address, where its collector heeds such files; under sealed evidence left out in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
    /// The condition the request carried (`if_changed`, `while_new`, `unless_known`) and what the kit found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where secrets were struck out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub struck: Vec<Struck>,
    /// Chunk number of a stream, from 0.
    #[serde(default)]
    pub part: u32,
    /// False for a chunk that others follow.
    #[serde(default = "yes")]
    pub last: bool,
    /// `length`, `time`, `disconnect` where the body was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
    /// Peer the bytes came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub peer: Option<SocketAddr>,
    /// SHA-256 of the peer's certificate (DER), for https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Digest>,
    /// Milliseconds from request to last byte.
    pub took_ms: u64,
    /// True where the answer goes to the collector's `read` (no robots.txt, no followed redirect, no retried error).
    pub read: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

const fn yes() -> bool {
    true
}

/// A condition a request carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// `if_changed`, `while_new` or `unless_known`.
    pub name: String,
    /// What the kit found, in a word or two.
    pub verdict: String,
}

/// A stretch of bytes that held a secret and holds `*` of equal length instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Struck {
    /// Which part: `request` or `response`.
    pub part: String,
    /// First byte in that record's block.
    pub from: u64,
    /// Number of bytes.
    pub len: u64,
    /// Name of the credential, as the entry has it, whose value stood there.
    pub slot: String,
}

/// A request the gate refused; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Format version, 1.
    pub v: u32,
    /// What the gate was asked.
    pub ask: GateAsk,
    /// What it answered.
    pub decision: Decision,
    /// Record id of the robots copy the decision rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robots: Option<String>,
    /// Step of the request, JSON.
    pub step: Value,
}

/// A permitted request without an answer: no connection, time-out, broken transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// Format version, 1.
    pub v: u32,
    /// What the gate was asked.
    pub ask: GateAsk,
    /// What it answered.
    pub decision: Decision,
    /// Record id of the robots copy the decision rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robots: Option<String>,
    /// Step of the request, JSON.
    pub step: Value,
    /// Which try this was.
    pub attempt: u32,
    /// What went wrong, for people.
    pub error: String,
}

/// One line of a conversion, without its salt: what `read` says again, bit for bit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every line is a record: a box would cost each of them an allocation"
)]
pub enum Line {
    /// First line.
    Header(Header),
    /// An item.
    Record(RecordLine),
    /// An item or author withdrawn.
    Gone(GoneLine),
    /// One odd item, set aside.
    Unreadable(UnreadableLine),
    /// Last line.
    End(Box<End>),
    /// In place of a line that was erased or refused. Never said by a reader.
    Tombstone(Tombstone),
}

/// First line of a conversion. All WARC fields of the conversion follow from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Format version, 1.
    pub v: u32,
    /// Record id of the response that was read (`urn:uuid:…`).
    pub response: String,
    /// When that response was captured (its WARC-Date).
    pub captured_at: String,
    /// Reader.
    pub reader: Reader,
    /// SHA-256 of the step's RFC 8785 bytes.
    pub step: Digest,
}

/// An item and where in the answer it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// Where in the answer: `/items/3`, `bytes 120-980`, `whole`…
    pub place: String,
    /// [`Record::content_hash`], after minimising.
    pub content: Digest,
    /// The item, after minimising.
    pub item: Record,
    /// Names of fields the entry's field list dropped, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
}

/// An item or author withdrawn by the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoneLine {
    /// Where in the answer.
    pub place: String,
    /// What is gone.
    pub what: What,
    /// In the source's terms, or how it showed.
    pub why: String,
}

/// What was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// An item by its canonical identity.
    Record {
        /// Platform.
        platform: String,
        /// Canonical id.
        id: String,
    },
    /// An item by this source's own name for it.
    Handle {
        /// The handle.
        handle: String,
    },
    /// Everything of an author, reversibly.
    Author {
        /// Platform.
        platform: String,
        /// The author's id.
        id: String,
    },
}

impl What {
    /// An item by its canonical identity.
    pub fn record(platform: impl Into<String>, id: impl Into<String>) -> Self {
        Self::Record { platform: platform.into(), id: id.into() }
    }
}

/// One odd item, set aside; its neighbours stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnreadableLine {
    /// Where in the answer.
    pub place: String,
    /// Why, for people; at most 500 characters.
    pub why: String,
}

/// Last line of a conversion: everything else the reading said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Requests the walk goes on with, as JSON, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Value>,
    /// Follow-ups of their own, as JSON, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Value>,
    /// Items to describe, `[id, handle]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub want: Vec<[String; 2]>,
    /// Ids listed, not described.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saw: Vec<String>,
    /// Proposed cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Value>,
    /// Cursor that holds as soon as the segment is on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<Value>,
    /// The source says there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<String>,
    /// The source's own count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<u64>,
    /// Why more should have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
    /// Scope of which these are all items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Real cost by unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spent: BTreeMap<String, u64>,
    /// True where the rest of what the reading said stands, encrypted, beside its answer: requests, cursors, ids and reasons are left out here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sealed: bool,
    /// The reading ended by a halt: nothing said before it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Value>,
    /// Number of record, gone and unreadable lines, in that order.
    pub counts: [u64; 3],
    /// SHA-256 over the concatenated SHA-256 of the lines between header and end, without salts, in order.
    pub items: Option<Digest>,
}

/// What stands in place of an erased or refused unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// Unit number within the segment, from 0.
    pub unit: u64,
    /// SHA-256 of the bytes that stood here, salt included.
    pub commitment: Digest,
    /// Index of the log leaf (erasure or refusal) that names this unit.
    pub leaf: u64,
}

/// Last record of a segment before the manifest: what the agent holds to be true from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Format version, 1.
    pub v: u32,
    /// Run the segment belongs to.
    pub run: String,
    /// Cursor after, JSON.
    pub cursor: Value,
    /// Requests still to be made.
    pub frontier: u64,
    /// Follow-ups on the shelf.
    pub shelf: u64,
    /// Requests dropped, by condition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<String, u64>,
    /// True in the last segment of a run; coverage then speaks of the whole run.
    pub complete: bool,
    /// Coverage of the window up to here.
    pub coverage: Coverage,
}
