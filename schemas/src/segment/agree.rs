//! Does a segment agree with itself? What its records say of each other, whatever any policy says.
//!
//! Registry and verifier ask the same: what the one takes in, the other must not call broken, or a single bad agent would spoil everybody's verdict.
//!
//! Works on whole segments and on parts of them; what is absent is passed over here and missed by the caller.

mod frame;
mod origin;
mod reading;
mod reservation;
mod vanished;

use std::collections::HashMap;

use jiff::SignedDuration;
use url::Url;
use warc::RecordType;

pub use frame::frame_contradictions;
use origin::as_answered;
pub use vanished::{Standing, VANISHED_CODE};

use super::{Capture, CaptureKind, RecordAt, Segment, View, is_sealed, tombstoned_units};
use crate::{capture::Exchange, gate::Origin, permission::Method, policy::CLOCK_TOLERANCE};

/// Something in a segment that contradicts something else in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Unit that says it.
    pub unit: u64,
    /// Which check, as one word that never changes its meaning.
    pub code: &'static str,
    /// What, for people; no full stop.
    pub what: String,
}

/// Everything in which the captures of a segment contradict their own records, readings and each other.
#[must_use]
pub fn contradictions(segment: &Segment, view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Found::new(segment, view);
    for (position, capture) in view.captures.iter().enumerate() {
        found.capture(position, capture);
    }
    for conversion in &view.loose {
        found.lines(conversion);
    }
    found.vanished();
    found.said
}

struct Found<'a, 'v> {
    segment: &'a Segment,
    view: &'a View<'v>,
    whole: bool,
    /// Position of the exchange of each response.
    responses: HashMap<&'a str, usize>,
    /// Responses to requests for robots.txt, by address: its exchange, its date.
    robots: HashMap<&'a str, Vec<(&'a Exchange, jiff::Timestamp, &'a RecordAt)>>,
    /// Whether a copy of robots.txt is what the site answered, by record id.
    copies: HashMap<&'a str, bool>,
    said: Vec<Contradiction>,
}

impl<'a, 'v> Found<'a, 'v> {
    fn new(segment: &'a Segment, view: &'a View<'v>) -> Self {
        let mut found = Self {
            segment,
            view,
            whole: tombstoned_units(segment).is_empty(),
            responses: HashMap::new(),
            robots: HashMap::new(),
            copies: HashMap::new(),
            said: Vec::new(),
        };
        for (position, capture) in view.captures.iter().enumerate() {
            let CaptureKind::Exchange(exchange) = &capture.kind else {
                continue;
            };
            found.responses.insert(&exchange.response, position);
            if let (Origin::Robots { .. }, Some(url), Some(response), Ok(date)) =
                (&exchange.ask.origin, &exchange.decision.url, capture.response, capture.date.parse())
            {
                found.robots.entry(url).or_default().push((exchange, date, response));
            }
        }
        found
    }

    fn add(&mut self, unit: u64, code: &'static str, what: impl Into<String>) {
        self.said.push(Contradiction { unit, code, what: what.into() });
    }

    fn capture(&mut self, position: usize, capture: &Capture<'_>) {
        let unit = capture.unit;
        let ask = capture.ask();
        let closed = self.segment.manifest.time.start() + SignedDuration::from_mins(1);
        if ask.at.duration_since(closed) > CLOCK_TOLERANCE {
            self.add(unit, "clock", format!("it says {}, after its segment was closed", ask.at));
        }
        let dated = capture.date.parse::<jiff::Timestamp>();
        if !dated.is_ok_and(|date| date.duration_since(ask.at).abs() <= CLOCK_TOLERANCE) {
            self.add(unit, "date", "its record is dated otherwise than the question to the gate");
        }
        if let Some((id, (at, copy))) = capture.robots().and_then(|id| self.view.robots.get_key_value(id)) {
            if *at > unit {
                self.add(unit, "robots", "the robots.txt copy it rests on stands after it");
            }
            let same = *self.copies.entry(id).or_insert_with(|| as_answered(copy, &self.robots));
            if !same {
                self.add(unit, "robots", "the robots.txt copy it rests on is not what the site answered");
            }
        }
        let version = match &capture.kind {
            CaptureKind::Exchange(exchange) => exchange.v,
            CaptureKind::Refused(refused) => refused.v,
            CaptureKind::Failed(failed) => failed.v,
        };
        if version != 1 {
            self.add(unit, "exchange", format!("format version {version} of its record is not known to this release"));
        }
        if let CaptureKind::Exchange(exchange) = &capture.kind {
            self.exchange(capture, exchange);
            self.origin(position, capture);
            self.reservation(position, capture, exchange);
        }
    }

    fn exchange(&mut self, capture: &Capture<'_>, exchange: &Exchange) {
        let unit = capture.unit;
        if let Some((_, run)) = &self.view.run
            && exchange.target != run.target.digest()
        {
            self.add(unit, "exchange", "it ran under another target than its run's");
        }
        let connected = exchange.ask.connected.map(|ip| ip.to_canonical());
        if let (Some(peer), Some(connected)) = (exchange.peer, connected)
            && peer.ip().to_canonical() != connected
        {
            self.add(unit, "exchange", "the peer is another address than the one that was judged");
        }
        for record in [capture.request, capture.response].into_iter().flatten() {
            self.record(record, capture, exchange);
        }
        if let Some(request) = capture.request.filter(|request| !is_sealed(&request.record)) {
            self.request(request, exchange);
        }
        if let Some(conversion) = capture.conversion {
            if !exchange.read {
                self.add(unit, "conversion", "a reading of an answer that was not given to the collector");
            }
            self.header(conversion, capture, exchange);
            self.lines(conversion);
        }
    }

    /// Digests, address, date and peer of a request or response.
    fn record(&mut self, at: &RecordAt, capture: &Capture<'_>, exchange: &Exchange) {
        let (unit, record) = (at.unit, &at.record);
        if record.get("WARC-Block-Digest") != Some(&*warc::digest_sha256(&record.block)) {
            self.add(unit, "block-digest", "WARC-Block-Digest is not the digest of the block");
        }
        if record.kind() == RecordType::Response && !is_sealed(record) {
            let body = warc::http::parse(&record.block).ok().and_then(|head| record.block.get(head.body_offset..));
            if record.get("WARC-Payload-Digest") != body.map(warc::digest_sha256).as_deref() {
                self.add(unit, "payload-digest", "WARC-Payload-Digest is not the digest of the body");
            }
        }
        if record.get("WARC-Target-URI") != exchange.decision.url.as_deref() {
            self.add(unit, "address", "WARC-Target-URI is not the address that was permitted");
        }
        if record.date() != capture.date {
            self.add(unit, "date", "request, response and decision bear different dates");
        }
        let ip = record.get("WARC-IP-Address").and_then(|text| text.parse::<std::net::IpAddr>().ok());
        if ip.map(|ip| ip.to_canonical()) != exchange.ask.connected.map(|ip| ip.to_canonical()) {
            self.add(unit, "address", "WARC-IP-Address is not the address that was judged");
        }
        let part = if record.kind() == RecordType::Request { "request" } else { "response" };
        // What stands in an age file is compared by those who can open it.
        let struck_here = exchange.struck.iter().filter(|struck| struck.part == part && !is_sealed(record));
        for struck in struck_here {
            let to = struck.from.saturating_add(struck.len);
            let stretch = usize::try_from(struck.from)
                .ok()
                .zip(usize::try_from(to).ok())
                .and_then(|(from, to)| record.block.get(from..to));
            if !stretch.is_some_and(|bytes| !bytes.is_empty() && bytes.iter().all(|byte| *byte == b'*')) {
                self.add(unit, "struck", "a stretch said to be struck out holds something else than `*`");
            }
            if exchange.ask.slot.as_ref() != Some(&struck.slot) {
                self.add(unit, "struck", "something was struck out for a credential that the request did not use");
            }
        }
    }

    /// The request that was sent is the one that was decided about.
    fn request(&mut self, at: &RecordAt, exchange: &Exchange) {
        let unit = at.unit;
        let (Ok(head), Some(url)) = (warc::http::parse(&at.record.block), address(exchange.decision.url.as_deref()))
        else {
            return self.add(unit, "request", "its block is no HTTP request to a permitted address");
        };
        let mut words = head.start_line.split(' ');
        let (method, target, version) = (words.next(), words.next(), words.next());
        let asked = match exchange.ask.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        // Where a secret stood in the address, `*` stands in both, as long as it was.
        let same = target == Some(&*path_and_query(&url));
        if method != Some(asked) || !same || version != Some("HTTP/1.1") || words.next().is_some() {
            self.add(
                unit,
                "request",
                format!("its request line is `{}`, not the request that was permitted", head.start_line.escape_debug()),
            );
        }
        let named = |name: &str| {
            head.headers
                .iter()
                .filter(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
                .collect::<Vec<_>>()
        };
        let host =
            url.host_str().map(|host| url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
        if !matches!(&named("host")[..], [one] if host.as_deref().is_some_and(|host| host.eq_ignore_ascii_case(one))) {
            self.add(unit, "request", "its `Host` is not the host that was permitted");
        }
        if !named("cookie").is_empty() {
            self.add(unit, "request", "it carried a cookie");
        }
    }
}

fn address(text: Option<&str>) -> Option<Url> {
    Url::parse(text?).ok()
}

fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}
