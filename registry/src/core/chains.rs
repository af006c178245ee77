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
    /// Segments `from..=to` are not in the log, later ones are. The last of them was refused whole, and so may the others have been: a refusal
    /// names neither agent nor number, and only a successor in the log links it.
    Refused {
        /// Agent's key id.
        agent: String,
        /// First number missing.
        from: u64,
        /// Last number missing.
        to: u64,
        /// Leaf that refused the last of them.
        leaf: u64,
        /// Leaves of segments refused whole meanwhile that nothing links.
        others: Vec<u64>,
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
            Self::Refused { agent, from, to, leaf, others } => write!(
                f,
                "{agent}: segments {from} to {to} are not in the log: {to} was refused whole, at leaf {leaf}, and what was refused at leaf {} may be the rest; a refusal names neither agent nor number",
                listed(others)
            ),
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

/// What a segment's manifest says of its place in its agent's chain: all agents' are held at once.
struct Link {
    index: u64,
    digest: Digest,
    seq: u64,
    prev: Option<Digest>,
}

/// Leaves in a sentence.
#[must_use]
pub fn listed(leaves: &[u64]) -> String {
    leaves.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
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
        let mut chains = Vec::new();
        for agent in store.agents()? {
            let mut chain = Vec::new();
            for row in store.chain(&agent, 0..=u64::MAX)? {
                if let Leaf::Manifest(manifest) = row.leaf().map_err(RegistryError::leaf)? {
                    chain.push(Link { index: row.index, digest: row.digest, seq: manifest.seq, prev: manifest.prev });
                }
            }
            chains.push((agent, chain));
        }
        // Refused whole, and of no known place in a chain. A fork's number is taken by another.
        let mut nobodys = refused.clone();
        nobodys.retain(|_, (_, code)| *code != RefusalCode::Fork);
        for prev in chains.iter().flat_map(|(_, chain)| chain).filter_map(|link| link.prev) {
            nobodys.remove(&prev);
        }
        for (agent, chain) in chains {
            let mut before: Option<(u64, Digest, u64)> = None;
            for Link { index, digest, seq, prev } in chain {
                let (last, has, since) = before.map_or((0, None, 0), |(seq, digest, index)| (seq, Some(digest), index));
                let missing = seq.saturating_sub(last + 1);
                let link = prev.and_then(|prev| refused.get(&prev)).map(|(leaf, _)| *leaf);
                if missing == 0 && prev != has {
                    if let Some(has) = has {
                        findings.push(ChainFinding::Broken { agent: agent.clone(), seq, names: prev, has });
                    }
                } else if missing > 1 || (missing == 1 && link.is_none()) {
                    let (agent, from, to) = (agent.clone(), last + 1, seq - 1);
                    let mut others: Vec<u64> =
                        nobodys.values().map(|(leaf, _)| *leaf).filter(|leaf| (since..index).contains(leaf)).collect();
                    others.sort_unstable();
                    findings.push(match link {
                        Some(leaf) if others.len() as u64 >= missing - 1 => {
                            ChainFinding::Refused { agent, from, to, leaf, others }
                        }
                        Some(_) => ChainFinding::Gap { agent, from, to: to - 1 },
                        None => ChainFinding::Gap { agent, from, to },
                    });
                }
                before = Some((seq, digest, index));
            }
        }
        let forks = refused.into_iter().filter(|(_, (_, code))| *code == RefusalCode::Fork);
        findings.extend(forks.map(|(manifest, (leaf, _))| ChainFinding::Fork { manifest, leaf }));
        Ok(findings)
    }
}
