//! How are the agents?

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use schemas::{
    Digest,
    policy::{AgentState, History},
    segment::Segment,
};
use serde::{Deserialize, Serialize};

use super::item::unsigned;
use crate::core::chains::{ChainFinding, listed};

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
    /// Digest of that segment's manifest.
    #[serde(default)]
    pub last_manifest: Option<String>,
    /// When the log first covered that segment, by the registry's clock, UTC.
    #[serde(default)]
    pub taken_at: Option<String>,
    /// Seconds from closing it (agent's clock, to the minute) to taking it in (ours). Much: it waited. Below -60: the agent's clock is ahead.
    #[serde(default)]
    pub delay_secs: Option<i64>,
}

/// What an agent's newest segment says of the agent itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// Target it was about.
    pub target: String,
    /// Collector and version.
    pub reader: String,
    /// SHA-256 of the program file that ran.
    pub program: Digest,
    /// The agent's clock when the run began, UTC.
    pub began_at: Timestamp,
    /// When the policy in its hands was issued, by the log's clock, UTC.
    pub policy_issued_at: Timestamp,
    /// False where the agent knew its clock not to be synchronised; absent where it could not tell.
    pub clock_synchronised: Option<bool>,
    /// Requests still to be made when the segment was closed; absent where that record is gone.
    pub frontier: Option<u64>,
}

/// Reads it out of a segment; nothing where its run record was erased or cannot be read.
#[must_use]
pub fn last_run(segment: &Segment) -> Option<LastRun> {
    let view = segment.view().ok()?;
    let (_, run) = view.run?;
    Some(LastRun {
        target: run.target.id,
        reader: format!("{} {}", run.reader.name, run.reader.version),
        program: run.reader.program,
        began_at: run.now,
        policy_issued_at: run.policy_issued_at,
        clock_synchronised: run.clock_synchronised,
        frontier: view.commit.map(|(_, commit)| commit.frontier),
    })
}

/// An agent's newest segment.
pub(super) const NEWEST: &str =
    "SELECT idx, closed_at, manifest FROM segments WHERE agent = ?1 ORDER BY idx DESC LIMIT 1";

/// Segments whose files are lost, at most 1 000.
pub(super) const LOST: &str = "SELECT manifest FROM segments WHERE problem IS NOT NULL LIMIT 1000";

/// Manifests of segments in the log whose files are lost, at most 1 000: every agent asks for them, again and again.
///
/// # Errors
///
/// The database's.
pub fn lost(db: &Connection) -> rusqlite::Result<Vec<String>> {
    db.prepare(LOST)?.query_map([], |row| row.get(0))?.collect()
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
            let last: Option<(i64, String, String)> =
                db.query_row(NEWEST, [id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
            let taken_at: Option<String> = match &last {
                Some((index, ..)) => db
                    .query_row("SELECT at FROM checkpoints WHERE size > ?1 ORDER BY size LIMIT 1", [index], |row| {
                        row.get(0)
                    })
                    .optional()?,
                None => None,
            };
            let (last_at, last_manifest) = last.map(|(_, at, manifest)| (at, manifest)).unzip();
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
                delay_secs: delay(last_at.as_deref(), taken_at.as_deref()),
                last_at,
                last_manifest,
                taken_at,
                finding: findings.iter().find_map(|finding| in_words(finding, id)),
            })
        })
        .collect()
}

fn delay(closed: Option<&str>, taken: Option<&str>) -> Option<i64> {
    let (closed, taken): (Timestamp, Timestamp) = (closed?.parse().ok()?, taken?.parse().ok()?);
    Some(taken.duration_since(closed).as_secs())
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
        ChainFinding::Refused { agent, from, to, leaf, others } if agent == id => Some(format!(
            "refused: segments {from} to {to} are not in the log; {to} was refused whole, at leaf {leaf}, and leaf {} may have refused the rest",
            listed(others)
        )),
        ChainFinding::Broken { agent, seq, .. } if agent == id => {
            Some(format!("fork: segment {seq} names another predecessor than the log has"))
        }
        _ => None,
    }
}
