//! How does a source publish a file in a zip?

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A zip of one file, as it is: what stands in it can be found by who looks for it.
///
/// # Panics
///
/// Never: it is made in memory.
#[must_use]
pub fn archive(name: &str, text: &str) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    out.start_file(name, stored).expect("a member begins");
    out.write_all(text.as_bytes()).expect("there is memory");
    out.finish().expect("an archive ends").into_inner()
}
