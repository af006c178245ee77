//! What did checking find, and how is it said?

use std::fmt;

use jiff::Timestamp;
use schemas::manifest::Minute;
use serde::{Deserialize, Serialize};
use tlog::Hash;

/// The one word that checking comes to. Later values outweigh earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that is claimed was recomputed and holds.
    Valid,
    /// It holds, and of what was asked for something was destroyed by a signed act that the log names.
    Erased,
    /// What is there holds, but something that is needed is absent; the findings name it.
    Incomplete,
    /// The log contradicts a checkpoint that was remembered: it was set back, or shows different people different trees.
    Diverged,
    /// Something does not hold; the findings name it.
    Invalid,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; changes no verdict.
    Note,
    /// Destroyed by a signed act.
    Erased,
    /// Absent.
    Missing,
    /// Contradicts a remembered checkpoint.
    Diverged,
    /// Wrong.
    Wrong,
}

/// One thing that checking found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Which check, as one word that never changes its meaning: `commitment`, `permission`, `missing-unit`…
    pub code: String,
    /// Where: a file, unit or leaf.
    pub place: String,
    /// What, for people; no full stop.
    pub what: String,
}

impl Finding {
    pub(crate) fn new(severity: Severity, code: &str, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { severity, code: code.to_owned(), place: place.into(), what: what.into() }
    }
}

/// Findings as they come, with the few ways to add one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn wrong(&mut self, code: &str, place: impl Into<String>, what: impl Into<String>) {
        self.0.push(Finding::new(Severity::Wrong, code, place, what));
    }

    pub fn missing(&mut self, code: &str, place: impl Into<String>, what: impl Into<String>) {
        self.0.push(Finding::new(Severity::Missing, code, place, what));
    }

    pub fn erased(&mut self, code: &str, place: impl Into<String>, what: impl Into<String>) {
        self.0.push(Finding::new(Severity::Erased, code, place, what));
    }

    pub fn diverged(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.0.push(Finding::new(Severity::Diverged, "diverged", place, what));
    }

    pub fn note(&mut self, code: &str, place: impl Into<String>, what: impl Into<String>) {
        self.0.push(Finding::new(Severity::Note, code, place, what));
    }
}

/// The checkpoint that a verdict speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// Name of the log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Time of the newest leaf, by the registry's clock; absent where that leaf is not at hand or bears none.
    pub time: Option<Minute>,
    /// Witnesses of the trust root that cosigned the checkpoint, with the time each states.
    pub cosigned: Vec<(String, Timestamp)>,
}

/// What checking came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The word.
    pub outcome: Outcome,
    /// True for a demonstration: what holds there proves nothing about the world.
    pub trial: bool,
    /// The checkpoint it rests on; absent where none could be believed.
    pub as_of: Option<AsOf>,
    /// What was found, the weightiest first.
    pub findings: Vec<Finding>,
}

impl Verdict {
    pub(crate) fn of(trial: bool, as_of: Option<AsOf>, findings: Findings) -> Self {
        let mut findings = findings.0;
        // Threads finish in any order; a report is the same each time.
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
        findings.dedup();
        let outcome = match findings.first().map(|finding| finding.severity) {
            None | Some(Severity::Note) => Outcome::Valid,
            Some(Severity::Erased) => Outcome::Erased,
            Some(Severity::Missing) => Outcome::Incomplete,
            Some(Severity::Diverged) => Outcome::Diverged,
            Some(Severity::Wrong) => Outcome::Invalid,
        };
        Self { outcome, trial, as_of, findings }
    }

    /// What a file that cannot be read as a bundle comes to.
    #[must_use]
    pub fn unreadable(trial: bool, place: &str, why: &str) -> Self {
        let mut out = Findings::default();
        out.wrong("bundle", place, why);
        Self::of(trial, None, out)
    }

    /// 0 valid, 3 incomplete, 4 diverged, 5 invalid, 6 lawfully erased, 7 trial.
    ///
    /// A trial's own code stands for *valid* and *lawfully erased* only: what is broken in a trial is broken. 2 is for what could
    /// not be checked at all (no such file, no trust root) and is never a verdict's.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match (self.outcome, self.trial) {
            (Outcome::Valid | Outcome::Erased, true) => 7,
            (Outcome::Valid, false) => 0,
            (Outcome::Incomplete, _) => 3,
            (Outcome::Diverged, _) => 4,
            (Outcome::Invalid, _) => 5,
            (Outcome::Erased, false) => 6,
        }
    }

    /// The verdict as one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let word = match self.outcome {
            Outcome::Valid => "VALID",
            Outcome::Erased => "LAWFULLY ERASED",
            Outcome::Incomplete => "INCOMPLETE",
            Outcome::Diverged => "DIVERGED",
            Outcome::Invalid => "INVALID",
        };
        let trial = if self.trial { "TRIAL: " } else { "" };
        match &self.as_of {
            None => format!("{trial}{word}"),
            Some(as_of) => {
                let when = as_of.time.map(|time| format!(", newest leaf of {time}")).unwrap_or_default();
                format!("{trial}{word} as of log size {}{when}", as_of.size)
            }
        }
    }
}

impl Severity {
    const fn heading(self) -> &'static str {
        match self {
            Self::Wrong => "WRONG",
            Self::Diverged => "CONTRADICTS WHAT WAS REMEMBERED",
            Self::Missing => "MISSING",
            Self::Erased => "LAWFULLY ERASED",
            Self::Note => "WORTH KNOWING",
        }
    }
}

/// Findings shown of one kind before the rest is counted; `--json` has them all.
const SHOWN: usize = 40;

/// Headline, checkpoint, findings by weight; lines of at most 100 columns but for long names.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        if self.trial {
            writeln!(f, "  A trial log: its keys were made by the program itself, for a demonstration.")?;
            writeln!(f, "  What holds here shows how Vigie works and proves nothing about the world.")?;
        }
        if let Some(as_of) = &self.as_of {
            writeln!(f, "  log         {}", as_of.origin)?;
            writeln!(f, "  checkpoint  {} leaves, root {}", as_of.size, as_of.root)?;
            for (witness, at) in &as_of.cosigned {
                writeln!(f, "  cosigned    {witness} at {at}")?;
            }
        }
        let mut rest = self.findings.as_slice();
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|found| found.severity == first.severity).count();
            let (these, after) = rest.split_at(count);
            writeln!(f, "\n{} ({count})", first.severity.heading())?;
            for found in these.iter().take(SHOWN) {
                writeln!(f, "  {} [{}]", found.place, found.code)?;
                for line in wrap(&found.what, 92) {
                    writeln!(f, "      {line}")?;
                }
            }
            if count > SHOWN {
                writeln!(f, "  and {} more; `--json` lists them all", count - SHOWN)?;
            }
            rest = after;
        }
        Ok(())
    }
}

/// Cuts a text into lines at its spaces; a longer word stands alone. Control characters are shown, never sent to the terminal.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut width = 0;
    for word in plain(text).split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > columns {
            lines.push(std::mem::take(&mut line));
            width = 0;
        }
        if width > 0 {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += length;
    }
    lines.push(line);
    lines
}

/// What came from outside, fit for a terminal: control and direction characters are written out.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let directs = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        if c.is_control() || directs {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}
