//! How do statements and issues become notes, and notes statements again?

use serde::{Serialize, de::DeserializeOwned};
use tlog::{Note, NoteError, SigningKey, VerifierKey};

use crate::{
    canonical::{self, CanonicalError},
    digest::Digest,
    statement::{PolicyIssue, Statement},
};

/// Why statements do not make a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The bytes are no signed note, or a signature of a known key does not hold.
    #[error("the {what} cannot be believed")]
    Note {
        /// Which statement: `permission`, `approval 1a2b…`.
        what: String,
        /// What is wrong with it.
        #[source]
        source: NoteError,
    },
    /// The signed text is not one line of canonical JSON of the right shape.
    #[error("the {what} is not written as this release writes it")]
    Shape {
        /// Which statement.
        what: String,
        /// What is wrong with it.
        #[source]
        source: CanonicalError,
    },
    /// Another format version.
    #[error("the {what} has format version {found}, this release reads 1; install a newer release")]
    Version {
        /// Which statement.
        what: String,
        /// Version found.
        found: u32,
    },
    /// Too few of the right people signed.
    #[error("the {what} is not signed as it must be: {why}")]
    Signers {
        /// Which statement.
        what: String,
        /// Who is missing.
        why: String,
    },
    /// A statement contradicts itself, the root or what came before.
    #[error("the {what} cannot stand: {why}")]
    Content {
        /// Which statement.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl PolicyError {
    pub(crate) fn content(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Content { what: what.into(), why: why.into() }
    }

    pub(crate) fn signers(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Signers { what: what.into(), why: why.into() }
    }
}

/// A statement as read; its signatures are claims until somebody asks [`OpenStatement::signers`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStatement {
    /// What it says.
    pub statement: Statement,
    /// SHA-256 of its canonical bytes: its name in leaves, issues and files.
    pub digest: Digest,
    /// The note, with the signatures it carries.
    pub note: Note,
}

impl OpenStatement {
    /// Its kind and the first digits of its digest, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", kind(&self.statement), self.digest.short())
    }

    /// Which of the known keys signed, each once. None is an empty list, not an error.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Note`] if a line that names a known key does not hold: the note was changed.
    pub fn signers(&self, known: &[VerifierKey]) -> Result<Vec<VerifierKey>, PolicyError> {
        signers(&self.note, known, || self.name())
    }
}

/// A policy issue as read; believed once [`OpenIssue::verify`] agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIssue {
    /// What it says.
    pub issue: PolicyIssue,
    /// SHA-256 of its canonical bytes: the policy digest that runs name.
    pub digest: Digest,
    /// The note.
    pub note: Note,
}

impl OpenIssue {
    /// Checks the log's signature.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Note`] if it does not hold, [`PolicyError::Signers`] if the log did not sign.
    pub fn verify(&self, log_key: &VerifierKey) -> Result<(), PolicyError> {
        let by = signers(&self.note, std::slice::from_ref(log_key), || "policy issue".to_owned())?;
        if by.is_empty() {
            let why = format!("the log's key {} is missing", log_key.id_text());
            return Err(PolicyError::signers("policy issue", why));
        }
        Ok(())
    }
}

/// Writes and signs a statement: a note whose text is its canonical bytes and a line feed.
///
/// Further signatures may be appended as lines to the note; they never change the digest.
///
/// # Errors
///
/// [`PolicyError::Note`] without keys or beyond 1 MiB, [`PolicyError::Shape`] where the statement holds what canonical JSON refuses.
pub fn sign_statement(statement: &Statement, keys: &[&SigningKey]) -> Result<String, PolicyError> {
    sign(statement, kind(statement), keys)
}

/// Writes a policy issue and signs it with the log's key.
///
/// # Errors
///
/// As [`sign_statement`].
pub fn sign_issue(issue: &PolicyIssue, log_key: &SigningKey) -> Result<String, PolicyError> {
    sign(issue, "policy issue", &[log_key])
}

/// SHA-256 of a statement's canonical bytes, without line feed and signatures.
///
/// # Errors
///
/// [`PolicyError::Shape`] where the statement holds what canonical JSON refuses (an integer beyond 2^53).
pub fn statement_digest(statement: &Statement) -> Result<Digest, PolicyError> {
    Ok(Digest::of(&bytes(statement, kind(statement))?))
}

/// Reads a statement strictly: a note, one line of canonical JSON, no unknown member, version 1. Signatures are not judged.
///
/// # Errors
///
/// [`PolicyError::Note`], [`PolicyError::Shape`], [`PolicyError::Version`].
pub fn open_statement(note: &str) -> Result<OpenStatement, PolicyError> {
    let (note, digest, statement): (_, _, Statement) = open(note, "statement")?;
    let (Statement::Root { v, .. }
    | Statement::Permission { v, .. }
    | Statement::Approval { v, .. }
    | Statement::Enrolment { v, .. }
    | Statement::Revocation { v, .. }
    | Statement::Erasure { v, .. }) = &statement;
    version(*v, kind(&statement))?;
    Ok(OpenStatement { statement, digest, note })
}

/// Reads a policy issue as strictly as [`open_statement`] reads statements. The log's signature is not judged.
///
/// # Errors
///
/// As [`open_statement`].
pub fn open_issue(note: &str) -> Result<OpenIssue, PolicyError> {
    let (note, digest, issue): (_, _, PolicyIssue) = open(note, "policy issue")?;
    version(issue.v, "policy issue")?;
    Ok(OpenIssue { issue, digest, note })
}

pub(crate) fn kind(statement: &Statement) -> &'static str {
    match statement {
        Statement::Root { .. } => "trust root",
        Statement::Permission { .. } => "permission",
        Statement::Approval { .. } => "approval",
        Statement::Enrolment { .. } => "enrolment",
        Statement::Revocation { .. } => "revocation",
        Statement::Erasure { .. } => "erasure",
    }
}

fn bytes<T: Serialize>(thing: &T, what: &str) -> Result<Vec<u8>, PolicyError> {
    canonical::canonical_of(thing).map_err(|source| PolicyError::Shape { what: what.to_owned(), source })
}

fn sign<T: Serialize>(thing: &T, what: &str, keys: &[&SigningKey]) -> Result<String, PolicyError> {
    let mut text = String::from_utf8_lossy(&bytes(thing, what)?).into_owned();
    text.push('\n');
    let note = Note::sign(&text, keys).map_err(|source| PolicyError::Note { what: what.to_owned(), source })?;
    Ok(note.to_string())
}

fn open<T: DeserializeOwned>(note: &str, what: &str) -> Result<(Note, Digest, T), PolicyError> {
    let note = Note::parse(note.as_bytes()).map_err(|source| PolicyError::Note { what: what.to_owned(), source })?;
    let line = note.text.strip_suffix('\n').unwrap_or(&note.text);
    let said = canonical::from_canonical(line.as_bytes())
        .map_err(|source| PolicyError::Shape { what: what.to_owned(), source })?;
    let digest = Digest::of(line.as_bytes());
    Ok((note, digest, said))
}

fn version(found: u32, what: &str) -> Result<(), PolicyError> {
    if found == 1 {
        return Ok(());
    }
    Err(PolicyError::Version { what: what.to_owned(), found })
}

fn signers(note: &Note, known: &[VerifierKey], what: impl Fn() -> String) -> Result<Vec<VerifierKey>, PolicyError> {
    match note.verify(known) {
        Ok(by) => Ok(by),
        Err(NoteError::NoneVerified { .. }) => Ok(Vec::new()),
        Err(source) => Err(PolicyError::Note { what: what(), source }),
    }
}
