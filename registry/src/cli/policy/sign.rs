//! `vigie policy sign`: which statements would this person sign, and what do they change?

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use schemas::{
    Digest,
    permission::Entry,
    policy::{Policy, sign_statement},
    statement::Statement,
    trust::{Role, TrustRoot},
};
use tlog::SigningKey;

use super::{
    check::{Checked, checked},
    words::{differences, sentence},
};
use crate::cli::{Say, door::Door, keys, salt, terminal::confirmed};

/// What to sign, and as whom.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The allowlist [default: the unit's]
    pub allowlist: Option<PathBuf>,
    /// The trust root [default: the unit's]
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// Your private key
    #[arg(long)]
    pub key: PathBuf,
    /// Last day your approvals count, UTC [default: 180 days from now, at most 12 months]
    #[arg(long)]
    pub until: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Write the signed statements into this folder instead of handing them to the unit's registry; `vigie submit` does that later
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// What signing as one person comes to.
pub struct Signing {
    /// Statements to hand in, in order.
    pub notes: Vec<String>,
    /// What they change, in words.
    pub words: String,
}

/// Works out which statements `key`'s owner would sign for `list`, given what is in force now.
///
/// # Errors
///
/// Where the key is nobody's in the root, or may neither publish nor approve.
pub fn signing(
    checked: &Checked,
    current: Option<&Policy>,
    root: &TrustRoot,
    key: &SigningKey,
    until: &str,
) -> Result<Signing> {
    let Checked { list, recipes } = checked;
    let me = key.vkey();
    let my_id = me.id_text();
    let roles = root
        .people
        .iter()
        .find(|person| person.key == me.to_string())
        .map(|person| person.roles.clone())
        .with_context(|| {
            format!("the key `{my_id}` is nobody's in the trust root: its `[[person]]` must name it first")
        })?;
    let approver = roles.contains(&Role::Approver);
    if !approver && !roles.contains(&Role::Requester) {
        bail!("`{my_id}` is neither requester nor approver in the trust root");
    }
    let old: BTreeMap<&str, &Entry> = current
        .iter()
        .flat_map(|policy| policy.allowlist().entries.iter())
        .map(|entry| (entry.id.as_str(), entry))
        .collect();
    let now = Timestamp::now();
    let mut words = String::new();
    let mut notes = Vec::new();
    for entry in &list.entries {
        match old.get(entry.id.as_str()) {
            None => {
                let _ = writeln!(words, "+ {}: {}", entry.id, sentence(entry));
            }
            Some(before) if before.digest() != entry.digest() => {
                let _ = writeln!(words, "~ {}: changed", entry.id);
                differences(before, entry, &mut words);
            }
            Some(_) => {}
        }
    }
    for (id, before) in &old {
        if !list.entries.iter().any(|entry| entry.id == *id) {
            let _ = writeln!(words, "- {id}: no longer permitted ({})", before.seeds.join(", "));
        }
    }
    if current.is_none_or(|policy| policy.allowlist() != list) {
        let statement = Statement::Permission {
            v: 1,
            allowlist: list.clone(),
            recipes: recipes.clone(),
            made_at: now,
            salt: salt(),
        };
        notes.push(sign_statement(&statement, &[key])?);
    } else {
        words.push_str("the allowlist itself is unchanged\n");
    }
    let mut approved = BTreeMap::new();
    if approver {
        for entry in list.entries.iter().filter(|entry| entry.requested_by != my_id) {
            let counted = current
                .and_then(|policy| policy.judge(&entry.id, now).ok())
                .is_some_and(|found| found.entry.digest() == entry.digest() && found.approvers.contains(&my_id));
            if !counted {
                approved.insert(entry.id.clone(), entry.digest());
            }
        }
    }
    if approved.is_empty() {
        words.push_str("nothing for you to approve\n");
    } else {
        for (id, digest) in &approved {
            let _ = writeln!(words, "you approve `{id}` until {until}, digest {}", digest.short());
        }
        let statement =
            Statement::Approval { v: 1, entries: approved, until: until.to_owned(), made_at: now, salt: salt() };
        notes.push(sign_statement(&statement, &[key])?);
    }
    Ok(Signing { notes, words })
}

/// `vigie policy sign`.
///
/// # Errors
///
/// Where the allowlist is refused, the person declines, or the registry refuses a statement.
pub fn sign(
    args: &SignArgs,
    allowlist: &Path,
    root: &TrustRoot,
    door: impl FnOnce() -> Result<Door>,
    say: &Say,
) -> Result<()> {
    let checked = checked(allowlist, root, say)?;
    let key = keys::read(&args.key)?;
    let until = match &args.until {
        Some(day) => day.clone(),
        None => default_until(),
    };
    let mut door = if args.out.is_some() { None } else { Some(door()?) };
    let current = match &mut door {
        Some(door) => door.policy(root)?,
        None => None,
    };
    let made = signing(&checked, current.as_ref(), root, &key, &until)?;
    say.line(made.words.trim_end())?;
    if made.notes.is_empty() {
        return say.json_or(&serde_json::json!({ "signed": 0 }), || "nothing to sign\n".to_owned());
    }
    if !args.yes && !confirmed("sign this?")? {
        bail!("nothing was signed");
    }
    let mut done = Vec::new();
    for note in &made.notes {
        match (&args.out, &mut door) {
            (Some(folder), _) => {
                fs::create_dir_all(folder)?;
                let file = folder.join(format!("{}.note", Digest::of(note.as_bytes()).short()));
                fs::write(&file, note).with_context(|| format!("`{}` cannot be written", file.display()))?;
                done.push(file.display().to_string());
            }
            (None, Some(door)) => done.push(format!("leaf {}", door.add_statement(note)?)),
            (None, None) => {}
        }
    }
    say.json_or(&serde_json::json!({ "signed": made.notes.len(), "as": key.vkey().id_text(), "at": done }), || {
        format!("signed as {}: {}\n", key.vkey().id_text(), done.join(", "))
    })
}

/// The last day of approvals when nothing is said: 180 days from now.
#[must_use]
pub fn default_until() -> String {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    today.checked_add(180.days()).unwrap_or(today).to_string()
}
