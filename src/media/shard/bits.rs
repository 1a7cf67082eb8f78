//! Reading fields of bits, most significant first, in the codings that codecs' headers use.
//!
//! Works on slices and never panics: what lies past the end is `None`. This module must never
//! know what a field means.

#![forbid(unsafe_code)]

/// A reader of bits.
#[derive(Debug, Clone)]
pub struct Bits<'a> {
    rest: &'a [u8],
    byte: u8,
    /// Bits of `byte` not yet read.
    left: u8,
    /// H.264's emulation prevention: a 3 after two zeros is no part of the fields.
    escaped: bool,
    zeros: u8,
}

impl<'a> Bits<'a> {
    /// Over plain bytes.
    pub fn over(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            byte: 0,
            left: 0,
            escaped: false,
            zeros: 0,
        }
    }

    /// Over bytes in which a 3 stands behind each two zeros (H.264 section 7.4.1).
    pub fn over_escaped(bytes: &'a [u8]) -> Self {
        Self {
            escaped: true,
            ..Self::over(bytes)
        }
    }

    /// A field of 0 to 32 bits.
    pub fn take(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..bits {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// A field of one bit.
    pub fn flag(&mut self) -> Option<bool> {
        if self.left == 0 {
            self.byte = self.next_byte()?;
            self.left = 8;
        }
        self.left -= 1;
        Some(self.byte >> self.left & 1 != 0)
    }

    /// Passes over so many bits.
    pub fn skip(&mut self, bits: u32) -> Option<()> {
        for _ in 0..bits {
            self.flag()?;
        }
        Some(())
    }

    /// Exp-Golomb, unsigned: H.264's `ue(v)`, AV1's `uvlc()`. Those beyond 32 bits are declined.
    pub fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        // At most 2^32 − 1.
        self.take(zeros)?.checked_add((1 << zeros) - 1)
    }

    /// Exp-Golomb, signed: H.264's `se(v)`.
    pub fn signed_exp_golomb(&mut self) -> Option<i32> {
        let code = self.exp_golomb()?;
        let half = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 0 { -half } else { half })
    }

    /// AV1's `ns(n)`: a number below `count`, the small ones in a bit less.
    pub fn below(&mut self, count: u32) -> Option<u32> {
        let bits = count.checked_ilog2()?;
        let short = (2_u64 << bits) - u64::from(count);
        let value = self.take(bits)?;
        if u64::from(value) < short {
            return Some(value);
        }
        let longer = u64::from(value) * 2 + u64::from(self.flag()?) - short;
        u32::try_from(longer).ok()
    }

    fn next_byte(&mut self) -> Option<u8> {
        let (mut byte, mut rest) = self.rest.split_first()?;
        if self.escaped && self.zeros >= 2 && *byte == 3 {
            self.zeros = 0;
            (byte, rest) = rest.split_first()?;
        }
        self.rest = rest;
        self.zeros = if *byte == 0 {
            self.zeros.saturating_add(1)
        } else {
            0
        };
        Some(*byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codings_are_read_as_their_standards_say() {
        // H.264 table 9-2: 1, 010, 011, 00100, 00101.
        let mut bits = Bits::over(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.exp_golomb()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4].map(Some));
        let mut bits = Bits::over(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.signed_exp_golomb()).collect();
        assert_eq!(codes, [0, 1, -1, 2, -2].map(Some));
        // AV1 section 4.10.7, n = 5: 00, 01, 10, 110, 111.
        let mut bits = Bits::over(&[0b0001_1011, 0b0111_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.below(5)).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4].map(Some));
        assert_eq!(bits.below(1), Some(0));
        assert_eq!(bits.below(0), None);
        assert_eq!(Bits::over(&[0; 9]).exp_golomb(), None);
        let mut longest = vec![0, 0, 0, 1];
        longest.extend([0xFF; 4]);
        assert_eq!(Bits::over(&longest).exp_golomb(), Some(u32::MAX - 1));
    }

    #[test]
    fn what_prevents_emulation_is_left_out() {
        let escaped = [0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3];
        let mut bits = Bits::over_escaped(&escaped);
        let bytes: Vec<_> = std::iter::from_fn(|| bits.take(8)).collect();
        assert_eq!(bytes, [0, 0, 1, 0, 0, 0, 0, 3]);
        let mut bits = Bits::over(&escaped);
        assert_eq!(std::iter::from_fn(|| bits.take(8)).count(), escaped.len());
    }

    proptest! {
        #[test]
        fn any_bits_are_read_or_declined(bytes in proptest::collection::vec(any::<u8>(), 0..20), escaped: bool, asked in proptest::collection::vec((0_u8..5, any::<u32>()), 0..40)) {
            let mut bits = if escaped { Bits::over_escaped(&bytes) } else { Bits::over(&bytes) };
            for (kind, number) in asked {
                match kind {
                    0 => drop(bits.take(number % 33)),
                    1 => drop(bits.exp_golomb()),
                    2 => drop(bits.signed_exp_golomb()),
                    3 => drop(bits.skip(number % 100)),
                    _ => prop_assert!(bits.below(number).is_none_or(|value| value < number)),
                }
            }
        }
    }
}
