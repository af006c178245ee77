//! The whole walk: what newsrooms published is found, what they closed is left alone, and every record can be proved.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{collections::BTreeMap, fs};

use exhibit::{Exhibit, Options};
use jiff::Timestamp;
use registry::search::{Options as SearchOptions, Query, Search, query::generator::Generator};
use rusqlite::{Connection, OpenFlags};
use schemas::record::Record;
use serde_json::Value;
use tests::{World, missing, program, times};

/// Those that serve as they should: everything they showed must be found.
const GOOD: [&str; 11] = [
    "harbour", "riviere", "mayak", "dengta", "quarry", "oldpress", "fast", "empty", "mirror-a", "mirror-b", "mirror-c",
];

/// Times the agent looks; a round of the newsrooms lies between two looks.
const LOOKS: u32 = 4;

struct Walked {
    exhibit: Exhibit,
    world: World,
}

/// Everybody collected over several rounds.
fn walked() -> Walked {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let world = World::of(&exhibit);
    for look in 0..LOOKS {
        if look > 0 {
            exhibit.advance();
        }
        // 3: some targets are blocked or not permitted, as they should be.
        let said = world.agent().once().exits(3);
        assert_eq!(world.agent().waiting(), 0, "{}", said.said());
    }
    let _ = world.settled();
    Walked { exhibit, world }
}

#[test]
fn what_was_published_is_found_and_what_was_closed_is_not_asked() {
    let Walked { exhibit, mut world } = walked();
    world.holds("after the walk");
    everything_seen_is_found(&exhibit, &world);
    nothing_closed_was_asked(&exhibit, &world);
    pauses_asked_for_were_kept(&exhibit);
    coverage_says_what_was_missed(&world);
    record_can_be_traced_and_proved(&world);
    world.stop();
    derived_again_it_is_the_same(&world);
    tables_made_again_give_the_same_answers(&world);
}

fn everything_seen_is_found(exhibit: &Exhibit, world: &World) {
    let looked: Vec<u32> = (0..LOOKS).collect();
    let mut wrong = Vec::new();
    let mut found = 0;
    for name in GOOD.into_iter().chain(["moved", "slowdown"]) {
        let hits = world.search(&format!("source:{name}"));
        let records: Vec<Value> = hits.iter().map(|hit| world.show(hit["id"].as_str().unwrap())).collect();
        found += records.len();
        wrong.extend(missing(&exhibit.truth_of(name), &looked, &records));
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    let harbour = exhibit.truth_of("harbour");
    let (edited, deleted): (Vec<_>, Vec<_>) = (
        harbour.entries.iter().filter(|entry| entry.wordings.len() > 1).collect(),
        harbour.entries.iter().filter(|entry| entry.deleted_round.is_some_and(|round| round < LOOKS)).collect(),
    );
    assert!(!edited.is_empty() && !deleted.is_empty(), "the exhibit edits and deletes");
    for entry in &deleted {
        let hits = world.search(&format!("source:harbour is:gone \"{}\"", entry.title));
        assert_eq!(hits.len(), 1, "`{}` was withdrawn", entry.id);
    }
    println!(
        "spine: {found} records of {} newsrooms found, {} of harbour edited, {} withdrawn",
        GOOD.len(),
        edited.len(),
        deleted.len()
    );
}

fn nothing_closed_was_asked(exhibit: &Exhibit, world: &World) {
    for (name, code) in [("closed", "robots"), ("broken-robots", "robots_unreachable")] {
        let asked: Vec<String> =
            exhibit.log(name).into_iter().map(|seen| seen.path).filter(|path| path != "/robots.txt").collect();
        assert!(asked.is_empty(), "`{name}` was asked for {asked:?}");
        let denials = world.denials(name);
        assert!(!denials.is_empty() && denials.iter().all(|denial| denial["code"] == code), "{name}: {denials:?}");
        assert!(world.search(&format!("source:{name}")).is_empty(), "{name}");
    }
    assert_eq!(
        (exhibit.connections("elsewhere"), exhibit.requests("elsewhere")),
        (0, 0),
        "nobody permitted `elsewhere`"
    );
    let astray = world.denials("moved-away");
    assert!(astray.iter().any(|denial| denial["code"] == "no_match"), "the redirect is refused by name: {astray:?}");
    for name in ["login", "forbidden", "wall"] {
        assert!(world.search(&format!("source:{name}")).is_empty(), "{name}");
    }
}

fn pauses_asked_for_were_kept(exhibit: &Exhibit) {
    let asked: Vec<_> = exhibit.log("slowdown").into_iter().filter(|seen| seen.path != "/robots.txt").collect();
    let slowed = asked.iter().filter(|seen| seen.status == 429).count();
    assert!(slowed == 2 && asked.last().is_some_and(|seen| seen.status == 200), "{asked:?}");
    for pair in asked.windows(2).filter(|pair| pair[0].status == 429) {
        let pause = pair[1].at.duration_since(pair[0].at);
        assert!(pause.as_millis() >= 1_000, "asked again after {pause:?}");
    }
}

fn coverage_says_what_was_missed(world: &World) {
    let said: BTreeMap<String, (String, String)> =
        world.coverage().into_iter().map(|(entry, state, why)| (entry, (state, why))).collect();
    for (entry, (state, why)) in &said {
        println!("coverage: {entry:<14} {state:<13} {why}");
    }
    for (name, state) in [
        ("fast", "partial"),
        ("harbour", "complete"),
        ("mayak", "complete"),
        ("wall", "blocked"),
        ("login", "blocked"),
        ("forbidden", "not_attempted"),
        ("closed", "not_attempted"),
        ("broken-robots", "failed"),
        ("moved-away", "failed"),
    ] {
        let (found, why) = said.get(name).unwrap_or_else(|| panic!("no coverage of `{name}`: {said:?}"));
        assert_eq!(found, state, "{name}: {why}");
        assert!(state == "complete" || !why.is_empty(), "`{name}` is {state} and does not say why");
    }
    // An empty feed is an answer; the same again, by its validator, joins what was known.
    let empty = world.states("empty");
    assert!(empty[0] == "empty" && empty.iter().all(|state| state == "empty" || state == "complete"), "{empty:?}");
}

fn record_can_be_traced_and_proved(world: &World) {
    let hits = world.search("source:harbour");
    let id = hits[0]["id"].as_str().unwrap();
    let bundle = world.scratch().join("record.vigie-bundle");
    let told = world.vigie(&["trace", id, "--bundle", bundle.to_str().unwrap()]).ok().out;
    // The five questions of a reviewer: who and why and until when, what robots.txt said, which bytes, changed since, what is not shown.
    for answer in ["alice.demo", "bob.demo", "robots.txt", "sha256", "What can this not prove?", "TRIAL"] {
        assert!(told.to_lowercase().contains(&answer.to_lowercase()), "`{answer}` is not in\n{told}");
    }
    let verdict = world.verify(&bundle).exits(7);
    assert!(verdict.out.contains("TRIAL: VALID as of log size"), "{}", verdict.said());
    let mut bytes = fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    assert!(matches!(world.verify(&bundle).code(), Some(2 | 3 | 5)), "an altered bundle is not valid");
}

fn derived_again_it_is_the_same(world: &World) {
    let feed = program("vigie-feed");
    let report = world.vigie(&["rederive", "--all", "--json", "--with", feed.to_str().unwrap()]).ok().json();
    println!(
        "rederive: {} segments, {} readings, {} of {} lines equal",
        report["segments"], report["readings"], report["equal"], report["lines"]
    );
    assert_eq!(report["segments_that_differ"], 0, "{report}");
    assert_eq!(report["equal"], report["lines"], "{report}");
    assert!(report["lines"].as_u64().unwrap() > 100, "{report}");
}

fn tables_made_again_give_the_same_answers(world: &World) {
    let count = times(60, 1_000);
    let before = answers(world, count);
    world.vigie(&["rebuild"]).ok();
    let after = answers(world, count);
    let hits = before.iter().filter(|(_, answer)| !answer.contains("\"total\":0,")).count();
    for ((query, before), (_, after)) in before.iter().zip(&after) {
        assert_eq!(before, after, "`{query}`");
    }
    println!("rebuild: {count} generated queries ({hits} with hits), all answers equal");
    assert!(hits * 4 > count, "most of the queries find nothing");
}

/// Answers to generated queries, as text.
fn answers(world: &World, count: usize) -> Vec<(String, String)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(world.data().join("index.sqlite"), flags).unwrap();
    db.execute_batch("PRAGMA query_only = ON").unwrap();
    let mut statement = db.prepare("SELECT record, entry FROM revisions WHERE record IS NOT NULL ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let records: Vec<(Record, String)> =
        rows.map(|row| row.unwrap()).map(|(record, entry)| (serde_json::from_str(&record).unwrap(), entry)).collect();
    let mut generator = Generator::of(records.iter().map(|(record, entry)| (record, entry.as_str())), 7);
    let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    (0..count)
        .map(|_| {
            let query = generator.query();
            // As people would type it: what is written must read back as the same query.
            let query = Query::parse(&query.to_string()).unwrap();
            let options = SearchOptions { limit: 200, facets: true, is_trial: true, ..SearchOptions::at(now) };
            let answer = Search::run(&db, &query, &options).unwrap();
            (query.to_string(), serde_json::to_string(&answer).unwrap())
        })
        .collect()
}
