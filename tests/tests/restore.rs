//! The disk is lost: what a backup, the second place and the agents hold together is everything that has a receipt.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{fs, path::Path};

use exhibit::{Exhibit, Options};
use serde_json::Value;
use tests::{World, missing};

const NAMES: [&str; 3] = ["harbour", "mayak", "riviere"];

/// A unit with a backup of its first two rounds, and two more rounds collected since.
fn backed_up() -> (Exhibit, World, std::path::PathBuf) {
    let exhibit = Exhibit::start(Options::only(&NAMES)).unwrap();
    let mut world = World::of(&exhibit);
    collect(&exhibit, &world, 2);
    world.stop();
    let backup = world.scratch().join("backup");
    world.vigie(&["backup", backup.to_str().unwrap()]).ok();
    world.start();
    collect(&exhibit, &world, 2);
    world.holds("before the loss");
    (exhibit, world, backup)
}

fn collect(exhibit: &Exhibit, world: &World, rounds: usize) {
    for _ in 0..rounds {
        world.agent().once().ok();
        exhibit.advance();
    }
}

fn lose(world: &mut World, place: &Path) {
    world.kill();
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn disk_lost_and_second_place_kept_nothing_with_a_receipt_is_lost() {
    let (exhibit, mut world, backup) = backed_up();
    let receipts = world.agent().receipts();
    let size = world.settled();
    let data = world.data();
    lose(&mut world, &data);
    let said = world.vigie(&["restore", "--json", backup.to_str().unwrap()]).ok().json();
    assert_eq!(said["log_size"].as_u64(), Some(size), "the second place leads on to the newest checkpoint: {said}");
    let gone = said["missing"].as_array().unwrap().len();
    assert!(gone > 0, "segments came after the backup: {said}");
    world.start();
    // Incomplete until the agent has pushed again what only it still holds.
    world.verify(&world.data()).exits(3);
    collect(&exhibit, &world, 1);
    world.holds("after the agent pushed again");
    let kept: Vec<String> = world.kept().into_iter().map(|(manifest, ..)| manifest).collect();
    assert!(receipts.iter().all(|receipt| kept.contains(receipt)), "a receipt's segment is gone");
    let looked: Vec<u32> = (0..exhibit.round()).collect();
    for name in NAMES {
        let records: Vec<Value> =
            world.search(&format!("source:{name}")).iter().map(|hit| world.show(hit["id"].as_str().unwrap())).collect();
        let wrong = missing(&exhibit.truth_of(name), &looked, &records);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    let agents = world.vigie(&["agent", "list", "--json"]).ok().json();
    assert!(agents[0]["finding"].is_null(), "{agents}");
    println!(
        "restore: {gone} segments came after the backup and were pushed again; log size {size} was never set back"
    );
}

#[test]
fn both_places_lost_the_agent_raises_the_alarm_and_lets_nothing_go() {
    let (exhibit, mut world, backup) = backed_up();
    let (data, second) = (world.data(), world.second());
    let files = world.agent().files();
    lose(&mut world, &data);
    lose(&mut world, &second);
    // Without the newest checkpoint the registry cannot know; its agent does.
    let restored = world.vigie(&["restore", backup.to_str().unwrap()]).exits(1);
    assert!(restored.err.contains("vigie second-place adopt"), "{}", restored.said());
    assert!(!world.start_crashing(None), "a registry without its second place must not start by itself");
    world.vigie(&["second-place", "adopt"]).ok();
    world.vigie(&["second-place", "adopt"]).exits(1);
    world.start();
    let said = world.agent().once();
    assert!(said.said().contains("set back"), "{}", said.said());
    assert!(world.agent().waiting() > 0, "the new segment got no receipt");
    assert!(files.iter().all(|file| file.exists()), "the agent let something go");
    assert!(world.log().contains("set back"), "the registry says it as well: {}", world.log());
    world.stop();
    let doctor = world.vigie(&["doctor"]).exits(1);
    assert!(doctor.out.contains("rolled_back"), "{}", doctor.said());
    exhibit.stop();
    world.let_wait();
}

#[test]
fn altered_backup_is_refused_by_the_name_of_the_file() {
    let (_exhibit, mut world, backup) = backed_up();
    let data = world.data();
    lose(&mut world, &data);
    let segment = tests::segments(&backup).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&segment, bytes).unwrap();
    let said = world.vigie(&["restore", backup.to_str().unwrap()]).exits(1);
    assert!(said.err.contains(segment.file_name().unwrap().to_str().unwrap()), "{}", said.said());
}

#[test]
fn folder_that_is_in_use_is_never_restored_over() {
    let (_exhibit, mut world, backup) = backed_up();
    world.stop();
    let said = world.vigie(&["restore", backup.to_str().unwrap()]).exits(1);
    assert!(said.err.contains("not empty"), "{}", said.said());
    world.start();
    world.holds("after a refused restore");
}
