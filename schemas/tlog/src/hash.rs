//! What is a hash of the tree, and how are leaves and nodes hashed?

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 value: a leaf hash, a node or a root. Written as padded standard base64, 44 characters, everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(
    /// The 32 bytes as SHA-256 gives them.
    pub [u8; 32],
);

/// A text that is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not padded, canonical standard base64 (RFC 4648 section 4).
    #[error("a hash must be standard base64 with padding")]
    NotBase64,
    /// Not an even number of hexadecimal digits.
    #[error("a hash must be hexadecimal digits")]
    NotHex,
    /// Decoded to another length than 32 bytes.
    #[error("a hash has 32 bytes, this one has {length}")]
    Length {
        /// The length found, in bytes.
        length: usize,
    },
}

/// Root of the tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1).
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Hash of a leaf: SHA-256 of 0x00 and the entry's bytes (RFC 6962 section 2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// Hash of an inner node: SHA-256 of 0x01, the left and the right child (RFC 6962 section 2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let digest = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
    Hash(digest.finalize().into())
}

impl Hash {
    /// The hash as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 hexadecimal digits, of either case.
    ///
    /// # Errors
    ///
    /// [`HashError::NotHex`] or [`HashError::Length`].
    pub fn from_hex(text: &str) -> Result<Self, HashError> {
        let bytes = hex::decode(text).map_err(|_| HashError::NotHex)?;
        Self::from_slice(&bytes)
    }

    /// Takes exactly 32 bytes.
    ///
    /// # Errors
    ///
    /// [`HashError::Length`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, HashError> {
        let bytes = bytes.try_into().map_err(|_| HashError::Length { length: bytes.len() })?;
        Ok(Self(bytes))
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        // 44 characters are 32 bytes; refusing longer texts first keeps the decoding bounded.
        if text.len() > 64 {
            return Err(HashError::Length { length: text.len() / 4 * 3 });
        }
        let bytes = STANDARD.decode(text).map_err(|_| HashError::NotBase64)?;
        Self::from_slice(&bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
