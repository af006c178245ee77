//! How long must one host or credential be left alone?

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock, Reference},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

/// Longest pause that errors lead to.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Errors double the pause up to this many times.
const MOST_DOUBLINGS: u32 = 6;

/// The pause that errors double where the entry asks for none (loopback).
const FIRST: Duration = Duration::from_secs(1);

/// Keys held before those without effect are dropped.
const PRUNE_AT: usize = 1_024;

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// One limiter a key (a host, a credential), each letting one request through a period.
///
/// governor's keyed limiter has one quota for all keys; here each has its own, since entries, crawl delays and errors differ.
pub struct Pace<C: Clock + Clone = DefaultClock> {
    clock: C,
    keys: Mutex<HashMap<String, Key<C>>>,
}

struct Key<C: Clock> {
    /// None while no pause is asked for.
    limiter: Option<Limiter<C>>,
    asked: Duration,
    doublings: u32,
    used: C::Instant,
}

impl Default for Pace {
    fn default() -> Self {
        Self::with_clock(DefaultClock::default())
    }
}

// Names the default limiter once, so that a change of its type in governor shows here.
const _: fn(DefaultDirectRateLimiter) -> Limiter<DefaultClock> = |limiter| limiter;

impl<C: Clock + Clone> Pace<C> {
    /// A pace by another clock.
    pub fn with_clock(clock: C) -> Self {
        Self { clock, keys: Mutex::default() }
    }

    /// Takes the next turn at `key`, at most one in `period`; or says how long to wait before asking again.
    ///
    /// Whoever changes the period begins a new one: a longer pause counts from now on.
    pub fn turn(&self, key: &str, period: Duration) -> Result<(), Duration> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if keys.len() >= PRUNE_AT && !keys.contains_key(key) {
            let done =
                |known: &Key<C>| known.doublings == 0 && Duration::from(now.duration_since(known.used)) > LONGEST;
            keys.retain(|_, known| !done(known));
            keys.shrink_to_fit();
        }
        let known = keys.entry(key.to_owned()).or_insert_with(|| Key {
            limiter: limiter(period, &self.clock),
            asked: period,
            doublings: 0,
            used: now,
        });
        if known.asked != period {
            known.asked = period;
            known.renew(&self.clock);
        }
        known.used = now;
        match &known.limiter {
            None => Ok(()),
            Some(limiter) => limiter.check().map_err(|not_yet| not_yet.wait_time_from(now)),
        }
    }

    /// What came of a request: an error doubles the pause, a success halves it again, down to what was asked for.
    pub fn felt(&self, key: &str, good: bool) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = keys.get_mut(key) else {
            return;
        };
        let doublings =
            if good { known.doublings.saturating_sub(1) } else { (known.doublings + 1).min(MOST_DOUBLINGS) };
        if doublings != known.doublings {
            known.doublings = doublings;
            known.renew(&self.clock);
        }
    }

    /// Number of keys held.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.keys.lock().unwrap().len()
    }
}

impl<C: Clock + Clone> Key<C> {
    fn period(&self) -> Duration {
        if self.doublings == 0 {
            return self.asked;
        }
        let base = self.asked.max(FIRST);
        base.saturating_mul(1 << self.doublings).min(LONGEST.max(self.asked))
    }

    /// A fresh limiter whose one cell is taken: the new pause counts from now.
    fn renew(&mut self, clock: &C) {
        self.limiter = limiter(self.period(), clock);
        if let Some(limiter) = &self.limiter {
            let _first = limiter.check();
        }
    }
}

fn limiter<C: Clock + Clone>(period: Duration, clock: &C) -> Option<Limiter<C>> {
    let quota = Quota::with_period(period)?.allow_burst(std::num::NonZeroU32::MIN);
    Some(RateLimiter::direct_with_clock(quota, clock.clone()))
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    const TWO: Duration = Duration::from_secs(2);

    #[test]
    fn one_request_a_period_and_host() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(clock.clone());
        assert_eq!(pace.turn("a", TWO), Ok(()));
        assert_eq!(pace.turn("a", TWO), Err(TWO));
        assert_eq!(pace.turn("b", TWO), Ok(()), "another host has a pace of its own");
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(pace.turn("a", TWO), Err(Duration::from_millis(500)));
        clock.advance(Duration::from_millis(500));
        assert_eq!(pace.turn("a", TWO), Ok(()));
        clock.advance(Duration::from_secs(60));
        assert_eq!(pace.turn("a", TWO), Ok(()), "waiting saves up no second turn");
        assert_eq!(pace.turn("a", TWO), Err(TWO));
    }

    #[test]
    fn a_crawl_delay_counts_from_when_it_is_known() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(clock.clone());
        assert_eq!(pace.turn("a", TWO), Ok(()));
        let ten = Duration::from_secs(10);
        clock.advance(TWO);
        assert_eq!(pace.turn("a", ten), Err(ten));
        clock.advance(ten);
        assert_eq!(pace.turn("a", ten), Ok(()));
    }

    #[test]
    fn errors_slow_down_and_success_speeds_up() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(clock.clone());
        assert_eq!(pace.turn("a", TWO), Ok(()));
        for wait in [4, 8, 16, 32, 64, 128, 128] {
            pace.felt("a", false);
            let wait = Duration::from_secs(wait);
            assert_eq!(pace.turn("a", TWO).map_err(|wait| wait.as_secs()), Err(wait.as_secs()));
            clock.advance(wait);
            assert_eq!(pace.turn("a", TWO), Ok(()));
        }
        for wait in [64, 32, 16, 8, 4, 2, 2] {
            pace.felt("a", true);
            clock.advance(Duration::from_secs(wait));
            assert_eq!(pace.turn("a", TWO), Ok(()), "after {wait} s");
        }
    }

    #[test]
    fn no_pause_is_none_until_an_error() {
        let pace = Pace::with_clock(FakeRelativeClock::default());
        for _ in 0..100 {
            assert_eq!(pace.turn("a", Duration::ZERO), Ok(()));
        }
        pace.felt("a", false);
        assert_eq!(pace.turn("a", Duration::ZERO), Err(TWO));
    }

    #[test]
    fn hosts_not_asked_for_long_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(clock.clone());
        for host in 0..PRUNE_AT {
            pace.turn(&host.to_string(), TWO).unwrap();
        }
        pace.felt("7", false);
        clock.advance(LONGEST + TWO);
        pace.turn("new", TWO).unwrap();
        assert_eq!(pace.len(), 2, "the new one, and the one that still has to be slow");
    }
}
