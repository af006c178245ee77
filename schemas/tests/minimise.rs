//! Does minimising keep what the entry names, the identity, and nothing else?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use schemas::{
    minimise::{IDENTITY_FIELDS, OTHER_FIELDS, PERSON_FIELDS, RECORD_FIELDS, minimise},
    permission::Entry,
    record::Record,
};
use serde::Deserialize;

mod policy_world;

/// A row of `vectors/minimise.jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    fields: Option<Vec<String>>,
    record: Record,
    kept: Record,
    dropped: Vec<String>,
}

fn rows() -> Vec<Row> {
    let text = include_str!("../vectors/minimise.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn entry(fields: Option<Vec<String>>) -> Entry {
    Entry { fields, ..policy_world::entry("news") }
}

#[test]
fn every_row_is_minimised_as_written() {
    for row in rows() {
        let found = minimise(row.record.clone(), &entry(row.fields), None);
        assert_eq!(found.record, row.kept, "{}", row.name);
        assert_eq!(found.dropped, row.dropped, "{}", row.name);
    }
}

/// What the schema of the type says a record may hold.
fn fields_of_the_type() -> BTreeSet<String> {
    let schema = schemars::schema_for!(Record).to_value();
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_field_of_a_record_is_on_one_list() {
    let of = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    let (persons, others) = (of(&PERSON_FIELDS), of(&OTHER_FIELDS));
    let both: Vec<_> = persons.intersection(&others).collect();
    assert!(both.is_empty(), "on both lists: {both:?}");
    let all: BTreeSet<String> = persons.union(&others).cloned().collect();
    assert_eq!(all, fields_of_the_type(), "decide whether the new field can name a person, and put it on that list");
    assert_eq!(of(&RECORD_FIELDS), fields_of_the_type());
}

#[test]
fn the_vectors_hold_every_field_once_full() {
    let full = rows().into_iter().find(|row| row.name == "everything, no list").unwrap();
    let value = serde_json::to_value(&full.record).unwrap();
    let held: BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
    assert_eq!(held, fields_of_the_type());
}

proptest! {
    #[test]
    fn what_is_left_is_named_and_what_is_named_is_left(named in prop::collection::btree_set(prop::sample::select(RECORD_FIELDS.to_vec()), 0..22)) {
        let full = rows().remove(0).record;
        let entry = entry(Some(named.iter().map(|name| (*name).to_owned()).collect()));
        let found = minimise(full.clone(), &entry, None);
        let left: BTreeSet<String> = serde_json::to_value(&found.record).unwrap().as_object().unwrap().keys().cloned().collect();
        for name in RECORD_FIELDS {
            let kept = named.contains(name) || IDENTITY_FIELDS.contains(&name);
            prop_assert_eq!(left.contains(name), kept);
            prop_assert_eq!(found.dropped.iter().any(|dropped| dropped == name), !kept);
        }
        prop_assert!(found.dropped.is_sorted());
        let again = minimise(found.record.clone(), &entry, None);
        prop_assert_eq!(again.record, found.record);
        prop_assert!(again.dropped.is_empty());
    }
}
