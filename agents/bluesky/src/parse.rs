//! What does a view of a post or an account say? Views are open: what is not named here is passed over, what is named has to be right.

use std::collections::BTreeMap;

use kit::{Unreadable, address::Base};
use schemas::record::{Author, Kind, Media, Record, Relation, RelationKind};
use serde_json::Value;

/// Whose ids these are.
pub const PLATFORM: &str = "bluesky";

/// An entry of an author's feed: a post, or somebody's post repeated.
pub fn listed(item: &Value) -> Result<Record, Unreadable> {
    let mut record = post(&item["post"])?;
    match item.get("reason").map(|reason| reason["$type"].as_str()) {
        None | Some(Some("app.bsky.feed.defs#reasonPin")) => {}
        Some(Some("app.bsky.feed.defs#reasonRepost")) => {
            record.relations = vec![Relation { kind: RelationKind::RepostOf, to: record.id.clone() }];
            record.handle = Some(std::mem::replace(&mut record.id, text(item, "/reason/uri")?));
            record.author = Some(author(&item["reason"]["by"])?);
            record.published_at = kit::dates::claimed(&text(item, "/reason/indexedAt")?);
            record.metrics.clear();
            record.set_extra("cid", text(item, "/reason/cid")?);
        }
        Some(other) => return Err(Unreadable::unknown_value("/reason/$type", other.unwrap_or("nothing"))),
    }
    Ok(record)
}

/// A post as `app.bsky.feed.defs#postView` shows it.
pub fn post(view: &Value) -> Result<Record, Unreadable> {
    let (uri, did) = (text(view, "/uri")?, text(view, "/author/did")?);
    let key = uri.strip_prefix(&format!("at://{did}/app.bsky.feed.post/"));
    let mut record = Record::new(Kind::Post, PLATFORM, &uri);
    record.url = key.map(|key| format!("https://bsky.app/profile/{did}/post/{key}"));
    if record.url.is_none() {
        return Err(Unreadable::new("/uri", format!("{uri} is no post of {did}")));
    }
    let said = &view["record"];
    record.author = Some(author(&view["author"])?);
    record.published_at = kit::dates::claimed(&text(said, "/createdAt")?);
    record.text = Some(text(said, "/text")?).filter(|text| !text.is_empty());
    record.language = maybe(said, "/langs/0")?;
    record.set_extra("langs", said.get("langs").cloned());
    if said.get("tags").is_some() {
        record.tags = list(said, "/tags")?.iter().map(|tag| text(tag, "")).collect::<Result<_, _>>()?;
    }
    if said.get("facets").is_some() {
        for facet in list(said, "/facets")? {
            mark(&mut record, list(facet, "/features")?)?;
        }
    }
    if let Some(reply) = said.get("reply") {
        record.relations.push(Relation { kind: RelationKind::ReplyTo, to: text(reply, "/parent/uri")? });
        record.set_extra("root", text(reply, "/root/uri")?);
    }
    if let Some(embed) = view.get("embed") {
        record.set_extra("embed", text(embed, "/$type")?);
        show(&mut record, embed)?;
    }
    record.metrics = counts(
        view,
        &[("replyCount", "replies"), ("repostCount", "reposts"), ("likeCount", "likes"), ("quoteCount", "quotes")],
    );
    record.set_extra("cid", text(view, "/cid")?);
    record.set_extra("volatile_indexed_at", text(view, "/indexedAt")?);
    let labels: Vec<_> = list(view, "/labels")?.iter().map(|label| label["val"].clone()).collect();
    record.set_extra("volatile_labels", Some(labels).filter(|labels| !labels.is_empty()));
    Ok(record)
}

/// Links, mentions and tags, which the text shows shortened or under another name. Marks of other clients change nothing about it.
fn mark(record: &mut Record, features: &[Value]) -> Result<(), Unreadable> {
    for feature in features {
        match feature["$type"].as_str() {
            Some("app.bsky.richtext.facet#link") => link(record, &text(feature, "/uri")?),
            Some("app.bsky.richtext.facet#mention") => record.mentions.push(text(feature, "/did")?),
            Some("app.bsky.richtext.facet#tag") => record.tags.push(text(feature, "/tag")?),
            _ => {}
        }
    }
    Ok(())
}

/// Puts what a post shows beside its text into the record.
fn show(record: &mut Record, embed: &Value) -> Result<(), Unreadable> {
    match embed["$type"].as_str().unwrap_or_default() {
        "app.bsky.embed.images#view" => media(record, list(embed, "/images")?, "/fullsize")?,
        "app.bsky.embed.gallery#view" => media(record, list(embed, "/items")?, "/fullsize")?,
        "app.bsky.embed.video#view" => media(record, std::slice::from_ref(embed), "/playlist")?,
        "app.bsky.embed.external#view" => {
            link(record, &text(embed, "/external/uri")?);
            record.set_extra("card", vec![text(embed, "/external/title")?, text(embed, "/external/description")?]);
        }
        "app.bsky.embed.record#view" => quote(record, text(embed, "/record/uri")?),
        "app.bsky.embed.recordWithMedia#view" => {
            quote(record, text(embed, "/record/record/uri")?);
            show(record, &embed["media"])?;
        }
        _ => {} // an open union: `extra.embed` names it
    }
    Ok(())
}

/// An account as `app.bsky.actor.defs#profileViewDetailed` shows it.
pub fn account(view: &Value) -> Result<Record, Unreadable> {
    let did = text(view, "/did")?;
    let mut record = Record::new(Kind::Account, PLATFORM, &did);
    record.url = Some(format!("https://bsky.app/profile/{did}"));
    record.author = Some(author(view)?);
    record.title = maybe(view, "/displayName")?;
    record.text = maybe(view, "/description")?;
    record.published_at = maybe(view, "/createdAt")?.as_deref().and_then(kit::dates::claimed);
    record.set_extra("handle", text(view, "/handle")?);
    record.set_extra("pinned", maybe(view, "/pinnedPost/uri")?);
    record.metrics =
        counts(view, &[("followersCount", "followers"), ("followsCount", "following"), ("postsCount", "posts")]);
    Ok(record)
}

/// Who is shown, unless they ask not to be shown to those without login.
fn author(actor: &Value) -> Result<Author, Unreadable> {
    if list(actor, "/labels")?.iter().any(|label| label["val"] == "!no-unauthenticated") {
        return Err(Unreadable::new("/labels", "the account asks not to be shown without login"));
    }
    Ok(Author {
        id: Some(text(actor, "/did")?),
        handle: maybe(actor, "/handle")?,
        name: maybe(actor, "/displayName")?,
        kind: None,
    })
}

fn media(record: &mut Record, shown: &[Value], address: &str) -> Result<(), Unreadable> {
    for one in shown {
        let alt = maybe(one, "/alt")?.filter(|alt| !alt.is_empty());
        record.media.push(Media { alt, media_type: None, url: text(one, address)? });
    }
    Ok(())
}

fn quote(record: &mut Record, to: String) {
    record.relations.push(Relation { kind: RelationKind::QuoteOf, to });
}

fn link(record: &mut Record, address: &str) {
    record.links.extend(Base::none().web(address).filter(|address| !record.links.contains(address)));
}

fn counts(view: &Value, names: &[(&str, &str)]) -> BTreeMap<String, u64> {
    names.iter().filter_map(|(theirs, ours)| Some(((*ours).to_owned(), view[*theirs].as_u64()?))).collect()
}

/// The text at a pointer.
pub fn text(value: &Value, at: &str) -> Result<String, Unreadable> {
    value.pointer(at).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| Unreadable::missing(at))
}

/// The text at a pointer, where it may be absent, but may not be null.
pub fn maybe(value: &Value, at: &str) -> Result<Option<String>, Unreadable> {
    value.pointer(at).map(|_| text(value, at)).transpose()
}

/// The list at a pointer.
pub fn list<'a>(value: &'a Value, at: &str) -> Result<&'a Vec<Value>, Unreadable> {
    value.pointer(at).and_then(Value::as_array).ok_or_else(|| Unreadable::missing(at))
}
