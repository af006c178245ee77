//! How is one value taken from a page?

use kit::Unreadable;
use scraper::{ElementRef, Html, Selector};

use crate::{article::Page, text};

/// A selector, and what of its matches is taken.
#[derive(Debug)]
pub struct Pick {
    /// Key of the recipe, as `list.link`.
    pub key: String,
    /// As the recipe has it, attribute included.
    pub written: String,
    /// Line of the recipe.
    pub line: usize,
    /// Which elements.
    pub selector: Selector,
    /// The attribute that is taken; without one the text, or what the element has in its place.
    pub attribute: Option<String>,
    /// What is taken begins after this.
    pub after: Option<String>,
    /// What is taken ends before this.
    pub before: Option<String>,
}

/// Where a pick looks.
#[derive(Clone, Copy, Debug)]
pub enum Within<'a> {
    /// The whole page.
    Page(&'a Html),
    /// An item of it.
    Element(ElementRef<'a>),
}

impl<'a> From<&'a Html> for Within<'a> {
    fn from(page: &'a Html) -> Self {
        Self::Page(page)
    }
}

impl<'a> From<ElementRef<'a>> for Within<'a> {
    fn from(element: ElementRef<'a>) -> Self {
        Self::Element(element)
    }
}

impl Pick {
    /// Every element it matches, in the order of the page.
    pub fn elements<'a>(&self, within: impl Into<Within<'a>>) -> Vec<ElementRef<'a>> {
        match within.into() {
            Within::Page(page) => page.select(&self.selector).collect(),
            Within::Element(element) => element.select(&self.selector).collect(),
        }
    }

    fn raw(&self, element: ElementRef<'_>) -> Option<String> {
        match &self.attribute {
            Some(name) => element.value().attr(name).map(ToOwned::to_owned),
            None => Some(own(element).map_or_else(|| text::line(element), ToOwned::to_owned)),
        }
    }

    /// Says that it matches nothing where it has to.
    pub fn nothing(&self) -> Unreadable {
        Unreadable::new(
            &self.key,
            format_args!("`{}` (line {} of the recipe) matches nothing here", self.written, self.line),
        )
    }

    /// The mark that a value begins after, where none of these elements holds it.
    pub fn unheld(&self, elements: &[ElementRef<'_>]) -> Option<&str> {
        let mark = self.after.as_deref()?;
        let held = elements.iter().filter_map(|element| self.raw(*element)).any(|raw| raw.contains(mark));
        (!held).then_some(mark)
    }

    /// What is taken of an element; nothing where that is empty.
    pub fn value(&self, element: ElementRef<'_>) -> Option<String> {
        let raw = self.raw(element)?;
        let raw = match &self.after {
            Some(mark) => raw.split_once(mark.as_str())?.1,
            None => &raw,
        };
        let raw = self.before.as_ref().and_then(|mark| raw.split_once(mark.as_str())).map_or(raw, |(before, _)| before);
        let raw = raw.trim();
        (!raw.is_empty()).then(|| raw.to_owned())
    }

    /// As [`value`](Self::value), of a link: its address unless an attribute is named.
    pub fn address(&self, element: ElementRef<'_>) -> Option<String> {
        match self.attribute {
            None => element.value().attr("href").map(|href| href.trim().to_owned()).filter(|href| !href.is_empty()),
            Some(_) => self.value(element),
        }
    }

    /// The first value there is.
    pub fn first<'a>(&self, within: impl Into<Within<'a>>) -> Option<String> {
        match within.into() {
            Within::Page(page) => page.select(&self.selector).find_map(|element| self.value(element)),
            Within::Element(element) => element.select(&self.selector).find_map(|element| self.value(element)),
        }
    }

    /// Every value, without repeats; addresses (`@href`, `@src`) absolute where they can be.
    pub fn all_absolute(&self, page: &Page<'_>) -> Vec<String> {
        let values = self.all(page.html());
        if !matches!(self.attribute.as_deref(), Some("href" | "src")) {
            return values;
        }
        let mut found = Vec::new();
        for value in values {
            let value = page.join(&value).map_or(value, String::from);
            if !found.contains(&value) {
                found.push(value);
            }
        }
        found
    }

    /// Every value, without repeats.
    pub fn all<'a>(&self, within: impl Into<Within<'a>>) -> Vec<String> {
        let mut values = Vec::new();
        for value in self.elements(within).into_iter().filter_map(|element| self.value(element)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }
}

/// What an element says by an attribute of its own kind rather than by its text.
fn own(element: ElementRef<'_>) -> Option<&str> {
    match element.value().name() {
        "meta" => element.value().attr("content"),
        "time" => element.value().attr("datetime"),
        "img" => element.value().attr("alt"),
        _ => None,
    }
}

/// The line that an offset lies in, from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
