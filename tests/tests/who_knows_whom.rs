//! The borders of ARCHITECTURE.md, *who may know whom*, held against what cargo knows.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

/// Members of the workspace.
const OURS: [&str; 17] = [
    "schemas",
    "tlog",
    "warc",
    "kit",
    "bluesky",
    "fara",
    "feed",
    "gdelt",
    "mastodon",
    "mediawiki",
    "snapads",
    "web",
    "youtube",
    "registry",
    "verify",
    "tests",
    "exhibit",
];

/// What a collector's crate may use beyond the kit: words, parsers, pure functions. No network, no files, no clock, no runtime.
const FOR_COLLECTORS: [&str; 18] = [
    "base64",
    "chardetng",
    "dom_smoothie",
    "ego-tree",
    "encoding_rs",
    "html-escape",
    "jiff",
    "memchr",
    "psl",
    "quick-xml",
    "schemas",
    "scraper",
    "serde",
    "serde_json",
    "kit",
    "toml",
    "unicode-normalization",
    "url",
];

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// Direct dependencies of a crate that users build; test-only ones are left out.
fn dependencies(metadata: &Value, name: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().expect("packages");
    let package =
        packages.iter().find(|package| package["name"] == name).unwrap_or_else(|| panic!("there is no crate `{name}`"));
    let all = package["dependencies"].as_array().expect("dependencies");
    all.iter().filter(|one| one["kind"] != "dev").filter_map(|one| Some(one["name"].as_str()?.to_owned())).collect()
}

fn ours(metadata: &Value, name: &str) -> BTreeSet<String> {
    dependencies(metadata, name).into_iter().filter(|name| OURS.contains(&name.as_str())).collect()
}

#[test]
fn every_crate_knows_whom_it_may_and_nobody_else() {
    let metadata = metadata();
    let members: BTreeSet<&str> =
        metadata["packages"].as_array().expect("packages").iter().filter_map(|one| one["name"].as_str()).collect();
    // Programs that only benchmarks need may start and know everybody, as `tests` may.
    let members: BTreeSet<&str> = members.into_iter().filter(|name| *name != "bench").collect();
    assert_eq!(members, BTreeSet::from(OURS), "a new crate needs a row here and in ARCHITECTURE.md");
    for (name, allowed) in [
        ("tlog", &[][..]),
        ("warc", &[]),
        ("schemas", &["tlog", "warc"]),
        ("kit", &["schemas", "tlog", "warc"]),
        ("bluesky", &["kit", "schemas"]),
        ("fara", &["kit", "schemas"]),
        ("feed", &["kit", "schemas"]),
        ("gdelt", &["kit", "schemas"]),
        ("mastodon", &["kit", "schemas"]),
        ("mediawiki", &["kit", "schemas"]),
        ("snapads", &["kit", "schemas"]),
        ("web", &["kit", "schemas"]),
        ("youtube", &["kit", "schemas"]),
        ("verify", &["schemas", "tlog", "warc"]),
        ("registry", &["schemas", "tlog", "verify", "warc"]),
        ("exhibit", &[]),
    ] {
        for known in ours(&metadata, name) {
            assert!(allowed.contains(&known.as_str()), "`{name}` must not know `{known}`");
        }
    }
}

#[test]
fn collector_has_nothing_to_open_a_socket_with() {
    let metadata = metadata();
    for (collector, name) in ["bluesky", "fara", "feed", "gdelt", "mastodon", "mediawiki", "snapads", "web", "youtube"]
        .into_iter()
        .flat_map(|one| dependencies(&metadata, one).into_iter().map(move |name| (one, name)))
    {
        assert!(
            FOR_COLLECTORS.contains(&name.as_str()),
            "`{collector}` uses `{name}`, which is not on the short list of what a collector may use"
        );
    }
}

#[test]
fn cryptography_comes_from_one_place() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).expect("Cargo.lock");
    for forbidden in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{forbidden}\"")), "`{forbidden}` is in Cargo.lock");
    }
}

#[test]
fn programs_are_built_for_these_tests() {
    // `cargo test` builds a package's programs only if it has integration tests.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in [
        "agents/bluesky",
        "agents/fara",
        "agents/feed",
        "agents/gdelt",
        "agents/mastodon",
        "agents/mediawiki",
        "agents/snapads",
        "agents/web",
        "agents/youtube",
        "registry",
        "registry/verify",
        "tests/exhibit",
    ] {
        let tests = fs::read_dir(root.join(folder).join("tests")).into_iter().flatten().flatten();
        let any = tests.into_iter().any(|entry| entry.path().extension().is_some_and(|end| end == "rs"));
        assert!(any, "{folder} has no integration test: `cargo test` would not build its program");
    }
}
