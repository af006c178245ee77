//! A unit's agent as a process, and what lies in its folder.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::{Connection, OpenFlags};

use crate::{
    manager::Manager,
    process::{Output, Running, command, crashing, program, shifted},
};

/// An agent's folder: settings, key, state.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Where `agent.toml` lies.
    pub folder: PathBuf,
    /// Its program: `vigie-feed`.
    pub program: String,
    /// By how much its clock is ahead, in seconds.
    pub(crate) shift: Option<i64>,
    /// Which certificates it trusts; the system's where absent.
    pub(crate) trusted: Option<PathBuf>,
    /// Its folder of credentials, as a service manager names it.
    pub(crate) credentials: Option<PathBuf>,
}

impl Agent {
    /// An agent for a collector in a folder.
    #[must_use]
    pub fn at(folder: PathBuf, collector: &str) -> Self {
        Self { folder, program: format!("vigie-{collector}"), shift: None, trusted: None, credentials: None }
    }

    fn command(&self, what: &str, arguments: &[&str]) -> Command {
        let mut agent = command(&program(&self.program));
        agent.arg(what).args(arguments).arg("--config").arg(self.folder.join("agent.toml"));
        if let Some(trusted) = &self.trusted {
            agent.env("SSL_CERT_FILE", trusted);
        }
        if let Some(credentials) = &self.credentials {
            agent.env("CREDENTIALS_DIRECTORY", credentials);
        }
        shifted(&mut agent, self.shift);
        agent
    }

    /// The same agent, with this folder of credentials.
    #[must_use]
    pub fn with_credentials(self, folder: &Path) -> Self {
        Self { credentials: Some(folder.to_owned()), ..self }
    }

    /// Lets items be asked for again after these pauses, in seconds: `recheck_after_secs` of its settings.
    ///
    /// # Panics
    ///
    /// Where the settings cannot be written.
    pub fn asks_again_after(&self, pauses: &[u32]) {
        let file = self.folder.join("agent.toml");
        let text = fs::read_to_string(&file).expect("settings");
        fs::write(&file, format!("recheck_after_secs = {pauses:?}\n{text}")).expect("settings");
    }

    /// Sets what the agent has counted of a platform's unit since it last refilled.
    ///
    /// # Panics
    ///
    /// Where its state cannot be written, or the unit was never drawn from.
    pub fn used_up(&self, unit: &str, used: i64) {
        let db = Connection::open(self.folder.join("state/network.sqlite")).expect("a database");
        let set = db.execute("UPDATE quotas SET used = ?2 WHERE unit = ?1", (unit, used)).expect("a row");
        assert_eq!(set, 1, "`{unit}` was never drawn from");
    }

    /// Collects every target once and pushes: `vigie-feed once`.
    pub fn once(&self) -> Output {
        self.once_crashing(None)
    }

    /// The same, with a crash point.
    pub fn once_crashing(&self, point: Option<&str>) -> Output {
        Output::of(crashing(self.command("once", &[]), point))
    }

    /// Collects one target and pushes: `vigie-feed once --target NAME`.
    #[must_use]
    pub fn once_target(&self, name: &str) -> Output {
        Output::of(self.command("once", &["--target", name]))
    }

    /// As [`Agent::once_target`], with the machine's clock moved by `shift` (`+40d`) through `faketime`.
    pub fn once_at(&self, name: &str, shift: &str) -> Output {
        let mut faked = command(Path::new("faketime"));
        faked
            .args(["-f", shift])
            .arg(program(&self.program))
            .args(["once", "--target", name, "--config"])
            .arg(self.folder.join("agent.toml"));
        Output::of(faked)
    }

    /// Asks for the newest policy and says what would be done: `vigie-feed plan`.
    pub fn plan(&self) -> Output {
        Output::of(self.command("plan", &[]))
    }

    /// Shows what the recipe makes of a page: `vigie-web recipe try`.
    pub fn tries(&self, url: &str, kind: &str) -> Output {
        Output::of(self.command("recipe", &["try", url, "--as", kind]))
    }

    /// As [`Agent::once`], still running.
    #[must_use]
    pub fn begin_once(&self) -> Running {
        let mut once = self.command("once", &[]);
        let log = File::options().create(true).append(true).open(self.folder.join("agent.log")).expect("a file");
        once.stdout(log.try_clone().expect("a file")).stderr(log);
        Running::start(once)
    }

    /// Starts the agent as a service: `vigie-feed run`.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[must_use]
    pub fn run_managed(&self, manager: &Manager, watchdog_usec: u64) -> Running {
        let mut run = self.command("run", &[]);
        let log = File::options().create(true).append(true).open(self.folder.join("agent.log")).expect("a file");
        run.stdout(log.try_clone().expect("a file")).stderr(log);
        manager.manages(&mut run, watchdog_usec);
        Running::start(run)
    }

    fn db(&self) -> Option<Connection> {
        let file = self.folder.join("state/state.sqlite");
        file.exists().then(|| reader(&file))
    }

    /// The agent at work by its schedule: `vigie-feed run`.
    #[must_use]
    pub fn begin_run(&self) -> Running {
        let mut run = self.command("run", &[]);
        let log = File::options().create(true).append(true).open(self.folder.join("agent.log")).expect("a file");
        run.stdout(log.try_clone().expect("a file")).stderr(log);
        Running::start(run)
    }

    /// Scheduled runs that came to their end.
    #[must_use]
    pub fn ended(&self) -> u64 {
        let count = |db: Connection| {
            db.query_row("SELECT count(*) FROM runs WHERE due IS NOT NULL AND ended_at IS NOT NULL", [], |row| {
                row.get::<_, i64>(0)
            })
        };
        self.db().map_or(0, |db| count(db).unwrap_or_default().unsigned_abs())
    }

    /// Segments without a receipt.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.count("settled_at IS NULL")
    }

    /// Segments with a refusal receipt.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.count("refused = 1")
    }

    fn count(&self, which: &str) -> u64 {
        let count = |db: Connection| {
            db.query_row(&format!("SELECT count(*) FROM outbox WHERE {which}"), [], |row| row.get::<_, i64>(0))
        };
        self.db().map_or(0, |db| count(db).unwrap_or_default().unsigned_abs())
    }

    /// Manifests of the segments that have a receipt.
    ///
    /// # Panics
    ///
    /// Where the state cannot be read.
    #[must_use]
    pub fn receipts(&self) -> Vec<String> {
        let Some(db) = self.db() else {
            return Vec::new();
        };
        let mut statement = db
            .prepare("SELECT manifest FROM outbox WHERE settled_at IS NOT NULL AND refused = 0")
            .expect("the table is there");
        let found = statement.query_map([], |row| row.get(0)).expect("rows");
        found.collect::<Result<_, _>>().expect("rows can be read")
    }

    /// Segment files it still holds.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        crate::files(&self.folder.join("state/outbox"))
    }
}

/// A database as readers see it, while its owner runs.
pub(crate) fn reader(file: &Path) -> Connection {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .expect("a database");
    db.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 20000").expect("a database");
    db
}
