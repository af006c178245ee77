//! Does a bundle prove what it claims?

use std::collections::BTreeSet;

use schemas::{
    Digest, canonical,
    capture::{Line, media_type},
    leaf::Leaf,
    manifest::Manifest,
    policy::AgentState,
    segment::{
        CaptureKind, Conversion, LineAt, Part, RecordAt, SALT_FIELD, Segment, View, unsalted,
    },
    trust::TrustRoot,
};
use tlog::{Checkpoint, Hash, Note, VerifierKey, leaf_hash, verify_consistency, verify_inclusion};
use warc::{Record, RecordType};

use crate::{
    bundle::{Bundle, Stored},
    captures::{Judge, beside},
    replay::{Found, GoneLeaf, Replay, Why, chain},
    verdict::{AsOf, Findings, Verdict},
};

/// What else to hold a bundle against.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// A checkpoint of the same log, remembered or got from an agent or witness, as a signed note.
    pub against: Option<String>,
}

/// Recomputes everything a bundle claims, trusting `root` alone.
///
/// What a bundle cannot show is said by [`crate::Trace`]: that no statement was left out of it which lies between the policy issue and the
/// capture, for one. [`crate::check_folder`] can.
#[must_use]
pub fn check_bundle(bundle: &Bundle, root: &TrustRoot, options: &CheckOptions) -> Verdict {
    let mut out = Findings::default();
    let log_key = match root.log_verifier() {
        Ok(key) => key,
        Err(why) => {
            out.wrong("root", "trust root", chain(&why));
            return Verdict::of(root.trial, None, out);
        }
    };
    let checkpoint = match Checkpoint::open(bundle.checkpoint.as_bytes(), &log_key) {
        Ok((checkpoint, note)) => Some((checkpoint, note)),
        Err(why) => {
            out.wrong("checkpoint", "checkpoint", chain(&why));
            None
        }
    };
    if let Some((checkpoint, _)) = &checkpoint {
        for (index, leaf) in &bundle.leaves {
            let hash = leaf_hash(&leaf.bytes);
            if let Err(why) = verify_inclusion(
                *index,
                checkpoint.size,
                &hash,
                &leaf.proof,
                &checkpoint.root,
            ) {
                out.wrong("inclusion", format!("leaf {index}"), why.to_string());
            }
        }
    }
    let opened = Opened::of(bundle, &mut out);
    opened.check(bundle, root, &log_key, &mut out);
    let newest = checkpoint
        .as_ref()
        .and_then(|(checkpoint, _)| bundle.leaves.get(&checkpoint.size.checked_sub(1)?));
    let time = newest.and_then(|leaf| time_of(&leaf.bytes));
    if let Some((checkpoint, _)) = &checkpoint {
        later(bundle, checkpoint, &log_key, options, &mut out);
    }
    let as_of = checkpoint.map(|(checkpoint, note)| as_of(&checkpoint, &note, root, time));
    Verdict::of(root.trial, as_of, out)
}

/// A bundle taken apart: its part of a segment, and what its leaves and statements say.
pub(crate) struct Opened {
    pub replay: Replay,
    pub manifest: Option<(Manifest, Note)>,
    /// Index of the manifest's leaf.
    pub leaf: Option<u64>,
    /// The units at hand as a segment with holes.
    pub segment: Option<Segment>,
    /// Units at hand or rightly gone.
    pub present: BTreeSet<u64>,
    pub gone: BTreeSet<u64>,
}

impl Opened {
    pub fn of(bundle: &Bundle, out: &mut Findings) -> Self {
        let mut replay = Replay::default();
        let mut leaf = None;
        for (index, proof) in &bundle.leaves {
            let load = |digest| {
                bundle
                    .statements
                    .get(&digest)
                    .map_or(Found::Absent, |note| Found::Note(note.clone()))
            };
            if let Some(Leaf::Manifest(_)) = replay.leaf(*index, &proof.bytes, load, out)
                && Digest::of(&proof.bytes) == bundle.manifest
            {
                leaf = leaf.or(Some(*index));
            }
        }
        for digest in bundle
            .statements
            .keys()
            .filter(|digest| !replay.statements.contains_key(digest))
        {
            out.missing(
                "missing-leaf",
                format!("statements/{digest}.note"),
                "no leaf in the bundle proves that the log holds this statement",
            );
        }
        let manifest = match manifest(&bundle.manifest_note) {
            Ok((manifest, note, digest)) if digest == bundle.manifest => Some((manifest, note)),
            Ok(_) => {
                out.wrong(
                    "manifest",
                    "manifest.note",
                    "it is another manifest than the bundle names",
                );
                None
            }
            Err(why) => {
                out.wrong("manifest", "manifest.note", why);
                None
            }
        };
        let mut opened = Self {
            replay,
            manifest,
            leaf,
            segment: None,
            present: BTreeSet::new(),
            gone: BTreeSet::new(),
        };
        opened.units(bundle, out);
        opened
    }

    /// Opens every unit against the manifest, and puts them together as far as they go.
    fn units(&mut self, bundle: &Bundle, out: &mut Findings) {
        let Some((manifest, note)) = &self.manifest else {
            return;
        };
        let mut parts = Vec::new();
        let mut commitments = Vec::new();
        for (number, unit) in &bundle.units {
            let place = format!("unit {number}");
            let commitment = unit.stored.commitment();
            commitments.push(commitment);
            let root = Hash(manifest.root.0);
            if let Err(why) = verify_inclusion(
                *number,
                manifest.units,
                &leaf_hash(&commitment.0),
                &unit.proof,
                &root,
            ) {
                out.wrong(
                    "commitment",
                    place,
                    format!("its bytes are not those the agent committed to: {why}"),
                );
                continue;
            }
            let part = match &unit.stored {
                Stored::Record(bytes) => record(*number, commitment, bytes),
                Stored::Line(bytes) => line(*number, commitment, bytes),
                Stored::Gone(tombstone) if tombstone.unit == *number => {
                    self.gone.insert(*number);
                    Ok(Part::Tombstone(tombstone.clone()))
                }
                Stored::Gone(_) => Err("its tombstone is that of another unit".to_owned()),
            };
            match part {
                Ok(part) => {
                    self.present.insert(*number);
                    parts.push(part);
                }
                Err(why) => out.wrong("unit", place, why),
            }
        }
        let digest = bundle.manifest;
        let manifest_bytes = canonical::canonical_of(manifest).unwrap_or_default();
        let parts = join(parts);
        self.segment = Some(Segment {
            parts,
            commitments,
            manifest: manifest.clone(),
            manifest_bytes,
            digest,
            note: note.clone(),
        });
    }

    fn check(&self, bundle: &Bundle, root: &TrustRoot, log_key: &VerifierKey, out: &mut Findings) {
        let history = &self.replay.history;
        if history.root().is_none() {
            out.missing(
                "missing-root",
                "leaves",
                "the bundle holds no trust root that the log took in",
            );
        } else if history.root_named(root.digest()).is_none() {
            let what = format!(
                "the log's trust roots do not hold yours, {} (version {})",
                root.digest().short(),
                root.version
            );
            out.wrong("root", "trust root", what);
        }
        let (Some((manifest, note)), Some(segment)) = (&self.manifest, &self.segment) else {
            return;
        };
        let Some(leaf) = self.leaf else {
            out.missing(
                "missing-leaf",
                "manifest.note",
                "no leaf in the bundle proves that the log holds this manifest",
            );
            return;
        };
        let mut collector = None;
        match history.agent(&manifest.agent, leaf) {
            AgentState::Enrolled {
                vkey,
                collector: of,
            } => {
                if let Err(why) = note.verify(std::slice::from_ref(&vkey)) {
                    out.wrong(
                        "signature",
                        "manifest.note",
                        format!("it is not signed by {}: {why}", manifest.agent),
                    );
                }
                collector = Some(of);
            }
            AgentState::Revoked => {
                out.wrong(
                    "agent",
                    "manifest.note",
                    format!(
                        "the key of {} was revoked before the log took this segment in",
                        manifest.agent
                    ),
                );
            }
            AgentState::Unknown => {
                out.missing(
                    "missing-enrolment",
                    "manifest.note",
                    format!("no statement in the bundle enrols {}", manifest.agent),
                );
            }
        }
        self.tombstones(bundle, out);
        let view = match segment_view(segment) {
            Ok(view) => view,
            Err(why) => return out.wrong("segment", "units", why),
        };
        let judge = Judge {
            replay: &self.replay,
            log_key,
            leaf,
            collector: collector.as_deref(),
            partial: true,
            name: "",
        };
        judge.check(segment, &view, out);
        self.complete(bundle, manifest, &view, out);
    }

    fn tombstones(&self, bundle: &Bundle, out: &mut Findings) {
        for (number, unit) in &bundle.units {
            let Stored::Gone(tombstone) = &unit.stored else {
                continue;
            };
            let place = format!("unit {number}");
            let named = self
                .replay
                .gone
                .get(&tombstone.leaf)
                .filter(|leaf| leaf.manifest == bundle.manifest && leaf.names(*number));
            match named {
                None if bundle.leaves.contains_key(&tombstone.leaf) => {
                    out.wrong(
                        "tombstone",
                        place,
                        format!("it is gone, and leaf {} does not name it", tombstone.leaf),
                    );
                }
                None => out.missing(
                    "missing-leaf",
                    place,
                    format!(
                        "it is gone, and leaf {}, which should say why, is not in the bundle",
                        tombstone.leaf
                    ),
                ),
                Some(leaf) => match &leaf.why {
                    Why::Refused(_) => {
                        out.missing("refused", place, gone_words(tombstone.leaf, leaf))
                    }
                    Why::Erased { .. } => {
                        out.erased("erased", place, gone_words(tombstone.leaf, leaf))
                    }
                },
            }
        }
    }

    /// Names whatever the units asked for need and the bundle does not hold.
    fn complete(&self, bundle: &Bundle, manifest: &Manifest, view: &View<'_>, out: &mut Findings) {
        let mut need = |unit: u64, why: &str| {
            if unit >= manifest.units || !bundle.units.contains_key(&unit) {
                out.missing(
                    "missing-unit",
                    format!("unit {unit}"),
                    format!("{why} is not in the bundle"),
                );
            }
        };
        for unit in &bundle.asked {
            need(*unit, "what the bundle was made for");
        }
        need(0, "the start record");
        need(1, "the run record");
        need(manifest.units.saturating_sub(1), "the commit record");
        let mut explained: BTreeSet<u64> = BTreeSet::new();
        for capture in &view.captures {
            if let CaptureKind::Exchange(_) = capture.kind {
                for unit in beside(capture.unit) {
                    explained.insert(unit);
                    need(unit, "the request or response of an exchange");
                }
            }
            if let Some(conversion) = capture.conversion {
                let ends = conversion
                    .lines
                    .iter()
                    .any(|line| matches!(line.line, Line::End(_)));
                let last = conversion
                    .lines
                    .last()
                    .map_or(capture.unit, |line| line.unit);
                if !ends && !self.gone.iter().any(|unit| *unit > last) {
                    need(manifest.units, "the last line of the reading");
                }
            }
        }
        for capture in &view.captures {
            if let Some(id) = capture.robots().filter(|id| !view.robots.contains_key(*id)) {
                let erased = self
                    .gone
                    .iter()
                    .any(|unit| *unit < capture.unit && !explained.contains(unit));
                let place = format!("unit {}", capture.unit);
                if erased {
                    out.erased("erased", place, "the robots.txt copy it rests on is erased, so this decision cannot be recomputed");
                } else {
                    out.missing(
                        "missing-unit",
                        place,
                        format!("the robots.txt copy it rests on, {id}, is not in the bundle"),
                    );
                }
            }
        }
        if view.captures.is_empty()
            && view.loose.is_empty()
            && bundle.asked.iter().all(|unit| !self.gone.contains(unit))
        {
            let only_frame = bundle
                .asked
                .iter()
                .all(|unit| *unit <= 1 || unit + 1 == manifest.units)
                || view
                    .robots
                    .values()
                    .any(|(unit, _)| bundle.asked.contains(unit));
            if !only_frame {
                out.missing(
                    "missing-unit",
                    "units",
                    "the exchange that the units belong to is not in the bundle",
                );
            }
        }
        for conversion in &view.loose {
            self.loose(bundle, conversion, out);
        }
    }

    /// A reading whose exchange is not in the view: rightly so only where that exchange, or the reading's first line, is gone.
    fn loose(&self, bundle: &Bundle, conversion: &Conversion, out: &mut Findings) {
        let Some(first) = conversion.lines.first().map(|line| line.unit) else {
            return;
        };
        let absent = if conversion.response.is_some() {
            // The exchange stands right before the first line.
            let exchange = first.checked_sub(1);
            (!exchange.is_some_and(|unit| self.gone.contains(&unit)))
                .then_some("the exchange that this reading belongs to")
        } else {
            let record = |(unit, at): (&u64, &crate::bundle::Unit)| {
                matches!(at.stored, Stored::Record(_)).then_some(*unit)
            };
            let before = bundle.units.range(..first).rev().find_map(record);
            let mut between = self.gone.range(before.map_or(0, |unit| unit + 1)..first);
            between
                .next()
                .is_none()
                .then_some("the first line of this reading")
        };
        if let Some(what) = absent {
            out.missing(
                "missing-unit",
                format!("before unit {first}"),
                format!("{what} is not in the bundle"),
            );
        }
    }
}

/// A sentence on why a unit is gone.
pub(crate) fn gone_words(index: u64, leaf: &GoneLeaf) -> String {
    match &leaf.why {
        Why::Refused(code) => {
            let code = word(code);
            format!(
                "the registry refused it on {} ({code}) and did not keep it: leaf {index}",
                leaf.time
            )
        }
        Why::Erased {
            reason,
            statement,
            authority,
            proven,
        } => {
            let reason = word(reason);
            let authority = authority
                .as_ref()
                .map(|text| format!(", authority `{text}`"))
                .unwrap_or_default();
            let proof = if *proven {
                "signed by the erasers the trust root demands"
            } else {
                "whose signatures could not be checked"
            };
            format!(
                "erased on {} ({reason}{authority}): leaf {index}, statement {}, {proof}",
                leaf.time,
                statement.short()
            )
        }
    }
}

/// The one word a code is written as.
pub(crate) fn word<T: serde::Serialize>(code: &T) -> String {
    serde_json::to_value(code)
        .ok()
        .and_then(|value| value.as_str().map(|text| text.replace('_', " ")))
        .unwrap_or_default()
}

/// The manifest as signed: one signature, one spelling, canonical.
pub(crate) fn manifest(text: &str) -> Result<(Manifest, Note, Digest), String> {
    let note = Note::parse(text.as_bytes()).map_err(|why| why.to_string())?;
    if note.to_string() != text || note.signatures.len() != 1 {
        return Err("one signature in one spelling is expected".to_owned());
    }
    let line = note.text.strip_suffix('\n').unwrap_or_default().as_bytes();
    let manifest: Manifest = canonical::from_canonical(line).map_err(|why| why.to_string())?;
    if manifest.v != 1 {
        return Err(format!(
            "format version {} is not known to this release",
            manifest.v
        ));
    }
    let digest = Digest::of(line);
    Ok((manifest, note, digest))
}

/// A view of a segment with holes: a tombstone among the parts tells it that parts may be absent.
pub(crate) fn segment_view(segment: &Segment) -> Result<View<'_>, String> {
    segment.view().map_err(|why| chain(&why))
}

fn record(unit: u64, commitment: Digest, bytes: &[u8]) -> Result<Part, String> {
    let record = Record::parse(bytes).map_err(|why| why.to_string())?;
    let media = record.get("Content-Type").unwrap_or_default();
    let salted = record
        .get(SALT_FIELD)
        .is_some_and(|salt| salt.parse::<Digest>().is_ok());
    if media == media_type::TOMBSTONE
        || media == media_type::MANIFEST
        || record.kind() == RecordType::Conversion
        || !salted
    {
        return Err("it is no unit of a segment".to_owned());
    }
    if (unit == 0) != (record.kind() == RecordType::Warcinfo) {
        return Err("a segment begins with its only warcinfo".to_owned());
    }
    Ok(Part::Record(RecordAt {
        unit,
        commitment,
        offset: 0,
        length: 0,
        record,
    }))
}

fn line(unit: u64, commitment: Digest, stored: &[u8]) -> Result<Part, String> {
    let (said, _) = unsalted(stored).ok_or("it has no salt in its place")?;
    let line: Line = canonical::from_canonical(&said).map_err(|why| why.to_string())?;
    if matches!(line, Line::Tombstone(_)) {
        return Err("a tombstone where a line is claimed to be".to_owned());
    }
    let at = LineAt {
        unit,
        commitment,
        stored: stored.to_vec(),
        said,
        line,
    };
    Ok(Part::Conversion(Conversion {
        offset: 0,
        length: 0,
        response: None,
        lines: vec![at],
    }))
}

/// Lines to conversions: a header begins one. A tombstone is added at the end, so that a view takes the holes as holes.
fn join(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    let mut open = false;
    let mut hole = None;
    for part in parts {
        match part {
            Part::Conversion(mut conversion) => {
                let header = conversion.lines.first().and_then(|line| match &line.line {
                    Line::Header(header) => Some(header.response.clone()),
                    _ => None,
                });
                match joined.last_mut() {
                    Some(Part::Conversion(last)) if open && header.is_none() => {
                        last.lines.append(&mut conversion.lines)
                    }
                    _ => {
                        conversion.response = header;
                        joined.push(Part::Conversion(conversion));
                        open = true;
                    }
                }
            }
            // May be a line of the conversion around it.
            Part::Tombstone(tombstone) => hole = Some(tombstone),
            record => {
                joined.push(record);
                open = false;
            }
        }
    }
    let stand_in = schemas::capture::Tombstone {
        unit: u64::MAX,
        commitment: Digest([0; 32]),
        leaf: u64::MAX,
    };
    joined.push(Part::Tombstone(hole.unwrap_or(stand_in)));
    joined
}

fn time_of(leaf: &[u8]) -> Option<schemas::manifest::Minute> {
    use schemas::leaf::Act;
    match canonical::from_canonical::<Leaf>(leaf).ok()? {
        Leaf::Manifest(manifest) => Some(manifest.time),
        Leaf::Act(
            Act::Statement { time, .. } | Act::Refusal { time, .. } | Act::Erasure { time, .. },
        ) => Some(time),
    }
}

/// The checkpoint in the terms of a verdict, with its cosignatures.
pub(crate) fn as_of(
    checkpoint: &Checkpoint,
    note: &Note,
    root: &TrustRoot,
    time: Option<schemas::manifest::Minute>,
) -> AsOf {
    let witnesses: Vec<_> = root
        .witnesses
        .iter()
        .filter_map(|text| VerifierKey::parse(text).ok())
        .collect();
    let cosigned = tlog::verify_cosignatures(note, &witnesses)
        .into_iter()
        .filter_map(|(key, at)| {
            Some((
                key.id_text(),
                jiff::Timestamp::from_second(i64::try_from(at).ok()?).ok()?,
            ))
        })
        .collect();
    AsOf {
        origin: checkpoint.origin.clone(),
        size: checkpoint.size,
        root: checkpoint.root,
        time,
        cosigned,
    }
}

/// Holds the bundle's checkpoint against a newer one in the bundle and against one remembered elsewhere.
fn later(
    bundle: &Bundle,
    own: &Checkpoint,
    log_key: &VerifierKey,
    options: &CheckOptions,
    out: &mut Findings,
) {
    let mut grown = None;
    if let Some(later) = &bundle.later {
        match Checkpoint::open(later.checkpoint.as_bytes(), log_key) {
            Err(why) => out.wrong("checkpoint", "later/checkpoint", chain(&why)),
            Ok((newer, _)) => match grows(own, &newer, &later.consistency) {
                Ok(()) => grown = Some(newer),
                Err(why) => out.diverged("later/checkpoint", why),
            },
        }
    }
    let Some(text) = &options.against else {
        return;
    };
    let place = "remembered checkpoint";
    let remembered = match Checkpoint::open(text.as_bytes(), log_key) {
        Ok((remembered, _)) => remembered,
        Err(why) => {
            return out.wrong(
                "against",
                place,
                format!("it is none of this log's: {}", chain(&why)),
            );
        }
    };
    let known = std::iter::once(own)
        .chain(&grown)
        .find(|known| known.size == remembered.size);
    match known {
        Some(known) if known.root == remembered.root => {}
        Some(known) => out.diverged(
            place,
            format!("of {} leaves the log showed root {} there, and shows {} here", known.size, remembered.root, known.root),
        ),
        None if remembered.size == 0 => {}
        None => out.missing(
            "missing-consistency",
            place,
            format!(
                "the bundle holds no proof that the log of {} leaves and the remembered one of {} are one log; ask for a bundle made with it",
                own.size, remembered.size
            ),
        ),
    }
}

fn grows(old: &Checkpoint, new: &Checkpoint, proof: &[Hash]) -> Result<(), String> {
    if old.size == new.size {
        return if old.root == new.root && proof.is_empty() {
            Ok(())
        } else {
            Err(format!("the log showed two trees of {} leaves", old.size))
        };
    }
    verify_consistency(old.size, new.size, proof, &old.root, &new.root).map_err(|why| {
        format!(
            "the log of {} leaves did not grow out of the one of {}: {why}",
            new.size, old.size
        )
    })
}
