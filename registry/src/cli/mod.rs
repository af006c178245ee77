//! `vigie`: the one command of operators, reviewers and analysts.

mod agent;
mod ask;
mod demo;
mod door;
mod http;
mod init;
mod keys;
mod manager;
mod operate;
mod policy;
mod root;
mod serve;
mod starters;
mod terminal;
mod token;
mod trial;
mod unit;

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use schemas::Salt;

use door::Door;
use unit::Unit;

/// Collects public content under signed permission, and proves it
#[derive(Debug, Parser)]
#[command(name = "vigie", version, about, long_about = None, max_term_width = 100, after_help = "\
First steps:
  vigie up --demo              see the whole of it with invented newsrooms on this machine
  vigie init my-unit           two people, from keys to the first permitted source
  vigie --unit my-unit up      registry and agents on one machine

Exit codes: 0 done; 1 refused or failed, with the reason; 2 the command line is not understood.")]
struct Cli {
    /// Folder of the unit: the one that holds vigie.toml
    #[arg(long, global = true, env = "VIGIE_UNIT", default_value = ".")]
    unit: PathBuf,
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Walk two people from keys to a first permitted source
    Init(init::Init),
    /// Start the registry and the unit's agents on this machine; `--demo` shows everything with invented content
    Up(serve::Up),
    /// Start the registry alone
    Serve,
    /// Make and show keys
    #[command(subcommand)]
    Key(keys::Key),
    /// Show and check the trust root: whose signature counts for what
    #[command(subcommand)]
    Root(root::Root),
    /// Check, sign, show and explain what may be collected
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Enrol, list and revoke agents
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Hand signed statements to the registry, made elsewhere with `--out`
    Submit {
        /// Signed notes
        #[arg(required = true)]
        notes: Vec<PathBuf>,
    },
    /// Show a signed statement in words and add your signature to it
    Cosign {
        /// The signed note
        note: PathBuf,
        /// Your private key
        #[arg(long)]
        key: PathBuf,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Make, list and revoke tokens for people who use the registry over the network
    #[command(subcommand)]
    Token(token::Token),
    /// Find records: "exact words" word -not platform:web lang:ru author:@x link:example.org after:2026-10-01 seen:7d
    Search(ask::SearchArgs),
    /// Show one record with its history
    Show {
        /// Record id, as `vigie search` prints it
        id: String,
    },
    /// Where a record comes from: who allowed it, what robots.txt said, which bytes, and whether anything has changed since
    Trace(ask::TraceArgs),
    /// Derive records again from kept bytes, by the very program that made them, and compare
    Rederive(operate::RederiveArgs),
    /// Drop all tables and make them again from segments, statements and log
    Rebuild,
    /// Destroy a record, or everything that was captured with it, by a signed act; the proofs of all others still stand
    Erase(operate::EraseArgs),
    /// Copy everything that cannot be made again
    Backup {
        /// Folder to write; must not exist
        folder: PathBuf,
    },
    /// Bring a backup back into an empty data folder; applies newer erasures, never signs below the highest checkpoint known
    Restore {
        /// The backup
        folder: PathBuf,
    },
    /// The second place: the highest checkpoint ever signed, statements and log, kept apart
    #[command(subcommand)]
    SecondPlace(operate::SecondPlace),
    /// What was looked at and what was missed, by source
    Coverage(ask::CoverageArgs),
    /// What was refused, and why
    Denials {
        /// Of one entry only
        #[arg(long)]
        entry: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Look at keys, folders, log, agents and disk, and say what is wrong
    Doctor,
    /// Make a trial unit without starting anything
    #[command(hide = true)]
    Trial(trial::Trial),
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything opens a connection: one provider for the whole program.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let say = Say { json: cli.json };
    match run(cli, &say) {
        Ok(code) => code,
        Err(why) => {
            say.error(&why);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, say: &Say) -> Result<ExitCode> {
    let folder = cli.unit;
    let unit = || Unit::open(&folder);
    let done = |done: Result<()>| done.map(|()| ExitCode::SUCCESS);
    match cli.command {
        Command::Init(args) => done(init::run(&args, say)),
        Command::Up(args) if args.demo => done(demo::demo(&args, say)),
        Command::Up(args) => done(serve::up(&args, &folder, say)),
        Command::Serve => done(serve::serve(&unit()?, say)),
        Command::Key(command) => done(keys::run(&command, say)),
        Command::Root(command) => done(root::run(&command, || Ok(unit()?.settings.trust), say)),
        Command::Policy(command) => done(policy_command(&command, &unit, say)),
        Command::Agent(command) => done(agent::run(&command, &unit()?, say)),
        Command::Submit { notes } => done(operate::submit(&notes, &unit()?, say)),
        Command::Cosign { note, key, yes } => done(operate::cosign(&note, &key, yes, say)),
        Command::Token(command) => done(token::run(&command, &unit()?, say)),
        Command::Search(args) => done(ask::search(&args, &unit()?, say)),
        Command::Show { id } => done(ask::show(&id, &unit()?, say)),
        Command::Trace(args) => ask::trace(&args, &unit()?, say),
        Command::Rederive(args) => operate::rederive(&args, &unit()?, say),
        Command::Rebuild => done(operate::rebuild(&unit()?, say)),
        Command::Erase(args) => done(operate::erase(&args, &unit()?, say)),
        Command::Backup { folder } => done(operate::backup(&folder, &unit()?, say)),
        Command::Restore { folder } => done(operate::restore(&folder, &unit()?, say)),
        Command::SecondPlace(command) => done(operate::second_place(&command, &unit()?, say)),
        Command::Coverage(args) => done(ask::coverage(&args, &unit()?, say)),
        Command::Denials { entry, limit } => done(ask::denials(entry, limit, &unit()?, say)),
        Command::Doctor => operate::doctor(&unit()?, say),
        Command::Trial(args) => done(trial::run(&args, say)),
    }
}

fn policy_command(command: &policy::PolicyCommand, unit: &dyn Fn() -> Result<Unit>, say: &Say) -> Result<()> {
    use policy::PolicyCommand::{Check, Explain, Show, Sign, Starters};
    match command {
        Check(args) => {
            let root = policy::root_of(args.root.as_ref(), || Ok(unit()?.settings.trust))?;
            let allowlist = match &args.allowlist {
                Some(file) => file.clone(),
                None => unit()?.settings.allowlist,
            };
            policy::check(args, &allowlist, &root, say)
        }
        Sign(args) => {
            let root = policy::root_of(args.root.as_ref(), || Ok(unit()?.settings.trust))?;
            let allowlist = match &args.allowlist {
                Some(file) => file.clone(),
                None => unit()?.settings.allowlist,
            };
            policy::sign(args, &allowlist, &root, || Door::open(&unit()?), say)
        }
        Show => {
            let unit = unit()?;
            policy::show(Door::open(&unit)?.policy(&unit.root()?)?.as_ref(), say)
        }
        Explain { url, entry } => {
            let unit = unit()?;
            policy::explain(Door::open(&unit)?.policy(&unit.root()?)?.as_ref(), url, entry.as_deref(), say)
        }
        Starters(args) => starters::run(args, say),
    }
}

/// Prints answers: words for people, JSON where it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Say {
    /// Answer in JSON.
    pub json: bool,
}

impl Say {
    /// Prints `json` or what `words` gives.
    ///
    /// # Errors
    ///
    /// Where standard output is gone.
    pub fn json_or(&self, json: &serde_json::Value, words: impl FnOnce() -> String) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{json}")?;
        } else {
            write!(out, "{}", words())?;
        }
        Ok(out.flush()?)
    }

    /// Prints a line for people; on standard error where JSON was asked for.
    ///
    /// # Errors
    ///
    /// Where the output is gone.
    pub fn line(&self, text: &str) -> Result<()> {
        if self.json {
            writeln!(std::io::stderr().lock(), "{text}")?;
        } else {
            writeln!(std::io::stdout().lock(), "{text}")?;
        }
        Ok(())
    }

    /// A progress bar on standard error for long work; hidden where nobody is at the terminal.
    #[must_use]
    pub fn progress(&self, length: u64, what: &str) -> indicatif::ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return indicatif::ProgressBar::hidden();
        }
        let bar = indicatif::ProgressBar::new(length);
        if let Ok(style) = indicatif::ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar
    }

    fn error(self, why: &anyhow::Error) {
        let mut text = why.to_string();
        for source in why.chain().skip(1).map(ToString::to_string).filter(|source| !source.is_empty()) {
            if !text.contains(&source) {
                text.push_str(": ");
                text.push_str(&source);
            }
        }
        if self.json {
            println!("{}", serde_json::json!({ "error": text }));
        } else if text.starts_with("error: ") {
            eprintln!("{text}");
        } else {
            eprintln!("error: {text}");
        }
    }
}

/// 32 random bytes from the operating system.
pub(crate) fn salt() -> Salt {
    use rand::Rng as _;
    let mut bytes = [0; 32];
    rand::rng().fill(&mut bytes);
    schemas::Digest(bytes)
}
