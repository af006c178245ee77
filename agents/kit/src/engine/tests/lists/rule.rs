//! The rule of what is told, over whole readings, held against random histories.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    super::{feed, world::Reply},
    HOUR, update, vanished,
};

/// One day of an invented source.
#[derive(Clone, Debug)]
struct Day {
    hours: i64,
    reader: u8,
    rows: BTreeSet<u64>,
    /// Whether the whole list bears the tag by which it is known to be unchanged.
    tagged: bool,
}

/// A list, read a few times, now and then without one of its items.
fn stretch(size: u64) -> impl Strategy<Value = Vec<Day>> {
    let rows = prop_oneof![
        4 => Just((0..size, 0)),
        4 => Just((0..size * 2 / 5, 0)),
        2 => Just((0..size - size / 8, 0)),
        1 => Just((size / 2..size, 0)),
        1 => Just((0..size * 2 / 5, 3)),
        1 => Just((0..0, size)),
        1 => Just((0..0, 0)),
    ];
    let odd = prop_oneof![4 => Just(None), 1 => (0..size).prop_map(Some)];
    let reader = prop_oneof![9 => Just(0), 1 => Just(1)];
    let days = proptest::collection::vec((1..12_i64, odd, any::<bool>()), 1..6);
    (rows, reader, days).prop_map(|((old, new), reader, days)| {
        let day = |(hours, odd, tagged)| {
            let rows: BTreeSet<u64> = old.clone().chain(1_000..1_000 + new).filter(|id| Some(*id) != odd).collect();
            Day { hours, reader, rows, tagged }
        };
        days.into_iter().map(day).collect()
    })
}

/// Validators are believed for a week: no history is longer.
fn days() -> impl Strategy<Value = (u64, Vec<Day>)> {
    let stretches = |size| (Just(size), proptest::collection::vec(stretch(size), 1..6));
    prop_oneof![Just(40_u64), Just(8)]
        .prop_flat_map(stretches)
        .prop_map(|(size, days)| (size, days.into_iter().flatten().take(14).collect()))
}

const fn too_many(ids: usize, changed: usize) -> bool {
    if ids < 20 { ids > 2 && changed * 2 > ids } else { changed * 20 > ids }
}

/// The rule, over whole readings: what each is said to have lost, with the first that lacked it. `None` stands for an answer that nothing changed.
fn rule(days: &[(Option<&BTreeSet<u64>>, u8, Timestamp)]) -> Vec<(u64, usize, usize)> {
    let (mut stands, mut once, mut said) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut last, mut doubt, mut all): (Option<usize>, Vec<usize>, Vec<_>) = (None, Vec::new(), Vec::new());
    let rows = |day: usize| days[day].0.unwrap();
    for (today, (held, reader, at)) in days.iter().enumerate() {
        let Some(held) = *held else {
            doubt.clear();
            continue;
        };
        if held.is_empty() {
            // Nothing listed and nothing said of it is a broken answer.
            continue;
        }
        let is_same = last.is_none_or(|last| days[last].1 == *reader);
        let lost: BTreeSet<u64> = stands.difference(held).copied().collect();
        let mut before = last.filter(|_| is_same);
        let mut gone: BTreeSet<u64> = once.difference(held).copied().collect();
        if too_many(stands.len(), lost.len()) || (!is_same && !lost.is_empty()) {
            let ever: BTreeSet<u64> = doubt.iter().flat_map(|day| rows(*day)).copied().collect();
            let never: BTreeSet<u64> = stands.difference(&ever).copied().collect();
            let agrees = doubt.iter().all(|day| days[*day].1 == *reader)
                && !too_many(never.len(), never.intersection(held).count())
                && !too_many(ever.len(), ever.difference(held).count());
            if !agrees {
                doubt.clear();
            }
            doubt.push(today);
            if doubt.len() < 3 || at.duration_since(days[doubt[0]].2).as_hours() < 24 {
                for back in [&mut once, &mut said] {
                    stands.extend(back.intersection(held));
                    back.retain(|id| !held.contains(id));
                }
                continue;
            }
            before = Some(doubt[0]);
            gone.extend(lost.iter().filter(|id| doubt.iter().all(|day| !rows(*day).contains(id))));
        }
        if before.is_none() {
            gone.clear();
        }
        all.extend(gone.iter().map(|id| (*id, today, before.unwrap())));
        once = once.union(&lost).filter(|id| !held.contains(id) && !gone.contains(id)).copied().collect();
        said = said.union(&gone).filter(|id| !held.contains(id)).copied().collect();
        (stands, last) = (held.clone(), Some(today));
        doubt.clear();
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_id_is_told_exactly_where_the_rule_says((size, days) in days()) {
        let (_dir, mut world) = feed();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut history = Vec::new();
        let whole: BTreeSet<u64> = (0..size).collect();
        for Day { hours, reader, rows, tagged } in &days {
            runtime.block_on(update(&mut world, &reader.to_string()));
            let at = crate::engine::Clock::now(&*world.clock);
            let text = format!("{{\"snapshot\":{:?}}}", rows.iter().collect::<Vec<_>>());
            let tagged = *tagged && *rows == whole;
            world.net.answers(move |_: &str| {
                if tagged { Reply::Tagged(text.clone(), "whole") } else { Reply::Json(text.clone()) }
            });
            let coverage = runtime.block_on(world.poll());
            let unchanged = coverage.records == 0 && !rows.is_empty();
            prop_assert!(!unchanged || tagged);
            history.push(((!unchanged).then_some(rows), *reader, at));
            world.clock.pass(hours * HOUR);
        }
        let told = vanished(&world);
        let short: Vec<_> =
            told.iter().map(|(id, [second, first, _])| (id.parse::<u64>().unwrap(), *second, *first)).collect();
        let mut expected = rule(&history);
        expected.sort_by_key(|(id, today, _)| (*today, id.to_string()));
        prop_assert_eq!(short, expected);
        for (id, [second, first, stood]) in &told {
            let id: u64 = id.parse().unwrap();
            let holds = |day: usize| history[day].0.is_some_and(|rows| rows.contains(&id));
            prop_assert!(holds(*stood) && stood < first && first < second);
            prop_assert!((*first..=*second).all(|day| !holds(day)));
        }
    }
}
