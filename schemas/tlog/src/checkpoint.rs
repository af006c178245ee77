//! Which tree does the log commit to? C2SP `tlog-checkpoint.md` and `tlog-cosignature.md`.

use std::fmt;
use std::str::FromStr;

use crate::hash::{EMPTY_ROOT, Hash, HashError};
use crate::key::{KeyKind, VerifierKey};
use crate::note::{Note, NoteError};
use crate::signing::SigningKey;

/// Why a text is no checkpoint, or a checkpoint is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it.
    #[error("the checkpoint's note is not acceptable")]
    Note(#[from] NoteError),
    /// Fewer than the three lines origin, size and root, or no final newline.
    #[error("a checkpoint has the lines origin, size and root, each ended by a newline")]
    Lines,
    /// The origin line is empty.
    #[error("the checkpoint's origin is empty")]
    NoOrigin,
    /// The size line.
    #[error("the checkpoint's size `{}` is not a decimal number below 2^64 without leading zeros", .found.escape_debug())]
    Size {
        /// As written, cut to 40 characters.
        found: String,
    },
    /// The root line.
    #[error("the checkpoint's root is not a hash")]
    Root(#[source] HashError),
    /// A tree without leaves has one root only.
    #[error("the checkpoint says the tree is empty, but its root is not that of the empty tree")]
    EmptyRoot,
    /// Extension lines are not empty and hold no newline.
    #[error("line {line} of the checkpoint is empty")]
    EmptyExtension {
        /// Counted from 1.
        line: usize,
    },
    /// Signed by the right key, but for another log.
    #[error("the checkpoint is of `{}`, not of `{expected}`", .found.escape_debug())]
    Origin {
        /// Origin in the checkpoint.
        found: String,
        /// Name of the log's key.
        expected: String,
    },
    /// A log signs with a key of type 01; a cosignature states less.
    #[error("{key} is a cosignature key, not a log's key")]
    NotALogKey {
        /// Name and id.
        key: String,
    },
}

/// A tree's size and root under the name of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log, equal to its key's name. Not empty.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
    /// Further lines, none empty. The specification advises against them: monitors cannot audit what they say.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    #[must_use]
    pub fn new(origin: &str, size: u64, root: Hash) -> Self {
        Self { origin: origin.to_owned(), size, root, extensions: Vec::new() }
    }

    /// Reads the text of a checkpoint's note, final newline included. Says nothing about signatures: see [`Checkpoint::open`].
    ///
    /// # Errors
    ///
    /// Any [`CheckpointError`] but those about notes and keys.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = body.split('\n');
        let origin = lines.next().ok_or(CheckpointError::Lines)?;
        let size = lines.next().ok_or(CheckpointError::Lines)?;
        let root = lines.next().ok_or(CheckpointError::Lines)?;
        if origin.is_empty() {
            return Err(CheckpointError::NoOrigin);
        }
        let size = decimal(size).ok_or_else(|| CheckpointError::Size { found: size.chars().take(40).collect() })?;
        let root: Hash = root.parse().map_err(CheckpointError::Root)?;
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::EmptyRoot);
        }
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(at) = extensions.iter().position(String::is_empty) {
            return Err(CheckpointError::EmptyExtension { line: at + 4 });
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// Signs the checkpoint with its log's key. The log has made sure that it is consistent with every earlier one.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Origin`] if the key has another name than the origin; any other [`CheckpointError`] if the fields,
    /// written out, would not be read as they are (an origin with a line break, say). Nothing was signed then.
    pub fn sign(&self, key: &SigningKey) -> Result<Note, CheckpointError> {
        if self.origin != key.name() {
            return Err(CheckpointError::Origin { found: self.origin.clone(), expected: key.name().to_owned() });
        }
        let text = self.to_string();
        if Self::parse(&text)? != *self {
            return Err(CheckpointError::Lines);
        }
        Ok(Note::sign(&text, &[key])?)
    }

    /// Opens a checkpoint's note with the key of the log that is expected: the key signed it, and its origin is the key's name.
    ///
    /// The note is given back for [`verify_cosignatures`].
    ///
    /// # Errors
    ///
    /// Any [`CheckpointError`]: nothing may be believed then.
    pub fn open(note_bytes: &[u8], key: &VerifierKey) -> Result<(Self, Note), CheckpointError> {
        if key.kind() != KeyKind::Ed25519 {
            return Err(CheckpointError::NotALogKey { key: key.id_text() });
        }
        let note = Note::parse(note_bytes)?;
        note.verify(std::slice::from_ref(key))?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::Origin { found: checkpoint.origin, expected: key.name().to_owned() });
        }
        Ok((checkpoint, note))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        Self::parse(text)
    }
}

/// Writes the note text, final newline included.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        for line in &self.extensions {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// Which of these witnesses cosigned the checkpoint, each once, with the latest time it states (POSIX seconds).
///
/// Only keys of the cosignature type count, only lines that hold, and only if the note is a checkpoint. A witness with a line
/// that does not hold is left out altogether. Whether the log signed is another question: see [`Checkpoint::open`].
#[must_use]
pub fn verify_cosignatures(note: &Note, witnesses: &[VerifierKey]) -> Vec<(VerifierKey, u64)> {
    let mut found: Vec<(VerifierKey, u64)> = Vec::new();
    if Checkpoint::parse(&note.text).is_err() {
        return found;
    }
    for key in witnesses.iter().filter(|key| key.kind() == KeyKind::Cosignature) {
        if found.iter().any(|(seen, _)| seen == key) {
            continue;
        }
        let lines = note.signatures.iter().filter(|signature| key.named_by(signature));
        let times: Option<Vec<u64>> = lines.map(|signature| key.check(&note.text, &signature.bytes)).collect();
        if let Some(latest) = times.and_then(|times| times.into_iter().max()) {
            found.push((key.clone(), latest));
        }
    }
    found
}

/// A decimal number without sign or leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|c| c.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if plain && !leading_zero { text.parse().ok() } else { None }
}
