//! What names bytes by their SHA-256?

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

/// A SHA-256 value, written as 64 lower-case hexadecimal digits wherever it is text.
///
/// Upper case, other lengths and prefixes are refused, so that one digest has one spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// As the HTTP field `Content-Digest` says it (RFC 9530): for whoever receives a body to see whether it is the one that was sent.
    #[must_use]
    pub fn content_digest(&self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(self.0))
    }

    /// The SHA-256 in a `Content-Digest`; none where it names other hashes only.
    ///
    /// # Errors
    ///
    /// What is called a SHA-256 there and is none.
    pub fn of_content_digest(field: &str) -> Result<Option<Self>, NotADigest> {
        let Some(said) = field.split(',').find_map(|one| one.trim().strip_prefix("sha-256=")) else {
            return Ok(None);
        };
        let bytes = said.strip_prefix(':').and_then(|said| said.strip_suffix(':'));
        let bytes = bytes.and_then(|base64| STANDARD.decode(base64).ok()?.try_into().ok());
        bytes.map(|bytes| Some(Self(bytes))).ok_or_else(|| NotADigest { text: said.chars().take(80).collect() })
    }

    /// The first twelve digits: enough for a person to tell two apart, never enough to prove anything.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(digits(&self.0, &mut [0; 64]))
    }
}

/// Two digits for each of the 32 bytes: they fit, and are ASCII.
fn digits<'a>(bytes: &[u8; 32], room: &'a mut [u8; 64]) -> &'a str {
    hex::encode_to_slice(bytes, room).ok().and_then(|()| std::str::from_utf8(room).ok()).unwrap_or_default()
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a digest: 64 lower-case hexadecimal digits are expected")]
pub struct NotADigest {
    /// The offending text, at most its first 80 characters.
    pub text: String,
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let refused = || NotADigest { text: text.chars().take(80).collect() };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| refused())?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks().0) {
            let [high, low] = pair.map(digit);
            *byte = high.zip(low).map(|(high, low)| high << 4 | low).ok_or_else(refused)?;
        }
        Ok(Self(bytes))
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(digits(&self.0, &mut [0; 64]))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits)
    }
}

struct Digits;

impl de::Visitor<'_> for Digits {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256, lower-case hexadecimal" })
    }
}

/// 32 random bytes that make a unit's digest impossible to guess; destroyed with the unit.
///
/// The same spelling as a [`Digest`]: 64 lower-case hexadecimal digits.
pub type Salt = Digest;

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn content_digest_is_read_as_it_is_written() {
        let digest = Digest::of(b"segment bytes");
        let read = |field: &str| Digest::of_content_digest(field).map_err(|_| ());
        assert_eq!(Digest::of(b"hello").content_digest(), "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:");
        assert_eq!(read(&digest.content_digest()), Ok(Some(digest)));
        assert_eq!(read(&format!("sha-512=:AA==:, {}", digest.content_digest())), Ok(Some(digest)));
        assert_eq!(read("sha-512=:AA==:"), Ok(None));
        for broken in
            ["sha-256=", "sha-256=::", "sha-256=:AA==:", "sha-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="]
        {
            assert_eq!(read(broken), Err(()), "{broken}");
        }
    }
}
