//! `/sources` and `/sources/{entry}`: what may be collected, by whose signature, until when, and was anybody looking?

use askama::Template;
use axum::{extract::Path, response::Response};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemas::permission::{Authors, Domestic, Entry, Evidence, Missed, RobotsRule};

use super::{
    frame::{Frame, with},
    strip::{self, Legend, Slot, Span, Strip},
    text::{person, shown, shown_id},
    visit::{Asked, Made, Visit},
};
use crate::{
    api::Refused,
    desk::{self, CoverageLine, Source},
};

/// Runs listed one by one.
const RUNS: usize = 40;

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

pub async fn list(visit: Visit) -> Response {
    visit.page(&[], build_list).await
}

fn build_list(asked: &mut Asked) -> Result<Made, Refused> {
    let policy = asked.desk.registry().history().policy();
    let now = asked.desk.registry().clock();
    let found = match &policy {
        Some(policy) => asked
            .desk
            .store()
            .read(|db| desk::sources(db, policy, now))
            .map_err(|why| Refused::internal(&why))?,
        None => Vec::new(),
    };
    let f = asked.frame("sources-title", "sources");
    let sources = found.iter().map(|source| source_view(&f, source)).collect();
    Made::of(&ListPage {
        f,
        none: policy.is_none(),
        sources,
    })
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
        state: f.t(if source.not_in_force.is_none() {
            "in-force"
        } else {
            "not-in-force"
        }),
        approved: source
            .approved_by
            .iter()
            .map(|id| person(id))
            .collect::<Vec<_>>()
            .join(", "),
        until: f.lang.day_of(&entry.expires_on),
        last: source.last.as_ref().map(|line| last(f, line)),
        items: f.n("items", &source.items),
    }
}

fn host(rule: &schemas::permission::Match) -> String {
    let port = rule.port.map(|port| format!(":{port}")).unwrap_or_default();
    shown_id(&format!("{}{port}", rule.host))
}

fn last(f: &Frame, line: &CoverageLine) -> Last {
    let state = strip::state_key(&line.state);
    Last {
        state,
        sign: strip::sign(state),
        words: f.t(&format!("coverage-{state}")),
        at: f.moment(&line.to),
    }
}

#[derive(Template)]
#[template(path = "source.html")]
struct OnePage {
    f: Frame,
    id: String,
    in_force: bool,
    /// Why it is not in force, in the registry's words.
    why_not: Option<String>,
    lead: String,
    groups: Vec<Group>,
    items: String,
    items_link: String,
    denials_link: String,
    day: Strip,
    week: Strip,
    legend: Vec<Legend>,
    hours: Vec<HourView>,
    runs: Vec<RunView>,
    runs_note: String,
}

struct Group {
    title: String,
    facts: Vec<FactView>,
}

struct FactView {
    label: String,
    values: Vec<String>,
    style: &'static str,
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

pub async fn one(visit: Visit, Path(entry): Path<String>) -> Response {
    visit.page(&[], move |asked| build_one(asked, &entry)).await
}

fn build_one(asked: &mut Asked, id: &str) -> Result<Made, Refused> {
    let missing =
        || Refused::not_found(format!("there is no source `{id}` in the allowlist of now"));
    let history = asked.desk.registry().history();
    let policy = history.policy().ok_or_else(missing)?;
    let now = asked.desk.registry().clock();
    let found = asked
        .desk
        .store()
        .read(|db| desk::sources(db, &policy, now))
        .map_err(|why| Refused::internal(&why))?;
    let source = found
        .into_iter()
        .find(|source| source.entry.id == id)
        .ok_or_else(missing)?;
    let entry = &source.entry;
    let hour = SignedDuration::from_hours(1);
    let day_start = back(ceiling(now, 1800), 24);
    let week_start = back(midnight(now), 6 * 24);
    let due_since = first_in_force(&history, id, week_start, now);
    let from = due_since.map_or(now, |since| since.max(week_start));
    let lines = asked
        .desk
        .store()
        .read(|db| {
            // Hour by hour: a schedule of seconds over a week would be cut short in one piece.
            let mut lines = Vec::new();
            let mut at = from;
            while at < now {
                let end = at.checked_add(hour).unwrap_or(now).min(now);
                lines.extend(desk::coverage_of(db, entry, at, end, now)?);
                at = end;
            }
            Ok(lines)
        })
        .map_err(|why| Refused::internal(&why))?;
    let mut f = asked.frame("source-title", "sources");
    f.title = f.w("source-title", id);
    let half = SignedDuration::from_mins(30);
    let span = |from, length, count| Span {
        from,
        length,
        count,
        due_since,
        now,
    };
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
        lead: f.say(
            if approved.is_empty() {
                "source-lead-nobody"
            } else {
                "source-lead"
            },
            &args,
        ),
        groups: groups(&f, &source),
        items: f.n("items", &source.items),
        items_link: f.link(&with("/", "q", &format!("source:{id}"))),
        denials_link: denials,
        day: Strip {
            caption: f.t("strip-day"),
            ticks: (0..8_i64)
                .map(|tick| clock(&f, later(day_start, tick * 3)))
                .collect(),
            rows: vec![(String::new(), day_slots)],
        },
        week: Strip {
            caption: f.t("strip-week"),
            ticks: (0..8_i64)
                .map(|tick| clock(&f, later(week_start, tick * 3)))
                .collect(),
            rows: week_rows(&f, week_slots, week_start),
        },
        legend: strip::legend(&f),
        hours,
        runs_note: f.n("runs-note", &(lines.len().min(RUNS) as u64)),
        runs: lines
            .iter()
            .rev()
            .take(RUNS)
            .map(|line| run(&f, line))
            .collect(),
        why_not: source.not_in_force.clone(),
        f,
    };
    Made::of(&page)
}

fn back(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_hours(hours))
        .unwrap_or(at)
}

fn later(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(hours))
        .unwrap_or(at)
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

/// When the entry was first in force since `from`, to the hour, then to the minute.
fn first_in_force(
    history: &schemas::policy::History,
    id: &str,
    from: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut at = from;
    loop {
        if strip::in_force(history, id, at.min(now)) {
            break;
        }
        if at >= now {
            return None;
        }
        at = later(at, 1);
    }
    let found = at.min(now);
    // The minute within that hour.
    let earlier = (0..60).rev().map(|minutes| {
        found
            .checked_sub(SignedDuration::from_mins(minutes))
            .unwrap_or(found)
    });
    earlier
        .filter(|at| *at >= from)
        .find(|at| strip::in_force(history, id, *at))
        .or(Some(found))
}

fn week_rows(f: &Frame, slots: Vec<Slot>, start: Timestamp) -> Vec<(String, Vec<Slot>)> {
    slots
        .chunks(24)
        .enumerate()
        .map(|(day, slots)| {
            let date = later(start, 24 * i64::try_from(day).unwrap_or(0))
                .to_zoned(TimeZone::UTC)
                .date();
            let label = f.lang.day(date);
            // Day and month are enough beside a week.
            let label = label
                .rsplit_once('\u{a0}')
                .map_or(label.clone(), |(label, _)| label.to_owned());
            (label, slots.to_vec())
        })
        .collect()
}

/// Slots of the last day in words, runs of the same state joined.
fn hour_rows(f: &Frame, slots: &[Slot], start: Timestamp) -> Vec<HourView> {
    let at = |slot: usize| {
        start
            .checked_add(SignedDuration::from_mins(
                30 * i64::try_from(slot).unwrap_or(0),
            ))
            .unwrap_or(start)
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
            when: f.say(
                "from-to",
                &[
                    ("from", f.lang.moment(at(*first)).into()),
                    ("to", f.lang.moment(at(*end)).into()),
                ],
            ),
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

fn groups(f: &Frame, source: &Source) -> Vec<Group> {
    let entry = &source.entry;
    let fact = |key: &str, style, values: Vec<String>| FactView {
        label: f.t(key),
        values,
        style,
    };
    let plain = |key: &str, value: String| fact(key, "plain", vec![value]);
    // What people wrote, in a language nobody stated.
    let written = |key: &str, value: &str| fact(key, "written", vec![shown(value)]);
    let words = |key: &str, word: &str| plain(key, f.t(word));
    let what = vec![
        fact(
            "entry-seeds",
            "code",
            entry.seeds.iter().map(|seed| shown_id(seed)).collect(),
        ),
        fact(
            "entry-match",
            "code",
            entry.matches.iter().map(rule).collect(),
        ),
        fact(
            "entry-methods",
            "code",
            vec![
                entry
                    .methods
                    .iter()
                    .map(|method| format!("{method:?}").to_uppercase())
                    .collect::<Vec<_>>()
                    .join(", "),
            ],
        ),
        plain("entry-collector", entry.collector.clone()),
        match &entry.fields {
            Some(fields) => plain("entry-fields", fields.join(", ")),
            None => words("entry-fields", "entry-fields-all"),
        },
        words("entry-media", "entry-media-link"),
        words(
            "entry-authors",
            match entry.authors {
                Authors::Named => "entry-authors-named",
                Authors::Pseudonym => "entry-authors-pseudonym",
                Authors::Omit => "entry-authors-omit",
            },
        ),
        words(
            "entry-evidence",
            match entry.evidence {
                Evidence::Open => "entry-evidence-open",
                Evidence::Sealed => "entry-evidence-sealed",
            },
        ),
        plain(
            "entry-domestic",
            match &entry.domestic {
                Domestic::Refuse => f.t("entry-domestic-refuse"),
                Domestic::Quarantine => f.t("entry-domestic-quarantine"),
                Domestic::Allow { reason } => f.w("entry-domestic-allow", reason),
            },
        ),
    ];
    let legal = serde_json::to_value(entry.legal_basis.code)
        .ok()
        .and_then(|code| code.as_str().map(str::to_owned))
        .unwrap_or_default();
    let why = vec![
        written("entry-purpose", &entry.purpose),
        written("entry-program", &entry.program),
        written("entry-question", &entry.question),
        plain(
            "entry-legal",
            format!("{} – {}", f.word("legal", &legal), entry.legal_basis.reason),
        ),
        written("entry-pia", &entry.pia),
    ];
    let how = vec![
        fact(
            "entry-schedule",
            "code",
            vec![format!("{} ({})", entry.schedule, entry.zone)],
        ),
        plain(
            "entry-rate",
            f.n("entry-rate-is", &u64::from(entry.rate_secs)),
        ),
        plain(
            "entry-daily",
            f.n("entry-daily-is", &u64::from(entry.daily)),
        ),
        plain("entry-body", f.lang.bytes(entry.max_body_bytes)),
        plain(
            "entry-robots",
            match &entry.robots {
                RobotsRule::Obey => f.t("entry-robots-obey"),
                RobotsRule::Api { reason } => f.w("entry-robots-api", reason),
            },
        ),
        words(
            "entry-missed",
            match entry.missed {
                Missed::Skip => "entry-missed-skip",
                Missed::Once => "entry-missed-once",
            },
        ),
    ];
    let mut until = vec![
        plain("entry-expires", f.lang.day_of(&entry.expires_on)),
        plain("entry-retain", f.n("days", &u64::from(entry.retain_days))),
        fact("entry-tlp", "code", vec![tlp(entry)]),
        plain("entry-requested", person(&entry.requested_by)),
        plain(
            "entry-approved",
            if source.approved_by.is_empty() {
                f.t("nobody")
            } else {
                source
                    .approved_by
                    .iter()
                    .map(|id| person(id))
                    .collect::<Vec<_>>()
                    .join(", ")
            },
        ),
        fact("entry-digest", "code", vec![source.digest.clone()]),
    ];
    if let Some(expect) = &entry.expect {
        until.insert(2, plain("entry-expect", expect.clone()));
    }
    let notes: Vec<_> = entry
        .notes
        .iter()
        .map(|(name, note)| FactView {
            label: shown_id(name),
            values: vec![shown(note)],
            style: "written",
        })
        .collect();
    let mut groups = vec![
        Group {
            title: f.t("group-why"),
            facts: why,
        },
        Group {
            title: f.t("group-until"),
            facts: until,
        },
        Group {
            title: f.t("group-what"),
            facts: what,
        },
        Group {
            title: f.t("group-how"),
            facts: how,
        },
    ];
    if !notes.is_empty() {
        groups.push(Group {
            title: f.t("group-notes"),
            facts: notes,
        });
    }
    groups
}

fn rule(rule: &schemas::permission::Match) -> String {
    format!(
        "{}://{}{}",
        shown_id(&rule.scheme),
        host(rule),
        shown_id(&rule.path)
    )
}

fn tlp(entry: &Entry) -> String {
    let word = serde_json::to_value(entry.tlp)
        .ok()
        .and_then(|word| word.as_str().map(str::to_uppercase))
        .unwrap_or_default();
    format!("TLP:{word}")
}
