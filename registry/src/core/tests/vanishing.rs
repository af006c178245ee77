//! What left a source that is published whole is a third fact, of the items that its agent had seen there, and of no others.

use jiff::{SignedDuration, Timestamp};
use schemas::Digest;
use schemas::segment::tombstoned_units;
use serde_json::{Value, json};

use crate::core::Registry;
use crate::core::store::Store as _;
use crate::core::testing::{Agent, Made, Page, World, open, receipt_of};
use crate::desk::{self, RecordId};

fn ready(registry: &Registry) {
    assert!(
        registry.wait_followed(registry.checkpoint().size, std::time::Duration::from_secs(30)),
        "{:?}",
        registry.trouble()
    );
}

/// A list with these items.
fn list(ids: &[&str]) -> Page {
    let items: Vec<_> = ids.iter().map(|id| (*id, "Listed")).collect();
    Page { snapshot: Some("list".to_owned()), ..Page::of(&items) }
}

/// A reading kept by the registry: record id and date of its answer.
type Look = (String, Timestamp);

/// Collects a list, in which `vanished` are told missing since `before`.
fn look(
    (world, registry): (&World, &Registry),
    agent: &mut Agent,
    ids: &[&str],
    vanished: &[&str],
    before: Option<&Look>,
) -> (Made, Look) {
    let gone = |id: &&str| before.map(|(response, at)| ((*id).to_owned(), response.clone(), *at));
    let page = Page { vanished: vanished.iter().filter_map(gone).collect(), ..list(ids) };
    let made = agent.collect(world, registry, &[page]);
    let answer = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    agent.heard(&answer);
    ready(registry);
    let look = (made.responses[0].clone(), world.now());
    world.pass(SignedDuration::from_hours(1));
    (made, look)
}

/// Whether an item is missing now, how many revisions it has, and of each vanishing whether the item is back.
fn told(registry: &Registry, id: &str) -> Value {
    let item = |db: &rusqlite::Connection| {
        let native = format!("news.example.org|{id}");
        db.query_row("SELECT first, vanished FROM items WHERE native = ?", [native], |row| {
            Ok((desk::item(db, RecordId::of_row(row.get(0)?))?.unwrap(), row.get::<_, bool>(1)?))
        })
    };
    let (item, missing) = registry.store().read(item).unwrap();
    let back: Vec<bool> = item.vanished.iter().map(|gone| gone.back_at.is_some()).collect();
    assert!(!item.gone, "nothing was withdrawn");
    json!([missing, item.revisions.len(), back])
}

/// The tables are those that the log gives.
fn remade(registry: &Registry) {
    assert_eq!(registry.table_findings().unwrap(), [""; 0]);
    let before = registry.store().dump_derived().unwrap();
    registry.rebuild().unwrap();
    assert_eq!(registry.store().dump_derived().unwrap(), before);
}

#[test]
fn item_is_missing_until_it_is_seen_again_and_never_a_revision() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let here = (&world, &registry);
    look(here, &mut agent, &["1", "2", "3"], &[], None);
    let (_, before) = look(here, &mut agent, &["1"], &[], None);
    look(here, &mut agent, &["1"], &["2", "3"], Some(&before));
    assert_eq!([told(&registry, "1"), told(&registry, "2")], [json!([false, 1, []]), json!([true, 1, [false]])]);
    remade(&registry);
    look(here, &mut agent, &["1", "2"], &[], None);
    assert_eq!([told(&registry, "2"), told(&registry, "3")], [json!([false, 1, [true]]), json!([true, 1, [false]])]);
    look(here, &mut agent, &["1", "2"], &[], None);
    let (_, before) = look(here, &mut agent, &["1"], &[], None);
    look(here, &mut agent, &["1"], &["2"], Some(&before));
    assert_eq!(told(&registry, "2"), json!([true, 1, [true, false]]));
    remade(&registry);
    assert_eq!(registry.findings().unwrap(), [""; 0]);
}

#[test]
fn nobody_makes_vanish_what_another_reported() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let mut other = Agent::new("pier");
    world.enrol(&registry, &other);
    let here = (&world, &registry);
    look(here, &mut agent, &["1", "2"], &[], None);
    // The same host, the same target, another agent: it never saw either.
    let (_, before) = look(here, &mut other, &["9"], &[], None);
    look(here, &mut other, &["9"], &["1", "2"], Some(&before));
    assert_eq!([told(&registry, "1"), told(&registry, "2")], [json!([false, 1, []]), json!([false, 1, []])]);
    remade(&registry);
    // What the other sees there afterwards is there.
    let (_, before) = look(here, &mut agent, &["1"], &[], None);
    look(here, &mut agent, &["1"], &["2"], Some(&before));
    assert_eq!(told(&registry, "2"), json!([true, 1, [false]]));
    look(here, &mut other, &["2"], &[], None);
    assert_eq!(told(&registry, "2"), json!([false, 1, [true]]));
    remade(&registry);
}

#[test]
fn claim_that_its_own_reading_contradicts_is_refused_alone() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let here = (&world, &registry);
    look(here, &mut agent, &["1", "2"], &[], None);
    let (_, before) = look(here, &mut agent, &["1"], &[], None);
    let (made, _) = look(here, &mut agent, &["1", "new"], &["1", "2"], Some(&before));
    let segment = registry.evidence().segment(&made.name).unwrap();
    let view = segment.view().unwrap();
    assert_eq!(tombstoned_units(&segment).len(), 1);
    assert_eq!(view.vanished.len(), 1);
    assert!(view.captures[0].conversion.is_some(), "what was answered and read stands");
    assert_eq!([told(&registry, "1"), told(&registry, "2")], [json!([false, 1, []]), json!([true, 1, [false]])]);
    assert_eq!(told(&registry, "new"), json!([false, 1, []]));
    let answer = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    assert!(receipt_of(&answer).index() > 0, "it is a receipt, of a segment that is kept");
    remade(&registry);
}

#[test]
fn erasing_an_item_takes_what_says_that_it_vanished() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let mut agent = world.found(&registry);
    let here = (&world, &registry);
    let (first, _) = look(here, &mut agent, &["1", "zyxcanary", "3"], &[], None);
    let (_, before) = look(here, &mut agent, &["1"], &[], None);
    let (last, _) = look(here, &mut agent, &["1"], &["zyxcanary", "3"], Some(&before));
    let id = super::erasing::unit_of(&registry, &first, "Listed") + 1;
    let named = registry
        .store()
        .read(|db| {
            let leaf =
                db.query_row("SELECT idx FROM segments WHERE manifest = ?", [first.name.to_string()], |row| {
                    row.get::<_, i64>(0)
                })?;
            let named = crate::erasing::units_of(db, RecordId { leaf: leaf.unsigned_abs(), unit: id }).unwrap();
            let claim = "SELECT id FROM vanishings WHERE native LIKE '%zyxcanary'";
            let claim = RecordId::of_row(db.query_row(claim, [], |row| row.get(0))?);
            assert_eq!(crate::erasing::units_of(db, claim).unwrap(), named, "by whichever unit it is named");
            Ok(named)
        })
        .unwrap();
    assert_eq!(named.keys().copied().collect::<Vec<Digest>>().len(), 2, "{named:?}");
    let claim = &named[&last.name];
    for (manifest, units) in &named {
        registry.add_statement(&world.erasure(*manifest, units, &["eve", "finn"])).unwrap();
    }
    ready(&registry);
    let kept = registry.evidence().segment(&last.name).unwrap();
    assert_eq!(tombstoned_units(&kept).into_iter().map(|(unit, _)| unit).collect::<Vec<_>>(), *claim);
    assert_eq!(kept.view().unwrap().vanished.len(), 1, "what it says of the other stands");
    assert_eq!(told(&registry, "3"), json!([true, 1, [false]]));
    assert!(!registry.store().dump_derived().unwrap().contains("zyxcanary"));
    for file in registry.evidence().segments().unwrap() {
        let bytes = registry.evidence().segment_bytes(&file).unwrap();
        let said: Vec<u8> = warc::Reader::lenient(&bytes[..]).flatten().flat_map(|entry| entry.raw).collect();
        assert!(!said.windows(9).any(|window| window == b"zyxcanary"));
    }
    remade(&registry);
    assert_eq!(registry.findings().unwrap(), [""; 0]);
}
