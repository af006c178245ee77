//! What does `policy check` refuse, and does it say where and what to do?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use jiff::civil::Date;
use schemas::{
    permission::Allowlist,
    policy::{PolicyProblem, check_allowlist_file, check_trust_file},
    trust::TrustRoot,
};

mod policy_world;

const ALLOWLIST: &str = include_str!("../allowlist.example.toml");
const TRUST: &str = include_str!("../trust.example.toml");

fn root() -> TrustRoot {
    check_trust_file(TRUST, "trust.example.toml").unwrap()
}

fn today() -> Date {
    "2026-11-21".parse().unwrap()
}

fn shown(problems: &[PolicyProblem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// Replaces one line that begins with `key =` of a text, or adds it before the first table of the entry.
fn with(text: &str, key: &str, line: &str) -> (String, usize) {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|old| old.starts_with(&format!("{key} ="))).unwrap_or_else(|| {
        let at = lines.iter().position(|old| old.starts_with("expires_on") || old.starts_with("contact")).unwrap();
        lines.insert(at, "");
        at
    });
    // A value over several lines goes as a whole.
    if lines[at].ends_with('[') {
        while lines[at + 1] != "]" {
            lines.remove(at + 1);
        }
        lines.remove(at + 1);
    }
    lines[at] = line;
    (lines.join("\n"), at + 1)
}

#[test]
fn the_examples_are_sound() {
    let allowlist = check_allowlist_file(ALLOWLIST, "allowlist.example.toml", &root(), today()).unwrap();
    assert_eq!(allowlist.entries[0].expected_per_day(), Some((5, 200)));
    assert_eq!(root().people.len(), 3);
}

#[test]
fn each_bad_value_is_refused_at_its_line() {
    let cases = [
        ("id", r#"id = "Harbour""#, "cannot be an id"),
        ("id", r#"id = "-a""#, "cannot be an id"),
        ("collector", r#"collector = "my feed""#, "collector's name"),
        ("seeds", "seeds = []", "`seeds` is empty"),
        ("seeds", r#"seeds = ["https://news.example.org/other.atom"]"#, "no `match` rule covers the seed"),
        ("seeds", r#"seeds = ["HTTPS://news.example.org/news.atom"]"#, "not in normal form"),
        ("seeds", r#"seeds = ["ftp://news.example.org/news.atom"]"#, "cannot be fetched"),
        (
            "seeds",
            r#"seeds = ["https://news.example.org/news.atom", "https://news.example.org/news.atom"]"#,
            "given twice",
        ),
        ("seeds", r#"seeds = [" @ana"]"#, "holds spaces"),
        ("match", "match = []", "`match` is empty"),
        ("match", r#"match = [{ host = "*" }]"#, "has a `*`"),
        ("match", r#"match = [{ host = "*.org" }]"#, "whole top-level domain"),
        ("match", r#"match = [{ host = "a*.example.org" }]"#, "has a `*`"),
        ("match", r#"match = [{ host = "News.example.org" }]"#, "not in normal form"),
        ("match", r#"match = [{ host = "news.example.org/news" }]"#, "is not in normal form"),
        ("match", r#"match = [{ host = "" }]"#, "is no host"),
        ("match", r#"match = [{ host = "*.127.0.0.1" }]"#, "before an address"),
        ("match", r#"match = [{ host = "0x7f.1" }]"#, "write `127.0.0.1`"),
        ("match", r#"match = [{ host = "10.0.0.1" }]"#, "can never be reached"),
        ("match", r#"match = [{ host = "news.example.org", scheme = "ftp" }]"#, "no scheme"),
        ("match", r#"match = [{ host = "news.example.org", port = 0 }]"#, "port 0"),
        ("match", r#"match = [{ host = "news.example.org", path = "news" }]"#, "matches no path"),
        ("match", r#"match = [{ host = "news.example.org", path = "/a$b" }]"#, "`$` before its end"),
        ("match", r#"match = [{ host = "news.example.org", path = "/a/../b" }]"#, "never match"),
        ("match", r#"match = [{ host = "news.example.org", path = "/a b" }]"#, "write `/a%20b`"),
        ("methods", "methods = []", "`methods` is empty"),
        ("methods", r#"methods = ["GET", "GET"]"#, "twice"),
        (
            "recipe",
            r#"recipe = { file = "../a.toml", digest = "0000000000000000000000000000000000000000000000000000000000000000" }"#,
            "cannot be a recipe's file",
        ),
        ("credential", r#"credential = "../token""#, "cannot be a credential's name"),
        ("credential", r#"credential = "registry.token""#, "cannot be a credential's name"),
        ("authors", r#"authors = "pseudonym""#, "would name them all"),
        ("authors", r#"authors = "omit""#, "would name them all"),
        ("evidence", r#"evidence = "sealed""#, "the trust root names fewer"),
        ("domestic", r#"domestic = "refuse""#, "not in this release"),
        ("domestic", r#"domestic = "quarantine""#, "not in this release"),
        ("fields", r#"fields = ["texts"]"#, "did you mean `text`?"),
        ("fields", r#"fields = ["text", "text"]"#, "twice"),
        ("purpose", r#"purpose = " ""#, "says nothing"),
        ("pia", r#"pia = "none:""#, "no reason"),
        ("requested_by", r#"requested_by = "bob+faaae7ba""#, "no requester"),
        ("requested_by", r#"requested_by = "ana""#, "name one of: ana+730391ec"),
        ("schedule", r#"schedule = "often""#, "cron line or `every 15m`"),
        ("schedule", r#"schedule = "0 0 30 2 *""#, "cron line or `every 15m`"),
        ("zone", r#"zone = "America/Quebec City""#, "America/Quebec City"),
        ("jitter_secs", "jitter_secs = 3601", "at most 3,600"),
        ("rate_secs", "rate_secs = 0", "must be 1 to 86,400"),
        ("daily", "daily = 0", "1 to 100,000"),
        ("daily", "daily = 100001", "1 to 100,000"),
        ("max_body_bytes", "max_body_bytes = 50331649", "48 MiB"),
        ("retain_days", "retain_days = 3651", "1 to 3,650"),
        ("expect", r#"expect = "5-200 a day""#, "5..200 per day"),
        ("expect", r#"expect = "200..5 per day""#, "lower number first"),
        ("expires_on", r#"expires_on = "2027-11-22""#, "more than twelve months"),
        ("expires_on", r#"expires_on = "2027-6-30""#, "is no day"),
        ("allow_addresses", r#"allow_addresses = ["home"]"#, "neither an address nor a prefix"),
        ("allow_addresses", r#"allow_addresses = ["0.0.0.0/0"]"#, "far more than one site"),
        ("max_policy_age_hours", "max_policy_age_hours = 169", "1 to 168"),
        ("format", "format = 2", "format 2"),
    ];
    for (key, line, wanted) in cases {
        let (text, at) = with(ALLOWLIST, key, line);
        let problems = check_allowlist_file(&text, "allowlist.toml", &root(), today()).expect_err(line);
        let found = problems.iter().find(|problem| problem.to_string().contains(wanted));
        let found = found.unwrap_or_else(|| panic!("{line}: {}", shown(&problems)));
        assert_eq!(found.line, Some(at), "{line}: {found}");
    }
    let (text, _) = with(ALLOWLIST, "expires_on", r#"expires_on = "2027-11-21""#);
    assert!(check_allowlist_file(&text, "allowlist.toml", &root(), today()).is_ok(), "twelve months to the day");
    let (text, at) = with(ALLOWLIST, "credential", r#"credential = "harbour-key""#);
    assert!(check_allowlist_file(&text, "allowlist.toml", &root(), today()).is_ok());
    let (text, _) = with(&text, "match", r#"match = [{ host = "*.example.org" }]"#);
    let problems = check_allowlist_file(&text, "allowlist.toml", &root(), today()).unwrap_err();
    let found = problems.iter().find(|problem| problem.to_string().contains("every `match` has a `*`"));
    assert!(found.is_some_and(|found| found.line.is_some_and(|line| line <= at)), "{}", shown(&problems));
}

#[test]
fn what_cannot_be_read_names_line_and_remedy() {
    let cases = [
        ("seeds", "seds = []", "error: allowlist.toml:", "hint: did you mean `seeds`?"),
        ("tlp", r#"tlp = "ambre""#, "unknown value `ambre`", "hint: did you mean `amber`?"),
        ("purpose", "# purpose", "the key `purpose` is missing", "add `purpose = …`"),
        ("expires_on", "expires_on = 2027-06-30", "error: allowlist.toml:", "in quotes"),
        ("daily", "daily = -1", "error: allowlist.toml:", "hint: "),
        ("daily", "daily = 1\ndaily = 2", "duplicate key", "hint: "),
        ("robots", r#"robots = "api:""#, "neither `obey` nor `api: reason`", "hint: "),
        ("domestic", r#"domestic = "allow""#, "none of `refuse`", "hint: "),
    ];
    for (key, line, message, hint) in cases {
        let (text, at) = with(ALLOWLIST, key, line);
        let found = Allowlist::from_toml(&text, "allowlist.toml").expect_err(line);
        let shown = found.to_string();
        assert!(shown.contains(message) && shown.contains(hint), "{line}: {shown}");
        // A missing key has no line of its own; a key given twice stands on the second.
        let near = if message.contains("missing") {
            found.line.is_some()
        } else {
            found.line.is_some_and(|found| found.abs_diff(at) <= 1)
        };
        assert!(near, "{line}: {shown}");
    }
}

#[test]
fn a_problem_reads_as_two_lines() {
    let (text, at) = with(ALLOWLIST, "daily", "daily = 0");
    let problems = check_allowlist_file(&text, "allowlist.toml", &root(), today()).unwrap_err();
    let wanted = format!(
        "error: allowlist.toml:{at}: entry `harbour-news`: `daily` must be 1 to 100,000\nhint: write the most requests of one day\n"
    );
    assert_eq!(shown(&problems), wanted);
}

#[test]
fn two_entries_do_not_share_an_id() {
    let entry = ALLOWLIST.split_once("[[entry]]").unwrap().1;
    let text = format!("{ALLOWLIST}\n[[entry]]{entry}");
    let problems = check_allowlist_file(&text, "allowlist.toml", &root(), today()).unwrap_err();
    assert!(shown(&problems).contains("another entry above has this id"));
    assert!(problems[0].line.unwrap() > ALLOWLIST.lines().count());
}

#[test]
fn a_trial_and_the_real_world_are_kept_apart() {
    let trial = policy_world::root(true, 1);
    let mut allowlist = Allowlist::from_toml(ALLOWLIST, "allowlist.toml").unwrap();
    allowlist.entries[0].requested_by = policy_world::id("ana");
    assert!(shown(&allowlist.check(&trial, today())).contains("is a real host"));
    let (text, _) = with(ALLOWLIST, "code", r#"code = "trial""#);
    let found = check_allowlist_file(&text, "allowlist.toml", &root(), today()).unwrap_err();
    assert!(shown(&found).contains("counts in a trial only"));

    let entry = &mut allowlist.entries[0];
    entry.seeds = vec!["http://127.0.0.1:8080/news.atom".to_owned()];
    entry.matches.truncate(1);
    (entry.matches[0].scheme, entry.matches[0].host, entry.matches[0].port) =
        ("http".to_owned(), "127.0.0.1".to_owned(), Some(8080));
    entry.legal_basis.code = schemas::permission::LegalBasisCode::Trial;
    entry.rate_secs = 0;
    assert!(shown(&allowlist.check(&trial, today())).contains("add it to `allow_addresses`: `[\"127.0.0.1\"]`"));
    allowlist.entries[0].allow_addresses = vec!["127.0.0.1".to_owned()];
    assert_eq!(shown(&allowlist.check(&trial, today())), "");
}

#[test]
fn nothing_real_is_collected_without_a_contact() {
    let without = TrustRoot { contact: None, ..root() };
    let problems = check_allowlist_file(ALLOWLIST, "allowlist.toml", &without, today()).unwrap_err();
    assert!(problems.iter().all(|problem| problem.to_string().contains("names no contact")), "{}", shown(&problems));
}

#[test]
fn each_bad_root_is_refused() {
    let cases = [
        ("format", "format = 2", "format 2"),
        ("version", "version = 0", "count from 1"),
        ("version", "version = 2", "name the root it replaces"),
        ("origin", r#"origin = "https://vigie.example.org""#, "cannot name a log"),
        ("origin", r#"origin = "vigie.invalid/log""#, "which is for trials"),
        ("origin", r#"origin = "else.example.org""#, "is named `vigie.example.org/log`"),
        ("trial", "trial = true", "does not lie under `.invalid`"),
        ("log_key", r#"log_key = "vigie.example.org/log+f2510eea+AAAA""#, "`log_key`: "),
        ("contact", r#"contact = "come and see""#, "neither a page nor a mailbox"),
        ("contact", r#"contact = "https://example.org/(a)""#, "neither a page nor a mailbox"),
        (
            "previous",
            r#"previous = "0000000000000000000000000000000000000000000000000000000000000000""#,
            "replaces no root",
        ),
        ("evidence_recipient", r#"evidence_recipient = [{ name = "eva", age = "age1x" }]"#, "too few"),
        ("evidence_recipient", r#"evidence_recipient = [{ name = "eva", age = "age1x" }]"#, "is no age recipient"),
        (
            "evidence_recipient",
            r#"evidence_recipient = [{ name = "eva", age = "age1x" }, { name = "eva", age = "age1y" }]"#,
            "stands there twice",
        ),
        (
            "evidence_recipient",
            r#"evidence_recipient = [{ name = "eva", age = "age1x" }, { name = "bob", age = "age1y" }]"#,
            "`bob` administers agents or root",
        ),
        ("witness", r#"witness = ["ana+730391ec+AXGNXpUuD9WKoP5jdzKsPs/z0CvfzsLHqmzDRV8ujBiG"]"#, "no cosignature key"),
        ("approve", "approve = 0", "`needs.approve` is 0"),
        ("erase", "erase = 1", "2 an erasure"),
        ("root", "root = 3", "2 people have the role `rooter`"),
        ("key", r#"key = "bob+faaae7ba+AezBtYcn8/ErMZSIGp7LneCyjOeyByMNjpMP4bznXiVs""#, "stands in this root twice"),
        ("key", r#"key = "bob""#, "a person's `key`"),
        ("roles", "roles = []", "no role"),
        ("roles", r#"roles = ["requester", "eraser", "eraser"]"#, "or one twice"),
    ];
    for (key, line, wanted) in cases {
        let (text, _) = with(TRUST, key, line);
        let problems = check_trust_file(&text, "trust.toml").expect_err(line);
        assert!(shown(&problems).contains(wanted), "{line}: {}", shown(&problems));
    }
}
