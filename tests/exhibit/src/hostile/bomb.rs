//! What is small on the wire and large in memory?

use flate2::{Compress, Compression, Crc, FlushCompress};

use super::wire::{Cut, Wire};

const MIB: usize = 1 << 20;

/// Sends `bytes` zeros as one gzip member (RFC 1952), never more than 1 MiB of them in memory.
///
/// A full flush makes each MiB independent of the one before, so the same compressed piece is sent again and again. One
/// member, because many clients stop at the end of the first.
pub(super) async fn gzip_zeros(bytes: u64, wire: &mut Wire) -> Result<(), Cut> {
    let zeros = vec![0; MIB];
    let mut piece = Vec::with_capacity(64 * 1024);
    let packed = Compress::new(Compression::best(), false).compress_vec(&zeros, &mut piece, FlushCompress::Full);
    if packed.is_err() {
        return Err(Cut);
    }
    let mut one = Crc::new();
    one.update(&zeros);
    let mut sum = Crc::new();
    wire.send(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]).await?;
    for _ in 0..bytes / MIB as u64 {
        wire.send(&piece).await?;
        sum.combine(&one);
    }
    // An empty last block with fixed codes, the checksum, and the length modulo 2^32.
    wire.send(&[0x03, 0x00]).await?;
    wire.send(&sum.sum().to_le_bytes()).await?;
    wire.send(&sum.amount().to_le_bytes()).await
}

/// A well-formed feed with `tags` nested elements in the content of its one entry.
pub(super) fn deep_feed(tags: usize) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:hostile.example.org,2026:feed</id>\
         <title>Deep</title><updated>2026-10-01T06:00:00Z</updated><entry><id>tag:hostile.example.org,2026:1</id>\
         <title>Deep</title><updated>2026-10-01T06:00:00Z</updated><content type=\"xhtml\">{}deep{}</content></entry></feed>\n",
        "<div>".repeat(tags),
        "</div>".repeat(tags)
    )
}

/// Nine entities, each ten of the one before: three bytes that would become three thousand million.
pub(super) fn entities() -> String {
    let mut out = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE feed [\n<!ENTITY lol0 \"lol\">\n");
    for level in 1..=9 {
        let before = format!("&lol{};", level - 1).repeat(10);
        out.push_str(&format!("<!ENTITY lol{level} \"{before}\">\n"));
    }
    out + "]>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:hostile.example.org,2026:feed</id><title>&lol9;</title>\
           <updated>2026-10-01T06:00:00Z</updated></feed>\n"
}
