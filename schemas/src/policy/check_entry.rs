//! Is one entry complete, bounded, and made only of what this release enforces?

use jiff::{ToSpan, civil::Date};

use super::{
    check_match::{self, Complaint, is_loopback_host},
    day,
    id::{ID_FORM, is_id},
    nearest::nearest,
    recipes,
};
use crate::{
    gate::network,
    minimise::RECORD_FIELDS,
    permission::{Authors, Domestic, Entry, Evidence, LegalBasisCode, is_credential_name},
    pseudonym::names_a_person,
    schedule::Schedule,
    trust::{Role, TrustRoot},
};

/// How a text begins that a person has still to write; [`check_allowlist_file`](super::check_allowlist_file) refuses it. Starter sources use it.
pub const UNDECIDED: &str = "DECIDE";

/// What an entry asks for that this release does not do, in words; nothing where it enforces all of it.
pub(crate) fn unenforced(entry: &Entry) -> Option<&'static str> {
    if entry.authors != Authors::Named {
        if entry.evidence != Evidence::Sealed {
            return Some("pseudonyms without `evidence = \"sealed\"`");
        }
        if entry.seeds.iter().any(|seed| names_a_person(seed)) {
            return Some("pseudonyms for a seed that names an account");
        }
        if entry.matches.iter().any(|rule| rule.host.starts_with('*')) {
            return Some("pseudonyms under a host with `*`");
        }
    }
    match entry.domestic {
        Domestic::Allow { .. } => None,
        Domestic::Refuse => Some("`domestic = \"refuse\"`"),
        Domestic::Quarantine => Some("`domestic = \"quarantine\"`"),
    }
}

/// Reads `5..200 per day` as the usual least and most.
///
/// # Errors
///
/// Nothing where it is not in this form, or the first number is the larger one.
pub(crate) fn expected(text: &str) -> Option<(u64, u64)> {
    let (least, most) = text.strip_suffix(" per day")?.split_once("..")?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    };
    let (least, most) = (number(least)?, number(most)?);
    (least <= most).then_some((least, most))
}

impl Entry {
    /// How many records a day are usual, least and most, where `expect` says so in a form that can be read.
    #[must_use]
    pub fn expected_per_day(&self) -> Option<(u64, u64)> {
        expected(self.expect.as_deref()?)
    }
}

/// Collects what is wrong, key by key.
struct Findings(Vec<(&'static str, Complaint)>);

impl Findings {
    fn add(&mut self, field: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.0.push((field, (message.into(), hint.into())));
    }

    fn unless(&mut self, fine: bool, field: &'static str, message: &str, hint: &str) {
        if !fine {
            self.add(field, message, hint);
        }
    }
}

/// Everything wrong with an entry, by key.
pub(super) fn entry(entry: &Entry, root: &TrustRoot, today: Date) -> Vec<(&'static str, Complaint)> {
    let mut found = Findings(Vec::new());
    names(entry, &mut found);
    for complaint in check_match::seeds(entry) {
        found.0.push(("seeds", complaint));
    }
    for complaint in entry.matches.iter().flat_map(check_match::rule) {
        found.0.push(("match", complaint));
    }
    found.unless(
        !entry.matches.is_empty(),
        "match",
        "`match` is empty, so nothing could be fetched",
        "name at least one host",
    );
    hosts(entry, root, &mut found);
    promises(entry, root, &mut found);
    reasons(entry, root, &mut found);
    amounts(entry, &mut found);
    times(entry, today, &mut found);
    found.0
}

fn names(entry: &Entry, found: &mut Findings) {
    if !is_id(&entry.id) {
        let message = format!("`{}` cannot be an id", entry.id.escape_debug());
        found.add("id", message, ID_FORM);
    }
    if !is_id(&entry.collector) {
        let message = format!("`{}` cannot be a collector's name", entry.collector.escape_debug());
        found.add("collector", message, "write the name of an agent's program, as `feed` or `web`");
    }
    if let Some(recipe) = entry.recipe.as_ref().filter(|recipe| !recipes::is_recipe_file(&recipe.file)) {
        let message = format!("`{}` cannot be a recipe's file", recipe.file.escape_debug());
        found.add("recipe", message, recipes::RECIPE_FILE_FORM);
    }
    found.unless(
        !entry.methods.is_empty(),
        "methods",
        "`methods` is empty, so nothing could be asked",
        "leave it out for `[\"GET\"]`",
    );
    let twice = |at: usize| entry.methods.iter().take(at).any(|one| Some(one) == entry.methods.get(at));
    found.unless(
        !(0..entry.methods.len()).any(twice),
        "methods",
        "`methods` names one method twice",
        "leave one of them out",
    );
    for (at, field) in entry.fields.iter().flatten().enumerate() {
        if !RECORD_FIELDS.contains(&field.as_str()) {
            let message = format!("`fields` names `{}`, which no record has", field.escape_debug());
            let hint = match nearest(field, RECORD_FIELDS.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields are {}", RECORD_FIELDS.join(", ")),
            };
            found.add("fields", message, hint);
        }
        if entry.fields.iter().flatten().take(at).any(|earlier| earlier == field) {
            let message = format!("`fields` names `{}` twice", field.escape_debug());
            found.add("fields", message, "leave one of them out");
        }
    }
}

fn hosts(entry: &Entry, root: &TrustRoot, found: &mut Findings) {
    for text in &entry.allow_addresses {
        let wide = |net: ipnet::IpNet| net.prefix_len() < if net.max_prefix_len() == 32 { 8 } else { 16 };
        match network(text) {
            None => found.add(
                "allow_addresses",
                format!("`{}` is neither an address nor a prefix", text.escape_debug()),
                "write `127.0.0.1/32` or `fd00:1234::/64`",
            ),
            Some(net) if wide(net) => found.add(
                "allow_addresses",
                format!("`{text}` lifts the guard from far more than one site"),
                "name the few addresses that are meant",
            ),
            Some(_) => {}
        }
    }
    let allowed: Vec<_> = entry.allow_addresses.iter().filter_map(|text| network(text)).collect();
    for rule in &entry.matches {
        let host = rule.host.escape_debug();
        let loopback = is_loopback_host(&rule.host);
        if root.trial && !loopback {
            found.add(
                "match",
                format!("this is a trial, and `{host}` is a real host"),
                "a trial collects from this machine only; set up a production root for real sources",
            );
        }
        if !root.trial && !loopback && root.contact.is_none() {
            found.add(
                "match",
                format!("`{host}` is a real host, and the trust root names no contact"),
                "put a page or mailbox of your unit into `contact` of trust.toml and have it signed",
            );
        }
        let literal = crate::address::literal(&rule.host);
        if let Some(Err(refusal)) = literal.map(|ip| crate::address::judge(ip, &allowed)) {
            found.add(
                "match",
                format!("`{host}` can never be reached: {refusal}"),
                format!("if it is meant, add it to `allow_addresses`: `[\"{}\"]`", refusal.ip),
            );
        }
    }
}

fn promises(entry: &Entry, root: &TrustRoot, found: &mut Findings) {
    let not_yet = |what: &str| format!("{what} is not in this release, and would be accepted in silence");
    credential(entry, found);
    sealing(entry, root, found);
    if !matches!(entry.domestic, Domestic::Allow { .. }) {
        found.add(
            "domestic",
            not_yet("refusing domestic content or setting it apart"),
            "write `domestic = \"allow: reason\"`, or do not collect this source",
        );
    }
    if entry.expect.is_some() && entry.expected_per_day().is_none() {
        found.add("expect", "`expect` cannot be read", "write `5..200 per day`, the lower number first");
    }
}

/// A credential is named here and lies with the agent; it goes to hosts that are named in full.
fn credential(entry: &Entry, found: &mut Findings) {
    let Some(name) = &entry.credential else {
        return;
    };
    if !is_credential_name(name) {
        let message = format!("`{}` cannot be a credential's name", name.escape_debug());
        let hint = "write the name of the agent's file that holds it: 1 to 64 of `a-z A-Z 0-9 - _ .`, not beginning with a dot; never the value itself, and never a secret of the agent's own, such as `agent.key`";
        found.add("credential", message, hint);
    }
    found.unless(
        entry.matches.is_empty() || entry.matches.iter().any(|rule| !rule.host.contains('*')),
        "credential",
        "a credential goes to hosts that are named in full, and every `match` has a `*`",
        "name the host of the interface",
    );
}

/// Pseudonyms hold only where the evidence that names people is shut, and where nothing that stays in clear names them.
fn sealing(entry: &Entry, root: &TrustRoot, found: &mut Findings) {
    if entry.evidence == Evidence::Sealed && root.evidence_recipients.len() < 2 {
        found.add(
            "evidence",
            "sealed evidence needs two people who may open it, and the trust root names fewer",
            "have each make a key with `vigie key evidence`, put both into trust.toml as `[[evidence_recipient]]`, and have the new root signed",
        );
    }
    if entry.authors == Authors::Named {
        return;
    }
    found.unless(
        entry.evidence == Evidence::Sealed,
        "authors",
        "authors are not kept by name, and the evidence beside the records would name them all",
        "write `evidence = \"sealed\"`",
    );
    for seed in entry.seeds.iter().filter(|seed| names_a_person(seed)) {
        found.add(
            "seeds",
            format!("`{}` names an account, and the entry keeps no authors by name", seed.escape_debug()),
            "the seed itself is public in policy and log: collect a topic or a public timeline, or write `authors = \"named\"` with a reason that holds",
        );
    }
    for rule in entry.matches.iter().filter(|rule| rule.host.starts_with('*')) {
        found.add(
            "match",
            format!(
                "a name below `{}` can be somebody's, and the entry keeps no authors by name",
                rule.host.escape_debug()
            ),
            "name the hosts one by one",
        );
    }
}

fn reasons(entry: &Entry, root: &TrustRoot, found: &mut Findings) {
    let texts = [
        ("purpose", &entry.purpose),
        ("program", &entry.program),
        ("question", &entry.question),
        ("pia", &entry.pia),
        ("legal_basis", &entry.legal_basis.reason),
    ];
    for (field, text) in texts {
        if text.trim().is_empty() {
            found.add(field, format!("`{field}` says nothing"), "write a sentence that a reviewer can judge");
        }
        undecided(field, text, found);
    }
    if let Domestic::Allow { reason } = &entry.domestic {
        undecided("domestic", reason, found);
    }
    for text in entry.notes.values() {
        undecided("notes", text, found);
    }
    let reason = entry.pia.strip_prefix("none").map(|rest| rest.trim_start_matches(':').trim());
    if reason == Some("") {
        found.add(
            "pia",
            "`pia` names no assessment and no reason",
            "write the assessment's reference, or `none: reason`",
        );
    }
    if entry.legal_basis.code == LegalBasisCode::Trial && !root.trial {
        found.add(
            "legal_basis",
            "the legal basis `trial` counts in a trial only",
            "choose the ground in law that applies",
        );
    }
    let requesters = root.keys_with(&[Role::Requester]);
    if !requesters.iter().any(|key| key.id_text() == entry.requested_by) {
        let known: Vec<_> = requesters.iter().map(tlog::VerifierKey::id_text).collect();
        found.add(
            "requested_by",
            format!("`{}` is no requester of the trust root", entry.requested_by.escape_debug()),
            format!("name one of: {}", known.join(", ")),
        );
    }
    let approvers = root.keys_with(&[Role::Approver]);
    let others = approvers.iter().filter(|key| key.id_text() != entry.requested_by).count();
    if u32::try_from(others).is_ok_and(|others| others < root.needs.approve) {
        found.add(
            "requested_by",
            format!("{} people must approve, and {others} other than the requester could", root.needs.approve),
            "give more people the role `approver`, or let somebody else request it",
        );
    }
}

fn undecided(field: &'static str, text: &str, found: &mut Findings) {
    if let Some(what) = text.strip_prefix(UNDECIDED) {
        let what = what.trim_start_matches(':').trim();
        let hint = if what.is_empty() { "a person has to settle this before anybody signs" } else { what };
        found.add(field, format!("`{field}` is not decided yet"), hint);
    }
}

fn amounts(entry: &Entry, found: &mut Findings) {
    let at_home = entry.matches.iter().all(|rule| is_loopback_host(&rule.host));
    let pace = entry.rate_secs <= 86_400 && (entry.rate_secs > 0 || at_home);
    found.unless(
        pace,
        "rate_secs",
        "`rate_secs` must be 1 to 86,400; 0 is for this machine only",
        "write the seconds between two requests",
    );
    found.unless(
        (1..=100_000).contains(&entry.daily),
        "daily",
        "`daily` must be 1 to 100,000",
        "write the most requests of one day",
    );
    let body = (1..=48 * 1024 * 1024).contains(&entry.max_body_bytes);
    found.unless(
        body,
        "max_body_bytes",
        "`max_body_bytes` must be 1 to 50,331,648 (48 MiB)",
        "leave it out for 15 MiB",
    );
    found.unless(
        (1..=3_650).contains(&entry.retain_days),
        "retain_days",
        "`retain_days` must be 1 to 3,650",
        "write the days that your retention rule gives",
    );
    found.unless(
        entry.jitter_secs <= 3_600,
        "jitter_secs",
        "`jitter_secs` must be at most 3,600",
        "leave it out for none",
    );
}

fn times(entry: &Entry, today: Date, found: &mut Findings) {
    if let Err(error) = Schedule::parse(&entry.schedule, &entry.zone) {
        let field = match &error {
            crate::schedule::ScheduleError::UnknownZone { .. }
            | crate::schedule::ScheduleError::ZoneSpelling { .. } => "zone",
            _ => "schedule",
        };
        found.add(field, error.to_string(), "write a cron line or `every 15m`, and a zone as `America/Toronto`");
    }
    let Some(end) = day(&entry.expires_on) else {
        let message = format!("`expires_on` is `{}`, which is no day", entry.expires_on.escape_debug());
        found.add("expires_on", message, "write it as `2027-01-31`, in quotes");
        return;
    };
    if today.checked_add(12.months()).is_ok_and(|last| end > last) {
        found.add(
            "expires_on",
            "the entry would be in force for more than twelve months",
            "choose an earlier day, and renew it then",
        );
    }
}
