//! The key under which an agent keeps its own memory of sealed evidence.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::NotAKey;

const MARK: &str = "VIGIE+STATE+";

/// A key of an agent's state. Lost, the agent begins anew; nobody's evidence is lost with it. Has no `Debug` that shows it.
#[derive(Clone)]
pub struct StateKey {
    secret: Zeroizing<[u8; 32]>,
}

impl StateKey {
    /// A key from 32 unpredictable bytes.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret: Zeroizing::new(secret) }
    }

    /// Reads a key file's line: `VIGIE+STATE+ID+BASE64`.
    ///
    /// # Errors
    ///
    /// [`NotAKey`], also where the id is not the key's.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let (id, secret) = text.trim().strip_prefix(MARK).and_then(|rest| rest.split_once('+')).ok_or(NotAKey)?;
        let secret = Zeroizing::new(STANDARD.decode(secret).map_err(|_| NotAKey)?);
        let key = Self::new(secret.as_slice().try_into().map_err(|_| NotAKey)?);
        if key.id() == id { Ok(key) } else { Err(NotAKey) }
    }

    /// The line of a key file, without line feed.
    #[must_use]
    pub fn private_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{MARK}{}+{}", self.id(), STANDARD.encode(self.secret.as_slice())))
    }

    /// 8 hexadecimal digits that tell two keys apart.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(self.mac("id", &[]).get(..4).unwrap_or_default())
    }

    /// HMAC-SHA-256 over `vigie-state-1`, a label and a value: keys for one use each, and synthetic nonces.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    pub fn mac(&self, label: &str, value: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_slice()).expect("a key of 32 bytes");
        for part in [b"vigie-state-1\n".as_slice(), label.as_bytes(), b"\n", value] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateKey").field("id", &self.id()).finish_non_exhaustive()
    }
}
