//! An invented world for tests: people who sign, an agent that makes segments, a clock that can be set.
//!
//! Keys come from names, so everything is the same in every run. Addresses are documentation addresses.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use schemas::capture::{
    Commit, End, Exchange, GoneLine, Header, Lane, Line, Reader, RecordLine, Run, Target, Vanished, What,
};
use schemas::coverage::{Coverage, CoverageState};
use schemas::gate::{GateAsk, Origin, decide};
use schemas::manifest::CheckpointRef;
use schemas::permission::{Allowlist, Entry, Method};
use schemas::policy::{open_issue, sign_statement};
use schemas::receipt::ReceiptAnswer;
use schemas::record::{Kind, Record};
use schemas::segment::{Closing, Fetch, Ids, Referred, ResponseKind, SegmentWriter, Start, line_bytes};
use schemas::statement::{ErasureReason, Statement};
use schemas::trust::{Needs, Person, Role, TrustRoot};
use schemas::{Digest, Salt};
use serde_json::Value;
use tlog::SigningKey;
use uuid::Uuid;

use super::storage::Disk;
use super::store::{Indexer, NoIndex};
use super::{Clock, Config, Registry, RegistryError};

/// Name of the log.
pub const ORIGIN: &str = "vigie.example.org/log";
/// The address all pages come from; the entry names it.
const ADDRESS: &str = "192.0.2.1";

static SALTS: AtomicI64 = AtomicI64::new(1);

/// The key of a name; the seed is the name's SHA-256.
#[must_use]
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &Digest::of(name.as_bytes()).0).unwrap()
}

fn fresh_salt() -> Salt {
    Digest::of(&SALTS.fetch_add(1, Ordering::Relaxed).to_be_bytes())
}

/// Signs a statement by people.
#[must_use]
pub fn sign(statement: &Statement, by: &[&str]) -> String {
    let keys: Vec<SigningKey> = by.iter().map(|name| key(name)).collect();
    sign_statement(statement, &keys.iter().collect::<Vec<_>>()).unwrap()
}

/// A world around one data folder.
pub struct World {
    /// Seconds since 1970.
    pub seconds: Arc<AtomicI64>,
    /// The entry in force, `news`.
    pub entry: Entry,
}

impl Default for World {
    fn default() -> Self {
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        Self { seconds: Arc::new(AtomicI64::new(start.as_second())), entry: entry() }
    }
}

/// An entry every check accepts.
#[must_use]
pub fn entry() -> Entry {
    let text = format!(
        r#"{{"id":"news","collector":"feed","seeds":["https://news.example.org/news.atom"],"match":[{{"host":"news.example.org"}}],
        "robots":"api: the test site is ours","allow_addresses":["{ADDRESS}/32"],
        "purpose":"Notice reports early","program":"Harbour desk","legal_basis":{{"code":"no-personal-information","reason":"official notices only"}},
        "question":"What is announced?","pia":"none: no personal information","requested_by":"{}","schedule":"every 15m","zone":"UTC",
        "daily":100,"retain_days":30,"tlp":"clear","domestic":"allow: official notices","expires_on":"2027-06-30"}}"#,
        key("ana").vkey().id_text()
    );
    serde_json::from_str(&text).unwrap()
}

impl World {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.seconds.load(Ordering::Relaxed)).unwrap()
    }

    /// Lets time pass.
    pub fn pass(&self, duration: SignedDuration) {
        self.seconds.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }

    /// The clock to give to a registry.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.seconds);
        Arc::new(move || Timestamp::from_second(seconds.load(Ordering::Relaxed)).unwrap())
    }

    /// A configuration on a folder and a disk.
    #[must_use]
    pub fn config(&self, folder: &Path, disk: Arc<dyn Disk>) -> Config {
        self.config_with(folder, disk, Arc::new(NoIndex))
    }

    /// The same with text search.
    #[must_use]
    pub fn config_with(&self, folder: &Path, disk: Arc<dyn Disk>, indexer: Arc<dyn Indexer>) -> Config {
        Config {
            clock: self.clock(),
            disk,
            min_free_bytes: 1,
            ..Config::new(folder.join("data"), folder.join("second"), key(ORIGIN), indexer)
        }
    }

    /// The trust root.
    #[must_use]
    pub fn root(&self) -> TrustRoot {
        let people: [(&str, &[Role]); 5] = [
            ("ana", &[Role::Requester]),
            ("bob", &[Role::Approver, Role::Rooter]),
            ("cleo", &[Role::Approver, Role::Rooter]),
            ("eve", &[Role::Enroller, Role::Eraser]),
            ("finn", &[Role::Eraser]),
        ];
        TrustRoot {
            format: 1,
            version: 1,
            origin: ORIGIN.to_owned(),
            trial: false,
            log_key: key(ORIGIN).vkey().to_string(),
            contact: Some("https://vigie.example.org/contact".to_owned()),
            previous: None,
            needs: Needs::default(),
            people: people
                .iter()
                .map(|(name, roles)| Person { key: key(name).vkey().to_string(), roles: roles.to_vec() })
                .collect(),
            evidence_recipients: Vec::new(),
            witnesses: Vec::new(),
        }
    }

    /// Permission for `entry`, signed and approved.
    pub fn permit(&self, registry: &Registry, entry: &Entry) {
        let allowlist = Allowlist { format: 1, max_policy_age_hours: 24, entries: vec![entry.clone()] };
        let permission = Statement::Permission {
            v: 1,
            allowlist,
            recipes: BTreeMap::new(),
            made_at: self.now(),
            salt: fresh_salt(),
        };
        registry.add_statement(&sign(&permission, &["ana"])).unwrap();
        let approval = Statement::Approval {
            v: 1,
            entries: BTreeMap::from([(entry.id.clone(), entry.digest())]),
            until: "2027-06-30".to_owned(),
            made_at: self.now(),
            salt: fresh_salt(),
        };
        registry.add_statement(&sign(&approval, &["bob"])).unwrap();
    }

    /// Enrols an agent.
    pub fn enrol(&self, registry: &Registry, agent: &Agent) {
        let enrolment = Statement::Enrolment {
            v: 1,
            agent: agent.key.vkey().to_string(),
            collector: "feed".to_owned(),
            made_at: self.now(),
            salt: fresh_salt(),
        };
        registry.add_statement(&sign(&enrolment, &["eve"])).unwrap();
    }

    /// Root, permission, approval, and one enrolled agent: four leaves.
    #[must_use]
    pub fn found(&self, registry: &Registry) -> Agent {
        let root = Statement::Root { v: 1, root: self.root(), salt: fresh_salt() };
        registry.add_statement(&sign(&root, &["bob", "cleo"])).unwrap();
        self.permit(registry, &self.entry);
        let agent = Agent::new("agent-1");
        self.enrol(registry, &agent);
        self.pass(SignedDuration::from_mins(2));
        agent
    }

    /// An allowlist of these entries, and an approval of those named.
    pub fn permit_all(&self, registry: &Registry, entries: &[Entry], approved: &[&str]) {
        let allowlist = Allowlist { format: 1, max_policy_age_hours: 24, entries: entries.to_vec() };
        let permission = Statement::Permission {
            v: 1,
            allowlist,
            recipes: BTreeMap::new(),
            made_at: self.now(),
            salt: fresh_salt(),
        };
        registry.add_statement(&sign(&permission, &["ana"])).unwrap();
        let approval = Statement::Approval {
            v: 1,
            entries: entries
                .iter()
                .filter(|entry| approved.contains(&entry.id.as_str()))
                .map(|entry| (entry.id.clone(), entry.digest()))
                .collect(),
            until: "2027-06-30".to_owned(),
            made_at: self.now(),
            salt: fresh_salt(),
        };
        registry.add_statement(&sign(&approval, &["bob"])).unwrap();
    }

    /// An erasure of units, signed by two.
    #[must_use]
    pub fn erasure(&self, manifest: Digest, units: &[u64], by: &[&str]) -> String {
        let statement = Statement::Erasure {
            v: 1,
            manifest,
            units: units.to_vec(),
            authority: "file 2026-0042".to_owned(),
            reason: ErasureReason::Request,
            made_at: self.now(),
            salt: fresh_salt(),
        };
        sign(&statement, by)
    }

    /// A revocation.
    #[must_use]
    pub fn revocation(&self, agent: &Agent) -> String {
        let statement = Statement::Revocation {
            v: 1,
            agent: agent.key.vkey().id_text(),
            reason: "the host was lost".to_owned(),
            made_at: self.now(),
            salt: fresh_salt(),
        };
        sign(&statement, &["eve"])
    }
}

/// Salts and ids that count up, different for each agent and segment.
struct Counted {
    scope: String,
    count: u64,
}

impl Ids for Counted {
    fn salt(&mut self) -> Salt {
        self.count += 1;
        Digest::of(format!("{} {}", self.scope, self.count).as_bytes())
    }

    fn uuid(&mut self) -> Uuid {
        let salt = self.salt();
        uuid::Builder::from_random_bytes(salt.0[..16].try_into().unwrap()).into_uuid()
    }
}

/// One fetch of a draft.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Path on `news.example.org`.
    pub path: String,
    /// Body.
    pub body: String,
    /// Items, id and text.
    pub items: Vec<(String, String)>,
    /// Items in full, behind the others.
    pub records: Vec<Record>,
    /// Ids of items that are gone.
    pub gone: Vec<String>,
    /// What the items are all of.
    pub snapshot: Option<String>,
    /// Items said to have vanished from it, with record id and date of the answer that first lacked them.
    pub vanished: Vec<(String, String, Timestamp)>,
    /// Record id of an earlier response with the same payload.
    pub revisit_of: Option<String>,
    /// Name of the program that read it; `feed` if empty.
    pub reader_version: String,
}

impl Page {
    /// A page with items.
    #[must_use]
    pub fn of(items: &[(&str, &str)]) -> Self {
        let items: Vec<_> = items.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        let body = items.iter().map(|(id, text)| format!("{id}: {text}\n")).collect();
        Self { path: "/news.atom".to_owned(), body, items, ..Self::default() }
    }
}

/// A finished segment.
#[derive(Debug, Clone)]
pub struct Made {
    /// Digest of the manifest.
    pub name: Digest,
    /// The file.
    pub bytes: Vec<u8>,
    /// Record ids of its responses.
    pub responses: Vec<String>,
}

/// An agent and its chain.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its key.
    pub key: SigningKey,
    /// Number of the last segment.
    pub seq: u64,
    /// Its digest.
    pub prev: Option<Digest>,
    /// Size and root of the newest checkpoint it verified.
    pub checkpoint: CheckpointRef,
    /// What is added to the time of captures, for agents whose clock is wrong.
    pub clock_error: SignedDuration,
    /// Used in place of a fresh issue: an agent that did not ask again.
    pub issue: Option<String>,
    /// Entry it collects under; `news`.
    pub entry: String,
    /// When the next run was due; absent for one started by hand.
    pub due: Option<Timestamp>,
    /// What its runs say they came to.
    pub state: CoverageState,
}

impl Agent {
    /// An agent that was never enrolled.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            key: key(name),
            seq: 0,
            prev: None,
            checkpoint: CheckpointRef { size: 0, root: tlog::EMPTY_ROOT },
            clock_error: SignedDuration::ZERO,
            issue: None,
            entry: "news".to_owned(),
            due: None,
            state: CoverageState::Complete,
        }
    }

    /// Makes the next segment of its chain under the entry of the world.
    pub fn collect(&mut self, world: &World, registry: &Registry, pages: &[Page]) -> Made {
        self.seq += 1;
        let made = self.segment(world, registry, pages);
        self.prev = Some(made.name);
        made
    }

    /// Makes a segment with the number and predecessor at hand; the chain stays where it is.
    #[must_use]
    pub fn segment(&self, world: &World, registry: &Registry, pages: &[Page]) -> Made {
        let at = world.now().checked_add(self.clock_error).unwrap();
        let note = self.issue.clone().unwrap_or_else(|| registry.policy_bundle().unwrap().issue);
        let issue = open_issue(&note).unwrap();
        let policy = registry.history().policy_named(&issue.issue).unwrap();
        let agent = self.key.vkey().id_text();
        let entry = policy.entry(&self.entry).unwrap();
        let scope = format!("{agent} {} {}", self.seq, pages.iter().map(|page| page.body.as_str()).collect::<String>());
        let start = Start {
            software: "vigie-feed/0.1.0".to_owned(),
            agent,
            seq: self.seq,
            root: issue.issue.root,
            trial: false,
            user_agent: "Vigie/0.1 (+https://vigie.example.org/contact)".to_owned(),
            operator: "https://vigie.example.org/contact".to_owned(),
            date: at,
        };
        let mut writer = SegmentWriter::new(Counted { scope, count: 0 });
        let target = Target {
            id: entry.id.clone(),
            entry: entry.id.clone(),
            url: entry.seeds[0].clone(),
            recipe: None,
            own_terms: true,
        };
        let reader = Reader { name: "feed".to_owned(), version: "0.1.0".to_owned(), program: Digest([5; 32]) };
        let run = Run {
            v: 1,
            id: format!("{} poll {at}", entry.id),
            policy: issue.digest,
            policy_issued_at: issue.issue.issued_at,
            issue: note,
            root: issue.issue.root,
            entry: entry.digest(),
            target: target.clone(),
            lane: Lane::Poll,
            work: Value::Null,
            cursor: Value::Null,
            now: at,
            due: self.due,
            reader: reader.clone(),
            queries: Vec::new(),
            clock_synchronised: None,
        };
        let mut responses = Vec::new();
        let mut records = 0;
        for page in pages {
            let ask = GateAsk {
                entry: entry.id.clone(),
                collector: "feed".to_owned(),
                method: Method::Get,
                url: format!("https://news.example.org{}", page.path),
                headers: Vec::new(),
                origin: Origin::Plan,
                at,
                spent_today: 0,
                resolved: Some(vec![ADDRESS.parse().unwrap()]),
                connected: Some(ADDRESS.parse().unwrap()),
                slot: None,
            };
            let decision = decide(&policy, &[], &ask, None);
            assert!(decision.permitted, "{}", decision.because);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
            let (response, kind) = match &page.revisit_of {
                None => (format!("{head}{}", page.body), ResponseKind::Full),
                Some(id) => {
                    let refers_to = Referred { id: id.clone(), url: ask.url.clone(), date: at.to_string() };
                    (head.to_owned(), ResponseKind::Identical { refers_to })
                }
            };
            let request = format!("GET {} HTTP/1.1\r\nHost: news.example.org\r\n\r\n", page.path);
            let fetch = Fetch {
                id: None,
                url: &ask.url,
                date: at,
                request: request.as_bytes(),
                response: response.into(),
                payload_digest: Digest::of(page.body.as_bytes()),
                kind,
                ip: Some(ADDRESS.parse().unwrap()),
                truncated: None,
            };
            let made = |response| Exchange {
                v: 1,
                response,
                step: Value::Null,
                target: target.digest(),
                attempt: 1,
                ask: ask.clone(),
                decision,
                robots: None,
                reservation: None,
                conditions: Vec::new(),
                struck: Vec::new(),
                part: 0,
                last: true,
                truncated: None,
                peer: Some(format!("{ADDRESS}:443").parse().unwrap()),
                certificate: None,
                took_ms: 3,
                read: true,
            };
            let id = writer.exchange(fetch, made).unwrap();
            let reader = match page.reader_version.as_str() {
                "" => reader.clone(),
                version => Reader { version: version.to_owned(), ..reader.clone() },
            };
            let header =
                Header { v: 1, response: id.clone(), captured_at: at.to_string(), reader, step: Digest::of(b"null") };
            let mut lines = vec![Line::Header(header.clone())];
            let plain = page.items.iter().map(|(id, text)| {
                let mut item = Record::new(Kind::Article, "web", format!("news.example.org|{id}"));
                item.text = Some(text.clone());
                item.handle = Some(id.clone());
                item
            });
            for (place, item) in plain.chain(page.records.iter().cloned()).enumerate() {
                let content = item.content_hash().unwrap();
                lines.push(Line::Record(RecordLine {
                    place: format!("/items/{place}"),
                    content,
                    item,
                    dropped: Vec::new(),
                }));
                records += 1;
            }
            for id in &page.gone {
                let what = What::Record { platform: "web".to_owned(), id: format!("news.example.org|{id}") };
                lines.push(Line::Gone(GoneLine { place: "whole".to_owned(), what, why: "410 Gone".to_owned() }));
            }
            let mut lines: Vec<Vec<u8>> = lines.iter().map(|line| line_bytes(line).unwrap()).collect();
            let items: Vec<u8> = lines[1..].iter().flat_map(|line| Digest::of(line).0).collect();
            let end = End {
                counts: [(page.items.len() + page.records.len()) as u64, page.gone.len() as u64, 0],
                items: Some(Digest::of(&items)),
                snapshot: page.snapshot.clone(),
                ..End::default()
            };
            lines.push(line_bytes(&Line::End(Box::new(end))).unwrap());
            writer.conversion(&header, lines).unwrap();
            for (item, before, before_at) in &page.vanished {
                let said = Vanished {
                    v: 1,
                    response: id.clone(),
                    before: before.clone(),
                    before_at: before_at.to_string(),
                    stood_at: before_at.to_string(),
                    scope: page.snapshot.clone().unwrap_or_default(),
                    platform: "web".to_owned(),
                    id: format!("news.example.org|{item}"),
                };
                writer.vanished(&said, at).unwrap();
            }
            responses.push(id);
        }
        let coverage = Coverage {
            target: entry.id.clone(),
            due: self.due,
            from: at,
            to: at,
            state: self.state,
            why: (!matches!(self.state, CoverageState::Complete | CoverageState::Empty))
                .then(|| "as the test has it".to_owned()),
            requests: pages.len() as u64,
            refused: 0,
            failed: 0,
            records,
            new: records,
            unreadable: 0,
            bytes: 0,
            skipped: Vec::new(),
        };
        let commit = Commit {
            v: 1,
            run: run.id.clone(),
            cursor: Value::Null,
            frontier: 0,
            shelf: 0,
            dropped: BTreeMap::new(),
            complete: true,
            coverage,
        };
        let closing = Closing {
            start: &start,
            run: &run,
            commit: &commit,
            whole: None,
            key: &self.key,
            prev: self.prev,
            checkpoint: self.checkpoint.clone(),
            closed_at: at,
        };
        let (bytes, sealed) = writer.close(Vec::new(), &closing).unwrap();
        Made { name: sealed.digest, bytes, responses }
    }

    /// Takes the checkpoint of an answer as the newest one verified.
    pub fn heard(&mut self, answer: &ReceiptAnswer) {
        let (checkpoint, _) = tlog::Checkpoint::open(answer.checkpoint.as_bytes(), &key(ORIGIN).vkey()).unwrap();
        self.checkpoint = CheckpointRef { size: checkpoint.size, root: checkpoint.root };
    }
}

/// Opens a registry of a world on a folder with real files.
///
/// # Errors
///
/// As [`Registry::open`].
pub fn open(world: &World, folder: &Path) -> Result<Registry, RegistryError> {
    Registry::open(world.config(folder, Arc::new(super::storage::RealDisk)))
}

/// Checks a receipt as an agent does and gives back what it says.
#[must_use]
pub fn receipt_of(answer: &ReceiptAnswer) -> schemas::receipt::Receipt {
    let log = key(ORIGIN).vkey();
    let note = tlog::Note::parse(answer.receipt.as_bytes()).unwrap();
    note.verify(std::slice::from_ref(&log)).unwrap();
    let receipt: schemas::receipt::Receipt =
        schemas::canonical::from_canonical(note.text.trim_end_matches('\n').as_bytes()).unwrap();
    let (checkpoint, _) = tlog::Checkpoint::open(answer.checkpoint.as_bytes(), &log).unwrap();
    let leaf = tlog::leaf_hash(answer.leaf.as_bytes());
    tlog::verify_inclusion(receipt.index(), checkpoint.size, &leaf, &answer.inclusion, &checkpoint.root).unwrap();
    receipt
}

/// What a text index was told, for tests that count words.
#[derive(Debug, Default)]
pub struct Remembering(pub Mutex<BTreeMap<i64, String>>);

impl Indexer for Remembering {
    fn prepare(&self, _: &rusqlite::Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    fn index(&self, _: &rusqlite::Transaction<'_>, item: &super::store::Indexed<'_>) -> rusqlite::Result<()> {
        self.0.lock().unwrap().insert(item.id, item.record.text.clone().unwrap_or_default());
        Ok(())
    }

    fn remove(&self, _: &rusqlite::Transaction<'_>, id: i64) -> rusqlite::Result<()> {
        self.0.lock().unwrap().remove(&id);
        Ok(())
    }

    fn clear(&self, _: &rusqlite::Transaction<'_>) -> rusqlite::Result<()> {
        self.0.lock().unwrap().clear();
        Ok(())
    }

    fn scrub(&self, _: &rusqlite::Connection) -> rusqlite::Result<()> {
        Ok(())
    }
}
