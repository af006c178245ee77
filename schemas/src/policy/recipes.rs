//! Are the recipes that entries name the ones at hand, and is nothing else signed with them?

use std::collections::BTreeMap;

use super::{PolicyProblem, file::finish};
use crate::{
    digest::Digest,
    permission::{Allowlist, Recipe},
};

/// Largest recipe, in bytes. Its text stands in the permission and in every run's record.
pub const MAX_RECIPE_BYTES: u64 = 1 << 16;

/// How a recipe's file is named, for hints.
pub(super) const RECIPE_FILE_FORM: &str =
    "write the name of a file beside the allowlist: letters, digits, `-`, `_` and `.`, not beginning with `.`";

/// Whether a text can be the name of a recipe's file: no folder, no way out of one.
pub(super) fn is_recipe_file(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Fetches every recipe the entries name, by `read`, and compares digests; problems name their lines of `text`, the allowlist's file.
///
/// `read` gets a file's name and says, for people, why it cannot be read.
///
/// # Errors
///
/// Files that cannot be read, are too large, or have another digest than their entry says: the hint then has the right one.
pub fn check_recipes(
    allowlist: &Allowlist,
    text: &str,
    file_name: &str,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<BTreeMap<String, String>, Vec<PolicyProblem>> {
    let mut recipes = BTreeMap::new();
    let mut problems = Vec::new();
    for (position, entry) in allowlist.entries.iter().enumerate() {
        let Some(recipe) = &entry.recipe else { continue };
        let file = &recipe.file;
        let complaint = match read(file) {
            Err(why) => Some((
                format!("the recipe `{file}` cannot be read: {why}"),
                "put it beside the allowlist, under this name".to_owned(),
            )),
            Ok(found) => {
                let complaint = differs(recipe, &found);
                recipes.insert(file.clone(), found);
                complaint
            }
        };
        if let Some((message, hint)) = complaint {
            problems.push(PolicyProblem {
                entry: Some(entry.id.clone()),
                position: Some(position),
                ..PolicyProblem::new(file_name, message, hint).at("recipe")
            });
        }
    }
    finish(problems, text, file_name, "entry").map(|()| recipes)
}

fn differs(named: &Recipe, found: &str) -> Option<(String, String)> {
    let (file, digest) = (&named.file, Digest::of(found.as_bytes()));
    if u64::try_from(found.len()).is_ok_and(|len| len > MAX_RECIPE_BYTES) {
        let message = format!("the recipe `{file}` has {} bytes; at most {MAX_RECIPE_BYTES} are read", found.len());
        return Some((message, "one recipe reads one site: split it, or shorten its notes".to_owned()));
    }
    (digest != named.digest).then(|| {
        (
            format!("the recipe `{file}` is not the one this entry names: its digest is {digest}"),
            format!("if the file reads as you mean it, write `digest = \"{digest}\"`"),
        )
    })
}

/// Why a permission's texts are not exactly the recipes that its entries name.
pub(super) fn stray(allowlist: &Allowlist, recipes: &BTreeMap<String, String>) -> Option<String> {
    let named = || allowlist.entries.iter().filter_map(|entry| entry.recipe.as_ref());
    for recipe in named() {
        let file = recipe.file.escape_debug();
        match recipes.get(&recipe.file) {
            None => return Some(format!("an entry names the recipe `{file}`, whose text is not in it")),
            Some(text) if differs(recipe, text).is_some() => {
                return Some(format!("its text of the recipe `{file}` is not the one an entry names"));
            }
            Some(_) => {}
        }
    }
    let stray = recipes.keys().find(|file| !named().any(|recipe| recipe.file == **file))?;
    Some(format!("it holds the recipe `{}`, which no entry names", stray.escape_debug()))
}
