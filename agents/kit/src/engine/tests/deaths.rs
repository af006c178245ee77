//! What becomes of an answer that ends the process which reads it? Real processes that die of what they read.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    sync::{Arc, Condvar, LazyLock, Mutex, mpsc},
    time::Duration,
};

use schemas::{
    capture::Line,
    coverage::CoverageState,
    record::{Kind, Record},
};
use serde::Deserialize;

use super::world::{Reply, START, World};
use crate::{
    contract::{About, Answer, Ask, Collector, Halt, Place, Reading, Request, Unreadable},
    state::Before,
};

const DIR: &str = "VIGIE_TEST_DEATH_DIR";
const WORD: &str = "VIGIE_TEST_DEATH_WORD";

/// Three pages, each read by itself. Some words in a page end the process or never let go of it.
struct Deadly;

#[derive(Deserialize)]
struct Page {
    id: String,
    word: String,
}

/// Lets a reading go that hangs.
static LET_GO: LazyLock<Mutex<Option<mpsc::Receiver<()>>>> = LazyLock::new(|| Mutex::new(None));

/// How many readings stay, and whether they may end.
static STAYING: (Mutex<(usize, bool)>, Condvar) = (Mutex::new((0, false)), Condvar::new());

fn page(name: &str) -> String {
    format!("https://news.example.org/{name}")
}

impl Collector for Deadly {
    const NAME: &'static str = "deadly";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About::of("invented pages that end their reader")
    }

    fn plan(&self, _: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(["a", "b", "c"].map(|name| Request::get(page(name), ())).into())
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let page: Page = answer.json()?;
        match page.word.as_str() {
            "abort" => std::process::abort(),
            "overflow" => drop(deeper(&mut vec![1])),
            "hang" => {
                let gate = LET_GO.lock().unwrap().take().unwrap();
                let _ = gate.recv();
            }
            "stay" => {
                let (staying, changed) = &STAYING;
                let mut staying = staying.lock().unwrap();
                staying.0 += 1;
                while !staying.1 {
                    staying = changed.wait(staying).unwrap();
                }
            }
            _ => {}
        }
        out.record(Place::Whole, Record::new(Kind::Article, "web", page.id));
        Ok(())
    }
}

#[expect(unconditional_recursion, reason = "it is to overflow the stack")]
fn deeper(held: &mut Vec<u8>) -> [u8; 4096] {
    let mut here = deeper(held);
    here[0] = here[0].wrapping_add(held[0]);
    std::hint::black_box(here)
}

fn open(dir: &Path, word: &str) -> World {
    let world = World::open(dir, Deadly, START, 500);
    let word = word.to_owned();
    world.net.answers(move |url| {
        let name = url.rsplit('/').next().unwrap();
        let word = if name == "b" { &word } else { "calm" };
        Reply::Json(format!("{{\"id\":\"{name}\",\"word\":\"{word}\"}}"))
    });
    world
}

/// Not a test of its own: the process that dies.
#[tokio::test]
#[ignore = "run by its neighbours"]
async fn child() {
    let (Some(dir), Ok(word)) = (std::env::var_os(DIR), std::env::var(WORD)) else {
        return;
    };
    open(Path::new(&dir), &word).poll().await;
}

/// How often each record stands in the segments, and the conditions of captures that were not read.
fn kept(world: &World) -> (BTreeMap<String, u32>, Vec<String>) {
    let (mut records, mut unread) = (BTreeMap::new(), Vec::new());
    for segment in world.segments() {
        for capture in segment.view().unwrap().captures {
            let schemas::segment::CaptureKind::Exchange(exchange) = &capture.kind else {
                continue;
            };
            if !exchange.read {
                assert!(capture.conversion.is_none());
                let block = &capture.response.unwrap().record.block;
                assert!(String::from_utf8_lossy(block).contains("\"word\""), "the bytes are kept");
                unread.extend(exchange.conditions.iter().map(|met| met.name.clone()));
            }
            for line in capture.conversion.iter().flat_map(|lines| &lines.lines) {
                if let Line::Record(record) = &line.line {
                    *records.entry(record.item.id.clone()).or_default() += 1;
                }
            }
        }
    }
    (records, unread)
}

async fn kept_and_not_read_again(word: &str) {
    let dir = tempfile::tempdir().unwrap();
    // A power cut looks the same, so the first time is forgiven.
    for _ in 0..2 {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "engine::tests::deaths::child", "--ignored", "--quiet"])
            .env(DIR, dir.path())
            .env(WORD, word)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "the process dies of `{word}`");
    }

    // Were the answer read once more, this process would die too.
    let world = open(dir.path(), word);
    let coverage = world.poll().await;
    assert_eq!(
        world.net.take_asked(),
        [page("a"), page("c")],
        "the page that killed is not asked for again, the walk goes on"
    );
    let why = coverage.why.unwrap();
    assert_eq!((coverage.state, coverage.unreadable), (CoverageState::Partial, 1));
    assert!(why.contains(&page("b")) && why.contains("not read again"), "{why}");
    let (records, unread) = kept(&world);
    assert_eq!(records, [("a".into(), 1), ("c".into(), 1)].into());
    assert_eq!(unread, ["read"]);

    // The next walk asks anew; the same bytes are kept and still not read.
    let coverage = world.poll().await;
    assert_eq!(world.net.take_asked(), ["a", "b", "c"].map(page));
    assert_eq!((coverage.state, coverage.unreadable), (CoverageState::Partial, 1));
    assert_eq!(kept(&world).1, ["read", "read"]);

    // Other bytes are another answer.
    let word = format!("no {word}");
    world.net.answers(move |_| Reply::Json(format!("{{\"id\":\"b\",\"word\":\"{word}\"}}")));
    assert_eq!(world.poll().await.state, CoverageState::Complete);
}

#[tokio::test]
async fn answer_that_aborts_its_reader_is_kept_and_not_read_again() {
    kept_and_not_read_again("abort").await;
}

#[tokio::test]
async fn answer_that_overflows_the_stack_is_kept_and_not_read_again() {
    kept_and_not_read_again("overflow").await;
}

#[tokio::test]
async fn reading_that_does_not_come_back_is_given_up_and_the_walk_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (let_go, gate) = mpsc::channel();
    *LET_GO.lock().unwrap() = Some(gate);
    let mut world = open(dir.path(), "hang");
    Arc::get_mut(&mut world.engine).unwrap().bounds.reading = Duration::from_secs(10);
    let coverage = world.poll().await;
    assert_eq!(coverage.state, CoverageState::Partial);
    assert!(coverage.why.unwrap().contains("took longer than"));
    let (records, unread) = kept(&world);
    assert_eq!(records, [("a".into(), 1), ("c".into(), 1)].into());
    assert_eq!(unread, ["read"]);
    // Were it read again, there would be no gate to wait at and the reader would panic, which is another reason.
    let why = world.poll().await.why.unwrap();
    assert!(why.contains("took longer than"), "{why}");
    drop(let_go);
}

#[tokio::test]
async fn readings_that_stay_let_others_read() {
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let worlds = dirs.iter().zip(["stay", "stay", "calm"]).map(|(dir, word)| {
        let mut world = open(dir.path(), word);
        let bounds = &mut Arc::get_mut(&mut world.engine).unwrap().bounds;
        (bounds.turn, bounds.reading) = (Duration::from_millis(50), Duration::from_secs(20));
        world
    });
    let mut worlds: Vec<World> = worlds.collect();
    let calm = worlds.pop().unwrap();
    let stayed: Vec<_> = worlds.into_iter().map(|world| tokio::spawn(async move { world.poll().await })).collect();
    while STAYING.0.lock().unwrap().0 < 2 {
        tokio::task::yield_now().await;
    }
    let coverage = calm.poll().await;
    let gave_up = stayed.iter().any(tokio::task::JoinHandle::is_finished);
    // Before anything is asserted: a test that fails waits for its threads.
    STAYING.0.lock().unwrap().1 = true;
    STAYING.1.notify_all();
    assert_eq!((coverage.state, gave_up), (CoverageState::Complete, false));
    for run in stayed {
        assert_eq!(run.await.unwrap().state, CoverageState::Complete, "it is read in the end");
    }
}

#[tokio::test]
async fn reading_that_was_interrupted_in_order_is_made_again_and_a_person_may_try_once_more() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path(), "calm");
    let state = &world.engine.state;
    let answer = schemas::Digest::of(b"x");
    let begun = crate::state::Begun {
        target: "harbour-news",
        lane: schemas::capture::Lane::Poll,
        answer,
        reader: "r",
        told: "{}",
        now: START.parse().unwrap(),
    };
    let before = |reader| state.before_reading("harbour-news", &answer, reader).unwrap();
    state.begin_reading(&begun, std::iter::empty()).unwrap();
    state.abandon_readings().unwrap();
    assert_eq!(world.poll().await.state, CoverageState::Complete);
    let id = state.begin_reading(&begun, std::iter::empty()).unwrap();
    state.give_up_reading(id, "it hung").unwrap();
    assert_eq!(before("r"), Before::GivenUp("it hung".to_owned()));
    assert_eq!(before("r 2"), Before::Nothing, "another reader may try");
    state.read_again("harbour-news").unwrap();
    assert_eq!(before("r"), Before::Nothing);

    // Whoever ends while it reads is forgiven once, and anew after a reading that came back.
    let begin = || state.begin_reading(&begun, std::iter::empty()).unwrap();
    let forgiven = |id| state.forgive_reading(id, begun.now).unwrap();
    assert!(forgiven(begin()));
    assert_eq!(before("r"), Before::Died);
    state.end_reading(begin()).unwrap();
    assert_eq!(before("r"), Before::Nothing);
    assert!(forgiven(begin()));
    assert!(!forgiven(begin()));
}
