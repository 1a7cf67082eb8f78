//! What a path carries: told to publishers of theirs, and estimated of each subscriber's.
//!
//! Pure: packets' numbers, sizes and times in, feedback and estimates out. These modules must
//! never know what a packet holds, whose it is, or what is done with an estimate.

#![forbid(unsafe_code)]

mod arrivals;
mod chunks;
mod feedback;
mod sent;

pub use arrivals::Arrivals;
pub use feedback::{Feedback, PeerClock};
pub use sent::{Sent, SentLog};
