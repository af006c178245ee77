//! People with keys made from seeds, and the statements they sign. Invented, and the same in every run.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::{
    Digest,
    manifest::Minute,
    permission::{Allowlist, Entry},
    policy::{History, Policy, open_statement, sign_issue, sign_statement},
    statement::{PolicyBundle, PolicyIssue, PolicyIssueKind, Statement},
    trust::{Needs, Person, Role, TrustRoot},
};
use serde::Deserialize;
use tlog::SigningKey;

pub const ORIGIN: &str = "vigie.example.org/log";
pub const TRIAL_ORIGIN: &str = "vigie.trial.invalid/log";

/// Everybody, with their roles. `rita` reviews and `olga` is nobody.
pub const PEOPLE: [(&str, &[Role]); 8] = [
    ("ana", &[Role::Requester]),
    ("bob", &[Role::Approver, Role::Rooter]),
    ("cleo", &[Role::Approver, Role::Rooter]),
    ("dov", &[Role::Requester, Role::Approver]),
    ("eve", &[Role::Enroller, Role::Eraser]),
    ("finn", &[Role::Eraser, Role::Rooter]),
    ("rita", &[Role::Reviewer]),
    ("olga", &[]),
];

/// The key of a name; the seed is the name's SHA-256.
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &Digest::of(name.as_bytes()).0).unwrap()
}

/// Name and key id, as entries name people.
pub fn id(name: &str) -> String {
    key(name).vkey().id_text()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn salt(n: u8) -> Digest {
    Digest([n; 32])
}

pub fn root(trial: bool, approve: u32) -> TrustRoot {
    let origin = if trial { TRIAL_ORIGIN } else { ORIGIN };
    let people = PEOPLE
        .iter()
        .filter(|(_, roles)| !roles.is_empty())
        .map(|(name, roles)| Person { key: key(name).vkey().to_string(), roles: roles.to_vec() });
    TrustRoot {
        format: 1,
        version: 1,
        origin: origin.to_owned(),
        trial,
        log_key: key(origin).vkey().to_string(),
        contact: Some("https://vigie.example.org/contact".to_owned()),
        previous: None,
        needs: Needs { approve, ..Needs::default() },
        people: people.collect(),
        evidence_recipients: Vec::new(),
        witnesses: Vec::new(),
    }
}

pub fn sign(statement: &Statement, by: &[&str]) -> String {
    let keys: Vec<SigningKey> = by.iter().map(|name| key(name)).collect();
    sign_statement(statement, &keys.iter().collect::<Vec<_>>()).unwrap()
}

pub fn root_note(root: &TrustRoot, by: &[&str]) -> String {
    let root = root.clone();
    sign(&Statement::Root { v: 1, root, salt: salt(1) }, by)
}

pub fn permission(entries: &[Entry], n: u8) -> Statement {
    Statement::Permission {
        v: 1,
        allowlist: Allowlist { format: 1, max_policy_age_hours: 24, entries: entries.to_vec() },
        recipes: BTreeMap::new(),
        made_at: at("2026-11-01T08:00:00Z"),
        salt: salt(n),
    }
}

pub fn approval(entries: &[&Entry], until: &str, made_at: &str, n: u8) -> Statement {
    Statement::Approval {
        v: 1,
        entries: entries.iter().map(|entry| (entry.id.clone(), entry.digest())).collect(),
        until: until.to_owned(),
        made_at: at(made_at),
        salt: salt(n),
    }
}

/// An entry that every check accepts; change what a test is about.
pub fn entry(name: &str) -> Entry {
    let text = format!(
        r#"{{"id":"{name}","collector":"feed","seeds":["https://news.example.org/news.atom"],"match":[{{"host":"news.example.org"}}],
        "purpose":"Notice reports early","program":"Harbour desk","legal_basis":{{"code":"no-personal-information","reason":"official notices only"}},
        "question":"What is announced?","pia":"none: no personal information","requested_by":"{}","schedule":"every 15m","zone":"UTC",
        "daily":100,"retain_days":30,"tlp":"clear","domestic":"allow: official notices","expires_on":"2027-06-30"}}"#,
        id("ana")
    );
    serde_json::from_str(&text).unwrap()
}

pub const ISSUED: &str = "2026-11-21T10:00:00Z";

/// An approval of one entry, signed.
pub fn approve(entry: &Entry, by: &[&str]) -> String {
    sign(&approval(&[entry], "2027-06-30", "2026-11-01T09:00:00Z", 3), by)
}

/// Version 2, in which bob approves no longer and the newcomer does.
pub fn second(old: &TrustRoot) -> TrustRoot {
    let mut new = TrustRoot { version: 2, previous: Some(old.digest()), ..old.clone() };
    for person in &mut new.people {
        if person.key.starts_with("bob") {
            person.roles = vec![Role::Rooter];
        }
    }
    new.people.push(Person { key: key("newcomer").vkey().to_string(), roles: vec![Role::Approver] });
    new
}

pub fn bundle(root: &TrustRoot, permission: String, approvals: Vec<String>, issued_at: &str) -> PolicyBundle {
    let digest = |note: &String| open_statement(note).unwrap().digest;
    let mut named: Vec<Digest> = approvals.iter().map(digest).collect();
    named.sort_unstable();
    let issue = PolicyIssue {
        kind: PolicyIssueKind::PolicyIssue,
        v: 1,
        issued_at: at(issued_at),
        root: root.digest(),
        permission: digest(&permission),
        approvals: named,
        log_size: 10,
    };
    PolicyBundle {
        v: 1,
        roots: vec![root_note(root, &["bob", "cleo"])],
        permission,
        approvals,
        issue: sign_issue(&issue, &key(&root.origin)).unwrap(),
    }
}

/// A log under construction: each statement is one leaf.
pub struct Log {
    pub history: History,
    pub size: u64,
}

impl Log {
    pub fn new(root: &TrustRoot) -> Self {
        let mut log = Self { history: History::new(), size: 0 };
        log.push("2026-11-01T00:00Z", &root_note(root, &["bob", "cleo"])).unwrap();
        log
    }

    pub fn push(&mut self, minute: &str, note: &str) -> Result<(), String> {
        let minute: Minute = minute.parse().unwrap();
        let opened = open_statement(note).map_err(chain)?;
        self.history.push(self.size, minute, &opened).map_err(chain)?;
        self.size += 1;
        Ok(())
    }
}

/// An error with all its sources, as a program would print it.
pub fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A policy of `vectors/gate-policies.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    trial: bool,
    needs_approve: u32,
    entries: Vec<Entry>,
    approvals: Vec<NamedApproval>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedApproval {
    by: Vec<String>,
    /// Ids of entries whose digest is approved.
    entries: Vec<String>,
    /// Ids of entries that were approved when their purpose read otherwise.
    changed: Vec<String>,
    until: String,
    made_at: String,
}

/// The named policies, each opened from a bundle as an agent would.
pub fn named_policies() -> BTreeMap<String, Policy> {
    let text = include_str!("../../vectors/gate-policies.json");
    let named: BTreeMap<String, Named> = serde_json::from_str(text).unwrap();
    named.into_iter().map(|(name, named)| (name, open(named))).collect()
}

fn open(named: Named) -> Policy {
    let root = root(named.trial, named.needs_approve);
    let mut entries = named.entries;
    for entry in &mut entries {
        entry.requested_by = id(&entry.requested_by);
    }
    let find = |id: &String| entries.iter().find(|entry| entry.id == *id).unwrap().clone();
    let mut approvals = Vec::new();
    for (n, given) in (10..).zip(&named.approvals) {
        let mut meant: Vec<Entry> = given.entries.iter().map(find).collect();
        for id in &given.changed {
            let mut before = find(id);
            before.purpose = "As it read before".to_owned();
            meant.push(before);
        }
        let by: Vec<&str> = given.by.iter().map(String::as_str).collect();
        let statement = approval(&meant.iter().collect::<Vec<_>>(), &given.until, &given.made_at, n);
        approvals.push(sign(&statement, &by));
    }
    let permission = sign(&permission(&entries, 2), &["ana"]);
    Policy::open(&bundle(&root, permission, approvals, "2026-11-21T10:00:00Z"), &root).unwrap()
}
