//! Field by field: what becomes of a record under `authors = "pseudonym"` and `"omit"`?

use super::{PseudonymKey, text::Scrubber};
use crate::{
    permission::Authors,
    record::{Ad, Author, ClaimedTime, Media, Record, Relation},
};

/// The record without people, and the names of fields that could not be kept at all, ascending. One that was keyed before stays as it is.
pub(crate) fn pseudonymise(record: &Record, authors: Authors, key: &PseudonymKey) -> (Record, Vec<String>) {
    if authors == Authors::Named || record.keyed.is_some() {
        return (record.clone(), Vec::new());
    }
    let omit = authors == Authors::Omit;
    let people = people(record, key, omit);
    let mut dropped = Vec::new();
    // Taken apart in full, so that a new field cannot slip through.
    let Record {
        kind,
        platform,
        id,
        handle,
        url,
        author,
        published_at,
        edited_at,
        title,
        text,
        language,
        links,
        media,
        mentions,
        tags,
        relations,
        metrics,
        ad,
        registration,
        place,
        extra,
        keyed: _,
    } = record;
    let scrubbed = |text: &Option<String>| text.as_deref().map(|text| people.text(text));
    let claimed = |at: &Option<ClaimedTime>| {
        at.as_ref().map(|at| ClaimedTime { raw: people.text(&at.raw), at: at.at, local: at.local.clone() })
    };
    if registration.is_some() {
        dropped.push("registration".to_owned());
    }
    if !extra.is_empty() {
        dropped.push("extra".to_owned());
    }
    if omit && author.is_some() {
        dropped.push("author".to_owned());
    }
    if omit && !mentions.is_empty() {
        dropped.push("mentions".to_owned());
    }
    dropped.sort_unstable();
    let kept = Record {
        kind: *kind,
        platform: platform.clone(),
        id: self::id(key, id),
        handle: handle.as_deref().map(|handle| self::id(key, handle)),
        url: url.as_deref().map(|url| people.id(url)),
        author: author.as_ref().filter(|_| !omit).map(|author| known_by(author, key)),
        published_at: claimed(published_at),
        edited_at: claimed(edited_at),
        title: scrubbed(title),
        text: scrubbed(text),
        language: language.clone().filter(|tag| is_language(tag)),
        links: once(links.iter().map(|link| people.id(link))),
        media: media
            .iter()
            .map(|one| Media {
                url: people.id(&one.url),
                media_type: one.media_type.clone().filter(|media| is_plain(media, 60, "/+.-")),
                alt: scrubbed(&one.alt),
            })
            .collect(),
        mentions: if omit { Vec::new() } else { once(mentions.iter().map(|one| mention(one, key))) },
        tags: once(tags.iter().map(|tag| people.text(tag))),
        relations: relations.iter().map(|one| Relation { kind: one.kind, to: self::id(key, &one.to) }).collect(),
        metrics: metrics.clone(),
        ad: ad.as_ref().map(|ad| Ad {
            payer: None,
            spend: ad.spend.clone(),
            currency: ad.currency.clone().filter(|code| is_plain(code, 3, "")),
            impressions: ad.impressions.clone(),
            targeting: Vec::new(),
            starts_on: scrubbed(&ad.starts_on),
            ends_on: scrubbed(&ad.ends_on),
        }),
        registration: None,
        place: scrubbed(place),
        extra: std::collections::BTreeMap::new(),
        keyed: Some(key.keyed().clone()),
    };
    (kept, dropped)
}

/// The pseudonym of an id that stands alone, equal to that of a record's own id.
pub(crate) fn id(key: &PseudonymKey, text: &str) -> String {
    let mut people = Scrubber::new(key, false);
    people.learn_address(text);
    people.id(text)
}

/// Everybody the record speaks of, as far as its fields tell.
fn people<'k>(record: &Record, key: &'k PseudonymKey, omit: bool) -> Scrubber<'k> {
    let mut people = Scrubber::new(key, omit);
    if let Some(author) = &record.author {
        author.handle.iter().for_each(|handle| people.learn_handle(handle));
        author.id.iter().for_each(|id| people.learn_address(id));
        author.name.iter().for_each(|name| people.learn_name(name));
    }
    for mention in &record.mentions {
        if is_address(mention) {
            people.learn_address(mention);
        } else {
            people.learn_handle(mention);
        }
    }
    let addresses = [Some(&record.id), record.url.as_ref()].into_iter().flatten();
    for address in addresses.chain(record.relations.iter().map(|one| &one.to)).chain(&record.links) {
        people.learn_address(address);
    }
    people
}

/// Id and handle become pseudonyms, the name goes; where the name is all there is, its pseudonym stands for the id.
fn known_by(author: &Author, key: &PseudonymKey) -> Author {
    let by_name = || author.name.as_deref().map(|name| key.token("name", &name.trim().to_lowercase()));
    let handle = author.handle.as_deref().map(|handle| format!("@{}", key.handle(handle)));
    let id = author.id.as_deref().map(|one| id(key, one));
    Author { id: id.or_else(|| if handle.is_none() { by_name() } else { None }), handle, name: None, kind: author.kind }
}

fn mention(text: &str, key: &PseudonymKey) -> String {
    if is_address(text) { id(key, text) } else { format!("@{}", key.handle(text)) }
}

fn is_address(text: &str) -> bool {
    text.contains("://")
}

/// A BCP 47 tag by its form: parts of at most 8 letters and digits, which leaves little room for a name.
pub(super) fn is_language(tag: &str) -> bool {
    is_plain(tag, 35, "-") && tag.split('-').all(|part| (1..=8).contains(&part.len()))
}

pub(super) fn is_plain(text: &str, most: usize, marks: &str) -> bool {
    text.len() <= most && text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

fn once(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}
