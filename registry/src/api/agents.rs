//! What agents and the people who sign send: segments and statements.

use std::{collections::HashMap, sync::atomic::Ordering};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
};
use schemas::{Digest, receipt::ReceiptAnswer, statement::PolicyBundle};
use serde_json::{Value, json};

use super::{Desk, Refused, Role, Seat, blocking, read::only};
use crate::core::{RegistryError, ingest::PutProblem};

/// A segment. Who sent it does not matter: its manifest's signature does.
pub async fn put_segment(
    State(desk): State<Desk>,
    Path(digest): Path<String>,
    Query(given): Query<HashMap<String, String>>,
    body: Bytes,
) -> Result<Json<ReceiptAnswer>, Refused> {
    only(&given, &["from"])?;
    let digest: Digest = digest.parse().map_err(|why| Refused::bad_request(format!("{why}")))?;
    let from: u64 = match given.get("from") {
        None => 0,
        Some(size) => size.parse().map_err(|_| Refused::bad_request(format!("`from={size}` is no log size")))?,
    };
    blocking(move || {
        let counters = desk.counters();
        match desk.registry().put_segment(&digest, &body, from) {
            Ok(answer) => {
                if answer.receipt.contains("\"type\":\"receipt\"") {
                    counters.accepted.fetch_add(1, Ordering::Relaxed);
                    counters.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                } else {
                    counters.refused.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Json(answer))
            }
            Err(problem) => {
                counters.problems.fetch_add(1, Ordering::Relaxed);
                Err(put_refused(&problem))
            }
        }
    })
    .await
}

fn put_refused(problem: &PutProblem) -> Refused {
    Refused::of(problem.problem())
}

/// What agents judge by, with a fresh issue.
pub async fn policy(State(desk): State<Desk>, seat: Seat) -> Result<Json<PolicyBundle>, Refused> {
    seat.one_of(&[Role::Agent, Role::Reviewer, Role::Admin])?;
    blocking(move || {
        let bundle = desk.registry().policy_bundle().map_err(|why| registry_refused(&why))?;
        Ok(Json(bundle))
    })
    .await
}

/// Segments in the log whose files are lost: agents that still hold them send them again.
pub async fn wanted(State(desk): State<Desk>, seat: Seat) -> Result<Json<Vec<Digest>>, Refused> {
    seat.one_of(&[Role::Agent, Role::Reviewer, Role::Admin])?;
    blocking(move || {
        let found: Vec<String> = desk
            .store()
            .read(|db| {
                db.prepare("SELECT manifest FROM segments WHERE problem IS NOT NULL LIMIT 1000")?
                    .query_map([], |row| row.get(0))?
                    .collect()
            })
            .map_err(|why| Refused::internal(&why))?;
        Ok(Json(found.iter().filter_map(|digest| digest.parse().ok()).collect()))
    })
    .await
}

/// A signed statement: a note of at most 1 MiB.
pub async fn statement(State(desk): State<Desk>, seat: Seat, body: String) -> Result<Json<Value>, Refused> {
    seat.one_of(&[Role::Admin, Role::Reviewer])?;
    blocking(move || {
        let index = desk.registry().add_statement(&body).map_err(|why| registry_refused(&why))?;
        seat.audit(&desk, "statement", &format!("leaf {index}"))?;
        Ok(Json(json!({ "index": index })))
    })
    .await
}

/// Writes a backup into the folder named in the body, on the registry's own machine.
pub async fn backup(State(desk): State<Desk>, seat: Seat, body: String) -> Result<Json<Value>, Refused> {
    seat.one_of(&[Role::Admin])?;
    blocking(move || {
        seat.audit(&desk, "backup", &body)?;
        let made = desk.registry().backup(std::path::Path::new(&body)).map_err(|why| registry_refused(&why))?;
        Ok(Json(json!({ "files": made.files.len(), "size": made.size })))
    })
    .await
}

/// What the registry's core refused, as a problem.
pub fn registry_refused(why: &RegistryError) -> Refused {
    let refused = |status, code, title| Refused::new(status, code, title, chain(why));
    match why {
        _ if why.is_full() => refused(StatusCode::INSUFFICIENT_STORAGE, "disk_full", "the registry's disk is full"),
        RegistryError::Policy(_) | RegistryError::Statement { .. } => {
            refused(StatusCode::UNPROCESSABLE_ENTITY, "statement_refused", "the statement does not stand")
        }
        RegistryError::Refused { .. } => refused(StatusCode::CONFLICT, "refused", "this can't be done now"),
        other => Refused::internal(&chain(other)),
    }
}

/// An error with its sources, in one line.
pub fn chain(why: &dyn std::error::Error) -> String {
    let mut out = why.to_string();
    let mut source = why.source();
    while let Some(inner) = source {
        out.push_str(": ");
        out.push_str(&inner.to_string());
        source = inner.source();
    }
    out
}
