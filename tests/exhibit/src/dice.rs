//! Which of several? Numbers that look random and are the same for the same seed on every machine and release.

/// SplitMix64 (Steele, Lea and Flood 2014): one addition and three mixes a number, no state but 64 bits.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of their own for one thing: `what` and `number` keep things apart, so that adding one changes no other.
    pub fn of(seed: u64, what: &str, number: u64) -> Dice {
        let mut dice = Dice(seed ^ fnv64(what.as_bytes()) ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        dice.roll();
        dice
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`; 0 when there is nothing to choose from.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % bound).unwrap_or(0)
    }

    /// One of the words, or an empty one when there are none.
    pub fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words.get(self.below(words.len())).copied().unwrap_or("")
    }
}

/// FNV-1a, 64 bits: a name for bytes in ETags. Not a digest anyone may rely on.
pub(crate) fn fnv64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
