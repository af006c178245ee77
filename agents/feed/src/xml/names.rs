//! Which vocabulary does an element belong to?

/// Vocabularies that occur in feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ns {
    /// RSS of every version, and elements without a namespace.
    Core,
    /// Atom 0.3 and 1.0; in a document whose root is `feed` also elements without a namespace.
    Atom,
    /// RDF.
    Rdf,
    /// Dublin Core, elements and terms.
    Dc,
    /// RSS 1.0 content module.
    Content,
    /// Media RSS.
    Media,
    /// Podcasts.
    Itunes,
    /// RSS 1.0 slash module.
    Slash,
    /// Well-formed web.
    Wfw,
    /// `GeoRSS`, GML and W3C geo.
    Geo,
    /// `FeedBurner`.
    Feedburner,
    /// RSS 1.0 syndication module.
    Sy,
    /// Atom threading (RFC 4685).
    Thr,
    /// Atom tombstones (RFC 6721).
    At,
    /// PRISM.
    Prism,
    /// XHTML.
    Xhtml,
    /// Anything else.
    Other,
}

/// By namespace name, without scheme, case, trailing `/` and `#`: all of these vary in the wild.
const BY_URI: &[(&str, Ns)] = &[
    ("www.w3.org/2005/atom", Ns::Atom),
    ("purl.org/atom/ns", Ns::Atom),
    ("example.com/newformat", Ns::Atom),
    ("purl.org/rss/1.0", Ns::Core),
    ("my.netscape.com/rdf/simple/0.9", Ns::Core),
    ("channel.netscape.com/rdf/simple/0.9", Ns::Core),
    ("backend.userland.com/rss", Ns::Core),
    ("backend.userland.com/rss2", Ns::Core),
    ("blogs.law.harvard.edu/tech/rss", Ns::Core),
    ("www.w3.org/1999/02/22-rdf-syntax-ns", Ns::Rdf),
    ("purl.org/dc/elements/1.0", Ns::Dc),
    ("purl.org/dc/elements/1.1", Ns::Dc),
    ("purl.org/dc/terms", Ns::Dc),
    ("purl.org/rss/1.0/modules/dcterms", Ns::Dc),
    ("purl.org/rss/1.0/modules/content", Ns::Content),
    ("search.yahoo.com/mrss", Ns::Media),
    ("tools.search.yahoo.com/mrss", Ns::Media),
    ("video.search.yahoo.com/mrss", Ns::Media),
    ("www.itunes.com/dtds/podcast-1.0.dtd", Ns::Itunes),
    ("www.itunes.com/dtds/podcast", Ns::Itunes),
    ("www.itunes.com/dtds/podcast-1.0", Ns::Itunes),
    ("example.com/dtds/podcast-1.0.dtd", Ns::Itunes),
    ("purl.org/rss/1.0/modules/slash", Ns::Slash),
    ("wellformedweb.org/commentapi", Ns::Wfw),
    ("www.georss.org/georss", Ns::Geo),
    ("www.opengis.net/gml", Ns::Geo),
    ("www.w3.org/2003/01/geo/wgs84_pos", Ns::Geo),
    ("rssnamespace.org/feedburner/ext/1.0", Ns::Feedburner),
    ("purl.org/rss/1.0/modules/syndication", Ns::Sy),
    ("purl.org/syndication/thread/1.0", Ns::Thr),
    ("purl.org/atompub/tombstones/1.0", Ns::At),
    ("prismstandard.org/namespaces/basic/2.0", Ns::Prism),
    ("prismstandard.org/namespaces/1.2/basic", Ns::Prism),
    ("www.w3.org/1999/xhtml", Ns::Xhtml),
];

/// By prefix, where it is not declared or its namespace is unknown.
const BY_PREFIX: &[(&str, Ns)] = &[
    ("atom", Ns::Atom),
    ("a10", Ns::Atom),
    ("rss", Ns::Core),
    ("rdf", Ns::Rdf),
    ("dc", Ns::Dc),
    ("dcterms", Ns::Dc),
    ("dct", Ns::Dc),
    ("content", Ns::Content),
    ("media", Ns::Media),
    ("itunes", Ns::Itunes),
    ("slash", Ns::Slash),
    ("wfw", Ns::Wfw),
    ("georss", Ns::Geo),
    ("gml", Ns::Geo),
    ("geo", Ns::Geo),
    ("feedburner", Ns::Feedburner),
    ("sy", Ns::Sy),
    ("thr", Ns::Thr),
    ("at", Ns::At),
    ("prism", Ns::Prism),
    ("xhtml", Ns::Xhtml),
];

/// The vocabulary of a namespace name, if it is a known one.
fn by_uri(uri: &str) -> Option<Ns> {
    let uri = uri.trim();
    let bare = uri.split_once("://").map_or(uri, |(_, rest)| rest).trim_end_matches(['/', '#', '=']);
    BY_URI.iter().find(|(known, _)| known.eq_ignore_ascii_case(bare)).map(|(_, ns)| *ns)
}

fn by_prefix(prefix: &str) -> Ns {
    BY_PREFIX.iter().find(|(known, _)| known.eq_ignore_ascii_case(prefix)).map_or(Ns::Other, |(_, ns)| *ns)
}

/// Declarations in force, innermost last.
#[derive(Default)]
pub struct Scopes<'a> {
    declared: Vec<(usize, &'a str, Ns)>,
}

impl<'a> Scopes<'a> {
    /// Takes note of a declaration made `depth` elements deep; an empty prefix is the default namespace.
    pub fn declare(&mut self, depth: usize, prefix: &'a str, uri: &str) {
        // An empty or unknown default namespace says nothing about what the elements mean: feeds get it wrong too often.
        let ns = by_uri(uri).unwrap_or_else(|| if prefix.is_empty() { Ns::Core } else { by_prefix(prefix) });
        self.declared.push((depth, prefix, ns));
    }

    /// Forgets what was declared `depth` elements deep or deeper.
    pub fn leave(&mut self, depth: usize) {
        while self.declared.last().is_some_and(|(at, ..)| *at >= depth) {
            self.declared.pop();
        }
    }

    /// The vocabulary and local name of an element as written.
    pub fn resolve<'n>(&self, name: &'n str) -> (Ns, &'n str) {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let declared = self.declared.iter().rev().find(|(_, known, _)| *known == prefix).map(|(.., ns)| *ns);
        let ns = declared.unwrap_or_else(|| if prefix.is_empty() { Ns::Core } else { by_prefix(prefix) });
        (ns, local)
    }
}
