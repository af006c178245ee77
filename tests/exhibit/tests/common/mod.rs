//! The smallest client that can tell what arrived: one request a connection, over a bare socket.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{Read, Write};
use std::net::TcpStream;

use exhibit::{Exhibit, Options};

/// An answer as it came over the wire, chunked bodies joined.
pub struct Got {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is UTF-8")
    }
}

pub fn get(url: &str) -> Got {
    ask("GET", url, &[])
}

pub fn ask(method: &str, url: &str, headers: &[(&str, &str)]) -> Got {
    let raw = raw(method, url, headers);
    let split = raw.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8(raw[..split].to_vec()).expect("the head is UTF-8");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Got { status: status.expect("an answer has a status"), headers, body: raw[split + 4..].to_vec() }
}

/// Everything the server sends until it closes, or until the connection breaks.
pub fn raw(method: &str, url: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut got = Vec::new();
    let _ = send(method, url, headers).read_to_end(&mut got);
    got
}

/// A connection on which the request has been sent.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)]) -> TcpStream {
    let rest = url.strip_prefix("http://").expect("an http address");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).unwrap_or_else(|why| panic!("{host}: {why}"));
    let mut request = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    stream
}

/// An exhibit of these newsrooms alone, at round 0.
pub fn open(names: &[&str]) -> Exhibit {
    Exhibit::start(Options::only(names)).expect("the exhibit opens")
}

/// Advances to a round.
pub fn at(exhibit: &Exhibit, round: u32) {
    while exhibit.round() < round {
        exhibit.advance();
    }
}

/// How often a text occurs.
pub fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}
