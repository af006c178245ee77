//! How does the public interface of Bluesky answer for one account? A small one, whose entries the test puts in, edits and takes out.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::listen::{Stage, bind_at, lock};
use crate::reply::{Asked, Reply};

/// Most entries on a page, so that walks are long.
const PAGE: usize = 4;

/// An account with its feed. Closes when dropped.
pub struct Appview {
    url: String,
    state: Arc<Mutex<State>>,
    _stage: Stage,
}

#[derive(Default)]
struct State {
    profile: Value,
    /// Newest last.
    feed: Vec<Value>,
    closed: bool,
    closes: bool,
}

impl Appview {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    ///
    /// As [`crate::Exhibit::start`].
    pub fn start() -> io::Result<Appview> {
        let (stage, state) = (Stage::new()?, Arc::new(Mutex::new(State::default())));
        let (listener, addr) = bind_at(Ipv4Addr::LOCALHOST, 0)?;
        let shared = state.clone();
        stage.serve(listener, Default::default(), Arc::new(move |asked| answer(&mut lock(&shared), asked)))?;
        Ok(Appview { url: format!("http://{addr}"), state, _stage: stage })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Shows this profile from now on.
    pub fn profile(&self, profile: Value) {
        lock(&self.state).profile = profile;
    }

    /// Publishes an entry, or puts it in the place of the one with its address.
    pub fn put(&self, entry: Value) {
        let feed = &mut lock(&self.state).feed;
        match feed.iter_mut().find(|old| address(old) == address(&entry)) {
            Some(old) => *old = entry,
            None => feed.push(entry),
        }
    }

    /// Takes a post out, and with it whatever repeats it.
    pub fn remove(&self, uri: &str) {
        lock(&self.state).feed.retain(|entry| entry["post"]["uri"] != uri);
    }

    /// Deactivates the account, or takes that back.
    pub fn close(&self, closed: bool) {
        let mut state = lock(&self.state);
        (state.closed, state.closes) = (closed, false);
    }

    /// Deactivates the account as soon as somebody asks for posts by address: after the look at its profile.
    pub fn close_after_the_feed(&self) {
        lock(&self.state).closes = true;
    }
}

/// Of a repost its own, of which an account may have one beside its post.
fn address(entry: &Value) -> &Value {
    entry.pointer("/reason/uri").unwrap_or(&entry["post"]["uri"])
}

fn answer(state: &mut State, asked: &Asked) -> Reply {
    let body = match asked.path.strip_prefix("/xrpc/") {
        Some("app.bsky.actor.getProfile") if state.closed => {
            return json_of(400, &json!({ "error": "AccountDeactivated", "message": "Account is deactivated" }));
        }
        Some("app.bsky.actor.getProfile") => state.profile.clone(),
        Some("app.bsky.feed.getAuthorFeed") => {
            let from = asked.param("cursor").and_then(|from| from.parse().ok()).unwrap_or(0);
            let page: Vec<&Value> = state.feed.iter().rev().skip(from).take(PAGE).collect();
            let mut body = json!({ "feed": page });
            // As the service does it, the last page is an empty one.
            if !page.is_empty() {
                body["cursor"] = json!((from + page.len()).to_string());
            }
            body
        }
        Some("app.bsky.feed.getPosts") => {
            state.closed |= state.closes;
            let uris = asked.query.replace("%3A", ":").replace("%2F", "/");
            let is_asked = |post: &&Value| {
                uris.split('&').any(|uri| uri.strip_prefix("uris=").is_some_and(|uri| post["uri"] == uri))
            };
            let mut shown: Vec<&Value> = Vec::new();
            for post in state.feed.iter().map(|entry| &entry["post"]).filter(is_asked).filter(|_| !state.closed) {
                if !shown.iter().any(|other| other["uri"] == post["uri"]) {
                    shown.push(post);
                }
            }
            json!({ "posts": shown })
        }
        _ => return Reply::text(404, "no such endpoint\n"),
    };
    json_of(200, &body)
}

fn json_of(status: u16, body: &Value) -> Reply {
    Reply::new(status, "application/json; charset=utf-8", body.to_string())
}
