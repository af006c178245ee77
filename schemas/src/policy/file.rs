//! How does a file that a person wrote become data, and where in it is what is wrong?

use jiff::civil::Date;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::{PolicyProblem, nearest::nearest};
use crate::{permission::Allowlist, trust::TrustRoot};

/// Largest file read, in bytes. A statement that holds it must stay below 1 MiB.
const MAX_FILE_BYTES: usize = 1 << 20;

impl Allowlist {
    /// Reads `allowlist.toml`. Unknown keys are refused; whether the entries may stand, [`Allowlist::check`] says.
    ///
    /// # Errors
    ///
    /// [`PolicyProblem`] with the line, and the nearest known name for one that is misspelt.
    pub fn from_toml(text: &str, file_name: &str) -> Result<Self, Box<PolicyProblem>> {
        read(text, file_name)
    }
}

impl TrustRoot {
    /// Reads `trust.toml`. Unknown keys are refused; whether the root may stand, [`TrustRoot::check`] says.
    ///
    /// # Errors
    ///
    /// [`PolicyProblem`] with the line, and the nearest known name for one that is misspelt.
    pub fn from_toml(text: &str, file_name: &str) -> Result<Self, Box<PolicyProblem>> {
        read(text, file_name)
    }
}

/// Reads and checks an allowlist file; problems name their lines.
///
/// # Errors
///
/// All that is wrong with it, in the order of the file.
pub fn check_allowlist_file(
    text: &str,
    file_name: &str,
    root: &TrustRoot,
    today: Date,
) -> Result<Allowlist, Vec<PolicyProblem>> {
    let read = Allowlist::from_toml(text, file_name).map_err(|problem| vec![*problem])?;
    finish(read.check(root, today), text, file_name, "entry").map(|()| read)
}

/// Reads and checks a trust root file; problems name their lines.
///
/// # Errors
///
/// All that is wrong with it, in the order of the file.
pub fn check_trust_file(text: &str, file_name: &str) -> Result<TrustRoot, Vec<PolicyProblem>> {
    let read = TrustRoot::from_toml(text, file_name).map_err(|problem| vec![*problem])?;
    finish(read.check(), text, file_name, "person").map(|()| read)
}

pub(super) fn finish(
    mut problems: Vec<PolicyProblem>,
    text: &str,
    file_name: &str,
    list: &str,
) -> Result<(), Vec<PolicyProblem>> {
    for problem in &mut problems {
        file_name.clone_into(&mut problem.file);
        problem.line = locate(text, list, problem.position, problem.field.as_deref());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn read<T: DeserializeOwned>(text: &str, file_name: &str) -> Result<T, Box<PolicyProblem>> {
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", text.len());
        return Err(Box::new(PolicyProblem::new(
            file_name,
            message,
            "split it into two registries, or shorten its notes",
        )));
    }
    toml::from_str(text).map_err(|error| {
        let (message, hint) = explain(error.message());
        let mut problem = PolicyProblem::new(file_name, message, hint);
        problem.line = error.span().map(|span| line_of(text, span.start));
        problem.entry = error.span().and_then(|span| entry_above(text, span.start));
        Box::new(problem)
    })
}

/// The parser's words in ours, with one thing to do.
fn explain(said: &str) -> (String, String) {
    let mut quoted = said.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    if said.starts_with("unknown field") || said.starts_with("unknown variant") {
        let what = if said.starts_with("unknown field") { "key" } else { "value" };
        let known: Vec<&str> = quoted.collect();
        let hint = match nearest(first, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        return (format!("unknown {what} `{first}`"), hint);
    }
    if said.starts_with("missing field") {
        return (
            format!("the key `{first}` is missing"),
            format!("add `{first} = …`; allowlist.example.toml and trust.example.toml explain every key"),
        );
    }
    let hint = if said.contains("datetime") || said.contains("$__toml") || said.contains("invalid type: map") {
        "write days and other texts in quotes"
    } else {
        "compare with allowlist.example.toml or trust.example.toml, which explain every key"
    };
    let one_line: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    (one_line.join("; "), hint.to_owned())
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// The id of the last `[[entry]]` that begins before an offset, read from the text alone, since the file could not be read.
fn entry_above(text: &str, offset: usize) -> Option<String> {
    let from = text.get(..offset)?.rfind("[[entry]]")?;
    let rest = text.get(from..)?;
    let own = rest.get("[[entry]]".len()..)?.split("[[").next()?;
    let id = own.lines().find_map(|line| line.trim().strip_prefix("id")?.trim_start().strip_prefix('='))?;
    let id = id.trim().trim_matches('"');
    super::is_id(id).then(|| id.to_owned())
}

/// The line of a key, within the entry at `position` or at the top; the entry's first line where the key is absent.
fn locate(text: &str, list: &str, position: Option<usize>, field: Option<&str>) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let key_line = |table: &DeTable<'_>| {
        let (key, _) = table.iter().find(|(key, _)| Some(key.get_ref().as_ref()) == field)?;
        Some(line_of(text, key.span().start))
    };
    let Some(position) = position else {
        return key_line(document.get_ref());
    };
    let (_, entries) = document.get_ref().iter().find(|(key, _)| key.get_ref().as_ref() == list)?;
    let DeValue::Array(entries) = entries.get_ref() else {
        return None;
    };
    let entry = entries.get(position)?;
    let DeValue::Table(table) = entry.get_ref() else {
        return None;
    };
    key_line(table).or_else(|| Some(line_of(text, entry.span().start)))
}
