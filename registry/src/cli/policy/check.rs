//! `vigie policy check`: could this allowlist be enforced?

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    gate,
    permission::Allowlist,
    policy::{MAX_RECIPE_BYTES, check_allowlist_file, check_recipes},
    trust::TrustRoot,
};

use crate::cli::Say;

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The allowlist [default: the unit's]
    pub allowlist: Option<PathBuf>,
    /// The trust root [default: the unit's]
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// Manifest of a collector (what `vigie-feed about` prints): entries are compared with what it needs. May be repeated
    #[arg(long)]
    pub about: Vec<PathBuf>,
}

/// An allowlist that may be signed, and the texts of the recipes its entries name, by file.
pub struct Checked {
    /// The entries.
    pub list: Allowlist,
    /// Recipes by file name.
    pub recipes: BTreeMap<String, String>,
}

/// Reads and checks an allowlist and the recipes beside it; every problem is shown, then it is refused.
///
/// # Errors
///
/// Where a file cannot be read, or has problems.
pub fn checked(allowlist: &Path, root: &TrustRoot, say: &Say) -> Result<Checked> {
    let name = allowlist.display().to_string();
    let text = fs::read_to_string(allowlist).with_context(|| format!("the allowlist `{name}` cannot be read"))?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let beside = allowlist.parent().unwrap_or(Path::new(""));
    // Of something that has no end, one byte more than a recipe may have.
    let recipe = |file: &str| {
        let mut text = String::new();
        fs::File::open(beside.join(file))
            .and_then(|opened| opened.take(MAX_RECIPE_BYTES + 1).read_to_string(&mut text))
            .map(|_| text)
            .map_err(|error| error.to_string())
    };
    let found = check_allowlist_file(&text, &name, root, today)
        .and_then(|list| check_recipes(&list, &text, &name, recipe).map(|recipes| Checked { list, recipes }));
    match found {
        Ok(checked) => Ok(checked),
        Err(problems) => {
            for problem in &problems {
                say.line(&problem.to_string())?;
            }
            bail!("{name} refused: {} problem{}", problems.len(), if problems.len() == 1 { "" } else { "s" })
        }
    }
}

/// Hosts an entry's collector needs beyond the seeds, as its manifest lists them, that no `match` rule covers.
fn uncovered(allowlist: &Allowlist, manifest: &serde_json::Value) -> Vec<String> {
    let name = manifest.get("collector").and_then(serde_json::Value::as_str).unwrap_or_default();
    let needed: Vec<&str> = manifest
        .pointer("/about/hosts")
        .and_then(serde_json::Value::as_array)
        .map(|hosts| hosts.iter().filter_map(serde_json::Value::as_str).collect())
        .unwrap_or_default();
    let of_collector = allowlist.entries.iter().filter(|entry| entry.collector == name);
    of_collector
        .flat_map(|entry| {
            needed.iter().filter(|host| !entry.matches.iter().any(|rule| gate::host_matches(&rule.host, host))).map(
                |host| format!("entry `{}`: collector `{name}` also asks `{host}`, which no `match` covers", entry.id),
            )
        })
        .collect()
}

/// Where an entry names no credential and its collector asks for one, or the other way round.
fn credentials(allowlist: &Allowlist, manifest: &serde_json::Value) -> Vec<String> {
    let name = manifest.get("collector").and_then(serde_json::Value::as_str).unwrap_or_default();
    let slot = manifest.pointer("/about/slots/0/name").and_then(serde_json::Value::as_str);
    let of_collector = allowlist.entries.iter().filter(|entry| entry.collector == name);
    of_collector
        .filter_map(|entry| match (slot, &entry.credential) {
            (Some(slot), None) => Some(format!(
                "entry `{}`: collector `{name}` asks for a credential (`{slot}`), and the entry names none; write `credential = \"NAME\"`",
                entry.id
            )),
            (None, Some(own)) => Some(format!(
                "entry `{}`: it names the credential `{own}`, and collector `{name}` asks for none; leave it out",
                entry.id
            )),
            _ => None,
        })
        .collect()
}

/// `vigie policy check`.
///
/// # Errors
///
/// Where a file cannot be read, or the allowlist is refused.
pub fn check(args: &CheckArgs, allowlist: &Path, root: &TrustRoot, say: &Say) -> Result<()> {
    let Checked { list, .. } = checked(allowlist, root, say)?;
    let mut gaps = Vec::new();
    for file in &args.about {
        let text =
            fs::read_to_string(file).with_context(|| format!("the manifest `{}` cannot be read", file.display()))?;
        let manifest =
            serde_json::from_str(&text).with_context(|| format!("`{}` is not what `about` prints", file.display()))?;
        gaps.extend(uncovered(&list, &manifest));
        gaps.extend(credentials(&list, &manifest));
    }
    if !gaps.is_empty() {
        bail!("{} refused:\n{}", allowlist.display(), gaps.join("\n"));
    }
    say.json_or(&serde_json::json!({ "entries": list.entries.len(), "problems": [] }), || {
        format!("{}: {} entries, no problems\n", allowlist.display(), list.entries.len())
    })
}
