//! What stands where on a page? One walk over the tree notes all that the other readers ask for.

use ego_tree::NodeRef;
use scraper::{ElementRef, Node, node::Element};

use super::{Page, render};
use crate::walk::{Visitor, visit};

/// Most entries kept of one sort.
const MAX_ENTRIES: usize = 500;

/// Longest attribute read, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 64 * 1024;

/// Longest page, in letters, that may be a wall: longer ones have something behind it.
pub(super) const MAX_WALL_LETTERS: usize = 1_500;

/// More letters than any rule asks about are not counted.
const COUNTED_LETTERS: usize = 4_000;

/// A `link` element.
#[derive(Debug)]
pub(super) struct LinkTag<'a> {
    pub rel: String,
    pub href: &'a str,
    pub hreflang: Option<&'a str>,
}

/// A date on the page.
#[derive(Debug)]
pub(super) struct DateMark {
    pub raw: String,
    pub published: bool,
    pub modified: bool,
    /// In the words of schema.org or by the attribute `pubdate`, not only by a class.
    pub certain: bool,
}

/// A line that names authors.
#[derive(Debug)]
pub(super) struct Byline {
    pub line: String,
    /// 0 is microdata of the article, 1 `rel=author`, 2 a class.
    pub rank: u8,
}

/// All that was noted.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    /// Names of `meta` elements in lower case with `:` between their parts, and contents, in document order.
    pub metas: Vec<(String, &'a str)>,
    pub links: Vec<LinkTag<'a>>,
    pub title: Option<String>,
    pub language: Option<&'a str>,
    pub scripts: Vec<String>,
    pub headings: Vec<String>,
    /// `itemprop=headline` of an article.
    pub headline: Option<String>,
    pub dates: Vec<DateMark>,
    pub bylines: Vec<Byline>,
    pub paywall_class: bool,
    /// Letters of text that readers see, spaces not counted; not all of them from [`COUNTED_LETTERS`] on.
    pub letters: usize,
    /// Bytes of scripts.
    pub script_bytes: usize,
    /// What readers see, piece by piece, as long as it is short enough for a wall.
    pub beginning: Vec<&'a str>,
    /// Text of `noscript`.
    pub noscript: String,
    scopes: Vec<Scope>,
    articles: usize,
    asides: usize,
    /// What was counted at each node that was gone into.
    open: Vec<Counted>,
}

/// What a node adds to the counts until it is left.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    scope: bool,
    article: bool,
    aside: bool,
}

/// The attributes that are asked for of every element, found in one pass: each look-up by name is a pass of its own.
#[derive(Clone, Copy, Default)]
struct Own<'a> {
    class: Option<&'a str>,
    id: Option<&'a str>,
    prop: Option<&'a str>,
    rel: Option<&'a str>,
    /// `itemtype`, where there is an `itemscope`.
    scope: Option<&'a str>,
    /// Letters that class and id hold, a bit for each.
    letters: u32,
}

impl<'a> Own<'a> {
    fn of(element: &'a Element) -> Self {
        let (mut own, mut kind) = (Self::default(), "");
        for (name, value) in element.attrs() {
            match name {
                "class" => {
                    own.class = Some(value);
                    own.letters |= letters(value);
                }
                "id" => {
                    own.id = Some(value);
                    own.letters |= letters(value);
                }
                "itemprop" => own.prop = Some(value),
                "rel" => own.rel = Some(value),
                "itemscope" => own.scope = Some(""),
                "itemtype" => kind = value,
                _ => {}
            }
        }
        own.scope = own.scope.map(|_| kind);
        own
    }

    /// Whether class or id may hold a word: together they have its letters.
    const fn may_hold(&self, word: &Word) -> bool {
        word.letters & !self.letters == 0
    }
}

#[derive(Debug)]
struct Scope {
    is_article: bool,
}

impl<'a> Survey<'a> {
    /// Walks over the page.
    pub(super) fn of(page: &'a Page<'_>) -> Self {
        let mut survey = Self::default();
        visit(page.html().tree.root(), &mut survey);
        survey
    }

    /// The first content of a name that is not empty.
    pub(super) fn meta(&self, name: &str) -> Option<&'a str> {
        self.metas.iter().find(|(other, _)| other == name).map(|(_, content)| *content)
    }

    /// All contents of a name, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.metas.iter().filter(move |(other, _)| other == name).map(|(_, content)| *content)
    }

    /// Whether microdata here belongs to an article: the nearest `itemscope` around is one, or there is none.
    fn in_article_scope(&self) -> bool {
        self.scopes.last().is_none_or(|scope| scope.is_article)
    }

    fn meta_element(&mut self, element: &'a Element) {
        let Some(content) = element.attr("content").filter(|content| content.len() <= MAX_ATTRIBUTE_BYTES) else {
            return;
        };
        if content.trim().is_empty() || self.metas.len() >= MAX_ENTRIES {
            return;
        }
        let names = ["property", "name", "http-equiv"].iter().filter_map(|key| element.attr(key));
        // `property` is a list parted by spaces (RDFa), and `name` is written as if it were.
        for name in names.flat_map(str::split_whitespace).take(8) {
            let name = name.to_lowercase().replace(['.', '_'], ":");
            self.metas.push((name, content.trim()));
        }
        if let Some(prop) = element.attr("itemprop").filter(|_| self.in_article_scope()) {
            self.date_property(prop, content);
            if prop.split_whitespace().any(|prop| prop == "headline") && self.headline.is_none() {
                self.headline = Some(content.trim().to_owned());
            }
            if prop.split_whitespace().any(|prop| prop == "author") && self.bylines.len() < MAX_ENTRIES {
                self.bylines.push(Byline { line: content.to_owned(), rank: 0 });
            }
        }
    }

    fn date_property(&mut self, prop: &str, raw: &str) {
        let published = prop.split_whitespace().any(|prop| prop == "datePublished");
        let modified = prop.split_whitespace().any(|prop| prop == "dateModified");
        if (published || modified) && self.dates.len() < MAX_ENTRIES {
            self.dates.push(DateMark { raw: raw.trim().to_owned(), published, modified, certain: true });
        }
    }

    fn link_element(&mut self, element: &'a Element) {
        if let (Some(rel), Some(href)) = (element.attr("rel"), element.attr("href"))
            && self.links.len() < MAX_ENTRIES
        {
            self.links.push(LinkTag { rel: rel.to_ascii_lowercase(), href, hreflang: element.attr("hreflang") });
        }
    }

    fn body_element(&mut self, node: NodeRef<'a, Node>, element: &'a Element, name: &str, own: Own<'a>) {
        let Some(here) = ElementRef::wrap(node) else { return };
        let (class, id) = (own.class.unwrap_or_default(), own.id.unwrap_or_default());
        match name {
            "h1" if self.headings.len() < 8 => self.headings.push(short(here)),
            "a" | "link" if has_word(own.rel, "license") => self.link_element(element),
            _ => {}
        }
        let prop = own.prop;
        if let Some(prop) = prop.filter(|_| self.in_article_scope()) {
            let raw = element.attr("datetime").or_else(|| element.attr("content"));
            if prop.contains("date") {
                let raw = raw.map_or_else(|| short(here), str::to_owned);
                self.date_property(prop, &raw);
            }
            if has_word(Some(prop), "headline") && self.headline.is_none() {
                self.headline = Some(short(here));
            }
        }
        if name == "time" && prop.is_none_or(|prop| !prop.contains("date")) && self.asides == 0 {
            let raw = element.attr("datetime").map_or_else(|| short(here), str::to_owned);
            let certain = element.attr("pubdate").is_some();
            let says = |words: &[Word]| words.iter().any(|word| own.may_hold(word) && contains(class, word.text));
            let modified = !certain && says(&MODIFIED);
            let published = certain || (!modified && (says(&PUBLISHED) || self.articles > 0));
            if self.dates.len() < MAX_ENTRIES {
                self.dates.push(DateMark { raw, published, modified, certain });
            }
        }
        if self.bylines.len() < 50 {
            let beside = self.asides > 0;
            let rank = if has_word(prop, "author") && self.in_article_scope() {
                // An aside or footer of the article itself names its author too.
                (!beside || !self.scopes.is_empty()).then_some(0)
            } else if has_word(own.rel, "author") && name == "a" {
                (!beside).then_some(1)
            } else {
                let says = |word: &Word| own.may_hold(word) && (contains(class, word.text) || contains(id, word.text));
                (!beside && BYLINE.iter().any(says)).then_some(2)
            };
            if let Some(rank) = rank {
                self.byline(here, rank);
            }
        }
        if own.may_hold(&PAYWALL) && contains(class, PAYWALL.text) {
            self.paywall_class = true;
        }
    }

    fn byline(&mut self, here: ElementRef<'a>, rank: u8) {
        // A name marked as such is better than the line around it, which may hold a portrait's caption or a date.
        let name = here
            .descendants()
            .skip(1)
            .take(60)
            .filter_map(ElementRef::wrap)
            .find(|inner| has_word(inner.attr("itemprop"), "name") || has_word(inner.attr("rel"), "author"));
        let line = render::text_of(name.unwrap_or(here));
        if !line.is_empty() && line.chars().count() <= 160 {
            self.bylines.push(Byline { line, rank });
        }
    }
}

impl<'a> Visitor<'a> for Survey<'a> {
    fn enter(&mut self, node: NodeRef<'a, Node>) -> bool {
        let element = match node.value() {
            Node::Text(text) => {
                if self.letters < COUNTED_LETTERS {
                    self.letters += text.chars().filter(|letter| !letter.is_whitespace()).count();
                }
                if self.letters <= MAX_WALL_LETTERS {
                    self.beginning.push(text);
                }
                return false;
            }
            Node::Element(element) => element,
            _ => {
                self.open.push(Counted::default());
                return true;
            }
        };
        let name = element.name();
        match name {
            "html" => {
                self.language = self.language.or_else(|| element.attr("lang").or_else(|| element.attr("xml:lang")))
            }
            "meta" => {
                self.meta_element(element);
                return false;
            }
            "link" => {
                self.link_element(element);
                return false;
            }
            "title" => {
                // Those of SVG are not met: its elements are silent.
                if let Some(here) = ElementRef::wrap(node).filter(|_| self.title.is_none()) {
                    self.title = Some(one_line(here.text()));
                }
                return false;
            }
            "script" => {
                let text: usize =
                    node.children().filter_map(|child| child.value().as_text()).map(|text| text.len()).sum();
                let kind = element.attr("type").unwrap_or_default().trim().to_ascii_lowercase();
                if kind.starts_with("application/ld+json") && self.scripts.len() < MAX_ENTRIES {
                    self.scripts.push(
                        node.children().filter_map(|child| child.value().as_text()).map(|text| &**text).collect(),
                    );
                } else {
                    self.script_bytes += text + element.attr("src").map_or(0, |_| 2_000);
                }
                return false;
            }
            "noscript" => {
                if let Some(here) = ElementRef::wrap(node).filter(|_| self.noscript.len() < 4_000) {
                    self.noscript.push_str(&one_line(here.text().take(20)).to_lowercase());
                }
                return false;
            }
            _ => {}
        }
        if name == "head" {
            self.open.push(Counted::default());
            return true;
        }
        if render::is_silent(name) {
            return false;
        }
        // Judged from outside: the property belongs to the scope around it, even if it opens one of its own.
        let own = Own::of(element);
        self.body_element(node, element, name, own);
        if let Some(kind) = own.scope {
            let kind = kind.trim().trim_end_matches('/');
            let kind = kind.rsplit('/').next().unwrap_or_default();
            let is_article = kind.ends_with("Article")
                || kind.ends_with("Posting")
                || kind.ends_with("Report")
                || kind.ends_with("Page");
            self.scopes.push(Scope { is_article });
        }
        let counted = Counted {
            scope: own.scope.is_some(),
            article: matches!(name, "article" | "main"),
            aside: is_beside(name, own),
        };
        self.articles += usize::from(counted.article);
        self.asides += usize::from(counted.aside);
        self.open.push(counted);
        true
    }

    fn leave(&mut self, _: NodeRef<'a, Node>) {
        let counted = self.open.pop().unwrap_or_default();
        if counted.scope {
            self.scopes.pop();
        }
        self.articles -= usize::from(counted.article);
        self.asides -= usize::from(counted.aside);
    }
}

/// Where other articles and other people are named: neither dates nor authors are taken from there.
fn is_beside(name: &str, own: Own<'_>) -> bool {
    if matches!(name, "nav" | "aside" | "footer" | "form") {
        return true;
    }
    if matches!(name, "html" | "body" | "main" | "article") {
        return false;
    }
    if !BESIDE.iter().any(|beside| own.may_hold(beside)) {
        return false;
    }
    let words = [own.class, own.id].into_iter().flatten().flat_map(str::split_whitespace);
    words.take(50).any(|word| {
        BESIDE
            .iter()
            .any(|beside| word.get(..beside.text.len()).is_some_and(|head| head.eq_ignore_ascii_case(beside.text)))
    })
}

/// A word that classes and ids are searched for.
struct Word {
    text: &'static str,
    letters: u32,
}

impl Word {
    const fn of(text: &'static str) -> Self {
        Self { text, letters: letters(text) }
    }
}

const PAYWALL: Word = Word::of("paywall");
const BYLINE: [Word; 3] = [Word::of("byline"), Word::of("author"), Word::of("writtenby")];
const MODIFIED: [Word; 3] = [Word::of("modif"), Word::of("updated"), Word::of("maj")];
const PUBLISHED: [Word; 5] =
    [Word::of("publish"), Word::of("pubdate"), Word::of("entry-date"), Word::of("dateline"), Word::of("posted")];
const BESIDE: [Word; 7] = [
    Word::of("related"),
    Word::of("comment"),
    Word::of("sidebar"),
    Word::of("recommend"),
    Word::of("disqus"),
    Word::of("most-read"),
    Word::of("newsletter"),
];

/// The ASCII letters of a text, a bit for each, case aside; other signs share the bits that are left.
const fn letters(text: &str) -> u32 {
    let (bytes, mut all, mut at) = (text.as_bytes(), 0, 0);
    while at < bytes.len() {
        // `A` and `a` end in the same five bits.
        all |= 1 << (bytes[at] & 0x1f);
        at += 1;
    }
    all
}

/// Whether a text contains an ASCII word, case aside.
fn contains(text: &str, word: &str) -> bool {
    let Some(first) = word.as_bytes().first() else { return true };
    let begins = |window: &&[u8]| window.first().is_some_and(|byte| byte.eq_ignore_ascii_case(first));
    text.as_bytes().windows(word.len()).filter(begins).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn has_word(list: Option<&str>, word: &str) -> bool {
    list.is_some_and(|list| list.split_whitespace().any(|other| other.eq_ignore_ascii_case(word)))
}

/// The beginning of an element's text on one line.
fn short(element: ElementRef<'_>) -> String {
    one_line(element.text().take(100)).chars().take(500).collect()
}

fn one_line<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
