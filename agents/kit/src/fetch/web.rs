//! The engine's [`Network`], made of gate, budget, credentials and connections.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use rusqlite::Connection;
use schemas::{gate::Decision, permission::RobotsRule, trust::TrustRoot, urlform};

use super::{Limits, Lookup, SystemLookup, client::ClientError, client::Clients, stream::flow_of, tls, trip::Trip};
use crate::{
    budget::{Pace, Rows},
    contract::{Scope, Unit},
    engine::{Clock, Network, Open, Outcome, Pending, Piece, RunFacts, SystemClock, Wanted},
    gate::Gate,
    robots,
    secrets::Vault,
};

/// What a [`Web`] is made from.
pub struct Setup {
    /// A connection of its own to the agent's database, in WAL mode.
    pub rows: Connection,
    /// Folder of credentials; `$CREDENTIALS_DIRECTORY` where absent.
    pub credentials: Option<PathBuf>,
    /// The platform's units, from the collector's manifest.
    pub units: Vec<Unit>,
    /// Bounds.
    pub limits: Limits,
    /// Resolver.
    pub lookup: Arc<dyn Lookup>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
}

impl Setup {
    /// The defaults: the system's resolver and clock.
    #[must_use]
    pub fn new(rows: Connection) -> Self {
        Self {
            rows,
            credentials: None,
            units: Vec::new(),
            limits: Limits::default(),
            lookup: Arc::new(SystemLookup),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// The network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// TLS.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The database.
    #[error("the agent's database can't hold budgets and robots.txt")]
    Rows(#[from] rusqlite::Error),
}

/// The only way from the engine to the outside.
pub struct Web {
    pub(super) clients: Clients,
    pub(super) limits: Limits,
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) vault: Vault,
    pub(super) rows: Rows,
    pub(super) pace: Pace,
    units: Vec<Unit>,
    /// What requests reserved and nobody settled yet, by target and unit.
    reserved: Mutex<HashMap<(String, String), u64>>,
    /// One lock an authority whose robots.txt is being fetched, so that it is fetched once.
    robots_locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// How the kit names itself to sites: product, version, and whom to ask. A root without a contact is good for this machine only.
#[must_use]
pub fn user_agent(root: &TrustRoot) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match &root.contact {
        Some(contact) => format!("{}/{version} (+{contact})", schemas::gate::PRODUCT_TOKEN),
        None => format!("{}/{version} (trial)", schemas::gate::PRODUCT_TOKEN),
    }
}

impl Web {
    /// Opens the way out.
    ///
    /// # Errors
    ///
    /// [`WebError`].
    pub fn new(setup: Setup) -> Result<Self, WebError> {
        Ok(Self {
            clients: Clients::new(tls()?, setup.limits.clone()),
            limits: setup.limits,
            lookup: setup.lookup,
            clock: setup.clock,
            vault: Vault::new(setup.credentials),
            rows: Rows::new(setup.rows)?,
            pace: Pace::default(),
            units: setup.units,
            reserved: Mutex::default(),
            robots_locks: Mutex::default(),
        })
    }

    /// The clock, in whole microseconds as WARC dates have them.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    pub(super) fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.name == name)
    }

    pub(super) fn remember(&self, run: &RunFacts, unit: &str, amount: u64) {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        *reserved.entry((run.target.id.clone(), unit.to_owned())).or_default() += amount;
    }

    /// The lock of an authority's robots.txt. Locks nobody holds are forgotten.
    pub(super) fn robots_lock(&self, authority: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.robots_locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(authority.to_owned()).or_default().clone()
    }
}

impl Network for Web {
    fn exchange<'a>(&'a self, wanted: Wanted<'a>) -> Pending<'a, Outcome> {
        Box::pin(async move { Trip::new(self, &wanted).make().await })
    }

    fn piece<'a>(&'a self, wanted: Wanted<'a>, open: &'a mut Open, over: Pending<'a, ()>) -> Pending<'a, Piece> {
        Box::pin(async move {
            match flow_of(open) {
                Some(flow) => Trip::new(self, &wanted).piece(flow, over).await,
                None => Piece::Ended {
                    trail: Vec::new(),
                    why: Some("the connection is not one of this network".to_owned()),
                    chunks: 0,
                },
            }
        })
    }

    fn preview(&self, wanted: Wanted<'_>) -> Decision {
        let now = self.now();
        let run = wanted.run;
        let obeys = run.policy.entry(&run.entry).is_some_and(|entry| entry.robots == RobotsRule::Obey);
        let authority = urlform::normal_form(&wanted.request.url).ok().map(|url| schemas::gate::authority_of(&url));
        let known = self.rows.now(|rows| {
            let copy = match authority.filter(|_| obeys) {
                Some(authority) => robots::in_hand(rows, &authority, self.limits.robots_again, now)?,
                None => None,
            };
            Ok(copy)
        });
        // A preview is no permission: what the database does not tell counts as unknown.
        let (copy, spent) = (known.unwrap_or_default(), self.rows.spent(&run.entry, now).unwrap_or_default());
        let slot = run
            .policy
            .entry(&run.entry)
            .and_then(|entry| entry.credential.clone())
            .filter(|_| !wanted.request.slots.is_empty());
        let ask = Trip::question(run, wanted.request, &wanted.request.url, wanted.origin, now, spent, slot);
        Gate::of(run).decide(&ask, copy.as_deref())
    }

    fn rest(&self, run: &RunFacts, url: &str, scope: &Scope, until: Timestamp) {
        let credential = || run.policy.entry(&run.entry).and_then(|entry| entry.credential.clone());
        let scope = match scope {
            Scope::Host => {
                urlform::normal_form(url).ok().map(|url| format!("host {}", schemas::gate::authority_of(&url)))
            }
            Scope::Credential(_) => credential().map(|name| format!("credential {name}")),
            Scope::Bucket(unit) => Some(format!("unit {unit}")),
        };
        let now = self.now();
        if let Some(scope) = scope
            && let Err(error) = self.rows.now(|rows| Rows::rest(rows, &scope, until, now))
        {
            tracing::warn!(scope, %error, "a pause the source asked for could not be stored");
        }
    }

    fn spent(&self, run: &RunFacts, unit: &str, amount: u64) {
        let key = (run.target.id.clone(), unit.to_owned());
        let reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner).remove(&key).unwrap_or(0);
        let now = self.now();
        if let Some(unit) = self.unit(unit)
            && let Err(error) = self.rows.now(|rows| Rows::settle(rows, unit, reserved, amount, now))
        {
            tracing::warn!(unit = unit.name, %error, "what a request cost could not be stored");
        }
    }
}
