//! A YouTube channel through the whole spine: uploads, edits as revisions, removals as withdrawals, a channel that closes and a quota that is used up as
//! neither, and the key nowhere.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use exhibit::Tube;
use serde_json::{Value, json};
use tests::{Agent, Source, World};

const CHANNEL: &str = "UCexampleharbourfilms001";
const KEY: &str = "key-of-nobody-0123456789abcdef";

fn video(n: u32, title: &str) -> Value {
    json!({
        "id": format!("EXAMPLEvid{n}"),
        "snippet": {
            "publishedAt": format!("2026-10-01T12:{n:02}:00Z"), "channelId": CHANNEL, "channelTitle": "Harbour of Exampleton",
            "title": title, "description": "", "liveBroadcastContent": "none"
        },
        "contentDetails": { "duration": "PT58S" },
        "status": { "privacyStatus": "public" },
        "statistics": { "viewCount": n.to_string() }
    })
}

/// What is told of every video, oldest first: the title, or `-` for a withdrawal.
fn told(world: &World) -> BTreeMap<String, Vec<String>> {
    let title = |revision: &Value| match &revision["record"] {
        Value::Null => "-".to_owned(),
        record => record["title"].as_str().unwrap_or_default().to_owned(),
    };
    let history = |item: Value| {
        let revisions = item["revisions"].as_array().unwrap().iter().map(title).collect();
        (item["id"].as_str().unwrap().to_owned(), revisions)
    };
    world.search("source:films").iter().map(|hit| history(world.show(hit["id"].as_str().unwrap()))).collect()
}

/// Looks until a video has this history; every look is a run.
fn until_told(world: &World, agent: &Agent, n: u32, history: &[&str]) {
    let id = format!("EXAMPLEvid{n}");
    tests::until(&format!("{id} told as {history:?}"), || {
        agent.once().ok();
        let _ = world.settled();
        told(world).get(&id).is_some_and(|told| told == history).then_some(())
    });
}

/// State of the newest coverage, and why.
fn coverage(world: &World) -> (String, String) {
    let _ = world.settled();
    let (_, state, why) = world.coverage().into_iter().find(|(entry, ..)| entry == "films").unwrap();
    (state, why)
}

/// A unit that may ask the service, and its agent with the key.
fn started(service: &Tube) -> (World, Agent) {
    let source = Source::new("films", service.url(), &format!("/youtube/v3/channels?id={CHANNEL}"))
        .read_by("youtube")
        .with_lines("credential = \"youtube-key\"\nrobots = \"api: the interface's own terms\"");
    let mut world = World::prepared(&[source], "every 10s");
    world.start();
    let credentials = world.scratch().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("youtube-key"), KEY).unwrap();
    fs::set_permissions(credentials.join("youtube-key"), fs::Permissions::from_mode(0o600)).unwrap();
    let agent = world.agent_of("youtube").with_credentials(&credentials);
    (world, agent)
}

#[test]
fn channel_is_told_with_edits_and_removals_and_its_key_is_kept_nowhere() {
    let service = Tube::start(CHANNEL, KEY).unwrap();
    (0..5).for_each(|n| service.put(video(n, &format!("Film {n}"))));
    let (mut world, agent) = started(&service);
    agent.asks_again_after(&[1; 30]);
    agent.once().ok();
    let _ = world.settled();
    assert_eq!(told(&world).len(), 5);

    service.put(video(1, "Film 1, corrected"));
    service.remove("EXAMPLEvid2");
    service.remove("EXAMPLEvid3");
    service.put(video(5, "Film 5"));
    until_told(&world, &agent, 1, &["Film 1", "Film 1, corrected"]);
    until_told(&world, &agent, 2, &["Film 2", "-"]);
    until_told(&world, &agent, 3, &["Film 3", "-"]);
    until_told(&world, &agent, 5, &["Film 5"]);
    let open = told(&world);
    assert_eq!(open.len(), 6);
    assert_eq!((open["EXAMPLEvid0"].len(), open["EXAMPLEvid4"].len()), (1, 1), "what nobody touched has one revision");

    service.close_after_the_list();
    tests::until("videos that are hidden with their channel are asked for", || {
        agent.once();
        let _ = world.settled();
        world.coverage().into_iter().any(|(_, _, why)| why.contains("no video of it counts as gone")).then_some(())
    });
    agent.once();
    let (_, why) = coverage(&world);
    assert!(why.contains("the target was not there"), "{why}");
    assert_eq!(told(&world), open, "a channel that is closed removed no video");
    service.open();
    service.put(video(6, "Film 6"));
    until_told(&world, &agent, 6, &["Film 6"]);

    // A 403 that says nothing of a quota: a person has to look.
    service.refuse("accountClosed", usize::MAX);
    agent.once();
    let (state, why) = coverage(&world);
    assert!(state == "blocked" && why.contains("403 to slot `key`: accountClosed"), "{state}: {why}");
    let asked = service.asked();
    agent.once();
    assert_eq!(service.asked(), asked, "what is blocked is not asked");
    // A rate: the run waits by itself, and goes on.
    service.refuse("rateLimitExceeded", 1);
    service.put(video(7, "Film 7"));
    agent.once_target("films").ok();
    assert!(service.asked() > asked + 1, "what was refused for a second is asked for again");
    let _ = world.settled();
    assert!(told(&world).contains_key("EXAMPLEvid7"));

    service.want_key("another-key-altogether");
    agent.once();
    let (state, why) = coverage(&world);
    assert!(state == "blocked" && why.contains("credential of slot `key` was refused"), "{state}: {why}");
    service.want_key(KEY);
    agent.once_target("films").ok();

    // Used up by the agent itself, as it counts.
    agent.used_up("units", 10_000);
    let asked = service.asked();
    let said = agent.once().said();
    assert!(said.contains("rate limited (0 requests") && said.contains("units rests until"), "{said}");
    assert_eq!(service.asked(), asked);

    world.holds("after all of it");
    world.stop();
    let kept = tests::occurrences(&world.unit(), KEY);
    assert!(kept.is_empty(), "the key lies in {kept:?}");
    assert!(!tests::occurrences(&world.unit(), "EXAMPLEvid7").is_empty(), "what was answered is found there");
}

#[test]
fn quota_that_others_used_up_is_waited_for_and_nobody_has_to_look() {
    let service = Tube::start(CHANNEL, KEY).unwrap();
    service.put(video(0, "Film 0"));
    let (world, agent) = started(&service);
    service.refuse("quotaExceeded", usize::MAX);
    agent.once();
    let (state, why) = coverage(&world);
    assert!(state == "rate_limited" && why.contains("asks for a pause until"), "{state}: {why}");
    assert!(why.contains("T08:00:00Z") || why.contains("T07:00:00Z"), "midnight in Los Angeles: {why}");
    assert_eq!(service.asked(), 1);
    agent.once();
    assert_eq!(service.asked(), 1, "what rests is not asked");
    assert_ne!(coverage(&world).0, "blocked");
    world.holds("with an answer that was read as a pause");
}
