//! Files of our own: what strict reading accepts, and that nothing else passes.

mod common;

use std::io::{BufReader, Cursor, Read};

use common::{file_of, strict, three_records};
use sha2::{Digest, Sha256};
use warc::{
    Entry, Error, Limits, Reader, Record, RecordError, RecordType, Writer, gzip_member, read_member_at,
    read_member_at_any_encoder,
};

fn first_error(bytes: &[u8]) -> Error {
    strict(bytes).expect_err("this file must not pass")
}

fn raws(entries: &[Entry]) -> Vec<&[u8]> {
    entries.iter().map(|entry| &entry.raw[..]).collect()
}

#[test]
fn what_was_written_is_read_back_from_where_the_writer_said() {
    let records = three_records();
    let mut writer = Writer::new(Vec::new());
    let ranges: Vec<_> = records.iter().map(|record| writer.write(record).unwrap()).collect();
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
        let alone = read_member_at(&mut Cursor::new(&file), range.start, length, &Limits::default()).unwrap();
        assert_eq!(&alone, entry);
        let unmeasured = read_member_at(&mut Cursor::new(&file), range.start, None, &Limits::default()).unwrap();
        assert_eq!(&unmeasured, entry);
    }
}

/// What a reader keeps of a file is bounded by what the file holds: a record lends from no more than its own bytes.
#[test]
fn a_small_record_keeps_no_large_buffer() {
    let records = three_records();
    let plain: Vec<u8> = records.iter().flat_map(|record| record.to_bytes().unwrap()).collect();
    for file in [file_of(&records, 6), plain] {
        for Entry { raw, record, .. } in strict(&file).unwrap() {
            let bytes = raw.len();
            drop(record);
            let room = raw.try_into_mut().unwrap().capacity();
            assert!(room <= bytes + 64, "{room} bytes of room for {bytes}");
        }
    }
}

#[test]
fn a_file_is_continued_where_it_ended() {
    let records = three_records();
    let mut writer = Writer::new(Vec::new());
    writer.write(&records[0]).unwrap();
    let offset = writer.offset();
    let mut writer = Writer::resume(writer.into_inner(), offset);
    let range = writer.write_member(&records[1].to_bytes().unwrap()).unwrap();
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
    assert_eq!(entries.iter().map(|entry| &entry.record).cloned().collect::<Vec<_>>(), three_records());
    assert_eq!(raws(&entries).concat(), file);
    assert_eq!(entries.iter().map(|entry| entry.length).sum::<u64>(), file.len() as u64);
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
        assert!(silent.is_empty(), "level {level}: bits {silent:?} can be flipped without a trace");
    }
}

#[test]
fn no_flipped_bit_of_a_plain_file_goes_unseen() {
    let file: Vec<u8> = three_records().iter().flat_map(|record| record.to_bytes().unwrap()).collect();
    let good = strict(&file).unwrap();
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!strict(&changed).is_ok_and(|entries| raws(&entries) == raws(&good)), "bit {bit}");
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
    // If this fails after an update of libdeflate, files of earlier releases no longer pass `Reader::strict`.
    let mut text = String::new();
    for n in 0..4_000_u32 {
        let word = n.wrapping_mul(2_654_435_761) >> 20;
        text.push_str(&format!("line {n}: the ferry {word:x} left at {}:{:02}\r\n", n % 24, word % 60));
    }
    let digest = |level| hex::encode(Sha256::digest(gzip_member(text.as_bytes(), level)));
    let digests = [digest(1), digest(6), digest(9)];
    let known = [
        "b959efc210a75665a93d7c781042f843a355496a34be70f382fedfd50b5363d6",
        "e8dd4a27b3d1ad1b70e39a29ff95035aa332a72841b73ffbafe2687b28045453",
        "cab9bce69cfc588b8ec46679f40de81a46efd9e32f60742dc9ee2712ec83c0a3",
    ];
    assert_eq!(digests, known, "the compressor's output changed");
}

#[test]
fn a_member_depends_on_its_content_and_three_levels_only() {
    let levels: Vec<Vec<u8>> = (0..=12).map(|level| gzip_member(b"ferry ferry ferry", level)).collect();
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
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(200_000)
    .collect();
    for level in [1, 6, 9] {
        let record =
            Record::new(RecordType::Resource, "urn:example:noise", "2026-02-01T12:00:00Z").block(noise.clone());
        let entries = strict(&file_of(std::slice::from_ref(&record), level)).unwrap();
        assert_eq!(entries[0].record, record);
        assert!(matches!(first_error(&gzip_member(b"", level)), Error::NoRecord { offset: 0 }));
    }
}

#[test]
fn every_cut_of_a_file_is_seen_but_those_between_members() {
    let file = file_of(&three_records(), 6);
    let ends: Vec<u64> = strict(&file).unwrap().iter().map(|entry| entry.offset + entry.length).collect();
    for cut in 1..file.len() {
        let read = strict(&file[..cut]);
        if ends.contains(&(cut as u64)) {
            assert!(read.is_ok(), "cut at {cut}");
        } else {
            assert!(matches!(read, Err(Error::Truncated { .. })), "cut at {cut}: {read:?}");
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
    assert!(matches!(garbage, Error::TrailingGarbage { offset } if offset == second), "{garbage:?}");
    let newline = first_error(&[first.clone(), b"\n".to_vec()].concat());
    assert!(matches!(newline, Error::TrailingGarbage { offset } if offset == second), "{newline:?}");
    let nothing = first_error(b"filedesc://example.arc");
    assert!(matches!(nothing, Error::NotWarc { offset: 0 }), "{nothing:?}");
    let mixed = first_error(&[first.clone(), plain(1)].concat());
    assert!(matches!(mixed, Error::MixedForms { offset } if offset == second), "{mixed:?}");
    let several = first_error(&[first.clone(), gzip_member(&[plain(1), plain(2)].concat(), 6)].concat());
    assert!(matches!(several, Error::SeveralRecords { offset } if offset == second), "{several:?}");
    let after = first_error(&gzip_member(&[plain(1), b"x".to_vec()].concat(), 6));
    let trailing = matches!(after, Error::Record { offset: 0, source: RecordError::Trailing { extra: 1 } });
    assert!(trailing, "{after:?}");

    let length = first.len();
    let mut crc = first.clone();
    crc[length - 8] ^= 1;
    assert!(matches!(first_error(&crc), Error::Checksum { offset: 0, .. }));
    let mut size = first.clone();
    size[length - 1] ^= 1;
    assert!(matches!(first_error(&size), Error::Size { offset: 0, .. }));
    for at in 1..10 {
        let mut header = first.clone();
        header[at] ^= 1;
        assert!(matches!(first_error(&header), Error::GzipHeader { offset: 0 }), "header byte {at}");
    }

    let old = String::from_utf8(plain(0)).unwrap().replace("WARC/1.1", "WARC/1.0");
    let old = first_error(&gzip_member(old.as_bytes(), 6));
    assert!(matches!(old, Error::Record { source: RecordError::Version { .. }, .. }), "{old:?}");
    let mut relabelled = gzip_member(&plain(1), 9);
    relabelled[8] = 4;
    assert!(matches!(first_error(&relabelled), Error::Recompressed { offset: 0 }));
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
    let at = |offset, length| read_member_at(&mut Cursor::new(&file), offset, length, &Limits::default());
    assert!(matches!(at(0, Some(first.length - 1)), Err(Error::Truncated { offset: 0 })));
    let longer = at(0, Some(first.length + 1));
    assert!(matches!(longer, Err(Error::StoredLength { offset: 0, .. })), "{longer:?}");
    assert!(matches!(at(file.len() as u64 + 5, None), Err(Error::Truncated { .. })));
    assert!(at(1, None).is_err());
}

#[test]
fn a_member_of_another_compressor_opens_where_that_is_allowed() {
    let mut relabelled = gzip_member(&three_records()[1].to_bytes().unwrap(), 9);
    relabelled[8] = 4;
    let length = Some(relabelled.len() as u64);
    let limits = Limits::default();
    let strictly = read_member_at(&mut Cursor::new(&relabelled), 0, length, &limits);
    assert!(matches!(strictly, Err(Error::Recompressed { offset: 0 })), "{strictly:?}");
    let allowed = read_member_at_any_encoder(&mut Cursor::new(&relabelled), 0, length, &limits);
    assert_eq!(allowed.unwrap().record, three_records()[1]);
}

/// Hands out one byte at a time, and is interrupted before each.
struct Halting<'a>(&'a [u8], bool);

impl Read for Halting<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let one = out.len().min(1);
        self.0.read(&mut out[..one])
    }
}

#[test]
fn how_the_bytes_arrive_makes_no_difference() {
    let compressed = file_of(&three_records(), 6);
    let plain: Vec<u8> = three_records().iter().flat_map(|record| record.to_bytes().unwrap()).collect();
    for file in [compressed, plain] {
        let slow = BufReader::with_capacity(3, Halting(&file, false));
        let slowly: Vec<Entry> = Reader::strict(slow).collect::<Result<_, _>>().unwrap();
        assert_eq!(slowly, strict(&file).unwrap());
    }
}

/// What strict reading says of a file, whole in memory and byte by byte.
#[track_caller]
fn both_ways(file: &[u8]) -> Result<Vec<Entry>, String> {
    let slow = BufReader::with_capacity(3, Halting(file, false));
    let read = |found: Result<Vec<Entry>, Error>| found.map_err(|error| error.to_string());
    let slowly = read(Reader::strict(slow).any_encoder().collect());
    assert_eq!(read(Reader::strict(file).any_encoder().collect()), slowly);
    slowly
}

#[test]
fn nothing_hides_between_a_members_data_and_its_trailer() {
    let file = file_of(&three_records(), 6);
    assert_eq!(both_ways(&file).unwrap().len(), 3);
    let first = strict(&file).unwrap()[0].length as usize;
    let (member, rest) = file.split_at(first);
    let trailer = &member[first - 8..];
    let ours = &member[..10];
    for hidden in
        [&b"x"[..], trailer, &[trailer, b"x"].concat(), ours, &[trailer, ours].concat(), &[ours, trailer].concat()]
    {
        for end in [trailer, &[b'y'; 8]] {
            for rest in [rest, &[]] {
                let file = [member, hidden, end, rest].concat();
                assert!(both_ways(&file).is_err(), "{hidden:?}");
                let file = [&member[..first - 8], hidden, end, rest].concat();
                assert!(hidden == trailer && end == trailer || both_ways(&file).is_err(), "{hidden:?}");
            }
        }
    }
}

/// A member of one block in fixed Huffman codes: literals, then 258 times the last of them, by this length code and this distance code.
fn fixed_codes(raw: &[u8], length_code: u16, distance_code: u16) -> Vec<u8> {
    let (mut bits, mut most_first) = (vec![true, true, false], Vec::new());
    for &byte in &raw[..raw.len() - 258 - 4] {
        most_first.push(if byte < 144 { (u16::from(byte) + 0x30, 8) } else { (u16::from(byte) - 144 + 0x190, 9) });
    }
    most_first.extend([(length_code - 280 + 0xc0, 8), (distance_code, 5)]);
    most_first.extend(raw[raw.len() - 4..].iter().map(|&byte| (u16::from(byte) + 0x30, 8)));
    most_first.push((0, 7));
    for (code, width) in most_first {
        bits.extend((0..width).rev().map(|place| code >> place & 1 == 1));
    }
    let mut member = gzip_member(b"", 1)[..10].to_vec();
    for eight in bits.chunks(8) {
        member.push(eight.iter().enumerate().map(|(place, &bit)| u8::from(bit) << place).sum());
    }
    let packed = gzip_member(raw, 1);
    member.extend_from_slice(&packed[packed.len() - 8..]);
    member
}

#[test]
fn codes_that_deflate_leaves_unused_are_damage() {
    let mut record = three_records().remove(1);
    record.block = b"z".repeat(1 + 258).into();
    let raw = record.to_bytes().unwrap();
    both_ways(&fixed_codes(&raw, 285, 0)).unwrap();
    for code in [286, 287] {
        let file = fixed_codes(&raw, code, 0);
        let slow = BufReader::with_capacity(3, &*file);
        assert!(Reader::strict(slow).any_encoder().next().unwrap().is_err(), "{code}");
        assert!(Reader::strict(&*file).any_encoder().next().unwrap().is_err(), "{code}, in memory");
    }
}

proptest::proptest! {
    #[test]
    fn a_changed_byte_is_seen_in_memory_as_byte_by_byte(at in proptest::prelude::any::<proptest::sample::Index>(), other in proptest::prelude::any::<u8>(), cut in proptest::prelude::any::<bool>()) {
        let mut file = file_of(&three_records(), 6);
        let at = at.index(file.len());
        file[at] = other;
        if cut {
            file.truncate(at);
        }
        let _ = both_ways(&file);
    }

    #[test]
    fn a_block_that_looks_like_members_is_unpacked_as_it_is(pieces in proptest::collection::vec(0_usize..4, 0..12)) {
        let inner = gzip_member(b"inner", 1);
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| [&inner[..], &inner[..10], &inner[inner.len() - 8..], b"\0"][*piece]).collect();
        let mut records = three_records();
        records[1].block = pieces.concat().into();
        // Stored as it is, so that the headers stand in the packed bytes as well.
        let raw = records[1].to_bytes().unwrap();
        let length = u16::try_from(raw.len()).unwrap();
        let mut member = gzip_member(b"", 1)[..10].to_vec();
        member.push(1);
        member.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        member.extend_from_slice(&raw);
        let packed = gzip_member(&raw, 1);
        member.extend_from_slice(&packed[packed.len() - 8..]);
        let file = [gzip_member(&records[0].to_bytes().unwrap(), 1), member, gzip_member(&records[2].to_bytes().unwrap(), 1)].concat();
        let found = both_ways(&file).unwrap();
        proptest::prop_assert_eq!(&found[1].record, &records[1]);
        proptest::prop_assert_eq!(found.len(), 3);
    }
}
