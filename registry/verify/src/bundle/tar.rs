//! How are a bundle's files put into one? POSIX ustar, of which one spelling is written and no other read.

use std::collections::BTreeMap;

use super::BundleError;

const BLOCK: usize = 512;
/// Longest name: the header's own field, no prefix.
const NAME: usize = 100;

/// Members in ascending order of their names, each a plain file of mode 644, owner 0, time 0; two empty blocks at the end.
///
/// # Errors
///
/// [`BundleError::Tar`] for a name that does not fit.
pub(super) fn write(members: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, BundleError> {
    let mut out = Vec::new();
    for (name, bytes) in members {
        let header = header(name, bytes.len())
            .ok_or_else(|| BundleError::Tar { offset: out.len(), what: format!("`{name}` does not fit a header") })?;
        out.extend_from_slice(&header);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

/// Reads what [`write()`] writes, and refuses every other byte.
///
/// # Errors
///
/// [`BundleError::Tar`] with the offset of the first block that is otherwise.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let mut members = BTreeMap::new();
    let mut rest = bytes;
    loop {
        let offset = bytes.len() - rest.len();
        let bad = |what: &str| BundleError::Tar { offset, what: what.to_owned() };
        let (block, after) = rest.split_at_checked(BLOCK).ok_or_else(|| bad("the file is cut off"))?;
        if block.iter().all(|byte| *byte == 0) {
            return if after.len() == BLOCK && after.iter().all(|byte| *byte == 0) {
                Ok(members)
            } else {
                Err(bad("it does not end in two empty blocks"))
            };
        }
        let (name, size) = parse(block).ok_or_else(|| bad("the header is not one that this release writes"))?;
        if members.last_key_value().is_some_and(|(last, _): (&String, _)| *last >= name) {
            return Err(bad("names are not in ascending order"));
        }
        let padded = size.checked_next_multiple_of(BLOCK).ok_or_else(|| bad("the size is impossible"))?;
        let (body, next) = after.split_at_checked(padded).ok_or_else(|| bad("the file is cut off"))?;
        let (body, padding) = body.split_at_checked(size).ok_or_else(|| bad("the file is cut off"))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(bad("something stands between two files"));
        }
        members.insert(name, body.to_vec());
        rest = next;
    }
}

fn parse(block: &[u8]) -> Option<(String, usize)> {
    let name = block.get(..NAME)?;
    let name = name.get(..name.iter().position(|byte| *byte == 0).unwrap_or(NAME))?;
    let name = std::str::from_utf8(name).ok()?.to_owned();
    let size = std::str::from_utf8(block.get(124..135)?).ok()?;
    let size = usize::from_str_radix(size, 8).ok()?;
    (header(&name, size)?.as_slice() == block).then_some((name, size))
}

fn header(name: &str, size: usize) -> Option<[u8; BLOCK]> {
    let size = format!("{size:011o}\0");
    if name.is_empty() || name.len() > NAME || size.len() != 12 || !name.is_ascii() || name.contains('\0') {
        return None;
    }
    let mut block = [0; BLOCK];
    let parts: [(usize, &[u8]); 9] = [
        (0, name.as_bytes()),
        (100, b"0000644\0"),
        (108, b"0000000\0"),
        (116, b"0000000\0"),
        (124, size.as_bytes()),
        (136, b"00000000000\0"),
        (148, b"        "),
        (156, b"0"),
        (257, b"ustar\x0000"),
    ];
    for (at, part) in parts {
        block.get_mut(at..at + part.len())?.copy_from_slice(part);
    }
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block.get_mut(148..156)?.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}
