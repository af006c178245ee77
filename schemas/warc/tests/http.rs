//! Captured HTTP messages: built, taken apart, refused.

use proptest::prelude::*;
use warc::http::{self, HttpError, MAX_HEAD_BYTES, MAX_HEADERS};

const NONE: [(&str, &str); 0] = [];

#[test]
fn a_response_is_built_and_taken_apart() {
    let headers = [("Content-Type", "text/plain"), ("Set-Thing", "a"), ("set-thing", "b")];
    let block = http::response(200, "OK", headers, b"Bonjour\n").unwrap();
    let text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Thing: a\r\nset-thing: b\r\n\r\nBonjour\n";
    assert_eq!(block, text.as_bytes());
    let head = http::parse(&block).unwrap();
    assert_eq!(head.start_line, "HTTP/1.1 200 OK");
    assert_eq!(head.status(), Some(200));
    assert_eq!(head.get("content-type"), Some("text/plain"));
    assert_eq!(head.headers.len(), 3);
    assert_eq!(&block[head.body_offset..], b"Bonjour\n");
}

#[test]
fn a_request_is_built_and_has_no_status() {
    let block = http::request("GET", "/post/1?x=2", [("Host", "news.example.org")], b"").unwrap();
    assert_eq!(block, b"GET /post/1?x=2 HTTP/1.1\r\nHost: news.example.org\r\n\r\n");
    let head = http::parse(&block).unwrap();
    assert_eq!((head.status(), head.body_offset), (None, block.len()));
}

#[test]
fn an_empty_reason_keeps_its_space() {
    let block = http::response(204, "", NONE, b"").unwrap();
    assert_eq!(block, b"HTTP/1.1 204 \r\n\r\n");
    assert_eq!(http::parse(&block).unwrap().status(), Some(204));
    assert_eq!(http::parse(b"HTTP/1.1 404\n\n").unwrap().status(), Some(404));
}

#[test]
fn odd_but_readable_heads_are_read() {
    let block = b"HTTP/1.0 301 Moved\nX-A:  one \n\ttwo\nX-B: caf\xe9\n\nbody";
    let head = http::parse(block).unwrap();
    assert_eq!(head.get("x-a"), Some("one two"));
    assert_eq!(head.get("x-b"), Some("caf\u{e9}"));
    assert_eq!(&block[head.body_offset..], b"body");
}

#[test]
fn what_would_break_a_message_apart_is_refused() {
    let part = |part: &str| Err(HttpError::Part { part: part.to_owned() });
    assert_eq!(http::response(200, "O\r\nK", NONE, b""), part("reason"));
    assert_eq!(http::response(99, "", NONE, b""), Err(HttpError::Status { status: 99 }));
    assert_eq!(http::response(200, "", [("X", "a\r\nY: b")], b""), part("X"));
    assert_eq!(http::response(200, "", [("X Y", "a")], b""), part("X Y"));
    assert_eq!(http::request("GE T", "/", NONE, b""), part("method"));
    for target in ["", "/ HTTP/1.1", "/\r\n"] {
        assert_eq!(http::request("GET", target, NONE, b""), part("target"));
    }
}

#[test]
fn heads_are_bounded_both_ways() {
    let long = "v".repeat(MAX_HEAD_BYTES);
    assert_eq!(http::response(200, "", [("X", &long)], b""), Err(HttpError::HeadTooLarge));
    let endless = format!("HTTP/1.1 200 OK\r\nX: {long}{long}");
    assert_eq!(http::parse(endless.as_bytes()), Err(HttpError::HeadTooLarge));
    let many = vec![("X", "v"); MAX_HEADERS];
    let block = http::response(200, "", many.clone(), b"").unwrap();
    assert_eq!(http::parse(&block).unwrap().headers.len(), MAX_HEADERS);
    let one_more = [many, vec![("X", "v")]].concat();
    assert_eq!(http::response(200, "", one_more, b""), Err(HttpError::TooManyHeaders));
    let longer = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: v\r\n".repeat(MAX_HEADERS + 1), b"\r\n".to_vec()].concat();
    assert_eq!(http::parse(&longer), Err(HttpError::TooManyHeaders));
}

#[test]
fn what_is_no_message_has_a_name() {
    assert_eq!(http::parse(b""), Err(HttpError::Truncated));
    assert_eq!(http::parse(b"HTTP/1.1 200 OK\r\nX: v\r\n"), Err(HttpError::Truncated));
    assert_eq!(http::parse(b"hello there\r\n\r\n"), Err(HttpError::StartLine));
    assert_eq!(http::parse(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), Err(HttpError::Header { line: 2 }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn built_messages_come_back(
        status in 100_u16..1000,
        headers in proptest::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..10),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let given = headers.iter().map(|(name, value)| (name, value));
        let block = http::response(status, "Reason Phrase", given, &body).unwrap();
        let head = http::parse(&block).unwrap();
        prop_assert_eq!(head.status(), Some(status));
        prop_assert_eq!(&head.headers, &headers);
        prop_assert_eq!(&block[head.body_offset..], &body[..]);
    }
}
