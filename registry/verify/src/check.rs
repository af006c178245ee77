//! Does a bundle prove what it claims?

use std::collections::BTreeSet;

use schemas::{
    capture::Line,
    manifest::Manifest,
    policy::AgentState,
    segment::{CaptureKind, Conversion, View},
    trust::TrustRoot,
};
use tlog::{Checkpoint, VerifierKey, leaf_hash, verify_inclusion};

use crate::{
    bundle::{Bundle, Stored},
    captures::{Judge, beside},
    checkpoints::{as_of, later, time_of},
    opened::{Opened, segment_view},
    replay::{GoneLeaf, Why, chain},
    verdict::{Findings, Verdict},
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
            if let Err(why) = verify_inclusion(*index, checkpoint.size, &hash, &leaf.proof, &checkpoint.root) {
                out.wrong("inclusion", format!("leaf {index}"), why.to_string());
            }
        }
    }
    let opened = Opened::of(bundle, &mut out);
    opened.check(bundle, root, &log_key, &mut out);
    let newest = checkpoint.as_ref().and_then(|(checkpoint, _)| bundle.leaves.get(&checkpoint.size.checked_sub(1)?));
    let time = newest.and_then(|leaf| time_of(&leaf.bytes));
    if let Some((checkpoint, _)) = &checkpoint {
        later(bundle, checkpoint, &log_key, options.against.as_deref(), &mut out);
    }
    let as_of = checkpoint.map(|(checkpoint, note)| as_of(&checkpoint, &note, root, time));
    Verdict::of(root.trial, as_of, out)
}

impl Opened {
    fn check(&self, bundle: &Bundle, root: &TrustRoot, log_key: &VerifierKey, out: &mut Findings) {
        let history = &self.replay.history;
        if history.root().is_none() {
            out.missing("missing-root", "leaves", "the bundle holds no trust root that the log took in");
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
            AgentState::Enrolled { vkey, collector: of } => {
                if let Err(why) = note.verify(std::slice::from_ref(&vkey)) {
                    out.wrong("signature", "manifest.note", format!("it is not signed by {}: {why}", manifest.agent));
                }
                collector = Some(of);
            }
            AgentState::Revoked => {
                out.wrong(
                    "agent",
                    "manifest.note",
                    format!("the key of {} was revoked before the log took this segment in", manifest.agent),
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
        let judge =
            Judge { replay: &self.replay, log_key, leaf, collector: collector.as_deref(), partial: true, name: "" };
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
                    out.wrong("tombstone", place, format!("it is gone, and leaf {} does not name it", tombstone.leaf));
                }
                None => out.missing(
                    "missing-leaf",
                    place,
                    format!("it is gone, and leaf {}, which should say why, is not in the bundle", tombstone.leaf),
                ),
                Some(leaf) => match &leaf.why {
                    Why::Refused(_)
                        if !refused_in_time(self.leaf, tombstone.leaf)
                            || self
                                .manifest
                                .as_ref()
                                .is_some_and(|(manifest, _)| is_frame(*number, manifest.units)) =>
                    {
                        out.wrong("refusal", place, LATE_REFUSAL);
                    }
                    Why::Refused(_) => out.missing("refused", place, gone_words(tombstone.leaf, leaf)),
                    Why::Erased { .. } => out.erased("erased", place, gone_words(tombstone.leaf, leaf)),
                },
            }
        }
    }

    /// Names whatever the units asked for need and the bundle does not hold.
    fn complete(&self, bundle: &Bundle, manifest: &Manifest, view: &View<'_>, out: &mut Findings) {
        // Somewhere else they would be judged by nobody who holds a part of the segment only.
        let commit = manifest.units.saturating_sub(1);
        for (unit, found, what) in [(1, view.run.is_some(), "run"), (commit, view.commit.is_some(), "commit")] {
            if self.present.contains(&unit) && !self.gone.contains(&unit) && !found {
                out.wrong(
                    "layout",
                    format!("unit {unit}"),
                    format!("the {what} record should stand here, and something else does"),
                );
            }
        }
        let mut need = |unit: u64, why: &str| {
            if unit >= manifest.units || !bundle.units.contains_key(&unit) {
                out.missing("missing-unit", format!("unit {unit}"), format!("{why} is not in the bundle"));
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
                let ends = conversion.lines.iter().any(|line| matches!(line.line, Line::End(_)));
                let last = conversion.lines.last().map_or(capture.unit, |line| line.unit);
                if !ends && !self.gone.iter().any(|unit| *unit > last) {
                    need(manifest.units, "the last line of the reading");
                }
            }
        }
        for capture in &view.captures {
            if let Some(id) = capture.robots().filter(|id| !view.robots.contains_key(*id)) {
                let erased = self.gone.iter().any(|unit| *unit < capture.unit && !explained.contains(unit));
                let place = format!("unit {}", capture.unit);
                if erased {
                    out.erased(
                        "erased",
                        place,
                        "the robots.txt copy it rests on is erased, so this decision cannot be recomputed",
                    );
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
            let only_frame = bundle.asked.iter().all(|unit| *unit <= 1 || unit + 1 == manifest.units)
                || view.robots.values().any(|(unit, _)| bundle.asked.contains(unit));
            if !only_frame {
                out.missing("missing-unit", "units", "the exchange that the units belong to is not in the bundle");
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
            let record =
                |(unit, at): (&u64, &crate::bundle::Unit)| matches!(at.stored, Stored::Record(_)).then_some(*unit);
            let before = bundle.units.range(..first).rev().find_map(record);
            let mut between = self.gone.range(before.map_or(0, |unit| unit + 1)..first);
            between.next().is_none().then_some("the first line of this reading")
        };
        if let Some(what) = absent {
            out.missing("missing-unit", format!("before unit {first}"), format!("{what} is not in the bundle"));
        }
    }
}

/// What a refusal is that does not stand where a registry writes it: otherwise whoever holds the log's key could do away with anything, at any time, without
/// anybody's signature.
pub(crate) const LATE_REFUSAL: &str = "units are refused right after the leaf of their segment and never its start, run or commit record; whoever wrote this refusal destroyed evidence that had been taken in";

/// Whether a refusal of units stands right after the segment's own leaf.
pub(crate) fn refused_in_time(manifest: Option<u64>, refusal: u64) -> bool {
    manifest.is_none_or(|manifest| manifest.checked_add(1) == Some(refusal))
}

/// Whether the unit is the start, run or commit record, which belong to no capture.
pub(crate) const fn is_frame(unit: u64, units: u64) -> bool {
    unit <= 1 || unit + 1 == units
}

/// A sentence on why a unit is gone.
pub(crate) fn gone_words(index: u64, leaf: &GoneLeaf) -> String {
    match &leaf.why {
        Why::Refused(code) => {
            let code = word(code);
            format!("the registry refused it on {} ({code}) and did not keep it: leaf {index}", leaf.time)
        }
        Why::Erased { reason, statement, authority, proven } => {
            let reason = word(reason);
            let authority = authority.as_ref().map(|text| format!(", authority `{text}`")).unwrap_or_default();
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
