//! Does a rule cover an address?

use url::Url;

use crate::permission::{Entry, Match};

/// Whether a pattern over path and query covers a text: a prefix; `*` stands for any run, also none; a last `$` asks for the end.
///
/// Nothing else has a meaning, and letters are compared as they are: both sides are in normal form. Takes time proportional to the two
/// lengths together, whatever the number of `*`, because each piece between two `*` may be taken at its first occurrence.
#[must_use]
pub fn path_matches(pattern: &str, path_and_query: &str) -> bool {
    let (pattern, to_the_end) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = path_and_query.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        // The piece before the last `*` may lie anywhere; only the last one may have to reach the end.
        if let Some(waiting) = last.replace(piece) {
            match after_first(rest, waiting) {
                Some(after) => rest = after,
                None => return false,
            }
        }
    }
    match (last, to_the_end) {
        (None, to_the_end) => !to_the_end || rest.is_empty(),
        (Some(piece), true) => rest.ends_with(piece),
        (Some(piece), false) => rest.contains(piece),
    }
}

fn after_first<'a>(text: &'a str, piece: &str) -> Option<&'a str> {
    let at = text.find(piece)?;
    text.get(at + piece.len()..)
}

/// Whether a host pattern covers a host, both in normal form: the same, or below the name after `*.` (never that name itself).
#[must_use]
pub fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(below) if below.starts_with('.') => {
            host.len() > below.len() && host.ends_with(below) && !host.starts_with('.')
        }
        Some(_) => false,
        None => pattern == host,
    }
}

/// Whether a rule covers an address in normal form.
#[must_use]
pub fn rule_matches(rule: &Match, url: &Url) -> bool {
    same_authority(rule, url) && path_matches(&rule.path, &path_and_query(url))
}

/// Whether any rule of the entry covers an address in normal form.
#[must_use]
pub fn entry_matches(entry: &Entry, url: &Url) -> bool {
    entry.matches.iter().any(|rule| rule_matches(rule, url))
}

/// Whether a rule covers something on this scheme, host and port, so that its robots.txt is needed.
pub(crate) fn same_authority(rule: &Match, url: &Url) -> bool {
    let own = default_port(&rule.scheme);
    rule.scheme == url.scheme()
        && host_matches(&rule.host, url.host_str().unwrap_or_default())
        && rule.port.or(own) == url.port_or_known_default()
        && url.port_or_known_default().is_some()
}

/// Whether one of a collector's query endpoints covers an address in normal form.
///
/// A pattern is `scheme://host[:port]/path`, the host as in a match rule or `*` for any, the path as in [`path_matches`]. One that
/// begins with `/` is over path and query alone, for collectors whose hosts only the entry knows.
#[must_use]
pub fn query_matches(pattern: &str, url: &Url) -> bool {
    let path = path_and_query(url);
    if pattern.starts_with('/') {
        return path_matches(pattern, &path);
    }
    let Some((scheme, rest)) = pattern.split_once("://") else {
        return false;
    };
    let split = rest.find('/').unwrap_or(rest.len());
    let (authority, wanted) = rest.split_at(split);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => match port.parse::<u16>() {
            Ok(port) => (host, Some(port)),
            Err(_) => return false,
        },
        _ => (authority, default_port(scheme)),
    };
    let same_host = host == "*" || host_matches(host, url.host_str().unwrap_or_default());
    scheme == url.scheme()
        && same_host
        && port.is_some()
        && port == url.port_or_known_default()
        && path_matches(if wanted.is_empty() { "/" } else { wanted }, &path)
}

pub(crate) fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// `scheme://host:port`, port always written: how robots copies name an authority.
#[must_use]
pub fn authority_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}://{host}:{port}", url.scheme())
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}
