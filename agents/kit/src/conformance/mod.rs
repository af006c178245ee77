//! Does a collector keep the contract? An author brings fixtures, the suite does the rest.
//!
//! A fixture case is a folder: `case.json` (target, cursor, work, `now`, the exchanges of one walk in order, each with step, status, headers
//! and the name of its body file) and `expected.txt` (what reading them says; written anew where `VIGIE_BLESS=1` is set). Beside the cases
//! may lie `steps/*.json` and `cursors/*.json`: what earlier releases stored, and every later one must read.
//!
//! In a test of the collector's crate:
//!
//! ```no_run
//! # fn collector() -> &'static dyn kit::contract::Erased { unimplemented!() }
//! kit::conformance::assert_conforms(collector(), "tests/fixtures");
//! ```

mod case;
mod child;
mod laws;
mod mutate;
mod report;
mod walk;

pub use report::{Report, Row};
pub use walk::{Crash, CrashKind, Outcome, Walk};

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use case::Case;
use mutate::Kind;
use serde_json::Value;

use crate::{
    contract::{Erased, Halt},
    derive::{NOTHING_SAID, READER},
};

/// Most commits of one case that are crashed at.
const MAX_CRASH_POINTS: u64 = 60;

/// What an author accounts for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// Damaged answers that may bring fewer items without a word: an end token that is legally `null`, and the like. Say why beside it.
    pub silent_losses: u64,
    /// Damaged answers with an error status that may be read all the same: sources that put meaning into a 404.
    pub statuses: u64,
}

/// Runs the suite over every case in a folder, allowing nothing.
#[must_use]
pub fn check(collector: &dyn Erased, fixtures: impl AsRef<Path>) -> Report {
    check_allowing(collector, fixtures, Allowed::default())
}

/// Runs the suite over every case in a folder.
#[must_use]
pub fn check_allowing(collector: &dyn Erased, fixtures: impl AsRef<Path>, allowed: Allowed) -> Report {
    let mut report = Report { collector: collector.name().to_owned(), rows: Vec::new() };
    let mut read = Row::new("fixtures are there");
    let cases = cases(collector, fixtures.as_ref(), &mut read);
    match child::is_child(collector, &cases) {
        Ok(false) => {}
        Ok(true) => return report,
        Err(error) => read.try_one(Err(error)),
    }
    report.rows.push(read);
    report.rows.push(replay(collector, fixtures.as_ref(), &cases));
    report.rows.push(set_aside(collector, &cases));
    let mut elsewhere = Row::new("reads the same in other processes");
    child::compare(collector, &cases).into_iter().for_each(|result| elsewhere.try_one(result));
    report.rows.push(elsewhere);
    report.rows.push(saved(collector, fixtures.as_ref()));
    report.rows.extend(damage(collector, &cases, allowed));
    report.rows.extend(walks(collector, &cases));
    let mut merge = Row::new("merge keeps its laws");
    laws::check(collector, cursors(collector, &cases), &mut merge);
    report.rows.push(merge);
    report
}

/// Runs the suite, prints the table, and fails the test where a check failed.
///
/// # Panics
///
/// Where a check failed; the message is the table.
pub fn assert_conforms(collector: &dyn Erased, fixtures: impl AsRef<Path>) {
    assert_conforms_allowing(collector, fixtures, Allowed::default());
}

/// [`assert_conforms`] with what the author accounts for.
///
/// # Panics
///
/// Where a check failed; the message is the table.
pub fn assert_conforms_allowing(collector: &dyn Erased, fixtures: impl AsRef<Path>, allowed: Allowed) {
    let report = check_allowing(collector, fixtures, allowed);
    assert!(report.passed(), "{report}");
    println!("{report}");
}

/// Runs the toy engine over the case in a folder: to the end, dying once if told so, `runs` times in all. For comparing a real engine with.
///
/// # Errors
///
/// The case cannot be read, or the collector breaks the contract.
pub fn walk(
    collector: &dyn Erased,
    folder: impl AsRef<Path>,
    crash: Option<Crash>,
    runs: u32,
) -> Result<Outcome, String> {
    let case = Case::read(folder.as_ref(), collector)?;
    Walk::new(collector, &case).run(crash, runs)
}

fn folders(fixtures: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(fixtures)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("case.json").is_file())
        .collect();
    folders.sort();
    folders
}

fn cases(collector: &dyn Erased, fixtures: &Path, row: &mut Row) -> Vec<Case> {
    let mut cases = Vec::new();
    for folder in folders(fixtures) {
        match Case::read(&folder, collector) {
            Ok(case) => {
                row.try_one(Ok(()));
                cases.push(case);
            }
            Err(why) => row.try_one(Err(why)),
        }
    }
    if cases.is_empty() {
        row.try_one(Err(format!("{} holds no case", fixtures.display())));
    }
    cases
}

fn replay(collector: &dyn Erased, fixtures: &Path, cases: &[Case]) -> Row {
    let mut row = Row::new("replay gives the expected text");
    let bless = env::var_os("VIGIE_BLESS").is_some_and(|value| value == "1");
    for case in cases {
        let text = case.render(collector);
        let again = case.render(collector);
        row.try_one(if text == again {
            Ok(())
        } else {
            Err(format!("{}: reads differently the second time", case.name))
        });
        if bless {
            let path = fixtures.join(&case.name).join("expected.txt");
            row.try_one(fs::write(path, &text).map_err(|error| error.to_string()));
            continue;
        }
        row.try_one(match &case.expected {
            None => Err(format!(
                "{}: `expected.txt` is not there; run once with VIGIE_BLESS=1 and read what it wrote",
                case.name
            )),
            Some(expected) => difference(expected, &text).map_or(Ok(()), |why| Err(format!("{}: {why}", case.name))),
        });
    }
    row
}

/// A reading that the kit sets aside for what its reader said: blessed unread, it would pass for an answer that cannot be read.
fn set_aside(collector: &dyn Erased, cases: &[Case]) -> Row {
    let mut row = Row::new("no case is set aside for its reader");
    for case in cases {
        for (index, exchange) in case.exchanges.iter().enumerate() {
            let halt = exchange.lines(collector).ok().and_then(|(_, derived)| derived.halt);
            row.try_one(match halt {
                Some(Halt::Unreadable { at, why }) if at == READER && why != NOTHING_SAID => {
                    Err(format!("{} #{index}: {why}", case.name))
                }
                _ => Ok(()),
            });
        }
    }
    row
}

fn difference(expected: &str, text: &str) -> Option<String> {
    if expected == text {
        return None;
    }
    let (mut wanted, mut found) = (expected.lines(), text.lines());
    (1..).find_map(|line| match (wanted.next(), found.next()) {
        (Some(wanted), Some(found)) if wanted == found => None,
        (None, None) => Some("differs in line ends only".to_owned()),
        (wanted, found) => Some(format!(
            "line {line}: expected `{}`, read `{}`",
            wanted.unwrap_or("the end"),
            found.unwrap_or("the end")
        )),
    })
}

/// Steps and cursors of earlier releases.
fn saved(collector: &dyn Erased, fixtures: &Path) -> Row {
    let mut row = Row::new("saved steps and cursors are read");
    for (folder, is_step) in [("steps", true), ("cursors", false)] {
        let mut files: Vec<PathBuf> = fs::read_dir(fixtures.join(folder))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        files.sort();
        for path in files {
            let value = fs::read(&path).map_err(|error| error.to_string());
            let value =
                value.and_then(|text| serde_json::from_slice::<Value>(&text).map_err(|error| error.to_string()));
            let again = value.and_then(|value| {
                let again = if is_step { collector.reread_step(&value) } else { collector.reread_cursor(&value) };
                again.map_err(|error| error.to_string())
            });
            row.try_one(again.map(|_| ()).map_err(|why| format!("{}: {why}", path.display())));
        }
    }
    row
}

/// Every answer of every case, damaged in every way.
fn damage(collector: &dyn Erased, cases: &[Case], allowed: Allowed) -> [Row; 5] {
    let mut panics = Row::new("no panic on a damaged answer");
    let mut silent = Row { allowed: allowed.silent_losses, ..Row::new("no silent loss") };
    let mut statuses = Row { allowed: allowed.statuses, ..Row::new("error statuses are not answers") };
    let mut pages = Row::new("a page is not an answer");
    let mut again = Row::new("damaged answers read the same again");
    for case in cases {
        for (number, exchange) in case.exchanges.iter().enumerate() {
            let Ok((_, original)) = exchange.lines(collector) else {
                continue;
            };
            for mutation in mutate::mutations(exchange) {
                let at = || format!("{} #{number}: {}", case.name, mutation.label);
                let (lines, derived) = match mutation.exchange.lines(collector) {
                    Ok(read) => read,
                    Err(error) => {
                        panics.try_one(Err(format!("{}: {error}", at())));
                        continue;
                    }
                };
                panics.try_one(if derived.panicked { Err(format!("{}: {:?}", at(), derived.halt)) } else { Ok(()) });
                let same = mutation.exchange.lines(collector).is_ok_and(|(second, _)| second == lines);
                again.try_one(if same { Ok(()) } else { Err(at()) });
                let [records, gone, _] = derived.end.counts;
                match mutation.kind {
                    Kind::Status => statuses.try_one(if derived.halt.is_none() && records > 0 {
                        Err(format!("{}: {records} records read all the same", at()))
                    } else {
                        Ok(())
                    }),
                    Kind::Page => {
                        pages.try_one(if derived.halt.is_none() && (records + gone > 0 || original.end.counts[0] > 0) {
                            Err(format!("{}: no halt", at()))
                        } else {
                            Ok(())
                        })
                    }
                    Kind::Cut | Kind::Value => {
                        silent.try_one(if mutate::lost_silently(&original, &derived) { Err(at()) } else { Ok(()) });
                    }
                }
            }
        }
    }
    [panics, again, silent, statuses, pages]
}

/// Every case as a walk: killed at every commit, told the same page twice, in another order, in a circle.
fn walks(collector: &dyn Erased, cases: &[Case]) -> [Row; 4] {
    let mut whole = Row::new("every exchange is asked for");
    let mut crashes = Row::new("nothing is lost by a crash");
    let mut twice = Row::new("a second run changes nothing");
    let mut odd = Row::new("odd sources come to an end");
    for case in cases.iter().filter(|case| !case.standalone) {
        let plain = match Walk::new(collector, case).run(None, 1) {
            Ok(plain) => plain,
            Err(why) => {
                whole.try_one(Err(format!("{}: {why}", case.name)));
                continue;
            }
        };
        whole.try_one(if plain.unasked.is_empty() && !plain.endless {
            Ok(())
        } else {
            Err(format!("{}: not asked for: {:?}; endless: {}", case.name, plain.unasked, plain.endless))
        });
        plain
            .unanswered
            .iter()
            .for_each(|url| whole.note(format!("{}: {url} is asked for and not in the case", case.name)));
        for commit in 1..=plain.commits.min(MAX_CRASH_POINTS) {
            for how in CrashKind::ALL {
                let crashed = Walk::new(collector, case).run(Some(Crash { commit, how }), 1);
                crashes.try_one(
                    compare(collector, &plain, crashed)
                        .map_err(|why| format!("{}: {how:?} at commit {commit}: {why}", case.name)),
                );
            }
        }
        twice.try_one(
            compare(collector, &plain, Walk::new(collector, case).run(None, 2))
                .map_err(|why| format!("{}: {why}", case.name)),
        );
        for (name, exchanges) in oddities(case) {
            match Walk::over(collector, case, exchanges).run(None, 1) {
                Ok(outcome) if outcome.endless && name == "every page is the first" => {
                    odd.note(format!("{}: {name}: goes on until its budget ends it", case.name));
                    odd.try_one(Ok(()));
                }
                Ok(outcome) if outcome.endless => odd.try_one(Err(format!("{}: {name}: does not end", case.name))),
                Ok(_) => odd.try_one(Ok(())),
                Err(why) => odd.try_one(Err(format!("{}: {name}: {why}", case.name))),
            }
        }
    }
    [whole, crashes, twice, odd]
}

fn compare(collector: &dyn Erased, plain: &Outcome, other: Result<Outcome, String>) -> Result<(), String> {
    let other = other?;
    if other.endless {
        return Err("does not end".to_owned());
    }
    if let Some(lost) = plain.items.keys().find(|id| !other.items.contains_key(*id)) {
        return Err(format!("`{lost}` is lost"));
    }
    if plain.items != other.items {
        return Err(format!("{} items instead of {}, or others", other.items.len(), plain.items.len()));
    }
    // Further on is fine (a stream that was asked once more), back is not.
    let merge = |old: &Value, new: &Value| collector.merge(old, new).ok();
    let ahead = merge(&plain.cursor, &other.cursor).as_ref() == Some(&other.cursor)
        && merge(&other.cursor, &plain.cursor).as_ref() == Some(&other.cursor);
    if plain.cursor != other.cursor && !ahead {
        return Err(format!("cursor {} instead of {}", other.cursor, plain.cursor));
    }
    Ok(())
}

/// Sources that answer with the wrong page.
fn oddities(case: &Case) -> Vec<(String, Vec<case::Exchange>)> {
    let mut all = Vec::new();
    let answered_by = |to: usize, from: usize| {
        let mut exchanges = case.exchanges.clone();
        if let (Some(into), Some(other)) = (exchanges.get_mut(to), case.exchanges.get(from)) {
            into.bytes.clone_from(&other.bytes);
            into.facts.headers.clone_from(&other.facts.headers);
            into.facts.status = other.facts.status;
        }
        exchanges
    };
    let count = case.exchanges.len();
    for to in 1..count {
        all.push((format!("answer {to} repeats the one before"), answered_by(to, to - 1)));
    }
    if count > 1 {
        all.push(("the last page leads back to the first".to_owned(), answered_by(count - 1, 0)));
        let mut reversed = case.exchanges.clone();
        for (into, other) in reversed.iter_mut().zip(case.exchanges.iter().rev()) {
            into.bytes.clone_from(&other.bytes);
            into.facts.headers.clone_from(&other.facts.headers);
            into.facts.status = other.facts.status;
        }
        all.push(("pages in reverse order".to_owned(), reversed));
    }
    let mut circle = case.exchanges.clone();
    if let Some(first) = case.exchanges.first() {
        circle.iter_mut().for_each(|exchange| exchange.bytes.clone_from(&first.bytes));
    }
    all.push(("every page is the first".to_owned(), circle));
    all
}

/// Every cursor the cases show: before, proposed, and the one before the first walk.
fn cursors(collector: &dyn Erased, cases: &[Case]) -> Vec<Value> {
    let mut all: Vec<Value> = collector.first_cursor().into_iter().collect();
    for case in cases {
        all.push(case.cursor.clone());
        for exchange in &case.exchanges {
            if let Ok((_, derived)) = exchange.lines(collector) {
                all.extend(derived.end.cursor);
                all.extend(derived.end.milestone);
            }
        }
    }
    all
}
