//! Does what is said of a site's reservation file follow from that file?

use super::{Found, address};
use crate::{
    capture::Exchange,
    gate::{Origin, ROBOTS_MAX_AGE, authority_of},
    policy::CLOCK_TOLERANCE,
    reservation::{ReservationOutcome, ReservationRule, first, read},
    segment::{Capture, CaptureKind, RecordAt, is_sealed},
};

impl Found<'_, '_> {
    /// An answer's reservation is what the file says that it names. Where the segment does not hold that file, nothing is contradicted.
    pub(super) fn reservation(&mut self, position: usize, capture: &Capture<'_>, exchange: &Exchange) {
        let (unit, code) = (capture.unit, "reservation");
        let Some(said) = &exchange.reservation else { return };
        let age = exchange.ask.at.duration_since(said.fetched_at);
        if age > ROBOTS_MAX_AGE || age < -CLOCK_TOLERANCE {
            self.add(unit, code, format!("the reservation file of {} counts for 24 hours", said.fetched_at));
        }
        let answers = [ReservationOutcome::Read, ReservationOutcome::Absent, ReservationOutcome::Unreadable];
        let Some(named) = &said.said_by else {
            if answers.contains(&said.outcome) {
                self.add(unit, code, "it names no answer that says what is said of the reservation file");
            }
            return;
        };
        let Some(at) = self.responses.get(named.as_str()).copied() else { return };
        let file = self.view.captures.get(at).filter(|_| at < position);
        let Some((file, fetched)) = file.and_then(|file| match &file.kind {
            CaptureKind::Exchange(fetched) => Some((file, fetched)),
            _ => None,
        }) else {
            return self.add(unit, code, "the reservation file it rests on stands after it");
        };
        let authority = |exchange: &Exchange| address(exchange.decision.url.as_deref()).map(|url| authority_of(&url));
        // Redirects may have led elsewhere; whose file it is shows where its fetch began.
        let mut hops = self.view.captures.iter().take(at + 1).rev();
        let asked = hops.find_map(|capture| match &capture.kind {
            CaptureKind::Exchange(first) if first.ask.origin == (Origin::Reservation { hop: 0 }) => Some(first),
            _ => None,
        });
        let whose = asked.and_then(|first| authority(first));
        let is_file = matches!(fetched.ask.origin, Origin::Reservation { .. });
        if !is_file || (self.whole && whose != authority(exchange)) {
            return self.add(unit, code, "the answer it names is not this site's reservation file");
        }
        let url = address(exchange.decision.url.as_deref());
        if let (Some(response), Some(url)) = (file.response, url)
            && let Some((outcome, rules)) = answered(response, fetched)
            && (outcome != said.outcome || first(&rules, &url) != said.rule.as_ref())
        {
            self.add(unit, code, "the reservation file says otherwise");
        }
    }
}

/// What the stored answer says; nothing where it is sealed, or came compressed.
fn answered(response: &RecordAt, exchange: &Exchange) -> Option<(ReservationOutcome, Vec<ReservationRule>)> {
    if is_sealed(&response.record) {
        return None;
    }
    let head = warc::http::parse(&response.record.block).ok()?;
    if head.get("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return None;
    }
    let body = response.record.block.get(head.body_offset..).unwrap_or_default();
    Some(read(head.status(), exchange.truncated.is_none().then_some(body)))
}
