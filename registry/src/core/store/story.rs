//! One story for every engine: what a store is told, and what is left at the end.

use std::sync::Arc;

use jiff::Timestamp;
use schemas::Digest;
use schemas::leaf::{Act, Leaf, StatementKind};
use schemas::manifest::Minute;
use schemas::record::{Author, Kind, Record};

use super::rows::{
    AuditRow, CaptureRow, Change, LeafKind, LeafRow, Line, LineKind, Reading, ReceiptRow, SegmentRow, Stated, Token,
    Withdrawn,
};
use super::{INDEX, KEPT, NoIndex, Sqlite, Store, StoreError};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + minute * 60).unwrap()
}

fn leaf(index: u64) -> LeafRow {
    let act = Act::Statement {
        v: 1,
        kind: StatementKind::Root,
        digest: Digest::of(&index.to_be_bytes()),
        time: Minute::of(at(0)),
    };
    LeafRow::new(index, &Leaf::Act(act)).unwrap()
}

fn said(unit: u64, minute: i64, kind: LineKind) -> Reading {
    Reading {
        capture: 1,
        at: at(minute),
        vantage: "example.org".to_owned(),
        reader: "feed 0.1.0".to_owned(),
        lines: vec![Line { unit, place: "whole".to_owned(), kind }],
    }
}

fn post(id: &str, text: &str) -> LineKind {
    let mut record = Record::new(Kind::Post, "web", id);
    record.text = Some(text.to_owned());
    record.author = Some(Author { id: Some("author-1".to_owned()), ..Author::default() });
    let content = record.content_hash().unwrap();
    let text = String::from_utf8(schemas::canonical::canonical_of(&record).unwrap()).unwrap();
    LineKind::Record { stated: Box::new(Stated { record, text }), content, home: true }
}

fn segment(name: &str, readings: Vec<Reading>) -> Change {
    let capture = CaptureRow {
        unit: 1,
        kind: "exchange",
        entry: "news".to_owned(),
        day: "2026-11-18".to_owned(),
        response: Some(format!("urn:uuid:{name}")),
        ..CaptureRow::default()
    };
    Change::Segment(Box::new(SegmentRow {
        manifest: Digest::of(name.as_bytes()).to_string(),
        entry: Some("news".to_owned()),
        captures: vec![capture],
        readings,
        ..SegmentRow::default()
    }))
}

/// What every engine must do.
fn storage_story(store: &dyn Store) {
    // Leaves follow each other without holes, with the receipts that speak of them.
    let receipt = ReceiptRow { manifest: Digest::of(b"m"), body: "{}".to_owned() };
    store.append(&[leaf(0), leaf(1)], std::slice::from_ref(&receipt)).unwrap();
    assert!(matches!(store.append(&[leaf(3)], &[]), Err(StoreError::Order { index: 3, expected: 2 })));
    assert_eq!(store.leaf_count().unwrap(), 2);
    assert_eq!(store.leaves(1, 10).unwrap(), [leaf(1)]);
    assert_eq!(store.find(LeafKind::Statement, &leaf(1).digest).unwrap(), Some(leaf(1)));
    assert_eq!(store.receipt(&receipt.manifest).unwrap(), Some(receipt));

    // Two posts of one author; one edited; then the author withdraws everything, and one comes back.
    let nothing = |_: &Digest, _: u64| None;
    let first = segment("a", vec![said(3, 0, post("1", "one")), said(4, 0, post("2", "two"))]);
    let first = [first];
    store.apply(0, &first, &nothing).unwrap();
    assert!(matches!(store.apply(0, &first, &nothing), Err(StoreError::Order { .. })));
    let gone = LineKind::Gone {
        what: Withdrawn {
            platform: Some("web".to_owned()),
            author: Some("author-1".to_owned()),
            ..Withdrawn::default()
        },
        why: "account closed".to_owned(),
    };
    let lines = vec![said(3, 10, post("1", "one edited")), said(4, 20, gone), said(5, 30, post("2", "two"))];
    store.apply(1, &[segment("b", lines)], &nothing).unwrap();
    assert_eq!(store.followed().unwrap(), 2);
    assert_eq!(store.spent("news", "2026-11-18").unwrap(), 2);
    let dump = store.dump_derived().unwrap();
    let rows = |table: &str| dump.lines().filter(|line| line.starts_with(&format!("{table}|"))).count();
    assert_eq!((rows("items"), rows("revisions"), rows("sightings"), rows("withdrawals")), (2, 6, 4, 1));

    // The second segment loses its edit and the withdrawal.
    let Change::Segment(left) = segment("b", vec![said(5, 30, post("2", "two"))]) else { unreachable!() };
    store.refresh(1, &left, &nothing).unwrap();
    let dump = store.dump_derived().unwrap();
    assert_eq!(dump.lines().filter(|line| line.starts_with("revisions|")).count(), 2);
    assert!(!dump.contains("edited") && !dump.contains("account closed"));

    // Operator data outlives the derived tables.
    let token = Token {
        name: "ana".to_owned(),
        role: "analyst".to_owned(),
        made_at: at(0),
        expires_at: Some(at(9)),
        revoked_at: None,
    };
    store.keep_token(&Digest::of(b"secret"), &token).unwrap();
    let row = AuditRow {
        at: at(1),
        who: "ana".to_owned(),
        role: "analyst".to_owned(),
        act: "read".to_owned(),
        purpose: None,
        detail: "item 1".to_owned(),
    };
    store.audit(&row).unwrap();
    store.raise(at(2), "fork", "two of one number").unwrap();
    store.raise(at(3), "fork", "two of one number").unwrap();
    store.set_erased(7).unwrap();
    store.clear_derived().unwrap();
    store.scrub().unwrap();
    assert_eq!(store.dump_derived().unwrap(), "");
    assert_eq!((store.followed().unwrap(), store.leaf_count().unwrap()), (0, 0));
    assert_eq!(store.token(&Digest::of(b"secret")).unwrap(), Some(token));
    assert_eq!(store.token(&Digest::of(b"guess")).unwrap(), None);
    assert!(store.is_erased(7).unwrap());
    let alarms = store.alarms().unwrap();
    assert_eq!(alarms.len(), 1);
    store.see_alarm(alarms[0].id, at(4)).unwrap();
    assert_eq!(store.alarms().unwrap(), []);
}

#[test]
fn sqlite_tells_the_storage_story() {
    let folder = tempfile::tempdir().unwrap();
    storage_story(&Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap());
}

/// A first sighting is written down without looking at a history; the whole history must give the same rows.
#[test]
fn first_sightings_are_what_their_history_gives() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap();
    let (one, two) = (post("1", "one"), post("2", "two"));
    let kept = [(4, one.clone()), (5, two.clone())];
    let fetch = |_: &Digest, unit: u64| {
        kept.iter().find(|(at, _)| *at == unit).and_then(|(_, kind)| match kind {
            LineKind::Record { stated, .. } => Some((**stated).clone()),
            _ => None,
        })
    };
    // A withdrawal before the first description speaks of nothing known.
    let what = Withdrawn { platform: Some("web".to_owned()), native: Some("1".to_owned()), ..Withdrawn::default() };
    let gone = LineKind::Gone { what, why: "not here".to_owned() };
    let change = segment("a", vec![said(3, 0, gone), said(4, 1, one), said(5, 2, two)]);
    store.apply(0, std::slice::from_ref(&change), &fetch).unwrap();
    let written = store.dump_derived().unwrap();
    assert_eq!(written.lines().filter(|line| line.starts_with("revisions|")).count(), 2);
    let Change::Segment(row) = change else { unreachable!() };
    store.refresh(0, &row, &fetch).unwrap();
    assert_eq!(store.dump_derived().unwrap(), written);
}

#[test]
fn a_database_of_a_later_release_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    drop(Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap());
    rusqlite::Connection::open(folder.path().join(KEPT)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Sqlite::open(folder.path(), Arc::new(NoIndex)), Err(StoreError::Newer { found: 99, .. })));
}

#[test]
fn an_index_of_another_release_is_made_anew_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap();
    store.apply(0, &[segment("a", vec![said(3, 0, post("1", "one"))])], &|_, _| None).unwrap();
    store.set_erased(7).unwrap();
    drop(store);
    rusqlite::Connection::open(folder.path().join(INDEX)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let store = Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap();
    assert_eq!((store.followed().unwrap(), store.dump_derived().unwrap()), (0, String::new()));
    assert!(store.is_erased(7).unwrap(), "what is in no truth stays");
}

#[test]
fn who_reads_while_the_index_is_replaced_reads_the_new_one_next() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap();
    let followed =
        |db: &rusqlite::Connection| db.query_row("SELECT size FROM followed", [], |row| row.get::<_, i64>(0));
    store
        .read(|db| {
            assert_eq!(followed(db)?, 0);
            store.renew_index().unwrap();
            Ok(())
        })
        .unwrap();
    store.apply(0, &[segment("a", vec![said(3, 0, post("1", "one"))])], &|_, _| None).unwrap();
    assert_eq!(store.read(followed).unwrap(), 1);
}

/// A folder as the first release left it: one file.
#[test]
fn a_folder_with_one_file_is_taken_apart() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join(KEPT)).unwrap();
    old.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    old.execute_batch(include_str!("schema_1.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute_batch(
        "CREATE VIRTUAL TABLE search_word USING fts5(title, text, about, content='', contentless_delete=1);
         UPDATE followed SET size = 1; INSERT INTO erasures_done VALUES (7);
         INSERT INTO statements VALUES (0, 'root', 'canaryword', '');
         INSERT INTO search_word (rowid, title) VALUES (1, 'canaryword');",
    )
    .unwrap();
    let LeafRow { index, bytes, kind, digest, .. } = leaf(0);
    let row = (index as i64, bytes, kind.word(), digest.to_string());
    old.execute("INSERT INTO leaves VALUES (?, ?, ?, ?, NULL, NULL)", row).unwrap();
    drop(old);
    let store = Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap();
    assert_eq!((store.followed().unwrap(), store.leaves(0, 9).unwrap()), (0, vec![leaf(0)]));
    assert!(store.is_erased(7).unwrap());
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(10).any(|window| window == b"canaryword"), "what moved is nowhere twice");
    }
}

/// Every row of an item is found without looking at all rows.
#[test]
fn histories_are_found_by_their_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap();
    for asked in [
        "SELECT * FROM revisions_of_items WHERE of_item = ?1",
        "SELECT g.id FROM lines_of_items l JOIN sightings g ON g.id = l.id WHERE l.of_item = ?1 ORDER BY g.id",
        "SELECT 1 FROM lines_of_items WHERE of_item = ?1 AND id < 7",
        "SELECT v.id FROM items i JOIN vanishings v ON v.native = i.native AND v.platform = i.platform AND v.vantage = i.vantage WHERE i.id = ?1",
        "UPDATE vanishings SET item = NULL, back_at = NULL WHERE item = ?1",
        "SELECT id FROM items WHERE id BETWEEN ?1 AND ?1 + 65535",
    ] {
        let plan: Vec<String> = store
            .read(|db| db.prepare(&format!("EXPLAIN QUERY PLAN {asked}"))?.query_map([7], |row| row.get(3))?.collect())
            .unwrap();
        assert!(plan.iter().any(|step| step.contains("SEARCH")), "{asked}: {plan:?}");
        let scans = |step: &&String| step.starts_with("SCAN") && !step.contains("lines_of_items");
        assert_eq!(plan.iter().find(scans), None, "{asked}: {plan:?}");
    }
}

#[test]
fn a_kept_statement_is_planned_once_whatever_is_bound() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path(), Arc::new(NoIndex)).unwrap();
    let leaves: Vec<LeafRow> = (0..4).map(leaf).collect();
    store.append(&leaves, &[]).unwrap();
    let asked = "SELECT bytes FROM kept.leaves WHERE digest = ? AND kind = ? ORDER BY idx LIMIT 1";
    store
        .read(|db| {
            for leaf in &leaves {
                let mut statement = db.prepare_cached(asked)?;
                let found: Vec<u8> =
                    statement.query_row((leaf.digest.to_string(), leaf.kind.word()), |row| row.get(0))?;
                assert_eq!(found, leaf.bytes);
                assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
            }
            Ok(())
        })
        .unwrap();
}
