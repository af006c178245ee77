//! A site whose every answer a test writes out.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};

/// A listener on a free port of this machine. One answer a connection.
pub struct Site {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// `answer` is given the request (head and body as text) and says everything that is sent back.
    pub fn start(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut got = Vec::new();
                let mut buffer = [0; 16 * 1024];
                while !whole(&got) {
                    match stream.read(&mut buffer) {
                        Ok(read @ 1..) => got.extend_from_slice(&buffer[..read]),
                        _ => break,
                    }
                }
                let request = String::from_utf8_lossy(&got).into_owned();
                let reply = answer(&request);
                heard.lock().unwrap().push(request);
                let _ = stream.write_all(&reply);
            }
        });
        Self { addr, asked }
    }

    /// The same with a robots.txt of its own.
    pub fn with_robots(robots: &'static str, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        Self::start(
            move |request| {
                if request.starts_with("GET /robots.txt ") { ok("text/plain", robots) } else { answer(request) }
            },
        )
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// The requests so far, robots.txt left out.
    pub fn asked(&self) -> Vec<String> {
        let all = self.asked.lock().unwrap();
        all.iter().filter(|request| !request.starts_with("GET /robots.txt ")).cloned().collect()
    }

    /// How often robots.txt was asked for.
    pub fn robots(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|request| request.starts_with("GET /robots.txt ")).count()
    }
}

fn whole(got: &[u8]) -> bool {
    let text = String::from_utf8_lossy(got);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length: ").and_then(|n| n.parse::<usize>().ok())
    });
    body.len() >= length.unwrap_or(0)
}

pub fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut all = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len())
        .into_bytes();
    all.extend_from_slice(body);
    all
}

pub fn ok(content_type: &str, body: &str) -> Vec<u8> {
    reply("200 OK", &format!("content-type: {content_type}\r\n"), body.as_bytes())
}
