//! One bit of a data folder is turned, anywhere: it is named, or the folder is refused, or no answer changes. Never a wrong answer unseen.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use exhibit::{Exhibit, Options};
use jiff::Timestamp;
use registry::{
    core::{Config, Registry, store::Store as _},
    desk::{self, RecordId},
    prove,
    search::{Options as SearchOptions, Query, Search, SqliteIndex},
};
use tests::{Dice, World, times};
use tlog::SigningKey;

/// What becomes of a turned bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// The folder is not opened; the message says why.
    RefusedOnOpen,
    /// `vigie doctor` names it.
    Named,
    /// The answer that it would change is refused instead.
    AnswerRefused,
    /// Every answer is as before.
    NoEffect,
    /// An answer is another one, and nothing says so.
    WrongAnswer,
}

struct Folder {
    root: tempfile::TempDir,
    key: SigningKey,
}

impl Folder {
    fn open(&self) -> Result<Registry, String> {
        let config = Config {
            min_free_bytes: 1,
            ..Config::new(
                self.root.path().join("data"),
                self.root.path().join("second"),
                self.key.clone(),
                Arc::new(SqliteIndex),
            )
        };
        Registry::open(config).map_err(|why| format!("{why}"))
    }
}

/// Files by name.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// Every file of both places below `root`.
fn files_of(root: &Path) -> Files {
    let mut kept = Vec::new();
    for place in ["data", "second"] {
        for file in tests::files(&root.join(place)) {
            kept.push((file.strip_prefix(root).unwrap().to_owned(), fs::read(&file).unwrap()));
        }
    }
    kept
}

/// A unit's data as it lies after some rounds: killed, the database's newest pages still in its journal.
fn collected() -> (Files, SigningKey) {
    let exhibit = Exhibit::start(Options::only(&["harbour", "mayak", "dengta", "closed"])).unwrap();
    let mut world = World::of(&exhibit);
    for _ in 0..3 {
        world.agent().once();
        exhibit.advance();
    }
    let _ = world.settled();
    world.kill();
    let key = SigningKey::parse(fs::read_to_string(world.key("log")).unwrap().trim_end()).unwrap();
    (files_of(&world.unit()), key)
}

fn laid_out(files: &[(PathBuf, Vec<u8>)], key: &SigningKey) -> Folder {
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    Folder { root, key: key.clone() }
}

const QUERIES: [&str; 14] = [
    "",
    "the",
    "source:harbour",
    "lang:ru",
    "lang:zh",
    "is:revised",
    "is:gone",
    "has:text",
    "harbour -the",
    "after:2026-09-30",
    "before:2026-10-01",
    "platform:web",
    "link:example.org",
    "\"of the\"",
];

/// Every answer there is: searches, each record's history, traces. An answer that is refused says so.
fn answers(registry: &Registry, ids: &[RecordId]) -> BTreeMap<String, Result<String, String>> {
    let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    let mut all = BTreeMap::new();
    for query in QUERIES {
        let parsed = Query::parse(query).unwrap();
        let options = SearchOptions { limit: 200, facets: true, is_trial: true, ..SearchOptions::at(now) };
        let answer = registry.store().read(|db| {
            Ok(Search::run(db, &parsed, &options).map_err(|why| why.to_string()).and_then(|answer| {
                let cards = desk::cards(db, &parsed, &answer.hits).map_err(|why| why.to_string())?;
                Ok(serde_json::to_string(&(answer, cards)).unwrap())
            }))
        });
        all.insert(format!("search {query}"), answer.map_err(|why| why.to_string()).and_then(|inner| inner));
    }
    for id in ids {
        let shown = registry.store().read(|db| desk::item(db, *id)).map_err(|why| why.to_string());
        all.insert(format!("show {id}"), shown.map(|item| serde_json::to_string(&item).unwrap()));
    }
    for id in ids.iter().step_by(9) {
        let traced = prove::trace(registry, *id).map_err(|why| format!("{why:#}"));
        all.insert(format!("trace {id}"), traced.map(|trace| serde_json::to_string(&trace).unwrap()));
    }
    all
}

/// What `vigie doctor` would say is wrong.
fn findings(registry: &Registry) -> Vec<String> {
    let mut found = registry.findings().unwrap_or_else(|why| vec![why.to_string()]);
    found.extend(registry.table_findings().unwrap_or_else(|why| vec![why.to_string()]));
    found.extend(registry.trouble());
    found.extend(
        registry
            .store()
            .alarms()
            .map_or_else(|why| vec![why.to_string()], |alarms| alarms.into_iter().map(|alarm| alarm.detail).collect()),
    );
    found
}

fn judged(folder: &Folder, ids: &[RecordId], right: &BTreeMap<String, Result<String, String>>) -> (Class, String) {
    let registry = match folder.open() {
        Ok(registry) => registry,
        Err(why) => return (Class::RefusedOnOpen, why),
    };
    // What the journal lost is followed again from the log.
    let size = registry.checkpoint().size;
    if !registry.wait_followed(size, Duration::from_secs(60)) {
        return (Class::Named, registry.trouble().unwrap_or_default());
    }
    let found = findings(&registry);
    if let Some(first) = found.first() {
        return (Class::Named, first.clone());
    }
    let given = answers(&registry, ids);
    let mut refused = None;
    for (asked, right) in right {
        match (&given[asked], right) {
            (Ok(given), Ok(right)) if given != right => return (Class::WrongAnswer, asked.clone()),
            (Err(why), Ok(_)) => refused = Some(format!("{asked}: {why}")),
            _ => {}
        }
    }
    refused.map_or((Class::NoEffect, String::new()), |why| (Class::AnswerRefused, why))
}

fn kind(name: &Path) -> &'static str {
    let text = name.to_string_lossy();
    let place = |part: &str| text.contains(part);
    match () {
        () if text.starts_with("second") => "second place",
        () if place(".sqlite") => "database",
        () if place("segments") => "segments",
        () if place("statements") => "statements",
        () if place("log/") => "log",
        () => "other",
    }
}

/// Turns bits of `files`, one at a time, and counts what becomes of them; names the wrong answers.
fn turned(state: &str, files: &Files, key: &SigningKey, count: usize, dice: &mut Dice) -> Vec<String> {
    let whole = laid_out(files, key);
    let registry = whole.open().unwrap();
    assert!(registry.wait_followed(registry.checkpoint().size, Duration::from_secs(60)));
    assert!(findings(&registry).is_empty(), "{:?}", findings(&registry));
    let ids: Vec<RecordId> = registry
        .store()
        .read(|db| {
            db.prepare("SELECT id FROM revisions ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()
        })
        .unwrap()
        .into_iter()
        .map(RecordId::of_row)
        .collect();
    let right = answers(&registry, &ids);
    assert!(right.values().all(Result::is_ok), "{right:?}");
    drop((registry, whole));

    // Uniform over the bytes of the data folder; the second place is a copy, and only the data folder answers.
    let of_data: Vec<&(PathBuf, Vec<u8>)> =
        files.iter().filter(|(name, bytes)| name.starts_with("data") && !bytes.is_empty()).collect();
    let total: u64 = of_data.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let mut classes: BTreeMap<(&str, Class), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for _ in 0..count {
        let mut place = dice.below(total);
        let mut at = of_data.iter();
        let (name, bytes) = loop {
            let (name, bytes) = at.next().unwrap();
            match place.checked_sub(bytes.len() as u64) {
                Some(rest) => place = rest,
                None => break (name, bytes),
            }
        };
        let bit = dice.below(8);
        let folder = laid_out(files, key);
        let mut turned = bytes.clone();
        turned[usize::try_from(place).unwrap()] ^= 1 << bit;
        fs::write(folder.root.path().join(name), turned).unwrap();
        let (class, why) = catch_unwind(AssertUnwindSafe(|| judged(&folder, &ids, &right)))
            .unwrap_or_else(|_| panic!("bit {bit} of byte {place} of {} makes it panic", name.display()));
        *classes.entry((kind(name), class)).or_default() += 1;
        if class == Class::WrongAnswer {
            wrong.push(format!("bit {bit} of byte {place} of {}: {why}", name.display()));
        }
    }
    println!("flips: registry {state}: {count} over {total} bytes of {} files", of_data.len());
    for ((kind, class), number) in &classes {
        println!("  {kind:<14} {class:?}: {number}");
    }
    wrong
}

#[test]
fn turned_bit_never_gives_a_wrong_answer_unseen() {
    let (killed, key) = collected();
    // Closing writes the journal into the database.
    let folder = laid_out(&killed, &key);
    let registry = folder.open().unwrap();
    assert!(registry.wait_followed(registry.checkpoint().size, Duration::from_secs(60)));
    drop(registry);
    let closed = files_of(folder.root.path());
    let mut dice = Dice::of("flips", 4);
    let count = times(60, 2_000) / 2;
    let mut wrong = turned("killed", &killed, &key, count, &mut dice);
    wrong.extend(turned("closed", &closed, &key, count, &mut dice));
    assert!(wrong.is_empty(), "{} wrong answers undetected:\n{}", wrong.len(), wrong.join("\n"));
}
