//! How does the registry listen? The interface's routes and the pages' stand behind one listener: on loopback unless given TLS keys.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use axum::{Router, extract::DefaultBodyLimit, http::StatusCode};
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::{
    api::{self, Desk},
    pages,
};

/// All routes.
pub fn router(desk: Desk) -> Router {
    api::router()
        .merge(pages::router())
        .fallback(api::unknown_path)
        .layer(DefaultBodyLimit::max(2 << 20))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(120)))
        .layer(CatchPanicLayer::custom(api::panicked))
        .with_state(desk)
}

/// Serves until told to stop; requests under way are finished. `tls`: certificate chain and key, PEM files. `listens` is called once it
/// takes requests.
///
/// # Errors
///
/// Where the certificate is not understood, or the listener fails.
pub async fn serve(
    listener: std::net::TcpListener,
    desk: Desk,
    tls: Option<(PathBuf, PathBuf)>,
    stop: CancellationToken,
    listens: impl FnOnce() + Send + 'static,
) -> Result<()> {
    let app = router(desk).into_make_service_with_connect_info::<SocketAddr>();
    let handle = axum_server::Handle::new();
    let (stopping, listening) = (handle.clone(), handle.clone());
    tokio::spawn(async move {
        if listening.listening().await.is_some() {
            listens();
        }
    });
    tokio::spawn(async move {
        stop.cancelled().await;
        stopping.graceful_shutdown(Some(Duration::from_secs(20)));
    });
    match tls {
        None => axum_server::from_tcp(listener)?.handle(handle).serve(app).await.context("the listener failed"),
        Some((certificate, key)) => {
            let config = axum_server::tls_rustls::RustlsConfig::from_pem_file(&certificate, &key)
                .await
                .with_context(|| format!("the certificate `{}` or its key is not understood", certificate.display()))?;
            axum_server::from_tcp_rustls(listener, config)?
                .handle(handle)
                .serve(app)
                .await
                .context("the listener failed")
        }
    }
}
