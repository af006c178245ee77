//! What was sent and received, as bytes of HTTP/1.1.
//!
//! A rendering: header names are written in lower case as HTTP/2 has them and the client library keeps them, headers of one name stand
//! together, and `chunked` is left out of `Transfer-Encoding` because it is removed from the body (RFC 9112, section 7.1.3). Other transfer codings, which
//! nobody asks for, are not undone and stay named.

use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

/// A request before it is sent: everything but where it goes.
pub(super) struct Outgoing {
    /// `GET`, `POST`.
    pub method: reqwest::Method,
    /// Address on the wire, secrets included.
    pub url: Url,
    /// Every header in order but `Host` and `Content-Length`, secrets included.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body.
    pub body: Option<Vec<u8>>,
}

impl Outgoing {
    /// The request block, secrets not yet struck out.
    pub fn render(&self) -> Vec<u8> {
        let path = path_and_query(&self.url);
        let mut block = format!("{} {path} HTTP/1.1\r\nhost: {}\r\n", self.method, host(&self.url)).into_bytes();
        for (name, value) in &self.headers {
            line(&mut block, name, value);
        }
        if let Some(body) = &self.body {
            block.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        block.extend_from_slice(b"\r\n");
        block.extend_from_slice(self.body.as_deref().unwrap_or_default());
        block
    }
}

/// Status line and headers, the empty line included.
pub(super) fn response_head(status: StatusCode, reason: Option<&[u8]>, headers: &HeaderMap) -> Vec<u8> {
    let mut block = format!("HTTP/1.1 {} ", status.as_u16()).into_bytes();
    block.extend_from_slice(reason.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().as_bytes()));
    block.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        if name != reqwest::header::TRANSFER_ENCODING {
            line(&mut block, name, value);
        } else if let Some(left) = without_chunked(value) {
            line(&mut block, name, &left);
        }
    }
    block.extend_from_slice(b"\r\n");
    block
}

/// The transfer codings that stay on the body.
fn without_chunked(codings: &HeaderValue) -> Option<HeaderValue> {
    let left: Vec<_> = codings
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"chunked"))
        .collect();
    HeaderValue::from_bytes(&left.join(&b", "[..])).ok().filter(|left| !left.is_empty())
}

/// Bytes of all header lines as rendered.
pub(super) fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn line(block: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    block.extend_from_slice(name.as_str().as_bytes());
    block.extend_from_slice(b": ");
    block.extend_from_slice(value.as_bytes());
    block.extend_from_slice(b"\r\n");
}

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Host as the `Host` header says it: port only where it is not the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The headers of a response block that [`response_head`] wrote and secrets were struck from, in order, as text.
pub(super) fn headers_of(head: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(head);
    text.split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_rendered_without_the_coding_that_was_removed() {
        let mut headers = HeaderMap::new();
        headers.insert("transfer-encoding", HeaderValue::from_static("chunked"));
        assert_eq!(response_head(StatusCode::OK, None, &headers), b"HTTP/1.1 200 OK\r\n\r\n");
        headers.insert("transfer-encoding", HeaderValue::from_static("gzip, Chunked"));
        assert_eq!(
            response_head(StatusCode::OK, None, &headers),
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n"
        );
        headers.remove("transfer-encoding");
        headers.append("x-one", HeaderValue::from_static("1"));
        headers.append("x-one", HeaderValue::from_bytes(b"\xe9").unwrap());
        let head = response_head(StatusCode::OK, None, &headers);
        assert_eq!(head, b"HTTP/1.1 200 OK\r\nx-one: 1\r\nx-one: \xe9\r\n\r\n");
        assert_eq!(headers_of(&head)[0], ("x-one".to_owned(), "1".to_owned()));
    }

    #[test]
    fn a_request_is_rendered_with_its_body() {
        let out = Outgoing {
            method: reqwest::Method::POST,
            url: Url::parse("https://example.org:8443/q?a=1").unwrap(),
            headers: vec![("accept".parse().unwrap(), HeaderValue::from_static("*/*"))],
            body: Some(b"{}".to_vec()),
        };
        assert_eq!(
            out.render(),
            b"POST /q?a=1 HTTP/1.1\r\nhost: example.org:8443\r\naccept: */*\r\ncontent-length: 2\r\n\r\n{}"
        );
    }
}
