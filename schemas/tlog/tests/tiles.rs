//! Tiles and bundles: their paths, their reading, and what a damaged store is found out by.
#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

use std::collections::HashMap;
use std::io;

use tlog::{
    CompactTree, FolderTiles, Hash, TileError, TileId, TileKind, TileSource, TileTree, bundles_for_append,
    decode_bundle, encode_entry, entries_path, tile_path, tiles_for_append,
};

mod support;

fn grown(steps: &[u64]) -> HashMap<String, Vec<u8>> {
    let mut files = HashMap::new();
    let mut old = 0;
    for size in steps {
        let tiles = tiles_for_append(old, &support::leaves(*size)[old as usize..], &files).unwrap();
        let entries = &support::entries(*size)[old as usize..];
        let bundles = bundles_for_append(old, entries, &files).unwrap();
        files.extend(tiles.into_iter().chain(bundles));
        old = *size;
    }
    files
}

#[test]
fn paths_are_those_of_the_specification() {
    assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(tile_path(63, 0, 1), "tile/63/000.p/1");
    assert_eq!(entries_path(273, 112), "tile/entries/273.p/112");
    let id: TileId = "tile/entries/x001/000.p/255".parse().unwrap();
    assert_eq!((id.kind, id.index, id.width), (TileKind::Entries, 1000, 255));
    for index in [0, 999, 1000, 999_999, 1_000_000, u64::MAX] {
        let id = TileId { kind: TileKind::Hashes(7), index, width: 256 };
        assert_eq!(id.to_string().parse::<TileId>().unwrap(), id);
    }
    for bad in [
        "",
        "checkpoint",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/x234",
        "tile/0/001/234",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/entries/x0a1/000",
        "tile/data/000",
    ] {
        assert!(bad.parse::<TileId>().is_err(), "{bad}");
    }
}

#[test]
fn tree_of_70_000_leaves_has_the_tiles_of_the_specification() {
    let leaves: Vec<Hash> = (0..70_000u32).map(|i| tlog::leaf_hash(&i.to_be_bytes())).collect();
    let tiles = tiles_for_append(0, &leaves, &HashMap::new()).unwrap();
    let paths: Vec<&str> = tiles.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths.len(), 273 + 1 + 1 + 1 + 1);
    assert_eq!(paths[272..], ["tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
    let files: HashMap<String, Vec<u8>> = tiles.into_iter().collect();
    let tree = TileTree::new(&files, 70_000);
    assert_eq!(tree.root().unwrap(), tlog::root(&leaves));
    let proof = tree.inclusion_proof(65_535).unwrap();
    tlog::verify_inclusion(65_535, 70_000, &leaves[65_535], &proof, &tlog::root(&leaves)).unwrap();
}

#[test]
fn full_first_tile_brings_a_level_above_it() {
    let tiles = tiles_for_append(0, &support::leaves(256), &HashMap::new()).unwrap();
    let paths: Vec<&str> = tiles.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1"]);
}

#[test]
fn growth_in_steps_ends_in_the_same_tree_as_growth_at_once() {
    let at_once = grown(&[600]);
    for steps in [&[1, 2, 255, 256, 257, 600][..], &[300, 600], &[512, 513, 600], &[599, 600]] {
        let files = grown(steps);
        for (path, bytes) in &at_once {
            assert_eq!(files.get(path), Some(bytes), "{path} after {steps:?}");
        }
        for size in steps {
            let tree = TileTree::new(&files, *size);
            assert_eq!(tree.root().unwrap(), tlog::root(&support::leaves(*size)));
            tree.check_growth(size / 2).unwrap();
        }
    }
    assert!(tiles_for_append(600, &[], &at_once).unwrap().is_empty());
    assert!(bundles_for_append(600, &[], &at_once).unwrap().is_empty());
}

#[test]
fn compact_tree_goes_on_from_the_tiles() {
    let files = grown(&[300]);
    let mut compact = TileTree::new(&files, 300).compact().unwrap();
    compact.extend(support::leaves(600)[300..].iter().copied());
    assert_eq!((compact.size(), compact.root()), (600, tlog::root(&support::leaves(600))));
    let kept = CompactTree::from_right_edge(600, compact.right_edge().to_vec()).unwrap();
    assert_eq!(kept, compact);
}

#[test]
fn deleted_partial_tile_is_cut_from_the_full_one() {
    let folder = tempfile::tempdir().unwrap();
    let files = grown(&[200, 600]);
    for (path, bytes) in &files {
        if !path.contains("000.p/200") {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
    let source = FolderTiles { root: folder.path().to_owned() };
    assert!(!folder.path().join("tile/0/000.p/200").exists());
    for path in ["tile/0/000.p/200", "tile/entries/000.p/200"] {
        assert_eq!(source.read(path).unwrap(), files[path], "{path}");
    }
    let tree = TileTree::new(&source, 200);
    assert_eq!(tree.root().unwrap(), tlog::root(&support::leaves(200)));
    tree.check_growth(0).unwrap();
}

#[test]
fn folder_gives_nothing_but_tiles_and_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "s").unwrap();
    std::fs::write(folder.path().join("checkpoint"), "c").unwrap();
    std::fs::create_dir_all(folder.path().join("log/tile/0")).unwrap();
    std::fs::write(folder.path().join("log/tile/0/000"), vec![0; 8193]).unwrap();
    let source = FolderTiles { root: folder.path().to_owned() };
    assert_eq!(source.read("checkpoint").unwrap(), b"c");
    for path in ["secret", "../secret", "tile/../secret", "/etc/hostname"] {
        assert_eq!(source.read(path).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{path}");
    }
    assert_eq!(source.read("tile/0/000").unwrap_err().kind(), io::ErrorKind::NotFound);
    let source = FolderTiles { root: folder.path().join("log") };
    assert_eq!(source.read("tile/0/000").unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn tile_of_a_wrong_length_is_refused() {
    let mut files = grown(&[300]);
    files.get_mut("tile/0/001.p/44").unwrap().pop();
    let refused = TileTree::new(&files, 300).root().unwrap_err();
    assert_eq!(refused.to_string(), "`tile/0/001.p/44` has 1407 bytes, the tree's size asks for 1408");
    assert!(matches!(tiles_for_append(300, &support::leaves(1), &files), Err(TileError::Length { .. })));
    files.remove("tile/1/000.p/1");
    let refused = TileTree::new(&files, 300).root().unwrap_err();
    assert!(matches!(refused, TileError::Read { path, .. } if path == "tile/1/000.p/1"));
}

#[test]
fn one_flipped_bit_anywhere_is_found_before_signing() {
    let good = grown(&[200, 600]);
    let wanted = tlog::root(&support::leaves(600));
    for (path, bytes) in &good {
        if path.ends_with(".p/200") {
            continue;
        }
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut files = good.clone();
            files.get_mut(path).unwrap()[at] ^= 0x10;
            let tree = TileTree::new(&files, 600);
            let found = tree.check_growth(0).is_err() || tree.root().unwrap() != wanted;
            assert!(found, "{path} byte {at}");
        }
    }
    let mut files = good;
    files.get_mut("tile/entries/002.p/88").unwrap()[2] ^= 1;
    let refused = TileTree::new(&files, 600).check_growth(599).unwrap_err();
    assert!(matches!(refused, TileError::Disagree { path, entry: 0 } if path == "tile/0/002.p/88"));
}

#[test]
fn bundles_are_bounded_and_must_add_up() {
    assert_eq!(decode_bundle(&[]).unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(decode_bundle(&[0; 512]).unwrap().len(), 256);
    for (bad, at) in [(&[0u8; 514][..], 512), (&[0, 1], 0), (&[0, 0, 0], 2), (&[0, 1, 7, 0, 2, 7], 3)] {
        let refused = decode_bundle(bad).unwrap_err();
        assert!(matches!(refused, TileError::Bundle { at: found, .. } if found == at), "{refused}");
    }
    assert_eq!(encode_entry(&[7; 65_535]).unwrap().len(), 65_537);
    assert!(matches!(encode_entry(&[7; 65_536]), Err(TileError::EntryTooLong { bytes: 65_536 })));
    let files = HashMap::from([("tile/entries/000.p/2".to_owned(), vec![0, 0])]);
    assert!(matches!(bundles_for_append(2, &[vec![]], &files), Err(TileError::Entries { found: 1, expected: 2, .. })));
}

#[test]
fn leaves_beyond_the_size_have_no_answer() {
    let files = grown(&[300]);
    let tree = TileTree::new(&files, 300);
    assert!(matches!(tree.leaf_hash(300), Err(TileError::Proof(_))));
    assert!(matches!(tree.entry(300), Err(TileError::Proof(_))));
    assert!(matches!(tree.entries(2), Err(TileError::Proof(_))));
    assert!(matches!(tree.inclusion_proof(300), Err(TileError::Proof(_))));
    assert!(matches!(tree.consistency_proof(301), Err(TileError::Proof(_))));
    assert!(tree.consistency_proof(0).unwrap().is_empty());
    let huge = TileTree::new(&files, u64::MAX);
    assert!(huge.root().is_err() && huge.inclusion_proof(u64::MAX - 1).is_err());
    assert!(tiles_for_append(u64::MAX, &support::leaves(1), &files).is_err());
}
