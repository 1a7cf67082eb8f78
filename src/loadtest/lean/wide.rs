//! Transport-wide feedback: which packets of the path came when
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), so that the server's estimate of a lean
//! receiver's path is made as of a browser's.
//!
//! This module must never know what the packets carried.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Packets that one chunk tells of, with two bits each.
const CHUNK: usize = 7;
/// The unit of the time that a feedback begins with, and of the steps from packet to packet.
const REFERENCE_US: u128 = 64_000;
const STEP_US: i64 = 250;

/// Packets that one feedback tells of at most, so that it fits a datagram; of more tells the next.
const TOLD_MAX: u64 = 400;
/// Packets that are kept until they are told of. What was before is left out, and so counts as lost.
const KEPT_MAX: usize = 4000;

/// What has come since the last feedback.
#[derive(Debug)]
pub struct Wide {
    start: Instant,
    highest: Option<u64>,
    /// First number that the next feedback tells of.
    next: Option<u64>,
    came: BTreeMap<u64, Instant>,
    count: u8,
}

impl Wide {
    /// Nothing has come yet.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            highest: None,
            next: None,
            came: BTreeMap::new(),
            count: 0,
        }
    }

    /// A packet with this number has come.
    pub fn handle(&mut self, now: Instant, number: u16) {
        // Room for what is older than the first.
        let highest = self.highest.unwrap_or(u64::from(number) + (1 << 20));
        let ahead = number.wrapping_sub(highest as u16).cast_signed();
        let index = highest.saturating_add_signed(ahead.into());
        self.highest = Some(highest.max(index));
        if self.next.is_none_or(|next| index >= next) {
            self.came.insert(index, now);
        }
        if self.came.len() > KEPT_MAX {
            self.came.pop_first();
        }
    }

    /// The next feedback on what has come since the last; nothing where nothing has.
    pub fn poll(&mut self, sender: u32) -> Option<Vec<u8>> {
        let (&first, _) = self.came.first_key_value()?;
        // A hole that is longer than a feedback is no loss that needs to be told.
        let base = self.next.unwrap_or(first);
        let base = base.max((first + 1).saturating_sub(TOLD_MAX));
        let later = self.came.split_off(&(base + TOLD_MAX));
        let came = std::mem::replace(&mut self.came, later);
        let (&last, _) = came.last_key_value()?;
        let earliest = *came.values().min()?;
        self.next = Some(last + 1);
        let since = |at: Instant| at.saturating_duration_since(self.start).as_micros();
        let reference = since(earliest) / REFERENCE_US;
        let mut at = (reference * REFERENCE_US) as i64 / STEP_US;
        let mut symbols = Vec::new();
        let mut steps = Vec::new();
        for index in base..=last {
            let Some(arrival) = came.get(&index) else {
                symbols.push(0);
                continue;
            };
            let arrival = since(*arrival) as i64 / STEP_US;
            let step = arrival.saturating_sub(at);
            at = arrival;
            if let Ok(step) = u8::try_from(step) {
                symbols.push(1);
                steps.push(step);
            } else {
                let step = step.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                symbols.push(2);
                steps.extend(step.to_be_bytes());
            }
        }
        Some(self.write(sender, base, reference as u32, &symbols, &steps))
    }

    fn write(
        &mut self,
        sender: u32,
        base: u64,
        reference: u32,
        symbols: &[u16],
        steps: &[u8],
    ) -> Vec<u8> {
        // Flags and length are set once it is known.
        let mut packet = vec![0x80 | 15, 205, 0, 0];
        packet.extend(sender.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend((base as u16).to_be_bytes());
        packet.extend((symbols.len() as u16).to_be_bytes());
        packet.extend(reference.to_be_bytes().into_iter().skip(1));
        packet.push(self.count);
        self.count = self.count.wrapping_add(1);
        for chunk in symbols.chunks(CHUNK) {
            let bits = (0..CHUNK).fold(0b11_u16, |bits, place| {
                bits << 2 | chunk.get(place).copied().unwrap_or(0)
            });
            packet.extend(bits.to_be_bytes());
        }
        packet.extend(steps);
        let padding = packet.len().next_multiple_of(4) - packet.len();
        packet.resize(packet.len() + padding, 0);
        if padding > 0 {
            if let Some(last) = packet.last_mut() {
                *last = padding as u8;
            }
            if let Some(flags) = packet.first_mut() {
                *flags |= 0x20;
            }
        }
        let words = (packet.len() / 4 - 1) as u16;
        if let Some(length) = packet.get_mut(2..4) {
            length.copy_from_slice(&words.to_be_bytes());
        }
        packet
    }
}

/// How often a browser gives feedback.
pub const EVERY: Duration = Duration::from_millis(100);

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use rtc::{
        rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc, shared::marshal::Unmarshal,
    };

    use super::*;

    fn read(feedback: Option<Vec<u8>>) -> TransportLayerCc {
        let feedback = feedback.expect("a feedback");
        TransportLayerCc::unmarshal(&mut feedback.as_slice()).expect("the reference reads it")
    }

    #[test]
    fn the_reference_reads_what_came_and_when() {
        let start = Instant::now();
        let mut wide = Wide::new(start);
        assert_eq!(wide.poll(1), None);
        for (number, ms) in [(65_534, 130), (65_535, 131), (2, 250), (1, 251)] {
            wide.handle(start + Duration::from_millis(ms), number);
        }
        let first = read(wide.poll(1));
        assert_eq!(first.base_sequence_number, 65_534);
        assert_eq!(first.packet_status_count, 5);
        assert_eq!(first.reference_time, 2);
        let steps: Vec<i64> = first.recv_deltas.iter().map(|step| step.delta).collect();
        assert_eq!(steps, [2000, 1000, 120_000, -1000]);
        wide.handle(start + Duration::from_millis(300), 4);
        let second = read(wide.poll(1));
        // What was lost between the two is told of.
        assert_eq!((second.base_sequence_number, second.fb_pkt_count), (3, 1));
        assert_eq!(second.packet_status_count, 2);
        assert_eq!(wide.poll(1), None);
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let start = Instant::now();
        let mut wide = Wide::new(start);
        for number in 0..20_000_u32 {
            wide.handle(start, number as u16);
        }
        assert!(wide.came.len() <= KEPT_MAX);
    }

    #[test]
    fn what_does_not_fit_one_feedback_is_told_of_by_the_next() {
        let start = Instant::now();
        let mut wide = Wide::new(start);
        for number in (0..1000).chain(5000..5010) {
            wide.handle(start, number);
        }
        let mut told = Vec::new();
        while let Some(feedback) = wide.poll(1) {
            assert!(feedback.len() < 1200);
            let feedback = read(Some(feedback));
            told.push((feedback.base_sequence_number, feedback.recv_deltas.len()));
        }
        let all = [(0, 400), (400, 400), (800, 200), (4601, 1), (5001, 9)];
        assert_eq!(told, all, "and of a hole at most as much as fits");
    }
}
