//! Does all of truth still hold together? Every byte of it is read again; the database is compared with it.

use std::collections::{HashMap, HashSet};

use schemas::leaf::{Act, Leaf};
use schemas::segment::tombstoned_units;

use super::log::chain;
use super::store::{LeafKind, Store as _};
use super::{Registry, RegistryError, history};

impl Registry {
    /// Everything that does not hold, in words; empty if all does. Takes as long as reading all segments takes.
    ///
    /// Looked at: bundles and tiles against the newest checkpoint, both copies of the checkpoint, rows of leaves against bundles, statements with
    /// their signatures, every segment's units against its manifest and the manifest against its leaf, every tombstone against the leaf it names and every
    /// erasure against what is left, revisits of what was erased. Tables: [`Registry::table_findings`].
    ///
    /// # Errors
    ///
    /// The tables could not be asked at all.
    pub fn findings(&self) -> Result<Vec<String>, RegistryError> {
        let inner = &self.inner;
        let mut found = Vec::new();
        if let Err(why) = inner.log.check() {
            found.push(format!("log: {}", chain(&why)));
        }
        for path in [inner.config.data.join("log").join("checkpoint"), inner.config.second.join("highest")] {
            let published = inner.log.published();
            match inner.config.disk.read(&path, 1 << 20) {
                Ok(bytes) if bytes == published.note.as_bytes() => {}
                // A segment may have come in between the two looks.
                Ok(_) if inner.log.published().size != published.size => {}
                Ok(_) => found.push(format!("`{}` is not the newest checkpoint", path.display())),
                Err(why) => found.push(format!("`{}`: {why}", path.display())),
            }
        }
        if let Err(why) = history::before(&*inner.store, &inner.evidence, u64::MAX) {
            found.push(format!("statements: {}", chain(&why)));
        }
        let mut acts: HashMap<(schemas::Digest, u64), Vec<[u64; 2]>> = HashMap::new();
        for kind in [LeafKind::Refusal, LeafKind::Erasure] {
            for leaf in inner.store.of_kind(kind)? {
                if let Ok(Leaf::Act(Act::Refusal { manifest, units, .. } | Act::Erasure { manifest, units, .. })) =
                    leaf.leaf()
                {
                    acts.insert((manifest, leaf.index), units);
                }
            }
        }
        for leaf in inner.store.of_kind(LeafKind::Manifest)? {
            let segment = match inner.evidence.segment(&leaf.digest) {
                Ok(segment) => segment,
                Err(why) => {
                    found.push(chain(&why));
                    continue;
                }
            };
            if segment.manifest_bytes != leaf.bytes {
                found.push(format!("segment {}: its manifest is not the one in the log", leaf.digest));
            }
            for (unit, act) in tombstoned_units(&segment) {
                let named = acts
                    .get(&(leaf.digest, act))
                    .is_some_and(|units| units.iter().any(|[first, last]| (*first..=*last).contains(&unit)));
                if !named {
                    found.push(format!("segment {}: unit {unit} is missing, leaf {act} does not say why", leaf.digest));
                }
            }
            match inner.past(leaf.index)?.agent(&segment.manifest.agent, leaf.index) {
                schemas::policy::AgentState::Enrolled { vkey, .. } => {
                    if let Err(why) = segment.verify(&vkey) {
                        found.push(format!("segment {}: {}", leaf.digest, chain(&why)));
                    }
                }
                other => found.push(format!("segment {}: its agent was {other:?} at leaf {}", leaf.digest, leaf.index)),
            }
        }
        self.left_behind(&acts, &mut found)?;
        Ok(found)
    }

    /// Units that a leaf says are gone and that are still there, and revisits that tell of an erased answer.
    fn left_behind(
        &self,
        acts: &HashMap<(schemas::Digest, u64), Vec<[u64; 2]>>,
        found: &mut Vec<String>,
    ) -> Result<(), RegistryError> {
        for ((manifest, index), units) in acts {
            let Ok(segment) = self.inner.evidence.segment(manifest) else {
                // Refused whole and never kept, or named above.
                continue;
            };
            let gone: HashSet<u64> = tombstoned_units(&segment).into_iter().map(|(unit, _)| unit).collect();
            let left = units.iter().flat_map(|[first, last]| *first..=*last).find(|unit| !gone.contains(unit));
            if let Some(unit) = left {
                found.push(format!("segment {manifest}: leaf {index} says that unit {unit} is gone, and it is still there; open the registry again after removing its row from `erasures_done`"));
            }
        }
        let sql = "SELECT s.manifest, r.response_unit FROM captures r JOIN captures p ON p.response = r.revisit_of JOIN segments s ON s.idx = r.idx
                   WHERE r.response_unit IS NOT NULL AND p.response_unit IS NULL AND p.kind = 'exchange'";
        let revisits: Vec<(String, i64)> = self
            .inner
            .store
            .read(|db| db.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())?;
        for (manifest, unit) in revisits {
            found.push(format!("segment {manifest}: unit {unit} repeats an answer that was erased, and tells its digest and address; have it erased as well"));
        }
        Ok(())
    }

    /// As [`Registry::findings`], with anything found as an error.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Refused`] with all findings, one a line.
    pub fn check(&self) -> Result<(), RegistryError> {
        let found = self.findings()?;
        if found.is_empty() { Ok(()) } else { Err(RegistryError::refused(found.join("\n"))) }
    }
}
