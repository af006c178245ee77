//! What was in force when, according to the log?
//!
//! Built by reading the log's statements in order. Times are those of the leaves (minutes, by the registry's clock), never those that
//! signers wrote. Within one minute a leaf does not say at which second it stood, so [`History::policies_around`] gives every policy that
//! may have been in force in it.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;
use tlog::VerifierKey;

use super::{
    agents::{AgentState, Agents},
    bundle::{approval_facts, permission_facts},
    force::{ApprovalFacts, PermissionFacts, Policy},
    note::{OpenStatement, PolicyError},
    root::{threshold, verify_first_root, verify_next_root},
};
use crate::{
    canonical,
    digest::Digest,
    manifest::Minute,
    permission::Entry,
    statement::{PolicyIssue, PolicyIssueKind, Statement},
    trust::{Role, TrustRoot},
};

/// All statements of a log, verified one after the other.
#[derive(Debug, Clone, Default)]
pub struct History {
    seen: BTreeSet<Digest>,
    newest: Option<(u64, Minute)>,
    roots: Vec<Arc<TrustRoot>>,
    permissions: Vec<Kept<PermissionFacts>>,
    approvals: Vec<Kept<ApprovalFacts>>,
    states: Vec<State>,
    agents: Agents,
}

/// An entry that was in force for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForceFor {
    /// From then on.
    pub from: Timestamp,
    /// Until just before then.
    pub to: Timestamp,
    /// Its words.
    pub entry: Entry,
}

/// Facts with their statement, so that signatures can be asked for again when a new root brings new people.
#[derive(Debug)]
struct Kept<T> {
    facts: Arc<T>,
    statement: Arc<OpenStatement>,
}

/// By hand: the derived one would ask for `T: Clone`, and nothing is copied.
impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { facts: Arc::clone(&self.facts), statement: Arc::clone(&self.statement) }
    }
}

/// What was the newest from one statement to the next.
#[derive(Debug, Clone)]
struct State {
    from: Minute,
    log_size: u64,
    root: usize,
    permission: usize,
    approvals: usize,
    policy: OnceLock<Arc<Policy>>,
}

impl History {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the statement that the leaf at `leaf_index` announces, if it verifies against what came before.
    ///
    /// `minute` is the leaf's; one that lies before its predecessor's counts as equal to it, so a clock set back cannot reorder acts.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], and nothing has changed: not in order, already in the log (an old allowlist cannot be brought back by repeating it), an allowlist that brings
    /// back an entry in the words it had before it was changed or left out, not signed by whom it must be, or contradicting what came before.
    pub fn push(&mut self, leaf_index: u64, minute: Minute, opened: &OpenStatement) -> Result<(), PolicyError> {
        let name = opened.name();
        let refused = |why: &str| Err(PolicyError::content(name.clone(), why));
        if self.newest.is_some_and(|(index, _)| index >= leaf_index) {
            return refused("it does not come after the statement before it");
        }
        if self.seen.contains(&opened.digest) {
            return refused("it is in the log already; make a new one");
        }
        match &opened.statement {
            Statement::Root { root, .. } => self.push_root(root, opened)?,
            Statement::Permission { .. } => self.push_permission(opened)?,
            Statement::Approval { .. } => self.push_approval(opened)?,
            Statement::Enrolment { agent, collector, .. } => {
                let root = self.roots.last().ok_or_else(|| no_root(&name))?;
                self.agents.enrol(root, leaf_index, agent, collector, opened)?;
            }
            Statement::Revocation { agent, .. } => {
                let root = self.roots.last().ok_or_else(|| no_root(&name))?;
                self.agents.revoke(root, leaf_index, agent, opened)?;
            }
            Statement::Erasure { units, .. } => {
                let root = self.root_for(&name)?;
                threshold(opened, &name, root, root.needs.erase, Role::Eraser)?;
                if units.is_empty() || units.windows(2).any(|pair| pair[0] >= pair[1]) {
                    return refused("its units must be given in ascending order, each once");
                }
            }
        }
        let minute = self.newest.map_or(minute, |(_, before)| minute.max(before));
        self.seen.insert(opened.digest);
        self.newest = Some((leaf_index, minute));
        let changes_policy = matches!(
            opened.statement,
            Statement::Root { .. } | Statement::Permission { .. } | Statement::Approval { .. }
        );
        if changes_policy && !self.permissions.is_empty() {
            self.states.push(State {
                from: minute,
                log_size: leaf_index.saturating_add(1),
                root: self.roots.len().saturating_sub(1),
                permission: self.permissions.len().saturating_sub(1),
                approvals: self.approvals.len(),
                policy: OnceLock::new(),
            });
        }
        Ok(())
    }

    /// The newest trust root.
    #[must_use]
    pub fn root(&self) -> Option<&TrustRoot> {
        self.roots.last().map(Arc::as_ref)
    }

    /// The root of that digest, if the log ever held it.
    #[must_use]
    pub fn root_named(&self, digest: Digest) -> Option<&TrustRoot> {
        self.roots.iter().map(Arc::as_ref).find(|root| root.digest() == digest)
    }

    /// Whether this very statement is in the log.
    #[must_use]
    pub fn holds(&self, statement: Digest) -> bool {
        self.seen.contains(&statement)
    }

    /// The newest policy; nothing before the first permission.
    #[must_use]
    pub fn policy(&self) -> Option<Arc<Policy>> {
        self.build(self.states.last()?)
    }

    /// The policy by all statements whose leaf time is at most the minute of `at`; nothing before the first permission.
    #[must_use]
    pub fn policy_at(&self, at: Timestamp) -> Option<Arc<Policy>> {
        let minute = Minute::of(at);
        let state = self.states.iter().rev().find(|state| state.from <= minute)?;
        self.build(state)
    }

    /// When and in which words an entry was in force between two instants, oldest first. Neighbouring stretches differ in their words.
    ///
    /// Exact to the minute where a statement changed it, and to the day (UTC) where an entry or approval ran out.
    #[must_use]
    pub fn stretches(&self, entry: &str, from: Timestamp, to: Timestamp) -> Vec<InForceFor> {
        let mut found: Vec<InForceFor> = Vec::new();
        let mut states = self.states.iter().peekable();
        while let Some(state) = states.next() {
            let begins = state.from.start().max(from);
            let ends = states.peek().map_or(to, |next| next.from.start().min(to));
            let Some(policy) = (begins < ends).then(|| self.build(state)).flatten() else {
                continue;
            };
            let mut at = begins;
            while at < ends {
                let midnight = (at.as_second().div_euclid(86_400) + 1) * 86_400;
                let until = Timestamp::from_second(midnight).unwrap_or(Timestamp::MAX).min(ends);
                if let Ok(entry) = policy.in_force(entry, at) {
                    match found.last_mut().filter(|last| last.to == at && last.entry == *entry) {
                        Some(last) => last.to = until,
                        None => found.push(InForceFor { from: at, to: until, entry: entry.clone() }),
                    }
                }
                at = until;
            }
        }
        found
    }

    /// Every policy that may have been in force in the minute of `at`, the newest first.
    #[must_use]
    pub fn policies_around(&self, at: Timestamp) -> Vec<Arc<Policy>> {
        let minute = Minute::of(at);
        let mut found = Vec::new();
        for state in self.states.iter().rev().filter(|state| state.from <= minute) {
            found.extend(self.build(state));
            if state.from < minute {
                break;
            }
        }
        found
    }

    /// The policy an issue names, with the issue's own digest and time. Whether the log signed the issue is for the caller
    /// ([`super::OpenIssue::verify`]).
    ///
    /// Nothing where root, permission and approvals were never the newest together.
    #[must_use]
    pub fn policy_named(&self, issue: &PolicyIssue) -> Option<Policy> {
        let same = |policy: &Arc<Policy>| {
            policy.root_digest() == issue.root
                && policy.permission() == issue.permission
                && policy.approvals() == issue.approvals
        };
        self.states
            .iter()
            .rev()
            .filter_map(|state| self.build(state).map(|policy| (state, policy)))
            .find(|(_, policy)| same(policy))
            .and_then(|(state, _)| self.assemble(state, Some(issue)))
    }

    /// The issue for the newest policy, to be signed by the log's key. `log_size` must cover all statements pushed.
    #[must_use]
    pub fn issue(&self, issued_at: Timestamp, log_size: u64) -> Option<PolicyIssue> {
        Some(self.policy()?.as_issue(issued_at, log_size))
    }

    /// What the key is worth for a segment whose manifest is (or would be) the leaf at `at_index`.
    #[must_use]
    pub fn agent(&self, key_id: &str, at_index: u64) -> AgentState {
        self.agents.state(key_id, at_index)
    }

    /// Key ids of all agents that were ever enrolled, ascending, with the state after the newest statement.
    pub fn agents(&self) -> impl Iterator<Item = (&str, AgentState)> {
        self.agents.ids().map(|id| (id, self.agents.state(id, u64::MAX)))
    }

    fn root_for(&self, name: &str) -> Result<&TrustRoot, PolicyError> {
        self.root().ok_or_else(|| no_root(name))
    }

    fn push_root(&mut self, root: &TrustRoot, opened: &OpenStatement) -> Result<(), PolicyError> {
        match self.root() {
            None => verify_first_root(root, opened)?,
            Some(old) => verify_next_root(old, root, opened)?,
        }
        let keys = root.keys();
        // People who are new in this root may have signed before they were in it; their signatures count from here on.
        for kept in &mut self.permissions {
            let more = fresh(&kept.statement, &keys, &kept.facts.signers);
            if !more.is_empty() {
                let mut signers = kept.facts.signers.clone();
                signers.extend(more);
                let again = permission_facts(kept.statement.as_ref().clone(), signers)?;
                kept.facts = Arc::new(again);
            }
        }
        for kept in &mut self.approvals {
            let more = fresh(&kept.statement, &keys, &kept.facts.signers);
            if !more.is_empty() {
                let mut facts = kept.facts.as_ref().clone();
                facts.signers.extend(more);
                kept.facts = Arc::new(facts);
            }
        }
        self.roots.push(Arc::new(root.clone()));
        Ok(())
    }

    fn push_permission(&mut self, opened: &OpenStatement) -> Result<(), PolicyError> {
        let name = opened.name();
        let root = self.root_for(&name)?;
        let signers = opened.signers(&root.keys())?;
        let may = root.keys_with(&[Role::Requester, Role::Approver]);
        if !signers.iter().any(|key| may.contains(key)) {
            return Err(PolicyError::signers(name, "no requester or approver of the trust root signed it"));
        }
        let facts = Arc::new(permission_facts(opened.clone(), signers)?);
        if let Some(id) = self.brought_back(&facts) {
            let why = format!(
                "entry `{id}` reads again as it did before it was changed or left out, and its old approvals would count again without anybody's consent; change it (its `purpose`, its `expires_on`) and have it approved anew"
            );
            return Err(PolicyError::content(name, why));
        }
        let statement = Arc::new(opened.clone());
        self.permissions.push(Kept { facts, statement });
        Ok(())
    }

    /// An entry that an earlier allowlist held in these very words and the newest one does not.
    fn brought_back<'f>(&self, facts: &'f PermissionFacts) -> Option<&'f str> {
        let (newest, earlier) = self.permissions.split_last()?;
        let holds = |kept: &Kept<PermissionFacts>, id: &str, digest: &Digest| {
            kept.facts.entries.get(id).is_some_and(|(_, own)| own == digest)
        };
        facts
            .entries
            .iter()
            .find(|(id, (_, digest))| !holds(newest, id, digest) && earlier.iter().any(|kept| holds(kept, id, digest)))
            .map(|(id, _)| id.as_str())
    }

    fn push_approval(&mut self, opened: &OpenStatement) -> Result<(), PolicyError> {
        let name = opened.name();
        let root = self.root_for(&name)?;
        let signers = opened.signers(&root.keys())?;
        let may = root.keys_with(&[Role::Approver]);
        if !signers.iter().any(|key| may.contains(key)) {
            return Err(PolicyError::signers(name, "no approver of the trust root signed it"));
        }
        let facts = Arc::new(approval_facts(opened.clone(), signers)?);
        let statement = Arc::new(opened.clone());
        self.approvals.push(Kept { facts, statement });
        Ok(())
    }

    fn build(&self, state: &State) -> Option<Arc<Policy>> {
        if let Some(built) = state.policy.get() {
            return Some(Arc::clone(built));
        }
        let built = Arc::new(self.assemble(state, None)?);
        Some(Arc::clone(state.policy.get_or_init(|| built)))
    }

    fn assemble(&self, state: &State, issue: Option<&PolicyIssue>) -> Option<Policy> {
        let root = Arc::clone(self.roots.get(state.root)?);
        let permission = Arc::clone(&self.permissions.get(state.permission)?.facts);
        let approvals: Vec<_> = self
            .approvals
            .iter()
            .take(state.approvals)
            .filter(|kept| kept.facts.concerns(&permission))
            .map(|kept| Arc::clone(&kept.facts))
            .collect();
        let mut named: Vec<_> = approvals.iter().map(|approval| approval.statement).collect();
        named.sort_unstable();
        let own = PolicyIssue {
            kind: PolicyIssueKind::PolicyIssue,
            v: 1,
            issued_at: state.from.start(),
            root: root.digest(),
            permission: permission.statement,
            approvals: named,
            log_size: state.log_size,
        };
        let issue = issue.unwrap_or(&own);
        let digest = Digest::of(&canonical::canonical_of(issue).ok()?);
        Some(Policy::assemble(root, permission, approvals, issue.issued_at, digest))
    }
}

fn no_root(name: &str) -> PolicyError {
    PolicyError::content(name, "the log holds no trust root yet")
}

/// Keys that signed and were not counted yet. A line that does not hold counts for nobody.
fn fresh(statement: &OpenStatement, keys: &[VerifierKey], counted: &[VerifierKey]) -> Vec<VerifierKey> {
    keys.iter()
        .filter(|key| !counted.contains(key))
        .filter(|key| statement.note.signatures.iter().any(|line| key.verifies(&statement.note.text, line)))
        .cloned()
        .collect()
}
