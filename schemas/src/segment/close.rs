//! How does what was gathered become a signed file?

use std::{io::Write, mem};

use jiff::Timestamp;
use tlog::{CompactTree, Note, SigningKey};
use warc::{Record, RecordType};

use super::{
    MAX_SEGMENT_BYTES, Seal,
    write::{Gathered, Ids, LEVEL, SegmentWriter, WriteError, date, plain},
};
use crate::{
    canonical,
    capture::{Commit, Run, media_type},
    digest::Digest,
    manifest::{CheckpointRef, Manifest, ManifestKind, Minute},
};

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
    fn block(&self) -> String {
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

/// What stands around the exchanges of a segment, and where it stands in its agent's chain.
pub struct Closing<'a> {
    /// What its first record says.
    pub start: &'a Start,
    /// The run record; without what is sealed, where evidence is.
    pub run: &'a Run,
    /// The commit record; without what is sealed, where evidence is.
    pub commit: &'a Commit,
    /// Under sealed evidence: run and commit record whole, and who encrypts them.
    pub whole: Option<(&'a Run, &'a Commit, &'a dyn Seal)>,
    /// The agent's key.
    pub key: &'a SigningKey,
    /// Digest of its previous manifest; none for the first.
    pub prev: Option<Digest>,
    /// The newest checkpoint it had verified.
    pub checkpoint: CheckpointRef,
    /// Now, UTC.
    pub closed_at: Timestamp,
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

impl<I: Ids> SegmentWriter<I> {
    /// Writes the file: `warcinfo`, run, what was gathered, commit, signed manifest. Gives `out` back for syncing; what was gathered stays, so that
    /// another attempt can be made.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn close<W: Write>(&mut self, mut out: W, closing: &Closing<'_>) -> Result<(W, Sealed), WriteError> {
        let gathered = mem::take(&mut self.gathered);
        let around = self.around(closing);
        self.gathered = gathered;
        let [head, tail] = around?;
        let parts = [&head, &self.gathered, &tail];
        let bytes = parts.iter().map(|part| part.bytes).sum();
        if bytes > MAX_SEGMENT_BYTES {
            return Err(WriteError::Full { bytes });
        }
        let mut tree = CompactTree::new();
        for part in parts {
            part.leaves.iter().for_each(|leaf| tree.push(*leaf));
            part.members.iter().try_for_each(|member| out.write_all(member))?;
        }
        let manifest = Manifest {
            kind: ManifestKind::Manifest,
            v: 1,
            agent: closing.start.agent.clone(),
            seq: closing.start.seq,
            prev: closing.prev,
            units: tree.size(),
            root: Digest(tree.root().0),
            checkpoint: closing.checkpoint.clone(),
            time: Minute::of(closing.closed_at),
        };
        let bytes = canonical::canonical_of(&manifest)?;
        let digest = Digest::of(&bytes);
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        text.push('\n');
        let note = Note::sign(&text, &[closing.key])?.to_string();
        let id = self.id();
        let record = Record::new(RecordType::Metadata, &id, &date(manifest.time.start()))
            .field("WARC-Warcinfo-ID", format!("<{}>", self.info))
            .field("Content-Type", media_type::MANIFEST)
            .block(note.as_bytes());
        out.write_all(&warc::gzip_member(&plain(&[&record])?, LEVEL))?;
        Ok((out, Sealed { manifest, digest, note }))
    }

    /// What stands before and after the rest.
    fn around(&mut self, closing: &Closing<'_>) -> Result<[Gathered; 2], WriteError> {
        let start = closing.start;
        let info = Record::new(RecordType::Warcinfo, &self.info, &date(start.date))
            .field("Content-Type", "application/warc-fields")
            .block(start.block());
        self.unit(info)?;
        self.json(media_type::RUN, closing.run, closing.run.now, None)?;
        let head = mem::take(&mut self.gathered);
        if let Some((run, commit, seal)) = closing.whole {
            let run = self.json_record(run, media_type::RUN, run.now, None)?;
            let commit = self.json_record(commit, media_type::COMMIT, closing.closed_at, None)?;
            let id = self.id();
            let record = Record::new(RecordType::Metadata, &id, &date(closing.closed_at))
                .field("WARC-Warcinfo-ID", format!("<{}>", self.info))
                .field("Content-Type", media_type::SEALED)
                .block(seal.seal(&plain(&[&run, &commit])?)?);
            self.unit(record)?;
        }
        self.json(media_type::COMMIT, closing.commit, closing.closed_at, None)?;
        Ok([head, mem::take(&mut self.gathered)])
    }
}
