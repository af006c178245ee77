//! `/coverage`: who was looking, source by source and day by day? Five weeks at a time.
//!
//! Each day takes the worst of what happened on it. What was due and not heard of is a gap; before the entry was in force nothing was due.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::{
    frame::{Frame, with},
    lang::Lang,
    strip::{self, Legend},
    visit::{Asked, Made, Visit, odd},
};
use crate::{api::Refused, desk};

/// Days shown: whole weeks, Monday to Sunday (ISO 8601).
const DAYS: i64 = 35;

#[derive(Template)]
#[template(path = "calendar.html")]
struct CalendarPage {
    f: Frame,
    none: bool,
    period: String,
    headline: String,
    earlier: String,
    later: Option<String>,
    /// Months over the days, each with its number of columns.
    months: Vec<(String, usize)>,
    heads: Vec<Head>,
    rows: Vec<Row>,
    legend: Vec<Legend>,
}

/// One day over its column.
struct Head {
    weekday: &'static str,
    number: i8,
    long: String,
    is_monday: bool,
}

struct Row {
    id: String,
    link: String,
    cells: Vec<Cell>,
    /// Days without a gap, of the days on which something was due.
    whole: String,
    /// Days that were not whole, in words.
    gaps: Vec<(String, String)>,
}

struct Cell {
    state: &'static str,
    sign: &'static str,
    /// Number of the day, where no column head can be seen.
    number: i8,
    day: String,
    words: String,
    link: Option<String>,
    is_monday: bool,
}

/// Runs of one day by state.
type States = BTreeMap<&'static str, u64>;

pub async fn page(visit: Visit) -> Response {
    visit.page(&["to"], build).await
}

/// The UTC day of an instant.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Where a UTC day begins.
pub fn begin_of(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// A day given in an address.
///
/// # Errors
///
/// 400, where it is none.
pub fn day_given(asked: &Asked, name: &'static str) -> Result<Option<Date>, Refused> {
    let given = asked.given.get(name).filter(|text| !text.is_empty());
    given
        .map(|text| {
            let day = text.parse::<Date>().ok().filter(|day| (2000..=2200).contains(&day.year()) && text.len() == 10);
            day.ok_or_else(|| odd(("error-param-day", vec![("name", name.to_owned()), ("value", text.clone())])))
        })
        .transpose()
}

fn build(asked: &mut Asked) -> Result<Made, Refused> {
    let now = asked.desk.registry().clock();
    let today = day_of(now);
    let to = day_given(asked, "to")?.unwrap_or(today);
    let sunday = to.checked_add((6 - i64::from(to.weekday().to_monday_zero_offset())).days()).unwrap_or(to);
    let first = sunday.checked_sub((DAYS - 1).days()).unwrap_or(sunday);
    let days: Vec<Date> = (0..DAYS).filter_map(|step| first.checked_add(step.days()).ok()).collect();
    let history = asked.desk.registry().history();
    let entries: Vec<String> = history
        .policy()
        .map(|policy| policy.allowlist().entries.iter().map(|entry| entry.id.clone()).collect())
        .unwrap_or_default();
    let found = asked
        .desk
        .store()
        .read(|db| {
            let of = |entry: &String| desk::days_of(db, &history, entry, &days, now);
            entries.iter().map(|entry| Ok((entry.clone(), of(entry)?))).collect::<Result<Vec<_>, _>>()
        })
        .map_err(|why| Refused::internal(&why))?;
    let f = asked.frame("calendar-title", "coverage");
    let rows: Vec<Row> = found.iter().map(|(entry, found)| row(&f, entry, found, &days, today)).collect();
    let (due, whole) = found.iter().flat_map(|(_, found)| found.values()).fold((0_u64, 0_u64), |(due, whole), day| {
        let had = day.permitted && !day.states.is_empty();
        (due + u64::from(had), whole + u64::from(had && is_whole(&states(&day.states))))
    });
    let args = [("whole", whole.into()), ("due", due.into())];
    let period = [("from", f.lang.day(first).into()), ("to", f.lang.day(sunday).into())];
    let step = |days: i64| sunday.checked_add(days.days()).unwrap_or(sunday);
    let link = |to: Date| f.link(&with("/coverage", "to", &to.to_string()));
    let page = CalendarPage {
        none: rows.is_empty(),
        period: f.say("from-to", &period),
        headline: f.say("calendar-headline", &args),
        earlier: link(step(-DAYS)),
        later: (sunday < today).then(|| link(step(DAYS))),
        heads: days.iter().map(|day| head(&f, *day)).collect(),
        months: months(&f, &days),
        rows,
        legend: strip::legend(&f),
        f,
    };
    Made::of(&page)
}

/// States as pages know them.
fn states(found: &BTreeMap<String, u64>) -> States {
    let mut all = States::new();
    for (state, count) in found {
        *all.entry(strip::state_key(state)).or_default() += count;
    }
    all
}

fn is_whole(states: &States) -> bool {
    states.keys().all(|state| matches!(*state, "complete" | "empty"))
}

fn months(f: &Frame, days: &[Date]) -> Vec<(String, usize)> {
    days.chunk_by(|a, b| (a.year(), a.month()) == (b.year(), b.month()))
        .filter_map(|days| {
            let label = f.lang.day(*days.first()?);
            // Few columns have no room for a name.
            let label = label.split_once('\u{a0}').filter(|_| days.len() > 3).map(|(_, month)| month.to_owned());
            Some((label.unwrap_or_default(), days.len()))
        })
        .collect()
}

fn head(f: &Frame, day: Date) -> Head {
    let number = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
    let letters = match f.lang {
        Lang::En => ["M", "T", "W", "T", "F", "S", "S"],
        Lang::Fr => ["L", "M", "M", "J", "V", "S", "D"],
    };
    Head {
        weekday: letters.get(number).copied().unwrap_or_default(),
        number: day.day(),
        long: f.lang.day(day),
        is_monday: number == 0,
    }
}

fn row(f: &Frame, entry: &str, found: &BTreeMap<Date, desk::Day>, days: &[Date], today: Date) -> Row {
    let path = format!("/sources/{entry}");
    let (mut due, mut whole, mut gaps) = (0_u64, 0_u64, Vec::new());
    let mut cells = Vec::new();
    for day in days {
        let states = found.get(day).map(|day| states(&day.states)).unwrap_or_default();
        let permitted = found.get(day).is_some_and(|day| day.permitted);
        let worst = states.keys().copied().max_by_key(|state| strip::rank(state));
        let state = match worst {
            Some(worst) => worst,
            None if *day > today => "future",
            None if permitted => "none",
            None => "unpermitted",
        };
        let words = match worst {
            Some(_) => in_words(f, &states),
            None => f.t(&format!("coverage-{state}")),
        };
        let link = worst.map(|_| f.link(&with(&path, "day", &day.to_string())));
        if worst.is_some() {
            due += 1;
            whole += u64::from(is_whole(&states));
            if !is_whole(&states) {
                gaps.push((f.lang.day(*day), words.clone()));
            }
        }
        cells.push(Cell {
            state,
            sign: strip::sign(state),
            number: day.day(),
            day: f.lang.day(*day),
            words,
            link,
            is_monday: day.weekday().to_monday_zero_offset() == 0,
        });
    }
    let whole = f.say("calendar-whole", &[("whole", whole.into()), ("due", due.into())]);
    Row { id: entry.to_owned(), link: f.link(&path), cells, whole, gaps }
}

fn in_words(f: &Frame, states: &States) -> String {
    let mut all: Vec<_> = states.iter().collect();
    all.sort_by_key(|(state, _)| std::cmp::Reverse(strip::rank(state)));
    let one = |(state, count): (&&'static str, &u64)| {
        format!("{}\u{a0}× {}", f.number(count), f.t(&format!("coverage-{state}")))
    };
    all.into_iter().map(one).collect::<Vec<_>>().join(", ")
}
