//! What is answered to a segment?
//!
//! In this order: parse, bounded → the manifest's signature by an enrolled key → chain → clocks → a verdict for each capture → bytes durable →
//! leaves → checkpoint → receipt. Whatever can be said in a signed refusal is one, with a leaf, so that the agent may let go; what is no fault of
//! the segment (unknown agent, a log that was set back, a full disk) is a problem without a leaf, and the agent keeps what it has.
//!
//! Receipts: [`Receipt`]'s `at` is in no leaf. It is kept as operator data with the answer, in the transaction of the leaf's row; an
//! answer whose row was lost with the database is made again with the time of the asking, which is later than the truth and claims less.

mod judge;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use schemas::Digest;
use schemas::leaf::{Act, Leaf, RefusalCode};
use schemas::manifest::Minute;
use schemas::policy::{AgentState, CLOCK_TOLERANCE, History};
use schemas::problem::Problem;
use schemas::receipt::{Receipt, ReceiptAnswer};
use schemas::segment::{MAX_FILE_BYTES, Segment, SegmentError, tombstoned_units};
use tlog::{Note, VerifierKey};

pub(super) use judge::{Budgets, captured};
pub use judge::{is_home, vantage};

use super::follow::ranges;
use super::log::{Addition, LogError, chain};
use super::store::{LeafKind, ReceiptRow, Store as _};
use super::{Inner, Registry, RegistryError};

/// Whole segments of one agent that are refused in writing on one UTC day, since the registry was opened.
pub const MAX_REFUSALS_A_DAY: u32 = 200;

/// Why a segment got no receipt at all: no leaf was written, the agent keeps it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutProblem {
    /// Nothing in the body says which agent sent it, or that agent is not enrolled.
    #[error("{why}")]
    UnknownAgent {
        /// Why.
        why: String,
    },
    /// The body is not the segment of that name.
    #[error("{why}")]
    NotASegment {
        /// What was found.
        why: String,
    },
    /// The agent knows more of this log than the log does.
    #[error("{why}")]
    RolledBack {
        /// What was found.
        why: String,
    },
    /// The agent sends what must be refused, again and again.
    #[error("{why}")]
    TooManyRefusals {
        /// How many.
        why: String,
    },
    /// Too little space is left.
    #[error("the registry's disk is nearly full; the segment is wanted later")]
    DiskFull,
    /// Something failed here; the rest is in the registry's own log.
    #[error("the registry could not keep the segment; it is wanted later")]
    Unavailable {
        /// What failed.
        #[source]
        source: Box<RegistryError>,
    },
}

impl PutProblem {
    /// Stable code and HTTP status.
    #[must_use]
    pub const fn code(&self) -> (&'static str, u16) {
        match self {
            Self::UnknownAgent { .. } => ("unknown_agent", 403),
            Self::NotASegment { .. } => ("not_a_segment", 400),
            Self::RolledBack { .. } => ("rolled_back", 409),
            Self::TooManyRefusals { .. } => ("too_many_refusals", 429),
            Self::DiskFull => ("disk_full", 507),
            Self::Unavailable { .. } => ("unavailable", 503),
        }
    }

    /// As HTTP says it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (code, status) = self.code();
        let title = match self {
            Self::UnknownAgent { .. } => "no enrolled agent signed this segment",
            Self::NotASegment { .. } => "this is not the segment of that name",
            Self::RolledBack { .. } => "this log was set back",
            Self::TooManyRefusals { .. } => "too many of its segments were refused today",
            Self::DiskFull => "the disk is nearly full",
            Self::Unavailable { .. } => "the registry can't keep it now",
        };
        Problem {
            kind: format!("urn:vigie:problem:{code}"),
            code: code.to_owned(),
            title: title.to_owned(),
            status,
            detail: Some(self.to_string()),
            instance: None,
        }
    }
}

impl<E: Into<RegistryError>> From<E> for PutProblem {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.is_full() {
            return Self::DiskFull;
        }
        tracing::error!(why = chain(&error), "a segment could not be kept");
        Self::Unavailable { source: Box::new(error) }
    }
}

/// A refusal of the whole segment.
struct Refusal {
    code: RefusalCode,
    why: String,
}

fn refusal(code: RefusalCode, why: impl Into<String>) -> Refusal {
    Refusal { code, why: why.into() }
}

/// What is kept of a segment.
struct Verdict {
    refused: BTreeSet<u64>,
    late: BTreeSet<u64>,
    code: RefusalCode,
    budget: judge::Reservation,
}

enum Stop {
    Refuse(Refusal),
    Problem(PutProblem),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl<E: Into<RegistryError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Problem(PutProblem::from(error))
    }
}

impl Registry {
    /// Takes a segment. `name` is the digest of its manifest, `from` the size of the newest checkpoint the agent has of this log (0: none).
    ///
    /// The same name again gives the same receipt, whatever the body.
    ///
    /// # Errors
    ///
    /// [`PutProblem`]: nothing was promised, the agent keeps the segment and asks again.
    pub fn put_segment(&self, name: &Digest, bytes: &[u8], from: u64) -> Result<ReceiptAnswer, PutProblem> {
        let inner = &self.inner;
        if let Err(problem) = inner.check_from(from) {
            // Anybody may name a size; an enrolled agent's signature makes it worth an alarm.
            if read(bytes).is_ok_and(|read| inner.is_of_agent(name, &read.signed)) {
                inner.raise("rolled_back", &problem.to_string());
            }
            return Err(problem);
        }
        if let Some(answer) = inner.known(name, from)? {
            inner.heal(name, bytes)?;
            return Ok(answer);
        }
        for place in [&inner.config.data, &inner.config.second] {
            let free = inner
                .config
                .disk
                .free_bytes(place)
                .map_err(|source| RegistryError::Disk { path: place.clone(), source })?;
            if free < inner.config.min_free_bytes {
                return Err(PutProblem::DiskFull);
            }
        }
        inner.sender(name, bytes)?;
        // Reading costs most and needs no lock.
        let read = read(bytes);
        let answer = inner.take(name, bytes, read, from);
        inner.wake();
        answer
    }
}

/// A body taken apart: as far as it holds together, and why no further.
struct Read {
    signed: Signed,
    segment: Result<Segment, SegmentError>,
}

/// What the last record says, whatever stands before it.
struct Signed {
    note: Note,
    agent: String,
    digest: Digest,
}

fn read(bytes: &[u8]) -> Result<Read, String> {
    let segment = Segment::read(bytes);
    let signed = match &segment {
        Ok(segment) => {
            Signed { note: segment.note.clone(), agent: segment.manifest.agent.clone(), digest: segment.digest }
        }
        // Who sent a broken segment shows in its manifest, if that at least is whole.
        Err(error) => last_manifest(bytes).ok_or_else(|| chain(error))?,
    };
    Ok(Read { signed, segment })
}

/// The manifest in the last gzip member, if there is one.
fn last_manifest(bytes: &[u8]) -> Option<Signed> {
    /// A manifest with its signature is far smaller.
    const TAIL: usize = 64 << 10;
    let tail = bytes.get(bytes.len().saturating_sub(TAIL)..)?;
    let starts = tail.windows(3).enumerate().rev().filter(|(_, window)| *window == [0x1f, 0x8b, 0x08]);
    for (start, _) in starts.take(16) {
        let mut reader = warc::Reader::strict(tail.get(start..)?)
            .any_encoder()
            .with_limits(warc::Limits { member_bytes: 1 << 20, ..warc::Limits::default() });
        let Some(Ok(entry)) = reader.next() else {
            continue;
        };
        if entry.record.get("Content-Type") != Some(schemas::capture::media_type::MANIFEST) {
            return None;
        }
        let note = Note::parse(&entry.record.block).ok()?;
        let text = note.text.strip_suffix('\n')?.as_bytes().to_vec();
        let manifest: schemas::manifest::Manifest = schemas::canonical::from_canonical(&text).ok()?;
        return Some(Signed { note, agent: manifest.agent, digest: Digest::of(&text) });
    }
    None
}

impl Inner {
    fn check_from(&self, from: u64) -> Result<(), PutProblem> {
        let size = self.log.published().size;
        if from <= size {
            return Ok(());
        }
        let why = format!(
            "an agent has a checkpoint of {from} leaves, this log has {size}: it was set back; restore it from the newest backup"
        );
        Err(PutProblem::RolledBack { why })
    }

    /// Whether an agent signed it, found out at its end alone: nobody else can make the registry unpack anything.
    fn sender(&self, name: &Digest, bytes: &[u8]) -> Result<(), PutProblem> {
        let signed = last_manifest(bytes).ok_or_else(|| PutProblem::NotASegment {
            why: "there is no manifest at its end: it is no segment, or was cut on the way".to_owned(),
        })?;
        if signed.digest != *name {
            let why = format!("the body's manifest is {}, the address says {name}", signed.digest);
            return Err(PutProblem::NotASegment { why });
        }
        let history = Arc::clone(&self.now().history);
        let (key, ..) = self.agent_key(&history, &signed.agent)?;
        match signed.note.verify(std::slice::from_ref(&key)) {
            Ok(_) => Ok(()),
            Err(why) => Err(PutProblem::UnknownAgent {
                why: format!("the manifest is not signed by `{}`: {why}", signed.agent),
            }),
        }
    }

    /// Whether an agent that is enrolled now signed it.
    fn is_of_agent(&self, name: &Digest, signed: &Signed) -> bool {
        let history = Arc::clone(&self.now().history);
        let key = self.agent_key(&history, &signed.agent);
        signed.digest == *name
            && matches!(key, Ok((key, false, _)) if signed.note.verify(std::slice::from_ref(&key)).is_ok())
    }

    fn take(
        &self,
        name: &Digest,
        bytes: &[u8],
        read: Result<Read, String>,
        from: u64,
    ) -> Result<ReceiptAnswer, PutProblem> {
        let Read { signed, segment } = read.map_err(|why| PutProblem::NotASegment { why })?;
        if signed.digest != *name {
            let why = format!("the body's manifest is {}, the address says {name}", signed.digest);
            return Err(PutProblem::NotASegment { why });
        }
        let acts = self.reading();
        let history = Arc::clone(&self.now().history);
        let (key, revoked, collector) = self.agent_key(&history, &signed.agent)?;
        if let Err(why) = signed.note.verify(std::slice::from_ref(&key)) {
            let why = format!("the manifest is not signed by `{}`: {why}", signed.agent);
            return Err(PutProblem::UnknownAgent { why });
        }
        let one = self.agent_lock(&signed.agent);
        let one_at_a_time = one.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been at the same segment.
        if let Some(answer) = self.known(name, from)? {
            return Ok(answer);
        }
        let judged = if revoked {
            Err(Stop::Refuse(refusal(RefusalCode::Revoked, format!("agent `{}` is revoked", signed.agent))))
        } else {
            match &segment {
                Ok(segment) => self.judge(&history, segment, &collector).map(|verdict| (segment, verdict)),
                Err(SegmentError::TooLarge) => {
                    Err(refusal(RefusalCode::TooLarge, SegmentError::TooLarge.to_string()).into())
                }
                Err(error) => Err(refusal(RefusalCode::Broken, chain(error)).into()),
            }
        };
        match judged {
            Ok((segment, verdict)) => self.accept(segment, bytes, verdict)?,
            Err(Stop::Refuse(refused)) => {
                self.count_refusal(&signed.agent)?;
                self.refuse(name, refused)?;
            }
            Err(Stop::Problem(problem)) => return Err(problem),
        }
        drop(one_at_a_time);
        drop(acts);
        self.point("before_answer")?;
        let answer =
            self.known(name, from)?.ok_or_else(|| RegistryError::refused("a segment that was logged is not found"))?;
        self.point("after_answer")?;
        Ok(answer)
    }

    fn agent_lock(&self, agent: &str) -> Arc<Mutex<()>> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(agents.entry(agent.to_owned()).or_default())
    }

    /// The agent's key, and whether it was revoked: a revoked agent's signature still says that a segment is its own.
    fn agent_key(&self, history: &History, agent: &str) -> Result<(VerifierKey, bool, String), PutProblem> {
        match history.agent(agent, u64::MAX) {
            AgentState::Enrolled { vkey, collector } => Ok((vkey, false, collector)),
            AgentState::Revoked => {
                let mut leaves = self.store.of_kind(LeafKind::Statement)?;
                leaves.reverse();
                let once = leaves.iter().find_map(|leaf| match history.agent(agent, leaf.index) {
                    AgentState::Enrolled { vkey, collector } => Some((vkey, true, collector)),
                    _ => None,
                });
                once.ok_or_else(|| PutProblem::UnknownAgent { why: format!("agent `{agent}` is revoked") })
            }
            AgentState::Unknown => {
                let why = format!("no agent `{agent}` is enrolled; ask an enroller to sign `vigie agent enrol`");
                Err(PutProblem::UnknownAgent { why })
            }
        }
    }

    fn judge(&self, history: &History, segment: &Segment, collector: &str) -> Result<Verdict, Stop> {
        let manifest = &segment.manifest;
        if !tombstoned_units(segment).is_empty() {
            return Err(refusal(RefusalCode::Broken, "it comes with tombstones; only the registry erases").into());
        }
        self.check_checkpoint(manifest)?;
        self.check_chain(&segment.digest, manifest)?;
        let view = segment.view().map_err(|why| refusal(RefusalCode::Broken, chain(&why)))?;
        let now = self.clock();
        self.check_clock(manifest, &view, now)?;
        let verdict = judge::captures(history, segment, &view, collector, self)?;
        // A leaf names the refused units; what does not fit into one is refused whole.
        if ranges(verdict.refused.iter().copied()).len() > 1000 {
            return Err(refusal(verdict.code, "more than 1,000 stretches of it are not permitted").into());
        }
        Ok(verdict)
    }

    /// The checkpoint the agent had verified is one of this log.
    fn check_checkpoint(&self, manifest: &schemas::manifest::Manifest) -> Result<(), Stop> {
        let seen = &manifest.checkpoint;
        if let Err(problem) = self.check_from(seen.size) {
            self.raise("rolled_back", &problem.to_string());
            return Err(Stop::Problem(problem));
        }
        let root = self.log.root_at(seen.size)?;
        if root == seen.root {
            return Ok(());
        }
        let why = format!(
            "agent `{}` verified a checkpoint of {} leaves with root {}, this log had root {root} at that size: one of the two was shown another log",
            manifest.agent, seen.size, seen.root
        );
        self.raise("split_view", &why);
        Err(Stop::Problem(PutProblem::RolledBack { why }))
    }

    fn check_chain(&self, digest: &Digest, manifest: &schemas::manifest::Manifest) -> Result<(), Stop> {
        let seq = manifest.seq;
        if seq == 0 || (seq == 1) != manifest.prev.is_none() {
            return Err(refusal(
                RefusalCode::Broken,
                "the first segment of an agent has number 1 and no predecessor, all others have one",
            )
            .into());
        }
        let fork = |other: &Digest, number: u64| {
            let why = format!(
                "segment {number} of `{}` is in the log as {other}: two machines use one key, or the agent was set back",
                manifest.agent
            );
            self.raise("fork", &why);
            Stop::Refuse(refusal(RefusalCode::Fork, why))
        };
        for leaf in self.store.chain(&manifest.agent, seq.saturating_sub(1)..=seq.saturating_add(1))? {
            let Some((_, number)) = &leaf.link else {
                continue;
            };
            let other = leaf.digest;
            if *number == seq {
                return Err(fork(&other, seq));
            }
            if *number < seq && manifest.prev != Some(other) {
                return Err(fork(&other, *number));
            }
            let Leaf::Manifest(beside) = leaf.leaf().map_err(RegistryError::leaf)? else {
                continue;
            };
            if *number > seq && beside.prev != Some(*digest) {
                return Err(fork(&other, *number));
            }
            // What was verified once stays verified; naming an older checkpoint would let captures be dated back.
            let (before, after) = if *number < seq { (&beside, manifest) } else { (manifest, &beside) };
            if after.checkpoint.size < before.checkpoint.size {
                let why = format!(
                    "segment {} of `{}` names a checkpoint of {} leaves, the one before it {}",
                    after.seq, manifest.agent, after.checkpoint.size, before.checkpoint.size
                );
                return Err(refusal(RefusalCode::Clock, why).into());
            }
        }
        Ok(())
    }

    /// Captures lie between the checkpoint the agent had seen and now, give or take [`CLOCK_TOLERANCE`].
    fn check_clock(
        &self,
        manifest: &schemas::manifest::Manifest,
        view: &schemas::segment::View<'_>,
        now: Timestamp,
    ) -> Result<(), Stop> {
        let latest = now.checked_add(CLOCK_TOLERANCE).unwrap_or(Timestamp::MAX);
        let refused = |why: String| Err(Stop::Refuse(refusal(RefusalCode::Clock, why)));
        if manifest.time.start() > latest {
            return refused(format!("it was closed at {}, which is yet to come", manifest.time));
        }
        let earliest = self
            .store
            .checkpoint_at(manifest.checkpoint.size)?
            .and_then(|at| at.checked_sub(CLOCK_TOLERANCE).ok())
            .unwrap_or(Timestamp::MIN);
        for capture in &view.captures {
            let at = capture.ask().at;
            if at > latest {
                return refused(format!("unit {} was captured at {at}, which is yet to come", capture.unit));
            }
            if at < earliest {
                return refused(format!(
                    "unit {} was captured at {at}, before the checkpoint of {} leaves that the agent had verified by then",
                    capture.unit, manifest.checkpoint.size
                ));
            }
        }
        Ok(())
    }

    fn accept(&self, segment: &Segment, bytes: &[u8], verdict: Verdict) -> Result<(), PutProblem> {
        let digest = segment.digest;
        let now = self.clock();
        let mut leaves = vec![Leaf::Manifest(segment.manifest.clone())];
        let refused = ranges(verdict.refused.iter().copied());
        let late = ranges(verdict.late.iter().copied());
        let evidence = self.evidence.clone();
        let prepare: Option<super::log::Prepare> = if refused.is_empty() {
            evidence.keep_segment(&digest, bytes)?;
            None
        } else {
            leaves.push(Leaf::Act(Act::Refusal {
                v: 1,
                manifest: digest,
                units: refused.clone(),
                code: verdict.code,
                time: Minute::of(now),
            }));
            // Tombstones name the refusal's leaf, so the file is made once its index is known, and refused bytes never lie on the disk.
            let bytes = bytes.to_vec();
            let units = verdict.refused;
            Some(Box::new(move |index| {
                let failed = |why: String, full| LogError::Prepare { why, full };
                let left =
                    schemas::segment::erase(&bytes, &units, index + 1).map_err(|why| failed(chain(&why), false))?;
                evidence.keep_segment(&digest, &left).map_err(|why| {
                    let full = matches!(&why, super::evidence::EvidenceError::Disk { source, .. } if super::log::is_full(source));
                    failed(chain(&why), full)
                })
            }))
        };
        let receipts: super::log::Receipts = Box::new(move |index| {
            let receipt = Receipt::Receipt { v: 1, manifest: digest, index, refused, late, at: whole_second(now) };
            receipt_row(&receipt).into_iter().collect()
        });
        self.log.add(Addition { leaves, prepare, receipts: Some(receipts) })?;
        verdict.budget.settle();
        Ok(())
    }

    /// A whole segment that is refused gets a leaf, so that its agent may let go. A key that sends nothing else, stolen or revoked, must not grow the log at will.
    fn count_refusal(&self, agent: &str) -> Result<(), PutProblem> {
        let today = super::follow::day_of(self.clock());
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let (day, count) = refusals.entry(agent.to_owned()).or_default();
        if *day != today {
            (*day, *count) = (today, 0);
        }
        if *count >= MAX_REFUSALS_A_DAY {
            drop(refusals);
            let why = format!(
                "{MAX_REFUSALS_A_DAY} segments of `{agent}` were refused today; it is heard again tomorrow (UTC)"
            );
            self.raise("too_many_refusals", &why);
            return Err(PutProblem::TooManyRefusals { why });
        }
        *count += 1;
        Ok(())
    }

    fn refuse(&self, name: &Digest, refused: Refusal) -> Result<(), PutProblem> {
        let now = self.clock();
        let (manifest, Refusal { code, why }) = (*name, refused);
        tracing::warn!(segment = %name, ?code, "a segment is refused: {why}");
        let leaf = Act::Refusal { v: 1, manifest, units: Vec::new(), code, time: Minute::of(now) };
        let receipts: super::log::Receipts = Box::new(move |index| {
            let receipt = Receipt::RefusalReceipt { v: 1, manifest, index, code, why, at: whole_second(now) };
            receipt_row(&receipt).into_iter().collect()
        });
        self.log.add(Addition { leaves: vec![Leaf::Act(leaf)], prepare: None, receipts: Some(receipts) })?;
        Ok(())
    }

    /// The answer for a segment that is in the log, or was refused whole; waits for a checkpoint if none covers it yet.
    fn known(&self, name: &Digest, from: u64) -> Result<Option<ReceiptAnswer>, PutProblem> {
        let refused = || -> Result<Option<_>, RegistryError> {
            let found = self.store.find(LeafKind::Refusal, name)?;
            let whole = |leaf: &super::store::LeafRow| matches!(leaf.leaf(), Ok(Leaf::Act(Act::Refusal { units, .. })) if units.is_empty());
            Ok(found.filter(whole))
        };
        let leaf = match self.store.find(LeafKind::Manifest, name)? {
            Some(leaf) => leaf,
            None => match refused()? {
                Some(leaf) => leaf,
                None => return Ok(None),
            },
        };
        if leaf.index >= self.log.published().size {
            self.log.settle()?;
        }
        let receipt = match self.store.receipt(name)? {
            Some(row) if self.is_receipt_of(&row, &leaf)? => row,
            _ => self.receipt_again(&leaf)?,
        };
        let published = self.log.published();
        let text = format!("{}\n", receipt.body);
        let note = Note::sign(&text, &[self.log.key()]).map_err(|why| RegistryError::leaf(why.to_string()))?;
        let consistency = if from == 0 { Vec::new() } else { self.log.consistency(from, published.size)? };
        Ok(Some(ReceiptAnswer {
            receipt: note.to_string(),
            leaf: String::from_utf8_lossy(&leaf.bytes).into_owned(),
            inclusion: self.log.inclusion(leaf.index, published.size)?,
            consistency,
            checkpoint: published.note,
        }))
    }

    /// Takes the bytes of a logged segment again whose file was lost, without the units that were refused or erased since.
    fn heal(&self, name: &Digest, bytes: &[u8]) -> Result<(), PutProblem> {
        let Some(leaf) = self.store.find(LeafKind::Manifest, name)? else {
            return Ok(());
        };
        if !matches!(self.evidence.segment_bytes(name), Err(super::evidence::EvidenceError::Missing { .. })) {
            return Ok(());
        }
        let Ok(segment) = Segment::read(bytes) else {
            return Ok(());
        };
        if segment.digest != *name || !tombstoned_units(&segment).is_empty() {
            return Ok(());
        }
        // The name covers the manifest, not the signature under it.
        let history = Arc::clone(&self.now().history);
        let (key, ..) = self.agent_key(&history, &segment.manifest.agent)?;
        if segment.verify(&key).is_err() {
            return Ok(());
        }
        let _alone = self.acting();
        let mut left = bytes.to_vec();
        for kind in [LeafKind::Refusal, LeafKind::Erasure] {
            for act in self.store.of_kind(kind)?.iter().filter(|act| act.digest == *name) {
                if let Leaf::Act(Act::Refusal { units, .. } | Act::Erasure { units, .. }) =
                    act.leaf().map_err(RegistryError::leaf)?
                {
                    let units = units.iter().flat_map(|[first, last]| *first..=*last).collect();
                    left = schemas::segment::erase(&left, &units, act.index)
                        .map_err(|why| RegistryError::refused(chain(&why)))?;
                }
            }
        }
        self.evidence.keep_segment(name, &left)?;
        let Leaf::Manifest(manifest) = leaf.leaf().map_err(RegistryError::leaf)? else {
            return Ok(());
        };
        let row = super::follow::segment_row(&self.evidence, &|index| self.past(index), leaf.index, &manifest)?;
        let finder = super::follow::Finder::new(&self.evidence);
        self.store.refresh(leaf.index, &row, &|manifest, unit| finder.find(manifest, unit))?;
        Ok(())
    }

    /// Whether a row of the tables is the receipt of this leaf. What is signed here follows from the log but for the time, the words and which units came late:
    /// otherwise whoever can write to the database could have anything signed with the log's key, a checkpoint for one.
    fn is_receipt_of(&self, row: &ReceiptRow, leaf: &super::store::LeafRow) -> Result<bool, RegistryError> {
        let Ok(receipt) = schemas::canonical::from_canonical::<Receipt>(row.body.as_bytes()) else {
            return Ok(false);
        };
        let own = receipt_row(&receipt).is_some_and(|again| again == *row);
        if !own || receipt.manifest() != leaf.digest || receipt.index() != leaf.index {
            return Ok(false);
        }
        Ok(match (&receipt, leaf.leaf().map_err(RegistryError::leaf)?) {
            (Receipt::RefusalReceipt { v: 1, code, .. }, Leaf::Act(Act::Refusal { code: logged, .. })) => {
                *code == logged
            }
            (Receipt::Receipt { v: 1, refused, .. }, Leaf::Manifest(_)) => {
                *refused == self.refused_units(&leaf.digest)?
            }
            _ => false,
        })
    }

    /// Units that were refused when the segment was taken in, as its refusal leaf names them.
    fn refused_units(&self, manifest: &Digest) -> Result<Vec<[u64; 2]>, RegistryError> {
        let leaf = self.store.find(LeafKind::Refusal, manifest)?;
        Ok(match leaf.map(|leaf| leaf.leaf()) {
            Some(Ok(Leaf::Act(Act::Refusal { units, .. }))) => units,
            _ => Vec::new(),
        })
    }

    /// A receipt whose row was lost.
    fn receipt_again(&self, leaf: &super::store::LeafRow) -> Result<ReceiptRow, RegistryError> {
        let at = whole_second(self.clock());
        let (manifest, index) = (leaf.digest, leaf.index);
        let receipt = match leaf.leaf().map_err(RegistryError::leaf)? {
            Leaf::Act(Act::Refusal { code, .. }) => {
                let why = "the reason in words was lost with the database; the code stands in the log".to_owned();
                Receipt::RefusalReceipt { v: 1, manifest, index, code, why, at }
            }
            _ => {
                let refused = self.refused_units(&manifest)?;
                let late = self.late_again(&manifest, index)?;
                Receipt::Receipt { v: 1, manifest, index, refused, late, at }
            }
        };
        let row =
            receipt_row(&receipt).ok_or_else(|| RegistryError::leaf("a receipt has no canonical form".to_owned()))?;
        self.store.keep_receipt(&row)?;
        Ok(row)
    }

    fn late_again(&self, manifest: &Digest, index: u64) -> Result<Vec<[u64; 2]>, RegistryError> {
        let Ok(segment) = self.evidence.segment(manifest) else {
            return Ok(Vec::new());
        };
        let Ok(view) = segment.view() else {
            return Ok(Vec::new());
        };
        Ok(ranges(judge::late(&*self.past(index)?, &view)))
    }
}

fn receipt_row(receipt: &Receipt) -> Option<ReceiptRow> {
    let bytes = schemas::canonical::canonical_of(receipt).ok()?;
    Some(ReceiptRow { manifest: receipt.manifest(), body: String::from_utf8(bytes).ok()? })
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Largest body worth reading: see [`Segment::read`].
pub const MAX_BODY_BYTES: u64 = MAX_FILE_BYTES;
