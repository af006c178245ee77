//! How is a program run, ended, and heard?

use std::{
    fs::File,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

/// A program that runs longer than this hangs.
const LONGEST: Duration = Duration::from_secs(600);

/// One of our programs, beside the running test's folder.
///
/// # Panics
///
/// Where it was not built; the message says how to build it.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a test knows where it lies");
    let folder = here.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let file = folder.join(name);
    assert!(
        file.exists(),
        "`{name}` is not in {}: `cargo build --workspace --bins` makes it (`cargo test --workspace` does, too)",
        folder.display()
    );
    file
}

/// A command whose surroundings no setting of the tester's reaches.
pub(crate) fn command(file: &Path) -> Command {
    let mut command = Command::new(file);
    for name in [
        "VIGIE_CRASH_AT",
        "VIGIE_UNIT",
        "VIGIE_TOKEN",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
        "CREDENTIALS_DIRECTORY",
        "STATE_DIRECTORY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "http_proxy",
        "https_proxy",
    ] {
        command.env_remove(name);
    }
    command.env("VIGIE_LOG", std::env::var_os("VIGIE_LOG").unwrap_or_else(|| "info".into()));
    command.stdin(Stdio::null());
    command
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

/// Whether clocks can be moved here: libfaketime is installed.
pub(crate) fn can_shift() -> bool {
    preload().is_some()
}

/// Moves its clock by so many seconds; without `faketime` in between, so that the program itself is started and ended.
pub(crate) fn shifted(command: &mut Command, shift: Option<i64>) {
    if let (Some(secs), Some(preload)) = (shift, preload()) {
        command
            .env("LD_PRELOAD", preload)
            .env("FAKETIME", format!("{secs:+}"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

/// The same, ended at a crash point.
pub(crate) fn crashing(mut command: Command, point: Option<&str>) -> Command {
    if let Some(point) = point {
        command.env("VIGIE_CRASH_AT", point);
    }
    command
}

/// What a program said, and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line, for messages.
    pub line: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Most memory it was seen to hold, in KiB (`VmHWM`); 0 where it ended before it was looked at.
    pub peak_kib: u64,
    /// How long it ran.
    pub took: Duration,
}

impl Output {
    /// Runs a command to its end.
    pub(crate) fn of(mut command: Command) -> Self {
        let line = format!("{command:?}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [out, err] = ["out", "err"].map(|name| folder.path().join(name));
        command.stdout(File::create(&out).expect("a file")).stderr(File::create(&err).expect("a file"));
        let begun = Instant::now();
        let mut running = Running::start(command);
        let mut peak_kib = 0;
        let status = loop {
            peak_kib = running.peak_kib().max(peak_kib);
            if let Some(status) = running.ended() {
                break status;
            }
            assert!(begun.elapsed() < LONGEST, "{line} has not ended after {} s", LONGEST.as_secs());
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
        Self { line, status, out: text(&out), err: text(&err), peak_kib, took: begun.elapsed() }
    }

    /// The exit code; none where a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// True where it aborted, as a crash point makes it.
    #[must_use]
    pub fn aborted(&self) -> bool {
        self.status.signal() == Some(6)
    }

    /// Everything it said.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    /// This output, of a program that must have exited with `code`.
    ///
    /// # Panics
    ///
    /// Where it did not, with everything it said.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{}\n{}\n{:?}", self.line, self.said(), self.status);
        assert!(!self.err.contains("panicked at"), "{}\n{}", self.line, self.said());
        self
    }

    /// This output, of a program that must have succeeded.
    ///
    /// # Panics
    ///
    /// Where it did not.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    ///
    /// Where it is none.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{}: {why}\n{}", self.line, self.said()))
    }
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(why) => panic!("{command:?}: {why}"),
        }
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be waited for")
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        let _ = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).stderr(Stdio::null()).status();
        crate::until("the end of a program that was asked to stop", || self.ended())
    }

    /// Most memory it has held, in KiB; 0 once it has ended.
    #[must_use]
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
