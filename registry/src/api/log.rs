//! What reviewers and witnesses check: checkpoint, proofs, tiles, segments as kept.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use schemas::Digest;
use tlog::{Hash, TileSource as _};

use super::{
    Desk, Refused, Role, Seat, blocking,
    parameters::{only, size},
    problem::chain,
};

/// The newest checkpoint (C2SP tlog-checkpoint).
pub async fn checkpoint(State(desk): State<Desk>) -> Result<Response, Refused> {
    let note = desk.registry().checkpoint().note;
    if note.is_empty() {
        return Err(Refused::not_found("the log is empty: no trust root has been put in yet"));
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "max-age=5")], note)
        .into_response())
}

/// Consistency proof between two sizes.
pub async fn consistency(
    State(desk): State<Desk>,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Json<Vec<Hash>>, Refused> {
    only(&given, &["from", "to"])?;
    let (from, to) = (size(&given, "from")?, size(&given, "to")?);
    blocking(move || Ok(Json(desk.registry().consistency(from, to).map_err(|why| Refused::bad_request(chain(&why)))?)))
        .await
}

/// Inclusion proof of a leaf.
pub async fn inclusion(
    State(desk): State<Desk>,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Json<Vec<Hash>>, Refused> {
    only(&given, &["index", "size"])?;
    let (index, size) = (size(&given, "index")?, size(&given, "size")?);
    blocking(move || Ok(Json(desk.registry().inclusion(index, size).map_err(|why| Refused::bad_request(chain(&why)))?)))
        .await
}

/// A tile or entry bundle (C2SP tlog-tiles).
pub async fn tile(State(desk): State<Desk>, seat: Seat, Path(path): Path<String>) -> Result<Response, Refused> {
    if !desk.public_log() {
        seat.one_of(&[Role::Reviewer, Role::Witness])?;
    }
    if path == "checkpoint" {
        return checkpoint(State(desk)).await;
    }
    let id: tlog::TileId = path.parse().map_err(|_| Refused::not_found(format!("`{path}` is no tile")))?;
    blocking(move || {
        let bytes = desk
            .registry()
            .tiles()
            .read(&id.to_string())
            .map_err(|_| Refused::not_found(format!("there is no tile `{id}`")))?;
        let headers = [
            (header::CONTENT_TYPE, "application/octet-stream"),
            (header::CACHE_CONTROL, "max-age=31536000, immutable"),
        ];
        Ok((headers, bytes).into_response())
    })
    .await
}

/// A segment as it is kept now.
pub async fn segment(State(desk): State<Desk>, seat: Seat, Path(digest): Path<String>) -> Result<Response, Refused> {
    seat.one_of(&[Role::Reviewer])?;
    let digest: Digest = digest.parse().map_err(|why| Refused::bad_request(format!("{why}")))?;
    blocking(move || {
        seat.audit(&desk, "segment", &digest.to_string())?;
        let bytes = desk
            .registry()
            .evidence()
            .segment_bytes(&digest)
            .map_err(|_| Refused::not_found(format!("there is no segment {digest}")))?;
        let name = format!("attachment; filename=\"{digest}.warc.gz\"");
        Ok(([(header::CONTENT_TYPE, "application/warc".to_owned()), (header::CONTENT_DISPOSITION, name)], bytes)
            .into_response())
    })
    .await
}
