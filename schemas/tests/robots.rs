//! Does one robots.txt give one answer, the RFC's, whatever its bytes?

use proptest::prelude::*;
use schemas::robots::{PARSED_BYTES, QUOTED_CHARS, Robots, RobotsDecision, RobotsOutcome, compare, decide, outcome};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    robots: String,
    token: String,
    path: String,
    expect: RobotsDecision,
}

#[test]
fn vectors_are_answered_to_the_line() {
    let rows = include_str!("../vectors/robots.jsonl").lines();
    let vectors: Vec<Vector> = rows.map(|row| serde_json::from_str(row).expect(row)).collect();
    assert!(vectors.len() >= 65, "{} vectors", vectors.len());
    for vector in vectors {
        let got = Robots::parse(vector.robots.as_bytes()).decide(&vector.token, &vector.path);
        assert_eq!(got, vector.expect, "{}", vector.name);
        let again = decide(RobotsOutcome::Available, vector.robots.as_bytes(), &vector.token, &vector.path);
        assert_eq!(again, vector.expect, "{}", vector.name);
    }
}

#[test]
fn every_fetch_result_has_its_outcome() {
    use RobotsOutcome::{Available, Refused, Unavailable, Unreachable};
    let table = [
        (Some(200), 0, Available),
        (Some(206), 5, Available),
        (Some(200), 6, Unreachable),
        (Some(404), 0, Unavailable),
        (Some(410), 5, Unavailable),
        (Some(404), 6, Unreachable),
        (Some(400), 0, Unavailable),
        (Some(401), 0, Refused),
        (Some(403), 2, Refused),
        (Some(451), 0, Refused),
        (Some(407), 0, Unreachable),
        (Some(408), 0, Unreachable),
        (Some(429), 0, Unreachable),
        (Some(500), 0, Unreachable),
        (Some(503), 0, Unreachable),
        (Some(599), 0, Unreachable),
        (Some(301), 1, Unreachable),
        (Some(304), 0, Unreachable),
        (Some(100), 0, Unreachable),
        (Some(999), 0, Unreachable),
        (Some(0), 0, Unreachable),
        (None, 0, Unreachable),
        (None, 255, Unreachable),
    ];
    for (status, redirects, expected) in table {
        assert_eq!(outcome(status, redirects), expected, "{status:?} after {redirects} redirects");
    }
}

#[test]
fn outcome_is_never_more_lenient_than_the_rfc() {
    for status in 0..=1000 {
        for redirects in 0..=7 {
            let (allows_all, rfc_allows_all) =
                (outcome(Some(status), redirects) == RobotsOutcome::Unavailable, (400..500).contains(&status));
            assert!(!allows_all || rfc_allows_all, "{status} after {redirects} redirects");
        }
    }
}

#[test]
fn outcome_decides_before_the_body_does() {
    let open = b"User-agent: *\nAllow: /\n";
    let closed = b"User-agent: *\nDisallow: /\n";
    let allowed = |outcome, body: &[u8], path| decide(outcome, body, "ExampleCollector", path).allowed;
    assert!(allowed(RobotsOutcome::Unavailable, closed, "/a"));
    assert!(!allowed(RobotsOutcome::Unreachable, open, "/a"));
    assert!(!allowed(RobotsOutcome::Refused, open, "/a"));
    assert!(allowed(RobotsOutcome::Unreachable, open, "/robots.txt"));
    assert!(!allowed(RobotsOutcome::Available, closed, "/a"));
}

#[test]
fn outcome_and_decision_are_written_in_snake_case() {
    let words: Vec<String> =
        [RobotsOutcome::Available, RobotsOutcome::Unavailable, RobotsOutcome::Refused, RobotsOutcome::Unreachable]
            .iter()
            .map(|outcome| serde_json::to_string(outcome).unwrap())
            .collect();
    assert_eq!(words, [r#""available""#, r#""unavailable""#, r#""refused""#, r#""unreachable""#]);
    let decision = Robots::parse(b"User-agent: *\nDisallow: /a\nCrawl-delay: 2\n").decide("x", "/a");
    assert_eq!(
        serde_json::to_string(&decision).unwrap(),
        r#"{"allowed":false,"group":"*","rule":"Disallow: /a","line":2,"crawl_delay_ms":2000}"#
    );
}

#[test]
fn sitemaps_stand_anywhere() {
    let robots = Robots::parse(
        b"Sitemap: https://example.org/a.xml\nUser-agent: *\nDisallow: /x\nsite-map: https://example.org/b.xml\nSitemap:\n",
    );
    assert_eq!(robots.sitemaps(), ["https://example.org/a.xml", "https://example.org/b.xml"]);
}

#[test]
fn content_signals_follow_their_group() {
    let robots = Robots::parse(
        b"Content-Signal: search=yes\nUser-agent: *\nContent-Signal: AI-Train=No, ai-input\nDisallow: /x\n\nUser-agent: a\nContent-Usage: /news train-ai=n\n",
    );
    let told = |token| -> Vec<String> {
        let signals = robots.content_signals(token).into_iter();
        signals
            .map(|signal| {
                let path = signal.path.as_deref().unwrap_or("-");
                format!("{}:{} {path} {}={}", signal.line, signal.field, signal.key, signal.value)
            })
            .collect()
    };
    assert_eq!(
        told("b"),
        ["1:content-signal - search=yes", "3:content-signal - ai-train=no", "3:content-signal - ai-input="]
    );
    assert_eq!(told("a"), ["1:content-signal - search=yes", "7:content-usage /news train-ai=n"]);
}

#[test]
fn a_line_cut_by_the_limit_is_dropped_and_a_whole_one_kept() {
    let start = b"User-agent: *\nDisallow: /\n";
    let allow = b"Allow: /public/only-this";
    let filled = |spare: usize| {
        let mut body = start.to_vec();
        body.resize(PARSED_BYTES - spare, b'#');
        body.push(b'\n');
        body.extend(allow);
        body.extend(b"\nDisallow: /public\n");
        body
    };
    // One byte of the line lies beyond the limit.
    let cut = Robots::parse(&filled(allow.len())).decide("a", "/public/only-this");
    assert_eq!((cut.allowed, cut.line), (false, Some(2)));
    // Its last byte is the limit's last byte, though its line end lies beyond.
    let whole = Robots::parse(&filled(allow.len() + 1)).decide("a", "/public/only-this");
    assert_eq!((whole.allowed, whole.line), (true, Some(4)));
}

#[test]
fn a_file_of_one_endless_line_says_nothing() {
    let body = vec![b'a'; PARSED_BYTES * 2];
    assert_eq!(Robots::parse(&body).decide("a", "/").group, None);
}

#[test]
fn half_a_byte_order_mark_does_not_hide_the_first_line() {
    for mark in [&b"\xef\xbb\xbf"[..], b"\xef\xbb", b"\xef"] {
        let body = [mark, b"User-agent: *\nDisallow: /\n"].concat();
        assert!(!Robots::parse(&body).decide("a", "/").allowed, "{mark:?}");
    }
}

#[test]
fn a_quoted_rule_is_bounded_and_has_no_control_characters() {
    let body = format!("User-agent: *\nDisallow: /\u{1b}[31m{}\n", "ツ".repeat(5000));
    let path = format!("/\u{1b}[31m{}", "ツ".repeat(5000));
    let rule = Robots::parse(body.as_bytes()).decide("a", &path).rule.unwrap();
    assert_eq!(rule.chars().count(), QUOTED_CHARS);
    assert!(rule.starts_with("Disallow: /\u{fffd}[31mツ") && rule.ends_with("ツ…"), "{rule}");
}

#[test]
fn rules_are_matched_as_bytes_where_they_are_no_text() {
    let robots = Robots::parse(b"User-agent: *\nDisallow: /caf\xe9\n");
    assert!(!robots.decide("a", "/caf%E9").allowed);
    assert!(robots.decide("a", "/caf%EF%BF%BD").allowed);
}

#[test]
fn many_stars_cost_no_more_than_reading_both_texts() {
    for repeated in ["*a", "*aa", "*aaaaaaaaab", "*ab", "**a", "*a*b"] {
        for (times, letters) in [(10, 10_000), (100, 10_000), (2_000, 10_000), (2_000, 40_000)] {
            for end in ["", "$", "*$", "b", "b$"] {
                let rule = format!("/{}{end}", repeated.repeat(times));
                let path = format!("/{}", "a".repeat(letters));
                let spent = compare(&rule, &path).comparisons;
                let bound = 3 * (rule.len() + path.len()) as u64;
                assert!(spent <= bound, "{repeated} {times} times, {end:?}: {spent} comparisons, bound {bound}");
            }
        }
    }
}

#[test]
fn twice_the_path_costs_at_most_twice_as_much() {
    let rule = format!("/{}b", "*a".repeat(500));
    let spent = |letters: usize| compare(&rule, &format!("/{}", "a".repeat(letters))).comparisons;
    for letters in [5_000, 10_000, 20_000, 40_000] {
        assert!(spent(2 * letters) <= 2 * spent(letters) + rule.len() as u64, "{letters} letters");
        assert!(spent(letters) >= letters as u64, "the count counts");
    }
}

/// A matcher one can check by reading it: tries every length of every `*`.
fn reference(rule: &[u8], path: &[u8]) -> bool {
    match rule {
        [] => true,
        [b'$'] => path.is_empty(),
        [b'*', rest @ ..] => reference(rest, path) || (!path.is_empty() && reference(rule, &path[1..])),
        [octet, rest @ ..] => path.first() == Some(octet) && reference(rest, &path[1..]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn matcher_agrees_with_the_reference(rule in "[/*]?[ab/*$]{0,10}", path in "/[ab/*$]{0,12}") {
        prop_assert_eq!(compare(&rule, &path).matches, reference(rule.as_bytes(), path.as_bytes()));
    }

    #[test]
    fn longest_match_agrees_with_the_reference(
        rules in prop::collection::vec((any::<bool>(), "[/*][ab*]{0,5}[$]?"), 0..8),
        path in "/[ab]{0,8}",
    ) {
        let lines: Vec<String> =
            rules.iter().map(|(allow, rule)| format!("{}: {rule}\n", if *allow { "Allow" } else { "Disallow" })).collect();
        let got = Robots::parse(format!("User-agent: *\n{}", lines.concat()).as_bytes()).decide("a", &path);
        let matching = rules.iter().filter(|(_, rule)| reference(rule.as_bytes(), path.as_bytes()));
        let expected = matching.map(|(allow, rule)| (rule.len(), *allow)).max().is_none_or(|(_, allow)| allow);
        prop_assert_eq!(got.allowed, expected, "{:?}", got);
    }

    #[test]
    fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..600), token in ".{0,12}", path in ".{0,40}") {
        let robots = Robots::parse(&body);
        let decision = robots.decide(&token, &path);
        prop_assert_eq!(decision.rule.is_some(), decision.line.is_some());
        prop_assert_eq!(robots.decide(&token, "/robots.txt").allowed, true);
        robots.content_signals(&token);
    }

    #[test]
    fn lines_of_words_are_read(
        lines in prop::collection::vec("(User-agent|Allow|Disallow|Crawl-delay|Sitemap|Content-Signal|#|)[: ]{0,2}[ab*/$%2fツ=,.0-9]{0,9}(\r|\n|\r\n)", 0..20),
        path in "/[ab%2fツ*$]{0,9}",
    ) {
        let body = lines.concat();
        let decision = decide(RobotsOutcome::Available, body.as_bytes(), "a", &path);
        prop_assert!(decision.allowed || decision.rule.is_some(), "a refusal names its line: {:?}", decision);
        let again: RobotsDecision = serde_json::from_str(&serde_json::to_string(&decision).unwrap()).unwrap();
        prop_assert_eq!(again, decision);
    }

    #[test]
    fn a_written_and_an_encoded_path_get_one_answer(rule in "/[a-z%ツ~é ]{0,6}", path in "/[a-z~ツé |^]{0,8}") {
        let encoded: String = path.bytes().map(|octet| match octet {
            b'/' => "/".to_owned(),
            octet => format!("%{octet:02x}"),
        }).collect();
        prop_assert_eq!(compare(&rule, &path).matches, compare(&rule, &encoded).matches);
    }
}
