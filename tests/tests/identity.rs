//! One thing seen through several sources is one identity with a history for each vantage; nobody writes another's history.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{collections::BTreeMap, net::Ipv4Addr};

use exhibit::{Instance, Manner};
use serde_json::{Value, json};
use tests::{Source, World};

/// An identity's histories by vantage: whether it is at home there, and what was told, oldest first (`-` for a withdrawal).
type Histories = BTreeMap<String, (bool, Vec<String>)>;

fn source(name: &str, server: &Instance) -> Source {
    Source::new(name, server.url(), "/public")
        .read_by("mastodon")
        .with_lines(r#"robots = "api: the documented client interface of the server""#)
}

/// A post as `server` shows it under an id of its own.
fn post(server: &str, id: &str, uri: &str, author: &str, text: &str) -> Value {
    let host = author.split('/').nth(2).unwrap();
    let acct = if author.starts_with(server) { "desk".to_owned() } else { format!("desk@{host}") };
    json!({
        "id": id, "created_at": "2026-10-01T12:00:00.000Z", "edited_at": null, "in_reply_to_id": null, "sensitive": false, "spoiler_text": "",
        "visibility": "public", "language": "en", "uri": uri, "url": uri, "replies_count": 0, "reblogs_count": id.len(), "favourites_count": 0,
        "content": format!("<p>{text}</p>"), "reblog": null, "media_attachments": [], "mentions": [], "tags": [], "card": null, "poll": null,
        "account": { "id": "11", "acct": acct, "display_name": "Example Desk", "bot": false, "url": author, "uri": author }
    })
}

/// Everything the registry knows, by identity.
fn identities(world: &World) -> BTreeMap<String, Histories> {
    let mut all: BTreeMap<String, Histories> = BTreeMap::new();
    for hit in world.search("") {
        let item = world.show(hit["id"].as_str().unwrap());
        let told = item["revisions"].as_array().unwrap().iter().map(|revision| match &revision["record"] {
            Value::Null => "-".to_owned(),
            record => record["text"].as_str().or(record["title"].as_str()).unwrap_or_default().to_owned(),
        });
        let id = format!("{} {}", item["platform"].as_str().unwrap(), item["id"].as_str().unwrap());
        let vantage = item["vantage"].as_str().unwrap().to_owned();
        let before = all.entry(id).or_default().insert(vantage, (item["home"] == true, told.collect()));
        assert!(before.is_none(), "{item} is found twice");
    }
    all
}

fn print(all: &BTreeMap<String, Histories>) {
    println!("identity | vantage | home | revisions");
    for (id, histories) in all {
        for (vantage, (home, told)) in histories {
            println!("{id} | {vantage} | {} | {}", if *home { "home" } else { "claim" }, told.join(" → "));
        }
    }
}

#[test]
fn post_through_two_servers_is_one_identity_and_a_liar_writes_only_its_own_claims() {
    // Loopback addresses are hosts of their own.
    let [home, mirror, liar] =
        [1, 2, 3].map(|last| Instance::start(Ipv4Addr::new(127, 0, 0, last), Manner::default()).unwrap());
    let desk = format!("{}/users/desk", home.url());
    let [first, second] = [1, 2].map(|n| format!("{desk}/statuses/{n}"));
    home.put(post(home.url(), "1", &first, &desk, "The harbour opens at nine"));
    home.put(post(home.url(), "2", &second, &desk, "The bridge stays closed"));
    mirror.put(post(mirror.url(), "900001", &first, &desk, "The harbour opens at nine"));
    liar.put(post(liar.url(), "7", &first, &desk, "The harbour burns"));
    liar.put(post(liar.url(), "8", &second, &desk, "The bridge fell"));
    // What looks like the home's address and is the liar's own.
    let trick = format!(
        "http://{}@{}/users/desk/statuses/3",
        home.url().trim_start_matches("http://"),
        liar.url().trim_start_matches("http://")
    );
    liar.put(post(liar.url(), "9", &trick, &desk, "Dressed up"));

    let mut world = World::with(&[source("home", &home), source("mirror", &mirror), source("liar", &liar)]);
    let agent = world.agent_of("mastodon");
    agent.asks_again_after(&[1; 30]);
    agent.once().ok();
    // The author corrects the first post; the mirror has not heard of it. The liar edits one claim and withdraws the other.
    home.put(post(home.url(), "1", &first, &desk, "The harbour opens at ten"));
    liar.put(post(liar.url(), "7", &first, &desk, "The harbour burns again"));
    liar.remove("8");
    let all = tests::until("every change told", || {
        agent.once().ok();
        let _ = world.settled();
        let all = identities(&world);
        let told = |id: &str, vantage: &str| all[&format!("mastodon {id}")][vantage].1.len();
        let done = told(&first, "127.0.0.1") == 2 && told(&first, "127.0.0.3") == 2 && told(&second, "127.0.0.3") == 2;
        done.then_some(all)
    });
    print(&all);

    let histories = |id: &str| -> Vec<(String, bool, Vec<String>)> {
        all[&format!("mastodon {id}")]
            .iter()
            .map(|(vantage, (home, told))| (vantage.clone(), *home, told.clone()))
            .collect()
    };
    let line = |vantage: &str, home: bool, told: &[&str]| {
        (vantage.to_owned(), home, told.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(
        histories(&first),
        [
            line("127.0.0.1", true, &["The harbour opens at nine", "The harbour opens at ten"]),
            line("127.0.0.2", false, &["The harbour opens at nine"]),
            line("127.0.0.3", false, &["The harbour burns", "The harbour burns again"]),
        ]
    );
    assert_eq!(
        histories(&second),
        [line("127.0.0.1", true, &["The bridge stays closed"]), line("127.0.0.3", false, &["The bridge fell", "-"]),]
    );
    assert_eq!(histories(&trick), [line("127.0.0.3", true, &["Dressed up"])], "user information is no host");
    assert_eq!(all.len(), 3, "no identity beside these");
    world.holds("after the liar");
    world.stop();
}
