//! A load test's report for people.

use std::fmt::Write;

use super::report::{Arrivals, Report, Spread};

/// A line a fact, the verdict last.
pub(super) fn write(report: &Report) -> String {
    let Arrivals {
        streams,
        packets,
        sequence,
    } = report.arrivals;
    let coming = match report.joins_per_s {
        0 => "all at once".to_owned(),
        pace => format!("{pace} a second"),
    };
    let seconds = |time: Option<f64>| match time {
        Some(time) => format!("{time:.2} s"),
        None => "not known".to_owned(),
    };
    let share = match report.cpu_s.server_together {
        Some(used) if report.together_s > 0.0 => format!(
            ", {used:.2} s of it in the {:.1} s together ({:.0} % of a core)",
            report.together_s,
            100.0 * used / report.together_s
        ),
        Some(_) | None => String::new(),
    };
    let lines = [
        (
            "members",
            format!(
                "{} of {} joined, {coming}; {} publish",
                report.joined, report.members, report.publishers
            ),
        ),
        ("together", format!("{:.1} s", report.together_s)),
        ("join to first media", spread(report.join_to_media_ms)),
        ("connect to first media", spread(report.connect_to_media_ms)),
        ("join to first picture", spread(report.join_to_picture_ms)),
        (
            "streams",
            format!("{} of {} received", streams.received, streams.expected),
        ),
        (
            "packets",
            format!(
                "{} expected, {} received, {} lost, {} twice, {} out of order, {} damaged, {} echoed",
                packets.expected,
                packets.received,
                packets.lost,
                packets.duplicated,
                packets.out_of_order,
                packets.damaged,
                packets.echoed
            ),
        ),
        (
            "sequence numbers",
            format!("{} left out, {} twice", sequence.gaps, sequence.duplicated),
        ),
        ("server's CPU", seconds(report.cpu_s.server) + &share),
        ("bots' CPU", seconds(report.cpu_s.bots)),
        ("verdict", report.verdict()),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        // Writing into a `String` cannot fail.
        let _ = writeln!(text, "{name:<24}{value}");
    }
    text
}

fn spread(times: Spread) -> String {
    let word = |time: Option<u64>| time.map_or("-".to_owned(), |time| time.to_string());
    format!(
        "p50 {} ms, p95 {} ms, longest {} ms",
        word(times.p50),
        word(times.p95),
        word(times.max)
    )
}
