//! What does an agent's operator write down? `agent.toml`, the trust root beside it, and the key.
//!
//! A secret named X is the file X in the folder systemd names by `CREDENTIALS_DIRECTORY` (`LoadCredential=`, `LoadCredentialEncrypted=`), where
//! there is one; else the file that the configuration names. A file that everybody may read is refused.

use std::path::{Path, PathBuf};

use schemas::{
    pseudonym::{NotAKey, PseudonymKey, StateKey},
    trust::TrustRoot,
};
use serde::Deserialize;
use tlog::SigningKey;
use url::Url;

/// Where the configuration lies unless `--config` says otherwise.
pub const DEFAULT_FILE: &str = "agent.toml";

/// `agent.toml`. Unknown keys are refused; relative paths count from the file's folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Version of this format; this release reads 1.
    pub format: u32,
    /// Name of this agent, as its key has it: 1 to 64 of `a-z 0-9 -`.
    pub name: String,
    /// File of the agent's private key, where systemd loads no `agent.key`.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// File of the trust root, put here by hand.
    pub trust: PathBuf,
    /// Address of the registry.
    pub registry: Url,
    /// File of a token with the role `agent`, for a registry that is not on this machine, where systemd loads no `registry.token`. An empty
    /// file is no token.
    #[serde(default)]
    pub token: Option<PathBuf>,
    /// Folder of the agent's memory and outbox, where systemd names none by `STATE_DIRECTORY`.
    #[serde(default)]
    pub state: Option<PathBuf>,
    /// File of the key of pseudonyms (`vigie key pseudonym`), for entries that keep no authors by name. Default: `pseudonym.key` in the folder systemd names by
    /// `CREDENTIALS_DIRECTORY`, where there is one.
    #[serde(default)]
    pub pseudonym_key: Option<PathBuf>,
    /// File of the state key (`vigie key state`), for entries with sealed evidence. Default: `state.key` in that folder, where there is one.
    #[serde(default)]
    pub state_key: Option<PathBuf>,
    /// Folder of the credentials that entries name, a file each with the value on its first line, beside those that systemd loads.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
    /// How long segments stay on disk after their receipt, in hours. Default 72, at most 8 760.
    #[serde(default = "three_days")]
    pub keep_after_receipt_hours: u32,
    /// How many targets are collected at the same time. Default 16, at most 64: those that only wait for a slow source count too.
    #[serde(default = "sixteen")]
    pub max_concurrent: u32,
    /// Pauses between the times an item is asked for again, in seconds, from first sight on: 1 second to a year each, at most 100; `[]` for never.
    /// Default: the collector's own. It is by asking again that edits and deletions are seen.
    #[serde(default)]
    pub recheck_after_secs: Option<Vec<u32>>,
}

const fn three_days() -> u32 {
    72
}

const fn sixteen() -> u32 {
    16
}

/// Why the configuration can't be used. Each message says where, what and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("`{}` can't be read: {why}; {hint}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        why: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// A place in the file.
    #[error("{}:{line}: {why}", file.display())]
    At {
        /// Which file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// Something that is nowhere.
    #[error("{why}")]
    Missing {
        /// What, and how to give it.
        why: String,
    },
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with the line.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|why| ConfigError::Unreadable {
            file: file.to_owned(),
            why,
            hint: "`--config FILE` names another",
        })?;
        let mut config = Self::parse(&text, file)?;
        let base = file.parent().unwrap_or(Path::new(""));
        let named = [config.key.as_mut(), config.token.as_mut(), Some(&mut config.trust), config.state.as_mut()];
        let sealing = [config.pseudonym_key.as_mut(), config.state_key.as_mut(), config.credentials.as_mut()];
        for path in named.into_iter().chain(sealing).flatten() {
            *path = base.join(&*path);
        }
        Ok(config)
    }

    /// The token for the registry; none where no file holds one.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Unreadable`] for a file that is named and not there.
    pub fn token(&self) -> Result<Option<secrecy::SecretString>, ConfigError> {
        let Some(file) = by_systemd("registry.token").or_else(|| self.token.clone()) else {
            return Ok(None);
        };
        let text = secret(&file, "it is named by `token` in the configuration")?;
        Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty()).map(Into::into))
    }

    fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let at = |line: usize, why: String| ConfigError::At { file: file.to_owned(), line, why };
        let config: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            at(line_of(text, start), error.message().replace('\n', "; "))
        })?;
        let key = |name: &str| text.lines().position(|line| line.trim_start().starts_with(name)).map_or(1, |n| n + 1);
        let refused = |name: &str, why: String| Err(at(key(name), why));
        if config.format != 1 {
            return refused("format", format!("format {} is not known to this release, which reads 1", config.format));
        }
        if !schemas::policy::is_id(&config.name) {
            return refused("name", format!("`{}` is no name: 1 to 64 of `a-z 0-9 -` are expected", config.name));
        }
        let loopback = match config.registry.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if config.registry.scheme() != "https" && !(config.registry.scheme() == "http" && loopback) {
            return refused("registry", "the registry is reached by https, or by http on this machine only".to_owned());
        }
        if config.keep_after_receipt_hours > 8_760 {
            return refused("keep_after_receipt_hours", "at most 8760 hours (a year) are allowed".to_owned());
        }
        if !(1..=64).contains(&config.max_concurrent) {
            return refused("max_concurrent", "1 to 64 targets at the same time are allowed".to_owned());
        }
        let pauses = config.recheck_after_secs.as_deref().unwrap_or_default();
        if pauses.len() > 100 || pauses.iter().any(|secs| !(1..=31_536_000).contains(secs)) {
            return refused("recheck_after_secs", "at most 100 pauses of 1 to 31536000 seconds are allowed".to_owned());
        }
        Ok(config)
    }

    /// The folder of the agent's memory: `--state`, or what systemd says, or the file.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`].
    pub fn state_dir(&self, given: Option<&Path>) -> Result<PathBuf, ConfigError> {
        given
            .map(Path::to_owned)
            .or_else(|| std::env::var_os("STATE_DIRECTORY").map(PathBuf::from))
            .or_else(|| self.state.clone())
            .ok_or_else(|| ConfigError::Missing {
                why: "no state folder is named; write `state = \"…\"` into the configuration or give `--state DIR`"
                    .to_owned(),
            })
    }

    /// The key of pseudonyms; none where no file holds one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]; the text of the file is never part of it.
    pub fn pseudonym_key(&self, state: &Path) -> Result<Option<PseudonymKey>, ConfigError> {
        sealing_key(self.pseudonym_key.as_deref(), "pseudonym.key", state, PseudonymKey::parse)
    }

    /// The key of the agent's memory; none where no file holds one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]; the text of the file is never part of it.
    pub fn state_key(&self, state: &Path) -> Result<Option<StateKey>, ConfigError> {
        sealing_key(self.state_key.as_deref(), "state.key", state, StateKey::parse)
    }

    /// The agent's key.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]; the text of the file is never part of it.
    pub fn signing_key(&self) -> Result<SigningKey, ConfigError> {
        let file = by_systemd("agent.key").or_else(|| self.key.clone()).ok_or_else(|| ConfigError::Missing {
            why: "no key is named; write `key = \"…\"` into the configuration, or let systemd load `agent.key`"
                .to_owned(),
        })?;
        let text = secret(&file, "it is named by `key` in the configuration")?;
        let key = SigningKey::parse(text.trim()).map_err(|error| ConfigError::At {
            file: file.clone(),
            line: 1,
            why: format!("this is no signing key: {error}"),
        })?;
        if key.name() == self.name {
            Ok(key)
        } else {
            let why = format!("this key is named `{}`, the configuration says `{}`", key.name(), self.name);
            Err(ConfigError::At { file, line: 1, why })
        }
    }

    /// The trust root on this machine.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: every problem of the file, one a line.
    pub fn trust_root(&self) -> Result<TrustRoot, ConfigError> {
        let text = std::fs::read_to_string(&self.trust).map_err(|why| ConfigError::Unreadable {
            file: self.trust.clone(),
            why,
            hint: "it is named by `trust` in the configuration",
        })?;
        trust_root(&text, &self.trust)
    }
}

/// Reads a key of sealed evidence. Refuses one that others may read, and one that lies beside what it hides.
fn sealing_key<K>(
    named: Option<&Path>,
    credential: &str,
    state: &Path,
    parse: impl Fn(&str) -> Result<K, NotAKey>,
) -> Result<Option<K>, ConfigError> {
    use std::os::unix::fs::PermissionsExt as _;
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY")
        .map(|folder| PathBuf::from(folder).join(credential))
        .filter(|file| file.exists());
    // What systemd lays down is guarded by systemd.
    let guarded = named.is_none();
    let Some(file) = named.map(Path::to_owned).or(credential) else {
        return Ok(None);
    };
    let unreadable =
        |why| ConfigError::Unreadable { file: file.clone(), why, hint: "it is named in the configuration" };
    let refused = |why: String| ConfigError::At { file: file.clone(), line: 1, why };
    let real = file.canonicalize().map_err(unreadable)?;
    if state.canonicalize().is_ok_and(|state| real.starts_with(state)) {
        let why = "this key lies in the state folder, beside what it hides; put it elsewhere, best where systemd's LoadCredential finds it";
        return Err(refused(why.to_owned()));
    }
    let mode = std::fs::metadata(&real).map_err(unreadable)?.permissions().mode();
    if !guarded && mode & 0o077 != 0 {
        return Err(refused(format!("others may read this key (mode {:o}); run `chmod 600` on it", mode & 0o777)));
    }
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(&real).map_err(unreadable)?);
    parse(&text).map(Some).map_err(|error| refused(error.to_string()))
}

fn trust_root(text: &str, file: &Path) -> Result<TrustRoot, ConfigError> {
    let refused = |problem: schemas::policy::PolicyProblem| ConfigError::At {
        file: file.to_owned(),
        line: problem.line.unwrap_or(1),
        why: format!("{}; {}", problem.message, problem.hint),
    };
    let root = TrustRoot::from_toml(text, &file.display().to_string()).map_err(|problem| refused(*problem))?;
    match root.check().into_iter().next() {
        Some(problem) => Err(refused(problem)),
        None => Ok(root),
    }
}

/// A secret that systemd has loaded.
fn by_systemd(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    Some(PathBuf::from(folder).join(name)).filter(|file| file.exists())
}

/// Reads a secret's file.
fn secret(file: &Path, hint: &'static str) -> Result<String, ConfigError> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable = |why| ConfigError::Unreadable { file: file.to_owned(), why, hint };
    // The group's bits say nothing: the lists that systemd puts on its credentials show there.
    if std::fs::metadata(file).map_err(unreadable)?.permissions().mode() & 0o007 != 0 {
        let why = format!("everybody on this machine may read this secret; `chmod 600 {}`", file.display());
        return Err(ConfigError::At { file: file.to_owned(), line: 1, why });
    }
    std::fs::read_to_string(file).map_err(unreadable)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "format = 1\nname = \"harbour\"\ntrust = \"trust.toml\"\nregistry = \"https://registry.example.org/\"\n";

    fn refusal(text: &str) -> String {
        Config::parse(text, Path::new("agent.toml")).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_three_days_and_sixteen_targets() {
        let config = Config::parse(GOOD, Path::new("agent.toml")).unwrap();
        assert_eq!((config.keep_after_receipt_hours, config.max_concurrent), (72, 16));
    }

    #[test]
    fn pauses_before_asking_again_are_bounded() {
        let of =
            |pauses: &str| Config::parse(&format!("{GOOD}recheck_after_secs = {pauses}\n"), Path::new("agent.toml"));
        assert_eq!(of("[60, 3600]").unwrap().recheck_after_secs, Some(vec![60, 3_600]));
        assert_eq!(of("[]").unwrap().recheck_after_secs, Some(Vec::new()));
        for wrong in ["[0]", "[31536001]"] {
            assert!(of(wrong).unwrap_err().to_string().starts_with("agent.toml:5: "));
        }
    }

    #[test]
    fn misspelt_key_is_named_with_its_line() {
        let said = refusal(&format!("{GOOD}keep_after_reciept_hours = 3\n"));
        assert!(said.starts_with("agent.toml:5: ") && said.contains("keep_after_reciept_hours"), "{said}");
    }

    #[test]
    fn registry_in_clear_is_refused_elsewhere_than_here() {
        let said = refusal(&GOOD.replace("https://", "http://"));
        assert!(said.starts_with("agent.toml:4: "), "{said}");
        let here = GOOD.replace("https://registry.example.org/", "http://127.0.0.1:8080/");
        assert!(Config::parse(&here, Path::new("agent.toml")).is_ok());
    }

    #[test]
    fn later_format_is_refused() {
        assert!(refusal(&GOOD.replace("format = 1", "format = 2")).contains("format 2"));
    }

    #[test]
    fn too_many_at_once_is_refused_with_its_line() {
        assert!(refusal(&format!("{GOOD}max_concurrent = 65\n")).starts_with("agent.toml:5: "));
    }
}
