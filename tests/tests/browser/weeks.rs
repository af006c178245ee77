//! A registry with five weeks behind it, in this process: gaps, failures, hostile words, scripts that run from the right, an erasure, an
//! agent that lost a segment, entries that end soon or were never approved.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use registry::{
    api::Desk,
    core::{
        Registry,
        storage::RealDisk,
        testing::{self, Agent, Page, World},
    },
    desk::RecordId,
    listener,
    search::SqliteIndex,
};
use schemas::{
    coverage::CoverageState,
    permission::Entry,
    receipt::Receipt,
    record::{Author, ClaimedTime, Kind, Record, Relation, RelationKind},
    statement::Statement,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What a hostile source might write. It must never run: it would set `ran`.
pub const HOSTILE: &str = "</script></title><script>ran=1;document.title='ran'</script> <img src=x onerror=ran=1> \"'><svg onload=ran=1> \u{202e}gnp.exe\u{2066}";

/// The registry and where it listens. Stops when dropped.
pub struct Weeks {
    pub address: SocketAddr,
    /// Addresses of pages by name.
    pub records: Vec<(&'static str, String)>,
    stop: CancellationToken,
    server: Option<std::thread::JoinHandle<()>>,
    _folder: TempDir,
}

impl Drop for Weeks {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn entry(id: &str, expires_on: &str) -> Entry {
    let base = testing::entry();
    Entry {
        id: id.to_owned(),
        schedule: "0 6 * * *".to_owned(),
        expires_on: expires_on.to_owned(),
        purpose: "See early what is announced about the harbour".to_owned(),
        ..base
    }
}

fn record(kind: Kind, id: &str, title: Option<&str>, text: &str, language: &str) -> Record {
    let mut made = Record::new(kind, "web", format!("news.example.org|{id}"));
    made.title = title.map(str::to_owned);
    made.text = Some(text.to_owned());
    made.language = Some(language.to_owned());
    made.url = Some(format!("https://news.example.org/{id}"));
    made
}

/// The odd ones, all in one answer.
fn odd() -> Vec<Record> {
    let long = "Donaudampfschifffahrtsgesellschaftskapitän".repeat(8);
    let mut arabic = record(
        Kind::Article,
        "ar",
        Some("الميناء خالٍ من الجليد (رسمي)"),
        "أعلنت سلطة الميناء اليوم أن الميناء خالٍ من الجليد. Port Authority 2026!\nوتغادر العبّارة في التاسعة.",
        "ar",
    );
    arabic.author =
        Some(Author {
            id: None, handle: Some("@mina".into()), name: Some("سلطة الميناء".into()), kind: None
        });
    arabic.tags = vec!["ميناء".into(), "ice".into()];
    let mut hebrew = record(Kind::Post, "he", None, "הנמל פתוח שוב. See https://news.example.org/ar — 100%", "he");
    hebrew.author = Some(Author {
        id: Some("https://news.example.org/u/7".into()),
        handle: None,
        name: Some("רשות הנמל".into()),
        kind: None,
    });
    hebrew.relations = vec![
        Relation { kind: RelationKind::ReplyTo, to: "https://news.example.org/ar".into() },
        Relation { kind: RelationKind::RepostOf, to: "urn:example:post:9".into() },
    ];
    hebrew.metrics = [("replies".to_owned(), 3), ("reposts".to_owned(), 12)].into();
    let mut hostile = record(Kind::Article, "hostile", Some(HOSTILE), HOSTILE, "en\" onmouseover=\"ran=1");
    hostile.author = Some(Author { id: None, handle: None, name: Some(HOSTILE.into()), kind: None });
    hostile.url = Some("https://news.example.org/\"><script>ran=1</script>".into());
    hostile.links = vec![
        "javascript:ran=1".into(),
        "data:text/html,<script>ran=1</script>".into(),
        "https://news.example.org/ok".into(),
    ];
    hostile.tags = vec![HOSTILE.into()];
    let mut account = record(Kind::Account, "account", None, "Notices of the harbour office.", "en");
    account.author = Some(Author {
        id: Some("https://news.example.org/u/7".into()),
        handle: Some("@harbour@news.example.org".into()),
        name: Some("Harbour office".into()),
        kind: None,
    });
    account.extra = [("followers_hidden".to_owned(), true.into())].into();
    let mut claimed = record(
        Kind::Video,
        "video",
        Some("Ice in the harbour, filmed from the quay"),
        "Two minutes of drifting ice.",
        "en-CA",
    );
    claimed.published_at =
        Some(ClaimedTime { raw: "2026-10-30T10:00:00Z".into(), at: Some(at("2026-10-30T10:00:00Z")), local: None });
    vec![
        arabic,
        record(
            Kind::Article,
            "fa",
            Some("بندر از یخ خالی شد"),
            "بندر امروز از یخ خالی شد و کشتی‌ها به راه افتادند.",
            "fa",
        ),
        hebrew,
        record(Kind::Article, "zh", Some("港口今天没有结冰"), "港口管理局今天宣布港口没有结冰，渡轮九点出发。", "zh"),
        record(Kind::Page, "long", Some(&long), &format!("{long} harbour {long}"), "de"),
        hostile,
        account,
        claimed,
    ]
}

/// What came of a day's run of the first entry.
fn state_of(day: i64) -> Option<CoverageState> {
    match day {
        15 | 16 | 33 | 34 => None,
        4 | 11 => Some(CoverageState::Failed),
        20 => Some(CoverageState::Partial),
        22 => Some(CoverageState::Empty),
        25 => Some(CoverageState::RateLimited),
        27 => Some(CoverageState::Blocked),
        _ => Some(CoverageState::Complete),
    }
}

struct Making {
    world: World,
    registry: Registry,
}

impl Making {
    fn now_is(&self, text: &str) {
        self.world.seconds.store(at(text).as_second(), std::sync::atomic::Ordering::Relaxed);
    }

    fn put(&self, agent: &mut Agent, pages: &[Page]) -> testing::Made {
        let made = agent.collect(&self.world, &self.registry, pages);
        let answer = self.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
        assert!(matches!(testing::receipt_of(&answer), Receipt::Receipt { .. }), "{}", answer.receipt);
        agent.heard(&answer);
        made
    }

    /// The page of an item.
    fn page_of(&self, id: &str) -> String {
        let row: i64 = self
            .registry
            .store()
            .read(|db| {
                db.query_row(
                    "SELECT r.id FROM revisions r JOIN items i ON i.id = r.item WHERE i.native = ?1 ORDER BY r.number DESC LIMIT 1",
                    [format!("news.example.org|{id}")],
                    |row| row.get(0),
                )
            })
            .unwrap();
        format!("/record/{}", RecordId::of_row(row))
    }
}

/// Five weeks from Monday, 19 October 2026; the time is then held on Sunday, 22 November.
pub fn weeks() -> Weeks {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let config = world.config_with(folder.path(), Arc::new(RealDisk), Arc::new(SqliteIndex));
    let registry = Registry::open(config).unwrap();
    let making = Making { world, registry };
    making.now_is("2026-10-19T04:00:00Z");
    let root = Statement::Root { v: 1, root: making.world.root(), salt: schemas::Digest([3; 32]) };
    making.registry.add_statement(&testing::sign(&root, &["bob", "cleo"])).unwrap();
    let entries = [entry("harbour", "2027-06-30"), entry("ferry", "2026-12-04"), entry("council", "2027-03-31")];
    making.world.permit_all(&making.registry, &entries, &["harbour"]);
    let mut agents = ["north", "south", "spare"].map(|name| {
        let agent = Agent::new(name);
        making.world.enrol(&making.registry, &agent);
        agent
    });
    let mut erased = None;
    for day in 0..35_i64 {
        let due = at("2026-10-19T06:00:00Z").checked_add(SignedDuration::from_hours(24 * day)).unwrap();
        if day == 12 {
            making.world.permit_all(&making.registry, &entries, &["harbour", "ferry"]);
        }
        making.now_is(&due.checked_add(SignedDuration::from_secs(30)).unwrap().to_string());
        let [north, south, _] = &mut agents;
        (north.entry, north.due) = ("harbour".to_owned(), Some(due));
        (south.entry, south.due) = ("ferry".to_owned(), Some(due));
        if let Some(state) = state_of(day) {
            north.state = state;
            let id = format!("day-{day}");
            let text = format!("The harbour is free of ice on day {day}");
            let notice = if day < 18 { "The quay is open" } else { "The quay is closed until further notice" };
            let items = [(id.as_str(), text.as_str()), ("notice", notice)];
            let good = matches!(state, CoverageState::Complete | CoverageState::Partial);
            let mut page = Page::of(if good { &items } else { &[] });
            page.records = if day == 3 { odd() } else { Vec::new() };
            let made = making.put(north, &[page]);
            erased = erased.or((day == 2).then_some(made.name));
        }
        if day > 12 && day != 30 {
            let text = format!("The ferry leaves at nine, {day}");
            making.put(south, &[Page::of(&[(&format!("ferry-{day}"), &text)])]);
        } else if day == 30 {
            // It was closed, and never arrived.
            let _ = south.collect(&making.world, &making.registry, &[Page::of(&[("lost", "lost")])]);
        }
    }
    making.now_is("2026-11-22T12:00:00Z");
    making.registry.add_statement(&making.world.revocation(&agents[2])).unwrap();
    let size = making.registry.checkpoint().size;
    assert!(making.registry.wait_followed(size, Duration::from_secs(60)), "{:?}", making.registry.trouble());
    let gone = making.page_of("day-2");
    let id: RecordId = gone.trim_start_matches("/record/").parse().unwrap();
    let erasure = making.world.erasure(erased.unwrap(), &[id.unit], &["eve", "finn"]);
    making.registry.add_statement(&erasure).unwrap();
    let size = making.registry.checkpoint().size;
    assert!(making.registry.wait_followed(size, Duration::from_secs(60)), "{:?}", making.registry.trouble());
    let mut records: Vec<(&'static str, String)> = [
        ("arabic", "ar"),
        ("hebrew", "he"),
        ("hostile", "hostile"),
        ("long", "long"),
        ("account", "account"),
        ("revised", "notice"),
    ]
    .map(|(name, id)| (name, making.page_of(id)))
    .into();
    records.push(("erased", gone));
    serve(making.registry, true, folder, records)
}

/// A registry that asks everybody for a token.
pub fn closed() -> Weeks {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let config = world.config_with(folder.path(), Arc::new(RealDisk), Arc::new(SqliteIndex));
    serve(Registry::open(config).unwrap(), false, folder, Vec::new())
}

fn serve(registry: Registry, local: bool, folder: TempDir, records: Vec<(&'static str, String)>) -> Weeks {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let desk = Desk::new(registry, local, false);
    let stopping = stop.clone();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(listener::serve(listener, desk, None, stopping, || ())).unwrap();
    });
    Weeks { address, records, stop, server: Some(server), _folder: folder }
}
