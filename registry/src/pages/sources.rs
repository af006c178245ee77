//! `/sources`: what may be collected, by whose signature, until when, and how it is doing.

use askama::Template;
use axum::response::Response;
use schemas::permission::Match;

use super::{
    frame::{Frame, with},
    strip,
    text::{person, shown_id},
    visit::{Asked, Made, Visit},
};
use crate::{
    api::Refused,
    desk::{self, CoverageLine, Source},
};

#[derive(Template)]
#[template(path = "sources.html")]
struct ListPage {
    f: Frame,
    none: bool,
    sources: Vec<SourceView>,
}

struct SourceView {
    id: String,
    link: String,
    items_link: String,
    purpose: String,
    hosts: String,
    in_force: bool,
    state: String,
    approved: String,
    until: String,
    last: Option<Last>,
    items: String,
}

struct Last {
    state: &'static str,
    sign: &'static str,
    words: String,
    at: String,
}

pub async fn page(visit: Visit) -> Response {
    visit.page(&[], build).await
}

fn build(asked: &mut Asked) -> Result<Made, Refused> {
    let policy = asked.desk.registry().history().policy();
    let now = asked.desk.registry().clock();
    let found = match &policy {
        Some(policy) => {
            asked.desk.store().read(|db| desk::sources(db, policy, now)).map_err(|why| Refused::internal(&why))?
        }
        None => Vec::new(),
    };
    let f = asked.frame("sources-title", "sources");
    let sources = found.iter().map(|source| source_view(&f, source)).collect();
    Made::of(&ListPage { f, none: policy.is_none(), sources })
}

fn source_view(f: &Frame, source: &Source) -> SourceView {
    let entry = &source.entry;
    let mut hosts: Vec<_> = entry.matches.iter().map(host).collect();
    hosts.dedup();
    SourceView {
        link: f.link(&format!("/sources/{}", entry.id)),
        items_link: f.link(&with("/", "q", &format!("source:{}", entry.id))),
        id: entry.id.clone(),
        purpose: entry.purpose.clone(),
        hosts: hosts.join(", "),
        in_force: source.not_in_force.is_none(),
        state: f.t(if source.not_in_force.is_none() { "in-force" } else { "not-in-force" }),
        approved: source.approved_by.iter().map(|id| person(id)).collect::<Vec<_>>().join(", "),
        until: f.lang.day_of(&entry.expires_on),
        last: source.last.as_ref().map(|line| last(f, line)),
        items: f.n("items", &source.items),
    }
}

/// Host and port of a rule.
pub fn host(rule: &Match) -> String {
    let port = rule.port.map(|port| format!(":{port}")).unwrap_or_default();
    shown_id(&format!("{}{port}", rule.host))
}

fn last(f: &Frame, line: &CoverageLine) -> Last {
    let state = strip::state_key(&line.state);
    Last { state, sign: strip::sign(state), words: f.t(&format!("coverage-{state}")), at: f.moment(&line.to) }
}
