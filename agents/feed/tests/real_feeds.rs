//! Do feeds that none of us wrote read as their own projects say they should?
//!
//! Runs over `../shared/real/feeds`: every file must be read without a panic and within the time bound, and the expectations that came with
//! the files (in feedparser's names) are compared with what a record holds. `compare/feedparser_share.py` writes feedparser's own verdict on
//! the same checks to `target/feedparser-share.json`; where that file is, both shares are printed, field by field.
//!
//! What no record holds by design is counted and named, not left out: the raw share is over every check there is.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads fixtures; the collector reads nothing"
)]

mod real;

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, time::Instant};

use serde_json::Value;
use url::Url;

/// The share of checks on fields that records have, in percent, that is reached and must be kept.
const FLOOR_HELD: usize = 99;

/// The share of all checks, those on what no record has included.
const FLOOR_RAW: usize = 80;

/// Longest time for one file in a debug build, in milliseconds.
const MOST_MS: u128 = 5_000;

#[derive(Default)]
struct Tally {
    checks: usize,
    ours: usize,
    theirs: usize,
    both_known: usize,
}

#[test]
fn real_feeds_read_as_their_projects_expect() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let folder = root.join("../shared/real/feeds");
    let Ok(manifest) = fs::read_to_string(folder.join("manifest.jsonl")) else {
        assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none(), "../shared/real/feeds is not here");
        // Written past the capture of test output: what was skipped is said even where the test passes.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: real_feeds: ../shared/real/feeds is not here\n",
        );
        return;
    };
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let theirs: BTreeMap<String, Vec<bool>> = fs::read(target.join("feedparser-share.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();

    let mut classes: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut misses = String::new();
    let mut slowest = (0, String::new());
    let (mut files, mut entries, mut unread) = (0, 0, 0);
    for line in manifest.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let file = row["file"].as_str().unwrap();
        let bytes = fs::read(folder.join(file)).unwrap();
        let header = |name: &str| row["headers"][name].as_str();
        let url = header("content-location").unwrap_or("http://127.0.0.1:8097/");
        let url = Url::parse(url).unwrap_or_else(|_| Url::parse("http://127.0.0.1:8097/").unwrap());
        let begun = Instant::now();
        let mut told = Vec::new();
        let read = feed::feed(&bytes, header("content-type"), &url, &mut |entry| told.push(entry));
        slowest = slowest.max((begun.elapsed().as_millis(), file.to_owned()));
        files += 1;
        match &read {
            Ok(_) => entries += told.len(),
            Err(error) => {
                unread += 1;
                writeln!(misses, "{file}: not read: {} {}", error.at, error.why).unwrap();
            }
        }
        for (index, check) in row["checks"].as_array().into_iter().flatten().enumerate() {
            let class = real::class(check);
            let tally = classes.entry(class).or_default();
            tally.checks += 1;
            let found = match &read {
                Ok(feed) => real::holds(feed, &told, check),
                Err(_) if check["path"][0] == "bozo" && check["op"] == "truthy" => Ok(()),
                Err(_) => Err("not read".to_owned()),
            };
            tally.ours += usize::from(found.is_ok());
            if let Some(their) = theirs.get(file).and_then(|verdicts| verdicts.get(index)) {
                tally.both_known += 1;
                tally.theirs += usize::from(*their);
            }
            if let Err(found) = found {
                writeln!(misses, "{class} | {file} | {check} | ours: {found}").unwrap();
            }
        }
    }
    fs::write(target.join("real-feeds-misses.txt"), &misses).unwrap();

    println!("{files} files, {entries} entries, {unread} not read; slowest {} ms: {}", slowest.0, slowest.1);
    let mut held = Tally::default();
    let mut raw = Tally::default();
    let mut core = Tally::default();
    for (class, tally) in &classes {
        println!(
            "{class:42} {:4} checks, ours {:3} %{}",
            tally.checks,
            percent(tally.ours, tally.checks),
            their_share(tally)
        );
        let is_in = [(&mut raw, true), (&mut held, real::is_held(class)), (&mut core, real::CORE.contains(class))];
        for (sum, _) in is_in.into_iter().filter(|(_, is_in)| *is_in) {
            sum.checks += tally.checks;
            sum.ours += tally.ours;
            sum.theirs += tally.theirs;
            sum.both_known += tally.both_known;
        }
    }
    for (name, sum) in
        [("title, link, id, date, author, text", &core), ("fields that records have", &held), ("all checks", &raw)]
    {
        println!(
            "{name:42} {:4} checks, ours {:3} % ({}){}",
            sum.checks,
            percent(sum.ours, sum.checks),
            sum.ours,
            their_share(sum)
        );
    }
    assert!(slowest.0 < MOST_MS, "{} took {} ms", slowest.1, slowest.0);
    assert!(core.both_known < core.checks || core.ours >= core.theirs, "see target/real-feeds-misses.txt");
    assert!(percent(held.ours, held.checks) >= FLOOR_HELD, "see target/real-feeds-misses.txt");
    assert!(percent(raw.ours, raw.checks) >= FLOOR_RAW, "see target/real-feeds-misses.txt");
}

fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(100)
}

fn their_share(tally: &Tally) -> String {
    if tally.both_known == 0 {
        String::new()
    } else {
        format!(
            ", feedparser {:3} % ({} of {})",
            percent(tally.theirs, tally.both_known),
            tally.theirs,
            tally.both_known
        )
    }
}
