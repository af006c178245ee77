//! Where in an answer did an item stand?

use std::fmt;

/// Where in an answer something stood. Small and `Copy`; becomes text only when its line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// An element of the list at a JSON pointer (RFC 6901), counted from 0: `/data/videos/17`.
    Json(&'a str, usize),
    /// The value at a JSON pointer.
    Pointer(&'a str),
    /// A row or line, counted from 1, of a member of an archive; the member is empty where the body itself is the table.
    Row(&'a str, u64),
    /// An event or frame of a stream, counted from 0.
    Frame(u64),
    /// A match of a CSS selector, counted from 0.
    Css(&'a str, usize),
    /// An element of an XML document by its local name, counted from 0.
    Element(&'a str, usize),
    /// Bytes of the decoded body, first and one past the last.
    Bytes(u64, u64),
    /// The answer as a whole.
    Whole,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(pointer, index) => write!(f, "{pointer}/{index}"),
            Self::Pointer("") | Self::Whole => f.write_str("whole"),
            Self::Pointer(pointer) => f.write_str(pointer),
            Self::Row("", row) => write!(f, "row {row}"),
            Self::Row(member, row) => write!(f, "{member} row {row}"),
            Self::Frame(frame) => write!(f, "frame {frame}"),
            Self::Css(selector, index) => write!(f, "{selector} #{index}"),
            Self::Element(name, index) => write!(f, "<{name}> #{index}"),
            Self::Bytes(from, to) => write!(f, "bytes {from}-{to}"),
        }
    }
}
