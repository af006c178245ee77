//! Who asked for what? The log a test reads to prove that something arrived, or that nothing did.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde::Serialize;

use crate::listen::lock;
use crate::reply::{Asked, Reply};

/// How many requests a log keeps; older ones are forgotten, though still counted.
const KEPT: usize = 100_000;

/// One request as it arrived, and the status it got.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// When the answer was made, by this machine's clock.
    pub at: Timestamp,
    /// `GET`, `HEAD`, …
    pub method: String,
    /// Path with query, as sent.
    pub path: String,
    /// Every header in order of arrival, names in lower case, bytes that are not UTF-8 replaced.
    pub headers: Vec<(String, String)>,
    /// The status code of the answer.
    pub status: u16,
}

impl Seen {
    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The shared log of one listener.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    seen: Mutex<VecDeque<Seen>>,
    requests: AtomicU64,
    connections: AtomicU64,
}

impl Log {
    pub fn connected(&self) {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub fn push(&self, asked: &Asked, reply: &Reply) {
        let question = if asked.query.is_empty() { "" } else { "?" };
        self.push_seen(Seen {
            at: Timestamp::now(),
            method: asked.method.clone(),
            path: format!("{}{question}{}", asked.path, asked.query),
            headers: asked.headers.clone(),
            status: reply.status,
        });
    }

    pub fn push_seen(&self, one: Seen) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let mut seen = lock(&self.0.seen);
        if seen.len() >= KEPT {
            seen.pop_front();
        }
        seen.push_back(one);
    }

    pub fn all(&self) -> Vec<Seen> {
        lock(&self.0.seen).iter().cloned().collect()
    }

    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    pub fn connections(&self) -> u64 {
        self.0.connections.load(Ordering::Relaxed)
    }
}
