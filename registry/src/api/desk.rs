//! What does every handler see? The registry with its tables, who counts as being on the machine, and the counters.

use std::sync::{Arc, atomic::AtomicU64};

use schemas::policy::Policy;

use super::{Refused, problem::registry_refused};
use crate::core::{Registry, RegistryError, store::Sqlite};

/// What every handler sees.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    registry: Registry,
    local: bool,
    public_log: bool,
    counters: Counters,
}

impl Desk {
    /// A desk over an open registry. `local`: listening on loopback, where whoever reaches the machine may read.
    #[must_use]
    pub fn new(registry: Registry, local: bool, public_log: bool) -> Self {
        Self(Arc::new(Inner { registry, local, public_log, counters: Counters::default() }))
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The tables.
    #[must_use]
    pub fn store(&self) -> &Sqlite {
        self.0.registry.store()
    }

    /// True where everybody who reaches the listener counts as being on the machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.local
    }

    /// True in a demonstration.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.registry().history().root().is_some_and(|root| root.trial)
    }

    /// True where the log's tiles are for everybody.
    #[must_use]
    pub fn public_log(&self) -> bool {
        self.0.public_log
    }

    /// The policy as the log has it now.
    ///
    /// # Errors
    ///
    /// 409 before the first allowlist.
    pub(super) fn policy(&self) -> Result<Arc<Policy>, Refused> {
        self.registry().history().policy().ok_or_else(|| {
            registry_refused(&RegistryError::Refused { why: "no allowlist has been published yet".to_owned() })
        })
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }
}

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Segments accepted.
    pub accepted: AtomicU64,
    /// Segments refused by a refusal receipt.
    pub refused: AtomicU64,
    /// PUTs answered with a problem.
    pub problems: AtomicU64,
    /// Bytes of accepted segments.
    pub bytes: AtomicU64,
    /// Searches answered.
    pub searches: AtomicU64,
}
