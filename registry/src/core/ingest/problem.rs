//! Why does a segment get no receipt, or a refusal?

use schemas::leaf::RefusalCode;
use schemas::problem::Problem;

use crate::core::RegistryError;
use crate::core::log::chain;

/// Why a segment got no receipt at all: no leaf was written, the agent keeps it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutProblem {
    /// Nothing in the body says which agent sent it, or that agent is not enrolled.
    #[error("{why}")]
    UnknownAgent {
        /// Why.
        why: String,
    },
    /// The body is not the segment of that name.
    #[error("{why}")]
    NotASegment {
        /// What was found.
        why: String,
    },
    /// The body is not the one that was sent.
    #[error("it was damaged on its way, as its `Content-Digest` says ({why}); it is wanted again")]
    Damaged {
        /// What was found.
        why: String,
    },
    /// The agent knows more of this log than the log does.
    #[error("{why}")]
    RolledBack {
        /// What was found.
        why: String,
    },
    /// The agent sends what must be refused, again and again.
    #[error("{why}")]
    TooManyRefusals {
        /// How many.
        why: String,
    },
    /// Too little space is left.
    #[error("the registry's disk is nearly full; the segment is wanted later")]
    DiskFull,
    /// What was spent of the day's budget is not known yet.
    #[error(
        "the index is behind (it has followed {followed} of {opened} leaves), so what is left of the day's budget is not known; the segment is wanted later"
    )]
    Behind {
        /// How far the index has followed the log.
        followed: u64,
        /// How far it has to.
        opened: u64,
    },
    /// Something failed here; the rest is in the registry's own log.
    #[error("the registry could not keep the segment; it is wanted later")]
    Unavailable {
        /// What failed.
        #[source]
        source: Box<RegistryError>,
    },
}

impl PutProblem {
    /// Stable code and HTTP status.
    #[must_use]
    pub const fn code(&self) -> (&'static str, u16) {
        match self {
            Self::UnknownAgent { .. } => ("unknown_agent", 403),
            Self::NotASegment { .. } => ("not_a_segment", 400),
            Self::Damaged { .. } => ("damaged", 400),
            Self::RolledBack { .. } => ("rolled_back", 409),
            Self::TooManyRefusals { .. } => ("too_many_refusals", 429),
            Self::DiskFull => ("disk_full", 507),
            Self::Behind { .. } | Self::Unavailable { .. } => ("unavailable", 503),
        }
    }

    /// As HTTP says it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (code, status) = self.code();
        let title = match self {
            Self::UnknownAgent { .. } => "no enrolled agent signed this segment",
            Self::NotASegment { .. } => "this is not the segment of that name",
            Self::Damaged { .. } => "this is not what was sent",
            Self::RolledBack { .. } => "this log was set back",
            Self::TooManyRefusals { .. } => "too many of its segments were refused today",
            Self::DiskFull => "the disk is nearly full",
            Self::Behind { .. } | Self::Unavailable { .. } => "the registry can't keep it now",
        };
        Problem {
            kind: format!("urn:vigie:problem:{code}"),
            code: code.to_owned(),
            title: title.to_owned(),
            status,
            detail: Some(self.to_string()),
            instance: None,
        }
    }
}

impl<E: Into<RegistryError>> From<E> for PutProblem {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.is_full() {
            return Self::DiskFull;
        }
        tracing::error!(why = chain(&error), "a segment could not be kept");
        Self::Unavailable { source: Box::new(error) }
    }
}

/// A refusal of the whole segment.
pub(super) struct Refusal {
    pub code: RefusalCode,
    pub why: String,
}

pub(super) fn refusal(code: RefusalCode, why: impl Into<String>) -> Refusal {
    Refusal { code, why: why.into() }
}

pub(super) enum Stop {
    Refuse(Refusal),
    Problem(PutProblem),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl<E: Into<RegistryError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Problem(PutProblem::from(error))
    }
}
