//! The most that came through within a quarter of a second, of late: what a path that is full
//! carries, however little was sent before (a mean over a pause would say less).
//!
//! This module must never know what came, nor what was sent.

/// One bucket, in microseconds.
const BUCKET_US: i64 = 50_000;
/// Buckets kept: half a second.
const BUCKETS: usize = 10;
/// Buckets of a window: a quarter of a second, so that a burst that a queue let through at once
/// does not count for more than it is.
const WINDOW: usize = 5;

/// Counts bytes by the time of their arrival.
#[derive(Debug, Default)]
pub struct Peak {
    /// Number of the newest bucket.
    newest: i64,
    bytes: [u32; BUCKETS],
}

impl Peak {
    /// So many bytes arrived at this time, on a clock of the receiver's.
    pub fn push(&mut self, at_us: i64, bytes: u16) {
        let bucket = at_us.div_euclid(BUCKET_US);
        let ahead = bucket.saturating_sub(self.newest);
        if ahead.unsigned_abs() >= BUCKETS as u64 {
            // Long before or after all others: a pause, or a clock that was set.
            self.bytes = [0; BUCKETS];
            self.newest = bucket;
        }
        while self.newest < bucket {
            self.newest += 1;
            let newest = self.newest;
            *self.at(newest) = 0;
        }
        let there = self.at(bucket);
        *there = there.saturating_add(u32::from(bytes));
    }

    /// In bits per second.
    pub fn bits(&self) -> f64 {
        let mut most = 0_u64;
        for first in 0..=BUCKETS - WINDOW {
            let window = (first..first + WINDOW).filter_map(|age| {
                let bucket = self.newest.saturating_sub(age as i64);
                self.bytes.get(place(bucket))
            });
            most = most.max(window.map(|bytes| u64::from(*bytes)).sum());
        }
        most as f64 * 8e6 / (WINDOW as i64 * BUCKET_US) as f64
    }

    fn at(&mut self, bucket: i64) -> &mut u32 {
        &mut self.bytes[place(bucket)]
    }
}

/// Always below [`BUCKETS`].
fn place(bucket: i64) -> usize {
    bucket.rem_euclid(BUCKETS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_does_not_count_and_what_is_old_is_forgotten() {
        let mut peak = Peak::default();
        assert!(peak.bits().abs() < 1.0);
        // 400 kbit/s for a quarter of a second, then a twentieth of that.
        for ms in 0..25 {
            peak.push(ms * 10_000, 500);
        }
        assert!((peak.bits() - 400_000.0).abs() < 1.0, "{}", peak.bits());
        for ms in 25..45 {
            peak.push(ms * 10_000, 25);
        }
        assert!(peak.bits() > 300_000.0, "{}", peak.bits());
        for ms in 45..100 {
            peak.push(ms * 10_000, 25);
        }
        assert!((peak.bits() - 20_000.0).abs() < 1.0, "{}", peak.bits());
    }

    #[test]
    fn a_clock_that_is_set_does_no_harm() {
        let mut peak = Peak::default();
        for at in [0, i64::MAX, i64::MIN, -1, 1_000_000_000] {
            peak.push(at, u16::MAX);
            assert!(peak.bits() >= 0.0);
        }
        assert!((peak.bits() - 65_535.0 * 32.0).abs() < 1.0);
    }
}
