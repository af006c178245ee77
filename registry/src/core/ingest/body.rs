//! What is in a body, as far as it holds together?

use schemas::Digest;
use schemas::segment::{Segment, SegmentError};
use tlog::Note;

use crate::core::log::chain;

/// A body taken apart: as far as it holds together, and why no further.
pub(super) struct Read {
    pub signed: Signed,
    pub segment: Result<Segment, SegmentError>,
}

/// What the last record says, whatever stands before it.
pub(super) struct Signed {
    pub note: Note,
    pub agent: String,
    pub digest: Digest,
}

pub(super) fn read(bytes: &[u8]) -> Result<Read, String> {
    let segment = Segment::read(bytes);
    let signed = match &segment {
        Ok(segment) => {
            Signed { note: segment.note.clone(), agent: segment.manifest.agent.clone(), digest: segment.digest }
        }
        // Who sent a broken segment shows in its manifest, if that at least is whole.
        Err(error) => last_manifest(bytes).ok_or_else(|| chain(error))?,
    };
    Ok(Read { signed, segment })
}

/// The manifest in the last gzip member, if there is one.
pub(super) fn last_manifest(bytes: &[u8]) -> Option<Signed> {
    /// A manifest with its signature is far smaller.
    const TAIL: usize = 64 << 10;
    let tail = bytes.get(bytes.len().saturating_sub(TAIL)..)?;
    let starts = tail.windows(3).enumerate().rev().filter(|(_, window)| *window == [0x1f, 0x8b, 0x08]);
    for (start, _) in starts.take(16) {
        let mut reader = warc::Reader::strict(tail.get(start..)?)
            .any_encoder()
            .with_limits(warc::Limits { member_bytes: 1 << 20, ..warc::Limits::default() });
        let Some(Ok(entry)) = reader.next() else {
            continue;
        };
        if entry.record.get("Content-Type") != Some(schemas::capture::media_type::MANIFEST) {
            return None;
        }
        let note = Note::parse(&entry.record.block).ok()?;
        let text = note.text.strip_suffix('\n')?.as_bytes().to_vec();
        let manifest: schemas::manifest::Manifest = schemas::canonical::from_canonical(&text).ok()?;
        return Some(Signed { note, agent: manifest.agent, digest: Digest::of(&text) });
    }
    None
}
