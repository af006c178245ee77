//! Where in a record do the words of a query stand? Made from the record's own text: the index keeps none.

use schemas::record::Record;
use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation as _;

use super::Query;
use super::analyser::{self, Phrase, Token};
use super::index::about;

/// A part of a record's text with the words that were looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// `title`, `text` or `about` (names, tags, captions).
    pub field: &'static str,
    /// Text is left out before it.
    pub is_cut_before: bool,
    /// Text is left out behind it.
    pub is_cut_after: bool,
    /// The text in order; plain, never HTML.
    pub parts: Vec<Part>,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// As the source wrote it.
    pub text: String,
    /// It is what was looked for.
    pub is_hit: bool,
}

/// Shows a record for a query: the whole title, about `around_chars` characters on both sides of the first place in the body, and each other
/// text that has a hit. A body without a hit is shown from its beginning.
#[must_use]
pub fn snippets(query: &Query, record: &Record, around_chars: usize) -> Vec<Snippet> {
    let wanted = query.wanted_words();
    let phrases = |in_title: bool| -> Vec<Phrase> {
        let fitting = wanted.iter().filter(|text| in_title || !text.in_title);
        fitting.map(|text| analyser::phrase(&text.words, text.is_prefix)).collect()
    };
    let (title, other) = (phrases(true), phrases(false));
    let mut out = Vec::new();
    if let Some(text) = record.title.as_deref().filter(|text| !text.is_empty()) {
        out.push(show("title", text, &places(text, &title), None));
    }
    if let Some(text) = record.text.as_deref().filter(|text| !text.is_empty()) {
        out.push(show("text", text, &places(text, &other), Some(around_chars)));
    }
    for text in about(record) {
        let found = places(text, &other);
        if !found.is_empty() {
            out.push(show("about", text, &found, Some(around_chars)));
        }
    }
    out
}

/// Byte ranges of what the phrases find, ascending, without overlaps.
fn places(text: &str, phrases: &[Phrase]) -> Vec<(usize, usize)> {
    if phrases.is_empty() {
        return Vec::new();
    }
    let tokens = analyser::index_tokens(text);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let here = tokens.get(at..).unwrap_or_default();
        found.extend(phrases.iter().filter_map(|phrase| begins(here, phrase)));
    }
    found.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(found.len());
    for (start, end) in found {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// The bytes the phrase covers, if it stands at the beginning of `here`.
fn begins(here: &[Token], phrase: &Phrase) -> Option<(usize, usize)> {
    let covered = here.get(..phrase.tokens.len())?;
    let (first, last) = (covered.first()?, covered.last()?);
    let count = covered.len();
    let fits = covered.iter().zip(&phrase.tokens).enumerate().all(|(number, (token, wanted))| {
        if phrase.is_prefix && number + 1 == count {
            token.text.starts_with(wanted.as_str())
        } else {
            token.text == *wanted
        }
    });
    fits.then_some((first.start, last.end.max(first.end)))
}

fn show(field: &'static str, text: &str, found: &[(usize, usize)], around: Option<usize>) -> Snippet {
    let (from, to) = match around {
        None => (0, text.len()),
        Some(chars) => {
            let (start, end) = found.first().copied().unwrap_or((0, 0));
            let (from, to) = (back(text, start, chars), forward(text, end, chars));
            // A hit is shown whole or not at all.
            (from, found.iter().find(|(start, end)| *start < to && to < *end).map_or(to, |(_, end)| *end))
        }
    };
    let mut parts = Vec::new();
    let mut put = |start: usize, end: usize, is_hit: bool| {
        if let Some(piece) = text.get(start..end).filter(|piece| !piece.is_empty()) {
            parts.push(Part { text: piece.to_owned(), is_hit });
        }
    };
    let mut at = from;
    for (start, end) in found {
        let (start, end) = ((*start).max(at), (*end).min(to));
        if start < end {
            put(at, start, false);
            put(start, end, true);
            at = end;
        }
    }
    put(at, to, false);
    Snippet { field, is_cut_before: from > 0, is_cut_after: to < text.len(), parts }
}

fn back(text: &str, from: usize, chars: usize) -> usize {
    let before = text.get(..from).unwrap_or_default();
    match chars.checked_sub(1) {
        Some(last) => before.grapheme_indices(true).rev().nth(last).map_or(0, |(at, _)| at),
        None => from,
    }
}

fn forward(text: &str, from: usize, chars: usize) -> usize {
    let behind = text.get(from..).unwrap_or_default();
    behind.grapheme_indices(true).nth(chars).map_or(text.len(), |(at, _)| from + at)
}

#[cfg(test)]
mod tests {
    use schemas::record::Kind;

    use super::*;

    fn check(query: &str, text: &str, around: usize, expected: &str) {
        let mut record = Record::new(Kind::Post, "web", "1");
        record.text = Some(text.to_owned());
        let shown = snippets(&Query::parse(query).unwrap(), &record, around);
        let body = shown.iter().find(|snippet| snippet.field == "text").unwrap();
        let mut out = String::new();
        out.push_str(if body.is_cut_before { "…" } else { "" });
        for part in &body.parts {
            out.push_str(&if part.is_hit { format!("[{}]", part.text) } else { part.text.clone() });
        }
        out.push_str(if body.is_cut_after { "…" } else { "" });
        assert_eq!(out, expected, "{query}");
    }

    #[test]
    fn words_are_marked_where_they_stand() {
        check("ete", "L’Été au port, l'été !", 99, "L’[Été] au port, l'[été] !");
        check("harb* -ferry", "Harbours, ferry", 99, "[Harbours], ferry");
        check("\"ice free\"", "free ice, ice-free", 99, "free ice, [ice-free]");
        check("国人", "中国人民", 99, "中[国人]民");
        check("国", "中国人。外国", 99, "中[国人]。外[国]");
        check("title:port", "port", 99, "port");
        check("nothing", "abcdef", 3, "abc…");
        check("ёлка", "aaaa bbbb елка cccc", 3, "…bb [елка] cc…");
        check("كتاب", "هذا کِتاب", 99, "هذا [کِتاب]");
    }

    #[test]
    fn neither_a_hit_nor_a_letter_is_cut() {
        check("port OR harbour", "port, harbour", 4, "[port], [harbour]");
        check("port OR harbour", "port, the harbour", 4, "[port], th…");
        // Letter and mark belong together: one sign each for the eye.
        check("port", "port e\u{301}e\u{301}e\u{301}", 3, "[port] e\u{301}e\u{301}…");
        check("port", "e\u{301}e\u{301}e\u{301} port", 2, "…e\u{301} [port]");
    }

    #[test]
    fn names_and_tags_are_shown_where_they_are_hit() {
        let mut record = Record::new(Kind::Post, "web", "1");
        record.title = Some("Port".into());
        record.tags = vec!["harbour".into(), "ice".into()];
        let shown = snippets(&Query::parse("ice").unwrap(), &record, 20);
        let fields: Vec<&str> = shown.iter().map(|snippet| snippet.field).collect();
        assert_eq!(fields, ["title", "about"]);
    }
}
