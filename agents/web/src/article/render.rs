//! What does a part of a page say as plain text?

use std::collections::BTreeSet;

use ego_tree::NodeRef;
use scraper::{ElementRef, Node};

use super::{Link, Page};

/// Longest text kept, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;

/// Most links kept.
const MAX_LINKS: usize = 500;

/// The text of an element: lines as its blocks part them, trimmed, none of them empty; scripts, styles and forms' fields left out.
///
/// At most 1 MiB.
pub fn text_of(element: ElementRef<'_>) -> String {
    let mut text = Text { lines: Lines::default(), links: None, strict: false, preformatted: 0, root: *element };
    visit(*element, &mut text);
    text.lines.done()
}

/// The text of an element and what it links to, without navigation, asides, forms and footers where `strict`.
pub(super) fn with_links(element: ElementRef<'_>, page: &Page<'_>, strict: bool) -> (String, Vec<Link>) {
    let links = Links { page, seen: BTreeSet::new(), found: Vec::new() };
    let mut text = Text { lines: Lines::default(), links: Some(links), strict, preformatted: 0, root: *element };
    visit(*element, &mut text);
    (text.lines.done(), text.links.map(|links| links.found).unwrap_or_default())
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

/// What meets the nodes of a tree on the way.
pub(super) trait Visitor<'a> {
    /// At a node; whether to go into it.
    fn enter(&mut self, node: NodeRef<'a, Node>) -> bool;
    /// After the children of a node that was gone into.
    fn leave(&mut self, node: NodeRef<'a, Node>);
}

/// Walks over a tree in document order. Nesting costs no stack.
pub(super) fn visit<'a>(root: NodeRef<'a, Node>, visitor: &mut impl Visitor<'a>) {
    let mut node = root;
    loop {
        if visitor.enter(node) {
            if let Some(child) = node.first_child() {
                node = child;
                continue;
            }
            visitor.leave(node);
        }
        loop {
            if node.id() == root.id() {
                return;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let Some(parent) = node.parent() else { return };
            node = parent;
            visitor.leave(node);
        }
    }
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
                        self.lines.end_line();
                    }
                    self.lines.push(line);
                }
                return false;
            }
            Node::Text(text) => {
                self.lines.push(text);
                return false;
            }
            Node::Element(element) => element,
            _ => return node.id() == self.root.id(),
        };
        let name = element.name();
        if is_block(name) {
            self.lines.end_line();
        }
        let skip = is_silent(name) || (self.strict && is_aside(name)) || element.attr("hidden").is_some();
        if self.lines.is_full() || (skip && node.id() != self.root.id()) {
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
                self.lines.end_line();
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
            anchor.text().take(200).for_each(|part| text.push(part));
            self.found.push(Link { url, text: text.done() });
        }
    }
}

/// Lines of collapsed text.
#[derive(Default)]
pub(super) struct Lines {
    out: String,
    line: String,
}

impl Lines {
    /// More of the current line, with its spaces collapsed.
    pub(super) fn push(&mut self, text: &str) {
        for letter in text.chars() {
            if letter.is_whitespace() || letter == '\u{FEFF}' {
                if !self.line.is_empty() && !self.line.ends_with(' ') {
                    self.line.push(' ');
                }
            } else if !letter.is_control() && letter != '\u{AD}' {
                self.line.push(letter);
            }
        }
    }

    /// Ends the current line, if there is something on it.
    pub(super) fn end_line(&mut self) {
        let line = self.line.trim_end();
        if !line.is_empty() {
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            self.out.push_str(line);
        }
        self.line.clear();
    }

    fn is_full(&self) -> bool {
        self.out.len() + self.line.len() > MAX_TEXT_BYTES
    }

    /// All lines.
    pub(super) fn done(mut self) -> String {
        self.end_line();
        let mut end = self.out.len().min(MAX_TEXT_BYTES);
        while !self.out.is_char_boundary(end) {
            end -= 1;
        }
        self.out.truncate(end);
        self.out
    }
}
