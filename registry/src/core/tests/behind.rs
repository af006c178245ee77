//! What is answered while the index is behind, damaged, or another log's?

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Error, Transaction, ffi};
use schemas::receipt::Receipt;

use crate::core::storage::RealDisk;
use crate::core::store::{Indexed, Indexer, Store as _};
use crate::core::testing::{Agent, Page, World, open, receipt_of};
use crate::core::{Config, Registry};

/// An index that finds no room on the disk, or takes very long.
#[derive(Default)]
struct Slow {
    full: AtomicBool,
    busy: Mutex<()>,
}

impl Indexer for Slow {
    fn prepare(&self, _: &Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    fn index(&self, _: &Transaction<'_>, _: &Indexed<'_>) -> rusqlite::Result<()> {
        drop(self.busy.lock().unwrap_or_else(PoisonError::into_inner));
        if self.full.load(Ordering::SeqCst) {
            return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None));
        }
        Ok(())
    }

    fn remove(&self, _: &Transaction<'_>, _: i64) -> rusqlite::Result<()> {
        Ok(())
    }

    fn clear(&self, _: &Transaction<'_>) -> rusqlite::Result<()> {
        Ok(())
    }

    fn scrub(&self, _: &Connection) -> rusqlite::Result<()> {
        Ok(())
    }
}

fn open_slow(world: &World, folder: &Path, index: &Arc<Slow>) -> Registry {
    let index: Arc<dyn Indexer> = Arc::<Slow>::clone(index);
    Registry::open(world.config_with(folder, Arc::new(RealDisk), index)).unwrap()
}

/// The same, where segments do not wait for the index.
fn open_impatient(world: &World, folder: &Path, index: &Arc<Slow>) -> Registry {
    let index: Arc<dyn Indexer> = Arc::<Slow>::clone(index);
    let config = world.config_with(folder, Arc::new(RealDisk), index);
    Registry::open(Config { patience: Duration::from_millis(200), ..config }).unwrap()
}

fn ready(registry: &Registry) {
    let size = registry.checkpoint().size;
    assert!(registry.wait_followed(size, Duration::from_secs(30)), "{:?}", registry.trouble());
}

fn remove_index(folder: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("data/index.sqlite{end}")));
    }
}

/// Does it in another thread, so that what hangs is seen.
fn within<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let (say, said) = std::sync::mpsc::channel();
        scope.spawn(move || say.send(work()));
        said.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| {
            println!("it hangs");
            std::process::abort()
        })
    })
}

#[test]
fn segments_are_taken_while_the_index_has_no_room_and_it_says_how_far_it_is() {
    let (world, folder, index) = (World::default(), tempfile::tempdir().unwrap(), Arc::new(Slow::default()));
    let registry = open_slow(&world, folder.path(), &index);
    let mut agent = world.found(&registry);
    ready(&registry);
    index.full.store(true, Ordering::SeqCst);
    for n in 0..3 {
        let made = agent.collect(&world, &registry, &[Page::of(&[("1", &format!("text {n}"))])]);
        let answer = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
        assert_eq!(receipt_of(&answer).index(), 4 + n);
    }
    // It tries once at least.
    assert!(registry.inner.wait(7).is_err());
    assert!(registry.trouble().unwrap().contains("full"), "{:?}", registry.trouble());
    assert_eq!((registry.followed(), registry.store().followed().unwrap()), (4, 4));
    index.full.store(false, Ordering::SeqCst);
    ready(&registry);
    assert_eq!(registry.trouble(), None);
    assert_eq!(registry.table_findings().unwrap(), [""; 0]);
}

#[test]
fn nobody_waits_long_for_an_index_that_is_made_again() {
    let (world, folder, index) = (World::default(), tempfile::tempdir().unwrap(), Arc::new(Slow::default()));
    let registry = open_slow(&world, folder.path(), &index);
    let mut agent = world.found(&registry);
    let first = agent.collect(&world, &registry, &[Page::of(&[("1", "Harbour opens")])]);
    registry.put_segment(&first.name, &first.bytes, 0).unwrap();
    // What is refused leaves something to be finished at the next start.
    let twin = Agent { seq: 1, prev: None, ..agent.clone() }.segment(&world, &registry, &[Page::of(&[("9", "fork")])]);
    registry.put_segment(&twin.name, &twin.bytes, 0).unwrap();
    drop(registry);
    remove_index(folder.path());
    let busy = index.busy.lock().unwrap();
    let registry = within(|| open_impatient(&world, folder.path(), &index));
    let second = agent.collect(&world, &registry, &[Page::of(&[("2", "Night ferry")])]);
    let problem = within(|| registry.put_segment(&second.name, &second.bytes, 0).unwrap_err());
    assert_eq!(problem.code(), ("unavailable", 503));
    assert!(problem.to_string().contains("0 of 6 leaves"), "{problem}");
    within(|| registry.put_segment(&first.name, &first.bytes, 0).unwrap());
    within(|| world.enrol(&registry, &Agent::new("agent-2")));
    drop(busy);
    ready(&registry);
    let answer = registry.put_segment(&second.name, &second.bytes, 0).unwrap();
    assert!(matches!(receipt_of(&answer), Receipt::Receipt { .. }));
}

#[test]
fn an_index_of_another_log_or_no_database_is_made_again() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let collected = |folder: &Path, texts: &[&str]| {
        let registry = open(&world, folder).unwrap();
        let mut agent = world.found(&registry);
        for text in texts {
            let made = agent.collect(&world, &registry, &[Page::of(&[("1", text)])]);
            registry.put_segment(&made.name, &made.bytes, 0).unwrap();
        }
        ready(&registry);
        registry.store().dump_derived().unwrap()
    };
    let other = tempfile::tempdir().unwrap();
    collected(other.path(), &["Somebody else's harbour"]);
    let whole = collected(folder.path(), &["Harbour opens", "Harbour closes"]);
    let file = folder.path().join("data/index.sqlite");
    let all_of = |file: &Path| {
        Connection::open(file).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        std::fs::read(file).unwrap()
    };
    let damaged = all_of(&file).iter().map(|byte| !byte).collect();
    let foreign = all_of(&other.path().join("data/index.sqlite"));
    for found in [damaged, foreign, b"not a database at all".to_vec(), Vec::new()] {
        remove_index(folder.path());
        std::fs::write(&file, found).unwrap();
        let registry = open(&world, folder.path()).unwrap();
        ready(&registry);
        assert_eq!(registry.store().dump_derived().unwrap(), whole);
        assert_eq!(registry.table_findings().unwrap(), [""; 0]);
    }
}

#[test]
fn an_index_that_can_not_follow_is_rebuilt() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let mut collect = |registry: &Registry, text: &str| {
        let made = agent.collect(&world, registry, &[Page::of(&[("1", text)])]);
        registry.put_segment(&made.name, &made.bytes, 0).unwrap();
        made
    };
    collect(&registry, "Harbour opens");
    ready(&registry);
    let file = folder.path().join("data/index.sqlite");
    // A row that no release wrote stands where the next segment's has to.
    let index = Connection::open(&file).unwrap();
    index.execute_batch("INSERT INTO segments SELECT 5, 'x', agent, seq, prev, units, closed_at, checkpoint, run, entry, target, collector, policy, reader, problem FROM segments LIMIT 1").unwrap();
    drop(index);
    collect(&registry, "Harbour closes");
    assert!(registry.inner.wait(6).is_err());
    // It tries again while it is made again.
    registry.inner.wake();
    registry.rebuild().unwrap();
    assert_eq!(registry.trouble(), None);
    assert_eq!(registry.table_findings().unwrap(), [""; 0]);
    let whole = registry.store().dump_derived().unwrap();
    drop(registry);

    // A page of the file is lost.
    let index = Connection::open(&file).unwrap();
    index.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let page = "SELECT page_size, rootpage FROM pragma_page_size, sqlite_schema WHERE name = 'segments'";
    let [size, page] = index.query_row(page, [], |row| Ok([row.get::<_, u32>(0)?, row.get(1)?])).unwrap();
    drop(index);
    let mut bytes = std::fs::read(&file).unwrap();
    let from = ((page - 1) * size) as usize;
    bytes[from..from + size as usize].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let registry = open(&world, folder.path()).unwrap();
    assert!(registry.store().dump_derived().is_err());
    registry.rebuild().unwrap();
    assert_eq!(registry.store().dump_derived().unwrap(), whole);
    assert_eq!(registry.table_findings().unwrap(), [""; 0]);
}
