//! Elements of a large XML document, one at a time.

use std::io::BufReader;

use encoding_rs::Encoding;
use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use super::{Spool, SpoolReader, charset::Utf8Reader};
use crate::contract::{Place, Unreadable};

/// Largest element that is read, in bytes of names and text.
pub const MAX_ELEMENT_BYTES: usize = 4 << 20;

/// Deepest nesting within one element.
const MAX_DEPTH: usize = 32;

/// An element with what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Attributes by local name, in order.
    pub attributes: Vec<(String, String)>,
    /// Its own text, references resolved, not trimmed.
    pub text: String,
    /// Elements within it, in order.
    pub children: Vec<Element>,
}

impl Element {
    /// First child of this local name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Text of the first child of this local name.
    ///
    /// # Errors
    ///
    /// There is no such child.
    pub fn text_of(&self, name: &str) -> Result<&str, Unreadable> {
        self.child(name).map(|child| child.text.as_str()).ok_or_else(|| Unreadable::missing(name))
    }

    /// An attribute by its local name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Every element of one local name, with its number from 0, wherever in the document it stands.
///
/// A document that is not well-formed, or ends inside an element, ends in an error. A DTD's entities are never expanded.
pub struct Elements {
    reader: Reader<BufReader<Utf8Reader<SpoolReader>>>,
    name: String,
    index: usize,
    depth: usize,
    done: bool,
}

impl Elements {
    pub(super) fn new(spool: &Spool, encoding: &'static Encoding, name: &str) -> Self {
        let from = BufReader::new(Utf8Reader::new(spool.reader(), encoding));
        Self { reader: Reader::from_reader(from), name: name.to_owned(), index: 0, depth: 0, done: false }
    }

    /// Number of the next element.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    fn failed(&self, why: impl std::fmt::Display) -> Unreadable {
        Unreadable::new(Place::Element(&self.name, self.index), why)
    }

    fn element(&mut self) -> Result<Option<Element>, Unreadable> {
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match self.reader.read_event_into(&mut buffer).map_err(|error| self.failed(error))? {
                Event::Start(start) if start.local_name().as_ref() == self.name => {
                    let opened = self.opened(&start)?;
                    return self.filled(opened).map(Some);
                }
                Event::Empty(start) if start.local_name().as_ref() == self.name => {
                    return self.opened(&start).map(Some);
                }
                Event::Start(_) => self.depth += 1,
                Event::End(_) => self.depth = self.depth.saturating_sub(1),
                Event::Eof if self.depth > 0 => {
                    return Err(self.failed("the document ends inside an element"));
                }
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    fn opened(&self, start: &BytesStart<'_>) -> Result<Element, Unreadable> {
        let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.failed(error))?;
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| self.failed(error))?;
            element.attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    /// Everything up to the end of `opened`.
    fn filled(&mut self, opened: Element) -> Result<Element, Unreadable> {
        let mut open = vec![opened];
        let mut buffer = Vec::new();
        let mut bytes = 0_usize;
        loop {
            buffer.clear();
            let event = self.reader.read_event_into(&mut buffer).map_err(|error| self.failed(error))?;
            bytes += event.len();
            if bytes > MAX_ELEMENT_BYTES {
                return Err(self.failed(format_args!("longer than the {MAX_ELEMENT_BYTES} bytes an element may have")));
            }
            let Some(current) = open.last_mut() else {
                return Err(self.failed("is not well-formed"));
            };
            match event {
                Event::Text(text) => current.text.push_str(&text.xml10_content()),
                Event::CData(text) => current.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = resolved(&reference);
                    current.text.push_str(&text.map_err(|why| self.failed(why))?);
                }
                Event::Empty(start) => {
                    let child = self.opened(&start)?;
                    current.children.push(child);
                }
                Event::Start(start) => {
                    let child = self.opened(&start)?;
                    if open.len() >= MAX_DEPTH {
                        return Err(self.failed(format_args!("nests deeper than {MAX_DEPTH} levels")));
                    }
                    open.push(child);
                }
                Event::End(_) => {
                    let Some(closed) = open.pop() else {
                        return Err(self.failed("is not well-formed"));
                    };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Ok(closed),
                    }
                }
                Event::Eof => return Err(self.failed("the document ends inside it")),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {}
            }
        }
    }
}

/// A character reference or one of the five that XML knows by itself.
fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(letter.to_string());
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| format!("entity `&{name};` is not expanded"))
}

impl Iterator for Elements {
    type Item = Result<(usize, Element), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let index = self.index;
        let element = self.element().transpose();
        self.done = !matches!(element, Some(Ok(_)));
        self.index += 1;
        Some(element?.map(|element| (index, element)))
    }
}
