//! What does a test do when something it needs is not on this machine, and how often does it do what it does?

use std::path::PathBuf;

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value == "1")
}

/// True where nothing may be skipped (`VIGIE_REQUIRE_ALL=1`, as in CI).
#[must_use]
pub fn required() -> bool {
    set("VIGIE_REQUIRE_ALL")
}

/// True where drills run with their full counts (`VIGIE_LONG=1`).
#[must_use]
pub fn long() -> bool {
    set("VIGIE_LONG")
}

/// `few` times, or `many` with `VIGIE_LONG=1`.
#[must_use]
pub fn times(few: usize, many: usize) -> usize {
    if long() { many } else { few }
}

/// Says by name what is skipped, or fails where nothing may be.
///
/// # Panics
///
/// Where everything is required.
pub fn skipped(test: &str, missing: &str) {
    assert!(!required(), "{test} needs {missing}, and VIGIE_REQUIRE_ALL=1 forbids skipping");
    // Written past the capture of test output: what was skipped is said even where the test passes.
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("skipped: {test}: {missing} is not here\n").as_bytes(),
    );
}

/// A folder of `../shared`, beside the checkout.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?.join("shared").join(path);
    root.exists().then_some(root)
}
