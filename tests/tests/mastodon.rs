//! Timelines of the Mastodon API through the whole spine: every post once, edits as revisions, deletions as withdrawals, pauses kept.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use exhibit::{Instance, Manner};
use serde_json::{Value, json};
use tests::{Dice, Source, World, shared, skipped, times};

/// These servers are asked by their documented client interface.
const BY_API: &str = r#"robots = "api: the documented client interface of the server""#;

fn source(name: &str, url: &str, timeline: &str) -> Source {
    Source::new(name, url, timeline).read_by("mastodon").with_lines(BY_API)
}

/// Records of one source by id, each with its revisions.
fn found(world: &World, name: &str) -> BTreeMap<String, Value> {
    records(world, &format!("source:{name}"))
}

/// Records that a query finds, by id.
fn records(world: &World, query: &str) -> BTreeMap<String, Value> {
    let hits = world.search(query);
    let count = hits.len();
    let found: BTreeMap<String, Value> = hits
        .iter()
        .map(|hit| world.show(hit["id"].as_str().unwrap()))
        .map(|item| (item["id"].as_str().unwrap().to_owned(), item))
        .collect();
    assert_eq!(found.len(), count, "an id is found twice");
    found
}

/// Revisions as told, oldest first: the text, or `-` for a withdrawal.
fn told(item: &Value) -> Vec<String> {
    let revisions = item["revisions"].as_array().unwrap();
    let text = |revision: &Value| match &revision["record"] {
        Value::Null => "-".to_owned(),
        record => record["text"].as_str().unwrap_or_default().to_owned(),
    };
    revisions.iter().map(text).collect()
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

/// An invented post of `server`.
fn post(server: &str, id: u32, text: &str, edited: bool) -> Value {
    json!({
        "id": id.to_string(), "created_at": format!("2026-10-01T12:{:02}:{:02}.000Z", id / 60 % 60, id % 60),
        "edited_at": edited.then_some("2026-10-02T08:00:00.000Z"), "in_reply_to_id": null, "sensitive": false, "spoiler_text": "",
        "visibility": "public", "language": "en", "uri": format!("{server}/users/desk/statuses/{id}"), "url": format!("{server}/@desk/{id}"),
        "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "content": format!("<p>{text}</p>"), "reblog": null,
        "media_attachments": [], "mentions": [], "tags": [], "card": null, "poll": null,
        "account": {
            "id": "11", "username": "desk", "acct": "desk", "display_name": "Example Desk", "bot": false, "noindex": false,
            "created_at": "2022-11-01T00:00:00.000Z", "note": "<p>Reserved example</p>", "url": format!("{server}/@desk"),
            "uri": format!("{server}/users/desk"), "followers_count": 1, "following_count": 1, "statuses_count": 1, "fields": []
        }
    })
}

/// Lets the agent look until an item has this history; every look is a run.
fn until_told(world: &World, source: &str, id: &str, history: &[&str]) {
    tests::until(&format!("{id} told as {history:?}"), || {
        world.agent_of("mastodon").once_target(source).ok();
        let _ = world.settled();
        found(world, source).get(id).is_some_and(|item| told(item) == history).then_some(())
    });
}

/// Asked for again at every look that begins a second later than the one before.
const OFTEN: [u32; 30] = [1; 30];

#[test]
fn edits_deletions_and_pauses_are_seen_in_both_dialects() {
    let vanilla = Instance::start(Ipv4Addr::LOCALHOST, Manner { page: 4, ..Manner::default() }).unwrap();
    let plain =
        Instance::start(Ipv4Addr::LOCALHOST, Manner { links: false, single: false, page: 4, ..Manner::default() })
            .unwrap();
    let servers = [&vanilla, &plain];
    let publish = |ids: std::ops::Range<u32>| {
        for (server, id) in servers.iter().flat_map(|server| ids.clone().map(move |id| (server, id))) {
            server.put(post(server.url(), id, &format!("Post {id}"), false));
        }
    };
    publish(100..110);
    let mut world =
        World::with(&[source("vanilla", vanilla.url(), "/@desk"), source("plain", plain.url(), "/tags/harbour")]);
    let agent = world.agent_of("mastodon");
    agent.asks_again_after(&OFTEN);
    agent.once().ok();
    publish(110..121);
    vanilla.be_busy(1);
    // 429 without `Retry-After`: the reset that the rate headers name is waited for, not a guess.
    let slowed = agent.once().ok();
    assert!(slowed.took.as_secs() < 60, "{}", slowed.said());
    let log = vanilla.log();
    let refused = log.iter().position(|seen| seen.status == 429).unwrap();
    let pause = log[refused + 1].at.duration_since(log[refused].at);
    assert!(pause.as_millis() >= 900, "asked again after {pause:?}");
    for server in servers {
        server.put(post(server.url(), 120, "Post 120, corrected", true));
        server.put(post(server.url(), 101, "Post 101, corrected", true));
        server.remove("102");
    }
    for (name, server) in [("vanilla", &vanilla), ("plain", &plain)] {
        let id = |id: u32| format!("{}/users/desk/statuses/{id}", server.url());
        until_told(&world, name, &id(120), &["Post 120", "Post 120, corrected"]);
        until_told(&world, name, &id(102), &["Post 102", "-"]);
    }
    until_told(
        &world,
        "vanilla",
        &format!("{}/users/desk/statuses/101", vanilla.url()),
        &["Post 101", "Post 101, corrected"],
    );
    let [records, others] = ["vanilla", "plain"].map(|name| found(&world, name));
    for (records, server) in [(&records, &vanilla), (&others, &plain)] {
        let of = |id: u32| told(&records[&format!("{}/users/desk/statuses/{id}", server.url())]);
        assert_eq!(records.keys().filter(|id| id.contains("/statuses/")).count(), 21);
        assert!((103..119).all(|id| of(id) == [format!("Post {id}")]), "what nobody touched has one revision");
    }
    // Without `Link` headers single posts are asked for as ActivityPub objects, which tell deletions only.
    assert_eq!(told(&others[&format!("{}/users/desk/statuses/101", plain.url())]), ["Post 101"]);
    assert!(plain.log().iter().all(|seen| seen.status != 401), "nobody asks for what needs an account");
    assert!(records.contains_key(&format!("{}/users/desk", vanilla.url())), "the account is a record too");
    world.holds("after edits and deletions");
    world.stop();
}

#[test]
fn closed_timeline_is_a_halt_and_not_silence() {
    let access = json!({ "live_feeds": { "local": "authenticated", "remote": "disabled" } });
    let closed = Instance::start(Ipv4Addr::LOCALHOST, Manner { access, ..Manner::default() }).unwrap();
    let quiet = Instance::start(Ipv4Addr::LOCALHOST, Manner::default()).unwrap();
    let mut world = World::with(&[source("closed", closed.url(), "/public"), source("quiet", quiet.url(), "/public")]);
    // 3: a target is blocked.
    world.agent_of("mastodon").once().exits(3);
    let _ = world.settled();
    let said: BTreeMap<String, (String, String)> =
        world.coverage().into_iter().map(|(entry, state, why)| (entry, (state, why))).collect();
    println!("closed: {said:?}");
    assert_eq!(said["closed"].0, "blocked");
    assert!(said["closed"].1.contains("authenticated") && said["closed"].1.contains("disabled"), "{said:?}");
    assert_eq!(said["quiet"].0, "empty");
    let asked = closed.log().len();
    world.agent_of("mastodon").once();
    assert_eq!(closed.log().len(), asked, "a closed timeline is not asked again");
    world.stop();
}

/// A live snac with one account, in a folder of its own. Killed when dropped.
struct Snac {
    folder: tempfile::TempDir,
    listen: SocketAddr,
    password: String,
    server: Child,
}

impl Snac {
    /// Nothing where snac is not installed.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut init =
            Command::new("snac").arg("init").arg(&data).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().ok()?;
        writeln!(init.stdin.take().unwrap(), "127.0.0.1\n{}\n{listen}\n\n", listen.port()).unwrap();
        assert!(init.wait().unwrap().success(), "`snac init` failed");
        // Its settings ask for https; on loopback there is nobody in between.
        let settings = data.join("server.json");
        let mut server: Value = serde_json::from_slice(&fs::read(&settings).unwrap()).unwrap();
        server["protocol"] = json!("http");
        fs::write(&settings, server.to_string()).unwrap();
        let added = Command::new("snac").arg("adduser").arg(&data).arg("desk").output().unwrap();
        let said = String::from_utf8_lossy(&added.stdout).into_owned();
        let password = said.lines().find_map(|line| line.strip_prefix("User password is ")).unwrap().trim().to_owned();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let server = Command::new("snac").arg("httpd").arg(&data).stderr(log).stdout(Stdio::null()).spawn().unwrap();
        let snac = Self { folder, listen, password, server };
        tests::until("snac's first answer", || {
            tests::get(listen, "/api/v1/instance").is_ok_and(|got| got.status == 200).then_some(())
        });
        Some(snac)
    }

    fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Publishes by its own command; returns the post's id.
    fn note(&self, text: &str) -> String {
        let before: BTreeSet<String> = self.shown().into_keys().collect();
        let data = self.folder.path().join("data");
        let status = Command::new("snac")
            .arg("note")
            .arg(data)
            .args(["desk", text])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        tests::until("the note", || self.shown().into_keys().find(|id| !before.contains(id)))
    }

    /// Posts a form as its owner's browser does.
    fn form(&self, path: &str, fields: &[(&str, &str)]) {
        use base64::Engine as _;
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body = fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&");
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("desk:{}", self.password));
        let mut stream = TcpStream::connect(self.listen).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.listen,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 303"), "{path}: {answer}");
    }

    /// What its tag timeline shows now: id and HTML.
    fn shown(&self) -> BTreeMap<String, String> {
        let got = tests::get(self.listen, "/api/v1/timelines/tag/harbour?limit=1000").unwrap();
        let posts: Vec<Value> = serde_json::from_str(&got.text()).unwrap();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        posts.iter().map(|post| (word(&post["uri"]), word(&post["content"]))).collect()
    }
}

impl Drop for Snac {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What is told of a server's posts other than it was.
fn differences(world: &World, truth: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut records = records(world, "");
    records.retain(|id, _| id.contains("/p/"));
    let unknown = records.keys().filter(|id| !truth.contains_key(*id)).map(|id| format!("{id} was never written"));
    let others = truth.iter().filter_map(|(id, said)| match records.get(id).map(told) {
        None => Some(format!("{id} is missing")),
        Some(told) if told != *said => Some(format!("{id} told as {told:?} instead of {said:?}")),
        Some(_) => None,
    });
    unknown.chain(others).collect()
}

#[test]
fn live_snac_is_collected_round_by_round_without_loss_or_doubles() {
    let Some(snac) = Snac::start() else {
        return skipped("live_snac_is_collected_round_by_round_without_loss_or_doubles", "the program `snac` (snac2)");
    };
    let timelines = [("tag", "/tags/harbour"), ("account", "/@desk")];
    let mut world = World::with(&timelines.map(|(name, path)| source(name, &snac.url(), path)));
    let agent = world.agent_of("mastodon");
    agent.asks_again_after(&OFTEN);
    // What each post said, in order; `-` once it is deleted. Ids of snac begin with the time, so the map is in order.
    let mut truth: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (rounds, mut dice) = (times(3, 12), Dice::of("live_snac", 3));
    let (mut written, mut edits, mut deletions) = (0, 0, 0);
    for round in 0..rounds {
        // More than a page at once in the second round, so that paging back is needed.
        for _ in 0..if round == 1 { 43 } else { 4 } {
            written += 1;
            let id = snac.note(&format!("Note {written} & more about #harbour https://news.example/{written}"));
            truth.insert(id.clone(), vec![plainly(&snac.shown()[&id])]);
        }
        agent.once_target("tag").ok();
        let open: Vec<String> =
            truth.iter().filter(|(_, said)| said.last().unwrap() != "-").map(|(id, _)| id.clone()).collect();
        let pick = |below: usize, dice: &mut Dice| usize::try_from(dice.below(below as u64)).unwrap();
        let edited = &open[open.len() - 1 - pick(4, &mut dice)];
        let content = format!("Corrected in round {round}: more about #harbour");
        snac.form("/desk/admin/note", &[("edit_id", edited), ("content", &content)]);
        truth.get_mut(edited).unwrap().push(plainly(&snac.shown()[edited]));
        edits += 1;
        // Anything but what was just edited, also what stands on no newest page any more.
        let rest: Vec<&String> = open.iter().filter(|id| *id != edited).collect();
        let deleted = rest[pick(rest.len(), &mut dice)];
        snac.form("/desk/admin/action", &[("id", deleted), ("action", "Delete")]);
        truth.get_mut(deleted).unwrap().push("-".to_owned());
        deletions += 1;
        agent.once_target("tag").ok();
    }
    tests::until("every deletion told", || {
        agent.once_target("tag").ok();
        let _ = world.settled();
        (world.search("is:gone").len() == deletions).then_some(())
    });
    let mut wrong = differences(&world, &truth);
    // The account's timeline shows the same posts through the same server: each still has its one history.
    agent.once_target("account").ok();
    let _ = world.settled();
    wrong.extend(differences(&world, &truth));
    println!(
        "snac: {rounds} rounds, {written} posts, {edits} edits, {deletions} deletions; {} wrong by one timeline and by two",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.holds("after the live server");
    world.stop();
}
