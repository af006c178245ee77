//! When was an entry due, by its words at each time?

use jiff::{SignedDuration, Timestamp};
use schemas::{
    permission::Entry,
    policy::History,
    schedule::{Due, Jitter, Schedule},
};

/// How long after a change of the allowlist agents may not know of it yet: they ask every five minutes.
const LEARNING: SignedDuration = SignedDuration::from_mins(6);

/// Most runs listed one by one.
pub const MAX_LINES: usize = 50_000;

/// When an entry's targets were due, by its words at each time.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) entry: String,
    stretches: Vec<Stretch>,
}

#[derive(Clone, Debug)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    /// Before then an agent may not have known of these words.
    known: Timestamp,
    schedule: Schedule,
    /// Targets with their jitter.
    targets: Vec<(String, Jitter)>,
}

impl Stretch {
    fn of(entry: &Entry, from: Timestamp, to: Timestamp, known: Timestamp) -> Option<Self> {
        let targets = (1..=entry.seeds.len()).map(|number| {
            let id = if number == 1 { entry.id.clone() } else { format!("{}#{number}", entry.id) };
            let jitter = Jitter::of(&id, entry.jitter_secs);
            (id, jitter)
        });
        let schedule = Schedule::parse(&entry.schedule, &entry.zone).ok()?;
        Some(Self { from, to, known, schedule, targets: targets.collect() })
    }
}

impl Plan {
    /// By what the log says was in force between `from` and `to`.
    #[must_use]
    pub fn of(history: &History, entry: &str, from: Timestamp, to: Timestamp) -> Self {
        let earlier = from.checked_sub(LEARNING).unwrap_or(from);
        let found = history.stretches(entry, earlier, to);
        let stretches = found.iter().filter(|found| found.to > from).filter_map(|found| {
            // Words that were in force before the time asked for are known.
            let known = match found.from > earlier {
                true => found.from.checked_add(LEARNING).unwrap_or(found.from),
                false => from,
            };
            Stretch::of(&found.entry, found.from.max(from), found.to, known)
        });
        Self { entry: entry.to_owned(), stretches: stretches.collect() }
    }

    /// By the entry as it reads, as if it had always been in force.
    #[must_use]
    #[cfg(test)]
    pub fn of_entry(entry: &Entry, from: Timestamp, to: Timestamp) -> Self {
        Self { entry: entry.id.clone(), stretches: Stretch::of(entry, from, to, from).into_iter().collect() }
    }

    /// Whether more than [`MAX_LINES`] runs are due in it.
    #[must_use]
    pub fn is_long(&self) -> bool {
        let all = self.stretches.iter().flat_map(|stretch| {
            stretch.targets.iter().flat_map(|(_, jitter)| stretch.schedule.between(stretch.from, stretch.to, *jitter))
        });
        all.take(MAX_LINES + 1).count() > MAX_LINES
    }

    /// Targets that were due in it.
    pub(super) fn targets(&self) -> impl Iterator<Item = &String> {
        self.stretches.iter().flat_map(|stretch| stretch.targets.iter().map(|(target, _)| target))
    }

    /// Due times of one target, with when its words were known to agents.
    pub(super) fn dues<'a>(&'a self, target: &'a str) -> impl Iterator<Item = (Due, Timestamp)> + 'a {
        self.stretches.iter().flat_map(move |stretch| {
            let jitter = stretch.targets.iter().find(|(id, _)| id == target).map(|(_, jitter)| *jitter);
            jitter
                .into_iter()
                .flat_map(|jitter| stretch.schedule.between(stretch.from, stretch.to, jitter))
                .map(|due| (due, stretch.known))
        })
    }
}
