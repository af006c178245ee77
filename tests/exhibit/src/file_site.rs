//! What does a folder of saved answers look like as a site? Its files, with the headers they once came with.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::listen::{Stage, bind};
use crate::reply::{Asked, Reply};
use crate::seen::{Log, Seen};

/// Serves the files of a folder. Closes when dropped.
///
/// `/robots.txt` is 404 unless the folder has one. A file has the headers given for its path; without a content-type among
/// them it gets one by its ending. Files are read anew for each request.
pub struct FileSite {
    url: String,
    log: Log,
    stage: Stage,
}

/// Headers by path, `/` between folders and none in front.
pub type Headers = BTreeMap<String, Vec<(String, String)>>;

/// The members of a line of `manifest.jsonl` that matter here.
#[derive(Deserialize)]
struct Line {
    file: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl FileSite {
    /// Serves `folder` on a free port.
    ///
    /// # Errors
    ///
    /// A system that gives no more threads or sockets.
    pub fn start(folder: impl Into<PathBuf>, headers: Headers) -> io::Result<FileSite> {
        let (folder, stage, log) = (folder.into(), Stage::new()?, Log::default());
        let (listener, addr) = bind(0)?;
        stage.serve(listener, log.clone(), Arc::new(move |asked| answer(&folder, &headers, asked)))?;
        Ok(FileSite { url: format!("http://{addr}"), log, stage })
    }

    /// Serves `folder` with the `headers` that its `manifest.jsonl` gives for each `file`.
    ///
    /// # Errors
    ///
    /// A manifest that is missing or has a line that cannot be read (named by number); else as [`FileSite::start`].
    pub fn from_manifest(folder: impl Into<PathBuf>) -> io::Result<FileSite> {
        let folder = folder.into();
        let path = folder.join("manifest.jsonl");
        let text = std::fs::read_to_string(&path)
            .map_err(|why| io::Error::new(why.kind(), format!("cannot read {}: {why}", path.display())))?;
        let mut headers = Headers::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line)
                .map_err(|why| io::Error::other(format!("{}:{}: {why}", path.display(), number + 1)))?;
            headers.insert(line.file, line.headers.into_iter().collect());
        }
        FileSite::start(folder, headers)
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.url
    }

    /// The requests that arrived, oldest first.
    pub fn log(&self) -> Vec<Seen> {
        self.log.all()
    }

    /// Closes the listener.
    pub fn stop(&self) {
        self.stage.close();
    }
}

fn answer(folder: &Path, headers: &Headers, asked: &Asked) -> Reply {
    let path = decode(asked.path.trim_start_matches('/'));
    let inside = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
    let body = if inside { std::fs::read(folder.join(&path)).ok() } else { None };
    let Some(body) = body else {
        return Reply::text(404, "no such file\n");
    };
    // Headers of the transfer are ours to set: the saved ones describe another transfer.
    let given = headers.get(&path).map_or(&[][..], Vec::as_slice);
    let given = given.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let mut reply = Reply { status: 200, headers: given.filter(|(name, _)| !of_transfer(name)).collect(), body };
    if !reply.headers.iter().any(|(name, _)| name == "content-type") {
        reply = reply.with("content-type", by_ending(&path));
    }
    reply
}

fn of_transfer(name: &str) -> bool {
    matches!(name, "content-length" | "transfer-encoding" | "connection" | "keep-alive")
}

fn by_ending(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("atom") => "application/atom+xml",
        Some("rss") => "application/rss+xml",
        Some("rdf") => "application/rdf+xml",
        Some("xml") => "application/xml",
        Some("json") => "application/json",
        Some("html" | "htm") => "text/html",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Undoes percent-encoding; what is not valid stays as it is.
fn decode(path: &str) -> String {
    let mut out = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        out.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or(&[]) } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}
