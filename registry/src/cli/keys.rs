//! `vigie key`: a key pair for a person, an agent or a log. Made on its owner's machine, and it stays there.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
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
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(|| {
        format!("the private key cannot be written to `{}` (a key file is never overwritten)", file.display())
    })?;
    writeln!(out, "{}", &*key.private_text())?;
    out.sync_all()?;
    Ok(key)
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
