//! Which bytes did the server mean? Content codings (RFC 9110, section 8.4) undone, bounded.

use std::io::{self, BufReader, Read, Write};

use super::{BodyError, Spool, SpoolFull, SpoolReader, SpoolWriter};

/// Most bytes a body may decode to.
pub const MAX_DECODED_BYTES: u64 = 1 << 30;

/// Most codings on one body; more is nobody's need.
const MAX_CODINGS: usize = 3;

/// Most memory a zstd frame may ask for as its window (RFC 8878, section 3.1.1.1.2; RFC 9659 lets HTTP use 8 MiB).
const MAX_ZSTD_WINDOW_BYTES: u64 = 8 << 20;

/// The codings of a `Content-Encoding` header, in the order they were applied.
fn codings(headers: &[(String, String)]) -> Result<Vec<String>, BodyError> {
    let codings: Vec<String> = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"))
        .flat_map(|(_, value)| value.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    if codings.len() > MAX_CODINGS {
        return Err(BodyError::TooManyCodings { found: codings.len() });
    }
    Ok(codings)
}

/// Undoes every coding. `cut` says that the body is known to end early: then what can be decoded stands.
pub(super) fn decoded(raw: &Spool, headers: &[(String, String)], cut: bool) -> Result<Spool, BodyError> {
    let mut spool = raw.clone();
    for coding in codings(headers)?.iter().rev() {
        if !spool.is_empty() {
            spool = undo(&spool, coding, cut)?;
        }
    }
    Ok(spool)
}

/// What a gzip file holds; anything else as it is. Such files come as they are, and under `.gz` some servers send them unpacked: the magic tells.
pub(super) fn gunzipped(spool: &Spool, cut: bool) -> Result<Spool, BodyError> {
    let mut head = Vec::with_capacity(2);
    spool.reader().take(2).read_to_end(&mut head).map_err(|error| BodyError::Spool { why: error.to_string() })?;
    if head == [0x1f, 0x8b] { undo(spool, "gzip", cut) } else { Ok(spool.clone()) }
}

fn undo(spool: &Spool, coding: &str, cut: bool) -> Result<Spool, BodyError> {
    let input = BufReader::new(spool.reader());
    let mut out = SpoolWriter::like(spool, MAX_DECODED_BYTES);
    let result = match coding {
        "gzip" | "x-gzip" => copy(flate2::bufread::MultiGzDecoder::new(input), &mut out),
        "deflate" => copy(deflate(spool)?, &mut out),
        "br" => copy(brotli_decompressor::Decompressor::new(input, 16 * 1024), &mut out),
        "zstd" => zstd(input, &mut out),
        other => {
            return Err(BodyError::UnknownCoding { coding: other.chars().take(40).collect() });
        }
    };
    match result {
        Ok(()) => {}
        Err(error) if error.get_ref().is_some_and(|inner| inner.is::<SpoolFull>()) => {
            return Err(BodyError::TooLargeDecoded { coding: coding.to_owned(), limit_bytes: MAX_DECODED_BYTES });
        }
        // What was decoded up to the cut stands; whoever reads it knows that it is cut.
        Err(_) if cut => {}
        Err(error) => {
            return Err(BodyError::Coding { coding: coding.to_owned(), why: error.to_string() });
        }
    }
    out.finish().map_err(|source| BodyError::Spool { why: source.to_string() })
}

/// `deflate` means zlib (RFC 9110, section 8.4.1.2), and some servers send bare deflate: the first two bytes tell.
fn deflate(spool: &Spool) -> Result<Box<dyn Read>, BodyError> {
    let mut head = Vec::with_capacity(2);
    spool.reader().take(2).read_to_end(&mut head).map_err(|error| BodyError::Spool { why: error.to_string() })?;
    let input = BufReader::new(spool.reader());
    let zlib =
        matches!(head.as_slice(), [cmf, flg] if cmf & 0x0f == 8 && (u16::from(*cmf) * 256 + u16::from(*flg)) % 31 == 0);
    Ok(if zlib {
        Box::new(flate2::bufread::ZlibDecoder::new(input))
    } else {
        Box::new(flate2::bufread::DeflateDecoder::new(input))
    })
}

/// Frame after frame; a frame that asks for more window than HTTP allows is refused before memory is taken for it.
fn zstd(mut input: BufReader<SpoolReader>, out: &mut SpoolWriter) -> io::Result<()> {
    use std::io::BufRead;
    while !input.fill_buf()?.is_empty() {
        let mut decoder = ruzstd::decoding::FrameDecoder::new();
        decoder.set_max_window_size(MAX_ZSTD_WINDOW_BYTES);
        let stream =
            ruzstd::decoding::StreamingDecoder::new_with_decoder(&mut input, decoder).map_err(io::Error::other)?;
        copy(stream, out)?;
    }
    Ok(())
}

fn copy(mut from: impl Read, out: &mut SpoolWriter) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => out.write_all(piece.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
