//! Sequence numbers beyond their 16 bits.

/// Counts on where 16-bit numbers wrap: each comes out as the one nearest to the highest so far.
///
/// The first comes out 2^16 above itself, so that its stragglers need not be negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unwrapped16 {
    highest: Option<u64>,
}

impl Unwrapped16 {
    /// The whole number that `low` stands for; remembers it if it is the highest.
    pub fn unwrap(&mut self, low: u16) -> u64 {
        let Some(highest) = self.highest else {
            let first = u64::from(low) + (1 << 16);
            self.highest = Some(first);
            return first;
        };
        let whole = nearest(highest, low);
        self.highest = Some(highest.max(whole));
        whole
    }

    /// The highest so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

/// The number nearest to `reference` whose low 16 bits are `low` (RFC 3711 appendix A). Of two
/// equally near, the one that shares the reference's high bits; never a negative one: below 2^15,
/// what would be negative counts as ahead.
pub fn nearest(reference: u64, low: u16) -> u64 {
    const HALF: u16 = 1 << 15;
    #[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are meant")]
    let reference_low = reference as u16;
    let ahead = low.wrapping_sub(reference_low);
    let forward = reference.saturating_add(u64::from(ahead));
    if ahead < HALF || (ahead == HALF && reference_low < HALF) {
        return forward;
    }
    let behind = u64::from(ahead.wrapping_neg());
    reference.checked_sub(behind).unwrap_or(forward)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_on_over_the_wrap_and_back() {
        let mut sequence = Unwrapped16::default();
        assert_eq!(sequence.unwrap(65534), 65536 + 65534);
        assert_eq!(sequence.unwrap(1), 2 * 65536 + 1);
        assert_eq!(sequence.unwrap(65535), 65536 + 65535);
        assert_eq!(sequence.highest(), Some(2 * 65536 + 1));
        assert_eq!(nearest(5, 65535), 65535);
        assert_eq!(nearest(u64::MAX, 0), u64::MAX);
    }

    proptest! {
        #[test]
        fn unwraps_any_walk_of_less_than_half_the_range(steps in proptest::collection::vec(-30000_i64..30000, 1..200)) {
            let mut sequence = Unwrapped16::default();
            let mut highest = 65536_i64;
            sequence.unwrap(0);
            for step in steps {
                let whole = (highest + step).max(0);
                let low = (whole % 65536) as u16;
                prop_assert_eq!(sequence.unwrap(low), whole as u64);
                highest = highest.max(whole);
            }
        }
    }
}
