//! When is a site asked for its reservation file, and what is a page told of it?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use kit::{
    Request,
    engine::{Clock, Hop, HopResult, Network as _, Outcome, Pending, SystemClock},
};
use schemas::{
    gate::Origin,
    permission::Entry,
    reservation::{PATH, Reservation, ReservationOutcome as Said},
};
use serde_json::Value;
use world::{
    World, entry,
    site::{Site, ok, reply},
    words,
};

const RESERVED: &str = r#"[{"location": "/news", "tdm-reservation": 1, "tdm-policy": "https://example.org/terms"}]"#;

/// A site with this answer to requests for its reservation file.
fn site(robots: &'static str, file: impl Fn() -> Vec<u8> + Send + 'static) -> Site {
    Site::with_robots(robots, move |request| {
        if request.starts_with(&format!("GET {PATH} ")) { file() } else { ok("text/html", "a page") }
    })
}

/// An agent whose collector heeds such files.
fn heeding(entry: &Entry) -> World {
    let mut world = World::new(entry);
    world.run.reservations = true;
    world
}

fn told(outcome: &Outcome) -> Option<Reservation> {
    let HopResult::Answer(answer) = &outcome.result else { panic!("{}", words(outcome)) };
    let Some(Hop::Fetched(page)) = outcome.trail.get(answer.hop) else { panic!("no page on the trail") };
    page.reservation.clone()
}

fn paths(site: &Site) -> Vec<String> {
    site.asked().iter().filter_map(|asked| asked.split(' ').nth(1).map(ToOwned::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_is_asked_once_a_day_before_its_first_page_whatever_paths_the_entry_names() {
    let site = site("", || ok("application/json", RESERVED));
    let mut narrow = entry(&[&site.url()]);
    narrow.matches[0].path = "/news".to_owned();
    let world = heeding(&narrow);
    let request = Request::get(format!("{}/news/1", site.url()), Value::Null).accept("text/html", "fr");
    let first = world.ask(&request).await;
    let file = first.trail.iter().find_map(|hop| match hop {
        Hop::Fetched(fetched) if fetched.url.ends_with(PATH) => Some(fetched),
        _ => None,
    });
    let file = file.expect("the file is on the trail, as evidence");
    assert_eq!(file.judged.ask.origin, Origin::Reservation { hop: 0 });
    assert!(file.judged.robots.is_some(), "robots.txt was asked before");
    assert_eq!(file.judged.ask.headers, [""; 0], "the collector chose nothing of it");
    let said = told(&first).unwrap();
    assert_eq!((said.said_by.as_deref(), said.outcome), (Some(&*file.id), Said::Read));
    let rule = said.rule.clone().unwrap();
    assert_eq!((rule.reserved, rule.policy.as_deref()), (true, Some("https://example.org/terms")));

    let second = world.get(&format!("{}/news/2", site.url())).await;
    assert_eq!(told(&second), Some(said));
    assert_eq!(paths(&site), [PATH, "/news/1", "/news/2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_does_not_heed_such_files_asks_for_none() {
    let site = site("", || ok("application/json", RESERVED));
    let outcome = World::new(&entry(&[&site.url()])).get(&format!("{}/news", site.url())).await;
    assert_eq!((told(&outcome), paths(&site)), (None, vec!["/news".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_answer_comes_to_is_told_with_the_page() {
    let long = format!("[{}]", " ".repeat(200_000));
    let cases: Vec<(&str, Vec<u8>, Said)> = vec![
        ("none", reply("404 Not Found", "", b""), Said::Absent),
        ("refused", reply("403 Forbidden", "", b""), Said::Absent),
        ("a page", ok("text/html", "<!doctype html>"), Said::Unreadable),
        ("broken", reply("503 Unavailable", "", b""), Said::Unreachable),
        ("too long", ok("application/json", &long), Said::Unreachable),
        ("cut", b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n[]".to_vec(), Said::Unreachable),
        ("no HTTP", b"what?".to_vec(), Said::Unreachable),
        ("elsewhere", reply("302 Found", "location: http://127.0.0.2/t.json\r\n", b""), Said::Unreachable),
    ];
    for (name, answer, wanted) in cases {
        let site = site("", move || answer.clone());
        let outcome = heeding(&entry(&[&site.url()])).get(&format!("{}/news", site.url())).await;
        let said = told(&outcome).unwrap();
        assert_eq!((said.outcome, said.rule), (wanted, None), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_within_the_entry_is_followed_and_named_by_its_end() {
    let site = Site::with_robots("", |request| match request.split(' ').nth(1) {
        Some(PATH) => reply("301 Moved", "location: /rules.json\r\n", b""),
        Some("/rules.json") => ok("application/json", RESERVED),
        _ => ok("text/html", "a page"),
    });
    let outcome = heeding(&entry(&[&site.url()])).get(&format!("{}/news", site.url())).await;
    let said = told(&outcome).unwrap();
    let end = outcome.trail.iter().find_map(|hop| match hop {
        Hop::Fetched(fetched) if fetched.judged.ask.origin == (Origin::Reservation { hop: 1 }) => {
            Some(fetched.id.clone())
        }
        _ => None,
    });
    assert_eq!((said.outcome, said.rule.is_some(), said.said_by), (Said::Read, true, end));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_robots_txt_forbids_is_not_asked_for() {
    let site = site("User-agent: *\nDisallow: /.well-known/\n", || ok("application/json", RESERVED));
    let mut permitted = entry(&[&site.url()]);
    let outcome = heeding(&permitted).get(&format!("{}/news", site.url())).await;
    let said = told(&outcome).unwrap();
    assert_eq!((said.outcome, said.said_by, paths(&site)), (Said::Forbidden, None, vec!["/news".to_owned()]));
    assert!(outcome.trail.iter().any(|hop| matches!(hop, Hop::Refused(judged) if judged.ask.url.ends_with(PATH))));

    permitted.robots = "api: its own terms".to_owned().try_into().unwrap();
    let outcome = heeding(&permitted).get(&format!("{}/news", site.url())).await;
    assert_eq!(told(&outcome).unwrap().outcome, Said::Read, "robots.txt is not asked under terms of their own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_out_of_reach_is_asked_for_again() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let site = site("", move || match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => reply("500 Broken", "", b""),
        _ => ok("application/json", RESERVED),
    });
    let url = format!("{}/news", site.url());
    let mut world = World::with(&entry(&[&site.url()]), |setup| setup.limits.robots_again = Duration::ZERO);
    world.run.reservations = true;
    for wanted in [Said::Unreachable, Said::Read, Said::Read] {
        assert_eq!(told(&world.get(&url).await).unwrap().outcome, wanted);
    }
    assert_eq!(paths(&site), [PATH, "/news", PATH, "/news", "/news"]);
}

/// The system's clock, set ahead.
#[derive(Default)]
struct Ahead(SystemClock, AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.0.now() + SignedDuration::from_mins(self.1.load(SeqCst))
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, pause: Duration) -> Pending<'_, ()> {
        self.0.sleep(pause)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_a_file_out_of_reach_brings_is_followed_by_the_page() {
    let site = site("", || reply("503 Unavailable", "retry-after: 3600\r\n", b""));
    let url = format!("{}/news", site.url());
    let clock = Arc::new(Ahead::default());
    let mut world = World::with(&entry(&[&site.url()]), |setup| setup.clock = clock.clone());
    world.run.reservations = true;
    for (minutes, page) in [(0, false), (61, true), (92, false), (153, true)] {
        clock.1.store(minutes, SeqCst);
        let outcome = world.get(&url).await;
        if page {
            assert_eq!(told(&outcome).unwrap().outcome, Said::Unreachable);
        } else {
            assert!(matches!(outcome.result, HopResult::RateLimited { .. }), "{}", words(&outcome));
        }
    }
    assert_eq!(paths(&site), [PATH, "/news", PATH, "/news"], "once a page was told of it, it is asked for again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_request_counts_and_without_it_the_page_is_not_read() {
    let site = site("", || ok("application/json", RESERVED));
    let mut permitted = entry(&[&site.url()]);
    permitted.robots = "api: its own terms".to_owned().try_into().unwrap();
    permitted.daily = 1;
    let world = heeding(&permitted);
    let outcome = world.get(&format!("{}/news", site.url())).await;
    assert!(matches!(outcome.result, HopResult::RateLimited { .. }), "{}", words(&outcome));
    assert_eq!(paths(&site), [PATH]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_answered_elsewhere_is_told_what_that_site_says() {
    let other = site("", || ok("application/json", RESERVED));
    let to = format!("location: {}/news\r\n", other.url());
    let site = Site::with_robots("", move |request| {
        if request.starts_with(&format!("GET {PATH} ")) {
            reply("404 None", "", b"")
        } else {
            reply("302 Found", &to, b"")
        }
    });
    let outcome = heeding(&entry(&[&site.url(), &other.url()])).get(&format!("{}/a", site.url())).await;
    assert_eq!(told(&outcome).unwrap().outcome, Said::Read);
    assert_eq!(
        (paths(&site), paths(&other)),
        (vec![PATH.to_owned(), "/a".to_owned()], vec![PATH.to_owned(), "/news".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_outlives_the_process_once_its_answer_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.sqlite");
    let site = site("", || ok("application/json", RESERVED));
    let (permitted, url) = (entry(&[&site.url()]), format!("{}/news", site.url()));
    let mut named = None;
    for stored in [false, true, true] {
        let mut world = World::with(&permitted, |setup| setup.rows = rusqlite::Connection::open(&path).unwrap());
        world.run.reservations = true;
        named = told(&world.get(&url).await).unwrap().said_by;
        if stored {
            world.web.stored(named.as_slice());
        }
    }
    assert_eq!(paths(&site), [PATH, "/news", PATH, "/news", "/news"], "what stands in no segment is asked for again");
    assert!(named.is_some());
}
