//! How is a page parsed, and what are its addresses relative to?

use std::borrow::Cow;

use scraper::{Html, Node};
use url::Url;

use super::bound;

/// Longest address taken from a page, in bytes. Longer ones are `data:` addresses and mistakes.
const MAX_URL_BYTES: usize = 8 * 1024;

/// A parsed page. Selectors of recipes and the readers of this module share its tree.
#[derive(Debug)]
pub struct Page<'a> {
    source: Cow<'a, str>,
    html: Html,
    url: Url,
    base: Url,
}

impl<'a> Page<'a> {
    /// Parses the text of the page that answered at `url`, within the bounds of `bound::tame`.
    pub fn read(text: &'a str, url: &Url) -> Self {
        let source = bound::tame(text);
        let html = Html::parse_document(&source);
        let base = base_of(&html, url);
        Self { source, html, url: url.clone(), base }
    }

    /// The tree.
    pub const fn html(&self) -> &Html {
        &self.html
    }

    /// The address that answered.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The text that was parsed: the page's own, less what would have made parsing unbearably slow.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The absolute web address that a reference on this page stands for (HTML, `base` element included); nothing for other schemes.
    pub fn join(&self, reference: &str) -> Option<Url> {
        let reference = reference.trim();
        if reference.is_empty() || reference.len() > MAX_URL_BYTES {
            return None;
        }
        let url = self.base.join(reference).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty())).then_some(url)
    }
}

/// The first `base` element with an address counts (HTML Living Standard, section 4.2.3).
fn base_of(html: &Html, url: &Url) -> Url {
    html.tree
        .nodes()
        .filter_map(|node| match node.value() {
            Node::Element(element) if element.name() == "base" => element.attr("href"),
            _ => None,
        })
        .find_map(|href| {
            let href = href.trim();
            (href.len() <= MAX_URL_BYTES).then(|| url.join(href).ok()).flatten()
        })
        .filter(|base| matches!(base.scheme(), "http" | "https"))
        .unwrap_or_else(|| url.clone())
}
