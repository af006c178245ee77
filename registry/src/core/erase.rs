//! How is a unit destroyed, so that nothing brings it back?
//!
//! Statement with its signatures → leaves → the segment file rewritten with tombstones → rows and index terms removed → the database rewritten so
//! that no page keeps the words. After a cut at any step, opening the registry goes on from there: an erasure leaf whose units are still
//! there is carried out again. One statement, one leaf, exactly the units that people signed for: what else repeats them (revisits) is found before signing, by
//! `vigie erase`.
//!
//! What this can't reach, and people must: copies in older backups (restoring applies newer erasures), an agent's own copy until
//! its `keep_after_receipt` ends, blocks that a copy-on-write file system or a drive still holds.

use std::collections::BTreeSet;

use schemas::Digest;
use schemas::leaf::{Act, Leaf};
use schemas::manifest::Minute;
use schemas::policy::OpenStatement;
use schemas::segment::tombstoned_units;
use schemas::statement::Statement;

use super::evidence::EvidenceError;
use super::follow::ranges;
use super::store::{LeafKind, LeafRow, Store as _};
use super::{Inner, Registry, RegistryError};

impl Registry {
    /// Carries out an erasure statement; see [`Registry::add_statement`].
    pub(super) fn erase(&self, note: &str, opened: &OpenStatement) -> Result<u64, RegistryError> {
        let inner = &self.inner;
        let Statement::Erasure { manifest, units, reason, .. } = &opened.statement else {
            return Err(RegistryError::refused("this is no erasure"));
        };
        let leaves = {
            let _alone = inner.acting();
            inner.fresh.clear();
            match inner.erasure_leaves(&opened.digest)? {
                // Asked again after a cut: go on.
                found if !found.is_empty() => found,
                _ => {
                    let time = Minute::of(inner.clock());
                    let first = inner.verify(opened, time)?;
                    inner.check_target(manifest, units)?;
                    inner.evidence.keep_statement(&opened.digest, note)?;
                    let act = Leaf::Act(Act::Erasure {
                        v: 1,
                        manifest: *manifest,
                        units: ranges(units.iter().copied()),
                        reason: *reason,
                        statement: opened.digest,
                        time,
                    });
                    inner.log(vec![act], first)?;
                    inner.erasure_leaves(&opened.digest)?
                }
            }
        };
        inner.log.settle()?;
        inner.point("erase_after_leaf")?;
        inner.finish(&leaves)?;
        leaves.first().map(|leaf| leaf.index).ok_or_else(|| RegistryError::refused("the erasure has no leaf"))
    }
}

impl Inner {
    fn erasure_leaves(&self, statement: &Digest) -> Result<Vec<LeafRow>, RegistryError> {
        let mut found = self.store.of_kind(LeafKind::Erasure)?;
        found.retain(
            |leaf| matches!(leaf.leaf(), Ok(Leaf::Act(Act::Erasure { statement: of, .. })) if of == *statement),
        );
        Ok(found)
    }

    /// The units are there. Nothing is destroyed that the signed statement does not name: revisits of an erased answer need a statement of their own, and
    /// [`Registry::findings`] names those that are left.
    fn check_target(&self, manifest: &Digest, units: &[u64]) -> Result<(), RegistryError> {
        let Some(leaf) = self.store.find(LeafKind::Manifest, manifest)? else {
            return Err(RegistryError::refused(format!("no segment {manifest} is in the log")));
        };
        let Leaf::Manifest(closed) = leaf.leaf().map_err(RegistryError::leaf)? else {
            return Err(RegistryError::leaf(format!("leaf {} is no manifest", leaf.index)));
        };
        if let Some(unknown) = units.iter().find(|unit| **unit >= closed.units) {
            return Err(RegistryError::refused(format!(
                "segment {manifest} has {} units, there is no unit {unknown}",
                closed.units
            )));
        }
        Ok(())
    }

    /// Rewrites the segment of an erasure or refusal leaf so that none of its units is left. True if anything was left.
    ///
    /// The caller holds `following`, or nobody else is there yet: of two who rewrite one file at the same time, the later would bring back what the earlier
    /// destroyed.
    pub(super) fn destroy(&self, leaf: &LeafRow) -> Result<bool, RegistryError> {
        let (manifest, named) = match leaf.leaf().map_err(RegistryError::leaf)? {
            Leaf::Act(Act::Erasure { manifest, units, .. } | Act::Refusal { manifest, units, .. }) => (manifest, units),
            _ => return Ok(false),
        };
        let bytes = match self.evidence.segment_bytes(&manifest) {
            // A segment that was refused whole was never kept.
            Err(EvidenceError::Missing { .. }) => return Ok(false),
            other => other?,
        };
        let segment = self.evidence.segment(&manifest)?;
        let gone: BTreeSet<u64> = tombstoned_units(&segment).into_iter().map(|(unit, _)| unit).collect();
        let left: BTreeSet<u64> =
            named.iter().flat_map(|[first, last]| *first..=*last).filter(|unit| !gone.contains(unit)).collect();
        if left.is_empty() {
            return Ok(false);
        }
        let rewritten = schemas::segment::erase(&bytes, &left, leaf.index).map_err(|why| {
            RegistryError::refused(format!("segment {manifest} can't be rewritten: {}", super::log::chain(&why)))
        })?;
        self.evidence.keep_segment(&manifest, &rewritten)?;
        Ok(true)
    }

    /// Files, rows, pages: all that an erasure's leaves ask for.
    fn finish(&self, leaves: &[LeafRow]) -> Result<(), RegistryError> {
        let Some(last) = leaves.last() else {
            return Ok(());
        };
        {
            let _following = self.following();
            for leaf in leaves {
                self.destroy(leaf)?;
            }
        }
        self.point("erase_after_file")?;
        self.wait(last.index + 1)?;
        self.point("erase_after_rows")?;
        self.store.scrub()?;
        self.point("erase_after_scrub")?;
        for leaf in leaves {
            self.store.set_erased(leaf.index)?;
        }
        Ok(())
    }

    /// At opening: erasures and refusals that a cut, or a restored backup, left undone.
    pub(super) fn finish_erasures(&self) -> Result<(), RegistryError> {
        let mut open = Vec::new();
        for kind in [LeafKind::Refusal, LeafKind::Erasure] {
            for leaf in self.store.of_kind(kind)? {
                if !self.store.is_erased(leaf.index)? {
                    open.push(leaf);
                }
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        let mut rewritten = false;
        for leaf in &open {
            rewritten |= self.destroy(leaf)?;
        }
        let published = self.log.published().size;
        let mut next = self.store.followed()?;
        // What the index has not seen yet it reads from files that do not have these units any more.
        let mut seen = Vec::new();
        for leaf in &open {
            if self.store.find(LeafKind::Manifest, &leaf.digest)?.is_some_and(|segment| segment.index < next) {
                seen.push(leaf);
            }
        }
        let mut until = 0;
        if rewritten && !seen.is_empty() {
            // Rows of units that a restored database brought back.
            self.store.clear_derived()?;
            self.refill(published)?;
            (next, until) = (0, published);
        } else if let Some(last) = seen.iter().rfind(|leaf| leaf.kind == LeafKind::Erasure) {
            until = last.index + 1;
        }
        while next < until {
            next = self.follow_some(next, published)?;
        }
        self.progress().followed = next;
        if rewritten || open.iter().any(|leaf| leaf.kind == LeafKind::Erasure) {
            self.store.scrub()?;
        }
        for leaf in &open {
            self.store.set_erased(leaf.index)?;
        }
        Ok(())
    }
}
