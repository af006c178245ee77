//! Feeds a file to both readers: none may panic, and whatever strict reading takes must be what we would have written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use warc::{Limits, Reader, Record, gzip_member, http};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        member_bytes: 1 << 20,
        records: 1_000,
        ..Limits::default()
    };
    for entry in Reader::strict(bytes)
        .with_limits(limits)
        .map_while(Result::ok)
    {
        assert_eq!(entry.record.to_bytes().ok().as_deref(), Some(&entry.raw[..]));
        assert_eq!(Record::parse(&entry.raw).ok().as_ref(), Some(&entry.record));
    }
    for entry in Reader::lenient(bytes)
        .with_limits(limits)
        .map_while(Result::ok)
    {
        let _ = http::parse(&entry.record.block);
    }
    // The same bytes as a member's content, which chance would hardly get past the checksum.
    let member = gzip_member(bytes, 1);
    let _ = Reader::strict(member.as_slice())
        .with_limits(limits)
        .count();
    let _ = Reader::lenient(member.as_slice())
        .with_limits(limits)
        .count();
    let _ = http::parse(bytes);
});
