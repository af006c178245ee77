//! What does the engine need of the network, and what is it given back?
//!
//! One call of [`Network::exchange`] is one request of a walk. robots.txt, reservation files, followed redirects, a token refresh and retries of transport errors
//! happen inside; each of them passes the gate and is told in the [`Outcome::trail`], in order, because each has to be written down.

use std::{any::Any, future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use schemas::{
    Digest,
    capture::{Condition, Struck, Target},
    gate::{Decision, DecisionCode, GateAsk, Origin, RobotsCopy},
    permission::{Authors, Entry, Evidence},
    policy::Policy,
    reservation::Reservation,
    segment::{Referred, ResponseKind},
    urlform::normal_form,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Turn;
use crate::{
    body::Body,
    contract::{Part, Request, Scope, Slot},
};

/// A future that can be moved between threads.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The only way from the engine to the outside.
pub trait Network: Send + Sync {
    /// Makes one request of a walk, through the gate.
    ///
    /// Waits for the pace of the host and for short pauses; a longer pause comes back as [`HopResult::RateLimited`]. Dropping the future
    /// abandons the request; the engine then makes it again.
    fn exchange<'a>(&'a self, wanted: Wanted<'a>) -> Pending<'a, Outcome>;

    /// The next chunk of a connection that [`HopResult::Opened`] gave, or its end.
    ///
    /// Once `over` is ready, what has come is handed over as the last chunk and nothing more is waited for.
    fn piece<'a>(&'a self, wanted: Wanted<'a>, open: &'a mut Open, over: Pending<'a, ()>) -> Pending<'a, Piece>;

    /// What the gate would say now. Sends nothing: no robots.txt, no name look-up. Where robots.txt would be needed and no copy is at hand, the code
    /// is [`DecisionCode::RobotsMissing`].
    fn preview(&self, wanted: Wanted<'_>) -> Decision;

    /// A reading found that the source asks for a pause: requests of that scope wait until then, across runs and restarts.
    fn rest(&self, run: &RunFacts, url: &str, scope: &Scope, until: Timestamp);

    /// Answers to requests for reservation files that stand in a durable segment now, by record id: from here on they outlive the process.
    fn stored(&self, responses: &[String]);

    /// What a request really cost, in a unit of the manifest; settles its reservation.
    fn spent(&self, run: &RunFacts, unit: &str, amount: u64);
}

/// What stays the same for every request of a run.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// Statements the run goes by: one set for the whole run, named in its run record.
    pub policy: Arc<Policy>,
    /// Entry id.
    pub entry: String,
    /// Digest of the entry as `policy` has it.
    pub entry_digest: Digest,
    /// What is collected.
    pub target: Target,
    /// Name of the collector.
    pub collector: String,
    /// Address patterns of query endpoints, from its manifest.
    pub queries: Vec<String>,
    /// Credential slots, from its manifest.
    pub slots: Vec<Slot>,
    /// Whether it heeds sites' reservation files, from its manifest.
    pub reservations: bool,
}

impl RunFacts {
    /// The entry the run goes by.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        self.policy.entry(&self.entry)
    }

    /// Whether what is collected may be kept encrypted only.
    #[must_use]
    pub fn sealed(&self) -> bool {
        self.entry().is_some_and(|entry| entry.evidence == Evidence::Sealed)
    }

    /// Whether an address may be asked for and written down: it can name nobody, or the entry keeps authors by name.
    #[must_use]
    pub fn fits(&self, url: &str) -> bool {
        self.entry().is_none_or(|entry| {
            entry.authors == Authors::Named
                || normal_form(url).is_ok_and(|url| schemas::pseudonym::address_fits(entry, &url))
        })
    }
}

/// One request of a walk.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The run it belongs to.
    pub run: &'a RunFacts,
    /// What the collector asked for.
    pub request: &'a Request<Value>,
    /// What to send as a condition; present only where the request is `if_changed` and something is known.
    pub validators: Option<&'a Validators>,
    /// Why it is asked.
    pub origin: Origin,
    /// 1 for the first try; goes on counting where the network tries again.
    pub attempt: u32,
}

/// What a source said of the version last read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, as received.
    pub etag: Option<String>,
    /// `Last-Modified`, as received.
    pub last_modified: Option<String>,
    /// The capture that was read; goes into the revisit record of a 304.
    pub of: Referred,
}

/// What came of one request.
#[derive(Debug)]
pub struct Outcome {
    /// Everything that has to be written to the segment, in order.
    pub trail: Vec<Hop>,
    /// What it means for the walk.
    pub result: HopResult,
}

/// One thing the gate decided about. As JSON it leaves out the bytes of its blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Hop {
    /// Something was sent and answered.
    Fetched(Box<Fetched>),
    /// The gate refused; nothing was sent.
    Refused(Judged),
    /// Permitted, and no answer came.
    Failed {
        /// What was asked and decided.
        judged: Judged,
        /// What went wrong, for people.
        error: String,
    },
}

/// A question to the gate and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// What was asked. `Origin::Redirect::from` is the [`Fetched::id`] of the redirecting hop.
    pub ask: GateAsk,
    /// What it answered.
    pub decision: Decision,
    /// The copy of robots.txt the decision rests on. The engine writes it once a segment, before the first decision that needs it.
    #[serde(default, with = "shared")]
    pub robots: Option<Arc<RobotsCopy>>,
    /// Which try this was, from 1.
    pub attempt: u32,
}

/// Bytes sent and received, as they are kept: secrets struck out, transfer coding removed, content coding as received.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// Digest of the payload, where it was reckoned already.
    #[serde(skip)]
    pub payload_digest: Option<Digest>,
    /// Record id its response gets: `urn:uuid:…`, a fresh version 4, chosen by the network so that later hops can name it.
    pub id: String,
    /// What was asked and decided, connected address included.
    pub judged: Judged,
    /// Address in normal form.
    pub url: String,
    /// When the request began, UTC, whole microseconds.
    pub at: Timestamp,
    /// HTTP status.
    pub status: u16,
    /// Request block.
    #[serde(skip)]
    pub request: Vec<u8>,
    /// Response block; for revisits the head alone.
    #[serde(skip)]
    pub response: Bytes,
    /// How many bytes at the end of `response` are payload.
    pub payload_len: usize,
    /// Form of the response record. Not in the JSON: what leads to an answer that is read is always whole.
    #[serde(skip, default = "whole")]
    pub kind: ResponseKind,
    /// Where secrets were struck out.
    pub struck: Vec<Struck>,
    /// `length`, `time`, `disconnect` where the body was cut.
    pub truncated: Option<String>,
    /// Peer the bytes came from.
    pub peer: Option<SocketAddr>,
    /// SHA-256 of the peer's certificate (DER), for https.
    pub certificate: Option<Digest>,
    /// Milliseconds from request to last byte.
    pub took_ms: u64,
    /// Conditions the request carried as headers, and what came of them.
    pub conditions: Vec<Condition>,
    /// What the site's reservation file says of the address, where the collector heeds such files.
    #[serde(default)]
    pub reservation: Option<Reservation>,
    /// Which chunk of an open connection this is.
    pub part: Part,
}

/// An open connection, in the network's own form.
pub struct Open(pub Box<dyn Any + Send>);

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open")
    }
}

/// What came of an open connection.
#[derive(Debug)]
pub enum Piece {
    /// A chunk: an answer of its own, or why there is none. Counted and judged like a request.
    Chunk(Outcome),
    /// The connection is over.
    Ended {
        /// What has to be written down: the head, where no chunk was told.
        trail: Vec<Hop>,
        /// Why, where it was not in order.
        why: Option<String>,
        /// How many chunks there were.
        chunks: u32,
    },
}

impl Fetched {
    /// The payload: what follows the head of the response block.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let from = self.response.len().saturating_sub(self.payload_len);
        self.response.get(from..).unwrap_or_default()
    }

    /// Its digest.
    #[must_use]
    pub fn payload_digest(&self) -> Digest {
        self.payload_digest.unwrap_or_else(|| Digest::of(self.payload()))
    }
}

const fn whole() -> ResponseKind {
    ResponseKind::Full
}

/// A shared copy is written out like any other.
mod shared {
    use std::sync::Arc;

    use schemas::gate::RobotsCopy;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(copy: &Option<Arc<RobotsCopy>>, to: S) -> Result<S::Ok, S::Error> {
        copy.as_deref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<RobotsCopy>>, D::Error> {
        Ok(Option::<RobotsCopy>::deserialize(from)?.map(Arc::new))
    }
}

/// What an [`Outcome`] means for the walk.
#[derive(Debug)]
pub enum HopResult {
    /// An answer for the collector to read, 4xx included where the network has nothing to say about them.
    Answer(Box<Answered>),
    /// The answer is an open connection, as the request wanted; [`Network::piece`] gives what comes.
    Opened(Open),
    /// 304: what was read before still holds.
    NotModified,
    /// The gate refused it, or a hop a redirect led to.
    Refused {
        /// Which step of the gate.
        code: DecisionCode,
        /// Its reason.
        because: String,
    },
    /// The source (429, 503 with `Retry-After`) or the budget asks for a pause longer than a run waits.
    RateLimited {
        /// Until when.
        until: Timestamp,
        /// What rests: `host`, `credential`, a unit, `daily budget`.
        scope: String,
    },
    /// 401, a 403 that nobody reads, a challenge page, a login wall: a person is told, nothing is tried again by itself.
    Blocked {
        /// What was met, for people.
        what: String,
    },
    /// No usable answer after all tries: transport errors, 5xx, robots.txt out of reach.
    Failed {
        /// What went wrong, for people.
        error: String,
        /// When another try makes sense at the earliest, where that is known.
        retry_after: Option<Timestamp>,
    },
}

/// An answer for the collector.
pub struct Answered {
    /// Index in the trail of the [`Hop::Fetched`] that goes to `read`.
    pub hop: usize,
    /// The payload as stored; it undoes its content coding itself.
    pub body: Body,
    /// HTTP status.
    pub status: u16,
    /// Response headers in order, as stored.
    pub headers: Vec<(String, String)>,
    /// Address that answered, after redirects.
    pub url: url::Url,
    /// The turn in which it came into memory, where it waited for one.
    pub turn: Turn,
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answered")
            .field("hop", &self.hop)
            .field("status", &self.status)
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}
