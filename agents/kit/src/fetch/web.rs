//! What is the way out made of? Connections, budgets, credentials, pace and clock.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use rusqlite::Connection;
use schemas::trust::TrustRoot;

use super::{Limits, Lookup, SystemLookup, client::ClientError, client::Clients, tls};
use crate::{
    budget::{Pace, Rows},
    contract::Unit,
    engine::{Clock, RunFacts, SystemClock},
    reservations::{Unstored, Unused},
    secrets::Vault,
};

/// What a [`Web`] is made from.
pub struct Setup {
    /// A connection of its own to the agent's database, in WAL mode.
    pub rows: Connection,
    /// Folder of credentials, beside `$CREDENTIALS_DIRECTORY`.
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
    /// What the newest request reserved and nobody settled yet, by target and unit.
    reserved: Mutex<HashMap<(String, String), u64>>,
    /// Reservation files whose answers stand in no segment yet.
    pub(super) unstored: Unstored,
    /// Reservation files that nothing was asked for with yet.
    pub(super) unused: Unused,
    /// One lock for each authority's robots.txt or reservation file that is being fetched, so that it is fetched once.
    site_locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
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
            unstored: Unstored::default(),
            unused: Unused::default(),
            site_locks: Mutex::default(),
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

    /// Notes what a request reserved. What the one before it reserved and nobody settled stands as spent: it failed, and was billed all the same.
    pub(super) fn remember(&self, run: &RunFacts, unit: &str, amount: u64) {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        reserved.insert((run.target.id.clone(), unit.to_owned()), amount);
    }

    /// What the newest request reserved of a unit, which is settled now.
    pub(super) fn recall(&self, run: &RunFacts, unit: &str) -> u64 {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        reserved.remove(&(run.target.id.clone(), unit.to_owned())).unwrap_or(0)
    }

    /// The lock of a site's file, by a name of the caller's. Locks nobody holds are forgotten.
    pub(super) fn site_lock(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.site_locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(name.to_owned()).or_default().clone()
    }
}
