//! Does a segment agree with itself? What its records say of each other, whatever any policy says.
//!
//! Registry and verifier ask the same: what the one takes in, the other must not call broken, or a single bad agent would spoil everybody's verdict.
//!
//! Works on whole segments and on parts of them; what is absent is passed over here and missed by the caller.

use std::collections::HashMap;

use jiff::SignedDuration;
use url::Url;
use warc::{RecordType, http::Head};

use super::{Capture, CaptureKind, Conversion, RecordAt, Segment, View, tombstoned_units};
use crate::{
    canonical,
    capture::{Exchange, Line, Run},
    digest::Digest,
    gate::{GateAsk, MAX_HOPS, Origin, RobotsCopy},
    permission::Method,
    policy::{CLOCK_TOLERANCE, History, Policy},
    robots::RobotsOutcome,
    urlform,
};

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

/// How long after its fetch a robots.txt copy may be dated, beyond what the fetch took.
const SOON: SignedDuration = SignedDuration::from_secs(5);
/// Copies of robots.txt from this length on may be the beginning of a longer file.
const CUT_FROM: usize = 500 << 10;

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
    found.said
}

/// What start, run and commit record say of each other, of the manifest and of the policy that the run names.
///
/// `policy` is that of [`crate::judge::policy_of_run`], where it is known.
#[must_use]
pub fn frame_contradictions(
    history: &History,
    policy: Option<&Policy>,
    segment: &Segment,
    view: &View<'_>,
) -> Vec<Contradiction> {
    let mut found = Found::new(segment, view);
    found.start(history);
    if let Some((unit, run)) = &view.run {
        found.run(*unit, run, policy);
        if let Some((unit, commit)) = &view.commit {
            if commit.v != 1 {
                found.add(
                    *unit,
                    "commit",
                    format!(
                        "format version {} of a commit is not known to this release",
                        commit.v
                    ),
                );
            }
            if commit.run != run.id {
                found.add(
                    *unit,
                    "commit",
                    "the commit record names another run than the run record",
                );
            }
            if commit.coverage.target != run.target.id {
                found.add(
                    *unit,
                    "commit",
                    "its coverage is of another target than its run's",
                );
            }
        }
    }
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
            if let (Origin::Robots { .. }, Some(url), Some(response), Ok(date)) = (
                &exchange.ask.origin,
                &exchange.decision.url,
                capture.response,
                capture.date.parse(),
            ) {
                found
                    .robots
                    .entry(url)
                    .or_default()
                    .push((exchange, date, response));
            }
        }
        found
    }

    fn add(&mut self, unit: u64, code: &'static str, what: impl Into<String>) {
        self.said.push(Contradiction {
            unit,
            code,
            what: what.into(),
        });
    }

    fn start(&mut self, history: &History) {
        if self.view.info.is_empty() {
            return;
        }
        let fields = &self.view.info;
        let said = |name: &str| {
            fields
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let manifest = &self.segment.manifest;
        let known = said("vigie-segment") == Some("1");
        let own = said("vigie-agent") == Some(&manifest.agent)
            && said("vigie-seq") == Some(&manifest.seq.to_string());
        let root = said("vigie-root").and_then(|text| text.parse::<Digest>().ok());
        let trial = said("vigie-trial") == Some("true");
        if !known {
            self.add(
                0,
                "start",
                "the start record does not say `vigie-segment: 1`",
            );
        }
        if !own {
            self.add(
                0,
                "start",
                "the start record names another agent or number than the manifest",
            );
        }
        match root.and_then(|root| history.root_named(root)) {
            None => self.add(
                0,
                "start",
                "the start record names a trust root that the log does not hold",
            ),
            Some(root) if root.trial != trial => {
                self.add(
                    0,
                    "start",
                    "the start record and its trust root differ on whether this is a trial",
                );
            }
            Some(_) => {}
        }
        if let Some((_, run)) = &self.view.run
            && root.is_some_and(|root| root != run.root)
        {
            self.add(
                0,
                "start",
                "the start record names another trust root than the run record",
            );
        }
    }

    fn run(&mut self, unit: u64, run: &Run, policy: Option<&Policy>) {
        if run.v != 1 {
            self.add(
                unit,
                "run",
                format!(
                    "format version {} of a run is not known to this release",
                    run.v
                ),
            );
        }
        let Some(policy) = policy else { return };
        if policy.entry_digest(&run.target.entry) != Some(run.entry) {
            self.add(
                unit,
                "issue",
                "the policy issue does not hold the entry that the run names",
            );
        }
        let Some(entry) = policy.entry(&run.target.entry) else {
            return;
        };
        if !entry.seeds.contains(&run.target.url) {
            self.add(unit, "run", "its target is no seed of its entry");
        }
        let numbered = run.target.id.strip_prefix(&entry.id).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix('#')
                    .and_then(|number| number.parse::<usize>().ok())
                    .is_some_and(|number| (2..=entry.seeds.len()).contains(&number))
        });
        if !numbered {
            self.add(unit, "run", "its target is not named after its entry");
        }
    }

    fn capture(&mut self, position: usize, capture: &Capture<'_>) {
        let unit = capture.unit;
        let ask = capture.ask();
        let closed = self.segment.manifest.time.start() + SignedDuration::from_mins(1);
        if ask.at.duration_since(closed) > CLOCK_TOLERANCE {
            self.add(
                unit,
                "clock",
                format!("it says {}, after its segment was closed", ask.at),
            );
        }
        let dated = capture.date.parse::<jiff::Timestamp>();
        if !dated.is_ok_and(|date| date.duration_since(ask.at).abs() <= CLOCK_TOLERANCE) {
            self.add(
                unit,
                "date",
                "its record is dated otherwise than the question to the gate",
            );
        }
        if let Some((id, (at, copy))) = capture
            .robots()
            .and_then(|id| self.view.robots.get_key_value(id))
        {
            if *at > unit {
                self.add(
                    unit,
                    "robots",
                    "the robots.txt copy it rests on stands after it",
                );
            }
            let same = *self
                .copies
                .entry(id)
                .or_insert_with(|| as_answered(copy, &self.robots));
            if !same {
                self.add(
                    unit,
                    "robots",
                    "the robots.txt copy it rests on is not what the site answered",
                );
            }
        }
        let version = match &capture.kind {
            CaptureKind::Exchange(exchange) => exchange.v,
            CaptureKind::Refused(refused) => refused.v,
            CaptureKind::Failed(failed) => failed.v,
        };
        if version != 1 {
            self.add(
                unit,
                "exchange",
                format!("format version {version} of its record is not known to this release"),
            );
        }
        if let CaptureKind::Exchange(exchange) = &capture.kind {
            self.exchange(capture, exchange);
            self.origin(position, capture);
        }
    }

    fn exchange(&mut self, capture: &Capture<'_>, exchange: &Exchange) {
        let unit = capture.unit;
        if let Some((_, run)) = &self.view.run
            && exchange.target != run.target.digest()
        {
            self.add(
                unit,
                "exchange",
                "it ran under another target than its run's",
            );
        }
        let connected = exchange.ask.connected.map(|ip| ip.to_canonical());
        if let (Some(peer), Some(connected)) = (exchange.peer, connected)
            && peer.ip().to_canonical() != connected
        {
            self.add(
                unit,
                "exchange",
                "the peer is another address than the one that was judged",
            );
        }
        for record in [capture.request, capture.response].into_iter().flatten() {
            self.record(record, capture, exchange);
        }
        if let Some(request) = capture.request {
            self.request(request, exchange);
        }
        if let Some(conversion) = capture.conversion {
            if !exchange.read {
                self.add(
                    unit,
                    "conversion",
                    "a reading of an answer that was not given to the collector",
                );
            }
            self.header(conversion, capture, exchange);
            self.lines(conversion);
        }
    }

    /// Digests, address, date and peer of a request or response.
    fn record(&mut self, at: &RecordAt, capture: &Capture<'_>, exchange: &Exchange) {
        let (unit, record) = (at.unit, &at.record);
        if record.get("WARC-Block-Digest") != Some(&*warc::digest_sha256(&record.block)) {
            self.add(
                unit,
                "block-digest",
                "WARC-Block-Digest is not the digest of the block",
            );
        }
        if record.kind() == RecordType::Response {
            let body = warc::http::parse(&record.block)
                .ok()
                .and_then(|head| record.block.get(head.body_offset..));
            if record.get("WARC-Payload-Digest") != body.map(warc::digest_sha256).as_deref() {
                self.add(
                    unit,
                    "payload-digest",
                    "WARC-Payload-Digest is not the digest of the body",
                );
            }
        }
        if record.get("WARC-Target-URI") != exchange.decision.url.as_deref() {
            self.add(
                unit,
                "address",
                "WARC-Target-URI is not the address that was permitted",
            );
        }
        if record.date() != capture.date {
            self.add(
                unit,
                "date",
                "request, response and decision bear different dates",
            );
        }
        let ip = record
            .get("WARC-IP-Address")
            .and_then(|text| text.parse::<std::net::IpAddr>().ok());
        if ip.map(|ip| ip.to_canonical()) != exchange.ask.connected.map(|ip| ip.to_canonical()) {
            self.add(
                unit,
                "address",
                "WARC-IP-Address is not the address that was judged",
            );
        }
        let part = if record.kind() == RecordType::Request {
            "request"
        } else {
            "response"
        };
        for struck in exchange.struck.iter().filter(|struck| struck.part == part) {
            let to = struck.from.saturating_add(struck.len);
            let stretch = usize::try_from(struck.from)
                .ok()
                .zip(usize::try_from(to).ok())
                .and_then(|(from, to)| record.block.get(from..to));
            if !stretch
                .is_some_and(|bytes| !bytes.is_empty() && bytes.iter().all(|byte| *byte == b'*'))
            {
                self.add(
                    unit,
                    "struck",
                    "a stretch said to be struck out holds something else than `*`",
                );
            }
            if exchange.ask.slot.as_ref() != Some(&struck.slot) {
                self.add(
                    unit,
                    "struck",
                    "something was struck out for a credential that the request did not use",
                );
            }
        }
    }

    /// The request that was sent is the one that was decided about.
    fn request(&mut self, at: &RecordAt, exchange: &Exchange) {
        let unit = at.unit;
        let (Ok(head), Some(url)) = (
            warc::http::parse(&at.record.block),
            address(exchange.decision.url.as_deref()),
        ) else {
            return self.add(
                unit,
                "request",
                "its block is no HTTP request to a permitted address",
            );
        };
        let mut words = head.start_line.split(' ');
        let (method, target, version) = (words.next(), words.next(), words.next());
        let asked = match exchange.ask.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        // A secret may have stood in the address: then its length is no longer that of the address decided about.
        let veiled = exchange
            .struck
            .iter()
            .any(|struck| struck.part == "request" && struck.from < head.start_line.len() as u64);
        let same = target == Some(&*path_and_query(&url)) || (veiled && target.is_some());
        if method != Some(asked) || !same || version != Some("HTTP/1.1") || words.next().is_some() {
            self.add(
                unit,
                "request",
                format!(
                    "its request line is `{}`, not the request that was permitted",
                    head.start_line.escape_debug()
                ),
            );
        }
        let named = |name: &str| {
            head.headers
                .iter()
                .filter(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
                .collect::<Vec<_>>()
        };
        let host = url.host_str().map(|host| {
            url.port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
        });
        if !matches!(&named("host")[..], [one] if host.as_deref().is_some_and(|host| host.eq_ignore_ascii_case(one)))
        {
            self.add(
                unit,
                "request",
                "its `Host` is not the host that was permitted",
            );
        }
        if !named("cookie").is_empty() {
            self.add(unit, "request", "it carried a cookie");
        }
    }

    /// A redirect comes from an answer that redirected here, a follow-up from a reading that asked for it.
    fn origin(&mut self, position: usize, capture: &Capture<'_>) {
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
                None if self.whole => self.add(unit, "redirect", "the response that is said to have redirected here is not in the segment before it"),
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
                let led = position.checked_sub(1).and_then(|at| captures.get(at)).is_some_and(|other| match &other.kind {
                    CaptureKind::Exchange(exchange) => {
                        exchange.ask.origin == (Origin::Robots { hop: hop - 1 }) && leads_to(other, exchange, ask)
                    }
                    _ => false,
                });
                if !led && self.whole {
                    self.add(unit, "redirect", "no response before it redirected the request for robots.txt here");
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

    fn header(&mut self, conversion: &Conversion, capture: &Capture<'_>, exchange: &Exchange) {
        let Some((unit, Line::Header(header))) = conversion
            .lines
            .first()
            .map(|first| (first.unit, &first.line))
        else {
            return;
        };
        let step = canonical::to_canonical(&exchange.step)
            .ok()
            .map(|bytes| Digest::of(&bytes));
        if header.response != exchange.response
            || header.captured_at != capture.date
            || Some(header.step) != step
        {
            self.add(
                unit,
                "conversion",
                "its header names another response, date or step than the exchange",
            );
        }
    }

    fn lines(&mut self, conversion: &Conversion) {
        let mut items = Vec::new();
        let mut counts = [0_u64; 3];
        let last = conversion.lines.len().saturating_sub(1);
        for (number, at) in conversion.lines.iter().enumerate() {
            let unit = at.unit;
            match &at.line {
                Line::Header(header) => {
                    if number != 0 || header.v != 1 {
                        self.add(
                            unit,
                            "conversion",
                            "a header that is not the first line, or of another version",
                        );
                    }
                    if self
                        .view
                        .run
                        .as_ref()
                        .is_some_and(|(_, run)| run.reader.name != header.reader.name)
                    {
                        self.add(
                            unit,
                            "conversion",
                            "it was read by another collector than its run's",
                        );
                    }
                }
                Line::Record(line) => {
                    counts[0] += 1;
                    match line.item.content_hash() {
                        Ok(content) if content == line.content => {}
                        Ok(_) => self.add(
                            unit,
                            "content",
                            "the content hash is not that of the record",
                        ),
                        Err(why) => self.add(
                            unit,
                            "content",
                            format!("the record has no content hash: {why}"),
                        ),
                    }
                }
                Line::Gone(_) => counts[1] += 1,
                Line::Unreadable(_) => counts[2] += 1,
                Line::End(end) => {
                    if number != last {
                        self.add(unit, "conversion", "an end that is not the last line");
                    }
                    if complete(conversion) {
                        if end.counts != counts {
                            self.add(unit, "reading", "its end counts other lines than there are");
                        }
                        if end.items.is_some_and(|said| said != Digest::of(&items)) {
                            self.add(unit, "reading", "its end names other lines than there are");
                        }
                    }
                }
                Line::Tombstone(_) => {}
            }
            if !matches!(at.line, Line::Header(_) | Line::End(_)) {
                items.extend_from_slice(&Digest::of(&at.said).0);
            }
        }
        let ends = conversion
            .lines
            .last()
            .is_some_and(|line| matches!(line.line, Line::End(_)));
        if self.whole && !ends {
            let unit = conversion.lines.last().map_or(0, |line| line.unit);
            self.add(unit, "conversion", "its last line is no end");
        }
    }
}

/// Whether all lines of a reading are at hand, from its header on.
fn complete(conversion: &Conversion) -> bool {
    let (Some(first), Some(last)) = (conversion.lines.first(), conversion.lines.last()) else {
        return false;
    };
    let gone = conversion
        .lines
        .iter()
        .any(|line| matches!(line.line, Line::Tombstone(_)));
    matches!(first.line, Line::Header(_))
        && !gone
        && last.unit.checked_sub(first.unit) == Some(conversion.lines.len() as u64 - 1)
}

/// Where the segment holds the fetch that a copy of robots.txt was made from, the copy says the same. Where it does not, nothing is contradicted.
fn as_answered(
    copy: &RobotsCopy,
    fetched: &HashMap<&str, Vec<(&Exchange, jiff::Timestamp, &RecordAt)>>,
) -> bool {
    let mut fetches = fetched
        .get(&*copy.final_url)
        .into_iter()
        .flatten()
        .filter(|(exchange, date, _)| {
            let took =
                SignedDuration::from_millis(i64::try_from(exchange.took_ms).unwrap_or(i64::MAX));
            let age = copy.fetched_at.duration_since(*date);
            age >= SignedDuration::ZERO && age <= took.saturating_add(SOON)
        })
        .peekable();
    let copied = decoded(copy).unwrap_or_default();
    let same = |response: &RecordAt| {
        let Ok(head) = warc::http::parse(&response.record.block) else {
            return false;
        };
        let coded = head
            .get("content-encoding")
            .is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"));
        let body = response
            .record
            .block
            .get(head.body_offset..)
            .unwrap_or_default();
        let whole = copied.len() == body.len() || copied.len() >= CUT_FROM;
        // Nothing is kept of an answer that forbids everything, and one that came compressed is kept decoded.
        let kept = copy.outcome != RobotsOutcome::Available
            || coded
            || (whole && body.starts_with(&copied));
        copy.status.is_none() || (copy.status == head.status() && kept)
    };
    fetches.peek().is_none() || fetches.any(|(_, _, response)| same(response))
}

fn decoded(copy: &RobotsCopy) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(&copy.body_base64)
        .ok()
}

fn address(text: Option<&str>) -> Option<Url> {
    Url::parse(text?).ok()
}

fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    )
}

/// Whether the answer is a redirect to what is asked. An answer that was erased, or whose `Location` cannot be read as text, contradicts nothing.
fn leads_to(from: &Capture<'_>, exchange: &Exchange, ask: &GateAsk) -> bool {
    let Some(response) = from.response else {
        return true;
    };
    let Ok(head) = warc::http::parse(&response.record.block) else {
        return false;
    };
    if !matches!(head.status(), Some(301..=303 | 307 | 308)) {
        return false;
    }
    let unclear = |head: &Head| {
        !exchange.struck.is_empty() || head.get("location").is_some_and(|text| !text.is_ascii())
    };
    if unclear(&head) {
        return true;
    }
    let (Some(location), Some(base)) = (
        head.get("location"),
        address(exchange.decision.url.as_deref()),
    ) else {
        return false;
    };
    let absolute = base
        .join(location)
        .map_or_else(|_| location.to_owned(), String::from);
    same_address(&absolute, &ask.url)
}

/// Whether a reading that is wholly at hand asked for other requests only.
fn never_asked(conversion: &Conversion, ask: &GateAsk) -> bool {
    let Some(Line::End(end)) = conversion.lines.last().map(|line| &line.line) else {
        return false;
    };
    // A halt may ask for another request, `want` for items whose addresses the collector makes.
    if end.halt.is_some() || !end.want.is_empty() {
        return false;
    }
    let asked = |request: &serde_json::Value| {
        request
            .get("url")
            .and_then(serde_json::Value::as_str)
            .is_none_or(|url| same_address(url, &ask.url))
    };
    !end.next.iter().chain(&end.also).any(asked)
}

fn same_address(left: &str, right: &str) -> bool {
    match (urlform::normal_form(left), urlform::normal_form(right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => left == right,
    }
}
