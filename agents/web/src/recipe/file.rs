//! How does the file become a recipe, and where in it is what is wrong?

use std::{collections::BTreeMap, fmt};

use jiff::tz::TimeZone;
use kit::RecipeProblem;
use schemas::{policy::nearest, record::Kind};
use scraper::Selector;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Article, Clock, List, Order, Pick, Recipe, Sitemap, Start, css, language, line_of};

/// Names of `extra` that the reader uses itself.
const TAKEN: [&str; 13] = [
    "alternates",
    "authors",
    "canonical_elsewhere",
    "description",
    "extraction",
    "license",
    "paywalled",
    "robots",
    "section",
    "site",
    "sponsored",
    "tdm_reservation",
    "withheld",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: Option<Spanned<u32>>,
    kind: Option<Spanned<String>>,
    language: Option<Spanned<String>>,
    #[serde(default)]
    languages: Vec<Spanned<String>>,
    zone: Option<Spanned<String>>,
    dates: Option<Spanned<String>>,
    #[serde(default)]
    unclosed: bool,
    list: Option<Spanned<ListFile>>,
    sitemap: Option<Spanned<SitemapFile>>,
    article: Option<ArticleFile>,
    #[serde(default)]
    extra: BTreeMap<String, Spanned<PickFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    item: Option<Spanned<PickFile>>,
    link: Option<Spanned<PickFile>>,
    date: Option<Spanned<PickFile>>,
    title: Option<Spanned<PickFile>>,
    text: Option<Spanned<PickFile>>,
    next: Option<Spanned<PickFile>>,
    none: Option<Spanned<PickFile>>,
    follow: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SitemapFile {
    #[serde(default)]
    only: Vec<Spanned<String>>,
    days: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ArticleFile {
    text: Option<Spanned<PickFile>>,
    remove: Vec<Spanned<String>>,
    title: Option<Spanned<PickFile>>,
    published: Option<Spanned<PickFile>>,
    edited: Option<Spanned<PickFile>>,
    author: Option<Spanned<PickFile>>,
    tags: Option<Spanned<PickFile>>,
    place: Option<Spanned<PickFile>>,
    twin: Option<Spanned<PickFile>>,
}

/// `"h1 @title"`, or `{ css = "h1", after = "Statement:" }`.
struct PickFile {
    css: String,
    after: Option<String>,
    before: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PickTable {
    css: String,
    after: Option<String>,
    before: Option<String>,
}

impl<'de> Deserialize<'de> for PickFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = PickFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a selector in quotes, or `{ css = \"…\", after = \"…\", before = \"…\" }`")
            }

            fn visit_str<E>(self, css: &str) -> Result<PickFile, E> {
                Ok(PickFile { css: css.to_owned(), after: None, before: None })
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<PickFile, M::Error> {
                let PickTable { css, after, before } = PickTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PickFile { css, after, before })
            }
        }
        from.deserialize_any(Either)
    }
}

pub(super) fn read(text: &str, file: &str) -> Result<Recipe, Vec<RecipeProblem>> {
    let problem = |error: &toml::de::Error, more: &str| {
        let (message, hint) = explain(error.message());
        let line = error.span().map(|span| line_of(text, span.start));
        RecipeProblem { file: file.to_owned(), line, message, hint: format!("{hint}{more}") }
    };
    const MORE: &str = "; there may be more, which shows once this is mended";
    let mut table = DeTable::parse(text).map_err(|error| vec![problem(&error, MORE)])?;
    let mut reader = Reader { text, file, problems: Vec::new(), dropped: Vec::new() };
    // A key that cannot be read hides those after it: it is told, taken out, and the rest read without it.
    let parsed = loop {
        let error = match File::deserialize(toml::de::Deserializer::from(table.clone())) {
            Ok(parsed) => break parsed,
            Err(error) => error,
        };
        let Some(key) = error.span().and_then(|span| take_out(table.get_mut(), span.start)) else {
            reader.problems.push(problem(&error, MORE));
            return Err(reader.problems);
        };
        reader.problems.push(problem(&error, ""));
        reader.dropped.push(key);
    };
    let recipe = reader.recipe(parsed);
    reader.problems.sort_by_key(|problem| problem.line);
    match recipe {
        Some(recipe) if reader.problems.is_empty() => Ok(recipe),
        _ => Err(reader.problems),
    }
}

/// Takes out the key, of a table or else of the file, that stands or has its value at an offset, and names it as `list.item`.
fn take_out(table: &mut DeTable<'_>, offset: usize) -> Option<String> {
    for (name, value) in table.iter_mut() {
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(key) = take_from(inner, offset)
        {
            return Some(format!("{}.{key}", name.get_ref()));
        }
    }
    take_from(table, offset)
}

fn take_from(table: &mut DeTable<'_>, offset: usize) -> Option<String> {
    let here = table.iter().find(|(key, value)| key.span().contains(&offset) || value.span().contains(&offset));
    let key = here?.0.clone();
    table.remove(&key);
    Some(key.into_inner().into_owned())
}

/// The parser's words in ours, with one thing to do.
fn explain(said: &str) -> (String, String) {
    let mut quoted = said.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    if said.starts_with("unknown field") {
        let known: Vec<&str> = quoted.collect();
        let near = nearest(first, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        return (
            format!("unknown key `{first}`"),
            format!("{}known here: {}", near.unwrap_or_default(), known.join(", ")),
        );
    }
    if said.starts_with("missing field") {
        return (format!("the key `{first}` is missing"), format!("add `{first} = …`"));
    }
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    (lines.join("; "), "agents/web/README.md has every key, with an example".to_owned())
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    problems: Vec<RecipeProblem>,
    /// Keys that could not be read, as `list.item`: told already, so not missing.
    dropped: Vec<String>,
}

impl Reader<'_> {
    fn wrong<T>(&mut self, at: &Spanned<T>, message: impl Into<String>, hint: impl Into<String>) {
        self.wrong_at(line_of(self.text, at.span().start), message, hint);
    }

    fn wrong_at(&mut self, line: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(RecipeProblem {
            file: self.file.to_owned(),
            line: Some(line),
            message: message.into(),
            hint: hint.into(),
        });
    }

    /// Nothing where a problem was told that leaves no recipe.
    fn recipe(&mut self, file: File) -> Option<Recipe> {
        match &file.format {
            Some(format) if *format.get_ref() == 1 => {}
            Some(format) => {
                let message = format!("format {} is not known", format.get_ref());
                self.wrong(format, message, "this release reads `format = 1`");
            }
            None => self.missing("format", 1, "add `format = 1`"),
        }
        let kind = match file.kind.as_ref().map(|kind| kind.get_ref().as_str()) {
            None | Some("article") => Kind::Article,
            Some("page") => Kind::Page,
            Some("event") => Kind::Event,
            Some("video") => Kind::Video,
            Some("audio") => Kind::Audio,
            Some(other) => {
                let message = format!("`kind = \"{}\"` is not known", other.escape_debug());
                if let Some(kind) = &file.kind {
                    self.wrong(
                        kind,
                        message,
                        "write `article`, `page`, `event`, `video` or `audio`, or leave it out for `article`",
                    );
                }
                Kind::Article
            }
        };
        for tag in file.language.iter().chain(&file.languages) {
            if !language::is_tag(tag.get_ref()) {
                let message = format!("`{}` is no language tag", tag.get_ref().escape_debug());
                self.wrong(tag, message, language::meant(tag.get_ref()));
            }
        }
        let clock = self.clock(file.zone.as_ref(), file.dates.as_ref());
        let start = match (file.list, file.sitemap) {
            (Some(_), Some(sitemap)) => {
                self.wrong(
                    &sitemap,
                    "a recipe has `[list]` or `[sitemap]`, not both",
                    "seeds are one or the other: make two entries, with a recipe each",
                );
                None
            }
            (Some(list), None) => self.list(list).map(|list| Start::List(Box::new(list))),
            (None, Some(sitemap)) => Some(Start::Sitemap(self.sitemap(sitemap))),
            (None, None) => Some(Start::Page),
        };
        let article = self.article(file.article.unwrap_or_default(), file.extra);
        let lower = |tag: Spanned<String>| tag.into_inner().to_ascii_lowercase();
        Some(Recipe {
            kind,
            language: file.language.map(Spanned::into_inner),
            languages: file.languages.into_iter().map(lower).collect(),
            clock,
            unclosed: file.unclosed,
            start: start?,
            article,
        })
    }

    fn clock(&mut self, zone: Option<&Spanned<String>>, dates: Option<&Spanned<String>>) -> Clock {
        let zone = zone.and_then(|name| {
            let found = TimeZone::get(name.get_ref()).ok();
            if found.is_none() {
                let message = format!("`{}` is no time zone", name.get_ref().escape_debug());
                self.wrong(name, message, "write its IANA name, as `America/Toronto` or `Europe/Brussels`");
            }
            found
        });
        let order = dates.and_then(|order| match order.get_ref().as_str() {
            "day/month/year" => Some(Order::DayMonthYear),
            "month/day/year" => Some(Order::MonthDayYear),
            other => {
                let message = format!("`dates = \"{}\"` is not known", other.escape_debug());
                self.wrong(
                    order,
                    message,
                    "write `day/month/year` or `month/day/year`, or leave it out where months have names",
                );
                None
            }
        });
        Clock { zone, order }
    }

    fn missing(&mut self, key: &str, line: usize, hint: &str) {
        if !self.dropped.iter().any(|dropped| dropped == key) {
            let name = key.rsplit('.').next().unwrap_or(key);
            self.wrong_at(line, format!("the key `{name}` is missing"), hint);
        }
    }

    fn list(&mut self, list: Spanned<ListFile>) -> Option<List> {
        let line = line_of(self.text, list.span().start);
        let list = list.into_inner();
        if list.item.is_none() {
            self.missing("list.item", line, "add `item = \"…\"`: what one item of the listing is");
        }
        let follow = list.follow.unwrap_or(true);
        for (key, given) in [("title", &list.title), ("text", &list.text)] {
            if let (true, Some(given)) = (follow, given) {
                self.wrong(
                    given,
                    format!("`list.{key}` is read only where items have no pages of their own"),
                    format!("write `{key}` under `[article]`, or `follow = false` under `[list]`"),
                );
            }
        }
        if let (false, None, Some(item)) = (follow, &list.title, &list.item)
            && !self.dropped.iter().any(|dropped| dropped == "list.title")
        {
            self.wrong(
                item,
                "`follow = false`, and nothing says what an item's title is",
                "add `title = \"…\"` to `[list]`",
            );
        }
        let item = list.item.and_then(|item| self.pick("list.item", item));
        let text = list.text.and_then(|text| self.whole("list.text", text));
        let mut pick = |key: &str, given: Option<Spanned<PickFile>>| given.and_then(|given| self.pick(key, given));
        Some(List {
            link: pick("list.link", list.link),
            date: pick("list.date", list.date),
            title: pick("list.title", list.title),
            text,
            next: pick("list.next", list.next),
            none: pick("list.none", list.none),
            item: item?,
            follow,
        })
    }

    fn sitemap(&mut self, sitemap: Spanned<SitemapFile>) -> Sitemap {
        let line = line_of(self.text, sitemap.span().start);
        let SitemapFile { only, days } = sitemap.into_inner();
        for prefix in only.iter().filter(|prefix| !prefix.get_ref().starts_with('/')) {
            let message = format!("`{}` is no beginning of a path", prefix.get_ref().escape_debug());
            self.wrong(prefix, message, "write it as `/en/news/`");
        }
        if let Some(days) = days.as_ref().filter(|days| !(1..=3_650).contains(days.get_ref())) {
            self.wrong(days, "`days` must be 1 to 3,650", "leave it out to collect whatever the sitemap lists");
        }
        Sitemap { only: only.into_iter().map(Spanned::into_inner).collect(), days: days.map(Spanned::into_inner), line }
    }

    fn article(&mut self, article: ArticleFile, extra: BTreeMap<String, Spanned<PickFile>>) -> Article {
        let remove = article.remove.into_iter().filter_map(|css| {
            let line = line_of(self.text, css.span().start);
            self.selector("article.remove", css.get_ref(), line)
        });
        let remove = remove.collect();
        let mut further = Vec::new();
        for (name, given) in extra {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if !name.bytes().all(plain) || name.is_empty() || TAKEN.contains(&name.as_str()) {
                self.wrong(
                    &given,
                    format!("`extra.{}` cannot be a field's name", name.escape_debug()),
                    format!("write small letters, digits and `_`; taken are {}", TAKEN.join(", ")),
                );
            } else if let Some(pick) = self.pick(&format!("extra.{name}"), given) {
                further.push((name, pick));
            }
        }
        let text = article.text.and_then(|text| self.whole("article.text", text));
        let mut pick = |key: &str, given: Option<Spanned<PickFile>>| given.and_then(|given| self.pick(key, given));
        Article {
            text,
            remove,
            title: pick("article.title", article.title),
            published: pick("article.published", article.published),
            edited: pick("article.edited", article.edited),
            author: pick("article.author", article.author),
            tags: pick("article.tags", article.tags),
            place: pick("article.place", article.place),
            twin: pick("article.twin", article.twin),
            extra: further,
        }
    }

    fn pick(&mut self, key: &str, given: Spanned<PickFile>) -> Option<Pick> {
        let line = line_of(self.text, given.span().start);
        let PickFile { css: written, after, before } = given.into_inner();
        let (css, attribute) = match written.rsplit_once('@') {
            Some((css, name)) if is_attribute(name) && css.ends_with(char::is_whitespace) => (css.trim(), Some(name)),
            _ => (written.trim(), None),
        };
        let selector = self.selector(key, css, line)?;
        let attribute = attribute.map(str::to_ascii_lowercase);
        Some(Pick { key: key.to_owned(), line, selector, attribute, after, before, written })
    }

    /// A pick of whole elements: a text has lines, and parts of one element's line mean nothing for it.
    fn whole(&mut self, key: &str, given: Spanned<PickFile>) -> Option<Pick> {
        let line = line_of(self.text, given.span().start);
        let pick = self.pick(key, given)?;
        if pick.attribute.is_none() && pick.after.is_none() && pick.before.is_none() {
            return Some(pick);
        }
        self.wrong_at(
            line,
            format!("`{key}` takes the text of whole elements; `after`, `before` and ` @name` have no meaning there"),
            "select the elements that hold the text, and leave parts out by `article.remove`",
        );
        None
    }

    fn selector(&mut self, key: &str, css: &str, line: usize) -> Option<Selector> {
        match Selector::parse(css) {
            Ok(selector) => Some(selector),
            Err(error) => {
                let message =
                    format!("`{key}`: `{}` is no CSS selector: {}", css.escape_debug(), css::complaint(css, &error));
                let hint = if css.contains(":contains") || css.contains("::") {
                    "`:contains` and `::text` are no CSS: select the element, and use `after` and `before` for parts of its text"
                } else {
                    "try it in a browser's console with `document.querySelectorAll(\"…\")`; an attribute is taken by ` @name` at the end"
                };
                self.wrong_at(line, message, hint);
                None
            }
        }
    }
}

fn is_attribute(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.'))
}
