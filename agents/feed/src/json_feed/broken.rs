//! What can be read of a JSON Feed that is not JSON as a whole?
//!
//! Braces are counted, text in quotes skipped, and every item that is whole is read on its own.

use serde_json::Value;

use super::Parts;

/// Nothing where there is no list of items at all.
pub(super) fn read(text: &str) -> Option<Parts> {
    let list = items_begin(text)?;
    let before = text.get(..list)?;
    // What stands before the list, closed: `{"title": "…", "items": []}`.
    let head = serde_json::from_str::<Value>(&format!("{before}]}}")).ok().and_then(|value| match value {
        Value::Object(head) => Some(head),
        _ => None,
    });
    let mut items = Vec::new();
    let mut rest = text.get(list..)?;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
        if rest.starts_with(']') {
            let cut = ends(rest).then(|| "the feed breaks off after its items".to_owned());
            return Some(Parts { feed: head.unwrap_or_default(), items, cut });
        }
        let Some(len) = value_len(rest) else {
            let why = format!("the feed ends inside item {}, which is left out", items.len());
            return Some(Parts { feed: head.unwrap_or_default(), items, cut: Some(why) });
        };
        let item = rest.get(..len)?;
        items.push(serde_json::from_str(item).map_err(|error| format!("is not JSON: {error}")));
        rest = rest.get(len..)?;
    }
}

/// True where the closing brace of the feed is missing.
fn ends(rest: &str) -> bool {
    !rest.trim_end().ends_with('}')
}

/// Where the items of the outermost `"items": [` begin.
fn items_begin(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut scan = Scan::new(text);
    while let Some((at, byte)) = scan.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' if depth == 1 => {
                let after = text.get(scan.at..)?;
                let value = after.trim_start().strip_prefix(':').map(str::trim_start);
                let name = text.get(at..scan.at)?;
                if let Some(value) = value.filter(|value| name == "\"items\"" && value.starts_with('[')) {
                    return Some(text.len() - value.len() + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Length of the value that a text begins with; nothing where it does not end.
fn value_len(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut scan = Scan::new(text);
    while let Some((at, byte)) = scan.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return Some(if depth == 0 { at.max(1) } else { at + 1 }),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at.max(1)),
            _ => {}
        }
    }
    None
}

/// Bytes outside quotes; quoted text counts as one.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Scan<'t> {
    const fn new(text: &'t str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    fn next(&mut self) -> Option<(usize, u8)> {
        let start = self.at;
        let byte = *self.bytes.get(start)?;
        self.at += 1;
        if byte == b'"' {
            while let Some(inside) = self.bytes.get(self.at) {
                self.at += if *inside == b'\\' { 2 } else { 1 };
                if *inside == b'"' {
                    break;
                }
            }
            self.at = self.at.min(self.bytes.len());
        }
        Some((start, byte))
    }
}
