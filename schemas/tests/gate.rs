//! The gate's decision, row by row of `vectors/gate.jsonl`, and against a matcher written a second time.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use schemas::{
    gate::{Decision, DecisionCode, GateAsk, Origin, RobotsCopy, decide, host_matches, path_matches, query_matches},
    permission::{Entry, Match, Method},
    policy::Policy,
    robots::RobotsOutcome,
};
use serde::Deserialize;

mod policy_world;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    policy: String,
    queries: Vec<String>,
    ask: GateAsk,
    robots: Option<RobotsCopy>,
    code: DecisionCode,
    #[serde(default)]
    want: Want,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Want {
    because: Option<String>,
    url: Option<String>,
}

fn rows() -> Vec<Row> {
    let text = include_str!("../vectors/gate.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_row_is_decided_as_written() {
    let policies = policy_world::named_policies();
    let mut wrong = String::new();
    for row in rows() {
        let policy = &policies[&row.policy];
        let found = decide(policy, &row.queries, &row.ask, row.robots.as_ref());
        let mut because = row.want.because;
        for name in ["ana", "bob", "cleo", "dov"] {
            because = because.map(|text| text.replace(&format!("{{{name}}}"), &policy_world::id(name)));
        }
        let as_written = found.code == row.code
            && because.is_none_or(|because| because == found.because)
            && row.want.url.is_none_or(|url| found.url == Some(url));
        if !as_written {
            writeln!(wrong, "{}: wanted {:?}, found {found:?}", row.name, row.code).unwrap();
        }
        sound(policy, &row.ask, &found);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What holds of every decision.
fn sound(policy: &Policy, ask: &GateAsk, found: &Decision) {
    assert_eq!(found.permitted, found.code == DecisionCode::Permitted);
    let begins = if found.permitted { "permitted, because " } else { "refused, because " };
    assert!(found.because.starts_with(begins), "{}", found.because);
    assert_eq!(found.entry, policy.entry(&ask.entry).map(Entry::digest));
}

#[test]
fn the_vectors_cover_every_code_and_are_named_once() {
    let rows = rows();
    let codes: BTreeSet<DecisionCode> = rows.iter().map(|row| row.code).collect();
    assert_eq!(codes.len(), 18, "a code without a row: {codes:?}");
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len());
    assert!(rows.len() >= 300);
}

#[test]
fn patterns_read_as_documented() {
    let yes = [
        ("/", "/"),
        ("/", "/a?b"),
        ("/a", "/ab"),
        ("*", "/x"),
        ("/*b", "/aab"),
        ("/a$", "/a"),
        ("/*$", "/x?y"),
        ("/a*b$", "/abab"),
        ("/a**b", "/axb"),
        ("/a*", "/a"),
        ("*.atom$", "/x.atom.atom"),
        ("/a*a$", "/aa"),
        ("/%2F*", "/%2Fa"),
        ("/*?x=1", "/a?y=2?x=1"),
    ];
    let no = [
        ("/a", "/A"),
        ("/a$", "/ab"),
        ("/a*b$", "/abc"),
        ("/a*a$", "/a"),
        ("/a*bb*b$", "/abb"),
        ("/b", "/a/b"),
        ("/a*c", "/ab"),
    ];
    for (pattern, text) in yes {
        assert!(path_matches(pattern, text), "`{pattern}` should cover `{text}`");
    }
    for (pattern, text) in no {
        assert!(!path_matches(pattern, text), "`{pattern}` should not cover `{text}`");
    }
    assert!(host_matches("*.example.org", "a.example.org"));
    assert!(!host_matches("*.example.org", "example.org"));
    assert!(!host_matches("*.example.org", ".example.org"));
    assert!(!host_matches("*", "example.org"));
    assert!(!host_matches("*example.org", "anexample.org"));
    let url = "https://[2606:4700::1111]/v1/a".parse().unwrap();
    assert!(query_matches("https://[2606:4700::1111]/v1/", &url));
    assert!(!query_matches("https://[2606:4700::1111]:x/v1/", &url));
}

#[test]
fn a_hostile_pattern_takes_linear_time() {
    let pattern = format!("/{}b$", "*a".repeat(1_000));
    let text = format!("/{}", "a".repeat(8_000));
    let begun = Instant::now();
    assert!(!path_matches(&pattern, &text));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

/// The same question as `path_matches`, answered by trying everything.
fn naive(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => true,
        Some((b'$', [])) => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|from| naive(rest, &text[from..])),
        Some((letter, rest)) => text.first() == Some(letter) && naive(rest, &text[1..]),
    }
}

/// Whether a rule covers an address, read off the address's text alone.
fn naive_rule(rule: &Match, url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let usual = if scheme == "https" { "443" } else { "80" };
    let (host, port) = authority.split_once(':').unwrap_or((authority, usual));
    let wanted = rule.port.unwrap_or(if rule.scheme == "https" { 443 } else { 80 });
    let host_fits = match rule.host.strip_prefix("*.") {
        Some(below) => host.strip_suffix(below).is_some_and(|front| front.len() > 1 && front.ends_with('.')),
        None => host == rule.host,
    };
    rule.scheme == scheme && port == wanted.to_string() && host_fits && naive(rule.path.as_bytes(), path.as_bytes())
}

fn rule() -> impl Strategy<Value = Match> {
    let host =
        prop::sample::select(vec!["a.example.org", "b.example.org", "*.example.org", "*.a.example.org", "example.org"]);
    let scheme = prop::sample::select(vec!["http", "https"]);
    let port = prop::option::weighted(0.3, prop::sample::select(vec![80, 443, 8080]));
    (scheme, host, port, "/[ab*]{0,5}[$]?").prop_map(|(scheme, host, port, path)| Match {
        scheme: scheme.to_owned(),
        host: host.to_owned(),
        port,
        path,
    })
}

fn allowlist() -> impl Strategy<Value = Vec<Entry>> {
    let one = (
        prop::collection::vec(rule(), 0..3),
        any::<bool>(),
        0_u32..3,
        prop::sample::select(vec!["2026-11-20", "2026-11-21", "2027-06-30"]),
    );
    prop::collection::vec(one, 1..4).prop_map(|entries| {
        let named = (0..).zip(entries).map(|(n, (matches, post, daily, expires_on))| {
            let mut entry = policy_world::entry(&format!("e{n}"));
            entry.matches = matches;
            entry.daily = daily;
            entry.expires_on = expires_on.to_owned();
            if post {
                entry.methods = vec![Method::Post];
            }
            entry
        });
        named.collect()
    })
}

fn origins() -> impl Strategy<Value = Origin> {
    prop_oneof![
        4 => Just(Origin::Plan),
        1 => "[a-z:0-9-]{0,50}".prop_map(|asked_by| Origin::Follow { asked_by }),
        1 => (0_u32..8).prop_map(|hop| Origin::Redirect { from: "urn:uuid:6f1c0a52-3b8e-4c43-9d3f-0a1b2c3d4e5f".to_owned(), hop }),
        1 => (0_u32..8).prop_map(|hop| Origin::Robots { hop }),
        1 => (0_u32..8).prop_map(|hop| Origin::Reservation { hop }),
        1 => Just(Origin::Token),
    ]
}

fn ask() -> impl Strategy<Value = GateAsk> {
    let url = prop_oneof![
        6 => ("https?", "(a|b|c\\.a|x)\\.example\\.org|example\\.org", prop::option::weighted(0.2, prop::sample::select(vec![80_u16, 443, 8080])), "/[ab]{0,6}(\\?[ab]{0,2})?")
            .prop_map(|(scheme, host, port, path)| format!("{scheme}://{host}{}{path}", port.map_or_else(String::new, |port| format!(":{port}")))),
        1 => ".{0,40}",
    ];
    let resolved = prop::option::of(prop::collection::vec(any::<std::net::IpAddr>(), 0..3));
    (
        "e[0-4]",
        url,
        any::<bool>(),
        origins(),
        0_u32..3,
        -100_000_i64..100_000,
        resolved,
        prop::option::weighted(0.1, any::<std::net::IpAddr>()),
    )
        .prop_map(|(entry, url, post, origin, spent_today, shift, resolved, connected)| GateAsk {
            entry,
            collector: "feed".to_owned(),
            method: if post { Method::Post } else { Method::Get },
            url,
            headers: Vec::new(),
            origin,
            at: policy_world::at("2026-11-21T10:15:00Z") + jiff::SignedDuration::from_secs(shift),
            spent_today,
            resolved,
            connected,
            slot: None,
        })
}

fn policy_of(entries: &[Entry]) -> Policy {
    let root = policy_world::root(false, 1);
    let approval = policy_world::approval(&entries.iter().collect::<Vec<_>>(), "2027-06-30", "2026-11-01T09:00:00Z", 3);
    let bundle = policy_world::bundle(
        &root,
        policy_world::sign(&policy_world::permission(entries, 2), &["ana"]),
        vec![policy_world::sign(&approval, &["bob"])],
        "2026-11-21T10:00:00Z",
    );
    Policy::open(&bundle, &root).unwrap()
}

/// No robots.txt on the authority of an address: the copy then stands in nobody's way.
fn no_robots(ask: &GateAsk) -> Option<RobotsCopy> {
    let url = schemas::urlform::normal_form(&ask.url).ok()?;
    Some(RobotsCopy {
        v: 1,
        authority: schemas::gate::authority_of(&url),
        final_url: url.to_string(),
        status: Some(404),
        redirects: 0,
        fetched_at: ask.at,
        outcome: RobotsOutcome::Unavailable,
        body_base64: String::new(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn path_matches_agrees_with_trying_everything(pattern in "/?[ab*]{0,7}[$]?", text in "/[ab]{0,10}") {
        prop_assert_eq!(path_matches(&pattern, &text), naive(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn nothing_is_permitted_that_no_entry_names(entries in allowlist(), asks in prop::collection::vec(ask(), 20)) {
        let policy = policy_of(&entries);
        for ask in asks {
            let found = decide(&policy, &["/".to_owned()], &ask, no_robots(&ask).as_ref());
            sound(&policy, &ask, &found);
            prop_assert_eq!(&found, &decide(&policy, &["/".to_owned()], &ask, no_robots(&ask).as_ref()));
            if !found.permitted {
                continue;
            }
            let entry = entries.iter().find(|entry| entry.id == ask.entry).unwrap();
            let url = found.url.unwrap();
            let own = match ask.origin {
                Origin::Robots { .. } => url.ends_with("/robots.txt"),
                Origin::Reservation { .. } => url.ends_with("/.well-known/tdmrep.json"),
                _ => false,
            };
            prop_assert!(own || entry.matches.iter().any(|rule| naive_rule(rule, &url)), "{} by {:?}", url, entry.matches);
            prop_assert!(entry.methods.contains(&ask.method));
            prop_assert!(ask.spent_today < entry.daily);
            prop_assert!(ask.at.to_string().get(..10) <= Some(entry.expires_on.as_str()));
            for ip in ask.resolved.iter().flatten().chain(&ask.connected) {
                prop_assert_eq!(schemas::address::forbidden(*ip), None);
            }
        }
    }

    #[test]
    fn what_an_entry_in_force_names_is_permitted(mut entry in allowlist().prop_map(|mut all| all.remove(0)), mut ask in ask()) {
        entry.expires_on = "2027-06-30".to_owned();
        entry.daily = 9;
        ask.entry.clone_from(&entry.id);
        ask.origin = Origin::Plan;
        (ask.resolved, ask.connected) = (None, None);
        entry.methods = vec![ask.method];
        let Ok(url) = schemas::urlform::normal_form(&ask.url) else { return Ok(()) };
        let found = decide(&policy_of(std::slice::from_ref(&entry)), &["/".to_owned()], &ask, no_robots(&ask).as_ref());
        let covered = entry.matches.iter().any(|rule| naive_rule(rule, url.as_str()));
        prop_assert_eq!(found.permitted, covered, "{}", found.because);
    }

    #[test]
    fn decide_never_panics(url in any::<String>(), body in any::<String>(), status in any::<Option<u16>>(), redirects in any::<u8>(), header in any::<String>(), slot in any::<Option<String>>(), query in any::<String>(), seconds in any::<i32>()) {
        let policy = policy_of(&[policy_world::entry("e0")]);
        let at = jiff::Timestamp::from_second(i64::from(seconds)).unwrap();
        let ask = GateAsk { entry: "e0".into(), collector: "feed".into(), method: Method::Post, url: url.clone(), headers: vec![header], origin: Origin::Plan, at, spent_today: 0, resolved: None, connected: None, slot };
        let copy = RobotsCopy { v: 1, authority: url, final_url: String::new(), status, redirects, fetched_at: jiff::Timestamp::MIN, outcome: RobotsOutcome::Available, body_base64: body };
        let queries = [query];
        for method in [Method::Get, Method::Post] {
            for entry in ["e0", "e1"] {
                let ask = GateAsk { method, entry: entry.into(), headers: Vec::new(), ..ask.clone() };
                sound(&policy, &ask, &decide(&policy, &queries, &ask, Some(&copy)));
            }
        }
        sound(&policy, &ask, &decide(&policy, &queries, &ask, Some(&copy)));
    }
}
