//! Hostile sizes: each bound stops reading, with a name and a place.

mod common;

use common::{file_of, strict, three_records};
use warc::{Error, Limits, Reader, gzip_member};

#[test]
fn each_bound_is_its_own_error_with_the_offset() {
    let records = three_records();
    let compressed = file_of(&records, 6);
    let plain: Vec<u8> = records.iter().flat_map(|record| record.to_bytes().unwrap()).collect();
    for file in [&compressed, &plain] {
        let second = strict(file).unwrap()[1].offset;
        let read = |limits: Limits| -> Error {
            Reader::strict(file.as_slice()).with_limits(limits).find_map(Result::err).expect("a bound is broken")
        };
        let usual = Limits::default();
        let member = read(Limits { member_bytes: 600, ..usual });
        assert!(matches!(member, Error::MemberTooLarge { offset, limit_bytes: 600 } if offset == second), "{member:?}");
        let header = read(Limits { header_bytes: 400, ..usual });
        assert!(matches!(header, Error::HeaderTooLarge { offset, limit_bytes: 400 } if offset == second), "{header:?}");
        let fields = read(Limits { fields: 6, ..usual });
        assert!(matches!(fields, Error::TooManyFields { offset, limit: 6 } if offset == second), "{fields:?}");
        let count = read(Limits { records: 1, ..usual });
        assert!(matches!(count, Error::TooManyRecords { offset, limit: 1 } if offset == second), "{count:?}");
        let enough = Reader::strict(file.as_slice()).with_limits(Limits { records: 3, ..usual });
        assert_eq!(enough.filter(Result::is_ok).count(), 3);
    }
}

#[test]
fn a_member_that_unpacks_to_too_much_is_stopped() {
    let bomb = gzip_member(&vec![b'0'; 8 << 20], 9);
    let limits = Limits { member_bytes: 1 << 20, ..Limits::default() };
    for mut reader in [Reader::strict(bomb.as_slice()), Reader::lenient(bomb.as_slice())] {
        reader = reader.with_limits(limits);
        assert!(matches!(reader.next(), Some(Err(Error::MemberTooLarge { offset: 0, .. }))));
        assert!(reader.offset() < bomb.len() as u64);
    }
}

#[test]
fn a_member_of_empty_blocks_without_end_is_stopped() {
    // An empty stored block: three header bits, padding, length 0 and its complement (RFC 1951, section 3.2.4).
    let mut endless = gzip_member(b"", 6)[..10].to_vec();
    endless.extend([0, 0, 0, 0xff, 0xff].repeat(20_000));
    let limits = Limits { member_bytes: 10_000, ..Limits::default() };
    for reader in [Reader::strict(endless.as_slice()), Reader::lenient(endless.as_slice())] {
        let read = reader.with_limits(limits).next();
        assert!(matches!(read, Some(Err(Error::MemberTooLarge { offset: 0, .. }))), "{read:?}");
    }
}
