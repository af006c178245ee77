//! What does the service manager hear of the registry?
//!
//! sd_notify(3): datagrams to the socket named by `NOTIFY_SOCKET`; without one nothing is said. Each beat for `WatchdogSec=` has gone through the
//! async runtime, the thread that gives out the log's indices, and a write transaction of the tables: where one of them hangs the registry
//! falls silent and the manager starts it anew. What is answered with an error is no hang: a full disk or a log that must not be signed
//! is told in words, because a restart would not mend it.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::{api::Desk, core::store::Store as _};

/// Between two words where the manager does not watch.
const SELDOM: Duration = Duration::from_secs(60);

/// Names a service manager uses that are not meant for the agents started here.
pub const NOT_FOR_CHILDREN: [&str; 5] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY"];

/// Says that the registry listens, then beats until stopped. A third of what the manager allows passes between two beats.
pub async fn tell(desk: Desk, stop: CancellationToken) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let pause = sd_notify::watchdog_enabled().map_or(SELDOM, |longest| longest / 3);
    let mut ready = false;
    while !stop.is_cancelled() {
        let asked = desk.clone();
        let Ok(words) = tokio::task::spawn_blocking(move || in_words(&asked)).await else {
            return;
        };
        if !ready {
            say(&[NotifyState::Ready]);
            ready = true;
        }
        say(&[NotifyState::Watchdog, NotifyState::Status(&words)]);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Says that requests under way are finished and no more are taken.
pub fn stops() {
    say(&[NotifyState::Stopping, NotifyState::Status("requests under way are finished")]);
}

fn in_words(desk: &Desk) -> String {
    let registry = desk.registry();
    if let Err(why) = registry.try_log() {
        return format!("the log can't grow: {why}");
    }
    if let Some(why) = registry.trouble() {
        return format!("the index stands still: {why}");
    }
    let (size, followed) = (registry.checkpoint().size, registry.followed());
    let behind = if followed < size { format!(", {} not indexed yet", size - followed) } else { String::new() };
    match desk.store().alarms().map_or(0, |alarms| alarms.len()) {
        0 => format!("log size {size}{behind}"),
        alarms => format!("log size {size}{behind}; {alarms} alarms, see `vigie doctor`"),
    }
}

fn say(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::debug!(%error, "the service manager can't be told");
    }
}
