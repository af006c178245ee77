//! `/sources`: what may be collected, who asked, who approved, until when, and how it is doing. What needs a person stands first.

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;
use schemas::permission::Match;

use super::{
    calendar::day_of,
    frame::{Frame, with},
    strip,
    text::{person, shown, shown_id},
    visit::{Asked, Made, Visit},
};
use crate::{
    api::Refused,
    desk::{self, CoverageLine, Reason, Source},
};

/// An entry that ends within so many days is marked.
const SOON_DAYS: i32 = 30;

#[derive(Template)]
#[template(path = "sources.html")]
struct ListPage {
    f: Frame,
    none: bool,
    headline: String,
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
    why_not: Option<String>,
    asked: String,
    approved: String,
    until: String,
    /// Days left, where they are few.
    soon: Option<String>,
    last: Option<Last>,
    items: String,
    refused: Option<(String, String)>,
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
    let (mut found, reasons) = match &policy {
        Some(policy) => asked
            .desk
            .store()
            .read(|db| Ok((desk::sources(db, policy, now)?, desk::reasons(db, None)?)))
            .map_err(|why| Refused::internal(&why))?,
        None => (Vec::new(), Vec::new()),
    };
    // First what is not in force, then what ends soon.
    found.sort_by_cached_key(|source| {
        let left = days_left(source, now);
        (
            source.not_in_force.is_none(),
            left.filter(|left| *left <= SOON_DAYS).unwrap_or(i32::MAX),
            source.entry.id.clone(),
        )
    });
    let f = asked.frame("sources-title", "sources");
    let count = |of: &dyn Fn(&Source) -> bool| found.iter().filter(|source| of(source)).count() as u64;
    let soon =
        |source: &Source| source.not_in_force.is_none() && days_left(source, now).is_some_and(|left| left <= SOON_DAYS);
    let headline = [
        ("sources-in-force", count(&|source| source.not_in_force.is_none())),
        ("sources-not-in-force", count(&|source| source.not_in_force.is_some())),
        ("sources-soon", count(&soon)),
    ];
    let headline = headline.iter().filter(|(key, count)| *count > 0 || *key == "sources-in-force");
    let page = ListPage {
        none: policy.is_none(),
        headline: headline.map(|(key, count)| f.n(key, count)).collect::<Vec<_>>().join(" · "),
        sources: found.iter().map(|source| source_view(&f, source, &reasons, now)).collect(),
        f,
    };
    Made::of(&page)
}

/// Days until the entry ends, the last day included.
fn days_left(source: &Source, now: Timestamp) -> Option<i32> {
    let end: jiff::civil::Date = source.entry.expires_on.parse().ok()?;
    Some((end - day_of(now)).get_days())
}

fn source_view(f: &Frame, source: &Source, reasons: &[Reason], now: Timestamp) -> SourceView {
    let entry = &source.entry;
    let mut hosts: Vec<_> = entry.matches.iter().map(host).collect();
    hosts.dedup();
    let left = days_left(source, now).filter(|left| (0..=SOON_DAYS).contains(left));
    let of_this = reasons.iter().flat_map(|reason| &reason.entries).filter(|(name, _)| *name == entry.id);
    let refused: u64 = of_this.map(|(_, count)| count).sum();
    SourceView {
        link: f.link(&format!("/sources/{}", entry.id)),
        items_link: f.link(&with("/", "q", &format!("source:{}", entry.id))),
        id: entry.id.clone(),
        purpose: shown(&entry.purpose),
        hosts: hosts.join(", "),
        in_force: source.not_in_force.is_none(),
        state: f.t(if source.not_in_force.is_none() { "in-force" } else { "not-in-force" }),
        why_not: source.not_in_force_code.map(|code| f.word("not-in-force", code)),
        asked: person(&entry.requested_by),
        approved: source.approved_by.iter().map(|id| person(id)).collect::<Vec<_>>().join(", "),
        until: f.lang.day_of(&entry.expires_on),
        soon: left.map(|left| f.n("ends-in", &u64::from(left.unsigned_abs()))),
        last: source.last.as_ref().map(|line| last(f, line)),
        items: f.n("items", &source.items),
        refused: (refused > 0).then(|| (f.n("refusals", &refused), f.link(&with("/denials", "entry", &entry.id)))),
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
