//! `vigie key`: a key pair for a person, an agent or a log. Made on its owner's machine, and it stays there.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use schemas::pseudonym::{PseudonymKey, StateKey};
use tlog::SigningKey;

use super::Say;

/// Make and show keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key pair: the private key goes into a file only you can read, the public one is printed
    New {
        /// Short name of the person, agent or log, without spaces or `+`
        name: String,
        /// File for the private key [default: NAME.key]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Make the key with which you open sealed evidence (age). On your own machine: it never goes to an agent or the registry
    Evidence {
        /// Your short name, as the trust root will name you
        name: String,
        /// File for the private key [default: NAME.age]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Make the key of pseudonyms for a scope. It goes to the agents that collect under it and to those who may open evidence, never to the registry
    Pseudonym {
        /// What the pseudonyms are for, in a word of `a-z 0-9 -`: those of two scopes cannot be compared
        scope: String,
        /// File for the key [default: SCOPE.pseudonym.key]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Make the key under which an agent keeps its own memory of sealed evidence. It stays on the agent's host, outside the state folder
    State {
        /// File for the key
        #[arg(long, default_value = "state.key")]
        out: PathBuf,
    },
    /// Print the public key that belongs to a private key file
    Show {
        /// Private key file
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
///
/// Where the name is no key name, or the file exists or cannot be written.
pub fn run(command: &Key, say: &Say) -> Result<()> {
    match command {
        Key::New { name, out } => {
            let file = out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.key")));
            let key = new(name, &file)?;
            let vkey = key.vkey();
            say.json_or(&serde_json::json!({ "key": vkey.to_string(), "id": vkey.id_text(), "file": file }), || {
                format!(
                    "private key  {} (keep it on this machine; nobody else needs it)\npublic key   {vkey}\nkey id       {}\n",
                    file.display(),
                    vkey.id_text()
                )
            })
        }
        Key::Evidence { name, out } => {
            use age::secrecy::ExposeSecret as _;
            let file = out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.age")));
            let identity = age::x25519::Identity::generate();
            write_private(&file, identity.to_string().expose_secret())?;
            let recipient = identity.to_public().to_string();
            say.json_or(&serde_json::json!({ "name": name, "age": recipient, "file": file }), || {
                format!(
                    "private key  {} (keep it on this machine, with a copy in a safe: what is sealed to you opens with nothing else)\n\
                     for the root [[evidence_recipient]]\n             name = \"{name}\"\n             age = \"{recipient}\"\n",
                    file.display()
                )
            })
        }
        Key::Pseudonym { scope, out } => {
            let file = out.clone().unwrap_or_else(|| PathBuf::from(format!("{scope}.pseudonym.key")));
            let key = PseudonymKey::new(scope, random()?).map_err(|_| {
                anyhow::anyhow!("`{}` is no scope: 1 to 64 of `a-z 0-9 -` are expected", scope.escape_debug())
            })?;
            write_private(&file, &key.private_text())?;
            let id = &key.keyed().key;
            say.json_or(&serde_json::json!({ "scope": scope, "id": id, "file": file }), || {
                format!(
                    "key          {} (for the agents of this scope and those who may open evidence; never for the registry)\n\
                     key id       {id}\nwhoever holds it can try names against pseudonyms\n",
                    file.display()
                )
            })
        }
        Key::State { out } => {
            let key = StateKey::new(random()?);
            write_private(out, &key.private_text())?;
            say.json_or(&serde_json::json!({ "id": key.id(), "file": out }), || {
                format!(
                    "key          {} (for one agent, outside its state folder; if it is lost the agent begins anew, and no evidence with it)\n\
                     key id       {}\n",
                    out.display(),
                    key.id()
                )
            })
        }
        Key::Show { file } => {
            let vkey = read(file)?.vkey();
            say.json_or(&serde_json::json!({ "key": vkey.to_string(), "id": vkey.id_text() }), || {
                format!("public key   {vkey}\nkey id       {}\n", vkey.id_text())
            })
        }
    }
}

/// Makes a key and writes its private half, readable by its owner only. An existing file is never overwritten.
///
/// # Errors
///
/// Where the name is no key name, or the file exists or cannot be written.
pub fn new(name: &str, file: &Path) -> Result<SigningKey> {
    let key = SigningKey::generate(name)?;
    write_private(file, &key.private_text())?;
    Ok(key)
}

/// Writes a line into a new file that only its owner can read.
fn write_private(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(|| {
        format!("the private key cannot be written to `{}` (a key file is never overwritten)", file.display())
    })?;
    writeln!(out, "{text}")?;
    Ok(out.sync_all()?)
}

fn random() -> Result<[u8; 32]> {
    use rand::TryRngCore as _;
    let mut bytes = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).context("the operating system gives no random numbers")?;
    Ok(bytes)
}

/// Reads a private key file.
///
/// # Errors
///
/// Where it cannot be read, everybody on this machine may read it, or it holds no private key; the message never shows its content.
pub fn read(file: &Path) -> Result<SigningKey> {
    let unread = || format!("the private key `{}` cannot be read", file.display());
    // The group's bits say nothing: the lists that systemd puts on its credentials show there.
    if fs::metadata(file).with_context(unread)?.permissions().mode() & 0o007 != 0 {
        bail!("everybody on this machine may read the private key `{0}`\nhint: `chmod 600 {0}`", file.display());
    }
    let text = fs::read_to_string(file).with_context(unread)?;
    SigningKey::parse(text.trim_end())
        .with_context(|| format!("`{}` holds no private key made by `vigie key new`", file.display()))
}
