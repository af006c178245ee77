//! How does a conversion line carry its salt?

use crate::{
    canonical::{self, CanonicalError},
    capture::Line,
    digest::Salt,
};

const MARK: &str = "\"salt\":\"";

/// The canonical bytes of a line, without salt and line feed: what a reader says and what derivations compare.
///
/// # Errors
///
/// What canonical JSON refuses: a float or an integer beyond 2^53 in a free field.
pub fn line_bytes(line: &Line) -> Result<Vec<u8>, CanonicalError> {
    canonical::canonical_of(line)
}

/// The stored form of a line: the same object with its `salt` member, canonical.
///
/// `bytes` must come from [`line_bytes`]: one object with one member.
#[must_use]
pub fn salted(bytes: &[u8], salt: &Salt) -> Vec<u8> {
    let member = format!("{MARK}{salt}\"");
    let mut out = Vec::with_capacity(bytes.len() + member.len() + 1);
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
    out
}

/// Takes the salt out of a stored line again; `None` where there is none in its place.
#[must_use]
pub fn unsalted(stored: &[u8]) -> Option<(Vec<u8>, Salt)> {
    let digits = 64;
    let member = MARK.len() + digits + 1;
    let (salt_at, rest) = if stored.starts_with(b"{\"salt\":\"") {
        let mut rest = vec![b'{'];
        rest.extend_from_slice(stored.get(1 + member + 1..)?);
        (1, rest)
    } else {
        let at = stored.len().checked_sub(member + 1)?;
        let mut rest = stored.get(..at.checked_sub(1)?)?.to_vec();
        if stored.get(at - 1) != Some(&b',') {
            return None;
        }
        rest.push(b'}');
        (at, rest)
    };
    let text = std::str::from_utf8(stored.get(salt_at..salt_at + member)?).ok()?;
    let salt = text.strip_prefix(MARK)?.strip_suffix('"')?.parse().ok()?;
    (salted(&rest, &salt) == stored).then_some((rest, salt))
}
