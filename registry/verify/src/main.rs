//! Does what a registry claims hold? `vigie-verify`, for a reviewer's own machine.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use schemas::{policy::check_trust_file, trust::TrustRoot};
use verify::{
    Bundle, CheckOptions, FolderOptions, Trace, Verdict, bundle::MAX_BUNDLE_BYTES, check_bundle, check_folder,
};

/// What could not be checked at all.
const NOT_CHECKED: u8 = 2;
/// Largest trust root or checkpoint read.
const MAX_SMALL: u64 = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  vigie-verify harbour-7.vigie-bundle --root trust.toml
      Checks one record and answers a reviewer's five questions about it.

  vigie-verify harbour-7.vigie-bundle --root trust.toml --json > trace.json
      The same as data.

  vigie-verify /media/copy/vigie-data --root trust.toml --against checkpoint-of-october
      Checks a copy of a whole data folder, and that its log grew out of the one remembered.

Exit codes:
  0  valid                everything was computed again and holds
  2  not checked          a file is missing or unreadable, or the command line is wrong
  3  incomplete           what is there holds, but something needed is absent; it is named
  4  diverged             the log contradicts a checkpoint: that of --against, or one an agent saw
  5  invalid              something does not hold; it is named
  6  lawfully erased      it holds, and part of what was asked for was destroyed by a signed act
  7  trial                as 0 or 6, but of a demonstration, which proves nothing about the world

Nothing is fetched and nothing is written. Trust rests on the root file alone: get it from
the people who answer for the registry, compare its digest (the last line of every answer) by
another way, and keep the checkpoints you see.";

/// Checks what a Vigie registry claims: a bundle about one record, or a copy of a whole data folder.
#[derive(Parser)]
#[command(name = "vigie-verify", version, after_help = EXAMPLES, max_term_width = 100)]
struct Args {
    /// A `.vigie-bundle`, or a copy of a data folder
    #[arg(value_name = "BUNDLE|FOLDER")]
    what: PathBuf,

    /// The trust root you were given by hand
    #[arg(long, value_name = "TRUST.TOML")]
    root: PathBuf,

    /// A checkpoint of the same log: remembered, or got from an agent or a witness
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Threads for a folder, each with up to a few hundred MiB; 0 is as many as there are cores, at most 4
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(NOT_CHECKED)
        }
    }
}

fn run(args: &Args) -> Result<u8, String> {
    let root = trust_root(&args.root)?;
    let against = args.against.as_deref().map(|path| text(path, "the checkpoint to hold it against")).transpose()?;
    let kind = std::fs::metadata(&args.what).map_err(|why| format!("{}: {why}", args.what.display()))?;
    if kind.is_dir() {
        let progress = Progress::new();
        let tell = |done, total| progress.tell(done, total);
        let progress_of: Option<&(dyn Fn(u64, u64) + Sync)> = io::stderr().is_terminal().then_some(&tell);
        let options = FolderOptions { against, threads: args.threads, progress: progress_of };
        let report = check_folder(&args.what, &root, &options);
        progress.clear();
        print(args.json, &report, || format!("{report}\n{}", trusted(&root)))?;
        return Ok(report.verdict.exit_code());
    }
    let bytes = read(&args.what, MAX_BUNDLE_BYTES as u64)?;
    let bundle = match Bundle::read(&bytes) {
        Ok(bundle) => bundle,
        Err(why) => {
            // A damaged bundle proves nothing: that is an answer, not a failure to look.
            let place = args.what.display().to_string();
            let verdict = Verdict::unreadable(root.trial, &place, &why.to_string());
            let answer = serde_json::json!({ "format": "vigie-trace", "v": 1, "verdict": verdict });
            print(args.json, &answer, || format!("{verdict}\n{}", trusted(&root)))?;
            return Ok(verdict.exit_code());
        }
    };
    let verdict = check_bundle(&bundle, &root, &CheckOptions { against });
    let trace = Trace::of(&bundle, &verdict);
    print(args.json, &trace, || format!("{trace}\n{}", trusted(&root)))?;
    Ok(verdict.exit_code())
}

fn trusted(root: &TrustRoot) -> String {
    let (origin, version) = (&root.origin, root.version);
    format!("Trusted: version {version} of the root of {origin}, digest\n         {}\n", root.digest())
}

fn print<T: serde::Serialize>(json: bool, thing: &T, words: impl FnOnce() -> String) -> Result<(), String> {
    let text = if json {
        serde_json::to_string_pretty(thing).map_err(|why| format!("the answer cannot be written as JSON: {why}"))?
            + "\n"
    } else {
        words()
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads may stop early.
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(format!("the answer cannot be written: {why}")),
        _ => Ok(()),
    }
}

fn trust_root(path: &Path) -> Result<TrustRoot, String> {
    let name = path.display().to_string();
    let text = text(path, "the trust root")?;
    check_trust_file(&text, &name).map_err(|problems| {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let all = all.join("\n");
        all.strip_prefix("error: ").map_or_else(|| all.clone(), str::to_owned)
    })
}

fn text(path: &Path, what: &str) -> Result<String, String> {
    String::from_utf8(read(path, MAX_SMALL)?).map_err(|_| format!("{}: {what} is not UTF-8", path.display()))
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let named = |why: io::Error| format!("{}: {why}", path.display());
    let mut bytes = Vec::new();
    File::open(path).map_err(named)?.take(limit + 1).read_to_end(&mut bytes).map_err(named)?;
    if bytes.len() as u64 > limit {
        return Err(format!("{}: it is larger than the {limit} bytes such a file may have", path.display()));
    }
    Ok(bytes)
}

/// One line on a terminal, some ten times a second.
struct Progress {
    last: Mutex<Option<Instant>>,
    most: AtomicU64,
}

impl Progress {
    const fn new() -> Self {
        Self { last: Mutex::new(None), most: AtomicU64::new(0) }
    }

    fn tell(&self, done: u64, total: u64) {
        let most = self.most.fetch_max(done, Ordering::Relaxed).max(done);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() > Duration::from_millis(100)) {
            *last = Some(Instant::now());
            eprint!("\r{most} of {total} segments ");
        }
    }

    fn clear(&self) {
        if self.most.load(Ordering::Relaxed) > 0 && io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}
