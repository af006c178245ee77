//! A small file of our own.

use warc::{Entry, Error, Reader, Record, RecordType, Writer};

/// Three records with text repetitive enough that the compressor refers back a lot.
pub fn three_records() -> Vec<Record> {
    let date = "2026-02-01T12:00:00.123456Z";
    let id = |n: u32| format!("urn:uuid:00000000-0000-4000-8000-00000000000{n}");
    let body = "<p>Ferries run late. Ferries run late again.</p>\n".repeat(6);
    let http = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    vec![
        Record::new(RecordType::Warcinfo, &id(1), date)
            .field("Content-Type", "application/warc-fields")
            .block("software: example/0.1\r\nformat: WARC File Format 1.1\r\n")
            .with_block_digest(),
        Record::new(RecordType::Response, &id(2), date)
            .field("WARC-Target-URI", "https://news.example.org/1")
            .field("Vigie-Salt", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
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

pub fn file_of(records: &[Record], level: u32) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).level(level);
    for record in records {
        writer.write(record).expect("the record can be written");
    }
    writer.into_inner()
}

pub fn strict(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    Reader::strict(bytes).collect()
}
