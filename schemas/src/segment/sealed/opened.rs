//! What does a key holder see?

use std::collections::BTreeMap;

use warc::{Record, RecordType};

use super::{Open, bare_exchange, is_sealed};
use crate::{
    canonical::from_canonical,
    capture::{Exchange, Run, media_type},
    segment::{Part, RecordAt, Segment},
};

/// A sealed segment with its sealed parts opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The parts, readings and what vanished by them left out, with what was sealed in its place: what a reader may be given, and what can be asked whether it agrees with itself.
    pub segment: Segment,
    /// The last line of each reading as the reader said it, by record id of the response.
    pub said: BTreeMap<String, Vec<u8>>,
    /// The run record in full.
    pub run: Option<Run>,
    /// What contradicts what stands in clear: unit, and what, for people.
    pub differs: Vec<(u64, String)>,
}

impl Opened {
    /// Opens every sealed part that is not erased.
    ///
    /// # Errors
    ///
    /// Which unit stays shut or holds no records, and why.
    pub fn of(segment: &Segment, opener: &dyn Open) -> Result<Self, String> {
        let mut opened = Self { segment: segment.clone(), said: BTreeMap::new(), run: None, differs: Vec::new() };
        let mut full: BTreeMap<String, Record> = BTreeMap::new();
        let mut parts: Vec<Part> = Vec::new();
        for part in &segment.parts {
            match part {
                Part::Conversion(_) => {}
                // It rests on readings, not on what a reader is given.
                Part::Record(at) if at.record.get("Content-Type") == Some(media_type::VANISHED) => {}
                Part::Record(at) if is_sealed(&at.record) => {
                    let inner = opener.open(&at.record.block).and_then(|plain| records(&plain));
                    let inner = inner.map_err(|why| format!("unit {} stays shut: {why}", at.unit))?;
                    opened.take(at, inner, &mut parts, &mut full)?;
                }
                other => parts.push(other.clone()),
            }
        }
        for part in &mut parts {
            let Part::Record(at) = part else { continue };
            if let Some(whole) = full.remove(at.record.id()) {
                opened.compare(at, &whole);
                at.record = whole;
            } else if at.record.get("Content-Type") == Some(media_type::RUN)
                && let Some(whole) = full.remove(media_type::RUN)
            {
                opened.run = from_canonical(&whole.block).ok();
                at.record.block = whole.block;
            }
        }
        opened.segment.parts = parts;
        Ok(opened)
    }

    fn take(
        &mut self,
        at: &RecordAt,
        inner: Vec<Record>,
        parts: &mut Vec<Part>,
        full: &mut BTreeMap<String, Record>,
    ) -> Result<(), String> {
        let mut inner = inner.into_iter();
        if at.record.kind() == RecordType::Metadata {
            for record in inner {
                full.insert(record.get("Content-Type").unwrap_or_default().to_owned(), record);
            }
            return Ok(());
        }
        let Some(first) = inner.next() else {
            return Err(format!("unit {} holds nothing", at.unit));
        };
        if first.id() != at.record.id() || first.kind() != at.record.kind() {
            self.differs.push((at.unit, "what is sealed in it is another record".to_owned()));
        }
        for record in inner {
            if record.kind() == RecordType::Conversion {
                let line = record.block.strip_suffix(b"\n").unwrap_or(&record.block).to_vec();
                self.said.insert(first.id().to_owned(), line);
            } else {
                full.insert(record.id().to_owned(), record);
            }
        }
        parts.push(Part::Record(RecordAt { record: first, ..at.clone() }));
        Ok(())
    }

    /// An exchange record in clear is the one that is sealed, but for what it leaves out.
    fn compare(&mut self, at: &RecordAt, whole: &Record) {
        let full: Option<Exchange> = from_canonical(&whole.block).ok();
        let clear: Option<Exchange> = from_canonical(&at.record.block).ok();
        if full.is_none() || full.map(bare_exchange) != clear {
            self.differs.push((at.unit, "the exchange record in clear is not the one that is sealed".to_owned()));
        }
    }

    /// The opened parts as a WARC file for a reader's `read`: no conversions, no manifest.
    ///
    /// # Errors
    ///
    /// A record that WARC does not allow.
    pub fn to_warc(&self) -> std::io::Result<Vec<u8>> {
        let mut file = warc::Writer::new(Vec::new());
        for part in &self.segment.parts {
            if let Part::Record(at) = part {
                file.write(&at.record)?;
            }
        }
        Ok(file.into_inner())
    }
}

/// Records that stand one after the other, uncompressed.
fn records(plain: &[u8]) -> Result<Vec<Record>, String> {
    let mut all = Vec::new();
    for entry in warc::Reader::strict(plain).any_encoder() {
        all.push(entry.map_err(|why| why.to_string())?.record);
    }
    Ok(all)
}
