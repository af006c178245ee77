//! Who keeps the tables up with the log? One thread, behind the receipts: nobody who sends a segment waits for it.
//!
//! It takes several leaves in one transaction when it lags. Rows of a segment that was just judged are handed over by the thread that judged it, as many as
//! [`Fresh`] holds; all others are read from the disk.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::Digest;
use schemas::leaf::Leaf;

use super::log::{self, LogError};
use super::store::{Change, LeafKind, LeafRow, LineKind, SegmentRow, Store as _};
use super::{Inner, Progress, RegistryError, follow};

/// How long the follower waits before it tries again what the disk refused.
const RETRY: Duration = Duration::from_secs(5);
/// How long it waits before it begins: who sent the leaf is answered first, and needs the core for it.
const YIELD: Duration = Duration::from_millis(20);
/// How long it waits for more while leaves come one after the other and nobody waits for the tables: what many leaves change is written once.
const GATHER: Duration = Duration::from_secs(1);
/// Most leaves in one transaction.
const MOST_LEAVES: u64 = 256;
/// Lines after which a transaction takes no further leaf: about a second's work. Rows lie by digest and by time of publication, so many lines change
/// the same pages, which are written once for all of a transaction.
const MOST_LINES: usize = 16_384;
/// Most memory that rows handed over may take, roughly: 192 MiB. What does not fit is read, unpacked and parsed again.
const MOST_FRESH_BYTES: usize = 192 << 20;

/// Segments read from the disk that are remembered: rows that are offered behind the follower's back would stay for ever.
const MOST_MISSED: usize = 256;

/// Rows of segments just judged, until the follower comes for them. It comes in the order of the log, so when there are too many, later ones are not taken.
#[derive(Default)]
pub(super) struct Fresh(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    waiting: VecDeque<(Digest, Box<SegmentRow>, usize)>,
    bytes: usize,
    missed: VecDeque<Digest>,
}

impl Fresh {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn offer(&self, manifest: Digest, row: SegmentRow) {
        let bytes = bytes_of(&row);
        let mut rows = self.rows();
        if rows.bytes + bytes <= MOST_FRESH_BYTES && !rows.missed.contains(&manifest) {
            rows.bytes += bytes;
            rows.waiting.push_back((manifest, Box::new(row), bytes));
        }
    }

    pub fn take(&self, manifest: &Digest) -> Option<Box<SegmentRow>> {
        let mut rows = self.rows();
        let Some(at) = rows.waiting.iter().position(|(known, ..)| known == manifest) else {
            rows.missed.push_back(*manifest);
            if rows.missed.len() > MOST_MISSED {
                rows.missed.pop_front();
            }
            return None;
        };
        let (_, row, bytes) = rows.waiting.remove(at)?;
        rows.bytes -= bytes;
        Some(row)
    }

    /// Lets go of all of them: what they say may be about to be destroyed.
    pub fn clear(&self) {
        *self.rows() = Rows::default();
    }
}

fn bytes_of(row: &SegmentRow) -> usize {
    let lines = row.readings.iter().flat_map(|reading| &reading.lines);
    let of_lines = lines.map(|line| match &line.kind {
        // The record has about the size of its text once more.
        LineKind::Record { stated, .. } => size_of_val(line) + size_of_val(&**stated) + 2 * stated.text.len(),
        _ => size_of_val(line),
    });
    of_lines.sum::<usize>() + size_of_val(row) + size_of_val(&*row.captures)
}

impl Inner {
    /// Follows the log until the registry closes.
    pub(super) fn follow(&self) {
        // Leaves came while others were taken in.
        let mut gather = false;
        loop {
            let progress = self.progress();
            if progress.closed {
                return;
            }
            // Asked with the lock held: a checkpoint that comes later wakes the wait below.
            let size = self.log.published().size;
            if progress.followed >= size {
                gather = false;
                drop(self.moved.wait_timeout(progress, RETRY).unwrap_or_else(PoisonError::into_inner));
                continue;
            }
            let progress = self.gathered(progress, if gather { GATHER } else { YIELD });
            drop(progress);
            let following = self.following();
            let size = self.log.published().size;
            let next = self.progress().followed;
            match self.follow_some(next, size) {
                Ok(next) => {
                    let mut progress = self.progress();
                    progress.followed = next;
                    progress.trouble = None;
                    gather = true;
                    drop(progress);
                    self.moved.notify_all();
                }
                Err(error) => {
                    let why = log::chain(&error);
                    tracing::error!(leaf = next, %why, "the index stands still at leaf {next}: {why}");
                    let mut progress = self.progress();
                    progress.trouble = Some(why);
                    self.moved.notify_all();
                    // Not before: what is rebuilt in between would count as in trouble.
                    drop(following);
                    if !progress.closed {
                        drop(self.moved.wait_timeout(progress, RETRY).unwrap_or_else(PoisonError::into_inner));
                    }
                }
            }
        }
    }

    /// Waits for so long, or until somebody waits for the tables or the registry closes.
    fn gathered<'a>(&self, progress: MutexGuard<'a, Progress>, time: Duration) -> MutexGuard<'a, Progress> {
        let alone = |progress: &mut Progress| progress.awaited == 0 && !progress.closed;
        self.moved.wait_timeout_while(progress, time, alone).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes in some of the leaves from `next` to before `size`, at least one; returns the index behind the last.
    pub(super) fn follow_some(&self, next: u64, size: u64) -> Result<u64, RegistryError> {
        let mut changes = Vec::new();
        let mut lines = 0;
        for leaf in self.store.leaves(next, MOST_LEAVES.min(size - next))? {
            match self.change(&leaf) {
                Ok(change) => {
                    lines += lines_of(&change);
                    changes.push(change);
                }
                Err(error) if changes.is_empty() => return Err(error),
                // It is the first of the next round.
                Err(_) => break,
            }
            if lines >= MOST_LINES {
                break;
            }
        }
        if changes.is_empty() {
            return Err(RegistryError::leaf(format!("leaf {next} has no row")));
        }
        let finder = follow::Finder::new(&self.evidence);
        self.store.apply(next, &changes, &|manifest, unit| finder.find(manifest, unit))?;
        Ok(next + changes.len() as u64)
    }

    fn change(&self, row: &LeafRow) -> Result<Change, RegistryError> {
        if row.kind == LeafKind::Erasure {
            // Files first: what the tables are made of must not hold the units any more.
            self.destroy(row)?;
        }
        let leaf = row.leaf().map_err(RegistryError::leaf)?;
        if matches!(leaf, Leaf::Manifest(_))
            && let Some(row) = self.fresh.take(&row.digest)
        {
            return Ok(Change::Segment(row));
        }
        follow::change(&*self.store, &self.evidence, &|index| self.past(index), row.index, &leaf)
    }

    /// Lets the follower look again.
    pub(super) fn wake(&self) {
        // Taking the lock orders this after a follower that is about to wait.
        drop(self.progress());
        self.moved.notify_all();
    }

    /// Waits until the tables are complete to `size`.
    pub(super) fn wait(&self, size: u64) -> Result<(), RegistryError> {
        let mut progress = self.progress();
        progress.awaited += 1;
        self.moved.notify_all();
        while progress.followed < size && progress.trouble.is_none() && !progress.closed {
            progress = self.moved.wait_timeout(progress, RETRY).unwrap_or_else(PoisonError::into_inner).0;
        }
        progress.awaited -= 1;
        match &progress.trouble {
            _ if progress.followed >= size => Ok(()),
            Some(why) => Err(RegistryError::refused(format!("the index does not follow the log: {why}"))),
            None => Err(LogError::Closed.into()),
        }
    }

    /// [`Inner::wait`] for so long; false if the tables are not complete then.
    pub(super) fn wait_for(&self, size: u64, timeout: Duration) -> bool {
        let mut progress = self.progress();
        progress.awaited += 1;
        self.moved.notify_all();
        let behind = |progress: &mut Progress| progress.followed < size && !progress.closed;
        let (mut progress, _) =
            self.moved.wait_timeout_while(progress, timeout, behind).unwrap_or_else(PoisonError::into_inner);
        progress.awaited -= 1;
        progress.followed >= size
    }
}

fn lines_of(change: &Change) -> usize {
    match change {
        Change::Segment(row) | Change::Erasure { left: Some((_, row)), .. } => {
            row.readings.iter().map(|reading| reading.lines.len()).sum()
        }
        _ => 0,
    }
}
