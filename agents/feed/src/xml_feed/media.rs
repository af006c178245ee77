//! What does an entry show besides its body: enclosures, Media RSS, pictures of podcasts?

use schemas::record::{Media, Record};

use super::{Inside, PLAIN, Reader};
use crate::{
    html::{Plain, line},
    xml::{document::Node, names::Ns},
};

/// Puts enclosures before what the body shows, each address once, and the rest of Media RSS where it belongs.
pub(super) fn collect(reader: &Reader<'_, '_>, inside: &Inside<'_, '_>, record: &mut Record) {
    let mut plain = Plain::default();
    for node in inside.all(&[Ns::Core], "enclosure") {
        add(reader, &mut plain, node, "url", None);
    }
    for node in inside
        .all(&PLAIN, "link")
        .filter(|node| node.attribute("rel").is_some_and(|relation| relation.ends_with("enclosure")))
    {
        add(reader, &mut plain, node, "href", node.attribute("title"));
    }
    media_rss(reader, inside, &mut plain, record);
    for group in inside.all(&[Ns::Media], "group") {
        media_rss(reader, &reader.inside(inside, group), &mut plain, record);
    }
    for node in inside.all(&[Ns::Itunes], "image") {
        add(reader, &mut plain, node, "href", None);
    }
    for media in std::mem::take(&mut record.media) {
        plain.media(media);
    }
    record.media = plain.media;
}

fn media_rss(reader: &Reader<'_, '_>, inside: &Inside<'_, '_>, plain: &mut Plain, record: &mut Record) {
    for node in inside.all(&[Ns::Media], "content") {
        let parts = reader.inside(inside, node);
        let alt = parts.text(&[(&[Ns::Media], "description"), (&[Ns::Media], "title")]);
        add(reader, plain, node, "url", alt);
        for thumbnail in parts.all(&[Ns::Media], "thumbnail") {
            add(reader, plain, thumbnail, "url", None);
        }
    }
    for node in inside.all(&[Ns::Media], "thumbnail") {
        add(reader, plain, node, "url", None);
    }
    for node in inside.all(&[Ns::Media], "community") {
        let parts = reader.inside(inside, node);
        let count = |local, attribute: &str| {
            parts
                .first(&[Ns::Media], local)
                .and_then(|node| node.attribute(attribute))
                .and_then(|text| text.parse().ok())
        };
        for (name, count) in [("views", count("statistics", "views")), ("ratings", count("starRating", "count"))] {
            record.set_metric(name, count);
        }
    }
}

fn add(reader: &Reader<'_, '_>, plain: &mut Plain, node: &Node<'_>, address: &str, alt: Option<String>) {
    let reference = node.attribute(address).or_else(|| Some(line(&node.text)).filter(|text| !text.is_empty()));
    if let Some(url) = reference.and_then(|reference| reader.bases.of(node).web(&reference)) {
        plain.media(Media { url, media_type: node.attribute("type"), alt });
    }
}
