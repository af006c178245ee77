//! Does a whole data folder hold together? Every leaf, statement and segment of it, without any database.
//!
//! Reads a copy of the folder whose layout `schemas/README.md` gives. Memory: 32 bytes and the manifest a leaf, for each thread one
//! segment, and some 300 bytes for each reading of a list that is published whole and for each item that left one. A folder that is being written to may show files that nothing refers to yet; they are named and change no verdict.

mod chain;
mod files;
mod log;
mod names;
mod segments;
mod vanished;

use std::{fmt, path::Path};

use schemas::trust::TrustRoot;
use serde::{Deserialize, Serialize};
use tlog::Checkpoint;

use crate::{
    checkpoints::as_of,
    replay::chain as words,
    verdict::{Findings, Verdict},
};

/// What else to look at, and how.
#[derive(Default)]
pub struct FolderOptions<'a> {
    /// A checkpoint of the same log, remembered or got from an agent or witness, as a signed note.
    pub against: Option<String>,
    /// Threads that read segments; 0 is as many as the machine has cores, at most 4: each holds a segment of up to 64 MiB.
    pub threads: usize,
    /// Told how many segments of how many are done; called from any thread.
    pub progress: Option<&'a (dyn Fn(u64, u64) + Sync)>,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Leaves of the log.
    pub leaves: u64,
    /// Statements that leaves name.
    pub statements: u64,
    /// Segments that leaves name.
    pub segments: u64,
    /// Units in them.
    pub units: u64,
    /// Units that are gone by an erasure.
    pub erased: u64,
    /// Units that the registry refused and did not keep.
    pub refused: u64,
    /// Segments refused whole.
    pub refused_segments: u64,
    /// Requests, refusals and failures whose decision was computed again.
    pub captures: u64,
    /// Of these, collected before the agent could know that permission had changed.
    pub late: u64,
    /// Record lines whose content hash was computed again.
    pub records: u64,
    /// Bytes of segment files read.
    pub bytes: u64,
}

/// What checking a folder came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The verdict, with all findings.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was looked at.
    pub totals: Totals,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals {
            leaves,
            statements,
            segments,
            units,
            erased,
            refused,
            refused_segments,
            captures,
            late,
            records,
            bytes,
        } = self.totals;
        write!(f, "{}", self.verdict)?;
        let mib = bytes >> 20;
        writeln!(f, "\nLOOKED AT")?;
        writeln!(
            f,
            "  log         {}, {}",
            count(leaves, "leaf", "leaves"),
            count(statements, "statement", "statements")
        )?;
        let units = count(units, "unit", "units");
        writeln!(f, "  segments    {segments} ({mib} MiB) with {units}")?;
        writeln!(f, "  decisions   {captures} computed again; {late} made before the agent could know of a change")?;
        writeln!(f, "  records     {records} hashed again")?;
        let erased = count(erased, "unit", "units");
        let refused = count(refused, "unit", "units");
        let whole = count(refused_segments, "whole segment", "whole segments");
        writeln!(f, "  gone        {erased} erased, {refused} and {whole} refused, each named by a leaf")
    }
}

/// Checks everything in a copy of a data folder, trusting `root` alone.
///
/// Never fails: what cannot be read is a finding.
#[must_use]
pub fn check_folder(data_dir: &Path, root: &TrustRoot, options: &FolderOptions<'_>) -> Report {
    let mut out = Findings::default();
    let mut totals = Totals::default();
    files::format(data_dir, &mut out);
    let log_key = match root.log_verifier() {
        Ok(key) => key,
        Err(why) => {
            out.wrong("root", "trust root", words(&why));
            return Report { verdict: Verdict::of(root.trial, None, out), totals };
        }
    };
    let (checkpoint, note) = match log::checkpoint(data_dir, &log_key) {
        Ok(found) => found,
        Err(finding) => {
            out.0.push(finding);
            return Report { verdict: Verdict::of(root.trial, None, out), totals };
        }
    };
    let mut log = log::Log::read(data_dir, &checkpoint, &mut out);
    totals.leaves = log.hashes.len() as u64;
    totals.statements = log.replay.statements.len() as u64;
    totals.segments = log.segments.len() as u64;
    match log.replay.history.root_named(root.digest()) {
        Some(_) => {}
        None if log.replay.history.root().is_none() => {
            out.missing("missing-root", "leaf 0", "the log holds no trust root")
        }
        None => out.wrong(
            "root",
            "trust root",
            format!("the log's trust roots do not hold yours, {} (version {})", root.digest().short(), root.version),
        ),
    }
    chain::check(&log, &mut out);
    totals.refused_segments = log.replay.gone.values().filter(|leaf| leaf.units.is_empty()).count() as u64;
    remembered(&mut log, &checkpoint, &log_key, options, &mut out);
    segments::check(data_dir, &log, &log_key, options, &mut totals, &mut out);
    files::unknown(data_dir, &log, &mut out);
    let as_of = as_of(&checkpoint, &note, root, log.replay.newest);
    Report { verdict: Verdict::of(root.trial, Some(as_of), out), totals }
}

/// Holds the log against what agents had verified when they made their segments, and against a checkpoint from elsewhere.
fn remembered(
    log: &mut log::Log,
    own: &Checkpoint,
    log_key: &tlog::VerifierKey,
    options: &FolderOptions<'_>,
    out: &mut Findings,
) {
    let given = options.against.as_ref().and_then(|text| match Checkpoint::open(text.as_bytes(), log_key) {
        Ok((given, _)) => Some(given),
        Err(why) => {
            out.wrong("against", "remembered checkpoint", format!("it is none of this log's: {}", words(&why)));
            None
        }
    });
    let mut sizes: Vec<u64> = log.segments.iter().map(|segment| segment.manifest.checkpoint.size).collect();
    sizes.extend(given.iter().map(|given| given.size));
    let roots = log.roots_at(sizes);
    for segment in &log.segments {
        let seen = &segment.manifest.checkpoint;
        let place = format!("leaf {}", segment.index);
        if seen.size > segment.index {
            let what = format!(
                "{} had verified a log of {} leaves before this one was added",
                segment.manifest.agent, seen.size
            );
            out.diverged(place, what);
        } else if roots.get(&seen.size).is_some_and(|root| *root != seen.root) {
            let what = format!("{} had verified another tree of {} leaves", segment.manifest.agent, seen.size);
            out.diverged(place, what);
        }
    }
    let Some(given) = given else {
        return;
    };
    let place = "remembered checkpoint";
    match roots.get(&given.size) {
        _ if given.size > own.size => out.diverged(
            place,
            format!(
                "it is of {} leaves, and the log here has {}: it was set back, or this copy is older",
                given.size, own.size
            ),
        ),
        Some(root) if *root == given.root => {}
        Some(root) => {
            let what =
                format!("of {} leaves the log showed root {} there, and shows {root} here", given.size, given.root);
            out.diverged(place, what);
        }
        None => out.missing("missing-leaf", place, "the log here cannot be read up to its size"),
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
