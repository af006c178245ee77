//! A small registry made by hand: people, a log, segments, an erasure and a refusal, written as a data folder. Invented, and the same in every run.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod keys;
mod segment;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use schemas::{
    Digest, canonical,
    leaf::{Act, Leaf, RefusalCode, StatementKind},
    manifest::{CheckpointRef, Minute},
    permission::{Allowlist, Entry},
    policy::{History, open_statement},
    segment::erase,
    statement::{ErasureReason, Statement},
    trust::{Needs, Person, Role, TrustRoot},
};
use tlog::{Checkpoint, bundles_for_append, leaf_hash, tiles_for_append};

pub use keys::{at, id, key, minute, sign};
pub use segment::{Plan, ROBOTS};

/// A registry in memory.
#[derive(Clone)]
pub struct World {
    pub root: TrustRoot,
    pub leaves: Vec<Vec<u8>>,
    pub statements: BTreeMap<Digest, String>,
    pub segments: BTreeMap<Digest, Vec<u8>>,
    pub history: History,
    pub chains: BTreeMap<&'static str, (u64, Digest)>,
    pub salts: u64,
    /// Record id and date of every answer, in order.
    pub answers: Vec<(String, String)>,
    pub now: Minute,
}

impl World {
    pub fn site(&self) -> &'static str {
        if self.root.trial { "http://127.0.0.1:8080" } else { "https://news.example.org" }
    }

    /// Root, permission, approval by bob, enrolment of `agent-1`.
    pub fn new(trial: bool) -> Self {
        let mut world = Self::bare(trial);
        let entry = world.entry();
        world.permit(std::slice::from_ref(&entry), "2026-11-01T09:00Z");
        world.approve(&entry, &["bob"], "2026-11-01T09:10Z");
        world.enrol("agent-1", "2026-11-01T09:20Z");
        world
    }

    /// A log with its trust root and nothing else.
    pub fn bare(trial: bool) -> Self {
        let origin = if trial { "vigie.trial.invalid/log" } else { "vigie.example.org/log" };
        let person = |name: &str, roles: &[Role]| Person { key: key(name).vkey().to_string(), roles: roles.to_vec() };
        let root = TrustRoot {
            format: 1,
            version: 1,
            origin: origin.to_owned(),
            trial,
            log_key: key(origin).vkey().to_string(),
            contact: Some("https://vigie.example.org/contact".to_owned()),
            previous: None,
            needs: Needs::default(),
            people: vec![
                person("ana", &[Role::Requester, Role::Approver]),
                person("bob", &[Role::Approver, Role::Rooter, Role::Enroller, Role::Eraser]),
                person("cleo", &[Role::Rooter, Role::Eraser]),
            ],
            evidence_recipients: Vec::new(),
            witnesses: Vec::new(),
        };
        let mut world = Self {
            root: root.clone(),
            leaves: Vec::new(),
            statements: BTreeMap::new(),
            segments: BTreeMap::new(),
            history: History::new(),
            chains: BTreeMap::new(),
            salts: 0,
            answers: Vec::new(),
            now: minute("2026-11-01T08:00Z"),
        };
        let salt = world.salt();
        world.statement(
            StatementKind::Root,
            &sign(&Statement::Root { v: 1, root, salt }, &["bob", "cleo"]),
            "2026-11-01T08:00Z",
        );
        world
    }

    pub fn entry(&self) -> Entry {
        let (host, scheme, port, address, legal) = if self.root.trial {
            ("127.0.0.1", "http", "\"port\":8080,", "127.0.0.1/32", "trial")
        } else {
            ("news.example.org", "https", "", "192.0.2.10/32", "no-personal-information")
        };
        let text = format!(
            r#"{{"id":"harbour-news","collector":"feed","seeds":["{}/news.atom"],"match":[{{"host":"{host}",{port}"scheme":"{scheme}"}}],
            "purpose":"Notice reports about the harbour early","program":"Harbour desk","legal_basis":{{"code":"{legal}","reason":"official notices only"}},
            "question":"Which notices are copied elsewhere?","pia":"none: no personal information","requested_by":"{}","schedule":"every 15m","zone":"UTC",
            "daily":100,"retain_days":30,"tlp":"clear","domestic":"allow: official notices","expires_on":"2027-06-30","allow_addresses":["{address}"]}}"#,
            self.site(),
            id("ana")
        );
        serde_json::from_str(&text).unwrap()
    }

    pub fn salt(&mut self) -> Digest {
        self.salts += 1;
        Digest::of(&self.salts.to_le_bytes())
    }

    pub fn leaf(&mut self, leaf: &Leaf) -> u64 {
        self.leaves.push(canonical::canonical_of(leaf).unwrap());
        self.leaves.len() as u64 - 1
    }

    /// Takes a statement in, whether it should be or not.
    pub fn statement(&mut self, kind: StatementKind, note: &str, time: &str) -> u64 {
        let opened = open_statement(note).unwrap();
        self.statements.insert(opened.digest, note.to_owned());
        self.now = minute(time);
        let index = self.leaf(&Leaf::Act(Act::Statement { v: 1, kind, digest: opened.digest, time: minute(time) }));
        let _ = self.history.push(index, minute(time), &opened);
        index
    }

    pub fn permit(&mut self, entries: &[Entry], time: &str) -> u64 {
        let salt = self.salt();
        let allowlist = Allowlist { format: 1, max_policy_age_hours: 24, entries: entries.to_vec() };
        let made_at = minute(time).start();
        let statement = Statement::Permission { v: 1, allowlist, recipes: BTreeMap::new(), made_at, salt };
        self.statement(StatementKind::Permission, &sign(&statement, &["ana"]), time)
    }

    pub fn approve(&mut self, entry: &Entry, by: &[&str], time: &str) -> u64 {
        let salt = self.salt();
        let entries = BTreeMap::from([(entry.id.clone(), entry.digest())]);
        let made_at = minute(time).start();
        let statement = Statement::Approval { v: 1, entries, until: "2027-06-30".into(), made_at, salt };
        self.statement(StatementKind::Approval, &sign(&statement, by), time)
    }

    pub fn enrol(&mut self, agent: &str, time: &str) -> u64 {
        let salt = self.salt();
        let agent = key(agent).vkey().to_string();
        let made_at = minute(time).start();
        let statement = Statement::Enrolment { v: 1, agent, collector: "feed".into(), made_at, salt };
        self.statement(StatementKind::Enrolment, &sign(&statement, &["bob"]), time)
    }

    pub fn revoke(&mut self, agent: &str, time: &str) -> u64 {
        let salt = self.salt();
        let made_at = minute(time).start();
        let statement = Statement::Revocation { v: 1, agent: id(agent), reason: "lost".into(), made_at, salt };
        self.statement(StatementKind::Revocation, &sign(&statement, &["bob"]), time)
    }

    pub fn checkpoint_ref(&self) -> CheckpointRef {
        let hashes: Vec<_> = self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        CheckpointRef { size: hashes.len() as u64, root: tlog::root(&hashes) }
    }

    /// Erases units, by two erasers.
    pub fn erase(&mut self, manifest: Digest, units: &[u64]) -> u64 {
        self.erase_by(manifest, units, &["bob", "cleo"])
    }

    pub fn erase_by(&mut self, manifest: Digest, units: &[u64], by: &[&str]) -> u64 {
        let salt = self.salt();
        let reason = ErasureReason::Request;
        let made_at = at("2026-11-22T09:00:00Z");
        let statement = Statement::Erasure {
            v: 1,
            manifest,
            units: units.to_vec(),
            authority: "file 2026-17".into(),
            reason,
            made_at,
            salt,
        };
        let note = sign(&statement, by);
        let opened = open_statement(&note).unwrap();
        self.statements.insert(opened.digest, note);
        let ranges = units.iter().map(|unit| [*unit, *unit]).collect::<Vec<_>>();
        let ranges = merge(&ranges);
        let time = minute("2026-11-22T09:00Z");
        let act = Act::Erasure { v: 1, manifest, units: ranges, reason, statement: opened.digest, time };
        let index = self.leaf(&Leaf::Act(act));
        let _ = self.history.push(index, time, &opened);
        self.bury(manifest, units, index);
        index
    }

    pub fn refuse(&mut self, manifest: Digest, units: &[u64]) -> u64 {
        let ranges = merge(&units.iter().map(|unit| [*unit, *unit]).collect::<Vec<_>>());
        let time = minute("2026-11-21T10:06Z");
        let index = self.leaf(&Leaf::Act(Act::Refusal {
            v: 1,
            manifest,
            units: ranges,
            code: RefusalCode::NotPermitted,
            time,
        }));
        self.bury(manifest, units, index);
        index
    }

    /// Puts tombstones into a segment's file.
    pub fn bury(&mut self, manifest: Digest, units: &[u64], leaf: u64) {
        let file = &self.segments[&manifest];
        let file = erase(file, &units.iter().copied().collect::<BTreeSet<_>>(), leaf).unwrap();
        self.segments.insert(manifest, file);
    }

    pub fn checkpoint(&self) -> String {
        let CheckpointRef { size, root } = self.checkpoint_ref();
        Checkpoint::new(&self.root.origin, size, root).sign(&key(&self.root.origin)).unwrap().to_string()
    }

    /// All files of the data folder.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::from([
            ("format".to_owned(), b"vigie-data 1\n".to_vec()),
            ("log/checkpoint".to_owned(), self.checkpoint().into_bytes()),
        ]);
        for (digest, note) in &self.statements {
            files.insert(format!("statements/{digest}.note"), note.clone().into_bytes());
        }
        for (digest, file) in &self.segments {
            files.insert(segment_path(*digest), file.clone());
        }
        files.extend(tiles(&self.leaves).into_iter().map(|(name, bytes)| (format!("log/{name}"), bytes)));
        files
    }

    pub fn write(&self, dir: &Path) {
        for (name, bytes) in self.files() {
            put(dir, &name, &bytes);
        }
    }
}

/// Entry bundles and tiles of these leaves.
pub fn tiles(leaves: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
    let none: HashMap<String, Vec<u8>> = HashMap::new();
    let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let mut files: BTreeMap<_, _> = tiles_for_append(0, &hashes, &none).unwrap().into_iter().collect();
    files.extend(bundles_for_append(0, leaves, &none).unwrap());
    files
}

pub fn segment_path(digest: Digest) -> String {
    let text = digest.to_string();
    format!("segments/{}/{text}.warc.gz", &text[..2])
}

pub fn put(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn merge(ranges: &[[u64; 2]]) -> Vec<[u64; 2]> {
    let mut merged: Vec<[u64; 2]> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last[1] + 1 == range[0] => last[1] = range[1],
            _ => merged.push(*range),
        }
    }
    merged
}
