//! For what is a page asked, and how?

use kit::Request;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::recipe::Recipe;

/// What pages should come as.
const HTML: &str = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1";

/// What sitemaps should come as.
const XML: &str = "application/xml, text/xml;q=0.9, */*;q=0.1";

/// Why a page was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// It lists items.
    List,
    /// It is a sitemap, below so many indexes.
    Sitemap {
        /// Indexes above it.
        depth: u8,
    },
    /// It is an item.
    Article(Asked),
}

/// What is known of an item before its page is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Its id, where it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its date as the listing has it, for pages that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<String>,
    /// Address of the page that named it as its version in another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin_of: Option<String>,
}

/// How an item is asked for again: its address, or this where the address alone would give another record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handle {
    url: String,
    #[serde(flatten)]
    asked: Asked,
}

impl Asked {
    /// The handle of the item at an address.
    pub fn handle(&self, url: &str) -> String {
        if self.listed.is_none() && self.twin_of.is_none() {
            return url.to_owned();
        }
        let handle = Handle { url: url.to_owned(), asked: Self { id: None, ..self.clone() } };
        serde_json::to_string(&handle).unwrap_or_else(|_| url.to_owned())
    }

    /// Address and facts of a known item. An id alone still holds the address: `HOST|ADDRESS`.
    pub(crate) fn again(id: &str, handle: &str) -> Option<(String, Self)> {
        let id = Some(id.to_owned());
        if let Ok(Handle { url, asked }) = serde_json::from_str(handle) {
            return Some((url, Self { id, ..asked }));
        }
        let (_, after) = handle.split_once('|').unwrap_or_default();
        let url = [handle, after].into_iter().find(|url| Url::parse(url).is_ok())?;
        Some((url.to_owned(), Self { id, ..Self::default() }))
    }
}

impl Recipe {
    /// The languages its pages are asked in.
    fn accepts(&self) -> String {
        let all: Vec<&str> = self.language.iter().map(String::as_str).collect();
        all.join(", ")
    }

    /// A request for a listing.
    pub(crate) fn listing(&self, url: impl AsRef<str>) -> Request<Step> {
        Request::get(url, Step::List).accept(HTML, self.accepts())
    }

    /// A request for a sitemap.
    pub(crate) fn sitemap(&self, url: impl AsRef<str>, depth: u8) -> Request<Step> {
        Request::get(url, Step::Sitemap { depth }).accept(XML, "")
    }

    /// A request for an item's page.
    pub(crate) fn item(&self, url: impl AsRef<str>, asked: Asked) -> Request<Step> {
        Request::get(url, Step::Article(asked)).accept(HTML, "")
    }
}
