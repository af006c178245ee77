//! What is answered for a segment that is known, and what of it comes from where?

use std::sync::Arc;

use jiff::Timestamp;
use schemas::Digest;
use schemas::leaf::{Act, Leaf};
use schemas::receipt::{Receipt, ReceiptAnswer};
use schemas::segment::{Segment, tombstoned_units};
use tlog::Note;

use super::{PutProblem, judge};
use crate::core::evidence::EvidenceError;
use crate::core::follow::{self, ranges};
use crate::core::log::chain;
use crate::core::store::{LeafKind, LeafRow, ReceiptRow, Store as _};
use crate::core::{Inner, RegistryError};

impl Inner {
    /// The answer for a segment that is in the log, or was refused whole; waits for a checkpoint if none covers it yet.
    pub(super) fn known(&self, name: &Digest, from: u64) -> Result<Option<ReceiptAnswer>, PutProblem> {
        let refused = || -> Result<Option<_>, RegistryError> {
            let found = self.store.find(LeafKind::Refusal, name)?;
            let whole =
                |leaf: &LeafRow| matches!(leaf.leaf(), Ok(Leaf::Act(Act::Refusal { units, .. })) if units.is_empty());
            Ok(found.filter(whole))
        };
        let leaf = match self.store.find(LeafKind::Manifest, name)? {
            Some(leaf) => leaf,
            None => match refused()? {
                Some(leaf) => leaf,
                None => return Ok(None),
            },
        };
        if leaf.index >= self.log.published().size {
            self.log.settle()?;
        }
        let receipt = match self.store.receipt(name)? {
            Some(row) if self.is_receipt_of(&row, &leaf)? => row,
            _ => self.receipt_again(&leaf)?,
        };
        let published = self.log.published();
        let text = format!("{}\n", receipt.body);
        let note = Note::sign(&text, &[self.log.key()]).map_err(|why| RegistryError::leaf(why.to_string()))?;
        let consistency = if from == 0 { Vec::new() } else { self.log.consistency(from, published.size)? };
        Ok(Some(ReceiptAnswer {
            receipt: note.to_string(),
            leaf: String::from_utf8_lossy(&leaf.bytes).into_owned(),
            inclusion: self.log.inclusion(leaf.index, published.size)?,
            consistency,
            checkpoint: published.note,
        }))
    }

    /// Takes the bytes of a logged segment again whose file was lost, without the units that were refused or erased since.
    pub(super) fn heal(&self, name: &Digest, bytes: &[u8]) -> Result<(), PutProblem> {
        let Some(leaf) = self.store.find(LeafKind::Manifest, name)? else {
            return Ok(());
        };
        if !matches!(self.evidence.segment_bytes(name), Err(EvidenceError::Missing { .. })) {
            return Ok(());
        }
        let Ok(segment) = Segment::read(bytes) else {
            return Ok(());
        };
        if segment.digest != *name || !tombstoned_units(&segment).is_empty() {
            return Ok(());
        }
        // The name covers the manifest, not the signature under it.
        let history = Arc::clone(&self.now().history);
        let (key, ..) = self.agent_key(&history, &segment.manifest.agent)?;
        if segment.verify(&key).is_err() {
            return Ok(());
        }
        let _alone = self.acting();
        let _following = self.following();
        let mut left = bytes.to_vec();
        for kind in [LeafKind::Refusal, LeafKind::Erasure] {
            for act in self.store.of_kind(kind)?.iter().filter(|act| act.digest == *name) {
                if let Leaf::Act(Act::Refusal { units, .. } | Act::Erasure { units, .. }) =
                    act.leaf().map_err(RegistryError::leaf)?
                {
                    let units = units.iter().flat_map(|[first, last]| *first..=*last).collect();
                    left = schemas::segment::erase(&left, &units, act.index)
                        .map_err(|why| RegistryError::refused(chain(&why)))?;
                }
            }
        }
        self.evidence.keep_segment(name, &left)?;
        let Leaf::Manifest(manifest) = leaf.leaf().map_err(RegistryError::leaf)? else {
            return Ok(());
        };
        let row = follow::segment_row(&self.evidence, &|index| self.past(index), leaf.index, &manifest)?;
        let finder = follow::Finder::new(&self.evidence);
        self.store.refresh(leaf.index, &row, &|manifest, unit| finder.find(manifest, unit))?;
        Ok(())
    }

    /// Whether a row of the tables is the receipt of this leaf. What is signed here follows from the log but for the time, the words and which units came late:
    /// otherwise whoever can write to the database could have anything signed with the log's key, a checkpoint for one.
    fn is_receipt_of(&self, row: &ReceiptRow, leaf: &LeafRow) -> Result<bool, RegistryError> {
        let Ok(receipt) = schemas::canonical::from_canonical::<Receipt>(row.body.as_bytes()) else {
            return Ok(false);
        };
        let own = receipt_row(&receipt).is_some_and(|again| again == *row);
        if !own || receipt.manifest() != leaf.digest || receipt.index() != leaf.index {
            return Ok(false);
        }
        Ok(match (&receipt, leaf.leaf().map_err(RegistryError::leaf)?) {
            (Receipt::RefusalReceipt { v: 1, code, .. }, Leaf::Act(Act::Refusal { code: logged, .. })) => {
                *code == logged
            }
            (Receipt::Receipt { v: 1, refused, .. }, Leaf::Manifest(_)) => {
                *refused == self.refused_units(&leaf.digest)?
            }
            _ => false,
        })
    }

    /// Units that were refused when the segment was taken in, as its refusal leaf names them.
    fn refused_units(&self, manifest: &Digest) -> Result<Vec<[u64; 2]>, RegistryError> {
        let leaf = self.store.find(LeafKind::Refusal, manifest)?;
        Ok(match leaf.map(|leaf| leaf.leaf()) {
            Some(Ok(Leaf::Act(Act::Refusal { units, .. }))) => units,
            _ => Vec::new(),
        })
    }

    /// A receipt whose row was lost.
    fn receipt_again(&self, leaf: &LeafRow) -> Result<ReceiptRow, RegistryError> {
        let at = whole_second(self.clock());
        let (manifest, index) = (leaf.digest, leaf.index);
        let receipt = match leaf.leaf().map_err(RegistryError::leaf)? {
            Leaf::Act(Act::Refusal { code, .. }) => {
                let why = "the reason in words was lost with the database; the code stands in the log".to_owned();
                Receipt::RefusalReceipt { v: 1, manifest, index, code, why, at }
            }
            _ => {
                let refused = self.refused_units(&manifest)?;
                let late = self.late_again(&manifest, index)?;
                Receipt::Receipt { v: 1, manifest, index, refused, late, at }
            }
        };
        let row =
            receipt_row(&receipt).ok_or_else(|| RegistryError::leaf("a receipt has no canonical form".to_owned()))?;
        self.store.keep_receipt(&row)?;
        // Somebody who asked at the same time may have been told another time already.
        match self.store.receipt(&manifest)? {
            Some(kept) if self.is_receipt_of(&kept, leaf)? => Ok(kept),
            _ => Ok(row),
        }
    }

    fn late_again(&self, manifest: &Digest, index: u64) -> Result<Vec<[u64; 2]>, RegistryError> {
        let Ok(segment) = self.evidence.segment(manifest) else {
            return Ok(Vec::new());
        };
        let Ok(view) = segment.view() else {
            return Ok(Vec::new());
        };
        Ok(ranges(judge::late(&*self.past(index)?, &view)))
    }
}

pub(super) fn receipt_row(receipt: &Receipt) -> Option<ReceiptRow> {
    let bytes = schemas::canonical::canonical_of(receipt).ok()?;
    Some(ReceiptRow { manifest: receipt.manifest(), body: String::from_utf8(bytes).ok()? })
}

pub(super) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
