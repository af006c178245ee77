//! How does one run go, from plan to closed segment?
//!
//! plan → frontier → exchange → derive → segment → next. The engine knows collectors only as [`Erased`], the outside only as [`Network`], the
//! time only from its [`Clock`]. It fills a draft in memory, each exchange packed as it comes; when that holds 16 MiB (not packed) or 500 exchanges,
//! or the run ends, the draft becomes a segment on disk and one transaction settles what it settles (contract, section 3). A crash before that makes
//! the exchanges again.

pub mod clock;
mod close;
mod closing;
mod coverage;
pub mod crash;
mod draft;
mod halted;
mod heard;
mod listen;
pub mod ports;
mod run;
mod settle;
mod snapshot;
mod stream;
mod take_in;
mod turns;
mod unread;
pub mod walk;

use std::sync::Arc;

use jiff::Timestamp;
use schemas::{
    Digest,
    capture::{Lane, Reader},
    coverage::{Coverage, CoverageState},
    segment::WriteError,
};
use tlog::SigningKey;
use tokio_util::sync::CancellationToken;

pub use clock::{Clock, SystemClock};
pub use ports::{
    Answered, Fetched, Hop, HopResult, Judged, Network, Open, Outcome, Pending, Piece, RunFacts, Validators, Wanted,
};
pub(crate) use turns::{Turn, turn};

use crate::{
    contract::{Erased, Work},
    outbox::{Outbox, OutboxError},
    sealing::Sealing,
    state::{State, StateError},
};

/// Why a run could not be carried through. What was committed before stands; the rest is made again.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The segment could not be written.
    #[error("the segment of run `{run}` could not be written")]
    Write {
        /// Name of the run.
        run: String,
        /// Why.
        #[source]
        source: WriteError,
    },
    /// The stored checkpoint is not the log's.
    #[error("the checkpoint kept in the state is not one of the log of this trust root: {why}")]
    Checkpoint {
        /// What is wrong with it.
        why: String,
    },
    /// An entry whose evidence can't be kept as it wants.
    #[error("`{entry}` is not collected: {why}")]
    Sealing {
        /// Entry.
        entry: String,
        /// Why, and what to do.
        why: String,
    },
    /// The thread that closes segments died.
    #[error("the part of the agent that closes segments stopped unexpectedly")]
    Closing,
    /// The thread that packs exchanges died.
    #[error("the part of the agent that packs what was fetched stopped unexpectedly")]
    Packing,
}

/// Who this agent is, as its segments say.
#[derive(Clone)]
pub struct Identity {
    /// Signs manifests.
    pub key: Arc<SigningKey>,
    /// Program and version: `vigie-feed/0.1.0`.
    pub software: String,
    /// User-Agent sent to sites.
    pub user_agent: String,
    /// Which reader reads.
    pub reader: Reader,
}

/// Bounds that a person may set.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// A segment is closed once it holds so many bytes.
    pub segment_bytes: u64,
    /// Or so many exchanges.
    pub segment_exchanges: usize,
    /// Longest pause that a run waits out, in seconds. What asks for more is left for a later run.
    pub patience_secs: u32,
    /// How long open connections of one order are listened to, in seconds. The next one goes by newer policy. Default 900.
    pub stream_secs: u32,
    /// Longest time a reading may take. Its answer is then kept without one.
    pub reading: std::time::Duration,
    /// After how long a reading lets others go ahead.
    pub turn: std::time::Duration,
    /// Free disk space below which nothing is fetched.
    pub min_free_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            segment_exchanges: 500,
            patience_secs: 30,
            stream_secs: 900,
            reading: std::time::Duration::from_secs(300),
            turn: std::time::Duration::from_secs(10),
            min_free_bytes: crate::outbox::MIN_FREE_BYTES,
        }
    }
}

/// What carries out runs of one collector.
pub struct Engine {
    /// The collector.
    pub collector: Arc<dyn Erased>,
    /// The outside.
    pub network: Arc<dyn Network>,
    /// Memory.
    pub state: Arc<State>,
    /// Segments.
    pub outbox: Outbox,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who signs.
    pub identity: Identity,
    /// Bounds.
    pub bounds: Bounds,
    /// Pauses between re-checks of an item where the operator sets them; else the collector's manifest does.
    pub recheck_after_secs: Option<Vec<u32>>,
    /// Keys of sealed evidence.
    pub sealing: Sealing,
    /// Drafts on their way to a number; the one thread that gives numbers out.
    queue: Arc<closing::Queue>,
}

/// A run to be made.
#[derive(Clone, Debug)]
pub struct Order {
    /// Target, entry, policy.
    pub facts: RunFacts,
    /// The policy issue, as the log signed it.
    pub issue: String,
    /// Why.
    pub work: Work,
    /// When it was due; none for one started by hand.
    pub due: Option<Timestamp>,
    /// Whether the clock is known to be right.
    pub clock_synchronised: Option<bool>,
    /// Ends the run early, between two exchanges.
    pub stop: CancellationToken,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub run: String,
    /// Its lane.
    pub lane: Lane,
    /// Coverage, as its last segment says.
    pub coverage: Coverage,
    /// Its segments' manifests.
    pub segments: Vec<Digest>,
}

impl Report {
    /// In a line, for people: `complete (2 requests, 2 records, 2 new)`, and why not, where something is missing.
    #[must_use]
    pub fn in_words(&self) -> String {
        let coverage = &self.coverage;
        let state = serde_json::to_value(coverage.state)
            .ok()
            .and_then(|word| word.as_str().map(|word| word.replace('_', " ")))
            .unwrap_or_default();
        let counted = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let mut said = format!(
            "{state} ({}, {}, {} new",
            counted(coverage.requests, "request"),
            counted(coverage.records, "record"),
            coverage.new
        );
        if coverage.unreadable > 0 {
            said.push_str(&format!(", {} unreadable", coverage.unreadable));
        }
        if let Some(why) = &coverage.why {
            said.push_str(&format!("; {why}"));
        }
        said.push(')');
        said
    }
}

/// How many batches of items one run of a target describes at most.
const MAX_ITEM_BATCHES: usize = 20;

impl Engine {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        collector: Arc<dyn Erased>,
        network: Arc<dyn Network>,
        state: Arc<State>,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
        identity: Identity,
    ) -> Self {
        let (bounds, sealing, recheck_after_secs) = (Bounds::default(), Sealing::default(), None);
        let queue = Arc::default();
        Self { collector, network, state, outbox, clock, identity, bounds, recheck_after_secs, sealing, queue }
    }

    /// Makes one run. `None` where a run of that target and due time was begun before.
    ///
    /// # Errors
    ///
    /// [`EngineError`]: the agent's own disk or state; whatever a source does is coverage, not an error.
    pub async fn run(self: &Arc<Self>, order: Order) -> Result<Option<Report>, EngineError> {
        let until = self.stream_until();
        self.run_until(order, until).await
    }

    fn stream_until(&self) -> Timestamp {
        let lasts = i64::from(self.bounds.stream_secs);
        self.clock.now().checked_add(jiff::SignedDuration::from_secs(lasts)).unwrap_or(Timestamp::MAX)
    }

    async fn run_until(self: &Arc<Self>, order: Order, until: Timestamp) -> Result<Option<Report>, EngineError> {
        let lane = self.lane(&order)?;
        let Some(row) = self.state.begin_run(&order.facts.target.id, lane, order.due, self.clock.now())? else {
            return Ok(None);
        };
        let report = run::Running::begin(self, order, row, lane, until)?.go().await?;
        Ok(Some(report))
    }

    /// Makes a run of a target, then describes the items its readings want, then checks again the items that are due. An open connection that ends
    /// is made again until its time is over ([`Bounds::stream_secs`]), a run each.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn run_target(self: &Arc<Self>, order: Order) -> Result<Vec<Report>, EngineError> {
        let mut reports = Vec::new();
        let until = self.stream_until();
        let Some(first) = self.run_until(order.clone(), until).await? else {
            return Ok(reports);
        };
        let streams = first.lane == Lane::Stream;
        reports.push(first);
        if streams {
            self.reconnect(&order, until, &mut reports).await?;
        }
        let mut good = reports.last().is_some_and(|report| goes_on(report.coverage.state));
        let (target, batch) = (order.facts.target.id.clone(), self.collector.about().batch);
        let mut again = false;
        for _ in 0..MAX_ITEM_BATCHES {
            if !good || order.stop.is_cancelled() {
                break;
            }
            let now = self.clock.now();
            let due = if again {
                self.state.recheck_due(&target, now, batch)?
            } else {
                self.state.wants_due(&target, now, batch)?.into_iter().map(|wanted| wanted.known).collect()
            };
            match (due.is_empty(), again) {
                (true, true) => break,
                (true, false) => again = true,
                (false, _) => {
                    let items = Order { work: Work::Items { due, again }, due: None, ..order.clone() };
                    if let Some(report) = self.run(items).await? {
                        good = goes_on(report.coverage.state);
                        reports.push(report);
                    }
                }
            }
        }
        Ok(reports)
    }
}

/// Whether more of the same target may be asked right after such a run.
const fn goes_on(state: CoverageState) -> bool {
    matches!(state, CoverageState::Complete | CoverageState::Partial | CoverageState::Empty)
}

#[cfg(test)]
pub(crate) mod tests;
