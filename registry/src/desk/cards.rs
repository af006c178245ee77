//! Hits as people see them in a list.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use schemas::record::Record;
use serde::Serialize;

use super::item::RecordId;
use crate::search::{
    Hit, Query,
    snippet::{Part, snippets},
};

/// Characters shown on both sides of the first hit.
const AROUND: usize = 90;

/// One hit.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Record id.
    pub id: RecordId,
    /// Title, or the beginning of the text.
    pub title: String,
    /// Where a person would read it.
    pub url: Option<String>,
    /// Author as shown by the source.
    pub author: Option<String>,
    /// Plain text around the first hit.
    pub snippet: String,
    /// The same in parts, hits marked.
    pub parts: Vec<Part>,
    /// Entry.
    pub source: String,
    /// Platform.
    pub platform: String,
    /// Kind.
    pub kind: String,
    /// Declared language.
    pub language: Option<String>,
    /// Host it was seen through.
    pub vantage: String,
    /// False for a claim about somebody else's item.
    pub is_home: bool,
    /// What the order looks at.
    pub time: Timestamp,
    /// True if `time` is the source's claim.
    pub time_is_claimed: bool,
    /// First seen.
    pub first_seen_at: Timestamp,
    /// Withdrawn by the source.
    pub is_gone: bool,
    /// Missing from a source that is published whole, which did not say so.
    pub is_vanished: bool,
    /// Known in more than one version.
    pub is_revised: bool,
}

/// The hits with title and snippet, in their order.
///
/// # Errors
///
/// The database's.
pub fn cards(db: &Connection, query: &Query, hits: &[Hit]) -> rusqlite::Result<Vec<Card>> {
    let mut statement = db.prepare_cached("SELECT record FROM revisions WHERE id = ?1")?;
    hits.iter()
        .map(|hit| {
            let record: Option<Option<String>> = statement.query_row([hit.revision], |row| row.get(0)).optional()?;
            let record: Option<Record> = record.flatten().and_then(|text| serde_json::from_str(&text).ok());
            Ok(card(query, hit, record.as_ref()))
        })
        .collect()
}

fn card(query: &Query, hit: &Hit, record: Option<&Record>) -> Card {
    let shown = record.map(|record| snippets(query, record, AROUND)).unwrap_or_default();
    let body = shown
        .iter()
        .find(|snippet| snippet.field == "text")
        .or_else(|| shown.iter().find(|snippet| snippet.field == "about"));
    let text = |parts: &[Part]| parts.iter().map(|part| part.text.as_str()).collect::<String>();
    let snippet = body
        .map(|snippet| {
            let cut = |cut: bool| if cut { "…" } else { "" };
            format!(
                "{}{}{}",
                cut(snippet.is_cut_before),
                text(&snippet.parts).replace(['\n', '\r'], " ").trim(),
                cut(snippet.is_cut_after)
            )
        })
        .unwrap_or_default();
    let title = record
        .and_then(|record| {
            record.title.clone().or_else(|| record.text.as_ref().map(|text| text.chars().take(80).collect()))
        })
        .unwrap_or_else(|| hit.id.clone());
    Card {
        id: RecordId::of_row(hit.revision),
        title,
        url: record.and_then(|record| record.url.clone()),
        author: record
            .and_then(|record| record.author.as_ref())
            .and_then(|author| author.name.clone().or_else(|| author.handle.clone()).or_else(|| author.id.clone())),
        snippet,
        parts: body.map(|snippet| snippet.parts.clone()).unwrap_or_default(),
        source: hit.source.clone(),
        platform: hit.platform.clone(),
        kind: hit.kind.clone(),
        language: hit.language.clone(),
        vantage: hit.vantage.clone(),
        is_home: hit.is_home,
        time: hit.time,
        time_is_claimed: hit.time_is_claimed,
        first_seen_at: hit.first_seen_at,
        is_gone: hit.is_gone,
        is_vanished: hit.is_vanished,
        is_revised: hit.is_revised,
    }
}
