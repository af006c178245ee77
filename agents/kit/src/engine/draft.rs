//! What will stand in the next segment, and how is it written?

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use rand::TryRngCore;
use schemas::{
    Digest, Salt,
    capture::{Commit, Condition, Exchange, Failed, Line, Refused, Run},
    gate::{Origin, RobotsCopy},
    manifest::CheckpointRef,
    policy::Policy,
    segment::{Fetch, Ids, SEALED_WHY, Sealed, SegmentWriter, Start, WriteError},
};
use serde_json::Value;
use uuid::Uuid;

use super::{Engine, EngineError, Fetched, Hop, Judged};
use crate::sealing::Recipients;

/// Bytes of WARC fields and JSON that a hop takes beside its blocks, generously.
const HOP_BYTES: u64 = 8 << 10;

/// A hop and what the engine knows of it.
#[derive(Debug)]
struct Entry {
    hop: Hop,
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

/// Exchanges that are not yet on disk.
#[derive(Debug, Default)]
pub(super) struct Draft {
    entries: Vec<Entry>,
    bytes: u64,
    exchanges: usize,
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

impl Draft {
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub const fn exchanges(&self) -> usize {
        self.exchanges
    }

    pub fn push(&mut self, mut told: Told) {
        self.bytes += told.bytes();
        self.exchanges += 1;
        let answer = told.answer.as_ref().map(|(at, _)| *at);
        for (at, hop) in told.trail.into_iter().enumerate() {
            let read = answer == Some(at);
            let own = read || told.unread == Some(at) || carries_step(&hop);
            self.entries.push(Entry {
                step: if own { told.step.clone() } else { Value::Null },
                conditions: if own { told.conditions.clone() } else { Vec::new() },
                lines: if read { told.answer.as_mut().and_then(|(_, lines)| lines.take()) } else { None },
                said: if read { told.said.take() } else { None },
                read,
                hop,
            });
        }
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

/// Salts and record ids from the operating system, but for responses whose id the network chose.
#[derive(Clone, Default)]
struct OsIds {
    chosen: Arc<Mutex<VecDeque<Uuid>>>,
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
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_else(Uuid::new_v4)
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
        draft: &Draft,
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
        let ids = OsIds::default();
        let file = self.outbox.begin(place.seq)?;
        let mut writer = SegmentWriter::begin(file, ids.clone(), &start).map_err(failed)?;
        writer.run(&frame.run).map_err(failed)?;
        let target = frame.run.target.digest();
        let mut robots = HashMap::new();
        for entry in &draft.entries {
            put(&mut writer, &ids, &mut robots, entry, target, seal.as_ref()).map_err(failed)?;
        }
        if let (Some((run, commit)), Some(seal)) = (frame.full.as_deref(), &seal) {
            writer.sealed_frame(run, commit, place.now, seal).map_err(failed)?;
        }
        writer.seal(&frame.commit, &self.identity.key, place.prev, place.checkpoint, place.now).map_err(failed)
    }
}

type Writer = SegmentWriter<crate::outbox::Draft, OsIds>;

fn put(
    writer: &mut Writer,
    ids: &OsIds,
    robots: &mut HashMap<(String, Timestamp), String>,
    entry: &Entry,
    target: Digest,
    seal: Option<&Recipients>,
) -> Result<(), WriteError> {
    let judged = match &entry.hop {
        Hop::Fetched(fetched) => &fetched.judged,
        Hop::Refused(judged) | Hop::Failed { judged, .. } => judged,
    };
    let copy = judged.robots.as_deref().map(|copy| copy_id(writer, robots, copy)).transpose()?;
    match &entry.hop {
        Hop::Fetched(fetched) => exchange(writer, ids, entry, fetched, copy, target, seal),
        Hop::Refused(judged) => {
            let Judged { ask, decision, .. } = judged.clone();
            let step = if seal.is_some() { Value::Null } else { entry.step.clone() };
            writer.refused(&Refused { v: 1, ask, decision, robots: copy, step }).map(|_| ())
        }
        Hop::Failed { judged, error } => {
            let Judged { ask, decision, attempt, .. } = judged.clone();
            let (step, error) = match seal {
                Some(_) => (Value::Null, SEALED_WHY.to_owned()),
                None => (entry.step.clone(), error.clone()),
            };
            let failed = Failed { v: 1, ask, decision, robots: copy, step, attempt, error };
            writer.failed(&failed).map(|_| ())
        }
    }
}

/// Record id of a robots copy in this segment; written where it is needed first.
fn copy_id(
    writer: &mut Writer,
    robots: &mut HashMap<(String, Timestamp), String>,
    copy: &RobotsCopy,
) -> Result<String, WriteError> {
    let key = (copy.authority.clone(), copy.fetched_at);
    if let Some(id) = robots.get(&key) {
        return Ok(id.clone());
    }
    let id = writer.robots(copy)?;
    robots.insert(key, id.clone());
    Ok(id)
}

fn exchange(
    writer: &mut Writer,
    ids: &OsIds,
    entry: &Entry,
    fetched: &Fetched,
    robots: Option<String>,
    target: Digest,
    seal: Option<&Recipients>,
) -> Result<(), WriteError> {
    // The writer takes an id for the request, then one for the response.
    if let Some(chosen) = fetched.id.strip_prefix("urn:uuid:").and_then(|id| id.parse().ok()) {
        ids.chosen.lock().unwrap_or_else(PoisonError::into_inner).extend([Uuid::new_v4(), chosen]);
    }
    let fetch = Fetch {
        url: &fetched.url,
        date: fetched.at,
        request: &fetched.request,
        response: &fetched.response,
        payload_digest: fetched.payload_digest(),
        kind: fetched.kind.clone(),
        ip: fetched.peer.map(|peer| peer.ip()),
        truncated: fetched.truncated.as_deref(),
    };
    let Judged { ask, decision, attempt, .. } = fetched.judged.clone();
    let about = |response| Exchange {
        v: 1,
        response,
        step: entry.step.clone(),
        target,
        attempt,
        ask,
        decision,
        robots,
        conditions: fetched.conditions.iter().chain(&entry.conditions).cloned().collect(),
        struck: fetched.struck.clone(),
        part: fetched.part.number,
        last: fetched.part.last,
        truncated: fetched.truncated.clone(),
        peer: fetched.peer,
        certificate: fetched.certificate,
        took_ms: fetched.took_ms,
        read: entry.read,
    };
    match seal {
        Some(seal) => writer.sealed_exchange(&fetch, about, entry.said.as_deref(), seal)?,
        None => writer.exchange(&fetch, about)?,
    };
    if let Some(lines) = &entry.lines
        && let Some(Ok(Line::Header(header))) = lines.first().map(|line| serde_json::from_slice(line))
    {
        writer.conversion(&header, lines)?;
    }
    Ok(())
}
