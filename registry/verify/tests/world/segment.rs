//! A segment as an agent would write it, and what a test changes in it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{
    Digest, Salt, canonical,
    capture::{Commit, End, Exchange, Header, Lane, Line, Reader, RecordLine, Refused, Run, Target, Vanished},
    coverage::{Coverage, CoverageState},
    gate::{self, Decision, GateAsk, Origin, RobotsCopy},
    manifest::CheckpointRef,
    permission::Method,
    policy::sign_issue,
    record::{Kind, Record},
    robots::RobotsOutcome,
    segment::{Closing, Fetch, Ids, ResponseKind, SegmentWriter, Start, line_bytes},
};

use super::{
    World,
    keys::{at, id, key},
};

/// The instant all captures happen at unless a test says otherwise.
const CAPTURED: &str = "2026-11-21T10:05:00Z";
pub const ROBOTS: &str = "User-agent: *\nDisallow: /private/\nAllow: /\n";

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
    /// Which scope its reading is all of.
    pub scope: Option<&'static str>,
    /// What vanished by it: number of the item, and of the answers (from 0, over all segments) that first lacked it and last held it.
    pub vanished: Vec<(usize, usize, usize)>,
    /// Puts the last of these where no reading stands before it.
    pub stray: bool,
    /// Gives its records the ids of the segment before it.
    pub ids_again: bool,
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
            scope: None,
            vanished: vec![],
            stray: false,
            ids_again: false,
        }
    }
}

impl World {
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
        let mut writer = SegmentWriter::new(Counted((self.salts - u64::from(plan.ids_again)) << 32));
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
            response: response.into(),
            payload_digest: Digest::of(body.as_bytes()),
            kind: ResponseKind::Full,
            ip: ask.connected,
            truncated: None,
        };
        let certificate = (!self.root.trial).then(|| Digest::of(b"a certificate"));
        let response = writer
            .exchange(fetch, |response| Exchange {
                v: 1,
                response,
                step: serde_json::Value::Null,
                target: target.digest(),
                attempt: 1,
                ask: ask.clone(),
                decision: decision.clone(),
                robots: Some(robots.clone()),
                reservation: None,
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
        self.answers.push((response.clone(), plan.captured.to_owned()));
        let header = Header {
            v: 1,
            response: response.clone(),
            captured_at: plan.captured.into(),
            reader,
            step: Digest::of(b"null"),
        };
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
        let end = End {
            counts: [plan.texts.len() as u64, 0, 0],
            items: Some(Digest::of(&items)),
            snapshot: plan.scope.map(str::to_owned),
            ..End::default()
        };
        lines.push(line_bytes(&Line::End(Box::new(end))).unwrap());
        writer.conversion(&header, lines).unwrap();
        for (number, (item, before, stood)) in plan.vanished.iter().enumerate() {
            if plan.stray && number + 1 == plan.vanished.len() {
                let other = RobotsCopy { authority: "https://other.example.org:443".into(), ..copy.clone() };
                writer.robots(&other).unwrap();
            }
            let said = Vanished {
                v: 1,
                response: response.clone(),
                before: self.answers[*before].0.clone(),
                before_at: self.answers[*before].1.clone(),
                stood_at: self.answers[*stood].1.clone(),
                scope: "list".into(),
                platform: "web".into(),
                id: format!("news.example.org|{item}"),
            };
            writer.vanished(&said, now).unwrap();
        }
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
}
