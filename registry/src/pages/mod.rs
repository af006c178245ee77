//! What does a person see in a browser?

use axum::Router;

use crate::api::Desk;

/// The pages' routes.
pub fn router() -> Router<Desk> {
    Router::new()
}
