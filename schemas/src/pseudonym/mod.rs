//! How does a record lose the people in it, and stay the same record from one look to the next?
//!
//! A pseudonym is `px` and 32 hexadecimal digits: the first 16 bytes of HMAC-SHA-256 under a key that lies on the agent's host and with those who may
//! open evidence, never with the registry. Whoever holds the key can try names against it; nobody else can. `README.md`, section *Pseudonyms*,
//! says field by field what becomes of a record.

mod address;
mod form;
mod record;
mod state;
mod text;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

pub use address::{address_fits, names_a_person};
pub(crate) use form::is_keyed;
pub use form::{check_record, is_token};
pub(crate) use record::{id, pseudonymise};
pub use state::StateKey;

/// What stands before a key of this kind in its file.
const MARK: &str = "VIGIE+PSEUDONYM+";
/// First line of everything that is hashed; a later way of making pseudonyms gets another.
const VERSION: &str = "vigie-pseudonym-1";
/// In the place of a handle under `authors = "omit"`.
pub(crate) const SOMEONE: &str = "someone";

/// Which key made the pseudonyms of a record. Two records are of one author only where these are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyed {
    /// What the key is for, in a word: pseudonyms of different scopes cannot be compared.
    pub scope: String,
    /// Id of the key: 8 lower-case hexadecimal digits, told by the key itself.
    pub key: String,
}

/// A key of pseudonyms. Has no `Debug` that shows it.
#[derive(Clone)]
pub struct PseudonymKey {
    keyed: Keyed,
    secret: Zeroizing<[u8; 32]>,
}

/// A text that is no key of pseudonyms. Never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no key made by `vigie key pseudonym`: one line `{MARK}SCOPE+ID+BASE64` is expected")]
pub struct NotAKey;

impl PseudonymKey {
    /// A key from 32 unpredictable bytes.
    ///
    /// # Errors
    ///
    /// [`NotAKey`] where the scope is not 1 to 64 of `a-z 0-9 -`.
    pub fn new(scope: &str, secret: [u8; 32]) -> Result<Self, NotAKey> {
        if !crate::policy::is_id(scope) {
            return Err(NotAKey);
        }
        let mut key =
            Self { keyed: Keyed { scope: scope.to_owned(), key: String::new() }, secret: Zeroizing::new(secret) };
        key.keyed.key = hex::encode(&key.mac("id", "")[..4]);
        Ok(key)
    }

    /// Reads a key file's line.
    ///
    /// # Errors
    ///
    /// [`NotAKey`], also where the id is not the key's.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let rest = text.trim().strip_prefix(MARK).ok_or(NotAKey)?;
        let (scope, rest) = rest.split_once('+').ok_or(NotAKey)?;
        let (id, secret) = rest.split_once('+').ok_or(NotAKey)?;
        let secret = Zeroizing::new(STANDARD.decode(secret).map_err(|_| NotAKey)?);
        let key = Self::new(scope, secret.as_slice().try_into().map_err(|_| NotAKey)?)?;
        if key.keyed.key == id { Ok(key) } else { Err(NotAKey) }
    }

    /// The line of a key file, without line feed.
    #[must_use]
    pub fn private_text(&self) -> Zeroizing<String> {
        let Keyed { scope, key } = &self.keyed;
        Zeroizing::new(format!("{MARK}{scope}+{key}+{}", STANDARD.encode(self.secret.as_slice())))
    }

    /// Scope and id, as they stand in records.
    #[must_use]
    pub const fn keyed(&self) -> &Keyed {
        &self.keyed
    }

    /// The pseudonym of a value of a kind (`address`, `handle`, `name`).
    #[must_use]
    pub fn token(&self, kind: &str, value: &str) -> String {
        format!("px{}", hex::encode(&self.mac(kind, value)[..16]))
    }

    /// The pseudonym of a handle, however it is written: `@Alice@Example.org` and `alice@example.org` have one.
    #[must_use]
    pub fn handle(&self, handle: &str) -> String {
        self.token("handle", &handle.trim().trim_start_matches('@').to_lowercase())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    fn mac(&self, kind: &str, value: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_slice()).expect("a key of 32 bytes");
        for part in [VERSION, "\n", &self.keyed.scope, "\n", kind, "\n", value] {
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PseudonymKey").field("keyed", &self.keyed).finish_non_exhaustive()
    }
}
