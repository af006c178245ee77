//! What do RSS, RDF and Atom documents say?

mod content;
mod head;
mod inside;
mod media;
mod people;

use schemas::record::{Kind, Record};
use url::Url;

use crate::{
    address::{Base, canonical, is_web, site_behind},
    ident::{self, Names},
    model::{At, Deleted, Entry, Feed, Head, NoFeed},
    rich,
    xml::{
        document::{Document, Node, Raw},
        names::Ns,
    },
};
use inside::{Inside, PLAIN};

/// Most values kept of what may repeat (tags, authors).
const MAX_VALUES: usize = 200;

/// Reads an RSS, RDF or Atom document that answered at `url`, and tells its entries.
pub fn read(source: &str, url: &Url, tell: &mut dyn FnMut(Entry)) -> Result<Feed, NoFeed> {
    let document = Document::read(source);
    let Some(root) = document.nodes.first() else {
        return Err(NoFeed::new("document", "holds no element; a feed begins with <rss>, <rdf:RDF> or <feed>"));
    };
    let format = format(&document, root)?;
    let mut reader = Reader {
        document: &document,
        bases: Bases::new(&document, Base::of(url.clone())),
        site: String::new(),
        head: Head::default(),
    };
    let (head, older) = reader.head(url);
    let site =
        head.link.as_ref().or(head.own.as_ref()).and_then(|link| Url::parse(link).ok()).unwrap_or_else(|| url.clone());
    let site = site_behind(site);
    reader.site = host(&site);
    reader.bases = Bases::new(&document, Base::of(site));
    reader.head = head;
    reader.entries(tell);
    let deleted = reader.deleted();
    Ok(Feed { format, encoding: "", deleted, older, cut: document.cut.clone(), head: reader.head })
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
        (_, name) => Err(NoFeed::new(name, "is not the beginning of a feed; <rss>, <rdf:RDF> or <feed> is expected")),
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

impl<'d, 'a> Reader<'d, 'a> {
    /// Tells all entries. Each is looked at twice: what names it depends on what names the others, but nobody has to keep what else they all say.
    fn entries(&self, tell: &mut dyn FnMut(Entry)) {
        let local = |entry: &Raw| {
            self.document
                .nodes
                .get(entry.nodes.start)
                .map_or("item", |node| if node.local.eq_ignore_ascii_case("entry") { "entry" } else { "item" })
        };
        let names: Vec<Names> = self.document.entries.iter().map(|entry| self.names(entry)).collect();
        let ids = ident::ids(&self.site, &names);
        for (index, ((entry, names), id)) in self.document.entries.iter().zip(names).zip(ids).enumerate() {
            let record = match id {
                Some(id) => Ok(Record { id, ..self.record(entry, names.url.as_deref()) }),
                None => Err("says nothing: no id, address, title, text, date, author, picture or tag".to_owned()),
            };
            tell(Entry { at: At::Element(local(entry), index), record });
        }
    }

    fn names(&self, entry: &Raw) -> Names {
        let inside = self.inside_of(entry);
        let guid = self.guid(&inside, entry);
        let address = self.address(&inside, entry);
        let address = address.or_else(|| {
            let node = inside.first(&[Ns::Core], "guid")?;
            let permalink = node.attribute("isPermaLink").is_none_or(|value| !value.eq_ignore_ascii_case("false"));
            permalink.then(|| Url::parse(node.text.trim()).ok().filter(is_web)).flatten()
        });
        let full = address.map(|url| {
            let fragment = url.fragment().map(str::to_owned);
            let mut url = canonical(url);
            url.set_fragment(fragment.as_deref());
            String::from(url)
        });
        let record = match (&guid, &full) {
            (Some(_), Some(_)) => Record::new(Kind::Article, crate::PLATFORM, ""),
            (None, None) => self.record(entry, None),
            _ => Record { title: self.title(&inside), ..Record::new(Kind::Article, crate::PLATFORM, "") },
        };
        Names::of(guid, full, &record, self.head.author.as_ref())
    }

    /// What an entry says, but for its id; `full` is its address with the fragment.
    fn record(&self, entry: &Raw, full: Option<&str>) -> Record {
        let inside = self.inside_of(entry);
        let mut record = Record::new(Kind::Article, crate::PLATFORM, "");
        record.title = self.title(&inside);
        let lang = self.body(&inside, &mut record);
        self.language(&inside, lang, &mut record);
        self.people_of(&inside, &mut record);
        self.dates(&inside, &mut record);
        record.tags = self.tags(&inside);
        media::collect(self, &inside, &mut record);
        self.rest(&inside, &mut record);
        if entry.repaired {
            record.set_extra("volatile_repaired", true);
        }
        if let Some(outlet) = &self.head.title {
            record.set_extra("volatile_outlet", outlet.clone());
        }
        record.url = full.and_then(|full| full.split('#').next()).map(str::to_owned);
        record
    }

    fn inside_of(&self, entry: &Raw) -> Inside<'d, 'a> {
        self.within(entry.nodes.start, entry.nodes.start + 1..entry.nodes.end)
    }

    fn title(&self, inside: &Inside<'d, 'a>) -> Option<String> {
        [(PLAIN.as_slice(), "title"), (&[Ns::Dc], "title"), (&[Ns::Media], "title"), (&[Ns::Itunes], "title")]
            .iter()
            .find_map(|(ns, local)| inside.all(ns, local).find_map(|node| rich::title(node, self.bases.of(node))))
    }

    fn guid(&self, inside: &Inside<'d, 'a>, entry: &Raw) -> Option<String> {
        let own = [(Ns::Core, "guid"), (Ns::Atom, "id"), (Ns::Core, "id")];
        let text = own.iter().find_map(|(ns, local)| {
            inside.all(&[*ns], local).map(|node| node.text.trim()).find(|text| !text.is_empty())
        });
        let about = || {
            self.document
                .nodes
                .get(entry.nodes.start)
                .and_then(|node| node.attribute("rdf:about").or_else(|| node.attribute("about")))
        };
        let identifier = || inside.text(&[(&[Ns::Dc], "identifier")]);
        text.map(str::to_owned).or_else(about).or_else(identifier)
    }

    fn address(&self, inside: &Inside<'d, 'a>, entry: &Raw) -> Option<Url> {
        let original =
            inside.first(&[Ns::Feedburner], "origLink").and_then(|node| self.bases.of(node).page(&node.text));
        let own = || self.href(entry.nodes.start).and_then(|url| Url::parse(&url).ok());
        original.or_else(|| self.page(inside)).or_else(own)
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
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    plausible.then(|| tag.to_owned())
}
