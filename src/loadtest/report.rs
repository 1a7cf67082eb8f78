//! What a load test comes to: figures, a verdict, and for programs JSON.
//!
//! This module must never know how anything was measured.

use std::time::Duration;

use serde::Serialize;

use super::{table, tally::Counts};

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Members that were to join.
    pub members: usize,
    /// How many of them were to send.
    pub publishers: u16,
    /// Members that joined and stayed.
    pub joined: usize,
    /// How many came each second; 0: all at once.
    pub joins_per_s: u32,
    /// How long everybody was in the room together, in s.
    pub together_s: f64,
    /// From a receiver's `session.join` sent to the first packet of a publisher's received, in ms.
    pub join_to_media_ms: Spread,
    /// From the attempt to connect to that packet, in ms.
    pub connect_to_media_ms: Spread,
    /// From `session.join` sent to the first packet of a picture, in ms.
    pub join_to_picture_ms: Spread,
    /// What was sent and received.
    #[serde(flatten)]
    pub arrivals: Arrivals,
    /// Processor time, in s; nothing where it cannot be known.
    pub cpu_s: Cpu,
    /// Why the answer is no; nothing when everybody joined and everything arrived.
    pub shortfalls: Vec<String>,
    /// The verdict.
    pub passed: bool,
}

/// What was sent and received, over all receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Arrivals {
    /// Pairs of a receiver and a publisher's stream.
    pub streams: OfExpected,
    /// Packets, by their stamps.
    pub packets: Packets,
    /// RTP sequence numbers of the slots.
    pub sequence: Sequence,
}

/// Something counted against what it should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OfExpected {
    /// What should have come.
    pub expected: u64,
    /// What came.
    pub received: u64,
}

/// Packets, by their stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Packets {
    /// Sent by others after a receiver's first, each receiver counted.
    pub expected: u64,
    /// Different ones that came.
    pub received: u64,
    /// Those that did not.
    pub lost: u64,
    /// Those that came again.
    pub duplicated: u64,
    /// Those that came behind later ones.
    pub out_of_order: u64,
    /// Those of which not every byte came as it was sent.
    pub damaged: u64,
    /// Those that came back to their own sender.
    pub echoed: u64,
}

/// RTP sequence numbers of the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sequence {
    /// Left out and not filled in.
    pub gaps: u64,
    /// Came again.
    pub duplicated: u64,
}

/// Processor time in s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cpu {
    /// The server's, from the first join to the end.
    pub server: Option<f64>,
    /// The server's while everybody was in the room.
    pub server_together: Option<f64>,
    /// The bots', from the first join to the end.
    pub bots: Option<f64>,
}

/// How times are spread, in ms. Nothing where none was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Spread {
    /// Half of them are not longer.
    pub p50: Option<u64>,
    /// 19 of 20 are not longer.
    pub p95: Option<u64>,
    /// The longest.
    pub max: Option<u64>,
}

impl Spread {
    /// Of those times.
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<u64> = times
            .into_iter()
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
            .collect();
        times.sort_unstable();
        // Nearest rank: the smallest that so many of a hundred do not exceed.
        let rank = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).checked_sub(1)?;
            times.get(place).copied()
        };
        Self {
            p50: rank(50),
            p95: rank(95),
            max: times.last().copied(),
        }
    }
}

impl From<Counts> for Arrivals {
    fn from(counts: Counts) -> Self {
        Self {
            streams: OfExpected {
                expected: counts.streams_expected,
                received: counts.streams_received,
            },
            packets: Packets {
                expected: counts.expected,
                received: counts.received,
                lost: counts.lost,
                duplicated: counts.duplicated,
                out_of_order: counts.late,
                damaged: counts.damaged,
                echoed: counts.echoed,
            },
            sequence: Sequence {
                gaps: counts.sequence_gaps,
                duplicated: counts.sequence_duplicated,
            },
        }
    }
}

impl Arrivals {
    /// What is not as it should be, in words.
    fn shortfalls(&self) -> impl Iterator<Item = String> {
        let Self {
            streams,
            packets,
            sequence,
        } = *self;
        let missed = streams.expected.saturating_sub(streams.received);
        let never = u64::from(packets.received == 0);
        [
            (missed, "streams of which nothing came"),
            (never, "load test without a packet received"),
            (packets.lost, "packets lost"),
            (packets.duplicated, "packets that came twice"),
            (packets.damaged, "packets damaged"),
            (packets.echoed, "packets that came back to their sender"),
            (sequence.gaps, "sequence numbers left out"),
            (sequence.duplicated, "sequence numbers that came twice"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
    }
}

impl Report {
    /// Judges: `faults` are the members who did not join or stay, and why.
    #[must_use]
    pub fn judged(mut self, faults: &[String]) -> Self {
        self.shortfalls = faults
            .iter()
            .cloned()
            .chain(self.arrivals.shortfalls())
            .collect();
        if self.joined < self.members && faults.is_empty() {
            let missing = self.members - self.joined;
            self.shortfalls.push(format!("{missing} members not there"));
        }
        self.passed = self.shortfalls.is_empty();
        self
    }

    /// For people: a line a fact, the verdict last.
    pub fn table(&self) -> String {
        table::write(self)
    }

    /// In one line.
    pub fn verdict(&self) -> String {
        if self.passed {
            "everybody joined, everything arrived once".to_owned()
        } else {
            format!("NO: {}", self.shortfalls.join("; "))
        }
    }

    /// For programs: one object.
    ///
    /// # Errors
    /// Never for what is measured; a time that is no number cannot be written.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(counts: Counts) -> Report {
        Report {
            members: 2,
            publishers: 1,
            joined: 2,
            joins_per_s: 20,
            together_s: 10.0,
            join_to_media_ms: Spread::of([Duration::from_millis(120)]),
            connect_to_media_ms: Spread::default(),
            join_to_picture_ms: Spread::default(),
            arrivals: counts.into(),
            cpu_s: Cpu {
                server: Some(1.5),
                server_together: Some(0.5),
                bots: None,
            },
            shortfalls: Vec::new(),
            passed: false,
        }
        .judged(&[])
    }

    fn whole() -> Counts {
        Counts {
            streams_expected: 2,
            streams_received: 2,
            expected: 100,
            received: 100,
            ..Counts::default()
        }
    }

    #[test]
    fn the_whole_passes_even_where_order_was_not_kept() {
        let late = Counts { late: 3, ..whole() };
        for counts in [whole(), late] {
            let report = report(counts);
            assert!(report.passed, "{:?}", report.shortfalls);
        }
    }

    #[test]
    fn each_shortfall_fails_and_is_told() {
        let one = whole();
        for (counts, part) in [
            (Counts { lost: 1, ..one }, "1 packets lost"),
            (
                Counts {
                    duplicated: 1,
                    ..one
                },
                "came twice",
            ),
            (Counts { damaged: 1, ..one }, "damaged"),
            (Counts { echoed: 1, ..one }, "their sender"),
            (
                Counts {
                    sequence_gaps: 1,
                    ..one
                },
                "left out",
            ),
            (
                Counts {
                    sequence_duplicated: 1,
                    ..one
                },
                "numbers that came twice",
            ),
            (
                Counts {
                    streams_received: 1,
                    ..one
                },
                "nothing came",
            ),
            (Counts::default(), "without a packet"),
        ] {
            let report = report(counts);
            assert!(!report.passed, "{part}");
            assert!(report.table().contains(part), "{}", report.table());
        }
        let away = Report {
            joined: 1,
            ..report(one)
        };
        assert!(!away.clone().judged(&[]).passed);
        let told = away.judged(&["a-1: refused".to_owned()]);
        assert_eq!(told.shortfalls, ["a-1: refused"]);
    }

    #[test]
    fn ranks_are_the_nearest() {
        let times = (1..=40).rev().map(Duration::from_millis);
        let spread = Spread::of(times);
        assert_eq!(
            (spread.p50, spread.p95, spread.max),
            (Some(20), Some(38), Some(40))
        );
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn programs_read_the_same() {
        let text = report(whole()).json().expect("JSON");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["packets"]["lost"], 0);
        assert_eq!(read["join_to_media_ms"]["p95"], 120);
        assert_eq!(read["passed"], true);
    }
}
