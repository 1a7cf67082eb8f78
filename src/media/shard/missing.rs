//! Which packets of one source have not come, and when to ask its sender for them again (RFC 4585
//! section 6.2.1).
//!
//! The round trip is learnt from the answers themselves: a packet that comes after having been asked
//! for once has taken one. This module must never know who sends, nor how a request is written.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Packets awaited at most. A longer hole is a sender that was away, not loss: it is not asked for.
const MISSING_MAX: usize = 128;
/// Packets that were only overtaken come by themselves within this.
const OVERTAKEN: Duration = Duration::from_millis(8);
/// The round trip before one is known, and the least and most that it is taken for.
const ROUND_TRIP: Duration = Duration::from_millis(100);
const ROUND_TRIP_MIN: Duration = Duration::from_millis(20);
const ROUND_TRIP_MAX: Duration = Duration::from_millis(500);
/// Requests for one packet at most: as libwebrtc's.
const ASKS_MAX: u8 = 10;

/// A packet that has not come.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    sequence: u64,
    /// When its absence was noticed.
    since: Instant,
    ask_at: Instant,
    asked_at: Option<Instant>,
    asks: u8,
}

/// What is due now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Ask for these again; in rising order.
    pub ask: Vec<u64>,
    /// A packet has been given up: a decoder that needed it needs a key frame.
    pub gave_up: bool,
}

/// The holes of one source.
#[derive(Debug)]
pub struct Missing {
    highest: Option<u64>,
    /// In rising order of sequence number.
    awaited: VecDeque<Awaited>,
    round_trip: Duration,
    /// How long after its absence was noticed a packet is still of use.
    useful: Duration,
}

impl Missing {
    /// Of a source whose packets are of use for so long after their time.
    pub fn new(useful: Duration) -> Self {
        Self {
            highest: None,
            awaited: VecDeque::new(),
            round_trip: ROUND_TRIP,
            useful,
        }
    }

    /// Forgets all holes: what was sent while nobody was to receive it is not asked for.
    pub fn forget(&mut self) {
        self.highest = None;
        self.awaited.clear();
    }

    /// A packet has come. Whether it is new: ahead of all others, or awaited.
    pub fn handle(&mut self, now: Instant, sequence: u64) -> bool {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            return true;
        };
        if sequence <= highest {
            return self.arrived_late(now, sequence);
        }
        self.highest = Some(sequence);
        let hole = highest.saturating_add(1)..sequence;
        if hole.is_empty() {
            return true;
        }
        if hole.end.saturating_sub(hole.start) > MISSING_MAX as u64 {
            self.awaited.clear();
            return true;
        }
        for sequence in hole {
            if self.awaited.len() >= MISSING_MAX {
                self.awaited.pop_front();
            }
            self.awaited.push_back(Awaited {
                sequence,
                since: now,
                ask_at: now + OVERTAKEN,
                asked_at: None,
                asks: 0,
            });
        }
        true
    }

    fn arrived_late(&mut self, now: Instant, sequence: u64) -> bool {
        let place = self
            .awaited
            .binary_search_by_key(&sequence, |awaited| awaited.sequence);
        let Some(awaited) = place.ok().and_then(|place| self.awaited.remove(place)) else {
            return false;
        };
        if let (Some(asked_at), 1) = (awaited.asked_at, awaited.asks) {
            let sample = now
                .saturating_duration_since(asked_at)
                .clamp(ROUND_TRIP_MIN, ROUND_TRIP_MAX);
            // Smoothed as TCP's (RFC 6298 section 2.3).
            self.round_trip = (self.round_trip * 7 + sample) / 8;
        }
        true
    }

    /// When [`Missing::due`] has something to say.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.awaited.iter().map(|awaited| awaited.ask_at).min()
    }

    /// What is to be asked for, and whether something was given up.
    pub fn due(&mut self, now: Instant) -> Due {
        let mut due = Due::default();
        let (round_trip, useful) = (self.round_trip, self.useful);
        self.awaited.retain_mut(|awaited| {
            if awaited.ask_at > now {
                return true;
            }
            let late = now.saturating_duration_since(awaited.since) >= useful;
            if late || awaited.asks >= ASKS_MAX {
                due.gave_up = true;
                return false;
            }
            due.ask.push(awaited.sequence);
            awaited.asks = awaited.asks.saturating_add(1);
            awaited.asked_at = Some(now);
            // An answer needs a round trip; a quarter more for its variance.
            awaited.ask_at = now + round_trip + round_trip / 4;
            true
        });
        due
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;

    struct Script {
        missing: Missing,
        start: Instant,
    }

    impl Script {
        fn new() -> Self {
            Self {
                missing: Missing::new(Duration::from_secs(1)),
                start: Instant::now(),
            }
        }

        fn come(&mut self, ms: u64, sequences: impl IntoIterator<Item = u64>) {
            for sequence in sequences {
                let now = self.start + Duration::from_millis(ms);
                self.missing.handle(now, sequence);
            }
        }

        fn asks(&mut self, ms: u64) -> Vec<u64> {
            self.due(ms).ask
        }

        fn due(&mut self, ms: u64) -> Due {
            self.missing.due(self.start + Duration::from_millis(ms))
        }

        fn deadline(&self) -> Option<u128> {
            let deadline = self.missing.next_deadline()?;
            Some((deadline - self.start).as_millis())
        }
    }

    #[test]
    fn a_hole_is_asked_for_until_it_is_filled() {
        let mut script = Script::new();
        script.come(0, [70_000, 70_001, 70_004]);
        assert_eq!(script.deadline(), Some(8));
        assert_eq!(script.asks(7), [0; 0]);
        assert_eq!(script.asks(8), [70_002, 70_003]);
        script.come(60, [70_002]);
        assert_eq!(script.asks(132), [0; 0]);
        assert_eq!(script.asks(140), [70_003], "no answer in a round trip");
        script.come(150, [70_003]);
        assert_eq!(script.deadline(), None);
    }

    #[test]
    fn who_was_only_overtaken_is_not_asked_for() {
        let mut script = Script::new();
        script.come(0, [1, 3, 2, 5]);
        script.come(6, [4]);
        assert_eq!(script.asks(100), [0; 0]);
        assert_eq!(script.deadline(), None);
    }

    #[test]
    fn what_does_not_come_is_given_up_and_said_so_once() {
        let mut script = Script::new();
        script.come(0, [1, 3]);
        let mut asks = 0;
        let mut gave_up = 0;
        for ms in 0..3000 {
            let due = script.due(ms);
            asks += due.ask.len();
            gave_up += usize::from(due.gave_up);
        }
        assert!((7..=10).contains(&asks), "{asks}");
        assert_eq!(gave_up, 1);
        script.come(3000, [2]);
        assert_eq!(script.deadline(), None);
    }

    #[test]
    fn the_round_trip_is_learnt_from_the_answers() {
        let mut script = Script::new();
        for round in 0..30 {
            let (at, first) = (round * 1000, round * 2 + 1);
            script.come(at, [first, first + 2]);
            assert_eq!(script.asks(at + 8), [first + 1]);
            script.come(at + 8 + 24, [first + 1]);
        }
        script.come(40_000, [61, 63]);
        assert_eq!(script.asks(40_008), [62]);
        let again = script.deadline().expect("awaited");
        assert!((40_034..=40_044).contains(&again), "{again}");
    }

    #[test]
    fn a_sender_that_was_away_is_asked_for_nothing_and_nothing_grows() {
        let mut script = Script::new();
        script.come(0, [1, 3, 1000, 1002]);
        assert_eq!(script.asks(8), [1001]);
        for place in 0..10_000 {
            script.come(20, [2000 + place * 3]);
        }
        assert!(script.missing.awaited.len() <= MISSING_MAX);
        script.missing.forget();
        script.come(30, [9]);
        assert_eq!(script.deadline(), None);
    }
}
