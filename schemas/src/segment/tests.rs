mod credential;
mod reservation;

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tlog::SigningKey;
use uuid::Uuid;
use warc::RecordType;

use super::*;
use crate::{
    capture::{Commit, End, Exchange, Failed, Header, Lane, Line, Reader, RecordLine, Run, Target, UnreadableLine},
    coverage::{Coverage, CoverageState},
    digest::{Digest, Salt},
    gate::{Decision, DecisionCode, GateAsk, Origin},
    manifest::CheckpointRef,
    permission::Method,
    record::{Kind, Record},
    reservation::{Reservation, ReservationOutcome, ReservationRule},
};

struct Counted(u64);

impl Ids for Counted {
    fn salt(&mut self) -> Salt {
        self.0 += 1;
        Digest::of(&self.0.to_be_bytes())
    }

    fn uuid(&mut self) -> Uuid {
        self.0 += 1;
        uuid::Builder::from_random_bytes(u128::from(self.0).to_be_bytes()).into_uuid()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed("agent-1", &[7; 32]).unwrap()
}

pub(super) fn ask() -> GateAsk {
    GateAsk {
        entry: "harbour-news".into(),
        collector: "feed".into(),
        method: Method::Get,
        url: "https://news.example.org/news.atom".into(),
        headers: vec![],
        origin: Origin::Plan,
        at: at(1),
        spent_today: 0,
        resolved: None,
        connected: None,
        slot: None,
    }
}

fn decision() -> Decision {
    Decision {
        permitted: true,
        code: DecisionCode::Permitted,
        because: "permitted, because this is a test".into(),
        entry: None,
        url: None,
        robots: None,
    }
}

fn exchanged(response: String, target: Digest) -> Exchange {
    Exchange {
        v: 1,
        response,
        step: Value::Null,
        target,
        attempt: 1,
        ask: ask(),
        decision: decision(),
        robots: None,
        reservation: None,
        conditions: vec![],
        struck: vec![],
        part: 0,
        last: true,
        truncated: None,
        peer: None,
        certificate: None,
        took_ms: 3,
        read: true,
    }
}

fn reserved(location: &str) -> Reservation {
    let rule = ReservationRule { location: location.to_owned(), reserved: true, policy: None };
    Reservation { said_by: None, fetched_at: at(1), outcome: ReservationOutcome::Unreachable, rule: Some(rule) }
}

fn made(texts: &[&str]) -> (Vec<u8>, Sealed) {
    made_with(texts, |_, _| {})
}

fn made_with(texts: &[&str], more: impl FnOnce(&mut SegmentWriter<Counted>, Digest)) -> (Vec<u8>, Sealed) {
    let target = Target {
        id: "harbour-news".into(),
        entry: "harbour-news".into(),
        url: ask().url,
        recipe: None,
        own_terms: false,
    };
    let reader = Reader { name: "feed".into(), version: "0.1.0".into(), program: Digest([1; 32]) };
    let start = Start {
        software: "vigie-feed/0.1.0".into(),
        agent: key().vkey().id_text(),
        seq: 1,
        root: Digest([2; 32]),
        trial: true,
        user_agent: "Vigie/0.1 (+https://unit.example.org)".into(),
        operator: "https://unit.example.org".into(),
        date: at(0),
    };
    let mut writer = SegmentWriter::new(Counted(0));
    let run = Run {
        v: 1,
        id: "harbour-news poll 1".into(),
        policy: Digest([3; 32]),
        policy_issued_at: at(0),
        issue: String::new(),
        root: Digest([2; 32]),
        entry: Digest([4; 32]),
        target: target.clone(),
        lane: Lane::Poll,
        work: json!("poll"),
        cursor: Value::Null,
        now: at(0),
        due: None,
        reader: reader.clone(),
        queries: vec![],
        clock_synchronised: None,
    };
    let response = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\ncanary words";
    let fetch = Fetch {
        id: None,
        url: &ask().url,
        date: at(1),
        request: b"GET /news.atom HTTP/1.1\r\nHost: news.example.org\r\n\r\n",
        response: response.as_slice().into(),
        payload_digest: Digest::of(b"canary words"),
        kind: ResponseKind::Full,
        ip: Some("192.0.2.1".parse().unwrap()),
        truncated: None,
    };
    let id = writer.exchange(fetch, |response| exchanged(response, target.digest())).unwrap();
    let header = Header { v: 1, response: id, captured_at: write::date(at(1)), reader, step: Digest::of(b"null") };
    let mut lines = vec![line_bytes(&Line::Header(header.clone())).unwrap()];
    for (place, text) in texts.iter().enumerate() {
        let mut item = Record::new(Kind::Article, "web", format!("news.example.org|{place}"));
        item.text = Some((*text).to_owned());
        let content = item.content_hash().unwrap();
        let line = RecordLine { place: format!("/entry/{place}"), content, item, dropped: vec![] };
        lines.push(line_bytes(&Line::Record(line)).unwrap());
    }
    let odd = UnreadableLine { place: "/entry/9".into(), why: "no id".into() };
    lines.push(line_bytes(&Line::Unreadable(odd)).unwrap());
    lines.push(line_bytes(&Line::End(Box::default())).unwrap());
    writer.conversion(&header, lines).unwrap();
    writer
        .failed(&Failed {
            v: 1,
            ask: ask(),
            decision: decision(),
            robots: None,
            step: Value::Null,
            attempt: 1,
            error: "no answer".into(),
        })
        .unwrap();
    more(&mut writer, target.digest());
    let coverage = Coverage {
        target: "harbour-news".into(),
        due: None,
        from: at(0),
        to: at(2),
        state: CoverageState::Complete,
        why: None,
        requests: 1,
        refused: 0,
        failed: 1,
        records: texts.len() as u64,
        new: 0,
        unreadable: 1,
        bytes: 12,
        skipped: Vec::new(),
    };
    let commit = Commit {
        v: 1,
        run: run.id.clone(),
        cursor: Value::Null,
        frontier: 0,
        shelf: 0,
        dropped: Default::default(),
        complete: true,
        coverage,
    };
    let checkpoint = CheckpointRef { size: 0, root: tlog::EMPTY_ROOT };
    let closing = Closing {
        start: &start,
        run: &run,
        commit: &commit,
        whole: None,
        key: &key(),
        prev: None,
        checkpoint,
        closed_at: at(3),
    };
    writer.close(Vec::new(), &closing).unwrap()
}

#[test]
fn what_was_written_reads_back_and_verifies() {
    let (file, sealed) = made(&["Bonjour", "Второй"]);
    let segment = Segment::read(&file).unwrap();
    segment.verify(&key().vkey()).unwrap();
    assert_eq!(segment.digest, sealed.digest);
    let view = segment.view().unwrap();
    assert_eq!(view.captures.len(), 2);
    let capture = &view.captures[0];
    assert_eq!(capture.conversion.unwrap().lines.len(), 5);
    assert_eq!(capture.units().len(), 3 + 5);
    assert_eq!(view.commit.as_ref().unwrap().1.coverage.records, 2);
    for (number, commitment) in segment.commitments.iter().enumerate() {
        let proof = segment.unit_proof(number as u64).unwrap();
        let leaf = tlog::leaf_hash(&commitment.0);
        let root = tlog::Hash(segment.manifest.root.0);
        tlog::verify_inclusion(number as u64, segment.manifest.units, &leaf, &proof, &root).unwrap();
    }
}

#[test]
fn equal_inputs_give_equal_bytes() {
    assert_eq!(made(&["Bonjour"]).0, made(&["Bonjour"]).0);
}

#[test]
fn another_agents_key_does_not_verify() {
    let segment = Segment::read(&made(&["Bonjour"]).0).unwrap();
    let other = SigningKey::from_seed("agent-1", &[8; 32]).unwrap();
    assert!(segment.verify(&other.vkey()).is_err());
}

#[test]
fn an_erased_unit_is_gone_and_the_others_still_open() {
    let (file, _) = made(&["Bonjour", "Второй", "第三例"]);
    let before = Segment::read(&file).unwrap();
    let all = before.manifest.units;
    for unit in 0..all {
        let erased = erase(&file, &BTreeSet::from([unit]), 17).unwrap();
        let after = Segment::read(&erased).unwrap();
        assert_eq!(after.digest, before.digest);
        assert_eq!(after.commitments, before.commitments);
        assert_eq!(tombstoned_units(&after), [(unit, 17)]);
        after.view().unwrap();
        let again = erase(&erased, &BTreeSet::from([unit]), 99).unwrap();
        assert_eq!(again, erased, "erasing twice keeps the first tombstone");
    }
    let everything = erase(&file, &(0..all).collect(), 17).unwrap();
    assert_eq!(tombstoned_units(&Segment::read(&everything).unwrap()).len() as u64, all);
    let plain: Vec<u8> =
        warc::Reader::strict(&*everything).any_encoder().flat_map(|entry| entry.unwrap().raw).collect();
    for word in ["canary", "Bonjour", "news.example.org"] {
        assert!(!String::from_utf8_lossy(&plain).contains(word), "{word} is still there");
    }
}

/// A member of this content, stored; before it a block of codes that ends at once and names 287 codes of letters and lengths, where DEFLATE has 286.
fn with_a_code_too_many(raw: &[u8]) -> Vec<u8> {
    let mut bits = Vec::new();
    let mut put = |number: u16, width: u32| bits.extend((0..width).map(|place| number >> place & 1 == 1));
    for (number, width) in [(0, 1), (2, 2), (287 - 257, 5), (0, 5), (18 - 4, 4)] {
        put(number, width);
    }
    // Lengths of the codes for 16, 17, 18, 0, 8 and so on; used are 18 (so many zeros) and 1.
    (0..18).for_each(|place| put(u16::from(place == 2 || place == 17), 3));
    for (number, width) in [(1, 1), (138 - 11, 7), (1, 1), (118 - 11, 7), (0, 1), (1, 1), (31 - 11, 7), (0, 1), (1, 3)]
    {
        put(number, width);
    }
    let packed = warc::gzip_member(raw, 1);
    let mut member = packed[..10].to_vec();
    for eight in bits.chunks(8) {
        member.push(eight.iter().enumerate().map(|(place, &bit)| u8::from(bit) << place).sum());
    }
    let length = u16::try_from(raw.len()).unwrap();
    member.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    [&member, raw, &packed[packed.len() - 8..]].concat()
}

#[test]
fn what_no_other_tool_could_unpack_is_no_segment() {
    let (file, _) = made(&["Bonjour"]);
    let entries: Vec<_> = warc::Reader::strict(&*file).collect::<Result<_, _>>().unwrap();
    for entry in entries {
        let (from, to) = (entry.offset as usize, (entry.offset + entry.length) as usize);
        let file = [&file[..from], &with_a_code_too_many(&entry.raw), &file[to..]].concat();
        assert!(Segment::read(&file).is_err(), "the member at byte {from}");
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_changes_nothing() {
    let (file, _) = made(&["Bonjour", "Второй"]);
    let whole = Segment::read(&file).unwrap();
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        if let Ok(mut other) = Segment::read(&flipped)
            && other.verify(&key().vkey()).is_ok()
        {
            // Only how tightly a member is packed may differ.
            other.parts.iter_mut().zip(&whole.parts).for_each(|(other, whole)| match (other, whole) {
                (Part::Record(other), Part::Record(whole)) => {
                    (other.offset, other.length) = (whole.offset, whole.length)
                }
                (Part::Conversion(other), Part::Conversion(whole)) => {
                    (other.offset, other.length) = (whole.offset, whole.length);
                }
                _ => {}
            });
            assert_eq!(other, whole, "byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn salt_goes_in_and_comes_out(text in ".{0,40}", seed in any::<u64>()) {
        let salt = Digest::of(&seed.to_be_bytes());
        for line in [
            Line::Unreadable(UnreadableLine { place: text.clone(), why: text.clone() }),
            Line::End(Box::new(End { cut: Some(text.clone()), ..End::default() })),
        ] {
            let said = line_bytes(&line).unwrap();
            let stored = salted(&said, &salt);
            prop_assert_eq!(&crate::canonical::to_canonical(&serde_json::from_slice(&stored).unwrap()).unwrap(), &stored);
            prop_assert_eq!(unsalted(&stored), Some((said, salt)));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Segment::read(&bytes);
        let _ = Segment::read(&warc::gzip_member(&bytes, 1));
        let _ = unsalted(&bytes);
    }
}

/// Stands in for age: a header to two recipients, and the bytes with every bit turned.
struct Turned;

const TURNED: &[u8] = b"age-encryption.org/v1
-> X25519 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-> X25519 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB
--- ccccccccccccccccccccccccccccccccccccccccccc
";

impl Seal for Turned {
    fn seal(&self, plain: &[u8]) -> std::io::Result<Vec<u8>> {
        Ok(TURNED.iter().copied().chain(plain.iter().map(|byte| !byte)).collect())
    }
}

impl Open for Turned {
    fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let turned = sealed.strip_prefix(TURNED).ok_or_else(|| "another age file".to_owned())?;
        Ok(turned.iter().map(|byte| !byte).collect())
    }
}

struct Refuses;

impl Open for Refuses {
    fn open(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("not yours".to_owned())
    }
}

fn sealing() -> (crate::permission::Entry, crate::trust::TrustRoot, crate::pseudonym::PseudonymKey) {
    let entry = json!({
        "id": "harbour-news", "collector": "feed", "seeds": ["https://news.example.org/news.atom"],
        "match": [{ "host": "news.example.org" }], "authors": "pseudonym", "evidence": "sealed",
        "purpose": "a", "program": "a", "question": "a", "pia": "none: a test", "requested_by": "ana",
        "legal_basis": { "code": "trial", "reason": "a" }, "schedule": "every 15m", "zone": "UTC", "daily": 1,
        "retain_days": 1, "tlp": "clear", "domestic": "allow: a", "expires_on": "2027-06-30"
    });
    let mut root = crate::trust::TrustRoot::from_toml(include_str!("../../trust.example.toml"), "trust.toml").unwrap();
    root.evidence_recipients =
        ["eva", "noor"].map(|name| crate::trust::Recipient { name: name.to_owned(), age: String::new() }).into();
    let key = crate::pseudonym::PseudonymKey::new("harbour", [9; 32]).unwrap();
    (serde_json::from_value(entry).unwrap(), root, key)
}

/// The first capture of what `made` writes, sealed, and its response in clear.
fn made_sealed() -> (Vec<u8>, Vec<u8>) {
    let (entry, _, pseudonyms) = sealing();
    let (file, _) = made(&["by @canary"]);
    let open = Segment::read(&file).unwrap();
    let view = open.view().unwrap();
    let (_, run) = view.run.clone().unwrap();
    let (_, mut commit) = view.commit.clone().unwrap();
    let start = Start {
        software: "vigie-feed/0.1.0".into(),
        agent: key().vkey().id_text(),
        seq: 1,
        root: Digest([2; 32]),
        trial: true,
        user_agent: "Vigie/0.1 (+https://unit.example.org)".into(),
        operator: "https://unit.example.org".into(),
        date: at(0),
    };
    let mut writer = SegmentWriter::new(Counted(0));
    let bare = Run { work: Value::Null, cursor: Value::Null, ..run.clone() };
    let capture = &view.captures[0];
    let CaptureKind::Exchange(exchange) = &capture.kind else { panic!("the first capture is a fetch") };
    let response = capture.response.unwrap().record.block.clone();
    let fetch = Fetch {
        id: None,
        url: &ask().url,
        date: at(1),
        request: &capture.request.unwrap().record.block,
        response: response.clone(),
        payload_digest: Digest::of(b"canary words"),
        kind: ResponseKind::Full,
        ip: Some("192.0.2.1".parse().unwrap()),
        truncated: None,
    };
    let said: Vec<Vec<u8>> = capture.conversion.unwrap().lines.iter().map(|line| line.said.clone()).collect();
    let reservation = Some(reserved("/canary/"));
    let full = |response| Exchange { response, step: json!("canary step"), reservation, ..(**exchange).clone() };
    let id = writer.sealed_exchange(fetch, full, said.last().map(Vec::as_slice), &Turned).unwrap();
    let mut keyed = keyed_lines(&said, &entry, Some(&pseudonyms)).unwrap();
    let Line::Header(header) = crate::canonical::from_canonical(&keyed[0]).unwrap() else {
        panic!("a header is first")
    };
    let header = Header { response: id, ..header };
    keyed[0] = line_bytes(&Line::Header(header.clone())).unwrap();
    writer.conversion(&header, keyed).unwrap();
    let whole = commit.clone();
    commit.coverage = sealed_coverage(&commit.coverage);
    let checkpoint = CheckpointRef { size: 0, root: tlog::EMPTY_ROOT };
    let closing = Closing {
        start: &start,
        run: &bare,
        commit: &commit,
        whole: Some((&run, &whole, &Turned)),
        key: &key(),
        prev: None,
        checkpoint,
        closed_at: at(3),
    };
    let (file, _) = writer.close(Vec::new(), &closing).unwrap();
    (file, response.to_vec())
}

#[test]
fn what_is_sealed_reads_back_without_a_word_of_it_and_opens_whole() {
    let (file, response) = made_sealed();
    let segment = Segment::read(&file).unwrap();
    let raw: Vec<u8> = warc::Reader::lenient(file.as_slice()).flatten().flat_map(|entry| entry.raw).collect();
    assert!(!raw.windows(6).any(|part| part == b"canary"));
    let view = segment.view().unwrap();
    let (entry, root, _) = sealing();
    assert_eq!(breaches(&entry, &root, &view, true), []);
    assert!(view.sealed_frame.is_some());
    let opened = Opened::of(&segment, &Turned).unwrap();
    assert_eq!(opened.differs, []);
    assert_eq!(opened.run.as_ref().unwrap().work, json!("poll"));
    assert_eq!(opened.said.len(), 1);
    let inside = opened.segment.view().unwrap();
    assert_eq!(inside.captures[0].response.unwrap().record.block, response);
    let CaptureKind::Exchange(exchange) = &inside.captures[0].kind else { panic!("a fetch") };
    assert_eq!((&exchange.step, &exchange.reservation), (&json!("canary step"), &Some(reserved("/canary/"))));
    assert_eq!(Opened::of(&segment, &Refuses).unwrap_err(), "unit 2 stays shut: not yours");
}

#[test]
fn what_only_looks_sealed_has_no_recipients() {
    let sealed = Turned.seal(b"canary words that are long enough to be a block").unwrap();
    assert_eq!(sealed::recipients(&sealed), Some(2));
    let grease = [b"age-encryption.org/v1\n-> x-grease a\n\n", &sealed[22..]].concat();
    assert_eq!(sealed::recipients(&grease), Some(2), "stanzas of other kinds are allowed");
    let header = std::str::from_utf8(TURNED).unwrap();
    let clear = "canary words in clear, behind a header that is right";
    for no_age_file in [
        format!("{header}{clear}"),
        header.replace("\n-> X25519 b", "\ncanary words in clear\n-> X25519 b"),
        header.replace("-> X25519 b", "-> X25519 canary b"),
        header.replace("BBB\n", "BBB\ncanary words\n"),
        header.replace("--- c", "--- canary c"),
    ] {
        let bytes =
            [no_age_file.as_bytes(), if no_age_file.ends_with(clear) { b"" } else { &sealed[TURNED.len()..] }].concat();
        assert_eq!(sealed::recipients(&bytes), None, "{no_age_file}");
    }
}

fn view_with_gone(segment: &Segment) -> Segment {
    let mut changed = segment.clone();
    for part in &mut changed.parts {
        if let Part::Conversion(conversion) = part {
            let what = crate::capture::What::Record { platform: "web".into(), id: "https://a.example/@alice/1".into() };
            let line = Line::Gone(crate::capture::GoneLine { place: "line 1".into(), what, why: SEALED_WHY.into() });
            let first = conversion.lines[0].clone();
            conversion.lines.insert(1, LineAt { line, ..first });
        }
    }
    changed
}

#[test]
fn whatever_stands_in_clear_that_should_be_sealed_is_named() {
    let (entry, root, _) = sealing();
    let (file, _) = made_sealed();
    let segment = Segment::read(&file).unwrap();
    let fresh = || segment.view().unwrap();
    fn exchange(view: &mut View<'_>, change: fn(&mut Exchange)) {
        if let CaptureKind::Exchange(exchange) = &mut view.captures[0].kind {
            change(exchange);
        }
    }
    fn vanished(view: &mut View<'_>, scope: &str, id: &str) {
        let said = crate::capture::Vanished {
            v: 1,
            response: "urn:uuid:1".into(),
            before: "urn:uuid:2".into(),
            before_at: "2026-11-21T10:05:00Z".into(),
            stood_at: "2026-11-20T10:05:00Z".into(),
            scope: scope.into(),
            platform: "web".into(),
            id: id.into(),
        };
        view.vanished.push((9, said));
    }
    let keyed = format!("px{}", "0".repeat(32));
    let mut told = fresh();
    vanished(&mut told, SEALED_WHY, &keyed);
    assert_eq!(breaches(&entry, &root, &told, true), []);
    let changes: [fn(&mut View<'_>); 11] = [
        |view| vanished(view, SEALED_WHY, "https://a.example/@alice/1"),
        |view| vanished(view, "posts of alice", &format!("px{}", "0".repeat(32))),
        |view| view.run.as_mut().unwrap().1.work = json!("poll"),
        |view| view.run.as_mut().unwrap().1.cursor = json!("alice"),
        |view| view.commit.as_mut().unwrap().1.cursor = json!("alice"),
        |view| view.commit.as_mut().unwrap().1.coverage.why = Some("alice was rude".to_owned()),
        |view| view.sealed_frame = None,
        |view| exchange(view, |it| it.step = json!("alice")),
        |view| exchange(view, |it| it.reservation = Some(reserved("/alice/"))),
        |view| {
            exchange(view, |it| it.conditions.push(crate::capture::Condition { name: "a".into(), verdict: "b".into() }))
        },
        |view| exchange(view, |it| it.ask.url = "https://news.example.org/@alice".into()),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut view = fresh();
        change(&mut view);
        assert!(!breaches(&entry, &root, &view, true).is_empty(), "{number}");
    }
    let mut gone = view_with_gone(&segment);
    assert!(!breaches(&entry, &root, &gone.view().unwrap(), true).is_empty(), "the id of what is gone stands in clear");
    for part in &mut gone.parts {
        if let Part::Conversion(conversion) = part {
            conversion.lines.retain(|at| !matches!(at.line, Line::Gone(_)));
        }
    }
    assert_eq!(breaches(&entry, &root, &gone.view().unwrap(), true), []);
    for (name, value) in [
        ("X-Poster", "alice"),
        ("WARC-Truncated", "alice"),
        ("WARC-Refers-To-Target-URI", "https://news.example.org/@alice"),
    ] {
        let mut told = segment.clone();
        for part in &mut told.parts {
            if let Part::Record(at) = part
                && at.record.kind() == RecordType::Response
            {
                at.record.fields.push((name.to_owned(), value.to_owned()));
            }
        }
        assert!(!breaches(&entry, &root, &told.view().unwrap(), true).is_empty(), "{name}");
    }
    let mut three = root.clone();
    three.evidence_recipients.push(root.evidence_recipients[0].clone());
    assert!(!breaches(&entry, &three, &fresh(), true).is_empty(), "sealed to fewer than the root names");
    let open = crate::permission::Entry { evidence: crate::permission::Evidence::Open, ..entry.clone() };
    assert_eq!(breaches(&open, &root, &fresh(), true).len(), 3, "sealed although it should be open");
    let (clear, _) = made(&["by @canary"]);
    let clear = Segment::read(&clear).unwrap();
    let found = breaches(&entry, &root, &clear.view().unwrap(), true);
    for what in [
        "work and cursor",
        "a request or answer",
        "a record in clear",
        "why an item was set aside",
        "what a reading asked for",
        "reason of a request",
    ] {
        assert!(found.iter().any(|found| found.what.contains(what)), "{what}: {found:?}");
    }
}
