//! One gzip member (RFC 1952) in the one form this crate writes.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Length of the only header we write: no name, no time, no extra field.
pub(crate) const HEADER_BYTES: usize = 10;
/// CRC-32 and size, each four bytes, least significant first.
pub(crate) const TRAILER_BYTES: usize = 8;

/// Compresses `bytes` into one gzip member that depends on `bytes` and `level` alone: no time, no name, OS byte 255 (unknown).
///
/// `level` is rounded to one of three, so that the header's XFL byte says which was used and the member can be made
/// again from its content: 0 to 3 is fastest (zlib level 1, XFL 4), 4 to 7 the default (level 6, XFL 0), above that best
/// (level 9, XFL 2).
#[must_use]
pub fn gzip_member(bytes: &[u8], level: u32) -> Vec<u8> {
    let (zlib_level, xfl) = match level {
        0..=3 => (1, 4),
        4..=7 => (6, 0),
        _ => (9, 2),
    };
    // Nine bits a literal is the worst the fastest level does, so the output fits and one call finishes it.
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 7 + 128);
    out.extend_from_slice(&header(xfl));
    let mut deflate = Compress::new(Compression::new(zlib_level), false);
    loop {
        let taken = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
        let rest = bytes.get(taken..).unwrap_or_default();
        match deflate.compress_vec(rest, &mut out, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => break,
            Ok(Status::Ok | Status::BufError) => out.reserve(64 << 10),
            // Unreachable: compressing fails only on misuse of the stream state, which nobody else can touch.
            Err(error) => unreachable!("compressing into memory failed: {error}"),
        }
    }
    out.extend_from_slice(&crc32(bytes).to_le_bytes());
    out.extend_from_slice(&size32(bytes.len()).to_le_bytes());
    out
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
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A length modulo 2^32, as ISIZE stores it.
pub(crate) fn size32(length: usize) -> u32 {
    let [a, b, c, d, ..] = (length as u64).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

const fn header(xfl: u8) -> [u8; HEADER_BYTES] {
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, xfl, 255]
}
