//! What becomes of runs that end together where the disk does not take what they collected?

use std::collections::BTreeMap;

use rusqlite::Connection;
use schemas::capture::Line;

use super::*;
use crate::engine::{
    Order, Report,
    tests::{
        collectors::{Feed, Listing},
        listing,
        world::{Reply, START, World},
    },
};

/// Targets that are collected together.
const RUNS: u64 = 4;

/// How the disk fails, for a test that tries each way.
struct Case {
    world: World,
    dir: tempfile::TempDir,
}

type Ended = Result<Option<Report>, EngineError>;

fn case() -> Case {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), Feed, START, 500);
    world.net.answers(|url| Reply::Json(format!("{{\"posts\":[{}]}}", url.rsplit('/').next().unwrap())));
    Case { world, dir }
}

fn target(n: u64) -> String {
    format!("harbour-news#{n}")
}

impl Case {
    fn order(&self, n: u64) -> Order {
        let mut order = self.world.order();
        order.facts.target.id = target(n);
        order.facts.target.url = format!("https://news.example.org/feed/{n}");
        order
    }

    /// Makes runs of these targets that reach the queue before any of them is closed, in this order.
    async fn together(&self, targets: impl IntoIterator<Item = u64>) -> Vec<Ended> {
        let engine = &self.world.engine;
        // As though a thread was closing others.
        engine.queue.inner.lock().unwrap().busy = true;
        let mut runs: Vec<tokio::task::JoinHandle<Ended>> = Vec::new();
        // One that cannot even begin ends before it waits.
        let at_work = |runs: &[tokio::task::JoinHandle<Ended>]| runs.iter().filter(|run| !run.is_finished()).count();
        for n in targets {
            let (order, runner) = (self.order(n), Arc::clone(engine));
            runs.push(tokio::spawn(async move { runner.run(order).await }));
            while engine.queue.inner.lock().unwrap().waiting.len() < at_work(&runs) {
                tokio::task::yield_now().await;
            }
        }
        let batch = engine.queue.take().unwrap_or_default();
        assert_eq!(batch.len(), at_work(&runs));
        for (tell, closed) in engine.close_batch(batch) {
            tell.send(closed).unwrap();
        }
        assert!(engine.queue.take().is_none(), "the next one starts a thread again");
        let mut ended = Vec::new();
        for run in runs {
            ended.push(run.await.unwrap());
        }
        ended
    }

    /// Which posts were collected for which targets, in the segments that exist and follow one another.
    fn collected(&self) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for segment in self.world.segments() {
            let view = segment.view().unwrap();
            let posts = found.entry(view.run.as_ref().unwrap().1.target.id.clone()).or_default();
            for line in view.captures.iter().filter_map(|capture| capture.conversion).flat_map(|read| &read.lines) {
                if let Line::Record(record) = &line.line {
                    posts.push(record.item.id.clone());
                }
            }
        }
        found
    }

    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.world.engine.outbox.dir()).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn named(&self) -> Vec<String> {
        self.world.engine.state.outbox_files().unwrap()
    }

    /// What was told is so, and whatever failed comes at the next try: all of it, once.
    async fn settles(&self, ended: &[Ended], what: &str) {
        let told = (1..).zip(ended).filter(|(_, ended)| ended.is_ok());
        let expected: BTreeMap<_, _> = told.map(|(n, _)| (target(n), vec![n.to_string()])).collect();
        assert_eq!(self.collected(), expected, "{what}");
        assert_eq!(self.files(), self.named(), "{what}: nothing is left behind");
        let again: Vec<u64> = (1..).zip(ended).filter(|(_, ended)| ended.is_err()).map(|(n, _)| n).collect();
        if !again.is_empty() {
            assert!(self.together(again).await.iter().all(Result::is_ok), "{what}: later it fits");
        }
        let all: BTreeMap<_, _> = (1..=RUNS).map(|n| (target(n), vec![n.to_string()])).collect();
        assert_eq!(self.collected(), all, "{what}");
        assert_eq!(self.files(), self.named(), "{what}");
    }

    /// For faults of the state that the agent's own connection meets.
    fn beside(&self) -> Connection {
        Connection::open(self.dir.path().join("state.sqlite")).unwrap()
    }
}

#[tokio::test]
async fn disk_that_fails_once_anywhere_costs_nobody_anything() {
    for call in 1.. {
        let case = case();
        case.world.engine.outbox.faults.fail_at(call, false);
        let ended = case.together(1..=RUNS).await;
        let over = case.world.engine.outbox.faults.end();
        let what = format!("at call {call}");
        assert!(ended.iter().all(Result::is_ok), "{what}: what fails together is tried one by one");
        case.settles(&ended, &what).await;
        if over {
            assert!(call > 13, "a write, a sync and a name each, and the folder: {call}");
            break;
        }
    }
}

#[tokio::test]
async fn disk_that_stays_full_from_anywhere_on_is_told_to_all_it_fails() {
    for call in 1.. {
        let case = case();
        case.world.engine.outbox.faults.fail_at(call, true);
        let ended = case.together(1..=RUNS).await;
        let over = case.world.engine.outbox.faults.end();
        assert_eq!(ended.iter().any(Result::is_err), !over, "at call {call}");
        case.settles(&ended, &format!("from call {call} on")).await;
        if over {
            break;
        }
    }
}

#[tokio::test]
async fn state_that_can_not_grow_names_nothing() {
    let case = case();
    assert!(case.together(1..=2).await.iter().all(Result::is_ok));
    case.world.engine.state.may_grow(false);
    // However much room the last page has, it ends.
    let mut failed = Vec::new();
    while failed.is_empty() {
        failed = case.together(3..=RUNS).await;
        failed.retain(Result::is_err);
    }
    assert!(matches!(failed[0], Err(EngineError::State(StateError::Sql(_)))), "{failed:?}");
    assert_eq!(case.files(), case.named(), "nothing is left behind");
    let before = case.world.segments().len();
    case.world.engine.state.may_grow(true);
    assert!(case.together(3..=RUNS).await.iter().all(Result::is_ok));
    assert_eq!(case.world.segments().len(), before + 2, "no number was lost");
}

#[tokio::test]
async fn what_one_of_them_settles_fails_alone() {
    for raised in ["ABORT", "FAIL", "ROLLBACK"] {
        for n in 1..=RUNS {
            let case = case();
            case.beside()
                .execute_batch(&format!(
                    "CREATE TRIGGER refuses BEFORE UPDATE OF ended_at ON runs WHEN OLD.target = '{}'
                     BEGIN SELECT RAISE({raised}, 'invented'); END;",
                    target(n)
                ))
                .unwrap();
            let ended = case.together(1..=RUNS).await;
            let failed: Vec<u64> = (1..).zip(&ended).filter(|(_, ended)| ended.is_err()).map(|(n, _)| n).collect();
            assert_eq!(failed, [n], "{raised}");
            case.beside().execute_batch("DROP TRIGGER refuses").unwrap();
            case.settles(&ended, &format!("{raised} at {n}")).await;
        }
    }
}

/// The last step of a transaction fails, for all of them or for one.
#[tokio::test]
async fn files_of_a_commit_that_may_have_happened_stay_until_the_next_one() {
    let case = case();
    case.beside()
        .execute_batch(&format!(
            "CREATE TABLE nobody (id INTEGER PRIMARY KEY);
             CREATE TABLE owed (id INTEGER REFERENCES nobody DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER owes BEFORE UPDATE OF ended_at ON runs WHEN OLD.target IN ('{}', '{}')
             BEGIN INSERT INTO owed VALUES (1); END;",
            target(1),
            target(2)
        ))
        .unwrap();
    let both = case.together(1..=2).await;
    assert!(both.iter().all(|ended| matches!(ended, Err(EngineError::State(StateError::Doubtful(_))))), "{both:?}");
    assert_eq!(case.named(), [""; 0]);
    assert_eq!(case.files().len(), 4, "were they named after all, their files would be there");
    let ended = case.together(1..=RUNS).await;
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 2);
    assert_eq!(case.files(), case.named(), "now it is known that they are not");
    case.beside().execute_batch("DROP TRIGGER owes").unwrap();
    case.settles(&ended, "after it").await;
}

#[tokio::test]
async fn run_that_nobody_waits_for_any_more_is_settled_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), Listing, START, 500);
    world.net.answers(listing);
    let engine = &world.engine;
    engine.queue.inner.lock().unwrap().busy = true;
    let (order, runner) = (world.order(), Arc::clone(engine));
    let run = tokio::spawn(async move { runner.run(order).await });
    while engine.queue.inner.lock().unwrap().waiting.is_empty() {
        tokio::task::yield_now().await;
    }
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    for (tell, closed) in engine.close_batch(engine.queue.take().unwrap()) {
        assert!(tell.send(closed).is_err(), "nobody waits");
    }
    assert!(engine.queue.take().is_none());
    world.net.take_asked();
    assert_eq!((world.poll().await.new, world.net.take_asked().len()), (0, 1), "nothing is collected twice");
    assert_eq!(world.segments().len(), 2);
}

#[tokio::test]
async fn panic_of_the_thread_that_closes_is_told_and_the_next_one_starts_anew() {
    let case = case();
    let engine = &case.world.engine;
    engine.queue.inner.lock().unwrap().busy = true;
    let (order, runner) = (case.order(1), Arc::clone(engine));
    let run = tokio::spawn(async move { runner.run(order).await });
    while engine.queue.inner.lock().unwrap().waiting.is_empty() {
        tokio::task::yield_now().await;
    }
    let queue = Arc::clone(&engine.queue);
    let died = std::thread::spawn(move || {
        let _lead = Lead(&queue);
        panic!("invented");
    });
    assert!(died.join().is_err());
    assert!(matches!(run.await.unwrap(), Err(EngineError::Closing)));
    assert!(engine.run(case.order(1)).await.is_ok());
    assert_eq!(case.collected(), [(target(1), vec!["1".to_owned()])].into());
}
