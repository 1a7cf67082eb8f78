//! What a path carries: told to publishers of theirs, and estimated of each subscriber's.
//!
//! Pure: packets' numbers, sizes and times in, feedback and estimates out. [`Arrivals`] is for the
//! way from a publisher, [`Downlink`] for the way to a subscriber. These modules must never know
//! what a packet holds, whose it is, or what is done with an estimate.

#![forbid(unsafe_code)]

mod aimd;
mod arrivals;
mod chunks;
mod downlink;
mod estimate;
mod feedback;
mod groups;
mod loss;
mod peak;
mod probe;
mod queue;
mod report;
#[cfg(test)]
mod scenarios;
mod sent;
mod throughput;
mod trend;

pub use arrivals::Arrivals;
pub use downlink::Downlink;
pub use feedback::{Feedback, PeerClock};
pub use probe::Padding;
pub use sent::{Sent, SentLog};

/// No estimate is lower, in bits per second: speech and its feedback need as much.
const RATE_MIN: f64 = 30_000.0;
/// None is higher, whatever feedback says: a wall of pictures in full size.
const RATE_MAX: f64 = 50_000_000.0;
