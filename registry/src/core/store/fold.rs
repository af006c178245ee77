//! Which revisions does an item have, given its sightings? A pure function, the same for every engine.
//!
//! Lines are taken in the order of the log. A line captured after all before it is compared with the current revision: the same content
//! is a sighting, another one a new revision, and going back to an earlier text is one too. A line captured earlier than what is known
//! is compared with what was in effect then and right after; if it differs from both, it is a revision whose cause is `late`.

use jiff::Timestamp;

/// One line about an item: what it said (`None`: withdrawn), when, read by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sighting {
    pub id: i64,
    pub at: Timestamp,
    pub content: Option<String>,
    pub reader: String,
}

/// A revision and the sightings that make it, by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revision {
    /// Line that began it.
    pub id: i64,
    pub content: Option<String>,
    pub cause: &'static str,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub sightings: u64,
}

/// An item's history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct History {
    /// In the order of the log.
    pub revisions: Vec<Revision>,
    /// Position of the current revision.
    pub current: usize,
    /// For each sighting given, the id of its revision.
    pub of: Vec<i64>,
}

/// Folds sightings, ascending by id. Withdrawals before the first description speak of nothing known and are left out (id 0 in `of`).
pub(super) fn fold(sightings: &[Sighting]) -> History {
    let mut history = History::default();
    // By time: (captured, id) to position among revisions and reader.
    let mut timeline: std::collections::BTreeMap<(Timestamp, i64), (usize, &str)> = std::collections::BTreeMap::new();
    for sighting in sightings {
        if history.revisions.is_empty() && sighting.content.is_none() {
            history.of.push(0);
            continue;
        }
        let key = (sighting.at, sighting.id);
        let before = timeline.range(..key).next_back().map(|(_, found)| *found);
        let after = timeline.range(key..).next().map(|(_, found)| *found);
        let says_the_same =
            |at: &usize| history.revisions.get(*at).is_some_and(|revision| revision.content == sighting.content);
        let same = [before, after].into_iter().flatten().map(|(at, _)| at).find(says_the_same);
        let position = match same {
            Some(at) => {
                if let Some(revision) = history.revisions.get_mut(at) {
                    revision.first_seen_at = revision.first_seen_at.min(sighting.at);
                    revision.last_seen_at = revision.last_seen_at.max(sighting.at);
                    revision.sightings += 1;
                }
                at
            }
            None => {
                let cause = match (before, after) {
                    (_, Some(_)) => "late",
                    (Some((_, reader)), None) if reader != sighting.reader && sighting.content.is_some() => "reader",
                    _ => "source",
                };
                history.revisions.push(Revision {
                    id: sighting.id,
                    content: sighting.content.clone(),
                    cause,
                    first_seen_at: sighting.at,
                    last_seen_at: sighting.at,
                    sightings: 1,
                });
                history.revisions.len() - 1
            }
        };
        timeline.insert(key, (position, &sighting.reader));
        history.of.push(history.revisions.get(position).map_or(0, |revision| revision.id));
    }
    history.current = timeline.last_key_value().map_or(0, |(_, (position, _))| *position);
    history
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as `minute text` or `minute text reader`; `-` is a withdrawal.
    fn check(lines: &[&str], expected: &[&str]) {
        let sightings: Vec<Sighting> = lines
            .iter()
            .zip(1..)
            .map(|(line, id)| {
                let mut words = line.split(' ');
                let minute: i64 = words.next().unwrap().parse().unwrap();
                let content = words.next().filter(|word| *word != "-").map(str::to_owned);
                let reader = words.next().unwrap_or("r1").to_owned();
                Sighting { id, at: Timestamp::from_second(minute * 60).unwrap(), content, reader }
            })
            .collect();
        let history = fold(&sightings);
        let found: Vec<String> = history
            .revisions
            .iter()
            .enumerate()
            .map(|(at, revision)| {
                let text = revision.content.as_deref().unwrap_or("-");
                let mark = if at == history.current { " now" } else { "" };
                format!("{}: {text} x{} {}{mark}", revision.id, revision.sightings, revision.cause)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_same_again_is_a_sighting() {
        check(&["1 a", "2 a", "3 a"], &["1: a x3 source now"]);
    }

    #[test]
    fn going_back_is_a_revision() {
        check(&["1 a", "2 b", "3 a"], &["1: a x1 source", "2: b x1 source", "3: a x1 source now"]);
    }

    #[test]
    fn another_reader_is_named_as_the_cause() {
        check(&["1 a", "2 b r2", "3 c r2"], &["1: a x1 source", "2: b x1 reader", "3: c x1 source now"]);
    }

    #[test]
    fn what_arrives_late_is_put_where_it_belongs() {
        check(&["1 a", "5 b", "2 a", "4 b"], &["1: a x2 source", "2: b x2 source now"]);
        check(&["1 a", "5 b", "3 c"], &["1: a x1 source", "2: b x1 source now", "3: c x1 late"]);
    }

    #[test]
    fn withdrawal_and_return_are_revisions() {
        check(&["1 a", "2 -", "3 -", "4 a"], &["1: a x1 source", "2: - x2 source", "4: a x1 source now"]);
    }

    #[test]
    fn a_withdrawal_of_something_unknown_is_left_out() {
        check(&["1 -", "2 a"], &["2: a x1 source now"]);
        check(&["1 -"], &[]);
    }
}
