//! `vigie policy`: check, sign, show and explain the allowlist.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use schemas::{
    Digest,
    gate::{self, GateAsk, Origin},
    permission::{Allowlist, Entry, Method, RobotsRule},
    policy::{MAX_RECIPE_BYTES, Policy, check_allowlist_file, check_recipes, sign_statement},
    statement::Statement,
    trust::{Role, TrustRoot},
};
use tlog::SigningKey;

use super::{Say, door::Door, keys, salt, unit::read_root};

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
    }
    if !gaps.is_empty() {
        bail!("{} refused:\n{}", allowlist.display(), gaps.join("\n"));
    }
    say.json_or(&serde_json::json!({ "entries": list.entries.len(), "problems": [] }), || {
        format!("{}: {} entries, no problems\n", allowlist.display(), list.entries.len())
    })
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

/// One entry in one sentence.
fn sentence(entry: &Entry) -> String {
    let recipe = entry.recipe.as_ref().map_or_else(String::new, |recipe| format!(" by the recipe `{}`", recipe.file));
    format!(
        "collect {} with `{}`{recipe}, {} ({}), at most {} requests a day, keep {} days, TLP:{}",
        entry.seeds.join(", "),
        entry.collector,
        entry.schedule,
        entry.zone,
        entry.daily,
        entry.retain_days,
        serde_json::to_value(entry.tlp).ok().and_then(|tlp| tlp.as_str().map(str::to_uppercase)).unwrap_or_default()
    )
}

fn differences(before: &Entry, after: &Entry, words: &mut String) {
    let (Ok(serde_json::Value::Object(before)), Ok(serde_json::Value::Object(after))) =
        (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return;
    };
    let none = serde_json::Value::Null;
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        if old != new {
            let _ = writeln!(words, "    {name}: {old} -> {new}");
        }
    }
}

/// Asks a person at the terminal; without one the answer is no.
///
/// # Errors
///
/// Where the terminal fails.
pub fn confirmed(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is nobody at the terminal to ask: give --yes");
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "o" | "O" | "oui"))
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
