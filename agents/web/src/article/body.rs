//! Where on a page is the running text?

use std::panic::{AssertUnwindSafe, catch_unwind};

use scraper::{ElementRef, Html, Node};
use url::Url;

use super::{Page, render, survey::Survey};
use crate::lines::Lines;

/// Shorter texts, in characters, are weak: a teaser, a caption, a page that is no article.
pub(super) const WEAK_CHARS: usize = 200;

/// Most elements a page may have for its paragraphs to be scored; larger ones are read by their landmarks.
const MAX_ELEMENTS: usize = 60_000;

/// How far the text can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strength {
    /// Running text.
    Ok,
    /// Under 200 characters, or mostly links: perhaps no article.
    #[default]
    Weak,
    /// The page has next to no text and scripts that would bring it.
    JsOnly,
}

/// A link in running text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where to, absolute.
    pub url: Url,
    /// Its text, possibly empty.
    pub text: String,
}

/// Running text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Plain text, a line for each block, none of them empty; at most 1 MiB.
    pub text: String,
    /// What it links to, in order, without repeats; at most 500.
    pub links: Vec<Link>,
    /// How far it can be relied on.
    pub strength: Strength,
}

/// Tells running text from what is around it.
trait Scorer {
    /// The part of the page that is the article, as HTML; nothing if none stands out.
    fn article(&self, source: &str) -> Option<String>;
}

/// The rules of Mozilla's Readability, by `dom_smoothie`.
struct Readability;

impl Scorer for Readability {
    fn article(&self, source: &str) -> Option<String> {
        let config = dom_smoothie::Config { max_elements_to_parse: MAX_ELEMENTS, ..dom_smoothie::Config::default() };
        // Pages come from anywhere: a mistake in the scorer must cost the score of one page, not the run.
        let read = catch_unwind(AssertUnwindSafe(|| {
            dom_smoothie::Readability::new(source, None, Some(config)).ok()?.parse().ok()
        }));
        read.ok().flatten().map(|article| article.content.to_string())
    }
}

/// The text of the page; `said` is what JSON-LD gives as the article's text.
pub(super) fn find(page: &Page<'_>, survey: &Survey<'_>, said: Option<String>) -> Body {
    let scored = Readability.article(page.source()).map(|html| {
        let part = Html::parse_fragment(&html);
        render::with_links(part.root_element(), page, false)
    });
    let (mut text, mut links) = match scored {
        Some(scored) if !scored.0.is_empty() => scored,
        _ => landmark(page),
    };
    if text.chars().count() < WEAK_CHARS
        && let Some(said) = said.map(|said| plain(&said)).filter(|said| said.len() > text.len())
    {
        text = said;
        links.clear();
    }
    let strength = strength(&text, &links, survey);
    Body { text, links, strength }
}

/// The longest of the parts that pages mark as their article; the whole page without its navigation if they mark none.
fn landmark(page: &Page<'_>) -> (String, Vec<Link>) {
    let marked = |element: &scraper::node::Element| {
        matches!(element.name(), "article" | "main")
            || element.attr("role") == Some("main")
            || element.attr("itemprop").is_some_and(|prop| prop.split_whitespace().any(|prop| prop == "articleBody"))
    };
    let root = page.html().root_element();
    root.descendants()
        .filter(|node| matches!(node.value(), Node::Element(element) if marked(element)))
        .filter_map(ElementRef::wrap)
        .take(20)
        .map(|element| render::with_links(element, page, true))
        .reduce(|longest, other| if other.0.len() > longest.0.len() { other } else { longest })
        .filter(|(text, _)| text.len() >= WEAK_CHARS)
        .unwrap_or_else(|| render::with_links(root, page, true))
}

/// `articleBody` as lines: it may hold HTML, escaped or not.
fn plain(said: &str) -> String {
    let decoded = html_escape::decode_html_entities(said);
    if decoded.contains("</") || decoded.contains("<p>") || decoded.contains("<br") {
        let tame = super::bound::tame(&decoded);
        return render::text_of(Html::parse_fragment(&tame).root_element());
    }
    let mut lines = Lines::default();
    for line in decoded.lines().take(100_000) {
        lines.push_visible(line);
        lines.end();
    }
    render::kept(lines)
}

fn strength(text: &str, links: &[Link], survey: &Survey<'_>) -> Strength {
    let chars = text.chars().count();
    let linked: usize = links.iter().map(|link| link.text.chars().count()).sum();
    if chars < WEAK_CHARS {
        let asks = survey.noscript.contains("javascript") || survey.script_bytes >= 2_000;
        if survey.letters < WEAK_CHARS && asks { Strength::JsOnly } else { Strength::Weak }
    } else if linked * 3 > chars * 2 {
        Strength::Weak
    } else {
        Strength::Ok
    }
}
