//! What is collected when the agent dies at any point, and starts again? Real processes that abort.

use std::{collections::BTreeMap, path::Path, process::Command};

use schemas::{capture::Line, coverage::CoverageState};

use super::{
    collectors::Listing,
    listing,
    world::{START, World},
};

const DIR: &str = "VIGIE_TEST_CRASH_DIR";

/// Three exchanges a segment: five commits a run.
fn open(dir: &Path) -> World {
    let world = World::open(dir, Listing, START, 3);
    world.net.answers(listing);
    world
}

/// Not a test of its own: the process that dies.
#[tokio::test]
#[ignore = "run by its neighbours"]
async fn child() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    assert_eq!(open(Path::new(&dir)).poll().await.state, CoverageState::Complete);
}

/// Runs the child until it dies at a point; false where it lived.
fn dies_at(dir: &Path, point: &str) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "engine::tests::crashes::child", "--ignored", "--quiet"])
        .env("VIGIE_CRASH_AT", point)
        .env(DIR, dir)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

/// How often each record stands in the segments that exist.
fn records(world: &World) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for segment in world.segments() {
        for capture in segment.view().unwrap().captures {
            for line in capture.conversion.iter().flat_map(|conversion| &conversion.lines) {
                if let Line::Record(record) = &line.line {
                    *found.entry(record.item.id.clone()).or_default() += 1;
                }
            }
        }
    }
    found
}

async fn nothing_is_lost_and_nothing_comes_twice(point: &str) {
    let expected: BTreeMap<String, u32> = (1..=12).map(|id| (id.to_string(), 1)).collect();
    let mut deaths = 0;
    for pass in 1.. {
        let dir = tempfile::tempdir().unwrap();
        let died = dies_at(dir.path(), &format!("{point}:{pass}"));
        let world = open(dir.path());
        if died {
            deaths += 1;
            world.poll().await;
        }
        assert_eq!(records(&world), expected, "after dying at {point}, pass {pass}");
        assert_eq!(world.cursor(), Some(12.into()), "after dying at {point}, pass {pass}");
        if !died {
            break;
        }
    }
    assert!(deaths >= 5, "{point} was passed {deaths} times only");
}

#[tokio::test]
async fn death_after_an_exchange() {
    nothing_is_lost_and_nothing_comes_twice("agent_after_exchange").await;
}

#[tokio::test]
async fn death_before_the_segment_has_its_name() {
    nothing_is_lost_and_nothing_comes_twice("agent_after_write").await;
}

#[tokio::test]
async fn death_after_the_segment_has_its_name() {
    nothing_is_lost_and_nothing_comes_twice("agent_after_segment").await;
}

#[tokio::test]
async fn death_before_the_commit() {
    nothing_is_lost_and_nothing_comes_twice("agent_before_commit").await;
}

#[tokio::test]
async fn death_after_the_commit() {
    nothing_is_lost_and_nothing_comes_twice("agent_after_commit").await;
}
