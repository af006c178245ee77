//! How do people without Rust read what is stored? JSON Schemas (draft 2020-12), generated from the types.
//!
//! `cargo run -p schemas --example write-schemas` writes them to `json/`; a test compares.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use crate::{
    capture::{Commit, Exchange, Failed, Line, Refused, Run, Tombstone, Vanished},
    coverage::Coverage,
    gate::{Decision, GateAsk, RobotsCopy},
    leaf::Leaf,
    manifest::Manifest,
    permission::Allowlist,
    problem::Problem,
    receipt::{Receipt, ReceiptAnswer},
    record::Record,
    statement::{PolicyBundle, PolicyIssue, Statement},
    trust::TrustRoot,
};

/// Every schema by its name, ascending; the file is `<name>.schema.json`.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("allowlist", of::<Allowlist>("allowlist")),
        ("commit", of::<Commit>("commit")),
        ("coverage", of::<Coverage>("coverage")),
        ("decision", of::<Decision>("decision")),
        ("exchange", of::<Exchange>("exchange")),
        ("failed", of::<Failed>("failed")),
        ("gate-ask", of::<GateAsk>("gate-ask")),
        ("leaf", of::<Leaf>("leaf")),
        ("line", stored_line()),
        ("manifest", of::<Manifest>("manifest")),
        ("policy-bundle", of::<PolicyBundle>("policy-bundle")),
        ("policy-issue", of::<PolicyIssue>("policy-issue")),
        ("problem", of::<Problem>("problem")),
        ("receipt", of::<Receipt>("receipt")),
        ("receipt-answer", of::<ReceiptAnswer>("receipt-answer")),
        ("record", of::<Record>("record")),
        ("refused", of::<Refused>("refused")),
        ("robots-copy", of::<RobotsCopy>("robots-copy")),
        ("run", of::<Run>("run")),
        ("statement", of::<Statement>("statement")),
        ("tombstone", of::<Tombstone>("tombstone")),
        ("trust-root", of::<TrustRoot>("trust-root")),
        ("vanished", of::<Vanished>("vanished")),
    ]
}

/// The text of a schema's file: indented JSON and a line feed.
#[must_use]
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn of<T: JsonSchema>(name: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), Value::String(format!("urn:vigie:schema:{name}:1")));
    schema.to_value()
}

/// A line as stored: what a reader says, with the salt that only the stored form has. A tombstone has none.
fn stored_line() -> Value {
    let mut schema = of::<Line>("line");
    let salt = serde_json::json!({
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "32 random bytes that blind the line's commitment",
    });
    let kinds = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for kind in kinds.into_iter().flatten() {
        let members = kind.get_mut("properties").and_then(Value::as_object_mut);
        let Some(members) = members.filter(|members| !members.contains_key("tombstone")) else {
            continue;
        };
        members.insert("salt".to_owned(), salt.clone());
        if let Some(required) = kind.get_mut("required").and_then(Value::as_array_mut) {
            required.push(Value::String("salt".to_owned()));
        }
    }
    schema
}
