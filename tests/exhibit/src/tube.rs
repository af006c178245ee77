//! How does the YouTube Data API answer about one channel? A small one, whose videos the test puts in, edits and takes out.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::listen::{Stage, bind_at, lock};
use crate::reply::{Asked, Reply};

/// Most videos on a page, so that walks are long.
const PAGE: usize = 2;

/// A channel behind an API that wants a key, and repeats it in every answer. Closes when dropped.
pub struct Tube {
    url: String,
    state: Arc<Mutex<State>>,
    _stage: Stage,
}

struct State {
    channel: String,
    key: String,
    /// Newest last.
    videos: Vec<Value>,
    closed: bool,
    closes: bool,
    /// Reason of refusals by 403, and how many are left.
    refuses: (String, usize),
    asked: usize,
}

impl Tube {
    /// Listens on a free port of loopback, for whoever has the key.
    ///
    /// # Errors
    ///
    /// As [`crate::Exhibit::start`].
    pub fn start(channel: &str, key: &str) -> io::Result<Tube> {
        let state = State {
            channel: channel.to_owned(),
            key: key.to_owned(),
            videos: Vec::new(),
            closed: false,
            closes: false,
            refuses: (String::new(), 0),
            asked: 0,
        };
        let (stage, state) = (Stage::new()?, Arc::new(Mutex::new(state)));
        let (listener, addr) = bind_at(Ipv4Addr::LOCALHOST, 0)?;
        let shared = state.clone();
        stage.serve(listener, Default::default(), Arc::new(move |asked| answer(&mut lock(&shared), asked)))?;
        Ok(Tube { url: format!("http://{addr}"), state, _stage: stage })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Uploads a video, or puts it in the place of the one with its id.
    pub fn put(&self, video: Value) {
        let videos = &mut lock(&self.state).videos;
        match videos.iter_mut().find(|old| old["id"] == video["id"]) {
            Some(old) => *old = video,
            None => videos.push(video),
        }
    }

    /// Takes a video out.
    pub fn remove(&self, id: &str) {
        lock(&self.state).videos.retain(|video| video["id"] != id);
    }

    /// Terminates the channel as soon as somebody asks for videos: after the look at its uploads.
    pub fn close_after_the_list(&self) {
        lock(&self.state).closes = true;
    }

    /// Takes that back.
    pub fn open(&self) {
        let mut state = lock(&self.state);
        (state.closed, state.closes) = (false, false);
    }

    /// Answers the next `times` requests by a 403 for this reason, with a pause of a second.
    pub fn refuse(&self, reason: &str, times: usize) {
        lock(&self.state).refuses = (reason.to_owned(), times);
    }

    /// Wants another key from now on.
    pub fn want_key(&self, key: &str) {
        lock(&self.state).key = key.to_owned();
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        lock(&self.state).asked
    }
}

fn answer(state: &mut State, asked: &Asked) -> Reply {
    state.asked += 1;
    let param = |name: &str| asked.param(name).unwrap_or_default();
    if param("key") != state.key {
        let details = json!([{ "reason": "API_KEY_INVALID", "domain": "googleapis.com" }]);
        return refusal(400, "API key not valid. Please pass a valid API key.", "badRequest", &details);
    }
    if state.refuses.1 > 0 {
        state.refuses.1 -= 1;
        let mut reply = refusal(403, "The request cannot be completed.", &state.refuses.0, &json!([]));
        reply.headers.push(("retry-after".to_owned(), "1".to_owned()));
        return reply;
    }
    let list = format!("UU{}", state.channel.trim_start_matches("UC"));
    let (items, total, next) = match asked.path.as_str() {
        "/youtube/v3/channels" if param("id") != state.channel || state.closed => (None, 0, None),
        "/youtube/v3/channels" => {
            let shown = json!({ "id": state.channel, "contentDetails": { "relatedPlaylists": { "uploads": list } } });
            (Some(vec![shown]), 1, None)
        }
        "/youtube/v3/playlistItems" if param("playlistId") == list && !state.closed => {
            let from = param("pageToken").parse().unwrap_or(0);
            let listed = |video: &Value| json!({ "contentDetails": { "videoId": video["id"] } });
            let page: Vec<Value> = state.videos.iter().rev().skip(from).take(PAGE).map(listed).collect();
            let end = from + page.len();
            (Some(page), state.videos.len(), (end < state.videos.len()).then_some(end))
        }
        "/youtube/v3/videos" => {
            state.closed |= state.closes;
            let ids = param("id").replace("%2C", ",");
            let is_asked = |video: &&Value| ids.split(',').any(|id| video["id"] == id) && !state.closed;
            let shown: Vec<Value> = state.videos.iter().filter(is_asked).cloned().collect();
            let total = shown.len();
            (Some(shown), total, None)
        }
        _ => return refusal(404, "The playlist cannot be found.", "playlistNotFound", &json!([])),
    };
    let mut body = json!({ "etag": asked.query, "pageInfo": { "totalResults": total, "resultsPerPage": PAGE } });
    if let Some(items) = items {
        body["items"] = Value::Array(items);
    }
    if let Some(next) = next {
        body["nextPageToken"] = json!(next.to_string());
    }
    json_of(200, &body)
}

fn refusal(status: u16, message: &str, reason: &str, details: &Value) -> Reply {
    let error = json!({ "code": status, "message": message, "errors": [{ "reason": reason }], "details": details });
    json_of(status, &json!({ "error": error }))
}

fn json_of(status: u16, body: &Value) -> Reply {
    Reply::new(status, "application/json; charset=UTF-8", body.to_string())
}
