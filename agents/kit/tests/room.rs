//! Where many bodies come in at once, do all of them come to their turn?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::time::Duration;

use kit::engine::HopResult;
use world::{
    World, entry,
    site::{Site, ok},
    words,
};

/// As much as all bodies of a process may take in memory.
const ROOM: usize = 2 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_holds_the_turn_of_a_robots_txt_while_waiting_for_another() {
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
