//! What did the suite find?

use std::fmt;

/// Longest list of examples a row keeps.
const MAX_EXAMPLES: usize = 12;

/// What the suite tried and found. Prints as a table.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Which collector.
    pub collector: String,
    /// One row a check.
    pub rows: Vec<Row>,
}

/// One check.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What is checked.
    pub check: &'static str,
    /// How often it was tried.
    pub tried: u64,
    /// How often it failed.
    pub failed: u64,
    /// How many failures the author accounts for.
    pub allowed: u64,
    /// Seen and worth knowing, not counted as failures.
    pub noted: u64,
    /// The first failures and notes, in words.
    pub examples: Vec<String>,
}

impl Row {
    pub(super) fn new(check: &'static str) -> Self {
        Self { check, ..Self::default() }
    }

    pub(super) fn try_one(&mut self, result: Result<(), String>) {
        self.tried += 1;
        if let Err(why) = result {
            self.failed += 1;
            self.example(why);
        }
    }

    pub(super) fn note(&mut self, what: String) {
        self.noted += 1;
        self.example(what);
    }

    fn example(&mut self, what: String) {
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(what);
        }
    }

    /// Whether there were no more failures than accounted for.
    #[must_use]
    pub const fn passed(&self) -> bool {
        self.failed <= self.allowed
    }
}

impl Report {
    /// Whether every check passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.rows.iter().all(Row::passed)
    }

    /// The row of a check.
    #[must_use]
    pub fn row(&self, check: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.check == check)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "conformance of `{}`", self.collector)?;
        writeln!(f, "{:<34} {:>7} {:>7} {:>8} {:>6}", "check", "tried", "failed", "allowed", "noted")?;
        for row in &self.rows {
            let mark = if row.passed() { "" } else { "  FAILED" };
            writeln!(
                f,
                "{:<34} {:>7} {:>7} {:>8} {:>6}{mark}",
                row.check, row.tried, row.failed, row.allowed, row.noted
            )?;
        }
        for row in self.rows.iter().filter(|row| !row.examples.is_empty()) {
            writeln!(f, "{}:", row.check)?;
            for example in &row.examples {
                writeln!(f, "  {example}")?;
            }
        }
        Ok(())
    }
}
