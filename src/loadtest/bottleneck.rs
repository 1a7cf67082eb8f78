//! What stood in the way of more: the bots themselves, the server, the network, or nothing.
//!
//! This module must never know how anything was measured.

use serde::Serialize;

use super::report::Report;

/// A process or thread that uses so much of what it may use has no more to give.
const BUSY: f64 = 0.85;

/// The bots are late by so much of the delay before it counts as theirs, and by so many ms.
const OWN_SHARE: f64 = 0.5;
const OWN_MS_MIN: f64 = 20.0;

/// Of a hundred packets so many lost on their first way are the network's doing, and a delay beyond
/// the round trip by so many ms.
const LOSS_MAX: f64 = 0.01;
const DELAY_MS_MAX: f64 = 100.0;

/// What has no more to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bottleneck {
    /// Nothing: there was room for more.
    None,
    /// The bots: the figures are theirs and not the server's.
    Generator,
    /// The server.
    Server,
    /// What is between them.
    Network,
}

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Which.
    pub what: Bottleneck,
    /// Why, in words.
    pub why: String,
}

impl Judged {
    /// Judges by the load of both sides first: what is full makes the rest look bad.
    pub fn of(report: &Report) -> Self {
        let judged = |what, why| Self { what, why };
        if let Some(ratio) = report.generator.cpu_ratio
            && ratio >= BUSY
        {
            return judged(
                Bottleneck::Generator,
                format!(
                    "the bots used {:.0} % of the processor time that they may use: run them on a \
                     machine of their own, or with more lean receivers",
                    ratio * 100.0
                ),
            );
        }
        let threads = report.server.media_cpu_cores;
        if let Some(cores) = threads
            && cores >= BUSY
        {
            return judged(
                Bottleneck::Server,
                format!(
                    "the thread that forwards used {:.0} % of a core",
                    cores * 100.0
                ),
            );
        }
        let p99 = report.forward_delay_ms.p99.unwrap_or_default();
        let own = report.generator.lateness_ms.p99.unwrap_or_default();
        if own >= OWN_MS_MIN && own >= p99 * OWN_SHARE {
            return judged(
                Bottleneck::Generator,
                format!(
                    "the bots themselves came up to {own:.1} ms late to what was due (99 of 100), \
                     most of the {p99:.1} ms that packets took"
                ),
            );
        }
        let lost = report.packets.lost_before_repair as f64;
        let expected = report.packets.expected.max(1) as f64;
        if lost / expected > LOSS_MAX {
            return judged(
                Bottleneck::Network,
                format!(
                    "{:.1} % of the packets were lost on their first way while neither side was busy",
                    lost / expected * 100.0
                ),
            );
        }
        if p99 - report.rtt_ms - own > DELAY_MS_MAX {
            return judged(
                Bottleneck::Network,
                format!("packets took up to {p99:.1} ms (99 of 100) while neither side was busy"),
            );
        }
        let server = match threads {
            Some(cores) => format!(
                "the server's forwarding used {:.0} % of a core",
                cores * 100.0
            ),
            None => "the server's load is not known".to_owned(),
        };
        let bots = match report.generator.cpu_ratio {
            Some(ratio) => format!("the bots {:.0} % of what they may use", ratio * 100.0),
            None => "the bots' load is not known".to_owned(),
        };
        judged(Bottleneck::None, format!("{server}, {bots}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::report::tests::report, *};

    /// What is other than in a load test in which all was well.
    type Change = dyn Fn(&mut Report);

    #[test]
    fn each_is_told_from_the_others() {
        let cases: [(&Change, Bottleneck, &str); 6] = [
            (&|_| {}, Bottleneck::None, "8 % of a core, the bots 20 %"),
            (
                &|r| r.generator.cpu_ratio = Some(0.9),
                Bottleneck::Generator,
                "90 %",
            ),
            (
                &|r| r.server.media_cpu_cores = Some(0.95),
                Bottleneck::Server,
                "95 % of a core",
            ),
            (
                &|r| {
                    r.generator.lateness_ms.p99 = Some(60.0);
                    r.forward_delay_ms.p99 = Some(100.0);
                },
                Bottleneck::Generator,
                "60.0 ms late",
            ),
            (
                &|r| r.packets.lost_before_repair = 50,
                Bottleneck::Network,
                "5.0 %",
            ),
            (
                &|r| r.forward_delay_ms.p99 = Some(400.0),
                Bottleneck::Network,
                "400.0 ms",
            ),
        ];
        for (change, what, why) in cases {
            let mut report = report();
            change(&mut report);
            let judged = Judged::of(&report);
            assert_eq!(judged.what, what, "{}", judged.why);
            assert!(judged.why.contains(why), "{}", judged.why);
        }
    }

    #[test]
    fn busy_bots_are_named_before_what_follows_from_them() {
        let mut report = report();
        report.generator.cpu_ratio = Some(0.99);
        report.packets.lost_before_repair = 500;
        assert_eq!(Judged::of(&report).what, Bottleneck::Generator);
    }
}
