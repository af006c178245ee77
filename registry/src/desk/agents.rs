//! How are the agents?

use rusqlite::{Connection, OptionalExtension as _};
use schemas::policy::{AgentState, History};
use serde::{Deserialize, Serialize};

use super::item::unsigned;
use crate::core::chains::ChainFinding;

/// An agent, its chain, and when it was last heard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentHealth {
    /// Key id.
    pub id: String,
    /// Collector it was enrolled for; empty for a revoked agent.
    pub collector: String,
    /// `enrolled` or `revoked`.
    pub state: String,
    /// Segments in the log.
    pub segments: u64,
    /// When its newest segment was closed, to the minute, UTC.
    pub last_at: Option<String>,
    /// A gap or fork in its chain.
    pub finding: Option<String>,
}

/// All agents ever enrolled, by key id. `findings` are [`Registry::chain_findings`]; one of a fork that was refused names no agent and is
/// among the denials.
///
/// [`Registry::chain_findings`]: crate::core::Registry::chain_findings
///
/// # Errors
///
/// The database's.
pub fn agents(db: &Connection, history: &History, findings: &[ChainFinding]) -> rusqlite::Result<Vec<AgentHealth>> {
    history
        .agents()
        .map(|(id, state)| {
            let segments: i64 =
                db.query_row("SELECT count(*) FROM segments WHERE agent = ?1", [id], |row| row.get(0))?;
            let last_at = db
                .query_row("SELECT closed_at FROM segments WHERE agent = ?1 ORDER BY idx DESC LIMIT 1", [id], |row| {
                    row.get(0)
                })
                .optional()?;
            let (state, collector) = match state {
                AgentState::Enrolled { collector, .. } => ("enrolled", collector),
                AgentState::Revoked => ("revoked", String::new()),
                AgentState::Unknown => ("unknown", String::new()),
            };
            Ok(AgentHealth {
                id: id.to_owned(),
                collector,
                state: state.to_owned(),
                segments: unsigned(segments),
                last_at,
                finding: findings.iter().find_map(|finding| in_words(finding, id)),
            })
        })
        .collect()
}

/// What a finding says of one agent's chain; nothing where it speaks of another.
fn in_words(finding: &ChainFinding, id: &str) -> Option<String> {
    match finding {
        ChainFinding::Gap { agent, from, to } if agent == id && from == to => {
            Some(format!("gap: segment {from} is not in the log"))
        }
        ChainFinding::Gap { agent, from, to } if agent == id => {
            Some(format!("gap: segments {from} to {to} are not in the log"))
        }
        ChainFinding::Broken { agent, seq, .. } if agent == id => {
            Some(format!("fork: segment {seq} names another predecessor than the log has"))
        }
        _ => None,
    }
}
