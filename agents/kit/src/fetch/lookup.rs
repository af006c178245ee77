//! Which addresses does a name have, and how is the connector kept to those that were judged?

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::engine::Pending;

/// Looks names up. Asked once a request: what it says is judged and then used.
pub trait Lookup: Send + Sync {
    /// All addresses of a host name; empty for a name without one.
    fn lookup<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver (`getaddrinfo`).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let mut found: Vec<IpAddr> = tokio::net::lookup_host((host, 0)).await?.map(|socket| socket.ip()).collect();
            found.dedup();
            Ok(found)
        })
    }
}

/// The resolver of one client: knows one name and the addresses the gate agreed to. A second question to the DNS, with another answer,
/// is not possible.
pub(super) struct Pinned {
    host: String,
    peers: Arc<[SocketAddr]>,
}

impl Pinned {
    pub fn new(host: &str, peers: &[SocketAddr]) -> Self {
        Self { host: host.to_owned(), peers: peers.into() }
    }
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = if name.as_str().eq_ignore_ascii_case(&self.host) {
            let peers = self.peers.to_vec();
            Ok(Box::new(peers.into_iter()) as Addrs)
        } else {
            Err(format!("`{}` was not asked of the gate", name.as_str()).into())
        };
        Box::pin(std::future::ready(answer))
    }
}
