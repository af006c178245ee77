//! What the state remembers, and what it refuses.

use super::*;
use crate::{
    contract::{Request, Work},
    engine::walk::{Node, Tally},
};
use schemas::{
    Digest,
    capture::Lane,
    coverage::{Coverage, SkipReason, Skipped},
};
use serde_json::Value;

const AGENT: &str = "harbour+01020304";

fn open() -> (tempfile::TempDir, State) {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).unwrap();
    state.chain(AGENT).unwrap();
    (dir, state)
}

fn at_secs(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

fn begin(state: &State, lane: Lane) -> i64 {
    let node = Node::new(Request::get("https://news.example.org/", Value::Null), None);
    let row = WalkRow {
        id: 0,
        work: Work::Poll,
        cursor: Value::Null,
        planned_at: at_secs(1),
        reader: "feed 1".into(),
        tally: Tally::default(),
        nodes: vec![(1, node)],
    };
    state.begin_walk("harbour-news", lane, &row).unwrap()
}

fn placed(seq: u64) -> Placed {
    Placed {
        seq,
        manifest: Digest([u8::try_from(seq).unwrap(); 32]),
        file: format!("{seq}.warc.gz"),
        bytes: 10,
        closed_at: at_secs(10),
    }
}

fn whose(walk: i64, lane: Lane) -> Whose<'static> {
    Whose { target: "harbour-news", lane, walk, run: "harbour-news poll", reader: "feed 1", now: at_secs(20) }
}

fn mark(id: &str) -> Mark {
    Mark {
        id: id.into(),
        platform: None,
        handle: None,
        content: Some(Digest([1; 32])),
        scope: None,
        doubted: false,
        at: at_secs(10),
    }
}

fn seen(state: &State, lane: Lane, id: &str) -> Option<Seen> {
    state.seen("harbour-news", lane, [id].into_iter()).unwrap()[0]
}

#[test]
fn second_process_is_refused() {
    let (dir, _state) = open();
    assert!(matches!(State::open(dir.path()), Err(StateError::Busy { .. })));
}

/// What another program holds of the lock that is started by another thread, until it has become that program.
#[test]
fn folder_is_free_once_its_state_is_closed() {
    let (dir, state) = open();
    let inherited = state._lock.0.try_clone().unwrap();
    drop(state);
    State::open(dir.path()).unwrap();
    drop(inherited);
}

#[test]
fn newer_state_is_refused() {
    let (dir, state) = open();
    state.look().pragma_update(None, "user_version", 99).unwrap();
    drop(state);
    let said = State::open(dir.path()).unwrap_err().to_string();
    assert!(said.contains("state version 99"), "{said}");
}

#[test]
fn other_programs_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = Connection::open(dir.path().join("state.sqlite")).unwrap();
    db.execute_batch("CREATE TABLE somebody (x)").unwrap();
    drop(db);
    assert!(matches!(State::open(dir.path()), Err(StateError::Foreign { .. })));
}

#[test]
fn other_key_is_refused() {
    let (_dir, state) = open();
    assert!(matches!(state.chain("harbour+ffffffff"), Err(StateError::OtherKey { .. })));
}

#[test]
fn run_of_a_due_time_starts_once() {
    let (_dir, state) = open();
    let due = Some(at_secs(60));
    assert!(state.begin_run("harbour-news", Lane::Poll, due, at_secs(61)).unwrap().is_some());
    assert!(state.begin_run("harbour-news", Lane::Poll, due, at_secs(62)).unwrap().is_none());
    assert!(state.begin_run("harbour-news", Lane::Poll, None, at_secs(63)).unwrap().is_some());
    assert!(state.begin_run("harbour-news", Lane::Poll, None, at_secs(64)).unwrap().is_some());
}

#[test]
fn run_that_a_process_left_is_taken_up_once_and_one_that_ended_never() {
    let (dir, state) = open();
    let (due, now) = (Some(at_secs(60)), at_secs(61));
    let first = state.begin_run("harbour-news", Lane::Poll, due, now).unwrap();
    let ended = state.begin_run("harbour-news", Lane::Poll, Some(at_secs(120)), now).unwrap().unwrap();
    let coverage = r#"{"target":"harbour-news","due":"1970-01-01T00:02:00Z","from":"1970-01-01T00:02:00Z","to":"1970-01-01T00:02:01Z",
        "state":"complete","requests":1,"refused":0,"failed":0,"records":0,"new":0,"unreadable":0,"bytes":0}"#;
    considered::end_run(&state.look(), ended, &serde_json::from_str(coverage).unwrap(), &[], now).unwrap();
    drop(state);
    let state = State::open(dir.path()).unwrap();
    assert_eq!(state.begin_run("harbour-news", Lane::Poll, due, now).unwrap(), first, "the same run goes on");
    assert_eq!(state.begin_run("harbour-news", Lane::Poll, due, now).unwrap(), None, "it is being made");
    assert_eq!(state.begin_run("harbour-news", Lane::Poll, Some(at_secs(120)), now).unwrap(), None, "it was made");
    drop(state);
    let state = State::open(dir.path()).unwrap();
    assert_eq!(
        state.begin_run("harbour-news", Lane::Poll, due, now).unwrap(),
        None,
        "a run that ends its process is let be"
    );
}

#[test]
fn skipped_runs_are_told_in_stretches_and_taken_back_with_the_clock() {
    let (_dir, state) = open();
    let skip = |first, last, runs, why| Skipped { first: at_secs(first), last: at_secs(last), runs, why };
    assert_eq!(state.considered(&[("harbour-news", "every 60s".to_owned())], at_secs(30)).unwrap(), [at_secs(30)]);
    state.pass_over("harbour-news", &[skip(60, 120, 2, SkipReason::Overlap)], at_secs(120)).unwrap();
    state.pass_over("harbour-news", &[skip(240, 240, 1, SkipReason::Overlap)], at_secs(240)).unwrap();
    state.pass_over("harbour-news", &[skip(300, 900, 11, SkipReason::Clock)], at_secs(900)).unwrap();
    let told =
        |state: &State| state.untold("harbour-news").unwrap().into_iter().map(|(_, skip)| skip).collect::<Vec<_>>();
    assert_eq!(told(&state), [skip(60, 240, 3, SkipReason::Overlap), skip(300, 900, 11, SkipReason::Clock)]);
    assert_eq!(state.considered(&[("harbour-news", "every 60s".to_owned())], at_secs(901)).unwrap(), [at_secs(900)]);
    let across = state.let_go_across(at_secs(650)).unwrap();
    let [Across { row, first, .. }] = across.as_slice() else { panic!("{across:?}") };
    assert_eq!(*first, at_secs(300));
    state.clock_set_back(at_secs(650), &[(*row, at_secs(600), 6)]).unwrap();
    assert_eq!(told(&state), [skip(60, 240, 3, SkipReason::Overlap), skip(300, 600, 6, SkipReason::Clock)]);
    state.clock_set_back(at_secs(250), &[]).unwrap();
    assert_eq!(told(&state), [skip(60, 240, 3, SkipReason::Overlap)]);
    assert_eq!(state.considered(&[("harbour-news", "every 60s".to_owned())], at_secs(251)).unwrap(), [at_secs(250)]);
    assert_eq!(
        state.considered(&[("harbour-news", "every 30s".to_owned())], at_secs(251)).unwrap(),
        [at_secs(251)],
        "another schedule"
    );
}

#[test]
fn id_is_known_to_a_lane_once_its_walk_is_complete() {
    let (_dir, state) = open();
    let walk = begin(&state, Lane::Poll);
    let mut changes = Changes { marks: vec![mark("a")], ..Changes::default() };
    state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(1)).unwrap();
    assert_eq!(seen(&state, Lane::Poll, "a"), Some(Seen { walk, known: false }), "its walk is open");
    let mut changes = Changes { walk_end: Some(crate::engine::walk::WalkEnd::Complete), ..Changes::default() };
    state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(2)).unwrap();
    assert_eq!(seen(&state, Lane::Poll, "a"), Some(Seen { walk, known: true }));
    assert_eq!(seen(&state, Lane::Poll, "b"), None);
    assert_eq!(seen(&state, Lane::Window, "a"), None, "lanes do not share what they know");
}

#[test]
fn id_of_a_broken_walk_belongs_to_the_next_one() {
    let (_dir, state) = open();
    let walk = begin(&state, Lane::Poll);
    let end = Some(crate::engine::walk::WalkEnd::Broken);
    let mut changes = Changes { marks: vec![mark("a")], walk_end: end, ..Changes::default() };
    state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(1)).unwrap();
    let next = begin(&state, Lane::Poll);
    let end = Some(crate::engine::walk::WalkEnd::Complete);
    let mut changes = Changes { marks: vec![mark("a")], walk_end: end, ..Changes::default() };
    state.commit(&whose(next, Lane::Poll), &mut changes, &placed(2)).unwrap();
    assert_eq!(seen(&state, Lane::Poll, "a"), Some(Seen { walk: next, known: true }));
}

#[test]
fn commit_that_fails_leaves_nothing() {
    let (_dir, state) = open();
    let walk = begin(&state, Lane::Poll);
    state.commit(&whose(walk, Lane::Poll), &mut Changes::default(), &placed(1)).unwrap();
    // The same number again: the first statement of the transaction refuses it.
    let mut changes = Changes { marks: vec![mark("a")], keys: vec!["k".into()], ..Changes::default() };
    assert!(state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(1)).is_err());
    assert_eq!(seen(&state, Lane::Poll, "a"), None);
    assert!(!state.is_settled("harbour-news", "k").unwrap());
    assert_eq!(state.chain(AGENT).unwrap().seq, 2);
}

#[test]
fn validators_are_forgotten_by_another_reader_and_after_a_week() {
    let (_dir, state) = open();
    let walk = begin(&state, Lane::Poll);
    let of = schemas::segment::Referred {
        id: "urn:uuid:1".into(),
        url: "https://news.example.org/".into(),
        date: String::new(),
    };
    let kept = crate::engine::Validators { etag: Some("\"1\"".into()), last_modified: None, of };
    let url = "https://news.example.org/";
    let mut changes = Changes { validators: [(url.to_owned(), kept)].into(), ..Changes::default() };
    state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(1)).unwrap();
    let found =
        |reader: &str, secs: i64| state.validators("harbour-news", url, reader, at_secs(secs)).unwrap().is_some();
    assert!(found("feed 1", 30));
    assert!(!found("feed 2", 30));
    assert!(!found("feed 1", 20 + 7 * 86_400));
    assert!(!found("feed 1", 10), "a clock that was set back");
}

#[test]
fn receipt_settles_and_old_files_may_go() {
    let (_dir, state) = open();
    let walk = begin(&state, Lane::Poll);
    state.commit(&whose(walk, Lane::Poll), &mut Changes::default(), &placed(1)).unwrap();
    let manifest = placed(1).manifest;
    state.push_failed(&manifest, "no route", at_secs(50)).unwrap();
    let waiting = state.oldest_waiting(9).unwrap().remove(0);
    assert_eq!((waiting.tries, waiting.error.as_deref(), waiting.not_before), (1, Some("no route"), at_secs(50)));
    let receipts = [Receipted { manifest, receipt: "receipt".into(), refused: false }];
    state.push_settled(&receipts, "checkpoint", at_secs(100)).unwrap();
    assert_eq!(state.oldest_waiting(9).unwrap(), []);
    assert_eq!(state.chain(AGENT).unwrap().checkpoint.as_deref(), Some("checkpoint"));
    assert!(state.deletable(at_secs(100)).unwrap().is_empty(), "kept for a while");
    assert_eq!(state.deletable(at_secs(101)).unwrap(), [(manifest, "1.warc.gz".to_owned())]);
    state.deleted(&manifest, at_secs(101)).unwrap();
    assert!(state.deletable(at_secs(500)).unwrap().is_empty());
}

#[test]
fn second_walk_of_a_lane_drops_the_open_one() {
    let (_dir, state) = open();
    begin(&state, Lane::Poll);
    let second = begin(&state, Lane::Poll);
    let open = state.open_walk("harbour-news", Lane::Poll).unwrap().unwrap();
    assert_eq!((open.id, open.nodes.len()), (second, 1));
}

#[test]
fn power_cut_takes_the_end_of_the_log_and_the_rest_goes_on() {
    const RUNS: u64 = 3;
    let due = |seq: u64| at_secs(60 * i64::try_from(seq).unwrap());
    let coverage = |seq| -> Coverage {
        serde_json::from_str(&format!(
            r#"{{"target":"harbour-news","due":"{0}","from":"{0}","to":"{0}","state":"complete","requests":1,"refused":0,"failed":0,
            "records":1,"new":1,"unreadable":0,"bytes":0}}"#,
            due(seq)
        ))
        .unwrap()
    };
    let settle = |state: &State, seq| {
        let run = state.begin_run("harbour-news", Lane::Poll, Some(due(seq)), due(seq)).unwrap();
        let walk = begin(state, Lane::Poll);
        let begun = Begun {
            target: "harbour-news",
            lane: Lane::Poll,
            answer: Digest([9; 32]),
            reader: "feed 1",
            told: "",
            now: due(seq),
        };
        let reading = state.begin_reading(&begun, std::iter::empty()).unwrap();
        state.end_reading(reading).unwrap();
        let mut changes = Changes {
            marks: vec![mark(&seq.to_string())],
            walk_end: Some(crate::engine::walk::WalkEnd::Complete),
            run_end: Some((run.unwrap(), coverage(seq))),
            ..Changes::default()
        };
        state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(seq)).unwrap();
    };
    let (dir, state) = open();
    state.look().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    (1..=RUNS).for_each(|seq| settle(&state, seq));
    let file = std::fs::read(dir.path().join("state.sqlite")).unwrap();
    let log = std::fs::read(dir.path().join("state.sqlite-wal")).unwrap();
    let mut before = 0;
    for cut in (0..log.len()).step_by(2_500).chain([log.len()]) {
        let after = tempfile::tempdir().unwrap();
        std::fs::write(after.path().join("state.sqlite"), &file).unwrap();
        std::fs::write(after.path().join("state.sqlite-wal"), &log[..cut]).unwrap();
        let state = State::open(after.path()).unwrap();
        let named: Vec<u64> = state.waiting().unwrap().iter().map(|waiting| waiting.seq).collect();
        let kept = named.len() as u64;
        assert!(kept >= before, "more of the log never holds less, at {cut}");
        before = kept;
        assert_eq!(named, (1..=kept).collect::<Vec<_>>(), "at {cut}");
        assert_eq!(state.chain(AGENT).unwrap().seq, kept + 1, "at {cut}");
        let taken = state.taken("harbour-news", at_secs(0), due(RUNS)).unwrap();
        for seq in 1..=kept {
            assert!(taken[&due(seq)].ended, "what is named was settled whole, at {cut}");
            assert!(seen(&state, Lane::Poll, &seq.to_string()).unwrap().known, "at {cut}");
        }
        for (at, run) in taken.into_iter().skip(usize::try_from(kept).unwrap()) {
            assert!(run.may_go_on, "the run due at {at} has no segment and may be made, at {cut}");
        }
        (kept + 1..=RUNS).for_each(|seq| settle(&state, seq));
        assert_eq!(state.waiting().unwrap().len() as u64, RUNS, "at {cut}");
    }
    assert_eq!(before, RUNS);
}

#[test]
fn commits_are_synced_unless_they_say_otherwise() {
    let (_dir, state) = open();
    let synchronous = |db: &Connection| db.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0)).unwrap();
    let (normal, full) = (1, 2);
    assert_eq!(synchronous(&state.look()), full);
    state.begin_run("harbour-news", Lane::Poll, None, at_secs(1)).unwrap();
    assert_eq!(synchronous(&state.look()), normal);
    let walk = begin(&state, Lane::Poll);
    state.commit(&whose(walk, Lane::Poll), &mut Changes::default(), &placed(1)).unwrap();
    assert_eq!(synchronous(&state.look()), full);
}

#[test]
fn item_that_moved_to_another_scope_is_not_missing_from_that() {
    let (_dir, state) = open();
    let stands = |scope: &str| Mark { platform: Some("posts".into()), scope: Some(scope.into()), ..mark("a") };
    let walk = begin(&state, Lane::Poll);
    let mut changes = Changes { marks: vec![stands("open")], ..Changes::default() };
    state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(1)).unwrap();
    // It was read in the other list first, and then found to be missing from its own.
    let look = Look { response: "urn:uuid:1".into(), at: at_secs(30) };
    let scope = Scope { name: "open".into(), look, missed: vec!["a".into()], told: vec![], doubt: None };
    let mut changes = Changes { marks: vec![stands("closed")], scopes: vec![scope], ..Changes::default() };
    state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(2)).unwrap();
    assert_eq!(state.standing("harbour-news", Lane::Poll, "closed").unwrap(), [("a".to_owned(), Stood::Firm)]);
    assert_eq!(state.missing("harbour-news", Lane::Poll, "closed", true).unwrap(), []);
}

#[test]
fn doubt_is_kept_under_a_state_key_and_ends_where_its_address_says_that_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open_hidden(dir.path(), Some(&StateKey::new([7; 32]))).unwrap();
    state.chain(AGENT).unwrap();
    let walk = begin(&state, Lane::Poll);
    let commit = |seq: u64, mut changes: Changes| {
        state.commit(&whose(walk, Lane::Poll), &mut changes, &placed(seq)).unwrap();
        let mut stands = state.standing("harbour-news", Lane::Poll, "open").unwrap();
        stands.sort_by(|one, other| one.0.cmp(&other.0));
        (stands, state.doubt("harbour-news", Lane::Poll, "open").unwrap())
    };
    let stands = |id: &str, doubted| Mark { scope: Some("open".into()), doubted, ..mark(id) };
    let told = |id: &str, how| (id.to_owned(), how);
    let marks = vec![stands("a", false), stands("b", false)];
    let all = vec![told("a", Stood::Firm), told("b", Stood::Firm)];
    assert_eq!(commit(1, Changes { marks, ..Changes::default() }), (all.clone(), None));
    let first = Look { response: "urn:uuid:1".into(), at: at_secs(30) };
    let url = "https://news.example.org/ads.csv".to_owned();
    let doubt = Doubt { first: first.clone(), readings: 1, reader: "feed 1".into(), url: url.clone() };
    let missed = vec!["b".to_owned()];
    let scope = Scope { name: "open".into(), look: first, missed, told: vec![], doubt: Some(doubt.clone()) };
    let marks = vec![stands("a", true), stands("c", true)];
    let doubted = vec![told("a", Stood::Firm), told("b", Stood::Doubted), told("c", Stood::New)];
    let read = Changes { marks, scopes: vec![scope], ..Changes::default() };
    assert_eq!(commit(2, read), (doubted.clone(), Some(doubt.clone())));
    let unchanged = |url: &str| Changes { unchanged: vec![url.to_owned()], ..Changes::default() };
    assert_eq!(commit(3, unchanged("https://news.example.org/other.csv")), (doubted, Some(doubt)));
    assert_eq!(commit(4, unchanged(&url)), (all, None));
}
