//! How does a segment reach the registry, and when may it be let go?
//!
//! Whole, by its name, as often as it takes: `PUT` is idempotent. What comes back counts only as a [`Verified`] receipt or refusal receipt,
//! which [`verify`] alone makes. The registry is named by the operator and not by anything collected, so its address does not pass the gate.

mod registry;
mod verify;

pub use registry::{Answer, Registry, RegistryError, pause};
pub use verify::{Doubt, Verified, verify};
