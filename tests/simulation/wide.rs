//! A browser's transport-wide feedback: which packets came when
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), written without the server's help.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Packets that one chunk tells of, with two bits each.
const CHUNK: usize = 7;
/// The unit of the time that a feedback begins with, and of the steps from packet to packet.
const REFERENCE: Duration = Duration::from_millis(64);
const STEP_MICROS: i64 = 250;

/// Packets that are remembered, to be told of again.
const KEPT: usize = 1000;

/// What has come, and what of it has been told.
pub struct Arrivals {
    start: Instant,
    highest: Option<u64>,
    /// First number that the next feedback tells of.
    next: Option<u64>,
    came: BTreeMap<u64, Instant>,
    count: u8,
}

impl Arrivals {
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
        let highest = self.highest.unwrap_or(u64::from(number) | 1 << 20);
        let ahead = number.wrapping_sub(highest as u16).cast_signed();
        let index = highest.wrapping_add_signed(ahead.into());
        self.highest = Some(highest.max(index));
        self.came.entry(index).or_insert(now);
        if self.came.len() > KEPT {
            self.came.pop_first();
        }
        // From one that is late on, all is told again, as libwebrtc does.
        self.next = Some(self.next.map_or(index, |next| next.min(index)));
    }

    /// The feedback on everything that has come since the last.
    pub fn poll_feedback(&mut self, sender: u32) -> Option<Vec<u8>> {
        let base = self.next?;
        let came = &self.came;
        let (&last, _) = came.last_key_value()?;
        let first = came.range(base..).map(|(_, at)| at).min()?;
        self.next = Some(last + 1);
        let reference = (*first - self.start).as_micros() / REFERENCE.as_micros();
        let mut at = (reference * REFERENCE.as_micros()) as i64 / STEP_MICROS;
        let mut symbols = Vec::new();
        let mut steps = Vec::new();
        for index in base..=last {
            let Some(arrival) = came.get(&index) else {
                symbols.push(0);
                continue;
            };
            let arrival = (*arrival - self.start).as_micros() as i64 / STEP_MICROS;
            let step = arrival - at;
            at = arrival;
            match u8::try_from(step) {
                Ok(step) => {
                    symbols.push(1);
                    steps.push(step);
                }
                Err(_) => {
                    let step = step.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                    symbols.push(2);
                    steps.extend(step.to_be_bytes());
                }
            }
        }
        let mut body = Vec::new();
        body.extend(sender.to_be_bytes());
        body.extend([0; 4]);
        body.extend((base as u16).to_be_bytes());
        body.extend((symbols.len() as u16).to_be_bytes());
        body.extend(&(reference as u32).to_be_bytes()[1..]);
        body.push(self.count);
        self.count = self.count.wrapping_add(1);
        for chunk in symbols.chunks(CHUNK) {
            let bits = (0..CHUNK).fold(0b11_u16, |bits, place| {
                bits << 2 | chunk.get(place).copied().unwrap_or(0)
            });
            body.extend(bits.to_be_bytes());
        }
        body.extend(steps);
        let padding = body.len().next_multiple_of(4) - body.len();
        body.resize(body.len() + padding, 0);
        if let Some(last) = body.last_mut() {
            *last = if padding > 0 { padding as u8 } else { *last };
        }
        let padded = if padding > 0 { 0x20 } else { 0 };
        let words = (body.len() / 4) as u16;
        let [high, low] = words.to_be_bytes();
        Some([&[0x80 | padded | 15, 205, high, low], body.as_slice()].concat())
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;
    use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
    use rtc::shared::marshal::Unmarshal;

    #[test]
    fn the_reference_reads_what_came_and_when() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        assert_eq!(arrivals.poll_feedback(1), None);
        for (number, ms) in [(65_534, 130), (65_535, 131), (2, 250), (1, 251)] {
            arrivals.handle(start + Duration::from_millis(ms), number);
        }
        let feedback = arrivals.poll_feedback(1).expect("a feedback");
        let read = TransportLayerCc::unmarshal(&mut feedback.as_slice()).expect("read");
        assert_eq!(read.base_sequence_number, 65_534);
        assert_eq!(read.packet_status_count, 5);
        assert_eq!(read.reference_time, 2);
        let steps: Vec<i64> = read.recv_deltas.iter().map(|step| step.delta).collect();
        assert_eq!(steps, [2000, 1000, 120_000, -1000]);
        arrivals.handle(start + Duration::from_millis(300), 3);
        let feedback = arrivals.poll_feedback(1).expect("a feedback");
        let read = TransportLayerCc::unmarshal(&mut feedback.as_slice()).expect("read");
        assert_eq!((read.base_sequence_number, read.fb_pkt_count), (3, 1));
    }
}
