//! What was measured second by second, in a list whose length has an end: beyond an hour each entry
//! stands for twice as long, and so on.
//!
//! This module must never know how anything was measured.

use serde::Serialize;

/// Entries at most: an hour of seconds.
const ENTRIES_MAX: usize = 3600;

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Entry {
    /// Participants in the room at its end.
    pub present: u32,
    /// Packets received in it.
    pub received: u64,
    /// Packets in it that did not come with their first sending, or behind later ones.
    pub missed: u64,
    /// 99 of 100 packets took no longer, in ms.
    pub delay_p99_ms: Option<f64>,
    /// Half of the packets took no longer, in ms.
    pub delay_p50_ms: Option<f64>,
    /// The longest wait of those who saw or heard something first in it, in ms.
    pub join_ms: Option<f64>,
    /// The server's processor time, in cores.
    pub server_cores: Option<f64>,
    /// The bots' processor time, in cores.
    pub bots_cores: Option<f64>,
}

impl Entry {
    /// Both as one.
    fn merged(self, later: Self) -> Self {
        let worse = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        let mean = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(f64::midpoint(one, other)),
            (one, other) => one.or(other),
        };
        Self {
            present: later.present,
            received: self.received.saturating_add(later.received),
            missed: self.missed.saturating_add(later.missed),
            delay_p99_ms: worse(self.delay_p99_ms, later.delay_p99_ms),
            delay_p50_ms: mean(self.delay_p50_ms, later.delay_p50_ms),
            join_ms: worse(self.join_ms, later.join_ms),
            server_cores: mean(self.server_cores, later.server_cores),
            bots_cores: mean(self.bots_cores, later.bots_cores),
        }
    }
}

/// The list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// How long an entry is, in s.
    pub seconds_per_entry: u32,
    /// In their order.
    pub entries: Vec<Entry>,
    /// What will be the next entry, and how many seconds of it there are.
    #[serde(skip)]
    begun: Option<(Entry, u32)>,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            seconds_per_entry: 1,
            entries: Vec::new(),
            begun: None,
        }
    }
}

impl Series {
    /// Adds a second.
    pub fn push(&mut self, second: Entry) {
        let (entry, seconds) = match self.begun.take() {
            Some((begun, seconds)) => (begun.merged(second), seconds + 1),
            None => (second, 1),
        };
        if seconds < self.seconds_per_entry {
            self.begun = Some((entry, seconds));
            return;
        }
        self.entries.push(entry);
        if self.entries.len() < ENTRIES_MAX {
            return;
        }
        let pairs = self.entries.chunks(2).filter_map(|pair| match pair {
            [one, other] => Some(one.merged(*other)),
            [one] => Some(*one),
            _ => None,
        });
        self.entries = pairs.collect();
        self.seconds_per_entry = self.seconds_per_entry.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u32) -> Entry {
        Entry {
            present: number,
            received: 10,
            missed: 1,
            delay_p99_ms: Some(f64::from(number % 7)),
            bots_cores: Some(1.0),
            ..Entry::default()
        }
    }

    #[test]
    fn an_hour_is_kept_by_the_second_and_a_day_in_as_much_room() {
        let mut series = Series::default();
        for number in 1..3600 {
            series.push(second(number));
        }
        assert_eq!((series.seconds_per_entry, series.entries.len()), (1, 3599));
        for number in 3600..=86_400 {
            series.push(second(number));
            assert!(series.entries.len() < ENTRIES_MAX);
        }
        assert_eq!(series.seconds_per_entry, 32);
        let whole = series.entries.len() as u32 * series.seconds_per_entry;
        assert!(whole <= 86_400 && whole + series.seconds_per_entry > 86_400);
        let received: u64 = series.entries.iter().map(|entry| entry.received).sum();
        assert_eq!(received, u64::from(whole) * 10, "nothing falls between");
    }

    #[test]
    fn two_are_one_by_the_worse_delay_and_the_mean_load() {
        let one = Entry {
            delay_p99_ms: Some(9.0),
            bots_cores: Some(1.0),
            ..second(1)
        };
        let other = Entry {
            delay_p99_ms: Some(3.0),
            bots_cores: Some(2.0),
            join_ms: Some(80.0),
            ..second(2)
        };
        let merged = one.merged(other);
        assert_eq!(merged.delay_p99_ms, Some(9.0));
        assert_eq!(merged.bots_cores, Some(1.5));
        assert_eq!(merged.join_ms, Some(80.0));
        assert_eq!((merged.present, merged.received, merged.missed), (2, 20, 2));
    }
}
