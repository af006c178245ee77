//! `vigie policy`: check, sign, show and explain the allowlist.

mod check;
mod sign;
mod words;

use std::{fmt::Write as _, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use jiff::Timestamp;
use schemas::{
    gate::{self, GateAsk, Origin},
    permission::{Entry, Method, RobotsRule},
    policy::Policy,
    trust::TrustRoot,
};

pub use check::{CheckArgs, Checked, check, checked};
pub use sign::{SignArgs, default_until, sign, signing};

use super::{Say, unit::read_root};
use words::sentence;

/// Check, sign, show and explain what may be collected.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Refuse an allowlist that could not be enforced, with file, line and remedy
    Check(CheckArgs),
    /// Say in words what changed, then sign: publishes the allowlist and approves what others asked for
    Sign(SignArgs),
    /// Say what is permitted now, by whom, why and until when
    Show,
    /// List sources that a unit might begin with, or write some as entries for allowlist.toml, with blanks for what people must decide
    Starters(super::starters::StartersArgs),
    /// Say what the gate would answer for an address, without sending anything
    Explain {
        /// The address
        url: String,
        /// Entry to ask under [default: every entry]
        #[arg(long)]
        entry: Option<String>,
    },
}

/// `vigie policy show`.
///
/// # Errors
///
/// Where nobody has published an allowlist yet.
pub fn show(policy: Option<&Policy>, say: &Say) -> Result<()> {
    let policy =
        policy.context("no allowlist has been published yet\nhint: `vigie policy sign` publishes and approves one")?;
    let now = Timestamp::now();
    let rows: Vec<_> = policy
        .allowlist()
        .entries
        .iter()
        .map(|entry| {
            let state = policy.judge(&entry.id, now);
            let approvers: Vec<String> = state.as_ref().map(|found| found.approvers.to_vec()).unwrap_or_default();
            let why_not = state.err().map(|refused| refused.why);
            (entry, approvers, why_not)
        })
        .collect();
    let json: Vec<_> = rows
        .iter()
        .map(|(entry, approvers, why_not)| {
            serde_json::json!({ "entry": entry, "digest": entry.digest(), "approved_by": approvers, "in_force": why_not.is_none(), "why_not": why_not })
        })
        .collect();
    say.json_or(&serde_json::json!(json), || {
        let mut out = String::new();
        for (entry, approvers, why_not) in &rows {
            let _ = writeln!(out, "{}: {}", entry.id, sentence(entry));
            match why_not {
                None => {
                    let _ = writeln!(
                        out,
                        "  in force until {}, asked for by {}, approved by {}",
                        entry.expires_on,
                        entry.requested_by,
                        approvers.join(", ")
                    );
                }
                Some(why) => {
                    let _ = writeln!(out, "  NOT in force: {why}");
                }
            }
            let _ = writeln!(out, "  why: {} ({})", entry.question, entry.legal_basis.reason);
        }
        if rows.is_empty() {
            out.push_str("the allowlist is empty: nothing may be collected\n");
        }
        out
    })
}

/// `vigie policy explain`: the gate's answer, as far as it follows without asking the network.
///
/// # Errors
///
/// Where nobody has published an allowlist yet, or the entry is unknown.
pub fn explain(policy: Option<&Policy>, url: &str, entry: Option<&str>, say: &Say) -> Result<()> {
    let policy = policy.context("no allowlist has been published yet")?;
    let entries: Vec<&Entry> =
        policy.allowlist().entries.iter().filter(|found| entry.is_none_or(|id| found.id == id)).collect();
    if entries.is_empty() {
        bail!("there is no entry `{}`", entry.unwrap_or("at all"));
    }
    let answers: Vec<_> = entries
        .iter()
        .map(|entry| {
            let ask = GateAsk {
                entry: entry.id.clone(),
                collector: entry.collector.clone(),
                method: Method::Get,
                url: url.to_owned(),
                headers: Vec::new(),
                origin: Origin::Plan,
                at: Timestamp::now(),
                spent_today: 0,
                resolved: None,
                connected: None,
                slot: None,
            };
            let decision = gate::decide(policy, &[], &ask, None);
            (entry.id.clone(), entry.robots.clone(), decision)
        })
        .collect();
    let json: Vec<_> =
        answers.iter().map(|(id, _, decision)| serde_json::json!({ "entry": id, "decision": decision })).collect();
    say.json_or(&serde_json::json!(json), || {
        let mut out = String::new();
        for (id, robots, decision) in &answers {
            let word = match decision.code {
                gate::DecisionCode::RobotsMissing if *robots == RobotsRule::Obey => {
                    "permitted if robots.txt, which is fetched first, allows it".to_owned()
                }
                _ => decision.because.clone(),
            };
            let _ = writeln!(out, "{id}: {word}");
        }
        out.push_str("nothing was sent\n");
        out
    })
}

/// Reads the trust root the arguments or the unit name.
///
/// # Errors
///
/// Where it cannot be read.
pub fn root_of(given: Option<&PathBuf>, unit: impl FnOnce() -> Result<PathBuf>) -> Result<TrustRoot> {
    match given {
        Some(file) => read_root(file),
        None => read_root(&unit()?),
    }
}
