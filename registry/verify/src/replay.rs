//! What does the log say, leaf by leaf? Shared by bundles, which hold a few leaves, and folders, which hold all.

use std::collections::BTreeMap;

use schemas::{
    Digest, canonical,
    leaf::{Act, Leaf, RefusalCode, StatementKind},
    manifest::Minute,
    policy::{History, OpenStatement, PolicyError, open_statement},
    statement::{ErasureReason, Statement},
    trust::TrustRoot,
};

use crate::verdict::Findings;

/// Where a statement's text comes from.
pub(crate) enum Found {
    Note(String),
    Absent,
    Unreadable(String),
}

/// A leaf that names units which are gone.
#[derive(Clone, Debug)]
pub(crate) struct GoneLeaf {
    pub manifest: Digest,
    /// Closed ranges; none where a whole segment was refused.
    pub units: Vec<[u64; 2]>,
    pub why: Why,
    pub time: Minute,
}

#[derive(Clone, Debug)]
pub(crate) enum Why {
    Refused(RefusalCode),
    Erased {
        reason: ErasureReason,
        statement: Digest,
        authority: Option<String>,
        /// Whether the statement is at hand and signed as it must be.
        proven: bool,
    },
}

impl GoneLeaf {
    pub fn names(&self, unit: u64) -> bool {
        self.units.iter().any(|[first, last]| (*first..=*last).contains(&unit))
    }
}

/// Everything the leaves said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replay {
    pub history: History,
    pub gone: BTreeMap<u64, GoneLeaf>,
    /// Statement digest to leaf index and time.
    pub statements: BTreeMap<Digest, (u64, Minute)>,
    /// Time of the newest leaf that bears one.
    pub newest: Option<Minute>,
}

impl Replay {
    /// Takes in the leaf at `index`. Gives it back where it can be read at all.
    pub fn leaf(
        &mut self,
        index: u64,
        bytes: &[u8],
        load: impl FnOnce(Digest) -> Found,
        out: &mut Findings,
    ) -> Option<Leaf> {
        let place = format!("leaf {index}");
        let leaf: Leaf = match canonical::from_canonical(bytes) {
            Ok(leaf) => leaf,
            Err(why) => {
                out.wrong("leaf", place, format!("it is no leaf of this format: {why}"));
                return None;
            }
        };
        let (v, time) = match &leaf {
            Leaf::Manifest(manifest) => (manifest.v, manifest.time),
            Leaf::Act(Act::Statement { v, time, .. } | Act::Refusal { v, time, .. } | Act::Erasure { v, time, .. }) => {
                (*v, *time)
            }
        };
        if v != 1 {
            out.wrong("leaf", place, format!("it has format version {v}, this release reads 1"));
            return None;
        }
        self.newest = Some(time);
        match &leaf {
            Leaf::Manifest(_) => {}
            Leaf::Act(Act::Statement { kind, digest, time, .. }) => {
                self.statement(index, *kind, *digest, *time, load, out);
            }
            Leaf::Act(Act::Refusal { manifest, units, code, time, .. }) => {
                check_ranges(&place, units, out);
                let why = Why::Refused(*code);
                self.gone.insert(index, GoneLeaf { manifest: *manifest, units: units.clone(), why, time: *time });
            }
            Leaf::Act(Act::Erasure { manifest, units, reason, statement, time, .. }) => {
                check_ranges(&place, units, out);
                if units.is_empty() {
                    out.wrong("leaf", place, "an erasure that names no unit");
                }
                let (proven, authority) = self.erasure(index, *manifest, units, *reason, *statement, *time, load, out);
                let why = Why::Erased { reason: *reason, statement: *statement, authority, proven };
                self.gone.insert(index, GoneLeaf { manifest: *manifest, units: units.clone(), why, time: *time });
            }
        }
        Some(leaf)
    }

    fn statement(
        &mut self,
        index: u64,
        kind: StatementKind,
        digest: Digest,
        time: Minute,
        load: impl FnOnce(Digest) -> Found,
        out: &mut Findings,
    ) {
        let place = format!("leaf {index}");
        if self.statements.insert(digest, (index, time)).is_some() {
            out.wrong("statement", place, format!("statement {} is announced a second time", digest.short()));
            return;
        }
        let Some(opened) = open(index, digest, load, out) else {
            return;
        };
        let of_kind = match opened.statement {
            Statement::Root { .. } => Some(StatementKind::Root),
            Statement::Permission { .. } => Some(StatementKind::Permission),
            Statement::Approval { .. } => Some(StatementKind::Approval),
            Statement::Enrolment { .. } => Some(StatementKind::Enrolment),
            Statement::Revocation { .. } => Some(StatementKind::Revocation),
            Statement::Erasure { .. } => None,
        };
        if of_kind != Some(kind) {
            out.wrong(
                "statement",
                place,
                format!("the leaf announces another kind of statement than the {} it names", opened.name()),
            );
            return;
        }
        self.push(index, time, &opened, out);
    }

    #[expect(clippy::too_many_arguments, reason = "they are the members of one leaf")]
    fn erasure(
        &mut self,
        index: u64,
        manifest: Digest,
        units: &[[u64; 2]],
        reason: ErasureReason,
        statement: Digest,
        time: Minute,
        load: impl FnOnce(Digest) -> Found,
        out: &mut Findings,
    ) -> (bool, Option<String>) {
        if self.statements.insert(statement, (index, time)).is_some() {
            out.wrong(
                "statement",
                format!("leaf {index}"),
                format!("statement {} is announced a second time", statement.short()),
            );
            return (false, None);
        }
        let Some(opened) = open(index, statement, load, out) else {
            return (false, None);
        };
        let Statement::Erasure { manifest: of, units: named, reason: why, authority, .. } = &opened.statement else {
            out.wrong(
                "erasure",
                format!("leaf {index}"),
                format!("it names the {}, which erases nothing", opened.name()),
            );
            return (false, None);
        };
        if *of != manifest || ranges(named) != units || *why != reason {
            out.wrong(
                "erasure",
                format!("leaf {index}"),
                format!("it names another segment, other units or another reason than the signed {}", opened.name()),
            );
            return (false, None);
        }
        (self.push(index, time, &opened, out), Some(authority.clone()))
    }

    fn push(&mut self, index: u64, time: Minute, opened: &OpenStatement, out: &mut Findings) -> bool {
        if let Err(why) = self.history.push(index, time, opened) {
            let code = if matches!(why, PolicyError::Signers { .. }) { "signers" } else { "statement" };
            out.wrong(code, format!("leaf {index}"), chain(&why));
            return false;
        }
        let known = self.history.root().map(TrustRoot::keys).unwrap_or_default();
        let counted = opened.signers(&known).map(|by| by.len()).unwrap_or_default();
        let lines = opened.note.signatures.len();
        if counted < lines {
            out.note(
                "unknown-signature",
                format!("statements/{}.note", opened.digest),
                format!(
                    "{} of its {lines} signature lines are of nobody the trust root names, and count for nothing",
                    lines - counted
                ),
            );
        }
        true
    }
}

fn open(index: u64, digest: Digest, load: impl FnOnce(Digest) -> Found, out: &mut Findings) -> Option<OpenStatement> {
    let place = format!("statements/{digest}.note");
    let note = match load(digest) {
        Found::Note(note) => note,
        Found::Absent => {
            out.missing("missing-statement", place, format!("leaf {index} names this statement, and it is not here"));
            return None;
        }
        Found::Unreadable(why) => {
            out.wrong("statement", place, format!("leaf {index} names this statement, and it cannot be read: {why}"));
            return None;
        }
    };
    match open_statement(&note) {
        Ok(opened) if opened.digest == digest && opened.note.to_string() == note => Some(opened),
        Ok(opened) if opened.digest == digest => {
            out.wrong("statement", place, "its note is not in the one spelling that is written");
            None
        }
        Ok(opened) => {
            out.wrong(
                "statement",
                place,
                format!("its text has the digest {}, not the one leaf {index} names", opened.digest),
            );
            None
        }
        Err(why) => {
            out.wrong("statement", place, chain(&why));
            None
        }
    }
}

fn check_ranges(place: &str, units: &[[u64; 2]], out: &mut Findings) {
    let inner = units.iter().all(|[first, last]| first <= last);
    let ascending = units.windows(2).all(|pair| matches!(pair, [[_, last], [next, _]] if last < next));
    if !inner || !ascending {
        out.wrong("leaf", place, "its units are not ascending ranges");
    }
}

/// Ascending numbers as the fewest closed ranges.
fn ranges(units: &[u64]) -> Vec<[u64; 2]> {
    let mut found: Vec<[u64; 2]> = Vec::new();
    for unit in units {
        match found.last_mut() {
            Some([_, last]) if last.checked_add(1) == Some(*unit) => *last = *unit,
            _ => found.push([*unit, *unit]),
        }
    }
    found
}

/// An error with its causes, as one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}
