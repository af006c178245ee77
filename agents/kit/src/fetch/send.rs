//! One hop: permitted, paced, counted, sent, struck and written down.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::header::{self, HeaderName, HeaderValue};
use schemas::{
    capture::{Condition, Struck},
    gate::{DecisionCode, Origin, RobotsCopy},
    permission::RobotsRule,
    segment::ResponseKind,
    urlform,
};
use url::Url;
use uuid::Uuid;

use super::{
    FetchError, chain,
    receive::{self, Incoming},
    status,
    trip::{Ended, Leg, Trip, failed},
    user_agent,
    wire::{Outgoing, headers_of},
};
use crate::{
    body::{Body, Spool},
    budget::Rows,
    contract::Method,
    engine::{Fetched, Hop, HopResult, Judged},
    gate::{Allowed, Permitted},
    robots,
    secrets::{Credential, Striker},
};

/// Longest crawl delay that is kept; longer ones count as this.
const LONGEST_CRAWL_DELAY: Duration = Duration::from_secs(60);

/// What one hop brought, as kept.
pub(super) struct Arrived {
    /// Index in the trail.
    pub hop: usize,
    /// Record id.
    pub id: String,
    pub url: Url,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Response block.
    pub response: Vec<u8>,
    pub payload_len: usize,
    /// The bound that cut the body.
    pub cut: Option<FetchError>,
}

impl Arrived {
    pub fn body(&self) -> &[u8] {
        self.response
            .get(self.response.len().saturating_sub(self.payload_len)..)
            .unwrap_or_default()
    }
}

impl Trip<'_> {
    /// Makes one hop of the request.
    pub async fn hop(&mut self, leg: Leg<'_>) -> Result<Arrived, Ended> {
        let allowed = self.permit(leg).await?;
        self.finish(leg, allowed).await
    }

    /// Asks the gate, fetching robots.txt where it is needed.
    async fn permit(&mut self, leg: Leg<'_>) -> Result<Allowed, Ended> {
        let copy = self.robots_in_hand(leg).await?;
        let judged = match self.ask(leg, copy).await? {
            Ok(allowed) => return Ok(allowed),
            Err(judged) => judged,
        };
        let missing = matches!(
            judged.decision.code,
            DecisionCode::RobotsMissing | DecisionCode::RobotsStale
        );
        let site = judged
            .decision
            .url
            .as_deref()
            .and_then(|url| Url::parse(url).ok())
            .filter(|_| missing);
        let Some(site) = site else {
            return Err(self.refuse(*judged).await);
        };
        let copy = self.fetch_robots(&site, leg.entry).await?;
        match self.ask(leg, Some(copy)).await? {
            Ok(allowed) => Ok(allowed),
            Err(judged) => Err(self.refuse(*judged).await),
        }
    }

    async fn robots_in_hand(&self, leg: Leg<'_>) -> Result<Option<Arc<RobotsCopy>>, Ended> {
        let url = urlform::normal_form(leg.url).ok();
        let Some(url) = url.filter(|_| leg.entry.robots == RobotsRule::Obey) else {
            return Ok(None);
        };
        let (authority, again, now) = (
            schemas::gate::authority_of(&url),
            self.web.limits.robots_again,
            self.web.now(),
        );
        self.rows(move |rows| robots::in_hand(rows, &authority, again, now))
            .await
    }

    /// Asks the gate about a hop with what is known now.
    pub async fn ask(
        &self,
        leg: Leg<'_>,
        copy: Option<Arc<RobotsCopy>>,
    ) -> Result<Result<Allowed, Box<Judged>>, Ended> {
        let (run, now) = (self.wanted.run, self.web.now());
        let entry = run.entry.clone();
        let spent = self
            .rows(move |rows| Rows::spent(rows, &entry, now))
            .await?;
        let slot = leg
            .credential
            .map(|credential| credential.name().to_owned());
        let url = leg.credential.map_or_else(
            || leg.url.to_owned(),
            |credential| credential.veiled(leg.url),
        );
        let ask = Self::question(
            run,
            self.wanted.request,
            &url,
            leg.origin.clone(),
            now,
            spent,
            slot,
        );
        Ok(self.gate.ask(ask, copy, self.wanted.attempt))
    }

    /// Writes a refusal down; a spent budget is a pause until it refills.
    pub async fn refuse(&mut self, judged: Judged) -> Ended {
        let spent = judged.decision.code == DecisionCode::Budget;
        let ended = self.refused(judged);
        if !spent {
            return ended;
        }
        let (entry, now) = (self.wanted.run.entry.clone(), self.web.now());
        match self
            .rows(move |rows| Rows::day_ends(rows, &entry, now))
            .await
        {
            Ok(until) => Box::new(HopResult::RateLimited {
                until,
                scope: "daily budget".to_owned(),
            }),
            Err(ended) => ended,
        }
    }

    /// From the gate's first yes to the answer.
    pub async fn finish(&mut self, leg: Leg<'_>, allowed: Allowed) -> Result<Arrived, Ended> {
        if let Some(credential) = leg.credential
            && !credential.may_go_to(allowed.url())
        {
            let because = format!(
                "the credential `{}` is not for {}",
                credential.name(),
                allowed.url()
            );
            self.trail.push(Hop::Failed {
                judged: allowed.judged().clone(),
                error: because.clone(),
            });
            return Err(Box::new(HopResult::Refused {
                code: DecisionCode::Credential,
                because,
            }));
        }
        self.wait(leg, &allowed).await?;
        let found = match allowed.literal() {
            Some(_) => None,
            None => Some(self.look_up(&allowed).await?),
        };
        let permitted = self.count(leg, allowed, found.as_deref()).await?;
        let out = self.outgoing(leg, &permitted)?;
        let most = self.most_bytes(leg);
        let at = permitted.judged().ask.at;
        let received =
            receive::send(&self.web.clients, &self.web.limits, &permitted, &out, most).await;
        let host = pace_key(permitted.url());
        let incoming = match received {
            Ok(incoming) => incoming,
            Err(error) => {
                self.felt(&host, leg, false);
                return Err(self.no_answer(permitted.judged().clone(), leg, &error.to_string()));
            }
        };
        let sound = incoming.cut.is_none() && incoming.status < 500 && incoming.status != 429;
        self.felt(&host, leg, sound);
        let judged = match self.met(&permitted, &incoming) {
            Ok(judged) => judged,
            Err(judged) => return Err(self.refuse(*judged).await),
        };
        self.write_down(leg, judged, at, permitted.url(), &out, incoming)
            .await
    }

    /// The last question, with the peer. A connection without a known peer is not believed.
    fn met(&self, permitted: &Permitted, incoming: &Incoming) -> Result<Judged, Box<Judged>> {
        let peer = incoming
            .peer
            .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
        permitted.met(&self.gate, peer)
    }

    fn felt(&self, host: &str, leg: Leg<'_>, good: bool) {
        self.web.pace.felt(host, good);
        if let Some(credential) = leg.credential {
            self.web
                .pace
                .felt(&format!("credential {}", credential.name()), good);
        }
    }

    fn no_answer(&mut self, judged: Judged, leg: Leg<'_>, error: &str) -> Ended {
        let error = leg.credential.map_or_else(
            || error.to_owned(),
            |credential| credential.striker().struck(error),
        );
        self.trail.push(Hop::Failed {
            judged,
            error: error.clone(),
        });
        failed(error)
    }

    /// Waits for rests and for the pace of host and credential; a pause that is too long ends the trip.
    async fn wait(&mut self, leg: Leg<'_>, allowed: &Allowed) -> Result<(), Ended> {
        let mut scopes = vec![format!(
            "host {}",
            schemas::gate::authority_of(allowed.url())
        )];
        let mut keys = vec![pace_key(allowed.url())];
        if let Some(credential) = leg.credential {
            scopes.push(format!("credential {}", credential.name()));
            keys.push(format!("credential {}", credential.name()));
        }
        let longest = self.web.limits.longest_wait;
        let now = self.web.now();
        let rest = self
            .rows(move |rows| Rows::resting(rows, &scopes, now))
            .await?;
        if let Some(rest) = rest {
            let pause = Duration::try_from(rest.until.duration_since(now)).unwrap_or_default();
            if pause > longest {
                return Err(Box::new(HopResult::RateLimited {
                    until: rest.until,
                    scope: rest.scope,
                }));
            }
            self.web.clock.sleep(pause).await;
        }
        let delay =
            Duration::from_millis(allowed.crawl_delay_ms().unwrap_or(0)).min(LONGEST_CRAWL_DELAY);
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
                    return Err(Box::new(HopResult::RateLimited {
                        until,
                        scope: "host".to_owned(),
                    }));
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
        let error = FetchError::Lookup {
            host: host.to_owned(),
            why,
        }
        .to_string();
        self.trail.push(Hop::Failed {
            judged: allowed.judged().clone(),
            error: error.clone(),
        });
        Err(failed(error))
    }

    /// Counts the request, on disk, and asks the gate again with count and addresses. Only then may it be sent.
    async fn count(
        &mut self,
        leg: Leg<'_>,
        allowed: Allowed,
        found: Option<&[IpAddr]>,
    ) -> Result<Permitted, Ended> {
        let (entry, daily, now) = (leg.entry.id.clone(), leg.entry.daily, self.web.now());
        let spent = self
            .rows(move |rows| Rows::take(rows, &entry, daily, now))
            .await?;
        match allowed.resolved(&self.gate, now, spent, found) {
            Ok(permitted) => Ok(permitted),
            Err(judged) => Err(self.refuse(*judged).await),
        }
    }

    fn most_bytes(&self, leg: Leg<'_>) -> u64 {
        match leg.origin {
            Origin::Robots { .. } => self.web.limits.robots_bytes,
            _ => self
                .wanted
                .request
                .up_to_bytes
                .unwrap_or(u64::MAX)
                .min(leg.entry.max_body_bytes),
        }
    }

    /// The request as it goes out: the kit's headers, the collector's `Accept`, one credential at most.
    fn outgoing(&mut self, leg: Leg<'_>, permitted: &Permitted) -> Result<Outgoing, Ended> {
        let root = self.wanted.run.policy.root();
        if root.contact.is_none()
            && !permitted
                .peers()
                .iter()
                .all(|peer| peer.ip().to_canonical().is_loopback())
        {
            let error = "the trust root names no `contact`, and nothing but this machine is asked without one".to_owned();
            return Err(self.no_answer(permitted.judged().clone(), leg, &error));
        }
        let robots = matches!(leg.origin, Origin::Robots { .. });
        let request = self.wanted.request;
        let accept = request.accept.as_ref().filter(|_| !robots);
        let mut headers: Vec<(HeaderName, String)> = vec![
            (header::USER_AGENT, user_agent(root)),
            (
                header::ACCEPT,
                accept.map_or("*/*", |accept| &accept.media_type).to_owned(),
            ),
        ];
        if let Some(accept) = accept.filter(|accept| !accept.languages.is_empty()) {
            headers.push((header::ACCEPT_LANGUAGE, accept.languages.clone()));
        }
        let plain = robots || leg.credential.is_some();
        headers.push((
            header::ACCEPT_ENCODING,
            if plain {
                "identity"
            } else {
                "gzip, deflate, br, zstd"
            }
            .to_owned(),
        ));
        if let Some(known) = self.wanted.validators.filter(|_| !robots) {
            headers.extend(known.etag.clone().map(|etag| (header::IF_NONE_MATCH, etag)));
            headers.extend(
                known
                    .last_modified
                    .clone()
                    .map(|date| (header::IF_MODIFIED_SINCE, date)),
            );
        }
        let body = request
            .body
            .as_ref()
            .filter(|_| !robots && request.method == Method::Query)
            .map(|text| text.clone().into_bytes());
        if body.is_some() {
            headers.push((header::CONTENT_TYPE, "application/json".to_owned()));
        }
        let mut sent = Vec::new();
        for (name, text) in headers {
            match HeaderValue::try_from(text) {
                Ok(value) => sent.push((name, value)),
                Err(_) => {
                    let error = format!("the header `{name}` holds characters that cannot be sent");
                    return Err(self.no_answer(permitted.judged().clone(), leg, &error));
                }
            }
        }
        sent.extend(leg.credential.and_then(Credential::header));
        let wire = leg.credential.map_or_else(
            || Some(permitted.url().clone()),
            |credential| credential.unveiled(permitted.url()),
        );
        let Some(url) = wire else {
            return Err(self.no_answer(
                permitted.judged().clone(),
                leg,
                "the credential does not fit into the address",
            ));
        };
        let post = request.method == Method::Query && !robots;
        let method = if post {
            reqwest::Method::POST
        } else {
            reqwest::Method::GET
        };
        Ok(Outgoing {
            method,
            url,
            headers: sent,
            body,
        })
    }

    /// Strikes secrets out and puts the fetch on the trail.
    async fn write_down(
        &mut self,
        leg: Leg<'_>,
        judged: Judged,
        at: Timestamp,
        url: &Url,
        out: &Outgoing,
        mut incoming: Incoming,
    ) -> Result<Arrived, Ended> {
        let robots = matches!(leg.origin, Origin::Robots { .. });
        let validators = self.wanted.validators.filter(|_| !robots);
        let mut conditions = Vec::new();
        let not_modified = incoming.status == 304;
        if validators.is_some() {
            let verdict = if not_modified {
                "not changed"
            } else {
                "changed"
            };
            conditions.push(Condition {
                name: "if_changed".to_owned(),
                verdict: verdict.to_owned(),
            });
        }
        if not_modified {
            incoming.body = Vec::new();
        }
        let striker = leg.credential.map(Credential::striker);
        if striker.is_some() {
            conditions.extend(open_up(&mut incoming).await);
        }
        let (head_len, payload_len) = (incoming.head.len(), incoming.body.len());
        let mut response = incoming.head;
        response.append(&mut incoming.body);
        let (request, response, struck) = strike(striker, out.render(), response).await?;
        let headers = headers_of(response.get(..head_len).unwrap_or_default());
        let id = Uuid::new_v4().urn().to_string();
        let kind = if not_modified {
            ResponseKind::NotModified {
                refers_to: validators.map(|known| known.of.clone()),
            }
        } else {
            ResponseKind::Full
        };
        self.trail.push(Hop::Fetched(Box::new(Fetched {
            id: id.clone(),
            judged,
            url: url.to_string(),
            at,
            status: incoming.status,
            request,
            response: response.clone(),
            payload_len,
            kind,
            struck,
            truncated: incoming
                .cut
                .as_ref()
                .and_then(FetchError::truncated)
                .map(str::to_owned),
            peer: incoming.peer,
            certificate: incoming.certificate,
            took_ms: u64::try_from(incoming.took.as_millis()).unwrap_or(u64::MAX),
            conditions,
        })));
        Ok(Arrived {
            hop: self.trail.len() - 1,
            id,
            url: url.clone(),
            status: incoming.status,
            headers,
            response,
            payload_len,
            cut: incoming.cut,
        })
    }
}

/// Key of a host's pace: all ports and schemes of a host are one machine to be spared.
fn pace_key(url: &Url) -> String {
    format!("host {}", url.host_str().unwrap_or_default())
}

/// An answer to a request that carried a secret must be searchable. One that came compressed although `identity` was asked for is kept decoded; one that
/// cannot be decoded is withheld.
async fn open_up(incoming: &mut Incoming) -> Option<Condition> {
    let headers = incoming.headers();
    let coding = status::header(&headers, "content-encoding")
        .filter(|coding| !coding.is_empty() && *coding != "identity")?
        .to_owned();
    let raw = std::mem::take(&mut incoming.body);
    let (cut, length) = (incoming.cut.is_some(), raw.len());
    let decoded =
        tokio::task::spawn_blocking(move || Body::new(Spool::of(raw), &headers, cut).bytes()).await;
    let verdict = match decoded {
        Ok(Ok(bytes)) => {
            incoming.body = bytes;
            incoming.head = without_coding(&incoming.head);
            format!("came in {coding} all the same; kept decoded")
        }
        _ => {
            incoming.body = vec![b'*'; length];
            incoming.head = without_coding(&incoming.head);
            format!("came in {coding} all the same and could not be decoded; withheld")
        }
    };
    Some(Condition {
        name: "identity".to_owned(),
        verdict,
    })
}

/// The head without the header that spoke of the coding.
fn without_coding(head: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(head.len());
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if !name.eq_ignore_ascii_case(b"content-encoding") {
            kept.extend_from_slice(line);
        }
    }
    kept
}

/// Overwrites secrets in both blocks, off the reactor.
async fn strike(
    striker: Option<Striker>,
    mut request: Vec<u8>,
    mut response: Vec<u8>,
) -> Result<(Vec<u8>, Vec<u8>, Vec<Struck>), Ended> {
    let Some(striker) = striker else {
        return Ok((request, response, Vec::new()));
    };
    let work = tokio::task::spawn_blocking(move || {
        let mut struck = Vec::new();
        for (part, block) in [("request", &mut request), ("response", &mut response)] {
            let found = striker.strike(block);
            struck.extend(found.into_iter().map(|(from, len)| Struck {
                part: part.to_owned(),
                from,
                len,
                slot: striker.slot().to_owned(),
            }));
        }
        (request, response, struck)
    });
    // Without striking nothing may be kept.
    work.await.map_err(|error| {
        failed(format!(
            "secrets could not be struck out, so the answer is not kept: {error}"
        ))
    })
}
