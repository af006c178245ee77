//! JSON Feed 1.1.

use serde_json::json;

use super::Doc;

pub(super) fn write(doc: &Doc) -> String {
    let items: Vec<_> = doc
        .entries
        .iter()
        .map(|entry| {
            json!({
                "id": entry.id,
                "url": doc.link(entry),
                "title": entry.title(),
                "content_html": entry.html(None),
                "content_text": entry.text(),
                "date_published": entry.published_at.to_string(),
                "date_modified": entry.updated_at().to_string(),
                "authors": [{ "name": entry.author }],
                "tags": [entry.tag],
                "language": entry.lang.code(),
            })
        })
        .collect();
    let mut feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": doc.room.title,
        "home_page_url": doc.home(),
        "feed_url": doc.own,
        "language": if doc.room.lang == crate::Lang::Zh { "zh-Hans" } else { doc.room.lang.code() },
        "items": items,
    });
    if let (Some((_, next)), Some(members)) = (doc.links.iter().find(|(rel, _)| *rel == "next"), feed.as_object_mut()) {
        members.insert("next_url".to_owned(), json!(next));
    }
    format!("{feed:#}\n")
}
