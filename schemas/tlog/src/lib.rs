//! What do a transparency log's bytes mean, and how does one check them?
//!
//! The public formats, and nothing of what a particular log puts into its leaves:
//!
//! | module | format |
//! |---|---|
//! | [`hash`], [`tree`], [`proof`] | Merkle tree, RFC 6962 section 2.1; verification as in RFC 9162 section 2.1.3.2 and 2.1.4.2; SHA-256 |
//! | [`key`], [`signing`], [`signature`], [`note`] | C2SP `signed-note.md`, Ed25519 (type 01) and its timestamped cosignature (type 04) |
//! | [`checkpoint`] | C2SP `tlog-checkpoint.md`, `tlog-cosignature.md` |
//! | [`tile`], [`bundle`], [`source`], [`tile_tree`], [`append`] | C2SP `tlog-tiles.md` |
//! | [`tlog_proof`] | C2SP `tlog-proof.md` (`.tlog-proof` files) |
//!
//! Invariants: every parser takes arbitrary bytes and answers with a value or an error, never a panic, and
//! bounds what it keeps. No clock, no network; the only file access is [`FolderTiles`]. A key is either verified strictly
//! (`verify_strict`) or not at all.
//!
//! ```
//! use tlog::{Checkpoint, CompactTree, LogProof, SigningKey, leaf_hash};
//!
//! let key = SigningKey::generate("log.example.org")?;
//! let leaves = [leaf_hash(b"first"), leaf_hash(b"second")];
//! let mut tree = CompactTree::new();
//! tree.extend(leaves);
//! let checkpoint = Checkpoint::new(key.name(), tree.size(), tree.root()).sign(&key)?;
//!
//! let proof = LogProof {
//!     index: 1,
//!     proof: tlog::inclusion_proof(&leaves, 1)?,
//!     checkpoint: checkpoint.to_string(),
//!     extra: None,
//! };
//! assert_eq!(proof.verify(b"second", &key.vkey())?.size, 2);
//! assert!(proof.verify(b"another", &key.vkey()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Left out: ECDSA, RFC 6962 tree-head and ML-DSA-44 signature types (their lines are ignored as those of unknown keys),
//! the trust policy file and the witness call.

pub mod append;
pub mod bundle;
pub mod checkpoint;
pub mod hash;
pub mod key;
mod name;
pub mod note;
pub mod proof;
pub mod signature;
pub mod signing;
pub mod source;
pub mod tile;
pub mod tile_tree;
pub mod tlog_proof;
pub mod tree;

pub use append::{bundles_for_append, tiles_for_append};
pub use bundle::{decode_bundle, encode_entry};
pub use checkpoint::{Checkpoint, CheckpointError, verify_cosignatures};
pub use hash::{EMPTY_ROOT, Hash, HashError, leaf_hash, node_hash};
pub use key::{KeyError, KeyKind, VerifierKey};
pub use note::{Note, NoteError};
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use signature::Signature;
pub use signing::SigningKey;
pub use source::{FolderTiles, TileSource};
pub use tile::{TileError, TileId, TileKind, entries_path, tile_path};
pub use tile_tree::TileTree;
pub use tlog_proof::{LogProof, LogProofError};
pub use tree::{CompactTree, consistency_proof, inclusion_proof, root};
