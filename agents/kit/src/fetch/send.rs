//! One hop: permitted, paced, counted, sent.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use schemas::{
    gate::{DecisionCode, Origin, RobotsCopy},
    permission::RobotsRule,
    reservation, urlform,
};
use url::Url;

use super::{
    FetchError,
    arrived::Arrived,
    chain,
    receive::{self, Begun, Incoming, Taken},
    stream::{Flow, is_stream},
    trip::{Ended, Leg, Trip, failed},
    wire::Outgoing,
};
use crate::{
    budget::Rows,
    contract::Part,
    engine::{Hop, HopResult, Judged, Open},
    gate::{Allowed, Permitted},
    robots,
};

/// Longest crawl delay that is kept; longer ones count as this.
const LONGEST_CRAWL_DELAY: Duration = Duration::from_secs(60);

impl Trip<'_> {
    /// Makes one hop of the request, with what the site reserves where the collector heeds it.
    pub async fn hop(&mut self, leg: Leg<'_>) -> Result<Arrived, Ended> {
        let allowed = self.permit(leg).await?;
        let reservation = self.reserved(leg, allowed.url()).await?;
        let authority = reservation.is_some().then(|| schemas::gate::authority_of(allowed.url()));
        let arrived = self.finish(leg, allowed).await;
        if let Some(authority) = authority {
            let waits = matches!(&arrived, Err(ended) if matches!(**ended, HopResult::RateLimited { .. }));
            self.web.unused.note(authority, waits);
        }
        let arrived = arrived?;
        if let Some(Hop::Fetched(fetched)) = self.trail.get_mut(arrived.hop) {
            fetched.reservation = reservation;
        }
        Ok(arrived)
    }

    /// Asks the gate, fetching robots.txt where it is needed.
    pub async fn permit(&mut self, leg: Leg<'_>) -> Result<Allowed, Ended> {
        let copy = self.robots_in_hand(leg).await?;
        let judged = match self.ask(leg, copy).await? {
            Ok(allowed) => return Ok(allowed),
            Err(judged) => judged,
        };
        let missing = matches!(judged.decision.code, DecisionCode::RobotsMissing | DecisionCode::RobotsStale);
        let site = judged.decision.url.as_deref().and_then(|url| Url::parse(url).ok()).filter(|_| missing);
        let Some(site) = site else {
            return Err(self.refuse(*judged).await);
        };
        let copy = self.fetch_robots(&site, leg.entry).await?;
        match self.ask(leg, Some(copy)).await? {
            Ok(allowed) => Ok(allowed),
            Err(judged) => Err(self.refuse(*judged).await),
        }
    }

    pub async fn robots_in_hand(&self, leg: Leg<'_>) -> Result<Option<Arc<RobotsCopy>>, Ended> {
        let url = urlform::normal_form(leg.url).ok();
        let Some(url) = url.filter(|_| leg.entry.robots == RobotsRule::Obey) else {
            return Ok(None);
        };
        let (authority, again, now) = (schemas::gate::authority_of(&url), self.web.limits.robots_again, self.web.now());
        self.look(|rows| rows.now(|rows| robots::in_hand(rows, &authority, again, now)))
    }

    /// Asks the gate about a hop with what is known now.
    pub async fn ask(
        &self,
        leg: Leg<'_>,
        copy: Option<Arc<RobotsCopy>>,
    ) -> Result<Result<Allowed, Box<Judged>>, Ended> {
        let (run, now) = (self.wanted.run, self.web.now());
        let spent = self.look(|rows| rows.spent(&run.entry, now))?;
        let slot = leg.credential.map(|credential| credential.name().to_owned());
        let url = leg.credential.map_or_else(|| leg.url.to_owned(), |credential| credential.veiled(leg.url));
        let ask = Self::question(run, self.wanted.request, &url, leg.origin.clone(), now, spent, slot);
        Ok(self.gate.ask(ask, copy, self.wanted.attempt))
    }

    /// Writes a refusal down; a spent budget is a pause until it refills.
    pub async fn refuse(&mut self, judged: Judged) -> Ended {
        let spent = judged.decision.code == DecisionCode::Budget;
        let ended = self.refused(judged);
        if !spent {
            return ended;
        }
        let (entry, now) = (&self.wanted.run.entry, self.web.now());
        match self.look(|rows| rows.now(|rows| Rows::day_ends(rows, entry, now))) {
            Ok(until) => Box::new(HopResult::RateLimited { until, scope: "daily budget".to_owned() }),
            Err(ended) => ended,
        }
    }

    /// From the gate's first yes to the answer.
    pub async fn finish(&mut self, leg: Leg<'_>, allowed: Allowed) -> Result<Arrived, Ended> {
        // Nobody waits for the network, or for a second turn, in a turn: not in that of a robots.txt, or of a redirect, either.
        self.turn = None;
        if let Some(credential) = leg.credential
            && !credential.may_go_to(allowed.url())
        {
            let because = format!("the credential `{}` is not for {}", credential.name(), allowed.url());
            self.trail.push(Hop::Failed { judged: allowed.judged().clone(), error: because.clone() });
            return Err(Box::new(HopResult::Refused { code: DecisionCode::Credential, because }));
        }
        self.wait(leg, &allowed).await?;
        let found = match allowed.literal() {
            Some(_) => None,
            None => Some(self.look_up(&allowed).await?),
        };
        let permitted = self.count(leg, allowed, found.as_deref()).await?;
        let out = self.outgoing(leg, &permitted)?;
        let at = permitted.judged().ask.at;
        let received = receive::send(&self.web.clients, &self.web.limits, &permitted, &out).await;
        let host = pace_key(permitted.url());
        let received = match received {
            Ok(begun) if self.opens(leg) && is_stream(&begun.incoming) => {
                self.felt(&host, leg, true);
                return Err(self.open(leg, &permitted, begun, out, at).await);
            }
            Ok(begun) => {
                let url = permitted.url().as_str();
                let taken = Taken { url, most_bytes: self.most_bytes(leg), memory_only: self.wanted.run.sealed() };
                begun.whole(&self.web.limits, taken).await
            }
            Err(error) => Err(error),
        };
        let (incoming, turn) = match received {
            Ok(received) => received,
            Err(error) => {
                self.felt(&host, leg, false);
                return Err(self.no_answer(permitted.judged().clone(), leg, &error.to_string()));
            }
        };
        self.turn = turn;
        let sound = incoming.cut.is_none() && incoming.status < 500 && incoming.status != 429;
        self.felt(&host, leg, sound);
        let judged = match self.met(&permitted, &incoming) {
            Ok(judged) => judged,
            Err(judged) => return Err(self.refuse(*judged).await),
        };
        self.write_down(leg, judged, at, permitted.url(), &out, incoming, Part::WHOLE).await
    }

    const fn opens(&self, leg: Leg<'_>) -> bool {
        self.wanted.request.stream.is_some() && !leg.origin.is_for_rules()
    }

    /// Hands an open connection over.
    async fn open(&mut self, leg: Leg<'_>, permitted: &Permitted, begun: Begun, out: Outgoing, at: Timestamp) -> Ended {
        let judged = match self.met(permitted, &begun.incoming) {
            Ok(judged) => judged,
            Err(judged) => return self.refuse(*judged).await,
        };
        let url = permitted.url().clone();
        match Flow::begin(begun, leg, url, out, judged.clone(), at) {
            Ok(flow) => Box::new(HopResult::Opened(Open(Box::new(flow)))),
            Err(why) => self.no_answer(judged, leg, &why),
        }
    }

    /// The last question, with the peer. A connection without a known peer is not believed.
    fn met(&self, permitted: &Permitted, incoming: &Incoming) -> Result<Judged, Box<Judged>> {
        let peer = incoming.peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
        permitted.met(&self.gate, peer)
    }

    fn felt(&self, host: &str, leg: Leg<'_>, good: bool) {
        self.web.pace.felt(host, good);
        if let Some(credential) = leg.credential {
            self.web.pace.felt(&format!("credential {}", credential.name()), good);
        }
    }

    pub fn no_answer(&mut self, judged: Judged, leg: Leg<'_>, error: &str) -> Ended {
        let error = leg.credential.map_or_else(|| error.to_owned(), |credential| credential.striker().struck(error));
        self.trail.push(Hop::Failed { judged, error: error.clone() });
        failed(error)
    }

    /// Waits for rests and for the pace of host and credential; a pause that is too long ends the trip.
    async fn wait(&mut self, leg: Leg<'_>, allowed: &Allowed) -> Result<(), Ended> {
        let mut scopes = vec![format!("host {}", schemas::gate::authority_of(allowed.url()))];
        let mut keys = vec![pace_key(allowed.url())];
        if let Some(credential) = leg.credential {
            scopes.push(format!("credential {}", credential.name()));
            keys.push(format!("credential {}", credential.name()));
        }
        let longest = self.web.limits.longest_wait;
        let now = self.web.now();
        let rest = self.look(|rows| rows.now(|rows| Rows::resting(rows, &scopes, now)))?;
        if let Some(rest) = rest {
            let pause = Duration::try_from(rest.until.duration_since(now)).unwrap_or_default();
            if pause > longest {
                return Err(Box::new(HopResult::RateLimited { until: rest.until, scope: rest.scope }));
            }
            self.web.clock.sleep(pause).await;
        }
        let delay = Duration::from_millis(allowed.crawl_delay_ms().unwrap_or(0)).min(LONGEST_CRAWL_DELAY);
        let period = Duration::from_secs(u64::from(leg.entry.rate_secs)).max(delay);
        for key in keys {
            let period = if key.starts_with("credential ") {
                Duration::from_secs(u64::from(leg.entry.rate_secs))
            } else {
                period
            };
            while let Err(pause) = self.web.pace.turn(&key, period) {
                if pause > longest {
                    let until = self
                        .web
                        .now()
                        .checked_add(jiff::SignedDuration::try_from(pause).unwrap_or_default())
                        .unwrap_or(Timestamp::MAX);
                    return Err(Box::new(HopResult::RateLimited { until, scope: "host".to_owned() }));
                }
                self.web.clock.sleep(pause).await;
            }
        }
        Ok(())
    }

    async fn look_up(&mut self, allowed: &Allowed) -> Result<Vec<IpAddr>, Ended> {
        let host = allowed.url().host_str().unwrap_or_default();
        let limit = self.web.limits.lookup;
        let why = match tokio::time::timeout(limit, self.web.lookup.lookup(host)).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => chain(&error),
            Err(_) => format!("no answer within {} ms", limit.as_millis()),
        };
        let error = FetchError::Lookup { host: host.to_owned(), why }.to_string();
        self.trail.push(Hop::Failed { judged: allowed.judged().clone(), error: error.clone() });
        Err(failed(error))
    }

    /// Counts the request, on disk, and asks the gate again with count and addresses. Only then may it be sent.
    async fn count(&mut self, leg: Leg<'_>, allowed: Allowed, found: Option<&[IpAddr]>) -> Result<Permitted, Ended> {
        let now = self.web.now();
        let spent = self.take(leg.entry, now).await?;
        match allowed.resolved(&self.gate, now, spent, found) {
            Ok(permitted) => Ok(permitted),
            Err(judged) => Err(self.refuse(*judged).await),
        }
    }

    fn most_bytes(&self, leg: Leg<'_>) -> u64 {
        match leg.origin {
            Origin::Robots { .. } => self.web.limits.robots_bytes,
            Origin::Reservation { .. } => reservation::MAX_BYTES,
            _ => self.wanted.request.up_to_bytes.unwrap_or(u64::MAX).min(leg.entry.max_body_bytes),
        }
    }
}

/// Key of a host's pace: all ports and schemes of a host are one machine to be spared. On this machine's own loopback, ports are
/// services of their own: one that is slow must not hold back the others.
fn pace_key(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let own = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    match url.port_or_known_default() {
        Some(port) if own => format!("host {host}:{port}"),
        _ => format!("host {host}"),
    }
}
