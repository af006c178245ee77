//! What can a key be called? C2SP `signed-note.md`.

/// No key text we make or accept is longer; names are bounded by it as well.
pub(crate) const MAX_KEY_TEXT_BYTES: usize = 1024;

/// Whether a text can be a key's name: not empty, no white space of Unicode, no control character, no `+`.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_KEY_TEXT_BYTES / 2
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}
