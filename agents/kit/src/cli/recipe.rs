//! What does a recipe make of a page? For whoever writes one, before anybody signs it.
//!
//! A page comes from a file that somebody saved, or from the network by the same gate as every request of a run; then its fetch counts against the
//! entry's day, and nothing of it is kept or sent.

mod told;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use schemas::{
    capture::Target,
    gate::{DecisionCode, Origin},
    minimise::minimise,
    permission::{Evidence, RobotsRule},
    policy::MAX_RECIPE_BYTES,
    record::Record,
    reservation::{Reservation, ReservationOutcome},
};
use serde_json::Value;
use url::Url;

use self::told::{in_words, reserved, shown};
use super::{Cli, EXIT_NOT_ALL, setup};
use crate::{
    body::Spool,
    contract::{Erased, Facts, Part, Recipes, Request},
    engine::{Hop, HopResult, RunFacts, Wanted},
};

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
