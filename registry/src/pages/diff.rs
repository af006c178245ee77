//! What changed between two revisions? Field by field; title and text word by word.

use std::collections::BTreeMap;

use schemas::record::Record;
use serde_json::Value;

/// Most words a side that are compared; longer texts are shown as a whole before and after.
const MOST: usize = 1500;

/// One field that changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Field of the record.
    pub field: String,
    /// Its pieces in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// What became of it.
    pub kind: Kept,
    /// As written.
    pub text: String,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In both.
    Same,
    /// In the earlier only.
    Removed,
    /// In the later only.
    Added,
}

impl Piece {
    /// True for what is in both.
    pub fn is_same(&self) -> bool {
        self.kind == Kept::Same
    }

    /// True for what is gone.
    pub fn is_removed(&self) -> bool {
        self.kind == Kept::Removed
    }
}

/// The fields whose values differ, in the order of the record.
pub fn changes(before: &Record, after: &Record) -> Vec<Change> {
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_by_key(|name| (order(name), (*name).clone()));
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            let text = |fields: &BTreeMap<String, String>| fields.get(name).cloned().unwrap_or_default();
            Change { field: name.clone(), pieces: words(&text(&before), &text(&after)) }
        })
        .collect()
}

fn order(name: &str) -> usize {
    ["title", "text", "author", "url", "published_at", "edited_at", "language"]
        .iter()
        .position(|known| *known == name)
        .unwrap_or(99)
}

/// Counters and display data apart: they change without anybody having edited anything.
fn fields(record: &Record) -> BTreeMap<String, String> {
    let mut record = record.clone();
    record.metrics.clear();
    record.handle = None;
    let Ok(Value::Object(members)) = serde_json::to_value(&record) else {
        return BTreeMap::new();
    };
    members.into_iter().map(|(name, value)| (name, text(&value))).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
        Value::Object(members) => match members.get("raw") {
            Some(Value::String(raw)) => raw.clone(),
            _ => members.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect::<Vec<_>>().join("; "),
        },
        other => other.to_string(),
    }
}

/// Words with the spaces behind them; line breaks, and signs of scripts that set no spaces, stand alone.
fn cut(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, c) in text.char_indices() {
        let stands_alone = |c: char| c == '\n' || matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
        let begins = before.is_some_and(|before: char| {
            stands_alone(before) || stands_alone(c) || (before.is_whitespace() && !c.is_whitespace())
        });
        if begins {
            pieces.extend(text.get(start..at));
            start = at;
        }
        before = Some(c);
    }
    pieces.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    pieces
}

fn words(before: &str, after: &str) -> Vec<Piece> {
    let (old, new) = (cut(before), cut(after));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old.iter().skip(head).rev().zip(new.iter().skip(head).rev()).take_while(|(a, b)| a == b).count();
    let middle_old = old.get(head..old.len() - tail).unwrap_or_default();
    let middle_new = new.get(head..new.len() - tail).unwrap_or_default();
    let mut pieces = Vec::new();
    push(&mut pieces, Kept::Same, old.get(..head).unwrap_or_default());
    if middle_old.len() > MOST || middle_new.len() > MOST {
        push(&mut pieces, Kept::Removed, middle_old);
        push(&mut pieces, Kept::Added, middle_new);
    } else {
        common(middle_old, middle_new, &mut pieces);
    }
    push(&mut pieces, Kept::Same, old.get(old.len() - tail..).unwrap_or_default());
    pieces
}

/// Longest common subsequence, by the table of its lengths.
fn common(old: &[&str], new: &[&str], pieces: &mut Vec<Piece>) {
    let columns = new.len() + 1;
    let mut lengths = vec![0_u16; (old.len() + 1) * columns];
    let at = |row: usize, column: usize| row * columns + column;
    let get = |lengths: &[u16], row, column| lengths.get(at(row, column)).copied().unwrap_or_default();
    for (row, a) in old.iter().enumerate().rev() {
        for (column, b) in new.iter().enumerate().rev() {
            let length = if a == b {
                get(&lengths, row + 1, column + 1) + 1
            } else {
                get(&lengths, row + 1, column).max(get(&lengths, row, column + 1))
            };
            if let Some(cell) = lengths.get_mut(at(row, column)) {
                *cell = length;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (Some(a), Some(b)) if a == b => {
                push(pieces, Kept::Same, &[*a]);
                row += 1;
                column += 1;
            }
            (Some(a), next) if next.is_none() || get(&lengths, row + 1, column) >= get(&lengths, row, column + 1) => {
                push(pieces, Kept::Removed, &[*a]);
                row += 1;
            }
            (_, Some(b)) => {
                push(pieces, Kept::Added, &[*b]);
                column += 1;
            }
            _ => return,
        }
    }
}

fn push(pieces: &mut Vec<Piece>, kind: Kept, words: &[&str]) {
    if words.is_empty() {
        return;
    }
    let text = words.concat();
    match pieces.last_mut() {
        Some(last) if last.kind == kind => last.text.push_str(&text),
        _ => pieces.push(Piece { kind, text }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::record::Kind;

    use super::*;

    fn marked(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| match piece.kind {
                Kept::Same => piece.text.clone(),
                Kept::Removed => format!("[-{}-]", piece.text),
                Kept::Added => format!("[+{}+]", piece.text),
            })
            .collect()
    }

    #[test]
    fn words_that_changed_are_marked() {
        assert_eq!(
            marked(&words("the port opens at nine", "the port closes at nine")),
            "the port [-opens -][+closes +]at nine"
        );
        assert_eq!(
            marked(&words("open to visitors.", "open to visitors.\nCorrected.")),
            "open to visitors.[+\nCorrected.+]"
        );
        assert_eq!(marked(&words("港口今天开放", "港口明天开放")), "港口[-今-][+明+]天开放");
        assert_eq!(marked(&words("", "new")), "[+new+]");
        assert_eq!(marked(&words("a b c d e", "b x d e")), "[-a -]b [-c -][+x +]d e");
    }

    #[test]
    fn counters_are_no_change_and_fields_come_in_order() {
        let mut before = Record::new(Kind::Post, "web", "1");
        before.text = Some("one".into());
        let mut after = before.clone();
        after.metrics.insert("likes".into(), 4);
        assert!(changes(&before, &after).is_empty());
        after.text = Some("two".into());
        after.title = Some("Title".into());
        after.tags = vec!["ice".into()];
        let fields: Vec<_> = changes(&before, &after).into_iter().map(|change| change.field).collect();
        assert_eq!(fields, ["title", "text", "tags"]);
    }

    proptest! {
        #[test]
        fn both_sides_can_be_read_out_of_the_pieces(before in "[ab \n]{0,40}", after in "[ab \n]{0,40}") {
            let pieces = words(&before, &after);
            let side = |without| pieces.iter().filter(|piece| piece.kind != without).map(|piece| piece.text.as_str()).collect::<String>();
            prop_assert_eq!(side(Kept::Added), before);
            prop_assert_eq!(side(Kept::Removed), after);
        }
    }
}
