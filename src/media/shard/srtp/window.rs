//! Which packets of a stream have been seen, and what whole index a 16-bit number stands for.

use super::super::rtp;

/// The highest index of a stream so far, and which of those below it have been accepted.
///
/// A ring of bits as in RFC 6479: an index lies in word (index / 64) mod `WORDS`, and going up
/// clears the words gone over. At least (`WORDS` − 1) · 64 of the newest indices are told apart;
/// older ones count as seen.
#[derive(Debug, Clone)]
pub(super) struct Window<const WORDS: usize> {
    highest: u64,
    accepted: [u64; WORDS],
}

impl<const WORDS: usize> Window<WORDS> {
    /// A window that has accepted this one index.
    pub(super) fn starting_with(index: u64) -> Self {
        let mut window = Self {
            highest: index,
            accepted: [0; WORDS],
        };
        window.accept(index);
        window
    }

    /// The whole index nearest to the highest so far (RFC 3711 section 3.3.1).
    pub(super) fn estimate(&self, sequence: u16) -> u64 {
        rtp::nearest(self.highest, sequence)
    }

    /// Whether the index is neither accepted already nor too old to tell.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        let words_behind = self.highest / 64 - index / 64;
        let word = self.accepted.get(slot::<WORDS>(index));
        words_behind < WORDS as u64 && word.is_some_and(|word| word & bit(index) == 0)
    }

    /// Remembers an authentic index. One too old to remember changes nothing.
    pub(super) fn accept(&mut self, index: u64) {
        if index > self.highest {
            let words_ahead = index / 64 - self.highest / 64;
            for step in 1..=words_ahead.min(WORDS as u64) {
                if let Some(word) = self
                    .accepted
                    .get_mut(slot::<WORDS>(self.highest + step * 64))
                {
                    *word = 0;
                }
            }
            self.highest = index;
        }
        if self.highest / 64 - index / 64 < WORDS as u64
            && let Some(word) = self.accepted.get_mut(slot::<WORDS>(index))
        {
            *word |= bit(index);
        }
    }
}

fn slot<const WORDS: usize>(index: u64) -> usize {
    usize::try_from(index / 64 % WORDS as u64).unwrap_or_default()
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn estimates_over_the_rollover_and_back() {
        let mut window = Window::<16>::starting_with(65530);
        assert_eq!(window.estimate(3), 65539);
        window.accept(65539);
        assert_eq!(window.estimate(65535), 65535);
        assert_eq!(window.estimate(4), 65540);
    }

    #[test]
    fn before_the_first_rollover_nothing_lies_behind_zero() {
        let window = Window::<16>::starting_with(5);
        assert_eq!(window.estimate(65535), 65535);
    }

    #[test]
    fn half_way_the_rollover_counter_stays_as_in_rfc_3711_appendix_a() {
        let low = Window::<16>::starting_with((7 << 16) | 100);
        assert_eq!(low.estimate(100 + 32768), (7 << 16) | (100 + 32768));
        let high = Window::<16>::starting_with((7 << 16) | 40000);
        assert_eq!(high.estimate(40000 - 32768), (7 << 16) | (40000 - 32768));
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(start in 0_u64..200, steps in proptest::collection::vec(-400_i64..300, 1..400)) {
            const WORDS: usize = 3;
            let mut window = Window::<WORDS>::starting_with(start);
            let mut seen = HashSet::from([start]);
            let mut highest = start;
            for step in steps {
                let index = highest.saturating_add_signed(step);
                let told_apart = index / 64 + WORDS as u64 > highest / 64;
                prop_assert_eq!(window.is_fresh(index), told_apart && !seen.contains(&index));
                window.accept(index);
                seen.insert(index);
                highest = highest.max(index);
                prop_assert!(!window.is_fresh(index));
            }
        }
    }
}
