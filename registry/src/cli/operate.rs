//! `vigie rederive | rebuild | erase | backup | restore | doctor | submit`: what operators do.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use schemas::{
    Digest,
    canonical::canonical_of,
    policy::sign_statement,
    statement::{ErasureReason, Statement},
};

use super::{
    Say,
    ask::{alone, tables},
    door::{self, Door},
    keys, salt,
    terminal::confirmed,
    unit::Unit,
};
use crate::{
    core::{
        Config, Registry, backup,
        storage::{Disk as _, RealDisk, keep},
        store::{LeafKind, Store as _},
    },
    desk::RecordId,
    erasing, prove, rederive as again,
    search::SqliteIndex,
    unsealing::Holder,
};

/// What to derive again.
#[derive(Debug, Args)]
pub struct RederiveArgs {
    /// Record id; its whole segment is derived again
    #[arg(required_unless_present = "all")]
    pub id: Option<String>,
    /// Every segment
    #[arg(long)]
    pub all: bool,
    /// A program to use where the one that made the records is not kept
    #[arg(long)]
    pub with: Option<PathBuf>,
    /// An age identity of yours, for sealed evidence (several, if need be). Run this on your own machine, on a copy of the data folder: an identity never goes
    /// to the registry's host
    #[arg(long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// A key of pseudonyms (several, if keys were changed)
    #[arg(long, value_name = "FILE")]
    pub pseudonym_key: Vec<PathBuf>,
}

/// What to erase, and on whose authority.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Record id
    pub id: String,
    /// File number of the request, order or schedule: never a person's name
    #[arg(long)]
    pub authority: String,
    /// Why
    #[arg(long, value_enum)]
    pub reason: Reason,
    /// Private keys of as many erasers as the trust root asks for
    #[arg(long = "key", required = true)]
    pub keys: Vec<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Write the signed statements into this folder instead of carrying them out; others add theirs with `vigie cosign`, then `vigie submit`
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Why something is erased.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Reason {
    /// Retention ended
    Retention,
    /// A person's lawful request
    Request,
    /// A court or authority ordered it
    Order,
    /// It should never have been collected
    Mistake,
}

impl From<Reason> for ErasureReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Retention => Self::Retention,
            Reason::Request => Self::Request,
            Reason::Order => Self::Order,
            Reason::Mistake => Self::Mistake,
        }
    }
}

/// `vigie submit`.
///
/// # Errors
///
/// Where a note is refused; those before it stand.
pub fn submit(notes: &[PathBuf], unit: &Unit, say: &Say) -> Result<()> {
    let mut door = Door::open(unit)?;
    for file in notes {
        let note = fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        let index = door.add_statement(&note).with_context(|| format!("`{}` is refused", file.display()))?;
        say.json_or(&serde_json::json!({ "file": file, "leaf": index }), || {
            format!("{}: leaf {index}\n", file.display())
        })?;
    }
    Ok(())
}

/// `vigie cosign`.
///
/// # Errors
///
/// Where the note is no statement, the person declines, or the file cannot be written.
pub fn cosign(file: &Path, key: &Path, yes: bool, say: &Say) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let opened = schemas::policy::open_statement(&text)?;
    let key = keys::read(key)?;
    let shown = serde_json::to_string_pretty(&opened.statement)?;
    say.line(&format!("{}\n{shown}", opened.name()))?;
    if opened.note.signatures.iter().any(|signature| signature.id_text() == key.vkey().id_text()) {
        bail!("{} has signed this already", key.vkey().id_text());
    }
    if !yes && !confirmed("sign this?")? {
        bail!("nothing was signed");
    }
    let mut note = opened.note;
    note.signatures.push(key.sign(&note.text));
    fs::write(file, note.to_string()).with_context(|| format!("`{}` cannot be written", file.display()))?;
    say.json_or(&serde_json::json!({ "file": file, "signatures": note.signatures.len() }), || {
        format!("signed as {}: {} signatures now\n", key.vkey().id_text(), note.signatures.len())
    })
}

/// `vigie rederive`. Exits 1 where anything differs.
///
/// # Errors
///
/// Where a segment cannot be read, or no program is at hand.
pub fn rederive(args: &RederiveArgs, unit: &Unit, say: &Say) -> Result<ExitCode> {
    let registry = alone(unit)?;
    let manifests: Vec<Digest> = match &args.id {
        Some(id) => vec![prove::manifest_of(&registry, id.parse().map_err(anyhow::Error::msg)?)?],
        None => registry.store().of_kind(LeafKind::Manifest)?.into_iter().map(|row| row.digest).collect(),
    };
    let bar = say.progress(manifests.len() as u64, "deriving again");
    let holder = Holder::read(&args.identity, &args.pseudonym_key)?;
    let mut readers = again::Readers::new(args.with.as_deref())?.with_holder(holder);
    let mut reports = Vec::new();
    for manifest in &manifests {
        reports.push(readers.segment(&registry, manifest).with_context(|| format!("segment {}", manifest.short()))?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let sum = |of: fn(&again::Rederived) -> u64| reports.iter().map(of).sum::<u64>();
    let differing = reports.iter().filter(|report| !report.differences.is_empty()).count();
    let totals = serde_json::json!({
        "segments": reports.len(), "readings": sum(|report| report.readings), "lines": sum(|report| report.lines), "equal": sum(|report| report.equal),
        "gone": sum(|report| report.gone), "without_evidence": sum(|report| report.without_evidence), "sealed": sum(|report| report.sealed), "segments_that_differ": differing,
        "differing": reports.iter().filter(|report| !report.differences.is_empty()).collect::<Vec<_>>(),
    });
    say.json_or(&totals, || {
        let mut out = String::new();
        for report in reports.iter().filter(|report| !report.differences.is_empty() || reports.len() == 1) {
            let _ = writeln!(out, "segment {}: {}", &report.manifest[..12], report.verdict());
            for difference in &report.differences {
                let unit = difference.unit.map_or_else(|| "no unit".to_owned(), |unit| format!("unit {unit}"));
                let _ = writeln!(out, "    {unit} of {}: {}", difference.response, difference.fields.join(", "));
            }
        }
        let _ = writeln!(
            out,
            "{} segments, {} readings: {} of {} lines equal, byte for byte{}",
            reports.len(),
            sum(|report| report.readings),
            sum(|report| report.equal),
            sum(|report| report.lines),
            match (sum(|report| report.gone + report.without_evidence), sum(|report| report.sealed)) {
                (0, 0) => String::new(),
                (0, sealed) => format!("; {sealed} readings sealed, which only a recipient can derive again"),
                (gone, 0) => format!("; {gone} lawfully erased or without evidence"),
                (gone, sealed) => format!("; {gone} lawfully erased or without evidence, {sealed} readings sealed"),
            }
        );
        out
    })?;
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `vigie rebuild`.
///
/// # Errors
///
/// Where truth cannot be read.
pub fn rebuild(unit: &Unit, say: &Say) -> Result<()> {
    let registry = alone(unit)?;
    registry.rebuild()?;
    let size = registry.followed();
    say.json_or(&serde_json::json!({ "complete_to": size }), || {
        format!("all tables made again from segments, statements and log: complete to log size {size}\nkept as they were: tokens, audit rows, receipts (operator data, in the backup)\n")
    })
}

/// `vigie erase`.
///
/// # Errors
///
/// Where there is no such record, signatures are missing, or the registry refuses; what was begun is finished at the next start.
pub fn erase(args: &EraseArgs, unit: &Unit, say: &Say) -> Result<()> {
    let id: RecordId = args.id.parse().map_err(anyhow::Error::msg)?;
    let root = unit.root()?;
    let keys = args.keys.iter().map(|file| keys::read(file)).collect::<Result<Vec<_>>>()?;
    if args.out.is_none() && (keys.len() as u64) < u64::from(root.needs.erase) {
        bail!(
            "erasing needs {} people: give `--key` for each of them, or `--out` to let the others sign elsewhere",
            root.needs.erase
        );
    }
    let wanted: BTreeMap<Digest, Vec<u64>> = erasing::units_of(&tables(unit)?, id)?;
    let units: usize = wanted.values().map(Vec::len).sum();
    say.line(&format!(
        "{id}: {units} units in {} segments will be destroyed for ever: every line that describes it or says that it vanished, and every answer it was read from.\nRecords of others read from the same answers stand; their evidence will say that it was lawfully erased.",
        wanted.len()
    ))?;
    if !args.yes && !confirmed("erase?")? {
        bail!("nothing was erased");
    }
    let mut door = match &args.out {
        None => Some(Door::open(unit)?),
        Some(_) => None,
    };
    // All statements are on the disk before the first is handed in: after a cut, opening the registry hands in the rest.
    let folder = args.out.clone().unwrap_or_else(|| door::pending_erasures(unit));
    fs::create_dir_all(&folder)?;
    let mut notes = Vec::new();
    for (manifest, units) in wanted {
        let of_units = Digest::of(&canonical_of(&units)?);
        let statement = Statement::Erasure {
            v: 1,
            manifest,
            units,
            authority: args.authority.clone(),
            reason: args.reason.into(),
            made_at: Timestamp::now(),
            salt: salt(),
        };
        let note = sign_statement(&statement, &keys.iter().collect::<Vec<_>>())?;
        // Two records may lie in one segment, and each has a file of its own; who tries once more takes the place of what still waits of the same.
        let file = folder.join(format!("erasure-{}-{}.note", manifest.short(), of_units.short()));
        keep(&RealDisk, &file, note.as_bytes()).with_context(|| format!("`{}` cannot be written", file.display()))?;
        notes.push((file, note));
    }
    let bar = say.progress(notes.len() as u64, "erasing");
    let mut leaves = Vec::new();
    if let Some(door) = &mut door {
        for (file, note) in &notes {
            match door.add_statement(note) {
                Ok(leaf) => leaves.push(leaf),
                // Refused as a whole: nothing was begun, and nothing is to be gone on with.
                Err(why) if leaves.is_empty() && matches!(door, Door::Folder(_)) => {
                    for (file, _) in &notes {
                        RealDisk.remove(file)?;
                    }
                    return Err(why);
                }
                Err(why) => {
                    return Err(why.context("erasing was begun and is gone on with when the registry is next opened"));
                }
            }
            // A registry that was started meanwhile has done so already.
            RealDisk.remove(file)?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    if let Some(folder) = &args.out {
        return say.line(&format!("nothing is erased yet: the statements lie in {}", folder.display()));
    }
    say.json_or(&serde_json::json!({ "record": id, "units": units, "leaves": leaves }), || {
        format!("erased: {units} units, named by {} leaves of the log. Backups made before still hold them until they are rotated\n", leaves.len())
    })
}

/// `vigie backup`.
///
/// # Errors
///
/// Where the folder exists or cannot be written.
pub fn backup(folder: &Path, unit: &Unit, say: &Say) -> Result<()> {
    let folder = std::path::absolute(folder)?;
    let (files, size) = Door::open(unit)?.backup(&folder)?;
    say.json_or(&serde_json::json!({ "folder": folder, "log_size": size, "files": files }), || {
        format!("{files} files, log size {size}: {}\n", folder.display())
    })
}

/// `vigie restore`.
///
/// # Errors
///
/// Where the data folder is not empty, or the backup does not hold together.
pub fn restore(folder: &Path, unit: &Unit, say: &Say) -> Result<()> {
    let config =
        Config::new(&unit.settings.data, &unit.settings.second, unit.log_key()?, std::sync::Arc::new(SqliteIndex));
    let restored = backup::restore(folder, &config)?;
    // Opening carries out newer erasures and makes the tables follow.
    let registry = Registry::open(config)?;
    let size = registry.checkpoint().size;
    let missing: Vec<_> = restored.missing.iter().map(Digest::short).collect();
    say.json_or(&serde_json::json!({ "backup_size": restored.backup_size, "log_size": size, "missing": restored.missing }), || {
        let mut out = format!("restored: the backup held log size {}, the second place led on to {size}\n", restored.backup_size);
        if !missing.is_empty() {
            let _ = writeln!(out, "{} segments are in the log and in neither place: {}\nhint: agents push them again while they still hold them", missing.len(), missing.join(", "));
        }
        out
    })
}

/// What to do about the second place.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum SecondPlace {
    /// Begin a new, empty second place after the old one was lost. What was signed after the newest local checkpoint is then known to agents alone
    Adopt,
}

/// `vigie second-place`.
///
/// # Errors
///
/// Where the second place is in use, or what is kept does not hold together.
pub fn second_place(SecondPlace::Adopt: &SecondPlace, unit: &Unit, say: &Say) -> Result<()> {
    let config =
        Config::new(&unit.settings.data, &unit.settings.second, unit.log_key()?, std::sync::Arc::new(SqliteIndex));
    backup::adopt_second_place(&config)?;
    say.json_or(&serde_json::json!({ "second": unit.settings.second }), || {
        format!(
            "`{}` is the second place from now on\nhint: agents that saw a newer checkpoint will say so and keep what they hold; `vigie doctor` then names it\n",
            unit.settings.second.display()
        )
    })
}

/// `vigie doctor`. Exits 1 where something is wrong.
///
/// # Errors
///
/// Where nothing can be looked at.
pub fn doctor(unit: &Unit, say: &Say) -> Result<ExitCode> {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    match unit.root() {
        Ok(root) => {
            let problems = root.check();
            if problems.is_empty() {
                good.push(format!("trust root version {}, digest {}", root.version, root.digest().short()));
            }
            bad.extend(problems.iter().map(ToString::to_string));
            if root.contact.is_none() {
                bad.push("no `contact` in the trust root: real sources are refused".to_owned());
            }
            match unit.log_key() {
                Ok(key) if key.vkey().to_string() == root.log_key => {
                    good.push("the log key is the one the trust root names".to_owned())
                }
                Ok(key) => {
                    bad.push(format!("the log key `{}` is not the one the trust root names", key.vkey().id_text()))
                }
                Err(why) => bad.push(format!("{why:#}")),
            }
        }
        Err(why) => bad.push(format!("{why:#}")),
    }
    match Door::open(unit) {
        Ok(Door::Served { url, .. }) => good.push(format!(
            "being served at {url}; stop it and ask again, and everything it keeps is read and compared"
        )),
        Ok(Door::Folder(registry)) => {
            good.push(format!("log size {}, tables complete to {}", registry.checkpoint().size, registry.followed()));
            bad.extend(registry.trouble());
            bad.extend(registry.findings()?);
            match registry.table_findings() {
                Ok(found) => bad.extend(found),
                Err(why) => bad.push(format!("tables: {why}")),
            }
            bad.extend(
                registry
                    .store()
                    .alarms()?
                    .iter()
                    .map(|alarm| format!("alarm of {}: {} {}", alarm.at, alarm.code, alarm.detail)),
            );
            bad.extend(registry.chain_findings()?.iter().map(|finding| format!("agents' chains: {finding}")));
        }
        Err(why) => bad.push(format!("{why:#}")),
    }
    say.json_or(&serde_json::json!({ "good": good, "bad": bad }), || {
        let mut out = String::new();
        for line in &good {
            let _ = writeln!(out, "ok     {line}");
        }
        for line in &bad {
            let _ = writeln!(out, "WRONG  {line}");
        }
        out
    })?;
    Ok(if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
