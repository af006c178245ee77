//! What does the log say was in force, and whose signatures does it take?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use policy_world::*;
use schemas::{
    Digest,
    permission::Entry,
    policy::{AgentState, NotInForceCode, Policy, open_issue, open_statement, sign_issue},
    statement::{ErasureReason, PolicyIssue, Statement},
    trust::Role,
};

mod policy_world;

#[test]
fn the_log_tells_what_was_in_force_at_each_minute() {
    let root = root(false, 1);
    let mut log = Log::new(&root);
    assert!(log.history.policy_at(at("2026-11-10T00:00:00Z")).is_none());
    let wide = entry("news");
    let narrow = Entry { daily: 5, ..wide.clone() };
    log.push("2026-11-02T10:00Z", &sign(&permission(std::slice::from_ref(&wide), 2), &["ana"])).unwrap();
    log.push("2026-11-03T10:00Z", &approve(&wide, &["bob"])).unwrap();
    log.push("2026-11-04T10:00Z", &sign(&permission(std::slice::from_ref(&narrow), 4), &["dov"])).unwrap();
    log.push("2026-11-05T10:00Z", &approve(&narrow, &["cleo"])).unwrap();
    let in_force = |when: &str| {
        let policy = log.history.policy_at(at(when))?;
        policy.in_force("news", at(when)).ok().map(|entry| entry.daily)
    };
    assert_eq!(in_force("2026-11-02T09:59:59Z"), None);
    assert_eq!(in_force("2026-11-02T10:00:00Z"), None, "not approved yet");
    assert_eq!(in_force("2026-11-03T09:59:59Z"), None);
    assert_eq!(in_force("2026-11-03T10:00:00Z"), Some(100));
    assert_eq!(in_force("2026-11-04T09:59:59Z"), Some(100));
    assert_eq!(in_force("2026-11-04T10:00:30Z"), None, "the approval was of the wider entry");
    assert_eq!(in_force("2026-11-05T10:00:00Z"), Some(5));
    assert_eq!(log.history.policies_around(at("2026-11-05T10:00:30Z")).len(), 2);
    assert_eq!(log.history.policies_around(at("2026-11-05T10:01:00Z")).len(), 1);

    let issue = log.history.issue(at("2026-11-05T11:00:00Z"), log.size).unwrap();
    let named = log.history.policy_named(&issue).unwrap();
    assert_eq!(named.digest(), open_issue(&sign_issue(&issue, &key(&root.origin)).unwrap()).unwrap().digest);
    assert_eq!((named.issued_at(), named.approvals().len()), (issue.issued_at, 1));
    let never = PolicyIssue { approvals: vec![Digest([9; 32])], ..issue };
    assert!(log.history.policy_named(&never).is_none());
}

#[test]
fn bundle_and_log_agree_on_every_entry() {
    let root = root(false, 1);
    let entries = [entry("news"), entry("by-two"), entry("unapproved")];
    let permission = sign(&permission(&entries, 2), &["ana"]);
    let notes = [
        approve(&entries[0], &["bob"]),
        sign(&approval(&[&entries[1]], "2026-12-01", "2026-11-01T09:00:00Z", 5), &["cleo", "bob"]),
    ];
    let mut log = Log::new(&root);
    for note in [&permission, &notes[0], &notes[1]] {
        log.push("2026-11-02T10:00Z", note).unwrap();
    }
    let agent = Policy::open(&bundle(&root, permission, notes.to_vec(), ISSUED), &root).unwrap();
    let registry = log.history.policy().unwrap();
    assert_eq!(agent.as_issue(at(ISSUED), 4), registry.as_issue(at(ISSUED), 4));
    for id in ["news", "by-two", "unapproved", "absent"] {
        for when in ["2026-11-21T10:00:00Z", "2026-12-01T23:59:59Z", "2026-12-02T00:00:00Z"] {
            let said = |policy: &Policy| policy.judge(id, at(when)).map(|found| found.approvers).map_err(|why| why.why);
            assert_eq!(said(&agent), said(&registry), "{id} {when}");
        }
    }
}

#[test]
fn the_log_refuses_what_is_out_of_place() {
    let root = root(false, 1);
    let news = entry("news");
    let first = sign(&permission(std::slice::from_ref(&news), 2), &["ana"]);
    let mut log = Log::new(&root);
    let minute = "2026-11-02T10:00Z";
    log.push(minute, &first).unwrap();
    let mut refused = |note: &str, because: &str| {
        let why = log.push(minute, note).unwrap_err();
        assert!(why.contains(because), "{why}");
    };
    refused(&first, "in the log already");
    refused(&sign(&permission(std::slice::from_ref(&news), 3), &["eve"]), "no requester or approver");
    refused(&approve(&news, &["ana"]), "no approver");
    refused(&approve(&news, &["olga"]), "no approver");
    refused(&root_note(&root, &["bob", "cleo"]), "in the log already");
    refused(&sign(&approval(&[], "2027-06-30", "2026-11-01T09:00:00Z", 4), &["bob"]), "approves nothing");
    refused(&sign(&approval(&[&news], "2027-6-30", "2026-11-01T09:00:00Z", 4), &["bob"]), "no day");
    let mut empty = schemas::policy::History::new();
    let opened = open_statement(&first).unwrap();
    assert!(empty.push(0, minute.parse().unwrap(), &opened).is_err(), "a log begins with a root");
    let again = log.history.push(1, minute.parse().unwrap(), &open_statement(&approve(&news, &["bob"])).unwrap());
    assert!(again.is_err(), "the index does not grow");
}

#[test]
fn an_approval_counts_from_the_root_that_names_its_signer() {
    let old = root(false, 1);
    let news = entry("news");
    let mut log = Log::new(&old);
    log.push("2026-11-02T10:00Z", &sign(&permission(std::slice::from_ref(&news), 2), &["ana"])).unwrap();
    log.push("2026-11-03T10:00Z", &approve(&news, &["bob", "newcomer"])).unwrap();
    log.push("2026-11-04T10:00Z", &root_note(&second(&old), &["bob", "cleo"])).unwrap();
    let approvers = |when: &str| {
        let policy = log.history.policy_at(at(when)).unwrap();
        policy.judge("news", at(when)).unwrap().approvers
    };
    assert_eq!(approvers("2026-11-03T12:00:00Z"), [id("bob")]);
    assert_eq!(approvers("2026-11-04T12:00:00Z"), [id("newcomer")]);
    assert_eq!(log.history.root().unwrap().version, 2);
    assert_eq!(log.history.root_named(old.digest()), Some(&old));
}

fn enrolment(agent: &str, n: u8) -> Statement {
    let vkey = key(agent).vkey().to_string();
    Statement::Enrolment { v: 1, agent: vkey, collector: "feed".to_owned(), made_at: at(ISSUED), salt: salt(n) }
}

#[test]
fn an_agent_counts_between_enrolment_and_revocation() {
    let mut log = Log::new(&root(false, 1));
    let minute = "2026-11-02T10:00Z";
    log.push(minute, &sign(&enrolment("lookout-1", 5), &["eve"])).unwrap();
    log.push(minute, &sign(&enrolment("lookout-2", 6), &["eve"])).unwrap();
    let revocation = Statement::Revocation {
        v: 1,
        agent: id("lookout-1"),
        reason: "machine sold".to_owned(),
        made_at: at(ISSUED),
        salt: salt(7),
    };
    assert!(log.push(minute, &sign(&revocation, &["bob"])).is_err());
    log.push(minute, &sign(&revocation, &["eve"])).unwrap();
    let enrolled = AgentState::Enrolled { vkey: key("lookout-1").vkey(), collector: "feed".to_owned() };
    let state = |index| log.history.agent(&id("lookout-1"), index);
    assert_eq!(
        [state(1), state(2), state(3), state(4)],
        [AgentState::Unknown, enrolled.clone(), enrolled, AgentState::Revoked]
    );
    assert_eq!(log.history.agent(&id("lookout-3"), 9), AgentState::Unknown);
    assert_eq!(log.history.agents().count(), 2);

    let mut refused = |statement: &Statement, by: &str, because: &str| {
        let why = log.push(minute, &sign(statement, &[by])).unwrap_err();
        assert!(why.contains(because), "{why}");
    };
    refused(&enrolment("lookout-3", 8), "bob", "enroller");
    refused(&enrolment("lookout-1", 9), "eve", "in use already");
    refused(&enrolment("ana", 10), "eve", "in use already");
    refused(&enrolment(policy_world::ORIGIN, 11), "eve", "in use already");
    let Statement::Revocation { agent, .. } = &revocation else { unreachable!() };
    let again = Statement::Revocation {
        v: 1,
        agent: agent.clone(),
        reason: "again".to_owned(),
        made_at: at(ISSUED),
        salt: salt(12),
    };
    refused(&again, "eve", "revoked already");
}

#[test]
fn erasing_takes_two_erasers_and_ascending_units() {
    let mut log = Log::new(&root(false, 1));
    let erasure = |units: &[u64], n| Statement::Erasure {
        v: 1,
        manifest: salt(1),
        units: units.to_vec(),
        authority: "file 12".to_owned(),
        reason: ErasureReason::Order,
        made_at: at(ISSUED),
        salt: salt(n),
    };
    let minute = "2026-11-02T10:00Z";
    assert!(log.push(minute, &sign(&erasure(&[1, 2], 2), &["eve"])).is_err());
    assert!(log.push(minute, &sign(&erasure(&[1, 2], 2), &["eve", "eve", "bob"])).is_err());
    assert!(log.push(minute, &sign(&erasure(&[2, 1], 2), &["eve", "finn"])).is_err());
    assert!(log.push(minute, &sign(&erasure(&[1, 1], 2), &["eve", "finn"])).is_err());
    assert!(log.push(minute, &sign(&erasure(&[], 2), &["eve", "finn"])).is_err());
    log.push(minute, &sign(&erasure(&[1, 2], 2), &["eve", "finn"])).unwrap();
}

#[test]
fn every_reason_for_not_being_in_force_has_its_code() {
    let policies = named_policies();
    use NotInForceCode as C;
    for (id, code) in [
        ("absent", C::NoEntry),
        ("pseudonym", C::Unenforced),
        ("expired", C::Expired),
        ("edited", C::NotApproved),
        ("by-requester", C::NotApproved),
        ("approval-ended", C::ApprovalEnded),
        ("too-long", C::TooLong),
    ] {
        let found = policies["plain"].in_force(id, at("2026-11-21T10:15:00Z")).unwrap_err();
        assert_eq!(found.code, code, "{found}");
    }
    let old = root(false, 1);
    let mut new = second(&old);
    for person in &mut new.people {
        if person.key.starts_with("ana") {
            person.roles = vec![Role::Reviewer];
        }
    }
    let mut log = Log::new(&old);
    let news = entry("news");
    log.push("2026-11-02T10:00Z", &sign(&permission(std::slice::from_ref(&news), 2), &["ana"])).unwrap();
    log.push("2026-11-02T10:00Z", &approve(&news, &["cleo"])).unwrap();
    log.push("2026-11-03T10:00Z", &root_note(&new, &["bob", "cleo"])).unwrap();
    let found = log.history.policy().unwrap();
    assert_eq!(found.in_force("news", at(ISSUED)).unwrap_err().code, C::Unsigned);
}
