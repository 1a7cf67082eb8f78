//! The server's figures about itself, out of the Prometheus text of its `/metrics`.
//!
//! This module must never know how the text was fetched.

/// What is looked for. Counters of several shards are summed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Packets of members' forwarded, counted once for each receiver.
    pub forwarded: Option<f64>,
    /// Datagrams sent.
    pub sent: Option<f64>,
    /// Processor time of the threads that forward, in s.
    pub media_cpu_s: Option<f64>,
    /// Processor time of the whole process, in s.
    pub cpu_s: Option<f64>,
    /// Memory that it has, in bytes.
    pub rss_bytes: Option<f64>,
}

/// Reads the text; lines that are not looked for, or make no sense, are passed over.
pub fn read(text: &str) -> Figures {
    let mut figures = Figures::default();
    for line in text.lines() {
        // NAME{LABELS} VALUE, or NAME VALUE, and perhaps a time behind.
        let Some(end) = line.find(['{', ' ']) else {
            continue;
        };
        let (name, rest) = line.split_at(end);
        let place = match name {
            "roundtable_media_packets_forwarded_total" => &mut figures.forwarded,
            "roundtable_media_packets_sent_total" => &mut figures.sent,
            "roundtable_media_cpu_seconds_total" => &mut figures.media_cpu_s,
            "process_cpu_seconds_total" => &mut figures.cpu_s,
            "process_resident_memory_bytes" => &mut figures.rss_bytes,
            _ => continue,
        };
        let value = rest.rsplit_once('}').map_or(rest, |(_, value)| value);
        let value = value.split_ascii_whitespace().next();
        let value = value.and_then(|value| value.parse::<f64>().ok());
        if let Some(value) = value.filter(|value| value.is_finite()) {
            *place = Some(place.unwrap_or(0.0) + value);
        }
    }
    figures
}

/// What two readings some time apart come to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Between {
    /// Processor time for each packet forwarded, in µs.
    pub cpu_us_per_forwarded_packet: Option<f64>,
    /// Packets forwarded each second.
    pub packets_per_second: Option<f64>,
    /// Processor time of the whole process, in cores.
    pub cores: Option<f64>,
    /// Processor time of the threads that forward, in cores.
    pub media_cores: Option<f64>,
}

impl Figures {
    /// What has happened between an earlier reading and this one.
    pub fn since(&self, earlier: &Self, seconds: f64) -> Between {
        let grown =
            |now: Option<f64>, then: Option<f64>| Some(now? - then?).filter(|by| *by >= 0.0);
        let rate = |grown: Option<f64>| Some(grown? / seconds).filter(|rate| rate.is_finite());
        let cpu_s = grown(self.cpu_s, earlier.cpu_s);
        let forwarded = grown(self.forwarded, earlier.forwarded);
        let each = cpu_s.zip(forwarded).filter(|(_, packets)| *packets > 0.0);
        Between {
            cpu_us_per_forwarded_packet: each.map(|(cpu_s, packets)| cpu_s * 1e6 / packets),
            packets_per_second: rate(forwarded),
            cores: rate(cpu_s),
            media_cores: rate(grown(self.media_cpu_s, earlier.media_cpu_s)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP process_cpu_seconds_total CPU.\n\
        # TYPE process_cpu_seconds_total counter\n\
        process_cpu_seconds_total 12.5\n\
        process_resident_memory_bytes 1.048576e+07 1605754800000\n\
        roundtable_media_packets_forwarded_total{shard=\"0\"} 1000\n\
        roundtable_media_packets_forwarded_total{shard=\"1\",other=\"a } b\"} 500\n\
        roundtable_media_packets_sent_total{shard=\"0\"} x\n\
        roundtable_media_cpu_seconds_total{shard=\"0\"} 2\n\
        something_else{} 7\n\nno value";

    #[test]
    fn figures_are_found_and_shards_summed() {
        let figures = read(TEXT);
        assert_eq!(
            figures,
            Figures {
                forwarded: Some(1500.0),
                sent: None,
                media_cpu_s: Some(2.0),
                cpu_s: Some(12.5),
                rss_bytes: Some(10_485_760.0),
            }
        );
        assert_eq!(read("<html>404"), Figures::default());
    }

    #[test]
    fn two_readings_make_rates() {
        let later = Figures {
            forwarded: Some(3500.0),
            cpu_s: Some(12.52),
            media_cpu_s: Some(2.01),
            ..read(TEXT)
        };
        let between = later.since(&read(TEXT), 2.0);
        let near = |found: Option<f64>, expected: f64| {
            let found = found.expect("a figure");
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        };
        near(between.cpu_us_per_forwarded_packet, 10.0);
        near(between.packets_per_second, 1000.0);
        near(between.cores, 0.01);
        near(between.media_cores, 0.005);
        // A server that was started anew counts from 0 again.
        assert_eq!(read(TEXT).since(&later, 2.0), Between::default());
        assert_eq!(later.since(&read(TEXT), 0.0).packets_per_second, None);
    }
}
