//! Was each due run made once, or told once with a reason that was one?
//!
//! - *Made*: a run of that due time came to its end, once. Whatever was told of it besides, while a wrong clock had it in the past, is not held
//!   against the agent: what was told stands in the log and cannot be taken back. At other times the count below holds it against the agent.
//! - *Told*: not made, and within one stretch that an agent told of (or had still to tell at the end). Its reason must have been there at that
//!   time, by what the simulation did to the machine. An agent knows only what it sees when it looks: so the 300 seconds before a mishap, in which
//!   it may not have looked, count as within it, and mishaps that come between two looks are one, with both reasons.
//!   Within two stretches is wrong, and so is a stretch that counts other runs than those not made in it; but for times that a clock read twice or
//!   jumped over.
//! - Anything else is lost. What began and was not due by the oracle is wrong as well.

use std::{
    collections::{BTreeMap, HashSet},
    ops::AddAssign,
};

use jiff::Timestamp;
use schemas::coverage::{SkipReason, Skipped};

use super::{
    oracle::{Target, ZONES},
    sim::{Happened, Span},
};

/// What became of the expected runs of one zone.
#[derive(Default)]
struct Sum {
    expected: u64,
    made: u64,
    doubled: u64,
    skipped: BTreeMap<SkipReason, u64>,
    lost: Vec<String>,
    unasked: Vec<String>,
    unfounded: Vec<String>,
    twice: Vec<String>,
    miscounted: Vec<String>,
    /// Stretches that were counted again.
    counted: u64,
}

/// Things that last from one second to another, both included, to be asked by second.
struct Lasting<T> {
    /// By the first second; with the latest last second of all up to here.
    sorted: Vec<(i64, i64, i64, T)>,
}

impl<T> Lasting<T> {
    fn new(all: impl IntoIterator<Item = (i64, i64, T)>) -> Self {
        let mut sorted: Vec<_> = all.into_iter().map(|(from, until, what)| (from, until, 0, what)).collect();
        sorted.sort_by_key(|(from, ..)| *from);
        let mut latest = i64::MIN;
        for (_, until, so_far, _) in &mut sorted {
            latest = latest.max(*until);
            *so_far = latest;
        }
        Self { sorted }
    }

    /// All that have something of these seconds.
    fn within(&self, low: i64, high: i64) -> impl Iterator<Item = &T> {
        let end = self.sorted.partition_point(|(from, ..)| *from <= high);
        let before = self.sorted[..end].iter().rev().take_while(move |(_, _, so_far, _)| *so_far >= low);
        before.filter(move |(_, until, ..)| *until >= low).map(|(.., what)| what)
    }

    fn at(&self, second: i64) -> impl Iterator<Item = &T> {
        self.within(second, second)
    }
}

fn lasting(spans: &[Span]) -> Lasting<SkipReason> {
    Lasting::new(spans.iter().map(|(why, from, until)| (*from, *until, *why)))
}

pub(super) fn judge(targets: &[Target], due: &[HashSet<i64>], from: i64, days: i64, happened: &Happened) {
    let (all, end) = (lasting(&happened.all), from + days * 86_400);
    let near = |second: i64| {
        let near = happened.log.iter().filter(|(at, _)| (second - 200_000..second + 100_000).contains(at));
        let near: Vec<String> = near.map(|(at, what)| format!("{what:?} at {}", at - second)).collect();
        near.join(", ")
    };
    let mut sums: Vec<Sum> = ZONES.iter().map(|_| Sum::default()).collect();
    for (number, target) in targets.iter().enumerate() {
        let (sum, ended) = (&mut sums[target.zone], &happened.ended[number]);
        let name = |second: i64| {
            let when = Timestamp::from_second(second).unwrap();
            format!("{} `{}` {when}", target.id, target.schedule.line())
        };
        let own = lasting(&happened.own[number]);
        let stretch = |skip: &Skipped| (skip.first.as_second(), skip.last.as_second());
        let told = Lasting::new(happened.told[number].iter().map(|skip| (stretch(skip).0, stretch(skip).1, skip)));
        let doubted = |low, high| all.within(low, high).any(|why| *why == SkipReason::Clock);
        let mut seconds: Vec<i64> = due[number].iter().copied().collect();
        seconds.sort_unstable();
        for &second in &seconds {
            sum.expected += 1;
            if let Some(times) = ended.get(&second) {
                sum.made += 1;
                sum.doubled += u64::from(*times > 1);
                continue;
            }
            let mut speak = told.at(second);
            let Some(skip) = speak.next() else {
                sum.lost.push(format!("{}, near it {}", name(second), near(second)));
                continue;
            };
            sum.skipped.entry(skip.why).or_default().add_assign(1);
            if !own.at(second).chain(all.at(second)).any(|why| *why == skip.why) {
                sum.unfounded.push(format!("{} {skip:?}, near it {}", name(second), near(second)));
            }
            if let Some(other) = speak.next().filter(|_| !doubted(second, second)) {
                sum.twice.push(format!("{} {skip:?} {other:?}, near it {}", name(second), near(second)));
            }
        }
        for skip in &happened.told[number] {
            let (first, last) = stretch(skip);
            if doubted(first, last) || last >= end {
                continue;
            }
            let [low, high] = [first, last + 1].map(|second| seconds.partition_point(|due| *due < second));
            let runs = seconds[low..high].iter().filter(|second| !ended.contains_key(second));
            let runs = runs.filter(|second| told.at(**second).all(|other| std::ptr::eq(*other, skip))).count();
            sum.counted += 1;
            if skip.runs != u64::try_from(runs).unwrap() {
                sum.miscounted.push(format!("{} {skip:?}, but {runs}, near it {}", name(first), near(first)));
            }
        }
        let late = i64::from(target.jitter.secs());
        let asked = |second: i64| second < from + late || second >= end || due[number].contains(&second);
        sum.unasked.extend(happened.begun[number].iter().copied().filter(|second| !asked(*second)).map(name));
    }
    println!(
        "{days} days of {}, {} targets; {:?}",
        Timestamp::from_second(from).unwrap(),
        targets.len(),
        happened.count
    );
    print!("{:<20}{:>10}{:>10}", "zone", "expected", "made");
    SkipReason::ALL.iter().for_each(|why| print!("{:>10}", format!("{why:?}").to_lowercase()));
    println!("{:>6}{:>9}", "lost", "doubled");
    let print = |name: &str, sum: &Sum| {
        print!("{name:<20}{:>10}{:>10}", sum.expected, sum.made);
        SkipReason::ALL.iter().for_each(|why| print!("{:>10}", sum.skipped.get(why).copied().unwrap_or_default()));
        println!("{:>6}{:>9}", sum.lost.len(), sum.doubled);
    };
    let mut total = Sum::default();
    for (zone, sum) in ZONES.iter().zip(sums).filter(|(_, sum)| sum.expected > 0) {
        print(zone, &sum);
        total.expected += sum.expected;
        total.made += sum.made;
        total.doubled += sum.doubled;
        total.counted += sum.counted;
        sum.skipped.iter().for_each(|(why, runs)| total.skipped.entry(*why).or_default().add_assign(runs));
        total.lost.extend(sum.lost);
        total.unasked.extend(sum.unasked);
        total.unfounded.extend(sum.unfounded);
        total.twice.extend(sum.twice);
        total.miscounted.extend(sum.miscounted);
    }
    print("all", &total);
    let told: usize = happened.told.iter().map(Vec::len).sum();
    println!("{told} stretches told, {} of them far from any set clock and counted again", total.counted);
    let wrong = [
        ("neither made nor told", &total.lost),
        ("made and not due by the oracle", &total.unasked),
        ("told with a reason that was none", &total.unfounded),
        ("told twice", &total.twice),
        ("told with another count", &total.miscounted),
    ];
    for (what, some) in wrong {
        if !some.is_empty() {
            println!("{} {what}:\n{}", some.len(), some[..some.len().min(10)].join("\n"));
        }
    }
    assert_eq!(wrong.map(|(what, some)| (some.len(), what)), wrong.map(|(what, _)| (0, what)));
    assert_eq!(total.doubled, 0, "doubled");
    assert!(total.made * 100 > total.expected * 60, "most runs are made");
}
