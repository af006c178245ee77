//! Which keys may a recipe's file have?

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub format: Option<Spanned<u32>>,
    pub kind: Option<Spanned<String>>,
    pub language: Option<Spanned<String>>,
    #[serde(default)]
    pub languages: Vec<Spanned<String>>,
    pub zone: Option<Spanned<String>>,
    pub dates: Option<Spanned<String>>,
    #[serde(default)]
    pub unclosed: bool,
    pub list: Option<Spanned<ListFile>>,
    pub sitemap: Option<Spanned<SitemapFile>>,
    pub article: Option<ArticleFile>,
    #[serde(default)]
    pub extra: BTreeMap<String, Spanned<PickFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFile {
    pub item: Option<Spanned<PickFile>>,
    pub link: Option<Spanned<PickFile>>,
    pub date: Option<Spanned<PickFile>>,
    pub title: Option<Spanned<PickFile>>,
    pub text: Option<Spanned<PickFile>>,
    pub next: Option<Spanned<PickFile>>,
    pub none: Option<Spanned<PickFile>>,
    pub follow: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SitemapFile {
    #[serde(default)]
    pub only: Vec<Spanned<String>>,
    pub days: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ArticleFile {
    pub text: Option<Spanned<PickFile>>,
    pub remove: Vec<Spanned<String>>,
    pub title: Option<Spanned<PickFile>>,
    pub published: Option<Spanned<PickFile>>,
    pub edited: Option<Spanned<PickFile>>,
    pub author: Option<Spanned<PickFile>>,
    pub tags: Option<Spanned<PickFile>>,
    pub place: Option<Spanned<PickFile>>,
    pub twin: Option<Spanned<PickFile>>,
}

/// `"h1 @title"`, or `{ css = "h1", after = "Statement:" }`.
pub(super) struct PickFile {
    pub css: String,
    pub after: Option<String>,
    pub before: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PickTable {
    css: String,
    after: Option<String>,
    before: Option<String>,
}

impl<'de> Deserialize<'de> for PickFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = PickFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a selector in quotes, or `{ css = \"…\", after = \"…\", before = \"…\" }`")
            }

            fn visit_str<E>(self, css: &str) -> Result<PickFile, E> {
                Ok(PickFile { css: css.to_owned(), after: None, before: None })
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<PickFile, M::Error> {
                let PickTable { css, after, before } = PickTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PickFile { css, after, before })
            }
        }
        from.deserialize_any(Either)
    }
}
