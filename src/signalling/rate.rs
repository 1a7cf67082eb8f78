//! How fast one client may ask: a token bucket that may run into debt.
//!
//! A request without a token is answered `too_fast` and makes debt; at the bottom of the debt the
//! connection is not read until there is room again, so that a flood costs no more than the
//! allowed rate.

use crate::time::Timestamp;

/// A thousandth of a token: one millisecond at one token a second.
const TOKEN: i64 = 1000;

/// The tokens of one client.
#[derive(Debug)]
pub struct Rate {
    per_s: i64,
    /// The fullest, and as far below nothing the deepest debt.
    brim: i64,
    level: i64,
    at: Timestamp,
}

impl Rate {
    /// A full bucket. Both numbers are taken as at least 1.
    pub fn new(per_s: u32, burst: u32, now: Timestamp) -> Self {
        let brim = i64::from(burst.max(1)) * TOKEN;
        Self {
            per_s: i64::from(per_s.max(1)),
            brim,
            level: brim,
            at: now,
        }
    }

    /// Takes a token for a request; whether there was one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let passed = i64::try_from(now.since(self.at).0).unwrap_or(i64::MAX);
        let filled = self.level.saturating_add(passed.saturating_mul(self.per_s));
        self.at = self.at.max(now);
        let within = filled >= TOKEN;
        self.level = (filled.min(self.brim) - TOKEN).max(-self.brim);
        within
    }

    /// When the next request should be read; in the past while there is room for debt.
    pub fn ready_at(&self) -> Timestamp {
        let missing = TOKEN - self.brim - self.level;
        let wait_ms = missing.max(0).saturating_add(self.per_s - 1) / self.per_s;
        Timestamp(self.at.0.saturating_add(wait_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let mut rate = Rate::new(10, 3, Timestamp(0));
        let taken: Vec<_> = (0..5).map(|_| rate.take(Timestamp(0))).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        // Two in debt: 300 ms for the next token.
        assert!(!Rate::take(&mut rate, Timestamp(100)));
        assert!(rate.take(Timestamp(1000)));
    }

    #[test]
    fn at_the_bottom_of_the_debt_nothing_is_read_until_there_is_room() {
        let mut rate = Rate::new(10, 2, Timestamp(0));
        assert_eq!(rate.ready_at(), Timestamp(0));
        for _ in 0..3 {
            rate.take(Timestamp(0));
        }
        assert_eq!(rate.ready_at(), Timestamp(0), "one more may be answered");
        rate.take(Timestamp(0));
        assert_eq!(rate.ready_at(), Timestamp(100));
        rate.take(Timestamp(100));
        assert_eq!(rate.ready_at(), Timestamp(200));
    }

    #[test]
    fn a_clock_that_stands_or_runs_back_gives_nothing() {
        let mut rate = Rate::new(1, 1, Timestamp(5000));
        assert!(rate.take(Timestamp(5000)));
        assert!(!rate.take(Timestamp(4000)));
        assert!(!rate.take(Timestamp(5000)));
    }
}
