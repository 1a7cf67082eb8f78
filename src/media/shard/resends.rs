//! How many packets a receiver may be sent again: a few bytes of its request make whole packets, and
//! sealing them takes the time of everybody on the shard. This module must never know which.

use std::time::{Duration, Instant};

/// Packets that a peer is sent again at once at most, and the time from one to the next in the long
/// run: a burst of losses on a bad network is mended, and whoever asks for more than a thousand a
/// second has no path for it. Past it a request is passed over; the receiver repeats it, or asks for
/// a key frame.
const BURST: u32 = 256;
const EVERY: Duration = Duration::from_millis(1);

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
            left: BURST,
            at: now,
        }
    }

    /// Takes one; whether there was one.
    pub fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at);
        if passed >= EVERY * BURST {
            self.left = BURST;
            self.at = now;
        }
        while self.at + EVERY <= now {
            self.at += EVERY;
            self.left = self.left.saturating_add(1).min(BURST);
        }
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

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let mut resends = Resends::new(start);
        let mut taken = |at_ms| {
            let now = start + Duration::from_millis(at_ms);
            (0..2000).filter(|_| resends.take(now)).count()
        };
        assert_eq!(taken(0), BURST as usize);
        assert_eq!(taken(10), 10);
        assert_eq!(taken(10_000), BURST as usize, "no more is saved up");
    }

    #[test]
    fn looking_often_gives_no_less() {
        let start = Instant::now();
        let mut resends = Resends::new(start);
        let taken = (0..10_000)
            .filter(|step| resends.take(start + Duration::from_micros(step * 100)))
            .count();
        assert_eq!(taken, BURST as usize + 999, "in a second");
        let mut resends = Resends::new(start);
        let taken = (0..10_000)
            .filter(|step| resends.take(start + Duration::from_micros(step * 190)))
            .count();
        assert_eq!(taken, BURST as usize + 1899, "in 1.9 seconds");
    }
}
