//! One slot of a lean receiver: which packets are missing and when to ask for them, and what a
//! receiver report says of it.
//!
//! This module must never know how a request is written.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use rtc::rtcp::reception_report::ReceptionReport;

/// Packets awaited at most. A longer hole is a stream that stood still, not loss.
const AWAITED_MAX: usize = 128;
/// A packet that was only overtaken comes by itself within this.
const OVERTAKEN: Duration = Duration::from_millis(15);
/// Requests for one packet, and the time from one to the next beside the path's own round trip: a
/// request and its answer can be lost too.
const ASKS_MAX: u8 = 3;
const AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
struct Awaited {
    number: u64,
    ask_at: Instant,
    asks: u8,
}

/// One stream's holes and counts.
#[derive(Debug)]
pub struct Slot {
    round_trip: Duration,
    first: u64,
    highest: Option<u64>,
    /// That came with their first sending.
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    awaited: VecDeque<Awaited>,
}

impl Slot {
    /// Of a stream of which nothing has come, over a path of that round trip.
    pub fn new(round_trip: Duration) -> Self {
        Self {
            round_trip,
            first: 0,
            highest: None,
            received: 0,
            reported: (0, 0),
            awaited: VecDeque::new(),
        }
    }

    /// A packet has come with its first sending.
    pub fn handle(&mut self, now: Instant, sequence: u16) {
        self.received = self.received.saturating_add(1);
        let Some(highest) = self.highest else {
            // Room for what is older than the first.
            self.first = (1 << 16) + u64::from(sequence);
            self.highest = Some(self.first);
            return;
        };
        let ahead = sequence.wrapping_sub(highest as u16).cast_signed();
        let number = highest.saturating_add_signed(ahead.into());
        if number <= highest {
            self.awaited.retain(|awaited| awaited.number != number);
            return;
        }
        self.highest = Some(number);
        if number - highest > AWAITED_MAX as u64 {
            self.awaited.clear();
            return;
        }
        for missing in highest + 1..number {
            if self.awaited.len() == AWAITED_MAX {
                self.awaited.pop_front();
            }
            self.awaited.push_back(Awaited {
                number: missing,
                ask_at: now + OVERTAKEN,
                asks: 0,
            });
        }
    }

    /// A packet has come that was sent again.
    pub fn handle_again(&mut self, sequence: u16) {
        self.awaited
            .retain(|awaited| awaited.number as u16 != sequence);
    }

    /// What is to be asked for now.
    pub fn poll_lost(&mut self, now: Instant) -> Vec<u16> {
        let again = AGAIN + self.round_trip;
        let mut lost = Vec::new();
        self.awaited.retain_mut(|awaited| {
            if awaited.ask_at > now {
                return true;
            }
            if awaited.asks == ASKS_MAX {
                return false;
            }
            awaited.asks += 1;
            awaited.ask_at = now + again;
            lost.push(awaited.number as u16);
            true
        });
        lost
    }

    /// What is reported since the last time (RFC 3550 section 6.4.1); nothing before the first packet.
    pub fn report(&mut self, ssrc: u32) -> Option<ReceptionReport> {
        let highest = self.highest?;
        let expected = highest + 1 - self.first;
        let (expected_before, received_before) = self.reported;
        self.reported = (expected, self.received);
        let due = expected - expected_before;
        let lost = due.saturating_sub(self.received - received_before);
        Some(ReceptionReport {
            ssrc,
            fraction_lost: (lost * 256).checked_div(due).unwrap_or(0).min(255) as u8,
            total_lost: expected.saturating_sub(self.received).min(0x7f_ffff) as u32,
            last_sequence_number: highest as u32,
            ..ReceptionReport::default()
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

    const MS: Duration = Duration::from_millis(1);
    const NOTHING: [u16; 0] = [];

    #[test]
    fn a_hole_is_asked_for_until_it_is_filled_and_not_for_ever() {
        let start = Instant::now();
        let mut slot = Slot::new(Duration::ZERO);
        for sequence in [65_534, 65_535, 1, 3] {
            slot.handle(start, sequence);
        }
        assert_eq!(slot.poll_lost(start), NOTHING);
        assert_eq!(slot.poll_lost(start + 20 * MS), [0, 2]);
        assert_eq!(slot.poll_lost(start + 21 * MS), NOTHING, "once at a time");
        slot.handle_again(0);
        assert_eq!(slot.poll_lost(start + 200 * MS), [2]);
        assert_eq!(slot.poll_lost(start + 400 * MS), [2]);
        assert_eq!(slot.poll_lost(start + 600 * MS), NOTHING);
        assert!(slot.awaited.is_empty());
    }

    #[test]
    fn what_was_overtaken_and_a_stream_that_stood_still_are_not_asked_for() {
        let start = Instant::now();
        let mut slot = Slot::new(Duration::ZERO);
        for sequence in [10, 12, 11, 2000] {
            slot.handle(start, sequence);
        }
        assert_eq!(slot.poll_lost(start + 100 * MS), NOTHING);
    }

    #[test]
    fn a_report_tells_what_was_lost_since_the_last() {
        let start = Instant::now();
        let mut slot = Slot::new(Duration::ZERO);
        assert!(slot.report(7).is_none());
        for sequence in [0, 1, 3, 4] {
            slot.handle(start, sequence);
        }
        let report = slot.report(7).expect("a report");
        assert_eq!((report.ssrc, report.total_lost), (7, 1));
        assert_eq!(report.fraction_lost, (256 / 5) as u8);
        slot.handle_again(2);
        slot.handle(start, 5);
        let report = slot.report(7).expect("a report");
        assert_eq!((report.fraction_lost, report.total_lost), (0, 1));
    }
}
