//! What search promises, one fact a test.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod search_world;

use std::time::Duration;

use registry::search::{Options, Order, Query, Search, SearchError, SqliteIndex};
use rusqlite::Connection;
use schemas::record::{Author, Kind, Record};
use search_world::{Version, World, at, claim, corpus, item, now, record, row};

fn ask(world: &World, query: &str) -> Vec<String> {
    ask_with(world, query, &Options::at(now()))
}

fn ask_with(world: &World, query: &str, options: &Options) -> Vec<String> {
    let parsed = Query::parse(query).unwrap_or_else(|why| panic!("{query}: {why}"));
    let answer = Search::run(&world.connection, &parsed, options).unwrap_or_else(|why| panic!("{query}: {why:?}"));
    assert_eq!(answer.total, answer.hits.len() as u64);
    answer.hits.into_iter().map(|hit| hit.id).collect()
}

fn check(world: &World, query: &str, expected: &[&str]) {
    let mut found = ask(world, query);
    found.sort();
    assert_eq!(found, expected, "{query}");
}

/// Five items that differ in everything a query can ask for.
fn small() -> World {
    let mut harbour = record("harbour", "en-GB", "Harbour opens early", "The ferry waits in ice-free water");
    harbour.published_at = claim("2026-10-01T00:00:00Z");
    harbour.author = Some(Author {
        id: Some("https://social.example.net/users/desk".into()),
        handle: Some("@Desk@social.example.net".into()),
        name: Some("Harbour Desk".into()),
        kind: None,
    });
    harbour.tags = vec!["#IceFree".into()];
    harbour.links = vec!["https://news.example.net/2026/a?b=1#top".into()];
    let mut port = record("port", "fr", "Port", "L’été au port, ice and free water; harbour");
    port.published_at = claim("2026-10-02T10:00:00Z");
    port.kind = Kind::Post;
    port.platform = "mastodon".into();
    let mut edited = port.clone();
    edited.id = "edited".into();
    edited.text = Some("the old words".into());
    edited.edited_at = claim("2026-10-03T10:00:00Z");
    let mut newer = edited.clone();
    newer.text = Some("the new words".into());
    let mut revised = item(edited);
    revised.versions.push(Version { record: newer, first_seen_at: at("2026-10-19T12:00:00Z"), is_late: false });
    let mut gone = item(record("gone", "", "Withdrawn", "last words"));
    gone.is_gone = true;
    gone.entry = "port-desk".into();
    let mut late = item(record("late", "zh", "港口", "中国人民 ferry"));
    late.versions[0].is_late = true;
    late.is_vanished = true;
    World::of(vec![item(harbour), item(port), revised, gone, late])
}

#[test]
fn every_operator_finds_what_it_says() {
    let world = small();
    for (query, expected) in [
        ("", &["edited", "gone", "harbour", "late", "port"][..]),
        ("harbour", &["harbour", "port"]),
        ("HARBOUR ferry", &["harbour"]),
        ("harbour OR ferry", &["harbour", "late", "port"]),
        ("\"ice free\"", &["harbour"]),
        ("ice free", &["harbour", "port"]),
        ("ferry -harbour", &["late"]),
        ("-(ferry OR words)", &["port"]),
        ("harb*", &["harbour", "port"]),
        ("\"ice fr\"*", &["harbour"]),
        ("title:harbour", &["harbour"]),
        ("title:\"opens early\"", &["harbour"]),
        ("title:ear*", &["harbour"]),
        ("ete", &["port"]),
        ("eau", &[]),
        ("国", &["late"]),
        ("国人", &["late"]),
        ("民", &["late"]),
        ("中人", &[]),
        ("\"人民 ferry\"", &["late"]),
        ("\"国人 ferry\"", &[]),
        ("platform:mastodon", &["edited", "port"]),
        ("lang:en", &["harbour"]),
        ("lang:en-gb", &["harbour"]),
        ("lang:e", &[]),
        ("-lang:fr", &["gone", "harbour", "late"]),
        ("author:desk@social.example.net", &["harbour"]),
        ("author:@DESK@social.example.net", &["harbour"]),
        ("author:\"harbour desk\"", &["harbour"]),
        ("author:https://social.example.net/users/desk", &["harbour"]),
        ("link:example.net", &["harbour"]),
        ("link:news.example.net", &["harbour"]),
        ("link:ews.example.net", &[]),
        ("link:example.org", &["edited", "gone", "harbour", "late", "port"]),
        ("link:http://news.example.net/2026/a?b=1", &["harbour"]),
        ("link:news.example.net/2026", &[]),
        ("link:news.example.net/2026/*", &["harbour"]),
        ("link:net", &[]),
        ("after:2026-10-01", &["edited", "gone", "harbour", "late", "port"]),
        ("after:2026-10-02 before:2026-10-03", &["edited", "port"]),
        ("before:2026-10-02", &["harbour"]),
        ("after:2026-10-02T10:00:01Z", &["gone", "late"]),
        ("seen:2d", &["edited"]),
        ("seen:2026-10-02", &["port"]),
        ("seen:2026-10-01..2026-10-02", &["harbour", "port"]),
        ("source:port-desk", &["gone"]),
        ("source:PORT-DESK", &[]),
        ("kind:post", &["edited", "port"]),
        ("tag:icefree", &["harbour"]),
        ("tag:#IceFree", &["harbour"]),
        ("icefree", &["harbour"]),
        ("id:gone", &["gone"]),
        ("has:edit", &["edited"]),
        ("has:media", &[]),
        ("-has:text", &[]),
        ("is:gone", &["gone"]),
        ("is:vanished", &["late"]),
        ("is:revised", &["edited"]),
        ("is:late", &["late"]),
        ("is:trial", &[]),
        ("new words", &["edited"]),
        ("old words", &[]),
        ("last words", &["gone"]),
    ] {
        check(&world, query, expected);
    }
    let every_version = Options { every_version: true, ..Options::at(now()) };
    assert_eq!(ask_with(&world, "old words", &every_version), ["edited"]);
    assert_eq!(ask_with(&world, "is:revised", &every_version), ["edited", "edited"]);
    let is_trial = Options { is_trial: true, ..Options::at(now()) };
    assert_eq!(ask_with(&world, "is:trial", &is_trial).len(), 5);
}

#[test]
fn hits_tell_what_is_known_of_them() {
    let world = small();
    let hit = |query: &str| {
        Search::run(&world.connection, &Query::parse(query).unwrap(), &Options::at(now())).unwrap().hits.remove(0)
    };
    let gone = hit("is:gone");
    assert!(
        !gone.is_vanished && hit("is:vanished").is_vanished,
        "what its source withdrew is one thing, what left it another"
    );
    assert!(gone.is_gone && !gone.is_current && !gone.is_revised && !gone.time_is_claimed);
    assert_eq!(
        (gone.time, gone.first_seen_at, gone.language),
        (at("2026-10-10T00:00:00Z"), at("2026-10-10T00:00:00Z"), None)
    );
    let harbour = hit("title:harbour");
    assert!(!harbour.is_gone && harbour.is_current && harbour.time_is_claimed);
    assert_eq!((harbour.time, harbour.language.as_deref()), (at("2026-10-01T00:00:00Z"), Some("en-gb")));
    let json = serde_json::to_value(&harbour).unwrap();
    assert_eq!(json["time"], "2026-10-01T00:00:00Z");
    assert_eq!(json["revision"], row(0, 0));
}

#[test]
fn titles_weigh_more_than_bodies() {
    let world = small();
    let options = Options { order: Order::Relevance, ..Options::at(now()) };
    assert_eq!(ask_with(&world, "harbour", &options), ["harbour", "port"]);
    assert_eq!(ask(&world, "harbour"), ["port", "harbour"], "newest first");
}

#[test]
fn new_items_do_not_move_the_pages() {
    let mut world = World::of(corpus());
    let query = Query::parse("kind:article").unwrap();
    let mut options = Options { limit: 10, ..Options::at(now()) };
    let all = Search::run(&world.connection, &query, &Options { limit: 200, ..options.clone() }).unwrap();
    let first = Search::run(&world.connection, &query, &options).unwrap();
    let mut fresh = record("fresh", "en", "Fresh", "fresh");
    fresh.published_at = claim("2026-10-20T00:00:00Z");
    world.add(item(fresh));
    options.cursor = first.next;
    let second = Search::run(&world.connection, &query, &options).unwrap();
    assert_eq!(second.hits, all.hits[10..20]);
}

#[test]
fn a_cursor_serves_its_own_query_only() {
    let world = World::of(corpus());
    let options = Options { limit: 5, ..Options::at(now()) };
    let query = Query::parse("kind:article").unwrap();
    let cursor = Search::run(&world.connection, &query, &options).unwrap().next.unwrap();
    let with = |query: &Query, options: Options, cursor: &str| {
        Search::run(&world.connection, query, &Options { cursor: Some(cursor.to_owned()), ..options })
    };
    assert!(with(&query, options.clone(), &cursor).is_ok());
    let other = Query::parse("kind:post").unwrap();
    let relevance = Options { order: Order::Relevance, ..options.clone() };
    let versions = Options { every_version: true, ..options.clone() };
    for refused in [
        with(&other, options.clone(), &cursor),
        with(&query, relevance, &cursor),
        with(&query, versions, &cursor),
        with(&query, options.clone(), ""),
        with(&query, options.clone(), "%%"),
        with(&query, options.clone(), &cursor[..cursor.len() - 3]),
        with(&query, options, &format!("{cursor}AAAA")),
    ] {
        assert!(matches!(refused, Err(SearchError::Cursor)), "{refused:?}");
    }
}

#[test]
fn answers_say_how_far_they_reach_and_refuse_to_reach_further() {
    let world = small();
    let query = Query::everything();
    let options = Options::at(now());
    assert_eq!(Search::run(&world.connection, &query, &options).unwrap().complete_to, 41);
    assert!(Search::run(&world.connection, &query, &Options { min_size: Some(41), ..options.clone() }).is_ok());
    let early = Search::run(&world.connection, &query, &Options { min_size: Some(42), ..options.clone() });
    assert!(matches!(early, Err(SearchError::NotYet { min_size: 42, complete_to: 41 })));
    let slow = Search::run(&world.connection, &query, &Options { time_limit: Duration::ZERO, ..options.clone() });
    assert!(matches!(slow, Err(SearchError::TooSlow { .. })));
    for limit in [0, 201] {
        let refused = Search::run(&world.connection, &query, &Options { limit, ..options.clone() });
        assert!(matches!(refused, Err(SearchError::Limit { .. })));
    }
}

#[test]
fn what_looks_like_sql_or_fts_is_text() {
    let world = small();
    let before = rows(&world.connection);
    for text in [
        "'; DROP TABLE search_doc; --",
        "a\" OR \"b",
        "\" OR 1=1 --",
        "title : harbour",
        "{title text} : harbour",
        "NEAR(harbour opens, 2)",
        "^harbour",
        "harbour AND NOT ferry",
        "harbour + ferry",
        "?1",
        "x' UNION SELECT * FROM tokens --",
        "\0harbour",
    ] {
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        for field in ["", "title:", "author:", "platform:", "lang:", "tag:", "source:", "id:", "-"] {
            if let Ok(query) = Query::parse(&format!("{field}{quoted}")) {
                for order in [Order::Newest, Order::Relevance] {
                    let answer =
                        Search::run(&world.connection, &query, &Options { order, facets: true, ..Options::at(now()) });
                    let expected = match (text, field) {
                        (_, "-") if text == "^harbour" || text == "\0harbour" => Some(3),
                        ("^harbour" | "\0harbour", "") => Some(2),
                        ("^harbour" | "\0harbour", "title:") => Some(1),
                        (_, "-") => Some(5),
                        _ => Some(0),
                    };
                    assert_eq!(answer.ok().map(|answer| answer.total), expected, "{field}{quoted}");
                }
            }
        }
        if let Ok(query) = Query::parse(text) {
            assert!(Search::run(&world.connection, &query, &Options::at(now())).is_ok(), "{text}");
        }
    }
    assert_eq!(rows(&world.connection), before);
}

fn rows(connection: &Connection) -> Vec<i64> {
    ["search_doc", "search_word", "revisions", "items"]
        .iter()
        .map(|table| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap())
        .collect()
}

#[test]
fn indexing_again_or_from_the_tables_changes_no_answer() {
    let mut world = World::of(corpus());
    let queries = ["harbour", "国", "ice -ferry", "lang:ru OR tag:harbour", "порт*", "link:example.net", ""];
    let answers = |connection: &Connection| -> Vec<String> {
        let options = Options { limit: 200, facets: true, every_version: true, ..Options::at(now()) };
        let run = |query: &&str| Search::run(connection, &Query::parse(query).unwrap(), &options).unwrap();
        queries.iter().map(run).map(|answer| serde_json::to_string(&answer).unwrap()).collect()
    };
    let before = answers(&world.connection);
    world.connection.execute("UPDATE search_meta SET analyser = 0", []).unwrap();
    SqliteIndex.make(&world.connection).unwrap();
    assert_eq!(answers(&world.connection), before, "another analyser's index is made again");
    let tx = world.connection.transaction().unwrap();
    SqliteIndex.empty(&tx).unwrap();
    tx.commit().unwrap();
    assert_eq!(rows(&world.connection)[..2], [0, 0]);
    world.connection.execute("UPDATE search_meta SET analyser = 0", []).unwrap();
    SqliteIndex.make(&world.connection).unwrap();
    SqliteIndex.make(&world.connection).unwrap();
    assert_eq!(answers(&world.connection), before, "nor is one lost that was there already");
}

/// Words that stand nowhere else, each in another place of a record; their beginnings are shared with no other word.
const CANARIES: [&str; 6] =
    ["qzxtitleword", "zqvbodyword", "xqktagword", "vqznameword", "jqxcaptionword", "wqvhostword"];

fn canary() -> Record {
    let mut made = record("canary", "en", CANARIES[0], &format!("harbour {} harbour", CANARIES[1]));
    made.tags = vec![CANARIES[2].into()];
    made.author = Some(Author { name: Some(CANARIES[3].into()), ..Author::default() });
    made.place = Some(CANARIES[4].into());
    made.links = vec![format!("https://{}.example.org/", CANARIES[5])];
    made
}

fn bytes_holding(folder: &std::path::Path, word: &str) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.map(|bytes| bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count()).sum()
}

#[test]
fn an_erased_record_leaves_no_word_in_index_or_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut items = corpus();
    items.insert(40, item(canary()));
    let count = items.len();
    let mut world = World::in_file(&folder.path().join("registry.db"), items);
    let checkpoint = |connection: &Connection| {
        let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
    };
    checkpoint(&world.connection);
    for word in CANARIES {
        assert!(bytes_holding(folder.path(), word) > 0, "{word} is there before");
    }
    world
        .connection
        .execute_batch("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, search_word, row)")
        .unwrap();
    let terms = |connection: &Connection, word: &str| -> i64 {
        connection.query_row("SELECT count(*) FROM temp.vocabulary WHERE term = ?", [word], |row| row.get(0)).unwrap()
    };
    assert_eq!(terms(&world.connection, CANARIES[0]), 1);

    let tx = world.connection.transaction().unwrap();
    SqliteIndex.let_go(&tx, row(40, 0)).unwrap();
    SqliteIndex.let_go(&tx, 987_654).unwrap();
    tx.execute("DELETE FROM revisions WHERE id = ?", [row(40, 0)]).unwrap();
    tx.execute("DELETE FROM items WHERE id = 41", []).unwrap();
    tx.commit().unwrap();
    checkpoint(&world.connection);
    assert!(bytes_holding(folder.path(), CANARIES[1]) > 0, "FTS5 lets go of words only when it is told to");
    SqliteIndex.rewrite(&world.connection).unwrap();
    checkpoint(&world.connection);

    for word in CANARIES {
        assert_eq!(terms(&world.connection, word), 0, "{word} in the vocabulary");
        assert_eq!(bytes_holding(folder.path(), word), 0, "{word} in the file");
        assert_eq!(ask(&world, word), [""; 0], "{word} in answers");
    }
    assert_eq!(
        Search::run(&world.connection, &Query::everything(), &Options::at(now())).unwrap().total,
        count as u64 - 1
    );
}
