//! In which form is an exchange kept? Secrets struck out, the fetch on the trail.

use std::borrow::Cow;

use jiff::Timestamp;
use schemas::{
    Digest,
    capture::{Condition, Struck},
    segment::ResponseKind,
};
use url::Url;
use uuid::Uuid;

use super::{
    FetchError,
    arrived::Arrived,
    receive::Incoming,
    trip::{Ended, Leg, Trip, failed},
    wire::{Outgoing, headers_of},
};
use crate::{
    body::{Body, Spool},
    contract::Part,
    engine::{Fetched, Hop, Judged},
    secrets::{Credential, Striker},
};

/// How much is kept of a body that was larger than its entry allows: 1 MiB.
const KEPT_OF_TOO_LARGE: usize = 1 << 20;

impl Trip<'_> {
    /// Strikes secrets out and puts the fetch on the trail.
    #[expect(clippy::too_many_arguments, reason = "each stands in the record, and nothing else does")]
    pub async fn write_down(
        &mut self,
        leg: Leg<'_>,
        judged: Judged,
        at: Timestamp,
        url: &Url,
        out: &Outgoing,
        mut incoming: Incoming,
        part: Part,
    ) -> Result<Arrived, Ended> {
        let validators = self.wanted.validators.filter(|_| !leg.origin.is_for_rules());
        let mut conditions = Vec::new();
        let not_modified = incoming.status == 304;
        if validators.is_some() {
            let verdict = if not_modified { "not changed" } else { "changed" };
            conditions.push(Condition { name: "if_changed".to_owned(), verdict: verdict.to_owned() });
        }
        if not_modified {
            incoming.body = Vec::new();
        }
        if let Some(FetchError::TooLarge { limit_bytes, .. }) = &incoming.cut
            && *limit_bytes >= leg.entry.max_body_bytes
        {
            // It is no answer, only evidence that too much came: its beginning says that as well, and costs no memory.
            incoming.body.truncate(KEPT_OF_TOO_LARGE);
            incoming.body.shrink_to_fit();
        }
        let striker = leg.credential.map(Credential::striker);
        if striker.is_some() {
            conditions.extend(open_up(&mut incoming).await);
        }
        let (head_len, payload_len) = (incoming.head.len(), incoming.body.len());
        // One block, made in the body's own memory.
        let mut response = incoming.body;
        drop(response.splice(..0, incoming.head));
        response.shrink_to_fit();
        let (request, response, struck) = strike(striker, out.render(), response, incoming.cut.is_some()).await?;
        let response = incoming.counted.with(response);
        let headers = headers_of(response.get(..head_len).unwrap_or_default());
        let id = Uuid::new_v4().urn().to_string();
        let kind = if not_modified {
            ResponseKind::NotModified { refers_to: validators.map(|known| known.of.clone()) }
        } else {
            ResponseKind::Full
        };
        self.trail.push(Hop::Fetched(Box::new(Fetched {
            payload_digest: Some(Digest::of(response.get(response.len() - payload_len..).unwrap_or_default())),
            id: id.clone(),
            judged,
            url: url.to_string(),
            at,
            status: incoming.status,
            request,
            response: response.clone(),
            payload_len,
            kind,
            struck,
            truncated: incoming.cut.as_ref().and_then(FetchError::truncated).map(str::to_owned),
            peer: incoming.peer,
            certificate: incoming.certificate,
            took_ms: u64::try_from(incoming.took.as_millis()).unwrap_or(u64::MAX),
            conditions,
            reservation: None,
            part,
        })));
        Ok(Arrived {
            hop: self.trail.len() - 1,
            id,
            url: url.clone(),
            status: incoming.status,
            headers,
            response,
            payload_len,
            cut: incoming.cut,
        })
    }
}

/// An answer to a request that carried a secret must be searchable. One that came compressed although `identity` was asked for is kept decoded; one that
/// cannot be decoded is withheld, and so is one that was compressed for the transfer (RFC 9112 section 6.1), which nobody asked for and nobody undoes.
async fn open_up(incoming: &mut Incoming) -> Option<Condition> {
    let headers = incoming.headers();
    let named = |header: &str, plain: &str| {
        let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
        let codings = values.flat_map(|(_, value)| value.split(',')).map(str::trim);
        let found: Vec<_> = codings.filter(|one| !one.is_empty() && !one.eq_ignore_ascii_case(plain)).collect();
        (!found.is_empty()).then(|| found.join(", "))
    };
    if let Some(coding) = named("transfer-encoding", "identity") {
        incoming.body.fill(b'*');
        let verdict = format!("came in {coding} for the transfer all the same; withheld");
        return Some(Condition { name: "identity".to_owned(), verdict });
    }
    let coding = named("content-encoding", "identity")?;
    let raw = std::mem::take(&mut incoming.body);
    let (cut, length) = (incoming.cut.is_some(), raw.len());
    let open = move || Body::new(Spool::of(raw), &headers, cut).bytes().map(Cow::into_owned);
    let decoded = tokio::task::spawn_blocking(open).await;
    let verdict = match decoded {
        Ok(Ok(bytes)) => {
            incoming.body = bytes;
            incoming.head = without_coding(&incoming.head);
            format!("came in {coding} all the same; kept decoded")
        }
        _ => {
            incoming.body = vec![b'*'; length];
            incoming.head = without_coding(&incoming.head);
            format!("came in {coding} all the same and could not be decoded; withheld")
        }
    };
    Some(Condition { name: "identity".to_owned(), verdict })
}

/// The head without the header that spoke of the coding.
fn without_coding(head: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(head.len());
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if !name.eq_ignore_ascii_case(b"content-encoding") {
            kept.extend_from_slice(line);
        }
    }
    kept
}

/// Overwrites secrets in both blocks, off the reactor.
async fn strike(
    striker: Option<Striker>,
    mut request: Vec<u8>,
    mut response: Vec<u8>,
    cut: bool,
) -> Result<(Vec<u8>, Vec<u8>, Vec<Struck>), Ended> {
    let Some(striker) = striker else {
        return Ok((request, response, Vec::new()));
    };
    let work = tokio::task::spawn_blocking(move || {
        let mut struck = Vec::new();
        for (part, block, cut) in [("request", &mut request, false), ("response", &mut response, cut)] {
            let found = striker.strike(block, cut);
            struck.extend(found.into_iter().map(|(from, len)| Struck {
                part: part.to_owned(),
                from,
                len,
                slot: striker.name().to_owned(),
            }));
        }
        (request, response, struck)
    });
    // Without striking nothing may be kept.
    work.await.map_err(|error| failed(format!("secrets could not be struck out, so the answer is not kept: {error}")))
}
