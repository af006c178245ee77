//! What does a server answer? The smallest client: one request a connection, over a bare socket.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Without a byte for this long an answer counts as lost.
const SILENCE: Duration = Duration::from_secs(90);

/// An answer, chunked bodies joined.
#[derive(Clone, Debug)]
pub struct Got {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Got {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("{why}: {}", self.text()))
    }
}

/// GET of a path with query.
///
/// # Errors
///
/// Nobody listens, or the answer is cut.
pub fn get(server: SocketAddr, path: &str) -> io::Result<Got> {
    ask(server, "GET", path, &[])
}

/// PUT of a body.
///
/// # Errors
///
/// Nobody listens, or the answer is cut.
pub fn put(server: SocketAddr, path: &str, body: &[u8]) -> io::Result<Got> {
    ask(server, "PUT", path, body)
}

fn ask(server: SocketAddr, method: &str, path: &str, body: &[u8]) -> io::Result<Got> {
    let mut stream = TcpStream::connect_timeout(&server, SILENCE)?;
    stream.set_read_timeout(Some(SILENCE))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    parse(&raw)
        .ok_or_else(|| io::Error::other(format!("{method} {path}: an answer of {} bytes that is cut", raw.len())))
}

fn parse(raw: &[u8]) -> Option<Got> {
    let split = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(raw.get(..split)?).ok()?.to_ascii_lowercase();
    let body = raw.get(split + 4..)?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if head.contains("transfer-encoding: chunked") {
        return Some(Got { status, body: join(body)? });
    }
    let length: Option<usize> =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|text| text.trim().parse().ok());
    (length.unwrap_or(body.len()) <= body.len()).then(|| Got { status, body: body.to_vec() })
}

fn join(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(rest.get(..end)?).ok()?.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let from = end + 2;
        body.extend_from_slice(rest.get(from..from + size)?);
        rest = rest.get(from + size + 2..)?;
    }
}
