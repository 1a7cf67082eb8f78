//! Packets that left together, and how much later each such group arrived than the one before
//! (draft-ietf-rmcat-gcc-02 section 5.2, with libwebrtc's rule for bursts).
//!
//! This module must never know what is concluded from it.

/// Packets sent within so many microseconds are one group.
const GROUP_US: u64 = 5_000;
/// Packets that arrive within this of each other, sooner than they were sent apart, were held up
/// together on the way.
const BURST_US: i64 = 5_000;
/// And such a burst is no longer than this.
const BURST_MAX_US: i64 = 100_000;
/// After so many groups in a row that arrived before the one before, the peer's clock was set.
const BACKWARDS_MAX: u8 = 3;
/// A change of the way's length by more than this is another timeline.
const JUMP_US: i64 = 3_000_000;

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent_us: u64,
    last_sent_us: u64,
    first_arrival_us: i64,
    last_arrival_us: i64,
}

/// From one group to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// How much longer the second was on its way, in milliseconds.
    pub delay_ms: f64,
    /// How much later it was sent, in milliseconds.
    pub sent_ms: f64,
    /// When it arrived, in milliseconds of the peer's clock.
    pub arrival_ms: f64,
}

/// The last two groups.
#[derive(Debug, Default)]
pub struct Groups {
    previous: Option<Group>,
    current: Option<Group>,
    backwards: u8,
}

impl Groups {
    /// A packet that arrived, in the order of sending; gives the step between two groups when it
    /// begins a third.
    pub fn push(&mut self, sent_us: u64, arrival_us: i64) -> Option<Step> {
        let fresh = Group {
            first_sent_us: sent_us,
            last_sent_us: sent_us,
            first_arrival_us: arrival_us,
            last_arrival_us: arrival_us,
        };
        let Some(current) = &mut self.current else {
            self.current = Some(fresh);
            return None;
        };
        if sent_us < current.first_sent_us {
            return None;
        }
        if current.takes(sent_us, arrival_us) {
            current.last_sent_us = current.last_sent_us.max(sent_us);
            current.last_arrival_us = current.last_arrival_us.max(arrival_us);
            return None;
        }
        let current = *current;
        self.current = Some(fresh);
        let previous = self.previous.replace(current)?;
        let sent = current.last_sent_us.saturating_sub(previous.last_sent_us);
        let sent = i64::try_from(sent).unwrap_or(i64::MAX);
        let arrival = current
            .last_arrival_us
            .saturating_sub(previous.last_arrival_us);
        let delay = arrival.saturating_sub(sent);
        if delay.saturating_abs() > JUMP_US {
            *self = Self::default();
            return None;
        }
        if arrival < 0 {
            self.backwards += 1;
            if self.backwards >= BACKWARDS_MAX {
                *self = Self::default();
            }
            return None;
        }
        self.backwards = 0;
        Some(Step {
            delay_ms: delay as f64 / 1000.0,
            sent_ms: sent as f64 / 1000.0,
            arrival_ms: current.last_arrival_us as f64 / 1000.0,
        })
    }
}

impl Group {
    fn takes(&self, sent_us: u64, arrival_us: i64) -> bool {
        if sent_us - self.first_sent_us <= GROUP_US {
            return true;
        }
        let sent = i64::try_from(sent_us.saturating_sub(self.last_sent_us)).unwrap_or(i64::MAX);
        let arrival = arrival_us.saturating_sub(self.last_arrival_us);
        arrival < sent
            && (-BURST_MAX_US..=BURST_US).contains(&arrival)
            && arrival_us.saturating_sub(self.first_arrival_us) < BURST_MAX_US
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_sent_together_are_one_group() {
        let mut groups = Groups::default();
        // Three packets each 40 ms; the second group is 7 ms longer on its way.
        for (sent, arrival) in [(0, 10), (2, 12), (4, 14), (40, 57), (44, 61)] {
            assert_eq!(groups.push(sent * 1000, arrival * 1000), None);
        }
        let step = groups.push(80_000, 95_000).expect("a third group");
        let expected = Step {
            delay_ms: 7.0,
            sent_ms: 40.0,
            arrival_ms: 61.0,
        };
        assert_eq!(step, expected);
    }

    #[test]
    fn what_was_held_up_together_is_one_group() {
        let mut groups = Groups::default();
        for (sent, arrival) in [(0, 10), (40, 150), (80, 151), (120, 152), (160, 170)] {
            let step = groups.push(sent * 1000, arrival * 1000);
            if let Some(step) = step {
                assert_eq!((sent, step.sent_ms, step.arrival_ms), (160, 120.0, 152.0));
            }
        }
        assert!(groups.push(200_000, 210_000).is_some());
    }

    #[test]
    fn a_clock_that_was_set_begins_anew() {
        let mut groups = Groups::default();
        for number in 0..50_u64 {
            let set = if number < 20 { 0 } else { -3_600_000_000 };
            let step = groups.push(number * 20_000, number as i64 * 20_000 + set);
            if let Some(step) = step {
                assert_eq!(step.delay_ms, 0.0);
            }
            assert_eq!(
                step.is_some(),
                (2..21).contains(&number) || number > 23,
                "{number}"
            );
        }
        for arrival in [i64::MIN, i64::MAX, i64::MIN] {
            groups.push(0, arrival);
            let step = groups.push(u64::MAX, arrival);
            assert!(step.is_none_or(|step| step.delay_ms.abs() <= 3000.0));
        }
    }
}
