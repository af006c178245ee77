//! Tables as text: comma or tab separated.

use std::sync::{Arc, OnceLock};

use encoding_rs::{UTF_8, WINDOWS_1252};

use super::{Charset, Spool, SpoolReader, charset, charset::Utf8Reader};
use crate::contract::{Place, Unreadable};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Comma separated with quotes (RFC 4180).
    Csv,
    /// Tab separated, quotes meaning nothing.
    Tsv,
}

/// Most columns of a table.
const MAX_COLUMNS: usize = 4_096;

/// The names of a table's columns, and the first that was asked for and is none of them.
#[derive(Debug)]
struct Columns {
    names: Vec<String>,
    missed: OnceLock<String>,
}

/// One row: cells by column name.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<Columns>,
    cells: csv::StringRecord,
}

impl Row {
    /// The cell of a column.
    ///
    /// # Errors
    ///
    /// This row has another number of cells than the table has columns: shifted, so no cell is trusted. Or the table has no such column: then
    /// no row is readable, and [`Rows`] ends with that, so that a renamed column does not look like an empty one.
    pub fn cell(&self, column: &str) -> Result<&str, Unreadable> {
        let Columns { names, missed } = &*self.columns;
        let Some(index) = names.iter().position(|name| name == column) else {
            return Err(no_column(missed.get_or_init(|| column.to_owned())));
        };
        if self.cells.len() != names.len() {
            return Err(Unreadable::new(
                "row",
                format_args!("{} cells under {} columns", self.cells.len(), names.len()),
            ));
        }
        self.cells.get(index).ok_or_else(|| Unreadable::missing(column))
    }

    /// What a cell says, without the white space around it; none where it is blank.
    ///
    /// # Errors
    ///
    /// As [`cell`](Self::cell).
    pub fn maybe(&self, column: &str) -> Result<Option<&str>, Unreadable> {
        Ok(Some(self.cell(column)?.trim()).filter(|cell| !cell.is_empty()))
    }

    /// What a cell says that may not be blank.
    ///
    /// # Errors
    ///
    /// As [`cell`](Self::cell), or the cell is blank.
    pub fn need(&self, column: &str) -> Result<&str, Unreadable> {
        self.maybe(column)?.ok_or_else(|| Unreadable::missing(column))
    }

    /// All cells in order.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter()
    }
}

fn no_column(name: &str) -> Unreadable {
    Unreadable::new("columns", format_args!("`{name}` is not among them"))
}

/// Rows of a table with their places, in constant memory. Rows are counted from 1, the one that names the columns left out.
pub struct Rows<'a> {
    member: &'a str,
    columns: Arc<Columns>,
    reader: csv::Reader<Utf8Reader<SpoolReader>>,
    strict: bool,
    cut: bool,
    row: u64,
    ahead: Option<csv::StringRecord>,
    started: bool,
    done: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        member: &'a str,
        spool: &Spool,
        table: Table,
        charset: Charset,
        content_type: Option<&str>,
        cut: bool,
    ) -> Result<Self, Unreadable> {
        let encoding = match charset {
            Charset::Utf8 => UTF_8,
            Charset::Windows1252 => WINDOWS_1252,
            Charset::Declared => content_type.and_then(charset::in_content_type).unwrap_or(UTF_8),
        };
        let mut builder = csv::ReaderBuilder::new();
        builder.flexible(true).has_headers(false);
        if table == Table::Tsv {
            builder.delimiter(b'\t').quoting(false);
        }
        let mut reader = builder.from_reader(Utf8Reader::new(spool.reader(), encoding));
        let mut columns = csv::StringRecord::new();
        let found = reader.read_record(&mut columns).map_err(|error| Unreadable::new("columns", error))?;
        if !found {
            return Err(Unreadable::new("columns", "the table has no first row"));
        }
        if columns.len() > MAX_COLUMNS {
            return Err(Unreadable::new("columns", format_args!("{}; a table may have {MAX_COLUMNS}", columns.len())));
        }
        let names = columns.iter().map(|name| name.trim().to_owned()).collect();
        let columns = Arc::new(Columns { names, missed: OnceLock::new() });
        let strict = charset == Charset::Utf8;
        Ok(Self { member, columns, reader, strict, cut, row: 0, ahead: None, started: false, done: false })
    }

    /// Names of the columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns.names
    }

    fn read(&mut self) -> Result<Option<csv::StringRecord>, Unreadable> {
        let at = Place::Row(self.member, self.row + 1);
        let mut cells = csv::StringRecord::new();
        let found = self.reader.read_record(&mut cells).map_err(|error| Unreadable::new(at, error))?;
        if found && self.strict && cells.iter().any(|cell| cell.contains('\u{fffd}')) {
            return Err(Unreadable::new(at, "is not UTF-8"));
        }
        Ok(found.then_some(cells))
    }

    /// One row behind, so that the last row of a cut table, which may end anywhere, can be left out.
    fn row(&mut self) -> Result<Option<csv::StringRecord>, Unreadable> {
        if !self.started {
            self.started = true;
            self.ahead = self.read()?;
        }
        let Some(current) = self.ahead.take() else {
            return Ok(None);
        };
        self.row += 1;
        self.ahead = self.read()?;
        Ok((self.ahead.is_some() || !self.cut).then_some(current))
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<(Place<'a>, Row), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = match self.columns.missed.get() {
            Some(name) => Some(Err(no_column(name))),
            None => self.row().transpose(),
        };
        self.done = !matches!(row, Some(Ok(_)));
        let place = Place::Row(self.member, self.row);
        Some(row?.map(|cells| (place, Row { columns: Arc::clone(&self.columns), cells })))
    }
}
