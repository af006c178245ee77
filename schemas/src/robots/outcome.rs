//! What the fetch of a robots.txt means, before a line of it is read (RFC 9309 section 2.3.1).

use super::{Robots, RobotsDecision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many redirects may lie between the request for a robots.txt and its answer (RFC 9309 section 2.3.1.2).
pub const MAX_REDIRECTS: u8 = 5;

/// What the fetch of a robots.txt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RobotsOutcome {
    /// There is a file (2xx): its rules apply.
    Available,
    /// There is none (4xx): everything is allowed (section 2.3.1.3).
    Unavailable,
    /// The site refused to show it (401, 403, 451): nothing is allowed. Our choice; the RFC would allow everything.
    Refused,
    /// Nobody knows (5xx, no answer, an endless redirect, asked to slow down): nothing is allowed (section 2.3.1.4).
    Unreachable,
}

/// Reads the fetch of a robots.txt: the status of the last answer, if there was one, and the redirects followed to it.
///
/// Never more lenient than the RFC, and stricter in four places. 401, 403 and 451 are [`RobotsOutcome::Refused`]. 407, 408, 425
/// and 429 speak of this request and not of the file, so they are [`RobotsOutcome::Unreachable`]. So is whatever lies more than
/// [`MAX_REDIRECTS`] hops away, which the RFC lets a crawler take as absent. And so is a 3xx as the last answer: a redirect that
/// the gate refused or that led nowhere; a 304 is no answer of its own, the caller passes the status of the copy it confirms.
pub fn outcome(status: Option<u16>, redirects: u8) -> RobotsOutcome {
    if redirects > MAX_REDIRECTS {
        return RobotsOutcome::Unreachable;
    }
    match status {
        Some(200..=299) => RobotsOutcome::Available,
        Some(401 | 403 | 451) => RobotsOutcome::Refused,
        Some(407 | 408 | 425 | 429) => RobotsOutcome::Unreachable,
        Some(400..=499) => RobotsOutcome::Unavailable,
        Some(_) | None => RobotsOutcome::Unreachable,
    }
}

/// Decides from the outcome and, where there is one, the file. The one function that agent, registry and verifier share.
///
/// `body` is read only for [`RobotsOutcome::Available`]. `/robots.txt` itself is allowed whatever the outcome: asking for it is
/// how one learns the rules.
pub fn decide(outcome: RobotsOutcome, body: &[u8], token: &str, path_and_query: &str) -> RobotsDecision {
    match outcome {
        RobotsOutcome::Available => Robots::parse(body).decide(token, path_and_query),
        RobotsOutcome::Unavailable => RobotsDecision::without_rule(true),
        RobotsOutcome::Refused | RobotsOutcome::Unreachable => {
            RobotsDecision::without_rule(super::Path::new(path_and_query).is_robots_txt())
        }
    }
}
