//! What can be said of a recipe before anybody signs it?

use std::fmt;

use serde_json::Value;

use super::Facts;
use crate::body::Body;

/// What a collector that works by recipes can tell of one. No recipe is read here that was not given as text.
pub trait Recipes {
    /// What a recipe will do, in a few lines for whoever signs it. `file` is its name as the person knows it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the file.
    fn check(&self, text: &str, file: &str) -> Result<String, Vec<RecipeProblem>>;

    /// Words for what a page can be tried as, the first being what seeds are.
    fn kinds(&self, text: &str) -> Vec<&'static str>;

    /// The step by which a page of this kind is read; nothing where the kind is not one of [`kinds`](Self::kinds).
    fn step(&self, text: &str, kind: &str) -> Option<Value>;

    /// What each part of the recipe finds in an answer, in the order in which parts are asked.
    fn explain(&self, facts: &Facts, body: &Body) -> Vec<Matched>;
}

/// What one part of a recipe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Key of the recipe, as `list.link`.
    pub key: String,
    /// As the recipe has it.
    pub selector: String,
    /// Line of the recipe, from 1.
    pub line: usize,
    /// How often it matched, in words.
    pub found: String,
    /// False where a person should look.
    pub good: bool,
    /// The first few values.
    pub values: Vec<String>,
}

/// One thing wrong with a recipe, with its place and the remedy. Shown as two lines, `error: FILE:LINE: …` and `hint: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeProblem {
    /// Name of the file, as the person knows it.
    pub file: String,
    /// Line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong; no full stop.
    pub message: String,
    /// One thing to do; no full stop.
    pub hint: String,
}

impl fmt::Display for RecipeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}:", self.file)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}\nhint: {}", self.message, self.hint)
    }
}
