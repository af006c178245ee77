//! What is said of a recipe before anybody signs it, and of each of its parts on one page?

use std::fmt::Write as _;

use kit::{Answer, Facts, Matched, RecipeProblem, Recipes, body::Body};
use scraper::ElementRef;
use serde_json::Value;

use crate::{
    article::{self, Page},
    ask::{Asked, Step},
    list, page,
    recipe::{List, Pick, Recipe, Sitemap, Start},
    signals::Signals,
    sitemap::Entry,
};

/// Tells of recipes.
#[derive(Debug)]
pub struct Explains;

impl Recipes for Explains {
    fn check(&self, text: &str, file: &str) -> Result<String, Vec<RecipeProblem>> {
        Recipe::read(text, file).map(|recipe| words(&recipe))
    }

    fn kinds(&self, text: &str) -> Vec<&'static str> {
        match Recipe::read(text, "recipe").map(|recipe| recipe.start) {
            Ok(Start::List(list)) if list.follow => vec!["list", "article"],
            Ok(Start::List(_)) => vec!["list"],
            Ok(Start::Sitemap(_)) => vec!["sitemap", "article"],
            Ok(Start::Page) => vec!["article"],
            Err(_) => Vec::new(),
        }
    }

    fn step(&self, text: &str, kind: &str) -> Option<Value> {
        let step = match kind {
            _ if !self.kinds(text).contains(&kind) => return None,
            "list" => Step::List,
            "sitemap" => Step::Sitemap { depth: 0 },
            _ => Step::Article(Asked::default()),
        };
        serde_json::to_value(step).ok()
    }

    fn explain(&self, facts: &Facts, body: &Body) -> Vec<Matched> {
        let Some(Ok(recipe)) = facts.target.recipe.as_ref().map(|text| Recipe::read(text, "recipe")) else {
            return Vec::new();
        };
        let Ok(step) = serde_json::from_value::<Step>(facts.step.clone()) else { return Vec::new() };
        let answer = Answer::new(&step, facts, body);
        match (&step, &recipe.start) {
            (Step::Sitemap { .. }, Start::Sitemap(sitemap)) => of_sitemap(sitemap, &answer),
            (Step::List, Start::List(list)) => {
                let Ok(text) = answer.page() else { return Vec::new() };
                of_list(list, &Page::read(&text, answer.url))
            }
            _ => {
                let Ok(text) = answer.page() else { return Vec::new() };
                of_article(&recipe, &Page::read(&text, answer.url), &answer)
            }
        }
    }
}

/// What a recipe does, for whoever signs it.
fn words(recipe: &Recipe) -> String {
    let mut out = match &recipe.start {
        Start::List(list) if list.follow => {
            "its seeds are listings; each item's page is read once, and looked at again for eight days\n".to_owned()
        }
        Start::List(_) => "its seeds are listings; their items have no pages of their own\n".to_owned(),
        Start::Sitemap(_) => "its seeds are sitemaps; each page they list is read\n".to_owned(),
        Start::Page => "its seeds are pages, each read at every run\n".to_owned(),
    };
    if let Start::List(list) = &recipe.start {
        if list.next.is_none() {
            out.push_str("no `list.next`: only the first page is read\n");
        }
        if list.none.is_none() {
            out.push_str("no `list.none`: a listing without items counts as broken, never as empty\n");
        }
    }
    let found: Vec<&str> =
        [("text", &recipe.article.text), ("title", &recipe.article.title), ("date", &recipe.article.published)]
            .into_iter()
            .filter_map(|(what, pick)| pick.is_none().then_some(what))
            .collect();
    let reads_pages = !matches!(&recipe.start, Start::List(list) if !list.follow);
    if reads_pages && !found.is_empty() {
        let _ = writeln!(out, "taken from a page's metadata and usual places: {}", found.join(", "));
    }
    if !recipe.languages.is_empty() {
        let _ =
            writeln!(out, "versions in {} are collected as well, where pages name them", recipe.languages.join(", "));
    }
    if recipe.clock.zone.is_none() {
        out.push_str("no `zone`: a time that names none stays a local time\n");
    }
    out
}

fn matched(pick: &Pick, found: String, good: bool, values: Vec<String>) -> Matched {
    Matched { key: pick.key.clone(), selector: pick.written.clone(), line: pick.line, found, good, values }
}

fn times(count: usize) -> String {
    match count {
        0 => "nothing".to_owned(),
        1 => "1 match".to_owned(),
        more => format!("{more} matches"),
    }
}

/// How often a pick matched, and of how many matches something is taken.
fn taken(pick: &Pick, elements: &[ElementRef<'_>]) -> String {
    let count = elements.iter().filter(|element| pick.value(**element).is_some()).count();
    match (count, elements.len()) {
        (0, 1..) => match pick.unheld(elements) {
            Some(mark) => format!("{}, none holds `{mark}`", times(elements.len())),
            None => format!("{}, all empty", times(elements.len())),
        },
        (some, all) if some < all => format!("{some} of {all} matches"),
        (_, all) => times(all),
    }
}

fn of_list(list: &List, page: &Page<'_>) -> Vec<Matched> {
    let items = list.item.elements(page.html());
    let none = list.none.as_ref().map(|none| (none, none.elements(page.html()).len()));
    let says_none = none.is_some_and(|(_, count)| count > 0);
    let mut parts = vec![matched(&list.item, times(items.len()), !items.is_empty() || says_none, Vec::new())];
    if items.is_empty() {
        parts.extend(none.map(|(none, count)| matched(none, times(count), says_none, none.all(page.html()))));
        return parts;
    }
    let within = |what: &[Option<String>]| {
        let missing: Vec<String> = what
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_none())
            .map(|(at, _)| format!("#{at}"))
            .take(5)
            .collect();
        let found = what.iter().flatten().count();
        if missing.is_empty() {
            format!("in {found} of {} items", what.len())
        } else {
            format!("in {found} of {} items, not in {}", what.len(), missing.join(" "))
        }
    };
    let links: Vec<Result<String, String>> =
        items.iter().map(|item| list::address(list, *item, page).map(String::from)).collect();
    let addresses: Vec<Option<String>> = links.iter().map(|link| link.as_ref().ok().cloned()).collect();
    let values = links.iter().map(|link| link.as_ref().unwrap_or_else(|why| why).clone()).collect();
    let good = links.iter().all(Result::is_ok);
    parts.push(match &list.link {
        Some(pick) => matched(pick, within(&addresses), good, values),
        None => Matched {
            key: "list.link".to_owned(),
            selector: "(the item's first link)".to_owned(),
            line: 0,
            found: within(&addresses),
            good,
            values,
        },
    });
    for pick in [&list.date, &list.title, &list.text].into_iter().flatten() {
        let taken: Vec<Option<String>> = items.iter().map(|item: &ElementRef<'_>| pick.first(*item)).collect();
        let good = taken.iter().any(Option::is_some);
        let elements: Vec<ElementRef<'_>> = items.iter().flat_map(|item| pick.elements(*item)).collect();
        let mut words = within(&taken);
        if let (false, false, Some(mark)) = (good, elements.is_empty(), pick.unheld(&elements)) {
            let _ = write!(words, ": {}, none holds `{mark}`", times(elements.len()));
        }
        parts.push(matched(pick, words, good, taken.into_iter().flatten().collect()));
    }
    if let Some(next) = &list.next {
        let found = next.elements(page.html());
        let to: Vec<String> = found
            .iter()
            .filter_map(|element| next.address(*element))
            .filter_map(|href| page.join(&href))
            .map(String::from)
            .collect();
        let words =
            if found.is_empty() { "nothing: right only on the last page".to_owned() } else { times(found.len()) };
        parts.push(matched(next, words, found.is_empty() || !to.is_empty(), to.into_iter().take(1).collect()));
    }
    if let Some((none, count)) = none {
        let words =
            if count == 0 { "nothing, as it should be where items are listed".to_owned() } else { times(count) };
        parts.push(matched(none, words, count == 0, none.all(page.html())));
    }
    parts
}

fn of_sitemap(sitemap: &Sitemap, answer: &Answer<'_, Step>) -> Vec<Matched> {
    let mut parts = Vec::new();
    for name in ["url", "sitemap"] {
        let Ok(elements) = answer.elements(name) else { continue };
        let (mut all, mut wanted, mut good) = (0_usize, Vec::new(), true);
        for element in elements {
            match element.map(|(_, element)| Entry::of(&element, answer.url)) {
                Ok(Ok(entry)) => {
                    all += 1;
                    if name == "sitemap" || entry.is_wanted(sitemap, answer.captured_at) {
                        wanted.push(entry.url.to_string());
                    }
                }
                Ok(Err(_)) | Err(_) => good = false,
            }
        }
        if all > 0 {
            parts.push(Matched {
                key: "sitemap".to_owned(),
                selector: format!("<{name}>"),
                line: sitemap.line,
                found: format!("{all} entries, {} wanted", wanted.len()),
                good: good && !wanted.is_empty(),
                values: wanted,
            });
        }
    }
    parts
}

fn of_article(recipe: &Recipe, page: &Page<'_>, answer: &Answer<'_, Step>) -> Vec<Matched> {
    let mut parts = Vec::new();
    let picks = &recipe.article;
    if let Some(pick) = &picks.title {
        let values = pick.all(page.html());
        parts.push(matched(pick, taken(pick, &pick.elements(page.html())), !values.is_empty(), values));
    }
    if let Some(pick) = &picks.text {
        let found = pick.elements(page.html());
        parts.push(matched(pick, times(found.len()), !found.is_empty(), pick.all(page.html())));
    }
    let plain = picks.optional().count() - picks.extra.len();
    for (at, pick) in picks.optional().enumerate() {
        let values = if at < plain { pick.all(page.html()) } else { pick.all_absolute(page) };
        parts.push(matched(pick, taken(pick, &pick.elements(page.html())), !values.is_empty(), values));
    }
    let about = article::about(page);
    let (own, _) = page::own_address(&about, page.url());
    let versions: Vec<String> =
        page::versions(recipe, page, &about, &own).into_iter().map(|(_, url)| url.to_string()).collect();
    if let Some(twin) = &picks.twin {
        let found = twin.elements(page.html()).len();
        parts.push(matched(twin, times(found), found > 0, versions));
    } else if !recipe.languages.is_empty() {
        parts.push(Matched {
            key: "languages".to_owned(),
            selector: "link[hreflang]".to_owned(),
            line: 0,
            found: times(versions.len()),
            good: true,
            values: versions,
        });
    }
    let signals = Signals::of(answer.reservation(), answer.headers(), page.html());
    if !signals.robots.is_empty() || signals.tdm.is_some() {
        let mut said = signals.robots;
        said.extend(signals.tdm.map(|tdm| format!("tdm-reservation ({})", tdm.channel())));
        parts.push(Matched {
            key: "robots".to_owned(),
            selector: "(meta, headers, tdmrep.json)".to_owned(),
            line: 0,
            found: "page or site speaks to robots".to_owned(),
            good: true,
            values: said,
        });
    }
    parts
}
