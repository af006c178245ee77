//! How do agents, analysts and reviewers reach the registry over HTTP?
//!
//! Everything under `/v1` answers JSON; every error is problem details (RFC 9457) with a stable code; unknown parameters are refused.
//! `GET /v1/openapi.json` describes all of it. Loopback unless given TLS keys.

mod access;
mod agents;
mod log;
mod metrics;
mod openapi;
mod problem;
mod read;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post, put},
};
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

pub use access::{Role, Seat};
pub use problem::{Refused, Said, blocking};

use crate::core::{Registry, store::Sqlite};

/// What every handler sees.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    registry: Registry,
    local: bool,
    public_log: bool,
    counters: metrics::Counters,
}

impl Desk {
    /// A desk over an open registry. `local`: listening on loopback, where whoever reaches the machine may read.
    #[must_use]
    pub fn new(registry: Registry, local: bool, public_log: bool) -> Self {
        Self(Arc::new(Inner { registry, local, public_log, counters: metrics::Counters::default() }))
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The tables.
    #[must_use]
    pub fn store(&self) -> &Sqlite {
        self.0.registry.store()
    }

    /// True where everybody who reaches the listener counts as being on the machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.local
    }

    /// True in a demonstration.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.registry().history().root().is_some_and(|root| root.trial)
    }

    /// True where the log's tiles are for everybody.
    #[must_use]
    pub fn public_log(&self) -> bool {
        self.0.public_log
    }

    pub(crate) fn counters(&self) -> &metrics::Counters {
        &self.0.counters
    }
}

/// All routes.
pub fn router(desk: Desk) -> Router {
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
        .merge(crate::pages::router())
        .fallback(problem::unknown_path)
        .layer(DefaultBodyLimit::max(2 << 20))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(120)))
        .layer(CatchPanicLayer::custom(problem::panicked))
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
