//! Whether a rule's path covers a URL's path (RFC 9309 sections 2.2.2 and 2.2.3), in linear time.
//!
//! A pattern is cut at its `*` into literal pieces. The first piece must begin the path; each following one is looked for from
//! where the one before ended, leftmost first; after a closing `$` the last must end the path. Taking the leftmost place never
//! loses a match, so there is nothing to go back to, and Knuth-Morris-Pratt finds it without looking at an octet twice.

/// A path in the form in which it is compared.
#[derive(Debug, Clone)]
pub(super) struct Path {
    octets: Vec<u8>,
}

impl Path {
    /// Takes path and query of a URL. A fragment is cut off; what does not begin with `/` is read as if it did.
    pub(super) fn new(path_and_query: &str) -> Self {
        let text = path_and_query.split('#').next().unwrap_or_default();
        let mut octets = Vec::with_capacity(text.len() + 1);
        if !text.starts_with('/') {
            octets.push(b'/');
        }
        compared_form(text.as_bytes(), &mut octets);
        Self { octets }
    }

    /// Whether this is the robots.txt of its site, without a query.
    pub(super) fn is_robots_txt(&self) -> bool {
        self.octets == b"/robots.txt"
    }
}

/// The path of a rule.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// What stands between the `*`, in compared form; at least one piece, any of them may be empty.
    pieces: Vec<Vec<u8>>,
    /// Whether the path must end where the last piece ends (`$`).
    anchored: bool,
    octets: usize,
}

impl Pattern {
    /// Reads the value of an `Allow` or `Disallow` line. `$` is special only as its last octet.
    pub(super) fn new(value: &[u8]) -> Self {
        let (text, anchored) = value.strip_suffix(b"$").map_or((value, false), |text| (text, true));
        let mut pieces = Vec::new();
        let mut octets = usize::from(anchored) + text.iter().filter(|byte| **byte == b'*').count();
        for piece in text.split(|byte| *byte == b'*') {
            let mut form = Vec::with_capacity(piece.len());
            octets += compared_form(piece, &mut form);
            form.shrink_to_fit();
            pieces.push(form);
        }
        pieces.shrink_to_fit();
        Self { pieces, anchored, octets }
    }

    /// The length that decides between two matching rules: octets as written, but non-ASCII ones percent-encoded and
    /// percent-encoded unreserved ones decoded, so that two spellings of one rule are equally long.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    pub(super) fn matches(&self, path: &Path) -> bool {
        self.covers(path, &mut 0)
    }

    /// Whether the pattern covers the path; adds the comparisons of two octets that it took.
    fn covers(&self, path: &Path, comparisons: &mut u64) -> bool {
        let Some((first, later)) = self.pieces.split_first() else {
            return true;
        };
        *comparisons += first.len() as u64;
        let Some(mut rest) = path.octets.strip_prefix(first.as_slice()) else {
            return false;
        };
        let Some((last, middle)) = later.split_last() else {
            return !self.anchored || rest.is_empty();
        };

        for piece in middle {
            match after_first(rest, piece, comparisons) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        if self.anchored {
            *comparisons += last.len() as u64;
            rest.ends_with(last)
        } else {
            after_first(rest, last, comparisons).is_some()
        }
    }
}

/// What follows the first place where `piece` stands in `text` (Knuth-Morris-Pratt).
fn after_first<'a>(text: &'a [u8], piece: &[u8], comparisons: &mut u64) -> Option<&'a [u8]> {
    if piece.is_empty() {
        return Some(text);
    }
    if piece.len() > text.len() {
        return None;
    }
    // borders[i]: how long a proper beginning of piece[..=i] is also its end.
    let mut borders: Vec<usize> = Vec::with_capacity(piece.len());
    borders.push(0);
    for octet in piece.iter().skip(1) {
        let matched = borders.last().copied().unwrap_or_default();
        borders.push(advance(piece, &borders, matched, *octet, comparisons));
    }
    let mut matched = 0;
    for (at, octet) in text.iter().enumerate() {
        matched = advance(piece, &borders, matched, *octet, comparisons);
        if matched == piece.len() {
            return text.get(at + 1..);
        }
    }
    None
}

/// How much of `piece` ends at `octet`, when `matched` octets of it ended just before.
fn advance(piece: &[u8], borders: &[usize], mut matched: usize, octet: u8, comparisons: &mut u64) -> usize {
    loop {
        *comparisons += 1;
        if piece.get(matched) == Some(&octet) {
            return matched + 1;
        }
        match matched.checked_sub(1).and_then(|at| borders.get(at)) {
            Some(border) => matched = *border,
            None => return 0,
        }
    }
}

/// Writes octets as they are compared and returns how many they count for in a rule's length.
///
/// Unreserved characters stand bare, however they came. The separators `/ ? & = ; +` stay as they came. All else is
/// percent-encoded with upper-case digits, and so is a `%` that begins no escape.
fn compared_form(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut counted = 0;
    let mut rest = text;
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        if let (b'%', Some((value, after))) = (octet, escaped(after)) {
            rest = after;
            counted += put(value, is_unreserved(value), out);
            continue;
        }
        let bare = is_unreserved(*octet) || matches!(octet, b'/' | b'?' | b'&' | b'=' | b';' | b'+');
        let written = put(*octet, bare, out);
        counted += if octet.is_ascii() { 1 } else { written };
    }
    counted
}

/// The octet that two hexadecimal digits give, and what follows them.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = text.split_first_chunk::<2>()?;
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some((value(digits[0])? * 16 + value(digits[1])?, after))
}

fn put(octet: u8, bare: bool, out: &mut Vec<u8>) -> usize {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if bare {
        out.push(octet);
        return 1;
    }
    out.extend([b'%', HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
    3
}

/// RFC 3986 section 2.3.
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

/// One comparison of a rule's path with a URL's path, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// Whether the rule covers the path.
    pub matches: bool,
    /// Octet comparisons it took: at most three times the octets of both in compared form, however many `*` there are.
    pub comparisons: u64,
}

/// Compares one rule's path (`/a/*.php$`) with one URL's path and query, and counts. [`super::Robots::decide`] does this for every rule.
pub fn compare(rule: &str, path_and_query: &str) -> Comparison {
    let mut comparisons = 0;
    let matches = Pattern::new(rule.as_bytes()).covers(&Path::new(path_and_query), &mut comparisons);
    Comparison { matches, comparisons }
}
