//! Does a bundle prove its record, and does every change to it show?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::{collections::BTreeSet, path::Path};

use schemas::{Digest, gate::DecisionCode};
use tempfile::TempDir;
use verify::{
    Bundle, CheckOptions, Outcome, Trace, Verdict,
    bundle::{LogFacts, Stored},
    check_bundle, trace,
};
use world::{Plan, World, key, sign};

/// Unit of the first record line in the world's segments.
const RECORD: u64 = 7;

fn folder(world: &World) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    dir
}

fn made(world: &World, manifest: Digest, units: &[u64]) -> Bundle {
    Bundle::from_folder(folder(world).path(), manifest, units).unwrap()
}

fn check(world: &World, bundle: &Bundle) -> Verdict {
    check_bundle(bundle, &world.root, &CheckOptions::default())
}

fn one() -> (World, Digest, Bundle) {
    let mut world = World::new(false);
    let digest =
        world.segment(&Plan { texts: vec!["First".into(), "Second".into()], with_refusal: true, ..Plan::default() });
    world.enrol("agent-2", "2026-11-22T08:00Z");
    let bundle = made(&world, digest, &[RECORD]);
    (world, digest, bundle)
}

#[track_caller]
fn named(verdict: &Verdict, outcome: Outcome, code: &str) {
    assert_eq!(verdict.outcome, outcome, "{verdict}");
    assert!(verdict.findings.iter().any(|found| found.code == code), "no `{code}` in:\n{verdict}");
}

#[test]
fn a_record_is_proven_by_its_bundle_alone() {
    let (world, _, bundle) = one();
    let again = Bundle::read(&bundle.write().unwrap()).unwrap();
    assert_eq!(again, bundle);
    let verdict = check(&world, &again);
    assert_eq!((verdict.outcome, verdict.exit_code()), (Outcome::Valid, 0), "{verdict}");
    assert!(verdict.findings.is_empty(), "{verdict}");
    assert_eq!(verdict.as_of.as_ref().unwrap().size, 6);
    let numbers: Vec<_> = bundle.units.keys().copied().collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 9, 11], "no more than it needs");
}

#[test]
fn any_program_for_tar_opens_it() {
    let (_, _, bundle) = one();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.vigie-bundle");
    std::fs::write(&file, bundle.write().unwrap()).unwrap();
    let Ok(output) = std::process::Command::new("tar").arg("-xvf").arg(&file).arg("-C").arg(dir.path()).output() else {
        assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none(), "tar is not here");
        // Written past the capture of test output: what was skipped is said even where the test passes.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: any_program_for_tar_opens_it: tar is not here\n",
        );
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = std::fs::read(dir.path().join(format!("units/{RECORD}.json"))).unwrap();
    assert_eq!(Digest::of(&line), bundle.units[&RECORD].stored.commitment());
}

#[test]
fn every_flipped_bit_of_the_file_is_refused_or_named() {
    let (world, _, bundle) = one();
    let bytes = bundle.write().unwrap();
    let mut wrong = Vec::new();
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        if let Ok(read) = Bundle::read(&flipped)
            && check(&world, &read).outcome == Outcome::Valid
            // Which units a bundle is about is the question, not the answer: anybody may ask about others in it.
            && (read.asked == bundle.asked || Bundle { asked: bundle.asked.clone(), ..read } != bundle)
        {
            wrong.push(place);
        }
    }
    println!("{} flips, {} wrong", bytes.len(), wrong.len());
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn cut_and_arbitrary_files_are_refused() {
    let (_, _, bundle) = one();
    let bytes = bundle.write().unwrap();
    for length in (0..bytes.len()).step_by(97) {
        assert!(Bundle::read(&bytes[..length]).is_err());
    }
    let mut longer = bytes.clone();
    longer.extend_from_slice(&[0; 512]);
    assert!(Bundle::read(&longer).is_err());
    assert!(Bundle::read(&[0; 1024]).is_err());
    assert!(Bundle::read(&[0x37; 4096]).is_err());
}

#[test]
fn every_dropped_part_is_named() {
    let (world, _, bundle) = one();
    for unit in bundle.units.keys() {
        let mut less = bundle.clone();
        less.units.remove(unit);
        named(&check(&world, &less), Outcome::Incomplete, "missing-unit");
    }
    for digest in bundle.statements.keys() {
        let mut less = bundle.clone();
        less.statements.remove(digest);
        assert!(check(&world, &less).outcome >= Outcome::Incomplete);
    }
    let newest = *bundle.leaves.keys().max().unwrap();
    for leaf in bundle.leaves.keys() {
        let mut less = bundle.clone();
        less.leaves.remove(leaf);
        // The newest leaf only dates the checkpoint; its statement then stands without proof.
        let verdict = check(&world, &less);
        assert!(verdict.outcome >= Outcome::Incomplete, "{leaf}: {verdict}");
        assert_eq!(verdict.as_of.unwrap().time.is_none(), *leaf == newest);
    }
}

#[test]
fn other_signers_are_named() {
    let (world, _, bundle) = one();
    // The log's key, the agent's, a statement's.
    let mut other = bundle.clone();
    other.checkpoint = other.checkpoint.replace("vigie.example.org/log", "vigie.example.net/log");
    named(&check(&world, &other), Outcome::Invalid, "checkpoint");
    let mut world2 = World::new(false);
    let digest = world2.segment(&Plan { signer: Some("agent-2"), ..Plan::default() });
    named(&check(&world2, &made(&world2, digest, &[RECORD])), Outcome::Invalid, "signature");
    let mut other = bundle;
    let (digest, note) = other.statements.iter().find(|(_, note)| note.contains("\"enrolment\"")).unwrap();
    let opened = schemas::policy::open_statement(note).unwrap();
    let (digest, note) = (*digest, sign(&opened.statement, &["ana"]));
    other.statements.insert(digest, note);
    named(&check(&world, &other), Outcome::Invalid, "signers");
}

#[test]
fn wrong_decisions_are_computed_again() {
    let forge = |decision: &mut schemas::gate::Decision| {
        decision.permitted = true;
        decision.code = DecisionCode::Permitted;
        decision.robots.as_mut().unwrap().allowed = true;
    };
    let mut world = World::new(false);
    let digest = world.segment(&Plan { path: "/private/list", forge, ..Plan::default() });
    let bundle = made(&world, digest, &[RECORD]);
    let verdict = check(&world, &bundle);
    named(&verdict, Outcome::Invalid, "permission");
    let trace = Trace::of(&bundle, &verdict);
    assert!(!trace.items[0].allowed.as_ref().unwrap().recomputed);
    assert!(matches!(&trace.items[0].robots, Some(trace::Robots::Asked { allowed: false, line: Some(2), .. })));
}

#[test]
fn a_revoked_agent_is_named_and_what_it_sent_before_stands() {
    let mut world = World::new(false);
    let before = world.segment(&Plan::default());
    world.revoke("agent-1", "2026-11-22T09:00Z");
    let after = world.segment(&Plan::default());
    world.enrol("agent-2", "2026-11-22T10:00Z");
    world.revoke("agent-2", "2026-11-22T11:00Z");
    let verdict = check(&world, &made(&world, before, &[RECORD]));
    assert_eq!(verdict.outcome, Outcome::Valid, "{verdict}");
    named(&check(&world, &made(&world, after, &[RECORD])), Outcome::Invalid, "agent");
}

#[test]
fn what_was_erased_is_told_from_what_is_missing() {
    let (mut world, digest, _) = one();
    let words = |verdict: &Verdict| verdict.to_string();
    // The record itself.
    let mut gone = world.clone();
    gone.erase(digest, &[RECORD]);
    let bundle = made(&gone, digest, &[RECORD]);
    let verdict = check(&gone, &bundle);
    named(&verdict, Outcome::Erased, "erased");
    assert_eq!(verdict.exit_code(), 6);
    assert!(words(&verdict).contains("authority `file 2026-17`"), "{verdict}");
    assert!(matches!(Trace::of(&bundle, &verdict).items[0].what, trace::What::Gone { .. }));
    let shows = |bundle: &Bundle| {
        let bytes = bundle.write().unwrap();
        bytes.windows(15).any(|part| part == br#""title":"First""#)
    };
    assert!(shows(&made(&world, digest, &[RECORD])) && !shows(&bundle));
    // Its evidence, the robots copy, the exchange, the header, all but the record.
    for units in [&[4][..], &[2], &[5], &[6], &[3, 4, 5], &[1], &[0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]] {
        let mut gone = world.clone();
        gone.erase(digest, units);
        let bundle = made(&gone, digest, &[RECORD]);
        let verdict = check(&gone, &bundle);
        assert_eq!(verdict.outcome, Outcome::Erased, "{units:?}: {verdict}");
        let trace = Trace::of(&bundle, &verdict);
        assert!(matches!(&trace.items[0].what, trace::What::Record { title: Some(title), .. } if title == "First"));
    }
    // A tombstone whose leaf says nothing of the kind, or is not there.
    let mut buried = world.clone();
    buried.bury(digest, &[RECORD], 2);
    named(&check(&buried, &made(&buried, digest, &[RECORD])), Outcome::Invalid, "tombstone");
    world.erase(digest, &[RECORD]);
    let mut bundle = made(&world, digest, &[RECORD]);
    let Stored::Gone(tombstone) = &bundle.units[&RECORD].stored else { panic!("it is gone") };
    bundle.leaves.remove(&tombstone.leaf.clone());
    named(&check(&world, &bundle), Outcome::Incomplete, "missing-leaf");
    // Refused by the registry: not kept, and nobody signed for it.
    let mut refused = World::new(false);
    let digest = refused.segment(&Plan { texts: vec!["First".into(), "Second".into()], ..Plan::default() });
    refused.refuse(digest, &[RECORD]);
    named(&check(&refused, &made(&refused, digest, &[RECORD])), Outcome::Incomplete, "refused");
}

#[test]
fn later_checkpoints_are_held_against_it() {
    let (world, digest, bundle) = one();
    let mut longer = world.clone();
    longer.segment(&Plan::default());
    let dir = folder(&longer);
    let tiles = tlog::FolderTiles { root: dir.path().join("log") };
    let grown = bundle.clone().with_later(longer.checkpoint(), &tiles).unwrap();
    assert_eq!(Bundle::read(&grown.write().unwrap()).unwrap(), grown);
    assert_eq!(check(&world, &grown).outcome, Outcome::Valid);
    let against =
        |bundle: &Bundle, note: String| check_bundle(bundle, &world.root, &CheckOptions { against: Some(note) });
    assert_eq!(against(&grown, longer.checkpoint()).outcome, Outcome::Valid);
    assert_eq!(against(&bundle, world.checkpoint()).outcome, Outcome::Valid);
    named(&against(&bundle, longer.checkpoint()), Outcome::Incomplete, "missing-consistency");
    let mut forked = world.clone();
    forked.leaves.pop();
    forked.enrol("agent-3", "2026-11-22T08:00Z");
    named(&against(&bundle, forked.checkpoint()), Outcome::Diverged, "diverged");
    forked.segment(&Plan::default());
    let mut two = bundle.clone();
    two.later = grown.later.clone();
    two.later.as_mut().unwrap().checkpoint = forked.checkpoint();
    named(&check(&world, &two), Outcome::Diverged, "diverged");
    assert!(made(&world, digest, &[0, 11]).units.len() >= 3);
}

#[test]
fn a_trial_bundle_says_so_in_every_form() {
    let mut world = World::new(true);
    let digest = world.segment(&Plan::default());
    let bundle = made(&world, digest, &[RECORD]);
    let verdict = check(&world, &bundle);
    assert_eq!((verdict.outcome, verdict.exit_code()), (Outcome::Valid, 7), "{verdict}");
    let trace = Trace::of(&bundle, &verdict);
    assert!(trace.to_string().starts_with("TRIAL: VALID as of log size"));
    assert!(trace.limits[0].contains("trial"));
    assert!(serde_json::to_string(&trace).unwrap().contains("\"trial\":true"));
}

#[test]
fn a_trace_answers_the_five_questions() {
    let (world, _, bundle) = one();
    let trace = Trace::of(&bundle, &check(&world, &bundle));
    let text = trace.to_string();
    for words in [
        "First",
        "1. Who allowed this, why, and until when?",
        "bob+",
        "2027-06-30",
        "Notice reports about the harbour early",
        "line 3: `Allow: /`",
        "https://news.example.org/news.atom",
        "192.0.2.10:443",
        "status        200",
        "leaf 4",
        "5. What can this not prove?",
        "No witness cosigned",
    ] {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let json = serde_json::to_string(&trace).unwrap();
    assert_eq!(serde_json::from_str::<Trace>(&json).unwrap(), trace);
}

#[test]
fn every_unit_of_a_segment_can_be_asked_for() {
    let (world, digest, _) = one();
    let dir = folder(&world);
    for unit in 0..=11 {
        let bundle = Bundle::from_folder(dir.path(), digest, &[unit]).unwrap();
        let verdict = check(&world, &bundle);
        assert_eq!(verdict.outcome, Outcome::Valid, "unit {unit}: {verdict}");
        assert!(!Trace::of(&bundle, &verdict).to_string().is_empty());
    }
    let all: Vec<u64> = (0..=11).collect();
    let bundle = Bundle::from_folder(dir.path(), digest, &all).unwrap();
    assert_eq!(check(&world, &bundle).outcome, Outcome::Valid);
    assert_eq!(bundle.units.keys().copied().collect::<BTreeSet<_>>(), all.into_iter().collect());
    let beyond = Bundle::from_folder(dir.path(), digest, &[12]).unwrap_err();
    assert!(beyond.to_string().contains("units are 0 to 11"));
    assert!(Bundle::from_folder(dir.path(), Digest::of(b"none"), &[1]).is_err());
    assert!(Bundle::from_folder(Path::new("nowhere"), digest, &[1]).is_err());
}

#[test]
fn a_maker_that_holds_the_log_needs_no_folder() {
    let (world, digest, bundle) = one();
    let tiles: std::collections::HashMap<String, Vec<u8>> = world::tiles(&world.leaves).into_iter().collect();
    let statement =
        |digest: Digest| world.statements.get(&digest).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into());
    let facts = LogFacts::read(world.checkpoint(), &tiles, &statement).unwrap();
    let segment = schemas::segment::Segment::read(&world.segments[&digest]).unwrap();
    assert_eq!(Bundle::of(&facts, &segment, &[RECORD]).unwrap(), bundle);
    assert_eq!(key("agent-1").vkey().id_text(), segment.manifest.agent);
}
