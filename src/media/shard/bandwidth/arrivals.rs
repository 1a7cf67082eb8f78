//! When a publisher's packets arrived, by transport-wide sequence number, and the feedback that
//! tells it (draft-holmer-rmcat-transport-wide-cc-extensions-01). The publisher estimates its own
//! path from it.
//!
//! Asked for every packet received: one store into fixed memory. This module must never know what
//! a packet held.

use std::time::{Duration, Instant};

use super::{
    super::rtp::Unwrapped16,
    chunks::TICK_US,
    report::{REMEMBERED, Span, Ticks},
};

/// How far back a late packet is still told of after its place was told as lost; telling it
/// repeats all behind it.
const LATE_MAX: u64 = 128;

/// Feedback comes at most this often. Browsers accept 50 ms to 250 ms from libwebrtc.
const INTERVAL_MIN: Duration = Duration::from_millis(50);
/// And while packets come, at least this often.
const INTERVAL_MAX: Duration = Duration::from_millis(100);
/// Between the two: as long as so many packets take, so that sound alone makes few reports.
const PACKETS_AIMED_AT: u32 = 5;

/// The packets last received from one publisher.
#[derive(Debug)]
pub struct Arrivals {
    epoch: Instant,
    sequences: Unwrapped16,
    /// Allocated with the first packet.
    ticks: Option<Ticks>,
    /// The first not yet told of.
    from: u64,
    /// One past the last that arrived; `from` if all has been told.
    end: u64,
    due: Option<Instant>,
    interval: Duration,
    /// Of the packets not yet told of: when the first came.
    first_at: Option<Instant>,
    number: u8,
}

impl Arrivals {
    /// Nothing has arrived. Times are counted from `epoch`.
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            sequences: Unwrapped16::default(),
            ticks: None,
            from: 0,
            end: 0,
            due: None,
            interval: INTERVAL_MAX,
            first_at: None,
            number: 0,
        }
    }

    /// A packet with this number arrived.
    pub fn handle(&mut self, now: Instant, sequence: u16) {
        let tick = self.tick(now);
        let whole = self.sequences.unwrap(sequence);
        let ticks = self.ticks.get_or_insert_with(Ticks::new);
        if self.end == 0 || whole >= self.end.saturating_add(REMEMBERED as u64) {
            ticks.clear();
            self.from = whole;
            self.end = whole;
        }
        if whole >= self.end {
            // Fewer than there are places.
            for lost in self.end..whole {
                ticks.put(lost, 0);
            }
            self.end = whole + 1;
            self.from = self.from.max(self.end.saturating_sub(REMEMBERED as u64));
        } else if self.end - whole > REMEMBERED as u64 || ticks.get(whole) != 0 {
            return;
        } else if whole < self.from {
            if self.end - whole > LATE_MAX {
                return;
            }
            self.from = whole;
        }
        ticks.put(whole, tick);
        if self.due.is_none() {
            self.first_at = Some(now);
            self.due = Some(now + self.interval);
        }
    }

    /// When feedback is due; `None` while there is nothing to tell.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Writes one whole RTCP packet of feedback to the front of `out` if it is due, and gives its
    /// length in bytes. To be called until it gives `None`: what does not fit into one packet is
    /// due at once. `media_ssrc` is that of any stream of the publisher.
    pub fn write(
        &mut self,
        now: Instant,
        out: &mut [u8],
        sender_ssrc: u32,
        media_ssrc: u32,
    ) -> Option<usize> {
        if now < self.due? {
            return None;
        }
        let ticks = self.ticks.as_ref()?;
        let span = Span::fitting(ticks, self.from, self.end, out.len())?;
        let bytes = span.write(ticks, out, [sender_ssrc, media_ssrc], self.number)?;
        self.number = self.number.wrapping_add(1);
        self.from = span.end;
        if self.from < self.end {
            return Some(bytes);
        }
        self.due = None;
        if let Some(first_at) = self.first_at.take() {
            let passed = now.saturating_duration_since(first_at);
            let packets = u32::from(span.count()).max(1);
            self.interval = (passed * PACKETS_AIMED_AT / packets).clamp(INTERVAL_MIN, INTERVAL_MAX);
        }
        Some(bytes)
    }

    fn tick(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.epoch);
        passed.as_secs() * (1_000_000 / TICK_US.unsigned_abs())
            + u64::from(passed.subsec_micros()) / TICK_US.unsigned_abs()
            + 1
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::super::feedback::Feedback;
    use super::*;
    use proptest::prelude::*;
    use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
    use rtc::shared::marshal::Unmarshal;

    /// All that is due at `now`, as the packets say it, with absolute ticks.
    fn told(arrivals: &mut Arrivals, now: Instant, room: usize) -> Vec<(u16, Option<i64>)> {
        let mut out = vec![0; room];
        let mut all = Vec::new();
        while let Some(bytes) = arrivals.write(now, &mut out, 1, 2) {
            assert!(bytes <= room && bytes % 4 == 0);
            let packet = &out[..bytes];
            assert_eq!(
                usize::from(packet[3]) * 4 + 4 + usize::from(packet[2]) * 1024,
                bytes
            );
            let feedback = Feedback::parse(packet).expect("our own");
            let reference = i64::from(feedback.reference) * 256;
            let statuses = feedback.statuses();
            all.extend(statuses.map(|(sequence, ticks)| (sequence, ticks.map(|t| t + reference))));
            TransportLayerCc::unmarshal(&mut &packet[..]).expect("the reference reads it");
        }
        all
    }

    #[test]
    fn what_arrived_is_told_when_it_is_due() {
        let epoch = Instant::now();
        let at = |ms| epoch + Duration::from_millis(ms);
        let mut arrivals = Arrivals::new(epoch);
        assert_eq!(arrivals.next_deadline(), None);
        for (ms, sequence) in [(1000, 65_534), (1001, 65_535), (1100, 2), (1101, 1)] {
            arrivals.handle(at(ms), sequence);
        }
        assert_eq!(arrivals.next_deadline(), Some(at(1100)));
        assert_eq!(arrivals.write(at(1099), &mut [0; 100], 1, 2), None);
        let ms = |ms: i64| Some(ms * 4 + 1);
        assert_eq!(
            told(&mut arrivals, at(1101), 100),
            [
                (65_534, ms(1000)),
                (65_535, ms(1001)),
                (0, None),
                (1, ms(1101)),
                (2, ms(1100))
            ]
        );
        assert_eq!(arrivals.next_deadline(), None);
        // One that was told as lost came after all: it and what is behind it are told again.
        arrivals.handle(at(1120), 0);
        assert_eq!(
            told(&mut arrivals, at(1220), 100),
            [(0, ms(1120)), (1, ms(1101)), (2, ms(1100))]
        );
        // Again the same is no news.
        arrivals.handle(at(1230), 0);
        assert_eq!(arrivals.next_deadline(), None);
    }

    #[test]
    fn the_packet_is_as_the_draft_draws_it() {
        let epoch = Instant::now();
        let mut arrivals = Arrivals::new(epoch);
        let at = |us| epoch + Duration::from_micros(us);
        // Ticks begin at one.
        arrivals.handle(at(64_000 - 250), 7);
        arrivals.handle(at(64_000 - 250 + 500), 8);
        arrivals.handle(at(64_000 - 250 + 100_000), 9);
        let mut out = [0xAA; 64];
        let bytes = arrivals.write(at(1_000_000), &mut out, 0x0102_0304, 0x0506_0708);
        assert_eq!(bytes, Some(28));
        assert_eq!(
            out[..28],
            [
                0xAF, 205, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0, 7, 0, 3, 0, 0, 1, 0, 0xD6, 0, 0, 2,
                0x01, 0x8E, 0, 2
            ]
        );
    }

    #[test]
    fn many_packets_make_reports_more_frequent_and_few_less() {
        let epoch = Instant::now();
        let mut arrivals = Arrivals::new(epoch);
        let mut reports = 0;
        for ms in 0..3000_u64 {
            let now = epoch + Duration::from_millis(ms);
            let every = if ms < 1000 { 20 } else { 2 };
            if ms % every == 0 {
                arrivals.handle(now, (ms / every) as u16);
            }
            if arrivals.next_deadline().is_some_and(|due| due <= now) {
                reports += usize::from(!told(&mut arrivals, now, 1200).is_empty());
            }
            if ms == 999 {
                assert!((7..=10).contains(&reports), "{reports}");
                arrivals = Arrivals::new(epoch);
                reports = 0;
            }
        }
        assert!((34..=41).contains(&reports), "{reports}");
    }

    #[test]
    fn a_large_gap_is_not_told_and_costs_nothing() {
        let epoch = Instant::now();
        let mut arrivals = Arrivals::new(epoch);
        arrivals.handle(epoch, 0);
        arrivals.handle(epoch, 1023);
        let later = epoch + Duration::from_secs(1);
        assert_eq!(told(&mut arrivals, later, 1200).len(), 1024);
        arrivals.handle(later, 2047);
        arrivals.handle(later, 3071 + 30);
        let now = later + Duration::from_secs(1);
        assert_eq!(told(&mut arrivals, now, 1200), [(3101, Some(4001))]);
    }

    #[test]
    fn a_pause_longer_than_a_delta_parts_the_feedback() {
        let epoch = Instant::now();
        let mut arrivals = Arrivals::new(epoch);
        arrivals.handle(epoch, 0);
        let later = epoch + Duration::from_secs(9);
        arrivals.handle(later, 1);
        let mut out = [0; 1200];
        assert!(arrivals.write(later, &mut out, 1, 2).is_some());
        assert_eq!(arrivals.next_deadline().map(|due| due <= later), Some(true));
        assert_eq!(told(&mut arrivals, later, 1200), [(1, Some(36_001))]);
    }

    #[test]
    fn without_room_nothing_is_lost() {
        let epoch = Instant::now();
        let mut arrivals = Arrivals::new(epoch);
        arrivals.handle(epoch, 0);
        let later = epoch + Duration::from_secs(1);
        assert_eq!(arrivals.write(later, &mut [0; 27], 1, 2), None);
        assert_eq!(told(&mut arrivals, later, 32), [(0, Some(1))]);
    }

    proptest! {
        #[test]
        fn each_packet_is_told_as_it_arrived(
            first: u16,
            packets in proptest::collection::vec((0_u16..40, 0_u64..30_000, 0_u16..6), 1..300),
            room in 32_usize..300,
        ) {
            let epoch = Instant::now();
            let mut arrivals = Arrivals::new(epoch);
            let (mut us, mut sequence) = (0, first);
            let mut came = std::collections::BTreeMap::new();
            let mut said = std::collections::BTreeMap::new();
            for (skip, wait, back) in packets {
                us += wait;
                let now = epoch + Duration::from_micros(us);
                // Most count on, some leave a gap, some go back.
                sequence = if skip < 30 { sequence.wrapping_add(1) } else if skip < 35 { sequence.wrapping_add(skip - 28) } else { sequence.wrapping_sub(back) };
                arrivals.handle(now, sequence);
                came.entry(sequence).or_insert((us / 250 + 1) as i64);
                for (sequence, ticks) in told(&mut arrivals, now, room) {
                    if let Some(ticks) = ticks {
                        prop_assert_eq!(said.insert(sequence, ticks).unwrap_or(ticks), ticks);
                    }
                }
            }
            let end = epoch + Duration::from_micros(us + 1_000_000);
            for (sequence, ticks) in told(&mut arrivals, end, room) {
                if let Some(ticks) = ticks {
                    said.insert(sequence, ticks);
                }
            }
            prop_assert_eq!(said.len(), came.iter().filter(|(sequence, ticks)| said.get(sequence) == Some(ticks)).count());
            // What lies before the first packet by more than a little is not told.
            prop_assert!(said.len() <= came.len());
            prop_assert!(said.len() + 40 >= came.len());
        }

        #[test]
        fn any_numbers_are_taken(numbers in proptest::collection::vec(any::<u16>(), 0..200)) {
            let epoch = Instant::now();
            let mut arrivals = Arrivals::new(epoch);
            for (ms, number) in numbers.into_iter().enumerate() {
                let now = epoch + Duration::from_millis(ms as u64 * 7);
                arrivals.handle(now, number);
                told(&mut arrivals, now, 200);
                prop_assert!(arrivals.end - arrivals.from <= REMEMBERED as u64);
            }
        }
    }
}
