//! What elements does a feed document hold, and which of them belong to which entry?
//!
//! One pass over the tokens into a flat list of elements. Markup inside bodies makes no elements: it stays a slice of the source. What
//! cannot be right is mended where it stands, so that it costs the entry it is in and no other:
//!
//! - An end tag closes the nearest open element of its name, and whatever was left open inside it. Without one it is ignored.
//! - A new entry closes one that is still open; so does an element that can only stand beside the open one.
//! - A CDATA section that swallowed its element's end tag ends there.
//! - A document that ends early is `cut`; an entry it ends in is not one.

use std::{borrow::Cow, ops::Range};

use memchr::memmem;

use super::{
    entity,
    names::{Ns, Scopes},
    token::{Attributes, Tag, Token, Tokens, attribute, slice},
};

/// How deep elements may nest. Deeper ones are read as if they were not there, their text as their parent's.
const MAX_DEPTH: usize = 200;

/// One element of a feed that is not body markup.
#[derive(Debug)]
pub struct Node<'a> {
    /// Vocabulary.
    pub ns: Ns,
    /// Name without prefix, as written.
    pub local: &'a str,
    /// Inside of its start tag, as written.
    pub attributes: &'a str,
    /// Its own text, decoded once; without that of child elements.
    pub text: Cow<'a, str>,
    /// Everything between its tags, as written.
    pub inner: &'a str,
    /// True if there were tags in it.
    pub markup: bool,
    /// The element it stands in.
    pub parent: Option<usize>,
    /// Which of the document's bases its addresses are relative to.
    pub base: usize,
    /// Nearest `xml:lang`; empty where it was unset.
    pub lang: Option<&'a str>,
}

impl<'a> Node<'a> {
    /// True for this vocabulary and local name, whatever the case of the latter.
    pub fn is(&self, ns: Ns, local: &str) -> bool {
        self.ns == ns && self.local.eq_ignore_ascii_case(local)
    }

    /// The first attribute of this name, decoded and trimmed; absent where empty.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let value = attribute(self.attributes, name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }
}

/// An entry: where its elements lie, itself first.
#[derive(Debug)]
pub struct Raw {
    /// Its elements in [`Document::nodes`].
    pub nodes: Range<usize>,
    /// True where tags had to be closed or dropped to read it.
    pub repaired: bool,
}

/// A feed document, taken apart.
#[derive(Debug, Default)]
pub struct Document<'a> {
    /// Every element, in order.
    pub nodes: Vec<Node<'a>>,
    /// Every entry, in order.
    pub entries: Vec<Raw>,
    /// Every `xml:base`: the one it is relative to, and its text. The first one stands for the document's own address.
    pub bases: Vec<(usize, Cow<'a, str>)>,
    /// What is missing at the end, for people.
    pub cut: Option<String>,
}

impl<'a> Document<'a> {
    /// Reads a document.
    pub fn read(source: &'a str) -> Self {
        let mut builder = Builder {
            source,
            tokens: Tokens::new(source),
            document: Document { bases: vec![(0, Cow::Borrowed(""))], ..Document::default() },
            open: Vec::new(),
            scopes: Scopes::default(),
            entry: None,
            repaired: false,
            root: None,
            root_closed: false,
        };
        builder.run();
        builder.document
    }
}

struct Open<'a> {
    name: &'a str,
    /// Its element; none inside body markup.
    node: Option<usize>,
    /// Where its content begins.
    begins: usize,
    base: usize,
    lang: Option<&'a str>,
    /// Its content is body markup.
    body: bool,
}

struct Builder<'a> {
    source: &'a str,
    tokens: Tokens<'a>,
    document: Document<'a>,
    open: Vec<Open<'a>>,
    scopes: Scopes<'a>,
    /// Depth of the open entry and its element.
    entry: Option<(usize, usize)>,
    repaired: bool,
    root: Option<Ns>,
    root_closed: bool,
}

impl<'a> Builder<'a> {
    fn run(&mut self) {
        loop {
            let start = self.tokens.position();
            let Some(token) = self.tokens.next() else {
                break;
            };
            match token {
                Token::Text(text) => self.text(entity::decode(text)),
                Token::CData(text, closed) => self.cdata(start, text, closed),
                Token::Start(tag) => self.start(tag, start),
                Token::End(name) => self.end(name, start),
                Token::Other(_) => {}
            }
        }
        if self.tokens.is_cut() || !self.root_closed {
            let place = if self.entry.is_some() {
                format!("the feed ends inside entry {}, which is left out", self.document.entries.len())
            } else if self.open.is_empty() && self.root.is_none() {
                "the document holds no element".to_owned()
            } else {
                "the feed ends before its last end tag".to_owned()
            };
            self.document.cut = Some(place);
        }
        // An entry still open is not listed.
        self.close_to(0, self.source.len(), false);
    }

    fn text(&mut self, text: Cow<'a, str>) {
        let Some(node) = self.open.last().and_then(|open| open.node) else {
            return;
        };
        let Some(node) = self.document.nodes.get_mut(node) else {
            return;
        };
        if (node.text.is_empty() || node.markup) && text.trim_ascii().is_empty() {
            return;
        }
        if node.text.is_empty() {
            node.text = text;
        } else {
            node.text.to_mut().push_str(&text);
        }
    }

    fn cdata(&mut self, start: usize, text: &'a str, closed: bool) {
        let nested = memmem::find(text.as_bytes(), b"<![CDATA[");
        if (!closed || nested.is_some())
            && let Some(open) = self.open.last()
        {
            let end_tag = format!("</{}>", open.name);
            if let Some(at) = memmem::find(text.as_bytes(), end_tag.as_bytes())
                && nested.is_none_or(|nested| at < nested)
            {
                self.tokens.seek(start + 9 + at);
                self.repaired = true;
                self.text(Cow::Borrowed(slice(text, 0, at)));
                return;
            }
        }
        self.text(Cow::Borrowed(text));
    }

    fn start(&mut self, tag: Tag<'a>, start: usize) {
        let in_body = self.open.last().is_some_and(|open| open.body);
        if in_body && !self.leaves_body(tag.name, start) {
            return self.body_markup(tag);
        }
        self.element(tag, start);
    }

    /// Inside a body only what cannot be its markup is looked at: the next entry, or a sibling of a body that was never closed.
    fn leaves_body(&mut self, name: &'a str, start: usize) -> bool {
        let (ns, local) = self.scopes.resolve(name);
        let Some((depth, _)) = self.entry else {
            // A feed's own description that was never closed must not swallow the entries.
            let body = self.open.iter().position(|open| open.body).filter(|_| is_entry(ns, local));
            if let Some(body) = body {
                self.close_to(body, start, true);
            }
            return body.is_some();
        };
        let entry = is_entry(ns, local) && self.open.get(depth).is_some_and(|open| open.name == name);
        if entry {
            self.repaired = true;
            self.close_to(depth, start, true);
            return true;
        }
        // RSS only: Atom bodies may hold any XML.
        let never_markup = self.root == Some(Ns::Core)
            && match ns {
                Ns::Core => matches!(local, "pubDate" | "guid" | "enclosure"),
                Ns::Dc | Ns::Content => true,
                _ => false,
            };
        if never_markup {
            self.repaired = true;
            self.close_to(depth + 1, start, true);
        }
        never_markup
    }

    fn body_markup(&mut self, tag: Tag<'a>) {
        let Some(last) = self.open.last() else { return };
        let (base, lang) = (last.base, last.lang);
        if let Some(node) =
            self.open.iter().rev().find_map(|open| open.node).and_then(|node| self.document.nodes.get_mut(node))
        {
            node.markup = true;
        }
        if !tag.empty && self.open.len() < MAX_DEPTH {
            self.open.push(Open { name: tag.name, node: None, begins: self.tokens.position(), base, lang, body: true });
        }
    }

    fn element(&mut self, tag: Tag<'a>, start: usize) {
        self.declare(tag.attributes);
        let (mut ns, local) = self.scopes.resolve(tag.name);
        if self.root.is_none() {
            self.root = Some(if local.eq_ignore_ascii_case("feed") { Ns::Atom } else { Ns::Core });
        }
        if ns == Ns::Core && self.root == Some(Ns::Atom) {
            ns = Ns::Atom;
        }
        let entry = is_entry(ns, local);
        if let Some(keep) = self.never_closed(ns, local, entry) {
            self.repaired = true;
            self.close_to(keep, start, true);
            self.declare(tag.attributes);
        }
        self.mark_parent();
        let (mut base, mut lang) = self.open.last().map_or((0, None), |open| (open.base, open.lang));
        for (name, value) in Attributes(tag.attributes) {
            if name.eq_ignore_ascii_case("xml:base") {
                self.document.bases.push((base, entity::decode(value)));
                base = self.document.bases.len() - 1;
            } else if name.eq_ignore_ascii_case("xml:lang") {
                lang = Some(value.trim());
            }
        }
        let parent = self.open.last().and_then(|open| open.node);
        let node = self.document.nodes.len();
        self.document.nodes.push(Node {
            ns,
            local,
            attributes: tag.attributes,
            text: Cow::Borrowed(""),
            inner: "",
            markup: false,
            parent,
            base,
            lang,
        });
        if self.open.len() < MAX_DEPTH {
            if entry && self.entry.is_none() {
                self.repaired = false;
                self.entry = Some((self.open.len(), node));
            }
            let body = is_body(ns, local);
            self.open.push(Open { name: tag.name, node: Some(node), begins: self.tokens.position(), base, lang, body });
            if tag.empty {
                self.close_to(self.open.len() - 1, start, true);
            }
        }
    }

    fn mark_parent(&mut self) {
        if let Some(node) =
            self.open.last().and_then(|open| open.node).and_then(|node| self.document.nodes.get_mut(node))
        {
            node.markup = true;
        }
    }

    fn declare(&mut self, attributes: &'a str) {
        for (name, value) in Attributes(attributes) {
            if name == "xmlns" {
                self.scopes.declare(self.open.len(), "", value);
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                self.scopes.declare(self.open.len(), prefix, value);
            }
        }
    }

    /// How many elements stay open where an element begins that cannot stand inside the last ones: the next entry, or
    /// `<title>Ferry <pubDate>…`, another element of an item inside one that holds text only.
    fn never_closed(&self, ns: Ns, local: &str, is_entry: bool) -> Option<usize> {
        let (depth, entry) = self.entry?;
        if is_entry {
            // In Atom, entries inside a foreign element (`gd:entryLink`) are that element's.
            let foreign = self.open.iter().skip(depth + 1).any(|open| open.name.contains(':'));
            return (self.root != Some(Ns::Atom) || !foreign).then_some(depth);
        }
        let parent = self.document.nodes.get(self.open.last()?.node?)?;
        let text_only = matches!(parent.ns, Ns::Core | Ns::Dc)
            && matches!(
                parent.local,
                "title" | "link" | "guid" | "pubDate" | "date" | "creator" | "category" | "comments" | "author"
            );
        let of_an_item = match ns {
            Ns::Core => matches!(
                local,
                "title"
                    | "link"
                    | "guid"
                    | "pubDate"
                    | "description"
                    | "category"
                    | "enclosure"
                    | "comments"
                    | "author"
            ),
            Ns::Dc | Ns::Content => true,
            _ => false,
        };
        let mends = self.root == Some(Ns::Core) && text_only && of_an_item && parent.parent == Some(entry);
        mends.then(|| self.open.len() - 1)
    }

    fn end(&mut self, name: &str, start: usize) {
        let position = self
            .open
            .iter()
            .rposition(|open| open.name == name)
            .or_else(|| self.open.iter().rposition(|open| open.name.eq_ignore_ascii_case(name)));
        match position {
            Some(at) => {
                self.repaired |= at + 1 < self.open.len();
                self.close_to(at, start, true);
                self.root_closed |= at == 0;
            }
            None => self.repaired = true,
        }
    }

    /// Closes what is open deeper than `depth`; an entry among it is listed if it is `whole`.
    fn close_to(&mut self, depth: usize, at: usize, whole: bool) {
        while self.open.len() > depth {
            let Some(open) = self.open.pop() else { return };
            self.scopes.leave(self.open.len());
            if let Some(node) = open.node.and_then(|node| self.document.nodes.get_mut(node)) {
                node.inner = slice(self.source, open.begins.min(at), at);
            }
            if let Some((depth, first)) = self.entry
                && depth == self.open.len()
            {
                self.entry = None;
                if whole {
                    self.document
                        .entries
                        .push(Raw { nodes: first..self.document.nodes.len(), repaired: self.repaired });
                }
            }
        }
    }
}

/// True for what makes an entry.
fn is_entry(ns: Ns, local: &str) -> bool {
    match ns {
        Ns::Core => local.eq_ignore_ascii_case("item") || local.eq_ignore_ascii_case("entry"),
        Ns::Atom => local.eq_ignore_ascii_case("entry"),
        _ => false,
    }
}

/// True for what may hold markup, escaped or not: tags in it are its content.
fn is_body(ns: Ns, local: &str) -> bool {
    match ns {
        Ns::Core => matches!(local, "description" | "body" | "fullitem"),
        Ns::Atom => {
            matches!(local, "title" | "summary" | "content" | "subtitle" | "rights" | "tagline" | "info" | "copyright")
        }
        Ns::Content => local == "encoded" || local == "item",
        Ns::Xhtml => matches!(local, "body" | "div"),
        Ns::Dc => local == "description",
        _ => false,
    }
}
