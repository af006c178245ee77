//! Who gives out indices? One thread; whoever asks while it is busy goes into its next round together.

use std::sync::mpsc::{Receiver, Sender};

use super::{Job, LogError, Shared, chain};
use crate::core::store::LeafRow;

/// Most additions in one round.
const ROUND: usize = 512;

pub(super) fn run(shared: &Shared, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut round = vec![first];
        round.extend(jobs.try_iter().take(ROUND - 1));
        if !commit(shared, round) {
            return;
        }
    }
}

/// One round; false if nothing may be signed any more until a person has looked.
fn commit(shared: &Shared, round: Vec<Job>) -> bool {
    let mut next = match shared.store.leaf_count() {
        Ok(next) => next,
        Err(error) => {
            answer_all(round.into_iter().map(|job| job.done), &error.into());
            return true;
        }
    };
    let mut rows = Vec::new();
    let mut receipts = Vec::new();
    let mut waiting = Vec::new();
    for Job { addition, done } in round {
        let leaves: Result<Vec<LeafRow>, _> =
            addition.leaves.iter().zip(next..).map(|(leaf, index)| LeafRow::new(index, leaf)).collect();
        let prepared = leaves.map_err(|why| LogError::Leaf { why }).and_then(|leaves| {
            addition.prepare.map_or(Ok(()), |prepare| prepare(next))?;
            Ok(leaves)
        });
        match prepared {
            Ok(leaves) => {
                receipts.extend(addition.receipts.map(|make| make(next)).unwrap_or_default());
                waiting.push((done, next));
                next += leaves.len() as u64;
                rows.extend(leaves);
            }
            Err(error) => {
                let _ = done.send(Err(error));
            }
        }
    }
    let published = shared
        .store
        .append(&rows, &receipts)
        .map_err(LogError::from)
        .and_then(|()| {
            let path = shared.local.clone();
            shared.disk.point("after_leaf_row").map_err(|source| LogError::Disk { path, source })
        })
        .and_then(|()| shared.publish());
    match published {
        Ok(()) => {
            for (done, index) in waiting {
                let _ = done.send(Ok(index));
            }
            true
        }
        Err(error) => {
            answer_all(waiting.into_iter().map(|(done, _)| done), &error);
            !matches!(error, LogError::Contended { .. } | LogError::ReadBack { .. } | LogError::Row { .. })
        }
    }
}

fn answer_all(waiting: impl Iterator<Item = Sender<Result<u64, LogError>>>, error: &LogError) {
    let (why, full) = (chain(error), error.is_full());
    tracing::error!(%why, "the log could not grow: {why}");
    for done in waiting {
        // Somebody who no longer waits needs no answer.
        let _ = done.send(Err(LogError::Shared { why: why.clone(), full }));
    }
}
