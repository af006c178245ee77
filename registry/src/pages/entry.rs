//! An entry of the allowlist in words: what was signed, member by member.

use schemas::permission::{Authors, Domestic, Entry, Evidence, Match, Missed, RobotsRule};

use super::{
    frame::Frame,
    sources::host,
    text::{person, shown, shown_id},
};
use crate::desk::Source;

/// Members that belong together.
pub struct Group {
    pub title: String,
    pub facts: Vec<FactView>,
}

/// One member.
pub struct FactView {
    pub label: String,
    pub values: Vec<String>,
    /// `plain`, `code`, or `written` (by people, language not stated).
    pub style: &'static str,
}

/// The whole entry.
pub fn groups(f: &Frame, source: &Source) -> Vec<Group> {
    let entry = &source.entry;
    let fact = |key: &str, style, values: Vec<String>| FactView { label: f.t(key), values, style };
    let plain = |key: &str, value: String| fact(key, "plain", vec![value]);
    // What people wrote, in a language nobody stated.
    let written = |key: &str, value: &str| fact(key, "written", vec![shown(value)]);
    let words = |key: &str, word: &str| plain(key, f.t(word));
    let what = vec![
        fact("entry-seeds", "code", entry.seeds.iter().map(|seed| shown_id(seed)).collect()),
        fact("entry-match", "code", entry.matches.iter().map(rule).collect()),
        fact(
            "entry-methods",
            "code",
            vec![
                entry.methods.iter().map(|method| format!("{method:?}").to_uppercase()).collect::<Vec<_>>().join(", "),
            ],
        ),
        plain("entry-collector", entry.collector.clone()),
        match &entry.fields {
            Some(fields) => plain("entry-fields", fields.join(", ")),
            None => words("entry-fields", "entry-fields-all"),
        },
        words("entry-media", "entry-media-link"),
        words(
            "entry-authors",
            match entry.authors {
                Authors::Named => "entry-authors-named",
                Authors::Pseudonym => "entry-authors-pseudonym",
                Authors::Omit => "entry-authors-omit",
            },
        ),
        words(
            "entry-evidence",
            match entry.evidence {
                Evidence::Open => "entry-evidence-open",
                Evidence::Sealed => "entry-evidence-sealed",
            },
        ),
        plain(
            "entry-domestic",
            match &entry.domestic {
                Domestic::Refuse => f.t("entry-domestic-refuse"),
                Domestic::Quarantine => f.t("entry-domestic-quarantine"),
                Domestic::Allow { reason } => f.w("entry-domestic-allow", reason),
            },
        ),
    ];
    let legal = serde_json::to_value(entry.legal_basis.code)
        .ok()
        .and_then(|code| code.as_str().map(str::to_owned))
        .unwrap_or_default();
    let why = vec![
        written("entry-purpose", &entry.purpose),
        written("entry-program", &entry.program),
        written("entry-question", &entry.question),
        plain("entry-legal", format!("{} – {}", f.word("legal", &legal), entry.legal_basis.reason)),
        written("entry-pia", &entry.pia),
    ];
    let mut how = vec![
        fact("entry-schedule", "code", vec![format!("{} ({})", entry.schedule, entry.zone)]),
        plain("entry-rate", f.n("entry-rate-is", &u64::from(entry.rate_secs))),
        plain("entry-daily", f.n("entry-daily-is", &u64::from(entry.daily))),
        plain("entry-body", f.lang.bytes(entry.max_body_bytes)),
        plain(
            "entry-robots",
            match &entry.robots {
                RobotsRule::Obey => f.t("entry-robots-obey"),
                RobotsRule::Api { reason } => f.w("entry-robots-api", reason),
            },
        ),
        words(
            "entry-missed",
            match entry.missed {
                Missed::Skip => "entry-missed-skip",
                Missed::Once => "entry-missed-once",
            },
        ),
    ];
    if let Some(name) = &entry.credential {
        how.insert(5, plain("entry-credential", f.w("entry-credential-is", &shown_id(name))));
    }
    let mut until = vec![
        plain("entry-expires", f.lang.day_of(&entry.expires_on)),
        plain("entry-retain", f.n("days", &u64::from(entry.retain_days))),
        fact("entry-tlp", "code", vec![tlp(entry)]),
        plain("entry-requested", person(&entry.requested_by)),
        plain(
            "entry-approved",
            if source.approved_by.is_empty() {
                f.t("nobody")
            } else {
                source.approved_by.iter().map(|id| person(id)).collect::<Vec<_>>().join(", ")
            },
        ),
        fact("entry-digest", "code", vec![source.digest.clone()]),
    ];
    if let Some(expect) = &entry.expect {
        until.insert(2, plain("entry-expect", expect.clone()));
    }
    let notes: Vec<_> = entry
        .notes
        .iter()
        .map(|(name, note)| FactView { label: shown_id(name), values: vec![shown(note)], style: "written" })
        .collect();
    let mut groups = vec![
        Group { title: f.t("group-why"), facts: why },
        Group { title: f.t("group-until"), facts: until },
        Group { title: f.t("group-what"), facts: what },
        Group { title: f.t("group-how"), facts: how },
    ];
    if !notes.is_empty() {
        groups.push(Group { title: f.t("group-notes"), facts: notes });
    }
    groups
}

fn rule(rule: &Match) -> String {
    format!("{}://{}{}", shown_id(&rule.scheme), host(rule), shown_id(&rule.path))
}

fn tlp(entry: &Entry) -> String {
    let word =
        serde_json::to_value(entry.tlp).ok().and_then(|word| word.as_str().map(str::to_uppercase)).unwrap_or_default();
    format!("TLP:{word}")
}
