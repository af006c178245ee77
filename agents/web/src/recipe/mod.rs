//! What does a recipe say?
//!
//! One TOML file for one site, at most 40 lines for most. [`Recipe::read`] refuses what it does not know, and names file, line and selector.

mod css;
mod file;
mod keys;
mod language;
mod pick;
mod reader;

pub use pick::{Pick, line_of};

use jiff::tz::TimeZone;
use kit::RecipeProblem;
use schemas::record::Kind;
use scraper::Selector;

/// How one site is read.
#[derive(Debug)]
pub struct Recipe {
    /// What its items are.
    pub kind: Kind,
    /// BCP 47 tag of pages that name none.
    pub language: Option<String>,
    /// Languages in which versions of a page are collected as well, lower case.
    pub languages: Vec<String>,
    /// How its dates are meant.
    pub clock: Clock,
    /// Its pages end without `</html>`, so that a missing end says nothing.
    pub unclosed: bool,
    /// What its seeds are.
    pub start: Start,
    /// How an item's page is read.
    pub article: Article,
}

/// What the seeds of a site are.
#[derive(Debug)]
pub enum Start {
    /// Pages that list items.
    List(Box<List>),
    /// Sitemaps, or indexes of them.
    Sitemap(Sitemap),
    /// The items themselves: pages that are watched.
    Page,
}

/// How dates are meant that do not say so themselves.
#[derive(Debug, Default)]
pub struct Clock {
    /// Zone of dates that name none.
    pub zone: Option<TimeZone>,
    /// What `03/04/2026` means; nothing while nobody has said.
    pub order: Option<Order>,
}

/// In which order the numbers of a date stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `31/12/2026`.
    DayMonthYear,
    /// `12/31/2026`.
    MonthDayYear,
}

/// How a listing is read.
#[derive(Debug)]
pub struct List {
    /// One item.
    pub item: Pick,
    /// The item's address, within it. Without one: the item itself where it is a link, else the first link in it.
    pub link: Option<Pick>,
    /// Its date, within it: for pages that name none.
    pub date: Option<Pick>,
    /// Its title, within it; with `follow = false`.
    pub title: Option<Pick>,
    /// Its text, within it; with `follow = false`.
    pub text: Option<Pick>,
    /// The next page.
    pub next: Option<Pick>,
    /// What stands there where there is nothing to list.
    pub none: Option<Pick>,
    /// Whether items have pages of their own.
    pub follow: bool,
}

/// How a sitemap is read.
#[derive(Debug)]
pub struct Sitemap {
    /// Beginnings of paths that are collected; all where there are none.
    pub only: Vec<String>,
    /// Days since an item was published or changed after which it is left alone.
    pub days: Option<i64>,
    /// Line of `[sitemap]`.
    pub line: usize,
}

/// How an item's page is read. What has no selector comes from the page's metadata and the usual places.
#[derive(Debug, Default)]
pub struct Article {
    /// Its text.
    pub text: Option<Pick>,
    /// What is no part of its text.
    pub remove: Vec<Selector>,
    /// Its title.
    pub title: Option<Pick>,
    /// When it was published.
    pub published: Option<Pick>,
    /// When it was last edited.
    pub edited: Option<Pick>,
    /// Who wrote it; several where it matches several times.
    pub author: Option<Pick>,
    /// Its tags.
    pub tags: Option<Pick>,
    /// A place it names.
    pub place: Option<Pick>,
    /// Link to the same in another language.
    pub twin: Option<Pick>,
    /// Further fields, by name.
    pub extra: Vec<(String, Pick)>,
}

impl Article {
    /// Its picks beside title and text, by key: none of them has to match.
    pub fn optional(&self) -> impl Iterator<Item = &Pick> {
        [&self.published, &self.edited, &self.author, &self.tags, &self.place]
            .into_iter()
            .flatten()
            .chain(self.extra.iter().map(|(_, pick)| pick))
    }
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the file.
    pub fn read(text: &str, file: &str) -> Result<Self, Vec<RecipeProblem>> {
        file::read(text, file)
    }
}
