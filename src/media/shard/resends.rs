//! How many packets a receiver may be sent again: a few bytes of its request make whole packets, and
//! sealing them takes the time of everybody on the shard. And where a path is full, what it loses is
//! asked for again, and sent again it would fill the path for good: only a share of what the path
//! carries is for that. This module must never know which packets.

use std::time::{Duration, Instant};

/// Packets that a peer is sent again at once at most, and the least time from one to the next in the
/// long run: a burst of losses on a bad network is mended, and whoever asks for more than a thousand a
/// second has no path for it. Past it a request is passed over; the receiver repeats it, or asks for
/// a key frame.
const BURST_MAX: u32 = 256;
const EVERY_MIN: Duration = Duration::from_millis(1);
/// A burst is never smaller: one frame's packets.
const BURST_MIN: u32 = 8;
/// What a path carries in a fifth of a second may be sent again at once, and in the long run a third
/// of all; a packet is taken for a large one.
const BURSTS_PER_S: u64 = 5;
const SHARE: u64 = 3;
const PACKET_BITS: u64 = 9_600;

/// How many packets a peer may still be sent again.
#[derive(Debug, Clone, Copy)]
pub struct Resends {
    left: u32,
    at: Instant,
}

impl Resends {
    /// All of them.
    pub fn new(now: Instant) -> Self {
        Self {
            left: BURST_MAX,
            at: now,
        }
    }

    /// Takes one, on a path that carries so many bits a second; whether there was one.
    pub fn take(&mut self, now: Instant, path_bits: u64) -> bool {
        let burst = u32::try_from(path_bits / BURSTS_PER_S / PACKET_BITS)
            .unwrap_or(BURST_MAX)
            .clamp(BURST_MIN, BURST_MAX);
        let every = Duration::from_micros(PACKET_BITS * SHARE * 1_000_000 / path_bits.max(1));
        let every = every.max(EVERY_MIN);
        let passed = now.saturating_duration_since(self.at);
        if passed >= every * burst {
            self.left = burst;
            self.at = now;
        }
        while self.at + every <= now {
            self.at += every;
            self.left = self.left.saturating_add(1);
        }
        self.left = self.left.min(burst);
        let taken = self.left > 0;
        self.left = self.left.saturating_sub(1);
        taken
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;

    /// A path that nothing is known of.
    const FREE: u64 = u64::MAX / 2;

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let mut resends = Resends::new(start);
        let mut taken = |at_ms| {
            let now = start + Duration::from_millis(at_ms);
            (0..2000).filter(|_| resends.take(now, FREE)).count()
        };
        assert_eq!(taken(0), BURST_MAX as usize);
        assert_eq!(taken(10), 10);
        assert_eq!(taken(10_000), BURST_MAX as usize, "no more is saved up");
    }

    #[test]
    fn looking_often_gives_no_less() {
        let start = Instant::now();
        let mut resends = Resends::new(start);
        let taken = (0..10_000)
            .filter(|step| resends.take(start + Duration::from_micros(step * 100), FREE))
            .count();
        assert_eq!(taken, BURST_MAX as usize + 999, "in a second");
        let mut resends = Resends::new(start);
        let taken = (0..10_000)
            .filter(|step| resends.take(start + Duration::from_micros(step * 190), FREE))
            .count();
        assert_eq!(taken, BURST_MAX as usize + 1899, "in 1.9 seconds");
    }

    #[test]
    fn a_full_path_is_not_filled_with_repetitions() {
        let start = Instant::now();
        let mut resends = Resends::new(start);
        let taken = (0..10_000)
            .filter(|step| resends.take(start + Duration::from_micros(step * 1000), 288_000))
            .count();
        // A third of 30 packets a second.
        assert_eq!(taken, BURST_MIN as usize + 99, "in ten seconds");
    }
}
