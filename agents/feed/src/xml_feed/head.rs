//! What does a feed say of itself, and where are the pages of it and of its entries?

use std::borrow::Cow;

use url::Url;

use super::{Inside, PLAIN, Reader, language};
use crate::{dates, html::line, model::Head, rich, xml::names::Ns};

impl<'d, 'a> Reader<'d, 'a> {
    pub(super) fn head(&self, url: &Url) -> (Head, Option<String>) {
        let top = self.top();
        let title = |names: &[(&[Ns], &str)]| {
            names
                .iter()
                .find_map(|(ns, local)| top.all(ns, local).find_map(|node| rich::title(node, self.bases.of(node))))
        };
        let date = |names: &[(&[Ns], &str)]| {
            names.iter().find_map(|(ns, local)| top.first(ns, local)).and_then(|node| dates::claimed(&node.text))
        };
        let root_lang = self.document.nodes.first().and_then(|root| root.lang).and_then(language);
        let older = self.link(&top, &["next", "prev-archive"]).filter(|older| older != url.as_str());
        let generator = top.first(&PLAIN, "generator");
        let head = Head {
            title: title(&[(&PLAIN, "title"), (&[Ns::Dc], "title")]),
            link: self.page(&top).map(String::from).or_else(|| self.href(0)),
            own: self.link(&top, &["self"]),
            id: top.text(&[(&[Ns::Atom], "id"), (&[Ns::Core], "guid"), (&[Ns::Core], "id"), (&[Ns::Dc], "identifier")]),
            description: title(&[
                (&PLAIN, "subtitle"),
                (&PLAIN, "tagline"),
                (&PLAIN, "info"),
                (&PLAIN, "description"),
                (&[Ns::Dc], "description"),
                (&[Ns::Itunes], "summary"),
                (&[Ns::Itunes], "subtitle"),
            ]),
            language: top
                .text(&[(&[Ns::Core], "language"), (&[Ns::Dc], "language")])
                .and_then(|tag| language(&tag))
                .or(root_lang),
            author: self.author(&top, true),
            updated: date(&[
                (&PLAIN, "updated"),
                (&PLAIN, "modified"),
                (&[Ns::Core], "lastBuildDate"),
                (&[Ns::Dc], "modified"),
                (&[Ns::Dc], "date"),
            ])
            .or_else(|| dates::claimed(&self.document.nodes.first()?.attribute("lastmod")?)),
            published: date(&[
                (&[Ns::Core], "pubDate"),
                (&PLAIN, "published"),
                (&[Ns::Dc], "issued"),
                (&[Ns::Dc], "created"),
            ]),
            rights: title(&[(&PLAIN, "rights"), (&PLAIN, "copyright"), (&[Ns::Dc], "rights")]),
            generator: generator.map(|node| line(&node.text)).filter(|text| !text.is_empty()),
        };
        (head, older)
    }

    /// The first link element with one of these relations.
    pub(super) fn link(&self, inside: &Inside<'d, 'a>, relations: &[&str]) -> Option<String> {
        inside.all(&PLAIN, "link").find_map(|node| {
            let relation = node.attribute("rel")?;
            let relation = relation.rsplit('/').next().unwrap_or_default();
            if !relations.iter().any(|wanted| relation.eq_ignore_ascii_case(wanted)) {
                return None;
            }
            self.bases.of(node).web(&node.attribute("href")?)
        })
    }

    /// The address a person would read: RSS's `link`, Atom's `alternate` (HTML before other types), else the first link of no special kind.
    pub(super) fn page(&self, inside: &Inside<'d, 'a>) -> Option<Url> {
        let mut best: Option<(u8, Url)> = None;
        for node in inside.all(&PLAIN, "link") {
            let relation = node.attribute("rel").unwrap_or_default().to_ascii_lowercase();
            let text = node.text.trim();
            let (rank, reference) = match node.attribute("href") {
                None if !text.is_empty() => (0, Cow::Borrowed(text)),
                None => continue,
                Some(href) => {
                    let html = node.attribute("type").is_none_or(|kind| kind.contains("html"));
                    let relation = relation.rsplit('/').next().unwrap_or_default();
                    match relation {
                        "" | "alternate" if html => (1, href.into()),
                        "" | "alternate" => (2, href.into()),
                        "self" | "enclosure" | "edit" | "replies" | "hub" | "related" | "via" | "next" | "prev"
                        | "previous" | "first" | "last" | "license" | "search" | "http" | "service.post"
                        | "service.edit" | "service.feed" | "prev-archive" | "next-archive" | "current" => continue,
                        _ => (3, href.into()),
                    }
                }
            };
            if best.as_ref().is_none_or(|(known, _)| rank < *known)
                && let Some(url) = self.bases.of(node).page(&reference)
            {
                best = Some((rank, url));
            }
        }
        best.map(|(_, url)| url)
    }

    /// The address that an element of the Channel Definition Format has as an attribute.
    pub(super) fn href(&self, index: usize) -> Option<String> {
        let node = self.document.nodes.get(index)?;
        self.bases.of(node).web(&node.attribute("href")?)
    }
}
