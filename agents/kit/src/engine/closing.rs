//! How do runs that end together share what is asked of the disk?
//!
//! Whoever closes a segment puts its draft into a queue. One thread takes all that wait: it writes their files with the next numbers, syncs them,
//! gives them their names, syncs the folder once, and names them all in one transaction. While it works, the next ones queue up; a run that
//! ends alone waits for nobody. Nothing is told of before it is on the disk.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use schemas::{Digest, manifest::CheckpointRef, policy::Policy};
use tlog::{Checkpoint, EMPTY_ROOT};
use tokio::sync::oneshot;

use super::{
    Engine, EngineError,
    draft::{Draft, Frame, Place},
};
use crate::state::{Changes, Placed, Settled, StateError, Whose};

/// A draft about to become a segment, and what it settles.
pub(super) struct Closing {
    pub draft: Draft,
    pub frame: Frame,
    /// Number of the walk.
    pub walk: i64,
    /// Which reader read.
    pub reader: String,
    pub now: Timestamp,
    pub changes: Changes,
}

/// Segments that share a transaction at most. Each has a file open until it is on the disk.
const MOST_TOGETHER: usize = 64;

/// A closed segment's digest, and its changes with the rows they got.
type Closed = (Digest, Changes);

struct Waiting {
    closing: Closing,
    tell: Tell,
}

/// Where the outcome is waited for.
type Tell = oneshot::Sender<Result<Closed, EngineError>>;

/// Drafts that wait for the thread that closes.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// The checkpoint last found to be the log's: as signed, by which root, and what it says.
    verified: Mutex<Option<(String, Digest, CheckpointRef)>>,
    /// Segments that are named or not: their files stay until the next commit says that they are not.
    doubtful: Mutex<Vec<Placed>>,
}

#[derive(Default)]
struct Inner {
    waiting: Vec<Waiting>,
    /// Whether a thread closes. It goes on until nothing waits.
    busy: bool,
}

impl Queue {
    fn push(&self, waiting: Waiting) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.waiting.push(waiting);
        !mem::replace(&mut inner.busy, true)
    }

    fn take(&self) -> Option<Vec<Waiting>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.busy = !inner.waiting.is_empty();
        let some = inner.waiting.len().min(MOST_TOGETHER);
        inner.busy.then(|| inner.waiting.drain(..some).collect())
    }
}

/// Should the thread that closes ever panic, those who wait are told and the next one starts anew.
struct Lead<'a>(&'a Queue);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.inner.lock().unwrap_or_else(PoisonError::into_inner) = Inner::default();
        }
    }
}

impl Engine {
    /// Makes a segment of a draft, names it and settles what it settles.
    pub(super) async fn close_segment(self: &Arc<Self>, closing: Closing) -> Result<Closed, EngineError> {
        let (tell, told) = oneshot::channel();
        if self.queue.push(Waiting { closing, tell }) {
            let (queue, engine) = (Arc::clone(&self.queue), Arc::downgrade(self));
            tokio::task::spawn_blocking(move || {
                let _lead = Lead(&queue);
                while let Some(batch) = queue.take() {
                    // Held only while it is needed: whoever is told may let go of state and outbox at once.
                    let told = engine.upgrade().map(|engine| engine.close_batch(batch));
                    for (tell, closed) in told.into_iter().flatten() {
                        // Whoever gave up waiting finds it done in the state.
                        let _ = tell.send(closed);
                    }
                }
            });
        }
        told.await.map_err(|_| EngineError::Closing)?
    }

    fn close_batch(&self, mut batch: Vec<Waiting>) -> Vec<(Tell, Result<Closed, EngineError>)> {
        match self.close_all(&mut batch) {
            Ok(digests) => batch
                .into_iter()
                .zip(digests)
                .map(|(Waiting { closing, tell }, digest)| (tell, Ok((digest, closing.changes))))
                .collect(),
            Err(error) => match batch.pop() {
                Some(last) if batch.is_empty() => vec![(last.tell, Err(error))],
                // One by one, so that what can't be written is the fault of its own run only.
                last => batch.into_iter().chain(last).flat_map(|waiting| self.close_batch(vec![waiting])).collect(),
            },
        }
    }

    /// All of it, or nothing and no trace.
    fn close_all(&self, batch: &mut [Waiting]) -> Result<Vec<Digest>, EngineError> {
        let chain = self.state.chain(&self.identity.key.vkey().id_text())?;
        let (mut seq, mut prev, note) = (chain.seq, chain.prev, chain.checkpoint);
        let (mut files, mut digests) = (Vec::new(), Vec::new());
        for Waiting { closing: Closing { draft, frame, .. }, .. } in &mut *batch {
            let checkpoint = self.checkpoint(note.as_deref(), &frame.policy)?;
            let place = Place { seq, prev, checkpoint, now: self.clock.now() };
            let closed_at = place.now;
            let (file, sealed) = self.write_segment(draft, frame, place)?;
            files.push((file, seq, sealed.digest, closed_at));
            digests.push(sealed.digest);
            seq += 1;
            prev = Some(sealed.digest);
        }
        let placed = self.outbox.place(files)?;
        let mut settled: Vec<_> = batch
            .iter_mut()
            .zip(&placed)
            .map(|(Waiting { closing: Closing { frame, walk, reader, now, changes, .. }, .. }, segment)| {
                let (target, run) = (&*frame.run.target.id, &*frame.run.id);
                let whose = Whose { target, lane: frame.run.lane, walk: *walk, run, reader, now: *now };
                Settled { whose, changes, segment }
            })
            .collect();
        match self.state.commit_all(&mut settled) {
            Ok(()) => {
                self.doubtful().drain(..).for_each(|placed| self.outbox.take_back(&placed));
                Ok(digests)
            }
            Err(error) => {
                match &error {
                    StateError::Doubtful(_) => self.doubtful().extend(placed),
                    _ => placed.iter().for_each(|placed| self.outbox.take_back(placed)),
                }
                Err(error.into())
            }
        }
    }

    fn doubtful(&self) -> MutexGuard<'_, Vec<Placed>> {
        self.queue.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest checkpoint verified, as manifests name it; its signature is looked at once.
    fn checkpoint(&self, note: Option<&str>, policy: &Policy) -> Result<CheckpointRef, EngineError> {
        let Some(note) = note else {
            return Ok(CheckpointRef { size: 0, root: EMPTY_ROOT });
        };
        let mut verified = self.queue.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let root = policy.root_digest();
        if let Some((known, by, checkpoint)) = &*verified
            && known == note
            && *by == root
        {
            return Ok(checkpoint.clone());
        }
        let key = policy.root().log_verifier().map_err(|why| EngineError::Checkpoint { why: why.to_string() })?;
        let (opened, _) =
            Checkpoint::open(note.as_bytes(), &key).map_err(|why| EngineError::Checkpoint { why: why.to_string() })?;
        let checkpoint = CheckpointRef { size: opened.size, root: opened.root };
        *verified = Some((note.to_owned(), root, checkpoint.clone()));
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests;
