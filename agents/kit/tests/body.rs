//! What becomes of bytes before a reader sees them.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::io::Write;

use kit::{
    Charset, Frame, FrameData, Place, Table,
    body::{Body, BodyError, MEMORY_BYTES, Spool, SpoolFull, SpoolWriter, write_frame},
};

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn body(bytes: &[u8], pairs: &[(&str, &str)]) -> Body {
    Body::new(Spool::of(bytes.to_vec()), &headers(pairs), false)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bare_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn every_coding_is_undone() {
    let brotli = b"\x0b\x02\x80hello\x03".to_vec();
    for (coding, bytes) in [
        ("gzip", gzip(b"hello")),
        ("x-gzip", gzip(b"hello")),
        ("deflate", zlib(b"hello")),
        ("deflate", bare_deflate(b"hello")),
        ("br", brotli),
        ("zstd", zstd(b"hello")),
        ("identity", b"hello".to_vec()),
        ("deflate, GZIP", gzip(&zlib(b"hello"))),
    ] {
        assert_eq!(body(&bytes, &[("Content-Encoding", coding)]).text().unwrap(), "hello", "{coding}");
    }
}

#[test]
fn two_gzip_members_and_two_zstd_frames_are_one_body() {
    let twice = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(body(&twice, &[("content-encoding", "gzip")]).text().unwrap(), "one two");
    let twice = [zstd(b"one "), zstd(b"two")].concat();
    assert_eq!(body(&twice, &[("content-encoding", "zstd")]).text().unwrap(), "one two");
}

#[test]
fn a_coding_that_ends_early_is_an_error_unless_the_cut_is_known() {
    let text = "line\n".repeat(40_000);
    for (coding, whole) in
        [("gzip", gzip(text.as_bytes())), ("deflate", zlib(text.as_bytes())), ("zstd", zstd(text.as_bytes()))]
    {
        let half = &whole[..whole.len() / 2];
        let pairs = headers(&[("content-encoding", coding)]);
        let unknown = Body::new(Spool::of(half.to_vec()), &pairs, false);
        assert!(matches!(unknown.text(), Err(BodyError::Coding { .. })), "{coding}");
        let known = Body::new(Spool::of(half.to_vec()), &pairs, true);
        assert!(text.starts_with(&*known.text().unwrap()), "{coding}");
    }
}

#[test]
fn unknown_and_heaped_codings_have_errors_of_their_own() {
    assert_eq!(
        body(b"x", &[("content-encoding", "snappy")]).text(),
        Err(BodyError::UnknownCoding { coding: "snappy".to_owned() })
    );
    assert_eq!(
        body(b"x", &[("content-encoding", "gzip, gzip, gzip, gzip")]).text(),
        Err(BodyError::TooManyCodings { found: 4 })
    );
}

#[test]
fn charset_comes_from_mark_then_header_then_document_then_guess() {
    for (bytes, content_type, expected) in [
        (b"\xff\xfeh\0i\0".as_slice(), "text/plain; charset=utf-8", "hi"),
        (b"\xef\xbb\xbfcaf\xc3\xa9", "text/plain; charset=iso-8859-1", "café"),
        (b"caf\xe9", "text/plain; charset=\"ISO-8859-1\"", "café"),
        (
            b"<?xml version='1.0' encoding='windows-1251'?><a>\xcf</a>",
            "",
            "<?xml version='1.0' encoding='windows-1251'?><a>П</a>",
        ),
        (b"<html><meta charset=koi8-r><p>\xf0", "text/html", "<html><meta charset=koi8-r><p>П"),
        (b"caf\xc3\xa9", "text/plain", "café"),
        (b"caf\xe9 \xe0 la carte", "text/plain", "café à la carte"),
    ] {
        assert_eq!(body(bytes, &[("content-type", content_type)]).text().unwrap(), expected);
    }
}

#[test]
fn lines_end_in_lf_or_crlf_and_a_cut_one_is_left_out() {
    let lines = |cut| {
        let body = Body::new(Spool::of(b"one\r\ntwo\n\nthr".to_vec()), &[], cut);
        body.lines().unwrap().map(|line| line.unwrap().1).collect::<Vec<_>>()
    };
    assert_eq!(lines(false), ["one", "two", "", "thr"]);
    assert_eq!(lines(true), ["one", "two", ""]);
    let mut bad = body(b"good\n\xff\nnever\n", &[]).lines().unwrap();
    assert_eq!(bad.next().unwrap().unwrap(), (Place::Row("", 1), "good".to_owned()));
    assert_eq!(bad.next().unwrap().unwrap_err().to_string(), "row 2: is not UTF-8");
    assert!(bad.next().is_none());
}

#[test]
fn events_are_read_as_browsers_do() {
    let text = b": hello\n\nevent: update\nid: 7\ndata: one\ndata:two\n\ndata\n\nretry: 10\n\nid: 8\n\ndata: last\n\ndata: unfinished\n";
    let body = body(text, &[]);
    let events: Vec<(String, String, String)> =
        body.events().unwrap().map(|event| event.unwrap().1).map(|event| (event.kind, event.id, event.data)).collect();
    let event = |kind: &str, id: &str, data: &str| (kind.to_owned(), id.to_owned(), data.to_owned());
    assert_eq!(events, [event("update", "7", "one\ntwo"), event("message", "7", ""), event("message", "8", "last")]);
    assert!(body.was_streamed());
}

#[test]
fn frames_come_back_as_they_were_written() {
    let at = "2026-10-03T09:00:00.25Z".parse().unwrap();
    let frames = [
        Frame { at, data: FrameData::Text("two\nlines".to_owned()) },
        Frame { at, data: FrameData::Binary(vec![0, 10, 255]) },
        Frame { at, data: FrameData::Text(String::new()) },
    ];
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| write_frame(&mut bytes, frame).unwrap());
    let read: Vec<Frame> = body(&bytes, &[]).frames().unwrap().map(|frame| frame.unwrap().1).collect();
    assert_eq!(read, frames);
    for cut in 0..bytes.len() {
        let spool = Spool::of(bytes[..cut].to_vec());
        let known = Body::new(spool.clone(), &[], true).frames().unwrap().map(Result::unwrap).count();
        let unknown = Body::new(spool, &[], false).frames().unwrap().filter(Result::is_err).count();
        assert!(known < 3 && unknown <= 1, "cut at {cut}");
    }
    let liar = body(b"2026-10-03T09:00:00Z text 99999999999\nx\n", &[]);
    assert!(liar.frames().unwrap().next().unwrap().unwrap_err().why.contains("a frame may have"));
}

#[test]
fn tables_keep_their_quotes_charsets_and_odd_rows() {
    let bytes = b"Name,Place\n\"Caf\xe9, \"\"Blue\"\"\",Quay\nshort\n";
    let body = body(bytes, &[]);
    let mut rows = body.rows(Table::Csv, Charset::Windows1252).unwrap();
    assert_eq!(rows.columns(), ["Name", "Place"]);
    let (place, row) = rows.next().unwrap().unwrap();
    assert_eq!((place, row.cell("Name").unwrap()), (Place::Row("", 1), "Café, \"Blue\""));
    let (_, short) = rows.next().unwrap().unwrap();
    assert_eq!(short.cell("Name").unwrap_err().to_string(), "row: 1 cells under 2 columns");
    assert!(rows.next().is_none());
    let renamed: Vec<_> = body
        .rows(Table::Csv, Charset::Windows1252)
        .unwrap()
        .map(|row| row.map(|row| row.1.cell("Town").is_err()))
        .collect();
    let [Ok(true), Err(why)] = renamed.as_slice() else { panic!("read on without the column: {renamed:?}") };
    assert_eq!(why.to_string(), "columns: `Town` is not among them");
    let strict: Vec<_> = body.rows(Table::Csv, Charset::Utf8).unwrap().collect();
    assert!(strict.len() == 1 && strict[0].is_err());
}

#[test]
fn a_blank_cell_is_none_and_a_column_that_is_not_there_is_damage() {
    let body = body(b"id,name,note\n 7 ,Ferry,  \n8,Ferry\n", &[]);
    let mut rows = body.rows(Table::Csv, Charset::Utf8).unwrap();
    let (whole, short) = (rows.next().unwrap().unwrap().1, rows.next().unwrap().unwrap().1);
    assert_eq!((whole.need("id"), whole.maybe("note")), (Ok("7"), Ok(None)));
    assert_eq!(whole.need("note").unwrap_err().to_string(), "note: is missing");
    assert!(short.maybe("note").unwrap_err().to_string().contains("2 cells under 3 columns"));
    assert!(whole.maybe("notes").unwrap_err().to_string().contains("`notes` is not among them"));
}

#[test]
fn tabs_separate_and_quotes_mean_nothing_and_a_cut_row_is_left_out() {
    let body = Body::new(Spool::of(b"A\tB\n\"x\ty\n1\t2".to_vec()), &[], true);
    let rows: Vec<Vec<String>> = body
        .rows(Table::Tsv, Charset::Utf8)
        .unwrap()
        .map(|row| row.unwrap().1.cells().map(str::to_owned).collect())
        .collect();
    assert_eq!(rows, [["\"x", "y"]]);
}

#[test]
fn elements_come_one_at_a_time_and_a_broken_document_is_named() {
    let xml = "<?xml version='1.0' encoding='iso-8859-1'?><ALL><ROW n='1'><Name>Caf\u{e9} &amp; &#66;ar</Name></ROW><x/><ROW/></ALL>";
    let latin: Vec<u8> = xml.chars().map(|letter| letter as u8).collect();
    let elements: Vec<_> = body(&latin, &[]).elements("ROW").unwrap().map(Result::unwrap).collect();
    assert_eq!(elements.len(), 2);
    assert_eq!(elements[0].1.text_of("Name").unwrap(), "Café & Bar");
    assert_eq!(elements[0].1.attribute("n"), Some("1"));
    for broken in ["<ALL><ROW><Name>x</Name></ROW>", "<ALL><ROW><Name>x", "<ROW>&secret;</ROW>", "<ROW><a></ROW>"] {
        assert!(body(broken.as_bytes(), &[]).elements("ROW").unwrap().any(|element| element.is_err()), "{broken}");
    }
    let deep = format!("<ROW>{}", "<a>".repeat(100_000));
    assert!(body(deep.as_bytes(), &[]).elements("ROW").unwrap().any(|element| element.is_err()));
}

#[test]
fn spool_goes_to_disk_beyond_its_memory_and_reads_the_same() {
    let piece: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let write = |mut writer: SpoolWriter| {
        (0..30).for_each(|_| writer.write_all(&piece).unwrap());
        writer.finish().unwrap()
    };
    let on_disk = write(SpoolWriter::new(u64::MAX));
    let in_memory = Spool::in_memory(piece.repeat(30));
    assert!(on_disk.len() > MEMORY_BYTES as u64 && in_memory.is_memory_only());
    let read = |spool: Spool| Body::new(spool, &[], false).bytes().unwrap().into_owned();
    assert!(read(on_disk) == read(in_memory));
    let mut full = SpoolWriter::new(10);
    full.write_all(b"12345").unwrap();
    let error = full.write_all(b"678901").unwrap_err();
    assert!(error.get_ref().unwrap().is::<SpoolFull>());
    assert_eq!(full.finish().unwrap().len(), 5);
}

#[test]
fn a_large_archive_is_unpacked_from_the_spool() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().large_file(true);
    writer.start_file("big.csv", options).unwrap();
    writer.write_all(b"N\n").unwrap();
    (0..400_000).for_each(|row| writeln!(writer, "{row}").unwrap());
    let bytes = writer.finish().unwrap().into_inner();
    let body = body(&bytes, &[]);
    let member = body.member("*.csv").unwrap();
    assert!(member.len() > MEMORY_BYTES as u64);
    assert_eq!(member.rows(Table::Csv, Charset::Utf8).unwrap().map(Result::unwrap).count(), 400_000);
    assert!(body.member("*.xml").is_err());
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(Body::new(Spool::of(bytes[..cut].to_vec()), &[], false).member("*.csv").is_err(), "cut at {cut}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_any_accessor(bytes: Vec<u8>, coding in "(gzip|br|zstd|deflate|identity)", cut: bool) {
        for pairs in [headers(&[("content-encoding", &coding)]), Vec::new()] {
            let body = Body::new(Spool::of(bytes.clone()), &pairs, cut);
            let _ = body.text();
            let _ = body.json::<serde_json::Value>();
            let _ = body.lines().map(Iterator::count);
            let _ = body.events().map(Iterator::count);
            let _ = body.frames().map(Iterator::count);
            let _ = body.rows(Table::Csv, Charset::Declared).map(Iterator::count);
            let _ = body.elements("a").map(Iterator::count);
            let _ = body.member("*");
        }
    }
}
