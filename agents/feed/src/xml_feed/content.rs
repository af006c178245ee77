//! What does an entry say?

use schemas::record::{Record, Relation, RelationKind};

use super::{Inside, MAX_VALUES, PLAIN, Reader, language};
use crate::{
    dates,
    html::line,
    ident, rich,
    xml::{document::Node, names::Ns},
};

impl<'d, 'a> Reader<'d, 'a> {
    /// Text, links, pictures and summary. Returns the language of the body.
    pub(super) fn body(&self, inside: &Inside<'d, 'a>, record: &mut Record) -> Option<&'a str> {
        let read = |names: &[(&[Ns], &str)]| {
            names.iter().find_map(|(ns, local)| {
                inside
                    .all(ns, local)
                    .find_map(|node| rich::body(node, self.bases.of(node)).map(|plain| (plain, node.lang)))
            })
        };
        let full = read(&[
            (&[Ns::Content], "encoded"),
            (&[Ns::Xhtml], "body"),
            (&[Ns::Xhtml], "div"),
            (&PLAIN, "content"),
            (&PLAIN, "fullitem"),
            (&[Ns::Core], "body"),
        ]);
        let group = || {
            let group = inside.first(&[Ns::Media], "group")?;
            let parts = self.inside(inside, group);
            let node = parts.first(&[Ns::Media], "description")?;
            rich::body(node, self.bases.of(node)).map(|plain| (plain, node.lang))
        };
        let summary = read(&[
            (&PLAIN, "summary"),
            (&PLAIN, "description"),
            (&[Ns::Dc], "description"),
            (&[Ns::Dc], "abstract"),
            (&[Ns::Media], "description"),
            (&[Ns::Itunes], "summary"),
            (&[Ns::Itunes], "subtitle"),
        ])
        .or_else(group);
        let (body, lang) = match (full, summary) {
            (Some((body, lang)), summary) => {
                let summary =
                    summary.map(|(plain, _)| plain.text).filter(|text| !text.is_empty() && *text != body.text);
                if let Some(summary) = summary {
                    record.set_extra("summary", summary);
                }
                (body, lang)
            }
            (None, Some((body, lang))) => {
                record.set_extra("summary_only", true);
                (body, lang)
            }
            (None, None) => return None,
        };
        if body.cut {
            record.set_extra("text_cut", true);
        }
        record.text = (!body.text.is_empty()).then_some(body.text);
        record.links = body.links;
        record.media = body.media;
        lang
    }

    /// What the body says of itself, else `dc:language`, else what is inherited, else the feed's.
    pub(super) fn language(&self, inside: &Inside<'d, 'a>, lang: Option<&str>, record: &mut Record) {
        let inherited = self.document.nodes.first().and_then(|root| root.lang);
        let own = lang.filter(|_| lang != inherited).and_then(language);
        let said = || inside.text(&[(&[Ns::Dc], "language"), (&[Ns::Core], "language")]).and_then(|tag| language(&tag));
        let own = own.or_else(said).or_else(|| inside.nodes.first().and_then(|(_, node)| node.lang).and_then(language));
        record.language = own.or_else(|| self.head.language.clone());
    }

    pub(super) fn dates(&self, inside: &Inside<'d, 'a>, record: &mut Record) {
        let date = |names: &[(&[Ns], &str)]| {
            names.iter().find_map(|(ns, local)| inside.all(ns, local).find_map(|node| dates::claimed(&node.text)))
        };
        record.published_at = date(&[
            (&[Ns::Core], "pubDate"),
            (&PLAIN, "published"),
            (&PLAIN, "issued"),
            (&[Ns::Dc], "date"),
            (&[Ns::Dc], "issued"),
            (&PLAIN, "created"),
            (&[Ns::Dc], "created"),
            (&[Ns::Prism], "publicationDate"),
        ]);
        record.edited_at = date(&[
            (&PLAIN, "updated"),
            (&PLAIN, "modified"),
            (&[Ns::Dc], "modified"),
            (&[Ns::Prism], "modificationDate"),
        ]);
    }

    pub(super) fn tags(&self, inside: &Inside<'d, 'a>) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let mut add = |tag: String| {
            if !tag.is_empty() && tags.len() < MAX_VALUES && !tags.contains(&tag) {
                tags.push(tag);
            }
        };
        for (_, node) in &inside.nodes {
            match (node.ns, node.local) {
                (Ns::Core | Ns::Atom, "category") => {
                    let term = node.attribute("term").or_else(|| node.attribute("label"));
                    add(term.unwrap_or_else(|| line(&node.text)));
                }
                (Ns::Dc, "subject") | (Ns::Media, "category") => add(line(&node.text)),
                (Ns::Itunes, "category") => add(node.attribute("text").unwrap_or_default()),
                (Ns::Itunes | Ns::Media, "keywords") => node.text.split(',').for_each(|word| add(line(word))),
                _ => {}
            }
        }
        tags
    }

    /// Counters, place, relations and what has no field of its own.
    pub(super) fn rest(&self, inside: &Inside<'d, 'a>, record: &mut Record) {
        let number = |names: &[(&[Ns], &str)]| inside.text(names).and_then(|text| text.parse::<u64>().ok());
        record.set_metric("replies", number(&[(&[Ns::Slash], "comments"), (&[Ns::Thr], "total")]));
        record.place = self.place(inside);
        for node in inside.all(&[Ns::Thr], "in-reply-to") {
            let to = node.attribute("href").and_then(|href| self.bases.of(node).web(&href));
            let to = to.or_else(|| node.attribute("ref").map(|id| ident::scoped(&self.site, &id)));
            record.relations.extend(to.map(|to| Relation { kind: RelationKind::ReplyTo, to }));
        }
        for node in inside.all(&[Ns::Atom], "link") {
            let relation = node.attribute("rel").unwrap_or_default().to_ascii_lowercase();
            let further = relation.ends_with("related") || relation.ends_with("via") || relation.contains("://");
            if let Some(href) =
                node.attribute("href").filter(|_| further).and_then(|href| self.bases.of(node).web(&href))
                && !relation.ends_with("enclosure")
                && !record.links.contains(&href)
            {
                record.links.push(href);
            }
        }
        let mut extra = |key: &str, value: Option<String>| record.set_extra(key, value);
        let web = |node: &Node<'_>| self.bases.of(node).web(&node.text);
        extra("comments_url", inside.first(&[Ns::Core], "comments").and_then(web));
        extra("comments_feed", inside.first(&[Ns::Wfw], "commentRss").and_then(web));
        extra("duration", inside.text(&[(&[Ns::Itunes], "duration")]));
        let rights = |node: &'d Node<'a>| rich::title(node, self.bases.of(node));
        extra("rights", inside.first(&PLAIN, "rights").or_else(|| inside.first(&[Ns::Dc], "rights")).and_then(rights));
        if let Some(source) = inside.first(&PLAIN, "source") {
            let parts = self.inside(inside, source);
            let title = parts.first(&PLAIN, "title").and_then(|node| rich::title(node, self.bases.of(node)));
            extra("source_title", title.or_else(|| Some(line(&source.text)).filter(|text| !text.is_empty())));
            let url = source.attribute("url").and_then(|url| self.bases.of(source).web(&url));
            extra(
                "source_url",
                url.or_else(|| self.page(&parts).map(String::from)).or_else(|| self.link(&parts, &["self"])),
            );
        }
    }

    pub(super) fn place(&self, inside: &Inside<'d, 'a>) -> Option<String> {
        let named = inside.text(&[(&[Ns::Geo], "featurename"), (&[Ns::Geo], "point"), (&[Ns::Dc], "coverage")]);
        let pair =
            || Some(format!("{} {}", inside.text(&[(&[Ns::Geo], "lat")])?, inside.text(&[(&[Ns::Geo], "long")])?));
        let nested = || {
            // `georss:where`, `gml:Point`, `gml:pos`, or the same without the outer one.
            let inner = self.document.nodes.get(inside.range.clone())?.iter().find(|node| node.is(Ns::Geo, "pos"))?;
            Some(line(&inner.text)).filter(|text| !text.is_empty())
        };
        named.or_else(pair).or_else(nested)
    }
}
