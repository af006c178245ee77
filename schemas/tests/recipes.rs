//! Does a recipe count only as the text whose digest an approved entry names?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use policy_world::{Log, approval, at, entry, key, permission, root, sign};
use schemas::{
    Digest,
    capture::{Lane, Reader, Run, Target},
    gate::{GateAsk, Origin, RobotsCopy, decide},
    judge::{CaptureVerdict, Captured, judge_capture, policy_of_run},
    permission::{Allowlist, Entry, Method, Recipe},
    policy::{check_recipes, open_issue, sign_issue},
    robots::RobotsOutcome,
    statement::Statement,
};
use serde_json::Value;

mod policy_world;

const TEXT: &str = "format = 1\n\n[list]\nlink = \"main a\"\n";

fn with_recipe(digest: Digest) -> Entry {
    Entry { recipe: Some(Recipe { file: "news.toml".to_owned(), digest }), ..entry("news") }
}

fn permit(entry: &Entry, recipes: &[(&str, &str)], n: u8) -> String {
    let Statement::Permission { v, allowlist, made_at, salt, .. } = permission(std::slice::from_ref(entry), n) else {
        unreachable!("it makes permissions")
    };
    let recipes = recipes.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    sign(&Statement::Permission { v, allowlist, recipes, made_at, salt }, &["ana"])
}

#[test]
fn a_permission_holds_the_texts_its_entries_name_and_no_others() {
    let named = with_recipe(Digest::of(TEXT.as_bytes()));
    let plain = entry("news");
    let mut log = Log::new(&root(false, 1));
    let mut refused = |note: &str, why: &str| {
        let said = log.push("2026-11-02T10:00Z", note).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    };
    refused(&permit(&named, &[], 2), "whose text is not in it");
    refused(&permit(&named, &[("news.toml", "format = 1\n")], 3), "is not the one an entry names");
    refused(&permit(&named, &[("news.toml", TEXT), ("more.toml", TEXT)], 4), "which no entry names");
    refused(&permit(&plain, &[("news.toml", TEXT)], 5), "which no entry names");
    log.push("2026-11-02T10:00Z", &permit(&named, &[("news.toml", TEXT)], 6)).unwrap();
}

#[test]
fn a_run_read_by_another_recipe_than_the_one_signed_is_refused() {
    let named = with_recipe(Digest::of(TEXT.as_bytes()));
    let mut log = Log::new(&root(false, 1));
    log.push("2026-11-02T10:00Z", &permit(&named, &[("news.toml", TEXT)], 2)).unwrap();
    let approve = |entry: &Entry, n| sign(&approval(&[entry], "2027-06-30", "2026-11-01T09:00:00Z", n), &["bob"]);
    log.push("2026-11-02T10:01Z", &approve(&named, 3)).unwrap();
    let issue = log.history.issue(at("2026-11-05T09:00:00Z"), log.size).unwrap();
    let note = sign_issue(&issue, &key(policy_world::ORIGIN)).unwrap();
    let run = |recipe: Option<&str>| Run {
        v: 1,
        id: "news poll 1".to_owned(),
        policy: open_issue(&note).unwrap().digest,
        policy_issued_at: issue.issued_at,
        issue: note.clone(),
        root: issue.root,
        entry: named.digest(),
        target: Target {
            id: "news".to_owned(),
            entry: "news".to_owned(),
            url: named.seeds[0].clone(),
            recipe: recipe.map(ToOwned::to_owned),
            own_terms: false,
        },
        lane: Lane::Poll,
        work: Value::Null,
        cursor: Value::Null,
        now: issue.issued_at,
        due: None,
        reader: Reader { name: "feed".to_owned(), version: "0.1.0".to_owned(), program: Digest([5; 32]) },
        queries: Vec::new(),
        clock_synchronised: None,
    };
    let ask = GateAsk {
        entry: "news".to_owned(),
        collector: "feed".to_owned(),
        method: Method::Get,
        url: "https://news.example.org/news.atom".to_owned(),
        headers: Vec::new(),
        origin: Origin::Plan,
        at: at("2026-11-05T09:30:00Z"),
        spent_today: 0,
        resolved: Some(vec!["8.8.8.8".parse().unwrap()]),
        connected: Some("8.8.8.8".parse().unwrap()),
        slot: None,
    };
    let robots = RobotsCopy {
        v: 1,
        authority: "https://news.example.org:443".to_owned(),
        final_url: "https://news.example.org/robots.txt".to_owned(),
        status: Some(404),
        redirects: 0,
        fetched_at: ask.at,
        outcome: RobotsOutcome::Unavailable,
        body_base64: String::new(),
    };
    let recorded = decide(&policy_of_run(&log.history, &run(None)).unwrap(), &[], &ask, Some(&robots));
    let judged = |log: &Log, recipe: Option<&str>| {
        let run = run(recipe);
        judge_capture(
            &log.history,
            Captured { run: &run, ask: &ask, robots: Some(&robots), recorded: &recorded, answered: true },
        )
    };
    assert_eq!(judged(&log, Some(TEXT)), CaptureVerdict::Accepted);
    for (recipe, why) in [(Some("format = 1\n"), "the run used another"), (None, "the run used none")] {
        let CaptureVerdict::Refused { why: said } = judged(&log, recipe) else { panic!("{recipe:?} stood") };
        assert!(said.contains(why), "{said}");
    }

    // The recipe is changed while the agent works by the one before: kept, and said to be late.
    let new = format!("{TEXT}title = \"h2\"\n");
    let changed = with_recipe(Digest::of(new.as_bytes()));
    log.push("2026-11-05T09:20Z", &permit(&changed, &[("news.toml", &new)], 4)).unwrap();
    log.push("2026-11-05T09:20Z", &approve(&changed, 5)).unwrap();
    let late = judged(&log, Some(TEXT));
    assert!(matches!(&late, CaptureVerdict::AcceptedLate { why } if why.contains("the run used another")), "{late:?}");
}

#[test]
fn the_check_reads_the_file_beside_the_allowlist_and_says_the_right_digest() {
    let good = Digest::of(TEXT.as_bytes());
    let text = |digest: Digest| {
        let line = format!("recipe = {{ file = \"news.toml\", digest = \"{digest}\" }}");
        include_str!("../allowlist.example.toml")
            .replace("collector = \"feed\"", &format!("collector = \"web\"\n{line}"))
    };
    let check = |text: &str, file: Result<&str, &str>| {
        let list = Allowlist::from_toml(text, "allowlist.toml").unwrap();
        check_recipes(&list, text, "allowlist.toml", |name| {
            assert_eq!(name, "news.toml");
            file.map(ToOwned::to_owned).map_err(ToOwned::to_owned)
        })
    };
    let fine = text(good);
    assert_eq!(check(&fine, Ok(TEXT)), Ok(BTreeMap::from([("news.toml".to_owned(), TEXT.to_owned())])));
    let line = fine.lines().position(|line| line.starts_with("recipe =")).unwrap() + 1;
    let long = "#".repeat((1 << 16) + 1);
    let cases = [
        (text(Digest([0; 32])), Ok(TEXT), format!("write `digest = \"{good}\"`")),
        (fine.clone(), Err("no such file"), "cannot be read: no such file".to_owned()),
        (fine, Ok(&*long), "at most 65536 are read".to_owned()),
    ];
    for (text, file, wanted) in cases {
        let problems = check(&text, file).unwrap_err();
        let said = problems[0].to_string();
        assert!(said.contains(&wanted), "{said}");
        assert_eq!(problems[0].line, Some(line), "{said}");
    }
}
