//! Tables dropped and made again, backups brought back.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::core::backup::{adopt_second_place, check_backup, restore};
use crate::core::storage::RealDisk;
use crate::core::store::Store as _;
use crate::core::testing::{Agent, Page, World, open, receipt_of};
use crate::core::{Registry, RegistryError};

fn ready(registry: &Registry) {
    assert!(
        registry.wait_followed(registry.checkpoint().size, std::time::Duration::from_secs(30)),
        "{:?}",
        registry.trouble()
    );
}

/// Edits, withdrawals, another reader, late arrivals, a refusal, an erasure.
fn lived(world: &World, registry: &Registry) -> Agent {
    let mut agent = world.found(registry);
    let mut made = Vec::new();
    for texts in [[("1", "one"), ("2", "two")], [("1", "one changed"), ("2", "two")], [("1", "one"), ("2", "two")]] {
        made.push(agent.collect(world, registry, &[Page::of(&texts)]));
        world.pass(SignedDuration::from_mins(15));
    }
    made.push(agent.collect(world, registry, &[Page { gone: vec!["2".to_owned()], ..Page::of(&[("3", "three")]) }]));
    made.push(agent.collect(
        world,
        registry,
        &[Page { reader_version: "0.2.0".to_owned(), ..Page::of(&[("3", "Three")]) }],
    ));
    for at in [0, 2, 1, 3, 4] {
        let made = &made[at];
        registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    }
    let fork = Agent { seq: 1, prev: None, ..agent.clone() }.segment(world, registry, &[Page::of(&[("9", "fork")])]);
    registry.put_segment(&fork.name, &fork.bytes, 0).unwrap();
    let unit = super::erasing::unit_of(registry, &made[0], "one");
    registry.add_statement(&world.erasure(made[0].name, &[unit], &["eve", "finn"])).unwrap();
    ready(registry);
    agent
}

#[test]
fn rebuilt_tables_are_the_same_to_the_last_row() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    lived(&world, &registry);
    let before = registry.store().dump_derived().unwrap();
    assert!(before.contains("\"late\"") && before.contains("\"reader\""), "{before}");
    registry.rebuild().unwrap();
    assert_eq!(registry.store().dump_derived().unwrap(), before);
    // A database lost, or both: made again at the next start.
    let mut registry = Some(registry);
    for lost in [&["registry"][..], &["index"], &["registry", "index"]] {
        drop(registry.take());
        for name in lost {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.path().join(format!("data/{name}.sqlite{end}")));
            }
        }
        let opened = open(&world, folder.path()).unwrap();
        ready(&opened);
        assert_eq!(opened.store().dump_derived().unwrap(), before, "{lost:?}");
        registry = Some(opened);
    }
}

/// What the index's file may be after a power cut: as it was some commits ago.
#[test]
fn an_index_that_was_set_back_follows_the_log_again() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let file = |end: &str| folder.path().join(format!("data/index.sqlite{end}"));
    let keep = || ["", "-wal"].map(|end| std::fs::read(file(end)).unwrap_or_default());
    let registry = open(&world, folder.path()).unwrap();
    let mut states = vec![keep()];
    let mut agent = world.found(&registry);
    for text in ["Harbour opens", "Harbour opens early", "Harbour closes"] {
        let made = agent.collect(&world, &registry, &[Page::of(&[("1", text), (text, "Ferry")])]);
        let answer = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
        agent.heard(&answer);
        ready(&registry);
        states.push(keep());
        world.pass(SignedDuration::from_mins(15));
    }
    let whole = registry.store().dump_derived().unwrap();
    drop(registry);
    for [database, journal] in states {
        std::fs::write(file(""), database).unwrap();
        std::fs::write(file("-wal"), journal).unwrap();
        let _ = std::fs::remove_file(file("-shm"));
        let registry = open(&world, folder.path()).unwrap();
        ready(&registry);
        assert_eq!(registry.store().dump_derived().unwrap(), whole);
        assert_eq!(registry.table_findings().unwrap(), [""; 0]);
    }
}

/// The data folder is an older one than the index beside it, which has followed leaves that this log does not have.
#[test]
fn an_index_of_a_longer_log_is_made_again() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let _ = world.found(&registry);
    ready(&registry);
    let whole = registry.store().dump_derived().unwrap();
    drop(registry);
    let index = rusqlite::Connection::open(folder.path().join("data/index.sqlite")).unwrap();
    index.execute_batch("UPDATE followed SET size = 99; INSERT INTO statements VALUES (98, 'root', '', '')").unwrap();
    drop(index);
    let registry = open(&world, folder.path()).unwrap();
    ready(&registry);
    assert_eq!(registry.store().dump_derived().unwrap(), whole);
}

#[test]
fn a_backup_comes_back_with_what_the_second_place_knows() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = lived(&world, &registry);
    let backup = folder.path().join("backup");
    let manifest = registry.backup(&backup).unwrap();
    assert_eq!(check_backup(&backup).unwrap(), manifest);
    assert!(registry.backup(&backup).is_err(), "never over another");

    // After the backup: a segment, and an erasure of something the backup still has.
    let later = agent.collect(&world, &registry, &[Page::of(&[("7", "after the backup")])]);
    let answer = registry.put_segment(&later.name, &later.bytes, 0).unwrap();
    let victim = registry.evidence().segments().unwrap().into_iter().find(|name| *name != later.name).unwrap();
    registry.add_statement(&world.erasure(victim, &[3], &["eve", "finn"])).unwrap();
    ready(&registry);
    let (size, dump) = (registry.checkpoint(), registry.store().dump_derived().unwrap());
    drop(registry);
    let data = folder.path().join("data");
    std::fs::remove_dir_all(&data).unwrap();

    let config = world.config(folder.path(), Arc::new(RealDisk));
    let restored = restore(&backup, &config).unwrap();
    assert_eq!((restored.backup_size, restored.size), (manifest.size, size.size));
    assert_eq!(restored.missing, [later.name]);
    assert!(restore(&backup, &config).is_err(), "never over a data folder");
    let registry = Registry::open(config).unwrap();
    assert_eq!(registry.checkpoint().note, size.note);
    let gone = schemas::segment::tombstoned_units(&registry.evidence().segment(&victim).unwrap());
    assert!(gone.iter().any(|(unit, _)| *unit == 3), "a newer erasure is carried out");
    assert!(registry.store().alarms().unwrap().iter().any(|alarm| alarm.code == "missing_segment"));
    // The agent still has the segment, and its bytes are taken again.
    let again = registry.put_segment(&later.name, &later.bytes, 0).unwrap();
    assert_eq!(receipt_of(&again).index(), receipt_of(&answer).index());
    registry.evidence().segment(&later.name).unwrap();
    registry.rebuild().unwrap();
    assert_eq!(registry.store().dump_derived().unwrap(), dump);
}

#[test]
fn a_lost_second_place_is_not_replaced_in_silence() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let _ = world.found(&registry);
    drop(registry);
    std::fs::remove_dir_all(folder.path().join("second")).unwrap();
    let refused = open(&world, folder.path()).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("holds no `highest`"), "{refused}");
    let config = world.config(folder.path(), Arc::new(RealDisk));
    adopt_second_place(&config).unwrap();
    assert!(adopt_second_place(&config).is_err());
    assert_eq!(open(&world, folder.path()).unwrap().checkpoint().size, 4);
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let _ = world.found(&registry);
    let backup = folder.path().join("backup");
    registry.backup(&backup).unwrap();
    let path = backup.join("log/checkpoint");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(check_backup(&backup).is_err());
}

/// Whoever looks in with other rights leaves nothing behind that the owner could not open.
#[test]
fn a_folder_of_somebody_else_is_left_as_it_is() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give a folder away");
        return;
    }
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65_534), None).unwrap();
    let refused = open(&world, folder.path()).map(drop).unwrap_err();
    assert!(matches!(refused, RegistryError::OtherOwner { owner: 65_534, .. }), "{refused}");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
    assert!(!folder.path().join("second").exists());
}
