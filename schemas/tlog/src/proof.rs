//! Does this proof hold?

use crate::hash::{Hash, node_hash};

/// Why a proof does not hold, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A leaf that the tree does not have.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexBeyondTree {
        /// Asked for, counted from 0.
        index: u64,
        /// Number of leaves.
        size: u64,
    },
    /// A tree cannot shrink.
    #[error("the old tree has {old} leaves, more than the new one with {new}")]
    OldBeyondNew {
        /// Leaves of the old tree.
        old: u64,
        /// Leaves of the new tree.
        new: u64,
    },
    /// Every tree is consistent with the empty one, so a proof from it states nothing; callers treat size 0 apart.
    #[error("a consistency proof from the empty tree states nothing")]
    FromEmptyTree,
    /// The number of hashes does not fit the sizes.
    #[error("the proof has {given} hashes, too {} for the sizes it names", if *.too_few { "few" } else { "many" })]
    Length {
        /// How many there are.
        given: usize,
        /// Whether more were needed.
        too_few: bool,
    },
    /// The hashes lead to another root: leaf, position, proof or root is not what it claims to be.
    #[error("the proof leads to root {computed}, not to {expected}")]
    RootMismatch {
        /// What the proof leads to.
        computed: Hash,
        /// What was to be proven.
        expected: Hash,
    },
    /// A right edge has one hash for each bit set in the size.
    #[error("{given} hashes are no right edge of a tree of {size} leaves")]
    WrongEdge {
        /// Number of leaves.
        size: u64,
        /// How many hashes were given.
        given: usize,
    },
}

/// Checks that the leaf hash stands at `index` (from 0) in the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2).
///
/// # Errors
///
/// Any [`ProofError`] but those of consistency: nothing may be believed then.
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexBeyondTree { index, size });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length { given: proof.len(), too_few: false });
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node.is_multiple_of(2) && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length { given: proof.len(), too_few: true });
    }
    expect(hash, root)
}

/// Checks that the tree of `old` leaves is a prefix of the tree of `new` leaves (RFC 9162 section 2.1.4.2).
///
/// # Errors
///
/// [`ProofError::FromEmptyTree`] for `old == 0`; any other [`ProofError`]: the log showed two histories, or the proof was damaged.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::OldBeyondNew { old, new });
    }
    if old == 0 {
        return Err(ProofError::FromEmptyTree);
    }
    if old == new {
        if !proof.is_empty() {
            return Err(ProofError::Length { given: proof.len(), too_few: false });
        }
        return expect(*old_root, new_root);
    }
    // A complete old tree is itself the first subtree; the proof leaves it out because the verifier has it.
    let complete = old.is_power_of_two().then_some(old_root);
    let mut path = complete.into_iter().chain(proof);
    let Some(first) = path.next() else {
        return Err(ProofError::Length { given: proof.len(), too_few: true });
    };
    let (mut node, mut last) = (old - 1, new - 1);
    while node % 2 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return Err(ProofError::Length { given: proof.len(), too_few: false });
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node.is_multiple_of(2) && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length { given: proof.len(), too_few: true });
    }
    expect(old_hash, old_root)?;
    expect(new_hash, new_root)
}

fn expect(computed: Hash, expected: &Hash) -> Result<(), ProofError> {
    if computed == *expected { Ok(()) } else { Err(ProofError::RootMismatch { computed, expected: *expected }) }
}
