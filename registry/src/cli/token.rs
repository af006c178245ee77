//! `vigie token`: access for people who use the registry over the network. Only a token's SHA-256 is kept.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use clap::Subcommand;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use schemas::Digest;

use super::{Say, ask::alone, salt, unit::Unit};
use crate::{
    api::Role,
    core::store::{Store as _, Token as Row},
};

/// Make, list and revoke tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token; it is shown once
    New {
        /// Whose it is
        name: String,
        /// agent, analyst, reviewer, witness or admin
        #[arg(long)]
        role: String,
        /// Days until it ends
        #[arg(long, default_value_t = 90)]
        days: i64,
    },
    /// List tokens
    List,
    /// End all tokens of that name
    Revoke {
        /// Whose
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
///
/// Where the role is not known, or the registry is running.
pub fn run(command: &Token, unit: &Unit, say: &Say) -> Result<()> {
    let registry = alone(unit)?;
    let store = registry.store();
    let now = Timestamp::now();
    match command {
        Token::New { name, role, days } => {
            if Role::named(role).is_none() {
                bail!("`{role}` is no role: agent, analyst, reviewer, witness, admin");
            }
            let token = format!("vgt_{}", salt());
            let end = now.to_zoned(TimeZone::UTC).checked_add((*days).days())?.timestamp();
            let row =
                Row { name: name.clone(), role: role.clone(), made_at: now, expires_at: Some(end), revoked_at: None };
            store.keep_token(&Digest::of(token.as_bytes()), &row)?;
            say.json_or(&serde_json::json!({ "token": token, "name": name, "role": role, "expires_at": end }), || {
                format!("{token}\nfor {name}, role {role}, until {end}. It is shown this once and kept nowhere\n")
            })
        }
        Token::List => {
            let rows = store.tokens()?;
            let json: Vec<_> = rows
                .iter()
                .map(|(_, row)| serde_json::json!({ "name": row.name, "role": row.role, "made_at": row.made_at, "expires_at": row.expires_at, "revoked_at": row.revoked_at }))
                .collect();
            say.json_or(&serde_json::json!(json), || {
                let mut out = String::new();
                for (_, row) in &rows {
                    let state = match (row.revoked_at, row.expires_at) {
                        (Some(at), _) => format!("revoked {at}"),
                        (None, Some(end)) if end <= now => format!("ended {end}"),
                        (None, Some(end)) => format!("until {end}"),
                        (None, None) => "no end".to_owned(),
                    };
                    let _ = writeln!(out, "{:<20} {:<10} {state}", row.name, row.role);
                }
                out
            })
        }
        Token::Revoke { name } => {
            let mut count = 0;
            for (hash, mut row) in
                store.tokens()?.into_iter().filter(|(_, row)| row.name == *name && row.revoked_at.is_none())
            {
                row.revoked_at = Some(now);
                store.keep_token(&hash, &row)?;
                count += 1;
            }
            say.json_or(&serde_json::json!({ "revoked": count }), || format!("{count} tokens of {name} ended\n"))
        }
    }
}
