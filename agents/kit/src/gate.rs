//! How does the kit ask the gate, and what may send?
//!
//! The decision itself is [`schemas::gate::decide`], the same for agent, registry and verifier. Here is what makes it impossible to pass
//! by: the fetcher takes nothing but a [`Permitted`], and only [`Gate::ask`] followed by [`Allowed::resolved`] makes one. A refusal comes
//! back as a [`Judged`], which is evidence.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use jiff::Timestamp;
use schemas::{
    address,
    gate::{self, Decision, GateAsk, RobotsCopy},
    policy::Policy,
};
use url::Url;

use crate::engine::{Judged, RunFacts};

/// What decides for one run: its statements and its collector's query endpoints.
#[derive(Clone, Copy)]
pub struct Gate<'a> {
    policy: &'a Policy,
    queries: &'a [String],
}

/// The gate agreed to the address; nothing was looked up yet.
pub struct Allowed {
    judged: Judged,
    url: Url,
}

/// A request the gate has agreed to, with the addresses it may go to. One per redirect hop.
///
/// Has no public constructor: [`Gate::ask`] and [`Allowed::resolved`] are the only way to one.
pub struct Permitted {
    judged: Judged,
    url: Url,
    peers: Vec<SocketAddr>,
}

impl<'a> Gate<'a> {
    /// The gate of a run.
    #[must_use]
    pub fn of(run: &'a RunFacts) -> Self {
        Self { policy: &run.policy, queries: &run.queries }
    }

    /// What it would say, without any way to act on it.
    #[must_use]
    pub fn decide(&self, ask: &GateAsk, robots: Option<&RobotsCopy>) -> Decision {
        gate::decide(self.policy, self.queries, ask, robots)
    }

    /// Asks before anything is looked up.
    ///
    /// # Errors
    ///
    /// The refusal, to be written down.
    pub fn ask(&self, ask: GateAsk, robots: Option<Arc<RobotsCopy>>, attempt: u32) -> Result<Allowed, Box<Judged>> {
        let judged = Judged { decision: self.decide(&ask, robots.as_deref()), ask, robots, attempt };
        if !judged.decision.permitted {
            return Err(Box::new(judged));
        }
        let url = judged.decision.url.as_deref().and_then(|url| Url::parse(url).ok());
        match url {
            Some(url) => Ok(Allowed { judged, url }),
            // A permission always carries the normal form it was given for. Should that change, nothing is sent.
            None => Err(Box::new(judged)),
        }
    }

    fn judge(&self, mut judged: Judged) -> Result<Judged, Box<Judged>> {
        judged.decision = self.decide(&judged.ask, judged.robots.as_deref());
        if judged.decision.permitted { Ok(judged) } else { Err(Box::new(judged)) }
    }
}

impl Allowed {
    /// The address in normal form.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Question and answer so far.
    #[must_use]
    pub const fn judged(&self) -> &Judged {
        &self.judged
    }

    /// The pause that robots.txt asks for, in milliseconds.
    #[must_use]
    pub fn crawl_delay_ms(&self) -> Option<u64> {
        self.judged.decision.robots.as_ref().and_then(|robots| robots.crawl_delay_ms)
    }

    /// The host as an address, where it is one: nothing is looked up then.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        address::literal(self.url.host_str().unwrap_or_default())
    }

    /// Asks again with what the name resolved to (`None` for an address), at the instant of sending and with the day's count.
    ///
    /// # Errors
    ///
    /// The refusal, to be written down. One forbidden address among several refuses them all.
    pub fn resolved(
        self,
        gate: &Gate<'_>,
        at: Timestamp,
        spent_today: u32,
        found: Option<&[IpAddr]>,
    ) -> Result<Permitted, Box<Judged>> {
        let literal = self.literal();
        let Self { mut judged, url } = self;
        judged.ask.at = at;
        judged.ask.spent_today = spent_today;
        judged.ask.resolved = found.map(<[IpAddr]>::to_vec);
        let judged = gate.judge(judged)?;
        let port = url.port_or_known_default().unwrap_or_default();
        let mut peers: Vec<_> =
            literal.iter().chain(found.unwrap_or_default()).map(|ip| SocketAddr::new(*ip, port)).collect();
        peers.dedup();
        Ok(Permitted { judged, url, peers })
    }
}

impl Permitted {
    /// The address in normal form, secrets absent.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Where the connection may go. Empty only where nothing was looked up, and then nothing can be reached.
    #[must_use]
    pub fn peers(&self) -> &[SocketAddr] {
        &self.peers
    }

    /// Question and answer.
    #[must_use]
    pub const fn judged(&self) -> &Judged {
        &self.judged
    }

    /// Asks a last time with the address actually connected to.
    ///
    /// # Errors
    ///
    /// The refusal: what was received is not used.
    pub fn met(&self, gate: &Gate<'_>, peer: IpAddr) -> Result<Judged, Box<Judged>> {
        let mut judged = self.judged.clone();
        judged.ask.connected = Some(peer);
        gate.judge(judged)
    }
}
