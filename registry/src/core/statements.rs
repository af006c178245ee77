//! How do people's acts get into the log, and what do agents need of them?

use schemas::Digest;
use schemas::leaf::{Act, Leaf, StatementKind};
use schemas::manifest::Minute;
use schemas::policy::{OpenStatement, open_statement, sign_issue};
use schemas::statement::{PolicyBundle, Statement};

use super::log::{Addition, LogError};
use super::store::{LeafKind, Store as _};
use super::{Inner, Registry, RegistryError};

impl Registry {
    /// Verifies a statement against all before it, keeps it in both places and logs it. Returns the index of its leaf; for an
    /// erasure, after the units are destroyed, the index of the first of its leaves.
    ///
    /// One that is in the log already gets its index again, and nothing is written.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Policy`] says what is wrong with it; nothing was written then.
    pub fn add_statement(&self, note: &str) -> Result<u64, RegistryError> {
        let opened = open_statement(note)?;
        if let Statement::Erasure { .. } = opened.statement {
            return self.erase(note, &opened);
        }
        let inner = &self.inner;
        let index = {
            let _alone = inner.acting();
            match inner.store.find(LeafKind::Statement, &opened.digest)? {
                Some(leaf) => leaf.index,
                None => inner.add(note, &opened)?,
            }
        };
        inner.log.settle()?;
        inner.wake();
        Ok(index)
    }

    /// What an agent needs to judge for itself, with a fresh issue.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Refused`] while the log holds no permission; a statement that is not on the disk.
    pub fn policy_bundle(&self) -> Result<PolicyBundle, RegistryError> {
        let inner = &self.inner;
        let _together = inner.reading();
        let history = self.history();
        let size = inner.log.published().size;
        let issue = history
            .issue(inner.clock(), size)
            .ok_or_else(|| RegistryError::refused("no permission was ever signed; run `vigie policy sign`"))?;
        let mut roots = Vec::new();
        for leaf in inner.store.of_kind(LeafKind::Statement)? {
            let leaf_of_root = matches!(
                leaf.leaf().map_err(RegistryError::leaf)?,
                Leaf::Act(Act::Statement { kind: StatementKind::Root, .. })
            );
            if leaf_of_root {
                roots.push(inner.evidence.statement(&leaf.digest)?);
            }
        }
        let permission = inner.evidence.statement(&issue.permission)?;
        let approvals =
            issue.approvals.iter().map(|digest| inner.evidence.statement(digest)).collect::<Result<_, _>>()?;
        let issue = sign_issue(&issue, inner.log.key())?;
        Ok(PolicyBundle { v: 1, roots, permission, approvals, issue })
    }

    /// A statement by digest, as the note that was signed.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Evidence`] if there is none; [`RegistryError::Refused`] if the file is not that statement.
    pub fn statement(&self, digest: &Digest) -> Result<String, RegistryError> {
        let note = self.inner.evidence.statement(digest)?;
        let found = open_statement(&note)?.digest;
        if found == *digest {
            Ok(note)
        } else {
            Err(RegistryError::refused(format!("the file of statement {digest} holds {found}")))
        }
    }
}

impl Inner {
    /// Logs a statement that is no erasure; the caller holds `acts` for writing.
    fn add(&self, note: &str, opened: &OpenStatement) -> Result<u64, RegistryError> {
        let kind = match &opened.statement {
            Statement::Root { root, .. } => {
                let named = root.log_verifier()?;
                if named != self.log.vkey() {
                    return Err(RegistryError::OtherKey {
                        given: self.log.vkey().to_string(),
                        named: named.to_string(),
                    });
                }
                StatementKind::Root
            }
            Statement::Permission { .. } => StatementKind::Permission,
            Statement::Approval { .. } => StatementKind::Approval,
            Statement::Enrolment { .. } => StatementKind::Enrolment,
            Statement::Revocation { .. } => StatementKind::Revocation,
            Statement::Erasure { .. } => {
                return Err(RegistryError::refused("an erasure has its own way"));
            }
        };
        let time = Minute::of(self.clock());
        let expected = self.verify(opened, time)?;
        self.evidence.keep_statement(&opened.digest, note)?;
        let leaf = Leaf::Act(Act::Statement { v: 1, kind, digest: opened.digest, time });
        self.log(vec![leaf], expected)?;
        Ok(expected)
    }

    /// Pushes a statement to a copy of the history, to see whether it stands. Returns the index its leaf will have.
    pub(super) fn verify(&self, opened: &OpenStatement, time: Minute) -> Result<u64, RegistryError> {
        // Nobody else adds leaves while `acts` is held for writing.
        let expected = self.store.leaf_count()?;
        if expected == 0 && !matches!(opened.statement, Statement::Root { .. }) {
            return Err(RegistryError::refused("the log is empty; its first leaf is version 1 of the trust root"));
        }
        let mut history = self.now().history.as_ref().clone();
        history.push(expected, time, opened)?;
        Ok(expected)
    }

    /// Logs the leaves of a statement and takes it into the history, also where only its checkpoint failed.
    pub(super) fn log(&self, leaves: Vec<Leaf>, expected: u64) -> Result<(), RegistryError> {
        let added = self.log.add(Addition { leaves, prepare: None, receipts: None });
        if self.store.leaf_count()? > expected {
            let history = super::history::before(&*self.store, &self.evidence, u64::MAX)?;
            self.set_history(history, super::opening::newest_statement(&*self.store)?);
        }
        match added {
            Ok(index) if index == expected => Ok(()),
            Ok(index) => Err(LogError::Row { index }.into()),
            Err(error) => Err(error.into()),
        }
    }
}
