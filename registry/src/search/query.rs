//! What does an analyst ask for? The one query language: its tree, its text form and its limits.
//!
//! ```text
//! harbour "ice free" -ferry            all of these, not that one
//! harbour OR port                      either; binds weaker than standing side by side
//! (harbour OR port) lang:fr            brackets group
//! harb*                                words that begin so; "ice fr"* too
//! title:harbour                        in the title only
//! platform:mastodon kind:post          source system, kind of record
//! author:@desk@news.example.org        id, handle or name
//! link:example.org                     links to or lies on this host or one below it
//! link:example.org/news/*              or at this address
//! after:2026-10-01 before:2026-11      from that day on, up to (not with) that month; UTC
//! seen:7d  seen:2026-10-01..2026-10-05 when we saw it first
//! source:harbour-news tag:ice id:"tag:news.example.org,2026:7"
//! has:media|text|edit|title  is:gone|vanished|revised|late|trial
//! ```
//!
//! A word is looked for in title, text, names, tags and captions. Every word is cut by [`super::analyser`], so case and accents do not count.

mod bare;
mod fault;
pub mod field;
#[cfg(any(test, feature = "testing"))]
pub mod generator;
mod parse;

use std::fmt::{self, Display as _};
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub use fault::Fault;
pub use field::Field;

/// Longest query in bytes.
pub const MAX_QUERY_BYTES: usize = 4096;
/// Most words, phrases and fields in one query.
pub const MAX_TERMS: usize = 100;
/// Deepest nesting of brackets and minus signs.
pub const MAX_DEPTH: usize = 16;

/// A query that was read, or one for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    expr: Option<Expr>,
}

/// One part of a query. Built by [`Expr::all`], [`Expr::any`] and [`Expr::not`] it is flat: no list in a list of its kind, no double negation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// All of these, at least two.
    And(Vec<Expr>),
    /// Any of these, at least two.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// Words side by side.
    Text(Text),
    /// A fact beside the words.
    Field(Field),
}

/// Words side by side; a single word is the shortest phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As written, without quotes and star.
    pub words: String,
    /// The last word is a beginning.
    pub is_prefix: bool,
    /// Only in the title.
    pub in_title: bool,
}

/// Why a query can't be run, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct QueryError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
    /// The same as data.
    #[serde(skip)]
    pub fault: Box<Fault>,
}

impl QueryError {
    pub(crate) fn at(column: usize, fault: Fault) -> Self {
        Self { column, message: fault.message(), hint: fault.hint(), fault: Box::new(fault) }
    }
}

impl Query {
    /// The query that everything answers.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Reads a query; an empty one asks for everything.
    ///
    /// # Errors
    ///
    /// [`QueryError`] with the place of the first mistake.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Ok(Self { expr: parse::parse(text)? })
    }

    /// A query from a tree; the limits of [`Query::parse`] are not checked.
    #[must_use]
    pub fn of(expr: Expr) -> Self {
        Self { expr: Some(expr) }
    }

    /// Its tree; `None` asks for everything.
    #[must_use]
    pub fn expr(&self) -> Option<&Expr> {
        self.expr.as_ref()
    }

    /// The words it looks for, those behind a minus left out: what a page may highlight.
    #[must_use]
    pub fn wanted_words(&self) -> Vec<&Text> {
        let mut out = Vec::new();
        if let Some(expr) = &self.expr {
            expr.wanted(&mut out);
        }
        out
    }
}

impl Expr {
    /// All of these; `None` of an empty list.
    #[must_use]
    pub fn all(parts: Vec<Self>) -> Option<Self> {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() < 2 { flat.pop() } else { Some(Self::And(flat)) }
    }

    /// Any of these; `None` of an empty list.
    #[must_use]
    pub fn any(parts: Vec<Self>) -> Option<Self> {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() < 2 { flat.pop() } else { Some(Self::Or(flat)) }
    }

    /// The opposite.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "`!expr` would hide that a tree is built")]
    pub fn not(part: Self) -> Self {
        match part {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    fn wanted<'a>(&'a self, out: &mut Vec<&'a Text>) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.wanted(out)),
            Self::Text(text) => out.push(text),
            Self::Not(_) | Self::Field(_) => {}
        }
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| expr.fmt(f))
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => list(f, parts, " ", |part| matches!(part, Self::Or(_))),
            Self::Or(parts) => list(f, parts, " OR ", |_| false),
            Self::Not(part) if matches!(**part, Self::And(_) | Self::Or(_)) => {
                write!(f, "-({part})")
            }
            Self::Not(part) => write!(f, "-{part}"),
            Self::Text(text) => text.fmt(f),
            Self::Field(field) => field.fmt(f),
        }
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expr],
    between: &str,
    needs_brackets: impl Fn(&Expr) -> bool,
) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(between)?;
        }
        if needs_brackets(part) {
            write!(f, "({part})")?;
        } else {
            part.fmt(f)?;
        }
    }
    Ok(())
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_title {
            f.write_str("title:")?;
        }
        let bare = if self.in_title { bare::is_bare_value(&self.words) } else { bare::is_bare_word(&self.words) };
        if bare {
            f.write_str(&self.words)?;
        } else {
            quoted(f, &self.words)?;
        }
        if self.is_prefix { f.write_str("*") } else { Ok(()) }
    }
}

/// `text` in quotes, with a backslash before quotes and backslashes.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
