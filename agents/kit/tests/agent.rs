//! A whole agent as a process: schedule, gate, outbox, push, against a site and a registry of this machine.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod stub_registry;
mod world;

use std::{
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::LazyLock,
};

use schemas::{capture::Line, permission::Entry};
use stub_registry::StubRegistry;
use world::{
    entry, key, root,
    site::{Site, ok},
};

const PAGE: &str = r#"{"items":[{"id":"1","title":"Harbour opens early"},{"id":"2","title":"Night ferry returns"}]}"#;

/// An agent's folder: configuration, key, root, state.
struct World {
    dir: tempfile::TempDir,
    site: Site,
    registry: StubRegistry,
}

/// Everybody may read what a test writes; an agent wants its key for itself.
fn private(file: &Path) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

impl World {
    fn new(change: impl FnOnce(&mut Entry)) -> Self {
        let site = Site::with_robots("", |_| ok("application/json", PAGE));
        let mut permitted = Entry { collector: "pages".to_owned(), ..entry(&[&site.url()]) };
        change(&mut permitted);
        let registry = StubRegistry::start(&permitted);
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
        write("trust.toml", toml::to_string(&root()).unwrap());
        write("agent.key", key("harbour").private_text().to_string());
        private(&dir.path().join("agent.key"));
        write(
            "agent.toml",
            format!(
                "format = 1\nname = \"harbour\"\nkey = \"agent.key\"\ntrust = \"trust.toml\"\nregistry = \"{}\"\nstate = \"state\"\n",
                registry.url()
            ),
        );
        Self { dir, site, registry }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).arg("--config").arg(self.dir.path().join("agent.toml")).env_remove("RUST_LOG");
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn waiting(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("state/outbox")).unwrap().count() - self.registry.received().len()
    }
}

/// The example agent, built beside this test: `cargo test --test agent` alone does not build examples.
fn program() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let this = std::env::current_exe().unwrap();
        let folder = this.parent().and_then(Path::parent).unwrap();
        let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
            "debug" => "dev",
            other => other,
        };
        let cargo = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "kit", "--example", "pages", "--profile", profile])
            .status()
            .unwrap();
        assert!(cargo.success(), "the example agent could not be built");
        folder.join("examples/pages")
    });
    &BUILT
}

fn titles(segment: &schemas::segment::Segment) -> Vec<String> {
    let view = segment.view().unwrap();
    let lines = view.captures.iter().filter_map(|capture| capture.conversion).flat_map(|conversion| &conversion.lines);
    lines
        .filter_map(|line| match &line.line {
            Line::Record(record) => record.item.title.clone(),
            _ => None,
        })
        .collect()
}

#[test]
fn once_collects_pushes_and_keeps_the_receipt() {
    let world = World::new(|_| {});
    let (code, out, err) = world.run(&["once"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("complete (2 requests, 2 records, 2 new)"), "{out}");
    let received = world.registry.received();
    assert_eq!(received.len(), 1);
    assert_eq!(titles(&received[0]), ["Harbour opens early", "Night ferry returns"]);
    assert_eq!(received[0].view().unwrap().robots.len(), 1, "the copy of robots.txt the decision rests on");

    let (code, _, err) = world.run(&["once"]);
    assert_eq!(code, 0, "{err}");
    let received = world.registry.received();
    assert_eq!((received[1].manifest.seq, received[1].manifest.prev), (2, Some(received[0].digest)));
    assert_eq!(received[1].manifest.checkpoint.size, 1, "the checkpoint of the first receipt");
}

#[test]
fn what_was_collected_survives_an_outage_of_the_registry() {
    let world = World::new(|_| {});
    // The policy is needed once; segments are turned away.
    world.registry.away(true);
    let (code, _, err) = world.run(&["once"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("1 segments wait for the registry"), "{err}");
    assert_eq!(world.waiting(), 1);
    world.registry.away(false);
    assert_eq!(world.run(&["once"]).0, 0);
    assert_eq!(world.registry.received().len(), 2);
    assert_eq!(world.waiting(), 0);
}

#[test]
fn plan_asks_the_gate_and_sends_nothing() {
    let world = World::new(|_| {});
    let (code, out, err) = world.run(&["plan"]);
    assert!(out.contains("site (next due ") && out.contains(&world.site.url()), "{out}{err}");
    assert!([0, 3].contains(&code), "{out}{err}");
    assert!(world.site.asked().is_empty());
    assert_eq!(world.site.robots(), 0);
}

#[test]
fn key_that_everybody_may_read_is_refused() {
    let world = World::new(|_| {});
    let key = world.dir.path().join("agent.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, err) = world.run(&["once"]);
    assert!(code == 1 && err.contains("everybody on this machine may read this secret; `chmod 600 "), "{err}");
}

#[test]
fn what_systemd_hands_over_goes_before_the_configuration() {
    let world = World::new(|_| {});
    let given = tempfile::tempdir().unwrap();
    let [credentials, state] = ["credentials", "state"].map(|name| given.path().join(name));
    std::fs::create_dir(&credentials).unwrap();
    std::fs::rename(world.dir.path().join("agent.key"), credentials.join("agent.key")).unwrap();
    // No token is needed on loopback: the unit's stand-in is empty.
    std::fs::write(credentials.join("registry.token"), "").unwrap();
    private(&credentials.join("registry.token"));
    let mut once = world.command(&["once"]);
    let done = once.env("CREDENTIALS_DIRECTORY", &credentials).env("STATE_DIRECTORY", &state).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(state.join("state.sqlite").exists() && !world.dir.path().join("state").exists());
}

#[test]
fn check_finds_everything_in_order_and_names_what_is_not() {
    let world = World::new(|_| {});
    let (code, out, _) = world.run(&["check"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("ok   policy: 1 target may be"), "{out}");
    std::fs::write(world.dir.path().join("agent.key"), "not a key").unwrap();
    let (code, out, _) = world.run(&["check"]);
    assert_eq!(code, 3);
    assert!(out.contains("FAIL key:") && !out.contains("not a key\n"), "{out}");
}

#[test]
fn entry_that_is_not_in_force_is_not_collected() {
    let world = World::new(|entry| entry.requested_by = key("bob").vkey().id_text());
    let (_, out, err) = world.run(&["once", "--target", "site"]);
    assert!(
        err.contains("`site` may not be collected") && err.contains("only by the person who requested it"),
        "{out}{err}"
    );
    assert!(world.site.asked().is_empty());
    assert!(world.registry.received().is_empty());
}

#[test]
fn read_derives_the_lines_of_the_segment_again() {
    let world = World::new(|_| {});
    world.run(&["once"]);
    let file = std::fs::read_dir(world.dir.path().join("state/outbox")).unwrap().next().unwrap().unwrap().path();
    let (code, out, err) = world.run(&["read", file.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let segment = &world.registry.received()[0];
    let view = segment.view().unwrap();
    let stored: Vec<String> = view
        .captures
        .iter()
        .filter_map(|capture| capture.conversion)
        .flat_map(|conversion| {
            conversion.lines.iter().map(|line| {
                let said = String::from_utf8(line.said.clone()).unwrap();
                format!("{{\"line\":{said},\"response\":\"{}\"}}", conversion.response.as_ref().unwrap())
            })
        })
        .collect();
    assert_eq!(out.lines().collect::<Vec<_>>(), stored);
    assert_eq!(stored.len(), 4, "header, two records, end");
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn schedule_runs_what_is_due_and_sigterm_ends_it_in_order() {
    let world = World::new(|entry| entry.schedule = "every 10s".to_owned());
    let child = world.command(&["run"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    world.registry.wait_for(1);
    let coverage = world.registry.received()[0].view().unwrap().commit.unwrap().1.coverage;
    assert!(coverage.due.is_some(), "the run says when it was due");
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let mut said = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let line =
        said.lines().find(|line| line.contains("`site`:")).unwrap_or_else(|| panic!("no line of the run: {said}"));
    assert!(line.ends_with("`site`: complete (2 requests, 2 records, 2 new)"), "a short line a run, no fields: {line}");
}

#[test]
fn stretch_of_the_past_is_collected_beside_what_is_new() {
    let world = World::new(|_| {});
    world.run(&["once"]);
    let (code, out, err) = world.run(&["once", "--from", "2025-10-01", "--to", "2025-10-02T06:00:00Z"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("site window ") && out.contains("2 records"), "{out}");
    let asked = world.site.asked().pop().unwrap();
    assert!(asked.starts_with("GET /?from=2025-10-01T00:00:00Z&to=2025-10-02T06:00:00Z "), "{asked}");
    let received = world.registry.received();
    let run = received[1].view().unwrap().run.unwrap().1;
    assert_eq!(run.lane, schemas::capture::Lane::Window);

    for (args, why) in [
        (["2025-10-02", "2025-10-01"], "is not before --to"),
        (["2025-10-02", "2200-01-01"], "lies ahead"),
        (["yesterday", "2025-10-01"], "a date (`2026-10-01`)"),
    ] {
        let (code, _, err) = world.run(&["once", "--from", args[0], "--to", args[1]]);
        assert!(code == 1 || code == 2, "{err}");
        assert!(err.contains(why), "{err}");
    }
    let (code, _, err) = world.run(&["once", "--from", "2025-10-01"]);
    assert_eq!(code, 2, "{err}");
}
