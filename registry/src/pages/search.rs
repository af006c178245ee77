//! `/`: what was collected, found by the query language.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use fluent_bundle::FluentValue;
use jiff::Timestamp;
use rusqlite::Connection;
use schemas::policy::History;

use super::{
    frame::{Frame, with},
    text::{Chunk, coded, lang_tag, shown, shown_id},
    timeline::{self, Timeline},
    visit::{Asked, Made, Visit},
    words,
};
use crate::{
    api::Refused,
    desk::{self, Card},
    search::{
        Answer, Count, Options, Query, QueryError, Search, SearchError,
        query::{Expr, Field},
        snippet::Part,
    },
};

/// Hits a page.
const HITS: u32 = 20;
/// Values shown of a facet.
const VALUES: usize = 8;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    f: Frame,
    q: String,
    wrong: Option<Wrong>,
    problem: Option<String>,
    found: Option<Found>,
    examples: Vec<Example>,
}

/// Where the query cannot be read.
struct Wrong {
    line: String,
    what: Vec<Chunk>,
    hint: Vec<Chunk>,
}

/// A word of the query language, with what it does.
struct Example {
    query: &'static str,
    link: String,
    what: String,
}

struct Found {
    headline: String,
    complete: String,
    hits: Vec<HitView>,
    facets: Vec<Facet>,
    timeline: Option<Timeline>,
    first: Option<String>,
    next: Option<String>,
}

struct HitView {
    link: String,
    title: String,
    tag: String,
    source: String,
    source_link: String,
    kind: String,
    language: Option<String>,
    author: Option<String>,
    time: String,
    iso: String,
    time_is_claimed: bool,
    is_revised: bool,
    is_gone: bool,
    is_vanished: bool,
    /// Host, where it is a claim about somebody else's item.
    claim_of: Option<String>,
    cut_before: bool,
    cut_after: bool,
    parts: Vec<Part>,
}

struct Facet {
    title: String,
    values: Vec<Value>,
    more: u64,
}

struct Value {
    label: String,
    count: String,
    link: String,
    chosen: bool,
}

pub async fn page(visit: Visit) -> Response {
    visit.page(&["q", "cursor"], build).await
}

fn build(asked: &mut Asked) -> Result<Made, Refused> {
    let q = asked.given.get("q").cloned().unwrap_or_default();
    let cursor = asked.given.get("cursor").filter(|cursor| !cursor.is_empty()).cloned();
    asked.seat.audit(&asked.desk, "search", &q)?;
    asked.desk.counters().searches.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut f = asked.frame("search-title", "search");
    if !q.trim().is_empty() {
        f.title = f.w("search-title-for", &q);
    }
    let examples = examples(&f);
    let query = match Query::parse(&q) {
        Ok(query) => query,
        Err(why) => {
            let page = SearchPage { wrong: Some(wrong(&f, &why)), f, q, problem: None, found: None, examples };
            return Made::with(StatusCode::BAD_REQUEST, &page);
        }
    };
    let options = Options {
        limit: HITS,
        cursor: cursor.clone(),
        facets: true,
        is_trial: asked.desk.is_trial(),
        ..Options::at(asked.desk.registry().clock())
    };
    let (history, now) = (asked.desk.registry().history(), asked.desk.registry().clock());
    let answered = asked.desk.store().read(|db| {
        let answer = match Search::run(db, &query, &options) {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(why)),
        };
        let found = view(db, &f, &query, &answer, cursor.is_some(), (&history, now))?;
        Ok(Ok(found))
    });
    let (found, problem) = match answered {
        Ok(Ok(found)) => (Some(found), None),
        Ok(Err(why)) => (None, Some(failed(&f, &why))),
        Err(why) => return Err(Refused::internal(&why)),
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Made::with(status, &SearchPage { f, q, wrong: None, problem, found, examples })
}

fn wrong(f: &Frame, why: &QueryError) -> Wrong {
    let line = f.n("search-wrong-column", &(why.column as u64));
    let args: Vec<_> =
        why.fault.args().into_iter().map(|(name, value)| (name, shown_id(&value).replace('`', "´"))).collect();
    let say = |key: String| coded(&f.say(&key, &words::values(&args)));
    let code = why.fault.code();
    Wrong { line, what: say(format!("query-{code}")), hint: say(format!("query-{code}-hint")) }
}

/// Why a query that was read has no answer.
fn failed(f: &Frame, why: &SearchError) -> String {
    match why {
        SearchError::TooSlow { limit_ms } => f.n("search-too-slow", limit_ms),
        SearchError::Cursor => f.t("search-cursor"),
        _ => f.t("search-index"),
    }
}

fn examples(f: &Frame) -> Vec<Example> {
    [
        ("\"ice free\"", "help-phrase"),
        ("harb*", "help-prefix"),
        ("harbour OR port", "help-or"),
        ("harbour -ferry", "help-not"),
        ("title:harbour", "help-title"),
        ("source:harbour-news", "help-source"),
        ("lang:fr", "help-lang"),
        ("after:2026-10-01 before:2026-11", "help-time"),
        ("seen:7d", "help-seen"),
        ("link:example.org", "help-link"),
        ("is:revised", "help-is"),
    ]
    .map(|(query, key)| Example { query, link: f.link(&with("/", "q", query)), what: f.t(key) })
    .into()
}

fn view(
    db: &Connection,
    f: &Frame,
    query: &Query,
    answer: &Answer,
    is_later: bool,
    (history, now): (&History, Timestamp),
) -> rusqlite::Result<Found> {
    let entries: Vec<String> = history
        .policy()
        .map(|policy| policy.allowlist().entries.iter().map(|entry| entry.id.clone()).collect())
        .unwrap_or_default();
    let cards = desk::cards(db, query, &answer.hits)?;
    let here = |query: &str| f.link(&if query.is_empty() { "/".to_owned() } else { with("/", "q", query) });
    let facets = answer.facets.as_ref();
    let timeline = match facets {
        Some(facets) if !facets.day.is_empty() => {
            let looked = sources_of(query).unwrap_or(entries);
            let looks = |first, last| desk::looks(db, history, &looked, (first, last), now).unwrap_or_default();
            let link = |from: &str, to: &str| {
                let text = format!("after:{from} before:{to}");
                let days = Query::parse(&text).ok().and_then(|days| days.expr().cloned());
                here(&and(&without_times(query), days))
            };
            timeline::of(f, &facets.day, &looks, &link)
        }
        _ => None,
    };
    let size = FluentValue::from(answer.complete_to);
    Ok(Found {
        headline: f.n("search-found", &answer.total),
        complete: f.say("search-complete", &[("size", size)]),
        hits: cards.iter().map(|card| hit(f, card)).collect(),
        facets: facets.map(|facets| facet_views(f, query, facets, &here)).unwrap_or_default(),
        timeline,
        first: is_later.then(|| here(&answer.query)),
        next: answer.next.as_ref().map(|cursor| {
            let path = if answer.query.is_empty() { "/".to_owned() } else { with("/", "q", &answer.query) };
            f.link(&with(&path, "cursor", cursor))
        }),
    })
}

fn hit(f: &Frame, card: &Card) -> HitView {
    let plain: String = card.parts.iter().map(|part| part.text.as_str()).collect();
    // A record without a title is titled by its beginning: then the text says nothing new unless something in it was looked for.
    let repeats = plain.starts_with(card.title.as_str())
        && card.parts.iter().all(|part| !part.is_hit)
        && plain.chars().count() <= 80;
    let long = card.title.chars().count() == 80 && plain.starts_with(card.title.as_str());
    HitView {
        link: f.link(&format!("/record/{}", card.id)),
        title: format!("{}{}", shown(&card.title).replace('\n', " "), if long { "…" } else { "" }),
        tag: lang_tag(card.language.as_deref()),
        source_link: f.link(&format!("/sources/{}", card.source)),
        source: card.source.clone(),
        kind: f.word("kind", &card.kind),
        language: card.language.as_deref().map(shown),
        author: card.author.as_deref().map(shown),
        time: f.lang.moment(card.time),
        iso: card.time.to_string(),
        time_is_claimed: card.time_is_claimed,
        is_revised: card.is_revised,
        is_gone: card.is_gone,
        is_vanished: card.is_vanished,
        claim_of: (!card.is_home).then(|| card.vantage.clone()),
        cut_before: card.snippet.starts_with('…'),
        cut_after: card.snippet.ends_with('…'),
        parts: if repeats { Vec::new() } else { at_words(card) },
    }
}

/// The parts of a snippet, without the pieces of words that its ends cut off. Text without spaces stays as it is.
fn at_words(card: &Card) -> Vec<Part> {
    let mut parts: Vec<Part> =
        card.parts.iter().map(|part| Part { text: shown(&part.text), is_hit: part.is_hit }).collect();
    let last = parts.len().saturating_sub(1);
    if let Some(part) = parts.get_mut(last).filter(|part| card.snippet.ends_with('…') && !part.is_hit)
        && let Some((kept, cut)) = part.text.rsplit_once(char::is_whitespace)
        && cut.chars().count() < 24
    {
        part.text = kept.trim_end().to_owned();
    }
    if let Some(part) = parts.first_mut().filter(|part| card.snippet.starts_with('…') && !part.is_hit)
        && let Some((cut, kept)) = part.text.split_once(char::is_whitespace)
        && cut.chars().count() < 24
    {
        part.text = kept.trim_start().to_owned();
    }
    parts
}

/// The parts of a query that all must hold.
fn parts(query: &Query) -> Vec<Expr> {
    match query.expr() {
        None => Vec::new(),
        Some(Expr::And(parts)) => parts.clone(),
        Some(other) => vec![other.clone()],
    }
}

fn and(query: &[Expr], more: Option<Expr>) -> String {
    let all = query.iter().cloned().chain(more).collect();
    Expr::all(all).map(|expr| expr.to_string()).unwrap_or_default()
}

fn without_times(query: &Query) -> Vec<Expr> {
    let is_time = |part: &Expr| matches!(part, Expr::Field(Field::After(_) | Field::Before(_)));
    parts(query).into_iter().filter(|part| !is_time(part)).collect()
}

/// The sources that a query names, if it names some.
fn sources_of(query: &Query) -> Option<Vec<String>> {
    let named: Vec<_> = parts(query)
        .into_iter()
        .filter_map(|part| match part {
            Expr::Field(Field::Source(source)) => Some(source),
            _ => None,
        })
        .collect();
    (!named.is_empty()).then_some(named)
}

fn facet_views(f: &Frame, query: &Query, facets: &crate::search::Facets, here: &dyn Fn(&str) -> String) -> Vec<Facet> {
    let all: [(&str, &str, &[Count]); 4] = [
        ("facet-source", "source", &facets.source),
        ("facet-language", "lang", &facets.language),
        ("facet-platform", "platform", &facets.platform),
        ("facet-kind", "kind", &facets.kind),
    ];
    let own = parts(query);
    all.into_iter()
        .map(|(title, name, counts)| {
            let mut values = Vec::new();
            for count in counts.iter().filter(|count| !count.value.is_empty()).take(VALUES) {
                let Ok(field) = Field::parse(name, &count.value) else {
                    continue;
                };
                let part = Expr::Field(field);
                let chosen = own.contains(&part);
                let to = if chosen {
                    and(&own.iter().filter(|other| **other != part).cloned().collect::<Vec<_>>(), None)
                } else {
                    and(&own, Some(part))
                };
                let label = if name == "kind" { f.word("kind", &count.value) } else { shown(&count.value) };
                values.push(Value { label, count: f.number(&count.count), link: here(&to), chosen });
            }
            let more = counts.len().saturating_sub(VALUES) as u64;
            Facet { title: f.t(title), values, more }
        })
        .filter(|facet| !facet.values.is_empty())
        .collect()
}
