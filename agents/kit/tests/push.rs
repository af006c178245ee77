//! What becomes of a segment that is sent?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use jiff::Timestamp;
use kit::{
    policy::{Copy, fetch},
    push::{Answer, Registry},
};
use schemas::{
    Digest, canonical,
    receipt::{Receipt, ReceiptAnswer},
};
use std::{io::Write as _, time::Duration};
use tlog::{Checkpoint, Note, leaf_hash, tree};
use world::{
    ORIGIN, bundle, entry, key, root,
    site::{Site, reply},
};

const MANIFEST: &[u8] = br#"{"seq":1}"#;

/// An answer that holds together: the segment is leaf 2 of 3.
fn sound() -> ReceiptAnswer {
    let log = key(ORIGIN);
    let hashes = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(MANIFEST)];
    let receipt = Receipt::Receipt {
        v: 1,
        manifest: Digest::of(MANIFEST),
        index: 2,
        refused: vec![],
        late: vec![],
        at: "2026-11-22T12:00:00Z".parse().unwrap(),
    };
    let text = format!("{}\n", String::from_utf8(canonical::canonical_of(&receipt).unwrap()).unwrap());
    ReceiptAnswer {
        receipt: Note::sign(&text, &[&log]).unwrap().to_string(),
        leaf: String::from_utf8(MANIFEST.to_vec()).unwrap(),
        checkpoint: Checkpoint::new(ORIGIN, 3, tree::root(&hashes)).sign(&log).unwrap().to_string(),
        inclusion: tree::inclusion_proof(&hashes, 2).unwrap(),
        consistency: tree::consistency_proof(&hashes, 2).unwrap(),
    }
}

fn known(size: u64) -> String {
    let hashes = [leaf_hash(b"a"), leaf_hash(b"b")];
    Checkpoint::new(ORIGIN, size, tree::root(&hashes)).sign(&key(ORIGIN)).unwrap().to_string()
}

async fn put(site: &Site, known: Option<&str>) -> Answer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"segment bytes").unwrap();
    Registry::new(&site.url()).unwrap().put(&Digest::of(MANIFEST), file.path(), &key(ORIGIN).vkey(), known).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_is_sent_whole_by_its_name_and_its_receipt_checked() {
    let site =
        Site::start(|_| reply("200 OK", "content-type: application/json\r\n", &serde_json::to_vec(&sound()).unwrap()));
    let known = known(2);
    let Answer::Receipt(verified) = put(&site, Some(&known)).await else { panic!("no receipt") };
    assert_eq!((verified.checkpoint().size, verified.value().index()), (3, 2));
    assert_eq!(verified.note(), sound().receipt);
    let asked = site.asked().pop().unwrap();
    assert!(asked.starts_with(&format!("PUT /v1/segments/{}?from=2 HTTP/1.1\r\n", Digest::of(MANIFEST))), "{asked}");
    assert!(asked.ends_with("\r\n\r\nsegment bytes"), "{asked}");
    assert!(asked.contains("content-length: 13\r\n"), "{asked}");
    let digest = Digest::of(b"segment bytes").content_digest();
    assert!(asked.contains(&format!("content-digest: {digest}\r\n")), "{asked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_segment_is_sent_whole_with_its_digest_too() {
    let site = Site::start(|_| reply("503 Away", "", b""));
    let bytes = "segment ".repeat(80_000);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes.as_bytes()).unwrap();
    let registry = Registry::new(&site.url()).unwrap();
    let answer = registry.put(&Digest::of(MANIFEST), file.path(), &key(ORIGIN).vkey(), None).await;
    assert!(matches!(answer, Answer::TryLater { .. }));
    let asked = site.asked().pop().unwrap();
    let digest = Digest::of(bytes.as_bytes()).content_digest();
    assert!(asked.contains(&format!("content-digest: {digest}\r\n")) && asked.ends_with(&bytes), "{:.500}", asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_receipt_keeps_the_segment_and_contradictions_raise_an_alarm() {
    let problem = |code: &str| {
        format!(
            r#"{{"type":"urn:vigie:problem:{code}","code":"{code}","title":"t","status":500,"detail":"the reason"}}"#
        )
    };
    let later = [
        ("400 Bad", problem("damaged"), "`damaged`: the reason"),
        ("403 Forbidden", problem("unknown_agent"), "`unknown_agent`: the reason"),
        ("503 Away", problem("unavailable"), "503 `unavailable`"),
        ("507 Full", problem("disk_full"), "`disk_full`"),
        ("502 Bad", "<html>".to_owned(), "502: no reason was given"),
        ("302 Found", String::new(), "302"),
        ("200 OK", "{}".to_owned(), "can't be read"),
        (
            "200 OK",
            serde_json::to_string(&ReceiptAnswer { leaf: "{}".to_owned(), ..sound() }).unwrap(),
            "not the manifest that was sent",
        ),
    ];
    for (status, body, says) in later {
        let site = Site::start(move |_| reply(status, "", body.as_bytes()));
        match put(&site, None).await {
            Answer::TryLater { why } => assert!(why.contains(says), "{status}: {why}"),
            other => panic!("{status}: {other:?}"),
        }
    }
    let rolled_back = problem("rolled_back");
    let site = Site::start(move |_| reply("409 Conflict", "", rolled_back.as_bytes()));
    assert!(matches!(put(&site, None).await, Answer::Alarm { .. }));
    let site = Site::start(|_| reply("200 OK", "", &serde_json::to_vec(&sound()).unwrap()));
    let Answer::Alarm { why } = put(&site, Some(&known(9))).await else { panic!("no alarm") };
    assert!(why.contains("set back"), "{why}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = Registry::new(&format!("http://{nobody}")).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let answer = away.put(&Digest::of(MANIFEST), file.path(), &key(ORIGIN).vkey(), None).await;
    assert!(matches!(answer, Answer::TryLater { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_believed_from_the_root_in_hand_and_never_replaced_by_an_older_one() {
    let permitted = entry(&["http://127.0.0.1:81"]);
    let now = Timestamp::now();
    let newer = serde_json::to_string(&bundle(&permitted, now)).unwrap();
    let older = serde_json::to_string(&bundle(&permitted, now - Duration::from_secs(60))).unwrap();
    let served = newer.clone();
    let site = Site::start(move |request| {
        assert!(request.starts_with("GET /v1/policy HTTP/1.1\r\n"), "{request}");
        reply("200 OK", "", served.as_bytes())
    });
    let registry = Registry::new(&site.url()).unwrap();
    let copy = fetch(&registry, &root(), None).await.unwrap();
    assert_eq!(copy.text, newer, "kept as it came");
    assert_eq!(copy.policy.stale(now), None);
    assert!(copy.policy.stale(now + Duration::from_secs(25 * 3_600)).is_some());
    let old = Copy::open(older, &root()).unwrap();
    let again = fetch(&registry, &root(), Some(&old)).await.unwrap();
    assert!(again.followed_by(old).unwrap_err().to_string().contains("older policy"));
    let mut other = root();
    other.people.truncate(3);
    assert!(fetch(&registry, &other, None).await.is_err(), "another root was put here by hand");
}
