//! What closes a segment? The manifest: commitments only, no address, name or plain payload digest.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, tz::TimeZone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tlog::Hash;

use crate::digest::Digest;

/// The manifest of a segment. Its RFC 8785 bytes are the log leaf; signed by the agent as a C2SP note (those bytes and a line feed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `manifest`.
    #[serde(rename = "type")]
    pub kind: ManifestKind,
    /// Format version, 1.
    pub v: u32,
    /// Key id of the agent (`name+0a1b2c3d`).
    pub agent: String,
    /// Counts the agent's segments from 1; a gap or a second segment with one number is a finding.
    pub seq: u64,
    /// Digest of the agent's previous manifest; null for the first.
    pub prev: Option<Digest>,
    /// Number of units.
    pub units: u64,
    /// RFC 6962 root over the units' commitments (32-byte leaf inputs), hexadecimal.
    pub root: Digest,
    /// The newest checkpoint the agent had verified when it opened the segment.
    pub checkpoint: CheckpointRef,
    /// When the segment was closed, by the agent's clock.
    pub time: Minute,
}

/// The one value of a manifest's `type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManifestKind {
    /// `manifest`.
    #[default]
    Manifest,
}

/// A log's size and root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRef {
    /// Number of leaves.
    pub size: u64,
    /// Root hash, base64.
    #[schemars(with = "String")]
    pub root: Hash,
}

/// An instant rounded down to the minute, UTC, written `2026-11-21T10:15Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(i64);

impl Minute {
    /// The minute that holds `at`.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(60))
    }

    /// The first instant of the minute.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_second(self.0.saturating_mul(60)).unwrap_or(Timestamp::MIN)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.start().to_zoned(TimeZone::UTC);
        write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}Z", at.year(), at.month(), at.day(), at.hour(), at.minute())
    }
}

impl FromStr for Minute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is not a minute: `2026-11-21T10:15Z` is expected");
        if text.len() != 17 || !text.is_ascii() || !text.ends_with('Z') {
            return Err(refused());
        }
        let full = format!("{}:00Z", &text[..16]);
        let at: Timestamp = full.parse().map_err(|_| refused())?;
        let minute = Self::of(at);
        if minute.to_string() == text { Ok(minute) } else { Err(refused()) }
    }
}

impl Serialize for Minute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Minute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Minute {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Minute".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z$" })
    }
}
