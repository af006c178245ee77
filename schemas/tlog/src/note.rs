//! What does a signed note say, and who signed it? C2SP `signed-note.md`.

use std::fmt;
use std::str::FromStr;

use crate::key::{COSIGNATURE_LINE, VerifierKey};
use crate::signature::Signature;
use crate::signing::SigningKey;

/// Largest note accepted: 1 MiB.
pub const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signature lines accepted; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// Why bytes are no note, or a note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Larger than [`MAX_NOTE_BYTES`].
    #[error("the note has {bytes} bytes, more than the {MAX_NOTE_BYTES} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Notes are UTF-8.
    #[error("the note is not valid UTF-8 from byte {at} on")]
    NotUtf8 {
        /// Number of valid bytes before.
        at: usize,
    },
    /// A control character other than the newline.
    #[error("the note holds control character U+{code:04X} at byte {at}")]
    Control {
        /// The character.
        code: u32,
        /// Byte position from 0.
        at: usize,
    },
    /// No empty line followed by signature lines.
    #[error("the note has no text and empty line before its signatures")]
    NoSignatures,
    /// A text to be signed must end in a newline.
    #[error("a note's text must end in a newline")]
    NoFinalNewline,
    /// A text that begins as a cosigned message does: signing it would make a cosignature by the back door.
    #[error("a note's text must not begin with the line `cosignature/v1`")]
    LooksCosigned,
    /// A line among the signatures that is none.
    #[error("signature line {line} of the note: {why}")]
    SignatureLine {
        /// Counted from 1, after the empty line.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More than [`MAX_SIGNATURES`] lines.
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A line by a known key that does not hold: the note was changed, or the line was.
    #[error("the signature by known key {key} does not hold: the note was changed after signing")]
    BadSignature {
        /// The key's name and id.
        key: String,
    },
    /// Nobody known signed.
    #[error("no known key signed the note; it carries signatures by: {}", .signers.join(", "))]
    NoneVerified {
        /// Names and ids on the signature lines, as claimed.
        signers: Vec<String>,
    },
}

/// Reads one signature line, without its newline.
impl FromStr for Signature {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        Self::parse(line).map_err(|why| NoteError::SignatureLine { line: 1, why })
    }
}

/// A text and its signatures, none of them verified yet: see [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed, final newline included.
    pub text: String,
    /// In the order of their lines.
    pub signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note; its signatures are claims until [`Note::verify`].
    ///
    /// The text is parted from the signatures by the last empty line. A parsed note, displayed, gives the same bytes.
    ///
    /// # Errors
    ///
    /// Any [`NoteError`] but those of verification. At most [`MAX_NOTE_BYTES`] and [`MAX_SIGNATURES`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge { bytes: bytes.len() });
        }
        let whole = std::str::from_utf8(bytes).map_err(|why| NoteError::NotUtf8 { at: why.valid_up_to() })?;
        check_characters(whole)?;
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut signatures = Vec::new();
        for (number, line) in lines.split('\n').enumerate() {
            if number >= MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let signature = Signature::parse(line).map_err(|why| NoteError::SignatureLine { line: number + 1, why })?;
            signatures.push(signature);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// Signs a text, in the order of the keys.
    ///
    /// # Errors
    ///
    /// A text that cannot be a note's is refused: no final newline, a control character, too large; so is one that begins as a
    /// cosigned message, and a list of keys that is empty ([`NoteError::NoSignatures`]) or too long.
    pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::NoFinalNewline);
        }
        if text.starts_with(COSIGNATURE_LINE) {
            return Err(NoteError::LooksCosigned);
        }
        check_characters(text)?;
        if keys.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        if keys.len() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = keys.iter().map(|key| key.sign(text)).collect();
        let note = Self { text: text.to_owned(), signatures };
        let bytes = note.to_string().len();
        if bytes > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge { bytes });
        }
        Ok(note)
    }

    /// Which of the known keys signed, each once, in the order of their lines.
    ///
    /// Lines by unknown keys (name and id are both compared) are ignored. A cosignature key counts for the time it states.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadSignature`] if any line of a known key does not hold, even if others do; [`NoteError::NoneVerified`] if
    /// no known key signed. The text must not be used then.
    pub fn verify(&self, known: &[VerifierKey]) -> Result<Vec<VerifierKey>, NoteError> {
        let mut verified: Vec<VerifierKey> = Vec::new();
        for signature in &self.signatures {
            // Two known keys may share name and id, since an id has four bytes only: the line must hold for one of them.
            let mut named = known.iter().filter(|key| key.named_by(signature)).peekable();
            if named.peek().is_none() {
                continue;
            }
            let Some(key) = named.find(|key| key.verifies(&self.text, signature)) else {
                return Err(NoteError::BadSignature { key: signature.id_text() });
            };
            if !verified.contains(key) {
                verified.push(key.clone());
            }
        }
        if verified.is_empty() {
            let signers = self.signatures.iter().map(Signature::id_text).collect();
            return Err(NoteError::NoneVerified { signers });
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            writeln!(f, "{signature}")?;
        }
        Ok(())
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.char_indices().find(|(_, c)| *c < ' ' && *c != '\n') {
        Some((at, c)) => Err(NoteError::Control { code: c.into(), at }),
        None => Ok(()),
    }
}
