//! Which files does a growing log write? C2SP `tlog-tiles.md`.

use crate::bundle::{decode_bundle, encode_entry};
use crate::hash::Hash;
use crate::source::{TileSource, read};
use crate::tile::{FULL_WIDTH, TileError, entries_path, tile_path};
use crate::tile_tree::{TILE_HEIGHT, WIDTH, read_tile};
use crate::tree::root;

/// All hash tiles to write, full and partial, of all levels, when leaves with these hashes follow the first `old_size`.
///
/// The partial tiles at the old edge are read from the source. Partial tiles are those of the new size only. Nothing
/// is written here: callers write lower levels first (the order given), then publish the checkpoint.
///
/// # Errors
///
/// Errors of reading the old edge; [`TileError::TooManyLeaves`].
pub fn tiles_for_append(
    old_size: u64,
    new_leaf_hashes: &[Hash],
    source: &dyn TileSource,
) -> Result<Vec<(String, Vec<u8>)>, TileError> {
    old_size.checked_add(new_leaf_hashes.len() as u64).ok_or(TileError::TooManyLeaves)?;
    let mut tiles = Vec::new();
    let mut level = 0;
    let mut new = new_leaf_hashes.to_vec();
    while !new.is_empty() {
        let old = old_size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0);
        let (first, width) = (old / WIDTH, (old % WIDTH) as u16);
        let mut hashes = if width == 0 { Vec::new() } else { read_tile(source, level, first, width)? };
        hashes.append(&mut new);
        for (tile, index) in hashes.chunks(FULL_WIDTH.into()).zip(first..) {
            if tile.len() == usize::from(FULL_WIDTH) {
                new.push(root(tile));
            }
            let bytes = tile.iter().flat_map(|hash| hash.0).collect();
            // A chunk has at most 256 hashes.
            tiles.push((tile_path(level, index, tile.len() as u16), bytes));
        }
        level += 1;
    }
    Ok(tiles)
}

/// All entry bundles to write, full and partial, when these entries follow the first `old_size`; the partial bundle at the old
/// end is read from the source.
///
/// # Errors
///
/// [`TileError::EntryTooLong`], or any error of reading the old end.
pub fn bundles_for_append(
    old_size: u64,
    new_entries: &[Vec<u8>],
    source: &dyn TileSource,
) -> Result<Vec<(String, Vec<u8>)>, TileError> {
    let width = u64::from(FULL_WIDTH);
    let mut index = old_size / width;
    let mut count = (old_size % width) as u16;
    let mut bundle = Vec::new();
    if count > 0 && !new_entries.is_empty() {
        let path = entries_path(index, count);
        bundle = read(source, &path)?;
        let found = decode_bundle(&bundle)?.len();
        if found != usize::from(count) {
            return Err(TileError::Entries { path, found, expected: count.into() });
        }
    }
    let mut out = Vec::new();
    for (at, entry) in new_entries.iter().enumerate() {
        bundle.extend(encode_entry(entry)?);
        count += 1;
        let last = at + 1 == new_entries.len();
        if count == FULL_WIDTH || last {
            out.push((entries_path(index, count), std::mem::take(&mut bundle)));
        }
        if count == FULL_WIDTH {
            index += 1;
            count = 0;
        }
    }
    Ok(out)
}
