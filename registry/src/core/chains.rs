//! Which agents' chains have gaps or forks?
//!
//! A gap is normal while segments are on their way; one that stays means that an agent lost or withheld a segment. A fork means that two
//! machines use one key, or that an agent's disk was set back.

use std::collections::BTreeMap;

use schemas::Digest;
use schemas::leaf::{Act, Leaf, RefusalCode};

use super::store::{LeafKind, Store as _};
use super::{Registry, RegistryError};

/// Something about an agent's chain that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainFinding {
    /// Segments `from..=to` are not in the log, later ones are.
    Gap {
        /// Agent's key id.
        agent: String,
        /// First number missing.
        from: u64,
        /// Last number missing.
        to: u64,
    },
    /// A segment names another predecessor than the one in the log.
    Broken {
        /// Agent's key id.
        agent: String,
        /// Number of the segment that names it.
        seq: u64,
        /// What it names.
        names: Option<Digest>,
        /// What the log has.
        has: Digest,
    },
    /// A segment was refused because its number was taken.
    Fork {
        /// Manifest that was refused.
        manifest: Digest,
        /// Leaf of the refusal.
        leaf: u64,
    },
}

impl std::fmt::Display for ChainFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gap { agent, from, to } => {
                write!(f, "{agent}: segments {from} to {to} are not in the log, later ones are")
            }
            Self::Broken { agent, seq, .. } => {
                write!(f, "{agent}: segment {seq} names another predecessor than the log has")
            }
            Self::Fork { manifest, leaf } => write!(
                f,
                "segment {} was refused at leaf {leaf}: its number was taken, so two machines use one key, or an agent was set back",
                manifest.short()
            ),
        }
    }
}

impl Registry {
    /// All findings, agents ascending, forks last. A segment that was refused whole and that its successor names is no gap.
    ///
    /// # Errors
    ///
    /// The tables'.
    pub fn chain_findings(&self) -> Result<Vec<ChainFinding>, RegistryError> {
        let store = &self.inner.store;
        let mut findings = Vec::new();
        let mut refused = BTreeMap::new();
        for row in store.of_kind(LeafKind::Refusal)? {
            if let Leaf::Act(Act::Refusal { manifest, units, code, .. }) = row.leaf().map_err(RegistryError::leaf)?
                && units.is_empty()
            {
                refused.insert(manifest, (row.index, code));
            }
        }
        for agent in store.agents()? {
            let mut before: Option<(u64, Digest)> = None;
            for row in store.chain(&agent, 0..=u64::MAX)? {
                let Leaf::Manifest(manifest) = row.leaf().map_err(RegistryError::leaf)? else {
                    continue;
                };
                let (last, has) = before.map_or((0, None), |(seq, digest)| (seq, Some(digest)));
                let missing = manifest.seq.saturating_sub(last + 1);
                let was_refused = manifest.prev.is_some_and(|prev| refused.contains_key(&prev));
                if missing == 0 && manifest.prev != has {
                    if let Some(has) = has {
                        findings.push(ChainFinding::Broken {
                            agent: agent.clone(),
                            seq: manifest.seq,
                            names: manifest.prev,
                            has,
                        });
                    }
                } else if missing > 1 || (missing == 1 && !was_refused) {
                    let to = if was_refused { manifest.seq - 2 } else { manifest.seq - 1 };
                    findings.push(ChainFinding::Gap { agent: agent.clone(), from: last + 1, to });
                }
                before = Some((manifest.seq, row.digest));
            }
        }
        let forks = refused.into_iter().filter(|(_, (_, code))| *code == RefusalCode::Fork);
        findings.extend(forks.map(|(manifest, (leaf, _))| ChainFinding::Fork { manifest, leaf }));
        Ok(findings)
    }
}
