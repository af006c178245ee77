//! Files that others made: the byte-exact example, and real files of web archives.

use std::path::PathBuf;

use warc::{Reader, Record, http};

/// A folder beside the checkout, or `None` and a line that says so.
fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(PathBuf::from).unwrap_or_default();
    let found = root.join("../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none(), "{test}: ../shared/{path} is not here");
    // Written past the capture of test output: what was skipped is said even where the test passes.
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("skipped: {test}: ../shared/{path} is not here\n").as_bytes(),
    );
    None
}

fn fact(record: &Record, name: &str, bytes: &[u8]) {
    if let Some(stated) = record.get(name) {
        assert_eq!(stated, warc::digest_sha256(bytes), "{name} of {}", record.id());
    }
}

#[test]
fn the_example_is_read_and_written_byte_for_byte() {
    let Some(folder) = shared("the example", "vectors/warc") else {
        return;
    };
    let plain = std::fs::read(folder.join("example.warc")).unwrap();
    let entries: Vec<_> = Reader::strict(plain.as_slice()).collect::<Result<_, _>>().unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| entry.record.kind().to_string()).collect();
    assert_eq!(kinds, ["warcinfo", "response", "response", "request", "metadata", "revisit", "conversion"]);
    let mut again = Vec::new();
    for entry in &entries {
        entry.record.write_uncompressed(&mut again).unwrap();
        fact(&entry.record, "WARC-Block-Digest", &entry.record.block);
        if entry.record.kind() == warc::RecordType::Response {
            let head = http::parse(&entry.record.block).unwrap();
            assert_eq!(head.status(), Some(200));
            fact(&entry.record, "WARC-Payload-Digest", &entry.record.block[head.body_offset..]);
        }
    }
    assert_eq!(again, plain);

    // Compressed by another program: all of strict reading holds but the comparison with our compressor.
    let compressed = std::fs::read(folder.join("example.warc.gz")).unwrap();
    for reader in [Reader::strict(compressed.as_slice()).any_encoder(), Reader::lenient(compressed.as_slice())] {
        let members: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
        let raws: Vec<u8> = members.iter().flat_map(|entry| entry.raw.clone()).collect();
        assert_eq!(raws, plain);
        let index = std::fs::read_to_string(folder.join("example.cdxj")).unwrap();
        for line in index.lines() {
            let number = |key: &str| -> u64 {
                let (_, rest) = line.split_once(&format!("\"{key}\": \"")).expect(key);
                rest.split('"').next().unwrap().parse().unwrap()
            };
            let place = (number("offset"), number("length"));
            assert!(members.iter().any(|entry| (entry.offset, entry.length) == place), "{line}");
        }
    }
}

#[test]
fn real_files_open_or_say_why_not() {
    let Some(folder) = shared("real files", "real/warc/warcio") else {
        return;
    };
    let mut seen = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains("arc") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let _ = Reader::strict(bytes.as_slice()).count();
        let mut records = 0;
        let mut end = "end".to_owned();
        for entry in Reader::lenient(bytes.as_slice()) {
            match entry {
                Ok(_) => records += 1,
                Err(error) => end = error.to_string(),
            }
        }
        seen.push(format!("{name}: {records} records, {end}"));
    }
    seen.sort();
    assert_eq!(
        seen,
        [
            "bad.arc: 0 records, byte 0: neither a gzip member nor a WARC record starts here",
            "example-resource.warc.gz: 3 records, end",
            "example-space-in-url.arc: 0 records, byte 0: neither a gzip member nor a WARC record starts here",
            "example-trunc.warc: 3 records, byte 2560: something that is no record follows the record before",
        ]
    );
}
