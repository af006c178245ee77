//! One request of a walk, from the first question to the gate to what it means: redirects, credentials and pauses on the way.

use jiff::{SignedDuration, Timestamp};
use schemas::{
    gate::{DecisionCode, GateAsk, Origin},
    permission::{self, Entry},
};
use url::Url;

use super::{
    FetchError,
    arrived::{Arrived, answered, body_of, location},
    status,
    web::Web,
};
use crate::{
    budget::Rows,
    contract::{Method, Request, Slot},
    engine::{Hop, HopResult, Judged, Outcome, RunFacts, Turn, Wanted},
    gate::Gate,
    secrets::Credential,
};

/// One call of `exchange`.
pub(super) struct Trip<'a> {
    pub web: &'a Web,
    pub wanted: &'a Wanted<'a>,
    pub gate: Gate<'a>,
    pub trail: Vec<Hop>,
    /// The turn in which the last answer was read back from the file where it waited.
    pub turn: Turn,
}

/// A trip that ended before its answer: what it means for the walk.
pub(super) type Ended = Box<HopResult>;

/// One hop to be made.
#[derive(Clone, Copy)]
pub(super) struct Leg<'l> {
    pub url: &'l str,
    pub origin: &'l Origin,
    pub entry: &'l Entry,
    pub credential: Option<&'l Credential>,
}

impl<'a> Trip<'a> {
    pub fn new(web: &'a Web, wanted: &'a Wanted<'a>) -> Self {
        Self { web, wanted, gate: Gate::of(wanted.run), trail: Vec::new(), turn: None }
    }

    pub async fn make(mut self) -> Outcome {
        let result = match self.go().await {
            Ok(result) => result,
            Err(ended) => *ended,
        };
        Outcome { trail: self.trail, result }
    }

    /// The question for one hop, before anything is known of its name.
    pub fn question(
        run: &RunFacts,
        request: &Request<serde_json::Value>,
        url: &str,
        origin: Origin,
        at: Timestamp,
        spent_today: u32,
        slot: Option<String>,
    ) -> GateAsk {
        let chosen = match (&request.accept, &origin) {
            (Some(accept), Origin::Plan | Origin::Follow { .. } | Origin::Redirect { .. }) => {
                let all = ["accept", "accept-language"];
                all.iter()
                    .take(if accept.languages.is_empty() { 1 } else { 2 })
                    .map(|name| (*name).to_owned())
                    .collect()
            }
            _ => Vec::new(),
        };
        let get = origin.is_for_rules() || request.method == Method::Get;
        GateAsk {
            entry: run.entry.clone(),
            collector: run.collector.clone(),
            method: if get { permission::Method::Get } else { permission::Method::Post },
            url: url.to_owned(),
            headers: chosen,
            origin,
            at,
            spent_today,
            resolved: None,
            connected: None,
            slot,
        }
    }

    async fn go(&mut self) -> Result<HopResult, Ended> {
        let run = self.wanted.run;
        if let Some(why) = run.policy.stale(self.web.now()) {
            return Err(failed(why));
        }
        let Some(entry) = run.policy.entry(&run.entry) else {
            return Err(self.refused_outright(&self.wanted.request.url));
        };
        let mut credential = self.credential(entry)?;
        self.reserve().await?;
        let mut url = self.wanted.request.url.clone();
        let mut origin = self.wanted.origin.clone();
        let mut hops = 0;
        let mut refreshed = false;
        loop {
            let secret = credential.as_ref().filter(|credential| hops == 0 || self.is_home(credential, &url));
            let leg = Leg { url: &url, origin: &origin, entry, credential: secret };
            let arrived = self.hop(leg).await?;
            if let Some(next) = self.redirect(&arrived) {
                if !run.fits(&next) {
                    // Asking the gate would write the address down.
                    return Err(failed("it redirects to an address that could name a person".to_owned()));
                }
                hops += 1;
                origin = Origin::Redirect { from: arrived.id.clone(), hop: hops };
                url = next;
                continue;
            }
            if matches!(arrived.status, 401 | 403) && secret.is_some() && !refreshed {
                refreshed = true;
                // A person may have renewed the stored value since; the same one again would only be refused again.
                if let (Some(old), Some(new)) = (&credential, self.credential(entry)?)
                    && !old.same_value(&new)
                {
                    credential = Some(new.in_place_of(old));
                    continue;
                }
            }
            return self.meaning(arrived, secret.map(Credential::name)).await;
        }
    }

    /// The entry does not exist: the gate says so.
    fn refused_outright(&mut self, url: &str) -> Ended {
        let ask = Self::question(
            self.wanted.run,
            self.wanted.request,
            url,
            self.wanted.origin.clone(),
            self.web.now(),
            0,
            None,
        );
        match self.gate.ask(ask, None, self.wanted.attempt) {
            Err(judged) => self.refused(*judged),
            Ok(_) => failed(format!("entry `{}` is not in the policy", self.wanted.run.entry)),
        }
    }

    /// Reads the credential that the request asks for.
    fn credential(&self, entry: &Entry) -> Result<Option<Credential>, Ended> {
        let (run, request) = (self.wanted.run, self.wanted.request);
        let Some(name) = request.slots.first() else {
            return Ok(None);
        };
        if request.slots.len() > 1 {
            return Err(failed(format!(
                "the request asks for {} credentials; one is sent at most",
                request.slots.len()
            )));
        }
        let Some(slot) = run.slots.iter().find(|slot| slot.name == *name) else {
            return Err(failed(format!(
                "the request asks for slot `{name}`, which the manifest of `{}` does not declare",
                run.collector
            )));
        };
        self.web.vault.open(slot, entry).map(Some).map_err(|error| failed(super::chain(&error)))
    }

    /// Draws what the request may cost in the platform's units.
    async fn reserve(&mut self) -> Result<(), Ended> {
        let now = self.web.now();
        for (name, amount) in &self.wanted.request.reserve {
            let Some(unit) = self.web.unit(name).cloned() else {
                return Err(failed(format!("the request reserves `{name}`, which is no unit of the manifest")));
            };
            let (scope, amount) = (vec![format!("unit {name}")], *amount);
            let drawn = self.rows(move |rows| match Rows::resting(rows, &scope, now)? {
                Some(rest) => Ok(Err(rest.until)),
                None => Ok(Rows::reserve(rows, &unit, amount, now)?.map_err(|short| short.until)),
            });
            match drawn.await? {
                Ok(()) => self.web.remember(self.wanted.run, name, amount),
                Err(until) => {
                    return Err(Box::new(HopResult::RateLimited { until, scope: name.clone() }));
                }
            }
        }
        Ok(())
    }

    /// Whether a redirect stays where the request began, so that its credential may go along.
    fn is_home(&self, credential: &Credential, url: &str) -> bool {
        let (Ok(first), Ok(now)) = (Url::parse(&self.wanted.request.url), Url::parse(url)) else {
            return false;
        };
        first.origin() == now.origin() && credential.may_go_to(&now)
    }

    /// Where the answer leads, if it is a redirect that is followed.
    fn redirect(&self, arrived: &Arrived) -> Option<String> {
        let request = self.wanted.request;
        let keeps_method = matches!(arrived.status, 307 | 308);
        let followed = keeps_method || (matches!(arrived.status, 301..=303) && request.method == Method::Get);
        if !followed || request.stop_at_redirect {
            return None;
        }
        location(arrived)
    }

    /// What an answer that leads nowhere else means.
    async fn meaning(&mut self, arrived: Arrived, credential: Option<&str>) -> Result<HopResult, Ended> {
        let now = self.web.now();
        if let Some(until) = status::asked_pause(arrived.status, &arrived.headers, now) {
            self.rest(&arrived.url, credential, until).await?;
            return Ok(HopResult::RateLimited {
                until,
                scope: if credential.is_some() { "credential" } else { "host" }.to_owned(),
            });
        }
        if let Some(until) = status::used_up(&arrived.headers, now) {
            self.rest(&arrived.url, credential, until).await?;
        }
        let url = &arrived.url;
        match arrived.status {
            304 if self.wanted.validators.is_some() => return Ok(HopResult::NotModified),
            304 => {
                return Err(failed(format!("{url} answered 304 to a request without a condition")));
            }
            403 if self.tells_its_quota(&arrived, credential.is_some()) => {}
            401 | 403 => {
                let what = format!(
                    "{url} answered {}{}",
                    arrived.status,
                    credential.map_or_else(String::new, |name| format!(" to the credential `{name}`"))
                );
                return Ok(HopResult::Blocked { what });
            }
            500..=599 => return Err(failed(format!("{url} answered {}", arrived.status))),
            _ => {}
        }
        let body = body_of(&arrived, self.wanted.run.sealed());
        if matches!(arrived.status, 200..=299 | 403)
            && let Some(sign) = status::challenge(&arrived.headers, &body)
        {
            return Ok(HopResult::Blocked { what: format!("{url} answered with a challenge page: `{sign}`") });
        }
        match &arrived.cut {
            // The collector chose this bound, so it reads what came.
            Some(FetchError::TooLarge { limit_bytes, .. }) if self.wanted.request.up_to_bytes == Some(*limit_bytes) => {
            }
            Some(bound) => return Err(failed(bound.to_string())),
            None => {}
        }
        Ok(answered(arrived, body, self.turn.take()))
    }

    /// Whether a 403 may say that a quota is used up: whole, and to a credential of an interface that tells it so.
    fn tells_its_quota(&self, arrived: &Arrived, sent: bool) -> bool {
        let Wanted { run, request, .. } = self.wanted;
        let tells = |slot: &Slot| slot.quota_by_403 && request.slots.first() == Some(&slot.name);
        sent && arrived.cut.is_none() && request.stream.is_none() && run.slots.iter().any(tells)
    }

    /// Lets host or credential rest.
    pub async fn rest(&self, url: &Url, credential: Option<&str>, until: Timestamp) -> Result<(), Ended> {
        let now = self.web.now();
        let scope = match credential {
            Some(name) => format!("credential {name}"),
            None => format!("host {}", schemas::gate::authority_of(url)),
        };
        self.rows(move |rows| Rows::rest(rows, &scope, until, now)).await
    }

    /// Writes a refusal down and says what it means.
    pub fn refused(&mut self, judged: Judged) -> Ended {
        let (code, because) = (judged.decision.code, judged.decision.because.clone());
        let again = judged.robots.as_ref().map(|copy| copy.fetched_at);
        // The gate's words are the same wherever they are asked for again, and so know nothing of the attempt.
        let met = judged.robots.as_ref().map(|copy| match (self.trail.last(), copy.status) {
            (Some(Hop::Failed { error, .. }), None) => error.clone(),
            (_, None) => format!("{} did not answer at {:.0}", copy.final_url, copy.fetched_at),
            (_, Some(200..=299)) => format!("{} broke off at {:.0}", copy.final_url, copy.fetched_at),
            (_, Some(status)) => format!("{} answered {status} at {:.0}", copy.final_url, copy.fetched_at),
        });
        self.trail.push(Hop::Refused(judged));
        Box::new(match code {
            DecisionCode::RobotsUnreachable => HopResult::Failed {
                error: match met {
                    Some(met) => format!("{met}; {}", because.trim_start_matches("refused, because ")),
                    None => because,
                },
                retry_after: again.and_then(|at| {
                    at.checked_add(
                        SignedDuration::try_from(self.web.limits.robots_again).unwrap_or(SignedDuration::ZERO),
                    )
                    .ok()
                }),
            },
            code => HopResult::Refused { code, because },
        })
    }

    /// Runs a statement that writes; a database that refuses ends the trip.
    pub async fn rows<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Ended> {
        self.web.rows.with(work).await.map_err(|error| refused_by_rows(&error))
    }

    /// Looks something up, here and now.
    pub fn look<T>(&self, look: impl FnOnce(&Rows) -> rusqlite::Result<T>) -> Result<T, Ended> {
        look(&self.web.rows).map_err(|error| refused_by_rows(&error))
    }

    /// Counts one more request of the entry; gives how many were counted before it.
    pub async fn take(&self, entry: &Entry, now: Timestamp) -> Result<u32, Ended> {
        self.web.rows.take(&entry.id, entry.daily, now).await.map_err(|error| refused_by_rows(&error))
    }
}

fn refused_by_rows(error: &rusqlite::Error) -> Ended {
    failed(format!("the agent's database refused, so nothing was sent: {error}"))
}

pub(super) fn failed(error: String) -> Ended {
    Box::new(HopResult::Failed { error, retry_after: None })
}
