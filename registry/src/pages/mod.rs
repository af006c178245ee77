//! What does a person see in a browser?
//!
//! Pages are written on the server, whole, in English or French, and need no script; the one there is makes some things handier, and
//! nothing depends on it. What was collected is always text, never markup, and nothing is ever fetched from where it was collected. The pages claim no more than a trace does.

mod agents;
mod assets;
mod calendar;
mod custody;
mod denials;
mod diff;
mod entry;
mod error;
mod frame;
mod lang;
mod record;
mod search;
mod sign_in;
mod source;
mod sources;
mod strip;
mod text;
mod timeline;
mod visit;
mod words;

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, Uri, header},
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::{any, get, post},
};

use crate::api::{Desk, unknown_path};

pub use visit::Visit;

/// What a browser may do with a page: load its style sheet, its script and pictures from here, send forms here, and nothing else.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages' routes. Whatever no other route takes ends here too, and gets a page that says so; below `/v1`, a problem.
pub fn router() -> Router<Desk> {
    Router::new()
        .route("/", get(search::page))
        .route("/record/{id}", get(record::page))
        .route("/sources", get(sources::page))
        .route("/sources/{entry}", get(source::page))
        .route("/coverage", get(calendar::page))
        .route("/denials", get(denials::page))
        .route("/agents", get(agents::page))
        .route("/sign-in", get(sign_in::form).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/assets/{name}", get(asset))
        .route("/{*path}", any(nowhere))
        .layer(map_response(guarded))
}

async fn asset(visit: Visit, Path(name): Path<String>) -> Response {
    match assets::find(&name) {
        Some(found) => found,
        None => visit.refuse(&visit::missing("error-no-file", name)),
    }
}

async fn nowhere(visit: Visit, uri: Uri) -> Response {
    let path = uri.path();
    if path.starts_with("/v1/") || path.starts_with("/log/") {
        return unknown_path(uri).await.into_response();
    }
    visit.refuse(&visit::missing("error-no-page", path))
}

/// Adds what every answer of the pages carries.
async fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What was collected stays out of caches; only the assets say otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("accept-language, cookie"));
    answer
}
