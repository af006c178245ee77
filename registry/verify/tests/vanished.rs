//! Is a false claim that something vanished from a source named, and a true one held against every reading at hand?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::fs;

use schemas::Digest;
use verify::{Bundle, CheckOptions, FolderOptions, Outcome, Report, Trace, check_bundle, check_folder};
use world::{Plan, World, segment_path};

const DAYS: [&str; 5] = [
    "2026-11-20T10:05:00Z",
    "2026-11-21T10:05:00Z",
    "2026-11-22T10:05:00Z",
    "2026-11-23T10:05:00Z",
    "2026-11-24T10:05:00Z",
];

/// A reading of a list of so many items, the last of them first in what vanishes.
fn look(day: usize, items: usize, vanished: &[(usize, usize, usize)]) -> Plan {
    Plan {
        captured: DAYS[day],
        texts: (0..items).map(|number| format!("Item {number}")).collect(),
        scope: Some("list"),
        vanished: vanished.to_vec(),
        ..Plan::default()
    }
}

/// A world in which these readings were made, one a day.
fn looked(plans: &[Plan]) -> (World, Vec<Digest>) {
    let mut world = World::new(false);
    let made = plans.iter().map(|plan| world.segment(plan)).collect();
    (world, made)
}

fn check(world: &World) -> Report {
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    check_folder(dir.path(), &world.root, &FolderOptions { threads: 2, ..FolderOptions::default() })
}

#[track_caller]
fn is_false(plans: &[Plan], words: &str) {
    let report = check(&looked(plans).0);
    assert_eq!(report.verdict.outcome, Outcome::Invalid, "{report}");
    let found = report.verdict.findings.iter().find(|found| found.code == "vanished");
    assert!(found.is_some_and(|found| found.what.contains(words)), "{report}");
}

#[test]
fn true_claim_holds_and_says_nothing() {
    let (world, made) = looked(&[look(0, 3, &[]), look(1, 2, &[]), look(2, 2, &[(2, 1, 0)]), look(3, 2, &[])]);
    let report = check(&world);
    assert_eq!((report.verdict.outcome, report.verdict.findings), (Outcome::Valid, vec![]));
    // Start, run, robots copy; request, answer, exchange; four lines; then what vanished.
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    let bundle = Bundle::from_folder(dir.path(), made[2], &[10]).unwrap();
    let verdict = check_bundle(&Bundle::read(&bundle.write().unwrap()).unwrap(), &world.root, &CheckOptions::default());
    assert_eq!(verdict.outcome, Outcome::Valid, "{verdict}");
    let told = Trace::of(&bundle, &verdict).to_string();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("news.example.org|2 vanished from `list`"), "{told}");
    assert!(told.contains(&world.answers[1].0) && told.contains(DAYS[0]), "{told}");
}

#[test]
fn claim_that_the_readings_do_not_bear_is_named() {
    // Its own reading holds the item, or is of another list.
    is_false(&[look(0, 3, &[]), look(1, 2, &[]), look(2, 3, &[(2, 1, 0)])], "the item stands in the reading");
    let other = Plan { scope: Some("another list"), ..look(2, 2, &[(2, 1, 0)]) };
    is_false(&[look(0, 3, &[]), look(1, 2, &[]), other], "all of that scope");
    let no_list = Plan { scope: None, ..look(2, 2, &[(2, 1, 0)]) };
    is_false(&[look(0, 3, &[]), look(1, 2, &[]), no_list], "all of that scope");
    is_false(&[look(0, 3, &[]), look(1, 2, &[]), look(2, 2, &[(2, 1, 0), (2, 1, 0)])], "twice by one reading");
    is_false(&[look(0, 3, &[]), look(1, 2, &[(2, 1, 0)])], "names one reading twice");
    // The first of the two holds it, is of another list, or of another agent.
    is_false(&[look(0, 3, &[]), look(1, 3, &[]), look(2, 2, &[(2, 1, 0)])], "the item stands in the reading");
    let other = Plan { scope: Some("another list"), ..look(1, 2, &[]) };
    is_false(&[look(0, 3, &[]), other, look(2, 2, &[(2, 1, 0)])], "not an earlier one of the same");
    // Between the two it stood there.
    is_false(&[look(0, 3, &[]), look(1, 2, &[]), look(2, 3, &[]), look(3, 2, &[(2, 1, 0)])], "between the two");
    // It never stood where it is said to have stood.
    is_false(&[look(0, 2, &[]), look(1, 2, &[]), look(2, 2, &[(2, 1, 0)])], "said to have stood in lacks it");
}

#[test]
fn claim_stands_after_the_reading_it_rests_on() {
    let last = Plan { stray: true, ..look(2, 1, &[(1, 1, 0), (2, 1, 0)]) };
    let report = check(&looked(&[look(0, 3, &[]), look(1, 1, &[]), last]).0);
    assert_eq!(report.verdict.outcome, Outcome::Invalid, "{report}");
    assert!(report.to_string().contains("not after the reading that shows it"), "{report}");
}

#[test]
fn what_another_agent_read_proves_nothing_for_this_one() {
    let mut world = World::new(false);
    world.enrol("agent-2", "2026-11-01T09:30Z");
    world.segment(&look(0, 3, &[]));
    world.segment(&look(1, 2, &[]));
    world.segment(&Plan { agent: "agent-2", ..look(2, 2, &[(2, 1, 0)]) });
    let report = check(&world);
    assert_eq!(report.verdict.outcome, Outcome::Invalid, "{report}");
    assert!(report.to_string().contains("same agent"), "{report}");
}

#[test]
fn another_agent_that_uses_its_ids_makes_no_true_claim_false() {
    let mut world = World::new(false);
    world.enrol("agent-2", "2026-11-01T09:30Z");
    world.segment(&look(0, 3, &[]));
    world.segment(&Plan { agent: "agent-2", ..look(1, 2, &[]) });
    world.segment(&Plan { ids_again: true, ..look(1, 2, &[]) });
    world.segment(&look(2, 2, &[(2, 2, 0)]));
    assert_eq!(world.answers[1].0, world.answers[2].0);
    let dir = tempfile::tempdir().unwrap();
    world.write(dir.path());
    let report = check_folder(dir.path(), &world.root, &FolderOptions { threads: 1, ..FolderOptions::default() });
    assert_eq!((report.verdict.outcome, report.verdict.findings), (Outcome::Valid, vec![]));
}

#[test]
fn what_cannot_be_checked_is_said() {
    let notes = |world: &World, lost: Option<Digest>| {
        let dir = tempfile::tempdir().unwrap();
        world.write(dir.path());
        lost.inspect(|digest| fs::remove_file(dir.path().join(segment_path(*digest))).unwrap());
        let report = check_folder(dir.path(), &world.root, &FolderOptions::default());
        let found = report.verdict.findings.iter().filter(|found| found.code == "vanished");
        found.map(|found| found.what.clone()).collect::<Vec<_>>()
    };
    let plans = [look(0, 4, &[]), look(1, 2, &[]), look(2, 2, &[(2, 1, 0), (3, 1, 0)])];
    let (world, made) = looked(&plans);
    assert_eq!(notes(&world, None), [""; 0]);
    for (lost, words) in [(0, "said to have stood in"), (1, "the first reading without it")] {
        let found = notes(&world, Some(made[lost]));
        assert!(matches!(&found[..], [one] if one.contains(words) && one.starts_with("2 of")), "{found:?}");
    }
    // Line 2 of the first reading without them and its last line are erased, as with an item that stood there.
    let (mut world, made) = looked(&plans);
    world.erase(made[1], &[8, 9]);
    let found = notes(&world, None);
    assert!(matches!(&found[..], [one] if one.contains("the first reading without it")), "{found:?}");
    // The claim itself: nothing is left to check of it.
    let (mut world, made) = looked(&plans);
    world.erase(made[2], &[10]);
    assert_eq!(notes(&world, None), [""; 0]);
}
