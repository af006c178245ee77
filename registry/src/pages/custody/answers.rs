//! The five questions, each with its answer and facts.

use fluent_bundle::FluentValue;
use schemas::robots::RobotsOutcome;
use verify::{
    Trace,
    trace::{Allowed, Bytes, Proof, Robots, What},
};

use super::{Fact, Section};
use crate::{
    desk::RecordId,
    pages::{
        frame::Frame,
        text::{person, shown_id},
    },
};

pub fn allowed(f: &Frame, trace: &Trace, allowed: Option<&Allowed>) -> Section {
    let mut section = Section::new(f, "allowed");
    let Some(allowed) = allowed else {
        section.answer = f.t("custody-decision-gone");
        return section;
    };
    let people: Vec<_> = allowed.approvers.iter().map(|id| person(id)).collect();
    let until = allowed.expires_on.as_deref().map(|day| f.lang.day_of(day)).unwrap_or_default();
    section.answer = if people.is_empty() {
        section.tone = "bad";
        f.t("allowed-by-nobody")
    } else {
        section.tone = if allowed.recomputed { "good" } else { "bad" };
        let asked = allowed.requested_by.as_deref().map(person).unwrap_or_default();
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
        facts.push(Fact { style: "written", ..Fact::plain(f, key, words) });
    }
    facts.push(Fact::quote(f, "allowed-because", &allowed.because));
    facts.push(Fact::plain(
        f,
        "allowed-again",
        f.t(if allowed.recomputed { "allowed-again-yes" } else { "allowed-again-no" }),
    ));
    for approval in &allowed.approvals {
        let until = f.lang.day_of(&approval.until);
        let leaf = approval.leaf.map(|(leaf, _)| f.n("allowed-leaf", &leaf)).unwrap_or_default();
        let args = [("signed", f.lang.moment(approval.made_at).into()), ("until", until.into()), ("leaf", leaf.into())];
        facts.push(Fact::plain(f, "allowed-approval", f.say("allowed-approval-is", &args)));
    }
    if let Some(days) = allowed.retain_days {
        facts.push(Fact::plain(f, "entry-retain", f.n("days", &u64::from(days))));
    }
    if let Some(tlp) = &allowed.tlp {
        facts.push(Fact::code(f, "entry-tlp", format!("TLP:{}", tlp.to_uppercase())));
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

pub fn robots(f: &Frame, robots: Option<&Robots>, id: RecordId) -> Section {
    let mut section = Section::new(f, "robots");
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
            let key = if *allowed { "robots-allows" } else { "robots-forbids" };
            section.answer = f.w(key, &shown_id(authority));
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
                f.say("robots-copy-is", &[("size", f.lang.bytes(*size).into()), ("unit", (*unit).into())]),
            ));
            facts.push(Fact::code(f, "sha256", digest.to_string()));
            section.downloads.push((f.t("robots-download"), format!("/v1/records/{id}/evidence?part=robots")));
        }
    }
    section
}

pub fn bytes(f: &Frame, bytes: Option<&Bytes>, id: RecordId) -> Section {
    let mut section = Section::new(f, "bytes");
    let Some(bytes) = bytes else {
        section.answer = f.t("bytes-none");
        return section;
    };
    section.answer = match bytes.body_bytes {
        Some(size) => {
            section.downloads = [("bytes-download", "body"), ("bytes-download-answer", "answer")]
                .map(|(key, part)| (f.t(key), format!("/v1/records/{id}/evidence?part={part}")))
                .into();
            let args = [
                ("size", f.lang.bytes(size).into()),
                ("time", f.moment(&bytes.captured_at).into()),
                ("url", shown_id(&bytes.url).into()),
            ];
            f.say("bytes-are", &args)
        }
        None => f.say("bytes-not-here", &[("time", f.moment(&bytes.captured_at).into())]),
    };
    let facts = &mut section.facts;
    facts.push(Fact::code(f, "bytes-request", format!("{} {}", bytes.method, bytes.url)));
    facts.push(Fact::plain(
        f,
        "bytes-captured",
        f.say("bytes-captured-is", &[("time", f.moment(&bytes.captured_at).into()), ("ms", bytes.took_ms.into())]),
    ));
    if let Some(status) = bytes.status {
        let kind = bytes.content_type.as_deref().map(|kind| format!(", {}", shown_id(kind))).unwrap_or_default();
        facts.push(Fact::plain(f, "bytes-status", format!("{status}{kind}")));
    }
    if let Some(peer) = bytes.peer {
        facts.push(Fact::code(f, "bytes-peer", peer.to_string()));
    }
    match bytes.certificate {
        Some(certificate) => facts.push(Fact::code(f, "bytes-certificate", certificate.to_string())),
        None => facts.push(Fact::plain(f, "bytes-certificate", f.t("bytes-no-certificate"))),
    }
    if let Some(body) = bytes.body {
        facts.push(Fact::code(f, "bytes-body", body.to_string()));
    }
    if let Some(names) = &bytes.sealed_to {
        section.answer = f.w("bytes-sealed", &names.join(", "));
        facts.push(Fact::plain(f, "bytes-sealed-to", names.join(", ")));
        facts.push(Fact::plain(f, "bytes-sealed-not", f.t("bytes-sealed-nobody")));
    }
    for remark in &bytes.remarks {
        facts.push(Fact::quote(f, "bytes-remark", remark));
    }
    facts.push(Fact::plain(
        f,
        "bytes-units",
        f.say("bytes-units-are", &[("request", bytes.request_unit.into()), ("response", bytes.response_unit.into())]),
    ));
    facts.push(Fact::code(f, "bytes-file", &bytes.file));
    section
}

pub fn reader(f: &Frame, what: &What, id: RecordId) -> Section {
    let mut section = Section::new(f, "reader");
    let What::Record { reader, program, place, content, .. } = what else {
        section.answer = f.t("reader-none");
        return section;
    };
    let Some(reader) = reader else {
        section.answer = f.t("reader-unknown");
        return section;
    };
    section.answer = f.w("reader-is", &shown_id(reader));
    let facts = &mut section.facts;
    if let Some(program) = program {
        facts.push(Fact::code(f, "reader-program", program.to_string()));
    }
    facts.push(Fact::code(f, "reader-place", place));
    if let Some(content) = content {
        facts.push(Fact::code(f, "fact-hash", content.to_string()));
    }
    facts.push(Fact::code(f, "reader-again", format!("vigie rederive {id}")));
    section
}

pub fn proof(f: &Frame, unit: u64, proof: &Proof, outcome: &str) -> Section {
    let facts = [
        Some(Fact::plain(
            f,
            "proof-unit",
            f.say("proof-unit-is", &[("unit", unit.into()), ("units", proof.units.into())]),
        )),
        Some(Fact::code(f, "proof-commitment", proof.commitment.to_string())),
        proof.units_root.map(|root| Fact::code(f, "proof-root", root.to_string())),
        Some(Fact::code(f, "proof-manifest", proof.manifest.to_string())),
        proof.agent.as_ref().zip(proof.seq).map(|(agent, seq)| {
            let args = [("agent", FluentValue::from(person(agent))), ("seq", seq.into())];
            Fact::plain(f, "proof-signed", f.say("proof-signed-is", &args))
        }),
        proof.after_size.map(|size| Fact::plain(f, "proof-after", f.n("proof-after-is", &size))),
        proof.leaf.map(|leaf| Fact::plain(f, "proof-leaf", f.n("proof-leaf-is", &leaf))),
        proof.checkpoint.map(|(size, _)| Fact::plain(f, "proof-checkpoint", f.n("proof-checkpoint-is", &size))),
        proof.checkpoint.map(|(_, root)| Fact::code(f, "proof-log-root", root.to_string())),
        proof.later_size.map(|size| Fact::plain(f, "proof-later", f.n("proof-later-is", &size))),
    ];
    Section {
        answer: f.t(&format!("changed-{outcome}")),
        tone: match outcome {
            "valid" => "good",
            "erased" => "plain",
            _ => "bad",
        },
        facts: facts.into_iter().flatten().collect(),
        ..Section::new(f, "changed")
    }
}
