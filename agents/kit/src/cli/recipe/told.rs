//! How is what a recipe makes of a page told to whoever writes it?

use std::{fmt::Write as _, process::ExitCode};

use schemas::{
    capture::{Line, Reader},
    record::{ClaimedTime, Record},
    reservation::{Reservation, ReservationOutcome},
};
use serde_json::Value;

use crate::{
    body::Body,
    cli::EXIT_NOT_ALL,
    contract::{Erased, Facts, Recipes, Request},
    derive::{Derived, derive},
    engine::HopResult,
};

/// Most values of one part, and most addresses of one list, that are shown.
const SHOWN: usize = 3;

/// What a site's reservation file says, for people.
pub(super) fn reserved(said: &Reservation) -> String {
    let words = match (said.outcome, &said.rule) {
        (ReservationOutcome::Read, Some(rule)) if rule.reserved => {
            let policy = rule.policy.as_ref().map(|policy| format!(", terms at {policy}")).unwrap_or_default();
            format!("`{}` reserves text and data mining here{policy}", rule.location)
        }
        (ReservationOutcome::Read, Some(rule)) => format!("`{}` reserves nothing here", rule.location),
        (ReservationOutcome::Read, None) => "no rule is about this address".to_owned(),
        (ReservationOutcome::Absent, _) => "the site has none".to_owned(),
        (ReservationOutcome::Unreadable, _) => "it is no JSON array, so it reserves nothing".to_owned(),
        (ReservationOutcome::Forbidden, _) => "robots.txt forbids to ask for it, so it reserves nothing".to_owned(),
        (ReservationOutcome::Unreachable, _) => "it could not be read, which counts as a reservation".to_owned(),
    };
    format!("tdmrep.json of {:.0}: {words}", said.fetched_at)
}

/// Why no page came.
pub(super) fn in_words(result: &HopResult) -> String {
    match result {
        HopResult::Refused { because, .. } => because.clone(),
        HopResult::RateLimited { until, scope } => format!("{scope} asks for a pause until {until}"),
        HopResult::Blocked { what } => format!("blocked: {what}; nothing is tried again until a person has looked"),
        HopResult::Failed { error, .. } => error.clone(),
        HopResult::NotModified => "it is unchanged".to_owned(),
        HopResult::Opened(_) => "an open connection".to_owned(),
        HopResult::Answer(_) => String::new(),
    }
}

/// Prints parts and outcome. `word` is what the page is read as, `other` what else it may be where nobody has said.
pub(super) fn shown(
    collector: &dyn Erased,
    recipes: &dyn Recipes,
    (word, other): (&str, Option<&str>),
    facts: &Facts,
    body: &Body,
    keep: crate::derive::Minimise<'_>,
) -> anyhow::Result<ExitCode> {
    let mut out = format!("read as  {word}\n\nwhat the recipe's parts find\n");
    let parts = recipes.explain(facts, body);
    let width = parts.iter().map(|part| part.key.chars().count()).max().unwrap_or_default();
    let selectors = parts.iter().map(|part| part.selector.chars().count().min(40)).max().unwrap_or_default();
    for part in &parts {
        let mark = if part.good { " " } else { "!" };
        let line = if part.line > 0 { format!("line {:<3}", part.line) } else { " ".repeat(8) };
        let _ = writeln!(out, "{mark} {:<width$}  {:<selectors$}  {line}  {}", part.key, part.selector, part.found);
        for value in part.values.iter().take(SHOWN) {
            let _ = writeln!(out, "  {:<width$}    {}", "", short(value, 100));
        }
        if part.values.len() > SHOWN {
            let _ = writeln!(out, "  {:<width$}    and {} more", "", part.values.len() - SHOWN);
        }
    }
    if parts.is_empty() {
        out.push_str("  nothing was looked for: see below\n");
    }
    let reader = Reader {
        name: collector.name().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        program: schemas::Digest([0; 32]),
    };
    let mut lines: Vec<Line> = Vec::new();
    let derived = derive(collector, facts, body, &reader, keep, &mut lines)?;
    out.push_str("\nwhat a run would make of it\n");
    let good = told(&lines, &derived, &mut out) && parts.iter().all(|part| part.good);
    if let (Some(other), Some(_)) = (other, &derived.halt) {
        let _ = writeln!(out, "  hint     read as a {word}; for an item's page add `--as {other}`");
    }
    print!("{out}");
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NOT_ALL) })
}

/// Writes what was read; false where a person should look.
fn told(lines: &[Line], derived: &Derived, out: &mut String) -> bool {
    let mut good = true;
    if let Some(halt) = &derived.halt {
        let why = match halt {
            crate::contract::Halt::Unreadable { at, why } => format!("cannot be read, at {at}: {why}"),
            crate::contract::Halt::Blocked(what) => format!("blocked: {what}"),
            crate::contract::Halt::Gone(_) => "it is gone, and would be told as gone".to_owned(),
            other => format!("{other:?}"),
        };
        let _ = writeln!(out, "! halt     {why}");
        return false;
    }
    for line in lines {
        match line {
            Line::Record(line) => record(&line.item, out),
            Line::Gone(line) => {
                let _ = writeln!(out, "  gone     {}", line.why);
            }
            Line::Unreadable(line) => {
                good = false;
                let _ = writeln!(out, "! unread   {}: {}", line.place, line.why);
            }
            Line::Header(_) | Line::End(_) | Line::Tombstone(_) => {}
        }
    }
    let list = |what: &str, requests: &[Request<Value>], out: &mut String| {
        if requests.is_empty() {
            return;
        }
        let pages = if requests.len() == 1 { "1 page".to_owned() } else { format!("{} pages", requests.len()) };
        let _ = writeln!(out, "  {what:<8} {pages}");
        for request in requests.iter().take(SHOWN) {
            let when = match (&request.unless_known, request.while_new) {
                (Some(_), _) => ", once",
                (None, true) => ", while the page lists something new",
                (None, false) => "",
            };
            let _ = writeln!(out, "           {}{when}", short(&request.url, 140));
        }
        if requests.len() > SHOWN {
            let _ = writeln!(out, "           and {} more", requests.len() - SHOWN);
        }
    };
    list("follow", &derived.also, out);
    list("go on", &derived.next, out);
    if let Some(why) = &derived.end.empty {
        let _ = writeln!(out, "  empty    {why}");
    }
    if let Some(why) = &derived.end.cut {
        good = false;
        let _ = writeln!(out, "! partial  {why}");
    }
    good
}

fn record(record: &Record, out: &mut String) {
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "           {name:<12} {value}");
    };
    row("id", &record.id);
    let time = |claim: &ClaimedTime| {
        let meant = claim
            .at
            .map(|at| at.to_string())
            .or_else(|| claim.local.clone().map(|local| format!("{local}, no zone named")));
        format!("{} ({})", claim.raw, meant.unwrap_or_else(|| "not understood: kept as text".to_owned()))
    };
    let text = record
        .text
        .as_ref()
        .map(|text| format!("{} characters: {}", text.chars().count(), short(&text.replace('\n', " / "), 160)));
    let author = record.author.as_ref().and_then(|author| author.name.clone().or_else(|| author.handle.clone()));
    for (name, value) in [
        ("title", record.title.clone()),
        ("published_at", record.published_at.as_ref().map(time)),
        ("author", author),
        ("language", record.language.clone()),
        ("text", text),
    ] {
        row(name, value.as_deref().unwrap_or("- (nothing found)"));
    }
    let counted =
        |items: &[String]| (!items.is_empty()).then(|| format!("{}: {}", items.len(), short(&items.join(" "), 120)));
    let media: Vec<String> = record.media.iter().map(|media| media.url.clone()).collect();
    let relations: Vec<String> =
        record.relations.iter().map(|relation| format!("{:?} {}", relation.kind, relation.to)).collect();
    for (name, value) in [
        ("url", record.url.clone()),
        ("edited_at", record.edited_at.as_ref().map(time)),
        ("links", counted(&record.links)),
        ("media", counted(&media)),
        ("tags", counted(&record.tags)),
        ("relations", counted(&relations)),
        ("place", record.place.clone()),
    ] {
        if let Some(value) = value {
            row(name, &value);
        }
    }
    for (name, value) in &record.extra {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        row(name, &short(&value, 120));
    }
    let at = out.rfind("           id ").unwrap_or_default();
    out.replace_range(at..at + 9, "  record ");
}

fn short(text: &str, most: usize) -> String {
    let mut letters = text.chars();
    let head: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() { format!("{head}…") } else { head }
}
