//! What character does a reference stand for?

use std::borrow::Cow;

use memchr::memchr;

mod names;

/// Longer than any name of the table.
const LONGEST: usize = 16;

/// Decodes numeric references, those of XML and those HTML names. Whatever else follows an `&` stays as it is: a document's own
/// entities are never expanded, and an unescaped `&` is the commonest mistake in feeds.
pub fn decode(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', text.as_bytes()) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Some(first);
    while let Some(at) = next {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = match reference(from) {
            Some((meaning, len)) => {
                out.push(meaning);
                from.get(len..).unwrap_or_default()
            }
            None => {
                out.push('&');
                from.get(1..).unwrap_or_default()
            }
        };
        next = memchr(b'&', rest.as_bytes());
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The reference that `text`, which begins with `&`, begins with, and its length.
fn reference(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    let body = bytes.get(1..)?;
    if body.first() == Some(&b'#') {
        let hex = matches!(body.get(1), Some(b'x' | b'X'));
        let digits_at = 1 + usize::from(hex);
        let digits = body
            .get(digits_at..)?
            .iter()
            .take_while(|byte| if hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() })
            .count();
        let number = text.get(1 + digits_at..1 + digits_at + digits)?;
        let code = u32::from_str_radix(number, if hex { 16 } else { 10 }).ok()?;
        let end = 1 + digits_at + digits;
        let end = end + usize::from(bytes.get(end) == Some(&b';'));
        return Some((letter(code)?, end));
    }
    let len = body.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = text.get(1..=len)?;
    let closed = body.get(len) == Some(&b';');
    // HTML lets these do without `;`. Not `&apos`: it is younger than that habit.
    if !closed && !matches!(name, "amp" | "lt" | "gt" | "quot" | "nbsp" | "copy" | "reg") {
        return None;
    }
    let found = names::NAMES.binary_search_by_key(&name, |(known, _)| known).ok()?;
    let (_, meaning) = names::NAMES.get(found)?;
    Some((*meaning, 1 + len + usize::from(closed)))
}

/// The character of a numeric reference. 128 to 159 mean windows-1252 there, as HTML says and as feeds use them.
fn letter(code: u32) -> Option<char> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    if let Some(letter) = code.checked_sub(0x80).and_then(|at| HIGH.get(at as usize)) {
        return Some(*letter);
    }
    char::from_u32(code).filter(|letter| matches!(letter, '\t' | '\n' | '\r') || !letter.is_control())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn references_of_xml_and_html_are_decoded() {
        assert_eq!(
            decode("a &amp; b &lt;i&gt; &#233;&#xE9; &rsquo;&nbsp;&#146; &beta;&scaron;&Dagger;"),
            "a & b <i> éé ’\u{a0}’ βš‡"
        );
    }

    #[test]
    fn what_is_no_reference_stays() {
        for text in ["A & B", "Q&A;?", "&unknown;", "&#xFFFFFFFF;", "&#0;", "&", "&#", "&#x;", "AT&T", "a&ampersand"] {
            assert_eq!(decode(text), text);
        }
    }

    #[test]
    fn names_are_in_order() {
        assert!(super::names::NAMES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn decoding_happens_once() {
        assert_eq!(decode("&amp;amp;lt;"), "&amp;lt;");
    }
}
