//! How are feeds read: RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, JSON Feed 1.0 and 1.1?
//!
//! [`feed`] is the whole of it: bytes in, entries and [`model::Feed`] out, the same for the same bytes. Entries that cannot be read are named one by
//! one; their neighbours stand. [`ident`] states the rule by which entries are recognised again, [`dates`] what a date may claim.
//!
//! What an entry says and a record has no field for stands in `extra`: `summary` (plain text, beside a full text), `summary_only` (true where
//! `text` is a summary), `authors` (all, where there are several), `source_title` and `source_url` (where the feed took it from),
//! `comments_url`, `comments_feed`, `duration`, `rights`, `text_cut` (true where `text` was too long), and outside the content hash
//! `volatile_outlet` (the feed's title) and `volatile_repaired` (true where the markup had to be mended to read it).

pub mod charset;
mod collector;
mod discover;
mod html;
pub mod ident;
mod json_feed;
pub mod model;
mod person;
mod rich;
mod xml;
mod xml_feed;

pub use collector::Collected as Feed;
pub use kit::{address, dates};

use model::{Entry, NoFeed};
use url::Url;

/// Platform of every record: ids are the web's, scoped by site.
pub const PLATFORM: &str = "web";

/// Reads a feed from the bytes that answered at `url` with this content type, and tells its entries in order, good and bad: none of them waits in memory for the
/// others.
///
/// # Errors
///
/// [`NoFeed`] where the document is none at all; then nothing was told. A feed that ends early is [`cut`](model::Feed::cut) instead, and its whole entries stand.
pub fn feed(
    bytes: &[u8],
    content_type: Option<&str>,
    url: &Url,
    tell: &mut dyn FnMut(Entry),
) -> Result<model::Feed, NoFeed> {
    let (text, encoding) = charset::decode(bytes, content_type);
    Ok(model::Feed { encoding, ..read(&text, url, tell)? })
}

/// As [`feed`], of text.
///
/// # Errors
///
/// As [`feed`].
pub fn read(text: &str, url: &Url, tell: &mut dyn FnMut(Entry)) -> Result<model::Feed, NoFeed> {
    let text = text.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '\u{FEFF}');
    if text.is_empty() {
        return Err(NoFeed::new("document", "is empty"));
    }
    if text.starts_with(['{', '[']) {
        return json_feed::read(text, url, tell);
    }
    if discover::is_page(text) {
        let found = discover::feeds(text, url);
        return Err(NoFeed::new(
            "html",
            match found.split_first() {
                Some((first, [])) => {
                    format!("an HTML page, not a feed; it names the feed {first}: use that as the seed")
                }
                Some(_) => format!(
                    "an HTML page, not a feed; it names the feeds {}: use one of them as the seed",
                    found.join(", ")
                ),
                None => "an HTML page, not a feed; it names no feed either".to_owned(),
            },
        ));
    }
    xml_feed::read(text, url, tell)
}
