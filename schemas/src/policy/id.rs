//! What can be an entry's id or a collector's name?

/// How an id is written, for hints.
pub const ID_FORM: &str = "write 1 to 64 of `a` to `z`, `0` to `9` and `-`, not beginning or ending with `-`";

/// Whether a text can be an entry's id or a collector's name.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
