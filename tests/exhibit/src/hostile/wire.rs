//! How does a hostile site write? Bare bytes on a socket, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::seen::Seen;

/// The largest request head read, in bytes; what sends more is answered with a closed connection.
const HEAD_LIMIT_BYTES: usize = 256 * 1024;

/// The most written at once, in bytes, and so the most by which the count can be ahead.
const PIECE_BYTES: usize = 16 * 1024;

/// The client is gone.
pub(super) struct Cut;

pub(super) struct Wire {
    stream: TcpStream,
    sent_bytes: Arc<AtomicU64>,
}

impl Wire {
    pub fn new(stream: TcpStream, sent_bytes: Arc<AtomicU64>) -> Wire {
        Wire { stream, sent_bytes }
    }

    /// Reads one request head, or nothing when none comes.
    pub async fn request(&mut self) -> Option<Seen> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= HEAD_LIMIT_BYTES {
                return None;
            }
            head.push(self.stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.lines();
        let mut words = lines.next()?.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Seen { at: Timestamp::now(), method, path, headers, status: 0 })
    }

    /// Counts before it writes and takes back what was not taken, so that the count is never behind the client.
    pub async fn send(&mut self, mut bytes: &[u8]) -> Result<(), Cut> {
        while !bytes.is_empty() {
            let piece = bytes.get(..PIECE_BYTES).unwrap_or(bytes);
            self.count(piece.len());
            let sent = self.stream.write(piece).await.unwrap_or(0);
            self.sent_bytes.fetch_sub(piece.len().saturating_sub(sent) as u64, Ordering::SeqCst);
            bytes = bytes.get(sent..).filter(|_| sent > 0).ok_or(Cut)?;
        }
        Ok(())
    }

    fn count(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Ordering::SeqCst);
    }

    /// The same bytes again and again, `total` of them altogether.
    pub async fn repeat(&mut self, bytes: &[u8], total: u64) -> Result<(), Cut> {
        let mut left = usize::try_from(total).unwrap_or(usize::MAX);
        while left > 0 && !bytes.is_empty() {
            let part = bytes.get(..left).unwrap_or(bytes);
            self.send(part).await?;
            left -= part.len();
        }
        Ok(())
    }

    /// One byte and a pause, `total` times.
    pub async fn drip(&mut self, every: Duration, total: u64) -> Result<(), Cut> {
        for _ in 0..total {
            self.send(b".").await?;
            tokio::time::sleep(every).await;
        }
        Ok(())
    }

    /// Status line and headers of a 200 that closes the connection at its end.
    pub async fn head(&mut self, headers: &[(&str, &str)]) -> Result<(), Cut> {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{lines}\r\n").as_bytes()).await
    }

    /// A whole answer without tricks.
    pub async fn plain(&mut self, content_type: &str, body: &[u8]) -> Result<(), Cut> {
        self.head(&[("content-type", content_type), ("content-length", &body.len().to_string())]).await?;
        self.send(body).await
    }

    pub async fn redirect(&mut self, target: &str) -> Result<(), Cut> {
        let head =
            format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        self.send(head.as_bytes()).await
    }

    /// A feed with a Content-Length of one's choice.
    pub async fn lying(&mut self, body: &str, length: usize) -> Result<(), Cut> {
        self.head(&[("content-type", "application/atom+xml"), ("content-length", &length.to_string())]).await?;
        self.send(body.as_bytes()).await
    }

    /// Makes the close that follows a reset (RST) instead of an orderly end.
    pub fn reset(&self) {
        let _ = self.stream.set_zero_linger();
    }

    pub async fn until_client_leaves(&mut self) -> Result<(), Cut> {
        let mut buffer = [0; 1024];
        while let Ok(1..) = self.stream.read(&mut buffer).await {}
        Err(Cut)
    }
}
