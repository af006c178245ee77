//! Do signatures, thresholds and days mean what they say, in a bundle and in a log alike?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use policy_world::*;
use schemas::{
    Digest,
    policy::{NotInForceCode, Policy, open_issue, open_statement, sign_issue, statement_digest},
    statement::{PolicyBundle, PolicyIssue},
    trust::{Recipient, TrustRoot},
};

mod policy_world;

fn usual() -> (TrustRoot, PolicyBundle) {
    let root = root(false, 1);
    let news = entry("news");
    let permission = sign(&permission(std::slice::from_ref(&news), 2), &["ana"]);
    let given = bundle(&root, permission, vec![approve(&news, &["bob"])], ISSUED);
    (root, given)
}

fn refused(bundle: &PolicyBundle, trusted: &TrustRoot, because: &str) {
    let error = chain(Policy::open(bundle, trusted).unwrap_err());
    assert!(error.contains(because), "{error}");
}

#[test]
fn a_statement_is_read_back_and_further_signatures_keep_its_digest() {
    let statement = permission(&[entry("news")], 2);
    let note = sign(&statement, &["ana"]);
    let opened = open_statement(&note).unwrap();
    assert_eq!(opened.statement, statement);
    assert_eq!(opened.digest, statement_digest(&statement).unwrap());
    let second = key("bob").sign(&opened.note.text);
    let both = open_statement(&format!("{note}{second}\n")).unwrap();
    assert_eq!(both.digest, opened.digest);
    let known = [key("ana").vkey(), key("bob").vkey(), key("cleo").vkey()];
    assert_eq!(both.signers(&known).unwrap(), known[..2]);
    assert!(both.signers(&known[2..]).unwrap().is_empty());
}

#[test]
fn one_changed_bit_of_a_statement_is_found() {
    let note = sign(&permission(&[entry("news")], 2), &["ana"]);
    let text = open_statement(&note).unwrap().note.text.len();
    let known = [key("ana").vkey()];
    for at in (0..text).step_by(7) {
        let mut bytes = note.clone().into_bytes();
        bytes[at] ^= 1;
        let believed = String::from_utf8(bytes)
            .ok()
            .and_then(|note| open_statement(&note).ok())
            .is_some_and(|opened| opened.signers(&known).is_ok());
        assert!(!believed, "the bit at {at} may be changed");
    }
}

#[test]
fn statements_are_read_in_their_one_form_only() {
    let canonical = open_statement(&approve(&entry("news"), &["bob"])).unwrap().note.text;
    let resign = |text: String| tlog::Note::sign(&text, &[&key("bob")]).unwrap().to_string();
    assert!(open_statement(&resign(canonical.clone())).is_ok());
    for (from, to) in [
        ("{\"entries\"", "{ \"entries\""),
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":1,\"w\":1"),
        ("approval", "approbation"),
        ("}\n", "}\n\n"),
        ("}\n", "}\n{}\n"),
    ] {
        let text = canonical.replace(from, to);
        assert_ne!(text, canonical);
        assert!(open_statement(&resign(text.clone())).is_err(), "{text}");
    }
}

#[test]
fn a_bundle_opens_and_its_entry_is_in_force() {
    let (root, given) = usual();
    let policy = Policy::open(&given, &root).unwrap();
    assert_eq!(policy.in_force("news", at(ISSUED)).unwrap().id, "news");
    assert_eq!(policy.judge("news", at(ISSUED)).unwrap().approvers, [id("bob")]);
    assert_eq!(policy.digest(), open_issue(&given.issue).unwrap().digest);
    assert_eq!(policy.root_digest(), root.digest());
}

#[test]
fn a_copy_is_stale_after_its_hours_and_ten_minutes_ahead() {
    let (root, given) = usual();
    let policy = Policy::open(&given, &root).unwrap();
    for (when, stale) in [
        ("2026-11-22T10:00:00Z", false),
        ("2026-11-22T10:00:01Z", true),
        ("2026-11-21T09:50:00Z", false),
        ("2026-11-21T09:49:59Z", true),
    ] {
        assert_eq!(policy.stale(at(when)).is_some(), stale, "{when}");
    }
}

#[test]
fn a_bundle_that_does_not_hold_together_is_refused() {
    let (root, given) = usual();
    let other = entry("other");
    let with = |change: &dyn Fn(&mut PolicyBundle)| {
        let mut changed = given.clone();
        change(&mut changed);
        changed
    };
    refused(&with(&|b| b.v = 2), &root, "format version 2");
    refused(&with(&|b| b.roots.clear()), &root, "do not hold the one of this machine");
    refused(&with(&|b| b.approvals.clear()), &root, "other approvals");
    refused(&with(&|b| b.approvals.push(approve(&other, &["bob"]))), &root, "other approvals");
    refused(
        &with(&|b| b.permission = sign(&permission(std::slice::from_ref(&other), 2), &["ana"])),
        &root,
        "another permission",
    );
    refused(
        &with(&|b| b.permission = sign(&permission(std::slice::from_ref(&other), 2), &["eve"])),
        &root,
        "no requester or approver",
    );
    refused(&with(&|b| b.permission = b.roots[0].clone()), &root, "a permission is expected here");
    refused(&with(&|b| b.roots[0] = root_note(&root, &["bob"])), &root, "1 of the 2 signatures");
    refused(&with(&|b| b.roots[0] = root_note(&root, &["bob", "ana", "eve"])), &root, "1 of the 2 signatures");
    let issue = open_issue(&given.issue).unwrap().issue;
    refused(&with(&|b| b.issue = sign_issue(&issue, &key("ana")).unwrap()), &root, "the log's key");
    let of_old = PolicyIssue { root: Digest([7; 32]), ..issue };
    refused(&with(&|b| b.issue = sign_issue(&of_old, &key(&root.origin)).unwrap()), &root, "another trust root");

    let mut foreign = root.clone();
    foreign.contact = Some("https://elsewhere.example.org/".to_owned());
    refused(&given, &foreign, "do not hold the one of this machine");
    let twice = sign(&permission(&[entry("news"), entry("news")], 2), &["ana"]);
    refused(&bundle(&root, twice, vec![approve(&entry("news"), &["bob"])], ISSUED), &root, "given twice");
}

#[test]
fn a_new_root_counts_with_the_old_ones_threshold_only() {
    let (old, given) = usual();
    let new = second(&old);
    let chained = |note: String| {
        let mut bundle = bundle(&new, given.permission.clone(), given.approvals.clone(), ISSUED);
        bundle.roots = vec![given.roots[0].clone(), note];
        bundle
    };
    let good = chained(root_note(&new, &["cleo", "finn"]));
    for trusted in [&old, &new] {
        let policy = Policy::open(&good, trusted).unwrap();
        assert_eq!(policy.root().version, 2);
        let why = policy.in_force("news", at(ISSUED)).unwrap_err();
        assert_eq!(why.code, NotInForceCode::NotApproved, "bob is no approver of the newest root");
    }
    refused(&chained(root_note(&new, &["cleo"])), &old, "1 of the 2");
    refused(&chained(root_note(&new, &["cleo", "newcomer", "ana"])), &old, "1 of the 2");
    let recipient = Recipient { name: "eva".to_owned(), age: format!("age1{}", "q".repeat(58)) };
    for (change, because) in [
        (TrustRoot { version: 3, ..new.clone() }, "the next number"),
        (TrustRoot { previous: Some(Digest([1; 32])), ..new.clone() }, "`previous`"),
        (
            TrustRoot {
                origin: "else.example.org/log".to_owned(),
                log_key: key("else.example.org/log").vkey().to_string(),
                ..new.clone()
            },
            "never change",
        ),
        (TrustRoot { trial: true, ..new.clone() }, "never change"),
        (TrustRoot { evidence_recipients: vec![recipient], ..new.clone() }, "too few"),
    ] {
        refused(&chained(root_note(&change, &["cleo", "finn"])), &old, because);
    }
}
