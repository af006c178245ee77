//! Two at the same thing at the same time: neither spoils it, and nobody waits who need not.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use jiff::Timestamp;
use schemas::Digest;
use schemas::leaf::{Act, Leaf, RefusalCode};
use schemas::manifest::Minute;

use crate::core::backup::{adopt_second_place, restore};
use crate::core::log::Addition;
use crate::core::storage::RealDisk;
use crate::core::storage::watched::Watched;
use crate::core::testing::{Agent, Page, World, open};
use crate::core::{Config, Registry, RegistryError};

/// What may not come counts as never coming.
const LONG: Duration = Duration::from_secs(120);

/// What another program holds of the lock that is started by another thread, until it has become that program.
#[test]
fn a_folder_is_free_once_its_registry_is_closed() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    assert!(matches!(open(&world, folder.path()), Err(RegistryError::InUse { .. })));
    let inherited = registry.inner._locks.0.copy().unwrap();
    drop(registry);
    open(&world, folder.path()).unwrap();
    drop(inherited);
}

/// The checkpoint that a backup is of has partial tiles, which go when a segment fills them.
#[test]
fn a_backup_is_whole_though_the_tiles_fill_up_meanwhile() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let (is_asked, fill) = (Arc::new(AtomicBool::new(false)), Arc::new(OnceLock::<Box<dyn Fn() + Send + Sync>>::new()));
    let disk = {
        let (is_asked, fill) = (Arc::clone(&is_asked), Arc::clone(&fill));
        Watched::new(Arc::new(RealDisk), move |call, path| {
            let partial = path.to_string_lossy().contains(".p");
            if partial && matches!(call, "read" | "list") && is_asked.swap(false, Ordering::SeqCst) {
                fill.get().unwrap()();
            }
            Ok(())
        })
    };
    let registry = Arc::new(Registry::open(world.config(folder.path(), Arc::new(disk))).unwrap());
    let _ = world.found(&registry);
    let refused = |of: std::ops::Range<u64>| Addition {
        leaves: of
            .map(|n| {
                let manifest = Digest::of(&n.to_be_bytes());
                let (code, time) = (RefusalCode::Broken, Minute::of("2026-11-21T10:00:00Z".parse().unwrap()));
                Leaf::Act(Act::Refusal { v: 1, manifest, units: Vec::new(), code, time })
            })
            .collect(),
        prepare: None,
        receipts: None,
    };
    registry.inner.log.add(refused(0..200)).unwrap();
    let weak: Weak<Registry> = Arc::downgrade(&registry);
    let filled = fill.set(Box::new(move || {
        weak.upgrade().unwrap().inner.log.add(refused(200..400)).unwrap();
    }));
    assert!(filled.is_ok());
    is_asked.store(true, Ordering::SeqCst);
    let backup = folder.path().join("backup");
    let made = registry.backup(&backup).unwrap();
    assert!(made.size < 256 && registry.checkpoint().size > 256, "{} {}", made.size, registry.checkpoint().size);

    let other = tempfile::tempdir().unwrap();
    let config = world.config(other.path(), Arc::new(RealDisk));
    assert_eq!(restore(&backup, &config).unwrap().size, made.size);
    adopt_second_place(&config).unwrap();
    let again = Registry::open(config).unwrap();
    assert_eq!(again.checkpoint().size, made.size);
    again.check().unwrap();
}

#[test]
fn segments_are_taken_while_a_statement_waits_for_a_backup() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let is_asked = Arc::new(AtomicBool::new(false));
    let (begun, has_begun) = sync_channel(1);
    let (go_on, may_go_on) = channel::<()>();
    let disk = {
        let (is_asked, may_go_on) = (Arc::clone(&is_asked), Mutex::new(may_go_on));
        Watched::new(Arc::new(RealDisk), move |call, path| {
            if call == "list" && path.ends_with("segments") && is_asked.swap(false, Ordering::SeqCst) {
                begun.send(()).unwrap();
                let _ = may_go_on.lock().unwrap().recv();
            }
            Ok(())
        })
    };
    let registry = Registry::open(world.config(folder.path(), Arc::new(disk))).unwrap();
    let mut agent = world.found(&registry);
    is_asked.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let backup = scope.spawn(|| registry.backup(&folder.path().join("backup")).map(drop));
        has_begun.recv().unwrap();
        let statement = scope.spawn(|| world.enrol(&registry, &Agent::new("agent-2")));
        let (say, said) = channel();
        let (registry, world, agent) = (&registry, &world, &mut agent);
        scope.spawn(move || {
            // Whenever the statement has come as far as it can.
            for n in 0..6 {
                let made = agent.collect(world, registry, &[Page::of(&[("1", &n.to_string())])]);
                let answer = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
                agent.heard(&answer);
            }
            say.send(()).unwrap();
        });
        let taken = said.recv_timeout(LONG);
        let waits = !statement.is_finished();
        drop(go_on);
        backup.join().unwrap().unwrap();
        statement.join().unwrap();
        assert!(taken.is_ok(), "segments wait for the backup");
        assert!(waits, "a statement does not wait");
    });
}

/// A copy of the data folder that was started somewhere else, on the same second place.
#[test]
fn two_registries_on_one_second_place_sign_one_log() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let agent = world.found(&registry);
    let [one, other] = ["Harbour opens", "Harbour closes"]
        .map(|text| agent.clone().collect(&world, &registry, &[Page::of(&[("1", text)])]));
    let backup = folder.path().join("backup");
    registry.backup(&backup).unwrap();
    drop(registry);
    let copy = tempfile::tempdir().unwrap();
    let config = world.config(copy.path(), Arc::new(RealDisk));
    restore(&backup, &config).unwrap();
    let config = Config { second: folder.path().join("second"), ..config };

    let met = Arc::new(Mutex::new(None));
    let hook: Arc<Mutex<Option<Meet>>> = Arc::default();
    let disk = {
        let hook = Arc::clone(&hook);
        Watched::new(Arc::new(RealDisk), move |call, path| {
            // It has compared, and is about to write.
            if call == "write" && path.to_string_lossy().contains("/highest") {
                let meet = hook.lock().unwrap().take();
                meet.into_iter().for_each(|meet| meet());
            }
            Ok(())
        })
    };
    let registry = Registry::open(world.config(folder.path(), Arc::new(disk))).unwrap();
    let told = Arc::clone(&met);
    *hook.lock().unwrap() = Some(Box::new(move || {
        let signed = Registry::open(config).and_then(|copy| {
            copy.put_segment(&other.name, &other.bytes, 0).map_err(|why| RegistryError::refused(why.to_string()))
        });
        *told.lock().unwrap() = Some(signed.map(|answer| answer.checkpoint));
    }));
    let first = registry.put_segment(&one.name, &one.bytes, 0).unwrap().checkpoint;
    let second = met.lock().unwrap().take().unwrap();
    assert!(matches!(second, Err(RegistryError::SecondInUse { .. })), "signed both: {first} {second:?}");
}

#[test]
fn a_folder_that_is_being_restored_is_nobody_elses() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let _ = world.found(&registry);
    let backup = folder.path().join("backup");
    registry.backup(&backup).unwrap();
    drop(registry);
    std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    let met = Arc::new(Mutex::new(Vec::new()));
    let disk = {
        let (met, service) = (Arc::clone(&met), world.config(folder.path(), Arc::new(RealDisk)));
        Watched::new(Arc::new(RealDisk), move |call, _| {
            if call == "rename" {
                let opened = Registry::open(service.clone()).map(drop);
                met.lock().unwrap().push(opened.map_err(|why| matches!(why, RegistryError::InUse { .. })));
            }
            Ok(())
        })
    };
    let config = world.config(folder.path(), Arc::new(disk));
    restore(&backup, &config).unwrap();
    let met = met.lock().unwrap();
    assert!(!met.is_empty() && met.iter().all(|opened| *opened == Err(true)), "{met:?}");
    drop(open(&world, folder.path()).unwrap());
}

type Meet = Box<dyn FnOnce() + Send>;

/// The row was lost, and the agent asks twice at once: the clock of one is asked when the other has been answered.
#[test]
fn a_receipt_that_is_made_again_twice_at_once_says_one_time() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let hook: Arc<Mutex<Option<Meet>>> = Arc::default();
    let seconds = Arc::new(AtomicI64::new(world.now().as_second()));
    let clock = {
        let (hook, seconds) = (Arc::clone(&hook), Arc::clone(&seconds));
        Arc::new(move || {
            let meet = hook.lock().unwrap().take();
            meet.into_iter().for_each(|meet| meet());
            Timestamp::from_second(seconds.fetch_add(60, Ordering::SeqCst)).unwrap()
        })
    };
    let config = Config { clock, ..world.config(folder.path(), Arc::new(RealDisk)) };
    let registry = Arc::new(Registry::open(config).unwrap());
    let mut agent = world.found(&registry);
    let made = agent.collect(&world, &registry, &[Page::of(&[("1", "Harbour opens")])]);
    registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    registry.store().write(|tx| tx.execute("DELETE FROM receipts", [])).unwrap();
    let other = Arc::new(Mutex::new(None));
    let (weak, told) = (Arc::downgrade(&registry), Arc::clone(&other));
    let (name, bytes) = (made.name, made.bytes.clone());
    *hook.lock().unwrap() = Some(Box::new(move || {
        *told.lock().unwrap() = Some(weak.upgrade().unwrap().put_segment(&name, &bytes, 0).unwrap());
    }));
    let one = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    let other = other.lock().unwrap().take().unwrap();
    assert_eq!(one.receipt, other.receipt);
}
