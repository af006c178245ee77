//! A trial unit: both keys made here, loopback only, a log of its own under `.invalid`. For `vigie up --demo` and for tests.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde::Deserialize;
use url::Url;

use super::{Say, agent, door::Door, init, keys, policy, root, unit::Unit};
use crate::core::is_in_use;

/// Name of every trial's log.
const ORIGIN: &str = "demo.vigie.invalid/log";

/// What the exhibit says of itself in its first line.
#[derive(Debug, Deserialize)]
pub struct Exhibit {
    /// The newsrooms it plays.
    pub newsrooms: Vec<Newsroom>,
}

/// One newsroom of the exhibit.
#[derive(Debug, Deserialize)]
pub struct Newsroom {
    /// Short name.
    pub name: String,
    /// Base address.
    pub url: String,
    /// Path of its feed.
    pub feed: String,
    /// What it shows.
    #[serde(default)]
    pub about: String,
    /// Which collector reads it.
    #[serde(default = "feed")]
    pub collector: String,
    /// Further lines of its entry, as TOML.
    #[serde(default)]
    pub more: String,
}

fn feed() -> String {
    "feed".to_owned()
}

/// Makes a trial unit without starting anything.
#[derive(Debug, Args)]
pub struct Trial {
    /// Folder to make
    pub folder: PathBuf,
    /// What the exhibit printed in its first line
    #[arg(long)]
    pub newsrooms: PathBuf,
    /// Address the registry will listen on
    #[arg(long, default_value = "127.0.0.1:8600")]
    pub listen: SocketAddr,
    /// Schedule of every entry
    #[arg(long, default_value = "every 10s")]
    pub schedule: String,
}

/// Runs the hidden command `trial`.
///
/// # Errors
///
/// As [`make`].
pub fn run(args: &Trial, say: &Say) -> Result<()> {
    let text = fs::read_to_string(&args.newsrooms)?;
    let exhibit: Exhibit = serde_json::from_str(&text).context("the newsrooms are not what the exhibit prints")?;
    let unit = make(&args.folder, &exhibit, args.listen, &args.schedule, say)?;
    say.line(&format!("trial unit in {}", unit.folder.display()))
}

/// Makes the folder, the keys, the trust root, the signed allowlist and one agent.
///
/// # Errors
///
/// Where the folder holds anything but an earlier trial, or one that is running; where a file cannot be written.
pub fn make(folder: &Path, exhibit: &Exhibit, listen: SocketAddr, schedule: &str, say: &Say) -> Result<Unit> {
    if folder.exists() {
        let unit = Unit::open(folder).ok();
        let earlier = unit.as_ref().is_some_and(|unit| unit.root().is_ok_and(|root| root.trial));
        let empty = fs::read_dir(folder).is_ok_and(|mut inside| inside.next().is_none());
        if !earlier && !empty {
            bail!(
                "`{}` holds something that is not a trial: it is left alone\nhint: name another folder",
                folder.display()
            );
        }
        if unit.is_some_and(|unit| is_in_use(&unit.settings.data)) {
            bail!("a trial is running in `{}`\nhint: stop it, or name another folder", folder.display());
        }
        fs::remove_dir_all(folder)
            .with_context(|| format!("the earlier trial in `{}` cannot be removed", folder.display()))?;
    }
    let log = keys::new(ORIGIN, &folder.join("keys/log.key"))?;
    let alice = keys::new("alice.demo", &folder.join("keys/alice.key"))?;
    let bob = keys::new("bob.demo", &folder.join("keys/bob.key"))?;
    let contact = Some("https://demo.example.org/about-this-collector".to_owned());
    let trust = init::first_root(ORIGIN, true, contact, &log.vkey(), [&alice.vkey(), &bob.vkey()]);
    let settings = super::unit::Settings { listen, ..Unit::defaults() };
    init::write_folder(folder, &settings, &trust)?;
    let unit = Unit::open(folder)?;
    fs::write(&unit.settings.allowlist, allowlist(exhibit, &alice.vkey().id_text(), schedule)?)?;
    let list = policy::checked(&unit.settings.allowlist, &trust, say)?;
    let mut door = Door::open(&unit)?;
    door.add_statement(&root::statement(&trust, &[&alice, &bob])?)?;
    for key in [&alice, &bob] {
        let current = door.policy(&trust)?;
        let signing = policy::signing(&list, current.as_ref(), &trust, key, &policy::default_until())?;
        for note in &signing.notes {
            door.add_statement(note)?;
        }
    }
    let others = exhibit.newsrooms.iter().map(|room| room.collector.as_str());
    for collector in others.chain(["feed"]).collect::<BTreeSet<_>>() {
        let place = folder.join("agents").join(collector);
        let vkey =
            init::write_agent(&place, &format!("{collector}-demo"), &unit.settings.trust, &format!("http://{listen}"))?;
        door.add_statement(&agent::enrolment(&vkey, collector, &[&bob])?)?;
    }
    Ok(unit)
}

fn allowlist(exhibit: &Exhibit, requester: &str, schedule: &str) -> Result<String> {
    let expires = Timestamp::now().to_zoned(TimeZone::UTC).date().checked_add(90.days())?;
    let mut out = String::from("# A trial: invented newsrooms on this machine's loopback address.\nformat = 1\n");
    // One newsroom also has a feed that leads elsewhere, so that a refused redirect can be seen.
    let away = exhibit.newsrooms.iter().filter(|room| room.name == "moved").map(|room| Newsroom {
        name: "moved-away".to_owned(),
        url: room.url.clone(),
        feed: "/away.atom".to_owned(),
        about: "a feed that redirects to a host nobody permitted".to_owned(),
        collector: feed(),
        more: String::new(),
    });
    let away: Vec<_> = away.collect();
    for room in exhibit.newsrooms.iter().chain(&away) {
        // Where the exhibit redirects to: permitted by nobody, so that a refusal can be seen.
        if room.name == "elsewhere" {
            continue;
        }
        let url = Url::parse(&room.url).with_context(|| format!("`{}` is not an address", room.url))?;
        let seed = url.join(&room.feed)?;
        let port = url.port_or_known_default().unwrap_or(80);
        let _ = write!(
            out,
            r#"
[[entry]]
id = "{name}"
collector = "{collector}"
seeds = ["{seed}"]
match = [{{ scheme = "{scheme}", host = "{host}", port = {port} }}]
purpose = "showing what Vigie does"
program = "demonstration"
legal_basis = {{ code = "trial", reason = "invented content on this machine" }}
question = "what does collecting under a signed permission look like?"
pia = "none: nobody in it is real"
requested_by = "{requester}"
schedule = "{schedule}"
zone = "UTC"
rate_secs = 0
daily = 50000
retain_days = 7
tlp = "clear"
domestic = "allow: nobody in it is real"
expires_on = "{expires}"
allow_addresses = ["{address}/32"]
notes = {{ about = '{about}' }}
{more}
"#,
            name = room.name,
            collector = room.collector,
            more = room.more,
            // Other loopback addresses are hosts of their own.
            address = url.host_str().filter(|host| host.starts_with("127.")).unwrap_or("127.0.0.1"),
            scheme = url.scheme(),
            host = url.host_str().unwrap_or("127.0.0.1"),
            about = room.about.replace('\'', "’"),
        );
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::door;

    #[test]
    fn trial_that_is_running_is_left_alone_and_an_earlier_one_is_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("trial");
        let log = keys::new(ORIGIN, &folder.join("keys/log.key")).unwrap();
        let [alice, bob] = ["alice.demo", "bob.demo"]
            .map(|name| keys::new(name, &folder.join("keys").join(format!("{name}.key"))).unwrap());
        let trust = init::first_root(ORIGIN, true, None, &log.vkey(), [&alice.vkey(), &bob.vkey()]);
        init::write_folder(&folder, &Unit::defaults(), &trust).unwrap();
        let unit = Unit::open(&folder).unwrap();
        let running = door::open(&unit).unwrap();
        let kept = unit.settings.data.join("kept");
        fs::write(&kept, "").unwrap();
        let again = || {
            let none = Exhibit { newsrooms: Vec::new() };
            make(&folder, &none, unit.settings.listen, "every 10s", &Say { json: false }).map(drop)
        };
        let why = again().unwrap_err().to_string();
        assert!(why.starts_with("a trial is running in"), "{why}");
        assert!(kept.exists(), "what it works on is there");
        drop(running);
        // Without newsrooms it comes no further than to begin anew.
        let _ = again();
        assert!(!kept.exists(), "the earlier one is gone");
    }
}
