//! How does a trace read on a terminal of 80 to 100 columns?

use std::fmt;

use schemas::robots::RobotsOutcome;

use super::{Allowed, Bytes, Item, Proof, Robots, Trace, What};
use crate::verdict::{Outcome, Severity, wrap};

/// Columns of the text beside its labels.
const TEXT: usize = 76;
const LABEL: usize = 14;

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict)?;
        for item in &self.items {
            item.write(f, self)?;
        }
        heading(f, "5. What can this not prove?")?;
        for limit in &self.limits {
            bullet(f, limit)?;
        }
        Ok(())
    }
}

fn heading(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "\n{text}\n{}", "─".repeat(text.chars().count()))
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, words: &str) -> fmt::Result {
    let mut label = label;
    for line in wrap(words, TEXT) {
        writeln!(f, "  {label:LABEL$}{line}")?;
        label = "";
    }
    Ok(())
}

fn bullet(f: &mut fmt::Formatter<'_>, words: &str) -> fmt::Result {
    let mut mark = "- ";
    for line in wrap(words, TEXT + LABEL - 2) {
        writeln!(f, "  {mark}{line}")?;
        mark = "  ";
    }
    Ok(())
}

fn maybe(f: &mut fmt::Formatter<'_>, label: &str, words: Option<&str>) -> fmt::Result {
    words.map_or(Ok(()), |words| row(f, label, words))
}

impl Item {
    fn write(&self, f: &mut fmt::Formatter<'_>, trace: &Trace) -> fmt::Result {
        let title = format!("Unit {} of segment {}", self.unit, self.proof.manifest.short());
        writeln!(f, "\n{}\n{title}\n{}", "═".repeat(90), "═".repeat(90))?;
        self.what.write(f)?;
        heading(f, "1. Who allowed this, why, and until when?")?;
        match &self.allowed {
            Some(allowed) => allowed.write(f, trace)?,
            None => {
                row(f, "", "The decision is not at hand: it is erased, or no part of what the bundle was made for.")?
            }
        }
        heading(f, "2. What did robots.txt say?")?;
        match &self.robots {
            Some(robots) => robots.write(f)?,
            None => row(f, "", "The decision is not at hand.")?,
        }
        heading(f, "3. Which bytes, from where?")?;
        match &self.bytes {
            Some(bytes) => bytes.write(f)?,
            None => row(f, "", "Nothing was fetched, or the exchange is not at hand.")?,
        }
        heading(f, "4. Has anything changed since?")?;
        self.proof.write(f, self.unit, trace)
    }
}

impl What {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { kind, platform, id, url, title, author, published_at, content, place, reader, program } => {
                maybe(f, "", title.as_deref())?;
                row(f, kind, &format!("{platform}: {id}"))?;
                maybe(f, "address", url.as_deref())?;
                maybe(f, "author", author.as_deref())?;
                maybe(
                    f,
                    "published",
                    published_at.as_ref().map(|time| format!("{} (the source's claim)", time.raw)).as_deref(),
                )?;
                let reader = reader.as_ref().map(|reader| {
                    let program = program.map(|program| format!(", program {}…", program.short())).unwrap_or_default();
                    format!("{reader}{program}, at {place} of the answer")
                });
                maybe(f, "read by", reader.as_deref())?;
                maybe(f, "content hash", content.map(|content| content.to_string()).as_deref())
            }
            Self::Other { words } => row(f, "", words),
            Self::Gone { why } => row(f, "gone", why),
        }
    }
}

impl Allowed {
    fn write(&self, f: &mut fmt::Formatter<'_>, trace: &Trace) -> fmt::Result {
        row(f, "decision", &self.because)?;
        let again = if self.recomputed {
            "computed again from the signed statements: the same"
        } else {
            "could not be computed again with the same result; see the findings"
        };
        row(f, "", again)?;
        let digest = self.digest.map(|digest| format!(" ({}…)", digest.short())).unwrap_or_default();
        row(f, "entry", &format!("{}{digest}", self.entry))?;
        maybe(f, "requested by", self.requested_by.as_deref())?;
        let approvers = if self.approvers.is_empty() {
            "nobody whose signature counted".to_owned()
        } else {
            self.approvers.join(", ")
        };
        row(f, "approved by", &approvers)?;
        for approval in &self.approvals {
            let leaf = approval.leaf.map(|(leaf, time)| format!(", leaf {leaf} of {time}")).unwrap_or_default();
            let text = format!(
                "statement {}…, signed {}, counts to {}{leaf}",
                approval.statement.short(),
                approval.made_at,
                approval.until
            );
            row(f, "", &text)?;
        }
        for (label, words) in &self.why {
            row(f, label, words)?;
        }
        maybe(f, "in force to", self.expires_on.as_deref())?;
        maybe(f, "kept for", self.retain_days.map(|days| format!("{days} days")).as_deref())?;
        maybe(f, "marking", self.tlp.as_ref().map(|tlp| format!("TLP:{}", tlp.to_uppercase())).as_deref())?;
        maybe(f, "policy of", self.policy_issued_at.map(|at| at.to_string()).as_deref())?;
        maybe(f, "trust root", trace.root.map(|root| root.to_string()).as_deref())
    }
}

impl Robots {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked { why } => row(f, "not asked", why),
            Self::Unknown { why } => row(f, "unknown", why),
            Self::Asked { authority, fetched_at, status, outcome, digest, size, unit, allowed, group, rule, line } => {
                row(f, "answer", if *allowed { "it allows this address" } else { "it forbids this address" })?;
                let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
                let group = group.as_ref().map(|group| format!(" (group `{group}`)")).unwrap_or_default();
                let said = match (rule, outcome) {
                    (Some(rule), _) => format!("{line}`{rule}`{group}"),
                    (None, RobotsOutcome::Available) => format!("no line of it is about this address{group}"),
                    (None, RobotsOutcome::Unavailable) => {
                        "there is no robots.txt, which allows everything (RFC 9309, section 2.3.1.3)".to_owned()
                    }
                    (None, RobotsOutcome::Refused) => {
                        "the site refused to show it, which forbids everything here".to_owned()
                    }
                    (None, RobotsOutcome::Unreachable) => {
                        "it could not be read, which forbids everything (RFC 9309, section 2.3.1.4)".to_owned()
                    }
                };
                row(f, "because", &said)?;
                row(f, "of", authority)?;
                let status = status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
                row(f, "fetched", &format!("{fetched_at}, {status}, {size} bytes, kept as unit {unit}"))?;
                row(f, "sha256", &digest.to_string())
            }
        }
    }
}

impl Bytes {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "request", &format!("{} {}", self.method, self.url))?;
        row(f, "captured", &format!("{}, by the agent's clock; took {} ms", self.captured_at, self.took_ms))?;
        maybe(f, "peer", self.peer.map(|peer| peer.to_string()).as_deref())?;
        let certificate =
            self.certificate.map_or_else(|| "none (not https)".to_owned(), |digest| format!("sha256 {digest}"));
        row(f, "certificate", &certificate)?;
        let status = self.status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
        let kind = self.content_type.as_ref().map(|kind| format!(", {kind}")).unwrap_or_default();
        row(f, "status", &format!("{status}{kind}"))?;
        if let (Some(bytes), Some(digest)) = (self.body_bytes, self.body) {
            row(f, "body", &format!("{bytes} bytes, sha256 {digest}"))?;
        }
        if let Some(names) = &self.sealed_to {
            let who = if names.is_empty() {
                "recipients whom the bundle does not name".to_owned()
            } else {
                names.join(" or ")
            };
            row(f, "sealed", &format!("request and answer are encrypted; {who} may open them, each alone"))?;
            row(
                f,
                "",
                "nobody else: not the registry or its administrators, not the agent, not who holds this account",
            )?;
        }
        for remark in &self.remarks {
            row(f, "note", remark)?;
        }
        let size = self.answer_bytes.map(|bytes| format!(", {bytes} bytes with its head")).unwrap_or_default();
        row(f, "kept as", &format!("request unit {}, answer unit {}{size}", self.request_unit, self.response_unit))?;
        row(f, "", &self.response)?;
        row(f, "in", &self.file)
    }
}

impl Proof {
    fn write(&self, f: &mut fmt::Formatter<'_>, unit: u64, trace: &Trace) -> fmt::Result {
        let verdict = &trace.verdict;
        let gone = trace.items.iter().any(|item| item.unit == unit && matches!(item.what, What::Gone { .. }));
        let headline = match verdict.outcome {
            Outcome::Valid => "No: every step was computed again and holds.",
            Outcome::Erased => "Of what was collected something was lawfully erased; what is left is unchanged.",
            Outcome::Incomplete => "What is here is unchanged, but not everything that is needed is here (above).",
            Outcome::Diverged => "The log contradicts a checkpoint that was remembered (above).",
            Outcome::Invalid => "Something does not hold (above): do not rely on this.",
        };
        row(f, "", headline)?;
        row(
            f,
            "unit",
            &format!("{unit} of {}, {} {}", self.units, if gone { "committed as" } else { "sha256" }, self.commitment),
        )?;
        maybe(f, "in segment", self.units_root.map(|root| format!("root {root}")).as_deref())?;
        if let (Some(agent), Some(seq)) = (&self.agent, self.seq) {
            row(f, "manifest", &format!("{}, number {seq} of {agent}, signed by it", self.manifest))?;
        }
        maybe(f, "in the log", self.leaf.map(|leaf| format!("leaf {leaf}")).as_deref())?;
        maybe(
            f,
            "checkpoint",
            self.checkpoint.map(|(size, root)| format!("{size} leaves, root {root}, signed by the log")).as_deref(),
        )?;
        maybe(
            f,
            "since then",
            self.later_size.map(|size| format!("the log grew to {size} leaves without changing any")).as_deref(),
        )?;
        let wrong = verdict.findings.iter().filter(|found| found.severity == Severity::Wrong).count();
        if wrong > 0 {
            row(f, "", &format!("{wrong} of these steps do not hold; the findings above name them"))?;
        }
        Ok(())
    }
}
