//! Where many bodies come in at once, do all of them come to their turn?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::time::Duration;

use kit::engine::HopResult;
use schemas::reservation::PATH;
use world::{
    World, entry,
    site::{Site, ok, reply},
    words,
};

/// As much as all bodies of a process may take in memory.
const ROOM: usize = 3 << 19;

/// Whoever fills the room is alone with it.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_holds_the_turn_of_a_robots_txt_while_waiting_for_another() {
    let _alone = ALONE.lock().await;
    let site = || Site::with_robots("User-agent: *\nDisallow: /private\n", |_| ok("text/plain", "harbour"));
    let full = Site::start(|request| match request {
        request if request.starts_with("GET /robots.txt ") => ok("text/plain", ""),
        _ => ok("text/plain", &"x".repeat(ROOM)),
    });
    let worlds: Vec<_> = [full].into_iter().chain((0..4).map(|_| site())).collect();
    let worlds: Vec<_> =
        worlds.iter().map(|site| (World::new(&entry(&[&site.url()])), format!("{}/a", site.url()))).collect();
    let get = async |of: usize| {
        let (world, url) = &worlds[of];
        world.get(url).await
    };
    let held = get(0).await;
    let HopResult::Answer(answered) = &held.result else { panic!("{}", words(&held)) };
    assert!(answered.turn.is_none(), "it fits, and nothing else does from here on");
    let next = async |of: usize| {
        let outcome = get(of).await;
        let HopResult::Answer(answered) = &outcome.result else { panic!("{}", words(&outcome)) };
        assert!(answered.turn.is_some(), "it had to wait in a file");
    };
    let all = async { tokio::join!(next(1), next(2), next(3), next(4)) };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("each comes to its turn");
}

/// The same site's rules are wanted by several at once; whoever asks for them needs a turn for the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_holds_the_turn_of_a_redirect_while_another_asks_for_a_site_s_rules() {
    let _alone = ALONE.lock().await;
    for (heeds, robots, file) in [(false, "User-agent: *\nDisallow: /private\n", ""), (true, "", "[]")] {
        let full = Site::with_robots("", |_| ok("text/plain", &"x".repeat(ROOM)));
        let end = Site::with_robots(robots, move |request| match request.split(' ').nth(1) {
            Some(PATH) => ok("application/json", file),
            _ => ok("text/plain", "harbour"),
        });
        let there = format!("location: {}/a\r\n", end.url());
        let begin = Site::with_robots("", move |request| match request.split(' ').nth(1) {
            Some(PATH) => reply("404 Not Found", "", b""),
            _ => reply("302 Found", &there, b"moved"),
        });
        let mut world = World::new(&entry(&[&full.url(), &begin.url(), &end.url()]));
        let held = world.get(&format!("{}/a", full.url())).await;
        assert!(matches!(held.result, HopResult::Answer(_)), "{}", words(&held));
        world.run.reservations = heeds;
        let (world, begin) = (&world, begin.url());
        let get = async |name: &str| {
            let outcome = world.get(&format!("{begin}/{name}")).await;
            assert!(matches!(outcome.result, HopResult::Answer(_)), "{}", words(&outcome));
        };
        let all = async { tokio::join!(get("1"), get("2"), get("3"), get("4"), get("5")) };
        tokio::time::timeout(Duration::from_secs(60), all).await.expect("each comes to its turn");
    }
}
