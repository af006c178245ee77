//! May this request be made? One pure decision that agent, registry and offline verifier compute alike.
//!
//! Order (DESIGN section 4): method and headers → normal form of the address → planned, or follows a response that was → entry in
//! force matches → robots.txt → budget → name resolution → destination. The first step that refuses names the refusal.

mod decide;
mod matching;

pub(crate) use decide::network;
pub use decide::{MAX_HOPS, PRODUCT_TOKEN, ROBOTS_MAX_AGE, decide};
pub use matching::{authority_of, entry_matches, host_matches, path_matches, query_matches, rule_matches};
pub(crate) use matching::{path_and_query, same_authority};

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    permission::Method,
    robots::{RobotsDecision, RobotsOutcome},
};

/// What is about to be asked of whom, in plain values, as the exchange record keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateAsk {
    /// Entry under which the request is made.
    pub entry: String,
    /// Collector that makes it.
    pub collector: String,
    /// Request method.
    pub method: Method,
    /// The address as the collector or redirect gave it, before normal form; slots struck out.
    pub url: String,
    /// Names of the headers the collector chose, lower case, ascending. Only `accept` and `accept-language` pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Why it is asked.
    pub origin: Origin,
    /// When, UTC.
    pub at: Timestamp,
    /// Requests already made today (UTC) under the entry.
    pub spent_today: u32,
    /// Addresses the name resolved to; absent while the name has not been looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub resolved: Option<Vec<IpAddr>>,
    /// The address actually connected to; absent before the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub connected: Option<IpAddr>,
    /// Credential slot the request uses, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
}

/// Why a request is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// `plan` asked for it.
    Plan,
    /// A reading asked for it (`next`, `also`, `want`, `instead`).
    Follow {
        /// WARC record id of the response whose reading asked (`urn:uuid:…`).
        asked_by: String,
    },
    /// A response redirected here.
    Redirect {
        /// WARC record id of the redirecting response.
        from: String,
        /// 1 for the first redirect. At most 5.
        hop: u32,
    },
    /// robots.txt of an authority is needed before anything else of it.
    Robots {
        /// Hop within the robots.txt fetch, 0 for the first request.
        hop: u32,
    },
    /// The site's reservation file ([`crate::reservation`]) is needed before anything else of it is read.
    Reservation {
        /// Hop within that fetch, 0 for the first request.
        hop: u32,
    },
    /// A token call for a credential slot.
    Token,
}

impl Origin {
    /// Whether it is asked for to learn a site's own rules, and not for what is collected.
    #[must_use]
    pub const fn is_for_rules(&self) -> bool {
        matches!(self, Self::Robots { .. } | Self::Reservation { .. })
    }

    /// The path that a request of this kind may ask for on every authority of its entry, whatever paths the rules name.
    pub(crate) const fn own_path(&self) -> Option<&'static str> {
        match self {
            Self::Robots { .. } => Some("/robots.txt"),
            Self::Reservation { .. } => Some(crate::reservation::PATH),
            _ => None,
        }
    }
}

/// robots.txt as it stood when a decision was made; kept in every segment whose decisions rest on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RobotsCopy {
    /// Format version, 1.
    pub v: u32,
    /// Whose rules these are: `scheme://host:port`, port always written.
    pub authority: String,
    /// Address finally answering, after redirects.
    pub final_url: String,
    /// Status of the final answer; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Redirects followed.
    pub redirects: u8,
    /// When the fetch ended, UTC. A copy counts for 24 hours at most (RFC 9309, section 2.4), while unreachable too.
    pub fetched_at: Timestamp,
    /// What the fetch came to.
    pub outcome: RobotsOutcome,
    /// Base64 of the body, at most the first 512 KiB; empty where there was none.
    pub body_base64: String,
}

/// The gate's answer, with its reason. Both answers are evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// True only if every step that could be judged agreed.
    pub permitted: bool,
    /// Which step refused, or `permitted`.
    pub code: DecisionCode,
    /// The reason in words, for people: *permitted, because…* or *refused, because…*. Part of the pure answer.
    pub because: String,
    /// Digest of the entry that decided, where one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Digest>,
    /// The address in normal form, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What robots.txt said, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robots: Option<RobotsDecision>,
}

/// The step that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionCode {
    /// Every step agreed.
    Permitted,
    /// The entry does not allow the method, or POST goes where no query endpoint is listed.
    Method,
    /// The collector chose a header that only the kit may set.
    Header,
    /// The address has no normal form that may be fetched.
    Address,
    /// Neither planned nor following a response that was.
    Unplanned,
    /// No entry of that id exists.
    NoEntry,
    /// The entry is not in force: unsigned, expired, or superseded.
    NotInForce,
    /// The address could name a person, and the entry keeps authors as pseudonyms or not at all.
    Person,
    /// The entry belongs to another collector.
    OtherCollector,
    /// No match rule of the entry covers the address.
    NoMatch,
    /// robots.txt has to be fetched first.
    RobotsMissing,
    /// robots.txt is too old to decide.
    RobotsStale,
    /// robots.txt forbids it.
    Robots,
    /// robots.txt could not be reached, which forbids everything (RFC 9309, section 2.3.1.4).
    RobotsUnreachable,
    /// The day's budget of the entry is spent.
    Budget,
    /// The credential slot is not the entry's.
    Credential,
    /// The name has no address.
    Unresolved,
    /// The destination is private, loopback or otherwise not public, and the entry does not name it.
    Destination,
    /// Too many redirects.
    Redirects,
}
