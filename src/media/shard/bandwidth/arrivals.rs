//! When a publisher's packets arrived, by transport-wide sequence number, and the feedback that
//! tells it (draft-holmer-rmcat-transport-wide-cc-extensions-01). The publisher estimates its own
//! path from it.
//!
//! Asked for every packet received: one store into fixed memory. This module must never know what
//! a packet held.

use std::time::{Duration, Instant};

use super::{
    super::rtp::Unwrapped16,
    chunks::{Pending, Symbol, TICK_US},
};

/// Packets remembered. A gap larger than this is not told of: the count begins anew behind it.
const REMEMBERED: usize = 1024;
/// How far back a late packet is still told of after its place was told as lost; telling it
/// repeats all behind it.
const LATE_MAX: u64 = 128;

/// Feedback comes at most this often. Browsers accept 50 ms to 250 ms from libwebrtc.
const INTERVAL_MIN: Duration = Duration::from_millis(50);
/// And while packets come, at least this often.
const INTERVAL_MAX: Duration = Duration::from_millis(100);
/// Between the two: as long as so many packets take, so that sound alone makes few reports.
const PACKETS_AIMED_AT: u32 = 5;

/// Header, SSRCs and what stands before the chunks.
const FIXED_BYTES: usize = 20;
/// What one status adds at most, with its share of chunks not yet written: a large delta, the
/// chunk that it pushes out, the chunk after, padding.
const STATUS_BYTES_MAX: usize = 2 + 2 + 2 + 3;
/// Ticks in a unit of the reference time, 64 ms.
const REFERENCE_TICKS: u64 = 256;

const TRANSPORT_FEEDBACK: u8 = 205;
const TRANSPORT_WIDE: u8 = 15;
const PADDED: u8 = 0x20;

/// The packets last received from one publisher.
#[derive(Debug)]
pub struct Arrivals {
    epoch: Instant,
    sequences: Unwrapped16,
    /// Ticks of 250 µs since one before the epoch; 0 for what has not arrived. Allocated with the
    /// first packet.
    ticks: Option<Box<[u64; REMEMBERED]>>,
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
        let ticks = self.ticks.get_or_insert_with(|| Box::new([0; REMEMBERED]));
        if self.end == 0 || whole >= self.end.saturating_add(REMEMBERED as u64) {
            ticks.fill(0);
            self.from = whole;
            self.end = whole;
        }
        if whole >= self.end {
            // Fewer than there are places.
            for lost in self.end..whole {
                put(ticks, lost, 0);
            }
            self.end = whole + 1;
            self.from = self.from.max(self.end.saturating_sub(REMEMBERED as u64));
        } else if self.end - whole > REMEMBERED as u64 || get(ticks, whole) != 0 {
            return;
        } else if whole < self.from {
            if self.end - whole > LATE_MAX {
                return;
            }
            self.from = whole;
        }
        put(ticks, whole, tick);
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
        let ticks = self.ticks.as_deref()?;
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

fn place(whole: u64) -> usize {
    // A power of two: the mask keeps the place inside.
    whole as usize & (REMEMBERED - 1)
}

fn get(ticks: &[u64; REMEMBERED], whole: u64) -> u64 {
    ticks.get(place(whole)).copied().unwrap_or(0)
}

fn put(ticks: &mut [u64; REMEMBERED], whole: u64, tick: u64) {
    if let Some(stored) = ticks.get_mut(place(whole)) {
        *stored = tick;
    }
}

/// The packets that one feedback tells of.
struct Span {
    from: u64,
    end: u64,
    /// In units of 64 ms.
    reference: u64,
    chunk_bytes: usize,
    delta_bytes: usize,
}

impl Span {
    /// As many of the packets as the room and the range of a delta allow. `None` if none is.
    fn fitting(ticks: &[u64; REMEMBERED], from: u64, end: u64, room: usize) -> Option<Self> {
        let first = (from..end)
            .map(|whole| get(ticks, whole))
            .find(|tick| *tick != 0)?;
        let mut span = Self {
            from,
            end: from,
            reference: first / REFERENCE_TICKS,
            chunk_bytes: 0,
            delta_bytes: 0,
        };
        // The length field counts words in 16 bits, far above what `REMEMBERED` packets need.
        let mut steps = Steps::after(span.reference);
        let mut pending = Pending::default();
        for whole in from..end {
            let used = FIXED_BYTES + span.chunk_bytes + span.delta_bytes;
            if used + STATUS_BYTES_MAX > room {
                break;
            }
            let Some(step) = steps.next(get(ticks, whole)) else {
                break;
            };
            if pending.push(step.symbol()).is_some() {
                span.chunk_bytes += 2;
            }
            span.delta_bytes += step.bytes();
            span.end = whole + 1;
        }
        if pending.finish().is_some() {
            span.chunk_bytes += 2;
        }
        (span.end > from).then_some(span)
    }

    fn count(&self) -> u16 {
        // At most `REMEMBERED`.
        u16::try_from(self.end - self.from).unwrap_or(u16::MAX)
    }

    fn write(
        &self,
        ticks: &[u64; REMEMBERED],
        out: &mut [u8],
        ssrcs: [u32; 2],
        number: u8,
    ) -> Option<usize> {
        let used = FIXED_BYTES + self.chunk_bytes + self.delta_bytes;
        let bytes = used.next_multiple_of(4);
        let out = out.get_mut(..bytes)?;
        let padding = bytes - used;
        let words = u16::try_from(bytes / 4 - 1).ok()?;
        let flags = 0x80 | TRANSPORT_WIDE | if padding == 0 { 0 } else { PADDED };
        let [sender_ssrc, media_ssrc] = ssrcs;
        let mut rest = Rest(out);
        rest.put([flags, TRANSPORT_FEEDBACK])?;
        rest.put(words.to_be_bytes())?;
        rest.put(sender_ssrc.to_be_bytes())?;
        rest.put(media_ssrc.to_be_bytes())?;
        rest.put((self.from as u16).to_be_bytes())?;
        rest.put(self.count().to_be_bytes())?;
        let [.., r0, r1, r2] = self.reference.to_be_bytes();
        rest.put([r0, r1, r2, number])?;

        let (chunks, rest) = rest.0.split_at_mut_checked(self.chunk_bytes)?;
        let mut chunks = Rest(chunks);
        let mut rest = Rest(rest);
        let mut steps = Steps::after(self.reference);
        let mut pending = Pending::default();
        for whole in self.from..self.end {
            let step = steps.next(get(ticks, whole))?;
            if let Some(chunk) = pending.push(step.symbol()) {
                chunks.put(chunk)?;
            }
            match step {
                Step::Lost => {}
                Step::Near(delta) => rest.put([delta])?,
                Step::Far(delta) => rest.put(delta.to_be_bytes())?,
            }
        }
        if let Some(chunk) = pending.finish() {
            chunks.put(chunk)?;
        }
        for left in (1..=padding).rev() {
            // Zeros, and how many bytes of padding there are in the last.
            rest.put([if left == 1 { padding as u8 } else { 0 }])?;
        }
        Some(bytes)
    }
}

/// What is still to be written.
struct Rest<'a>(&'a mut [u8]);

impl Rest<'_> {
    fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Option<()> {
        let (front, rest) = std::mem::take(&mut self.0).split_first_chunk_mut::<N>()?;
        *front = bytes;
        self.0 = rest;
        Some(())
    }
}

/// One packet's arrival, as it is told.
#[derive(Clone, Copy)]
enum Step {
    Lost,
    Near(u8),
    Far(i16),
}

impl Step {
    fn symbol(self) -> Symbol {
        match self {
            Self::Lost => Symbol::Lost,
            Self::Near(_) => Symbol::Near,
            Self::Far(_) => Symbol::Far,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Lost => 0,
            Self::Near(_) => 1,
            Self::Far(_) => 2,
        }
    }
}

/// From arrival to arrival.
struct Steps {
    last: u64,
}

impl Steps {
    fn after(reference: u64) -> Self {
        Self {
            last: reference * REFERENCE_TICKS,
        }
    }

    /// `None` if the arrival is further away than a delta can say.
    fn next(&mut self, tick: u64) -> Option<Step> {
        if tick == 0 {
            return Some(Step::Lost);
        }
        let delta = tick.cast_signed().wrapping_sub(self.last.cast_signed());
        let step = match u8::try_from(delta) {
            Ok(near) => Step::Near(near),
            Err(_) => Step::Far(i16::try_from(delta).ok()?),
        };
        self.last = tick;
        Some(step)
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
