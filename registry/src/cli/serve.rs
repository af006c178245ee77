//! `vigie serve` and `vigie up`: the registry, and on one machine its agents beside it.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Say, door, manager, unit::Unit};
use crate::{api::Desk, listener};

/// How to start.
#[derive(Debug, Args)]
pub struct Up {
    /// Show everything with invented newsrooms on this machine; nothing leaves it
    #[arg(long)]
    pub(super) demo: bool,
    /// With --demo: folder for the trial unit
    #[arg(long, default_value = "vigie-demo")]
    pub(super) folder: PathBuf,
    /// With --demo: address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8600")]
    pub(super) listen: SocketAddr,
    /// With --demo: seconds between two rounds of the newsrooms
    #[arg(long, default_value_t = 8)]
    pub(super) tick: u64,
    /// Stop by itself after so many seconds
    #[arg(long = "for")]
    pub(super) secs: Option<u64>,
}

/// A program of this release beside the running one.
pub(super) fn beside(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().context("this program does not know where it lies")?;
    let file = here.with_file_name(name);
    if !file.exists() {
        bail!("`{name}` is not beside `{}`\nhint: `cargo build --release` makes all programs", here.display());
    }
    Ok(file)
}

/// Stops a child when it is dropped.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // A polite end first: an agent finishes the segment it is writing.
        let _ = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).stderr(Stdio::null()).status();
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("VIGIE_LOG").unwrap_or_else(|_| "info".into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .try_init();
}

/// `vigie serve`.
///
/// # Errors
///
/// Where the registry can't open, or the address is taken.
pub fn serve(unit: &Unit, say: &Say) -> Result<()> {
    logging();
    let listener = bind(unit.settings.listen)?;
    run(unit, listener, None, say, |_| Ok(Vec::<Running>::new()))
}

/// `vigie up`.
///
/// # Errors
///
/// Where a program is missing, the registry can't open, or the address is taken.
pub fn up(args: &Up, folder: &Path, say: &Say) -> Result<()> {
    logging();
    let unit = Unit::open(folder)?;
    let listener = bind(unit.settings.listen)?;
    run(&unit, listener, args.secs, say, |desk| {
        let agents = start_agents(&unit, desk, false)?;
        say.line(&format!(
            "registry   {}/  with {} agent{}",
            unit.url(),
            agents.len(),
            if agents.len() == 1 { "" } else { "s" }
        ))?;
        Ok(agents)
    })
}

pub(super) fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("{address} can't be listened on: another program has it, or it is not this machine's")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Starts every agent below `agents/`; the folder's name is the collector's. The program itself is kept as evidence, so that what it
/// reads can be derived again by it.
pub(super) fn start_agents(unit: &Unit, desk: &Desk, quiet: bool) -> Result<Vec<Running>> {
    let mut agents = Vec::new();
    for entry in fs::read_dir(unit.folder.join("agents")).into_iter().flatten().flatten() {
        let settings = entry.path().join("agent.toml");
        if !settings.exists() {
            continue;
        }
        let collector = entry.file_name().to_string_lossy().into_owned();
        let program = beside(&format!("vigie-{collector}"))?;
        desk.registry().evidence().keep_program(&fs::read(&program)?)?;
        let mut command = Command::new(&program);
        for name in manager::NOT_FOR_CHILDREN {
            command.env_remove(name);
        }
        let child = command
            .arg("run")
            .arg("--config")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .envs(quiet.then_some(("RUST_LOG", "off")))
            .spawn()
            .with_context(|| format!("`{}` could not be started", program.display()))?;
        agents.push(Running(child));
    }
    Ok(agents)
}

/// Opens the registry, serves it, runs `beside` once it listens, and stops on a signal or after `secs`.
pub(super) fn run<T>(
    unit: &Unit,
    listener: TcpListener,
    secs: Option<u64>,
    say: &Say,
    start: impl FnOnce(&Desk) -> Result<Vec<T>>,
) -> Result<()> {
    let registry = door::open(unit)?;
    let desk = Desk::new(registry, unit.settings.listen.ip().is_loopback(), unit.settings.public_log);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stop = CancellationToken::new();
    let tls = unit.settings.tls.as_ref().map(|tls| (tls.certificate.clone(), unit.secret("tls.key", &tls.key)));
    let telling = manager::tell(desk.clone(), stop.clone());
    let served =
        runtime.spawn(listener::serve(listener, desk.clone(), tls, stop.clone(), || drop(tokio::spawn(telling))));
    let children = start(&desk)?;
    let deadline = secs.map(Duration::from_secs);
    let outcome = runtime.block_on(async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = async { match deadline { Some(deadline) => tokio::time::sleep(deadline).await, None => std::future::pending().await } } => {}
        }
        anyhow::Ok(())
    });
    say.line("stopping")?;
    manager::stops();
    drop(children);
    stop.cancel();
    let ended = runtime.block_on(served).context("the listener ended badly")?;
    outcome.and(ended)
}
