//! A small registry made by hand: people, a log, segments, an erasure and a refusal, written as a data folder. Invented, and the same in every run.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use schemas::{
    Digest, Salt, canonical,
    capture::{Commit, End, Exchange, Header, Lane, Line, Reader, RecordLine, Refused, Run, Target},
    coverage::{Coverage, CoverageState},
    gate::{self, Decision, GateAsk, Origin, RobotsCopy},
    leaf::{Act, Leaf, RefusalCode, StatementKind},
    manifest::{CheckpointRef, Minute},
    permission::{Allowlist, Entry, Method},
    policy::{History, open_statement, sign_issue, sign_statement},
    record::{Kind, Record},
    robots::RobotsOutcome,
    segment::{Closing, Fetch, Ids, ResponseKind, SegmentWriter, Start, erase, line_bytes},
    statement::{ErasureReason, Statement},
    trust::{Needs, Person, Role, TrustRoot},
};
use tlog::{Checkpoint, SigningKey, bundles_for_append, leaf_hash, tiles_for_append};

/// The instant all captures happen at unless a test says otherwise.
pub const CAPTURED: &str = "2026-11-21T10:05:00Z";
pub const ROBOTS: &str = "User-agent: *\nDisallow: /private/\nAllow: /\n";

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &Digest::of(name.as_bytes()).0).unwrap()
}

pub fn id(name: &str) -> String {
    key(name).vkey().id_text()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn minute(text: &str) -> Minute {
    text.parse().unwrap()
}

pub fn sign(statement: &Statement, by: &[&str]) -> String {
    let keys: Vec<_> = by.iter().map(|name| key(name)).collect();
    sign_statement(statement, &keys.iter().collect::<Vec<_>>()).unwrap()
}

struct Counted(u64);

impl Ids for Counted {
    fn salt(&mut self) -> Salt {
        self.0 += 1;
        Digest::of(&self.0.to_be_bytes())
    }

    fn uuid(&mut self) -> uuid::Uuid {
        self.0 += 1;
        let digest = Digest::of(&self.0.to_be_bytes()).0;
        uuid::Builder::from_random_bytes(digest[..16].try_into().unwrap()).into_uuid()
    }
}

/// What a test changes in a segment before it is written.
pub struct Plan {
    pub agent: &'static str,
    pub seq: Option<u64>,
    pub prev: Option<Option<Digest>>,
    pub captured: &'static str,
    pub path: &'static str,
    pub robots: String,
    pub texts: Vec<String>,
    pub signer: Option<&'static str>,
    /// Changes the decision that is written down.
    pub forge: fn(&mut Decision),
    /// Changes a record line's content hash.
    pub forge_content: bool,
    pub with_refusal: bool,
    pub checkpoint: Option<CheckpointRef>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            agent: "agent-1",
            seq: None,
            prev: None,
            captured: CAPTURED,
            path: "/news.atom",
            robots: ROBOTS.to_owned(),
            texts: vec!["The harbour stays open".to_owned()],
            signer: None,
            forge: |_| {},
            forge_content: false,
            with_refusal: false,
            checkpoint: None,
        }
    }
}

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

    fn ask(&self, plan: &Plan, path: &str) -> GateAsk {
        let ip = if self.root.trial { "127.0.0.1" } else { "192.0.2.10" };
        GateAsk {
            entry: "harbour-news".into(),
            collector: "feed".into(),
            method: Method::Get,
            url: format!("{}{path}", self.site()),
            headers: vec![],
            origin: Origin::Plan,
            at: at(plan.captured),
            spent_today: 3,
            resolved: Some(vec![ip.parse().unwrap()]),
            connected: Some(ip.parse().unwrap()),
            slot: None,
        }
    }

    /// Writes a segment and logs its manifest.
    pub fn segment(&mut self, plan: &Plan) -> Digest {
        let (digest, file, bytes) = self.write_segment(plan);
        self.segments.insert(digest, file);
        self.leaves.push(bytes);
        digest
    }

    /// A segment as an agent would send it: digest, file, leaf.
    pub fn write_segment(&mut self, plan: &Plan) -> (Digest, Vec<u8>, Vec<u8>) {
        let now = at(plan.captured);
        let issued_at = now - jiff::SignedDuration::from_mins(5);
        let policy = self.history.policy_at(issued_at).unwrap();
        let issue = policy.as_issue(issued_at, self.leaves.len() as u64);
        let policy = self.history.policy_named(&issue).unwrap();
        let target = Target {
            id: "harbour-news".into(),
            entry: "harbour-news".into(),
            url: format!("{}/news.atom", self.site()),
            recipe: None,
            own_terms: false,
        };
        let reader = Reader { name: "feed".into(), version: "0.1.0".into(), program: Digest::of(b"a program") };
        let last = self.chains.get(plan.agent).copied();
        let seq = plan.seq.unwrap_or(last.map_or(1, |(seq, _)| seq + 1));
        let start = Start {
            software: "vigie-feed/0.1.0".into(),
            agent: id(plan.agent),
            seq,
            root: self.root.digest(),
            trial: self.root.trial,
            user_agent: "Vigie/0.1".into(),
            operator: "https://vigie.example.org/contact".into(),
            date: now,
        };
        self.salts += 1;
        let mut writer = SegmentWriter::new(Counted(self.salts << 32));
        let run = Run {
            v: 1,
            id: format!("harbour-news poll {now}"),
            policy: policy.digest(),
            policy_issued_at: issued_at,
            issue: sign_issue(&issue, &key(&self.root.origin)).unwrap(),
            root: self.root.digest(),
            entry: policy.entry_digest("harbour-news").unwrap(),
            target: target.clone(),
            lane: Lane::Poll,
            work: "poll".into(),
            cursor: serde_json::Value::Null,
            now,
            due: None,
            reader: reader.clone(),
            queries: vec![],
            clock_synchronised: None,
        };
        let copy = RobotsCopy {
            v: 1,
            authority: if self.root.trial { self.site().to_owned() } else { format!("{}:443", self.site()) },
            final_url: format!("{}/robots.txt", self.site()),
            status: Some(200),
            redirects: 0,
            fetched_at: now,
            outcome: RobotsOutcome::Available,
            body_base64: STANDARD.encode(&plan.robots),
        };
        let robots = writer.robots(&copy).unwrap();
        let ask = self.ask(plan, plan.path);
        let mut decision = gate::decide(&policy, &[], &ask, Some(&copy));
        (plan.forge)(&mut decision);
        let body = plan.texts.join("\n");
        let response = format!("HTTP/1.1 200 OK\r\nContent-Type: application/atom+xml\r\n\r\n{body}");
        let request =
            format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", plan.path, self.site().split_once("://").unwrap().1);
        let fetch = Fetch {
            id: None,
            url: decision.url.as_deref().unwrap(),
            date: now,
            request: request.as_bytes(),
            response: response.as_bytes(),
            payload_digest: Digest::of(body.as_bytes()),
            kind: ResponseKind::Full,
            ip: ask.connected,
            truncated: None,
        };
        let certificate = (!self.root.trial).then(|| Digest::of(b"a certificate"));
        let response = writer
            .exchange(&fetch, |response| Exchange {
                v: 1,
                response,
                step: serde_json::Value::Null,
                target: target.digest(),
                attempt: 1,
                ask: ask.clone(),
                decision: decision.clone(),
                robots: Some(robots.clone()),
                conditions: vec![],
                struck: vec![],
                part: 0,
                last: true,
                truncated: None,
                peer: ask.connected.map(|ip| (ip, 443).into()),
                certificate,
                took_ms: 84,
                read: true,
            })
            .unwrap();
        let header = Header { v: 1, response, captured_at: plan.captured.into(), reader, step: Digest::of(b"null") };
        let mut lines = vec![line_bytes(&Line::Header(header.clone())).unwrap()];
        for (place, text) in plan.texts.iter().enumerate() {
            let mut item = Record::new(Kind::Article, "web", format!("news.example.org|{place}"));
            item.title = Some(text.clone());
            item.url = Some(format!("{}/{place}", self.site()));
            let mut content = item.content_hash().unwrap();
            if plan.forge_content {
                content = Digest::of(b"something else");
            }
            let line = RecordLine { place: format!("/entry/{place}"), content, item, dropped: vec![] };
            lines.push(line_bytes(&Line::Record(line)).unwrap());
        }
        let items: Vec<u8> = lines[1..].iter().flat_map(|line| Digest::of(line).0).collect();
        let end = End { counts: [plan.texts.len() as u64, 0, 0], items: Some(Digest::of(&items)), ..End::default() };
        lines.push(line_bytes(&Line::End(Box::new(end))).unwrap());
        writer.conversion(&header, &lines).unwrap();
        if plan.with_refusal {
            let ask = GateAsk { resolved: None, connected: None, ..self.ask(plan, "/private/list") };
            let decision = gate::decide(&policy, &[], &ask, Some(&copy));
            let step = serde_json::Value::Null;
            writer.refused(&Refused { v: 1, ask, decision, robots: Some(robots), step }).unwrap();
        }
        let coverage = Coverage {
            target: "harbour-news".into(),
            due: None,
            from: now,
            to: now,
            state: CoverageState::Complete,
            why: None,
            requests: 1,
            refused: 0,
            failed: 0,
            records: plan.texts.len() as u64,
            new: 1,
            unreadable: 0,
            bytes: body.len() as u64,
            skipped: Vec::new(),
        };
        let commit = Commit {
            v: 1,
            run: run.id.clone(),
            cursor: serde_json::Value::Null,
            frontier: 0,
            shelf: 0,
            dropped: BTreeMap::new(),
            complete: true,
            coverage,
        };
        let checkpoint = plan.checkpoint.clone().unwrap_or_else(|| self.checkpoint_ref());
        let prev = plan.prev.unwrap_or(last.map(|(_, digest)| digest));
        let signer = key(plan.signer.unwrap_or(plan.agent));
        let closing = Closing {
            start: &start,
            run: &run,
            commit: &commit,
            whole: None,
            key: &signer,
            prev,
            checkpoint,
            closed_at: now,
        };
        let (file, sealed) = writer.close(Vec::new(), &closing).unwrap();
        self.chains.insert(plan.agent, (seq, sealed.digest));
        (sealed.digest, file, canonical::canonical_of(&sealed.manifest).unwrap())
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
