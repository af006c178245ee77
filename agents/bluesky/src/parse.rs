//! What does a view of a post or an account say? Views are open: what is not named here is passed over, what is named has to be right.

use kit::{Json as _, Unreadable, address::Base, dates::claimed};
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
            record.handle = Some(std::mem::replace(&mut record.id, item.need("/reason/uri")?));
            record.author = Some(author(&item["reason"]["by"])?);
            record.published_at = claimed(item.need("/reason/indexedAt")?);
            record.metrics.clear();
            record.set_extra("cid", item.need::<&str>("/reason/cid")?);
        }
        Some(other) => return Err(Unreadable::unknown_value("/reason/$type", other.unwrap_or("nothing"))),
    }
    Ok(record)
}

/// A post as `app.bsky.feed.defs#postView` shows it.
pub fn post(view: &Value) -> Result<Record, Unreadable> {
    let (uri, did): (&str, &str) = (view.need("/uri")?, view.need("/author/did")?);
    let key = uri.strip_prefix(&format!("at://{did}/app.bsky.feed.post/"));
    let key = key.ok_or_else(|| Unreadable::new("/uri", format_args!("{uri} is no post of {did}")))?;
    let mut record = Record::new(Kind::Post, PLATFORM, uri);
    record.url = Some(format!("https://bsky.app/profile/{did}/post/{key}"));
    let said = &view["record"];
    record.author = Some(author(&view["author"])?);
    record.published_at = claimed(said.need("/createdAt")?);
    record.text = Some(said.need("/text")?).filter(|text: &String| !text.is_empty());
    record.language = said.maybe("/langs/0")?;
    record.set_extra("langs", said.get("langs").cloned());
    record.tags = said.maybe("/tags")?.unwrap_or_default();
    for facet in said.maybe_list("/facets")?.unwrap_or_default() {
        mark(&mut record, facet.list("/features")?)?;
    }
    if let Some(reply) = said.get("reply") {
        record.relations.push(Relation { kind: RelationKind::ReplyTo, to: reply.need("/parent/uri")? });
        record.set_extra("root", reply.need::<&str>("/root/uri")?);
    }
    if let Some(embed) = view.get("embed") {
        record.set_extra("embed", embed.need::<&str>("/$type")?);
        show(&mut record, embed)?;
    }
    for (name, at) in
        [("replies", "/replyCount"), ("reposts", "/repostCount"), ("likes", "/likeCount"), ("quotes", "/quoteCount")]
    {
        record.set_metric(name, view.maybe(at)?);
    }
    record.set_extra("cid", view.need::<&str>("/cid")?);
    record.set_extra("volatile_indexed_at", view.need::<&str>("/indexedAt")?);
    let labels: Vec<_> = view.list("/labels")?.iter().map(|label| label["val"].clone()).collect();
    record.set_extra("volatile_labels", Some(labels).filter(|labels| !labels.is_empty()));
    Ok(record)
}

/// Links, mentions and tags, which the text shows shortened or under another name. Marks of other clients change nothing about it.
fn mark(record: &mut Record, features: &[Value]) -> Result<(), Unreadable> {
    for feature in features {
        match feature["$type"].as_str() {
            Some("app.bsky.richtext.facet#link") => link(record, feature.need("/uri")?),
            Some("app.bsky.richtext.facet#mention") => record.mentions.push(feature.need("/did")?),
            Some("app.bsky.richtext.facet#tag") => record.tags.push(feature.need("/tag")?),
            _ => {}
        }
    }
    Ok(())
}

/// Puts what a post shows beside its text into the record.
fn show(record: &mut Record, embed: &Value) -> Result<(), Unreadable> {
    match embed["$type"].as_str().unwrap_or_default() {
        "app.bsky.embed.images#view" => media(record, embed.list("/images")?, "/fullsize")?,
        "app.bsky.embed.gallery#view" => media(record, embed.list("/items")?, "/fullsize")?,
        "app.bsky.embed.video#view" => media(record, std::slice::from_ref(embed), "/playlist")?,
        "app.bsky.embed.external#view" => {
            link(record, embed.need("/external/uri")?);
            let card: [String; 2] = [embed.need("/external/title")?, embed.need("/external/description")?];
            record.set_extra("card", card.to_vec());
        }
        "app.bsky.embed.record#view" => quote(record, embed.need("/record/uri")?),
        "app.bsky.embed.recordWithMedia#view" => {
            quote(record, embed.need("/record/record/uri")?);
            show(record, &embed["media"])?;
        }
        _ => {} // an open union: `extra.embed` names it
    }
    Ok(())
}

/// An account as `app.bsky.actor.defs#profileViewDetailed` shows it.
pub fn account(view: &Value) -> Result<Record, Unreadable> {
    let did: &str = view.need("/did")?;
    let mut record = Record::new(Kind::Account, PLATFORM, did);
    record.url = Some(format!("https://bsky.app/profile/{did}"));
    record.author = Some(author(view)?);
    record.title = view.maybe("/displayName")?;
    record.text = view.maybe("/description")?;
    record.published_at = view.maybe("/createdAt")?.and_then(claimed);
    record.set_extra("handle", view.need::<&str>("/handle")?);
    record.set_extra("pinned", view.maybe::<String>("/pinnedPost/uri")?);
    for (name, at) in [("followers", "/followersCount"), ("following", "/followsCount"), ("posts", "/postsCount")] {
        record.set_metric(name, view.maybe(at)?);
    }
    Ok(record)
}

/// Who is shown, unless they ask not to be shown to those without login.
fn author(actor: &Value) -> Result<Author, Unreadable> {
    if actor.list("/labels")?.iter().any(|label| label["val"] == "!no-unauthenticated") {
        return Err(Unreadable::new("/labels", "the account asks not to be shown without login"));
    }
    Ok(Author {
        id: Some(actor.need("/did")?),
        handle: actor.maybe("/handle")?,
        name: actor.maybe("/displayName")?,
        kind: None,
    })
}

fn media(record: &mut Record, shown: &[Value], address: &str) -> Result<(), Unreadable> {
    for one in shown {
        let alt = one.maybe("/alt")?.filter(|alt: &String| !alt.is_empty());
        record.media.push(Media { alt, media_type: None, url: one.need(address)? });
    }
    Ok(())
}

fn quote(record: &mut Record, to: String) {
    record.relations.push(Relation { kind: RelationKind::QuoteOf, to });
}

fn link(record: &mut Record, address: &str) {
    record.links.extend(Base::none().web(address).filter(|address| !record.links.contains(address)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What becomes of a post when one member of it is another.
    fn with(at: &str, value: Value) -> Result<Record, String> {
        let author = json!({ "did": "did:plc:example", "labels": [] });
        let mut view = json!({
            "uri": "at://did:plc:example/app.bsky.feed.post/1", "cid": "one", "author": author, "likeCount": 4,
            "record": { "createdAt": "2026-11-20T08:00:00Z", "text": "Harbour", "langs": ["en"], "tags": [], "facets": [] },
            "labels": [], "indexedAt": "2026-11-20T08:00:01Z"
        });
        *view.pointer_mut(at).unwrap() = value;
        post(&view).map_err(|why| why.to_string())
    }

    #[test]
    fn member_of_a_wrong_type_is_not_taken_for_one_that_is_left_out() {
        let whole = with("/likeCount", json!(5)).unwrap();
        assert_eq!((whole.metrics["likes"], whole.metrics.len(), whole.language.as_deref()), (5, 1, Some("en")));
        for at in ["/likeCount", "/record/langs", "/record/tags", "/record/facets"] {
            for wrong in [json!("four"), Value::Null] {
                assert!(with(at, wrong).unwrap_err().contains(at.trim_start_matches("/record")), "{at}");
            }
        }
    }
}
