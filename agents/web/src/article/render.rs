//! What does a part of a page say as plain text?

use std::collections::BTreeSet;

use ego_tree::NodeRef;
use scraper::{ElementRef, Node};

use super::{Link, Page};
use crate::{
    lines::Lines,
    walk::{Visitor, visit},
};

/// Longest text kept, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Most links kept.
const MAX_LINKS: usize = 500;

/// The text of an element: lines as its blocks part them, trimmed, none of them empty; scripts, styles and forms' fields left out.
///
/// At most 1 MiB.
pub fn text_of(element: ElementRef<'_>) -> String {
    let mut text = Text { lines: Lines::default(), links: None, strict: false, preformatted: 0, root: *element };
    visit(*element, &mut text);
    kept(text.lines)
}

/// The text of an element and what it links to, without navigation, asides, forms and footers where `strict`.
pub(super) fn with_links(element: ElementRef<'_>, page: &Page<'_>, strict: bool) -> (String, Vec<Link>) {
    let links = Links { page, seen: BTreeSet::new(), found: Vec::new() };
    let mut text = Text { lines: Lines::default(), links: Some(links), strict, preformatted: 0, root: *element };
    visit(*element, &mut text);
    (kept(text.lines), text.links.map(|links| links.found).unwrap_or_default())
}

struct Links<'a> {
    page: &'a Page<'a>,
    seen: BTreeSet<String>,
    found: Vec<Link>,
}

/// Elements whose content nobody reads.
pub(super) fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "iframe"
            | "object"
            | "svg"
            | "math"
            | "select"
            | "textarea"
            | "button"
            | "canvas"
            | "audio"
            | "video"
            | "head"
            | "datalist"
            | "dialog"
    )
}

fn is_aside(name: &str) -> bool {
    matches!(name, "nav" | "aside" | "footer" | "form")
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "br"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "tr"
            | "ul"
    )
}

struct Text<'a, 'p> {
    lines: Lines,
    links: Option<Links<'p>>,
    strict: bool,
    preformatted: usize,
    root: NodeRef<'a, Node>,
}

impl<'a> Visitor<'a> for Text<'a, '_> {
    fn enter(&mut self, node: NodeRef<'a, Node>) -> bool {
        let element = match node.value() {
            Node::Text(text) if self.preformatted > 0 => {
                for (number, line) in text.split('\n').enumerate() {
                    if number > 0 {
                        self.lines.end();
                    }
                    self.lines.push_visible(line);
                }
                return false;
            }
            Node::Text(text) => {
                self.lines.push_visible(text);
                return false;
            }
            Node::Element(element) => element,
            _ => return node.id() == self.root.id(),
        };
        let name = element.name();
        if is_block(name) {
            self.lines.end();
        }
        let skip = is_silent(name) || (self.strict && is_aside(name)) || element.attr("hidden").is_some();
        if self.lines.bytes() > MAX_TEXT_BYTES || (skip && node.id() != self.root.id()) {
            return false;
        }
        match name {
            "td" | "th" => self.lines.push(" "),
            "pre" => self.preformatted += 1,
            "a" => {
                if let (Some(links), Some(href), Some(anchor)) =
                    (&mut self.links, element.attr("href"), ElementRef::wrap(node))
                {
                    links.add(href, anchor);
                }
            }
            _ => {}
        }
        true
    }

    fn leave(&mut self, node: NodeRef<'a, Node>) {
        if let Node::Element(element) = node.value() {
            if is_block(element.name()) {
                self.lines.end();
            }
            if element.name() == "pre" {
                self.preformatted = self.preformatted.saturating_sub(1);
            }
        }
    }
}

impl Links<'_> {
    fn add(&mut self, href: &str, anchor: ElementRef<'_>) {
        if self.found.len() >= MAX_LINKS || href.trim_start().starts_with('#') {
            return;
        }
        let Some(url) = self.page.join(href) else { return };
        if self.seen.insert(url.as_str().to_owned()) {
            let mut text = Lines::default();
            anchor.text().take(200).for_each(|part| text.push_visible(part));
            self.found.push(Link { url, text: kept(text) });
        }
    }
}

/// All lines, as far as they are kept.
pub(super) fn kept(lines: Lines) -> String {
    let mut text = lines.done();
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
