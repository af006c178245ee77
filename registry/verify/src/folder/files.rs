//! Is this a data folder, and which of its files does nothing account for?

use std::{collections::BTreeSet, path::Path};

use schemas::Digest;

use super::{log::Log, names::names};
use crate::{
    bundle::{read_file, segment_name},
    verdict::Findings,
};

/// Content of `format`.
const FORMAT: &[u8] = b"vigie-data 1\n";
/// Largest program kept for deriving.
const MAX_PROGRAM: u64 = 1 << 30;

/// Checks that this is a data folder of a format known here.
pub(super) fn format(data_dir: &Path, out: &mut Findings) {
    match read_file(&data_dir.join("format"), 1 << 10) {
        Ok(bytes) if bytes == FORMAT => {}
        Ok(bytes) => {
            let said = String::from_utf8_lossy(&bytes).trim_end().escape_debug().to_string();
            out.wrong("format", "format", format!("it says `{said}`; this release reads `vigie-data 1`"));
        }
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            out.missing("format", "format", "the file that names the folder's format is missing");
        }
        Err(why) => out.wrong("format", "format", format!("it cannot be read: {why}")),
    }
}

/// Names what no leaf accounts for, and programs that are not what their name says.
pub(super) fn unknown(data_dir: &Path, log: &Log, out: &mut Findings) {
    let segments: BTreeSet<String> = log.segments.iter().map(|segment| segment_name(segment.digest)).collect();
    for name in names(data_dir, out) {
        let (folder, file) = name.split_once('/').unwrap_or(("", &name));
        match folder {
            "" if ["format", "lock"].contains(&file)
                || file.starts_with("registry.sqlite")
                || file.starts_with("index.sqlite") => {}
            "log" => {}
            "segments" if segments.contains(&name) => {}
            "segments" => out.note("unknown-segment", name, "no leaf of the log names it, so nothing in it is claimed"),
            "statements" => {
                let digest = file.strip_suffix(".note").and_then(|text| text.parse::<Digest>().ok());
                if !digest.is_some_and(|digest| log.replay.statements.contains_key(&digest)) {
                    out.note("unknown-statement", name, "no leaf of the log names it, so it counts for nothing");
                }
            }
            "programs" => match (file.parse::<Digest>(), read_file(&data_dir.join(&name), MAX_PROGRAM)) {
                (Ok(digest), Ok(bytes)) if Digest::of(&bytes) == digest => {}
                (Ok(_), Ok(_)) => out.wrong("program", name, "its bytes do not have the digest that is its name"),
                (Ok(_), Err(why)) => out.wrong("program", name, format!("it cannot be read: {why}")),
                (Err(_), _) => out.note("unknown-file", name, "its name is no digest"),
            },
            _ => out.note("unknown-file", name, "a data folder has no such file"),
        }
    }
}
