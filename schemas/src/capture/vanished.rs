//! What left a source that is published whole?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An item that a snapshot held, and that two complete readings of it did not, nor any between them. The source did not say so, and no reader did: it is
/// found by comparing captures, which it names. Stands after the reading of the second.
///
/// One unit an item, so that it can be erased with what it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vanished {
    /// Format version, 1.
    pub v: u32,
    /// Record id of the response whose reading is the second without it (`urn:uuid:…`).
    pub response: String,
    /// Record id of the response whose reading is the first without it: a complete one of this scope, right before or the first of those that were doubted.
    pub before: String,
    /// When that was captured (its WARC-Date).
    pub before_at: String,
    /// When the newest answer in which it stood was captured (its WARC-Date).
    pub stood_at: String,
    /// Scope that the readings are all of ([`End::snapshot`](super::End::snapshot)); `sealed` under sealed evidence.
    pub scope: String,
    /// The item's platform.
    pub platform: String,
    /// Its canonical id, as its lines bear it.
    pub id: String,
}
