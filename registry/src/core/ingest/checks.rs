//! Does a segment fit the log: its checkpoint, its chain, its clocks? And if it does, was each capture permitted?

use jiff::Timestamp;
use schemas::Digest;
use schemas::leaf::{Leaf, RefusalCode};
use schemas::policy::{CLOCK_TOLERANCE, History};
use schemas::segment::{Segment, View, tombstoned_units};

use super::PutProblem;
use super::judge::{self, Verdict};
use super::problem::{Stop, refusal};
use crate::core::follow::ranges;
use crate::core::log::chain;
use crate::core::store::Store as _;
use crate::core::{Inner, RegistryError};

impl Inner {
    pub(super) fn judge(&self, history: &History, segment: &Segment, collector: &str) -> Result<Verdict, Stop> {
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
    fn check_clock(&self, manifest: &schemas::manifest::Manifest, view: &View<'_>, now: Timestamp) -> Result<(), Stop> {
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
}
