//! What is the root of these leaves, and which proofs do they give?
//!
//! Both proofs are lists of subtrees; `inclusion_ranges` and `consistency_ranges` say which leaves each subtree
//! covers. Leaves in memory and tiles on disk answer the same lists, so there is one algorithm for both.

use std::ops::Range;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::proof::ProofError;

/// Root of the tree over these leaf hashes (not entries: see [`crate::leaf_hash`]), MTH of RFC 6962 section 2.1.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [only] => *only,
        _ => {
            // At least one and at most len - 1, so both halves hold a leaf.
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            node_hash(&root(left), &root(right))
        }
    }
}

/// Proof that the leaf at `index` (from 0) is in the tree of `leaves`: the sibling of the leaf first (RFC 6962 section 2.1.1).
///
/// # Errors
///
/// [`ProofError::IndexBeyondTree`] if there is no such leaf.
pub fn inclusion_proof(leaves: &[Hash], index: u64) -> Result<Vec<Hash>, ProofError> {
    let ranges = inclusion_ranges(index, leaves.len() as u64)?;
    Ok(ranges.into_iter().map(|range| root_of(leaves, range)).collect())
}

/// Proof that the tree of the first `old` leaves is a prefix of the tree of all `leaves` (RFC 6962 section 2.1.2).
///
/// Empty for `old == leaves.len()`, and for `old == 0`, where there is nothing to prove; [`crate::verify_consistency`] refuses
/// the latter, callers treat it apart.
///
/// # Errors
///
/// [`ProofError::OldBeyondNew`] if there are fewer than `old` leaves.
pub fn consistency_proof(leaves: &[Hash], old: u64) -> Result<Vec<Hash>, ProofError> {
    let ranges = consistency_ranges(old, leaves.len() as u64)?;
    Ok(ranges.into_iter().map(|range| root_of(leaves, range)).collect())
}

fn root_of(leaves: &[Hash], range: Range<u64>) -> Hash {
    // The ranges were made for exactly this number of leaves, so none is out of reach.
    root(leaves.get(range.start as usize..range.end as usize).unwrap_or_default())
}

/// Largest power of two strictly smaller than `size`, which is at least 2: where RFC 6962 splits a tree.
pub(crate) fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The leaves under each hash of an inclusion proof, in the proof's order.
pub(crate) fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if index >= size {
        return Err(ProofError::IndexBeyondTree { index, size });
    }
    let (mut low, mut high) = (0, size);
    let mut ranges = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
        }
    }
    ranges.reverse();
    Ok(ranges)
}

/// The leaves under each hash of a consistency proof, in the proof's order: SUBPROOF of RFC 6962 section 2.1.2.
pub(crate) fn consistency_ranges(old: u64, new: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if old > new {
        return Err(ProofError::OldBeyondNew { old, new });
    }
    let mut ranges = Vec::new();
    if old == 0 {
        return Ok(ranges);
    }
    let (mut low, mut high) = (0, new);
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
        }
    }
    // The verifier has the old root already; only a subtree smaller than it must be given.
    if low > 0 {
        ranges.push(low..high);
    }
    ranges.reverse();
    Ok(ranges)
}

/// A growing tree that keeps only its right edge: one hash for each bit set in its size, at most 64.
///
/// Knows size and root, gives no proofs. A clone is a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactTree {
    size: u64,
    /// Roots of the complete subtrees, the largest (leftmost) first.
    edge: Vec<Hash>,
}

impl CompactTree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up where [`CompactTree::right_edge`] left off.
    ///
    /// # Errors
    ///
    /// [`ProofError::WrongEdge`] unless there is one hash for each bit set in `size`. Whether they are the right hashes shows
    /// only in the root: compare it with a signed one.
    pub fn from_right_edge(size: u64, edge: Vec<Hash>) -> Result<Self, ProofError> {
        if edge.len() != size.count_ones() as usize {
            return Err(ProofError::WrongEdge { size, given: edge.len() });
        }
        Ok(Self { size, edge })
    }

    /// Adds a leaf by its leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each bit that is set at the low end of the size is a complete subtree that the new leaf completes to a larger one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.edge.push(hash);
        // 2^64 leaves are out of reach: a million a second would take half a million years.
        self.size = self.size.saturating_add(1);
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree, [`EMPTY_ROOT`] without leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.edge.iter().rev();
        let Some(last) = smallest_first.next() else {
            return EMPTY_ROOT;
        };
        smallest_first.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The hashes of the complete subtrees, the largest first; with the size all that must be kept.
    #[must_use]
    pub fn right_edge(&self) -> &[Hash] {
        &self.edge
    }
}

impl Extend<Hash> for CompactTree {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::proof::{verify_consistency, verify_inclusion};

    /// The classic leaves of the first Certificate Transparency tests, in hex.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [(usize, &str); 6] = [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ];

    fn classic() -> Vec<Hash> {
        LEAVES.iter().map(|entry| leaf_hash(&hex::decode(entry).unwrap())).collect()
    }

    #[test]
    fn classic_roots() {
        let leaves = classic();
        for (size, wanted) in ROOTS {
            assert_eq!(root(&leaves[..size]).to_hex(), wanted, "size {size}");
            let mut compact = CompactTree::new();
            compact.extend(leaves[..size].iter().copied());
            assert_eq!(compact.root().to_hex(), wanted, "compact, size {size}");
            assert_eq!(compact.right_edge().len(), size.count_ones() as usize);
        }
    }

    #[test]
    fn classic_proofs_hold_for_every_size_leaf_and_prefix() {
        let leaves = classic();
        for size in 1..=8 {
            let now = &leaves[..size];
            for (index, leaf) in (0..).zip(now) {
                let proof = inclusion_proof(now, index).unwrap();
                verify_inclusion(index, size as u64, leaf, &proof, &root(now)).unwrap();
            }
            for old in 1..=size {
                let proof = consistency_proof(now, old as u64).unwrap();
                let before = root(&leaves[..old]);
                verify_consistency(old as u64, size as u64, &proof, &before, &root(now)).unwrap();
            }
        }
    }

    #[test]
    fn what_is_not_in_the_tree_has_no_proof() {
        let leaves = classic();
        assert_eq!(inclusion_proof(&leaves, 8), Err(ProofError::IndexBeyondTree { index: 8, size: 8 }));
        assert_eq!(consistency_proof(&leaves, 9), Err(ProofError::OldBeyondNew { old: 9, new: 8 }));
        assert_eq!(consistency_proof(&leaves, 0), Ok(vec![]));
        assert_eq!(verify_consistency(0, 8, &[], &EMPTY_ROOT, &root(&leaves)), Err(ProofError::FromEmptyTree));
    }

    #[test]
    fn right_edge_of_another_size_is_refused() {
        let edge = vec![EMPTY_ROOT; 2];
        assert_eq!(CompactTree::from_right_edge(4, edge), Err(ProofError::WrongEdge { size: 4, given: 2 }));
    }
}
