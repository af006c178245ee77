//! Which bytes stand for a record, and which of them are its content?

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Ad, Author, AuthorKind, ClaimedTime, Kind, Media, Record, Registration, Relation};
use crate::{
    canonical::{self, CanonicalError},
    digest::Digest,
    pseudonym::Keyed,
};

/// Keys of `extra` that begin so stay outside the content hash.
const VOLATILE: &str = "volatile_";

/// How deep a record stands in its line.
const LINE_DEPTH: usize = 2;

/// A record as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its RFC 8785 bytes.
    pub bytes: Vec<u8>,
    /// Its [`Record::content_hash`].
    pub content: Digest,
}

impl Record {
    /// SHA-256 over the RFC 8785 bytes of what the author published.
    ///
    /// Left out: `handle`, `metrics`, the author's display data (`handle`, `name`), and `extra` keys that start with `volatile_`:
    /// they change without anybody having edited anything.
    ///
    /// # Errors
    ///
    /// [`CanonicalError`] where the record holds what canonical JSON refuses (a float or an integer beyond 2^53 in `extra`).
    pub fn content_hash(&self) -> Result<Digest, CanonicalError> {
        let content = InOrder::of(self, false);
        if content.is_plain() {
            let mut bytes = Vec::with_capacity(self.text.as_ref().map_or(0, String::len) + 1024);
            if serde_json::to_writer(&mut bytes, &content).is_ok() && bytes.len() <= canonical::MAX_BYTES {
                return Ok(Digest::of(&bytes));
            }
        }
        Ok(Digest::of(&canonical::canonical_of(&content)?))
    }

    /// Bytes and content hash of a record that fits a line, written once for both. None where that cannot be told at a glance: it holds a name that is not
    /// plain ASCII, or what canonical JSON refuses.
    #[must_use]
    pub fn written(&self) -> Option<Written> {
        let mut bytes = Vec::with_capacity(self.text.as_ref().map_or(0, String::len) + 1024);
        serde_json::to_writer(&mut bytes, &InOrder::of(self, true)).ok()?;
        Some(Written { content: content_of(&bytes)?, bytes })
    }
}

/// [`Record::content_hash`] of a record in canonical bytes; none where they are not, hold a name that is not plain ASCII, or nest too deep for a line.
#[must_use]
pub fn content_of(record: &[u8]) -> Option<Digest> {
    let mut content = Vec::with_capacity(record.len());
    content.push(b'{');
    let mut known = true;
    let whole = canonical::members(record, LINE_DEPTH, |name, member, value| match name {
        b"handle" | b"metrics" => {}
        b"author" => {
            put(&mut content, b"\"author\":");
            known &= without(value, |name| matches!(name, b"handle" | b"name"), &mut content);
        }
        b"extra" => {
            let before = content.len();
            put(&mut content, b"\"extra\":");
            known &= without(value, |name| name.starts_with(VOLATILE.as_bytes()), &mut content);
            if content.ends_with(b"{}") {
                content.truncate(before);
            }
        }
        _ => put(&mut content, member),
    });
    content.push(b'}');
    (whole && known && content.len() <= canonical::MAX_BYTES).then(|| Digest::of(&content))
}

/// Adds an object but for the members that are left out.
fn without(object: &[u8], left_out: impl Fn(&[u8]) -> bool, out: &mut Vec<u8>) -> bool {
    out.push(b'{');
    let whole = canonical::members(object, LINE_DEPTH + 1, |name, member, _| {
        if !left_out(name) {
            put(out, member);
        }
    });
    out.push(b'}');
    whole
}

/// Adds a member, and the comma before it where it is not the first.
fn put(out: &mut Vec<u8>, member: &[u8]) {
    if !out.ends_with(b"{") {
        out.push(b',');
    }
    out.extend_from_slice(member);
}

/// A [`Record`], or what of it its content hash covers, in the order of canonical JSON.
#[derive(Serialize)]
struct InOrder<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ad: Option<&'a Ad>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<AuthorInOrder<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<&'a ClaimedTime>,
    #[serde(skip_serializing_if = "Extra::is_empty")]
    extra: Extra<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyed: Option<&'a Keyed>,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    links: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    media: &'a [Media],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    mentions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<&'a BTreeMap<String, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    platform: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<&'a ClaimedTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration: Option<&'a Registration>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    relations: &'a [Relation],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

impl<'a> InOrder<'a> {
    /// `all` of it, or its content only.
    fn of(record: &'a Record, all: bool) -> Self {
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
        Self {
            ad: ad.as_ref(),
            author: author.as_ref().map(|author| AuthorInOrder::of(author, all)),
            edited_at: edited_at.as_ref(),
            extra: Extra { extra, all },
            handle: handle.as_deref().filter(|_| all),
            id,
            keyed: keyed.as_ref(),
            kind: *kind,
            language: language.as_deref(),
            links,
            media,
            mentions,
            metrics: Some(metrics).filter(|metrics| all && !metrics.is_empty()),
            place: place.as_deref(),
            platform,
            published_at: published_at.as_ref(),
            registration: registration.as_ref(),
            relations,
            tags,
            text: text.as_deref(),
            title: title.as_deref(),
            url: url.as_deref(),
        }
    }
}

impl InOrder<'_> {
    /// Whether serde_json writes it in canonical form: without numbers, names that are not our own, and members that are not declared in order.
    fn is_plain(&self) -> bool {
        self.ad.is_none()
            && self.registration.is_none()
            && self.keyed.is_none()
            && self.metrics.is_none()
            && self.extra.is_empty()
    }
}

/// An author, with or without display data.
#[derive(Serialize)]
struct AuthorInOrder<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<AuthorKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> AuthorInOrder<'a> {
    fn of(author: &'a Author, all: bool) -> Self {
        let Author { id, handle, name, kind } = author;
        Self {
            handle: handle.as_deref().filter(|_| all),
            id: id.as_deref(),
            kind: *kind,
            name: name.as_deref().filter(|_| all),
        }
    }
}

/// What has no field of its own, all of it or what is content.
struct Extra<'a> {
    extra: &'a BTreeMap<String, Value>,
    all: bool,
}

impl<'a> Extra<'a> {
    fn kept(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        let all = self.all;
        self.extra.iter().filter(move |(key, _)| all || !key.starts_with(VOLATILE))
    }

    fn is_empty(&self) -> bool {
        self.kept().next().is_none()
    }
}

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.kept())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All of a record, as few of its fields absent as there can be.
    const FULL: &str = r#"{"kind":"ad","platform":"web","id":"7","handle":"h","url":"https://example.org/7",
        "author":{"id":"a","handle":"@a","name":"A","kind":"bot"},"published_at":{"raw":"today","at":"2026-10-03T09:00:00Z","local":"2026-10-03"},
        "edited_at":{"raw":"later"},"title":"t","text":"x \"\u00e9\" \n","language":"en","links":["l"],
        "media":[{"url":"m","media_type":"image/png","alt":"red"}],"mentions":["@b"],"tags":["t"],"relations":[{"kind":"reply_to","to":"6"}],
        "metrics":{"likes":3},"ad":{"payer":"p","spend":{"from":1,"to":2},"currency":"EUR","impressions":{"from":5},"targeting":["z"],"starts_on":"s","ends_on":"e"},
        "registration":{"registrant":"r","principal":"p","country":"c","registered_on":"o","terminated_on":"t"},"place":"Q",
        "extra":{"volatile_rank":1,"é":2,"b":{"y":1,"x":[null]}},"keyed":KEYED}"#;

    fn full() -> Record {
        let keyed = serde_json::json!({ "scope": "s", "key": Digest::of(b"k") }).to_string();
        serde_json::from_str(&FULL.replace("KEYED", &keyed)).unwrap()
    }

    #[test]
    fn the_content_hash_covers_all_but_what_changes_by_itself() {
        let full = full();
        let mut published = full.clone();
        published.handle = None;
        published.metrics.clear();
        published.extra.retain(|key, _| !key.starts_with("volatile_"));
        let author = published.author.as_mut().unwrap();
        (author.handle, author.name) = (None, None);
        assert_eq!(full.content_hash().unwrap(), Digest::of(&canonical::canonical_of(&published).unwrap()));
        assert_eq!(
            serde_json::to_value(&full).unwrap().as_object().unwrap().len(),
            22,
            "a new field is a new case here"
        );
        let bare = Record::new(Kind::Post, "web", "1");
        assert_eq!(bare.content_hash().unwrap(), Digest::of(&canonical::canonical_of(&bare).unwrap()));
    }

    /// Both ways, and the record's own members in whatever order it declares them.
    #[track_caller]
    fn check(record: &Record) -> Option<Written> {
        let (bytes, content) = (canonical::canonical_of(record), record.content_hash());
        let slowly = canonical::canonical_of(&InOrder::of(record, false)).ok();
        assert_eq!(content.as_ref().ok(), slowly.map(|bytes| Digest::of(&bytes)).as_ref());
        let written = record.written();
        if let Some(Written { bytes: short, content: hash }) = &written {
            assert_eq!((short, hash), (&bytes.unwrap(), &content.unwrap()));
        }
        written
    }

    #[test]
    fn written_once_is_what_is_written_twice() {
        let full = full();
        // `ad`, `registration` and `keyed` are not declared in order, `é` is not plain ASCII.
        assert_eq!(check(&full), None);
        for alone in ["ad", "registration", "keyed", "extra"] {
            let mut record = Record::new(Kind::Post, "web", "1");
            match alone {
                "ad" => record.ad = full.ad.clone(),
                "registration" => record.registration = full.registration.clone(),
                "keyed" => record.keyed = full.keyed.clone(),
                _ => record.extra = full.extra.clone(),
            }
            assert_eq!(check(&record), None, "{alone}");
        }
        let mut usual = full.clone();
        (usual.ad, usual.registration, usual.keyed) = (None, None, None);
        usual.extra.remove("é");
        check(&usual).unwrap();
        usual.extra.retain(|key, _| key.starts_with(VOLATILE));
        check(&usual).unwrap();
        usual.author = Some(Author { name: Some("A".to_owned()), ..Author::default() });
        check(&usual).unwrap();
        check(&Record::new(Kind::Post, "web", "1")).unwrap();
    }

    #[test]
    fn what_a_line_cannot_hold_is_not_written_at_a_glance() {
        let with = |key: &str, value: Value| {
            let mut record = Record::new(Kind::Post, "web", "1");
            record.extra.insert(key.to_owned(), value);
            record.written()
        };
        assert!(with("a", Value::from(1)).is_some());
        for (key, value) in [("a", Value::from(0.5)), ("volatile_a", Value::from(1_u64 << 53)), ("a\n", Value::Null)] {
            assert_eq!(with(key, value), None);
        }
        let deep = |levels: usize| (1..levels).fold(Value::Array(vec![]), |inner, _| Value::Array(vec![inner]));
        // The line's two objects, the record and `extra` stand around it.
        assert!(with("a", deep(canonical::MAX_DEPTH - 4)).is_some());
        assert_eq!(with("a", deep(canonical::MAX_DEPTH - 3)), None);
        assert_eq!(content_of(b"{}{}"), None);
        assert_eq!(content_of(br#"{"id":"1","id":"2"}"#), None);
    }

    proptest! {
        #[test]
        fn any_text_is_written_once_as_twice(
            text in ".*",
            extra in prop::collection::btree_map("(volatile_)?[a-c]{0,2}|.{0,2}", "\\PC{0,4}", 0..4),
            name in proptest::option::of(".{0,3}"),
        ) {
            let mut record = Record::new(Kind::Article, "web", "1");
            record.text = Some(text);
            record.author = name.map(|name| Author { id: Some("7".to_owned()), name: Some(name), ..Author::default() });
            record.extra = extra.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
            let plain = record.extra.keys().all(|key| key.bytes().all(|byte| matches!(byte, b' '..=0x7f) && !matches!(byte, b'"' | b'\\')));
            prop_assert_eq!(check(&record).is_some(), plain);
        }
    }
}
