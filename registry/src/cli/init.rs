//! `vigie init`: walks two people from keys to a first permitted source.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use schemas::{
    policy::Policy,
    trust::{Needs, Person, Role, TrustRoot},
};
use tlog::{SigningKey, VerifierKey};
use url::Url;

use super::{
    Say, agent,
    door::Door,
    keys, policy, root,
    terminal::{answer, confirmed},
    unit::Unit,
};

/// Answers given beforehand; what is missing is asked for at the terminal.
#[derive(Debug, Args)]
pub struct Init {
    /// Folder to make
    pub folder: PathBuf,
    /// Where data and the second place go, where not into the folder itself: `/var/lib/vigie` for a unit that the Debian package's
    /// service runs from /etc/vigie
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Name of the log: an address of the unit without scheme, `vigie.unit.example/log`
    #[arg(long)]
    pub origin: Option<String>,
    /// Page or mailbox shown to the sites that are asked
    #[arg(long)]
    pub contact: Option<String>,
    /// The person who asks for sources: a short name (a key is made here) or a public key made elsewhere
    #[arg(long)]
    pub requester: Option<String>,
    /// The person who approves: a short name or a public key made elsewhere. Never the requester
    #[arg(long)]
    pub approver: Option<String>,
    /// Address of the first feed to ask for
    #[arg(long)]
    pub feed: Option<String>,
    /// The question that collecting it should answer
    #[arg(long)]
    pub question: Option<String>,
    /// Do not ask for confirmation before signing
    #[arg(long)]
    pub yes: bool,
}

/// Keys of the two people, private halves where they were made here.
pub struct Founders {
    /// Who asks.
    pub requester: Founder,
    /// Who approves.
    pub approver: Founder,
}

/// One of the two people.
pub struct Founder {
    /// Public key.
    pub vkey: VerifierKey,
    /// Private key, if it was made here.
    pub key: Option<SigningKey>,
}

/// The trust root of two founders: each asks and approves, enrols, erases and replaces the root; erasing needs both.
#[must_use]
pub fn first_root(
    origin: &str,
    trial: bool,
    contact: Option<String>,
    log: &VerifierKey,
    people: [&VerifierKey; 2],
) -> TrustRoot {
    let roles = vec![Role::Requester, Role::Approver, Role::Enroller, Role::Eraser, Role::Rooter, Role::Reviewer];
    TrustRoot {
        format: 1,
        version: 1,
        origin: origin.to_owned(),
        trial,
        log_key: log.to_string(),
        contact,
        previous: None,
        needs: Needs::default(),
        people: people.iter().map(|key| Person { key: key.to_string(), roles: roles.clone() }).collect(),
        evidence_recipients: Vec::new(),
        witnesses: Vec::new(),
    }
}

/// Writes the folder: settings, trust root, folders for data and the second place. Keys must exist already.
///
/// # Errors
///
/// Where a file cannot be written.
pub fn write_folder(folder: &Path, settings: &super::unit::Settings, root: &TrustRoot) -> Result<()> {
    for sub in [&settings.data, &settings.second, Path::new("keys"), Path::new("agents")] {
        let sub = folder.join(sub);
        fs::create_dir_all(&sub).with_context(|| format!("the folder `{}` cannot be made", sub.display()))?;
    }
    let settings = toml::to_string_pretty(settings)?;
    fs::write(
        folder.join(Unit::FILE),
        format!("# Settings of this registry. Paths are relative to this file.\n{settings}"),
    )?;
    let heading = "# The trust root: put a copy by hand on every agent host and reviewer's machine, and compare its digest by eye\n# (`vigie root show`). To change it, write a new version that names this one's digest as `previous`; the people below must sign it.\n";
    fs::write(folder.join("trust.toml"), format!("{heading}{}", toml::to_string_pretty(root)?))?;
    Ok(())
}

/// An agent's folder: its key, its copy of the trust root, its settings. Returns the public key to enrol.
///
/// # Errors
///
/// Where a file cannot be written.
pub fn write_agent(folder: &Path, name: &str, trust: &Path, registry: &str) -> Result<VerifierKey> {
    fs::create_dir_all(folder)?;
    let key = keys::new(name, &folder.join("agent.key"))?;
    fs::copy(trust, folder.join("trust.toml")).context("the trust root cannot be copied to the agent")?;
    let settings = format!(
        "# Settings of one agent. Paths are relative to this file.\nformat = 1\nname = \"{name}\"\nkey = \"agent.key\"\ntrust = \"trust.toml\"\nregistry = \"{registry}\"\nstate = \"state\"\n"
    );
    fs::write(folder.join("agent.toml"), settings)?;
    Ok(key.vkey())
}

/// A first entry for one feed, as the requester would write it.
///
/// # Errors
///
/// Where the address is none.
pub fn first_entry(feed: &str, requester: &str, question: &str) -> Result<String> {
    let url = Url::parse(feed).with_context(|| format!("`{feed}` is not an address"))?;
    let host = url.host_str().with_context(|| format!("`{feed}` names no host"))?;
    let id: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let expires = Timestamp::now().to_zoned(TimeZone::UTC).date().checked_add(180.days())?;
    let port = url.port().map(|port| format!(", port = {port}")).unwrap_or_default();
    Ok(format!(
        r#"# What may be collected, and why. Nothing here counts before somebody other than the requester has signed it:
#   vigie policy check; vigie policy sign --key KEY
format = 1

[[entry]]
id = "{id}"
collector = "feed"
seeds = ["{feed}"]
match = [{{ scheme = "{scheme}", host = "{host}"{port} }}]
purpose = "monitoring of published information"
program = "pilot"
legal_basis = {{ code = "no-personal-information", reason = "an organisation's own feed; authors are not kept, see `fields`" }}
fields = ["url", "title", "text", "published_at", "edited_at", "language", "links", "media", "tags"]
question = "{question}"
pia = "none: an organisation's own feed"
requested_by = "{requester}"
schedule = "every 30m"
zone = "UTC"
jitter_secs = 120
rate_secs = 2
daily = 200
retain_days = 365
tlp = "amber"
domestic = "allow: an organisation's own publication"
expires_on = "{expires}"
"#,
        scheme = url.scheme(),
    ))
}

/// Runs the walk.
///
/// # Errors
///
/// Where an answer is refused or a file cannot be written; nothing counts before the two people have signed.
pub fn run(args: &Init, say: &Say) -> Result<()> {
    let folder = &args.folder;
    if folder.join(Unit::FILE).exists() {
        bail!("`{}` is a unit already", folder.display());
    }
    say.line(&format!(
        "Making a unit in `{}`. Two people are needed: one asks for sources, the other approves.\n",
        folder.display()
    ))?;
    let origin = answer(
        args.origin.as_deref(),
        "name of the log (your own address without https://, e.g. vigie.unit.example/log)",
    )?;
    let contact =
        answer(args.contact.as_deref(), "contact shown to the sites you ask (a page or mailbox of the unit)")?;
    let requester =
        founder(args.requester.as_deref(), "first person, who asks for sources (short name, or a public key)", folder)?;
    let approver =
        founder(args.approver.as_deref(), "second person, who approves (short name, or a public key)", folder)?;
    if requester.vkey == approver.vkey {
        bail!("the person who asks and the person who approves must be two people");
    }
    let log = keys::new(&origin, &folder.join("keys/log.key"))?;
    let trust = first_root(&origin, false, Some(contact), &log.vkey(), [&requester.vkey, &approver.vkey]);
    if let Some(problem) = trust.check().first() {
        bail!("{problem}");
    }
    let mut settings = Unit::defaults();
    if let Some(state) = &args.state {
        let state = std::path::absolute(state)?;
        (settings.data, settings.second) = (state.join("data"), state.join("second"));
    }
    write_folder(folder, &settings, &trust)?;
    let unit = Unit::open(folder)?;
    say.line(&format!("\n{}", root::in_words(&trust)))?;
    let founders = Founders { requester, approver };
    let (Some(first), Some(second)) = (&founders.requester.key, &founders.approver.key) else {
        say.line(&format!(
            "The trust root is written. Both people sign it next, each on the machine that holds their key:\n  vigie root sign {}/trust.toml --key KEY --out root.note     (the first)\n  vigie cosign root.note --key KEY                            (the second)\nthen, here:\n  vigie submit root.note\n",
            folder.display()
        ))?;
        return Ok(());
    };
    let mut door = Door::open(&unit)?;
    door.add_statement(&root::statement(&trust, &[first, second])?)?;
    let vkey = write_agent(
        &folder.join("agents/feed"),
        "feed-1",
        &unit.settings.trust,
        &format!("http://{}", unit.settings.listen),
    )?;
    door.add_statement(&agent::enrolment(&vkey, "feed", &[first])?)?;
    let feed = answer(args.feed.as_deref(), "address of the first feed to collect")?;
    let question = answer(args.question.as_deref(), "the question that collecting it should answer")?;
    let entry = first_entry(&feed, &first.vkey().id_text(), &question.replace('"', "'"))?;
    fs::write(&unit.settings.allowlist, entry)?;
    let list = policy::checked(&unit.settings.allowlist, &trust, say)?;
    sign_as(&founders.requester, &list, &trust, &mut door, args.yes, say)?;
    sign_as(&founders.approver, &list, &trust, &mut door, args.yes, say)?;
    say.line(&format!(
        "\nDone. Start the registry and its agent with\n  vigie --unit {} up\nMove each person's key file to that person's own machine, and the second place to another disk.\n",
        folder.display()
    ))
}

fn sign_as(
    who: &Founder,
    list: &policy::Checked,
    trust: &TrustRoot,
    door: &mut Door,
    yes: bool,
    say: &Say,
) -> Result<()> {
    let Some(key) = &who.key else { return Ok(()) };
    let current: Option<Policy> = door.policy(trust)?;
    let made = policy::signing(list, current.as_ref(), trust, key, &policy::default_until())?;
    say.line(&format!("\n{} signs:\n{}", key.vkey().id_text(), made.words.trim_end()))?;
    if !made.notes.is_empty() && !yes && !confirmed("sign this?")? {
        bail!("nothing was signed; `vigie policy sign` goes on from here");
    }
    for note in &made.notes {
        door.add_statement(note)?;
    }
    Ok(())
}

fn founder(given: Option<&str>, question: &str, folder: &Path) -> Result<Founder> {
    let text = answer(given, question)?;
    if let Ok(vkey) = VerifierKey::parse(&text) {
        return Ok(Founder { vkey, key: None });
    }
    let key = keys::new(&text, &folder.join("keys").join(format!("{text}.key")))?;
    Ok(Founder { vkey: key.vkey(), key: Some(key) })
}
