//! Is every agent's chain of segments whole: numbers without gap or fork, each naming the one before?

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Digest, leaf::RefusalCode};

use super::log::Log;
use crate::{
    check::{LATE_REFUSAL, refused_in_time},
    replay::Why,
    verdict::Findings,
};

/// Names gaps and forks, and refusals that contradict the leaves.
pub(super) fn check(log: &Log, out: &mut Findings) {
    let refused: BTreeMap<Digest, u64> = log
        .replay
        .gone
        .iter()
        .filter(|(_, leaf)| leaf.units.is_empty() && matches!(leaf.why, Why::Refused(_)))
        .map(|(index, leaf)| (leaf.manifest, *index))
        .collect();
    // Refused whole, and of no known place in a chain: their leaves name neither agent nor number. A fork's number is taken by another.
    let named: BTreeSet<Digest> = log.segments.iter().filter_map(|segment| segment.manifest.prev).collect();
    let nobodys: Vec<u64> = refused
        .iter()
        .filter(|(manifest, _)| !named.contains(manifest))
        .map(|(_, index)| *index)
        .filter(|index| !matches!(log.replay.gone[index].why, Why::Refused(RefusalCode::Fork)))
        .collect();
    let mut newest: BTreeMap<&str, (u64, Digest, u64, u64)> = BTreeMap::new();
    let mut logged: BTreeMap<Digest, u64> = BTreeMap::new();
    for segment in &log.segments {
        let (manifest, place) = (&segment.manifest, format!("leaf {}", segment.index));
        let agent = manifest.agent.as_str();
        if let Some(first) = logged.insert(segment.digest, segment.index) {
            out.wrong("fork", place, format!("the segment is in the log already, as leaf {first}"));
            continue;
        }
        if refused.contains_key(&segment.digest) {
            out.wrong("refusal", &*place, "the segment is in the log, and refused whole as well");
        }
        let last = newest.get(agent).copied();
        let (expected, before) =
            (last.map_or(1, |(seq, ..)| seq.saturating_add(1)), last.map(|(_, digest, ..)| digest));
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
            let before = last.map_or(0, |(.., index)| index);
            let between = nobodys.iter().filter(|index| (before..segment.index).contains(*index)).copied().collect();
            let link = manifest.prev.and_then(|prev| refused.get(&prev)).copied();
            missing(out, place, agent, (expected, manifest.seq - 1), link, between);
        }
        let seen = manifest.checkpoint.size;
        if manifest.seq == expected && last.is_some_and(|(_, _, before, _)| seen < before) {
            out.wrong(
                "clock",
                format!("leaf {}", segment.index),
                format!("{agent} had verified a larger log before; naming a smaller one lets captures be dated back"),
            );
        }
        newest.insert(agent, (manifest.seq, segment.digest, seen, segment.index));
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

/// Says what became of segments `from..=to`, which are not in the log. `link`: the leaf by which the last of them was refused, as its successor names
/// it. `between`: leaves of other segments refused whole meanwhile.
fn missing(
    out: &mut Findings,
    place: String,
    agent: &str,
    (from, to): (u64, u64),
    link: Option<u64>,
    mut between: Vec<u64>,
) {
    let Some(leaf) = link else {
        out.missing("gap", place, format!("segments {from} to {to} of {agent} never reached the log"));
        return;
    };
    if from == to {
        out.note("refused", place, format!("segment {from} of {agent} was refused whole, at leaf {leaf}"));
        return;
    }
    let others = to - from;
    between.sort_unstable();
    if (between.len() as u64) < others {
        let never = format!("segments {from} to {} of {agent} never reached the log", to - 1);
        out.missing("gap", place, format!("{never}; segment {to} was refused whole, at leaf {leaf}"));
        return;
    }
    let leaves: Vec<String> = between.iter().map(u64::to_string).collect();
    out.missing(
        "refused",
        place,
        format!(
            "segments {from} to {to} of {agent} are not in the log: {to} was refused whole, at leaf {leaf}, and what was refused at leaf {} may be the rest; a refusal names neither agent nor number, so no link proves it",
            leaves.join(", ")
        ),
    );
}
