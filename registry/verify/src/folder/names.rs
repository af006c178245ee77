//! Which files are there?

use std::{collections::BTreeSet, fs, path::Path};

use crate::verdict::Findings;

/// Names of all files below a folder, `/` between parts, ascending. Links are named and not followed.
pub(super) fn names(dir: &Path, out: &mut Findings) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        let entries = match fs::read_dir(dir.join(&prefix)) {
            Ok(entries) => entries,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => continue,
            Err(why) => {
                out.wrong("folder", dir.join(&prefix).display().to_string(), format!("it cannot be listed: {why}"));
                continue;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                out.note("unknown-file", format!("{}/{}", prefix, name.to_string_lossy()), "its name is not UTF-8");
                continue;
            };
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(path),
                Ok(kind) if kind.is_file() => {
                    found.insert(path);
                }
                _ => out.note("unknown-file", path, "it is neither file nor folder, and is not followed"),
            }
        }
    }
    found
}
