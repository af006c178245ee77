//! Sources and registry over TLS, met by the real programs: what is trusted is collected, kept and proved; what is not says why, and holds up nobody.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::fs;

use exhibit::tls::{Authority, Page, Span, Speech, TlsSite};
use serde_json::Value;
use tests::{Source, World, until};

const FEED: &str = "/news.atom";

fn site(identity: &exhibit::tls::Identity, speech: Speech, title: &str) -> TlsSite {
    TlsSite::start(identity, speech, &[(FEED, Page::feed(title))]).unwrap()
}

/// What every way of failing says in its run's coverage.
const WRONG: [(&str, &str); 6] = [
    ("other-name", "its certificate is for `other.example.org`, not for 127.0.0.1"),
    ("expired", "its certificate expired at 2020-01-01T00:00:00Z"),
    ("stranger", "its certificate is signed by nobody whom this machine trusts"),
    ("plain", "what it answered is not TLS"),
    ("too-old", "it speaks no TLS from version 1.2 on"),
    ("resets", "broke off within its body after 28 bytes: it broke the connection off (reset)"),
];

#[test]
fn https_is_collected_pushed_and_proved_and_each_failure_says_why() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let authority = Authority::at(folder.path(), "the unit's own authority").unwrap();
    let stranger = Authority::at(elsewhere.path(), "a stranger").unwrap();
    let good = authority.certify(&["127.0.0.1"], Span::Always).unwrap();
    let sites = [
        ("good", site(&good, Speech::Well, "Harbour opens early")),
        ("older", site(&good, Speech::Older, "Night ferry returns")),
        ("other-name", site(&authority.certify(&["other.example.org"], Span::Always).unwrap(), Speech::Well, "x")),
        ("expired", site(&authority.certify(&["127.0.0.1"], Span::Past).unwrap(), Speech::Well, "x")),
        ("stranger", site(&stranger.certify(&["127.0.0.1"], Span::Always).unwrap(), Speech::Well, "x")),
        ("plain", site(&good, Speech::None, "x")),
        ("too-old", site(&good, Speech::TooOld, "x")),
        ("resets", site(&good, Speech::ResetsMidBody, "x")),
    ];
    let sources: Vec<Source> =
        sites.iter().map(|(name, site)| Source::new(name, &site.at("127.0.0.1"), FEED)).collect();
    let mut world = World::prepared(&sources, "every 1h");
    // The certificate is for a name, as a registry's is; the unit's own commands go to the listener's address.
    let own = authority.certify(&["127.0.0.1"], Span::Always).unwrap();
    let (certificate, key) = (folder.path().join("registry.pem"), folder.path().join("registry.key"));
    own.write(&certificate, &key).unwrap();
    world.over_tls(&certificate, &key);
    world.start();

    // An agent that trusts the system only: no policy, and so nothing is collected.
    let refused = world.agent().once();
    assert!(
        refused.said().contains("its certificate is signed by nobody whom this machine trusts"),
        "{}",
        refused.said()
    );
    assert!(sites.iter().all(|(_, site)| site.connections() == 0), "nothing is asked for without a policy");

    world.trust_certificates(&folder.path().join(Authority::FILE));
    let said = world.agent().once().exits(3);
    println!("{}", said.said());
    assert_eq!(world.agent().waiting(), 0, "what failed is reported as well: {}", said.said());
    until("the index behind the receipts", || {
        let heard = world.coverage().iter().filter(|(_, state, _)| !state.is_empty()).count();
        (heard == sites.len() && world.search("").len() == 2).then_some(())
    });
    let coverage = world.coverage();
    for (name, says) in WRONG {
        let (_, state, why) = coverage.iter().find(|(entry, ..)| entry == name).unwrap();
        assert_eq!(state, "failed", "{name}: {why}");
        assert!(why.contains(says), "{name}: {why}");
        assert!(world.search(&format!("source:{name}")).is_empty(), "{name}: nothing is kept as if it were an answer");
    }
    for (name, title) in [("good", "Harbour opens early"), ("older", "Night ferry returns")] {
        let (_, state, why) = coverage.iter().find(|(entry, ..)| entry == name).unwrap();
        assert_eq!(state, "complete", "{name}: {why}");
        let hits = world.search(&format!("source:{name}"));
        let [hit] = hits.as_slice() else { panic!("{name}: {hits:?}") };
        assert!(hit.to_string().contains(title), "{name}: {hit:#}");
        let id = hit["id"].as_str().unwrap();
        let traced: Value = world.vigie(&["trace", "--json", id]).ok().json();
        let fingerprint = schemas::Digest::of(good.der()).to_string();
        assert!(traced.to_string().contains(&fingerprint), "{name}: {traced:#}");
    }

    // Commands on the unit reach the registry that is served over TLS, though its certificate is for a name; another certificate is not believed.
    let listed = world.vigie(&["agent", "list"]).ok().out;
    assert!(listed.contains("feed"), "{listed}");
    let other = authority.certify(&["127.0.0.1"], Span::Always).unwrap();
    other.write(&certificate, &folder.path().join("renewed.key")).unwrap();
    let renewed = world.vigie(&["agent", "list"]);
    assert!(!renewed.status.success() && renewed.err.contains("another certificate"), "{}", renewed.said());
    fs::remove_file(&certificate).unwrap();
    world.stop();
    own.write(&certificate, &key).unwrap();
    world.verify(&world.data()).exits(7);
}
