//! As a service: what the manager hears is true, asked to stop everything stops within seconds and loses nothing, and the unit files hold.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use exhibit::{Exhibit, Options};
use rusqlite::Connection;
use tests::{Manager, World, get, program, skipped, until};

/// The manager wants to hear from its service this often, in microseconds: three beats in that time.
const WATCHDOG_USEC: u64 = 900_000;
/// Ten missed beats are silence, whatever else the machine does.
const SILENCE: Duration = Duration::from_secs(3);
/// Asked to stop, a service has this long.
const SOON: Duration = Duration::from_secs(15);

/// Holds a database as nobody else can write it, until the service has fallen silent, and lets go.
fn silent_while_held(manager: &Manager, database: &Path) {
    let db = Connection::open(database).unwrap();
    db.execute_batch("PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE").unwrap();
    until("silence of a service that hangs", || {
        let last = manager.heard().iter().rev().find(|(_, said)| said == "WATCHDOG=1").map(|(at, _)| *at);
        (last.unwrap().elapsed() > SILENCE).then_some(())
    });
    db.execute_batch("ROLLBACK").unwrap();
    let beats = manager.count("WATCHDOG=1");
    manager.until_heard("WATCHDOG=1", beats + 2);
}

#[test]
fn registry_is_ready_once_it_answers_and_silent_while_its_log_hangs() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let mut world = World::of(&exhibit);
    world.stop();
    let manager = Manager::listen(world.scratch());
    world.start_managed(&manager, WATCHDOG_USEC);
    manager.until_heard("READY=1", 1);
    assert_eq!(get(world.listen(), "/readyz").unwrap().status, 200);
    manager.until_heard("WATCHDOG=1", 3);
    let status = manager.status().unwrap();
    assert!(status.starts_with("log size "), "{status}");

    silent_while_held(&manager, &world.data().join("registry.sqlite"));

    let asked = Instant::now();
    world.stop();
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!((manager.count("READY=1"), manager.count("STOPPING=1")), (1, 1));
}

#[test]
fn agent_is_ready_once_armed_silent_while_it_hangs_and_loses_nothing_when_stopped() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let world = World::of(&exhibit);
    let agent = world.agent();
    let manager = Manager::listen(world.scratch());
    let mut running = agent.run_managed(&manager, WATCHDOG_USEC);
    manager.until_heard("READY=1", 1);
    let status = manager.status().unwrap();
    assert!(status.contains(" targets") && status.contains("next due "), "{status}");
    until("the first segment", || (!agent.receipts().is_empty()).then_some(()));
    manager.until_heard("WATCHDOG=1", 3);

    // The next run to begin waits for the disk, and the loop for it.
    silent_while_held(&manager, &agent.folder.join("state/state.sqlite"));

    let asked = Instant::now();
    assert!(running.stop().success());
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!((manager.count("READY=1"), manager.count("STOPPING=1")), (1, 1));
    let _ = agent.once();
    world.holds("after an agent that was stopped in the middle of its work");
}

#[test]
fn agent_without_a_registry_is_ready_and_says_why_it_collects_nothing() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let mut world = World::of(&exhibit);
    world.stop();
    let manager = Manager::listen(world.scratch());
    let mut running = world.agent().run_managed(&manager, WATCHDOG_USEC);
    manager.until_heard("READY=1", 1);
    let status = manager.status().unwrap();
    assert!(status.starts_with("nothing is collected: there is no policy yet"), "{status}");
    manager.until_heard("WATCHDOG=1", 2);
    assert!(running.stop().success());
}

#[test]
fn agents_of_vigie_up_do_not_speak_to_its_manager() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let mut world = World::of(&exhibit);
    world.stop();
    let manager = Manager::listen(world.scratch());
    let mut up = world.up_managed(&manager, WATCHDOG_USEC);
    manager.until_heard("READY=1", 1);
    until("a segment of the agent's", || (!world.kept().is_empty()).then_some(()));
    assert!(up.stop().success());
    assert_eq!((manager.count("READY=1"), manager.count("STOPPING=1")), (1, 1));
    assert!(manager.heard().iter().all(|(_, said)| !said.contains(" targets")), "{:?}", manager.heard());
    world.start();
    let _ = world.agent().once();
    world.holds("after `vigie up`");
}

/// Bound for the exposure that `systemd-analyze security` finds, 0 to 10. What is left stands on the network that these services are for, a
/// socket to the manager, and the system's own root folder.
const EXPOSURE: f64 = 1.1;

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd")
}

#[test]
fn unit_files_are_in_order_and_leave_little_exposed() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skipped("unit_files_are_in_order_and_leave_little_exposed", "systemd-analyze");
    }
    let folder = tempfile::tempdir().unwrap();
    for (unit, name) in
        [("vigie-registry.service", "vigie-registry.service"), ("vigie-agent@.service", "vigie-agent@feed.service")]
    {
        let text = fs::read_to_string(units().join(unit)).unwrap();
        // Where the package will put it nothing lies yet.
        let text = text
            .replace("/usr/bin/vigie-%i", program("vigie-feed").to_str().unwrap())
            .replace("/usr/bin/vigie ", &format!("{} ", program("vigie").display()));
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let analyze = |arguments: &[&str]| {
            let done = Command::new("systemd-analyze").args(arguments).arg(&file).output().unwrap();
            (done.status.success(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
        };
        let (good, said) = analyze(&["verify", "--man=no"]);
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("vigie")).collect();
        assert!(good && ours.is_empty(), "{said}");
        let threshold = format!("--threshold={}", (EXPOSURE * 10.0).round());
        let (good, said) = analyze(&["security", "--offline=true", "--no-pager", &threshold]);
        assert!(good, "{said}");
    }
}
