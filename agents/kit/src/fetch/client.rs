//! Which connection carries a request? One client for each set of judged addresses, a few of them kept for their open connections.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore};

use super::{Limits, lookup::Pinned};
use crate::gate::Permitted;

/// How many clients are kept.
const KEPT: usize = 16;

/// How many idle connections each of them holds at most: more than one only where an entry lets several requests go to a host side by side.
const IDLE_EACH: usize = 8;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Clients by what they may reach. A connection is used again only for the same entry, authority and addresses, so that no
/// entry profits from another one's permission.
pub(super) struct Clients {
    tls: ClientConfig,
    limits: Limits,
    kept: Mutex<VecDeque<(Reach, Client)>>,
}

/// What one client can reach.
#[derive(Clone, PartialEq, Eq)]
struct Reach {
    entry: String,
    authority: String,
    peers: Vec<SocketAddr>,
}

/// The client could not be made: this machine's certificates or sockets.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No certificate of this machine can be used.
    #[error("no https without certificates to trust: {}", remedy())]
    NoRoots,
    /// Its libraries do not fit together.
    #[error("TLS can't be set up on this machine")]
    Tls(#[from] rustls::Error),
    /// reqwest refused its settings.
    #[error("the HTTP client can't be set up: {why}")]
    Client {
        /// Its reason.
        why: String,
    },
}

/// TLS as every connection uses it: ring, the system's roots, HTTP/2 or 1.1. Made once: reading the roots takes a good part of a start.
pub(crate) fn tls() -> Result<ClientConfig, ClientError> {
    static MADE: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(made) = MADE.get() {
        return Ok(made.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!("a certificate that should be trusted can't be read: {error}");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(ClientError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(MADE.get_or_init(|| config).clone())
}

/// What helps where there are no roots: they come from where the operator said, or else from the system.
fn remedy() -> String {
    let named: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .filter_map(|name| Some(format!("`{name}={}`", std::env::var_os(name)?.display())))
        .collect();
    if named.is_empty() {
        return "install the package ca-certificates".to_owned();
    }
    format!("{} is to name certificates (PEM) that can be read, in place of the system's", named.join(" or "))
}

impl Clients {
    pub fn new(tls: ClientConfig, limits: Limits) -> Self {
        Self { tls, limits, kept: Mutex::default() }
    }

    /// A client that can reach what was permitted and nothing else.
    pub fn reaching(&self, permitted: &Permitted) -> Result<Client, ClientError> {
        let mut peers = permitted.peers().to_vec();
        peers.sort_unstable();
        let reach = Reach {
            entry: permitted.judged().ask.entry.clone(),
            authority: schemas::gate::authority_of(permitted.url()),
            peers,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = kept.iter().find(|(known, _)| *known == reach) {
            return Ok(client.clone());
        }
        let client = self.build(permitted)?;
        kept.truncate(KEPT - 1);
        kept.push_front((reach, client.clone()));
        Ok(client)
    }

    fn build(&self, permitted: &Permitted) -> Result<Client, ClientError> {
        let host = permitted.url().host_str().unwrap_or_default();
        Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .tls_info(true)
            .dns_resolver(Arc::new(Pinned::new(host, permitted.peers())))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(self.limits.connect)
            .pool_max_idle_per_host(IDLE_EACH)
            .pool_idle_timeout(IDLE)
            .http1_max_headers(self.limits.headers)
            .http2_max_header_list_size(u32::try_from(self.limits.header_bytes).unwrap_or(u32::MAX))
            .build()
            .map_err(|error| ClientError::Client { why: chain(&error.without_url()) })
    }
}

/// An error and its causes in one line: the cause is what helps.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
