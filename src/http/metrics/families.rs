//! Every family of the page: its name, what it counts, where its number comes from.

use super::{
    page::{Kind, Page},
    process::Process,
};
use crate::media::{Counts, RUN_LENGTHS};

/// Everything that is counted, at one moment.
pub(super) struct Totals {
    /// In the order of the shards.
    pub shards: Vec<Counts>,
    /// Members' connections in a room.
    pub members: usize,
    /// Signalling connections.
    pub connections: usize,
    pub process: Process,
}

type OfShard = (&'static str, Kind, &'static str, fn(&Counts) -> u64);

/// Whole numbers of each shard.
const OF_SHARDS: [OfShard; 16] = [
    (
        "roundtable_media_packets_received_total",
        Kind::Counter,
        "Packets that arrived, whatever they were.",
        |of| of.packets_received,
    ),
    (
        "roundtable_media_bytes_received_total",
        Kind::Counter,
        "Their bytes, without the headers of IP, UDP and TCP.",
        |of| of.bytes_received,
    ),
    (
        "roundtable_media_packets_sent_total",
        Kind::Counter,
        "Packets that left, whatever they were.",
        |of| of.packets_sent,
    ),
    (
        "roundtable_media_bytes_sent_total",
        Kind::Counter,
        "Their bytes, without the headers of IP, UDP and TCP.",
        |of| of.bytes_sent,
    ),
    (
        "roundtable_media_packets_forwarded_total",
        Kind::Counter,
        "Media packets sent to a subscriber, each subscriber counted, repetitions not.",
        |of| of.packets_forwarded,
    ),
    (
        "roundtable_media_packets_repeated_total",
        Kind::Counter,
        "Media packets that a subscriber asked for again and was sent again.",
        |of| of.packets_repeated,
    ),
    (
        "roundtable_media_packets_refused_total",
        Kind::Counter,
        "Packets that the system did not take for sending: no route, or a full buffer.",
        |of| of.packets_refused,
    ),
    (
        "roundtable_media_receive_drops_total",
        Kind::Counter,
        "Packets that the system dropped because nobody had read those before them.",
        |of| of.receive_drops,
    ),
    (
        "roundtable_media_nacks_received_total",
        Kind::Counter,
        "Packets that subscribers asked for again.",
        |of| of.nacks_received,
    ),
    (
        "roundtable_media_nacks_sent_total",
        Kind::Counter,
        "Packets that were asked for again at publishers.",
        |of| of.nacks_sent,
    ),
    (
        "roundtable_media_key_frame_requests_received_total",
        Kind::Counter,
        "Key frames that subscribers asked for.",
        |of| of.key_frame_requests_received,
    ),
    (
        "roundtable_media_key_frame_requests_sent_total",
        Kind::Counter,
        "Key frames that were asked for at publishers.",
        |of| of.key_frame_requests_sent,
    ),
    (
        "roundtable_media_sessions",
        Kind::Gauge,
        "Sessions that live on the shard.",
        |of| whole(of.sessions),
    ),
    (
        "roundtable_media_peers",
        Kind::Gauge,
        "Peer connections on the shard.",
        |of| whole(of.peers),
    ),
    (
        "roundtable_media_estimated_peers",
        Kind::Gauge,
        "Peers of whose path something is known.",
        |of| whole(of.estimated),
    ),
    (
        "roundtable_media_estimate_bits",
        Kind::Gauge,
        "What those paths are believed to carry together, in bits a second.",
        |of| of.estimates_bits,
    ),
];

/// The whole page.
pub(super) fn page(totals: &Totals) -> String {
    let mut page = Page::default();
    for (name, kind, help, value) in OF_SHARDS {
        page.family(name, kind, help);
        for (shard, counts) in totals.shards.iter().enumerate() {
            page.of_shard(name, shard, value(counts));
        }
    }
    let cpu = "roundtable_media_cpu_seconds_total";
    page.family(cpu, Kind::Counter, "Processor time of the shard's thread.");
    for (shard, counts) in totals.shards.iter().enumerate() {
        page.of_shard(cpu, shard, counts.cpu.as_secs_f64());
    }
    runs(&mut page, &totals.shards);
    people(&mut page, totals);
    process(&mut page, &totals.process);
    page.text()
}

/// How many packets are handed to the system at once.
fn runs(page: &mut Page, shards: &[Counts]) {
    let name = "roundtable_media_gso_run_length";
    page.family(
        name,
        Kind::Histogram,
        "Packets in a message handed to the system.",
    );
    // What is counted begins at a length; a bucket says where it ends.
    let ends = RUN_LENGTHS
        .iter()
        .skip(1)
        .map(|next| Some(next.saturating_sub(1)))
        .chain([None]);
    for (shard, counts) in shards.iter().enumerate() {
        let mut up_to = 0_u64;
        for (most, count) in ends.clone().zip(counts.runs) {
            up_to = up_to.saturating_add(count);
            page.bucket(name, shard, most, up_to);
        }
        page.of_shard(&format!("{name}_sum"), shard, counts.packets_in_runs);
        page.of_shard(&format!("{name}_count"), shard, up_to);
    }
}

fn people(page: &mut Page, totals: &Totals) {
    let members = "roundtable_members";
    page.family(members, Kind::Gauge, "Connections of members in a room.");
    page.sample(members, totals.members);
    let connections = "roundtable_connections";
    page.family(connections, Kind::Gauge, "Signalling connections.");
    page.sample(connections, totals.connections);
}

/// Under the names that every Prometheus client gives them. What the system does not tell is left out.
fn process(page: &mut Page, process: &Process) {
    if let Some(seconds) = process.cpu_s {
        let name = "process_cpu_seconds_total";
        page.family(name, Kind::Counter, "Processor time of the process.");
        page.sample(name, seconds);
    }
    if let Some(bytes) = process.resident_bytes {
        let name = "process_resident_memory_bytes";
        page.family(name, Kind::Gauge, "Memory of the process.");
        page.sample(name, bytes);
    }
    if let Some(count) = process.open_files {
        let name = "process_open_fds";
        page.family(name, Kind::Gauge, "Open files and connections.");
        page.sample(name, count);
    }
    if let Some(seconds) = process.started_s {
        let name = "process_start_time_seconds";
        page.family(name, Kind::Gauge, "When it was started, since 1970.");
        page.sample(name, seconds);
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn totals() -> Totals {
        let busy = Counts {
            packets_sent: 44,
            packets_in_runs: 33,
            runs: [4, 3, 2, 1, 0, 0],
            cpu: Duration::from_millis(1500),
            peers: 7,
            ..Counts::default()
        };
        Totals {
            shards: vec![Counts::default(), busy],
            members: 3,
            connections: 5,
            process: Process {
                cpu_s: Some(0.25),
                ..Process::default()
            },
        }
    }

    #[test]
    fn each_shard_has_its_line() {
        let text = page(&totals());
        for line in [
            "# TYPE roundtable_media_peers gauge",
            "roundtable_media_peers{shard=\"0\"} 0",
            "roundtable_media_peers{shard=\"1\"} 7",
            "roundtable_media_packets_sent_total{shard=\"1\"} 44",
            "roundtable_media_cpu_seconds_total{shard=\"1\"} 1.5",
            "roundtable_members 3",
            "roundtable_connections 5",
            "process_cpu_seconds_total 0.25",
        ] {
            assert!(text.lines().any(|its| its == line), "{line} in\n{text}");
        }
        assert!(!text.contains("process_open_fds"), "what is not known");
    }

    #[test]
    fn buckets_hold_all_that_is_below_them() {
        let text = page(&totals());
        let runs: Vec<&str> = text
            .lines()
            .filter(|line| {
                line.starts_with("roundtable_media_gso_run_length") && line.contains("shard=\"1\"")
            })
            .filter_map(|line| line.split_once("length"))
            .map(|(_, rest)| rest)
            .collect();
        assert_eq!(
            runs,
            [
                "_bucket{shard=\"1\",le=\"1\"} 4",
                "_bucket{shard=\"1\",le=\"3\"} 7",
                "_bucket{shard=\"1\",le=\"7\"} 9",
                "_bucket{shard=\"1\",le=\"15\"} 10",
                "_bucket{shard=\"1\",le=\"31\"} 10",
                "_bucket{shard=\"1\",le=\"+Inf\"} 10",
                "_sum{shard=\"1\"} 33",
                "_count{shard=\"1\"} 10",
            ]
        );
    }
}
