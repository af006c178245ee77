//! Which number comes next? Chance that is the same in every run with the same seed (SplitMix64).

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The seed of `VIGIE_SEED`, else this one; printed, so that a failure can be played again.
    #[must_use]
    pub fn of(test: &str, seed: u64) -> Self {
        let seed = std::env::var("VIGIE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(seed);
        println!("{test}: VIGIE_SEED={seed}");
        Self(seed)
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(end).unwrap_or(0)
    }
}
