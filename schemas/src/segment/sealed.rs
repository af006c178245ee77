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
pub use keyed::{WHY as SEALED_WHY, keyed_lines, sealed_coverage};
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
    Record { fields, block: sealed }.with_block_digest().field("Content-Type", media_type::SEALED)
}

/// The exchange record as it stands in clear: without step and conditions, which hold what the reader makes of a source's words.
pub(super) fn bare_exchange(full: Exchange) -> Exchange {
    Exchange { step: Value::Null, conditions: Vec::new(), ..full }
}

/// How many recipients an age file is encrypted to, as its header says; none where it is no age file.
///
/// A header is lines; a recipient stanza begins with `->`, the header ends with a line that begins with `---` (C2SP age, section 3).
pub(super) fn recipients(sealed: &[u8]) -> Option<usize> {
    let mut lines = sealed.split(|byte| *byte == b'\n');
    if lines.next() != Some(b"age-encryption.org/v1".as_slice()) {
        return None;
    }
    let mut found = 0;
    for line in lines {
        if line.starts_with(b"-> X25519 ") {
            found += 1;
        } else if line.starts_with(b"---") {
            return Some(found);
        } else if line.len() > 1024 {
            return None;
        }
    }
    None
}
