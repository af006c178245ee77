//! How do segments leave the outbox?

use std::sync::Arc;

use jiff::SignedDuration;
use schemas::{receipt::Receipt, trust::TrustRoot};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Told;
use crate::{
    engine::Engine,
    push::{Answer, Registry, Verified, pause},
    state::{Receipted, Waiting},
};

/// How many segments are sent before their receipts are kept.
const AT_ONCE: u32 = 16;

/// How long a receipt waits for the next one at most.
const TOGETHER: std::time::Duration = std::time::Duration::from_secs(1);

/// Sends segments oldest first, and lets go of those whose receipt is old enough.
pub struct Sender {
    /// Outbox, state, clock, identity.
    pub engine: Arc<Engine>,
    /// Where to.
    pub registry: Arc<Registry>,
    /// Whose log signs receipts.
    pub root: TrustRoot,
    /// How long segments stay after their receipt.
    pub keep: SignedDuration,
    /// Rung when a segment was closed.
    pub bell: Arc<Notify>,
    /// Whether the registry takes segments.
    pub told: Told,
}

/// What one look at the outbox came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing waits.
    Empty,
    /// Segments were settled: kept or refused.
    Settled,
    /// The oldest one waits, and why.
    Waits(String),
}

impl Sender {
    /// Sends until stopped.
    pub async fn run(&self, stop: CancellationToken) {
        let mut asked_at = None;
        while !stop.is_cancelled() {
            let rest = match self.oldest(true).await {
                Ok(Sent::Settled) => continue,
                // Not again at once: a registry that goes on asking for the same would be fed for ever.
                Ok(Sent::Empty) if self.is_time(&mut asked_at) && self.heal().await.unwrap_or(false) => {
                    continue;
                }
                Ok(Sent::Empty) => std::time::Duration::from_secs(600),
                Ok(Sent::Waits(_)) => std::time::Duration::from_secs(5),
                Err(error) => {
                    tracing::error!(%error, "the outbox can't be read");
                    std::time::Duration::from_secs(60)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bell.notified() => {}
                () = self.engine.clock.sleep(rest) => {}
            }
        }
    }

    /// Sends everything that waits, once. Says why something still does.
    ///
    /// # Errors
    ///
    /// The agent's own state or disk.
    pub async fn drain(&self) -> anyhow::Result<Option<String>> {
        let mut healed = false;
        loop {
            match self.oldest(false).await? {
                Sent::Settled => {}
                Sent::Empty if !std::mem::replace(&mut healed, true) && self.heal().await? => {}
                Sent::Empty => return Ok(None),
                Sent::Waits(why) => return Ok(Some(why)),
            }
        }
    }

    fn is_time(&self, asked_at: &mut Option<jiff::Timestamp>) -> bool {
        let now = self.engine.clock.now();
        let due = asked_at.is_none_or(|at| now.duration_since(at).abs() > SignedDuration::from_mins(5));
        if due {
            *asked_at = Some(now);
        }
        due
    }

    /// Asks which segments the registry has lost, and puts those that are still here back among the waiting. Says nothing where the
    /// registry does not answer: sending will.
    async fn heal(&self) -> anyhow::Result<bool> {
        let Ok(wanted) = self.registry.wanted().await else {
            return Ok(false);
        };
        let again = self.engine.state.send_again(&wanted)?;
        if again > 0 {
            tracing::warn!(again, "the registry has lost {again} segments that are still here: they are sent again");
        }
        Ok(again > 0)
    }

    /// Sends the oldest few. Receipts that come within a second of one another are kept in one transaction; should the process end before it,
    /// the same segments are sent again, for the same receipts.
    async fn oldest(&self, patient: bool) -> anyhow::Result<Sent> {
        let (state, now) = (&self.engine.state, self.engine.clock.now());
        self.engine.outbox.sweep(state, self.keep, now)?;
        let waiting = state.oldest_waiting(AT_ONCE)?;
        // No pause is longer than an hour: one that is was reckoned before the clock was set back.
        let rests = |waiting: &Waiting| {
            let rests = waiting.not_before.duration_since(now);
            patient && rests.is_positive() && rests <= SignedDuration::from_hours(1)
        };
        match waiting.first() {
            None => return Ok(Sent::Empty),
            Some(first) if rests(first) => return Ok(Sent::Waits(first.error.clone().unwrap_or_default())),
            Some(_) => {}
        }
        let key = self.root.log_verifier()?;
        let mut checkpoint = state.chain(&self.engine.identity.key.vkey().id_text())?.checkpoint;
        let (mut receipts, mut not) = (Vec::new(), None);
        let began = self.engine.clock.elapsed();
        for waiting in waiting.into_iter().take_while(|waiting| !rests(waiting)) {
            let path = self.engine.outbox.path(&waiting.file);
            match self.registry.put(&waiting.manifest, &path, &key, checkpoint.as_deref()).await {
                Answer::Receipt(verified) | Answer::Refused(verified) => {
                    checkpoint = Some(verified.checkpoint_note().to_owned());
                    receipts.push((waiting, verified));
                }
                Answer::TryLater { why } => not = Some((waiting, why, false)),
                Answer::Alarm { why } => not = Some((waiting, why, true)),
            }
            if not.is_some() || self.engine.clock.elapsed().saturating_sub(began) > TOGETHER {
                break;
            }
        }
        self.keep_receipts(receipts, checkpoint)?;
        match not {
            None => Ok(Sent::Settled),
            Some((waiting, why, alarm)) => self.later(&waiting, why, alarm),
        }
    }

    fn keep_receipts(
        &self,
        receipts: Vec<(Waiting, Box<Verified<Receipt>>)>,
        checkpoint: Option<String>,
    ) -> anyhow::Result<()> {
        let (Some(checkpoint), false) = (checkpoint, receipts.is_empty()) else {
            return Ok(());
        };
        let rows: Vec<Receipted> = receipts
            .iter()
            .map(|(waiting, verified)| Receipted {
                manifest: waiting.manifest,
                receipt: verified.note().to_owned(),
                refused: matches!(verified.value(), Receipt::RefusalReceipt { .. }),
            })
            .collect();
        self.engine.state.push_settled(&rows, &checkpoint, self.engine.clock.now())?;
        if self.told.good() {
            tracing::info!("the registry takes segments again");
        }
        for (Waiting { seq, .. }, verified) in receipts {
            let size = verified.checkpoint().size;
            if let Receipt::RefusalReceipt { code, why, .. } = verified.value() {
                tracing::error!(
                    seq,
                    ?code,
                    "the registry refuses segment {seq} ({code:?}); it is not kept there: {why}"
                );
            } else {
                tracing::info!(seq, log_size = size, "segment {seq} has its receipt (log size {size})");
            }
        }
        Ok(())
    }

    fn later(&self, waiting: &Waiting, why: String, alarm: bool) -> anyhow::Result<Sent> {
        let rest = SignedDuration::try_from(pause(waiting.tries))?;
        let not_before = self.engine.clock.now().checked_add(rest)?;
        self.engine.state.push_failed(&waiting.manifest, &why, not_before)?;
        let seq = waiting.seq;
        if alarm {
            tracing::error!(seq, "segment {seq} is kept and not let go: {why}; tell the people who run the registry");
        } else if self.told.trouble(&why) {
            tracing::warn!(
                seq,
                "segments wait from number {seq} on: {why}; they are kept and sent as soon as that changes"
            );
        }
        Ok(Sent::Waits(why))
    }
}
