//! Takes a sound segment apart, changes what a test says, and signs it again: what an agent's operator with a key can do.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use schemas::{
    Digest, canonical,
    manifest::Manifest,
    segment::{salted, unsalted},
};
use serde::{Serialize, de::DeserializeOwned};
use tlog::{CompactTree, Note, SigningKey};
use warc::{Record, RecordType};

/// The records of a segment but its manifest, and the manifest.
pub struct Parts {
    pub records: Vec<Record>,
    pub manifest: Manifest,
    closing: Record,
}

/// Opens a segment file.
pub fn open(file: &[u8]) -> Parts {
    let mut records: Vec<Record> =
        warc::Reader::strict(file).any_encoder().map(|entry| entry.unwrap().record).collect();
    let closing = records.pop().unwrap();
    let note = Note::parse(&closing.block).unwrap();
    let manifest = canonical::from_canonical(note.text.trim_end().as_bytes()).unwrap();
    Parts { records, manifest, closing }
}

impl Parts {
    /// Closes it again with the right root and the key's signature. Returns name, file and leaf.
    pub fn seal(mut self, key: &SigningKey) -> (Digest, Vec<u8>, Vec<u8>) {
        let mut tree = CompactTree::new();
        let mut file = Vec::new();
        for record in &self.records {
            let raw = record.to_bytes().unwrap();
            if record.kind() == RecordType::Conversion {
                let block = record.block.strip_suffix(b"\n").unwrap();
                for line in block.split(|byte| *byte == b'\n') {
                    tree.push(tlog::leaf_hash(&Digest::of(line).0));
                }
            } else {
                tree.push(tlog::leaf_hash(&Digest::of(&raw).0));
            }
            file.extend_from_slice(&warc::gzip_member(&raw, 6));
        }
        self.manifest.units = tree.size();
        self.manifest.root = Digest(tree.root().0);
        let bytes = canonical::canonical_of(&self.manifest).unwrap();
        let text = format!("{}\n", String::from_utf8(bytes.clone()).unwrap());
        self.closing.block = Note::sign(&text, &[key]).unwrap().to_string().into_bytes().into();
        file.extend_from_slice(&warc::gzip_member(&self.closing.to_bytes().unwrap(), 6));
        (Digest::of(&bytes), file, bytes)
    }

    /// Position of the first record of a type.
    pub fn position(&self, kind: &RecordType, media: &str) -> usize {
        let found =
            |record: &Record| record.kind() == *kind && record.get("Content-Type").unwrap_or_default().contains(media);
        self.records.iter().position(found).unwrap()
    }

    pub fn request(&mut self) -> &mut Record {
        let at = self.position(&RecordType::Request, "");
        &mut self.records[at]
    }

    pub fn response(&mut self) -> &mut Record {
        let at = self.position(&RecordType::Response, "");
        &mut self.records[at]
    }

    /// Changes the first metadata record whose media type holds a word.
    pub fn json<T: Serialize + DeserializeOwned>(&mut self, media: &str, change: impl FnOnce(&mut T)) {
        let at = self.position(&RecordType::Metadata, media);
        edit(&mut self.records[at], change);
    }

    /// Changes the text of line `number` of the first conversion.
    pub fn line(&mut self, number: usize, change: impl FnOnce(&mut schemas::capture::Line)) {
        let at = self.position(&RecordType::Conversion, "");
        let block = String::from_utf8(self.records[at].block.to_vec()).unwrap();
        let mut lines: Vec<Vec<u8>> = block.lines().map(|line| line.as_bytes().to_vec()).collect();
        let (said, salt) = unsalted(&lines[number]).unwrap();
        let mut line = canonical::from_canonical(&said).unwrap();
        change(&mut line);
        lines[number] = salted(&schemas::segment::line_bytes(&line).unwrap(), &salt);
        self.records[at].block = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
    }
}

/// Changes the JSON block of a record.
pub fn edit<T: Serialize + DeserializeOwned>(record: &mut Record, change: impl FnOnce(&mut T)) {
    let mut thing: T = canonical::from_canonical(&record.block).unwrap();
    change(&mut thing);
    record.block = canonical::canonical_of(&thing).unwrap().into();
}

/// Sets a field.
pub fn set(record: &mut Record, name: &str, value: &str) {
    let field = record.fields.iter_mut().find(|(known, _)| known == name).unwrap();
    value.clone_into(&mut field.1);
}

/// Puts another block into a record, with its right digest.
pub fn block(record: &mut Record, bytes: &[u8]) {
    record.block = bytes.to_vec().into();
    let digest = warc::digest_sha256(bytes);
    set(record, "WARC-Block-Digest", &digest);
}

/// Another salt, so that a copy is a unit of its own; and another record id.
pub fn twin(record: &Record, number: u8) -> Record {
    let mut copy = record.clone();
    set(&mut copy, "Vigie-Salt", &Digest([number; 32]).to_string());
    set(&mut copy, "WARC-Record-ID", &format!("<urn:uuid:00000000-0000-4000-8000-0000000000{number:02x}>"));
    copy
}
