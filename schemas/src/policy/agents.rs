//! Which agents may sign segments, from which leaf to which?

use std::collections::BTreeMap;

use tlog::{KeyKind, VerifierKey};

use super::{
    note::{OpenStatement, PolicyError},
    root::threshold,
};
use crate::trust::{Role, TrustRoot};

/// What an agent's key is worth at a point of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one is made for a segment and dropped with it")]
pub enum AgentState {
    /// It may sign segments.
    Enrolled {
        /// The key.
        vkey: VerifierKey,
        /// The collector it was enrolled for.
        collector: String,
    },
    /// It counted once and no longer does.
    Revoked,
    /// No statement enrols it.
    Unknown,
}

#[derive(Debug, Clone)]
struct Agent {
    vkey: VerifierKey,
    collector: String,
    enrolled_at: u64,
    revoked_at: Option<u64>,
}

/// All agents ever enrolled, by key id.
#[derive(Debug, Clone, Default)]
pub(super) struct Agents(BTreeMap<String, Agent>);

impl Agents {
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What the key is worth for a leaf at `at_index`: statements count from the leaf after theirs.
    pub fn state(&self, key_id: &str, at_index: u64) -> AgentState {
        match self.0.get(key_id) {
            Some(agent) if agent.revoked_at.is_some_and(|index| index < at_index) => AgentState::Revoked,
            Some(agent) if agent.enrolled_at < at_index => {
                AgentState::Enrolled { vkey: agent.vkey.clone(), collector: agent.collector.clone() }
            }
            _ => AgentState::Unknown,
        }
    }

    pub fn enrol(
        &mut self,
        root: &TrustRoot,
        index: u64,
        agent: &str,
        collector: &str,
        opened: &OpenStatement,
    ) -> Result<(), PolicyError> {
        let name = opened.name();
        threshold(opened, &name, root, root.needs.enrol, Role::Enroller)?;
        let refused = |why: &str| Err(PolicyError::content(name.clone(), why));
        let Ok(vkey) = VerifierKey::parse(agent) else {
            return refused("`agent` is no verifier key");
        };
        if vkey.kind() != KeyKind::Ed25519 {
            return refused("`agent` must be an Ed25519 key, not that of a witness");
        }
        // One key, one role: a person's or the log's key must not sign segments, nor one machine sign as two agents.
        let public = vkey.public_bytes();
        let of_people = root.keys().into_iter().chain(root.log_verifier().ok());
        let of_agents = self.0.values().map(|agent| agent.vkey.clone());
        if of_people.chain(of_agents).any(|key| key.public_bytes() == public) {
            return refused("its key is in use already, or was; make a new one on the agent's machine");
        }
        if self.0.contains_key(&vkey.id_text()) {
            return refused("another agent has this key id; choose another name");
        }
        self.0.insert(
            vkey.id_text(),
            Agent { vkey, collector: collector.to_owned(), enrolled_at: index, revoked_at: None },
        );
        Ok(())
    }

    pub fn revoke(
        &mut self,
        root: &TrustRoot,
        index: u64,
        agent: &str,
        opened: &OpenStatement,
    ) -> Result<(), PolicyError> {
        let name = opened.name();
        threshold(opened, &name, root, root.needs.enrol, Role::Enroller)?;
        match self.0.get_mut(agent) {
            Some(found) if found.revoked_at.is_none() => {
                found.revoked_at = Some(index);
                Ok(())
            }
            Some(_) => Err(PolicyError::content(name, "this agent is revoked already")),
            None => Err(PolicyError::content(name, "no agent of this key id is enrolled")),
        }
    }
}
