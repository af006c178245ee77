//! The words of a text in a row, as an index is given them: what [`super::index_tokens`] gives, without their places and faster.
//!
//! A text is taken in stretches between spaces, which no word spans. A stretch of letters that each fold by themselves is written as it is read; any
//! other is cut the long way.

use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Class, MAX_TOKEN_CHARS, class, fold_piece, index_tokens, is_invisible};

/// Appends the words of `text`, each behind a space but at the very beginning of `out`. The first follows `before`, if there is one.
pub(in crate::search) fn write(text: &str, before: Option<&str>, out: &mut String) {
    let mut row = Row { before, out };
    let letters = &*TABLE;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.bytes().position(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).unwrap_or(rest.len());
        let (stretch, behind) = rest.split_at(end);
        if !plain(stretch, letters, &mut row) {
            for token in index_tokens(stretch) {
                row.word().push_str(&token.text);
            }
        }
        rest = behind.get(1..).unwrap_or_default();
    }
}

struct Row<'a> {
    before: Option<&'a str>,
    out: &'a mut String,
}

impl Row<'_> {
    /// Where the next word goes.
    fn word(&mut self) -> &mut String {
        for part in [self.before.take()].into_iter().flatten() {
            self.space();
            self.out.push_str(part);
        }
        self.space();
        self.out
    }

    fn space(&mut self) {
        if !self.out.is_empty() {
            self.out.push(' ');
        }
    }
}

/// Writes a stretch whose characters say what becomes of them; false, and nothing written, for any other. An address loses its scheme, so it is one.
fn plain(stretch: &str, letters: &Letters, row: &mut Row<'_>) -> bool {
    let (before, written) = (row.before, row.out.len());
    let mut length = 0;
    // The last character of a run without spaces, which is part of a pair or stands at the end of one.
    let mut run: Option<char> = None;
    for (at, c) in stretch.char_indices() {
        let found =
            letter(c, letters).filter(|_| c != ':' || !stretch.get(at..).is_some_and(|rest| rest.starts_with("://")));
        let Some(found) = found else {
            row.before = before;
            row.out.truncate(written);
            return false;
        };
        if let (Some(last), false) = (run, matches!(found, Letter::Run(_))) {
            row.word().push(last);
            run = None;
        }
        match found {
            Letter::Word(c) => {
                if length == 0 {
                    row.word();
                }
                if length < MAX_TOKEN_CHARS {
                    row.out.push(c);
                }
                length += 1;
                continue;
            }
            Letter::Run(c) => {
                if let Some(last) = run.replace(c) {
                    row.word().extend([last, c]);
                }
            }
            Letter::Between => {}
        }
        length = 0;
    }
    if let Some(last) = run {
        row.word().push(last);
    }
    true
}

/// What becomes of a character, whatever stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    /// A letter or digit of a word, folded.
    Word(char),
    /// One of a run that is kept as pairs.
    Run(char),
    /// Ends a word.
    Between,
}

/// Blocks whose characters are looked up: Latin to Arabic, and the punctuation of books, of Chinese, and full width.
const BLOCKS: [(u32, u32); 4] = [(0, 0x700), (0x2010, 0x2040), (0x3000, 0x3020), (0xff00, 0xff20)];

type Letters = [Vec<Option<Letter>>; BLOCKS.len()];

static TABLE: LazyLock<Letters> =
    LazyLock::new(|| BLOCKS.map(|(from, to)| (from..to).map(|c| char::from_u32(c).and_then(judge)).collect()));

/// None: it takes more than the character alone.
fn letter(c: char, letters: &Letters) -> Option<Letter> {
    // Ideographs and syllables, none of which folds.
    if matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{ac00}'..='\u{d7a3}') {
        return Some(Letter::Run(c));
    }
    let code = u32::from(c);
    let (block, (from, _)) = BLOCKS.iter().enumerate().find(|(_, (from, to))| (*from..*to).contains(&code))?;
    let at = usize::try_from(code - from).ok()?;
    *letters.get(block)?.get(at)?
}

fn judge(c: char) -> Option<Letter> {
    if is_invisible(c) {
        return None;
    }
    let folded = fold_piece(c.encode_utf8(&mut [0; 4]));
    if !folded.is_empty() && folded.chars().all(|c| class(c) == Class::Other) {
        return Some(Letter::Between);
    }
    let mut all = folded.chars();
    let joins = format!("a{c}a").split_word_bounds().count() == 1;
    match (all.next(), all.next()) {
        (Some(one), None) if joins && class(one) == Class::Word && class(c) == Class::Word => Some(Letter::Word(one)),
        _ => None,
    }
}
