//! Does what led to a request say so itself: the redirect, the reading, the copy of robots.txt?

use std::collections::HashMap;

use jiff::SignedDuration;

use super::{Found, address};
use crate::{
    capture::{Exchange, Line},
    gate::{GateAsk, MAX_HOPS, Origin, RobotsCopy},
    robots::RobotsOutcome,
    segment::{Capture, CaptureKind, Conversion, RecordAt, is_sealed},
    urlform,
};

/// How long after its fetch a robots.txt copy may be dated, beyond what the fetch took.
const SOON: SignedDuration = SignedDuration::from_secs(5);
/// Copies of robots.txt from this length on may be the beginning of a longer file.
const CUT_FROM: usize = 500 << 10;

impl Found<'_, '_> {
    /// A redirect comes from an answer that redirected here, a follow-up from a reading that asked for it.
    pub(super) fn origin(&mut self, position: usize, capture: &Capture<'_>) {
        let (unit, ask) = (capture.unit, capture.ask());
        let captures = &self.view.captures;
        let named = |id: &str| {
            let at = self.responses.get(id).filter(|at| **at < position)?;
            captures.get(*at).and_then(|other| match &other.kind {
                CaptureKind::Exchange(exchange) => Some((other, exchange)),
                _ => None,
            })
        };
        match &ask.origin {
            Origin::Redirect { from, hop } => match named(from) {
                None if self.whole => self.add(
                    unit,
                    "redirect",
                    "the response that is said to have redirected here is not in the segment before it",
                ),
                None => {}
                Some((other, exchange)) => {
                    let count = match exchange.ask.origin {
                        Origin::Redirect { hop, .. } => hop.saturating_add(1),
                        _ => 1,
                    };
                    if *hop != count || *hop > MAX_HOPS || !leads_to(other, exchange, ask) {
                        self.add(unit, "redirect", "the response it names did not redirect here");
                    }
                }
            },
            Origin::Robots { hop } if *hop > 0 => {
                let led =
                    position.checked_sub(1).and_then(|at| captures.get(at)).is_some_and(|other| match &other.kind {
                        CaptureKind::Exchange(exchange) => {
                            exchange.ask.origin == (Origin::Robots { hop: hop - 1 }) && leads_to(other, exchange, ask)
                        }
                        _ => false,
                    });
                if !led && self.whole {
                    self.add(unit, "redirect", "no response before it redirected the request for robots.txt here");
                }
            }
            Origin::Reservation { hop } if *hop > 0 => {
                // robots.txt of where it leads may be asked for in between.
                let mut before = captures.iter().take(position).rev();
                let led =
                    before.find(|other| !matches!(other.ask().origin, Origin::Robots { .. })).is_some_and(|other| {
                        match &other.kind {
                            CaptureKind::Exchange(exchange) => {
                                exchange.ask.origin == (Origin::Reservation { hop: hop - 1 })
                                    && leads_to(other, exchange, ask)
                            }
                            _ => false,
                        }
                    });
                if !led && self.whole {
                    self.add(
                        unit,
                        "redirect",
                        "no response before it redirected the request for the reservation file here",
                    );
                }
            }
            Origin::Follow { asked_by } => {
                if let Some((other, _)) = named(asked_by)
                    && other.conversion.is_some_and(|conversion| never_asked(conversion, ask))
                {
                    self.add(unit, "follow", "the reading it names did not ask for it");
                }
            }
            _ => {}
        }
    }
}

/// Where the segment holds the fetch that a copy of robots.txt was made from, the copy says the same. Where it does not, nothing is contradicted.
pub(super) fn as_answered(
    copy: &RobotsCopy,
    fetched: &HashMap<&str, Vec<(&Exchange, jiff::Timestamp, &RecordAt)>>,
) -> bool {
    let mut fetches = fetched
        .get(&*copy.final_url)
        .into_iter()
        .flatten()
        .filter(|(exchange, date, _)| {
            let took = SignedDuration::from_millis(i64::try_from(exchange.took_ms).unwrap_or(i64::MAX));
            let age = copy.fetched_at.duration_since(*date);
            age >= SignedDuration::ZERO && age <= took.saturating_add(SOON)
        })
        .peekable();
    let copied = decoded(copy).unwrap_or_default();
    let same = |response: &RecordAt| {
        if is_sealed(&response.record) {
            return true;
        }
        let Ok(head) = warc::http::parse(&response.record.block) else {
            return false;
        };
        let coded = head.get("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"));
        let body = response.record.block.get(head.body_offset..).unwrap_or_default();
        let whole = copied.len() == body.len() || copied.len() >= CUT_FROM;
        // Nothing is kept of an answer that forbids everything, and one that came compressed is kept decoded.
        let kept = copy.outcome != RobotsOutcome::Available || coded || (whole && body.starts_with(&copied));
        copy.status.is_none() || (copy.status == head.status() && kept)
    };
    fetches.peek().is_none() || fetches.any(|(_, _, response)| same(response))
}

fn decoded(copy: &RobotsCopy) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(&copy.body_base64).ok()
}

/// Whether the answer is a redirect to what is asked. An answer that was erased, or whose `Location` cannot be read as text, contradicts nothing.
fn leads_to(from: &Capture<'_>, exchange: &Exchange, ask: &GateAsk) -> bool {
    let Some(response) = from.response.filter(|response| !is_sealed(&response.record)) else {
        return true;
    };
    let Ok(head) = warc::http::parse(&response.record.block) else {
        return false;
    };
    if !matches!(head.status(), Some(301..=303 | 307 | 308)) {
        return false;
    }
    if head.get("location").is_some_and(|text| !text.is_ascii()) {
        return true;
    }
    let (Some(location), Some(base)) = (head.get("location"), address(exchange.decision.url.as_deref())) else {
        return false;
    };
    let absolute = base.join(location).map_or_else(|_| location.to_owned(), String::from);
    leads_by(&absolute, ask)
}

/// Whether a reading that is wholly at hand asked for other requests only.
fn never_asked(conversion: &Conversion, ask: &GateAsk) -> bool {
    let Some(Line::End(end)) = conversion.lines.last().map(|line| &line.line) else {
        return false;
    };
    // A halt may ask for another request, `want` for items whose addresses the collector makes; what is sealed asks for what is not seen here.
    if end.sealed || end.halt.is_some() || !end.want.is_empty() {
        return false;
    }
    let asked = |request: &serde_json::Value| {
        request.get("url").and_then(serde_json::Value::as_str).is_none_or(|url| leads_by(url, ask))
    };
    !end.next.iter().chain(&end.also).any(asked)
}

/// Whether whoever named this address led to what is asked: the same, or the same but for a credential that goes into the address. That is put at its end,
/// as `*`, in the place of any parameter of its name.
fn leads_by(named: &str, ask: &GateAsk) -> bool {
    let without_credential = || {
        let (before, last) = ask.url.rsplit_once(['?', '&']).filter(|_| ask.slot.is_some())?;
        let (name, value) = last.split_once('=')?;
        let is_veiled = !value.is_empty() && value.bytes().all(|byte| byte == b'*');
        is_veiled.then(|| same_address(&without(named, name), before))
    };
    same_address(named, &ask.url) || without_credential().unwrap_or(false)
}

/// An address without its parameters of a name.
fn without(address: &str, name: &str) -> String {
    let whole = address.split('#').next().unwrap_or_default();
    let (base, query) = whole.split_once('?').unwrap_or((whole, ""));
    let kept: Vec<&str> =
        query.split('&').filter(|part| !part.is_empty() && part.split('=').next() != Some(name)).collect();
    if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) }
}

fn same_address(left: &str, right: &str) -> bool {
    match (urlform::normal_form(left), urlform::normal_form(right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_without_the_credential_that_goes_in_it() {
        let bare = "https://api.example.org/videos?id=1";
        for (named, url, slot, leads) in [
            (bare, "https://api.example.org/videos?id=1&key=********", Some("key"), true),
            ("https://api.example.org/videos", "https://api.example.org/videos?key=********", Some("key"), true),
            (
                "https://api.example.org/videos?key=x&id=1#top",
                "https://api.example.org/videos?id=1&key=**",
                Some("key"),
                true,
            ),
            (bare, bare, Some("key"), true),
            (bare, "https://api.example.org/videos?id=", Some("key"), false),
            (bare, "https://api.example.org/videos?id=2&key=********", Some("key"), false),
            (bare, "https://api.example.org/videos?id=1&x=**", None, false),
        ] {
            let ask = GateAsk { url: url.to_owned(), slot: slot.map(str::to_owned), ..crate::segment::tests::ask() };
            assert_eq!(leads_by(named, &ask), leads, "{named} to {url}");
        }
    }
}
