//! What of a post or an account goes where in a record?

use jiff::Timestamp;
use kit::{Record, Unreadable};
use schemas::record::{Author, AuthorKind, ClaimedTime, Kind, Media, Relation, RelationKind};
use serde::Deserialize as _;
use serde_json::{Value, json};
use url::Url;

use crate::{PLATFORM, text::Plain, wire};

/// Why a post that can be read is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It is meant for some people only.
    NotPublic(String),
    /// Its author asks not to be indexed.
    NoIndex,
}

/// A post, as one server shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// The record; its handle is the server's id.
    pub record: Record,
    /// Why it is not kept, where it is not.
    pub left_out: Option<LeftOut>,
}

/// Reads a post. `server` is any address of the server that shows it: replies are named by that server's address of the parent, whose ActivityPub
/// id is not told.
///
/// # Errors
///
/// [`Unreadable`], with the place below the post.
pub fn post(status: &Value, server: &Url) -> Result<Post, Unreadable> {
    let status = wire::Status::deserialize(status)?;
    let left_out = match status.visibility.as_str() {
        "public" | "unlisted" => status.account.noindex.unwrap_or(false).then_some(LeftOut::NoIndex),
        "private" | "direct" => Some(LeftOut::NotPublic(status.visibility.clone())),
        other => return Err(Unreadable::unknown_value("visibility", other)),
    };
    let plain = Plain::read(&status.content);
    let mut record = Record::new(Kind::Post, PLATFORM, identity("uri", &status.uri)?);
    record.handle = Some(name("id", &status.id)?);
    record.url = Some(status.url.unwrap_or_else(|| status.uri.clone()));
    record.author = Some(author(&status.account)?);
    record.published_at = Some(claimed("created_at", &status.created_at)?);
    record.edited_at = status.edited_at.map(|at| claimed("edited_at", &at)).transpose()?;
    record.text = Some(plain.text).filter(|text| !text.is_empty());
    record.language = status.language.filter(|language| !language.is_empty());
    record.links = plain.links;
    record.media = status.media_attachments.into_iter().filter_map(media).collect();
    record.mentions = status.mentions.iter().map(|mention| handle(&mention.acct, &mention.url)).collect();
    record.tags = status.tags.into_iter().map(|tag| tag.name).collect();
    record.relations.extend(status.in_reply_to_id.map(|id| relation(RelationKind::ReplyTo, parent(server, &id))));
    if let Some(reblog) = status.reblog {
        record.relations.push(relation(RelationKind::RepostOf, identity("reblog/uri", &reblog.uri)?));
    }
    let quote = status.quote.unwrap_or_default();
    if let Some(quoted) = quoted(&quote)? {
        record.relations.push(relation(RelationKind::QuoteOf, quoted));
    }
    for (name, count) in [
        ("replies", Some(status.replies_count)),
        ("reposts", Some(status.reblogs_count)),
        ("likes", Some(status.favourites_count)),
        ("quotes", status.quotes_count),
        ("votes", status.poll.as_ref().and_then(|poll| poll.votes_count)),
        ("voters", status.poll.as_ref().and_then(|poll| poll.voters_count)),
    ] {
        record.set_metric(name, count);
    }
    record.set_extra("content_warning", Some(status.spoiler_text).filter(|warning| !warning.is_empty()));
    record.set_extra("sensitive", status.sensitive.filter(|sensitive| *sensitive));
    record.set_extra("application", status.application.and_then(|application| application.name));
    record.set_extra("poll", status.poll.as_ref().map(poll));
    record.set_extra("volatile_poll", status.poll.as_ref().map(poll_so_far));
    record.set_extra("volatile_card", status.card.map(card));
    record.set_extra("volatile_quote_state", quote.get("state").and_then(Value::as_str));
    Ok(Post { record, left_out })
}

/// An account; `None` for one that the server has suspended. Its handle is `accounts/ID`, so that it is not taken for a post's.
///
/// # Errors
///
/// As [`post`].
pub fn account(account: &Value) -> Result<Option<Record>, Unreadable> {
    let account = wire::Account::deserialize(account)?;
    if account.suspended == Some(true) {
        return Ok(None);
    }
    let author = author(&account.who)?;
    let mut record = Record::new(Kind::Account, PLATFORM, author.id.clone().unwrap_or_default());
    record.handle = Some(format!("accounts/{}", name("id", &account.id)?));
    record.url = Some(account.who.url.clone());
    record.title = author.name.clone();
    record.author = Some(author);
    record.published_at = Some(claimed("created_at", &account.created_at)?);
    let plain = Plain::read(&account.note);
    record.text = Some(plain.text).filter(|text| !text.is_empty());
    record.links = plain.links;
    record.media = account.avatar.and_then(|url| shown(url, None, None)).into_iter().collect();
    for (name, count) in [
        ("followers", account.followers_count),
        ("following", account.following_count),
        ("posts", account.statuses_count),
    ] {
        record.set_metric(name, Some(count));
    }
    let mut fields = Vec::new();
    for field in account.fields {
        let plain = Plain::read(&field.value);
        fields.push(json!([field.name, plain.text]));
        let fresh: Vec<String> = plain.links.into_iter().filter(|link| !record.links.contains(link)).collect();
        record.links.extend(fresh);
    }
    record.set_extra("fields", Some(fields).filter(|fields| !fields.is_empty()));
    record.set_extra("moved_to", account.moved.map(|moved| moved.uri.unwrap_or(moved.url)));
    let flags = json!({
        "discoverable": account.discoverable,
        "group": account.group,
        "indexable": account.indexable,
        "locked": account.locked,
        "noindex": account.who.noindex,
    });
    record.set_extra("volatile_account", flags);
    Ok(Some(record))
}

/// The server's id of a listed item; opaque.
///
/// # Errors
///
/// Where it is missing, no text or empty.
pub fn native(item: &Value) -> Result<String, Unreadable> {
    let id = item.get("id").and_then(Value::as_str).ok_or_else(|| Unreadable::missing("id"))?;
    name("id", id)
}

fn author(who: &wire::Who) -> Result<Author, Unreadable> {
    let address = match &who.uri {
        Some(uri) => identity("account/uri", uri)?,
        None => identity("account/url", &who.url)?,
    };
    Ok(Author {
        id: Some(address),
        handle: Some(handle(&name("account/acct", &who.acct)?, &who.url)),
        name: Some(who.display_name.clone()).filter(|name| !name.is_empty()),
        kind: who.bot.filter(|bot| *bot).map(|_| AuthorKind::Bot),
    })
}

/// `@user@host`; accounts of the server itself are listed without their host.
fn handle(acct: &str, address: &str) -> String {
    let host = Url::parse(address).ok().and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    });
    match host {
        Some(host) if !acct.contains('@') => format!("@{acct}@{host}"),
        _ => format!("@{acct}"),
    }
}

/// An ActivityPub id: a web address, or a tag URI of older software.
fn identity(at: &str, uri: &str) -> Result<String, Unreadable> {
    let is_id = uri.starts_with("tag:")
        || Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_id { Ok(uri.to_owned()) } else { Err(Unreadable::unknown_value(at, uri)) }
}

fn name(at: &str, text: &str) -> Result<String, Unreadable> {
    if text.is_empty() { Err(Unreadable::new(at, "is empty")) } else { Ok(text.to_owned()) }
}

fn claimed(at: &str, raw: &str) -> Result<ClaimedTime, Unreadable> {
    let at = raw.parse::<Timestamp>().map_err(|error| Unreadable::new(at, error))?;
    Ok(ClaimedTime { raw: raw.to_owned(), at: Some(at), local: None })
}

const fn relation(kind: RelationKind, to: String) -> Relation {
    Relation { kind, to }
}

fn parent(server: &Url, id: &str) -> String {
    let mut url = server.clone();
    url.set_query(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(["api", "v1", "statuses", id]);
    }
    url.into()
}

fn quoted(quote: &Value) -> Result<Option<String>, Unreadable> {
    let uri = quote.pointer("/quoted_status/uri").or_else(|| quote.get("uri")).and_then(Value::as_str);
    uri.map(|uri| identity("quote/uri", uri)).transpose()
}

fn media(attachment: wire::Attachment) -> Option<Media> {
    shown(attachment.remote_url.or(attachment.url)?, Some(attachment.kind), attachment.description)
}

fn shown(url: String, kind: Option<String>, alt: Option<String>) -> Option<Media> {
    Url::parse(&url).ok()?;
    Some(Media { url, media_type: kind, alt: alt.filter(|alt| !alt.is_empty()) })
}

fn poll(poll: &wire::Poll) -> Value {
    let titles: Vec<&str> = poll.options.iter().map(|option| option.title.as_str()).collect();
    json!({ "options": titles, "multiple": poll.multiple, "expires_at": poll.expires_at })
}

fn poll_so_far(poll: &wire::Poll) -> Value {
    let votes: Vec<Option<u64>> = poll.options.iter().map(|option| option.votes_count).collect();
    json!({ "expired": poll.expired, "votes": votes })
}

fn card(card: wire::Card) -> Value {
    json!({ "url": card.url, "title": card.title, "description": card.description, "provider": card.provider_name })
}
