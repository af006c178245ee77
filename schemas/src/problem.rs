//! How does an HTTP interface say no? Problem details (RFC 9457) with a stable code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Body of every answer that is an error, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:vigie:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code alone, stable across releases.
    pub code: String,
    /// One line for people; the same for every problem of the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong here, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Id to quote; the log of the server holds the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}
