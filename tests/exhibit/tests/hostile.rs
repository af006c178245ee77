//! Does each hostile drill do the harm it promises?

mod common;

use std::io::Read;
use std::time::{Duration, Instant};

use common::{ask, get, raw, send};
use exhibit::hostile::{HostileSite, Trick};

fn site(trick: Trick) -> HostileSite {
    HostileSite::start(trick).expect("a hostile site opens")
}

#[test]
fn robots_txt_lets_everyone_in_unless_it_is_the_weapon() {
    for trick in Trick::all(9) {
        let site = site(trick.clone());
        if matches!(trick, Trick::HugeRobots { .. }) {
            continue;
        }
        let robots = get(&format!("{}/robots.txt", site.url()));
        assert_eq!((robots.status, robots.text().as_str()), (200, "User-agent: *\nAllow: /\n"), "{trick:?}");
        assert_eq!((site.requests(), site.connections(), site.log()[0].path.as_str()), (1, 1, "/robots.txt"));
    }
}

#[test]
fn redirects_keep_the_notation_they_were_given() {
    let targets = ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]:81/", "http://0x7f.1:81/"];
    let tricks = [Trick::to_metadata(), Trick::to_mapped_loopback(81), Trick::to_hex_loopback(81)];
    for (trick, target) in tricks.into_iter().zip(targets) {
        let site = site(trick);
        let got = get(&format!("{}/feed", site.url()));
        assert_eq!((got.status, got.header("location")), (302, target));
    }
}

#[test]
fn endless_redirects_never_repeat_themselves() {
    let site = site(Trick::EndlessRedirects);
    let mut path = "/feed".to_owned();
    let mut been = std::collections::BTreeSet::new();
    for _ in 0..30 {
        assert!(been.insert(path.clone()));
        path = get(&format!("{}{path}", site.url())).header("location").to_owned();
    }
    assert_eq!(site.requests(), 30);
}

#[test]
fn the_gzip_bomb_is_one_valid_stream() {
    let site = site(Trick::GzipBomb { bytes: 8 << 20 });
    let got = get(&site.url());
    assert!(got.body.len() < 64 * 1024, "{} bytes on the wire", got.body.len());
    assert_eq!(got.header("content-encoding"), "gzip");
    let mut unpacked = flate2::read::GzDecoder::new(&got.body[..]);
    // The decoder checks checksum and length at the end.
    assert_eq!(std::io::copy(&mut unpacked, &mut std::io::sink()).unwrap(), 8 << 20);
    assert!(site.sent_bytes() >= got.body.len() as u64);
}

#[test]
fn endless_bodies_stop_when_the_client_does() {
    let site = site(Trick::EndlessBody);
    let mut stream = send("GET", &site.url(), &[]);
    let mut part = vec![0; 1 << 20];
    stream.read_exact(&mut part).unwrap();
    assert!(part.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(site.sent_bytes() >= 1 << 20);
    drop(stream);
}

#[test]
fn drips_come_one_byte_at_a_time() {
    let site = site(Trick::SlowDrip { every: Duration::from_millis(20) });
    let mut stream = send("GET", &site.url(), &[]);
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    while !got.ends_with(b"...") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0 && read < 1024);
        got.extend_from_slice(&buffer[..read]);
    }
}

#[test]
fn slow_heads_never_end() {
    let site = site(Trick::SlowHead { every: Duration::from_millis(1) });
    let mut stream = send("GET", &site.url(), &[]);
    let mut got = [0; 60];
    stream.read_exact(&mut got).unwrap();
    assert!(got.starts_with(b"HTTP/1.1 200 OK\r\nx-slow: ..."));
}

#[test]
fn the_huge_robots_txt_is_as_long_as_it_says() {
    let site = site(Trick::HugeRobots { bytes: 3_000_000 });
    let robots = get(&format!("{}/robots.txt", site.url()));
    assert_eq!((robots.header("content-length"), robots.body.len()), ("3000000", 3_000_000));
    assert!(robots.text().ends_with("\nUser-agent: *\nDisallow: /\n"));
    assert!(get(&site.url()).text().contains("<feed"));
}

#[test]
fn the_deep_feed_is_as_deep_as_asked() {
    let text = get(&site(Trick::DeepFeed { tags: 10_000 }).url()).text();
    assert_eq!((text.matches("<div>").count(), text.matches("</div>").count()), (10_000, 10_000));
    assert!(get(&site(Trick::EntityBomb).url()).text().contains("<title>&lol9;</title>"));
}

#[test]
fn the_huge_head_is_as_large_as_asked() {
    let got = get(&site(Trick::HugeHeaders { bytes: 1 << 20 }).url());
    let size: usize =
        got.headers.iter().filter(|(name, _)| name.starts_with("x-pad-")).map(|(n, v)| n.len() + v.len() + 4).sum();
    assert_eq!(size, 1 << 20);
    assert!(got.text().contains("<feed"));
}

#[test]
fn content_length_lies_both_ways() {
    for (trick, twice) in [(Trick::LengthTooLong, 4), (Trick::LengthTooShort, 1)] {
        let got = get(&site(trick).url());
        let said: usize = got.header("content-length").parse().unwrap();
        assert_eq!(said, got.body.len() * twice / 2);
    }
}

#[test]
fn broken_connections_break_in_the_middle() {
    let mut stream = send("GET", &site_url(Trick::DropMidBody), &[]);
    let mut got = Vec::new();
    let end = stream.read_to_end(&mut got);
    assert!(end.is_err() || !got.ends_with(b"0\r\n\r\n"), "it ended in order");
    assert!(!raw("GET", &site_url(Trick::Garbage), &[]).starts_with(b"HTTP/"));
}

/// The address of a site that stays until the test process ends.
fn site_url(trick: Trick) -> String {
    let site = Box::leak(Box::new(site(trick)));
    site.url()
}

#[test]
fn silence_is_counted_as_a_request_without_an_answer() {
    let site = site(Trick::Silence);
    let mut stream = send("GET", &format!("{}/feed", site.url()), &[("accept", "*/*")]);
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let began = Instant::now();
    loop {
        assert!(stream.read(&mut [0; 1]).is_err(), "it said something");
        if site.requests() > 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no request was counted");
    }
    assert_eq!((site.sent_bytes(), site.requests()), (0, 1));
    assert_eq!((site.log()[0].status, site.log()[0].header("accept")), (0, Some("*/*")));
    assert_eq!(ask("GET", &format!("{}/robots.txt", site.url()), &[]).status, 200);
}

#[test]
fn a_gibibyte_of_zeros_costs_a_mebibyte_to_send() {
    let site = site(Trick::GzipBomb { bytes: 1 << 30 });
    let body = get(&site.url()).body;
    assert!(body.len() < 2 << 20, "{} bytes on the wire", body.len());
    let length = body.last_chunk().map(|last| u32::from_le_bytes(*last));
    assert_eq!(length, Some(1 << 30));
}
