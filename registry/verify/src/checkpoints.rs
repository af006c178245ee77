//! Is this the log that was seen before, and who else saw it?

use schemas::{
    canonical,
    leaf::{Act, Leaf},
    manifest::Minute,
    trust::TrustRoot,
};
use tlog::{Checkpoint, Hash, Note, VerifierKey, verify_consistency};

use crate::{
    bundle::Bundle,
    replay::chain,
    verdict::{AsOf, Findings},
};

pub(crate) fn time_of(leaf: &[u8]) -> Option<Minute> {
    match canonical::from_canonical::<Leaf>(leaf).ok()? {
        Leaf::Manifest(manifest) => Some(manifest.time),
        Leaf::Act(Act::Statement { time, .. } | Act::Refusal { time, .. } | Act::Erasure { time, .. }) => Some(time),
    }
}

/// The checkpoint in the terms of a verdict, with its cosignatures.
pub(crate) fn as_of(checkpoint: &Checkpoint, note: &Note, root: &TrustRoot, time: Option<Minute>) -> AsOf {
    let witnesses: Vec<_> = root.witnesses.iter().filter_map(|text| VerifierKey::parse(text).ok()).collect();
    let cosigned = tlog::verify_cosignatures(note, &witnesses)
        .into_iter()
        .filter_map(|(key, at)| Some((key.id_text(), jiff::Timestamp::from_second(i64::try_from(at).ok()?).ok()?)))
        .collect();
    AsOf { origin: checkpoint.origin.clone(), size: checkpoint.size, root: checkpoint.root, time, cosigned }
}

/// Holds the bundle's checkpoint against a newer one in the bundle and against one remembered elsewhere.
pub(crate) fn later(
    bundle: &Bundle,
    own: &Checkpoint,
    log_key: &VerifierKey,
    against: Option<&str>,
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
    let Some(text) = against else {
        return;
    };
    let place = "remembered checkpoint";
    let remembered = match Checkpoint::open(text.as_bytes(), log_key) {
        Ok((remembered, _)) => remembered,
        Err(why) => {
            return out.wrong("against", place, format!("it is none of this log's: {}", chain(&why)));
        }
    };
    let known = std::iter::once(own).chain(&grown).find(|known| known.size == remembered.size);
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
    verify_consistency(old.size, new.size, proof, &old.root, &new.root)
        .map_err(|why| format!("the log of {} leaves did not grow out of the one of {}: {why}", new.size, old.size))
}
