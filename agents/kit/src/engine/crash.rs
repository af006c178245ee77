//! Where may a test kill an agent?
//!
//! `VIGIE_CRASH_AT=name` aborts at the first passing of the point of that name, `VIGIE_CRASH_AT=name:3` at the third. Aborting runs no
//! destructors and flushes nothing, like `kill -9`.
//!
//! | name | what is durable when it is passed |
//! | --- | --- |
//! | `agent_after_exchange` | nothing of the exchange just made |
//! | `agent_after_write` | the segment's bytes, under a temporary name |
//! | `agent_after_segment` | the segment under its name; no row names it |
//! | `agent_before_commit` | the same; the transaction is complete but for its commit |
//! | `agent_after_commit` | segment and everything it settles |

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

static WANTED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
    let text = std::env::var("VIGIE_CRASH_AT").ok()?;
    Some(match text.split_once(':') {
        Some((name, pass)) => (name.to_owned(), pass.parse().unwrap_or(1)),
        None => (text, 1),
    })
});

static PASSED: LazyLock<Mutex<HashMap<&'static str, u64>>> = LazyLock::new(Mutex::default);

/// Aborts the process if `VIGIE_CRASH_AT` names this point and it was passed often enough.
pub fn point(name: &'static str) {
    let Some((wanted, pass)) = WANTED.as_ref() else {
        return;
    };
    if wanted != name {
        return;
    }
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = passed.entry(name).or_default();
    *count += 1;
    if count == pass {
        std::process::abort();
    }
}
