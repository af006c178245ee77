//! The power is cut at every call of one act; then the machine starts again.

use std::sync::Arc;

use crate::core::Registry;
use crate::core::storage::power::{Beside, Loss, PowerDisk};
use crate::core::store::Store as _;
use crate::core::testing::{Agent, Made, Page, World, receipt_of};
use schemas::receipt::Receipt;

struct Machine {
    world: World,
    folder: tempfile::TempDir,
    disk: Arc<PowerDisk>,
}

impl Machine {
    fn new() -> Self {
        Self { world: World::default(), folder: tempfile::tempdir().unwrap(), disk: Arc::default() }
    }

    fn open(&self) -> Registry {
        Registry::open(self.world.config(self.folder.path(), self.disk.clone())).unwrap()
    }
}

fn ready(registry: &Registry) {
    assert!(
        registry.wait_followed(registry.checkpoint().size, std::time::Duration::from_secs(30)),
        "{:?}",
        registry.trouble()
    );
}

/// A machine with one segment in its log, and a second one that waits.
fn prepared() -> (Machine, Agent, Made, Made) {
    let machine = Machine::new();
    let registry = machine.open();
    let mut agent = machine.world.found(&registry);
    let first = agent.collect(&machine.world, &registry, &[Page::of(&[("1", "Harbour opens")])]);
    registry.put_segment(&first.name, &first.bytes, 0).unwrap();
    let second = agent.collect(&machine.world, &registry, &[Page::of(&[("1", "Harbour opens early"), ("2", "Ferry")])]);
    ready(&registry);
    (machine, agent, first, second)
}

#[test]
fn nothing_is_lost_or_doubled_wherever_one_ingest_is_cut() {
    // Where the power is cut in the one place, the other still makes so many calls: it has nothing, some bytes synced, some names given.
    for (loss, backwards, late) in [
        (Loss::Drop, false, 0),
        (Loss::Drop, true, 0),
        (Loss::Drop, false, 4),
        (Loss::Drop, true, 7),
        (Loss::Tear, false, 0),
        (Loss::Tear, true, 7),
        (Loss::Nothing, false, 0),
    ] {
        for cut in 1.. {
            let (machine, _, first, second) = prepared();
            machine.disk.beside(Beside { backwards, late });
            let registry = machine.open();
            let before = registry.checkpoint();
            machine.disk.cut_after(cut);
            let answer = registry.put_segment(&second.name, &second.bytes, before.size);
            let off = machine.disk.is_off();
            drop(registry);
            machine.disk.power_on(loss);

            let registry = machine.open();
            let place = format!("{loss:?} at call {cut}, {late} calls beside it, backwards: {backwards}");
            // Whoever had a checkpoint still finds its tree inside this one.
            let now = registry.checkpoint();
            let proof = registry.consistency(before.size, now.size).unwrap();
            tlog::verify_consistency(before.size, now.size, &proof, &before.root, &now.root).unwrap();
            registry.put_segment(&first.name, &first.bytes, 0).unwrap();
            let again = registry.put_segment(&second.name, &second.bytes, before.size).unwrap();
            let receipt = receipt_of(&again);
            assert_eq!(receipt.index(), 5, "{place}");
            if let Ok(answer) = answer {
                assert_eq!(answer.receipt, again.receipt, "{place}: a receipt that was given changed");
            }
            assert_eq!(registry.checkpoint().size, 6, "{place}: nothing twice");
            registry.evidence().segment(&second.name).unwrap();
            registry.inner.log.check().unwrap();
            ready(&registry);
            assert_eq!(registry.evidence().segments().unwrap().len(), 2, "{place}");
            if !off {
                assert!(cut > 20, "the cut never came");
                break;
            }
        }
    }
}

#[test]
fn a_statement_cut_anywhere_is_in_the_log_or_not_and_can_be_given_again() {
    for loss in [Loss::Drop, Loss::Nothing] {
        for cut in 1.. {
            let (machine, agent, ..) = prepared();
            let registry = machine.open();
            let note = machine.world.revocation(&agent);
            machine.disk.cut_after(cut);
            let _ = registry.add_statement(&note);
            let off = machine.disk.is_off();
            drop(registry);
            machine.disk.power_on(loss);
            let registry = machine.open();
            assert_eq!(registry.add_statement(&note).unwrap(), 5, "{loss:?} at call {cut}");
            assert_eq!(registry.checkpoint().size, 6);
            if !off {
                break;
            }
        }
    }
}

#[test]
fn an_erasure_cut_anywhere_is_finished_by_the_next_start() {
    for loss in [Loss::Drop, Loss::Tear, Loss::Nothing] {
        for cut in 1.. {
            let (machine, _, first, _) = prepared();
            let registry = machine.open();
            let unit = crate::core::tests::erasing::unit_of(&registry, &first, "Harbour opens");
            let note = machine.world.erasure(first.name, &[unit], &["eve", "finn"]);
            machine.disk.cut_after(cut);
            let done = registry.add_statement(&note);
            let off = machine.disk.is_off();
            drop(registry);
            machine.disk.power_on(loss);

            let registry = machine.open();
            let place = format!("{loss:?} at call {cut}");
            let segment = registry.evidence().segment(&first.name).unwrap();
            let gone = schemas::segment::tombstoned_units(&segment);
            let logged = registry.checkpoint().size == 6;
            assert_eq!(gone.len(), usize::from(logged), "{place}: an erasure in the log is carried out at the start");
            assert!(logged || done.is_err(), "{place}");
            assert_eq!(registry.add_statement(&note).unwrap(), 5, "{place}");
            let segment = registry.evidence().segment(&first.name).unwrap();
            assert_eq!(schemas::segment::tombstoned_units(&segment), [(unit, 5)], "{place}");
            ready(&registry);
            assert!(!registry.store().dump_derived().unwrap().contains("Harbour opens"), "{place}");
            registry.inner.log.check().unwrap();
            if !off {
                assert!(cut > 20, "the cut never came");
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_is_said_and_harms_nothing() {
    let (machine, _, _, second) = prepared();
    let registry = machine.open();
    machine.disk.fill(true);
    let problem = registry.put_segment(&second.name, &second.bytes, 0).unwrap_err();
    assert_eq!(problem.code(), ("disk_full", 507));
    machine.disk.fill(false);
    registry.put_segment(&second.name, &second.bytes, 0).unwrap();
    assert_eq!(registry.checkpoint().size, 6);
}

#[test]
fn a_disk_that_fills_in_the_middle_of_an_ingest_harms_nothing_and_spends_no_budget_twice() {
    for call in 1.. {
        let (machine, mut agent, _, second) = prepared();
        let registry = machine.open();
        let before = registry.checkpoint();
        let page = Page::of(&[("3", "Harbour closes")]);
        let third = agent.collect(&machine.world, &registry, &vec![page; 99]);
        machine.disk.fill_after(call);
        let answer = registry.put_segment(&second.name, &second.bytes, before.size);
        machine.disk.fill(false);
        let place = format!("full from call {call} on");
        if let Err(problem) = &answer {
            assert_eq!(problem.code(), ("disk_full", 507), "{place}");
        }
        let again = registry.put_segment(&second.name, &second.bytes, before.size).unwrap();
        assert_eq!((receipt_of(&again).index(), registry.checkpoint().size), (5, 6), "{place}");
        if let Ok(answer) = &answer {
            assert_eq!(answer.receipt, again.receipt, "{place}");
        }
        // A day has a hundred requests; the first two segments have one each.
        let answer = registry.put_segment(&third.name, &third.bytes, before.size).unwrap();
        let Receipt::Receipt { refused, .. } = receipt_of(&answer) else { panic!("{place}: {}", answer.receipt) };
        assert_eq!(
            refused.iter().map(|[first, last]| last - first + 1).sum::<u64>(),
            6,
            "{place}: one is beyond the day"
        );
        ready(&registry);
        registry.check().unwrap();
        assert_eq!(registry.table_findings().unwrap(), [""; 0], "{place}");
        if !machine.disk.has_failed() {
            assert!(call > 20, "it never was full");
            break;
        }
    }
}

#[test]
fn a_changed_bit_anywhere_in_truth_is_found() {
    let (machine, ..) = prepared();
    let registry = machine.open();
    registry.check().unwrap();
    drop(registry);
    let data = machine.folder.path().join("data");
    for path in machine.disk.files() {
        let inside = path.strip_prefix(&data).ok().filter(|path| !path.ends_with("format"));
        let Some(name) = inside.and_then(|path| path.to_str()) else {
            continue;
        };
        // A partial tile that a longer one covers is read by nobody at this size.
        let used = ["segments/", "statements/", "log/checkpoint", "log/tile/0/000.p/5", "log/tile/entries/000.p/5"];
        if !used.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let other = machine.disk.copy();
        let length = crate::core::storage::Disk::read(&other, &path, u64::MAX - 1).unwrap().len();
        other.flip(&path, length / 2);
        let opened = Registry::open(machine.world.config(machine.folder.path(), Arc::new(other)));
        let found = opened.and_then(|registry| registry.check());
        assert!(found.is_err(), "a flipped bit of {name} is not found");
    }
}
