//! What must be taken out of a page before a parser may see it?
//!
//! Tree building as the HTML standard words it takes time that grows with the square of some inputs, and memory with it: elements open
//! inside each other are searched at every tag, formatting elements left open are made anew in every paragraph, attributes of one tag
//! are compared with each other. Browsers stop nesting at 512. Real pages stay far below; those that do not lose tags here, never text.

use std::{borrow::Cow, collections::BTreeMap};

use memchr::{memchr, memmem};

/// Deepest nesting kept. Tags that open more are dropped, with their closing ones.
pub(super) const MAX_DEPTH: usize = 256;

/// Most attributes kept of one tag.
const MAX_ATTRIBUTES: usize = 200;

/// Most elements that a parser may have to make anew because formatting was left open, over the page. Past it, formatting tags are dropped.
const MAX_REMADE: usize = 200_000;

/// Longest page parsed, in bytes: the rest is left out. The kit's own bound on bodies is far below.
const MAX_BYTES: usize = 32 << 20;

/// The text, less the tags that would break a bound; nearly always the text itself.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    pass(text, true).or_else(|TooMuchFormatting| pass(text, false)).unwrap_or(Cow::Borrowed(""))
}

struct TooMuchFormatting;

/// What is open, as far as the bounds need it: never less than a parser would hold open.
#[derive(Default)]
struct Open<'a> {
    stack: Vec<(Cow<'a, str>, Kind)>,
    depth: usize,
    /// Formatting elements stay to be made anew when the elements around them close.
    formatting: BTreeMap<Cow<'a, str>, usize>,
    formatting_count: usize,
    dropped: BTreeMap<Cow<'a, str>, usize>,
}

impl<'a> Open<'a> {
    /// Whether the tag is to be dropped.
    fn start(&mut self, name: Cow<'a, str>, kind: Kind, formatting: bool) -> bool {
        if self.depth >= MAX_DEPTH || (kind == Kind::Formatting && !formatting) {
            *self.dropped.entry(name).or_default() += 1;
            return true;
        }
        if kind == Kind::Formatting {
            *self.formatting.entry(name.clone()).or_default() += 1;
            self.formatting_count += 1;
        }
        self.depth += weight(&name);
        self.stack.push((name, kind));
        false
    }

    /// Whether the closing tag is to be dropped.
    fn end(&mut self, name: &str, kind: Kind) -> bool {
        if let Some(count) = self.dropped.get_mut(name).filter(|count| **count > 0) {
            *count -= 1;
            return true;
        }
        if let Some(count) = self.formatting.get_mut(name).filter(|count| **count > 0) {
            *count -= 1;
            self.formatting_count -= 1;
        }
        let stops = |other: Kind| match kind {
            Kind::Special | Kind::Form | Kind::Scope => other == Kind::Scope,
            _ => matches!(other, Kind::Special | Kind::Form | Kind::Scope),
        };
        for place in (0..self.stack.len()).rev() {
            let (other, its) = &self.stack[place];
            if other == name {
                // A form that is not innermost closes without what it holds: it counts until something around it closes.
                if kind != Kind::Form || place + 1 == self.stack.len() {
                    self.depth -= self.stack.drain(place..).map(|(name, _)| weight(&name)).sum::<usize>();
                }
                break;
            }
            if stops(*its) {
                break;
            }
        }
        false
    }
}

fn pass(text: &str, formatting: bool) -> Result<Cow<'_, str>, TooMuchFormatting> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    // Up to here the text is in `out`, once anything was dropped.
    let mut copied = 0;
    let mut open = Open::default();
    let mut remade = 0_usize;
    let mut at = 0;
    while let Some(found) = memchr(b'<', bytes.get(at..).unwrap_or_default()) {
        let start = at + found;
        let rest = &bytes[start + 1..];
        if rest.starts_with(b"!--") {
            at = memmem::find(rest, b"-->").map_or(bytes.len(), |end| start + 1 + end + 3);
            continue;
        }
        let closing = rest.first() == Some(&b'/');
        let name_at = start + 1 + usize::from(closing);
        let Some(name) = tag_name(text, name_at) else {
            at = start + 1;
            continue;
        };
        let tag = scan_tag(bytes, name_at + name.len());
        at = tag.end;
        let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        let kind = kind(&name);
        let drop = match (kind, closing) {
            (Kind::Implied, _) | (Kind::Raw, true) => false,
            (Kind::Raw, false) => {
                at = raw_end(bytes, &name, tag.end);
                false
            }
            (_, true) => open.end(&name, kind),
            (_, false) => open.start(name, kind, formatting),
        };
        remade += open.formatting_count.saturating_sub(8);
        if remade > MAX_REMADE && formatting {
            return Err(TooMuchFormatting);
        }
        if drop {
            out.push_str(&text[copied..start]);
            copied = tag.end;
        } else if let Some(cut) = tag.cut {
            out.push_str(&text[copied..cut]);
            out.push('>');
            copied = tag.end;
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    out.push_str(&text[copied..]);
    Ok(Cow::Owned(out))
}

/// How an element nests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Closed by what follows it, or never open: not counted.
    Implied,
    /// Its content is text up to its closing tag.
    Raw,
    /// Made anew where left open (HTML Living Standard, section 13.2.4.3); `a` and `nobr` close their own kind and count as implied.
    Formatting,
    /// Closing tags of plain elements do not reach past it (the standard's *special*).
    Special,
    /// As special, and its closing tag takes it alone.
    Form,
    /// No closing tag reaches past it.
    Scope,
    Plain,
}

/// How deep an element goes with the implied ones it needs: `table`, `tbody`, `tr`, `td`.
fn weight(name: &str) -> usize {
    match name {
        "table" => 4,
        "ul" | "ol" | "menu" | "dir" | "dl" => 2,
        _ => 1,
    }
}

/// Of a name in lower case.
fn kind(name: &str) -> Kind {
    match name {
        "a" | "area" | "base" | "body" | "br" | "col" | "dd" | "dt" | "embed" | "head" | "hr" | "html" | "img"
        | "input" | "li" | "link" | "meta" | "nobr" | "option" | "optgroup" | "p" | "param" | "source" | "tbody"
        | "td" | "tfoot" | "th" | "thead" | "tr" | "track" | "wbr" => Kind::Implied,
        "iframe" | "noembed" | "noframes" | "script" | "style" | "textarea" | "title" | "xmp" => Kind::Raw,
        "b" | "big" | "code" | "em" | "font" | "i" | "s" | "small" | "strike" | "strong" | "tt" | "u" => {
            Kind::Formatting
        }
        "address" | "article" | "aside" | "blockquote" | "button" | "center" | "details" | "dir" | "div" | "dl"
        | "fieldset" | "figcaption" | "figure" | "footer" | "frameset" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
        | "header" | "hgroup" | "listing" | "main" | "menu" | "nav" | "ol" | "pre" | "search" | "section"
        | "select" | "summary" | "ul" => Kind::Special,
        "form" => Kind::Form,
        "applet" | "marquee" | "object" | "table" | "template" | "svg" | "math" | "foreignobject" => Kind::Scope,
        _ => Kind::Plain,
    }
}

/// The name of the tag that begins at `at`, if a tag begins there (a letter must follow).
fn tag_name(text: &str, at: usize) -> Option<&str> {
    let bytes = text.as_bytes().get(at..)?;
    bytes.first().filter(|byte| byte.is_ascii_alphabetic())?;
    let end = bytes
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'<'))
        .unwrap_or(bytes.len());
    text.get(at..at + end)
}

struct Tag {
    /// First byte after the tag.
    end: usize,
    /// Where its attributes are to be cut, if there are too many.
    cut: Option<usize>,
}

/// Walks over attributes, quotes respected, to the end of a tag.
fn scan_tag(bytes: &[u8], from: usize) -> Tag {
    let (mut at, mut attributes, mut cut) = (from, 0_usize, None);
    let mut between = true;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'>' => return Tag { end: at + 1, cut },
            b'=' if !between => {
                at += 1;
                while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                    at += 1;
                }
                match bytes.get(at) {
                    Some(&quote @ (b'"' | b'\'')) => {
                        at = memchr(quote, &bytes[at + 1..]).map_or(bytes.len(), |end| at + 1 + end + 1);
                        between = true;
                    }
                    _ => {
                        while bytes.get(at).is_some_and(|byte| !byte.is_ascii_whitespace() && *byte != b'>') {
                            at += 1;
                        }
                    }
                }
                continue;
            }
            b'/' => between = true,
            _ if byte.is_ascii_whitespace() => between = true,
            _ if between => {
                between = false;
                attributes += 1;
                if attributes > MAX_ATTRIBUTES && cut.is_none() {
                    cut = Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    Tag { end: bytes.len(), cut }
}

/// Where the content of a raw text element ends: at its closing tag, or with the page.
fn raw_end(bytes: &[u8], name: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memchr(b'<', bytes.get(at..).unwrap_or_default()) {
        let start = at + found;
        let is_close = bytes.get(start + 1) == Some(&b'/')
            && bytes
                .get(start + 2..start + 2 + name.len())
                .is_some_and(|other| other.eq_ignore_ascii_case(name.as_bytes()));
        if is_close {
            return start;
        }
        at = start + 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_page_is_left_alone() {
        let page = "<!doctype html><html><body><p>One<p>Two <b>three</b><script>if (a<b) { '<div>' }</script><!-- <div> --></body>";
        assert!(matches!(tame(page), Cow::Borrowed(same) if same == page));
    }

    #[test]
    fn nesting_stops_and_text_stays() {
        let page = format!("{}words{}<p>after", "<div>".repeat(5_000), "</div>".repeat(5_000));
        let tame = tame(&page);
        assert_eq!(tame.matches("<div>").count(), MAX_DEPTH);
        assert_eq!(tame.matches("</div>").count(), MAX_DEPTH);
        assert!(tame.contains("words") && tame.ends_with("<p>after"));
    }

    #[test]
    fn formatting_left_open_is_dropped_once_it_costs_too_much() {
        let open: String = (0..300).map(|number| format!("<b id={number}>")).collect();
        let page = format!("{open}{}end", "<p>x".repeat(10_000));
        let tame = tame(&page);
        assert!(!tame.contains("<b") && tame.contains("<p>x") && tame.ends_with("end"));
    }

    #[test]
    fn attributes_past_the_bound_go() {
        let many: String = (0..5_000).map(|number| format!(" a{number}=\"1 > 0\"")).collect();
        let page = format!("<p{many}>words</p>");
        let tame = tame(&page);
        assert_eq!(tame.matches("=\"1 > 0\"").count(), MAX_ATTRIBUTES);
        assert!(tame.ends_with(">words</p>"));
    }

    #[test]
    fn an_end_anywhere_is_an_end() {
        let page = "<p a='é'><script>\"</scr\"</script><div class=\"x><é";
        for end in (0..=page.len()).filter(|end| page.is_char_boundary(*end)) {
            let _ = tame(&page[..end]);
        }
    }
}
