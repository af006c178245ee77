//! `/sources/{entry}`: was anybody looking, and the entry in full.

use askama::Template;
use axum::{extract::Path, response::Response};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    calendar::{begin_of, day_given},
    entry::{Group, groups},
    frame::{Frame, with},
    strip::{self, Legend, Slot, Span, Strip},
    text::{person, shown, shown_id},
    visit::{Asked, Made, Visit, missing},
};
use crate::{
    api::Refused,
    desk::{self, CoverageLine, Plan},
};

/// Runs listed one by one.
const RUNS: usize = 40;

#[derive(Template)]
#[template(path = "source.html")]
struct OnePage {
    f: Frame,
    id: String,
    in_force: bool,
    /// Why it is not in force: in words of the page, and in the registry's.
    why_not: Option<(String, String)>,
    lead: String,
    groups: Vec<Group>,
    items: String,
    items_link: String,
    denials_link: String,
    day: Strip,
    week: Strip,
    legend: Vec<Legend>,
    words_title: String,
    calendar_link: String,
    hours: Vec<HourView>,
    runs: Vec<RunView>,
    runs_note: String,
}

struct HourView {
    when: String,
    state: &'static str,
    sign: &'static str,
    words: String,
}

struct RunView {
    at: String,
    iso: String,
    state: &'static str,
    sign: &'static str,
    words: String,
    why: String,
    records: String,
    new: String,
    requests: String,
    refused: String,
    failed: String,
}

pub async fn page(visit: Visit, Path(entry): Path<String>) -> Response {
    visit.page(&["day"], move |asked| build(asked, &entry)).await
}

fn build(asked: &mut Asked, id: &str) -> Result<Made, Refused> {
    let missing = || missing("error-no-source", shown_id(id));
    let history = asked.desk.registry().history();
    let policy = history.policy().ok_or_else(missing)?;
    let now = asked.desk.registry().clock();
    let found = asked.desk.store().read(|db| desk::sources(db, &policy, now)).map_err(|why| Refused::internal(&why))?;
    let source = found.into_iter().find(|source| source.entry.id == id).ok_or_else(missing)?;
    let entry = &source.entry;
    let hour = SignedDuration::from_hours(1);
    let day = day_given(asked, "day")?;
    let day_start = day.map_or_else(|| back(ceiling(now, 1800), 24), begin_of);
    let week_start = day.map_or_else(|| back(midnight(now), 6 * 24), |_| back(day_start, 6 * 24));
    let until = day.map_or(now, |_| later(day_start, 24).min(now));
    let due_since = history.stretches(id, week_start, until.max(week_start)).first().map(|stretch| stretch.from);
    let lines = asked
        .desk
        .store()
        .read(|db| {
            // Hour by hour: a schedule of seconds over a week would be cut short in one piece.
            let mut lines = Vec::new();
            let mut at = due_since.unwrap_or(until);
            while at < until {
                let end = at.checked_add(hour).unwrap_or(until).min(until);
                lines.extend(desk::coverage_by(db, &Plan::of(&history, id, at, end), at, end, now)?);
                at = end;
            }
            Ok(lines)
        })
        .map_err(|why| Refused::internal(&why))?;
    let mut f = asked.frame("source-title", "sources");
    f.title = f.w("source-title", id);
    let half = SignedDuration::from_mins(30);
    let span = |from, length, count| Span { from, length, count, due_since, now };
    let day_slots = strip::slots(&f, &lines, &span(day_start, half, 48));
    let week_slots = strip::slots(&f, &lines, &span(week_start, hour, 7 * 24));
    let hours = hour_rows(&f, &day_slots, day_start);
    let denials = f.link(&with("/denials", "entry", id));
    let approved: Vec<_> = source.approved_by.iter().map(|id| person(id)).collect();
    let args = [
        ("asked", person(&entry.requested_by).into()),
        ("approved", approved.join(", ").into()),
        ("until", f.lang.day_of(&entry.expires_on).into()),
    ];
    let page = OnePage {
        id: id.to_owned(),
        in_force: source.not_in_force.is_none(),
        lead: f.say(if approved.is_empty() { "source-lead-nobody" } else { "source-lead" }, &args),
        groups: groups(&f, &source),
        items: f.n("items", &source.items),
        items_link: f.link(&with("/", "q", &format!("source:{id}"))),
        denials_link: denials,
        day: Strip {
            caption: day.map_or_else(|| f.t("strip-day"), |day| f.w("strip-day-of", &f.lang.day(day))),
            ticks: (0..8_i64).map(|tick| clock(&f, later(day_start, tick * 3))).collect(),
            rows: vec![(String::new(), day_slots)],
        },
        week: Strip {
            caption: day.map_or_else(|| f.t("strip-week"), |day| f.w("strip-week-to", &f.lang.day(day))),
            ticks: (0..8_i64).map(|tick| clock(&f, later(week_start, tick * 3))).collect(),
            rows: week_rows(&f, week_slots, week_start),
        },
        legend: strip::legend(&f),
        words_title: day.map_or_else(|| f.t("coverage-words"), |day| f.w("coverage-words-of", &f.lang.day(day))),
        calendar_link: f.link("/coverage"),
        hours,
        runs_note: f.n("runs-note", &(lines.len().min(RUNS) as u64)),
        runs: lines.iter().rev().take(RUNS).map(|line| run(&f, line)).collect(),
        why_not: source
            .not_in_force
            .as_ref()
            .map(|why| (f.word("not-in-force", source.not_in_force_code.unwrap_or_default()), shown_id(why))),
        f,
    };
    Made::of(&page)
}

fn back(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(at)
}

fn later(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(hours)).unwrap_or(at)
}

/// The next full multiple of so many seconds.
fn ceiling(at: Timestamp, seconds: i64) -> Timestamp {
    let up = (at.as_second() + seconds).div_euclid(seconds) * seconds;
    Timestamp::from_second(up).unwrap_or(at)
}

fn midnight(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(86_400) * 86_400).unwrap_or(at)
}

fn clock(f: &Frame, at: Timestamp) -> String {
    f.lang.clock(at.to_zoned(TimeZone::UTC).datetime())
}

fn week_rows(f: &Frame, slots: Vec<Slot>, start: Timestamp) -> Vec<(String, Vec<Slot>)> {
    slots
        .chunks(24)
        .enumerate()
        .map(|(day, slots)| {
            let date = later(start, 24 * i64::try_from(day).unwrap_or(0)).to_zoned(TimeZone::UTC).date();
            let label = f.lang.day(date);
            // Day and month are enough beside a week.
            let label = label.rsplit_once('\u{a0}').map_or(label.clone(), |(label, _)| label.to_owned());
            (label, slots.to_vec())
        })
        .collect()
}

/// Slots of the last day in words, runs of the same state joined.
fn hour_rows(f: &Frame, slots: &[Slot], start: Timestamp) -> Vec<HourView> {
    let at = |slot: usize| {
        start.checked_add(SignedDuration::from_mins(30 * i64::try_from(slot).unwrap_or(0))).unwrap_or(start)
    };
    let mut rows: Vec<(usize, usize, &Slot)> = Vec::new();
    for (place, slot) in slots.iter().enumerate() {
        match rows.last_mut() {
            Some((_, end, last)) if last.state == slot.state => *end = place + 1,
            _ => rows.push((place, place + 1, slot)),
        }
    }
    rows.iter()
        .rev()
        .map(|(first, end, slot)| HourView {
            when: f
                .say("from-to", &[("from", f.lang.moment(at(*first)).into()), ("to", f.lang.moment(at(*end)).into())]),
            state: slot.state,
            sign: slot.sign,
            words: f.t(&format!("coverage-{}", slot.state)),
        })
        .collect()
}

fn run(f: &Frame, line: &CoverageLine) -> RunView {
    let state = strip::state_key(&line.state);
    RunView {
        at: f.moment(&line.from),
        iso: line.from.clone(),
        state,
        sign: strip::sign(state),
        words: f.word("coverage", &line.state),
        why: line.why.as_deref().map(shown).unwrap_or_default(),
        records: f.number(&line.records),
        new: f.number(&line.new),
        requests: f.number(&line.requests),
        refused: f.number(&line.refused),
        failed: f.number(&line.failed),
    }
}
