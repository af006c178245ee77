//! What does a post's HTML say as plain text, and where does it link to?

use scraper::{Html, Node};
use url::Url;

/// Plain text of a piece of HTML, and what it links to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// Text: `<br>` and the ends of blocks are line breaks, spans that browsers hide are kept (they hold the whole of shortened addresses).
    pub text: String,
    /// Web addresses in order of appearance, without repeats; links of mentions and hashtags left out.
    pub links: Vec<String>,
}

impl Plain {
    /// Reads a piece of HTML.
    #[must_use]
    pub fn read(html: &str) -> Self {
        let document = Html::parse_fragment(html);
        let mut plain = Self::default();
        let root = document.tree.root();
        let (mut next, mut hidden) = (root.first_child(), 0);
        // Step by step instead of by recursion: a post may nest as deep as it likes.
        while let Some(mut node) = next {
            plain.open(node.value(), &mut hidden);
            next = node.first_child();
            while next.is_none() && node != root {
                plain.close(node.value(), &mut hidden);
                next = node.next_sibling();
                node = node.parent().unwrap_or(root);
            }
        }
        plain.text = plain.text.trim_matches('\n').to_owned();
        plain
    }

    fn open(&mut self, node: &Node, hidden: &mut u32) {
        match node {
            Node::Text(text) if *hidden == 0 => self.text.push_str(text),
            Node::Element(element) => {
                let name = element.name();
                *hidden += u32::from(is_no_text(name));
                if name == "br" || (is_block(name) && !self.at_line_start()) {
                    self.text.push('\n');
                }
                if name == "a" && !element.classes().any(|class| matches!(class, "mention" | "hashtag")) {
                    self.link(element.attr("href").unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, node: &Node, hidden: &mut u32) {
        if let Node::Element(element) = node {
            let name = element.name();
            *hidden -= u32::from(is_no_text(name));
            if name == "p" || (is_block(name) && !self.at_line_start()) {
                self.text.push('\n');
            }
        }
    }

    fn at_line_start(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('\n')
    }

    fn link(&mut self, href: &str) {
        let is_web = Url::parse(href).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if is_web && !self.links.iter().any(|known| known == href) {
            self.links.push(href.to_owned());
        }
    }
}

fn is_no_text(name: &str) -> bool {
    matches!(name, "script" | "style" | "template" | "noscript")
}

fn is_block(name: &str) -> bool {
    matches!(name, "p" | "div" | "blockquote" | "pre" | "ul" | "ol" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

#[cfg(test)]
mod tests {
    use super::Plain;

    #[test]
    fn line_breaks_entities_and_hidden_spans_are_kept() {
        let plain = Plain::read(
            "<p>Claim <a href=\"https://social.example/tags/a\" class=\"mention hashtag\">#<span>a</span></a><br>Tom &amp; Co</p>\
             <p><a href=\"https://news.example/long/page\"><span class=\"invisible\">https://</span><span class=\"ellipsis\">news.example/long</span>\
             <span class=\"invisible\">/page</span></a></p>",
        );
        assert_eq!(plain.text, "Claim #a\nTom & Co\nhttps://news.example/long/page");
        assert_eq!(plain.links, ["https://news.example/long/page"]);
    }

    #[test]
    fn other_servers_blocks_break_lines_once() {
        let plain = Plain::read(
            "Before<ul><li>one</li><li>two</li></ul><blockquote><p>said</p></blockquote>after<script>no()</script>",
        );
        assert_eq!(plain.text, "Before\none\ntwo\nsaid\nafter");
    }

    #[test]
    fn links_that_are_no_web_addresses_are_none() {
        let plain = Plain::read(
            "<a href=\"javascript:x()\">a</a><a href=\"/b\">b</a><a href=\"https://c.example/\">c</a><a href=\"https://c.example/\">c</a>",
        );
        assert_eq!(plain.links, ["https://c.example/"]);
    }
}
