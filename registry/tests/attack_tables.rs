//! Somebody can write to the database, or deletes and swaps files, but has not the log's key at hand. Whatever they write must not be signed, and must be found.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use registry::core::{
    Registry, RegistryError,
    backup::restore,
    log::LogError,
    storage::RealDisk,
    testing::{Agent, Made, ORIGIN, Page, World, key, open, receipt_of},
};
use rusqlite::Connection;
use schemas::receipt::Receipt;
use std::sync::Arc;
use tempfile::TempDir;
use verify::{FolderOptions, Outcome, check_folder};

struct Case {
    world: World,
    folder: TempDir,
    registry: Option<Registry>,
    agent: Agent,
    made: Vec<Made>,
}

/// Two versions of a record, one withdrawn, one segment with a refused capture, one erasure.
fn case() -> Case {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let mut made = Vec::new();
    for text in ["Harbour opens", "Harbour closes"] {
        let page = Page { gone: vec!["9".to_owned()], ..Page::of(&[("1", text), ("2", "Night ferry")]) };
        made.push(agent.collect(&world, &registry, &[page]));
        let last = made.last().unwrap();
        let answer = registry.put_segment(&last.name, &last.bytes, 0).unwrap();
        agent.heard(&answer);
        world.pass(jiff::SignedDuration::from_mins(15));
    }
    let twin = Agent { seq: 1, prev: None, ..agent.clone() };
    let fork = twin.segment(&world, &registry, &[Page::of(&[("5", "fork")])]);
    registry.put_segment(&fork.name, &fork.bytes, 0).unwrap();
    registry.add_statement(&world.erasure(made[0].name, &[6], &["eve", "finn"])).unwrap();
    let size = registry.checkpoint().size;
    assert!(registry.wait_followed(size, std::time::Duration::from_secs(30)));
    Case { world, folder, registry: Some(registry), agent, made }
}

impl Case {
    fn registry(&self) -> &Registry {
        self.registry.as_ref().unwrap()
    }

    fn database(&self) -> Connection {
        let kept = Connection::open(self.folder.path().join("data/registry.sqlite")).unwrap();
        let index = self.folder.path().join("data/index.sqlite");
        kept.execute("ATTACH ? AS derived", [index.to_str().unwrap()]).unwrap();
        kept
    }

    fn verdict(&self) -> verify::Report {
        let options = FolderOptions { threads: 1, ..FolderOptions::default() };
        check_folder(&self.folder.path().join("data"), &self.world.root(), &options)
    }

    /// Closes the registry, lets something be done, and opens it again.
    fn meanwhile(&mut self, act: impl FnOnce(&Self)) -> Result<(), RegistryError> {
        self.registry = None;
        act(self);
        self.registry = Some(open(&self.world, self.folder.path())?);
        Ok(())
    }
}

#[test]
fn a_sound_folder_has_no_findings() {
    let case = case();
    assert_eq!(case.registry().findings().unwrap(), Vec::<String>::new());
    assert_eq!(case.registry().table_findings().unwrap(), Vec::<String>::new());
    let verdict = case.verdict();
    assert_eq!(verdict.verdict.outcome, Outcome::Valid, "{verdict}");
}

/// A forged checkpoint as the "receipt" of a segment: asked for it, the registry would sign it with the log's key.
#[test]
fn the_log_key_signs_nothing_that_only_the_database_says() {
    let case = case();
    let name = case.made[1].name;
    let answer = case.registry().put_segment(&name, &case.made[1].bytes, 0).unwrap();
    let honest = receipt_of(&answer);
    let forged = [
        format!("{ORIGIN}\n999\n{}", tlog::EMPTY_ROOT),
        "not json".to_owned(),
        String::new(),
        // Of another leaf, with other refusals, as a refusal.
        answer.receipt.split('\n').next().unwrap().replace("\"index\":5", "\"index\":4"),
        answer.receipt.split('\n').next().unwrap().replace("\"manifest\":", "\"late\":[],\"manifest\":"),
        answer.receipt.split('\n').next().unwrap().replace("\"type\":", "\"refused\":[[2,7]],\"type\":"),
    ];
    for body in forged {
        case.database()
            .execute("UPDATE receipts SET body = ?1 WHERE manifest = ?2", (&body, name.to_string()))
            .unwrap();
        let answer = case.registry().put_segment(&name, &case.made[1].bytes, 0).unwrap();
        let note = tlog::Note::parse(answer.receipt.as_bytes()).unwrap();
        assert_ne!(note.text.trim_end(), body.trim_end(), "signed: {body}");
        let given = receipt_of(&answer);
        assert_eq!((given.manifest(), given.index()), (honest.manifest(), honest.index()));
        assert!(matches!(given, Receipt::Receipt { refused, .. } if refused.is_empty()));
    }
    assert!(tlog::Checkpoint::open(case.registry().checkpoint().note.as_bytes(), &key(ORIGIN).vkey()).is_ok());
}

/// Every derived table in turn: rows removed, a column of every row changed. All of it is found, and a rebuild brings the truth back.
#[test]
fn a_lie_in_any_derived_table_is_found_and_rebuilt_away() {
    let case = case();
    let truth = {
        use registry::core::store::Store as _;
        move |registry: &Registry| registry.store().dump_derived().unwrap()
    };
    let before = truth(case.registry());
    let tables = [
        ("segments", "entry = 'other'"),
        ("tombstones", "leaf = 1"),
        ("captures", "because = 'permitted, because somebody said so'"),
        ("sightings", "at = '2020-01-01T00:00:00Z'"),
        ("items", "home = 1 - home"),
        ("revisions", "record = replace(record, 'Harbour', 'Airport')"),
        ("withdrawals", "why = 'another reason'"),
        ("coverage", "state = 'complete', records = 7"),
        ("refusals", "code = 'clock'"),
        ("erasures", "reason = 'mistake'"),
        ("statements", "kind = 'root'"),
    ];
    for (table, lie) in tables {
        for sql in [format!("UPDATE {table} SET {lie}"), format!("DELETE FROM {table}")] {
            let changed = case.database().execute(&sql, []).unwrap();
            assert!(changed > 0, "{sql} changes nothing");
            let found = case.registry().table_findings().unwrap();
            assert!(found.iter().any(|line| line.contains(&format!("table `{table}`"))), "{sql}: {found:?}");
            case.registry().rebuild().unwrap();
            assert_eq!(truth(case.registry()), before, "{sql}");
        }
    }
}

/// Rows of leaves are compared with the log before anything is built on them.
#[test]
fn a_changed_leaf_row_is_found() {
    let mut case = case();
    let done = case.meanwhile(|case| {
        case.database()
            .execute("UPDATE leaves SET bytes = CAST(replace(CAST(bytes AS TEXT), 'agent-1', 'agent-2') AS BLOB) WHERE idx = 5", [])
            .unwrap();
    });
    assert!(matches!(done, Err(RegistryError::Log(LogError::Row { index: 5 }))));
}

/// A leaf that waits for its checkpoint is the database's word alone: a refusal of evidence that was taken in long ago must not be signed.
#[test]
fn a_pending_leaf_that_was_slipped_in_destroys_nothing() {
    use schemas::leaf::{Act, Leaf, RefusalCode};
    let mut case = case();
    let (victim, size) = (case.made[1].name, case.registry().checkpoint().size);
    let slipped = Leaf::Act(Act::Refusal {
        v: 1,
        manifest: victim,
        units: vec![[2, 4]],
        code: RefusalCode::NotPermitted,
        time: "2026-11-21T10:40Z".parse().unwrap(),
    });
    let bytes = schemas::canonical::canonical_of(&slipped).unwrap();
    let opened = case.meanwhile(|case| {
        case.database()
            .execute(
                "INSERT INTO leaves VALUES (?1, ?2, 'refusal', ?3, NULL, NULL)",
                (size as i64, bytes, victim.to_string()),
            )
            .unwrap();
    });
    let kept =
        std::fs::read(case.folder.path().join(format!("data/segments/{}/{victim}.warc.gz", &victim.to_string()[..2])))
            .unwrap();
    let segment = schemas::segment::Segment::read(&kept).unwrap();
    let gone = schemas::segment::tombstoned_units(&segment);
    assert!(opened.is_err() && gone.is_empty(), "{gone:?}");
}

/// The database says the erasure was carried out; the file still holds the words.
#[test]
fn an_erasure_that_was_never_carried_out_is_found() {
    let mut case = case();
    let path = {
        let name = case.made[0].name.to_string();
        case.folder.path().join(format!("data/segments/{}/{name}.warc.gz", &name[..2]))
    };
    let whole = case.made[0].bytes.clone();
    case.meanwhile(|_| std::fs::write(&path, &whole).unwrap()).unwrap();
    let found = case.registry().findings().unwrap();
    assert!(found.iter().any(|line| line.contains("still there")), "{found:?}");
    assert_eq!(case.verdict().verdict.outcome, Outcome::Invalid);
}

/// Files exchanged, deleted, or cut: the log names what should be there.
#[test]
fn swapped_and_missing_segments_are_found() {
    let case = case();
    let path = |made: &Made| {
        let name = made.name.to_string();
        case.folder.path().join(format!("data/segments/{}/{name}.warc.gz", &name[..2]))
    };
    let (first, second) = (path(&case.made[0]), path(&case.made[1]));
    let bytes = std::fs::read(&second).unwrap();
    std::fs::copy(&first, &second).unwrap();
    let found = case.registry().findings().unwrap();
    assert!(found.iter().any(|line| line.contains("holds something else")), "{found:?}");
    assert_eq!(case.verdict().verdict.outcome, Outcome::Invalid);
    std::fs::remove_file(&second).unwrap();
    assert!(case.registry().findings().unwrap().iter().any(|line| line.contains("is missing")));
    assert_eq!(case.verdict().verdict.outcome, Outcome::Incomplete);
    // The same manifest under a signature that is none: its name is right, and it must not be taken in place of the lost file.
    let mut forged = Vec::new();
    let mut members: Vec<_> = warc::Reader::strict(&bytes[..]).any_encoder().map(|entry| entry.unwrap()).collect();
    let mut last = members.pop().unwrap().record;
    let text = String::from_utf8(last.block.to_vec()).unwrap();
    let body = text.split("\n\n").next().unwrap();
    last.block = tlog::Note::sign(&format!("{body}\n"), &[&key("somebody")]).unwrap().to_string().into_bytes().into();
    for member in &members {
        forged.extend_from_slice(&warc::gzip_member(&member.record.to_bytes().unwrap(), 6));
    }
    forged.extend_from_slice(&warc::gzip_member(&last.to_bytes().unwrap(), 6));
    case.registry().put_segment(&case.made[1].name, &forged, 0).unwrap();
    assert!(!second.exists(), "a file with a false signature was taken");
    case.registry().put_segment(&case.made[1].name, &case.made[1].bytes, 0).unwrap();
    assert_eq!(case.registry().findings().unwrap(), Vec::<String>::new());
}

/// An old backup, and a second place that was set back with it: agents know better.
#[test]
fn a_log_that_was_set_back_is_not_signed_on() {
    let mut case = case();
    let (backup, old_second) = (case.folder.path().join("backup"), case.folder.path().join("old-second"));
    case.registry().backup(&backup).unwrap();
    let copy = std::process::Command::new("cp")
        .arg("-r")
        .arg(case.folder.path().join("second"))
        .arg(&old_second)
        .status()
        .unwrap();
    assert!(copy.success());
    let mut agent = case.agent.clone();
    let later = agent.collect(&case.world, case.registry(), &[Page::of(&[("7", "after the backup")])]);
    let answer = case.registry().put_segment(&later.name, &later.bytes, 0).unwrap();
    agent.heard(&answer);
    case.registry = None;
    // The second place deleted: nothing is signed without a person's word.
    let second = case.folder.path().join("second");
    std::fs::rename(&second, case.folder.path().join("kept-second")).unwrap();
    assert!(matches!(open(&case.world, case.folder.path()), Err(RegistryError::Log(LogError::NoHighest { .. }))));
    // Both set back: it opens, signs nothing until asked, and the first agent that comes says what it knows.
    std::fs::remove_dir_all(case.folder.path().join("data")).unwrap();
    let _ = std::fs::remove_dir_all(&second);
    std::fs::rename(&old_second, &second).unwrap();
    let config = case.world.config(case.folder.path(), Arc::new(RealDisk));
    restore(&backup, &config).unwrap();
    let registry = Registry::open(config).unwrap();
    let seen = agent.checkpoint.size;
    let problem = registry.put_segment(&later.name, &later.bytes, seen).unwrap_err();
    assert_eq!(problem.code(), ("rolled_back", 409));
}

/// Anybody may send anything: without an enrolled agent's signature nothing grows, no log and no list of alarms.
#[test]
fn strangers_leave_no_trace() {
    use registry::core::store::Store as _;
    let case = case();
    let size = case.registry().checkpoint().size;
    let stranger = Agent::new("stranger");
    let made = Agent { seq: 1, ..stranger }.segment(&case.world, case.registry(), &[Page::of(&[("1", "x")])]);
    for from in [0, 1_000, 1_001, u64::MAX] {
        assert!(case.registry().put_segment(&made.name, &made.bytes, from).is_err());
        assert!(case.registry().put_segment(&made.name, b"noise", from).is_err());
    }
    assert_eq!(case.registry().checkpoint().size, size);
    let alarms = case.registry().store().alarms().unwrap();
    assert!(alarms.iter().all(|alarm| alarm.code == "fork"), "{alarms:?}");
}

/// An agent names a size that no checkpoint ever had, whose root it can compute from the tiles, and dates a capture back before what it knew.
#[test]
fn a_size_between_checkpoints_does_not_unbind_the_clock() {
    let mut case = case();
    let registry = case.registry.take().unwrap();
    // Two leaves under one checkpoint: a segment with a refused capture.
    let before = registry.checkpoint().size;
    case.database().execute("DELETE FROM checkpoints WHERE size = ?1", [before as i64]).unwrap();
    let mut agent = case.agent.clone();
    agent.checkpoint = schemas::manifest::CheckpointRef { size: before, root: registry.checkpoint().root };
    agent.issue = Some(registry.policy_bundle().unwrap().issue);
    agent.clock_error = jiff::SignedDuration::from_mins(-25);
    case.world.pass(jiff::SignedDuration::from_mins(1));
    let made = agent.collect(&case.world, &registry, &[Page::of(&[("1", "dated back")])]);
    let receipt = receipt_of(&registry.put_segment(&made.name, &made.bytes, 0).unwrap());
    assert!(matches!(receipt, Receipt::RefusalReceipt { .. }), "{receipt:?}");
}
