//! Open connections, from the wire to the segment: cut between frames, durable chunk by chunk, made again, let go of in order.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use jiff::Timestamp;
use kit::{
    About, Answer, Ask, Bounds, Collector, Halt, Reading, Record, Request, Unreadable, Work,
    engine::{Clock, Engine, HopResult, Identity, Network, Order, Pending, Report},
    fetch::{Setup, Web, user_agent},
    outbox::Outbox,
    state::State,
};
use schemas::{
    Digest,
    capture::{Lane, Reader},
    coverage::CoverageState,
    permission::Entry,
    policy::open_statement,
    record::Kind,
    segment::{CaptureKind, Segment},
};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use world::{bundle, entry, facts, key, root, words};

/// Lines or events `{"seq":1}`, going on from the last one seen; two in a chunk.
struct Numbers;

#[derive(Deserialize)]
struct Number {
    seq: u64,
}

impl Collector for Numbers {
    const NAME: &'static str = "web";
    type Cursor = u64;
    type Step = u64;

    fn about(&self) -> About {
        About::of("invented numbers as they come")
    }

    fn plan(&self, ask: &Ask<'_, u64>) -> Result<Vec<Request<u64>>, Unreadable> {
        let bounds = Bounds { items: 2, ..Bounds::default() };
        Ok(vec![Request::get(format!("{}?from={}", ask.target.url, ask.cursor), *ask.cursor).stream(bounds)])
    }

    fn read(&self, answer: &Answer<'_, u64>, out: &mut Reading<'_, Self>) -> Result<(), Halt<u64>> {
        let events = answer.header("content-type") == Some("text/event-stream");
        let mut said = Vec::new();
        if events {
            for event in answer.events()? {
                let (place, event) = event?;
                said.push((place, event.data));
            }
        } else {
            for line in answer.lines()? {
                said.push(line?);
            }
        }
        for (place, text) in said {
            let number: Number = serde_json::from_str(&text)?;
            out.record(place, Record::new(Kind::Post, "stub", number.seq.to_string()));
            out.milestone(number.seq);
        }
        Ok(())
    }

    fn merge(old: u64, new: u64) -> u64 {
        old.max(new)
    }
}

/// What a connection is answered with, and whether it then stays open.
struct Script {
    bytes: String,
    stays: bool,
}

fn ends(head: &str, body: &str) -> Script {
    Script { bytes: format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n{body}"), stays: false }
}

fn stays(head: &str, body: &str) -> Script {
    Script { stays: true, ..ends(head, body) }
}

/// Answers connections by what the script says of their request line; keeps what stays open until it is dropped.
struct Source {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _open: mpsc::Sender<()>,
}

impl Source {
    fn start(script: impl Fn(&str) -> Script + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (open, closed) = mpsc::channel::<()>();
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                if closed.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
                    return;
                }
                let Ok(mut stream) = stream else { return };
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).unwrap_or(0);
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                let line = request.lines().next().unwrap_or_default().to_owned();
                let answer = script(&line);
                heard.lock().unwrap().push(request);
                let _ = stream.write_all(answer.bytes.as_bytes());
                if answer.stays {
                    held.push(stream);
                }
            }
        });
        Self { url, asked, _open: open }
    }

    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|request| request.lines().next().unwrap().to_owned()).collect()
    }
}

/// A clock that pauses bring forward, in a hundredth of their time. Keeps the pauses that came to their end.
#[derive(Default)]
struct Hasty(Mutex<Vec<u64>>);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        let ahead = self.0.lock().unwrap().iter().sum();
        Timestamp::now() + Duration::from_secs(ahead)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, pause: Duration) -> Pending<'_, ()> {
        Box::pin(async move {
            tokio::time::sleep(pause / 100).await;
            self.0.lock().unwrap().push(pause.as_secs());
        })
    }
}

struct Agent {
    _dir: tempfile::TempDir,
    engine: Arc<Engine>,
    clock: Arc<Hasty>,
    order: Order,
}

impl Agent {
    fn new(source: &Source, change: impl FnOnce(&mut Entry, &mut u32)) -> Self {
        let mut permitted =
            Entry { robots: "api: its own terms".to_owned().try_into().unwrap(), ..entry(&[&source.url]) };
        let mut stream_secs = 900;
        change(&mut permitted, &mut stream_secs);
        let dir = tempfile::tempdir().unwrap();
        let state = Arc::new(State::open(dir.path()).unwrap());
        let agent_key = key("harbour");
        state.chain(&agent_key.vkey().id_text()).unwrap();
        let mut setup = Setup::new(rusqlite::Connection::open_in_memory().unwrap());
        setup.limits = world::limits();
        let identity = Identity {
            key: Arc::new(agent_key),
            software: "vigie-test/0".to_owned(),
            user_agent: user_agent(&root()),
            reader: Reader { name: "web".to_owned(), version: "0".to_owned(), program: Digest([9; 32]) },
        };
        let clock = Arc::new(Hasty::default());
        let mut engine = Engine::new(
            Arc::new(Numbers),
            Arc::new(Web::new(setup).unwrap()),
            state,
            Outbox::open(dir.path()).unwrap(),
            clock.clone(),
            identity,
        );
        engine.bounds.stream_secs = stream_secs;
        engine.bounds.min_free_bytes = 0;
        let issue = bundle(&permitted, Timestamp::now()).issue;
        assert!(open_statement(&issue).is_err(), "an issue is no statement");
        let order = Order {
            facts: facts(&permitted),
            issue,
            work: Work::Poll,
            due: None,
            clock_synchronised: None,
            stop: CancellationToken::new(),
        };
        Self { _dir: dir, engine: Arc::new(engine), clock, order }
    }

    fn begin(&self) -> tokio::task::JoinHandle<Vec<Report>> {
        let (engine, order) = (Arc::clone(&self.engine), self.order.clone());
        tokio::spawn(async move { engine.run_target(order).await.unwrap() })
    }

    fn cursor(&self) -> Option<u64> {
        let cursor = self.engine.state.cursor("site", Lane::Stream).unwrap();
        cursor.and_then(|cursor| cursor.as_u64())
    }

    /// Waits for the cursor on disk.
    async fn until_cursor(&self, wanted: u64) {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            while self.cursor() != Some(wanted) {
                tick.tick().await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("the cursor stands at {:?}", self.cursor()));
    }

    fn segments(&self) -> Vec<Segment> {
        let waiting = self.engine.state.waiting().unwrap();
        waiting
            .iter()
            .map(|segment| {
                let file = std::fs::read(self.engine.outbox.path(&segment.file)).unwrap();
                Segment::read(&file).unwrap()
            })
            .collect()
    }

    /// Every chunk: number, last, truncated, payload.
    fn chunks(&self) -> Vec<(u32, bool, Option<String>, String)> {
        let mut found = Vec::new();
        for segment in self.segments() {
            let view = segment.view().unwrap();
            for capture in &view.captures {
                let CaptureKind::Exchange(exchange) = &capture.kind else {
                    continue;
                };
                let response = &capture.response.unwrap().record;
                assert_eq!(response.get("WARC-Truncated").map(str::to_owned), exchange.truncated);
                let block = String::from_utf8(response.block.to_vec()).unwrap();
                let (head, body) = block.split_once("\r\n\r\n").unwrap();
                assert!(head.starts_with("HTTP/1.1 200 OK"));
                assert!(exchange.ask.connected.is_some(), "judged with its peer");
                found.push((exchange.part, exchange.last, exchange.truncated.clone(), body.to_owned()));
            }
        }
        found
    }
}

fn lines(numbers: std::ops::RangeInclusive<u64>) -> String {
    numbers.map(|seq| format!("{{\"seq\":{seq}}}\n")).collect()
}

const NDJSON: &str = "content-type: application/x-ndjson\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_are_durable_while_the_connection_is_open_and_it_is_made_again_from_the_cursor() {
    let source = Source::start(|line| match line {
        line if line.contains("from=0 ") => ends(NDJSON, &lines(1..=5)),
        _ => stays(NDJSON, &format!("{}{{\"se", lines(6..=8))),
    });
    let agent = Agent::new(&source, |_, _| {});
    let run = agent.begin();
    agent.until_cursor(7).await;
    assert!(!run.is_finished(), "the second connection is open");
    agent.order.stop.cancel();
    let reports = run.await.unwrap();

    assert_eq!(source.asked(), ["GET /?from=0 HTTP/1.1", "GET /?from=5 HTTP/1.1"]);
    let request = source.asked.lock().unwrap()[0].clone();
    assert!(request.contains("accept-encoding: identity"), "{request}");
    let kept = |number, last, text: String| (number, last, None, text);
    assert_eq!(
        agent.chunks(),
        [
            kept(0, false, lines(1..=2)),
            kept(1, false, lines(3..=4)),
            kept(2, true, lines(5..=5)),
            kept(0, false, lines(6..=7)),
            kept(1, true, lines(8..=8)),
        ],
        "what was not whole when the agent stopped is asked for again"
    );
    assert_eq!(agent.cursor(), Some(8));
    assert!(reports.iter().all(|report| report.lane == Lane::Stream));
    let states: Vec<_> = reports.iter().map(|report| report.coverage.state).collect();
    assert_eq!(states, [CoverageState::Complete, CoverageState::Complete]);
    assert_eq!(agent.segments().len(), 5, "one segment a chunk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_cut_at_blank_lines_and_the_time_of_an_order_ends_them() {
    let events: String = (1..=3).map(|seq| format!(":beat\n\nid: {seq}\ndata: {{\"seq\":{seq}}}\n\n")).collect();
    let script = events.clone();
    let source = Source::start(move |_| stays("content-type: text/event-stream\r\n", &script));
    // Pauses take a hundredth here.
    let agent = Agent::new(&source, |_, secs| *secs = 100);
    let reports = agent.begin().await.unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].coverage.state, CoverageState::Complete);
    let chunks = agent.chunks();
    let texts: Vec<&str> = chunks.iter().map(|chunk| &*chunk.3).collect();
    assert_eq!(texts.concat(), events);
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| text.ends_with("\n\n")));
    assert_eq!(agent.cursor(), Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_that_breaks_within_a_frame_is_told_as_truncated() {
    let source = Source::start(|line| {
        let body = if line.contains("from=0 ") { lines(1..=1) + "{\"seq\":" } else { String::new() };
        ends(&format!("{NDJSON}content-length: 1000\r\n"), &body)
    });
    let agent = Agent::new(&source, |_, secs| *secs = 2);
    let reports = agent.begin().await.unwrap();
    let coverage = &reports[0].coverage;
    assert_eq!(coverage.state, CoverageState::Partial);
    assert!(coverage.why.as_ref().unwrap().contains("disconnect"));
    assert_eq!(agent.chunks()[0], (0, true, Some("disconnect".to_owned()), lines(1..=1) + "{\"seq\":"));
    assert_eq!(agent.cursor(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_chunk_counts_against_the_day() {
    let source = Source::start(|_| stays(NDJSON, &lines(1..=9)));
    let agent = Agent::new(&source, |entry, _| entry.daily = 2);
    let reports = agent.begin().await.unwrap();
    assert_eq!(agent.chunks().len(), 2);
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].coverage.state, CoverageState::RateLimited);
    assert_eq!(agent.cursor(), Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn source_that_only_hangs_up_is_asked_less_and_less_often() {
    let source = Source::start(|_| ends(NDJSON, ""));
    let agent = Agent::new(&source, |_, secs| *secs = 40);
    let reports = agent.begin().await.unwrap();
    assert_eq!(*agent.clock.0.lock().unwrap(), [2, 4, 8, 16]);
    assert_eq!(reports.len(), 5);
    for report in &reports {
        assert_eq!(report.coverage.state, CoverageState::Failed);
        let why = report.coverage.why.as_ref().unwrap();
        assert!(why.contains("ended its stream without an event"), "{why}");
    }
    assert_eq!(agent.chunks().len(), 5, "the heads are kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_compressed_streams_are_no_streams() {
    let site = world::site::Site::with_robots("", |request| {
        if request.starts_with("GET /page ") {
            world::site::reply("403 Forbidden", "content-type: text/html\r\n", b"no")
        } else {
            let head = format!("{NDJSON}content-encoding: gzip\r\n");
            world::site::reply("200 OK", &head, b"\x1f\x8b")
        }
    });
    let world = world::World::new(&entry(&[&site.url()]));
    let ask = |path: &str| Request::get(format!("{}{path}", site.url()), Value::Null).stream(Bounds::default());
    let outcome = world.ask(&ask("/page")).await;
    assert!(matches!(outcome.result, HopResult::Blocked { .. }));
    let outcome = world.ask(&ask("/gzip")).await;
    assert!(words(&outcome).contains("can't be cut between two events"));
    let _: &dyn Network = &world.web;
}
