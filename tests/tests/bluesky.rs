//! A Bluesky account through the whole spine: back to its first post, edits as revisions, deletions as withdrawals, a closed account as neither.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::collections::BTreeMap;

use exhibit::Appview;
use serde_json::{Value, json};
use tests::{Source, World};

const DESK: &str = "did:plc:exampleharbourdesk000001";
const FERRY: &str = "did:plc:examplenightferry0000002";

fn actor(did: &str, handle: &str) -> Value {
    json!({ "did": did, "handle": handle, "displayName": "Example", "labels": [] })
}

fn uri(did: &str, n: u32) -> String {
    format!("at://{did}/app.bsky.feed.post/3m{n:011}")
}

/// A post, in the version that `cid` names.
fn post(did: &str, n: u32, text: &str, cid: &str) -> Value {
    let at = format!("2026-10-01T12:{n:02}:00.000Z");
    json!({ "post": {
        "uri": uri(did, n), "cid": cid, "author": actor(did, "desk.example"), "indexedAt": at, "labels": [],
        "replyCount": 0, "repostCount": 0, "likeCount": n, "quoteCount": 0,
        "record": { "$type": "app.bsky.feed.post", "text": text, "createdAt": at, "langs": ["en"] }
    }})
}

fn repost(n: u32) -> Value {
    let mut entry = post(FERRY, n, &format!("Ferry {n}"), "bafyferry");
    entry["reason"] = json!({
        "$type": "app.bsky.feed.defs#reasonRepost", "by": actor(DESK, "desk.example"), "uri": repost_uri(n),
        "cid": "bafyrepost", "indexedAt": "2026-10-01T13:00:00.000Z"
    });
    entry
}

fn repost_uri(n: u32) -> String {
    format!("at://{DESK}/app.bsky.feed.repost/3m{n:011}")
}

/// The account's own repost of one of its posts, of which it says nothing else.
fn own_repost(n: u32) -> Value {
    let mut entry = post(DESK, n, &format!("Post {n}"), "bafyone");
    entry["reason"] = repost(n)["reason"].take();
    entry
}

/// What is told of every record, oldest first: the text, or `-` for a withdrawal.
fn told(world: &World) -> BTreeMap<String, Vec<String>> {
    let text = |revision: &Value| match &revision["record"] {
        Value::Null => "-".to_owned(),
        record => record["text"].as_str().unwrap_or_default().to_owned(),
    };
    let history = |item: Value| {
        let revisions = item["revisions"].as_array().unwrap().iter().map(text).collect();
        (item["id"].as_str().unwrap().to_owned(), revisions)
    };
    world.search("source:desk").iter().map(|hit| history(world.show(hit["id"].as_str().unwrap()))).collect()
}

/// Lets the agent look until an item has this history; every look is a run.
fn until_told(world: &World, id: &str, history: &[&str]) {
    tests::until(&format!("{id} told as {history:?}"), || {
        world.agent_of("bluesky").once().ok();
        let _ = world.settled();
        told(world).get(id).is_some_and(|told| told == history).then_some(())
    });
}

/// A unit that watches the account. It asks again at every look that begins a second later than the one before.
fn after_the_first_look(service: &Appview) -> World {
    let seed = format!("/xrpc/app.bsky.feed.getAuthorFeed?actor={DESK}");
    let world = World::with(&[Source::new("desk", service.url(), &seed).read_by("bluesky")]);
    let agent = world.agent_of("bluesky");
    agent.asks_again_after(&[1; 30]);
    agent.once().ok();
    let _ = world.settled();
    world
}

#[test]
fn own_repost_goes_with_its_post_and_an_account_that_closes_takes_neither_away() {
    let service = Appview::start().unwrap();
    service.profile(actor(DESK, "desk.example"));
    (0..3).for_each(|n| service.put(post(DESK, n, &format!("Post {n}"), "bafyone")));
    (1..3).for_each(|n| service.put(own_repost(n)));
    let mut world = after_the_first_look(&service);
    let agent = world.agent_of("bluesky");
    assert_eq!(told(&world).len(), 6);

    service.remove(&uri(DESK, 1));
    until_told(&world, &uri(DESK, 1), &["Post 1", "-"]);
    until_told(&world, &repost_uri(1), &["Post 1", "-"]);
    let open = told(&world);
    assert_eq!(open[&uri(DESK, 2)], ["Post 2"]);
    assert_eq!(open[&repost_uri(2)], ["Post 2"]);

    service.close_after_the_feed();
    tests::until("posts that are hidden with their account are asked for", || {
        agent.once();
        let _ = world.settled();
        let told = world.coverage().into_iter().any(|(_, _, why)| why.contains("nothing of it counts as gone"));
        told.then_some(())
    });
    assert_eq!(told(&world), open, "a closed account is no deletion of what it said");
    world.holds("after all of it");
    world.stop();
}

#[test]
fn account_is_told_with_edits_and_deletions_and_comes_back_after_it_was_closed() {
    let service = Appview::start().unwrap();
    service.profile(actor(DESK, "desk.example"));
    (0..30).for_each(|n| service.put(post(DESK, n, &format!("Post {n}"), "bafyone")));
    service.put(repost(30));
    service.put(repost(31));
    let mut world = after_the_first_look(&service);
    let agent = world.agent_of("bluesky");
    // The account, its posts on eight pages, and two reposts.
    assert_eq!(told(&world).len(), 33);

    service.put(post(DESK, 2, "Post 2, corrected", "bafytwo"));
    service.remove(&uri(DESK, 3));
    service.remove(&uri(FERRY, 30));
    service.profile(actor(DESK, "pier.example"));
    service.put(post(DESK, 32, "Post 32", "bafyone"));
    until_told(&world, &uri(DESK, 2), &["Post 2", "Post 2, corrected"]);
    until_told(&world, &uri(DESK, 3), &["Post 3", "-"]);
    until_told(&world, &repost_uri(30), &["Ferry 30", "-"]);
    let open = told(&world);
    assert_eq!(open.len(), 34);
    assert_eq!(open[DESK].len(), 2, "a new handle is a revision of the account");
    let others = [DESK, &uri(DESK, 2), &uri(DESK, 3), &repost_uri(30)];
    let touched: Vec<_> = open.iter().filter(|(id, told)| !others.contains(&id.as_str()) && told.len() != 1).collect();
    assert!(touched.is_empty(), "what nobody touched has one revision: {touched:?}");

    service.close(true);
    for _ in 0..2 {
        agent.once();
        let _ = world.settled();
    }
    assert_eq!(told(&world), open, "a closed account is no deletion of what it said");
    let said = world.coverage();
    assert!(said.iter().any(|(_, _, why)| why.contains("Account is deactivated")), "{said:?}");
    service.close(false);
    service.put(post(DESK, 33, "Post 33", "bafyone"));
    until_told(&world, &uri(DESK, 33), &["Post 33"]);
    assert_eq!(told(&world).len(), 35);
    world.holds("after all of it");
    world.stop();
}
