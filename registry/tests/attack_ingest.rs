//! An agent's operator who holds an enrolled key signs segments that contradict themselves. None of it may be kept as evidence, and whatever the registry
//! keeps must still be valid to `vigie-verify`: otherwise one bad agent spoils everybody's verdict.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod forge;

use forge::Parts;
use registry::core::{
    Registry,
    testing::{Agent, Made, Page, World, open, receipt_of},
};
use schemas::{
    capture::{Commit, Exchange, Line, Run},
    gate::Origin,
    receipt::Receipt,
};
use tempfile::TempDir;
use verify::{FolderOptions, Outcome, check_folder};

struct Case {
    world: World,
    folder: TempDir,
    registry: Registry,
    agent: Agent,
}

fn case() -> Case {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let agent = world.found(&registry);
    Case { world, folder, registry, agent }
}

impl Case {
    fn sound(&self) -> Made {
        let page = Page::of(&[("1", "Harbour opens"), ("2", "Night ferry")]);
        let mut agent = self.agent.clone();
        agent.seq += 1;
        agent.segment(&self.world, &self.registry, &[page])
    }

    /// How many units are refused of a changed segment; all of them if it is refused whole.
    fn refused(&self, change: impl FnOnce(&mut Parts)) -> Option<u64> {
        let mut parts = forge::open(&self.sound().bytes);
        change(&mut parts);
        let (name, file, _) = parts.seal(&self.agent.key);
        match receipt_of(&self.registry.put_segment(&name, &file, 0).unwrap()) {
            Receipt::Receipt { refused, .. } => Some(refused.iter().map(|[first, last]| last - first + 1).sum()),
            Receipt::RefusalReceipt { .. } => None,
        }
    }

    fn verdict(&self) -> verify::Report {
        let options = FolderOptions { threads: 1, ..FolderOptions::default() };
        check_folder(&self.folder.path().join("data"), &self.world.root(), &options)
    }
}

/// The change must be refused, whole or the capture with all its units; what is left must be valid.
#[track_caller]
fn stopped(change: impl FnOnce(&mut Parts)) {
    let case = case();
    let refused = case.refused(change);
    let verdict = case.verdict();
    assert!(refused.is_none_or(|units| units > 0), "it was taken in; vigie-verify says:\n{verdict}");
    assert!(verdict.verdict.outcome < Outcome::Diverged, "{verdict}");
}

fn ask(parts: &mut Parts, change: impl FnOnce(&mut Exchange)) {
    parts.json::<Exchange>("exchange", change);
}

#[test]
fn a_sound_segment_is_taken_whole() {
    let case = case();
    assert_eq!(case.refused(|_| {}), Some(0));
    let verdict = case.verdict();
    assert_eq!(verdict.verdict.outcome, Outcome::Valid, "{verdict}");
}

#[test]
fn the_request_that_was_sent_is_the_one_decided_about() {
    stopped(|parts| forge::block(parts.request(), b"GET /private/list HTTP/1.1\r\nHost: news.example.org\r\n\r\n"));
    stopped(|parts| forge::block(parts.request(), b"GET /news.atom HTTP/1.1\r\nHost: other.example.net\r\n\r\n"));
    stopped(|parts| forge::block(parts.request(), b"POST /news.atom HTTP/1.1\r\nHost: news.example.org\r\n\r\n"));
    stopped(|parts| {
        forge::block(
            parts.request(),
            b"GET /news.atom HTTP/1.1\r\nHost: news.example.org\r\nHost: other.example.net\r\n\r\n",
        )
    });
    stopped(|parts| {
        forge::block(parts.request(), b"GET /news.atom HTTP/1.1\r\nHost: news.example.org\r\nCookie: session=1\r\n\r\n")
    });
    stopped(|parts| forge::block(parts.request(), b"no request at all\r\n\r\n"));
    stopped(|parts| {
        // The secret that was "struck out" must be where the record says it is, and only stars may stand there.
        forge::block(parts.request(), b"GET /secret/ HTTP/1.1\r\nHost: news.example.org\r\n\r\n");
        ask(parts, |exchange| {
            let part = "request".to_owned();
            let slot = "token".to_owned();
            exchange.struck = vec![schemas::capture::Struck { part, from: 4, len: 8, slot }];
        });
    });
}

#[test]
fn digests_in_the_records_are_those_of_their_bytes() {
    let wrong = warc::digest_sha256(b"something else");
    stopped(|parts| forge::set(parts.request(), "WARC-Block-Digest", &wrong));
    stopped(|parts| forge::set(parts.response(), "WARC-Block-Digest", &wrong));
    stopped(|parts| forge::set(parts.response(), "WARC-Payload-Digest", &wrong));
}

#[test]
fn an_exchange_names_its_own_target_date_and_version() {
    stopped(|parts| ask(parts, |exchange| exchange.target = schemas::Digest::of(b"another target")));
    stopped(|parts| ask(parts, |exchange| exchange.v = 2));
    stopped(|parts| ask(parts, |exchange| exchange.ask.at += jiff::SignedDuration::from_hours(-3)));
    stopped(|parts| ask(parts, |exchange| exchange.peer = Some("192.0.2.77:443".parse().unwrap())));
}

#[test]
fn a_reading_is_of_what_was_read() {
    stopped(|parts| ask(parts, |exchange| exchange.read = false));
    let header = |change: fn(&mut schemas::capture::Header)| {
        move |parts: &mut Parts| {
            parts.line(0, |line| {
                if let Line::Header(header) = line {
                    change(header);
                }
            });
        }
    };
    stopped(header(|header| header.step = schemas::Digest::of(b"another step")));
    stopped(header(|header| header.v = 2));
    stopped(header(|header| header.reader.name = "web".to_owned()));
    stopped(|parts| {
        parts.line(0, |line| {
            if let Line::Header(header) = line {
                header.captured_at = "2020-01-01T00:00:00Z".to_owned();
            }
        });
        let at = parts.position(&warc::RecordType::Conversion, "");
        forge::set(&mut parts.records[at], "WARC-Date", "2020-01-01T00:00:00Z");
    });
}

#[test]
fn lines_say_what_they_are() {
    let record = |change: fn(&mut schemas::capture::RecordLine)| {
        move |parts: &mut Parts| {
            parts.line(1, |line| {
                if let Line::Record(said) = line {
                    change(said);
                }
            });
        }
    };
    stopped(record(|said| said.content = schemas::Digest::of(b"another content")));
    let end = |change: fn(&mut schemas::capture::End)| {
        move |parts: &mut Parts| {
            parts.line(3, |line| {
                if let Line::End(said) = line {
                    change(said);
                }
            });
        }
    };
    stopped(end(|end| end.counts = [9, 9, 9]));
    stopped(end(|end| end.items = Some(schemas::Digest::of(b"other lines"))));
}

#[test]
fn a_redirect_comes_from_a_response_that_redirected_there() {
    let from = "urn:uuid:11111111-1111-4111-8111-111111111111";
    stopped(|parts| {
        ask(parts, |exchange| {
            exchange.ask.origin = Origin::Redirect { from: from.to_owned(), hop: 1 };
        });
    });
}

#[test]
fn a_follow_up_was_asked_for() {
    let case = case();
    let page = Page::of(&[("1", "Harbour opens")]);
    let second = Page { path: "/another".to_owned(), ..Page::of(&[("2", "Night ferry")]) };
    let mut agent = case.agent.clone();
    agent.seq += 1;
    let made = agent.segment(&case.world, &case.registry, &[page, second]);
    let mut parts = forge::open(&made.bytes);
    let first = made.responses[0].clone();
    let last = parts
        .records
        .iter()
        .rposition(|record| record.get("Content-Type").is_some_and(|media| media.contains("exchange")))
        .unwrap();
    forge::edit(&mut parts.records[last], |exchange: &mut Exchange| {
        exchange.ask.origin = Origin::Follow { asked_by: first };
    });
    let (name, file, _) = parts.seal(&agent.key);
    let receipt = receipt_of(&case.registry.put_segment(&name, &file, 0).unwrap());
    let Receipt::Receipt { refused, .. } = receipt else {
        return;
    };
    assert!(!refused.is_empty(), "the first reading never asked for the second request");
}

#[test]
fn nothing_hides_between_the_records_of_an_exchange() {
    // A second request for the same response: the view kept the last one and nobody judged the first.
    stopped(|parts| {
        let at = parts.position(&warc::RecordType::Request, "");
        let mut hidden = forge::twin(&parts.records[at], 1);
        forge::block(&mut hidden, b"GET /private/list HTTP/1.1\r\nHost: news.example.org\r\n\r\n");
        parts.records.insert(at, hidden);
    });
    // The exchange is told first, so that "the two units before it" are others.
    stopped(|parts| {
        let at = parts.position(&warc::RecordType::Request, "");
        let run = parts.records.remove(1);
        parts.records.insert(at, run);
    });
    // Run and commit where no bundle looks for them.
    stopped(|parts| {
        let last = parts.records.len() - 1;
        let commit = parts.records.remove(last);
        parts.records.insert(2, commit);
    });
    // One id for two records.
    stopped(|parts| {
        let id = parts.records[0].get("WARC-Record-ID").unwrap().to_owned();
        forge::set(&mut parts.records[1], "WARC-Record-ID", &id);
    });
}

#[test]
fn start_run_and_commit_speak_of_this_segment() {
    let info = |from: &'static str, to: &'static str| {
        move |parts: &mut Parts| {
            let text = String::from_utf8(parts.records[0].block.to_vec()).unwrap();
            assert!(text.contains(from), "{text}");
            parts.records[0].block = text.replace(from, to).into_bytes().into();
        }
    };
    stopped(info("vigie-seq: 1", "vigie-seq: 7"));
    stopped(info("vigie-agent: agent-1", "vigie-agent: agent-2"));
    stopped(info("vigie-segment: 1", "vigie-segment: 2"));
    stopped(info("vigie-root: ", "vigie-root: 0"));
    stopped(info("operator: ", "vigie-trial: true\r\noperator: "));
    let run = |change: fn(&mut Run)| move |parts: &mut Parts| parts.json::<Run>("run", change);
    stopped(run(|run| run.v = 2));
    stopped(run(|run| run.entry = schemas::Digest::of(b"another entry")));
    stopped(run(|run| run.target.url = "https://news.example.org/never-a-seed".to_owned()));
    stopped(run(|run| run.target.id = "another-target".to_owned()));
    let commit = |change: fn(&mut Commit)| move |parts: &mut Parts| parts.json::<Commit>("commit", change);
    stopped(commit(|commit| commit.run = "another run".to_owned()));
    stopped(commit(|commit| commit.coverage.target = "somebody-else".to_owned()));
    stopped(commit(|commit| commit.v = 2));
}

#[test]
fn a_run_without_captures_is_judged_as_well() {
    stopped(|parts| {
        parts.records.retain(|record| {
            record.kind() == warc::RecordType::Warcinfo
                || record
                    .get("Content-Type")
                    .is_some_and(|media| media.contains("run+json") || media.contains("commit+json"))
        });
        parts.json::<Run>("run", |run| run.entry = schemas::Digest::of(b"another entry"));
    });
}

#[test]
fn an_agent_never_verified_less_than_before() {
    let mut case = case();
    let first = case.agent.collect(&case.world, &case.registry, &[Page::of(&[("1", "one")])]);
    let answer = case.registry.put_segment(&first.name, &first.bytes, 0).unwrap();
    case.agent.heard(&answer);
    let second = case.agent.collect(&case.world, &case.registry, &[Page::of(&[("1", "two")])]);
    case.registry.put_segment(&second.name, &second.bytes, 0).unwrap();
    // Claiming to know nothing of the log would let captures be dated back at will.
    case.agent.checkpoint = schemas::manifest::CheckpointRef { size: 0, root: tlog::EMPTY_ROOT };
    let third = case.agent.collect(&case.world, &case.registry, &[Page::of(&[("1", "three")])]);
    let receipt = receipt_of(&case.registry.put_segment(&third.name, &third.bytes, 0).unwrap());
    assert!(matches!(receipt, Receipt::RefusalReceipt { .. }), "{receipt:?}");
}

/// A stranger's body is not unpacked: a few kilobytes of it could become 64 MiB each.
#[test]
fn strangers_cannot_make_it_unpack() {
    let case = case();
    let bomb = warc::gzip_member(&vec![b'0'; 65 << 20], 9);
    let name = schemas::Digest::of(b"a name");
    let why = case.registry.put_segment(&name, &bomb, 0).unwrap_err().to_string();
    assert!(why.contains("no manifest at its end"), "{why}");
    // The same under an enrolled agent's manifest is opened within bounds, and refused.
    let sound = case.sound();
    let members: Vec<_> = warc::Reader::strict(&sound.bytes[..]).any_encoder().map(|entry| entry.unwrap()).collect();
    let last = members.last().unwrap().offset as usize;
    let body = [&bomb[..], &sound.bytes[last..]].concat();
    let receipt = receipt_of(&case.registry.put_segment(&sound.name, &body, 0).unwrap());
    assert!(matches!(receipt, Receipt::RefusalReceipt { .. }), "{receipt:?}");
}

/// A key that sends only what must be refused, revoked or not, grows the log by so much a day and no more.
#[test]
fn a_key_that_floods_is_not_heard_for_the_day() {
    use registry::core::ingest::MAX_REFUSALS_A_DAY;
    let case = case();
    case.registry.add_statement(&case.world.revocation(&case.agent)).unwrap();
    let before = case.registry.checkpoint().size;
    let (mut answered, mut unheard) = (0, 0);
    for number in 0..u64::from(MAX_REFUSALS_A_DAY) + 5 {
        let mut parts = forge::open(&case.sound().bytes);
        parts.manifest.seq = number + 1;
        let (name, file, _) = parts.seal(&case.agent.key);
        match case.registry.put_segment(&name, &file, 0) {
            Ok(_) => answered += 1,
            Err(problem) => {
                assert_eq!(problem.code(), ("too_many_refusals", 429));
                unheard += 1;
            }
        }
    }
    assert_eq!((answered, unheard), (MAX_REFUSALS_A_DAY, 5));
    let after = case.registry.checkpoint().size;
    assert_eq!(after - before, u64::from(MAX_REFUSALS_A_DAY));
}

/// A refusal that nothing demands would let an agent look careful where it was lazy.
#[test]
fn an_invented_refusal_is_not_kept() {
    use schemas::{capture::Refused, gate::DecisionCode};
    let case = case();
    let refused = case.refused(|parts| {
        let at = parts
            .records
            .iter()
            .position(|record| record.get("Content-Type").is_some_and(|media| media.contains("exchange")))
            .unwrap();
        let exchange: Exchange = schemas::canonical::from_canonical(&parts.records[at].block).unwrap();
        let mut decision = exchange.decision.clone();
        decision.permitted = false;
        decision.code = DecisionCode::Robots;
        decision.because = "refused, because robots.txt forbids it".to_owned();
        let invented =
            Refused { v: 1, ask: exchange.ask.clone(), decision, robots: None, step: serde_json::Value::Null };
        let mut record = forge::twin(&parts.records[1], 9);
        forge::set(&mut record, "Content-Type", schemas::capture::media_type::REFUSED);
        record.block = schemas::canonical::canonical_of(&invented).unwrap().into();
        let last = parts.records.len() - 1;
        parts.records.insert(last, record);
    });
    assert_eq!(refused, Some(1));
    let verdict = case.verdict();
    assert!(verdict.verdict.outcome < Outcome::Diverged, "{verdict}");
}

/// The fetch of robots.txt is in the segment and forbids; the copy that the decision rests on says otherwise.
#[test]
fn a_copy_of_robots_txt_is_what_the_site_answered() {
    use base64::Engine as _;
    use schemas::{gate::RobotsCopy, robots::RobotsOutcome};
    let judged = |copied: &str| {
        let case = case();
        case.refused(|parts| {
            let exchange_at = parts.position(&warc::RecordType::Metadata, "exchange");
            let mut exchange: Exchange = schemas::canonical::from_canonical(&parts.records[exchange_at].block).unwrap();
            let robots = "https://news.example.org/robots.txt";
            let mut request = forge::twin(&parts.records[exchange_at - 2], 21);
            let mut response = forge::twin(&parts.records[exchange_at - 1], 22);
            let mut told = forge::twin(&parts.records[exchange_at], 23);
            let id = response.id().to_owned();
            forge::set(&mut request, "WARC-Concurrent-To", &format!("<{id}>"));
            forge::set(&mut told, "WARC-Concurrent-To", &format!("<{id}>"));
            for record in [&mut request, &mut response] {
                forge::set(record, "WARC-Target-URI", robots);
            }
            forge::block(&mut request, b"GET /robots.txt HTTP/1.1\r\nHost: news.example.org\r\n\r\n");
            let body = b"User-agent: *\nDisallow: /\n";
            forge::block(&mut response, &[&b"HTTP/1.1 200 OK\r\n\r\n"[..], body].concat());
            let digest = warc::digest_sha256(body);
            forge::set(&mut response, "WARC-Payload-Digest", &digest);
            let at = exchange.ask.at;
            forge::edit(&mut told, |told: &mut Exchange| {
                told.response = id;
                told.read = false;
                told.ask.url = robots.to_owned();
                told.ask.origin = Origin::Robots { hop: 0 };
                told.decision.url = Some(robots.to_owned());
            });
            let copy = RobotsCopy {
                v: 1,
                authority: "https://news.example.org:443".to_owned(),
                final_url: robots.to_owned(),
                status: Some(200),
                redirects: 0,
                fetched_at: at,
                outcome: RobotsOutcome::Available,
                body_base64: base64::engine::general_purpose::STANDARD.encode(copied),
            };
            let mut kept = forge::twin(&parts.records[1], 24);
            forge::set(&mut kept, "Content-Type", schemas::capture::media_type::ROBOTS);
            kept.block = schemas::canonical::canonical_of(&copy).unwrap().into();
            exchange.robots = Some(kept.id().to_owned());
            parts.records[exchange_at].block = schemas::canonical::canonical_of(&exchange).unwrap().into();
            for record in [kept, told, response, request] {
                parts.records.insert(2, record);
            }
        })
    };
    assert_eq!(judged("User-agent: *\nDisallow: /\n"), Some(0));
    assert!(judged("User-agent: *\nAllow: /\n").is_some_and(|units| units > 0));
}
