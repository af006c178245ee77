//! How does a server with the Mastodon client API answer? A small one, whose posts the test puts in, edits and takes out.
//!
//! Posts are JSON as the API gives them, newest first by the order in which they were put in; ids are whatever the posts say.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::listen::{Stage, bind_at, lock};
use crate::reply::{Asked, Reply};
use crate::seen::{Log, Seen};

/// How a server differs from Mastodon.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Sends `Link` headers.
    pub links: bool,
    /// Knows `max_id`; else it shows its newest page whatever is asked.
    pub pages: bool,
    /// Shows single posts to everybody.
    pub single: bool,
    /// Most posts on a page.
    pub page: usize,
    /// `configuration.timelines_access` of its instance document.
    pub access: Value,
}

impl Default for Manner {
    /// As Mastodon does it, 40 posts a page, everything open.
    fn default() -> Manner {
        Manner { links: true, pages: true, single: true, page: 40, access: json!({}) }
    }
}

/// A server with one timeline, shown as the public one, as every hashtag's and as every account's. Closes when dropped.
pub struct Instance {
    url: String,
    state: Arc<Mutex<State>>,
    log: Log,
    stage: Stage,
}

#[derive(Default)]
struct State {
    /// Newest last; `None` where a post was taken out, since others are still older and newer than it.
    posts: Vec<(String, Option<Value>)>,
    /// Requests still to be answered with 429.
    busy: u32,
    asked: u32,
}

impl Instance {
    /// Listens on a free port of a loopback address.
    ///
    /// # Errors
    ///
    /// As [`crate::Exhibit::start`].
    pub fn start(host: Ipv4Addr, manner: Manner) -> io::Result<Instance> {
        let (stage, log, state) = (Stage::new()?, Log::default(), Arc::new(Mutex::new(State::default())));
        let (listener, addr) = bind_at(host, 0)?;
        let url = format!("http://{addr}");
        let (shared, base) = (state.clone(), url.clone());
        stage.serve(listener, log.clone(), Arc::new(move |asked| answer(&mut lock(&shared), &manner, &base, asked)))?;
        Ok(Instance { url, state, log, stage })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Publishes a post, or puts it in the place of the one with its id.
    pub fn put(&self, post: Value) {
        let id = post["id"].as_str().unwrap_or_default().to_owned();
        let mut state = lock(&self.state);
        match state.posts.iter_mut().find(|(known, _)| *known == id) {
            Some((_, old)) => *old = Some(post),
            None => state.posts.push((id, Some(post))),
        }
    }

    /// Takes a post out.
    pub fn remove(&self, id: &str) {
        for (known, post) in &mut lock(&self.state).posts {
            if known == id {
                *post = None;
            }
        }
    }

    /// Answers the next requests with 429 and a reset one second ahead, as an instant.
    pub fn be_busy(&self, requests: u32) {
        lock(&self.state).busy = requests;
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

fn answer(state: &mut State, manner: &Manner, base: &str, asked: &Asked) -> Reply {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    if parts.first() != Some(&"api") {
        let address = format!("{base}{}", asked.path);
        let is_there = state.posts.iter().filter_map(|(_, post)| post.as_ref()).any(|post| post["uri"] == *address);
        let object = json!({ "@context": "https://www.w3.org/ns/activitystreams", "id": address, "type": "Note" });
        return if is_there {
            Reply::new(200, "application/activity+json", object.to_string())
        } else {
            problem(404, "Not Found")
        };
    }
    state.asked += 1;
    if state.busy > 0 {
        state.busy -= 1;
        return rated(problem(429, "Too many requests"), 0);
    }
    let reply = match parts.as_slice() {
        ["api", "v1", "timelines", ..] | ["api", "v1", "accounts", _, "statuses"] => {
            timeline(state, manner, base, asked)
        }
        ["api", "v1", "accounts", "lookup"] => account(state, |_| true),
        ["api", "v1", "accounts", id] => account(state, |post| post["account"]["id"] == *id),
        ["api", "v1", "statuses", _] if !manner.single => problem(401, "The access token is invalid"),
        ["api", "v1", "statuses", id] => match state.posts.iter().find(|(known, _)| known == id) {
            Some((_, Some(post))) => Reply::new(200, JSON, post.to_string()),
            _ => problem(404, "Record not found"),
        },
        ["api", "v2", "instance"] => {
            let about = json!({ "domain": "social.example", "version": "4.6.0", "rules": [], "configuration": { "timelines_access": manner.access } });
            Reply::new(200, JSON, about.to_string()).conditional(asked, "Thu, 01 Oct 2026 06:00:00 GMT")
        }
        _ => problem(404, "Not Found"),
    };
    rated(reply, 300 - state.asked % 300)
}

const JSON: &str = "application/json; charset=utf-8";

fn problem(status: u16, error: &str) -> Reply {
    Reply::new(status, JSON, json!({ "error": error }).to_string())
}

fn rated(reply: Reply, remaining: u32) -> Reply {
    let reset = Timestamp::now().saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
    reply
        .with("x-ratelimit-limit", "300")
        .with("x-ratelimit-remaining", &remaining.to_string())
        .with("x-ratelimit-reset", &reset.to_string())
}

fn account(state: &State, is_it: impl Fn(&Value) -> bool) -> Reply {
    match state.posts.iter().filter_map(|(_, post)| post.as_ref()).rfind(|post| is_it(post)) {
        Some(post) => Reply::new(200, JSON, post["account"].to_string()),
        None => problem(404, "Record not found"),
    }
}

fn timeline(state: &State, manner: &Manner, base: &str, asked: &Asked) -> Reply {
    let place = |name: &str| asked.param(name).and_then(|id| state.posts.iter().position(|(known, _)| known == id));
    let (above, below) =
        if manner.pages { (place("min_id").filter(|_| manner.links), place("max_id")) } else { (None, None) };
    let limit = asked.param("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20).min(manner.page);
    let range = above.map_or(0, |at| at + 1)..below.unwrap_or(state.posts.len()).max(above.map_or(0, |at| at + 1));
    let mut found: Vec<&(String, Option<Value>)> =
        state.posts.get(range).unwrap_or_default().iter().filter(|(_, post)| post.is_some()).collect();
    // `min_id` means the oldest page above it, everything else the newest; either is shown newest first.
    if above.is_none() {
        found.reverse();
    }
    found.truncate(limit);
    if above.is_some() {
        found.reverse();
    }
    let body: Vec<&Value> = found.iter().filter_map(|(_, post)| post.as_ref()).collect();
    let reply = Reply::new(200, JSON, json!(body).to_string());
    match (found.first(), found.last()) {
        (Some((newest, _)), Some((oldest, _))) if manner.links => {
            let next = format!("<{base}{}?max_id={oldest}>; rel=\"next\"", asked.path);
            reply.with("link", &format!("{next}, <{base}{}?min_id={newest}>; rel=\"prev\"", asked.path))
        }
        _ => reply,
    }
}
