//! Plays the exhibit's newsrooms as a process: prints one JSON line once it listens, serves until told to end.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use exhibit::{Exhibit, Newsroom, Options};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

/// Plays newsrooms on loopback, with invented content in English, French, Russian and Chinese.
///
/// Prints one line of JSON with every address once all ports listen. Ends at SIGTERM or SIGINT.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The first of a row of ports (all newsrooms, control, then one each); 0 takes free ones
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed gives the same content
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The time of round 0 by the content's own clock; the default is now, to the second
    #[arg(long)]
    epoch: Option<Timestamp>,
    /// Seconds between rounds by the content's own clock; the default is that of --tick, else 3600. With --tick no round is told later than it is
    #[arg(long)]
    step: Option<u32>,
    /// Play a round by itself every SECS seconds; without it rounds are played by POST /-/advance on the control port
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u32).range(1..))]
    tick: Option<u32>,
    /// Only these newsrooms of the cast, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECS")]
    for_secs: Option<u64>,
    /// End when standard input closes, so that no parent leaves this process behind
    #[arg(long)]
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(play(arguments));
    // A thread may still be waiting for standard input.
    runtime.shutdown_background();
    done
}

async fn play(arguments: &Arguments) -> anyhow::Result<()> {
    // Before anything is printed: whoever reads the line may send a signal at once.
    let mut terminated = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let exhibit = Exhibit::start(options(arguments)?).context("cannot open the exhibit")?;
    let line = serde_json::to_string(exhibit.listing())?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).context("cannot print the addresses")?;
    drop(stdout);
    let mut ticks = arguments.tick.map(|secs| {
        let every = Duration::from_secs(u64::from(secs));
        tokio::time::interval_at(tokio::time::Instant::now() + every, every)
    });
    let end = until(arguments.for_secs);
    let closed = stdin_closes(arguments.until_stdin_closes);
    tokio::pin!(end, closed);
    loop {
        tokio::select! {
            _ = terminated.recv() => break,
            _ = interrupted.recv() => break,
            () = &mut end => break,
            () = &mut closed => break,
            () = tick(ticks.as_mut()) => { exhibit.advance(); }
        }
    }
    exhibit.stop();
    Ok(())
}

fn options(arguments: &Arguments) -> anyhow::Result<Options> {
    let names: Vec<&str> = arguments.only.iter().map(String::as_str).collect();
    let newsrooms = if names.is_empty() { Newsroom::all() } else { Newsroom::named(&names) };
    if let Some(unknown) = names.iter().find(|name| !newsrooms.iter().any(|room| room.name == **name)) {
        let known: Vec<&str> = Newsroom::all().iter().map(|room| room.name).collect();
        anyhow::bail!("no newsroom `{unknown}`; there are {}", known.join(", "));
    }
    let now = Timestamp::from_second(Timestamp::now().as_second())?;
    Ok(Options {
        port: arguments.port,
        seed: arguments.seed,
        epoch: arguments.epoch.unwrap_or(now),
        step_secs: arguments.step.or(arguments.tick).unwrap_or(3600),
        latest: arguments.tick.map(|secs| (now, secs)),
        newsrooms,
    })
}

async fn tick(ticks: Option<&mut tokio::time::Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

async fn until(secs: Option<u64>) {
    match secs {
        Some(secs) => tokio::time::sleep(Duration::from_secs(secs)).await,
        None => std::future::pending().await,
    }
}

async fn stdin_closes(wanted: bool) {
    if !wanted {
        return std::future::pending().await;
    }
    // What arrives is thrown away; only the end counts. An error is an end as well.
    let _ = tokio::task::spawn_blocking(|| {
        let mut buffer = [0; 1024];
        let mut stdin = std::io::stdin().lock();
        while let Ok(1..) = stdin.read(&mut buffer) {}
    })
    .await;
}
