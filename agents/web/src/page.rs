//! What does an item's page say, by recipe and by itself?

use kit::{
    Absent, Answer, Halt, Place, Reading, What,
    address::{Base, canonical},
};
use schemas::record::{Author, ClaimedTime, Media, Record, Relation, RelationKind};
use scraper::ElementRef;
use serde_json::{Value, json};
use url::Url;

use crate::{
    article::{self, Page, Strength, Wall},
    ask::{Asked, Step},
    moment,
    recipe::{Pick, Recipe},
    signals::Signals,
    text,
    web::{PLATFORM, Web},
    whole::whole,
};

/// Longest value of `extra`, in characters.
const MAX_EXTRA_CHARS: usize = 20_000;

/// The address of a page that names it, and another host's address of choice, which does not count.
pub fn own_address(about: &article::About, url: &Url) -> (Url, Option<Url>) {
    let bare = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        (host.strip_prefix("www.").unwrap_or(host).to_owned(), url.port())
    };
    match &about.canonical {
        Some(said) if bare(&said.value) == bare(url) => {
            // One host for an item, whichever of the two spellings a page prefers.
            let mut own = said.value.clone();
            let _ = own.set_host(url.host_str());
            (canonical(own), about.canonical_elsewhere.clone())
        }
        Some(said) => (canonical(url.clone()), Some(said.value.clone())),
        None => (canonical(url.clone()), about.canonical_elsewhere.clone()),
    }
}

/// The id of the item at an address.
pub fn id_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    if url.as_str().len() > 1024 {
        return format!("{host}|sha256:{}", schemas::Digest::of(url.as_str().as_bytes()));
    }
    format!("{host}|{url}")
}

/// Title by selector, else by the page itself.
///
/// # Errors
///
/// The recipe's selector matches nothing.
pub fn title(recipe: &Recipe, page: &Page<'_>, about: &article::About) -> Result<Option<String>, kit::Unreadable> {
    match &recipe.article.title {
        Some(pick) => pick.first(page.html()).map(Some).ok_or_else(|| pick.nothing()),
        None => Ok(about.title.as_ref().map(|said| said.value.clone())),
    }
}

/// What stands in the page as its text.
pub struct Body {
    /// Plain text.
    pub text: String,
    /// Addresses linked from it.
    pub links: Vec<String>,
    /// Pictures in it.
    pub media: Vec<Media>,
    /// How sure the finding is; nothing where the recipe's selector found it.
    pub strength: Option<Strength>,
}

/// Text by selector, else found.
///
/// # Errors
///
/// The recipe's selector matches nothing, or nothing with text in it.
pub fn body(
    recipe: &Recipe,
    page: &Page<'_>,
    base: &Base,
    found: Option<article::Body>,
) -> Result<Body, kit::Unreadable> {
    let Some(pick) = &recipe.article.text else {
        let found = found.unwrap_or_default();
        let links = found.links.into_iter().map(|link| String::from(link.url)).collect();
        return Ok(Body { text: found.text, links, media: Vec::new(), strength: Some(found.strength) });
    };
    let removed = |element: ElementRef<'_>| recipe.article.remove.iter().any(|selector| selector.matches(&element));
    let mut body = Body { text: String::new(), links: Vec::new(), media: Vec::new(), strength: None };
    for element in pick.elements(page.html()) {
        let shown = text::Shown::of(element, &removed, base);
        if body.text.is_empty() {
            body.text = shown.text;
        } else if !shown.text.is_empty() {
            body.text.push('\n');
            body.text.push_str(&shown.text);
        }
        if body.links.is_empty() {
            body.links = shown.links;
        } else {
            for link in shown.links {
                if !body.links.contains(&link) {
                    body.links.push(link);
                }
            }
        }
        body.media.extend(shown.media);
    }
    if body.text.is_empty() { Err(pick.nothing()) } else { Ok(body) }
}

/// Addresses of the same in other languages, with the language where the page names it.
pub fn versions(recipe: &Recipe, page: &Page<'_>, about: &article::About, own: &Url) -> Vec<(Option<String>, Url)> {
    let mut found: Vec<(Option<String>, Url)> = Vec::new();
    let mut add = |language: Option<String>, url: Url| {
        let url = canonical(url);
        if url != *own && !found.iter().any(|(_, known)| *known == url) {
            found.push((language, url));
        }
    };
    if let Some(pick) = &recipe.article.twin {
        for element in pick.elements(page.html()) {
            if let Some(url) = pick.address(element).and_then(|href| page.join(&href)) {
                add(
                    element
                        .value()
                        .attr("hreflang")
                        .or_else(|| element.value().attr("lang"))
                        .map(str::to_ascii_lowercase),
                    url,
                );
            }
        }
    }
    for alternate in &about.alternates {
        let language = alternate.language.to_ascii_lowercase();
        let wanted = recipe.languages.iter().any(|tag| {
            language == *tag || language.strip_prefix(tag.as_str()).is_some_and(|rest| rest.starts_with('-'))
        });
        if wanted {
            add(Some(language), alternate.url.clone());
        }
    }
    found
}

/// Takes what need not be there, and notes what is not.
struct Optional<'a> {
    page: &'a Page<'a>,
    missed: Vec<&'a str>,
}

impl<'a> Optional<'a> {
    fn first(&mut self, pick: Option<&'a Pick>) -> Option<String> {
        let found = pick?.first(self.page.html());
        if found.is_none() {
            self.missed.extend(pick.map(|pick| pick.key.as_str()));
        }
        found
    }

    fn all(&mut self, pick: Option<&'a Pick>) -> Vec<String> {
        pick.map(|pick| self.seen(pick, pick.all(self.page.html()))).unwrap_or_default()
    }

    fn all_absolute(&mut self, pick: &'a Pick) -> Vec<String> {
        self.seen(pick, pick.all_absolute(self.page))
    }

    fn seen(&mut self, pick: &'a Pick, found: Vec<String>) -> Vec<String> {
        if found.is_empty() {
            self.missed.push(&pick.key);
        }
        found
    }
}

/// A date that the page states without zone, by the recipe's.
fn zoned(said: Option<&article::Said<ClaimedTime>>, recipe: &Recipe) -> Option<ClaimedTime> {
    let claim = &said?.value;
    match claim.at {
        Some(_) => Some(claim.clone()),
        None => moment::claimed(&claim.raw, &recipe.clock),
    }
}

pub fn read(
    recipe: &Recipe,
    asked: &Asked,
    answer: &Answer<'_, Step>,
    out: &mut Reading<'_, Web>,
) -> Result<(), Halt<Step>> {
    if let (404 | 410, Some(id)) = (answer.status(), &asked.id) {
        let what = What::record(PLATFORM, id);
        return Err(Halt::Gone(Absent::Item { what, why: format!("status {}", answer.status()) }));
    }
    let whole = whole(recipe, answer)?;
    let page = Page::read(&whole, answer.url);
    let signals = Signals::of(answer.reservation(), answer.headers(), page.html());
    let obeys = !answer.target.own_terms;
    let (about, found) = if recipe.article.text.is_some() {
        (article::about(&page), None)
    } else {
        let article::Article { about, body } = article::extract(&page);
        (about, Some(body))
    };
    match about.wall {
        Some(Wall::Challenge) => {
            return Err(Halt::Blocked("a page that asks for a proof instead of the article".to_owned()));
        }
        Some(Wall::Consent) => {
            return Err(answer.unreadable("page", "it asks for consent instead of showing the article"));
        }
        None => {}
    }
    let (own, elsewhere) = own_address(&about, answer.url);
    let versions = versions(recipe, &page, &about, &own);
    let no_follow = signals.no_follow().filter(|_| obeys);
    if let (Some(why), false) = (&no_follow, versions.is_empty()) {
        out.cut(format_args!("{why}, so {} versions in other languages were not followed", versions.len()));
    } else {
        for (_, url) in &versions {
            let twin = Asked { twin_of: Some(own.to_string()), ..Asked::default() };
            out.also(recipe.item(url, twin).unless_known(url.as_str()));
        }
    }
    let id = id_of(&own);
    if let Some(why) = signals.withhold(answer.captured_at).filter(|_| obeys) {
        out.saw(id);
        out.unreadable(Place::Whole, format_args!("withheld: {why}, and the entry obeys it"));
        return Ok(());
    }
    let mut record = Record::new(recipe.kind, PLATFORM, id);
    record.handle = Some(asked.handle(answer.url.as_str()));
    let base = Base::of(page.join(".").unwrap_or_else(|| answer.url.clone()));
    record.title = title(recipe, &page, &about)?;
    let body = body(recipe, &page, &base, found)?;
    if record.title.is_none() && body.text.is_empty() {
        return Err(answer.unreadable(
            "page",
            "neither title nor text was found: scripts may fill it; name them by `article.title` and `article.text`",
        ));
    }
    let picks = &recipe.article;
    let mut optional = Optional { page: &page, missed: Vec::new() };
    let mut date = |pick| optional.first(pick).and_then(|raw| moment::claimed(&raw, &recipe.clock));
    record.published_at = date(picks.published.as_ref())
        .or_else(|| zoned(about.published.as_ref(), recipe))
        .or_else(|| asked.listed.as_ref().and_then(|raw| moment::claimed(raw, &recipe.clock)));
    record.edited_at = date(picks.edited.as_ref()).or_else(|| zoned(about.modified.as_ref(), recipe));
    let names = optional.all(picks.author.as_ref());
    let tags = optional.all(picks.tags.as_ref());
    record.tags = if tags.is_empty() { about.tags } else { tags };
    record.place = optional.first(picks.place.as_ref());
    let mut extra = Extra(&mut record);
    let authors: Vec<Author> = if names.is_empty() {
        about.authors
    } else {
        names.into_iter().map(|name| Author { name: Some(name), ..Author::default() }).collect()
    };
    if authors.len() > 1 {
        let all: Vec<&str> = authors.iter().filter_map(|author| author.name.as_deref()).collect();
        extra.put("authors", json!(all));
    }
    extra.text("site", about.site.as_ref().map(|said| said.value.as_str()));
    extra.text("description", about.description.as_ref().map(|said| said.value.as_str()));
    extra.text("canonical_elsewhere", elsewhere.as_ref().map(Url::as_str));
    if !about.alternates.is_empty() {
        let all = about.alternates.iter().map(|one| (one.language.clone(), Value::from(one.url.as_str())));
        extra.put("alternates", Value::Object(all.collect()));
    }
    extra.signals(&signals);
    for (name, so) in [("paywalled", about.paywalled), ("sponsored", about.sponsored)] {
        if so {
            extra.put(name, json!(true));
        }
    }
    extra.text("section", about.section.as_deref());
    extra.text("license", about.license.as_ref().map(Url::as_str));
    match body.strength {
        None | Some(Strength::Ok) => {}
        Some(Strength::Weak) => extra.put("extraction", json!("weak")),
        Some(Strength::JsOnly) => extra.put("extraction", json!("js_only")),
    }
    for (name, pick) in &picks.extra {
        match optional.all_absolute(pick).as_slice() {
            [] => {}
            [one] => extra.text(name, Some(one)),
            all => extra.put(name, json!(all)),
        }
    }
    if !optional.missed.is_empty() {
        extra.put("volatile_unmatched", json!(optional.missed));
    }
    if let Some(why) = signals.text_waits().filter(|_| obeys) {
        // A page that was cut is not asked for on condition that it changed.
        out.cut(why);
    }
    if let Some(why) = signals.no_text().filter(|_| obeys) {
        extra.put("withheld", json!(format!("text: {why}")));
    } else {
        record.text = Some(body.text).filter(|text| !text.is_empty());
        record.links = body.links;
    }
    if !(obeys && signals.no_media()) {
        let lead = about.image.map(|said| Media { url: said.value.into(), media_type: None, alt: None });
        record.media = lead.into_iter().collect();
        for media in body.media {
            if !record.media.iter().any(|known| known.url == media.url) {
                record.media.push(media);
            }
        }
    }
    record.author = authors.into_iter().next();
    record.language = about.language.map(|said| said.value).or_else(|| recipe.language.clone());
    let mut twins: Vec<String> = versions.iter().map(|(_, url)| id_of(url)).collect();
    if let (true, Some(twin)) = (twins.is_empty(), asked.twin_of.as_ref().and_then(|twin| Url::parse(twin).ok())) {
        twins.push(id_of(&twin));
    }
    record.relations = twins.into_iter().map(|to| Relation { kind: RelationKind::TranslationOf, to }).collect();
    record.url = Some(own.into());
    out.record(Place::Whole, record);
    Ok(())
}

/// Puts what page and site say to robots into a record that stands on the page itself, and takes its text away where they do not let it be kept.
pub fn heed(record: &mut Record, signals: &Signals, obeys: bool) {
    let mut extra = Extra(record);
    extra.signals(signals);
    if let Some(why) = signals.no_text().filter(|_| obeys) {
        extra.put("withheld", json!(format!("text: {why}")));
        record.text = None;
    }
}

/// The further fields of a record.
struct Extra<'a>(&'a mut Record);

impl Extra<'_> {
    fn put(&mut self, name: &str, value: Value) {
        self.0.extra.insert(name.to_owned(), value);
    }

    /// What page and site say to robots.
    fn signals(&mut self, signals: &Signals) {
        if !signals.robots.is_empty() {
            self.put("robots", json!(signals.robots));
        }
        if let Some(tdm) = &signals.tdm {
            self.text("tdm_reservation", Some(tdm.word()));
            self.text("tdm_said_by", Some(tdm.channel()));
        }
        if signals.file_unreadable {
            self.put("volatile_tdmrep", json!("unreadable"));
        }
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.put(name, Value::from(text.chars().take(MAX_EXTRA_CHARS).collect::<String>()));
        }
    }
}
