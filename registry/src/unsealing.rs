//! Who opens sealed evidence? A recipient, on a machine of their own, with an age identity that is never on the registry's host or an agent's.

use std::{fs, path::PathBuf, str::FromStr as _};

use anyhow::{Context, Result, bail};
use schemas::{
    pseudonym::{Keyed, PseudonymKey},
    segment::Open,
};
use zeroize::Zeroizing;

/// What a key holder brings: age identities, and the keys of pseudonyms that were in use.
#[derive(Default)]
pub struct Holder {
    identities: Vec<age::x25519::Identity>,
    pseudonyms: Vec<PseudonymKey>,
}

impl Holder {
    /// Reads the files of a key holder; both lists may be empty.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or holds no such key; the message never shows its content.
    pub fn read(identities: &[PathBuf], pseudonyms: &[PathBuf]) -> Result<Self> {
        let mut holder = Self::default();
        for file in identities {
            let text = Zeroizing::new(
                fs::read_to_string(file)
                    .with_context(|| format!("the identity `{}` cannot be read", file.display()))?,
            );
            let before = holder.identities.len();
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let identity = age::x25519::Identity::from_str(line)
                    .map_err(|why| anyhow::anyhow!("`{}` holds no age identity: {why}", file.display()))?;
                holder.identities.push(identity);
            }
            if holder.identities.len() == before {
                bail!("`{}` holds no age identity", file.display());
            }
        }
        for file in pseudonyms {
            let text = Zeroizing::new(
                fs::read_to_string(file).with_context(|| format!("the key `{}` cannot be read", file.display()))?,
            );
            let key = PseudonymKey::parse(&text).with_context(|| format!("`{}`", file.display()))?;
            holder.pseudonyms.push(key);
        }
        Ok(holder)
    }

    /// Whether anything can be opened at all.
    #[must_use]
    pub fn opens(&self) -> bool {
        !self.identities.is_empty()
    }

    /// The key that made these pseudonyms; without any to go by, the first.
    #[must_use]
    pub fn key(&self, keyed: Option<&Keyed>) -> Option<&PseudonymKey> {
        match keyed {
            Some(keyed) => self.pseudonyms.iter().find(|key| key.keyed() == keyed),
            None => self.pseudonyms.first(),
        }
    }
}

impl Open for Holder {
    fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        use std::io::Read as _;
        let all = self.identities.iter().map(|one| one as &dyn age::Identity);
        let open = || -> Result<Vec<u8>, age::DecryptError> {
            let mut plain = Vec::new();
            age::Decryptor::new_buffered(sealed)?.decrypt(all)?.read_to_end(&mut plain)?;
            Ok(plain)
        };
        open().map_err(|why| why.to_string())
    }
}
