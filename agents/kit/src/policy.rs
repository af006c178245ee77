//! Which policy does this agent go by, and may a newer copy take its place?
//!
//! What a policy means is [`schemas::policy`]; the root it is seen from was put on this machine by hand. The newest copy that held together is
//! kept as it came, so a restart without the registry goes on until the copy is older than the policy itself allows ([`Policy::stale`]).

use std::sync::Arc;

use schemas::{
    policy::{Policy, PolicyError},
    statement::PolicyBundle,
    trust::TrustRoot,
};

use crate::push::{Registry, RegistryError};

/// A policy and the text it came in.
#[derive(Clone, Debug)]
pub struct Copy {
    /// What the registry sent, to be stored.
    pub text: String,
    /// What it means.
    pub policy: Arc<Policy>,
}

/// Why a copy is not used; the one in hand stays in use until it is stale.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The registry did not hand one out.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// It is no bundle.
    #[error("the policy is not written as this release reads it: {why}")]
    Shape {
        /// What is wrong with it.
        why: String,
    },
    /// It does not hold together.
    #[error("the policy can't be believed")]
    Policy(#[from] PolicyError),
    /// It is older than the one in hand.
    #[error("the registry hands out an older policy than before: {what}")]
    Older {
        /// Which part.
        what: String,
    },
}

impl Copy {
    /// Reads a stored or received bundle and verifies it from the root put here by hand.
    ///
    /// # Errors
    ///
    /// [`CopyError::Shape`], [`CopyError::Policy`].
    pub fn open(text: String, trusted: &TrustRoot) -> Result<Self, CopyError> {
        let bundle: PolicyBundle =
            serde_json::from_str(&text).map_err(|error| CopyError::Shape { why: error.to_string() })?;
        let policy = Arc::new(Policy::open(&bundle, trusted)?);
        Ok(Self { text, policy })
    }

    /// Whether `newer` may take this copy's place: never an earlier issue, never an earlier root.
    ///
    /// # Errors
    ///
    /// [`CopyError::Older`].
    pub fn followed_by(&self, newer: Self) -> Result<Self, CopyError> {
        let older = |what: String| Err(CopyError::Older { what });
        let (old_at, new_at) = (self.policy.issued_at(), newer.policy.issued_at());
        if new_at < old_at {
            return older(format!("issued at {new_at}, after one issued at {old_at}"));
        }
        let (old_root, new_root) = (self.policy.root().version, newer.policy.root().version);
        if new_root < old_root {
            return older(format!("trust root version {new_root}, after version {old_root}"));
        }
        Ok(newer)
    }
}

/// Asks the registry for the policy and checks it against the root of this machine and the copy in hand.
///
/// # Errors
///
/// [`CopyError`].
pub async fn fetch(registry: &Registry, trusted: &TrustRoot, in_hand: Option<&Copy>) -> Result<Copy, CopyError> {
    let copy = Copy::open(registry.policy().await?, trusted)?;
    match in_hand {
        Some(old) => old.followed_by(copy),
        None => Ok(copy),
    }
}
