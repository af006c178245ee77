//! What does each command do?

use std::{process::ExitCode, sync::Arc};

use jiff::Timestamp;
use schemas::{coverage::CoverageState, gate::Origin};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Cli, Command, EXIT_NOT_ALL, check, read, recipe, setup};
use crate::{
    contract::{Ask, Erased, Manifest, Work, checked_plan},
    engine::{Report, Wanted},
};

pub(super) async fn command(collector: Arc<dyn Erased>, cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::About => about(&*collector, cli.json),
        Command::Read { file, entry } => read::read(&*collector, file, entry.as_deref()),
        Command::Recipe(command) => recipe::command(&collector, command, cli).await,
        Command::Check => check::check(&collector, cli).await,
        Command::Plan => plan(&collector, cli).await,
        Command::Once { target, from, to } => {
            let work = work(&*collector, from.zip(*to))?;
            once(&collector, cli, target.as_deref(), &work).await
        }
        Command::Run => run(&collector, cli).await,
    }
}

fn about(collector: &dyn Erased, json: bool) -> anyhow::Result<ExitCode> {
    let manifest = Manifest::of(collector, env!("CARGO_PKG_VERSION"));
    println!("{}", if json { serde_json::to_string(&manifest)? } else { serde_json::to_string_pretty(&manifest)? });
    Ok(ExitCode::SUCCESS)
}

async fn run(collector: &Arc<dyn Erased>, cli: &Cli) -> anyhow::Result<ExitCode> {
    let ready = setup::ready(collector, cli)?;
    let stop = stopped_by_signal()?;
    let name = &ready.agent.engine.identity.software;
    tracing::info!("{name} works by the schedule; state in `{}`", ready.agent.engine.state.dir().display());
    ready.agent.run(ready.sender(), stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// Cancelled by SIGTERM or Ctrl-C.
fn stopped_by_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}

/// What is new, or a stretch of the past where the collector can be asked for one.
fn work(collector: &dyn Erased, window: Option<(Timestamp, Timestamp)>) -> anyhow::Result<Work> {
    let Some((from, to)) = window else {
        return Ok(Work::Poll);
    };
    anyhow::ensure!(
        collector.about().windows,
        "the collector `{}` can't be asked for a stretch of the past: its source shows what is new only, or it was not written for it (`about` says `windows`)",
        collector.name()
    );
    anyhow::ensure!(from < to, "--from {from} is not before --to {to}");
    let now = Timestamp::now();
    anyhow::ensure!(to <= now, "--to {to} lies ahead (it is {now}); what is to come is collected by `run`");
    Ok(Work::Window { from, to })
}

async fn once(collector: &Arc<dyn Erased>, cli: &Cli, target: Option<&str>, work: &Work) -> anyhow::Result<ExitCode> {
    let ready = setup::ready(collector, cli)?;
    let stop = stopped_by_signal()?;
    let reports = ready.agent.once(target, work, &stop).await?;
    for report in &reports {
        show(report, cli.json);
    }
    if reports.is_empty() && !cli.json {
        let resting = ready.agent.targets().map(|found| found.resting).unwrap_or_default();
        if resting.is_empty() {
            println!("nothing to collect: no entry in force names the collector `{}`", collector.name());
        }
        for (entry, why) in resting {
            println!("{entry}: not collected\n  {why}");
        }
    }
    if let Some(why) = ready.sender().drain().await? {
        let waiting = ready.agent.engine.state.waiting()?.len();
        eprintln!(
            "{waiting} segments wait for the registry: {why}; `once` and `run` send them as soon as that changes"
        );
    }
    let bad = reports.iter().any(|report| {
        matches!(report.coverage.state, CoverageState::Blocked | CoverageState::Failed | CoverageState::NotAttempted)
    });
    Ok(if bad { ExitCode::from(EXIT_NOT_ALL) } else { ExitCode::SUCCESS })
}

fn show(report: &Report, json: bool) {
    if json {
        println!("{}", json!({ "run": report.run, "coverage": report.coverage, "segments": report.segments }));
    } else {
        println!("{}: {}", report.run, report.in_words());
    }
}

async fn plan(collector: &Arc<dyn Erased>, cli: &Cli) -> anyhow::Result<ExitCode> {
    let ready = setup::ready(collector, cli)?;
    let agent = &ready.agent;
    if let Err(error) = agent.refresh().await {
        eprintln!("no newer policy: {error:#}");
    }
    let found = agent.targets().map_err(anyhow::Error::msg)?;
    let now = agent.engine.clock.now();
    let mut all = true;
    for planned in &found.planned {
        let target = &planned.facts.target;
        let order = planned.order(None, None, &CancellationToken::new());
        let cursor = agent.engine.cursor(&target.id, agent.engine.lane(&order)?)?;
        let due = planned.schedule.next_due(now, planned.jitter).map(|due| due.at);
        let ask = Ask { target, work: Work::Poll, cursor: &cursor, now };
        for request in checked_plan(&**collector, &ask)? {
            let wanted =
                Wanted { run: &planned.facts, request: &request, validators: None, origin: Origin::Plan, attempt: 1 };
            let decision = ready.network.preview(wanted);
            all &= decision.permitted;
            if cli.json {
                let due = due.map(|at| at.to_string());
                println!(
                    "{}",
                    json!({ "target": target.id, "next_due": due, "request": request, "decision": decision })
                );
            } else {
                let due = due.map_or_else(|| "never".to_owned(), |at| at.to_string());
                println!("{} (next due {due})\n  {}\n  {}", target.id, request.url, decision.because);
            }
        }
    }
    for (entry, why) in &found.resting {
        all = false;
        if cli.json {
            println!("{}", json!({ "entry": entry, "resting": why }));
        } else {
            println!("{entry}: not collected\n  {why}");
        }
    }
    if found.planned.is_empty() && found.resting.is_empty() && !cli.json {
        println!("no entry names the collector `{}`", collector.name());
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NOT_ALL) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::collectors::Listing;

    #[test]
    fn collector_that_knows_only_what_is_new_refuses_a_stretch_of_the_past() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window = (at("2025-10-01T00:00:00Z"), at("2025-10-02T00:00:00Z"));
        let why = work(&Listing, Some(window)).unwrap_err().to_string();
        assert!(why.starts_with("the collector `listing` can't be asked for a stretch of the past"), "{why}");
        assert_eq!(work(&Listing, None).unwrap(), Work::Poll);
    }
}
