//! Which items does a sitemap name?
//!
//! `urlset` and `sitemapindex` by local name, whatever the namespace; dates of the news extension before `lastmod`. An index's sitemaps are asked for
//! again where their `lastmod` changed or is absent; an item's page where its `lastmod` changed, unless the sitemap gives every entry the same.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use kit::{
    Answer, Element, Halt, Place, Reading,
    address::{canonical, is_web},
    dates,
};
use url::Url;

use crate::{
    ask::{Asked, Step},
    recipe::{Recipe, Sitemap, Start},
    web::Web,
};

/// Indexes above one another that are followed.
const MAX_DEPTH: u8 = 2;

/// Most sitemaps of one index that are asked for.
const MAX_CHILDREN: usize = 1_000;

/// One entry.
pub struct Entry {
    /// Its address, in one spelling.
    pub url: Url,
    /// When it says it changed, as written.
    pub changed: Option<String>,
    /// When the news extension says it was published, as written.
    pub published: Option<String>,
}

impl Entry {
    /// Reads a `url` or `sitemap` element.
    ///
    /// # Errors
    ///
    /// Why it names no page of the web, for people.
    pub fn of(element: &Element, base: &Url) -> Result<Self, String> {
        let loc = element.text_of("loc").map_err(|error| error.to_string())?.trim();
        let shown: String = loc.chars().take(200).collect();
        let url = base.join(loc).ok().filter(|url| !loc.is_empty() && is_web(url));
        let url = url.ok_or_else(|| format!("`{shown}` is no address of the web"))?;
        let text = |element: &Element, name: &str| {
            let text = element.child(name)?.text.trim();
            (!text.is_empty()).then(|| text.chars().take(100).collect::<String>())
        };
        let published = element.child("news").and_then(|news| text(news, "publication_date"));
        Ok(Self { url: canonical(url), changed: text(element, "lastmod"), published })
    }

    /// Whether the recipe wants it at an instant.
    pub fn is_wanted(&self, sitemap: &Sitemap, at: Timestamp) -> bool {
        let path = self.url.path();
        let inside = sitemap.only.is_empty() || sitemap.only.iter().any(|prefix| path.starts_with(prefix.as_str()));
        let said = self.changed.as_ref().or(self.published.as_ref()).and_then(|raw| dates::claimed(raw));
        let young = sitemap.days.is_none_or(|days| {
            // What names no day may be new.
            said.and_then(|claim| day(&claim))
                .is_none_or(|said| at.duration_since(said) <= SignedDuration::from_hours(24 * days))
        });
        inside && young
    }
}

fn day(claim: &schemas::record::ClaimedTime) -> Option<Timestamp> {
    claim.at.or_else(|| {
        let date: jiff::civil::Date = claim.local.as_ref()?.get(..10)?.parse().ok()?;
        Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

pub fn read(
    recipe: &Recipe,
    depth: u8,
    answer: &Answer<'_, Step>,
    out: &mut Reading<'_, Web>,
) -> Result<(), Halt<Step>> {
    let Start::Sitemap(sitemap) = &recipe.start else {
        return Err(answer.unreadable("recipe", "it has no `[sitemap]`; it was changed since this file was asked for"));
    };
    if let Some(entries) = items(answer, out)? {
        // Many systems stamp every entry with the moment the file was made; then it says nothing about the page.
        let stamps: BTreeSet<_> = entries.iter().map(|entry| &entry.changed).collect();
        let telling = stamps.len() > 1;
        let all = entries.len();
        let wanted: Vec<_> = entries.into_iter().filter(|entry| entry.is_wanted(sitemap, answer.captured_at)).collect();
        if wanted.is_empty() && all > 0 {
            out.empty(format_args!("none of the sitemap's {all} entries is one that `[sitemap]` wants"));
        }
        for entry in wanted {
            let changed = entry.changed.as_ref().filter(|_| telling);
            let key = changed.map_or_else(|| entry.url.to_string(), |changed| format!("{} {changed}", entry.url));
            out.also(recipe.item(&entry.url, Asked { listed: entry.published, ..Asked::default() }).unless_known(key));
        }
        return Ok(());
    }
    children(recipe, depth, answer, out)
}

/// The `url` elements; nothing where there is none, good or bad. A file that breaks off keeps those before, and says so.
fn items(answer: &Answer<'_, Step>, out: &mut Reading<'_, Web>) -> Result<Option<Vec<Entry>>, Halt<Step>> {
    let mut entries = Vec::new();
    let mut any = false;
    for element in answer.elements("url")? {
        any |= element.is_ok();
        match element {
            Ok((index, element)) => match Entry::of(&element, answer.url) {
                Ok(entry) => entries.push(entry),
                Err(why) => out.unreadable(Place::Element("url", index), why),
            },
            Err(broken) if !any => return Err(broken.into()),
            Err(broken) => out.cut(format_args!("the sitemap breaks off: {broken}")),
        }
    }
    Ok(any.then_some(entries))
}

/// An index's sitemaps.
fn children(
    recipe: &Recipe,
    depth: u8,
    answer: &Answer<'_, Step>,
    out: &mut Reading<'_, Web>,
) -> Result<(), Halt<Step>> {
    let mut count = 0_usize;
    for element in answer.elements("sitemap")? {
        let (index, element) = match element {
            Ok(element) => element,
            Err(broken) if count == 0 => return Err(broken.into()),
            Err(broken) => {
                out.cut(format_args!("the index breaks off: {broken}"));
                break;
            }
        };
        count += 1;
        if depth >= MAX_DEPTH || count > MAX_CHILDREN {
            out.cut(format_args!("at most {MAX_CHILDREN} sitemaps below at most {MAX_DEPTH} indexes are read"));
            break;
        }
        match Entry::of(&element, answer.url) {
            Ok(entry) => {
                let request = recipe.sitemap(&entry.url, depth + 1);
                out.also(match &entry.changed {
                    Some(changed) => request.unless_known(format!("{} {changed}", entry.url)),
                    None => request.if_changed(),
                });
            }
            Err(why) => out.unreadable(Place::Element("sitemap", index), why),
        }
    }
    if count == 0 {
        // A root that is there and holds nothing is a statement; anything else is no sitemap.
        if answer.elements("urlset")?.next().is_some_and(|root| root.is_ok()) {
            out.empty("the sitemap lists nothing");
        } else {
            return Err(answer.unreadable("sitemap", "the document holds neither `url` nor `sitemap` elements"));
        }
    }
    Ok(())
}
