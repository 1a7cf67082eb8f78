//! The rate that follows from loss (draft-ietf-rmcat-gcc-02 section 6): under 2 % more, up to
//! 10 % nothing, above that less.
//!
//! Loss that does not come from a full path is common on radio, so this is a limit that is there
//! only after much was lost. This module must never know where the count comes from.

use super::{RATE_MAX, RATE_MIN};

const LITTLE: f64 = 0.02;
const MUCH: f64 = 0.10;
/// A count is looked at after so long, in microseconds, if it holds enough packets.
const INTERVAL_US: u64 = 500_000;
const PACKETS_MIN: u32 = 20;
/// How much the last count weighs against those before: one burst is not yet loss.
const WEIGHT: f64 = 0.5;
const GROWTH_PER_S: f64 = 1.08;
/// With some loss the limit goes up slowly all the same: a path that loses a twentieth of all
/// packets has a count above a tenth now and then, and would otherwise only ever be lowered.
const GROWTH_WITH_LOSS_PER_S: f64 = 1.02;
/// Loss lowers no further than to this much of what came through at most.
const CARRIED: f64 = 0.85;
/// A limit so far above the rate is none any more.
const LIFTED: f64 = 1.5;

/// Counts, and the limit that followed from them.
#[derive(Debug, Default)]
pub struct Loss {
    lost: u32,
    all: u32,
    counted_from_us: Option<u64>,
    /// What was sent before then met a rate that has been lowered since, and says nothing of this one.
    lowered_us: u64,
    smoothed: f64,
    limit: Option<f64>,
}

impl Loss {
    /// The share that is lost of late, as far as that is common on a path that is not full.
    pub fn usual(&self) -> f64 {
        self.smoothed.min(MUCH)
    }

    /// Bits per second, if there is a limit.
    pub fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// Whether little is being lost now, whatever was before.
    pub fn is_over(&self) -> bool {
        self.limit.is_none() || self.smoothed < LITTLE
    }

    /// The path was seen to carry so much.
    pub fn outgrown_by(&mut self, bits: f64) {
        self.limit = self.limit.map(|limit| limit.max(bits));
    }

    /// The fate of a packet that was sent at this time became known.
    pub fn count(&mut self, sent_us: u64, lost: bool) {
        if sent_us < self.lowered_us {
            return;
        }
        self.all = self.all.saturating_add(1);
        self.lost = self.lost.saturating_add(u32::from(lost));
    }

    /// A packet that was counted as lost arrived.
    pub fn recount(&mut self, sent_us: u64) {
        if sent_us >= self.lowered_us {
            self.lost = self.lost.saturating_sub(1);
        }
    }

    /// Looks at the count if it is due. `bits` is the rate otherwise, `carried` the most that came
    /// through of late: the path carries that, however much more was lost.
    pub fn update(&mut self, now_us: u64, bits: f64, carried: f64) {
        let from_us = *self.counted_from_us.get_or_insert(now_us);
        let passed_us = now_us.saturating_sub(from_us);
        if passed_us < INTERVAL_US || self.all < PACKETS_MIN {
            return;
        }
        let fraction = f64::from(self.lost) / f64::from(self.all);
        (self.lost, self.all) = (0, 0);
        self.counted_from_us = Some(now_us);
        self.apply(now_us, fraction, passed_us, bits, carried);
    }

    /// A receiver's report of the share lost since its last, in 256ths. `bits` as above.
    pub fn report(&mut self, now_us: u64, fraction_256: u8, bits: f64) {
        let from_us = self.counted_from_us.replace(now_us).unwrap_or(now_us);
        let passed_us = now_us.saturating_sub(from_us).max(INTERVAL_US);
        let fraction = f64::from(fraction_256) / 256.0;
        self.apply(now_us, fraction, passed_us, bits, 0.0);
    }

    fn apply(&mut self, now_us: u64, fraction: f64, passed_us: u64, bits: f64, carried: f64) {
        self.smoothed += WEIGHT * (fraction - self.smoothed);
        let rate = self.limit.unwrap_or(bits).min(bits);
        let seconds = (passed_us as f64 / 1e6).min(1.0);
        if self.smoothed > MUCH && fraction > MUCH {
            let lowered = (rate * (1.0 - 0.5 * self.smoothed)).max(rate.min(carried * CARRIED));
            self.limit = Some(lowered.clamp(RATE_MIN, RATE_MAX));
            self.lowered_us = now_us;
        } else if let Some(limit) = self.limit {
            let growth: f64 = if self.smoothed < LITTLE {
                GROWTH_PER_S
            } else {
                GROWTH_WITH_LOSS_PER_S
            };
            let limit = limit * growth.powf(seconds);
            self.limit = Some(limit).filter(|limit| *limit < bits * LIFTED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of a hundred packets a second of which each so-manieth is lost.
    fn limit_after(every: u32) -> Option<f64> {
        let mut loss = Loss::default();
        for number in 0..1000_u32 {
            loss.count(u64::from(number) * 10_000, number % every == 0);
            loss.update(u64::from(number) * 10_000, 1e6, 0.0);
        }
        loss.limit()
    }

    #[test]
    fn only_much_loss_limits() {
        assert_eq!(limit_after(20), None);
        assert_eq!(limit_after(12), None);
        assert!(limit_after(5).is_some_and(|limit| limit < 5e5));
    }

    #[test]
    fn a_limit_is_lifted_in_time() {
        let mut loss = Loss::default();
        loss.report(0, 128, 1e6);
        assert!(loss.limit().is_some_and(|limit| limit < 9e5));
        for second in 1..20 {
            loss.report(second * 1_000_000, 0, 1e6);
        }
        assert_eq!(loss.limit(), None);
    }
}
