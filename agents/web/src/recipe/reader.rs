//! Do the keys of a file make a recipe?

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use kit::RecipeProblem;
use schemas::record::Kind;
use scraper::Selector;
use toml::Spanned;

use super::{
    Article, Clock, List, Order, Pick, Recipe, Sitemap, Start, css,
    keys::{ArticleFile, File, ListFile, PickFile, SitemapFile},
    language, line_of,
};

/// Names of `extra` that the reader uses itself.
const TAKEN: [&str; 14] = [
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
    "tdm_said_by",
    "withheld",
];

/// Makes a recipe of a file, and tells of all that keeps it from being one.
pub(super) struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    /// What is wrong.
    pub problems: Vec<RecipeProblem>,
    /// Keys that could not be read, as `list.item`: told already, so not missing.
    pub dropped: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str, file: &'a str) -> Self {
        Self { text, file, problems: Vec::new(), dropped: Vec::new() }
    }

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
    pub(super) fn recipe(&mut self, file: File) -> Option<Recipe> {
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
