//! How does an agent write a segment?

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;
use tlog::{CompactTree, Note, SigningKey};
use warc::{Record, RecordType};

use super::{
    MAX_SEGMENT_BYTES, SALT_FIELD, conversion_id,
    line::salted,
    sealed::{self, Seal},
};
use crate::{
    canonical::{self, CanonicalError},
    capture::{Commit, Exchange, Failed, Header, Refused, Run, media_type},
    digest::{Digest, Salt},
    gate::RobotsCopy,
    manifest::{CheckpointRef, Manifest, ManifestKind, Minute},
};

/// How tightly agents pack. A third of the work of the usual 6 for a file that is a tenth larger.
const LEVEL: u32 = 1;

/// Where salts and record ids come from: the operating system in an agent, a seed in tests.
pub trait Ids {
    /// 32 unpredictable bytes.
    fn salt(&mut self) -> Salt;
    /// A fresh UUID version 4.
    fn uuid(&mut self) -> uuid::Uuid;
}

/// Why a segment can't be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk, or a record that WARC does not allow.
    #[error("the segment could not be written")]
    Io(#[from] io::Error),
    /// A block that canonical JSON refuses.
    #[error("a block of the segment has no canonical form")]
    Canonical(#[from] CanonicalError),
    /// The segment would pass [`MAX_SEGMENT_BYTES`].
    #[error("the segment would hold {bytes} bytes; at most {MAX_SEGMENT_BYTES} fit")]
    Full {
        /// Size with the record that did not fit.
        bytes: u64,
    },
    /// The signature could not be made.
    #[error("the manifest could not be signed")]
    Sign(#[from] tlog::NoteError),
}

/// What the first record of a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Program and version, `vigie-feed/0.1.0`.
    pub software: String,
    /// Key id of the agent.
    pub agent: String,
    /// The segment's number in the agent's chain.
    pub seq: u64,
    /// Digest of the trust root.
    pub root: Digest,
    /// True in a demonstration.
    pub trial: bool,
    /// User-Agent sent to sites.
    pub user_agent: String,
    /// Contact shown to sites.
    pub operator: String,
    /// When the segment was begun, UTC.
    pub date: Timestamp,
}

impl Start {
    pub(super) fn block(&self) -> String {
        let mut block = format!(
            "software: {}\r\nformat: WARC File Format 1.1\r\nconformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n\
             vigie-segment: 1\r\nvigie-agent: {}\r\nvigie-seq: {}\r\nvigie-root: {}\r\n",
            self.software, self.agent, self.seq, self.root
        );
        if self.trial {
            block.push_str("vigie-trial: true\r\n");
        }
        block.push_str(&format!("http-header-user-agent: {}\r\noperator: {}\r\n", self.user_agent, self.operator));
        block
    }
}

/// The form an answer is kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseKind {
    /// Whole: `application/http;msgtype=response`.
    Full,
    /// 304 Not Modified: only the head is kept.
    NotModified {
        /// Record id of the capture whose payload still holds, where it is known.
        refers_to: Option<Referred>,
    },
    /// The payload equals an earlier one: only the head is kept.
    Identical {
        /// The earlier capture.
        refers_to: Referred,
    },
}

/// An earlier capture that a revisit points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// Record id (`urn:uuid:…`).
    pub id: String,
    /// Its address.
    pub url: String,
    /// Its date.
    pub date: String,
}

/// One fetch, as bytes.
#[derive(Clone, Debug)]
pub struct Fetch<'a> {
    /// Address in normal form.
    pub url: &'a str,
    /// When the request began, UTC.
    pub date: Timestamp,
    /// Request block, secrets struck out.
    pub request: &'a [u8],
    /// Response block, secrets struck out; for revisits the head alone.
    pub response: &'a [u8],
    /// Digest of the payload: of the bytes at the end of `response` that follow its head.
    pub payload_digest: Digest,
    /// Form of the response record.
    pub kind: ResponseKind,
    /// Address the bytes came from.
    pub ip: Option<std::net::IpAddr>,
    /// `length`, `time`, `disconnect` where the body was cut.
    pub truncated: Option<&'a str>,
}

/// A finished segment's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The manifest.
    pub manifest: Manifest,
    /// Its digest, which names the segment.
    pub digest: Digest,
    /// The signed note.
    pub note: String,
}

/// Writes one segment, record by record.
pub struct SegmentWriter<W: Write, I: Ids> {
    warc: warc::Writer<W>,
    ids: I,
    agent: String,
    seq: u64,
    info: String,
    tree: CompactTree,
    bytes: u64,
}

impl<W: Write, I: Ids> SegmentWriter<W, I> {
    /// Begins a segment: writes its `warcinfo`.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn begin(inner: W, ids: I, start: &Start) -> Result<Self, WriteError> {
        let mut writer = Self {
            warc: warc::Writer::new(inner).level(LEVEL),
            ids,
            agent: start.agent.clone(),
            seq: start.seq,
            info: String::new(),
            tree: CompactTree::new(),
            bytes: 0,
        };
        let id = writer.id();
        let record = Record::new(RecordType::Warcinfo, &id, &date(start.date))
            .field("Content-Type", "application/warc-fields")
            .block(start.block());
        writer.info = id;
        writer.unit(record)?;
        Ok(writer)
    }

    /// Uncompressed bytes written so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Units written so far.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.tree.size()
    }

    /// The run record; the first after `begin`.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn run(&mut self, run: &Run) -> Result<String, WriteError> {
        self.json(media_type::RUN, run, run.now, None)
    }

    /// A robots copy; returns the record id that decisions name.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn robots(&mut self, copy: &RobotsCopy) -> Result<String, WriteError> {
        self.json(media_type::ROBOTS, copy, copy.fetched_at, None)
    }

    /// Request, response and exchange record of one fetch. `exchange` is given the response's record id. Returns that id.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn exchange(
        &mut self,
        fetch: &Fetch<'_>,
        exchange: impl FnOnce(String) -> Exchange,
    ) -> Result<String, WriteError> {
        let (request, response) = (self.id(), self.id());
        self.unit(self.asked(fetch, &request, &response))?;
        self.unit(self.answered(fetch, &response))?;
        self.json(media_type::EXCHANGE, &exchange(response.clone()), fetch.date, Some(&response))?;
        Ok(response)
    }

    /// As [`exchange`](Self::exchange), with request and response encrypted, and beside the response what the exchange record and the reading leave
    /// out: `said` is the last line of the reading as the reader said it.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn sealed_exchange(
        &mut self,
        fetch: &Fetch<'_>,
        exchange: impl FnOnce(String) -> Exchange,
        said: Option<&[u8]>,
        seal: &dyn Seal,
    ) -> Result<String, WriteError> {
        let (request, response) = (self.id(), self.id());
        let asked = self.asked(fetch, &request, &response);
        self.unit(sealed::outer(&asked, seal.seal(&plain(&[&asked])?)?))?;
        let answered = self.answered(fetch, &response);
        let full = exchange(response.clone());
        let about = self.json_record(&full, media_type::EXCHANGE, fetch.date, Some(&response))?;
        let end = said.map(|said| {
            let mut block = said.to_vec();
            block.push(b'\n');
            conversion(&response, &date(fetch.date)).block(block)
        });
        let inner: Vec<&Record> = [&answered, &about].into_iter().chain(&end).collect();
        self.unit(sealed::outer(&answered, seal.seal(&plain(&inner)?)?))?;
        let bare = Record { block: canonical::canonical_of(&sealed::bare_exchange(full))?, ..about };
        self.unit(bare)?;
        Ok(response)
    }

    /// What run and commit record leave out under sealed evidence; stands right before the commit record.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn sealed_frame(
        &mut self,
        run: &Run,
        commit: &Commit,
        at: Timestamp,
        seal: &dyn Seal,
    ) -> Result<(), WriteError> {
        let run = self.json_record(run, media_type::RUN, run.now, None)?;
        let commit = self.json_record(commit, media_type::COMMIT, at, None)?;
        let id = self.id();
        let record = Record::new(RecordType::Metadata, &id, &date(at))
            .field("WARC-Warcinfo-ID", format!("<{}>", self.info))
            .field("Content-Type", media_type::SEALED)
            .block(seal.seal(&plain(&[&run, &commit])?)?);
        self.unit(record)
    }

    fn asked(&self, fetch: &Fetch<'_>, request: &str, response: &str) -> Record {
        let mut asked = Record::new(RecordType::Request, request, &date(fetch.date))
            .field("WARC-Target-URI", fetch.url)
            .field("WARC-Concurrent-To", format!("<{response}>"))
            .field("WARC-Warcinfo-ID", format!("<{}>", self.info));
        if let Some(ip) = fetch.ip {
            asked = asked.field("WARC-IP-Address", ip.to_string());
        }
        asked.block(fetch.request).with_block_digest().field("Content-Type", "application/http;msgtype=request")
    }

    fn answered(&self, fetch: &Fetch<'_>, response: &str) -> Record {
        let kind = if fetch.kind == ResponseKind::Full { RecordType::Response } else { RecordType::Revisit };
        let mut answered = Record::new(kind, response, &date(fetch.date))
            .field("WARC-Target-URI", fetch.url)
            .field("WARC-Warcinfo-ID", format!("<{}>", self.info));
        if let Some(ip) = fetch.ip {
            answered = answered.field("WARC-IP-Address", ip.to_string());
        }
        let referred = match &fetch.kind {
            ResponseKind::Full => None,
            ResponseKind::NotModified { refers_to } => {
                answered =
                    answered.field("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/server-not-modified");
                refers_to.as_ref()
            }
            ResponseKind::Identical { refers_to } => {
                answered =
                    answered.field("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest");
                Some(refers_to)
            }
        };
        if let Some(earlier) = referred {
            answered = answered
                .field("WARC-Refers-To", format!("<{}>", earlier.id))
                .field("WARC-Refers-To-Target-URI", &*earlier.url)
                .field("WARC-Refers-To-Date", &*earlier.date);
        }
        if let Some(cut) = fetch.truncated {
            answered = answered.field("WARC-Truncated", cut);
        }
        let mut answered = answered.block(fetch.response).with_block_digest();
        if !matches!(fetch.kind, ResponseKind::NotModified { .. }) {
            answered = answered.field("WARC-Payload-Digest", format!("sha256:{}", fetch.payload_digest));
        }
        answered.field("Content-Type", "application/http;msgtype=response")
    }

    /// What a reading said of one response: its lines without salts, header first, end last.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn conversion(&mut self, header: &Header, lines: &[Vec<u8>]) -> Result<(), WriteError> {
        let mut block = Vec::new();
        let mut units = Vec::new();
        for line in lines {
            let stored = salted(line, &self.ids.salt());
            units.push(Digest::of(&stored));
            block.extend_from_slice(&stored);
            block.push(b'\n');
        }
        let record = conversion(&header.response, &header.captured_at).block(block);
        let raw = record.to_bytes().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        self.fits(raw.len())?;
        self.warc.append(&raw)?;
        for unit in units {
            self.tree.push(tlog::leaf_hash(&unit.0));
        }
        Ok(())
    }

    /// A refusal by the gate.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn refused(&mut self, refused: &Refused) -> Result<String, WriteError> {
        self.json(media_type::REFUSED, refused, refused.ask.at, None)
    }

    /// A request without an answer.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn failed(&mut self, failed: &Failed) -> Result<String, WriteError> {
        self.json(media_type::FAILED, failed, failed.ask.at, None)
    }

    /// Writes the commit record and the signed manifest, and gives the inner writer back for syncing.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn seal(
        mut self,
        commit: &Commit,
        key: &SigningKey,
        prev: Option<Digest>,
        checkpoint: CheckpointRef,
        closed_at: Timestamp,
    ) -> Result<(W, Sealed), WriteError> {
        self.json(media_type::COMMIT, commit, closed_at, None)?;
        let manifest = Manifest {
            kind: ManifestKind::Manifest,
            v: 1,
            agent: self.agent.clone(),
            seq: self.seq,
            prev,
            units: self.tree.size(),
            root: Digest(self.tree.root().0),
            checkpoint,
            time: Minute::of(closed_at),
        };
        let bytes = canonical::canonical_of(&manifest)?;
        let digest = Digest::of(&bytes);
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        text.push('\n');
        let note = Note::sign(&text, &[key])?.to_string();
        let id = self.id();
        let record = Record::new(RecordType::Metadata, &id, &date(manifest.time.start()))
            .field("WARC-Warcinfo-ID", format!("<{}>", self.info))
            .field("Content-Type", media_type::MANIFEST)
            .block(note.as_bytes());
        self.warc.write(&record)?;
        Ok((self.warc.into_inner(), Sealed { manifest, digest, note }))
    }

    fn json<T: Serialize>(
        &mut self,
        media: &str,
        thing: &T,
        at: Timestamp,
        beside: Option<&str>,
    ) -> Result<String, WriteError> {
        let record = self.json_record(thing, media, at, beside)?;
        let id = record.id().to_owned();
        self.unit(record)?;
        Ok(id)
    }

    fn json_record<T: Serialize>(
        &mut self,
        thing: &T,
        media: &str,
        at: Timestamp,
        beside: Option<&str>,
    ) -> Result<Record, WriteError> {
        let id = self.id();
        let mut record =
            Record::new(RecordType::Metadata, &id, &date(at)).field("WARC-Warcinfo-ID", format!("<{}>", self.info));
        if let Some(beside) = beside {
            record = record.field("WARC-Concurrent-To", format!("<{beside}>"));
        }
        Ok(record.field("Content-Type", media).block(canonical::canonical_of(thing)?))
    }

    fn unit(&mut self, record: Record) -> Result<(), WriteError> {
        let record = record.field(SALT_FIELD, self.ids.salt().to_string());
        let raw = record.to_bytes().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        self.fits(raw.len())?;
        self.warc.append(&raw)?;
        self.tree.push(tlog::leaf_hash(&Digest::of(&raw).0));
        Ok(())
    }

    fn fits(&mut self, more: usize) -> Result<(), WriteError> {
        let bytes = self.bytes + more as u64;
        if bytes > MAX_SEGMENT_BYTES {
            return Err(WriteError::Full { bytes });
        }
        self.bytes = bytes;
        Ok(())
    }

    fn id(&mut self) -> String {
        self.ids.uuid().urn().to_string()
    }
}

/// Records one after the other, uncompressed: what an age file holds.
fn plain(records: &[&Record]) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    for record in records {
        record.write_uncompressed(&mut bytes).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
    }
    Ok(bytes)
}

/// The conversion record of `response`, without its block: every field follows from the first line.
pub(super) fn conversion(response: &str, captured_at: &str) -> Record {
    Record::new(RecordType::Conversion, &conversion_id(response), captured_at)
        .field("WARC-Target-URI", response)
        .field("WARC-Refers-To", format!("<{response}>"))
        .field("Content-Type", media_type::LINES)
}

/// WARC-Date: UTC, whole seconds or up to six decimals.
pub(super) fn date(at: Timestamp) -> String {
    let micros = at.as_microsecond();
    Timestamp::from_microsecond(micros).unwrap_or(at).to_string()
}
