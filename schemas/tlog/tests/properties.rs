//! What holds for every tree, note and text: proofs hold and no changed one does, written is read, bytes never panic.
#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use tlog::{
    Checkpoint, CompactTree, Hash, LogProof, Note, Signature, SigningKey, TileId, TileTree, VerifierKey,
    bundles_for_append, decode_bundle, encode_entry, tiles_for_append, verify_consistency, verify_cosignatures,
    verify_inclusion,
};

mod support;

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &tlog::leaf_hash(name.as_bytes()).0).unwrap()
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut changed = *hash;
    changed.0[bit / 8 % 32] ^= 1 << (bit % 8);
    changed
}

/// Every way to take one hash out, double one, or flip one bit.
fn spoilt(proof: &[Hash], bit: usize) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[Hash([7; 32])]].concat(), [&[Hash([7; 32])], proof].concat()];
    for at in 0..proof.len() {
        let mut less = proof.to_vec();
        less.remove(at);
        let mut changed = proof.to_vec();
        changed[at] = flipped(&changed[at], bit);
        all.extend([less, changed]);
    }
    all
}

/// Lines of a note's text: any characters a note may hold.
fn text() -> impl Strategy<Value = String> {
    vec("[^\\x00-\\x1f]{0,20}", 1..8).prop_map(|lines| lines.join("\n") + "\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn inclusion_proof_holds_and_no_changed_one_does(size in 1u64..700, at in any::<u64>(), bit in 0usize..256) {
        let leaves = support::leaves(size);
        let (index, root) = (at % size, tlog::root(&leaves));
        let leaf = leaves[index as usize];
        let proof = tlog::inclusion_proof(&leaves, index).unwrap();
        prop_assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()));
        for bad in spoilt(&proof, bit) {
            prop_assert!(verify_inclusion(index, size, &leaf, &bad, &root).is_err());
        }
        prop_assert!(verify_inclusion(index, size, &flipped(&leaf, bit), &proof, &root).is_err());
        prop_assert!(verify_inclusion(index, size, &leaf, &proof, &flipped(&root, bit)).is_err());
        let other = at / size % (size + 2);
        if other != index {
            prop_assert!(verify_inclusion(other, size, &leaf, &proof, &root).is_err());
        }
    }

    #[test]
    fn consistency_proof_holds_and_no_changed_one_does(new in 1u64..700, at in any::<u64>(), bit in 0usize..256) {
        let leaves = support::leaves(new);
        let old = at % new + 1;
        let (before, after) = (tlog::root(&leaves[..old as usize]), tlog::root(&leaves));
        let proof = tlog::consistency_proof(&leaves, old).unwrap();
        prop_assert_eq!(verify_consistency(old, new, &proof, &before, &after), Ok(()));
        for bad in spoilt(&proof, bit) {
            prop_assert!(verify_consistency(old, new, &bad, &before, &after).is_err());
        }
        prop_assert!(verify_consistency(old, new, &proof, &flipped(&before, bit), &after).is_err());
        prop_assert!(verify_consistency(old, new, &proof, &before, &flipped(&after, bit)).is_err());
        if old != new {
            prop_assert!(verify_consistency(old, new, &proof, &after, &before).is_err());
            prop_assert!(verify_consistency(new, old, &proof, &before, &after).is_err());
        }
    }

    #[test]
    fn leaves_compact_tree_and_tiles_agree(old in 0u64..600, more in 0u64..300) {
        let (size, leaves) = (old + more, support::leaves(old + more));
        let (first, rest) = leaves.split_at(old as usize);
        let mut files: HashMap<String, Vec<u8>> = HashMap::new();
        files.extend(tiles_for_append(0, first, &files).unwrap());
        files.extend(tiles_for_append(old, rest, &files).unwrap());
        let mut compact = CompactTree::new();
        compact.extend(leaves.iter().copied());
        let tree = TileTree::new(&files, size);
        prop_assert_eq!(tree.root().unwrap(), tlog::root(&leaves));
        prop_assert_eq!(compact.root(), tlog::root(&leaves));
        prop_assert_eq!(tree.compact().unwrap(), compact);
        prop_assert_eq!(tree.consistency_proof(old).unwrap(), tlog::consistency_proof(&leaves, old).unwrap());
        if size > 0 {
            let index = old.min(size - 1);
            prop_assert_eq!(tree.leaf_hash(index).unwrap(), leaves[index as usize]);
            prop_assert_eq!(tree.inclusion_proof(index).unwrap(), tlog::inclusion_proof(&leaves, index).unwrap());
        }
    }

    #[test]
    fn note_comes_back_and_no_other_text_has_its_signatures(text in text(), other in text(), bit in 0usize..512) {
        let (a, b) = (key("a.example"), key("b.example"));
        let note = Note::sign(&text, &[&a, &b]).unwrap();
        let back = Note::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&back, &note);
        prop_assert_eq!(back.verify(&[a.vkey(), b.vkey()]).unwrap().len(), 2);
        if other != text {
            let moved = Note { text: other, ..note.clone() };
            prop_assert!(moved.verify(&[a.vkey()]).is_err());
        }
        let mut changed = note;
        changed.signatures[0].bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(changed.verify(&[a.vkey(), b.vkey()]).is_err());
    }

    #[test]
    fn checkpoint_and_proof_file_come_back(
        size in any::<u64>(), root in any::<[u8; 32]>(), extensions in vec("[^\\x00-\\x1f]{1,20}", 0..3),
        proof in vec(any::<[u8; 32]>(), 0..64), extra in proptest::option::of(vec(any::<u8>(), 0..50)),
    ) {
        let size = size.max(1);
        let checkpoint = Checkpoint { extensions, ..Checkpoint::new("log.example", size, Hash(root)) };
        prop_assert_eq!(&Checkpoint::parse(&checkpoint.to_string()).unwrap(), &checkpoint);
        let log = key("log.example");
        let note = Note::sign(&checkpoint.to_string(), &[&log]).unwrap().to_string();
        prop_assert_eq!(Checkpoint::open(note.as_bytes(), &log.vkey()).unwrap().0, checkpoint);
        let file = LogProof { index: size - 1, proof: proof.into_iter().map(Hash).collect(), checkpoint: note, extra };
        prop_assert_eq!(LogProof::parse(file.to_string().as_bytes()).unwrap(), file);
    }

    #[test]
    fn bundle_and_keys_and_hashes_come_back(entries in vec(vec(any::<u8>(), 0..300), 0..256), seed in any::<[u8; 32]>(), index in any::<u64>()) {
        let bundle: Vec<u8> = entries.iter().flat_map(|entry| encode_entry(entry).unwrap()).collect();
        prop_assert_eq!(&decode_bundle(&bundle).unwrap(), &entries);
        let written = bundles_for_append(0, &entries, &HashMap::new()).unwrap();
        prop_assert_eq!(written.into_iter().map(|(_, bytes)| bytes).next().unwrap_or_default(), bundle);

        let key = SigningKey::from_seed("a.example", &seed).unwrap();
        prop_assert_eq!(SigningKey::parse(&key.private_text()).unwrap().vkey(), key.vkey());
        for vkey in [key.vkey(), key.cosigner_vkey()] {
            prop_assert_eq!(VerifierKey::parse(&vkey.to_string()).unwrap(), vkey);
        }
        let signature = key.cosign("x\n", index);
        prop_assert_eq!(signature.to_string().parse::<Signature>().unwrap(), signature);

        let hash = Hash(seed);
        prop_assert_eq!(hash.to_string().parse::<Hash>().unwrap(), hash);
        prop_assert_eq!(Hash::from_hex(&hash.to_hex()).unwrap(), hash);
        let json = serde_json::to_string(&hash).unwrap();
        prop_assert_eq!(json.len(), 46);
        prop_assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), hash);

        let path = tlog::tile_path((index % 64) as u8, index, (index % 256 + 1) as u16);
        prop_assert_eq!(path.parse::<TileId>().unwrap().to_string(), path);
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        answer(&bytes);
    }

    #[test]
    fn nearly_right_bytes_are_answered_without_a_panic(at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), put in vec(any::<u8>(), 0..4)) {
        let log = key("log.example");
        let checkpoint = Checkpoint::new("log.example", 1, tlog::leaf_hash(b"x"));
        let mut note = Note::sign(&checkpoint.to_string(), &[&log]).unwrap();
        note.signatures.push(log.cosign(&note.text, 7));
        let note = note.to_string();
        let proof = LogProof { index: 0, proof: vec![Hash(log.vkey().public_bytes())], checkpoint: note.clone(), extra: Some(vec![1]) };
        for whole in [note.clone(), proof.to_string(), log.vkey().to_string(), log.private_text().to_string(), "tile/0/x001/002.p/7".into()] {
            let mut bytes = whole.into_bytes();
            let from = at.index(bytes.len());
            let to = (from + cut.index(4)).min(bytes.len());
            bytes.splice(from..to, put.iter().copied());
            answer(&bytes);
        }
    }

    #[test]
    fn any_numbers_and_hashes_are_answered_without_a_panic(a in any::<u64>(), b in any::<u64>(), proof in vec(any::<[u8; 32]>(), 0..70)) {
        let proof: Vec<Hash> = proof.into_iter().map(Hash).collect();
        let (one, two) = (Hash([1; 32]), Hash([2; 32]));
        prop_assert!(verify_inclusion(a, b, &one, &proof, &two).is_err());
        prop_assert!(verify_consistency(a, b, &proof, &one, &two).is_err());
        prop_assert!(verify_consistency(b, a, &proof, &one, &two).is_err());
        let empty = HashMap::new();
        let tree = TileTree::new(&empty, a.max(1));
        prop_assert!(tree.root().is_err() && tree.leaf_hash(b).is_err() && tree.check_growth(0).is_err());
        let _ = (tree.inclusion_proof(b), tree.consistency_proof(b), tree.compact(), tree.entry(b), tree.entries(b), tree.check_growth(b));
        let _ = tiles_for_append(a, &proof, &empty);
        let _ = CompactTree::from_right_edge(a, proof);
    }
}

/// Shows the bytes to every parser; what one of them accepts must be written again as it was read.
fn answer(bytes: &[u8]) {
    let known = [key("log.example").vkey(), key("log.example").cosigner_vkey()];
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let _ = note.verify(&known);
        let _ = verify_cosignatures(&note, &known);
    }
    let _ = Checkpoint::open(bytes, &known[0]);
    if let Ok(proof) = LogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
        let _ = proof.verify(b"leaf", &known[0]);
    }
    if let Ok(entries) = decode_bundle(bytes) {
        let again: Vec<u8> = entries.iter().flat_map(|entry| encode_entry(entry).unwrap()).collect();
        assert_eq!(again, bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(checkpoint) = Checkpoint::parse(&text) {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(id) = text.parse::<TileId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(key) = VerifierKey::parse(&text) {
        assert_eq!(key.to_string(), text);
    }
    let _ = (
        text.parse::<Signature>().is_ok(),
        SigningKey::parse(&text).is_ok(),
        text.parse::<Hash>().is_ok(),
        Hash::from_hex(&text).is_ok(),
    );
}
