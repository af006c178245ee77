//! Files of our own: what strict reading accepts, and that nothing else passes.

use std::io::Cursor;

use sha2::{Digest, Sha256};
use warc::{
    Entry, Error, Limits, Reader, Record, RecordError, RecordType, Writer, gzip_member,
    read_member_at,
};

/// Three records with text repetitive enough that the compressor refers back a lot.
fn three_records() -> Vec<Record> {
    let date = "2026-02-01T12:00:00.123456Z";
    let id = |n: u32| format!("urn:uuid:00000000-0000-4000-8000-00000000000{n}");
    let body = "<p>Ferries run late. Ferries run late again.</p>\n".repeat(6);
    let http = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    vec![
        Record::new(RecordType::Warcinfo, &id(1), date)
            .field("Content-Type", "application/warc-fields")
            .block("software: example/0.1\r\nformat: WARC File Format 1.1\r\n")
            .with_block_digest(),
        Record::new(RecordType::Response, &id(2), date)
            .field("WARC-Target-URI", "https://news.example.org/1")
            .field(
                "Vigie-Salt",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            )
            .field("Content-Type", "application/http;msgtype=response")
            .block(http)
            .with_block_digest()
            .with_payload_digest(body.as_bytes()),
        Record::new(RecordType::Metadata, &id(3), date)
            .field("WARC-Concurrent-To", format!("<{}>", id(2)))
            .field("WARC-Concurrent-To", format!("<{}>", id(1)))
            .block(Vec::new()),
    ]
}

fn file_of(records: &[Record], level: u32) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).level(level);
    for record in records {
        writer.write(record).expect("the record can be written");
    }
    writer.into_inner()
}

fn strict(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    Reader::strict(bytes).collect()
}

fn first_error(bytes: &[u8]) -> Error {
    strict(bytes).expect_err("this file must not pass")
}

fn raws(entries: &[Entry]) -> Vec<&[u8]> {
    entries.iter().map(|entry| entry.raw.as_slice()).collect()
}

#[test]
fn what_was_written_is_read_back_from_where_the_writer_said() {
    let records = three_records();
    let mut writer = Writer::new(Vec::new());
    let ranges: Vec<_> = records
        .iter()
        .map(|record| writer.write(record).unwrap())
        .collect();
    let end = writer.offset();
    let file = writer.into_inner();
    assert_eq!(end, file.len() as u64);

    let entries = strict(&file).unwrap();
    assert_eq!(entries.len(), 3);
    for ((entry, record), range) in entries.iter().zip(&records).zip(&ranges) {
        assert_eq!(&entry.record, record);
        assert_eq!(entry.raw, record.to_bytes().unwrap());
        assert_eq!(entry.offset..entry.offset + entry.length, *range);
        let length = Some(range.end - range.start);
        let alone = read_member_at(
            &mut Cursor::new(&file),
            range.start,
            length,
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(&alone, entry);
        let unmeasured = read_member_at(
            &mut Cursor::new(&file),
            range.start,
            None,
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(&unmeasured, entry);
    }
}

#[test]
fn a_file_is_continued_where_it_ended() {
    let records = three_records();
    let mut writer = Writer::new(Vec::new());
    writer.write(&records[0]).unwrap();
    let offset = writer.offset();
    let mut writer = Writer::resume(writer.into_inner(), offset);
    let range = writer
        .write_member(&records[1].to_bytes().unwrap())
        .unwrap();
    assert_eq!(range.start, offset);
    assert_eq!(writer.into_inner(), file_of(&records[..2], 6));
}

#[test]
fn a_plain_file_is_as_good_as_a_compressed_one() {
    let mut file = Vec::new();
    for record in three_records() {
        record.write_uncompressed(&mut file).unwrap();
    }
    let entries = strict(&file).unwrap();
    assert_eq!(
        entries
            .iter()
            .map(|entry| &entry.record)
            .cloned()
            .collect::<Vec<_>>(),
        three_records()
    );
    assert_eq!(raws(&entries).concat(), file);
    assert_eq!(
        entries.iter().map(|entry| entry.length).sum::<u64>(),
        file.len() as u64
    );
}

#[test]
fn no_flipped_bit_of_a_file_goes_unseen() {
    for level in [1, 6, 9] {
        let file = file_of(&three_records(), level);
        let good = strict(&file).unwrap();
        let mut silent = Vec::new();
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if strict(&changed).is_ok_and(|entries| raws(&entries) == raws(&good)) {
                silent.push(bit);
            }
        }
        assert!(
            silent.is_empty(),
            "level {level}: bits {silent:?} can be flipped without a trace"
        );
    }
}

#[test]
fn no_flipped_bit_of_a_plain_file_goes_unseen() {
    let file: Vec<u8> = three_records()
        .iter()
        .flat_map(|record| record.to_bytes().unwrap())
        .collect();
    let good = strict(&file).unwrap();
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            !strict(&changed).is_ok_and(|entries| raws(&entries) == raws(&good)),
            "bit {bit}"
        );
    }
}

#[test]
fn checksums_alone_would_let_flipped_bits_through() {
    // Why strict reading compresses again: these flips keep header, CRC-32, size and content.
    let file = file_of(&three_records(), 6);
    let good = strict(&file).unwrap();
    let silent = (0..file.len() * 8).filter(|bit| {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let read: Result<Vec<_>, _> = Reader::strict(changed.as_slice()).any_encoder().collect();
        read.is_ok_and(|entries| raws(&entries) == raws(&good))
    });
    assert!(silent.count() > 0);
}

#[test]
fn the_compressor_still_gives_the_bytes_of_earlier_releases() {
    // If this fails after an update of flate2 or zlib-rs, files of earlier releases no longer pass `Reader::strict`.
    let mut text = String::new();
    for n in 0..4_000_u32 {
        let word = n.wrapping_mul(2_654_435_761) >> 20;
        text.push_str(&format!(
            "line {n}: the ferry {word:x} left at {}:{:02}\r\n",
            n % 24,
            word % 60
        ));
    }
    let digest = |level| hex::encode(Sha256::digest(gzip_member(text.as_bytes(), level)));
    let digests = [digest(1), digest(6), digest(9)];
    let known = [
        "30ee9b0102ba62a02f843287f9452e143c0ddc5ea82b22e0082129d83431ec65",
        "8912c25e95ff559f23161b3a4e835b7a4d1146c54b217ecba1b65cf52c81ef60",
        "25de3c0d865161295a63b49345fd8072c6f537e446008ffb070db887df0f3637",
    ];
    assert_eq!(digests, known, "the compressor's output changed");
}

#[test]
fn a_member_depends_on_its_content_and_three_levels_only() {
    let levels: Vec<Vec<u8>> = (0..=12)
        .map(|level| gzip_member(b"ferry ferry ferry", level))
        .collect();
    for (level, member) in levels.iter().enumerate() {
        let (same_as, xfl) = match level {
            0..=3 => (1, 4),
            4..=7 => (6, 0),
            _ => (9, 2),
        };
        assert_eq!(*member, levels[same_as], "level {level}");
        assert_eq!(member[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, xfl, 255]);
    }
}

#[test]
fn incompressible_and_empty_members_open() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(200_000)
    .collect();
    for level in [1, 6, 9] {
        let record = Record::new(
            RecordType::Resource,
            "urn:example:noise",
            "2026-02-01T12:00:00Z",
        )
        .block(noise.clone());
        let entries = strict(&file_of(std::slice::from_ref(&record), level)).unwrap();
        assert_eq!(entries[0].record, record);
        assert!(matches!(
            first_error(&gzip_member(b"", level)),
            Error::NoRecord { offset: 0 }
        ));
    }
}

#[test]
fn every_cut_of_a_file_is_seen_but_those_between_members() {
    let file = file_of(&three_records(), 6);
    let ends: Vec<u64> = strict(&file)
        .unwrap()
        .iter()
        .map(|entry| entry.offset + entry.length)
        .collect();
    for cut in 1..file.len() {
        let read = strict(&file[..cut]);
        if ends.contains(&(cut as u64)) {
            assert!(read.is_ok(), "cut at {cut}");
        } else {
            assert!(
                matches!(read, Err(Error::Truncated { .. })),
                "cut at {cut}: {read:?}"
            );
        }
    }
}

#[test]
fn what_is_not_ours_has_a_name_and_a_place() {
    let records = three_records();
    let member = |index: usize| gzip_member(&records[index].to_bytes().unwrap(), 6);
    let plain = |index: usize| records[index].to_bytes().unwrap();
    let first = member(0);
    let second = first.len() as u64;

    let garbage = first_error(&[first.clone(), b"\0\0".to_vec()].concat());
    assert!(
        matches!(garbage, Error::TrailingGarbage { offset } if offset == second),
        "{garbage:?}"
    );
    let newline = first_error(&[first.clone(), b"\n".to_vec()].concat());
    assert!(
        matches!(newline, Error::TrailingGarbage { offset } if offset == second),
        "{newline:?}"
    );
    let nothing = first_error(b"filedesc://example.arc");
    assert!(
        matches!(nothing, Error::NotWarc { offset: 0 }),
        "{nothing:?}"
    );
    let mixed = first_error(&[first.clone(), plain(1)].concat());
    assert!(
        matches!(mixed, Error::MixedForms { offset } if offset == second),
        "{mixed:?}"
    );
    let several = first_error(
        &[
            first.clone(),
            gzip_member(&[plain(1), plain(2)].concat(), 6),
        ]
        .concat(),
    );
    assert!(
        matches!(several, Error::SeveralRecords { offset } if offset == second),
        "{several:?}"
    );
    let after = first_error(&gzip_member(&[plain(1), b"x".to_vec()].concat(), 6));
    let trailing = matches!(
        after,
        Error::Record {
            offset: 0,
            source: RecordError::Trailing { extra: 1 }
        }
    );
    assert!(trailing, "{after:?}");

    let length = first.len();
    let mut crc = first.clone();
    crc[length - 8] ^= 1;
    assert!(matches!(
        first_error(&crc),
        Error::Checksum { offset: 0, .. }
    ));
    let mut size = first.clone();
    size[length - 1] ^= 1;
    assert!(matches!(first_error(&size), Error::Size { offset: 0, .. }));
    for at in 1..10 {
        let mut header = first.clone();
        header[at] ^= 1;
        assert!(
            matches!(first_error(&header), Error::GzipHeader { offset: 0 }),
            "header byte {at}"
        );
    }

    let old = String::from_utf8(plain(0))
        .unwrap()
        .replace("WARC/1.1", "WARC/1.0");
    let old = first_error(&gzip_member(old.as_bytes(), 6));
    assert!(
        matches!(
            old,
            Error::Record {
                source: RecordError::Version { .. },
                ..
            }
        ),
        "{old:?}"
    );
    let wrong_level = gzip_member(&plain(1), 9);
    let mut relabelled = wrong_level;
    relabelled[8] = 4;
    assert!(matches!(
        first_error(&relabelled),
        Error::Recompressed { offset: 0 }
    ));
}

#[test]
fn after_an_error_nothing_more_comes() {
    let mut file = file_of(&three_records(), 6);
    file[0] ^= 1;
    let mut reader = Reader::strict(file.as_slice());
    assert!(reader.next().is_some_and(|read| read.is_err()));
    assert!(reader.next().is_none());
}

#[test]
fn an_index_with_a_wrong_length_is_told_so() {
    let file = file_of(&three_records(), 6);
    let first = strict(&file).unwrap().remove(0);
    let at = |offset, length| {
        read_member_at(&mut Cursor::new(&file), offset, length, &Limits::default())
    };
    assert!(matches!(
        at(0, Some(first.length - 1)),
        Err(Error::Truncated { offset: 0 })
    ));
    let longer = at(0, Some(first.length + 1));
    assert!(
        matches!(longer, Err(Error::StoredLength { offset: 0, .. })),
        "{longer:?}"
    );
    assert!(matches!(
        at(file.len() as u64 + 5, None),
        Err(Error::Truncated { .. })
    ));
    assert!(at(1, None).is_err());
}

#[test]
fn each_bound_is_its_own_error_with_the_offset() {
    let records = three_records();
    let compressed = file_of(&records, 6);
    let plain: Vec<u8> = records
        .iter()
        .flat_map(|record| record.to_bytes().unwrap())
        .collect();
    for file in [&compressed, &plain] {
        let second = strict(file).unwrap()[1].offset;
        let read = |limits: Limits| -> Error {
            Reader::strict(file.as_slice())
                .with_limits(limits)
                .find_map(Result::err)
                .expect("a bound is broken")
        };
        let usual = Limits::default();
        let member = read(Limits {
            member_bytes: 600,
            ..usual
        });
        assert!(
            matches!(member, Error::MemberTooLarge { offset, limit_bytes: 600 } if offset == second),
            "{member:?}"
        );
        let header = read(Limits {
            header_bytes: 400,
            ..usual
        });
        assert!(
            matches!(header, Error::HeaderTooLarge { offset, limit_bytes: 400 } if offset == second),
            "{header:?}"
        );
        let fields = read(Limits { fields: 6, ..usual });
        assert!(
            matches!(fields, Error::TooManyFields { offset, limit: 6 } if offset == second),
            "{fields:?}"
        );
        let count = read(Limits {
            records: 1,
            ..usual
        });
        assert!(
            matches!(count, Error::TooManyRecords { offset, limit: 1 } if offset == second),
            "{count:?}"
        );
        let enough = Reader::strict(file.as_slice()).with_limits(Limits {
            records: 3,
            ..usual
        });
        assert_eq!(enough.filter(Result::is_ok).count(), 3);
    }
}

#[test]
fn a_member_that_unpacks_to_too_much_is_stopped() {
    let bomb = gzip_member(&vec![b'0'; 8 << 20], 9);
    let limits = Limits {
        member_bytes: 1 << 20,
        ..Limits::default()
    };
    for mut reader in [
        Reader::strict(bomb.as_slice()),
        Reader::lenient(bomb.as_slice()),
    ] {
        reader = reader.with_limits(limits);
        assert!(matches!(
            reader.next(),
            Some(Err(Error::MemberTooLarge { offset: 0, .. }))
        ));
        assert!(reader.offset() < bomb.len() as u64);
    }
}

#[test]
fn a_member_of_empty_blocks_without_end_is_stopped() {
    // An empty stored block: three header bits, padding, length 0 and its complement (RFC 1951, section 3.2.4).
    let mut endless = gzip_member(b"", 6)[..10].to_vec();
    endless.extend([0, 0, 0, 0xff, 0xff].repeat(20_000));
    let limits = Limits {
        member_bytes: 10_000,
        ..Limits::default()
    };
    for reader in [
        Reader::strict(endless.as_slice()),
        Reader::lenient(endless.as_slice()),
    ] {
        let read = reader.with_limits(limits).next();
        assert!(
            matches!(read, Some(Err(Error::MemberTooLarge { offset: 0, .. }))),
            "{read:?}"
        );
    }
}
