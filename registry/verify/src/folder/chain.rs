//! Is every agent's chain of segments whole: numbers without gap or fork, each naming the one before?

use std::collections::{BTreeMap, BTreeSet};

use schemas::Digest;

use super::log::Log;
use crate::{
    check::{LATE_REFUSAL, refused_in_time},
    replay::Why,
    verdict::Findings,
};

/// Names gaps and forks, and refusals that contradict the leaves.
pub(super) fn check(log: &Log, out: &mut Findings) {
    let refused: BTreeSet<Digest> = log
        .replay
        .gone
        .values()
        .filter(|leaf| leaf.units.is_empty() && matches!(leaf.why, Why::Refused(_)))
        .map(|leaf| leaf.manifest)
        .collect();
    let mut newest: BTreeMap<&str, (u64, Digest, u64)> = BTreeMap::new();
    let mut logged: BTreeMap<Digest, u64> = BTreeMap::new();
    for segment in &log.segments {
        let (manifest, place) = (&segment.manifest, format!("leaf {}", segment.index));
        let agent = manifest.agent.as_str();
        if let Some(first) = logged.insert(segment.digest, segment.index) {
            out.wrong("fork", place, format!("the segment is in the log already, as leaf {first}"));
            continue;
        }
        if refused.contains(&segment.digest) {
            out.wrong("refusal", &*place, "the segment is in the log, and refused whole as well");
        }
        let last = newest.get(agent).copied();
        let (expected, before) = (last.map_or(1, |(seq, ..)| seq.saturating_add(1)), last.map(|(_, digest, _)| digest));
        if manifest.seq < expected {
            out.wrong(
                "fork",
                place,
                format!(
                    "a second segment number {} of {agent}: two machines use one key, or an agent was set back",
                    manifest.seq
                ),
            );
            continue;
        }
        if manifest.seq == expected && manifest.prev != before {
            out.wrong(
                "fork",
                &*place,
                format!("segment {} of {agent} names another predecessor than the one in the log", manifest.seq),
            );
        }
        if manifest.seq > expected {
            let range = format!("segments {expected} to {} of {agent}", manifest.seq - 1);
            if manifest.prev.is_some_and(|prev| refused.contains(&prev)) && manifest.seq == expected + 1 {
                out.note("gap", place, format!("segment {expected} of {agent} was refused whole"));
            } else {
                out.missing("gap", place, format!("{range} never reached the log"));
            }
        }
        let seen = manifest.checkpoint.size;
        if manifest.seq == expected && last.is_some_and(|(.., before)| seen < before) {
            out.wrong(
                "clock",
                format!("leaf {}", segment.index),
                format!("{agent} had verified a larger log before; naming a smaller one lets captures be dated back"),
            );
        }
        newest.insert(agent, (manifest.seq, segment.digest, seen));
    }
    let units: BTreeMap<Digest, u64> =
        log.segments.iter().map(|segment| (segment.digest, segment.manifest.units)).collect();
    for (index, leaf) in &log.replay.gone {
        let place = format!("leaf {index}");
        if let (Why::Refused(_), Some(of), Some(units)) =
            (&leaf.why, logged.get(&leaf.manifest), units.get(&leaf.manifest))
            && !leaf.units.is_empty()
            && (!refused_in_time(Some(*of), *index)
                || [0, 1, units.saturating_sub(1)].iter().any(|unit| leaf.names(*unit)))
        {
            out.wrong("refusal", &*place, LATE_REFUSAL);
        }
        match logged.get(&leaf.manifest) {
            Some(of) if of > index => out.wrong("leaf", place, "it speaks of a segment that was not in the log yet"),
            None if !leaf.units.is_empty() => out.wrong(
                "leaf",
                place,
                format!("it names units of a segment {} that is not in the log", leaf.manifest),
            ),
            _ => {}
        }
    }
}
