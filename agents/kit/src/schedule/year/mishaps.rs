//! What goes wrong, and when: drawn by lot, the same for the same seed.

use std::collections::VecDeque;

/// Random numbers: small, and the same everywhere.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.next() % u64::try_from(high - low).unwrap()).unwrap()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The process ends without a word, and is started again so many seconds later.
    Crash(i64),
    /// The same, right after the next look and before any row is taken.
    CrashOnLook(i64),
    /// The same, right after the next row was taken.
    CrashOnRow(i64),
    /// The machine sleeps for so many seconds.
    Sleep(i64),
    /// The clock is set by so many seconds, and back again some hours later.
    Set(i64),
    /// Nothing may be collected for so many seconds.
    NoPolicy(i64),
}

/// Mishaps by time, in seconds since the start: about two a day.
pub(super) fn mishaps(dice: &mut Dice, secs: i64) -> VecDeque<(i64, Mishap)> {
    let mut all = Vec::new();
    let mut at = 0;
    // The last one is over before the end.
    while at < secs - 4 * 86_400 {
        at += dice.between(1_800, 86_400);
        let rare = dice.between(0, 12) == 0;
        let short = dice.between(20, 5_400);
        let long = dice.between(3_600, 60 * 3_600);
        let lasts = if rare { long } else { short };
        all.push((
            at,
            match dice.between(0, 8) {
                0 => Mishap::Crash(lasts),
                1 => Mishap::CrashOnLook(dice.between(1, 300)),
                2 | 3 => Mishap::CrashOnRow(dice.between(1, 300)),
                4 | 5 => Mishap::Sleep(lasts),
                6 => Mishap::Set(if dice.next().is_multiple_of(2) { lasts + 60 } else { -lasts - 60 }),
                _ => Mishap::NoPolicy(lasts),
            },
        ));
    }
    all.sort_by_key(|(at, _)| *at);
    all.into()
}
