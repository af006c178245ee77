//! Are the committed JSON Schemas those of the types?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
    let found: BTreeSet<String> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let all = schemas::jsonschema::all();
    let wanted: BTreeSet<String> = all.iter().map(|(name, _)| format!("{name}.schema.json")).collect();
    assert_eq!(found, wanted, "run `cargo run -p schemas --example write-schemas`");
    for (name, schema) in all {
        let committed = fs::read_to_string(folder.join(format!("{name}.schema.json"))).unwrap();
        assert!(
            committed == schemas::jsonschema::text(&schema),
            "`{name}` differs from its type: run `cargo run -p schemas --example write-schemas`, and think of the format version"
        );
    }
}

#[test]
fn every_schema_says_which_it_is_and_explains_its_members() {
    for (name, schema) in schemas::jsonschema::all() {
        assert_eq!(schema["$id"], format!("urn:vigie:schema:{name}:1"));
        assert!(schema["description"].is_string(), "{name}");
    }
}

#[test]
fn every_stored_line_but_a_tombstone_has_a_salt() {
    let all = schemas::jsonschema::all();
    let (_, line) = all.iter().find(|(name, _)| *name == "line").unwrap();
    let kinds = line["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), 6);
    for kind in kinds {
        let salted = kind["properties"].get("salt").is_some();
        let tombstone = kind["properties"].get("tombstone").is_some();
        assert_eq!(salted, !tombstone, "{kind}");
        assert_eq!(kind["required"].as_array().unwrap().len(), 1 + usize::from(salted));
    }
}
