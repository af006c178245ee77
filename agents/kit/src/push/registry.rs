//! The calls an agent makes to its registry.

use std::{
    io::{Read as _, Seek as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::Rng as _;
use reqwest::{Client, Method, Response, StatusCode, redirect};
use schemas::{
    Digest,
    problem::Problem,
    receipt::{Receipt, ReceiptAnswer},
};
use sha2::{Digest as _, Sha256};
use tlog::{Checkpoint, VerifierKey};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use url::{Host, Url};

use super::{Doubt, Verified, verify};
use crate::fetch::{ClientError, chain, tls, why};

/// Largest answer that is read: 16 MiB, a policy of many entries with room.
const MOST_BYTES: usize = 16 << 20;

/// Segments up to this size are sent in one piece: 256 KiB.
const AT_ONCE_BYTES: u64 = 256 << 10;

/// Without a byte for this long the registry counts as gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Shortest and longest pause between two tries.
const PAUSES_SECS: (u64, u64) = (5, 900);

/// The registry, as an agent sees it.
#[derive(Clone)]
pub struct Registry {
    client: Client,
    base: Url,
    token: Option<secrecy::SecretString>,
    /// The newest checkpoint that came with a receipt: as signed, by which key, and what it says.
    verified: Arc<Mutex<Option<(String, VerifierKey, Checkpoint)>>>,
}

/// Why the registry could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// An address that is none, or that would send segments in clear.
    #[error("`{url}` can't be the registry: {why}")]
    Address {
        /// As configured.
        url: String,
        /// What is wrong.
        why: &'static str,
    },
    /// TLS or the client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No answer.
    #[error("the registry at {url} did not answer: {why}")]
    Silent {
        /// Where.
        url: String,
        /// The causes in one line.
        why: String,
    },
    /// An answer that says no.
    #[error("the registry answered {status}{}: {why}", code.as_deref().map(|code| format!(" `{code}`")).unwrap_or_default())]
    Problem {
        /// HTTP status.
        status: u16,
        /// Stable code of problem details.
        code: Option<String>,
        /// Its words.
        why: String,
    },
    /// An answer that cannot be read.
    #[error("the registry's answer can't be read: {why}")]
    Answer {
        /// What is wrong with it.
        why: String,
    },
}

/// What became of a segment that was sent.
#[derive(Debug)]
pub enum Answer {
    /// It is kept. The agent may let go.
    Receipt(Box<Verified<Receipt>>),
    /// It is not kept and never will be. The agent may let go.
    Refused(Box<Verified<Receipt>>),
    /// Nothing is decided: the registry is away, full, or does not know the agent.
    TryLater {
        /// Why, for people.
        why: String,
    },
    /// The registry showed that its log was set back or forked, or says so itself. The agent never lets go, and a person is told.
    Alarm {
        /// What was seen.
        why: String,
    },
}

/// How long to wait after `tries` failed ones: doubling from 5 seconds to 15 minutes, each shortened by chance to between half and all of
/// it, so that many agents do not come back at once.
#[must_use]
pub fn pause(tries: u32) -> Duration {
    let (shortest, longest) = PAUSES_SECS;
    let whole = shortest.saturating_mul(1 << tries.min(10)).min(longest) * 1_000;
    Duration::from_millis(rand::rng().random_range(whole / 2..=whole))
}

impl Registry {
    /// The registry at this address: https, or http on this machine.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Address`], [`RegistryError::Client`].
    pub fn new(base: &str) -> Result<Self, RegistryError> {
        let refused = |why| RegistryError::Address { url: base.to_owned(), why };
        let mut url =
            Url::parse(base).map_err(|_| refused("it is no address; write `https://registry.example.org`"))?;
        let loopback = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(refused("it names no host")),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(refused("only https is used, but for http on this machine"));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .user_agent(concat!("vigie-agent/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Client { why: chain(&error.without_url()) })?;
        Ok(Self { client, base: url, token: None, verified: Arc::default() })
    }

    /// With the token of an agent's role, which a registry that is not on this machine asks for. Segments need none: they are signed.
    #[must_use]
    pub fn with_token(mut self, token: Option<secrecy::SecretString>) -> Self {
        self.token = token;
        self
    }

    /// Its address.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.base
    }

    /// Sends the segment named `manifest`, whole, and checks what comes back against the log's key and the newest checkpoint verified so far, as the
    /// log signed it.
    pub async fn put(&self, manifest: &Digest, file: &Path, log_key: &VerifierKey, known: Option<&str>) -> Answer {
        let known = match known.map(|note| self.opened(note, log_key)).transpose() {
            Ok(known) => known,
            Err(error) => {
                return Answer::Alarm {
                    why: format!("the checkpoint this agent keeps is not one of the log's: {error}"),
                };
            }
        };
        let from = known.as_ref().map_or(0, |known| known.size);
        let answer = match self.put_file(manifest, file, from).await {
            Ok(answer) => answer,
            Err(RegistryError::Problem { status: 409, code, why }) if code.as_deref() == Some("rolled_back") => {
                return Answer::Alarm { why: format!("the registry says that its log was set back: {why}") };
            }
            Err(error) => return Answer::TryLater { why: chain(&error) },
        };
        let verified = verify(&answer, manifest, log_key, known.as_ref()).inspect(|verified| {
            let newest = (verified.checkpoint_note().to_owned(), log_key.clone(), verified.checkpoint().clone());
            *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest);
        });
        match verified {
            Ok(verified) if matches!(verified.value(), Receipt::Receipt { .. }) => Answer::Receipt(Box::new(verified)),
            Ok(verified) => Answer::Refused(Box::new(verified)),
            Err(doubt @ Doubt::NoReceipt { .. }) => Answer::TryLater { why: doubt.to_string() },
            Err(doubt @ Doubt::Contradiction { .. }) => Answer::Alarm { why: doubt.to_string() },
        }
    }

    /// A checkpoint as the log signed it; one that this process has verified is not verified again.
    fn opened(&self, note: &str, log_key: &VerifierKey) -> Result<Checkpoint, tlog::CheckpointError> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        match &*verified {
            Some((known, key, checkpoint)) if known == note && key == log_key => Ok(checkpoint.clone()),
            _ => Checkpoint::open(note.as_bytes(), log_key).map(|(checkpoint, _)| checkpoint),
        }
    }

    async fn put_file(&self, manifest: &Digest, file: &Path, from: u64) -> Result<ReceiptAnswer, RegistryError> {
        let unread = |error: std::io::Error| RegistryError::Answer {
            why: format!("{} could not be opened: {error}", file.display()),
        };
        let opened = std::fs::File::open(file).map_err(unread)?;
        let len = opened.metadata().map_err(unread)?.len();
        let (digest, body) = if len <= AT_ONCE_BYTES {
            // Read here and now: it was written a moment ago, and handing pieces from thread to thread costs more than they do.
            let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
            opened.take(len).read_to_end(&mut bytes).map_err(unread)?;
            (Digest::of(&bytes), bytes.into())
        } else {
            let (digest, opened) = tokio::task::spawn_blocking(move || hashed(opened, len))
                .await
                .map_err(std::io::Error::other)
                .flatten()
                .map_err(unread)?;
            let opened = tokio::fs::File::from_std(opened).take(len);
            (digest, reqwest::Body::wrap_stream(ReaderStream::with_capacity(opened, 64 * 1024)))
        };
        let request = self
            .client
            .request(Method::PUT, self.at(&format!("v1/segments/{manifest}?from={from}"))?)
            .header("content-type", "application/warc")
            .header("content-length", len)
            // What is damaged on the way is then no broken segment, which would be refused for ever.
            .header("content-digest", digest.content_digest())
            .body(body);
        self.json(request).await
    }

    /// The policy, as text: it is kept as it came.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub async fn policy(&self) -> Result<String, RegistryError> {
        let bytes = self.bytes(self.client.get(self.at("v1/policy")?)).await?;
        String::from_utf8(bytes).map_err(|_| RegistryError::Answer { why: "the policy is not UTF-8".to_owned() })
    }

    /// Segments in the log whose files the registry has lost: an agent that still holds one sends it again.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub async fn wanted(&self) -> Result<Vec<Digest>, RegistryError> {
        self.json(self.client.get(self.at("v1/wanted")?)).await
    }

    fn at(&self, path: &str) -> Result<Url, RegistryError> {
        self.base
            .join(path)
            .map_err(|_| RegistryError::Address { url: self.base.to_string(), why: "no path can be added to it" })
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, RegistryError> {
        let bytes = self.bytes(request).await?;
        serde_json::from_slice(&bytes).map_err(|error| RegistryError::Answer { why: error.to_string() })
    }

    async fn bytes(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, RegistryError> {
        let silent = |error: reqwest::Error| RegistryError::Silent {
            url: self.base.to_string(),
            why: why(&error.without_url()),
        };
        use secrecy::ExposeSecret as _;
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        let mut response: Response = request.send().await.map_err(silent)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(silent)? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(RegistryError::Answer { why: format!("it has more than {MOST_BYTES} bytes") });
            }
            bytes.extend_from_slice(&chunk);
        }
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let problem = serde_json::from_slice::<Problem>(&bytes).ok();
        let why = problem.as_ref().map_or_else(
            || "no reason was given".to_owned(),
            |problem| problem.detail.clone().unwrap_or_else(|| problem.title.clone()),
        );
        Err(RegistryError::Problem { status: status.as_u16(), code: problem.map(|problem| problem.code), why })
    }
}

/// What a file's first `len` bytes are, and the file at its beginning again.
fn hashed(mut file: std::fs::File, len: u64) -> std::io::Result<(Digest, std::fs::File)> {
    let (mut hash, mut piece) = (Sha256::new(), [0; 1 << 14]);
    let mut all = (&mut file).take(len);
    loop {
        let length = all.read(&mut piece)?;
        match piece.get(..length) {
            Some(some) if !some.is_empty() => hash.update(some),
            _ => break,
        }
    }
    file.rewind()?;
    Ok((Digest(hash.finalize().into()), file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        for (tries, whole_ms) in [(0, 5_000), (1, 10_000), (4, 80_000), (8, 900_000), (1_000, 900_000)] {
            for _ in 0..50 {
                let pause = pause(tries).as_millis();
                assert!((whole_ms / 2..=whole_ms).contains(&pause), "{tries}: {pause}");
            }
        }
    }

    #[test]
    fn segments_never_travel_in_clear() {
        for good in
            ["https://registry.example.org", "http://127.0.0.1:8080", "http://[::1]/", "http://localhost:1/vigie"]
        {
            Registry::new(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        for bad in ["http://registry.example.org", "ftp://127.0.0.1", "registry", ""] {
            assert!(Registry::new(bad).is_err(), "{bad}");
        }
    }
}
