//! What does a page say of its article in JSON-LD?

mod blocks;

use schemas::record::{Author, AuthorKind};
use serde_json::{Map, Value};
use url::Url;

use super::{names, titles};

/// schema.org types that are articles (schema.org/Article and below).
const ARTICLES: &[&str] = &[
    "Article",
    "NewsArticle",
    "AnalysisNewsArticle",
    "AskPublicNewsArticle",
    "BackgroundNewsArticle",
    "OpinionNewsArticle",
    "ReportageNewsArticle",
    "ReviewNewsArticle",
    "Report",
    "SatiricalArticle",
    "ScholarlyArticle",
    "AdvertiserContentArticle",
    "MedicalScholarlyArticle",
    "SocialMediaPosting",
    "BlogPosting",
    "LiveBlogPosting",
    "DiscussionForumPosting",
    "TechArticle",
    "APIReference",
    "ClaimReview",
];

/// What the blocks of a page say of its article.
#[derive(Debug, Default)]
pub(super) struct Found {
    nodes: Vec<Map<String, Value>>,
    article: Option<usize>,
    page: Option<usize>,
}

impl Found {
    /// Reads the blocks of the page at `url`.
    pub(super) fn read(blocks: &[String], url: &Url) -> Self {
        let mut found = Self { nodes: blocks::nodes(blocks), article: None, page: None };
        let of_this_page = |node: &Map<String, Value>| {
            ["url", "mainEntityOfPage", "@id"]
                .iter()
                .filter_map(|key| node.get(*key))
                .filter_map(|value| text(value).or_else(|| text(value.get("@id")?)))
                .any(|address| url.join(&address).is_ok_and(|other| same_page(&other, url)))
        };
        let is_article = |node: &Map<String, Value>| types(node).any(|kind| ARTICLES.contains(&kind));
        let articles: Vec<usize> = (0..found.nodes.len()).filter(|place| is_article(&found.nodes[*place])).collect();
        found.article = articles
            .iter()
            .copied()
            .find(|place| of_this_page(&found.nodes[*place]))
            // One of several that all name other pages is a listing's, not this page's.
            .or_else(|| articles.first().copied().filter(|_| articles.len() < 4));
        found.page =
            (0..found.nodes.len()).find(|place| types(&found.nodes[*place]).any(|kind| kind.ends_with("Page")));
        found
    }

    fn node(&self) -> Option<&Map<String, Value>> {
        self.article.map(|place| &self.nodes[place])
    }

    /// A member of the article, or of the node for the page around it.
    fn member(&self, key: &str) -> Option<&Value> {
        let of = |place: Option<usize>| place.and_then(|place| self.nodes[place].get(key));
        of(self.article).or_else(|| of(self.page))
    }

    fn line(&self, key: &str) -> Option<String> {
        self.node()?.get(key).and_then(first_text).map(|text| clean(&text)).filter(|text| !text.is_empty())
    }

    /// `headline`, or `name` where that is more like the page's own title.
    pub(super) fn title(&self, page_title: &str) -> Option<String> {
        match (self.line("headline"), self.line("name")) {
            (Some(headline), Some(name))
                if titles::likeness(&name, page_title) > titles::likeness(&headline, page_title) =>
            {
                Some(name)
            }
            (headline, name) => headline.or(name),
        }
    }

    /// `author`, and `creator` where there is none.
    pub(super) fn authors(&self) -> Vec<Author> {
        let Some(node) = self.node() else { return Vec::new() };
        ["author", "creator"]
            .iter()
            .filter_map(|key| node.get(*key))
            .map(|value| self.people(value))
            .find(|people| !people.is_empty())
            .unwrap_or_default()
    }

    fn people(&self, value: &Value) -> Vec<Author> {
        let mut people: Vec<Author> = Vec::new();
        let values = match value {
            Value::Array(values) => values.as_slice(),
            other => std::slice::from_ref(other),
        };
        for value in values.iter().take(names::MAX_AUTHORS) {
            let found = match value {
                Value::String(text) => names::in_line(&clean(text), None),
                Value::Object(node) => self.person(node),
                _ => Vec::new(),
            };
            for author in found {
                if !people.iter().any(|other| other.name == author.name && other.handle == author.handle) {
                    people.push(author);
                }
            }
        }
        people.truncate(names::MAX_AUTHORS);
        people
    }

    fn person(&self, node: &Map<String, Value>) -> Vec<Author> {
        let node = self.resolve(node);
        let kind = types(node).find_map(|kind| match kind {
            "Person" => Some(AuthorKind::Person),
            "Organization" | "NewsMediaOrganization" | "Corporation" | "GovernmentOrganization" => {
                Some(AuthorKind::Organisation)
            }
            _ => None,
        });
        let id = node.get("url").and_then(first_text).filter(|text| text.starts_with("http"));
        // Some systems write a list of names into one person's name.
        match node.get("name") {
            Some(Value::Array(names)) => {
                names.iter().filter_map(text).filter_map(|name| names::said(&clean(&name), None, kind)).collect()
            }
            Some(name) => text(name).and_then(|name| names::said(&clean(&name), id, kind)).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The node that an `@id` alone refers to.
    fn resolve<'a>(&'a self, node: &'a Map<String, Value>) -> &'a Map<String, Value> {
        if node.contains_key("name") {
            return node;
        }
        let Some(id) = node.get("@id").and_then(Value::as_str) else { return node };
        self.nodes
            .iter()
            .find(|other| other.contains_key("name") && other.get("@id").and_then(Value::as_str) == Some(id))
            .unwrap_or(node)
    }

    /// `datePublished` or `dateModified`.
    pub(super) fn date(&self, key: &str) -> Option<String> {
        self.member(key).and_then(first_text)
    }

    /// `publisher.name`.
    pub(super) fn publisher(&self) -> Option<String> {
        match self.member("publisher")? {
            Value::String(name) => Some(clean(name)),
            Value::Object(node) => self.resolve(node).get("name").and_then(first_text).map(|name| clean(&name)),
            Value::Array(values) => values.iter().find_map(|value| {
                self.resolve(value.as_object()?).get("name").and_then(first_text).map(|name| clean(&name))
            }),
            _ => None,
        }
        .filter(|name| !name.is_empty() && !name.starts_with("http"))
    }

    /// `description`.
    pub(super) fn description(&self) -> Option<String> {
        self.line("description")
    }

    /// `articleSection`, the first.
    pub(super) fn section(&self) -> Option<String> {
        self.line("articleSection")
    }

    /// `keywords`: a list, or a text of them parted by commas.
    pub(super) fn keywords(&self) -> Vec<String> {
        match self.node().and_then(|node| node.get("keywords")) {
            Some(Value::String(text)) => text.split(',').map(clean).collect(),
            Some(Value::Array(values)) => values
                .iter()
                .filter_map(|value| text(value).or_else(|| text(value.get("name")?)))
                .map(|text| clean(&text))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// `image`: an address, or a node with one.
    pub(super) fn image(&self) -> Option<String> {
        let value = self.node()?.get("image")?;
        let value = value.as_array().map_or(Some(value), |values| values.first())?;
        text(value).or_else(|| {
            let node = value.as_object()?;
            let id = node.get("@id").and_then(Value::as_str);
            let node = match id {
                Some(_) if !node.contains_key("url") => self
                    .nodes
                    .iter()
                    .find(|other| other.contains_key("url") && other.get("@id").and_then(Value::as_str) == id)?,
                _ => node,
            };
            node.get("url").or_else(|| node.get("contentUrl")).and_then(first_text)
        })
    }

    /// `inLanguage`: a tag, or a node with one.
    pub(super) fn language(&self) -> Option<String> {
        let value = self.member("inLanguage")?;
        first_text(value).or_else(|| first_text(value.get("alternateName").or_else(|| value.get("name"))?))
    }

    /// `license`.
    pub(super) fn license(&self) -> Option<String> {
        self.member("license").and_then(|value| first_text(value).or_else(|| first_text(value.get("url")?)))
    }

    /// The article's type as written.
    pub(super) fn kind(&self) -> Option<&str> {
        let node = self.node()?;
        types(node).find(|kind| ARTICLES.contains(kind))
    }

    /// Whether one of the article's types is `AdvertiserContentArticle`.
    pub(super) fn is_advertising(&self) -> bool {
        self.node().is_some_and(|node| types(node).any(|kind| kind == "AdvertiserContentArticle"))
    }

    /// Whether `isAccessibleForFree` says no.
    pub(super) fn is_locked(&self) -> bool {
        match self.member("isAccessibleForFree") {
            Some(Value::Bool(free)) => !free,
            Some(Value::String(free)) => {
                let free = free.rsplit('/').next().unwrap_or_default();
                free.eq_ignore_ascii_case("false") || free.eq_ignore_ascii_case("no")
            }
            _ => false,
        }
    }

    /// `articleBody`, as written.
    pub(super) fn body(&self) -> Option<String> {
        self.node()?.get("articleBody").and_then(first_text)
    }
}

/// One line, references decoded once: JSON in a script is not decoded by the HTML parser, and often escaped for it all the same.
fn clean(text: &str) -> String {
    html_escape::decode_html_entities(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text, the first of a list, or a value object's (`{"@value": …}`).
fn first_text(value: &Value) -> Option<String> {
    match value {
        Value::Array(values) => values.iter().find_map(first_flat),
        other => first_flat(other),
    }
}

fn first_flat(value: &Value) -> Option<String> {
    text(value).or_else(|| text(value.get("@value")?))
}

/// Type names without their namespace: `schema:NewsArticle`, `https://schema.org/NewsArticle`.
fn types(node: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let values = match node.get("@type") {
        Some(Value::Array(values)) => values.as_slice(),
        Some(other) => std::slice::from_ref(other),
        None => &[],
    };
    values.iter().filter_map(Value::as_str).map(|kind| kind.rsplit(['/', ':', '#']).next().unwrap_or(kind))
}

/// Two addresses of one page: the same but for scheme, `www.`, fragment and a slash at the end.
fn same_page(one: &Url, other: &Url) -> bool {
    let key = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        let host = host.strip_prefix("www.").unwrap_or(host).to_owned();
        (host, url.path().trim_end_matches('/').to_owned(), url.query().map(str::to_owned))
    };
    key(one) == key(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn found(blocks: &[&str]) -> Found {
        let blocks: Vec<String> = blocks.iter().map(|block| (*block).to_owned()).collect();
        Found::read(&blocks, &Url::parse("https://news.example.org/2026/11/21/invented-story").unwrap())
    }

    #[test]
    fn contexts_and_types_in_all_their_spellings() {
        for context in [
            "\"http://schema.org\"",
            "\"https://schema.org/\"",
            "\"https://www.schema.org\"",
            "[\"https://schema.org\",{\"x\":\"https://x.example/\"}]",
            "{\"@vocab\":\"http://schema.org/\"}",
        ] {
            let block = format!("{{\"@context\":{context},\"@type\":\"schema:BlogPosting\",\"headline\":\"Here\"}}");
            assert_eq!(found(&[&block]).title("").as_deref(), Some("Here"), "{context}");
        }
        assert_eq!(
            found(&["{\"@context\":\"https://other.example\",\"@type\":\"Article\",\"headline\":\"Here\"}"]).title(""),
            None
        );
        assert!(found(&["{\"@type\":[\"Thing\",\"https://schema.org/AdvertiserContentArticle\"]}"]).is_advertising());
        assert!(found(&["{\"@type\":\"Article\",\"isAccessibleForFree\":\"False\"}"]).is_locked());
        assert!(!found(&["{\"@type\":\"Article\",\"isAccessibleForFree\":true}"]).is_locked());
    }

    #[test]
    fn references_inside_a_graph_are_followed() {
        let found = found(&[r##"{"@context":"https://schema.org","@graph":[
            {"@type":"WebPage","@id":"#page","datePublished":"2026-11-21T22:00:00Z","inLanguage":"fr-CA"},
            {"@type":"Article","headline":"Here","author":[{"@id":"#ada"},{"@type":"Person","name":"Ben Sample"}],"publisher":{"@id":"#org"}},
            {"@type":"Organization","@id":"#org","name":"Example Daily"},
            {"@type":"Person","@id":"#ada","name":"Ada Example","url":"https://news.example.org/ada"}]}"##]);
        let authors = found.authors();
        assert_eq!(
            authors.iter().filter_map(|author| author.name.as_deref()).collect::<Vec<_>>(),
            ["Ada Example", "Ben Sample"]
        );
        assert_eq!(authors[0].id.as_deref(), Some("https://news.example.org/ada"));
        assert_eq!(found.publisher().as_deref(), Some("Example Daily"));
        assert_eq!(found.date("datePublished").as_deref(), Some("2026-11-21T22:00:00Z"));
        assert_eq!(found.language().as_deref(), Some("fr-CA"));
    }

    #[test]
    fn the_article_of_this_page_is_taken_among_others() {
        let found = found(&[r#"[{"@type":"NewsArticle","headline":"Other","url":"https://news.example.org/other"},
            {"@type":"NewsArticle","headline":"This","mainEntityOfPage":{"@type":"WebPage","@id":"http://www.news.example.org/2026/11/21/invented-story/#x"}}]"#]);
        assert_eq!(found.title("").as_deref(), Some("This"));
    }

    #[test]
    fn headline_or_name_by_likeness_to_the_page() {
        let block = r#"{"@type":"Article","headline":"Example Daily","name":"An invented story"}"#;
        assert_eq!(found(&[block]).title("An invented story - Example").as_deref(), Some("An invented story"));
        let block = r#"{"@type":"Article","headline":"An invented story","name":"Example Daily"}"#;
        assert_eq!(found(&[block]).title("An invented story - Example").as_deref(), Some("An invented story"));
    }
}
