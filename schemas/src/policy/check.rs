//! What does `policy check` refuse? Whatever is incomplete, unbounded, or promises what this release does not keep.

use jiff::civil::Date;
use tlog::{KeyKind, VerifierKey};

use super::{PolicyProblem, check_entry, root::is_trial_origin, root::word};
use crate::{
    permission::Allowlist,
    trust::{Role, TrustRoot},
};

impl Allowlist {
    /// Everything that is refused, in the order of the file; empty if the allowlist may be signed on `today`.
    ///
    /// Lines are not known here: [`super::check_allowlist_file`] adds them.
    #[must_use]
    pub fn check(&self, root: &TrustRoot, today: Date) -> Vec<PolicyProblem> {
        let file = "allowlist.toml";
        let mut found = Vec::new();
        if self.format != 1 {
            let message = format!("format {} is not known", self.format);
            found.push(PolicyProblem::new(file, message, "this release reads `format = 1`").at("format"));
        }
        if !(1..=168).contains(&self.max_policy_age_hours) {
            let message = "`max_policy_age_hours` must be 1 to 168";
            found.push(PolicyProblem::new(file, message, "leave it out for 24").at("max_policy_age_hours"));
        }
        for (position, entry) in self.entries.iter().enumerate() {
            let mut add = |field: &str, message: String, hint: String| {
                found.push(PolicyProblem {
                    entry: Some(entry.id.chars().take(64).collect()),
                    position: Some(position),
                    ..PolicyProblem::new(file, message, hint).at(field)
                });
            };
            if self.entries.iter().take(position).any(|earlier| earlier.id == entry.id) {
                let message = "another entry above has this id".to_owned();
                add("id", message, "give each entry an id of its own".to_owned());
            }
            for (field, (message, hint)) in check_entry::entry(entry, root, today) {
                add(field, message, hint);
            }
        }
        found
    }
}

impl TrustRoot {
    /// Everything that is refused; empty if the root may be signed. The same check is made of every root a log holds.
    #[must_use]
    pub fn check(&self) -> Vec<PolicyProblem> {
        let mut found = Vec::new();
        let mut add = |field: &str, message: String, hint: &str| {
            found.push(PolicyProblem::new("trust.toml", message, hint).at(field));
        };
        if self.format != 1 {
            add("format", format!("format {} is not known", self.format), "this release reads `format = 1`");
        }
        match (self.version, &self.previous) {
            (0, _) => add("version", "versions count from 1".to_owned(), "write `version = 1`"),
            (1, Some(_)) => add("previous", "version 1 replaces no root".to_owned(), "leave `previous` out"),
            (2.., None) => add(
                "previous",
                "a later version must name the root it replaces".to_owned(),
                "put that root's digest into `previous`",
            ),
            _ => {}
        }
        self.check_log(&mut add);
        self.check_people(&mut add);
        self.check_needs(&mut add);
        self.check_recipients(&mut add);
        for text in &self.witnesses {
            let cosigner = VerifierKey::parse(text).is_ok_and(|key| key.kind() == KeyKind::Cosignature);
            if !cosigner {
                let message = format!("`{}` is no cosignature key", text.escape_debug());
                add("witness", message, "ask the witness for its verifier key of type 04");
            }
        }
        found
    }

    /// Two who may open what is sealed, neither of whom runs the agents.
    fn check_recipients(&self, add: &mut impl FnMut(&str, String, &str)) {
        let all = &self.evidence_recipients;
        if all.len() == 1 {
            let hint = "name a second: what one person alone can open is lost with that person's key";
            add("evidence_recipient", "one recipient of sealed evidence is too few".to_owned(), hint);
        }
        for (at, one) in all.iter().enumerate() {
            let shown = one.name.escape_debug();
            if one.name.is_empty() || one.name.len() > 64 || one.name.contains(|c: char| c.is_whitespace() || c == '+')
            {
                let hint = "1 to 64 characters, without spaces or `+`";
                add("evidence_recipient", format!("`{shown}` cannot name a recipient"), hint);
            }
            let body = one.age.strip_prefix("age1").unwrap_or_default();
            if body.len() != 58 || !body.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
                let hint = "paste what `vigie key evidence` printed: `age1` and 58 characters";
                add("evidence_recipient", format!("the key of `{shown}` is no age recipient"), hint);
            }
            if all.iter().take(at).any(|other| other.name == one.name || other.age == one.age) {
                add("evidence_recipient", format!("`{shown}` stands there twice"), "leave one of them out");
            }
            let admin = self.people.iter().any(|person| {
                person.key.split('+').next() == Some(&one.name)
                    && person.roles.iter().any(|role| matches!(role, Role::Enroller | Role::Rooter))
            });
            if admin {
                let hint = "who enrols agents or replaces the root must not be who opens evidence: name somebody else";
                add("evidence_recipient", format!("`{shown}` administers agents or root"), hint);
            }
        }
    }

    fn check_log(&self, add: &mut impl FnMut(&str, String, &str)) {
        let shown = self.origin.escape_debug();
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        let host = self.origin.split('/').next().unwrap_or_default();
        if host.is_empty() || self.origin.contains(odd) || self.origin.contains("://") {
            add(
                "origin",
                format!("`{shown}` cannot name a log"),
                "write an address without scheme, as `vigie.example.org/log`",
            );
        }
        if is_trial_origin(&self.origin) != self.trial {
            let message = if self.trial {
                format!("this is a trial, and `{shown}` does not lie under `.invalid`")
            } else {
                format!("`{shown}` lies under `.invalid`, which is for trials")
            };
            add("origin", message, "a trial's log is named below `.invalid`, a production log never is");
        }
        match VerifierKey::parse(&self.log_key) {
            Err(error) => add("log_key", format!("`log_key`: {error}"), "paste the line that `vigie init` printed"),
            Ok(key) if key.kind() != KeyKind::Ed25519 => {
                add(
                    "log_key",
                    "`log_key` is the key of a witness".to_owned(),
                    "paste the line that `vigie init` printed",
                );
            }
            Ok(key) if key.name() != self.origin => {
                add(
                    "log_key",
                    format!("`log_key` is named `{}`, not `{shown}`", key.name()),
                    "the log's key bears the log's origin as its name",
                );
            }
            Ok(_) => {}
        }
        let contact = self.contact.as_deref();
        let fine = |text: &str| {
            let page = text.starts_with("https://") || text.starts_with("http://");
            let address = text.strip_prefix("mailto:").unwrap_or(text);
            let mailbox = address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
            // It stands in a header line of every request.
            let plain = text.len() <= 200 && text.chars().all(|c| c.is_ascii_graphic() && !"()\\;".contains(c));
            plain && (page || mailbox)
        };
        if contact.is_some_and(|text| !fine(text)) {
            add(
                "contact",
                "`contact` is neither a page nor a mailbox".to_owned(),
                "write `https://…` or `team@example.org`, in ASCII",
            );
        }
    }

    fn check_people(&self, add: &mut impl FnMut(&str, String, &str)) {
        let mut seen: Vec<VerifierKey> = VerifierKey::parse(&self.log_key).into_iter().collect();
        for person in &self.people {
            let key = match VerifierKey::parse(&person.key) {
                Ok(key) => key,
                Err(error) => {
                    add(
                        "person",
                        format!("a person's `key`: {error}"),
                        "paste the verifier key that the person made on their own machine",
                    );
                    continue;
                }
            };
            let name = key.id_text();
            if key.kind() != KeyKind::Ed25519 {
                add("person", format!("the key of {name} is that of a witness"), "paste the person's own verifier key");
            }
            if seen.iter().any(|other| other.public_bytes() == key.public_bytes()) {
                add(
                    "person",
                    format!("the key of {name} stands in this root twice"),
                    "one key is one person or one log: each makes their own",
                );
            } else if seen.iter().any(|other| other.name() == key.name()) {
                add(
                    "person",
                    format!("two keys bear the name `{}`", key.name()),
                    "give each person one key and a name of their own",
                );
            }
            seen.push(key);
            let twice = |at: usize| person.roles.iter().take(at).any(|one| Some(one) == person.roles.get(at));
            if person.roles.is_empty() || (0..person.roles.len()).any(twice) {
                add(
                    "person",
                    format!("{name} has no role, or one twice"),
                    "name each role once: requester, approver, enroller, eraser, rooter, reviewer",
                );
            }
        }
    }

    fn check_needs(&self, add: &mut impl FnMut(&str, String, &str)) {
        let acts = [
            ("approve", self.needs.approve, Role::Approver),
            ("enrol", self.needs.enrol, Role::Enroller),
            ("erase", self.needs.erase, Role::Eraser),
            ("root", self.needs.root, Role::Rooter),
        ];
        for (act, need, role) in acts {
            let least = if act == "erase" && !self.trial { 2 } else { 1 };
            if need < least {
                add(
                    "needs",
                    format!("`needs.{act}` is {need}"),
                    "at least 1 person signs each act, and 2 an erasure outside a trial",
                );
            }
            let have = self.people.iter().filter(|person| person.roles.contains(&role)).count();
            if usize::try_from(need).is_ok_and(|need| have < need) {
                let message = format!("`needs.{act}` is {need}, and {have} people have the role `{}`", word(role));
                add("needs", message, "give the role to more people, or lower the number");
            }
        }
    }
}
