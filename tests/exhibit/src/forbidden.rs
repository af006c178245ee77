//! Did anything arrive where nothing may? A bare listener that counts and never answers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::AsyncReadExt;

use crate::listen::{Stage, bind};

/// A listener on loopback that no permission names. Closes when dropped.
pub struct ForbiddenListener {
    addr: SocketAddr,
    counts: Arc<Counts>,
    _stage: Stage,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    bytes: AtomicU64,
}

impl ForbiddenListener {
    /// Listens on a free port.
    ///
    /// # Errors
    ///
    /// A system that gives no more threads or sockets.
    pub fn start() -> io::Result<ForbiddenListener> {
        let stage = Stage::new()?;
        let (listener, addr) = bind(0)?;
        let counts = Arc::new(Counts::default());
        let counted = counts.clone();
        stage.accept(listener, move |mut stream| {
            counted.accepted.fetch_add(1, Ordering::SeqCst);
            let counted = counted.clone();
            async move {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    counted.bytes.fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::SeqCst);
                }
            }
        })?;
        Ok(ForbiddenListener { addr, counts, _stage: stage })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its port, for addresses in other notations.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Connections accepted so far. One that the kernel completed but nobody has taken up yet is not counted:
    /// a test that proves absence first lets the client finish.
    pub fn connections(&self) -> u64 {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// Bytes received so far on all of them.
    pub fn bytes(&self) -> u64 {
        self.counts.bytes.load(Ordering::SeqCst)
    }
}
