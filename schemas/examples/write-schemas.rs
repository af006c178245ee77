//! Writes the JSON Schemas of all stored types to `schemas/json/`.

use std::{fs, path::Path};

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
    fs::create_dir_all(&folder)?;
    for (name, schema) in schemas::jsonschema::all() {
        let text = schemas::jsonschema::text(&schema);
        fs::write(folder.join(format!("{name}.schema.json")), text)?;
    }
    Ok(())
}
