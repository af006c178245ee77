//! How do commands reach a unit's registry? By opening its data folder, or, while it is being served, through its HTTP interface.

use std::{fs, io::ErrorKind, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use schemas::{policy::Policy, statement::PolicyBundle, trust::TrustRoot};

use super::unit::Unit;
use crate::{
    core::{
        Config, Registry, RegistryError,
        storage::{Disk as _, RealDisk},
    },
    desk::{AgentHealth, CoverageLine, Plan, agents, coverage_by},
    search::SqliteIndex,
};

/// Either way in.
pub enum Door {
    /// The data folder itself; nobody else has it open.
    Folder(Box<Registry>),
    /// A running registry.
    Served {
        /// Its address.
        url: String,
        /// Token of an administrator, from `VIGIE_TOKEN`; none is needed on loopback.
        token: Option<String>,
        /// The unit's certificate, where it is served over TLS.
        certificate: Option<PathBuf>,
    },
}

/// Where signed erasures lie until the registry has carried them out: beside its data, where it may write also as a service.
pub fn pending_erasures(unit: &Unit) -> PathBuf {
    unit.settings.data.with_file_name("erasures")
}

/// Hands in erasures that a cut left: one record may take several statements, and either all of them count or none.
fn finish_erasures(unit: &Unit, registry: &Registry) -> Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(pending_erasures(unit))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|file| file.extension().is_some_and(|end| end == "note"))
        .collect();
    files.sort();
    for file in files {
        let note = match fs::read_to_string(&file) {
            Ok(note) => note,
            // Who asked for it is there still, and was done with it just now.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("`{}` cannot be read", file.display())),
        };
        match registry.add_statement(&note) {
            Ok(_) => RealDisk.remove(&file)?,
            Err(why) => {
                // Kept beside, so that one refused note does not stop the registry from opening.
                tracing::error!("the erasure in `{}` is refused: {why}", file.display());
                fs::rename(&file, file.with_extension("refused"))?;
            }
        }
    }
    Ok(())
}

/// Opens the unit's registry, and goes on with erasures that were cut short; fails with [`RegistryError::InUse`] where it is being served.
///
/// # Errors
///
/// [`RegistryError`].
pub fn open(unit: &Unit) -> Result<Registry> {
    let config = Config::new(&unit.settings.data, &unit.settings.second, unit.log_key()?, Arc::new(SqliteIndex));
    let registry = Registry::open(config)?;
    finish_erasures(unit, &registry)?;
    Ok(registry)
}

impl Door {
    /// Opens the folder, or finds the server that has it open.
    ///
    /// # Errors
    ///
    /// Where neither is possible.
    pub fn open(unit: &Unit) -> Result<Self> {
        match open(unit) {
            Ok(registry) => Ok(Self::Folder(Box::new(registry))),
            Err(why) if matches!(why.downcast_ref(), Some(RegistryError::InUse { .. })) => Ok(Self::Served {
                url: unit.url(),
                token: std::env::var("VIGIE_TOKEN").ok(),
                certificate: unit.settings.tls.as_ref().map(|tls| tls.certificate.clone()),
            }),
            Err(why) => Err(why),
        }
    }

    /// Puts a signed statement into the log; returns the index of its leaf.
    ///
    /// # Errors
    ///
    /// Where the registry refuses it, with its reason.
    pub fn add_statement(&mut self, note: &str) -> Result<u64> {
        match self {
            Self::Folder(registry) => Ok(registry.add_statement(note)?),
            Self::Served { .. } => {
                let answer = self.ask("POST", "/v1/statements", Some(note))?;
                answer.get("index").and_then(serde_json::Value::as_u64).context("the registry's answer holds no index")
            }
        }
    }

    /// The policy in force now; none before the first allowlist was published.
    ///
    /// # Errors
    ///
    /// Where what the registry says does not verify against `root`.
    pub fn policy(&mut self, root: &TrustRoot) -> Result<Option<Policy>> {
        match self {
            Self::Folder(registry) => Ok(registry.history().policy().map(|policy| (*policy).clone())),
            Self::Served { .. } => match self.ask("GET", "/v1/policy", None) {
                Ok(bundle) => {
                    let bundle: PolicyBundle = serde_json::from_value(bundle)?;
                    Ok(Some(Policy::open(&bundle, root)?))
                }
                Err(why) if why.to_string().contains("no allowlist") => Ok(None),
                Err(why) => Err(why),
            },
        }
    }

    /// Coverage of one entry between two instants.
    ///
    /// # Errors
    ///
    /// The database's or the server's; where more runs were due than are listed.
    pub fn coverage(&mut self, entry: &str, from: Timestamp, to: Timestamp) -> Result<Vec<CoverageLine>> {
        match self {
            Self::Folder(registry) => {
                let plan = Plan::of(&registry.history(), entry, from, to);
                let most = crate::desk::MAX_LINES;
                anyhow::ensure!(!plan.is_long(), "more than {most} runs were due: ask for fewer `--hours`");
                Ok(registry.store().read(|db| coverage_by(db, &plan, from, to, to))?)
            }
            Self::Served { .. } => {
                let answer = self.ask("GET", &format!("/v1/coverage?entry={entry}&from={from}&to={to}"), None)?;
                Ok(serde_json::from_value(answer.get("runs").cloned().unwrap_or_default())?)
            }
        }
    }

    /// The agents.
    ///
    /// # Errors
    ///
    /// The database's or the server's.
    pub fn agents(&mut self) -> Result<Vec<AgentHealth>> {
        match self {
            Self::Folder(registry) => {
                let history = registry.history();
                let chains = registry.chain_findings()?;
                Ok(registry.store().read(|db| agents(db, &history, &chains))?)
            }
            Self::Served { .. } => {
                let answer = self.ask("GET", "/v1/agents", None)?;
                Ok(serde_json::from_value(answer.get("agents").cloned().unwrap_or_default())?)
            }
        }
    }

    /// Writes a backup into a folder that does not exist; gives the number of files and the log size.
    ///
    /// # Errors
    ///
    /// Where the folder exists or cannot be written.
    pub fn backup(&mut self, folder: &std::path::Path) -> Result<(u64, u64)> {
        match self {
            Self::Folder(registry) => {
                let made = registry.backup(folder)?;
                Ok((made.files.len() as u64, made.size))
            }
            Self::Served { .. } => {
                let answer = self.ask("POST", "/v1/backup", Some(&folder.display().to_string()))?;
                let number = |name: &str| answer.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
                Ok((number("files"), number("size")))
            }
        }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Result<serde_json::Value> {
        let Self::Served { url, token, certificate } = self else { bail!("this registry is not served") };
        super::http::ask(method, &format!("{url}{path}"), token.as_deref(), body, certificate.as_deref())
    }
}
