//! What agents and the people who sign send: segments and statements.

use std::{collections::HashMap, sync::atomic::Ordering};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::HeaderMap,
};
use schemas::{Digest, receipt::ReceiptAnswer, statement::PolicyBundle};
use serde_json::{Value, json};

use super::{Desk, Refused, Role, Seat, blocking, parameters::only, problem::registry_refused};
use crate::{core::ingest::PutProblem, desk::lost};

/// A segment. Who sent it does not matter: its manifest's signature does.
pub async fn put_segment(
    State(desk): State<Desk>,
    Path(digest): Path<String>,
    Query(given): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ReceiptAnswer>, Refused> {
    only(&given, &["from"])?;
    let digest: Digest = digest.parse().map_err(|why| Refused::bad_request(format!("{why}")))?;
    let from: u64 = match given.get("from") {
        None => 0,
        Some(size) => size.parse().map_err(|_| Refused::bad_request(format!("`from={size}` is no log size")))?,
    };
    let sent = match headers.get("content-digest").map(|field| field.to_str()) {
        None => None,
        Some(Ok(field)) => Digest::of_content_digest(field).map_err(|why| Refused::bad_request(format!("{why}")))?,
        Some(Err(_)) => return Err(Refused::bad_request("`Content-Digest` is no text")),
    };
    blocking(move || {
        let counters = desk.counters();
        match desk.registry().put_sent(&digest, &body, from, sent) {
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
        let found: Vec<String> = desk.store().read(lost).map_err(|why| Refused::internal(&why))?;
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

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tower::ServiceExt as _;

    use super::*;
    use crate::{
        api,
        core::testing::{Page, World, open, receipt_of},
    };

    #[tokio::test]
    async fn what_was_damaged_on_its_way_is_wanted_again() {
        let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
        let registry = open(&world, folder.path()).unwrap();
        let mut agent = world.found(&registry);
        let made = agent.collect(&world, &registry, &[Page::of(&[("1", "Harbour opens")])]);
        let desk = Desk::new(registry, true, false);
        let router = api::router().with_state(desk.clone());
        let mut damaged = made.bytes.clone();
        damaged[200] ^= 1;
        let put = async |body: &[u8], digest: Option<String>| {
            let mut request = Request::put(format!("/v1/segments/{}?from=0", made.name));
            if let Some(digest) = digest {
                request = request.header("content-digest", digest);
            }
            let answer = router.clone().oneshot(request.body(Body::from(body.to_vec())).unwrap()).await.unwrap();
            let status = answer.status().as_u16();
            (status, String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap())
        };
        let (status, said) = put(&damaged, Some(Digest::of(&made.bytes).content_digest())).await;
        assert!(status == 400 && said.contains("\"code\":\"damaged\""), "{status} {said}");
        let (status, said) = put(&made.bytes, Some("sha-256=:no:".to_owned())).await;
        assert!(status == 400 && said.contains("\"code\":\"bad_request\""), "{status} {said}");
        assert_eq!(desk.registry().checkpoint().size, 4);
        let (status, said) = put(&made.bytes, Some(Digest::of(&made.bytes).content_digest())).await;
        assert_eq!(status, 200, "{said}");
        let kept = receipt_of(&serde_json::from_str(&said).unwrap());
        assert!(matches!(kept, schemas::receipt::Receipt::Receipt { .. }), "{kept:?}");
    }
}
