//! What do the signed statements permit, and at which instant?
//!
//! Agents build a [`Policy`] from what the registry hands out ([`Policy::open`]), registry and verifier from the log itself
//! ([`History`]). Both end in the same [`Policy::in_force`], so that they cannot disagree on what a set of signatures means.
//! No clock and no file: instants and texts are given.
//!
//! Reading and refusing what people write by hand is in [`Allowlist::from_toml`], [`TrustRoot::from_toml`] and their `check`.
//!
//! [`Allowlist::from_toml`]: crate::permission::Allowlist::from_toml
//! [`TrustRoot::from_toml`]: crate::trust::TrustRoot::from_toml

mod agents;
mod bundle;
mod check;
mod check_entry;
mod check_match;
mod file;
mod force;
mod history;
mod id;
mod nearest;
mod note;
mod problem;
mod recipes;
mod root;

pub use agents::AgentState;
pub use check_entry::UNDECIDED;
pub use file::{check_allowlist_file, check_trust_file};
pub use force::{InForce, NotInForce, NotInForceCode, Policy};
pub use history::{History, InForceFor};
pub use id::{ID_FORM, is_id};
pub use nearest::nearest;
pub use note::{
    OpenIssue, OpenStatement, PolicyError, open_issue, open_statement, sign_issue, sign_statement, statement_digest,
};
pub use problem::PolicyProblem;
pub use recipes::{MAX_RECIPE_BYTES, check_recipes};
pub use root::{is_trial_origin, verify_first_root, verify_next_root};

pub(crate) use check_match::is_loopback_host;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// How far a time may lie in the future before it is refused: clocks of two machines differ.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// The first instant after the day `text` (UTC, `YYYY-MM-DD`); nothing if it is no such day.
pub(crate) fn end_of_day(text: &str) -> Option<Timestamp> {
    let next = day(text)?.tomorrow().ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Reads a day in the one form that is written, `YYYY-MM-DD`.
pub(crate) fn day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}
