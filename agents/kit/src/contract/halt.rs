//! How does a reading end other than well?

use std::fmt;

use jiff::Timestamp;
use schemas::capture::What;
use serde::{Deserialize, Serialize};

use super::Request;

/// The other way out of `read`. Nothing said before it in the same reading is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Halt<S> {
    /// The structure broke. The capture is kept, the same bytes are not asked for again, the cursor stays.
    Unreadable {
        /// Where: a JSON pointer, an element, a header.
        at: String,
        /// Why, for people.
        why: String,
    },
    /// The source is still working on it: the same request again, then another.
    NotYet {
        /// Pause before the next try, in seconds.
        wait_secs: u32,
        /// How often to try in all.
        tries: u32,
        /// What to ask instead once the tries are used up; without one, the request failed.
        or_else: Option<Box<Request<S>>>,
    },
    /// A changed request in this one's place: a smaller page, another dialect, a later start. At most 8 in a chain.
    Instead(Box<Request<S>>),
    /// The source asks for a pause.
    SlowDown {
        /// Until when.
        until: Timestamp,
        /// What has to rest.
        scope: Scope,
    },
    /// The credential of this slot was refused: one token refresh, then one alarm; all work on the slot rests.
    Denied(String),
    /// A challenge page, a login wall, a refusal. The target stops, a person is told; never retried by itself.
    Blocked(String),
    /// What was asked for is not there.
    Gone(Absent),
}

/// What has to rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// Every request to the host.
    Host,
    /// Every request with this slot's credential.
    Credential(String),
    /// Every request that reserves this unit.
    Bucket(String),
}

/// What is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Absent {
    /// What the request was for. Believed of a target only after the manifest's number of misses: 404 comes and goes.
    Asked {
        /// As the source put it.
        why: String,
    },
    /// An item, by name.
    Item {
        /// Which.
        what: What,
        /// As the source put it.
        why: String,
    },
}

impl<S> Halt<S> {
    /// An answer that cannot be read.
    pub fn unreadable(at: impl fmt::Display, why: impl fmt::Display) -> Self {
        Unreadable::new(at, why).into()
    }

    /// This request in place of the one that was answered.
    pub fn instead(request: Request<S>) -> Self {
        Self::Instead(Box::new(request))
    }

    /// The same halt with other steps.
    ///
    /// # Errors
    ///
    /// Whatever `change` returns.
    pub fn try_map<T, E>(self, change: impl FnOnce(S) -> Result<T, E>) -> Result<Halt<T>, E> {
        Ok(match self {
            Self::Unreadable { at, why } => Halt::Unreadable { at, why },
            Self::NotYet { wait_secs, tries, or_else } => Halt::NotYet {
                wait_secs,
                tries,
                or_else: or_else.map(|request| request.try_map(change).map(Box::new)).transpose()?,
            },
            Self::Instead(request) => Halt::Instead(Box::new(request.try_map(change)?)),
            Self::SlowDown { until, scope } => Halt::SlowDown { until, scope },
            Self::Denied(slot) => Halt::Denied(slot),
            Self::Blocked(what) => Halt::Blocked(what),
            Self::Gone(what) => Halt::Gone(what),
        })
    }
}

/// Something that could not be read, and where. The error of every parser here and in collectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}")]
pub struct Unreadable {
    /// Where: a JSON pointer, an element, a header.
    pub at: String,
    /// Why, for people: lower case, no full stop.
    pub why: String,
}

impl Unreadable {
    /// What stands `at` a place cannot be read, and why.
    pub fn new(at: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self { at: at.to_string(), why: why.to_string() }
    }

    /// A value that is none of those this reader knows.
    pub fn unknown_value(at: impl fmt::Display, value: impl fmt::Display) -> Self {
        let value: String = value.to_string().chars().take(80).collect();
        Self::new(at, format_args!("`{value}` is not a value this reader knows"))
    }

    /// Something that has to be there and is not.
    pub fn missing(at: impl fmt::Display) -> Self {
        Self::new(at, "is missing")
    }
}

impl<S> From<Unreadable> for Halt<S> {
    fn from(Unreadable { at, why }: Unreadable) -> Self {
        Self::Unreadable { at, why }
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::new("json", error)
    }
}

impl<S> From<serde_json::Error> for Halt<S> {
    fn from(error: serde_json::Error) -> Self {
        Unreadable::from(error).into()
    }
}

impl From<url::ParseError> for Unreadable {
    fn from(error: url::ParseError) -> Self {
        Self::new("address", error)
    }
}

impl<S> From<url::ParseError> for Halt<S> {
    fn from(error: url::ParseError) -> Self {
        Unreadable::from(error).into()
    }
}
