//! Does a capture stand, judged by the log alone?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use policy_world::{Log, approval, at, entry, key, permission, root, sign};
use schemas::{
    Digest,
    capture::{Lane, Reader, Run, Target},
    gate::{Decision, DecisionCode, GateAsk, Origin, RobotsCopy, decide},
    judge::{CaptureVerdict, Captured, judge_capture, policy_of_run},
    permission::{Entry, Evidence, Method},
    policy::{open_issue, sign_issue},
    robots::RobotsOutcome,
};
use serde_json::Value;

mod policy_world;

/// A log in which `news` was wide until 5 November and is narrow since, and a run made under the wide one.
struct Case {
    log: Log,
    run: Run,
    ask: GateAsk,
    robots: RobotsCopy,
    recorded: Decision,
}

fn run(log: &Log, issued_at: &str, entry: &Entry) -> Run {
    let issue = log.history.issue(at(issued_at), log.size).unwrap();
    let note = sign_issue(&issue, &key(policy_world::ORIGIN)).unwrap();
    Run {
        v: 1,
        id: "news poll 1".to_owned(),
        policy: open_issue(&note).unwrap().digest,
        policy_issued_at: issue.issued_at,
        issue: note,
        root: issue.root,
        entry: entry.digest(),
        target: Target {
            id: "news".to_owned(),
            entry: "news".to_owned(),
            url: entry.seeds[0].clone(),
            recipe: None,
            own_terms: false,
        },
        lane: Lane::Poll,
        work: Value::Null,
        cursor: Value::Null,
        now: at(issued_at),
        due: None,
        reader: Reader { name: "feed".to_owned(), version: "0.1.0".to_owned(), program: Digest([5; 32]) },
        queries: Vec::new(),
        clock_synchronised: None,
    }
}

/// The narrow entry covers the feed's folder no longer.
fn case(captured_at: &str) -> Case {
    let mut log = Log::new(&root(false, 1));
    let wide = entry("news");
    let mut narrow = wide.clone();
    narrow.matches[0].path = "/2027/".to_owned();
    let approve = |entry: &Entry, n| sign(&approval(&[entry], "2027-06-30", "2026-11-01T09:00:00Z", n), &["bob"]);
    log.push("2026-11-02T10:00Z", &sign(&permission(std::slice::from_ref(&wide), 2), &["ana"])).unwrap();
    log.push("2026-11-02T10:01Z", &approve(&wide, 3)).unwrap();
    let run = run(&log, "2026-11-05T09:00:00Z", &wide);
    let ask = GateAsk {
        entry: "news".to_owned(),
        collector: "feed".to_owned(),
        method: Method::Get,
        url: "https://news.example.org/news.atom".to_owned(),
        headers: Vec::new(),
        origin: Origin::Plan,
        at: at(captured_at),
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
    let recorded = decide(&policy_of_run(&log.history, &run).unwrap(), &[], &ask, Some(&robots));
    assert!(recorded.permitted, "{}", recorded.because);
    log.push("2026-11-05T10:00Z", &sign(&permission(std::slice::from_ref(&narrow), 4), &["ana"])).unwrap();
    log.push("2026-11-05T10:00Z", &approve(&narrow, 5)).unwrap();
    Case { log, run, ask, robots, recorded }
}

impl Case {
    fn judge(&self) -> CaptureVerdict {
        let Case { log, run, ask, robots, recorded } = self;
        judge_capture(&log.history, Captured { run, ask, robots: Some(robots), recorded, answered: true })
    }

    fn refused(&self, because: &str) {
        match self.judge() {
            CaptureVerdict::Refused { why } => assert!(why.contains(because), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn permitted_at_its_time_is_accepted_whatever_came_later() {
    assert_eq!(case("2026-11-05T09:30:00Z").judge(), CaptureVerdict::Accepted);
}

#[test]
fn in_the_minute_of_a_narrowing_either_policy_counts() {
    assert_eq!(case("2026-11-05T10:00:59Z").judge(), CaptureVerdict::Accepted);
}

#[test]
fn collected_before_the_agent_could_know_is_flagged() {
    let CaptureVerdict::AcceptedLate { why } = case("2026-11-05T10:01:00Z").judge() else { panic!("not flagged") };
    assert!(why.contains("no match rule of entry `news`"), "{why}");
    let last = case("2026-11-06T09:00:00Z").judge();
    assert!(matches!(last, CaptureVerdict::AcceptedLate { .. }), "{last:?}");
}

#[test]
fn a_copy_older_than_it_may_be_excuses_nothing() {
    case("2026-11-06T09:00:01Z").refused("no match rule");
}

#[test]
fn an_issue_that_the_log_did_not_sign_or_that_is_not_the_runs_excuses_nothing() {
    let late = || case("2026-11-05T11:00:00Z");
    let mut forged = late();
    let issue = open_issue(&forged.run.issue).unwrap().issue;
    forged.run.issue = sign_issue(&issue, &key("olga")).unwrap();
    forged.refused("no match rule");
    let mut other_time = late();
    other_time.run.policy_issued_at = at("2026-11-05T10:59:00Z");
    other_time.refused("no match rule");
    let mut other_digest = late();
    other_digest.run.policy = Digest([1; 32]);
    other_digest.refused("no match rule");
    let mut other_root = late();
    other_root.run.root = Digest([1; 32]);
    other_root.refused("no match rule");
    let mut no_issue = late();
    no_issue.run.issue = String::new();
    no_issue.refused("no match rule");
}

#[test]
fn before_the_log_held_a_permission_nothing_was_permitted() {
    let mut early = case("2026-11-05T09:30:00Z");
    (early.ask.at, early.robots.fetched_at) = (at("2026-11-01T00:00:00Z"), at("2026-11-01T00:00:00Z"));
    early.refused("no permission at that time");
}

#[test]
fn a_clock_up_to_ten_minutes_behind_the_registrys_is_forgiven_without_a_flag() {
    let mut log = Log::new(&root(false, 1));
    let news = entry("news");
    log.push("2026-11-02T10:00Z", &sign(&permission(std::slice::from_ref(&news), 2), &["ana"])).unwrap();
    log.push("2026-11-05T10:00Z", &sign(&approval(&[&news], "2027-06-30", "2026-11-01T09:00:00Z", 3), &["bob"]))
        .unwrap();
    let base = case("2026-11-05T09:30:00Z");
    for (when, stands) in
        [("2026-11-05T09:59:59Z", true), ("2026-11-05T09:50:30Z", true), ("2026-11-05T09:50:29Z", false)]
    {
        let mut ask = base.ask.clone();
        ask.at = at(when);
        let robots = RobotsCopy { fetched_at: at(when), ..base.robots.clone() };
        let run = run(&log, "2026-11-05T10:00:30Z", &news);
        let captured =
            Captured { run: &run, ask: &ask, robots: Some(&robots), recorded: &base.recorded, answered: true };
        let verdict = judge_capture(&log.history, captured);
        assert_eq!(verdict == CaptureVerdict::Accepted, stands, "{when}: {verdict:?}");
    }
}

#[test]
fn what_the_agent_wrote_must_agree_with_itself() {
    let fine = || case("2026-11-05T09:30:00Z");
    let mut case = fine();
    case.recorded.permitted = false;
    case.recorded.code = DecisionCode::Robots;
    case.refused("own gate had refused it");
    let mut case = fine();
    case.run.target.entry = "harbour".to_owned();
    case.refused("another entry than its run");
    let mut case = fine();
    case.recorded.entry = Some(Digest([1; 32]));
    case.refused("rests on another entry");
    let mut case = fine();
    case.run.reader.name = "web".to_owned();
    case.refused("another collector");
    let mut case = fine();
    case.ask.connected = None;
    case.refused("connected to is not recorded");
    let mut case = fine();
    case.recorded.url = Some("https://news.example.org/else".to_owned());
    case.refused("names another address");
    let mut case = fine();
    case.recorded.robots = None;
    case.refused("says otherwise about robots.txt");
}

#[test]
fn the_decision_is_made_again_from_what_is_kept() {
    let fine = || case("2026-11-05T09:30:00Z");
    let mut private = fine();
    private.ask.connected = Some("10.0.0.1".parse().unwrap());
    private.refused("10.0.0.1 is a private address");
    let mut forbidden = fine();
    (forbidden.robots.status, forbidden.robots.outcome) = (Some(503), RobotsOutcome::Unreachable);
    forbidden.refused("could not be read");
    let mut elsewhere = fine();
    elsewhere.ask.url = "https://www.example.org/".to_owned();
    elsewhere.refused("no match rule");
    let mut spent = fine();
    spent.ask.spent_today = 100;
    spent.refused("they are spent");
    let Case { log, run, ask, recorded, .. } = fine();
    let without = judge_capture(
        &log.history,
        Captured { run: &run, ask: &ask, robots: None, recorded: &recorded, answered: true },
    );
    assert!(matches!(without, CaptureVerdict::Refused { why } if why.contains("has to be fetched first")));
}

#[test]
fn a_request_without_an_answer_needs_no_peer() {
    let Case { log, run, mut ask, robots, recorded } = case("2026-11-05T09:30:00Z");
    ask.connected = None;
    let failed = Captured { run: &run, ask: &ask, robots: Some(&robots), recorded: &recorded, answered: false };
    assert_eq!(judge_capture(&log.history, failed), CaptureVerdict::Accepted);
}

#[test]
fn a_renewed_entry_of_another_digest_still_permits() {
    let mut renewed = case("2026-11-05T09:30:00Z");
    let longer = Entry { expires_on: "2027-10-31".to_owned(), ..entry("news") };
    renewed.log.push("2026-11-06T10:00Z", &sign(&permission(std::slice::from_ref(&longer), 6), &["ana"])).unwrap();
    renewed
        .log
        .push("2026-11-06T10:00Z", &sign(&approval(&[&longer], "2027-10-31", "2026-11-06T09:00:00Z", 7), &["cleo"]))
        .unwrap();
    (renewed.ask.at, renewed.robots.fetched_at) = (at("2026-11-06T10:02:00Z"), at("2026-11-06T10:02:00Z"));
    assert_eq!(renewed.judge(), CaptureVerdict::Accepted);
    assert_ne!(renewed.run.entry, longer.digest());
}

/// The gate judges addresses; that evidence is to be sealed must not be passed over by naming an issue from before.
#[test]
fn an_old_issue_does_not_keep_evidence_open_that_is_to_be_sealed() {
    let mut sealed = case("2026-11-05T09:30:00Z");
    let shut = Entry { evidence: Evidence::Sealed, ..entry("news") };
    sealed.log.push("2026-11-05T11:00Z", &sign(&permission(std::slice::from_ref(&shut), 6), &["ana"])).unwrap();
    let approved = approval(&[&shut], "2027-06-30", "2026-11-05T10:30:00Z", 7);
    sealed.log.push("2026-11-05T11:00Z", &sign(&approved, &["bob"])).unwrap();
    let mut capture = |text: &str| {
        (sealed.ask.at, sealed.robots.fetched_at) = (at(text), at(text));
        sealed.judge()
    };
    assert_eq!(capture("2026-11-06T08:59:00Z"), CaptureVerdict::Accepted, "it could not know yet");
    let old = capture("2026-11-06T09:01:00Z");
    assert!(matches!(&old, CaptureVerdict::Refused { why } if why.contains("no longer says")), "{old:?}");
}
