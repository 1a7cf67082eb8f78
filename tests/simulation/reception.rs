//! What a browser reports of one stream that it receives (RFC 3550 section 6.4.1).

use std::time::Instant;

use rtc::rtcp::reception_report::ReceptionReport;

/// One stream's counts.
pub struct Reception {
    ssrc: u32,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// Expected and received at the last report.
    before: (u64, u64),
    sender_report: Option<(u32, Instant)>,
}

impl Reception {
    /// Of a stream of which nothing has come.
    pub fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            first: None,
            highest: 0,
            received: 0,
            before: (0, 0),
            sender_report: None,
        }
    }

    /// Which stream.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// A packet has come.
    pub fn handle(&mut self, sequence: u16) {
        if self.first.is_none() {
            self.first = Some(sequence.into());
            self.highest = sequence.into();
        }
        let ahead = sequence.wrapping_sub(self.highest as u16).cast_signed();
        self.highest = self.highest.saturating_add_signed(ahead.max(0).into());
        self.received += 1;
    }

    /// The sender has said what time it is.
    pub fn handle_sender_report(&mut self, now: Instant, ntp: u64) {
        self.sender_report = Some(((ntp >> 16) as u32, now));
    }

    /// What to report since the last time.
    pub fn report(&mut self, now: Instant) -> Option<ReceptionReport> {
        let expected = self.highest + 1 - self.first?;
        let (expected_before, received_before) = self.before;
        self.before = (expected, self.received);
        let due = expected - expected_before;
        let lost = due.saturating_sub(self.received - received_before);
        let since = |at: Instant| ((now - at).as_micros() * 65_536 / 1_000_000) as u32;
        Some(ReceptionReport {
            ssrc: self.ssrc,
            fraction_lost: (lost * 256).checked_div(due).unwrap_or(0).min(255) as u8,
            total_lost: expected.saturating_sub(self.received) as u32,
            last_sequence_number: self.highest as u32,
            last_sender_report: self.sender_report.map_or(0, |(middle, _)| middle),
            delay: self.sender_report.map_or(0, |(_, at)| since(at)),
            ..ReceptionReport::default()
        })
    }
}
