//! How does the file become a recipe, and where in it is what is wrong?

use kit::RecipeProblem;
use schemas::policy::nearest;
use serde::Deserialize as _;
use toml::de::{DeTable, DeValue};

use super::{Recipe, keys::File, line_of, reader::Reader};

pub(super) fn read(text: &str, file: &str) -> Result<Recipe, Vec<RecipeProblem>> {
    let problem = |error: &toml::de::Error, more: &str| {
        let (message, hint) = explain(error.message());
        let line = error.span().map(|span| line_of(text, span.start));
        RecipeProblem { file: file.to_owned(), line, message, hint: format!("{hint}{more}") }
    };
    const MORE: &str = "; there may be more, which shows once this is mended";
    let mut table = DeTable::parse(text).map_err(|error| vec![problem(&error, MORE)])?;
    let mut reader = Reader::new(text, file);
    // A key that cannot be read hides those after it: it is told, taken out, and the rest read without it.
    let parsed = loop {
        let error = match File::deserialize(toml::de::Deserializer::from(table.clone())) {
            Ok(parsed) => break parsed,
            Err(error) => error,
        };
        let Some(key) = error.span().and_then(|span| take_out(table.get_mut(), span.start)) else {
            reader.problems.push(problem(&error, MORE));
            return Err(reader.problems);
        };
        reader.problems.push(problem(&error, ""));
        reader.dropped.push(key);
    };
    let recipe = reader.recipe(parsed);
    reader.problems.sort_by_key(|problem| problem.line);
    match recipe {
        Some(recipe) if reader.problems.is_empty() => Ok(recipe),
        _ => Err(reader.problems),
    }
}

/// Takes out the key, of a table or else of the file, that stands or has its value at an offset, and names it as `list.item`.
fn take_out(table: &mut DeTable<'_>, offset: usize) -> Option<String> {
    for (name, value) in table.iter_mut() {
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(key) = take_from(inner, offset)
        {
            return Some(format!("{}.{key}", name.get_ref()));
        }
    }
    take_from(table, offset)
}

fn take_from(table: &mut DeTable<'_>, offset: usize) -> Option<String> {
    let here = table.iter().find(|(key, value)| key.span().contains(&offset) || value.span().contains(&offset));
    let key = here?.0.clone();
    table.remove(&key);
    Some(key.into_inner().into_owned())
}

/// The parser's words in ours, with one thing to do.
fn explain(said: &str) -> (String, String) {
    let mut quoted = said.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    if said.starts_with("unknown field") {
        let known: Vec<&str> = quoted.collect();
        let near = nearest(first, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        return (
            format!("unknown key `{first}`"),
            format!("{}known here: {}", near.unwrap_or_default(), known.join(", ")),
        );
    }
    if said.starts_with("missing field") {
        return (format!("the key `{first}` is missing"), format!("add `{first} = …`"));
    }
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    (lines.join("; "), "agents/web/README.md has every key, with an example".to_owned())
}
