//! Finding the test data that lies beside the repository, and saying so when it does not.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::path::{Path, PathBuf};

/// A file or folder under `../shared`, seen from the workspace. `None`, with a line that says so, if it is not there.
pub fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .expect("a workspace above the crate");
    let found = workspace.join("../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none_or(|v| v != "1"), "../shared/{path} is not here");
    // Written past the capture of test output: what was skipped is said even where the test passes.
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("skipped: {test}: ../shared/{path} is not here\n").as_bytes(),
    );
    None
}

/// Leaf entries of the own vectors: `leaf/0`, `leaf/1`, ...
pub fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|i| format!("leaf/{i}").into_bytes()).collect()
}

/// Their leaf hashes.
pub fn leaves(count: u64) -> Vec<tlog::Hash> {
    entries(count).iter().map(|entry| tlog::leaf_hash(entry)).collect()
}
