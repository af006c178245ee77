//! One thing seen through several sources is one identity with a history for each vantage; nobody writes another's history.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{collections::BTreeMap, fs, net::Ipv4Addr};

use exhibit::{FileSite, Headers, Instance, Manner};
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

const RECIPE: &str = "# The harbour's own pages.\nformat = 1\nzone = \"UTC\"\n\n[list]\nitem = \"ul.news > li\"\n\n[article]\ntitle = \"h1\"\ntext = \"div.story\"\n";

/// Puts the recipe beside the unit's allowlist, names it by the digest that the check says, and signs.
fn sign_recipe(world: &World) {
    fs::write(world.unit().join("harbour.toml"), RECIPE).unwrap();
    let (file, nobody) = (world.unit().join("allowlist.toml"), "0".repeat(64));
    let line = format!("collector = \"web\"\nrecipe = {{ file = \"harbour.toml\", digest = \"{nobody}\" }}");
    let with = fs::read_to_string(&file).unwrap().replace("collector = \"web\"", &line);
    fs::write(&file, &with).unwrap();
    let refused = world.vigie(&["policy", "check"]).exits(1).said();
    let (_, hint) = refused.split_once("write `digest = \"").unwrap_or_else(|| panic!("{refused}"));
    fs::write(&file, with.replace(&nobody, hint.get(..64).unwrap())).unwrap();
    for who in ["alice", "bob"] {
        world.vigie(&["policy", "sign", "--yes", "--key", world.key(who).to_str().unwrap()]).ok();
    }
}

#[test]
fn article_through_feed_and_page_is_one_identity() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let site = FileSite::start(folder.path(), Headers::new()).unwrap();
    let address = format!("{}/cranes.html", site.base_url());
    let page = |body: &str| {
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Harbour</title></head><body>{body}</body></html>"
        )
    };
    put("news.html", &page("<ul class=\"news\"><li><a href=\"/cranes.html\">Cranes arrive</a></li></ul>"));
    put(
        "cranes.html",
        &page("<h1>Cranes arrive</h1><div class=\"story\"><p>Two cranes arrived by sea this morning.</p></div>"),
    );
    let feed = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Harbour</title><link>{0}/</link><description>d</description><item><title>Cranes arrive</title>\
         <link>{address}</link><guid isPermaLink=\"true\">{address}</guid><description>Two cranes.</description></item></channel></rss>",
        site.base_url()
    );
    put("news.rss", &feed);
    let mut world = World::with(&[
        Source::new("feed", site.base_url(), "/news.rss"),
        Source::new("pages", site.base_url(), "/news.html").read_by("web"),
    ]);
    sign_recipe(&world);
    for collector in ["feed", "web"] {
        // It fetches the policy that was just signed; what it would do is not the question here.
        let _ = world.agent_of(collector).plan();
        world.agent_of(collector).once().ok();
    }
    let _ = world.settled();
    let all = identities(&world);
    print(&all);
    let histories: Vec<&Histories> =
        all.iter().filter(|(id, _)| id.ends_with("/cranes.html")).map(|(_, all)| all).collect();
    let [history] = histories.as_slice() else { panic!("{} identities for one article", histories.len()) };
    assert_eq!(history.keys().collect::<Vec<_>>(), ["127.0.0.1"], "one site, one vantage");
    let (home, told) = &history["127.0.0.1"];
    assert!(*home && told.len() == 2, "what the feed says, and what the page says: {told:?}");
    world.holds("after feed and page");
    world.stop();
}
