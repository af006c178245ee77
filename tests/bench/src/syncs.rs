//! The floor of an acknowledgement: the writes and syncs that one accepted segment takes, and nothing else.
//!
//! `bench-syncs FOLDER FILE…` keeps each file in the order of `registry/src/core/log`: the segment (write, sync, rename, sync of the folder),
//! a row in SQLite (WAL, FULL), entry bundle and hash tile in two places, `highest` and `checkpoint`, a second row. Prints one JSON line.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result};
use rusqlite::Connection;
use serde_json::json;

fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a folder")?;
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        File::open(folder.parent().context("a folder")?)?.sync_all()?;
    }
    let temporary = path.with_extension("tmp");
    File::create(&temporary)?.write_all(bytes)?;
    File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
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
        keep(&folder.join(format!("data/segments/{:02x}/{size}.warc.gz", size % 256)), segment)?;
        db.execute("INSERT INTO leaves VALUES (?, ?)", (size as i64, leaf))?;
        let (index, width) = ((size - 1) / 256, (size - 1) % 256 + 1);
        for (kind, bytes) in [("entries", leaf.repeat(width)), ("0", hash.repeat(width))] {
            for place in ["data/log", "second/log"] {
                keep(&folder.join(format!("{place}/tile/{kind}/{index}.p/{width}")), &bytes)?;
            }
        }
        keep(&folder.join("second/highest"), &note)?;
        keep(&folder.join("data/log/checkpoint"), &note)?;
        db.execute("INSERT INTO checkpoints VALUES (?, ?)", (size as i64, "root"))?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    let at = |part: usize| took.get(took.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
    println!("{}", json!({ "acks": took.len(), "p50_ms": at(50), "p99_ms": at(99), "max_ms": at(100) }));
    Ok(())
}
