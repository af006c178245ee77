//! What do the kept bytes of a segment say, read again?
//!
//! Only run, exchange, request and response records are looked at: conversions, commitments and the manifest are not, so a copy from which the
//! conversions were left out gives the same lines.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, BufWriter, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use bytes::Bytes;
use jiff::Timestamp;
use schemas::{
    canonical::from_canonical,
    capture::{Exchange, Line, Run, media_type},
    minimise::minimise,
    permission::Entry,
    record::Record,
};
use warc::{RecordType, http};

use super::setup;
use crate::{
    body::{Body, Spool},
    contract::{Erased, Facts, Part},
    derive::{LineSink, derive},
};

pub(super) fn read(collector: &dyn Erased, file: &Path, entry: Option<&Path>) -> anyhow::Result<ExitCode> {
    let entry: Option<Entry> = entry
        .map(|path| {
            let text = std::fs::read_to_string(path).with_context(|| format!("`{}` can't be read", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("`{}` is no allowlist entry", path.display()))
        })
        .transpose()?;
    let input = File::open(file).with_context(|| format!("`{}` can't be read", file.display()))?;
    let mut out = BufWriter::new(io::stdout().lock());
    derive_file(collector, BufReader::new(input), entry.as_ref(), &setup::reader(collector)?, &mut out)
        .with_context(|| format!("`{}`", file.display()))?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Writes `{"line":…,"response":…}` for every line of every answer that went to the collector, in file order, as canonical JSON.
pub(super) fn derive_file(
    collector: &dyn Erased,
    input: impl io::BufRead,
    entry: Option<&Entry>,
    reader: &schemas::capture::Reader,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let keep = |record: Record| match entry {
        Some(entry) => {
            let kept = minimise(record, entry, None);
            (kept.record, kept.dropped)
        }
        None => (record, Vec::new()),
    };
    let mut run: Option<Run> = None;
    let mut answers: HashMap<String, Answered> = HashMap::new();
    for found in warc::Reader::strict(input).any_encoder() {
        let found = found?;
        let record = found.record;
        let media = record.get("Content-Type").unwrap_or_default();
        match (record.kind(), media) {
            (RecordType::Response, _) => {
                let answered = Answered {
                    captured_at: record.date().parse().context("a WARC-Date")?,
                    url: record.get("WARC-Target-URI").unwrap_or_default().to_owned(),
                    block: record.block.clone(),
                };
                answers.insert(record.id().to_owned(), answered);
            }
            (RecordType::Metadata, media_type::RUN) => {
                run = Some(from_canonical(&record.block).context("the run record")?)
            }
            (RecordType::Metadata, media_type::EXCHANGE) => {
                let exchange: Exchange = from_canonical(&record.block)
                    .with_context(|| format!("the exchange record at byte {}", found.offset))?;
                // Without the response it was erased; nothing can be derived of it.
                let Some(answered) = answers.remove(&exchange.response).filter(|_| exchange.read) else {
                    continue;
                };
                let run = run.as_ref().context("an exchange stands before its run record")?;
                let (facts, body) = answered.open(&exchange, run)?;
                let mut lines = Written { response: &exchange.response, lines: Vec::new() };
                derive(collector, &facts, &body, reader, &keep, &mut lines)?;
                for line in &lines.lines {
                    out.write_all(line)?;
                    out.write_all(b"\n")?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A stored response.
struct Answered {
    captured_at: Timestamp,
    url: String,
    block: Bytes,
}

impl Answered {
    /// What the reader was given at capture time.
    fn open(self, exchange: &Exchange, run: &Run) -> anyhow::Result<(Facts, Body)> {
        let of = || format!("response {}", exchange.response);
        let head = http::parse(&self.block).with_context(of)?;
        let payload = self.block.slice(head.body_offset.min(self.block.len())..);
        let facts = Facts {
            response: exchange.response.clone(),
            step: exchange.step.clone(),
            target: run.target.clone(),
            captured_at: self.captured_at,
            url: self.url.parse().with_context(of)?,
            status: head.status().with_context(of)?,
            headers: head.headers,
            part: Part { number: exchange.part, last: exchange.last },
            truncated: exchange.truncated.clone(),
            reservation: exchange.reservation.clone(),
        };
        let body = Body::new(Spool::of(payload), &facts.headers, facts.truncated.is_some());
        Ok((facts, body))
    }
}

/// Lines with the response they belong to.
struct Written<'a> {
    response: &'a str,
    lines: Vec<Vec<u8>>,
}

impl LineSink for Written<'_> {
    fn line(&mut self, _: &Line, canonical: Vec<u8>) -> io::Result<()> {
        // Record ids hold nothing that JSON escapes, and `line` sorts before `response`.
        let mut line = b"{\"line\":".to_vec();
        line.extend_from_slice(&canonical);
        line.extend_from_slice(format!(",\"response\":\"{}\"}}", self.response).as_bytes());
        self.lines.push(line);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.lines.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Digest, capture::Reader, segment::Part as Piece};

    use super::*;
    use crate::engine::tests::{
        collectors::Listing,
        listing,
        world::{START, World},
    };

    fn derived(file: &[u8]) -> String {
        let reader = Reader { name: "listing".to_owned(), version: "0".to_owned(), program: Digest([9; 32]) };
        let mut out = Vec::new();
        derive_file(&Listing, file, None, &reader, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn kept_bytes_give_the_lines_of_the_segment_with_or_without_its_conversions() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::open(dir.path(), Listing, START, 500);
        world.net.answers(listing);
        world.poll().await;
        let segment = world.segments().remove(0);
        let mut stored = String::new();
        for part in &segment.parts {
            let Piece::Conversion(conversion) = part else {
                continue;
            };
            for line in &conversion.lines {
                let said = String::from_utf8(line.said.clone()).unwrap();
                stored.push_str(&format!(
                    "{{\"line\":{said},\"response\":\"{}\"}}\n",
                    conversion.response.as_ref().unwrap()
                ));
            }
        }
        let file = std::fs::read(world.engine.outbox.path(&world.engine.state.waiting().unwrap()[0].file)).unwrap();
        assert_eq!(derived(&file), stored);

        let mut bare = warc::Writer::new(Vec::new());
        for entry in warc::Reader::strict(file.as_slice()).any_encoder() {
            let record = entry.unwrap().record;
            if record.kind() != RecordType::Conversion {
                bare.write(&record).unwrap();
            }
        }
        assert_eq!(derived(&bare.into_inner()), stored);
    }

    #[test]
    fn file_that_is_no_segment_is_an_error_and_no_panic() {
        let reader = Reader { name: "listing".to_owned(), version: "0".to_owned(), program: Digest([9; 32]) };
        assert!(derive_file(&Listing, &b"nothing of the kind"[..], None, &reader, &mut Vec::new()).is_err());
    }
}
