//! Other people's files: what lenient reading puts up with, and what it refuses.

use warc::{Entry, Error, Reader, RecordError, RecordType, gzip_member};

fn lenient(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    Reader::lenient(bytes).collect()
}

const OLD: &str = "WARC/1.0\r\nWARC-Record-ID: <urn:example:1>\r\nContent-Length: 3\r\nWARC-Type: resource\r\n\
                   WARC-Date:2016-02-01T12:00:00Z\r\n\r\nabc\r\n\r\n";

#[test]
fn older_versions_in_any_order_are_read() {
    for file in [OLD.as_bytes().to_vec(), gzip_member(OLD.as_bytes(), 9)] {
        let entries = lenient(&file).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].record.kind(), RecordType::Resource);
        assert_eq!(entries[0].record.date(), "2016-02-01T12:00:00Z");
        assert_eq!(entries[0].record.block[..], *b"abc");
        assert_eq!(entries[0].raw, OLD.as_bytes());
        assert_eq!((entries[0].offset, entries[0].length), (0, file.len() as u64));
        assert!(Reader::strict(file.as_slice()).next().unwrap().is_err());
    }
}

#[test]
fn folded_lines_and_bare_line_feeds_are_understood() {
    let file = "WARC/1.1\nWARC-Type: metadata\nX-Note: one\n  two\n\tthree\nCONTENT-LENGTH: 2\n\nhi\n\n";
    let entries = lenient(file.as_bytes()).unwrap();
    assert_eq!(entries[0].record.get("x-note"), Some("one two three"));
    assert_eq!(entries[0].record.block[..], *b"hi");
    assert_eq!((entries[0].record.id(), entries[0].record.date()), ("", ""));
}

#[test]
fn the_last_record_may_lack_its_end() {
    for keep in 0..=4 {
        let file = [OLD, &OLD[..OLD.len() - 4 + keep]].concat();
        for file in [file.as_bytes().to_vec(), gzip_member(file.as_bytes(), 6)] {
            let entries = lenient(&file).unwrap();
            assert_eq!(entries.len(), 2, "{keep} closing bytes kept");
            assert_eq!(entries[1].record.block[..], *b"abc");
        }
    }
}

#[test]
fn one_member_may_hold_several_records_or_none() {
    let file = [gzip_member([OLD, OLD].concat().as_bytes(), 6), gzip_member(b"", 6), gzip_member(OLD.as_bytes(), 6)];
    let lengths: Vec<u64> = file.iter().map(|member| member.len() as u64).collect();
    let places: Vec<_> = lenient(&file.concat()).unwrap().iter().map(|entry| (entry.offset, entry.length)).collect();
    assert_eq!(places, [(0, lengths[0]), (0, lengths[0]), (lengths[0] + lengths[1], lengths[2])]);
}

#[test]
fn gzip_headers_with_names_and_extra_fields_are_skipped() {
    let plain = gzip_member(OLD.as_bytes(), 6);
    // FHCRC, FEXTRA, FNAME and FCOMMENT at once (RFC 1952, section 2.3.1).
    let mut header = vec![0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3];
    header.extend([3, 0, b'a', b'b', b'c']);
    header.extend(b"example.warc\0a comment\0");
    header.extend([0xaa, 0xbb]);
    let file = [header.as_slice(), &plain[10..]].concat();
    assert_eq!(lenient(&file).unwrap().len(), 1);
    for cut in 1..file.len() {
        let read = lenient(&file[..cut]);
        assert!(matches!(read, Err(Error::Truncated { offset: 0 })), "cut at {cut}: {read:?}");
    }
    let mut reserved = file;
    reserved[3] |= 0x80;
    assert!(matches!(lenient(&reserved), Err(Error::GzipHeader { offset: 0 })));
}

#[test]
fn damage_stays_damage() {
    let mut member = gzip_member(OLD.as_bytes(), 6);
    let crc = member.len() - 8;
    member[crc] ^= 1;
    assert!(matches!(lenient(&member), Err(Error::Checksum { offset: 0, .. })));
    let cut = &OLD.as_bytes()[..OLD.len() - 5];
    assert!(matches!(lenient(cut), Err(Error::Truncated { offset: 0 })));
    let garbage = [OLD, "%PDF"].concat();
    let place = OLD.len() as u64;
    assert!(matches!(lenient(garbage.as_bytes()), Err(Error::TrailingGarbage { offset }) if offset == place));
}

#[test]
fn two_lengths_that_disagree_are_refused() {
    let two = OLD.replace("Content-Length: 3", "Content-Length: 3\r\nContent-Length: 4");
    let read = lenient(two.as_bytes());
    assert!(matches!(read, Err(Error::Record { source: RecordError::Repeated { .. }, .. })), "{read:?}");
    let same = OLD.replace("Content-Length: 3", "Content-Length: 3\r\ncontent-length: 3");
    assert_eq!(lenient(same.as_bytes()).unwrap().len(), 1);
}

#[test]
fn a_record_without_type_or_length_is_refused() {
    for line in ["WARC-Type: resource\r\n", "Content-Length: 3\r\n"] {
        let read = lenient(OLD.replace(line, "").as_bytes());
        assert!(matches!(read, Err(Error::Record { source: RecordError::Missing { .. }, .. })), "{line}: {read:?}");
    }
}
