//! What do the stored tiles say about the tree?
//!
//! Reads tiles only and shares no state with [`crate::CompactTree`], so a log can compare the two before it signs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::bundle::decode_bundle;
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::proof::ProofError;
use crate::source::{TileSource, read};
use crate::tile::{FULL_WIDTH, HASH_BYTES, TileError, entries_path, tile_path};
use crate::tree::{CompactTree, consistency_ranges, inclusion_ranges, root, split};

/// Leaves or hashes under one tile.
pub(crate) const WIDTH: u64 = FULL_WIDTH as u64;
/// Height of a tile in tree levels.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// The tree of a given size, answered from tiles alone.
///
/// The size must come from a verified checkpoint; whether the tiles are those of that checkpoint shows in
/// [`TileTree::root`], which callers compare. Every tile is checked for exactly the length that the size implies. Keeps the last tile
/// read of each level.
pub struct TileTree<'a> {
    source: &'a dyn TileSource,
    size: u64,
    recent: RefCell<HashMap<u8, (u64, Vec<Hash>)>>,
}

impl<'a> TileTree<'a> {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(source: &'a dyn TileSource, size: u64) -> Self {
        Self { source, size, recent: RefCell::default() }
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    ///
    /// # Errors
    ///
    /// [`TileError`] if a tile is missing or has the wrong length.
    pub fn root(&self) -> Result<Hash, TileError> {
        self.range(0..self.size)
    }

    /// Hash of the leaf at `index`, as the tiles of level 0 hold it.
    ///
    /// # Errors
    ///
    /// [`ProofError::IndexBeyondTree`] inside [`TileError::Proof`]; errors of reading.
    pub fn leaf_hash(&self, index: u64) -> Result<Hash, TileError> {
        self.check_index(index)?;
        self.node(0, index)
    }

    /// Inclusion proof of the leaf at `index` in this tree; see [`crate::inclusion_proof`].
    ///
    /// # Errors
    ///
    /// As [`TileTree::leaf_hash`].
    pub fn inclusion_proof(&self, index: u64) -> Result<Vec<Hash>, TileError> {
        let ranges = inclusion_ranges(index, self.size)?;
        ranges.into_iter().map(|range| self.range(range)).collect()
    }

    /// Consistency proof from the tree of the first `old` leaves to this one; see [`crate::consistency_proof`].
    ///
    /// # Errors
    ///
    /// [`ProofError::OldBeyondNew`] inside [`TileError::Proof`]; errors of reading.
    pub fn consistency_proof(&self, old: u64) -> Result<Vec<Hash>, TileError> {
        let ranges = consistency_ranges(old, self.size)?;
        ranges.into_iter().map(|range| self.range(range)).collect()
    }

    /// The right edge, to go on growing from.
    ///
    /// # Errors
    ///
    /// Errors of reading.
    pub fn compact(&self) -> Result<CompactTree, TileError> {
        let mut edge = Vec::new();
        let mut low = 0;
        while low < self.size {
            let step = 1 << (self.size - low).ilog2();
            edge.push(self.range(low..low + step)?);
            low += step;
        }
        Ok(CompactTree::from_right_edge(self.size, edge)?)
    }

    /// All entries of bundle `bundle` (entry i is in bundle i / 256), as many as the size implies. Their hashes are not compared.
    ///
    /// # Errors
    ///
    /// [`TileError::Entries`], [`TileError::Bundle`], errors of reading.
    pub fn entries(&self, bundle: u64) -> Result<Vec<Vec<u8>>, TileError> {
        let width = self.width(0, bundle);
        if width == 0 {
            let index = bundle.saturating_mul(WIDTH);
            return Err(ProofError::IndexBeyondTree { index, size: self.size }.into());
        }
        let path = entries_path(bundle, width);
        let entries = decode_bundle(&read(self.source, &path)?)?;
        if entries.len() != usize::from(width) {
            return Err(TileError::Entries { path, found: entries.len(), expected: width.into() });
        }
        Ok(entries)
    }

    /// The entry at `index`, whose hash was found to be the leaf hash in the tile.
    ///
    /// # Errors
    ///
    /// [`TileError::Disagree`] if it is not; else as [`TileTree::entries`].
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, TileError> {
        self.check_index(index)?;
        let mut entries = self.entries(index / WIDTH)?;
        // The bundle has as many entries as the size implies and the index is within the size.
        let entry = entries.swap_remove((index % WIDTH) as usize);
        if crate::leaf_hash(&entry) != self.node(0, index)? {
            return Err(self.disagreement(0, index));
        }
        Ok(entry)
    }

    /// Checks what a growth from `old` leaves has written: each new entry against its leaf hash, and each full tile that
    /// ends in or after the old edge against its hash in the level above.
    ///
    /// With the root compared to one computed apart, this is what a log does before it signs: a fault in a published
    /// tree cannot be mended.
    ///
    /// # Errors
    ///
    /// [`TileError::Disagree`] names the first difference; errors of reading.
    pub fn check_growth(&self, old: u64) -> Result<(), TileError> {
        if old >= self.size {
            return Ok(());
        }
        for bundle in old / WIDTH..self.size.div_ceil(WIDTH) {
            for (at, entry) in self.entries(bundle)?.iter().enumerate() {
                let index = bundle * WIDTH + at as u64;
                if crate::leaf_hash(entry) != self.node(0, index)? {
                    return Err(self.disagreement(0, index));
                }
            }
        }
        let mut level = 0;
        while self.count(level + 1) > 0 {
            let first = old.checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0);
            for index in first..self.count(level + 1) {
                let below = self.with_tile(level, index, root)?;
                let height = TILE_HEIGHT * (u32::from(level) + 1);
                if self.node(height, index)? != below {
                    return Err(self.disagreement(level + 1, index));
                }
            }
            level += 1;
        }
        Ok(())
    }

    fn disagreement(&self, level: u8, entry: u64) -> TileError {
        let index = entry / WIDTH;
        TileError::Disagree { path: tile_path(level, index, self.width(level, index)), entry: entry % WIDTH }
    }

    fn check_index(&self, index: u64) -> Result<(), TileError> {
        if index < self.size {
            return Ok(());
        }
        Err(ProofError::IndexBeyondTree { index, size: self.size }.into())
    }

    /// Root of the tree over these leaves: one stored or computed node if it is a complete subtree, else split as the tree is.
    fn range(&self, leaves: Range<u64>) -> Result<Hash, TileError> {
        let length = leaves.end - leaves.start;
        if length == 0 {
            return Ok(EMPTY_ROOT);
        }
        if length.is_power_of_two() && leaves.start.is_multiple_of(length) {
            return self.node(length.ilog2(), leaves.start / length);
        }
        let middle = leaves.start + split(length);
        let left = self.range(leaves.start..middle)?;
        let right = self.range(middle..leaves.end)?;
        Ok(node_hash(&left, &right))
    }

    /// Hash of the complete subtree number `position` of this height.
    fn node(&self, height: u32, position: u64) -> Result<Hash, TileError> {
        // At most 63 / 8.
        let level = (height / TILE_HEIGHT) as u8;
        let inside = height % TILE_HEIGHT;
        let first = position << inside;
        let (start, count) = ((first % WIDTH) as usize, 1usize << inside);
        self.with_tile(level, first / WIDTH, |hashes| hashes.get(start..start + count).map(root))?
            .ok_or(TileError::Proof(ProofError::IndexBeyondTree { index: first, size: self.size }))
    }

    /// Hashes of a level in the whole tree.
    fn count(&self, level: u8) -> u64 {
        self.size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0)
    }

    /// Hashes in a tile of the tree, 0 if there is no such tile.
    fn width(&self, level: u8, index: u64) -> u16 {
        let before = index.saturating_mul(WIDTH);
        // At most 256.
        self.count(level).saturating_sub(before).min(WIDTH) as u16
    }

    fn with_tile<T>(&self, level: u8, index: u64, look: impl FnOnce(&[Hash]) -> T) -> Result<T, TileError> {
        let mut recent = self.recent.borrow_mut();
        if let Some((at, hashes)) = recent.get(&level)
            && *at == index
        {
            return Ok(look(hashes));
        }
        let hashes = read_tile(self.source, level, index, self.width(level, index))?;
        let answer = look(&hashes);
        recent.insert(level, (index, hashes));
        Ok(answer)
    }
}

/// A tile of exactly this width.
pub(crate) fn read_tile(source: &dyn TileSource, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, TileError> {
    let path = tile_path(level, index, width);
    let bytes = read(source, &path)?;
    let expected = usize::from(width) * HASH_BYTES;
    if bytes.len() != expected {
        return Err(TileError::Length { path, found: bytes.len(), expected });
    }
    let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
    Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
}
