//! How much is sent on a stream, in bits a second. This module must never know what.

use std::time::{Duration, Instant};

/// The shortest time over which bits are counted: so many frames that the key frame which begins them
/// is not taken for what the stream costs.
const WINDOW: Duration = Duration::from_secs(1);

/// A measured rate.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    since: Instant,
    bytes: u64,
    bits_per_second: Option<u64>,
}

impl Rate {
    /// Nothing has been sent yet.
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            bytes: 0,
            bits_per_second: None,
        }
    }

    /// So much has come.
    pub fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Takes stock, if it is time. What was measured before counts half, so that one key frame is not
    /// taken for a rate.
    pub fn handle_timeout(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed < WINDOW {
            return;
        }
        let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        let bits = self.bytes.saturating_mul(8_000_000) / micros.max(1);
        self.bits_per_second = Some(match self.bits_per_second {
            Some(before) => before.midpoint(bits),
            None => bits,
        });
        self.bytes = 0;
        self.since = now;
    }

    /// The rate, once it is known.
    pub fn bits_per_second(&self) -> Option<u64> {
        self.bits_per_second
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
    fn a_rate_is_learnt_and_followed() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        assert_eq!(rate.bits_per_second(), None);
        let at = |rate: &mut Rate, ms: u64, bytes| {
            rate.count(bytes);
            rate.handle_timeout(start + Duration::from_millis(ms));
            rate.bits_per_second()
        };
        assert_eq!(at(&mut rate, 400, 1000), None, "too early to tell");
        assert_eq!(at(&mut rate, 1000, 1000), Some(16_000));
        assert_eq!(at(&mut rate, 2000, 0), Some(8_000));
        assert_eq!(at(&mut rate, 5000, 0), Some(4_000));
    }
}
