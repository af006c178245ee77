//! What does a recipe make of a page? For whoever writes one, before anybody signs it.
//!
//! A page comes from a file that somebody saved, or from the network by the same gate as every request of a run; then its fetch counts against the
//! entry's day, and nothing of it is kept or sent.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use schemas::{
    capture::{Line, Reader, Target},
    gate::{DecisionCode, Origin},
    minimise::minimise,
    permission::{Evidence, RobotsRule},
    policy::MAX_RECIPE_BYTES,
    record::{ClaimedTime, Record},
    reservation::{Reservation, ReservationOutcome},
};
use serde_json::Value;
use url::Url;

use super::{Cli, EXIT_NOT_ALL, setup};
use crate::{
    body::{Body, Spool},
    contract::{Erased, Facts, Part, Recipes, Request},
    derive::{Derived, derive},
    engine::{Hop, HopResult, RunFacts, Wanted},
};

/// Most values of one part, and most addresses of one list, that are shown.
const SHOWN: usize = 3;

#[derive(Debug, Subcommand)]
pub(super) enum RecipeCommand {
    /// Say everything that is wrong with a recipe, with line and remedy, and its digest for the allowlist
    Check {
        /// The recipe
        file: PathBuf,
    },
    /// Show what a recipe makes of one page, step by step. Fetches it through the gate (an entry in force must permit the address), or reads a saved one
    Try(TryArgs),
}

#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// Address of the page
    url: Url,
    /// The recipe [default: the one that the entry in force names]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// The entry to ask under [default: the first that permits the address]
    #[arg(long, value_name = "ID")]
    entry: Option<String>,
    /// What the page is, in the recipe's words [default: what seeds are, for a seed and for saved pages; else an article]
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<String>,
    /// A saved page in place of the network: nothing is sent, and no configuration is needed
    #[arg(long, value_name = "SAVED", requires = "recipe")]
    file: Option<PathBuf>,
}

pub(super) async fn command(
    collector: &Arc<dyn Erased>,
    command: &RecipeCommand,
    cli: &Cli,
) -> anyhow::Result<ExitCode> {
    let Some(recipes) = collector.recipes() else {
        bail!("the collector `{}` reads no recipes", collector.name());
    };
    if cli.json {
        bail!("`recipe` answers in words, for whoever writes one: leave `--json` out");
    }
    match command {
        RecipeCommand::Check { file } => check(recipes, file),
        RecipeCommand::Try(args) => match &args.file {
            Some(saved) => offline(collector, recipes, args, saved),
            None => online(collector, recipes, args, cli).await,
        },
    }
}

/// A recipe's text; of something that has no end, one byte more than a recipe may have.
fn read(file: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(MAX_RECIPE_BYTES + 1).read_to_string(&mut text))
        .with_context(|| format!("`{}` can't be read", file.display()))?;
    if u64::try_from(text.len()).is_ok_and(|len| len > MAX_RECIPE_BYTES) {
        bail!("`{}` is larger than a recipe may be ({MAX_RECIPE_BYTES} bytes)", file.display());
    }
    Ok(text)
}

fn sound(recipes: &dyn Recipes, text: &str, file: &Path) -> anyhow::Result<String> {
    recipes.check(text, &file.display().to_string()).map_err(|problems| {
        for problem in &problems {
            println!("{problem}");
        }
        anyhow::anyhow!(
            "{} refused: {} problem{}",
            file.display(),
            problems.len(),
            if problems.len() == 1 { "" } else { "s" }
        )
    })
}

fn check(recipes: &dyn Recipes, file: &Path) -> anyhow::Result<ExitCode> {
    let text = read(file)?;
    let words = sound(recipes, &text, file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let digest = schemas::Digest::of(text.as_bytes());
    println!(
        "{}: no problems\n{}\nin the allowlist's entry, with the file beside it:\nrecipe = {{ file = \"{name}\", digest = \"{digest}\" }}",
        file.display(),
        words.trim_end()
    );
    Ok(ExitCode::SUCCESS)
}

/// The step for the page, and the word for it.
fn kind(
    recipes: &dyn Recipes,
    text: &str,
    wanted: Option<&str>,
    is_seed: bool,
) -> anyhow::Result<(&'static str, Value)> {
    let kinds = recipes.kinds(text);
    let word = match wanted {
        Some(word) => kinds.iter().find(|kind| **kind == word),
        None if is_seed => kinds.first(),
        None => kinds.last(),
    };
    let word = word.with_context(|| format!("--as takes {} with this recipe", kinds.join(", ")))?;
    let step = recipes.step(text, word).context("the recipe has no step for it")?;
    Ok((word, step))
}

fn offline(
    collector: &Arc<dyn Erased>,
    recipes: &dyn Recipes,
    args: &TryArgs,
    saved: &Path,
) -> anyhow::Result<ExitCode> {
    let file = args.recipe.as_ref().context("--recipe names the recipe to try")?;
    let text = read(file)?;
    sound(recipes, &text, file)?;
    let (word, step) = kind(recipes, &text, args.kind.as_deref(), true)?;
    // A saved page says nothing of what it is, so the default may be the wrong one.
    let other = recipes.kinds(&text).last().copied().filter(|other| args.kind.is_none() && *other != word);
    let bytes = std::fs::read(saved).with_context(|| format!("`{}` can't be read", saved.display()))?;
    let target = Target {
        id: "try".to_owned(),
        entry: "try".to_owned(),
        url: args.url.to_string(),
        recipe: Some(text),
        own_terms: false,
    };
    let facts = Facts {
        response: "urn:uuid:00000000-0000-4000-8000-000000000000".to_owned(),
        step,
        target,
        captured_at: Timestamp::now(),
        url: args.url.clone(),
        status: 200,
        headers: Vec::new(),
        part: Part::WHOLE,
        truncated: None,
        // A run asks for it; nothing is asked here, and nothing is withheld for that.
        reservation: Some(Reservation {
            said_by: None,
            fetched_at: Timestamp::now(),
            outcome: ReservationOutcome::Absent,
            rule: None,
        }),
    };
    println!("page     {}\nsaved    `{}`, {} bytes; nothing was sent", args.url, saved.display(), bytes.len());
    let body = facts.body(Spool::of(bytes));
    shown(&**collector, recipes, (word, other), &facts, &body, &|record| (record.clone(), Vec::new()))
}

async fn online(
    collector: &Arc<dyn Erased>,
    recipes: &dyn Recipes,
    args: &TryArgs,
    cli: &Cli,
) -> anyhow::Result<ExitCode> {
    let draft = args.recipe.as_ref().map(|file| Ok::<_, anyhow::Error>((file, read(file)?))).transpose()?;
    if let Some((file, text)) = &draft {
        sound(recipes, text, file)?;
    }
    let ready = setup::ready(collector, cli)?;
    if let Err(error) = ready.agent.refresh().await {
        eprintln!("no newer policy: {error:#}");
    }
    let now = ready.agent.engine.clock.now();
    let copy =
        ready.agent.copy().context("there is no policy yet; nothing is fetched until the registry hands one out")?;
    if let Some(why) = copy.policy.stale(now) {
        bail!("{why}");
    }
    let signed = ready.agent.targets().map_err(anyhow::Error::msg)?;
    let policy = Arc::new(copy.policy.clone());
    let about = collector.about();
    let mut refusals = Vec::new();
    let entries = policy.allowlist().entries.iter().filter(|entry| entry.collector == collector.name());
    for entry in entries.filter(|entry| args.entry.as_ref().is_none_or(|id| entry.id == *id)) {
        if entry.evidence == Evidence::Sealed {
            refusals.push(format!(
                "entry `{}`: its evidence is sealed, and this would show people in clear; try a saved page with `--file`",
                entry.id
            ));
            continue;
        }
        let of_policy = signed.planned.iter().find(|planned| planned.facts.entry == entry.id);
        let text = match (&draft, of_policy.and_then(|planned| planned.facts.target.recipe.clone())) {
            (Some((_, text)), _) => text.clone(),
            (None, Some(text)) => text,
            (None, None) => {
                refusals
                    .push(format!("entry `{}`: it names no recipe that can be read; give one by --recipe", entry.id));
                continue;
            }
        };
        let is_seed = entry.seeds.iter().any(|seed| *seed == args.url.as_str());
        let (word, step) = kind(recipes, &text, args.kind.as_deref(), is_seed)?;
        let facts = RunFacts {
            policy: Arc::clone(&policy),
            entry: entry.id.clone(),
            entry_digest: entry.digest(),
            target: Target {
                id: entry.id.clone(),
                entry: entry.id.clone(),
                url: args.url.to_string(),
                recipe: Some(text),
                own_terms: entry.robots != RobotsRule::Obey,
            },
            collector: collector.name().to_owned(),
            queries: about.queries.clone(),
            slots: about.slots.clone(),
            reservations: about.reservations,
        };
        let request = Request::get(&args.url, step);
        let wanted = || Wanted { run: &facts, request: &request, validators: None, origin: Origin::Plan, attempt: 1 };
        let decision = ready.network.preview(wanted());
        if !decision.permitted && decision.code != DecisionCode::RobotsMissing {
            refusals.push(format!("entry `{}`: {}", entry.id, decision.because));
            continue;
        }
        println!("page     {}", args.url);
        let outcome = ready.network.exchange(wanted()).await;
        for hop in &outcome.trail {
            match hop {
                Hop::Fetched(fetched) => println!(
                    "fetched  {} answered {} ({} bytes); {}",
                    fetched.url, fetched.status, fetched.payload_len, fetched.judged.decision.because
                ),
                Hop::Refused(judged) => println!("refused  {}: {}", judged.ask.url, judged.decision.because),
                Hop::Failed { judged, error } => println!("failed   {}: {error}", judged.ask.url),
            }
        }
        println!("kept     nothing: a try is no run, but its requests count against the entry's {} a day", entry.daily);
        let HopResult::Answer(answered) = outcome.result else {
            println!("\nno page came to be read: {}", in_words(&outcome.result));
            return Ok(ExitCode::from(EXIT_NOT_ALL));
        };
        let (captured_at, reservation) = match outcome.trail.get(answered.hop) {
            Some(Hop::Fetched(fetched)) => (fetched.at, fetched.reservation.clone()),
            _ => (now, None),
        };
        if let Some(said) = &reservation {
            println!("reserved {}", reserved(said));
        }
        let read = Facts {
            response: "urn:uuid:00000000-0000-4000-8000-000000000000".to_owned(),
            step: request.step.clone(),
            target: facts.target.clone(),
            captured_at,
            url: answered.url,
            status: answered.status,
            headers: answered.headers,
            part: Part::WHOLE,
            truncated: None,
            reservation,
        };
        let keep = |record: Record| {
            let kept = minimise(record, entry, None);
            (kept.record, kept.dropped)
        };
        return shown(&**collector, recipes, (word, None), &read, &answered.body, &keep);
    }
    println!(
        "page     {}\nnothing was sent: the gate permits it under no entry of the collector `{}`",
        args.url,
        collector.name()
    );
    for refusal in &refusals {
        println!("         {refusal}");
    }
    println!("         save the page with a browser and give it by --file to try the recipe before an entry is signed");
    Ok(ExitCode::from(EXIT_NOT_ALL))
}

/// What a site's reservation file says, for people.
fn reserved(said: &Reservation) -> String {
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

fn in_words(result: &HopResult) -> String {
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
fn shown(
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
