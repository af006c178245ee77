//! What analysts and reviewers ask: searches, records, sources, coverage, denials.

use std::{collections::HashMap, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Desk, Refused, Seat, blocking,
    parameters::{instant, number, only},
};
use crate::{
    desk::{self, DenialFilter, Item, Plan, RecordId},
    prove,
    search::{Options, Query as Words, Search},
};

/// Finds records; the query language is the one everywhere.
pub async fn search(
    State(desk): State<Desk>,
    seat: Seat,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refused> {
    seat.reads()?;
    only(&given, &["q", "limit", "cursor", "facets", "min_size"])?;
    let limit = number(&given, "limit")?.unwrap_or(20);
    let min_size = number(&given, "min_size")?;
    let facets = given.get("facets").is_some_and(|word| word == "true");
    let text = given.get("q").cloned().unwrap_or_default();
    let cursor = given.get("cursor").cloned();
    blocking(move || {
        if let Some(size) = min_size
            && !desk.registry().wait_followed(size, Duration::from_secs(30))
        {
            return Err(Refused::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "behind",
                "the index has not come that far",
                format!("complete to log size {}, {size} was asked for: ask again", desk.registry().followed()),
            ));
        }
        seat.audit(&desk, "search", &text)?;
        let (query, answer) = find(&desk, &text, limit, cursor, facets)?;
        let cards =
            desk.store().read(|db| desk::cards(db, &query, &answer.hits)).map_err(|why| Refused::internal(&why))?;
        let mut found = serde_json::to_value(answer).map_err(|why| Refused::internal(&why))?;
        if let Some(object) = found.as_object_mut() {
            object.insert("hits".to_owned(), serde_json::to_value(cards).map_err(|why| Refused::internal(&why))?);
        }
        Ok(Json(found))
    })
    .await
}

fn find(
    desk: &Desk,
    text: &str,
    limit: u64,
    cursor: Option<String>,
    facets: bool,
) -> Result<(Words, crate::search::Answer), Refused> {
    let query = Words::parse(text).map_err(|why| Refused::bad_request(why.to_string()))?;
    let limit = u32::try_from(limit.clamp(1, 200)).unwrap_or(20);
    let options = Options { limit, cursor, facets, is_trial: desk.is_trial(), ..Options::at(Timestamp::now()) };
    desk.counters().searches.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    match desk.store().read(|db| Ok(Search::run(db, &query, &options))) {
        Ok(Ok(answer)) => Ok((query, answer)),
        Ok(Err(why)) => Err(Refused::bad_request(why.to_string())),
        Err(why) => Err(Refused::internal(&why)),
    }
}

fn item(desk: &Desk, id: &str) -> Result<(RecordId, Item), Refused> {
    let id: RecordId = id.parse().map_err(Refused::bad_request)?;
    let found = desk.store().read(|db| desk::item(db, id)).map_err(|why| Refused::internal(&why))?;
    found
        .map(|item| (id, item))
        .ok_or_else(|| Refused::not_found(format!("there is no record {id}; it may have been erased")))
}

/// One record with its history.
pub async fn record(State(desk): State<Desk>, seat: Seat, Path(id): Path<String>) -> Result<Json<Item>, Refused> {
    seat.reads()?;
    blocking(move || {
        seat.audit(&desk, "record", &id)?;
        Ok(Json(item(&desk, &id)?.1))
    })
    .await
}

/// Where a record comes from, checked.
pub async fn trace(State(desk): State<Desk>, seat: Seat, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    seat.reads()?;
    blocking(move || {
        seat.audit(&desk, "trace", &id)?;
        let id: RecordId = id.parse().map_err(Refused::bad_request)?;
        let traced = prove::trace(desk.registry(), id).map_err(|why| Refused::not_found(format!("{why:#}")))?;
        serde_json::to_value(traced).map(Json).map_err(|why| Refused::internal(&why))
    })
    .await
}

/// Everything that proves a record, for `vigie-verify`.
pub async fn bundle(State(desk): State<Desk>, seat: Seat, Path(id): Path<String>) -> Result<Response, Refused> {
    seat.reads()?;
    blocking(move || {
        seat.audit(&desk, "bundle", &id)?;
        let id: RecordId = id.parse().map_err(Refused::bad_request)?;
        let bytes = prove::bundle(desk.registry(), id)
            .and_then(|made| Ok(made.write()?))
            .map_err(|why| Refused::not_found(format!("{why:#}")))?;
        let name = format!("attachment; filename=\"record-{id}.vigie-bundle\"");
        Ok(([(header::CONTENT_TYPE, "application/x-tar".to_owned()), (header::CONTENT_DISPOSITION, name)], bytes)
            .into_response())
    })
    .await
}

/// What a record was read from, byte for byte.
pub async fn evidence(
    State(desk): State<Desk>,
    seat: Seat,
    Path(id): Path<String>,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Response, Refused> {
    seat.reads()?;
    only(&given, &["part"])?;
    let part = match given.get("part").map(String::as_str) {
        None | Some("body") => prove::Part::Body,
        Some("answer") => prove::Part::Answer,
        Some("robots") => prove::Part::Robots,
        Some(other) => {
            return Err(Refused::bad_request(format!(
                "`part={other}` is not known; write one of body, answer, robots"
            )));
        }
    };
    blocking(move || {
        seat.audit(&desk, "evidence", &id)?;
        let id: RecordId = id.parse().map_err(Refused::bad_request)?;
        let bytes = prove::evidence(desk.registry(), id, part).map_err(|why| Refused::not_found(format!("{why:#}")))?;
        // Whatever it is, no browser may take it for a page of ours.
        let headers = [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"record-{id}.{}\"", part.ending())),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
            (header::CACHE_CONTROL, "private, no-store".to_owned()),
        ];
        Ok((headers, bytes).into_response())
    })
    .await
}

/// All entries with approvals and state.
pub async fn sources(
    State(desk): State<Desk>,
    seat: Seat,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refused> {
    seat.reads()?;
    only(&given, &[])?;
    blocking(move || {
        let policy = desk.policy()?;
        let found = desk
            .store()
            .read(|db| desk::sources(db, &policy, Timestamp::now()))
            .map_err(|why| Refused::internal(&why))?;
        Ok(Json(json!({ "sources": found, "permission": policy.permission() })))
    })
    .await
}

/// Coverage of one entry.
pub async fn coverage(
    State(desk): State<Desk>,
    seat: Seat,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refused> {
    seat.reads()?;
    only(&given, &["entry", "from", "to"])?;
    let entry = given.get("entry").cloned().ok_or_else(|| Refused::bad_request("`entry` is missing"))?;
    let now = Timestamp::now();
    let to = instant(&given, "to")?.unwrap_or(now);
    let from = instant(&given, "from")?.unwrap_or_else(|| to.checked_sub(SignedDuration::from_hours(24)).unwrap_or(to));
    blocking(move || {
        let policy = desk.policy()?;
        if policy.entry(&entry).is_none() {
            return Err(Refused::not_found(format!("there is no entry `{entry}`")));
        }
        let plan = Plan::of(&desk.registry().history(), &entry, from, to);
        if plan.is_long() {
            let most = desk::MAX_LINES;
            let why = format!("more than {most} runs were due from {from} to {to}: ask for a shorter time");
            return Err(Refused::bad_request(why));
        }
        let found = desk
            .store()
            .read(|db| desk::coverage_by(db, &plan, from, to, now))
            .map_err(|why| Refused::internal(&why))?;
        Ok(Json(json!({ "entry": entry, "from": from, "to": to, "runs": found })))
    })
    .await
}

/// What was refused.
pub async fn denials(
    State(desk): State<Desk>,
    seat: Seat,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refused> {
    seat.reads()?;
    only(&given, &["entry", "code", "limit"])?;
    let limit = u32::try_from(number(&given, "limit")?.unwrap_or(100).clamp(1, 1000)).unwrap_or(100);
    let filter = DenialFilter { entry: given.get("entry").cloned(), code: given.get("code").cloned(), limit };
    blocking(move || {
        let found = desk.store().read(|db| desk::denials(db, &filter)).map_err(|why| Refused::internal(&why))?;
        Ok(Json(json!({ "denials": found })))
    })
    .await
}

/// The agents.
pub async fn agents(
    State(desk): State<Desk>,
    seat: Seat,
    Query(given): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refused> {
    seat.reads()?;
    only(&given, &[])?;
    blocking(move || {
        let history = desk.registry().history();
        let chains = desk.registry().chain_findings().map_err(|why| Refused::internal(&why))?;
        let found =
            desk.store().read(|db| desk::agents(db, &history, &chains)).map_err(|why| Refused::internal(&why))?;
        Ok(Json(json!({ "agents": found })))
    })
    .await
}
