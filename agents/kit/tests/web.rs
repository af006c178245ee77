//! What is sent, kept and concluded, answer by answer?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::{
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use kit::{
    Flow, Refill, Request, Slot, SlotPlace, Unit,
    engine::{Fetched, Hop, HopResult, Network as _, Outcome, Validators, Wanted},
    fetch::user_agent,
};
use schemas::{
    gate::{DecisionCode, Origin},
    permission::Entry,
    segment::{Referred, ResponseKind},
};
use serde_json::{Value, json};
use world::{
    World, entry, folder_with, root,
    site::{Site, ok, reply},
    words, written,
};

const SECRET: &str = "s3cret/+va%lue";

fn fetched(outcome: &Outcome) -> Vec<&Fetched> {
    outcome
        .trail
        .iter()
        .filter_map(|hop| if let Hop::Fetched(fetched) = hop { Some(&**fetched) } else { None })
        .collect()
}

fn last(outcome: &Outcome) -> &Fetched {
    fetched(outcome).pop().expect("something was fetched")
}

fn no_robots(entry: &mut Entry) {
    entry.robots = "api: its own terms".to_owned().try_into().unwrap();
}

fn api(site: &Site) -> Entry {
    let mut entry = entry(&[&site.url()]);
    no_robots(&mut entry);
    entry.credential = Some("key".to_owned());
    entry
}

fn with_secret(entry: &Entry, folder: &Path, place: SlotPlace) -> World {
    with_slot(entry, folder, place, false)
}

fn with_slot(entry: &Entry, folder: &Path, place: SlotPlace, quota_by_403: bool) -> World {
    let folder = folder.to_owned();
    World::with(entry, |setup| setup.credentials = Some(folder)).slot(Slot {
        name: "token".to_owned(),
        place,
        flow: Flow::Static,
        quota_by_403,
    })
}

/// No form of the secret in anything that would be written.
fn assert_no_secret(outcome: &Outcome) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let all = written(outcome);
    let debug = format!("{SECRET:?}");
    let percent = "s3cret%2F%2Bva%25lue";
    let base64 = STANDARD.encode(SECRET);
    for form in [SECRET, debug.trim_matches('"'), percent, &base64[..16], "s3cret\\/", "va%lue"] {
        assert!(!all.contains(form), "`{form}` is kept: {all}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_and_received_is_kept_as_it_was() {
    let site = Site::with_robots("", |_| reply("200 Fine", "X-One: 1\r\nset-cookie: a=b\r\nX-One: 2\r\n", b"hello"));
    let world = World::new(&entry(&[&site.url()]));
    let request = Request::get(format!("{}/a?b=c d", site.url()), Value::Null).accept("text/html", "fr, en;q=0.5");
    for _ in 0..2 {
        let outcome = world.ask(&request).await;
        let HopResult::Answer(answer) = &outcome.result else { panic!("{}", words(&outcome)) };
        assert_eq!(&*answer.body.bytes().unwrap(), b"hello");
        assert_eq!(answer.url.as_str(), format!("{}/a?b=c%20d", site.url()));
        let kept = last(&outcome);
        let head = "HTTP/1.1 200 Fine\r\ncontent-length: 5\r\nconnection: close\r\nx-one: 1\r\nx-one: 2\r\nset-cookie: a=b\r\n\r\nhello";
        assert_eq!(String::from_utf8_lossy(&kept.response), head);
        let expected = format!(
            "GET /a?b=c%20d HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nuser-agent: {}\r\naccept: text/html\r\naccept-language: fr, en;q=0.5\r\naccept-encoding: gzip, deflate, br, zstd\r\n\r\n",
            site.port(),
            user_agent(&root())
        );
        assert_eq!(String::from_utf8_lossy(&kept.request), expected);
        assert_eq!(kept.payload_len, 5);
        assert_eq!(kept.judged.ask.headers, ["accept", "accept-language"]);
        assert_eq!((&kept.certificate, kept.truncated.as_deref(), kept.struck.len()), (&None, None, 0));
        let mut sent: Vec<&str> = expected.lines().skip(1).filter(|line| !line.is_empty()).collect();
        let asked = site.asked().pop().unwrap();
        let mut arrived: Vec<&str> = asked.lines().skip(1).filter(|line| !line.is_empty()).collect();
        sent.sort_unstable();
        arrived.sort_unstable();
        assert_eq!(arrived, sent, "no other header leaves, cookies least of all");
    }
    assert_eq!(site.robots(), 1, "one robots.txt a day");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_is_sent_and_304_keeps_the_head_alone() {
    let site = Site::with_robots("", |request| {
        if request.contains("if-none-match: \"v1\"") {
            reply("304 Not Modified", "etag: \"v1\"\r\n", b"")
        } else {
            ok("text/plain", "new")
        }
    });
    let world = World::new(&entry(&[&site.url()]));
    let of = Referred { id: "urn:uuid:x".to_owned(), url: site.url(), date: "2026-11-22T12:00:00Z".to_owned() };
    let validators = Validators { etag: Some("\"v1\"".to_owned()), last_modified: None, of: of.clone() };
    let outcome = world.ask_if(&Request::get(site.url(), Value::Null).if_changed(), Some(&validators)).await;
    assert!(matches!(outcome.result, HopResult::NotModified), "{}", words(&outcome));
    let kept = last(&outcome);
    assert_eq!(kept.kind, ResponseKind::NotModified { refers_to: Some(of) });
    assert_eq!((kept.conditions[0].name.as_str(), kept.conditions[0].verdict.as_str()), ("if_changed", "not changed"));
    let robots = fetched(&outcome)[0];
    assert!(
        !String::from_utf8_lossy(&robots.request).contains("if-none-match"),
        "robots.txt is asked for without conditions"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_are_followed_through_the_gate_and_name_their_hops() {
    let site = Site::with_robots("", |request| {
        if request.starts_with("GET /a ") {
            reply("301 Moved", "location: /b\r\n", b"")
        } else {
            ok("text/plain", "here")
        }
    });
    let world = World::new(&entry(&[&site.url()]));
    let outcome = world.get(&format!("{}/a", site.url())).await;
    let HopResult::Answer(answer) = &outcome.result else { panic!("{}", words(&outcome)) };
    assert_eq!(answer.url.path(), "/b");
    let [_, first, second] = fetched(&outcome)[..] else { panic!("three hops") };
    assert_eq!(second.judged.ask.origin, Origin::Redirect { from: first.id.clone(), hop: 1 });
    let stopped = world.ask(&Request::get(format!("{}/a", site.url()), Value::Null).stop_at_redirect()).await;
    let HopResult::Answer(answer) = &stopped.result else { panic!("{}", words(&stopped)) };
    assert_eq!(answer.status, 301);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_txt_decides_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let site = Site::with_robots("User-agent: *\nDisallow: /private\n", |_| ok("text/plain", "x"));
    let permitted = entry(&[&site.url()]);
    for _ in 0..2 {
        let world = World::with(&permitted, |setup| setup.rows = rusqlite::Connection::open(&path).unwrap());
        let refused = world.get(&format!("{}/private/a", site.url())).await;
        assert!(matches!(refused.result, HopResult::Refused { code: DecisionCode::Robots, .. }), "{}", words(&refused));
        assert!(words(&refused).contains("`Disallow: /private`"));
        let Some(Hop::Refused(judged)) = refused.trail.last() else { panic!("no evidence") };
        assert!(judged.robots.is_some());
        assert!(matches!(world.get(&format!("{}/a", site.url())).await.result, HopResult::Answer(_)));
        let wanted = Request::get(format!("{}/private/b", site.url()), Value::Null);
        let preview = world.web.preview(Wanted {
            run: &world.run,
            request: &wanted,
            validators: None,
            origin: Origin::Plan,
            attempt: 1,
        });
        assert_eq!(preview.code, DecisionCode::Robots);
    }
    assert_eq!((site.robots(), site.asked().len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robots_txt_out_of_reach_forbids_and_is_a_failure() {
    for status in ["503 Later", "429 Slow", "302 Found"] {
        let site = Site::start(move |request| {
            if request.starts_with("GET /robots.txt ") { reply(status, "", b"") } else { ok("text/plain", "x") }
        });
        let world = World::new(&entry(&[&site.url()]));
        let outcome = world.get(&site.url()).await;
        assert!(
            matches!(outcome.result, HopResult::Failed { retry_after: Some(_), .. }),
            "{status}: {}",
            words(&outcome)
        );
        let says = format!("/robots.txt answered {} at 20", &status[..3]);
        assert!(words(&outcome).contains(&says), "{}", words(&outcome));
        assert!(words(&outcome).contains("could not be read, which forbids everything"), "{}", words(&outcome));
        assert_eq!(site.asked().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_day_s_cap_holds_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let site = Site::with_robots("", |_| ok("text/plain", "x"));
    let mut permitted = entry(&[&site.url()]);
    permitted.daily = 3;
    let mut answers = 0;
    for _ in 0..4 {
        let world = World::with(&permitted, |setup| setup.rows = rusqlite::Connection::open(&path).unwrap());
        let outcome = world.get(&site.url()).await;
        match &outcome.result {
            HopResult::Answer(_) => answers += 1,
            HopResult::RateLimited { scope, until } => {
                assert_eq!(scope, "daily budget");
                assert!(*until > jiff::Timestamp::now());
                let Some(Hop::Refused(judged)) = outcome.trail.last() else { panic!("no evidence") };
                assert_eq!((judged.decision.code, judged.ask.spent_today), (DecisionCode::Budget, 3));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((answers, site.asked().len(), site.robots()), (2, 2, 1), "robots.txt counts too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_the_source_end_the_run_or_pause_it() {
    let cases: [(&'static str, &'static str, &'static str, &str); 6] = [
        ("403 Forbidden", "", "no", "answered 403"),
        ("401 Who", "", "no", "answered 401"),
        ("200 OK", "content-type: text/html\r\n", "<html><title>Just a moment...</title>", "challenge page"),
        ("429 Slow", "retry-after: 600\r\n", "", "RateLimited"),
        ("503 Later", "retry-after: 600\r\n", "", "RateLimited"),
        ("500 Oh", "", "", "answered 500"),
    ];
    for (status, headers, body, says) in cases {
        let site = Site::with_robots("", move |_| reply(status, headers, body.as_bytes()));
        let world = World::new(&entry(&[&site.url()]));
        let outcome = world.get(&site.url()).await;
        assert!(words(&outcome).contains(says), "{status}: {}", words(&outcome));
        assert_eq!(last(&outcome).status.to_string(), status[..3], "kept as evidence");
        if says == "RateLimited" {
            let again = world.get(&site.url()).await;
            assert!(
                matches!(&again.result, HopResult::RateLimited { scope, .. } if scope == "host"),
                "{}",
                words(&again)
            );
            assert!(again.trail.is_empty());
            assert_eq!(site.asked().len(), 1, "a resting host is not asked");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_403_is_read_only_as_the_word_of_an_interface_to_its_credential() {
    const SAID: &str = "{\"error\":\"quota\"}";
    const CHALLENGE: &str = "<html><title>Just a moment...</title>";
    // Where the slot says so; whether the request has the credential; what is answered; whether it is read.
    let cases: [(bool, bool, &'static str, &'static str, &'static str, bool); 7] = [
        (true, true, "403 No", "", SAID, true),
        (false, true, "403 No", "", SAID, false),
        (true, false, "403 No", "", SAID, false),
        (true, true, "401 No", "", SAID, false),
        (true, true, "403 No", "content-type: text/html\r\n", CHALLENGE, false),
        (true, true, "403 No", "cf-mitigated: challenge\r\n", SAID, false),
        (true, true, "403 No", "", "too long to be read whole by this one", false),
    ];
    for (told, sent, status, headers, body, read) in cases {
        let site = Site::start(move |_| reply(status, headers, body.as_bytes()));
        let (_folder, path) = folder_with("key", SECRET);
        let world = with_slot(&api(&site), &path, SlotPlace::Bearer, told);
        let request = Request::get(site.url(), Value::Null);
        let request = if sent { request.with("token") } else { request };
        let request = if body.starts_with("too long") { request.up_to_bytes(8) } else { request };
        let outcome = world.ask(&request).await;
        let met = format!("{told} {sent} {status} {headers}{body}: {}", words(&outcome));
        match &outcome.result {
            HopResult::Answer(answer) => assert!(read && answer.status == 403, "{met}"),
            HopResult::Blocked { .. } => assert!(!read, "{met}"),
            _ => panic!("{met}"),
        }
        assert_eq!(last(&outcome).status.to_string(), status[..3], "kept as evidence");
        assert_no_secret(&outcome);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_is_sent_and_never_kept() {
    for place in [SlotPlace::Bearer, SlotPlace::Header("x-key".to_owned()), SlotPlace::Query("key".to_owned())] {
        // The answer repeats the whole request, in its body and in a header.
        let site = Site::start(|request| {
            let echo = request.replace("\r\n", " ");
            reply(
                "200 OK",
                &format!("content-type: application/json\r\nx-echo: {echo}\r\n"),
                json!({"you": request, "said": SECRET}).to_string().as_bytes(),
            )
        });
        let (_folder, path) = folder_with("key", SECRET);
        let world = with_secret(&api(&site), &path, place.clone());
        let outcome = world.ask(&Request::get(format!("{}/a?b=1", site.url()), Value::Null).with("token")).await;
        let HopResult::Answer(answer) = &outcome.result else { panic!("{}", words(&outcome)) };
        let asked = site.asked().pop().unwrap();
        let arrived = match place {
            SlotPlace::Query(_) => "/a?b=1&key=s3cret%2F%2Bva%25lue HTTP".to_owned(),
            _ => SECRET.to_owned(),
        };
        assert!(asked.contains(&arrived), "{asked}");
        assert!(asked.contains("accept-encoding: identity"));
        assert_no_secret(&outcome);
        let body = String::from_utf8(answer.body.bytes().unwrap().into_owned()).unwrap();
        assert!(!body.contains(SECRET) && body.contains("**************"));
        let kept = last(&outcome);
        assert!(kept.struck.iter().any(|struck| struck.part == "request" && struck.slot == "key"));
        assert!(kept.struck.iter().any(|struck| struck.part == "response"));
        for struck in &kept.struck {
            let block = if struck.part == "request" { &kept.request[..] } else { &kept.response[..] };
            let (from, len) = (struck.from as usize, struck.len as usize);
            assert!(block[from..from + len].iter().all(|byte| *byte == b'*'));
        }
        assert_eq!(kept.judged.ask.slot.as_deref(), Some("key"));
        let judged = kept.judged.decision.url.as_ref().unwrap().strip_prefix(&site.url()).unwrap();
        let line = String::from_utf8_lossy(&kept.request);
        assert!(line.starts_with(&format!("GET {judged} HTTP/1.1\r\n")), "registries compare them: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_answer_to_a_secret_is_kept_decoded() {
    let site = Site::start(|_| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(format!("token {SECRET}").as_bytes()).unwrap();
        reply("200 OK", "content-type: text/plain\r\ncontent-encoding: gzip\r\n", &gzip.finish().unwrap())
    });
    let (_folder, path) = folder_with("key", SECRET);
    let world = with_secret(&api(&site), &path, SlotPlace::Bearer);
    let outcome = world.ask(&Request::get(site.url(), Value::Null).with("token")).await;
    let HopResult::Answer(answer) = &outcome.result else { panic!("{}", words(&outcome)) };
    assert_eq!(&*answer.body.bytes().unwrap(), b"token **************");
    assert_eq!(last(&outcome).conditions[0].verdict, "came in gzip all the same; kept decoded");
    assert_no_secret(&outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_searched_for_a_secret_is_withheld() {
    let gzipped = || {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(format!("token {SECRET}").as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let chunk =
        |bytes: Vec<u8>| [format!("{:x}\r\n", bytes.len()).into_bytes(), bytes, b"\r\n0\r\n\r\n".to_vec()].concat();
    let transfer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\nconnection: close\r\n\r\n".to_vec();
    let cases = [
        ([transfer, chunk(gzipped())].concat(), "came in gzip for the transfer all the same; withheld"),
        (
            reply("200 OK", "content-encoding: identity\r\ncontent-encoding: gzip\r\n", &gzipped()),
            "came in gzip all the same; kept decoded",
        ),
    ];
    for (answer, verdict) in cases {
        let site = Site::start(move |_| answer.clone());
        let (_folder, path) = folder_with("key", SECRET);
        let world = with_secret(&api(&site), &path, SlotPlace::Bearer);
        let outcome = world.ask(&Request::get(site.url(), Value::Null).with("token")).await;
        let kept = last(&outcome);
        assert_eq!(kept.conditions[0].verdict, verdict);
        let body = &kept.response[kept.response.len() - kept.payload_len..];
        assert!(body.ends_with(b"**************"), "{}", String::from_utf8_lossy(body));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_the_end_of_an_answer_cuts_in_two_is_struck_as_well() {
    let half = &SECRET[..8];
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\ntoken {half}");
    let site = Site::start(move |_| answer.clone().into_bytes());
    let (_folder, path) = folder_with("key", SECRET);
    let world = with_secret(&api(&site), &path, SlotPlace::Bearer);
    let outcome = world.ask(&Request::get(site.url(), Value::Null).with("token")).await;
    let kept = last(&outcome);
    assert!(kept.truncated.is_some(), "{}", words(&outcome));
    assert!(kept.response.ends_with(b"token ********"), "{}", String::from_utf8_lossy(&kept.response));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_never_crosses_to_another_origin() {
    let other = Site::start(|_| ok("text/plain", "other"));
    let location = format!("location: {}/b\r\n", other.url());
    let site = Site::start(move |_| reply("302 Found", &location, b""));
    let mut both = entry(&[&site.url(), &other.url()]);
    no_robots(&mut both);
    both.credential = Some("key".to_owned());
    let (folder, path) = folder_with("key", SECRET);
    let world = with_secret(&both, &path, SlotPlace::Bearer);
    let outcome = world.ask(&Request::get(site.url(), Value::Null).with("token")).await;
    assert!(matches!(outcome.result, HopResult::Answer(_)), "{}", words(&outcome));
    assert!(site.asked()[0].contains(SECRET));
    assert!(!other.asked()[0].to_ascii_lowercase().contains("authorization"), "{}", other.asked()[0]);
    assert_eq!(last(&outcome).judged.ask.slot, None);
    // A host it is not for gets no request at all.
    std::fs::write(folder.path().join("key.hosts"), "api.example.org\n").unwrap();
    let refused = world.ask(&Request::get(site.url(), Value::Null).with("token")).await;
    assert!(matches!(refused.result, HopResult::Refused { code: DecisionCode::Credential, .. }), "{}", words(&refused));
    assert_eq!(site.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_credential_is_tried_once_more_only_if_it_was_renewed() {
    let (folder, path) = folder_with("key", SECRET);
    let stored = folder.path().join("key");
    let tries = AtomicUsize::new(0);
    let site = Site::start(move |request| {
        if request.contains("renewed-value") {
            return ok("text/plain", &format!("in, and {SECRET} is over"));
        }
        if tries.fetch_add(1, Ordering::SeqCst) == 1 {
            std::fs::write(&stored, "renewed-value").unwrap();
        }
        reply("401 Unauthorized", "", b"")
    });
    let world = with_secret(&api(&site), &path, SlotPlace::Bearer);
    let request = Request::get(site.url(), Value::Null).with("token");
    let blocked = world.ask(&request).await;
    assert!(matches!(blocked.result, HopResult::Blocked { .. }), "{}", words(&blocked));
    assert_eq!(site.asked().len(), 1, "the same value again would be refused again");
    let renewed = world.ask(&request).await;
    assert!(matches!(renewed.result, HopResult::Answer(_)), "{}", words(&renewed));
    assert_eq!(site.asked().len(), 3);
    assert_no_secret(&renewed);
    assert!(!written(&renewed).contains("renewed-value"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_goes_by_post_to_listed_endpoints_only() {
    let site =
        Site::with_robots("", |request| ok("application/json", request.split("\r\n\r\n").nth(1).unwrap_or_default()));
    let world = World::new(&entry(&[&site.url()]));
    let query = json!({"q": "harbour"});
    let outcome = world.ask(&Request::query(format!("{}/query", site.url()), &query, Value::Null)).await;
    let HopResult::Answer(answer) = &outcome.result else { panic!("{}", words(&outcome)) };
    assert_eq!(answer.body.bytes().unwrap(), query.to_string().as_bytes());
    assert!(
        String::from_utf8_lossy(&last(&outcome).request).ends_with("content-length: 15\r\n\r\n{\"q\":\"harbour\"}")
    );
    let refused = world.ask(&Request::query(format!("{}/other", site.url()), &query, Value::Null)).await;
    assert!(matches!(refused.result, HopResult::Refused { code: DecisionCode::Method, .. }), "{}", words(&refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_of_the_collector_s_own_is_an_answer_cut_short() {
    let site = Site::with_robots("", |_| ok("text/plain", &"x".repeat(5_000)));
    let world = World::new(&entry(&[&site.url()]));
    let outcome = world.ask(&Request::get(site.url(), Value::Null).up_to_bytes(1_000)).await;
    let HopResult::Answer(answer) = &outcome.result else { panic!("{}", words(&outcome)) };
    assert_eq!(answer.body.bytes().unwrap().len(), 1_000);
    assert_eq!(last(&outcome).truncated.as_deref(), Some("length"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crawl_delay_is_kept_between_two_requests() {
    let site = Site::with_robots("User-agent: *\nCrawl-delay: 1\n", |_| ok("text/plain", "x"));
    let world = World::new(&entry(&[&site.url()]));
    let began = std::time::Instant::now();
    for _ in 0..2 {
        assert!(matches!(world.get(&site.url()).await.result, HopResult::Answer(_)));
    }
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "one pause after robots.txt and one between: {:?}",
        began.elapsed()
    );
    let pressed = World::with(&entry(&[&site.url()]), |setup| setup.limits.longest_wait = Duration::from_millis(100));
    let waiting = pressed.get(&site.url()).await;
    assert!(
        matches!(waiting.result, HopResult::RateLimited { .. }),
        "a pause longer than a run waits is given back: {}",
        words(&waiting)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_request_reserved_is_not_given_back_by_the_next_one() {
    let site = Site::with_robots("", |request| match request.contains("/broken") {
        true => reply("500 Broken", "", b""),
        false => ok("text/plain", "x"),
    });
    let points = Unit { name: "points".to_owned(), amount: 3, refill: Refill::Window(3_600) };
    let world = World::with(&entry(&[&site.url()]), |setup| setup.units = vec![points]);
    let ask = |path: &str| Request::get(format!("{}{path}", site.url()), Value::Null).reserve("points", 1);
    assert!(matches!(world.ask(&ask("/broken")).await.result, HopResult::Failed { .. }));
    for path in ["/a", "/b"] {
        assert!(matches!(world.ask(&ask(path)).await.result, HopResult::Answer(_)));
        world.web.spent(&world.run, "points", 1);
    }
    let short = world.ask(&ask("/c")).await;
    assert!(matches!(short.result, HopResult::RateLimited { .. }), "{}", words(&short));
}
