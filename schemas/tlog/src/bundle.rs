//! How do a log's entries lie in their files? C2SP `tlog-tiles.md`, entry bundles.

use crate::source::{TileSource, read};
use crate::tile::{FULL_WIDTH, TileError, entries_path};

/// Longest entry: its length is written in two bytes.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;
/// Longest bundle: 256 longest entries with their lengths.
pub const MAX_BUNDLE_BYTES: usize = FULL_WIDTH as usize * (MAX_ENTRY_BYTES + 2);

/// An entry as a bundle holds it: its length as big-endian u16, then its bytes.
///
/// # Errors
///
/// [`TileError::EntryTooLong`] over 65 535 bytes.
pub fn encode_entry(entry: &[u8]) -> Result<Vec<u8>, TileError> {
    let too_long = |_| TileError::EntryTooLong { bytes: entry.len() };
    let length = u16::try_from(entry.len()).map_err(too_long)?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(entry);
    Ok(bytes)
}

/// The entries of a bundle, in order; at most 256. No bytes are no entries.
///
/// # Errors
///
/// [`TileError::Bundle`] if the lengths do not add up or there are more than 256 entries.
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<Vec<u8>>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let damaged = |why| TileError::Bundle { at: bytes.len() - rest.len(), why };
        if entries.len() == usize::from(FULL_WIDTH) {
            return Err(damaged("there are more than 256 entries"));
        }
        let Some((length, after)) = rest.split_first_chunk::<2>() else {
            return Err(damaged("half of a length"));
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((entry, after)) = after.split_at_checked(length) else {
            return Err(damaged("the entry is cut off"));
        };
        entries.push(entry.to_vec());
        rest = after;
    }
    Ok(entries)
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
