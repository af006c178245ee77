//! Does the command say what it should, and leave with the right code?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;
use verify::Bundle;
use world::{Plan, World};

struct Desk {
    dir: TempDir,
    world: World,
    digest: schemas::Digest,
}

fn desk(trial: bool) -> Desk {
    let mut world = World::new(trial);
    let texts = vec!["The harbour stays open through the winter".to_owned(), "Second".to_owned()];
    let digest = world.segment(&Plan { texts, with_refusal: true, ..Plan::default() });
    let desk = Desk { dir: tempfile::tempdir().unwrap(), world, digest };
    desk.world.write(&desk.dir.path().join("data"));
    fs::write(desk.dir.path().join("trust.toml"), toml::to_string(&desk.world.root).unwrap()).unwrap();
    desk
}

impl Desk {
    fn bundle(&self, units: &[u64]) {
        let bundle = Bundle::from_folder(&self.dir.path().join("data"), self.digest, units).unwrap();
        fs::write(self.dir.path().join("one.vigie-bundle"), bundle.write().unwrap()).unwrap();
    }
}

fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_vigie-verify")).current_dir(dir).args(args).output().unwrap();
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    println!("$ vigie-verify {}\n{out}{err}exit {}\n", args.join(" "), status.code().unwrap());
    (status.code().unwrap(), out, err)
}

#[test]
fn a_bundle_is_told_in_words_and_as_json() {
    let desk = desk(false);
    desk.bundle(&[7]);
    let dir = desk.dir.path();
    let (code, out, err) = run(dir, &["one.vigie-bundle", "--root", "trust.toml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("VALID as of log size 5"), "{out}");
    assert!(out.contains("Trusted: version 1 of the root of vigie.example.org/log"));
    let (code, out, _) = run(dir, &["one.vigie-bundle", "--root", "trust.toml", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["verdict"]["outcome"].as_str()), (0, Some("valid")));
    let mut bytes = fs::read(dir.join("one.vigie-bundle")).unwrap();
    bytes[600] ^= 1;
    fs::write(dir.join("one.vigie-bundle"), bytes).unwrap();
    let (code, out, _) = run(dir, &["one.vigie-bundle", "--root", "trust.toml"]);
    assert_eq!(code, 5);
    assert!(out.starts_with("INVALID"), "{out}");
}

#[test]
fn a_folder_is_told_with_its_numbers() {
    let mut desk = desk(false);
    let dir = desk.dir.path().to_owned();
    fs::write(dir.join("remembered"), desk.world.checkpoint()).unwrap();
    desk.world.erase(desk.digest, &[7]);
    desk.world.write(&dir.join("data"));
    let (code, out, _) = run(&dir, &["data", "--root", "trust.toml", "--against", "remembered"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("1 unit erased"));
    let (code, out, _) = run(&dir, &["data", "--root", "trust.toml", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["totals"]["erased"].as_u64()), (0, Some(1)));
    desk.bundle(&[7]);
    assert_eq!(run(&dir, &["one.vigie-bundle", "--root", "trust.toml"]).0, 6);
    fs::remove_file(dir.join("data").join(world::segment_path(desk.digest))).unwrap();
    assert_eq!(run(&dir, &["data", "--root", "trust.toml"]).0, 3);
    fs::write(dir.join("remembered"), desk.world.checkpoint()).unwrap();
    desk.world.leaves.pop();
    let small = dir.join("small");
    desk.world.write(&small);
    assert_eq!(run(&dir, &["small", "--root", "trust.toml", "--against", "remembered"]).0, 4, "the log was set back");
}

#[test]
fn a_trial_has_its_own_code() {
    let desk = desk(true);
    desk.bundle(&[7]);
    let (code, out, _) = run(desk.dir.path(), &["one.vigie-bundle", "--root", "trust.toml"]);
    assert_eq!(code, 7);
    assert!(out.contains("TRIAL: VALID"), "{out}");
    assert_eq!(run(desk.dir.path(), &["data", "--root", "trust.toml"]).0, 7);
}

#[test]
fn what_cannot_be_checked_is_code_two() {
    let desk = desk(false);
    let dir = desk.dir.path();
    let (code, _, err) = run(dir, &["nothing", "--root", "trust.toml"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error: nothing: "), "{err}");
    fs::write(dir.join("odd.toml"), "format = 1\ncolour = 3\n").unwrap();
    let (code, _, err) = run(dir, &["data", "--root", "odd.toml"]);
    assert_eq!(code, 2);
    assert!(err.contains("odd.toml") && err.contains("hint:"), "{err}");
    assert_eq!(run(dir, &["data"]).0, 2);
    let (code, out, _) = run(dir, &["--help"]);
    assert_eq!(code, 0);
    assert!(out.contains("Exit codes:") && out.contains("Examples:"));
}
