//! What can be asked, in OpenAPI 3.1: one table of calls, and the JSON Schemas of what they carry.

use axum::Json;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// One call.
struct Call {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// Names of query parameters; a `!` at the end: required.
    query: &'static [&'static str],
    /// Media type of a request body.
    takes: Option<&'static str>,
    /// Media type of the answer.
    gives: &'static str,
    /// Name of the answer's schema below `components`.
    schema: Option<&'static str>,
    /// Who may: roles, beside somebody on the machine itself.
    roles: &'static str,
}

const JSON: &str = "application/json";

const CALLS: &[Call] = &[
    Call {
        method: "put",
        path: "/v1/segments/{digest}",
        summary: "Hand in a segment; the answer is a receipt or a refusal receipt, the same for the same segment",
        query: &["from"],
        takes: Some("application/warc"),
        gives: JSON,
        schema: Some("ReceiptAnswer"),
        roles: "whoever holds the key of an enrolled agent",
    },
    Call {
        method: "get",
        path: "/v1/segments/{digest}",
        summary: "A segment as it is kept now",
        query: &[],
        takes: None,
        gives: "application/warc",
        schema: None,
        roles: "reviewer",
    },
    Call {
        method: "get",
        path: "/v1/policy",
        summary: "What agents judge by, with a fresh issue",
        query: &[],
        takes: None,
        gives: JSON,
        schema: Some("PolicyBundle"),
        roles: "agent, reviewer, admin",
    },
    Call {
        method: "get",
        path: "/v1/wanted",
        summary: "Digests of segments in the log whose files are lost; agents that still hold them send them again",
        query: &[],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "agent, reviewer, admin",
    },
    Call {
        method: "get",
        path: "/v1/checkpoint",
        summary: "The newest checkpoint (C2SP tlog-checkpoint)",
        query: &[],
        takes: None,
        gives: "text/plain",
        schema: None,
        roles: "everybody",
    },
    Call {
        method: "get",
        path: "/v1/proofs/consistency",
        summary: "Consistency proof between two log sizes, hashes in base64",
        query: &["from!", "to!"],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "everybody",
    },
    Call {
        method: "get",
        path: "/v1/proofs/inclusion",
        summary: "Inclusion proof of a leaf, hashes in base64",
        query: &["index!", "size!"],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "everybody",
    },
    Call {
        method: "get",
        path: "/log/{path}",
        summary: "Tiles and entry bundles (C2SP tlog-tiles)",
        query: &[],
        takes: None,
        gives: "application/octet-stream",
        schema: None,
        roles: "reviewer, witness; everybody where the log is public",
    },
    Call {
        method: "post",
        path: "/v1/statements",
        summary: "Hand in a signed statement; the answer is the index of its leaf",
        query: &[],
        takes: Some("text/plain"),
        gives: JSON,
        schema: None,
        roles: "admin, reviewer",
    },
    Call {
        method: "post",
        path: "/v1/backup",
        summary: "Write a backup into a new folder on the registry's own machine; the body names it",
        query: &[],
        takes: Some("text/plain"),
        gives: JSON,
        schema: None,
        roles: "admin",
    },
    Call {
        method: "get",
        path: "/v1/search",
        summary: "Find records; `min_size` waits until the index is complete to that log size",
        query: &["q", "limit", "cursor", "facets", "min_size"],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/records/{id}",
        summary: "One record with its history",
        query: &[],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/records/{id}/trace",
        summary: "Where a record comes from, checked",
        query: &[],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/records/{id}/bundle",
        summary: "Everything that proves a record, for vigie-verify",
        query: &[],
        takes: None,
        gives: "application/x-tar",
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/records/{id}/evidence",
        summary: "What a record was read from, byte for byte: `part` is `body`, `answer` (with its head) or `robots`",
        query: &["part"],
        takes: None,
        gives: "application/octet-stream",
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/sources",
        summary: "All entries with approvals and state",
        query: &[],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/coverage",
        summary: "What was looked at under an entry, and what was missed",
        query: &["entry!", "from", "to"],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/denials",
        summary: "What was refused, newest first",
        query: &["entry", "code", "limit"],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/agents",
        summary: "The agents and their chains",
        query: &[],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "analyst, reviewer",
    },
    Call {
        method: "get",
        path: "/v1/openapi.json",
        summary: "This document",
        query: &[],
        takes: None,
        gives: JSON,
        schema: None,
        roles: "everybody",
    },
    Call {
        method: "get",
        path: "/healthz",
        summary: "The process answers",
        query: &[],
        takes: None,
        gives: "text/plain",
        schema: None,
        roles: "everybody",
    },
    Call {
        method: "get",
        path: "/readyz",
        summary: "The log and the tables answer",
        query: &[],
        takes: None,
        gives: "text/plain",
        schema: None,
        roles: "everybody",
    },
    Call {
        method: "get",
        path: "/metrics",
        summary: "Counters, Prometheus text format",
        query: &[],
        takes: None,
        gives: "text/plain",
        schema: None,
        roles: "everybody",
    },
];

/// The document.
pub async fn document() -> Json<Value> {
    Json(describe())
}

fn describe() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for call in CALLS {
        let at = paths.entry(call.path).or_insert_with(|| json!({}));
        if let Some(at) = at.as_object_mut() {
            at.insert(call.method.to_owned(), operation(call));
        }
    }
    let mut generator = SchemaGenerator::default();
    generator.subschema_for::<schemas::problem::Problem>();
    generator.subschema_for::<schemas::receipt::ReceiptAnswer>();
    generator.subschema_for::<schemas::statement::PolicyBundle>();
    let text = serde_json::to_string(&generator.take_definitions(true))
        .unwrap_or_default()
        .replace("#/$defs/", "#/components/schemas/");
    let schemas: Value = serde_json::from_str(&text).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Vigie registry", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0" },
            "description": "Every error is problem details (RFC 9457). Unknown parameters are refused. Over loopback no token is needed." },
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
        "security": [{ "token": [] }, {}],
    })
}

fn operation(call: &Call) -> Value {
    let in_path = call.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(call.query.iter().map(|name| {
        json!({ "name": name.trim_end_matches('!'), "in": "query", "required": name.ends_with('!'), "schema": { "type": "string" } })
    }));
    let schema =
        call.schema.map_or_else(|| json!({}), |name| json!({ "$ref": format!("#/components/schemas/{name}") }));
    let mut operation = json!({
        "summary": call.summary,
        "description": format!("For: {}.", call.roles),
        "parameters": parameters,
        "responses": {
            "200": { "description": "done", "content": { call.gives: { "schema": schema } } },
            "default": { "description": "a problem", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } },
        },
    });
    if let (Some(takes), Some(object)) = (call.takes, operation.as_object_mut()) {
        object.insert("requestBody".to_owned(), json!({ "required": true, "content": { takes: {} } }));
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_every_reference_resolves() {
        let document = describe();
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(document["components"]["schemas"].get(&name).is_some(), "{name} is not described");
        }
        let routes = include_str!("mod.rs");
        for line in routes.lines().filter(|line| line.contains(".route(\"")) {
            let path = line.split('"').nth(1).unwrap().replace("{*path}", "{path}");
            assert!(document["paths"].get(&path).is_some(), "{path} is not described");
        }
    }
}
