//! An invented policy, a network that answers from a table, and a clock that is set.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use schemas::{
    Digest,
    capture::{Reader, Target},
    coverage::Coverage,
    gate::{Decision, DecisionCode, GateAsk},
    permission::{Allowlist, Entry, Method as EntryMethod},
    policy::{Policy, open_statement, sign_issue, sign_statement},
    segment::{ResponseKind, Segment},
    statement::{PolicyBundle, PolicyIssue, PolicyIssueKind, Statement},
    trust::{Needs, Person, Role, TrustRoot},
};
use tlog::SigningKey;
use tokio_util::sync::CancellationToken;

use crate::{
    body::{Body, Spool},
    contract::{Collector, Scope, Work},
    engine::{
        Answered, Clock, Engine, Fetched, Hop, HopResult, Identity, Judged, Network, Open, Order, Outcome, Pending,
        Piece, RunFacts, Wanted,
    },
    outbox::Outbox,
    state::State,
};

pub const START: &str = "2026-11-22T10:00:00Z";

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &Digest::of(name.as_bytes()).0).unwrap()
}

pub fn entry(collector: &str) -> Entry {
    let text = format!(
        r#"{{"id":"harbour-news","collector":"{collector}","seeds":["https://news.example.org/list"],"match":[{{"host":"news.example.org"}}],
        "purpose":"Notice reports early","program":"Harbour desk","legal_basis":{{"code":"no-personal-information","reason":"official notices only"}},
        "question":"What is announced?","pia":"none: no personal information","requested_by":"{}","schedule":"every 15m","zone":"UTC",
        "daily":100,"retain_days":30,"tlp":"clear","domestic":"allow: official notices","expires_on":"2027-06-30"}}"#,
        key("ana").vkey().id_text()
    );
    serde_json::from_str(&text).unwrap()
}

/// The policy, and its issue as the log signed it.
pub fn policy(entry: &Entry) -> (Policy, PolicyBundle, TrustRoot) {
    let origin = "vigie.example.org/log";
    let person = |name: &str, roles: &[Role]| Person { key: key(name).vkey().to_string(), roles: roles.to_vec() };
    let root = TrustRoot {
        format: 1,
        version: 1,
        origin: origin.to_owned(),
        trial: false,
        log_key: key(origin).vkey().to_string(),
        contact: Some("https://vigie.example.org/contact".to_owned()),
        previous: None,
        needs: Needs::default(),
        people: vec![
            person("ana", &[Role::Requester]),
            person("bob", &[Role::Approver, Role::Rooter, Role::Enroller, Role::Eraser]),
            person("cleo", &[Role::Approver, Role::Rooter, Role::Eraser]),
        ],
        evidence_recipients: Vec::new(),
        witnesses: Vec::new(),
    };
    let made_at: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let salt = Digest([3; 32]);
    let allowlist = Allowlist { format: 1, max_policy_age_hours: 24, entries: vec![entry.clone()] };
    let permission = Statement::Permission { v: 1, allowlist, recipes: BTreeMap::new(), made_at, salt };
    let approval = Statement::Approval {
        v: 1,
        entries: [(entry.id.clone(), entry.digest())].into(),
        until: "2027-06-30".to_owned(),
        made_at,
        salt,
    };
    let signed = |statement: &Statement, by: &[&str]| {
        let keys: Vec<SigningKey> = by.iter().map(|name| key(name)).collect();
        sign_statement(statement, &keys.iter().collect::<Vec<_>>()).unwrap()
    };
    let (permission, approval) = (signed(&permission, &["ana"]), signed(&approval, &["bob"]));
    let issue = PolicyIssue {
        kind: PolicyIssueKind::PolicyIssue,
        v: 1,
        issued_at: "2026-11-22T09:00:00Z".parse().unwrap(),
        root: root.digest(),
        permission: open_statement(&permission).unwrap().digest,
        approvals: vec![open_statement(&approval).unwrap().digest],
        log_size: 3,
    };
    let bundle = PolicyBundle {
        v: 1,
        roots: vec![signed(&Statement::Root { v: 1, root: root.clone(), salt }, &["bob", "cleo"])],
        permission,
        approvals: vec![approval],
        issue: sign_issue(&issue, &key(origin)).unwrap(),
    };
    (Policy::open(&bundle, &root).unwrap(), bundle, root)
}

/// A clock that stands until somebody sleeps.
pub struct SetClock(pub Mutex<Timestamp>);

impl SetClock {
    pub fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(text.parse().unwrap())))
    }

    pub fn pass(&self, secs: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(secs)).unwrap();
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, pause: Duration) -> Pending<'_, ()> {
        self.pass(i64::try_from(pause.as_secs()).unwrap() + 1);
        Box::pin(std::future::ready(()))
    }
}

/// What the invented source says.
#[derive(Clone, Debug)]
pub enum Reply {
    Json(String),
    /// A 403 that goes to the collector.
    Refusal(&'static str),
    /// With an `ETag`; the same tag sent back is answered by 304.
    Tagged(String, &'static str),
    Refused,
    Budget,
    Limited(i64),
    Blocked,
    Failed,
}

type Source = dyn Fn(&str) -> Reply + Send + Sync;

pub struct FakeNet {
    pub source: Mutex<Arc<Source>>,
    pub asked: Mutex<Vec<String>>,
    pub rests: Mutex<Vec<Timestamp>>,
    clock: Arc<SetClock>,
}

impl FakeNet {
    pub fn answers(&self, source: impl Fn(&str) -> Reply + Send + Sync + 'static) {
        *self.source.lock().unwrap() = Arc::new(source);
    }

    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn judged(&self, wanted: &Wanted<'_>, permitted: bool) -> Judged {
        let ask = GateAsk {
            entry: wanted.run.entry.clone(),
            collector: wanted.run.collector.clone(),
            method: EntryMethod::Get,
            url: wanted.request.url.clone(),
            headers: Vec::new(),
            origin: wanted.origin.clone(),
            at: self.clock.now(),
            spent_today: 0,
            resolved: None,
            connected: None,
            slot: None,
        };
        let decision = Decision {
            permitted,
            code: if permitted { DecisionCode::Permitted } else { DecisionCode::NoMatch },
            because: "invented".to_owned(),
            entry: Some(wanted.run.entry_digest),
            url: Some(wanted.request.url.clone()),
            robots: None,
        };
        Judged { ask, decision, robots: None, attempt: wanted.attempt }
    }

    fn fetched(&self, wanted: &Wanted<'_>, status: u16, headers: &str, body: &str, kind: ResponseKind) -> Fetched {
        Fetched {
            payload_digest: None,
            id: uuid::Uuid::new_v4().urn().to_string(),
            judged: self.judged(wanted, true),
            url: wanted.request.url.clone(),
            at: self.clock.now(),
            status,
            request: b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            response: format!("HTTP/1.1 {status} X\r\n{headers}\r\n{body}").into_bytes().into(),
            payload_len: body.len(),
            kind,
            struck: Vec::new(),
            truncated: None,
            peer: None,
            certificate: None,
            took_ms: 1,
            conditions: Vec::new(),
            reservation: None,
            part: crate::contract::Part::WHOLE,
        }
    }

    fn answered(&self, wanted: &Wanted<'_>, text: &str) -> Outcome {
        self.tagged(wanted, 200, text, None)
    }

    fn tagged(&self, wanted: &Wanted<'_>, status: u16, text: &str, tag: Option<&str>) -> Outcome {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(tag.map(|tag| ("etag".to_owned(), tag.to_owned())));
        let head: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let fetched = self.fetched(wanted, status, &head, text, ResponseKind::Full);
        let answered = Answered {
            hop: 0,
            body: Body::new(Spool::of(text.as_bytes().to_vec()), &headers, false),
            status,
            headers,
            url: wanted.request.url.parse().unwrap(),
            turn: None,
        };
        Outcome { trail: vec![Hop::Fetched(Box::new(fetched))], result: HopResult::Answer(Box::new(answered)) }
    }

    fn reply(&self, wanted: &Wanted<'_>) -> Outcome {
        let url = wanted.request.url.clone();
        self.asked.lock().unwrap().push(url.clone());
        let source = Arc::clone(&self.source.lock().unwrap());
        let refused = |code| {
            let because = "refused, because it was invented so".to_owned();
            Outcome {
                trail: vec![Hop::Refused(self.judged(wanted, false))],
                result: HopResult::Refused { code, because },
            }
        };
        match source(&url) {
            Reply::Json(text) => self.answered(wanted, &text),
            Reply::Refusal(text) => self.tagged(wanted, 403, text, None),
            Reply::Tagged(_, tag) if wanted.validators.is_some_and(|known| known.etag.as_deref() == Some(tag)) => {
                let kind = ResponseKind::NotModified { refers_to: wanted.validators.map(|known| known.of.clone()) };
                let fetched = self.fetched(wanted, 304, "", "", kind);
                Outcome { trail: vec![Hop::Fetched(Box::new(fetched))], result: HopResult::NotModified }
            }
            Reply::Tagged(text, tag) => self.tagged(wanted, 200, &text, Some(tag)),
            Reply::Refused => refused(DecisionCode::NoMatch),
            Reply::Budget => refused(DecisionCode::Budget),
            Reply::Limited(secs) => Outcome {
                trail: Vec::new(),
                result: HopResult::RateLimited {
                    until: self.clock.now().checked_add(SignedDuration::from_secs(secs)).unwrap(),
                    scope: "host".to_owned(),
                },
            },
            Reply::Blocked => Outcome {
                trail: vec![Hop::Fetched(Box::new(self.fetched(wanted, 403, "", "", ResponseKind::Full)))],
                result: HopResult::Blocked { what: "403 Forbidden".to_owned() },
            },
            Reply::Failed => Outcome {
                trail: vec![Hop::Failed { judged: self.judged(wanted, true), error: "no route".to_owned() }],
                result: HopResult::Failed { error: "no route".to_owned(), retry_after: None },
            },
        }
    }
}

impl Network for FakeNet {
    fn exchange<'a>(&'a self, wanted: Wanted<'a>) -> Pending<'a, Outcome> {
        Box::pin(async move { self.reply(&wanted) })
    }

    fn piece<'a>(&'a self, _: Wanted<'a>, _: &'a mut Open, _: Pending<'a, ()>) -> Pending<'a, Piece> {
        unreachable!("no reply opens a connection")
    }

    fn preview(&self, wanted: Wanted<'_>) -> Decision {
        self.judged(&wanted, true).decision
    }

    fn rest(&self, _: &RunFacts, _: &str, _: &Scope, until: Timestamp) {
        self.rests.lock().unwrap().push(until);
    }

    fn stored(&self, _: &[String]) {}

    fn spent(&self, _: &RunFacts, _: &str, _: u64) {}
}

/// An agent in a folder.
pub struct World {
    pub engine: Arc<Engine>,
    pub net: Arc<FakeNet>,
    pub clock: Arc<SetClock>,
    order: Order,
    pub public: tlog::VerifierKey,
}

impl World {
    pub fn open(dir: &Path, collector: impl Collector, now: &str, exchanges: usize) -> Self {
        let entry = entry(crate::contract::Erased::name(&collector));
        let (policy, bundle, _) = policy(&entry);
        let clock = SetClock::at(now);
        let net = Arc::new(FakeNet {
            source: Mutex::new(Arc::new(|_: &str| Reply::Failed)),
            asked: Mutex::default(),
            rests: Mutex::default(),
            clock: Arc::clone(&clock),
        });
        let state = Arc::new(State::open(dir).unwrap());
        let outbox = Outbox::open(dir).unwrap();
        outbox.tidy(&state).unwrap();
        let name = crate::contract::Erased::name(&collector).to_owned();
        let key = Arc::new(key("harbour"));
        let public = key.vkey();
        let identity = Identity {
            key,
            software: "vigie-test/0".to_owned(),
            user_agent: "vigie-test".to_owned(),
            reader: Reader { name: name.clone(), version: "0".to_owned(), program: Digest([9; 32]) },
        };
        let mut engine = Engine::new(Arc::new(collector), net.clone(), state, outbox, clock.clone(), identity);
        engine.bounds.segment_exchanges = exchanges;
        engine.bounds.min_free_bytes = 0;
        let facts = RunFacts {
            entry: entry.id.clone(),
            entry_digest: entry.digest(),
            policy: Arc::new(policy),
            target: Target {
                id: entry.id.clone(),
                entry: entry.id,
                url: entry.seeds[0].clone(),
                recipe: None,
                own_terms: false,
            },
            collector: name,
            queries: Vec::new(),
            slots: Vec::new(),
            reservations: false,
        };
        let order = Order {
            facts,
            issue: bundle.issue,
            work: Work::Poll,
            due: None,
            clock_synchronised: None,
            stop: CancellationToken::new(),
        };
        Self { engine: Arc::new(engine), net, clock, order, public }
    }

    pub async fn poll(&self) -> Coverage {
        self.engine.run(self.order.clone()).await.unwrap().unwrap().coverage
    }

    pub async fn poll_and_items(&self) -> Vec<Coverage> {
        let reports = self.engine.run_target(self.order.clone()).await.unwrap();
        reports.into_iter().map(|report| report.coverage).collect()
    }

    pub fn order(&self) -> Order {
        self.order.clone()
    }

    pub fn cursor(&self) -> Option<serde_json::Value> {
        self.engine.state.cursor("harbour-news", schemas::capture::Lane::Poll).unwrap()
    }

    /// Every named segment, read, verified, and in one unbroken chain.
    pub fn segments(&self) -> Vec<Segment> {
        let mut prev = None;
        let mut found = Vec::new();
        for (at, waiting) in self.engine.state.waiting().unwrap().into_iter().enumerate() {
            let file = std::fs::read(self.engine.outbox.path(&waiting.file)).unwrap();
            let segment = Segment::read(&file).unwrap();
            segment.verify(&self.public).unwrap();
            segment.view().unwrap();
            assert_eq!((segment.manifest.seq, segment.manifest.prev), (at as u64 + 1, prev), "the chain has no hole");
            assert_eq!(segment.digest, waiting.manifest);
            prev = Some(segment.digest);
            found.push(segment);
        }
        found
    }
}
