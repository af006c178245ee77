//! How is a bundle made from a registry's data folder?

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use schemas::{
    Digest,
    capture::{Line, Tombstone},
    gate::Origin,
    leaf::{Act, Leaf},
    policy::{Policy, open_issue},
    segment::{Capture, CaptureKind, MAX_FILE_BYTES, Part, Segment, View},
};
use tlog::{Checkpoint, FolderTiles, TileSource, TileTree};

use super::{Bundle, BundleError, Later, LeafProof, Stored, Unit};
use crate::{
    captures::beside,
    replay::{Found, Replay, chain},
    verdict::Findings,
};

/// Largest statement or checkpoint file: C2SP notes end at 1 MiB.
pub(crate) const MAX_NOTE_FILE: u64 = 1 << 20;

/// Where a statement lies in a data folder.
#[must_use]
pub(crate) fn statement_file(data_dir: &Path, digest: Digest) -> PathBuf {
    data_dir.join("statements").join(format!("{digest}.note"))
}

/// Where a segment lies, from the data folder.
pub(crate) fn segment_name(digest: Digest) -> String {
    let text = digest.to_string();
    format!("segments/{}/{text}.warc.gz", text.get(..2).unwrap_or_default())
}

/// Bytes of a file, at most `limit`.
pub(crate) fn read_file(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let why = format!("it is larger than {limit} bytes");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

/// A log as a maker of bundles reads it: its checkpoint, its tiles, and where statements are.
///
/// Reading it goes through all leaves once; one value serves any number of bundles.
pub struct LogFacts<'a> {
    checkpoint: String,
    size: u64,
    tiles: &'a dyn TileSource,
    statement: &'a dyn Fn(Digest) -> std::io::Result<String>,
    replay: Replay,
    manifests: BTreeMap<Digest, u64>,
    /// Leaves of enrolments and revocations, by agent key id.
    agents: BTreeMap<String, Vec<u64>>,
    roots: Vec<u64>,
    /// Leaf of a revocation to the agent's key id.
    revocations: BTreeMap<u64, String>,
}

impl<'a> LogFacts<'a> {
    /// Reads all leaves below the checkpoint. Signatures of the checkpoint are for those who check.
    ///
    /// # Errors
    ///
    /// [`BundleError::Source`] for a log that does not hold together.
    pub fn read(
        checkpoint: String,
        tiles: &'a dyn TileSource,
        statement: &'a dyn Fn(Digest) -> std::io::Result<String>,
    ) -> Result<Self, BundleError> {
        let text = checkpoint.split_once("\n\n").map_or(checkpoint.as_str(), |(text, _)| text);
        let size = Checkpoint::parse(&format!("{text}\n")).map_err(|why| source(chain(&why)))?.size;
        let tree = TileTree::new(tiles, size);
        let mut facts = Self {
            checkpoint,
            size,
            tiles,
            statement,
            replay: Replay::default(),
            manifests: BTreeMap::new(),
            agents: BTreeMap::new(),
            roots: Vec::new(),
            revocations: BTreeMap::new(),
        };
        let mut out = Findings::default();
        for bundle in 0..size.div_ceil(256) {
            let entries = tree.entries(bundle).map_err(|why| source(chain(&why)))?;
            for (bytes, index) in entries.iter().zip(bundle * 256..) {
                facts.leaf(index, bytes, &mut out);
            }
        }
        match out.0.iter().find(|found| found.severity != crate::Severity::Note) {
            None => Ok(facts),
            Some(found) => {
                Err(source(format!("{}: {}; run `vigie-verify` on the data folder", found.place, found.what)))
            }
        }
    }

    fn leaf(&mut self, index: u64, bytes: &[u8], out: &mut Findings) {
        use schemas::{policy::open_statement, statement::Statement};
        let mut opened = None;
        let statement = self.statement;
        let load = |digest| match statement(digest) {
            Ok(note) => {
                opened = open_statement(&note).ok();
                Found::Note(note)
            }
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Found::Absent,
            Err(why) => Found::Unreadable(why.to_string()),
        };
        match self.replay.leaf(index, bytes, load, out) {
            Some(Leaf::Manifest(_)) => {
                self.manifests.entry(Digest::of(bytes)).or_insert(index);
            }
            Some(Leaf::Act(Act::Statement { .. })) => match opened.map(|opened| opened.statement) {
                Some(Statement::Root { .. }) => self.roots.push(index),
                Some(Statement::Enrolment { agent, .. }) => {
                    if let Ok(key) = tlog::VerifierKey::parse(&agent) {
                        self.agents.entry(key.id_text()).or_default().push(index);
                    }
                }
                Some(Statement::Revocation { agent, .. }) => {
                    self.agents.entry(agent.clone()).or_default().push(index);
                    self.revocations.insert(index, agent);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn proof(&self, index: u64) -> Result<LeafProof, BundleError> {
        let tree = TileTree::new(self.tiles, self.size);
        let failed = |why: tlog::TileError| source(chain(&why));
        Ok(LeafProof { bytes: tree.entry(index).map_err(failed)?, proof: tree.inclusion_proof(index).map_err(failed)? })
    }

    fn statements_of(&self, policy: &Policy) -> Vec<Digest> {
        let mut all = policy.approvals();
        all.push(policy.permission());
        all
    }
}

fn source(what: impl Into<String>) -> BundleError {
    BundleError::Source { what: what.into() }
}

impl Bundle {
    /// Makes a bundle for `units` of a segment that lies in a data folder. Reads the folder only; no database.
    ///
    /// # Errors
    ///
    /// [`BundleError::NoUnit`], [`BundleError::Source`] where the folder lacks or contradicts something.
    pub fn from_folder(data_dir: &Path, manifest: Digest, units: &[u64]) -> Result<Self, BundleError> {
        let tiles = FolderTiles { root: data_dir.join("log") };
        let checkpoint = read_file(&data_dir.join("log/checkpoint"), MAX_NOTE_FILE)
            .map_err(|why| source(format!("log/checkpoint cannot be read: {why}")))?;
        let checkpoint = String::from_utf8(checkpoint).map_err(|_| source("log/checkpoint is not UTF-8"))?;
        let statement = |digest| {
            let bytes = read_file(&statement_file(data_dir, digest), MAX_NOTE_FILE)?;
            String::from_utf8(bytes).map_err(|why| std::io::Error::new(std::io::ErrorKind::InvalidData, why))
        };
        let facts = LogFacts::read(checkpoint, &tiles, &statement)?;
        let name = segment_name(manifest);
        let file = read_file(&data_dir.join(&name), MAX_FILE_BYTES)
            .map_err(|why| source(format!("{name} cannot be read: {why}")))?;
        let segment = Segment::read(&file).map_err(|why| source(format!("{name}: {}", chain(&why))))?;
        Self::of(&facts, &segment, units)
    }

    /// Makes a bundle for `units` of a segment that is at hand.
    ///
    /// # Errors
    ///
    /// As [`Bundle::from_folder`].
    pub fn of(facts: &LogFacts<'_>, segment: &Segment, units: &[u64]) -> Result<Self, BundleError> {
        let last = segment.manifest.units.saturating_sub(1);
        if let Some(unit) = units.iter().find(|unit| **unit > last) {
            return Err(BundleError::NoUnit { unit: *unit, last });
        }
        let index = *facts
            .manifests
            .get(&segment.digest)
            .ok_or_else(|| source(format!("the log holds no manifest {}", segment.digest)))?;
        let asked: BTreeSet<u64> = units.iter().copied().collect();
        let view = segment.view().map_err(|why| source(chain(&why)))?;
        let (chosen, captures) = choose(segment, &view, &asked);

        let mut leaves: BTreeSet<u64> =
            facts.roots.iter().copied().chain([index, facts.size.saturating_sub(1)]).collect();
        // The newest leaf may revoke another agent, which means nothing without that agent's enrolment.
        let revoked = facts.revocations.get(&facts.size.saturating_sub(1));
        for agent in revoked.into_iter().chain([&segment.manifest.agent]) {
            leaves.extend(facts.agents.get(agent).into_iter().flatten());
        }
        let mut bundled = BTreeMap::new();
        let stored = stored(segment)?;
        for unit in chosen {
            let Some(stored) = stored.get(&unit) else {
                continue;
            };
            if let Stored::Gone(tombstone) = stored {
                leaves.insert(tombstone.leaf);
            }
            let proof = segment.unit_proof(unit).ok_or(BundleError::NoUnit { unit, last })?;
            bundled.insert(unit, Unit { stored: stored.clone(), proof });
        }
        leaves.extend(policies(facts, &view, &captures));

        let mut proofs = BTreeMap::new();
        for leaf in leaves {
            proofs.insert(leaf, facts.proof(leaf)?);
        }
        // Whatever a leaf in the bundle names comes along, the newest leaf's too.
        let mut statements = BTreeMap::new();
        for (digest, (leaf, _)) in &facts.replay.statements {
            if proofs.contains_key(leaf) {
                let note = (facts.statement)(*digest)
                    .map_err(|why| source(format!("statement {digest} cannot be read: {why}")))?;
                statements.insert(*digest, note);
            }
        }
        Ok(Self {
            asked: asked.into_iter().collect(),
            manifest: segment.digest,
            manifest_note: segment.note.to_string(),
            units: bundled,
            checkpoint: facts.checkpoint.clone(),
            leaves: proofs,
            statements,
            later: None,
        })
    }

    /// Adds a newer checkpoint of the same log and the proof that it grew out of the bundle's, from tiles of the newer size.
    ///
    /// # Errors
    ///
    /// [`BundleError::Source`] for a checkpoint that is none, smaller, or not covered by the tiles.
    pub fn with_later(mut self, checkpoint: String, tiles: &dyn TileSource) -> Result<Self, BundleError> {
        let size = |note: &str| -> Result<u64, BundleError> {
            let text = note.split_once("\n\n").map_or(note, |(text, _)| text);
            Ok(Checkpoint::parse(&format!("{text}\n")).map_err(|why| source(chain(&why)))?.size)
        };
        let (old, new) = (size(&self.checkpoint)?, size(&checkpoint)?);
        let consistency = if old == new {
            Vec::new()
        } else {
            TileTree::new(tiles, new).consistency_proof(old).map_err(|why| source(chain(&why)))?
        };
        self.later = Some(Later { checkpoint, consistency });
        Ok(self)
    }
}

/// Units that the asked ones need, and the captures they belong to.
fn choose<'v>(segment: &Segment, view: &'v View<'v>, asked: &BTreeSet<u64>) -> (BTreeSet<u64>, Vec<&'v Capture<'v>>) {
    let mut chosen = asked.clone();
    chosen.extend([0, 1, segment.manifest.units.saturating_sub(1)]);
    let mut wanted: BTreeSet<usize> = BTreeSet::new();
    for (position, capture) in view.captures.iter().enumerate() {
        let own = matches!(capture.kind, CaptureKind::Exchange(_)).then(|| beside(capture.unit)).unwrap_or_default();
        if capture.units().into_iter().chain(own).any(|unit| asked.contains(&unit)) {
            wanted.insert(position);
        }
    }
    for conversion in &view.loose {
        let first = conversion.lines.first().map_or(0, |line| line.unit);
        if conversion.lines.iter().any(|line| asked.contains(&line.unit)) {
            chosen.extend(ends(conversion));
            // Its exchange is gone, or its header: what stands before it tells which.
            chosen.extend((first.saturating_sub(3)..first).filter(|unit| is_gone(segment, *unit)));
        }
    }
    let mut open: Vec<usize> = wanted.iter().copied().collect();
    while let Some(capture) = open.pop().and_then(|at| view.captures.get(at)) {
        let led = match &capture.ask().origin {
            Origin::Follow { asked_by: id } | Origin::Redirect { from: id, .. } => Some(id),
            _ => None,
        };
        // What the site's reservation file says is shown with the file.
        let file = match &capture.kind {
            CaptureKind::Exchange(exchange) => exchange.reservation.as_ref().and_then(|said| said.said_by.as_ref()),
            _ => None,
        };
        for id in led.into_iter().chain(file) {
            let of = |other: &Capture<'_>| matches!(&other.kind, CaptureKind::Exchange(exchange) if exchange.response == *id);
            if let Some(at) = view.captures.iter().position(of)
                && wanted.insert(at)
            {
                open.push(at);
            }
        }
    }
    let captures: Vec<_> = wanted.iter().filter_map(|at| view.captures.get(*at)).collect();
    for capture in &captures {
        chosen.insert(capture.unit);
        if let CaptureKind::Exchange(_) = capture.kind {
            chosen.extend(beside(capture.unit));
        }
        chosen.extend(capture.conversion.into_iter().flat_map(ends));
        if let Some(id) = capture.robots() {
            match view.robots.get(id) {
                Some((unit, _)) => {
                    chosen.insert(*unit);
                }
                // It is one of those that are gone; which one, nobody can tell any more.
                None => chosen.extend((0..capture.unit).filter(|unit| is_gone(segment, *unit))),
            }
        }
    }
    (chosen, captures)
}

/// First and last line of a reading.
fn ends(conversion: &schemas::segment::Conversion) -> impl Iterator<Item = u64> {
    let first = conversion.lines.first().map(|line| line.unit);
    first.into_iter().chain(conversion.lines.last().map(|line| line.unit))
}

fn is_gone(segment: &Segment, unit: u64) -> bool {
    segment.parts.iter().any(|part| matches!(part, Part::Tombstone(tombstone) if tombstone.unit == unit))
}

/// Leaves of every permission and approval that may have decided about these captures.
fn policies(facts: &LogFacts<'_>, view: &View<'_>, captures: &[&Capture<'_>]) -> BTreeSet<u64> {
    let history = &facts.replay.history;
    let mut digests: BTreeSet<Digest> = BTreeSet::new();
    for capture in captures {
        for policy in history.policies_around(capture.ask().at) {
            digests.extend(facts.statements_of(&policy));
        }
    }
    if let Some((_, run)) = &view.run {
        for policy in history.policies_around(run.policy_issued_at) {
            digests.extend(facts.statements_of(&policy));
        }
        if let Ok(issue) = open_issue(&run.issue) {
            digests.insert(issue.issue.permission);
            digests.extend(issue.issue.approvals);
        }
    }
    digests.iter().filter_map(|digest| facts.replay.statements.get(digest)).map(|(leaf, _)| *leaf).collect()
}

/// Bytes of every unit, by number.
fn stored(segment: &Segment) -> Result<BTreeMap<u64, Stored>, BundleError> {
    let mut all = BTreeMap::new();
    for part in &segment.parts {
        match part {
            Part::Record(at) => {
                let bytes = at.record.to_bytes().map_err(|why| source(why.to_string()))?;
                all.insert(at.unit, Stored::Record(bytes));
            }
            Part::Tombstone(tombstone) => {
                all.insert(tombstone.unit, gone(tombstone));
            }
            Part::Conversion(conversion) => {
                for line in &conversion.lines {
                    let stored = match &line.line {
                        Line::Tombstone(tombstone) => gone(tombstone),
                        _ => Stored::Line(line.stored.to_vec()),
                    };
                    all.insert(line.unit, stored);
                }
            }
        }
    }
    Ok(all)
}

fn gone(tombstone: &Tombstone) -> Stored {
    Stored::Gone(tombstone.clone())
}
