//! The whole server on one core, its load on another: processor time for each forwarded packet,
//! system calls and everything else included, beside the bare paced send of the same load in the same
//! run.
//!
//! `cargo bench --bench server` takes some eight minutes and prints a line for each load: the median of
//! three runs, what is to be reached, and the ratio to the bare send. `-- --runs N --seconds N` make it
//! longer or shorter. The load is `roundtable loadtest` with receivers that read everything; figures of
//! the server are its own `/metrics`.

#[path = "support/house.rs"]
mod house;
#[path = "support/paced.rs"]
mod paced;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use house::House;
use paced::{LOADS, Load, Way};
use serde_json::Value;

const SERVER_CORE: usize = 0;
const LOAD_CORE: usize = 1;
/// Receivers of a plenary, to see what more of them cost.
const AUDIENCES: [usize; 5] = [10, 25, 50, 100, 200];

/// What a load is to cost.
struct Line {
    load: Load,
    scenario: &'static str,
    participants: usize,
    /// In µs for each forwarded packet.
    micros_max: f64,
    /// Times the bare send, and which.
    ratio_max: f64,
    way: Way,
}

fn lines() -> [Line; 3] {
    let [audio, gallery, plenary] = LOADS;
    [
        Line {
            load: audio,
            scenario: "audio",
            participants: 53,
            micros_max: 6.5,
            ratio_max: 1.3,
            way: Way::Sendmmsg,
        },
        Line {
            load: gallery,
            scenario: "gallery",
            participants: 10,
            micros_max: 7.5,
            ratio_max: 1.5,
            way: Way::Sendmmsg,
        },
        Line {
            load: plenary,
            scenario: "plenary",
            participants: 51,
            micros_max: 4.0,
            ratio_max: 1.7,
            way: Way::Gso,
        },
    ]
}

/// How long and how often.
struct Plan {
    seconds: u64,
    runs: usize,
}

fn main() {
    let number = |flag: &str| {
        let mut arguments = std::env::args().skip_while(|argument| argument != flag);
        arguments.nth(1).and_then(|number| number.parse().ok())
    };
    let plan = Plan {
        seconds: number("--seconds").unwrap_or(10),
        runs: number("--runs").map_or(3, |runs: u64| runs.max(1) as usize),
    };
    for line in lines() {
        let time = Duration::from_secs(plan.seconds / 2 + 1);
        let bare = paced::median_micros(line.load, line.way, time, plan.runs);
        for cipher in ["gcm", "cm"] {
            let found = measure(&plan, line.scenario, line.participants, cipher);
            println!(
                "server {} {cipher}: {:.2} us/packet (to reach {}), bare {} {bare:.2}, ratio {:.2} (to reach {}), \
                 added delay p50 {:.2} ms, p99 {:.2} ms, join to first media p95 {:.0} ms, lost {}",
                line.load.name,
                found.micros,
                line.micros_max,
                line.way.name(),
                found.micros / bare,
                line.ratio_max,
                found.delay_ms.0,
                found.delay_ms.1,
                found.join_ms,
                found.lost,
            );
        }
    }
    for audience in AUDIENCES {
        let found = measure(&plan, "plenary", audience + 1, "gcm");
        println!(
            "server plenary to {audience}: {:.2} us/packet, {:.0} packets/s, {:.1} MiB, lost {}",
            found.micros, found.packets_per_s, found.mebibytes, found.lost
        );
    }
}

/// Medians of some runs.
struct Found {
    micros: f64,
    packets_per_s: f64,
    mebibytes: f64,
    delay_ms: (f64, f64),
    join_ms: f64,
    lost: f64,
}

fn measure(plan: &Plan, scenario: &str, participants: usize, cipher: &str) -> Found {
    let reports: Vec<Value> = (0..plan.runs)
        .map(|_| run(plan, scenario, participants, cipher))
        .collect();
    let median = |key: &dyn Fn(&Value) -> &Value| {
        let numbers = reports.iter().map(|report| key(report).as_f64());
        let mut numbers: Vec<f64> = numbers.map(|number| number.unwrap_or(f64::NAN)).collect();
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    Found {
        micros: median(&|report| &report["server"]["cpu_us_per_forwarded_packet"]),
        packets_per_s: median(&|report| &report["server"]["packets_per_second"]),
        mebibytes: median(&|report| &report["server"]["rss_bytes"]) / 1_048_576.0,
        delay_ms: (
            median(&|report| &report["forward_delay_ms"]["p50"]),
            median(&|report| &report["forward_delay_ms"]["p99"]),
        ),
        join_ms: median(&|report| &report["first_media_ms"]["p95"]),
        lost: median(&|report| &report["packets"]["lost_after_repair"]),
    }
}

/// One server, one load.
fn run(plan: &Plan, scenario: &str, participants: usize, cipher: &str) -> Value {
    let house = House::open(participants, "open:25", Some(SERVER_CORE));
    // Whole clients alone send; everybody who only listens is lean.
    let speakers = match scenario {
        "audio" => 3,
        "plenary" => 1,
        _ => participants,
    };
    let file = house.links.with_extension("json");
    let mut load = Command::new(house::PROGRAM);
    load.args(["loadtest", "--scenario", scenario, "--cipher", cipher])
        .args(["--participants", &participants.to_string()])
        .args(["--lean", &(participants - speakers).to_string()])
        .args([
            "--ramp",
            "3",
            "--duration",
            &plan.seconds.to_string(),
            "--links",
        ])
        .arg(&house.links)
        .arg("--json")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    house::stay_on(&mut load, LOAD_CORE);
    load.status().expect("the load test runs");
    let text = std::fs::read_to_string(&file).expect("the load test reports");
    serde_json::from_str(&text).expect("a report")
}
