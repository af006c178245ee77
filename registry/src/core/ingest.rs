//! What is answered to a segment?
//!
//! In this order: parse, bounded → the manifest's signature by an enrolled key → chain → clocks → a verdict for each capture → bytes durable →
//! leaves → checkpoint → receipt. Whatever can be said in a signed refusal is one, with a leaf, so that the agent may let go; what is no fault of
//! the segment (unknown agent, damage on the way, a log that was set back, a full disk) is a problem without a leaf, and the agent keeps what it has.
//!
//! Receipts: [`Receipt`]'s `at` is in no leaf. It is kept as operator data with the answer, in the transaction of the leaf's row; an
//! answer whose row was lost with the database is made again with the time of the asking, which is later than the truth and claims less.

mod answer;
mod body;
pub(super) mod budget;
mod checks;
pub(super) mod judge;
mod problem;

use std::sync::{Arc, Mutex, PoisonError};

use schemas::Digest;
use schemas::leaf::{Act, Leaf, RefusalCode};
use schemas::manifest::Minute;
use schemas::policy::{AgentState, History};
use schemas::receipt::{Receipt, ReceiptAnswer};
use schemas::segment::{MAX_FILE_BYTES, Segment, SegmentError};
use tlog::{Note, VerifierKey};

pub use problem::PutProblem;

use super::follow::{self, ranges};
use super::log::{Addition, LogError, chain};
use super::store::{LeafKind, Store as _};
use super::{Inner, Registry, RegistryError};
use answer::{receipt_row, whole_second};
use body::{Read, Signed, last_manifest, read};
use judge::Verdict;
use problem::{Refusal, Stop, refusal};

/// Whole segments of one agent that are refused in writing on one UTC day, since the registry was opened.
pub const MAX_REFUSALS_A_DAY: u32 = 200;

impl Registry {
    /// Takes a segment. `name` is the digest of its manifest, `from` the size of the newest checkpoint the agent has of this log (0: none).
    ///
    /// The same name again gives the same receipt, whatever the body.
    ///
    /// # Errors
    ///
    /// [`PutProblem`]: nothing was promised, the agent keeps the segment and asks again.
    pub fn put_segment(&self, name: &Digest, bytes: &[u8], from: u64) -> Result<ReceiptAnswer, PutProblem> {
        self.put_sent(name, bytes, from, None)
    }

    /// The same, where the sender says what the SHA-256 of its bytes is: a body that is another one by now is wanted again, and no fault of the segment.
    ///
    /// # Errors
    ///
    /// As [`put_segment`](Self::put_segment).
    pub fn put_sent(
        &self,
        name: &Digest,
        bytes: &[u8],
        from: u64,
        sent: Option<Digest>,
    ) -> Result<ReceiptAnswer, PutProblem> {
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
        let sender = inner.sender(name, bytes)?;
        // Reading costs most and needs no lock.
        let read = read(bytes);
        let answer = inner.take(name, bytes, &sender, read, from, sent);
        inner.wake();
        answer
    }
}

/// A note at the end of a body, and the key that signed it.
struct Sender {
    note: Note,
    key: VerifierKey,
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
    fn sender(&self, name: &Digest, bytes: &[u8]) -> Result<Sender, PutProblem> {
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
            Ok(_) => Ok(Sender { note: signed.note, key }),
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
        sender: &Sender,
        read: Result<Read, String>,
        from: u64,
        sent: Option<Digest>,
    ) -> Result<ReceiptAnswer, PutProblem> {
        let Read { signed, segment } = read.map_err(|why| PutProblem::NotASegment { why })?;
        if signed.digest != *name {
            let why = format!("the body's manifest is {}, the address says {name}", signed.digest);
            return Err(PutProblem::NotASegment { why });
        }
        let acts = self.reading();
        let history = Arc::clone(&self.now().history);
        let (key, revoked, collector) = self.agent_key(&history, &signed.agent)?;
        // The same note by the same key was verified before the body was read.
        let is_known = sender.note == signed.note && sender.key == key;
        if !is_known && let Err(why) = signed.note.verify(std::slice::from_ref(&key)) {
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
            match segment {
                Ok(segment) => self.judge(&history, &segment, &collector).map(|verdict| (segment, verdict)),
                // Looked at where it matters only: what holds together is what the agent signed.
                Err(error) if sent.is_some_and(|sent| sent != Digest::of(bytes)) => {
                    Err(Stop::Problem(PutProblem::Damaged { why: chain(&error) }))
                }
                Err(SegmentError::TooLarge) => {
                    Err(refusal(RefusalCode::TooLarge, SegmentError::TooLarge.to_string()).into())
                }
                Err(error) => Err(refusal(RefusalCode::Broken, chain(&error)).into()),
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

    fn accept(&self, segment: Segment, bytes: &[u8], verdict: Verdict) -> Result<(), PutProblem> {
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
        let is_whole = prepare.is_none();
        let pending = self.log.begin(Addition { leaves, prepare, receipts: Some(receipts) })?;
        // While the disk is waited for. The follower would read the file again otherwise.
        if is_whole && let Ok(row) = follow::rows(segment, &verdict.late, true) {
            self.fresh.offer(digest, row);
        }
        let waited = pending.wait();
        // After an error it may be in the log nevertheless, and get its receipt when it comes again.
        if waited.is_ok() || self.store.find(LeafKind::Manifest, &digest)?.is_some() {
            verdict.budget.settle();
        }
        waited.inspect_err(|_| drop(self.fresh.take(&digest)))?;
        Ok(())
    }

    /// A whole segment that is refused gets a leaf, so that its agent may let go. A key that sends nothing else, stolen or revoked, must not grow the log at will.
    fn count_refusal(&self, agent: &str) -> Result<(), PutProblem> {
        let today = budget::day_of(self.clock());
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
}

/// Largest body worth reading: see [`Segment::read`].
pub const MAX_BODY_BYTES: u64 = MAX_FILE_BYTES;
