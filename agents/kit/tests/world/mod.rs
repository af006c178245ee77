//! A policy of one entry for this machine, a way out with short bounds, and names that resolve as a test says. Invented, the same in every run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod site;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use kit::{
    Request, Slot,
    engine::{Hop, HopResult, Network, Outcome, Pending, RunFacts, Validators, Wanted},
    fetch::{Limits, Lookup, Setup, Web},
};
use schemas::{
    Digest,
    capture::Target,
    gate::Origin,
    permission::{Allowlist, Entry},
    policy::{Policy, open_statement, sign_issue, sign_statement},
    statement::{PolicyBundle, PolicyIssue, PolicyIssueKind, Statement},
    trust::{Needs, Person, Role, TrustRoot},
};
use serde_json::{Value, json};
use tlog::SigningKey;

/// The log's key and origin.
pub const ORIGIN: &str = "vigie.example.org/log";

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &Digest::of(name.as_bytes()).0).unwrap()
}

pub fn root() -> TrustRoot {
    let person = |name: &str, roles: &[Role]| Person { key: key(name).vkey().to_string(), roles: roles.to_vec() };
    TrustRoot {
        format: 1,
        version: 1,
        origin: ORIGIN.to_owned(),
        trial: false,
        log_key: key(ORIGIN).vkey().to_string(),
        contact: Some("https://vigie.example.org/contact".to_owned()),
        previous: None,
        needs: Needs { approve: 1, enrol: 1, erase: 2, root: 1 },
        people: vec![
            person("ana", &[Role::Requester]),
            person("bob", &[Role::Approver, Role::Rooter]),
            person("eve", &[Role::Enroller, Role::Eraser]),
            person("fay", &[Role::Eraser]),
        ],
        evidence_recipients: Vec::new(),
        witnesses: Vec::new(),
    }
}

/// The bundle of one entry, issued now.
pub fn bundle(entry: &Entry, issued_at: Timestamp) -> PolicyBundle {
    let sign = |statement: &Statement, by: &str| sign_statement(statement, &[&key(by)]).unwrap();
    let made_at = issued_at - Duration::from_secs(3_600);
    let salt = |n| Digest([n; 32]);
    let roots = vec![sign(&Statement::Root { v: 1, root: root(), salt: salt(1) }, "bob")];
    let allowlist = Allowlist { format: 1, max_policy_age_hours: 24, entries: vec![entry.clone()] };
    let permission =
        sign(&Statement::Permission { v: 1, allowlist, recipes: BTreeMap::new(), made_at, salt: salt(2) }, "ana");
    let entries = BTreeMap::from([(entry.id.clone(), entry.digest())]);
    let approval =
        sign(&Statement::Approval { v: 1, entries, until: entry.expires_on.clone(), made_at, salt: salt(3) }, "bob");
    let issue = PolicyIssue {
        kind: PolicyIssueKind::PolicyIssue,
        v: 1,
        issued_at,
        root: root().digest(),
        permission: open_statement(&permission).unwrap().digest,
        approvals: vec![open_statement(&approval).unwrap().digest],
        log_size: 4,
    };
    let issue = sign_issue(&issue, &key(ORIGIN)).unwrap();
    PolicyBundle { v: 1, roots, permission, approvals: vec![approval], issue }
}

/// An entry that permits everything on these hosts (`http://127.0.0.1:81`), at any pace, and names loopback.
pub fn entry(sites: &[&str]) -> Entry {
    let matches: Vec<Value> = sites
        .iter()
        .map(|site| {
            let url = url::Url::parse(site).unwrap();
            json!({"scheme": url.scheme(), "host": url.host_str(), "port": url.port()})
        })
        .collect();
    let expires = (Timestamp::now() + Duration::from_secs(90 * 86_400)).strftime("%Y-%m-%d").to_string();
    serde_json::from_value(json!({
        "id": "site", "collector": "web", "seeds": [sites[0]], "match": matches, "methods": ["GET", "POST"],
        "purpose": "p", "program": "p", "legal_basis": {"code": "no-personal-information", "reason": "invented"}, "question": "q?",
        "pia": "none: invented", "requested_by": key("ana").vkey().id_text(), "schedule": "every 1h", "zone": "UTC",
        "rate_secs": 0, "daily": 1_000, "retain_days": 1, "tlp": "clear", "domestic": "allow: invented", "expires_on": expires,
        "allow_addresses": ["127.0.0.1/32"]
    }))
    .unwrap()
}

pub fn facts(entry: &Entry) -> RunFacts {
    let policy = Policy::open(&bundle(entry, Timestamp::now()), &root()).unwrap();
    RunFacts {
        policy: Arc::new(policy),
        entry: entry.id.clone(),
        entry_digest: entry.digest(),
        target: Target {
            id: entry.id.clone(),
            entry: entry.id.clone(),
            url: entry.seeds[0].clone(),
            recipe: None,
            own_terms: false,
        },
        collector: "web".to_owned(),
        queries: vec!["/query".to_owned()],
        slots: Vec::new(),
        reservations: false,
    }
}

/// Answers a name's questions one after the other; the last answer stays. Unknown names have no address.
#[derive(Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    pub fn of(name: &str, answers: &[[u8; 4]]) -> Self {
        let script = Self::default();
        let answers = answers.iter().map(|ip| vec![IpAddr::V4(Ipv4Addr::from(*ip))]).collect();
        script.answers.lock().unwrap().insert(name.to_owned(), answers);
        script
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Lookup for Script {
    fn lookup<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut all = self.answers.lock().unwrap();
        let answer = match all.get_mut(host) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers.first().cloned().unwrap_or_default(),
            None => Vec::new(),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// An agent's own bounds, which a busy machine keeps. A test whose source is to run into one shortens that one.
pub fn limits() -> Limits {
    Limits { longest_wait: Duration::from_secs(5), ..Limits::default() }
}

/// An agent's network and the run it is used for.
pub struct World {
    pub run: RunFacts,
    pub web: Web,
}

impl World {
    pub fn new(entry: &Entry) -> Self {
        Self::with(entry, |_| {})
    }

    pub fn with(entry: &Entry, change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup::new(rusqlite::Connection::open_in_memory().unwrap());
        setup.limits = limits();
        change(&mut setup);
        Self { run: facts(entry), web: Web::new(setup).unwrap() }
    }

    /// With one credential slot, its value on disk below `folder`.
    pub fn slot(mut self, slot: Slot) -> Self {
        self.run.slots.push(slot);
        self
    }

    pub async fn get(&self, url: &str) -> Outcome {
        self.ask(&Request::get(url, Value::Null)).await
    }

    pub async fn ask(&self, request: &Request<Value>) -> Outcome {
        self.ask_if(request, None).await
    }

    pub async fn ask_if(&self, request: &Request<Value>, validators: Option<&Validators>) -> Outcome {
        self.web.exchange(Wanted { run: &self.run, request, validators, origin: Origin::Plan, attempt: 1 }).await
    }
}

pub fn folder_with(name: &str, value: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), value).unwrap();
    let own = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(folder.path().join(name), own).unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

/// Every byte that a trail would write to a segment, as one text.
pub fn written(outcome: &Outcome) -> String {
    let mut all = String::new();
    for hop in &outcome.trail {
        all.push_str(&format!("{hop:?}"));
        if let Hop::Fetched(fetched) = hop {
            all.push_str(&String::from_utf8_lossy(&fetched.request));
            all.push_str(&String::from_utf8_lossy(&fetched.response));
        }
    }
    all.push_str(&format!("{:?}", outcome.result));
    all
}

/// The words of an outcome that is no answer.
pub fn words(outcome: &Outcome) -> String {
    match &outcome.result {
        HopResult::Refused { because, .. } => because.clone(),
        HopResult::Failed { error, .. } => error.clone(),
        HopResult::Blocked { what } => what.clone(),
        other => format!("{other:?}"),
    }
}
