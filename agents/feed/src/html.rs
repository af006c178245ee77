//! What does a piece of HTML say as plain text, and what does it link to and show?
//!
//! Reads tags in order and builds no tree: block elements become line breaks, `script`, `style` and their like are dropped, references are
//! decoded. Nothing of the HTML itself goes into a record, so there is nothing to sanitise.

use memchr::memchr2;
use schemas::record::Media;

use crate::{
    address::Base,
    xml::{
        entity,
        token::{Tag, Token, Tokens, slice},
    },
};

/// Longest text kept of one body, in bytes. Longer ones are cut and marked.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Most links, and most media, kept of one body.
const MAX_ADDRESSES: usize = 500;

/// Plain text and addresses of one or more pieces of HTML.
#[derive(Debug, Default)]
pub struct Plain {
    /// Text; lines are trimmed and none is empty.
    pub text: String,
    /// Absolute addresses linked to, in order, without repeats.
    pub links: Vec<String>,
    /// Pictures, films and sounds shown, in order, without repeats.
    pub media: Vec<Media>,
    /// True where [`MAX_TEXT_BYTES`] cut the text.
    pub cut: bool,
    preformatted: usize,
}

impl Plain {
    /// Reads a piece of HTML whose addresses are relative to `base`.
    pub fn read(html: &str, base: &Base) -> Self {
        let mut plain = Self { text: String::with_capacity(html.len().min(MAX_TEXT_BYTES)), ..Self::default() };
        let mut tokens = Tokens::new(html);
        let mut mended = false;
        loop {
            let start = tokens.position();
            let Some(token) = tokens.next() else { break };
            match token {
                Token::Text(text) => plain.push(&entity::decode(text)),
                Token::CData(text, _) => plain.push(text),
                Token::Start(tag) => {
                    let name = local(tag.name);
                    plain.start(name, tag, base);
                    if !tag.empty && is_dropped(name) {
                        tokens.skip_raw(tag.name);
                    }
                }
                Token::End(name) => {
                    let name = local(name);
                    if name.eq_ignore_ascii_case("pre") {
                        plain.preformatted = plain.preformatted.saturating_sub(1);
                    }
                    plain.border(name);
                }
                // A comment that is never closed ends at the next `>`; any other declaration without end was text. Once a body: it costs a search.
                Token::Other(text) if tokens.is_cut() && !mended => {
                    mended = true;
                    let open = slice(html, start, html.len());
                    match open.find('>').filter(|_| open.starts_with("<!--")) {
                        Some(end) => tokens.seek(start + end + 1),
                        None if open.starts_with("<!--") => {}
                        None => plain.push(slice(html, start, start + 2 + text.len())),
                    }
                }
                Token::Other(_) => {}
            }
            if plain.bound() {
                break;
            }
        }
        plain.text.truncate(plain.text.trim_end().len());
        plain
    }

    /// Text that is none of HTML.
    pub fn of_text(text: String) -> Self {
        let mut plain = Self { text, ..Self::default() };
        plain.bound();
        plain
    }

    /// Cuts a text that is too long; true if it was.
    pub fn bound(&mut self) -> bool {
        if self.text.len() > MAX_TEXT_BYTES {
            self.cut = true;
            let end = (0..=MAX_TEXT_BYTES).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
            self.text.truncate(end);
        }
        self.cut
    }

    fn start(&mut self, name: &str, tag: Tag<'_>, base: &Base) {
        self.border(name);
        if name.eq_ignore_ascii_case("pre") && !tag.empty {
            self.preformatted += 1;
        } else if name.eq_ignore_ascii_case("a")
            || name.eq_ignore_ascii_case("area")
            || name.eq_ignore_ascii_case("iframe")
        {
            let address = tag.attribute(if name.len() == 6 { "src" } else { "href" });
            if let Some(link) = address.and_then(|href| base.web(&href)) {
                self.link(link);
            }
        } else if ["img", "video", "audio", "source"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            self.shown(tag, base);
        }
    }

    fn shown(&mut self, tag: Tag<'_>, base: &Base) {
        // Pictures of one pixel count readers; they show nothing.
        let pixel = ["width", "height"]
            .iter()
            .any(|side| tag.attribute(side).is_some_and(|size| matches!(size.trim(), "0" | "1")));
        if pixel {
            return;
        }
        let Some(url) = tag.attribute("src").and_then(|src| base.web(&src)) else {
            return;
        };
        let text = |name| tag.attribute(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        self.media(Media { url, media_type: text("type"), alt: text("alt") });
    }

    /// Adds an address that is not yet there.
    pub fn link(&mut self, link: String) {
        if self.links.len() < MAX_ADDRESSES && !self.links.contains(&link) {
            self.links.push(link);
        }
    }

    /// Adds something shown that is not yet there.
    pub fn media(&mut self, media: Media) {
        if self.media.len() < MAX_ADDRESSES && !self.media.iter().any(|known| known.url == media.url) {
            self.media.push(media);
        }
    }

    fn border(&mut self, name: &str) {
        if is_block(name) {
            self.text.truncate(self.text.trim_end_matches([' ', '\t']).len());
            if !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push('\n');
            }
        } else if name.eq_ignore_ascii_case("td") || name.eq_ignore_ascii_case("th") {
            self.space();
        }
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
            self.text.push(' ');
        }
    }

    fn push(&mut self, text: &str) {
        if self.preformatted > 0 {
            self.text.push_str(text);
        } else {
            collapse(text, &mut self.text);
        }
    }
}

/// Adds a text with every run of white space made one space, none at the beginning of a line.
pub fn collapse(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let blank = |at: usize| bytes.get(at).is_none_or(u8::is_ascii_whitespace);
    let (mut from, mut at) = (0, 0);
    loop {
        at += to_blank(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            None => break,
            Some(byte) if !byte.is_ascii_whitespace() => at += 1,
            // One space between two words stays as it is.
            Some(b' ') if from < at && !blank(at + 1) => at += 1,
            Some(_) => {
                out.push_str(slice(text, from, at));
                if !out.is_empty() && !out.ends_with([' ', '\n']) {
                    out.push(' ');
                }
                at += bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                from = at;
            }
        }
    }
    out.push_str(slice(text, from, at));
}

/// Where the first space or control character is, else the length.
fn to_blank(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        // The highest bit of the first byte below 0x21, and perhaps of bytes after it.
        let low = eight.wrapping_sub(0x2121_2121_2121_2121) & !eight & 0x8080_8080_8080_8080;
        if low != 0 {
            return 8 * number + (low.trailing_zeros() / 8) as usize;
        }
    }
    let last = rest.iter().position(|byte| *byte <= b' ').unwrap_or(rest.len());
    8 * eights.len() + last
}

/// A text on one line, without control characters.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    collapse(text, &mut out);
    // Control characters are these bytes, or begin with the last one.
    if out.bytes().any(|byte| matches!(byte, 0..=0x1F | 0x7F | 0xC2)) {
        out.retain(|letter| !letter.is_control());
    }
    out.truncate(out.trim_end().len());
    out
}

/// True where a text was most likely meant as HTML, though nothing says so: it has an end tag, a tag with attributes, a tag that HTML
/// leaves open, or a reference.
pub fn looks_like_html(text: &str) -> bool {
    if memchr2(b'<', b'&', text.as_bytes()).is_none() {
        return false;
    }
    let mut tokens = Tokens::new(text);
    tokens.any(|token| match token {
        Token::Text(text) => {
            matches!(entity::decode(text), std::borrow::Cow::Owned(decoded) if decoded != text)
        }
        Token::CData(..) => false,
        Token::Other(_) => true,
        Token::End(name) => !name.is_empty(),
        Token::Start(tag) => {
            tag.attributes.contains('=')
                || ["br", "p", "img", "hr", "li", "b", "i"].iter().any(|name| tag.name.eq_ignore_ascii_case(name))
        }
    })
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn is_dropped(name: &str) -> bool {
    const DROPPED: &[&str] = &["script", "style", "noscript", "template", "textarea", "select", "title"];
    DROPPED.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn is_block(name: &str) -> bool {
    const BLOCKS: &[&str] = &[
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ];
    BLOCKS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{collapse, line};

    /// As it reads: letter by letter.
    fn letter_by_letter(text: &str, out: &mut String) {
        for letter in text.chars() {
            if !letter.is_ascii_whitespace() {
                out.push(letter);
            } else if !out.is_empty() && !out.ends_with([' ', '\n']) {
                out.push(' ');
            }
        }
    }

    proptest! {
        #[test]
        fn runs_of_white_space_become_one_space(before in "[a \n]{0,2}", text in "[a-b \t\r\n\u{b}\u{c}\u{1}é上\u{2003}]{0,40}") {
            let (mut fast, mut slow) = (before.clone(), before);
            collapse(&text, &mut fast);
            letter_by_letter(&text, &mut slow);
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn a_line_has_no_control_characters() {
        assert_eq!(line(" a\u{1}\u{7f}b\u{85}\u{9f} ©\n\u{a0}é\t"), "ab ©\u{20}\u{a0}é");
    }
}
