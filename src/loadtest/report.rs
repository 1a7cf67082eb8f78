//! What a load test comes to: figures, a verdict, and for programs JSON.
//!
//! This module must never know how anything was measured.

use std::time::Duration;

use serde::Serialize;

use super::{
    bottleneck::{Bottleneck, Judged},
    histogram::Histogram,
    limits::Limits,
    page,
    series::Series,
    table,
    tally::Counts,
};

/// What was found. The names of the fields are those of the JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Which scenario was played.
    pub scenario: &'static str,
    /// What happens in it.
    pub scenario_says: &'static str,
    /// Who was to join.
    pub participants: u16,
    /// Who joined and stayed.
    pub joined: u16,
    /// How many of each kind of client took part.
    pub clients: Clients,
    /// How long everybody was together, in s.
    pub together_s: f64,
    /// What was made of the network: percent of packets dropped each way, and ms added to the round
    /// trip.
    pub loss_percent: f64,
    /// See there.
    pub rtt_ms: f64,
    /// Packets were opened; else they were counted by their headers, and times are not known.
    pub opened: bool,
    /// From `session.join` sent to the first packet of a speaker's received, in ms, of all but the
    /// first speaker and the chair.
    pub first_media_ms: Spread,
    /// From the attempt to connect to that packet, in ms.
    pub connect_to_media_ms: Spread,
    /// From `session.join` sent to the first packet of a picture, in ms.
    pub first_picture_ms: Spread,
    /// Pairs of a receiver and a speaker's stream, of those who stayed to the end.
    pub streams: OfExpected,
    /// Those of sound.
    pub voices: OfExpected,
    /// Packets, over all receivers.
    pub packets: Packets,
    /// Of the packets expected so many never came.
    pub loss_ratio: f64,
    /// From sending to arrival, in ms.
    pub forward_delay_ms: Delay,
    /// The longest silence of a speaker's sound at any receiver, in ms; nothing where voices pause by
    /// the scenario.
    pub longest_gap_ms: Option<f64>,
    /// From the chair's request to give the floor to the first sound of its holder at each receiver,
    /// in ms; nothing where nobody was given it.
    pub grant_to_audio_ms: Option<Spread>,
    /// Times that the floor was given.
    pub grants: u32,
    /// Times that somebody left and came back.
    pub returns: u32,
    /// What was played of an event's agenda; nothing in other scenarios.
    pub agenda: Option<Agenda>,
    /// The server's own figures while all were together.
    pub server: Server,
    /// The bots' process.
    pub generator: Generator,
    /// What would have to give for more.
    pub bottleneck: Bottleneck,
    /// How that was judged.
    pub bottleneck_why: String,
    /// `pass` or `fail`.
    pub verdict: Verdict,
    /// Each limit that was broken, with the figure and the limit.
    pub verdict_reasons: Vec<String>,
    /// What did not keep to the plan, each member named; so many at most.
    pub faults: Vec<String>,
    /// What had to hold.
    pub limits: Limits,
    /// Second by second.
    pub series: Series,
}

/// Whether all limits held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// They did.
    Pass,
    /// At least one did not.
    Fail,
}

/// How many of each kind of client took part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Clients {
    /// Whole clients of the `webrtc` crate that send and receive.
    pub speakers: u16,
    /// Whole clients that receive.
    pub full: u16,
    /// Lean receivers.
    pub lean: u16,
    /// Whole clients that give the floor.
    pub chairs: u16,
}

/// Something counted against what it should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OfExpected {
    /// What should have come.
    pub expected: u64,
    /// What came.
    pub received: u64,
}

/// What was played of an event's agenda.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Agenda {
    /// Sessions of the event, and those that were opened and closed.
    pub sessions: OfExpected,
    /// Items of the sessions that were opened, and those that began.
    pub items: OfExpected,
    /// Hands raised.
    pub hands: u64,
    /// Messages written.
    pub messages: u64,
    /// Recommendations proposed.
    pub recommendations: u64,
    /// Times that somebody joined a session.
    pub joins: u64,
    /// Times that somebody did not come over to the next session.
    pub left_behind: u64,
    /// Times that the server refused what belongs to the agenda.
    pub refused: u64,
    /// From the chair's `session.move_on` to the last one's being in the next room with media, in ms,
    /// for each time.
    pub last_over_ms: Vec<f64>,
}

impl Agenda {
    /// The longest time that all needed to go over; nothing where there was one session alone.
    pub fn longest_over_ms(&self) -> Option<f64> {
        self.last_over_ms.iter().copied().reduce(f64::max)
    }
}

/// Packets, over all receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Packets {
    /// Numbered by the server for a receiver, as far as the receiver can know.
    pub expected: u64,
    /// Different ones that came, be it late.
    pub received: u64,
    /// Did not come with their first sending, or behind later ones.
    pub lost_before_repair: u64,
    /// Never came.
    pub lost_after_repair: u64,
    /// Sent by a speaker and never numbered for the receiver: the line had no room for the picture, or
    /// the speaker had no floor.
    pub withheld: u64,
    /// Came again.
    pub duplicated: u64,
    /// Not every byte came as it was sent.
    pub damaged: u64,
    /// Came back to their own sender.
    pub echoed: u64,
    /// Were not authentic.
    pub unopened: u64,
}

impl From<Counts> for Packets {
    fn from(counts: Counts) -> Self {
        Self {
            expected: counts.expected,
            received: counts.received,
            lost_before_repair: counts.lost_before_repair,
            lost_after_repair: counts.lost_after_repair,
            withheld: counts.withheld,
            duplicated: counts.duplicated.max(counts.repeated),
            damaged: counts.damaged,
            echoed: counts.echoed,
            unopened: counts.unopened,
        }
    }
}

/// The server's figures about itself. Nothing where its `/metrics` does not answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Server {
    /// Processor time of the process for each packet forwarded, in µs.
    pub cpu_us_per_forwarded_packet: Option<f64>,
    /// Packets forwarded each second.
    pub packets_per_second: Option<f64>,
    /// Memory of the process at the end, in bytes.
    pub rss_bytes: Option<u64>,
    /// Processor time, in cores.
    pub cpu_cores: Option<f64>,
    /// That of the threads that forward.
    pub media_cpu_cores: Option<f64>,
    /// Why `/metrics` told nothing.
    pub unavailable: Option<String>,
}

/// The process of the bots while all were together.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Generator {
    /// Processor seconds used for each second of all cores that it may use.
    pub cpu_ratio: Option<f64>,
    /// How many cores that are.
    pub cores: usize,
    /// How late its tasks came to what was due, in ms: part of the forward delay is this.
    pub lateness_ms: Delay,
}

/// How times are spread, in ms. Nothing where none was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Spread {
    /// Half of them are not longer.
    pub p50: Option<f64>,
    /// 19 of 20 are not longer.
    pub p95: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// The same of what there is more of.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Delay {
    /// Half of them are not longer.
    pub p50: Option<f64>,
    /// 19 of 20 are not longer.
    pub p95: Option<f64>,
    /// 99 of 100 are not longer.
    pub p99: Option<f64>,
}

/// In ms, to a hundredth.
pub(super) fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

impl From<&Histogram> for Spread {
    fn from(times: &Histogram) -> Self {
        Self {
            p50: times.percentile(50).map(ms),
            p95: times.percentile(95).map(ms),
            max: times.max().map(ms),
        }
    }
}

impl From<&Histogram> for Delay {
    fn from(times: &Histogram) -> Self {
        Self {
            p50: times.percentile(50).map(ms),
            p95: times.percentile(95).map(ms),
            p99: times.percentile(99).map(ms),
        }
    }
}

impl Report {
    /// Judges it by those limits.
    #[must_use]
    pub fn judged(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.verdict_reasons = limits.broken(&self);
        self.verdict = if self.verdict_reasons.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Fail
        };
        let Judged { what, why } = Judged::of(&self);
        self.bottleneck = what;
        self.bottleneck_why = why;
        self
    }

    /// All limits held.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Pass
    }

    /// For people at a terminal: a line a fact, the verdict last.
    pub fn table(&self) -> String {
        table::write(self)
    }

    /// For people: one page that needs nothing else.
    pub fn page(&self) -> String {
        page::write(self)
    }

    /// In one line.
    pub fn verdict(&self) -> String {
        if self.passed() {
            "PASS: all limits held".to_owned()
        } else {
            format!("FAIL: {}", self.verdict_reasons.join("; "))
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
pub(super) mod tests {
    use super::*;

    /// A load test in which all was well.
    pub(in super::super) fn report() -> Report {
        let spread = Spread {
            p50: Some(120.0),
            p95: Some(240.5),
            max: Some(300.0),
        };
        let delay = Delay {
            p50: Some(0.4),
            p95: Some(2.25),
            p99: Some(7.5),
        };
        Report {
            scenario: "plenary",
            scenario_says: "one speaker is seen and heard by all",
            participants: 50,
            joined: 50,
            clients: Clients {
                speakers: 1,
                full: 11,
                lean: 38,
                chairs: 0,
            },
            together_s: 20.0,
            loss_percent: 0.0,
            rtt_ms: 0.0,
            opened: true,
            first_media_ms: spread,
            connect_to_media_ms: spread,
            first_picture_ms: Spread::default(),
            streams: OfExpected {
                expected: 98,
                received: 98,
            },
            voices: OfExpected {
                expected: 49,
                received: 49,
            },
            packets: Packets {
                expected: 1000,
                received: 1000,
                ..Packets::default()
            },
            loss_ratio: 0.0,
            forward_delay_ms: delay,
            longest_gap_ms: Some(31.0),
            grant_to_audio_ms: Some(spread),
            grants: 5,
            returns: 0,
            agenda: None,
            server: Server {
                cpu_us_per_forwarded_packet: Some(3.1),
                packets_per_second: Some(9876.0),
                rss_bytes: Some(40_000_000),
                cpu_cores: Some(0.1),
                media_cpu_cores: Some(0.08),
                unavailable: None,
            },
            generator: Generator {
                cpu_ratio: Some(0.2),
                cores: 2,
                lateness_ms: delay,
            },
            bottleneck: Bottleneck::None,
            bottleneck_why: String::new(),
            verdict: Verdict::Pass,
            verdict_reasons: Vec::new(),
            faults: Vec::new(),
            limits: Limits::default(),
            series: Series::default(),
        }
    }

    #[test]
    fn a_broken_limit_is_a_verdict_with_its_reason() {
        let limits = Limits {
            p99_ms: Some(5.0),
            ..Limits::default()
        };
        let failed = report().judged(limits);
        assert!(!failed.passed());
        assert!(
            failed.verdict().contains("7.5 ms (--max-p99-ms 5)"),
            "{}",
            failed.verdict()
        );
        assert!(failed.table().contains("FAIL: "), "{}", failed.table());
        assert!(report().judged(Limits::default()).passed());
    }

    #[test]
    fn programs_find_what_they_were_promised() {
        let text = report().judged(Limits::default()).json().expect("JSON");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for path in [
            "/participants",
            "/joined",
            "/first_media_ms/p50",
            "/first_media_ms/p95",
            "/first_media_ms/max",
            "/packets/expected",
            "/packets/received",
            "/packets/lost_before_repair",
            "/packets/lost_after_repair",
            "/loss_ratio",
            "/forward_delay_ms/p50",
            "/forward_delay_ms/p95",
            "/forward_delay_ms/p99",
            "/grant_to_audio_ms/p50",
            "/grant_to_audio_ms/max",
            "/server/cpu_us_per_forwarded_packet",
            "/server/packets_per_second",
            "/server/rss_bytes",
            "/generator/cpu_ratio",
            "/clients/lean",
        ] {
            assert!(
                read.pointer(path).is_some_and(serde_json::Value::is_number),
                "{path}"
            );
        }
        assert_eq!(read["bottleneck"], "none");
        assert_eq!(read["verdict"], "pass");
        assert_eq!(read["verdict_reasons"], serde_json::json!([]));
    }
}
