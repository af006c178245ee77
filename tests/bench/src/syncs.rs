//! The floor of an acknowledgement: the writes and syncs that one accepted segment takes, and nothing else.
//!
//! `bench-syncs FOLDER FILE…` keeps each file in the order of `registry/src/core/log`: the segment (write, sync, rename, sync of the folder),
//! a row in SQLite (WAL, FULL), entry bundle and hash tile in two places side by side, `highest`, `checkpoint` beside a second row. Prints one JSON line.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow};
use rusqlite::Connection;
use serde_json::json;

/// Each step for all files before the next.
fn keep(files: &[(PathBuf, &[u8])]) -> Result<()> {
    for (path, bytes) in files {
        let folder = path.parent().context("a folder")?;
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            File::open(folder.parent().context("a folder")?)?.sync_all()?;
        }
        File::create(path.with_extension("tmp"))?.write_all(bytes)?;
    }
    for (path, _) in files {
        File::open(path.with_extension("tmp"))?.sync_all()?;
    }
    for (path, _) in files {
        fs::rename(path.with_extension("tmp"), path)?;
    }
    for (path, _) in files {
        File::open(path.parent().context("a folder")?)?.sync_all()?;
    }
    Ok(())
}

fn both(one: impl FnOnce() -> Result<()>, other: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    thread::scope(|scope| {
        let beside = scope.spawn(other);
        let done = one();
        beside.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked"))).and(done)
    })
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().context("usage: bench-syncs FOLDER FILE…")?;
    let segments = arguments.map(fs::read).collect::<Result<Vec<_>, _>>()?;
    fs::create_dir_all(&folder)?;
    let db = Connection::open(folder.join("rows.sqlite"))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE leaves (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
         CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, root TEXT NOT NULL) STRICT;",
    )?;
    // Sizes as a log has them: a leaf of a manifest, a hash, a signed note.
    let (leaf, hash, note) = ([7_u8; 420], [7_u8; 32], [7_u8; 260]);
    let mut took = Vec::new();
    for (segment, size) in segments.iter().zip(1_usize..) {
        let begun = Instant::now();
        keep(&[(folder.join(format!("data/segments/{:02x}/{size}.warc.gz", size % 256)), segment)])?;
        db.execute("INSERT INTO leaves VALUES (?, ?)", (size as i64, leaf))?;
        let (index, width) = ((size - 1) / 256, (size - 1) % 256 + 1);
        let (leaves, hashes) = (leaf.repeat(width), hash.repeat(width));
        let tiles_in = |place: &str| {
            let at = |kind| folder.join(format!("{place}/tile/{kind}/{index}.p/{width}"));
            keep(&[(at("entries"), &leaves), (at("0"), &hashes)])
        };
        both(|| tiles_in("data/log"), || tiles_in("second/log"))?;
        keep(&[(folder.join("second/highest"), &note)])?;
        let checkpoint = folder.join("data/log/checkpoint");
        both(
            || Ok(db.execute("INSERT INTO checkpoints VALUES (?, ?)", (size as i64, "root")).map(drop)?),
            || keep(&[(checkpoint, &note)]),
        )?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    let at = |part: usize| took.get(took.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
    println!("{}", json!({ "acks": took.len(), "p50_ms": at(50), "p99_ms": at(99), "max_ms": at(100) }));
    Ok(())
}
