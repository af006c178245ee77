//! Does a folder of saved answers come back as it was saved?

mod common;

use std::path::{Path, PathBuf};

use common::get;
use exhibit::FileSite;

/// A folder of this crate with a manifest and two invented files.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/saved")
}

#[test]
fn files_come_with_the_headers_of_the_manifest() {
    let site = FileSite::from_manifest(folder()).unwrap();
    let latin = get(&format!("{}/latin/caf%C3%A9.xml", site.base_url()));
    assert_eq!((latin.status, latin.header("content-type")), (200, "application/atom+xml; charset=iso-8859-1"));
    assert_eq!((latin.header("content-location"), latin.header("etag")), ("http://saved.example.org/x/", "\"7\""));
    // The length is that of this file, whatever was saved.
    assert_eq!(latin.header("content-length"), latin.body.len().to_string());
    assert_eq!(latin.body, std::fs::read(folder().join("latin/café.xml")).unwrap());
    let plain = get(&format!("{}/plain.rss", site.base_url()));
    assert_eq!(plain.header("content-type"), "application/rss+xml");
    assert_eq!(site.log().len(), 2);
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let site = FileSite::from_manifest(folder()).unwrap();
    for path in
        ["/../file_site.rs", "/latin/../../file_site.rs", "/%2e%2e/file_site.rs", "/", "/robots.txt", "//etc/hostname"]
    {
        assert_eq!(get(&format!("{}{path}", site.base_url())).status, 404, "{path}");
    }
}

#[test]
fn a_manifest_that_cannot_be_read_is_named() {
    let error = FileSite::from_manifest(folder().join("latin")).err().unwrap().to_string();
    assert!(error.contains("manifest.jsonl"), "{error}");
}

#[test]
fn the_corpus_is_served_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let corpus = root.join("../shared/real/feeds");
    if !corpus.is_dir() {
        assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none(), "../shared/real/feeds is not here");
        // Written past the capture of test output: what was skipped is said even where the test passes.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: the_corpus_is_served_whole: ../shared/real/feeds is not here\n",
        );
        return;
    }
    let site = FileSite::from_manifest(&corpus).unwrap();
    let manifest = std::fs::read_to_string(corpus.join("manifest.jsonl")).unwrap();
    let mut files = 0;
    for line in manifest.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = line["file"].as_str().unwrap();
        let got = get(&format!("{}/{file}", site.base_url()));
        assert_eq!((got.status, got.body.len() as u64), (200, line["bytes"].as_u64().unwrap()), "{file}");
        files += 1;
    }
    assert!(files > 50, "{files} files");
}
