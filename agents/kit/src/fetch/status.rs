//! What does an answer's head mean for the walk, before anybody reads it?

use std::io::Read;

use flate2::read::GzDecoder;
use jiff::{SignedDuration, Timestamp};

use crate::body::{Body, challenge};

/// Pause where a source asks for one without saying how long: 15 minutes.
const DEFAULT_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// Longest pause that is believed: a day.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// The first header of this name.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The pause an answer asks for: 429 always, by `Retry-After` or else by its rate headers; 503 where it says how long (RFC 9110, section 10.2.3). A
/// day at most.
pub(super) fn asked_pause(status: u16, headers: &[(String, String)], now: Timestamp) -> Option<Timestamp> {
    let said = header(headers, "retry-after").and_then(|value| pause(value, now));
    match (status, said) {
        (429, said) => Some(said.or_else(|| used_up(headers, now)).unwrap_or_else(|| after(now, DEFAULT_PAUSE))),
        (503, said) => said,
        _ => None,
    }
}

/// The rest that rate headers ask for once nothing remains: `x-ratelimit-*`, `x-rate-limit-*`, `ratelimit-*`; the end as seconds from now, seconds
/// since 1970, or an RFC 3339 instant. A day at most.
pub(super) fn used_up(headers: &[(String, String)], now: Timestamp) -> Option<Timestamp> {
    ["x-ratelimit-", "x-rate-limit-", "ratelimit-"].iter().find_map(|family| {
        let remaining = header(headers, &format!("{family}remaining"))?;
        if remaining.parse::<u64>().ok()? > 0 {
            return None;
        }
        let reset = header(headers, &format!("{family}reset"))?;
        let until = match reset.parse::<i64>() {
            Ok(secs) if secs > 1_000_000_000 => Timestamp::from_second(secs).ok()?,
            Ok(secs) if secs >= 0 => after(now, SignedDuration::from_secs(secs)),
            Ok(_) => return None,
            Err(_) => reset.parse().ok()?,
        };
        Some(bounded(until, now))
    })
}

fn pause(value: &str, now: Timestamp) -> Option<Timestamp> {
    let until = match value.parse::<u64>() {
        Ok(secs) => after(now, SignedDuration::from_secs(i64::try_from(secs).unwrap_or(i64::MAX))),
        Err(_) => jiff::fmt::rfc2822::parse(value).ok()?.timestamp(),
    };
    Some(bounded(until, now))
}

fn bounded(until: Timestamp, now: Timestamp) -> Timestamp {
    until.clamp(after(now, SignedDuration::from_secs(1)), after(now, LONGEST_PAUSE))
}

fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The sign by which a 200 is a challenge page and no answer.
///
/// gzip is undone as far as the signs may lie; pages in other codings are judged when they are read.
pub(super) fn challenge(headers: &[(String, String)], body: &Body) -> Option<String> {
    if let Some(named) = challenge::named(|name| header(headers, name)) {
        return Some(named.to_owned());
    }
    let media_type = header(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    if !media_type.starts_with("text/html") && !media_type.starts_with("application/xhtml") {
        return None;
    }
    let codings = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    let codings: Vec<&str> = codings.map(|(_, value)| value.trim()).collect();
    let mark = match *codings {
        // Whoever reads the page asks the body again, and is told the same.
        [] | ["identity" | ""] => body.mark().ok().flatten(),
        ["gzip" | "x-gzip"] => {
            let mut unpacked = Vec::new();
            // What was unpacked before an error may hold the sign all the same.
            let _unpacked =
                GzDecoder::new(body.raw().reader()).take(challenge::WITHIN_BYTES).read_to_end(&mut unpacked);
            challenge::mark(&unpacked.to_ascii_lowercase())
        }
        _ => None,
    };
    mark.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::body::Spool;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-22T12:00:00Z";

    #[test]
    fn pauses_are_read_in_seconds_and_as_dates_and_bounded() {
        let cases = [
            (429, Some("30"), Some("2026-11-22T12:00:30Z")),
            (503, Some("Sun, 22 Nov 2026 12:10:00 GMT"), Some("2026-11-22T12:10:00Z")),
            (429, Some("999999999999999999"), Some("2026-11-23T12:00:00Z")),
            (429, Some("Sun, 22 Nov 2020 12:10:00 GMT"), Some("2026-11-22T12:00:01Z")),
            (429, Some("soon"), Some("2026-11-22T12:15:00Z")),
            (429, None, Some("2026-11-22T12:15:00Z")),
            (503, None, None),
            (503, Some("-1"), None),
            (200, Some("30"), None),
        ];
        for (status, said, until) in cases {
            let headers = said.map_or_else(Vec::new, |said| headers(&[("Retry-After", said)]));
            assert_eq!(asked_pause(status, &headers, at(NOW)), until.map(at), "{status} {said:?}");
        }
    }

    #[test]
    fn rate_headers_count_once_nothing_remains() {
        let seen = |pairs: &[(&str, &str)]| used_up(&headers(pairs), at(NOW));
        assert_eq!(seen(&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "60")]), None);
        assert_eq!(
            seen(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")]),
            Some(at("2026-11-22T12:01:00Z"))
        );
        assert_eq!(
            seen(&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "2026-11-22T12:05:00.000Z")]),
            Some(at("2026-11-22T12:05:00Z"))
        );
        assert_eq!(
            seen(&[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "1795348860")]),
            Some(at("2026-11-22T12:01:00Z"))
        );
        assert_eq!(seen(&[("ratelimit-remaining", "0")]), None);
        // Mastodon sends no `Retry-After` with its 429.
        let busy = headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2026-11-22T12:00:09.5Z")]);
        assert_eq!(asked_pause(429, &busy, at(NOW)), Some(at("2026-11-22T12:00:09.5Z")));
    }

    fn sign(headers: &[(String, String)], body: &[u8]) -> Option<String> {
        challenge(headers, &Body::new(Spool::of(body.to_vec()), headers, false))
    }

    #[test]
    fn a_challenge_is_known_by_its_signs_in_pages_only() {
        let page = b"<html><head><title>Just a moment...</title></head>";
        let html = headers(&[("content-type", "text/html; charset=utf-8")]);
        assert!(sign(&html, page).is_some());
        assert!(sign(&headers(&[("content-type", "application/atom+xml")]), page).is_none());
        assert!(sign(&html, b"<html><p>They wrote about captchas.").is_none());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(page).unwrap();
        let packed = headers(&[("content-type", "text/html"), ("content-encoding", "gzip")]);
        assert!(sign(&packed, &gzip.finish().unwrap()).is_some());
        assert!(sign(&headers(&[("cf-mitigated", "challenge")]), b"").is_some());
    }
}
