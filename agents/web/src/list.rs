//! Which items does a listing name?

use kit::{
    Answer, Halt, Place, Reading,
    address::{canonical, is_web},
};
use schemas::record::Record;
use scraper::ElementRef;
use url::Url;

use crate::{
    article::Page,
    ask::{Asked, Step},
    moment, page,
    recipe::{List, Recipe, Start},
    signals::Signals,
    text,
    web::{PLATFORM, Web},
    whole::whole,
};

/// The element of an item that links to its page.
pub fn link<'a>(list: &List, item: ElementRef<'a>) -> Option<ElementRef<'a>> {
    match &list.link {
        Some(pick) => pick.elements(item).into_iter().next(),
        None if item.value().attr("href").is_some() => Some(item),
        None => item
            .descendent_elements()
            .find(|element| element.value().name() == "a" && element.value().attr("href").is_some()),
    }
}

/// The address that an item leads to.
///
/// # Errors
///
/// Why there is none, for people.
pub fn address(list: &List, item: ElementRef<'_>, page: &Page<'_>) -> Result<Url, String> {
    let written = list.link.as_ref().map(|pick| (pick, pick.written.as_str()));
    let Some(element) = link(list, item) else {
        return Err(written.map_or_else(
            || "no link is in it".to_owned(),
            |(pick, css)| format!("`list.link` (line {}): `{css}` matches nothing in it", pick.line),
        ));
    };
    let href = match &list.link {
        Some(pick) => pick.address(element),
        None => element.value().attr("href").map(ToOwned::to_owned),
    };
    let Some(href) = href else {
        return Err("its link has no address".to_owned());
    };
    let shown: String = href.chars().take(200).collect();
    page.join(&href).filter(is_web).ok_or_else(|| format!("its link `{shown}` is no address of the web"))
}

pub fn read(recipe: &Recipe, answer: &Answer<'_, Step>, out: &mut Reading<'_, Web>) -> Result<(), Halt<Step>> {
    let Start::List(list) = &recipe.start else {
        return Err(answer.unreadable("recipe", "it has no `[list]`; it was changed since this page was asked for"));
    };
    let text = whole(recipe, answer)?;
    let seen = Page::read(&text, answer.url);
    let items = list.item.elements(seen.html());
    if items.is_empty() {
        let none = list.none.as_ref().filter(|none| !none.elements(seen.html()).is_empty());
        let Some(none) = none else {
            return Err(list.item.nothing().into());
        };
        out.empty(format_args!("`{}` says that nothing is listed", none.written));
        return Ok(());
    }
    let signals = Signals::of(answer.reservation(), answer.headers(), seen.html());
    let kept_out = signals.no_follow().filter(|_| !answer.target.own_terms);
    let mut unfollowed = 0_usize;
    for (index, item) in items.into_iter().enumerate() {
        let place = Place::Css(&list.item.written, index);
        let url = match address(list, item, &seen) {
            Ok(url) => url,
            Err(why) => {
                out.unreadable(place, why);
                continue;
            }
        };
        if !list.follow {
            let mut read = record(recipe, list, item, at_home(url, answer), &seen);
            read.iter_mut().for_each(|record| page::heed(record, &signals, !answer.target.own_terms));
            out.item(place, read);
        } else if kept_out.is_some() {
            unfollowed += 1;
        } else {
            let listed = list.date.as_ref().and_then(|date| date.first(item));
            let url = canonical(url);
            out.also(recipe.item(&url, Asked { listed, ..Asked::default() }).unless_known(url.as_str()));
        }
    }
    if let Some(why) = signals.text_waits().filter(|_| !list.follow && !answer.target.own_terms) {
        out.cut(why);
    }
    let next = list.next.as_ref().and_then(|next| {
        let href = next.elements(seen.html()).into_iter().find_map(|element| next.address(element))?;
        seen.join(&href)
    });
    match (next, &kept_out) {
        (Some(next), None) => out.next(recipe.listing(canonical(next)).while_new()),
        (Some(_), Some(_)) => unfollowed += 1,
        (None, _) => {}
    }
    if let Some(why) = kept_out.filter(|_| unfollowed > 0) {
        out.cut(format_args!("{why}, so {unfollowed} links were not followed"));
    }
    Ok(())
}

/// The address of an item without a page: one within the listing is within its first page, whichever page lists it today.
fn at_home(url: Url, answer: &Answer<'_, Step>) -> Url {
    let (mut page, mut here) = (url.clone(), answer.url.clone());
    page.set_fragment(None);
    here.set_fragment(None);
    match (Url::parse(&answer.target.url), url.fragment()) {
        (Ok(mut home), Some(_)) if page == here => {
            home.set_fragment(url.fragment());
            home
        }
        _ => url,
    }
}

/// An item without a page of its own.
fn record(recipe: &Recipe, list: &List, item: ElementRef<'_>, url: Url, page: &Page<'_>) -> Result<Record, String> {
    let title = list.title.as_ref().and_then(|title| title.first(item)).ok_or("it has no title")?;
    let host = page.url().host_str().unwrap_or_default();
    let mut record = Record::new(recipe.kind, PLATFORM, format!("{host}|{url}"));
    record.title = Some(title);
    record.published_at =
        list.date.as_ref().and_then(|date| date.first(item)).and_then(|date| moment::claimed(&date, &recipe.clock));
    if let Some(pick) = &list.text {
        let parts: Vec<String> = pick.elements(item).into_iter().map(|part| text::block(part, &|_| false)).collect();
        record.text = Some(parts.join("\n")).filter(|text| !text.is_empty());
    }
    record.language.clone_from(&recipe.language);
    record.url = Some(url.into());
    Ok(record)
}
