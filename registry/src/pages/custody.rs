//! The chain of custody in plain words: what a trace says, for people, in either language.
//!
//! Nothing is claimed here that the trace does not say. Sentences that were written at the time (the gate's answer, findings) are quoted
//! as they are, in English.

mod answers;
mod limits;

use fluent_bundle::FluentValue;
use verify::{
    Outcome, Severity, Trace, Verdict,
    trace::{Item, What},
};

use super::{frame::Frame, text::shown_id};
use crate::desk::RecordId;

/// The account, ready to be shown.
pub struct Custody {
    /// `valid`, `erased`, `incomplete`, `diverged`, `invalid`.
    pub outcome: &'static str,
    /// The verdict in a word.
    pub word: String,
    /// What that means.
    pub meaning: String,
    /// As of which log.
    pub as_of: Option<String>,
    /// What checking found, quoted.
    pub findings: Vec<FoundView>,
    /// The five questions.
    pub sections: Vec<Section>,
    /// What this cannot prove.
    pub limits: Vec<Said>,
    /// Why the unit is gone, quoted; absent where it is not.
    pub gone: Option<String>,
}

/// One finding.
pub struct FoundView {
    pub weight: String,
    pub place: String,
    pub what: String,
}

/// One question with its answer.
pub struct Section {
    pub id: &'static str,
    pub question: String,
    /// The answer in a sentence.
    pub answer: String,
    /// `good`, `bad` or `plain`.
    pub tone: &'static str,
    pub facts: Vec<Fact>,
    /// Bytes to take away: label, address.
    pub downloads: Vec<(String, String)>,
}

impl Section {
    fn new(f: &Frame, id: &'static str) -> Self {
        Self {
            id,
            question: f.t(&format!("custody-{id}")),
            answer: String::new(),
            tone: "plain",
            facts: Vec::new(),
            downloads: Vec::new(),
        }
    }

    /// What the tone is shown by besides colour.
    pub fn sign(&self) -> &'static str {
        match self.tone {
            "good" => "✓",
            "bad" => "✕",
            _ => "•",
        }
    }
}

/// One fact.
pub struct Fact {
    pub label: String,
    pub value: String,
    /// `plain`, `code` (digests, addresses), `quote` (English, as written then), `written` (by people, language not stated).
    pub style: &'static str,
}

/// A sentence; quoted English where there is no translation.
pub struct Said {
    pub text: String,
    pub is_english: bool,
}

impl Fact {
    fn plain(f: &Frame, key: &str, value: impl Into<String>) -> Self {
        Self { label: f.t(key), value: value.into(), style: "plain" }
    }

    fn code(f: &Frame, key: &str, value: impl Into<String>) -> Self {
        Self { label: f.t(key), value: shown_id(&value.into()), style: "code" }
    }

    fn quote(f: &Frame, key: &str, value: impl Into<String>) -> Self {
        Self { label: f.t(key), value: value.into(), style: "quote" }
    }
}

/// The account of the first unit of a trace.
///
/// `id` is the record's: its bytes are offered below it.
pub fn of(f: &Frame, trace: &Trace, id: RecordId) -> Custody {
    let verdict = &trace.verdict;
    let outcome = match verdict.outcome {
        Outcome::Valid => "valid",
        Outcome::Erased => "erased",
        Outcome::Incomplete => "incomplete",
        Outcome::Diverged => "diverged",
        Outcome::Invalid => "invalid",
    };
    let item = trace.items.first();
    let sections = item.map(|item| sections(f, trace, item, outcome, id)).unwrap_or_default();
    Custody {
        outcome,
        word: f.t(&format!("verdict-{outcome}")),
        meaning: f.t(&format!("verdict-{outcome}-means")),
        as_of: as_of(f, verdict),
        findings: findings(f, verdict),
        sections,
        limits: trace.limits.iter().map(|limit| limits::said(f, limit, trace)).collect(),
        gone: item.and_then(|item| match &item.what {
            What::Gone { why } => Some(why.clone()),
            _ => None,
        }),
    }
}

fn as_of(f: &Frame, verdict: &Verdict) -> Option<String> {
    let as_of = verdict.as_of.as_ref()?;
    let size = FluentValue::from(as_of.size);
    Some(match as_of.time {
        Some(time) => {
            let time = f.moment(&time.to_string());
            f.say("verdict-as-of-time", &[("size", size), ("time", time.into())])
        }
        None => f.say("verdict-as-of", &[("size", size)]),
    })
}

fn findings(f: &Frame, verdict: &Verdict) -> Vec<FoundView> {
    let weight = |severity| match severity {
        Severity::Wrong => "finding-wrong",
        Severity::Diverged => "finding-diverged",
        Severity::Missing => "finding-missing",
        Severity::Erased => "finding-erased",
        Severity::Note => "finding-note",
    };
    let shown = verdict.findings.iter().take(20);
    shown
        .map(|found| FoundView {
            weight: f.t(weight(found.severity)),
            place: shown_id(&found.place),
            what: found.what.clone(),
        })
        .collect()
}

fn sections(f: &Frame, trace: &Trace, item: &Item, outcome: &str, id: RecordId) -> Vec<Section> {
    vec![
        answers::allowed(f, trace, item.allowed.as_ref()),
        answers::robots(f, item.robots.as_ref(), id),
        answers::bytes(f, item.bytes.as_ref(), id),
        answers::reader(f, &item.what, id),
        answers::proof(f, item.unit, &item.proof, outcome),
    ]
}
