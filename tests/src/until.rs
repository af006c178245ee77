//! When has something happened that other processes do? Conditions are looked at again until they hold; nothing waits for a time.

use std::time::{Duration, Instant};

/// Beyond this, what is waited for counts as never coming.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
///
/// # Panics
///
/// After ninety seconds, naming what was waited for.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(PAUSE);
    }
}
