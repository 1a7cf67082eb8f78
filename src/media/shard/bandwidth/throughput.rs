//! What a stream of packets comes to in bits per second, smoothed so that sudden changes count
//! less than lasting ones (libwebrtc's `BitrateEstimator`).
//!
//! This module must never know whether the packets were sent or received.

/// The first rate is taken over so many microseconds, later ones over fewer.
const FIRST_WINDOW_US: i64 = 500_000;
const WINDOW_US: i64 = 150_000;
/// How much a sample that lies off the estimate is distrusted.
const DISTRUST: f64 = 10.0;
const VARIANCE_START: f64 = 50.0;
const VARIANCE_GROWTH: f64 = 5.0;

/// Counts bytes over time.
#[derive(Debug)]
pub struct Throughput {
    last_us: Option<i64>,
    window_us: i64,
    bytes: u64,
    bits: Option<f64>,
    variance: f64,
}

impl Throughput {
    /// Nothing counted.
    pub fn new() -> Self {
        Self {
            last_us: None,
            window_us: 0,
            bytes: 0,
            bits: None,
            variance: VARIANCE_START,
        }
    }

    /// Bits per second, once half a second of packets was seen.
    pub fn bits(&self) -> Option<f64> {
        self.bits
    }

    /// A packet of so many bytes at this time on a clock of its own.
    pub fn push(&mut self, at_us: i64, bytes: u16) {
        if let Some(sample) = self.sample(at_us, bytes) {
            self.blend(sample);
        }
    }

    fn sample(&mut self, at_us: i64, bytes: u16) -> Option<f64> {
        let whole = if self.bits.is_some() {
            WINDOW_US
        } else {
            FIRST_WINDOW_US
        };
        let since = at_us.saturating_sub(self.last_us.unwrap_or(at_us));
        // A little backwards is a packet out of order; far is a clock that was set.
        let since = if since < -FIRST_WINDOW_US {
            self.bytes = 0;
            self.window_us = 0;
            self.last_us = Some(at_us);
            0
        } else {
            self.last_us = Some(self.last_us.map_or(at_us, |last| last.max(at_us)));
            since.max(0)
        };
        let mut sample = None;
        self.window_us = self.window_us.saturating_add(since);
        if self.window_us >= whole {
            // A pause belongs to what was sent before it, as long as it is no end of the stream.
            let over_us = self.window_us.min(2 * FIRST_WINDOW_US);
            sample = Some(self.bytes as f64 * 8e6 / over_us as f64);
            self.bytes = 0;
            self.window_us = 0;
        }
        self.bytes += u64::from(bytes);
        sample
    }

    fn blend(&mut self, sample: f64) {
        let Some(bits) = self.bits else {
            self.bits = Some(sample);
            return;
        };
        let off = DISTRUST * (bits - sample).abs() / bits.max(1000.0);
        let sample_variance = (off * off).max(0.01);
        let variance = self.variance + VARIANCE_GROWTH;
        let all = sample_variance + variance;
        self.bits = Some((sample_variance * bits + variance * sample) / all);
        self.variance = sample_variance * variance / all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_and_a_change_followed() {
        let mut throughput = Throughput::new();
        let mut at_us = 0;
        for _ in 0..100 {
            at_us += 10_000;
            throughput.push(at_us, 1250);
        }
        let bits = throughput.bits().expect("a second");
        assert!((bits - 1e6).abs() < 2e4, "{bits}");
        for _ in 0..150 {
            at_us += 10_000;
            throughput.push(at_us, 500);
        }
        let bits = throughput.bits().expect("a second");
        assert!((bits - 4e5).abs() < 4e4, "{bits}");
        throughput.push(-3_600_000_000, 500);
        throughput.push(i64::MAX, 500);
        throughput.push(i64::MIN, 500);
        assert!(throughput.bits().is_some_and(f64::is_finite));
    }
}
