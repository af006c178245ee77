//! Fetches the reservation file of an authority, through the gate, once.

use schemas::{
    gate::{DecisionCode, MAX_HOPS, Origin, authority_of},
    reservation::{self, Reservation, ReservationFile, ReservationOutcome},
};
use url::Url;

use super::{
    arrived::{Arrived, location},
    robots_txt::rules_body,
    status,
    trip::{Ended, Leg, Trip},
};
use crate::{engine::HopResult, reservations};

impl Trip<'_> {
    /// What the site's file says of an address that the gate permits, where the collector heeds such files. Fetched unless it is in hand.
    ///
    /// It goes into the database with the segment that holds its answer: what a crash or a try lost is asked for again, so that pages rest on files that were
    /// kept.
    ///
    /// What keeps us from asking at all (a spent budget, a pause, the gate) ends the trip; an answer, the lack of one, and a robots.txt that forbids to ask
    /// leave a file that says so.
    pub async fn reserved(&mut self, leg: Leg<'_>, url: &Url) -> Result<Option<Reservation>, Ended> {
        if !self.wanted.run.reservations {
            return Ok(None);
        }
        let authority = authority_of(url);
        let lock = self.web.site_lock(&format!("reservations {authority}"));
        // Whoever holds it may need a turn for the answer.
        self.turn = None;
        let _held = lock.lock().await;
        let (again, now) = (self.web.unused.again(&authority, self.web.limits.robots_again), self.web.now());
        if let Some(file) = self.web.unstored.in_hand(&authority, again, now) {
            return Ok(Some(file.about(url)));
        }
        if let Some(file) = self.look(|rows| rows.now(|rows| reservations::in_hand(rows, &authority, again, now)))? {
            return Ok(Some(file.about(url)));
        }
        let file = self.walk_reservation(leg, url, authority).await?;
        let said = file.about(url);
        self.web.unstored.put(file);
        Ok(Some(said))
    }

    async fn walk_reservation(
        &mut self,
        leg: Leg<'_>,
        site: &Url,
        authority: String,
    ) -> Result<ReservationFile, Ended> {
        let mut url = format!("{}{}", site.origin().ascii_serialization(), reservation::PATH);
        let file = |fetched_at, said_by, (outcome, rules)| ReservationFile {
            authority: authority.clone(),
            said_by,
            fetched_at,
            outcome,
            rules,
        };
        let none = |outcome| (outcome, Vec::new());
        let mut last = file(self.web.now(), None, none(ReservationOutcome::Unreachable));
        for hop in 0..=MAX_HOPS + 1 {
            let origin = Origin::Reservation { hop };
            let leg = Leg { url: &url, origin: &origin, entry: leg.entry, credential: None };
            let arrived = match self.reservation_hop(leg).await {
                Ok(arrived) => arrived,
                Err(ended) => match *ended {
                    // What an earlier hop said does not count.
                    HopResult::Failed { .. } => {
                        return Ok(file(self.web.now(), None, none(ReservationOutcome::Unreachable)));
                    }
                    HopResult::Refused { code: DecisionCode::Robots, .. } if hop == 0 => {
                        return Ok(file(self.web.now(), None, none(ReservationOutcome::Forbidden)));
                    }
                    // A redirect that is not permitted: the last answer stays the redirect.
                    HopResult::Refused { .. } if hop > 0 => return Ok(last),
                    other => return Err(Box::new(other)),
                },
            };
            if let Some(until) = status::asked_pause(arrived.status, &arrived.headers, self.web.now()) {
                self.rest(&arrived.url, None, until).await?;
            }
            let body = rules_body(&arrived, reservation::MAX_BYTES + 1).await;
            // A body that came whole is wholly read now, and its turn is over.
            self.turn = None;
            let read = reservation::read(
                Some(arrived.status),
                body.as_deref().filter(|body| arrived.cut.is_none() && body.len() as u64 <= reservation::MAX_BYTES),
            );
            last = file(self.web.now(), Some(arrived.id.clone()), read);
            let next = location(&arrived).filter(|_| matches!(arrived.status, 301..=303 | 307 | 308));
            match next.filter(|next| self.wanted.run.fits(next)) {
                Some(next) => url = next,
                None => return Ok(last),
            }
        }
        Ok(last)
    }

    async fn reservation_hop(&mut self, leg: Leg<'_>) -> Result<Arrived, Ended> {
        let allowed = self.permit(leg).await?;
        self.finish(leg, allowed).await
    }
}
