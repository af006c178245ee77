//! Do real answers read without loss?
//!
//! Runs over `../shared/real/platforms/bluesky`: answers of an `AppView` as its own tests keep them, with placeholders for ids, and lines of Jetstream.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads files; the collector reads nothing")]

use std::{fs, io::Write as _, path::PathBuf};

use bluesky::parse;
use kit::Record;
use schemas::record::RelationKind;
use serde_json::{Value, json};

/// The folder of real answers, or a word on stderr, past the capture of test output, that the test is skipped.
fn real(test: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/real/platforms/bluesky"));
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none(), "../shared/real/platforms/bluesky is not here");
    let _ = std::io::stderr()
        .write_all(format!("skipped: {test}: ../shared/real/platforms/bluesky is not here\n").as_bytes());
    None
}

/// The values of a snapshot file: JSON but for commas before a closing bracket.
fn snapshots(text: &str) -> Vec<Value> {
    let blocks = text.split("`] = `\n").skip(1).map(|block| block.split("\n`;").next().unwrap());
    let lines = blocks.map(|block| block.lines().map(str::trim_start).collect::<Vec<_>>());
    lines
        .map(|lines| {
            let closes = |line: Option<&&str>| line.is_some_and(|line| line.starts_with([']', '}']));
            let json: String = lines
                .iter()
                .enumerate()
                .map(|(n, line)| if closes(lines.get(n + 1)) { line.trim_end_matches(',') } else { line })
                .collect();
            serde_json::from_str(&json).unwrap()
        })
        .collect()
}

/// Gives a post an address in the place of its placeholder.
fn address(post: &mut Value) {
    let did = post["author"]["did"].as_str().unwrap().to_owned();
    post["uri"] = json!(format!("at://{did}/app.bsky.feed.post/{}", post["uri"].as_str().unwrap()));
}

fn related(records: &[Record], kind: RelationKind) -> usize {
    records.iter().filter(|record| record.relations.iter().any(|relation| relation.kind == kind)).count()
}

#[test]
fn every_entry_of_a_real_feed_reads_as_what_it_is() {
    let Some(folder) = real("every_entry_of_a_real_feed_reads_as_what_it_is") else { return };
    let (mut entries, mut records) = (Vec::new(), Vec::new());
    for file in fs::read_dir(folder.join("snapshots/views/__snapshots__")).unwrap() {
        for answer in snapshots(&fs::read_to_string(file.unwrap().path()).unwrap()) {
            let posts = answer["posts"].as_array().into_iter().flatten().map(|post| json!({ "post": post }));
            entries.extend(answer.as_array().into_iter().flatten().cloned().chain(posts));
        }
    }
    for entry in &mut entries {
        address(&mut entry["post"]);
        records.push(parse::listed(entry).unwrap_or_else(|why| panic!("{why}: {entry:#}")));
    }
    let of = |at: &str, kind: &str| {
        entries.iter().filter(|entry| entry.pointer(at).is_some_and(|found| kind.is_empty() || found == kind)).count()
    };
    let reposts = of("/reason/$type", "app.bsky.feed.defs#reasonRepost");
    let pins = of("/reason/$type", "app.bsky.feed.defs#reasonPin");
    println!("{} entries, {reposts} reposts, {pins} pins", entries.len());
    assert!(entries.len() > 100 && reposts > 10 && pins > 1);
    assert_eq!(related(&records, RelationKind::RepostOf), reposts);
    let own = |record: &&Record| record.handle.is_none();
    let own: Vec<_> = records.iter().filter(own).cloned().collect();
    let theirs = entries.iter().filter(|entry| entry.pointer("/reason/by").is_none());
    assert_eq!(
        related(&own, RelationKind::ReplyTo),
        theirs.clone().filter(|one| one["post"]["record"]["reply"].is_object()).count()
    );
    let quotes = |one: &&Value| one["post"]["embed"]["record"].is_object();
    assert_eq!(related(&own, RelationKind::QuoteOf), theirs.clone().filter(quotes).count());
    let pictures = |one: &Value| {
        let shown = |at: &str| one["post"].pointer(at).and_then(Value::as_array).map_or(0, Vec::len);
        shown("/embed/images") + shown("/embed/media/images")
    };
    let pictures: usize = theirs.map(pictures).sum();
    println!("{pictures} pictures");
    assert_eq!(own.iter().map(|record| record.media.len()).sum::<usize>(), pictures);
}

#[test]
fn record_from_the_stream_reads_inside_a_view() {
    let Some(folder) = real("record_from_the_stream_reads_inside_a_view") else { return };
    let lines = fs::read_to_string(folder.join("jetstream/subscribe/testdata/golden_v1.jsonl")).unwrap();
    let mut posts = 0;
    for event in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let commit = &event["commit"];
        if commit["collection"] != "app.bsky.feed.post" {
            continue;
        }
        let author = json!({ "did": event["did"], "handle": "someone.example", "labels": [] });
        let mut view = json!({ "uri": commit["rkey"], "cid": commit["cid"], "author": author, "record": commit["record"], "indexedAt": "", "labels": [] });
        address(&mut view);
        let record = parse::post(&view).unwrap();
        assert_eq!(record.text.as_deref(), commit["record"]["text"].as_str());
        assert!(record.published_at.unwrap().at.is_some());
        posts += 1;
    }
    assert!(posts > 0);
}
