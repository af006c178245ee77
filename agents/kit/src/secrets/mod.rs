//! Where do credentials come from, where do they go, and how do they stay out of everything that is kept?
//!
//! A credential is a file of that name in the folder systemd names in `$CREDENTIALS_DIRECTORY`, else in the configured one: its value on the
//! first line, and not for everybody to read. A file `NAME.hosts` beside it, one host a line, says which hosts may be sent it; without one, these are the hosts that the
//! entry's match rules name without `*`. It travels by https only, but for loopback. No value has a `Debug` form, and what is captured passes [`Striker`].

mod strike;

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use schemas::permission::{Entry, is_credential_name};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::contract::{Flow, Slot, SlotPlace as Place};

pub use strike::Striker;

/// Shortest secret that can be struck out without striking everything, in bytes.
pub const MIN_SECRET_BYTES: usize = 8;

/// Largest credential file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Why a credential cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nobody said where credentials are.
    #[error(
        "credential `{name}`: no folder of credentials is known; write `credentials = \"FOLDER\"` into agent.toml, or LoadCredential= into the unit"
    )]
    NoFolder {
        /// Its name.
        name: String,
    },
    /// A name that could lead elsewhere, or to a secret of the agent's own.
    #[error(
        "`{name}` is no name of a credential: 1 to 64 of `a-z A-Z 0-9 - _ .`, not beginning with a dot, and no secret of the agent's own"
    )]
    Name {
        /// The name as given.
        name: String,
    },
    /// No such file.
    #[error("credential `{name}`: there is no file `{name}` in {}", shown(folders))]
    Missing {
        /// Its name.
        name: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// The file.
    #[error("credential `{name}` can't be read from {path}")]
    File {
        /// Its name.
        name: String,
        /// Where it should be.
        path: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A value that cannot be sent or cannot be struck out.
    #[error("credential `{name}`: its value {why}")]
    Value {
        /// Its name.
        name: String,
        /// What is wrong, without the value.
        why: &'static str,
    },
    /// The request names a slot that the manifest lacks, or two.
    #[error("the request asks for slot `{slot}`: {why}")]
    Slot {
        /// Slot.
        slot: String,
        /// What is wrong.
        why: &'static str,
    },
}

fn shown(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(" or ")
}

/// Where credentials lie.
#[derive(Clone, Debug, Default)]
pub struct Vault {
    folders: Vec<PathBuf>,
}

impl Vault {
    /// Credentials of `$CREDENTIALS_DIRECTORY`, else of this folder.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        let loaded = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { folders: loaded.into_iter().chain(folder).collect() }
    }

    /// Reads a credential for the slot of a request.
    ///
    /// # Errors
    ///
    /// [`SecretError`]: the request is not made.
    pub fn open(&self, slot: &Slot, entry: &Entry) -> Result<Credential, SecretError> {
        let unfit = |why| SecretError::Slot { slot: slot.name.clone(), why };
        match slot.flow {
            Flow::Static | Flow::Dated => {}
            Flow::ClientCredentials { .. } | Flow::Login { .. } => {
                return Err(unfit(
                    "its flow (token calls) is not in this release; store a token and declare it static",
                ));
            }
        }
        if matches!(slot.place, Place::Form(_)) {
            return Err(unfit("a form field is not in this release"));
        }
        let name = entry.credential.as_deref().ok_or_else(|| unfit("the entry names no credential"))?;
        let value = self
            .read(name)?
            .ok_or_else(|| SecretError::Missing { name: name.to_owned(), folders: self.folders.clone() })?;
        let value = value.expose_secret().lines().next().unwrap_or_default().trim_end().to_owned();
        let bad = |why| SecretError::Value { name: name.to_owned(), why };
        if value.len() < MIN_SECRET_BYTES {
            return Err(bad("has fewer than 8 bytes, too few to be struck out of what is kept"));
        }
        if !value.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
            return Err(bad("holds something other than visible ASCII characters"));
        }
        if value.starts_with("PRIVATE+KEY+") || value.starts_with("AGE-SECRET-KEY-") {
            return Err(bad("is a private key of this project's own, which goes nowhere"));
        }
        if matches!(slot.place, Place::Basic)
            && value.split_once(':').is_none_or(|(_, password)| password.len() < MIN_SECRET_BYTES)
        {
            return Err(bad("must be `name:password`, the password of 8 bytes or more"));
        }
        let hosts = match self.read_file(name, &format!("{name}.hosts"), false)? {
            Some(text) => {
                text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
            }
            None => entry.matches.iter().map(|rule| rule.host.clone()).filter(|host| !host.contains('*')).collect(),
        };
        Ok(Credential {
            name: name.to_owned(),
            place: slot.place.clone(),
            value: value.into(),
            renewed_from: None,
            hosts,
        })
    }

    fn read(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        if !is_credential_name(name) {
            return Err(SecretError::Name { name: name.chars().take(80).collect() });
        }
        self.read_file(name, name, true)
    }

    fn read_file(&self, name: &str, file: &str, secret: bool) -> Result<Option<SecretString>, SecretError> {
        if self.folders.is_empty() {
            return Err(SecretError::NoFolder { name: name.to_owned() });
        }
        for path in self.folders.iter().map(|folder| folder.join(file)) {
            let failed = |source| SecretError::File { name: name.to_owned(), path: path.display().to_string(), source };
            match fs::metadata(&path) {
                Ok(facts) if facts.len() > MAX_FILE_BYTES => {
                    return Err(failed(io::Error::other("it has more than 64 KiB")));
                }
                // The group's bits say nothing: the lists that systemd puts on its credentials show there.
                Ok(facts) if secret && facts.permissions().mode() & 0o007 != 0 => {
                    let why = format!("everybody on this machine may read it; `chmod 600 {}`", path.display());
                    return Err(failed(io::Error::other(why)));
                }
                Ok(_) => return fs::read_to_string(&path).map(|text| Some(text.into())).map_err(failed),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(None)
    }
}

/// A credential bound to a slot. Has no `Debug` form.
#[derive(Clone)]
pub struct Credential {
    name: String,
    place: Place,
    value: SecretString,
    /// The value that it was renewed from within this request: an answer may still repeat that one.
    renewed_from: Option<SecretString>,
    hosts: Vec<String>,
}

impl Credential {
    /// Its name, as the entry has it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may go to this address: a host it is for, by https or to this machine.
    #[must_use]
    pub fn may_go_to(&self, url: &Url) -> bool {
        let loopback = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            _ => false,
        };
        let host = url.host_str().unwrap_or_default();
        (url.scheme() == "https" || loopback) && self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether both hold the same value: a file that did not change need not be tried again.
    #[must_use]
    pub fn same_value(&self, other: &Self) -> bool {
        self.value.expose_secret() == other.value.expose_secret()
    }

    /// This one, in the place of another that was refused: what follows is searched for both.
    #[must_use]
    pub fn in_place_of(mut self, old: &Self) -> Self {
        self.renewed_from = Some(old.value.clone());
        self
    }

    /// Strikes this credential out of whatever is kept, and the one it was renewed from.
    #[must_use]
    pub fn striker(&self) -> Striker {
        let mut values = Vec::new();
        for value in std::iter::once(&self.value).chain(&self.renewed_from) {
            let value = value.expose_secret();
            values.push(value);
            if let (Place::Basic, Some((_, password))) = (&self.place, value.split_once(':')) {
                values.push(password);
            }
        }
        Striker::new(&self.name, &values)
    }

    /// The address as the gate is asked about it and as it is kept: `*` where the value will stand. A parameter of that name which is
    /// there already, as in a redirect that repeats it, is taken out.
    #[must_use]
    pub fn veiled(&self, url: &str) -> String {
        self.with_parameter(url, "*")
    }

    /// The address on the wire, made from the address in normal form that the gate agreed to.
    #[must_use]
    pub(crate) fn unveiled(&self, url: &Url) -> Option<Url> {
        match &self.place {
            Place::Query(_) => Url::parse(&self.with_parameter(url.as_str(), self.value.expose_secret())).ok(),
            _ => Some(url.clone()),
        }
    }

    fn with_parameter(&self, url: &str, value: &str) -> String {
        let Place::Query(name) = &self.place else {
            return url.to_owned();
        };
        let whole = url.split('#').next().unwrap_or_default();
        let (base, query) = whole.split_once('?').unwrap_or((whole, ""));
        let mut parts: Vec<String> = query
            .split('&')
            .filter(|part| !part.is_empty() && part.split('=').next() != Some(name))
            .map(str::to_owned)
            .collect();
        // `*` stands once for each byte that will be there, so that the veiled address has the length of the real one.
        let length: usize = self.value.expose_secret().bytes().map(|byte| percent(byte).len()).sum();
        let shown = if value == "*" { "*".repeat(length) } else { value.bytes().map(percent).collect() };
        parts.push(format!("{name}={shown}"));
        format!("{base}?{}", parts.join("&"))
    }

    /// The header that carries the value, where it goes into one.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let value = self.value.expose_secret();
        let (name, text) = match &self.place {
            Place::Bearer => (AUTHORIZATION, format!("Bearer {value}")),
            Place::Basic => (AUTHORIZATION, format!("Basic {}", STANDARD.encode(value))),
            Place::Header(name) => (HeaderName::try_from(name.as_str()).ok()?, value.to_owned()),
            Place::Query(_) | Place::Form(_) => return None,
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}

/// A byte of a query value: unreserved characters as they are, the rest encoded.
fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests;
