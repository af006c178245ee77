//! What might a site that means harm do? Drills, each a listener of its own, started by the test that wants it.
//!
//! They speak over the bare socket, because most of what they do no HTTP library would let them. Each counts what was asked
//! and what it sent, so that a test can say how soon the client gave up. `/robots.txt` allows everything, unless it is the
//! weapon: a collector that keeps the rules must be let in before it can be hurt.

mod bomb;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::listen::{Stage, bind};
use crate::seen::{Log, Seen};
use wire::{Cut, Wire};

/// The most any drill sends on one connection, in bytes: a client without bounds fails its test, not the machine.
const ENDLESS_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// What a hostile site does to whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trick {
    /// Answers 302 with this Location, written as it stands: see [`Trick::to_metadata`] and its neighbours.
    RedirectTo(String),
    /// Answers every request with 302 to a path not asked for before.
    EndlessRedirects,
    /// A feed of this many bytes, all zero, in one gzip stream about a thousand times smaller.
    GzipBomb {
        /// Size when unpacked. Rounded down to whole MiB.
        bytes: u64,
    },
    /// 200 and a chunked body without end (really 4 GiB).
    EndlessBody,
    /// 200 and a body of 1 MiB, one byte at a time.
    SlowDrip {
        /// The pause after each byte.
        every: Duration,
    },
    /// The head of an answer, without end, one byte of a header at a time.
    SlowHead {
        /// The pause after each byte.
        every: Duration,
    },
    /// A robots.txt of comment lines this long, with `Disallow: /` as its last line; elsewhere an empty feed.
    HugeRobots {
        /// Its size, as Content-Length says.
        bytes: u64,
    },
    /// A well-formed Atom feed with this many elements nested in one entry.
    DeepFeed {
        /// How deep.
        tags: usize,
    },
    /// A feed that defines entities which, expanded, would fill 3 GB ("billion laughs"), and uses them in a title.
    EntityBomb,
    /// An empty feed after this many bytes of headers.
    HugeHeaders {
        /// Altogether, in lines of 1 KiB.
        bytes: usize,
    },
    /// Content-Length says twice what is sent before the connection closes.
    LengthTooLong,
    /// Content-Length says half of what is sent.
    LengthTooShort,
    /// The connection is reset in the middle of a chunk.
    DropMidBody,
    /// Bytes that are not HTTP.
    Garbage,
    /// Accepts, reads the request, and says nothing, for as long as the client waits.
    Silence,
}

impl Trick {
    /// A redirect to the metadata service of cloud machines.
    pub fn to_metadata() -> Trick {
        Trick::RedirectTo("http://169.254.169.254/latest/meta-data/".to_owned())
    }

    /// A redirect to loopback as an IPv4 address mapped into IPv6.
    pub fn to_mapped_loopback(port: u16) -> Trick {
        Trick::RedirectTo(format!("http://[::ffff:127.0.0.1]:{port}/"))
    }

    /// A redirect to loopback in the old notation, hexadecimal and two parts short.
    pub fn to_hex_loopback(port: u16) -> Trick {
        Trick::RedirectTo(format!("http://0x7f.1:{port}/"))
    }

    /// A redirect to loopback as one decimal number.
    pub fn to_decimal_loopback(port: u16) -> Trick {
        Trick::RedirectTo(format!("http://2130706433:{port}/"))
    }

    /// A redirect to loopback by a name that every machine resolves.
    pub fn to_localhost(port: u16) -> Trick {
        Trick::RedirectTo(format!("http://localhost:{port}/"))
    }

    /// A redirect to a scheme that is no web address.
    pub fn to_file() -> Trick {
        Trick::RedirectTo("file:///etc/hostname".to_owned())
    }

    /// One of each, redirects aimed at `forbidden_port`: for a test that every drill hurts only itself.
    pub fn all(forbidden_port: u16) -> Vec<Trick> {
        vec![
            Trick::to_metadata(),
            Trick::to_mapped_loopback(forbidden_port),
            Trick::to_hex_loopback(forbidden_port),
            Trick::to_decimal_loopback(forbidden_port),
            Trick::to_localhost(forbidden_port),
            Trick::to_file(),
            Trick::EndlessRedirects,
            Trick::GzipBomb { bytes: 1 << 30 },
            Trick::EndlessBody,
            Trick::SlowDrip { every: Duration::from_secs(1) },
            Trick::SlowHead { every: Duration::from_secs(1) },
            Trick::HugeRobots { bytes: 100_000_000 },
            Trick::DeepFeed { tags: 10_000 },
            Trick::EntityBomb,
            Trick::HugeHeaders { bytes: 1 << 20 },
            Trick::LengthTooLong,
            Trick::LengthTooShort,
            Trick::DropMidBody,
            Trick::Garbage,
            Trick::Silence,
        ]
    }
}

/// A listener that plays one trick on every connection. Closes when dropped.
pub struct HostileSite {
    addr: SocketAddr,
    log: Log,
    sent_bytes: Arc<AtomicU64>,
    stage: Stage,
}

impl HostileSite {
    /// Listens on a free port.
    ///
    /// # Errors
    ///
    /// A system that gives no more threads or sockets.
    pub fn start(trick: Trick) -> io::Result<HostileSite> {
        let stage = Stage::new()?;
        let (listener, addr) = bind(0)?;
        let (log, sent_bytes) = (Log::default(), Arc::new(AtomicU64::new(0)));
        let (its_log, its_bytes, trick) = (log.clone(), sent_bytes.clone(), Arc::new(trick));
        stage.accept(listener, move |stream| {
            its_log.connected();
            play(trick.clone(), stream, its_log.clone(), its_bytes.clone())
        })?;
        Ok(HostileSite { addr, log, sent_bytes, stage })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Bytes sent so far, heads included. Never fewer than arrived; more by what lay in the system's buffers when the
    /// client left, and by at most 16 KiB still waiting for room there.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::SeqCst)
    }

    /// How many requests were read, those for robots.txt included.
    pub fn requests(&self) -> u64 {
        self.log.requests()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.log.connections()
    }

    /// The requests, oldest first. Their status is what the trick meant to say, 0 when it was none.
    pub fn log(&self) -> Vec<Seen> {
        self.log.all()
    }

    /// Closes the listener and every connection.
    pub fn stop(&self) {
        self.stage.close();
    }
}

/// One connection, one answer, closed: a client that wants more comes again.
async fn play(trick: Arc<Trick>, stream: TcpStream, log: Log, sent_bytes: Arc<AtomicU64>) {
    let mut wire = Wire::new(stream, sent_bytes);
    let Some(mut asked) = wire.request().await else {
        return;
    };
    let robots = asked.path == "/robots.txt" && !matches!(*trick, Trick::HugeRobots { .. });
    asked.status = if robots { 200 } else { meant(&trick) };
    let number = log.requests() + 1;
    log.push_seen(asked.clone());
    // An error is the client's leave; the counter tells how much it took.
    let _ = if robots {
        wire.plain("text/plain", b"User-agent: *\nAllow: /\n").await
    } else {
        hurt(&trick, &asked, number, &mut wire).await
    };
}

fn meant(trick: &Trick) -> u16 {
    match trick {
        Trick::RedirectTo(_) | Trick::EndlessRedirects => 302,
        Trick::Garbage | Trick::Silence | Trick::SlowHead { .. } => 0,
        _ => 200,
    }
}

const EMPTY_FEED: &str = "<?xml version=\"1.0\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:hostile.example.org,2026:feed</id>\
                          <title>Hostile</title><updated>2026-10-01T06:00:00Z</updated></feed>\n";
const ATOM: &str = "application/atom+xml";

async fn hurt(trick: &Trick, asked: &Seen, number: u64, wire: &mut Wire) -> Result<(), Cut> {
    match trick {
        Trick::RedirectTo(target) => wire.redirect(target).await,
        Trick::EndlessRedirects => wire.redirect(&format!("/hop/{number}")).await,
        Trick::GzipBomb { bytes } => {
            wire.head(&[("content-type", ATOM), ("content-encoding", "gzip")]).await?;
            bomb::gzip_zeros(*bytes, wire).await
        }
        Trick::EndlessBody => {
            wire.head(&[("content-type", ATOM), ("transfer-encoding", "chunked")]).await?;
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
            wire.repeat(&chunk, ENDLESS_BYTES).await
        }
        Trick::SlowDrip { every } => {
            wire.head(&[("content-type", ATOM), ("content-length", "1048576")]).await?;
            wire.drip(*every, 1 << 20).await
        }
        Trick::SlowHead { every } => {
            wire.send(b"HTTP/1.1 200 OK\r\nx-slow: ").await?;
            wire.drip(*every, ENDLESS_BYTES).await
        }
        Trick::HugeRobots { bytes } if asked.path == "/robots.txt" => {
            wire.head(&[("content-type", "text/plain"), ("content-length", &bytes.to_string())]).await?;
            let last = b"\nUser-agent: *\nDisallow: /\n";
            let line = [b"#".as_slice(), &[b'z'; 65_534], b"\n"].concat();
            wire.repeat(&line, bytes.saturating_sub(last.len() as u64)).await?;
            wire.send(last).await
        }
        Trick::HugeRobots { .. } => wire.plain(ATOM, EMPTY_FEED.as_bytes()).await,
        Trick::DeepFeed { tags } => wire.plain(ATOM, bomb::deep_feed(*tags).as_bytes()).await,
        Trick::EntityBomb => wire.plain(ATOM, bomb::entities().as_bytes()).await,
        Trick::HugeHeaders { bytes } => {
            wire.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n").await?;
            let value = "h".repeat(1024 - "x-pad-0000000: \r\n".len());
            for line in 0..bytes.div_ceil(1024) {
                wire.send(format!("x-pad-{line:07}: {value}\r\n").as_bytes()).await?;
            }
            wire.send(format!("content-length: {}\r\n\r\n{EMPTY_FEED}", EMPTY_FEED.len()).as_bytes()).await
        }
        Trick::LengthTooLong => wire.lying(EMPTY_FEED, EMPTY_FEED.len() * 2).await,
        Trick::LengthTooShort => wire.lying(EMPTY_FEED, EMPTY_FEED.len() / 2).await,
        Trick::DropMidBody => {
            wire.head(&[("content-type", ATOM), ("transfer-encoding", "chunked")]).await?;
            wire.send(b"1000\r\n<?xml version=\"1.0\"?>\n<feed>").await?;
            wire.reset();
            Ok(())
        }
        Trick::Garbage => {
            wire.send(b"\x16\x03\x01\x00\xff\x00SSH-2.0-nothing\r\n\x00\x01\x02 not HTTP at all\r\n\r\n").await
        }
        Trick::Silence => wire.until_client_leaves().await,
    }
}
