//! What is erased is gone from files, rows and pages, and only that.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use schemas::capture::Line;
use schemas::segment::Part;

use crate::core::Registry;
use crate::core::storage::RealDisk;
use crate::core::storage::watched::Watched;
use crate::core::store::Store as _;
use crate::core::testing::{Made, Page, Remembering, World, open};

/// Unit of the line whose record has this text.
pub(crate) fn unit_of(registry: &Registry, made: &Made, text: &str) -> u64 {
    let segment = registry.evidence().segment(&made.name).unwrap();
    let lines = segment.parts.iter().filter_map(|part| match part {
        Part::Conversion(conversion) => Some(&conversion.lines),
        _ => None,
    });
    lines
        .flatten()
        .find(|line| matches!(&line.line, Line::Record(said) if said.item.text.as_deref() == Some(text)))
        .unwrap()
        .unit
}

fn ready(registry: &Registry) {
    assert!(
        registry.wait_followed(registry.checkpoint().size, std::time::Duration::from_secs(30)),
        "{:?}",
        registry.trouble()
    );
}

/// Every byte below a folder.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_below(&path));
        } else {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

#[test]
fn an_erased_record_is_on_no_page_and_its_neighbours_stand() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let words = Arc::new(Remembering::default());
    let registry = Registry::open(world.config_with(folder.path(), Arc::new(RealDisk), words.clone())).unwrap();
    let mut agent = world.found(&registry);
    let canary = "Xanthippe9000";
    let page = Page::of(&[("1", canary), ("2", "Night ferry")]);
    let made = agent.collect(&world, &registry, std::slice::from_ref(&page));
    registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    ready(&registry);
    let line = unit_of(&registry, &made, canary);
    let segment = registry.evidence().segment(&made.name).unwrap();
    let response = segment.view().unwrap().captures[0].response.unwrap().unit;
    let index = registry.add_statement(&world.erasure(made.name, &[response, line], &["eve", "finn"])).unwrap();
    assert_eq!(index, 5);
    assert_eq!(words.0.lock().unwrap().values().cloned().collect::<Vec<_>>(), ["Night ferry"]);
    let after = registry.evidence().segment(&made.name).unwrap();
    assert_eq!(after.commitments, segment.commitments);
    drop(registry);
    let all = bytes_below(folder.path());
    assert!(!all.windows(canary.len()).any(|window| window == canary.as_bytes()), "the word is still on the disk");
    assert!(all.windows(11).any(|window| window == b"Night ferry"));
}

#[test]
fn a_revisit_that_outlives_the_payload_it_names_is_found() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let page = Page::of(&[("1", "Harbour opens")]);
    let first = agent.collect(&world, &registry, std::slice::from_ref(&page));
    let again = Page { revisit_of: Some(first.responses[0].clone()), ..page };
    let second = agent.collect(&world, &registry, &[again]);
    for made in [&first, &second] {
        registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    }
    ready(&registry);
    let segment = registry.evidence().segment(&first.name).unwrap();
    let response = segment.view().unwrap().captures[0].response.unwrap().unit;
    registry.add_statement(&world.erasure(first.name, &[response], &["eve", "finn"])).unwrap();
    assert_eq!(registry.checkpoint().size, 7, "what nobody signed for stands");
    let left = registry.findings().unwrap().join("\n");
    assert!(left.contains("repeats an answer that was erased"), "{left}");
    registry.add_statement(&world.erasure(second.name, &[response], &["eve", "finn"])).unwrap();
    assert_eq!(registry.findings().unwrap(), Vec::<String>::new());
    let other = registry.evidence().segment(&second.name).unwrap();
    assert_eq!(schemas::segment::tombstoned_units(&other).len(), 1);
    assert!(other.view().unwrap().captures[0].response.is_none());
}

#[test]
fn an_erasure_of_units_that_are_not_there_is_refused_before_it_is_logged() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let made = agent.collect(&world, &registry, &[Page::of(&[("1", "Harbour opens")])]);
    registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    assert!(registry.add_statement(&world.erasure(made.name, &[4000], &["eve", "finn"])).is_err());
    assert!(registry.add_statement(&world.erasure(made.name, &[1], &["eve"])).is_err());
    assert_eq!(registry.checkpoint().size, 5);
}

#[test]
fn any_unit_may_go_and_the_tables_are_as_if_rebuilt() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let texts = [("1", "one"), ("2", "two")];
    let first = agent.collect(&world, &registry, &[Page::of(&texts)]);
    let mut page = Page::of(&[("1", "one changed")]);
    page.gone.push("2".to_owned());
    let second = agent.collect(&world, &registry, &[page]);
    let third = agent.collect(&world, &registry, &[Page::of(&texts)]);
    for made in [&first, &second, &third] {
        registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    }
    let units = registry.evidence().segment(&first.name).unwrap().manifest.units;
    for unit in BTreeSet::from_iter(0..units) {
        registry.add_statement(&world.erasure(first.name, &[unit], &["eve", "finn"])).unwrap();
        let live = registry.store().dump_derived().unwrap();
        registry.rebuild().unwrap();
        assert_eq!(registry.store().dump_derived().unwrap(), live, "after unit {unit}");
    }
}

/// Who rewrites a segment, once asked to, waits for somebody else to begin the same, and says so.
#[derive(Default)]
struct Meeting {
    is_asked: AtomicBool,
    met: Mutex<(u32, bool)>,
    another: Condvar,
}

impl Meeting {
    fn see(&self, call: &str, path: &Path) {
        let is_segment = path.parent().is_some_and(|dir| dir.parent().is_some_and(|up| up.ends_with("segments")));
        if call == "write" && is_segment && self.is_asked.load(Ordering::SeqCst) {
            let mut met = self.met.lock().unwrap();
            met.0 += 1;
            self.another.notify_all();
            let (mut met, _) =
                self.another.wait_timeout_while(met, Duration::from_millis(500), |met| met.0 < 2).unwrap();
            met.1 |= met.0 > 1;
            met.0 -= 1;
        }
    }
}

/// Who asked for the erasure carries it out, and so does the thread that follows the log.
#[test]
fn a_segment_is_rewritten_by_one_at_a_time() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let meeting = Arc::new(Meeting::default());
    let seen = Arc::clone(&meeting);
    let disk = Watched::new(Arc::new(RealDisk), move |call, path| {
        seen.see(call, path);
        Ok(())
    });
    let registry = Registry::open(world.config(folder.path(), Arc::new(disk))).unwrap();
    let mut agent = world.found(&registry);
    let made = agent.collect(&world, &registry, &[Page::of(&[("1", "Harbour opens"), ("2", "Night ferry")])]);
    registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    let unit = unit_of(&registry, &made, "Night ferry");
    let next = agent.collect(&world, &registry, &[Page::of(&[("3", "Harbour closes")])]);
    ready(&registry);
    // The follower has something to do when the erasure comes.
    registry.put_segment(&next.name, &next.bytes, 0).unwrap();
    meeting.is_asked.store(true, Ordering::SeqCst);
    registry.add_statement(&world.erasure(made.name, &[unit], &["eve", "finn"])).unwrap();
    assert!(!meeting.met.lock().unwrap().1, "two were at it at the same time");
}
