//! Does all of truth still hold together? Every byte of it is read again; the database is compared with it.

use std::collections::HashMap;

use schemas::leaf::{Act, Leaf};
use schemas::segment::tombstoned_units;

use super::log::chain;
use super::store::{LeafKind, Store as _};
use super::{Registry, RegistryError, history};

impl Registry {
    /// Everything that does not hold, in words; empty if all does. Takes as long as reading all segments takes.
    ///
    /// Looked at: bundles and tiles against the newest checkpoint, both copies of the checkpoint, rows of leaves against bundles, statements with
    /// their signatures, every segment's units against its manifest and the manifest against its leaf, every tombstone against the leaf it names.
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
        for path in [
            inner.config.data.join("log").join("checkpoint"),
            inner.config.second.join("highest"),
        ] {
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
                if let Ok(Leaf::Act(
                    Act::Refusal {
                        manifest, units, ..
                    }
                    | Act::Erasure {
                        manifest, units, ..
                    },
                )) = leaf.leaf()
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
                found.push(format!(
                    "segment {}: its manifest is not the one in the log",
                    leaf.digest
                ));
            }
            for (unit, act) in tombstoned_units(&segment) {
                let named = acts.get(&(leaf.digest, act)).is_some_and(|units| {
                    units
                        .iter()
                        .any(|[first, last]| (*first..=*last).contains(&unit))
                });
                if !named {
                    found.push(format!(
                        "segment {}: unit {unit} is missing, leaf {act} does not say why",
                        leaf.digest
                    ));
                }
            }
            match inner
                .past(leaf.index)?
                .agent(&segment.manifest.agent, leaf.index)
            {
                schemas::policy::AgentState::Enrolled { vkey, .. } => {
                    if let Err(why) = segment.verify(&vkey) {
                        found.push(format!("segment {}: {}", leaf.digest, chain(&why)));
                    }
                }
                other => found.push(format!(
                    "segment {}: its agent was {other:?} at leaf {}",
                    leaf.digest, leaf.index
                )),
            }
        }
        Ok(found)
    }

    /// As [`Registry::findings`], with anything found as an error.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Refused`] with all findings, one a line.
    pub fn check(&self) -> Result<(), RegistryError> {
        let found = self.findings()?;
        if found.is_empty() {
            Ok(())
        } else {
            Err(RegistryError::refused(found.join("\n")))
        }
    }
}
