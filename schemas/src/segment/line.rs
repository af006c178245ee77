//! How does a conversion line carry its salt?

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    canonical::{self, CanonicalError},
    capture::{Line, RecordLine},
    digest::{Digest, Salt},
};

const MARK: &str = "\"salt\":\"";
const SALT_DIGITS: usize = 64;

/// Bytes that a salt and its name take in a line.
pub(super) const SALTED_BYTES: usize = MARK.len() + SALT_DIGITS + 2;

/// The canonical bytes of a line, without salt and line feed: what a reader says and what derivations compare.
///
/// # Errors
///
/// What canonical JSON refuses: a float or an integer beyond 2^53 in a free field.
pub fn line_bytes(line: &Line) -> Result<Vec<u8>, CanonicalError> {
    canonical::canonical_of(line)
}

/// As [`line_bytes`] of a record's line, given the canonical bytes of its item, as [`Record::written`](crate::record::Record::written) writes them.
///
/// # Errors
///
/// As [`line_bytes`].
pub fn record_line_bytes(line: &RecordLine, item: &[u8]) -> Result<Vec<u8>, CanonicalError> {
    let RecordLine { place, content, item: _, dropped } = line;
    let mut out = Vec::with_capacity(item.len() + place.len() + 160);
    out.extend_from_slice(b"{\"record\":{\"content\":");
    write(&mut out, content)?;
    if !dropped.is_empty() {
        out.extend_from_slice(b",\"dropped\":");
        write(&mut out, dropped)?;
    }
    out.extend_from_slice(b",\"item\":");
    out.extend_from_slice(item);
    out.extend_from_slice(b",\"place\":");
    write(&mut out, place)?;
    out.extend_from_slice(b"}}");
    match out.len() {
        0..=canonical::MAX_BYTES => Ok(out),
        bytes => Err(CanonicalError::TooLarge { bytes }),
    }
}

/// Texts are canonical as serde_json writes them.
fn write(out: &mut Vec<u8>, text: &impl Serialize) -> Result<(), CanonicalError> {
    serde_json::to_writer(out, text).map_err(|source| CanonicalError::Unwritable { source })
}

/// The stored form of a line: the same object with its `salt` member, canonical.
///
/// `bytes` must come from [`line_bytes`]: one object with one member.
#[must_use]
pub fn salted(bytes: &[u8], salt: &Salt) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + SALTED_BYTES);
    salt_onto(&mut out, bytes, salt);
    out
}

/// As [`salted`], appended to what is there.
pub(super) fn salt_onto(out: &mut Vec<u8>, bytes: &[u8], salt: &Salt) {
    let member = format!("{MARK}{salt}\"");
    // Members are sorted: of the names a line can have, only `unreadable` (and a tombstone, which has no salt) sorts after `salt`.
    if bytes.starts_with(b"{\"u") {
        out.push(b'{');
        out.extend_from_slice(member.as_bytes());
        out.push(b',');
        out.extend_from_slice(bytes.get(1..).unwrap_or_default());
    } else {
        out.extend_from_slice(bytes.strip_suffix(b"}").unwrap_or(bytes));
        out.push(b',');
        out.extend_from_slice(member.as_bytes());
        out.push(b'}');
    }
}

/// Takes the salt out of a stored line again; `None` where there is none in its place.
#[must_use]
pub fn unsalted(stored: &[u8]) -> Option<(Vec<u8>, Salt)> {
    let (rest, digits) = without_salt(stored)?;
    Some((rest, std::str::from_utf8(digits).ok()?.parse().ok()?))
}

/// As [`unsalted`], with the salt's digits as they stand.
pub(super) fn without_salt(stored: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (digits, rest) = match stored.strip_prefix(b"{").and_then(|after| after.strip_prefix(MARK.as_bytes())) {
        Some(after) => {
            let (digits, rest) = after.split_at_checked(SALT_DIGITS)?;
            let rest = rest.strip_prefix(b"\",")?;
            // See `salted`: before any other name the salt stands at the end.
            rest.starts_with(b"\"u").then_some(())?;
            (digits, [b"{", rest].concat())
        }
        None => {
            let inside = stored.strip_suffix(b"\"}")?;
            let (before, digits) = inside.split_at_checked(inside.len().checked_sub(SALT_DIGITS)?)?;
            let rest = before.strip_suffix(MARK.as_bytes())?.strip_suffix(b",")?;
            (!rest.starts_with(b"{\"u")).then_some(())?;
            (digits, [rest, b"}"].concat())
        }
    };
    digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')).then_some((rest, digits))
}

/// SHA-256 of a stored line and of what it says without its salt. Most salts stand at the end, and what is before them is hashed once for both.
pub(super) fn digests(stored: &[u8], said: &[u8]) -> [Digest; 2] {
    let shared = said.strip_suffix(b"}").filter(|shared| stored.starts_with(shared)).unwrap_or_default();
    let begun = Sha256::new_with_prefix(shared);
    [stored, said].map(|line| {
        let rest = line.get(shared.len()..).unwrap_or_default();
        Digest(begun.clone().chain_update(rest).finalize().into())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Kind, Record};

    fn salt(seed: u8) -> Salt {
        format!("{seed:02x}").repeat(32).parse().unwrap()
    }

    #[test]
    fn a_records_line_is_the_same_whoever_writes_its_item() {
        for dropped in [vec![], vec!["te\"xt".to_owned(), "url".to_owned()]] {
            let mut item = Record::new(Kind::Post, "web", "é");
            item.text = Some("a\n\u{1}".to_owned());
            let written = item.written().unwrap();
            let line = RecordLine { place: "<item> #\"0".to_owned(), content: written.content, item, dropped };
            let bytes = record_line_bytes(&line, &written.bytes).unwrap();
            assert_eq!(bytes, line_bytes(&Line::Record(line)).unwrap());
        }
    }

    proptest! {
        /// A salt is found where it is put, and nowhere else.
        #[test]
        fn what_has_a_salt_is_what_was_given_one(line in "\\{\"[rgeu][a-z,\"{}:]{0,40}\\}", seed in any::<u8>(), cut in any::<prop::sample::Index>(), other in any::<u8>()) {
            let stored = salted(line.as_bytes(), &salt(seed));
            prop_assert_eq!(unsalted(&stored).map(|(rest, _)| rest), Some(line.clone().into_bytes()));
            prop_assert_eq!(digests(&stored, line.as_bytes()), [Digest::of(&stored), Digest::of(line.as_bytes())]);
            let mut broken = stored;
            let at = cut.index(broken.len());
            broken[at] = other;
            for text in [&broken[..], line.as_bytes(), &broken[1..]] {
                prop_assert_eq!(digests(text, line.as_bytes()), [Digest::of(text), Digest::of(line.as_bytes())]);
                if let Some((rest, salt)) = unsalted(text) {
                    prop_assert_eq!(salted(&rest, &salt), text);
                }
            }
        }
    }
}
