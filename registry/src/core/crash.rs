//! Where may a test kill this process?
//!
//! `VIGIE_CRASH_AT=name` aborts at the first passing of the point of that name, `VIGIE_CRASH_AT=name:3` at the third. Aborting runs no
//! destructors and flushes nothing, like `kill -9`. The variable is read once; unset, a point costs one comparison.
//!
//! | name | what is durable when it is passed |
//! | --- | --- |
//! | `after_write`, `after_fsync`, `after_rename` | nothing yet, of one file or of several that are kept together; their bytes; their names once the folder is synced |
//! | `after_leaf_row` | the leaves' rows |
//! | `after_tiles` | all tiles and bundles of a round, in one place; passed for each |
//! | `before_checkpoint`, `after_highest`, `after_checkpoint` | all tiles; the checkpoint in the second place; in both, and its row |
//! | `before_answer`, `after_answer` | everything an answer promises |
//! | `erase_after_leaf`, `erase_after_file`, `erase_after_rows`, `erase_after_scrub` | one step of erasing each |

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

struct Wanted {
    name: String,
    pass: u64,
}

static WANTED: LazyLock<Option<Wanted>> = LazyLock::new(|| {
    let text = std::env::var("VIGIE_CRASH_AT").ok()?;
    let (name, pass) = match text.split_once(':') {
        Some((name, pass)) => (name.to_owned(), pass.parse().unwrap_or(1)),
        None => (text, 1),
    };
    Some(Wanted { name, pass })
});

static PASSED: LazyLock<Mutex<HashMap<&'static str, u64>>> = LazyLock::new(Mutex::default);

/// Aborts the process if `VIGIE_CRASH_AT` names this point and it was passed often enough.
pub fn point(name: &'static str) {
    let Some(wanted) = WANTED.as_ref() else {
        return;
    };
    if wanted.name != name {
        return;
    }
    let mut passed = PASSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let count = passed.entry(name).or_default();
    *count += 1;
    if *count == wanted.pass {
        std::process::abort();
    }
}
