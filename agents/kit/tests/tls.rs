//! Is an https source reached only where it is who it says it is, and does every way of failing say what was wrong?
//!
//! The agent takes its roots as an operator with an authority of their own gives them, by `SSL_CERT_FILE`: each test runs once more in a process
//! of its own that was started so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod world;

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use exhibit::tls::{Authority, Greeting, Identity, Page, Span, Speech, TlsSite};
use kit::engine::{Fetched, Hop, HopResult, Outcome};
use schemas::{Digest, gate::DecisionCode, permission::Entry};
use world::{Script, World, entry, limits, words};

/// The folder of the authority that this process trusts.
const TRUSTED: &str = "VIGIE_TEST_TRUSTED";

/// The name that every site here goes by.
const NAME: &str = "news.example.org";

/// Runs the test of this name in a process whose roots are those of a folder's authority; what it said, where all went well.
fn again(test: &str, folder: &Path) -> String {
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(TRUSTED, folder)
        .env("SSL_CERT_FILE", folder.join(Authority::FILE))
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let said = format!("{}\n{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{said}");
    said
}

/// In a process that trusts an authority: that one. Else runs the test of this name in such a process.
fn trusted(test: &str) -> Option<Authority> {
    if let Some(folder) = std::env::var_os(TRUSTED) {
        return Some(Authority::at(Path::new(&folder), "trusted").unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let _made = Authority::at(folder.path(), "trusted").unwrap();
    let said = again(test, folder.path());
    assert!(said.contains("1 passed"), "{said}");
    None
}

fn certified(authority: &Authority) -> Identity {
    authority.certify(&[NAME], Span::Always).unwrap()
}

fn feed() -> [(&'static str, Page); 1] {
    [("/feed", Page::feed("Harbour opens early"))]
}

/// An agent for which the name leads to this machine.
fn agent(entry: &Entry) -> World {
    World::with(entry, |setup| setup.lookup = Arc::new(Script::of(NAME, &[[127, 0, 0, 1]])))
}

fn last(outcome: &Outcome) -> &Fetched {
    match outcome.trail.last() {
        Some(Hop::Fetched(fetched)) => fetched,
        other => panic!("{}: {other:?}", words(outcome)),
    }
}

#[tokio::test]
async fn a_good_certificate_is_kept_with_the_answer_over_either_http() {
    let Some(authority) = trusted("a_good_certificate_is_kept_with_the_answer_over_either_http") else { return };
    for (speech, protocol) in [(Speech::Well, "h2"), (Speech::Older, "http/1.1")] {
        let identity = certified(&authority);
        let site = TlsSite::start(&identity, speech, &feed()).unwrap();
        let world = agent(&entry(&[&site.at(NAME)]));
        let outcome = world.get(&format!("{}/feed", site.at(NAME))).await;
        assert!(matches!(outcome.result, HopResult::Answer(_)), "{speech:?}: {}", words(&outcome));
        for hop in &outcome.trail {
            let Hop::Fetched(fetched) = hop else { panic!("{hop:?}") };
            assert_eq!(fetched.certificate, Some(Digest::of(identity.der())), "{speech:?}: {}", fetched.url);
            assert_eq!(fetched.peer.unwrap().to_string(), format!("127.0.0.1:{}", site.port()));
        }
        assert!(String::from_utf8_lossy(&last(&outcome).response).contains("Harbour opens early"));
        let greeting = Greeting { name: Some(NAME.to_owned()), protocol: Some(protocol.to_owned()) };
        assert_eq!(site.greetings(), [greeting], "{speech:?}: one connection, for robots.txt and page");
        let paths: Vec<String> = site.log().into_iter().map(|seen| seen.path).collect();
        assert_eq!(paths, ["/robots.txt", "/feed"]);
    }
}

/// The one that runs into a bound.
const HANGS: &str = "a handshake that hangs";

/// What one way of failing must come to, robots.txt asked first as always.
struct Case {
    what: &'static str,
    site: TlsSite,
    says: Vec<String>,
}

fn case(what: &'static str, identity: &Identity, speech: Speech, says: &[&str]) -> Case {
    let site = TlsSite::start(identity, speech, &feed()).unwrap();
    Case { what, site, says: says.iter().map(|says| (*says).to_owned()).collect() }
}

#[tokio::test]
async fn every_failure_before_an_answer_says_what_was_wrong_and_keeps_nothing() {
    let Some(authority) = trusted("every_failure_before_an_answer_says_what_was_wrong_and_keeps_nothing") else {
        return;
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Authority::at(elsewhere.path(), "a stranger").unwrap();
    let good = certified(&authority);
    let other = authority.certify(&["other.example.org", "*.example.net"], Span::Always).unwrap();
    let expired = authority.certify(&[NAME], Span::Past).unwrap();
    let early = authority.certify(&[NAME], Span::Future).unwrap();
    let unknown = stranger.certify(&[NAME], Span::Always).unwrap();
    let own = authority.self_signed(&[NAME]).unwrap();
    let cases = [
        case(
            "another name",
            &other,
            Speech::Well,
            &["its certificate is for `other.example.org`, `*.example.net`, not for `news.example.org`"],
        ),
        case(
            "expired",
            &expired,
            Speech::Well,
            &["its certificate expired at 2020-01-01T00:00:00Z; this machine's clock says 20"],
        ),
        case(
            "not yet",
            &early,
            Speech::Well,
            &["its certificate counts from 2400-01-01T00:00:00Z on; this machine's clock says 20"],
        ),
        case(
            "unknown authority",
            &unknown,
            Speech::Well,
            &["its certificate is signed by nobody whom this machine trusts"],
        ),
        case(
            "self-signed",
            &own,
            Speech::Well,
            &["its certificate is an authority's own, as self-signed ones often are"],
        ),
        case("plain HTTP", &good, Speech::None, &["what it answered is not TLS; it may speak plain HTTP on this port"]),
        case("TLS 1.1, said", &good, Speech::TooOld, &["it speaks no TLS from version 1.2 on"]),
        case("TLS 1.1, done", &good, Speech::TooOldAndDeaf, &["it speaks no TLS from version 1.2 on"]),
        case(HANGS, &good, Speech::Silent, &["no connection within 500 ms"]),
        case("a handshake hung up", &good, Speech::HangsUp, &["it closed the connection before the end"]),
    ];
    for Case { what, site, says } in cases {
        let url = format!("{}/feed", site.at(NAME));
        let mut connect = limits().connect;
        if what == HANGS {
            connect = Duration::from_millis(500);
        }
        let world = World::with(&entry(&[&site.at(NAME)]), |setup| {
            setup.lookup = Arc::new(Script::of(NAME, &[[127, 0, 0, 1]]));
            setup.limits.connect = connect;
        });
        let outcome = world.get(&url).await;
        let words = words(&outcome);
        for part in says {
            assert!(words.contains(&part), "{what}: `{words}` lacks `{part}`");
        }
        let robots = format!("{}/robots.txt", site.at(NAME));
        assert!(words.contains(&robots), "{what}: `{words}` does not say where");
        assert!(matches!(outcome.result, HopResult::Failed { .. }), "{what}: it is the site that failed");
        assert!(!outcome.trail.iter().any(|hop| matches!(hop, Hop::Fetched(_))), "{what}: nothing was answered");
        let Some(Hop::Failed { judged, error }) = outcome.trail.first() else { panic!("{what}: {:?}", outcome.trail) };
        assert!(words.starts_with(error.as_str()), "{what}: the evidence says `{error}`");
        assert!(judged.decision.permitted, "{what}: it was asked");
        assert!(site.log().is_empty(), "{what}: no request was heard");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_evidence_and_no_answer() {
    let Some(authority) = trusted("an_answer_that_breaks_off_is_evidence_and_no_answer") else { return };
    for (speech, says) in [
        (Speech::ResetsMidBody, "after 28 bytes: it broke the connection off (reset)"),
        (Speech::EndsWithoutAWord, "after 28 bytes: it closed the connection before the end"),
    ] {
        let site = TlsSite::start(&certified(&authority), speech, &[]).unwrap();
        let world = agent(&entry(&[&site.at(NAME)]));
        let outcome = world.get(&format!("{}/feed", site.at(NAME))).await;
        assert!(matches!(outcome.result, HopResult::Failed { .. }), "{speech:?}: {}", words(&outcome));
        assert!(words(&outcome).contains(says), "{speech:?}: {}", words(&outcome));
        let fetched = last(&outcome);
        assert_eq!((fetched.payload_len, fetched.truncated.as_deref()), (28, Some("disconnect")), "{speech:?}");
    }
}

#[tokio::test]
async fn a_redirect_out_of_tls_is_judged_by_the_gate() {
    let Some(authority) = trusted("a_redirect_out_of_tls_is_judged_by_the_gate") else { return };
    let plain = world::site::Site::start(|_| world::site::ok("text/plain", "in clear"));
    let away = format!("http://{NAME}:{}/clear", plain.port());
    let site = TlsSite::start(&certified(&authority), Speech::Well, &[("/feed", Page::redirect(&away))]).unwrap();
    let outcome = agent(&entry(&[&site.at(NAME)])).get(&format!("{}/feed", site.at(NAME))).await;
    assert!(matches!(outcome.result, HopResult::Refused { code: DecisionCode::NoMatch, .. }), "{}", words(&outcome));
    assert!(words(&outcome).contains(&away), "{}", words(&outcome));
    assert_eq!((plain.robots(), plain.asked().len()), (0, 0), "not a byte in clear");
    // Control: where the entry names it, it is followed.
    let named = entry(&[&site.at(NAME), &format!("http://{NAME}:{}", plain.port())]);
    let outcome = agent(&named).get(&format!("{}/feed", site.at(NAME))).await;
    assert!(matches!(outcome.result, HopResult::Answer(_)), "{}", words(&outcome));
    assert_eq!((last(&outcome).certificate, plain.asked().len()), (None, 1));
}

#[tokio::test]
async fn an_open_connection_is_used_again_only_for_the_addresses_it_was_judged_by() {
    let Some(authority) = trusted("an_open_connection_is_used_again_only_for_the_addresses_it_was_judged_by") else {
        return;
    };
    let site = TlsSite::start(&certified(&authority), Speech::Well, &feed()).unwrap();
    let url = format!("{}/feed", site.at(NAME));
    let script = Script::of(NAME, &[[127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 2]]);
    let world = World::with(&entry(&[&site.at(NAME)]), |setup| setup.lookup = Arc::new(script.clone()));
    for _ in 0..2 {
        let outcome = world.get(&url).await;
        assert!(matches!(outcome.result, HopResult::Answer(_)), "{}", words(&outcome));
    }
    assert_eq!((site.connections(), script.asked()), (1, 3), "robots.txt and twice the page, each looked up");
    let moved = world.get(&url).await;
    assert!(
        matches!(moved.result, HopResult::Refused { code: DecisionCode::Destination, .. }),
        "an open connection is no way around the gate: {}",
        words(&moved)
    );
    assert!(words(&moved).contains("127.0.0.2 is a loopback address"), "{}", words(&moved));
    assert_eq!(site.log().len(), 3, "nothing was sent over it");

    // Where the new address is permitted, it is the one that is asked.
    let mut wide = entry(&[&site.at(NAME)]);
    wide.allow_addresses = vec!["127.0.0.0/8".to_owned()];
    let script = Script::of(NAME, &[[127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 2]]);
    let world = World::with(&wide, |setup| setup.lookup = Arc::new(script));
    assert!(matches!(world.get(&url).await.result, HopResult::Answer(_)));
    let moved = world.get(&url).await;
    assert!(words(&moved).contains("nobody listens there (connection refused)"), "{}", words(&moved));
}

#[tokio::test]
async fn roots_that_cannot_be_read_are_named() {
    let Some(folder) = std::env::var_os(TRUSTED) else {
        // A folder without an authority: what `SSL_CERT_FILE` names does not exist.
        let folder = tempfile::tempdir().unwrap();
        let said = again("roots_that_cannot_be_read_are_named", folder.path());
        assert!(said.contains("1 passed"), "{said}");
        return;
    };
    let file = Path::new(&folder).join(Authority::FILE);
    let refused = kit::push::Registry::new("https://registry.example.org").err().unwrap().to_string();
    assert!(refused.contains(&format!("`SSL_CERT_FILE={}`", file.display())), "{refused}");
}
