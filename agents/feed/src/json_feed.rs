//! What does a JSON Feed say (versions 1.0 and 1.1)?
//!
//! Members of the wrong type are coerced where their meaning is plain (numbers as ids, text as counts) and skipped where not: one bad member
//! loses neither its item nor the feed. A document that is not JSON as a whole is read item by item.

use schemas::record::{Author, Kind, Media, Record};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    address::{Base, canonical, is_web},
    dates,
    html::{Plain, line},
    ident::{self, Names},
    model::{At, Entry, Feed, Head, NoFeed},
    person, rich,
    xml_feed::{host, language},
};

mod broken;

type Object = Map<String, Value>;

/// A feed taken apart: its other members, its items, and what is missing at the end.
struct Parts {
    feed: Object,
    items: Vec<Result<Value, String>>,
    cut: Option<String>,
}

/// Reads a JSON Feed that answered at `url`, and tells its entries.
pub fn read(text: &str, url: &Url, tell: &mut dyn FnMut(Entry)) -> Result<Feed, NoFeed> {
    let Parts { feed, items, cut } = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut feed)) => {
            let items = match feed.remove("items") {
                Some(Value::Array(items)) => items.into_iter().map(Ok).collect(),
                Some(_) => return Err(NoFeed::new("/items", "is not a list")),
                None => {
                    return Err(NoFeed::new("/items", "is missing; a JSON Feed has a list of items"));
                }
            };
            Parts { feed, items, cut: None }
        }
        Ok(_) => return Err(NoFeed::new("json", "is not an object; a JSON Feed is one")),
        Err(error) => broken::read(text).ok_or_else(|| NoFeed::new("json", error.to_string()))?,
    };
    let head = head(&feed, url);
    let site =
        head.link.as_ref().or(head.own.as_ref()).and_then(|link| Url::parse(link).ok()).unwrap_or_else(|| url.clone());
    let base = Base::of(site.clone());
    let older = text_of(&feed, "next_url")
        .and_then(|next| Base::of(url.clone()).web(&next))
        .filter(|next| next != url.as_str());
    let mut drafts = Vec::with_capacity(items.len());
    for item in items {
        drafts.push(match item {
            Ok(Value::Object(item)) => Ok(draft(&item, &base, &head)),
            Ok(_) => Err("is not an object".to_owned()),
            Err(why) => Err(why),
        });
    }
    let names: Vec<Names> = drafts
        .iter()
        .map(|draft| draft.as_ref().map_or_else(|_| Names::default(), |(_, names)| names.clone()))
        .collect();
    let ids = ident::ids(&host(&site), &names);
    let named = |(draft, id): (Result<(Record, Names), String>, Option<String>)| {
        let (mut record, _) = draft?;
        record.id = id.ok_or("says nothing: no id, address, title, text, date, author, picture or tag")?;
        Ok(record)
    };
    for (index, record) in drafts.into_iter().zip(ids).map(named).enumerate() {
        tell(Entry { at: At::Item(index), record });
    }
    Ok(Feed { format: format(&feed), encoding: "", head, deleted: Vec::new(), older, cut })
}

fn format(feed: &Object) -> String {
    let version = text_of(feed, "version").unwrap_or_default();
    format!("json feed {}", version.trim_end_matches('/').rsplit('/').next().unwrap_or_default()).trim_end().to_owned()
}

fn head(feed: &Object, url: &Url) -> Head {
    let base = Base::of(url.clone());
    Head {
        title: text_of(feed, "title").map(|text| line(&text)),
        link: text_of(feed, "home_page_url").and_then(|link| base.web(&link)),
        own: text_of(feed, "feed_url").and_then(|link| base.web(&link)),
        description: text_of(feed, "description").map(|text| line(&text)),
        language: text_of(feed, "language").and_then(|tag| language(&tag)),
        author: authors(feed, &base).into_iter().next(),
        ..Head::default()
    }
}

fn draft(item: &Object, base: &Base, head: &Head) -> (Record, Names) {
    let mut record = Record::new(Kind::Article, crate::PLATFORM, "");
    let address = ["url", "external_url"].iter().find_map(|key| base.join(&text_of(item, key)?).filter(is_web));
    let guid = text_of(item, "id");
    let address = address.or_else(|| Url::parse(guid.as_deref()?).ok().filter(is_web));
    record.title = text_of(item, "title").map(|text| line(&text)).filter(|text| !text.is_empty());
    let summary = text_of(item, "summary").map(|text| rich::plain(&text)).filter(|plain| !plain.text.is_empty());
    let html = text_of(item, "content_html")
        .map(|html| Plain::read(&html, base))
        .filter(|plain| !plain.text.is_empty() || !plain.media.is_empty());
    let full = html.or_else(|| text_of(item, "content_text").map(|text| rich::plain(&text)));
    let body = match (full, summary) {
        (Some(full), summary) => {
            if let Some(summary) = summary.filter(|summary| summary.text != full.text) {
                record.set_extra("summary", summary.text);
            }
            full
        }
        (None, Some(summary)) => {
            record.set_extra("summary_only", true);
            summary
        }
        (None, None) => Plain::default(),
    };
    if body.cut {
        record.set_extra("text_cut", true);
    }
    record.text = (!body.text.is_empty()).then_some(body.text);
    record.links = body.links;
    record.media = media(item, base, body.media);
    record.language = text_of(item, "language").and_then(|tag| language(&tag)).or_else(|| head.language.clone());
    record.published_at = text_of(item, "date_published").and_then(|date| dates::claimed(&date));
    record.edited_at = text_of(item, "date_modified").and_then(|date| dates::claimed(&date));
    let authors = authors(item, base);
    if authors.len() > 1 {
        let names: Vec<String> = authors.iter().filter_map(|author| author.name.clone()).collect();
        record.set_extra("authors", names);
    }
    record.author = authors.into_iter().next().or_else(|| head.author.clone());
    if let Some(Value::Array(tags)) = item.get("tags") {
        for tag in tags.iter().filter_map(coerce).map(|tag| line(&tag)).filter(|tag| !tag.is_empty()).take(200) {
            if !record.tags.contains(&tag) {
                record.tags.push(tag);
            }
        }
    }
    if let Some(external) =
        text_of(item, "external_url").and_then(|url| base.web(&url)).filter(|_| item.contains_key("url"))
        && !record.links.contains(&external)
    {
        record.links.push(external);
    }
    if let Some(outlet) = &head.title {
        record.set_extra("volatile_outlet", outlet.clone());
    }
    let full = address.as_ref().map(|url| {
        let mut full = canonical(url.clone());
        full.set_fragment(url.fragment());
        String::from(full)
    });
    record.url = address.map(|url| String::from(canonical(url)));
    let names = Names::of(guid, full, &record, head.author.as_ref());
    (record, names)
}

fn media(item: &Object, base: &Base, shown: Vec<Media>) -> Vec<Media> {
    let mut plain = Plain::default();
    if let Some(Value::Array(attachments)) = item.get("attachments") {
        for attachment in attachments.iter().filter_map(Value::as_object) {
            if let Some(url) = text_of(attachment, "url").and_then(|url| base.web(&url)) {
                plain.media(Media {
                    url,
                    media_type: text_of(attachment, "mime_type"),
                    alt: text_of(attachment, "title"),
                });
            }
        }
    }
    for key in ["image", "banner_image"] {
        if let Some(url) = text_of(item, key).and_then(|url| base.web(&url)) {
            plain.media(Media { url, media_type: None, alt: None });
        }
    }
    for media in shown {
        plain.media(media);
    }
    plain.media
}

/// `authors` of 1.1, `author` of 1.0; either may be an object, a list or plain text.
fn authors(object: &Object, base: &Base) -> Vec<Author> {
    let author = |value: &Value| match value {
        Value::Object(author) => {
            let uri = text_of(author, "url");
            let mail = uri.as_deref().and_then(|uri| uri.strip_prefix("mailto:")).map(str::to_owned);
            person::of(text_of(author, "name"), mail, uri.and_then(|uri| base.web(&uri)))
        }
        Value::String(name) => person::written(name),
        _ => None,
    };
    ["authors", "author"]
        .iter()
        .filter_map(|key| object.get(*key))
        .map(|value| match value {
            Value::Array(list) => list.iter().filter_map(author).take(200).collect::<Vec<_>>(),
            value => author(value).into_iter().collect(),
        })
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// A member as text; nothing where it is empty or no single value.
fn text_of(object: &Object, key: &str) -> Option<String> {
    object.get(key).and_then(coerce)
}

fn coerce(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
