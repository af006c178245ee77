//! What do feeds of every format and oddity say?
//!
//! Every fixture is invented and as if it answered at `https://news.example.org/feed`. One line an entry:
//! id, dates, title, text; other tests look at the rest.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads fixtures; the collector reads nothing"
)]
#![expect(clippy::unwrap_used, reason = "a test helper that cannot go on fails the test")]

use std::{fs, path::PathBuf};

use feed::model::{At, Entry, Feed, NoFeed};
use proptest::prelude::*;
use schemas::record::{ClaimedTime, Record};
use url::Url;

fn bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(bytes: &[u8]) -> Result<(Feed, Vec<Entry>), NoFeed> {
    let mut entries = Vec::new();
    let url = Url::parse("https://news.example.org/feed").unwrap();
    feed::feed(bytes, None, &url, &mut |entry| entries.push(entry)).map(|feed| (feed, entries))
}

fn records(name: &str) -> Vec<Record> {
    let (_, entries) = read(&bytes(name)).unwrap();
    entries.into_iter().map(|entry| entry.record.unwrap()).collect()
}

fn date(word: &str, claim: Option<&ClaimedTime>) -> Option<String> {
    let claim = claim?;
    Some(match (&claim.at, &claim.local) {
        (Some(at), _) => format!("{word} {at}"),
        (None, Some(local)) => format!("{word} {local} (no zone)"),
        (None, None) => format!("{word} `{}`", claim.raw),
    })
}

fn line(record: &Record) -> String {
    let hashed = record.id.split_once("sha256:").map(|(site, hash)| format!("{site}sha256:{}", &hash[..4]));
    let parts = [
        hashed.or_else(|| Some(record.id.clone())),
        date("published", record.published_at.as_ref()),
        date("edited", record.edited_at.as_ref()),
        record.title.clone(),
        record.text.as_ref().map(|text| text.replace('\n', " / ")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn check(name: &str, expected: &[&str]) {
    let (_, entries) = read(&bytes(name)).unwrap();
    let found: Vec<String> = entries
        .iter()
        .map(|entry| entry.record.as_ref().map_or_else(|why| format!("unreadable: {why}"), line))
        .collect();
    assert_eq!(found, expected, "{name}");
}

#[test]
fn rss_2_prefers_the_full_text_and_resolves_addresses() {
    check(
        "rss2.rss",
        &[
            "news.example.org|tag:news.example.org,2026:1 | published 2026-11-21T22:00:00Z | Invented & untrue | Full text with a link. / Second / line",
            "news.example.org|https://news.example.org/2 | Only a teaser | Teaser.",
        ],
    );
    let records = records("rss2.rss");
    let first = &records[0];
    assert_eq!(first.url.as_deref(), Some("https://news.example.org/2026/11/21/invented?p=1"));
    assert_eq!(first.links, ["https://news.example.org/about"]);
    let media: Vec<_> = first.media.iter().map(|media| media.url.as_str()).collect();
    assert_eq!(
        media,
        [
            "https://cdn.example.org/a.mp3",
            "https://cdn.example.org/v.mp4",
            "https://cdn.example.org/t.jpg",
            "https://news.example.org/i.jpg"
        ]
    );
    assert_eq!(first.media[3].alt.as_deref(), Some("A pier"));
    assert_eq!((first.tags.as_slice(), first.metrics["replies"]), (&["Election".to_owned()][..], 17));
    assert_eq!((first.place.as_deref(), first.language.as_deref()), (Some("45.42 -75.69"), Some("en-CA")));
    assert_eq!(first.author.as_ref().unwrap().name.as_deref(), Some("Example Desk"));
    assert_eq!((first.extra["summary"].as_str(), first.extra.get("summary_only")), (Some("Short text"), None));
    assert_eq!(records[1].extra["summary_only"], true);
}

#[test]
fn rdf_entries_are_named_by_what_they_are_about() {
    check(
        "rss1.rdf",
        &[
            "bulletin.example.org|https://bulletin.example.org/9 | published 2026-10-03T07:00:00Z | Ninth notice | Text of the notice",
        ],
    );
    assert_eq!(records("rss1.rdf")[0].language.as_deref(), Some("fr"));
}

#[test]
fn atom_resolves_by_nested_bases_and_reads_xhtml() {
    check(
        "atom.atom",
        &[
            "hafen.example.org|tag:hafen.example.org,2026:7 | published 2026-10-03T09:00:00Z | edited 2026-10-03T08:30:00Z | Fähre fährt wieder | Sie fährt. / Siehe hier",
            "hafen.example.org|tag:hafen.example.org,2026:8 | edited 2026-10-04T00:00:00Z | 1 < 2 | Kurz",
        ],
    );
    let records = records("atom.atom");
    assert_eq!(records[0].url.as_deref(), Some("https://hafen.example.org/blatt/2026/7.html"));
    assert_eq!(records[0].links, ["https://hafen.example.org/blatt/2026/8.html"]);
    assert_eq!(records[0].media[0].url, "https://hafen.example.org/blatt/2026/7.mp3");
    assert_eq!(records[0].relations[0].to, "https://hafen.example.org/blatt/2026/6.html");
    assert_eq!(records[0].author.as_ref().unwrap().name.as_deref(), Some("Redaktion"));
    assert_eq!((records[0].language.as_deref(), records[1].language.as_deref()), (Some("de"), Some("nds")));
    let author = records[1].author.as_ref().unwrap();
    assert_eq!(
        (author.id.as_deref(), author.handle.as_deref()),
        (Some("https://hafen.example.org/muster"), Some("muster@example.org"))
    );
    assert_eq!(records[1].extra["authors"], serde_json::json!(["A. Muster", "B. Muster"]));
    assert_eq!(records[0].extra["volatile_outlet"], "Hafen & Stadt");
}

#[test]
fn atom_0_3_has_base64_bodies() {
    check(
        "atom03.atom",
        &["old.example.org|old-1 | published 2004-05-01T08:00:00Z | edited 2004-05-01T10:00:00Z | First | Hello"],
    );
}

#[test]
fn json_members_of_the_wrong_type_lose_nothing_else() {
    check(
        "feed.json",
        &[
            "example.org|17 | published 2026-11-22T03:00:00Z | Titre inventé | Texte écrit",
            "unreadable: is not an object",
            "example.org|https://example.org/18 | edited 2026-11-22 (no zone) | Deux / lignes",
        ],
    );
    let (feed, entries) = read(&bytes("feed.json")).unwrap();
    assert_eq!((feed.older.as_deref(), entries[2].at), (Some("https://example.org/feed.json?p=2"), At::Item(2)));
    let first = entries[0].record.as_ref().unwrap();
    assert_eq!(first.url.as_deref(), Some("https://example.org/17"));
    assert_eq!((first.tags.as_slice(), first.media.len()), (&["exemple".to_owned(), "3".to_owned()][..], 1));
}

#[test]
fn json_that_breaks_off_keeps_its_whole_items() {
    let (feed, entries) = read(&bytes("cut.json")).unwrap();
    assert_eq!(feed.cut.as_deref(), Some("the feed ends inside item 3, which is left out"));
    let found: Vec<_> =
        entries.iter().map(|entry| entry.record.as_ref().map(|record| record.id.as_str()).ok()).collect();
    assert_eq!(found, [Some("example.org|1"), None, Some("example.org|3")]);
}

#[test]
fn edited_entry_keeps_its_id() {
    check(
        "edited.atom",
        &["news.example.org|tag:news.example.org,2026:7 | edited 2026-10-03T09:00:00Z | Harbour opens early"],
    );
}

#[test]
fn date_without_a_zone_is_not_given_one() {
    check(
        "no-zone.rss",
        &[
            "news.example.org|https://news.example.org/8 | published 2026-10-03T09:00:00 (no zone) | Night ferry returns",
        ],
    );
}

#[test]
fn deleted_entries_and_older_pages_are_named() {
    let (feed, entries) = read(&bytes("deleted.atom")).unwrap();
    let deleted = &feed.deleted[0];
    assert_eq!(
        (deleted.id.as_str(), deleted.why.as_str()),
        ("news.example.org|tag:news.example.org,2026:7", "withdrawn by the editor")
    );
    assert_eq!(feed.older.as_deref(), Some("https://news.example.org/archive/1"));
    assert_eq!(entries.len(), 1);
}

#[test]
fn broken_markup_costs_no_other_entry() {
    check(
        "mismatched.rss",
        &[
            "news.example.org|1 | One & two < three | A bold \u{a0}&unknown; claim",
            "news.example.org|2 | Title without an end | open section",
            "news.example.org|3 | Third | Unclosed",
            "news.example.org|4 | Fourth",
            "news.example.org|5 | Fifth",
            "news.example.org|6 | Sixth",
        ],
    );
    assert_eq!(read(&bytes("mismatched.rss")).unwrap().0.cut, None);
    let repaired: Vec<bool> =
        records("mismatched.rss").iter().map(|record| record.extra.contains_key("volatile_repaired")).collect();
    assert_eq!(repaired, [true, true, true, false, false, false]);
}

#[test]
fn an_entry_that_is_cut_off_is_not_one() {
    check("cut.rss", &["news.example.org|1 | Whole"]);
    assert_eq!(
        read(&bytes("cut.rss")).unwrap().0.cut.as_deref(),
        Some("the feed ends inside entry 1, which is left out")
    );
}

#[test]
fn a_feed_may_be_empty() {
    check("empty.rss", &[]);
    assert_eq!(read(&bytes("empty.rss")).unwrap().0.cut, None);
}

#[test]
fn one_guid_for_all_does_not_merge_them() {
    let records = records("same-guid.rss");
    assert_ne!(records[0].id, records[1].id);
}

#[test]
fn entries_are_named_by_what_there_is() {
    let (_, entries) = read(&bytes("nothing-said.rss")).unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry.record.as_ref().map(|record| record.id.clone())).collect();
    assert!(ids[0].as_ref().is_err_and(|why| why.starts_with("says nothing")));
    assert!(ids[1].as_ref().is_ok_and(|id| id.starts_with("news.example.org|sha256:")));
    assert_eq!(ids[2].as_deref(), Ok("news.example.org|https://news.example.org/only-link#part"));
}

#[test]
fn prefixes_need_no_declaration() {
    check("undeclared.rss", &["news.example.org|1 | published 2026-11-21T17:00:00 (no zone) | Full"]);
    let record = records("undeclared.rss").remove(0);
    assert_eq!(record.author.as_ref().unwrap().handle.as_deref(), Some("desk@example.org"));
    assert_eq!(record.media[0].url, "https://cdn.example.org/t.jpg");
}

#[test]
fn a_document_s_own_entities_are_never_expanded() {
    check("entities.rss", &["news.example.org|1 | &b; &x; ’"]);
}

#[test]
fn encodings() {
    check("latin-1.rss", &["news.example.org|1 | Élection à Québec"]);
    check("koi8-r.rss", &["news.example.org|1 | published 2026-11-21T14:00:00Z | Выдуманная новость"]);
    check("utf-16.rss", &["news.example.org|1 | Wide “title”"]);
}

#[test]
fn a_page_in_a_feed_s_place_is_refused_and_names_its_feed() {
    let error = read(&bytes("page.html")).unwrap_err();
    assert_eq!(
        (error.at.as_str(), error.why.as_str()),
        (
            "html",
            "an HTML page, not a feed; it names the feed https://news.example.org/en/feed.xml: use that as the seed"
        )
    );
}

/// Every beginning of every fixture: no panic, and never fewer entries without a word.
#[test]
fn what_is_cut_says_so() {
    for file in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap() {
        let path = file.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| path.is_file()) else {
            continue;
        };
        let whole = bytes(name);
        let Ok((_, full)) = read(&whole) else { continue };
        let entries = full.len();
        for end in 0..whole.len() {
            if let Ok((feed, found)) = read(&whole[..end]) {
                assert!(
                    found.len() >= entries || feed.cut.is_some(),
                    "{name} cut at {end}: {} of {entries} entries",
                    found.len()
                );
            }
        }
    }
}

/// Documents that would cost the square of their length if read carelessly. Half a megabyte each; linear is well under a second.
#[test]
fn hostile_documents_cost_what_their_bytes_cost() {
    let begun = std::time::Instant::now();
    for piece in [
        "<a ",
        "<a x=\"",
        "<![CDATA[",
        "<!--",
        "<!DOCTYPE [",
        "<?a",
        "</a>",
        "<b>",
        "&amp",
        "<item>",
        "<a x='>",
        "<item><title>",
        "<description>",
        "{\"items\":[",
        "<script>",
    ] {
        let mut document = "<rss><channel><item><description>".to_owned();
        document.push_str(&piece.repeat((512 << 10) / piece.len()));
        let _ = read(document.as_bytes());
        let _ = read(piece.repeat((512 << 10) / piece.len()).as_bytes());
    }
    assert!(begun.elapsed().as_secs() < 30, "took {:?}", begun.elapsed());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_markup_is_read_without_a_panic(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        let document = pieces.concat();
        let first = format!("{:?}", read(document.as_bytes()));
        prop_assert_eq!(first, format!("{:?}", read(document.as_bytes())));
    }

    #[test]
    fn any_date_is_read_without_a_panic(raw in "[0-9A-Za-zéñ년月:.,+/() -]{0,40}") {
        if let Some(claim) = feed::dates::claimed(&raw) {
            prop_assert!(claim.at.is_none() || claim.local.is_none());
        }
    }
}

const PIECES: &[&str] = &[
    "<rss>",
    "<channel>",
    "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<item>",
    "</item>",
    "<entry>",
    "</entry>",
    "<title>",
    "</title>",
    "<description>",
    "</description>",
    "<content type='xhtml'>",
    "</content>",
    "<link href='a'/>",
    "<guid>",
    "</guid>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&",
    "<",
    ">",
    "\"",
    "'",
    "=",
    "é",
    "<b x=\"",
    "<pubDate>",
    "Sat, 21 Nov 2026",
    "</rss>",
    "</feed>",
    "{\"items\":[",
    "]}",
    "<?",
    "?>",
    "<!DOCTYPE",
    "[",
    "xml:base='/x'",
    "\u{0}",
];
