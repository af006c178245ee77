//! How does evidence lie that only named people may open, and what must hold of it all the same?
//!
//! Bytes: `README.md`, section *Sealed evidence*. Encryption itself is another's: an agent brings a [`Seal`], a key holder an [`Open`]. Whoever has neither
//! still checks signatures, commitments, permission, budget and the form of what stands in clear.

mod breaches;
mod keyed;
mod opened;

use std::io;

use serde_json::Value;
use warc::Record;

pub use breaches::breaches;
pub use keyed::{WHY as SEALED_WHY, keyed_lines, keyed_vanished, sealed_coverage};
pub use opened::Opened;

use crate::capture::{Exchange, media_type};

/// Encrypts to the recipients of the trust root.
pub trait Seal {
    /// An age file of `plain`.
    ///
    /// # Errors
    ///
    /// A recipient that cannot be encrypted to; nothing may be written then.
    fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>>;
}

/// Decrypts with what a key holder has.
pub trait Open {
    /// What an age file holds.
    ///
    /// # Errors
    ///
    /// Why it stays shut, for people.
    fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, String>;
}

/// Whether the block of a record is encrypted.
#[must_use]
pub fn is_sealed(record: &Record) -> bool {
    record.get("Content-Type") == Some(media_type::SEALED)
}

/// The record as it stands in the segment: the fields of the one inside but for digests of what must not be confirmed by guessing.
pub(super) fn outer(inner: &Record, sealed: Vec<u8>) -> Record {
    let told = ["WARC-Block-Digest", "WARC-Payload-Digest", "Content-Type", super::SALT_FIELD];
    let fields = inner.fields.iter().filter(|(name, _)| !told.contains(&name.as_str())).cloned().collect();
    Record { fields, block: sealed.into() }.with_block_digest().field("Content-Type", media_type::SEALED)
}

/// The exchange record as it stands in clear: without step and conditions, which hold what the reader makes of a source's words, and without what a site's
/// file says in words of its own.
pub(super) fn bare_exchange(full: Exchange) -> Exchange {
    Exchange { step: Value::Null, conditions: Vec::new(), reservation: None, ..full }
}

/// How many recipients an age file is encrypted to, as its header says; none where it is no age file.
///
/// The header is asked for in full (C2SP age, sections 2 and 3): stanzas `-> TYPE ARGUMENTS` with bodies in base64, those of X25519 with a share and a file
/// key of 32 bytes each, then `--- ` and a MAC of 32 bytes. What follows is a nonce and ciphertext, which is never text in UTF-8: what an agent left
/// in clear behind a header is no age file. What it hid better shows only to a recipient.
pub(super) fn recipients(sealed: &[u8]) -> Option<usize> {
    let mut rest = sealed.strip_prefix(b"age-encryption.org/v1\n")?;
    let mut found = 0;
    let mut wanted = None;
    loop {
        let end = rest.iter().take(MAX_HEADER_LINE).position(|byte| *byte == b'\n')?;
        let (line, after) = rest.split_at_checked(end)?;
        let line = std::str::from_utf8(line).ok()?;
        rest = after.get(1..)?;
        match wanted.take() {
            // A body ends with its first line of less than 64 characters.
            Some(length) if is_base64(line, length) => wanted = (line.len() == 64).then_some(None),
            Some(_) => return None,
            None => {
                if let Some(mac) = line.strip_prefix("--- ") {
                    let shut = rest.len() >= 32 && std::str::from_utf8(rest).is_err();
                    return (is_base64(mac, Some(43)) && shut).then_some(found);
                }
                let x25519 = line.strip_prefix("-> X25519 ");
                let share = x25519.is_none_or(|share| is_base64(share, Some(43)));
                if !(line.starts_with("-> ") && share) {
                    return None;
                }
                found += usize::from(x25519.is_some());
                wanted = Some(x25519.map(|_| 43));
            }
        }
    }
}

/// Longest line of an age file's header that is read, in bytes.
const MAX_HEADER_LINE: usize = 1024;

/// Base64 without padding, of so many characters, or of at most a line.
fn is_base64(text: &str, length: Option<usize>) -> bool {
    length.map_or(text.len() <= 64, |length| text.len() == length)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
