//! Where does a unit keep its registry? One folder with a short `vigie.toml`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use schemas::trust::TrustRoot;
use serde::{Deserialize, Serialize};

/// The settings of a registry, `vigie.toml`. Paths are relative to the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Version of this format; this release reads 1.
    pub format: u32,
    /// Data folder: segments, statements, log, database.
    pub data: PathBuf,
    /// Second place, best on another disk: the highest checkpoint, statements, log.
    pub second: PathBuf,
    /// File of the log's private key. Never inside `data` or `second`. Not read where the service manager loads a credential `log.key`.
    pub log_key: PathBuf,
    /// The trust root.
    pub trust: PathBuf,
    /// The allowlist as people edit it; what counts is what they signed.
    pub allowlist: PathBuf,
    /// Address to listen on. Anything but loopback needs `tls`.
    pub listen: SocketAddr,
    /// Certificate chain and key, PEM files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Lets anybody read the log's tiles; else reviewers and witnesses only.
    #[serde(default)]
    pub public_log: bool,
}

/// Files for serving over TLS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM. Not read where the service manager loads a credential `tls.key`.
    pub key: PathBuf,
}

/// A unit's folder, opened: settings with absolute paths.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The folder.
    pub folder: PathBuf,
    /// Its settings; paths joined with the folder.
    pub settings: Settings,
}

impl Unit {
    /// Name of the settings file.
    pub const FILE: &'static str = "vigie.toml";

    /// Settings as `vigie init` writes them.
    #[must_use]
    pub fn defaults() -> Settings {
        Settings {
            format: 1,
            data: "data".into(),
            second: "second".into(),
            log_key: "keys/log.key".into(),
            trust: "trust.toml".into(),
            allowlist: "allowlist.toml".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8600)),
            tls: None,
            public_log: false,
        }
    }

    /// Opens a unit's folder.
    ///
    /// # Errors
    ///
    /// Where there is no `vigie.toml`, or it is not understood.
    pub fn open(folder: &Path) -> Result<Self> {
        let file = folder.join(Self::FILE);
        let text = fs::read_to_string(&file).with_context(|| {
            format!(
                "there is no unit in `{}`: `vigie init {}` makes one, `--unit` names another",
                folder.display(),
                folder.display()
            )
        })?;
        let mut settings: Settings =
            toml::from_str(&text).with_context(|| format!("{} is not understood", file.display()))?;
        if settings.format != 1 {
            bail!("{}: format {} is not known to this release, which reads 1", file.display(), settings.format);
        }
        for path in [
            &mut settings.data,
            &mut settings.second,
            &mut settings.log_key,
            &mut settings.trust,
            &mut settings.allowlist,
        ] {
            *path = folder.join(&*path);
        }
        if let Some(tls) = &mut settings.tls {
            tls.certificate = folder.join(&tls.certificate);
            tls.key = folder.join(&tls.key);
        } else if !settings.listen.ip().is_loopback() {
            bail!(
                "{}: `listen = \"{}\"` is not a loopback address, and there is no [tls] section\nhint: give `certificate` and `key`, or listen on 127.0.0.1 behind a proxy",
                file.display(),
                settings.listen
            );
        }
        for beside in [&settings.data, &settings.second] {
            if settings.log_key.starts_with(beside) {
                bail!(
                    "{}: the log's private key must not lie in `{}`, beside what it signs",
                    file.display(),
                    beside.display()
                );
            }
        }
        Ok(Self { folder: folder.to_owned(), settings })
    }

    /// Where its registry is served: the listener's address.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.settings.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.settings.listen)
    }

    /// The trust root as it lies in the folder.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or is refused.
    pub fn root(&self) -> Result<TrustRoot> {
        read_root(&self.settings.trust)
    }

    /// Where a secret lies: in the folder systemd names by `CREDENTIALS_DIRECTORY` (`LoadCredential=`, `LoadCredentialEncrypted=`) where it
    /// has loaded one of this name, else in the settings' file.
    #[must_use]
    pub fn secret(&self, name: &str, settings: &Path) -> PathBuf {
        std::env::var_os("CREDENTIALS_DIRECTORY")
            .map(|folder| PathBuf::from(folder).join(name))
            .filter(|file| file.exists())
            .unwrap_or_else(|| settings.to_owned())
    }

    /// The log's private key, the secret `log.key`.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn log_key(&self) -> Result<tlog::SigningKey> {
        super::keys::read(&self.secret("log.key", &self.settings.log_key))
    }
}

/// Reads and checks a trust root.
///
/// # Errors
///
/// Where the file cannot be read or is refused; the message names line and remedy.
pub fn read_root(file: &Path) -> Result<TrustRoot> {
    let text =
        fs::read_to_string(file).with_context(|| format!("the trust root `{}` cannot be read", file.display()))?;
    let root = TrustRoot::from_toml(&text, &file.display().to_string())?;
    Ok(root)
}
