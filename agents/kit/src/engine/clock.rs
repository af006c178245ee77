//! What time is it, and how does a run wait?

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::ports::Pending;

/// The only clock of the engine and the schedule. Tests set it.
pub trait Clock: Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process, sleep of the machine included; never goes back, whatever is done to the wall clock.
    fn elapsed(&self) -> Duration;

    /// The same without the machine's sleep. Where a clock does not know of sleep, there was none.
    fn awake(&self) -> Duration {
        self.elapsed()
    }

    /// Whether the wall clock is known to be kept right by others; nothing where that is not known.
    fn synchronised(&self) -> Option<bool> {
        None
    }

    /// Waits.
    fn sleep(&self, pause: Duration) -> Pending<'_, ()>;
}

/// Where systemd-timesyncd says how it goes. Its file `synchronized` is touched each time the clock was set right, every 34 minutes at the latest.
const TIMESYNCD: &str = "/run/systemd/timesync";

/// How long ago the clock may have been set right and still counts as synchronised.
const FRESH: Duration = Duration::from_secs(6 * 3_600);

/// What systemd-timesyncd says. Nothing on machines where another program keeps the clock: chrony and ntpd say it to the kernel only, and the kernel
/// tells by a system call that safe code has no name for.
fn by_timesyncd(dir: &Path) -> Option<bool> {
    if !dir.is_dir() {
        return None;
    }
    let touched = std::fs::metadata(dir.join("synchronized")).and_then(|file| file.modified());
    match touched {
        // A time ahead of now was written by a clock that has been set back since.
        Ok(at) => Some(at.elapsed().is_ok_and(|age| age <= FRESH)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    since: Instant,
    booted: Duration,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { since: Instant::now(), booted: since_boot() }
    }
}

/// Since the machine was started, its sleep included: `CLOCK_BOOTTIME`. The monotonic clock, which [`Instant`] reads, stands while it sleeps.
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or_default(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.booted)
    }

    fn awake(&self) -> Duration {
        self.since.elapsed()
    }

    fn synchronised(&self) -> Option<bool> {
        by_timesyncd(Path::new(TIMESYNCD))
    }

    fn sleep(&self, pause: Duration) -> Pending<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn clock_is_right_while_the_file_is_fresh_and_unknown_where_nobody_says() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(by_timesyncd(&dir.path().join("absent")), None);
        assert_eq!(by_timesyncd(dir.path()), Some(false), "it runs and has not set the clock yet");
        let file = std::fs::File::create(dir.path().join("synchronized")).unwrap();
        assert_eq!(by_timesyncd(dir.path()), Some(true));
        file.set_modified(SystemTime::now() - 2 * FRESH).unwrap();
        assert_eq!(by_timesyncd(dir.path()), Some(false));
    }
}
