//! What of a record may be kept? What the entry's field list names, and what identifies the record.

use crate::{
    permission::{Authors, Entry},
    pseudonym::{PseudonymKey, pseudonymise},
    record::Record,
};

/// Fields that are kept whatever the list says: without them there is no record.
pub const IDENTITY_FIELDS: [&str; 4] = ["kind", "platform", "id", "keyed"];

/// Fields that can name a person, or lead to one. Whoever adds a field to [`Record`] decides on which list it belongs.
pub const PERSON_FIELDS: [&str; 15] = [
    "id",
    "handle",
    "url",
    "author",
    "title",
    "text",
    "links",
    "media",
    "mentions",
    "tags",
    "relations",
    "ad",
    "registration",
    "place",
    "extra",
];

/// Fields that tell of no person.
pub const OTHER_FIELDS: [&str; 7] = ["kind", "platform", "published_at", "edited_at", "language", "metrics", "keyed"];

/// Every field of a record, in the order of [`Record`]: the names that an entry's `fields` may hold.
pub const RECORD_FIELDS: [&str; 22] = [
    "kind",
    "platform",
    "id",
    "handle",
    "url",
    "author",
    "published_at",
    "edited_at",
    "title",
    "text",
    "language",
    "links",
    "media",
    "mentions",
    "tags",
    "relations",
    "metrics",
    "ad",
    "registration",
    "place",
    "extra",
    "keyed",
];

/// A record without what may not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimised {
    /// What is left.
    pub record: Record,
    /// Names of the fields that held something and were dropped, ascending.
    pub dropped: Vec<String>,
}

/// Replaces people where the entry says so, then drops every field that its list does not name. An entry without a list keeps all.
///
/// Without `key`, an entry that keeps no authors by name leaves the record whole: that is the reading before the keyed step, which stands nowhere but in
/// sealed evidence. The list waits for the keyed step as well, since a field that goes may be what tells whom another field names.
///
/// Pure and idempotent. An empty field is not dropped, since there is nothing to tell of it.
#[must_use]
pub fn minimise(record: Record, entry: &Entry, key: Option<&PseudonymKey>) -> Minimised {
    match (entry.authors, key) {
        (Authors::Named, _) => drop_fields(record, entry),
        (_, None) => Minimised { record, dropped: Vec::new() },
        (authors, Some(key)) => {
            let (keyed, lost) = pseudonymise(&record, authors, key);
            let mut kept = drop_fields(keyed, entry);
            kept.dropped.extend(lost);
            kept.dropped.sort_unstable();
            kept.dropped.dedup();
            kept
        }
    }
}

fn drop_fields(record: Record, entry: &Entry) -> Minimised {
    let mut sieve = Sieve { named: entry.fields.as_deref(), dropped: Vec::new() };
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
        keyed,
    } = record;
    let record = Record {
        kind,
        platform,
        id,
        handle: sieve.pass("handle", handle),
        url: sieve.pass("url", url),
        author: sieve.pass("author", author),
        published_at: sieve.pass("published_at", published_at),
        edited_at: sieve.pass("edited_at", edited_at),
        title: sieve.pass("title", title),
        text: sieve.pass("text", text),
        language: sieve.pass("language", language),
        links: sieve.pass("links", links),
        media: sieve.pass("media", media),
        mentions: sieve.pass("mentions", mentions),
        tags: sieve.pass("tags", tags),
        relations: sieve.pass("relations", relations),
        metrics: sieve.pass("metrics", metrics),
        ad: sieve.pass("ad", ad),
        registration: sieve.pass("registration", registration),
        place: sieve.pass("place", place),
        extra: sieve.pass("extra", extra),
        keyed,
    };
    let mut dropped = sieve.dropped;
    dropped.sort_unstable();
    Minimised { record, dropped }
}

struct Sieve<'a> {
    named: Option<&'a [String]>,
    dropped: Vec<String>,
}

impl Sieve<'_> {
    fn pass<T: Default + PartialEq>(&mut self, name: &str, value: T) -> T {
        let kept = self.named.is_none_or(|named| named.iter().any(|one| one == name));
        if kept {
            return value;
        }
        let nothing = T::default();
        if value != nothing {
            self.dropped.push(name.to_owned());
        }
        nothing
    }
}
