//! A trial unit in a folder of its own: its registry as a process, started, killed and asked as people do.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU16, Ordering},
};

use exhibit::Exhibit;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    agent::{Agent, reader},
    http,
    manager::Manager,
    process::{Output, Running, can_shift, command, crashing, program, shifted},
    source::Source,
    until,
};

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
        Self::with(&Source::newsrooms(exhibit))
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
        can_shift()
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
