//! May a receipt be believed?

use schemas::{
    Digest, canonical,
    leaf::{Act, Leaf},
    receipt::{Receipt, ReceiptAnswer},
};
use tlog::{Checkpoint, Note, VerifierKey, leaf_hash, verify_consistency, verify_inclusion};

/// Something that was checked down to the log's key. Has no public constructor: [`verify`] is the only way to one.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    note: String,
    checkpoint_note: String,
    checkpoint: Checkpoint,
}

impl<T> Verified<T> {
    /// What was checked.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// It, as the log signed it: to be kept.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The checkpoint that covers it, as the log signed it: the agent's newest from now on.
    pub fn checkpoint_note(&self) -> &str {
        &self.checkpoint_note
    }

    /// The same, read.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Why an answer is no receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// It proves nothing, neither good nor bad: unsigned, damaged, about another segment. The segment is sent again.
    #[error("the registry's answer is no receipt: {why}")]
    NoReceipt {
        /// What is wrong with it.
        why: String,
    },
    /// The log's own key signed what cannot be true together with what it signed before. A person has to look; nothing is let go.
    #[error("the registry's log contradicts itself: {why}")]
    Contradiction {
        /// Which statements, and how.
        why: String,
    },
}

fn no_receipt(what: &str, why: impl std::fmt::Display) -> Doubt {
    Doubt::NoReceipt { why: format!("{what}: {why}") }
}

/// Checks an answer to the segment `manifest`: the receipt's signature and subject, the leaf's bytes, the checkpoint's signature, the
/// leaf's place in it, and that the checkpoint grew out of `known`, the newest one this agent has verified (`None` before the first).
///
/// # Errors
///
/// [`Doubt`].
pub fn verify(
    answer: &ReceiptAnswer,
    manifest: &Digest,
    log_key: &VerifierKey,
    known: Option<&Checkpoint>,
) -> Result<Verified<Receipt>, Doubt> {
    let note = Note::parse(answer.receipt.as_bytes()).map_err(|error| no_receipt("receipt", error))?;
    note.verify(std::slice::from_ref(log_key)).map_err(|error| no_receipt("receipt", error))?;
    let line = note.text.strip_suffix('\n').unwrap_or(&note.text);
    let receipt: Receipt = canonical::from_canonical(line.as_bytes()).map_err(|error| no_receipt("receipt", error))?;
    let (Receipt::Receipt { v, .. } | Receipt::RefusalReceipt { v, .. }) = &receipt;
    if *v != 1 {
        return Err(no_receipt("receipt", format_args!("it has format version {v}, this release reads 1")));
    }
    if receipt.manifest() != *manifest {
        return Err(no_receipt(
            "receipt",
            format_args!("it speaks of segment {}, not of {}", receipt.manifest().short(), manifest.short()),
        ));
    }
    same_leaf(&receipt, answer.leaf.as_bytes())?;

    let (checkpoint, _) =
        Checkpoint::open(answer.checkpoint.as_bytes(), log_key).map_err(|error| no_receipt("checkpoint", error))?;
    grown(known, &checkpoint, answer)?;
    let leaf = leaf_hash(answer.leaf.as_bytes());
    // Receipt and checkpoint are signed; a path that does not join them may be damage on the way, so it proves nothing.
    verify_inclusion(receipt.index(), checkpoint.size, &leaf, &answer.inclusion, &checkpoint.root)
        .map_err(|error| no_receipt("inclusion proof", error))?;
    Ok(Verified {
        value: receipt,
        note: answer.receipt.clone(),
        checkpoint_note: answer.checkpoint.clone(),
        checkpoint,
    })
}

/// The leaf is the manifest itself, or a refusal of that very segment as a whole.
fn same_leaf(receipt: &Receipt, leaf: &[u8]) -> Result<(), Doubt> {
    match receipt {
        Receipt::Receipt { manifest, .. } => {
            if Digest::of(leaf) == *manifest {
                return Ok(());
            }
            Err(no_receipt("leaf", "it is not the manifest that was sent"))
        }
        Receipt::RefusalReceipt { manifest: refused, code: said, .. } => {
            let read: Leaf = canonical::from_canonical(leaf).map_err(|error| no_receipt("leaf", error))?;
            match read {
                Leaf::Act(Act::Refusal { v: 1, manifest, units, code, .. })
                    if manifest == *refused && code == *said && units.is_empty() =>
                {
                    Ok(())
                }
                _ => Err(no_receipt("leaf", "it is no refusal of this segment for the reason given")),
            }
        }
    }
}

/// A signed checkpoint that does not continue the one before is the finding every agent is a witness for.
fn grown(known: Option<&Checkpoint>, new: &Checkpoint, answer: &ReceiptAnswer) -> Result<(), Doubt> {
    let Some(known) = known.filter(|known| known.size > 0) else {
        return Ok(());
    };
    let contradiction = |why: String| Err(Doubt::Contradiction { why });
    if new.size < known.size {
        return contradiction(format!(
            "it signed a checkpoint of {} leaves after one of {}: it was set back",
            new.size, known.size
        ));
    }
    if new.size == known.size && new.root != known.root {
        return contradiction(format!("it signed two trees of {} leaves: it was forked", new.size));
    }
    if new.size == known.size {
        return Ok(());
    }
    match verify_consistency(known.size, new.size, &answer.consistency, &known.root, &new.root) {
        Ok(()) => Ok(()),
        // Not distinguishable from a damaged proof by one answer; the caller keeps the segment and asks again, and a person is told.
        Err(error) => contradiction(format!(
            "no proof shows that its tree of {} leaves continues the one of {}: {error}",
            new.size, known.size
        )),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::{leaf::RefusalCode, manifest::Minute};
    use tlog::{Hash, SigningKey};

    use super::*;

    const ORIGIN: &str = "log.example.org";

    struct Log {
        key: SigningKey,
        leaves: Vec<Vec<u8>>,
    }

    impl Log {
        fn new() -> Self {
            Self { key: SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap(), leaves: (0..5).map(|n| vec![n; 3]).collect() }
        }

        fn hashes(&self) -> Vec<Hash> {
            self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
        }

        fn checkpoint(&self, size: usize) -> Checkpoint {
            Checkpoint::new(ORIGIN, size as u64, tlog::tree::root(&self.hashes()[..size]))
        }

        /// The answer to a manifest, to an agent that knows the tree of `from` leaves.
        fn answer(&mut self, manifest: &[u8], from: usize) -> ReceiptAnswer {
            let index = self.leaves.len() as u64;
            self.leaves.push(manifest.to_vec());
            let receipt = Receipt::Receipt {
                v: 1,
                manifest: Digest::of(manifest),
                index,
                refused: vec![],
                late: vec![],
                at: now(),
            };
            self.signed(&receipt, manifest, from)
        }

        fn signed(&self, receipt: &Receipt, leaf: &[u8], from: usize) -> ReceiptAnswer {
            let mut text = String::from_utf8(canonical::canonical_of(receipt).unwrap()).unwrap();
            text.push('\n');
            let hashes = self.hashes();
            ReceiptAnswer {
                receipt: Note::sign(&text, &[&self.key]).unwrap().to_string(),
                leaf: String::from_utf8(leaf.to_vec()).unwrap(),
                checkpoint: self.checkpoint(hashes.len()).sign(&self.key).unwrap().to_string(),
                inclusion: tlog::tree::inclusion_proof(&hashes, receipt.index()).unwrap(),
                consistency: if from == 0 {
                    vec![]
                } else {
                    tlog::tree::consistency_proof(&hashes, from as u64).unwrap()
                },
            }
        }
    }

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    const MANIFEST: &[u8] = br#"{"a":1}"#;

    #[test]
    fn a_sound_receipt_is_believed_and_moves_the_checkpoint_on() {
        let mut log = Log::new();
        let known = log.checkpoint(3);
        let answer = log.answer(MANIFEST, 3);
        let verified = verify(&answer, &Digest::of(MANIFEST), &log.key.vkey(), Some(&known)).unwrap();
        assert_eq!((verified.checkpoint().size, verified.value().index()), (6, 5));
        let answer = log.answer(br#"{"a":2}"#, 0);
        verify(&answer, &Digest::of(br#"{"a":2}"#), &log.key.vkey(), None).unwrap();
        let same = log.checkpoint(7);
        let again = ReceiptAnswer { consistency: vec![], ..answer };
        verify(&again, &Digest::of(br#"{"a":2}"#), &log.key.vkey(), Some(&same)).unwrap();
    }

    #[test]
    fn a_refusal_receipt_counts_with_its_own_leaf_only() {
        let mut log = Log::new();
        let manifest = Digest::of(MANIFEST);
        let leaf = |code, units| {
            let act = Act::Refusal { v: 1, manifest, units, code, time: Minute::of(now()) };
            canonical::canonical_of(&Leaf::Act(act)).unwrap()
        };
        let receipt = Receipt::RefusalReceipt {
            v: 1,
            manifest,
            index: 5,
            code: RefusalCode::Fork,
            why: "w".to_owned(),
            at: now(),
        };
        for (bytes, good) in [
            (leaf(RefusalCode::Fork, vec![]), true),
            (leaf(RefusalCode::Broken, vec![]), false),
            (leaf(RefusalCode::Fork, vec![[0, 1]]), false),
            (MANIFEST.to_vec(), false),
        ] {
            log.leaves.truncate(5);
            log.leaves.push(bytes.clone());
            let answer = log.signed(&receipt, &bytes, 0);
            assert_eq!(verify(&answer, &manifest, &log.key.vkey(), None).is_ok(), good);
        }
    }

    #[test]
    fn what_is_changed_anywhere_is_no_receipt() {
        let mut log = Log::new();
        let known = log.checkpoint(3);
        let sound = log.answer(MANIFEST, 3);
        let key = log.key.vkey();
        let other = SigningKey::from_seed(ORIGIN, &[8; 32]).unwrap();
        let refused = |answer: &ReceiptAnswer| verify(answer, &Digest::of(MANIFEST), &key, Some(&known)).unwrap_err();
        let no_receipt = |answer: &ReceiptAnswer| {
            assert!(matches!(refused(answer), Doubt::NoReceipt { .. }), "{:?}", refused(answer))
        };
        no_receipt(&ReceiptAnswer { leaf: r#"{"a":2}"#.to_owned(), ..sound.clone() });
        no_receipt(&ReceiptAnswer { receipt: sound.receipt.replace("\"index\":5", "\"index\":4"), ..sound.clone() });
        no_receipt(&ReceiptAnswer { checkpoint: sound.checkpoint.replacen("\n6\n", "\n7\n", 1), ..sound.clone() });
        no_receipt(&ReceiptAnswer { checkpoint: log.checkpoint(6).sign(&other).unwrap().to_string(), ..sound.clone() });
        no_receipt(&ReceiptAnswer { inclusion: vec![], ..sound.clone() });
        assert!(verify(&sound, &Digest::of(b"{}"), &key, Some(&known)).is_err(), "another segment");
        assert!(verify(&sound, &Digest::of(MANIFEST), &other.vkey(), Some(&known)).is_err(), "another log");
    }

    #[test]
    fn a_log_set_back_or_forked_is_an_alarm() {
        let mut log = Log::new();
        let mut known = log.checkpoint(5);
        let sound = log.answer(MANIFEST, 5);
        let manifest = Digest::of(MANIFEST);
        let alarm = |answer: &ReceiptAnswer, known: &Checkpoint| {
            let doubt = verify(answer, &manifest, &Log::new().key.vkey(), Some(known)).unwrap_err();
            assert!(matches!(doubt, Doubt::Contradiction { .. }), "{doubt:?}");
            doubt.to_string()
        };
        known.size = 9;
        assert!(alarm(&sound, &known).contains("set back"));
        let fork = Checkpoint::new(ORIGIN, 6, leaf_hash(b"other"));
        assert!(alarm(&sound, &fork).contains("forked"));
        let fork = Checkpoint::new(ORIGIN, 5, leaf_hash(b"other"));
        assert!(alarm(&sound, &fork).contains("no proof shows"));
    }
}
