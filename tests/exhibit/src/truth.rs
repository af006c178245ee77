//! What was there to be collected? The account that tests hold a registry's answers against.

use jiff::Timestamp;
use serde::Serialize;

use crate::formats::Doc;
use crate::history::{Entry, History};
use crate::newsroom::Newsroom;
use crate::words::Lang;

/// Everything one newsroom has published so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// The newsroom's name.
    pub newsroom: String,
    /// The current round; the first is 0.
    pub round: u32,
    /// Oldest first.
    pub entries: Vec<TrueEntry>,
}

/// One entry, as anyone could have seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrueEntry {
    /// As the feed gives it; for RSS 0.91, which has no ids, its link.
    pub id: String,
    /// Absolute, also where the feed writes a relative one.
    pub link: String,
    /// Its newest title.
    pub title: String,
    /// What the entry is written in, which in the mirrors is not always the newsroom's language.
    pub language: Lang,
    /// As the feed claims; RSS 0.91 claims nothing.
    pub published_at: Timestamp,
    /// The round that published it.
    pub published_round: u32,
    /// The rounds in which it stood in the main feed. Empty: it passed between two rounds and nobody could see it there.
    pub visible_rounds: Vec<u32>,
    /// Every wording, oldest first; the first is the original.
    pub wordings: Vec<Wording>,
    /// The round that took it away.
    pub deleted_round: Option<u32>,
    /// The planted wave it belongs to.
    pub wave: Option<String>,
}

/// One wording of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wording {
    /// The round that brought it.
    pub round: u32,
    /// The title.
    pub title: String,
    /// The text, paragraphs apart by an empty line.
    pub text: String,
}

pub(crate) fn of(room: &Newsroom, base: &str, history: &History) -> Truth {
    let doc = Doc::main(room, base, history, 1);
    let entry = |entry: &Entry| TrueEntry {
        id: entry.id.clone(),
        link: doc.link(entry),
        title: entry.title().to_owned(),
        language: entry.lang,
        published_at: entry.published_at,
        published_round: entry.round,
        visible_rounds: entry.visible.clone(),
        wordings: entry
            .versions
            .iter()
            .map(|one| Wording { round: one.round, title: one.title.clone(), text: one.paragraphs.join("\n\n") })
            .collect(),
        deleted_round: entry.deleted.map(|(round, _)| round),
        wave: entry.wave.clone(),
    };
    Truth { newsroom: room.name.to_owned(), round: history.round, entries: history.entries.iter().map(entry).collect() }
}
