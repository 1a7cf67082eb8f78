//! The rate that follows from what the delay says: up by a share or, near the path's known
//! capacity, by a packet a round trip; down to a part of what arrives
//! (draft-ietf-rmcat-gcc-02 section 5.5, with libwebrtc's numbers).
//!
//! This module must never know packets.

use super::{RATE_MAX, RATE_MIN, trend::Usage};

const BACK_OFF: f64 = 0.85;
const GROWTH_PER_S: f64 = 1.08;
/// With less than this of what is sent arriving, beside what is lost anyway, the path is full.
const ARRIVES_WHOLE: f64 = 0.9;
/// That says nothing while less than this share of the rate is sent: of a few packets one loss more, or a
/// path that became longer, looks like a path that is full. A queue that stands is told apart (`fill`).
const USED: f64 = 0.5;
/// A rate that is not used up is lowered no more often than this, in microseconds.
const UNUSED_WAIT_US: u64 = 250_000;
/// A rate that is not used up does not grow beyond this much of what arrives, and a margin: the
/// path was not seen to carry more.
const UNUSED_FACTOR: f64 = 1.5;
const UNUSED_MARGIN: f64 = 10_000.0;

/// What is measured beside the delay.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Bits per second that leave.
    pub sent: Option<f64>,
    /// Bits per second that arrive.
    pub arrived: Option<f64>,
    /// The most of it within a quarter of a second, of late: what a full path carries.
    pub peak: f64,
    /// The share that is lost whatever is sent, as it was of late.
    pub lost: f64,
    /// From sending a packet to reading of its arrival, in microseconds.
    pub round_trip_us: u64,
}

/// The rate, and what it was lowered at.
#[derive(Debug)]
pub struct Aimd {
    bits: f64,
    growing: bool,
    changed_us: u64,
    lowered_us: Option<u64>,
    capacity: Capacity,
}

impl Aimd {
    /// Begins at this rate.
    pub fn new(now_us: u64, bits: f64) -> Self {
        Self {
            bits,
            growing: false,
            changed_us: now_us,
            lowered_us: None,
            capacity: Capacity::default(),
        }
    }

    /// Bits per second.
    pub fn bits(&self) -> f64 {
        self.bits
    }

    /// Microseconds since it was last lowered.
    pub fn lowered_since_us(&self, now_us: u64) -> Option<u64> {
        self.lowered_us.map(|at| now_us.saturating_sub(at))
    }

    /// The rate is known from elsewhere.
    pub fn set(&mut self, now_us: u64, bits: f64) {
        self.bits = bits.clamp(RATE_MIN, RATE_MAX);
        self.changed_us = now_us;
        self.capacity.outgrown_by(self.bits);
    }

    /// To be told with each feedback.
    pub fn update(&mut self, now_us: u64, usage: Usage, measured: Measured) {
        match usage {
            Usage::Over => self.lower(now_us, measured),
            // The queue drains: wait until it has.
            Usage::Under => self.growing = false,
            Usage::Normal if self.growing => self.raise(now_us, measured),
            Usage::Normal => self.growing = true,
        }
        if !self.growing {
            self.changed_us = now_us;
        }
    }

    /// A queue stands before the path, which therefore carries what comes through and no more.
    pub fn fill(&mut self, carried: f64) {
        if carried > 0.0 && carried < self.bits {
            self.capacity.seen(carried);
            self.bits = carried.clamp(RATE_MIN, RATE_MAX);
        }
    }

    fn raise(&mut self, now_us: u64, measured: Measured) {
        let seconds = (now_us.saturating_sub(self.changed_us) as f64 / 1e6).min(1.0);
        self.changed_us = now_us;
        let Some(arrived) = measured.arrived else {
            return;
        };
        self.capacity.outgrown_by(arrived);
        let more = if self.capacity.known() {
            let response_s = measured.round_trip_us as f64 / 1e6 + 0.1;
            (packet_bits(self.bits) / response_s).max(4000.0) * seconds
        } else {
            (self.bits * (GROWTH_PER_S.powf(seconds) - 1.0)).max(1000.0 * seconds)
        };
        let limit = UNUSED_FACTOR * arrived + UNUSED_MARGIN;
        if self.bits < limit {
            self.bits = (self.bits + more).min(limit).clamp(RATE_MIN, RATE_MAX);
        }
    }

    fn lower(&mut self, now_us: u64, measured: Measured) {
        self.growing = false;
        let Some(arrived) = measured.arrived else {
            return;
        };
        // What came on the mean says little when little was sent a moment before.
        let carried = measured.peak.max(arrived);
        let full = measured.sent.is_none_or(|sent| {
            sent >= self.bits * USED && arrived < sent * ARRIVES_WHOLE * (1.0 - measured.lost)
        });
        let used_up = full || carried >= self.bits * ARRIVES_WHOLE;
        // Once lowered it takes a round trip until it shows, and a while until what is carried does.
        let wait_us = if used_up {
            measured.round_trip_us.clamp(10_000, 200_000)
        } else {
            UNUSED_WAIT_US
        };
        let waited = self
            .lowered_since_us(now_us)
            .is_none_or(|since| since >= wait_us);
        if !waited && (!used_up || arrived >= self.bits / 2.0) {
            return;
        }
        if used_up {
            self.capacity.seen(carried);
            self.bits = self.bits.min(BACK_OFF * carried);
        } else {
            // All that is sent arrives, and it is less than the rate allows: there is no measure
            // of the capacity to go back to, and one spike must not throw the rate away.
            self.bits *= BACK_OFF;
        }
        self.bits = self.bits.clamp(RATE_MIN, RATE_MAX);
        self.lowered_us = Some(now_us);
    }
}

/// Bits of a packet at a rate, if a thirtieth of a second is a frame of packets of 1200 bytes.
fn packet_bits(bits: f64) -> f64 {
    let frame = bits / 30.0;
    frame / (frame / 9600.0).ceil().max(1.0)
}

/// What arrived when the path was last full, in kilobits per second, and how much that varies.
#[derive(Debug, Default)]
struct Capacity {
    kbits: Option<f64>,
    /// Variance over the mean.
    spread: f64,
}

impl Capacity {
    fn known(&self) -> bool {
        self.kbits.is_some()
    }

    fn deviation(&self, kbits: f64) -> f64 {
        3.0 * (self.spread * kbits).sqrt()
    }

    fn outgrown_by(&mut self, bits: f64) {
        if let Some(kbits) = self.kbits
            && bits / 1000.0 > kbits + self.deviation(kbits)
        {
            self.kbits = None;
        }
    }

    fn seen(&mut self, bits: f64) {
        const WEIGHT: f64 = 0.05;
        let sample = bits / 1000.0;
        match self.kbits {
            Some(kbits) if (sample - kbits).abs() <= self.deviation(kbits) => {
                let mean = kbits + WEIGHT * (sample - kbits);
                let error = (mean - sample) * (mean - sample) / mean.max(1.0);
                self.spread = ((1.0 - WEIGHT) * self.spread + WEIGHT * error).clamp(0.4, 2.5);
                self.kbits = Some(mean);
            }
            Some(_) | None => {
                *self = Self {
                    kbits: Some(sample),
                    spread: 0.4,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(sent: f64, arrived: f64) -> Measured {
        Measured {
            sent: Some(sent),
            arrived: Some(arrived),
            peak: arrived,
            lost: 0.0,
            round_trip_us: 100_000,
        }
    }

    #[test]
    fn what_is_not_used_up_does_not_run_away() {
        let mut aimd = Aimd::new(0, 300_000.0);
        for step in 0..6000 {
            aimd.update(step * 100_000, Usage::Normal, measured(2e5, 2e5));
        }
        assert_eq!(aimd.bits(), 310_000.0);
    }

    #[test]
    fn a_full_path_is_left_to_drain_and_approached_in_small_steps() {
        let mut aimd = Aimd::new(0, 1e6);
        aimd.update(0, Usage::Over, measured(1e6, 4e5));
        assert_eq!(aimd.bits(), 340_000.0);
        aimd.update(100_000, Usage::Under, measured(4e5, 4e5));
        assert_eq!(aimd.bits(), 340_000.0);
        let mut grown = Vec::new();
        for step in 2..=32 {
            let now_us = step * 100_000;
            aimd.update(now_us, Usage::Normal, measured(3.4e5, 3.4e5));
            grown.push(aimd.bits());
        }
        // Three seconds of a packet each 200 ms.
        let gained = aimd.bits() - 340_000.0;
        assert!((80_000.0..160_000.0).contains(&gained), "{gained}");
    }

    #[test]
    fn a_spike_on_a_path_that_is_not_full_costs_a_share() {
        let mut aimd = Aimd::new(0, 3e6);
        aimd.update(1_000_000, Usage::Over, measured(2e5, 2e5));
        assert_eq!(aimd.bits(), 3e6 * BACK_OFF);
    }

    #[test]
    fn of_a_little_that_is_sent_a_part_may_be_late_or_lost() {
        let mut aimd = Aimd::new(0, 1e6);
        aimd.update(1_000_000, Usage::Over, measured(1e5, 0.7e5));
        assert_eq!(aimd.bits(), 1e6 * BACK_OFF);
        // Where a tenth is always lost, a tenth less arrives.
        let mut aimd = Aimd::new(0, 1e6);
        let lossy = Measured {
            lost: 0.1,
            ..measured(7e5, 6e5)
        };
        aimd.update(1_000_000, Usage::Over, lossy);
        assert_eq!(aimd.bits(), 1e6 * BACK_OFF);
    }
}
