//! Where do a log's files come from?

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::PathBuf;

use crate::bundle::decode_bundle;
use crate::note::MAX_NOTE_BYTES;
use crate::tile::{FULL_WIDTH, HASH_BYTES, TileError, TileId, TileKind};

/// Where a log's files can be read by their path under the log's prefix.
pub trait TileSource {
    /// The bytes under a path as [`crate::tile_path`] and [`crate::entries_path`] write them.
    ///
    /// Asked for a partial tile that was deleted, a source gives the first part of the full one.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if there is no such file; whatever else reading brings.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
}

pub(crate) fn read(source: &dyn TileSource, path: &str) -> Result<Vec<u8>, TileError> {
    source.read(path).map_err(|source| TileError::Read { path: path.to_owned(), source })
}

/// Reads the path, or, if it is a partial tile that is not there, the first part of the full one.
fn read_or_cut(path: &str, read: impl Fn(&str) -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    let missing = match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => error,
        other => return other,
    };
    match path.parse::<TileId>() {
        Ok(id) if id.width < FULL_WIDTH => {
            let full = read(&id.full().to_string())?;
            first_part(id, full).ok_or(missing)
        }
        _ => Err(missing),
    }
}

/// The first part of a full tile, which is what the partial tile held. `None` if the bytes are no full tile.
fn first_part(id: TileId, mut full: Vec<u8>) -> Option<Vec<u8>> {
    let keep = match id.kind {
        TileKind::Hashes(_) if full.len() == usize::from(FULL_WIDTH) * HASH_BYTES => usize::from(id.width) * HASH_BYTES,
        TileKind::Hashes(_) => return None,
        TileKind::Entries => {
            let entries = decode_bundle(&full).ok()?;
            if entries.len() != usize::from(FULL_WIDTH) {
                return None;
            }
            entries.iter().take(id.width.into()).map(|entry| entry.len() + 2).sum()
        }
    };
    full.truncate(keep);
    Some(full)
}

/// Tiles in memory, by path.
impl<S: std::hash::BuildHasher> TileSource for HashMap<String, Vec<u8>, S> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        read_or_cut(path, |path| self.get(path).cloned().ok_or(io::ErrorKind::NotFound.into()))
    }
}

/// Tiles in a folder, laid out by path. Reads nothing else: other paths than those of tiles and `checkpoint` are refused, so
/// no path leads out of the folder.
#[derive(Debug, Clone)]
pub struct FolderTiles {
    /// The folder that holds `tile/` and `checkpoint`.
    pub root: PathBuf,
}

impl TileSource for FolderTiles {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        read_or_cut(path, |path| {
            let limit = match path.parse::<TileId>() {
                Ok(id) => id.max_bytes(),
                Err(_) if path == "checkpoint" => MAX_NOTE_BYTES,
                Err(why) => return Err(io::Error::new(io::ErrorKind::InvalidInput, why)),
            };
            let mut bytes = Vec::new();
            let file = std::fs::File::open(self.root.join(path))?;
            file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
            if bytes.len() > limit {
                let why = format!("`{path}` is larger than the {limit} bytes it can have");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            Ok(bytes)
        })
    }
}
