//! Is every way to change a data folder named?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::{collections::BTreeMap, fs, path::Path};

use schemas::{
    Digest,
    gate::DecisionCode,
    leaf::{Act, Leaf, RefusalCode},
    manifest::CheckpointRef,
};
use verify::{FolderOptions, Outcome, Report, check_folder};
use world::{Plan, World, minute, put, segment_path, tiles};

fn check(world: &World, dir: &Path) -> Report {
    check_folder(dir, &world.root, &FolderOptions { threads: 1, ..FolderOptions::default() })
}

/// Writes the world, lets a test change the folder, and checks it.
fn checked(world: &World, change: impl FnOnce(&Path)) -> Report {
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    change(dir.path());
    check(world, dir.path())
}

#[track_caller]
fn named(report: &Report, outcome: Outcome, code: &str) {
    assert_eq!(report.verdict.outcome, outcome, "{report}");
    assert!(report.verdict.findings.iter().any(|found| found.code == code), "no `{code}` in:\n{report}");
}

fn says(report: &Report, words: &str) -> bool {
    report.verdict.findings.iter().any(|found| found.what.contains(words))
}

/// Two agents, four segments, a refusal by the gate, a refused unit, an erased record and an erased answer.
fn full() -> (World, [Digest; 4]) {
    let mut world = World::new(false);
    world.enrol("agent-2", "2026-11-01T09:30Z");
    let texts = vec!["First".to_owned(), "Second".to_owned(), "Third".to_owned()];
    let first = world.segment(&Plan { texts: texts.clone(), with_refusal: true, ..Plan::default() });
    let second = world.segment(&Plan::default());
    let third = world.segment(&Plan { agent: "agent-2", texts: texts.clone(), ..Plan::default() });
    world.refuse(third, &[8]);
    let fourth = world.segment(&Plan { agent: "agent-2", ..Plan::default() });
    world.erase(first, &[8, 9]);
    world.erase(second, &[4]);
    (world, [first, second, third, fourth])
}

#[test]
fn a_whole_folder_is_valid_and_counted() {
    let (world, _) = full();
    let report = checked(&world, |_| {});
    assert_eq!(report.verdict.outcome, Outcome::Valid, "{report}");
    assert_eq!(report.verdict.exit_code(), 0);
    assert!(report.verdict.findings.is_empty(), "{report}");
    assert_eq!((report.totals.segments, report.totals.erased, report.totals.refused), (4, 3, 1));
    assert_eq!((report.totals.captures, report.totals.records), (5, 1 + 1 + 2 + 1));
    let many = check_folder(tempfile::tempdir().unwrap().path(), &world.root, &FolderOptions::default());
    named(&many, Outcome::Incomplete, "missing-checkpoint");
}

#[test]
fn several_threads_find_the_same() {
    let (world, [first, ..]) = full();
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    fs::remove_file(dir.path().join(segment_path(first))).unwrap();
    let one = check(&world, dir.path());
    let four = check_folder(dir.path(), &world.root, &FolderOptions { threads: 4, ..FolderOptions::default() });
    assert_eq!(one, four);
    named(&one, Outcome::Incomplete, "missing-segment");
}

#[test]
fn a_trial_says_so_and_a_broken_trial_is_broken() {
    let mut world = World::new(true);
    let digest = world.segment(&Plan::default());
    let report = checked(&world, |_| {});
    assert_eq!(
        (report.verdict.outcome, report.verdict.trial, report.verdict.exit_code()),
        (Outcome::Valid, true, 7),
        "{report}"
    );
    assert!(report.to_string().contains("TRIAL"));
    let report = checked(&world, |dir| fs::remove_file(dir.join(segment_path(digest))).unwrap());
    assert_eq!(report.verdict.exit_code(), 3);
}

#[test]
fn another_trust_root_is_refused() {
    let (world, _) = full();
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    let mut other = world.root.clone();
    other.people.pop();
    named(&check_folder(dir.path(), &other, &FolderOptions::default()), Outcome::Invalid, "root");
    let mut other = world.root.clone();
    other.log_key = World::bare(true).root.log_key;
    other.origin = World::bare(true).root.origin;
    named(&check_folder(dir.path(), &other, &FolderOptions::default()), Outcome::Invalid, "checkpoint");
}

#[test]
fn a_leaf_removed_and_tiles_rebuilt_without_the_key_is_named() {
    let (world, _) = full();
    let report = checked(&world, |dir| {
        fs::remove_dir_all(dir.join("log/tile")).unwrap();
        let mut leaves = world.leaves.clone();
        leaves.remove(6);
        leaves.push(leaves[5].clone());
        tiles(&leaves).iter().for_each(|(name, bytes)| put(dir, &format!("log/{name}"), bytes));
    });
    named(&report, Outcome::Invalid, "tree");
    let report = checked(&world, |dir| {
        fs::remove_dir_all(dir.join("log/tile")).unwrap();
        tiles(&world.leaves[..7]).iter().for_each(|(name, bytes)| put(dir, &format!("log/{name}"), bytes));
    });
    named(&report, Outcome::Incomplete, "missing-entries");
}

#[test]
fn a_changed_leaf_is_named_by_its_number() {
    let (world, _) = full();
    let mut other = world.clone();
    let text = String::from_utf8(other.leaves[6].clone()).unwrap().replace("\"seq\":", "\"seq\":1");
    other.leaves[6] = text.into_bytes();
    let report = checked(&world, |dir| {
        for (name, bytes) in tiles(&other.leaves).iter().filter(|(name, _)| name.contains("entries")) {
            put(dir, &format!("log/{name}"), bytes);
        }
    });
    named(&report, Outcome::Invalid, "entry");
    assert!(report.to_string().contains("leaf 6"), "{report}");
}

#[test]
fn every_file_dropped_is_named() {
    let (world, _) = full();
    for (name, _) in world.files() {
        let report = checked(&world, |dir| fs::remove_file(dir.join(&name)).unwrap());
        assert!(report.verdict.outcome >= Outcome::Incomplete, "{name}: {report}");
    }
}

#[test]
fn a_segment_replaced_by_another_valid_one_is_named() {
    let (world, [first, second, ..]) = full();
    let report = checked(&world, |dir| put(dir, &segment_path(first), &world.segments[&second]));
    named(&report, Outcome::Invalid, "segment");
}

#[test]
fn a_manifest_signed_by_another_key_is_named() {
    let mut world = World::new(false);
    world.segment(&Plan { signer: Some("agent-2"), ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Invalid, "signature");
}

#[test]
fn agents_that_are_unknown_or_revoked_are_named() {
    let mut world = World::new(false);
    world.segment(&Plan { agent: "stranger", ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Invalid, "agent");
    let mut world = World::new(false);
    world.segment(&Plan::default());
    world.revoke("agent-1", "2026-11-22T09:00Z");
    assert_eq!(checked(&world, |_| {}).verdict.outcome, Outcome::Valid, "what was logged before stays valid");
    world.segment(&Plan::default());
    named(&checked(&world, |_| {}), Outcome::Invalid, "agent");
}

#[test]
fn forks_and_gaps_of_an_agent_are_named() {
    let two = || {
        let mut world = World::new(false);
        let first = world.segment(&Plan::default());
        (world, first)
    };
    let (mut world, _) = two();
    world.segment(&Plan { seq: Some(1), prev: Some(None), texts: vec!["Other".into()], ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Invalid, "fork");
    let (mut world, _) = two();
    world.segment(&Plan { prev: Some(Some(Digest::of(b"elsewhere"))), ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Invalid, "fork");
    let (mut world, _) = two();
    world.segment(&Plan { seq: Some(4), ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Incomplete, "gap");
    // A segment refused whole leaves a hole that its refusal explains.
    let (mut world, _) = two();
    let (refused, _, _) = world.write_segment(&Plan::default());
    let act = Act::Refusal {
        v: 1,
        manifest: refused,
        units: vec![],
        code: RefusalCode::Broken,
        time: minute("2026-11-21T10:06Z"),
    };
    world.leaf(&Leaf::Act(act));
    world.segment(&Plan::default());
    let report = checked(&world, |_| {});
    assert_eq!((report.verdict.outcome, report.totals.refused_segments), (Outcome::Valid, 1), "{report}");
}

/// A segment refused whole leaves a leaf without agent and number: of two in a row only the second is linked, by its successor.
#[test]
fn segments_refused_in_a_row_are_told_with_their_leaves_and_what_is_missing_stays_a_gap() {
    let refuse = |world: &mut World, code| {
        let (manifest, _, _) = world.write_segment(&Plan::default());
        let act = Act::Refusal { v: 1, manifest, units: vec![], code, time: minute("2026-11-21T10:06Z") };
        world.leaf(&Leaf::Act(act))
    };
    let after = |refused: &[RefusalCode], seq: u64| {
        let mut world = World::new(false);
        world.segment(&Plan::default());
        let leaves: Vec<u64> = refused.iter().map(|code| refuse(&mut world, *code)).collect();
        world.segment(&Plan { seq: Some(seq), ..Plan::default() });
        (checked(&world, |_| {}), leaves)
    };
    let (broken, fork) = (RefusalCode::Broken, RefusalCode::Fork);
    let (report, leaves) = after(&[broken, broken], 4);
    named(&report, Outcome::Incomplete, "refused");
    let said = report.to_string();
    assert!(said.contains(&format!("3 was refused whole, at leaf {}", leaves[1])), "{said}");
    assert!(said.contains(&format!("refused at leaf {} may be the rest", leaves[0])), "{said}");
    // Two numbers more than refusals, and a refusal that takes no number of its own.
    for (refused, seq, range) in [(vec![broken, broken], 6, "2 to 4"), (vec![fork, broken], 4, "2 to 2")] {
        let (report, _) = after(&refused, seq);
        named(&report, Outcome::Incomplete, "gap");
        assert!(report.to_string().contains(&format!("segments {range} of")), "{report}");
    }
}

#[test]
fn decisions_are_computed_again() {
    // robots.txt forbids it, and the agent wrote that it does not.
    let forge = |decision: &mut schemas::gate::Decision| {
        decision.permitted = true;
        decision.code = DecisionCode::Permitted;
        decision.robots.as_mut().unwrap().allowed = true;
    };
    let mut world = World::new(false);
    world.segment(&Plan { path: "/private/list", forge, ..Plan::default() });
    let report = checked(&world, |_| {});
    named(&report, Outcome::Invalid, "permission");
    assert!(report.to_string().contains("Disallow: /private/"), "{report}");
    // Permitted, but not by the rule that was written down.
    let forge =
        |decision: &mut schemas::gate::Decision| decision.robots.as_mut().unwrap().rule = Some("Allow: /news".into());
    let mut world = World::new(false);
    world.segment(&Plan { forge, ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Invalid, "permission");
}

#[test]
fn permission_that_had_ended_or_never_was_is_named() {
    let forge = |decision: &mut schemas::gate::Decision| {
        decision.permitted = true;
        decision.code = DecisionCode::Permitted;
    };
    let mut world = World::new(false);
    world.segment(&Plan { captured: "2027-07-01T00:00:00Z", forge, ..Plan::default() });
    let report = checked(&world, |_| {});
    named(&report, Outcome::Invalid, "permission");
    assert!(says(&report, "expired on 2027-06-30"), "{report}");
    let mut world = World::bare(false);
    let entry = world.entry();
    world.permit(std::slice::from_ref(&entry), "2026-11-01T09:00Z");
    world.approve(&entry, &["ana"], "2026-11-01T09:10Z");
    world.enrol("agent-1", "2026-11-01T09:20Z");
    world.segment(&Plan { forge, ..Plan::default() });
    let report = checked(&world, |_| {});
    named(&report, Outcome::Invalid, "permission");
    assert!(says(&report, "only by the person who requested it"), "{report}");
}

#[test]
fn a_narrowing_the_agent_could_not_know_is_noted_and_a_later_one_is_not_permitted() {
    let mut world = World::new(false);
    world.permit(&[], "2026-11-21T10:02Z");
    // The issue in hand is of 10:00, the capture of 10:05.
    world.segment(&Plan::default());
    let report = checked(&world, |_| {});
    assert_eq!((report.verdict.outcome, report.totals.late), (Outcome::Valid, 1), "{report}");
}

#[test]
fn a_wrong_content_hash_is_named() {
    let mut world = World::new(false);
    world.segment(&Plan { forge_content: true, ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Invalid, "content");
}

#[test]
fn units_gone_without_their_leaf_are_named() {
    let (mut world, [_, _, _, fourth]) = full();
    // No leaf at all, a leaf of another kind, a leaf about another segment, a leaf about other units.
    for leaf in [999, 0, 10, 8] {
        let mut other = world.clone();
        other.bury(fourth, &[7], leaf);
        named(&checked(&other, |_| {}), Outcome::Incomplete, "missing-unit");
    }
    world.bury(fourth, &[3, 4], 9);
    assert_eq!(checked(&world, |_| {}).verdict.findings.len(), 2);
}

#[test]
fn an_erasure_must_be_signed_by_enough_and_carried_out() {
    let mut world = World::new(false);
    let digest = world.segment(&Plan::default());
    let whole = world.segments[&digest].clone();
    let mut half = world.clone();
    half.erase_by(digest, &[7], &["bob"]);
    named(&checked(&half, |_| {}), Outcome::Invalid, "signers");
    world.erase(digest, &[7]);
    named(&checked(&world, |dir| put(dir, &segment_path(digest), &whole)), Outcome::Invalid, "not-destroyed");
}

#[test]
fn files_that_nothing_accounts_for_are_named() {
    let (world, _) = full();
    let mut other = World::new(false);
    other.salts = 900;
    let stray = other.segment(&Plan::default());
    let report = checked(&world, |dir| {
        put(dir, &segment_path(stray), &other.segments[&stray]);
        put(dir, &format!("statements/{}.note", Digest::of(b"stray")), b"stray");
        put(dir, "log/tile/7/000", b"stray");
        put(dir, "programs/notes.txt", b"stray");
        put(dir, "notes.txt", b"stray");
        put(dir, "registry.sqlite", b"an index is no part of the truth");
        put(dir, "index.sqlite-wal", b"nor is this");
    });
    for code in ["unknown-segment", "unknown-statement", "unknown-file"] {
        assert!(report.verdict.findings.iter().any(|found| found.code == code), "no {code}: {report}");
    }
    let report = checked(&world, |dir| put(dir, &format!("programs/{}", Digest::of(b"a program")), b"another"));
    named(&report, Outcome::Invalid, "program");
}

#[test]
fn a_log_set_back_or_forked_diverges_from_what_was_remembered() {
    let (world, _) = full();
    let mut longer = world.clone();
    longer.segment(&Plan::default());
    let mut forked = world.clone();
    forked.leaves.truncate(8);
    forked.segment(&Plan { texts: vec!["Another history".into()], ..Plan::default() });
    let dir = tempfile::tempdir().unwrap();
    longer.write(dir.path());
    let against = |note: String, dir: &Path| {
        check_folder(dir, &world.root, &FolderOptions { against: Some(note), threads: 1, progress: None })
    };
    assert_eq!(against(world.checkpoint(), dir.path()).verdict.outcome, Outcome::Valid);
    named(&against(forked.checkpoint(), dir.path()), Outcome::Diverged, "diverged");
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    let report = against(longer.checkpoint(), dir.path());
    named(&report, Outcome::Diverged, "diverged");
    assert_eq!(report.verdict.exit_code(), 4);
    named(&against("no note".to_owned(), dir.path()), Outcome::Invalid, "against");
    // An agent that had seen another tree is a witness too.
    let mut world = World::new(false);
    let seen = CheckpointRef { size: 3, root: tlog::leaf_hash(b"another tree") };
    world.segment(&Plan { checkpoint: Some(seen), ..Plan::default() });
    named(&checked(&world, |_| {}), Outcome::Diverged, "diverged");
}

#[test]
fn partial_tiles_of_earlier_sizes_are_checked_too() {
    let (world, _) = full();
    let early = tiles(&world.leaves[..3]);
    let add = |dir: &Path| early.iter().for_each(|(name, bytes)| put(dir, &format!("log/{name}"), bytes));
    assert_eq!(checked(&world, add).verdict.outcome, Outcome::Valid);
    for name in early.keys() {
        let report = checked(&world, |dir| {
            add(dir);
            let mut bytes = early[name].clone();
            bytes[20] ^= 4;
            put(dir, &format!("log/{name}"), &bytes);
        });
        named(&report, Outcome::Invalid, "tile");
    }
}

#[test]
fn a_log_of_several_tiles_is_read_whole() {
    let mut world = World::new(false);
    for _ in 0..300 {
        world.refuse_whole();
    }
    world.segment(&Plan::default());
    assert_eq!(checked(&world, |_| {}).verdict.outcome, Outcome::Valid);
    let files: BTreeMap<_, _> = world.files().into_iter().filter(|(name, _)| name.starts_with("log/tile")).collect();
    assert_eq!(files.len(), 5, "two bundles, two tiles below, one above");
    for (name, bytes) in files {
        let mut bytes = bytes.clone();
        bytes[2] ^= 1;
        let report = checked(&world, |dir| put(dir, &name, &bytes));
        assert_eq!(report.verdict.outcome, Outcome::Invalid, "{name}: {report}");
    }
}

impl World {
    fn refuse_whole(&mut self) {
        let manifest = self.salt();
        let act = Act::Refusal {
            v: 1,
            manifest,
            units: vec![],
            code: RefusalCode::TooLarge,
            time: minute("2026-11-21T10:00Z"),
        };
        self.leaf(&Leaf::Act(act));
    }
}
