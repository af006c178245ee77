//! What was looked at, and what was not: each state of coverage through real processes, by the command and over HTTP.
//!
//! The clock of all processes is moved by libfaketime: hours lie between two looks, and a run is missed ten minutes after it was due.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpListener,
};

use exhibit::{Exhibit, Options};
use jiff::Timestamp;
use serde_json::Value;
use tests::{Source, World, get, skipped, until};

const HOUR: i64 = 3_600;

/// A server that says the same to whoever asks for anything but robots.txt.
fn says(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut asked, mut piece) = (Vec::new(), [0; 1024]);
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(read @ 1..) => asked.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let head = if asked.starts_with(b"GET /robots.txt ") { "404 Not Found" } else { head };
            let _ = write!(stream, "HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    url
}

/// Sources that come to one state each, and one that is always well.
fn sources(exhibit: &Exhibit) -> Vec<Source> {
    let listing = exhibit.listing();
    let mut all: Vec<Source> = ["harbour", "fast", "empty", "login", "closed"]
        .iter()
        .map(|name| {
            let room = listing.newsrooms.iter().find(|room| room.name == *name).unwrap();
            Source::new(&room.name, &room.url, &room.feed)
        })
        .collect();
    all.push(Source::new("resting", &says("429 Too Many Requests\r\nretry-after: 7200"), "/feed"));
    all.push(Source::new("broken", &says("500 Internal Server Error"), "/feed"));
    all
}

struct Unit {
    world: World,
    /// The hour at which the first runs are due.
    first: i64,
}

impl Unit {
    /// Moves the clock of all processes begun from now on to so many seconds after the first hour.
    fn clock_at(&mut self, secs: i64) {
        self.world.shift(self.first + secs - Timestamp::now().as_second());
    }

    /// The agent works by the schedule over one full hour; true once every target that is not blocked has run.
    fn over_the_hour(&mut self, hour: i64, serve: bool, runs: u64) {
        // The first look must come before the first hour; later ones may come a little late.
        let secs = if hour == 0 { -8 } else { hour * HOUR + 1 };
        self.clock_at(secs);
        if serve {
            self.world.start();
            self.clock_at(secs);
        }
        let agent = self.world.agent();
        let before = agent.ended();
        let mut running = agent.begin_run();
        until("the runs of the hour", || (agent.ended() >= before + runs).then_some(()));
        if serve {
            until("empty outbox", || (agent.waiting() == 0).then_some(()));
        }
        // The agent dies.
        running.kill();
        if serve {
            let _ = self.world.settled();
            self.world.kill();
        }
    }

    /// State and reason of each due run of an entry, by its hour, over HTTP; the command says the same.
    fn coverage(&self, entry: &str) -> BTreeMap<i64, (String, String)> {
        let now = self.world.now();
        let from = Timestamp::from_second(self.first - 60).unwrap();
        let path = format!("/v1/coverage?entry={entry}&from={from}&to={now}");
        let served = get(self.world.listen(), &path).unwrap().json();
        let told = self.world.vigie(&["coverage", "--json", "--hours", "48", entry]).ok().json();
        let read = |lines: &Value| -> BTreeMap<i64, (String, String)> {
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let lines = lines.as_array().unwrap().iter().filter_map(|line| {
                let due: Timestamp = line["due"].as_str()?.parse().unwrap();
                Some(((due.as_second() - self.first) / HOUR, (word(&line["state"]), word(&line["why"]))))
            });
            lines.filter(|(hour, _)| *hour >= 0).collect()
        };
        let found = read(&served["runs"]);
        assert_eq!(found, read(&told), "`vigie coverage {entry}` says something else");
        found
    }

    fn state(&self, entry: &str, hour: i64) -> String {
        self.coverage(entry).get(&hour).map_or_else(String::new, |(state, _)| state.clone())
    }

    fn why(&self, entry: &str, hour: i64) -> String {
        self.coverage(entry).remove(&hour).unwrap_or_default().1
    }
}

#[test]
fn each_state_is_told_and_what_was_not_heard_becomes_the_truth() {
    if !World::can_shift() {
        return skipped("each_state_is_told_and_what_was_not_heard_becomes_the_truth", "faketime");
    }
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let world = World::prepared(&sources(&exhibit), "0 * * * *");
    let first = (Timestamp::now().as_second() / HOUR + 2) * HOUR;
    let mut unit = Unit { world, first };
    unit.over_the_hour(0, true, 7);
    exhibit.advance();
    // `login` is blocked from now on.
    unit.over_the_hour(1, true, 6);

    // The registry is away; the agent goes on, and dies with its outbox full.
    exhibit.advance();
    unit.over_the_hour(2, false, 6);

    // Nothing was pushed since the second hour.
    unit.clock_at(3 * HOUR + 900);
    unit.world.start();
    for (entry, states) in [
        ("harbour", ["complete", "complete"]),
        ("fast", ["complete", "partial"]),
        ("empty", ["empty", "complete"]),
        ("login", ["blocked", "not_attempted"]),
        ("closed", ["not_attempted", "not_attempted"]),
        ("resting", ["rate_limited", "not_attempted"]),
        ("broken", ["failed", "failed"]),
    ] {
        let found = unit.coverage(entry);
        println!("{entry}: {found:?}");
        for (hour, state) in (0..).zip(states) {
            // The empty feed says so each time, unless its validator says that nothing changed.
            let same = entry == "empty" && found[&hour].0 == "empty";
            assert!(found[&hour].0 == state || same, "{entry}, hour {hour}: {found:?}");
        }
        for hour in [2, 3] {
            assert_eq!(found[&hour].0, "not_heard_yet", "{entry}, hour {hour}: {found:?}");
        }
    }
    assert!(unit.why("fast", 1).contains("nothing listed was seen before"), "{}", unit.why("fast", 1));
    assert!(unit.why("closed", 0).contains("robots.txt"), "{}", unit.why("closed", 0));
    let blocked = unit.why("login", 0);
    assert_eq!(blocked.matches("401").count(), 1, "the reason is told once: {blocked}");
    unit.world.kill();

    // The agent comes back: what it had collected is pushed late, and what it missed it says.
    unit.over_the_hour(4, true, 6);
    unit.clock_at(4 * HOUR + 900);
    unit.world.start();
    assert_eq!(unit.state("harbour", 2), "complete", "the late push is the truth");
    assert_eq!(unit.state("harbour", 4), "complete");
    for entry in ["harbour", "fast", "broken"] {
        assert_eq!(unit.state(entry, 3), "not_attempted", "{entry}");
        assert_eq!(unit.why(entry, 3), "the agent was not running, or was started anew", "{entry}");
    }
    // Its agent is heard of again: it waits for a person.
    assert_eq!(unit.state("login", 2), "not_attempted");
    assert!(unit.why("login", 2).contains("waits for a person"), "{}", unit.why("login", 2));
    unit.world.stop();
}
