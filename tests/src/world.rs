//! A trial unit in a folder of its own: its registry and its agent as processes, started, killed and asked as people do.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

use exhibit::Exhibit;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http,
    manager::Manager,
    process::{Output, Running, command, program},
    until,
};

/// A source that the unit is permitted to collect.
#[derive(Clone, Debug)]
pub struct Source {
    /// Id of its entry.
    pub name: String,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Path of its feed, or an absolute address.
    pub feed: String,
    /// Collector that reads it.
    pub collector: String,
    /// Further lines of its entry, as TOML.
    pub more: String,
}

impl Source {
    /// A source on a server.
    #[must_use]
    pub fn new(name: &str, url: &str, feed: &str) -> Self {
        let collector = "feed".to_owned();
        Self { name: name.to_owned(), url: url.to_owned(), feed: feed.to_owned(), collector, more: String::new() }
    }

    /// The same source, read by another collector.
    #[must_use]
    pub fn read_by(self, collector: &str) -> Self {
        Self { collector: collector.to_owned(), ..self }
    }

    /// The same source, its entry with further lines of TOML.
    #[must_use]
    pub fn with_lines(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }
}

/// A unit. Dropping it stops everything, and fails the test if a segment still waits in the agent's outbox.
pub struct World {
    folder: TempDir,
    listen: SocketAddr,
    server: Option<Running>,
    may_wait: bool,
    /// By how much the clocks of programs begun from now on are ahead, in seconds.
    shift: Option<i64>,
    /// Whether the registry is served over TLS.
    tls: bool,
    /// Which certificates agents trust; the system's where absent.
    trusted: Option<PathBuf>,
}

impl World {
    /// A unit with the newsrooms of an exhibit, its registry running.
    #[must_use]
    pub fn of(exhibit: &Exhibit) -> Self {
        Self::with(&newsrooms(exhibit))
    }

    /// A unit with these sources, its registry running.
    #[must_use]
    pub fn with(sources: &[Source]) -> Self {
        let mut world = Self::prepared(sources, "every 10s");
        world.start();
        world
    }

    /// A unit with these sources, nothing running.
    #[must_use]
    pub fn prepared(sources: &[Source], schedule: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listen = free_address();
        let list: Vec<Value> = sources
            .iter()
            .map(|source| {
                let Source { name, url, feed, collector, more } = source;
                json!({ "name": name, "url": url, "feed": feed, "about": "a test", "collector": collector, "more": more })
            })
            .collect();
        let file = folder.path().join("newsrooms.json");
        fs::write(&file, json!({ "newsrooms": list }).to_string()).expect("a file");
        let world = Self { folder, listen, server: None, may_wait: false, shift: None, tls: false, trusted: None };
        let mut made = command(&program("vigie"));
        made.arg("trial").arg(world.unit()).arg("--newsrooms").arg(file).args([
            "--listen",
            &listen.to_string(),
            "--schedule",
            schedule,
        ]);
        Output::of(made).ok();
        world
    }

    /// The unit's folder.
    #[must_use]
    pub fn unit(&self) -> PathBuf {
        self.folder.path().join("unit")
    }

    /// A folder for the test's own files, gone with the world.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.unit().join("data")
    }

    /// The second place.
    #[must_use]
    pub fn second(&self) -> PathBuf {
        self.unit().join("second")
    }

    /// The trust root as it was made.
    #[must_use]
    pub fn trust(&self) -> PathBuf {
        self.unit().join("trust.toml")
    }

    /// A private key of the unit: `alice` asks, `bob` approves, `log` is the log's.
    #[must_use]
    pub fn key(&self, name: &str) -> PathBuf {
        self.unit().join("keys").join(format!("{name}.key"))
    }

    /// Where the registry listens.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Whether clocks can be moved here: libfaketime is installed.
    #[must_use]
    pub fn can_shift() -> bool {
        preload().is_some()
    }

    /// Moves the clock of every program begun from now on by so many seconds.
    pub const fn shift(&mut self, secs: i64) {
        self.shift = Some(secs);
    }

    /// What the moved clock says.
    ///
    /// # Panics
    ///
    /// Beyond the calendar.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.shift.unwrap_or_default());
        Timestamp::now().checked_add(ahead).expect("within the calendar")
    }

    /// Lets the registry be served over TLS from its next start on, and agents push to it so.
    ///
    /// # Panics
    ///
    /// Where settings cannot be written.
    pub fn over_tls(&mut self, certificate: &Path, key: &Path) {
        self.tls = true;
        let settings = self.unit().join("vigie.toml");
        let text = fs::read_to_string(&settings).expect("settings");
        let (certificate, key) = (certificate.display(), key.display());
        fs::write(&settings, format!("{text}\n[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"))
            .expect("settings");
        for agent in self.agents() {
            let settings = agent.folder.join("agent.toml");
            let text = fs::read_to_string(&settings).expect("settings");
            let plain = format!("http://{}", self.listen);
            assert!(text.contains(&plain), "{text}");
            fs::write(&settings, text.replace(&plain, &format!("https://{}", self.listen))).expect("settings");
        }
    }

    /// Lets agents begun from now on trust the certificates of a file, in place of the system's, as an operator does.
    pub fn trust_certificates(&mut self, file: &Path) {
        self.trusted = Some(file.to_owned());
    }

    /// Lets the world end with segments waiting: the test says why.
    pub const fn let_wait(&mut self) {
        self.may_wait = true;
    }

    /// Runs `vigie` on this unit to its end.
    #[must_use]
    pub fn vigie(&self, arguments: &[&str]) -> Output {
        self.vigie_crashing(arguments, None)
    }

    /// The same, with a crash point.
    pub fn vigie_crashing(&self, arguments: &[&str], point: Option<&str>) -> Output {
        let mut vigie = command(&program("vigie"));
        vigie.arg("--unit").arg(self.unit()).args(arguments);
        shifted(&mut vigie, self.shift);
        Output::of(crashing(vigie, point))
    }

    /// Runs `vigie-verify` with the trust root as it was made.
    #[must_use]
    pub fn verify(&self, what: &Path) -> Output {
        let mut verify = command(&program("vigie-verify"));
        verify.arg(what).arg("--root").arg(self.trust());
        Output::of(verify)
    }

    /// Starts the registry and waits until it answers.
    ///
    /// # Panics
    ///
    /// Where it ends instead, with the end of its log.
    pub fn start(&mut self) {
        assert!(self.start_crashing(None), "the registry did not start:\n{}", self.log());
    }

    /// Starts the registry with a crash point; false where it ended before it answered.
    pub fn start_crashing(&mut self, point: Option<&str>) -> bool {
        self.kill();
        let mut running = Running::start(crashing(self.serve(), point));
        let (listen, tls) = (self.listen, self.tls);
        let answered = until("the registry's first answer", || {
            if running.ended().is_some() {
                return Some(false);
            }
            if tls {
                return TcpStream::connect(listen).is_ok().then_some(true);
            }
            http::get(listen, "/healthz").is_ok_and(|got| got.status == 200).then_some(true)
        });
        self.server = answered.then_some(running);
        answered
    }

    fn serve(&self) -> Command {
        let mut serve = command(&program("vigie"));
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a file");
        serve.arg("--unit").arg(self.unit()).arg("serve").stdout(log.try_clone().expect("a file")).stderr(log);
        shifted(&mut serve, self.shift);
        serve
    }

    /// Starts the registry as a service; its manager says when it is ready.
    pub fn start_managed(&mut self, manager: &Manager, watchdog_usec: u64) {
        self.kill();
        let mut serve = self.serve();
        manager.manages(&mut serve, watchdog_usec);
        self.server = Some(Running::start(serve));
    }

    /// Starts registry and agent in one, `vigie up`, as a service.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[must_use]
    pub fn up_managed(&self, manager: &Manager, watchdog_usec: u64) -> Running {
        let mut up = command(&program("vigie"));
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a file");
        up.arg("--unit").arg(self.unit()).arg("up").stdout(log.try_clone().expect("a file")).stderr(log);
        manager.manages(&mut up, watchdog_usec);
        Running::start(up)
    }

    /// What the registry wrote to its log so far, its newest 4 000 characters.
    #[must_use]
    pub fn log(&self) -> String {
        let text = fs::read_to_string(self.log_file()).unwrap_or_default();
        let from = text.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
        text.get(from..).unwrap_or_default().to_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("registry.log")
    }

    /// Ends the registry as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.server.take() {
            running.kill();
        }
    }

    /// Ends the registry politely.
    ///
    /// # Panics
    ///
    /// Where it does not end well.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.server.take() {
            let status = running.stop();
            assert!(status.success(), "the registry ended with {status}:\n{}", self.log());
        }
    }

    /// True while the registry runs; false once it ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(|running| running.ended().is_none())
    }

    /// Waits until the running registry's index has followed its log; returns the log's size.
    ///
    /// # Panics
    ///
    /// Where it does not.
    #[must_use]
    pub fn settled(&self) -> u64 {
        let note = http::get(self.listen, "/v1/checkpoint").expect("the registry answers").text();
        let size: u64 =
            note.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("no checkpoint: {note}"));
        let got =
            http::get(self.listen, &format!("/v1/search?q=&limit=1&min_size={size}")).expect("the registry answers");
        assert_eq!(got.status, 200, "{}\n{}", got.text(), self.log());
        size
    }

    /// All hits of a query, by `vigie search`.
    ///
    /// # Panics
    ///
    /// Where it is refused.
    #[must_use]
    pub fn search(&self, query: &str) -> Vec<Value> {
        let mut hits = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut arguments = vec!["search", "--json", "--limit", "200"];
            if let Some(cursor) = &cursor {
                arguments.extend(["--cursor", cursor]);
            }
            arguments.extend(["--", query]);
            let answer = self.vigie(&arguments).ok().json();
            hits.extend(answer["hits"].as_array().cloned().unwrap_or_default());
            match answer["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => {
                    assert_eq!(
                        answer["total"].as_u64(),
                        Some(hits.len() as u64),
                        "`{query}` counts other than it lists"
                    );
                    return hits;
                }
            }
        }
    }

    /// One record with its history, by `vigie show`.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    pub fn show(&self, id: &str) -> Value {
        self.vigie(&["show", "--json", id]).ok().json()
    }

    /// Denials of one entry, newest first, by `vigie denials`.
    #[must_use]
    pub fn denials(&self, entry: &str) -> Vec<Value> {
        self.vigie(&["denials", "--json", "--limit", "1000", "--entry", entry])
            .ok()
            .json()
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The newest coverage of every entry, by `vigie coverage`: entry, state, reason.
    #[must_use]
    pub fn coverage(&self) -> Vec<(String, String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let found = self.vigie(&["coverage", "--json"]).ok().json();
        let lines = found.as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .map(|line| (word(&line["entry"]["id"]), word(&line["last"]["state"]), word(&line["last"]["why"])))
            .collect()
    }

    /// States of all runs of one entry, oldest first, by `vigie coverage ENTRY`; due runs that nobody was heard about left out.
    #[must_use]
    pub fn states(&self, entry: &str) -> Vec<String> {
        let found = self.vigie(&["coverage", "--json", entry]).ok().json();
        let lines = found.as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .filter_map(|line| Some(line["state"].as_str()?.to_owned()))
            .filter(|state| state != "not_heard_yet")
            .collect()
    }

    /// The unit's agent.
    #[must_use]
    pub fn agent(&self) -> Agent {
        self.agent_of("feed")
    }

    /// The unit's agent for a collector.
    #[must_use]
    pub fn agent_of(&self, collector: &str) -> Agent {
        Agent {
            shift: self.shift,
            trusted: self.trusted.clone(),
            ..Agent::at(self.unit().join("agents").join(collector), collector)
        }
    }

    /// All agents of the unit.
    #[must_use]
    pub fn agents(&self) -> Vec<Agent> {
        let folders = fs::read_dir(self.unit().join("agents")).into_iter().flatten().flatten();
        folders.filter_map(|folder| Some(self.agent_of(folder.file_name().to_str()?))).collect()
    }

    /// Manifests that the registry's tables hold as kept, with agent and number, in the order of their leaves.
    #[must_use]
    pub fn kept(&self) -> Vec<(String, String, u64)> {
        let db = reader(&self.data().join("index.sqlite"));
        let mut statement =
            db.prepare("SELECT manifest, agent, seq FROM segments ORDER BY idx").expect("the table is there");
        let found = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs())))
            .expect("rows");
        found.collect::<Result<_, _>>().expect("rows can be read")
    }

    /// Holds registry and agent against each other once everything is pushed: each receipt's segment is kept, once, as a file too; nothing
    /// else is; and `vigie-verify` finds the folder valid.
    ///
    /// # Panics
    ///
    /// Where that is not so.
    pub fn holds(&self, when: &str) {
        let _ = self.settled();
        let agents = self.agents();
        assert!(agents.iter().all(|agent| agent.waiting() == 0), "{when}: segments wait\n{}", self.log());
        let mut kept: Vec<String> = self.kept().into_iter().map(|(manifest, ..)| manifest).collect();
        let mut receipts: Vec<String> = agents.iter().flat_map(Agent::receipts).collect();
        kept.sort();
        receipts.sort();
        assert_eq!(kept, receipts, "{when}: what is kept is not what has a receipt");
        let files: Vec<String> = crate::segments(&self.data())
            .iter()
            .filter_map(|file| Some(file.file_name()?.to_str()?.strip_suffix(".warc.gz")?.to_owned()))
            .collect();
        let mut files = files;
        files.sort();
        assert_eq!(files, receipts, "{when}: the files are not what has a receipt");
        self.verify(&self.data()).exits(7);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut running) = self.server.take() {
            running.kill();
        }
        if !self.may_wait && !std::thread::panicking() {
            assert!(self.agents().iter().all(|agent| agent.waiting() == 0), "segments still wait in an outbox");
        }
    }
}

/// An agent's folder: settings, key, state.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Where `agent.toml` lies.
    pub folder: PathBuf,
    /// Its program: `vigie-feed`.
    pub program: String,
    shift: Option<i64>,
    trusted: Option<PathBuf>,
}

impl Agent {
    /// An agent for a collector in a folder.
    #[must_use]
    pub fn at(folder: PathBuf, collector: &str) -> Self {
        Self { folder, program: format!("vigie-{collector}"), shift: None, trusted: None }
    }

    fn command(&self, what: &str, arguments: &[&str]) -> Command {
        let mut agent = command(&program(&self.program));
        agent.arg(what).args(arguments).arg("--config").arg(self.folder.join("agent.toml"));
        if let Some(trusted) = &self.trusted {
            agent.env("SSL_CERT_FILE", trusted);
        }
        shifted(&mut agent, self.shift);
        agent
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

/// What the loader has to load so that a program's clock can be moved, as `faketime` says it; nothing where that is not installed.
fn preload() -> Option<&'static str> {
    static FOUND: LazyLock<Option<String>> = LazyLock::new(|| {
        let said = Command::new("faketime").args(["-f", "+0", "env"]).output().ok()?;
        let said = String::from_utf8(said.stdout).ok()?;
        said.lines().find_map(|line| line.strip_prefix("LD_PRELOAD=")).map(str::to_owned)
    });
    FOUND.as_deref()
}

/// Without `faketime` in between, so that the program itself is started and ended.
fn shifted(command: &mut Command, shift: Option<i64>) {
    if let (Some(secs), Some(preload)) = (shift, preload()) {
        command
            .env("LD_PRELOAD", preload)
            .env("FAKETIME", format!("{secs:+}"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

fn crashing(mut command: Command, point: Option<&str>) -> Command {
    if let Some(point) = point {
        command.env("VIGIE_CRASH_AT", point);
    }
    command
}

/// The newsrooms of an exhibit that may be collected: all but `elsewhere`.
fn newsrooms(exhibit: &Exhibit) -> Vec<Source> {
    exhibit
        .listing()
        .newsrooms
        .iter()
        .filter(|place| place.name != "elsewhere")
        .map(|place| Source::new(&place.name, &place.url, &place.feed))
        .collect()
}

fn reader(file: &Path) -> Connection {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .expect("a database");
    db.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 20000").expect("a database");
    db
}

/// A free address on loopback, below the ports that the system gives to clients: it can be taken again after a restart.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let begin = u16::try_from(std::process::id() * 37 % 12_000).unwrap_or_default();
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + (begin + step) % 12_000));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
