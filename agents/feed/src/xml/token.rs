//! Where do tags begin and end, in markup that need not be well formed?

use memchr::{memchr, memmem};

/// A piece of markup, borrowed from the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Text with its references still encoded.
    Text(&'a str),
    /// The text of a CDATA section; false if the section has no end.
    CData(&'a str, bool),
    /// A start tag.
    Start(Tag<'a>),
    /// An end tag's name.
    End(&'a str),
    /// A comment, processing instruction or declaration.
    Other(&'a str),
}

/// A start tag or an empty element's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Name with prefix, as written.
    pub name: &'a str,
    /// Everything between name and end, as written.
    pub attributes: &'a str,
    /// True for `<name/>`.
    pub empty: bool,
}

impl<'a> Tag<'a> {
    /// The first attribute of this name, whatever its case; decoded.
    pub fn attribute(&self, name: &str) -> Option<std::borrow::Cow<'a, str>> {
        attribute(self.attributes, name)
    }
}

/// The first attribute of this name in the inside of a tag, whatever its case; decoded.
pub fn attribute<'a>(inside: &'a str, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    let (_, value) = Attributes(inside).find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(super::entity::decode(value))
}

/// Tokens of a source, in order.
pub struct Tokens<'a> {
    source: &'a str,
    at: usize,
    cut: bool,
    // Both keep a document of nothing but openings linear: an end that is not there is looked for once.
    no_instruction_end: bool,
    seen_doctype: bool,
}

impl<'a> Tokens<'a> {
    /// From the beginning of a source.
    pub const fn new(source: &'a str) -> Self {
        Self { source, at: 0, cut: false, no_instruction_end: false, seen_doctype: false }
    }

    /// Where the next token begins, in bytes.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Goes on elsewhere; a place between characters, else the end of the source.
    pub fn seek(&mut self, at: usize) {
        self.at = if self.source.is_char_boundary(at) { at } else { self.source.len() };
    }

    /// True once the source ended inside a tag, comment, section or declaration.
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Skips to the end tag of an element that holds no markup (`script`, `style`), or to the end of the source.
    pub fn skip_raw(&mut self, name: &str) {
        let rest = slice(self.source, self.at, self.source.len());
        let found = memmem::find_iter(rest.as_bytes(), b"</").find(|&at| {
            rest.as_bytes()
                .get(at + 2..at + 2 + name.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
        });
        self.at = found.map_or(self.source.len(), |found| self.at + found);
    }

    fn until(&mut self, from: usize, end: &[u8]) -> (&'a str, bool) {
        let rest = slice(self.source, from, self.source.len());
        if let Some(found) = memmem::find(rest.as_bytes(), end) {
            self.at = from + found + end.len();
            (slice(rest, 0, found), true)
        } else {
            self.at = self.source.len();
            self.cut = true;
            (rest, false)
        }
    }

    fn bang(&mut self, start: usize) -> Token<'a> {
        let rest = slice(self.source, start, self.source.len());
        if rest.starts_with("<!--") {
            return Token::Other(self.until(start + 4, b"-->").0);
        }
        if rest.starts_with("<![CDATA[") {
            let (text, closed) = self.until(start + 9, b"]]>");
            return Token::CData(text, closed);
        }
        if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<!DOCTYPE")) {
            return Token::Other(self.doctype(start));
        }
        Token::Other(self.until(start + 2, b">").0)
    }

    /// A document type declaration is skipped with its internal subset; nothing in it is acted upon.
    fn doctype(&mut self, start: usize) -> &'a str {
        let rest = slice(self.source, start, self.source.len());
        let plain = memchr(b'>', rest.as_bytes());
        let subset = if self.seen_doctype { None } else { memchr(b'[', rest.as_bytes()) };
        self.seen_doctype = true;
        match (plain, subset) {
            (Some(end), Some(open)) if open < end => {
                let close = memchr(b']', rest.as_bytes()).unwrap_or(end);
                self.until(start + close, b">");
                slice(rest, 2, close)
            }
            _ => self.until(start + 2, b">").0,
        }
    }

    fn instruction(&mut self, start: usize) -> &'a str {
        let rest = slice(self.source, start + 2, self.source.len());
        // `<?php … >` in old pages never sees a `?>`.
        if !self.no_instruction_end {
            if memmem::find(rest.as_bytes(), b"?>").is_some() {
                return self.until(start + 2, b"?>").0;
            }
            self.no_instruction_end = true;
        }
        self.until(start + 2, b">").0
    }

    fn tag(&mut self, start: usize) -> Option<Token<'a>> {
        let bytes = self.source.as_bytes();
        let closing = bytes.get(start + 1) == Some(&b'/');
        let name_at = start + 1 + usize::from(closing);
        let name_len = bytes.get(name_at..)?.iter().take_while(|byte| is_name(**byte)).count();
        let name = slice(self.source, name_at, name_at + name_len);
        match tag_end(bytes, name_at + name_len) {
            TagEnd::At(end) => {
                self.at = end + 1;
                let inside = slice(self.source, name_at + name_len, end);
                if closing {
                    return Some(Token::End(name));
                }
                let attributes = inside.strip_suffix('/').unwrap_or(inside);
                Some(Token::Start(Tag { name, attributes, empty: attributes.len() < inside.len() }))
            }
            // Another tag opens first: this `<` was text.
            TagEnd::Stray(next) => {
                self.at = next;
                Some(Token::Text(slice(self.source, start, next)))
            }
            TagEnd::Missing => {
                self.at = self.source.len();
                self.cut = true;
                None
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let bytes = self.source.as_bytes();
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let mut text_end = 0;
        // A `<` that cannot begin markup belongs to the text.
        loop {
            let Some(found) = memchr(b'<', rest.get(text_end..)?) else {
                self.at = bytes.len();
                return Some(Token::Text(slice(self.source, start, bytes.len())));
            };
            let open = text_end + found;
            let markup = match rest.get(open + 1) {
                Some(b'!') => {
                    rest.get(open + 2).is_none_or(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'['))
                }
                Some(b'?') => true,
                Some(b'/') => rest.get(open + 2).is_some_and(|byte| begins_name(*byte)) || rest.len() == open + 2,
                Some(byte) => begins_name(*byte),
                None => true,
            };
            if !markup {
                text_end = open + 1;
                continue;
            }
            if open > 0 {
                self.at = start + open;
                return Some(Token::Text(slice(self.source, start, start + open)));
            }
            return match rest.get(1) {
                Some(b'!') => Some(self.bang(start)),
                Some(b'?') => Some(Token::Other(self.instruction(start))),
                _ => self.tag(start),
            };
        }
    }
}

enum TagEnd {
    At(usize),
    Stray(usize),
    Missing,
}

/// Finds the `>` of a tag, past quoted values. A quote that is never closed ends at the next `>`.
fn tag_end(bytes: &[u8], from: usize) -> TagEnd {
    let mut at = from;
    let mut value = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'>' => return TagEnd::At(at),
            b'<' => return TagEnd::Stray(at),
            b'=' => value = true,
            b'"' | b'\'' if value => {
                let rest = bytes.get(at + 1..).unwrap_or_default();
                let Some(len) = memchr(byte, rest) else {
                    return memchr(b'>', rest).map_or(TagEnd::Missing, |end| TagEnd::At(at + 1 + end));
                };
                let inside = rest.get(..len).unwrap_or_default();
                if let (Some(end), Some(open)) = (memchr(b'>', inside), memchr(b'<', inside))
                    && end < open
                {
                    return TagEnd::At(at + 1 + end);
                }
                at += 1 + len;
                value = false;
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => value = false,
        }
        at += 1;
    }
    TagEnd::Missing
}

/// Attributes of a tag in order: name and value as written, references still encoded. Values without quotes or equals sign are read too.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(pub &'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start_matches(|letter: char| {
            letter.is_ascii_whitespace() || matches!(letter, '/' | '"' | '\'' | '=')
        });
        let name_len =
            text.find(|letter: char| letter.is_ascii_whitespace() || matches!(letter, '=' | '/')).unwrap_or(text.len());
        if name_len == 0 {
            return None;
        }
        let (name, rest) = text.split_at(name_len);
        let Some(after) = rest.trim_start().strip_prefix('=') else {
            self.0 = rest;
            return Some((name, ""));
        };
        let after = after.trim_start();
        let quote = after.chars().next().filter(|letter| matches!(letter, '"' | '\''));
        let (value, rest) = match quote {
            Some(quote) => {
                let inside = after.get(1..).unwrap_or_default();
                inside.split_once(quote).unwrap_or((inside, ""))
            }
            None => after.split_at(after.find(|letter: char| letter.is_ascii_whitespace()).unwrap_or(after.len())),
        };
        self.0 = rest;
        Some((name, value))
    }
}

const fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || byte >= 0x80
}

const fn is_name(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>' | b'<' | b'=' | b'"' | b'\'')
}

/// The text between two places; empty where they are not between characters.
pub fn slice(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use quick_xml::{Reader, events::Event};

    use super::{Token, Tokens};

    /// On well-formed documents the tokens are those of an XML parser that others wrote.
    #[test]
    fn well_formed_documents_have_the_tokens_an_xml_parser_sees() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/");
        for name in [
            "rss2.rss",
            "rss1.rdf",
            "atom.atom",
            "atom03.atom",
            "no-zone.rss",
            "edited.atom",
            "deleted.atom",
            "empty.rss",
        ] {
            #[expect(clippy::disallowed_methods, reason = "a test reads fixtures; the collector reads nothing")]
            let source = std::fs::read_to_string(format!("{folder}{name}")).unwrap();
            assert_eq!(ours(&source), theirs(&source), "{name}");
        }
    }

    /// Tags and text pieces, references as written, text pieces joined.
    fn ours(source: &str) -> Vec<String> {
        let mut seen = Vec::new();
        for token in Tokens::new(source) {
            match token {
                Token::Text(text) => text_piece(&mut seen, text),
                Token::CData(text, closed) => seen.push(format!("cdata {text} {closed}")),
                Token::Start(tag) => seen.push(format!("start {} {} {}", tag.name, tag.attributes.trim(), tag.empty)),
                Token::End(name) => seen.push(format!("end {name}")),
                Token::Other(_) => {}
            }
        }
        seen
    }

    fn theirs(source: &str) -> Vec<String> {
        let mut reader = Reader::from_str(source);
        let mut seen = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(text) => text_piece(&mut seen, &text),
                Event::GeneralRef(reference) => text_piece(&mut seen, &format!("&{};", &*reference)),
                Event::CData(text) => seen.push(format!("cdata {} true", &*text)),
                Event::Start(tag) => {
                    seen.push(format!("start {} {} false", tag.name().as_ref(), tag.attributes_raw().trim()))
                }
                Event::Empty(tag) => {
                    seen.push(format!("start {} {} true", tag.name().as_ref(), tag.attributes_raw().trim()))
                }
                Event::End(tag) => seen.push(format!("end {}", tag.name().as_ref())),
                Event::Eof => return seen,
                _ => {}
            }
        }
    }

    fn text_piece(seen: &mut Vec<String>, text: &str) {
        match seen.last_mut() {
            Some(last) if last.starts_with("text ") => last.push_str(text),
            _ => seen.push(format!("text {text}")),
        }
    }

    #[test]
    fn what_cannot_begin_a_tag_is_text() {
        for text in ["a < b", "1<2", "<", "a <", "<>", "< p>", "<!'x"] {
            let mut tokens = Tokens::new(text);
            assert!(tokens.all(|token| matches!(token, Token::Text(_))) || tokens.is_cut(), "{text}");
        }
    }
}
