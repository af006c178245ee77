//! How do a log's entries lie in their files? C2SP `tlog-tiles.md`, entry bundles.

use crate::tile::{FULL_WIDTH, MAX_ENTRY_BYTES, TileError};

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
