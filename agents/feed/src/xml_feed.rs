//! What do RSS, RDF and Atom documents say?

mod media;

use std::{collections::BTreeMap, ops::Range};

use schemas::record::{Author, Kind, Record, Relation, RelationKind};
use serde_json::Value;
use url::Url;

use crate::{
    address::{Base, canonical, is_web},
    dates,
    html::line,
    ident::{self, Names},
    model::{At, Deleted, Entry, Feed, Head, NoFeed},
    person, rich,
    xml::{
        document::{Document, Node, Raw},
        names::Ns,
    },
};

/// Most values kept of what may repeat (tags, authors).
const MAX_VALUES: usize = 200;

/// Reads an RSS, RDF or Atom document that answered at `url`.
pub fn read(source: &str, url: &Url) -> Result<Feed, NoFeed> {
    let document = Document::read(source);
    let Some(root) = document.nodes.first() else {
        return Err(NoFeed::new(
            "document",
            "holds no element; a feed begins with <rss>, <rdf:RDF> or <feed>",
        ));
    };
    let format = format(&document, root)?;
    let mut reader = Reader {
        document: &document,
        bases: Bases::new(&document, Base::of(url.clone())),
        site: String::new(),
        head: Head::default(),
    };
    let (head, older) = reader.head(url);
    let site = head
        .link
        .as_ref()
        .or(head.own.as_ref())
        .and_then(|link| Url::parse(link).ok())
        .unwrap_or_else(|| url.clone());
    reader.site = host(&site);
    reader.bases = Bases::new(&document, Base::of(site));
    reader.head = head;
    let entries = reader.entries();
    let deleted = reader.deleted();
    Ok(Feed {
        format,
        encoding: "",
        entries,
        deleted,
        older,
        cut: document.cut.clone(),
        head: reader.head,
    })
}

/// The host an id is scoped by.
pub fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn format(document: &Document<'_>, root: &Node<'_>) -> Result<String, NoFeed> {
    let version = root.attribute("version");
    let named = |name: &str| match &version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    };
    match (root.ns, root.local.to_ascii_lowercase().as_str()) {
        (_, "rss") => Ok(named("rss")),
        (_, "rdf") => Ok("rdf".to_owned()),
        (Ns::Atom, "feed") if version.is_some() => Ok(named("atom")),
        (Ns::Atom, "feed" | "entry") => Ok("atom 1.0".to_owned()),
        // RSS 0.9x without its outer element.
        (Ns::Core, "channel") => Ok("rss".to_owned()),
        (_, name) if !document.entries.is_empty() => Ok(format!("unnamed, in <{name}>")),
        (_, name) => Err(NoFeed::new(
            name,
            "is not the beginning of a feed; <rss>, <rdf:RDF> or <feed> is expected",
        )),
    }
}

/// A base for every `xml:base` of a document.
struct Bases(Vec<Base>);

impl Bases {
    fn new(document: &Document<'_>, outermost: Base) -> Self {
        let mut bases: Vec<Base> = vec![outermost];
        for (parent, reference) in document.bases.iter().skip(1) {
            let parent = bases.get(*parent).cloned().unwrap_or_default();
            bases.push(parent.and(reference));
        }
        Self(bases)
    }

    fn of(&self, node: &Node<'_>) -> &Base {
        static NONE: Base = Base::none();
        self.0.get(node.base).unwrap_or(&NONE)
    }
}

struct Reader<'d, 'a> {
    document: &'d Document<'a>,
    bases: Bases,
    site: String,
    head: Head,
}

/// What stands directly in an element.
struct Inside<'d, 'a> {
    nodes: Vec<(usize, &'d Node<'a>)>,
    range: Range<usize>,
}

/// RSS's own or Atom's: both stand in both.
const PLAIN: [Ns; 2] = [Ns::Core, Ns::Atom];

impl<'d, 'a> Inside<'d, 'a> {
    fn all<'s>(&'s self, ns: &'s [Ns], local: &'s str) -> impl Iterator<Item = &'d Node<'a>> + 's {
        self.nodes
            .iter()
            .map(|(_, node)| *node)
            .filter(move |node| ns.contains(&node.ns) && node.local.eq_ignore_ascii_case(local))
    }

    fn first(&self, ns: &[Ns], local: &str) -> Option<&'d Node<'a>> {
        self.all(ns, local).next()
    }

    /// The first text among these, on one line.
    fn text(&self, names: &[(&[Ns], &str)]) -> Option<String> {
        names.iter().find_map(|(ns, local)| {
            self.all(ns, local)
                .map(|node| line(&node.text))
                .find(|text| !text.is_empty())
        })
    }
}

impl<'d, 'a> Reader<'d, 'a> {
    fn within(&self, parent: usize, range: Range<usize>) -> Inside<'d, 'a> {
        let nodes = self.document.nodes.get(range.clone()).unwrap_or_default();
        let nodes = nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.parent == Some(parent))
            .map(|(at, node)| (range.start + at, node))
            .collect();
        Inside { nodes, range }
    }

    fn inside(&self, outer: &Inside<'d, 'a>, wanted: &Node<'_>) -> Inside<'d, 'a> {
        let index = outer
            .nodes
            .iter()
            .find(|(_, node)| std::ptr::eq(*node, wanted))
            .map_or(usize::MAX, |(index, _)| *index);
        self.within(index, outer.range.clone())
    }

    /// Everything that stands in the feed itself: in its root and in `channel`.
    fn top(&self) -> Inside<'d, 'a> {
        let all = &self.document.nodes;
        let mut entries = self.document.entries.iter().peekable();
        let mut nodes = Vec::new();
        let mut at = 0;
        while let Some(node) = all.get(at) {
            if let Some(entry) = entries.next_if(|entry| entry.nodes.start <= at) {
                at = entry.nodes.end.max(at + 1);
                continue;
            }
            let top = match node.parent {
                Some(0) => true,
                Some(parent) => all.get(parent).is_some_and(|parent| {
                    parent.is(Ns::Core, "channel") && parent.parent.is_none_or(|root| root == 0)
                }),
                None => false,
            };
            if top {
                nodes.push((at, node));
            }
            at += 1;
        }
        Inside {
            nodes,
            range: 0..all.len(),
        }
    }

    fn head(&self, url: &Url) -> (Head, Option<String>) {
        let top = self.top();
        let title = |names: &[(&[Ns], &str)]| {
            names.iter().find_map(|(ns, local)| {
                top.all(ns, local)
                    .find_map(|node| rich::title(node, self.bases.of(node)))
            })
        };
        let date = |names: &[(&[Ns], &str)]| {
            names
                .iter()
                .find_map(|(ns, local)| top.first(ns, local))
                .and_then(|node| dates::claimed(&node.text))
        };
        let root_lang = self
            .document
            .nodes
            .first()
            .and_then(|root| root.lang)
            .and_then(language);
        let older = self
            .link(&top, &["next", "prev-archive"])
            .filter(|older| older != url.as_str());
        let generator = top.first(&PLAIN, "generator");
        let head = Head {
            title: title(&[(&PLAIN, "title"), (&[Ns::Dc], "title")]),
            link: self.page(&top).or_else(|| self.href(0)),
            own: self.link(&top, &["self"]),
            id: top.text(&[
                (&[Ns::Atom], "id"),
                (&[Ns::Core], "guid"),
                (&[Ns::Core], "id"),
                (&[Ns::Dc], "identifier"),
            ]),
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
            rights: title(&[
                (&PLAIN, "rights"),
                (&PLAIN, "copyright"),
                (&[Ns::Dc], "rights"),
            ]),
            generator: generator
                .map(|node| line(&node.text))
                .filter(|text| !text.is_empty()),
        };
        (head, older)
    }

    /// The first link element with one of these relations.
    fn link(&self, inside: &Inside<'d, 'a>, relations: &[&str]) -> Option<String> {
        inside.all(&PLAIN, "link").find_map(|node| {
            let relation = node.attribute("rel")?;
            let relation = relation.rsplit('/').next().unwrap_or_default();
            if !relations
                .iter()
                .any(|wanted| relation.eq_ignore_ascii_case(wanted))
            {
                return None;
            }
            self.bases.of(node).web(&node.attribute("href")?)
        })
    }

    /// The address a person would read: RSS's `link`, Atom's `alternate` (HTML before other types), else the first link of no special kind.
    fn page(&self, inside: &Inside<'d, 'a>) -> Option<String> {
        let mut best: Option<(u8, String)> = None;
        for node in inside.all(&PLAIN, "link") {
            let relation = node
                .attribute("rel")
                .unwrap_or_default()
                .to_ascii_lowercase();
            let text = node.text.trim();
            let (rank, reference) = match node.attribute("href") {
                None if !text.is_empty() => (0, text.to_owned()),
                None => continue,
                Some(href) => {
                    let html = node
                        .attribute("type")
                        .is_none_or(|kind| kind.contains("html"));
                    let relation = relation.rsplit('/').next().unwrap_or_default();
                    match relation {
                        "" | "alternate" if html => (1, href),
                        "" | "alternate" => (2, href),
                        "self" | "enclosure" | "edit" | "replies" | "hub" | "related" | "via"
                        | "next" | "prev" | "previous" | "first" | "last" | "license"
                        | "search" | "http" | "service.post" | "service.edit" | "service.feed"
                        | "prev-archive" | "next-archive" | "current" => continue,
                        _ => (3, href),
                    }
                }
            };
            if best.as_ref().is_none_or(|(known, _)| rank < *known)
                && let Some(url) = self.bases.of(node).web(&reference)
            {
                best = Some((rank, url));
            }
        }
        best.map(|(_, url)| url)
    }

    fn people(&self, inside: &Inside<'d, 'a>, local: &str) -> Vec<Author> {
        inside
            .all(&PLAIN, local)
            .filter_map(|node| self.person(inside, node))
            .take(MAX_VALUES)
            .collect()
    }

    fn person(&self, inside: &Inside<'d, 'a>, node: &'d Node<'a>) -> Option<Author> {
        if !node.markup {
            return person::written(&node.text);
        }
        let parts = self.inside(inside, node);
        let any = [Ns::Core, Ns::Atom, Ns::Other, Ns::Itunes];
        let uri = ["uri", "url", "homepage"]
            .iter()
            .find_map(|local| parts.first(&any, local))
            .and_then(|node| self.bases.of(node).web(&node.text));
        let mail = parts.text(&[(&any, "email")]);
        match parts.text(&[(&any, "name")]) {
            // `Example Desk (desk@example.org)` as a name.
            Some(name) if mail.is_none() => person::written(&name)
                .map(|author| Author {
                    id: uri.clone(),
                    ..author
                })
                .or_else(|| person::of(Some(name), None, uri)),
            name => person::of(name, mail, uri),
        }
    }

    fn authors(&self, inside: &Inside<'d, 'a>) -> Vec<Author> {
        let mut authors = self.people(inside, "author");
        for (ns, local) in [
            (Ns::Dc, "creator"),
            (Ns::Dc, "author"),
            (Ns::Itunes, "author"),
        ] {
            if authors.is_empty() {
                authors = inside
                    .all(&[ns], local)
                    .filter_map(|node| person::written(&node.text))
                    .take(MAX_VALUES)
                    .collect();
            }
        }
        authors
    }

    fn author(&self, inside: &Inside<'d, 'a>, of_feed: bool) -> Option<Author> {
        let author = self.authors(inside).into_iter().next();
        let editor = || {
            inside
                .text(&[(&[Ns::Core], "managingEditor")])
                .and_then(|text| person::written(&text))
        };
        author.or_else(|| of_feed.then(editor).flatten())
    }

    fn entries(&self) -> Vec<Entry> {
        let drafts: Vec<(Record, Names)> = self
            .document
            .entries
            .iter()
            .map(|entry| self.draft(entry))
            .collect();
        let (records, names): (Vec<Record>, Vec<Names>) = drafts.into_iter().unzip();
        let ids = ident::ids(&self.site, &names);
        let local = |entry: &Raw| {
            self.document
                .nodes
                .get(entry.nodes.start)
                .map_or("item", |node| {
                    if node.local.eq_ignore_ascii_case("entry") {
                        "entry"
                    } else {
                        "item"
                    }
                })
        };
        let entry =
            |(index, ((mut record, id), raw)): (usize, ((Record, Option<String>), &Raw))| {
                let id = id.ok_or_else(|| {
                    "says nothing: no id, address, title, text, date, author, picture or tag"
                        .to_owned()
                });
                Entry {
                    at: At::Element(local(raw), index),
                    record: id.map(|id| {
                        record.id = id;
                        record
                    }),
                }
            };
        records
            .into_iter()
            .zip(ids)
            .zip(&self.document.entries)
            .enumerate()
            .map(entry)
            .collect()
    }

    fn draft(&self, entry: &Raw) -> (Record, Names) {
        let inside = self.within(entry.nodes.start, entry.nodes.start + 1..entry.nodes.end);
        let mut record = Record::new(Kind::Article, crate::PLATFORM, "");
        let guid = self.guid(&inside, entry);
        let address = self.address(&inside, entry);
        let address = address.or_else(|| {
            let node = inside.first(&[Ns::Core], "guid")?;
            let permalink = node
                .attribute("isPermaLink")
                .is_none_or(|value| !value.eq_ignore_ascii_case("false"));
            permalink
                .then(|| Url::parse(node.text.trim()).ok().filter(is_web))
                .flatten()
        });
        record.title = [
            (PLAIN.as_slice(), "title"),
            (&[Ns::Dc], "title"),
            (&[Ns::Media], "title"),
            (&[Ns::Itunes], "title"),
        ]
        .iter()
        .find_map(|(ns, local)| {
            inside
                .all(ns, local)
                .find_map(|node| rich::title(node, self.bases.of(node)))
        });
        let lang = self.body(&inside, &mut record);
        self.language(&inside, lang, &mut record);
        self.people_of(&inside, &mut record);
        self.dates(&inside, &mut record);
        record.tags = self.tags(&inside);
        media::collect(self, &inside, &mut record);
        self.rest(&inside, &mut record);
        if entry.repaired {
            record
                .extra
                .insert("volatile_repaired".to_owned(), Value::Bool(true));
        }
        if let Some(outlet) = &self.head.title {
            record
                .extra
                .insert("volatile_outlet".to_owned(), Value::String(outlet.clone()));
        }
        let full = address.as_ref().map(|url| {
            let mut full = canonical(url.clone());
            full.set_fragment(url.fragment());
            String::from(full)
        });
        record.url = address.map(|url| String::from(canonical(url)));
        let names = Names::of(guid, full, &record, self.head.author.as_ref());
        (record, names)
    }

    fn guid(&self, inside: &Inside<'d, 'a>, entry: &Raw) -> Option<String> {
        let own = [(Ns::Core, "guid"), (Ns::Atom, "id"), (Ns::Core, "id")];
        let text = own.iter().find_map(|(ns, local)| {
            inside
                .all(&[*ns], local)
                .map(|node| node.text.trim())
                .find(|text| !text.is_empty())
        });
        let about = || {
            self.document.nodes.get(entry.nodes.start).and_then(|node| {
                node.attribute("rdf:about")
                    .or_else(|| node.attribute("about"))
            })
        };
        let identifier = || inside.text(&[(&[Ns::Dc], "identifier")]);
        text.map(str::to_owned).or_else(about).or_else(identifier)
    }

    fn address(&self, inside: &Inside<'d, 'a>, entry: &Raw) -> Option<Url> {
        let original = inside
            .first(&[Ns::Feedburner], "origLink")
            .and_then(|node| self.bases.of(node).web(&node.text));
        original
            .or_else(|| self.page(inside))
            .or_else(|| self.href(entry.nodes.start))
            .and_then(|url| Url::parse(&url).ok())
    }

    /// The address that an element of the Channel Definition Format has as an attribute.
    fn href(&self, index: usize) -> Option<String> {
        let node = self.document.nodes.get(index)?;
        self.bases.of(node).web(&node.attribute("href")?)
    }

    /// Text, links, pictures and summary. Returns the language of the body.
    fn body(&self, inside: &Inside<'d, 'a>, record: &mut Record) -> Option<&'a str> {
        let read = |names: &[(&[Ns], &str)]| {
            names.iter().find_map(|(ns, local)| {
                inside.all(ns, local).find_map(|node| {
                    rich::body(node, self.bases.of(node)).map(|plain| (plain, node.lang))
                })
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
                let summary = summary
                    .map(|(plain, _)| plain.text)
                    .filter(|text| !text.is_empty() && *text != body.text);
                if let Some(summary) = summary {
                    record
                        .extra
                        .insert("summary".to_owned(), Value::String(summary));
                }
                (body, lang)
            }
            (None, Some((body, lang))) => {
                record
                    .extra
                    .insert("summary_only".to_owned(), Value::Bool(true));
                (body, lang)
            }
            (None, None) => return None,
        };
        if body.cut {
            record
                .extra
                .insert("text_cut".to_owned(), Value::Bool(true));
        }
        record.text = (!body.text.is_empty()).then_some(body.text);
        record.links = body.links;
        record.media = body.media;
        lang
    }

    /// What the body says of itself, else `dc:language`, else what is inherited, else the feed's.
    fn language(&self, inside: &Inside<'d, 'a>, lang: Option<&str>, record: &mut Record) {
        let inherited = self.document.nodes.first().and_then(|root| root.lang);
        let own = lang.filter(|_| lang != inherited).and_then(language);
        let said = || {
            inside
                .text(&[(&[Ns::Dc], "language"), (&[Ns::Core], "language")])
                .and_then(|tag| language(&tag))
        };
        let own = own.or_else(said).or_else(|| {
            inside
                .nodes
                .first()
                .and_then(|(_, node)| node.lang)
                .and_then(language)
        });
        record.language = own.or_else(|| self.head.language.clone());
    }

    fn people_of(&self, inside: &Inside<'d, 'a>, record: &mut Record) {
        let mut authors = self.authors(inside);
        if authors.is_empty()
            && let Some(source) = inside.first(&[Ns::Atom], "source")
        {
            authors = self.authors(&self.inside(inside, source));
        }
        if authors.len() > 1 {
            let names = authors
                .iter()
                .filter_map(|author| author.name.clone().or_else(|| author.handle.clone()))
                .map(Value::String)
                .collect();
            record
                .extra
                .insert("authors".to_owned(), Value::Array(names));
        }
        record.author = authors
            .into_iter()
            .next()
            .or_else(|| self.head.author.clone());
    }

    fn dates(&self, inside: &Inside<'d, 'a>, record: &mut Record) {
        let date = |names: &[(&[Ns], &str)]| {
            names.iter().find_map(|(ns, local)| {
                inside
                    .all(ns, local)
                    .find_map(|node| dates::claimed(&node.text))
            })
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

    fn tags(&self, inside: &Inside<'d, 'a>) -> Vec<String> {
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
                (Ns::Itunes | Ns::Media, "keywords") => {
                    node.text.split(',').for_each(|word| add(line(word)))
                }
                _ => {}
            }
        }
        tags
    }

    /// Counters, place, relations and what has no field of its own.
    fn rest(&self, inside: &Inside<'d, 'a>, record: &mut Record) {
        let number =
            |names: &[(&[Ns], &str)]| inside.text(names).and_then(|text| text.parse::<u64>().ok());
        if let Some(replies) = number(&[(&[Ns::Slash], "comments"), (&[Ns::Thr], "total")]) {
            record.metrics.insert("replies".to_owned(), replies);
        }
        record.place = self.place(inside);
        for node in inside.all(&[Ns::Thr], "in-reply-to") {
            let to = node
                .attribute("href")
                .and_then(|href| self.bases.of(node).web(&href));
            let to = to.or_else(|| {
                node.attribute("ref")
                    .map(|id| ident::scoped(&self.site, &id))
            });
            record.relations.extend(to.map(|to| Relation {
                kind: RelationKind::ReplyTo,
                to,
            }));
        }
        for node in inside.all(&[Ns::Atom], "link") {
            let relation = node
                .attribute("rel")
                .unwrap_or_default()
                .to_ascii_lowercase();
            let further = relation.ends_with("related")
                || relation.ends_with("via")
                || relation.contains("://");
            if let Some(href) = node
                .attribute("href")
                .filter(|_| further)
                .and_then(|href| self.bases.of(node).web(&href))
                && !relation.ends_with("enclosure")
                && !record.links.contains(&href)
            {
                record.links.push(href);
            }
        }
        let mut extra: BTreeMap<&str, Option<String>> = BTreeMap::new();
        let web = |node: &Node<'_>| self.bases.of(node).web(&node.text);
        extra.insert(
            "comments_url",
            inside.first(&[Ns::Core], "comments").and_then(web),
        );
        extra.insert(
            "comments_feed",
            inside.first(&[Ns::Wfw], "commentRss").and_then(web),
        );
        extra.insert("duration", inside.text(&[(&[Ns::Itunes], "duration")]));
        let rights = |node: &'d Node<'a>| rich::title(node, self.bases.of(node));
        extra.insert(
            "rights",
            inside
                .first(&PLAIN, "rights")
                .or_else(|| inside.first(&[Ns::Dc], "rights"))
                .and_then(rights),
        );
        if let Some(source) = inside.first(&PLAIN, "source") {
            let parts = self.inside(inside, source);
            let title = parts
                .first(&PLAIN, "title")
                .and_then(|node| rich::title(node, self.bases.of(node)));
            extra.insert(
                "source_title",
                title.or_else(|| Some(line(&source.text)).filter(|text| !text.is_empty())),
            );
            let url = source
                .attribute("url")
                .and_then(|url| self.bases.of(source).web(&url));
            extra.insert(
                "source_url",
                url.or_else(|| self.page(&parts))
                    .or_else(|| self.link(&parts, &["self"])),
            );
        }
        for (key, value) in extra {
            if let Some(value) = value {
                record.extra.insert(key.to_owned(), Value::String(value));
            }
        }
    }

    fn place(&self, inside: &Inside<'d, 'a>) -> Option<String> {
        let named = inside.text(&[
            (&[Ns::Geo], "featurename"),
            (&[Ns::Geo], "point"),
            (&[Ns::Dc], "coverage"),
        ]);
        let pair = || {
            Some(format!(
                "{} {}",
                inside.text(&[(&[Ns::Geo], "lat")])?,
                inside.text(&[(&[Ns::Geo], "long")])?
            ))
        };
        let nested = || {
            // `georss:where`, `gml:Point`, `gml:pos`, or the same without the outer one.
            let inner = self
                .document
                .nodes
                .get(inside.range.clone())?
                .iter()
                .find(|node| node.is(Ns::Geo, "pos"))?;
            Some(line(&inner.text)).filter(|text| !text.is_empty())
        };
        named.or_else(pair).or_else(nested)
    }

    fn deleted(&self) -> Vec<Deleted> {
        let top = self.top();
        let mut found = Vec::new();
        for node in top.all(&[Ns::At], "deleted-entry") {
            let Some(id) = node.attribute("ref") else {
                continue;
            };
            let comment = self.inside(&top, node).text(&[(&[Ns::At], "comment")]);
            let why = match (comment, node.attribute("when")) {
                (Some(comment), _) => comment,
                (None, Some(when)) => format!("the feed lists it as deleted on {when}"),
                (None, None) => "the feed lists it as deleted".to_owned(),
            };
            found.push(Deleted {
                at: At::Element("deleted-entry", found.len()),
                id: ident::scoped(&self.site, &id),
                why,
            });
        }
        found
    }
}

/// A language tag as declared; nothing where it cannot be one.
pub fn language(tag: &str) -> Option<String> {
    let tag = tag.trim();
    let plausible = (2..=35).contains(&tag.len())
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    plausible.then(|| tag.to_owned())
}
