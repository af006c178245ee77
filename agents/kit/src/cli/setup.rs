//! How do configuration and collector become an agent at work?

use std::{io::Read as _, sync::Arc};

use anyhow::Context;
use jiff::SignedDuration;
use rusqlite::Connection;
use schemas::{Digest, capture::Reader};
use sha2::{Digest as _, Sha256};

use super::Cli;
use crate::{
    config::Config,
    contract::Erased,
    engine::{Engine, Identity, Network, SystemClock},
    fetch::{self, Setup, Web, user_agent},
    outbox::Outbox,
    push::Registry,
    schedule::{Agent, Sender, Told},
    sealing::Sealing,
    state::State,
};

/// Memory for pages of the file of budgets and robots.txt, in KiB; SQLite's own choice is 2,000.
const CACHE_KIB: i32 = 256;

/// Everything an agent works with.
pub(super) struct Ready {
    pub agent: Arc<Agent>,
    pub network: Arc<dyn Network>,
    pub keep: SignedDuration,
}

impl Ready {
    pub fn sender(&self) -> Sender {
        Sender {
            engine: Arc::clone(&self.agent.engine),
            registry: Arc::clone(&self.agent.registry),
            root: self.agent.trusted.clone(),
            keep: self.keep,
            bell: Arc::clone(&self.agent.bell),
            told: Told::default(),
        }
    }
}

/// This program, as segments name it.
///
/// # Errors
///
/// The program's own file can't be read.
pub(super) fn reader(collector: &dyn Erased) -> anyhow::Result<Reader> {
    Ok(reader_of(collector, program()?))
}

fn reader_of(collector: &dyn Erased, program: Digest) -> Reader {
    Reader { name: collector.name().to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), program }
}

/// Digest of this program's own file.
fn program() -> anyhow::Result<Digest> {
    let path = std::env::current_exe().context("this program's own file is not known")?;
    let unread = || format!("`{}` can't be read", path.display());
    // In pieces: the whole of it would be the largest thing this process ever holds.
    let mut file = std::fs::File::open(&path).with_context(unread)?;
    let (mut hash, mut piece) = (Sha256::new(), [0; 1 << 14]);
    loop {
        let length = file.read(&mut piece).with_context(unread)?;
        match piece.get(..length) {
            Some(some) if !some.is_empty() => hash.update(some),
            _ => return Ok(Digest(hash.finalize().into())),
        }
    }
}

pub(super) fn ready(collector: &Arc<dyn Erased>, cli: &Cli) -> anyhow::Result<Ready> {
    // The two longest parts of a start, beside all others.
    let program = std::thread::spawn(program);
    let roots = std::thread::spawn(fetch::tls);
    let config = Config::read(&cli.config)?;
    let key = config.signing_key()?;
    let root = config.trust_root()?;
    let state_dir = config.state_dir(cli.state.as_deref())?;
    let (pseudonyms, state_key) = (config.pseudonym_key(&state_dir)?, config.state_key(&state_dir)?);
    let sealing = Sealing { pseudonyms, state_hidden: state_key.is_some() };
    let state = Arc::new(State::open_hidden(&state_dir, state_key.as_ref())?);
    state.chain(&key.vkey().id_text())?;
    let outbox = Outbox::open(&state_dir)?;
    for file in outbox.tidy(&state)? {
        tracing::info!("dropped `{file}`, which a crash left; what it held is collected again");
    }
    // Budgets and robots.txt change with every request; a file of their own keeps them out of the way of the commits.
    let rows = Connection::open(state_dir.join("network.sqlite"))?;
    rows.busy_timeout(std::time::Duration::from_secs(10))?;
    rows.pragma_update(None, "journal_mode", "WAL")?;
    rows.pragma_update(None, "synchronous", "FULL")?;
    rows.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // Where it failed, the network says why when it wants them.
    let _ = roots.join();
    let network: Arc<dyn Network> = Arc::new(Web::new(Setup {
        units: collector.about().units,
        credentials: config.credentials.clone(),
        ..Setup::new(rows)
    })?);
    let program = program.join().map_err(|_| anyhow::anyhow!("this program's own file can't be read"))??;
    let reader = reader_of(&**collector, program);
    let identity = Identity {
        key: Arc::new(key),
        software: format!("vigie-{}/{}", reader.name, reader.version),
        user_agent: user_agent(&root),
        reader,
    };
    let clock = Arc::new(SystemClock::default());
    let mut engine = Engine::new(Arc::clone(collector), Arc::clone(&network), state, outbox, clock, identity);
    engine.sealing = sealing;
    engine.recheck_after_secs.clone_from(&config.recheck_after_secs);
    let registry = Arc::new(Registry::new(config.registry.as_str())?.with_token(config.token()?));
    let concurrent = usize::try_from(config.max_concurrent)?;
    let agent = Arc::new(Agent::new(Arc::new(engine), registry, root, concurrent)?);
    Ok(Ready { agent, network, keep: SignedDuration::from_hours(i64::from(config.keep_after_receipt_hours)) })
}
