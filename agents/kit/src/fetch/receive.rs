//! How are bytes taken in without being hurt by them?

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use reqwest::{Client, Response, StatusCode};
use schemas::Digest;
use tokio::time::timeout_at;

use super::{
    Limits,
    arriving::{Arriving, Counted},
    client::{ClientError, Clients},
    trouble::why,
    wire::{Outgoing, header_bytes, headers_of, response_head},
};
use crate::{engine::Turn, gate::Permitted};

/// Why a permitted request has no usable answer. Each names the address and the bound.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection, a broken one, or an answer that is not HTTP.
    #[error("request to {url} failed: {why}")]
    Transport {
        /// Address.
        url: String,
        /// The causes in one line.
        why: String,
    },
    /// The name could not be looked up.
    #[error("the name `{host}` could not be looked up: {why}")]
    Lookup {
        /// Host name.
        host: String,
        /// The resolver's reason.
        why: String,
    },
    /// Connecting took too long.
    #[error("{url}: no connection within {limit_ms} ms")]
    Connect {
        /// Address.
        url: String,
        /// The bound.
        limit_ms: u128,
    },
    /// No complete head in time.
    #[error("{url} did not begin to answer within {limit_ms} ms")]
    Head {
        /// Address.
        url: String,
        /// The bound.
        limit_ms: u128,
    },
    /// Too many header lines, or too large a head.
    #[error("{url} sent a head of more than the {limit} header lines or {limit_bytes} bytes that are read")]
    Headers {
        /// Address.
        url: String,
        /// Bound on lines.
        limit: usize,
        /// Bound on bytes.
        limit_bytes: usize,
    },
    /// The body is larger than the entry allows.
    #[error("{url} sent more than the {limit_bytes} bytes this entry allows")]
    TooLarge {
        /// Address.
        url: String,
        /// The bound.
        limit_bytes: u64,
    },
    /// The body came in too slowly.
    #[error("{url} sent less than {limit_bytes} bytes in {limit_ms} ms")]
    Drip {
        /// Address.
        url: String,
        /// Fewest bytes.
        limit_bytes: u64,
        /// In this time.
        limit_ms: u128,
    },
    /// The whole took too long.
    #[error("{url} was not done after {limit_ms} ms")]
    Total {
        /// Address.
        url: String,
        /// The bound.
        limit_ms: u128,
    },
    /// The connection broke within the body.
    #[error("{url} broke off within its body after {got_bytes} bytes: {why}")]
    BrokeOff {
        /// Address.
        url: String,
        /// Bytes received.
        got_bytes: usize,
        /// The causes in one line.
        why: String,
    },
    /// What had come is lost: the agent's disk, not the source.
    #[error("the body of {url} lay in a temporary file in {} and can't be read back: {why}", std::env::temp_dir().display())]
    Lost {
        /// Address.
        url: String,
        /// The system's reason.
        why: String,
    },
    /// The client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl FetchError {
    /// WARC's word for how a body was cut; nothing where there was no body at all.
    pub(super) const fn truncated(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { .. } => Some("length"),
            Self::Drip { .. } | Self::Total { .. } => Some("time"),
            Self::BrokeOff { .. } => Some("disconnect"),
            _ => None,
        }
    }
}

/// An answer as received, whole or cut.
pub(super) struct Incoming {
    pub status: u16,
    /// Status line and headers, the empty line included.
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// The body's share of the room for bodies.
    pub counted: Counted,
    pub peer: Option<SocketAddr>,
    pub certificate: Option<Digest>,
    pub took: Duration,
    /// The bound that cut the body.
    pub cut: Option<FetchError>,
}

impl Incoming {
    pub fn headers(&self) -> Vec<(String, String)> {
        headers_of(&self.head)
    }
}

/// An answer of which the head has come.
pub(super) struct Begun {
    /// Without its body.
    pub incoming: Incoming,
    pub response: Response,
    /// The source has ended it: nothing more comes.
    pub ended: bool,
    at: Instant,
}

impl Begun {
    /// Takes the body in, within all bounds; where it had to wait in a file, with the turn in which it was read back.
    pub async fn whole(self, limits: &Limits, body: Taken<'_>) -> Result<(Incoming, Turn), FetchError> {
        take_body(self.incoming, self.response, limits, body, self.at).await
    }
}

/// How a body is to be taken.
#[derive(Clone, Copy)]
pub(super) struct Taken<'t> {
    /// For error texts.
    pub url: &'t str,
    /// At most.
    pub most_bytes: u64,
    /// It may not touch the disk: sealed evidence.
    pub memory_only: bool,
}

/// Sends what was permitted and waits for the head of the answer. The address stands in error texts and holds no secret.
pub(super) async fn send(
    clients: &Clients,
    limits: &Limits,
    permitted: &Permitted,
    out: &Outgoing,
) -> Result<Begun, FetchError> {
    let began = Instant::now();
    let client = clients.reaching(permitted)?;
    let url = permitted.url().to_string();
    let head = timeout_at((began + limits.head).into(), execute(&client, out))
        .await
        .map_err(|_| FetchError::Head { url: url.clone(), limit_ms: limits.head.as_millis() })?;
    let response = head.map_err(|error| transport(error, &url, limits))?;
    if response.headers().len() > limits.headers || header_bytes(response.headers()) > limits.header_bytes {
        return Err(FetchError::Headers { url, limit: limits.headers, limit_bytes: limits.header_bytes });
    }
    let reason = response.extensions().get::<hyper::ext::ReasonPhrase>().map(|reason| reason.as_bytes().to_vec());
    let status: StatusCode = response.status();
    let incoming = Incoming {
        status: status.as_u16(),
        head: response_head(status, reason.as_deref(), response.headers()),
        body: Vec::new(),
        counted: Counted::default(),
        peer: response.remote_addr(),
        certificate: response
            .extensions()
            .get::<reqwest::tls::TlsInfo>()
            .and_then(reqwest::tls::TlsInfo::peer_certificate)
            .map(Digest::of),
        took: Duration::ZERO,
        cut: None,
    };
    Ok(Begun { incoming, response, ended: false, at: began })
}

async fn execute(client: &Client, out: &Outgoing) -> reqwest::Result<Response> {
    let mut request = reqwest::Request::new(out.method.clone(), out.url.clone());
    for (name, value) in &out.headers {
        request.headers_mut().append(name.clone(), value.clone());
    }
    if let Some(body) = &out.body {
        *request.body_mut() = Some(body.clone().into());
    }
    client.execute(request).await
}

fn transport(error: reqwest::Error, url: &str, limits: &Limits) -> FetchError {
    let url = url.to_owned();
    if error.is_connect() && error.is_timeout() {
        return FetchError::Connect { url, limit_ms: limits.connect.as_millis() };
    }
    if has_cause(&error, hyper::Error::is_parse_too_large) {
        return FetchError::Headers { url, limit: limits.headers, limit_bytes: limits.header_bytes };
    }
    FetchError::Transport { url, why: why(&error.without_url()) }
}

fn has_cause(error: &dyn std::error::Error, wanted: impl Fn(&hyper::Error) -> bool) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<hyper::Error>().is_some_and(&wanted) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Reads until the end or the first bound. What came before a bound is kept: it is evidence.
async fn take_body(
    mut incoming: Incoming,
    mut response: Response,
    limits: &Limits,
    taken: Taken<'_>,
    began: Instant,
) -> Result<(Incoming, Turn), FetchError> {
    let url = || taken.url.to_owned();
    let lost = |error: std::io::Error| FetchError::Lost { url: url(), why: error.to_string() };
    let end = began + limits.total;
    let mut window = (Instant::now(), 0_u64);
    let most_len = usize::try_from(taken.most_bytes).unwrap_or(usize::MAX);
    let promised = response.content_length().unwrap_or(0).min(taken.most_bytes);
    let mut body = Arriving::new(promised, incoming.head.len(), taken.memory_only);
    incoming.cut = loop {
        let drip_end = window.0 + limits.drip;
        match timeout_at(end.min(drip_end).into(), response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = most_len - body.len();
                body.push(chunk.get(..room.min(chunk.len())).unwrap_or_default()).map_err(lost)?;
                if chunk.len() > room {
                    break Some(FetchError::TooLarge { url: url(), limit_bytes: taken.most_bytes });
                }
                window.1 += chunk.len() as u64;
            }
            Ok(Ok(None)) => break None,
            Ok(Err(error)) => {
                let why = why(&error.without_url());
                break Some(FetchError::BrokeOff { url: url(), got_bytes: body.len(), why });
            }
            Err(_) => {}
        }
        let now = Instant::now();
        if now >= end {
            break Some(FetchError::Total { url: url(), limit_ms: limits.total.as_millis() });
        }
        if now >= drip_end {
            if window.1 < limits.drip_bytes {
                let (limit_bytes, limit_ms) = (limits.drip_bytes, limits.drip.as_millis());
                break Some(FetchError::Drip { url: url(), limit_bytes, limit_ms });
            }
            window = (now, 0);
        }
    };
    incoming.took = began.elapsed();
    let (bytes, counted, turn) = body.whole().await.map_err(lost)?;
    incoming.body = bytes;
    incoming.counted = counted;
    Ok((incoming, turn))
}
