//! How does a bundle become a file, and a file a bundle?

use std::collections::BTreeMap;

use schemas::{Digest, canonical, capture::Tombstone};
use serde::{Deserialize, Serialize};
use tlog::{Hash, LogProof};

use super::{Bundle, BundleError, Later, LeafProof, MAX_BUNDLE_BYTES, Stored, Unit, tar};

/// `README.txt` of every bundle of version 1.
pub const README: &str = include_str!("readme.txt");

/// Most hashes in a proof: a tree has fewer than 2^64 leaves, and a consistency proof at most two a level.
const MAX_HASHES: usize = 130;

/// `about.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Always `vigie-bundle`.
    pub format: String,
    /// Format version, 1.
    pub v: u32,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// Units asked for, ascending.
    pub units: Vec<u64>,
}

impl Bundle {
    /// The file.
    ///
    /// # Errors
    ///
    /// [`BundleError::Member`] where a part has no canonical form, [`BundleError::Tar`] where one does not fit.
    pub fn write(&self) -> Result<Vec<u8>, BundleError> {
        let about =
            About { format: "vigie-bundle".to_owned(), v: 1, manifest: self.manifest, units: self.asked.clone() };
        let mut members = BTreeMap::from([
            ("README.txt".to_owned(), README.as_bytes().to_vec()),
            ("about.json".to_owned(), json("about.json", &about)?),
            ("checkpoint".to_owned(), self.checkpoint.clone().into_bytes()),
            ("manifest.note".to_owned(), self.manifest_note.clone().into_bytes()),
        ]);
        for (number, unit) in &self.units {
            let (ending, bytes) = match &unit.stored {
                Stored::Record(bytes) => ("warc", bytes.clone()),
                Stored::Line(bytes) => ("json", bytes.clone()),
                Stored::Gone(tombstone) => ("tombstone", json("a tombstone", tombstone)?),
            };
            members.insert(format!("units/{number}.{ending}"), bytes);
            members.insert(format!("units/{number}.proof"), hashes(&unit.proof));
        }
        for (index, leaf) in &self.leaves {
            let proof =
                LogProof { index: *index, proof: leaf.proof.clone(), checkpoint: self.checkpoint.clone(), extra: None };
            members.insert(format!("leaves/{index}.json"), leaf.bytes.clone());
            members.insert(format!("leaves/{index}.tlog-proof"), proof.to_string().into_bytes());
        }
        for (digest, note) in &self.statements {
            members.insert(format!("statements/{digest}.note"), note.clone().into_bytes());
        }
        if let Some(later) = &self.later {
            members.insert("later/checkpoint".to_owned(), later.checkpoint.clone().into_bytes());
            members.insert("later/consistency".to_owned(), hashes(&later.consistency));
        }
        tar::write(&members)
    }

    /// Reads a file, strictly: what [`Bundle::write`] would write again, bit for bit. Nothing in it is believed yet.
    ///
    /// # Errors
    ///
    /// [`BundleError`], naming the member. Never panics, whatever the bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLarge { bytes: bytes.len() });
        }
        let mut members = tar::read(bytes)?;
        let mut take = |name: &str| {
            members.remove(name).ok_or_else(|| bad(name, "it is missing; this is no bundle, or a part of one"))
        };
        let about: About = from_json("about.json", &take("about.json")?)?;
        if about.format != "vigie-bundle" || about.v != 1 {
            let what = format!("`{}` version {} is not known to this release", about.format.escape_debug(), about.v);
            return Err(bad("about.json", what));
        }
        if take("README.txt")? != README.as_bytes() {
            return Err(bad("README.txt", "it is not the text of this version"));
        }
        let checkpoint = text("checkpoint", take("checkpoint")?)?;
        let manifest_note = text("manifest.note", take("manifest.note")?)?;
        let mut bundle = Self {
            asked: about.units,
            manifest: about.manifest,
            manifest_note,
            units: BTreeMap::new(),
            checkpoint,
            leaves: BTreeMap::new(),
            statements: BTreeMap::new(),
            later: None,
        };
        let mut proofs = BTreeMap::new();
        let mut log_proofs = BTreeMap::new();
        let mut consistency = None;
        for (name, bytes) in members {
            match name.split_once('/').and_then(|(folder, file)| Some((folder, file.split_once('.')?))) {
                Some(("units", (number, "proof"))) => {
                    proofs.insert(count(&name, number)?, from_hashes(&name, &bytes)?);
                }
                Some(("units", (number, ending))) => {
                    let stored = match ending {
                        "warc" => Stored::Record(bytes),
                        "json" => Stored::Line(bytes),
                        "tombstone" => Stored::Gone(from_json::<Tombstone>(&name, &bytes)?),
                        _ => return Err(bad(&name, "it is no part of a bundle")),
                    };
                    let unit = Unit { stored, proof: Vec::new() };
                    if bundle.units.insert(count(&name, number)?, unit).is_some() {
                        return Err(bad(&name, "the unit is given twice"));
                    }
                }
                Some(("leaves", (number, "tlog-proof"))) => {
                    log_proofs.insert(count(&name, number)?, log_proof(&name, &bytes, &bundle.checkpoint)?);
                }
                Some(("leaves", (number, "json"))) => {
                    bundle.leaves.insert(count(&name, number)?, LeafProof { bytes, proof: Vec::new() });
                }
                Some(("statements", (digest, "note"))) => {
                    let digest = digest.parse().map_err(|why| bad(&name, format!("{why}")))?;
                    bundle.statements.insert(digest, text(&name, bytes)?);
                }
                _ if name == "later/checkpoint" => {
                    let checkpoint = text(&name, bytes)?;
                    bundle.later = Some(Later { checkpoint, consistency: Vec::new() });
                }
                _ if name == "later/consistency" => consistency = Some(from_hashes(&name, &bytes)?),
                _ => return Err(bad(&name, "it is no part of a bundle")),
            }
        }
        for (number, unit) in &mut bundle.units {
            let name = format!("units/{number}.proof");
            unit.proof = proofs.remove(number).ok_or_else(|| bad(&name, "it is missing"))?;
        }
        for (index, leaf) in &mut bundle.leaves {
            let name = format!("leaves/{index}.tlog-proof");
            leaf.proof = log_proofs.remove(index).ok_or_else(|| bad(&name, "it is missing"))?;
        }
        if let (Some(later), Some(proof)) = (&mut bundle.later, consistency) {
            later.consistency = proof;
        }
        // Proofs without their unit, other spellings of numbers: whatever this would not write again.
        if bundle.write()? == bytes {
            Ok(bundle)
        } else {
            Err(bad("about.json", "the bundle as a whole is not written as this release writes it"))
        }
    }
}

fn bad(member: &str, what: impl Into<String>) -> BundleError {
    BundleError::Member { member: member.escape_debug().to_string(), what: what.into() }
}

fn json<T: Serialize>(name: &str, thing: &T) -> Result<Vec<u8>, BundleError> {
    canonical::canonical_of(thing).map_err(|why| bad(name, why.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, BundleError> {
    canonical::from_canonical(bytes).map_err(|why| bad(name, why.to_string()))
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String, BundleError> {
    String::from_utf8(bytes).map_err(|_| bad(name, "it is not UTF-8"))
}

fn count(name: &str, number: &str) -> Result<u64, BundleError> {
    number.parse().map_err(|_| bad(name, "its name holds no number"))
}

fn hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| format!("{hash}\n").into_bytes()).collect()
}

fn from_hashes(name: &str, bytes: &[u8]) -> Result<Vec<Hash>, BundleError> {
    let text = std::str::from_utf8(bytes).map_err(|_| bad(name, "it is not UTF-8"))?;
    if text.lines().nth(MAX_HASHES).is_some() {
        return Err(bad(name, "it has more hashes than any proof needs"));
    }
    text.lines().map(|line| line.parse().map_err(|_| bad(name, "a line of it is no hash"))).collect()
}

fn log_proof(name: &str, bytes: &[u8], checkpoint: &str) -> Result<Vec<Hash>, BundleError> {
    let proof = LogProof::parse(bytes).map_err(|why| bad(name, why.to_string()))?;
    if proof.checkpoint != checkpoint {
        return Err(bad(name, "it leads to another checkpoint than the bundle's"));
    }
    Ok(proof.proof)
}
