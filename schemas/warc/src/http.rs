//! What does a captured HTTP/1.1 message say, and how is one put together?
//!
//! A block of type `application/http` is a start line, header fields, an empty line and a body (RFC 9112, section 2).
//! Nothing is decoded: transfer and content codings stay as they were captured.

use crate::head::is_token;

/// Longest head taken apart or built, in bytes.
pub const MAX_HEAD_BYTES: usize = 256 << 10;
/// Most header fields in one head.
pub const MAX_HEADERS: usize = 1024;

/// Why a block is not an HTTP/1.1 message, or parts can't become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The block ends before an empty line closes the head.
    #[error("the message ends before its head does")]
    Truncated,
    /// The head is longer than [`MAX_HEAD_BYTES`].
    #[error("the head is longer than {MAX_HEAD_BYTES} bytes")]
    HeadTooLarge,
    /// There are more than [`MAX_HEADERS`] header fields.
    #[error("the head has more than {MAX_HEADERS} fields")]
    TooManyHeaders,
    /// The start line is neither a request line nor a status line.
    #[error("the start line is neither a request nor a status line")]
    StartLine,
    /// A header line is not `name: value`.
    #[error("line {line} of the head is not a header field")]
    Header {
        /// Line number, counting from 1.
        line: usize,
    },
    /// A part holds what would break the message apart: line breaks, NUL, white space in a name.
    #[error("`{part}` holds characters that would break the message apart")]
    Part {
        /// Which part: `method`, `target`, `reason`, or the header's name.
        part: String,
    },
    /// A status is not three digits.
    #[error("{status} is not an HTTP status (100 to 999)")]
    Status {
        /// The number.
        status: u16,
    },
}

/// The head of a captured message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `GET /a HTTP/1.1` or `HTTP/1.1 200 OK`, without its line end.
    pub start_line: String,
    /// Names and values in their order. A value that is not UTF-8 is read as ISO 8859-1; white space around it is cut.
    pub headers: Vec<(String, String)>,
    /// Where the body starts in the block; the block's length if there is none.
    pub body_offset: usize,
}

impl Head {
    /// The status code of a response, `None` for a request.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let mut words = self.start_line.split(' ');
        let version = words.next()?;
        let code = words.next()?;
        let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        if version.starts_with("HTTP/") && digits { code.parse().ok() } else { None }
    }

    /// The first header with this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Takes the head of a captured message apart. Bare LF and folded lines are understood, as RFC 9112 allows.
///
/// # Errors
///
/// [`HttpError`]; never panics, and holds no more than [`MAX_HEAD_BYTES`].
pub fn parse(block: &[u8]) -> Result<Head, HttpError> {
    let mut at = 0;
    let mut number = 0;
    let mut start_line = None;
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let end = block.len().min(MAX_HEAD_BYTES);
        let window = block.get(at..end).unwrap_or_default();
        let Some(length) = window.iter().position(|byte| *byte == b'\n') else {
            return Err(if block.len() > end { HttpError::HeadTooLarge } else { HttpError::Truncated });
        };
        at += length + 1;
        number += 1;
        let line = window.get(..length).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if start_line.is_none() {
            start_line = Some(start(line)?);
            continue;
        }
        if line.is_empty() {
            break;
        }
        if let ([b' ' | b'\t', ..], Some((_, value))) = (line, headers.last_mut()) {
            value.push(' ');
            value.push_str(&text(line.trim_ascii()));
            continue;
        }
        if headers.len() >= MAX_HEADERS {
            return Err(HttpError::TooManyHeaders);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(HttpError::Header { line: number })?;
        let name = text(line.get(..colon).unwrap_or_default().trim_ascii_end());
        if name.is_empty() {
            return Err(HttpError::Header { line: number });
        }
        headers.push((name, text(line.get(colon + 1..).unwrap_or_default().trim_ascii())));
    }
    Ok(Head { start_line: start_line.unwrap_or_default(), headers, body_offset: at })
}

/// Builds a response block: `HTTP/1.1 {status} {reason}`, the headers in their order, an empty line, the body.
///
/// HTTP/2 has no reason; an empty one keeps the space before it (RFC 9112, section 4). Header values are bytes and
/// stand as given.
///
/// # Errors
///
/// [`HttpError::Status`], [`HttpError::Part`], and the bounds of [`parse`].
pub fn response<N: AsRef<str>, V: AsRef<[u8]>>(
    status: u16,
    reason: &str,
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
) -> Result<Vec<u8>, HttpError> {
    if !(100..=999).contains(&status) {
        return Err(HttpError::Status { status });
    }
    if !is_line(reason.as_bytes()) {
        return Err(HttpError::Part { part: "reason".to_owned() });
    }
    message(format!("HTTP/1.1 {status} {reason}\r\n"), headers, body)
}

/// Builds a request block: `{method} {target} HTTP/1.1`, the headers in their order, an empty line, the body.
///
/// # Errors
///
/// [`HttpError::Part`] if the method is no token or the target is empty or holds white space; the bounds of [`parse`].
pub fn request<N: AsRef<str>, V: AsRef<[u8]>>(
    method: &str,
    target: &str,
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
) -> Result<Vec<u8>, HttpError> {
    if !is_token(method) {
        return Err(HttpError::Part { part: "method".to_owned() });
    }
    if target.is_empty() || target.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(HttpError::Part { part: "target".to_owned() });
    }
    message(format!("{method} {target} HTTP/1.1\r\n"), headers, body)
}

fn message<N: AsRef<str>, V: AsRef<[u8]>>(
    start_line: String,
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
) -> Result<Vec<u8>, HttpError> {
    let mut out = start_line.into_bytes();
    for (index, (name, value)) in headers.into_iter().enumerate() {
        let (name, value) = (name.as_ref(), value.as_ref());
        if index >= MAX_HEADERS {
            return Err(HttpError::TooManyHeaders);
        }
        if !is_token(name) || !is_line(value) {
            return Err(HttpError::Part { part: name.escape_debug().to_string() });
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    if out.len() > MAX_HEAD_BYTES {
        return Err(HttpError::HeadTooLarge);
    }
    out.extend_from_slice(body);
    Ok(out)
}

fn start(line: &[u8]) -> Result<String, HttpError> {
    let line = text(line);
    let mut words = line.split(' ');
    let first = words.next().unwrap_or_default();
    let response = first.starts_with("HTTP/") && words.next().is_some();
    let request = is_token(first) && line.rsplit(' ').next().is_some_and(|word| word.starts_with("HTTP/"));
    if response || request { Ok(line) } else { Err(HttpError::StartLine) }
}

/// UTF-8 where it is, else one character a byte (ISO 8859-1, what HTTP once meant).
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn is_line(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}
