//! Sealed and pseudonymous: without the keys nobody finds a person in the agent's folder, the registry's or a log; with them every record is derived again.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use exhibit::Tube;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use schemas::{
    Digest,
    permission::{Allowlist, Authors, Evidence},
    policy::sign_statement,
    statement::Statement,
    trust::{Recipient, TrustRoot},
};
use serde_json::{Value, json};
use tests::{Source, World, get, occurrences, program, until};
use tlog::SigningKey;

/// Handle, name, and a handle that stands in mentions, headers and addresses only.
const CANARIES: [&str; 3] = ["zoracanary", "Zora Canarybird", "quillcanary"];

/// A site with people in everything it says. Stops when dropped.
struct Site {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    state: Arc<Mutex<u32>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let (asked, state, over) =
            (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)), Arc::new(AtomicBool::new(false)));
        let (heard, shown, ended, base) = (Arc::clone(&asked), Arc::clone(&state), Arc::clone(&over), url.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let _ = answer(&stream, &base, &heard, *shown.lock().unwrap());
            }
        });
        Self { url, asked, state, over, thread: Some(thread) }
    }

    /// Further posts, and one that is gone.
    fn advance(&self) {
        *self.state.lock().unwrap() += 1;
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: &TcpStream, base: &str, asked: &Mutex<Vec<String>>, state: u32) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut head = String::new();
    while lines.read_line(&mut head)? > 2 {}
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(target.clone());
    let unchanged = head.to_ascii_lowercase().contains("if-none-match");
    let path = target.split('?').next().unwrap_or_default();
    let [handle, name, other] = CANARIES;
    if path == "/political/2026/PoliticalAds.zip" {
        let file = tests::archive("PoliticalAds.csv", &ads(state));
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            file.len()
        )?;
        return stream.write_all(&file);
    }
    let (status, kind, body) = match path {
        "/robots.txt" => ("200 OK", "text/plain", "User-agent: *\nAllow: /\n".to_owned()),
        "/feed.atom" if unchanged => ("304 Not Modified", "", String::new()),
        "/feed.atom" => ("200 OK", "application/atom+xml", atom(base, state)),
        "/away.atom" => ("302 Found", "text/plain", String::new()),
        "/broken.atom" => ("200 OK", "application/atom+xml", format!("<feed><{handle}> by {name}")),
        "/api/v1/timelines/tag/harbour" => ("200 OK", "application/json", page(base, &target, state)),
        "/api/v2/instance" => {
            ("200 OK", "application/json", json!({ "version": "4.4.0", "domain": other }).to_string())
        }
        _ => ("404 Not Found", "application/json", json!({ "error": format!("no such thing, @{other}") }).to_string()),
    };
    let shown: Value = serde_json::from_str(&body).unwrap_or_default();
    let id = |post: Option<&Value>| post.and_then(|post| post["id"].as_str()).unwrap_or("1").to_owned();
    let (newest, oldest) =
        (id(shown.as_array().and_then(|all| all.first())), id(shown.as_array().and_then(|all| all.last())));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nETag: \"{handle}-{state}\"\r\nX-Poster: {name}\r\nSet-Cookie: who={other}\r\n\
         Link: <{base}/@{handle}>; rel=\"author\", <{base}{path}?max_id={oldest}&by={other}>; rel=\"next\", <{base}{path}?min_id={newest}&by={other}>; rel=\"prev\"\r\n\
         Location: {base}/@{other}/feed.atom\r\nConnection: close\r\n\r\n{body}",
        body.len(),
    )
}

fn atom(base: &str, state: u32) -> String {
    let [handle, name, other] = CANARIES;
    let entries: String = (0..12 + state).map(|n| format!(
        "<entry><id>{base}/users/{handle}/{n}</id><link href=\"{base}/@{handle}/{n}\"/><title>Berth {n}, says {name}</title>\
         <author><name>{name}</name><uri>{base}/@{handle}</uri><email>{handle}@mail.example</email></author><category term=\"{handle}\"/>\
         <updated>2026-10-01T06:{n:02}:00Z</updated><content type=\"html\">&lt;p&gt;Berth {n} is free, thanks to @{other} and \
         &lt;a href=\"{base}/@{other}\"&gt;{other}&lt;/a&gt;; more at {base}/@{handle}/{n}&lt;/p&gt;</content></entry>"
    )).collect();
    format!(
        "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><id>{base}/users/{handle}</id><title>{name}</title><updated>2026-10-01T06:00:00Z</updated>\
         <link rel=\"next\" href=\"{base}/feed.atom?by={other}\"/>{entries}</feed>"
    )
}

/// An ad library, published whole. One of its ads, known by a handle, is there at first only.
fn ads(state: u32) -> String {
    let [handle, name, other] = CANARIES;
    let columns = "AD ID,CreativeURL,Spend,Impressions,Currency Code,Start Date,End Date,Organization Name,BillingAddress,PayingAdvertiserName,\
                   CandidateBallotInformation,Gender,AgeBracket,CountryCode";
    let row = |id: &str| {
        format!(
            "\n{id},https://ads.example.com/asset/{id},412,98211,CAD,2026/09/01 04:00:00Z,2026/09/14 03:59:59Z,{name},\
             \"1 {other} Street\",{name},,,18+,canada"
        )
    };
    let rows: String = (0..5).map(|number| row(&format!("ad-{number:04}"))).collect();
    let first = if state == 0 { row(&format!("ad-{handle}")) } else { String::new() };
    format!("{columns}{rows}{first}")
}

fn page(base: &str, target: &str, state: u32) -> String {
    let bound = |name: &str| {
        let pairs = target.split_once('?').map_or("", |(_, query)| query);
        pairs.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
    };
    let (before, after) = (bound("max_id").unwrap_or(u64::MAX), bound("min_id").unwrap_or(0));
    let all = 1000..1030 + 5 * u64::from(state);
    let ids: Vec<u64> = all.filter(|id| *id < before && *id > after).collect();
    let shown: Vec<Value> = match after {
        0 => ids.iter().rev().take(20).map(|id| post(base, *id)).collect(),
        _ => ids.iter().take(20).rev().map(|id| post(base, *id)).collect(),
    };
    Value::Array(shown).to_string()
}

fn post(base: &str, id: u64) -> Value {
    let [handle, name, other] = CANARIES;
    json!({
        "id": id.to_string(), "uri": format!("{base}/users/{handle}/statuses/{id}"), "url": format!("{base}/@{handle}/{id}"),
        "created_at": "2026-10-01T06:00:00.000Z", "edited_at": null, "visibility": "public", "spoiler_text": "", "sensitive": false, "language": "en",
        "content": format!("<p>Ferry {id} by {name}, with <a href=\"{base}/@{other}\">@{other}</a> and {handle}</p>"),
        "in_reply_to_id": null, "reblog": null, "poll": null, "card": null, "application": { "name": handle },
        "account": { "acct": handle, "url": format!("{base}/@{handle}"), "uri": format!("{base}/users/{handle}"), "display_name": name },
        "media_attachments": [{ "type": "image", "url": format!("{base}/media/{handle}.png"), "remote_url": null, "description": name }],
        "mentions": [{ "acct": other, "url": format!("{base}/@{other}") }], "tags": [{ "name": "harbour" }, { "name": handle }],
        "replies_count": 0, "reblogs_count": 0, "favourites_count": 0
    })
}

struct Unit {
    world: World,
    site: Site,
    keys: PathBuf,
    collectors: &'static [&'static str],
}

const COLLECTORS: &[&str] = &["feed", "mastodon", "snapads"];

const SOURCES: [(&str, &str, &str); 5] = [
    ("ads", "snapads", "/political/2026/PoliticalAds.zip"),
    ("posts", "mastodon", "/api/v1/timelines/tag/harbour"),
    ("berths", "feed", "/feed.atom"),
    ("away", "feed", "/away.atom"),
    ("broken", "feed", "/broken.atom"),
];

impl Unit {
    /// A trial whose root is replaced by one with two recipients, and whose entries are replaced by sealed ones. Keys lie in a folder of their own.
    fn new(authors: Authors) -> Self {
        let site = Site::start();
        let sources: Vec<Source> = SOURCES
            .iter()
            .map(|(name, collector, feed)| Source::new(name, &site.url, feed).read_by(collector))
            .collect();
        Self::of(site, &sources, COLLECTORS, authors)
    }

    fn of(site: Site, sources: &[Source], collectors: &'static [&'static str], authors: Authors) -> Self {
        let mut world = World::prepared(sources, "every 10s");
        world.start();
        let keys = world.scratch().join("keys of others");
        fs::create_dir(&keys).unwrap();
        let unit = Self { world, site, keys, collectors };
        unit.seal(authors);
        unit
    }

    fn key(&self, name: &str) -> SigningKey {
        SigningKey::parse(fs::read_to_string(self.world.key(name)).unwrap().trim_end()).unwrap()
    }

    fn submit(&self, statement: &Statement, by: &[&SigningKey]) {
        let note = sign_statement(statement, by).unwrap();
        let file = self.world.scratch().join(format!("{}.note", Digest::of(note.as_bytes()).short()));
        fs::write(&file, note).unwrap();
        self.world.vigie(&["submit", file.to_str().unwrap()]).ok();
    }

    fn made(&self, what: &[&str], file: &str) -> Value {
        let file = self.keys.join(file);
        let mut arguments = vec!["--json", "key"];
        arguments.extend(what);
        arguments.extend(["--out", file.to_str().unwrap()]);
        self.world.vigie(&arguments).ok().json()
    }

    fn seal(&self, authors: Authors) {
        let recipients = ["eva", "noor"].map(|name| {
            let made = self.made(&["evidence", name], &format!("{name}.age"));
            Recipient { name: name.to_owned(), age: made["age"].as_str().unwrap().to_owned() }
        });
        self.made(&["pseudonym", "harbour-2026"], "pseudonym.key");
        let old = TrustRoot::from_toml(&fs::read_to_string(self.world.trust()).unwrap(), "trust.toml").unwrap();
        let [alice, bob] = ["alice", "bob"].map(|name| self.key(name));
        let mut root = old.clone();
        root.version = 2;
        root.previous = Some(old.digest());
        root.evidence_recipients = recipients.to_vec();
        self.submit(&Statement::Root { v: 1, root, salt: salt() }, &[&alice, &bob]);

        let mut list: Allowlist =
            toml::from_str(&fs::read_to_string(self.world.unit().join("allowlist.toml")).unwrap()).unwrap();
        for entry in &mut list.entries {
            entry.authors = authors;
            entry.evidence = Evidence::Sealed;
            let rule = entry.matches[0].clone();
            let paths = match entry.collector.as_str() {
                "mastodon" => &["/api/v1/timelines/tag/harbour", "/api/v1/statuses/", "/api/v2/instance"][..],
                "snapads" => &["/political/2026/PoliticalAds.zip"],
                "youtube" => &["/youtube/v3/"],
                _ => &["/feed.atom", "/away.atom", "/broken.atom"][..],
            };
            entry.matches = paths
                .iter()
                .map(|path| schemas::permission::Match { path: (*path).to_owned(), ..rule.clone() })
                .collect();
        }
        let digests: BTreeMap<_, _> = list.entries.iter().map(|entry| (entry.id.clone(), entry.digest())).collect();
        let made_at = Timestamp::now();
        let permission =
            Statement::Permission { v: 1, allowlist: list, recipes: BTreeMap::new(), made_at, salt: salt() };
        self.submit(&permission, &[&alice]);
        let until = made_at.to_zoned(TimeZone::UTC).date().checked_add(30.days()).unwrap().to_string();
        self.submit(&Statement::Approval { v: 1, entries: digests, until, made_at, salt: salt() }, &[&bob]);
    }

    /// Gives every agent its keys, as a configuration that names files elsewhere.
    fn hand_out_keys(&self) {
        for collector in self.collectors {
            let state = format!("{collector}.state.key");
            self.made(&["state"], &state);
            let file = self.world.agent_of(collector).folder.join("agent.toml");
            let text = fs::read_to_string(&file).unwrap();
            let keys = self.keys.display();
            fs::write(
                &file,
                format!("pseudonym_key = \"{keys}/pseudonym.key\"\nstate_key = \"{keys}/{state}\"\n{text}"),
            )
            .unwrap();
        }
    }

    fn keep_programs(&self) {
        for name in self.collectors.iter().map(|collector| format!("vigie-{collector}")) {
            self.world.vigie(&["agent", "program", program(&name).to_str().unwrap()]).ok();
        }
    }

    /// Collects once with all agents; what they said.
    fn once(&self) -> String {
        self.collectors
            .iter()
            .map(|collector| self.world.agent_of(collector).once().said())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Every place below the unit's folder, and in what was said, where somebody can be found as they are written.
    fn people(&self, said: &str) -> Vec<String> {
        self.found(said, &CANARIES.map(str::to_owned))
    }

    /// The same, however they are written: percent-encoded, in hexadecimal, backwards, in base64.
    fn people_in_disguise(&self, said: &str) -> Vec<String> {
        use base64::Engine as _;
        let mut forms = Vec::new();
        for canary in CANARIES {
            forms.extend([canary.replace(' ', "%20"), canary.replace(' ', "+"), canary.chars().rev().collect()]);
            forms.push(canary.bytes().map(|byte| format!("{byte:02x}")).collect());
            forms.push(canary.bytes().map(|byte| format!("%{byte:02x}")).collect());
            // In base64 a word stands in one of three forms, by what stands before it.
            for before in 0..3 {
                let padded = [&vec![b'x'; before][..], canary.as_bytes()].concat();
                let coded = base64::engine::general_purpose::STANDARD.encode(padded);
                let inner: String = coded.chars().skip((before * 8).div_ceil(6)).collect();
                forms.push(inner.chars().take((canary.len() * 8 - 6) / 6 - 1).collect());
            }
        }
        forms.sort();
        forms.dedup();
        self.found(said, &forms)
    }

    fn found(&self, said: &str, forms: &[String]) -> Vec<String> {
        let said = said.to_lowercase();
        let mut found = Vec::new();
        for form in forms {
            let log = said.contains(&form.to_lowercase()).then(|| "what was said".to_owned());
            let places = occurrences(&self.world.unit(), form).into_iter().chain(log);
            found.extend(places.map(|place| format!("{form}: {place}")));
        }
        found
    }

    fn rederive(&self, arguments: &[&str]) -> tests::Output {
        let mut all = vec!["--json", "rederive", "--all"];
        all.extend(arguments);
        self.world.vigie(&all)
    }

    fn own(&self, file: &str) -> String {
        self.keys.join(file).to_str().unwrap().to_owned()
    }
}

fn salt() -> Digest {
    Digest::of(Timestamp::now().to_string().as_bytes())
}

fn all_public(url: &str) -> bool {
    !CANARIES.iter().any(|canary| url.contains(canary))
}

#[test]
fn nobody_is_found_without_the_keys_and_everything_is_derived_again_with_them() {
    let mut unit = Unit::new(Authors::Pseudonym);
    let resting = unit.once();
    assert!(resting.contains("no state key"), "an agent without keys must not collect: {resting}");
    assert!(unit.site.asked().is_empty(), "{:?}", unit.site.asked());
    unit.hand_out_keys();

    let mut said = unit.once();
    unit.site.advance();
    said.push_str(&unit.once());
    said.push_str(&unit.once());
    let _ = unit.world.settled();
    said.push_str(&unit.world.log());
    let asked = unit.site.asked();
    assert!(asked.len() > 12 && asked.iter().all(|url| all_public(url)), "{asked:?}");

    // Kept, proven, found by pseudonym.
    unit.world.holds("with sealed evidence");
    let hits = unit.world.search("");
    let of = |name: &str| unit.world.search(&format!("source:{name}")).len();
    let (posts, berths) = (of("posts"), of("berths"));
    assert_eq!((posts, berths), (35, 13), "{said}");
    let record = unit.world.show(hits[0]["id"].as_str().unwrap());
    let newest = &record["revisions"][0]["record"];
    let handle = unit.world.search("source:posts").iter().find_map(|hit| {
        unit.world.show(hit["id"].as_str()?)["revisions"][0]["record"]["author"]["handle"].as_str().map(str::to_owned)
    });
    let handle = handle.unwrap();
    assert_eq!(unit.world.search(&format!("author:{handle}")).len(), posts, "all posts are one pseudonym's");
    assert_eq!(newest["keyed"]["scope"], "harbour-2026");

    // An ad that left its library is told by its pseudonym.
    let left = unit.world.search("source:ads is:vanished");
    let [left] = &left[..] else { panic!("{left:?}\n{said}") };
    let left = unit.world.show(left["id"].as_str().unwrap());
    assert_eq!((of("ads"), &left["vanished"][0]["scope"]), (6, &json!("sealed")), "{left}");
    assert!(left["id"].as_str().unwrap().starts_with("px"), "{left}");

    // The account of a record: who may open it, who may not.
    let id = hits[0]["id"].as_str().unwrap();
    let bundle = unit.world.scratch().join("one.vigie-bundle");
    let trace = unit.world.vigie(&["trace", id, "--bundle", bundle.to_str().unwrap()]).ok().said();
    assert!(trace.contains("eva or noor may open them, each alone") && trace.contains("nobody else"), "{trace}");
    assert!(unit.world.verify(&bundle).exits(7).said().contains("VALID"));
    for lang in ["en", "fr"] {
        let page = get(unit.world.listen(), &format!("/record/{id}?lang={lang}")).unwrap().text();
        assert!(page.contains("eva, noor"), "{lang}: {page}");
    }

    // Nobody is found, wherever one looks.
    unit.world.stop();
    said.push_str(&unit.world.log());
    let found = [unit.people(&said), unit.people_in_disguise(&said)].concat();
    assert!(found.is_empty(), "{}", found.join("\n"));

    // Without keys: sealed. With them: bit for bit.
    unit.keep_programs();
    let shut = unit.rederive(&[]).ok().json();
    let readings = shut["sealed"].as_u64().unwrap();
    assert!(readings > 6 && shut["lines"] == 0, "{shut}");
    for name in ["eva", "noor"] {
        let open = unit
            .rederive(&["--identity", &unit.own(&format!("{name}.age")), "--pseudonym-key", &unit.own("pseudonym.key")])
            .ok()
            .json();
        assert_eq!(open["segments_that_differ"], 0, "{open}");
        assert_eq!((&open["readings"], &open["lines"]), (&json!(readings), &open["equal"]), "{open}");
        assert!(open["lines"].as_u64().unwrap() >= (posts + berths) as u64, "{open}");
        println!(
            "{name}: {} readings, {} of {} lines equal, byte for byte",
            open["readings"], open["equal"], open["lines"]
        );
    }
    // Another's keys open nothing, and another key makes other pseudonyms.
    unit.made(&["evidence", "mallory"], "mallory.age");
    unit.made(&["pseudonym", "harbour-2026"], "other.key");
    unit.rederive(&["--identity", &unit.own("mallory.age"), "--pseudonym-key", &unit.own("pseudonym.key")]).exits(1);
    unit.rederive(&["--identity", &unit.own("eva.age"), "--pseudonym-key", &unit.own("other.key")]).exits(1);
    unit.rederive(&["--identity", &unit.own("eva.age")]).exits(1);

    // The key holder finds everybody: the scanner would have seen them.
    let holder = registry::unsealing::Holder::read(&[unit.keys.join("eva.age")], &[]).unwrap();
    let mut opened = 0;
    for file in tests::segments(&unit.world.data()) {
        let segment = schemas::segment::Segment::read(&fs::read(file).unwrap()).unwrap();
        let clear = schemas::segment::Opened::of(&segment, &holder).unwrap();
        assert!(clear.differs.is_empty(), "{:?}", clear.differs);
        let text = String::from_utf8_lossy(&uncompressed(&clear.to_warc().unwrap())).into_owned();
        opened += CANARIES.iter().filter(|canary| text.contains(**canary)).count();
    }
    assert!(opened >= 9, "{opened}");
}

fn uncompressed(file: &[u8]) -> Vec<u8> {
    warc::Reader::lenient(file).flatten().flat_map(|entry| entry.raw).collect()
}

#[test]
fn key_that_an_answer_repeats_is_struck_before_it_is_sealed() {
    const CHANNEL: &str = "UCexampleharbourfilms001";
    const KEY: &str = "key-of-nobody-0123456789abcdef";
    let service = Tube::start(CHANNEL, KEY).unwrap();
    service.put(json!({
        "id": "EXAMPLEvid0", "contentDetails": { "duration": "PT58S" }, "status": { "privacyStatus": "public" },
        "snippet": {
            "publishedAt": "2026-10-01T12:00:00Z", "channelId": CHANNEL, "channelTitle": "Harbour of Exampleton",
            "title": "Film 0", "description": "", "liveBroadcastContent": "none"
        }
    }));
    let source = Source::new("films", service.url(), &format!("/youtube/v3/channels?id={CHANNEL}"))
        .read_by("youtube")
        .with_lines("credential = \"youtube-key\"\nrobots = \"api: the interface's own terms\"");
    let mut unit = Unit::of(Site::start(), &[source], &["youtube"], Authors::Named);
    unit.hand_out_keys();
    fs::write(unit.keys.join("youtube-key"), KEY).unwrap();
    fs::set_permissions(unit.keys.join("youtube-key"), fs::Permissions::from_mode(0o600)).unwrap();
    let said = unit.world.agent_of("youtube").with_credentials(&unit.keys).once().ok().said();
    let _ = unit.world.settled();
    assert_eq!(unit.world.search("source:films").len(), 1, "{said}");
    unit.world.holds("with a key in sealed evidence");
    unit.world.stop();
    let found = unit.found(&said, &[KEY.to_owned()]);
    assert!(found.is_empty(), "{}", found.join("\n"));

    unit.keep_programs();
    let open = unit.rederive(&["--identity", &unit.own("eva.age")]).ok().json();
    assert_eq!((&open["segments_that_differ"], &open["lines"]), (&json!(0), &open["equal"]), "{open}");
    assert!(open["lines"].as_u64().unwrap() > 0, "{open}");
    // Whoever may open it sees an answer that repeated the key, and stars in its place.
    let holder = registry::unsealing::Holder::read(&[unit.keys.join("eva.age")], &[]).unwrap();
    let mut repeated = 0;
    for file in tests::segments(&unit.world.data()) {
        let segment = schemas::segment::Segment::read(&fs::read(file).unwrap()).unwrap();
        let clear = schemas::segment::Opened::of(&segment, &holder).unwrap();
        let text = String::from_utf8_lossy(&uncompressed(&clear.to_warc().unwrap())).into_owned();
        assert!(!text.contains(KEY));
        repeated += text.matches(&format!("&key={}\",\"", "*".repeat(KEY.len()))).count();
    }
    assert!(repeated > 0, "no answer was to be seen");
}

#[test]
fn agent_killed_at_any_time_leaves_nobody_behind() {
    let mut unit = Unit::new(Authors::Pseudonym);
    unit.hand_out_keys();
    let mut said = String::new();
    for point in ["agent_after_exchange", "agent_after_write", "agent_before_commit"] {
        for collector in ["feed", "mastodon"] {
            said.push_str(&unit.world.agent_of(collector).once_crashing(Some(point)).said());
        }
        let found = unit.people(&said);
        assert!(found.is_empty(), "{point}: {}", found.join("\n"));
    }
    // `kill -9` wherever it happens to be.
    let before = unit.site.asked().len();
    unit.site.advance();
    let mut running = unit.world.agent_of("mastodon").begin_once();
    until("a request under way", || (unit.site.asked().len() > before || running.ended().is_some()).then_some(()));
    running.kill();
    let found = unit.people(&said);
    assert!(found.is_empty(), "kill -9: {}", found.join("\n"));
    // The first ends the walk that was under way, the second sees what came meanwhile.
    said.push_str(&unit.once());
    said.push_str(&unit.once());
    let _ = unit.world.settled();
    assert_eq!(unit.world.search("source:posts").len(), 35, "{said}");
    unit.world.holds("after the crashes");
    unit.world.stop();
    assert!(unit.people(&said).is_empty());
    unit.keep_programs();
    let keys = [unit.own("eva.age"), unit.own("pseudonym.key")];
    let open = unit.rederive(&["--identity", &keys[0], "--pseudonym-key", &keys[1]]).ok().json();
    assert_eq!((&open["segments_that_differ"], &open["lines"]), (&json!(0), &open["equal"]), "{open}");
}

#[test]
fn keys_that_others_can_read_or_that_lie_beside_what_they_hide_are_refused() {
    let mut unit = Unit::new(Authors::Omit);
    unit.hand_out_keys();
    let agent = unit.world.agent_of("feed");
    let key = unit.keys.join("pseudonym.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(agent.once().exits(1).said().contains("chmod 600"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    agent.once();
    let _ = unit.world.settled();
    let hits = unit.world.search("source:berths");
    assert_eq!(hits.len(), 12);
    let record = &unit.world.show(hits[0]["id"].as_str().unwrap())["revisions"][0]["record"];
    assert!(record["author"].is_null() && record["text"].as_str().unwrap().contains("@someone"), "{record}");
    let beside = agent.folder.join("state/pseudonym.key");
    fs::copy(&key, &beside).unwrap();
    let file = agent.folder.join("agent.toml");
    let text = fs::read_to_string(&file).unwrap().replace(key.to_str().unwrap(), beside.to_str().unwrap());
    fs::write(&file, text).unwrap();
    assert!(agent.once().exits(1).said().contains("beside what it hides"));
    assert!(unit.people("").is_empty(), "{:?}", unit.people(""));
    unit.world.let_wait();
    unit.world.stop();
}
