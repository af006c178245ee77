//! Killed at every named point, and at random: what has a receipt is there, nothing is there twice, the log verifies.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use exhibit::{Exhibit, Options};
use tests::{Dice, World, missing, times, until};

/// Newsrooms that publish in every round and lose nothing between two.
const NAMES: [&str; 4] = ["harbour", "mayak", "riviere", "quarry"];

/// Where the registry may be killed; see its module `core::crash`.
const REGISTRY: [&str; 10] = [
    "after_write",
    "after_fsync",
    "after_rename",
    "after_leaf_row",
    "after_tiles",
    "before_checkpoint",
    "after_highest",
    "after_checkpoint",
    "before_answer",
    "after_answer",
];

/// Where the agent may be killed; see the kit's module `engine::crash`.
const AGENT: [&str; 5] =
    ["agent_after_exchange", "agent_after_write", "agent_after_segment", "agent_before_commit", "agent_after_commit"];

struct Drill {
    exhibit: Exhibit,
    world: World,
    looked: Vec<u32>,
}

impl Drill {
    fn new() -> Self {
        let exhibit = Exhibit::start(Options::only(&NAMES)).unwrap();
        let world = World::of(&exhibit);
        let mut drill = Self { exhibit, world, looked: Vec::new() };
        drill.mended("at the beginning");
        drill
    }

    /// Something new to collect.
    fn next(&self) {
        self.exhibit.advance();
    }

    /// Collects in peace, then holds everything against everything.
    fn mended(&mut self, when: &str) {
        self.world.agent().once().ok();
        self.looked.push(self.exhibit.round());
        self.world.holds(when);
    }

    /// Every entry that could be seen is there, once, in all its wordings.
    fn complete(&self) {
        for name in NAMES {
            let hits = self.world.search(&format!("source:{name}"));
            let records: Vec<_> = hits.iter().map(|hit| self.world.show(hit["id"].as_str().unwrap())).collect();
            let wrong = missing(&self.exhibit.truth_of(name), &self.looked, &records);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
}

#[test]
fn registry_killed_at_each_point_keeps_what_it_promised() {
    let mut drill = Drill::new();
    let rounds = times(1, 20);
    let mut hit = 0;
    for point in REGISTRY {
        for pass in 1..=rounds {
            drill.next();
            // Later passes of one point are other files, tiles and answers of the same round.
            let at = format!("{point}:{}", 1 + (pass - 1) % 4);
            if drill.world.start_crashing(Some(&at)) {
                let _ = drill.world.agent().once();
            }
            if !drill.world.is_running() {
                hit += 1;
            }
            drill.world.start();
            drill.mended(&at);
        }
    }
    drill.complete();
    println!("crash: registry killed {hit} times at {} points, everything there, once", REGISTRY.len());
    assert!(hit * 10 >= REGISTRY.len() * rounds * 9, "only {hit} of {} kills happened", REGISTRY.len() * rounds);
}

#[test]
fn agent_killed_at_each_point_collects_again() {
    let mut drill = Drill::new();
    let rounds = times(1, 20);
    let mut hit = 0;
    for point in AGENT {
        for round in 0..rounds {
            drill.next();
            let pass = 1 + round % 3;
            let at = format!("{point}:{pass}");
            let said = drill.world.agent().once_crashing(Some(&at));
            // Runs that end together share a commit, so there may be no second.
            let shared = pass > 1 && point.ends_with("_commit");
            assert!(said.aborted() || shared, "`{at}` was not passed:\n{}", said.said());
            hit += usize::from(said.aborted());
            drill.mended(&at);
        }
    }
    drill.complete();
    println!("crash: agent killed {hit} times at {} points, everything there, once", AGENT.len());
}

#[test]
fn killed_at_random_under_load_nothing_is_lost_or_doubled() {
    let mut drill = Drill::new();
    let mut dice = Dice::of("crash", 20_261_121);
    let (kills, mut of_agent, mut of_registry) = (times(6, 200), 0, 0);
    for kill in 0..kills {
        drill.next();
        let mut agent = drill.world.agent().begin_once();
        // The drill itself: any moment of a run is as good as any other.
        std::thread::sleep(std::time::Duration::from_millis(dice.below(700)));
        if dice.below(2) == 0 {
            agent.kill();
            of_agent += 1;
        } else {
            drill.world.kill();
            of_registry += 1;
            until("the agent's end without a registry", || agent.ended());
            drill.world.start();
        }
        drill.mended(&format!("after kill {kill}"));
    }
    drill.complete();
    println!(
        "crash: kill -9 of the agent {of_agent} times, of the registry {of_registry} times; everything there, once"
    );
}

#[test]
fn what_was_collected_survives_a_registry_outage() {
    let mut drill = Drill::new();
    drill.world.stop();
    for _ in 0..3 {
        drill.next();
        let said = drill.world.agent().once().ok();
        assert!(said.err.contains("wait for the registry"), "{}", said.said());
        drill.looked.push(drill.exhibit.round());
    }
    assert!(drill.world.agent().waiting() >= 3);
    drill.world.start();
    drill.next();
    drill.mended("after the outage");
    drill.complete();
}
