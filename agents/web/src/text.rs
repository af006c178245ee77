//! What does an element say to somebody who reads it?

use kit::address::{Base, is_web};
use schemas::record::Media;
use scraper::{ElementRef, Node};

/// Elements whose text nobody sees.
const SILENT: [&str; 8] = ["script", "style", "template", "noscript", "svg", "iframe", "select", "button"];

/// Elements that begin and end a line.
const BLOCKS: [&str; 33] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
];

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
    walk(root, skip, &mut |seen| match seen {
        Seen::Text(text) => lines.push(text),
        Seen::Element(element) => {
            let name = element.value().name();
            if name == "br" || BLOCKS.contains(&name) {
                lines.end();
            } else if matches!(name, "td" | "th") {
                lines.push(" ");
            }
        }
        Seen::End(element) => {
            if BLOCKS.contains(&element.value().name()) {
                lines.end();
            }
        }
    });
    lines.end();
    lines.out
}

/// Addresses it links to, absolute and of the web, in order, without repeats.
pub fn links(root: ElementRef<'_>, skip: Skip<'_>, base: &Base) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    walk(root, skip, &mut |seen| {
        if let Seen::Element(element) = seen
            && element.value().name() == "a"
            && let Some(url) = element.value().attr("href").and_then(|href| base.join(href)).filter(is_web)
        {
            let url = url.to_string();
            if !found.contains(&url) {
                found.push(url);
            }
        }
    });
    found
}

/// Pictures, sounds and films it shows, in order, without repeats.
pub fn media(root: ElementRef<'_>, skip: Skip<'_>, base: &Base) -> Vec<Media> {
    let mut found: Vec<Media> = Vec::new();
    walk(root, skip, &mut |seen| {
        let Seen::Element(element) = seen else { return };
        if !matches!(element.value().name(), "img" | "video" | "audio" | "source") {
            return;
        }
        let attribute = |name: &str| element.value().attr(name).map(str::trim).filter(|value| !value.is_empty());
        let Some(url) = attribute("src").and_then(|src| base.web(src)) else { return };
        if !found.iter().any(|known| known.url == url) {
            let alt = attribute("alt").map(ToOwned::to_owned);
            found.push(Media { url, media_type: attribute("type").map(ToOwned::to_owned), alt });
        }
    });
    found
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
            (_, Some(element)) if SILENT.contains(&element.value().name()) || skip(element) => {}
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
    fn push(&mut self, text: &str) {
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
