//! As much of a registry as an agent sees: policy, and receipts out of a real log.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use schemas::{
    canonical::canonical_of,
    permission::Entry,
    receipt::{Receipt, ReceiptAnswer},
    segment::Segment,
};
use tlog::{Checkpoint, Note, leaf_hash};

use super::world::{ORIGIN, bundle, key};

#[derive(Default)]
struct Kept {
    segments: Vec<Segment>,
    away: bool,
}

/// A registry on a free port of this machine. One answer a connection.
pub struct StubRegistry {
    addr: SocketAddr,
    kept: Arc<(Mutex<Kept>, Condvar)>,
}

impl StubRegistry {
    pub fn start(entry: &Entry) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let kept: Arc<(Mutex<Kept>, Condvar)> = Arc::default();
        let (here, entry) = (Arc::clone(&kept), entry.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (head, body) = request(&mut stream);
                let (status, answer) = answer(&here, &entry, &head, &body);
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    answer.len()
                );
                let _ = stream.write_all(&[head.as_bytes(), &answer].concat());
            }
        });
        Self { addr, kept }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.0.lock().unwrap()
    }

    pub fn received(&self) -> Vec<Segment> {
        self.kept().segments.clone()
    }

    /// Whether segments are turned away.
    pub fn away(&self, away: bool) {
        self.kept().away = away;
    }

    /// Waits until so many segments came, at most a minute.
    pub fn wait_for(&self, count: usize) {
        let patience = Duration::from_secs(60);
        let (_held, late) =
            self.kept.1.wait_timeout_while(self.kept(), patience, |kept| kept.segments.len() < count).unwrap();
        assert!(!late.timed_out(), "no segment came within a minute");
    }
}

fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut got = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&got[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ").and_then(|n| n.parse().ok())
            });
            if got.len() >= end + 4 + length.unwrap_or(0) {
                return (head, got.split_off(end + 4));
            }
        }
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => got.extend_from_slice(&buffer[..read]),
            _ => return (String::new(), Vec::new()),
        }
    }
}

fn answer(kept: &(Mutex<Kept>, Condvar), entry: &Entry, head: &str, body: &[u8]) -> (&'static str, Vec<u8>) {
    if head.starts_with("GET /v1/policy ") {
        return ("200 OK", serde_json::to_vec(&bundle(entry, Timestamp::now())).unwrap());
    }
    let mut inside = kept.0.lock().unwrap();
    if !head.starts_with("PUT /v1/segments/") || inside.away {
        return ("503 Service Unavailable", br#"{"code":"unavailable","detail":"away"}"#.to_vec());
    }
    let from: u64 = head.split("from=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    let segment = Segment::read(body).unwrap();
    segment.verify(&key("harbour").vkey()).unwrap();
    inside.segments.push(segment);
    kept.1.notify_all();
    let answer = receipt(&inside.segments, from);
    ("200 OK", serde_json::to_vec(&answer).unwrap())
}

fn receipt(segments: &[Segment], from: u64) -> ReceiptAnswer {
    let log = key(ORIGIN);
    let leaves: Vec<_> = segments.iter().map(|segment| leaf_hash(&segment.manifest_bytes)).collect();
    let newest = segments.last().unwrap();
    let index = leaves.len() as u64 - 1;
    let receipt = Receipt::Receipt {
        v: 1,
        manifest: newest.digest,
        index,
        refused: Vec::new(),
        late: Vec::new(),
        at: Timestamp::now(),
    };
    let text = format!("{}\n", String::from_utf8(canonical_of(&receipt).unwrap()).unwrap());
    let checkpoint = Checkpoint::new(ORIGIN, leaves.len() as u64, tlog::root(&leaves));
    let consistency = if from == 0 { Vec::new() } else { tlog::consistency_proof(&leaves, from).unwrap() };
    ReceiptAnswer {
        receipt: Note::sign(&text, &[&log]).unwrap().to_string(),
        leaf: String::from_utf8(newest.manifest_bytes.clone()).unwrap(),
        checkpoint: checkpoint.sign(&log).unwrap().to_string(),
        inclusion: tlog::inclusion_proof(&leaves, index).unwrap(),
        consistency,
    }
}
