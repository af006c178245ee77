//! Do checkpoint, entry bundles and tiles say the same, and what do the leaves say?

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use schemas::{Digest, leaf::Leaf, manifest::Manifest};
use tlog::{
    Checkpoint, CompactTree, FolderTiles, Hash, Note, TileId, TileKind, TileTree, VerifierKey, decode_bundle, leaf_hash,
};

use crate::{
    bundle::{MAX_NOTE_FILE, read_file, statement_file},
    replay::{Found, Replay, chain},
    verdict::{Finding, Findings, Severity},
};

/// Entries or hashes in a full tile.
const WIDTH: u64 = 256;

/// A segment that a leaf names.
pub(super) struct Logged {
    pub index: u64,
    pub digest: Digest,
    pub manifest: Manifest,
}

/// The log as its entries give it.
pub(super) struct Log {
    pub hashes: Vec<Hash>,
    pub segments: Vec<Logged>,
    pub replay: Replay,
}

/// The signed checkpoint of a folder.
pub(super) fn checkpoint(data_dir: &Path, log_key: &VerifierKey) -> Result<(Checkpoint, Note), Finding> {
    let place = "log/checkpoint";
    match read_file(&data_dir.join(place), MAX_NOTE_FILE) {
        Ok(bytes) => Checkpoint::open(&bytes, log_key)
            .map_err(|why| Finding::new(Severity::Wrong, "checkpoint", place, chain(&why))),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Err(Finding::new(
            Severity::Missing,
            "missing-checkpoint",
            place,
            "there is no checkpoint; is this a data folder?",
        )),
        Err(why) => Err(Finding::new(Severity::Wrong, "checkpoint", place, format!("it cannot be read: {why}"))),
    }
}

impl Log {
    /// Reads every entry below the checkpoint, compares their tree with the signed root and every tile with it, and replays the leaves.
    pub fn read(data_dir: &Path, checkpoint: &Checkpoint, out: &mut Findings) -> Self {
        let tiles = FolderTiles { root: data_dir.join("log") };
        let tree = TileTree::new(&tiles, checkpoint.size);
        let mut log = Self { hashes: Vec::new(), segments: Vec::new(), replay: Replay::default() };
        for bundle in 0..checkpoint.size.div_ceil(WIDTH) {
            let entries = match tree.entries(bundle) {
                Ok(entries) => entries,
                Err(why) => {
                    let place = format!("log/tile/entries, bundle {bundle}");
                    let gone = matches!(&why, tlog::TileError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound);
                    if gone {
                        out.missing("missing-entries", place, chain(&why));
                    } else {
                        out.wrong("entries", place, chain(&why));
                    }
                    break;
                }
            };
            for bytes in &entries {
                let index = log.hashes.len() as u64;
                log.hashes.push(leaf_hash(bytes));
                let load = |digest| load(data_dir, digest);
                if let Some(Leaf::Manifest(manifest)) = log.replay.leaf(index, bytes, load, out) {
                    log.segments.push(Logged { index, digest: Digest::of(bytes), manifest });
                }
            }
        }
        log.compare(checkpoint, &tree, out);
        log.tiles(data_dir, checkpoint.size, out);
        log
    }

    /// Compares the tree of the entries with the root that was signed; where they differ, tiles may tell which entry it is.
    fn compare(&self, checkpoint: &Checkpoint, tree: &TileTree<'_>, out: &mut Findings) {
        let mut entries = CompactTree::new();
        entries.extend(self.hashes.iter().copied());
        if self.hashes.len() as u64 != checkpoint.size || entries.root() == checkpoint.root {
            return;
        }
        let tiles_hold = tree.root().is_ok_and(|root| root == checkpoint.root);
        let differs = |(index, hash): &(u64, &Hash)| tree.leaf_hash(*index).is_ok_and(|tile| tile != **hash);
        let named: Vec<_> =
            (0..).zip(&self.hashes).filter(|_| tiles_hold).filter(differs).map(|(index, _)| index).collect();
        for index in &named {
            out.wrong("entry", format!("leaf {index}"), "its bytes are not those that the signed tree holds");
        }
        if named.is_empty() {
            let what = format!(
                "the entries give root {}, the log signed {}: leaves were changed, removed or added",
                entries.root(),
                checkpoint.root
            );
            out.wrong("tree", "log/tile/entries", what);
        }
    }

    /// Compares every tile file with what the entries give, and names those that the size demands and that are not there.
    fn tiles(&self, data_dir: &Path, size: u64, out: &mut Findings) {
        if self.hashes.len() as u64 != size {
            return;
        }
        let mut levels = vec![self.hashes.clone()];
        while let Some(above) = levels.last().filter(|level| level.len() as u64 >= WIDTH) {
            let (full, _) = above.as_chunks::<{ WIDTH as usize }>();
            levels.push(full.iter().map(|tile| tlog::root(tile)).collect());
        }
        let mut demanded = BTreeSet::new();
        for (level, hashes) in levels.iter().enumerate() {
            for (index, tile) in hashes.chunks(WIDTH as usize).enumerate() {
                let kinds = [Some(TileKind::Hashes(level as u8)), (level == 0).then_some(TileKind::Entries)];
                demanded.extend(
                    kinds
                        .into_iter()
                        .flatten()
                        .map(|kind| TileId { kind, index: index as u64, width: tile.len() as u16 }.to_string()),
                );
            }
        }
        let log_dir = data_dir.join("log");
        for name in super::names::names(&log_dir, out) {
            let place = format!("log/{name}");
            demanded.remove(&name);
            let id = match name.parse::<TileId>() {
                Ok(id) => id,
                Err(_) if name == "checkpoint" => continue,
                Err(_) => {
                    out.note("unknown-file", place, "nothing of the log has this name");
                    continue;
                }
            };
            match read_file(&log_dir.join(&name), id.max_bytes() as u64) {
                Ok(bytes) => self.tile(&place, id, &bytes, &levels, out),
                Err(why) => out.wrong("tile", place, format!("it cannot be read: {why}")),
            }
        }
        for name in demanded {
            // A partial tile may be deleted once the full one is there.
            let full = name.split_once(".p/").map_or(name.as_str(), |(full, _)| full);
            if !log_dir.join(full).is_file() {
                out.missing("missing-tile", format!("log/{name}"), format!("a log of {size} leaves has this file"));
            }
        }
    }

    fn tile(&self, place: &str, id: TileId, bytes: &[u8], levels: &[Vec<Hash>], out: &mut Findings) {
        let (level, found) = match id.kind {
            TileKind::Hashes(level) => {
                let (hashes, rest) = bytes.as_chunks::<32>();
                if !rest.is_empty() {
                    return out.wrong("tile", place, "it holds half a hash");
                }
                (usize::from(level), hashes.iter().map(|hash| Hash(*hash)).collect::<Vec<_>>())
            }
            TileKind::Entries => match decode_bundle(bytes) {
                Ok(entries) => (0, entries.iter().map(|entry| leaf_hash(entry)).collect()),
                Err(why) => return out.wrong("tile", place, chain(&why)),
            },
        };
        if found.len() != usize::from(id.width) {
            return out.wrong("tile", place, format!("it holds {} of the {} its name promises", found.len(), id.width));
        }
        let first = usize::try_from(id.index.saturating_mul(WIDTH)).unwrap_or(usize::MAX);
        let known = levels.get(level).and_then(|hashes| hashes.get(first..)).unwrap_or_default();
        let same = found.iter().zip(known).take_while(|(found, known)| found == known).count();
        if same < found.len().min(known.len()) {
            out.wrong("tile", place, format!("number {same} in it is not what the signed tree holds there"));
        } else if found.len() > known.len() {
            out.note("beyond", place, "it goes beyond the checkpoint, so nothing vouches for its end yet");
        }
    }

    /// Roots of the tree when it had these sizes; none for sizes it never had.
    pub fn roots_at(&self, mut sizes: Vec<u64>) -> BTreeMap<u64, Hash> {
        sizes.sort_unstable();
        sizes.dedup();
        let mut tree = CompactTree::new();
        let mut rest = self.hashes.iter();
        let mut roots = BTreeMap::new();
        for size in sizes.into_iter().take_while(|size| *size <= self.hashes.len() as u64) {
            let more = usize::try_from(size - tree.size()).unwrap_or(usize::MAX);
            tree.extend(rest.by_ref().take(more).copied());
            roots.insert(size, tree.root());
        }
        roots
    }
}

fn load(data_dir: &Path, digest: Digest) -> Found {
    match read_file(&statement_file(data_dir, digest), MAX_NOTE_FILE).map(String::from_utf8) {
        Ok(Ok(note)) => Found::Note(note),
        Ok(Err(_)) => Found::Unreadable("it is not UTF-8".to_owned()),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Found::Absent,
        Err(why) => Found::Unreadable(why.to_string()),
    }
}
