//! Is there a bit in a data folder that can be changed without anybody noticing?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use verify::{FolderOptions, Outcome, check_folder};
use world::{Plan, World, put};

/// Every bit position of every byte is too many to run each time; one bit of every byte is not.
#[test]
fn a_flipped_bit_anywhere_is_named_or_means_nothing() {
    let mut world = World::new(false);
    let digest = world.segment(&Plan { with_refusal: true, ..Plan::default() });
    world.refuse(digest, &[9]);
    world.erase(digest, &[7]);
    let files = world.files();
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    let check = || {
        let options = FolderOptions { threads: 1, ..FolderOptions::default() };
        check_folder(dir.path(), &world.root, &options)
    };
    let whole = check();
    assert_eq!(whole.verdict.outcome, Outcome::Valid, "{whole}");
    let (mut flips, mut harmless, mut wrong) = (0, 0, Vec::new());
    for (name, bytes) in &files {
        for place in 0..bytes.len() {
            flips += 1;
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            put(dir.path(), name, &flipped);
            let report = check();
            if report.verdict.outcome == Outcome::Valid {
                harmless += 1;
                // Only how a segment is packed may change: what it says must be the same.
                let same = name.starts_with("segments/") && said(&flipped) == said(bytes);
                if !same || report != whole {
                    wrong.push((name.clone(), place));
                }
            }
        }
        put(dir.path(), name, bytes);
    }
    println!("{flips} flips, {harmless} without effect, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(harmless < 200, "{harmless} flips changed nothing");
}

/// A segment's uncompressed bytes.
fn said(file: &[u8]) -> Option<Vec<u8>> {
    warc::Reader::strict(file)
        .any_encoder()
        .map(|entry| entry.map(|entry| entry.raw))
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .map(|all| all.concat())
}
