//! The own vectors, computed by other code than this crate's: roots, proofs, keys, notes, tiles and one proof file.
#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use sha2::Digest as _;
use tlog::{
    Checkpoint, CompactTree, EMPTY_ROOT, Hash, LogProof, Note, SigningKey, TileSource as _, TileTree, VerifierKey,
    bundles_for_append, decode_bundle, encode_entry, leaf_hash, tiles_for_append, verify_consistency,
    verify_cosignatures, verify_inclusion,
};

mod support;

#[derive(Deserialize)]
struct Vectors {
    empty_root: Hash,
    leaf_hash_of_empty_entry: Hash,
    leaf_hashes: Vec<Hash>,
    roots: BTreeMap<String, Hash>,
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
    keys: BTreeMap<String, Key>,
    checkpoint: String,
    cosigned_message: String,
    tlog_proof: String,
    tiles: BTreeMap<String, Stored>,
    entry_bundles: BTreeMap<String, Stored>,
    bundle_first_3_hex: String,
}

#[derive(Deserialize)]
struct Inclusion {
    index: u64,
    size: u64,
    proof: Vec<Hash>,
}

#[derive(Deserialize)]
struct Consistency {
    old: u64,
    new: u64,
    proof: Vec<Hash>,
}

#[derive(Deserialize)]
struct Key {
    seed_hex: String,
    vkey: String,
}

#[derive(Deserialize)]
struct Stored {
    len: usize,
    sha256: String,
}

/// The copy in this crate, and the whole file when `../shared` is there.
fn each(test: &str, check: impl Fn(&Vectors)) {
    let copy = include_str!("../vectors/own-vectors.json");
    check(&serde_json::from_str(copy).unwrap());
    if let Some(path) = support::shared(test, "vectors/tlog/own-vectors.json") {
        let whole = std::fs::read_to_string(path).unwrap();
        check(&serde_json::from_str(&whole).unwrap());
    }
}

fn signing_key(vectors: &Vectors, which: &str, name: &str) -> SigningKey {
    let seed = hex::decode(&vectors.keys[which].seed_hex).unwrap();
    SigningKey::from_seed(name, &seed.try_into().unwrap()).unwrap()
}

fn stored_tree(size: u64) -> HashMap<String, Vec<u8>> {
    let mut files = HashMap::new();
    files.extend(tiles_for_append(0, &support::leaves(size), &HashMap::new()).unwrap());
    files.extend(bundles_for_append(0, &support::entries(size), &HashMap::new()).unwrap());
    files
}

#[test]
fn leaf_hashes_and_roots_are_those_of_the_vectors() {
    each("own roots", |vectors| {
        assert_eq!(vectors.empty_root, EMPTY_ROOT);
        assert_eq!(vectors.leaf_hash_of_empty_entry, leaf_hash(b""));
        let leaves = support::leaves(600);
        assert_eq!(vectors.leaf_hashes, leaves[..vectors.leaf_hashes.len()]);
        for (size, root) in &vectors.roots {
            let leaves = &leaves[..size.parse().unwrap()];
            let mut compact = CompactTree::new();
            compact.extend(leaves.iter().copied());
            assert_eq!(tlog::root(leaves), *root, "root {size}");
            assert_eq!(compact.root(), *root, "compact root {size}");
        }
        assert!(vectors.roots.len() >= 17);
    });
}

#[test]
fn proofs_are_made_and_verified_as_in_the_vectors() {
    each("own proofs", |vectors| {
        let files = stored_tree(600);
        let leaves = support::leaves(600);
        for Inclusion { index, size, proof } in &vectors.inclusion {
            let some = &leaves[..*size as usize];
            assert_eq!(tlog::inclusion_proof(some, *index).unwrap(), *proof);
            assert_eq!(TileTree::new(&files_of(*size), *size).inclusion_proof(*index).unwrap(), *proof);
            let leaf = &leaves[*index as usize];
            verify_inclusion(*index, *size, leaf, proof, &tlog::root(some)).unwrap();
        }
        for Consistency { old, new, proof } in &vectors.consistency {
            let (before, after) = (&leaves[..*old as usize], &leaves[..*new as usize]);
            assert_eq!(tlog::consistency_proof(after, *old).unwrap(), *proof);
            let (before, after) = (tlog::root(before), tlog::root(after));
            verify_consistency(*old, *new, proof, &before, &after).unwrap();
            if *new == 600 {
                assert_eq!(TileTree::new(&files, 600).consistency_proof(*old).unwrap(), *proof);
            }
        }
        assert!(vectors.inclusion.len() > 40 && vectors.consistency.len() > 40);
    });
}

fn files_of(size: u64) -> HashMap<String, Vec<u8>> {
    tiles_for_append(0, &support::leaves(size), &HashMap::new()).unwrap().into_iter().collect()
}

#[test]
fn keys_give_the_texts_of_the_vectors() {
    each("own keys", |vectors| {
        let log = signing_key(vectors, "log", "registry.example/log");
        assert_eq!(log.vkey().to_string(), vectors.keys["log"].vkey);
        let witness = signing_key(vectors, "w1", "witness.example/w1");
        assert_eq!(witness.cosigner_vkey().to_string(), vectors.keys["w1"].vkey);
        assert_eq!(witness.cosigner_vkey().id_text(), "witness.example/w1+21ff8308");
    });
}

#[test]
fn checkpoint_is_signed_and_cosigned_to_the_same_bytes() {
    each("own checkpoint", |vectors| {
        let log = signing_key(vectors, "log", "registry.example/log");
        let witness = signing_key(vectors, "w1", "witness.example/w1");
        let checkpoint = Checkpoint::new("registry.example/log", 600, vectors.roots["600"]);
        let mut note = Note::sign(&checkpoint.to_string(), &[&log]).unwrap();
        note.signatures.push(witness.cosign(&note.text, 1_770_000_000));
        assert_eq!(note.to_string(), vectors.checkpoint);
        assert_eq!(vectors.cosigned_message, format!("cosignature/v1\ntime 1770000000\n{}", note.text));

        let log_key = VerifierKey::parse(&vectors.keys["log"].vkey).unwrap();
        let witness_key = VerifierKey::parse(&vectors.keys["w1"].vkey).unwrap();
        let (opened, note) = Checkpoint::open(vectors.checkpoint.as_bytes(), &log_key).unwrap();
        assert_eq!(opened, checkpoint);
        let cosigned = verify_cosignatures(&note, &[log_key.clone(), witness_key.clone()]);
        assert_eq!(cosigned, [(witness_key.clone(), 1_770_000_000)]);
        let known = [witness_key.clone(), log_key.clone()];
        assert_eq!(note.verify(&known).unwrap(), [log_key, witness_key]);
    });
}

#[test]
fn tiles_and_bundles_have_the_bytes_of_the_vectors() {
    each("own tiles", |vectors| {
        let files = stored_tree(600);
        let wanted = vectors.tiles.iter().chain(&vectors.entry_bundles);
        for (path, stored) in wanted.clone() {
            let bytes = files.get(path).unwrap_or_else(|| panic!("{path} was not written"));
            assert_eq!(bytes.len(), stored.len, "{path}");
            assert_eq!(hex::encode(sha2::Sha256::digest(bytes)), stored.sha256, "{path}");
        }
        assert_eq!(files.len(), wanted.count(), "nothing else is written");

        let tree = TileTree::new(&files, 600);
        assert_eq!(tree.root().unwrap(), vectors.roots["600"]);
        assert_eq!(tree.compact().unwrap().root(), vectors.roots["600"]);
        assert_eq!(tree.entry(599).unwrap(), b"leaf/599");
        tree.check_growth(0).unwrap();

        let first: Vec<u8> = support::entries(3).iter().flat_map(|entry| encode_entry(entry).unwrap()).collect();
        assert_eq!(hex::encode(&first), vectors.bundle_first_3_hex);
        assert_eq!(decode_bundle(&first).unwrap(), support::entries(3));
        assert_eq!(files.read("tile/entries/000.p/3").unwrap(), first);
    });
}

#[test]
fn proof_file_proves_its_leaf_and_no_other() {
    each("own proof file", |vectors| {
        let log = VerifierKey::parse(&vectors.keys["log"].vkey).unwrap();
        let proof = LogProof::parse(vectors.tlog_proof.as_bytes()).unwrap();
        assert_eq!(proof.to_string(), vectors.tlog_proof);
        assert_eq!((proof.index, proof.extra.clone()), (300, None));
        assert_eq!(proof.proof, TileTree::new(&stored_tree(600), 600).inclusion_proof(300).unwrap());
        assert_eq!(proof.verify(b"leaf/300", &log).unwrap().size, 600);
        proof.verify(b"leaf/301", &log).unwrap_err();
        let moved = LogProof { index: 301, ..proof.clone() };
        moved.verify(b"leaf/300", &log).unwrap_err();
        let witness = VerifierKey::parse(&vectors.keys["w1"].vkey).unwrap();
        proof.verify(b"leaf/300", &witness).unwrap_err();
    });
}
