//! How do agents, analysts and reviewers reach the registry over HTTP?
//!
//! Everything under `/v1` answers JSON; every error is problem details (RFC 9457) with a stable code; unknown parameters are refused.
//! `GET /v1/openapi.json` describes all of it.

mod access;
mod agents;
mod desk;
mod log;
mod metrics;
mod openapi;
mod parameters;
mod problem;
mod read;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post, put},
};

pub use access::{COOKIE, Role, Seat};
pub use desk::Desk;
pub use problem::{Refused, Said, blocking, panicked, unknown_path};

/// The interface's routes.
pub fn router() -> Router<Desk> {
    let segment_bytes = usize::try_from(schemas::segment::MAX_FILE_BYTES).unwrap_or(usize::MAX);
    Router::new()
        .route(
            "/v1/segments/{digest}",
            put(agents::put_segment).layer(DefaultBodyLimit::max(segment_bytes)).get(log::segment),
        )
        .route("/v1/policy", get(agents::policy))
        .route("/v1/wanted", get(agents::wanted))
        .route("/v1/checkpoint", get(log::checkpoint))
        .route("/v1/proofs/consistency", get(log::consistency))
        .route("/v1/proofs/inclusion", get(log::inclusion))
        .route("/log/{*path}", get(log::tile))
        .route("/v1/statements", post(agents::statement))
        .route("/v1/backup", post(agents::backup))
        .route("/v1/search", get(read::search))
        .route("/v1/records/{id}", get(read::record))
        .route("/v1/records/{id}/trace", get(read::trace))
        .route("/v1/records/{id}/bundle", get(read::bundle))
        .route("/v1/records/{id}/evidence", get(read::evidence))
        .route("/v1/sources", get(read::sources))
        .route("/v1/coverage", get(read::coverage))
        .route("/v1/denials", get(read::denials))
        .route("/v1/agents", get(read::agents))
        .route("/v1/openapi.json", get(openapi::document))
        .route("/healthz", get(metrics::healthz))
        .route("/readyz", get(metrics::readyz))
        .route("/metrics", get(metrics::metrics))
}
