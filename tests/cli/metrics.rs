//! `/metrics`: what a running server counts, and who may read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::UdpSocket,
};

use crate::{
    program::{Place, Served, now},
    web::{PATIENCE, Socket, get},
};

/// Every sample by its name with labels, after each line has been held to the format.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut families = BTreeSet::new();
    let mut family = ("", "");
    let mut helped = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a name and words");
            assert!(!words.is_empty(), "{line}");
            helped = name;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            family = kind.split_once(' ').expect("a name and a kind");
            assert_eq!(family.0, helped, "help and type belong together: {line}");
            assert!(
                ["counter", "gauge", "histogram"].contains(&family.1),
                "{line}"
            );
            assert!(families.insert(family.0), "a family comes once: {line}");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            let bare = name.split('{').next().expect("a name");
            let parts = ["_bucket", "_sum", "_count"];
            let of_family = bare == family.0
                || family.1 == "histogram"
                    && parts
                        .iter()
                        .any(|part| bare.strip_suffix(part) == Some(family.0));
            assert!(of_family, "{line} stands below {family:?}");
            if family.1 == "counter" {
                assert!(bare.ends_with("_total"), "{line}");
            }
            let value: f64 = value.parse().expect("a number");
            assert!(samples.insert(name.to_owned(), value).is_none(), "{line}");
        }
    }
    assert!(text.ends_with('\n'), "the last line has its end");
    samples
}

fn read(served: &Served) -> BTreeMap<String, f64> {
    let page = get(served, "/metrics", "");
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(
        page.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    samples(&page.body)
}

#[tokio::test]
async fn every_line_is_well_formed_and_what_happens_is_counted() {
    let place = Place::new();
    let served = place.serve(&["--demo", "--shards", "2", "--media-addr", "127.0.0.1"]);
    let first = read(&served);
    for name in [
        "roundtable_media_packets_received_total{shard=\"0\"}",
        "roundtable_media_packets_received_total{shard=\"1\"}",
        "roundtable_media_bytes_received_total{shard=\"0\"}",
        "roundtable_media_packets_sent_total{shard=\"0\"}",
        "roundtable_media_bytes_sent_total{shard=\"0\"}",
        "roundtable_media_packets_forwarded_total{shard=\"0\"}",
        "roundtable_media_packets_repeated_total{shard=\"0\"}",
        "roundtable_media_packets_refused_total{shard=\"0\"}",
        "roundtable_media_receive_drops_total{shard=\"0\"}",
        "roundtable_media_nacks_received_total{shard=\"0\"}",
        "roundtable_media_nacks_sent_total{shard=\"0\"}",
        "roundtable_media_key_frame_requests_received_total{shard=\"0\"}",
        "roundtable_media_key_frame_requests_sent_total{shard=\"0\"}",
        "roundtable_media_cpu_seconds_total{shard=\"0\"}",
        "roundtable_media_gso_run_length_bucket{shard=\"0\",le=\"+Inf\"}",
        "roundtable_media_gso_run_length_sum{shard=\"0\"}",
        "roundtable_media_gso_run_length_count{shard=\"0\"}",
        "roundtable_media_peers{shard=\"0\"}",
        "roundtable_media_sessions{shard=\"0\"}",
        "roundtable_media_estimate_bits{shard=\"0\"}",
        "roundtable_members",
        "roundtable_connections",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(first.contains_key(name), "{name} in {first:?}");
    }
    assert_eq!(first["roundtable_connections"], 0.0);

    // Nothing that media would answer, but it has come.
    let media = served
        .greeting
        .lines()
        .find_map(|line| line.strip_prefix("Media on UDP "))
        .expect("its media");
    let address = media.split(", ").next().expect("an address");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
    stranger.send_to(&[7; 100], address).expect("sent");
    let (_socket, said) = Socket::hello(&served, "no token").await;
    assert!(said.is_err());
    let received = "roundtable_media_packets_received_total{shard=\"0\"}";
    let bytes = "roundtable_media_bytes_received_total{shard=\"0\"}";
    let asked = now();
    loop {
        let now = read(&served);
        if now[received] > first[received] && now["roundtable_connections"] == 1.0 {
            assert!(now[bytes] >= first[bytes] + 100.0, "{now:?}");
            break;
        }
        assert!(asked.elapsed() < PATIENCE, "{now:?}");
    }
}

#[test]
fn who_comes_through_a_proxy_needs_the_token() {
    let place = Place::new();
    let forwarded = "X-Forwarded-For: 192.0.2.1\r\n";
    let bearer = |token: &str| format!("{forwarded}Authorization: Bearer {token}\r\n");
    let served = place.serve(&["--demo"]);
    let refused = get(&served, "/metrics", forwarded);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body.contains("http.metrics_token"), "{refused:?}");
    assert_eq!(refused.body.lines().count(), 1, "{refused:?}");
    assert_eq!(get(&served, "/metrics", &bearer("")).status, 403);
    drop(served);

    let config = place.file("r.toml", "[http]\nmetrics_token = \"open sesame\"\n");
    let served = place.serve(&["--demo", "--config", &config]);
    for (token, status) in [("open sesame", 200), ("open", 403)] {
        let answer = get(&served, "/metrics", &bearer(token));
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(get(&served, "/metrics", "").status, 200, "this machine");
}
