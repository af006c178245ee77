//! How is a segment taken apart and checked?

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tlog::{CompactTree, Note, VerifierKey};
use warc::{Record, RecordType};

use super::{
    MAX_FILE_BYTES, MAX_SEGMENT_BYTES, NO_DATE, SALT_FIELD,
    line::{digests, without_salt},
    urn,
    write::conversion,
};
use crate::{
    canonical,
    capture::{Line, Tombstone, media_type},
    digest::Digest,
    manifest::Manifest,
};

/// Why a segment does not hold together. `offset` counts stored bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// WARC or gzip is damaged.
    #[error("the segment file is damaged")]
    Warc(#[from] warc::Error),
    /// Too large.
    #[error("the segment holds more than {MAX_SEGMENT_BYTES} bytes")]
    TooLarge,
    /// The layout does not allow this.
    #[error("record at byte {offset}: {what}")]
    Layout {
        /// Where.
        offset: u64,
        /// What was found instead.
        what: String,
    },
    /// A JSON block or line is not what its type says.
    #[error("record at byte {offset}, line {line}: {source}")]
    Json {
        /// Where.
        offset: u64,
        /// Line in the block, from 1.
        line: usize,
        /// Why.
        #[source]
        source: canonical::CanonicalError,
    },
    /// The last record is not a manifest.
    #[error("the segment has no manifest: it was never closed, or its end is missing")]
    NoManifest,
    /// The manifest is not a signed note over canonical bytes.
    #[error("the manifest is broken: {why}")]
    Manifest {
        /// Why.
        why: String,
    },
    /// The units do not give the manifest's root.
    #[error(
        "the units do not give the manifest's root: {units} units with root {root}, the manifest says {said_units} with {said_root}"
    )]
    Root {
        /// Units found.
        units: u64,
        /// Root over their commitments.
        root: Digest,
        /// Units promised.
        said_units: u64,
        /// Root promised.
        said_root: Digest,
    },
    /// The signature is not the named agent's.
    #[error("the manifest is not signed by `{agent}`: {why}")]
    Signature {
        /// Key id it should be.
        agent: String,
        /// Why it is not.
        why: String,
    },
}

/// A WARC record that is a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordAt {
    /// Unit number.
    pub unit: u64,
    /// SHA-256 of its bytes.
    pub commitment: Digest,
    /// Where it starts in the file.
    pub offset: u64,
    /// Stored bytes it takes.
    pub length: u64,
    /// The record.
    pub record: Record,
}

/// One line of a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineAt {
    /// Unit number.
    pub unit: u64,
    /// SHA-256 of its stored bytes, or what its tombstone states.
    pub commitment: Digest,
    /// Stored bytes, salt included, without line feed.
    pub stored: Bytes,
    /// Canonical bytes without salt: what a reader said. For a tombstone the same as `stored`.
    pub said: Vec<u8>,
    /// SHA-256 of `said`.
    pub said_digest: Digest,
    /// What it says.
    pub line: Line,
}

/// A conversion with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Where it starts in the file.
    pub offset: u64,
    /// Stored bytes it takes.
    pub length: u64,
    /// Record id of the response it reads; none where the first line is a tombstone.
    pub response: Option<String>,
    /// The lines.
    pub lines: Vec<LineAt>,
}

/// A part of a segment, in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A WARC record.
    Record(RecordAt),
    /// A conversion.
    Conversion(Conversion),
    /// A tombstone in place of a WARC record.
    Tombstone(Tombstone),
}

/// A segment whose units give its manifest's root. Signature and permission are judged by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Parts in file order, manifest excepted.
    pub parts: Vec<Part>,
    /// Commitment of every unit, by number.
    pub commitments: Vec<Digest>,
    /// The manifest.
    pub manifest: Manifest,
    /// Its canonical bytes: the log leaf.
    pub manifest_bytes: Vec<u8>,
    /// Its digest: the segment's name.
    pub digest: Digest,
    /// The signed note.
    pub note: Note,
}

impl Segment {
    /// Takes a segment file apart.
    ///
    /// # Errors
    ///
    /// [`SegmentError`] for whatever the layout does not allow. Never panics, whatever the bytes.
    pub fn read(file: &[u8]) -> Result<Self, SegmentError> {
        if file.len() as u64 > MAX_FILE_BYTES {
            return Err(SegmentError::TooLarge);
        }
        if !file.starts_with(&[0x1f, 0x8b]) {
            return Err(SegmentError::Layout { offset: 0, what: "a gzip member is expected".to_owned() });
        }
        let mut parts = Vec::new();
        let mut commitments = Vec::new();
        let mut total = 0_u64;
        let mut note = None;
        // The compressor's output may change between versions; what counts is the uncompressed bytes.
        for entry in warc::Reader::strict(file).any_encoder() {
            let entry = entry?;
            let layout = |what: &str| SegmentError::Layout { offset: entry.offset, what: what.to_owned() };
            if note.is_some() {
                return Err(layout("something follows the manifest"));
            }
            total += entry.raw.len() as u64;
            if total > MAX_SEGMENT_BYTES {
                return Err(SegmentError::TooLarge);
            }
            let media = entry.record.get("Content-Type").unwrap_or_default().to_owned();
            match (entry.record.kind(), media.as_str()) {
                (RecordType::Conversion, media_type::LINES) => {
                    let found = lines(&entry, &mut commitments)?;
                    parts.push(Part::Conversion(found));
                }
                (RecordType::Metadata, media_type::MANIFEST) => {
                    if entry.record.get(SALT_FIELD).is_some() {
                        return Err(layout("a manifest has no salt"));
                    }
                    note = Some((entry.record.block.clone(), entry.record.clone()));
                }
                (RecordType::Metadata, media_type::TOMBSTONE) => {
                    let tombstone: Tombstone = json(&entry, 1, &entry.record.block)?;
                    if tombstone.unit != commitments.len() as u64 || tombstone_record(&tombstone)? != entry.raw {
                        return Err(layout("a tombstone that does not stand in its unit's place"));
                    }
                    commitments.push(tombstone.commitment);
                    parts.push(Part::Tombstone(tombstone));
                }
                (RecordType::Conversion | RecordType::Other(_) | RecordType::Continuation, _) => {
                    return Err(layout("a record of a type that segments do not hold"));
                }
                _ => {
                    let salts: Vec<_> = entry.record.get_all(SALT_FIELD).collect();
                    if salts.len() != 1 || salts.iter().any(|salt| salt.parse::<Digest>().is_err()) {
                        return Err(layout("a unit without a salt of 64 hexadecimal digits"));
                    }
                    if commitments.is_empty() != (entry.record.kind() == RecordType::Warcinfo) {
                        return Err(layout("a segment begins with its only warcinfo"));
                    }
                    let commitment = Digest::of(&entry.raw);
                    parts.push(Part::Record(RecordAt {
                        unit: commitments.len() as u64,
                        commitment,
                        offset: entry.offset,
                        length: entry.length,
                        record: entry.record,
                    }));
                    commitments.push(commitment);
                }
            }
        }
        let (note, record) = note.ok_or(SegmentError::NoManifest)?;
        let (note, manifest, manifest_bytes) = manifest(&note)?;
        check_manifest_record(&record, &manifest)?;
        let mut tree = CompactTree::new();
        for commitment in &commitments {
            tree.push(tlog::leaf_hash(&commitment.0));
        }
        let root = Digest(tree.root().0);
        if root != manifest.root || tree.size() != manifest.units {
            return Err(SegmentError::Root {
                units: tree.size(),
                root,
                said_units: manifest.units,
                said_root: manifest.root,
            });
        }
        let digest = Digest::of(&manifest_bytes);
        Ok(Self { parts, commitments, manifest, manifest_bytes, digest, note })
    }

    /// Checks that the agent's key signed the manifest.
    ///
    /// # Errors
    ///
    /// [`SegmentError::Signature`].
    pub fn verify(&self, agent: &VerifierKey) -> Result<(), SegmentError> {
        let refused = |why: String| SegmentError::Signature { agent: self.manifest.agent.clone(), why };
        if agent.id_text() != self.manifest.agent {
            return Err(refused(format!("the key at hand is `{}`", agent.id_text())));
        }
        self.note.verify(std::slice::from_ref(agent)).map_err(|why| refused(why.to_string()))?;
        Ok(())
    }

    /// Inclusion proof of a unit in the unit tree, sibling of the leaf first.
    #[must_use]
    pub fn unit_proof(&self, unit: u64) -> Option<Vec<tlog::Hash>> {
        let leaves: Vec<_> = self.commitments.iter().map(|commitment| tlog::leaf_hash(&commitment.0)).collect();
        tlog::inclusion_proof(&leaves, unit).ok()
    }
}

/// Opens a manifest note without judging its signature: the note, the manifest, its canonical bytes.
///
/// # Errors
///
/// [`SegmentError::Manifest`].
pub(super) fn manifest(note: &[u8]) -> Result<(Note, Manifest, Vec<u8>), SegmentError> {
    let broken = |why: String| SegmentError::Manifest { why };
    let parsed = Note::parse(note).map_err(|why| broken(why.to_string()))?;
    if parsed.to_string().as_bytes() != note || parsed.signatures.len() != 1 {
        return Err(broken("one signature in one spelling is expected".to_owned()));
    }
    let bytes = parsed.text.strip_suffix('\n').unwrap_or_default().as_bytes().to_vec();
    let manifest: Manifest = canonical::from_canonical(&bytes).map_err(|why| broken(why.to_string()))?;
    if manifest.v != 1 {
        return Err(broken(format!("format version {} is not known to this release", manifest.v)));
    }
    Ok((parsed, manifest, bytes))
}

fn check_manifest_record(record: &Record, manifest: &Manifest) -> Result<(), SegmentError> {
    let names: Vec<_> =
        record.fields.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "Content-Length").collect();
    let date = super::write::date(manifest.time.start());
    if names == ["WARC-Type", "WARC-Record-ID", "WARC-Date", "WARC-Warcinfo-ID", "Content-Type"]
        && record.date() == date
    {
        Ok(())
    } else {
        Err(SegmentError::Manifest { why: "its record has other fields than a manifest has".to_owned() })
    }
}

fn json<T: DeserializeOwned>(entry: &warc::Entry, line: usize, bytes: &[u8]) -> Result<T, SegmentError> {
    canonical::from_canonical(bytes).map_err(|source| SegmentError::Json { offset: entry.offset, line, source })
}

fn lines(entry: &warc::Entry, commitments: &mut Vec<Digest>) -> Result<Conversion, SegmentError> {
    let layout = |what: String| SegmentError::Layout { offset: entry.offset, what };
    let block = entry
        .record
        .block
        .strip_suffix(b"\n")
        .ok_or_else(|| layout("a conversion whose last line does not end".to_owned()))?;
    let mut found = Vec::new();
    let mut from = 0;
    for (index, end) in memchr::memchr_iter(b'\n', block).chain([block.len()]).enumerate() {
        let stored = block.get(from..end).unwrap_or_default();
        from = end + 1;
        let unit = commitments.len() as u64;
        let said = without_salt(stored).map_or_else(|| stored.to_vec(), |(said, _)| said);
        let line: Line = json(entry, index + 1, &said)?;
        let [commitment, said_digest] = digests(stored, &said);
        let commitment = match &line {
            Line::Tombstone(tombstone) if said == stored && tombstone.unit == unit => tombstone.commitment,
            Line::Tombstone(_) => {
                return Err(layout(format!("line {}: a tombstone that is not in its unit's place", index + 1)));
            }
            _ if said == stored => return Err(layout(format!("line {}: no salt", index + 1))),
            _ => commitment,
        };
        commitments.push(commitment);
        let stored = entry.record.block.slice_ref(stored);
        found.push(LineAt { unit, commitment, stored, said, said_digest, line });
    }
    let (response, expected) = match found.first().map(|first| &first.line) {
        Some(Line::Header(header)) => {
            (Some(header.response.clone()), conversion(&header.response, &header.captured_at))
        }
        Some(Line::Tombstone(tombstone)) => (None, conversion(&urn(&tombstone.commitment.to_string()), NO_DATE)),
        _ => {
            return Err(layout("a conversion that does not begin with its header".to_owned()));
        }
    };
    let given: Vec<_> = entry.record.fields.iter().filter(|(name, _)| name != "Content-Length").collect();
    if given != expected.fields.iter().collect::<Vec<_>>() {
        return Err(layout("fields of a conversion that do not follow from its first line".to_owned()));
    }
    Ok(Conversion { offset: entry.offset, length: entry.length, response, lines: found })
}

/// Bytes of the record that stands for an erased one.
pub(super) fn tombstone_record(tombstone: &Tombstone) -> Result<Vec<u8>, SegmentError> {
    let block =
        canonical::canonical_of(tombstone).map_err(|source| SegmentError::Json { offset: 0, line: 1, source })?;
    Record::new(RecordType::Metadata, &urn(&tombstone.commitment.to_string()), NO_DATE)
        .field("Content-Type", media_type::TOMBSTONE)
        .block(block)
        .to_bytes()
        .map_err(|why| SegmentError::Layout { offset: 0, what: why.to_string() })
}
