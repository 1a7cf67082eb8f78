//! How many times are how long, in buckets whose number is fixed: a load test measures millions.
//!
//! A bucket is a thirty-second of a power of two wide, so that a figure read from it is right within
//! some 3 per cent. This module must never know what took so long.

use std::time::Duration;

/// Buckets of one power of two.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Microseconds below 32 have a bucket each; above, powers of two up to 2^32, more than an hour.
const BUCKETS: usize = ((32 - STEP_BITS as usize) + 1) * STEPS as usize;

/// Counted times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u32; BUCKETS]>,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            max: Duration::ZERO,
        }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, time: Duration) {
        if let Some(count) = self.counts.get_mut(bucket(time)) {
            *count = count.saturating_add(1);
        }
        self.max = self.max.max(time);
    }

    /// Counts all that another has counted.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts.iter()) {
            *count = count.saturating_add(*more);
        }
        self.max = self.max.max(other.max);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The time that so many of a hundred do not exceed; nothing where none was counted.
    pub fn percentile(&self, percent: u32) -> Option<Duration> {
        let all = self.count();
        let rank = (all * u64::from(percent)).div_ceil(100).max(1);
        let mut counted = 0;
        for (place, count) in self.counts.iter().enumerate() {
            counted += u64::from(*count);
            if counted >= rank {
                return Some(end(place).min(self.max));
            }
        }
        None
    }

    /// The longest; nothing where none was counted.
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.max)
    }

    /// Forgets all, and gives what there was; nothing where that is nothing.
    pub fn take(&mut self) -> Option<Self> {
        (self.count() > 0).then(|| std::mem::take(self))
    }
}

fn bucket(time: Duration) -> usize {
    let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let us = us.min(u64::from(u32::MAX));
    if us < STEPS {
        return us as usize;
    }
    // The leading bit says the power, the five behind it the step.
    let power = us.ilog2() - STEP_BITS;
    let step = (us >> power) - STEPS;
    ((u64::from(power) + 1) * STEPS + step) as usize
}

/// The longest time of a bucket.
fn end(bucket: usize) -> Duration {
    let (row, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    let us = match row.checked_sub(1) {
        None => step,
        Some(power) => ((STEPS + step + 1) << power) - 1,
    };
    Duration::from_micros(us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_falls_into_a_bucket_that_ends_at_it_or_a_little_later() {
        let times = (0..3000).chain((12..32).map(|power| (1_u64 << power) - 1));
        for us in times.chain([4095, 4096, 4097, 1_000_000, 70_000_000, u64::from(u32::MAX)]) {
            let time = Duration::from_micros(us);
            let place = bucket(time);
            assert!(place < BUCKETS, "{us}");
            let end = end(place).as_micros() as u64;
            assert!(end >= us && end <= us + us / 32, "{us}: {end}");
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_those_of_the_times() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        assert_eq!(histogram.max(), None);
        assert_eq!(histogram.take(), None);
        for ms in 1..=100 {
            histogram.record(Duration::from_millis(ms));
        }
        for percent in [1_u32, 50, 95, 99, 100] {
            let found = histogram.percentile(percent).expect("counted");
            let found = found.as_secs_f64() * 1000.0;
            let exact = f64::from(percent);
            assert!(
                (exact..=exact * 1.04).contains(&found),
                "{percent}: {found}"
            );
        }
        assert_eq!(histogram.max(), Some(Duration::from_millis(100)));
    }

    #[test]
    fn sums_are_as_if_one_had_counted_all() {
        let (mut one, mut other, mut all) = <(Histogram, Histogram, Histogram)>::default();
        for us in 0..1000 {
            let time = Duration::from_micros(us * 37);
            if us % 3 == 0 { &mut one } else { &mut other }.record(time);
            all.record(time);
        }
        one.add(&other);
        assert_eq!(one, all);
        assert_eq!(one.take(), Some(all));
        assert_eq!(one.count(), 0);
    }
}
