//! What was sent to one peer, by transport-wide sequence number, so that its feedback can be read.
//!
//! Asked for every forwarded packet: one store into fixed memory, nothing else. This module must
//! never know what a packet held or what is made of its fate.

use std::time::Instant;

/// Packets remembered; older ones are written over, and feedback on them is passed over. Two
/// seconds of a thousand packets a second: longer than a round trip with its feedback interval.
pub const REMEMBERED: usize = 2048;

/// Written as the probe of a packet that belongs to none.
const NO_PROBE: u8 = u8::MAX;

/// A packet as it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// When, in microseconds since the log's epoch.
    pub at_us: u64,
    /// Size of the whole datagram, in bytes.
    pub bytes: u16,
    /// The probe that it was part of.
    pub probe: Option<u8>,
    /// An earlier feedback said that it had not arrived.
    pub said_lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Arrived,
}

/// Eight bytes, so that the log of a peer is 16 KiB.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The low 32 bits; the log is shorter than the 71 minutes in which they wrap.
    at_us: u32,
    bytes: u16,
    probe: u8,
    fate: Fate,
}

const EMPTY: Entry = Entry {
    at_us: 0,
    bytes: 0,
    probe: NO_PROBE,
    fate: Fate::Unknown,
};

/// The packets last sent to one peer.
#[derive(Debug)]
pub struct SentLog {
    epoch: Instant,
    /// Allocated with the first packet: most peers that publish only never send any.
    entries: Option<Box<[Entry; REMEMBERED]>>,
    /// Number of the next packet, with its rollovers: also how many were sent.
    next: u64,
    bytes: u64,
}

impl SentLog {
    /// An empty log. Times are counted from `epoch`.
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            entries: None,
            next: 0,
            bytes: 0,
        }
    }

    /// Packets sent so far.
    pub fn count(&self) -> u64 {
        self.next
    }

    /// Bytes sent so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Notes a packet that is about to leave and gives it its number.
    pub fn push(&mut self, now: Instant, bytes: u16, probe: Option<u8>) -> u16 {
        self.push_at(self.micros(now), bytes, probe)
    }

    /// The same, `now_us` as [`SentLog::micros`] gives it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits are meant: numbers and times wrap"
    )]
    pub fn push_at(&mut self, now_us: u64, bytes: u16, probe: Option<u8>) -> u16 {
        let at_us = now_us as u32;
        let sequence = self.next as u16;
        self.next += 1;
        self.bytes += u64::from(bytes);
        let entries = self
            .entries
            .get_or_insert_with(|| Box::new([EMPTY; REMEMBERED]));
        if let Some(entry) = entries.get_mut(place(sequence)) {
            *entry = Entry {
                at_us,
                bytes,
                probe: probe.unwrap_or(NO_PROBE),
                fate: Fate::Unknown,
            };
        }
        sequence
    }

    /// Notes what the peer says of a packet, and gives it if that is news: the first word on it,
    /// or that it arrived after all. `now_us` as [`SentLog::micros`] gives it. A number that was never given is no news.
    pub fn settle(&mut self, now_us: u64, sequence: u16, arrived: bool) -> Option<Sent> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "numbers wrap; the low bits are compared"
        )]
        let behind = (self.next as u16).wrapping_sub(sequence);
        let remembered = self.next.min(REMEMBERED as u64);
        if behind == 0 || u64::from(behind) > remembered {
            return None;
        }
        let entry = self.entries.as_mut()?.get_mut(place(sequence))?;
        let said_lost = match (entry.fate, arrived) {
            (Fate::Unknown, _) => false,
            (Fate::Lost, true) => true,
            (Fate::Lost, false) | (Fate::Arrived, _) => return None,
        };
        entry.fate = if arrived { Fate::Arrived } else { Fate::Lost };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low bits give the age, which is below their wrap"
        )]
        let age_us = (now_us as u32).wrapping_sub(entry.at_us);
        Some(Sent {
            at_us: now_us.saturating_sub(u64::from(age_us)),
            bytes: entry.bytes,
            probe: Some(entry.probe).filter(|probe| *probe != NO_PROBE),
            said_lost,
        })
    }

    /// Microseconds since the epoch.
    pub fn micros(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.epoch);
        passed
            .as_secs()
            .saturating_mul(1_000_000)
            .saturating_add(u64::from(passed.subsec_micros()))
    }
}

fn place(sequence: u16) -> usize {
    // A power of two, so that places go on over the wrap.
    usize::from(sequence) & (REMEMBERED - 1)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn a_log_is_sixteen_kibibytes() {
        assert_eq!(size_of::<[Entry; REMEMBERED]>(), 16 * 1024);
    }

    #[test]
    fn what_was_sent_is_given_once() {
        let epoch = Instant::now();
        let mut log = SentLog::new(epoch);
        assert_eq!(log.settle(0, 0, true), None);
        assert_eq!(log.push_at(10_000, 1200, None), 0);
        assert_eq!(log.push_at(20_000, 300, Some(4)), 1);
        let sent = Sent {
            at_us: 20_000,
            bytes: 300,
            probe: Some(4),
            said_lost: false,
        };
        assert_eq!(log.settle(90_000, 1, false), Some(sent));
        assert_eq!(log.settle(90_000, 1, false), None);
        let late = Sent {
            said_lost: true,
            ..sent
        };
        assert_eq!(log.settle(99_000, 1, true), Some(late));
        assert_eq!(log.settle(99_000, 1, true), None);
        assert_eq!(log.settle(99_000, 1, false), None);
        let first = log.settle(99_000, 0, true).expect("not yet spoken of");
        assert_eq!((first.at_us, first.probe), (10_000, None));
        assert_eq!(log.settle(99_000, 2, true), None, "never sent");
        assert_eq!(log.settle(99_000, 65_535, true), None, "never sent");
    }

    #[test]
    fn numbers_and_times_wrap() {
        let epoch = Instant::now();
        let mut log = SentLog::new(epoch);
        // 72 minutes at 30 packets a second.
        for number in 0..130_000_u64 {
            let now = epoch + Duration::from_micros(number * 33_333);
            assert_eq!(log.push(now, 100, None), number as u16);
            if number >= 2 {
                let sent = log
                    .settle(log.micros(now), (number - 2) as u16, true)
                    .expect("sent");
                assert_eq!(sent.at_us, (number - 2) * 33_333);
            }
        }
    }

    proptest! {
        #[test]
        fn only_what_was_sent_of_late_is_known(pushes in 0_usize..5000, asked: u16, arrived: bool) {
            let now = Instant::now();
            let mut log = SentLog::new(now);
            for _ in 0..pushes {
                log.push_at(0, 1, None);
            }
            let oldest = pushes.saturating_sub(REMEMBERED);
            let known = (oldest..pushes).contains(&usize::from(asked));
            prop_assert_eq!(log.settle(0, asked, arrived).is_some(), known);
            prop_assert!(log.settle(0, asked, false).is_none());
        }
    }
}
