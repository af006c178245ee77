//! Fetches the robots.txt of an authority, through the gate, once.

use std::{borrow::Cow, sync::Arc};

use schemas::{
    gate::{MAX_HOPS, Origin, RobotsCopy},
    permission::Entry,
};
use url::Url;

use super::{
    FetchError,
    arrived::{Arrived, location},
    status,
    trip::{Ended, Leg, Trip},
};
use crate::{
    body::{Body, Spool},
    engine::HopResult,
    robots,
};

/// How a walk over the hops of a robots.txt ended.
struct Last {
    url: String,
    status: Option<u16>,
    redirects: u8,
    body: Vec<u8>,
    broken: bool,
}

impl Trip<'_> {
    /// The copy of the site's authority, fetched unless somebody else just did.
    ///
    /// What keeps us from asking at all (a spent budget, a pause, the gate) ends the trip and leaves no copy; an answer or the lack of one leaves a copy.
    pub async fn fetch_robots(&mut self, site: &Url, entry: &Entry) -> Result<Arc<RobotsCopy>, Ended> {
        let authority = schemas::gate::authority_of(site);
        let lock = self.web.site_lock(&authority);
        // Whoever holds it may need a turn for the answer.
        self.turn = None;
        let _held = lock.lock().await;
        let (again, now) = (self.web.limits.robots_again, self.web.now());
        if let Some(copy) = self.look(|rows| rows.now(|rows| robots::in_hand(rows, &authority, again, now)))? {
            return Ok(copy);
        }
        let last = self.walk_robots(site, entry).await?;
        let ended = robots::Ended {
            final_url: last.url,
            status: last.status,
            redirects: last.redirects,
            body: &last.body,
            broken: last.broken,
            at: self.web.now(),
        };
        let most = usize::try_from(self.web.limits.robots_bytes).unwrap_or(usize::MAX);
        let copy = Arc::new(robots::copy(&authority, ended, most));
        let kept = Arc::clone(&copy);
        self.rows(move |rows| robots::keep(rows, &kept)).await?;
        Ok(copy)
    }

    async fn walk_robots(&mut self, site: &Url, entry: &Entry) -> Result<Last, Ended> {
        let mut url = format!("{}/robots.txt", site.origin().ascii_serialization());
        let mut last = Last { url: url.clone(), status: None, redirects: 0, body: Vec::new(), broken: false };
        for hop in 0..=MAX_HOPS + 1 {
            let origin = Origin::Robots { hop };
            let leg = Leg { url: &url, origin: &origin, entry, credential: None };
            let arrived = match self.robots_hop(leg).await {
                Ok(arrived) => arrived,
                Err(ended) => match *ended {
                    // No answer: the site cannot be reached, and what an earlier hop said does not count.
                    HopResult::Failed { .. } => {
                        return Ok(Last { status: None, ..last });
                    }
                    // A redirect that is not permitted: the last answer stays the redirect.
                    HopResult::Refused { .. } if hop > 0 => return Ok(last),
                    other => return Err(Box::new(other)),
                },
            };
            last = self.last_of(&arrived, last.redirects).await?;
            let next = location(&arrived).filter(|_| matches!(arrived.status, 301..=303 | 307 | 308));
            match next.filter(|next| self.wanted.run.fits(next)) {
                Some(next) => {
                    last.redirects = last.redirects.saturating_add(1);
                    url = next;
                }
                None => return Ok(last),
            }
        }
        Ok(last)
    }

    async fn robots_hop(&mut self, leg: Leg<'_>) -> Result<Arrived, Ended> {
        match self.ask(leg, None).await? {
            Ok(allowed) => self.finish(leg, allowed).await,
            Err(judged) => Err(self.refuse(*judged).await),
        }
    }

    /// What an answer says of the file; a pause it asks for is kept.
    async fn last_of(&self, arrived: &Arrived, redirects: u8) -> Result<Last, Ended> {
        let now = self.web.now();
        if let Some(until) = status::asked_pause(arrived.status, &arrived.headers, now) {
            self.rest(&arrived.url, None, until).await?;
        }
        // A file longer than is read is no broken one: what was read counts.
        let cut_short = matches!(arrived.cut, Some(FetchError::TooLarge { .. }));
        let mut last = Last {
            url: arrived.url.to_string(),
            status: Some(arrived.status),
            redirects,
            body: Vec::new(),
            broken: arrived.cut.is_some() && !cut_short,
        };
        match rules_body(arrived, self.web.limits.robots_bytes).await {
            Some(body) => last.body = body,
            None => last.broken = true,
        }
        Ok(last)
    }
}

/// The body of an answer that holds a site's rules, the first `most` bytes of it where it came compressed although `identity` was asked for; nothing where
/// that cannot be undone.
pub(super) async fn rules_body(arrived: &Arrived, most: u64) -> Option<Vec<u8>> {
    let coded = status::header(&arrived.headers, "content-encoding")
        .is_some_and(|coding| !coding.is_empty() && coding != "identity");
    let raw = arrived.body().to_vec();
    if !coded {
        return Some(raw);
    }
    let (headers, cut) = (arrived.headers.clone(), arrived.cut.is_some());
    let open = move || Body::new(Spool::of(raw), &headers, cut).head(most).map(Cow::into_owned);
    tokio::task::spawn_blocking(open).await.ok()?.ok()
}
