//! Does the `exhibit` command serve, and end when it is told to?

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{ask, get};
use serde_json::Value;

/// The command with these arguments, and the line it printed.
fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_exhibit"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output is piped");
    BufReader::new(stdout).read_line(&mut line).expect("it prints a line");
    (child, serde_json::from_str(&line).expect("one line of JSON"))
}

#[test]
fn it_serves_until_standard_input_closes() {
    let (mut child, listing) = start(&["--until-stdin-closes", "--epoch", "2026-10-01T06:00:00Z"]);
    let rooms = listing["newsrooms"].as_array().unwrap();
    assert_eq!(rooms.len(), 21);
    let first = &rooms[0];
    assert_eq!((first["name"].as_str(), first["lang"].as_str()), (Some("harbour"), Some("en")));
    let feed = format!("{}{}", first["url"].as_str().unwrap(), first["feed"].as_str().unwrap());
    assert_eq!(get(&feed).header("last-modified"), "Thu, 01 Oct 2026 06:00:00 GMT");
    let control = listing["control"].as_str().unwrap();
    assert_eq!(ask("POST", &format!("{control}/-/advance"), &[]).text(), "{\"round\":1}\n");
    assert_eq!(get(&feed).header("last-modified"), "Thu, 01 Oct 2026 07:00:00 GMT");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn it_ends_at_sigterm_and_sigint() {
    for name in ["-TERM", "-INT"] {
        let (mut child, listing) = start(&["--only", "harbour,wall", "--for", "60"]);
        let started = Instant::now();
        assert_eq!(listing["newsrooms"].as_array().unwrap().len(), 2);
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
        assert!(child.wait().unwrap().success(), "{name}");
        // `--for` is there so that a failing test leaves nothing behind.
        assert!(started.elapsed() < Duration::from_secs(50), "{name}");
    }
}

#[test]
fn it_ends_after_its_time() {
    let (mut child, _listing) = start(&["--for", "0", "--only", "empty"]);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_unknown_newsroom_is_refused_with_the_known_ones() {
    let output = Command::new(env!("CARGO_BIN_EXE_exhibit")).args(["--only", "harbor"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(error.starts_with("error: no newsroom `harbor`; there are harbour, riviere, "), "{error}");
}
