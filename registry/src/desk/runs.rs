//! Which runs should have been, and what became of each?
//!
//! Expected runs come from the signed schedule, by the function the agents use and by the entry's words at that time. Each is one of:
//! heard of (then the agent's words count), *not attempted* (a later run of the agent says so, or nothing else is possible), or *not heard
//! yet*. What comes late takes the place of what was not heard yet; nothing is ever taken for silence at the source.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, ToSql};
use schemas::{
    coverage::{CoverageState, Skipped},
    permission::Entry,
    policy::History,
    schedule::{Due, Jitter, Schedule},
};
use serde::{Deserialize, Serialize};

use super::item::unsigned;

/// How late a run may be heard of before it counts as missing.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// How long after a change of the allowlist agents may not know of it yet: they ask every five minutes.
const LEARNING: SignedDuration = SignedDuration::from_mins(6);

/// Most runs listed one by one.
pub const MAX_LINES: usize = 50_000;

/// What one run, or one run that should have been, came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CoverageLine {
    /// Entry.
    pub entry: String,
    /// Target.
    pub target: String,
    /// When it was due; absent for one started by hand.
    pub due: Option<String>,
    /// When it began; for one that nobody was heard about, when it was due.
    pub from: String,
    /// When it ended.
    pub to: String,
    /// What came of it, in the words of [`CoverageState`].
    pub state: String,
    /// Why.
    pub why: Option<String>,
    /// Requests sent.
    pub requests: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests failed.
    pub failed: u64,
    /// Items read.
    pub records: u64,
    /// Items never seen before.
    pub new: u64,
    /// Items set aside.
    pub unreadable: u64,
    /// The agent that ran it; absent where none was heard.
    pub agent: Option<String>,
}

/// What became of the runs of one target on one UTC day, by when they were due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetDay {
    /// Target.
    pub target: String,
    /// The day, UTC.
    pub day: Date,
    /// Runs that were due, up to ten minutes before the time of asking.
    pub expected: u64,
    /// Of these, runs that an agent made, whatever came of them: not *not attempted*, not *not heard yet*.
    pub made: u64,
    /// Runs besides, started by hand or to describe items; they are in no other count.
    pub by_hand: u64,
    /// Due runs by state, in the words of [`CoverageState`]; the counts add up to `expected`.
    pub states: BTreeMap<String, u64>,
}

/// When an entry's targets were due, by its words at each time.
#[derive(Clone, Debug)]
pub struct Plan {
    entry: String,
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

    /// Due times of one target, with when its words were known to agents.
    fn dues<'a>(&'a self, target: &'a str) -> impl Iterator<Item = (Due, Timestamp)> + 'a {
        self.stretches.iter().flat_map(move |stretch| {
            let jitter = stretch.targets.iter().find(|(id, _)| id == target).map(|(_, jitter)| *jitter);
            jitter
                .into_iter()
                .flat_map(|jitter| stretch.schedule.between(stretch.from, stretch.to, jitter))
                .map(|due| (due, stretch.known))
        })
    }
}

/// Coverage of an entry between two instants, oldest first, by when runs were due or, without a due time, began: runs as agents reported
/// them, and due runs without a report, by what was in force when. At most [`MAX_LINES`] of the latter.
///
/// # Errors
///
/// The database's.
pub fn coverage_by(
    db: &Connection,
    plan: &Plan,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<CoverageLine>> {
    let mut found: Vec<(Timestamp, CoverageLine)> = Vec::new();
    let mut unheard = 0;
    each(db, plan, from, to, now, |target, at, said| match said {
        Said::Heard(row) => found.push((at, row.line.clone())),
        Said::Unheard { .. } if unheard >= MAX_LINES => {}
        Said::Unheard { state, why } => {
            unheard += 1;
            found.push((at, unheard_line(&plan.entry, target, at, state, why)));
        }
    })?;
    found.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.target.cmp(&other.target)));
    Ok(found.into_iter().map(|(_, line)| line).collect())
}

/// Counts of each target and UTC day between two instants, by target and day. Days without a due run are left out.
///
/// # Errors
///
/// The database's.
pub fn calendar(
    db: &Connection,
    plan: &Plan,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<TargetDay>> {
    let mut days: BTreeMap<(String, Date), TargetDay> = BTreeMap::new();
    each(db, plan, from, to, now, |target, at, said| {
        let day = at.to_zoned(TimeZone::UTC).date();
        let found = days.entry((target.to_owned(), day)).or_insert_with(|| TargetDay {
            target: target.to_owned(),
            day,
            expected: 0,
            made: 0,
            by_hand: 0,
            states: BTreeMap::new(),
        });
        let state = match said {
            Said::Heard(row) if row.due.is_none() => {
                found.by_hand += 1;
                return;
            }
            Said::Heard(row) => row.line.state.clone(),
            Said::Unheard { state, .. } => word(state),
        };
        found.expected += 1;
        found.made += u64::from(![CoverageState::NotAttempted, CoverageState::NotHeardYet].map(word).contains(&state));
        *found.states.entry(state).or_default() += 1;
    })?;
    Ok(days.into_values().collect())
}

/// The newest run heard of an entry that came to its end.
pub(super) fn newest_line(db: &Connection, entry: &str) -> rusqlite::Result<Option<CoverageLine>> {
    let found = rows(db, "c.entry = ?1 AND c.complete = 1 ORDER BY c.from_at DESC, c.idx DESC LIMIT 1", &[&entry])?;
    Ok(found.into_iter().next().map(|row| row.line))
}

/// A run as the newest of its segments tells of it.
#[derive(Clone, Debug)]
struct Row {
    line: CoverageLine,
    run: String,
    agent: String,
    seq: i64,
    complete: bool,
    due: Option<Timestamp>,
    from: Timestamp,
}

enum Said<'a> {
    Heard(&'a Row),
    Unheard { state: CoverageState, why: Option<String> },
}

/// Tells of each run of a plan, target by target.
fn each(
    db: &Connection,
    plan: &Plan,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
    mut tell: impl FnMut(&str, Timestamp, Said<'_>),
) -> rusqlite::Result<()> {
    let second = SignedDuration::from_secs(1);
    // Fractions of a second do not sort as text, so a little more is fetched than is wanted.
    let low = from.checked_sub(second).unwrap_or(from);
    let high = to.checked_add(second).unwrap_or(to);
    let (low, high) = (whole(low), whole(high));
    let all = rows(
        db,
        "c.entry = ?1 AND ((c.due >= ?2 AND c.due <= ?3) OR (c.from_at >= ?2 AND c.from_at <= ?3)) ORDER BY c.idx",
        &[&plan.entry, &low, &high],
    )?;
    // A run of several segments counts once, as its newest segment tells of it.
    let mut runs: BTreeMap<(String, String), Row> = BTreeMap::new();
    for row in all {
        runs.insert((row.run.clone(), row.agent.clone()), row);
    }
    let mut targets: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for stretch in &plan.stretches {
        for (target, _) in &stretch.targets {
            targets.entry(target.clone()).or_default();
        }
    }
    for row in runs.into_values() {
        targets.entry(row.line.target.clone()).or_default().push(row);
    }
    let skips = skips(db, &plan.entry, &low)?;
    let mut agents = Agents::default();
    let until = to.min(now.checked_sub(PATIENCE).unwrap_or(now));
    for (target, mut heard) in targets {
        let dues: BTreeMap<Timestamp, Timestamp> =
            plan.dues(&target).map(|(due, known)| (due.at, known)).filter(|(at, _)| *at < to).collect();
        heard.sort_by_key(|row| row.from);
        let around = Around::of(db, &plan.entry, &target, &low, &high, now, &heard)?;
        let mut told: BTreeSet<Timestamp> = BTreeSet::new();
        for row in &mut heard {
            let at = row.due.unwrap_or(row.from);
            if !row.complete {
                around.unfinished(row);
            }
            if at < from || at >= to {
                continue;
            }
            // Two agents may report one run: it counts once, as the first tells of it.
            if row.due.is_none() || told.insert(at) {
                tell(&target, at, Said::Heard(row));
            }
        }
        for (at, known) in dues {
            if at >= until || at < known || told.contains(&at) {
                continue;
            }
            let (state, why) = match skips.get(&target).and_then(|skips| skipped(skips, at)) {
                Some(found) => (CoverageState::NotAttempted, Some(found.why.in_words().to_owned())),
                None => around.unheard(db, &mut agents, at)?,
            };
            tell(&target, at, Said::Unheard { state, why });
        }
    }
    Ok(())
}

/// What was heard of a target around the time asked for, oldest first.
struct Around {
    heard: Vec<Heard>,
}

#[derive(Clone)]
struct Heard {
    from: Timestamp,
    agent: String,
    seq: i64,
    blocked: Option<String>,
}

impl Around {
    fn of(
        db: &Connection,
        entry: &str,
        target: &str,
        low: &str,
        high: &str,
        now: Timestamp,
        within: &[Row],
    ) -> rusqlite::Result<Self> {
        let given: [&dyn ToSql; 3] = [&entry, &target, &low];
        let before = rows(
            db,
            "c.entry = ?1 AND c.target = ?2 AND c.complete = 1 AND c.from_at < ?3 ORDER BY c.from_at DESC LIMIT 1",
            &given,
        )?;
        let given: [&dyn ToSql; 3] = [&entry, &target, &high];
        let after = rows(
            db,
            "c.entry = ?1 AND c.target = ?2 AND c.complete = 1 AND c.from_at > ?3 ORDER BY c.from_at LIMIT 1",
            &given,
        )?;
        let heard = before.iter().chain(within).chain(&after);
        // What a clock set ahead dated into the future says nothing about now.
        let heard = heard.filter(|row| row.from <= now).map(|row| Heard {
            from: row.from,
            agent: row.agent.clone(),
            seq: row.seq,
            blocked: (row.line.state == word(CoverageState::Blocked)).then(|| row.line.from.clone()),
        });
        Ok(Self { heard: heard.collect() })
    }

    /// A run whose last segment is not here: still under way, or cut where the agent has gone on with later ones.
    fn unfinished(&self, row: &mut Row) {
        let gone_on = self.heard.iter().any(|heard| heard.agent == row.agent && heard.from > row.from);
        let said = if gone_on { "the agent ended before the run did" } else { "the run is under way" };
        row.line.state = word(CoverageState::Partial);
        row.line.why = Some(match row.line.why.take() {
            Some(why) => format!("{said}; {why}"),
            None => said.to_owned(),
        });
    }

    /// What a due time without a run means.
    fn unheard(
        &self,
        db: &Connection,
        agents: &mut Agents,
        at: Timestamp,
    ) -> rusqlite::Result<(CoverageState, Option<String>)> {
        let next = self.heard.partition_point(|heard| heard.from <= at);
        let (earlier, later) = self.heard.split_at(next);
        let newest = earlier.last();
        if let Some(later) = later.first() {
            let seq = earlier.iter().rev().find(|heard| heard.agent == later.agent).map_or(0, |heard| heard.seq);
            return Ok(match agents.missing(db, &later.agent, seq, later.seq)? {
                None => {
                    let why = newest.and_then(|heard| heard.blocked.as_ref()).map_or_else(
                        || "the agent has reported later runs and none for this time".to_owned(),
                        |since| format!("blocked since {since}; it waited for a person"),
                    );
                    (CoverageState::NotAttempted, Some(why))
                }
                Some(why) => (CoverageState::NotHeardYet, Some(why)),
            });
        }
        let Some(newest) = newest else {
            return Ok((CoverageState::NotHeardYet, Some("no run of this target was ever heard of".to_owned())));
        };
        let last = agents.last(db, &newest.agent)?;
        Ok(match (&newest.blocked, last) {
            (Some(since), Some(last)) if last >= at => {
                (CoverageState::NotAttempted, Some(format!("blocked since {since}; it waits for a person")))
            }
            (_, Some(last)) => {
                (CoverageState::NotHeardYet, Some(format!("agent {} was last heard of at {last}", newest.agent)))
            }
            (_, None) => (CoverageState::NotHeardYet, None),
        })
    }
}

/// What is known of agents, asked once each.
#[derive(Default)]
struct Agents {
    last: HashMap<String, Option<Timestamp>>,
    missing: HashMap<(String, i64, i64), Option<String>>,
}

impl Agents {
    /// When an agent's newest segment was closed.
    fn last(&mut self, db: &Connection, agent: &str) -> rusqlite::Result<Option<Timestamp>> {
        if let Some(found) = self.last.get(agent) {
            return Ok(*found);
        }
        let found: Option<String> = db
            .prepare_cached("SELECT closed_at FROM segments WHERE agent = ?1 ORDER BY idx DESC LIMIT 1")?
            .query_row([agent], |row| row.get(0))
            .optional()?;
        let found = found.and_then(|text| text.parse().ok());
        self.last.insert(agent.to_owned(), found);
        Ok(found)
    }

    /// Which segments between two of an agent's are not in the log, in words: a run may be in them.
    fn missing(&mut self, db: &Connection, agent: &str, after: i64, until: i64) -> rusqlite::Result<Option<String>> {
        let key = (agent.to_owned(), after, until);
        if let Some(found) = self.missing.get(&key) {
            return Ok(found.clone());
        }
        let there: i64 = db
            .prepare_cached(
                "SELECT count(DISTINCT seq) FROM leaves WHERE kind = 'manifest' AND agent = ?1 AND seq > ?2 AND seq <= ?3",
            )?
            .query_row((agent, after, until), |row| row.get(0))?;
        let lack = until.saturating_sub(after).saturating_sub(there);
        let found = (lack > 0).then(|| {
            format!("{lack} of agent {agent}'s segments {} to {until} are not in the log", after.saturating_add(1))
        });
        self.missing.insert(key, found.clone());
        Ok(found)
    }
}

/// What agents said they skipped since `low`, by target and first due time.
fn skips(
    db: &Connection,
    entry: &str,
    low: &str,
) -> rusqlite::Result<HashMap<String, BTreeMap<Timestamp, Vec<Skipped>>>> {
    let mut found: HashMap<String, BTreeMap<Timestamp, Vec<Skipped>>> = HashMap::new();
    let mut statement = db.prepare_cached(
        "SELECT target, skipped FROM coverage WHERE entry = ?1 AND skipped IS NOT NULL AND complete = 1 AND to_at >= ?2",
    )?;
    for row in statement.query_map((entry, low), |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))? {
        let (target, text) = row?;
        let said: Vec<Skipped> = serde_json::from_str(&text).unwrap_or_default();
        for skip in said {
            found.entry(target.clone()).or_default().entry(skip.first).or_default().push(skip);
        }
    }
    Ok(found)
}

fn skipped(skips: &BTreeMap<Timestamp, Vec<Skipped>>, at: Timestamp) -> Option<&Skipped> {
    // Stretches follow one another, but for those that two agents tell of; so the nearest few are enough.
    skips.range(..=at).rev().take(16).flat_map(|(_, skips)| skips).find(|skip| skip.last >= at)
}

fn rows(db: &Connection, which: &str, given: &[&dyn ToSql]) -> rusqlite::Result<Vec<Row>> {
    let sql = format!(
        "SELECT c.entry, c.target, c.due, c.from_at, c.to_at, c.state, c.why, c.requests, c.refused, c.failed, c.records, c.new, c.unreadable,
                c.agent, c.run, s.seq, c.complete
         FROM coverage c JOIN segments s ON s.idx = c.idx WHERE {which}"
    );
    db.prepare_cached(&sql)?.query_map(given, row)?.collect()
}

fn row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let (due, from): (Option<String>, String) = (row.get(2)?, row.get(3)?);
    let agent: String = row.get(13)?;
    Ok(Row {
        run: row.get(14)?,
        seq: row.get(15)?,
        complete: row.get(16)?,
        due: due.as_ref().and_then(|due| due.parse().ok()),
        from: from.parse().unwrap_or(Timestamp::MIN),
        line: CoverageLine {
            entry: row.get(0)?,
            target: row.get(1)?,
            due,
            from,
            to: row.get(4)?,
            state: row.get(5)?,
            why: row.get(6)?,
            requests: unsigned(row.get(7)?),
            refused: unsigned(row.get(8)?),
            failed: unsigned(row.get(9)?),
            records: unsigned(row.get(10)?),
            new: unsigned(row.get(11)?),
            unreadable: unsigned(row.get(12)?),
            agent: Some(agent.clone()),
        },
        agent,
    })
}

/// An instant as the tables write it, without a fraction.
fn whole(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn word(state: CoverageState) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn unheard_line(entry: &str, target: &str, due: Timestamp, state: CoverageState, why: Option<String>) -> CoverageLine {
    let due = due.to_string();
    CoverageLine {
        entry: entry.to_owned(),
        target: target.to_owned(),
        from: due.clone(),
        to: due.clone(),
        due: Some(due),
        state: word(state),
        why,
        requests: 0,
        refused: 0,
        failed: 0,
        records: 0,
        new: 0,
        unreadable: 0,
        agent: None,
    }
}

#[cfg(test)]
mod tests;
