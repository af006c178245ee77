//! The keyed step: from what a reader said to what stands in clear beside sealed evidence.

use serde_json::Value;

use crate::{
    canonical::{CanonicalError, canonical_of, from_canonical},
    capture::{End, GoneLine, Header, Line, RecordLine, UnreadableLine, Vanished, What},
    coverage::Coverage,
    digest::Digest,
    minimise::minimise,
    permission::{Authors, Entry, Evidence},
    pseudonym::{self, PseudonymKey},
};

/// In the place of every reason that a source or reader gave.
pub const WHY: &str = "sealed";

/// The lines of a reading as they are stored, from those that the reader said, header first and end last.
///
/// Pure: agent and key holder make the same bytes. Under open evidence the lines stay as they are. Places become numbers, reasons the word `sealed`; the last
/// line counts and hashes the stored lines and leaves out the rest.
///
/// # Errors
///
/// [`CanonicalError`] for lines that no reader says.
pub fn keyed_lines(
    said: &[Vec<u8>],
    entry: &Entry,
    key: Option<&PseudonymKey>,
) -> Result<Vec<Vec<u8>>, CanonicalError> {
    if entry.evidence == Evidence::Open {
        return Ok(said.to_vec());
    }
    let mut stored = Vec::with_capacity(said.len());
    let mut hashes = Vec::new();
    for (number, bytes) in said.iter().enumerate() {
        let place = format!("line {number}");
        let line = match from_canonical::<Line>(bytes)? {
            Line::Header(header) => Line::Header(Header { step: nothing(), ..header }),
            Line::Record(line) => {
                let kept = minimise(line.item, entry, key);
                let mut dropped = kept.dropped;
                dropped.extend(line.dropped);
                dropped.sort_unstable();
                dropped.dedup();
                Line::Record(RecordLine { place, content: kept.record.content_hash()?, item: kept.record, dropped })
            }
            Line::Gone(line) => {
                Line::Gone(GoneLine { place, what: gone(line.what, entry.authors, key), why: WHY.to_owned() })
            }
            Line::Unreadable(_) => Line::Unreadable(UnreadableLine { place, why: WHY.to_owned() }),
            Line::End(end) => Line::End(Box::new(End {
                sealed: true,
                counts: end.counts,
                items: Some(Digest::of(&hashes)),
                promised: end.promised,
                spent: end.spent,
                empty: end.empty.map(|_| WHY.to_owned()),
                cut: end.cut.map(|_| WHY.to_owned()),
                snapshot: end.snapshot.map(|_| WHY.to_owned()),
                halt: end.halt.map(|_| Value::from(WHY)),
                ..End::default()
            })),
            Line::Tombstone(tombstone) => Line::Tombstone(tombstone),
        };
        let bytes = canonical_of(&line)?;
        if !matches!(line, Line::Header(_) | Line::End(_)) {
            hashes.extend_from_slice(&Digest::of(&bytes).0);
        }
        stored.push(bytes);
    }
    Ok(stored)
}

/// What vanished as it is told, from what the agent knows: under sealed evidence its id becomes what its lines bear, and the scope the word `sealed`.
#[must_use]
pub fn keyed_vanished(said: Vanished, entry: &Entry, key: Option<&PseudonymKey>) -> Vanished {
    if entry.evidence == Evidence::Open {
        return said;
    }
    let id = match key.filter(|_| entry.authors != Authors::Named) {
        Some(key) => pseudonym::id(key, &said.id),
        None => said.id,
    };
    Vanished { scope: WHY.to_owned(), id, ..said }
}

/// Coverage as it stands in clear: numbers and state, without reasons.
#[must_use]
pub fn sealed_coverage(coverage: &Coverage) -> Coverage {
    Coverage { why: coverage.why.as_ref().map(|_| WHY.to_owned()), ..coverage.clone() }
}

/// Digest of the step that stands in clear: JSON `null`.
pub(super) fn nothing() -> Digest {
    Digest::of(b"null")
}

fn gone(what: What, authors: Authors, key: Option<&PseudonymKey>) -> What {
    let Some(key) = key.filter(|_| authors != Authors::Named) else {
        return what;
    };
    match what {
        What::Record { platform, id } => What::Record { platform, id: pseudonym::id(key, &id) },
        What::Handle { handle } => What::Handle { handle: pseudonym::id(key, &handle) },
        What::Author { platform, id } => What::Author { platform, id: pseudonym::id(key, &id) },
    }
}
