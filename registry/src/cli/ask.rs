//! `vigie search | show | trace | coverage | denials`: read-only questions, answered from the data folder itself.

use std::{fmt::Write as _, fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::{Say, door, door::Door, unit::Unit};
use crate::{
    core::{Registry, RegistryError, store::look},
    desk::{self, DenialFilter, Item, RecordId},
    prove,
    search::{Options, Query, Search},
};

/// What to find.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// The query; every word must be there unless it is joined by OR
    #[arg(num_args = 0..)]
    pub query: Vec<String>,
    /// Most hits
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Where the page before ended
    #[arg(long, allow_hyphen_values = true)]
    pub cursor: Option<String>,
    /// Count over sources, languages, kinds and days too
    #[arg(long)]
    pub facets: bool,
}

/// What to trace.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Record id, as `vigie search` prints it
    pub id: String,
    /// Also write everything that proves it into this file, for `vigie-verify`
    #[arg(long)]
    pub bundle: Option<PathBuf>,
}

/// Whose coverage.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// Entry; without one, the newest of each source
    pub entry: Option<String>,
    /// So many hours back
    #[arg(long, default_value_t = 24)]
    pub hours: i64,
}

/// A read-only connection to the unit's tables; works while the registry is being served.
pub fn tables(unit: &Unit) -> Result<Connection> {
    look(&unit.settings.data).with_context(|| {
        format!("there is no registry in `{}` yet: `vigie up` starts one", unit.settings.data.display())
    })
}

/// `vigie search`.
///
/// # Errors
///
/// Where the query is not understood; the message points at the place.
pub fn search(args: &SearchArgs, unit: &Unit, say: &Say) -> Result<()> {
    let query = Query::parse(&args.query.join(" ")).map_err(|why| anyhow::anyhow!("{why}\nhint: {}", why.hint))?;
    let db = tables(unit)?;
    let options = Options {
        limit: args.limit,
        cursor: args.cursor.clone(),
        facets: args.facets,
        is_trial: unit.root().is_ok_and(|root| root.trial),
        ..Options::at(Timestamp::now())
    };
    let answer = Search::run(&db, &query, &options)?;
    let cards = desk::cards(&db, &query, &answer.hits)?;
    let mut json = serde_json::to_value(&answer)?;
    if let Some(object) = json.as_object_mut() {
        object.insert("hits".to_owned(), serde_json::to_value(&cards)?);
    }
    say.json_or(&json, || {
        let mut out = String::new();
        for card in &cards {
            let _ = writeln!(out, "{}  {}  {}", card.id, &card.time.to_string()[..16].replace('T', " "), card.title);
            let mut marks = vec![card.source.clone()];
            marks.extend(card.language.clone());
            if card.is_revised {
                marks.push("edited".to_owned());
            }
            if card.is_gone {
                marks.push("withdrawn by the source".to_owned());
            }
            if card.is_vanished {
                marks.push("no longer listed by the source".to_owned());
            }
            if !card.is_home {
                marks.push(format!("a claim seen through {}", card.vantage));
            }
            let _ = writeln!(out, "    {}  {}", marks.join(", "), card.url.as_deref().unwrap_or_default());
            if !card.snippet.is_empty() {
                let _ = writeln!(out, "    {}", card.snippet);
            }
        }
        if let Some(facets) = &answer.facets {
            for (name, counts) in [
                ("source", &facets.source),
                ("language", &facets.language),
                ("kind", &facets.kind),
                ("day", &facets.day),
            ] {
                let list: Vec<_> = counts.iter().map(|count| format!("{} {}", count.value, count.count)).collect();
                let _ = writeln!(out, "{name}: {}", list.join(", "));
            }
        }
        let _ = writeln!(
            out,
            "{} record{}, complete to log size {}",
            answer.total,
            if answer.total == 1 { "" } else { "s" },
            answer.complete_to
        );
        if let Some(next) = &answer.next {
            let _ = writeln!(out, "more: --cursor {next}");
        }
        out
    })
}

/// `vigie show`.
///
/// # Errors
///
/// Where there is no such record.
pub fn show(id: &str, unit: &Unit, say: &Say) -> Result<()> {
    let id: RecordId = id.parse().map_err(anyhow::Error::msg)?;
    let db = tables(unit)?;
    let item = desk::item(&db, id)?.with_context(|| format!("there is no record {id}; it may have been erased"))?;
    say.json_or(&serde_json::to_value(&item)?, || in_words(&item))
}

fn in_words(item: &Item) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} on {}  (seen through {}{})",
        item.id,
        item.platform,
        item.vantage,
        if item.home { "" } else { ": a claim about somebody else's item" }
    );
    for revision in &item.revisions {
        let now = if revision.current { ", what it says now" } else { "" };
        let _ = writeln!(
            out,
            "\nrevision {} [{}] cause: {}, seen {} times from {} to {}{now}",
            revision.number,
            revision.id,
            revision.cause,
            revision.sightings,
            revision.first_seen_at,
            revision.last_seen_at
        );
        match &revision.record {
            None => {
                let _ = writeln!(out, "  withdrawn: {}", revision.why.as_deref().unwrap_or_default());
            }
            Some(record) => {
                let _ = writeln!(out, "  {}", record.title.as_deref().unwrap_or("(no title)"));
                if let Some(url) = &record.url {
                    let _ = writeln!(out, "  {url}");
                }
                if let Some(author) = &record.author {
                    let _ = writeln!(
                        out,
                        "  by {}",
                        author.name.as_deref().or(author.handle.as_deref()).or(author.id.as_deref()).unwrap_or("?")
                    );
                }
                if let Some(published) = &record.published_at {
                    let _ = writeln!(out, "  published {} (as the source says)", published.raw);
                }
                for line in record.text.as_deref().unwrap_or_default().lines() {
                    let _ = writeln!(out, "    {line}");
                }
            }
        }
    }
    for gone in &item.vanished {
        let _ = writeln!(
            out,
            "\nmissing from `{}` [{}]: last there {}, not in the two complete readings of {} and {}; its source did not say why",
            gone.scope, gone.id, gone.stood_at, gone.before_at, gone.at
        );
        if let Some(odd) = gone.unreadable.filter(|odd| *odd > 0) {
            let rows = if odd == 1 { "one row".to_owned() } else { format!("{odd} rows") };
            let _ = writeln!(out, "  {rows} of the second could not be read: it may be there");
        }
        if let Some(back) = &gone.back_at {
            let _ = writeln!(out, "  there again {back}");
        }
    }
    if let Some(capture) = &item.capture {
        let _ = writeln!(
            out,
            "\ncaptured {} by {}: {} {} -> {}\n{}",
            capture.at,
            capture.agent,
            capture.method,
            capture.url,
            capture.status.map_or_else(|| "?".to_owned(), |status| status.to_string()),
            capture.because
        );
    }
    let _ = writeln!(out, "\n`vigie trace {}` proves it", item.asked);
    out
}

/// `vigie trace`. Exits with the verdict's code.
///
/// # Errors
///
/// Where there is no such record, or the bundle cannot be written.
pub fn trace(args: &TraceArgs, unit: &Unit, say: &Say) -> Result<ExitCode> {
    let id: RecordId = args.id.parse().map_err(anyhow::Error::msg)?;
    let db = tables(unit)?;
    let made = prove::bundle_from_folder(&unit.settings.data, &db, id)?;
    let root = unit.root()?;
    let verdict = verify::check_bundle(&made, &root, &verify::CheckOptions::default());
    let trace = verify::Trace::of(&made, &verdict);
    if let Some(file) = &args.bundle {
        fs::write(file, made.write()?).with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    say.json_or(&serde_json::to_value(&trace)?, || {
        let mut out = trace.to_string();
        if let Some(file) = &args.bundle {
            let _ = writeln!(out, "\nEverything that proves this is in {}; check it on another machine with\n  vigie-verify {} --root trust.toml", file.display(), file.display());
        }
        out
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `vigie coverage`.
///
/// # Errors
///
/// Where there is no such entry.
pub fn coverage(args: &CoverageArgs, unit: &Unit, say: &Say) -> Result<()> {
    let mut door = Door::open(unit)?;
    let policy = door.policy(&unit.root()?)?.context("no allowlist has been published yet")?;
    let now = Timestamp::now();
    let Some(id) = &args.entry else {
        let db = tables(unit)?;
        let found = desk::sources(&db, &policy, now)?;
        return say.json_or(&serde_json::to_value(&found)?, || {
            let mut out = String::new();
            for source in &found {
                let last = source.last.as_ref().map_or_else(
                    || "not heard yet".to_owned(),
                    |last| {
                        format!(
                            "{} at {}{}",
                            last.state,
                            &last.to,
                            last.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default()
                        )
                    },
                );
                let _ = writeln!(out, "{:<20} {:>6} items  {last}", source.entry.id, source.items);
            }
            out
        });
    };
    anyhow::ensure!(policy.entry(id).is_some(), "there is no entry `{id}`");
    let from = now.checked_sub(SignedDuration::from_hours(args.hours))?;
    let found = door.coverage(id, from, now)?;
    say.json_or(&serde_json::to_value(&found)?, || {
        let mut out = String::new();
        for line in &found {
            let why = line.why.as_ref().map(|why| format!("  {why}")).unwrap_or_default();
            let _ = writeln!(
                out,
                "{}  {:<14} {:>4} new of {:>4}, {} requests, {} refused, {} failed{why}",
                line.from, line.state, line.new, line.records, line.requests, line.refused, line.failed
            );
        }
        out
    })
}

/// `vigie denials`.
///
/// # Errors
///
/// The database's.
pub fn denials(entry: Option<String>, limit: u32, unit: &Unit, say: &Say) -> Result<()> {
    let db = tables(unit)?;
    let found = desk::denials(&db, &DenialFilter { entry, limit, ..DenialFilter::default() })?;
    say.json_or(&serde_json::to_value(&found)?, || {
        let mut out = String::new();
        for denial in &found {
            let _ = writeln!(
                out,
                "{}  {:<10} {}  {}\n    {}",
                denial.at,
                denial.entry.as_deref().unwrap_or("-"),
                denial.code,
                denial.url.as_deref().unwrap_or_default(),
                denial.because
            );
        }
        if found.is_empty() {
            out.push_str("nothing was refused\n");
        }
        out
    })
}

/// Opens the registry for work that must be alone with it.
///
/// # Errors
///
/// Where it is being served.
pub fn alone(unit: &Unit) -> Result<Registry> {
    match door::open(unit) {
        Err(why) if matches!(why.downcast_ref(), Some(RegistryError::InUse { .. })) => {
            bail!("the registry in `{}` is running: stop it first", unit.settings.data.display())
        }
        other => other,
    }
}
