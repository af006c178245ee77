//! What is a fixture case? A folder with the exchanges of one walk, and what reading them must say.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use jiff::Timestamp;
use schemas::{
    Digest,
    capture::{Line, Reader, Target},
    reservation::{Reservation, ReservationOutcome},
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    body::Spool,
    contract::{Erased, Facts, Method, Part, Request, Work},
    derive::{DeriveError, Derived, derive, keep_all},
};

/// `case.json`. Paths are relative to its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    target: Target,
    /// Name of the file whose text is the target's recipe, for collectors that read recipes.
    recipe: Option<String>,
    /// Absent: the cursor before the first walk.
    cursor: Option<Value>,
    /// Absent: a poll.
    work: Option<Work>,
    now: Timestamp,
    /// True for exchanges that are read one by one and make no walk together.
    #[serde(default)]
    standalone: bool,
    exchanges: Vec<ExchangeFile>,
}

/// One exchange of `case.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeFile {
    #[serde(default)]
    step: Value,
    /// Address that answered.
    url: Url,
    /// Address that was asked, where another one answered.
    asked: Option<String>,
    /// JSON sent with a query.
    query: Option<Value>,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// Name of the file with the body; absent for none.
    body: Option<String>,
    /// In place of `body`: names of the files that an archive holds.
    #[serde(default)]
    zip: Vec<String>,
    /// Absent: the case's `now`.
    captured_at: Option<Timestamp>,
    part: Option<Part>,
    truncated: Option<String>,
    /// What the site's reservation file says. Absent: the site has none.
    reservation: Option<Reservation>,
    /// Asked for only after a crash: what the source would answer to a walk planned anew.
    #[serde(default)]
    spare: bool,
}

const fn no_file(fetched_at: Timestamp) -> Reservation {
    Reservation { said_by: None, fetched_at, outcome: ReservationOutcome::Absent, rule: None }
}

const fn ok() -> u16 {
    200
}

/// A case, read.
pub(super) struct Case {
    pub name: String,
    pub target: Target,
    pub cursor: Value,
    pub work: Work,
    pub now: Timestamp,
    pub standalone: bool,
    pub exchanges: Vec<Exchange>,
    pub expected: Option<String>,
}

/// One exchange: how it was asked for, what is known of it, its bytes.
#[derive(Clone)]
pub(super) struct Exchange {
    pub asked: Asked,
    pub facts: Facts,
    pub bytes: Vec<u8>,
    /// What the archive holds that `bytes` are, where the case names its files.
    pub members: Vec<(String, Vec<u8>)>,
    pub spare: bool,
}

/// What makes two requests the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    pub query: Option<String>,
    pub url: String,
}

impl Asked {
    pub fn of(request: &Request<Value>) -> Self {
        let query = (request.method == Method::Query).then(|| request.body.clone().unwrap_or_default());
        Self { query, url: request.url.clone() }
    }
}

/// A zip archive, the same for the same members.
pub(super) fn archive(members: &[(String, Vec<u8>)]) -> zip::result::ZipResult<Vec<u8>> {
    let mut out = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        out.start_file(name.as_str(), zip::write::SimpleFileOptions::DEFAULT)?;
        out.write_all(bytes)?;
    }
    Ok(out.finish()?.into_inner())
}

impl Case {
    /// Reads a folder.
    pub fn read(folder: &Path, collector: &dyn Erased) -> Result<Self, String> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = folder.join("case.json");
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut file: CaseFile =
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if let Some(recipe) = &file.recipe {
            let path = folder.join(recipe);
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            file.target.recipe = Some(text);
        }
        let mut exchanges = Vec::new();
        for (index, exchange) in file.exchanges.into_iter().enumerate() {
            let read = |name: &String| {
                let path = folder.join(name);
                fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
            };
            let members = exchange.zip.iter().map(|name| Ok((name.clone(), read(name)?)));
            let members = members.collect::<Result<Vec<_>, String>>()?;
            let bytes = match &exchange.body {
                Some(body) => read(body)?,
                None if members.is_empty() => Vec::new(),
                None => archive(&members).map_err(|error| error.to_string())?,
            };
            exchanges.push(Exchange {
                asked: Asked {
                    query: exchange.query.as_ref().map(Value::to_string),
                    url: exchange.asked.unwrap_or_else(|| exchange.url.to_string()),
                },
                facts: Facts {
                    response: format!("urn:uuid:00000000-0000-4000-8000-{index:012}"),
                    step: exchange.step,
                    target: file.target.clone(),
                    captured_at: exchange.captured_at.unwrap_or(file.now),
                    url: exchange.url,
                    status: exchange.status,
                    headers: exchange.headers,
                    part: exchange.part.unwrap_or(Part::WHOLE),
                    truncated: exchange.truncated,
                    reservation: Some(exchange.reservation.unwrap_or_else(|| no_file(file.now))),
                },
                bytes,
                members,
                spare: exchange.spare,
            });
        }
        let cursor = match file.cursor {
            Some(cursor) => cursor,
            None => collector.first_cursor().map_err(|error| error.to_string())?,
        };
        Ok(Self {
            name,
            target: file.target,
            cursor,
            work: file.work.unwrap_or(Work::Poll),
            now: file.now,
            standalone: file.standalone,
            exchanges,
            expected: fs::read_to_string(folder.join("expected.txt")).ok(),
        })
    }

    /// What reading every exchange says, as text.
    pub fn render(&self, collector: &dyn Erased) -> String {
        let mut text = String::new();
        for (index, exchange) in self.exchanges.iter().enumerate() {
            text.push_str(&format!("== {index} {} {}\n", exchange.facts.status, exchange.facts.url));
            match exchange.lines(collector) {
                Ok((lines, _)) => lines.iter().filter_map(line_text).for_each(|line| {
                    text.push_str(&line);
                    text.push('\n');
                }),
                Err(error) => text.push_str(&format!("error: {error}\n")),
            }
        }
        text
    }
}

impl Exchange {
    /// Reads it; what it says, and what it asks.
    pub fn lines(&self, collector: &dyn Erased) -> Result<(Vec<Line>, Derived), DeriveError> {
        let body = self.facts.body(Spool::of(self.bytes.clone()));
        let reader = Reader { name: collector.name().to_owned(), version: "0".to_owned(), program: Digest::of(b"") };
        let mut lines: Vec<Line> = Vec::new();
        let derived = derive(collector, &self.facts, &body, &reader, &keep_all, &mut lines)?;
        Ok((lines, derived))
    }
}

/// One line as `expected.txt` has it: canonical, without the header, whose members are the same in every case.
fn line_text(line: &Line) -> Option<String> {
    let canonical = |value: &dyn Fn() -> Result<Vec<u8>, schemas::canonical::CanonicalError>| {
        value().map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    match line {
        Line::Header(_) => None,
        Line::Record(record) => {
            let item = canonical(&|| schemas::canonical::canonical_of(&record.item));
            Some(format!("record {} {item}", record.place))
        }
        other => Some(canonical(&|| schemas::canonical::canonical_of(other))),
    }
}
