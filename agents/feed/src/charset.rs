//! Which characters do a feed's bytes stand for?
//!
//! Order: byte order mark, the pattern of UTF-16 or UTF-32 without one, `charset` of the content type, XML declaration, UTF-8 if the bytes
//! are, best guess. A declaration that the bytes contradict loses: UTF-8 declared and broken throughout, or Latin-1 declared over valid UTF-8.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A feed's bytes as text, without byte order mark and control characters, and the name of the encoding that was used.
pub fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> (Cow<'a, str>, &'static str) {
    let (text, name) = decode_raw(bytes, content_type);
    (without_controls(text), name)
}

fn decode_raw<'a>(bytes: &'a [u8], content_type: Option<&str>) -> (Cow<'a, str>, &'static str) {
    if let Some(text) = utf_32(bytes) {
        return (Cow::Owned(text), "UTF-32");
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return (encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0, encoding.name());
    }
    match bytes {
        [0, b'<', 0, _, ..] => {
            return (UTF_16BE.decode_without_bom_handling(bytes).0, UTF_16BE.name());
        }
        [b'<', 0, _, 0, ..] => {
            return (UTF_16LE.decode_without_bom_handling(bytes).0, UTF_16LE.name());
        }
        _ => {}
    }
    let declared = content_type.and_then(of_content_type).or_else(|| of_declaration(bytes));
    let utf_8 = UTF_8.decode_without_bom_handling_and_without_replacement(bytes);
    let declared = declared.filter(|encoding| {
        let contradicted = *encoding == WINDOWS_1252 && utf_8.is_some();
        encoding.is_ascii_compatible() && *encoding != UTF_8 && !contradicted
    });
    match (declared, utf_8) {
        (Some(encoding), _) => (encoding.decode_without_bom_handling(bytes).0, encoding.name()),
        (None, Some(text)) => (text, UTF_8.name()),
        (None, None) => guess(bytes),
    }
}

/// Bytes that are not UTF-8 and not declared as anything else. A few broken characters do not make another encoding of it.
fn guess(bytes: &[u8]) -> (Cow<'_, str>, &'static str) {
    let (mut broken, mut whole) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        broken += usize::from(!chunk.invalid().is_empty());
        whole += chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count();
    }
    if whole > broken {
        return (String::from_utf8_lossy(bytes), UTF_8.name());
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    (encoding.decode_without_bom_handling(bytes).0, encoding.name())
}

fn of_content_type(value: &str) -> Option<&'static Encoding> {
    let at = value.to_ascii_lowercase().find("charset")?;
    let label = value.get(at + 7..)?.trim_start().strip_prefix('=')?.trim_start_matches([' ', '"', '\'']);
    label.split([';', '"', '\'', ',', ' ']).next().and_then(|label| Encoding::for_label(label.as_bytes()))
}

/// The `encoding` of an XML declaration, anywhere in the first bytes: comments stand before it more often than they may.
fn of_declaration(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(1024))?;
    let at = memchr::memmem::find(head, b"<?xml")?;
    let end = at + memchr::memmem::find(head.get(at..)?, b"?>")?;
    let declaration = std::str::from_utf8(head.get(at..end)?).ok()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    Encoding::for_label(value.get(1..)?.split(quote).next()?.trim().as_bytes())
}

/// UTF-32 with or without its mark; Rust's encodings know none, browsers neither, feeds rarely.
fn utf_32(bytes: &[u8]) -> Option<String> {
    let big = match bytes {
        [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, b'<', ..] => true,
        [0xFF, 0xFE, 0, 0, ..] | [b'<', 0, 0, 0, ..] => false,
        _ => return None,
    };
    let letters = bytes.chunks(4).map(|chunk| match <[u8; 4]>::try_from(chunk) {
        Ok(four) => {
            char::from_u32(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }).unwrap_or('\u{FFFD}')
        }
        Err(_) => '\u{FFFD}',
    });
    Some(letters.skip_while(|letter| *letter == '\u{FEFF}').collect())
}

fn without_controls(text: Cow<'_, str>) -> Cow<'_, str> {
    let odd = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Without a way out for each byte: nearly no text has one.
    let some = |bytes: &[u8]| bytes.iter().fold(false, |some, byte| some | odd(*byte));
    if text.as_bytes().chunks(4096).any(some) {
        Cow::Owned(text.chars().filter(|letter| !u8::try_from(*letter).is_ok_and(odd)).collect())
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[track_caller]
    fn check(bytes: &[u8], content_type: Option<&str>, expected: &str) {
        assert_eq!(decode(bytes, content_type).0, expected);
    }

    #[test]
    fn mark_beats_header_beats_declaration() {
        check(b"\xEF\xBB\xBF<a>\xC3\xA9", Some("text/xml; charset=koi8-r"), "<a>é");
        check(
            b"<?xml version='1.0' encoding='utf-8'?>\xC1",
            Some("text/xml; charset=\"windows-1251\""),
            "<?xml version='1.0' encoding='utf-8'?>Б",
        );
        check(
            b"<?xml version='1.0' encoding='koi8-r'?>\xC1",
            Some("text/xml"),
            "<?xml version='1.0' encoding='koi8-r'?>а",
        );
    }

    #[test]
    fn wide_encodings_need_no_mark() {
        for (big, text) in [(true, "<r>é</r>"), (false, "<r>é</r>")] {
            let wide: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            check(&wide, None, text);
            let wider: Vec<u8> = text
                .chars()
                .flat_map(|letter| if big { (letter as u32).to_be_bytes() } else { (letter as u32).to_le_bytes() })
                .collect();
            check(&wider, None, text);
        }
    }

    #[test]
    fn declarations_that_the_bytes_contradict_lose() {
        check("<?xml encoding='iso-8859-1'?>é".as_bytes(), None, "<?xml encoding='iso-8859-1'?>é");
        check(b"<?xml encoding='utf-8'?>d\xE9j\xE0 vu", None, "<?xml encoding='utf-8'?>déjà vu");
        check(b"<?xml encoding='nonsense'?>\xC3\xA9", None, "<?xml encoding='nonsense'?>é");
    }

    #[test]
    fn one_broken_character_does_not_change_the_encoding() {
        check(b"\xC3\xA9t\xC3\xA9 \xFF \xC3\xA0", None, "été \u{FFFD} à");
    }

    #[test]
    fn control_characters_are_dropped() {
        check(b"a\x00\x08b\tc\x1F\n", None, "ab\tc\n");
    }
}
