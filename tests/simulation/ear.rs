//! A browser's ear for one slot of sound: a jitter buffer that waits, stretches when a packet comes
//! too late and catches up slowly, and a record of what was heard when.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::microphone::{FRAME, Said, frames};

/// How long the buffer holds sound back beyond the fastest packet.
const HELD_BACK_US: i64 = 80_000;
/// How much it catches up with each frame.
const CATCH_UP_US: i64 = 1000;
/// After so long without a packet it begins anew.
const ANEW_AFTER: Duration = Duration::from_secs(1);

/// A frame that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// When it was played.
    pub at: Instant,
    /// Which it was.
    pub said: Said,
}

/// The ear.
pub struct Ear {
    start: Instant,
    /// Unwrapped RTP time of the newest packet.
    newest: Option<i64>,
    last_arrival: Instant,
    /// From RTP time to the arrival of the fastest packet, in microseconds.
    base_us: i64,
    heard: BTreeMap<i64, Heard>,
    /// Frames that came when their time was over.
    pub late: usize,
    /// What must never happen.
    pub wrong: Vec<String>,
}

impl Ear {
    /// One that has heard nothing.
    pub fn new(now: Instant) -> Self {
        Self {
            start: now,
            newest: None,
            last_arrival: now,
            base_us: 0,
            heard: BTreeMap::new(),
            late: 0,
            wrong: Vec::new(),
        }
    }

    /// A packet has come.
    pub fn handle(&mut self, now: Instant, timestamp: u32, payload_type: u8, payload: &[u8]) {
        let arrival_us = (now - self.start).as_micros() as i64;
        let ticks = match self.newest {
            None => i64::from(timestamp),
            Some(newest) => newest + i64::from(timestamp.wrapping_sub(newest as u32).cast_signed()),
        };
        let is_newest = self.newest.is_none_or(|newest| ticks > newest);
        let transit_us = arrival_us - micros(ticks);
        if self.newest.is_none() || now - self.last_arrival > ANEW_AFTER {
            self.base_us = transit_us;
        } else if transit_us < self.base_us {
            self.base_us -= CATCH_UP_US.min(self.base_us - transit_us);
        } else if is_newest && transit_us > self.base_us + HELD_BACK_US {
            self.base_us = transit_us - HELD_BACK_US;
        }
        self.newest = Some(self.newest.map_or(ticks, |newest| newest.max(ticks)));
        self.last_arrival = now;
        for (back, said) in frames(payload_type, payload) {
            let ticks = ticks - i64::from(back);
            if let Some(known) = self.heard.get(&ticks) {
                if known.said != said {
                    self.wrong
                        .push(format!("{said:?} in the place of {:?}", known.said));
                }
                continue;
            }
            let due_us = micros(ticks) + self.base_us + HELD_BACK_US;
            if due_us < arrival_us {
                self.late += 1;
                continue;
            }
            let at = self.start + Duration::from_micros(due_us.cast_unsigned());
            self.heard.insert(ticks, Heard { at, said });
        }
    }

    /// All that was heard, in order.
    pub fn heard(&self) -> impl Iterator<Item = Heard> + '_ {
        self.heard.values().copied()
    }
}

fn micros(ticks: i64) -> i64 {
    ticks * 1000 / 48
}

/// The longest time in which nobody was heard between `from` and `to`. `heard` is in order.
pub fn longest_silence(heard: &[Heard], from: Instant, to: Instant) -> Duration {
    let mut quiet_since = from;
    let mut longest = Duration::ZERO;
    for frame in heard {
        if frame.at >= to {
            break;
        }
        longest = longest.max(frame.at.saturating_duration_since(quiet_since));
        quiet_since = quiet_since.max(frame.at + FRAME);
    }
    longest.max(to.saturating_duration_since(quiet_since))
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;
    use crate::{
        microphone::Microphone,
        offer::{Agreed, OPUS, RED},
    };

    /// What is heard of 100 frames when those with these numbers are lost.
    fn hear(red: bool, lost: &[u32], late: (u32, u64)) -> Vec<Heard> {
        let start = Instant::now();
        let agreed = Agreed {
            formats: if red { vec![RED, OPUS] } else { vec![OPUS] },
            extensions: Vec::new(),
            rids: Vec::new(),
        };
        let mut microphone = Microphone::new(start, 3, &agreed);
        let mut ear = Ear::new(start);
        for number in 0..100_u32 {
            let now = start + FRAME * number;
            let packet = microphone.poll_transmit(now).expect("a frame");
            let held_up = if number >= late.0 { late.1 } else { 0 };
            if !lost.contains(&number) {
                let arrival = now + Duration::from_millis(40 + held_up);
                ear.handle(
                    arrival,
                    packet.timestamp,
                    packet.payload_type,
                    &packet.payload,
                );
            }
        }
        assert_eq!(ear.wrong, [""; 0]);
        ear.heard().collect()
    }

    fn silence(heard: &[Heard]) -> u128 {
        let (first, last) = (heard[0].at, heard[heard.len() - 1].at);
        longest_silence(heard, first, last).as_millis()
    }

    #[test]
    fn what_is_lost_is_silence_and_redundancy_mends_one_in_a_row() {
        assert_eq!(hear(false, &[], (100, 0)).len(), 100);
        let torn = hear(false, &[10, 20, 21, 22], (100, 0));
        assert_eq!((torn.len(), silence(&torn)), (96, 60));
        let mended = hear(true, &[10, 20, 21, 22], (100, 0));
        assert_eq!((mended.len(), silence(&mended)), (98, 40));
    }

    #[test]
    fn a_longer_way_is_one_interruption() {
        let heard = hear(false, &[], (50, 300));
        assert_eq!(heard.len(), 100);
        let gap = silence(&heard);
        assert!((200..=240).contains(&gap), "{gap}");
    }
}
