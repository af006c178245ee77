//! How are the agents?

use rusqlite::{Connection, OptionalExtension as _};
use schemas::policy::{AgentState, History};
use serde::{Deserialize, Serialize};

use super::item::unsigned;

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

/// All agents ever enrolled, by key id.
///
/// # Errors
///
/// The database's.
pub fn agents(db: &Connection, history: &History) -> rusqlite::Result<Vec<AgentHealth>> {
    history
        .agents()
        .map(|(id, state)| {
            let (segments, distinct, highest): (i64, i64, Option<i64>) = db.query_row(
                "SELECT count(*), count(DISTINCT seq), max(seq) FROM segments WHERE agent = ?1",
                [id],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            let last_at = db
                .query_row("SELECT closed_at FROM segments WHERE agent = ?1 ORDER BY idx DESC LIMIT 1", [id], |row| {
                    row.get(0)
                })
                .optional()?;
            let finding = if segments > distinct {
                Some("fork: two segments with one number".to_owned())
            } else if highest.is_some_and(|highest| highest > distinct) {
                Some(format!("gap: {} of {} segments are in the log", distinct, highest.unwrap_or_default()))
            } else {
                None
            };
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
                finding,
            })
        })
        .collect()
}
