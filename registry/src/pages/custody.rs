//! The chain of custody in plain words: what a trace says, for people, in either language.
//!
//! Nothing is claimed here that the trace does not say. Sentences that were written at the time (the gate's answer, findings) are quoted
//! as they are, in English.

use fluent_bundle::FluentValue;
use schemas::robots::RobotsOutcome;
use verify::{
    Outcome, Severity, Trace, Verdict,
    trace::{Allowed, Bytes, Item, Proof, Robots, What},
};

use super::{
    frame::Frame,
    text::{person, shown_id},
};

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
    /// The first four questions.
    pub sections: Vec<Section>,
    /// The fifth: what this cannot prove.
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
        Self {
            label: f.t(key),
            value: value.into(),
            style: "plain",
        }
    }

    fn code(f: &Frame, key: &str, value: impl Into<String>) -> Self {
        Self {
            label: f.t(key),
            value: shown_id(&value.into()),
            style: "code",
        }
    }

    fn quote(f: &Frame, key: &str, value: impl Into<String>) -> Self {
        Self {
            label: f.t(key),
            value: value.into(),
            style: "quote",
        }
    }
}

/// The account of the first unit of a trace.
pub fn of(f: &Frame, trace: &Trace) -> Custody {
    let verdict = &trace.verdict;
    let outcome = match verdict.outcome {
        Outcome::Valid => "valid",
        Outcome::Erased => "erased",
        Outcome::Incomplete => "incomplete",
        Outcome::Diverged => "diverged",
        Outcome::Invalid => "invalid",
    };
    let item = trace.items.first();
    let sections = item
        .map(|item| sections(f, trace, item, outcome))
        .unwrap_or_default();
    Custody {
        outcome,
        word: f.t(&format!("verdict-{outcome}")),
        meaning: f.t(&format!("verdict-{outcome}-means")),
        as_of: as_of(f, verdict),
        findings: findings(f, verdict),
        sections,
        limits: trace
            .limits
            .iter()
            .map(|limit| limit_said(f, limit, trace))
            .collect(),
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
            f.say(
                "verdict-as-of-time",
                &[("size", size), ("time", time.into())],
            )
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

fn sections(f: &Frame, trace: &Trace, item: &Item, outcome: &str) -> Vec<Section> {
    vec![
        allowed(f, trace, item.allowed.as_ref()),
        robots(f, item.robots.as_ref()),
        bytes(f, item.bytes.as_ref()),
        proof(f, item.unit, &item.proof, outcome),
    ]
}

fn allowed(f: &Frame, trace: &Trace, allowed: Option<&Allowed>) -> Section {
    let mut section = Section {
        id: "allowed",
        question: f.t("custody-allowed"),
        answer: String::new(),
        tone: "plain",
        facts: Vec::new(),
    };
    let Some(allowed) = allowed else {
        section.answer = f.t("custody-decision-gone");
        return section;
    };
    let people: Vec<_> = allowed.approvers.iter().map(|id| person(id)).collect();
    let until = allowed
        .expires_on
        .as_deref()
        .map(|day| f.lang.day_of(day))
        .unwrap_or_default();
    section.answer = if people.is_empty() {
        section.tone = "bad";
        f.t("allowed-by-nobody")
    } else {
        section.tone = if allowed.recomputed { "good" } else { "bad" };
        let asked = allowed
            .requested_by
            .as_deref()
            .map(person)
            .unwrap_or_default();
        let args = [
            ("who", people.join(", ").into()),
            ("entry", allowed.entry.as_str().into()),
            ("until", until.into()),
            ("asked", asked.into()),
        ];
        f.say("allowed-by", &args)
    };
    let facts = &mut section.facts;
    for (label, words) in &allowed.why {
        let key = match label.as_str() {
            "purpose" => "entry-purpose",
            "program" => "entry-program",
            "question" => "entry-question",
            "legal ground" => "entry-legal",
            "assessment" => "entry-pia",
            _ => "entry-other",
        };
        let words = match (label.as_str(), words.split_once(": ")) {
            ("legal ground", Some((code, reason))) => {
                format!("{} – {reason}", f.word("legal", code))
            }
            _ => words.clone(),
        };
        facts.push(Fact {
            style: "written",
            ..Fact::plain(f, key, words)
        });
    }
    facts.push(Fact::quote(f, "allowed-because", &allowed.because));
    facts.push(Fact::plain(
        f,
        "allowed-again",
        f.t(if allowed.recomputed {
            "allowed-again-yes"
        } else {
            "allowed-again-no"
        }),
    ));
    for approval in &allowed.approvals {
        let until = f.lang.day_of(&approval.until);
        let leaf = approval
            .leaf
            .map(|(leaf, _)| f.n("allowed-leaf", &leaf))
            .unwrap_or_default();
        let args = [
            ("signed", f.lang.moment(approval.made_at).into()),
            ("until", until.into()),
            ("leaf", leaf.into()),
        ];
        facts.push(Fact::plain(
            f,
            "allowed-approval",
            f.say("allowed-approval-is", &args),
        ));
    }
    if let Some(days) = allowed.retain_days {
        facts.push(Fact::plain(
            f,
            "entry-retain",
            f.n("days", &u64::from(days)),
        ));
    }
    if let Some(tlp) = &allowed.tlp {
        facts.push(Fact::code(
            f,
            "entry-tlp",
            format!("TLP:{}", tlp.to_uppercase()),
        ));
    }
    if let Some(at) = allowed.policy_issued_at {
        facts.push(Fact::plain(f, "allowed-issue", f.lang.moment(at)));
    }
    if let Some(digest) = allowed.digest {
        facts.push(Fact::code(f, "entry-digest", digest.to_string()));
    }
    if let Some(root) = trace.root {
        facts.push(Fact::code(f, "trust-root", root.to_string()));
    }
    section
}

fn robots(f: &Frame, robots: Option<&Robots>) -> Section {
    let mut section = Section {
        id: "robots",
        question: f.t("custody-robots"),
        answer: String::new(),
        tone: "plain",
        facts: Vec::new(),
    };
    match robots {
        None => section.answer = f.t("custody-decision-gone"),
        Some(Robots::NotAsked { why }) => {
            section.answer = f.t("robots-not-asked");
            section.facts.push(Fact::quote(f, "robots-why", why));
        }
        Some(Robots::Unknown { why }) => {
            section.answer = f.t("robots-unknown");
            section.facts.push(Fact::quote(f, "robots-why", why));
        }
        Some(Robots::Asked {
            authority,
            fetched_at,
            status,
            outcome,
            digest,
            size,
            unit,
            allowed,
            group,
            rule,
            line,
        }) => {
            section.tone = if *allowed { "good" } else { "bad" };
            section.answer = f.t(if *allowed {
                "robots-allows"
            } else {
                "robots-forbids"
            });
            let because = match (rule, outcome) {
                (Some(_), _) => None,
                (None, RobotsOutcome::Available) => Some("robots-no-line"),
                (None, RobotsOutcome::Unavailable) => Some("robots-absent"),
                (None, RobotsOutcome::Refused) => Some("robots-refused"),
                (None, RobotsOutcome::Unreachable) => Some("robots-unreachable"),
            };
            let facts = &mut section.facts;
            if let Some(rule) = rule {
                facts.push(Fact::code(f, "robots-rule", rule));
            }
            if let Some(line) = line {
                facts.push(Fact::plain(f, "robots-line", f.number(&u64::from(*line))));
            }
            if let Some(group) = group {
                facts.push(Fact::code(f, "robots-group", group));
            }
            if let Some(key) = because {
                facts.push(Fact::plain(f, "robots-why", f.t(key)));
            }
            facts.push(Fact::code(f, "robots-of", authority));
            facts.push(Fact::plain(f, "robots-fetched", f.lang.moment(*fetched_at)));
            if let Some(status) = status {
                facts.push(Fact::plain(f, "bytes-status", status.to_string()));
            }
            facts.push(Fact::plain(
                f,
                "robots-copy",
                f.say(
                    "robots-copy-is",
                    &[
                        ("size", f.lang.bytes(*size).into()),
                        ("unit", (*unit).into()),
                    ],
                ),
            ));
            facts.push(Fact::code(f, "sha256", digest.to_string()));
        }
    }
    section
}

fn bytes(f: &Frame, bytes: Option<&Bytes>) -> Section {
    let mut section = Section {
        id: "bytes",
        question: f.t("custody-bytes"),
        answer: String::new(),
        tone: "plain",
        facts: Vec::new(),
    };
    let Some(bytes) = bytes else {
        section.answer = f.t("bytes-none");
        return section;
    };
    section.answer = match bytes.body_bytes {
        Some(size) => f.say(
            "bytes-are",
            &[
                ("size", f.lang.bytes(size).into()),
                ("time", f.moment(&bytes.captured_at).into()),
            ],
        ),
        None => f.say(
            "bytes-not-here",
            &[("time", f.moment(&bytes.captured_at).into())],
        ),
    };
    let facts = &mut section.facts;
    facts.push(Fact::code(
        f,
        "bytes-request",
        format!("{} {}", bytes.method, bytes.url),
    ));
    facts.push(Fact::plain(
        f,
        "bytes-captured",
        f.say(
            "bytes-captured-is",
            &[
                ("time", f.moment(&bytes.captured_at).into()),
                ("ms", bytes.took_ms.into()),
            ],
        ),
    ));
    if let Some(status) = bytes.status {
        let kind = bytes
            .content_type
            .as_deref()
            .map(|kind| format!(", {}", shown_id(kind)))
            .unwrap_or_default();
        facts.push(Fact::plain(f, "bytes-status", format!("{status}{kind}")));
    }
    if let Some(peer) = bytes.peer {
        facts.push(Fact::code(f, "bytes-peer", peer.to_string()));
    }
    match bytes.certificate {
        Some(certificate) => {
            facts.push(Fact::code(f, "bytes-certificate", certificate.to_string()))
        }
        None => facts.push(Fact::plain(
            f,
            "bytes-certificate",
            f.t("bytes-no-certificate"),
        )),
    }
    if let Some(body) = bytes.body {
        facts.push(Fact::code(f, "bytes-body", body.to_string()));
    }
    for remark in &bytes.remarks {
        facts.push(Fact::quote(f, "bytes-remark", remark));
    }
    facts.push(Fact::plain(
        f,
        "bytes-units",
        f.say(
            "bytes-units-are",
            &[
                ("request", bytes.request_unit.into()),
                ("response", bytes.response_unit.into()),
            ],
        ),
    ));
    facts.push(Fact::code(f, "bytes-file", &bytes.file));
    section
}

fn proof(f: &Frame, unit: u64, proof: &Proof, outcome: &str) -> Section {
    let facts = [
        Some(Fact::plain(
            f,
            "proof-unit",
            f.say(
                "proof-unit-is",
                &[("unit", unit.into()), ("units", proof.units.into())],
            ),
        )),
        Some(Fact::code(
            f,
            "proof-commitment",
            proof.commitment.to_string(),
        )),
        proof
            .units_root
            .map(|root| Fact::code(f, "proof-root", root.to_string())),
        Some(Fact::code(f, "proof-manifest", proof.manifest.to_string())),
        proof.agent.as_ref().zip(proof.seq).map(|(agent, seq)| {
            let args = [
                ("agent", FluentValue::from(person(agent))),
                ("seq", seq.into()),
            ];
            Fact::plain(f, "proof-signed", f.say("proof-signed-is", &args))
        }),
        proof
            .after_size
            .map(|size| Fact::plain(f, "proof-after", f.n("proof-after-is", &size))),
        proof
            .leaf
            .map(|leaf| Fact::plain(f, "proof-leaf", f.n("proof-leaf-is", &leaf))),
        proof
            .checkpoint
            .map(|(size, _)| Fact::plain(f, "proof-checkpoint", f.n("proof-checkpoint-is", &size))),
        proof
            .checkpoint
            .map(|(_, root)| Fact::code(f, "proof-log-root", root.to_string())),
        proof
            .later_size
            .map(|size| Fact::plain(f, "proof-later", f.n("proof-later-is", &size))),
    ];
    Section {
        id: "changed",
        question: f.t("custody-changed"),
        answer: f.t(&format!("changed-{outcome}")),
        tone: match outcome {
            "valid" => "good",
            "erased" => "plain",
            _ => "bad",
        },
        facts: facts.into_iter().flatten().collect(),
    }
}

/// The French of a limit, known by how it begins; English itself where there is none yet.
fn limit_said(f: &Frame, limit: &str, trace: &Trace) -> Said {
    let english = || Said {
        text: limit.to_owned(),
        is_english: true,
    };
    if f.lang == super::lang::Lang::En {
        return Said {
            text: limit.to_owned(),
            is_english: false,
        };
    }
    let known = [
        ("Anything about the world", "limit-trial"),
        ("That the source really said this", "limit-source"),
        ("When to the second", "limit-time"),
        ("That nothing was left out", "limit-whole"),
        (
            "That the record says what the source meant",
            "limit-meaning",
        ),
        ("That there is no second history", "limit-second"),
    ];
    let Some((_, key)) = known.iter().find(|(begins, _)| limit.starts_with(begins)) else {
        return english();
    };
    let proof = trace.items.first().map(|item| &item.proof);
    let agent = proof
        .and_then(|proof| proof.agent.clone())
        .unwrap_or_else(|| f.t("limit-an-agent"));
    let order = proof
        .and_then(|proof| proof.after_size.zip(proof.leaf))
        .map(|(size, leaf)| {
            f.say(
                "limit-order",
                &[("size", size.into()), ("leaf", leaf.into())],
            )
        });
    let cosigned = trace.verdict.as_of.as_ref().map(|as_of| {
        as_of
            .cosigned
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    });
    let witnesses = match cosigned.filter(|names| !names.is_empty()) {
        Some(names) => f.w("limit-cosigned", &names.join(", ")),
        None => f.t("limit-no-witness"),
    };
    let args = [
        ("agent", agent.into()),
        ("order", order.unwrap_or_default().into()),
        ("witnesses", witnesses.into()),
    ];
    Said {
        text: f.say(key, &args),
        is_english: false,
    }
}
