//! What does an element say that a recipe selects?
//!
//! All of it but what no page shows. `article::render` leaves out more and writes it otherwise (hidden parts, soft hyphens, lines of `pre`), since nobody
//! has looked at the page: by its rules every text that a recipe selects would be read anew and count as edited.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use ego_tree::NodeRef;
use kit::address::Base;
use schemas::record::Media;
use scraper::{ElementRef, Node};

use crate::{
    lines::Lines,
    walk::{Visitor, visit},
};

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
    let mut reader = Reader { lines: Lines::default(), skip, see: |_| {} };
    visit(*root, &mut reader);
    reader.lines.done()
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
        let mut linked = HashSet::new();
        let see = |element: ElementRef<'_>| match element.value().name() {
            "a" => shown.link(element, base, &mut linked),
            "img" | "video" | "audio" | "source" => shown.medium(element, base),
            _ => {}
        };
        let mut reader = Reader { lines: Lines::default(), skip, see };
        visit(*root, &mut reader);
        let text = reader.lines.done();
        Self { text, ..shown }
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

struct Reader<'s, F> {
    lines: Lines,
    skip: Skip<'s>,
    /// Is shown every element that is not left out.
    see: F,
}

impl<'a, F: FnMut(ElementRef<'a>)> Visitor<'a> for Reader<'_, F> {
    fn enter(&mut self, node: NodeRef<'a, Node>) -> bool {
        if let Node::Text(text) = node.value() {
            self.lines.push(text);
            return false;
        }
        let Some(element) = ElementRef::wrap(node) else { return false };
        let name = element.value().name();
        if is_silent(name) || (self.skip)(element) {
            return false;
        }
        match name {
            "br" => self.lines.end(),
            "td" | "th" => self.lines.push(" "),
            name if is_block(name) => self.lines.end(),
            _ => {}
        }
        (self.see)(element);
        true
    }

    fn leave(&mut self, node: NodeRef<'a, Node>) {
        if let Node::Element(element) = node.value()
            && is_block(element.name())
        {
            self.lines.end();
        }
    }
}
