//! The two files every page needs, under names that change with their content.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use schemas::Digest;

const CSS: &str = include_str!("../../assets/vigie.css");
const ICON: &str = include_str!("../../assets/vigie.svg");

struct Asset {
    name: String,
    media: &'static str,
    body: &'static str,
}

static ALL: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    let named = |kind: &str, media, body: &'static str| {
        let hash: String = Digest::of(body.as_bytes()).to_string().chars().take(16).collect();
        Asset { name: format!("vigie-{hash}.{kind}"), media, body }
    };
    [named("css", "text/css; charset=utf-8", CSS), named("svg", "image/svg+xml", ICON)]
});

/// Address of the style sheet.
pub fn css_path() -> String {
    format!("/assets/{}", ALL[0].name)
}

/// Address of the mark.
pub fn icon_path() -> String {
    format!("/assets/{}", ALL[1].name)
}

/// An asset by its full name; none for the name of an earlier release.
pub fn find(name: &str) -> Option<Response> {
    let asset = ALL.iter().find(|asset| asset.name == name)?;
    let headers = [(header::CONTENT_TYPE, asset.media), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Some((headers, asset.body).into_response())
}

/// `/assets/{name}`.
pub async fn asset(visit: super::Visit, Path(name): Path<String>) -> Response {
    match find(&name) {
        Some(found) => found,
        None => visit.refuse(&crate::api::Refused::not_found(format!("there is no file `{name}`"))),
    }
}
