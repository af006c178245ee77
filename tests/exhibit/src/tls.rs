//! What might a site over TLS answer? Sites on loopback that do it well, and each way of doing it badly.
//!
//! Certificates are made as a test runs, by an [`Authority`] that nobody else trusts.

mod authority;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, version},
    server::TlsStream,
};

use crate::listen::{Handler, Stage, answer, bind, lock};
use crate::reply::Reply;
use crate::seen::{Log, Seen};
pub use authority::{Authority, Identity, Span};

/// How a site speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// HTTP/2 or 1.1, as the client wishes, over TLS 1.3 or 1.2.
    Well,
    /// The same over TLS 1.2 and HTTP/1.1 only, as older servers do.
    Older,
    /// HTTP without TLS, on the port where TLS is expected.
    None,
    /// Turns every version down that a client of today offers (alert `protocol_version`, RFC 8446, section 6.2).
    TooOld,
    /// Answers the greeting in TLS 1.1, which no client of today offers.
    TooOldAndDeaf,
    /// Hears the greeting and says nothing, for as long as the client waits.
    Silent,
    /// Hears the greeting and hangs up.
    HangsUp,
    /// Promises a page's length, sends half of it and resets the connection.
    ResetsMidBody,
    /// Sends half of a page without a length and closes the connection without TLS's word for the end (`close_notify`): what anybody on the
    /// way could do as well.
    EndsWithoutAWord,
}

/// A page of a site.
#[derive(Clone, Debug)]
pub struct Page(Reply);

impl Page {
    /// A feed of one entry with this title.
    #[must_use]
    pub fn feed(title: &str) -> Self {
        let id = title.to_lowercase().replace(' ', "-");
        let feed = format!(
            "<?xml version=\"1.0\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:tls.example.org,2026:feed</id><title>TLS</title>\
             <updated>2026-10-01T06:00:00Z</updated><entry><id>tag:tls.example.org,2026:{id}</id><title>{title}</title>\
             <updated>2026-10-01T06:00:00Z</updated><content>{title}, and nothing else.</content></entry></feed>\n"
        );
        Self(Reply::new(200, "application/atom+xml", feed))
    }

    /// A redirect to an address.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self(Reply::redirect(302, to))
    }
}

/// What was agreed on with a client, as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The name that the client asked for (SNI).
    pub name: Option<String>,
    /// `h2`, `http/1.1` (ALPN).
    pub protocol: Option<String>,
}

/// A site over TLS on a free port of loopback. Closes when dropped.
pub struct TlsSite {
    addr: SocketAddr,
    greetings: Arc<Mutex<Vec<Greeting>>>,
    log: Log,
    _stage: Stage,
}

impl TlsSite {
    /// A site of these pages; its robots.txt allows everything, and what is no page is 404.
    ///
    /// # Errors
    ///
    /// A system that gives no more threads or sockets; an identity that cannot be used.
    pub fn start(identity: &Identity, speech: Speech, pages: &[(&str, Page)]) -> io::Result<Self> {
        let stage = Stage::new()?;
        let (listener, addr) = bind(0)?;
        let pages: Vec<(String, Page)> = pages.iter().map(|(path, page)| ((*path).to_owned(), page.clone())).collect();
        let site = Arc::new(Playing {
            acceptor: TlsAcceptor::from(Arc::new(config(identity, speech).map_err(io::Error::other)?)),
            speech,
            greetings: Arc::default(),
            log: Log::default(),
            pages: Arc::new(move |asked| {
                let page = pages.iter().find(|(path, _)| *path == asked.path).map(|(_, page)| page.0.clone());
                match page {
                    Some(page) => page,
                    None if asked.path == "/robots.txt" => Reply::text(200, "User-agent: *\nAllow: /\n"),
                    None => Reply::text(404, "no such page\n"),
                }
            }),
        });
        let (greetings, log) = (site.greetings.clone(), site.log.clone());
        stage.accept(listener, move |stream| {
            site.log.connected();
            let site = site.clone();
            // A client that hangs up ends its own connection and nothing else.
            async move { drop(site.play(stream).await) }
        })?;
        Ok(Self { addr, greetings, log, _stage: stage })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// `https://NAME:PORT`, without a slash at the end.
    #[must_use]
    pub fn at(&self, name: &str) -> String {
        format!("https://{name}:{}", self.port())
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.log.connections()
    }

    /// Greetings that came to an agreement, oldest first.
    #[must_use]
    pub fn greetings(&self) -> Vec<Greeting> {
        lock(&self.greetings).clone()
    }

    /// Requests that were answered, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<Seen> {
        self.log.all()
    }
}

fn config(identity: &Identity, speech: Speech) -> Result<ServerConfig, tokio_rustls::rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = match speech {
        Speech::Older => builder.with_protocol_versions(&[&version::TLS12])?,
        _ => builder.with_safe_default_protocol_versions()?,
    };
    let mut config = builder.with_no_client_auth().with_single_cert(identity.chain(), identity.private_key())?;
    config.alpn_protocols = match speech {
        Speech::Well => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        _ => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// What every connection of a site shares.
struct Playing {
    acceptor: TlsAcceptor,
    speech: Speech,
    greetings: Arc<Mutex<Vec<Greeting>>>,
    log: Log,
    pages: Handler,
}

impl Playing {
    async fn play(&self, mut stream: TcpStream) -> io::Result<()> {
        match self.speech {
            Speech::None => {
                heard(&mut stream).await?;
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
                left(&mut stream).await
            }
            Speech::TooOld => {
                heard(&mut stream).await?;
                // Record: alert, TLS 1.1, 2 bytes. Alert: fatal, protocol_version.
                stream.write_all(&[21, 3, 2, 0, 2, 2, 70]).await?;
                left(&mut stream).await
            }
            Speech::TooOldAndDeaf => {
                heard(&mut stream).await?;
                // Record: handshake, TLS 1.1, 42 bytes. ServerHello: TLS 1.1, random, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
                let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
                hello.extend([7; 32]);
                hello.extend([0, 0, 47, 0]);
                stream.write_all(&hello).await?;
                left(&mut stream).await
            }
            Speech::Silent => left(&mut stream).await,
            Speech::HangsUp => heard(&mut stream).await,
            Speech::Well | Speech::Older => self.serve(self.greet(stream).await?).await,
            Speech::ResetsMidBody | Speech::EndsWithoutAWord => self.break_off(self.greet(stream).await?).await,
        }
    }

    async fn greet(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let stream = self.acceptor.accept(stream).await?;
        let (_, agreed) = stream.get_ref();
        lock(&self.greetings).push(Greeting {
            name: agreed.server_name().map(str::to_owned),
            protocol: agreed.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        });
        Ok(stream)
    }

    async fn serve(&self, stream: TlsStream<TcpStream>) -> io::Result<()> {
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let (log, pages) = (self.log.clone(), self.pages.clone());
        let service = hyper::service::service_fn(move |request| {
            let (log, pages) = (log.clone(), pages.clone());
            async move { Ok::<_, std::convert::Infallible>(answer(request, &log, &pages).await) }
        });
        let stream = TokioIo::new(stream);
        let served = if h2 {
            hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
        } else {
            hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await
        };
        served.map_err(io::Error::other)
    }

    /// One answer on this connection: robots.txt whole, anything else broken off.
    async fn break_off(&self, mut stream: TlsStream<TcpStream>) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        if head.starts_with(b"GET /robots.txt ") {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
            return stream.shutdown().await;
        }
        let length = if self.speech == Speech::ResetsMidBody { "content-length: 1000\r\n" } else { "" };
        let begun = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/atom+xml\r\nconnection: close\r\n{length}\r\n<?xml version=\"1.0\"?>\n<feed>"
        );
        stream.write_all(begun.as_bytes()).await?;
        stream.flush().await?;
        if self.speech == Speech::EndsWithoutAWord {
            // The socket alone is closed, beneath TLS.
            return stream.get_mut().0.shutdown().await;
        }
        stream.get_ref().0.set_zero_linger()
    }
}

/// Reads a first piece of what the client says.
async fn heard(stream: &mut TcpStream) -> io::Result<()> {
    stream.read(&mut [0; 16 * 1024]).await.map(|_| ())
}

/// Until the client leaves.
async fn left(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
