//! Redundant sound (RFC 2198): each packet repeats what the ones before it carried, so that one lost
//! packet is not heard. A forwarder hands it on with the receiver's payload types in the block
//! headers, or takes the newest block alone out of it for a receiver that does not know the form.
//! This module must never know what a block holds.

#![forbid(unsafe_code)]

/// Redundant blocks of a packet at most; browsers send one or two.
const REDUNDANT_MAX: u8 = 8;
const REDUNDANT_HEADER_BYTES: usize = 4;

/// How a payload is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    redundant: u8,
    primary_at: u16,
}

impl Blocks {
    /// Reads the block headers at the front of a payload; nothing where they are cut short, or name
    /// more than there is.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut redundant = 0_u8;
        let mut bytes = 0_usize;
        let mut at = 0_usize;
        loop {
            let rest = payload.get(at..)?;
            match *rest {
                [last, ..] if last & 0x80 == 0 => break,
                [_, _, high, low, ..] if redundant < REDUNDANT_MAX => {
                    // 14 bits of timestamp offset, 10 of length.
                    bytes += usize::from(u16::from_be_bytes([high, low]) & 0x3FF);
                    redundant += 1;
                    at += REDUNDANT_HEADER_BYTES;
                }
                _ => return None,
            }
        }
        let primary_at = at + 1 + bytes;
        if primary_at >= payload.len() {
            return None;
        }
        Some(Self {
            redundant,
            primary_at: u16::try_from(primary_at).ok()?,
        })
    }

    /// Where the newest block begins: what a packet without redundancy would hold.
    pub fn primary_at(&self) -> usize {
        usize::from(self.primary_at)
    }

    /// Names this payload type in every block header of `payload`, the one that was read or a copy
    /// of it.
    pub fn rename(&self, payload_type: u8, payload: &mut [u8]) {
        for block in 0..=usize::from(self.redundant) {
            if let Some(first) = payload.get_mut(block * REDUNDANT_HEADER_BYTES) {
                *first = *first & 0x80 | payload_type & 0x7F;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One redundant block of three bytes, 960 before the primary one of two.
    const PAYLOAD: [u8; 10] = [0x80 | 111, 0x0F, 0x00, 3, 111, 1, 2, 3, 8, 9];

    #[test]
    fn the_newest_block_is_found_and_all_are_renamed() {
        let blocks = Blocks::parse(&PAYLOAD).expect("well formed");
        assert_eq!(&PAYLOAD[blocks.primary_at()..], [8, 9]);
        let mut renamed = PAYLOAD;
        blocks.rename(96, &mut renamed);
        assert_eq!(renamed, [0x80 | 96, 0x0F, 0x00, 3, 96, 1, 2, 3, 8, 9]);
        assert_eq!(Blocks::parse(&renamed), Some(blocks));
        let alone = Blocks::parse(&[111, 5]).expect("the newest alone");
        assert_eq!(alone.primary_at(), 1);
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        for end in 0..9 {
            assert_eq!(Blocks::parse(&PAYLOAD[..end]), None, "{end} bytes");
        }
        assert_eq!(Blocks::parse(&[0x80; 100]), None, "headers without end");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(blocks) = Blocks::parse(&bytes) {
                prop_assert!(blocks.primary_at() < bytes.len());
                blocks.rename(1, &mut bytes);
                prop_assert_eq!(Blocks::parse(&bytes), Some(blocks));
            }
        }
    }
}
