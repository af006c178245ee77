//! 861 feeds that none of us wrote, through the whole spine: nothing panics, and every file ends in a state.

use std::{collections::BTreeMap, fs};

use exhibit::FileSite;
use serde_json::Value;
use tests::{Source, World, long, shared, skipped};

#[test]
fn every_real_feed_ends_in_a_state() {
    let Some(folder) = shared("real/feeds") else {
        return skipped("every_real_feed_ends_in_a_state", "../shared/real/feeds");
    };
    let manifest = fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let all: Vec<String> = manifest
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["file"].as_str().map(str::to_owned))
        .collect();
    let step = if long() { 1 } else { all.len().div_ceil(60) };
    let files: Vec<&String> = all.iter().step_by(step).collect();
    let site = FileSite::from_manifest(&folder).unwrap();
    let sources: Vec<Source> = files
        .iter()
        .enumerate()
        .map(|(number, file)| Source::new(&format!("f{number:04}"), site.base_url(), &format!("/{}", escaped(file))))
        .collect();
    let mut world = World::with(&sources);
    let said = world.agent().once();
    assert!(matches!(said.code(), Some(0 | 3)), "{}", said.said());
    assert!(!said.err.contains("panicked"), "{}", said.err);
    let _ = world.settled();

    let asked = site.log();
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for ((name, state, why), file) in world.coverage().iter().zip(&files) {
        assert!(!state.is_empty(), "{name} ({file}) ended in no state");
        assert!(state != "not_attempted" && state != "not_heard_yet", "{name} ({file}): {state} {why}");
        *states.entry(state.clone()).or_default() += 1;
        if state == "failed" {
            println!("failed: {file}: {why}");
        }
    }
    assert_eq!(states.values().sum::<usize>(), files.len());
    for file in &files {
        let path = format!("/{}", escaped(file));
        assert!(asked.iter().any(|seen| seen.path == path), "`{path}` was never asked for");
    }
    world.holds("after the real feeds");
    let records = world.search("").len();
    println!("real feeds: {} of {} files, {records} records, states {states:?}, 0 panics", files.len(), all.len());
    world.stop();
}

/// As a path of an address.
fn escaped(file: &str) -> String {
    file.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
