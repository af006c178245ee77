//! Does the program that made a record still say the same of the kept bytes?
//!
//! Each segment is copied without its conversions, so that the program cannot read its own output back, and given to the agent program whose
//! digest the run record names, in a process of its own with an empty environment and another time zone. What it says is compared
//! with the kept lines, byte for byte, salts left out.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use schemas::{
    Digest,
    capture::{Line, Run},
    permission::{Authors, Entry, Evidence},
    segment::{Conversion, Opened, Part, Segment, contradictions, keyed_lines},
    statement::Statement,
};
use serde::{Deserialize, Serialize};

use crate::{core::Registry, unsealing::Holder};

/// A zone that few machines are set to, with a summer time rule of its own.
const ZONE: &str = "Australia/Lord_Howe";

/// What deriving a segment again came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rederived {
    /// Digest of the manifest.
    pub manifest: String,
    /// `same reader` or `other reader`, with the program's digest.
    pub reader: String,
    /// True where the very program that read it the first time was run.
    pub same_reader: bool,
    /// Readings compared.
    pub readings: u64,
    /// Lines compared.
    pub lines: u64,
    /// Lines that are equal, byte for byte.
    pub equal: u64,
    /// Lines lawfully erased or refused, which nothing can be compared with.
    pub gone: u64,
    /// Readings whose response was lawfully erased: nothing to read again.
    pub without_evidence: u64,
    /// Readings whose evidence is sealed and was not opened: only a recipient can derive them again.
    #[serde(default)]
    pub sealed: u64,
    /// What differs: where, and which fields. At most 100.
    pub differences: Vec<Difference>,
}

impl Rederived {
    /// In words.
    #[must_use]
    pub fn verdict(&self) -> String {
        let gone = if self.gone + self.without_evidence > 0 {
            format!("; {} lines and {} readings lawfully erased", self.gone, self.without_evidence)
        } else {
            String::new()
        };
        if self.sealed > 0 {
            return format!("sealed: {} readings, which only a recipient can derive again{gone}", self.sealed);
        }
        if self.differences.is_empty() {
            let who = if self.same_reader { "same reader" } else { "other reader" };
            format!("{who}: equal, {} lines of {} readings{gone}", self.equal, self.readings)
        } else if self.same_reader {
            format!("same reader: DIFFERS in {} of {} lines{gone}", self.differences.len(), self.lines)
        } else {
            let fields: usize = self.differences.iter().map(|difference| difference.fields.len().max(1)).sum();
            format!("other reader: {fields} fields differ in {} of {} lines{gone}", self.differences.len(), self.lines)
        }
    }
}

/// A line that is not the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// Record id of the response.
    pub response: String,
    /// Unit of the kept line; none for a line that is new.
    pub unit: Option<u64>,
    /// JSON pointers of the members that differ.
    pub fields: Vec<String>,
}

/// One line as an agent's `read` prints it.
#[derive(Deserialize)]
struct Said {
    response: String,
    line: serde_json::Value,
}

/// The programs at hand while segments are derived again: each is laid down once.
pub struct Readers {
    folder: tempfile::TempDir,
    other: Option<PathBuf>,
    holder: Holder,
    laid: BTreeMap<Digest, PathBuf>,
}

impl Readers {
    /// No program laid down yet. `other`: one to use where the one named by a run is not kept.
    ///
    /// # Errors
    ///
    /// Where there is no room for temporary files.
    pub fn new(other: Option<&Path>) -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            other: other.map(Path::to_owned),
            holder: Holder::default(),
            laid: BTreeMap::new(),
        })
    }

    /// Opens sealed evidence with these keys. What is opened lies in memory-backed files, where the machine has them, and only while it is read.
    #[must_use]
    pub fn with_holder(self, holder: Holder) -> Self {
        Self { holder, ..self }
    }

    /// Derives one segment again.
    ///
    /// # Errors
    ///
    /// Where the segment cannot be read, no program is at hand, or the program fails.
    pub fn segment(&mut self, registry: &Registry, manifest: &Digest) -> Result<Rederived> {
        let bytes = registry.evidence().segment_bytes(manifest)?;
        let kept = Segment::read(&bytes)?;
        let view = kept.view()?;
        let mut report = Rederived { manifest: manifest.to_string(), ..Rederived::default() };
        let Some((_, run)) = &view.run else {
            report.without_evidence = conversions(&kept).count() as u64;
            return Ok(report);
        };
        let entry = entry_of(registry, run)?;
        if entry.evidence == Evidence::Sealed && !self.holder.opens() {
            report.sealed = conversions(&kept).count() as u64;
            return Ok(report);
        }
        let program = self.program(registry, run, &mut report)?;
        if entry.evidence == Evidence::Sealed {
            self.opened(&kept, &entry, &program, &mut report)?;
            return Ok(report);
        }
        let copy = self.folder.path().join("segment.warc.gz");
        fs::write(&copy, without_conversions(&bytes)?)?;
        let entry_file = self.folder.path().join("entry.json");
        fs::write(&entry_file, serde_json::to_vec(&entry)?)?;
        let said = derive(&program, &copy, &entry_file)?;
        compare(&kept, &said, &mut report);
        Ok(report)
    }

    /// Derives a sealed segment again: what the program says of the opened bytes is compared before the keyed step with what is sealed, after it with the kept lines.
    fn opened(&self, kept: &Segment, entry: &Entry, program: &Path, report: &mut Rederived) -> Result<()> {
        let opened = Opened::of(kept, &self.holder).map_err(anyhow::Error::msg)?;
        for (unit, what) in &opened.differs {
            push(report, Difference { response: String::new(), unit: Some(*unit), fields: vec![what.clone()] });
        }
        let view = opened.segment.view()?;
        for found in contradictions(&opened.segment, &view) {
            push(report, Difference { response: String::new(), unit: Some(found.unit), fields: vec![found.what] });
        }
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let copy = folder.path().join("segment.warc.gz");
        fs::write(&copy, opened.to_warc()?)?;
        let entry_file = folder.path().join("entry.json");
        fs::write(&entry_file, serde_json::to_vec(entry)?)?;
        let clear = derive(program, &copy, &entry_file)?;
        drop(folder);
        let keyed = conversions(kept).flat_map(|conversion| &conversion.lines).find_map(|line| match &line.line {
            Line::Record(line) => line.item.keyed.as_ref(),
            _ => None,
        });
        let key = self.holder.key(keyed);
        if entry.authors != Authors::Named && key.is_none() {
            let which =
                keyed.map_or_else(String::new, |keyed| format!(" {} of the scope `{}`", keyed.key, keyed.scope));
            bail!(
                "its records hold pseudonyms of the key{which}, which is not at hand\nhint: `--pseudonym-key FILE` names it"
            );
        }
        let mut said = BTreeMap::new();
        for (response, lines) in clear {
            let end = opened.said.get(&response);
            if lines.last() != end && end.is_some() {
                let fields = vec!["the last line before the keyed step".to_owned()];
                push(report, Difference { response: response.clone(), unit: None, fields });
            }
            said.insert(response, keyed_lines(&lines, entry, key)?);
        }
        compare(kept, &said, report);
        Ok(())
    }

    fn program(&mut self, registry: &Registry, run: &Run, report: &mut Rederived) -> Result<PathBuf> {
        let named = run.reader.program;
        let bytes = match registry.evidence().program(&named) {
            Ok(bytes) => bytes,
            Err(_) => {
                let other = self.other.as_ref().with_context(|| {
                    format!(
                        "the program {} ({} {}) is not kept, so this segment can't be derived again\nhint: `--with PROGRAM` uses another release of `{}`",
                        named.short(),
                        run.reader.name,
                        run.reader.version,
                        run.reader.name
                    )
                })?;
                fs::read(other).with_context(|| format!("`{}` cannot be read", other.display()))?
            }
        };
        // What runs is what was hashed here, whatever its file is called.
        let found = Digest::of(&bytes);
        report.same_reader = found == named;
        let who = if report.same_reader { "same reader" } else { "other reader" };
        report.reader = format!("{who} {} {}", run.reader.name, found.short());
        if let Some(path) = self.laid.get(&found) {
            return Ok(path.clone());
        }
        let path = self.folder.path().join(format!("reader-{}", found.short()));
        write_program(&path, &bytes)?;
        self.laid.insert(found, path.clone());
        Ok(path)
    }
}

fn conversions(segment: &Segment) -> impl Iterator<Item = &Conversion> {
    segment.parts.iter().filter_map(|part| match part {
        Part::Conversion(conversion) => Some(conversion),
        _ => None,
    })
}

fn write_program(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o700).open(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// The entry a run was made under, from the permission statements of the log.
fn entry_of(registry: &Registry, run: &Run) -> Result<Entry> {
    let issue = schemas::policy::open_issue(&run.issue)?;
    let note = registry.evidence().statement(&issue.issue.permission)?;
    let Statement::Permission { allowlist, .. } = schemas::policy::open_statement(&note)?.statement else {
        bail!("the statement {} is no permission", issue.issue.permission.short());
    };
    allowlist
        .entries
        .into_iter()
        .find(|entry| entry.digest() == run.entry)
        .with_context(|| format!("the permission named by the run holds no entry {}", run.entry.short()))
}

/// The file again, member by member, without conversions.
fn without_conversions(file: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(file.len());
    for entry in warc::Reader::strict(file).any_encoder() {
        let entry = entry?;
        if entry.record.kind() != warc::RecordType::Conversion {
            let from = usize::try_from(entry.offset)?;
            let to = from + usize::try_from(entry.length)?;
            out.extend_from_slice(file.get(from..to).context("a member lies beyond the file")?);
        }
    }
    Ok(out)
}

fn derive(program: &Path, copy: &Path, entry: &Path) -> Result<BTreeMap<String, Vec<Vec<u8>>>> {
    let output = Command::new(program)
        .arg("read")
        .arg(copy)
        .arg("--entry")
        .arg(entry)
        .env_clear()
        .env("TZ", ZONE)
        .current_dir(copy.parent().unwrap_or(copy))
        .stdin(Stdio::null())
        .output()
        .context("the program could not be started")?;
    if !output.status.success() {
        bail!("the program failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut said: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (number, line) in output.stdout.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let Said { response, line } = serde_json::from_slice(line)
            .with_context(|| format!("line {} of what the program printed is not understood", number + 1))?;
        said.entry(response).or_default().push(schemas::canonical::to_canonical(&line)?);
    }
    Ok(said)
}

fn compare(kept: &Segment, said: &BTreeMap<String, Vec<Vec<u8>>>, report: &mut Rederived) {
    let mut seen = Vec::new();
    for conversion in conversions(kept) {
        let response = match &conversion.response {
            Some(response) => response.clone(),
            None => {
                report.without_evidence += 1;
                continue;
            }
        };
        let Some(again) = said.get(&response) else {
            if kept.parts.iter().any(|part| matches!(part, Part::Record(record) if record.record.id() == response)) {
                push(
                    report,
                    Difference { response: response.clone(), unit: None, fields: vec!["no reading".to_owned()] },
                );
            } else {
                report.without_evidence += 1;
            }
            continue;
        };
        report.readings += 1;
        seen.push(response.clone());
        for (index, line) in conversion.lines.iter().enumerate() {
            if matches!(line.line, Line::Tombstone(_)) {
                report.gone += 1;
                continue;
            }
            report.lines += 1;
            match again.get(index) {
                Some(bytes) if *bytes == line.said => report.equal += 1,
                other => {
                    let fields = other.map_or_else(|| vec!["missing".to_owned()], |bytes| differing(&line.said, bytes));
                    push(report, Difference { response: response.clone(), unit: Some(line.unit), fields });
                }
            }
        }
        for _ in conversion.lines.len()..again.len() {
            push(report, Difference { response: response.clone(), unit: None, fields: vec!["a line more".to_owned()] });
        }
    }
    for response in said.keys().filter(|response| !seen.contains(response)) {
        push(report, Difference { response: response.clone(), unit: None, fields: vec!["a reading more".to_owned()] });
    }
}

fn push(report: &mut Rederived, difference: Difference) {
    if report.differences.len() < 100 {
        report.differences.push(difference);
    }
}

fn differing(kept: &[u8], again: &[u8]) -> Vec<String> {
    let (Ok(kept), Ok(again)) = (serde_json::from_slice(kept), serde_json::from_slice(again)) else {
        return vec!["/".to_owned()];
    };
    let mut fields = Vec::new();
    walk("", &kept, &again, &mut fields);
    fields
}

fn walk(at: &str, kept: &serde_json::Value, again: &serde_json::Value, fields: &mut Vec<String>) {
    use serde_json::Value::{Null, Object};
    if kept == again {
        return;
    }
    if let (Object(kept), Object(again)) = (kept, again) {
        let names: std::collections::BTreeSet<_> = kept.keys().chain(again.keys()).collect();
        for name in names {
            walk(&format!("{at}/{name}"), kept.get(name).unwrap_or(&Null), again.get(name).unwrap_or(&Null), fields);
        }
    } else {
        fields.push(at.to_owned());
    }
}
