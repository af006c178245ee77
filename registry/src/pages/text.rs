//! How is what others wrote shown, so that it can neither run nor mislead?
//!
//! Templates escape it. Beyond that: control characters and characters that override the writing direction are written out, and every
//! collected text stands in an element of its own with `dir="auto"`.

/// A text as collected: line breaks stay, other control characters and direction overrides are written out.
#[must_use]
pub fn shown(text: &str) -> String {
    written_out(text, |c| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202d}' | '\u{202e}'))
}

/// An address, id or name, where not even a mark of direction belongs.
#[must_use]
pub fn shown_id(text: &str) -> String {
    written_out(text, |c| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    })
}

fn written_out(text: &str, is_odd: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_odd(c) {
            out.push_str(&format!("[U+{:04X}]", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// A piece of a sentence in which backticks mark what is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The text.
    pub text: String,
    /// It stood between backticks.
    pub is_code: bool,
}

/// A sentence cut at its backticks; one that is not closed marks nothing.
#[must_use]
pub fn coded(sentence: &str) -> Vec<Chunk> {
    let marks = sentence.matches('`').count();
    let sound = marks.is_multiple_of(2);
    let pieces = sentence.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    match sound {
        // What is typed stands in an element of its own, which isolates it: marks around it would be copied with it.
        true => pieces
            .map(|(at, text)| match at % 2 {
                1 => Chunk { text: text.replace(['\u{2068}', '\u{2069}'], ""), is_code: true },
                _ => Chunk { text: text.to_owned(), is_code: false },
            })
            .collect(),
        false => vec![Chunk { text: sentence.to_owned(), is_code: false }],
    }
}

/// A declared language as a value of `lang`; empty (unknown) where it is no language tag.
#[must_use]
pub fn lang_tag(declared: Option<&str>) -> String {
    let tag = declared.unwrap_or_default();
    let fits = tag.len() <= 35
        && tag.split('-').all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if fits { tag.to_owned() } else { String::new() }
}

/// An address a reader may open: http or https only.
#[must_use]
pub fn openable(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.to_string())
}

/// A key id without its hash: `alice.demo` of `alice.demo+0a1b2c3d`.
#[must_use]
pub fn person(key_id: &str) -> String {
    key_id.rsplit_once('+').map_or(key_id, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_mislead_is_written_out() {
        assert_eq!(shown("a\u{202e}b\nc\u{0}"), "a[U+202E]b\nc[U+0000]");
        assert_eq!(shown("كتاب\u{200f}"), "كتاب\u{200f}");
        assert_eq!(shown_id("https://example.org/\u{202e}fdp\n"), "https://example.org/[U+202E]fdp[U+000A]");
    }

    #[test]
    fn what_is_typed_stands_between_backticks() {
        let chunk = |text: &str, is_code| Chunk { text: text.to_owned(), is_code };
        assert_eq!(coded("write `a:b`."), [chunk("write ", false), chunk("a:b", true), chunk(".", false)]);
        assert_eq!(coded("a ` b"), [chunk("a ` b", false)]);
    }

    #[test]
    fn only_language_tags_become_attributes() {
        assert_eq!(lang_tag(Some("fr-CA")), "fr-CA");
        for wrong in ["", "\" onclick=", "français", "en-", "averylongsubtag"] {
            assert_eq!(lang_tag(Some(wrong)), "", "{wrong}");
        }
    }

    #[test]
    fn only_web_addresses_can_be_opened() {
        assert!(openable("https://example.org/a").is_some());
        for wrong in
            ["javascript:alert(1)", "data:text/html,x", "/relative", "tag:example.org,2026:1", "file:///etc/hosts"]
        {
            assert_eq!(openable(wrong), None, "{wrong}");
        }
    }
}
