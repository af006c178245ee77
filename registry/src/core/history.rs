//! What did the log's statements say before a given leaf?

use schemas::Digest;
use schemas::leaf::{Act, Leaf};
use schemas::manifest::Minute;
use schemas::policy::{History, open_statement};

use super::RegistryError;
use super::evidence::Evidence;
use super::store::{LeafKind, Store};

/// All statements whose leaves lie before `index`, verified one after the other.
///
/// # Errors
///
/// [`RegistryError::Statement`] if a statement is missing, is not the one its leaf names, or does not verify.
pub fn before(store: &dyn Store, evidence: &Evidence, index: u64) -> Result<History, RegistryError> {
    let mut leaves = store.of_kind(LeafKind::Statement)?;
    leaves.extend(store.of_kind(LeafKind::Erasure)?);
    leaves.sort_by_key(|leaf| leaf.index);
    let mut history = History::new();
    for leaf in leaves.iter().take_while(|leaf| leaf.index < index) {
        let (digest, minute) = match leaf.leaf().map_err(RegistryError::leaf)? {
            Leaf::Act(Act::Statement { digest, time, .. }) => (digest, time),
            // One erasure may have several leaves: one for each segment it touches.
            Leaf::Act(Act::Erasure { statement, .. }) if history.holds(statement) => continue,
            Leaf::Act(Act::Erasure { statement, time, .. }) => (statement, time),
            _ => continue,
        };
        push(&mut history, evidence, leaf.index, minute, &digest)?;
    }
    Ok(history)
}

fn push(
    history: &mut History,
    evidence: &Evidence,
    index: u64,
    minute: Minute,
    digest: &Digest,
) -> Result<(), RegistryError> {
    let failed = |why: String| RegistryError::Statement { digest: *digest, index, why };
    let note = evidence.statement(digest).map_err(|why| failed(super::log::chain(&why)))?;
    let opened = open_statement(&note).map_err(|why| failed(super::log::chain(&why)))?;
    if opened.digest != *digest {
        return Err(failed(format!("the file holds statement {}", opened.digest)));
    }
    history.push(index, minute, &opened).map_err(|why| failed(super::log::chain(&why)))
}
