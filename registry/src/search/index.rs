//! What does search keep? Words in an FTS5 table that holds no text, with names that are looked up whole as words of a column of their own; facts in one
//! narrow table.
//!
//! Both follow `revisions` by row id in the transactions that change it; what can change without a revision's words changing (which version
//! is shown, withdrawal, cause) is read from the store's tables when a query runs.
//!
//! FTS5 marks a removed row and lets go of its words only when its segments are merged, so an erasure is complete after
//! [`SqliteIndex::rewrite`] with `secure_delete` on, and a `VACUUM` if it ever was off.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use schemas::record::Record;
use url::Url;

use super::analyser::{self, ANALYSER_VERSION};
use super::query::field::{address_key, host_key, kind_word};

/// Changes when the tables below do; an index of another version is made again.
const FORMAT: u32 = 2;

/// Stands between values that are no phrase together; no text has it as a word.
pub const SEPARATOR: &str = "_";

pub(super) const HAS_MEDIA: i64 = 1;
pub(super) const HAS_TEXT: i64 = 2;
pub(super) const HAS_EDIT: i64 = 4;
pub(super) const HAS_TITLE: i64 = 8;

/// What a value that is looked up whole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyField {
    Author,
    Host,
    Address,
    Tag,
    Native,
}

impl KeyField {
    const fn letter(self) -> char {
        match self {
            Self::Author => 'a',
            Self::Host => 'h',
            Self::Address => 'u',
            Self::Tag => 't',
            Self::Native => 'n',
        }
    }
}

/// A value as one word of the column `key`: `_`, a letter for what it is, and its characters, of which the tokenizer would split at some and fold others; those
/// stand 0xE000 higher, among the private ones, and private ones behind a `_`. Beginnings of values are beginnings of words. No text has such a word: the
/// analyser passes no `_` on.
pub(super) fn key_word(field: KeyField, value: &str) -> String {
    let mut out = String::with_capacity(value.len() + value.len() / 4 + 2);
    out.push('_');
    out.push(field.letter());
    for c in value.chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            '\0'..='\u{7f}' => out.extend(char::from_u32(0xe000 + u32::from(c))),
            '\u{e000}'..='\u{e07f}' => out.extend(['_', c]),
            _ => out.push(c),
        }
    }
    out
}

// The words come cut; `ascii` with `_` passes them on as they are: it splits at ASCII spaces and lowers ASCII letters, no more.
const TABLES: &str = "
CREATE TABLE search_meta (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, analyser INTEGER NOT NULL) STRICT;
CREATE VIRTUAL TABLE search_word USING fts5(title, text, about, key, content='', contentless_delete=1, tokenize=\"ascii tokenchars '_'\");
CREATE TABLE search_doc (
    row INTEGER PRIMARY KEY,      -- revisions.id
    item INTEGER NOT NULL,        -- items.id
    platform TEXT NOT NULL,
    native TEXT NOT NULL,         -- the record's id
    kind TEXT NOT NULL,
    language TEXT NOT NULL,       -- lower case; empty where none is declared
    entry TEXT NOT NULL,
    vantage TEXT NOT NULL,
    home INTEGER NOT NULL,
    time INTEGER NOT NULL,        -- microseconds since 1970, as the next two
    claimed INTEGER NOT NULL,     -- 1: time is what the source says
    seen INTEGER NOT NULL,        -- when this version was first seen
    has INTEGER NOT NULL          -- bits: 1 media, 2 text, 4 edit, 8 title
) STRICT;
CREATE INDEX search_doc_time ON search_doc (time, row);
CREATE INDEX search_doc_seen ON search_doc (seen);
CREATE INDEX search_doc_entry ON search_doc (entry, time);
";

/// How many parts of the word table there are at one level before they become one, and at how many nobody goes on before they have. Each merge writes
/// every word again, so few wide ones cost half of what many narrow ones do; a query looks into each part.
const MERGES: [(&str, i64); 2] = [("automerge", 16), ("crisismerge", 64)];

const DROP: &str = "
DROP TABLE IF EXISTS search_word;
DROP TABLE IF EXISTS search_doc;
DROP TABLE IF EXISTS search_meta;
";

/// A revision as it is taken in.
#[derive(Clone, Copy, Debug)]
pub struct Doc<'a> {
    /// `revisions.id`.
    pub row: i64,
    /// `items.id`.
    pub item: i64,
    /// What it says.
    pub record: &'a Record,
    /// Entry it was first seen under.
    pub entry: &'a str,
    /// Host it was seen through.
    pub vantage: &'a str,
    /// False for a claim about somebody else's item.
    pub home: bool,
    /// When this version was first seen.
    pub first_seen_at: Timestamp,
    /// What `after:`, `before:` and the order look at.
    pub time: Timestamp,
}

/// The search tables in the store's SQLite file.
#[derive(Clone, Copy, Debug, Default)]
pub struct SqliteIndex;

impl SqliteIndex {
    /// Makes the tables, or makes them again from `revisions` where another release's analyser filled them.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn make(&self, connection: &Connection) -> rusqlite::Result<()> {
        let known = (FORMAT, ANALYSER_VERSION);
        let exists = "SELECT count(*) FROM sqlite_schema WHERE name = 'search_meta'";
        if connection.query_row(exists, [], |row| row.get::<_, i64>(0))? == 1 {
            let found = connection
                .query_row("SELECT format, analyser FROM search_meta", [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if found == Some(known) {
                return merge_so(connection);
            }
        }
        let tx = connection.unchecked_transaction()?;
        tx.execute_batch(DROP)?;
        tx.execute_batch(TABLES)?;
        merge_so(&tx)?;
        tx.execute("INSERT INTO search_meta VALUES (1, ?, ?)", params![known.0, known.1])?;
        self.index_all(&tx)?;
        tx.commit()
    }

    /// Takes in every revision the store knows.
    fn index_all(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut statement = tx.prepare(
            "SELECT r.id, r.item, r.record, r.entry, i.vantage, i.home, r.first_seen_at, r.time
             FROM revisions r JOIN items i ON i.id = r.item WHERE r.record IS NOT NULL ORDER BY r.id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let time = |column: usize| -> rusqlite::Result<Timestamp> {
                row.get::<_, String>(column)?.parse().map_err(|why| {
                    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(why))
                })
            };
            let record: Record = serde_json::from_str(&row.get::<_, String>(2)?).map_err(|why| {
                rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(why))
            })?;
            let (entry, vantage): (String, String) = (row.get(3)?, row.get(4)?);
            self.take_in(
                tx,
                &Doc {
                    row: row.get(0)?,
                    item: row.get(1)?,
                    record: &record,
                    entry: &entry,
                    vantage: &vantage,
                    home: row.get(5)?,
                    first_seen_at: time(6)?,
                    time: time(7)?,
                },
            )?;
        }
        Ok(())
    }

    /// Takes a revision in of which there is no row.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn take_in(&self, tx: &Transaction<'_>, doc: &Doc<'_>) -> rusqlite::Result<()> {
        let record = doc.record;
        let claim = record.published_at.as_ref().and_then(|claimed| claimed.at);
        tx.prepare_cached("INSERT INTO search_doc VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
            params![
                doc.row,
                doc.item,
                record.platform.to_lowercase(),
                record.id,
                kind_word(record.kind),
                record.language.as_deref().unwrap_or_default().to_lowercase(),
                doc.entry,
                doc.vantage,
                doc.home,
                doc.time.as_microsecond(),
                claim == Some(doc.time),
                doc.first_seen_at.as_microsecond(),
                has(record),
            ],
        )?;
        let words = Words::of(record);
        tx.prepare_cached("INSERT INTO search_word (rowid, title, text, about, key) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![doc.row, words.title, words.text, words.about, key_words(record)])?;
        Ok(())
    }

    /// Lets go of a revision; one that is not there is no error. Its words leave the file with [`SqliteIndex::rewrite`].
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn let_go(&self, tx: &Transaction<'_>, row: i64) -> rusqlite::Result<()> {
        if tx.prepare_cached("DELETE FROM search_doc WHERE row = ?")?.execute([row])? == 0 {
            return Ok(());
        }
        tx.prepare_cached("DELETE FROM search_word WHERE rowid = ?")?.execute([row])?;
        Ok(())
    }

    /// Lets go of everything.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn empty(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        tx.execute_batch("DELETE FROM search_doc; INSERT INTO search_word (search_word) VALUES ('delete-all')")
    }

    /// Rewrites the words so that none of a removed revision is left. Takes as long as reading the whole word table.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn rewrite(&self, connection: &Connection) -> rusqlite::Result<()> {
        // What is replaced from here on is overwritten in the file.
        connection.execute_batch("PRAGMA secure_delete = ON")?;
        connection.execute_batch("INSERT INTO search_word (search_word) VALUES ('optimize')")
    }
}

/// Sets [`MERGES`] where they are not set.
fn merge_so(connection: &Connection) -> rusqlite::Result<()> {
    for (name, parts) in MERGES {
        let sql = "SELECT 1 FROM search_word_config WHERE k = ? AND v = ?";
        if !connection.prepare(sql)?.exists(params![name, parts])? {
            connection.execute("INSERT INTO search_word (search_word, rank) VALUES (?, ?)", params![name, parts])?;
        }
    }
    Ok(())
}

/// The three columns of words of a record, cut and joined by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Of the title.
    pub title: String,
    /// Of the body.
    pub text: String,
    /// Of everything else a person would look for: author, tags, mentions, captions, place, advertisement and register facts.
    pub about: String,
}

impl Words {
    /// Cuts a record's texts.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let cut = |values: &[&str]| {
            let mut out = String::new();
            for value in values {
                let before = if out.is_empty() { None } else { Some(SEPARATOR) };
                analyser::write(value, before, &mut out);
            }
            out
        };
        Self {
            title: cut(&[record.title.as_deref().unwrap_or_default()]),
            text: cut(&[record.text.as_deref().unwrap_or_default()]),
            about: cut(&about(record)),
        }
    }
}

/// Texts of a record that stand neither in its title nor in its body.
#[must_use]
pub fn about(record: &Record) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    if let Some(author) = &record.author {
        out.extend(author.name.as_deref());
        out.extend(author.handle.as_deref());
    }
    out.extend(record.tags.iter().map(String::as_str));
    out.extend(record.mentions.iter().map(String::as_str));
    out.extend(record.media.iter().filter_map(|media| media.alt.as_deref()));
    out.extend(record.place.as_deref());
    if let Some(ad) = &record.ad {
        out.extend(ad.payer.as_deref());
        out.extend(ad.targeting.iter().map(String::as_str));
    }
    if let Some(registration) = &record.registration {
        out.extend(registration.registrant.as_deref());
        out.extend(registration.principal.as_deref());
        out.extend(registration.country.as_deref());
    }
    out
}

pub(super) fn has(record: &Record) -> i64 {
    let holds = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let mut bits = 0;
    for (is_there, bit) in [
        (!record.media.is_empty(), HAS_MEDIA),
        (holds(&record.text), HAS_TEXT),
        (record.edited_at.is_some(), HAS_EDIT),
        (holds(&record.title), HAS_TITLE),
    ] {
        if is_there {
            bits |= bit;
        }
    }
    bits
}

/// How an author is compared: folded, without `@` in front.
pub(super) fn author_key(value: &str) -> String {
    analyser::fold(value.trim().trim_start_matches('@'))
}

/// How a tag is compared: folded, without `#` in front.
pub(super) fn tag_key(value: &str) -> String {
    analyser::fold(value.trim().trim_start_matches('#'))
}

fn key_words(record: &Record) -> String {
    let mut out = String::new();
    for (field, value) in keys(record) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&key_word(field, &value));
    }
    out
}

/// All values of a record that are looked up whole.
fn keys(record: &Record) -> BTreeSet<(KeyField, String)> {
    let mut out = BTreeSet::from([(KeyField::Native, record.id.clone())]);
    if let Some(author) = &record.author {
        for value in [&author.id, &author.handle, &author.name].into_iter().flatten() {
            out.insert((KeyField::Author, author_key(value)));
        }
    }
    for tag in &record.tags {
        out.insert((KeyField::Tag, tag_key(tag)));
    }
    for url in addresses(record) {
        out.extend(address_key(&url).map(|key| (KeyField::Address, key)));
        let Some(host) = host_key(&url) else { continue };
        let mut rest = host.as_str();
        out.insert((KeyField::Host, rest.to_owned()));
        // The hosts above it, but not a whole top-level domain.
        if matches!(url.host(), Some(url::Host::Domain(_))) {
            while let Some((_, above)) = rest.split_once('.').filter(|(_, above)| above.contains('.')) {
                out.insert((KeyField::Host, above.to_owned()));
                rest = above;
            }
        }
    }
    out.retain(|(_, value)| !value.is_empty());
    out
}

/// Where the record lies and what it points to, as far as it is on the web.
fn addresses(record: &Record) -> impl Iterator<Item = Url> {
    let texts = record.url.iter().chain(&record.links);
    let texts = texts
        .chain(record.media.iter().map(|media| &media.url))
        .chain(record.relations.iter().map(|relation| &relation.to));
    texts.filter_map(|text| Url::parse(text).ok()).filter(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_of_an_earlier_release_merges_as_this_one_does() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE revisions (id, item, record, entry, first_seen_at, time); CREATE TABLE items (id, vantage, home);",
            )
            .unwrap();
        let parts = || -> i64 {
            let sql = "SELECT v FROM search_word_config WHERE k = 'automerge'";
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        SqliteIndex.make(&connection).unwrap();
        assert_eq!(parts(), 16);
        connection.execute_batch("INSERT INTO search_word (search_word, rank) VALUES ('automerge', 4)").unwrap();
        SqliteIndex.make(&connection).unwrap();
        assert_eq!(parts(), 16);
    }
}
