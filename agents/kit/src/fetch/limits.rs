//! How much may one request cost?

use std::time::Duration;

/// Bounds of every request. The defaults are those of the design; tests shorten them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Looking up a name. Default 10 s.
    pub lookup: Duration,
    /// Making a connection, TLS included. Default 10 s.
    pub connect: Duration,
    /// From sending to the end of the response's head, connecting included. Default 30 s.
    pub head: Duration,
    /// From sending to the last byte. Default 60 s.
    pub total: Duration,
    /// Header lines of a response. Default 100.
    pub headers: usize,
    /// Bytes of a response's head. Default 64 KiB.
    pub header_bytes: usize,
    /// A body slower than [`Limits::drip_bytes`] in this time is cut. Default 20 s.
    pub drip: Duration,
    /// Fewest body bytes in [`Limits::drip`]. Default 1 KiB.
    pub drip_bytes: u64,
    /// An open connection that sends nothing at all for so long is taken for dead. Default 5 min. `total` and `drip` are not for streams.
    pub silence: Duration,
    /// Body bytes of a robots.txt. Default 512 KiB, of which [`schemas::robots::PARSED_BYTES`] count.
    pub robots_bytes: u64,
    /// A pause longer than this is given back to the engine instead of waited for. Default 30 s.
    pub longest_wait: Duration,
    /// How soon a robots.txt that could not be reached is asked for again. Default 30 min.
    pub robots_again: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lookup: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            head: Duration::from_secs(30),
            total: Duration::from_secs(60),
            headers: 100,
            header_bytes: 64 * 1024,
            drip: Duration::from_secs(20),
            drip_bytes: 1024,
            silence: Duration::from_secs(300),
            robots_bytes: 512 * 1024,
            longest_wait: Duration::from_secs(30),
            robots_again: Duration::from_secs(30 * 60),
        }
    }
}
