//! Continuity of one slot over its sources: what a receiver sees is one stream.
//!
//! Sequence number, timestamp and the VP8 descriptor's counters are shifted by amounts that are
//! fixed when a source is switched in and hold until the next switch. This module must never know
//! packets' bytes or where they go.

use std::time::{Duration, Instant};

use super::vp8::{Descriptor, Numbers, Shift};

/// The least time that a switch puts between two timestamps: one frame at 30 a second, so that a
/// decoder never sees two frames of one time.
const SWITCH_STEP: Duration = Duration::from_millis(33);

/// A gap of the source's that a slot takes over, in packets, as RFC 3550 appendix A.1 has it. A
/// larger one is made a gap of one, which still tells of a loss: receivers count on over less than
/// half of 2^16, and some such gaps in a row whose ends the network loses would make them lose
/// count of the rollovers, for this source and all that follow on the slot.
const GAP_MAX: u64 = 3000;

/// What goes out in place of what came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    /// 48-bit packet index: rollover counter and sequence number.
    pub index: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// What to add to the VP8 descriptor's counters.
    pub shift: Shift,
    /// The first packet since the source was switched in.
    pub first: bool,
}

/// What of a packet matters for continuity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming {
    /// Sequence number with its rollovers.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// A decoder can start here.
    pub starts: bool,
    /// Its VP8 descriptor, as it came.
    pub picture: Option<Descriptor>,
}

/// One slot's continuity.
#[derive(Debug, Clone)]
pub struct Rewrite {
    clock_hz: u32,
    /// The next index that was never used. An index must not carry two different packets: it is
    /// the cipher's nonce.
    next_index: u64,
    last_timestamp: u32,
    last_at: Option<Instant>,
    last_numbers: Numbers,
    current: Option<Current>,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    /// The source's packet that was sent first; older ones are not sent.
    first_sequence: u64,
    first_index: u64,
    timestamp_shift: u32,
    shift: Shift,
}

impl Rewrite {
    /// Begins a stream at this index (RFC 3711 asks for a first sequence number below 2^15, so
    /// that a lost first packet does not hide a rollover) and timestamp.
    pub fn new(clock_hz: u32, first_index: u16, first_timestamp: u32) -> Self {
        Self {
            clock_hz,
            next_index: u64::from(first_index & 0x7fff),
            last_timestamp: first_timestamp,
            last_at: None,
            last_numbers: Numbers::default(),
            current: None,
        }
    }

    /// Another source, or the same after a break: the next packet that starts something begins it.
    pub fn switch(&mut self) {
        self.current = None;
    }

    /// The timestamp of the newest packet.
    pub fn last_timestamp(&self) -> u32 {
        self.last_timestamp
    }

    /// What to add to the source's timestamps, once it is sent.
    pub fn timestamp_shift(&self) -> Option<u32> {
        self.current.map(|current| current.timestamp_shift)
    }

    /// Where a packet goes in the stream; nothing when it is not sent: before the source has
    /// started, or a straggler from before the switch.
    pub fn map(&mut self, now: Instant, packet: &Incoming) -> Option<Mapped> {
        let (mut current, first) = match self.current {
            Some(current) => (current, false),
            None if packet.starts => (self.begin(now, packet), true),
            None => return None,
        };
        let ahead = packet.sequence.checked_sub(current.first_sequence)?;
        let mut index = current.first_index + ahead;
        if index > self.next_index + GAP_MAX {
            index = self.next_index + 1;
            current.first_sequence = packet.sequence;
            current.first_index = index;
            self.current = Some(current);
        }
        let timestamp = packet.timestamp.wrapping_add(current.timestamp_shift);
        if index >= self.next_index {
            self.next_index = index + 1;
            self.last_timestamp = timestamp;
            self.last_at = Some(now);
            if let Some(picture) = &packet.picture {
                self.last_numbers = current.shift.numbers(self.last_numbers, picture);
            }
        }
        Some(Mapped {
            index,
            timestamp,
            shift: current.shift,
            first,
        })
    }

    fn begin(&mut self, now: Instant, packet: &Incoming) -> Current {
        let timestamp = match self.last_at {
            None => self.last_timestamp,
            Some(last_at) => {
                let passed = now.saturating_duration_since(last_at).max(SWITCH_STEP);
                let ticks = passed.as_micros() * u128::from(self.clock_hz) / 1_000_000;
                // A timestamp counts modulo 2^32.
                self.last_timestamp.wrapping_add(ticks as u32)
            }
        };
        let current = Current {
            first_sequence: packet.sequence,
            first_index: self.next_index,
            timestamp_shift: timestamp.wrapping_sub(packet.timestamp),
            shift: match (self.last_at, &packet.picture) {
                (Some(_), Some(picture)) => Shift::following(self.last_numbers, picture),
                (None, _) | (_, None) => Shift::default(),
            },
        };
        self.current = Some(current);
        current
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;

    fn packet(sequence: u64, timestamp: u32, starts: bool) -> Incoming {
        Incoming {
            sequence,
            timestamp,
            starts,
            picture: None,
        }
    }

    #[test]
    fn a_switch_is_seamless_and_never_uses_an_index_twice() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut rewrite = Rewrite::new(90_000, 65_535, 1000);
        let first = rewrite
            .map(at(0), &packet(70_000, 5, true))
            .expect("starts");
        assert_eq!(
            (first.index, first.timestamp, first.first),
            (32_767, 1000, true)
        );
        // Out of order, both keep their distance.
        let later = rewrite
            .map(at(40), &packet(70_002, 3605, false))
            .expect("sent");
        let between = rewrite
            .map(at(41), &packet(70_001, 3605, false))
            .expect("sent");
        assert_eq!((later.index, between.index), (32_769, 32_768));
        assert_eq!(later.timestamp, 4600);

        rewrite.switch();
        assert_eq!(rewrite.map(at(50), &packet(9, 777, false)), None);
        let other = rewrite
            .map(at(140), &packet(10, 888, true))
            .expect("a key frame");
        assert_eq!(other.index, 32_770);
        assert_eq!(other.timestamp, 4600 + 9000);
        // A straggler from before the key frame would reuse an index.
        assert_eq!(rewrite.map(at(141), &packet(9, 777, false)), None);
    }

    #[test]
    fn a_huge_gap_becomes_a_gap_of_one() {
        let now = Instant::now();
        let mut rewrite = Rewrite::new(48_000, 100, 0);
        let index = |rewrite: &mut Rewrite, sequence| {
            let mapped = rewrite.map(now, &packet(sequence, 7, true));
            mapped.map(|mapped| mapped.index)
        };
        assert_eq!(index(&mut rewrite, 1), Some(100));
        assert_eq!(index(&mut rewrite, 3001), Some(3100), "a gap to be told");
        assert_eq!(index(&mut rewrite, 40_000), Some(3102), "one is missing");
        assert_eq!(index(&mut rewrite, 40_001), Some(3103));
        assert_eq!(
            index(&mut rewrite, 39_999),
            None,
            "a straggler has no place"
        );
        assert_eq!(index(&mut rewrite, 80_000), Some(3105));
    }
}
