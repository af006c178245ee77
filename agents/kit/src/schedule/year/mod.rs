//! A year of schedule in simulated time: the real [`Rota`](super::Rota) on the real state, with crashes, sleeps, clocks that are set, runs that fail
//! and a registry that is away.

mod judge;
mod mishaps;
mod oracle;
mod sim;

use jiff::Timestamp;

fn simulate(from: &str, days: i64, targets: &[oracle::Target], seed: u64) {
    let from: i64 = from.parse::<Timestamp>().unwrap().as_second();
    let due = oracle::oracle(targets, from, from + days * 86_400);
    println!("{days} days of {}, {} targets, seed {seed}", Timestamp::from_second(from).unwrap(), targets.len());
    let happened = sim::Sim::new(targets, from, seed).run(days * 86_400 + 7_200);
    judge::judge(targets, &due, from, days, &happened);
}

fn long() -> bool {
    std::env::var("VIGIE_LONG").is_ok_and(|long| long == "1")
}

/// In short: the clocks of ten of the twelve zones change within it.
#[test]
fn schedule_is_right_in_the_year_of_the_oddest_clocks() {
    if long() {
        simulate("2011-01-01T00:00:00Z", 365, &oracle::targets(oracle::ZONES.len()), 3);
    } else {
        simulate("2011-03-12T00:00:00Z", 30, &oracle::targets(1), 3);
    }
}

#[test]
fn schedule_is_right_this_year() {
    simulate("2026-01-01T00:00:00Z", if long() { 365 } else { 10 }, &oracle::targets(1), 5);
}

/// One agent after another, each with the targets of one zone and mishaps of its own: what no single year has beside each other.
#[test]
fn schedule_is_right_however_mishaps_meet() {
    let all = oracle::targets(oracle::ZONES.len());
    for seed in 100..if long() { 250 } else { 103 } {
        let mut targets = all.clone();
        targets.retain(|target| target.zone == seed % oracle::ZONES.len());
        simulate("2011-03-01T00:00:00Z", 60, &targets, u64::try_from(seed).unwrap());
    }
}
