//! Whose key counts for what, and may this root follow that one?

use tlog::{KeyKind, VerifierKey};

use super::note::{OpenStatement, PolicyError};
use crate::trust::{Role, TrustRoot};

/// Whether a log's name lies under `.invalid` (RFC 2606), which is for trials and for nothing else.
#[must_use]
pub fn is_trial_origin(origin: &str) -> bool {
    origin.split('/').next().is_some_and(|host| host.ends_with(".invalid"))
}

impl TrustRoot {
    /// The keys of everybody the root names. A key that cannot be read is left out; `check` names it.
    #[must_use]
    pub fn keys(&self) -> Vec<VerifierKey> {
        self.people.iter().filter_map(|person| VerifierKey::parse(&person.key).ok()).collect()
    }

    /// The keys of everybody who has at least one of the roles.
    #[must_use]
    pub fn keys_with(&self, roles: &[Role]) -> Vec<VerifierKey> {
        self.people
            .iter()
            .filter(|person| person.roles.iter().any(|role| roles.contains(role)))
            .filter_map(|person| VerifierKey::parse(&person.key).ok())
            .collect()
    }

    /// The log's key.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Content`] where it cannot be read, is no signing key, or does not bear the origin as its name.
    pub fn log_verifier(&self) -> Result<VerifierKey, PolicyError> {
        let broken = |why: String| PolicyError::content(format!("trust root, version {}", self.version), why);
        let key = VerifierKey::parse(&self.log_key).map_err(|error| broken(format!("`log_key`: {error}")))?;
        if key.kind() != KeyKind::Ed25519 || key.name() != self.origin {
            return Err(broken(format!("`log_key` must be an Ed25519 key named `{}`", self.origin)));
        }
        Ok(key)
    }
}

/// Checks the first root of a log: version 1, sound, and signed by its own rooters up to its own threshold.
///
/// # Errors
///
/// [`PolicyError::Content`] with the first thing that `TrustRoot::check` finds, [`PolicyError::Signers`], [`PolicyError::Note`].
pub fn verify_first_root(root: &TrustRoot, by: &OpenStatement) -> Result<(), PolicyError> {
    let what = format!("trust root, version {}", root.version);
    if root.version != 1 {
        return Err(PolicyError::content(what, "a log begins with version 1"));
    }
    sound(root, &what)?;
    threshold(by, &what, root, root.needs.root, Role::Rooter)
}

/// Checks that a root may replace another: next version, names it, same log, signed by the *old* root's threshold.
///
/// # Errors
///
/// As [`verify_first_root`].
pub fn verify_next_root(old: &TrustRoot, new: &TrustRoot, by: &OpenStatement) -> Result<(), PolicyError> {
    let what = format!("trust root, version {}", new.version);
    let refused = |why: &str| Err(PolicyError::content(what.clone(), why));
    if Some(new.version) != old.version.checked_add(1) {
        return refused(&format!("it follows version {}, so it must have the next number", old.version));
    }
    if new.previous != Some(old.digest()) {
        return refused("`previous` is not the digest of the root before it");
    }
    if new.origin != old.origin || new.log_key != old.log_key || new.trial != old.trial {
        return refused("origin, log key and `trial` never change within one log; begin a new log instead");
    }
    sound(new, &what)?;
    threshold(by, &what, old, old.needs.root, Role::Rooter)
}

fn sound(root: &TrustRoot, what: &str) -> Result<(), PolicyError> {
    match root.check().into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(PolicyError::content(what, problem.message)),
    }
}

/// Demands the signatures of `need` different people of a role.
pub(super) fn threshold(
    by: &OpenStatement,
    what: &str,
    root: &TrustRoot,
    need: u32,
    role: Role,
) -> Result<(), PolicyError> {
    let signed = by.signers(&root.keys_with(&[role]))?.len();
    // A threshold of 0 in a root that was never checked must not let anything through unsigned.
    let need = usize::try_from(need.max(1)).unwrap_or(usize::MAX);
    if signed >= need {
        return Ok(());
    }
    let role = word(role);
    let why = format!("{signed} of the {need} signatures of people with the role `{role}` are there");
    Err(PolicyError::signers(what, why))
}

pub(super) fn word(role: Role) -> &'static str {
    match role {
        Role::Requester => "requester",
        Role::Approver => "approver",
        Role::Enroller => "enroller",
        Role::Eraser => "eraser",
        Role::Rooter => "rooter",
        Role::Reviewer => "reviewer",
    }
}
