//! How do we read robots.txt beside Google's matcher? Each difference has a reason here, or the test fails.
//!
//! The corpora are not part of this repository; without them the tests say `skipped`, or fail if `VIGIE_REQUIRE_ALL=1`.

use schemas::robots::Robots;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A folder of the shared material, or a notice that it is not here.
fn shared(test: &str, folder: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = root.ancestors().map(|above| above.join("../shared").join(folder)).find(|path| path.is_dir());
    if found.is_none() {
        // Written past the capture of test output: what was skipped is said even where the test passes.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("skipped: {test}: ../shared/{folder} is not here\n").as_bytes(),
        );
        let required = std::env::var("VIGIE_REQUIRE_ALL").is_ok_and(|value| value == "1");
        assert!(!required, "{test} needs ../shared/{folder}");
    }
    found
}

/// Path and query of a URL as written, as Google's matcher takes them: nothing encoded, nothing decoded.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?']).map_or("", |at| &rest[at..])
}

#[derive(Deserialize)]
struct GoogleCases {
    cases: Vec<GoogleCase>,
    parse_counts: Vec<ParseCount>,
}

#[derive(Deserialize)]
struct GoogleCase {
    test: String,
    robots: String,
    agent: String,
    url: String,
    allow: bool,
}

#[derive(Deserialize)]
struct ParseCount {
    sitemap: Option<String>,
    robots_hex: String,
}

/// Why we answer otherwise than Google's own test expects.
fn why_not_google(case: &GoogleCase) -> Option<&'static str> {
    let path = path_of(&case.url);
    match case.test.as_str() {
        // Three of the cases that are meant to be the RFC's. RFC 9309 section 2.2.2: "If a percent-encoded US-ASCII octet is encountered in the URI, it MUST be unencoded prior to
        // comparison, unless it is a reserved character"; octets outside ASCII "MUST be percent-encoded". Google's matcher
        // escapes the rule only and expects its caller to hand over an encoded URL; these three hand over another.
        "ID_Encoding" if path == "/foo/bar/ツ" => Some("the RFC encodes the URL before comparing"),
        "ID_Encoding" if path == "/foo/bar/baz" && case.robots.contains("%62%61%7A") => {
            Some("the RFC decodes unreserved characters before comparing")
        }
        "GoogleOnly_IndexHTMLisDirectory" if path == "/allowed-slash/" => {
            Some("`Allow: /dir/index.html` opens `/dir/` for Google only")
        }
        "GoogleOnly_LineTooLong" if path.len() > 1000 => {
            Some("Google cuts lines at 16,664 bytes, which widens the rule; we read them whole")
        }
        _ => None,
    }
}

#[test]
fn google_cases_are_answered_alike_but_for_named_ones() {
    let Some(folder) = shared("google_cases_are_answered_alike_but_for_named_ones", "real/robots/google") else {
        return;
    };
    let text = std::fs::read(folder.join("robots_test.json")).unwrap();
    let all: GoogleCases = serde_json::from_slice(&text).unwrap();
    let mut differences: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &all.cases {
        let decision = Robots::parse(case.robots.as_bytes()).decide(&case.agent, path_of(&case.url));
        if decision.allowed == case.allow {
            continue;
        }
        let Some(why) = why_not_google(case) else {
            panic!("{}: {:?} for {} {:?}, got {decision:?}", case.test, case.robots, case.agent, case.url);
        };
        *differences.entry(why).or_default() += 1;
    }
    println!("google: {} cases, differing on purpose: {differences:#?}", all.cases.len());
    assert_eq!(all.cases.len(), 145);
    assert_eq!(differences.values().sum::<usize>(), 6, "{differences:#?}");
}

#[test]
fn google_line_and_mark_cases_name_the_same_lines() {
    let Some(folder) = shared("google_line_and_mark_cases_name_the_same_lines", "real/robots/google") else {
        return;
    };
    let text = std::fs::read(folder.join("robots_test.json")).unwrap();
    let all: GoogleCases = serde_json::from_slice(&text).unwrap();
    let mut sitemaps = 0;
    for count in &all.parse_counts {
        let body = hex::decode(&count.robots_hex).unwrap();
        let robots = Robots::parse(&body);
        if let Some(sitemap) = &count.sitemap {
            assert_eq!(robots.sitemaps(), std::slice::from_ref(sitemap));
            sitemaps += 1;
        }
        // The line tests of that file all end in `Disallow: /` for `bar` on line 6.
        if body.ends_with(b"Disallow: /") || body.trim_ascii_end().ends_with(b"Disallow: /") {
            assert_eq!(robots.decide("bar", "/any").line, Some(6), "{:?}", String::from_utf8_lossy(&body));
        }
    }
    assert!(sitemaps >= 2);
}

#[derive(Deserialize)]
struct RealCase {
    file: String,
    agent: String,
    url: String,
    allow: bool,
}

#[test]
fn real_files_are_read_as_google_reads_them() {
    let Some(folder) = shared("real_files_are_read_as_google_reads_them", "real/robots/realworld") else {
        return;
    };
    let expected = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let mut files: BTreeMap<String, Robots> = BTreeMap::new();
    let (mut rows, mut alike) = (0, 0);
    let mut unexplained = Vec::new();
    for row in expected.lines() {
        let case: RealCase = serde_json::from_str(row).unwrap();
        let robots = files
            .entry(case.file.clone())
            .or_insert_with(|| Robots::parse(&std::fs::read(folder.join(&case.file)).unwrap()));
        let path = path_of(&case.url);
        let decision = robots.decide(&case.agent, path);
        rows += 1;
        if decision.allowed == case.allow {
            alike += 1;
        } else if !escapes_in_lower_case(path) {
            unexplained.push(format!("{} for {}: {decision:?}", case.url, case.agent));
        }
    }
    let files = files.len();
    println!("real files: {alike} of {rows} rows alike over {files} files, {} explained", rows - alike);
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert_eq!(rows, 4394);
    assert!(alike >= 4392, "{alike} rows alike");
}

/// The one difference found: `%2b` in a URL is `%2B` to us (RFC 3986 section 6.2.2.1), while Google writes only the rule's escapes in upper case.
fn escapes_in_lower_case(path: &str) -> bool {
    path.split('%').skip(1).any(|after| after.bytes().take(2).any(|digit| matches!(digit, b'a'..=b'f')))
}
