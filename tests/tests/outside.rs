//! Programs that other people wrote read what ours wrote: warcio, Go's checksum database packages, a script made from the C2SP texts alone.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use exhibit::{Exhibit, Options};
use tests::{World, segments, skipped};
use tlog::SigningKey;

fn collected() -> World {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let mut world = World::of(&exhibit);
    for _ in 0..2 {
        world.agent().once();
        exhibit.advance();
    }
    let _ = world.settled();
    world.stop();
    world
}

fn vkey(world: &World) -> String {
    let text = fs::read_to_string(world.key("log")).unwrap();
    SigningKey::parse(text.trim_end()).unwrap().vkey().to_string()
}

/// Runs a program; nothing where it is not installed.
fn outside(program: &str, arguments: &[&str], environment: &[(&str, &Path)]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for (name, value) in environment {
        command.env(name, value);
    }
    match command.output() {
        Ok(output) => Some(output),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => None,
        Err(why) => panic!("{program}: {why}"),
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("outside").join(name)
}

#[test]
fn warcio_finds_nothing_wrong_with_any_segment() {
    if outside("warcio", &["--version"], &[]).is_none() {
        return skipped("warcio_finds_nothing_wrong_with_any_segment", "warcio");
    }
    let world = collected();
    let files = segments(&world.data());
    assert!(files.len() > 20);
    let mut digests = 0;
    for file in &files {
        let output = outside("warcio", &["check", "-v", file.to_str().unwrap()], &[]).unwrap();
        let text = said(&output);
        assert!(output.status.success() && !text.contains("failed"), "{}:\n{text}", file.display());
        digests += text.matches("digest pass").count();
        let index = outside("warcio", &["index", file.to_str().unwrap()], &[]).unwrap();
        assert!(index.status.success(), "{}", said(&index));
    }
    assert!(digests > files.len(), "warcio saw {digests} digests");
    println!("warcio: {} segments checked, {digests} digests pass, none fails", files.len());
}

#[test]
fn go_agrees_with_signature_tiles_and_proofs() {
    let name = "go_agrees_with_signature_tiles_and_proofs";
    // Debian: golang-go, golang-golang-x-mod-dev.
    let library = Path::new("/usr/share/gocode");
    if !library.join("src/golang.org/x/mod/sumdb/tlog").exists() {
        return skipped(name, "Go's package golang.org/x/mod below /usr/share/gocode");
    }
    let world = collected();
    let caches = tempfile::tempdir().unwrap();
    let [off, home] = [Path::new("off"), caches.path()];
    let environment = [("GO111MODULE", off), ("GOPATH", library), ("GOCACHE", home), ("GOFLAGS", Path::new(""))];
    let [source, log, key] =
        [script("main.go").display().to_string(), world.data().join("log").display().to_string(), vkey(&world)];
    let Some(output) = outside("go", &["run", &source, &log, &key], &environment) else {
        return skipped(name, "go");
    };
    assert!(output.status.success(), "{}", said(&output));
    println!("{}", said(&output).trim());
    // It can say no: one bit of the newest entries.
    let mut bundles: Vec<PathBuf> = tests::files(&world.data().join("log/tile/entries"));
    let newest = bundles.pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&newest, bytes).unwrap();
    for partial in bundles {
        fs::remove_file(partial).unwrap();
    }
    let output = outside("go", &["run", &source, &log, &key], &environment).unwrap();
    assert!(!output.status.success(), "Go did not see an altered entry");
}

#[test]
fn script_from_the_texts_alone_accepts_a_proof_and_refuses_another() {
    let name = "script_from_the_texts_alone_accepts_a_proof_and_refuses_another";
    if outside("python3", &["--version"], &[]).is_none() {
        return skipped(name, "python3");
    }
    let world = collected();
    let hits = world.search("");
    let bundle = world.scratch().join("record.tar");
    world.vigie(&["trace", hits[0]["id"].as_str().unwrap(), "--bundle", bundle.to_str().unwrap()]).ok();
    // A bundle is a plain tar file: anybody can open it without us.
    let opened = world.scratch().join("opened");
    fs::create_dir(&opened).unwrap();
    let Some(tar) = outside("tar", &["-xf", bundle.to_str().unwrap(), "-C", opened.to_str().unwrap()], &[]) else {
        return skipped(name, "tar");
    };
    assert!(tar.status.success(), "{}", said(&tar));
    let key = vkey(&world);
    let script = script("proof.py").display().to_string();
    let leaves: Vec<PathBuf> = tests::files(&opened.join("leaves"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "json"))
        .collect();
    assert!(leaves.len() > 3);
    for leaf in &leaves {
        let proof = leaf.with_extension("tlog-proof");
        let arguments = [script.as_str(), leaf.to_str().unwrap(), proof.to_str().unwrap(), &key];
        let output = outside("python3", &arguments, &[]).unwrap();
        assert!(output.status.success(), "{}: {}", leaf.display(), said(&output));
    }
    let [one, another] = [&leaves[0], &leaves[1]];
    let crossed =
        [script.as_str(), one.to_str().unwrap(), &another.with_extension("tlog-proof").display().to_string(), &key]
            .map(str::to_owned);
    let output = outside("python3", &crossed.each_ref().map(String::as_str), &[]).unwrap();
    assert!(!output.status.success(), "a proof of another leaf was accepted");
    println!("C2SP script: {} proofs hold, a crossed one does not", leaves.len());
}
