//! What do the API's answers hold? Members that every server sends are required, so that one that goes missing is seen.
//!
//! Source: Mastodon API documentation, entities Status, Account, MediaAttachment, Poll, PreviewCard, V2::Instance.

use serde::Deserialize;
use serde_json::Value;

/// A post as a timeline lists it.
#[derive(Deserialize)]
pub struct Status {
    pub id: String,
    pub uri: String,
    pub url: Option<String>,
    pub created_at: String,
    pub edited_at: Option<String>,
    pub visibility: String,
    pub content: String,
    pub spoiler_text: String,
    pub sensitive: Option<bool>,
    pub language: Option<String>,
    pub in_reply_to_id: Option<String>,
    pub account: Who,
    pub reblog: Option<Box<Reblog>>,
    pub media_attachments: Vec<Attachment>,
    pub mentions: Vec<Mention>,
    pub tags: Vec<Tag>,
    pub poll: Option<Poll>,
    pub card: Option<Card>,
    pub application: Option<Application>,
    /// Mastodon: state and post; others: the post itself.
    pub quote: Option<Value>,
    pub replies_count: u64,
    pub reblogs_count: u64,
    pub favourites_count: u64,
    pub quotes_count: Option<u64>,
}

/// The post that a boost shows: recorded where its own author is collected.
#[derive(Deserialize)]
pub struct Reblog {
    pub uri: String,
}

/// Whose post it is.
#[derive(Deserialize)]
pub struct Who {
    pub acct: String,
    pub url: String,
    pub uri: Option<String>,
    pub display_name: String,
    pub bot: Option<bool>,
    pub noindex: Option<bool>,
}

/// An account that was asked for by name.
#[derive(Deserialize)]
pub struct Account {
    pub id: String,
    #[serde(flatten)]
    pub who: Who,
    pub created_at: String,
    pub note: String,
    pub locked: Option<bool>,
    pub group: Option<bool>,
    pub discoverable: Option<bool>,
    pub indexable: Option<bool>,
    pub suspended: Option<bool>,
    pub moved: Option<Moved>,
    pub avatar: Option<String>,
    pub followers_count: u64,
    pub following_count: u64,
    pub statuses_count: u64,
    pub fields: Vec<Field>,
}

#[derive(Deserialize)]
pub struct Moved {
    pub url: String,
    pub uri: Option<String>,
}

#[derive(Deserialize)]
pub struct Field {
    pub name: String,
    pub value: String,
}

#[derive(Deserialize)]
pub struct Attachment {
    #[serde(rename = "type")]
    pub kind: String,
    pub url: Option<String>,
    pub remote_url: Option<String>,
    pub description: Option<String>,
}

#[derive(Deserialize)]
pub struct Mention {
    pub acct: String,
    pub url: String,
}

#[derive(Deserialize)]
pub struct Tag {
    pub name: String,
}

#[derive(Deserialize)]
pub struct Poll {
    pub expires_at: Option<String>,
    pub expired: bool,
    pub multiple: bool,
    pub votes_count: Option<u64>,
    pub voters_count: Option<u64>,
    pub options: Vec<PollOption>,
}

#[derive(Deserialize)]
pub struct PollOption {
    pub title: String,
    pub votes_count: Option<u64>,
}

#[derive(Deserialize)]
pub struct Card {
    pub url: String,
    pub title: String,
    pub description: Option<String>,
    pub provider_name: Option<String>,
}

#[derive(Deserialize)]
pub struct Application {
    pub name: Option<String>,
}

/// The instance document, as far as it says what may be asked without an account (since Mastodon 4.5).
#[derive(Deserialize)]
pub struct Instance {
    pub version: String,
    pub configuration: Option<Configuration>,
}

#[derive(Deserialize)]
pub struct Configuration {
    pub timelines_access: Option<Value>,
}

/// An error answer.
#[derive(Deserialize)]
pub struct Problem {
    pub error: String,
}

/// An ActivityPub object, as far as it tells whether it is still there.
#[derive(Deserialize)]
pub struct Object {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
}
