//! What does an article's page say: text, title, dates, authors, languages, reservations?
//!
//! [`Page::read`] parses once; [`about`] reads what the page says of itself and [`body`] finds its running text. A recipe that names the
//! text by selector asks for the first alone, on the same tree, and saves the time of the second. All three are pure: the same text and
//! address give the same answer, whatever the text.
//!
//! Facts come in this order, and each keeps where it came from: JSON-LD (schema.org), OpenGraph and other meta elements, microdata and
//! the page's own elements, the address. A date is an instant only where its own text names a zone.

mod body;
mod bound;
mod dates;
mod jsonld;
mod names;
mod page;
mod precedence;
mod render;
mod survey;
mod titles;

#[cfg(test)]
mod tests;

use schemas::record::{Author, ClaimedTime};
use url::Url;

pub use body::{Body, Link, Strength};
pub use page::Page;
pub use render::text_of;

/// Where a page says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A `script` of type `application/ld+json`, in the words of schema.org.
    JsonLd,
    /// A `meta` or `link` element.
    Meta,
    /// An element that readers see, or its microdata attributes.
    Page,
    /// The path of the address.
    Address,
}

/// A fact, and where the page says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// The fact.
    pub value: T,
    /// Where it stands.
    pub from: Origin,
}

/// The same article in another language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternate {
    /// Language tag as written (BCP 47, or `x-default`).
    pub language: String,
    /// Its address, absolute.
    pub url: Url,
}

/// What a `meta` element tells robots, one for each element and in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Whom: `robots` for all, else one crawler's name in lower case (`googlebot`).
    pub agent: String,
    /// What, in lower case and trimmed: `noindex`, `max-image-preview:large`.
    pub rules: Vec<String>,
}

/// Text-and-data-mining reservation (TDMRep, section 5: `meta` elements).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tdm {
    /// `tdm-reservation`: true is reserved. Nothing where the page does not say, or says neither 0 nor 1.
    pub reserved: Option<bool>,
    /// `tdm-policy`: address of the licence terms.
    pub policy: Option<Url>,
}

/// Why a page is no article although it answered: shown in its stead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    /// Asks for a proof that the reader is a person, or for scripts to make one.
    Challenge,
    /// Asks for consent before anything else.
    Consent,
}

/// What a page says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Headline, one line, without the site's name where that is known or clearly set off.
    pub title: Option<Said<String>>,
    /// Who wrote it, in order. All from one place of the page: [`About::authors_from`].
    pub authors: Vec<Author>,
    /// Where the authors stand.
    pub authors_from: Option<Origin>,
    /// First publication.
    pub published: Option<Said<ClaimedTime>>,
    /// Last change.
    pub modified: Option<Said<ClaimedTime>>,
    /// All claims of first publication that differ as text, at most eight, best first.
    pub published_said: Vec<Said<ClaimedTime>>,
    /// Language tag (BCP 47) as the page writes it, `_` as `-`.
    pub language: Option<Said<String>>,
    /// True where two places of the page name different languages (`en` and `en-CA` do not differ).
    pub language_disputed: bool,
    /// The page's address of choice, absolute, of the same site; never the home page of another path.
    pub canonical: Option<Said<Url>>,
    /// An address of choice on another site: whose text this is.
    pub canonical_elsewhere: Option<Url>,
    /// The same in other languages, in order, without repeats.
    pub alternates: Vec<Alternate>,
    /// The mobile copy (`rel=amphtml`).
    pub amp: Option<Url>,
    /// Publisher or name of the site.
    pub site: Option<Said<String>>,
    /// The page's own summary.
    pub description: Option<Said<String>>,
    /// Subjects, in order, without repeats, at most 50.
    pub tags: Vec<String>,
    /// Section of the site.
    pub section: Option<String>,
    /// Leading picture.
    pub image: Option<Said<Url>>,
    /// Type as the page writes it: `NewsArticle` (JSON-LD) or `article` (`og:type`).
    pub kind: Option<Said<String>>,
    /// Address of the licence (`rel=license`, JSON-LD `license`).
    pub license: Option<Url>,
    /// `noindex` and its like.
    pub robots: Vec<Directive>,
    /// Text-and-data-mining reservation.
    pub tdm: Tdm,
    /// True where JSON-LD calls it an `AdvertiserContentArticle`, or `article:content_tier`-like marks say sponsored.
    pub sponsored: bool,
    /// True where the page says that only a part is free (`isAccessibleForFree: false`, `article:content_tier` locked or metered, a
    /// `paywall` class).
    pub paywalled: bool,
    /// What stands before the article, if it is not the article that answered.
    pub wall: Option<Wall>,
}

/// A page read whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Article {
    /// What the page says of itself.
    pub about: About,
    /// Its running text.
    pub body: Body,
}

/// Reads a page whole: what it says of itself, and its running text.
pub fn extract(page: &Page<'_>) -> Article {
    let survey = survey::Survey::of(page);
    let found = jsonld::Found::read(&survey.scripts, page.url());
    Article { about: precedence::about(page, &survey, &found), body: body::find(page, &survey, found.body()) }
}

/// Reads only what a page says of itself.
pub fn about(page: &Page<'_>) -> About {
    let survey = survey::Survey::of(page);
    let found = jsonld::Found::read(&survey.scripts, page.url());
    precedence::about(page, &survey, &found)
}

/// Finds only the running text.
pub fn body(page: &Page<'_>) -> Body {
    let survey = survey::Survey::of(page);
    let found = jsonld::Found::read(&survey.scripts, page.url());
    body::find(page, &survey, found.body())
}
