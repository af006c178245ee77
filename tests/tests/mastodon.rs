//! Timelines of the Mastodon API through the whole spine: every post once, edits as revisions, deletions as withdrawals, pauses kept.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::Ipv4Addr,
};

use exhibit::{Instance, Manner};
use serde_json::{Value, json};
use tests::{Source, World, shared, skipped};

/// These servers are asked by their documented client interface.
const BY_API: &str = r#"robots = "api: the documented client interface of the server""#;

fn source(name: &str, url: &str, timeline: &str) -> Source {
    Source::new(name, url, timeline).read_by("mastodon").with_lines(BY_API)
}

/// Records of one source by id, each with its revisions.
fn found(world: &World, name: &str) -> BTreeMap<String, Value> {
    let hits = world.search(&format!("source:{name}"));
    let count = hits.len();
    let found: BTreeMap<String, Value> = hits
        .iter()
        .map(|hit| world.show(hit["id"].as_str().unwrap()))
        .map(|item| (item["id"].as_str().unwrap().to_owned(), item))
        .collect();
    assert_eq!(found.len(), count, "an id is found twice");
    found
}

fn newest(item: &Value) -> &Value {
    let revisions = item["revisions"].as_array().unwrap();
    &revisions.iter().rfind(|revision| !revision["record"].is_null()).unwrap()["record"]
}

/// Everything in recorded answers that is a post, wherever it stands; of each the version that was edited last.
fn posts_in(value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            if ["uri", "visibility", "content", "account"].iter().all(|name| members.contains_key(*name)) {
                let uri = value["uri"].as_str().unwrap().to_owned();
                let newer =
                    into.get(&uri).is_none_or(|known| known["edited_at"].as_str() <= value["edited_at"].as_str());
                if newer {
                    into.insert(uri, value.clone());
                }
            }
            members.values().for_each(|value| posts_in(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| posts_in(value, into)),
        _ => {}
    }
}

/// A second reading of a post's HTML, by plain replacement: nothing of the collector's.
fn plainly(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html.replace("<br />", "\n").replace("<br/>", "\n").replace("<br>", "\n").replace("</p>", "\n");
    while let Some(from) = rest.find('<') {
        text.push_str(&rest[..from]);
        rest = rest[from..].split_once('>').map_or_else(String::new, |(_, after)| after.to_owned());
    }
    text.push_str(&rest);
    for (entity, letter) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, letter);
    }
    text.trim_matches('\n').to_owned()
}

/// `@user@host:port`, by a second reading.
fn handle_of(account: &Value) -> String {
    let (acct, url) = (account["acct"].as_str().unwrap(), account["url"].as_str().unwrap());
    let host = url.split('/').nth(2).unwrap();
    if acct.contains('@') { format!("@{acct}") } else { format!("@{acct}@{host}") }
}

#[test]
fn real_answers_replayed_come_out_once_and_right() {
    let Some(folder) = shared("real/platforms/mastodon/responses") else {
        return skipped("real_answers_replayed_come_out_once_and_right", "../shared/real/platforms/mastodon");
    };
    let mut all = BTreeMap::new();
    let mut answers = 0;
    for file in tests::files(&folder).iter().filter(|file| file.extension().is_some_and(|end| end == "json")) {
        let exchanges: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        answers += exchanges.as_array().unwrap().len();
        posts_in(&exchanges, &mut all);
    }
    let mut posts: Vec<&Value> = all.values().collect();
    posts.sort_by_key(|post| post["id"].as_str().map(|id| (id.len(), id.to_owned())));
    let is_open = |post: &Value| matches!(post["visibility"].as_str(), Some("public" | "unlisted"));

    // Small pages, so that the walk is long; a third of the posts comes while the agent already looks.
    let server = Instance::start(Ipv4Addr::LOCALHOST, Manner { page: 5, ..Manner::default() }).unwrap();
    let (before, after) = posts.split_at(posts.len() * 2 / 3);
    before.iter().for_each(|post| server.put((*post).clone()));
    let mut world = World::with(&[source("replay", server.url(), "/public?noindex=keep")]);
    let agent = world.agent_of("mastodon");
    agent.once().ok();
    for some in after.chunks(7) {
        some.iter().for_each(|post| server.put((*post).clone()));
        agent.once().ok();
    }
    let last = agent.once().ok();
    assert!(last.said().contains("0 new"), "{}", last.said());
    let _ = world.settled();
    let records = found(&world, "replay");

    let mut wrong = Vec::new();
    let mut compared = 0;
    for post in posts.iter().filter(|post| is_open(post)) {
        let uri = post["uri"].as_str().unwrap();
        let Some(item) = records.get(uri) else {
            wrong.push(format!("{uri} is missing"));
            continue;
        };
        let record = newest(item);
        let account = &post["account"];
        let author = account["uri"].as_str().or(account["url"].as_str());
        for (what, found, expected) in [
            ("revisions", json!(item["revisions"].as_array().unwrap().len()), json!(1)),
            ("time", record["published_at"]["raw"].clone(), post["created_at"].clone()),
            (
                "text",
                json!(record["text"].as_str().unwrap_or_default()),
                json!(plainly(post["content"].as_str().unwrap())),
            ),
            ("author", record["author"]["id"].clone(), json!(author)),
            ("handle", record["author"]["handle"].clone(), json!(handle_of(account))),
            ("edited", record["edited_at"]["raw"].clone(), post["edited_at"].clone()),
            (
                "warning",
                json!(record["extra"]["content_warning"].as_str().unwrap_or_default()),
                post["spoiler_text"].clone(),
            ),
            (
                "media",
                json!(record["media"].as_array().map_or(0, Vec::len)),
                json!(post["media_attachments"].as_array().unwrap().len()),
            ),
            (
                "mentions",
                json!(record["mentions"].as_array().map_or(0, Vec::len)),
                json!(post["mentions"].as_array().unwrap().len()),
            ),
        ] {
            compared += 1;
            if found != expected {
                wrong.push(format!("{uri}: {what} {found} instead of {expected}"));
            }
        }
    }
    let open: BTreeSet<&str> =
        posts.iter().filter(|post| is_open(post)).filter_map(|post| post["uri"].as_str()).collect();
    wrong.extend(records.keys().filter(|id| !open.contains(id.as_str())).map(|id| format!("{id} is not public")));
    let asked = server.log().iter().filter(|seen| seen.path.starts_with("/api/")).count();
    println!(
        "replay: {answers} recorded answers hold {} posts, {} of them public or unlisted; {} records, {asked} requests, {compared} values compared, {} wrong",
        posts.len(),
        open.len(),
        records.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(records.len(), open.len());
    world.holds("after the replay");
    world.stop();
}
