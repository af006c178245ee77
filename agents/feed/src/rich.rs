//! Is the text of an element plain or HTML, and what does it say?

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use memchr::memchr2;

use crate::{
    address::Base,
    html::{Plain, line, looks_like_html},
    xml::{document::Node, names::Ns},
};

/// What a text claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Plain,
    Html,
    /// Markup stands in it as elements.
    Inline,
    /// Nothing is said: HTML if it looks like it.
    Unsaid,
    /// Neither text nor HTML.
    Foreign,
}

/// An element's text and whether it is HTML. Nothing where it is of a type that is no text.
fn content<'n>(node: &'n Node<'_>, body: bool) -> Option<(Cow<'n, str>, bool)> {
    let kind = node.attribute("type").map(|kind| kind.to_ascii_lowercase());
    let mode = node.attribute("mode").map(|mode| mode.to_ascii_lowercase());
    let claim = match kind.as_deref() {
        _ if node.ns != Ns::Atom => Claim::Unsaid,
        None => Claim::Unsaid,
        Some("text" | "plain" | "text/plain") => Claim::Plain,
        Some("html" | "text/html") => Claim::Html,
        Some("xhtml" | "application/xhtml+xml" | "application/xhtml xml" | "application/xml" | "text/xml") => {
            Claim::Inline
        }
        Some(kind) if kind.starts_with("text/") => Claim::Plain,
        Some(_) if node.markup => Claim::Inline,
        Some(_) => Claim::Foreign,
    };
    let coded = mode.as_deref() == Some("base64") || claim == Claim::Foreign;
    if coded {
        let letters: String = node.text.split_ascii_whitespace().collect();
        let text = String::from_utf8(STANDARD.decode(letters).ok()?).ok()?;
        // A title cannot be of another type: what it is labelled as is a mistake.
        return (claim != Claim::Foreign || !body).then(|| (Cow::Owned(text), claim != Claim::Plain));
    }
    Some(match claim {
        // Tags stand in it: whatever it claims, they are its markup.
        _ if node.markup => (Cow::Borrowed(node.inner), true),
        // The text of an `xhtml` construct without tags, or escaped HTML under a wrong label.
        Claim::Inline | Claim::Html => (Cow::Borrowed(&*node.text), true),
        Claim::Plain if mode.as_deref() == Some("escaped") => (Cow::Borrowed(&*node.text), looks_like_html(&node.text)),
        Claim::Plain => (Cow::Borrowed(&*node.text), false),
        _ => (
            Cow::Borrowed(&*node.text),
            (body && node.ns != Ns::Atom && memchr2(b'<', b'&', node.text.as_bytes()).is_some())
                || looks_like_html(&node.text),
        ),
    })
}

/// An element's text on one line; nothing if there is none.
pub fn title(node: &Node<'_>, base: &Base) -> Option<String> {
    let (text, html) = content(node, false)?;
    let text = if html { line(&Plain::read(&text, base).text) } else { line(&text) };
    (!text.is_empty()).then_some(text)
}

/// An element's text with line breaks, and what it links to and shows; nothing if there is nothing of it.
pub fn body(node: &Node<'_>, base: &Base) -> Option<Plain> {
    let (text, html) = content(node, true)?;
    let plain = if html { Plain::read(&text, base) } else { plain(&text) };
    (!plain.text.is_empty() || !plain.media.is_empty() || !plain.links.is_empty()).then_some(plain)
}

/// Plain text as a body: its own line breaks kept, each line trimmed and none empty.
pub fn plain(text: &str) -> Plain {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        crate::html::collapse(line, &mut out);
        out.truncate(out.trim_end_matches([' ', '\t']).len());
    }
    out.truncate(out.trim_end().len());
    Plain::of_text(out)
}
