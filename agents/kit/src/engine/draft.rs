//! What will stand in the next segment, and how is it written?

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use rand::TryRngCore;
use schemas::{
    Digest, Salt,
    capture::{Commit, Condition, Exchange, Failed, Line, Refused, Run, Vanished},
    gate::Origin,
    manifest::CheckpointRef,
    policy::Policy,
    segment::{Closing, Fetch, Ids, SEALED_WHY, Seal, Sealed, SegmentWriter, Start, WriteError},
};
use serde_json::Value;
use uuid::Uuid;

use super::{Engine, EngineError, Fetched, Hop, Judged};
use crate::sealing::Recipients;

/// Bytes of WARC fields and JSON that a hop takes beside its blocks, generously.
const HOP_BYTES: u64 = 8 << 10;

/// Bytes of WARC fields and JSON that something vanished takes beside its texts, generously.
const VANISHED_BYTES: u64 = 1 << 10;

/// Exchanges that are not yet on disk: packed, as they will lie there.
pub(super) struct Draft {
    writer: SegmentWriter<OsIds>,
    /// Record ids of the robots copies in it, by authority and time.
    robots: HashMap<(String, Timestamp), String>,
    bytes: u64,
    exchanges: usize,
    /// Record ids of the reservation files in it.
    pub reservations: Vec<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            writer: SegmentWriter::new(OsIds::default()),
            robots: HashMap::new(),
            bytes: 0,
            exchanges: 0,
            reservations: Vec::new(),
        }
    }
}

/// One request's trail, ready to be written.
#[derive(Debug)]
pub(super) struct Told {
    pub trail: Vec<Hop>,
    pub step: Value,
    pub conditions: Vec<Condition>,
    /// Index of the hop that was read, and its lines.
    pub answer: Option<(usize, Option<Vec<Vec<u8>>>)>,
    /// The last line as it was said, where the lines leave it out.
    pub said: Option<Vec<u8>>,
    /// Index of the answer that could not be read to an end: kept, with the reason among its conditions.
    pub unread: Option<usize>,
}

impl Told {
    /// A trail of which nothing was read.
    pub fn of(trail: Vec<Hop>, step: Value, conditions: Vec<Condition>) -> Self {
        Self { trail, step, conditions, answer: None, said: None, unread: None }
    }

    /// Bytes it takes in a segment, generously.
    pub fn bytes(&self) -> u64 {
        let lines =
            self.answer.iter().filter_map(|(_, lines)| lines.as_ref()).flatten().map(|line| line.len() as u64 + 80);
        self.trail.iter().map(hop_bytes).sum::<u64>() + lines.sum::<u64>()
    }

    /// Leaves out what does not fit a segment of its own: the lines first, then bodies, the last first. Says so, for people.
    pub fn shrink(&mut self, most: u64) -> String {
        let why = format!("answer and reading take {} MiB, more than a segment holds", self.bytes() >> 20);
        self.answer = None;
        while self.bytes() > most {
            let fetched = self.trail.iter_mut().rev().find(|hop| matches!(hop, Hop::Fetched(_)));
            let Some(hop) = fetched else { break };
            if let Hop::Fetched(fetched) = hop {
                *hop = Hop::Failed { judged: fetched.judged.clone(), error: why.clone() };
            }
        }
        why
    }
}

fn hop_bytes(hop: &Hop) -> u64 {
    let (judged, blocks) = match hop {
        Hop::Fetched(fetched) => (&fetched.judged, fetched.request.len() + fetched.response.len()),
        Hop::Refused(judged) | Hop::Failed { judged, .. } => (judged, 0),
    };
    let robots = judged.robots.as_ref().map_or(0, |copy| copy.body_base64.len());
    HOP_BYTES + (blocks + robots + 4 * judged.ask.url.len()) as u64
}

/// Bytes that something vanished takes in a segment, generously: each text may be escaped.
pub(super) fn vanished_bytes(said: &Vanished) -> u64 {
    VANISHED_BYTES + 2 * (said.scope.len() + said.platform.len() + said.id.len()) as u64
}

/// What the engine knows of a hop.
struct Known {
    /// Step of the request; null for robots.txt, tokens and redirects that were followed.
    step: Value,
    /// Conditions the engine judged.
    conditions: Vec<Condition>,
    /// What the collector read of it.
    lines: Option<Vec<Vec<u8>>>,
    /// The last line as it was said, where `lines` leave it out.
    said: Option<Vec<u8>>,
    /// Whether it went to the collector.
    read: bool,
}

impl Draft {
    /// Bytes it takes in a segment, uncompressed and generously.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub const fn exchanges(&self) -> usize {
        self.exchanges
    }

    /// Packs an exchange: of which target, and who encrypts it where evidence is sealed.
    ///
    /// # Errors
    ///
    /// What can't be written. The draft is of no use then.
    pub fn push(&mut self, told: Told, target: Digest, seal: Option<&Recipients>) -> Result<(), WriteError> {
        self.bytes += told.bytes();
        self.exchanges += 1;
        let Told { trail, step, conditions, mut answer, mut said, unread } = told;
        for (at, hop) in trail.into_iter().enumerate() {
            let lines = answer.as_mut().filter(|(answer, _)| *answer == at).map(|(_, lines)| lines.take());
            let read = lines.is_some();
            let own = read || unread == Some(at) || carries_step(&hop);
            let known = Known {
                step: if own { step.clone() } else { Value::Null },
                conditions: if own { conditions.clone() } else { Vec::new() },
                lines: lines.flatten(),
                said: if read { said.take() } else { None },
                read,
            };
            self.put(hop, known, target, seal)?;
        }
        Ok(())
    }

    /// Packs what vanished by the reading that was pushed last, of an answer captured `at`.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn vanish(&mut self, all: &[Vanished], at: Timestamp) -> Result<(), WriteError> {
        all.iter().try_for_each(|said| {
            self.bytes += vanished_bytes(said);
            self.writer.vanished(said, at)
        })
    }

    fn put(&mut self, hop: Hop, known: Known, target: Digest, seal: Option<&Recipients>) -> Result<(), WriteError> {
        match hop {
            Hop::Fetched(fetched) => self.exchange(*fetched, known, target, seal),
            Hop::Refused(judged) => {
                let robots = self.robots(&judged)?;
                let Judged { ask, decision, .. } = judged;
                let step = if seal.is_some() { Value::Null } else { known.step };
                self.writer.refused(&Refused { v: 1, ask, decision, robots, step }).map(|_| ())
            }
            Hop::Failed { judged, error } => {
                let robots = self.robots(&judged)?;
                let Judged { ask, decision, attempt, .. } = judged;
                let (step, error) = match seal {
                    Some(_) => (Value::Null, SEALED_WHY.to_owned()),
                    None => (known.step, error),
                };
                self.writer.failed(&Failed { v: 1, ask, decision, robots, step, attempt, error }).map(|_| ())
            }
        }
    }

    /// Record id of the robots copy a decision rests on; written where it is needed first.
    fn robots(&mut self, judged: &Judged) -> Result<Option<String>, WriteError> {
        let Some(copy) = judged.robots.as_deref() else { return Ok(None) };
        let key = (copy.authority.clone(), copy.fetched_at);
        if let Some(id) = self.robots.get(&key) {
            return Ok(Some(id.clone()));
        }
        let id = self.writer.robots(copy)?;
        self.robots.insert(key, id.clone());
        Ok(Some(id))
    }

    fn exchange(
        &mut self,
        fetched: Fetched,
        known: Known,
        target: Digest,
        seal: Option<&Recipients>,
    ) -> Result<(), WriteError> {
        if matches!(fetched.judged.ask.origin, Origin::Reservation { .. }) {
            self.reservations.push(fetched.id.clone());
        }
        let robots = self.robots(&fetched.judged)?;
        let payload_digest = fetched.payload_digest();
        let Fetched { judged: Judged { ask, decision, attempt, .. }, .. } = fetched;
        let fetch = Fetch {
            id: Some(&fetched.id),
            url: &fetched.url,
            date: fetched.at,
            request: &fetched.request,
            response: fetched.response,
            payload_digest,
            kind: fetched.kind,
            ip: fetched.peer.map(|peer| peer.ip()),
            truncated: fetched.truncated.as_deref(),
        };
        let about = |response| Exchange {
            v: 1,
            response,
            step: known.step,
            target,
            attempt,
            ask,
            decision,
            robots,
            reservation: fetched.reservation,
            conditions: fetched.conditions.into_iter().chain(known.conditions).collect(),
            struck: fetched.struck,
            part: fetched.part.number,
            last: fetched.part.last,
            truncated: fetched.truncated.clone(),
            peer: fetched.peer,
            certificate: fetched.certificate,
            took_ms: fetched.took_ms,
            read: known.read,
        };
        match seal {
            Some(seal) => self.writer.sealed_exchange(fetch, about, known.said.as_deref(), seal)?,
            None => self.writer.exchange(fetch, about)?,
        };
        if let Some(lines) = known.lines
            && let Some(Ok(Line::Header(header))) = lines.first().map(|line| serde_json::from_slice(line))
        {
            self.writer.conversion(&header, lines)?;
        }
        Ok(())
    }
}

/// Whether a hop is the request itself, and not a robots.txt, a token call or what a redirect led to.
fn carries_step(hop: &Hop) -> bool {
    let (judged, status) = match hop {
        Hop::Fetched(fetched) => (&fetched.judged, fetched.status),
        Hop::Refused(judged) | Hop::Failed { judged, .. } => (judged, 0),
    };
    let redirected = (300..400).contains(&status) && status != 304;
    matches!(judged.ask.origin, Origin::Plan | Origin::Follow { .. }) && !redirected
}

/// Salts and record ids from the operating system.
#[derive(Default)]
struct OsIds {
    /// Random bytes not yet given out: a call to the system for each salt costs more than the salt.
    salts: Vec<[u8; 32]>,
}

/// Salts drawn at a time.
const SALTS: usize = 16;

impl Ids for OsIds {
    #[expect(clippy::expect_used, reason = "without the operating system's random numbers nothing may be signed")]
    fn salt(&mut self) -> Salt {
        if self.salts.is_empty() {
            let mut bytes = [0; 32 * SALTS];
            rand::rngs::OsRng.try_fill_bytes(&mut bytes).expect("the operating system gives random numbers");
            self.salts.extend(bytes.as_chunks::<32>().0);
        }
        Digest(self.salts.pop().expect("some were drawn"))
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::new_v4()
    }
}

/// What a segment says besides its exchanges.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub run: Run,
    pub commit: Commit,
    pub policy: Arc<Policy>,
    /// Run and commit record in full, where `run` and `commit` leave out what is sealed.
    pub full: Option<Box<(Run, Commit)>>,
}

/// Where a segment stands in the agent's chain.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub seq: u64,
    pub prev: Option<Digest>,
    pub checkpoint: CheckpointRef,
    pub now: Timestamp,
}

impl Engine {
    /// Writes and signs a segment. Its file is not on the disk yet, and has no name.
    pub(super) fn write_segment(
        &self,
        draft: &mut Draft,
        frame: &Frame,
        place: Place,
    ) -> Result<(crate::outbox::Draft, Sealed), EngineError> {
        let root = frame.policy.root();
        let start = Start {
            software: self.identity.software.clone(),
            agent: self.identity.key.vkey().id_text(),
            seq: place.seq,
            root: frame.policy.root_digest(),
            trial: root.trial,
            user_agent: self.identity.user_agent.clone(),
            operator: root.contact.clone().unwrap_or_default(),
            date: place.now,
        };
        let failed = |source| EngineError::Write { run: frame.run.id.clone(), source };
        let seal = frame.full.as_ref().map(|_| Recipients::of(root)).transpose().map_err(|why| failed(why.into()))?;
        let whole = frame.full.as_deref().zip(seal.as_ref());
        let closing = Closing {
            start: &start,
            run: &frame.run,
            commit: &frame.commit,
            whole: whole.map(|((run, commit), seal)| (run, commit, seal as &dyn Seal)),
            key: &self.identity.key,
            prev: place.prev,
            checkpoint: place.checkpoint,
            closed_at: place.now,
        };
        draft.writer.close(self.outbox.begin(place.seq)?, &closing).map_err(failed)
    }
}
