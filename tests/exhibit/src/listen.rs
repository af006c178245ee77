//! Where do listeners live? On a runtime of their own, so that a test which blocks never starves the server it asks.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::reply::{Asked, Reply};
use crate::seen::Log;

/// The largest request body read, in bytes. Nothing here needs more; a client that sends more gets 413.
const REQUEST_BODY_LIMIT_BYTES: usize = 1024 * 1024;

pub(crate) type Handler = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// A runtime and the listeners on it. Dropping it closes them all.
pub(crate) struct Stage {
    runtime: Mutex<Option<Runtime>>,
    /// Every listening task holds a sender; the receiver is told when the last one is gone.
    alive: Mutex<Option<mpsc::Sender<Infallible>>>,
    gone: Mutex<mpsc::Receiver<Infallible>>,
}

impl Stage {
    pub fn new() -> io::Result<Stage> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("exhibit")
            .enable_all()
            .build()?;
        let (alive, gone) = mpsc::channel();
        Ok(Stage { runtime: Mutex::new(Some(runtime)), alive: Mutex::new(Some(alive)), gone: Mutex::new(gone) })
    }

    /// Answers HTTP/1.1 on `listener` until the stage closes, writing each request to `log`.
    pub fn serve(&self, listener: TcpListener, log: Log, handler: Handler) -> io::Result<()> {
        self.accept(listener, move |stream| {
            log.connected();
            let (log, handler) = (log.clone(), handler.clone());
            async move {
                let answer = service_fn(move |request| {
                    let (log, handler) = (log.clone(), handler.clone());
                    async move { Ok::<_, Infallible>(answer(request, &log, &handler).await) }
                });
                // A client that hangs up or talks nonsense ends its own connection and nothing else.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            }
        })
    }

    /// Hands every connection to `play`, which does with the bare socket what it likes.
    pub fn accept<F, Fut>(&self, listener: TcpListener, mut play: F) -> io::Result<()>
    where
        F: FnMut(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        listener.set_nonblocking(true)?;
        let alive = lock(&self.alive).clone();
        self.spawn(async move {
            let _alive = alive;
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                return;
            };
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => {
                            // Small answers must not wait for the client's delayed acknowledgement.
                            let _ = stream.set_nodelay(true);
                            connections.spawn(play(stream));
                        }
                        // Out of file descriptors, most likely: give the others a moment to end.
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    },
                    Some(_) = connections.join_next(), if !connections.is_empty() => {}
                }
            }
        })
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        match &*lock(&self.runtime) {
            Some(runtime) => {
                runtime.spawn(task);
                Ok(())
            }
            None => Err(io::Error::other("the exhibit has been stopped; start a new one")),
        }
    }

    /// Closes every listener and connection; once this returns the ports refuse connections. Twice does no harm.
    ///
    /// May be called from asynchronous code: it waits for sockets to close, a matter of microseconds, at most 5 s.
    pub fn close(&self) {
        let Some(runtime) = lock(&self.runtime).take() else {
            return;
        };
        lock(&self.alive).take();
        runtime.shutdown_background();
        // Nothing is ever sent, so this ends when the last sender is dropped.
        let _ = lock(&self.gone).recv_timeout(Duration::from_secs(5));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.close();
    }
}

/// Listens on loopback, on `port` or on a free one when it is 0.
pub(crate) fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    bind_at(Ipv4Addr::LOCALHOST, port)
}

/// As [`bind`], on another of the loopback addresses: a host of its own.
pub(crate) fn bind_at(host: Ipv4Addr, port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((host, port))
        .map_err(|why| io::Error::new(why.kind(), format!("cannot listen on {host}:{port}: {why}")))?;
    let at = listener.local_addr()?;
    Ok((listener, at))
}

/// A lock whose holder panicked still guards plain values worth reading.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request and writes it to the log.
pub(crate) async fn answer(request: Request<Incoming>, log: &Log, handler: &Handler) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
    };
    // Read to its end, so that the connection can be used again.
    let reply = match Limited::new(body, REQUEST_BODY_LIMIT_BYTES).collect().await {
        Ok(_) => handler(&asked),
        Err(_) => Reply::text(413, "the request body is too large\n"),
    };
    log.push(&asked, &reply);
    reply.into_response()
}
