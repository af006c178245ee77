//! Which text may stand without quotes, and how is it read then?

/// True if the text, written as it is, is read as one word again.
pub(super) fn is_bare_word(text: &str) -> bool {
    is_bare_value(text) && !text.starts_with('-') && !matches!(text, "OR" | "AND" | "NOT") && field_name(text).is_none()
}

/// True if the text may stand behind a colon as it is.
pub(super) fn is_bare_value(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("//") && !text.chars().any(|c| ends_word(c) || c == '*' || c == '\\')
}

/// True for what ends a word that stands without quotes.
pub(super) fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}

/// The name of `name:value`; an address is none.
pub(super) fn field_name(text: &str) -> Option<&str> {
    let (name, value) = text.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    (is_name && !value.starts_with("//")).then_some(name)
}
