//! What does an element say to somebody who reads it?

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use kit::address::Base;
use schemas::record::Media;
use scraper::{ElementRef, Node};

/// Elements whose text nobody sees.
fn is_silent(name: &str) -> bool {
    matches!(name, "script" | "style" | "template" | "noscript" | "svg" | "iframe" | "select" | "button")
}

/// Elements that begin and end a line.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "caption"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tr"
            | "ul"
    )
}

/// Whether an element is left out, with all it holds.
pub type Skip<'a> = &'a dyn Fn(ElementRef<'_>) -> bool;

/// Its text in one line.
pub fn line(root: ElementRef<'_>) -> String {
    let text = block(root, &|_| false);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Its text, a line for each paragraph, heading, row or item.
pub fn block(root: ElementRef<'_>, skip: Skip<'_>) -> String {
    let mut lines = Lines::default();
    walk(root, skip, &mut |seen| lines.see(&seen));
    lines.end();
    lines.out
}

/// What an element says to somebody who reads it.
#[derive(Debug, Default)]
pub struct Shown {
    /// Its text, as [`block`] gives it.
    pub text: String,
    /// Addresses it links to, absolute and of the web, in order, without repeats.
    pub links: Vec<String>,
    /// Pictures, sounds and films it shows, in order, without repeats.
    pub media: Vec<Media>,
}

impl Shown {
    /// All of it in one walk.
    pub fn of(root: ElementRef<'_>, skip: Skip<'_>, base: &Base) -> Self {
        let mut shown = Self::default();
        let mut lines = Lines::default();
        let mut linked = HashSet::new();
        walk(root, skip, &mut |seen| {
            lines.see(&seen);
            if let Seen::Element(element) = seen {
                match element.value().name() {
                    "a" => shown.link(element, base, &mut linked),
                    "img" | "video" | "audio" | "source" => shown.medium(element, base),
                    _ => {}
                }
            }
        });
        lines.end();
        shown.text = lines.out;
        shown
    }

    /// `linked` holds a hash of every link: only where it is there already are texts compared.
    fn link(&mut self, element: ElementRef<'_>, base: &Base, linked: &mut HashSet<u64>) {
        if let Some(url) = element.value().attr("href").and_then(|href| base.web(href)) {
            let mut hasher = DefaultHasher::new();
            url.hash(&mut hasher);
            if linked.insert(hasher.finish()) || !self.links.contains(&url) {
                self.links.push(url);
            }
        }
    }

    fn medium(&mut self, element: ElementRef<'_>, base: &Base) {
        let attribute = |name: &str| element.value().attr(name).map(str::trim).filter(|value| !value.is_empty());
        let Some(url) = attribute("src").and_then(|src| base.web(src)) else { return };
        if !self.media.iter().any(|known| known.url == url) {
            let alt = attribute("alt").map(ToOwned::to_owned);
            self.media.push(Media { url, media_type: attribute("type").map(ToOwned::to_owned), alt });
        }
    }
}

enum Seen<'a> {
    Text(&'a str),
    Element(ElementRef<'a>),
    End(ElementRef<'a>),
}

/// Everything visible in an element, in order. Without recursion: pages nest as deep as they like.
fn walk<'a>(root: ElementRef<'a>, skip: Skip<'_>, see: &mut dyn FnMut(Seen<'a>)) {
    let mut stack = vec![(*root, false)];
    while let Some((node, ends)) = stack.pop() {
        match (node.value(), ElementRef::wrap(node)) {
            (Node::Text(text), _) => see(Seen::Text(text)),
            (_, Some(element)) if ends => see(Seen::End(element)),
            (_, Some(element)) if is_silent(element.value().name()) || skip(element) => {}
            (_, Some(element)) => {
                see(Seen::Element(element));
                stack.push((node, true));
                stack.extend(node.children().rev().map(|child| (child, false)));
            }
            _ => {}
        }
    }
}

/// Lines with white space collapsed, empty ones left out.
#[derive(Default)]
struct Lines {
    out: String,
    line: String,
}

impl Lines {
    fn see(&mut self, seen: &Seen<'_>) {
        match seen {
            Seen::Text(text) => self.push(text),
            Seen::Element(element) => match element.value().name() {
                "br" => self.end(),
                "td" | "th" => self.push(" "),
                name if is_block(name) => self.end(),
                _ => {}
            },
            Seen::End(element) if is_block(element.value().name()) => self.end(),
            Seen::End(_) => {}
        }
    }

    fn push(&mut self, text: &str) {
        if is_even(text.as_bytes()) {
            let words = text.strip_prefix(' ').unwrap_or(text);
            if words.len() < text.len() {
                self.space();
            }
            let end = words.strip_suffix(' ').unwrap_or(words);
            self.line.push_str(end);
            if end.len() < words.len() {
                self.space();
            }
            return;
        }
        if text.bytes().any(|byte| matches!(byte, 0xc2 | 0xe1..=0xe3)) {
            self.push_wide(text);
        } else {
            self.push_narrow(text);
        }
    }

    fn push_wide(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.space();
        }
        let mut words = text.split_whitespace();
        if let Some(first) = words.next() {
            self.line.push_str(first);
        }
        for word in words {
            self.line.push(' ');
            self.line.push_str(word);
        }
        if text.ends_with(char::is_whitespace) {
            self.space();
        }
    }

    /// As [`push_wide`](Self::push_wide), for text without white space beyond ASCII: all of that begins with one of four bytes. Words with one space between
    /// them are taken together.
    fn push_narrow(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let is_space = |at: usize| matches!(bytes.get(at), Some(b' ' | 0x09..=0x0d));
        let mut from = 0;
        while from < bytes.len() {
            let mut end = from;
            while end < bytes.len()
                && (!is_space(end) || (end > from && bytes.get(end) == Some(&b' ') && !is_space(end + 1)))
            {
                end += 1;
            }
            let words = text.get(from..end).unwrap_or_default();
            // A space at the very end is one between elements.
            let (words, ends) = words.strip_suffix(' ').map_or((words, is_space(end)), |words| (words, true));
            self.line.push_str(words);
            if ends {
                self.space();
            }
            from = end;
            while is_space(from) {
                from += 1;
            }
        }
    }

    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
    }

    fn end(&mut self) {
        let line = self.line.trim();
        if !line.is_empty() {
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            self.out.push_str(line);
        }
        self.line.clear();
    }
}

/// Whether a text has no white space but spaces that stand alone, as nearly all texts have: without a branch, so that many bytes are judged at once.
/// Says no to some that are.
fn is_even(text: &[u8]) -> bool {
    const ODD: u8 = 1;
    const WIDE: u8 = 2;
    let odd = |one: u8, two: u8| {
        (one.wrapping_sub(0x09) < 5)
            | ((one == b' ') & (two == b' '))
            | ((one == 0xc2) & ((two == 0x85) | (two == 0xa0)))
    };
    let Some((&last, _)) = text.split_last() else { return true };
    let second = text.get(1..).unwrap_or_default();
    let found = text.iter().zip(second).fold(0, |found, (&one, &two)| {
        found | (u8::from(odd(one, two)) * ODD) | (u8::from(one.wrapping_sub(0xe1) < 3) * WIDE)
    });
    if found & ODD != 0 || odd(last, 0) {
        return false;
    }
    if found == 0 {
        return true;
    }
    // White space of three bytes: U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000.
    let third = text.get(2..).unwrap_or_default();
    let found = text.iter().zip(second).zip(third).fold(false, |found, ((&one, &two), &three)| {
        found
            | ((one == 0xe1) & (two == 0x9a))
            | ((one == 0xe2) & (two == 0x80) & ((three < 0x8b) | (three.wrapping_sub(0xa8) < 8)))
            | ((one == 0xe2) & (two == 0x81) & (three == 0x9f))
            | ((one == 0xe3) & (two == 0x80) & (three == 0x80))
    });
    !found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wide(text: &str) -> String {
        let mut lines = Lines::default();
        lines.line.push('\u{2018}');
        lines.push_wide(text);
        lines.line.trim_start_matches('\u{2018}').to_owned()
    }

    proptest! {
        #[test]
        fn a_text_without_odd_white_space_gives_the_same_line(text in "[a\u{e9}\u{2019}\u{6587}\u{a0}\u{85}\u{3000}\u{3002}\u{2007}\u{200b}\u{2028}\u{202f}\u{205f}\u{1680} \n]{0,6}") {
            prop_assert!(!is_even(text.as_bytes()) || text.chars().all(|letter| letter == ' ' || !letter.is_whitespace()), "not even: {text:?}");
            let mut lines = Lines::default();
            lines.line.push('\u{2018}');
            lines.push(&text);
            prop_assert_eq!(lines.line.trim_start_matches('\u{2018}'), wide(&text));
        }

        #[test]
        fn both_ways_give_the_same_line(text in "[a-d\u{e9} \t\n\u{b}]{0,12}") {
            let mut lines = Lines::default();
            // So that a space at the beginning counts.
            lines.line.push('\u{2018}');
            lines.push_narrow(&text);
            prop_assert_eq!(lines.line.trim_start_matches('\u{2018}'), wide(&text));
        }
    }
}
