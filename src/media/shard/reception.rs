//! How a source arrives: what a receiver report says (RFC 3550 section 6.4 and appendix A).

use std::time::{Duration, Instant};

use super::rtcp::ReportBlock;

/// Counts of one source.
#[derive(Debug, Clone, Default)]
pub struct Reception {
    first: Option<u64>,
    highest: u64,
    received: u64,
    expected_before: u64,
    received_before: u64,
    transit: Option<i64>,
    /// In timestamp units, times 16 (RFC 3550 appendix A.8).
    jitter_x16: u64,
    last_report: Option<(u32, Instant)>,
}

impl Reception {
    /// A packet arrived. `epoch` is any fixed time before it, `clock_hz` the source's clock.
    pub fn handle(
        &mut self,
        now: Instant,
        epoch: Instant,
        clock_hz: u32,
        sequence: u64,
        timestamp: u32,
    ) {
        self.first.get_or_insert(sequence);
        self.highest = self.highest.max(sequence);
        self.received += 1;
        let passed = now.saturating_duration_since(epoch).as_micros();
        let arrival = (passed * u128::from(clock_hz) / 1_000_000) as u32;
        let transit = i64::from(arrival.wrapping_sub(timestamp) as i32);
        if let Some(before) = self.transit {
            let difference = (transit - before).unsigned_abs();
            // A jump of over five seconds is another timeline, not jitter.
            if difference < u64::from(clock_hz) * 5 {
                self.jitter_x16 = self.jitter_x16 + difference
                    - ((self.jitter_x16 + 8) >> 4).min(self.jitter_x16);
            }
        }
        self.transit = Some(transit);
    }

    /// The highest sequence number with its rollovers, once there is one.
    pub fn highest(&self) -> Option<u64> {
        self.first.map(|_| self.highest)
    }

    /// A sender report with this NTP time (64 bits) came.
    pub fn handle_sender_report(&mut self, now: Instant, ntp: u64) {
        self.last_report = Some(((ntp >> 16) as u32, now));
    }

    /// The report since the last call; nothing before the first packet.
    pub fn report(&mut self, now: Instant, ssrc: u32) -> Option<ReportBlock> {
        let first = self.first?;
        let expected = self.highest - first.min(self.highest) + 1;
        let lost = expected.saturating_sub(self.received);
        let expected_since = expected - self.expected_before.min(expected);
        let received_since = self.received - self.received_before;
        let lost_since = expected_since.saturating_sub(received_since);
        let fraction_lost = (lost_since << 8)
            .checked_div(expected_since)
            .map_or(0, |fraction| fraction.min(255) as u8);
        self.expected_before = expected;
        self.received_before = self.received;
        let (last_sender_report, delay) = match self.last_report {
            Some((ntp, at)) => {
                let passed = now
                    .saturating_duration_since(at)
                    .min(Duration::from_secs(60_000));
                (ntp, (passed.as_micros() * 65_536 / 1_000_000) as u32)
            }
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            total_lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest_sequence: self.highest as u32,
            jitter: u32::try_from(self.jitter_x16 >> 4).unwrap_or(u32::MAX),
            last_sender_report,
            since_sender_report: delay,
        })
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
    fn loss_and_delay_are_told() {
        let epoch = Instant::now();
        let at = |ms| epoch + Duration::from_millis(ms);
        let mut reception = Reception::default();
        assert_eq!(reception.report(at(0), 1), None);
        for number in 0..100_u64 {
            if number % 4 != 3 {
                reception.handle(
                    at(number * 20),
                    epoch,
                    48_000,
                    65_500 + number,
                    number as u32 * 960,
                );
            }
        }
        reception.handle_sender_report(at(1500), 0x0001_0002_0003_0004);
        let report = reception.report(at(2000), 1).expect("packets came");
        // 25 of 100 are missing, the last of them not yet known.
        assert_eq!(report.total_lost, 24);
        assert_eq!(report.fraction_lost, (24_u32 * 256 / 99) as u8);
        assert_eq!(report.highest_sequence, 65_598);
        assert_eq!(report.jitter, 0);
        assert_eq!(report.last_sender_report, 0x0002_0003);
        assert_eq!(report.since_sender_report, 32_768);
        let quiet = reception.report(at(3000), 1).expect("still");
        assert_eq!(quiet.fraction_lost, 0);
    }
}
