//! Bundles and folders made to deceive a reviewer, by somebody who holds the log's key, an agent's key, or both.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../../tests/forge/mod.rs"]
mod forge;
mod world;

use std::path::Path;

use schemas::{
    Digest,
    capture::Exchange,
    leaf::{Act, Leaf, RefusalCode},
};
use tempfile::TempDir;
use verify::{Bundle, CheckOptions, FolderOptions, Outcome, Report, Verdict, check_bundle, check_folder};
use world::{Plan, World, key, minute};

fn folder(world: &World) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    dir
}

fn check(world: &World, dir: &Path) -> Report {
    let options = FolderOptions { threads: 1, ..FolderOptions::default() };
    check_folder(dir, &world.root, &options)
}

#[track_caller]
fn named(verdict: &Verdict, code: &str) {
    assert_eq!(verdict.outcome, Outcome::Invalid, "{verdict}");
    assert!(verdict.findings.iter().any(|found| found.code == code), "{verdict}");
}

/// Admin and agent together: a fetch that nothing permits, whose run record stands where no bundle has to hold it.
#[test]
fn a_run_record_out_of_its_place_hides_nothing() {
    let mut world = World::new(false);
    let plan = Plan {
        path: "/private/list",
        robots: world::ROBOTS.to_owned(),
        forge: |decision| {
            decision.permitted = true;
            decision.code = schemas::gate::DecisionCode::Permitted;
        },
        ..Plan::default()
    };
    let (_, file, _) = world.write_segment(&plan);
    let mut parts = forge::open(&file);
    let run = parts.records.remove(1);
    let before_commit = parts.records.len() - 1;
    parts.records.insert(before_commit, run);
    let (digest, file, leaf) = parts.seal(&key("agent-1"));
    world.segments.insert(digest, file);
    world.leaves.push(leaf);
    let dir = folder(&world);
    let report = check(&world, dir.path());
    assert_eq!(report.verdict.outcome, Outcome::Invalid, "{report}");
    // Whoever makes the bundle is not the one who checks it: built by hand, run record left out.
    let Ok(mut bundle) = Bundle::from_folder(dir.path(), digest, &[3]) else {
        return;
    };
    bundle.units.retain(|number, _| *number != 7);
    let verdict = check_bundle(&bundle, &world.root, &CheckOptions::default());
    assert_ne!(verdict.outcome, Outcome::Valid, "{verdict}");
}

/// The same, with a bundle that its maker wrote by hand: its unit 1 is a robots.txt copy and no run record is in it.
#[test]
fn a_bundle_without_its_run_record_is_not_valid() {
    let mut world = World::new(false);
    let sound = world.segment(&Plan::default());
    let dir = folder(&world);
    let bundle = Bundle::from_folder(dir.path(), sound, &[6]).unwrap();
    assert_eq!(check_bundle(&bundle, &world.root, &CheckOptions::default()).outcome, Outcome::Valid);
    let (_, file, _) = world.write_segment(&Plan {
        path: "/private/list",
        forge: |decision| {
            decision.permitted = true;
            decision.code = schemas::gate::DecisionCode::Permitted;
        },
        ..Plan::default()
    });
    let mut parts = forge::open(&file);
    // start, robots, request, response, exchange, lines…, run, commit
    let run = parts.records.remove(1);
    let last = parts.records.len() - 1;
    parts.records.insert(last, run);
    let (digest, file, leaf) = parts.seal(&key("agent-1"));
    let segment = schemas::segment::Segment::read(&file).unwrap();
    let index = world.leaves.len() as u64;
    world.leaves.push(leaf);
    let mut bundle = bundle;
    bundle.asked = vec![6];
    bundle.manifest = digest;
    bundle.manifest_note = segment.note.to_string();
    bundle.checkpoint = world.checkpoint();
    let hashes: Vec<_> = world.leaves.iter().map(|leaf| tlog::leaf_hash(leaf)).collect();
    let mut kept: Vec<u64> = bundle.leaves.keys().copied().collect();
    kept.push(index);
    bundle.leaves = kept
        .into_iter()
        .map(|index| {
            let proof = verify_leaf(&world, &hashes, index);
            (index, proof)
        })
        .collect();
    bundle.units.clear();
    let run_unit = segment.manifest.units - 2;
    for part in &segment.parts {
        use schemas::segment::Part;
        use verify::bundle::{Stored, Unit};
        let mut add = |unit: u64, stored: Stored| {
            if unit != run_unit {
                let proof = segment.unit_proof(unit).unwrap();
                bundle.units.insert(unit, Unit { stored, proof });
            }
        };
        match part {
            Part::Record(at) => add(at.unit, Stored::Record(at.record.to_bytes().unwrap())),
            Part::Conversion(conversion) => {
                for line in &conversion.lines {
                    add(line.unit, Stored::Line(line.stored.to_vec()));
                }
            }
            Part::Tombstone(_) => {}
        }
    }
    let verdict = check_bundle(&bundle, &world.root, &CheckOptions::default());
    named(&verdict, "layout");
}

fn verify_leaf(world: &World, hashes: &[tlog::Hash], index: u64) -> verify::bundle::LeafProof {
    verify::bundle::LeafProof {
        bytes: world.leaves[index as usize].clone(),
        proof: tlog::inclusion_proof(hashes, index).unwrap(),
    }
}

/// The holder of the log's key alone wants evidence gone, long after its receipt, without two people's signatures: a refusal needs none.
#[test]
fn evidence_cannot_be_refused_away_later() {
    let mut world = World::new(false);
    let victim = world.segment(&Plan::default());
    let _other = world.segment(&Plan { texts: vec!["another".to_owned()], ..Plan::default() });
    let leaf = world.refuse(victim, &[3, 4, 5, 6, 7, 8]);
    assert!(leaf > 0);
    let dir = folder(&world);
    let report = check(&world, dir.path());
    named(&report.verdict, "refusal");
    let bundle = Bundle::from_folder(dir.path(), victim, &[7]).unwrap();
    let verdict = check_bundle(&bundle, &world.root, &CheckOptions::default());
    named(&verdict, "refusal");
}

/// Nor may a refusal name the records that every decision of the segment rests on.
#[test]
fn the_run_record_is_never_refused() {
    for unit in [0, 1, 9] {
        let mut world = World::new(false);
        let victim = world.segment(&Plan::default());
        let units = schemas::segment::Segment::read(&world.segments[&victim]).unwrap().manifest.units;
        world.refuse(victim, &[unit.min(units - 1)]);
        let dir = folder(&world);
        named(&check(&world, dir.path()).verdict, "refusal");
    }
}

/// A second refusal of the same segment, and one of units that a leaf before it names.
#[test]
fn a_segment_is_refused_once() {
    let mut world = World::new(false);
    let victim = world.segment(&Plan::default());
    world.refuse(victim, &[3, 4, 5, 6, 7, 8]);
    let time = minute("2026-11-21T10:07Z");
    world.leaf(&Leaf::Act(Act::Refusal {
        v: 1,
        manifest: victim,
        units: vec![[2, 2]],
        code: RefusalCode::NotPermitted,
        time,
    }));
    let dir = folder(&world);
    named(&check(&world, dir.path()).verdict, "refusal");
}

/// What was sent is not what was decided about: both signed by the agent, both proven by the log.
#[test]
fn a_request_to_elsewhere_is_named() {
    let mut world = World::new(false);
    let (_, file, _) = world.write_segment(&Plan::default());
    let mut parts = forge::open(&file);
    forge::block(parts.request(), b"GET /private/list HTTP/1.1\r\nHost: news.example.org\r\n\r\n");
    let (digest, file, leaf) = parts.seal(&key("agent-1"));
    world.segments.insert(digest, file);
    world.leaves.push(leaf);
    let dir = folder(&world);
    named(&check(&world, dir.path()).verdict, "request");
    let bundle = Bundle::from_folder(dir.path(), digest, &[6]).unwrap();
    named(&check_bundle(&bundle, &world.root, &CheckOptions::default()), "request");
}

/// An agent that had verified a log of nine leaves claims later to have seen none, to date a capture back.
#[test]
fn an_agent_that_forgets_the_log_is_named() {
    let mut world = World::new(false);
    world.segment(&Plan::default());
    world.segment(&Plan {
        texts: vec!["another".to_owned()],
        checkpoint: Some(schemas::manifest::CheckpointRef { size: 0, root: tlog::EMPTY_ROOT }),
        ..Plan::default()
    });
    let dir = folder(&world);
    named(&check(&world, dir.path()).verdict, "clock");
}

/// More requests than the entry allows in a day, spread over segments.
#[test]
fn a_budget_that_was_overdrawn_is_named() {
    let mut world = World::new(false);
    let mut entry = world.entry();
    entry.daily = 4;
    world.permit(std::slice::from_ref(&entry), "2026-11-02T09:00Z");
    world.approve(&entry, &["bob"], "2026-11-02T09:10Z");
    for text in ["one", "two", "three", "four"] {
        world.segment(&Plan { texts: vec![text.to_owned()], ..Plan::default() });
    }
    let dir = folder(&world);
    let within = check(&world, dir.path());
    assert_eq!(within.verdict.outcome, Outcome::Valid, "{within}");
    world.segment(&Plan { texts: vec!["five".to_owned()], ..Plan::default() });
    let dir = folder(&world);
    named(&check(&world, dir.path()).verdict, "budget");
}

/// Two copies of one exchange's request: the first one nobody ever judged.
#[test]
fn a_hidden_request_is_named() {
    let mut world = World::new(false);
    let (_, file, _) = world.write_segment(&Plan::default());
    let mut parts = forge::open(&file);
    let at = parts.position(&warc::RecordType::Request, "");
    let hidden = forge::twin(&parts.records[at], 1);
    parts.records.insert(at, hidden);
    parts.json::<Exchange>("exchange", |_| {});
    let (digest, file, leaf) = parts.seal(&key("agent-1"));
    world.segments.insert(digest, file);
    world.leaves.push(leaf);
    let dir = folder(&world);
    named(&check(&world, dir.path()).verdict, "segment");
    let _: Digest = digest;
}
