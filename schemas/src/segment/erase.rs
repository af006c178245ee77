//! How are units destroyed without breaking the proofs of the others?

use std::collections::BTreeSet;

use super::{NO_DATE, Part, Segment, SegmentError, read::tombstone_record, urn, write::conversion};
use crate::{
    capture::{Line, Tombstone},
    digest::Digest,
    segment::line::line_bytes,
};

/// The file again with tombstones in place of `units`, each naming log leaf `leaf`. Other units keep their bytes, and so
/// their commitments: the signed manifest still fits. Units that are tombstones already stay as they are.
///
/// # Errors
///
/// [`SegmentError`] where the file does not hold together, or a unit number is not in it; nothing is returned then.
pub fn erase(file: &[u8], units: &BTreeSet<u64>, leaf: u64) -> Result<Vec<u8>, SegmentError> {
    let segment = Segment::read(file)?;
    if let Some(unknown) = units.iter().find(|unit| **unit >= segment.manifest.units) {
        let what = format!("there is no unit {unknown}: the segment has {}", segment.manifest.units);
        return Err(SegmentError::Layout { offset: 0, what });
    }
    let mut out = Vec::with_capacity(file.len());
    let mut parts = segment.parts.iter();
    let tombstone = |unit: u64, commitment: Digest| Tombstone { unit, commitment, leaf };
    // Members and parts run side by side; the manifest is the one member without a part.
    for entry in warc::Reader::strict(file).any_encoder() {
        let entry = entry?;
        let as_stored = stored(file, entry.offset, entry.length);
        let level = 6;
        match parts.next() {
            Some(Part::Record(record)) if units.contains(&record.unit) => {
                let raw = tombstone_record(&tombstone(record.unit, record.commitment))?;
                out.extend_from_slice(&warc::gzip_member(&raw, level));
            }
            Some(Part::Conversion(found)) if found.lines.iter().any(|line| units.contains(&line.unit)) => {
                let mut block = Vec::new();
                let mut first = None;
                for line in &found.lines {
                    let erased = units.contains(&line.unit) && !matches!(line.line, Line::Tombstone(_));
                    let bytes = if erased {
                        let said = Line::Tombstone(tombstone(line.unit, line.commitment));
                        let bytes = line_bytes(&said).map_err(|source| SegmentError::Json {
                            offset: entry.offset,
                            line: 1,
                            source,
                        })?;
                        bytes.into()
                    } else {
                        line.stored.clone()
                    };
                    first.get_or_insert_with(|| match &line.line {
                        Line::Header(header) if !erased => conversion(&header.response, &header.captured_at),
                        _ => conversion(&urn(&line.commitment.to_string()), NO_DATE),
                    });
                    block.extend_from_slice(&bytes);
                    block.push(b'\n');
                }
                if let Some(record) = first {
                    let raw = record
                        .block(block)
                        .to_bytes()
                        .map_err(|why| SegmentError::Layout { offset: entry.offset, what: why.to_string() })?;
                    out.extend_from_slice(&warc::gzip_member(&raw, level));
                }
            }
            _ => out.extend_from_slice(as_stored),
        }
    }
    Ok(out)
}

/// All tombstones of a segment: unit number, log leaf.
#[must_use]
pub fn tombstoned_units(segment: &Segment) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    for part in &segment.parts {
        match part {
            Part::Tombstone(tombstone) => found.push((tombstone.unit, tombstone.leaf)),
            Part::Conversion(conversion) => found.extend(conversion.lines.iter().filter_map(|line| match &line.line {
                Line::Tombstone(tombstone) => Some((tombstone.unit, tombstone.leaf)),
                _ => None,
            })),
            Part::Record(_) => {}
        }
    }
    found
}

fn stored(file: &[u8], offset: u64, length: u64) -> &[u8] {
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    let to = usize::try_from(offset.saturating_add(length)).unwrap_or(usize::MAX);
    file.get(from..to).unwrap_or_default()
}
