//! Is this an HTML page in a feed's place, and which feed does it name?

use url::Url;

use crate::{
    address::Base,
    xml::token::{Token, Tokens},
};

/// The types by which pages name their feeds.
const TYPES: [&str; 5] =
    ["application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml", "application/json"];

/// True if the first element, or the document type, is HTML's.
pub fn is_page(source: &str) -> bool {
    for token in Tokens::new(source) {
        match token {
            Token::Start(tag) => {
                return ["html", "head", "body", "meta", "script", "div"]
                    .iter()
                    .any(|name| tag.name.eq_ignore_ascii_case(name));
            }
            Token::Other(text) => {
                let lower = text.get(..16).unwrap_or(text).to_ascii_lowercase();
                if lower.contains("doctype html") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// The feeds a page names in its `<link rel="alternate">` elements, absolute, in order.
pub fn feeds(source: &str, url: &Url) -> Vec<String> {
    let mut base = Base::of(url.clone());
    let mut found = Vec::new();
    for token in Tokens::new(source) {
        let Token::Start(tag) = token else { continue };
        if tag.name.eq_ignore_ascii_case("base") {
            base = tag.attribute("href").map_or_else(|| base.clone(), |href| base.and(&href));
        } else if tag.name.eq_ignore_ascii_case("link") && found.len() < 20 {
            let relation = tag
                .attribute("rel")
                .is_some_and(|rel| rel.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("alternate")));
            let kind = tag.attribute("type").unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if relation && TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
                found.extend(tag.attribute("href").and_then(|href| base.web(&href)));
            }
        }
    }
    found
}
