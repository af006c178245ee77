//! How is a log read whose tiles lie on a disk?

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tlog::tile::FULL_WIDTH;
use tlog::{TileId, TileKind, TileSource};

use super::Disk;

const HASH_BYTES: usize = 32;

/// A log's files on a [`Disk`].
///
/// A partial tile that is not there is cut from the full one or from a longer partial one: tiles only grow.
#[derive(Clone)]
pub struct DiskTiles {
    /// Where to read.
    pub disk: Arc<dyn Disk>,
    /// The folder that holds `tile/` and `checkpoint`.
    pub root: PathBuf,
}

impl DiskTiles {
    fn plain(&self, id: &TileId) -> io::Result<Vec<u8>> {
        self.disk.read(&self.root.join(id.to_string()), id.max_bytes() as u64)
    }
}

impl TileSource for DiskTiles {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let id: TileId = path.parse().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, format!("{why}")))?;
        let missing = match self.plain(&id) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => error,
            other => return other,
        };
        let full = TileId { width: FULL_WIDTH, ..id };
        if full == id {
            return Err(missing);
        }
        match self.plain(&full) {
            Ok(bytes) => return first_part(&id, bytes).ok_or(missing),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let folder = self.root.join(format!("{full}.p"));
        let longer = self
            .disk
            .list(&folder)?
            .iter()
            .filter_map(|name| name.parse::<u16>().ok())
            .filter(|width| *width > id.width)
            .min();
        match longer {
            Some(width) => {
                let bytes = self.plain(&TileId { width, ..id })?;
                first_part(&id, bytes).ok_or(missing)
            }
            None => Err(missing),
        }
    }
}

/// The first part of a longer tile, which is what the tile of this width held.
fn first_part(id: &TileId, mut longer: Vec<u8>) -> Option<Vec<u8>> {
    let width = usize::from(id.width);
    let length = match id.kind {
        TileKind::Hashes(_) => width * HASH_BYTES,
        TileKind::Entries => {
            let entries = tlog::decode_bundle(&longer).ok()?;
            if entries.len() < width {
                return None;
            }
            entries.iter().take(width).map(|entry| entry.len() + 2).sum()
        }
    };
    if longer.len() < length {
        return None;
    }
    longer.truncate(length);
    Some(longer)
}
