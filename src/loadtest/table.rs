//! A load test's report for people at a terminal.

use std::fmt::Write;

use super::report::{Agenda, Delay, Report, Spread};

/// Members that did not keep to the plan are named up to so many.
const FAULTS_SHOWN: usize = 10;

/// A line a fact, the verdict last.
pub(super) fn write(report: &Report) -> String {
    let clients = report.clients;
    let packets = report.packets;
    let server = &report.server;
    let generator = report.generator;
    let mut lines = vec![
        (
            "scenario",
            format!("{}: {}", report.scenario, report.scenario_says),
        ),
        (
            "participants",
            format!(
                "{} of {} joined: {} speaking, {} listening, {} lean receivers, {} chairing",
                report.joined,
                report.participants,
                clients.speakers,
                clients.full,
                clients.lean,
                clients.chairs
            ),
        ),
        ("together", format!("{:.1} s", report.together_s)),
    ];
    if report.loss_percent > 0.0 || report.rtt_ms > 0.0 {
        let made = format!(
            "{} % of the packets dropped each way, {} ms added to the round trip",
            report.loss_percent, report.rtt_ms
        );
        lines.push(("network made", made));
    }
    // Where an agenda is played, who comes waits for a turn to hear something.
    if report.agenda.is_none() {
        lines.extend([
            ("join to first media", spread(report.first_media_ms)),
            ("connect to first media", spread(report.connect_to_media_ms)),
            ("join to first picture", spread(report.first_picture_ms)),
        ]);
    }
    lines.extend([
        (
            "streams",
            if report.opened {
                let streams = report.streams;
                format!("{} of {} received", streams.received, streams.expected)
            } else {
                "not known: lean receivers did not open their packets".to_owned()
            },
        ),
        (
            "packets",
            format!(
                "{} expected, {} received; lost {} before repair, {} after ({:.3} %)",
                packets.expected,
                packets.received,
                packets.lost_before_repair,
                packets.lost_after_repair,
                report.loss_ratio * 100.0
            ),
        ),
        (
            "besides",
            format!(
                "{} withheld by the server, {} twice, {} damaged, {} echoed, {} not authentic",
                packets.withheld,
                packets.duplicated,
                packets.damaged,
                packets.echoed,
                packets.unopened
            ),
        ),
        ("forward delay", delay(report.forward_delay_ms)),
        ("of that, bots late", delay(generator.lateness_ms)),
    ]);
    if let Some(gap) = report.longest_gap_ms {
        lines.push((
            "longest silence",
            format!("{gap:.0} ms of a speaker's sound"),
        ));
    }
    if let Some(grants) = report.grant_to_audio_ms {
        let times = format!("{} ({} times given)", spread(grants), report.grants);
        lines.push(("floor to being heard", times));
    }
    if let Some(agenda) = &report.agenda {
        lines.extend(agenda_lines(agenda));
    }
    if report.returns > 0 {
        lines.push(("left and came back", format!("{} times", report.returns)));
    }
    lines.push(("server", server_line(server)));
    let ratio = generator.cpu_ratio;
    let ratio = ratio.map_or("not known".to_owned(), |ratio| {
        format!("{:.0} %", ratio * 100.0)
    });
    let bots = format!("{ratio} of the {} cores that they may use", generator.cores);
    lines.push(("bots' CPU", bots));
    let bottleneck = format!("{:?}: {}", report.bottleneck, report.bottleneck_why);
    lines.push(("bottleneck", bottleneck.to_lowercase()));
    for fault in report.faults.iter().take(FAULTS_SHOWN) {
        lines.push(("fault", fault.clone()));
    }
    lines.push(("verdict", report.verdict()));
    let mut text = String::new();
    for (name, value) in lines {
        // Writing into a `String` cannot fail.
        let _ = writeln!(text, "{name:<24}{value}");
    }
    text
}

fn agenda_lines(agenda: &Agenda) -> [(&'static str, String); 3] {
    let over: Vec<String> = agenda
        .last_over_ms
        .iter()
        .map(|time| word(Some(*time)))
        .collect();
    let over = match over.as_slice() {
        [] => "-".to_owned(),
        over => format!("after {}", over.join(", ")),
    };
    [
        (
            "agenda",
            format!(
                "{} of {} sessions, {} of {} items; {} hands, {} messages, {} recommendations",
                agenda.sessions.received,
                agenda.sessions.expected,
                agenda.items.received,
                agenda.items.expected,
                agenda.hands,
                agenda.messages,
                agenda.recommendations
            ),
        ),
        ("joins", format!("{} over all sessions", agenda.joins)),
        ("last in the next room", over),
    ]
}

fn server_line(server: &super::report::Server) -> String {
    if let Some(why) = &server.unavailable {
        return format!("its /metrics told nothing: {why}");
    }
    let figure = |value: Option<f64>, unit: &str| match value {
        Some(value) => format!("{value:.1} {unit}"),
        None => format!("? {unit}"),
    };
    let mib = server.rss_bytes.map(|bytes| bytes as f64 / 1024.0 / 1024.0);
    format!(
        "{}, {}, {}, {}",
        figure(
            server.cpu_us_per_forwarded_packet,
            "us CPU a forwarded packet"
        ),
        figure(server.packets_per_second, "packets/s"),
        figure(server.cpu_cores.map(|cores| cores * 100.0), "% of a core"),
        figure(mib, "MiB"),
    )
}

fn word(time: Option<f64>) -> String {
    match time {
        Some(time) if time < 10.0 => format!("{time:.1} ms"),
        Some(time) => format!("{time:.0} ms"),
        None => "-".to_owned(),
    }
}

fn spread(times: Spread) -> String {
    format!(
        "p50 {}, p95 {}, longest {}",
        word(times.p50),
        word(times.p95),
        word(times.max)
    )
}

fn delay(times: Delay) -> String {
    format!(
        "p50 {}, p95 {}, p99 {}",
        word(times.p50),
        word(times.p95),
        word(times.p99)
    )
}

#[cfg(test)]
mod tests {
    use super::{super::report::tests::report, *};

    #[test]
    fn a_server_that_tells_nothing_is_said_to() {
        let mut told = report();
        assert!(write(&told).contains("3.1 us CPU a forwarded packet"));
        told.server.unavailable = Some("it answered 404".to_owned());
        assert!(write(&told).contains("/metrics told nothing: it answered 404"));
    }

    #[test]
    fn weather_and_faults_are_told_where_there_are_any() {
        let mut told = report();
        assert!(!write(&told).contains("network made"));
        told.loss_percent = 5.0;
        told.opened = false;
        told.faults = vec!["a-1: refused".to_owned(); 30];
        let text = write(&told);
        assert!(text.contains("5 % of the packets dropped each way"));
        assert!(text.contains("did not open"));
        assert_eq!(text.matches("a-1: refused").count(), FAULTS_SHOWN);
    }
}
