//! What can a person tell an agent to do? The command line that every agent has.
//!
//! Exit codes: 0 done; 1 it could not be done, the message says why; 2 the command line was wrong; 3 done, but some target is blocked, failed
//! or not permitted, or (`check`) something is not in order.

mod check;
mod commands;
mod read;
mod recipe;
mod setup;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use jiff::Timestamp;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    config::DEFAULT_FILE,
    contract::{Collector, Erased},
};

/// A target is blocked, failed or not permitted.
pub const EXIT_NOT_ALL: u8 = 3;

#[derive(Debug, Parser)]
#[command(
    about = "Collects from one platform what signed policy permits, and keeps the proof",
    after_help = "Exit codes: 0 done; 1 it could not be done; 2 wrong command line; 3 done, but some target is blocked, failed or not permitted.\n\
                  Logs go to standard error; RUST_LOG sets how much (default: info)."
)]
struct Cli {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// Answer in JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    /// Folder of memory and outbox, in place of the configuration's
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work by the schedule until stopped (SIGTERM or Ctrl-C ends running exchanges first)
    Run,
    /// Run every target once, now, send what was collected, and end
    Once {
        /// Only this target. Lifts its block: naming it says that a person has looked
        #[arg(long, value_name = "ID")]
        target: Option<String>,
        /// Collect a stretch of the past beside what is new: from this instant (`2026-10-01` or `2026-10-01T06:00:00Z`)
        #[arg(long, value_name = "TIME", requires = "to", value_parser = instant)]
        from: Option<Timestamp>,
        /// The first instant no longer wanted
        #[arg(long, value_name = "TIME", requires = "from", value_parser = instant)]
        to: Option<Timestamp>,
    },
    /// Show which requests would be made first and what the gate would say. Sends nothing to any source
    Plan,
    /// Derive the records again from the bytes kept in a segment, one JSON line each
    Read {
        /// The segment (`.warc.gz`). Records it already holds are not looked at
        file: PathBuf,
        /// The allowlist entry, as JSON, whose field list applies; without it every field is kept
        #[arg(long, value_name = "FILE.json")]
        entry: Option<PathBuf>,
    },
    /// Check a recipe, or try it on a page
    #[command(subcommand)]
    Recipe(recipe::RecipeCommand),
    /// Look whether everything an agent needs is in order: configuration, key, root, policy, registry, disk, clock
    Check,
    /// Print the collector's manifest: what it covers, needs and misses
    About,
}

/// An instant in RFC 3339, or a date: its first instant, UTC.
fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().or_else(|_| {
        let date: jiff::civil::Date = text.parse().map_err(|_| {
            "a date (`2026-10-01`) or an instant with its zone (`2026-10-01T06:00:00Z`) is expected".to_owned()
        })?;
        date.to_zoned(jiff::tz::TimeZone::UTC).map(|at| at.timestamp()).map_err(|error| error.to_string())
    })
}

/// The whole of an agent's `main`: reads the command line and does what it says.
pub fn run(collector: impl Collector) -> ExitCode {
    let command = Cli::command();
    // Shown only where there is something to be told by it.
    let command = match collector.recipes() {
        Some(_) => command,
        None => command.mut_subcommand("recipe", |recipe| recipe.hide(true)),
    };
    let cli = match Cli::from_arg_matches(&command.get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    logging(cli.json);
    crate::sealing::guard_panics();
    // Fails only where a provider was installed before; then that one stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let collector: Arc<dyn Erased> = Arc::new(collector);
    // One thread waits for the network and for the disk's answers; readings and whatever else takes long have threads of their own. More of them cost
    // memory, and each word between them a wake-up; one that has nothing to do any more ends soon, for it takes 90 KB.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().thread_keep_alive(Duration::from_secs(1)).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            return failed(&anyhow::Error::from(error).context("the runtime could not be started"));
        }
    };
    let done = runtime.block_on(commands::command(collector, &cli));
    // A reading that was given up on may still hold its thread; nobody waits for it.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

fn logging(json: bool) {
    // Targets and levels, without the patterns of `EnvFilter`: those would bring a whole engine of regular expressions into every agent.
    let given = std::env::var("RUST_LOG").unwrap_or_default();
    let mut filter = given
        .parse::<Targets>()
        .ok()
        .filter(|_| !given.is_empty())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    // It calls an alarm that has rung and is gone an error; whoever names it may hear that.
    if !given.contains("tokio_cron_scheduler") {
        filter = filter.with_target("tokio_cron_scheduler", LevelFilter::OFF);
    }
    // Parsers have something to say of every token: what nobody asked for is not even offered to the filter.
    let most = filter.iter().map(|(_, level)| level).chain(filter.default_level()).max().unwrap_or(LevelFilter::OFF);
    // Every message is a whole sentence; its fields are for machines, but for an error it does not name itself.
    let plain = tracing_subscriber::fmt::format::debug_fn(|out, field, value| match field.name() {
        "message" => write!(out, "{value:?}"),
        "error" => write!(out, ": {value:?}"),
        _ => Ok(()),
    });
    let log = tracing_subscriber::fmt()
        .with_max_level(most)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false);
    // A second call in one process leaves the first in place.
    let _ = if json {
        log.json().finish().with(filter).try_init()
    } else {
        log.fmt_fields(plain).finish().with(filter).try_init()
    };
}
