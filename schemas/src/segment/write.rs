//! How does an agent gather what a segment holds?

use std::io;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tlog::Hash;
use warc::{Record, RecordType};

use super::{
    MAX_SEGMENT_BYTES, SALT_FIELD, conversion_id,
    line::{SALTED_BYTES, salt_onto},
    sealed::{self, Seal},
};
use crate::{
    canonical::{self, CanonicalError},
    capture::{Exchange, Failed, Header, Refused, Vanished, media_type},
    digest::{Digest, Salt},
    gate::RobotsCopy,
};

/// How tightly agents pack. A third of the work of the usual 6 for a file that is a tenth larger.
pub(super) const LEVEL: u32 = 1;

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
    /// Record id of the response (`urn:uuid:…`) where it was chosen before: later hops name it.
    pub id: Option<&'a str>,
    /// Address in normal form.
    pub url: &'a str,
    /// When the request began, UTC.
    pub date: Timestamp,
    /// Request block, secrets struck out.
    pub request: &'a [u8],
    /// Response block, secrets struck out; for revisits the head alone. Let go once it is written.
    pub response: Bytes,
    /// Digest of the payload: of the bytes at the end of `response` that follow its head.
    pub payload_digest: Digest,
    /// Form of the response record.
    pub kind: ResponseKind,
    /// Address the bytes came from.
    pub ip: Option<std::net::IpAddr>,
    /// `length`, `time`, `disconnect` where the body was cut.
    pub truncated: Option<&'a str>,
}

/// Gathers what a segment holds between its run and its commit record, and writes the file once these are known.
///
/// Each record is packed as it comes: what waits for its segment takes as much memory as it will take of the disk.
pub struct SegmentWriter<I: Ids> {
    pub(super) ids: I,
    /// Record id of the `warcinfo` that will stand first.
    pub(super) info: String,
    pub(super) gathered: Gathered,
}

/// Records as gzip members, and what the unit tree needs of them.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) members: Vec<Vec<u8>>,
    pub(super) leaves: Vec<Hash>,
    /// Uncompressed bytes.
    pub(super) bytes: u64,
}

impl Gathered {
    /// Another record, and the digests of its units.
    fn push(&mut self, raw: &[u8], units: impl IntoIterator<Item = Digest>) -> Result<(), WriteError> {
        let bytes = self.bytes + raw.len() as u64;
        if bytes > MAX_SEGMENT_BYTES {
            return Err(WriteError::Full { bytes });
        }
        let mut member = warc::gzip_member(raw, LEVEL);
        member.shrink_to_fit();
        self.members.push(member);
        self.leaves.extend(units.into_iter().map(|unit| tlog::leaf_hash(&unit.0)));
        self.bytes = bytes;
        Ok(())
    }
}

impl<I: Ids> SegmentWriter<I> {
    /// Nothing yet.
    pub fn new(mut ids: I) -> Self {
        let info = ids.uuid().urn().to_string();
        Self { ids, info, gathered: Gathered::default() }
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
        fetch: Fetch<'_>,
        exchange: impl FnOnce(String) -> Exchange,
    ) -> Result<String, WriteError> {
        let request = self.id();
        let response = fetch.id.map_or_else(|| self.id(), str::to_owned);
        let date = fetch.date;
        self.unit(self.asked(&fetch, &request, &response))?;
        self.unit(self.answered(fetch, &response))?;
        self.json(media_type::EXCHANGE, &exchange(response.clone()), date, Some(&response))?;
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
        fetch: Fetch<'_>,
        exchange: impl FnOnce(String) -> Exchange,
        said: Option<&[u8]>,
        seal: &dyn Seal,
    ) -> Result<String, WriteError> {
        let request = self.id();
        let response = fetch.id.map_or_else(|| self.id(), str::to_owned);
        let captured = fetch.date;
        let asked = self.asked(&fetch, &request, &response);
        self.unit(sealed::outer(&asked, seal.seal(&plain(&[&asked])?)?))?;
        let answered = self.answered(fetch, &response);
        let full = exchange(response.clone());
        let about = self.json_record(&full, media_type::EXCHANGE, captured, Some(&response))?;
        let end = said.map(|said| {
            let mut block = said.to_vec();
            block.push(b'\n');
            conversion(&response, &date(captured)).block(block)
        });
        let inner: Vec<&Record> = [&answered, &about].into_iter().chain(&end).collect();
        self.unit(sealed::outer(&answered, seal.seal(&plain(&inner)?)?))?;
        let bare = about.block(canonical::canonical_of(&sealed::bare_exchange(full))?);
        self.unit(bare)?;
        Ok(response)
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

    fn answered(&self, fetch: Fetch<'_>, response: &str) -> Record {
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
        answered.block = fetch.response;
        answered = answered.with_block_digest();
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
    pub fn conversion(&mut self, header: &Header, lines: Vec<Vec<u8>>) -> Result<(), WriteError> {
        // Each line is let go as it comes to stand here, and the record is made around them: a long reading is there once.
        let bytes: usize = lines.iter().map(|line| line.len() + SALTED_BYTES + 1).sum();
        let mut block = Vec::with_capacity(bytes + warc::SPARE_BYTES);
        let mut units = Vec::with_capacity(lines.len());
        for line in lines {
            let begins = block.len();
            salt_onto(&mut block, &line, &self.ids.salt());
            units.push(Digest::of(block.get(begins..).unwrap_or_default()));
            block.push(b'\n');
        }
        let record = conversion(&header.response, &header.captured_at).block(block);
        let raw = record.into_bytes().map_err(unwritable)?;
        self.gathered.push(&raw, units)
    }

    /// An item that vanished, as it is to stand ([`keyed_vanished`](super::keyed_vanished)). Comes right after the reading of the response it names, which was
    /// captured `at`, or after another such record.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn vanished(&mut self, said: &Vanished, at: Timestamp) -> Result<(), WriteError> {
        self.json(media_type::VANISHED, said, at, Some(&said.response)).map(|_| ())
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

    pub(super) fn json<T: Serialize>(
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

    pub(super) fn json_record<T: Serialize>(
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

    pub(super) fn unit(&mut self, record: Record) -> Result<(), WriteError> {
        let record = record.field(SALT_FIELD, self.ids.salt().to_string());
        let raw = plain(&[&record])?;
        drop(record);
        self.gathered.push(&raw, [Digest::of(&raw)])
    }

    pub(super) fn id(&mut self) -> String {
        self.ids.uuid().urn().to_string()
    }
}

/// Records one after the other, uncompressed: what an age file holds.
pub(super) fn plain(records: &[&Record]) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    for record in records {
        record.write_uncompressed(&mut bytes).map_err(unwritable)?;
    }
    Ok(bytes)
}

fn unwritable(why: warc::RecordError) -> WriteError {
    io::Error::new(io::ErrorKind::InvalidInput, why).into()
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
