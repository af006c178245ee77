//! Test data of other implementations, from `../shared`: what they accept we accept, what they refuse we refuse.
#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tlog::{
    Checkpoint, FolderTiles, Hash, ProofError, TileTree, VerifierKey, leaf_hash, verify_consistency, verify_inclusion,
};

mod support;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionCase {
    path: String,
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistencyCase {
    path: String,
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// The hashes, or nothing if one does not have 32 bytes, which our type cannot hold and which must be refused.
fn hashes(texts: &Option<Vec<String>>) -> Option<Vec<Hash>> {
    texts.iter().flatten().map(|text| text.parse().ok()).collect()
}

#[test]
fn inclusion_cases_of_transparency_dev_get_their_answers() {
    let file = "vectors/tlog/third-party/transparency-dev-merkle/inclusion.jsonl";
    let Some(file) = support::shared("inclusion of transparency-dev", file) else {
        return;
    };
    let mut cases = 0;
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let case: InclusionCase = serde_json::from_str(line).unwrap();
        let holds = || {
            let (leaf, root) = (case.leaf_hash.parse().ok()?, case.root.parse().ok()?);
            let proof = hashes(&case.proof)?;
            verify_inclusion(case.leaf_idx, case.tree_size, &leaf, &proof, &root).ok()
        };
        assert_eq!(holds().is_none(), case.want_err, "{}", case.path);
        cases += 1;
    }
    assert_eq!(cases, 98);
}

#[test]
fn consistency_cases_of_transparency_dev_get_their_answers() {
    // This one gives both roots as a 12-byte placeholder and wants it accepted because they are equal. A root has 32 bytes;
    // a type that cannot hold another length refuses it, and rightly.
    const PLACEHOLDER: &str = "sizes-are-equal-one-and-proof-is-empty.json";
    let file = "vectors/tlog/third-party/transparency-dev-merkle/consistency.jsonl";
    let Some(file) = support::shared("consistency of transparency-dev", file) else {
        return;
    };
    let (mut cases, mut placeholders) = (0, 0);
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let case: ConsistencyCase = serde_json::from_str(line).unwrap();
        if case.path.ends_with(PLACEHOLDER) {
            assert_eq!(case.root1, case.root2);
            assert_eq!(STANDARD.decode(&case.root1).unwrap().len(), 12);
            placeholders += 1;
            continue;
        }
        let holds = || {
            let (old, new) = (case.root1.parse().ok()?, case.root2.parse().ok()?);
            verify_consistency(case.size1, case.size2, &hashes(&case.proof)?, &old, &new).ok()
        };
        assert_eq!(holds().is_none(), case.want_err, "{}", case.path);
        cases += 1;
    }
    assert_eq!((cases, placeholders), (97, 1));
}

#[test]
fn tessera_log_opens_at_every_size() {
    const KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    let folder = "vectors/tlog/third-party/transparency-dev-tessera/log";
    let Some(folder) = support::shared("Tessera's log", folder) else {
        return;
    };
    let key = VerifierKey::parse(KEY).unwrap();
    let open = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        Checkpoint::open(&bytes, &key).unwrap().0
    };
    let source = FolderTiles { root: folder.clone() };
    let checkpoints: Vec<_> = (0..16).map(|n| open(&format!("checkpoint.{n}"))).collect();
    assert_eq!(open("checkpoint"), checkpoints[15]);
    for (size, checkpoint) in (0..).zip(&checkpoints) {
        assert_eq!(checkpoint.size, size);
        let tree = TileTree::new(&source, size);
        assert_eq!(tree.root().unwrap(), checkpoint.root);
        tree.check_growth(0).unwrap();
        for index in 0..size {
            let leaf = leaf_hash(&tree.entry(index).unwrap());
            let proof = tree.inclusion_proof(index).unwrap();
            verify_inclusion(index, size, &leaf, &proof, &checkpoint.root).unwrap();
        }
        for older in &checkpoints[1..=size as usize] {
            let proof = tree.consistency_proof(older.size).unwrap();
            verify_consistency(older.size, size, &proof, &older.root, &checkpoint.root).unwrap();
        }
    }
    assert_eq!(TileTree::new(&source, 15).entry(3).unwrap(), b"four");
}

fn json(folder: &Path, name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn field<T: serde::de::DeserializeOwned>(value: &serde_json::Value, pointer: &str) -> T {
    serde_json::from_value(value.pointer(pointer).unwrap().clone()).unwrap()
}

#[test]
fn real_log_of_961_984_011_entries_proves_an_entry_and_its_growth() {
    let folder = "vectors/tlog/third-party/cloudflare-azul";
    let Some(folder) = support::shared("a real log's proofs", folder) else {
        return;
    };
    let head = json(&folder, "get-sth");
    let (size, root): (u64, Hash) = (field(&head, "/tree_size"), field(&head, "/sha256_root_hash"));
    assert_eq!(size, 961_984_011);

    let entry = json(&folder, "get-entries-start-10000-end-10000");
    let leaf = leaf_hash(&STANDARD.decode(field::<String>(&entry, "/entries/0/leaf_input")).unwrap());
    let proof =
        json(&folder, "get-proof-by-hash-tree-size-961984011-hash-nCs3mfIydh9x4CKyQ-2Bu2xtmpxmFggA5MLymHwNQSlLg-3D");
    let path: Vec<Hash> = field(&proof, "/audit_path");
    verify_inclusion(10_000, size, &leaf, &path, &root).unwrap();
    verify_inclusion(10_001, size, &leaf, &path, &root).unwrap_err();

    // The old root is not in the data: what the proof leads to is taken for it, so this shows that the proof ends in the new root.
    let growth = json(&folder, "get-sth-consistency-first-3654490-second-961984011");
    let path: Vec<Hash> = field(&growth, "/consistency");
    let Err(ProofError::RootMismatch { computed, .. }) =
        verify_consistency(3_654_490, size, &path, &Hash([0; 32]), &root)
    else {
        panic!("a root of zeros was believed");
    };
    verify_consistency(3_654_490, size, &path, &computed, &root).unwrap();
    verify_consistency(3_654_491, size, &path, &computed, &root).unwrap_err();
}
