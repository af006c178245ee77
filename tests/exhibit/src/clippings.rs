//! How does GDELT's DOC API list articles? A small one, whose articles the test puts in.
//!
//! It gives 250 at most, newest first, of those seen from one second to another, both included, whatever the query's words are.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::listen::{Stage, bind_at, lock};
use crate::reply::{Asked, Reply};

/// Longest list.
const LONGEST: usize = 250;

/// An index of articles behind `/api/v2/doc/doc`. Closes when dropped.
pub struct Clippings {
    url: String,
    state: Arc<Mutex<State>>,
    _stage: Stage,
}

#[derive(Default)]
struct State {
    /// `seendate` and article.
    articles: Vec<(String, Value)>,
    /// What it says in a 200 instead of a list.
    says: Option<String>,
    /// From when to when, of every request.
    asked: Vec<[String; 2]>,
}

impl Clippings {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    ///
    /// As [`crate::Exhibit::start`].
    pub fn start() -> io::Result<Clippings> {
        let (stage, state) = (Stage::new()?, Arc::<Mutex<State>>::default());
        let (listener, addr) = bind_at(Ipv4Addr::LOCALHOST, 0)?;
        let shared = state.clone();
        stage.serve(listener, Default::default(), Arc::new(move |asked| answer(&mut lock(&shared), asked)))?;
        Ok(Clippings { url: format!("http://{addr}"), state, _stage: stage })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lists an article from now on, as seen at a time.
    pub fn put(&self, name: &str, seen: Timestamp) {
        let seen = seen.strftime("%Y%m%dT%H%M%SZ").to_string();
        let article = json!({
            "url": format!("https://news.example.org/{name}"), "url_mobile": "", "title": format!("About {name}"), "seendate": seen,
            "socialimage": "", "domain": "news.example.org", "language": "English", "sourcecountry": "Canada"
        });
        lock(&self.state).articles.push((seen, article));
    }

    /// Says this in a 200 instead of a list, as a page of HTML by its type; nothing ends that.
    pub fn say(&self, prose: Option<&str>) {
        lock(&self.state).says = prose.map(str::to_owned);
    }

    /// `startdatetime` and `enddatetime` of the requests since the last call.
    pub fn asked(&self) -> Vec<[String; 2]> {
        std::mem::take(&mut lock(&self.state).asked)
    }
}

fn answer(state: &mut State, asked: &Asked) -> Reply {
    let param = |name: &str| asked.param(name).unwrap_or_default().to_owned();
    if asked.path != "/api/v2/doc/doc" || [param("mode"), param("format")] != ["artlist", "json"] {
        return Reply::text(404, "not here\n");
    }
    let [from, to] = [param("startdatetime"), param("enddatetime")];
    state.asked.push([from.clone(), to.clone()]);
    if let Some(prose) = &state.says {
        return Reply::html(200, prose.clone());
    }
    let digits = |seen: &str| seen.replace(['T', 'Z'], "");
    let mut found: Vec<&(String, Value)> =
        state.articles.iter().filter(|(seen, _)| (&from..=&to).contains(&&digits(seen))).collect();
    found.sort_by(|one, other| other.0.cmp(&one.0));
    let articles: Vec<&Value> = found.into_iter().map(|(_, article)| article).take(LONGEST).collect();
    let body = if articles.is_empty() { json!({}) } else { json!({ "articles": articles }) };
    Reply::new(200, "application/json; charset=utf-8", body.to_string())
}
