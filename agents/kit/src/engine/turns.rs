//! How many answers are worked on at a time?

use tokio::sync::{Semaphore, SemaphorePermit};

/// Answers that are read and packed at the same time: each is held several times over, and there are not more cores than that on most hosts.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A turn, until it is dropped.
pub(crate) type Turn = Option<SemaphorePermit<'static>>;

/// Waits for a turn. Whoever reads an answer packs it in the same turn: else all that are read would wait for the last
/// that is not, with what was read of them.
pub(crate) async fn turn() -> Turn {
    // It is never closed.
    TURNS.acquire().await.ok()
}
