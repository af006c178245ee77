//! What did a source publish? The normalized record, and what of it counts as its content.

mod written;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pseudonym::Keyed;

pub use written::{Written, content_of};

/// One item as one capture showed it. Unknown stays absent; nothing is guessed.
///
/// Identity is `platform` + `id`. Detected properties (language, near-duplicates) are annotations of the index, never part of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What sort of thing this is.
    pub kind: Kind,
    /// The system whose ids these are, lower case: `web`, `mastodon`, `youtube`…
    pub platform: String,
    /// Canonical id by the collector's stated rule, unique within `platform`; always text, at most 2 KiB.
    pub id: String,
    /// How this source is asked for the item, where that differs from `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Where a person would read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who published it, as the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// When the source says it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<ClaimedTime>,
    /// When the source says it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<ClaimedTime>,
    /// Title or headline, plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Body, plain text; line breaks kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// BCP 47 tag as declared by the source, never detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Absolute addresses the item links to, in order of appearance, without repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// Pictures, sounds, films: linked, not copied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// Accounts the item names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// Tags and categories, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How it stands to other items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
    /// Counters at the time of capture (`likes`, `replies`…). Outside the content hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, u64>,
    /// Advertisement facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ad: Option<Ad>,
    /// Register facts (foreign agents, lobbyists).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// A place the source names, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What has no field of its own yet, by a name the collector documents. Keys starting with `volatile_` stay outside the content hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
    /// Which key made the pseudonyms in this record; absent where nothing was replaced. Never said by a collector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed: Option<Keyed>,
}

impl Record {
    /// A record with an identity and nothing else.
    #[must_use]
    pub fn new(kind: Kind, platform: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind,
            platform: platform.into(),
            id: id.into(),
            handle: None,
            url: None,
            author: None,
            published_at: None,
            edited_at: None,
            title: None,
            text: None,
            language: None,
            links: Vec::new(),
            media: Vec::new(),
            mentions: Vec::new(),
            tags: Vec::new(),
            relations: Vec::new(),
            metrics: BTreeMap::new(),
            ad: None,
            registration: None,
            place: None,
            extra: BTreeMap::new(),
            keyed: None,
        }
    }

    /// Puts something into `extra`; what is `null`, as an absent option is, stays absent.
    pub fn set_extra(&mut self, name: &str, value: impl Into<Value>) {
        match value.into() {
            Value::Null => {}
            value => drop(self.extra.insert(name.to_owned(), value)),
        }
    }

    /// Puts a counter into `metrics`; an absent one stays absent, and is not zero.
    pub fn set_metric(&mut self, name: &str, count: Option<u64>) {
        if let Some(count) = count {
            self.metrics.insert(name.to_owned(), count);
        }
    }
}

/// What sort of thing a record describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A post of a person or an organisation on a platform.
    Post,
    /// A reply or comment below something else.
    Comment,
    /// An article of a newsroom or an official body.
    Article,
    /// A page that is not an article.
    Page,
    /// A film.
    Video,
    /// A sound recording.
    Audio,
    /// An account or channel.
    Account,
    /// An advertisement.
    Ad,
    /// An entry of a public register.
    Registration,
    /// Something that happened, as an event database lists it.
    Event,
}

/// Who published an item, as the source says. Every field but `id` and `kind` is display data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// The platform's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `@name` or e-mail-like handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Name as shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Person, organisation or bot, only where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AuthorKind>,
}

/// Person, organisation or automated account, as declared by the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorKind {
    /// A natural person.
    Person,
    /// A body, newsroom or company.
    Organisation,
    /// An account declared as automated.
    Bot,
}

/// A time as a source claims it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimedTime {
    /// The instant in UTC, only where the text fixes one (a zone or an offset is named).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Date and time without zone (`2026-10-03T09:00:00`) or date alone (`2026-10-03`), where no instant follows from the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// The source's own text, at most 200 characters.
    pub raw: String,
}

/// A picture, sound or film that an item shows; the address is recorded, the bytes are not fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Description for those who cannot see it, as declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
    /// Media type as declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Absolute address.
    pub url: String,
}

/// How an item stands to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// What the relation is.
    pub kind: RelationKind,
    /// Id (same platform) or address of the other item.
    pub to: String,
}

/// What ties one item to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// An answer to it.
    ReplyTo,
    /// The same again, by somebody else.
    RepostOf,
    /// Shown inside it.
    QuoteOf,
    /// The same article in another language.
    TranslationOf,
}

/// What an advertisement library says: ranges, where it gives no more. What it counts exactly while an ad runs is in the metrics of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ad {
    /// Who paid, as declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// Lowest and highest spend, whole currency units; an open end is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<Range>,
    /// ISO 4217 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Lowest and highest number of impressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impressions: Option<Range>,
    /// Targeting as declared, one criterion a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targeting: Vec<String>,
    /// First day shown, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<String>,
    /// Last day shown, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<String>,
}

/// A range whose ends the source gave; both inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Lower end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// What a public register says of one registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Who registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrant: Option<String>,
    /// For whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The principal's country, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Registered on, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_on: Option<String>,
    /// Ended on, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminated_on: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, Record};

    #[test]
    fn what_is_absent_is_no_extra() {
        let mut record = Record::new(Kind::Post, "feed", "1");
        record.set_extra("minor", false);
        record.set_extra("series", Some("harbour"));
        record.set_extra("place", None::<String>);
        assert_eq!(json!(record.extra), json!({ "minor": false, "series": "harbour" }));
    }
}
