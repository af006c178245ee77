//! When does an agent work?
//!
//! The entry's line decides ([`schemas::schedule`]); tokio-cron-scheduler only wakes the agent, in UTC, at the next moment any target is due, and
//! is armed anew after each wake, so however many are due together, one alarm rings. [`Rota`] says what starts and what is let go, and a row
//! `runs(target, due)` decides what really starts. One run of a target at a time; at most `max_concurrent` targets. The policy is refreshed before
//! runs; once it is stale, nothing is collected.

mod due;
mod rota;
mod send;
mod targets;
mod told;

use futures_util::StreamExt as _;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use schemas::{capture::Lane, coverage::SkipReason, trust::TrustRoot};
use tokio::sync::{Notify, Semaphore};
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use due::{ClockWatch, Due, GRACE, Moment, Odd, due};
pub use rota::{Line, Look, Rota, Start, let_go};
pub use send::{Sender, Sent};
pub use targets::{Entries, Planned, Targets};
pub use told::Told;
use told::{tell, tell_failed, tell_skipped, words};

use crate::{
    contract::Work,
    engine::{Engine, Order, Report},
    policy::{Copy, CopyError, fetch},
    push::Registry,
    service::Manager,
};

/// Room of the scheduler's channels, of which each message takes some 700 bytes. One alarm is set at a time, however many targets are due.
const ALARMS: usize = 64;

/// How old a policy may be before the registry is asked for a newer one.
const REFRESH_SECS: i64 = 300;

/// Longest sleep of the schedule: the clock is watched and the policy refreshed this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(300);

/// Sleep where the state can't be used: a full disk may have room again.
const TROUBLE_SLEEP: Duration = if cfg!(test) { Duration::from_millis(500) } else { Duration::from_secs(10) };

/// How long running exchanges may take to end after a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(45);

/// An agent at work.
pub struct Agent {
    /// Carries out runs.
    pub engine: Arc<Engine>,
    /// Hands out policy, takes segments.
    pub registry: Arc<Registry>,
    /// The root put here by hand.
    pub trusted: TrustRoot,
    /// Most targets at the same time.
    pub max_concurrent: usize,
    /// Rung when a segment was closed.
    pub bell: Arc<Notify>,
    copy: Mutex<Option<Arc<Copy>>>,
    entries: Mutex<Option<(Arc<Copy>, Arc<Entries>)>>,
    /// By how much the clock was set last, and when.
    strayed_at: Mutex<Option<Timestamp>>,
    /// Whether the registry hands out policy.
    handed_out: Told,
    /// Whether anything may be collected.
    in_force: Told,
    /// Whether the state can be used.
    state: Told,
}

impl Agent {
    /// Puts the parts together and takes up the policy kept from before, if it still holds together.
    ///
    /// # Errors
    ///
    /// The state.
    pub fn new(
        engine: Arc<Engine>,
        registry: Arc<Registry>,
        trusted: TrustRoot,
        max_concurrent: usize,
    ) -> anyhow::Result<Self> {
        let kept = engine.state.policy()?.and_then(|(text, _)| match Copy::open(text, &trusted) {
            Ok(copy) => Some(Arc::new(copy)),
            Err(error) => {
                tracing::warn!(%error, "the policy kept from before can't be used");
                None
            }
        });
        Ok(Self {
            engine,
            registry,
            trusted,
            max_concurrent,
            bell: Arc::new(Notify::new()),
            copy: Mutex::new(kept),
            entries: Mutex::default(),
            strayed_at: Mutex::new(None),
            handed_out: Told::default(),
            in_force: Told::default(),
            state: Told::default(),
        })
    }

    /// The policy in hand.
    pub fn copy(&self) -> Option<Arc<Copy>> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the registry for its policy and keeps it. What fails leaves the copy in hand in use until it is stale.
    ///
    /// # Errors
    ///
    /// [`CopyError`], or the state's.
    pub async fn refresh(&self) -> anyhow::Result<Arc<Copy>> {
        let in_hand = self.copy();
        let fresh: Result<Copy, CopyError> = fetch(&self.registry, &self.trusted, in_hand.as_deref()).await;
        let fresh = Arc::new(fresh?);
        self.engine.state.set_policy(&fresh.text, self.engine.clock.now())?;
        *self.copy.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    async fn refreshed(&self) {
        let now = self.engine.clock.now();
        // One from ahead of now was issued before this clock was set back.
        let young =
            |copy: &Arc<Copy>| (-60..REFRESH_SECS).contains(&now.duration_since(copy.policy.issued_at()).as_secs());
        if self.copy().as_ref().is_some_and(young) {
            return;
        }
        match self.refresh().await {
            Ok(_) if self.handed_out.good() => {
                tracing::info!("the registry hands out its policy again");
            }
            Ok(_) => {}
            Err(error) => {
                let why = format!("{error:#}");
                if self.handed_out.trouble(&why) {
                    tracing::warn!(
                        "no newer policy: {why}; the one in hand stays in use until it is stale, and what is collected is kept"
                    );
                }
            }
        }
    }

    /// The targets that may be collected now.
    ///
    /// # Errors
    ///
    /// Why nothing may: there is no policy, or it is stale.
    pub fn targets(&self) -> Result<Targets, String> {
        let now = self.engine.clock.now();
        let copy =
            self.copy().ok_or("there is no policy yet; nothing is collected until the registry hands one out")?;
        if let Some(why) = copy.policy.stale(now) {
            return Err(why);
        }
        Ok(self.entries(&copy).at(now))
    }

    /// A target as the policy has it by now; the same where that is none other.
    fn as_of_now(&self, planned: Arc<Planned>) -> Result<Arc<Planned>, String> {
        match self.copy() {
            Some(copy) if !Arc::ptr_eq(&copy.policy, &planned.facts.policy) => {
                self.entries(&copy).target(&planned.facts.target, self.engine.clock.now())
            }
            // That it is stale or no longer in force is seen with each request.
            _ => Ok(planned),
        }
    }

    /// The entries of a copy, worked out when it is first asked for.
    fn entries(&self, copy: &Arc<Copy>) -> Arc<Entries> {
        let mut known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, entries)) = &*known
            && Arc::ptr_eq(of, copy)
        {
            return Arc::clone(entries);
        }
        let engine = &self.engine;
        let entries = Arc::new(Entries::of(&copy.text, &copy.policy, &*engine.collector, &engine.sealing));
        *known = Some((Arc::clone(copy), Arc::clone(&entries)));
        entries
    }

    fn clock_synchronised(&self) -> Option<bool> {
        let strayed = *self.strayed_at.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = strayed.is_some_and(|at| self.engine.clock.now().duration_since(at).as_secs().abs() < 3_600);
        if recent { Some(false) } else { self.engine.clock.synchronised() }
    }

    /// One run of each target, or of one, now: of what is new, or of a stretch of the past. Whoever names a target by hand lifts its block.
    ///
    /// # Errors
    ///
    /// Why nothing may be collected, or the agent's own disk: then the other targets were collected all the same.
    pub async fn once(&self, only: Option<&str>, work: &Work, stop: &CancellationToken) -> anyhow::Result<Vec<Report>> {
        self.refreshed().await;
        let found = self.targets().map_err(anyhow::Error::msg)?;
        let chosen: Vec<&Arc<Planned>> =
            found.planned.iter().filter(|planned| only.is_none_or(|only| planned.facts.target.id == only)).collect();
        if let (Some(only), true) = (only, chosen.is_empty()) {
            let resting = found.resting.iter().find(|(id, _)| id == only);
            let why = resting
                .map_or_else(|| format!("no entry for this collector is called `{only}`"), |(_, why)| why.clone());
            anyhow::bail!("`{only}` may not be collected: {why}");
        }
        let mut orders = Vec::new();
        for planned in chosen {
            if only.is_some() {
                if self.engine.state.blocked(&planned.facts.target.id)?.is_some() {
                    let_go(&planned.line(), self.engine.clock.now(), SkipReason::Blocked, &self.engine.state)?;
                }
                self.engine.state.unblock(&planned.facts.target.id)?;
                self.engine.state.read_again(&planned.facts.target.id)?;
            } else if let Some(blocked) = self.engine.state.blocked(&planned.facts.target.id)? {
                tracing::warn!(
                    "`{}` is left alone: {}; `once --target {}` tries again",
                    blocked.target,
                    blocked.what,
                    blocked.target
                );
                continue;
            }
            orders.push(Order { work: work.clone(), ..planned.order(None, self.clock_synchronised(), stop) });
        }
        // Side by side, as `run` does it: a slow source holds nobody up. Reports come in the order of the entries.
        let runs = orders.into_iter().map(|order| async {
            let reports = self.engine.run_target(order).await;
            self.bell.notify_one();
            reports
        });
        let mut runs = futures_util::stream::iter(runs).buffered(self.max_concurrent);
        let (mut reports, mut failed) = (Vec::new(), None);
        while let Some(report) = runs.next().await {
            match report {
                Ok(some) => reports.extend(some),
                Err(error) if failed.is_none() => failed = Some(error),
                Err(error) => tracing::error!("a run could not be carried through: {}", crate::fetch::chain(&error)),
            }
        }
        failed.map_or(Ok(reports), |error| Err(error.into()))
    }

    /// Works until stopped, then lets running exchanges end.
    ///
    /// # Errors
    ///
    /// The scheduler could not be started.
    pub async fn run(self: &Arc<Self>, sender: Sender, stop: CancellationToken) -> anyhow::Result<()> {
        let tasks = TaskTracker::new();
        let sending = stop.clone();
        tasks.spawn(async move { sender.run(sending).await });
        let alarm = Arc::new(Notify::new());
        let mut scheduler = JobScheduler::new_with_channel_size(ALARMS).await?;
        scheduler.start().await?;
        let clock = &self.engine.clock;
        let mut rota = Rota::new(self.moment());
        let mut told = HashMap::new();
        let room = Arc::new(Semaphore::new(self.max_concurrent));
        let manager = Manager::default();
        while !stop.is_cancelled() {
            manager.beat();
            self.refreshed().await;
            let (found, not) = self.targets_now(&mut told);
            let lines = found.planned.iter().map(|planned| planned.line());
            let mut look = rota
                .look(self.moment(), lines, &self.engine.state)
                .unwrap_or_else(|error| Look { failed: Some(error), ..Look::default() });
            self.tell_odd(look.odd);
            for (target, skipped) in &look.skipped {
                tell_skipped(target, skipped);
            }
            for start in look.starts {
                if let Some(planned) = found.planned.get(start.line) {
                    self.start(planned, start, &room, &tasks, &alarm, &stop);
                }
            }
            let next = look.next;
            let failed = look.failed.take().map(|error| crate::fetch::chain(&error));
            // What came due while the others were started is looked at again at once.
            let mut sleep = next
                .map_or(LONGEST_SLEEP, |at| Duration::try_from(at.duration_since(clock.now())).unwrap_or_default())
                .clamp(Duration::from_millis(500), LONGEST_SLEEP);
            let words = match (self.usable(failed), not) {
                (Some(why), _) => {
                    sleep = TROUBLE_SLEEP;
                    format!("the agent's state can't be used: {why}")
                }
                (None, Some(why)) => format!("nothing is collected: {why}"),
                (None, None) => words(&found, rota.running(), next),
            };
            let armed = arm(&scheduler, sleep, &alarm).await?;
            manager.works(words);
            tokio::select! {
                () = alarm.notified() => {}
                () = stop.cancelled() => {}
                // Should the scheduler ever lose an alarm, work still goes on.
                () = clock.sleep(sleep + Duration::from_secs(5)) => {}
                () = self.beats(&manager) => {}
            }
            // An alarm that rang is gone already.
            let _ = scheduler.remove(&armed).await;
        }
        manager.stops();
        tracing::info!("stopping: running exchanges end, what is collected is kept");
        scheduler.shutdown().await?;
        tasks.close();
        if tokio::time::timeout(STOP_PATIENCE, tasks.wait()).await.is_err() {
            tracing::warn!("some runs did not end in time; they go on at the next start");
            self.engine.state.abandon_readings()?;
        }
        Ok(())
    }

    /// While the loop waits: looks again and again whether the state still answers, and says so. In the loop itself, so that nothing is said
    /// for a loop that hangs.
    async fn beats(&self, manager: &Manager) {
        let Some(pause) = Manager::pause() else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(pause).await;
            match self.engine.state.oldest_waiting(1) {
                Ok(_) => manager.beat(),
                Err(error) => tracing::error!(%error, "the agent's state can't be read"),
            }
        }
    }

    fn moment(&self) -> Moment {
        let clock = &self.engine.clock;
        Moment { wall: clock.now(), elapsed: clock.elapsed(), awake: clock.awake() }
    }

    /// The targets that may be collected now; none where nothing may, and why. Says what changed about that.
    fn targets_now(&self, told: &mut HashMap<String, String>) -> (Targets, Option<String>) {
        match self.targets() {
            Err(why) => {
                if self.in_force.trouble(&why) {
                    tracing::error!("{why}");
                }
                (Targets::default(), Some(why))
            }
            Ok(found) => {
                if self.in_force.good() {
                    tracing::info!("there is a policy in force again: work goes on");
                }
                for (entry, why) in &found.resting {
                    if told.insert(entry.clone(), why.clone()).as_ref() != Some(why) {
                        tracing::warn!("`{entry}` is not collected: {why}");
                    }
                }
                (found, None)
            }
        }
    }

    /// Says what changed about whether the state can be used. A process that ended of it could not begin again before there is room.
    fn usable(&self, failed: Option<String>) -> Option<String> {
        match &failed {
            Some(why) if self.state.trouble(why) => {
                tracing::error!("{why}; what is due is looked at again every few seconds");
            }
            None if self.state.good() => tracing::info!("the agent's state can be used again: work goes on"),
            _ => {}
        }
        failed
    }

    fn tell_odd(&self, odd: Odd) {
        if odd.slept {
            tracing::info!("this machine slept");
        }
        if let Some(strayed) = odd.strayed {
            let secs = strayed.as_secs();
            tracing::warn!(secs, "this machine's clock was set by {secs} s; captures of the next hour say so");
            *self.strayed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.engine.clock.now());
        }
    }

    /// Makes a run, once there is room for it.
    fn start(
        self: &Arc<Self>,
        planned: &Arc<Planned>,
        start: Start,
        room: &Arc<Semaphore>,
        tasks: &TaskTracker,
        alarm: &Arc<Notify>,
        stop: &CancellationToken,
    ) {
        let target = planned.facts.target.id.clone();
        let order = planned.order(Some(start.due), self.clock_synchronised(), stop);
        let (agent, room, alarm, stop) = (Arc::clone(self), Arc::clone(room), Arc::clone(alarm), stop.clone());
        // A connection that stays open takes nobody's turn.
        let streams = match self.engine.lane(&order) {
            Ok(lane) => lane == Lane::Stream,
            Err(error) => return tell_failed(&target, &error),
        };
        let planned = Arc::clone(planned);
        tasks.spawn(async move {
            let permit = if streams { None } else { Some(room.acquire().await) };
            // It may have waited for long.
            let still = agent.as_of_now(planned);
            if let Err(why) = &still {
                tracing::warn!(target_id = %target, "`{target}` is not collected any more: {why}");
            }
            // What has not begun yet is still due when the agent is started again.
            if let Ok(planned) = still
                && !stop.is_cancelled()
            {
                let order = planned.order(Some(start.due), agent.clock_synchronised(), &stop);
                match agent.engine.run_target(order).await {
                    Ok(reports) => reports.iter().for_each(|report| tell(&target, report)),
                    Err(error) => tell_failed(&target, &error),
                }
            }
            drop((permit, start.hold));
            agent.bell.notify_one();
            alarm.notify_one();
        });
    }
}

/// Sets the alarm. The closure runs under the scheduler's lock, so it only builds the future.
async fn arm(scheduler: &JobScheduler, sleep: Duration, alarm: &Arc<Notify>) -> anyhow::Result<uuid::Uuid> {
    let alarm = Arc::clone(alarm);
    let job = Job::new_one_shot_at_instant_async(Instant::now() + sleep, move |_, _| {
        let alarm = Arc::clone(&alarm);
        Box::pin(async move { alarm.notify_one() })
    })?;
    Ok(scheduler.add(job).await?)
}

#[cfg(test)]
mod set_back;
#[cfg(test)]
mod together;
#[cfg(test)]
mod year;
