//! How is a person told that a file they wrote is refused?

use std::fmt;

/// One thing wrong with `allowlist.toml` or `trust.toml`, with its place and the remedy.
///
/// Shown as two lines: `error: allowlist.toml:41: …` and `hint: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Name of the file, as the person knows it.
    pub file: String,
    /// Line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// Id of the entry concerned.
    pub entry: Option<String>,
    /// Key within the entry or file: `seeds`, `match`, `people`.
    pub field: Option<String>,
    /// What is wrong; no full stop.
    pub message: String,
    /// One thing to do; no full stop.
    pub hint: String,
    /// Position of the entry in the file, for finding the line.
    pub(crate) position: Option<usize>,
}

impl PolicyProblem {
    pub(crate) fn new(file: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            entry: None,
            field: None,
            message: message.into(),
            hint: hint.into(),
            position: None,
        }
    }

    pub(crate) fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}:", self.file)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(entry) = &self.entry {
            write!(f, " entry `{entry}`:")?;
        }
        write!(f, " {}\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for PolicyProblem {}
