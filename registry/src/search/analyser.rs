//! Which words does a text hold? One answer for the index, for queries and for every engine.
//!
//! The rules, in order:
//! 1. Characters nobody sees (soft hyphen, zero-width space and joiners, direction marks, variation selectors, tatweel) go.
//! 2. UAX #29 cuts the text into pieces. `http` and `https` before `://` go, the rest of an address is words like any other.
//! 3. A piece is folded: NFKD; accents, Hebrew points and Arabic vowel signs go (vowel signs of Indic scripts and the voicing marks of kana
//!    stay: they are letters); lower case; letters that mean the same become one (ي ى → ی, ك → ک, ς → σ, ß → ss, æ → ae, ø → o…;
//!    ё → е and й → и follow from dropping marks); Arabic and Persian digits become 0-9; NFC.
//! 4. What is neither letter, digit nor picture ends a word: `l'eau`, `ice-free`, `@harbour_news` and `3.14` are two words each.
//!    A query for one of them is a query for both, side by side.
//! 5. Han, kana, Hangul and Bopomofo have no spaces: a run of them is kept as overlapping pairs. The index also keeps the last character
//!    of each run, so that a single character is found as the beginning of a pair.
//! 6. A word is cut off after [`MAX_TOKEN_CHARS`].
//!
//! Words of scripts without spaces that UAX #29 can't cut (Thai, Khmer, Lao, Burmese) are kept letter by letter; a query word there
//! is a phrase.

mod written;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation as _;

pub(super) use written::write;

/// Changes whenever any text may be cut into other words; an index of another version is made again.
pub const ANALYSER_VERSION: u32 = 1;

/// Longest word in characters; what follows in the same word is not searchable.
pub const MAX_TOKEN_CHARS: usize = 64;

/// The smallest thing that is found: a word, or one character of a script without spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atom {
    /// Folded text.
    pub text: String,
    /// First byte in the text it was cut from.
    pub start: usize,
    /// Byte after its last.
    pub end: usize,
    /// One character of Han, kana, Hangul or Bopomofo.
    pub is_cjk: bool,
    /// Follows such a character directly, so that both belong to one run.
    pub is_joined: bool,
}

/// What an engine is given as one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Letters, digits and pictures only: neither space nor punctuation.
    pub text: String,
    /// First byte in the text it was cut from.
    pub start: usize,
    /// Byte after its last.
    pub end: usize,
}

/// The words of a query's term; the last may stand for all words that begin with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Words that stand side by side.
    pub tokens: Vec<String>,
    /// The last token is a beginning.
    pub is_prefix: bool,
}

/// Words in order, pairs for runs without spaces. Cutting its own output, joined by spaces, gives the same words again.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    pair(&atoms(text), Last::Never)
}

/// [`tokens`] and, behind each run of pairs, the run's last character: what an index keeps.
#[must_use]
pub fn index_tokens(text: &str) -> Vec<Token> {
    pair(&atoms(text), Last::Always)
}

/// What a query must ask an index of [`index_tokens`] for, so that it finds `text`. No tokens: there is nothing in it to search for.
#[must_use]
pub fn phrase(text: &str, is_prefix: bool) -> Phrase {
    let atoms = atoms(text);
    // A single character at the end is the beginning of a pair, or the last of a run.
    let ends_single = match atoms.as_slice() {
        [] => false,
        [one] => one.is_cjk,
        [.., last] => last.is_cjk && !last.is_joined,
    };
    let tokens = pair(&atoms, Last::Inside).into_iter().map(|token| token.text).collect();
    Phrase { tokens, is_prefix: is_prefix || ends_single }
}

/// A short value (tag, name) so that spellings that differ only in case, accents or spacing are equal.
#[must_use]
pub fn fold(text: &str) -> String {
    let folded = fold_piece(&Visible::of(text).text);
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Which runs get their last character as a token of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Never,
    Inside,
    Always,
}

fn pair(atoms: &[Atom], last: Last) -> Vec<Token> {
    let mut out = Vec::with_capacity(atoms.len());
    let mut rest = atoms.iter().peekable();
    while let Some(atom) = rest.next() {
        let next = rest.peek();
        let single = Token { text: atom.text.clone(), start: atom.start, end: atom.end };
        match next {
            Some(next) if atom.is_cjk && next.is_joined => {
                out.push(Token { text: format!("{}{}", atom.text, next.text), start: atom.start, end: next.end });
            }
            _ if atom.is_joined => {
                let wanted = match last {
                    Last::Never => false,
                    Last::Inside => next.is_some(),
                    Last::Always => true,
                };
                if wanted {
                    out.push(single);
                }
            }
            _ => out.push(single),
        }
    }
    out
}

/// The text cut as finely as anything can be found in it.
#[must_use]
pub fn atoms(text: &str) -> Vec<Atom> {
    let visible = Visible::of(text);
    let mut cut = Cut { visible: &visible, atoms: Vec::new(), gap: true };
    for (at, piece) in visible.text.split_word_bound_indices() {
        let behind = visible.text.get(at + piece.len()..).unwrap_or_default();
        let is_scheme = piece.eq_ignore_ascii_case("https") || piece.eq_ignore_ascii_case("http");
        if is_scheme && behind.starts_with("://") {
            cut.gap = true;
        } else if piece.is_ascii() {
            cut.ascii(at, piece);
        } else {
            cut.piece(at, piece);
        }
    }
    cut.atoms
}

struct Cut<'a> {
    visible: &'a Visible<'a>,
    atoms: Vec<Atom>,
    /// Something that is no character of a run came after the last atom.
    gap: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Mark,
    Cjk,
    Picture,
    Flag,
    Other,
}

impl Cut<'_> {
    fn ascii(&mut self, at: usize, piece: &str) {
        let mut begin = at;
        for part in piece.split(|c: char| !c.is_ascii_alphanumeric()) {
            if !part.is_empty() {
                let text: String = part.chars().take(MAX_TOKEN_CHARS).map(|c| c.to_ascii_lowercase()).collect();
                self.word(text, begin, begin + part.len());
            }
            begin += part.len() + 1;
        }
        self.gap = true;
    }

    fn piece(&mut self, at: usize, piece: &str) {
        let folded = fold_piece(piece);
        // Where each folded character came from, if folding kept their number; else the whole piece.
        let same = folded.chars().count() == piece.chars().count();
        let whole = (at, at + piece.len());
        let ranges: Vec<(usize, usize)> = if same {
            piece.char_indices().map(|(i, c)| (at + i, at + i + c.len_utf8())).collect()
        } else {
            Vec::new()
        };
        let mut number = 0_usize;
        for part in folded.split_word_bounds() {
            let mut word: Option<(String, usize, usize)> = None;
            let mut flag: Option<(char, usize)> = None;
            for c in part.chars() {
                let (start, end) = ranges.get(number).copied().unwrap_or(whole);
                number += 1;
                let class = class(c);
                if class == Class::Word || (class == Class::Mark && word.is_some()) {
                    let (text, _, word_end) = word.get_or_insert_with(|| (String::new(), start, end));
                    text.push(c);
                    *word_end = end;
                    continue;
                }
                if let Some((text, start, end)) = word.take() {
                    self.word(text, start, end);
                }
                match class {
                    Class::Cjk => self.cjk(c, start, end),
                    Class::Flag => match flag.take() {
                        Some((first, begin)) => {
                            self.word(format!("{first}{c}"), begin, end);
                            continue;
                        }
                        None => flag = Some((c, start)),
                    },
                    Class::Picture => self.word(c.to_string(), start, end),
                    Class::Word | Class::Mark => {}
                    Class::Other => self.gap = true,
                }
            }
            if let Some((text, start, end)) = word {
                self.word(text, start, end);
            }
            if let Some((first, begin)) = flag {
                self.word(first.to_string(), begin, begin + first.len_utf8());
            }
        }
    }

    fn word(&mut self, mut text: String, start: usize, end: usize) {
        if let Some((cut, _)) = text.char_indices().nth(MAX_TOKEN_CHARS) {
            text.truncate(cut);
        }
        self.push(text, start, end, false);
        self.gap = true;
    }

    fn cjk(&mut self, c: char, start: usize, end: usize) {
        self.push(c.to_string(), start, end, true);
        self.gap = false;
    }

    fn push(&mut self, text: String, start: usize, end: usize, is_cjk: bool) {
        let is_joined = is_cjk && !self.gap && self.atoms.last().is_some_and(|last| last.is_cjk);
        self.atoms.push(Atom {
            text,
            start: self.visible.origin(start),
            end: self.visible.origin_of_end(end),
            is_cjk,
            is_joined,
        });
    }
}

/// A text without the characters nobody sees, and where the others stood.
struct Visible<'a> {
    text: Cow<'a, str>,
    /// For each byte of `text` its place in the original; empty where nothing was left out.
    origins: Vec<usize>,
}

impl<'a> Visible<'a> {
    fn of(original: &'a str) -> Self {
        if !original.chars().any(is_invisible) {
            return Self { text: Cow::Borrowed(original), origins: Vec::new() };
        }
        let mut text = String::with_capacity(original.len());
        let mut origins = Vec::with_capacity(original.len());
        for (at, c) in original.char_indices().filter(|(_, c)| !is_invisible(*c)) {
            text.push(c);
            origins.extend(at..at + c.len_utf8());
        }
        Self { text: Cow::Owned(text), origins }
    }

    fn origin(&self, at: usize) -> usize {
        self.origins.get(at).copied().unwrap_or(at)
    }

    fn origin_of_end(&self, end: usize) -> usize {
        match end.checked_sub(1) {
            Some(last) => self.origin(last) + 1,
            None => 0,
        }
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that change no letter into another: accents, Hebrew points, Arabic vowel signs and hamza carriers.
fn is_dropped_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}'
        | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}'
        | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fb1e}' | '\u{fe20}'..='\u{fe2f}')
}

fn fold_piece(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    let letters = piece.nfkd().filter(|c| !is_dropped_mark(*c) && !is_invisible(*c)).flat_map(char::to_lowercase);
    // Lower case may bring a mark back (İ).
    for c in letters.filter(|c| !is_dropped_mark(*c)) {
        match c {
            'ي' | 'ى' => out.push('ی'),
            'ك' => out.push('ک'),
            'ς' => out.push('σ'),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' => out.push('d'),
            'ı' => out.push('i'),
            // Ukrainian spells п'ять with any of three apostrophes.
            '\u{2bc}' | '\u{2b9}' => out.push('\''),
            '\u{660}'..='\u{669}' => out.push(digit(c, 0x660)),
            '\u{6f0}'..='\u{6f9}' => out.push(digit(c, 0x6f0)),
            other => out.push(other),
        }
    }
    if out.is_ascii() { out } else { out.nfc().collect() }
}

fn digit(c: char, zero: u32) -> char {
    char::from_digit(u32::from(c).saturating_sub(zero), 10).unwrap_or(c)
}

fn class(c: char) -> Class {
    if is_cjk(c) {
        Class::Cjk
    } else if is_combining_mark(c) {
        Class::Mark
    } else if c.is_alphanumeric() {
        Class::Word
    } else if matches!(c, '\u{1f1e6}'..='\u{1f1ff}') {
        Class::Flag
    } else if matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}' | '\u{1f000}'..='\u{1faff}') {
        Class::Picture
    } else {
        Class::Other
    }
}

/// Conjoining jamo are left out: two that were apart would become one syllable as a pair. NFC has made syllables of all that belong together.
fn is_cjk(c: char) -> bool {
    let in_block = matches!(c,
        '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}'
        | '\u{3038}'..='\u{303c}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}'
        | '\u{3105}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}');
    in_block && c.is_alphanumeric()
}

#[cfg(test)]
mod tests;
