//! Which letters do the bytes stand for?

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

/// How far a document is searched for a declaration, in bytes (WHATWG HTML, section 13.2.3.2).
const DECLARED_WITHIN: usize = 1024;

/// Charset of a table, where the source's documentation fixes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, with or without a byte order mark; anything else in it is unreadable.
    Utf8,
    /// Windows-1252, which holds ISO 8859-1.
    Windows1252,
    /// By byte order mark, header, else UTF-8.
    Declared,
}

/// The charset by byte order mark, header, XML declaration or `<meta>`, else UTF-8 where the bytes are, else the best guess.
pub(super) fn of(bytes: &[u8], content_type: Option<&str>) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    content_type.and_then(in_content_type).or_else(|| in_document(bytes)).unwrap_or_else(|| {
        // A character that the end of the bytes cuts in two is no sign against UTF-8: often they are only the head of a document.
        let rest = bytes.get(Encoding::utf8_valid_up_to(bytes)..).unwrap_or_default();
        if std::str::from_utf8(rest).map_or_else(|error| error.error_len().is_none(), |_| true) {
            return UTF_8;
        }
        let mut guess = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        guess.feed(bytes, true);
        guess.guess(None, chardetng::Utf8Detection::Allow)
    })
}

/// `charset` of a `Content-Type`, where it names one that browsers know.
pub(super) fn in_content_type(value: &str) -> Option<&'static Encoding> {
    value.split(';').skip(1).find_map(|parameter| {
        let (name, label) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes()))?
    })
}

/// `encoding="…"` of an XML declaration, or `charset=…` of a `<meta>`, within the first kilobyte.
fn in_document(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..DECLARED_WITHIN).unwrap_or(bytes)).to_ascii_lowercase();
    let after = if head.trim_start().starts_with("<?xml") {
        let declaration = head.get(..head.find("?>")?)?;
        declaration.get(declaration.find("encoding")? + "encoding".len()..)?
    } else {
        let meta = head.get(head.find("<meta")?..)?;
        meta.get(meta.find("charset")? + "charset".len()..)?
    };
    let label = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = label.find(['"', '\'', ' ', ';', '>', '/', '?']).unwrap_or(label.len());
    let encoding = Encoding::for_label(label.get(..end)?.as_bytes())?;
    // Whoever could read the declaration as ASCII is not reading UTF-16 (WHATWG HTML, section 13.2.3.3).
    Some(if encoding == encoding_rs::UTF_16BE || encoding == encoding_rs::UTF_16LE { UTF_8 } else { encoding })
}

/// Turns bytes of a charset into UTF-8 as they are read. What does not belong to the charset becomes U+FFFD.
pub(super) struct Utf8Reader<R> {
    from: R,
    decoder: Decoder,
    input: Vec<u8>,
    unread: std::ops::Range<usize>,
    ended: bool,
    done: bool,
}

impl<R: Read> Utf8Reader<R> {
    /// Drops a byte order mark, and follows it where it names another charset.
    pub(super) fn new(from: R, encoding: &'static Encoding) -> Self {
        Self {
            from,
            decoder: encoding.new_decoder(),
            input: vec![0; 16 * 1024],
            unread: 0..0,
            ended: false,
            done: false,
        }
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // One character needs up to four bytes. Both callers here read through a buffer of kilobytes.
        if into.len() < 4 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "at least four bytes of room are needed"));
        }
        while !self.done {
            if self.unread.is_empty() && !self.ended {
                let read = self.from.read(&mut self.input)?;
                self.unread = 0..read;
                self.ended = read == 0;
            }
            let piece = self.input.get(self.unread.clone()).unwrap_or_default();
            let (result, read, written, _) = self.decoder.decode_to_utf8(piece, into, self.ended);
            self.unread.start += read;
            self.done = self.ended && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}
