//! One record: its bytes, and what may not be written.

use proptest::prelude::*;
use warc::{Record, RecordError, RecordType, SPARE_BYTES, Writer, digest_sha256};

fn record() -> Record {
    Record::new(RecordType::Resource, "urn:example:1", "2026-02-01T12:00:00Z")
}

fn refused(record: &Record) -> RecordError {
    record.to_bytes().expect_err("this record must not be written")
}

#[test]
fn a_record_has_exactly_these_bytes() {
    let record = record().field("Content-Type", "text/plain").block("Bonjour\n").with_block_digest();
    let expected = format!(
        "WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:example:1>\r\nWARC-Date: 2026-02-01T12:00:00Z\r\n\
         Content-Type: text/plain\r\nWARC-Block-Digest: {}\r\nContent-Length: 8\r\n\r\nBonjour\n\r\n\r\n",
        digest_sha256(b"Bonjour\n")
    );
    assert_eq!(String::from_utf8(record.to_bytes().unwrap()).unwrap(), expected);
}

#[test]
fn digests_are_lower_hexadecimal_sha256() {
    assert_eq!(digest_sha256(b"abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn getters_ignore_case_and_strip_angle_brackets() {
    let record = record().field("WARC-Concurrent-To", "<urn:example:2>").field("warc-concurrent-to", "<urn:example:3>");
    assert_eq!(record.kind(), RecordType::Resource);
    assert_eq!(record.id(), "urn:example:1");
    assert_eq!(record.date(), "2026-02-01T12:00:00Z");
    assert_eq!(record.get("warc-record-id"), Some("<urn:example:1>"));
    assert_eq!(record.get("Content-Length"), None);
    let all: Vec<_> = record.get_all("WARC-Concurrent-To").collect();
    assert_eq!(all, ["<urn:example:2>", "<urn:example:3>"]);
    assert_eq!(Record::parse(&record.to_bytes().unwrap()).unwrap(), record);
}

#[test]
fn every_type_keeps_its_word() {
    for word in
        ["warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation", "novel"]
    {
        let kind = RecordType::from(word);
        assert_eq!(kind.to_string(), word);
        assert_eq!(matches!(kind, RecordType::Other(_)), word == "novel");
    }
}

#[test]
fn nothing_is_written_that_could_pass_for_something_else() {
    for value in ["a\r\nb", "a\nb", "a\rb", "a\0b", " a", "a ", "\ta", "a\t"] {
        let error = refused(&record().field("X-Note", value));
        assert!(matches!(error, RecordError::Value { ref name } if name == "X-Note"), "{value:?}: {error}");
    }
    for name in ["", "X Note", "X:Note", "X\r\n", "Ünder", "X\0"] {
        let error = refused(&record().field(name, "a"));
        assert!(matches!(error, RecordError::Name { .. }), "{name:?}: {error}");
    }
    assert!(matches!(refused(&record().field("content-length", "3")), RecordError::LengthGiven));
    let twice = record().field("X-Note", "1").field("x-note", "2");
    assert!(matches!(refused(&twice), RecordError::Repeated { .. }));
    for id in ["", "a b", "a>b", "<a>"] {
        let error = refused(&Record::new(RecordType::Resource, id, "2026-02-01T12:00:00Z"));
        assert!(matches!(error, RecordError::Missing { name: "WARC-Record-ID" }), "{id:?}: {error}");
    }
    let undated = Record::new(RecordType::Resource, "urn:example:1", "");
    assert!(matches!(refused(&undated), RecordError::Missing { name: "WARC-Date" }));
    let mut moved = record();
    moved.fields.rotate_left(1);
    assert!(matches!(refused(&moved), RecordError::Order { name: "WARC-Type" }));
    moved.fields.clear();
    assert!(matches!(refused(&moved), RecordError::Missing { name: "WARC-Type" }));
}

#[test]
fn what_can_be_written_can_be_read_up_to_the_bounds() {
    let mut many = record();
    for n in many.fields.len()..255 {
        many = many.field(format!("X-{n}"), "v");
    }
    assert_eq!(Record::parse(&many.to_bytes().unwrap()).unwrap(), many);
    let one_more = many.field("X-Last", "v");
    assert!(matches!(refused(&one_more), RecordError::TooManyFields { limit: 256 }));

    let head_bytes = |record: &Record| record.to_bytes().unwrap().len() - 4;
    let spare = 65_536 - head_bytes(&record().field("X-Long", ""));
    let full = record().field("X-Long", "v".repeat(spare));
    assert_eq!(head_bytes(&full), 65_536);
    assert_eq!(Record::parse(&full.to_bytes().unwrap()).unwrap(), full);
    let over = record().field("X-Long", "v".repeat(spare + 1));
    assert!(matches!(refused(&over), RecordError::HeaderTooLarge { limit_bytes: 65_536 }));
}

#[test]
fn a_refused_record_leaves_the_file_as_it_was() {
    let mut writer = Writer::new(Vec::new());
    let error = writer.write(&record().field("X", "a\nb")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(writer.write_member(b"WARC/1.1\r\n").is_err());
    assert_eq!(writer.offset(), 0);
    assert!(writer.into_inner().is_empty());
}

#[test]
fn strict_parsing_takes_one_spelling_only() {
    let good = String::from_utf8(record().block("abc").to_bytes().unwrap()).unwrap();
    assert!(Record::parse(good.as_bytes()).is_ok());
    let others = [
        good.replace("WARC/1.1", "WARC/1.0"),
        good.replace("WARC/1.1", "warc/1.1"),
        good.replace("\r\n", "\n"),
        good.replace("WARC-Date: ", "WARC-Date:"),
        good.replace("WARC-Date: ", "WARC-Date:  "),
        good.replace("WARC-Date: ", "WARC-Date : "),
        good.replace("00Z\r\n", "00Z \r\n"),
        good.replace("00Z\r\n", "00Z\r\n folded\r\n"),
        good.replace("Content-Length: 3", "Content-Length: 03"),
        good.replace("Content-Length: 3", "Content-Length: +3"),
        good.replace("Content-Length: 3", "Content-Length: 2"),
        good.replace("Content-Length: 3", "Content-Length: 4"),
        good.replace("Content-Length: 3", "Content-Length: 99999999999999999999"),
        good.replace("Content-Length: 3", "content-length: 3"),
        good.replace("Content-Length: 3", "Content-Length: 3\r\nContent-Length: 3"),
        good.replace("Content-Length: 3", "Content-Length: 3\r\nX-Last: 1"),
        good.replace("Content-Length: 3\r\n", ""),
        good.replace("abc\r\n\r\n", "abc\r\n"),
        format!("{good}\r\n"),
        format!("{good}{good}"),
        format!("\r\n{good}"),
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(*other, good, "case {index} changes nothing");
        assert!(Record::parse(other.as_bytes()).is_err(), "case {index} was taken: {other}");
    }
}

#[test]
fn a_block_with_room_to_spare_becomes_its_record_without_a_copy() {
    let mut block = Vec::with_capacity(5_000 + SPARE_BYTES);
    block.resize(5_000, b'x');
    let (lies, room) = (block.as_ptr(), block.capacity());
    let record = record().block(block);
    let expected = record.to_bytes().unwrap();
    let bytes = record.into_bytes().unwrap();
    assert_eq!((bytes.as_ptr(), bytes.capacity()), (lies, room));
    assert_eq!(bytes, expected);
}

fn any_record() -> impl Strategy<Value = Record> {
    let kind = prop_oneof![
        Just(RecordType::Response),
        Just(RecordType::Metadata),
        "[a-z]{1,12}".prop_map(|word| RecordType::from(word.as_str())),
    ];
    let value = "[^\\r\\n\\x00]{0,40}".prop_map(|value| value.trim_matches([' ', '\t']).to_owned());
    let fields = proptest::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,20}", value), 0..12);
    let block = proptest::collection::vec(any::<u8>(), 0..2_000);
    (kind, "urn:[a-z]{1,8}:[0-9]{1,9}", fields, block).prop_map(|(kind, id, fields, block)| {
        let mut record = Record::new(kind, &id, "2026-02-01T12:00:00.5Z").block(block);
        for (name, value) in fields {
            let name = format!("X-{name}");
            if record.get(&name).is_none() {
                record = record.field(name, value);
            }
        }
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_survive_the_round_trip(records in proptest::collection::vec(any_record(), 1..4), level in 0_u32..10) {
        let mut writer = Writer::new(Vec::new()).level(level);
        for record in &records {
            let bytes = record.to_bytes().unwrap();
            let parsed = Record::parse(&bytes).unwrap();
            prop_assert_eq!(&parsed, record);
            prop_assert_eq!(parsed.to_bytes().unwrap(), &*bytes);
            prop_assert_eq!(parsed.into_bytes().unwrap(), bytes);
            writer.write(record).unwrap();
        }
        let file = writer.into_inner();
        for reader in [warc::Reader::strict(file.as_slice()), warc::Reader::lenient(file.as_slice())] {
            let read: Vec<Record> = reader.map(|entry| entry.unwrap().record).collect();
            prop_assert_eq!(&read, &records);
        }
    }

    #[test]
    fn whatever_strict_parsing_takes_is_what_would_be_written(
        record in any_record(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = record.to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(parsed) = Record::parse(&bytes) {
            prop_assert_eq!(parsed.to_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), start in 0_usize..4) {
        let prefix: &[u8] = [b"".as_slice(), b"WARC/1.1\r\n", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\x1f\x8b\x08\x1e"][start];
        let bytes = [prefix, bytes.as_slice()].concat();
        let _ = Record::parse(&bytes);
        prop_assert!(warc::Reader::strict(bytes.as_slice()).take(1_000).count() < 1_000);
        prop_assert!(warc::Reader::lenient(bytes.as_slice()).take(1_000).count() < 1_000);
        let _ = warc::http::parse(&bytes);
    }
}
