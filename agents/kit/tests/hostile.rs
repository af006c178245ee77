//! Does a hostile site hurt only itself, and does no byte leave for where none may go?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod world;

use std::{
    net::TcpListener,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use exhibit::{
    ForbiddenListener,
    hostile::{HostileSite, Trick},
};
use kit::{
    engine::{Hop, HopResult},
    fetch::Limits,
};
use schemas::gate::DecisionCode;
use world::{Script, World, entry, limits, words};

/// What one trick must come to.
struct Case {
    trick: Trick,
    /// Each is part of the words.
    says: Vec<String>,
    /// Most bytes the site may have got rid of.
    sent_at_most: u64,
    limits: Limits,
}

fn case(trick: Trick, says: &[&str], sent_at_most: u64) -> Case {
    Case { trick, says: says.iter().map(|says| (*says).to_owned()).collect(), sent_at_most, limits: limits() }
}

/// What lies in socket buffers counts as sent: at most what this system gives the two ends of a connection, besides what the agent may take.
static BUFFERS: LazyLock<u64> = LazyLock::new(|| {
    let most = |name: &str| -> u64 {
        let sizes = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default();
        sizes.split_whitespace().last().and_then(|most| most.parse().ok()).unwrap_or(4 << 20)
    };
    most("tcp_rmem") + most("tcp_wmem") + (1 << 20)
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trick_ends_with_its_own_words_and_reaches_nobody_else() {
    let forbidden = ForbiddenListener::start().unwrap();
    let port = forbidden.port();
    let every = Duration::from_millis(1);
    let limit = 256 * 1024_u64;
    let cases = [
        case(Trick::to_metadata(), &["no match rule", "169.254.169.254"], *BUFFERS),
        case(Trick::to_mapped_loopback(port), &["no match rule", "[::ffff:7f00:1]"], *BUFFERS),
        case(Trick::to_hex_loopback(port), &["no match rule", &format!("http://127.0.0.1:{port}/")], *BUFFERS),
        case(Trick::to_decimal_loopback(port), &["no match rule", &format!("http://127.0.0.1:{port}/")], *BUFFERS),
        case(Trick::to_localhost(port), &["no match rule", "localhost"], *BUFFERS),
        case(Trick::to_file(), &["the URL's scheme is `file`"], *BUFFERS),
        case(Trick::EndlessRedirects, &["5 are followed"], *BUFFERS),
        case(Trick::EndlessBody, &["sent more than the 262144 bytes this entry allows", "/feed"], *BUFFERS),
        Case {
            limits: Limits { drip: Duration::from_millis(300), ..limits() },
            ..case(Trick::SlowDrip { every }, &["sent less than 1024 bytes in 300 ms", "/feed"], *BUFFERS)
        },
        // Long enough for the robots.txt, which comes first and does come.
        Case {
            limits: Limits { head: Duration::from_secs(10), ..limits() },
            ..case(Trick::SlowHead { every }, &["did not begin to answer within 10000 ms", "/feed"], *BUFFERS)
        },
        Case {
            limits: Limits { head: Duration::from_secs(10), ..limits() },
            ..case(Trick::Silence, &["did not begin to answer within 10000 ms"], *BUFFERS)
        },
        case(
            Trick::HugeHeaders { bytes: 1 << 20 },
            &["head of more than the 100 header lines or 65536 bytes"],
            *BUFFERS,
        ),
        case(Trick::LengthTooLong, &["broke off within its body"], *BUFFERS),
        case(Trick::DropMidBody, &["broke off within its body"], *BUFFERS),
        case(Trick::Garbage, &["request to", "failed"], *BUFFERS),
    ];
    // Side by side: some wait until their time has run out.
    let tried = cases.into_iter().map(|Case { trick, says, sent_at_most, limits }| async move {
        let site = HostileSite::start(trick.clone()).unwrap();
        let mut entry = entry(&[&site.url()]);
        entry.max_body_bytes = limit;
        let world = World::with(&entry, |setup| setup.limits = limits);
        let began = Instant::now();
        let outcome = world.get(&format!("{}/feed", site.url())).await;
        assert!(began.elapsed() < Duration::from_secs(55), "{trick:?} took {:?}", began.elapsed());
        let words = words(&outcome);
        for part in &says {
            assert!(words.contains(part), "{trick:?}: `{words}` lacks `{part}`");
        }
        assert!(site.sent_bytes() <= sent_at_most, "{trick:?} sent {} bytes", site.sent_bytes());
        let kept: usize = outcome
            .trail
            .iter()
            .map(|hop| if let Hop::Fetched(fetched) = hop { fetched.response.len() } else { 0 })
            .sum();
        assert!(kept < limit as usize + 64 * 1024, "{trick:?} left {kept} bytes");
        assert!(
            matches!(outcome.trail.first(), Some(Hop::Fetched(robots)) if robots.url.ends_with("/robots.txt")),
            "{trick:?}"
        );
    });
    futures_util::future::join_all(tried).await;
    assert_eq!((forbidden.connections(), forbidden.bytes()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_to_private_addresses_are_refused_even_where_a_rule_names_the_host() {
    let forbidden = ForbiddenListener::start().unwrap();
    let port = forbidden.port();
    for (trick, named, words_of) in [
        (Trick::to_metadata(), "http://169.254.169.254".to_owned(), "169.254.169.254 is a metadata address"),
        (Trick::to_mapped_loopback(port), format!("http://[::ffff:127.0.0.1]:{port}"), "is a loopback address"),
        (Trick::to_hex_loopback(port), format!("http://0x7f.1:{port}"), "127.0.0.1 is a loopback address"),
    ] {
        let site = HostileSite::start(trick).unwrap();
        // Asked outright, and where loopback is not named:
        let mut entry = entry(&[&site.url(), &named]);
        entry.robots = "api: a test of destinations".to_owned().try_into().unwrap();
        entry.allow_addresses = vec![];
        let refused = World::new(&entry).get(&format!("{named}/")).await;
        assert!(words(&refused).contains(words_of), "{}", words(&refused));
        assert!(matches!(refused.result, HopResult::Refused { code: DecisionCode::Destination, .. }));
    }
    // By a redirect, where the site itself is named and the target is not:
    let site = HostileSite::start(Trick::to_metadata()).unwrap();
    let outcome = World::new(&entry(&[&site.url(), "http://169.254.169.254"])).get(&site.url()).await;
    let Some(Hop::Refused(judged)) = outcome.trail.last() else { panic!("{}", words(&outcome)) };
    assert!(
        words(&outcome).contains("http://169.254.169.254") || words(&outcome).contains("metadata"),
        "{}",
        words(&outcome)
    );
    assert_eq!(
        judged.ask.url, "http://169.254.169.254/robots.txt",
        "its robots.txt would be the first thing asked for"
    );
    assert_eq!(judged.decision.code, DecisionCode::Destination);
    assert_eq!(forbidden.connections(), 0);
    // Control: the same listener is reached as soon as an entry names it.
    let mut named = entry(&[&forbidden.url()]);
    named.robots = "api: a test of destinations".to_owned().try_into().unwrap();
    let silent = World::with(&named, |setup| setup.limits.head = Duration::from_secs(10));
    let reached = silent.get(&forbidden.url()).await;
    assert!(words(&reached).contains("did not begin to answer"), "{}", words(&reached));
    assert_eq!(forbidden.connections(), 1);
    assert!(forbidden.bytes() > 0);
}

/// A listener on another loopback address, same port: where a name leads once its answer changes.
fn counting(addr: &str, port: u16) -> Arc<AtomicU64> {
    let listener = TcpListener::bind((addr, port)).unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            counted.fetch_add(1, Ordering::SeqCst);
            use std::io::{Read as _, Write as _};
            let _read = stream.read(&mut [0; 4096]);
            let _written = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
        }
    });
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dns_answer_that_changes_between_check_and_connect_changes_nothing() {
    let site = HostileSite::start(Trick::DeepFeed { tags: 1 }).unwrap();
    let port = url::Url::parse(&site.url()).unwrap().port().unwrap();
    let elsewhere = counting("127.0.0.2", port);
    let url = format!("http://rebind.invalid:{port}/feed");
    let mut permitted = entry(&[&url]);
    permitted.robots = "api: a test of names".to_owned().try_into().unwrap();

    let script = Script::of("rebind.invalid", &[[127, 0, 0, 1], [127, 0, 0, 2]]);
    let world = World::with(&permitted, |setup| setup.lookup = Arc::new(script.clone()));
    let first = world.get(&url).await;
    assert!(matches!(first.result, HopResult::Answer(_)), "{}", words(&first));
    let Some(Hop::Fetched(fetched)) = first.trail.last() else { panic!("nothing fetched") };
    assert_eq!(fetched.peer.unwrap().ip().to_string(), "127.0.0.1");
    assert_eq!(fetched.judged.ask.resolved.as_deref(), Some(&["127.0.0.1".parse().unwrap()][..]));
    assert_eq!(fetched.judged.ask.connected, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(script.asked(), 1, "one question a request: the connector asks nobody");

    let second = world.get(&url).await;
    assert!(words(&second).contains("127.0.0.2 is a loopback address"), "{}", words(&second));
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);

    // Control: permitted, the other address is reached.
    permitted.allow_addresses = vec!["127.0.0.0/8".to_owned()];
    let script = Script::of("rebind.invalid", &[[127, 0, 0, 2]]);
    let world = World::with(&permitted, |setup| setup.lookup = Arc::new(script));
    let third = world.get(&url).await;
    assert!(matches!(third.result, HopResult::Answer(_)), "{}", words(&third));
    assert_eq!(elsewhere.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_forbidden_address_among_several_refuses_the_name() {
    let forbidden = ForbiddenListener::start().unwrap();
    let url = format!("http://both.invalid:{}/", forbidden.port());
    let mut permitted = entry(&[&url]);
    permitted.robots = "api: a test of names".to_owned().try_into().unwrap();
    permitted.allow_addresses = vec![];
    let script = Script::default();
    let world = World::with(&permitted, |setup| setup.lookup = Arc::new(script.clone()));
    let none = world.get(&url).await;
    assert!(words(&none).contains("`both.invalid` has no address"), "{}", words(&none));
    let script = Script::of("both.invalid", &[[127, 0, 0, 1]]);
    let world = World::with(&permitted, |setup| setup.lookup = Arc::new(script));
    assert!(words(&world.get(&url).await).contains("leads to 127.0.0.1 is a loopback address"));
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_huge_robots_txt_costs_half_a_mebibyte() {
    let site = HostileSite::start(Trick::HugeRobots { bytes: 100_000_000 }).unwrap();
    let world = World::new(&entry(&[&site.url()]));
    let outcome = world.get(&format!("{}/feed", site.url())).await;
    let Some(Hop::Fetched(robots)) = outcome.trail.first() else { panic!("robots.txt was not fetched") };
    assert_eq!((robots.payload_len, robots.truncated.as_deref()), (512 * 1024, Some("length")));
    assert!(
        matches!(outcome.result, HopResult::Answer(_)),
        "what is beyond the bound does not count: {}",
        words(&outcome)
    );
    assert!(site.sent_bytes() < *BUFFERS, "{}", site.sent_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gzip_bomb_is_kept_small_and_refused_when_read() {
    // 2 GiB of zeros in 2 MiB; the body decodes at most 1 GiB.
    let site = HostileSite::start(Trick::GzipBomb { bytes: 2 << 30 }).unwrap();
    let world = World::new(&entry(&[&site.url()]));
    let outcome = world.get(&format!("{}/feed", site.url())).await;
    let HopResult::Answer(answer) = outcome.result else { panic!("{}", words(&outcome)) };
    let Some(Hop::Fetched(fetched)) = outcome.trail.get(answer.hop) else { panic!("nothing fetched") };
    assert!(fetched.response.len() < 4 << 20, "kept as received: {}", fetched.response.len());
    let refused = answer.body.decoded().err().expect("refused").to_string();
    assert!(refused.contains("gzip decodes to more than the 1073741824 bytes allowed"), "{refused}");
}
