//! `vigie root`: whose signature counts for what, in words.

use std::{fmt::Write as _, path::PathBuf};

use anyhow::{Result, bail};
use clap::Subcommand;
use schemas::{policy::sign_statement, statement::Statement, trust::TrustRoot};
use tlog::SigningKey;

use super::{Say, keys, salt, unit::read_root};

/// Show and check the trust root.
#[derive(Debug, Subcommand)]
pub enum Root {
    /// Say in words whose signature counts for what
    Show {
        /// The trust root [default: the unit's]
        file: Option<PathBuf>,
    },
    /// Sign a root as its statement; others add theirs with `vigie cosign`, then `vigie submit` hands it in
    Sign {
        /// The trust root [default: the unit's]
        file: Option<PathBuf>,
        /// Your private key
        #[arg(long)]
        key: PathBuf,
        /// File for the signed statement
        #[arg(long)]
        out: PathBuf,
    },
    /// Refuse a root that could not be used
    Check {
        /// The trust root [default: the unit's]
        file: Option<PathBuf>,
        /// The root it is to replace
        #[arg(long)]
        previous: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
///
/// Where a file cannot be read, or the root is refused.
pub fn run(command: &Root, default: impl FnOnce() -> Result<PathBuf>, say: &Say) -> Result<()> {
    let (Root::Show { file } | Root::Sign { file, .. } | Root::Check { file, .. }) = command;
    let file = match file {
        Some(file) => file.clone(),
        None => default()?,
    };
    let root = read_root(&file)?;
    if let Root::Sign { key, out, .. } = command {
        let note = statement(&root, &[&keys::read(key)?])?;
        std::fs::write(out, note)?;
        say.line(&format!("signed: {}", out.display()))?;
    }
    if let Root::Check { previous, .. } = command {
        let problems = root.check();
        for problem in &problems {
            say.line(&problem.to_string())?;
        }
        if !problems.is_empty() {
            bail!(
                "{} refused: {} problem{}",
                file.display(),
                problems.len(),
                if problems.len() == 1 { "" } else { "s" }
            );
        }
        if let Some(previous) = previous {
            let old = read_root(previous)?;
            if root.previous != Some(old.digest()) || root.version != old.version + 1 || root.origin != old.origin {
                bail!(
                    "{} does not follow {}: it must have the same `origin`, `version = {}` and `previous = \"{}\"`",
                    file.display(),
                    previous.display(),
                    old.version + 1,
                    old.digest()
                );
            }
        }
    }
    say.json_or(&serde_json::json!({ "digest": root.digest(), "root": root }), || in_words(&root))
}

/// The signed statement of a root.
///
/// # Errors
///
/// Where it cannot be signed.
pub fn statement(root: &TrustRoot, keys: &[&SigningKey]) -> Result<String> {
    Ok(sign_statement(&Statement::Root { v: 1, root: root.clone(), salt: salt() }, keys)?)
}

/// The root in words.
#[must_use]
pub fn in_words(root: &TrustRoot) -> String {
    let mut out = String::new();
    let mode = if root.trial { "TRIAL: proves nothing about the world" } else { "production" };
    let _ = writeln!(out, "trust root   version {}, {mode}", root.version);
    let _ = writeln!(out, "digest       {}", root.digest());
    let _ = writeln!(out, "log          {}", root.origin);
    let _ = writeln!(out, "contact      {}", root.contact.as_deref().unwrap_or("none yet: real sources are refused"));
    let needs = &root.needs;
    let _ = writeln!(
        out,
        "needs        {} to approve (never the requester), {} to enrol an agent, {} to erase, {} to replace this root",
        people(needs.approve),
        people(needs.enrol),
        people(needs.erase),
        people(needs.root)
    );
    for person in &root.people {
        let id = tlog::VerifierKey::parse(&person.key).map_or_else(|_| person.key.clone(), |key| key.id_text());
        let roles: Vec<_> = person.roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        let _ = writeln!(out, "person       {id}: {}", roles.join(", "));
    }
    for witness in &root.witnesses {
        let _ = writeln!(out, "witness      {witness}");
    }
    out
}

fn people(count: u32) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}
