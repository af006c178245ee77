//! Does what the registry hands out hold together, seen from the root an agent was given by hand?

use std::sync::Arc;

use super::{
    force::{ApprovalFacts, PermissionFacts, Policy},
    note::{OpenStatement, PolicyError, open_issue, open_statement},
    root::{verify_first_root, verify_next_root},
};
use crate::{
    digest::Digest,
    statement::{PolicyBundle, Statement},
    trust::{Role, TrustRoot},
};

impl Policy {
    /// Verifies a bundle, starting from the root this machine was given by hand.
    ///
    /// The chain of roots must hold that root and each later one must be signed by the threshold of the one before; the allowlist by
    /// a requester or approver of the newest root; the issue by the log's key, naming exactly the statements in the bundle. Approvals are read, and
    /// count later for whoever of the newest root signed them. How old the issue is, [`Policy::stale`] says.
    ///
    /// # Errors
    ///
    /// [`PolicyError`]: the bundle is not to be used at all; the copy in hand stays in use until it is stale.
    pub fn open(bundle: &PolicyBundle, trusted: &TrustRoot) -> Result<Self, PolicyError> {
        let refused = |why: &str| Err(PolicyError::content("policy bundle", why));
        if bundle.v != 1 {
            return Err(PolicyError::Version { what: "policy bundle".to_owned(), found: bundle.v });
        }
        let root = newest_root(&bundle.roots, trusted)?;
        let open = open_issue(&bundle.issue)?;
        open.verify(&root.log_verifier()?)?;
        let issue = open.issue;
        if issue.root != root.digest() {
            return refused("the issue names another trust root than the newest one in the bundle");
        }

        let permission = open_permission(&bundle.permission, &root)?;
        if issue.permission != permission.statement {
            return refused("the issue names another permission than the one in the bundle");
        }

        let keys = root.keys();
        let mut approvals = Vec::new();
        let mut named: Vec<Digest> = Vec::new();
        for note in &bundle.approvals {
            let opened = open_statement(note)?;
            named.push(opened.digest);
            let signers = opened.signers(&keys)?;
            approvals.push(Arc::new(approval_facts(opened, signers)?));
        }
        named.sort_unstable();
        if issue.approvals != named {
            return refused("the issue names other approvals than those in the bundle");
        }
        Ok(Self::assemble(Arc::new(root), Arc::new(permission), approvals, issue.issued_at, open.digest))
    }
}

fn newest_root(notes: &[String], trusted: &TrustRoot) -> Result<TrustRoot, PolicyError> {
    let mut chain: Option<TrustRoot> = None;
    let mut seen_trusted = false;
    for note in notes {
        let opened = open_statement(note)?;
        let Statement::Root { root, .. } = &opened.statement else {
            return Err(PolicyError::content(opened.name(), "it stands among the trust roots"));
        };
        match &chain {
            None => verify_first_root(root, &opened)?,
            Some(old) => verify_next_root(old, root, &opened)?,
        }
        seen_trusted |= root == trusted;
        chain = Some(root.clone());
    }
    match chain {
        Some(newest) if seen_trusted => Ok(newest),
        _ => Err(PolicyError::content(
            "policy bundle",
            format!(
                "its trust roots do not hold the one of this machine, {} (version {}); compare digests with the people who run the registry",
                trusted.digest().short(),
                trusted.version
            ),
        )),
    }
}

fn open_permission(note: &str, root: &TrustRoot) -> Result<PermissionFacts, PolicyError> {
    let opened = open_statement(note)?;
    let name = opened.name();
    let signers = opened.signers(&root.keys_with(&[Role::Requester, Role::Approver]))?;
    if signers.is_empty() {
        return Err(PolicyError::signers(name, "no requester or approver of the newest trust root signed it"));
    }
    permission_facts(opened, signers)
}

pub(super) fn permission_facts(
    opened: OpenStatement,
    signers: Vec<tlog::VerifierKey>,
) -> Result<PermissionFacts, PolicyError> {
    let name = opened.name();
    let Statement::Permission { allowlist, recipes, .. } = opened.statement else {
        return Err(PolicyError::content(name, "a permission is expected here"));
    };
    if allowlist.format != 1 {
        return Err(PolicyError::Version { what: format!("allowlist of {name}"), found: allowlist.format });
    }
    if let Some(why) = super::recipes::stray(&allowlist, &recipes) {
        return Err(PolicyError::content(name, why));
    }
    PermissionFacts::new(opened.digest, allowlist, signers)
        .ok_or_else(|| PolicyError::content(name, "an entry id is given twice"))
}

pub(super) fn approval_facts(
    opened: OpenStatement,
    signers: Vec<tlog::VerifierKey>,
) -> Result<ApprovalFacts, PolicyError> {
    let name = opened.name();
    let Statement::Approval { entries, until, made_at, .. } = opened.statement else {
        return Err(PolicyError::content(name, "an approval is expected here"));
    };
    if entries.is_empty() || super::end_of_day(&until).is_none() {
        return Err(PolicyError::content(name, "it approves nothing, or `until` is no day"));
    }
    Ok(ApprovalFacts { statement: opened.digest, entries, until, made_at, signers })
}
