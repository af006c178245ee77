//! How does a query become SQL? Every value is a parameter; every word is a quoted FTS5 string of letters and digits.

use rusqlite::types::Value;

use super::analyser;
use super::index::{HAS_EDIT, HAS_MEDIA, HAS_TEXT, HAS_TITLE, KeyField, author_key, key_word, tag_key};
use super::options::Options;
use super::query::field::{Has, Is, Link};
use super::query::{Expr, Field, Query, Text};

/// A condition over `d` (search_doc) and `i` (items), and its parameters.
pub(super) struct Condition {
    pub sql: String,
    pub values: Vec<Value>,
    /// FTS5 expression of all wanted words, for the order by relevance.
    pub wanted: Option<String>,
}

/// The version of an item that is shown: the current one, or the last words of one that is gone.
const SHOWN: &str = "d.row = i.shown";

/// Known in more than one version; a withdrawal is none.
pub(super) const REVISED: &str = "i.described > 1";

/// Learned of after a later version. Asked of the few rows that are shown or left, not of each that is counted.
pub(super) const LATE: &str = "(SELECT cause FROM revisions WHERE id = d.row) = 'late'";

pub(super) fn compile(query: &Query, options: &Options) -> Condition {
    let mut build = Build { values: Vec::new(), options };
    let mut sql = match query.expr() {
        Some(expr) => build.expr(expr),
        None => "1".to_owned(),
    };
    if !options.every_version {
        sql = format!("{sql} AND {SHOWN}");
    }
    let wanted: Vec<String> = query.wanted_words().into_iter().filter_map(words).collect();
    let wanted = if wanted.is_empty() { None } else { Some(wanted.join(" OR ")) };
    Condition { sql, values: build.values, wanted }
}

struct Build<'a> {
    values: Vec<Value>,
    options: &'a Options,
}

impl Build<'_> {
    /// The number of a new parameter.
    fn put(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    fn expr(&mut self, expr: &Expr) -> String {
        // Words that belong together are one question to the word index.
        if let Some(asked) = all_words(expr) {
            let asked = self.put(asked);
            return format!("d.row IN (SELECT rowid FROM search_word WHERE search_word MATCH {asked})");
        }
        match expr {
            Expr::And(parts) => self.joined(parts, " AND "),
            Expr::Or(parts) => self.joined(parts, " OR "),
            Expr::Not(part) => format!("NOT {}", self.expr(part)),
            // Only words the analyser leaves nothing of: nothing matches.
            Expr::Text(_) => "0".to_owned(),
            Expr::Field(field) => self.field(field),
        }
    }

    fn joined(&mut self, parts: &[Expr], between: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.expr(part)).collect();
        format!("({})", parts.join(between))
    }

    fn field(&mut self, field: &Field) -> String {
        match field {
            Field::Platform(value) => self.equals("d.platform", value),
            Field::Source(value) => self.equals("d.entry", value),
            Field::Id(value) => self.key(KeyField::Native, value, false),
            Field::Kind(kind) => self.equals("d.kind", super::query::field::kind_word(*kind)),
            Field::Language(value) => {
                let (exact, above) = (self.put(value.clone()), format!("{value}-"));
                let (from, to) = (self.put(above.clone()), self.put(after_all(&above)));
                format!("(d.language = {exact} OR (d.language >= {from} AND d.language < {to}))")
            }
            Field::Author(value) => self.key(KeyField::Author, &author_key(value), false),
            Field::Tag(value) => self.key(KeyField::Tag, &tag_key(value), false),
            Field::Link(Link::Host(host)) => self.key(KeyField::Host, host, false),
            Field::Link(Link::Address { address, is_prefix }) => self.key(KeyField::Address, address, *is_prefix),
            Field::After(at) => format!("d.time >= {}", self.put(at.as_microsecond())),
            Field::Before(at) => format!("d.time < {}", self.put(at.as_microsecond())),
            Field::Seen(seen) => {
                let (from, to) = seen.bounds(self.options.now);
                let (from, to) = (self.put(from.as_microsecond()), self.put(to.as_microsecond()));
                format!("(d.seen >= {from} AND d.seen < {to})")
            }
            Field::Has(has) => {
                let bit = match has {
                    Has::Media => HAS_MEDIA,
                    Has::Text => HAS_TEXT,
                    Has::Edit => HAS_EDIT,
                    Has::Title => HAS_TITLE,
                };
                format!("(d.has & {bit}) <> 0")
            }
            Field::Is(Is::Gone) => "i.gone = 1".to_owned(),
            Field::Is(Is::Vanished) => "i.vanished = 1".to_owned(),
            Field::Is(Is::Late) => LATE.to_owned(),
            Field::Is(Is::Revised) => REVISED.to_owned(),
            Field::Is(Is::Trial) => if self.options.is_trial { "1" } else { "0" }.to_owned(),
        }
    }

    fn equals(&mut self, column: &str, value: &str) -> String {
        format!("{column} = {}", self.put(value.to_owned()))
    }

    fn key(&mut self, field: KeyField, value: &str, is_prefix: bool) -> String {
        let star = if is_prefix { " *" } else { "" };
        let asked = self.put(format!("key : \"{}\"{star}", key_word(field, value)));
        format!("d.row IN (SELECT rowid FROM search_word WHERE search_word MATCH {asked})")
    }
}

/// The first text behind all that begin with `beginning`.
fn after_all(beginning: &str) -> String {
    format!("{beginning}\u{10ffff}")
}

/// One FTS5 expression for a part of a query that consists of wanted words only.
fn all_words(expr: &Expr) -> Option<String> {
    let all = |parts: &[Expr], between: &str| {
        let parts: Option<Vec<String>> = parts.iter().map(all_words).collect();
        parts.map(|parts| format!("({})", parts.join(between)))
    };
    match expr {
        Expr::And(parts) => all(parts, " AND "),
        Expr::Or(parts) => all(parts, " OR "),
        Expr::Text(text) => words(text),
        Expr::Not(_) | Expr::Field(_) => None,
    }
}

/// A phrase for FTS5; `None` if nothing of the text can be searched for.
fn words(text: &Text) -> Option<String> {
    let phrase = analyser::phrase(&text.words, text.is_prefix);
    if phrase.tokens.is_empty() {
        return None;
    }
    let column = if text.in_title { "title : " } else { "" };
    let star = if phrase.is_prefix { " *" } else { "" };
    // The analyser leaves letters, digits and pictures; should it ever leave a quote, it stays inside the string.
    Some(format!("({column}\"{}\"{star})", phrase.tokens.join(" ").replace('"', "\"\"")))
}
