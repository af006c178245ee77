//! What does the service manager hear of an agent?
//!
//! sd_notify(3): datagrams to the socket named by `NOTIFY_SOCKET`; without one nothing is said. The beat for `WatchdogSec=` comes from the loop
//! that starts runs, and from nowhere else: a loop that hangs falls silent, and the manager starts the agent anew.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sd_notify::NotifyState;

/// The service manager, if one listens.
#[derive(Debug, Default)]
pub struct Manager {
    /// What it was told last.
    told: Mutex<Option<String>>,
}

impl Manager {
    /// The agent works: its state is open and its next wake is set. Words for people go with it; only the first call says that it is ready, and
    /// only what changed is said again.
    pub fn works(&self, words: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match told.as_ref() {
            None => say(&[NotifyState::Ready, NotifyState::Status(&words)]),
            Some(last) if *last != words => say(&[NotifyState::Status(&words)]),
            Some(_) => {}
        }
        *told = Some(words);
    }

    /// The agent was asked to stop and lets running exchanges end.
    pub fn stops(&self) {
        say(&[NotifyState::Stopping, NotifyState::Status("running exchanges end, what is collected is kept")]);
    }

    /// The loop turns.
    pub fn beat(&self) {
        if Self::pause().is_some() {
            say(&[NotifyState::Watchdog]);
        }
    }

    /// How long the loop may wait between two beats: a third of what the manager allows. Nothing where it does not watch.
    #[must_use]
    pub fn pause() -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|longest| longest / 3)
    }
}

fn say(what: &[NotifyState<'_>]) {
    // A manager that is gone is no reason to stop collecting.
    if let Err(error) = sd_notify::notify(what) {
        tracing::debug!(%error, "the service manager can't be told");
    }
}
