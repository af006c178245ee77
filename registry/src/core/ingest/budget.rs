//! How much of a day's budget is spent?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::problem::{PutProblem, Stop};
use crate::core::Inner;
use crate::core::store::Store as _;

/// Days of budgets that are remembered in memory; older ones are read from the tables again.
const REMEMBERED: usize = 4096;

/// The UTC day of an instant, `YYYY-MM-DD`.
#[must_use]
pub fn day_of(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

/// Requests counted for an entry and UTC day, those of segments still on their way included.
#[derive(Default)]
pub(in crate::core) struct Budgets(Mutex<HashMap<(String, String), u64>>);

impl Budgets {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests counted for one segment; given back unless it gets into the log.
pub(super) struct Reservation {
    budgets: Arc<Budgets>,
    taken: Vec<((String, String), u64)>,
}

impl Reservation {
    pub fn new(inner: &Inner) -> Self {
        Self { budgets: Arc::clone(&inner.budgets), taken: Vec::new() }
    }

    /// Takes up to `wanted` of what is left of `daily`; the tables say what was spent before this process began.
    pub fn take(&mut self, inner: &Inner, entry: &str, day: &str, wanted: u64, daily: u64) -> Result<u64, Stop> {
        let key = (entry.to_owned(), day.to_owned());
        let mut counts = self.budgets.lock();
        if !counts.contains_key(&key) {
            // The tables may lag behind the log that was opened: after a crash, or while they are made again.
            drop(counts);
            if !inner.wait_for(inner.opened, inner.config.patience) {
                return Err(Stop::Problem(PutProblem::Behind {
                    followed: inner.progress().followed,
                    opened: inner.opened,
                }));
            }
            counts = self.budgets.lock();
        }
        if counts.len() > REMEMBERED && !counts.contains_key(&key) {
            // Days long past; what is asked for again is read again. The follower may lag, so days of late are kept.
            let mut days: Vec<String> = counts.keys().map(|(_, day)| day.clone()).collect();
            days.sort_unstable();
            if let Some(middle) = days.get(days.len() / 2).cloned() {
                counts.retain(|(_, day), _| *day >= middle);
            }
        }
        let spent = match counts.get(&key) {
            Some(spent) => *spent,
            None => inner.store.spent(entry, day)?,
        };
        let granted = wanted.min(daily.saturating_sub(spent));
        counts.insert(key.clone(), spent + granted);
        self.taken.push((key, granted));
        Ok(granted)
    }

    /// The segment is in the log.
    pub fn settle(mut self) {
        self.taken.clear();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut counts = self.budgets.lock();
        for (key, granted) in &self.taken {
            if let Some(spent) = counts.get_mut(key) {
                *spent = spent.saturating_sub(*granted);
            }
        }
    }
}
