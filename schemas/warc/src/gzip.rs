//! One gzip member (RFC 1952) in the one form this crate writes.

use std::{
    fmt, mem,
    sync::{Mutex, PoisonError},
};

use libdeflater::{CompressionLvl, Compressor};

/// Length of the only header we write: no name, no time, no extra field.
pub(crate) const HEADER_BYTES: usize = 10;
/// CRC-32 and size, each four bytes, least significant first.
pub(crate) const TRAILER_BYTES: usize = 8;

/// Packs one member after the other at one level, with the tables of the first.
pub(crate) struct Packer {
    level: u32,
    compressor: Compressor,
}

/// Packers at rest: to make one and touch its tables (200 KB and more) takes longer than to pack a small record.
static AT_REST: Mutex<Vec<(Packer, Vec<u8>)>> = Mutex::new(Vec::new());

/// Most packers at rest.
const MOST_AT_REST: usize = 2;

/// Most room that a packer at rest keeps for its output, in bytes.
const MOST_ROOM: usize = 256 << 10;

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").field("level", &self.level).finish_non_exhaustive()
    }
}

impl Packer {
    /// A packer; [`gzip_member`] says how levels are rounded.
    pub(crate) fn new(level: u32) -> Self {
        let rounded = rounded(level);
        // The levels are libdeflate's own, so none is refused.
        let level = CompressionLvl::new(rounded).unwrap_or_default();
        Self { level: rounded.unsigned_abs(), compressor: Compressor::new(level) }
    }

    /// The member of `bytes`, at the start of `room`, which may become larger; gives its length.
    pub(crate) fn pack(&mut self, bytes: &[u8], room: &mut Vec<u8>) -> usize {
        let bound = self.compressor.gzip_compress_bound(bytes.len());
        if room.len() < bound {
            // Fresh zeros are no memory yet, and most of them are never written to.
            *room = vec![0; bound];
        }
        // Unreachable: the bound is the library's own, and too little room is the one error there is.
        match self.compressor.gzip_compress(bytes, room) {
            Ok(length) => length,
            Err(error) => unreachable!("compressing into memory failed: {error}"),
        }
    }
}

/// Compresses `bytes` into one gzip member that depends on `bytes` and `level` alone: no time, no name, OS byte 255 (unknown).
///
/// `level` is rounded to one of three, so that the header's XFL byte says which was used and the member can be made
/// again from its content: 0 to 3 is fastest (libdeflate level 1, XFL 4), 4 to 7 the default (level 6, XFL 0), above that best
/// (level 12, XFL 2).
#[must_use]
pub fn gzip_member(bytes: &[u8], level: u32) -> Vec<u8> {
    let (mut packer, mut room) = woken(level);
    let length = packer.pack(bytes, &mut room);
    let member = if room.len() > MOST_ROOM {
        // What is large is not copied; the next one gets room of its own.
        let mut member = mem::take(&mut room);
        member.truncate(length);
        member.shrink_to_fit();
        member
    } else {
        room.get(..length).unwrap_or_default().to_vec()
    };
    let mut all = AT_REST.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOST_AT_REST {
        all.swap_remove(0);
    }
    all.push((packer, room));
    member
}

/// A packer of this level and its room.
fn woken(level: u32) -> (Packer, Vec<u8>) {
    let mut all = AT_REST.lock().unwrap_or_else(PoisonError::into_inner);
    match all.iter().position(|(packer, _)| packer.level == rounded(level).unsigned_abs()) {
        Some(at) => all.swap_remove(at),
        None => (Packer::new(level), Vec::new()),
    }
}

/// The level of libdeflate's that stands for this one.
const fn rounded(level: u32) -> i32 {
    match level {
        0..=3 => 1,
        4..=7 => 6,
        _ => 12,
    }
}

/// Whether `stored` is exactly what [`gzip_member`] makes of `raw` at the level its header names.
pub(crate) fn is_canonical(stored: &[u8], raw: &[u8]) -> bool {
    let level = match stored.get(8) {
        Some(4) => 1,
        Some(0) => 6,
        Some(2) => 9,
        _ => return false,
    };
    gzip_member(raw, level) == stored
}

/// Whether these ten bytes are a header that [`gzip_member`] writes.
pub(crate) fn is_our_header(bytes: &[u8]) -> bool {
    [0, 2, 4].iter().any(|&xfl| header(xfl) == bytes)
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    libdeflater::crc32(bytes)
}

/// A length modulo 2^32, as ISIZE stores it.
pub(crate) fn size32(length: usize) -> u32 {
    let [a, b, c, d, ..] = (length as u64).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

const fn header(xfl: u8) -> [u8; HEADER_BYTES] {
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, xfl, 255]
}
