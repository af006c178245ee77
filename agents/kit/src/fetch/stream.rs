//! How is an open connection kept? In chunks, each an exchange of its own: counted, judged by the gate at the time it was whole, struck, told.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use schemas::gate::Origin;
use tokio::time::timeout_at;
use url::Url;

use super::{
    FetchError,
    arrived::{Arrived, answered, body_of},
    arriving::Counted,
    framer::{Framer, Framing},
    receive::{Begun, Incoming},
    status,
    trip::{Ended, Leg, Trip, failed},
    trouble::why,
    wire::Outgoing,
};
use crate::{
    contract::{Bounds, Part},
    engine::{HopResult, Judged, Open, Outcome, Pending, Piece},
    secrets::Credential,
};

/// Largest frame that is taken in, in bytes; what the readers of lines and events take.
const MAX_FRAME_BYTES: usize = crate::body::MAX_LINE_BYTES;

/// An open connection, and what has come of it so far.
pub(super) struct Flow {
    begun: Begun,
    framer: Framer,
    url: Url,
    origin: Origin,
    credential: Option<Credential>,
    out: Outgoing,
    /// What the gate said of the request; the first chunk carries it.
    first: Option<(Judged, Timestamp)>,
    /// Number of the next chunk.
    number: u32,
    /// When the chunk that is coming in began.
    since: Instant,
    /// When a byte came last.
    heard: Instant,
    /// A chunk that is whole and not yet told.
    ready: Option<Chunk>,
    /// How the connection ended.
    over: Option<Over>,
}

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    last: bool,
    cut: Option<FetchError>,
    took: Duration,
}

/// Why nothing more comes.
enum Over {
    /// The source ended it, or the run did.
    InOrder,
    Broken(FetchError),
}

/// Whether an answer to a request for a stream is one. Pages, errors and redirects are taken in whole, as everywhere.
pub(super) fn is_stream(incoming: &Incoming) -> bool {
    let headers = incoming.headers();
    let media_type = status::header(&headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    incoming.status == 200 && !media_type.starts_with("text/html") && !media_type.starts_with("application/xhtml")
}

impl Flow {
    /// Takes over a connection whose head has come.
    ///
    /// # Errors
    ///
    /// It is compressed, for people.
    pub fn begin(
        begun: Begun,
        leg: Leg<'_>,
        url: Url,
        out: Outgoing,
        judged: Judged,
        at: Timestamp,
    ) -> Result<Self, String> {
        let headers = begun.incoming.headers();
        let coding = status::header(&headers, "content-encoding").unwrap_or("identity");
        if !coding.is_empty() && !coding.eq_ignore_ascii_case("identity") {
            return Err(format!(
                "{url} sends its stream in `{coding}` although `identity` was asked for; it can't be cut between two events"
            ));
        }
        let framing = Framing::of(status::header(&headers, "content-type").unwrap_or_default());
        Ok(Self {
            begun,
            framer: Framer::new(framing),
            url,
            origin: leg.origin.clone(),
            credential: leg.credential.cloned(),
            out,
            first: Some((judged, at)),
            number: 0,
            since: Instant::now(),
            heard: Instant::now(),
            ready: None,
            over: None,
        })
    }

    /// Waits for the next chunk.
    async fn fill(&mut self, bounds: Bounds, silence: Duration, mut over: Pending<'_, ()>) {
        while self.ready.is_none() && self.over.is_none() {
            if let Some(bytes) = self.framer.take(bounds, false) {
                return self.put(bytes);
            }
            let most = usize::try_from(bounds.bytes).unwrap_or(usize::MAX);
            if self.framer.len() > most.max(MAX_FRAME_BYTES) {
                self.over = Some(Over::Broken(FetchError::TooLarge {
                    url: self.url.to_string(),
                    limit_bytes: most.max(MAX_FRAME_BYTES) as u64,
                }));
                break;
            }
            let due = self.since + Duration::from_secs(u64::from(bounds.secs.max(1)));
            let came = tokio::select! {
                biased;
                () = &mut over => {
                    self.over = Some(Over::InOrder);
                    break;
                }
                came = timeout_at(due.into(), self.begun.response.chunk()) => came,
            };
            match came {
                Ok(Ok(Some(bytes))) => {
                    self.heard = Instant::now();
                    self.framer.push(&bytes);
                }
                Ok(Ok(None)) => {
                    self.begun.ended = true;
                    self.over = Some(Over::InOrder);
                }
                Ok(Err(error)) => {
                    self.begun.ended = true;
                    self.over = Some(Over::Broken(FetchError::BrokeOff {
                        url: self.url.to_string(),
                        got_bytes: self.framer.len(),
                        why: why(&error.without_url()),
                    }));
                }
                Err(_) if self.heard.elapsed() > silence => {
                    self.over = Some(Over::Broken(FetchError::Drip {
                        url: self.url.to_string(),
                        limit_bytes: 1,
                        limit_ms: silence.as_millis(),
                    }));
                }
                Err(_) => match self.framer.take(bounds, true) {
                    Some(bytes) => return self.put(bytes),
                    None => self.since = Instant::now(),
                },
            }
        }
    }

    fn put(&mut self, bytes: Vec<u8>) {
        self.ready = Some(Chunk { bytes, last: false, cut: None, took: self.since.elapsed() });
        self.since = Instant::now();
    }

    /// What is still there once the connection is over: whole frames, and the one it broke off in.
    fn drain(&mut self, bounds: Bounds) {
        if self.ready.is_some() {
            return;
        }
        let took = self.since.elapsed();
        if let Some(bytes) = self.framer.take(bounds, false) {
            return self.put(bytes);
        }
        let whole = self.framer.take(bounds, true);
        let mut chunk = Chunk { last: true, took, ..Chunk::default() };
        match &self.over {
            // A line or event that the source did not end is the reader's business; one that this run cut is asked for again.
            Some(Over::InOrder) if self.begun.ended => {
                chunk.bytes = whole.unwrap_or_default();
                chunk.bytes.extend(self.framer.rest());
                if chunk.bytes.iter().all(u8::is_ascii_whitespace) {
                    return;
                }
            }
            Some(Over::Broken(_)) => {
                let Some(whole) = whole else { return };
                chunk.bytes = whole;
                let rest = self.framer.rest();
                if !rest.is_empty() {
                    chunk.bytes.extend(rest);
                    if let Some(Over::Broken(error)) = self.over.take() {
                        chunk.cut = Some(error);
                        self.over = Some(Over::InOrder);
                    }
                }
            }
            _ => match whole {
                Some(whole) => chunk.bytes = whole,
                None => return,
            },
        }
        self.ready = Some(chunk);
    }
}

impl Trip<'_> {
    /// The next chunk of an open connection, or its end.
    pub async fn piece(mut self, flow: &mut Flow, over: Pending<'_, ()>) -> Piece {
        let bounds = self.wanted.request.stream.unwrap_or_default();
        flow.fill(bounds, self.web.limits.silence, over).await;
        if flow.over.is_some() {
            flow.drain(bounds);
        }
        let Some(chunk) = flow.ready.take() else {
            return self.end(flow).await;
        };
        let result = match self.tell_chunk(flow, chunk).await {
            Ok(result) => result,
            Err(ended) => *ended,
        };
        Piece::Chunk(Outcome { trail: self.trail, result })
    }

    /// Tells a connection that is over. One of which no chunk was told leaves its head as evidence.
    async fn end(mut self, flow: &mut Flow) -> Piece {
        let why = match flow.over.take() {
            Some(Over::Broken(error)) => Some(error.to_string()),
            _ if flow.number == 0 && flow.begun.ended => {
                Some(format!("{} ended its stream without an event", flow.url))
            }
            _ => None,
        };
        let chunks = flow.number;
        if chunks == 0
            && let Err(ended) = self.write_chunk(flow, Chunk::default()).await
            && let HopResult::Failed { error, .. } = *ended
        {
            return Piece::Ended { trail: self.trail, why: Some(error), chunks };
        }
        Piece::Ended { trail: self.trail, why, chunks }
    }

    async fn tell_chunk(&mut self, flow: &mut Flow, chunk: Chunk) -> Result<HopResult, Ended> {
        let arrived = self.write_chunk(flow, chunk).await?;
        let body = body_of(&arrived, self.wanted.run.sealed());
        Ok(answered(arrived, body, None))
    }

    /// Counts a chunk, has it judged and puts it on the trail.
    async fn write_chunk(&mut self, flow: &mut Flow, chunk: Chunk) -> Result<Arrived, Ended> {
        let run = self.wanted.run;
        let Some(entry) = run.policy.entry(&run.entry) else {
            return Err(failed(format!("entry `{}` is not in the policy", run.entry)));
        };
        let (url, origin, credential) = (flow.url.to_string(), flow.origin.clone(), flow.credential.clone());
        let leg = Leg { url: &url, origin: &origin, entry, credential: credential.as_ref() };
        let (judged, at) = match flow.first.take() {
            Some(first) => first,
            None => {
                let judged = self.judge_chunk(leg, flow.begun.incoming.peer).await?;
                let at = judged.ask.at;
                (judged, at)
            }
        };
        let incoming = Incoming {
            body: chunk.bytes,
            counted: Counted::default(),
            took: chunk.took,
            cut: chunk.cut,
            head: flow.begun.incoming.head.clone(),
            ..flow.begun.incoming
        };
        let part = Part { number: flow.number, last: chunk.last };
        let arrived = self.write_down(leg, judged, at, &flow.url, &flow.out, incoming, part).await?;
        flow.number += 1;
        Ok(arrived)
    }

    /// Asks the gate about a chunk after the first, as about a request: with the day's count, now, and the peer.
    async fn judge_chunk(&mut self, leg: Leg<'_>, peer: Option<std::net::SocketAddr>) -> Result<Judged, Ended> {
        let copy = self.robots_in_hand(leg).await?;
        let allowed = match self.ask(leg, copy).await? {
            Ok(allowed) => allowed,
            Err(judged) => return Err(self.refuse(*judged).await),
        };
        let ip = peer.map(|peer| peer.ip().to_canonical());
        let found = match (allowed.literal(), ip) {
            (None, Some(ip)) => Some(vec![ip]),
            _ => None,
        };
        let now = self.web.now();
        let spent = self.take(leg.entry, now).await?;
        let permitted = match allowed.resolved(&self.gate, now, spent, found.as_deref()) {
            Ok(permitted) => permitted,
            Err(judged) => return Err(self.refuse(*judged).await),
        };
        match permitted.met(&self.gate, ip.unwrap_or_else(|| std::net::IpAddr::from([0, 0, 0, 0]))) {
            Ok(judged) => Ok(judged),
            Err(judged) => Err(self.refuse(*judged).await),
        }
    }
}

/// A connection of this network, back from the engine.
pub(super) fn flow_of(open: &mut Open) -> Option<&mut Flow> {
    open.0.downcast_mut()
}
