//! The bare paced send, without a server: what the kernel alone takes to bring each load's datagrams
//! from one core to readers on another, at the pace of real media. It is the limit that the whole
//! server is held against.
//!
//! `cargo bench --bench wire [-- --seconds N]` prints a line for each load and way of sending:
//! `wire plenary x50 gso: <µs> us/packet`, the median of three runs. Processor time is the sending
//! thread's, in which Linux also does the receiving half of a loopback send.

#[path = "support/paced.rs"]
mod paced;

use std::time::Duration;

use paced::{LOADS, Way};

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--seconds");
    let seconds = arguments.nth(1).and_then(|number| number.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(5));
    for load in LOADS {
        for way in [Way::Sendmmsg, Way::Gso] {
            let micros = paced::median_micros(load, way, time, 3);
            println!("wire {} {}: {micros:.2} us/packet", load.name, way.name());
        }
    }
}
