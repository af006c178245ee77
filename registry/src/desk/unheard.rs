//! What does a due time without a run mean?

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, ToSql};
use schemas::coverage::CoverageState;

use super::heard::{Row, rows, word};

/// What was heard of a target around the time asked for, oldest first.
pub(super) struct Around {
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
    pub(super) fn of(
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
    pub(super) fn unfinished(&self, row: &mut Row) {
        let gone_on = self.heard.iter().any(|heard| heard.agent == row.agent && heard.from > row.from);
        let said = if gone_on { "the agent ended before the run did" } else { "the run is under way" };
        row.line.state = word(CoverageState::Partial);
        row.line.why = Some(match row.line.why.take() {
            Some(why) => format!("{said}; {why}"),
            None => said.to_owned(),
        });
    }

    /// What a due time without a run means.
    pub(super) fn unheard(
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
pub(super) struct Agents {
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
