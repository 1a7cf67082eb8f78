//! A load test's report as one page that needs nothing else: no script, no network, in words for who
//! organises the meeting and not the network.

use std::fmt::Write;

use super::{
    chart::{Line, draw},
    report::{Agenda, Report},
    series::Entry,
};

/// Everything that the page is drawn with.
const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#fff;--text:#1c1f24;--soft:#5b6470;--rule:#d9dee5;\
--card:#f4f6f9;--one:#0b62c4;--two:#b65a00;--good:#0a6b3d;--bad:#b3261e}\
@media (prefers-color-scheme:dark){:root{--ground:#14171b;--text:#e8ebef;--soft:#a3adba;\
--rule:#333b45;--card:#1d2229;--one:#6cb0ff;--two:#ffab5e;--good:#5fd39a;--bad:#ff8a80}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--ground);color:var(--text);\
font:1rem/1.5 system-ui,sans-serif}\
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.1rem;margin:2rem 0 .25rem}\
p{margin:.4rem 0}.soft,figcaption{color:var(--soft)}\
.verdict{border-left:.5rem solid var(--good);background:var(--card);padding:.75rem 1rem;\
font-size:1.1rem}.verdict.fail{border-color:var(--bad)}.verdict strong{color:var(--good)}\
.verdict.fail strong{color:var(--bad)}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;\
margin:1rem 0;padding:0;list-style:none}\
.cards li{background:var(--card);padding:.75rem}.cards b{display:block;font-size:1.5rem}\
figure{margin:.5rem 0}svg{width:100%;height:auto;display:block}\
svg text{fill:var(--soft);font:12px system-ui,sans-serif}.grid{stroke:var(--rule)}\
polyline{fill:none;stroke-width:2}.line-0{stroke:var(--one)}.line-1{stroke:var(--two);\
stroke-dasharray:6 3}.dot-0{fill:var(--one)}.dot-1{fill:var(--two)}\
.legend{font-size:.9rem}.key-0{color:var(--one);margin-right:1rem}.key-1{color:var(--two)}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .5rem;\
border-bottom:1px solid var(--rule);vertical-align:top}";

/// The page.
pub(super) fn write(report: &Report) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Rehearsal: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escaped(report.scenario)
    );
    verdict(&mut out, report);
    cards(&mut out, report);
    charts(&mut out, report);
    details(&mut out, report);
    out.push_str("</body>\n</html>\n");
    out
}

fn verdict(out: &mut String, report: &Report) {
    let (class, word, rest) = if report.passed() {
        ("verdict", "Passed.", "Everything stayed within its limits.")
    } else {
        ("verdict fail", "Not passed.", "This is why:")
    };
    // Writing into a `String` cannot fail, here and below.
    let _ = write!(
        out,
        "<h1>Rehearsal: {}</h1>\n<div class=\"{class}\"><p><strong>{word}</strong> {rest}</p>\n",
        escaped(report.scenario)
    );
    if !report.passed() {
        list(out, &report.verdict_reasons);
    }
    let clients = report.clients;
    let _ = write!(
        out,
        "</div>\n<p>In this rehearsal {}. {} of {} participants joined and stayed; all were together for \
         {:.0} seconds. {} spoke, {} listened as whole programs like a browser, {} listened in the back \
         rows with less effort{}.</p>\n",
        escaped(report.scenario_says),
        report.joined,
        report.participants,
        report.together_s,
        clients.speakers,
        clients.full,
        clients.lean,
        if clients.chairs > 0 {
            ", and one chaired"
        } else {
            ""
        }
    );
    if report.loss_percent > 0.0 || report.rtt_ms > 0.0 {
        let _ = writeln!(
            out,
            "<p>The network was made worse on purpose: {} of 100 packets were dropped on each way, and \
             {} ms were added to each round trip.</p>",
            report.loss_percent, report.rtt_ms
        );
    }
}

fn list(out: &mut String, lines: &[String]) {
    out.push_str("<ul>\n");
    for line in lines {
        let _ = writeln!(out, "<li>{}</li>", escaped(line));
    }
    out.push_str("</ul>\n");
}

fn cards(out: &mut String, report: &Report) {
    let delay = report.forward_delay_ms;
    let mut cards = vec![
        (
            format!("{} of {}", report.joined, report.participants),
            "joined and stayed",
        ),
        match &report.agenda {
            // Where an agenda is played, who comes waits for a turn to hear something.
            Some(agenda) => (
                ms(agenda.longest_over_ms()),
                "until all were in the next session; no move took longer",
            ),
            None => (
                ms(report.first_media_ms.p95),
                "until the first sound or picture; 19 of 20 waited no longer",
            ),
        },
        (
            ms(delay.p50),
            "from the speaker's program to the listener's, usually",
        ),
        (ms(delay.p99), "the same, for all but 1 of 100 packets"),
        (
            format!("{:.2} %", report.loss_ratio * 100.0),
            "of the packets never arrived",
        ),
    ];
    if report.longest_gap_ms.is_some() {
        cards.push((
            ms(report.longest_gap_ms),
            "the longest hole in anybody's voice",
        ));
    }
    if let Some(agenda) = &report.agenda {
        let items = agenda.items;
        cards.push((
            format!("{} of {}", items.received, items.expected),
            "items of the agenda were played",
        ));
    }
    if let Some(grants) = report.grant_to_audio_ms {
        cards.push((
            ms(grants.p95),
            "from the chair's giving the floor to being heard",
        ));
    }
    out.push_str("<ul class=\"cards\">\n");
    for (figure, what) in cards {
        let _ = writeln!(out, "<li><b>{figure}</b>{what}</li>");
    }
    out.push_str("</ul>\n");
}

fn charts(out: &mut String, report: &Report) {
    let entries = &report.series.entries;
    let width = f64::from(report.series.seconds_per_entry);
    let seconds = entries.len() as f64 * width;
    let of = |name: &'static str, figure: &dyn Fn(&Entry) -> Option<f64>| Line {
        name,
        figures: entries.iter().map(figure).collect(),
    };
    let lost = |entry: &Entry| {
        let all = entry.received.saturating_add(entry.missed);
        (entry.received > 0).then(|| 100.0 * entry.missed as f64 / all as f64)
    };
    let charts = [
        (
            "How long people waited",
            "Each point is the longest wait from joining to the first sound or picture, of those who \
             came in that second. Low is good.",
            "ms",
            vec![of("longest wait", &|entry| entry.join_ms)],
        ),
        (
            "How long a packet was on its way",
            "From a speaker's program to a listener's. People talk to each other easily below 150 ms.",
            "ms",
            vec![
                of("99 of 100 packets", &|entry| entry.delay_p99_ms),
                of("half of the packets", &|entry| entry.delay_p50_ms),
            ],
        ),
        (
            "Packets lost on their first way",
            "Pictures are sent again, sound is not; what counts in the end stands above.",
            "%",
            vec![of("lost", &lost)],
        ),
        (
            "How busy the processors were",
            "1 is one processor core at work all the time.",
            "cores",
            vec![
                of("server", &|entry| entry.server_cores),
                of("bots", &|entry| entry.bots_cores),
            ],
        ),
        (
            "Who was there",
            "Participants in the room.",
            "people",
            vec![of("present", &|entry| Some(f64::from(entry.present)))],
        ),
    ];
    for (title, caption, unit, lines) in charts {
        let _ = write!(
            out,
            "<h2>{title}</h2>\n<figure>\n<figcaption>{caption}</figcaption>\n{}</figure>\n",
            draw(title, unit, seconds, &lines)
        );
    }
}

fn details(out: &mut String, report: &Report) {
    let (packets, limits, server) = (report.packets, report.limits, &report.server);
    out.push_str(
        "<h2>Limits</h2>\n<table>\n<tr><th>What</th><th>Measured</th><th>Limit</th></tr>\n",
    );
    let wanted = limits.joined.unwrap_or(report.participants);
    let percent = |figure: f64| format!("{figure:.2} %");
    let grant = report.grant_to_audio_ms.and_then(|spread| spread.p95);
    let over = report.agenda.as_ref().and_then(Agenda::longest_over_ms);
    let rows = [
        (
            "Joined and stayed",
            report.joined.to_string(),
            Some(format!("at least {wanted}")),
        ),
        (
            "Packets that never arrived",
            percent(report.loss_ratio * 100.0),
            limits.loss_percent.map(|limit| format!("{limit} %")),
        ),
        (
            "Delay, 99 of 100 packets",
            ms(report.forward_delay_ms.p99),
            limits.p99_ms.map(|limit| ms(Some(limit))),
        ),
        (
            "Join to first sound or picture, 19 of 20",
            ms(report.first_media_ms.p95),
            limits.join_ms.map(|limit| ms(Some(limit))),
        ),
        (
            "Longest silence of a speaker",
            ms(report.longest_gap_ms),
            limits.gap_ms.map(|limit| ms(Some(limit))),
        ),
        (
            "Floor given to being heard, 19 of 20",
            ms(grant),
            limits.grant_ms.map(|limit| ms(Some(limit))),
        ),
        (
            "Asked over to the next session to all being there",
            ms(over),
            limits.move_ms.map(|limit| ms(Some(limit))),
        ),
    ];
    for (what, measured, limit) in rows {
        let limit = limit.unwrap_or_else(|| "none".to_owned());
        let _ = writeln!(
            out,
            "<tr><td>{what}</td><td>{measured}</td><td>{limit}</td></tr>"
        );
    }
    out.push_str("</table>\n<h2>In detail</h2>\n<table>\n");
    let figure = |value: Option<f64>, unit: &str| match value {
        Some(value) => format!("{value:.1} {unit}"),
        None => "not known".to_owned(),
    };
    let mib = server.rss_bytes.map(|bytes| bytes as f64 / 1024.0 / 1024.0);
    let ratio = report.generator.cpu_ratio.map(|ratio| ratio * 100.0);
    let late = report.generator.lateness_ms;
    let bottleneck = format!("{:?}: {}", report.bottleneck, report.bottleneck_why);
    let rows = [
        ("What stood in the way of more", escaped(&bottleneck)),
        (
            "Packets",
            format!(
                "{} expected, {} received, {} lost before repair, {} after; {} held back by the server for \
                 want of room on the line or of the floor",
                packets.expected,
                packets.received,
                packets.lost_before_repair,
                packets.lost_after_repair,
                packets.withheld
            ),
        ),
        (
            "Join to first picture",
            format!(
                "{} usually, {} at the longest",
                ms(report.first_picture_ms.p50),
                ms(report.first_picture_ms.max)
            ),
        ),
        (
            "Server",
            match &server.unavailable {
                Some(why) => format!("told nothing about itself: {}", escaped(why)),
                None => format!(
                    "{} of processor time for each packet forwarded, {} forwarded, {} of memory",
                    figure(server.cpu_us_per_forwarded_packet, "µs"),
                    figure(server.packets_per_second, "packets a second"),
                    figure(mib, "MiB")
                ),
            },
        ),
        (
            "The bots themselves",
            format!(
                "used {} of the {} cores that they may use, and came up to {} late to what was due (99 of \
                 100): so much of the delay above is theirs",
                figure(ratio, "%"),
                report.generator.cores,
                ms(late.p99)
            ),
        ),
    ];
    for (what, value) in rows {
        let _ = writeln!(out, "<tr><th>{what}</th><td>{value}</td></tr>");
    }
    out.push_str("</table>\n");
    if !report.faults.is_empty() {
        out.push_str("<h2>What went wrong for whom</h2>\n");
        list(out, &report.faults);
    }
}

fn ms(time: Option<f64>) -> String {
    match time {
        Some(time) if time < 10.0 => format!("{time:.1} ms"),
        Some(time) if time < 10_000.0 => format!("{time:.0} ms"),
        Some(time) => format!("{:.0} s", time / 1000.0),
        None => "not measured".to_owned(),
    }
}

/// Words from outside as text of the page.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{
        super::{limits::Limits, report::tests::report},
        *,
    };

    /// Whether every element that is opened is closed in its order. The page closes all of its own,
    /// as XML does.
    fn is_well_formed(page: &str) -> Result<(), String> {
        let mut open = Vec::new();
        let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
        while let Some((_, behind)) = rest.split_once('<') {
            let (tag, behind) = behind.split_once('>').ok_or("a tag without an end")?;
            if tag.matches('"').count() % 2 != 0 || tag.contains('<') {
                return Err(format!("<{tag}>"));
            }
            let name = |tag: &str| tag.split([' ', '\n']).next().unwrap_or_default().to_owned();
            if let Some(closed) = tag.strip_prefix('/') {
                let opened = open.pop();
                if opened.as_deref() != Some(closed) {
                    return Err(format!("</{closed}> closes {opened:?}"));
                }
            } else if !tag.ends_with('/') {
                open.push(name(tag));
            }
            rest = behind;
        }
        open.is_empty()
            .then_some(())
            .ok_or_else(|| format!("{open:?} stay open"))
    }

    fn told() -> Report {
        let mut report = report();
        for number in 0..30_u32 {
            report.series.push(Entry {
                present: number,
                received: 100,
                missed: u64::from(number % 3),
                delay_p99_ms: Some(f64::from(number)),
                delay_p50_ms: (number % 5 > 0).then_some(1.0),
                join_ms: (number % 9 == 0).then_some(200.0),
                server_cores: Some(0.4),
                bots_cores: Some(0.8),
            });
        }
        report
    }

    #[test]
    fn the_page_is_whole_with_its_figures_and_charts() {
        let page = told().judged(Limits::default()).page();
        assert_eq!(is_well_formed(&page), Ok(()));
        for part in [
            "Passed.",
            "50 of 50",
            "240 ms",
            "0.00 %",
            "31 ms",
            "3.1 µs",
            "38 listened",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert_eq!(page.matches("<svg ").count(), 5);
        assert!(page.contains("<polyline class=\"line-0\""));
    }

    #[test]
    fn a_failure_stands_on_top_with_its_reason() {
        let limits = Limits {
            p99_ms: Some(5.0),
            ..Limits::default()
        };
        let page = told().judged(limits).page();
        assert_eq!(is_well_formed(&page), Ok(()));
        let verdict = page.find("Not passed.").expect("a verdict");
        let reason = page.find("7.5 ms (--max-p99-ms 5)").expect("a reason");
        assert!(verdict < reason && reason < page.find("<svg").expect("a chart"));
    }

    #[test]
    fn nothing_is_fetched_and_nothing_from_outside_is_markup() {
        let mut report = told();
        report.faults = vec!["a-1: <script src=\"http://x\">".to_owned()];
        report.server.unavailable = Some("<b>".to_owned());
        let page = report.page();
        assert_eq!(is_well_formed(&page), Ok(()));
        for forbidden in ["<script", "src=\"", "href", "url(", "@import"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("a-1: &lt;script"));
    }

    #[test]
    fn a_page_that_is_not_whole_is_found() {
        for broken in [
            "<p>",
            "<!DOCTYPE html><p><b></p></b>",
            "<!DOCTYPE html><p a=\"></p>",
        ] {
            assert!(is_well_formed(broken).is_err(), "{broken}");
        }
    }
}
