//! `vigie agent`: which agents may hand in segments.

use std::{fmt::Write as _, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use jiff::Timestamp;
use schemas::{policy::sign_statement, statement::Statement};
use tlog::{SigningKey, VerifierKey};

use super::{Say, door::Door, keys, salt, unit::Unit};
use crate::core::{evidence::Evidence, storage::RealDisk};

/// Enrol, list and revoke agents. Enrolling and revoking are signed statements.
#[derive(Debug, Subcommand)]
pub enum Agent {
    /// Let an agent's key sign segments
    Enrol {
        /// The agent's public key, as `vigie key new` printed it on the agent's machine
        agent: String,
        /// Which collector runs there
        #[arg(long)]
        collector: String,
        /// Private keys of as many enrollers as the trust root asks for
        #[arg(long = "key", required = true)]
        keys: Vec<PathBuf>,
    },
    /// Keep a released agent program as evidence, so that what it reads can be derived again by it (`up` does so by itself)
    Program {
        /// The program file, as it runs on the agent's host
        file: PathBuf,
    },
    /// List agents, the state of their chains, and when they were last heard
    List,
    /// Stop accepting an agent's segments; what was logged before stays valid
    Revoke {
        /// Key id (`name+0a1b2c3d`)
        agent: String,
        /// Why, for reviewers
        #[arg(long)]
        reason: String,
        /// Private keys of as many enrollers as the trust root asks for
        #[arg(long = "key", required = true)]
        keys: Vec<PathBuf>,
    },
}

/// The signed statement that enrols `agent`.
///
/// # Errors
///
/// Where it cannot be signed.
pub fn enrolment(agent: &VerifierKey, collector: &str, keys: &[&SigningKey]) -> Result<String> {
    let statement = Statement::Enrolment {
        v: 1,
        agent: agent.to_string(),
        collector: collector.to_owned(),
        made_at: Timestamp::now(),
        salt: salt(),
    };
    Ok(sign_statement(&statement, keys)?)
}

/// Runs the command.
///
/// # Errors
///
/// Where a key cannot be read, or the registry refuses the statement.
pub fn run(command: &Agent, unit: &Unit, say: &Say) -> Result<()> {
    match command {
        Agent::Enrol { agent, collector, keys } => {
            let vkey = VerifierKey::parse(agent)
                .with_context(|| format!("`{agent}` is no public key\nhint: it is the line that `vigie key new` printed on the agent's machine"))?;
            let keys = keys.iter().map(|file| keys::read(file)).collect::<Result<Vec<_>>>()?;
            let note = enrolment(&vkey, collector, &keys.iter().collect::<Vec<_>>())?;
            let index = Door::open(unit)?.add_statement(&note)?;
            say.json_or(&serde_json::json!({ "agent": vkey.id_text(), "leaf": index }), || {
                format!("enrolled {} for `{collector}`: leaf {index}\n", vkey.id_text())
            })
        }
        Agent::Revoke { agent, reason, keys } => {
            let keys = keys.iter().map(|file| keys::read(file)).collect::<Result<Vec<_>>>()?;
            let statement = Statement::Revocation {
                v: 1,
                agent: agent.clone(),
                reason: reason.clone(),
                made_at: Timestamp::now(),
                salt: salt(),
            };
            let note = sign_statement(&statement, &keys.iter().collect::<Vec<_>>())?;
            let mut door = Door::open(unit)?;
            if !door.agents()?.iter().any(|known| known.id == *agent) {
                bail!("no agent `{agent}` was ever enrolled\nhint: `vigie agent list` names them");
            }
            let index = door.add_statement(&note)?;
            say.json_or(&serde_json::json!({ "agent": agent, "leaf": index }), || {
                format!("revoked {agent}: leaf {index}. New segments of it are refused; earlier ones stay valid\n")
            })
        }
        Agent::Program { file } => {
            let bytes = std::fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
            let evidence = Evidence::new(Arc::new(RealDisk), &unit.settings.data, &unit.settings.second);
            let digest = evidence.keep_program(&bytes)?;
            say.json_or(&serde_json::json!({ "program": digest }), || format!("kept program {digest}\n"))
        }
        Agent::List => {
            let agents = Door::open(unit)?.agents()?;
            say.json_or(&serde_json::to_value(&agents)?, || {
                let mut out = String::new();
                for agent in &agents {
                    let _ = writeln!(
                        out,
                        "{}  {}  {}  {} segments  last heard {}{}",
                        agent.id,
                        agent.collector,
                        agent.state,
                        agent.segments,
                        agent.last_at.as_ref().map_or_else(|| "never".to_owned(), ToString::to_string),
                        agent.finding.as_ref().map(|finding| format!("  FINDING: {finding}")).unwrap_or_default()
                    );
                }
                if agents.is_empty() {
                    out.push_str("no agent is enrolled\n");
                }
                out
            })
        }
    }
}
