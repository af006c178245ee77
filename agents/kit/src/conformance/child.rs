//! Does the same answer read the same elsewhere? The test program runs itself again, twice, in other time zones and languages.

use std::{env, fs, path::Path, process::Command, thread};

use super::case::Case;
use crate::contract::Erased;

/// Folder into which a child writes what it read. Set only in children.
const OUT: &str = "VIGIE_CONFORMANCE_OUT";

/// Zones a child is put into: a quarter hour off, half an hour off and west of UTC, and one that has changed its day.
const ZONES: [(&str, &str); 3] =
    [("Asia/Kathmandu", "ne_NP.UTF-8"), ("America/St_Johns", "fr_CA.UTF-8"), ("Pacific/Apia", "tr_TR.UTF-8")];

/// True in a child, which has then written its readings and has nothing else to do.
pub(super) fn is_child(collector: &dyn Erased, cases: &[Case]) -> Result<bool, String> {
    let Some(out) = env::var_os(OUT) else {
        return Ok(false);
    };
    let text: String = cases.iter().map(|case| format!("# {}\n{}", case.name, case.render(collector))).collect();
    fs::write(Path::new(&out).join(collector.name()), text).map_err(|error| error.to_string())?;
    Ok(true)
}

/// Runs this program again in each zone and compares what it read.
pub(super) fn compare(collector: &dyn Erased, cases: &[Case]) -> Vec<Result<(), String>> {
    let here: String = cases.iter().map(|case| format!("# {}\n{}", case.name, case.render(collector))).collect();
    ZONES.iter().map(|(zone, language)| elsewhere(collector, zone, language, &here)).collect()
}

fn elsewhere(collector: &dyn Erased, zone: &str, language: &str, here: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    // Under the standard test harness a thread has its test's name; run single-threaded it has not, and all tests of the file run.
    if let Some(name) = thread::current().name().filter(|name| *name != "main") {
        command.args([name, "--exact"]);
    }
    let output = command
        .env(OUT, folder.path())
        .env("TZ", zone)
        .env("LANG", language)
        .env("LC_ALL", language)
        .env_remove("VIGIE_BLESS")
        .output()
        .map_err(|error| format!("{zone}: {error}"))?;
    let there = fs::read_to_string(folder.path().join(collector.name()))
        .map_err(|error| format!("{zone}: the child wrote nothing ({error}); it ended with {}", output.status))?;
    match there.lines().zip(here.lines()).find(|(there, here)| there != here) {
        Some((there, here)) => Err(format!("{zone}: reads `{there}` where it reads `{here}` here")),
        None if there.len() != here.len() => {
            Err(format!("{zone}: reads {} bytes of lines, {} here", there.len(), here.len()))
        }
        None => Ok(()),
    }
}
