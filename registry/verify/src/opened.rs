//! What is in a bundle? Its part of a segment, and what its leaves and statements say.

use std::collections::BTreeSet;

use schemas::{
    Digest, canonical,
    capture::{Line, media_type},
    leaf::Leaf,
    manifest::Manifest,
    segment::{Conversion, LineAt, Part, RecordAt, SALT_FIELD, Segment, View, unsalted},
};
use tlog::{Hash, Note, leaf_hash, verify_inclusion};
use warc::{Record, RecordType};

use crate::{
    bundle::{Bundle, Stored},
    replay::{Found, Replay, chain},
    verdict::Findings,
};

/// A bundle taken apart: its part of a segment, and what its leaves and statements say.
pub(crate) struct Opened {
    pub replay: Replay,
    pub manifest: Option<(Manifest, Note)>,
    /// Index of the manifest's leaf.
    pub leaf: Option<u64>,
    /// The units at hand as a segment with holes.
    pub segment: Option<Segment>,
    /// Units at hand or rightly gone.
    pub present: BTreeSet<u64>,
    pub gone: BTreeSet<u64>,
}

impl Opened {
    pub fn of(bundle: &Bundle, out: &mut Findings) -> Self {
        let mut replay = Replay::default();
        let mut leaf = None;
        for (index, proof) in &bundle.leaves {
            let load = |digest| bundle.statements.get(&digest).map_or(Found::Absent, |note| Found::Note(note.clone()));
            if let Some(Leaf::Manifest(_)) = replay.leaf(*index, &proof.bytes, load, out)
                && Digest::of(&proof.bytes) == bundle.manifest
            {
                leaf = leaf.or(Some(*index));
            }
        }
        for digest in bundle.statements.keys().filter(|digest| !replay.statements.contains_key(digest)) {
            out.missing(
                "missing-leaf",
                format!("statements/{digest}.note"),
                "no leaf in the bundle proves that the log holds this statement",
            );
        }
        let manifest = match manifest(&bundle.manifest_note) {
            Ok((manifest, note, digest)) if digest == bundle.manifest => Some((manifest, note)),
            Ok(_) => {
                out.wrong("manifest", "manifest.note", "it is another manifest than the bundle names");
                None
            }
            Err(why) => {
                out.wrong("manifest", "manifest.note", why);
                None
            }
        };
        let mut opened =
            Self { replay, manifest, leaf, segment: None, present: BTreeSet::new(), gone: BTreeSet::new() };
        opened.units(bundle, out);
        opened
    }

    /// Opens every unit against the manifest, and puts them together as far as they go.
    fn units(&mut self, bundle: &Bundle, out: &mut Findings) {
        let Some((manifest, note)) = &self.manifest else {
            return;
        };
        let mut parts = Vec::new();
        let mut commitments = Vec::new();
        for (number, unit) in &bundle.units {
            let place = format!("unit {number}");
            let commitment = unit.stored.commitment();
            commitments.push(commitment);
            let root = Hash(manifest.root.0);
            if let Err(why) = verify_inclusion(*number, manifest.units, &leaf_hash(&commitment.0), &unit.proof, &root) {
                out.wrong("commitment", place, format!("its bytes are not those the agent committed to: {why}"));
                continue;
            }
            let part = match &unit.stored {
                Stored::Record(bytes) => record(*number, commitment, bytes),
                Stored::Line(bytes) => line(*number, commitment, bytes),
                Stored::Gone(tombstone) if tombstone.unit == *number => {
                    self.gone.insert(*number);
                    Ok(Part::Tombstone(tombstone.clone()))
                }
                Stored::Gone(_) => Err("its tombstone is that of another unit".to_owned()),
            };
            match part {
                Ok(part) => {
                    self.present.insert(*number);
                    parts.push(part);
                }
                Err(why) => out.wrong("unit", place, why),
            }
        }
        let digest = bundle.manifest;
        let manifest_bytes = canonical::canonical_of(manifest).unwrap_or_default();
        let parts = join(parts);
        self.segment = Some(Segment {
            parts,
            commitments,
            manifest: manifest.clone(),
            manifest_bytes,
            digest,
            note: note.clone(),
        });
    }
}

/// The manifest as signed: one signature, one spelling, canonical.
pub(crate) fn manifest(text: &str) -> Result<(Manifest, Note, Digest), String> {
    let note = Note::parse(text.as_bytes()).map_err(|why| why.to_string())?;
    if note.to_string() != text || note.signatures.len() != 1 {
        return Err("one signature in one spelling is expected".to_owned());
    }
    let line = note.text.strip_suffix('\n').unwrap_or_default().as_bytes();
    let manifest: Manifest = canonical::from_canonical(line).map_err(|why| why.to_string())?;
    if manifest.v != 1 {
        return Err(format!("format version {} is not known to this release", manifest.v));
    }
    let digest = Digest::of(line);
    Ok((manifest, note, digest))
}

/// A view of a segment with holes: a tombstone among the parts tells it that parts may be absent.
pub(crate) fn segment_view(segment: &Segment) -> Result<View<'_>, String> {
    segment.view().map_err(|why| chain(&why))
}

fn record(unit: u64, commitment: Digest, bytes: &[u8]) -> Result<Part, String> {
    let record = Record::parse(bytes).map_err(|why| why.to_string())?;
    let media = record.get("Content-Type").unwrap_or_default();
    let salted = record.get(SALT_FIELD).is_some_and(|salt| salt.parse::<Digest>().is_ok());
    if media == media_type::TOMBSTONE
        || media == media_type::MANIFEST
        || record.kind() == RecordType::Conversion
        || !salted
    {
        return Err("it is no unit of a segment".to_owned());
    }
    if (unit == 0) != (record.kind() == RecordType::Warcinfo) {
        return Err("a segment begins with its only warcinfo".to_owned());
    }
    Ok(Part::Record(RecordAt { unit, commitment, offset: 0, length: 0, record }))
}

fn line(unit: u64, commitment: Digest, stored: &[u8]) -> Result<Part, String> {
    let (said, _) = unsalted(stored).ok_or("it has no salt in its place")?;
    let line: Line = canonical::from_canonical(&said).map_err(|why| why.to_string())?;
    if matches!(line, Line::Tombstone(_)) {
        return Err("a tombstone where a line is claimed to be".to_owned());
    }
    let said_digest = Digest::of(&said);
    let at = LineAt { unit, commitment, stored: stored.to_vec().into(), said, said_digest, line };
    Ok(Part::Conversion(Conversion { offset: 0, length: 0, response: None, lines: vec![at] }))
}

/// Lines to conversions: a header begins one. A tombstone is added at the end, so that a view takes the holes as holes.
fn join(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    let mut open = false;
    let mut hole = None;
    for part in parts {
        match part {
            Part::Conversion(mut conversion) => {
                let header = conversion.lines.first().and_then(|line| match &line.line {
                    Line::Header(header) => Some(header.response.clone()),
                    _ => None,
                });
                match joined.last_mut() {
                    Some(Part::Conversion(last)) if open && header.is_none() => {
                        last.lines.append(&mut conversion.lines)
                    }
                    _ => {
                        conversion.response = header;
                        joined.push(Part::Conversion(conversion));
                        open = true;
                    }
                }
            }
            // May be a line of the conversion around it.
            Part::Tombstone(tombstone) => hole = Some(tombstone),
            record => {
                joined.push(record);
                open = false;
            }
        }
    }
    let stand_in = schemas::capture::Tombstone { unit: u64::MAX, commitment: Digest([0; 32]), leaf: u64::MAX };
    joined.push(Part::Tombstone(hole.unwrap_or(stand_in)));
    joined
}
