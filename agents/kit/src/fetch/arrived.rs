//! What did one hop bring, and where does it lead?

use bytes::Bytes;
use url::Url;

use super::{FetchError, status};
use crate::{
    body::{Body, Spool},
    engine::{Answered, HopResult, Turn},
};

/// What one hop brought, as kept.
pub(super) struct Arrived {
    /// Index in the trail.
    pub hop: usize,
    /// Record id.
    pub id: String,
    pub url: Url,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Response block.
    pub response: Bytes,
    pub payload_len: usize,
    /// The bound that cut the body.
    pub cut: Option<FetchError>,
}

impl Arrived {
    pub fn body(&self) -> &[u8] {
        self.response.get(self.response.len().saturating_sub(self.payload_len)..).unwrap_or_default()
    }
}

/// The address a redirect names, made absolute.
pub(super) fn location(arrived: &Arrived) -> Option<String> {
    let location = status::header(&arrived.headers, "location").filter(|location| !location.is_empty())?;
    // What cannot be joined goes to the gate as it stands, which refuses it and says why.
    Some(arrived.url.join(location).map_or_else(|_| location.to_owned(), String::from))
}

/// The body that arrived; under sealed evidence its bytes stay in memory.
pub(super) fn body_of(arrived: &Arrived, sealed: bool) -> Body {
    let payload = arrived.response.slice(arrived.response.len().saturating_sub(arrived.payload_len)..);
    let spool = if sealed { Spool::in_memory(payload) } else { Spool::of(payload) };
    Body::new(spool, &arrived.headers, arrived.cut.is_some())
}

/// The answer for the collector.
pub(super) fn answered(arrived: Arrived, body: Body, turn: Turn) -> HopResult {
    let Arrived { hop, status, headers, url, .. } = arrived;
    HopResult::Answer(Box::new(Answered { hop, body, status, headers, url, turn }))
}
