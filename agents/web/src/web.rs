//! What does the collector of pages keep? The recipes of its targets, parsed.

use std::sync::{Arc, Mutex, PoisonError};

use kit::{Target, Unreadable};

use crate::recipe::Recipe;

/// Platform of every record: ids are the web's, scoped by site.
pub const PLATFORM: &str = "web";

/// Most recipes kept parsed: an agent has few, and one run has one.
const KEPT: usize = 16;

/// Collects web pages by a recipe of CSS selectors, which is part of what was signed.
///
/// One article is one record, named `HOST|ADDRESS` by its canonical address where that is on the host that answered, else by the address that answered.
/// A page in another language is a record of its own. Misses whatever a listing dropped between two runs, and pages that only scripts fill.
#[derive(Debug, Default)]
pub struct Web {
    recipes: Mutex<Vec<(String, Arc<Recipe>)>>,
}

impl Web {
    /// The recipe of a target, parsed once.
    ///
    /// # Errors
    ///
    /// The target has none, or it is broken.
    pub(crate) fn recipe(&self, target: &Target) -> Result<Arc<Recipe>, Unreadable> {
        let Some(text) = &target.recipe else {
            return Err(Unreadable::new(
                "recipe",
                "the entry names none; `recipe = { file = …, digest = … }` belongs to it",
            ));
        };
        let mut kept = self.recipes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, recipe)) = kept.iter().find(|(known, _)| known == text) {
            return Ok(Arc::clone(recipe));
        }
        let recipe = Recipe::read(text, "recipe").map_err(|problems| {
            let first = problems.first().map(|problem| {
                let line = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
                format!("{line}{}; {}", problem.message, problem.hint)
            });
            Unreadable::new("recipe", first.unwrap_or_default())
        })?;
        let recipe = Arc::new(recipe);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((text.clone(), Arc::clone(&recipe)));
        Ok(recipe)
    }
}
