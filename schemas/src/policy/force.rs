//! Is an entry in force at an instant?

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use tlog::VerifierKey;

use super::{CLOCK_TOLERANCE, check_entry, day, end_of_day};
use crate::{
    digest::Digest,
    permission::{Allowlist, Entry},
    statement::{PolicyIssue, PolicyIssueKind},
    trust::{Role, TrustRoot},
};

/// Everything that decides whether something is permitted, verified: the newest root, the allowlist, its approvals.
#[derive(Debug, Clone)]
pub struct Policy {
    root: Arc<TrustRoot>,
    root_digest: Digest,
    permission: Arc<PermissionFacts>,
    approvals: Vec<Arc<ApprovalFacts>>,
    issued_at: Timestamp,
    digest: Digest,
    /// Whether the newest root lets anybody publish who signed the allowlist. Kept, as reading keys costs more than a decision.
    published: bool,
    /// Keys of the newest root's approvers.
    may_approve: Vec<VerifierKey>,
}

/// An allowlist and who signed it.
#[derive(Debug)]
pub(super) struct PermissionFacts {
    pub statement: Digest,
    pub allowlist: Allowlist,
    /// Verified against the root that was the newest when the statement was made, and against every later one.
    pub signers: Vec<VerifierKey>,
    /// Entry id to position and digest.
    pub entries: BTreeMap<String, (usize, Digest)>,
}

impl PermissionFacts {
    /// Nothing where an id is given twice: nobody could say which entry an approval means.
    pub fn new(statement: Digest, allowlist: Allowlist, signers: Vec<VerifierKey>) -> Option<Self> {
        let entries: BTreeMap<_, _> =
            allowlist.entries.iter().enumerate().map(|(at, entry)| (entry.id.clone(), (at, entry.digest()))).collect();
        (entries.len() == allowlist.entries.len()).then_some(Self { statement, allowlist, signers, entries })
    }
}

/// An approval and who signed it.
#[derive(Debug, Clone)]
pub(super) struct ApprovalFacts {
    pub statement: Digest,
    pub entries: BTreeMap<String, Digest>,
    pub until: String,
    pub made_at: Timestamp,
    pub signers: Vec<VerifierKey>,
}

impl ApprovalFacts {
    pub fn concerns(&self, permission: &PermissionFacts) -> bool {
        self.entries.iter().any(|(id, digest)| permission.entries.get(id).is_some_and(|(_, own)| own == digest))
    }
}

/// An entry in force, and by whose signatures.
#[derive(Debug, Clone)]
pub struct InForce<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// Its digest.
    pub digest: Digest,
    /// Key ids of the approvers whose signatures count, ascending.
    pub approvers: Vec<String>,
}

/// Why an entry is not in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotInForce {
    /// Which rule it fails.
    pub code: NotInForceCode,
    /// The reason, as the end of a sentence: `entry `a` has expired on 2026-11-30`.
    pub why: String,
}

/// The rule an entry fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotInForceCode {
    /// No entry has that id.
    NoEntry,
    /// Nobody who signed the allowlist may do so by the newest root.
    Unsigned,
    /// The entry asks for what this release does not enforce.
    Unenforced,
    /// `expires_on` lies behind.
    Expired,
    /// Too few approvers other than the requester signed this very entry.
    NotApproved,
    /// Enough people signed, but their approvals have run out.
    ApprovalEnded,
    /// Enough people signed, but the entry would outlive their approvals by more than twelve months.
    TooLong,
}

impl Policy {
    pub(super) fn assemble(
        root: Arc<TrustRoot>,
        permission: Arc<PermissionFacts>,
        approvals: Vec<Arc<ApprovalFacts>>,
        issued_at: Timestamp,
        digest: Digest,
    ) -> Self {
        let root_digest = root.digest();
        let may_publish = root.keys_with(&[Role::Requester, Role::Approver]);
        Self {
            published: permission.signers.iter().any(|key| may_publish.contains(key)),
            may_approve: root.keys_with(&[Role::Approver]),
            root,
            root_digest,
            permission,
            approvals,
            issued_at,
            digest,
        }
    }

    /// The newest trust root.
    #[must_use]
    pub fn root(&self) -> &TrustRoot {
        &self.root
    }

    /// Its digest, as runs and segments name it.
    #[must_use]
    pub fn root_digest(&self) -> Digest {
        self.root_digest
    }

    /// The allowlist, approved or not.
    #[must_use]
    pub fn allowlist(&self) -> &Allowlist {
        &self.permission.allowlist
    }

    /// The entry of that id, whether in force or not.
    #[must_use]
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        let (at, _) = self.permission.entries.get(id)?;
        self.permission.allowlist.entries.get(*at)
    }

    /// Digest of the entry of that id, whether in force or not.
    #[must_use]
    pub fn entry_digest(&self, id: &str) -> Option<Digest> {
        self.permission.entries.get(id).map(|(_, digest)| *digest)
    }

    /// Digest of the permission statement.
    #[must_use]
    pub fn permission(&self) -> Digest {
        self.permission.statement
    }

    /// Digests of the approval statements that concern this allowlist, ascending.
    #[must_use]
    pub fn approvals(&self) -> Vec<Digest> {
        let mut all: Vec<_> = self.approvals.iter().map(|approval| approval.statement).collect();
        all.sort_unstable();
        all
    }

    /// When the registry said that these statements are the newest; for a policy out of the log, the minute of its newest statement.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// The policy digest: that of the issue. For a policy out of the log, of the issue the log would have made at [`Policy::issued_at`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same statements, as an issue names them.
    #[must_use]
    pub fn as_issue(&self, issued_at: Timestamp, log_size: u64) -> PolicyIssue {
        PolicyIssue {
            kind: PolicyIssueKind::PolicyIssue,
            v: 1,
            issued_at,
            root: self.root_digest,
            permission: self.permission(),
            approvals: self.approvals(),
            log_size,
        }
    }

    /// Why this copy is too old (or too new) to act on at `at`; nothing while it may be relied on.
    ///
    /// It may exactly until `max_policy_age_hours` after the issue, and from 10 minutes before it.
    #[must_use]
    pub fn stale(&self, at: Timestamp) -> Option<String> {
        let hours = self.permission.allowlist.max_policy_age_hours.min(168);
        let age = at.duration_since(self.issued_at);
        if age > jiff::SignedDuration::from_hours(i64::from(hours)) {
            return Some(format!(
                "the policy was issued at {}, more than the {hours} hours ago that it allows; nothing is collected until the registry answers again",
                self.issued_at
            ));
        }
        if age < -CLOCK_TOLERANCE {
            return Some(format!(
                "the policy was issued at {}, which lies more than 10 minutes ahead; set this machine's clock",
                self.issued_at
            ));
        }
        None
    }

    /// The entry of that id, if it is in force at `at`.
    ///
    /// In force is an entry of the newest allowlist, signed by somebody who may, not expired, of which at least `needs.approve` approvers
    /// of the newest root, none of them its requester, have signed the digest in approvals that count at `at`. Where the person that `requested_by` names did not
    /// sign the allowlist, none of those who did count as approvers either. `expires_on` and an
    /// approval's `until` count to the end of their day, UTC. An approval dated more than 10 minutes after `at` does not count.
    ///
    /// # Errors
    ///
    /// [`NotInForce`], with the reason in words.
    pub fn in_force(&self, id: &str, at: Timestamp) -> Result<&Entry, NotInForce> {
        self.judge(id, at).map(|found| found.entry)
    }

    /// As [`Policy::in_force`], with the approvers.
    ///
    /// # Errors
    ///
    /// [`NotInForce`], with the reason in words.
    pub fn judge(&self, id: &str, at: Timestamp) -> Result<InForce<'_>, NotInForce> {
        let refused = |code, why| Err(NotInForce { code, why });
        let (Some(entry), Some(digest)) = (self.entry(id), self.entry_digest(id)) else {
            return refused(NotInForceCode::NoEntry, format!("no entry `{id}` is in the allowlist"));
        };
        if !self.published {
            return refused(
                NotInForceCode::Unsigned,
                "nobody who signed the allowlist is a requester or approver of the newest trust root".to_owned(),
            );
        }
        if let Some(what) = check_entry::unenforced(entry) {
            return refused(
                NotInForceCode::Unenforced,
                format!("entry `{id}` asks for {what}, which this release does not enforce"),
            );
        }
        let Some(end) = end_of_day(&entry.expires_on) else {
            return refused(NotInForceCode::Expired, format!("`expires_on` of entry `{id}` is no day"));
        };
        if at >= end {
            return refused(NotInForceCode::Expired, format!("entry `{id}` expired on {}", entry.expires_on));
        }
        let approvers = self.approvers(entry, digest, at)?;
        Ok(InForce { entry, digest, approvers })
    }

    fn approvers(&self, entry: &Entry, digest: Digest, at: Timestamp) -> Result<Vec<String>, NotInForce> {
        let id = &entry.id;
        let need = usize::try_from(self.root.needs.approve.max(1)).unwrap_or(usize::MAX);
        // `requested_by` is what whoever published the allowlist wrote. Unless that person signed it too, the publishers count as requesters: nobody gets an
        // entry into force alone by naming somebody else.
        let publishers: Vec<String> = self.permission.signers.iter().map(VerifierKey::id_text).collect();
        let published_alone = if publishers.contains(&entry.requested_by) { Vec::new() } else { publishers };
        let of_this = || self.approvals.iter().filter(|found| found.entries.get(id) == Some(&digest));
        let others = |rule: &dyn Fn(&ApprovalFacts) -> bool| -> Vec<String> {
            let mut ids: Vec<String> = of_this()
                .filter(|found| rule(found))
                .flat_map(|found| &found.signers)
                .filter(|key| self.may_approve.contains(key))
                .map(VerifierKey::id_text)
                .filter(|key| *key != entry.requested_by && !published_alone.contains(key))
                .collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let running = |found: &ApprovalFacts| {
            end_of_day(&found.until).is_some_and(|end| at < end) && found.made_at.duration_since(at) <= CLOCK_TOLERANCE
        };
        let short = |found: &ApprovalFacts| within_a_year(&entry.expires_on, found.made_at);

        let counting = others(&|found| running(found) && short(found));
        if counting.len() >= need {
            return Ok(counting);
        }
        let refused = |code, why| Err(NotInForce { code, why });
        if others(&running).len() >= need {
            return refused(
                NotInForceCode::TooLong,
                format!("entry `{id}` runs until {}, more than twelve months after it was approved", entry.expires_on),
            );
        }
        if others(&short).len() >= need {
            return refused(
                NotInForceCode::ApprovalEnded,
                format!("the approval of entry `{id}` does not cover this instant"),
            );
        }
        let by_requester = of_this().flat_map(|found| &found.signers).any(|key| key.id_text() == entry.requested_by);
        let by_publisher =
            of_this().flat_map(|found| &found.signers).any(|key| published_alone.contains(&key.id_text()));
        let why = match counting.as_slice() {
            [] if by_publisher => format!(
                "entry `{id}` is approved only by who published it, and {}, who is said to have requested it, did not sign the allowlist",
                entry.requested_by
            ),
            [] if by_requester => {
                format!("entry `{id}` is approved only by the person who requested it, {}", entry.requested_by)
            }
            [] => format!("nobody has approved entry `{id}` as it now reads"),
            some => {
                format!("entry `{id}` is approved by {} of the {need} people it needs: {}", some.len(), some.join(", "))
            }
        };
        refused(NotInForceCode::NotApproved, why)
    }
}

/// Whether a day lies at most twelve months after the day of `made_at` (UTC).
fn within_a_year(expires_on: &str, made_at: Timestamp) -> bool {
    let made_on = made_at.to_zoned(TimeZone::UTC).date();
    let last = made_on.checked_add(12.months());
    matches!((day(expires_on), last), (Some(end), Ok(last)) if end <= last)
}
