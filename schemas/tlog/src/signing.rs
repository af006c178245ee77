//! Who signs, and how is the secret kept as text?
//!
//! Private keys in the text form of Go's `sumdb/note`, so that keys move between tools.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use rand::TryRngCore as _;
use zeroize::Zeroizing;

use crate::key::{KeyError, KeyKind, VerifierKey, check_id, cosigned_message, parts};
use crate::name::is_key_name;
use crate::signature::Signature;

const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";

/// A name and an Ed25519 secret key. Its memory is cleared when dropped; `Debug` shows the name and key id only.
///
/// One key is for one role: a log, a witness, a person. The two kinds of signature are parted by the type in the key id and by
/// the first line of the cosigned message, and [`crate::Note::sign`] refuses a text that begins with that line.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`], [`KeyError::Randomness`].
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::rngs::OsRng.try_fill_bytes(seed.as_mut()).map_err(|_| KeyError::Randomness)?;
        Self::from_seed(name, &seed)
    }

    /// The key of this 32-byte seed (RFC 8032 calls it the private key).
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name { name: name.to_owned() });
        }
        Ok(Self { name: name.to_owned(), key: ed25519_dalek::SigningKey::from_bytes(seed) })
    }

    /// Reads `PRIVATE+KEY+<name>+<key id>+<base64(01 || seed)>`, the form of Go's `sumdb/note`; a final newline is allowed.
    ///
    /// # Errors
    ///
    /// [`KeyError::MalformedPrivate`], [`KeyError::Type`], [`KeyError::Id`]; none repeats the secret.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let malformed = |why| KeyError::MalformedPrivate { why };
        let text = text.strip_suffix('\n').unwrap_or(text);
        let rest = text.strip_prefix(PRIVATE_PREFIX).ok_or(malformed("it does not begin with `PRIVATE+KEY+`"))?;
        let (name, said, bytes) = parts(rest).map_err(malformed)?;
        let bytes = Zeroizing::new(bytes);
        let Some((&kind, seed)) = bytes.split_first() else {
            return Err(malformed("the key part is empty"));
        };
        if kind != KeyKind::Ed25519.byte() {
            return Err(KeyError::Type { name: name.to_owned(), found: kind });
        }
        let seed: &[u8; 32] = seed.try_into().map_err(|_| malformed("an Ed25519 seed has 32 bytes"))?;
        let found = Self::from_seed(name, seed)?;
        check_id(name, said, found.vkey().id())?;
        Ok(found)
    }

    /// The secret's text form, one line without newline, for the file of its owner alone. Cleared when dropped.
    #[must_use]
    pub fn private_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([KeyKind::Ed25519.byte(); 33]);
        let seed = Zeroizing::new(self.key.to_bytes());
        for (to, from) in bytes.iter_mut().skip(1).zip(seed.iter()) {
            *to = *from;
        }
        let secret = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
        let id = hex::encode(self.vkey().id());
        Zeroizing::new(format!("{PRIVATE_PREFIX}{}+{id}+{}", self.name, secret.as_str()))
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key for what [`SigningKey::sign`] signs (type 01).
    #[must_use]
    pub fn vkey(&self) -> VerifierKey {
        VerifierKey::assemble(self.name.clone(), KeyKind::Ed25519, self.key.verifying_key())
    }

    /// The public key for what [`SigningKey::cosign`] signs (type 04): another id, the same point.
    #[must_use]
    pub fn cosigner_vkey(&self) -> VerifierKey {
        VerifierKey::assemble(self.name.clone(), KeyKind::Cosignature, self.key.verifying_key())
    }

    /// Signs a note's text, which ends in a newline. [`crate::Note::sign`] checks that it can be a note; this does not.
    #[must_use]
    pub fn sign(&self, text: &str) -> Signature {
        let bytes = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        Signature { name: self.name.clone(), id: self.vkey().id(), bytes }
    }

    /// Cosigns a checkpoint's text (final newline included, signature lines not) as seen at this POSIX time in seconds.
    ///
    /// States that this is the largest tree of its origin that the signer has seen consistent with all earlier ones; whoever
    /// calls this has checked that.
    #[must_use]
    pub fn cosign(&self, checkpoint_text: &str, posix_seconds: u64) -> Signature {
        let message = cosigned_message(checkpoint_text, posix_seconds);
        let mut bytes = posix_seconds.to_be_bytes().to_vec();
        bytes.extend(self.key.sign(message.as_bytes()).to_bytes());
        Signature { name: self.name.clone(), id: self.cosigner_vkey().id(), bytes }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, secret)", self.vkey().id_text())
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}
