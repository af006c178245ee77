//! Agents at work, woken by the real tokio-cron-scheduler: three hundred targets due in the same second, turns that are waited for, a full disk.

use std::{collections::BTreeMap, sync::OnceLock};

use super::*;
use crate::engine::{
    Clock, Pending,
    tests::{
        collectors::Feed,
        world::{self, Reply, World},
    },
};

const TARGETS: usize = 300;

/// Real time, counted from another moment. Its pauses never end, so nothing but the scheduler's alarm wakes the agent.
struct Shifted {
    from: Timestamp,
    since: Instant,
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        self.from.checked_add(self.elapsed()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    fn sleep(&self, _: Duration) -> Pending<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// Targets that are due in a moment, of an agent that goes to work until so many segments were closed.
struct Office {
    agent: Arc<Agent>,
    net: Arc<world::FakeNet>,
    root: TrustRoot,
    entry: schemas::permission::Entry,
    _dir: tempfile::TempDir,
}

impl Office {
    fn open(targets: usize, max_concurrent: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut entry = world::entry("posts");
        entry.schedule = "0 11 * * *".to_owned();
        entry.jitter_secs = 0;
        entry.seeds = (1..=targets).map(|n| format!("https://news.example.org/feed/{n}")).collect();
        let (_, bundle, root) = world::policy(&entry);
        let World { engine, net, .. } = World::open(dir.path(), Feed, "2026-11-22T11:00:00Z", 500);
        net.answers(|_| Reply::Json(r#"{"posts":[1]}"#.to_owned()));
        let mut engine = Arc::into_inner(engine).unwrap();
        // Long enough before the runs are due that a busy machine has looked at the targets by then.
        engine.clock = Arc::new(Shifted { from: "2026-11-22T10:59:56Z".parse().unwrap(), since: Instant::now() });
        engine.state.set_policy(&serde_json::to_string(&bundle).unwrap(), engine.clock.now()).unwrap();
        let registry = Arc::new(Registry::new("http://127.0.0.1:9").unwrap());
        let agent = Arc::new(Agent::new(Arc::new(engine), registry, root.clone(), max_concurrent).unwrap());
        Self { agent, net, root, entry, _dir: dir }
    }

    /// Works until this is so.
    async fn works(&self, until: impl Fn(&Engine) -> bool + Send + 'static) {
        let sender = Sender {
            engine: Arc::clone(&self.agent.engine),
            registry: Arc::clone(&self.agent.registry),
            root: self.root.clone(),
            keep: jiff::SignedDuration::from_hours(1),
            bell: Arc::clone(&self.agent.bell),
            told: Told::default(),
        };
        let stop = CancellationToken::new();
        let (stopper, watched) = (stop.clone(), Arc::clone(&self.agent.engine));
        let watcher = tokio::spawn(async move {
            let began = Instant::now();
            while !until(&watched) && began.elapsed() < Duration::from_secs(120) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            stopper.cancel();
            until(&watched)
        });
        self.agent.run(sender, stop).await.unwrap();
        assert!(watcher.await.unwrap(), "it did not come to that");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_targets_due_in_one_second_all_run_once() {
    let office = Office::open(TARGETS, 32);
    let Office { agent, net, .. } = &office;
    let engine = &agent.engine;
    let found = agent.targets().unwrap();
    assert_eq!((found.planned.len(), found.resting.len()), (TARGETS, 0), "{:?}", found.resting);
    office.works(|engine| engine.state.waiting().unwrap().len() == TARGETS).await;
    let mut asked: BTreeMap<String, u32> = BTreeMap::new();
    for url in net.take_asked() {
        *asked.entry(url).or_default() += 1;
    }
    assert_eq!(asked.len(), TARGETS, "every target was asked");
    assert!(asked.values().all(|times| *times == 1), "and once");
    let numbers: Vec<u64> = engine.state.waiting().unwrap().iter().map(|waiting| waiting.seq).collect();
    assert_eq!(numbers, (1..=TARGETS as u64).collect::<Vec<_>>(), "numbers have no holes");
    let due = "2026-11-22T11:00:00Z".parse().unwrap();
    for target in agent.targets().unwrap().planned {
        let id = &target.facts.target.id;
        let coverage = engine.state.last_coverage(id).unwrap().unwrap_or_else(|| panic!("`{id}` did not run"));
        assert_eq!(coverage.due, Some(due), "{id}");
        assert!(coverage.skipped.is_empty(), "{id}: {:?}", coverage.skipped);
    }
}

#[tokio::test]
async fn alarm_rings_each_time_it_is_set() {
    let alarm = Arc::new(Notify::new());
    let scheduler = JobScheduler::new_with_channel_size(4_096).await.unwrap();
    scheduler.start().await.unwrap();
    for pause in [500, 1_700, 500] {
        let armed = arm(&scheduler, Duration::from_millis(pause), &alarm).await.unwrap();
        tokio::time::timeout(Duration::from_secs(60), alarm.notified()).await.unwrap();
        let _ = scheduler.remove(&armed).await;
    }
}

#[tokio::test]
async fn run_that_fails_of_the_agents_own_disk_ends_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut entry = world::entry("posts");
    entry.seeds = (1..=3).map(|n| format!("https://news.example.org/feed/{n}")).collect();
    let (_, bundle, root) = world::policy(&entry);
    let World { engine, net, .. } = World::open(dir.path(), Feed, "2026-11-22T11:00:00Z", 500);
    net.answers(|_| Reply::Json(r#"{"posts":[1]}"#.to_owned()));
    engine.state.set_policy(&serde_json::to_string(&bundle).unwrap(), engine.clock.now()).unwrap();
    let beside = rusqlite::Connection::open(dir.path().join("state.sqlite")).unwrap();
    let refuses = "CREATE TRIGGER refuses BEFORE INSERT ON runs WHEN NEW.target = 'harbour-news'
                   BEGIN SELECT RAISE(ABORT, 'invented'); END;";
    beside.execute_batch(refuses).unwrap();
    let registry = Arc::new(Registry::new("http://127.0.0.1:9").unwrap());
    let agent = Agent::new(Arc::clone(&engine), registry, root, 3).unwrap();
    assert!(agent.once(None, &Work::Poll, &CancellationToken::new()).await.is_err(), "the first one's error is told");
    assert_eq!(engine.state.waiting().unwrap().len(), 2, "the other two are collected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_that_waited_for_its_turn_goes_by_the_policy_that_came_meanwhile() {
    let office = Office::open(3, 1);
    let without = |seed: usize| {
        let mut other = office.entry.clone();
        other.seeds[seed] = "https://news.example.org/feed/4".to_owned();
        let (_, bundle, root) = world::policy(&other);
        Arc::new(Copy::open(serde_json::to_string(&bundle).unwrap(), &root).unwrap())
    };
    let newer = [0, 1, 2].map(without);
    let (agent, first) = (Arc::downgrade(&office.agent), OnceLock::new());
    let seeds = office.entry.seeds.clone();
    office.net.answers(move |url| {
        // Whichever comes first: the next one in the list is not permitted any more.
        first.get_or_init(|| {
            let next = (seeds.iter().position(|seed| seed == url).unwrap() + 1) % 3;
            *agent.upgrade().unwrap().copy.lock().unwrap() = Some(Arc::clone(&newer[next]));
        });
        Reply::Json(r#"{"posts":[1]}"#.to_owned())
    });
    office.works(|engine| engine.state.waiting().unwrap().len() == 2).await;
    let asked: Vec<_> = office.net.take_asked();
    let at = asked.iter().map(|url| office.entry.seeds.iter().position(|seed| seed == url).unwrap());
    let [first, second] = at.collect::<Vec<_>>()[..] else { panic!("{asked:?}") };
    assert_eq!(second, (first + 2) % 3, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agent_whose_state_can_not_be_written_waits_until_it_can() {
    let office = Office::open(1, 1);
    let file = office.agent.engine.state.dir().join("state.sqlite");
    let beside = rusqlite::Connection::open(file).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON considered BEGIN SELECT RAISE(ABORT, 'full'); END";
    beside.execute_batch(full).unwrap();
    let agent = Arc::clone(&office.agent);
    let beside = Mutex::new(beside);
    office
        .works(move |engine| {
            if agent.state.is_trouble() {
                beside.lock().unwrap().execute_batch("DROP TRIGGER IF EXISTS full").unwrap();
            }
            !engine.state.waiting().unwrap().is_empty()
        })
        .await;
    assert_eq!(office.net.take_asked(), ["https://news.example.org/feed/1"]);
}
