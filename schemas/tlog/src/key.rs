//! By which key is a signature checked?
//!
//! Public keys in the text form of C2SP `signed-note.md`. A key's id is the first four bytes of SHA-256 over name, newline, type byte
//! and public key: a hint for finding the key, never proof of anything.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::name::{MAX_KEY_TEXT_BYTES, is_key_name};
use crate::signature::Signature;

/// Why a text is no key, or a key could not be made. Never repeats a private key's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Names are not empty, and hold no space, no control character and no `+`.
    #[error("`{}` cannot be a key name: it must not be empty, nor hold spaces, control characters or `+`", .name.escape_debug())]
    Name {
        /// The name refused.
        name: String,
    },
    /// The verifier key is not `<name>+<8 hex digits>+<base64>`.
    #[error("a verifier key reads `<name>+<key id, 8 hex digits>+<base64>`: {why}")]
    Malformed {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The private key is not `PRIVATE+KEY+<name>+<8 hex digits>+<base64>`.
    #[error("a private key reads `PRIVATE+KEY+<name>+<key id, 8 hex digits>+<base64>`: {why}")]
    MalformedPrivate {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A type that is neither Ed25519 nor its cosignature.
    #[error(
        "key type {found:#04x} of `{name}` is not supported: only 0x01 (Ed25519) and 0x04 (Ed25519 cosignature) are"
    )]
    Type {
        /// The key's name.
        name: String,
        /// The type byte.
        found: u8,
    },
    /// The id in the text does not follow from name, type and key.
    #[error("key `{name}` says its id is {said}, but name and key give {computed}: the text was damaged or changed")]
    Id {
        /// The key's name.
        name: String,
        /// As written.
        said: String,
        /// As computed.
        computed: String,
    },
    /// No point of the curve, or one of small order, under which anything can be made to verify.
    #[error("the public key of `{name}` is not a usable Ed25519 point")]
    Point {
        /// The key's name.
        name: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for a new key")]
    Randomness,
}

/// What a key's signatures mean: the type byte of its text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Type 01: Ed25519 over the note's text.
    Ed25519,
    /// Type 04: a timestamped cosignature (C2SP `tlog-cosignature.md`): u64 big-endian POSIX seconds, then Ed25519 over
    /// `cosignature/v1`, the time and the checkpoint.
    Cosignature,
}

impl KeyKind {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A public key with its name: what a verifier must be told by other means than the log.
#[derive(Clone)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    kind: KeyKind,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    /// Reads the text form `<name>+<key id>+<base64(type || public key)>`.
    ///
    /// # Errors
    ///
    /// Any [`KeyError`] but those of private keys. An id that does not follow from the rest is refused, small-order points too.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let malformed = |why| KeyError::Malformed { why };
        let (name, said, bytes) = parts(text).map_err(malformed)?;
        let Some((&kind, public)) = bytes.split_first() else {
            return Err(malformed("the key part is empty"));
        };
        let kind = match kind {
            1 => KeyKind::Ed25519,
            4 => KeyKind::Cosignature,
            found => {
                return Err(KeyError::Type { name: name.to_owned(), found });
            }
        };
        let public: [u8; 32] = public.try_into().map_err(|_| malformed("an Ed25519 public key has 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&public)
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or_else(|| KeyError::Point { name: name.to_owned() })?;
        let found = Self::assemble(name.to_owned(), kind, key);
        check_id(name, said, found.id)?;
        Ok(found)
    }

    pub(crate) fn assemble(name: String, kind: KeyKind, key: ed25519_dalek::VerifyingKey) -> Self {
        let id = key_id(&name, kind, key.as_bytes());
        Self { name, id, kind, key }
    }

    /// The key's name; for a log its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id, a hint of four bytes.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Name and id as people and tables write them: `name+0a1b2c3d`.
    #[must_use]
    pub fn id_text(&self) -> String {
        format!("{}+{}", self.name, hex::encode(self.id))
    }

    /// What its signatures mean.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The 32 bytes of the Ed25519 public key.
    #[must_use]
    pub fn public_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether the signature names this key and holds for this text (a note's text, final newline included).
    #[must_use]
    pub fn verifies(&self, text: &str, signature: &Signature) -> bool {
        self.named_by(signature) && self.check(text, &signature.bytes).is_some()
    }

    pub(crate) fn named_by(&self, signature: &Signature) -> bool {
        signature.id == self.id && signature.name == self.name
    }

    /// `None` if the signature does not hold; otherwise the time it states, which is 0 for a plain signature.
    pub(crate) fn check(&self, text: &str, signature: &[u8]) -> Option<u64> {
        let (seconds, signature) = match self.kind {
            KeyKind::Ed25519 => (0, signature),
            KeyKind::Cosignature => {
                let (seconds, signature) = signature.split_first_chunk::<8>()?;
                (u64::from_be_bytes(*seconds), signature)
            }
        };
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        let verified = match self.kind {
            KeyKind::Ed25519 => self.key.verify_strict(text.as_bytes(), &signature),
            KeyKind::Cosignature => self.key.verify_strict(cosigned_message(text, seconds).as_bytes(), &signature),
        };
        verified.ok().map(|()| seconds)
    }

    fn order(&self) -> (&str, KeyKind, &[u8; 32]) {
        (&self.name, self.kind, self.key.as_bytes())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for VerifierKey {}

impl PartialOrd for VerifierKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VerifierKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl std::hash::Hash for VerifierKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.order().hash(state);
    }
}

impl Serialize for VerifierKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifierKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// First line of every cosigned message, newline included; no note text may begin with it.
pub(crate) const COSIGNATURE_LINE: &str = "cosignature/v1\n";

pub(crate) fn cosigned_message(checkpoint_text: &str, seconds: u64) -> String {
    format!("{COSIGNATURE_LINE}time {seconds}\n{checkpoint_text}")
}

fn key_id(name: &str, kind: KeyKind, public: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', kind.byte()]).chain_update(public).finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    [a, b, c, d]
}

/// Name, id as written and the decoded last part. The base64 may itself hold `+`, names and ids never do.
pub(crate) fn parts(text: &str) -> Result<(&str, &str, Vec<u8>), &'static str> {
    if text.len() > MAX_KEY_TEXT_BYTES {
        return Err("it is longer than 1024 bytes");
    }
    let (name, rest) = text.split_once('+').ok_or("there is no `+`")?;
    let (id, key) = rest.split_once('+').ok_or("there is no second `+`")?;
    if !is_key_name(name) {
        return Err("the name is empty, too long, or holds a space or control character");
    }
    if id.len() != 8 || !id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("the key id is not 8 lower-case hex digits");
    }
    let bytes = STANDARD.decode(key).map_err(|_| "the key part is not standard base64")?;
    Ok((name, id, bytes))
}

pub(crate) fn check_id(name: &str, said: &str, computed: [u8; 4]) -> Result<(), KeyError> {
    let computed = hex::encode(computed);
    if said == computed {
        return Ok(());
    }
    Err(KeyError::Id { name: name.to_owned(), said: said.to_owned(), computed })
}
