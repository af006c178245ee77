//! Under which path do a log's hashes and entries lie? C2SP `tlog-tiles.md`.

use std::fmt;
use std::io;
use std::str::FromStr;

use crate::checkpoint::decimal;
use crate::proof::ProofError;

/// Hashes or entries of a full tile or bundle.
pub const FULL_WIDTH: u16 = 256;
/// Longest entry: its length is written in two bytes.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;
/// Bytes of a hash in a tile.
pub(crate) const HASH_BYTES: usize = 32;

/// Why tiles could not be read, or do not hold what they must.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The source has no such file, or could not read it.
    #[error("`{path}` could not be read")]
    Read {
        /// Path under the log's prefix.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A tile of another length than the tree's size implies.
    #[error("`{path}` has {found} bytes, the tree's size asks for {expected}")]
    Length {
        /// Path under the log's prefix.
        path: String,
        /// Bytes found.
        found: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// A bundle whose lengths do not add up, or that holds too many entries.
    #[error("the entry bundle is damaged at byte {at}: {why}")]
    Bundle {
        /// Byte position from 0.
        at: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// A bundle with another number of entries than the tree's size implies.
    #[error("`{path}` holds {found} entries, the tree's size asks for {expected}")]
    Entries {
        /// Path under the log's prefix.
        path: String,
        /// Entries found.
        found: usize,
        /// Entries expected.
        expected: usize,
    },
    /// An entry that a bundle cannot hold.
    #[error("an entry has {bytes} bytes, a bundle takes at most {MAX_ENTRY_BYTES}")]
    EntryTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Two tiles that contradict each other, or a tile its entries.
    #[error("`{path}` does not agree with what lies below it at entry {entry}: the stored tree is damaged")]
    Disagree {
        /// Path of the upper tile.
        path: String,
        /// Entry in that tile, from 0.
        entry: u64,
    },
    /// No such path.
    #[error("`{}` is not the path of a tile", .path.escape_debug())]
    Path {
        /// As given.
        path: String,
    },
    /// No such leaf or size.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// More leaves than 2^64 - 1.
    #[error("the tree would have more than 2^64 leaves")]
    TooManyLeaves,
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TileKind {
    /// Hashes at this tile level, 0 to 63; level 0 are leaf hashes, each level above stands for 256 of the one below.
    Hashes(u8),
    /// Entries, each with its length.
    Entries,
}

/// A tile's place: kind, number and width; its text form is the path under the log's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileId {
    /// Hashes or entries.
    pub kind: TileKind,
    /// Number of the tile in its level, from 0.
    pub index: u64,
    /// Hashes or entries in it: 256 if full, 1 to 255 if partial.
    pub width: u16,
}

/// Path of a hash tile: `tile/<level>/<index>`, with `.p/<width>` unless the width is 256.
///
/// Widths other than 1 to 256 and levels over 63 name nothing: no reader accepts such a path.
#[must_use]
pub fn tile_path(level: u8, index: u64, width: u16) -> String {
    TileId { kind: TileKind::Hashes(level), index, width }.to_string()
}

/// Path of an entry bundle: `tile/entries/<index>`, with `.p/<width>` unless the width is 256. See [`tile_path`].
#[must_use]
pub fn entries_path(index: u64, width: u16) -> String {
    TileId { kind: TileKind::Entries, index, width }.to_string()
}

impl TileId {
    /// Largest size of the file, in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        match self.kind {
            TileKind::Hashes(_) => usize::from(self.width) * HASH_BYTES,
            TileKind::Entries => usize::from(self.width) * (MAX_ENTRY_BYTES + 2),
        }
    }

    pub(crate) fn full(self) -> Self {
        Self { width: FULL_WIDTH, ..self }
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        // Groups of three digits, all but the last marked: 1234067 is x001/x234/067.
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        f.write_str(&groups.join("/"))?;
        if self.width != FULL_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// Reads a path under the log's prefix, as [`tile_path`] and [`entries_path`] write it and in no other spelling.
impl FromStr for TileId {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let found = parse_path(path).filter(|id| id.to_string() == path);
        found.ok_or_else(|| TileError::Path { path: path.chars().take(100).collect() })
    }
}

fn parse_path(path: &str) -> Option<TileId> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes(decimal(level).filter(|level| *level <= 63)?.try_into().ok()?),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, decimal(width).filter(|w| (1..=255).contains(w))?),
        None => (rest, FULL_WIDTH.into()),
    };
    let mut index: u64 = 0;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(TileId { kind, index, width: width.try_into().ok()? })
}
