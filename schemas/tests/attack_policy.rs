//! What can one person who may request do alone, against those who must approve?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod policy_world;

use policy_world::*;
use schemas::{
    manifest::Minute,
    policy::{History, PolicyError, open_statement},
    statement::Statement,
};

fn minute(text: &str) -> Minute {
    text.parse().unwrap()
}

fn push(history: &mut History, index: u64, time: &str, note: &str) -> Result<(), PolicyError> {
    history.push(index, minute(time), &open_statement(note).unwrap())
}

fn founded() -> History {
    let mut history = History::new();
    push(&mut history, 0, "2026-11-01T07:00Z", &root_note(&root(false, 1), &["bob", "cleo"])).unwrap();
    history
}

const NOON: &str = "2026-11-21T12:00:00Z";

/// `dov` may request and approve. He writes an entry, says that ana asked for it, and approves it himself.
#[test]
fn nobody_approves_alone_by_naming_another_requester() {
    let mut history = founded();
    let named_ana = entry("news");
    push(&mut history, 1, "2026-11-01T08:00Z", &sign(&permission(std::slice::from_ref(&named_ana), 2), &["dov"]))
        .unwrap();
    push(&mut history, 2, "2026-11-01T09:00Z", &approve(&named_ana, &["dov"])).unwrap();
    let policy = history.policy().unwrap();
    let refused = policy.judge("news", at(NOON)).unwrap_err();
    assert!(refused.why.contains("did not sign"), "{}", refused.why);
    // With somebody else's approval, or with ana's own signature under the allowlist, two people stand behind it.
    let mut with_bob = history.clone();
    let again = sign(&approval(&[&named_ana], "2027-06-30", "2026-11-01T09:00:00Z", 4), &["bob"]);
    push(&mut with_bob, 3, "2026-11-01T09:10Z", &again).unwrap();
    let found = with_bob.policy().unwrap();
    assert_eq!(found.judge("news", at(NOON)).unwrap().approvers, [id("bob")]);
    push(&mut history, 3, "2026-11-01T09:10Z", &sign(&permission(&[named_ana], 5), &["ana", "dov"])).unwrap();
    let found = history.policy().unwrap();
    assert_eq!(found.judge("news", at(NOON)).unwrap().approvers, [id("dov")]);
}

/// An entry was narrowed, or withdrawn. The requester alone publishes the old words again, whose approval has not run out.
#[test]
fn an_entry_that_was_narrowed_cannot_be_brought_back_by_its_requester_alone() {
    let (wide, mut narrow) = (entry("news"), entry("news"));
    narrow.daily = 1;
    let replays = |second: Vec<schemas::permission::Entry>| {
        let mut history = founded();
        push(&mut history, 1, "2026-11-01T08:00Z", &sign(&permission(std::slice::from_ref(&wide), 2), &["ana"]))
            .unwrap();
        push(&mut history, 2, "2026-11-01T09:00Z", &approve(&wide, &["bob"])).unwrap();
        push(&mut history, 3, "2026-11-10T08:00Z", &sign(&permission(&second, 6), &["ana"])).unwrap();
        push(&mut history, 4, "2026-11-20T08:00Z", &sign(&permission(std::slice::from_ref(&wide), 7), &["ana"]))
    };
    for second in [Vec::new(), vec![narrow.clone()]] {
        let why = replays(second).unwrap_err().to_string();
        assert!(why.contains("reads again"), "{why}");
    }
    // Unchanged entries keep their approval from one allowlist to the next.
    let other = entry("other");
    replays(vec![wide.clone(), other]).unwrap();
}

/// A statement under other signatures is the same statement; one under another salt needs new signatures.
#[test]
fn statements_cannot_be_replayed() {
    let mut history = founded();
    let wide = entry("news");
    let note = sign(&permission(std::slice::from_ref(&wide), 2), &["ana"]);
    push(&mut history, 1, "2026-11-01T08:00Z", &note).unwrap();
    assert!(push(&mut history, 2, "2026-11-01T08:01Z", &note).is_err());
    let more = sign(&permission(&[wide], 2), &["ana", "dov"]);
    assert!(push(&mut history, 2, "2026-11-01T08:01Z", &more).is_err());
    let old_root = root_note(&root(false, 1), &["bob", "cleo"]);
    assert!(push(&mut history, 2, "2026-11-01T08:01Z", &old_root).is_err());
}

/// A note has one spelling: the verifier refuses others, so nobody may get one into the log.
#[test]
fn a_statement_has_one_spelling() {
    let note = sign(&permission(&[entry("news")], 2), &["ana"]);
    let odd = [
        note.replace('\n', "\r\n"),
        note.replacen("\n\n", "\n\n\n", 1),
        format!("{note}\n"),
        note.trim_end().to_owned(),
        note.replacen('\u{2014}', "\u{2013}", 1),
        note.replacen('{', "{ ", 1),
        note.replacen("\"v\":1", "\"v\":1,\"v\":1", 1),
    ];
    for odd in odd {
        match open_statement(&odd) {
            Err(_) => {}
            Ok(opened) => assert_eq!(opened.note.to_string(), odd, "another spelling was taken"),
        }
    }
    let Statement::Permission { .. } = open_statement(&note).unwrap().statement else {
        panic!("not a permission");
    };
}
